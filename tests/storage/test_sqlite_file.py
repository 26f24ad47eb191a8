"""What a SQLite store promises about its file: whose it is, its guards, its deleted bytes."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import attrs
import pytest

from gdprkit.errors import (
    InvalidValue,
    NewerSchema,
    NotAStore,
    StoreBusy,
    StoreCorrupt,
    StoreUnavailable,
)
from gdprkit.storage import SqliteStore
from gdprkit.storage.protocol import Marks, VaultPut
from gdprkit.storage.schema import APPLICATION_ID, SCHEMA_VERSION
from gdprkit.testing.store_values import (
    epoch_row,
    follow,
    hashed,
    key_row,
    line_tombstone,
    person,
    slot,
    tombstone,
)

ANNA, BO = person(1), person(2)


class TestTheFile:
    def test_the_pragmas_are_in_force_on_every_connection(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Log ahead, full sync, overwriting of deleted bytes: not left to how SQLite was built."""
        wanted = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "trusted_schema": 0}
        connect = sqlite3.connect

        def careless(*arguments: Any, **settings: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*arguments, **settings)
            for pragma in ("synchronous = OFF", "secure_delete = OFF", "trusted_schema = ON"):
                connection.execute(f"PRAGMA {pragma}")
            return connection

        monkeypatch.setattr(sqlite3, "connect", careless)
        with (
            SqliteStore(path) as store,
            store._file.reading() as first,
            store._file.reading() as second,
        ):
            for port in (first, second):
                found = {name: port.rows(f"PRAGMA {name}")[0][0] for name in wanted}
                assert found == wanted

    def test_an_empty_file_becomes_a_store(self, path: Path) -> None:
        """A file of no bytes is as good as none."""
        path.touch()
        with SqliteStore(path) as store:
            store.commit(follow(store, ANNA, b"one"))
        with SqliteStore(str(path)) as store:
            assert len(store.line(ANNA)) == 1

    def test_a_new_file_is_its_owners(self, store: SqliteStore, path: Path) -> None:
        """Nobody else may read a new store, nor the log beside it."""
        store.commit(follow(store, ANNA, b"one"))
        for name in (path, path.with_name("people.db-wal")):
            assert name.stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize(
        "content",
        [b"abc", b"\0" * 4096, b"name,email\n" * 500, b"SQLite format 3\0" + b"\xff" * 500],
        ids=["short", "zeros", "text", "forged"],
    )
    def test_another_file_is_left_untouched(self, path: Path, content: bytes) -> None:
        """What is no database is refused, byte for byte as it was, with nothing beside it."""
        path.write_bytes(content)
        with pytest.raises(NotAStore):
            SqliteStore(path)
        assert path.read_bytes() == content
        assert [found.name for found in path.parent.iterdir()] == ["people.db"]

    @pytest.mark.parametrize("mode", ["delete", "wal"])
    def test_another_applications_database_is_left_untouched(self, path: Path, mode: str) -> None:
        """A database without our mark is not switched to another journal, nor given tables."""
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE theirs (x)")
        connection.commit()
        connection.close()
        before = path.read_bytes()
        with pytest.raises(NotAStore):
            SqliteStore(path)
        assert path.read_bytes() == before
        assert [found.name for found in path.parent.iterdir()] == ["people.db"]

    def test_a_directory_is_no_store(self, tmp_path: Path) -> None:
        """Naming a directory is told as such, and a missing one is not made."""
        with pytest.raises(NotAStore):
            SqliteStore(tmp_path)
        with pytest.raises(InvalidValue):
            SqliteStore(tmp_path / "missing" / "people.db")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["", ":memory:"])
    def test_memory_is_no_file(self, name: str) -> None:
        """SQLite's own words for no file are refused: each connection would see another store."""
        with pytest.raises(InvalidValue):
            SqliteStore(name)

    def test_senseless_settings_are_refused(self, path: Path) -> None:
        """A negative wait and an empty tenant leave no file behind."""
        with pytest.raises(InvalidValue):
            SqliteStore(path, wait=-1)
        with pytest.raises(InvalidValue):
            SqliteStore(path, tenant="")
        assert not path.exists()

    def test_a_newer_schema_is_refused(self, path: Path) -> None:
        """A store of a newer gdprkit is not opened and not changed."""
        SqliteStore(path).close()
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        before = path.read_bytes()
        with pytest.raises(NewerSchema) as caught:
            SqliteStore(path)
        assert (caught.value.found, caught.value.known) == (99, SCHEMA_VERSION)
        assert path.read_bytes() == before

    def test_damage_is_told(self, path: Path) -> None:
        """A damaged page is an error of ours that shows nothing of what lay there."""
        with SqliteStore(path) as store:
            store.commit(*(follow(store, person(n), b"secret" * 50) for n in range(200)))
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (path.stat().st_size - 4096))
        with pytest.raises(StoreCorrupt) as caught, SqliteStore(path) as store:
            list(store.people())
        assert "secret" not in repr(caught.value) + str(caught.value)
        assert caught.value.__suppress_context__

    def test_a_row_of_another_type_is_told(
        self, store: SqliteStore, raw: sqlite3.Connection
    ) -> None:
        """The database refuses text where bytes belong, so no reader meets it."""
        store.commit(follow(store, ANNA, b"one"))
        with pytest.raises(sqlite3.IntegrityError):
            raw.execute(
                "INSERT INTO gdprkit_entry (tenant, subject, position, body, digest)"
                " VALUES ('main', ?, 2, 'text', 'text')",
                (ANNA.bytes,),
            )

    def test_an_unknown_word_is_told(self, store: SqliteStore, raw: sqlite3.Connection) -> None:
        """A word outside the closed lists is damage, not a guess."""
        raw.execute(
            "INSERT INTO gdprkit_suppression"
            " VALUES ('main', ?, '', 'pigeon', 'objection', 'subject', 0)",
            (hashed("contact"),),
        )
        with pytest.raises(StoreCorrupt):
            store.suppressed([hashed("contact")])

    def test_a_vanished_file_is_not_made_anew(self, store: SqliteStore, path: Path) -> None:
        """Deleting the file under a running program is told, and no reason for a new one."""
        with store._file.reading():
            path.unlink()
            with pytest.raises(StoreUnavailable):
                store.standing(ANNA)
        assert not path.exists()

    def test_its_repr_tells_file_and_tenant(self, store: SqliteStore, path: Path) -> None:
        """The repr helps to find the file and shows nothing of what is in it."""
        assert repr(store) == f"SqliteStore({str(path)!r}, tenant='main')"


