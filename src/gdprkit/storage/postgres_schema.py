"""The tables of a gdprkit store on PostgreSQL, and how older ones become them.

Decides tables, keys, checks and guards; the function that writes a commit stands in
``postgres_function``, the statements that read in ``statements``. Rows are those of SQLite, ids as
16 bytes too, so both databases answer the same statements in the same order: text is compared
byte by byte (collation "C").

Always true: every key begins with the tenant, and those of a person's rows hold the person's id,
so rows can be spread over machines by person. Entries cannot be changed, and not deleted unless
their line is expunged, and what tells of an erasure stays as it is, whoever connects: triggers
refuse, TRUNCATE too, and fire also where a replica applies changes. Rows of a person hang on the
row of their line, terms on their value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gdprkit.storage.postgres_function import COMMIT, COMMIT_NAME
from gdprkit.storage.schema import SCHEMA_VERSION

__all__ = ["FUNCTIONS", "GUARDS", "INDEXES", "MIGRATIONS", "SCHEMA", "SCHEMA_VERSION", "TABLES"]

_TEXT: Final = 'text COLLATE "C" NOT NULL'
_OF_LINE: Final = "FOREIGN KEY (tenant, subject) REFERENCES gdprkit_line"

#: Table -> its statement, those that others hang on first.
_TABLES: Final[Mapping[str, str]] = {
    "gdprkit_line": f"""CREATE TABLE gdprkit_line (
        tenant {_TEXT} CHECK (tenant <> ''),
        subject bytea NOT NULL CHECK (length(subject) = 16),
        position bigint NOT NULL CHECK (position >= 1),
        head bytea NOT NULL CHECK (length(head) = 32),
        fold bigint NOT NULL CHECK (fold >= 0), state bytea NOT NULL,
        wake_at bigint, tags {_TEXT}, PRIMARY KEY (tenant, subject))""",
    "gdprkit_tag": f"""CREATE TABLE gdprkit_tag (
        tenant {_TEXT}, subject bytea NOT NULL, tag {_TEXT} CHECK (tag <> ''),
        PRIMARY KEY (tenant, tag, subject), {_OF_LINE})""",
    "gdprkit_entry": f"""CREATE TABLE gdprkit_entry (
        tenant {_TEXT}, subject bytea NOT NULL,
        position bigint NOT NULL CHECK (position >= 1),
        body bytea NOT NULL CHECK (length(body) > 0),
        digest bytea NOT NULL CHECK (length(digest) = 32),
        receipt bytea CHECK (receipt IS NULL OR length(receipt) = 32),
        PRIMARY KEY (tenant, subject, position), {_OF_LINE})""",
    "gdprkit_value": f"""CREATE TABLE gdprkit_value (
        tenant {_TEXT}, subject bytea NOT NULL,
        slot bytea NOT NULL CHECK (length(slot) = 16),
        envelope bytea NOT NULL CHECK (length(envelope) > 0),
        PRIMARY KEY (tenant, subject, slot), {_OF_LINE})""",
    "gdprkit_term": f"""CREATE TABLE gdprkit_term (
        tenant {_TEXT}, subject bytea NOT NULL, slot bytea NOT NULL,
        term bytea NOT NULL CHECK (length(term) > 0),
        PRIMARY KEY (tenant, subject, slot, term),
        FOREIGN KEY (tenant, subject, slot) REFERENCES gdprkit_value)""",
    "gdprkit_key": f"""CREATE TABLE gdprkit_key (
        tenant {_TEXT}, subject bytea NOT NULL,
        version bigint NOT NULL CHECK (version >= 1),
        key_id bytea NOT NULL, kek_id {_TEXT}, wrapped bytea NOT NULL,
        state {_TEXT} CHECK (state IN ('active', 'retired', 'destroyed')),
        created bigint NOT NULL, wraps_alg {_TEXT},
        restricted smallint NOT NULL CHECK (restricted IN (0, 1)),
        on_hold smallint NOT NULL CHECK (on_hold IN (0, 1)),
        PRIMARY KEY (tenant, subject, version), {_OF_LINE})""",
    "gdprkit_tombstone": f"""CREATE TABLE gdprkit_tombstone (
        tenant {_TEXT} CHECK (tenant <> ''), mark bytea NOT NULL CHECK (length(mark) = 32),
        erased_at bigint NOT NULL, reason {_TEXT} CHECK (reason <> ''),
        reference {_TEXT}, key_ids {_TEXT}, PRIMARY KEY (tenant, mark))""",
    "gdprkit_epoch": f"""CREATE TABLE gdprkit_epoch (
        tenant {_TEXT} CHECK (tenant <> ''),
        kind {_TEXT} CHECK (kind IN ('kek', 'index', 'lasting')), epoch {_TEXT},
        provider_key {_TEXT}, wrapped bytea NOT NULL,
        state {_TEXT} CHECK (state IN ('active', 'retired', 'destroyed')),
        created bigint NOT NULL, PRIMARY KEY (tenant, kind, epoch))""",
    "gdprkit_suppression": f"""CREATE TABLE gdprkit_suppression (
        tenant {_TEXT} CHECK (tenant <> ''), hash bytea NOT NULL CHECK (length(hash) > 0),
        purpose {_TEXT}, channels {_TEXT}, kind {_TEXT} CHECK (kind <> ''),
        author {_TEXT} CHECK (author <> ''), since bigint NOT NULL,
        PRIMARY KEY (tenant, hash, purpose, channels, kind, author))""",
    "gdprkit_token": f"""CREATE TABLE gdprkit_token (
        tenant {_TEXT}, subject bytea NOT NULL, token bytea NOT NULL CHECK (length(token) > 0),
        PRIMARY KEY (tenant, subject, token), {_OF_LINE})""",
    "gdprkit_expunged": f"""CREATE TABLE gdprkit_expunged (
        tenant {_TEXT} CHECK (tenant <> ''),
        subject bytea NOT NULL CHECK (length(subject) = 16),
        position bigint NOT NULL CHECK (position >= 1),
        head bytea NOT NULL CHECK (length(head) = 32), at bigint NOT NULL,
        PRIMARY KEY (tenant, subject))""",
    # a database has no user_version: one row says it
    "gdprkit_schema": """CREATE TABLE gdprkit_schema (
        one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL)""",
}

TABLES: Final = tuple(_TABLES)
"""The names of all tables."""

_INDEXES: Final[Mapping[str, str]] = {
    "gdprkit_line_wake": """CREATE INDEX gdprkit_line_wake
        ON gdprkit_line (tenant, wake_at, subject) WHERE wake_at IS NOT NULL""",
    "gdprkit_entry_receipt": """CREATE UNIQUE INDEX gdprkit_entry_receipt
        ON gdprkit_entry (tenant, subject, receipt) WHERE receipt IS NOT NULL""",
    "gdprkit_term_find": "CREATE INDEX gdprkit_term_find ON gdprkit_term (tenant, term, subject)",
}

INDEXES: Final = tuple(_INDEXES)
"""The names of the indexes beside the keys."""

_REFUSE: Final = """CREATE FUNCTION gdprkit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'GK009', MESSAGE = TG_ARGV[0];
END $$"""

_STAYS: Final = """CREATE FUNCTION gdprkit_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM gdprkit_expunged x
      WHERE x.tenant = OLD.tenant AND x.subject = OLD.subject) THEN
    RAISE EXCEPTION USING ERRCODE = 'GK009',
      MESSAGE = 'entries stay until their line is expunged';
  END IF;
  RETURN OLD;
