"""A SQLite file as a place for transactions: opened, shared, and its errors told in our words.

Decides when a file is ours, how a new one becomes a store, how connections are lent out, and what
each failure of the driver means. It knows no table but the list that makes a store.

Always true: a file that is not a store is only looked at, through SQLite itself in its immutable
mode: nothing is locked, written or left beside it. (Opening the file by other means would drop the
locks this process holds on it.) A loan for writing ends committed or rolled back.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Final, TypeAlias, final

from gdprkit.errors import (
    GdprkitError,
    InvalidValue,
    NotAStore,
    StoreBusy,
    StoreClosed,
    StoreCorrupt,
    StoreUnavailable,
)
from gdprkit.storage.schema import SCHEMA_VERSION
from gdprkit.storage.sqlite_schema import check_ours, check_sqlite, check_tables, make, migrate
from gdprkit.storage.steps import Row, SqlValue

__all__ = [
    "DRIVER_ERRORS",
    "PRAGMAS",
    "DriverError",
    "Loan",
    "SqliteFile",
    "asked",
    "is_busy",
    "real_path",
    "refused",
    "told",
]

_ASKING: Final = 30.0
"""Seconds that ``asked`` waits for others."""

PRAGMAS: Final = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # heeded by macOS only, where a plain sync stops short of the disk
    "PRAGMA secure_delete = ON",
    "PRAGMA trusted_schema = OFF",  # the file's own triggers may call no unsafe function
    "PRAGMA foreign_keys = ON",
)
DriverError: TypeAlias = sqlite3.Error | UnicodeDecodeError
DRIVER_ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)
"""What the driver raises: also the second one, where a damaged file says itself what is wrong."""
_JOURNAL: Final = bytes.fromhex("d9d505f920a163d7")  # how SQLite's rollback journal begins
_WAL_ATTEMPTS: Final = 100

#: The file system says no: full, read-only, gone, out of reach.
_REFUSED: Final = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
}
_DAMAGE: Final = {"SQLITE_IOERR_DATA", "SQLITE_IOERR_CORRUPTFS", "SQLITE_IOERR_SHORT_READ"}


@final
class SqliteFile:
    """A store's file: lends connections to any thread, in this process or a forked one.

    Raises:
        NotAStore: the file is something else; it was not touched.
        NewerSchema: a newer gdprkit wrote it.
        StoreBusy: others held it longer than *wait* seconds.
        StoreCorrupt: SQLite reports damage, a table is missing or not the one that was made, or no
            write-ahead log is possible there.
        StoreUnavailable: the file cannot be read or written, is gone, or is another one by now.
    """

    def __init__(self, path: str | os.PathLike[str], wait: float) -> None:
        check_sqlite()
        if not wait >= 0:
            raise InvalidValue("wait", "is negative", "give seconds, 0 for not waiting")
        self.path = real_path(path)
        self._name = str(self.path)
        self.wait = wait
        self._idle: list[sqlite3.Connection] = []
        self._inherited: list[list[sqlite3.Connection]] = []
        self._lock = Lock()
        self._pid = os.getpid()
        self._closed = False
        try:
            is_new = self._look()
        except OSError as error:
            raise refused(error) from None
        self._place = None if is_new else self._stands()
        self._idle.append(self._connect(first=True, is_new=is_new))

    def reading(self) -> Loan:
        """Lend a connection for one ``with`` block in which each statement stands alone."""
        return Loan(self, writes=False)

    def writing(self) -> Loan:
        """Lend a connection for one ``with`` block that is a transaction and the only writer."""
        return Loan(self, writes=True)

    def close(self) -> None:
        """Close every idle connection; those on loan are closed when they come back."""
        self._notice_fork()
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def take(self) -> sqlite3.Connection:
        """Hand out a connection nobody else has."""
        self._notice_fork()
        if not self._closed:  # a store that was closed says so, wherever its file is
            self._check_place()
        with self._lock:
            if self._closed:
                raise StoreClosed
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def give(self, connection: sqlite3.Connection) -> None:
        """Take a connection back."""
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def told(self, error: DriverError) -> GdprkitError:
        """Return what *error* means."""
        return told(error, wait=self.wait, path=str(self.path))

    def _notice_fork(self) -> None:
        """In a forked child leave the parent's connections open and unused, and start afresh."""
        if self._pid != os.getpid():
            self._inherited.append(self._idle)
            self._idle, self._lock, self._pid = [], Lock(), os.getpid()

    def _look(self) -> bool:
        """Return whether the file is new or empty; refuse one that is not ours, untouched."""
        if not self.path.parent.is_dir():
            raise InvalidValue("path", "lies in no directory", "make the directory first")
        if not self.path.exists():
            return True
        if not self.path.is_file():
            raise NotAStore(str(self.path))
        if not self.path.stat().st_size or self._is_half_made():
            return True
        try:
            connection = sqlite3.connect(self._uri("ro&immutable=1"), uri=True)
            try:
                # the log is not looked at here: who died while it was moved into the file left a
                # first page that counts more pages than there are, which this lets pass
                connection.execute("PRAGMA writable_schema = ON")
                check_ours(connection, str(self.path))
            finally:
                connection.close()
        except DRIVER_ERRORS as error:
            raise self.told(error) from None
        return False

    def _is_half_made(self) -> bool:
        """Return whether somebody died, or is just now, making a database of an empty file.

        Then SQLite's journal beside the file says that there were no pages before.
        """
        try:
            with self.path.with_name(f"{self.path.name}-journal").open("rb") as journal:
                header = journal.read(20)
        except FileNotFoundError:
            return False
        return header[:8] == _JOURNAL and header[16:] == bytes(4)

    def _stands(self) -> tuple[int, int] | None:
        """Return which file stands at the path; None where there is none."""
        try:
            status = os.stat(self._name)  # noqa: PTH116  Path.stat takes twice the time
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _check_place(self) -> None:
        """Refuse a file that is gone, or no longer the one that was opened.

        SQLite would go on with what it has open, and all that it writes there would be lost.
        """
        if (found := self._stands()) is None:
            raise StoreUnavailable("the file is gone")
        if found != self._place:
            raise StoreUnavailable("another file stands there since it was opened")

    def _connect(self, *, first: bool = False, is_new: bool = False) -> sqlite3.Connection:
        """Open one more connection; the first one makes a new file a store."""
        exists = self.path.exists()
        try:
            connection = sqlite3.connect(
                self._uri("rwc" if is_new else "rw"),
                timeout=self.wait,
                isolation_level=None,  # transactions begin and end where we say
                check_same_thread=False,  # a loan belongs to one thread at a time
                uri=True,
            )
            try:
                if self._place is not None:
                    self._check_place()
                if is_new and not exists:
                    # for its owner's eyes; SQLite gives the log beside it the same mode
                    self.path.chmod(0o600)
                for pragma in PRAGMAS:
                    connection.execute(pragma)
                if is_new:
                    make(connection)
                # nothing is written before it is known that everything can be
                if check_ours(connection, str(self.path)) < SCHEMA_VERSION:
                    migrate(connection)
                elif first:
                    check_tables(connection)
                if self._place is None:
                    self._place = self._stands()
                self._check_place()
                self._log_ahead(connection)
            except BaseException:
                connection.close()
                raise
        except DRIVER_ERRORS as error:
            raise self.told(error) from None
        return connection

    def _uri(self, mode: str) -> str:
        return f"{self.path.as_uri()}?mode={mode}"

    def _log_ahead(self, connection: sqlite3.Connection) -> None:
        """See to it that the file has a write-ahead log."""
        if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
            return
        for _ in range(_WAL_ATTEMPTS):
            try:
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
                # the change itself does not wait for others: a transaction does
                connection.execute("BEGIN EXCLUSIVE")
                connection.execute("COMMIT")
                continue
            if mode == "wal":
                return
            raise StoreCorrupt("no write-ahead log in this place")
        raise StoreBusy(self.wait)


