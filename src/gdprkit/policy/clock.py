"""Which events move the clock of a request: questions that suspend it, an extension that counts.

Decides how many days a time limit stood still, whether it stands now, and whether an extension told
is valid (R-553, R-559). Leaves out where the ends lie (``policy.deadlines``); the caller passes the
one-month end as a function of the days stood still. Always true: the days are never negative, and
what was told first decides: a second extension changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final, TypeAlias, final
from zoneinfo import ZoneInfo

import attrs

from gdprkit.policy.deadline_steps import (
    ExtensionProblem,
    Judged,
    NotPaused,
    NotPausedBecause,
    Paused,
    Question,
)
from gdprkit.words.moments import civil_date, utc_moment

__all__ = ["Answered", "Asked", "ClockEvent", "Extended", "Walk", "walk"]


def _moment(value: datetime) -> datetime:
    return utc_moment(value, "at")


@final
@attrs.frozen(kw_only=True)
class Asked:
    """The person was asked something that may suspend the time limit (R-553).

    Args:
        question: What was asked for.
        at: When it was asked.
        prompt: It was asked without undue delay.
        grounded: The law's ground existed: reasonable doubt about identity, or a large quantity of
            data to clarify. Both must be true to suspend.
    """

    question: Question
    at: datetime = attrs.field(converter=_moment)
    prompt: bool
    grounded: bool


@final
@attrs.frozen(kw_only=True)
class Answered:
    """The question was satisfied; an insufficient answer is no event of the clock (R-553)."""

    question: Question
    at: datetime = attrs.field(converter=_moment)


@final
@attrs.frozen(kw_only=True)
class Extended:
    """The person was told of an extension (GDPR Art. 12(3); R-559).

    Args:
        at: When it was dispatched.
        months: Further months told.
        reasons: Reasons were told with it.
        promised: An earlier day promised in it, if any.
    """

    at: datetime = attrs.field(converter=_moment)
    months: int
    reasons: bool
    promised: date | None = None


ClockEvent: TypeAlias = Asked | Answered | Extended
"""What may move the clock; acknowledging, forwarding or announcing a fee never does."""

# On one instant the person's side wins: a question is closed before an extension is judged, and
# asking and answering at once suspends nothing.
_ORDER: Final[Mapping[type[ClockEvent], int]] = {Asked: 0, Answered: 1, Extended: 2}


@final
@attrs.frozen(kw_only=True)
class Walk:
    """What the events of one request did to its clock.

    Args:
        days: Whole days it stood still, in periods that are over.
        open: Questions that suspend it now, in the order asked.
        since: The day since which it stands; None while it runs.
        extension: The extension told first; None when none was told.
        problem: Why that extension is not valid; None when it is.
        steps: Each event that was judged or that paused the clock, in order.
    """

    days: int
    open: tuple[Question, ...]
    since: date | None
    extension: Extended | None
    problem: ExtensionProblem | None
    steps: tuple[Paused | NotPaused | Judged, ...]


@attrs.define
class _Clock:
    """The walk so far; lives inside one call of ``walk``."""

    received: datetime
    receipt: date
    due_after: Callable[[int], date]
    further_months: int
    open: dict[Question, date] = attrs.Factory(dict)
    since: date | None = None
    days: int = 0
    told: Extended | None = None
    problem: ExtensionProblem | None = None

    def ask(self, event: Asked, on: date) -> Iterator[NotPaused]:
        if not event.prompt:
            problem = NotPausedBecause.NOT_PROMPT
        elif not event.grounded:
            problem = NotPausedBecause.NO_GROUND
        elif event.question in self.open:
            problem = NotPausedBecause.ASKED_BEFORE
        elif not self.open and on > self.due_after(self.days):
            problem = NotPausedBecause.AFTER_EXPIRY
        else:
            self.since = self.since or max(on, self.receipt)
            self.open[event.question] = on
            return
        yield NotPaused(question=event.question, asked=on, because=problem)

    def answer(self, event: Answered, on: date) -> Iterator[Paused]:
        if self.open.pop(event.question, None) is None or self.open or self.since is None:
            return
        # an answer before receipt, or where clocks went back over midnight, ends where it began
        paused = Paused(start=self.since, end=max(on, self.since))
        self.since = None
        self.days += paused.days
        yield paused

    def judge(self, event: Extended, on: date) -> Iterator[Judged]:
        in_force = None if self.open else self.due_after(self.days)
        problem: ExtensionProblem | None = None
        if self.told is not None:
            problem = ExtensionProblem.SECOND
        elif event.at < self.received:
            problem = ExtensionProblem.BEFORE_RECEIPT
        elif in_force is not None and on > in_force:
            problem = ExtensionProblem.LATE
        elif not event.reasons:
            problem = ExtensionProblem.NO_REASONS
        elif not 1 <= event.months <= self.further_months:
            problem = ExtensionProblem.WRONG_LENGTH
        if self.told is None:
            self.told, self.problem = event, problem
        after_safe = on > self.due_after(0)
        yield Judged(told=on, in_force=in_force, problem=problem, after_safe=after_safe)


def walk(
    events: Sequence[ClockEvent],
    *,
    received: datetime,
    zone: ZoneInfo,
    due_after: Callable[[int], date],
    further_months: int,
) -> Walk:
    """Judge *events* in the order they happened.

    Args:
        events: In any order.
        received: When the request was received.
        zone: The controller's civil time.
        due_after: The one-month end, moved to a working day, when the clock stood still that many
            days.
        further_months: The most an extension may add.

    Raises:
        NaiveMoment: *received* has no time zone.
    """
    clock = _Clock(
        utc_moment(received, "received"), civil_date(received, zone), due_after, further_months
    )
    steps: list[Paused | NotPaused | Judged] = []
    for event in sorted(events, key=lambda event: (event.at, _ORDER[type(event)])):
        on = civil_date(event.at, zone)
        match event:
            case Asked():
                steps += clock.ask(event, on)
            case Answered():
                steps += clock.answer(event, on)
            case Extended():
                steps += clock.judge(event, on)
    return Walk(
        days=clock.days,
        open=tuple(clock.open),
        since=clock.since,
        extension=clock.told,
        problem=clock.problem,
        steps=tuple(steps),
    )
