"""May data go to a third country (GDPR Chapter V), and what stops when an adequacy decision falls?

Every flow is a declared record: importer, mechanism, evidence; while one is unknown the flow is
incomplete and nothing new goes out (R-711, R-713). A mechanism carries on its own conditions, which
stand here one by one (R-712, R-714); where it falls, a fallback declared beforehand is asked.
Leaves out whether safeguards suffice in the third country: a named assessment says so. Always true:
without a mechanism nothing goes, what may not be processed is not transferred either, and a
derogation never carries a standing flow of marketing or analytics.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, final

import attrs

from gdprkit.policy.adequacy import EEA, Adequacy, adequacy_for
from gdprkit.policy.case import Case
from gdprkit.policy.consent import valid_consent
from gdprkit.policy.decisions import Decision, Outcome, Reason, allow, forbid, need
from gdprkit.policy.law import LawProfile
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.register.notices import NoticeItem
from gdprkit.register.parties import Fallback, Transfer, TransferMechanism
from gdprkit.register.purposes import Purpose
from gdprkit.register.register import Register
from gdprkit.state.standing import EMPTY
from gdprkit.words.citations import gdpr
from gdprkit.words.identifiers import FieldId, PurposeId
from gdprkit.words.moments import local_midnight
from gdprkit.words.vocabulary import PurposeKind

__all__ = [
    "MayTransfer",
    "StoppedFlow",
    "may_transfer",
    "stopped_flows",
    "transfer_reasons",
    "without_adequacy",
]


def _names(values: Iterable[str]) -> frozenset[str]:
    return frozenset(values)


@final
@attrs.frozen(kw_only=True)
class MayTransfer:
    """The question: may data go out on this declared flow, for this purpose?

    Args:
        transfer: The declared flow.
        purpose: The declared purpose.
        fields: The fields that would go; none means those of the flow that the purpose needs.
    """

    transfer: str
    purpose: str
    fields: frozenset[str] = attrs.field(default=frozenset(), converter=_names)


WITHIN_THE_EEA: Final = allow("within-the-eea", "R-711", gdpr("44"))
TRANSFER_INCOMPLETE: Final = forbid("transfer-incomplete", "R-713", gdpr("44"))
TRANSFER_NOT_FOR_PURPOSE: Final = forbid("transfer-not-for-purpose", "R-711", gdpr("30(1)(e)"))
TRANSFER_NOT_FOR_FIELD: Final = forbid("transfer-not-for-field", "R-711", gdpr("30(1)(e)"))
TRANSFER_NOT_BEGUN: Final = forbid("transfer-not-begun", "R-711", gdpr("30(1)(e)"))
TRANSFER_TOLD: Final = allow("transfer-told", "R-711", gdpr("13(1)(f)"))
TRANSFER_NOT_TOLD: Final = need(
    "transfer-not-told", "R-711", gdpr("13(1)(f)"), missing="a notice that tells of the transfer"
)


def may_transfer(case: Case, question: MayTransfer) -> Decision:
    """Decide whether data may go out on a declared flow (R-711 to R-714).

    Raises:
        UnknownPurpose, UnknownName: the register does not declare the flow, purpose or a field.
    """
    flow = case.register.transfer(question.transfer)
    purpose = case.purpose(question.purpose)
    fields = frozenset(case.register.field(FieldId(name)).id for name in question.fields)
    going = sorted(fields or flow.fields & purpose.fields)
    asked = [MayProcess(purpose=purpose.id, field=name) for name in going]
    found = [
        r
        for one in asked or [MayProcess(purpose=purpose.id)]
        for r in may_process(case, one).reasons
    ]
    found += transfer_reasons(case, flow, purpose, fields)
    return case.decision("may_transfer", tuple(dict.fromkeys(found)))


def transfer_reasons(
    case: Case, flow: Transfer, purpose: Purpose, fields: frozenset[FieldId]
) -> Iterator[Reason]:
    """Yield whether a flow carries these fields of the person for this purpose, and why not."""
    yield from _flow(case, flow, purpose, fields)
    if flow.country not in EEA and not flow.missing:
        yield _told(case, purpose)


def _told(case: Case, purpose: Purpose) -> Reason:
    """Whether a notice told the person of the transfer and its safeguards (Art. 13(1)(f))."""
    for given in case.standing.notice.given:
        notice = case.register.notices.get(given.notice)
        if notice and purpose.id in notice.purposes and NoticeItem.TRANSFERS in notice.items:
            return TRANSFER_TOLD.on(given.position)
    return TRANSFER_NOT_TOLD


def _flow(
    case: Case, flow: Transfer, purpose: Purpose, fields: frozenset[FieldId]
) -> Iterator[Reason]:
    """Yield what can be said of a flow without looking at the person, a consent apart."""
    if flow.country in EEA:
        yield WITHIN_THE_EEA
        return
    if flow.missing:
        yield TRANSFER_INCOMPLETE
        return
    if purpose.id not in flow.purposes:
        yield TRANSFER_NOT_FOR_PURPOSE
    going = fields or flow.fields & purpose.fields
    if not going or not going <= flow.fields:
        yield TRANSFER_NOT_FOR_FIELD
    if flow.starts is not None and case.today < flow.starts:
        yield TRANSFER_NOT_BEGUN.on(until=local_midnight(flow.starts, case.zone))
    yield from _carried(case, flow, purpose)


# --- what carries a flow -------------------------------------------------------------------------

FALLBACK_READY: Final = allow("transfer-fallback-ready", "R-712", gdpr("46(2)(c)"))
#: Allows, and warns: the court may take the decision of adequacy away any day.
FALLBACK_MISSING: Final = allow("transfer-fallback-missing", "R-712", gdpr("46(2)(c)"))
FELL_BACK: Final = allow("transfer-fell-back", "R-712", gdpr("46(1)"))


def _carried(case: Case, flow: Transfer, purpose: Purpose) -> Iterator[Reason]:
    """Yield what the mechanism says, or the fallback where that says better (R-712)."""
    first = tuple(_mechanism(case, flow, purpose))
    second = tuple(_mechanism(case, fallen, purpose)) if (fallen := _fallen_back(flow)) else None
    if second is not None and _rank(second) < _rank(first):
        yield FELL_BACK
        yield from second
        return
    yield from first
    if _rank(first):
        return
    if second is not None:
        yield FALLBACK_MISSING if _rank(second) else FALLBACK_READY
    elif flow.mechanism is TransferMechanism.ADEQUACY and _by_list(case, flow):
        yield FALLBACK_MISSING


def _fallen_back(flow: Transfer) -> Transfer | None:
    """Return the flow as its fallback carries it."""
    if flow.fallback is None:
        return None
    instead = {field.name: getattr(flow.fallback, field.name) for field in _FALLBACK}
    return attrs.evolve(flow, **instead)


_FALLBACK: Final = attrs.fields(Fallback)


def _rank(reasons: tuple[Reason, ...]) -> int:
    return max(reason.outcome.rank for reason in reasons)


REVIEW_UNSET: Final = need(
    "transfer-review-unset", "R-711", gdpr("5(2)"), missing="a day for reviewing the flow"
)
REVIEW_OVERDUE: Final = need(
    "transfer-review-overdue", "R-711", gdpr("5(2)"), missing="a review of the flow's evidence"
)
REVIEWED: Final = allow("transfer-reviewed", "R-711", gdpr("5(2)"))
CLAUSES_SIGNED: Final = allow("clauses-signed", "R-712", gdpr("46(2)(c)"))
CLAUSES_WITHOUT_MODULE: Final = need(
    "clauses-without-module", "R-712", gdpr("46(2)(c)"), missing="the module of the clauses"
)
BINDING_RULES: Final = allow("binding-rules", "R-712", gdpr("46(2)(b)"), gdpr("47"))


def _mechanism(case: Case, flow: Transfer, purpose: Purpose) -> Iterator[Reason]:
    if flow.review_by is None:
        yield REVIEW_UNSET
    elif case.today > flow.review_by:
        yield REVIEW_OVERDUE
    else:
        yield REVIEWED.on(until=case.end_of(flow.review_by))
    match flow.mechanism:
        case TransferMechanism.ADEQUACY:
            yield _adequacy(case, flow)
        case TransferMechanism.STANDARD_CLAUSES:
            yield CLAUSES_WITHOUT_MODULE if flow.module is None else CLAUSES_SIGNED
            yield _assessed(flow)
        case TransferMechanism.BCR:
            yield BINDING_RULES
            yield _assessed(flow)
        case _:
            yield _derogation(case, flow, purpose)


ASSESSED: Final = allow("transfer-assessed", "R-712", gdpr("46(1)"))
ASSESSMENT_MISSING: Final = need(
    "transfer-assessment-missing",
    "R-712",
    gdpr("46(1)"),
    missing="an assessment of the transfer's impact",
)
ASSESSMENT_FAILED: Final = forbid("transfer-assessment-failed", "R-712", gdpr("46(1)"))


def _assessed(flow: Transfer) -> Reason:
    """Safeguards of Art. 46 carry only where an assessment found that they hold there."""
    if flow.assessment is None or flow.assessment_passed is None:
        return ASSESSMENT_MISSING
    return ASSESSED if flow.assessment_passed else ASSESSMENT_FAILED


ADEQUATE: Final = allow("adequate", "R-711", gdpr("45(3)"))
NOT_ADEQUATE: Final = forbid("not-adequate", "R-711", gdpr("45(3)"))
LISTED: Final = allow("importer-listed", "R-712", gdpr("45(3)"))
LISTING_UNCHECKED: Final = need(
    "listing-unchecked", "R-712", gdpr("45(3)"), missing="a check that the importer is on the list"
)
LISTING_NOT_FOR_DATA: Final = forbid("listing-not-for-data", "R-712", gdpr("45(3)"))
LISTING_EXPIRED: Final = need(
    "listing-expired", "R-712", gdpr("45(3)"), missing="a new check of the importer's listing"
)


def _by_list(case: Case, flow: Transfer) -> bool:
    """Whether the country's decision carries listed importers only."""
    found = adequacy_for(case.law.adequacy, flow.country, case.today)
    return found is not None and found.listed


