"""May we process this person's data for this purpose?

A purpose needs one live basis (R-101): consent in force, a contract with the person, a named law,
or a passed and current assessment of an interest that was told. Data under restriction is stored
only (R-504). Being allowed to process is not being allowed to contact: see ``policy.marketing``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, assert_never, final

import attrs

from gdprkit.policy.case import Case
from gdprkit.policy.consent import consent_in_force
from gdprkit.policy.decisions import Decision, Reason, Rule, allow, decide, forbid, need
from gdprkit.policy.periods import ends_on
from gdprkit.register.purposes import Purpose
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.consent import ConsentStatus
from gdprkit.state.objection import PurposeObjectionStatus
from gdprkit.words.citations import dpa_fi, gdpr
from gdprkit.words.identifiers import FieldId
from gdprkit.words.moments import local_midnight
from gdprkit.words.vocabulary import (
    Channel,
    Circumstance,
    DataTag,
    FilingSystem,
    LegalBasis,
    Right,
    SubjectKind,
    Trigger,
)

__all__ = ["MayProcess", "assessment_reasons", "may_process", "notice_told"]


@final
@attrs.frozen(kw_only=True)
class MayProcess:
    """The question: may we process for *purpose*, the whole of it or one *field*?"""

    purpose: str
    field: str | None = None


@final
@attrs.frozen(kw_only=True)
class _Asked:
    case: Case
    purpose: Purpose
    field: FieldId | None


PERSON_UNKNOWN: Final = need(
    "person-unknown", "R-101", gdpr("5(2)"), missing="the person in the register"
)
PERSON_DECEASED: Final = forbid("person-deceased", "R-415", gdpr("recital 27"))
PERSON_ERASED: Final = forbid("person-erased", "R-503", gdpr("17(1)"))


def _alive(asked: _Asked) -> Iterator[Reason]:
    data = asked.case.standing.data
    if data.kind is None:
        yield PERSON_UNKNOWN
    dead = data.circumstance(Circumstance.DECEASED)
    if dead is not None and asked.purpose.filing is not FilingSystem.ARCHIVE:
        yield PERSON_DECEASED.on(dead.position)
    if data.erased_at is not None:
        yield PERSON_ERASED.on(data.erased_position)


_OBJECTABLE: Final = frozenset({LegalBasis.LEGITIMATE_INTERESTS, LegalBasis.PUBLIC_TASK})
_STOPS_MARKETING: Final = frozenset({Right.ERASURE, Right.OBJECTION_TO_MARKETING})


RESTRICTED: Final = forbid("restricted", "R-504", gdpr("18(2)"))
RESTRICTION_ASKED: Final = forbid("restriction-asked", "R-504", gdpr("18(1)"))
REQUEST_PENDING: Final = forbid("request-pending", "R-414", gdpr("21(3)"))
OBJECTION_PENDING: Final = forbid("request-pending", "R-507", gdpr("18(1)(d)"))


def _not_restricted(asked: _Asked) -> Iterator[Reason]:
    for restriction in asked.case.standing.objection.restrictions:
        yield RESTRICTED.on(restriction.position)
    for case in asked.case.standing.request.open:
        if case.right is Right.RESTRICTION:
            yield RESTRICTION_ASKED.on(case.position)
        elif case.right in _STOPS_MARKETING and asked.purpose.marketing:
            yield REQUEST_PENDING.on(case.position)
        elif case.right is Right.OBJECTION and asked.purpose.basis in _OBJECTABLE:
            yield OBJECTION_PENDING.on(case.position)


KIND_NOT_COVERED: Final = forbid("kind-not-covered", "R-101", gdpr("5(1)(b)"))
FIELD_NOT_COVERED: Final = forbid("field-not-covered", "R-117", gdpr("5(1)(c)"))


def _declared(asked: _Asked) -> Iterator[Reason]:
    kind = asked.case.standing.data.kind
    subjects = asked.purpose.subjects
    if kind is not None and subjects and kind not in subjects:
        yield KIND_NOT_COVERED
    if asked.field is not None and asked.field not in asked.purpose.fields:
        yield FIELD_NOT_COVERED


SPECIAL_DATA: Final = need(
    "special-data", "R-109", gdpr("9(2)"), missing="an exception of Art. 9(2)"
)
CRIMINAL_DATA: Final = forbid("criminal-data", "R-110", gdpr("10"))
IDENTITY_CODE: Final = need(
    "identity-code", "R-111", dpa_fi("29"), missing="a ground of DPA-FI s. 29"
)
CLOSED_TO_MARKETING: Final = forbid("closed-to-marketing", "R-119", gdpr("5(1)(b)"))


def _closed_data(asked: _Asked) -> Iterator[Reason]:
    """Closed data among the fields asked about; among all of the purpose's where none is named."""
    fields = (asked.field,) if asked.field is not None else sorted(asked.purpose.fields)
    tags = frozenset[DataTag]().union(*(asked.case.register.field(f).tags for f in fields))
    if DataTag.SPECIAL in tags:
        yield SPECIAL_DATA
    if DataTag.CRIMINAL in tags:
        yield CRIMINAL_DATA
    if DataTag.IDENTITY_CODE in tags:
        yield IDENTITY_CODE
    if asked.purpose.marketing and tags & {DataTag.CREDIT, DataTag.FREE_TEXT, DataTag.SPECIAL}:
        yield CLOSED_TO_MARKETING


