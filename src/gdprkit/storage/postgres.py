"""A store in PostgreSQL, through psycopg.

Decides on which connection and in which transaction steps are carried out. Tables stand in
``postgres_schema``, a commit in ``postgres_function``, the methods in ``sql_store``.

Always true: a commit is one statement, and a transaction by itself unless the host has begun one;
what the host has begun is neither committed nor rolled back, and a refusal leaves it as it was.
Settings of a connection are after a call what they were before.

Threads: over a pool one store may be shared by all threads; each call borrows a connection for its
own duration. Over one connection calls take turns. Processes: each makes its own pool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import RLock
from typing import Any, ClassVar, TypeAlias, TypeVar, final

import psycopg
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

from gdprkit.errors import HostTransaction, InvalidValue, StoreClosed
from gdprkit.storage import postgres_commit
from gdprkit.storage.postgres_errors import is_passing, told
from gdprkit.storage.postgres_install import check
from gdprkit.storage.postgres_port import PostgresPort
from gdprkit.storage.protocol import Batch
from gdprkit.storage.sql_store import SqlStore
from gdprkit.storage.steps import Make, Steps, take
from gdprkit.storage.writes import ROW_LOCKS, Locks

__all__ = [
    "ATTEMPTS",
    "LOCK_TIMEOUT",
    "READ_COMMITTED",
    "SET_LOCK_TIMEOUT",
    "PostgresStore",
    "apart",
    "milliseconds",
]

T = TypeVar("T")

Connection: TypeAlias = psycopg.Connection[Any]

ATTEMPTS = 5
"""How often a transaction of the store's own is tried when others get in its way."""

LOCK_TIMEOUT = "SELECT current_setting('lock_timeout')"
SET_LOCK_TIMEOUT = "SELECT set_config('lock_timeout', ?, true)"

READ_COMMITTED = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
"""Whoever waited for others to see what hangs on an epoch must not look at an older snapshot,
whatever the database or the connection begins transactions with."""


def milliseconds(wait: float) -> str:
    """Return what PostgreSQL is told about *wait*; its 0 would mean for ever.

    Raises:
        InvalidValue: *wait* is negative, or longer than 20 days.
    """
    if not 0 <= wait <= 20 * 86_400:
        raise InvalidValue("wait", "is no time to wait", "give seconds, 0 for not waiting")
    return str(max(1, round(wait * 1000)))


def apart() -> HostTransaction:
    """Return the error of what must not hang on a transaction that can be rolled back."""
    return HostTransaction(
        "a key epoch must last, and this transaction can still be rolled back",
        "make and change epochs with a store over a pool, or outside the transaction",
    )


