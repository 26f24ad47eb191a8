"""A store of an earlier release becomes one of this release, or stays as it was to the byte."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from tests.storage.test_sqlite_backup import child, small_files

from gdprkit.errors import StoreBusy, StoreCorrupt, StoreUnavailable
from gdprkit.ledger.chain import verify_line
from gdprkit.storage import SqliteStore
from gdprkit.storage.schema import SCHEMA_VERSION
from gdprkit.testing.store_values import follow, person

GOLDEN = Path(__file__).parent / "golden" / "schema-1.db"
SRC = Path(__file__).parents[2] / "src"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store of schema 1."""
    path = tmp_path / "people.db"
    shutil.copy(GOLDEN, path)
    return path


def enlarge(path: Path, people: int) -> None:
    """Add fictional lines of two entries to a store of schema 1, as its release wrote them."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    connection.execute("PRAGMA temp_store = MEMORY")
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {people})"
    subject = "unhex_id(i)"
    connection.create_function("unhex_id", 1, lambda i: i.to_bytes(16, "big"), deterministic=True)
    connection.execute(
        "INSERT INTO gdprkit_line (tenant, subject, position, head, fold, state, wake_at, tags)"
        f" {numbers} SELECT 'big', {subject}, 2, zeroblob(32), 1, zeroblob(300), i, 'a b' FROM n"
    )
    for position in (1, 2):
        connection.execute(
            "INSERT INTO gdprkit_entry (tenant, subject, position, body, digest)"
            f" {numbers} SELECT 'big', {subject}, {position}, zeroblob(200), zeroblob(32) FROM n"
        )
    for tag in ("a", "b"):
        connection.execute(
            "INSERT INTO gdprkit_tag (tenant, subject, tag)"
            f" {numbers} SELECT 'big', {subject}, '{tag}' FROM n"
        )
    connection.execute("COMMIT")
    connection.close()


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    [(found,)] = connection.execute("PRAGMA user_version").fetchall()
    connection.close()
    return int(found)


def entries(path: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    found = connection.execute(
        "SELECT tenant, subject, position, body, digest, receipt FROM gdprkit_entry"
        " ORDER BY tenant, subject, position"
    ).fetchall()
    connection.close()
    return found


def check(path: Path) -> None:
    """Open a store, verify its lines, and write into it."""
    with SqliteStore(path) as store:
        for line in store.lines():
            verify_line("main", line.standing.about, line.entries, line.standing.head)
        store.commit(follow(store, person(1), b"later"))


def test_killed_at_any_moment_of_an_upgrade(
    old: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The next one finds the older tables or the new ones with every entry, and goes on."""
    enlarge(old, 5000)
    whole = entries(old)
    rounds = 60 if request.config.getoption("--long") else 5
    took, seen = 0.0, set()
    for number in range(rounds + 1):
        path = tmp_path / "copy.db"
        shutil.copy(old, path)
        process = child(UPGRADING, path)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        began = time.monotonic()
        if number:
            time.sleep(took * number / (rounds + 1))
            process.kill()
        assert process.wait() in {0, -signal.SIGKILL}
        process.stdout.close()
        took = took or time.monotonic() - began
        seen.add(version(path))
        assert entries(path) == whole
        check(path)
        assert version(path) == SCHEMA_VERSION
        for left in tmp_path.glob("copy.db*"):
            left.unlink()
    assert seen <= {1, SCHEMA_VERSION}


def test_killed_between_any_two_statements(old: Path, tmp_path: Path) -> None:
    """A process that dies right before a statement, or the commit, leaves the older store."""
    whole = entries(old)
    for number in (1, 8, 20, 32, 45):
        path = tmp_path / "copy.db"
        shutil.copy(old, path)
        process = child(DYING, path, number)
        assert process.wait() == -signal.SIGKILL
        assert process.stdout is not None
        process.stdout.close()
        assert version(path) == 1, number
        assert entries(path) == whole
        check(path)
        for left in tmp_path.glob("copy.db*"):
            left.unlink()


def test_two_processes_open_an_old_file_at_once(old: Path) -> None:
    """One upgrades, the other waits; both serve it, and nothing is done twice."""
    enlarge(old, 3000)
    whole = entries(old)
    processes = [child(UPGRADING, old) for _ in range(3)]
    for process in processes:
        assert process.wait() == 0
        assert process.stdout is not None
        process.stdout.close()
    assert entries(old) == whole
    check(old)


