"""A process that writes through a keeper until it is killed, and tells after each commit.

Each line it prints is one word after another: ``try NAME WORD PERSON`` before a deed, ``done NAME
WORD PERSON POSITIONS`` when the commit has returned, ``no NAME WORD CODE`` when it was refused.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from tests.faults import deeds
from tests.faults.grounds import Ground
from tests.keeper.support import House, house_on

from gdprkit import data
from gdprkit.errors import GdprkitError
from gdprkit.words.identifiers import SubjectId, subject_id

__all__ = ["WORKS", "main", "say"]


def say(*words: object) -> None:
    """Print a line in one piece: it was said wholly or not at all."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def _deed(house: House, word: str, name: str, about: SubjectId) -> None:
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


def for_ever(ground: Ground, writer: str, seed: str) -> None:
    """Do deeds of every kind until somebody ends it."""
    random, number = Random(seed), 0
    say("ready")
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


WORKS: Final[Mapping[str, Callable[..., None]]] = {"for-ever": for_ever, "one-person": one_person}


def main(work: str, kind: str, address: str, *words: str) -> None:
    """Do a work on a ground."""
    WORKS[work](Ground(kind, address), *words)


if __name__ == "__main__":
    main(*sys.argv[1:])
