"""Bytes stored: of a person and of an entry, beside a plain table by hand.

Read off files that were filled by inserting, one person after another, as a register fills; nothing
is packed afterwards.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Final

from tests.bench.people import ADDED, fields_of, keeper_on, load_register, settle_in
from tests.bench.plan import Plan
from tests.bench.timing import Figure, value

from gdprkit import Keyring
from gdprkit.storage import SqliteStore

__all__ = ["FIGURES", "bench_sizes"]

FIGURES: Final = ("bytes.person", "bytes.person.bare", "bytes.entry", "bytes.entry.bare")

_PEOPLE: Final = 10_000
_EMPTY: Final = 4096 * 2  # a file's first page and a table's

_BARE: Final = """
CREATE TABLE person (id BLOB PRIMARY KEY, name TEXT, email TEXT UNIQUE, phone TEXT, company TEXT);
CREATE TABLE entry (person BLOB, position INTEGER, body BLOB, UNIQUE (person, position));
"""


def bench_sizes(plan: Plan) -> list[Figure]:
    """Weigh a register of people of four fields and three or four entries."""
    people = plan.many(_PEOPLE)
    folder = plan.folder / "sizes"
    folder.mkdir()
    ours = folder / "ours.db"
    with SqliteStore(ours) as store:
        keys = Keyring.create(folder / "root.key")
        ids = settle_in(keeper_on(store, keys, load_register(), ADDED), people)
        store.settle()
    with closing(sqlite3.connect(ours)) as file:
        rows = file.execute("SELECT subject, position, body FROM gdprkit_entry").fetchall()
        ddl = file.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'gdprkit_entry'")
        tables = [sql for (sql,) in ddl if sql and "TRIGGER" not in sql]
    entries = folder / "entries.db"
    with closing(sqlite3.connect(entries)) as file, file:
        for sql in tables:
            file.execute(sql)
        file.execute("ATTACH ? AS ours", (str(ours),))
        file.execute("INSERT INTO gdprkit_entry SELECT * FROM ours.gdprkit_entry ORDER BY rowid")
    bare = folder / "bare.db"
    with closing(sqlite3.connect(bare)) as file, file:
        file.executescript(_BARE)
        file.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
    by_entry = bare.stat().st_size
    with closing(sqlite3.connect(bare)) as file, file:
        for number, about in enumerate(ids):
            row = (about.bytes, *fields_of(number).values())
            file.execute("INSERT INTO person VALUES (?, ?, ?, ?, ?)", row)
    return [
        value("bytes.person", round(ours.stat().st_size / people), "bytes"),
        value("bytes.person.bare", round(bare.stat().st_size / people), "bytes"),
        value("bytes.entry", round((entries.stat().st_size - _EMPTY) / len(rows)), "bytes"),
        value("bytes.entry.bare", round((by_entry - _EMPTY) / len(rows)), "bytes"),
    ]
