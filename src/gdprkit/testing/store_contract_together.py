"""The part of the contract of stores about all or nothing, and about several writers at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import attrs
import pytest

from gdprkit.errors import (
    AlreadyRecorded,
    GdprkitError,
    LineExpunged,
    PositionTaken,
    TokenSpent,
)
from gdprkit.ledger.chain import verify_line
from gdprkit.sealing.errors import KeyEpochDestroyed
from gdprkit.sealing.rows import EpochRow, KeyState
from gdprkit.storage.protocol import Batch, Marks, Store, Suppression, VaultPut
from gdprkit.testing.store_abilities import StoreAbilities
from gdprkit.testing.store_values import (
    continued,
    epoch_row,
    follow,
    hashed,
    key_row,
    line_tombstone,
    moment,
    person,
    picture,
    slot,
    tombstone,
)
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import Actor

__all__ = ["TogetherContract"]

ANNA, BO = person(1), person(2)


def _stale(store: Store) -> Batch:
    late = follow(store, BO, b"x")
    return continued(BO, late.expected + 6, hashed("head"), [b"x"])


def _spent(store: Store) -> Batch:
    return attrs.evolve(follow(store, BO, b"x"), spend=[b"fresh token", b"spent token"])


def _recorded(store: Store) -> Batch:
    return follow(store, BO, b"x", key=hashed("recorded act"))


def _expunged(store: Store) -> Batch:
    return follow(store, person(9), b"x")


class TogetherContract(StoreAbilities):
    """Inherited through ``StoreContract``."""

    @pytest.mark.parametrize(
        ("second", "error"),
        [
            (_stale, PositionTaken),
            (_spent, TokenSpent),
            (_recorded, AlreadyRecorded),
            (_expunged, LineExpunged),
        ],
    )
    def test_a_refused_batch_takes_the_whole_commit_with_it(
        self,
        store: Store,
        second: Callable[[Store], Batch],
        error: type[GdprkitError],
    ) -> None:
        """When one batch of several is refused, none of any of them is stored."""
        store.add_epoch(epoch_row("k1"))
        start = attrs.evolve(
            follow(store, BO, b"start", key=hashed("recorded act")), spend=[b"spent token"]
        )
        store.commit(start, follow(store, person(9), b"gone"))
        store.expunge(person(9), line_tombstone(store, person(9)))
        store.commit(
            attrs.evolve(
                follow(store, ANNA, b"one"),
                puts=[VaultPut(slot=slot(1), envelope=b"old", terms=[b"term"])],
                keys=[key_row(ANNA)],
            )
        )
        before = picture(store, [ANNA, BO, person(9)])
        suppression = Suppression(hash=hashed("h"), since=moment(1), author=Actor.SUBJECT)
        first = attrs.evolve(
            follow(store, ANNA, b"two", marks=Marks(wake_at=moment(1), tags={"news"})),
            deletes=[slot(1)],
            shred=tombstone(hashed("mark")),
            suppress=[suppression],
            spend=[b"token"],
        )
        with pytest.raises(error):
            store.commit(first, second(store))
        assert picture(store, [ANNA, BO, person(9)]) == before
        assert dict(store.find([b"term"])) == {b"term": (ANNA,)}
        assert store.tombstone(hashed("mark")) is None
        assert dict(store.suppressed([hashed("h")])) == {}
        assert list(store.tagged("news")) == []
        # nor are the tokens spent
        store.commit(first, attrs.evolve(follow(store, BO, b"x"), spend=[b"fresh token"]))

    def test_a_token_is_spent_once(self, store: Store) -> None:
        """A spent token refuses the commit, in a later one and when two batches share it."""
        store.commit(attrs.evolve(follow(store, ANNA, b"one"), spend=[b"a", b"b"]))
        for token in (b"a", b"b"):
            with pytest.raises(TokenSpent):
                store.commit(attrs.evolve(follow(store, ANNA, b"two"), spend=[token]))
        first = attrs.evolve(follow(store, ANNA, b"two"), spend=[b"c"])
        second = attrs.evolve(continued(ANNA, 2, first.standing.head, [b"x"]), spend=[b"c"])
        with pytest.raises(TokenSpent):
            store.commit(first, second)
        assert len(store.line(ANNA)) == 1
        store.commit(first)

    def test_of_two_threads_exactly_one_wins_each_position(self, store: Store) -> None:
        """Two threads that write the same position at the same time: one stores, one is told."""
        barrier = Barrier(2)

        def write(batch: Batch) -> bool:
            barrier.wait()
            try:
                store.commit(batch)
            except PositionTaken:
                return False
            return True

        with ThreadPoolExecutor(2) as threads:
            for position in range(1, 11):
                batches = [follow(store, ANNA, b"left"), follow(store, ANNA, b"right")]
                won = list(threads.map(write, batches))
                assert sorted(won) == [False, True]
                winner = batches[won.index(True)]
                assert store.line(ANNA)[-1] == winner.entries[0]
                assert store.standing(ANNA) == winner.standing
                assert winner.standing.position == position

    def test_threads_that_retry_lose_nothing(self, store: Store) -> None:
        """Writers that read again after a refusal get every entry in, once, without a gap."""
        each = 15

        def write(name: int) -> None:
            for number in range(each):
                _insist(store, ANNA, b"%d of writer %d" % (number, name))

        with ThreadPoolExecutor(3) as threads:
            list(threads.map(write, range(3)))
        line = store.line(ANNA)
        last = store.standing(ANNA)
        assert last is not None
        verify_line(store.tenant, ANNA, line, last.head)
        wanted = {
            b"%d of writer %d" % (number, name) for number in range(each) for name in range(3)
        }
        assert {entry.body for entry in line} == wanted
        assert len(line) == len(wanted)

    def test_threads_on_different_people_do_not_refuse_each_other(self, store: Store) -> None:
        """Nobody has to try again because of another person's line."""

        def write(about: SubjectId) -> None:
            for _ in range(10):
                store.commit(follow(store, about, b"x"))

        everybody = [person(number) for number in range(1, 5)]
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(write, everybody))
        assert [len(store.line(about)) for about in everybody] == [10] * 4

    def test_an_epoch_does_not_end_under_a_writer(self, store: Store) -> None:
        """One thread destroys an epoch, another brings a key under it: exactly one gets through."""
        barrier = Barrier(2)

        def destroy(row: EpochRow) -> bool:
            barrier.wait()
            return store.destroy_epoch(row)

        def write(batch: Batch) -> bool:
            barrier.wait()
            try:
                store.commit(batch)
            except KeyEpochDestroyed:
                return False
            return True

        with ThreadPoolExecutor(2) as threads:
            for number in range(1, 9):
                about = person(number)
                row = attrs.evolve(epoch_row(f"k{number}"), state=KeyState.RETIRED)
                store.add_epoch(row)
                keys = [attrs.evolve(key_row(about), kek_id=row.epoch)]
                batch = attrs.evolve(follow(store, about, b"x"), keys=keys)
                ended, stored = threads.submit(destroy, row), threads.submit(write, batch)
                assert ended.result() is not stored.result()
                assert (row in store.epochs()) == stored.result() == bool(store.keys(about))

    def test_one_epoch_is_kept_of_two_threads(self, store: Store) -> None:
        """Two first writers of an epoch agree afterwards on the one that was kept."""
        barrier = Barrier(2)

        def add(wrapped: bytes) -> object:
            barrier.wait()
            store.add_epoch(epoch_row("k1", wrapped=wrapped))
            return list(store.epochs())

        with ThreadPoolExecutor(2) as threads:
            left, right = threads.map(add, [b"left", b"right"])
        assert left == right

    def test_people_are_walked_while_others_write(self, store: Store) -> None:
        """Who is there throughout comes exactly once and in order, whoever comes or goes."""
        stays = [person(number) for number in range(10, 2410)]
        goes = [person(number) for number in (5, 2405)]
        store.commit(*(follow(store, about, b"x", marks=Marks(tags={"t"})) for about in stays))
        walk, tagged = store.people(), store.tagged("t")
        seen, found = [next(walk)], [next(tagged).about]
        store.commit(follow(store, person(1), b"new"), follow(store, person(5000), b"new"))
        for about in goes:
            if store.standing(about) is not None:
                store.expunge(about, line_tombstone(store, about))
        seen += list(walk)
        found += [standing.about for standing in tagged]
        throughout = [about for about in stays if about not in goes]
        known = set(throughout)
        for given in (seen, found):
            assert given == sorted(set(given))
            assert [about for about in given if about in known] == throughout


def _insist(store: Store, about: SubjectId, body: bytes) -> None:
    """Write one entry, reading again as often as somebody else was quicker."""
    while True:
        try:
            store.commit(follow(store, about, body))
        except PositionTaken:
            continue
        return