@final
class Loan:
    """A connection for one ``with`` block: the port that reads and writes go through."""

    __slots__ = ("_connection", "_file", "_writes")
    _connection: sqlite3.Connection

    def __init__(self, file: SqliteFile, *, writes: bool) -> None:
        self._file = file
        self._writes = writes

    def __enter__(self) -> Loan:
        self._connection = self._file.take()
        if self._writes:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except DRIVER_ERRORS as error:
                self._return(error)
                raise self._file.told(error) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None and self._writes:
            try:
                self._connection.execute("COMMIT")
            except DRIVER_ERRORS as failure:
                error = failure
        self._return(error)
        if isinstance(error, DRIVER_ERRORS):
            raise self._file.told(error) from None

    def _return(self, error: BaseException | None) -> None:
        """Give the connection back without a transaction, or close it when the driver failed."""
        connection = self._connection
        if error is not None and connection.in_transaction:
            try:
                connection.execute("ROLLBACK")
            except DRIVER_ERRORS as failure:
                error = failure
        if isinstance(error, DRIVER_ERRORS) and not is_busy(error):
            connection.close()
        else:
            # closing the last connection would also tidy the log away: too dear for a refusal
            self._file.give(connection)

    @property
    def in_transaction(self) -> bool:
        """Whether the transaction is still there: SQLite ends it itself when the disk is full."""
        return self._connection.in_transaction

    def rows(self, statement: str, values: Sequence[SqlValue] = ()) -> list[Row]:
        """Run a reading statement and return all its rows."""
        return self._connection.execute(statement, values).fetchall()

    def run(self, statement: str, values: Sequence[SqlValue] = ()) -> int:
        """Run a writing statement and return how many rows it wrote."""
        return self._connection.execute(statement, values).rowcount

    def many(self, statement: str, rows: Sequence[Sequence[SqlValue]]) -> None:
        """Run a writing statement once for each of *rows*."""
        self._connection.executemany(statement, rows)


