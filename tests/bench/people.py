"""The people the benchmarks are about: fictional company contacts in the example register.

They wrote through a form and no connection has begun, so a request for erasure leaves nothing.
Every other one has agreed to the newsletter. Clock and content are fixed, so that a duty done twice
from the same file gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import attrs

from gdprkit import Keyring, RecordKeeper, Register, consent
from gdprkit.acts.act import Act
from gdprkit.keeper.values import NewPerson
from gdprkit.storage.protocol import Store
from gdprkit.words.identifiers import NoticeId, SubjectId

__all__ = ["ADDED", "NOW", "consent_act", "keeper_on", "load_register", "move_in"]

ADDED: Final = datetime(2026, 5, 4, 9, tzinfo=UTC)
"""When everybody was added."""
NOW: Final = ADDED + timedelta(days=10)
"""When every duty is done."""

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
    agreed: list[SubjectId] = []
    silent: list[SubjectId] = []
    for start in range(0, people, _TOGETHER):
        numbers = range(start, min(people, start + _TOGETHER))
        ids = keeper.add_people([_person(number) for number in numbers])
        for number, about in zip(numbers, ids, strict=True):
            (agreed if number % 2 else silent).append(about)
    return agreed, silent


def _person(number: int) -> NewPerson:
    return NewPerson(
        kind="company-contact",
        fields={
            "name": f"Contact Person {number}",
            "email": f"contact.{number}@example.com",
            "phone": f"+3584055{number:06d}",
            "company": f"Example Company {number % 97} Ltd",
        },
        source="contact-form",
        notice="v7",
        acts=(consent_act(),) if number % 2 else (),
    )
