"""The store in a SQLite file keeps the contract, and its transactions are whole."""

from __future__ import annotations

import itertools
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import attrs
import pytest
from tests.storage.faults import failing

from gdprkit.errors import (
    PositionTaken,
    StoreBusy,
    StoreClosed,
    StoreCorrupt,
    StoreUnavailable,
)
from gdprkit.storage import SqliteStore
from gdprkit.storage import statements as sql
from gdprkit.storage.protocol import Marks, Store, VaultPut
from gdprkit.testing.store_contract import StoreContract
from gdprkit.testing.store_values import (
    continued,
    follow,
    hashed,
    person,
    slot,
)

ANNA, BO = person(1), person(2)


@pytest.mark.usefixtures("small_pages")
class TestSqliteStore(StoreContract):
    can_reopen = True
    has_neighbours = True
    can_fail = True
    has_address = True
    many = 130
    open_store = staticmethod(SqliteStore)

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.place = tmp_path
        self.numbers = itertools.count()
        self.paths: dict[int, Path] = {}

    def _open(self, path: Path, tenant: str = "main") -> Store:
        store = SqliteStore(path, tenant=tenant)
        self.paths[id(store)] = path
        return store

    def make_store(self) -> Store:
        return self._open(self.place / f"{next(self.numbers)}.db")

    def reopen_store(self, store: Store) -> Store:
        store.close()
        return self._open(self.paths[id(store)])

    def make_neighbour(self, store: Store, tenant: str) -> Store:
        return self._open(self.paths[id(store)], tenant)

    def fail_at(self, store: Store, n: int) -> AbstractContextManager[None]:
        return failing(n)

    def address(self, store: Store) -> str:
        return str(self.paths[id(store)])


class TestSqliteStoreWithGroupCommits(TestSqliteStore):
    def _open(self, path: Path, tenant: str = "main") -> Store:
        store = SqliteStore(path, tenant=tenant, group_commits=True)
        self.paths[id(store)] = path
        return store


