"""What an awaited store promises: the promises of ``gdprkit.storage.protocol.Store``, word by word.

Decides nothing: each method is the one of the same name there, awaited, and long answers are
asynchronous iterators. A store of this kind runs the whole contract inside
``gdprkit.storage.blocking.BlockingStore``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gdprkit.sealing.rows import EpochRow, KeyRow, Tombstone
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
)
from gdprkit.words.identifiers import Slot, SubjectId

__all__ = ["AsyncStore"]


class AsyncStore(Protocol):
    """Keeps one tenant's lines, values, keys and look-ups, for a program with an event loop.

    A task that is cancelled in the middle of a ``commit`` leaves it stored whole or not at all, as
    a process that dies does.
    """

    @property
    def tenant(self) -> str:
        """The tenant whose rows this store reads and writes."""
        ...

    async def standing(self, about: SubjectId) -> StoredStanding | None:
        """See ``Store.standing``."""
        ...

    async def line(self, about: SubjectId, *, after: int = 0) -> Sequence[StoredEntry]:
        """See ``Store.line``."""
        ...

    async def values(self, about: SubjectId, slots: Iterable[Slot]) -> Mapping[Slot, bytes]:
        """See ``Store.values``."""
        ...

    async def values_of(
        self, wanted: Mapping[SubjectId, Iterable[Slot]]
    ) -> Mapping[SubjectId, Mapping[Slot, bytes]]:
        """See ``Store.values_of``."""
        ...

    async def find(self, terms: Iterable[bytes]) -> Mapping[bytes, tuple[SubjectId, ...]]:
        """See ``Store.find``."""
        ...

    async def terms(self, about: SubjectId) -> Mapping[Slot, frozenset[bytes]]:
        """See ``Store.terms``."""
        ...

    async def suppressed(self, hashes: Iterable[bytes]) -> Mapping[bytes, tuple[Suppression, ...]]:
        """See ``Store.suppressed``."""
        ...

    async def receipt(self, about: SubjectId, key: bytes) -> int | None:
        """See ``Store.receipt``."""
        ...

    def waking(self, until: datetime, *, span: Span = ALL, limit: int) -> AsyncIterator[SubjectId]:
        """See ``Store.waking``."""
        ...

    def tagged(self, tag: str, *, span: Span = ALL) -> AsyncIterator[StoredStanding]:
        """See ``Store.tagged``."""
        ...

    def people(self, *, span: Span = ALL) -> AsyncIterator[SubjectId]:
        """See ``Store.people``."""
        ...

    def ends(self, *, span: Span = ALL) -> AsyncIterator[LineEnd]:
        """See ``Store.ends``."""
        ...

    def lines(self, *, span: Span = ALL) -> AsyncIterator[StoredLine]:
        """See ``Store.lines``."""
        ...

    def marks(self, *, span: Span = ALL) -> AsyncIterator[StoredMarks]:
        """See ``Store.marks``."""
        ...

    def expunged_lines(self, *, span: Span = ALL) -> AsyncIterator[tuple[SubjectId, LineTombstone]]:
        """See ``Store.expunged_lines``."""
        ...

    def suppressions(self) -> AsyncIterator[Suppression]:
        """See ``Store.suppressions``."""
        ...

    async def expunged(self, about: SubjectId) -> LineTombstone | None:
        """See ``Store.expunged``."""
        ...

    async def keys(self, about: SubjectId) -> Sequence[KeyRow]:
        """See ``Store.keys``."""
        ...

    async def keys_of(self, people: Iterable[SubjectId]) -> Mapping[SubjectId, Sequence[KeyRow]]:
        """See ``KeyStore.keys_of``."""
        ...

    async def tombstone(self, mark: bytes) -> Tombstone | None:
        """See ``Store.tombstone``."""
        ...

    async def tombstones_of(self, marks: Iterable[bytes]) -> Mapping[bytes, Tombstone]:
        """See ``KeyStore.tombstones_of``."""
        ...

    async def tombstones(self) -> Sequence[Tombstone]:
        """See ``Store.tombstones``."""
        ...

    async def add_tombstone(self, tombstone: Tombstone) -> None:
        """See ``Store.add_tombstone``."""
        ...

    async def epochs(self) -> Sequence[EpochRow]:
        """See ``Store.epochs``."""
        ...

    async def add_epoch(self, row: EpochRow) -> None:
        """See ``Store.add_epoch``."""
        ...

    async def key_rows(
        self,
        *,
        kek: str | None = None,
        after: tuple[SubjectId, int] | None = None,
        limit: int,
    ) -> Sequence[KeyRow]:
        """See ``Store.key_rows``."""
        ...

    async def replace_keys(self, changes: Sequence[tuple[KeyRow, KeyRow]]) -> int:
        """See ``Store.replace_keys``."""
        ...

    async def replace_epoch(self, old: EpochRow, new: EpochRow) -> bool:
        """See ``Store.replace_epoch``."""
        ...

    async def destroy_epoch(self, row: EpochRow) -> bool:
        """See ``Store.destroy_epoch``."""
        ...

    async def hanging(self) -> Mapping[str, int]:
        """See ``Store.hanging``."""
        ...

    async def commit(self, *batches: Batch) -> None:
        """See ``Store.commit``."""
        ...

    async def expunge(self, about: SubjectId, tombstone: LineTombstone) -> None:
        """See ``Store.expunge``."""
        ...

    async def close(self) -> None:
        """See ``Store.close``."""
        ...
