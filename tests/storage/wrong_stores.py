"""Stores that break one promise each, and a right one made in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import attrs
from tests.storage.guests import Guest

from gdprkit.errors import InvalidValue, PositionTaken
from gdprkit.sealing.rows import EpochRow, KeyRow, Tombstone, destroyed
from gdprkit.storage import MemoryStore, SqliteStore
from gdprkit.storage.protocol import (
    ALL,
    Batch,
    LineEnd,
    LineTombstone,
    Marks,
    Span,
    StoredEntry,
    StoredStanding,
    Suppression,
)
from gdprkit.storage.steps import Make, take
from gdprkit.testing.store_values import continued
from gdprkit.words.identifiers import Slot, SubjectId

T = TypeVar("T")


class Around:
    """A right store to be made wrong."""

    def __init__(self, tenant: str = "main") -> None:
        self.inner: Any = MemoryStore(tenant)
        self.fails_at = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def _step(self) -> None:
        """Stand for one thing that can go wrong."""
        self.fails_at -= 1
        if self.fails_at == 0:
            raise OSError("injected")

    def commit(self, *batches: Batch) -> None:
        self._step()
        self.inner.commit(*batches)

    def expunge(self, about: SubjectId, tombstone: LineTombstone) -> None:
        self._step()
        self.inner.expunge(about, tombstone)

    def add_epoch(self, row: EpochRow) -> None:
        self._step()
        self.inner.add_epoch(row)

    def add_tombstone(self, tombstone: Tombstone) -> None:
        self._step()
        self.inner.add_tombstone(tombstone)

    def replace_keys(self, changes: Sequence[tuple[KeyRow, KeyRow]]) -> int:
        self._step()
        found: int = self.inner.replace_keys(changes)
        return found

    def replace_epoch(self, old: EpochRow, new: EpochRow) -> bool:
        self._step()
        found: bool = self.inner.replace_epoch(old, new)
        return found

    def destroy_epoch(self, row: EpochRow) -> bool:
        self._step()
        found: bool = self.inner.destroy_epoch(row)
        return found

    def neighbour(self, tenant: str) -> Around:
        """Return another tenant's store."""
        return type(self)(tenant)

    def reopened(self) -> Around:
        """Close, and return a store on the same data."""
        again = type(self)()
        again.__dict__.update(self.__dict__)
        again.inner = MemoryStore(self.inner.tenant)
        again.inner.__dict__.update(self.inner.__dict__)
        self.inner.close()
        return again


class Right(Around):
    """Breaks nothing: shows that the harness itself does not fail."""


class Forgets(Around):
    """Loses the newest entry of longer lines."""

    def line(self, about: SubjectId, *, after: int = 0) -> Sequence[StoredEntry]:
        found: Sequence[StoredEntry] = self.inner.line(about, after=after)
        return found[:-1] if len(found) > 2 else found


class HalfCommits(Around):
    """Stores batch after batch, so that a refusal or a failure leaves the first ones behind."""

    def commit(self, *batches: Batch) -> None:
        for batch in batches:
            self._step()
            self.inner.commit(batch)


class IgnoresConflicts(Around):
    """Appends wherever the line ends, whatever the writer expected."""

    def commit(self, *batches: Batch) -> None:
        try:
            super().commit(*batches)
        except PositionTaken:
            for batch in batches:
                self.inner.commit(self._rebased(batch))

    def _rebased(self, batch: Batch) -> Batch:
        last = self.inner.standing(batch.about)
        if last is None:
            return batch
        bodies = [entry.body for entry in batch.entries]
        again = continued(batch.about, last.position, last.head, bodies, marks=batch.marks)
        return attrs.evolve(again, puts=batch.puts, keys=batch.keys, spend=batch.spend)


