"""What a scenario can ask, by name.

Decides only how a question's name and its parts become a call of a policy. *May* questions answer
with a decision. The others answer with a table of plain words, so that a file can say what it
expects of them without knowing Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast, final

import attrs

from gdprkit.acts.act import Act
from gdprkit.acts.consent import HasConsent
from gdprkit.acts.prepare import prepare
from gdprkit.errors import InvalidValue, NotPossibleNow, UnknownName
from gdprkit.facts.entry import Fact
from gdprkit.ledger.codec import KINDS
from gdprkit.policy.advertising import MayAdvertise, may_advertise
from gdprkit.policy.breach import breach_clock, explain_breach, processor_tells_by
from gdprkit.policy.case import Case
from gdprkit.policy.connection import MayMove, may_move
from gdprkit.policy.consent import consent_in_force, proof_kept_through
from gdprkit.policy.deadlines import explain_deadline, is_overdue, is_refusal_late
from gdprkit.policy.decisions import NotAllowed
from gdprkit.policy.device import MayStore, may_store
from gdprkit.policy.disclosure import MayDisclose, may_disclose
from gdprkit.policy.ending import derived_end, end_passed
from gdprkit.policy.explain import text
from gdprkit.policy.handling import handling, to_tell
from gdprkit.policy.informing import notice_month
from gdprkit.policy.leftovers import LEFTOVERS, kept_through
from gdprkit.policy.logs import holds_address, is_personal, log_days
from gdprkit.policy.marketing import is_marketing, may_contact
from gdprkit.policy.marks import tags, wake_at
from gdprkit.policy.periods import review_due, window_end
from gdprkit.policy.placing import MayContact
from gdprkit.policy.plan import Plan
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.policy.request import answered_late, deadline_of
from gdprkit.policy.retention import (
    AfterEnd,
    DueErasure,
    Erasure,
    plan_after_end,
    plan_due,
    plan_erasure,
)
from gdprkit.policy.rights import MayExercise, may_exercise
from gdprkit.policy.transfer import MayTransfer, may_transfer, stopped_flows, without_adequacy
from gdprkit.state.request import RequestCase
from gdprkit.words.identifiers import CaseId, FieldId
from gdprkit.words.moments import month_day
from gdprkit.words.vocabulary import Channel, MessagePart

if TYPE_CHECKING:
    from gdprkit.policy.languages import Language, Reader

__all__ = ["QUESTIONS", "Asked", "Record"]


@final
@attrs.frozen(kw_only=True)
class Record:
    """May this fact be recorded now, and what is recorded with it?"""

    fact: Fact


@final
@attrs.frozen(kw_only=True)
class _Deadline:
    case: CaseId


@final
@attrs.frozen(kw_only=True)
class _Explain:
    case: CaseId
    language: str = "en"
    reader: str = "controller"


@final
@attrs.frozen(kw_only=True)
class _Breach:
    aware: datetime
    language: str = "en"


@final
@attrs.frozen(kw_only=True)
class _NoticeDue:
    pass


@final
@attrs.frozen(kw_only=True)
class _Handling:
    request: CaseId


@final
@attrs.frozen(kw_only=True)
class _ToTell:
    pass


@final
@attrs.frozen(kw_only=True)
class _Words:
    code: str
    language: str = "en"
    reader: str = "person"


@final
@attrs.frozen(kw_only=True)
class _Standing:
    pass


@final
@attrs.frozen(kw_only=True)
class _Ending:
    pass


@final
@attrs.frozen(kw_only=True)
class _KeptThrough:
    """How long is this kind of material kept (R-408)?"""

    material: str
    day: date


@final
@attrs.frozen(kw_only=True)
class _IsMarketing:
    parts: tuple[MessagePart, ...]


@final
@attrs.frozen(kw_only=True)
class _Proof:
    purpose: str
    channel: Channel | None = attrs.field(
        default=None, converter=attrs.converters.optional(Channel)
    )


@final
@attrs.frozen(kw_only=True)
class _IsPersonal:
    field: str


@final
@attrs.frozen(kw_only=True)
class _Log:
    log: str
    written: date


@final
@attrs.frozen(kw_only=True)
class _AdequacyFalls:
    country: str


class Asked(NamedTuple):
    """A question's class, and the function that answers it."""

    asked: type
    answer: Callable[[Case, Any], Any]


