"""What a writing process does: each deed is one commit that carries its own name.

Always true: a deed is made of its word and its name alone, so whoever comes later can look for it
in the store, and do it again under the same idempotency key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from tests.keeper.support import House, evidence

from gdprkit import consent, data, marketing, requests, retention
from gdprkit.acts.act import Act
from gdprkit.words.identifiers import SubjectId

__all__ = ["RECORDED", "acts", "add", "email", "erase", "next_word", "record"]

_TITLE: Final = "made up title "

#: Word of a deed -> the acts it records in one commit: several entries, values and marks each.
RECORDED: Final[Mapping[str, Callable[[str], Sequence[Act]]]] = {
    "consent": lambda name: (
        consent.give("newsletter", evidence=evidence(captured_by=name)),
        data.collect({"title": _TITLE + name}, source="contact-form"),
    ),
    "stop": lambda name: (marketing.object_to(via="email"), data.give_notice("v7")),
    "collect": lambda name: (
        data.collect({"title": _TITLE + name, "name": "Anna Example"}, source="contact-form"),
        data.give_notice("v7"),
    ),
    "request": lambda name: (requests.receive(right="access", channel="email", text=name),),
}


def next_word(random: Random) -> str:
    """Return the word of the next deed: people come often, and few are erased."""
    return random.choices(("add", *RECORDED, "erase"), (4, 4, 2, 4, 2, 1))[0]


def email(name: str) -> str:
    """Return the address of the person whom the deed *name* adds."""
    return f"{name}@example.com"


def add(house: House, name: str) -> SubjectId:
    """Add a person of this name."""
    return house.plain(email=email(name))


def acts(word: str, name: str) -> Sequence[Act]:
    """Return the acts of a deed that records."""
    return RECORDED[word](name)


def record(house: House, about: SubjectId, word: str, name: str) -> tuple[int, ...]:
    """Record the acts of a deed in one commit; returns the positions of their entries."""
    return house.keeper.record(about, *acts(word, name), key=name, by=name).positions


def erase(house: House, about: SubjectId, name: str) -> None:
    """Erase a person in one commit."""
    plan = house.keeper.plan(about, retention.erasure(reason="unlawful", reference=name))
    house.keeper.apply(plan, approve=plan.digest, by=name)
