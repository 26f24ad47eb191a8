"""The contract of stores, as tests that an implementer inherits.

``StoreContract`` has an example for every promise in ``gdprkit.storage.protocol.Store``, and a
state machine that drives the store beside a plain dict. It leaves out speed, and what one
database alone promises. Always true: a test names one promise, and needs only ``make_store``;
promises that not every store can be asked about are switched on by attributes, and skip by name.

    class TestMyStore(StoreContract):
        can_reopen = True

        def make_store(self) -> Store:
            return MyStore(...)

        def reopen_store(self, store: Store) -> Store:
            ...
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from gdprkit.errors import AlreadyRecorded, InvalidValue, NaiveMoment, PositionTaken, StoreClosed
from gdprkit.ledger.chain import verify_line
from gdprkit.storage.protocol import Marks, Span, Store, VaultPut
from gdprkit.testing.store_contract_erasure import ErasureContract
from gdprkit.testing.store_contract_keys import KeysContract
from gdprkit.testing.store_contract_together import TogetherContract
from gdprkit.testing.store_machine import machine_for
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
    tombstone,
)

__all__ = ["StoreContract"]

ANNA, BO, CAI = person(1), person(2), person(3)


class StoreContract(TogetherContract, ErasureContract, KeysContract):
    """Inherit, write ``make_store``, and run with pytest.

    ``can_reopen``: the store survives closing; write ``reopen_store``. ``has_neighbours``: tenants
    can share what lies beneath; write ``make_neighbour``. ``machine_settings``: how long the state
    machine runs.
    """

    can_reopen: ClassVar[bool] = False
    has_neighbours: ClassVar[bool] = False
    machine_settings: ClassVar[settings] = settings(
        max_examples=15,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    def make_store(self) -> Store:
        """Return a new, empty store; each call another one."""
        raise NotImplementedError

    def reopen_store(self, store: Store) -> Store:
        """Close *store* and return a store on the same data."""
        raise NotImplementedError

    def make_neighbour(self, store: Store, tenant: str) -> Store:
        """Return a store of another tenant on the same data as *store*."""
        raise NotImplementedError

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        """Give a new store and close it afterwards."""
        store = self.make_store()
        yield store
        store.close()

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

    def test_waking_is_ordered_limited_and_ends_at_until(self, store: Store) -> None:
        """The earliest wake first, equal ones by id, *until* included, never more than *limit*."""
        for about, minutes in ((ANNA, 30), (BO, 10), (CAI, 10), (person(4), 31)):
            store.commit(follow(store, about, b"x", marks=Marks(wake_at=moment(minutes))))
        store.commit(follow(store, person(5), b"x"))
        assert list(store.waking(moment(30), limit=10)) == [BO, CAI, ANNA]
        assert list(store.waking(moment(30), limit=2)) == [BO, CAI]
        assert list(store.waking(moment(9), limit=10)) == []
        span = Span(start=CAI, stop=person(4))
        assert list(store.waking(moment(99), span=span, limit=10)) == [CAI]
        store.commit(follow(store, BO, b"y", marks=Marks(wake_at=moment(40))))
        store.commit(follow(store, CAI, b"y"))
        assert list(store.waking(moment(99), limit=10)) == [ANNA, person(4), BO]

    def test_waking_keeps_moments_exact(self, store: Store) -> None:
        """A microsecond decides, before 1970 and far ahead too, whatever the time zone given."""
        for year in (1901, 2026, 9998):
            wake_at = moment(0).replace(year=year, microsecond=1)
            store.commit(follow(store, ANNA, b"x", marks=Marks(wake_at=wake_at)))
            assert list(store.waking(wake_at.replace(microsecond=0), limit=1)) == []
            assert list(store.waking(wake_at, limit=1)) == [ANNA]

    def test_waking_refuses_senseless_questions(self, store: Store) -> None:
        """No limit and no time zone are mistakes of the caller, told at the call."""
        with pytest.raises(InvalidValue):
            store.waking(moment(0), limit=0)
        with pytest.raises(NaiveMoment):
            store.waking(moment(0).replace(tzinfo=None), limit=1)

    def test_tagged_gives_standings_in_order_of_id(self, store: Store) -> None:
        """Who carries a tag is found by it, within a span, until the tag is taken off."""
        for about in (CAI, ANNA, BO):
            store.commit(follow(store, about, b"x", marks=Marks(tags={"news", f"n:{about}"})))
        assert [found.about for found in store.tagged("news")] == [ANNA, BO, CAI]
        assert list(store.tagged("news", span=Span(start=BO, stop=CAI))) == [store.standing(BO)]
        store.commit(follow(store, BO, b"y", marks=Marks(tags={"other"})))
        assert [found.about for found in store.tagged("news")] == [ANNA, CAI]
        assert [found.about for found in store.tagged("other")] == [BO]

    def test_people_come_in_order_and_spans_share_them_out(self, store: Store) -> None:
        """Everybody once, in order of id; the spans of a split cover everybody once."""
        everybody = [person(number) for number in (700, 1, 40_000, 65_535, 0, 33_000)]
        store.commit(*(follow(store, about, b"x") for about in everybody))
        assert list(store.people()) == sorted(everybody)
        shared = [list(store.people(span=span)) for span in Span().split(3)]
        assert [about for part in shared for about in part] == sorted(everybody)
        assert all(shared)

    def test_key_rows_are_put_by_version(self, store: Store) -> None:
        """Rows come back in order of version, and putting a version again replaces it."""
        store.add_epoch(epoch_row("k1"))
        batch = follow(store, ANNA, b"one")
        store.commit(attrs.evolve(batch, keys=[key_row(ANNA, 2), key_row(ANNA, 1)]))
        assert list(store.keys(ANNA)) == [key_row(ANNA, 1), key_row(ANNA, 2)]
        changed = attrs.evolve(key_row(ANNA, 1, b"again"), restricted=True, on_hold=True)
        store.commit(attrs.evolve(follow(store, ANNA), keys=[changed]))
        assert list(store.keys(ANNA)) == [changed, key_row(ANNA, 2)]

    def test_the_first_writer_of_an_epoch_wins(self, store: Store) -> None:
        """Adding an epoch that is there keeps the stored one and says nothing."""
        store.add_epoch(epoch_row("k1"))
        store.add_epoch(epoch_row("k1", wrapped=b"late"))
        store.add_epoch(epoch_row("k2"))
        assert list(store.epochs()) == [epoch_row("k1"), epoch_row("k2")]

    def test_a_closed_store_answers_nothing(self) -> None:
        """After closing, reading and writing say so; closing again is fine."""
        store = self.make_store()
        batch = follow(store, ANNA, b"one")
        store.close()
        store.close()
        for call in (
            lambda: store.standing(ANNA),
            lambda: list(store.people()),
            lambda: store.commit(batch),
            lambda: store.add_epoch(epoch_row("k1")),
        ):
            with pytest.raises(StoreClosed):
                call()

    def test_tenants_are_apart(self, store: Store) -> None:
        """Two tenants on the same data see nothing of each other, under equal ids and hashes."""
        if not self.has_neighbours:
            pytest.skip("not claimed: has_neighbours")
        other = self.make_neighbour(store, "other")
        ours = follow(store, ANNA, b"ours", key=hashed("act"), marks=Marks(tags={"news"}))
        shred = tombstone(hashed("mark"))
        store.commit(attrs.evolve(ours, shred=shred, spend=[b"token"]))
        store.add_epoch(epoch_row("k1"))
        assert other.tenant == "other"
        assert picture(other, [ANNA]) == picture(self.make_store(), [ANNA])
        assert list(other.tagged("news")) == []
        assert other.tombstone(hashed("mark")) is None
        assert other.receipt(ANNA, hashed("act")) is None
        assert list(other.epochs()) == []
        theirs = follow(other, ANNA, b"theirs", key=hashed("act"))
        other.commit(attrs.evolve(theirs, spend=[b"token"]))
        assert [entry.body for entry in store.line(ANNA)] == [b"ours"]
        assert [entry.body for entry in other.line(ANNA)] == [b"theirs"]
        other.close()

    def test_everything_survives_reopening(self) -> None:
        """What was committed is there for the next one who opens the store."""
        if not self.can_reopen:
            pytest.skip("not claimed: can_reopen")
        store = self.make_store()
        marks = Marks(wake_at=moment(3), tags={"news"})
        batch = follow(store, ANNA, b"one", key=hashed("act"), marks=marks)
        store.add_epoch(epoch_row("k1"))
        store.commit(attrs.evolve(batch, keys=[key_row(ANNA)]))
        before = picture(store, [ANNA])
        store = self.reopen_store(store)
        assert picture(store, [ANNA]) == before
        assert store.receipt(ANNA, hashed("act")) == 1
        assert list(store.tagged("news")) == [store.standing(ANNA)]
        assert list(store.epochs()) == [epoch_row("k1")]
        store.commit(follow(store, ANNA, b"two"))
        assert len(store.line(ANNA)) == 2
        store.close()

    def test_agrees_with_a_plain_dict(self) -> None:
        """Any run of commits, shreddings, expungings and readings matches a plain dict."""
        run_state_machine_as_test(machine_for(self.make_store), settings=self.machine_settings)
