"""An awaited store as one that blocks, for other threads than the event loop's.

Decides how a call travels: to the loop that the store belongs to, and back with its answer. It
leaves out which store it is. Always true: an error arrives as it was raised; long answers come in
pages, so that a walk crosses over seldom and holds little.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar, final

from gdprkit.errors import InvalidValue
from gdprkit.sealing.rows import EpochRow, KeyRow, Tombstone
from gdprkit.storage.async_protocol import AsyncStore
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

__all__ = ["BlockingStore"]

T = TypeVar("T")

_PAGE: Final = 500


@final
class BlockingStore:
    """A ``Store`` that carries each call to *loop*, where *store* is awaited.

    For a keeper in worker threads of an asynchronous program, and for the contract of stores. Use
    it from any thread but the loop's own, which must keep running meanwhile.

    Raises:
        InvalidValue: a method is called in the loop's own thread, which would wait for itself.
    """

    def __init__(self, store: AsyncStore, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop

    @property
    def tenant(self) -> str:
        """The tenant whose rows this store reads and writes."""
        return self._store.tenant

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is self._loop:
            work.close()
            raise InvalidValue("loop", "is this thread's own", "call from asyncio.to_thread")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # of no effect where it is the work's own error
            raise

    def _walk(self, found: AsyncIterator[T]) -> Iterator[T]:
        while page := self._wait(_page(found)):
            yield from page

    def standing(self, about: SubjectId) -> StoredStanding | None:
        """See ``Store.standing``."""
        return self._wait(self._store.standing(about))

    def line(self, about: SubjectId, *, after: int = 0) -> Sequence[StoredEntry]:
        """See ``Store.line``."""
        return self._wait(self._store.line(about, after=after))

    def values(self, about: SubjectId, slots: Iterable[Slot]) -> Mapping[Slot, bytes]:
        """See ``Store.values``."""
        return self._wait(self._store.values(about, slots))

    def values_of(
        self, wanted: Mapping[SubjectId, Iterable[Slot]]
    ) -> Mapping[SubjectId, Mapping[Slot, bytes]]:
        """See ``Store.values_of``."""
        return self._wait(self._store.values_of(wanted))

    def find(self, terms: Iterable[bytes]) -> Mapping[bytes, tuple[SubjectId, ...]]:
        """See ``Store.find``."""
        return self._wait(self._store.find(terms))

    def terms(self, about: SubjectId) -> Mapping[Slot, frozenset[bytes]]:
        """See ``Store.terms``."""
        return self._wait(self._store.terms(about))

    def suppressed(self, hashes: Iterable[bytes]) -> Mapping[bytes, tuple[Suppression, ...]]:
        """See ``Store.suppressed``."""
        return self._wait(self._store.suppressed(hashes))

    def receipt(self, about: SubjectId, key: bytes) -> int | None:
        """See ``Store.receipt``."""
        return self._wait(self._store.receipt(about, key))

    def waking(self, until: datetime, *, span: Span = ALL, limit: int) -> Iterator[SubjectId]:
        """See ``Store.waking``."""
        return self._walk(self._store.waking(until, span=span, limit=limit))

    def tagged(self, tag: str, *, span: Span = ALL) -> Iterator[StoredStanding]:
        """See ``Store.tagged``."""
        return self._walk(self._store.tagged(tag, span=span))

    def people(self, *, span: Span = ALL) -> Iterator[SubjectId]:
        """See ``Store.people``."""
        return self._walk(self._store.people(span=span))

    def ends(self, *, span: Span = ALL) -> Iterator[LineEnd]:
        """See ``Store.ends``."""
        return self._walk(self._store.ends(span=span))

    def lines(self, *, span: Span = ALL) -> Iterator[StoredLine]:
        """See ``Store.lines``."""
        return self._walk(self._store.lines(span=span))

    def marks(self, *, span: Span = ALL) -> Iterator[StoredMarks]:
        """See ``Store.marks``."""
        return self._walk(self._store.marks(span=span))

    def expunged_lines(self, *, span: Span = ALL) -> Iterator[tuple[SubjectId, LineTombstone]]:
        """See ``Store.expunged_lines``."""
        return self._walk(self._store.expunged_lines(span=span))

    def suppressions(self) -> Iterator[Suppression]:
        """See ``Store.suppressions``."""
        return self._walk(self._store.suppressions())

    def expunged(self, about: SubjectId) -> LineTombstone | None:
        """See ``Store.expunged``."""
        return self._wait(self._store.expunged(about))

    def keys(self, about: SubjectId) -> Sequence[KeyRow]:
        """See ``Store.keys``."""
        return self._wait(self._store.keys(about))

    def keys_of(self, people: Iterable[SubjectId]) -> Mapping[SubjectId, Sequence[KeyRow]]:
        """See ``Store.keys_of``."""
        return self._wait(self._store.keys_of(people))

    def tombstone(self, mark: bytes) -> Tombstone | None:
        """See ``Store.tombstone``."""
        return self._wait(self._store.tombstone(mark))

    def tombstones_of(self, marks: Iterable[bytes]) -> Mapping[bytes, Tombstone]:
        """See ``Store.tombstones_of``."""
        return self._wait(self._store.tombstones_of(marks))

    def tombstones(self) -> Sequence[Tombstone]:
        """See ``Store.tombstones``."""
        return self._wait(self._store.tombstones())

    def add_tombstone(self, tombstone: Tombstone) -> None:
        """See ``Store.add_tombstone``."""
        self._wait(self._store.add_tombstone(tombstone))

    def epochs(self) -> Sequence[EpochRow]:
        """See ``Store.epochs``."""
        return self._wait(self._store.epochs())

    def add_epoch(self, row: EpochRow) -> None:
        """See ``Store.add_epoch``."""
        self._wait(self._store.add_epoch(row))

    def key_rows(
        self,
        *,
        kek: str | None = None,
        after: tuple[SubjectId, int] | None = None,
        limit: int,
    ) -> Sequence[KeyRow]:
        """See ``Store.key_rows``."""
        return self._wait(self._store.key_rows(kek=kek, after=after, limit=limit))

    def replace_keys(self, changes: Sequence[tuple[KeyRow, KeyRow]]) -> int:
        """See ``Store.replace_keys``."""
        return self._wait(self._store.replace_keys(changes))

    def replace_epoch(self, old: EpochRow, new: EpochRow) -> bool:
        """See ``Store.replace_epoch``."""
        return self._wait(self._store.replace_epoch(old, new))

    def destroy_epoch(self, row: EpochRow) -> bool:
        """See ``Store.destroy_epoch``."""
        return self._wait(self._store.destroy_epoch(row))

    def hanging(self) -> Mapping[str, int]:
        """See ``Store.hanging``."""
        return self._wait(self._store.hanging())

    def commit(self, *batches: Batch) -> None:
        """See ``Store.commit``."""
        self._wait(self._store.commit(*batches))

    def expunge(self, about: SubjectId, tombstone: LineTombstone) -> None:
        """See ``Store.expunge``."""
        self._wait(self._store.expunge(about, tombstone))

    def close(self) -> None:
        """See ``Store.close``."""
        self._wait(self._store.close())


async def _page(found: AsyncIterator[T]) -> list[T]:
    """Take the next few of a long answer; none at its end."""
    page: list[T] = []
    async for one in found:
        page.append(one)
        if len(page) == _PAGE:
            break
    return page
