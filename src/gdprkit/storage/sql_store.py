"""A store over SQL: every method of the protocol, carried out as steps.

Decides which steps each method is. It leaves out how steps reach a database and where a
transaction begins and ends: ``_read`` and ``_write`` of the store that inherits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import ClassVar, Self, TypeVar

from gdprkit.errors import HostTransaction, StoreClosed
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
from gdprkit.storage.steps import Make, Steps, walk
from gdprkit.storage.writes import ONE_WRITER, Locks
from gdprkit.words.identifiers import Slot, SubjectId

__all__ = ["SqlStore"]

T = TypeVar("T")


class SqlStore(ABC):
    """The methods of ``gdprkit.storage.protocol.Store`` over any database that knows SQL.

    Raises:
        InvalidValue: *tenant* is no name of a tenant.
    """

    locks: ClassVar[Locks] = ONE_WRITER
    """How transactions of this database keep what they read as it is."""

    def __init__(self, tenant: str) -> None:
        self._tenant = check_tenant(tenant)
        self._closed = False
        self._is_over: Callable[[], bool] | None = None

    def ends_when(self, is_over: Callable[[], bool]) -> Self:
        """Let this store end with a transaction of a host's; return the store.

        Args:
            is_over: Tells whether that transaction has ended, or its connection went elsewhere.
        """
        self._is_over = is_over
        return self

    def _check_open(self) -> None:
        """Refuse to work on a store that was closed, or whose host has ended its transaction.

        Raises:
            StoreClosed: it was closed.
            HostTransaction: what is written now would be nobody's transaction, or somebody else's.
        """
        if self._closed:
            raise StoreClosed
        if self._is_over is not None and self._is_over():
            raise HostTransaction(
                "the transaction this store was made for is over",
                "make a store for each transaction with host_store()",
            )

    @abstractmethod
    def _read(self, steps: Steps[T]) -> T:
        """Carry out reading steps; each statement may stand alone."""

    @abstractmethod
    def _write(self, make: Make[T]) -> T:
        """Carry out the steps that *make* gives in one transaction, or as a part of a host's.

        A transaction of its own is over when this returns or raises, and may be tried again.
        """

    def _write_apart(self, make: Make[T]) -> T:
        """Carry out steps in one transaction that no host can roll back."""
        return self._write(make)

    @abstractmethod
    def close(self) -> None:
        """See ``Store.close``."""

    @property
    def tenant(self) -> str:
        """The tenant whose rows this store reads and writes."""
        return self._tenant

    def standing(self, about: SubjectId) -> StoredStanding | None:
        """See ``Store.standing``."""
        return self._read(reads.standing(self._tenant, about))

    def line(self, about: SubjectId, *, after: int = 0) -> Sequence[StoredEntry]:
        """See ``Store.line``."""
        return self._read(reads.line(self._tenant, about, after))

    def values(self, about: SubjectId, slots: Iterable[Slot]) -> Mapping[Slot, bytes]:
        """See ``Store.values``."""
        return self._read(reads.values(self._tenant, about, slots))

    def values_of(
        self, wanted: Mapping[SubjectId, Iterable[Slot]]
    ) -> Mapping[SubjectId, Mapping[Slot, bytes]]:
        """See ``Store.values_of``."""
        return self._read(reads.values_of(self._tenant, wanted))

    def find(self, terms: Iterable[bytes]) -> Mapping[bytes, tuple[SubjectId, ...]]:
        """See ``Store.find``."""
        return self._read(reads.find(self._tenant, terms))

    def terms(self, about: SubjectId) -> Mapping[Slot, frozenset[bytes]]:
        """See ``Store.terms``."""
        return self._read(reads.terms(self._tenant, about))

    def suppressed(self, hashes: Iterable[bytes]) -> Mapping[bytes, tuple[Suppression, ...]]:
        """See ``Store.suppressed``."""
        return self._read(reads.suppressed(self._tenant, hashes))

    def receipt(self, about: SubjectId, key: bytes) -> int | None:
        """See ``Store.receipt``."""
        return self._read(reads.receipt(self._tenant, about, key))

    def waking(self, until: datetime, *, span: Span = ALL, limit: int) -> Iterator[SubjectId]:
        """See ``Store.waking``."""
        return self._walk(reads.waking(self._tenant, until, span, limit))

    def tagged(self, tag: str, *, span: Span = ALL) -> Iterator[StoredStanding]:
        """See ``Store.tagged``."""
        return self._walk(reads.tagged(self._tenant, tag, span))

    def people(self, *, span: Span = ALL) -> Iterator[SubjectId]:
        """See ``Store.people``."""
        return self._walk(reads.people(self._tenant, span))

    def ends(self, *, span: Span = ALL) -> Iterator[LineEnd]:
        """See ``Store.ends``."""
        return self._walk(reads.ends(self._tenant, span))

    def lines(self, *, span: Span = ALL) -> Iterator[StoredLine]:
        """See ``Store.lines``."""
        return self._walk(reads.lines(self._tenant, span))

    def marks(self, *, span: Span = ALL) -> Iterator[StoredMarks]:
        """See ``Store.marks``."""
        return self._walk(reads.marks(self._tenant, span))

    def raw_lines(self, *, span: Span = ALL) -> Iterator[reads.RawLine]:
        """Give what verification needs of every line as plain rows, in order of id.

        Entries beyond the end of a line are given as well, so that they can be told.
        """
        return self._walk(reads.raw_lines(self._tenant, span))

    def expunged_lines(self, *, span: Span = ALL) -> Iterator[tuple[SubjectId, LineTombstone]]:
        """See ``Store.expunged_lines``."""
        return self._walk(reads.expunged_lines(self._tenant, span))

    def suppressions(self) -> Iterator[Suppression]:
        """See ``Store.suppressions``."""
        return self._walk(reads.suppressions(self._tenant))

    def expunged(self, about: SubjectId) -> LineTombstone | None:
        """See ``Store.expunged``."""
        return self._read(reads.expunged(self._tenant, about))

    def keys(self, about: SubjectId) -> Sequence[KeyRow]:
        """See ``KeyStore.keys``."""
        return self._read(reads.keys(self._tenant, about))

    def keys_of(self, people: Iterable[SubjectId]) -> Mapping[SubjectId, Sequence[KeyRow]]:
        """See ``KeyStore.keys_of``."""
        return self._read(reads.keys_of(self._tenant, people))

    def tombstone(self, mark: bytes) -> Tombstone | None:
        """See ``KeyStore.tombstone``."""
        return self._read(reads.tombstone(self._tenant, mark))

    def tombstones_of(self, marks: Iterable[bytes]) -> Mapping[bytes, Tombstone]:
        """See ``KeyStore.tombstones_of``."""
        return self._read(reads.tombstones_of(self._tenant, marks))

    def tombstones(self) -> Sequence[Tombstone]:
        """See ``KeyStore.tombstones``."""
        return self._read(reads.tombstones(self._tenant))

    def add_tombstone(self, tombstone: Tombstone) -> None:
        """See ``KeyStore.add_tombstone``."""
        self._write(partial(writes.add_tombstone, self._tenant, tombstone))

    def epochs(self) -> Sequence[EpochRow]:
        """See ``KeyStore.epochs``."""
        return self._read(reads.epochs(self._tenant))

    def add_epoch(self, row: EpochRow) -> None:
        """See ``KeyStore.add_epoch``."""
        self._write_apart(partial(writes.add_epoch, self._tenant, row))

    def key_rows(
        self,
        *,
        kek: str | None = None,
        after: tuple[SubjectId, int] | None = None,
        limit: int,
    ) -> Sequence[KeyRow]:
        """See ``KeyStore.key_rows``."""
        return self._read(reads.key_rows(self._tenant, kek, after, limit))

    def replace_keys(self, changes: Sequence[tuple[KeyRow, KeyRow]]) -> int:
        """See ``KeyStore.replace_keys``."""
        return self._write(partial(writes.replace_keys, self._tenant, changes, self.locks))

    def replace_epoch(self, old: EpochRow, new: EpochRow) -> bool:
        """See ``KeyStore.replace_epoch``."""
        return self._write_apart(partial(writes.replace_epoch, self._tenant, old, new))

    def destroy_epoch(self, row: EpochRow) -> bool:
        """See ``KeyStore.destroy_epoch``."""
        return self._write_apart(partial(writes.destroy_epoch, self._tenant, row, self.locks))

    def hanging(self) -> Mapping[str, int]:
        """See ``KeyStore.hanging``."""
        return self._read(reads.hanging(self._tenant))

    def commit(self, *batches: Batch) -> None:
        """See ``Store.commit``."""
        self._write(partial(writes.commit, self._tenant, batches))

    def expunge(self, about: SubjectId, tombstone: LineTombstone) -> None:
        """See ``Store.expunge``."""
        self._write(partial(writes.expunge, self._tenant, about, tombstone, self.locks))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _walk(self, how: reads.Walk[T]) -> Iterator[T]:
        page, start = how
        return walk(page, start, self._read)
