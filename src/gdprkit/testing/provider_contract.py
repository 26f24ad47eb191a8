"""The contract of key providers, as tests that an implementer inherits.

``KeyProviderContract`` has an example for every promise in ``gdprkit.sealing.providers``. It leaves
out speed, and what one key service alone promises. Always true: a test names one promise, and needs
only ``make_provider``; promises that not every provider can be asked about are switched on by
attributes, and skip by name.

    class TestMyProvider(KeyProviderContract):
        can_rotate = True

        def make_provider(self) -> KeyProvider:
            return MyProvider(...)

        def rotate(self, provider: KeyProvider) -> KeyProvider:
            ...
"""

from __future__ import annotations

import copy
import pickle
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha512
from itertools import pairwise
from types import MappingProxyType
from typing import ClassVar, Final

import pytest

from gdprkit.sealing.errors import (
    FieldCryptoError,
    KeyEpochDestroyed,
    KeyIntegrityError,
    KeyProviderDenied,
    KeyProviderUnavailable,
)
from gdprkit.sealing.providers import KeyProvider, ProviderDescription

__all__ = ["KeyProviderContract"]

KEY: Final = sha512(b"an epoch key").digest()[:32]
PLACE: Final = MappingProxyType(
    {"gdprkit": "epoch/v1", "tenant": "main", "kind": "kek", "epoch": "k1"}
)
DAMAGE: Final = (KeyIntegrityError,)
TAG: Final = 16  # bytes at the end of a wrapped key that name no root key in any known form


