"""Standings and marks are made anew from the lines, whatever became of them, and nothing else."""

from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.keeper.support import House, house_on, moment

from gdprkit import marketing, requests
from gdprkit.errors import NotASubjectId
from gdprkit.keeper.reindexing import Reindexed, reindex_span
from gdprkit.storage import MemoryStore, SqliteStore
from gdprkit.storage.protocol import ALL, Span, Store
from gdprkit.words.identifiers import SubjectId, subject_id

ROOT = Path(__file__).parents[2]
PEOPLE = 50


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.db"


@pytest.fixture
def house(path: Path) -> Iterator[House]:
    with SqliteStore(path) as store:
        yield fill(house_on(store))


def fill(house: House) -> House:
    """Add people of whom some object, ask for access, or are erased."""
    for number in range(PEOPLE):
        about = house.plain(f"person.{number}@example.com")
        if number % 5 == 0:
            house.keeper.record(about, marketing.object_to(via="email"))
        if number % 7 == 0:
            received = moment(2024, 5, 14)
            house.keeper.record(
                about, requests.receive(right="access", received=received, channel="email")
            )
        if number % 11 == 0:
            house.erase(about)
    return house


def rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    with closing(sqlite3.connect(path)) as raw:
        names = [n for (n,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(raw.execute(f"SELECT * FROM {name}"), key=repr) for name in names}


def spoil(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for statement in statements:
            raw.execute(statement)


_SPOILED = {
    "state": ["UPDATE gdprkit_line SET state = x'7b7d' WHERE rowid % 3 = 0"],
    "fold": ["UPDATE gdprkit_line SET fold = 0"],
    "wake": ["UPDATE gdprkit_line SET wake_at = NULL"],
    "wake-far": ["UPDATE gdprkit_line SET wake_at = 9223372036854775807 WHERE rowid % 2"],
    "tags": ["UPDATE gdprkit_line SET tags = ''"],
    "tags-of-others": ["UPDATE gdprkit_line SET tags = 'status:marketing x:y' WHERE rowid % 2"],
    "tag-rows-gone": ["DELETE FROM gdprkit_tag"],
    "tag-rows-more": [
        "INSERT OR IGNORE INTO gdprkit_tag SELECT tenant, subject, 'z:stray' FROM gdprkit_line"
    ],
    "all": [
        "UPDATE gdprkit_line SET state = x'', fold = 1, wake_at = 7, tags = 'a b'",
        "DELETE FROM gdprkit_tag",
        "INSERT INTO gdprkit_tag SELECT tenant, subject, 'c' FROM gdprkit_line",
    ],
}


@pytest.mark.parametrize("how", _SPOILED)
def test_what_was_spoiled_is_as_before(house: House, path: Path, how: str) -> None:
    """Standings and marks changed by raw SQL come back to the byte; every other row stays."""
    before = rows(path)
    assert house.keeper.reindex() == Reindexed(people=PEOPLE, after=max(house.store.people()))
    spoil(path, *_SPOILED[how])
    assert rows(path) != before
    done = house.keeper.reindex()
    assert rows(path) == before
    assert done.people == PEOPLE
    assert 0 < done.changed <= PEOPLE
    assert done.failed == ()
    assert house.keeper.reindex().changed == 0


def test_a_store_in_memory_is_reindexed_too() -> None:
    """It needs nothing but the protocol of a store."""
    house = fill(house_on(MemoryStore()))
    assert house.keeper.reindex().people == PEOPLE
    assert house.keeper.reindex().changed == 0


def test_a_broken_line_is_named_and_left_alone(house: House, path: Path) -> None:
    """The fold of a changed line would be believed, so nothing of it is stored; others are done."""
    about = next(house.store.people())
    spoil(
        path,
        "DROP TRIGGER gdprkit_entry_never_changes",
        f"UPDATE gdprkit_entry SET body = x'7b7d' WHERE position = 1 AND subject = x'{about.hex}'",
        "UPDATE gdprkit_line SET fold = 0",
    )
    done = house.keeper.reindex()
    assert done.failed == ((about, "chain-broken"),)
    assert done.changed == PEOPLE - 1
    last = house.store.standing(about)
    assert last is not None
    assert last.fold == 0


def test_parts_are_the_whole(house: House, path: Path) -> None:
    """Spans may be shared out among processes: results pickle, and added they are the whole."""
    before = rows(path)
    spoil(path, *_SPOILED["all"])
    parts = [reindex_span(house.keeper, span) for span in ALL.split(4)]
    whole = sum(pickle.loads(pickle.dumps(parts)), Reindexed())  # noqa: S301
    assert (whole.people, whole.changed) == (PEOPLE, PEOPLE)
    assert whole.after == max(house.store.people())
    assert rows(path) == before


def test_it_goes_on_after_somebody(house: House, path: Path) -> None:
    """With the place that progress told, only those behind it are read."""
    seen: list[Reindexed] = []
    house.keeper.reindex(progress=seen.append)
    assert [one.people for one in seen] == [20, 40, PEOPLE]
    assert house.keeper.reindex(after=seen[1].after).people == PEOPLE - 40
    assert house.keeper.reindex(after=seen[-1].after).people == 0
    last = subject_id("ffffffff-ffff-ffff-ffff-ffffffffffff")
    assert house.keeper.reindex(after=last) == Reindexed(after=last)
    some = sorted(house.store.people())
    inside = Span(start=some[10], stop=some[20])
    assert house.keeper.reindex(span=inside, after=some[12]).people == 7
    with pytest.raises(NotASubjectId):
        house.keeper.reindex(after="anna@example.com")  # type: ignore[arg-type]


class _Meddling:
    """A store on which somebody else writes right before a commit."""

    def __init__(self, store: Store, meddle: Callable[[], None]) -> None:
        self._store, self._meddle, self.sizes = store, meddle, list[int]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, *batches: Any) -> None:
        self.sizes.append(len(batches))
        meddle, self._meddle = self._meddle, lambda: None
        meddle()
        self._store.commit(*batches)


def test_a_conflict_costs_one_person_a_retry(house: House, path: Path) -> None:
    """Who was written to meanwhile is read again alone; the others of that commit are done too."""
    some = sorted(house.store.people())
    spoil(path, "UPDATE gdprkit_line SET fold = 0")

    def meddle() -> None:
        house.keeper.record(some[3], marketing.object_to(via="email"))

    store = _Meddling(house.store, meddle)
    done = house_on(store).keeper.reindex()
    assert done.changed == PEOPLE
    assert store.sizes == [20, *([1] * 20), 20, 10]
    assert house.keeper.reindex().changed == 0
    assert house.keeper.standing(some[3]).objection.stops


def test_who_is_expunged_meanwhile_is_passed_over(house: House, path: Path) -> None:
    """A line that is gone when its turn comes is no failure."""
    from gdprkit.storage.protocol import LineTombstone

    about = sorted(house.store.people())[3]
    spoil(path, "UPDATE gdprkit_line SET fold = 0")

    def meddle() -> None:
        last = house.store.standing(about)
        assert last is not None
        stone = LineTombstone(position=last.position, head=last.head, at=house.clock.now)
        house.store.expunge(about, stone)

    done = house_on(_Meddling(house.store, meddle)).keeper.reindex()
    assert (done.changed, done.failed) == (PEOPLE - 1, ())
    assert house.keeper.reindex().changed == 0


def test_writers_in_threads_lose_nothing(house: House, path: Path) -> None:
    """While three threads record, it ends, and what they recorded is there and indexed."""
    some = sorted(house.store.people())
    spoil(path, *_SPOILED["fold"])
    recorded: list[SubjectId] = []
    problems: list[BaseException] = []
    stop = threading.Event()

    def write(mine: list[SubjectId]) -> None:
        try:
            for about in mine:
                house.keeper.record(about, marketing.object_to(via="phone"))
                recorded.append(about)
                if stop.is_set():
                    return
        except BaseException as error:
            problems.append(error)
            raise

    threads = [threading.Thread(target=write, args=(some[n::3],)) for n in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            house.keeper.reindex()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert problems == []
    assert recorded
    for about in some:
        house.keeper.verify(about)
    assert all(house.keeper.standing(about).objection.stops for about in recorded)
    assert house.keeper.reindex().changed == 0


def test_a_killed_one_goes_on(house: House, path: Path) -> None:
    """Killed in the middle it has done whole people only; gone on with, the rest is done."""
    before = rows(path)
    spoil(path, *_SPOILED["all"])
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    after = subject_id(killed.stdout.split()[-1])
    assert rows(path) != before
    assert house.keeper.reindex(after=after).people == PEOPLE - 20
    assert rows(path) == before


KILLED = """
import os, signal, sys
from gdprkit.storage import SqliteStore
from tests.keeper.support import house_on

def progress(done):
    print(done.after, flush=True)
    if done.people > 20:
        os.kill(os.getpid(), signal.SIGKILL)

class Dying:
    def __init__(self, store):
        self._store, self._left = store, 60

    def __getattr__(self, name):
        return getattr(self._store, name)

    def commit(self, *batches):
        self._left -= 1
        if not self._left:  # in the middle of the second twenty
            os.kill(os.getpid(), signal.SIGKILL)
        self._store.commit(*batches)

house_on(Dying(SqliteStore(sys.argv[1]))).keeper.reindex(progress=progress)
"""