UNDER_REVIEW: Final = forbid("under-review", "R-402", gdpr("5(1)(b)"))
PERIOD_OVER: Final = forbid("period-over", "R-116", gdpr("5(1)(e)"))
PERIOD_RUNS: Final = allow("period-runs", "R-116", gdpr("5(1)(e)"))


def _not_over(asked: _Asked) -> Iterator[Reason]:
    """The period of the purpose is over, or the record is frozen under review (R-116, R-402)."""
    case, purpose = asked.case, asked.purpose
    rule = purpose.retention
    own_file = purpose.filing is FilingSystem.CUSTOMER
    if case.standing.status is ConnectionStatus.ENDED and (
        purpose.marketing
        or (own_file and rule is not None and rule.after is Trigger.CONNECTION_END)
    ):
        yield UNDER_REVIEW.on(case.standing.connection.position)
    held = [
        value
        for value in case.standing.data.held(purpose.filing)
        if value.field in purpose.fields and asked.field in (None, value.field)
    ]
    ends = [ends_on(case, purpose, value) for value in held] if own_file else []
    last = max((end for end in ends if end is not None), default=None)
    if last is not None and None not in ends:
        if case.at >= case.end_of(last):
            yield PERIOD_OVER
        else:
            yield PERIOD_RUNS.on(until=case.end_of(last))


BASIS_SWAP: Final = forbid("basis-swap", "R-115", gdpr("5(1)(a)"))


def _no_swap(asked: _Asked) -> Iterator[Reason]:
    """A consent withdrawn or refused is not replaced by another basis (R-115)."""
    if asked.purpose.basis is LegalBasis.CONSENT:
        return
    for word in asked.case.standing.consent.for_purpose(asked.purpose.id):
        if word.status is not ConsentStatus.GIVEN:
            yield BASIS_SWAP.on(word.position)


ASSESSMENT_MISSING: Final = need(
    "assessment-missing", "R-105", gdpr("6(1)(f)"), missing="a balancing assessment on file"
)
ASSESSMENT_NOT_YET: Final = need(
    "assessment-not-yet",
    "R-105",
    gdpr("6(1)(f)"),
    missing="an assessment decided before processing",
)
ASSESSMENT_FAILED: Final = forbid("assessment-failed", "R-105", gdpr("6(1)(f)"))
ASSESSMENT_OVERDUE: Final = need(
    "assessment-overdue", "R-105", gdpr("6(1)(f)"), missing="a review of the assessment"
)
ASSESSMENT_NOT_FOR_FORMER: Final = need(
    "assessment-not-for-former",
    "R-403",
    gdpr("6(1)(f)"),
    missing="an assessment that covers former customers",
)
ASSESSMENT_PASSED: Final = allow("assessment-passed", "R-105", gdpr("6(1)(f)"))


def assessment_reasons(case: Case, purpose: Purpose, *, former: bool = False) -> Iterator[Reason]:
    """Yield whether the purpose's assessment of legitimate interests carries (R-105)."""
    assessment = purpose.assessment
    if assessment is None:
        yield ASSESSMENT_MISSING
    elif case.today < assessment.decided:
        yield ASSESSMENT_NOT_YET.on(until=local_midnight(assessment.decided, case.zone))
    elif not assessment.passed:
        yield ASSESSMENT_FAILED
    elif case.today > assessment.review_by:
        yield ASSESSMENT_OVERDUE
    elif former and not assessment.covers_former:
        yield ASSESSMENT_NOT_FOR_FORMER
    else:
        yield ASSESSMENT_PASSED.on(until=case.end_of(assessment.review_by))


def notice_told(case: Case, purpose: Purpose) -> int | None:
    """Return the entry of a notice that told this purpose and its interest, or None (R-106)."""
    for given in case.standing.notice.given:
        notice = case.register.notices.get(given.notice)
        if notice is None:
            continue
        covers = purpose.id in notice.purposes or (purpose.marketing and notice.names_marketing)
        if covers and (
            notice.names_interest or purpose.basis is not LegalBasis.LEGITIMATE_INTERESTS
        ):
            return given.position
    return None


