"""The tables of a gdprkit store on SQLite, and how older ones become them.

Decides tables, keys, checks and guards; the statements that use them stand in ``statements``. Every
table is prefixed, so a host's own tables can stand beside them.

Always true: every key begins with the tenant, and those of a person's rows hold the person's id,
so rows can be spread over machines by person. Entries cannot be changed, and not deleted unless
their line is expunged, whoever connects: the database itself refuses. Rows of a person hang on the
row of their line, terms on their value. What lies in wide rows is an ordinary table (clustering by
random ids makes bulk writing 2.5 times slower), what is all key is WITHOUT ROWID. Key rows have no
index on the epoch that wraps them: every new person would pay for it, and only a rotation asks,
once in weeks, and reads all rows anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["APPLICATION_ID", "GUARDS", "MIGRATIONS", "SCHEMA", "SCHEMA_VERSION", "TABLES"]

APPLICATION_ID: Final = 0x67647072  # "gdpr"
"""Marks the file as a gdprkit store in SQLite's header."""

SCHEMA_VERSION: Final = 2
"""Of the tables below: ``user_version`` of a store's own file, and the row of gdprkit_schema."""

_OF_LINE: Final = "FOREIGN KEY (tenant, subject) REFERENCES gdprkit_line"

_VERSION: Final = (
    """CREATE TABLE gdprkit_schema (
        version INTEGER NOT NULL, one INTEGER PRIMARY KEY CHECK (one = 1)) STRICT""",
    f"INSERT INTO gdprkit_schema (version, one) VALUES ({SCHEMA_VERSION}, 1)",  # noqa: S608
)
"""What tells the version where ``user_version`` is a host's: its one row."""

#: Table -> its statement, those that others hang on first.
_TABLES: Final[Mapping[str, str]] = {
    "line": """CREATE TABLE gdprkit_line (
        tenant TEXT NOT NULL CHECK (tenant <> ''),
        subject BLOB NOT NULL CHECK (length(subject) = 16),
        position INTEGER NOT NULL CHECK (position >= 1),
        head BLOB NOT NULL CHECK (length(head) = 32),
        fold INTEGER NOT NULL CHECK (fold >= 0), state BLOB NOT NULL,
        wake_at INTEGER, tags TEXT NOT NULL, PRIMARY KEY (tenant, subject)) STRICT""",
    "tag": f"""CREATE TABLE gdprkit_tag (
        tenant TEXT NOT NULL, subject BLOB NOT NULL, tag TEXT NOT NULL CHECK (tag <> ''),
        PRIMARY KEY (tenant, tag, subject), {_OF_LINE}) STRICT, WITHOUT ROWID""",
    "entry": f"""CREATE TABLE gdprkit_entry (
        tenant TEXT NOT NULL, subject BLOB NOT NULL,
        position INTEGER NOT NULL CHECK (position >= 1),
        body BLOB NOT NULL CHECK (length(body) > 0),
        digest BLOB NOT NULL CHECK (length(digest) = 32),
        receipt BLOB CHECK (receipt IS NULL OR length(receipt) = 32),
        UNIQUE (tenant, subject, position), {_OF_LINE}) STRICT""",
    "value": f"""CREATE TABLE gdprkit_value (
        tenant TEXT NOT NULL, subject BLOB NOT NULL,
        slot BLOB NOT NULL CHECK (length(slot) = 16),
        envelope BLOB NOT NULL CHECK (length(envelope) > 0),
        PRIMARY KEY (tenant, subject, slot), {_OF_LINE}) STRICT""",
    "term": """CREATE TABLE gdprkit_term (
        tenant TEXT NOT NULL, subject BLOB NOT NULL, slot BLOB NOT NULL,
        term BLOB NOT NULL CHECK (length(term) > 0), PRIMARY KEY (tenant, subject, slot, term),
        FOREIGN KEY (tenant, subject, slot) REFERENCES gdprkit_value) STRICT, WITHOUT ROWID""",
    "key": f"""CREATE TABLE gdprkit_key (
        tenant TEXT NOT NULL, subject BLOB NOT NULL,
        version INTEGER NOT NULL CHECK (version >= 1),
        key_id BLOB NOT NULL, kek_id TEXT NOT NULL, wrapped BLOB NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('active', 'retired', 'destroyed')),
        created INTEGER NOT NULL, wraps_alg TEXT NOT NULL,
        restricted INTEGER NOT NULL CHECK (restricted IN (0, 1)),
        on_hold INTEGER NOT NULL CHECK (on_hold IN (0, 1)),
        PRIMARY KEY (tenant, subject, version), {_OF_LINE}) STRICT""",
    "tombstone": """CREATE TABLE gdprkit_tombstone (
        tenant TEXT NOT NULL CHECK (tenant <> ''), mark BLOB NOT NULL CHECK (length(mark) = 32),
        erased_at INTEGER NOT NULL, reason TEXT NOT NULL CHECK (reason <> ''),
        reference TEXT NOT NULL, key_ids TEXT NOT NULL, PRIMARY KEY (tenant, mark)) STRICT""",
    "epoch": """CREATE TABLE gdprkit_epoch (
        tenant TEXT NOT NULL CHECK (tenant <> ''),
        kind TEXT NOT NULL CHECK (kind IN ('kek', 'index', 'lasting')), epoch TEXT NOT NULL,
        provider_key TEXT NOT NULL, wrapped BLOB NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('active', 'retired', 'destroyed')),
        created INTEGER NOT NULL, PRIMARY KEY (tenant, kind, epoch)) STRICT""",
    "suppression": """CREATE TABLE gdprkit_suppression (
        tenant TEXT NOT NULL CHECK (tenant <> ''), hash BLOB NOT NULL CHECK (length(hash) > 0),
        purpose TEXT NOT NULL, channels TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind <> ''),
        author TEXT NOT NULL CHECK (author <> ''), since INTEGER NOT NULL,
        PRIMARY KEY (tenant, hash, purpose, channels, kind, author)) STRICT""",
    "token": f"""CREATE TABLE gdprkit_token (
        tenant TEXT NOT NULL, subject BLOB NOT NULL,
        token BLOB NOT NULL CHECK (length(token) > 0),
        PRIMARY KEY (tenant, subject, token), {_OF_LINE}) STRICT, WITHOUT ROWID""",
    "expunged": """CREATE TABLE gdprkit_expunged (
        tenant TEXT NOT NULL CHECK (tenant <> ''),
        subject BLOB NOT NULL CHECK (length(subject) = 16),
        position INTEGER NOT NULL CHECK (position >= 1),
        head BLOB NOT NULL CHECK (length(head) = 32), at INTEGER NOT NULL,
        PRIMARY KEY (tenant, subject)) STRICT""",
}