def _adequacy(case: Case, flow: Transfer) -> Reason:
    """A decision of adequacy; for some countries of the importers on a list only (R-712)."""
    found = adequacy_for(case.law.adequacy, flow.country, case.today)
    if found is None:
        return NOT_ADEQUATE.on(until=_next_decision(case, flow.country))
    carries = _listed(case, flow) if found.listed else ADEQUATE
    if found.until is None:
        return carries
    ends = case.end_of(found.until)
    return carries.on(until=ends if carries.until is None else min(carries.until, ends))


def _next_decision(case: Case, country: str) -> datetime | None:
    """Return when a decision for *country* begins that has not begun yet."""
    begins = [
        one.since
        for one in case.law.adequacy
        if one.country == country and one.since is not None and one.since > case.today
    ]
    return local_midnight(min(begins), case.zone) if begins else None


def _listed(case: Case, flow: Transfer) -> Reason:
    checked, until = flow.listing_checked, flow.listed_until
    if checked is None or until is None or flow.listing_covers is None:
        return LISTING_UNCHECKED
    if case.today < checked:  # then nobody had looked yet
        return LISTING_UNCHECKED.on(until=local_midnight(checked, case.zone))
    if not flow.listing_covers:
        return LISTING_NOT_FOR_DATA
    if case.today > until:
        return LISTING_EXPIRED
    return LISTED.on(until=case.end_of(until))


