"""Every host's transaction keeps the contract, and PostgreSQL keeps it among processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.storage import test_hosts
from tests.storage.test_hosts import Host

from gdprkit.storage import PostgresStore, install_postgres
from gdprkit.storage.hosts import host_store
from gdprkit.storage.protocol import Store
from gdprkit.testing.store_abilities import Hosted
from gdprkit.testing.store_contract_hosted import HostedContract
from gdprkit.testing.store_contract_processes import ProcessesContract

#: One of each framework and database; the other ways to name a connection stand in test_hosts.
HOSTS = (
    "psycopg",
    "sqlalchemy-session-sqlite",
    "sqlalchemy-connection-psycopg",
    "django-sqlite",
    "django-psycopg",
)


class _Changed(Exception):
    """The host changes its mind."""


class _Working:
    """One unit of a host's work, ended when the contract says so."""

    def __init__(self, host: Host, outside: Store) -> None:
        self.host = host
        self.outside = outside
        self.store = outside  # until the host begins
        self.work: AbstractContextManager[tuple[Any, Callable[[str], Any]]] = host.work()

    def begin(self) -> None:
        connection, self.run = self.work.__enter__()
        self.store = host_store(connection)

    def put(self, name: str) -> None:
        self.run(f"INSERT INTO orders (what) VALUES ('{name}')")

    def names(self) -> set[str]:
        with self.host.look() as (_, run):
            count = run("SELECT count(*) FROM orders")
            rows = (f"SELECT what FROM orders ORDER BY id LIMIT 1 OFFSET {n}" for n in range(count))
            return {run(row) for row in rows}

    def commit(self) -> None:
        self.work.__exit__(None, None, None)

    def rollback(self) -> None:
        error = _Changed()
        assert not self.work.__exit__(type(error), error, None)


class TestEveryHost(HostedContract):
    can_be_hosted = True

    @pytest.fixture(autouse=True, params=HOSTS)
    def _host(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        name = request.param
        uri = "" if "sqlite" in name else request.getfixturevalue("postgres")
        self.host = test_hosts.HOSTS[name](tmp_path, uri)

    @contextmanager
    def _working(self) -> Iterator[Hosted]:
        with ExitStack() as opened:
            outside, _ = opened.enter_context(self.host.look())
            yield _Working(self.host, outside)

    def hosted(self) -> AbstractContextManager[Hosted]:
        return self._working()


_connections: list[psycopg.Connection[Any]] = []


def open_store(address: str) -> Store:
    """Open a store on a connection of its own, in another process too."""
    uri, _, tenant = address.rpartition(" ")
    connection = psycopg.connect(uri, autocommit=True)
    _connections.append(connection)
    return PostgresStore(connection, tenant=tenant)


class TestPostgresAmongProcesses(ProcessesContract):
    has_address = True
    open_store = staticmethod(open_store)

    @pytest.fixture(autouse=True)
    def _place(self, postgres: str) -> Iterator[None]:
        with psycopg.connect(postgres) as connection:
            install_postgres(connection)
        self.uri = postgres
        yield
        while _connections:
            _connections.pop().close()

    def make_store(self) -> Store:
        return open_store(f"{self.uri} main")

    def address(self, store: Store) -> str:
        return f"{self.uri} {store.tenant}"
