"""First keys made by two at once, and providers that fail (crypto D.33, D.34)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.sealing.support import ANNA, AT, BERT, ROOT, DictStore, add_person, dec, enc, make_keys

from gdprkit.errors import PositionTaken
from gdprkit.sealing.errors import (
    KeyIntegrityError,
    KeyProviderDenied,
    KeyProviderUnavailable,
)
from gdprkit.sealing.providers import ProviderDescription


def test_d33_the_loser_of_a_race_uses_the_winners_key() -> None:
    """Two processes make Anna's first key at once: one row is stored, both then seal under it."""
    store = DictStore()
    one, two = make_keys(store), make_keys(store)
    (_, first), (lost, second) = one.create(ANNA, at=AT), two.create(ANNA, at=AT)
    store.put(first)
    with pytest.raises(PositionTaken):
        store.put(second)
    winner, loser = one.of(ANNA), two.of(ANNA)
    assert loser.newest.key_id == winner.newest.key_id == first.key_id != lost.newest.key_id
    sealed = enc("x", loser.newest)
    assert dec(sealed, winner) == "x"


class RacingStore(DictStore):
    """Another process stores its first epochs between our look and our write."""

    def add_epoch(self, row: Any) -> None:
        if not self.epoch_rows:
            other = DictStore()
            make_keys(other).create(BERT, at=AT)
            self.epoch_rows = other.epoch_rows
        super().add_epoch(row)


def test_d33_the_loser_of_a_race_for_the_first_epoch_uses_the_stored_one() -> None:
    """No key is ever wrapped by an epoch that was not stored."""
    store = RacingStore()
    keys = add_person(make_keys(store), store)
    assert len(store.epoch_rows) == 2
    assert make_keys(store).of(ANNA).newest.key_id == keys.newest.key_id


class ForgetfulStore(DictStore):
    """Drops epochs."""

    def add_epoch(self, row: Any) -> None:
        """Lose it."""


def test_an_epoch_that_was_not_kept_is_not_used() -> None:
    """A store that loses the first epoch is noticed before anything is sealed."""
    with pytest.raises(KeyIntegrityError, match="not kept"):
        make_keys(ForgetfulStore()).create(ANNA, at=AT)


class BadProvider:
    """Answers with whatever it was given."""

    def __init__(self, wrapped: Any = b"wrapped", key: Any = ROOT) -> None:
        self.wrapped, self.key = wrapped, key

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        return self._answer(self.wrapped)

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        return self._answer(self.key)

    def rewrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes | None:
        return None

    def describe(self) -> ProviderDescription:
        return ProviderDescription(key_id="bad", kind="bad")

    def _answer(self, answer: Any) -> bytes:
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]


SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("answer", "error", "retryable"),
    [
        (TimeoutError(SECRET), KeyProviderUnavailable, True),
        (ConnectionResetError(SECRET), KeyProviderUnavailable, True),
        (PermissionError(SECRET), KeyProviderDenied, False),
        (KeyProviderUnavailable("service", "is throttling"), KeyProviderUnavailable, True),
        (KeyProviderDenied("service", "refused", "ask"), KeyProviderDenied, False),
        (SECRET.encode() + b"\0" * 16, KeyIntegrityError, False),
        (SECRET.encode() + b"\0" * 18, KeyIntegrityError, False),
        (b"", KeyIntegrityError, False),
        (SECRET * 2, KeyIntegrityError, False),
        (bytearray(32), KeyIntegrityError, False),
        (None, KeyIntegrityError, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_d34_a_failing_provider_is_told_apart_and_shows_nothing(
    answer: Any, error: type[Exception], retryable: bool
) -> None:
    """Down, denied and wrong answers are three errors, and none repeats what was answered."""
    with pytest.raises(error) as raised:
        make_keys(DictStore(), provider=BadProvider(key=answer)).create(ANNA, at=AT)
    assert SECRET not in str(raised.value)
    assert SECRET not in repr(raised.value)
    assert raised.value.__context__ is None  # its text would show the secret
    assert raised.value.retryable is retryable  # type: ignore[attr-defined]


@pytest.mark.parametrize("answer", ["text", b"", None, 7])
def test_d34_a_wrap_that_is_no_bytes_is_not_stored(answer: Any) -> None:
    """An epoch whose wrap cannot be kept never begins."""
    store = DictStore()
    with pytest.raises(KeyIntegrityError, match="not wrapped"):
        make_keys(store, provider=BadProvider(wrapped=answer)).create(ANNA, at=AT)
    assert store.epoch_rows == []
