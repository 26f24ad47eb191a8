"""The clock of one request by itself: what stops it, what an extension finds (R-553, R-559)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gdprkit.errors import NaiveMoment
from gdprkit.policy.breach import breach_clock, explain_breach, processor_tells_by
from gdprkit.policy.clock import Answered, Asked, ClockEvent, Extended, Walk, walk
from gdprkit.policy.deadline_steps import (
    ExtensionProblem,
    Judged,
    NotPaused,
    NotPausedBecause,
    Paused,
    Question,
)
from gdprkit.policy.deadlines import (
    deadline,
    explain_deadline,
    is_overdue,
    is_refusal_late,
)
from gdprkit.words.holidays import FINLAND

HELSINKI = ZoneInfo("Europe/Helsinki")
IDENTITY, CLARIFICATION = Question.IDENTITY, Question.CLARIFICATION
NAIVE = datetime(2026, 2, 2, 12)  # noqa: DTZ001


def at(day: int, month: int = 2, hour: int = 12, **more: int) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=HELSINKI, **more)


def due_after(days: int) -> date:
    return date(2026, 3, 2) + timedelta(days=days)


def walked(*events: ClockEvent, received: datetime | None = None, further: int = 2) -> Walk:
    """Walk the events of a request of 2 February whose month ends on 2 March."""
    return walk(
        events,
        received=received or at(2),
        zone=HELSINKI,
        due_after=due_after,
        further_months=further,
    )


def asked(when: datetime, question: Question = IDENTITY, **more: bool) -> Asked:
    return Asked(question=question, at=when, **{"prompt": True, "grounded": True, **more})


def answered(when: datetime, question: Question = IDENTITY) -> Answered:
    return Answered(question=question, at=when)


def extended(when: datetime, **more: Any) -> Extended:
    return Extended(at=when, **{"months": 2, "reasons": True, **more})


def test_no_event_moves_nothing() -> None:
    """A request that just waits for its answer has a clock that runs."""
    assert walked() == Walk(days=0, open=(), since=None, extension=None, problem=None, steps=())


def test_two_pauses_add_up() -> None:
    """Each pause is told with its days, and their sum is what the end moves by."""
    found = walked(
        asked(at(3)), answered(at(5)), asked(at(10), CLARIFICATION), answered(at(13), CLARIFICATION)
    )
    first, second = (
        Paused(start=date(2026, 2, a), end=date(2026, 2, b)) for a, b in ((3, 5), (10, 13))
    )
    assert (first.days, second.days) == (2, 3)
    assert found == Walk(
        days=5, open=(), since=None, extension=None, problem=None, steps=(first, second)
    )


def test_days_are_those_of_helsinki() -> None:
    """Asked half past midnight in Helsinki, the pause begins on that day."""
    night = datetime(2026, 2, 3, 22, 30, tzinfo=UTC)
    found = walked(asked(night), answered(night + timedelta(days=1)))
    assert found.steps == (Paused(start=date(2026, 2, 4), end=date(2026, 2, 5)),)
    before = walked(asked(at(1)), received=datetime(2026, 2, 1, 22, 30, tzinfo=UTC))
    assert before.since == date(2026, 2, 2), "not before the day of receipt"


def test_the_clock_stands_since_the_first_open_question() -> None:
    """A second question while the first is open neither restarts nor ends the pause."""
    two = (asked(at(3)), asked(at(6), CLARIFICATION))
    found = walked(*two)
    assert (found.open, found.since, found.days, found.steps) == (
        (IDENTITY, CLARIFICATION),
        date(2026, 2, 3),
        0,
        (),
    )
    half = walked(*two, answered(at(8)))
    assert (half.open, half.since, half.steps) == ((CLARIFICATION,), date(2026, 2, 3), ())
    whole = walked(*two, answered(at(8)), answered(at(9), CLARIFICATION))
    assert whole.steps == (Paused(start=date(2026, 2, 3), end=date(2026, 2, 9)),)


@pytest.mark.parametrize(
    ("question", "because"),
    [
        (asked(at(5), prompt=False), NotPausedBecause.NOT_PROMPT),
        (asked(at(5), grounded=False), NotPausedBecause.NO_GROUND),
        (asked(at(5), prompt=False, grounded=False), NotPausedBecause.NOT_PROMPT),
        (asked(at(3, 3)), NotPausedBecause.AFTER_EXPIRY),
        (asked(at(3, 3), prompt=False), NotPausedBecause.NOT_PROMPT),
    ],
)
def test_a_question_in_vain_is_told_with_the_reason(
    question: Asked, because: NotPausedBecause
) -> None:
    """It suspends nothing, and the answer to it ends nothing (R-553)."""
    day = question.at.astimezone(HELSINKI).date()
    told = NotPaused(question=IDENTITY, asked=day, because=because)
    found = walked(question, answered(at(9, 3)))
    assert found == Walk(days=0, open=(), since=None, extension=None, problem=None, steps=(told,))


def test_a_question_asked_again_is_no_second_one() -> None:
    """While it is open, asking again is told as in vain; after the answer it counts."""
    again = NotPaused(
        question=IDENTITY, asked=date(2026, 2, 5), because=NotPausedBecause.ASKED_BEFORE
    )
    found = walked(asked(at(3)), asked(at(5)), answered(at(7)), asked(at(9)))
    assert found.steps == (again, Paused(start=date(2026, 2, 3), end=date(2026, 2, 7)))
    assert (found.days, found.open, found.since) == (4, (IDENTITY,), date(2026, 2, 9))


def test_an_answer_before_the_question_began_to_count_ends_it_at_once() -> None:
    """Answered before receipt, the pause has no days."""
    early = walked(asked(at(29, 1)), answered(at(30, 1)))
    assert early.steps == (Paused(start=date(2026, 2, 2), end=date(2026, 2, 2)),)
    assert early.days == 0


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (extended(at(2, 3, 23)), None),
        (extended(at(2)), None),
        (extended(at(5), months=1), None),
        (extended(at(2, hour=11, minute=59)), ExtensionProblem.BEFORE_RECEIPT),
        (extended(at(3, 3, 0)), ExtensionProblem.LATE),
        (extended(at(3, 3), reasons=False), ExtensionProblem.LATE),
        (extended(at(5), reasons=False), ExtensionProblem.NO_REASONS),
        (extended(at(5), reasons=False, months=9), ExtensionProblem.NO_REASONS),
        (extended(at(5), months=0), ExtensionProblem.WRONG_LENGTH),
        (extended(at(5), months=3), ExtensionProblem.WRONG_LENGTH),
    ],
)
def test_an_extension_is_judged_when_it_is_told(
    event: Extended, problem: ExtensionProblem | None
) -> None:
    """Told in time, with reasons and of the right length; else the first thing wrong is named."""
    day = event.at.astimezone(HELSINKI).date()
    judged = Judged(
        told=day, in_force=date(2026, 3, 2), problem=problem, after_safe=day > date(2026, 3, 2)
    )
    assert walked(event) == Walk(
        days=0, open=(), since=None, extension=event, problem=problem, steps=(judged,)
    )


def test_the_first_telling_decides_and_the_second_is_named() -> None:
    """Whatever the first one lacks, a second neither mends nor breaks it (R-559)."""
    bare, whole = extended(at(5), reasons=False), extended(at(6))
    for first, second, problem in (
        (bare, whole, ExtensionProblem.NO_REASONS),
        (whole, extended(at(7), months=1), None),
    ):
        found = walked(first, second)
        assert (found.extension, found.problem) == (first, problem)
        assert [step.problem for step in found.steps if isinstance(step, Judged)] == [
            problem,
            ExtensionProblem.SECOND,
        ]


def test_an_extension_during_a_pause_is_never_late() -> None:
    """No end is in force then; that the safe date had passed is told all the same (R-554)."""
    on_the_day, after = (walked(asked(at(3)), extended(at(day, 3))) for day in (2, 3))
    for found, day, late in ((on_the_day, 2, False), (after, 3, True)):
        assert found.problem is None
        assert found.steps == (
            Judged(told=date(2026, 3, day), in_force=None, problem=None, after_safe=late),
        )


def test_a_pause_that_is_over_moves_the_last_day_for_telling() -> None:
    """The end in force is the one after the days stood still."""
    found = walked(asked(at(3)), answered(at(5)), extended(at(4, 3)))
    assert found.steps[-1] == Judged(
        told=date(2026, 3, 4), in_force=date(2026, 3, 4), problem=None, after_safe=True
    )


def test_on_one_instant_the_persons_side_wins() -> None:
    """Asked, answered and extended at once: the question is closed before the rest is judged."""
    now = at(5)
    found = walked(extended(now), answered(now), asked(now))
    pause, judged = found.steps
    assert pause == Paused(start=date(2026, 2, 5), end=date(2026, 2, 5))
    assert judged == Judged(
        told=date(2026, 2, 5), in_force=date(2026, 3, 2), problem=None, after_safe=False
    )


@pytest.mark.parametrize("offset", [0, 1])
def test_events_may_come_in_any_order_and_zone(offset: int) -> None:
    """Their moments decide, whatever clock they were written down by."""
    zone = ZoneInfo("America/New_York") if offset else HELSINKI
    events: list[ClockEvent] = [asked(at(3).astimezone(zone)), answered(at(5).astimezone(zone))]
    assert walked(*reversed(events)) == walked(*events)
    assert events[0].at.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused_by_its_name() -> None:
    """The error says which moment it was (R-550)."""
    with pytest.raises(NaiveMoment) as caught:
        walked(received=NAIVE)
    assert caught.value.field == "received"
    found = deadline(at(2), zone=HELSINKI, holidays=FINLAND)
    for ask in (
        lambda: is_overdue(found, NAIVE),
        lambda: is_refusal_late(found, NAIVE),
        lambda: explain_deadline(found, at=NAIVE),
        lambda: explain_breach(breach_clock(at(2)), zone=HELSINKI, at=NAIVE),
        lambda: Asked(question=IDENTITY, at=NAIVE, prompt=True, grounded=True),
    ):
        with pytest.raises(NaiveMoment) as caught:
            ask()
        assert caught.value.field == "at"
    for known in (breach_clock, processor_tells_by):
        with pytest.raises(NaiveMoment) as caught:
            known(NAIVE)
        assert caught.value.field == "aware_at"
    with pytest.raises(NaiveMoment) as caught:
        deadline(NAIVE, zone=HELSINKI, holidays=FINLAND)
    assert caught.value.field == "received"
