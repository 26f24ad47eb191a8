"""The contract of key providers catches providers that are wrong in one thing each."""

from __future__ import annotations

import inspect
import os
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from time import sleep
from typing import Any, cast

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gdprkit.sealing.errors import (
    KeyIntegrityError,
    KeyProviderDenied,
    KeyProviderUnavailable,
)
from gdprkit.sealing.providers import KeyProvider, ProviderDescription
from gdprkit.sealing.secret import KeepsSecrets
from gdprkit.testing.provider_contract import KeyProviderContract

Context = Mapping[str, str]


class Right(KeepsSecrets):
    """A right provider to be made wrong: its second byte names the root key."""

    def __init__(self, roots: Mapping[int, bytes] | None = None, fails: str = "") -> None:
        self.roots = dict(roots or {1: os.urandom(32)})
        self.active = max(self.roots)
        self.fails = fails

    def bound(self, context: Context) -> bytes:
        return repr(sorted(context.items())).encode()

    def answer(self) -> None:
        if self.fails == "down":
            raise KeyProviderUnavailable("test", "does not answer")
        if self.fails == "shut":
            raise KeyProviderDenied("test", "is shut", "open it")

    def wrap(self, key: bytes, context: Context) -> Any:
        self.answer()
        nonce = os.urandom(12)
        sealed = AESGCM(self.roots[self.active]).encrypt(nonce, key, self.bound(context))
        return b"R" + bytes((self.active,)) + nonce + sealed

    def unwrap(self, wrapped: bytes, context: Context) -> Any:
        self.answer()
        if len(wrapped) != 62 or wrapped[:1] != b"R":
            raise KeyIntegrityError("an epoch key", "was not wrapped here")
        if wrapped[1] not in self.roots:
            raise KeyProviderDenied("test", "has no such key", "add it")
        root = AESGCM(self.roots[wrapped[1]])
        try:
            return root.decrypt(wrapped[2:14], wrapped[14:], self.bound(context))
        except InvalidTag:
            raise KeyIntegrityError("an epoch key", "does not open") from None

    def rewrap(self, wrapped: bytes, context: Context) -> Any:
        self.answer()
        if wrapped[1] == self.active:
            return None
        return self.wrap(self.unwrap(wrapped, context), context)

    def describe(self) -> ProviderDescription:
        return ProviderDescription(key_id=f"root-{self.active}", kind="test")


class IgnoresContext(Right):
    def bound(self, context: Context) -> bytes:
        return b""


class IgnoresNames(Right):
    def bound(self, context: Context) -> bytes:
        return repr(sorted(context.values())).encode()


class JoinsEntries(Right):
    def bound(self, context: Context) -> bytes:
        return ",".join(f"{name}={value}" for name, value in sorted(context.items())).encode()


class KeepsOrder(Right):
    def bound(self, context: Context) -> bytes:
        return repr(list(context.items())).encode()


class ChecksOneEntry(Right):
    def bound(self, context: Context) -> bytes:
        return context.get("epoch", "").encode()


class StoresThePlainKey(Right):
    """Binds and checks everything, and encrypts nothing."""

    def wrap(self, key: bytes, context: Context) -> Any:
        return b"R" + bytes((self.active,)) + key + bytes(28)

    def unwrap(self, wrapped: bytes, context: Context) -> Any:
        return wrapped[2:34]


class MovesWithoutContext(Right):
    def rewrap(self, wrapped: bytes, context: Context) -> Any:
        return wrapped and super().rewrap(wrapped, context) and self.wrap(b"k" * 32, {})


class MovesUnderNoContext(Right):
    """Wraps anew without the context, and opens such wraps under any."""

    def unwrap(self, wrapped: bytes, context: Context) -> Any:
        try:
            return super().unwrap(wrapped, context)
        except KeyIntegrityError:
            return super().unwrap(wrapped, {})

    def rewrap(self, wrapped: bytes, context: Context) -> Any:
        opened = super().rewrap(wrapped, context) and self.unwrap(wrapped, context)
        return opened and self.wrap(opened, {})


class MovesAnyContext(Right):
    """Trusts what the wrap itself says of its context when it moves."""

    def rewrap(self, wrapped: bytes, context: Context) -> Any:
        if wrapped[1] == self.active:
            return None
        return self.wrap(b"k" * 32, context)


class MovesAlways(Right):
    def rewrap(self, wrapped: bytes, context: Context) -> Any:
        return self.wrap(self.unwrap(wrapped, context), context)


