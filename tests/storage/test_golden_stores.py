"""Stores that earlier releases have written open for ever and say what they said."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from tests.storage.golden.__main__ import NOW, keeper_on, readings

from gdprkit import Keyring
from gdprkit.storage import SqliteStore
from gdprkit.storage.schema import SCHEMA_VERSION

GOLDEN = Path(__file__).parent / "golden"
STORES = sorted(GOLDEN.glob("schema-*.db"))


def _tables(path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    connection.close()
    return [(name, " ".join((sql or "").replace('"', "").split())) for name, sql in found]


def test_every_schema_has_its_golden_store() -> None:
    """There is one for every version up to the one written now."""
    assert [path.stem for path in STORES] == [f"schema-{n}" for n in range(1, SCHEMA_VERSION + 1)]


@pytest.mark.parametrize("golden", STORES, ids=lambda path: path.stem)
def test_a_golden_store_reads_as_it_was_written(golden: Path, tmp_path: Path) -> None:
    """Lines, digests, values, answers, keys and marks are those of the day it was made."""
    path, root = tmp_path / "people.db", tmp_path / "root.key"
    shutil.copy(golden, path)
    shutil.copy(golden.with_suffix(".key"), root)
    root.chmod(0o600)
    with SqliteStore(path) as store:
        found = readings(keeper_on(store, Keyring.from_file(root), NOW), store)
    assert found == json.loads(golden.with_suffix(".json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("golden", STORES, ids=lambda path: path.stem)
def test_an_older_store_becomes_what_a_new_one_is(golden: Path, tmp_path: Path) -> None:
    """After the upgrade every table, index and trigger is the one a new store is made with."""
    path = tmp_path / "people.db"
    shutil.copy(golden, path)
    SqliteStore(path).close()
    SqliteStore(tmp_path / "new.db").close()
    assert _tables(path) == _tables(tmp_path / "new.db")
