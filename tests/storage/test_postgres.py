"""The store in PostgreSQL keeps the contract, and a commit of it is one statement."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from tests.postgres_server import PostgresServer

from gdprkit.storage import (
    AsyncPostgresStore,
    PostgresStore,
    install_postgres,
)
from gdprkit.storage.async_protocol import AsyncStore
from gdprkit.storage.protocol import Store
from gdprkit.testing import AsyncStoreContract
from gdprkit.testing.store_contract import StoreContract

_tenants = itertools.count()


@pytest.fixture(scope="class")
def shared(postgres_server: PostgresServer) -> str:
    """One installed database for all stores that have a tenant of their own."""
    uri = postgres_server.fresh_database(f"shared_{next(_tenants)}")
    with psycopg.connect(uri) as connection:
        install_postgres(connection)
    return uri


@pytest.fixture(scope="class")
def pool(shared: str) -> Iterator[ConnectionPool[Any]]:
    with ConnectionPool(shared, min_size=1, max_size=8, open=True) as pool:
        yield pool


@pytest.mark.usefixtures("small_pages")
class TestPostgresStore(StoreContract):
    can_reopen = True
    has_neighbours = True
    many = 130

    @pytest.fixture(autouse=True)
    def _place(self, pool: ConnectionPool[Any]) -> None:
        self.pool = pool

    def _open(self, tenant: str) -> Store:
        return PostgresStore(self.pool, tenant=tenant)

    def make_store(self) -> Store:
        return self._open(f"{next(_tenants)}")

    def reopen_store(self, store: Store) -> Store:
        store.close()
        return self._open(store.tenant)

    def make_neighbour(self, store: Store, tenant: str) -> Store:
        return self._open(tenant)


@pytest.mark.usefixtures("small_pages")
class TestAsyncPostgresStore(AsyncStoreContract):
    """The awaited store keeps every promise, seen from other threads than the loop's."""

    can_reopen = True
    has_neighbours = True
    many = 130

    @pytest.fixture(scope="class")
    @classmethod
    def async_pool(
        cls, shared: str, loop: asyncio.AbstractEventLoop
    ) -> Iterator[AsyncConnectionPool[Any]]:
        async def opened() -> AsyncConnectionPool[Any]:
            pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
                shared, min_size=1, max_size=8, open=False
            )
            await pool.open()
            return pool

        pool = asyncio.run_coroutine_threadsafe(opened(), loop).result()
        yield pool
        asyncio.run_coroutine_threadsafe(pool.close(), loop).result()

    @pytest.fixture(autouse=True)
    def _place(self, async_pool: AsyncConnectionPool[Any]) -> None:
        self.pool = async_pool

    async def make_async_store(self) -> AsyncStore:
        return AsyncPostgresStore(self.pool, tenant=f"{next(_tenants)}")

    async def reopen_async_store(self, store: AsyncStore) -> AsyncStore:
        await store.close()
        return AsyncPostgresStore(self.pool, tenant=store.tenant)

    async def make_async_neighbour(self, store: AsyncStore, tenant: str) -> AsyncStore:
        return AsyncPostgresStore(self.pool, tenant=tenant)


@pytest.mark.usefixtures("small_pages")
class TestOverOneConnection(StoreContract):
    """The store over one autocommit connection keeps every promise too."""

    can_reopen = True
    has_neighbours = True
    many = 130

    @pytest.fixture(autouse=True)
    def _place(self, shared: str) -> Iterator[None]:
        with psycopg.connect(shared, autocommit=True) as self.connection:
            yield

    def _open(self, tenant: str) -> Store:
        return PostgresStore(self.connection, tenant=tenant)

    def make_store(self) -> Store:
        return self._open(f"{next(_tenants)}")

    def reopen_store(self, store: Store) -> Store:
        store.close()
        return self._open(store.tenant)

    def make_neighbour(self, store: Store, tenant: str) -> Store:
        return self._open(tenant)
