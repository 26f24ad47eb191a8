"""Key rows and epochs that were swapped, damaged or destroyed (crypto D.26 to D.30)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.sealing.support import (
    ANNA,
    AT,
    BERT,
    ROOT,
    SHRED,
    Clock,
    DictStore,
    add_person,
    make_keys,
    rotate,
)

from gdprkit.sealing.errors import (
    KeyEpochDestroyed,
    KeyExhausted,
    KeyIntegrityError,
    SubjectErased,
)
from gdprkit.sealing.opened_keys import USES_LIMIT
from gdprkit.sealing.providers import MemoryProvider, ProviderDescription
from gdprkit.sealing.rows import EpochKind, KeyState, Tombstone
from gdprkit.sealing.settings import KeySettings
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import ErasureReason

NOBODY = SubjectId(UUID("7d0f6a3e-2b1c-4e5d-8f90-a1b2c3d4e5f6"))


def swapped_wraps(store: DictStore) -> None:
    anna, bert = store.rows[ANNA][0], store.rows[BERT][0]
    store.replace(anna, wrapped=bert.wrapped)


def swapped_rows(store: DictStore) -> None:
    bert = store.rows[BERT][0]
    store.replace(store.rows[ANNA][0], wrapped=bert.wrapped, key_id=bert.key_id)


def row_of_another(store: DictStore) -> None:
    store.rows[ANNA] = list(store.rows[BERT])


def other_epoch(store: DictStore) -> None:
    store.replace(store.rows[ANNA][0], kek_id="k2")


def index_epoch(store: DictStore) -> None:
    store.replace(store.rows[ANNA][0], kek_id="i1")


def other_version(store: DictStore) -> None:
    store.replace(store.rows[ANNA][0], version=2)


def exchanged_versions(store: DictStore) -> None:
    one, two = store.rows[ANNA]
    store.replace(one, wrapped=two.wrapped, key_id=two.key_id)
    store.replace(two, wrapped=one.wrapped, key_id=one.key_id)


def doubled_version(store: DictStore) -> None:
    store.rows[ANNA].append(store.rows[ANNA][-1])


def two_active(store: DictStore) -> None:
    store.replace(store.rows[ANNA][0], state=KeyState.ACTIVE)


def rolled_back(store: DictStore) -> None:
    one, two = store.rows[ANNA]
    store.replace(one, state=KeyState.ACTIVE)
    store.replace(two, state=KeyState.RETIRED)


def lost_version(store: DictStore) -> None:
    store.rows[ANNA].pop(0)


def altered_key_id(store: DictStore) -> None:
    row = store.rows[ANNA][0]
    store.replace(row, key_id=row.key_id[:-1] + bytes((row.key_id[-1] ^ 1,)))


def short_key_id(store: DictStore) -> None:
    row = store.rows[ANNA][0]
    store.replace(row, key_id=row.key_id[:-1])


def cut_wrap(store: DictStore) -> None:
    row = store.rows[ANNA][0]
    store.replace(row, wrapped=row.wrapped[:-1])


def empty_wrap(store: DictStore) -> None:
    store.replace(store.rows[ANNA][0], wrapped=b"")


def other_algorithm(store: DictStore) -> None:
    store.replace(store.rows[ANNA][0], wraps_alg="rot13")


@pytest.mark.parametrize(
    ("damage", "versions"),
    [
        (swapped_wraps, 1),
        (swapped_rows, 1),
        (row_of_another, 1),
        (other_epoch, 1),
        (index_epoch, 1),
        (other_version, 1),
        (exchanged_versions, 2),
        (doubled_version, 2),
        (two_active, 2),
        (rolled_back, 2),
        (lost_version, 2),
        (altered_key_id, 1),
        (short_key_id, 1),
        (cut_wrap, 1),
        (empty_wrap, 1),
        (other_algorithm, 1),
    ],
)
def test_d26_d27_swapped_and_damaged_rows_are_refused(
    damage: Callable[[DictStore], None], versions: int
) -> None:
    """A row that is somebody else's, another version's or altered never becomes a key."""
    store = DictStore()
    people = make_keys(store)
    add_person(people, store)
    add_person(people, store, BERT)
    if versions == 2:
        rotate(people, store)
    assert make_keys(store).of(ANNA).newest.version == versions
    damage(store)
    with pytest.raises(KeyIntegrityError):
        make_keys(store).of(ANNA)


def test_d26_a_wrap_of_another_epoch_does_not_open() -> None:
    """Two epochs exist and the row names the wrong one; even of one key, a wrap is of one epoch."""
    store = DictStore()
    people = make_keys(store)
    add_person(people, store)
    kek = next(row for row in store.epoch_rows if row.kind is EpochKind.KEK)
    provider = MemoryProvider(ROOT)
    about = {"gdprkit": "epoch/v1", "tenant": "main", "kind": "kek"}
    key = provider.unwrap(kek.wrapped, about | {"epoch": "k1"})
    second = provider.wrap(key, about | {"epoch": "k2"})
    store.epoch_rows.append(attrs.evolve(kek, epoch="k2", wrapped=second))
    store.replace(store.rows[ANNA][0], kek_id="k2")
    with pytest.raises(KeyIntegrityError, match="does not open"):
        make_keys(store).of(ANNA)


class BlindProvider:
    """A key service that binds nothing to what it wraps."""

    def __init__(self) -> None:
        self._inner = MemoryProvider(ROOT)

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        return self._inner.wrap(key, {})

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        return self._inner.unwrap(wrapped, {})

    def rewrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes | None:
        return self._inner.rewrap(wrapped, {})

    def describe(self) -> ProviderDescription:
        return self._inner.describe()


def test_d05_rows_of_another_tenant_do_not_open_whatever_the_provider_binds() -> None:
    """Rows and epochs of one tenant, put into another's store, are no keys of the same person."""
    store = DictStore()
    add_person(make_keys(store, provider=BlindProvider()), store)
    assert make_keys(store, provider=BlindProvider()).of(ANNA).newest.version == 1
    with pytest.raises(KeyIntegrityError, match="does not open"):
        make_keys(store, provider=BlindProvider(), tenant="other").of(ANNA)


