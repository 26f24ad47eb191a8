"""The people the benchmarks are about: fictional company contacts in the example register.

They wrote through a form and no connection has begun, so a request for erasure leaves nothing.
Every other one has agreed to the newsletter. Clock and content are fixed, so that a duty done twice
from the same file gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, final

import attrs

from gdprkit import Keyring, RecordKeeper, Register, consent
from gdprkit.acts.act import Act
from gdprkit.keeper.values import NewPerson
from gdprkit.storage.protocol import Batch, Store
from gdprkit.words.identifiers import NoticeId, SubjectId

__all__ = [
    "ADDED",
    "FACTS",
    "NOW",
    "Dry",
    "consent_act",
    "fields_of",
    "keeper_on",
    "load_register",
    "move_in",
    "person",
    "read_up",
    "settle_in",
]

ADDED: Final = datetime(2026, 5, 4, 9, tzinfo=UTC)
"""When everybody was added."""
NOW: Final = ADDED + timedelta(days=10)
"""When every duty is done."""
FACTS: Final = 20
"""Entries on the line of somebody who is asked about."""

_REGISTER: Final = Path(__file__).parents[2] / "docs" / "examples" / "jot" / "register.toml"
_TOGETHER: Final = 500  # people in one commit while moving in


@attrs.define
class _Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


def load_register() -> Register:
    """Return the example register."""
    return Register.load(_REGISTER)


def keeper_on(store: Store, keys: Keyring, register: Register, at: datetime = NOW) -> RecordKeeper:
    """Return a keeper whose clock stands still."""
    return RecordKeeper(register, store=store, keys=keys, clock=_Clock(at))


def consent_act(at: datetime | None = None) -> Act:
    """Return the act that is recorded: a newsletter consent by double opt-in."""
    evidence = consent.ConsentEvidence(
        notice=NoticeId("v7"),
        notice_sha256="7" * 64,
        language="en",
        wording="Yes, send me the newsletter by e-mail. I can stop it in every message.",
        method=consent.ConsentMethod.DOUBLE_OPT_IN,
        captured_by="web-form-newsletter",
        default_off=True,
        separate=True,
        withdrawal_told=True,
        conditional_on_service=False,
        proof=("mail-4711",),
    )
    return consent.give("newsletter", evidence=evidence, channels=["email"], at=at)


def move_in(keeper: RecordKeeper, people: int) -> tuple[Sequence[SubjectId], Sequence[SubjectId]]:
    """Add *people* and return those who have agreed to the newsletter and those who have not."""
    ids = settle_in(keeper, people)
    return ids[1::2], ids[::2]


def settle_in(keeper: RecordKeeper, people: int, *, agreed: bool | None = None) -> list[SubjectId]:
    """Add *people*; every other one has agreed to the newsletter, unless *agreed* says of all."""
    ids: list[SubjectId] = []
    for start in range(0, people, _TOGETHER):
        numbers = range(start, min(people, start + _TOGETHER))
        ids += keeper.add_people(
            [person(n, agreed=n % 2 == 1 if agreed is None else agreed) for n in numbers]
        )
    return ids


def read_up(keeper: RecordKeeper, people: Sequence[SubjectId]) -> None:
    """Let people change their minds until their lines have twenty entries and end with a yes."""
    work = []
    for about in people:
        left = FACTS - len(keeper.line(about))
        moments = [ADDED + timedelta(hours=1 + number) for number in range(left)]
        yes = [(left - number) % 2 == 1 for number in range(left)]
        work.append((about, [_word(said, at) for said, at in zip(yes, moments, strict=True)]))
    for start in range(0, len(work), _TOGETHER):
        keeper.record_many(work[start : start + _TOGETHER])


def _word(yes: bool, at: datetime) -> Act:
    if yes:
        return consent_act(at)
    return consent.withdraw("newsletter", via="email", channels=["email"], at=at)


@final
class Dry:
    """A store that keeps what is committed, to learn it; nothing is stored unless *through*."""

    def __init__(self, store: Store, *, through: bool = False) -> None:
        self._store = store
        self._through = through
        self.batches: list[Batch] = []

    def commit(self, *batches: Batch) -> None:
        """Remember what comes."""
        self.batches.extend(batches)
        if self._through:
            self._store.commit(*batches)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def fields_of(number: int) -> dict[str, str]:
    """Return what somebody new tells of themselves."""
    return {
        "name": f"Contact Person {number}",
        "email": f"contact.{number}@example.com",
        "phone": f"+3584055{number:06d}",
        "company": f"Example Company {number % 97} Ltd",
    }


def person(number: int, *, agreed: bool) -> NewPerson:
    """Return somebody new."""
    return NewPerson(
        kind="company-contact",
        fields=fields_of(number),
        source="contact-form",
        notice="v7",
        acts=(consent_act(),) if agreed else (),
    )