DEROGATION_FOR_A_FLOW: Final = forbid("derogation-for-a-flow", "R-714", gdpr("49(1)"))
DEROGATION_OCCASIONAL: Final = allow("derogation-occasional", "R-712", gdpr("49(1)"))
DEROGATION_CONSENTED: Final = allow("derogation-consented", "R-714", gdpr("49(1)(a)"))
DEROGATION_UNCONSENTED: Final = need(
    "derogation-unconsented",
    "R-714",
    gdpr("49(1)(a)"),
    missing="an explicit consent after the risks were told",
)
_STANDING: Final = frozenset({PurposeKind.ANALYTICS, PurposeKind.PROFILING})


def _derogation(case: Case, flow: Transfer, purpose: Purpose) -> Reason:
    """Art. 49 is for the occasional; a consent names the risks and carries no standing flow."""
    if not flow.occasional or purpose.marketing or purpose.kinds & _STANDING:
        return DEROGATION_FOR_A_FLOW
    if not flow.on_consent:
        return DEROGATION_OCCASIONAL
    for word in case.standing.consent.for_purpose(purpose.id):
        consent = valid_consent(case, purpose.id, word.channel)
        if consent is None or not consent.evidence.explicit:
            continue
        if consent.evidence.transfer_risks_told:
            return DEROGATION_CONSENTED.on(consent.word.position, until=consent.until)
    return DEROGATION_UNCONSENTED


# --- the day a decision of adequacy falls --------------------------------------------------------


def without_adequacy(law: LawProfile, country: str) -> LawProfile:
    """Return the law as it would be without the decision of adequacy for *country* (R-712)."""
    left: tuple[Adequacy, ...] = tuple(one for one in law.adequacy if one.country != country)
    return attrs.evolve(law, id=f"{law.id}-{country}", adequacy=left)


@final
@attrs.frozen(kw_only=True)
class StoppedFlow:
    """A flow that the law of another day no longer carries.

    Args:
        transfer: The declared flow.
        purposes: The purposes that lose it.
        codes: Why, as codes of reasons.
    """

    transfer: str
    purposes: frozenset[PurposeId]
    codes: frozenset[str]


def stopped_flows(
    register: Register, before: LawProfile, after: LawProfile, at: datetime
) -> tuple[StoppedFlow, ...]:
    """Return the flows that stop when one profile of the law gives way to another (R-712).

    Say that a decision of adequacy falls: what the profile before carried and the one after does
    not, purpose by purpose. A flow whose fallback is ready goes on. What depends on a person, as a
    notice or a consent does, is asked person by person.

    Args:
        register: What the controller declares.
        before: The law until then.
        after: The law from then on.
        at: The moment of the change, with its zone.
    """
    found = []
    for flow in register.transfers.values():
        stopped: dict[PurposeId, frozenset[str]] = {}
        for name in flow.purposes:
            purpose = register.purpose(name)
            was, now = (
                tuple(_flow(_nobody(register, law, at), flow, purpose, frozenset()))
                for law in (before, after)
            )
            if not _rank(was) and _rank(now):
                against = (r.code for r in now if r.outcome is not Outcome.ALLOWED)
                stopped[name] = frozenset(against)
        if stopped:
            codes = frozenset[str]().union(*stopped.values())
            found.append(StoppedFlow(transfer=flow.id, purposes=frozenset(stopped), codes=codes))
    return tuple(found)


def _nobody(register: Register, law: LawProfile, at: datetime) -> Case:
    return Case(standing=EMPTY, register=register, at=at, law=law)