def _other_contexts(context: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give contexts that are not *context*: each entry changed, dropped, joined; one added."""
    plain = dict(context)
    for name, value in plain.items():
        rest = {other: plain[other] for other in plain if other != name}
        yield plain | {name: value + "x"}
        yield plain | {name: value.upper()}
        yield plain | {name: value[:-1] or "x"}
        yield rest
        yield rest | {f"{name}x": value}
        yield rest | {value: name}
    yield plain | {"more": "x"}
    names = sorted(plain)
    for one, two in pairwise(names):
        yield plain | {one: plain[two], two: plain[one]}
        rest = {other: plain[other] for other in plain if other not in (one, two)}
        # what a provider would take for the same that joins entries without their lengths
        for joint in ("", ",", ";", "&", "\n", "|", " "):
            for equals in ("=", ":"):
                yield rest | {one: f"{plain[one]}{joint}{two}{equals}{plain[two]}"}


class KeyProviderContract:
    """Inherit, write ``make_provider``, and run with pytest.

    ``can_rotate``: there can be another root key; write ``rotate``. ``can_drop``: an old root key
    can go; write ``drop``, and say in ``dropped`` which error follows. ``can_be_unavailable``,
    ``can_be_denied``: the service can be made to fail; write ``make_unavailable``, ``make_denied``.
    ``probes``: how many altered wraps a test tries at most.
    """

    can_rotate: ClassVar[bool] = False
    can_drop: ClassVar[bool] = False
    can_be_unavailable: ClassVar[bool] = False
    can_be_denied: ClassVar[bool] = False
    dropped: ClassVar[type[FieldCryptoError]] = KeyEpochDestroyed
    probes: ClassVar[int] = 200

    def make_provider(self) -> KeyProvider:
        """Return a provider with one root key; each call another key."""
        raise NotImplementedError

    def rotate(self, provider: KeyProvider) -> KeyProvider:
        """Return a provider that wraps by a new root key and has the one of *provider* too."""
        raise NotImplementedError

    def drop(self, provider: KeyProvider) -> KeyProvider:
        """Return a provider without the root keys that were active before that of *provider*."""
        raise NotImplementedError

    def make_unavailable(self, provider: KeyProvider) -> KeyProvider:
        """Return *provider* with a service that does not answer, or is too busy to."""
        raise NotImplementedError

    def make_denied(self, provider: KeyProvider) -> KeyProvider:
        """Return *provider* with a service that forbids the root key, or switched it off."""
        raise NotImplementedError

    @pytest.fixture
    def provider(self) -> KeyProvider:
        """Give a new provider."""
        return self.make_provider()

    def test_a_key_comes_back_as_it_was(self, provider: KeyProvider) -> None:
        """What wrap was given comes out of unwrap, whatever its bytes, and both are bytes."""
        for key in (KEY, bytes(32), b"\xff" * 32, b"\n" * 32, bytes(range(0x80, 0xA0))):
            wrapped = provider.wrap(key, PLACE)
            opened = provider.unwrap(wrapped, PLACE)
            assert type(wrapped) is bytes, "wrap returns bytes"
            assert type(opened) is bytes, "unwrap returns bytes"
            assert opened == key

    def test_a_wrapped_key_does_not_show_the_key(self, provider: KeyProvider) -> None:
        """Neither the key nor a usual spelling of it stands in what is stored."""
        wrapped = provider.wrap(KEY, PLACE)
        for shown in _spellings(KEY):
            assert shown.encode("latin-1") not in wrapped

    def test_the_order_of_the_context_does_not_matter(self, provider: KeyProvider) -> None:
        """Entries are found by name, and the mapping is only read."""
        wrapped = provider.wrap(KEY, PLACE)
        assert provider.unwrap(wrapped, dict(reversed(dict(PLACE).items()))) == KEY

    def test_a_context_may_hold_any_text(self, provider: KeyProvider) -> None:
        """Tenants are called what their owners call them."""
        for tenant in ("Åbo & söner", "a=b,c:d\n", "\u2028", "x" * 200):
            place = {**PLACE, "tenant": tenant}
            assert provider.unwrap(provider.wrap(KEY, place), place) == KEY

    def test_another_context_does_not_open(self, provider: KeyProvider) -> None:
        """Each entry changed, dropped, exchanged or run together with another, and one added."""
        wrapped = provider.wrap(KEY, PLACE)
        for context in _other_contexts(PLACE):
            _refused(DAMAGE, provider.unwrap, wrapped, context)

    def test_other_lengths_do_not_open(self, provider: KeyProvider) -> None:
        """A wrap cut short, one with something behind it, an empty one."""
        wrapped = provider.wrap(KEY, PLACE)
        cut = [wrapped[:size] for size in self._some(range(len(wrapped)))]
        for other in (*cut, wrapped + b"\0", wrapped + b"\n", b" " + wrapped, wrapped * 2):
            _refused(DAMAGE, provider.unwrap, other, PLACE)

    def test_garbage_does_not_open(self, provider: KeyProvider) -> None:
        """What was never wrapped is damage, not a service that is down."""
        for size in self._some(range(1, 200)):
            garbage = (sha512(bytes((size,))).digest() * 4)[:size]
            _refused(DAMAGE, provider.unwrap, garbage, PLACE)
        _refused(DAMAGE, provider.unwrap, KEY, PLACE)

    def test_flipped_bits_do_not_open(self, provider: KeyProvider) -> None:
        """No changed bit goes unnoticed; in front it may name a root key that is not there."""
        wrapped = provider.wrap(KEY, PLACE)
        for bit in self._some(range(8 * len(wrapped))):
            flipped = bytearray(wrapped)
            flipped[bit // 8] ^= 1 << bit % 8
            at_the_end = bit // 8 >= len(wrapped) - TAG
            kinds = DAMAGE if at_the_end else (*DAMAGE, KeyProviderDenied)
            _refused(kinds, provider.unwrap, bytes(flipped), PLACE)

    def test_another_root_key_does_not_open(self, provider: KeyProvider) -> None:
        """What one root key wrapped is damage or a missing key to a provider with another one."""
        wrapped = self.make_provider().wrap(KEY, PLACE)
        _refused((*DAMAGE, KeyProviderDenied), provider.unwrap, wrapped, PLACE)

    def test_what_is_under_the_active_root_key_stays(self, provider: KeyProvider) -> None:
        """There is nothing to wrap anew, and None says so."""
        assert provider.rewrap(provider.wrap(KEY, PLACE), PLACE) is None

    def test_a_provider_describes_itself(self, provider: KeyProvider) -> None:
        """Id and kind are short texts, the same each time."""
        description = provider.describe()
        assert isinstance(description, ProviderDescription)
        assert description == provider.describe()
        for text in (description.key_id, description.kind):
            assert isinstance(text, str)
            assert 0 < len(text) < 256
            assert text.isprintable()

    def test_a_provider_does_not_travel(self, provider: KeyProvider) -> None:
        """Keys and connections are neither pickled nor copied."""
        for move in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                move(provider)

    def test_threads_share_a_provider(self, provider: KeyProvider) -> None:
        """Each of many calls at once gets its own key back."""

        def trip(number: int) -> bool:
            key = sha512(number.to_bytes(4, "big")).digest()[:32]
            place = {**PLACE, "epoch": f"k{number}"}
            return provider.unwrap(provider.wrap(key, place), place) == key

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(trip, range(200)))

    def test_after_rotation_the_old_opens_and_moves(self, provider: KeyProvider) -> None:
        """What an old root key wrapped opens, moves to the new one once, and opens there."""
        self._needs("can_rotate")
        before = provider.describe().key_id
        old = provider.wrap(KEY, PLACE)
        rotated = self.rotate(provider)
        assert rotated.describe().key_id != before
        assert rotated.unwrap(old, PLACE) == KEY
        moved = rotated.rewrap(old, PLACE)
        assert type(moved) is bytes, "rewrap returns bytes for what is under an old root key"
        assert moved != old
        assert rotated.unwrap(moved, PLACE) == KEY
        assert rotated.rewrap(moved, PLACE) is None
        assert rotated.rewrap(rotated.wrap(KEY, PLACE), PLACE) is None

    def test_moving_keeps_the_context(self, provider: KeyProvider) -> None:
        """Nothing moves under another context, and what moved opens under its own only."""
        self._needs("can_rotate")
        old = provider.wrap(KEY, PLACE)
        rotated = self.rotate(provider)
        moved = rotated.rewrap(old, PLACE)
        assert moved is not None
        for context in _other_contexts(PLACE):
            _refused(DAMAGE, rotated.rewrap, old, context)
            _refused(DAMAGE, rotated.unwrap, moved, context)

    def test_what_is_altered_does_not_move(self, provider: KeyProvider) -> None:
        """Damage is not wrapped anew, which would make it look sound."""
        self._needs("can_rotate")
        old = provider.wrap(KEY, PLACE)
        rotated = self.rotate(provider)
        for byte in range(len(old) - TAG, len(old)):
            flipped = bytearray(old)
            flipped[byte] ^= 1
            _refused(DAMAGE, rotated.rewrap, bytes(flipped), PLACE)

    def test_a_dropped_root_key_opens_nothing(self, provider: KeyProvider) -> None:
        """What was not moved is gone, and the error says which of gone and forbidden it is."""
        self._needs("can_drop")
        old = provider.wrap(KEY, PLACE)
        rotated = self.rotate(provider)
        moved = rotated.rewrap(old, PLACE)
        assert moved is not None
        left = self.drop(rotated)
        assert left.unwrap(moved, PLACE) == KEY
        for call in (left.unwrap, left.rewrap):
            error = _refused((self.dropped,), call, old, PLACE)
            if isinstance(error, KeyEpochDestroyed):
                assert error.epoch == PLACE["epoch"]

    def test_a_service_that_is_down_is_worth_another_try(self, provider: KeyProvider) -> None:
        """No answer, or too many questions: the error is retryable."""
        self._needs("can_be_unavailable")
        wrapped = provider.wrap(KEY, PLACE)
        down = self.make_unavailable(provider)
        assert KeyProviderUnavailable.retryable
        _refused((KeyProviderUnavailable,), down.wrap, KEY, PLACE)
        _refused((KeyProviderUnavailable,), down.unwrap, wrapped, PLACE)

    def test_moving_needs_the_service_too(self, provider: KeyProvider) -> None:
        """A service that is down while epoch keys move says so, and nothing is half moved."""
        self._needs("can_be_unavailable")
        self._needs("can_rotate")
        old = provider.wrap(KEY, PLACE)
        down = self.make_unavailable(self.rotate(provider))
        _refused((KeyProviderUnavailable,), down.rewrap, old, PLACE)

    def test_a_service_that_forbids_wants_somebody(self, provider: KeyProvider) -> None:
        """A refusal is not retryable, and its cure is told."""
        self._needs("can_be_denied")
        wrapped = provider.wrap(KEY, PLACE)
        shut = self.make_denied(provider)
        assert not KeyProviderDenied.retryable
        for call, given in ((shut.wrap, KEY), (shut.unwrap, wrapped)):
            error = _refused((KeyProviderDenied,), call, given, PLACE)
            assert isinstance(error, KeyProviderDenied)
            assert error.cure

    def _needs(self, ability: str) -> None:
        if not getattr(self, ability):
            pytest.skip(f"not claimed: {ability}")

    def _some(self, numbers: range) -> range:
        """Return at most ``probes`` of *numbers*, spread over all of them."""
        return numbers[:: -(-len(numbers) // self.probes)]


def _refused(
    kinds: tuple[type[FieldCryptoError], ...], call: Callable[..., object], *given: object
) -> FieldCryptoError:
    """Return the error of *call*: it has to be one of *kinds*, and to show no key."""
    try:
        call(*given)
    except Exception as error:  # noqa: BLE001  # what it is, is what is tested
        raised = error
    else:
        raise AssertionError("nothing was raised")
    shown = "".join(_chain(raised))
    for spelling in _spellings(KEY):
        assert spelling not in shown, "the error shows the key"
    assert isinstance(raised, kinds), f"raised {type(raised).__name__}"
    return raised


def _chain(error: BaseException) -> Iterator[str]:
    """Give what an error and everything it came from show, suppressed causes too."""
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield f"{one}\n{one!r}\n{one.args!r}\n{vars(one)!r}\n"
            pending += [one.__cause__, one.__context__]


def _spellings(key: bytes) -> tuple[str, ...]:
    """Return how a key could be written down in a text."""
    return (
        key.decode("latin-1"),
        repr(key)[2:-1],
        repr(list(key))[1:-1],
        key.hex(),
        key.hex().upper(),
        b64encode(key).decode()[:-2],
        urlsafe_b64encode(key).decode()[:-2],
        str(int.from_bytes(key, "big")),
    )
