"""The commands: what they print where, and their exit codes."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from gdprkit import RecordKeeper, Register
from gdprkit.desk.cli import cli
from gdprkit.sealing.providers import MemoryProvider
from gdprkit.storage import SqliteStore

REGISTER = Path(__file__).parents[2] / "docs" / "examples" / "jot" / "register.toml"

ALTERED = (
    "UPDATE gdprkit_entry SET body = CAST(replace(CAST(body AS TEXT), 'contact-form', "
    "'contact-fprm') AS BLOB) WHERE rowid = 1"
)


def call(*words: str) -> tuple[int, str, str]:
    run = CliRunner().invoke(cli, list(words))
    return run.exit_code, run.stdout, run.stderr


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "people.db"
    with SqliteStore(path) as opened:
        keeper = RecordKeeper(
            Register.load(REGISTER),
            store=opened,
            keys=MemoryProvider(),
            clock=lambda: datetime(2026, 11, 2, 9, tzinfo=UTC),
        )
        for name in ("a", "b", "c"):
            keeper.add_person("consumer", {"email": f"{name}@example.com"}, source="contact-form")
    return path


def tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_help_and_version() -> None:
    """Help names the commands with an example, and the version is printed to standard output."""
    code, out, _ = call("--help")
    assert code == 0
    assert all(word in out for word in ("demo", "register", "trail", "Example"))
    code, out, _ = call("--version")
    assert code == 0
    assert out.startswith("gdprkit ")


def test_the_module_is_the_command() -> None:
    """``python -m gdprkit`` runs the same command, without colours where it is told so."""
    src = str(Path(__file__).parents[2] / "src")
    run = subprocess.run(
        [sys.executable, "-m", "gdprkit", "register", "check", str(REGISTER)],
        capture_output=True,
        check=True,
        text=True,
        env={"PYTHONPATH": src, "NO_COLOR": "1"},
    )
    assert run.stdout.strip() == f"{REGISTER}: no problems"
    assert "\x1b" not in run.stdout


def test_a_good_register_has_no_problems() -> None:
    """A register without mistakes gives exit code 0, as JSON too."""
    assert call("register", "check", str(REGISTER))[0] == 0
    code, out, _ = call("register", "check", "--json", str(REGISTER))
    assert code == 0
    assert json.loads(out) == {"file": str(REGISTER), "ok": True, "problems": []}


def test_mistakes_of_a_register_are_listed(tmp_path: Path) -> None:
    """Each mistake is printed with its path, and the exit code is 2."""
    broken = tmp_path / "broken.toml"
    text = REGISTER.read_text("utf-8").replace('basis = "contract"', 'basis = "contrct"')
    broken.write_text(text, "utf-8")
    code, out, _ = call("register", "check", str(broken))
    assert code == 2
    assert "customer-contract" in out
    code, out, _ = call("register", "check", str(broken), "--json")
    assert code == 2
    assert not json.loads(out)["ok"]
    assert len(json.loads(out)["problems"]) > 1


def test_a_register_that_is_not_there(tmp_path: Path) -> None:
    """A missing register is a problem with exit code 2, not a traceback."""
    code, out, _ = call("register", "check", str(tmp_path / "none.toml"))
    assert code == 2
    assert "1 problem" in out


def test_a_whole_trail_verifies_without_keys(store: Path) -> None:
    """Every line of a store verifies with no key at hand."""
    code, out, err = call("trail", "verify", str(store))
    assert code == 0
    assert out == "3 lines, 6 entries, 3 sealed values\nchain intact\n"
    assert "verifying" in err
    code, out, _ = call("trail", "verify", str(store), "--json")
    assert json.loads(out)["lines"] == 3


def test_another_tenant_has_its_own_lines(store: Path) -> None:
    """Only the named tenant's lines are verified."""
    code, out, _ = call("trail", "verify", str(store), "--tenant", "other")
    assert code == 0
    assert out.startswith("0 lines")


@pytest.mark.parametrize(
    "statements",
    [
        (
            "DROP TRIGGER gdprkit_entry_never_changes",
            ALTERED,
        ),
        (
            "DROP TRIGGER gdprkit_entry_stays",
            "DELETE FROM gdprkit_entry WHERE rowid = (SELECT max(rowid) FROM gdprkit_entry)",
        ),
        ("UPDATE gdprkit_value SET envelope = x'00' WHERE rowid = 1",),
        ("DELETE FROM gdprkit_value WHERE rowid = 1",),
    ],
)
def test_a_changed_trail_is_broken(store: Path, statements: tuple[str, ...]) -> None:
    """A changed or missing entry, and a changed or missing value, give exit code 4."""
    tamper(store, *statements)
    code, out, _ = call("trail", "verify", str(store))
    assert code == 4
    assert "1 line broken" in out
    assert "broken: the line of" in out


def test_what_is_no_store_is_left_alone(tmp_path: Path) -> None:
    """A missing file, an empty one and another file give exit code 2 and stay as they are."""
    missing, empty, other = tmp_path / "no.db", tmp_path / "empty.db", tmp_path / "other.db"
    empty.touch()
    other.write_text("something else entirely " * 40)
    before = other.read_bytes()
    assert call("trail", "verify", str(missing))[0] == 2
    assert call("trail", "verify", str(empty))[0] == 2
    code, _, err = call("trail", "verify", str(other))
    assert code == 2
    assert "is not a gdprkit store" in err
    assert not missing.exists()
    assert empty.stat().st_size == 0
    assert other.read_bytes() == before


def test_verifying_does_not_change_the_file(store: Path, tmp_path: Path) -> None:
    """Verification only reads."""
    copy = tmp_path / "copy.db"
    shutil.copy(store, copy)
    call("trail", "verify", str(store))
    with closing(sqlite3.connect(store)) as one, closing(sqlite3.connect(copy)) as two:
        assert list(one.iterdump()) == list(two.iterdump())
