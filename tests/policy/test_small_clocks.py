"""The steps of a stored request, the month of Art. 14 and the hours of a breach, part by part."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from tests.policy.support import case, sealed, with_notice

from gdprkit.errors import InvalidValue
from gdprkit.facts.data import DataCollected, SubjectAdded
from gdprkit.facts.entry import Fact
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.request import (
    ClarificationReceived,
    ClarificationRequested,
    HandlingBegun,
    IdentityConfirmed,
    IdentityInsufficient,
    IdentityRequested,
    RequestAcknowledged,
    RequestExtended,
    RequestFulfilled,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
)
from gdprkit.policy.breach import BreachClock, breach_clock, explain_breach, processor_tells_by
from gdprkit.policy.case import Case
from gdprkit.policy.clock import Answered, Asked, ClockEvent, Extended
from gdprkit.policy.deadline_steps import Question
from gdprkit.policy.deadlines import HouseDays, deadline
from gdprkit.policy.informing import notice_month
from gdprkit.policy.law import FI_2026, ExtensionMethod
from gdprkit.policy.request import answered_late, deadline_of
from gdprkit.words.holidays import FINLAND, NO_HOLIDAYS
from gdprkit.words.identifiers import CaseId, NoticeId, SourceId
from gdprkit.words.vocabulary import IntakeChannel, RefusalGround, Right, SubjectKind

CASE = CaseId(sealed("request").slot)
HELSINKI = ZoneInfo("Europe/Helsinki")
IDENTITY, CLARIFICATION = Question.IDENTITY, Question.CLARIFICATION
RECEIVED = RequestReceived(case=CASE, right=Right.ACCESS, channel=IntakeChannel.EMAIL)
HOUSE = HouseDays(
    target_working_days=FI_2026.internal_target_working_days,
    post_working_days=FI_2026.post_working_days,
    no_answer_months=FI_2026.no_answer_months,
)


def day(month: int, number: int, hour: int = 10) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=UTC)


def life(*facts: tuple[datetime, Fact], **law: Any) -> Case:
    found = case((day(2, 2), RECEIVED), *facts, at=day(12, 31))
    return attrs.evolve(found, law=attrs.evolve(FI_2026, **law))


# --- a stored request ----------------------------------------------------------------------------

DOUBT = IdentityRequested(case=CASE, reasonable_doubt=True, prompt=True)
UNCLEAR = ClarificationRequested(case=CASE, large_volume=True, prompt=True)


def asked(when: datetime, question: Question = IDENTITY, **more: bool) -> Asked:
    return Asked(question=question, at=when, **{"prompt": True, "grounded": True, **more})


def both_answered(when: datetime) -> list[ClockEvent]:
    return [Answered(question=question, at=when) for question in Question]


@pytest.mark.parametrize(
    ("facts", "events"),
    [
        ([(day(2, 3), DOUBT)], [asked(day(2, 3))]),
        (
            [(day(2, 3), attrs.evolve(DOUBT, reasonable_doubt=False))],
            [asked(day(2, 3), grounded=False)],
        ),
        ([(day(2, 3), attrs.evolve(DOUBT, prompt=False))], [asked(day(2, 3), prompt=False)]),
        ([(day(2, 3), UNCLEAR)], [asked(day(2, 3), CLARIFICATION)]),
        (
            [(day(2, 3), attrs.evolve(UNCLEAR, large_volume=False))],
            [asked(day(2, 3), CLARIFICATION, grounded=False)],
        ),
        (
            [(day(2, 3), DOUBT), (day(2, 9), IdentityConfirmed(case=CASE))],
            [asked(day(2, 3)), Answered(question=IDENTITY, at=day(2, 9))],
        ),
        (
            [(day(2, 3), UNCLEAR), (day(2, 9), ClarificationReceived(case=CASE))],
            [asked(day(2, 3), CLARIFICATION), Answered(question=CLARIFICATION, at=day(2, 9))],
        ),
        ([(day(2, 3), DOUBT), (day(2, 9), IdentityInsufficient(case=CASE))], [asked(day(2, 3))]),
        (
            [(day(2, 3), DOUBT), (day(2, 4), UNCLEAR), (day(2, 9), HandlingBegun(case=CASE))],
            [asked(day(2, 3)), asked(day(2, 4), CLARIFICATION), *both_answered(day(2, 9))],
        ),
        (
            [(day(2, 9), RequestExtended(case=CASE, months=1, reasons="three archives"))],
            [Extended(at=day(2, 9), months=1, reasons=True)],
        ),
        ([(day(2, 3), RequestAcknowledged(case=CASE))], []),
    ],
    ids=[
        "identity",
        "without doubt",
        "not prompt",
        "clarification",
        "little data",
        "confirmed",
        "clarified",
        "insufficient",
        "begun",
        "extended",
        "acknowledged",
    ],
)
def test_each_step_moves_the_clock_as_its_event(
    facts: list[tuple[datetime, Fact]], events: list[ClockEvent]
) -> None:
    """A stored request is counted as its steps happened, and nothing else moves it (R-553)."""
    found = life(*facts)
    (request,) = found.standing.request.cases
    assert deadline_of(found, request) == deadline(
        day(2, 2), zone=HELSINKI, holidays=FINLAND, events=events, house=HOUSE
    )


def test_every_number_of_a_deadline_is_the_profiles() -> None:
    """Months, their extension and the way to count it come from the law in force (R-558)."""
    chained = {"extension_method": ExtensionMethod.CHAINED_MIN, "answer_months": 2}
    told = RequestExtended(case=CASE, months=2, reasons="three archives")
    found = life((day(2, 9), told), **chained)
    (request,) = found.standing.request.cases
    assert deadline_of(found, request) == deadline(
        day(2, 2),
        zone=HELSINKI,
        holidays=FINLAND,
        events=[Extended(at=day(2, 9), months=2, reasons=True)],
        months=2,
        extended_months=4,
        method=ExtensionMethod.CHAINED_MIN,
        house=HOUSE,
    )
    abroad = attrs.evolve(found.register.controller, zone="Europe/Stockholm", holidays="NONE")
    moved = attrs.evolve(found, register=attrs.evolve(found.register, controller=abroad))
    assert deadline_of(moved, request) == deadline(
        day(2, 2),
        zone=ZoneInfo("Europe/Stockholm"),
        holidays=NO_HOLIDAYS,
        events=[Extended(at=day(2, 9), months=2, reasons=True)],
        months=2,
        extended_months=4,
        method=ExtensionMethod.CHAINED_MIN,
        house=HOUSE,
    )


@pytest.mark.parametrize(
    ("ending", "late"),
    [
        (RequestFulfilled(case=CASE, sent="a"), True),
        (
            RequestRefused(case=CASE, sent="a", grounds=frozenset({RefusalGround.OTHERS_RIGHTS})),
            True,
        ),
        (RequestWithdrawn(case=CASE), None),
    ],
)
def test_an_ending_after_the_month_is_late_unless_the_person_took_it_back(
    ending: Fact, late: bool | None
) -> None:
    """Who withdrew a request waits for nothing (R-557)."""
    found = life((day(2, 3), HandlingBegun(case=CASE)), (day(3, 3), ending))
    (request,) = found.standing.request.cases
    assert answered_late(found, request) is late


# --- the month of Art. 14 ------------------------------------------------------------------------


def collected(source: str) -> DataCollected:
    return DataCollected(values=[sealed("email")], source=SourceId(source))


def told(notice: str = "v7-14") -> NoticeGiven:
    return NoticeGiven(notice=NoticeId(notice))


def test_the_month_for_telling_is_counted_as_that_of_a_request() -> None:
    """By zone, holidays and months of the controller and the law, and nothing extends it."""
    for months in (1, 2):
        found = case((day(1, 30), collected("employer")), at=day(12, 31))
        found = attrs.evolve(found, law=attrs.evolve(FI_2026, notice_months=months))
        month = notice_month(found)
        assert month is not None
        assert month.told_at is None
        assert month.deadline == deadline(
            day(1, 30), zone=HELSINKI, holidays=FINLAND, months=months, extended_months=months
        )


def test_what_the_person_gave_first_does_not_start_the_month() -> None:
    """Only what came from elsewhere counts, and the first of it."""
    found = case(
        (day(1, 5), SubjectAdded(kind=SubjectKind.CONSUMER, source=SourceId("contact-form"))),
        (day(1, 10), collected("contact-form")),
        (day(1, 30), collected("trade-register")),
        (day(1, 30), collected("employer")),
        at=day(12, 31),
    )
    month = notice_month(found)
    assert month is not None
    assert month.obtained_at == day(1, 30)


def test_of_two_sources_at_once_the_first_on_the_line_has_to_be_named() -> None:
    """What was obtained together has one month, and the order of the line settles whose."""
    of_the_register = with_notice("v7-14", sources={"trade-register"})
    line = case(
        (day(1, 30), collected("trade-register")),
        (day(1, 30), collected("employer")),
        (day(2, 2), told()),
        at=day(12, 31),
        register=of_the_register,
    )
    month = notice_month(line)
    assert month is not None
    assert month.told_at == day(2, 2)


def test_the_first_notice_that_names_the_source_ends_the_month() -> None:
    """One that nobody declared and one for other sources do not; a second one is not counted."""
    start = (day(1, 30), collected("employer"))
    found = case(
        start,
        (day(2, 1), told("v0")),
        (day(2, 2), told("v7")),
        (day(2, 3), told()),
        (day(2, 4), told()),
        at=day(12, 31),
    )
    month = notice_month(found)
    assert month is not None
    assert month.told_at == day(2, 3)
    others = case(
        start, (day(2, 3), told()), at=day(12, 31), register=with_notice("v7-14", sources=())
    )
    month = notice_month(others)
    assert month is not None
    assert month.told_at is None
    assert month.is_overdue(day(3, 3))


# --- the hours of a breach -----------------------------------------------------------------------


def test_both_readings_of_the_hours() -> None:
    """Seventy-two from awareness, and from the next full hour; seconds are not lost (R-570)."""
    aware = datetime(2026, 3, 9, 12, 17, 30, 5, tzinfo=HELSINKI)
    assert breach_clock(aware) == BreachClock(
        aware_at=datetime(2026, 3, 9, 10, 17, 30, 5, tzinfo=UTC),
        hours=72,
        strict=datetime(2026, 3, 12, 10, 17, 30, 5, tzinfo=UTC),
        outer=datetime(2026, 3, 12, 11, tzinfo=UTC),
    )
    full = breach_clock(datetime(2026, 3, 9, 10, tzinfo=UTC))
    assert full.outer - full.strict == timedelta(hours=1)
    assert [str(place) for place in full.citations] == [
        "GDPR Art. 33(1)",
        "Reg. 1182/71 Art. 3(1)",
        "Reg. 1182/71 Art. 3(2)(a)",
    ]
    known = processor_tells_by(aware, law=attrs.evolve(FI_2026, processor_tells_hours=10))
    assert known == datetime(2026, 3, 9, 20, 17, 30, 5, tzinfo=UTC)
    assert known.tzinfo is UTC


def test_words_of_a_breach_are_for_the_reader_asked_for() -> None:
    """Every choice reaches the words: language, reader, zone and the moment looked at."""
    clock = breach_clock(datetime(2026, 3, 9, 10, 17, tzinfo=UTC))
    over = clock.outer + timedelta(hours=1)
    texts = {
        explain_breach(clock, zone=HELSINKI),
        explain_breach(clock, "fi", zone=HELSINKI),
        explain_breach(clock, "en", "person", zone=HELSINKI),
        explain_breach(clock, zone=ZoneInfo("UTC")),
        explain_breach(clock, zone=HELSINKI, at=over),
    }
    assert len(texts) == 5
    assert explain_breach(clock, "en", "controller", zone=HELSINKI) in texts
    assert explain_breach(clock, zone=HELSINKI, at=clock.aware_at) in texts
    for language, reader in (("de", "controller"), ("en", "judge")):
        with pytest.raises(InvalidValue):
            explain_breach(clock, language, reader, zone=HELSINKI)  # type: ignore[arg-type]
