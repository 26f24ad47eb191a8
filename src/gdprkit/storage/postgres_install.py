"""A PostgreSQL database becomes a gdprkit store, and is looked at before it is used as one.

Decides when a database is ours and whole, and how tables are made and upgraded. Always true:
looking writes nothing; installing is one transaction, and two that install at once take turns.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

from gdprkit.errors import NewerSchema, SchemaMissing, StoreCorrupt
from gdprkit.storage.postgres_errors import told
from gdprkit.storage.postgres_port import PostgresPort
from gdprkit.storage.postgres_schema import (
    FUNCTIONS,
    GUARDS,
    INDEXES,
    MIGRATIONS,
    SCHEMA,
    SCHEMA_VERSION,
    TABLES,
)
from gdprkit.storage.steps import ROWS, RUN, Steps, take

__all__ = ["check", "install"]

_LOCK: Final = 0x6764_7072  # "gdpr"

_NAMES: Final = "SELECT n FROM unnest(string_to_array(?, ' ')) n WHERE"
_SEEN: Final = """EXISTS (SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE t.tgname = n AND t.tgenabled <> 'D' AND pg_table_is_visible(c.oid))"""
_MISSING: Final = (
    f"{_NAMES} to_regclass(n) IS NULL UNION ALL {_NAMES} to_regproc(n) IS NULL"
    f" UNION ALL {_NAMES} NOT {_SEEN}"
)


def _missing() -> Steps[list[str]]:
    """Read which of our tables, functions and guards are not there, or are switched off."""
    parts = ((*TABLES, *INDEXES), FUNCTIONS, GUARDS)
    return [row[0] for row in (yield ROWS, _MISSING, [" ".join(names) for names in parts])]


def _version() -> Steps[int]:
    """Read of which version the tables are.

    Raises:
        NewerSchema: a newer gdprkit made them.
        StoreCorrupt: no release did.
    """
    rows = yield ROWS, "SELECT version FROM gdprkit_schema", ()
    found = rows[0][0] if rows else 0
    if found > SCHEMA_VERSION:
        raise NewerSchema(found, SCHEMA_VERSION)
    if found != SCHEMA_VERSION and found not in MIGRATIONS:
        raise StoreCorrupt(f"schema {found}, which no release has written")
    return int(found)


def check() -> Steps[None]:
    """Look whether the database is a whole store of this version; writes nothing.

    Raises:
        SchemaMissing: it is none, or something lacks, or it is of an older version.
        NewerSchema: a newer gdprkit made it.
        StoreCorrupt: no release has written it.
    """
    missing = yield from _missing()
    if set(TABLES) <= set(missing):
        raise SchemaMissing(("the tables of gdprkit",))
    if "gdprkit_schema" not in missing:
        found = yield from _version()
        if found < SCHEMA_VERSION:
            raise SchemaMissing((f"the upgrade from version {found} to {SCHEMA_VERSION}",))
    if missing:
        raise SchemaMissing(tuple(missing))


def _install() -> Steps[None]:
    yield ROWS, "SELECT pg_advisory_xact_lock(?)", (_LOCK,)
    missing = yield from _missing()
    if set(TABLES) <= set(missing):
        for statement in SCHEMA:
            yield RUN, statement, ()
        return
    if lacking := [name for name in TABLES if name in missing]:
        raise StoreCorrupt(f"only some tables of gdprkit, without {', '.join(lacking)}")
    found = yield from _version()
    if found == SCHEMA_VERSION:
        if missing:
            raise StoreCorrupt(f"tables of gdprkit without {', '.join(missing)}")
        return
    for version in range(found, SCHEMA_VERSION):
        for statement in MIGRATIONS[version]:
            yield RUN, statement, ()
    yield RUN, "UPDATE gdprkit_schema SET version = ?", (SCHEMA_VERSION,)


def install(connection: psycopg.Connection[Any]) -> None:
    """Make a database a gdprkit store, or bring an older one to this version.

    Tables are made in the first schema of the connection's ``search_path``. Where all is there
    already nothing happens. Inside a transaction of the caller's it becomes a part of it;
    otherwise it is one transaction, over when this returns or raises.

    Args:
        connection: One that may make tables, for instance ``psycopg.connect(...)``.

    Raises:
        NewerSchema: a newer gdprkit made the tables.
        StoreCorrupt: some of our tables are there and others are not, or no release made them.
        StoreUnavailable: the server is gone, or gives no right to make tables.
    """
    try:
        with connection.transaction():
            take(_install(), PostgresPort(connection))
    except psycopg.Error as error:
        raise told(error, 0) from None
