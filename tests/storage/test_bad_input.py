"""What is no store, no name, no value, or in no state to work: typed errors, nothing written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from gdprkit import Keyring, RecordKeeper, Register
from gdprkit.desk.cli import cli
from gdprkit.errors import (
    GdprkitError,
    InvalidValue,
    NewerSchema,
    NotAStore,
    StoreClosed,
    StoreCorrupt,
    StoreUnavailable,
)
from gdprkit.storage import MemoryStore, SqliteStore
from gdprkit.storage.protocol import LARGEST, Batch, Marks, StoredEntry, VaultPut
from gdprkit.storage.schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION, TABLES
from gdprkit.testing.store_values import follow, hashed, person, slot

REGISTER = Path(__file__).parents[2] / "docs" / "examples" / "jot" / "register.toml"
ANNA = person(1)
NOBODY = 65534


def told(path: Path, *statements: str) -> None:
    """Say SQL to a file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for statement in statements:
            raw.execute(statement)


def half(path: Path, count: int) -> None:
    """Make a file with our mark and only the first of our tables."""
    marks = (f"application_id = {APPLICATION_ID}", f"user_version = {SCHEMA_VERSION}")
    told(path, *SCHEMA[:count], *(f"PRAGMA {mark}" for mark in marks))


def whole(path: Path, *statements: str) -> None:
    """Make a store with somebody in it, and say SQL to it."""
    with SqliteStore(path) as store:
        store.commit(follow(store, ANNA, b"one"))
    told(path, *statements)


def link(path: Path) -> None:
    path.symlink_to(path)


def cut_short(path: Path) -> None:
    whole(path)
    os.truncate(path, 5000)


_FILES: dict[str, tuple[Callable[[Path], object], type[GdprkitError]]] = {
    "text": (lambda p: p.write_bytes(b"name,email\n" * 500), NotAStore),
    "another-program": (lambda p: told(p, "CREATE TABLE theirs (x)"), NotAStore),
    "another-mark": (lambda p: whole(p, "PRAGMA application_id = 7"), NotAStore),
    "directory": (lambda p: p.mkdir(), NotAStore),
    "loop": (link, StoreUnavailable),
    "newer": (lambda p: whole(p, f"PRAGMA user_version = {SCHEMA_VERSION + 1}"), NewerSchema),
    "unknown": (lambda p: whole(p, "PRAGMA user_version = 0"), StoreCorrupt),
    "no-tables": (lambda p: half(p, 0), StoreCorrupt),
    "half-the-tables": (lambda p: half(p, 5), StoreCorrupt),
    "no-guards": (lambda p: half(p, len(TABLES)), StoreCorrupt),
    "a-column-less": (
        lambda p: whole(p, "ALTER TABLE gdprkit_line DROP COLUMN state"),
        StoreCorrupt,
    ),
    "a-column-more": (
        lambda p: whole(p, "ALTER TABLE gdprkit_line ADD COLUMN more TEXT"),
        StoreCorrupt,
    ),
    "a-guard-less": (lambda p: whole(p, "DROP TRIGGER gdprkit_entry_stays"), StoreCorrupt),
    "another-guard": (
        lambda p: whole(
            p,
            "DROP TRIGGER gdprkit_entry_stays",
            "CREATE TRIGGER gdprkit_entry_stays BEFORE DELETE ON gdprkit_entry BEGIN SELECT 1; END",
        ),
        StoreCorrupt,
    ),
    "cut-short": (cut_short, StoreCorrupt),
}


@pytest.mark.parametrize("case", _FILES)
def test_a_file_that_is_no_whole_store_is_refused(path: Path, case: str) -> None:
    """It is told by type, by the library and the commands, and stays as it was to the byte."""
    make, error = _FILES[case]
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(error) as caught, SqliteStore(path) as store:
        list(store.lines())
    assert caught.value.__cause__ is None
    run = CliRunner().invoke(cli, ["trail", "verify", str(path)])
    assert run.exit_code == 2
    assert run.stderr.splitlines()[-1].startswith("gdprkit: ")
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    assert before is None or path.read_bytes() == before