def test_who_waits_too_short_is_told(old: Path) -> None:
    """While another holds the file an upgrade is refused as busy, and nothing was changed."""
    holder = sqlite3.connect(old, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        SqliteStore(old, wait=0)
    holder.execute("ROLLBACK")
    holder.close()
    assert version(old) == 1
    check(old)


@pytest.mark.parametrize("mode", ["wal", "delete"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gdprkit_line SET head = x'00' WHERE rowid = 1",
        "INSERT INTO gdprkit_token VALUES ('main', x'00', x'01')",
        "INSERT INTO gdprkit_tag VALUES ('main', zeroblob(16), 'stray')",
        (
            "INSERT INTO gdprkit_entry (tenant, subject, position, body, digest)"
            " VALUES ('main', zeroblob(16), 1, x'01', zeroblob(32))"
        ),
        "DROP TABLE gdprkit_token",
        "DROP TRIGGER gdprkit_entry_stays",
        "ALTER TABLE gdprkit_token ADD COLUMN more TEXT",
        "UPDATE gdprkit_line SET wake_at = 'soon' WHERE rowid = 1",
    ],
)
def test_rows_that_break_the_new_tables_are_refused(old: Path, mode: str, statement: str) -> None:
    """It is told, shows nothing of the row, and the file stays as it was to the byte."""
    connection = sqlite3.connect(old)
    connection.execute(f"PRAGMA journal_mode = {mode}")
    connection.execute(statement)
    connection.commit()
    connection.close()
    before = old.read_bytes()
    for _ in range(2):
        with pytest.raises(StoreCorrupt) as caught:
            SqliteStore(old)
        assert "soon" not in str(caught.value)
        assert caught.value.__cause__ is None
    assert old.read_bytes() == before
    assert [found.name for found in old.parent.iterdir()] == ["people.db"]


def test_a_full_disk_leaves_the_older_store(old: Path) -> None:
    """Where there is no room for the new tables it is told; with room it goes on."""
    enlarge(old, 3000)
    before = old.read_bytes()
    with small_files(old.stat().st_size // 2), pytest.raises(StoreUnavailable):
        SqliteStore(old)
    assert old.read_bytes() == before
    check(old)


def test_an_old_programs_connection_goes_on(old: Path) -> None:
    """Who had it open before, with a log and a view of then, reads on and finds the new tables."""
    other = sqlite3.connect(old, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("UPDATE gdprkit_line SET fold = fold")
    other.execute("BEGIN")
    before = other.execute("SELECT count(*) FROM gdprkit_entry").fetchone()
    check(old)
    assert other.execute("SELECT count(*) FROM gdprkit_entry").fetchone() == before
    assert other.execute("PRAGMA user_version").fetchone() == (1,)
    other.execute("COMMIT")
    assert other.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert other.execute("SELECT count(*) FROM gdprkit_entry").fetchone() == (before[0] + 1,)
    with pytest.raises(sqlite3.IntegrityError):
        other.execute("DELETE FROM gdprkit_entry")
    other.close()
    check(old)


@pytest.mark.parametrize("people", [2_000, pytest.param(50_000, marks=pytest.mark.long)])
def test_a_big_store_is_upgraded_in_little_memory(old: Path, people: int) -> None:
    """Memory does not grow with the store: a process of few megabytes does it."""
    enlarge(old, people)
    whole = entries(old)
    process = child(MEASURED, old)
    out, _ = process.communicate()
    assert process.returncode == 0
    grown = int(out)
    assert grown < 24 * 1024, grown
    assert entries(old) == whole


def test_a_newer_store_is_refused_by_every_command(old: Path, tmp_path: Path) -> None:
    """Each command that takes a store says that gdprkit is to be upgraded, and changes nothing."""
    from click.testing import CliRunner

    from gdprkit import Keyring
    from gdprkit.desk.cli import cli

    register = SRC.parent / "docs" / "examples" / "jot" / "register.toml"
    connection = sqlite3.connect(old)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    Keyring.create(tmp_path / "root.key")
    (tmp_path / "ledger").touch()
    before = {found.name: found.read_bytes() for found in tmp_path.iterdir()}
    ring = ["--keyring", str(tmp_path / "root.key")]
    keeper = [*ring, "--register", str(register)]
    path, other = str(old), str(tmp_path / "other.db")
    commands = [
        *(["keys", word, path, *ring] for word in ("status", "rotate", "rewrap", "destroy")),
        ["trail", "verify", path],
        ["store", "backup", path, other],
        ["store", "restore", path, other],
        ["store", "replay", path, *keeper, "--ledger", str(tmp_path / "ledger")],
        ["store", "reindex", path, *keeper],
        ["store", "upgrade", path, "--backup", other],
    ]
    for command in commands:
        run = CliRunner().invoke(cli, command)
        assert run.exit_code == 2, command
        assert f"schema {SCHEMA_VERSION + 1}" in run.stderr, command
    assert {found.name: found.read_bytes() for found in tmp_path.iterdir()} == before


UPGRADING = """
import sys
from gdprkit.storage import SqliteStore
print("begun", flush=True)
SqliteStore(sys.argv[1]).close()
"""

DYING = """
import os, signal, sqlite3, sys
from gdprkit.storage import sqlite_schema
from gdprkit.storage.schema import MIGRATIONS
from gdprkit.storage import SqliteStore

class Dying:
    def __init__(self, connection):
        self._connection, self._left = connection, int(sys.argv[2])

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def execute(self, statement):
        self._left -= 1
        if not self._left or statement == "COMMIT":
            os.kill(os.getpid(), signal.SIGKILL)
        return self._connection.execute(statement)

from gdprkit.storage import sqlite_file
sqlite_file.migrate = lambda connection: sqlite_schema.migrate(Dying(connection))
SqliteStore(sys.argv[1])
"""

MEASURED = """
import resource, sys
from gdprkit.storage import MemoryStore, SqliteStore
def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
from gdprkit.storage.sqlite_file import SqliteFile
before = most()
SqliteStore(sys.argv[1]).close()
print(most() - before)
"""
