"""Several processes, killed and forked ones too, on one SQLite store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gdprkit.ledger.chain import verify_line
from gdprkit.storage import SqliteStore
from gdprkit.testing.store_values import (
    follow,
    person,
)

ANNA = person(1)
SRC = Path(__file__).parents[2] / "src"


def _python(code: str, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_writer_killed_before_its_commit_leaves_nothing(path: Path) -> None:
    """Killed between BEGIN and COMMIT: the next one finds the store as it was, and writes."""
    with SqliteStore(path) as store:
        store.commit(follow(store, ANNA, b"one"))
    child = _python(KILLED, path)
    assert child.wait() == -signal.SIGKILL
    assert child.stdout is not None
    assert child.stdout.read() == "written\n"
    child.stdout.close()
    with SqliteStore(path) as store:
        assert [entry.body for entry in store.line(ANNA)] == [b"one"]
        assert list(store.people()) == [ANNA]
        store.commit(follow(store, ANNA, b"two"))


def test_a_store_killed_while_it_is_made_is_made_by_the_next(path: Path) -> None:
    """A half-made store is no other application's file: the next one finishes the work."""
    child = _python(KILLED_WHILE_MADE, path)
    assert child.wait() == -signal.SIGKILL
    assert child.stdout is not None
    child.stdout.close()
    with SqliteStore(path) as store:
        store.commit(follow(store, ANNA, b"one"))
        assert list(store.people()) == [ANNA]


def test_a_writer_killed_after_its_commit_loses_nothing(path: Path) -> None:
    """What ``commit`` has returned from is there, though the program never closed the file."""
    child = _python(KILLED_AFTER, path)
    assert child.wait() == -signal.SIGKILL
    assert child.stdout is not None
    child.stdout.close()
    with SqliteStore(path) as store:
        assert [entry.body for entry in store.line(ANNA)] == [b"one", b"two"]


def test_several_processes_open_and_write_one_file(path: Path) -> None:
    """Processes that start together on a new file agree on it and lose no entry."""
    children = [_python(WRITING, path, name) for name in range(3)]
    for child in children:
        assert child.wait() == 0
        assert child.stdout is not None
        child.stdout.close()
    with SqliteStore(path) as store:
        line = store.line(ANNA)
        last = store.standing(ANNA)
        assert last is not None
        verify_line("main", ANNA, line, last.head)
        bodies = {b"%d %d" % (name, number) for name in range(3) for number in range(10)}
        assert {entry.body for entry in line} == bodies
        assert len(line) == 30


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_opens_anew(path: Path) -> None:
    """A store opened before a fork serves both sides, each on connections of its own."""
    child = _python(FORKED, path)
    assert child.wait() == 0
    assert child.stdout is not None
    child.stdout.close()
    with SqliteStore(path) as store:
        assert [entry.body for entry in store.line(ANNA)] == [b"before", b"child", b"parent"]


KILLED = """
import os, signal, sys
from gdprkit.storage import SqliteStore, writes
from gdprkit.storage.steps import take
from gdprkit.testing.store_values import follow, person
store = SqliteStore(sys.argv[1])
many = [follow(store, person(n), b"x" * 1000) for n in range(1, 3000)]
with store._file.writing() as port:
    take(writes.commit(store.tenant, many), port)
    assert port.rows("SELECT count(*) FROM gdprkit_entry") == [(3000,)]
    print("written", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""

KILLED_WHILE_MADE = """
import os, signal, sqlite3, sys
from gdprkit.storage.schema import APPLICATION_ID, SCHEMA
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 2")  # pages reach the file before the commit
connection.execute("BEGIN IMMEDIATE")
connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
for statement in SCHEMA:
    connection.execute(statement)
assert os.stat(sys.argv[1]).st_size
os.kill(os.getpid(), signal.SIGKILL)
"""

KILLED_AFTER = """
import os, signal, sys
from gdprkit.storage import SqliteStore
from gdprkit.testing.store_values import follow, person
store = SqliteStore(sys.argv[1])
store.commit(follow(store, person(1), b"one"))
store.commit(follow(store, person(1), b"two"))
os.kill(os.getpid(), signal.SIGKILL)
"""

WRITING = """
import sys
from gdprkit.errors import PositionTaken
from gdprkit.storage import SqliteStore
from gdprkit.testing.store_values import follow, person
with SqliteStore(sys.argv[1]) as store:
    for number in range(10):
        while True:
            try:
                store.commit(follow(store, person(1), b"%d %d" % (int(sys.argv[2]), number)))
            except PositionTaken:
                continue
            break
"""

FORKED = """
import os, sys
from gdprkit.storage import SqliteStore
from gdprkit.testing.store_values import follow, person
store = SqliteStore(sys.argv[1])
store.commit(follow(store, person(1), b"before"))
[of_parent] = store._file._idle
child = os.fork()
if not child:
    code = 1
    try:
        store.commit(follow(store, person(1), b"child"))
        assert of_parent not in store._file._idle
        store.close()
        code = 0
    finally:
        os._exit(code)
assert os.waitpid(child, 0)[1] == 0
store.commit(follow(store, person(1), b"parent"))
store.close()
"""