def test_d27_every_bit_of_a_wrap_is_authenticated() -> None:
    """Each single bit of a wrapped key, flipped, is noticed."""
    store = DictStore()
    people = make_keys(store, settings=KeySettings(capacity=0))
    add_person(people, store)
    row = store.rows[ANNA][0]
    for bit in range(8 * len(row.wrapped)):
        flipped = bytearray(row.wrapped)
        flipped[bit // 8] ^= 1 << bit % 8
        store.rows[ANNA] = [attrs.evolve(row, wrapped=bytes(flipped))]
        with pytest.raises(KeyIntegrityError):
            people.of(ANNA)


def test_d28_another_root_key_does_not_open_the_store() -> None:
    """A root key of the same id and other bytes is told as damage, not as a missing person."""
    store = DictStore()
    add_person(make_keys(store), store)
    wrong = make_keys(store, provider=MemoryProvider(bytes(32)))
    with pytest.raises(KeyIntegrityError, match="root key 'memory'"):
        wrong.of(ANNA)
    with pytest.raises(KeyIntegrityError):
        wrong.create(BERT, at=AT)


def test_epochs_of_another_tenant_do_not_open() -> None:
    """The provider binds an epoch key to its tenant, so two stores cannot be mixed up."""
    store = DictStore()
    add_person(make_keys(store), store)
    with pytest.raises(KeyIntegrityError):
        make_keys(store, tenant="other").of(ANNA)


def test_a_destroyed_epoch_closes_everybody_under_it() -> None:
    """With the KEK epoch destroyed nobody's key opens, and that is told from damage (D.30)."""
    store = DictStore()
    people = make_keys(store)
    add_person(people, store)
    store.epoch_rows = [
        attrs.evolve(row, state=KeyState.DESTROYED, wrapped=b"")
        if row.kind is EpochKind.KEK
        else row
        for row in store.epoch_rows
    ]
    with pytest.raises(KeyEpochDestroyed) as destroyed:
        make_keys(store).of(ANNA)
    assert destroyed.value.epoch == "k1"


def test_a_running_process_learns_of_a_destroyed_epoch_within_the_ttl() -> None:
    """An epoch key that was unwrapped before is closed at the next reading of the rows."""
    store, clock = DictStore(), Clock()
    people = make_keys(store, monotonic=clock, settings=KeySettings(capacity=0))
    add_person(people, store)
    store.epoch_rows = [attrs.evolve(row, state=KeyState.DESTROYED) for row in store.epoch_rows]
    clock.now += 301
    with pytest.raises(KeyEpochDestroyed):
        people.of(ANNA)


def test_no_epoch_is_made_in_place_of_a_destroyed_one() -> None:
    """After the last epoch died, adding a person is refused instead of starting over unnoticed."""
    store = DictStore()
    add_person(make_keys(store), store)
    for state, error in (
        (KeyState.DESTROYED, KeyEpochDestroyed),
        (KeyState.RETIRED, KeyIntegrityError),
    ):
        store.epoch_rows = [
            attrs.evolve(row, state=state) if row.kind is EpochKind.KEK else row
            for row in store.epoch_rows
        ]
        with pytest.raises(error):
            make_keys(store).create(BERT, at=AT)
    assert len(store.epoch_rows) == 2


def test_d36_an_epoch_stops_at_its_limit() -> None:
    """A KEK that has wrapped 2**31 keys wraps no more; the last one still is."""
    store = DictStore()
    people = make_keys(store)
    people._keks.active(AT)._used = USES_LIMIT - 1
    add_person(people, store)
    with pytest.raises(KeyExhausted, match="k1"):
        people.create(BERT, at=AT)


def test_epoch_rows_and_tombstones_say_what_they_are() -> None:
    """The first key makes its epoch and the one erasures are marked by, dated by the caller."""
    store = DictStore()
    make_keys(store).create(ANNA, at=AT)
    shown = [
        (row.kind, row.epoch, row.provider_key, row.state, row.created)
        for row in sorted(store.epoch_rows, key=lambda row: row.epoch)
    ]
    assert shown == [
        (EpochKind.KEK, "k1", "memory", KeyState.ACTIVE, AT),
        (EpochKind.LASTING, "l1", "memory", KeyState.ACTIVE, AT),
    ]
    tombstone = make_keys(store).tombstone_for(ANNA, **SHRED)
    assert isinstance(tombstone, Tombstone)
    assert tombstone.reason is ErasureReason.CONSENT_WITHDRAWN


@pytest.mark.parametrize("name", ["k", "k0x", "1", "", "k-1", "k" + "9" * 12])
def test_epochs_without_a_proper_name_are_refused(name: str) -> None:
    """A row whose name is no epoch's is damage."""
    store = DictStore()
    make_keys(store).create(ANNA, at=AT)
    store.epoch_rows = [
        attrs.evolve(row, epoch=name) if row.kind is EpochKind.KEK else row
        for row in store.epoch_rows
    ]
    with pytest.raises(KeyIntegrityError):
        make_keys(store).create(BERT, at=AT)


@pytest.mark.parametrize("kind", [EpochKind.KEK, EpochKind.LASTING])
def test_lost_epochs_are_not_made_again(kind: EpochKind) -> None:
    """Where people have keys and the epochs are gone, nobody is served and nothing is made.

    A new first epoch would leave its people unreadable once the true one is restored, and the
    erased would count as people never known.
    """
    store = DictStore()
    people = make_keys(store)
    add_person(people, store)
    add_person(people, store, BERT)
    store.shred(BERT, people.tombstone_for(BERT, **SHRED))
    store.epoch_rows = [row for row in store.epoch_rows if row.kind is not kind]
    fresh = make_keys(store)
    with pytest.raises(KeyIntegrityError, match="gone"):
        fresh.create(NOBODY, at=AT)
    with pytest.raises(KeyIntegrityError, match="gone"):
        fresh.ready(AT)
    assert not any(row.kind is kind for row in store.epoch_rows)
    refused = KeyIntegrityError if kind is EpochKind.LASTING else SubjectErased
    for call in (lambda: fresh.of(BERT), lambda: fresh.create(BERT, at=AT)):
        with pytest.raises(refused):
            call()


@pytest.mark.parametrize("version", [-1, 0, 2**32, "one", 1.5])
def test_d27_a_number_that_no_version_has_is_told_as_damage(version: Any) -> None:
    """One such row does not end a turn over all of them with an error of arithmetic."""
    store = DictStore()
    people = make_keys(store)
    add_person(people, store)
    row = attrs.evolve(store.rows[ANNA][0], version=version)
    with pytest.raises(KeyIntegrityError, match="number"):
        people.rewrapped(row, at=AT)


@pytest.mark.parametrize("wrapped", ["x" * 60, 5])
def test_d27_a_column_that_holds_no_bytes_is_damage(wrapped: Any) -> None:
    """SQLite keeps a text or a number where bytes belong."""
    store = DictStore()
    add_person(make_keys(store), store)
    store.replace(store.rows[ANNA][0], wrapped=wrapped)
    with pytest.raises(KeyIntegrityError):
        make_keys(store).of(ANNA)
