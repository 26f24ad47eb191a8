"""A store in one SQLite file.

Decides nothing but who carries out what: the file and its transactions stand in ``sqlite_file``,
the tables in ``schema``, the steps in ``reads`` and ``writes``. It needs only the standard
library, and a file system that can lock and share memory (no network drive).

Always true: a file that is not ours is not changed by a byte; a write waits for the disk
(write-ahead log, ``synchronous=FULL``) before it returns; deleted bytes are overwritten in the
file (``secure_delete``), and ``compact`` also drops them from the log.

Threads: one store may be shared by all threads. Each call borrows a connection from a small pool
for its own duration, so readers run beside the one writer, and writers queue. Processes: each
opens its own, or forks: the child opens anew and leaves its parent's connections alone. Past
about four busy writers a server database is the better home.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import final

from gdprkit.errors import InvalidValue, StoreBusy
from gdprkit.sealing.rows import EpochRow, KeyRow, Tombstone
from gdprkit.storage import reads, writes
from gdprkit.storage import statements as sql
from gdprkit.storage.protocol import (
    ALL,
    Batch,
    LineTombstone,
    Span,
    StoredEntry,
    StoredStanding,
    Suppression,
)
from gdprkit.storage.sqlite_file import SqliteFile
from gdprkit.storage.statements import Row, SqlValue
from gdprkit.words.identifiers import Slot, SubjectId

__all__ = ["SqliteStore"]


@final
class SqliteStore:
    """Keeps the protocol of ``gdprkit.storage.protocol.Store`` in the file *path*.

    A new or empty file becomes a store. Several tenants may share a file, each with its own
    ``SqliteStore``. *wait* is how many seconds a writer waits for others.

    Raises:
        InvalidValue: *path* names no file, its directory does not exist, *tenant* is empty, or
            *wait* is negative.
        NotAStore: the file is something else; it was left untouched.
        NewerSchema: a newer gdprkit wrote it.
        StoreBusy: others held it longer than *wait*.
        StoreCorrupt: SQLite reports damage.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, tenant: str = "main", wait: float = 30.0
    ) -> None:
        if not tenant:
            raise InvalidValue("tenant", "is empty", "name the tenant")
        self._tenant = tenant
        self._file = SqliteFile(path, wait)

    @property
    def tenant(self) -> str:
        """The tenant whose rows this store reads and writes."""
        return self._tenant

    def standing(self, about: SubjectId) -> StoredStanding | None:
        """See ``Store.standing``."""
        return reads.standing(self._rows, self._tenant, about)

    def line(self, about: SubjectId, *, after: int = 0) -> Sequence[StoredEntry]:
        """See ``Store.line``."""
        return reads.line(self._rows, self._tenant, about, after)

    def values(self, about: SubjectId, slots: Iterable[Slot]) -> Mapping[Slot, bytes]:
        """See ``Store.values``."""
        return reads.values(self._rows, self._tenant, about, slots)

    def find(self, terms: Iterable[bytes]) -> Mapping[bytes, tuple[SubjectId, ...]]:
        """See ``Store.find``."""
        return reads.find(self._rows, self._tenant, terms)

    def terms(self, about: SubjectId) -> Mapping[Slot, frozenset[bytes]]:
        """See ``Store.terms``."""
        return reads.terms(self._rows, self._tenant, about)

    def suppressed(self, hashes: Iterable[bytes]) -> Mapping[bytes, tuple[Suppression, ...]]:
        """See ``Store.suppressed``."""
        return reads.suppressed(self._rows, self._tenant, hashes)

    def receipt(self, about: SubjectId, key: bytes) -> int | None:
        """See ``Store.receipt``."""
        return reads.receipt(self._rows, self._tenant, about, key)

    def waking(self, until: datetime, *, span: Span = ALL, limit: int) -> Iterator[SubjectId]:
        """See ``Store.waking``."""
        return reads.waking(self._rows, self._tenant, until, span, limit)

    def tagged(self, tag: str, *, span: Span = ALL) -> Iterator[StoredStanding]:
        """See ``Store.tagged``."""
        return reads.tagged(self._rows, self._tenant, tag, span)

    def people(self, *, span: Span = ALL) -> Iterator[SubjectId]:
        """See ``Store.people``."""
        return reads.people(self._rows, self._tenant, span)

    def expunged(self, about: SubjectId) -> LineTombstone | None:
        """See ``Store.expunged``."""
        return reads.expunged(self._rows, self._tenant, about)

    def keys(self, about: SubjectId) -> Sequence[KeyRow]:
        """See ``KeyStore.keys``."""
        return reads.keys(self._rows, self._tenant, about)

    def tombstone(self, mark: bytes) -> Tombstone | None:
        """See ``KeyStore.tombstone``."""
        return reads.tombstone(self._rows, self._tenant, mark)

    def tombstones(self) -> Sequence[Tombstone]:
        """See ``KeyStore.tombstones``."""
        return reads.tombstones(self._rows, self._tenant)

    def add_tombstone(self, tombstone: Tombstone) -> None:
        """See ``KeyStore.add_tombstone``."""
        with self._file.writing() as port:
            port.run(sql.TOMBSTONE_ADD, sql.tombstone_values(self._tenant, tombstone))

    def epochs(self) -> Sequence[EpochRow]:
        """See ``KeyStore.epochs``."""
        return reads.epochs(self._rows, self._tenant)

    def add_epoch(self, row: EpochRow) -> None:
        """See ``KeyStore.add_epoch``."""
        with self._file.writing() as port:
            port.run(sql.EPOCH_ADD, sql.epoch_values(self._tenant, row))

    def key_rows(
        self,
        *,
        kek: str | None = None,
        after: tuple[SubjectId, int] | None = None,
        limit: int,
    ) -> Sequence[KeyRow]:
        """See ``KeyStore.key_rows``."""
        return reads.key_rows(self._rows, self._tenant, kek, after, limit)

    def replace_keys(self, changes: Sequence[tuple[KeyRow, KeyRow]]) -> int:
        """See ``KeyStore.replace_keys``."""
        with self._file.writing() as port:
            return writes.replace_keys(port, self._tenant, changes)

    def replace_epoch(self, old: EpochRow, new: EpochRow) -> bool:
        """See ``KeyStore.replace_epoch``."""
        with self._file.writing() as port:
            return writes.replace_epoch(port, self._tenant, old, new)

    def destroy_epoch(self, row: EpochRow) -> bool:
        """See ``KeyStore.destroy_epoch``."""
        with self._file.writing() as port:
            return writes.destroy_epoch(port, self._tenant, row)

    def hanging(self) -> Mapping[str, int]:
        """See ``KeyStore.hanging``."""
        return reads.hanging(self._rows, self._tenant)

    def commit(self, *batches: Batch) -> None:
        """See ``Store.commit``."""
        with self._file.writing() as port:
            writes.commit(port, self._tenant, batches)

    def expunge(self, about: SubjectId, tombstone: LineTombstone) -> None:
        """See ``Store.expunge``."""
        with self._file.writing() as port:
            writes.expunge(port, self._tenant, about, tombstone)

    def settle(self) -> None:
        """Move everything from the log into the file itself, and empty the log.

        Raises:
            StoreBusy: others still read from the log.
        """
        [(busy, *_)] = self._rows("PRAGMA wal_checkpoint(TRUNCATE)", ())
        if busy:
            raise StoreBusy(self._file.wait)

    def compact(self) -> None:
        """Rewrite the file without what was deleted, so that its bytes are nowhere in it.

        Needs the room of a second copy meanwhile, and nobody else reading or writing.

        Raises:
            StoreBusy: others use the file.
        """
        self.settle()
        self._rows("VACUUM", ())
        self.settle()

    def close(self) -> None:
        """See ``Store.close``."""
        self._file.close()

    def __enter__(self) -> SqliteStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SqliteStore({str(self._file.path)!r}, tenant={self._tenant!r})"

    def _rows(self, statement: str, values: Sequence[SqlValue]) -> list[Row]:
        with self._file.reading() as port:
            return port.rows(statement, values)
