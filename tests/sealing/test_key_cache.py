"""What is kept open, for how long, and how it is closed (crypto B.6)."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from tests.sealing.support import (
    ANNA,
    AT,
    BERT,
    SHRED,
    Clock,
    DictStore,
    add_person,
    make_keys,
)

from gdprkit.sealing.errors import (
    KeyMissing,
    SubjectErased,
)
from gdprkit.sealing.opened_keys import SubjectKeyVersions
from gdprkit.sealing.settings import KeySettings
from gdprkit.words.identifiers import SubjectId


def test_opened_keys_are_kept_for_their_time_and_no_longer() -> None:
    """Within the TTL the store is not asked; after it an erasure elsewhere is seen."""
    store, clock = DictStore(), Clock()
    people = make_keys(store, settings=KeySettings(ttl=300.0), monotonic=clock)
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
    people = make_keys(store, settings=KeySettings(capacity=2))
    carl = SubjectId(UUID(int=7))
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


def test_what_is_forgotten_while_many_are_looked_up_is_not_kept() -> None:
    """Somebody erased while the keys of many are read does not stay open after forget()."""
    store = SlowStore()
    people = make_keys(store)
    for about in (ANNA, BERT):
        _, row = people.create(about, at=AT)
        store.put(row)
    tombstone = people.tombstone_for(ANNA, **SHRED)
    store.slow = True
    reader = threading.Thread(target=people.of_many, args=([ANNA, BERT],))
    reader.start()
    assert store.inside.wait(10)
    store.slow = False
    store.shred(ANNA, tombstone)
    people.forget(ANNA)
    store.go.set()
    reader.join(10)
    reads = store.reads
    assert set(people.of_many([BERT])) == {BERT}
    assert store.reads == reads
    assert set(people.of_many([ANNA, BERT])) == {BERT}
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
