"""A SQLite store in a new file, and a plain connection beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gdprkit.storage import SqliteStore, reads


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


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that the people of the contract fill several times, without writing thousands."""
    monkeypatch.setattr(reads, "PAGE", 50)
    monkeypatch.setattr(reads, "_LINES", 20)
