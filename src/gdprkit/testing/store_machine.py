"""A store driven at random beside a plain dict.

Decides which runs are tried and what must agree; what the dict says stands in ``store_model``. It
knows the promises of ``gdprkit.storage.protocol.Store`` and nothing of how they are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import final

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from gdprkit.errors import GdprkitError, PositionTaken
from gdprkit.ledger.chain import genesis, verify_line
from gdprkit.sealing.errors import KeyEpochDestroyed
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyFlags, KeyRow, KeyState, term_prefix
from gdprkit.storage.protocol import (
    Batch,
    LineEnd,
    LineTombstone,
    Marks,
    Span,
    Store,
    StoredMarks,
    Suppression,
    VaultPut,
)
from gdprkit.testing.store_model import Known, Model
from gdprkit.testing.store_values import (
    continued,
    epoch_row,
    hashed,
    key_row,
    moment,
    person,
    slot,
    tombstone,
)
from gdprkit.words.identifiers import PurposeId, Slot, SubjectId
from gdprkit.words.moments import microseconds
from gdprkit.words.vocabulary import Actor, Channel

__all__ = ["machine_for"]

PEOPLE = [person(number) for number in (1, 2, 40_000)]
SLOTS = [slot(number) for number in (1, 2, 3)]
EPOCHS = [epoch_row("k1"), epoch_row("k2"), epoch_row("i1", EpochKind.INDEX)]
TERMS = [b"term 1", b"term 2", term_prefix(EPOCHS[2]) + b"term"]
TAGS = ["news", "restricted"]
ACTS = [hashed("act 1"), hashed("act 2")]
CONTACTS = sorted([hashed("contact 1"), hashed("contact 2")])
MARKS = [hashed("mark 1"), hashed("mark 2")]
SPANS = [Span(), Span(stop=PEOPLE[1]), Span(start=PEOPLE[1])]
END = moment(100)

people = st.sampled_from(PEOPLE)
moments = st.integers(0, 5).map(moment)
versions = st.integers(1, 2)


@final
@attrs.frozen(kw_only=True)
class Wish:
    """What a batch is to hold; where it goes on is known only when it is made."""

    about: SubjectId
    bodies: list[bytes]
    shift: int = 0
    act: bytes | None = None
    marks: Marks = attrs.field(factory=Marks)
    puts: list[VaultPut] = attrs.Factory(list)
    deletes: list[Slot] = attrs.Factory(list)
    keys: list[tuple[int, str, KeyState]] = attrs.Factory(list)
    flags: KeyFlags | None = None
    mark: bytes | None = None
    suppress: list[Suppression] = attrs.Factory(list)
    spend: list[bytes] = attrs.Factory(list)


puts = st.builds(
    VaultPut,
    slot=st.sampled_from(SLOTS),
    envelope=st.binary(min_size=1, max_size=3)
    | versions.map(lambda version: b"\xf8\x01" + key_row(PEOPLE[0], version).key_id),
    terms=st.lists(st.sampled_from(TERMS), unique=True),
)
suppressions = st.builds(
    Suppression,
    hash=st.sampled_from(CONTACTS),
    kind=st.sampled_from(["objection", "bounce"]),
    channels=st.sets(st.sampled_from([Channel.EMAIL, Channel.PHONE]), max_size=2),
    purpose=st.none() | st.just(PurposeId("news")),
    since=moments,
    author=st.sampled_from([Actor.SUBJECT, Actor.COMPANY]),
)
keys = st.tuples(versions, st.sampled_from(["k1", "k1", "k2"]), st.sampled_from(KeyState))
tags = st.sets(st.sampled_from(TAGS), max_size=2)
entries = st.lists(st.binary(min_size=1, max_size=3), max_size=3)
marks = st.builds(Marks, wake_at=st.none() | moments, tags=tags)
some_puts = st.lists(puts, max_size=2, unique_by=lambda put: put.slot)
wishes = st.builds(
    Wish,
    about=people,
    bodies=entries,
    shift=st.sampled_from([0] * 8 + [-1, 1]),
    act=st.sampled_from([None, None, None, *ACTS]),
    marks=marks,
    puts=some_puts,
    deletes=st.lists(st.sampled_from(SLOTS), max_size=1),
    keys=st.lists(keys, max_size=2, unique_by=lambda key: key[0]),
    flags=st.none() | st.none() | st.builds(KeyFlags, restricted=st.booleans()),
    mark=st.sampled_from([None, None, None, *MARKS]),
    suppress=st.lists(suppressions, max_size=2),
    spend=st.lists(st.sampled_from([b"token 1", b"token 2"]), max_size=1),
)


class StoreMachine(RuleBasedStateMachine):
    """Rules write to the store and to the dict; reading must agree."""

    def make_store(self) -> Store:
        """Return a new store; ``machine_for`` fills this in."""
        raise NotImplementedError("made by machine_for")

    def __init__(self) -> None:
        super().__init__()
        self.store = self.make_store()
        self.model = Model({about: Known() for about in PEOPLE})
        for row in EPOCHS[:2]:
            self.turn_epoch(row, is_end=False)

    def teardown(self) -> None:
        """Compare once more, and close."""
        try:
            self.readings_agree()
        finally:
            self.store.close()

    def _batch(self, wish: Wish, ends: dict[SubjectId, tuple[int, bytes]]) -> Batch:
        """Make a batch that goes on where *ends* say, or beside it when the wish is to fail."""
        position, head = ends[wish.about]
        position = max(position + wish.shift, 0)
        # a line cannot begin without an entry
        bodies = wish.bodies if wish.bodies or position else [b"first"]
        start = head or genesis(self.store.tenant, wish.about)
        batch = continued(wish.about, position, start, bodies, key=wish.act, marks=wish.marks)
        ends[wish.about] = (batch.standing.position, batch.standing.head)
        batch = attrs.evolve(batch, suppress=wish.suppress, spend=wish.spend)
        if wish.mark is not None:
            return attrs.evolve(batch, deletes=wish.deletes, shred=tombstone(wish.mark))
        put = {put.slot for put in wish.puts}
        return attrs.evolve(
            batch,
            puts=wish.puts,
            deletes=[slot for slot in wish.deletes if slot not in put],
            keys=[
                attrs.evolve(key_row(wish.about, version), kek_id=kek, state=state)
                for version, kek, state in wish.keys
            ],
            flags=wish.flags,
        )

    @rule(about=people, bodies=entries, marks=marks, puts=some_puts, stop=suppressions)
    def write(
        self,
        about: SubjectId,
        bodies: list[bytes],
        marks: Marks,
        puts: list[VaultPut],
        stop: Suppression,
    ) -> None:
        """Write what is seldom refused: most of what a store does."""
        wish = Wish(about=about, bodies=bodies, marks=marks, puts=puts, suppress=[stop])
        self.commit([wish])

    @rule(about=people, mark=st.sampled_from(MARKS))
    def shred(self, about: SubjectId, mark: bytes) -> None:
        """Destroy a person's keys."""
        self.commit([Wish(about=about, bodies=[b"erased"], mark=mark)])

    @rule(wish=wishes)
    def commit_one(self, wish: Wish) -> None:
        """Write a batch with anything in it."""
        self.commit([wish])

    @rule(first=wishes, second=wishes)
    def commit_two(self, first: Wish, second: Wish) -> None:
        """Write two batches with anything in them, to two people or to one."""
        self.commit([first, second])

    def commit(self, wishes: list[Wish]) -> None:
        """Commit, and be refused exactly when the dict says so."""
        ends = {about: known.end for about, known in self.model.people.items()}
        batches = [self._batch(wish, ends) for wish in wishes]
        expected = self.model.refusals(batches)
        refused: type[Exception] | None = None
        try:
            self.store.commit(*batches)
        except GdprkitError as refusal:
            refused = type(refusal)
        if refused is not None:
            assert refused in expected, f"refused without a reason: {refused.__name__}"
            return
        assert not expected, f"stored what should have been refused: {expected}"
        self.model.commit(batches)

    @rule(about=people, is_wrong=st.booleans(), at=moments)
    def expunge(self, about: SubjectId, at: datetime, *, is_wrong: bool) -> None:
        """Delete a line for good, once or again, at its end or elsewhere."""
        position, head = self.model.people[about].end
        head = hashed("wrong") if is_wrong or not head else head
        left = LineTombstone(position=max(position, 1), head=head, at=at)
        try:
            self.store.expunge(about, left)
        except PositionTaken:
            assert not self.model.expunge(about, left), "refused without a reason"
        else:
            assert self.model.expunge(about, left), "expunged another line than was meant"

    @rule(mark=st.sampled_from(MARKS), reference=st.sampled_from(["1", "2"]))
    def add_tombstone(self, mark: bytes, reference: str) -> None:
        """Keep an erasure that is known from elsewhere."""
        row = tombstone(mark, reference)
        self.store.add_tombstone(row)
        self.model.tombstones.setdefault(mark, row)

    @rule(which=st.sampled_from(EPOCHS), is_end=st.booleans())
    def turn_epoch(self, which: EpochRow, *, is_end: bool) -> None:
        """Add an epoch, which may be there already; or retire and destroy it, if nothing hangs."""
        place = which.kind, which.epoch
        if not is_end:
            self.store.add_epoch(which)
            self.model.epochs.setdefault(place, which)
            return
        old = attrs.evolve(which, state=KeyState.RETIRED)
        is_as_added = self.model.epochs.get(place) == which
        assert self.store.replace_epoch(which, old) == is_as_added
        if is_as_added:
            self.model.epochs[place] = old
        assert self.store.destroy_epoch(old) == self.model.destroy_epoch(old)

    @rule(kek=st.sampled_from(["k1", "k2"]), is_stale=st.booleans())
    def replace_keys(self, kek: str, *, is_stale: bool) -> None:
        """Wrap every key anew, perhaps by somebody who has read them too early."""
        old = self._key_rows()
        if is_stale:
            old = [attrs.evolve(row, wrapped=b"stale") for row in old[:1]] + old[1:]
        changes: list[tuple[KeyRow, KeyRow]] = [
            (row, attrs.evolve(row, kek_id=kek, wrapped=row.wrapped + b"+")) for row in old
        ]
        try:
            count: int | None = self.store.replace_keys(changes)
        except KeyEpochDestroyed:
            count = None
        assert count == self.model.replace_keys(changes)

    def _key_rows(self) -> list[KeyRow]:
        known = self.model.people.values()
        rows = [row for each in known for row in each.keys.values()]
        return sorted(rows, key=lambda row: (row.about, row.version))

    @rule()
    def readings_agree(self) -> None:
        """Everything the store answers is what the dict answers."""
        store, model = self.store, self.model
        for span in SPANS:
            self._walks_agree(span)
        found = {
            term: tuple(
                about
                for about, known in model.people.items()
                if any(term in put.terms for put in known.puts.values())
            )
            for term in TERMS
        }
        assert dict(store.find(TERMS)) == {term: who for term, who in found.items() if who}
        stops = [row for _, row in sorted(model.suppressed.items())]
        assert list(store.suppressions()) == stops
        kept = store.suppressed(CONTACTS)
        assert [row for contact in sorted(kept) for row in kept[contact]] == stops
        assert {row.mark: row for row in store.tombstones()} == model.tombstones
        assert {(row.kind, row.epoch): row for row in store.epochs()} == model.epochs
        assert dict(store.hanging()) == model.hanging()
        assert list(store.key_rows(limit=99)) == self._key_rows()
        for about, known in model.people.items():
            self._person_agrees(about, known)

    def _walks_agree(self, span: Span) -> None:
        store, known = self.store, self.model.people
        there = [about for about in PEOPLE if about in span and known[about].standing]
        assert list(store.people(span=span)) == there
        waking = [
            (wake_at, about)
            for about in there
            if (wake_at := known[about].marks.wake_at) is not None
        ]
        assert list(store.waking(END, span=span, limit=9)) == [who for _, who in sorted(waking)]
        kept = [known[about].marks for about in there]
        assert list(store.marks(span=span)) == [
            StoredMarks(
                about=about,
                wake_at=None if marks.wake_at is None else microseconds(marks.wake_at),
                tags=marks.tags,
                found_by=marks.tags,
            )
            for about, marks in zip(there, kept, strict=True)
        ]
        standings = [standing for about in there if (standing := known[about].standing)]
        for tag in TAGS:
            assert list(store.tagged(tag, span=span)) == [
                standing for standing in standings if tag in known[standing.about].marks.tags
            ]
        assert list(store.ends(span=span)) == [
            LineEnd(about=last.about, position=last.position, head=last.head) for last in standings
        ]
        lines = [(line.standing, list(line.entries)) for line in store.lines(span=span)]
        assert lines == [(standing, known[standing.about].line) for standing in standings]
        left = [(about, known[about].gone) for about in PEOPLE if about in span]
        assert list(store.expunged_lines(span=span)) == [pair for pair in left if pair[1]]

    def _person_agrees(self, about: SubjectId, known: Known) -> None:
        store = self.store
        line = store.line(about)
        assert list(line) == known.line
        assert store.standing(about) == known.standing
        if known.standing is not None:
            verify_line(store.tenant, about, line, known.standing.head)
        wanted = {put.slot: put.envelope for put in known.puts.values()}
        assert dict(store.values(about, SLOTS)) == wanted
        terms = {put.slot: frozenset(put.terms) for put in known.puts.values() if put.terms}
        assert dict(store.terms(about)) == terms
        assert list(store.keys(about)) == [row for _, row in sorted(known.keys.items())]
        assert store.expunged(about) == known.gone
        for act in ACTS:
            assert store.receipt(about, act) == known.receipts.get(act)


def machine_for(make: Callable[[], Store]) -> type[StoreMachine]:
    """Return the machine for the stores that *make* gives."""

    class Machine(StoreMachine):
        """The machine with its store filled in."""

        def make_store(self) -> Store:
            return make()

    return Machine
