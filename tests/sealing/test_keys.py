"""Keys of people: missing, erased, swapped, damaged, raced for (crypto D.3)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gdprkit.errors import InvalidValue, NaiveMoment, PositionTaken
from gdprkit.sealing.ciphers import USES_LIMIT, SubjectKey, SubjectKeyVersions
from gdprkit.sealing.envelope import seal, seal_many, unseal
from gdprkit.sealing.errors import (
    ContextError,
    KeyDestroyed,
    KeyEpochDestroyed,
    KeyExhausted,
    KeyIntegrityError,
    KeyMissing,
    KeyProviderDenied,
    KeyProviderUnavailable,
    KeyVersionUnknown,
    ShredHeld,
    SubjectErased,
)
from gdprkit.sealing.providers import MemoryProvider, ProviderDescription
from gdprkit.sealing.rows import EpochKind, KeyRow, KeyState, Tombstone
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import ErasureReason
from tests.sealing.support import (
    ANNA,
    AT,
    BERT,
    ROOT,
    Clock,
    DictStore,
    add_person,
    context,
    make_keys,
)

SHRED = {"at": AT, "reason": ErasureReason.CONSENT_WITHDRAWN, "reference": "case-7"}


def rotate(store: DictStore, people: Any) -> KeyRow:
    """Store the next version as a batch does: the row before it is retired."""
    _, row = people.create(ANNA, at=AT, version=len(store.rows[ANNA]) + 1)
    store.replace(store.rows[ANNA][-1], state=KeyState.RETIRED)
    store.put(row)
    people.forget(ANNA)
    return row  # type: ignore[no-any-return]


def test_d21_unknown_missing_and_erased_are_three_answers() -> None:
    """A strange key, a person without keys and an erased person are told apart."""
    store = DictStore()
    people = make_keys(store)
    keys = add_person(people, store)
    owner = keys.owner
    strange = SubjectKey.derive(bytes(32), version=1, owner=owner)
    sealed = seal("x", key=strange, context=context())
    with pytest.raises(KeyVersionUnknown) as unknown:
        unseal(sealed, keys=keys, context=context())
    assert unknown.value.key_id == strange.key_id.hex()
    with pytest.raises(KeyMissing) as missing:
        people.of(BERT)
    assert missing.value.about == BERT
    store.shred(ANNA, people.tombstone_for(ANNA, **SHRED))
    people.forget(ANNA)
    with pytest.raises(SubjectErased) as erased:
        people.of(ANNA)
    assert (erased.value.about, erased.value.erased_at) == (ANNA, AT)
    assert erased.value.reference == "case-7"


def test_d21_a_person_is_missing_where_nothing_was_ever_made() -> None:
    """In an empty store everybody is missing, and looking makes no epoch."""
    store = DictStore()
    people = make_keys(store)
    with pytest.raises(KeyMissing):
        people.of(ANNA)
    assert people.erased(ANNA) is None
    assert store.epoch_rows == []


def test_erased_people_get_no_new_key_and_erasing_twice_is_one_erasure() -> None:
    """After the tombstone no key is made, and a second one is the first one."""
    store = DictStore()
    people = make_keys(store)
    add_person(people, store)
    row = store.rows[ANNA][0]
    first = people.tombstone_for(ANNA, **SHRED)
    assert first.key_ids == (row.key_id,)
    assert len(first.mark) == 32
    assert ANNA.bytes not in first.mark
    store.shred(ANNA, first)
    people.forget(ANNA)
    with pytest.raises(SubjectErased):
        people.create(ANNA, at=AT)
    later = AT + timedelta(days=1)
    again = people.tombstone_for(
        ANNA, at=later, reason=ErasureReason.UNLAWFUL, reference="another"
    )
    assert again == first == people.erased(ANNA)
    assert people.erased(BERT) is None


def test_a_tombstone_beats_rows_that_came_back() -> None:
    """Key rows restored from a backup do not raise an erased person from the dead."""
    store = DictStore()
    people = make_keys(store)
    add_person(people, store)
    rows = list(store.rows[ANNA])
    store.shred(ANNA, people.tombstone_for(ANNA, **SHRED))
    store.rows[ANNA] = rows
    with pytest.raises(SubjectErased):
        make_keys(store).of(ANNA)


def test_a_person_without_keys_can_be_erased() -> None:
    """Nothing was ever sealed for them, and still they are recorded as erased."""
    store = DictStore()
    people = make_keys(store)
    tombstone = people.tombstone_for(ANNA, **SHRED)
    assert tombstone.key_ids == ()
    store.shred(ANNA, tombstone)
    with pytest.raises(SubjectErased):
        people.of(ANNA)


def test_keys_on_hold_are_not_shredded() -> None:
    """A hold on any version refuses the tombstone and leaves the keys usable."""
    store = DictStore()
    people = make_keys(store)
    add_person(people, store)
    rotate(store, people)
    store.replace(store.rows[ANNA][0], on_hold=True)
    with pytest.raises(ShredHeld) as held:
        people.tombstone_for(ANNA, **SHRED)
    assert held.value.about == ANNA
    people.forget(ANNA)
    assert people.of(ANNA).newest.version == 2


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
        rotate(store, people)
    assert make_keys(store).of(ANNA).newest.version == versions
    damage(store)
    with pytest.raises(KeyIntegrityError):
        make_keys(store).of(ANNA)


def test_d26_a_wrap_of_another_epoch_does_not_open() -> None:
    """Two epochs exist and the row names the wrong one."""
    store = DictStore()
    people = make_keys(store)
    add_person(people, store)
    other = DictStore()
    make_keys(other).create(BERT, at=AT)
    kek = next(row for row in other.epoch_rows if row.kind is EpochKind.KEK)
    provider = MemoryProvider(ROOT)
    about = {"gdprkit": "epoch/v1", "tenant": "main", "kind": "kek"}
    key = provider.unwrap(kek.wrapped, about | {"epoch": "k1"})
    second = provider.wrap(key, about | {"epoch": "k2"})
    store.epoch_rows.append(attrs_evolve(kek, epoch="k2", wrapped=second))
    store.replace(store.rows[ANNA][0], kek_id="k2")
    with pytest.raises(KeyIntegrityError, match="does not open"):
        make_keys(store).of(ANNA)


def attrs_evolve(row: Any, **changes: Any) -> Any:
    import attrs

    return attrs.evolve(row, **changes)


def test_d27_every_bit_of_a_wrap_is_authenticated() -> None:
    """Each single bit of a wrapped key, flipped, is noticed."""
    store = DictStore()
    people = make_keys(store, capacity=0)
    add_person(people, store)
    row = store.rows[ANNA][0]
    for bit in range(8 * len(row.wrapped)):
        flipped = bytearray(row.wrapped)
        flipped[bit // 8] ^= 1 << bit % 8
        store.rows[ANNA] = [attrs_evolve(row, wrapped=bytes(flipped))]
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


def test_destroyed_epoch_and_destroyed_version_say_so() -> None:
    """Both kinds of destruction are told apart from damage and from each other."""
    store = DictStore()
    people = make_keys(store)
    keys = add_person(people, store)
    sealed = seal("x", key=keys.newest, context=context())
    rotate(store, people)
    old = store.replace(store.rows[ANNA][0], state=KeyState.DESTROYED, wrapped=b"")
    people.forget(ANNA)
    with pytest.raises(KeyDestroyed) as destroyed:
        unseal(sealed, keys=people.of(ANNA), context=context())
    assert destroyed.value.key_id == old.key_id.hex()
    store.replace(store.rows[ANNA][1], state=KeyState.DESTROYED, wrapped=b"")
    people.forget(ANNA)
    with pytest.raises(KeyDestroyed):
        _ = people.of(ANNA).newest
    add_person(people, store, BERT)
    store.epoch_rows = [
        attrs_evolve(row, state=KeyState.DESTROYED) if row.kind is EpochKind.KEK else row
        for row in store.epoch_rows
    ]
    for use in (lambda keys: keys.of(BERT), lambda keys: keys.create(SubjectId(BERT), at=AT)):
        fresh = make_keys(store)
        if use is not None:
            with pytest.raises((KeyEpochDestroyed, InvalidValue)):
                use(fresh)
    with pytest.raises(KeyEpochDestroyed, match="k1"):
        make_keys(store).of(BERT)


def test_no_epoch_is_made_in_place_of_a_destroyed_one() -> None:
    """After the last epoch died, adding a person is refused instead of starting over unnoticed."""
    store = DictStore()
    add_person(make_keys(store), store)
    for state, error in (
        (KeyState.DESTROYED, KeyEpochDestroyed),
        (KeyState.RETIRED, KeyIntegrityError),
    ):
        store.epoch_rows = [
            attrs_evolve(row, state=state) if row.kind is EpochKind.KEK else row
            for row in store.epoch_rows
        ]
        with pytest.raises(error):
            make_keys(store).create(BERT, at=AT)
    assert len(store.epoch_rows) == 2


def test_versions_write_with_the_newest_and_read_with_all() -> None:
    """After a rotation new values go under version 2 and old ones still open."""
    store = DictStore()
    people = make_keys(store)
    sealed = seal("old", key=add_person(people, store).newest, context=context())
    row = rotate(store, people)
    keys = people.of(ANNA)
    assert keys.newest.version == 2
    assert keys.newest.key_id == row.key_id
    assert unseal(sealed, keys=keys, context=context()) == "old"
    fresh = seal("new", key=keys.newest, context=context())
    assert fresh[2:22] == row.key_id
    with pytest.raises(InvalidValue, match="pass 3"):
        people.create(ANNA, at=AT, version=2)


def test_made_versions_open_what_the_person_had_before() -> None:
    """What create returns seals with the new key and opens values under the old one."""
    store = DictStore()
    people = make_keys(store)
    sealed = seal("old", key=add_person(people, store).newest, context=context())
    made, row = people.create(ANNA, at=AT, version=2)
    assert made.newest.key_id == row.key_id
    assert unseal(sealed, keys=made, context=context()) == "old"
    assert people.of(ANNA).newest.version == 1  # nothing was stored


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
    sealed = seal("x", key=loser.newest, context=context())
    assert unseal(sealed, keys=winner, context=context()) == "x"


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
    assert raised.value.retryable is retryable  # type: ignore[attr-defined]


@pytest.mark.parametrize("answer", ["text", b"", None, 7])
def test_d34_a_wrap_that_is_no_bytes_is_not_stored(answer: Any) -> None:
    """An epoch whose wrap cannot be kept never begins."""
    store = DictStore()
    with pytest.raises(KeyIntegrityError, match="not wrapped"):
        make_keys(store, provider=BadProvider(wrapped=answer)).create(ANNA, at=AT)
    assert store.epoch_rows == []


def test_d36_a_key_stops_at_its_limit() -> None:
    """Encryption number 2**31 is done and the next one refused, single or in a batch."""
    store = DictStore()
    key = add_person(make_keys(store), store).newest
    key._used = USES_LIMIT - 1
    with pytest.raises(KeyExhausted):
        seal_many([("a", 1, "f"), ("b", 1, "f")], key=key, record_type="vault")
    assert seal("x", key=key, context=context())
    with pytest.raises(KeyExhausted) as exhausted:
        seal("x", key=key, context=context())
    assert exhausted.value.key_id == key.key_id.hex()
    assert USES_LIMIT == 2**31


def test_d36_an_epoch_stops_at_its_limit() -> None:
    """A KEK that has wrapped 2**31 keys wraps no more."""
    store = DictStore()
    people = make_keys(store)
    add_person(people, store)
    people._keks.active(AT)._used = USES_LIMIT
    with pytest.raises(KeyExhausted, match="k1"):
        people.create(BERT, at=AT)


def test_opened_keys_are_kept_for_their_time_and_no_longer() -> None:
    """Within the TTL the store is not asked; after it an erasure elsewhere is seen."""
    store, clock = DictStore(), Clock()
    people = make_keys(store, ttl=300.0, monotonic=clock)
    add_person(people, store)
    reads = store.reads
    elsewhere = make_keys(store)
    store.shred(ANNA, elsewhere.tombstone_for(ANNA, **SHRED))
    reads = store.reads
    clock.now += 299.9
    assert isinstance(people.of(ANNA), SubjectKeyVersions)
    assert store.reads == reads
    clock.now += 0.2
    with pytest.raises(SubjectErased):
        people.of(ANNA)


def test_erasure_is_remembered_and_absence_is_not() -> None:
    """An erased person is not looked up again however long it takes; a missing one each time."""
    store, clock = DictStore(), Clock()
    people = make_keys(store, monotonic=clock)
    add_person(people, store)
    store.shred(ANNA, people.tombstone_for(ANNA, **SHRED))
    people.forget(ANNA)
    with pytest.raises(SubjectErased):
        people.of(ANNA)
    reads = store.reads
    clock.now += 10_000
    with pytest.raises(SubjectErased):
        people.of(ANNA)
    assert store.reads == reads
    with pytest.raises(KeyMissing):
        people.of(BERT)
    add_person(make_keys(store), store, BERT)
    assert people.of(BERT).newest.version == 1


def test_the_least_recently_used_are_closed_first() -> None:
    """With room for two, opening a third closes the one not used for longest."""
    store = DictStore()
    people = make_keys(store, capacity=2)
    carl = SubjectId(type(ANNA)(int=7))
    for about in (ANNA, BERT, carl):
        _, row = people.create(about, at=AT)
        store.put(row)
    people.of(ANNA)
    people.of(BERT)
    people.of(ANNA)
    people.of(carl)
    reads = store.reads
    people.of(ANNA)
    assert store.reads == reads
    people.of(BERT)
    assert store.reads == reads + 1


class SlowStore(DictStore):
    """Stops in the middle of a look-up until told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.go = threading.Event(), threading.Event()
        self.slow = False

    def keys(self, about: SubjectId) -> Any:
        found = super().keys(about)
        if self.slow:
            self.inside.set()
            assert self.go.wait(10)
        return found


