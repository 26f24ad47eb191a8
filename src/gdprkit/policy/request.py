"""By when a stored request must be answered (R-550 to R-562)."""

from __future__ import annotations

from gdprkit.policy.case import Case
from gdprkit.policy.clock import Answered, Asked, ClockEvent, Extended
from gdprkit.policy.deadline_steps import Question
from gdprkit.policy.deadlines import Deadline, HouseDays, deadline
from gdprkit.state.request import RequestCase, TimedStep
from gdprkit.words.holidays import calendar

__all__ = ["deadline_of"]


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