class MovesNever(Right):
    def rewrap(self, wrapped: bytes, context: Context) -> Any:
        return None


class TellsTheKey(Right):
    """Opens first and compares the context afterwards, and says what it found."""

    def wrap(self, key: bytes, context: Context) -> Any:
        self.contexts = {key: dict(context)}
        return super().wrap(key, {})

    def unwrap(self, wrapped: bytes, context: Context) -> Any:
        key = super().unwrap(wrapped, {})
        if self.contexts[key] != context:
            raise KeyIntegrityError("an epoch key", f"{self.spell(key)} belongs elsewhere")
        return key

    def spell(self, key: bytes) -> str:
        return key.hex()


class TellsTheKeyAsBytes(TellsTheKey):
    def spell(self, key: bytes) -> str:
        return repr(key)


class TellsTheKeyInTheCause(TellsTheKey):
    def unwrap(self, wrapped: bytes, context: Context) -> Any:
        try:
            return super().unwrap(wrapped, context)
        except KeyIntegrityError:
            raise KeyIntegrityError("an epoch key", "does not open") from None


class ReturnsText(Right):
    def unwrap(self, wrapped: bytes, context: Context) -> Any:
        return b64encode(super().unwrap(wrapped, context)).decode()


class WrapsIntoText(Right):
    def wrap(self, key: bytes, context: Context) -> Any:
        return super().wrap(key, context).hex()

    def unwrap(self, wrapped: Any, context: Context) -> Any:
        return super().unwrap(bytes.fromhex(wrapped), context)


class ReturnsABuffer(Right):
    def unwrap(self, wrapped: bytes, context: Context) -> Any:
        return bytearray(super().unwrap(wrapped, context))


class LetsForeignErrorsOut(Right):
    def unwrap(self, wrapped: bytes, context: Context) -> Any:
        root = AESGCM(self.roots[wrapped[1]])
        return root.decrypt(wrapped[2:14], wrapped[14:], self.bound(context))


class DoesNotAuthenticate(Right):
    """Counter mode by another name: a flipped bit comes out as a flipped bit."""

    def wrap(self, key: bytes, context: Context) -> Any:
        return b"R" + bytes((self.active,)) + bytes(28) + self.masked(key, context)

    def unwrap(self, wrapped: bytes, context: Context) -> Any:
        return self.masked(wrapped[30:], context)

    def masked(self, key: bytes, context: Context) -> bytes:
        stream = AESGCM(self.roots[self.active]).encrypt(bytes(12), bytes(64), self.bound(context))
        return bytes(a ^ b for a, b in zip(key, stream, strict=False))


class StripsTheEnd(Right):
    def unwrap(self, wrapped: bytes, context: Context) -> Any:
        return super().unwrap(wrapped[:62], context)


class HoldsOneKeyAtATime(Right):
    """Keeps what it works on in itself, where the next thread finds it."""

    def wrap(self, key: bytes, context: Context) -> Any:
        self.now = key
        sleep(0.0002)  # as long as a service takes to answer
        return super().wrap(self.now, context)


class SaysDownIsForbidden(Right):
    def answer(self) -> None:
        if self.fails:
            raise KeyProviderDenied("test", "is shut", "open it")


class SaysForbiddenIsDown(Right):
    def answer(self) -> None:
        if self.fails:
            raise KeyProviderUnavailable("test", "does not answer")


class ReturnsNothingWhenDown(Right):
    def unwrap(self, wrapped: bytes, context: Context) -> Any:
        return None if self.fails else super().unwrap(wrapped, context)


class Travels(Right):
    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.roots,)


class NamesNothing(Right):
    def describe(self) -> ProviderDescription:
        return ProviderDescription(key_id="", kind="")


class NeverTellsOfRotation(Right):
    def describe(self) -> ProviderDescription:
        return ProviderDescription(key_id="root", kind="test")


class _Contract(KeyProviderContract):
    can_rotate = True
    can_drop = True
    can_be_unavailable = True
    can_be_denied = True
    dropped = KeyProviderDenied

    def __init__(self, make: Callable[..., Right]) -> None:
        self.make = make

    def make_provider(self) -> KeyProvider:
        return cast("KeyProvider", self.make())

    def _again(self, provider: KeyProvider, **more: Any) -> KeyProvider:
        roots = cast("Right", provider).roots
        return cast("KeyProvider", self.make(**({"roots": roots} | more)))

    def rotate(self, provider: KeyProvider) -> KeyProvider:
        roots = cast("Right", provider).roots
        return self._again(provider, roots=roots | {max(roots) + 1: os.urandom(32)})

    def drop(self, provider: KeyProvider) -> KeyProvider:
        roots = cast("Right", provider).roots
        return self._again(provider, roots={max(roots): roots[max(roots)]})

    def make_unavailable(self, provider: KeyProvider) -> KeyProvider:
        return self._again(provider, fails="down")

    def make_denied(self, provider: KeyProvider) -> KeyProvider:
        return self._again(provider, fails="shut")