class TestGuards:
    """The database itself refuses, whoever connects."""

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE gdprkit_entry SET body = x'00'",
            "UPDATE gdprkit_entry SET position = 9",
            "DELETE FROM gdprkit_entry",
            "INSERT OR REPLACE INTO gdprkit_entry SELECT * FROM gdprkit_entry",
            "INSERT INTO gdprkit_entry SELECT * FROM gdprkit_entry",
            "UPDATE gdprkit_expunged SET position = 9",
            "DELETE FROM gdprkit_expunged",
            "UPDATE gdprkit_tombstone SET reference = 'x'",
            "DELETE FROM gdprkit_tombstone",
        ],
    )
    def test_history_is_refused_to_raw_sql(
        self, store: SqliteStore, raw: sqlite3.Connection, statement: str
    ) -> None:
        """Entries and tombstones can be neither changed nor deleted nor replaced."""
        shred = tombstone(hashed("mark"))
        store.commit(attrs.evolve(follow(store, ANNA, b"one"), shred=shred))
        store.commit(follow(store, BO, b"gone"))
        store.expunge(BO, line_tombstone(store, BO))
        with pytest.raises(sqlite3.IntegrityError):
            raw.execute(statement)
        assert [entry.body for entry in store.line(ANNA)] == [b"one"]
        assert store.expunged(BO) is not None
        assert store.tombstone(hashed("mark")) == shred