def test_what_somebody_added_beside_our_tables_is_theirs(path: Path) -> None:
    """Tables, indexes and triggers of a host in the same file are no half-installed schema."""
    whole(path, "CREATE TABLE theirs (x)", "CREATE INDEX ours ON gdprkit_line (fold)")
    with SqliteStore(path) as store:
        assert len(store.line(ANNA)) == 1


@pytest.mark.parametrize("name", ["", "a" * 201, "a\0b", "\ud800", None, 7, b"main"])
@pytest.mark.parametrize("kind", ["sqlite", "memory"])
def test_what_is_no_name_is_no_tenant(path: Path, kind: str, name: object) -> None:
    """No store is opened for it, and no file made."""
    made: dict[str, Callable[[], object]] = {
        "sqlite": lambda: SqliteStore(path, tenant=name),  # type: ignore[arg-type]
        "memory": lambda: MemoryStore(name),  # type: ignore[arg-type]
    }
    with pytest.raises(InvalidValue):
        made[kind]()
    assert not path.exists()


@pytest.mark.parametrize("path", ["", ":memory:", "a\0b", "x" * 300, "missing/people.db"])
def test_what_is_no_path_is_told(path: str, tmp_path: Path) -> None:
    """A path that names no file, or none that can be, makes nothing."""
    given = path if path in {"", ":memory:"} else tmp_path / path
    with pytest.raises((InvalidValue, StoreUnavailable)):
        SqliteStore(given)
    assert list(tmp_path.iterdir()) == []


def test_a_tenant_that_the_file_does_not_hold_is_told(tmp_path: Path) -> None:
    """Every command that takes a tenant names those that are there, and ends with 2."""
    path, root, ledger = tmp_path / "people.db", tmp_path / "root.key", tmp_path / "ledger"
    register = Register.load(REGISTER)
    with SqliteStore(path, tenant="shop") as store:
        keeper = RecordKeeper(register, store=store, keys=Keyring.create(root))
        keeper.add_person("consumer", {"email": "anna@example.com"}, source="contact-form")
    ledger.touch()
    ring = ["--keyring", str(root)]
    keeper_of = [*ring, "--register", str(REGISTER)]
    commands = [
        *(["keys", word, str(path), *ring] for word in ("status", "rotate", "rewrap", "destroy")),
        ["trail", "verify", str(path)],
        ["store", "replay", str(path), *keeper_of, "--ledger", str(ledger)],
        ["store", "reindex", str(path), *keeper_of],
    ]
    before = (path.read_bytes(), root.read_bytes(), ledger.read_bytes())
    for command in commands:
        run = CliRunner().invoke(cli, [*command, "--tenant", "main"])
        assert run.exit_code == 2, command
        assert "shop" in run.stderr, command
    assert (path.read_bytes(), root.read_bytes(), ledger.read_bytes()) == before


_VALUES: dict[str, Callable[[Batch], object]] = {
    "entry-too-long": lambda b: attrs.evolve(
        b, entries=[attrs.evolve(b.entries[0], body=bytes(LARGEST + 1))]
    ),
    "entry-empty": lambda b: attrs.evolve(b, entries=[attrs.evolve(b.entries[0], body=b"")]),
    "state-too-long": lambda b: attrs.evolve(
        b, standing=attrs.evolve(b.standing, state=bytes(LARGEST + 1))
    ),
    "envelope-too-long": lambda b: VaultPut(slot=slot(1), envelope=bytes(LARGEST + 1)),
    "term-too-long": lambda b: VaultPut(slot=slot(1), envelope=b"e", terms=[bytes(1025)]),
    "token-too-long": lambda b: attrs.evolve(b, spend=[bytes(1025)]),
    "tag-with-nul": lambda b: Marks(tags={"a\0b"}),
    "tag-too-long": lambda b: Marks(tags={"a" * 201}),
    "digest-too-long": lambda b: attrs.evolve(b, standing=attrs.evolve(b.standing, head=bytes(33))),
    "text-for-bytes": lambda b: attrs.evolve(
        b,
        entries=[StoredEntry(position=1, body="one", digest=hashed("x"))],  # type: ignore[arg-type]
    ),
}


