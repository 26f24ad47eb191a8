"""The part of the contract of stores about lines: order, positions, standings and receipts."""

from __future__ import annotations

import attrs
import pytest

from gdprkit.errors import AlreadyRecorded, PositionTaken
from gdprkit.ledger.chain import verify_line
from gdprkit.storage.protocol import Marks, Store, VaultPut
from gdprkit.testing.store_abilities import StoreAbilities
from gdprkit.testing.store_values import (
    continued,
    epoch_row,
    follow,
    hashed,
    key_row,
    moment,
    person,
    picture,
    slot,
)

__all__ = ["LinesContract"]

ANNA, BO = person(1), person(2)


class LinesContract(StoreAbilities):
    """Inherited through ``StoreContract``."""

    def test_an_empty_store_answers_empty(self, store: Store) -> None:
        """Nobody there is an answer, not an error."""
        assert store.standing(ANNA) is None
        assert list(store.line(ANNA)) == []
        assert dict(store.values(ANNA, [slot(1)])) == {}
        assert dict(store.find([b"term"])) == {}
        assert dict(store.suppressed([hashed("a")])) == {}
        assert store.receipt(ANNA, hashed("key")) is None
        assert list(store.waking(moment(0), limit=5)) == []
        assert list(store.tagged("news")) == []
        assert list(store.people()) == []
        assert store.expunged(ANNA) is None
        assert list(store.keys(ANNA)) == []
        assert store.tombstone(hashed("mark")) is None
        assert list(store.epochs()) == []

    def test_no_questions_are_fine(self, store: Store) -> None:
        """Empty lists of slots, terms, hashes and batches are answered, not refused."""
        assert dict(store.values(ANNA, [])) == {}
        assert dict(store.find([])) == {}
        assert dict(store.suppressed([])) == {}
        store.commit()

    def test_entries_come_back_in_order_and_whole(self, store: Store) -> None:
        """Positions count 1, 2, 3 over several commits, and bytes come back as they went in."""
        every_byte = bytes(range(256))
        store.commit(follow(store, ANNA, b"one", every_byte))
        store.commit(follow(store, ANNA, b"three"))
        line = store.line(ANNA)
        assert [entry.position for entry in line] == [1, 2, 3]
        assert [entry.body for entry in line] == [b"one", every_byte, b"three"]
        last = store.standing(ANNA)
        assert last is not None
        verify_line(store.tenant, ANNA, line, last.head)

    def test_a_line_can_be_read_from_a_position(self, store: Store) -> None:
        """*after* leaves out the entries up to it, and beyond the end nothing is left."""
        store.commit(follow(store, ANNA, b"one", b"two", b"three"))
        assert [entry.position for entry in store.line(ANNA, after=1)] == [2, 3]
        assert list(store.line(ANNA, after=3)) == []
        assert list(store.line(ANNA, after=99)) == []

    def test_a_long_line_comes_back_whole(self, store: Store) -> None:
        """Ten thousand entries are no special case."""
        bodies = [b"entry %d" % number for number in range(10_000)]
        store.commit(follow(store, ANNA, *bodies))
        assert [entry.body for entry in store.line(ANNA)] == bodies

    def test_the_standing_is_the_last_one_given(self, store: Store) -> None:
        """Position, head, fold and state are kept beside the line and replaced by each commit."""
        first = follow(store, ANNA, b"one")
        store.commit(first)
        assert store.standing(ANNA) == first.standing
        second = follow(store, ANNA, b"two")
        store.commit(second)
        assert store.standing(ANNA) == second.standing

    def test_a_standing_can_be_renewed_without_entries(self, store: Store) -> None:
        """A batch without entries changes standing and marks and leaves the line alone."""
        store.commit(follow(store, ANNA, b"one", marks=Marks(tags={"old"})))
        batch = follow(store, ANNA, marks=Marks(wake_at=moment(1), tags={"new"}))
        renewed = attrs.evolve(batch.standing, fold=2, state=b"folded anew")
        store.commit(attrs.evolve(batch, standing=renewed))
        assert store.standing(ANNA) == renewed
        assert len(store.line(ANNA)) == 1
        assert list(store.tagged("old")) == []
        assert list(store.tagged("new")) == [renewed]
        assert list(store.waking(moment(1), limit=1)) == [ANNA]

    def test_renewing_on_another_head_is_refused(self, store: Store) -> None:
        """A standing folded from another line than the stored one is not kept."""
        store.commit(follow(store, ANNA, b"one"))
        before = picture(store, [ANNA])
        with pytest.raises(PositionTaken):
            store.commit(continued(ANNA, 1, hashed("another line"), []))
        assert picture(store, [ANNA]) == before

    @pytest.mark.parametrize("shift", [-1, 1])
    def test_another_position_is_refused_and_stores_nothing(self, store: Store, shift: int) -> None:
        """A batch that follows an older or a later position changes nothing at all."""
        store.add_epoch(epoch_row("k1"))
        store.commit(follow(store, ANNA, b"one", b"two"))
        before = picture(store, [ANNA])
        stale = continued(ANNA, 2 + shift, hashed("head"), [b"x"], marks=Marks(wake_at=moment(1)))
        put = VaultPut(slot=slot(1), envelope=b"e", terms=[b"term"])
        full = attrs.evolve(stale, puts=[put], keys=[key_row(ANNA)])
        with pytest.raises(PositionTaken) as caught:
            store.commit(full)
        assert (caught.value.about, caught.value.expected) == (ANNA, 2 + shift)
        assert picture(store, [ANNA]) == before
        assert dict(store.find([b"term"])) == {}

    def test_the_first_entry_cannot_be_written_twice(self, store: Store) -> None:
        """Two beginnings of one line: the second is refused."""
        first, second = follow(store, ANNA, b"one"), follow(store, ANNA, b"other")
        store.commit(first)
        with pytest.raises(PositionTaken):
            store.commit(second)
        assert [entry.body for entry in store.line(ANNA)] == [b"one"]

    def test_several_batches_of_one_person_follow_each_other(self, store: Store) -> None:
        """Batches of one commit apply in the order given, also to one person."""
        first = follow(store, ANNA, b"one", marks=Marks(tags={"a"}))
        end = first.standing
        second = continued(ANNA, 1, end.head, [b"two"], marks=Marks(tags={"b"}))
        store.commit(first, follow(store, BO, b"other"), second)
        assert [entry.body for entry in store.line(ANNA)] == [b"one", b"two"]
        assert store.standing(ANNA) == second.standing
        assert list(store.tagged("a")) == []
        assert list(store.tagged("b")) == [second.standing]

    def test_people_are_apart(self, store: Store) -> None:
        """Equal bodies, slots, keys and idempotency keys of two people do not touch."""
        store.add_epoch(epoch_row("k1"))
        key = hashed("same")
        for about in (ANNA, BO):
            batch = follow(store, about, b"same", key=key)
            store.commit(attrs.evolve(batch, keys=[key_row(about)], spend=[key]))
        store.commit(follow(store, BO, b"more"))
        assert len(store.line(ANNA)) == 1
        assert len(store.line(BO)) == 2
        assert store.receipt(ANNA, key) == store.receipt(BO, key) == 1
        assert list(store.keys(ANNA)) == [key_row(ANNA)]

    def test_a_receipt_tells_the_position(self, store: Store) -> None:
        """An idempotency key answers with the entry it was recorded under, for that person."""
        store.commit(follow(store, ANNA, b"one"))
        store.commit(follow(store, ANNA, b"two", b"three", key=hashed("act")))
        assert store.receipt(ANNA, hashed("act")) == 2
        assert store.receipt(ANNA, hashed("other act")) is None
        assert store.receipt(BO, hashed("act")) is None
        assert [entry.key for entry in store.line(ANNA)] == [None, hashed("act"), None]

    def test_an_idempotency_key_is_recorded_once(self, store: Store) -> None:
        """The same key again stores nothing, in a later commit and inside one."""
        store.commit(follow(store, ANNA, b"one", key=hashed("act")))
        with pytest.raises(AlreadyRecorded) as caught:
            store.commit(follow(store, ANNA, b"two", key=hashed("act")))
        assert caught.value.about == ANNA
        first = follow(store, BO, b"one", key=hashed("act"))
        second = continued(BO, 1, first.standing.head, [b"two"], key=hashed("act"))
        with pytest.raises(AlreadyRecorded):
            store.commit(first, second)
        assert len(store.line(ANNA)) == 1
        assert list(store.line(BO)) == []