def _record(case: Case, question: Record) -> Any:
    try:
        facts = prepare(case, Act(fact=question.fact, at=case.at))
    except NotAllowed as refused:
        return refused.decision
    except NotPossibleNow as refused:
        return {"possible": False, "instead": list(refused.possible)}
    except InvalidValue as refused:
        return {"possible": False, "instead": [refused.cure]}
    return {"possible": True, "records": [KINDS[type(fact)][0] for fact in facts]}


def _request(case: Case, named: CaseId) -> RequestCase:
    request = case.standing.request.case(named)
    if request is None:
        raise UnknownName("request of this person")
    return request


def _deadline(case: Case, question: _Deadline) -> Mapping[str, Any]:
    request = _request(case, question.case)
    found = deadline_of(case, request)
    told = {field.name: getattr(found, field.name) for field in attrs.fields(type(found))}
    return {
        **told,
        "overdue": is_overdue(found, case.at),
        "refusal_late": is_refusal_late(found, case.at),
        "answered_late": answered_late(case, request),
    }


def _explain(case: Case, question: _Explain) -> Mapping[str, Any]:
    found = deadline_of(case, _request(case, question.case))
    # an unknown word is refused there
    language, reader = cast("Language", question.language), cast("Reader", question.reader)
    told = explain_deadline(found, language, reader, at=case.at)
    return {"lines": told.splitlines()}


def _breach(case: Case, question: _Breach) -> Mapping[str, Any]:
    clock = breach_clock(question.aware, law=case.law)
    language = cast("Language", question.language)  # an unknown word is refused there
    told = explain_breach(clock, language, zone=case.zone, at=case.at)
    return {
        "hours": clock.hours,
        "strict": clock.strict,
        "outer": clock.outer,
        "strict_passed": case.at >= clock.strict,
        "outer_passed": case.at >= clock.outer,
        "processor_tells_by": processor_tells_by(question.aware, law=case.law),
        "lines": told.splitlines(),
    }


def _notice_due(case: Case, _: object) -> Mapping[str, Any]:
    found = notice_month(case)
    if found is None:
        return {"due": None}
    return {
        "obtained_on": found.deadline.receipt_date,
        "due": found.deadline.due,
        "end": found.deadline.effective_end,
        "told": found.told_at is not None,
        "overdue": found.is_overdue(case.at),
    }


def _handling(case: Case, question: _Handling) -> Mapping[str, Any]:
    request = case.standing.request.case(question.request)
    if request is None:
        raise UnknownName("request of this person")
    found = handling(case, request)
    return {
        "identity": found.identity,
        "letter": found.letter,
        "refusals": found.refusals,
        "at_once": found.at_once,
        "electronic": found.electronic,
        "notices": found.notices,
        "decisions": {
            f"{one.field}/{one.purpose}": (
                " until ".join(str(part) for part in (one.refused, one.until) if part) or "granted"
            )
            for one in found.decisions
        },
    }


def _to_tell(case: Case, _: object) -> Mapping[str, Any]:
    return {
        "tell": sorted(
            f"{one.recipient} of {one.about}: {', '.join(sorted(one.fields))} by {one.due}"
            for one in to_tell(case)
        )
    }


def _words(_: Case, question: _Words) -> Mapping[str, Any]:
    return {
        "words": text(
            question.code, cast("Language", question.language), cast("Reader", question.reader)
        )
    }


def _standing(case: Case, _: object) -> Mapping[str, Any]:
    standing = case.standing
    return {
        "status": standing.status,
        "erased": standing.data.erased_at is not None,
        "restricted": bool(standing.objection.restrictions),
        "overlays": standing.overlays,
        "stops": len(standing.objection.stops),
        "expires_on": standing.connection.marketing_expires,
        "fields": sorted({f"{value.filing}/{value.field}" for value in standing.data.values}),
        "anomalies": len(standing.anomalies),
        "requests": {one.case: one.status for one in standing.request.cases},
        "consents": {
            f"{word.purpose}/{word.channel or 'any'}": word.status
            for word in standing.consent.words
        },
    }


def _ending(case: Case, _: object) -> Mapping[str, Any]:
    """Tell the end, recorded or derived, and what runs after it."""
    found = derived_end(case)
    return {
        "on": found.on if found else None,
        "cause": found.cause if found else None,
        "recorded": found.recorded if found else False,
        "to_be_recorded": end_passed(case) is not None,
        "tags": tags(case),
        "wake_at": wake_at(case),
        "window_end": window_end(case),
        "review_due": review_due(case),
    }