END $$"""

FUNCTIONS: Final = ("gdprkit_refuse", "gdprkit_entry_stays", COMMIT_NAME)
"""The names of all functions."""


def _guard(table: str, deed: str, says: str, each: str = "ROW") -> str:
    return (
        f"CREATE TRIGGER {table}_{deed.lower()} BEFORE {deed} ON {table}"
        f" FOR EACH {each} EXECUTE FUNCTION {says}"
    )


_NEVER_CHANGES: Final = "gdprkit_refuse('entries never change')"
_ALL_STAY: Final = "gdprkit_refuse('entries stay until their line is expunged')"
_AS_IT_IS: Final = "gdprkit_refuse('tombstones stay as they are')"

#: Trigger -> its table and its statement.
_GUARDS: Final[Mapping[str, tuple[str, str]]] = {
    f"{table}_{deed.lower()}": (table, _guard(table, deed, says, each))
    for table, deed, says, each in (
        ("gdprkit_entry", "UPDATE", _NEVER_CHANGES, "ROW"),
        ("gdprkit_entry", "DELETE", "gdprkit_entry_stays()", "ROW"),
        ("gdprkit_entry", "TRUNCATE", _ALL_STAY, "STATEMENT"),
        *(
            (table, deed, _AS_IT_IS, each)
            for table in ("gdprkit_tombstone", "gdprkit_expunged")
            for deed, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT"))
        ),
    )
}

GUARDS: Final = tuple(_GUARDS)
"""The names of the triggers that refuse."""

SCHEMA: Final = (
    *_TABLES.values(),
    *_INDEXES.values(),
    *(_REFUSE, _STAYS, COMMIT),
    *(statement for _, statement in _GUARDS.values()),
    *(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}" for name, (table, _) in _GUARDS.items()),
    f"INSERT INTO gdprkit_schema (version) VALUES ({SCHEMA_VERSION})",  # noqa: S608  a number
)
"""Statements that make a database without our tables a store, in order."""

MIGRATIONS: Final[Mapping[int, tuple[str, ...]]] = {}
"""Version -> statements that make tables of that version those of the next.

The first version there was on PostgreSQL is 2, the one SQLite had then.
"""
