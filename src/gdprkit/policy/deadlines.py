"""By when a request must be answered.

Decides the ends of GDPR Art. 12(3): the one-month end, the safe one, the extended one, and the
moment that closes the one in force (R-550 to R-562). The same engine counts Art. 14(3)(a) and
12(4). Leaves out whether a question was prompt or had a ground, which people judge, hours
(``policy.breach``), and duties that are due at once or end archive periods. Always true: no clock
is read; a suspension or a valid extension never gives an earlier end; an end moves to a working day
once, at the very last, and never backwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, final
from zoneinfo import ZoneInfo

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.policy.clock import ClockEvent, walk
from gdprkit.policy.deadline_steps import (
    Added,
    Closed,
    Counted,
    ExtensionProblem,
    Judged,
    Limit,
    Moved,
    Open,
    Promised,
    Step,
)
from gdprkit.policy.deadline_words import clauses
from gdprkit.policy.languages import Language, Reader, check_reader
from gdprkit.policy.law import ExtensionMethod
from gdprkit.policy.phrases import counted, on_day, phrase, sentences
from gdprkit.words.citations import Citation
from gdprkit.words.holidays import HolidayCalendar
from gdprkit.words.moments import Period, add_months, civil_date, end_of_day, utc_moment

__all__ = [
    "ClockState",
    "Deadline",
    "HouseDays",
    "deadline",
    "explain_deadline",
    "is_overdue",
    "is_refusal_late",
    "post_by",
]


class ClockState(StrEnum):
    """Whether a time limit runs."""

    RUNNING = "running"
    SUSPENDED = "suspended"


@final
@attrs.frozen(kw_only=True)
class HouseDays:
    """The controller's own lengths: project settings, where the law gives a standard only.

    Args:
        target_working_days: Working days after receipt in which an answer is aimed at (R-561).
        post_working_days: Working days a letter needs to arrive in the ordinary way (R-557).
        no_answer_months: Months after the safe date that a person who was asked something has to
            answer, before the request is closed (R-554).
    """

    target_working_days: int
    post_working_days: int
    no_answer_months: int


@final
@attrs.frozen(kw_only=True)
class Deadline:
    """Every end of one request, and how each was counted.

    Args:
        receipt_date: The civil day of receipt in the controller's zone.
        safe_due: The one-month end without any suspension; alarms run on it (R-554).
        suspended_days: Whole days the clock stood still; None while it stands.
        state: Whether a time limit runs.
        due: The one-month end; None while suspended. No extension moves the day for telling a
            refusal, so this is also that day (GDPR Art. 12(4), R-529).
        extended_due: The latest end an extension can give; None while suspended.
        extension_valid: Whether the extension told is valid; None when none was told.
        extension_problem: Why it is not.
        promised_due: An earlier end the controller told with a valid extension: fewer further
            months, or a day. It binds inside the house only (R-559).
        effective_due: The end in force: extended if validly so, else one month; None while
            suspended.
        effective_end: The moment that closes it, exclusive, in UTC.
        due_end: The moment that closes the one-month end, exclusive, in UTC; a refusal told from
            then on is late, whatever was extended. None while suspended.
        safe_end: The moment that closes the safe date, exclusive, in UTC.
        steps: How it was counted, in order.
        internal_target: The controller's own day for answering, never after the safe date: the
            month is a ceiling (R-561). This and the two below are None where no days of the house
            were given.
        post_by: The day to post a letter by, so that it arrives by the end in force (R-557); None
            also while suspended.
        no_answer_by: The last day for the person to answer what was asked; after it the request
            may be closed, with reasons and a way to resume. None unless suspended.
    """

    receipt_date: date
    safe_due: date
    suspended_days: int | None
    state: ClockState
    due: date | None
    extended_due: date | None
    extension_valid: bool | None
    extension_problem: ExtensionProblem | None
    promised_due: date | None
    effective_due: date | None
    effective_end: datetime | None
    due_end: datetime | None
    safe_end: datetime
    steps: tuple[Step, ...]
    internal_target: date | None = None
    post_by: date | None = None
    no_answer_by: date | None = None

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The places in the law that the steps rest on, each once, in order."""
        return tuple(dict.fromkeys(place for step in self.steps for place in step.citations))

    @property
    def rules(self) -> tuple[str, ...]:
        """The rule ids of the steps, each once, in order."""
        return tuple(dict.fromkeys(("R-550", *(step.rule for step in self.steps))))


