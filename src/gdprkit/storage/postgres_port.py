"""The little that psycopg must do for a store, blocking and awaited.

Decides how statements and values reach the driver: placeholders, arrays, rows as plain tuples in
binary form, whatever the host has set on its connection. It leaves out transactions and errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, final

import psycopg
from psycopg.adapt import AdaptersMap, Dumper, PyFormat
from psycopg.pq import Format
from psycopg.rows import tuple_row

from gdprkit.storage.postgres_arrays import ARRAYS, Packed
from gdprkit.storage.steps import Row, SqlValue

__all__ = ["AsyncPostgresPort", "PostgresPort"]


@lru_cache(maxsize=1024)
def _written(statement: str) -> bytes:
    """Return a statement with the placeholders of the driver."""
    return statement.replace("?", "%s").encode()


def _dumper(array: type[Packed]) -> type[Dumper]:
    class Arrays(Dumper):
        """Passes on what is packed already."""

        format = Format.BINARY
        oid = array.array_oid

        def dump(self, obj: Packed) -> bytes:
            return obj.data

    return Arrays


_DUMPERS = {array: _dumper(array) for array in ARRAYS}


def _teach(adapters: AdaptersMap) -> None:
    """See to it that a connection knows our arrays; what else it knows is left as it is."""
    try:
        adapters.get_dumper(ARRAYS[-1], PyFormat.AUTO)
    except psycopg.ProgrammingError:
        for array, dumper in _DUMPERS.items():
            adapters.register_dumper(array, dumper)


@final
class PostgresPort:
    """Runs statements on a connection of psycopg."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        _teach(connection.adapters)
        self._cursor = psycopg.Cursor(connection, row_factory=tuple_row)

    def rows(self, statement: str, values: Sequence[SqlValue] = ()) -> list[Row]:
        """Run a reading statement and return all its rows."""
        return self._cursor.execute(_written(statement), values, binary=True).fetchall()

    def run(self, statement: str, values: Sequence[SqlValue] = ()) -> int:
        """Run a writing statement and return how many rows it wrote."""
        return self._cursor.execute(_written(statement), values).rowcount

    def many(self, statement: str, rows: Sequence[Sequence[SqlValue]]) -> None:
        """Run a writing statement once for each of *rows*."""
        self._cursor.executemany(_written(statement), rows)


@final
class AsyncPostgresPort:
    """The same on a connection that is awaited."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        _teach(connection.adapters)
        self._cursor = psycopg.AsyncCursor(connection, row_factory=tuple_row)

    async def rows(self, statement: str, values: Sequence[SqlValue] = ()) -> list[Row]:
        """Run a reading statement and return all its rows."""
        found = await self._cursor.execute(_written(statement), values, binary=True)
        return await found.fetchall()

    async def run(self, statement: str, values: Sequence[SqlValue] = ()) -> int:
        """Run a writing statement and return how many rows it wrote."""
        return (await self._cursor.execute(_written(statement), values)).rowcount

    async def many(self, statement: str, rows: Sequence[Sequence[SqlValue]]) -> None:
        """Run a writing statement once for each of *rows*."""
        await self._cursor.executemany(_written(statement), rows)