class TestTransactions:
    def test_another_writer_is_waited_for_and_then_told(self, path: Path) -> None:
        """Beyond the stated wait a writer is told, nothing is stored, and it can try again."""
        with SqliteStore(path, wait=0) as store:
            batch = follow(store, ANNA, b"one")
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreBusy) as caught:
                store.commit(batch)
            assert (caught.value.seconds, caught.value.retryable) == (0, True)
            assert store.standing(ANNA) is None
            other.execute("ROLLBACK")
            other.close()
            store.commit(batch)

    def test_a_reader_is_not_held_up_by_a_writer(self, path: Path) -> None:
        """Reading goes on, on the last committed state, while somebody writes."""
        with SqliteStore(path, wait=0) as store:
            store.commit(follow(store, ANNA, b"one"))
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            other.execute("DELETE FROM gdprkit_line")
            assert store.standing(ANNA) is not None
            other.close()

    def test_any_failure_rolls_back(self, store: SqliteStore, raw: sqlite3.Connection) -> None:
        """An error that nobody foresaw, at the last statement, leaves nothing of the commit."""
        raw.execute(
            "CREATE TRIGGER fault BEFORE INSERT ON gdprkit_tag"
            " BEGIN SELECT RAISE(ABORT, 'fault'); END"
        )
        put = VaultPut(slot=slot(1), envelope=b"e")
        batch = follow(store, ANNA, b"one", marks=Marks(tags={"news"}))
        with pytest.raises(StoreCorrupt) as caught:
            store.commit(attrs.evolve(batch, puts=[put]))
        assert caught.value.problem == "SQLITE_CONSTRAINT_TRIGGER"
        assert store.standing(ANNA) is None
        assert dict(store.values(ANNA, [slot(1)])) == {}
        raw.execute("DROP TRIGGER fault")
        store.commit(batch)

    def test_a_full_disk_stores_nothing(self, store: SqliteStore) -> None:
        """When no room is left the commit is undone and told, and smaller ones go on."""
        store.commit(follow(store, ANNA, b"one"))
        with store._file.reading() as port:
            [(pages,)] = port.rows("PRAGMA page_count")
            port.rows(f"PRAGMA max_page_count = {pages + 10}")
        with pytest.raises(StoreUnavailable) as caught:
            store.commit(*(follow(store, person(n), b"x" * 1000) for n in range(2, 400)))
        assert caught.value.problem.startswith("SQLITE_FULL")
        assert list(store.people()) == [ANNA]
        store.commit(follow(store, ANNA, b"two"))

    def test_another_journal_is_changed_back(self, path: Path) -> None:
        """A store somebody switched to another journal gets its log again, once nobody reads."""
        SqliteStore(path).close()
        other = sqlite3.connect(path, isolation_level=None)
        assert other.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
        other.execute("BEGIN")
        other.execute("SELECT * FROM gdprkit_line").fetchall()
        with pytest.raises(StoreBusy):
            SqliteStore(path, wait=0)
        other.close()
        with SqliteStore(path, wait=0) as store:
            assert store._rows("PRAGMA journal_mode", ()) == [("wal",)]

    def test_threads_share_one_store(self, store: SqliteStore) -> None:
        """Readers in many threads see whole commits of a writer in another."""
        store.commit(follow(store, ANNA, b"0"))

        def read(_: int) -> None:
            line, after = store.line(ANNA), store.standing(ANNA)
            assert after is not None
            assert [entry.position for entry in line] == list(range(1, len(line) + 1))
            assert after.position >= len(line)

        with ThreadPoolExecutor(3) as threads:
            readings = [threads.submit(read, n) for n in range(60)]
            for number in range(20):
                store.commit(follow(store, ANNA, b"%d" % number))
            for reading in readings:
                reading.result()

    def test_closing_while_a_thread_reads_closes_its_connection_too(
        self, store: SqliteStore
    ) -> None:
        """A connection that is out when the store closes is closed when it comes back."""
        with store._file.reading() as port:
            store.close()
            assert port.rows("SELECT 1") == [(1,)]
        with pytest.raises(sqlite3.ProgrammingError):
            port._connection.execute("SELECT 1")
        with pytest.raises(StoreClosed):
            store.standing(ANNA)


HOT = [
    "LINE_END",
    "STANDING",
    "PEOPLE",
    "WAKING",
    "TAGGED",
    "ENTRIES",
    "RECEIPT",
    "VALUES",
    "FIND",
    "TERMS",
    "KEYS",
    "KEY_PAGE",
    "KEY_PAGE_OF",
    "KEY_REPLACE",
    "TERMS_HANGING",
    "TOMBSTONE",
    "SUPPRESSED",
    "EXPUNGED",
    "LINE_MOVE",
    "LINE_MOVE_SAME_WAKE",
    "TAG_DROP",
    "VALUE_DROP",
    "TERM_DROP",
]


def test_every_statement_of_the_hot_path_is_an_indexed_look_up(raw: sqlite3.Connection) -> None:
    """No question about a person, a term, a hash or what is due reads a table from end to end."""
    for name in HOT:
        statement = sql.listed(getattr(sql, name), 2)
        values = [b"x"] * statement.count("?")
        plan = raw.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
        steps = [detail for *_, detail in plan]
        assert steps, name
        assert all(step.startswith("SEARCH") for step in steps), (name, steps)


def test_a_stale_batch_is_refused_before_anything_is_written(store: SqliteStore) -> None:
    """A refused commit leaves the log as it was: not even undone writes reach the disk."""
    store.commit(follow(store, ANNA, b"one"))
    [before] = store._rows("PRAGMA data_version", ())
    log = store._file.path.with_name("people.db-wal")
    size = log.stat().st_size
    with pytest.raises(PositionTaken):
        store.commit(continued(ANNA, 5, hashed("head"), [b"x"]))
    assert log.stat().st_size == size
    assert store._rows("PRAGMA data_version", ()) == [before]
