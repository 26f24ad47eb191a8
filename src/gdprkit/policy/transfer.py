"""May data go to a third country (GDPR Chapter V), and what stops when an adequacy decision falls?

Every flow is a declared record: importer, mechanism, evidence; while one is unknown the flow is
incomplete and nothing new goes out (R-711, R-713). A mechanism carries on its own conditions, which
stand here one by one (R-712, R-714). Leaves out whether safeguards suffice in the third country: a
named assessment says so. Always true: without a mechanism nothing goes, and a derogation never
carries a standing flow of marketing or analytics.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Final, final

import attrs

from gdprkit.policy.case import Case
from gdprkit.policy.consent import valid_consent
from gdprkit.policy.decisions import Decision, Outcome, Reason, allow, forbid, need
from gdprkit.policy.law import EEA, LawProfile
from gdprkit.register.parties import Transfer, TransferMechanism
from gdprkit.register.purposes import Purpose
from gdprkit.register.register import Register
from gdprkit.state.standing import EMPTY
from gdprkit.words.citations import gdpr
from gdprkit.words.identifiers import FieldId, PurposeId
from gdprkit.words.vocabulary import PurposeKind

__all__ = ["MayTransfer", "StoppedFlow", "may_transfer", "stopped_flows", "transfer_reasons"]


def _names(values: Iterable[str]) -> frozenset[str]:
    return frozenset(values)


@final
@attrs.frozen(kw_only=True)
class MayTransfer:
    """The question: may data go out on this declared flow, for this purpose?

    Args:
        transfer: The declared flow.
        purpose: The declared purpose.
        fields: The fields that would go; none means what the flow is declared for.
    """

    transfer: str
    purpose: str
    fields: frozenset[str] = attrs.field(default=frozenset(), converter=_names)


WITHIN_THE_EEA: Final = allow("within-the-eea", "R-711", gdpr("44"))
TRANSFER_INCOMPLETE: Final = forbid("transfer-incomplete", "R-713", gdpr("44"))
TRANSFER_NOT_FOR_PURPOSE: Final = forbid("transfer-not-for-purpose", "R-711", gdpr("30(1)(e)"))
TRANSFER_NOT_FOR_FIELD: Final = forbid("transfer-not-for-field", "R-711", gdpr("30(1)(e)"))
TRANSFER_REVIEW_OVERDUE: Final = need(
    "transfer-review-overdue", "R-711", gdpr("44"), missing="a review of the flow's evidence"
)
TRANSFER_REVIEWED: Final = allow("transfer-reviewed", "R-711", gdpr("44"))
ADEQUATE: Final = allow("adequate", "R-711", gdpr("45"))
NOT_ADEQUATE: Final = forbid("not-adequate", "R-711", gdpr("45"))
LISTED: Final = allow("importer-listed", "R-712", gdpr("45"))
LISTING_UNCHECKED: Final = need(
    "listing-unchecked", "R-712", gdpr("45"), missing="a check that the importer is on the list"
)
LISTING_EXPIRED: Final = need(
    "listing-expired", "R-712", gdpr("45"), missing="a new check of the importer's listing"
)
CLAUSES_SIGNED: Final = allow("clauses-signed", "R-712", gdpr("46(2)(c)"))
CLAUSES_WITHOUT_MODULE: Final = need(
    "clauses-without-module", "R-712", gdpr("46(2)(c)"), missing="the module of the clauses"
)
ASSESSMENT_OF_TRANSFER_MISSING: Final = need(
    "transfer-assessment-missing",
    "R-712",
    gdpr("46(1)"),
    missing="an assessment of the transfer's impact",
)
BINDING_RULES: Final = allow("binding-rules", "R-712", gdpr("47"))
DEROGATION_FOR_A_FLOW: Final = forbid("derogation-for-a-flow", "R-714", gdpr("49(1)"))
DEROGATION_OCCASIONAL: Final = allow("derogation-occasional", "R-712", gdpr("49(1)"))
DEROGATION_CONSENTED: Final = allow("derogation-consented", "R-714", gdpr("49(1)(a)"))
DEROGATION_UNCONSENTED: Final = need(
    "derogation-unconsented",
    "R-714",
    gdpr("49(1)(a)"),
    missing="an explicit consent after the risks were told",
)


def may_transfer(case: Case, question: MayTransfer) -> Decision:
    """Decide whether data may go out on a declared flow (R-711 to R-714).

    Raises:
        UnknownPurpose, UnknownName: the register does not declare the flow, purpose or a field.
    """
    flow = case.register.transfer(question.transfer)
    purpose = case.purpose(question.purpose)
    fields = frozenset(case.register.field(FieldId(name)).id for name in question.fields)
    return Decision(
        question="may_transfer",
        about=case.about,
        at=case.at,
        law=case.law.id,
        reasons=tuple(transfer_reasons(case, flow, purpose, fields)),
    )


def transfer_reasons(
    case: Case, flow: Transfer, purpose: Purpose, fields: frozenset[FieldId]
) -> Iterator[Reason]:
    """Yield whether a flow carries these fields for this purpose, and why not."""
    if flow.country in EEA:
        yield WITHIN_THE_EEA
        return
    if flow.missing:
        yield TRANSFER_INCOMPLETE
        return
    if purpose.id not in flow.purposes:
        yield TRANSFER_NOT_FOR_PURPOSE
    if not fields <= flow.fields:
        yield TRANSFER_NOT_FOR_FIELD
    if flow.review_by is not None:
        if case.today > flow.review_by:
            yield TRANSFER_REVIEW_OVERDUE
        else:
            yield TRANSFER_REVIEWED.on(until=case.end_of(flow.review_by))
    match flow.mechanism:
        case TransferMechanism.ADEQUACY:
            yield _adequacy(case, flow)
        case TransferMechanism.STANDARD_CLAUSES:
            if flow.module is None:
                yield CLAUSES_WITHOUT_MODULE
            if flow.assessment is None:
                yield ASSESSMENT_OF_TRANSFER_MISSING
            if flow.module is not None and flow.assessment is not None:
                yield CLAUSES_SIGNED
        case TransferMechanism.BCR:
            yield BINDING_RULES if flow.assessment else ASSESSMENT_OF_TRANSFER_MISSING
        case _:
            yield _derogation(case, flow, purpose)


def _adequacy(case: Case, flow: Transfer) -> Reason:
    """A decision of adequacy; for some countries of the importers on a list only (R-712)."""
    if flow.country in case.law.adequate:
        return ADEQUATE
    if flow.country not in case.law.adequate_if_listed:
        return NOT_ADEQUATE
    if flow.listed_until is None:
        return LISTING_UNCHECKED
    if case.today > flow.listed_until:
        return LISTING_EXPIRED
    return LISTED.on(until=case.end_of(flow.listed_until))


def _derogation(case: Case, flow: Transfer, purpose: Purpose) -> Reason:
    """Art. 49 is for the occasional; a consent names the risks and carries no standing flow."""
    standing = purpose.marketing or purpose.kinds & {PurposeKind.ANALYTICS, PurposeKind.PROFILING}
    if not flow.occasional or standing:
        return DEROGATION_FOR_A_FLOW
    if not flow.on_consent:
        return DEROGATION_OCCASIONAL
    for word in case.standing.consent.for_purpose(purpose.id):
        consent = valid_consent(case, purpose.id, word.channel)
        said = consent.word.evidence if consent is not None else None
        if consent is not None and said is not None and said.explicit and said.transfer_risks_told:
            return DEROGATION_CONSENTED.on(consent.word.position, until=consent.until)
    return DEROGATION_UNCONSENTED


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

    Say that a decision of adequacy falls: what the profile before allowed and the one after does
    not, purpose by purpose. Flows on a person's own consent are asked person by person.

    Args:
        register: What the controller declares.
        before: The law until then.
        after: The law from then on.
        at: The moment of the change, with its zone.
    """
    found = []
    for flow in register.transfers.values():
        stopped: dict[PurposeId, frozenset[str]] = {}
        for name in sorted(flow.purposes):
            was, now = (
                Decision(
                    question="may_transfer",
                    about=None,
                    at=at,
                    law=law.id,
                    reasons=tuple(
                        transfer_reasons(
                            Case(standing=EMPTY, register=register, at=at, law=law),
                            flow,
                            register.purpose(name),
                            flow.fields,
                        )
                    ),
                )
                for law in (before, after)
            )
            if was and now.outcome is not Outcome.ALLOWED:
                stopped[name] = frozenset(r.code for r in now.against)
        if stopped:
            codes = frozenset[str]().union(*stopped.values())
            found.append(StoppedFlow(transfer=flow.id, purposes=frozenset(stopped), codes=codes))
    return tuple(found)


def review_of(flow: Transfer) -> date | None:
    """Return the last day the evidence of a flow may be relied on."""
    days = [day for day in (flow.review_by, flow.listed_until) if day is not None]
    return min(days, default=None)