@pytest.mark.parametrize("case", _VALUES)
def test_a_value_that_no_store_takes_is_refused(store: SqliteStore, case: str) -> None:
    """Over-long values, NUL in a text and wrong types are told before a store sees them."""
    batch = follow(store, ANNA, b"one")
    with pytest.raises(InvalidValue):
        _VALUES[case](batch)
    assert store.standing(ANNA) is None


def test_the_longest_value_is_taken(store: SqliteStore) -> None:
    """What is as long as allowed goes in and comes out."""
    store.commit(follow(store, ANNA, bytes(LARGEST)))
    assert len(store.line(ANNA)[0].body) == LARGEST


def test_a_closed_store_does_nothing(store: SqliteStore, path: Path) -> None:
    """Every method of a closed store says so, walking and backing up too."""
    batch = follow(store, ANNA, b"one")
    walk = store.people()
    store.close()
    deeds: list[Callable[[], object]] = [
        lambda: store.commit(batch),
        lambda: store.standing(ANNA),
        lambda: list(walk),
        lambda: list(store.marks()),
        store.settle,
        lambda: store.backup(path.with_name("backup.db")),
    ]
    for deed in deeds:
        with pytest.raises(StoreClosed):
            deed()
    with SqliteStore(path) as again:
        assert list(again.people()) == []


@pytest.mark.parametrize("how", ["gone", "exchanged"])
@pytest.mark.parametrize("deed", ["write", "read", "backup"])
def test_a_file_that_is_not_there_any_more(path: Path, how: str, deed: str) -> None:
    """Deleted or exchanged under a program, nothing is acknowledged that would be lost."""
    with SqliteStore(path) as store:
        store.commit(follow(store, ANNA, b"one"))
        store.settle()
        with SqliteStore(path.with_name("other.db")) as other:
            other.commit(follow(other, person(2), b"two"))
        batch = follow(store, ANNA, b"two")
        path.rename(path.with_name("away.db"))
        if how == "exchanged":
            shutil.copy(path.with_name("other.db"), path)
        deeds: dict[str, Callable[[], object]] = {
            "write": lambda: store.commit(batch),
            "read": lambda: store.line(ANNA),
            "backup": lambda: store.backup(path.with_name("backup.db")),
        }
        with pytest.raises(StoreUnavailable):
            deeds[deed]()
        assert not path.with_name("backup.db").exists()
    if how == "exchanged":
        with SqliteStore(path) as store:
            assert list(store.people()) == [person(2)]
    else:
        assert not path.exists()


@pytest.fixture
def plain_user() -> Iterator[Path]:
    """A folder of somebody whom rights bind: root may write whatever it says."""
    folder = Path(tempfile.mkdtemp(prefix="gdprkit-rights-"))
    root = os.geteuid() == 0
    if root:
        os.chown(folder, NOBODY, -1)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


@pytest.mark.parametrize("what", ["file", "folder", "unreadable"])
def test_what_may_not_be_written_is_told(plain_user: Path, what: str) -> None:
    """Where file or folder is read-only a write is refused by type, and nothing is written."""
    path = plain_user / "people.db"
    with SqliteStore(path) as store:
        store.commit(follow(store, ANNA, b"one"))
    before = path.read_bytes()
    modes = {"file": (path, 0o400), "folder": (plain_user, 0o500), "unreadable": (path, 0)}
    changed, mode = modes[what]
    usual = changed.stat().st_mode
    changed.chmod(mode)
    try:
        with pytest.raises(StoreUnavailable), SqliteStore(path) as store:
            store.commit(follow(store, ANNA, b"two"))
        if what == "folder":
            with pytest.raises(StoreUnavailable):
                SqliteStore(plain_user / "new.db")
    finally:
        changed.chmod(usual)
    assert path.read_bytes() == before
    # SQLite leaves an empty log of a file that it may only read
    assert not [p for p in plain_user.iterdir() if p.name.endswith("-wal") and p.stat().st_size]
    assert not (plain_user / "new.db").exists()
