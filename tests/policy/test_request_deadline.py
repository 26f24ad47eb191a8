"""The deadline of a stored request: what the profile and the register give it, and late answers."""

from __future__ import annotations

from datetime import UTC, date, datetime

import attrs
import pytest
from tests.policy.support import case, sealed

from gdprkit.facts.entry import Fact
from gdprkit.facts.request import (
    HandlingBegun,
    IdentityRequested,
    RequestExtended,
    RequestFulfilled,
    RequestPartlyRefused,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
    SubjectNotIdentifiable,
)
from gdprkit.policy.case import Case
from gdprkit.policy.law import FI_2026, with_settings
from gdprkit.policy.request import answered_late, deadline_of
from gdprkit.words.identifiers import CaseId
from gdprkit.words.vocabulary import IntakeChannel, RefusalGround, Right

CASE = CaseId(sealed("request").slot)
GROUNDS = frozenset({RefusalGround.OTHERS_RIGHTS})
RECEIVED = RequestReceived(case=CASE, right=Right.ACCESS, channel=IntakeChannel.EMAIL)
BEGUN = HandlingBegun(case=CASE)
EXTENDED = RequestExtended(case=CASE, months=2, reasons="three archives")


def day(month: int, number: int, hour: int = 10) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=UTC)


def life(*facts: tuple[datetime, Fact], law: dict[str, int | str] | None = None) -> Case:
    found = case((day(2, 2), RECEIVED), *facts, at=day(12, 31))
    return attrs.evolve(found, law=with_settings(FI_2026, law or {}))


def late(*facts: tuple[datetime, Fact]) -> bool | None:
    found = life(*facts)
    return answered_late(found, found.standing.request.cases[0])


def test_the_profile_gives_months_method_and_days_of_the_house() -> None:
    """Each setting of a deadline reaches the deadline of a stored request."""
    own: dict[str, int | str] = {
        "internal_target_working_days": 5,
        "post_working_days": 1,
        "extension_months": 1,
    }
    told = attrs.evolve(EXTENDED, months=1)
    found = life((day(2, 10), told), law=own)
    counted = deadline_of(found, found.standing.request.cases[0])
    assert (counted.internal_target, counted.post_by, counted.effective_due) == (
        date(2026, 2, 9),
        date(2026, 4, 1),
        date(2026, 4, 2),
    )
    asked = IdentityRequested(case=CASE, reasonable_doubt=True, prompt=True)
    found = life((day(2, 3), asked), law={"no_answer_months": 1})
    counted = deadline_of(found, found.standing.request.cases[0])
    assert counted.no_answer_by == date(2026, 4, 2)


@pytest.mark.parametrize(
    ("ending", "by_the_month"),
    [
        (RequestFulfilled(case=CASE, sent="a"), False),
        (RequestPartlyRefused(case=CASE, sent="a", grounds=GROUNDS), True),
        (RequestRefused(case=CASE, sent="a", grounds=GROUNDS), True),
    ],
)
def test_only_an_answer_is_extended(ending: Fact, *, by_the_month: bool) -> None:
    """In the second month an extended answer is in time; a refusal, also in part, is late."""
    begun = (day(2, 3), BEGUN)
    assert late(begun, (day(3, 2), ending)) is False
    assert late(begun, (day(3, 3), ending)) is True
    assert late(begun, (day(2, 10), EXTENDED), (day(3, 3), ending)) is by_the_month
    assert late(begun, (day(2, 10), EXTENDED), (day(5, 5), ending)) is True


def test_who_cannot_be_identified_is_told_in_time() -> None:
    """That letter is a refusal; while the proof is still awaited no day for it runs."""
    ending = SubjectNotIdentifiable(case=CASE, sent="a")
    assert late((day(3, 3), ending)) is True
    asked = IdentityRequested(case=CASE, reasonable_doubt=True, prompt=True)
    assert late((day(2, 3), asked), (day(6, 3), ending)) is False


def test_dispatch_counts() -> None:
    """The answer counts when it was dispatched, not when somebody wrote that down (R-557)."""
    sent = RequestFulfilled(case=CASE, sent="a", delivered=day(3, 2, 21))
    assert late((day(2, 3), BEGUN), (day(3, 20), sent)) is False
    later = attrs.evolve(sent, delivered=day(3, 2, 22))  # midnight in Helsinki
    assert late((day(2, 3), BEGUN), (day(3, 20), later)) is True


def test_nothing_is_late_that_is_open_or_withdrawn() -> None:
    """There is no answer yet, or none is due any more."""
    assert late() is None
    assert late((day(5, 5), RequestWithdrawn(case=CASE))) is None
