"""A store over SQL that is awaited: the steps of ``sql_store``, carried out by somebody who waits.

Decides nothing but where a wait is: which steps each method is stands in ``reads`` and ``writes``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import ClassVar, Self, TypeVar

from gdprkit.sealing.rows import EpochRow, KeyRow, Tombstone
from gdprkit.storage import reads, writes
from gdprkit.storage.protocol import (
    ALL,
    Batch,
    LineEnd,
    LineTombstone,
    Span,
    StoredEntry,
    StoredLine,
    StoredMarks,
    StoredStanding,
    Suppression,
    check_tenant,
)
from gdprkit.storage.steps import Make, Steps, walk_async
from gdprkit.storage.writes import ROW_LOCKS, Locks
from gdprkit.words.identifiers import Slot, SubjectId

__all__ = ["AsyncSqlStore"]

T = TypeVar("T")


class AsyncSqlStore(ABC):
    """The methods of ``gdprkit.storage.async_protocol.AsyncStore`` over a database that speaks SQL.

    Raises:
        InvalidValue: *tenant* is no name of a tenant.
    """

    locks: ClassVar[Locks] = ROW_LOCKS
    """How transactions of this database keep what they read as it is."""

    def __init__(self, tenant: str) -> None:
        self._tenant = check_tenant(tenant)

    @abstractmethod
    async def _read(self, steps: Steps[T]) -> T:
        """Carry out reading steps; each statement may stand alone."""

    @abstractmethod
    async def _write(self, make: Make[T]) -> T:
        """Carry out the steps that *make* gives in one transaction, or as a part of a host's.

        A transaction of its own is over when this returns or raises, and may be tried again.
        """

    async def _write_apart(self, make: Make[T]) -> T:
        """Carry out steps in one transaction that no host can roll back."""
        return await self._write(make)

    @abstractmethod
    async def close(self) -> None:
        """See ``AsyncStore.close``."""

    @property
    def tenant(self) -> str:
        """The tenant whose rows this store reads and writes."""
        return self._tenant

    async def standing(self, about: SubjectId) -> StoredStanding | None:
        """See ``AsyncStore.standing``."""
        return await self._read(reads.standing(self._tenant, about))

    async def line(self, about: SubjectId, *, after: int = 0) -> Sequence[StoredEntry]:
        """See ``AsyncStore.line``."""
        return await self._read(reads.line(self._tenant, about, after))

    async def values(self, about: SubjectId, slots: Iterable[Slot]) -> Mapping[Slot, bytes]:
        """See ``AsyncStore.values``."""
        return await self._read(reads.values(self._tenant, about, slots))

    async def values_of(
        self, wanted: Mapping[SubjectId, Iterable[Slot]]
    ) -> Mapping[SubjectId, Mapping[Slot, bytes]]:
        """See ``AsyncStore.values_of``."""
        return await self._read(reads.values_of(self._tenant, wanted))

    async def find(self, terms: Iterable[bytes]) -> Mapping[bytes, tuple[SubjectId, ...]]:
        """See ``AsyncStore.find``."""
        return await self._read(reads.find(self._tenant, terms))

    async def terms(self, about: SubjectId) -> Mapping[Slot, frozenset[bytes]]:
        """See ``AsyncStore.terms``."""
        return await self._read(reads.terms(self._tenant, about))

    async def suppressed(self, hashes: Iterable[bytes]) -> Mapping[bytes, tuple[Suppression, ...]]:
        """See ``AsyncStore.suppressed``."""
        return await self._read(reads.suppressed(self._tenant, hashes))

    async def receipt(self, about: SubjectId, key: bytes) -> int | None:
        """See ``AsyncStore.receipt``."""
        return await self._read(reads.receipt(self._tenant, about, key))

    def waking(self, until: datetime, *, span: Span = ALL, limit: int) -> AsyncIterator[SubjectId]:
        """See ``AsyncStore.waking``."""
        return self._walk(reads.waking(self._tenant, until, span, limit))

    def tagged(self, tag: str, *, span: Span = ALL) -> AsyncIterator[StoredStanding]:
        """See ``AsyncStore.tagged``."""
        return self._walk(reads.tagged(self._tenant, tag, span))

    def people(self, *, span: Span = ALL) -> AsyncIterator[SubjectId]:
        """See ``AsyncStore.people``."""
        return self._walk(reads.people(self._tenant, span))

    def ends(self, *, span: Span = ALL) -> AsyncIterator[LineEnd]:
        """See ``AsyncStore.ends``."""
        return self._walk(reads.ends(self._tenant, span))

    def lines(self, *, span: Span = ALL) -> AsyncIterator[StoredLine]:
        """See ``AsyncStore.lines``."""
        return self._walk(reads.lines(self._tenant, span))

    def marks(self, *, span: Span = ALL) -> AsyncIterator[StoredMarks]:
        """See ``AsyncStore.marks``."""
        return self._walk(reads.marks(self._tenant, span))

    def expunged_lines(self, *, span: Span = ALL) -> AsyncIterator[tuple[SubjectId, LineTombstone]]:
        """See ``AsyncStore.expunged_lines``."""
        return self._walk(reads.expunged_lines(self._tenant, span))

    def suppressions(self) -> AsyncIterator[Suppression]:
        """See ``AsyncStore.suppressions``."""
        return self._walk(reads.suppressions(self._tenant))

    async def expunged(self, about: SubjectId) -> LineTombstone | None:
        """See ``AsyncStore.expunged``."""
        return await self._read(reads.expunged(self._tenant, about))

    async def keys(self, about: SubjectId) -> Sequence[KeyRow]:
        """See ``AsyncStore.keys``."""
        return await self._read(reads.keys(self._tenant, about))

    async def keys_of(self, people: Iterable[SubjectId]) -> Mapping[SubjectId, Sequence[KeyRow]]:
        """See ``AsyncStore.keys_of``."""
        return await self._read(reads.keys_of(self._tenant, people))

    async def tombstone(self, mark: bytes) -> Tombstone | None:
        """See ``AsyncStore.tombstone``."""
        return await self._read(reads.tombstone(self._tenant, mark))

    async def tombstones_of(self, marks: Iterable[bytes]) -> Mapping[bytes, Tombstone]:
        """See ``AsyncStore.tombstones_of``."""
        return await self._read(reads.tombstones_of(self._tenant, marks))

    async def tombstones(self) -> Sequence[Tombstone]:
        """See ``AsyncStore.tombstones``."""
        return await self._read(reads.tombstones(self._tenant))

    async def add_tombstone(self, tombstone: Tombstone) -> None:
        """See ``AsyncStore.add_tombstone``."""
        await self._write(partial(writes.add_tombstone, self._tenant, tombstone))

    async def epochs(self) -> Sequence[EpochRow]:
        """See ``AsyncStore.epochs``."""
        return await self._read(reads.epochs(self._tenant))

    async def add_epoch(self, row: EpochRow) -> None:
        """See ``AsyncStore.add_epoch``."""
        await self._write_apart(partial(writes.add_epoch, self._tenant, row))

    async def key_rows(
        self,
        *,
        kek: str | None = None,
        after: tuple[SubjectId, int] | None = None,
        limit: int,
    ) -> Sequence[KeyRow]:
        """See ``AsyncStore.key_rows``."""
        return await self._read(reads.key_rows(self._tenant, kek, after, limit))

    async def replace_keys(self, changes: Sequence[tuple[KeyRow, KeyRow]]) -> int:
        """See ``AsyncStore.replace_keys``."""
        return await self._write(partial(writes.replace_keys, self._tenant, changes, self.locks))

    async def replace_epoch(self, old: EpochRow, new: EpochRow) -> bool:
        """See ``AsyncStore.replace_epoch``."""
        return await self._write_apart(partial(writes.replace_epoch, self._tenant, old, new))

    async def destroy_epoch(self, row: EpochRow) -> bool:
        """See ``AsyncStore.destroy_epoch``."""
        return await self._write_apart(partial(writes.destroy_epoch, self._tenant, row, self.locks))

    async def hanging(self) -> Mapping[str, int]:
        """See ``AsyncStore.hanging``."""
        return await self._read(reads.hanging(self._tenant))

    async def commit(self, *batches: Batch) -> None:
        """See ``AsyncStore.commit``."""
        await self._write(partial(writes.commit, self._tenant, batches))

    async def expunge(self, about: SubjectId, tombstone: LineTombstone) -> None:
        """See ``AsyncStore.expunge``."""
        await self._write(partial(writes.expunge, self._tenant, about, tombstone, self.locks))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _walk(self, how: reads.Walk[T]) -> AsyncIterator[T]:
        page, start = how
        return walk_async(page, start, self._read)
