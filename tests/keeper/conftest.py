"""Houses to test in: one on each kind of store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.keeper.support import House, house_on

from gdprkit.storage import MemoryStore, SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.db"


@pytest.fixture
def filed(path: Path) -> Iterator[House]:
    """A house on a SQLite file."""
    with SqliteStore(path) as store:
        yield house_on(store)


@pytest.fixture(params=["memory", "sqlite"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A house on each kind of store."""
    store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "house.db")
    with store:
        yield house_on(store)


@pytest.fixture
def swift() -> Iterator[House]:
    """A house in memory, where the store makes no difference."""
    with MemoryStore() as store:
        yield house_on(store)
