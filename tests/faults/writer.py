"""A process that writes through a keeper until it is killed, and tells after each commit.

Each line it prints is one word after another: ``try NAME WORD PERSON`` before a deed, ``done NAME
WORD PERSON POSITIONS`` when the commit has returned, ``no NAME WORD CODE`` when it was refused.
"""

from __future__ import annotations

import os
import resource
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import Final

from tests.faults import deeds
from tests.faults.deeds import RECORDED
from tests.faults.grounds import Ground
from tests.keeper.support import Clock, House, house_on

from gdprkit import data
from gdprkit.errors import GdprkitError
from gdprkit.storage import MemoryStore, SqliteStore
from gdprkit.words.identifiers import SubjectId, subject_id

__all__ = ["WORKS", "jump", "main", "say"]


_BEGAN: Final = Clock().now


def say(*words: object) -> None:
    """Print a line in one piece: it was said wholly or not at all."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def _deed(house: House, word: str, name: str, about: SubjectId) -> str | None:
    """Do a deed; returns the code of its refusal."""
    try:
        match word:
            case "add":
                say("done", name, word, deeds.add(house, name))
            case "erase":
                deeds.erase(house, about, name)
                say("done", name, word, about)
            case _:
                positions = deeds.record(house, about, word, name)
                say("done", name, word, about, ",".join(map(str, positions)))
    except GdprkitError as error:
        say("no", name, word, error.code)
        return error.code
    return None


def for_ever(ground: Ground, writer: str, seed: str) -> None:
    """Do deeds of every kind until somebody ends it."""
    random, number = Random(seed), 0
    say("ready", writer, os.getpid())
    with ground.open() as store:
        house = house_on(store)
        while True:
            people: Sequence[SubjectId] = sorted(house.keeper.people())
            for _ in range(10):
                number += 1
                word, name = deeds.next_word(random), f"{writer}-{number}"
                about = random.choice(people)
                say("try", name, word, about)
                _deed(house, word, name, about)


def nursery(ground: Ground) -> None:
    """Fork writers, which starts them quickly: one for each line that is read.

    A line is ``fork ADDRESS WRITER SEED``, or ``wait``: then it says ``over`` when all are dead.
    """
    with MemoryStore() as store:  # whatever is imported late is there before the first fork
        house = house_on(store)
        about = deeds.add(house, "nobody")
        for word in RECORDED:
            deeds.record(house, about, word, word)
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "wait":
            with suppress(ChildProcessError):
                while True:
                    os.wait()
            say("over")
        elif not os.fork():
            try:
                for_ever(Ground(ground.kind, rest[0]), *rest[1:])
            except BaseException:  # noqa: BLE001  # what goes wrong is told by the nursery
                traceback.print_exc()
            os._exit(1)


def one_person(ground: Ground, writer: str, person: str, times: str) -> None:
    """Record a number of times about one person, again and again until each is stored."""
    about = subject_id(person)
    with ground.open() as store:
        house = house_on(store)
        say("ready")
        sys.stdin.readline()
        for number in range(int(times)):
            name = f"{writer}-{number}"
            while (position := _recorded(house, about, name)) is None:
                pass
            say("done", name, position)


def _recorded(house: House, about: SubjectId, name: str) -> int | None:
    """Record once and return where; None when it is to be tried again."""
    try:
        done = house.keeper.record(about, data.give_notice("v7"), key=name, by=name)
    except GdprkitError as error:
        if not error.retryable:
            raise
        say("again", name, error.code)
        return None
    return done.positions[0]


def until_full(ground: Ground, seed: str, largest: str) -> None:
    """Do deeds until the file may not grow any more, and some more; then say so."""
    random, number, refused = Random(seed), 0, 0
    with ground.open() as store:
        assert isinstance(store, SqliteStore)
        house = house_on(store)
        people = sorted(house.keeper.people())
        # as if the disk were full: a write that goes beyond fails
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
        while refused < 10:
            number += 1
            word, name = random.choice(("add", *RECORDED)), f"full-{number}"
            about = random.choice(people)
            say("try", name, word, about)
            refused += _deed(house, word, name, about) is not None
            if number % 40 == 0:
                with suppress(GdprkitError):  # the file itself is to grow too
                    store.settle()


def jumping(ground: Ground, writer: str, seed: str, times: str) -> None:
    """Do deeds while the clock jumps back and forth, by days and by microseconds."""
    random = Random(seed)
    with ground.open() as store:
        house = house_on(store)
        people = sorted(house.keeper.people())
        say("ready")
        sys.stdin.readline()
        for number in range(int(times)):
            house.clock.now = jump(random, house.clock.now)
            word, name = random.choice(sorted(RECORDED)), f"{writer}-{number}"
            about = random.choice(people)
            while _deed(house, word, name, about) == "position-taken":
                pass  # others were first eight times


def jump(random: Random, now: datetime) -> datetime:
    """Return another moment: days from where clocks began, or microseconds from *now*."""
    if random.random() < 0.5:
        return _BEGAN + timedelta(days=random.randint(-20, 20))
    return now + timedelta(microseconds=random.randint(-20, 20))


WORKS: Final[Mapping[str, Callable[..., None]]] = {
    "jumping": jumping,
    "nursery": nursery,
    "one-person": one_person,
    "until-full": until_full,
}


def main(work: str, kind: str, address: str, *words: str) -> None:
    """Do a work on a ground."""
    WORKS[work](Ground(kind, address), *words)


if __name__ == "__main__":
    main(*sys.argv[1:])
