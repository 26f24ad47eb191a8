"""A store full of people, and every question about them: what a damaged copy is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Final, TypeAlias

from tests.faults import deeds
from tests.keeper.support import House

from gdprkit.errors import GdprkitError
from gdprkit.words.identifiers import SubjectId

__all__ = ["PROVED", "Answer", "answers", "lead"]

_FOR_EVER: Final = datetime(9000, 1, 1, tzinfo=UTC)

#: Questions whose answer is proved as it is read: it is right, or an error says that it is not.
PROVED: Final = ("line", "standing", "ask", "read")

Answer: TypeAlias = tuple[str, object]
"""``right`` and what was answered, or ``error`` and its code."""


def lead(house: House, random: Random, *, people: int, acts: int) -> Iterator[Sequence[SubjectId]]:
    """Lead the lives of some people; gives them after each commit."""
    found: list[SubjectId] = []
    erased: set[SubjectId] = set()
    for number in range(people):
        found.append(deeds.add(house, f"p{number}"))
        yield found
    for number in range(acts):
        about = random.choice(found)
        if about in erased:
            continue
        if number % 20 == 19:
            deeds.erase(house, about, f"d{number}")
            erased.add(about)
        else:
            deeds.record(house, about, random.choice(sorted(deeds.RECORDED)), f"d{number}")
        yield found


def answers(house: House, people: Sequence[SubjectId]) -> Mapping[tuple[str, int], Answer]:
    """Ask everything; whatever is raised beside our own errors goes up."""
    keeper, store = house.keeper, house.store
    about_all: Mapping[str, Callable[[], object]] = {
        "people": lambda: list(keeper.people()),
        "waking": lambda: list(store.waking(_FOR_EVER, limit=1000)),
        "open": lambda: list(keeper.people(tag="request-open")),
        "none": lambda: list(keeper.people(tag="status:none")),
        "lines": lambda: [line.standing.position for line in store.lines()],
        "ends": lambda: [end.position for end in store.ends()],
        "suppressions": lambda: [row.hash for row in store.suppressions()],
        "tombstones": lambda: [row.mark for row in store.tombstones()],
        "epochs": lambda: [row.epoch for row in store.epochs()],
        "keys": lambda: [row.about for row in store.key_rows(limit=1000)],
        "expunged": lambda: list(store.expunged_lines()),
        "hanging": store.hanging,
    }
    about_one: Mapping[str, Callable[[int, SubjectId], object]] = {
        "line": lambda _, about: keeper.line(about),
        "standing": lambda _, about: keeper.standing(about),
        "ask": lambda _, about: house.ask(about),
        "read": lambda _, about: {f: v.reveal() for f, v in keeper.read(about).items()},
        "find": lambda number, _: keeper.find(email=deeds.email(f"p{number}")),
        "verify": lambda _, about: keeper.verify(about),
    }
    found = {(name, -1): _answer(question) for name, question in about_all.items()}
    for name, of_one in about_one.items():
        for number, about in enumerate(people):
            found[name, number] = _answer(lambda: of_one(number, about))  # noqa: B023
    return found


def _answer(question: Callable[[], object]) -> Answer:
    try:
        return "right", question()
    except GdprkitError as error:
        return "error", error.code