TABLES: Final = tuple(f"gdprkit_{name}" for name in _TABLES)
"""The names of all tables."""

_INDEXES: Final[Mapping[str, str]] = {
    "gdprkit_line_wake": """CREATE INDEX gdprkit_line_wake
        ON gdprkit_line (tenant, wake_at, subject) WHERE wake_at IS NOT NULL""",
    "gdprkit_entry_receipt": """CREATE UNIQUE INDEX gdprkit_entry_receipt
        ON gdprkit_entry (tenant, subject, receipt) WHERE receipt IS NOT NULL""",
    "gdprkit_term_find": "CREATE INDEX gdprkit_term_find ON gdprkit_term (tenant, term, subject)",
}

_GUARDS: Final[Mapping[str, str]] = {
    "gdprkit_entry_never_changes": """CREATE TRIGGER gdprkit_entry_never_changes
        BEFORE UPDATE ON gdprkit_entry
        BEGIN SELECT RAISE(ABORT, 'entries never change'); END""",
    "gdprkit_entry_stays": """CREATE TRIGGER gdprkit_entry_stays BEFORE DELETE ON gdprkit_entry
        WHEN NOT EXISTS (SELECT 1 FROM gdprkit_expunged x
            WHERE x.tenant = OLD.tenant AND x.subject = OLD.subject)
        BEGIN SELECT RAISE(ABORT, 'entries stay until their line is expunged'); END""",
    # INSERT OR REPLACE would delete without asking the trigger above
    "gdprkit_entry_is_new": """CREATE TRIGGER gdprkit_entry_is_new BEFORE INSERT ON gdprkit_entry
        WHEN EXISTS (SELECT 1 FROM gdprkit_entry e
            WHERE e.tenant = NEW.tenant AND e.subject = NEW.subject AND e.position = NEW.position)
        BEGIN SELECT RAISE(ABORT, 'the position is taken'); END""",
    **{
        f"gdprkit_{table}_{deed.lower()}": f"""CREATE TRIGGER gdprkit_{table}_{deed.lower()}
        BEFORE {deed} ON gdprkit_{table}
        BEGIN SELECT RAISE(ABORT, 'tombstones stay as they are'); END"""
        for table in ("tombstone", "expunged")
        for deed in ("UPDATE", "DELETE")
    },
}

GUARDS: Final = frozenset(_GUARDS)
"""The names of all triggers."""

SCHEMA: Final = (*_TABLES.values(), *_INDEXES.values(), *_GUARDS.values(), *_VERSION)
"""Statements that make an empty database a store, in order."""

#: Written with the tables above as long as they are those of version 2.
_TO_2: Final = (
    # checks, foreign keys and strict types can only come with new tables
    *(f"DROP TRIGGER {name}" for name in _GUARDS),
    *(f"DROP INDEX {name}" for name in _INDEXES),
    *(f"ALTER TABLE {name} RENAME TO {name}_1" for name in TABLES),
    *SCHEMA[: len(_TABLES)],
    *(f"INSERT INTO {name} SELECT * FROM {name}_1" for name in TABLES),  # noqa: S608
    *(f"DROP TABLE {name}_1" for name in TABLES),
    *SCHEMA[len(_TABLES) :],
)

MIGRATIONS: Final[Mapping[int, tuple[str, ...]]] = {1: _TO_2}
"""Version -> statements that make tables of that version those of the next."""