class TestDeletedBytes:
    def test_compacting_leaves_no_deleted_byte(self, store: SqliteStore, path: Path) -> None:
        """After shredding, expunging and compacting nothing of it is in any file of the store."""
        secrets = [b"wrapped-key-bytes", b"envelope-bytes", b"term-bytes", b"entry-body-bytes"]
        wrapped, envelope, term, body = secrets
        store.add_epoch(epoch_row("k1"))
        put = VaultPut(slot=slot(1), envelope=envelope * 10_000, terms=[term])
        for about in (ANNA, BO):
            batch = follow(store, about, body)
            store.commit(attrs.evolve(batch, puts=[put], keys=[key_row(about, wrapped=wrapped)]))
        assert all(secret in _bytes(path) for secret in secrets)
        for about in (ANNA, BO):
            shred = tombstone(hashed(str(about)))
            store.commit(attrs.evolve(follow(store, about, b"erased"), shred=shred))
            store.expunge(about, line_tombstone(store, about))
        store.settle()
        before = path.stat().st_size
        store.compact()
        assert path.stat().st_size < before
        assert [secret for secret in secrets if secret in _bytes(path)] == []
        assert store.tombstone(hashed(str(ANNA))) is not None

    def test_expunging_leaves_the_id_in_one_table(
        self, store: SqliteStore, raw: sqlite3.Connection
    ) -> None:
        """Of an expunged person no row is left anywhere but the tombstone of the line."""
        store.add_epoch(epoch_row("k1"))
        put = VaultPut(slot=slot(1), envelope=b"e", terms=[b"term"])
        batch = follow(store, ANNA, b"one", marks=Marks(tags={"a", "b"}))
        full = attrs.evolve(batch, puts=[put], keys=[key_row(ANNA)], spend=[b"token"])
        store.commit(full)
        tables = [
            name
            for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if "subject" in [row[1] for row in raw.execute(f"PRAGMA table_info({name})")]
        ]

        def having() -> set[str]:
            count = "SELECT count(*) FROM {} WHERE subject = ?"
            rows = {name: raw.execute(count.format(name), (ANNA.bytes,)) for name in tables}
            return {name for name, found in rows.items() if found.fetchone() != (0,)}

        assert having() == set(tables) - {"gdprkit_expunged"}
        store.expunge(ANNA, line_tombstone(store, ANNA))
        assert having() == {"gdprkit_expunged"}

    def test_settling_empties_the_log(self, store: SqliteStore, path: Path) -> None:
        """After settling the file alone holds everything, so copying it is a backup."""
        store.commit(follow(store, ANNA, b"one"))
        store.settle()
        assert path.with_name("people.db-wal").stat().st_size == 0
        copy = path.with_name("copy.db")
        copy.write_bytes(path.read_bytes())
        with SqliteStore(copy) as restored:
            assert [entry.body for entry in restored.line(ANNA)] == [b"one"]

    def test_compacting_is_told_when_somebody_reads(self, path: Path) -> None:
        """Compacting does not claim to have removed what an open reading still needs."""
        with SqliteStore(path, wait=0) as store:
            store.commit(follow(store, ANNA, b"one"))
            reader = sqlite3.connect(path, isolation_level=None)
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM gdprkit_line").fetchall()
            store.commit(follow(store, ANNA, b"two"))
            with pytest.raises(StoreBusy):
                store.compact()
            reader.close()
            store.compact()
            assert len(store.line(ANNA)) == 2

    def test_compacting_keeps_the_store_ours(self, store: SqliteStore, path: Path) -> None:
        """Mark, schema and guards outlive the rewriting."""
        store.commit(follow(store, ANNA, b"one"))
        store.compact()
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("DELETE FROM gdprkit_entry")
        connection.close()


def _bytes(path: Path) -> bytes:
    return b"".join(found.read_bytes() for found in sorted(path.parent.glob("people.db*")))


def test_a_store_whose_log_was_being_moved_opens(tmp_path: Path) -> None:
    """Whoever dies, or is looked at, while a grown log is moved into the file leaves a store."""
    path, copy = tmp_path / "store.db", tmp_path / "copy.db"
    with SqliteStore(path) as store:
        store.commit(follow(store, person(1), b"one"))
        store.settle()
        for number in range(2, 30):
            store.commit(follow(store, person(number), b"x" * 2000))
        before, log = path.read_bytes(), path.with_name("store.db-wal").read_bytes()
    after = path.read_bytes()
    assert len(after) > len(before)
    # the first page, which tells the size, is moved before those that make the file longer
    copy.write_bytes(after[:4096] + before[4096:])
    copy.with_name("copy.db-wal").write_bytes(log)
    with SqliteStore(copy) as store:
        assert len(list(store.people())) == 29
    short = tmp_path / "short.db"
    short.write_bytes(after[:-8192])
    with pytest.raises(StoreCorrupt):
        SqliteStore(short)
    assert short.read_bytes() == after[:-8192]


def test_a_sqlite_too_old_for_our_tables_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a file is made: what is missing is a newer SQLite, not a whole disk."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(InvalidValue, match=r"3\.37"):
        SqliteStore(path)
    assert not path.exists()
