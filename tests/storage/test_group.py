"""Group commit: who shares a transaction, and that nobody pays for another's refusal."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from gdprkit.errors import GdprkitError, PositionTaken, StoreClosed, StoreCorrupt
from gdprkit.ledger.chain import genesis
from gdprkit.storage import SqliteStore, sqlite_file
from gdprkit.storage.steps import RUN, Steps
from gdprkit.testing.store_values import continued, follow, hashed, person


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(path, group_commits=True) as store:
        yield store


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Counts the transactions for writing that were committed."""
    counted: list[str] = []
    leave = sqlite_file.Loan.__exit__

    def exited(loan: Any, kind: Any, error: Any, trace: Any) -> None:
        leave(loan, kind, error, trace)
        if loan._writes:
            counted.append("commit")

    monkeypatch.setattr(sqlite_file.Loan, "__exit__", exited)
    return counted


def _held(store: SqliteStore) -> tuple[Callable[[], None], Event]:
    """Return work that holds the writer until the event comes."""
    begun, go_on = Event(), Event()

    def steps() -> Steps[None]:
        begun.set()
        assert go_on.wait(30)
        yield RUN, "SELECT 1", ()

    def hold() -> None:
        store._write(steps)

    def held() -> None:
        threads.submit(hold)
        assert begun.wait(30)

    threads = ThreadPoolExecutor(1)
    return held, go_on


def test_who_waits_meanwhile_shares_the_next_transaction(
    store: SqliteStore, commits: list[str]
) -> None:
    """Eight writers that came while the disk was busy are written in one transaction."""
    held, go_on = _held(store)
    held()
    with ThreadPoolExecutor(8) as threads:
        work = [threads.submit(store.commit, follow_new(n)) for n in range(1, 9)]
        while store._writer is not None and store._writer._waiting.qsize() < 8:
            pass
        go_on.set()
        for done in work:
            done.result()
    assert list(store.people()) == [person(n) for n in range(1, 9)]
    assert len(commits) == 2  # the work that held the writer, and the eight


def follow_new(number: int, body: bytes = b"one") -> Any:
    return continued(person(number), 0, genesis("main", person(number)), [body])


def test_a_refusal_takes_nobody_with_it(store: SqliteStore) -> None:
    """Of works in one transaction the refused one leaves nothing, and the others are stored."""
    held, go_on = _held(store)
    held()
    stale = continued(person(2), 5, hashed("head"), [b"x"])
    with ThreadPoolExecutor(3) as threads:
        work = [
            threads.submit(store.commit, batch) for batch in (follow_new(1), stale, follow_new(3))
        ]
        while store._writer is not None and store._writer._waiting.qsize() < 3:
            pass
        go_on.set()
        refused = [done.exception() for done in work]
    assert [type(error) for error in refused] == [type(None), PositionTaken, type(None)]
    assert list(store.people()) == [person(1), person(3)]


def test_a_fault_of_the_database_is_typed_and_alone(store: SqliteStore, path: Path) -> None:
    """A constraint that one work breaks is told to it in our words; the next goes on."""
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute(
        "CREATE TRIGGER fault BEFORE INSERT ON gdprkit_entry WHEN NEW.body = x'626164'"
        " BEGIN SELECT RAISE(ABORT, 'fault'); END"
    )
    raw.close()
    with pytest.raises(StoreCorrupt):
        store.commit(follow_new(1, b"bad"))
    store.commit(follow_new(1, b"good"))
    assert len(store.line(person(1))) == 1


def test_a_full_disk_is_told_to_everybody_it_meets(store: SqliteStore) -> None:
    """When SQLite ends the transaction nobody in it is told that it was stored."""
    store.commit(follow_new(500))
    assert store._writer is not None
    with store._file.reading() as port:
        [(pages,)] = port.rows("PRAGMA page_count")
        port.rows(f"PRAGMA max_page_count = {pages + 10}")
    held, go_on = _held(store)
    held()
    with ThreadPoolExecutor(4) as threads:
        work = [threads.submit(store.commit, follow_new(n, b"x" * 100_000)) for n in range(1, 5)]
        while store._writer._waiting.qsize() < 4:
            pass
        go_on.set()
        errors = [done.exception() for done in work]
    stored = [n for n, error in enumerate(errors, start=1) if error is None]
    assert all(error is None or isinstance(error, GdprkitError) for error in errors)
    assert len(stored) < 4
    assert list(store.people()) == [*(person(n) for n in stored), person(500)]


def test_closing_finishes_what_was_given(path: Path) -> None:
    """What was given before is stored, and whoever comes later is told."""
    store = SqliteStore(path, group_commits=True)
    held, go_on = _held(store)
    held()
    with ThreadPoolExecutor(2) as threads:
        work = threads.submit(store.commit, follow_new(1))
        while store._writer is not None and store._writer._waiting.qsize() < 1:
            pass
        closing = threads.submit(store.close)
        go_on.set()
        work.result()
        closing.result()
    with pytest.raises(StoreClosed):
        store.commit(follow_new(2))
    with SqliteStore(path) as again:
        assert list(again.people()) == [person(1)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_a_writer_of_its_own(store: SqliteStore) -> None:
    """The parent's thread does not exist in a child; both sides write."""
    store.commit(follow_new(1))
    child = os.fork()
    if not child:
        code = 1
        try:
            store.commit(follow_new(2))
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    store.commit(follow(store, person(1), b"two"))
    assert list(store.people()) == [person(1), person(2)]


def test_a_thread_that_cannot_be_had_is_asked_for_again(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system gives no thread the writer is told, and the next one does not hang."""

    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            store.commit(follow_new(1))
    assert list(store.people()) == []
    done = ThreadPoolExecutor(1).submit(store.commit, follow_new(1))
    done.result(30)
    assert list(store.people()) == [person(1)]