def test_forgetting_waits_for_a_look_up_under_way() -> None:
    """What was read before an erasure does not stay open after forget() has returned."""
    store = SlowStore()
    people = make_keys(store)
    _, row = people.create(ANNA, at=AT)
    store.put(row)
    tombstone = people.tombstone_for(ANNA, **SHRED)
    store.slow = True
    reader = threading.Thread(target=people.of, args=(ANNA,))
    reader.start()
    assert store.inside.wait(10)
    store.slow = False
    forgetting = threading.Thread(target=people.forget, args=(ANNA,))
    forgetting.start()
    store.go.set()
    reader.join(10)
    forgetting.join(10)
    store.shred(ANNA, tombstone)
    with pytest.raises(SubjectErased):
        people.of(ANNA)


def test_many_threads_look_one_person_up_once() -> None:
    """Single flight: threads that ask for the same person at once share one look-up."""
    store = SlowStore()
    people = make_keys(store)
    _, row = people.create(ANNA, at=AT)
    store.put(row)
    store.slow = True
    reads = store.reads
    found: list[SubjectKeyVersions] = []
    threads = [threading.Thread(target=lambda: found.append(people.of(ANNA))) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert store.inside.wait(10)
    store.go.set()
    for thread in threads:
        thread.join(10)
    assert store.reads == reads + 1
    assert len({id(one) for one in found}) == 1
    assert len(found) == 8


def test_moments_of_rows_are_aware_and_in_utc() -> None:
    """A row without a time zone is refused at the door; another zone becomes UTC."""
    people = make_keys(DictStore())
    with pytest.raises(NaiveMoment):
        people.create(ANNA, at=datetime(2026, 3, 31))  # noqa: DTZ001 -- the point
    _, row = people.create(ANNA, at=datetime.fromisoformat("2026-03-31T12:00:00+03:00"))
    assert row.created == AT
    assert row.created.tzinfo is UTC


def test_a_tenant_needs_a_name() -> None:
    """The tenant is part of every derivation, so it cannot be empty."""
    with pytest.raises(ContextError):
        make_keys(DictStore(), tenant="")


def test_epoch_rows_and_tombstones_say_what_they_are() -> None:
    """First use makes one epoch of each kind, under the provider's key, dated by the caller."""
    store = DictStore()
    make_keys(store).create(ANNA, at=AT)
    shown = [
        (row.kind, row.epoch, row.provider_key, row.state, row.created)
        for row in sorted(store.epoch_rows, key=lambda row: row.epoch)
    ]
    assert shown == [
        (EpochKind.INDEX, "i1", "memory", KeyState.ACTIVE, AT),
        (EpochKind.KEK, "k1", "memory", KeyState.ACTIVE, AT),
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
        attrs_evolve(row, epoch=name) if row.kind is EpochKind.KEK else row
        for row in store.epoch_rows
    ]
    with pytest.raises(KeyIntegrityError):
        make_keys(store).create(BERT, at=AT)
