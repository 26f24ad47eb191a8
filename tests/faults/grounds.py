"""Where a fault is tried: how any process opens the store, by two words that fit on a command line.

Decides which databases there are. Always true: whoever opens a ground leaves nothing open behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Final, final

import attrs
import psycopg
from psycopg_pool import ConnectionPool

from gdprkit.storage import SqliteStore
from gdprkit.storage.postgres import PostgresStore
from gdprkit.storage.sql_store import SqlStore

__all__ = ["OPENERS", "Ground"]


_AT_WORK: Final = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND state <> 'idle'"""


@contextmanager
def _sqlite(address: str) -> Iterator[SqlStore]:
    with SqliteStore(address) as store:
        yield store


@contextmanager
def _sqlite_groups(address: str) -> Iterator[SqlStore]:
    with SqliteStore(address, group_commits=True) as store:
        yield store


@contextmanager
def _postgres(address: str) -> Iterator[SqlStore]:
    pool = ConnectionPool(address, min_size=1, max_size=4, timeout=10, open=True)
    with pool, PostgresStore(pool) as store:
        yield store


#: Kind of database -> how a store in it is opened.
OPENERS: Final[Mapping[str, Callable[[str], AbstractContextManager[SqlStore]]]] = {
    "postgres": _postgres,
    "sqlite": _sqlite,
    "sqlite-groups": _sqlite_groups,
}


@final
@attrs.frozen
class Ground:
    """A kind of database, and where one of that kind is."""

    kind: str
    address: str

    def open(self) -> AbstractContextManager[SqlStore]:
        """Open the store there for one ``with`` block."""
        return OPENERS[self.kind](self.address)

    def quiet(self) -> None:
        """Wait until nobody is at work there: a server goes on for a client that was killed."""
        if self.kind == "postgres":
            with psycopg.connect(self.address, autocommit=True) as connection:
                while connection.execute(_AT_WORK).fetchone() != (0,):
                    time.sleep(0.01)
