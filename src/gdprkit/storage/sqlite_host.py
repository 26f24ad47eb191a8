"""A store on a SQLite connection of the host: its tables stand beside the host's own.

Decides in which transaction steps are carried out, and how a host's database gets our tables. The
tables stand in ``schema``, the methods in ``sql_store``. It leaves out how the connection was
opened: the log, how it syncs, whether foreign keys are heeded and what is overwritten is the host's
choice (``docs/how-to/use-the-hosts-transaction.md``).

Always true: what the host has begun is neither committed nor rolled back, and a refusal leaves it
as it was; work reads where lines end only when it holds the lock for writing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Final, TypeVar, final

from gdprkit.errors import HostTransaction, InvalidValue, NewerSchema, SchemaMissing, StoreClosed
from gdprkit.storage.schema import MIGRATIONS, SCHEMA, SCHEMA_VERSION, TABLES
from gdprkit.storage.sql_store import SqlStore
from gdprkit.storage.sqlite_file import DRIVER_ERRORS, told
from gdprkit.storage.sqlite_schema import check_sqlite
from gdprkit.storage.steps import Make, Row, SqlValue, Steps, take

__all__ = ["SqliteHostStore", "install_sqlite"]

T = TypeVar("T")

_VERSION: Final = "SELECT version FROM gdprkit_schema"
_KNOWN: Final = "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'gdprkit_*'"

#: Changes nothing and waits for the lock, which the first true change would wait for otherwise.
_LOCK: Final = "UPDATE gdprkit_schema SET version = version WHERE one = 0"


@final
class SqliteHostStore(SqlStore):
    """Keeps the protocol of ``gdprkit.storage.protocol.Store`` through the host's *connection*.

    The tables must be there: ``install_sqlite``. The connection stays the host's: closing the store
    leaves it open. While the host is in a transaction, or when the driver begins transactions by
    itself (``isolation_level`` is not None), what is written is part of the host's transaction.
    Otherwise each call is a transaction by itself.

    Args:
        connection: The host's. Threads may share the store if they may share the connection.
        tenant: Whose rows.

    Raises:
        InvalidValue: *connection* is none, or *tenant* is no name of a tenant.
        SchemaMissing: the database has not all of our tables, or older ones; it was left untouched.
        NewerSchema: a newer gdprkit made the tables.
        StoreBusy, StoreCorrupt, StoreClosed: what SQLite reports.
    """

    def __init__(self, connection: sqlite3.Connection, *, tenant: str = "main") -> None:
        super().__init__(tenant)
        if not isinstance(connection, sqlite3.Connection):
            raise InvalidValue("connection", "is none of sqlite3", "pass a sqlite3.Connection")
        self._connection = connection
        self._turn = RLock()
        with self._lent() as port:
            found = {name for (name,) in port.rows(_KNOWN)}
            if lacks := sorted({*TABLES, "gdprkit_schema"} - found):
                raise SchemaMissing(tuple(lacks))
            version = _version(port)
        if version < SCHEMA_VERSION:
            raise SchemaMissing((f"the upgrade from version {version} to {SCHEMA_VERSION}",))

    def close(self) -> None:
        """See ``Store.close``; the connection is left to whoever opened it."""
        self._closed = True

    def __repr__(self) -> str:
        return f"SqliteHostStore({type(self._connection).__name__}, tenant={self._tenant!r})"

    def _read(self, steps: Steps[T]) -> T:
        with self._lent() as port:
            return take(steps, port)

    def _write(self, make: Make[T]) -> T:
        with self._lent() as port, _whole(self._connection):
            port.run(_LOCK)
            return take(make(), port)

    def _write_apart(self, make: Make[T]) -> T:
        with self._lent():  # in turn: another thread's transaction is not the host's
            if self._connection.in_transaction or _begins(self._connection):
                raise HostTransaction(
                    "a key epoch must last, and this transaction can still be rolled back",
                    "call keeper.keys.ready() before, on a store with a connection of its own",
                )
            return self._write(make)

    @contextmanager
    def _lent(self) -> Iterator[_Port]:
        self._check_open()
        with self._turn, _our_words(self._connection):
            yield _Port(self._connection)


def install_sqlite(connection: sqlite3.Connection) -> None:
    """Make our tables in a host's database, or bring older ones to this version.

    Where all is there already nothing happens. Inside a transaction of the host's it becomes a part
    of it; otherwise it is one transaction, over when this returns or raises.

    Raises:
        InvalidValue: *connection* is none of sqlite3.
        SchemaMissing: some of our tables are there and others are not; nothing was changed.
        NewerSchema: a newer gdprkit made the tables.
        StoreBusy, StoreCorrupt, StoreClosed: what SQLite reports; nothing was changed.
    """
    if not isinstance(connection, sqlite3.Connection):
        raise InvalidValue("connection", "is none of sqlite3", "pass a sqlite3.Connection")
    check_sqlite()
    with _our_words(connection), _whole(connection, ends=True):
        port = _Port(connection)
        found = {name for (name,) in port.rows(_KNOWN)}
        lacks = {*TABLES, "gdprkit_schema"} - found
        if lacks and found:
            raise SchemaMissing(tuple(sorted(lacks)))
        version = _version(port) if found else SCHEMA_VERSION
        for statement in SCHEMA if not found else ():
            port.run(statement)
        for older in range(version, SCHEMA_VERSION):
            for statement in MIGRATIONS[older]:
                port.run(statement)


def _version(port: _Port) -> int:
    """Read of which version the tables are.

    Raises:
        NewerSchema: a newer gdprkit made them.
        SchemaMissing: no row tells it.
    """
    rows = port.rows(_VERSION)
    if not rows:
        raise SchemaMissing(("the row of gdprkit_schema",))
    version = int(rows[0][0])
    if version > SCHEMA_VERSION:
        raise NewerSchema(version, SCHEMA_VERSION)
    return version


@contextmanager
def _whole(connection: sqlite3.Connection, *, ends: bool = False) -> Iterator[None]:
    """Do what is in the block whole or not at all, as a part of the host's transaction if any.

    Args:
        connection: The host's.
        ends: Commit what the block itself has begun, also where the connection leaves that to the
            host.
    """
    hosts = connection.in_transaction
    try:
        if not hosts:
            connection.execute("BEGIN IMMEDIATE")
        connection.execute("SAVEPOINT gdprkit")
        try:
            yield
        except BaseException:
            # a full disk makes SQLite end the whole transaction
            if connection.in_transaction:
                connection.execute("ROLLBACK TO gdprkit")
                connection.execute("RELEASE gdprkit")
            raise
        connection.execute("RELEASE gdprkit")
        if not hosts and (ends or not _begins(connection)):
            connection.execute("COMMIT")
    except BaseException:
        # also where readers did not let the commit through: what stayed open would be taken for
        # the host's, and all that came later would wait for an end that nobody makes
        if not hosts and connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _begins(connection: sqlite3.Connection) -> bool:
    """Return whether the driver begins transactions by itself, which the host then ends."""
    autocommit = getattr(connection, "autocommit", None)  # from Python 3.12 on
    if isinstance(autocommit, bool):
        return not autocommit
    return connection.isolation_level is not None


@contextmanager
def _our_words(connection: sqlite3.Connection) -> Iterator[None]:
    """Tell in our words what SQLite reports."""
    try:
        yield
    except sqlite3.ProgrammingError as error:
        if "closed database" in str(error):
            raise StoreClosed from None
        raise InvalidValue("connection", "is another thread's", "give each its own") from None
    except DRIVER_ERRORS as error:
        waited = connection.execute("PRAGMA busy_timeout").fetchone()[0] / 1000
        raise told(error, wait=waited, path="the host's database") from None


@final
class _Port:
    """The host's connection as a port, whatever rows the host likes to get from it."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, values: Sequence[SqlValue] = ()) -> list[Row]:
        return self._cursor().execute(statement, values).fetchall()

    def run(self, statement: str, values: Sequence[SqlValue] = ()) -> int:
        return self._cursor().execute(statement, values).rowcount

    def many(self, statement: str, rows: Sequence[Sequence[SqlValue]]) -> None:
        self._cursor().executemany(statement, rows)

    def _cursor(self) -> sqlite3.Cursor:
        cursor = self._connection.cursor()
        cursor.row_factory = None
        return cursor
