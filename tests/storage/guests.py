"""A host with a plain SQLite connection, and a store inside its transaction to be made wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from gdprkit.errors import StoreClosed
from gdprkit.sealing.rows import EpochRow
from gdprkit.storage import SqliteStore
from gdprkit.storage.protocol import Store
from gdprkit.storage.sql_store import SqlStore
from gdprkit.storage.sqlite_host import SqliteHostStore
from gdprkit.storage.steps import Make, Row, Steps, take
from gdprkit.testing.store_abilities import Hosted

T = TypeVar("T")


class Guest(SqlStore):
    """Reads and writes through the host's connection, each write inside a savepoint."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__("main")
        self.connection = connection
        self.is_closed = False

    def rows(self, statement: str, values: Sequence[Any]) -> list[Row]:
        return self.connection.execute(statement, values).fetchall()

    def run(self, statement: str, values: Sequence[Any]) -> int:
        return self.connection.execute(statement, values).rowcount

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        self.connection.executemany(statement, rows)

    def _read(self, steps: Steps[T]) -> T:
        if self.is_closed:
            raise StoreClosed
        return take(steps, self)

    def _write(self, make: Make[T]) -> T:
        if self.is_closed:
            raise StoreClosed
        self.connection.execute("SAVEPOINT ours")
        try:
            found = take(make(), self)
        except BaseException:
            self.connection.execute("ROLLBACK TO ours")
            raise
        finally:
            self.connection.execute("RELEASE ours")
        return found

    def add_epoch(self, row: EpochRow) -> None:
        # (number, name, file) of the only database there is
        path = self.connection.execute("PRAGMA database_list").fetchone()[2]
        with SqliteStore(path, wait=0) as apart:
            apart.add_epoch(row)

    def close(self) -> None:
        self.is_closed = True


class Host:
    """A host with a table of its own."""

    def __init__(self, path: Path, guest: Callable[[sqlite3.Connection], Store]) -> None:
        self.path = path
        self.outside = SqliteStore(path)
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("CREATE TABLE host_order (name TEXT)")
        self.guest = guest
        self.store: Store = self.outside  # until the host begins

    def begin(self) -> None:
        self.connection.execute("BEGIN")
        self.store = self.guest(self.connection)

    def put(self, name: str) -> None:
        self.connection.execute("INSERT INTO host_order VALUES (?)", (name,))

    def names(self) -> set[str]:
        other = sqlite3.connect(self.path)
        found = {name for (name,) in other.execute("SELECT name FROM host_order")}
        other.close()
        return found

    def commit(self) -> None:
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        self.connection.execute("ROLLBACK")

    def close(self) -> None:
        self.outside.close()
        self.connection.close()


@contextmanager
def hosting(
    path: Path, guest: Callable[[sqlite3.Connection], Store] = SqliteHostStore
) -> Iterator[Hosted]:
    """Open a host's transaction on new data, with a store of the kind *guest* inside."""
    host = Host(path, guest)
    try:
        yield host
    finally:
        host.close()
