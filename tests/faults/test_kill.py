"""kill -9 of writing processes at random moments: what was acknowledged is there, nothing half."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import pytest
from tests.faults import deeds
from tests.faults.grounds import Ground
from tests.faults.processes import end, start
from tests.faults.whole import Whole, check_whole
from tests.keeper.support import House, house_on

from gdprkit.keeper.line import key_hash, reopened
from gdprkit.storage import SqliteStore
from gdprkit.words.identifiers import subject_id

#: Kills that one store has to bear before a new one is made.
_LIVES: Final = 20

ENDS: Final = ("try", "done", "no")

#: Seconds within which a writer is killed.
_LIFE: Final = 0.4


def kill(nursery: subprocess.Popen[str], count: int, random: Random) -> list[str]:
    """Kill so many writers, each at a moment of its own, and return what they said."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    writers, said = list[int](), list[str]()
    # a quarter dies while the store is being opened
    at_work = random.random() < 0.75
    while len(writers) < count or (at_work and not any(w.startswith("done") for w in said)):
        word, *rest = nursery.stdout.readline().split()
        if word == "ready":
            writers.append(int(rest[1]))
        else:
            said.append(" ".join((word, *rest)))
    begun = time.monotonic()
    for moment, writer in sorted((random.uniform(0, _LIFE), writer) for writer in writers):
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        os.kill(writer, signal.SIGKILL)
    nursery.stdin.write("wait\n")
    nursery.stdin.flush()
    said.extend(line.strip() for line in iter(nursery.stdout.readline, "over\n"))
    return said


def check_done(house: House, whole: Whole, line: str) -> None:
    """Check that an acknowledged deed is there, wholly and once."""
    _, name, word, person, *more = line.split(" ")
    about, there = subject_id(person), whole.by(name)
    if word == "add":
        assert about in whole.lines
        erased = house.keeper.standing(about).data.erased_at
        assert erased or house.keeper.find(email=deeds.email(name)) == (about,)
    elif word == "erase":
        # two that plan it at once both find it done, whoever wrote it
        assert house.keeper.standing(about).data.erased_at
    else:
        assert there == [(about, int(position)) for position in more[0].split(",")]


def is_stored(house: House, whole: Whole, name: str, word: str, person: str) -> bool:
    """Do an unacknowledged deed again, and return whether it was stored: then it is not doubled."""
    about, there = subject_id(person), whole.by(name)
    if word == "add":
        return bool(house.keeper.find(email=deeds.email(name)))
    if word == "erase":
        return bool(there)
    acts = deeds.acts(word, name)
    first = house.store.receipt(about, key_hash(name, acts))
    assert (first is not None) == bool(there)
    if there:
        assert len(there) >= len(acts)
        assert there[0] == (about, first)
        # a stop is said anew where a consent came since: no stop is swallowed
        anew = first is not None and reopened(house.store, about, acts, first)
        again = house.keeper.record(about, *acts, key=name, by=name)
        assert again.repeated is not anew
        assert anew or again.positions == (first,)
    return bool(there)


@pytest.mark.parametrize("times", [16, pytest.param(500, marks=pytest.mark.long)])
def test_a_killed_writer_loses_nothing_and_leaves_nothing_half(
    any_ground: Callable[[], Ground], tell: Callable[[str], None], times: int
) -> None:
    """Acknowledged commits are all there, others wholly or not at all, whenever writers die."""
    random, found = Random(), Counter[str]()
    nursery = start(any_ground(), "nursery")
    assert nursery.stdin is not None
    while found["tried"] < times:
        ground = any_ground()
        with ground.open() as store:
            house = house_on(store)
            for number in range(3):
                deeds.add(house, f"first-{number}")
        lives, done = 0, list[str]()
        while lives < _LIVES and found["tried"] < times:
            together = min(random.choice((1, 1, 2, 4)), times - found["tried"])
            for _ in range(together):
                lives += 1
                nursery.stdin.write(f"fork {ground.address} w{lives} {random.random()}\n")
            nursery.stdin.flush()
            found["tried"] += together
            said = kill(nursery, together, random)
            last = {line.split(" ")[1]: line for line in said}
            assert all(line.startswith(ENDS) for line in last.values())
            by_end = {end: [line for line in last.values() if line.startswith(end)] for end in ENDS}
            done.extend(by_end["done"])
            ground.quiet()
            with ground.open() as store:
                house = house_on(store)
                whole = check_whole(house)
                for line in done:
                    check_done(house, whole, line)
                assert not any(whole.by(line.split(" ")[1]) for line in by_end["no"])
                unsaid = [is_stored(house, whole, *line.split(" ")[1:]) for line in by_end["try"]]
            found["unacknowledged"] += len(unsaid)
            found["stored"] += sum(unsaid)
            found["refused"] += len(by_end["no"])
        found["stores"] += 1
        found["entries"] += whole.entries
        found["acknowledged"] += len(done)
    nursery.stdin.close()
    assert not end(nursery)
    assert found["acknowledged"]
    tell(
        f"kill -9, {ground.kind}: {found['tried']} writers killed, all {found['stores']} stores"
        f" whole after each ({found['entries']:,} entries): {found['acknowledged']:,} acknowledged"
        f" commits, all there; 0 half; {found['unacknowledged']} unacknowledged,"
        f" {found['stored']} of them stored whole; {found['refused']} refused"
    )


def test_a_store_whose_checkpoint_was_broken_off_opens(tmp_path: Path) -> None:
    """Killed while the log moved into the file: the file alone looks damaged, and is not."""
    path, copy = tmp_path / "whole.db", tmp_path / "copy.db"
    with SqliteStore(path) as store:
        house = house_on(store)
        deeds.add(house, "first")
        store.settle()
        before = path.read_bytes()
        for number in range(20):
            deeds.add(house, f"p{number}")
        log = path.with_name("whole.db-wal").read_bytes()
        people = list(house.keeper.people())
        store.settle()
        after = path.read_bytes()
    assert len(after) > len(before)
    page = 4096  # the first page came, which says how many there are; the others did not
    copy.write_bytes(after[:page] + before[page:])
    copy.with_name("copy.db-wal").write_bytes(log)
    with SqliteStore(copy) as store:
        house = house_on(store)
        assert list(house.keeper.people()) == people
        check_whole(house)
