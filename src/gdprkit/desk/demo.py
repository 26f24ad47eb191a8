"""The demo: a file of contacts through the whole life of a register, in one SQLite file.

Decides the order of the story; the chapters stand in ``chapters`` and ``lives``. Always true: a
claim is told only after it was checked, against something else than the keeper's own word: SQL on
the file, the contacts as the file has them, or the bytes on disk. The clock is fixed, so each run
tells the same figures; ids and keys are random.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final, final

import attrs

from gdprkit.acts import marketing
from gdprkit.desk import chapters, lives
from gdprkit.desk.claims import Claim, Claims, counts
from gdprkit.desk.examples import example, generator
from gdprkit.desk.papers import SEVERAL
from gdprkit.desk.stage import Run, Talk
from gdprkit.desk.trail import verify_trail
from gdprkit.errors import InvalidValue
from gdprkit.keeper.keeper import RecordKeeper
from gdprkit.register.register import Register
from gdprkit.sealing.providers import Keyring
from gdprkit.storage import SqliteStore

__all__ = ["LEAST", "PEOPLE", "Result", "prepare_folder", "run_demo"]

PEOPLE: Final = 1000
"""Rows of the committed file of contacts."""

LEAST: Final = 200
"""The fewest rows that hold every situation the story tells."""

_MARK: Final = ".gdprkit-demo"
_PAPERS: Final = (
    "contacts.csv",
    "people.db",
    "people.db-wal",
    "people.db-shm",
    "root.key",
    "import-report.txt",
    "decisions.txt",
    "plan-first.txt",
    "plan-first.json",
    "plan-second.txt",
    "plan-second.json",
    "deadline.txt",
    "erasure-receipt.txt",
    "summary.json",
    "bundle/data.json",
    "bundle/answer.md",
    "bundle/manifest.sha256",
)


@final
@attrs.frozen(kw_only=True)
class Result:
    """What a run ended with: its figures, and every claim with its check."""

    figures: dict[str, object]
    claims: tuple[Claim, ...]

    @property
    def ok(self) -> bool:
        """Whether every claim held."""
        return bool(self.claims) and all(claim.ok for claim in self.claims)


def prepare_folder(out: Path) -> None:
    """Make *out* ready: new, empty, or an earlier run, whose papers are removed.

    Raises:
        InvalidValue: *out* is a file, or holds something that is not a run of the demo.
    """
    if out.exists() and not out.is_dir():
        raise InvalidValue("out", "is a file", "name a folder")
    marked = (out / _MARK).is_file()
    if out.is_dir() and any(out.iterdir()) and not marked:
        raise InvalidValue(
            "out", "holds files that no demo has written", "name an empty or a new folder"
        )
    out.mkdir(parents=True, exist_ok=True)
    for name in _PAPERS:
        (out / name).unlink(missing_ok=True)
    (out / _MARK).write_text("the papers of gdprkit demo; a new run replaces them\n", "utf-8")


def run_demo(
    out: Path,
    talk: Talk,
    *,
    people: int = PEOPLE,
    tell: Callable[[Claim], None] = lambda _: None,
) -> Result:
    """Run the whole story into the folder *out*.

    Args:
        out: Made ready by ``prepare_folder``.
        talk: Where progress goes.
        people: Rows of contacts; any other number than the committed file's is made anew.
        tell: Called with each claim once it was checked.

    Raises:
        InvalidValue: fewer rows than the story needs.
    """
    if people < LEAST:
        raise InvalidValue("people", "are too few for the story", f"use {LEAST} or more")
    contacts = out / "contacts.csv"
    _write_contacts(contacts, people, talk)
    now = [datetime(2026, 11, 2, 9, tzinfo=UTC)]
    with example("register.toml") as path:
        register = Register.load(path)
    Keyring.create(out / "root.key")
    store, keeper = _open(out, register, now)
    run = Run(
        out=out,
        contacts=contacts,
        rows=people,
        store=store,
        keeper=keeper,
        now=now,
        imported=now[0],
        claims=Claims(tell),
        talk=talk,
    )
    try:
        _story(run)
        _reopen(run, register)
    finally:
        run.store.close()
    return _summary(run)


def _write_contacts(path: Path, people: int, talk: Talk) -> None:
    if people == PEOPLE:
        with example("contacts.csv") as committed:
            path.write_bytes(committed.read_bytes())
        return
    with (
        generator() as module,
        talk.step("making contacts"),
        path.open("w", encoding="utf-8", newline="") as file,
    ):
        module.write(file, people)


def _open(out: Path, register: Register, now: list[datetime]) -> tuple[SqliteStore, RecordKeeper]:
    store = SqliteStore(out / "people.db")
    keys = Keyring.from_file(out / "root.key")
    return store, RecordKeeper(register, store=store, keys=keys, clock=lambda: now[0])


def _story(run: Run) -> None:
    chapters.import_everybody(run)
    chapters.tell(run)
    lives.consents(run)
    chapters.decide(run)
    run.now[0] = datetime(2026, 11, 3, 9, tzinfo=UTC)
    chapters.connections_end(run)
    held = chapters.hold_one(run)
    chapters.sweep(run, "first")
    run.now[0] = datetime(2026, 12, 7, 9, tzinfo=UTC)
    chapters.release(run, held)
    chapters.ends_that_came(run)
    chapters.sweep(run, "second")
    lives.objection(run)
    lives.access(run)
    lives.erasure(run)
    _verify(run)


def _verify(run: Run) -> None:
    with run.talk.step("verifying every line", run.done["people"]) as advance:
        trail = verify_trail(run.store, run.file, progress=advance)
    found = counts(run.file)
    claims = run.claims
    claims.holds(
        "every line verifies against its head and its standing",
        not trail.broken,
        "; ".join(trail.broken[:3]),
    )
    claims.equal("everybody was verified", trail.lines, run.done["people"])
    claims.equal("and SQL counts as many people", trail.lines, found["people"])
    claims.equal("every entry was verified", trail.entries, found["entries"])
    claims.equal("and the positions add up to them", trail.entries, found["positions"])
    claims.equal("every sealed value is the one its entry names", trail.values, found["values"])
    claims.equal(
        "and as many as were put in and not taken out", run.done["values"], found["values"]
    )
    claims.equal(
        "moved people in the register now", run.done["moved"], found["tag:status:marketing"]
    )
    claims.equal("moves recorded as facts", run.done["moved"] + 1, found["fact:moved-to-marketing"])
    claims.equal("erasures recorded as facts", run.done["erased"], found["fact:person-erased"])
    claims.equal(
        "whoever counts as erased has a tombstone",
        found["tag:status:erased"],
        found["tombstones"],
    )
    claims.equal("stopped contact points", len(run.stopped), found["suppressed"])


def _answers(run: Run) -> list[str]:
    """Return what the register says about the first people of the file, in words."""
    question = marketing.may_contact(channel="email", purpose="direct-marketing")
    people = islice(run.people(lambda _: True), 50)
    return [run.keeper.ask(about, question).explain() for _, about, _ in people]


def _reopen(run: Run, register: Register) -> None:
    before, counted = _answers(run), counts(run.file)
    run.store.close()
    run.store, run.keeper = _open(run.out, register, run.now)
    same = bool(before) and _answers(run) == before
    run.claims.holds(f"reopened, {len(before)} answers are word for word the same", same)
    run.claims.holds("and not one row has changed", counts(run.file) == counted)


def _summary(run: Run) -> Result:
    rows = ("people", "entries", "values", "keys", "tombstones", "suppressed")
    found = counts(run.file)
    run.figures["in the file"] = {name: found[name] for name in rows}
    run.figures["people by status"] = {
        name.removeprefix("tag:status:"): number
        for name, number in sorted(found.items())
        if name.startswith("tag:status:")
    }
    result = Result(figures=run.figures, claims=tuple(run.claims.made))
    body = {
        "ok": result.ok,
        "figures": result.figures,
        "notes": [SEVERAL],
        "claims": [{"claim": c.text, "ok": c.ok, "detail": c.detail} for c in result.claims],
    }
    run.write("summary.json", json.dumps(body, ensure_ascii=False, indent=2) + "\n")
    return result