def deadline(
    received: datetime,
    *,
    zone: ZoneInfo,
    holidays: HolidayCalendar,
    events: Sequence[ClockEvent] = (),
    months: int = 1,
    extended_months: int = 3,
    method: ExtensionMethod = ExtensionMethod.FROM_RECEIPT,
    house: HouseDays | None = None,
) -> Deadline:
    """Count every end of a request received at *received*.

    A month always holds more than two working days, so the least length of Reg. 1182/71 Art. 3(5)
    adds nothing (R-560).

    Args:
        received: When it reached an official channel, aware.
        zone: The controller's civil time.
        holidays: Public holidays of the place where the controller acts.
        events: What may have moved the clock, in any order.
        months: The time limit of GDPR Art. 12(3), first sentence.
        extended_months: That limit with the longest extension, counted from receipt; the same where
            none is allowed.
        method: How the extended end is counted.
        house: The controller's own days, counted beside the law's.

    Raises:
        NaiveMoment: *received* or an event's moment has no time zone.
        InvalidValue: the months are below 1 or shrink, or an end lies beyond year 9999.

    Source: GDPR Art. 12(3), (4), (6); Reg. 1182/71 Art. 2 and 3; R-550 to R-561.
    """
    if not 1 <= months <= extended_months:
        raise InvalidValue("months", "do not grow", "give 1 or more, and no less when extended")
    received = utc_moment(received, "received")
    receipt = civil_date(received, zone)
    first = _Span(receipt, months, add_months(receipt, months))
    third = _Span(receipt, extended_months, add_months(receipt, extended_months))
    if method is ExtensionMethod.CHAINED_MIN:
        further = extended_months - months
        chained = _Span(first.end, further, add_months(first.end, further))
        third = min(third, chained, key=lambda span: span.end)
    walked = walk(
        events,
        received=received,
        zone=zone,
        due_after=lambda days: holidays.roll(_plus(first.end, days)),
        further_months=extended_months - months,
    )
    days, suspended = walked.days, walked.since is not None
    valid = None if walked.extension is None else walked.problem is None

    safe_due = holidays.roll(first.end)
    due = None if suspended else holidays.roll(_plus(first.end, days))
    extended = None if suspended else holidays.roll(_plus(third.end, days))
    effective = extended if valid else due
    promised = None
    if valid and extended is not None and walked.extension is not None:
        told_end = add_months(receipt, months + walked.extension.months)
        ends = (holidays.roll(_plus(told_end, days)), walked.extension.promised or extended)
        promised = min(ends) if min(ends) < extended else None

    steps: list[Step] = [step for step in walked.steps if not isinstance(step, Judged)]
    if due is not None:
        steps += _steps_to(Limit.DUE, first, days, holidays)
    if due != safe_due:
        steps += _steps_to(Limit.SAFE, first, 0, holidays)
    if walked.since is not None:
        steps.append(Open(questions=walked.open, since=walked.since))
    steps += [step for step in walked.steps if isinstance(step, Judged)]
    if valid and not suspended:
        steps += _steps_to(Limit.EXTENDED, third, days, holidays)
    if promised is not None:
        steps.append(Promised(day=promised))
    if effective is not None:
        steps.append(Closed(due=effective, zone=zone.key))
    return Deadline(
        receipt_date=receipt,
        safe_due=safe_due,
        suspended_days=None if suspended else days,
        state=ClockState.SUSPENDED if suspended else ClockState.RUNNING,
        due=due,
        extended_due=extended,
        extension_valid=valid,
        extension_problem=walked.problem,
        promised_due=promised,
        effective_due=effective,
        effective_end=None if effective is None else end_of_day(effective, zone),
        due_end=None if due is None else end_of_day(due, zone),
        safe_end=end_of_day(safe_due, zone),
        steps=tuple(steps),
        **({} if house is None else _own_days(house, receipt, safe_due, effective, holidays)),
    )