class IgnoresProcesses(IgnoresConflicts):
    """The same in a file that several processes share."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.inner = SqliteStore(path)


class WrapsAgain(Around):
    """Sets flags by putting whole rows that were read earlier: a rotation meanwhile is undone."""

    def __init__(self, tenant: str = "main") -> None:
        super().__init__(tenant)
        self.first: dict[SubjectId, KeyRow] = {}

    def commit(self, *batches: Batch) -> None:
        for batch in batches:
            for row in batch.keys:
                self.first.setdefault(batch.about, row)
        super().commit(*(self._whole(batch) for batch in batches))

    def _whole(self, batch: Batch) -> Batch:
        kept = self.first.get(batch.about)
        if batch.flags is None or kept is None:
            return batch
        rows = [row for row in batch.keys if row.version != kept.version]
        return attrs.evolve(batch, keys=[*rows, kept])


class Overwrites(Around):
    """Lets a later tombstone take the place of the first."""

    def add_tombstone(self, tombstone: Tombstone) -> None:
        self._step()
        self.inner._tombstones[tombstone.mark] = tombstone


class _Remembers(Around):
    """Keeps every envelope it has seen."""

    def __init__(self, tenant: str = "main") -> None:
        super().__init__(tenant)
        self.seen: dict[SubjectId, dict[Slot, bytes]] = {}

    def commit(self, *batches: Batch) -> None:
        super().commit(*batches)
        for batch in batches:
            for put in batch.puts:
                self.seen.setdefault(batch.about, {})[put.slot] = put.envelope

    def _kept(self, about: SubjectId, slots: Iterable[Slot]) -> Mapping[Slot, bytes]:
        kept = self.seen.get(about, {})
        return {slot: kept[slot] for slot in slots if slot in kept}


class HalfExpunges(_Remembers):
    """Deletes the line and leaves its values."""

    def values(self, about: SubjectId, slots: Iterable[Slot]) -> Mapping[Slot, bytes]:
        if self.inner.expunged(about):
            return self._kept(about, slots)
        found: Mapping[Slot, bytes] = self.inner.values(about, slots)
        return found


class KeepsAfterErasure(_Remembers):
    """Gives a shredded person's values all the same."""

    def __init__(self, tenant: str = "main") -> None:
        super().__init__(tenant)
        self.shredded: set[SubjectId] = set()

    def commit(self, *batches: Batch) -> None:
        super().commit(*batches)
        self.shredded |= {batch.about for batch in batches if batch.shred}

    def values(self, about: SubjectId, slots: Iterable[Slot]) -> Mapping[Slot, bytes]:
        if about in self.shredded and not self.inner.expunged(about):
            return self._kept(about, slots)
        found: Mapping[Slot, bytes] = self.inner.values(about, slots)
        return found


class LosesSuppression(Around):
    """Takes a person's stops along when the line is expunged."""

    def expunge(self, about: SubjectId, tombstone: LineTombstone) -> None:
        super().expunge(about, tombstone)
        self.inner._suppressions.clear()


class NarrowsSuppression(Around):
    """Lets the newest stop of a contact point take the place of the others."""

    def suppressed(self, hashes: Iterable[bytes]) -> Mapping[bytes, tuple[Suppression, ...]]:
        found = self.inner.suppressed(hashes)
        return {key: (max(rows, key=lambda row: row.since),) for key, rows in found.items()}


class ReusesToken(Around):
    """Does not mark what was spent."""

    def commit(self, *batches: Batch) -> None:
        super().commit(*(attrs.evolve(batch, spend=[]) for batch in batches))


class PagesWithGaps(Around):
    """Goes on at a number of rows, so that whoever comes or goes in front shifts the rest."""

    def people(self, *, span: Span = ALL) -> Iterator[SubjectId]:
        place = 0
        while page := list(self.inner.people(span=span))[place : place + 10]:
            yield from page
            place += len(page)


class RowsWithGaps(Around):
    """Pages key rows by person alone: of whom a page ends in, the other versions are left out."""

    def key_rows(
        self,
        *,
        kek: str | None = None,
        after: tuple[SubjectId, int] | None = None,
        limit: int,
    ) -> Sequence[KeyRow]:
        behind = None if after is None else (after[0], 10**6)
        found: Sequence[KeyRow] = self.inner.key_rows(kek=kek, after=behind, limit=limit)
        return found


class WrongOrder(Around):
    """Gives the tagged by when they were last written, the newest first."""

    def __init__(self, tenant: str = "main") -> None:
        super().__init__(tenant)
        self.order: list[SubjectId] = []

    def commit(self, *batches: Batch) -> None:
        super().commit(*batches)
        self.order += [batch.about for batch in batches]

    def tagged(self, tag: str, *, span: Span = ALL) -> Iterator[StoredStanding]:
        found = list(self.inner.tagged(tag, span=span))
        last = {about: place for place, about in enumerate(self.order)}
        return iter(sorted(found, key=lambda row: -last[row.about]))


class LeaksBetweenTenants(Around):
    """Looks a term up in everybody's data."""

    def neighbour(self, tenant: str) -> Around:
        other = super().neighbour(tenant)
        other.inner._terms = self.inner._terms
        return other


