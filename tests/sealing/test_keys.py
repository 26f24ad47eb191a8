"""Keys of people: missing, erased, held, rotated, used up (crypto D.21, D.25, D.36)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import repeat

import pytest
from tests.sealing.support import (
    ANNA,
    AT,
    BERT,
    SHRED,
    DictStore,
    add_person,
    dec,
    enc,
    enc_many,
    make_keys,
    rotate,
)

from gdprkit.errors import InvalidValue, NaiveMoment
from gdprkit.sealing.errors import (
    ContextError,
    KeyDestroyed,
    KeyExhausted,
    KeyMissing,
    KeyVersionUnknown,
    ShredHeld,
    SubjectErased,
)
from gdprkit.sealing.opened_keys import USES_LIMIT, SubjectKey
from gdprkit.sealing.rows import KeyState
from gdprkit.words.vocabulary import ErasureReason


def test_d21_unknown_missing_and_erased_are_three_answers() -> None:
    """A strange key, a person without keys and an erased person are told apart."""
    store = DictStore()
    people = make_keys(store)
    keys = add_person(people, store)
    owner = keys.owner
    (strange,) = SubjectKey.derive(bytes(32), version=1, owner=owner)
    sealed = enc("x", strange)
    with pytest.raises(KeyVersionUnknown) as unknown:
        dec(sealed, keys)
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


def test_d21_a_version_made_since_does_not_open_beside_a_tombstone() -> None:
    """Rows that come back after an erasure open nothing, though the keys were opened before it."""
    store = DictStore()
    people, elsewhere = make_keys(store), make_keys(store)
    held = add_person(people, store)
    row = rotate(elsewhere, store)
    sealed = enc("x", elsewhere.of(ANNA).newest)
    rows = list(store.rows[ANNA])
    assert rows[-1] == row
    store.shred(ANNA, elsewhere.tombstone_for(ANNA, **SHRED))
    store.rows[ANNA] = rows
    with pytest.raises(SubjectErased):
        dec(sealed, held)


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
    again = people.tombstone_for(ANNA, at=later, reason=ErasureReason.UNLAWFUL, reference="another")
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
    rotate(people, store)
    store.replace(store.rows[ANNA][0], on_hold=True)
    with pytest.raises(ShredHeld) as held:
        people.tombstone_for(ANNA, **SHRED)
    assert held.value.about == ANNA
    people.forget(ANNA)
    assert people.of(ANNA).newest.version == 2


def test_a_destroyed_version_says_so() -> None:
    """What a destroyed version sealed is told as destroyed; the other versions still work."""
    store = DictStore()
    people = make_keys(store)
    keys = add_person(people, store)
    sealed = enc("x", keys.newest)
    rotate(people, store)
    old = store.replace(store.rows[ANNA][0], state=KeyState.DESTROYED, wrapped=b"")
    people.forget(ANNA)
    with pytest.raises(KeyDestroyed) as destroyed:
        dec(sealed, people.of(ANNA))
    assert destroyed.value.key_id == old.key_id.hex()
    store.replace(store.rows[ANNA][1], state=KeyState.DESTROYED, wrapped=b"")
    people.forget(ANNA)
    with pytest.raises(KeyDestroyed):
        _ = people.of(ANNA).newest


def test_versions_write_with_the_newest_and_read_with_all() -> None:
    """After a rotation new values go under version 2 and old ones still open."""
    store = DictStore()
    people = make_keys(store)
    sealed = enc("old", add_person(people, store).newest)
    row = rotate(people, store)
    keys = people.of(ANNA)
    assert keys.newest.version == 2
    assert keys.newest.key_id == row.key_id
    assert dec(sealed, keys) == "old"
    fresh = enc("new", keys.newest)
    assert fresh[2:22] == row.key_id
    with pytest.raises(InvalidValue, match="pass 3"):
        people.create(ANNA, at=AT, version=2)


def test_made_versions_open_what_the_person_had_before() -> None:
    """What create returns seals with the new key and opens values under the old one."""
    store = DictStore()
    people = make_keys(store)
    sealed = enc("old", add_person(people, store).newest)
    made, row = people.create(ANNA, at=AT, version=2)
    assert made.newest.key_id == row.key_id
    assert dec(sealed, made) == "old"
    assert people.of(ANNA).newest.version == 1  # nothing was stored


def test_d36_a_key_stops_at_its_limit() -> None:
    """Encryption number 2**31 is done and the next one refused, single or in a batch."""
    store = DictStore()
    key = add_person(make_keys(store), store).newest
    key._uses = repeat(None, 1)  # type: ignore[misc]
    with pytest.raises(KeyExhausted):
        enc_many([("a", 1, "f"), ("b", 1, "f")], key)
    assert enc("x", key)
    with pytest.raises(KeyExhausted) as exhausted:
        enc("x", key)
    assert exhausted.value.key_id == key.key_id.hex()
    assert USES_LIMIT == 2**31


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
