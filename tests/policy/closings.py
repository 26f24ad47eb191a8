"""Closing a request of somebody's: the question in one call, and the endings it is asked of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
from tests.policy.support import START, case, customer, sealed

from gdprkit.facts.entry import Fact
from gdprkit.facts.request import (
    FieldDecision,
    HandlingBegun,
    RequestFulfilled,
    RequestPartlyRefused,
    RequestReceived,
    RequestRefused,
)
from gdprkit.policy.closing import Closing, may_close
from gdprkit.policy.decisions import Decision
from gdprkit.policy.handling import LETTER_OF_REFUSAL
from gdprkit.register.register import Register
from gdprkit.words.identifiers import CaseId, FieldId, PurposeId, SubjectId
from gdprkit.words.vocabulary import IntakeChannel, RefusalGround, Right

CARE = PurposeId("customer-care")
CASE = CaseId(sealed("request").slot)
ABOUT = SubjectId(sealed("person").slot)
VIA = IntakeChannel.EMAIL
Timed = Fact | tuple[datetime, Fact]
BEGUN = HandlingBegun(case=CASE)
AT = START + timedelta(hours=1)
NEXT = len(customer()) + 1
EMAIL = FieldId("email")


def received(right: Right, **more: Any) -> RequestReceived:
    return RequestReceived(case=CASE, right=right, channel=VIA, **more)


def decide(
    closing: Closing,
    *facts: Timed,
    right: Right = Right.ACCESS,
    life: list[Fact] | None = None,
    register: Register | None = None,
    at: datetime = AT,
    **more: Any,
) -> Decision:
    """Ask to close a request of somebody's, with what was done since."""
    line = customer() if life is None else life
    found = case(*line, received(right, **more), *facts, at=at, register=register)
    request = found.standing.request.case(CASE)
    assert request is not None
    return may_close(attrs.evolve(found, about=ABOUT), request, closing)


def codes(closing: Closing, *facts: Timed, **more: Any) -> set[str]:
    """Return why it may not be closed; empty when it may."""
    return {reason.code for reason in decide(closing, *facts, **more).against}


def met(**more: Any) -> RequestFulfilled:
    given: dict[str, Any] = {"sent": "letter-1", "delivered": AT, **more}
    given.setdefault("decisions", [FieldDecision(field=EMAIL)])
    return RequestFulfilled(case=CASE, **given)


def refused(*grounds: RefusalGround, **more: Any) -> RequestRefused:
    given: dict[str, Any] = {"sent": "letter-1", "delivered": AT, "letter": LETTER_OF_REFUSAL}
    return RequestRefused(case=CASE, grounds=grounds, **{**given, **more})


def partly(*fields: str, ground: RefusalGround, **more: Any) -> RequestPartlyRefused:
    given: dict[str, Any] = {"sent": "letter-1", "delivered": AT, "letter": LETTER_OF_REFUSAL}
    decisions = [FieldDecision(field=FieldId(f), refused=ground) for f in fields]
    return RequestPartlyRefused(
        case=CASE, grounds=[ground], decisions=decisions, **{**given, **more}
    )
