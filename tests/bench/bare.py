"""The baseline: the same duties by hand, in bare ``sqlite3`` on a copy of the same file.

The hand-written side is given every byte ready made (entry, digest, standing, marks, suppression,
tombstone) and only has to write it: the same rows in the same tables, one durable transaction a
duty, write-ahead log and ``synchronous=FULL``; the guards are not there: triggers are dropped from
its copy, and foreign keys are not asked, as SQLite does unless told.
While erasing it overwrites what it deletes, as the store does. ``same`` holds the two files
together afterwards: the duty was the same when every row of every table is.

The leanest baseline is a table of one column: ``open_facts`` and ``add_fact`` put what a duty
writes into one row, as durable, and find nothing again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from gdprkit.words.identifiers import SubjectId

__all__ = [
    "Ready",
    "add_fact",
    "ask",
    "check_same",
    "differences",
    "erase",
    "newest",
    "open_facts",
    "open_file",
    "read_back",
    "record",
    "record_many",
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
        wakes: Whether the moment of waking becomes another one.
        dropped: Tags the person loses.
        added: Tags the person gets.
        suppressions: Rows of the suppression list.
        tombstones: Rows of the tombstones.
    """

    subject: bytes
    entries: Rows
    line: tuple[Any, ...]
    wakes: bool
    dropped: Rows
    added: Rows
    suppressions: Rows = ()
    tombstones: Rows = ()

    @property
    def as_one(self) -> bytes:
        """Everything that is written, in one piece."""
        rows = (*self.entries, (self.subject, *self.line), *self.dropped, *self.added)
        return b"".join(_bytes(value) for row in rows for value in row)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b"" if value is None else str(value).encode()


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


def open_facts(path: Path) -> sqlite3.Connection:
    """Make a file with one table of one column, as durable."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE fact (bytes BLOB NOT NULL)")
    return connection


def add_fact(connection: sqlite3.Connection, fact: bytes) -> None:
    """Insert one row, durably."""
    connection.execute("INSERT INTO fact (bytes) VALUES (?)", (fact,))


_LINE: Final = "position, head, fold, state, wake_at, tags"
_END: Final = "SELECT position FROM gdprkit_line WHERE tenant = ? AND subject = ?"
_STANDING: Final = (
    "SELECT subject, position, head, fold, state FROM gdprkit_line WHERE tenant = ? AND subject = ?"
)
_ENTRY: Final = (
    "INSERT INTO gdprkit_entry (tenant, subject, position, body, digest, receipt)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_MOVE: Final = (
    "UPDATE gdprkit_line SET position = ?, head = ?, fold = ?, state = ?, wake_at = ?, tags = ?"
    " WHERE tenant = ? AND subject = ?"
)
_MOVE_SAME_WAKE: Final = _MOVE.replace(" wake_at = ?,", "")
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
    for table in ("term", "value", "key")
)


def record(connection: sqlite3.Connection, ready: Ready) -> None:
    """Record a consent: check where the line ends, write entry, standing, marks and tags."""
    connection.execute("BEGIN IMMEDIATE")
    _write(connection, ready)
    connection.execute("COMMIT")


def _moved(ready: Ready) -> tuple[Any, ...]:
    """Return what the row of a line is given; a moment of waking that stays is not named."""
    *fold, wake_at, tags = ready.line
    return (*fold, *((wake_at,) if ready.wakes else ()), tags, _TENANT, ready.subject)


def record_many(connection: sqlite3.Connection, ready: Sequence[Ready]) -> None:
    """Record the consents of many people in one transaction, a statement for each table."""
    connection.execute("BEGIN IMMEDIATE")
    for statement, wakes in ((_MOVE, True), (_MOVE_SAME_WAKE, False)):
        moved = [_moved(one) for one in ready if one.wakes is wakes]
        connection.executemany(statement, moved)
    connection.executemany(_UNTAG, [row for one in ready for row in one.dropped])
    connection.executemany(_TAG, [row for one in ready for row in one.added])
    connection.executemany(_ENTRY, [row for one in ready for row in one.entries])
    connection.execute("COMMIT")


def erase(connection: sqlite3.Connection, ready: Ready) -> None:
    """Erase a person: key, values and look-up rows go; tombstone, stops and entries come."""
    connection.execute("BEGIN IMMEDIATE")
    _write(connection, ready)
    for statement in _SHRED:
        connection.execute(statement, (_TENANT, ready.subject))
    connection.executemany(_TOMBSTONE, ready.tombstones)
    connection.executemany(_STOP, ready.suppressions)
    connection.execute("COMMIT")


def _write(connection: sqlite3.Connection, ready: Ready) -> None:
    (last,) = connection.execute(_END, (_TENANT, ready.subject)).fetchone()
    if last + 1 != ready.entries[0][2]:
        raise AssertionError("somebody else wrote to the line")
    connection.execute(_MOVE if ready.wakes else _MOVE_SAME_WAKE, _moved(ready))
    if ready.dropped:
        connection.executemany(_UNTAG, ready.dropped)
    if ready.added:
        connection.executemany(_TAG, ready.added)
    connection.executemany(_ENTRY, ready.entries)


def ask(connection: sqlite3.Connection, subject: bytes) -> object:
    """Look a person up: one row by its key, as it is."""
    return connection.execute(_STANDING, (_TENANT, subject)).fetchone()


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
        line=(line := _rows(after, "line", _LINE, subject)[0]),
        wakes=_rows(before, "line", "wake_at", subject) != [(line[4],)],
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


def check_same(one: sqlite3.Connection, other: sqlite3.Connection) -> None:
    """Hold two files together.

    Raises:
        AssertionError: they do not hold the same rows.
    """
    if different := differences(one, other):
        raise AssertionError(f"ours and the baseline differ in {', '.join(different)}")


def _all(file: sqlite3.Connection, table: str) -> Rows:
    return sorted(file.execute(f"SELECT * FROM gdprkit_{table}").fetchall(), key=repr)
