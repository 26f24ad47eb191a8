"""What scenarios ask besides *may* questions: the questions as values, their answers as tables.

Decides nothing: each function asks a policy and tells its answer in plain words, so that a file can
say what it expects without knowing Python. What a question is called stands in
``testing.scenario_questions``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, cast, final

import attrs

from gdprkit.acts.act import Act
from gdprkit.acts.prepare import prepare
from gdprkit.errors import InvalidValue, NotPossibleNow, UnknownName
from gdprkit.facts.entry import Fact
from gdprkit.ledger.codec import KINDS
from gdprkit.policy.breach import breach_clock, explain_breach, processor_tells_by
from gdprkit.policy.case import Case
from gdprkit.policy.consent import proof_kept_through
from gdprkit.policy.deadlines import explain_deadline, is_overdue, is_refusal_late
from gdprkit.policy.decisions import NotAllowed
from gdprkit.policy.ending import derived_end, end_passed
from gdprkit.policy.explain import text
from gdprkit.policy.handling import handling, to_tell
from gdprkit.policy.informing import notice_month
from gdprkit.policy.leftovers import LEFTOVERS, kept_through
from gdprkit.policy.logs import holds_address, is_personal, log_days
from gdprkit.policy.marketing import is_marketing
from gdprkit.policy.marks import tags, wake_at
from gdprkit.policy.periods import review_due, window_end
from gdprkit.policy.plan import Plan
from gdprkit.policy.request import answered_late, deadline_of
from gdprkit.policy.transfer import stopped_flows, without_adequacy
from gdprkit.state.request import RequestCase
from gdprkit.words.identifiers import CaseId, FieldId
from gdprkit.words.moments import month_day
from gdprkit.words.vocabulary import Channel, MessagePart

if TYPE_CHECKING:
    from gdprkit.policy.languages import Language, Reader

__all__ = [
    "AdequacyFalls",
    "Breach",
    "Deadline",
    "Ending",
    "Explain",
    "Handling",
    "IsMarketing",
    "IsPersonal",
    "KeptThrough",
    "Log",
    "NoticeDue",
    "Proof",
    "Record",
    "Standing",
    "ToTell",
    "Words",
    "adequacy_falls",
    "breach_told",
    "deadline_told",
    "ending_told",
    "explained",
    "handling_told",
    "kept_told",
    "log_told",
    "marketing_told",
    "may_record",
    "notice_due",
    "personal_told",
    "plan_told",
    "proof_told",
    "recipients_told",
    "standing_told",
    "words_of",
]


@final
@attrs.frozen(kw_only=True)
class Record:
    """May this fact be recorded now, and what is recorded with it?"""

    fact: Fact


@final
@attrs.frozen(kw_only=True)
class Deadline:
    """By when must a request be answered (R-550 to R-562)?"""

    case: CaseId


@final
@attrs.frozen(kw_only=True)
class Explain:
    """The same, in words."""

    case: CaseId
    language: str = "en"
    reader: str = "controller"


@final
@attrs.frozen(kw_only=True)
class Breach:
    """By when must a breach be notified (R-570)?"""

    aware: datetime
    language: str = "en"


@final
@attrs.frozen(kw_only=True)
class NoticeDue:
    """By when must a person be told whose data came from elsewhere (R-562)?"""


@final
@attrs.frozen(kw_only=True)
class Handling:
    """How is a request handled, field by field?"""

    request: CaseId


@final
@attrs.frozen(kw_only=True)
class ToTell:
    """Whom must we tell (R-505)?"""


@final
@attrs.frozen(kw_only=True)
class Words:
    """What are the words of a code?"""

    code: str
    language: str = "en"
    reader: str = "person"


@final
@attrs.frozen(kw_only=True)
class Standing:
    """Where does the person stand?"""


@final
@attrs.frozen(kw_only=True)
class Ending:
    """When does the connection end, and what runs then (R-401)?"""


@final
@attrs.frozen(kw_only=True)
class KeptThrough:
    """How long is this kind of material kept (R-408)?"""

    material: str
    day: date


@final
@attrs.frozen(kw_only=True)
class IsMarketing:
    """Is a message of these parts marketing (R-301)?"""

    parts: tuple[MessagePart, ...]


@final
@attrs.frozen(kw_only=True)
class Proof:
    """How long is the proof of a consent kept (R-215)?"""

    purpose: str
    channel: Channel | None = attrs.field(
        default=None, converter=attrs.converters.optional(Channel)
    )


@final
@attrs.frozen(kw_only=True)
class IsPersonal:
    """Is a field personal data (R-236)?"""

    field: str


@final
@attrs.frozen(kw_only=True)
class Log:
    """When are the lines of a log shortened and erased (R-237)?"""

    log: str
    written: date


@final
@attrs.frozen(kw_only=True)
class AdequacyFalls:
    """What stops when a decision of adequacy falls (R-712)?"""

    country: str


def may_record(case: Case, question: Record) -> Any:
    """Tell whether a fact may be recorded now, what goes with it, or what is possible instead."""
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
        raise UnknownName("request of this person", recorded=True)
    return request


def deadline_told(case: Case, question: Deadline) -> Mapping[str, Any]:
    """Tell every part of a deadline, and what is late at the moment asked about."""
    request = _request(case, question.case)
    found = deadline_of(case, request)
    told = {field.name: getattr(found, field.name) for field in attrs.fields(type(found))}
    return {
        **told,
        "overdue": is_overdue(found, case.at),
        "refusal_late": is_refusal_late(found, case.at),
        "answered_late": answered_late(case, request),
    }


def explained(case: Case, question: Explain) -> Mapping[str, Any]:
    """Tell a deadline in words, line by line."""
    found = deadline_of(case, _request(case, question.case))
    # an unknown word is refused there
    language, reader = cast("Language", question.language), cast("Reader", question.reader)
    told = explain_deadline(found, language, reader, at=case.at)
    return {"lines": told.splitlines()}


def breach_told(case: Case, question: Breach) -> Mapping[str, Any]:
    """Tell both readings of the hours of a breach, and their words (R-570)."""
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


def notice_due(case: Case, _: object) -> Mapping[str, Any]:
    """Tell by when a person is informed whose data came from elsewhere (Art. 14(3)(a); R-562)."""
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


def handling_told(case: Case, question: Handling) -> Mapping[str, Any]:
    """Tell how a request is handled, field by field (R-521)."""
    found = handling(case, _request(case, question.request))
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


def recipients_told(case: Case, _: object) -> Mapping[str, Any]:
    """Tell whom to tell of what, and by when (Art. 19; R-505)."""
    return {
        "tell": sorted(
            f"{one.recipient} of {one.about}: {', '.join(sorted(one.fields))} by {one.due}"
            for one in to_tell(case)
        )
    }


def words_of(_: Case, question: Words) -> Mapping[str, Any]:
    """Tell the words of a code."""
    return {
        "words": text(
            question.code, cast("Language", question.language), cast("Reader", question.reader)
        )
    }


def standing_told(case: Case, _: object) -> Mapping[str, Any]:
    """Tell where the person stands: status, overlays, stops, fields, requests, consents."""
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


def ending_told(case: Case, _: object) -> Mapping[str, Any]:
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


def kept_told(case: Case, question: KeptThrough) -> Mapping[str, Any]:
    """Tell how long a kind of material is kept (R-408)."""
    year_end = month_day(case.register.financial_year_end)
    last = kept_through(question.material, question.day, law=case.law, year_end=year_end)
    return {"last_day": last, "basis": LEFTOVERS[question.material].basis}


def marketing_told(_: Case, question: IsMarketing) -> Mapping[str, Any]:
    """Tell whether a message is marketing (R-301)."""
    return {"marketing": is_marketing(question.parts)}


def proof_told(case: Case, question: Proof) -> Mapping[str, Any]:
    """Tell how long the proof of a consent is kept (R-215)."""
    word = case.standing.consent.word(case.purpose(question.purpose).id, question.channel)
    if word is None:
        raise UnknownName("consent of this person for this purpose and channel", recorded=True)
    return {"kept_through": proof_kept_through(case, word)}


def personal_told(case: Case, question: IsPersonal) -> Mapping[str, Any]:
    """Tell whether a field is personal data (R-236)."""
    return {"personal": is_personal(case.register.field(FieldId(question.field)))}


def log_told(case: Case, question: Log) -> Mapping[str, Any]:
    """Tell when a line of a log is shortened and when it is erased (R-237)."""
    log = case.register.log(question.log)
    whole = holds_address(case.register, log)
    days = log_days(log, question.written, law=case.law, holds_address=whole)
    return {"shorten_after": days.shorten_after, "erase_after": days.erase_after}


def adequacy_falls(case: Case, question: AdequacyFalls) -> Mapping[str, Any]:
    """Tell which flows and purposes stop when a decision of adequacy falls (R-712)."""
    after = without_adequacy(case.law, question.country)
    stopped = stopped_flows(case.register, case.law, after, case.at)
    return {
        "stops": [flow.transfer for flow in stopped],
        "purposes": {flow.transfer: flow.purposes for flow in stopped},
        "codes": {flow.transfer: flow.codes for flow in stopped},
    }


def plan_told(plan: Plan) -> Mapping[str, Any]:
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
