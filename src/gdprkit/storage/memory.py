"""A store in memory: for tests, for trying things out, and as the plainest reading of the contract.

Decides nothing but how the promises of ``Store`` look without a database. Nothing survives the
process.

Always true: one lock is held for each call, so threads may share the store; a commit is checked
whole before its first change, so it applies whole or not at all; iterators walk a copy.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from threading import Lock
from types import TracebackType
from typing import final

import attrs

from gdprkit.errors import (
    AlreadyRecorded,
    InvalidValue,
    LineExpunged,
    PositionTaken,
    StoreClosed,
    TokenSpent,
)
from gdprkit.sealing.rows import (
    EpochKind,
    EpochRow,
    KeyRow,
    KeyState,
    Tombstone,
    destroyed,
    term_prefix,
)
from gdprkit.storage.guards import (
    check_batches,
    check_changes,
    check_kek,
    check_keys,
    same_epoch,
    sealed_again,
)
from gdprkit.storage.protocol import (
    ALL,
    Batch,
    LineEnd,
    LineTombstone,
    Marks,
    Span,
    StoredEntry,
    StoredLine,
    StoredMarks,
    StoredStanding,
    Suppression,
    check_tag,
    check_tenant,
)
from gdprkit.words.identifiers import Slot, SubjectId
from gdprkit.words.moments import microseconds, utc_moment

__all__ = ["MemoryStore"]


@attrs.define
class _Person:
    """Everything kept about one person."""

    entries: list[StoredEntry] = attrs.Factory(list)
    standing: StoredStanding | None = None
    marks: Marks = attrs.field(factory=Marks)
    receipts: dict[bytes, int] = attrs.Factory(dict)
    values: dict[Slot, bytes] = attrs.Factory(dict)
    terms: dict[Slot, frozenset[bytes]] = attrs.Factory(dict)
    keys: dict[int, KeyRow] = attrs.Factory(dict)
    tokens: set[bytes] = attrs.Factory(set)


@final
class MemoryStore:
    """Keeps the protocol of ``gdprkit.storage.protocol.Store`` in memory.

    Raises:
        InvalidValue: *tenant* is no name of a tenant.
    """

    def __init__(self, tenant: str = "main") -> None:
        self._tenant = check_tenant(tenant)
        self._lock = Lock()
        self._closed = False
        self._people: dict[SubjectId, _Person] = {}
        self._order: list[SubjectId] = []
        self._wakes: list[tuple[datetime, SubjectId]] = []
        self._tags: dict[str, list[SubjectId]] = {}
        self._terms: dict[bytes, dict[SubjectId, int]] = {}
        self._tombstones: dict[bytes, Tombstone] = {}
        self._epochs: dict[tuple[EpochKind, str], EpochRow] = {}
        self._suppressions: dict[bytes, dict[tuple[str, str, str, str], Suppression]] = {}
        self._expunged: dict[SubjectId, LineTombstone] = {}

    @property
    def tenant(self) -> str:
        """The tenant whose rows this store reads and writes."""
        return self._tenant

    def standing(self, about: SubjectId) -> StoredStanding | None:
        """See ``Store.standing``."""
        with self._open():
            return self._person(about).standing

    def line(self, about: SubjectId, *, after: int = 0) -> Sequence[StoredEntry]:
        """See ``Store.line``."""
        with self._open():
            return self._person(about).entries[max(after, 0) :]

    def values(self, about: SubjectId, slots: Iterable[Slot]) -> Mapping[Slot, bytes]:
        """See ``Store.values``."""
        with self._open():
            kept = self._person(about).values
            return {slot: kept[slot] for slot in slots if slot in kept}

    def values_of(
        self, wanted: Mapping[SubjectId, Iterable[Slot]]
    ) -> Mapping[SubjectId, Mapping[Slot, bytes]]:
        """See ``Store.values_of``."""
        with self._open():
            kept = {about: self._person(about).values for about in wanted}
            found = {
                about: {slot: kept[about][slot] for slot in slots if slot in kept[about]}
                for about, slots in wanted.items()
            }
        return {about: values for about, values in found.items() if values}

    def find(self, terms: Iterable[bytes]) -> Mapping[bytes, tuple[SubjectId, ...]]:
        """See ``Store.find``."""
        with self._open():
            kept = self._terms
            return {term: tuple(sorted(kept[term])) for term in terms if term in kept}

    def terms(self, about: SubjectId) -> Mapping[Slot, frozenset[bytes]]:
        """See ``Store.terms``."""
        with self._open():
            return {slot: terms for slot, terms in self._person(about).terms.items() if terms}

    def suppressed(self, hashes: Iterable[bytes]) -> Mapping[bytes, tuple[Suppression, ...]]:
        """See ``Store.suppressed``."""
        with self._open():
            kept = self._suppressions
            return {
                hashed: tuple(sorted(kept[hashed].values(), key=lambda row: row.scope))
                for hashed in hashes
                if hashed in kept
            }

    def receipt(self, about: SubjectId, key: bytes) -> int | None:
        """See ``Store.receipt``."""
        with self._open():
            return self._person(about).receipts.get(key)

    def waking(self, until: datetime, *, span: Span = ALL, limit: int) -> Iterator[SubjectId]:
        """See ``Store.waking``."""
        if limit < 1:
            raise InvalidValue("limit", "is less than 1", "ask for at least one person")
        last = utc_moment(until, "until")
        found: list[SubjectId] = []
        with self._open():
            for wake_at, about in self._wakes:
                if wake_at > last or len(found) == limit:
                    break
                if about in span:
                    found.append(about)
        return iter(found)

    def tagged(self, tag: str, *, span: Span = ALL) -> Iterator[StoredStanding]:
        """See ``Store.tagged``."""
        check_tag(tag)
        with self._open():
            found = [self._people[about].standing for about in _within(self._tags.get(tag), span)]
        return (standing for standing in found if standing is not None)

    def people(self, *, span: Span = ALL) -> Iterator[SubjectId]:
        """See ``Store.people``."""
        with self._open():
            return iter(_within(self._order, span))

    def ends(self, *, span: Span = ALL) -> Iterator[LineEnd]:
        """See ``Store.ends``."""
        return (
            LineEnd(
                about=line.standing.about, position=line.standing.position, head=line.standing.head
            )
            for line in self.lines(span=span)
        )

    def lines(self, *, span: Span = ALL) -> Iterator[StoredLine]:
        """See ``Store.lines``."""
        with self._open():
            people = [self._people[about] for about in _within(self._order, span)]
            found = [(person.standing, tuple(person.entries)) for person in people]
        return (
            StoredLine(standing=standing, entries=entries)
            for standing, entries in found
            if standing is not None
        )

    def marks(self, *, span: Span = ALL) -> Iterator[StoredMarks]:
        """See ``Store.marks``."""
        with self._open():
            found = [(about, self._people[about].marks) for about in _within(self._order, span)]
        return (
            StoredMarks(
                about=about,
                wake_at=None if marks.wake_at is None else microseconds(marks.wake_at),
                tags=marks.tags,
                found_by=marks.tags,
            )
            for about, marks in found
        )

    def expunged_lines(self, *, span: Span = ALL) -> Iterator[tuple[SubjectId, LineTombstone]]:
        """See ``Store.expunged_lines``."""
        with self._open():
            return iter(
                [(who, self._expunged[who]) for who in sorted(self._expunged) if who in span]
            )

    def suppressions(self) -> Iterator[Suppression]:
        """See ``Store.suppressions``."""
        with self._open():
            rows = [row for kept in self._suppressions.values() for row in kept.values()]
        return iter(sorted(rows, key=lambda row: (row.hash, row.scope)))

    def expunged(self, about: SubjectId) -> LineTombstone | None:
        """See ``Store.expunged``."""
        with self._open():
            return self._expunged.get(about)

    def keys(self, about: SubjectId) -> Sequence[KeyRow]:
        """See ``KeyStore.keys``."""
        with self._open():
            return [row for _, row in sorted(self._person(about).keys.items())]

    def keys_of(self, people: Iterable[SubjectId]) -> Mapping[SubjectId, Sequence[KeyRow]]:
        """See ``KeyStore.keys_of``."""
        with self._open():
            found = {about: self._person(about).keys for about in people}
            return {
                about: [row for _, row in sorted(keys.items())]
                for about, keys in found.items()
                if keys
            }

    def tombstone(self, mark: bytes) -> Tombstone | None:
        """See ``KeyStore.tombstone``."""
        with self._open():
            return self._tombstones.get(mark)

    def tombstones_of(self, marks: Iterable[bytes]) -> Mapping[bytes, Tombstone]:
        """See ``KeyStore.tombstones_of``."""
        with self._open():
            kept = self._tombstones
            return {mark: kept[mark] for mark in marks if mark in kept}

    def tombstones(self) -> Sequence[Tombstone]:
        """See ``KeyStore.tombstones``."""
        with self._open():
            rows = self._tombstones.values()
            return sorted(rows, key=lambda row: (row.erased_at, row.mark))

    def add_tombstone(self, tombstone: Tombstone) -> None:
        """See ``KeyStore.add_tombstone``."""
        with self._open():
            self._tombstones.setdefault(tombstone.mark, tombstone)

    def epochs(self) -> Sequence[EpochRow]:
        """See ``KeyStore.epochs``."""
        with self._open():
            rows = self._epochs.values()
            return sorted(rows, key=lambda row: (row.created, row.kind, row.epoch))

    def add_epoch(self, row: EpochRow) -> None:
        """See ``KeyStore.add_epoch``."""
        with self._open():
            self._epochs.setdefault((row.kind, row.epoch), row)

    def key_rows(
        self,
        *,
        kek: str | None = None,
        after: tuple[SubjectId, int] | None = None,
        limit: int,
    ) -> Sequence[KeyRow]:
        """See ``KeyStore.key_rows``."""
        if limit < 1:
            raise InvalidValue("limit", "is less than 1", "ask for at least one row")
        check_kek(kek)
        with self._open():
            found = [
                row
                for about in self._order
                for _, row in sorted(self._people[about].keys.items())
                if kek in (None, row.kek_id) and (after is None or (row.about, row.version) > after)
            ]
        return found[:limit]

    def replace_keys(self, changes: Sequence[tuple[KeyRow, KeyRow]]) -> int:
        """See ``KeyStore.replace_keys``."""
        check_changes(changes)
        with self._open():
            check_keys((new for _, new in changes), self._epochs.values())
            count = 0
            for old, new in changes:
                kept = self._person(old.about).keys
                if kept.get(old.version) == old:
                    kept[old.version] = new
                    count += 1
            return count

    def replace_epoch(self, old: EpochRow, new: EpochRow) -> bool:
        """See ``KeyStore.replace_epoch``."""
        same_epoch(old, new)
        with self._open():
            same = self._epochs.get((old.kind, old.epoch)) == old
            if same:
                self._epochs[old.kind, old.epoch] = new
            return same

    def destroy_epoch(self, row: EpochRow) -> bool:
        """See ``KeyStore.destroy_epoch``."""
        gone = destroyed(row)
        with self._open():
            if self._epochs.get((row.kind, row.epoch)) != row or self._hanging(row):
                return False
            self._epochs[row.kind, row.epoch] = gone
            return True

    def hanging(self) -> Mapping[str, int]:
        """See ``KeyStore.hanging``."""
        with self._open():
            kept = [row for row in self._epochs.values() if row.kind is not EpochKind.LASTING]
            return {row.epoch: self._hanging(row) for row in kept}

    def commit(self, *batches: Batch) -> None:
        """See ``Store.commit``."""
        with self._open():
            self._check(batches)
            for batch in batches:
                self._apply(batch)

    def expunge(self, about: SubjectId, tombstone: LineTombstone) -> None:
        """See ``Store.expunge``."""
        with self._open():
            if about in self._expunged:
                return
            person = self._person(about)
            standing = person.standing
            end = (tombstone.position, tombstone.head)
            if standing is None or (standing.position, standing.head) != end:
                raise PositionTaken(about, tombstone.position)
            self._expunged[about] = tombstone
            self._forget_values(about, person)
            self._mark(about, person, Marks())
            self._order.pop(bisect_left(self._order, about))
            del self._people[about]

    def close(self) -> None:
        """See ``Store.close``."""
        self._closed = True

    def __enter__(self) -> MemoryStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"MemoryStore(tenant={self._tenant!r})"

    def _open(self) -> Lock:
        if self._closed:
            raise StoreClosed
        return self._lock

    def _person(self, about: SubjectId) -> _Person:
        return self._people.get(about) or _Person()

    def _hanging(self, row: EpochRow) -> int:
        """Return how many live key rows, or terms of values, hang on an epoch."""
        people = self._people.values()
        if row.kind is EpochKind.KEK:
            rows = (key for person in people for key in person.keys.values())
            return sum(
                key.kek_id == row.epoch and key.state is not KeyState.DESTROYED for key in rows
            )
        prefix = term_prefix(row)
        terms = (term for person in people for of in person.terms.values() for term in of)
        return sum(term[: len(prefix)] == prefix for term in terms)

    def _destroyed_keys(self, about: SubjectId) -> Collection[bytes]:
        rows = self._person(about).keys.values()
        return {row.key_id for row in rows if row.state is KeyState.DESTROYED}

    def _check(self, batches: Sequence[Batch]) -> None:
        """Refuse what a database would refuse, before anything changes."""
        destroyed = {about: self._destroyed_keys(about) for about in sealed_again(batches)}
        check_batches(batches, self._epochs.values(), destroyed)
        ends: dict[SubjectId, tuple[int, bytes]] = {}
        taken: set[tuple[SubjectId, bytes]] = set()
        spent: set[tuple[SubjectId, bytes]] = set()
        for batch in batches:
            about = batch.about
            if about in self._expunged:
                raise LineExpunged(about)
            person = self._person(about)
            last = person.standing
            kept = (0, b"") if last is None else (last.position, last.head)
            position, head = ends.get(about, kept)
            stale = position != batch.expected
            if stale or (not batch.entries and head != batch.standing.head):
                raise PositionTaken(about, batch.expected)
            ends[about] = (batch.standing.position, batch.standing.head)
            keys = {(about, entry.key) for entry in batch.entries if entry.key is not None}
            if taken & keys or any(key in person.receipts for _, key in keys):
                raise AlreadyRecorded(about)
            taken |= keys
            tokens = {(about, token) for token in batch.spend}
            if spent & tokens or person.tokens & set(batch.spend):
                raise TokenSpent
            spent |= tokens

    def _apply(self, batch: Batch) -> None:
        """Carry out a batch that was checked; nothing here can fail."""
        about = batch.about
        if about not in self._people:
            self._people[about] = _Person()
            insort(self._order, about)
        person = self._people[about]
        person.entries.extend(batch.entries)
        person.receipts.update(
            (entry.key, entry.position) for entry in batch.entries if entry.key is not None
        )
        person.standing = batch.standing
        self._mark(about, person, batch.marks)
        if batch.shred is not None:
            self._forget_values(about, person)
            person.keys.clear()
            self._tombstones.setdefault(batch.shred.mark, batch.shred)
        for slot in batch.deletes:
            self._forget_value(about, person, slot)
        for put in batch.puts:
            self._forget_value(about, person, put.slot)
            person.values[put.slot] = put.envelope
            person.terms[put.slot] = frozenset(put.terms)
            for term in person.terms[put.slot]:
                having = self._terms.setdefault(term, {})
                having[about] = having.get(about, 0) + 1
        person.keys.update((row.version, row) for row in batch.keys)
        if (flags := batch.flags) is not None:
            for version, key in person.keys.items():
                person.keys[version] = attrs.evolve(
                    key, restricted=flags.restricted, on_hold=flags.on_hold
                )
        for row in batch.suppress:
            rows = self._suppressions.setdefault(row.hash, {})
            rows[row.scope] = rows[row.scope].renewed(row) if row.scope in rows else row
        person.tokens.update(batch.spend)

    def _mark(self, about: SubjectId, person: _Person, marks: Marks) -> None:
        """Move the person to new marks."""
        old, person.marks = person.marks, marks
        if old.wake_at != marks.wake_at:
            if old.wake_at is not None:
                self._wakes.pop(bisect_left(self._wakes, (old.wake_at, about)))
            if marks.wake_at is not None:
                insort(self._wakes, (marks.wake_at, about))
        for tag in old.tags - marks.tags:
            self._tags[tag].pop(bisect_left(self._tags[tag], about))
        for tag in marks.tags - old.tags:
            insort(self._tags.setdefault(tag, []), about)

    def _forget_values(self, about: SubjectId, person: _Person) -> None:
        for slot in list(person.values):
            self._forget_value(about, person, slot)

    def _forget_value(self, about: SubjectId, person: _Person, slot: Slot) -> None:
        """Delete a value, and the terms that found the person by it."""
        person.values.pop(slot, None)
        for term in person.terms.pop(slot, frozenset()):
            having = self._terms[term]
            having[about] -= 1
            if not having[about]:
                del having[about]
            if not having:
                del self._terms[term]


def _within(order: list[SubjectId] | None, span: Span) -> list[SubjectId]:
    """Return the part of an ordered list of ids that lies in *span*."""
    if not order:
        return []
    start = 0 if span.start is None else bisect_left(order, span.start)
    stop = len(order) if span.stop is None else bisect_left(order, span.stop)
    return order[start:stop]