def _own_days(
    house: HouseDays, receipt: date, safe: date, effective: date | None, holidays: HolidayCalendar
) -> dict[str, date | None]:
    return {
        "internal_target": min(holidays.add_working_days(receipt, house.target_working_days), safe),
        "post_by": None
        if effective is None
        else post_by(effective, holidays=holidays, working_days=house.post_working_days),
        "no_answer_by": None
        if effective is not None
        else holidays.roll(add_months(safe, house.no_answer_months)),
    }


def explain_deadline(
    found: Deadline,
    language: Language = "en",
    reader: Reader = "controller",
    *,
    at: datetime | None = None,
) -> str:
    """Return how *found* was counted, in words, one sentence a line.

    Args:
        found: The deadline.
        language: ``en``, ``fi`` or ``sv``.
        reader: ``controller``, or ``person`` for the one who asked.
        at: A moment: if the end in force had passed by then, the words say by how many days.

    Raises:
        InvalidValue: there is no such language or reader.
        NaiveMoment: *at* has no time zone.
    """
    check_reader(language, reader)
    told = [phrase("received", language, reader, on=on_day(found.receipt_date, language))]
    told += clauses(found.steps, language, reader)
    told += _own_words(found, language, reader)
    if at is not None and is_overdue(found, at):
        (closed,) = (step for step in found.steps if isinstance(step, Closed))
        late = (civil_date(at, ZoneInfo(closed.zone)) - closed.due).days
        told.append(phrase("overdue", language, reader, days=counted("days", late, language)))
    return sentences(told)


def is_overdue(found: Deadline, at: datetime) -> bool:
    """Tell whether the end in force had passed at *at*; never true while suspended (R-557).

    Raises:
        NaiveMoment: *at* has no time zone.
    """
    return utc_moment(at, "at") >= found.effective_end if found.effective_end else False


def post_by(due: date, *, holidays: HolidayCalendar, working_days: int) -> date:
    """Return the day to post a letter by, so that it arrives in the ordinary way by *due*.

    The number of working days is a project setting. Source: R-557.
    """
    return holidays.add_working_days(due, -working_days)


def is_refusal_late(found: Deadline, at: datetime) -> bool:
    """Tell whether a refusal told at *at* is late: no extension moves its day (R-529).

    Never true while suspended. A late refusal is told at once all the same.

    Raises:
        NaiveMoment: *at* has no time zone.
    """
    return utc_moment(at, "at") >= found.due_end if found.due_end else False


def _own_words(found: Deadline, language: Language, reader: Reader) -> Iterator[str]:
    """Tell what stands beside the end in force: the day for a refusal, the days of the house."""
    if found.extension_valid and found.due is not None:
        yield phrase("refusal-due", language, reader, on=on_day(found.due, language))
    if found.no_answer_by is not None:
        safe, day = (on_day(day, language) for day in (found.safe_due, found.no_answer_by))
        yield phrase("no-answer", language, reader, safe=safe, on=day)
    elif found.internal_target is not None and found.post_by is not None:
        target, post = (on_day(day, language) for day in (found.internal_target, found.post_by))
        yield phrase("house-days", language, reader, target=target, post=post)


class _Span(NamedTuple):
    """Months counted from a day, before days are added and the end moves."""

    start: date
    months: int
    end: date


def _plus(day: date, days: int) -> date:
    return Period(days=days).after(day)


def _steps_to(limit: Limit, span: _Span, days: int, holidays: HolidayCalendar) -> Iterator[Step]:
    yield Counted(limit=limit, months=span.months, start=span.start, end=span.end)
    last = _plus(span.end, days)
    if days:
        yield Added(limit=limit, days=days, start=span.end, end=last)
    end = holidays.roll(last)
    if end != last:
        skipped = (last + timedelta(days=count) for count in range((end - last).days))
        free = frozenset(day for day in skipped if holidays.is_holiday(day))
        yield Moved(limit=limit, start=last, end=end, holidays=free, calendar=holidays.name)
