"""The baseline beside other libraries: bare ``sqlite3``, two tables and a log."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final, final

from tests.bench.beside.child import DUTIES, START, World, fields

__all__ = ["WORDS", "make"]

WORDS: Final[Mapping[str, str]] = {
    "record": "one insert into a table of consents with two indexes",
    "check": "the newest consent and its end read by one index",
    "erase": "four columns emptied, consents deleted, a row in a log; secure_delete",
    "expire": "whose consent ended found by an index; each erased as who asks for it",
}
"""What each duty is by hand."""

_TABLES: Final = """
CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, email TEXT, phone TEXT, company TEXT);
CREATE TABLE consent (id INTEGER PRIMARY KEY, person INTEGER NOT NULL REFERENCES person,
    purpose TEXT NOT NULL, notice TEXT NOT NULL, granted INTEGER NOT NULL, at TEXT NOT NULL,
    ends TEXT NOT NULL);
CREATE INDEX consent_of ON consent (person, purpose, at);
CREATE INDEX consent_ends ON consent (ends);
CREATE TABLE erasure (person INTEGER PRIMARY KEY, at TEXT NOT NULL, reason TEXT NOT NULL);
"""
_CONSENT: Final = (
    "INSERT INTO consent (person, purpose, notice, granted, at, ends)"
    " VALUES (?, 'newsletter', 'v7', 1, ?, ?)"
)
_NEWEST: Final = (
    "SELECT granted, ends FROM consent WHERE person = ? AND purpose = 'newsletter'"
    " ORDER BY at DESC LIMIT 1"
)


def make(world: World) -> _ByHand:
    """Fill a register."""
    return _ByHand(world)


@final
class _ByHand:
    duties = DUTIES
    versions = f"sqlite3 of Python, SQLite {sqlite3.sqlite_version}"

    def __init__(self, world: World) -> None:
        self._world = world
        self._file = sqlite3.connect(world.folder / "people.db", isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            self._file.execute(f"PRAGMA {pragma}")
        self._file.executescript(_TABLES)
        self._file.execute("BEGIN")
        for number in world.people:
            row = (number, *fields(number).values())
            self._file.execute("INSERT INTO person VALUES (?, ?, ?, ?, ?)", row)
            if number not in world.all_met("record"):
                self._consent(number)
        self._file.execute("COMMIT")

    def _consent(self, number: int) -> None:
        at, ends = START.isoformat(), self._world.ends(number).isoformat()
        self._file.execute(_CONSENT, (number, at, ends))

    def record(self, number: int) -> None:
        self._consent(number)

    def check(self, number: int) -> bool:
        found = self._file.execute(_NEWEST, (number,)).fetchone()
        return bool(found and found[0] and found[1] > self._world.now.isoformat())

    def erase(self, number: int) -> None:
        self._erase(number, self._world.now.isoformat(), "asked")

    def _erase(self, number: int, at: str, reason: str) -> None:
        self._file.execute("BEGIN IMMEDIATE")
        self._file.execute(
            "UPDATE person SET name = NULL, email = NULL, phone = NULL, company = NULL"
            " WHERE id = ?",
            (number,),
        )
        self._file.execute("DELETE FROM consent WHERE person = ?", (number,))
        self._file.execute("INSERT INTO erasure VALUES (?, ?, ?)", (number, at, reason))
        self._file.execute("COMMIT")

    def expire(self, job: int) -> None:
        at = self._world.sweep_at(job).isoformat()
        due = self._file.execute("SELECT person FROM consent WHERE ends <= ?", (at,)).fetchall()
        for (number,) in due:
            self._erase(number, at, "ended")

    def left(self) -> Sequence[int]:
        rows = self._file.execute("SELECT id FROM person WHERE email IS NOT NULL")
        return [number for (number,) in rows]
