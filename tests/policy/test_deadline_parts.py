"""Every part of a deadline: its ends, the moments that close them, its steps (R-550 to R-559)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gdprkit.errors import InvalidValue
from gdprkit.policy.clock import Answered, Asked, ClockEvent, Extended
from gdprkit.policy.deadline_steps import (
    Added,
    Closed,
    Counted,
    Judged,
    Limit,
    Moved,
    Open,
    Paused,
    Promised,
    Question,
)
from gdprkit.policy.deadlines import (
    Deadline,
    deadline,
    explain_deadline,
)
from gdprkit.policy.law import ExtensionMethod
from gdprkit.words.holidays import FINLAND, NO_HOLIDAYS

HELSINKI = ZoneInfo("Europe/Helsinki")
IDENTITY, CLARIFICATION = Question.IDENTITY, Question.CLARIFICATION
NAIVE = datetime(2026, 2, 2, 12)  # noqa: DTZ001


def at(day: int, month: int = 2, hour: int = 12, **more: int) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=HELSINKI, **more)


def asked(when: datetime, question: Question = IDENTITY, **more: bool) -> Asked:
    return Asked(question=question, at=when, **{"prompt": True, "grounded": True, **more})


def answered(when: datetime, question: Question = IDENTITY) -> Answered:
    return Answered(question=question, at=when)


def extended(when: datetime, **more: Any) -> Extended:
    return Extended(at=when, **{"months": 2, "reasons": True, **more})


def of(*events: ClockEvent, received: datetime | None = None, **more: Any) -> Deadline:
    return deadline(received or at(2), zone=HELSINKI, holidays=FINLAND, events=events, **more)


def test_months_that_do_not_grow_say_what_to_give() -> None:
    """The error names the field, what is wrong and what helps."""
    for months, longest in ((0, 3), (3, 2)):
        with pytest.raises(InvalidValue) as caught:
            of(months=months, extended_months=longest)
        assert str(caught.value) == (
            "months do not grow; give 1 or more, and no less when extended"
        )
    assert of(months=3, extended_months=3).due == of(months=3, extended_months=3).extended_due


def test_every_part_of_a_plain_deadline() -> None:
    """The days, the moments that close them and the steps that led there."""
    found = of(received=at(14, 1))  # Wednesday; 14 February is a Saturday
    monday, closes = date(2026, 2, 16), datetime(2026, 2, 16, 22, tzinfo=UTC)
    assert found == Deadline(
        receipt_date=date(2026, 1, 14),
        safe_due=monday,
        suspended_days=0,
        state=found.state,
        due=monday,
        extended_due=date(2026, 4, 14),
        extension_valid=None,
        extension_problem=None,
        promised_due=None,
        effective_due=monday,
        effective_end=closes,
        due_end=closes,
        safe_end=closes,
        steps=(
            Counted(limit=Limit.DUE, months=1, start=date(2026, 1, 14), end=date(2026, 2, 14)),
            Moved(
                limit=Limit.DUE,
                start=date(2026, 2, 14),
                end=monday,
                holidays=frozenset(),
                calendar=FINLAND.name,
            ),
            Closed(due=monday, zone="Europe/Helsinki"),
        ),
    )
    assert (found.state, found.state.value) == ("running", "running")


def test_every_part_of_a_suspended_and_extended_deadline() -> None:
    """Three ends are counted apart, each with the days added and its own move (R-558)."""
    found = of(asked(at(3)), answered(at(10)), extended(at(9, 3), months=1))
    assert (found.suspended_days, found.due, found.safe_due) == (
        7,
        date(2026, 3, 9),
        date(2026, 3, 2),
    )
    assert (found.extended_due, found.effective_due) == (date(2026, 5, 11), date(2026, 5, 11))
    assert (found.due_end, found.safe_end, found.effective_end) == (
        datetime(2026, 3, 9, 22, tzinfo=UTC),
        datetime(2026, 3, 2, 22, tzinfo=UTC),
        datetime(2026, 5, 11, 21, tzinfo=UTC),
    )
    assert (found.extension_valid, found.extension_problem) == (True, None)
    assert found.promised_due == date(2026, 4, 9)
    receipt = date(2026, 2, 2)
    assert found.steps == (
        Paused(start=date(2026, 2, 3), end=date(2026, 2, 10)),
        Counted(limit=Limit.DUE, months=1, start=receipt, end=date(2026, 3, 2)),
        Added(limit=Limit.DUE, days=7, start=date(2026, 3, 2), end=date(2026, 3, 9)),
        Counted(limit=Limit.SAFE, months=1, start=receipt, end=date(2026, 3, 2)),
        Judged(told=date(2026, 3, 9), in_force=date(2026, 3, 9), problem=None, after_safe=True),
        Counted(limit=Limit.EXTENDED, months=3, start=receipt, end=date(2026, 5, 2)),
        Added(limit=Limit.EXTENDED, days=7, start=date(2026, 5, 2), end=date(2026, 5, 9)),
        Moved(
            limit=Limit.EXTENDED,
            start=date(2026, 5, 9),
            end=date(2026, 5, 11),
            holidays=frozenset(),
            calendar=FINLAND.name,
        ),
        Promised(day=date(2026, 4, 9)),
        Closed(due=date(2026, 5, 11), zone="Europe/Helsinki"),
    )
    assert found.rules == ("R-550", "R-553", "R-551", "R-559", "R-555", "R-557")


def test_every_part_of_a_deadline_that_stands_still() -> None:
    """Only the safe date is left, with what is awaited since when (R-554)."""
    found = of(asked(at(3)), extended(at(9), months=1))
    assert (found.due, found.extended_due, found.promised_due) == (None, None, None)
    assert (found.effective_due, found.effective_end, found.due_end) == (None, None, None)
    assert (found.suspended_days, found.state) == (None, "suspended")
    assert found.steps == (
        Counted(limit=Limit.SAFE, months=1, start=date(2026, 2, 2), end=date(2026, 3, 2)),
        Open(questions=(IDENTITY,), since=date(2026, 2, 3)),
        Judged(told=date(2026, 2, 9), in_force=None, problem=None, after_safe=False),
    )


def test_a_chained_extension_is_the_earlier_of_both_counts() -> None:
    """Counted on from the first end it starts there, and only where that is no later (R-558)."""
    chained = {"method": ExtensionMethod.CHAINED_MIN}
    told = extended(at(5))
    found = of(told, received=datetime(2026, 1, 31, 12, tzinfo=HELSINKI), **chained)
    counted = [step for step in found.steps if isinstance(step, Counted)]
    assert counted[-1] == Counted(
        limit=Limit.EXTENDED, months=2, start=date(2026, 2, 28), end=date(2026, 4, 28)
    )
    same = of(told, received=at(2), **chained)
    assert same == of(told, received=at(2))


def test_public_holidays_on_the_way_are_named() -> None:
    """Good Friday and Easter Monday are holidays, the days between a weekend (R-555)."""
    found = of(received=at(3, 3))
    (move,) = (step for step in found.steps if isinstance(step, Moved))
    assert move.holidays == {date(2026, 4, 3), date(2026, 4, 6)} | {
        day for day in (date(2026, 4, 5),) if FINLAND.is_holiday(day)
    }
    assert (move.start, move.end) == (date(2026, 4, 3), date(2026, 4, 7))
    bare = deadline(at(3, 3), zone=HELSINKI, holidays=NO_HOLIDAYS)
    assert not [step for step in bare.steps if isinstance(step, Moved)]


def test_a_promised_day_counts_where_it_is_earlier() -> None:
    """Of fewer months and a day the earlier is promised; one on the legal end promises nothing."""
    fewer = extended(at(9), months=1, promised=date(2026, 4, 1))
    assert of(fewer).promised_due == date(2026, 4, 1)
    assert of(extended(at(9), promised=date(2026, 5, 4))).promised_due is None
    assert of(extended(at(9), promised=date(2026, 5, 3))).promised_due == date(2026, 5, 3)
    invalid = extended(at(9), months=1, reasons=False)
    assert of(invalid).promised_due is None


def test_lateness_is_told_in_days_of_the_controllers_zone() -> None:
    """At the end itself nothing is late; half past midnight it is by a day (R-557)."""
    found = of()
    late = datetime(2026, 3, 2, 22, tzinfo=UTC)
    quiet = explain_deadline(found)
    assert explain_deadline(found, at=late - timedelta(microseconds=1)) == quiet
    one, two = (explain_deadline(found, at=late + timedelta(days=days)) for days in (0, 1))
    assert "1 day" in one.removeprefix(quiet)
    assert "2 days" in two.removeprefix(quiet)
    waiting = of(asked(at(3)))
    assert explain_deadline(waiting, at=late) == explain_deadline(waiting)