def told(error: DriverError, *, wait: float, path: str) -> GdprkitError:
    """Return what *error* means. SQLite's own words may name data, so only its code is kept.

    Args:
        error: What the driver raised.
        wait: Seconds that were waited for others.
        path: How the database is called.
    """
    if isinstance(error, UnicodeDecodeError):
        return StoreCorrupt(type(error).__name__)
    if is_busy(error):
        return StoreBusy(wait)
    if (kind := _kind(error)) is None:
        return StoreCorrupt(type(error).__name__)
    if kind == sqlite3.SQLITE_NOTADB:
        return NotAStore(path)
    name = error.sqlite_errorname
    if kind in _REFUSED and name not in _DAMAGE:
        return StoreUnavailable(name)
    return StoreCorrupt(name)


def _kind(error: DriverError) -> int | None:
    """Return SQLite's primary result code; None when the driver itself complains."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def real_path(path: str | os.PathLike[str]) -> Path:
    """Return where a file is: its log lies there too, not beside a link that leads to it.

    Raises:
        InvalidValue: *path* names no file.
    """
    if str(path) in {"", ":memory:"} or "\0" in str(path):
        raise InvalidValue("path", "names no file", "name one, or use MemoryStore")
    return Path(os.path.realpath(path))


def refused(error: OSError) -> StoreUnavailable:
    """Return what the system's *error* means; its own words may hold a name."""
    return StoreUnavailable(errno.errorcode.get(error.errno or 0, "an error of the system"))


def is_busy(error: DriverError) -> bool:
    """Return whether others are in the way, so that waiting may help."""
    return _kind(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def asked(path: str | os.PathLike[str], statement: str, *values: SqlValue) -> list[Row]:
    """Return what one reading statement finds in a store's file, beside any tenant's store.

    Raises:
        GdprkitError: the file is no store, or does not work.
    """
    file = SqliteFile(path, _ASKING)
    try:
        with file.reading() as port:
            return port.rows(statement, values)
    finally:
        file.close()
