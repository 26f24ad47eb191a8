"""The commands: what they print where, and their exit codes."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner
from tests.guards import guards_off

from gdprkit import RecordKeeper, Register, data, retention
from gdprkit.desk.cli import cli
from gdprkit.desk.trail import verify_trail
from gdprkit.desk.trail_chains import TrailReport
from gdprkit.sealing.providers import MemoryProvider
from gdprkit.storage import SqliteStore
from gdprkit.storage.protocol import Store, StoredEntry
from gdprkit.words.identifiers import SubjectId

REGISTER = Path(__file__).parents[2] / "docs" / "examples" / "jot" / "register.toml"

PROVIDER = MemoryProvider()

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
            keys=PROVIDER,
            clock=lambda: datetime(2026, 11, 2, 9, tzinfo=UTC),
        )
        for name in ("a", "b", "c"):
            keeper.add_person("consumer", {"email": f"{name}@example.com"}, source="contact-form")
    return path


def tamper(path: Path, *statements: str) -> None:
    with guards_off(path) as connection:
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
    assert out == "3 lines, 6 entries\nchain intact\n"
    out = call("trail", "verify", str(store), "--deep")[1]
    assert out == "3 lines, 6 entries, 3 sealed values\nchain intact\n"
    assert "verifying" in err
    code, out, _ = call("trail", "verify", str(store), "--json")
    assert json.loads(out)["lines"] == 3


def test_a_tenant_without_lines_is_told(store: Path) -> None:
    """Nothing verified is no success: the tenants of the file are named, and the exit code is 2."""
    code, out, err = call("trail", "verify", str(store), "--tenant", "other")
    assert code == 2
    assert out == ""
    assert "no lines of tenant other; the file holds: main" in err
    code, out, _ = call("trail", "verify", str(store), "--tenant", "other", "--json")
    assert code == 2
    assert json.loads(out)["error"] == "no lines of tenant other; the file holds: main"
    assert not json.loads(out)["ok"]


def test_an_empty_store_has_no_lines(tmp_path: Path) -> None:
    """A store nobody is in verifies nothing, which is told."""
    path = tmp_path / "people.db"
    SqliteStore(path).close()
    code, _, err = call("trail", "verify", str(path))
    assert code == 2
    assert "no lines of tenant main; the file holds: no lines at all" in err


def test_only_the_lines_of_the_tenant_are_verified(store: Path) -> None:
    """Damage in another tenant's line is not this one's."""
    with SqliteStore(store, tenant="other") as opened:
        keeper = RecordKeeper(
            Register.load(REGISTER),
            store=opened,
            keys=MemoryProvider(),
            clock=lambda: datetime(2026, 11, 2, 9, tzinfo=UTC),
        )
        keeper.add_person("consumer", {"email": "d@example.com"}, source="contact-form")
    tamper(store, "DELETE FROM gdprkit_value WHERE tenant = 'main'")
    assert call("trail", "verify", "--deep", str(store), "--tenant", "other")[0] == 0
    assert call("trail", "verify", "--deep", str(store))[0] == 4


@pytest.mark.parametrize(
    "statements",
    [
        (ALTERED,),
        ("DELETE FROM gdprkit_entry WHERE rowid = (SELECT max(rowid) FROM gdprkit_entry)",),
        ("UPDATE gdprkit_value SET envelope = x'00' WHERE rowid = 1",),
        ("DELETE FROM gdprkit_value WHERE rowid = 1",),
    ],
)
def test_a_changed_trail_is_broken(store: Path, statements: tuple[str, ...]) -> None:
    """A changed or missing entry, and a changed or missing value, give exit code 4."""
    tamper(store, *statements)
    code, out, _ = call("trail", "verify", "--deep", str(store))
    assert code == 4
    assert "1 line broken" in out
    assert "broken: the line of" in out


ONE = "(SELECT min(subject) FROM gdprkit_line)"
OTHER_STATE = (
    "UPDATE gdprkit_line SET state = (SELECT state FROM gdprkit_line ORDER BY subject DESC LIMIT 1)"
    f" WHERE subject = {ONE}"
)


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        ((OTHER_STATE,), "the stored standing is not the fold of the line"),
        (
            (f"UPDATE gdprkit_line SET state = x'7b7d' WHERE subject = {ONE}",),
            "the stored standing is not the fold of the line",
        ),
        (
            (f"UPDATE gdprkit_line SET state = x'ff' WHERE subject = {ONE}",),
            "the stored standing is not the fold of the line",
        ),
        (
            (f"UPDATE gdprkit_line SET position = 7 WHERE subject = {ONE}",),
            "the line is recorded to end at position 7",
        ),
        (
            (f"DELETE FROM gdprkit_key WHERE subject = {ONE}",),
            "1 value without key or tombstone",
        ),
        (
            (f"INSERT INTO gdprkit_value SELECT 'main', {ONE}, randomblob(16), x'00'",),
            "1 value in the vault that no entry accounts for",
        ),
        (
            (f"DELETE FROM gdprkit_line WHERE subject = {ONE}",),
            "is gone and left 2 entries, 1 value, 1 key",
        ),
        (
            (
                f"DELETE FROM gdprkit_value WHERE subject = {ONE}",
                f"DELETE FROM gdprkit_key WHERE subject = {ONE}",
                f"DELETE FROM gdprkit_line WHERE subject = {ONE}",
            ),
            "is gone and left 2 entries",
        ),
    ],
)
def test_rows_that_do_not_fit_the_line_are_told(
    store: Path, statements: tuple[str, ...], problem: str
) -> None:
    """A changed standing, a key or a line that was taken out, a value too many: exit code 4."""
    tamper(store, *statements)
    code, out, _ = call("trail", "verify", "--deep", str(store))
    assert code == 4
    assert problem in out
    assert "1 line broken" in out
    assert json.loads(call("trail", "verify", "--deep", str(store), "--json")[1])["error"] is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gdprkit_tag SET tag = 'status:nne' WHERE tag LIKE 'status:%'",
        "DELETE FROM gdprkit_tag WHERE tag LIKE 'status:%'",
        "UPDATE gdprkit_line SET tags = tags || ' hold'",
    ],
)
def test_people_tagged_otherwise_than_their_lines_say_are_told(store: Path, statement: str) -> None:
    """A tag that was changed, taken out or put in would leave somebody out of a sweep: code 4."""
    tamper(store, statement)
    code, out, _ = call("trail", "verify", str(store))
    assert code == 4
    assert "tagged" in out


def test_all_lines_taken_out_are_missed(store: Path) -> None:
    """Without any line row the entries still tell that there were some."""
    tamper(store, "DELETE FROM gdprkit_line")
    code, out, _ = call("trail", "verify", "--deep", str(store))
    assert code == 4
    assert out.startswith("0 lines, 0 entries")
    assert "3 lines broken" in out


def test_a_trigger_of_somebody_else_is_told(store: Path) -> None:
    """What takes each new stop out again by itself leaves chains whole, and is a finding."""
    tamper(
        store,
        "CREATE TRIGGER silent AFTER INSERT ON gdprkit_suppression"
        " BEGIN DELETE FROM gdprkit_suppression WHERE rowid = NEW.rowid; END",
    )
    code, out, _ = call("trail", "verify", str(store))
    assert code == 4
    assert "a trigger that is not gdprkit's acts on gdprkit_suppression: 'silent'" in out


def test_a_standing_of_another_fold_is_not_compared(store: Path) -> None:
    """What another version of the folding code made is folded anew when it is read."""
    tamper(store, OTHER_STATE, "UPDATE gdprkit_line SET fold = fold + 1")
    assert call("trail", "verify", "--deep", str(store))[0] == 0


def test_an_erased_person_has_no_key(store: Path) -> None:
    """A key that came back after the erasure, from a backup say, is told."""
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute("SELECT * FROM gdprkit_key").fetchall()
    with SqliteStore(store) as opened:
        keeper = RecordKeeper(
            Register.load(REGISTER),
            store=opened,
            keys=PROVIDER,
            clock=lambda: datetime(2026, 11, 3, 9, tzinfo=UTC),
        )
        about = next(keeper.people())
        plan = keeper.plan(about, retention.erasure(reason="unlawful", reference="R-1"))
        assert keeper.apply(plan, approve=plan.digest).person_erased
    assert call("trail", "verify", "--deep", str(store))[0] == 0
    with closing(sqlite3.connect(store)) as connection, connection:
        [row] = [row for row in rows if row[1] == about.bytes]
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO gdprkit_key VALUES ({marks})", row)
    code, out, _ = call("trail", "verify", "--deep", str(store))
    assert code == 4
    assert "the person was erased and the key is there" in out


def test_a_line_written_to_meanwhile_is_looked_at_again(store: Path) -> None:
    """Somebody who writes while the trail is verified breaks nothing."""
    with SqliteStore(store) as opened:
        keeper = RecordKeeper(
            Register.load(REGISTER),
            store=opened,
            keys=PROVIDER,
            clock=lambda: datetime(2026, 11, 3, 9, tzinfo=UTC),
        )
        waiting = list(keeper.people())

        class Busy:
            """Reads as the store does; before a line is read for the first time it grows."""

            tenant, people, standing = opened.tenant, opened.people, opened.standing
            keys, values = opened.keys, opened.values

            def line(self, about: SubjectId) -> Sequence[StoredEntry]:
                if about in waiting:
                    waiting.remove(about)
                    keeper.record(about, data.note("adult"))
                return opened.line(about)

        found = verify_trail(cast("Store", Busy()), store)
    assert found == TrailReport(lines=3, entries=9, values=3)
    assert waiting == []


@pytest.mark.parametrize("content", [None, b"", b"something else entirely " * 40])
def test_what_is_no_store_is_told_as_json(tmp_path: Path, content: bytes | None) -> None:
    """With ``--json`` a missing, an empty and another file are told on standard output too."""
    path = tmp_path / "people.db"
    if content is not None:
        path.write_bytes(content)
    code, out, err = call("trail", "verify", str(path), "--json")
    assert code == 2
    assert err == ""
    told = json.loads(out)
    assert (told["store"], told["ok"], told["lines"]) == (str(path), False, 0)
    assert told["error"] in call("trail", "verify", str(path))[2]
    assert path.exists() is (content is not None)


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
