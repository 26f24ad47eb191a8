"""A store driven at random beside a plain dict.

Decides which runs are tried and what must agree. It knows the promises of
``gdprkit.storage.protocol.Store`` and nothing of how they are kept.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from gdprkit.errors import LineExpunged, PositionTaken, TokenSpent
from gdprkit.ledger.chain import verify_line
from gdprkit.storage.protocol import Batch, Marks, Store, Suppression, VaultPut
from gdprkit.testing.store_values import (
    continued,
    epoch_row,
    follow,
    hashed,
    key_row,
    line_tombstone,
    moment,
    person,
    slot,
    tombstone,
)
from gdprkit.words.identifiers import Slot, SubjectId
from gdprkit.words.vocabulary import Actor, Channel

__all__ = ["machine_for"]

PEOPLE = [person(number) for number in (1, 2, 3)]
SLOTS = [slot(number) for number in (1, 2, 3)]
TERMS = [b"term 1", b"term 2"]
TAGS = ["news", "restricted"]
CONTACTS = [hashed("contact 1"), hashed("contact 2")]
END = moment(100)

people = st.sampled_from(PEOPLE)
puts = st.builds(
    VaultPut,
    slot=st.sampled_from(SLOTS),
    envelope=st.binary(min_size=1, max_size=4),
    terms=st.lists(st.sampled_from(TERMS), unique=True),
)
marks = st.builds(
    Marks,
    wake_at=st.none() | st.integers(0, 5).map(moment),
    tags=st.sets(st.sampled_from(TAGS)),
)
suppressions = st.builds(
    Suppression,
    hash=st.sampled_from(CONTACTS),
    channels=st.sets(st.sampled_from(Channel), max_size=2),
    since=st.integers(0, 5).map(moment),
    author=st.sampled_from(Actor),
)


@attrs.define
class _Known:
    """What the plain dict knows about one person."""

    bodies: list[bytes] = attrs.Factory(list)
    puts: dict[Slot, VaultPut] = attrs.Factory(dict)
    keys: set[int] = attrs.Factory(set)
    tokens: set[bytes] = attrs.Factory(set)
    marks: Marks = attrs.field(factory=Marks)
    gone: bool = False


class StoreMachine(RuleBasedStateMachine):
    """Rules write to the store and to the dict; reading must agree."""

    def make_store(self) -> Store:
        """Return a new store; ``machine_for`` fills this in."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.store = self.make_store()
        self.store.add_epoch(epoch_row("k1"))
        self.known: dict[SubjectId, _Known] = {about: _Known() for about in PEOPLE}
        self.suppressed: dict[bytes, dict[tuple[str, str, str, str], Suppression]] = {}
        self.erased: set[SubjectId] = set()

    def teardown(self) -> None:
        """Compare once more, and close."""
        try:
            self.readings_agree()
        finally:
            self.store.close()

    def _next(self, about: SubjectId, bodies: list[bytes]) -> Batch:
        known = self.known[about]
        # a line cannot begin without an entry
        return follow(self.store, about, *(bodies if known.bodies else [b"first", *bodies]))

    def _committed(self, *batches: Batch) -> None:
        """Commit, expecting a refusal exactly when the dict says so."""
        expected: list[type[Exception]] = []
        spent = {about: set(known.tokens) for about, known in self.known.items()}
        ends = {about: len(known.bodies) for about, known in self.known.items()}
        for batch in batches:
            if self.known[batch.about].gone:
                expected.append(LineExpunged)
            elif ends[batch.about] != batch.expected:
                expected.append(PositionTaken)
            elif spent[batch.about] & set(batch.spend):
                expected.append(TokenSpent)
            ends[batch.about] = batch.standing.position
            spent[batch.about] |= set(batch.spend)
        refused: type[Exception] | None = None
        try:
            self.store.commit(*batches)
        except (LineExpunged, PositionTaken, TokenSpent) as refusal:
            refused = type(refusal)
        if refused is not None:
            assert refused in expected, f"refused without a reason: {refused.__name__}"
            return
        assert not expected, "stored what should have been refused"
        for batch in batches:
            self._learn(batch)

    def _learn(self, batch: Batch) -> None:
        known = self.known[batch.about]
        known.bodies += [entry.body for entry in batch.entries]
        known.marks = batch.marks
        known.tokens |= set(batch.spend)
        if batch.shred is not None:
            known.puts.clear()
            known.keys.clear()
            self.erased.add(batch.about)
        for gone in batch.deletes:
            known.puts.pop(gone, None)
        known.puts.update((put.slot, put) for put in batch.puts)
        known.keys |= {row.version for row in batch.keys}
        for row in batch.suppress:
            rows = self.suppressed.setdefault(row.hash, {})
            old = rows.get(row.scope)
            rows[row.scope] = row if old is None or row.since > old.since else old

    @rule(
        about=people,
        bodies=st.lists(st.binary(min_size=1, max_size=3), max_size=3),
        put=st.lists(puts, max_size=2, unique_by=lambda put: put.slot),
        mark=marks,
        token=st.none() | st.sampled_from([b"token 1", b"token 2"]),
    )
    def commit(
        self,
        about: SubjectId,
        bodies: list[bytes],
        put: list[VaultPut],
        mark: Marks,
        token: bytes | None,
    ) -> None:
        """Write entries, values, a key, marks, and perhaps spend a token."""
        batch = self._next(about, bodies)
        keys = [key_row(about, len(bodies) + 1)]
        spend = [] if token is None else [token]
        self._committed(attrs.evolve(batch, puts=put, keys=keys, marks=mark, spend=spend))

    @rule(about=people, shift=st.sampled_from([-1, 1]))
    def commit_elsewhere(self, about: SubjectId, shift: int) -> None:
        """Write to a position that is not the next one."""
        position = len(self.known[about].bodies) + shift
        if position < 0:
            return
        self._committed(continued(about, position, hashed("elsewhere"), [b"x"]))

    @rule(first=people, second=people, stale=st.booleans())
    def commit_two(self, first: SubjectId, second: SubjectId, *, stale: bool) -> None:
        """Write to two lines at once, the second perhaps at a wrong position."""
        head = self._next(first, [b"first of two"])
        start = head.standing if first == second else self.store.standing(second)
        position = 0 if start is None else start.position
        digest = hashed("start") if start is None else start.head
        # a new line's chain begins at its own genesis
        other = (
            continued(second, position + stale, digest, [b"second of two"])
            if stale or start is not None
            else self._next(second, [])
        )
        self._committed(head, other)

    @rule(about=people, gone=st.lists(st.sampled_from(SLOTS), max_size=2))
    def delete(self, about: SubjectId, gone: list[Slot]) -> None:
        """Delete values."""
        self._committed(attrs.evolve(self._next(about, [b"deleted"]), deletes=gone))

    @rule(about=people)
    def shred(self, about: SubjectId) -> None:
        """Destroy a person's keys."""
        batch = self._next(about, [b"erased"])
        self._committed(attrs.evolve(batch, shred=tombstone(hashed(str(about)))))

    @rule(about=people, row=suppressions)
    def suppress(self, about: SubjectId, row: Suppression) -> None:
        """Suppress a contact point."""
        self._committed(attrs.evolve(self._next(about, [b"stop"]), suppress=[row]))

    @rule(about=people)
    def expunge(self, about: SubjectId) -> None:
        """Delete a line for good."""
        known = self.known[about]
        if not known.bodies or known.gone:
            return
        self.store.expunge(about, line_tombstone(self.store, about))
        self.known[about] = _Known(gone=True)

    @rule()
    def readings_agree(self) -> None:
        """Everything the store answers is what the dict answers."""
        store, there = self.store, [about for about in PEOPLE if self.known[about].bodies]
        assert list(store.people()) == there
        waking = [
            (known.marks.wake_at, about)
            for about, known in self.known.items()
            if known.marks.wake_at is not None
        ]
        assert list(store.waking(END, limit=9)) == [about for _, about in sorted(waking)]
        for tag in TAGS:
            tagged = [about for about in there if tag in self.known[about].marks.tags]
            assert [standing.about for standing in store.tagged(tag)] == tagged
        found = {
            term: tuple(
                about
                for about, known in self.known.items()
                if any(term in put.terms for put in known.puts.values())
            )
            for term in TERMS
        }
        assert dict(store.find(TERMS)) == {term: who for term, who in found.items() if who}
        kept = {
            hashed: {row.scope: row for row in rows}
            for hashed, rows in store.suppressed(CONTACTS).items()
        }
        assert kept == self.suppressed
        for about, known in self.known.items():
            self._person_agrees(about, known)

    def _person_agrees(self, about: SubjectId, known: _Known) -> None:
        store = self.store
        line = store.line(about)
        assert [entry.body for entry in line] == known.bodies
        assert [entry.position for entry in line] == list(range(1, len(line) + 1))
        last = store.standing(about)
        assert (last is None) == (not line)
        if last is not None:
            assert last.position == len(line)
            verify_line(store.tenant, about, line, last.head)
        wanted = {put.slot: put.envelope for put in known.puts.values()}
        assert dict(store.values(about, SLOTS)) == wanted
        assert {row.version for row in store.keys(about)} == known.keys
        assert (store.expunged(about) is not None) == known.gone
        assert (store.tombstone(hashed(str(about))) is not None) == (about in self.erased)


def machine_for(make: Callable[[], Store]) -> type[StoreMachine]:
    """Return the machine for the stores that *make* gives."""

    class Machine(StoreMachine):
        """The machine with its store filled in."""

        def make_store(self) -> Store:
            return make()

    return Machine
