"""A SQLite store in a new file, and a plain connection beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gdprkit.storage import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(path) as store:
        yield store


@pytest.fixture
def raw(path: Path, store: SqliteStore) -> Iterator[sqlite3.Connection]:
    """A connection beside the store, as somebody with the sqlite3 shell has it."""
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()
