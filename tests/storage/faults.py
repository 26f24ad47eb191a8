"""A SQLite connection on which one step fails, as a disk or a driver does."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast
from unittest.mock import patch

from gdprkit.storage.sqlite_file import SqliteFile


class _Connection:
    """Counts what is executed, beginning and committing included, and fails at one of them.

    Of a statement that runs many times half is done before the failure. Rolling back works.
    """

    def __init__(self, inner: sqlite3.Connection, count: Iterator[bool]) -> None:
        self.inner = inner
        self.count = count

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        if statement != "ROLLBACK" and next(self.count):
            raise sqlite3.OperationalError("injected")
        return self.inner.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        rows = list(rows)
        if next(self.count):
            self.inner.executemany(statement, rows[: (len(rows) + 1) // 2])
            raise sqlite3.OperationalError("injected")
        return self.inner.executemany(statement, rows)


@contextmanager
def failing(n: int) -> Iterator[None]:
    """Make the *n*-th step on any connection of a SQLite store fail, from 1."""
    count = (number == n for number in range(1, 1_000_000))
    take, give = SqliteFile.take, SqliteFile.give

    def taken(file: SqliteFile) -> sqlite3.Connection:
        return cast("sqlite3.Connection", _Connection(take(file), count))

    def given(file: SqliteFile, connection: sqlite3.Connection) -> None:
        give(file, cast("_Connection", connection).inner)

    with patch.object(SqliteFile, "take", taken), patch.object(SqliteFile, "give", given):
        yield
