"""Tampering as somebody does who knows the tables: guards off, change, guards on again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

__all__ = ["guards_off"]


@contextmanager
def guards_off(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection on which every trigger is gone; they are back when the block ends."""
    with closing(sqlite3.connect(path)) as connection, connection:
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, made in triggers:
            connection.execute(made)
