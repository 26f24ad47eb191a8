"""Backups of a SQLite store and their return: whole, or not there at all."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from gdprkit.errors import (
    GdprkitError,
    InvalidValue,
    NewerSchema,
    NotAStore,
    StoreClosed,
    StoreCorrupt,
    StoreInUse,
    StoreUnavailable,
)
from gdprkit.ledger.chain import verify_line
from gdprkit.storage import SqliteStore
from gdprkit.storage.schema import SCHEMA_VERSION
from gdprkit.storage.sqlite_backup import back_up, examine, restore
from gdprkit.testing.store_values import follow, person

SRC = Path(__file__).parents[2] / "src"
GOLDEN = Path(__file__).parent / "golden"


def filled(path: Path, people: int, size: int = 200) -> None:
    """Make a store with that many people, one entry each."""
    with SqliteStore(path) as store:
        store.commit(*(follow(store, person(n), b"x" * size) for n in range(1, people + 1)))


def names(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir())


def count_in(path: Path) -> int:
    """Verify every line of a store and return how many there are."""
    with SqliteStore(path) as store:
        lines = list(store.lines())
        for line in lines:
            verify_line("main", line.standing.about, line.entries, line.standing.head)
    return len(lines)


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """Let no file grow beyond *size* bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


class TestBackingUp:
    def test_a_backup_is_the_store_in_one_file(self, path: Path) -> None:
        """It holds what is in the log as well, is its owner's alone, and no file is beside it."""
        backup = path.with_name("backup.db")
        with SqliteStore(path) as store:
            store.commit(*(follow(store, person(n), b"x" * 200) for n in range(1, 501)))
            seen: list[tuple[int, int]] = []
            made = store.backup(backup, progress=lambda done, total: seen.append((done, total)))
        assert (made.path, made.schema) == (backup, SCHEMA_VERSION)
        assert made.size == backup.stat().st_size
        assert names(path.parent) == ["backup.db", "people.db"]
        assert backup.stat().st_mode & 0o777 == 0o600
        assert seen == sorted(seen)
        assert seen[-1][0] == seen[-1][1] > 0
        assert count_in(backup) == 500

    def test_others_write_meanwhile_and_it_ends(self, path: Path) -> None:
        """Writers go on at each step, and the copy is of the moment it began: it never restarts."""
        filled(path, 3000, 1000)
        backup = path.with_name("backup.db")
        numbers, steps = count(10_000), 0
        with SqliteStore(path) as store, SqliteStore(path, wait=0) as other:

            def step(_done: int, _total: int) -> None:
                nonlocal steps
                steps += 1
                other.commit(follow(other, person(next(numbers)), b"later"))

            made = store.backup(backup, progress=step)
            assert steps > 2
            assert steps <= made.size / 4096 / 256 + 2
            assert len(list(store.people())) == 3000 + steps
        assert count_in(backup) == 3000

    def test_writers_in_threads_and_backups_side_by_side(self, path: Path) -> None:
        """Each backup made while four threads write is whole, and holds what was there before."""
        with SqliteStore(path) as store:
            stop = threading.Event()

            def write(start: int) -> None:
                for number in count(start):
                    store.commit(follow(store, person(number), b"x" * 200))
                    if stop.is_set():
                        return

            threads = [threading.Thread(target=write, args=(n * 10_000,)) for n in range(1, 5)]
            for thread in threads:
                thread.start()
            try:
                found = []
                for n in range(5):
                    before = len(list(store.people()))
                    store.backup(path.with_name(f"{n}.db"))
                    found.append((before, count_in(path.with_name(f"{n}.db"))))
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
        assert all(before <= held for before, held in found)

    @pytest.mark.parametrize("what", ["file", "directory", "link", "loop"])
    def test_what_is_there_is_never_written_over(
        self, store: SqliteStore, path: Path, what: str
    ) -> None:
        """A file, a directory or a link that has the name keeps it, and what is behind it too."""
        target, kept = path.with_name("taken"), path.with_name("kept")
        kept.write_bytes(b"kept")
        match what:
            case "file":
                target.write_bytes(b"kept")
            case "directory":
                target.mkdir()
            case "link":
                target.symlink_to(kept)
            case _:
                target.symlink_to(target)
        before = names(path.parent)
        with pytest.raises(InvalidValue):
            store.backup(target)
        assert names(path.parent) == before
        assert kept.read_bytes() == b"kept"
        assert what != "file" or target.read_bytes() == b"kept"

    def test_a_name_that_is_taken_meanwhile_stays(self, path: Path) -> None:
        """Somebody who makes the file while it is copied keeps theirs."""
        filled(path, 10)
        backup = path.with_name("backup.db")

        def theirs(_done: int, _total: int) -> None:
            backup.write_bytes(b"theirs")

        with pytest.raises(InvalidValue):
            back_up(path, backup, progress=theirs)
        assert backup.read_bytes() == b"theirs"
        assert names(path.parent) == ["backup.db", "people.db"]

    def test_without_links_it_is_renamed(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file system that knows no links, as on a memory stick, takes backups too."""

        def no_links(*_: object) -> None:
            raise PermissionError(1, "no links here")

        monkeypatch.setattr(os, "link", no_links)
        filled(path, 10)
        back_up(path, path.with_name("backup.db"))
        assert names(path.parent) == ["backup.db", "people.db"]
        assert count_in(path.with_name("backup.db")) == 10
        with pytest.raises(InvalidValue):
            back_up(path, path.with_name("backup.db"))

    @pytest.mark.parametrize("end", ["", "-wal", "-shm", "-journal"])
    def test_the_stores_own_names_are_refused(self, path: Path, end: str) -> None:
        """A backup in the place of the store's own log would be taken for it."""
        filled(path, 10)
        with pytest.raises(InvalidValue):
            back_up(path, f"{path}{end}")
        assert names(path.parent) == ["people.db"]

    def test_a_damaged_store_gives_no_backup(self, path: Path) -> None:
        """A copy that does not read as a whole is told and thrown away: it restores nothing."""
        filled(path, 500)
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(os.urandom(4096))
        with pytest.raises(StoreCorrupt):
            back_up(path, path.with_name("backup.db"))
        assert names(path.parent) == ["people.db"]

    def test_a_full_disk_leaves_nothing(self, path: Path) -> None:
        """Where there is no room for the copy it is told, and no part of it is left."""
        filled(path, 2000)
        with small_files(256 * 1024), pytest.raises(StoreUnavailable):
            back_up(path, path.with_name("backup.db"))
        assert names(path.parent) == ["people.db"]
        assert count_in(path) == 2000

    def test_an_error_of_the_callers_leaves_nothing(self, path: Path) -> None:
        """Who breaks off while it is copied, with Ctrl-C for instance, finds no part of it."""
        filled(path, 10)

        def stop(_done: int, _total: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            back_up(path, path.with_name("backup.db"), progress=stop)
        assert names(path.parent) == ["people.db"]

    def test_a_closed_store_is_told(self, store: SqliteStore, path: Path) -> None:
        """A store that was closed makes no backup."""
        store.close()
        with pytest.raises(StoreClosed):
            store.backup(path.with_name("backup.db"))
        assert names(path.parent) == ["people.db"]

    def test_an_older_store_is_backed_up_as_it_is(self, tmp_path: Path) -> None:
        """A backup before an upgrade holds the older tables, and the store keeps them too."""
        path, backup = tmp_path / "people.db", tmp_path / "backup.db"
        shutil.copy(GOLDEN / "schema-1.db", path)
        before = path.read_bytes()
        assert back_up(path, backup).schema == 1
        assert examine(backup).schema == 1
        assert path.read_bytes() == before
        with SqliteStore(path) as store, SqliteStore(backup) as copy:
            assert list(store.lines()) == list(copy.lines())


class TestRestoring:
    def test_a_store_comes_back_as_it_was(self, path: Path) -> None:
        """In a free name and in the place of the store, with everything and its rights."""
        filled(path, 100)
        path.chmod(0o640)
        backup = path.with_name("backup.db")
        back_up(path, backup)
        filled_before = backup.read_bytes()
        with SqliteStore(path) as store:
            store.commit(follow(store, person(1000), b"since"))
        restore(backup, path.with_name("new.db"))
        restore(backup, path, replace=True)
        assert names(path.parent) == ["backup.db", "new.db", "people.db"]
        assert path.stat().st_mode & 0o777 == 0o640
        assert path.with_name("new.db").stat().st_mode & 0o777 == 0o600
        assert backup.read_bytes() == filled_before
        assert count_in(path) == count_in(path.with_name("new.db")) == 100

    def test_a_log_that_was_left_does_not_come_back(self, path: Path, tmp_path: Path) -> None:
        """What a killed process left in the log of the old store is not read into the new one."""
        filled(path, 100)
        backup = path.with_name("backup.db")
        back_up(path, backup)
        dead = child(KILLED_WRITER, path)
        assert dead.wait() == -signal.SIGKILL
        assert dead.stdout is not None
        dead.stdout.close()
        assert path.with_name("people.db-wal").stat().st_size
        restore(backup, path, replace=True)
        assert names(path.parent) == ["backup.db", "people.db"]
        assert count_in(path) == 100

    def test_a_file_that_is_there_stays_unless_told(self, path: Path) -> None:
        """Without being told to, nothing that is there is written over."""
        filled(path, 10)
        backup = path.with_name("backup.db")
        back_up(path, backup)
        before = path.read_bytes()
        for there in (path, path.parent):
            with pytest.raises(InvalidValue):
                restore(backup, there)
        assert path.read_bytes() == before
        assert names(path.parent) == ["backup.db", "people.db"]

    @pytest.mark.parametrize("idle", [True, False])
    def test_a_store_in_use_is_never_replaced(self, path: Path, idle: bool) -> None:
        """Another process that merely has it open, or has a write on its way, keeps it."""
        filled(path, 10)
        backup = path.with_name("backup.db")
        back_up(path, backup)
        user = child(IDLE if idle else WRITING, path)
        assert user.stdout is not None
        assert user.stdout.readline() == "open\n"
        try:
            with pytest.raises(StoreInUse):
                restore(backup, path, replace=True, wait=0)
        finally:
            user.kill()
            user.wait()
            user.stdout.close()
        assert count_in(path) == 10
        restore(backup, path, replace=True)

    def test_a_store_open_in_this_process_is_never_replaced(
        self, store: SqliteStore, path: Path
    ) -> None:
        """The same holds within one process, and the store goes on."""
        store.commit(follow(store, person(1), b"one"))
        store.backup(path.with_name("backup.db"))
        with pytest.raises(StoreInUse):
            restore(path.with_name("backup.db"), path, replace=True, wait=0)
        store.commit(follow(store, person(1), b"two"))
        assert len(store.line(person(1))) == 2

    def test_only_a_store_is_replaced(self, path: Path) -> None:
        """Another program's database, or any other file, stays although one said replace."""
        filled(path, 10)
        backup, other = path.with_name("backup.db"), path.with_name("other.db")
        back_up(path, backup)
        with sqlite3.connect(other) as connection:
            connection.execute("CREATE TABLE theirs (x)")
        connection.close()
        text = path.with_name("text")
        text.write_bytes(b"name,email\n" * 500)
        for target in (other, text):
            before = target.read_bytes()
            with pytest.raises(NotAStore):
                restore(backup, target, replace=True)
            assert target.read_bytes() == before
        assert names(path.parent) == ["backup.db", "other.db", "people.db", "text"]

    def test_a_damaged_store_is_to_be_moved_away(self, path: Path) -> None:
        """Of a damaged store nothing is thrown away by us; the backup comes back beside it."""
        filled(path, 10)
        backup = path.with_name("backup.db")
        back_up(path, backup)
        path.write_bytes(b"\xff" * 8192)
        with pytest.raises(NotAStore):
            restore(backup, path, replace=True)
        path.rename(path.with_name("damaged.db"))
        path.with_name("people.db-wal").write_bytes(b"what may be the last records")
        with pytest.raises(InvalidValue):
            restore(backup, path)
        path.with_name("people.db-wal").rename(path.with_name("damaged.db-wal"))
        restore(backup, path)
        assert count_in(path) == 10

    def test_what_is_no_whole_backup_restores_nothing(self, path: Path) -> None:
        """Cut short, damaged, newer, without a table, not ours, or with a log: refused, typed."""
        filled(path, 500)
        backup = path.with_name("backup.db")
        back_up(path, backup)
        whole = backup.read_bytes()
        before = path.read_bytes()

        def changed(statement: str) -> bytes:
            backup.write_bytes(whole)
            connection = sqlite3.connect(backup)
            connection.execute(statement)
            connection.commit()
            connection.close()
            return backup.read_bytes()

        cases: list[tuple[bytes, type[GdprkitError]]] = [
            (b"", InvalidValue),
            (whole[: len(whole) // 2], StoreCorrupt),
            (whole + b"\0" * 4096, StoreCorrupt),
            (whole[:4096] + os.urandom(4096) * 5 + whole[4096 * 6 :], StoreCorrupt),
            (changed(f"PRAGMA user_version = {SCHEMA_VERSION + 1}"), NewerSchema),
            (changed("PRAGMA user_version = 0"), StoreCorrupt),
            (changed("PRAGMA application_id = 7"), NotAStore),
            (changed("DROP TABLE gdprkit_token"), StoreCorrupt),
            (changed("DROP TRIGGER gdprkit_entry_stays"), StoreCorrupt),
            (b"name,email\n" * 500, NotAStore),
        ]
        for number, (content, error) in enumerate(cases):
            backup.write_bytes(content)
            with pytest.raises(error):
                restore(backup, path, replace=True)
            with pytest.raises(error):
                restore(backup, path.with_name("new.db"))
            assert path.read_bytes() == before, number
            assert names(path.parent) == ["backup.db", "people.db"], number
        backup.write_bytes(whole)
        with SqliteStore(backup) as store:
            store.commit(follow(store, person(1), b"in the log"))
            with pytest.raises(InvalidValue):
                restore(backup, path, replace=True)
        assert path.read_bytes() == before

    def test_a_full_disk_leaves_the_old_store(self, path: Path) -> None:
        """Where there is no room for the copy, the store that was there stays."""
        filled(path, 2000)
        back_up(path, path.with_name("backup.db"))
        with small_files(256 * 1024), pytest.raises(StoreUnavailable):
            restore(path.with_name("backup.db"), path, replace=True)
        assert names(path.parent) == ["backup.db", "people.db"]
        assert count_in(path) == 2000

    def test_a_backup_of_an_older_release_comes_back(self, tmp_path: Path) -> None:
        """It is restored as it is; opening it makes its tables those of this release."""
        restore(GOLDEN / "schema-1.db", tmp_path / "people.db")
        assert examine(tmp_path / "people.db").schema == 1
        with SqliteStore(tmp_path / "people.db") as store:
            assert list(store.people())

    def test_whoever_waits_for_the_old_file_is_told(self, path: Path) -> None:
        """A process that opens the store in the very moment never writes into the old file."""
        filled(path, 10)
        backup = path.with_name("backup.db")
        back_up(path, backup)
        opening = [child(OPENING, path, n) for n in range(2)]
        for process in opening:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        last = []
        try:
            for _ in range(15):
                # what they have just written goes, or they are in the way
                with suppress(StoreInUse):
                    restore(backup, path, replace=True, wait=0)
            path.with_name("stop").touch()
            for process in opening:
                assert process.stdout is not None
                last.append(process.stdout.read().split()[-1])
                assert process.wait() == 0
        finally:
            for process in opening:
                process.kill()
                process.wait()
                assert process.stdout is not None
                process.stdout.close()
        with SqliteStore(path) as store:
            assert set(last) <= {str(about) for about in store.people()}
        assert count_in(path) >= 12


class TestKilled:
    """A process killed at any moment leaves what was there, or what was to be."""

    @pytest.mark.parametrize("deed", ["backup", "restore", "replace"])
    def test_killed_at_any_moment(
        self, path: Path, deed: str, request: pytest.FixtureRequest
    ) -> None:
        """No file has the name unless it is whole; the old store or the new one is there."""
        people = 2000
        filled(path, people)
        backup, new = path.with_name("backup.db"), path.with_name("new.db")
        if deed != "backup":
            back_up(path, backup)
            with SqliteStore(path) as store:
                store.commit(follow(store, person(60_000), b"since"))
        rounds = 60 if request.config.getoption("--long") else 5
        took = 0.0
        whole = 0
        for number in range(rounds + 1):
            started = time.monotonic()
            process = child(DEED, deed, path, backup, new)
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            began = time.monotonic()
            if number:  # the first one tells how long it takes
                time.sleep(took * number / rounds)
                process.kill()
            process.wait()
            process.stdout.close()
            assert process.returncode in {0, -signal.SIGKILL}, started
            took = took or time.monotonic() - began
            target = {"backup": backup, "restore": new, "replace": path}[deed]
            if deed == "replace":
                assert count_in(path) in {people, people + 1}
            elif target.exists():
                assert examine(target).schema == SCHEMA_VERSION
                assert count_in(target) == people
                whole += 1
                target.unlink()
            left = [name for name in names(path.parent) if ".partial" in name]
            for name in left:
                path.with_name(name).unlink()
            known = {"people.db", "backup.db", "new.db"}
            beside = {f"{name}{end}" for name in known for end in ("-wal", "-shm")}
            assert set(names(path.parent)) - set(left) <= known | beside
        if deed == "replace":
            restore(backup, path, replace=True)
            assert count_in(path) == people
        else:
            assert whole


KILLED_WRITER = """
import os, signal, sys
from gdprkit.storage import SqliteStore
from gdprkit.testing.store_values import follow, person
store = SqliteStore(sys.argv[1])
store.commit(*(follow(store, person(n), b"later") for n in range(5000, 5100)))
os.kill(os.getpid(), signal.SIGKILL)
"""

IDLE = """
import sys, time
from gdprkit.storage import SqliteStore
store = SqliteStore(sys.argv[1])
print("open", flush=True)
time.sleep(60)
"""

WRITING = """
import sys, time
from gdprkit.storage import SqliteStore
store = SqliteStore(sys.argv[1])
with store._file.writing():
    print("open", flush=True)
    time.sleep(60)
"""

OPENING = """
import os, sys
from pathlib import Path
from gdprkit.errors import GdprkitError
from gdprkit.storage import SqliteStore
from gdprkit.testing.store_values import follow, person
parent = os.getppid()
path, mine = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
number, last, stopping = 20_000 * (mine + 1), None, False
while not stopping or last is None:
    if os.getppid() != parent:
        sys.exit("whoever started this is gone")
    stopping = path.with_name("stop").exists()
    number += 1
    if stopping:
        last = None
    try:
        with SqliteStore(path, wait=5) as store:
            store.commit(follow(store, person(number), b"x"))
    except GdprkitError:
        continue
    last = person(number)
print(last)
"""

DEED = """
import sys
from gdprkit.storage.sqlite_backup import back_up, restore
deed, path, backup, new = sys.argv[1:]
print("begun", flush=True)
if deed == "backup":
    back_up(path, backup)
elif deed == "restore":
    restore(backup, new)
else:
    restore(backup, path, replace=True)
"""
