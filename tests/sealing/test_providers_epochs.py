"""What a provider answers is checked where it is used, whatever it answers (crypto D.34)."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import pytest
from tests.sealing.support import ANNA, AT, ROOT, DictStore, add_person, make_keys

from gdprkit.sealing.errors import (
    FieldCryptoError,
    KeyEpochDestroyed,
    KeyIntegrityError,
    KeyProviderDenied,
    KeyProviderUnavailable,
)
from gdprkit.sealing.providers import MemoryProvider, ProviderDescription
from gdprkit.sealing.secret import bare

T = TypeVar("T")


class Twisted:
    """A right provider whose answers to one call are twisted."""

    def __init__(self, call: str, twist: Any) -> None:
        self.inner, self.call, self.twist = MemoryProvider(ROOT), call, twist
        self.keys: list[bytes] = []

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        self.keys.append(key)
        return self._answer("wrap", key, self.inner.wrap(key, context))

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        key = self.inner.unwrap(wrapped, context)
        return self._answer("unwrap", key, key)

    def rewrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes | None:
        return self.inner.rewrap(wrapped, context)

    def describe(self) -> ProviderDescription:
        return self._answer("describe", (self.keys or [ROOT])[-1], self.inner.describe())

    def _answer(self, call: str, key: bytes, answer: T) -> T:
        twisted: Any = self.twist(key) if call == self.call else answer
        if isinstance(twisted, Exception):
            raise twisted
        return cast("T", twisted)


def shown_by(error: FieldCryptoError, *, frames: bool) -> str:
    """Return the texts of an error and, of gdprkit's own frames, the variables."""
    shown = [str(error), repr(error), *traceback.format_exception(error)]
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frames and "tests" not in frame.f_code.co_filename:
            shown.extend(repr(value) for value in frame.f_locals.values())
    return "\n".join(shown)


WRONG: dict[str, tuple[Callable[[bytes], Any], type[FieldCryptoError]]] = {
    "31-bytes": (lambda key: key[:31], KeyIntegrityError),
    "33-bytes": (lambda key: key + b"\0", KeyIntegrityError),
    "empty": (lambda key: b"", KeyIntegrityError),
    "text": (lambda key: key.decode("latin-1"), KeyIntegrityError),
    "hex": (lambda key: key.hex(), KeyIntegrityError),
    "buffer": (bytearray, KeyIntegrityError),
    "nothing": (lambda key: None, KeyIntegrityError),
    "timeout": (lambda key: TimeoutError(f"{key!r}"), KeyProviderUnavailable),
    "reset": (lambda key: ConnectionResetError(key.hex()), KeyProviderUnavailable),
    "forbidden": (lambda key: PermissionError(f"{key!r}"), KeyProviderDenied),
    "foreign": (lambda key: ValueError(f"context mismatch for {key!r}"), KeyProviderDenied),
    "foreign-hex": (lambda key: KeyError(key.hex()), KeyProviderDenied),
    "throttled": (lambda key: KeyProviderUnavailable("x", "throttles"), KeyProviderUnavailable),
    "denied": (lambda key: KeyProviderDenied("x", "refused", "ask"), KeyProviderDenied),
    "damaged": (lambda key: KeyIntegrityError("a key", "does not open"), KeyIntegrityError),
    "destroyed": (lambda key: KeyEpochDestroyed("k1"), KeyEpochDestroyed),
}


def refused(keys: Any, expected: type[FieldCryptoError]) -> FieldCryptoError:
    with pytest.raises(expected) as raised:
        keys.create(ANNA, at=AT)
    assert type(raised.value) is expected
    assert raised.value.retryable is (expected is KeyProviderUnavailable)
    return raised.value


@pytest.mark.parametrize("name", WRONG)
def test_d34_what_unwrap_answers_is_checked_and_not_shown(name: str) -> None:
    """Every wrong answer is its own error; no text shows the key, nor do our frames keep it."""
    twist, expected = WRONG[name]
    provider = Twisted("unwrap", twist)
    error = refused(make_keys(DictStore(), provider=provider), expected)
    # an error of the provider's own is in the frame that turns it into ours
    answered = not isinstance(twist(b""), Exception)
    shown = shown_by(error, frames=answered)
    for key in provider.keys:
        assert repr(key)[2:40] not in shown
        assert key.hex()[:60] not in shown


NO_WRAPS = [name for name in WRONG if name not in {"31-bytes", "33-bytes"}]


@pytest.mark.parametrize("name", NO_WRAPS)
def test_d34_what_wrap_answers_is_checked_and_nothing_is_stored(name: str) -> None:
    """An epoch key whose wrap is no wrap is not stored, and its error does not show it."""
    twist, expected = WRONG[name]
    provider, store = Twisted("wrap", twist), DictStore()
    error = refused(make_keys(store, provider=provider), expected)
    assert store.epoch_rows == []
    for key in provider.keys:
        assert repr(key)[2:40] not in shown_by(error, frames=False)
        assert key.hex()[:60] not in shown_by(error, frames=False)


@pytest.mark.parametrize(
    "twist", [lambda key: None, lambda key: key, lambda key: OSError(repr(key))]
)
def test_d34_a_provider_that_cannot_describe_itself_stores_nothing(twist: Any) -> None:
    """A wrap without the name of its root key is not kept."""
    provider, store = Twisted("describe", twist), DictStore()
    with pytest.raises((KeyProviderDenied, KeyProviderUnavailable)) as raised:
        make_keys(store, provider=provider).create(ANNA, at=AT)
    assert store.epoch_rows == []
    told = (provider.keys or [ROOT])[-1]  # asked before anything is wrapped: what it was told
    assert repr(told)[2:40] not in shown_by(bare(raised.value), frames=False)


def test_d34_a_wrap_of_another_context_is_damage() -> None:
    """An epoch row that was copied from another tenant does not open, and says no more."""
    ours, theirs = DictStore(), DictStore()
    provider = Twisted("none", None)
    add_person(make_keys(theirs, provider=provider, tenant="theirs"), theirs)
    ours.epoch_rows = list(theirs.epoch_rows)
    error = refused(make_keys(ours, provider=provider), KeyIntegrityError)
    for key in provider.keys:
        assert repr(key)[2:40] not in shown_by(error, frames=True)


def test_d34_a_service_that_comes_back_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure is not remembered: the next call asks again and finds everything."""
    store = DictStore()
    made = add_person(make_keys(store), store)
    provider = Twisted("unwrap", lambda key: TimeoutError("busy"))
    keys = make_keys(store, provider=provider)
    for _ in range(2):
        with pytest.raises(KeyProviderUnavailable):
            keys.of(ANNA)
    provider.call = "none"
    assert keys.of(ANNA).newest.key_id == made.newest.key_id
