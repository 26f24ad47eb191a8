"""A store in PostgreSQL that is awaited, through psycopg.

Decides nothing that ``postgres`` does not: the same steps, statements and errors, on connections
that are awaited. See there for what is always true.

Tasks: over a pool one store may be shared by all tasks of its event loop; over one connection calls
take turns.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ClassVar, Self, TypeAlias, TypeVar, final

import psycopg
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from gdprkit.errors import InvalidValue, StoreClosed
from gdprkit.storage import postgres_commit
from gdprkit.storage.async_sql_store import AsyncSqlStore
from gdprkit.storage.postgres import (
    ATTEMPTS,
    LOCK_TIMEOUT,
    READ_COMMITTED,
    SET_LOCK_TIMEOUT,
    apart,
    milliseconds,
)
from gdprkit.storage.postgres_errors import is_passing, told
from gdprkit.storage.postgres_install import check
from gdprkit.storage.postgres_port import AsyncPostgresPort
from gdprkit.storage.protocol import Batch
from gdprkit.storage.steps import Make, Steps, take_async
from gdprkit.storage.writes import ROW_LOCKS, Locks

__all__ = ["AsyncPostgresStore"]

T = TypeVar("T")

Connection: TypeAlias = psycopg.AsyncConnection[Any]


@final
class AsyncPostgresStore(AsyncSqlStore):
    """``PostgresStore`` for a program with an event loop, over an awaited pool or connection.

    It looks at the database when it is first used, or by ``await store.look()``, and raises then
    what ``PostgresStore`` raises when it is made.

    Args:
        where: A pool, or one connection; it stays the caller's.
        tenant: Whose rows.
        wait: How many seconds a writer waits for others.

    Raises:
        InvalidValue: *where* is neither, or *tenant* or *wait* is none.
    """

    locks: ClassVar[Locks] = ROW_LOCKS

    def __init__(
        self,
        where: AsyncConnectionPool[Any] | Connection,
        *,
        tenant: str = "main",
        wait: float = 30.0,
    ) -> None:
        super().__init__(tenant)
        if not isinstance(where, AsyncConnectionPool | psycopg.AsyncConnection):
            raise InvalidValue(
                "where",
                "is no awaited pool or connection",
                "pass psycopg's AsyncConnectionPool or AsyncConnection",
            )
        self._where = where
        self._wait = wait
        self._limit = milliseconds(wait)
        self._turn = asyncio.Lock()
        self._closed = False
        self._looked = False

    async def look(self) -> None:
        """See whether the database is a whole store of this version; writes nothing.

        Raises:
            SchemaMissing: it is none, or not wholly.
            NewerSchema: a newer gdprkit made the tables.
            InvalidValue: the connection does not speak UTF-8.
        """
        async with self._lent_at_all() as connection:
            await self._look(connection)

    async def _look(self, connection: Connection) -> None:
        idle = connection.info.transaction_status is TransactionStatus.IDLE
        if connection.info.encoding != "utf-8":
            raise InvalidValue("where", "does not speak UTF-8", "set client_encoding to UTF8")
        try:
            await take_async(check(), AsyncPostgresPort(connection))
        finally:
            if idle and not connection.closed:
                await connection.rollback()  # looking began it
        self._looked = True

    async def commit(self, *batches: Batch) -> None:
        """See ``AsyncStore.commit``."""
        calls = postgres_commit.rounds(batches)
        make = partial(postgres_commit.commit, self._tenant, calls, self._limit)
        if len(calls) == 1:
            await self._try(partial(self._one, make))
        else:
            await self._write(make)

    async def close(self) -> None:
        """See ``AsyncStore.close``; the pool or connection is left to whoever made it."""
        self._closed = True

    async def __aenter__(self) -> Self:
        await self.look()
        return self

    def __repr__(self) -> str:
        return f"AsyncPostgresStore({type(self._where).__name__}, tenant={self._tenant!r})"

    async def _read(self, steps: Steps[T]) -> T:
        async with self._lent() as connection:
            return await take_async(steps, AsyncPostgresPort(connection))

    async def _write(self, make: Make[T]) -> T:
        return await self._try(partial(self._whole, make))

    async def _write_apart(self, make: Make[T]) -> T:
        return await self._try(partial(self._apart, make))

    async def _one(self, make: Make[T], connection: Connection) -> T:
        """Carry out steps that are one statement: by itself it is a transaction."""
        port = AsyncPostgresPort(connection)
        if not _is_hosts(connection):
            return await take_async(make(), port)
        if connection.info.transaction_status is TransactionStatus.IDLE:
            await port.rows(LOCK_TIMEOUT)  # begins what the host has not begun yet
        async with connection.transaction():
            return await take_async(make(), port)

    async def _whole(self, make: Make[T], connection: Connection) -> T:
        """Carry out steps in a transaction, or in a savepoint of the host's."""
        port = AsyncPostgresPort(connection)
        before = await port.rows(LOCK_TIMEOUT) if _is_hosts(connection) else ()
        async with connection.transaction():
            await port.rows(SET_LOCK_TIMEOUT, (self._limit,))
            found = await take_async(make(), port)
            if before:
                await port.rows(SET_LOCK_TIMEOUT, before[0])
        return found

    async def _apart(self, make: Make[T], connection: Connection) -> T:
        """Carry out steps in a transaction of their own, which the connection must allow."""
        if connection.info.transaction_status is not TransactionStatus.IDLE:
            raise apart()
        async with connection.transaction():
            port = AsyncPostgresPort(connection)
            await port.run(READ_COMMITTED)
            await port.rows(SET_LOCK_TIMEOUT, (self._limit,))
            return await take_async(make(), port)

    async def _try(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do a transaction of our own again when it and another got in each other's way."""
        for _ in range(ATTEMPTS - 1):
            async with self._lent() as connection:
                may_try = not _is_hosts(connection)
                try:
                    return await work(connection)
                except psycopg.Error as error:
                    if not (may_try and is_passing(error)):
                        raise
        async with self._lent() as connection:
            return await work(connection)

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Connection]:
        """Lend a connection to a database that has been looked at."""
        async with self._lent_at_all() as connection:
            if not self._looked:
                await self._look(connection)
            yield connection

    @asynccontextmanager
    async def _lent_at_all(self) -> AsyncIterator[Connection]:
        """Lend a connection for one block; what the driver raises is told in our words."""
        if self._closed:
            raise StoreClosed
        try:
            if isinstance(self._where, AsyncConnectionPool):
                connection = await _alive(self._where)
                try:
                    async with _by_itself(connection):
                        yield connection
                finally:
                    await self._where.putconn(connection)
            else:
                async with self._turn:
                    if self._where.closed and not self._where.broken:
                        raise StoreClosed
                    yield self._where
        except psycopg.Error as error:
            raise told(error, self._wait) from None


def _is_hosts(connection: Connection) -> bool:
    """Return whether what is done here is part of a transaction of the host's."""
    idle = connection.info.transaction_status is TransactionStatus.IDLE
    return not (idle and connection.autocommit)


async def _alive(pool: AsyncConnectionPool[Any]) -> Connection:
    """Borrow a connection; one that died while it lay in the pool is given back to be replaced.

    Raises:
        psycopg.OperationalError: the pool has dead ones only.
    """
    for _ in range(pool.max_size + 1):
        connection: Connection = await pool.getconn()
        if not connection.closed:
            return connection
        await pool.putconn(connection)
    raise psycopg.OperationalError


@asynccontextmanager
async def _by_itself(connection: Connection) -> AsyncIterator[None]:
    """Let each statement on a connection of the pool stand alone for one block."""
    before = connection.autocommit
    if not before:
        await connection.set_autocommit(True)
    try:
        yield
    finally:
        if connection.info.transaction_status is not TransactionStatus.IDLE:
            await connection.close()  # whoever was interrupted left it in the middle
        elif not before:
            await connection.set_autocommit(before)
