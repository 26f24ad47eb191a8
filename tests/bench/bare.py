"""The baseline: the same duties by hand, in bare ``sqlite3`` on a copy of the same file.

The hand-written side is given every byte ready made (entry, digest, standing, marks, suppression,
tombstone) and only has to write it: the same rows in the same tables, one durable transaction a
duty, write-ahead log and ``synchronous=FULL``; the guards (triggers) are dropped from its copy.
While erasing it overwrites what it deletes, as the store does. ``same`` holds the two files
together afterwards: the duty was the same when every row of every table is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from gdprkit.words.identifiers import SubjectId

__all__ = [
    "Ready",
    "ask",
    "differences",
    "erase",
    "newest",
    "open_file",
    "read_back",
    "record",
    "secure",
]

Rows: TypeAlias = Sequence[tuple[Any, ...]]

_TENANT: Final = "main"
_TABLES: Final = ("entry", "line", "tag", "value", "term", "key", "tombstone", "suppression")


@attrs.frozen(kw_only=True)
class Ready:
    """What one duty writes about one person, ready made.

    Args:
        subject: Whose line, 16 bytes.
        entries: Rows of the entries.
        line: The new values of the line's row, in the order of ``_LINE``.
        dropped: Tags the person loses.
        added: Tags the person gets.
        suppressions: Rows of the suppression list.
        tombstones: Rows of the tombstones.
    """

    subject: bytes
    entries: Rows
    line: tuple[Any, ...]
    dropped: Rows
    added: Rows
    suppressions: Rows = ()
    tombstones: Rows = ()


def open_file(path: Path) -> sqlite3.Connection:
    """Open a copy of a store as somebody would who knows SQLite only."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def secure(connection: sqlite3.Connection, *, on: bool) -> None:
    """Switch the overwriting of deleted bytes."""
    connection.execute(f"PRAGMA secure_delete = {int(on)}")


_LINE: Final = "position, head, fold, state, wake_at, tags"
_END: Final = "SELECT position FROM gdprkit_line WHERE tenant = ? AND subject = ?"
_STATE: Final = "SELECT state FROM gdprkit_line WHERE tenant = ? AND subject = ?"
_ENTRY: Final = (
    "INSERT INTO gdprkit_entry (tenant, subject, position, body, digest, receipt)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_MOVE: Final = (
    "UPDATE gdprkit_line SET position = ?, head = ?, fold = ?, state = ?, wake_at = ?, tags = ?"
    " WHERE tenant = ? AND subject = ?"
)
_TAG: Final = "INSERT INTO gdprkit_tag (tenant, subject, tag) VALUES (?, ?, ?)"
_UNTAG: Final = "DELETE FROM gdprkit_tag WHERE tenant = ? AND subject = ? AND tag = ?"
_STOP: Final = (
    "INSERT INTO gdprkit_suppression (tenant, hash, purpose, channels, kind, author, since)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_TOMBSTONE: Final = (
    "INSERT INTO gdprkit_tombstone (tenant, mark, erased_at, reason, reference, key_ids)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_SHRED: Final = tuple(
    f"DELETE FROM gdprkit_{table} WHERE tenant = ? AND subject = ?"
    for table in ("key", "value", "term")
)


def record(connection: sqlite3.Connection, ready: Ready) -> None:
    """Record a consent: check where the line ends, write entry, standing, marks and tags."""
    connection.execute("BEGIN IMMEDIATE")
    _write(connection, ready)
    connection.execute("COMMIT")


def erase(connection: sqlite3.Connection, ready: Ready) -> None:
    """Erase a person: key, values and look-up rows go; tombstone, stops and entries come."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SHRED:
        connection.execute(statement, (_TENANT, ready.subject))
    connection.executemany(_TOMBSTONE, ready.tombstones)
    connection.executemany(_STOP, ready.suppressions)
    _write(connection, ready)
    connection.execute("COMMIT")


def _write(connection: sqlite3.Connection, ready: Ready) -> None:
    (last,) = connection.execute(_END, (_TENANT, ready.subject)).fetchone()
    if last + 1 != ready.entries[0][2]:
        raise AssertionError("somebody else wrote to the line")
    connection.executemany(_ENTRY, ready.entries)
    connection.execute(_MOVE, (*ready.line, _TENANT, ready.subject))
    if ready.dropped:
        connection.executemany(_UNTAG, ready.dropped)
    if ready.added:
        connection.executemany(_TAG, ready.added)


def ask(connection: sqlite3.Connection, subject: bytes) -> object:
    """Look a person up: one row by its key, and the JSON in it."""
    (state,) = connection.execute(_STATE, (_TENANT, subject)).fetchone()
    return json.loads(state)


def read_back(before: sqlite3.Connection, after: sqlite3.Connection, about: SubjectId) -> Ready:
    """Return what a duty wrote about *about*, from a file before it and one after it.

    Suppressions and tombstones name nobody; whoever did the duty knows which rows are new.
    """
    subject = about.bytes
    ((first,),) = before.execute(_END, (_TENANT, subject)).fetchall()
    old, new = (
        {row[2]: row for row in _rows(file, "tag", "tenant, subject, tag", subject)}
        for file in (before, after)
    )
    names = "tenant, subject, position, body, digest, receipt"
    return Ready(
        subject=subject,
        entries=[row for row in _rows(after, "entry", names, subject) if row[2] > first],
        line=_rows(after, "line", _LINE, subject)[0],
        dropped=[old[tag] for tag in sorted(old.keys() - new.keys())],
        added=[new[tag] for tag in sorted(new.keys() - old.keys())],
    )


def newest(file: sqlite3.Connection, table: str, after: int) -> tuple[Rows, int]:
    """Return the rows of *table* beyond the row number *after*, and the last row number."""
    rows = file.execute(
        f"SELECT rowid, * FROM gdprkit_{table} WHERE rowid > ? ORDER BY rowid", (after,)
    ).fetchall()
    return [row[1:] for row in rows], max((row[0] for row in rows), default=after)


def _rows(file: sqlite3.Connection, table: str, names: str, subject: bytes) -> Rows:
    return file.execute(
        f"SELECT {names} FROM gdprkit_{table} WHERE tenant = ? AND subject = ?", (_TENANT, subject)
    ).fetchall()


def differences(one: sqlite3.Connection, other: sqlite3.Connection) -> list[str]:
    """Return the tables in which two files do not hold the same rows."""
    return [table for table in _TABLES if _all(one, table) != _all(other, table)]


def _all(file: sqlite3.Connection, table: str) -> Rows:
    return sorted(file.execute(f"SELECT * FROM gdprkit_{table}").fetchall(), key=repr)
