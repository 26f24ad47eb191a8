"""A disk that is full: a typed error, nothing half, and work goes on when there is room again."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from psycopg_pool import ConnectionPool
from tests.faults import deeds
from tests.faults.conftest import installed
from tests.faults.grounds import Ground
from tests.faults.processes import end, start
from tests.faults.whole import Whole, check_whole
from tests.keeper.support import House, house_on
from tests.postgres_server import running_server

from gdprkit.errors import GdprkitError
from gdprkit.storage.postgres import PostgresStore
from gdprkit.words.identifiers import SubjectId


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """Lay a file system of a size on memory, where one may; else skip the test by name."""
    place = Path(tempfile.mkdtemp(prefix="gdprkit-disk-"))
    try:
        size = f"size={megabytes}m,mode=0755"
        mount = ("mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place))
        if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
            pytest.skip("no right to mount a small file system")
        try:
            place.chmod(0o755)
            yield place
        finally:
            subprocess.run(("umount", "-l", str(place)), check=True)
    finally:
        place.rmdir()


def fill(place: Path, leave: int) -> Path:
    """Fill a file system up to some bytes, and return the file that fills it."""
    filler = place / "filler"
    with filler.open("wb") as file:
        free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
        os.posix_fallocate(file.fileno(), 0, free - leave)
    return filler


def check_named(whole: Whole, done: set[str], refused: set[str]) -> None:
    """Check that all that was acknowledged is there once, and nothing that was refused."""
    assert all(whole.by(name) for name in done)
    assert not any(whole.by(name) for name in refused)


def work(house: House, people: list[SubjectId], names: Iterator[str], refusals: int) -> list[str]:
    """Record until so many deeds were refused (0: a hundred); returns lines as a writer says."""
    random, said, refused = Random(), list[str](), 0
    while refused < refusals or (not refusals and len(said) < 100):
        name = next(names)
        try:
            deeds.record(house, random.choice(people), "collect", name)
            said.append(f"done {name} collect")
        except GdprkitError as error:
            refused += 1
            said.append(f"no {name} collect {error.code}")
    return said


@pytest.mark.parametrize("kind", ["sqlite", "sqlite-groups"])
@pytest.mark.parametrize("times", [2, pytest.param(100, marks=pytest.mark.long)])
def test_a_file_that_cannot_grow_loses_nothing(
    tmp_path: Path, tell: Callable[[str], None], kind: str, times: int
) -> None:
    """The file or its log reaches a limit: the commit is refused whole, and the next one works."""
    random, codes, commits = Random(), Counter[str](), 0
    for number in range(times):
        ground = Ground(kind, str(tmp_path / f"{number}.db"))
        with ground.open() as store:
            house = house_on(store)
            for person in range(5):
                deeds.add(house, f"p{person}")
        limit = random.randrange(150_000, 700_000)
        said = [line.split(" ") for line in end(start(ground, "until-full", number, limit))]
        last = {name: (word, rest) for word, name, *rest in said}
        done = {name for name, (word, rest) in last.items() if word == "done" and rest[0] != "add"}
        refused = {name for name, (word, _) in last.items() if word == "no"}
        assert len(refused) == 10
        codes.update(rest[1] for word, rest in last.values() if word == "no")
        with ground.open() as store:
            house = house_on(store)
            whole = check_whole(house)
            check_named(whole, done, refused)
            deeds.add(house, "room-again")
        commits += len(last) - len(refused)
    assert {*codes} == {"store-unavailable"}
    tell(
        f"disk full (limit of a file), {kind}: {times} stores filled: {commits:,} acknowledged"
        f" commits, all there; {codes.total():,} refused ({dict(codes)}), none stored; 0 half; each"
        " goes on when there is room"
    )


def test_a_full_disk_loses_nothing_on_sqlite(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """No byte is left: reading works, writing is refused, and the same store goes on with room."""
    names = (f"d{number}" for number in range(100_000))
    with small_disk(2) as disk:
        ground = Ground("sqlite", str(disk / "store.db"))
        with ground.open() as store:
            house = house_on(store)
            people = [deeds.add(house, f"p{number}") for number in range(5)]
            said = work(house, people, names, refusals=10)
            check_whole(house)
            subprocess.run(("mount", "-o", "remount,size=8m", str(disk)), check=True)
            said += work(house, people, names, refusals=0)
            whole = check_whole(house)
    _told(tell, "sqlite", said, whole)


def test_a_full_disk_loses_nothing_on_postgres(tell: Callable[[str], None]) -> None:
    """The disk of the server is full: writing is refused, and goes on by itself with room."""
    names = (f"d{number}" for number in range(100_000))
    with small_disk(160) as disk, running_server(place=disk) as server:
        uri = installed(server.fresh_database("full"))
        pool = ConnectionPool(uri, min_size=1, timeout=10, open=True)
        with pool, PostgresStore(pool) as store:
            house = house_on(store)
            people = [deeds.add(house, f"p{number}") for number in range(5)]
            filler = fill(disk, leave=200_000)
            said = work(house, people, names, refusals=10)
            check_whole(house)
            filler.unlink()
            said += work(house, people, names, refusals=0)
            whole = check_whole(house)
    _told(tell, "postgres", said, whole)


def _told(tell: Callable[[str], None], kind: str, said: list[str], whole: Whole) -> None:
    """Check what was said of a full disk against the store, and tell it."""
    words = [line.split(" ") for line in said]
    done = {name for word, name, *_ in words if word == "done"}
    codes = Counter(rest[0] for word, _, _, *rest in words if word == "no")
    check_named(whole, done, {name for word, name, *_ in words if word == "no"})
    assert [word for word, *_ in words[-100:]] == ["done"] * 100, "it did not go on"
    assert {*codes} == {"store-unavailable"}
    tell(
        f"disk full (small file system), {kind}: {len(done):,} acknowledged commits, all there;"
        f" {codes.total()} refused ({dict(codes)}), none stored; 0 half; the same store went on"
        " when there was room"
    )