def failures(make: Callable[..., Right]) -> Iterator[str]:
    """Run the contract on a provider and give the names of the tests that fail."""
    contract = _Contract(make)
    for name, test in inspect.getmembers(contract, inspect.ismethod):
        if not name.startswith("test_"):
            continue
        try:
            test(contract.make_provider())
        except (Exception, pytest.fail.Exception):  # noqa: BLE001  # any failure counts
            yield name


def test_a_right_provider_passes() -> None:
    """Run in the same way, a provider that keeps the contract fails nothing."""
    assert list(failures(Right)) == []


@pytest.mark.parametrize(
    ("wrong", "test"),
    [
        (IgnoresContext, "test_another_context_does_not_open"),
        (IgnoresNames, "test_another_context_does_not_open"),
        (JoinsEntries, "test_another_context_does_not_open"),
        (ChecksOneEntry, "test_another_context_does_not_open"),
        (KeepsOrder, "test_the_order_of_the_context_does_not_matter"),
        (StoresThePlainKey, "test_a_wrapped_key_does_not_show_the_key"),
        (MovesWithoutContext, "test_after_rotation_the_old_opens_and_moves"),
        (MovesUnderNoContext, "test_moving_keeps_the_context"),
        (MovesAnyContext, "test_moving_keeps_the_context"),
        (MovesAnyContext, "test_what_is_altered_does_not_move"),
        (MovesAlways, "test_what_is_under_the_active_root_key_stays"),
        (MovesNever, "test_after_rotation_the_old_opens_and_moves"),
        (TellsTheKey, "test_another_context_does_not_open"),
        (TellsTheKeyAsBytes, "test_another_context_does_not_open"),
        (TellsTheKeyInTheCause, "test_another_context_does_not_open"),
        (ReturnsText, "test_a_key_comes_back_as_it_was"),
        (WrapsIntoText, "test_a_key_comes_back_as_it_was"),
        (ReturnsABuffer, "test_a_key_comes_back_as_it_was"),
        (LetsForeignErrorsOut, "test_garbage_does_not_open"),
        (LetsForeignErrorsOut, "test_other_lengths_do_not_open"),
        (DoesNotAuthenticate, "test_flipped_bits_do_not_open"),
        (StripsTheEnd, "test_other_lengths_do_not_open"),
        (HoldsOneKeyAtATime, "test_threads_share_a_provider"),
        (SaysDownIsForbidden, "test_a_service_that_is_down_is_worth_another_try"),
        (SaysForbiddenIsDown, "test_a_service_that_forbids_wants_somebody"),
        (ReturnsNothingWhenDown, "test_a_service_that_is_down_is_worth_another_try"),
        (Travels, "test_a_provider_does_not_travel"),
        (NamesNothing, "test_a_provider_describes_itself"),
        (NeverTellsOfRotation, "test_after_rotation_the_old_opens_and_moves"),
    ],
)
def test_d34_a_wrong_provider_fails_the_example_made_for_it(
    wrong: Callable[..., Right], test: str
) -> None:
    """Each wrong provider is caught by the named example that is about its fault."""
    assert test in set(failures(wrong))


def test_abilities_that_are_not_claimed_are_skipped_by_name() -> None:
    """A provider that claims nothing skips what it cannot be asked about, and says which."""

    class Plain(KeyProviderContract):
        def make_provider(self) -> KeyProvider:
            return cast("KeyProvider", Right())

    contract = Plain()
    for ability, test in (
        ("can_rotate", contract.test_after_rotation_the_old_opens_and_moves),
        ("can_drop", contract.test_a_dropped_root_key_opens_nothing),
        ("can_be_unavailable", contract.test_a_service_that_is_down_is_worth_another_try),
        ("can_be_denied", contract.test_a_service_that_forbids_wants_somebody),
    ):
        with pytest.raises(pytest.skip.Exception, match=f"not claimed: {ability}"):
            test(contract.make_provider())