class DropsTags(Around):
    """Keeps one tag of each person."""

    def commit(self, *batches: Batch) -> None:
        super().commit(*(attrs.evolve(batch, marks=_fewer(batch.marks)) for batch in batches))


def _fewer(marks: Marks) -> Marks:
    return attrs.evolve(marks, tags=sorted(marks.tags)[:1])


class EndsOfAnother(Around):
    """Tells of each line the end of the one before."""

    def ends(self, *, span: Span = ALL) -> Iterator[LineEnd]:
        found = list(self.inner.ends(span=span))
        shifted = [*found[-1:], *found[:-1]]
        pairs = zip(found, shifted, strict=True)
        return iter([attrs.evolve(other, about=end.about) for end, other in pairs])


class LosesReceipt(Around):
    """Finds an act only when its entry is the first of the line."""

    def receipt(self, about: SubjectId, key: bytes) -> int | None:
        found: int | None = self.inner.receipt(about, key)
        return found if found == 1 else None


class ForgetsTokens(Around):
    """Keeps spent tokens in the process only."""

    def reopened(self) -> Around:
        again = super().reopened()
        for known in again.inner._people.values():
            known.tokens.clear()
        return again


class RoundsMoments(Around):
    """Keeps whole seconds."""

    def commit(self, *batches: Batch) -> None:
        super().commit(*(attrs.evolve(batch, marks=_rounded(batch.marks)) for batch in batches))


def _rounded(marks: Marks) -> Marks:
    at: datetime | None = marks.wake_at
    return marks if at is None else attrs.evolve(marks, wake_at=at.replace(microsecond=0))


class CutsLarge(Around):
    """Keeps the first 64 KiB of a body, as a column of some databases does."""

    def line(self, about: SubjectId, *, after: int = 0) -> Sequence[StoredEntry]:
        found = self.inner.line(about, after=after)
        return [attrs.evolve(entry, body=entry.body[: 1 << 16]) for entry in found]


class TakesNoText(Around):
    """Answers a question that no database could be asked."""

    def tagged(self, tag: str, *, span: Span = ALL) -> Iterator[StoredStanding]:
        try:
            found: Iterator[StoredStanding] = self.inner.tagged(tag, span=span)
        except InvalidValue:
            return iter(())
        return found


class DestroysInUse(Around):
    """Destroys an epoch that keys hang on."""

    def destroy_epoch(self, row: EpochRow) -> bool:
        gone = destroyed(row)
        return self.replace_epoch(row, gone)


class Acknowledges(Around):
    """Returns from a commit and writes it with the next one: what a killed process held is lost."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.inner = SqliteStore(path)
        self.held: list[Batch] = []
        self.lasts: dict[SubjectId, StoredStanding] = {}

    def standing(self, about: SubjectId) -> StoredStanding | None:
        return self.lasts.get(about) or self.inner.standing(about)

    def commit(self, *batches: Batch) -> None:
        self.held += batches
        self.lasts.update((batch.about, batch.standing) for batch in batches)
        if len(self.held) >= 60:
            self.inner.commit(*self.held)
            self.held.clear()


class CommitsForTheHost(Guest):
    """Ends the host's transaction after each write, and begins another."""

    def _write(self, make: Make[T]) -> T:
        found = super()._write(make)
        self.connection.execute("COMMIT")
        self.connection.execute("BEGIN")
        return found


class SpoilsTheHost(Guest):
    """Rolls the whole transaction back when a commit is refused."""

    def _write(self, make: Make[T]) -> T:
        try:
            return take(make(), self)
        except BaseException:
            self.connection.execute("ROLLBACK")
            self.connection.execute("BEGIN")
            raise


class LeavesHalf(Guest):
    """Writes without a savepoint: what came before the refusal stays."""

    def _write(self, make: Make[T]) -> T:
        return take(make(), self)


class ClosesTheHost(Guest):
    """Closes what was lent to it."""

    def close(self) -> None:
        super().close()
        self.connection.close()


class LosesEpochs(Guest):
    """Adds an epoch in the host's transaction, where it can be rolled back."""

    def add_epoch(self, row: EpochRow) -> None:
        values = (self._tenant, row.kind.value, row.epoch, row.provider_key, row.wrapped)
        created = int(row.created.timestamp()) * 1_000_000
        self.connection.execute(
            "INSERT INTO gdprkit_epoch VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*values, row.state.value, created),
        )


def new_file(folder: Path) -> Path:
    """Return a name that no store in *folder* has."""
    return folder / f"{len(list(folder.iterdir()))}.db"
