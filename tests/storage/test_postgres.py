"""The store in PostgreSQL keeps the contract, and a commit of it is one statement."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool
from tests.postgres_server import PostgresServer

from gdprkit.storage import PostgresStore, install_postgres
from gdprkit.storage.protocol import Store
from gdprkit.testing.store_contract import StoreContract

_tenants = itertools.count()


@pytest.fixture(scope="module")
def shared(postgres_server: PostgresServer) -> str:
    """One installed database for all stores that have a tenant of their own."""
    uri = postgres_server.fresh_database("shared")
    with psycopg.connect(uri) as connection:
        install_postgres(connection)
    return uri


@pytest.fixture(scope="module")
def pool(shared: str) -> Iterator[ConnectionPool[Any]]:
    with ConnectionPool(shared, min_size=1, max_size=8, open=True) as pool:
        yield pool


class TestPostgresStore(StoreContract):
    can_reopen = True
    has_neighbours = True

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
