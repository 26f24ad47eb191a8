"""The steps a deadline was counted in, as values.

Decides which place of the law each kind of step rests on. Leaves out the counting itself
(``policy.deadlines``) and how a step is told (``policy.deadline_words``). Always true: a step holds
days and words of closed lists only, so it can show nothing about a person.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar, TypeAlias, final

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
]


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
