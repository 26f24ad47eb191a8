"""By when a stored request must be answered (R-550 to R-562)."""

from __future__ import annotations

from typing import Final

from gdprkit.policy.case import Case
from gdprkit.policy.clock import Answered, Asked, ClockEvent, Extended
from gdprkit.policy.deadline_steps import Question
from gdprkit.policy.deadlines import (
    Deadline,
    HouseDays,
    deadline,
    is_overdue,
    is_refusal_late,
)
from gdprkit.state.request import RequestCase, RequestStatus, TimedStep
from gdprkit.words.holidays import calendar

__all__ = ["answered_late", "deadline_of"]

#: Endings that tell the person of a refusal, in whole or in part (GDPR Art. 11(2), 12(4)).
_REFUSALS: Final = frozenset(
    {RequestStatus.REFUSED, RequestStatus.PARTLY_REFUSED, RequestStatus.NOT_IDENTIFIABLE}
)


def _events(step: TimedStep) -> tuple[ClockEvent, ...]:
    match step.step:
        case "IdentityRequested":
            return (_asked(Question.IDENTITY, step),)
        case "ClarificationRequested":
            return (_asked(Question.CLARIFICATION, step),)
        case "IdentityConfirmed":
            return (Answered(question=Question.IDENTITY, at=step.at),)
        case "ClarificationReceived":
            return (Answered(question=Question.CLARIFICATION, at=step.at),)
        case "HandlingBegun":
            # whoever works on the answer waits for nothing any more
            return tuple(Answered(question=question, at=step.at) for question in Question)
        case "RequestExtended":
            return (Extended(at=step.at, months=step.months, reasons=step.reasons_told),)
        case _:
            return ()


def _asked(question: Question, step: TimedStep) -> Asked:
    return Asked(question=question, at=step.at, prompt=step.prompt, grounded=step.grounded)


def deadline_of(case: Case, request: RequestCase) -> Deadline:
    """Return every end of one request's time limit, and how it was counted.

    Months, the method and the days of the house come from the law profile, zone and holidays from
    the controller.
    """
    events = [event for step in request.steps for event in _events(step)]
    return deadline(
        request.received_at,
        zone=case.zone,
        holidays=calendar(case.register.controller.holidays),
        events=events,
        months=case.law.answer_months,
        extended_months=case.law.answer_months + case.law.extension_months,
        method=case.law.extension_method,
        house=HouseDays(
            target_working_days=case.law.internal_target_working_days,
            post_working_days=case.law.post_working_days,
            no_answer_months=case.law.no_answer_months,
        ),
    )


def answered_late(case: Case, request: RequestCase) -> bool | None:
    """Tell whether the answer went out late; None while there is none, or none was due any more.

    An answer counts when it was handed over or dispatched (R-557). What refuses, also in part, is
    measured by the one-month end: no extension moves that (R-529).
    """
    sent_at = request.delivered_at or request.closed_at
    if sent_at is None or request.status is RequestStatus.WITHDRAWN_BY_SUBJECT:
        return None
    found = deadline_of(case, request)
    if request.status in _REFUSALS:
        return is_refusal_late(found, sent_at)
    return is_overdue(found, sent_at)
