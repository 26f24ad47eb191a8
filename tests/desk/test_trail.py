"""Tampering is found and named, with a checkpoint and without, and what is lawful is let pass."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.desk.trails import (
    ANNA,
    BO,
    CARL,
    DORA,
    EVA,
    MARK,
    STOP,
    call,
    fill,
    grow,
    of,
    populate,
    rewrite,
    tamper,
    told,
)

import gdprkit
from gdprkit import RecordKeeper, Register, retention
from gdprkit.errors import InvalidValue
from gdprkit.sealing.providers import MemoryProvider
from gdprkit.storage import SqliteStore
from gdprkit.testing.store_values import follow, line_tombstone, person

PURE = ("newsletter", "email", "objection", "subject")


REGISTER = Path(__file__).parents[2] / "docs" / "examples" / "jot" / "register.toml"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "people.db"
    fill(path)
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    assert call("key", tmp_path / "signing.key")[0] == 0
    return tmp_path / "signing.key"


@pytest.fixture
def public(key: Path) -> Path:
    return key.with_name("signing.key.pub")


@pytest.fixture
def signed(store: Path, key: Path) -> Path:
    """The first checkpoint of the store."""
    code, body = told("checkpoint", store, "--key", key)
    assert code == 0, body
    return Path(body["checkpoint"])


def test_a_checkpoint_counts_everything(store: Path, signed: Path, public: Path) -> None:
    """Lines, expunged lines, tombstones and suppressions are signed, and the store fits them."""
    assert signed.parent == store.with_name("people.db.checkpoints")
    code, body = told("verify", store, "--public-key", public)
    assert (code, body["checkpoints"], body["lines"], body["broken"]) == (0, [1], 4, [])
    code, body = told("verify-export", signed, "--public-key", public)
    assert (code, body["leaves"], body["entries"], body["number"]) == (0, 4 + 1 + 1 + 3, 0, 1)


def test_what_may_happen_may_happen(store: Path, signed: Path, public: Path, key: Path) -> None:
    """Growth, an erasure, an expunged line and a renewed stop fit an old checkpoint."""
    grow(store)
    code, body = told("verify", store, "--public-key", public, "--checkpoint", signed)
    assert (code, body["broken"]) == (0, [])
    assert told("checkpoint", store, "--key", key)[1]["leaves"] == {
        "line": 4,
        "expunged": 2,
        "tombstone": 2,
        "suppression": 4,
    }
    grown = told("verify", store, "--public-key", public)
    assert (grown[0], grown[1]["checkpoints"]) == (0, [1, 2])


BROKEN = f"the line of {BO} is broken at position"
UNREADABLE = (
    "rows of kind {} cannot be read and are not what checkpoints saw: the database reports a row "
    "that no gdprkit of this version has written"
)
SET_BACK = "was set back to an earlier moment than checkpoint 1 saw"

CHANGED = f"UPDATE gdprkit_entry SET body = x'41' WHERE {of(BO)} AND position = 2"
DROPPED = f"DELETE FROM gdprkit_entry WHERE {of(BO)} AND position = 2"
CUT = f"DELETE FROM gdprkit_entry WHERE {of(BO)} AND position > 2"
SWAPPED = tuple(
    f"UPDATE gdprkit_entry SET position = {after} WHERE {of(BO)} AND position = {before}"
    for before, after in ((2, 99), (3, 2), (99, 3))
)
BACK = (
    "UPDATE gdprkit_line SET position = 2, head = (SELECT digest FROM gdprkit_entry e"
    f" WHERE e.subject = gdprkit_line.subject AND e.position = 2) WHERE {of(BO)}"
)
CLOSED_UP = (
    DROPPED,
    f"UPDATE gdprkit_entry SET position = -position WHERE {of(BO)} AND position > 2",
    f"UPDATE gdprkit_entry SET position = -1 - position WHERE {of(BO)} AND position < 0",
)


@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize(
    ("statements", "position", "problem"),
    [
        ((CHANGED,), 2, "the entry was changed"),
        ((CHANGED.replace("body = x'41'", "digest = zeroblob(32)"),), 2, "the entry was changed"),
        ((DROPPED,), 2, "an entry is missing"),
        (("PRAGMA ignore_check_constraints = ON", *CLOSED_UP), 2, "an entry before it is missing"),
        (SWAPPED, 2, "the entries were reordered"),
        ((CUT,), 3, "the line was cut short: it is recorded to end at position 4"),
        ((BACK,), 3, "entries follow the recorded head"),
        (
            (f"UPDATE gdprkit_line SET head = zeroblob(32) WHERE {of(BO)}",),
            5,
            "does not end with the recorded head",
        ),
        (
            (f"UPDATE gdprkit_line SET position = 3 WHERE {of(BO)}",),
            4,
            "the line is recorded to end at position 3",
        ),
    ],
)
def test_what_the_chain_tells_by_itself(
    store: Path,
    signed: Path,
    public: Path,
    statements: tuple[str, ...],
    position: int,
    problem: str,
    checkpoint: bool,
) -> None:
    """A changed, dropped, reordered or cut line is named once, with and without a checkpoint."""
    tamper(store, *statements)
    more = ("--public-key", public) if checkpoint else ()
    code, body = told("verify", store, *more)
    assert code == 4
    [broken] = body["broken"]
    assert broken.startswith(f"the line of {BO} is broken at position {position}: ")
    assert problem in broken
    deep = told("verify", store, "--deep", *more)[1]["broken"]
    assert [one for one in deep if str(BO) in one] == [broken]


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (
            (BACK, CUT),
            (f"{BROKEN} 3: checkpoint 1 saw it go on to position 4: it was cut short"),
        ),
        (
            (
                f"DELETE FROM gdprkit_entry WHERE {of(BO)}",
                f"DELETE FROM gdprkit_line WHERE {of(BO)}",
            ),
            (f"{BROKEN} 4: checkpoint 1 saw the line and it is gone, without a tombstone"),
        ),
        (
            (
                (
                    "INSERT INTO gdprkit_expunged SELECT tenant, subject, 2, head, 5"
                    f" FROM gdprkit_line WHERE {of(BO)}"
                ),
                f"DELETE FROM gdprkit_entry WHERE {of(BO)}",
                f"DELETE FROM gdprkit_line WHERE {of(BO)}",
            ),
            (
                f"{BROKEN} 4: checkpoint 1 saw it go on to position 4 "
                "and the tombstone of the expunged line says 2"
            ),
        ),
        (
            (
                (
                    f"INSERT INTO gdprkit_expunged SELECT tenant, subject, 4, zeroblob(32), 5"
                    f" FROM gdprkit_line WHERE {of(BO)}"
                ),
                f"DELETE FROM gdprkit_entry WHERE {of(BO)}",
                f"DELETE FROM gdprkit_line WHERE {of(BO)}",
            ),
            (
                f"{BROKEN} 4: the tombstone of the expunged line is not "
                "of the line that checkpoint 1 saw"
            ),
        ),
        (
            ("DELETE FROM gdprkit_expunged",),
            f"the tombstone of the expunged line of {EVA} is gone: checkpoint 1 saw it",
        ),
        (
            ("UPDATE gdprkit_expunged SET at = at + 1",),
            f"the tombstone of the expunged line of {EVA} is not what checkpoint 1 saw",
        ),
        (
            ("DELETE FROM gdprkit_tombstone",),
            f"the tombstone of the erased person of mark {MARK.hex()} is gone: checkpoint 1 saw it",
        ),
        (
            ("UPDATE gdprkit_tombstone SET reference = 'case 2'",),
            f"the tombstone of the erased person of mark {MARK.hex()} is not what checkpoint 1 saw",
        ),
        (
            ("DELETE FROM gdprkit_suppression WHERE channels = 'sms'",),
            (
                f"the suppression of hash {STOP.hex()} (sms, objection, subject) is gone: "
                "checkpoint 1 saw it"
            ),
        ),
        (
            ("UPDATE gdprkit_suppression SET since = since - 1 WHERE purpose = 'newsletter'",),
            (f"the suppression of hash {STOP.hex()} ({', '.join(PURE)}) {SET_BACK}"),
        ),
        (
            ("UPDATE gdprkit_suppression SET channels = 'fax' WHERE channels = 'sms'",),
            UNREADABLE.format("suppression"),
        ),
        (
            ("UPDATE gdprkit_tombstone SET reason = 'no reason of ours'",),
            UNREADABLE.format("tombstone"),
        ),
        (
            ("UPDATE gdprkit_expunged SET at = -9223372036854775808",),
            UNREADABLE.format("expunged"),
        ),
    ],
)
def test_what_only_a_checkpoint_tells(
    store: Path, signed: Path, public: Path, key: Path, statements: tuple[str, ...], problem: str
) -> None:
    """What leaves a consistent store passes without a checkpoint and is named with it."""
    tamper(store, *statements)
    assert call("verify", store)[0] == 0
    code, body = told("verify", store, "--public-key", public)
    assert code == 4
    [broken] = body["broken"]
    assert broken.partition(";")[0] == problem
    code, out, _ = call("verify", store, "--public-key", public)
    assert f"broken: {broken}\n1 finding\n" in out
    refused = told("checkpoint", store, "--key", key)
    assert (refused[0], refused[1]["checkpoint"], refused[1]["broken"]) == (4, None, [broken])
    assert len(list(signed.parent.iterdir())) == 1


def test_a_store_rewritten_whole(store: Path, signed: Path, public: Path, tmp_path: Path) -> None:
    """A consistent store of other entries passes alone; an exported checkpoint names everybody."""
    kept = tmp_path / "elsewhere.jsonl"
    signed.rename(kept)
    rewrite(store, b"another", b"past", b"from", b"the", b"start")
    assert call("verify", store)[0] == 0
    code, body = told("verify", store, "--checkpoint", kept, "--public-key", public)
    assert code == 4
    assert [told.split(" is broken")[0] for told in body["broken"]] == [
        f"the line of {about}" for about in (ANNA, BO, CARL, DORA)
    ]
    assert all("not what checkpoint 1 saw: it was rewritten" in one for one in body["broken"])


def test_a_new_store_in_the_place_of_the_old(
    store: Path, signed: Path, public: Path, tmp_path: Path
) -> None:
    """Another store under the same name lacks everybody, which the checkpoint tells."""
    store.unlink()
    with SqliteStore(store) as opened:
        opened.commit(follow(opened, person(77), b"somebody"))
    assert call("verify", store)[0] == 0
    code, body = told("verify", store, "--public-key", public)
    assert code == 4
    assert sum("is gone" in one for one in body["broken"]) == 4 + 1 + 1 + 3


def test_a_line_that_came_back(store: Path, signed: Path) -> None:
    """A line that is there although it was expunged is told without any checkpoint."""
    tamper(
        store,
        f"INSERT INTO gdprkit_expunged SELECT tenant, subject, 4, head, 5 FROM gdprkit_line"
        f" WHERE {of(BO)}",
    )
    code, body = told("verify", store)
    assert (code, body["broken"]) == (4, [f"the line of {BO} was expunged and is there again"])


@pytest.mark.parametrize(
    "statement",
    [CHANGED, f"DELETE FROM gdprkit_line WHERE {of(BO)}"],
)
def test_nothing_broken_is_signed(store: Path, key: Path, statement: str) -> None:
    """A store that does not verify gets no checkpoint, and the finding is told."""
    tamper(store, statement)
    code, out, _ = call("checkpoint", store, "--key", key)
    assert code == 4
    assert out.startswith("nothing was signed\nbroken: the line of ")
    assert list(store.with_name("people.db.checkpoints").iterdir()) == []


def test_an_empty_store(tmp_path: Path, key: Path, public: Path) -> None:
    """A store without anybody can be signed, and what comes later fits that."""
    path = tmp_path / "empty.db"
    SqliteStore(path).close()
    code, body = told("checkpoint", path, "--key", key)
    assert (code, set(body["leaves"].values())) == (0, {0})
    assert told("verify", path, "--public-key", public)[0] == 0
    populate(path)
    code, body = told("verify", path, "--public-key", public)
    assert (code, body["lines"]) == (0, 4)


def test_expunged_after_the_checkpoint(store: Path, signed: Path, public: Path) -> None:
    """A line expunged since verifies when its tombstone stands where the checkpoint saw the end."""
    with SqliteStore(store) as opened:
        opened.expunge(BO, line_tombstone(opened, BO))
    assert told("verify", store, "--public-key", public)[1]["broken"] == []


def test_an_old_checkpoint_speaks_beside_a_new_one(
    store: Path, signed: Path, public: Path, key: Path, tmp_path: Path
) -> None:
    """Each checkpoint given is held against the store, also one that a forger signed over."""
    old = tmp_path / "old.jsonl"
    signed.rename(old)
    tamper(store, "DELETE FROM gdprkit_suppression WHERE channels = 'sms'")
    assert told("checkpoint", store, "--key", key)[0] == 0
    both = ("--checkpoint", old, "--checkpoint", signed.parent)
    code, body = told("verify", store, *both, "--public-key", public)
    assert code == 4
    assert any("is another checkpoint 1" in one for one in body["broken"])
    assert any("(sms, objection, subject) is gone" in one for one in body["broken"])


def test_an_erased_person_and_an_expunged_line_still_verify(
    tmp_path: Path, key: Path, public: Path
) -> None:
    """People whom the keeper erases, or whose line ends, fit the checkpoint of before."""
    path, now = tmp_path / "kept.db", [datetime(2026, 11, 2, 9, tzinfo=UTC)]
    with SqliteStore(path) as opened:
        keeper = RecordKeeper(
            Register.load(REGISTER), store=opened, keys=MemoryProvider(), clock=lambda: now[0]
        )
        ida, paul, olli = (
            keeper.add_person("consumer", {"email": f"{name}@example.com"}, source="contact-form")
            for name in ("ida", "paul", "olli")
        )
        assert told("checkpoint", path, "--key", key)[0] == 0
        now[0] += timedelta(days=1)
        plan = keeper.plan(ida, retention.erasure(reason="unlawful", reference="case 7"))
        assert keeper.apply(plan, approve=plan.digest).person_erased
        opened.expunge(paul, line_tombstone(opened, paul))
        assert list(keeper.people()) == sorted([ida, olli])
    code, body = told("verify", path, "--deep", "--public-key", public)
    assert (code, body["lines"], body["values"], body["broken"]) == (0, 2, 1, [])
    code, body = told("checkpoint", path, "--key", key)
    assert (code, body["number"]) == (0, 2)
    assert body["leaves"]["line"] == 2
    assert body["leaves"]["expunged"] == body["leaves"]["tombstone"] == 1
    assert call("export", path, "--out", tmp_path / "e.jsonl")[0] == 0
    assert told("verify-export", tmp_path / "e.jsonl", "--public-key", public)[1]["broken"] == []


def test_a_checkpoint_killed_on_the_way(store: Path, key: Path, public: Path) -> None:
    """A process that dies before the file has its name leaves no checkpoint."""
    code = (
        "import os, sys, gdprkit.desk.trail_files as files\n"
        "from gdprkit.desk.cli import cli\n"
        "files.os.fsync = lambda _: os.kill(os.getpid(), 9)\n"
        "cli(sys.argv[1:])"
    )
    words = ["trail", "checkpoint", str(store), "--key", str(key)]
    env = {"PYTHONPATH": str(Path(gdprkit.__file__).parents[1])}
    died = subprocess.run([sys.executable, "-c", code, *words], check=False, env=env)
    assert died.returncode == -9
    folder = store.with_name("people.db.checkpoints")
    assert list(folder.glob("*.jsonl")) == []
    assert told("checkpoint", store, "--key", key)[1]["number"] == 1
    assert told("verify", store, "--public-key", public)[0] == 0


def test_more_checkpoints_than_files_may_be_open(
    store: Path, signed: Path, public: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long chain of checkpoints is held in parts, and each of them speaks."""
    for _ in range(4):
        assert call("checkpoint", store, "--key", key)[0] == 0
    monkeypatch.setattr("gdprkit.desk.trail_checkpoint._AT_ONCE", 2)
    code, body = told("verify", store, "--public-key", public)
    assert (code, body["checkpoints"], body["lines"]) == (0, [1, 2, 3, 4, 5], 4)
    tamper(store, "DELETE FROM gdprkit_tombstone")
    code, body = told("verify", store, "--public-key", public)
    assert code == 4
    assert [one.rpartition(" is gone: ")[2] for one in body["broken"]] == [
        f"checkpoint {number} saw it"
        for number in (1, 3, 5)  # the first of each part
    ]


def test_checkpoints_that_nobody_looks_at_are_told(store: Path, signed: Path) -> None:
    """Whoever verifies without a public key hears that there are checkpoints."""
    code, out, err = call("verify", store)
    assert (code, out) == (0, "4 lines, 18 entries\nchain intact\n")
    assert "checkpoints are beside the store: --public-key holds it to them" in err


def test_a_key_without_its_public_half_is_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the public key cannot be written, the signing key is taken back."""

    def failing(*_: object) -> None:
        raise InvalidValue("file", "cannot be written", "name another")

    monkeypatch.setattr("gdprkit.desk.trail_cli.write_new", failing)
    assert call("key", tmp_path / "signing.key")[0] == 2
    assert list(tmp_path.iterdir()) == []
