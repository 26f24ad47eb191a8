"""A store in one SQLite file.

Decides nothing but where steps are carried out: the file and its transactions stand in
``sqlite_file``, the tables in ``schema``, the methods in ``sql_store``. It needs only the standard
library, and a file system that can lock and share memory (no network drive).

Always true: a file that is not ours is not changed by a byte; a write waits for the disk
(write-ahead log, ``synchronous=FULL``) before it returns; deleted bytes are overwritten in the
file (``secure_delete``), and ``compact`` also drops them from the log.

Threads: one store may be shared by all threads. Each call borrows a connection from a small pool
for its own duration, so readers run beside the one writer, and writers queue, or share their
waiting for the disk (``group_commits``). Processes: each
opens its own, or forks: the child opens anew and leaves its parent's connections alone. Fork while
no thread writes: SQLite in the child believes in that lock for ever, and its writes end with
StoreBusy. Past about four busy writers a server database is the better home.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar, final

from gdprkit.errors import StoreBusy
from gdprkit.storage.group import GroupWriter
from gdprkit.storage.sql_store import SqlStore
from gdprkit.storage.sqlite_file import SqliteFile
from gdprkit.storage.steps import Make, Row, SqlValue, Steps, take

if TYPE_CHECKING:
    from gdprkit.storage.sqlite_backup import Copied, Progress

__all__ = ["SqliteStore"]

T = TypeVar("T")


@final
class SqliteStore(SqlStore):
    """Keeps the protocol of ``gdprkit.storage.protocol.Store`` in the file *path*.

    A new or empty file becomes a store. Several tenants may share a file, each with its own
    ``SqliteStore``.

    Args:
        path: The file.
        tenant: Whose rows.
        wait: Seconds for which a writer waits for others.
        group_commits: One thread writes for all threads of this process and shares the wait for the
            disk among them; it pays from about four busy threads on.

    Raises:
        InvalidValue: *path* names no file, its directory does not exist, *tenant* is empty, or
            *wait* is negative.
        NotAStore: the file is something else; it was left untouched.
        NewerSchema: a newer gdprkit wrote it.
        StoreBusy: others held it longer than *wait*.
        StoreCorrupt: SQLite reports damage, or tables are missing.
        StoreUnavailable: the file cannot be read or written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        tenant: str = "main",
        wait: float = 30.0,
        group_commits: bool = False,
    ) -> None:
        super().__init__(tenant)
        self._file = SqliteFile(path, wait)
        self._writer = GroupWriter(self._file) if group_commits else None

    def _read(self, steps: Steps[T]) -> T:
        with self._file.reading() as port:
            return take(steps, port)

    def _write(self, make: Make[T]) -> T:
        if self._writer is not None:
            return self._writer.write(make())
        with self._file.writing() as port:
            return take(make(), port)

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

    def backup(
        self, path: str | os.PathLike[str], *, progress: Progress = lambda _done, _total: None
    ) -> Copied:
        """Copy the whole file, of every tenant, as it is in this moment, into a new one.

        Others read and write meanwhile. The copy was read through when it gets its name; a process
        that dies before leaves nothing under it.

        Args:
            path: The file to make.
            progress: Called with how many pages are copied, and how many there are.

        Raises:
            InvalidValue: *path* is there already, or lies in no directory.
            StoreCorrupt: the copy does not read as a whole, so neither does the store.
            StoreUnavailable: the disk is full, or something cannot be read or written.
        """
        from gdprkit.storage.sqlite_backup import back_up

        with self._file.reading():  # refuses a store that is closed, or was exchanged
            return back_up(self._file.path, path, progress=progress, wait=self._file.wait)

    def close(self) -> None:
        """See ``Store.close``."""
        if self._writer is not None:
            self._writer.close()
        self._file.close()

    def __repr__(self) -> str:
        return f"SqliteStore({str(self._file.path)!r}, tenant={self._tenant!r})"

    def _rows(self, statement: str, values: Sequence[SqlValue]) -> list[Row]:
        with self._file.reading() as port:
            return port.rows(statement, values)
