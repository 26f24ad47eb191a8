"""The tables of a gdprkit store on SQLite.

Decides tables, keys and guards; the statements that use them stand in ``statements``. Every table
is prefixed, so a host's own tables can stand beside them.

Always true: every key begins with the tenant, and those of a person's rows hold the person's id,
so rows can be spread over machines by person. Entries cannot be changed, and not deleted unless
their line is expunged, whoever connects: the database itself refuses. What lies in wide rows is
an ordinary table (clustering by random ids makes bulk writing 2.5 times slower), what is all key
is WITHOUT ROWID. Key rows have no index on the epoch that wraps them: every new person would pay
for it, and only a rotation asks, once in weeks, and reads all rows anyway.
"""

from __future__ import annotations

from typing import Final

__all__ = ["APPLICATION_ID", "SCHEMA", "SCHEMA_VERSION"]

APPLICATION_ID: Final = 0x67647072  # "gdpr"
"""Marks the file as a gdprkit store in SQLite's header."""

SCHEMA_VERSION: Final = 1
"""``user_version`` of the tables below."""

_TABLES: Final = (
    """CREATE TABLE gdprkit_line (
        tenant TEXT NOT NULL, subject BLOB NOT NULL, position INTEGER NOT NULL,
        head BLOB NOT NULL, fold INTEGER NOT NULL, state BLOB NOT NULL,
        wake_at INTEGER, tags TEXT NOT NULL, PRIMARY KEY (tenant, subject))""",
    """CREATE INDEX gdprkit_line_wake ON gdprkit_line (tenant, wake_at, subject)
        WHERE wake_at IS NOT NULL""",
    """CREATE TABLE gdprkit_tag (
        tenant TEXT NOT NULL, subject BLOB NOT NULL, tag TEXT NOT NULL,
        PRIMARY KEY (tenant, tag, subject)) WITHOUT ROWID""",
    """CREATE TABLE gdprkit_entry (
        tenant TEXT NOT NULL, subject BLOB NOT NULL, position INTEGER NOT NULL,
        body BLOB NOT NULL, digest BLOB NOT NULL, receipt BLOB,
        UNIQUE (tenant, subject, position))""",
    """CREATE UNIQUE INDEX gdprkit_entry_receipt ON gdprkit_entry (tenant, subject, receipt)
        WHERE receipt IS NOT NULL""",
    """CREATE TABLE gdprkit_value (
        tenant TEXT NOT NULL, subject BLOB NOT NULL, slot BLOB NOT NULL, envelope BLOB NOT NULL,
        PRIMARY KEY (tenant, subject, slot))""",
    """CREATE TABLE gdprkit_term (
        tenant TEXT NOT NULL, subject BLOB NOT NULL, slot BLOB NOT NULL, term BLOB NOT NULL,
        PRIMARY KEY (tenant, subject, slot, term)) WITHOUT ROWID""",
    "CREATE INDEX gdprkit_term_find ON gdprkit_term (tenant, term, subject)",
    """CREATE TABLE gdprkit_key (
        tenant TEXT NOT NULL, subject BLOB NOT NULL, version INTEGER NOT NULL,
        key_id BLOB NOT NULL, kek_id TEXT NOT NULL, wrapped BLOB NOT NULL, state TEXT NOT NULL,
        created INTEGER NOT NULL, wraps_alg TEXT NOT NULL, restricted INTEGER NOT NULL,
        on_hold INTEGER NOT NULL, PRIMARY KEY (tenant, subject, version))""",
    """CREATE TABLE gdprkit_tombstone (
        tenant TEXT NOT NULL, mark BLOB NOT NULL, erased_at INTEGER NOT NULL,
        reason TEXT NOT NULL, reference TEXT NOT NULL, key_ids TEXT NOT NULL,
        PRIMARY KEY (tenant, mark))""",
    """CREATE TABLE gdprkit_epoch (
        tenant TEXT NOT NULL, kind TEXT NOT NULL, epoch TEXT NOT NULL,
        provider_key TEXT NOT NULL, wrapped BLOB NOT NULL, state TEXT NOT NULL,
        created INTEGER NOT NULL, PRIMARY KEY (tenant, kind, epoch))""",
    """CREATE TABLE gdprkit_suppression (
        tenant TEXT NOT NULL, hash BLOB NOT NULL, purpose TEXT NOT NULL, channels TEXT NOT NULL,
        kind TEXT NOT NULL, author TEXT NOT NULL, since INTEGER NOT NULL,
        PRIMARY KEY (tenant, hash, purpose, channels, kind, author))""",
    """CREATE TABLE gdprkit_token (
        tenant TEXT NOT NULL, subject BLOB NOT NULL, token BLOB NOT NULL,
        PRIMARY KEY (tenant, subject, token)) WITHOUT ROWID""",
    """CREATE TABLE gdprkit_expunged (
        tenant TEXT NOT NULL, subject BLOB NOT NULL, position INTEGER NOT NULL,
        head BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (tenant, subject))""",
)

_GUARDS: Final = (
    """CREATE TRIGGER gdprkit_entry_never_changes BEFORE UPDATE ON gdprkit_entry
        BEGIN SELECT RAISE(ABORT, 'entries never change'); END""",
    """CREATE TRIGGER gdprkit_entry_stays BEFORE DELETE ON gdprkit_entry
        WHEN NOT EXISTS (SELECT 1 FROM gdprkit_expunged x
            WHERE x.tenant = OLD.tenant AND x.subject = OLD.subject)
        BEGIN SELECT RAISE(ABORT, 'entries stay until their line is expunged'); END""",
    # INSERT OR REPLACE would delete without asking the trigger above
    """CREATE TRIGGER gdprkit_entry_is_new BEFORE INSERT ON gdprkit_entry
        WHEN EXISTS (SELECT 1 FROM gdprkit_entry e
            WHERE e.tenant = NEW.tenant AND e.subject = NEW.subject AND e.position = NEW.position)
        BEGIN SELECT RAISE(ABORT, 'the position is taken'); END""",
    *(
        f"""CREATE TRIGGER gdprkit_{table}_{deed.lower()} BEFORE {deed} ON gdprkit_{table}
        BEGIN SELECT RAISE(ABORT, 'tombstones stay as they are'); END"""
        for table in ("tombstone", "expunged")
        for deed in ("UPDATE", "DELETE")
    ),
)

SCHEMA: Final = (*_TABLES, *_GUARDS)
"""Statements that make an empty database a store, in order."""