def _kept_through(case: Case, question: _KeptThrough) -> Mapping[str, Any]:
    year_end = month_day(case.register.financial_year_end)
    last = kept_through(question.material, question.day, law=case.law, year_end=year_end)
    return {"last_day": last, "basis": LEFTOVERS[question.material].basis}


def _is_marketing(_: Case, question: _IsMarketing) -> Mapping[str, Any]:
    return {"marketing": is_marketing(question.parts)}


def _proof(case: Case, question: _Proof) -> Mapping[str, Any]:
    word = case.standing.consent.word(case.purpose(question.purpose).id, question.channel)
    if word is None:
        raise UnknownName("consent of this person for this purpose and channel")
    return {"kept_through": proof_kept_through(case, word)}


def _is_personal(case: Case, question: _IsPersonal) -> Mapping[str, Any]:
    return {"personal": is_personal(case.register.field(FieldId(question.field)))}


def _log(case: Case, question: _Log) -> Mapping[str, Any]:
    log = case.register.log(question.log)
    whole = holds_address(case.register, log)
    days = log_days(log, question.written, law=case.law, holds_address=whole)
    return {"shorten_after": days.shorten_after, "erase_after": days.erase_after}


def _adequacy_falls(case: Case, question: _AdequacyFalls) -> Mapping[str, Any]:
    after = without_adequacy(case.law, question.country)
    stopped = stopped_flows(case.register, case.law, after, case.at)
    return {
        "stops": [flow.transfer for flow in stopped],
        "purposes": {flow.transfer: flow.purposes for flow in stopped},
        "codes": {flow.transfer: flow.codes for flow in stopped},
    }


def _told(plan: Plan) -> Mapping[str, Any]:
    """Tell a plan: for each value, by filing system and field, what becomes of it."""
    fields: dict[str, list[str]] = {}
    for item in plan.items:
        words = [str(item.action)]
        words += [f"for {item.purpose}"] if item.purpose else []
        words += [f"until {item.until}"] if item.until else []
        fields.setdefault(f"{item.filing}/{item.field}", []).append(" ".join(words))
    failed = plan.decision.against if plan.decision is not None else ()
    return {
        "values": {name: "; ".join(sorted(found)) for name, found in fields.items()},
        "codes": {f"{item.filing}/{item.field}": item.code for item in plan.items},
        "rules": {f"{item.filing}/{item.field}": item.rule for item in plan.items},
        "waiting_for": plan.waiting_for,
        "expires_on": plan.expires_on,
        "erases_person": plan.erases_person,
        "ends_marketing": plan.ends_marketing,
        "objects": plan.objects,
        "move": plan.decision.outcome if plan.decision is not None else None,
        "failed": sorted(reason.code for reason in failed),
    }


#: name -> what is asked and who answers.
QUESTIONS: Final[Mapping[str, Asked]] = {
    "may-contact": Asked(MayContact, may_contact),
    "may-advertise": Asked(MayAdvertise, may_advertise),
    "may-process": Asked(MayProcess, may_process),
    "may-move": Asked(MayMove, may_move),
    "may-exercise": Asked(MayExercise, may_exercise),
    "may-store": Asked(MayStore, may_store),
    "may-disclose": Asked(MayDisclose, may_disclose),
    "may-transfer": Asked(MayTransfer, may_transfer),
    "adequacy-falls": Asked(_AdequacyFalls, _adequacy_falls),
    "has-consent": Asked(HasConsent, lambda case, q: consent_in_force(case, q.purpose, q.channel)),
    "record": Asked(Record, _record),
    "kept-through": Asked(_KeptThrough, _kept_through),
    "is-marketing": Asked(_IsMarketing, _is_marketing),
    "proof": Asked(_Proof, _proof),
    "is-personal": Asked(_IsPersonal, _is_personal),
    "log": Asked(_Log, _log),
    "deadline": Asked(_Deadline, _deadline),
    "explain": Asked(_Explain, _explain),
    "breach": Asked(_Breach, _breach),
    "notice-due": Asked(_NoticeDue, _notice_due),
    "words": Asked(_Words, _words),
    "handling": Asked(_Handling, _handling),
    "to-tell": Asked(_ToTell, _to_tell),
    "standing": Asked(_Standing, _standing),
    "ending": Asked(_Ending, _ending),
    "after-end": Asked(AfterEnd, lambda case, q: _told(plan_after_end(case, q))),
    "erasure": Asked(Erasure, lambda case, q: _told(plan_erasure(case, q))),
    "due": Asked(DueErasure, lambda case, q: _told(plan_due(case, q))),
}