BASIS_MISSING: Final = forbid("basis-missing", "R-101", gdpr("6(1)"))
VITAL_INTEREST_NOTE: Final = need(
    "vital-interest-note", "R-101", gdpr("6(1)(d)"), missing="a note of the emergency"
)
NOT_PARTY_TO_THE_CONTRACT: Final = forbid("not-party-to-the-contract", "R-102", gdpr("6(1)(b)"))
MINOR: Final = forbid("minor", "R-105", gdpr("6(1)(f)"))
INTEREST_NOT_TOLD: Final = need(
    "interest-not-told", "R-106", gdpr("13(1)(d)"), missing="a notice that names the interest"
)
INTEREST_TOLD: Final = allow("interest-told", "R-106", gdpr("13(1)(d)"))
CONTRACT_LIVE: Final = allow("contract-live", "R-102", gdpr("6(1)(b)"))
CONTRACT_NOT_LIVE: Final = need(
    "contract-not-live", "R-102", gdpr("6(1)(b)"), missing="a live contract"
)


#: (basis, whether a statute is named) -> reason
_STATUTE: Final[Mapping[tuple[LegalBasis, bool], Reason]] = {
    (LegalBasis.LEGAL_OBLIGATION, True): allow("statute-named", "R-101", gdpr("6(1)(c)")),
    (LegalBasis.LEGAL_OBLIGATION, False): need(
        "statute-missing", "R-101", gdpr("6(1)(c)"), missing="the law and its section"
    ),
    (LegalBasis.PUBLIC_TASK, True): allow("statute-named", "R-101", gdpr("6(1)(e)")),
    (LegalBasis.PUBLIC_TASK, False): need(
        "statute-missing", "R-101", gdpr("6(1)(e)"), missing="the law and its section"
    ),
}


def _basis_lives(asked: _Asked) -> Iterator[Reason]:
    case, purpose = asked.case, asked.purpose
    standing = case.standing
    match purpose.basis:
        case None:
            yield BASIS_MISSING
        case LegalBasis.CONSENT:
            scopes: list[Channel | None] = [*sorted(purpose.channels)] or [None]
            decisions = [consent_in_force(case, purpose.id, channel) for channel in scopes]
            yield from min(decisions, key=lambda d: d.outcome.rank).reasons
        case LegalBasis.CONTRACT:
            if standing.data.kind is SubjectKind.COMPANY_CONTACT:
                yield NOT_PARTY_TO_THE_CONTRACT
            elif standing.status is ConnectionStatus.ACTIVE:
                yield CONTRACT_LIVE.on(standing.connection.position)
            else:
                yield CONTRACT_NOT_LIVE
        case LegalBasis.LEGAL_OBLIGATION | LegalBasis.PUBLIC_TASK as basis:
            yield _STATUTE[basis, purpose.statute is not None]
        case LegalBasis.VITAL_INTERESTS:
            yield VITAL_INTEREST_NOTE
        case LegalBasis.LEGITIMATE_INTERESTS:
            minor = standing.data.circumstance(Circumstance.MINOR)
            if minor is not None:
                yield MINOR.on(minor.position)
            yield from assessment_reasons(
                case, purpose, former=case.is_former and purpose.marketing
            )
            told = notice_told(case, purpose)
            if told is None:
                yield INTEREST_NOT_TOLD
            else:
                yield INTEREST_TOLD.on(told)
        case never:
            assert_never(never)


OBJECTED: Final = forbid("objected", "R-507", gdpr("21(1)"))
OBJECTED_TO_MARKETING: Final = forbid("objected", "R-311", gdpr("21(3)"))


def _not_objected(asked: _Asked) -> Iterator[Reason]:
    for objection in asked.case.standing.objection.objections:
        if objection.purpose != asked.purpose.id:
            continue
        overridden = objection.status is PurposeObjectionStatus.OVERRIDDEN
        if asked.purpose.marketing or not overridden:  # marketing has no overriding grounds
            yield OBJECTED.on(objection.position)
    if asked.purpose.marketing and asked.purpose.basis is not LegalBasis.CONSENT:
        for stop in asked.case.standing.objection.stops:
            if stop.purpose in (None, asked.purpose.id) and not stop.channels:
                yield OBJECTED_TO_MARKETING.on(stop.position)


_RULES: Final[tuple[Rule, ...]] = (
    _alive,
    _not_restricted,
    _declared,
    _closed_data,
    _not_over,
    _no_swap,
    _basis_lives,
    _not_objected,
)


def may_process(case: Case, question: MayProcess) -> Decision:
    """Decide whether data may be processed for a purpose.

    Raises:
        UnknownPurpose, UnknownName: the register does not declare the purpose or the field.
    """
    purpose = case.purpose(question.purpose)
    field = case.register.field(FieldId(question.field)).id if question.field else None
    asked = _Asked(case=case, purpose=purpose, field=field)
    return Decision(
        question="may_process",
        about=case.about,
        at=case.at,
        law=case.law.id,
        reasons=decide(_RULES, asked),
    )
