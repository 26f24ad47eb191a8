"""Whose a SQLite database is, whether it is whole, and how it becomes a store of this release.

Decides what is looked at before a database is believed: the mark and the version in its header, and
for tables of this release every statement that made them. It leaves out files and locks
(``sqlite_file``) and the tables themselves (``schema``).

Always true: looking writes nothing; a database becomes a store, or one of the next version, in one
transaction.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Final

from gdprkit.errors import InvalidValue, NewerSchema, NotAStore, StoreCorrupt
from gdprkit.storage.schema import APPLICATION_ID, MIGRATIONS, SCHEMA, SCHEMA_VERSION

__all__ = [
    "check_mark",
    "check_ours",
    "check_sqlite",
    "check_tables",
    "make",
    "migrate",
    "number",
]

_NAME: Final = re.compile(r"CREATE (?:UNIQUE )?(?:TABLE|INDEX|TRIGGER) (\w+)")


def check_sqlite() -> None:
    """Check that this SQLite knows the tables we make (strict ones, since 3.37).

    Raises:
        InvalidValue: it is older.
    """
    if sqlite3.sqlite_version_info < (3, 37):
        found = sqlite3.sqlite_version
        raise InvalidValue(
            "sqlite3", f"is SQLite {found}", "use a Python with SQLite 3.37 or newer"
        )


def number(connection: sqlite3.Connection, pragma: str) -> int:
    """Return a number that the database tells of itself."""
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def check_mark(connection: sqlite3.Connection, path: str) -> None:
    """Check that this database is a store, of whatever release.

    Raises:
        NotAStore: somebody else's.
    """
    if number(connection, "application_id") != APPLICATION_ID:
        raise NotAStore(path)


def check_ours(connection: sqlite3.Connection, path: str) -> int:
    """Check whose database this is, and return the version of its tables.

    Raises:
        NotAStore: somebody else's.
        NewerSchema: a newer gdprkit wrote it.
        StoreCorrupt: no release has written this version.
    """
    check_mark(connection, path)
    found = number(connection, "user_version")
    if found > SCHEMA_VERSION:
        raise NewerSchema(found, SCHEMA_VERSION)
    if found < SCHEMA_VERSION and found not in MIGRATIONS:
        # no release has written it: somebody else changed the file
        raise StoreCorrupt(f"schema {found}, which no release has written")
    return found


def check_tables(connection: sqlite3.Connection) -> None:
    """Check that tables of this version, their indexes and guards are those that were made.

    What somebody added beside them is left alone.

    Raises:
        StoreCorrupt: names one that is missing or was changed.
    """
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    found = {name: _plain(text) for name, text in rows}
    for name, text in _MADE.items():
        if found.get(name) != text:
            wrong = "was changed" if name in found else "is missing"
            raise StoreCorrupt(f"that {name} {wrong}")


def make(connection: sqlite3.Connection) -> None:
    """Make an empty database a store in one transaction, unless somebody was quicker."""
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,) and not number(
        connection, "application_id"
    ):
        for statement in SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def migrate(connection: sqlite3.Connection) -> None:
    """Make the tables of an older release those of this one, in one transaction.

    Raises:
        StoreCorrupt: a row breaks what the new tables demand; nothing was changed.
    """
    connection.execute("PRAGMA foreign_keys = OFF")  # it cannot be switched inside a transaction
    connection.execute("BEGIN IMMEDIATE")
    try:
        # somebody may have been quicker
        for version in range(number(connection, "user_version"), SCHEMA_VERSION):
            for statement in MIGRATIONS[version]:
                connection.execute(statement)
        _check_strays(connection)
        check_tables(connection)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("PRAGMA foreign_keys = ON")


def _check_strays(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise StoreCorrupt("rows of a line that is gone; the older tables were left as they are")


def _plain(text: str) -> str:
    """Return a statement without what SQLite and line breaks add to it."""
    return " ".join(text.replace('"', "").split())


_MADE: Final = {
    found[1]: text for text in map(_plain, SCHEMA) if (found := _NAME.match(text)) is not None
}
"""Name of each table, index and guard -> the statement that made it."""
