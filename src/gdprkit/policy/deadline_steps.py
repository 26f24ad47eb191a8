"""The steps a deadline was counted in, as values, and each step's sentence.

Decides how a counted step is told in plain English and which place of the law it rests on. Leaves
out the counting itself (``policy.deadlines``). Always true: a step holds days and words of closed
lists only, so no sentence can show anything about a person; wording may change, values may not.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import ClassVar, Final, TypeAlias, assert_never, final

import attrs

from gdprkit.words.citations import Citation, edpb, gdpr, time_limits

__all__ = [
    "Added",
    "Closed",
    "Counted",
    "ExtensionProblem",
    "Judged",
    "Limit",
    "Moved",
    "NotPaused",
    "NotPausedBecause",
    "Open",
    "Paused",
    "Promised",
    "Question",
    "Step",
    "long_date",
    "sentence",
    "tell",
]

_WEEKDAYS: Final = (
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)
# named here: strftime follows the locale of the process
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_COUNTS: Final = {1: "one month", 2: "two months", 3: "three months"}


class Limit(StrEnum):
    """Which of the three ends of one request a step leads to."""

    DUE = "due"  # the one-month end
    SAFE = "safe"  # the one-month end as if nothing suspended it, R-554
    EXTENDED = "extended"  # the latest end after a valid extension, R-558


class Question(StrEnum):
    """What was asked of the person; only these two can suspend the time limit (R-553)."""

    IDENTITY = "identity"  # GDPR Art. 12(6)
    CLARIFICATION = "clarification"  # recital 63


class NotPausedBecause(StrEnum):
    """Why a question did not suspend the time limit (R-553)."""

    NOT_PROMPT = "not-prompt"
    NO_GROUND = "no-ground"  # no reasonable doubt, or no large quantity of data
    AFTER_EXPIRY = "after-expiry"
    ASKED_BEFORE = "asked-before"  # the same question is still open and suspends already


class ExtensionProblem(StrEnum):
    """Why an extension told is not valid (R-559)."""

    BEFORE_RECEIPT = "before-receipt"
    LATE = "late"
    NO_REASONS = "no-reasons"
    WRONG_LENGTH = "wrong-length"
    SECOND = "second"  # an extension was told before; that one decides


@final
@attrs.frozen(kw_only=True)
class Counted:
    """Months were counted from the day of receipt, which is not counted itself."""

    rule: ClassVar[str] = "R-551"
    citations: ClassVar[tuple[Citation, ...]] = (
        gdpr("12(3)"),
        time_limits("3(1)"),
        time_limits("3(2)(c)"),
    )
    limit: Limit
    months: int
    start: date
    end: date


@final
@attrs.frozen(kw_only=True)
class Paused:
    """The time limit stood still from the day it was asked until the day before the answer."""

    rule: ClassVar[str] = "R-553"
    citations: ClassVar[tuple[Citation, ...]] = (gdpr("12(6)"), edpb("01/2022 para 159"))
    start: date
    end: date  # exclusive

    @property
    def days(self) -> int:
        """Whole civil days it stood still; 0 when asked and answered on one day."""
        return (self.end - self.start).days


@final
@attrs.frozen(kw_only=True)
class Open:
    """A question is unanswered: no time limit runs, the safe date stays."""

    rule: ClassVar[str] = "R-553"
    citations: ClassVar[tuple[Citation, ...]] = (gdpr("12(6)"), edpb("01/2022 para 159"))
    questions: tuple[Question, ...]
    since: date


@final
@attrs.frozen(kw_only=True)
class NotPaused:
    """A question did not suspend the time limit."""

    rule: ClassVar[str] = "R-553"
    citations: ClassVar[tuple[Citation, ...]] = (gdpr("12(6)"), edpb("01/2022 para 159"))
    question: Question
    asked: date
    because: NotPausedBecause


@final
@attrs.frozen(kw_only=True)
class Added:
    """Suspended days were added, after the months and before the move to a working day."""

    rule: ClassVar[str] = "R-553"
    citations: ClassVar[tuple[Citation, ...]] = (edpb("01/2022 para 159"),)
    limit: Limit
    days: int
    start: date
    end: date


@final
@attrs.frozen(kw_only=True)
class Moved:
    """The last day was no working day, so the time limit ends on the next one.

    Args:
        limit: Which end moved.
        start: The end before the move.
        end: The working day.
        holidays: Which of the days from *start* up to *end* are public holidays; the others are
            Saturdays and Sundays.
        calendar: Name of the holiday calendar.
    """

    rule: ClassVar[str] = "R-555"
    citations: ClassVar[tuple[Citation, ...]] = (
        time_limits("2(2)"),
        time_limits("3(4)"),
        edpb("01/2022 para 161"),
    )
    limit: Limit
    start: date
    end: date
    holidays: frozenset[date]
    calendar: str


@final
@attrs.frozen(kw_only=True)
class Judged:
    """An extension was told and judged.

    Args:
        told: The day it was told.
        in_force: The one-month end in force on that day; None while a suspension was open.
        problem: Why it is not valid; None when it is.
        after_safe: It was told after the safe date: valid only if the suspension holds.
    """

    rule: ClassVar[str] = "R-559"
    citations: ClassVar[tuple[Citation, ...]] = (
        gdpr("12(3)"),
        edpb("01/2022 paras 162-164"),
    )
    told: date
    in_force: date | None
    problem: ExtensionProblem | None
    after_safe: bool


@final
@attrs.frozen(kw_only=True)
class Promised:
    """The person was promised an earlier day; it binds inside the house only."""

    rule: ClassVar[str] = "R-559"
    citations: ClassVar[tuple[Citation, ...]] = (gdpr("12(3)"),)
    day: date


@final
@attrs.frozen(kw_only=True)
class Closed:
    """The time limit in force and the place whose midnight closes it."""

    rule: ClassVar[str] = "R-557"
    citations: ClassVar[tuple[Citation, ...]] = (time_limits("3(2)(c)"),)
    due: date
    zone: str


Step: TypeAlias = Counted | Paused | Open | NotPaused | Added | Moved | Judged | Promised | Closed

_LIMIT_WORDS: Final = {
    Limit.DUE: "",
    Limit.SAFE: "without any suspension, ",
    Limit.EXTENDED: "with the extension, ",
}
_QUESTION_WORDS: Final = {
    Question.IDENTITY: "proof of identity",
    Question.CLARIFICATION: "clarification",
}
_NOT_PAUSED_WORDS: Final = {
    NotPausedBecause.NOT_PROMPT: "it was not asked without undue delay",
    NotPausedBecause.NO_GROUND: "the law gave no ground to ask",
    NotPausedBecause.AFTER_EXPIRY: "the month had ended by then",
    NotPausedBecause.ASKED_BEFORE: "the same question was open already",
}
_PROBLEM_WORDS: Final = {
    ExtensionProblem.BEFORE_RECEIPT: "it was told before the request was received",
    ExtensionProblem.LATE: "it was told too late",
    ExtensionProblem.NO_REASONS: "no reasons were told",
    ExtensionProblem.WRONG_LENGTH: "it is not of one or two further months",
    ExtensionProblem.SECOND: "a request is extended once and the first telling decides",
}


def long_date(day: date, *, weekday: bool = False) -> str:
    """Return *day* in English: ``28 February 2027``, or ``Sunday 28 February 2027``."""
    text = f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return f"{_WEEKDAYS[day.weekday()]} {text}" if weekday else text


def sentence(step: Step) -> str:
    """Return *step* in plain English, without a full stop."""
    match step:
        case Counted(limit=limit, months=months, start=start, end=end):
            count = _COUNTS.get(months, f"{months} months")
            return f"{_LIMIT_WORDS[limit]}{count} from {long_date(start)} ends on {long_date(end)}"
        case Paused(start=start, end=end, days=days):
            return (
                f"the time limit stood still from {long_date(start)} until the answer on "
                f"{long_date(end)}: {_days(days)}"
            )
        case Open(questions=questions, since=since):
            asked = " and ".join(_QUESTION_WORDS[question] for question in questions)
            have = "has" if len(questions) == 1 else "have"
            return (
                f"{asked} {have} been awaited since {long_date(since)}, "
                "so no time limit runs until it comes"
            )
        case NotPaused(question=question, asked=day, because=because):
            return (
                f"asking for {_QUESTION_WORDS[question]} on {long_date(day)} suspended nothing: "
                f"{_NOT_PAUSED_WORDS[because]}"
            )
        case Added(limit=limit, days=days, end=end):
            return f"{_LIMIT_WORDS[limit]}adding {_days(days)} leads to {long_date(end)}"
        case Moved():
            return f"{_LIMIT_WORDS[step.limit]}{long_date(step.start)} {_free(step)}"
        case Judged(told=told, problem=problem, after_safe=after_safe):
            subject = f"the extension told on {long_date(told)} is"
            if problem is not None:
                return f"{subject} not valid: {_PROBLEM_WORDS[problem]}"
            return f"{subject} valid" + ("; it was told after the safe date" if after_safe else "")
        case Promised(day=day):
            return f"the person was promised {long_date(day)}, which is the day to work towards"
        case Closed(due=due, zone=zone):
            return f"the last moment is the end of {long_date(due, weekday=True)} in {zone}"
        case _:  # pragma: no cover  mypy proves that nothing is left
            assert_never(step)


def tell(steps: Iterable[Step]) -> str:
    """Return *steps* in plain English, one sentence a line.

    An end and its move to a working day are told in one sentence.
    """
    lines: list[str] = []
    for step in steps:
        if isinstance(step, Moved) and lines:
            # a move always follows the step that led to the day it starts on
            lines[-1] += f", which {_free(step)}"
        else:
            lines.append(sentence(step))
    return "\n".join(f"{line[0].upper()}{line[1:]}." for line in lines)


def _free(step: Moved) -> str:
    if step.start in step.holidays:
        free = f"a public holiday ({step.calendar})"
    else:
        free = f"a {_WEEKDAYS[step.start.weekday()]}"
    between = sorted(step.holidays - {step.start})
    passing = "".join(f" after the public holiday of {long_date(day)}" for day in between[-1:])
    return f"is {free}; the next working day{passing} is {long_date(step.end, weekday=True)}"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