@final
class PostgresStore(SqlStore):
    """Keeps the protocol of ``gdprkit.storage.protocol.Store`` in a PostgreSQL database.

    The tables must be there: ``gdprkit.storage.install_postgres``. *where* stays the caller's:
    closing the store leaves it open. Over a pool, and over a connection with ``autocommit``, each
    call is a transaction by itself. Over a connection inside a transaction, or one without
    ``autocommit``, calls are part of the host's transaction.

    Args:
        where: A pool, or one connection.
        tenant: Whose rows. Several tenants may share a database, each with its own store.
        wait: How many seconds a writer waits for others.

    Raises:
        InvalidValue: *where* is neither, does not speak UTF-8, or *tenant* or *wait* is none.
        SchemaMissing: the database is no store, or not wholly; it was left untouched.
        NewerSchema: a newer gdprkit made the tables.
        StoreClosed: *where* is closed.
        StoreUnavailable: the server cannot be reached.
    """

    locks: ClassVar[Locks] = ROW_LOCKS

    def __init__(
        self, where: ConnectionPool[Any] | Connection, *, tenant: str = "main", wait: float = 30.0
    ) -> None:
        super().__init__(tenant)
        if not isinstance(where, ConnectionPool | psycopg.Connection):
            raise InvalidValue(
                "where",
                "is no pool and no connection",
                "pass psycopg_pool.ConnectionPool(uri) or psycopg.connect(uri); an awaited one is "
                "for AsyncPostgresStore",
            )
        self._where = where
        self._wait = wait
        self._limit = milliseconds(wait)
        self._turn = RLock()
        self._closed = False
        with self._lent() as connection:
            idle = connection.info.transaction_status is TransactionStatus.IDLE
            if connection.info.encoding != "utf-8":
                raise InvalidValue("where", "does not speak UTF-8", "set client_encoding to UTF8")
            try:
                take(check(), PostgresPort(connection))
            finally:
                if idle and not connection.closed:
                    connection.rollback()  # looking began it

    def commit(self, *batches: Batch) -> None:
        """See ``Store.commit``."""
        calls = postgres_commit.rounds(batches)
        make = partial(postgres_commit.commit, self._tenant, calls, self._limit)
        if len(calls) == 1:
            self._try(partial(self._one, make))
        else:
            self._write(make)

    def close(self) -> None:
        """See ``Store.close``; the pool or connection is left to whoever made it."""
        self._closed = True

    def __repr__(self) -> str:
        return f"PostgresStore({type(self._where).__name__}, tenant={self._tenant!r})"

    def _read(self, steps: Steps[T]) -> T:
        with self._lent() as connection:
            return take(steps, PostgresPort(connection))

    def _write(self, make: Make[T]) -> T:
        return self._try(partial(self._whole, make))

    def _write_apart(self, make: Make[T]) -> T:
        return self._try(partial(self._apart, make))

    def _one(self, make: Make[T], connection: Connection) -> T:
        """Carry out steps that are one statement: by itself it is a transaction."""
        if not _is_hosts(connection):
            return take(make(), PostgresPort(connection))
        port = PostgresPort(connection)
        if connection.info.transaction_status is TransactionStatus.IDLE:
            port.rows(LOCK_TIMEOUT)  # begins what the host has not begun yet
        with connection.transaction():
            return take(make(), port)

    def _whole(self, make: Make[T], connection: Connection) -> T:
        """Carry out steps in a transaction, or in a savepoint of the host's."""
        port = PostgresPort(connection)
        before = port.rows(LOCK_TIMEOUT) if _is_hosts(connection) else ()
        with connection.transaction():
            port.rows(SET_LOCK_TIMEOUT, (self._limit,))
            found = take(make(), port)
            if before:
                port.rows(SET_LOCK_TIMEOUT, before[0])
        return found

    def _apart(self, make: Make[T], connection: Connection) -> T:
        """Carry out steps in a transaction of their own, which the connection must allow."""
        if connection.info.transaction_status is not TransactionStatus.IDLE:
            raise apart()
        with connection.transaction():
            port = PostgresPort(connection)
            port.run(READ_COMMITTED)
            port.rows(SET_LOCK_TIMEOUT, (self._limit,))
            return take(make(), port)

    def _try(self, work: Callable[[Connection], T]) -> T:
        """Do a transaction of our own again when it and another got in each other's way."""
        for _ in range(ATTEMPTS - 1):
            with self._lent() as connection:
                may_try = not _is_hosts(connection)
                try:
                    return work(connection)
                except psycopg.Error as error:
                    if not (may_try and is_passing(error)):
                        raise
        with self._lent() as connection:
            return work(connection)

    @contextmanager
    def _lent(self) -> Iterator[Connection]:
        """Lend a connection for one ``with`` block; what the driver raises is told in our words."""
        if self._closed:
            raise StoreClosed
        try:
            if isinstance(self._where, ConnectionPool):
                connection = _alive(self._where)
                try:
                    with _by_itself(connection):
                        yield connection
                finally:
                    self._where.putconn(connection)
            else:
                with self._turn:
                    if self._where.closed and not self._where.broken:
                        raise StoreClosed
                    yield self._where
        except psycopg.Error as error:
            raise told(error, self._wait) from None


def _is_hosts(connection: Connection) -> bool:
    """Return whether what is done here is part of a transaction of the host's."""
    idle = connection.info.transaction_status is TransactionStatus.IDLE
    return not (idle and connection.autocommit)


def _alive(pool: ConnectionPool[Any]) -> Connection:
    """Borrow a connection; one that died while it lay in the pool is given back to be replaced.

    Raises:
        psycopg.OperationalError: the pool has dead ones only.
    """
    for _ in range(pool.max_size + 1):
        connection: Connection = pool.getconn()
        if not connection.closed:
            return connection
        pool.putconn(connection)
    raise psycopg.OperationalError


@contextmanager
def _by_itself(connection: Connection) -> Iterator[None]:
    """Let each statement on a connection of the pool stand alone for one ``with`` block."""
    before = connection.autocommit
    if not before:
        connection.autocommit = True
    try:
        yield
    finally:
        if connection.info.transaction_status is not TransactionStatus.IDLE:
            connection.close()  # whoever was interrupted left it in the middle
        elif not before:
            connection.autocommit = False
