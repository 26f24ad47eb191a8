"""May we process this person's data for this purpose?

A purpose needs one live basis (R-101): consent in force, a contract with the person, a named law,
or a passed and current assessment of an interest that was told. Data under restriction is stored
only (R-504). Being allowed to process is not being allowed to contact: see ``policy.marketing``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, final

import attrs

from gdprkit.policy.basis import basis_reasons
from gdprkit.policy.case import Case
from gdprkit.policy.consent import CONSENT_IN_FORCE, consent_since, valid_consent
from gdprkit.policy.decisions import Decision, Reason, Rule, allow, decide, forbid, need
from gdprkit.policy.marketing_steps import UNPROVEN_ENTRY, membership_reasons
from gdprkit.policy.periods import at_collection, ends_on
from gdprkit.policy.placing import company_lifted, is_company_stop
from gdprkit.register.purposes import Purpose
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.objection import PurposeObjectionStatus, StopKind
from gdprkit.state.request import RequestCase
from gdprkit.words.citations import credit_act, dpa_fi, gdpr
from gdprkit.words.identifiers import FieldId, PurposeId
from gdprkit.words.vocabulary import (
    Circumstance,
    DataTag,
    FilingSystem,
    LegalBasis,
    PurposeKind,
    RestrictionGround,
    Right,
    SpecialGround,
    Trigger,
)

__all__ = ["MayProcess", "may_process"]


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
MERGED_AWAY: Final = forbid("merged-away", "R-416", gdpr("5(1)(d)"))
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
    merged = asked.case.standing.merge.into
    if merged is not None:
        yield MERGED_AWAY.on(merged.position)


_OBJECTABLE: Final = frozenset({LegalBasis.LEGITIMATE_INTERESTS, LegalBasis.PUBLIC_TASK})
_STOPS_MARKETING: Final = frozenset({Right.ERASURE, Right.OBJECTION_TO_MARKETING})


RESTRICTED: Final = forbid("restricted", "R-504", gdpr("18(2)"))
RESTRICTION_ASKED: Final = forbid("restriction-asked", "R-504", gdpr("18(1)"))
REQUEST_PENDING: Final = forbid("request-pending", "R-414", gdpr("21(3)"))
OBJECTION_PENDING: Final = forbid("request-pending", "R-507", gdpr("18(1)(d)"))


ACCURACY_CONTESTED: Final = forbid("accuracy-contested", "R-502", gdpr("18(1)(a)"))
RESTRICTED_BUT_CLAIMS: Final = allow("restricted-but-claims", "R-504", gdpr("18(2)"))
RESTRICTED_BUT_CONSENT: Final = allow("restricted-but-consent", "R-504", gdpr("18(2)"))


def _in_spite(asked: _Asked, since: datetime) -> Reason | None:
    """Return why restricted data may be used all the same: claims, or a consent given since."""
    purpose = asked.purpose
    if purpose.marketing:  # never, with consent neither (0.3)
        return None
    if purpose.retention is not None and purpose.retention.after is Trigger.CLAIM:
        return RESTRICTED_BUT_CLAIMS
    for word in asked.case.standing.consent.for_purpose(purpose.id):
        consent = valid_consent(asked.case, purpose.id, word.channel)
        if consent is not None and consent.word.at > since:
            return RESTRICTED_BUT_CONSENT.on(consent.word.position, until=consent.until)
    return None


def _not_restricted(asked: _Asked) -> Iterator[Reason]:
    restrictions = asked.case.standing.objection.restrictions
    limits = [(r.at, RESTRICTED.on(r.position)) for r in restrictions]
    for case in asked.case.standing.request.open:
        if case.fields and asked.field is not None and asked.field not in case.fields:
            continue  # the request is about other fields
        if case.right in _STOPS_MARKETING and asked.purpose.marketing:
            yield REQUEST_PENDING.on(case.position)
        elif case.purpose in (None, asked.purpose.id):  # a named purpose limits it
            limits += [(case.received_at, reason) for reason in _limiting(asked, case)]
    newest = max((at for at, _ in limits), default=None)
    spite = _in_spite(asked, newest) if newest is not None else None
    if spite is not None:
        yield spite
    else:
        yield from (reason for _, reason in limits)


def _limiting(asked: _Asked, case: RequestCase) -> Iterator[Reason]:
    """Return how an open request restricts until it is answered ([P] at once; 18(1)(a), (d))."""
    if case.right is Right.RESTRICTION:
        yield RESTRICTION_ASKED.on(case.position)
    elif (
        case.right is Right.RECTIFICATION
        and case.restriction_ground is RestrictionGround.ACCURACY_CONTESTED
    ):
        yield ACCURACY_CONTESTED.on(case.position)
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
SPECIAL_ON_GROUND: Final = allow("special-on-ground", "R-109", gdpr("9(2)"))
EXPLICIT_CONSENT: Final = allow("explicit-consent", "R-109", gdpr("9(2)(a)"))
EXPLICIT_CONSENT_MISSING: Final = need(
    "explicit-consent-missing",
    "R-109",
    gdpr("9(2)(a)"),
    missing="an explicit consent that names this data",
)
SPECIAL_IN_MARKETING: Final = forbid("closed-to-marketing", "R-109", gdpr("9(2)(a)"))
CRIMINAL_DATA: Final = forbid("criminal-data", "R-110", gdpr("10"))
OFFENCES_LAW_NAMED: Final = allow("offences-law-named", "R-110", gdpr("10"), dpa_fi("7"))
IDENTITY_CODE: Final = need(
    "identity-code", "R-111", dpa_fi("29"), missing="a ground of DPA-FI s. 29"
)
IDENTITY_CODE_ON_GROUND: Final = allow("identity-code-on-ground", "R-111", dpa_fi("29"))

CLOSED_TO_PROFILING: Final = forbid("closed-to-profiling", "R-109", gdpr("9(1)"))

#: What a marketing register never holds and no marketing is chosen by.
_CLOSED_TO_MARKETING: Final[Mapping[DataTag, Reason]] = {
    DataTag.CREDIT: forbid("closed-to-marketing", "R-119", credit_act("19")),
    DataTag.FREE_TEXT: forbid("closed-to-marketing", "R-109", gdpr("9(1)")),
    DataTag.CRIMINAL: forbid("closed-to-marketing", "R-110", gdpr("10")),
    DataTag.IDENTITY_CODE: forbid("closed-to-marketing", "R-111", gdpr("87"), dpa_fi("29")),
    DataTag.CHILD: forbid("closed-to-marketing", "R-112", gdpr("recital 38")),
    DataTag.THIRD_PERSON: forbid("closed-to-marketing", "R-404", gdpr("5(1)(c)")),
}


def _fields(asked: _Asked) -> list[FieldId]:
    return [asked.field] if asked.field is not None else sorted(asked.purpose.fields)


def _tags(asked: _Asked) -> frozenset[DataTag]:
    declared = asked.case.register.field
    return frozenset[DataTag]().union(*(declared(f).tags for f in _fields(asked)))


def _closed_data(asked: _Asked) -> Iterator[Reason]:
    """Closed data among the fields asked about; among all of the purpose's where none is named."""
    purpose, declared = asked.purpose, asked.case.register.field
    fields, tags = _fields(asked), _tags(asked)
    if purpose.marketing:
        for tag in sorted(tags & _CLOSED_TO_MARKETING.keys()):
            yield _CLOSED_TO_MARKETING[tag]
    elif PurposeKind.PROFILING in purpose.kinds and DataTag.FREE_TEXT in tags:
        yield CLOSED_TO_PROFILING
    if DataTag.SPECIAL in tags:
        yield _special(asked, [f for f in fields if DataTag.SPECIAL in declared(f).tags])
    if DataTag.CRIMINAL in tags and not purpose.marketing:
        yield CRIMINAL_DATA if purpose.offences_law is None else OFFENCES_LAW_NAMED
    if DataTag.IDENTITY_CODE in tags and not purpose.marketing:
        yield IDENTITY_CODE if purpose.identity_code_ground is None else IDENTITY_CODE_ON_GROUND


def _special(asked: _Asked, fields: list[FieldId]) -> Reason:
    """Special categories: an exception of Art. 9(2); for marketing only an explicit consent."""
    marketing, ground = asked.purpose.marketing, asked.purpose.special_ground
    if not marketing and ground is not SpecialGround.EXPLICIT_CONSENT:
        return SPECIAL_DATA if ground is None else SPECIAL_ON_GROUND
    for word in asked.case.standing.consent.for_purpose(asked.purpose.id):
        consent = valid_consent(asked.case, asked.purpose.id, word.channel)
        if consent is None or not consent.evidence.explicit:
            continue
        if consent.evidence.data >= set(fields):
            return EXPLICIT_CONSENT.on(consent.word.position, until=consent.until)
    return SPECIAL_IN_MARKETING if marketing else EXPLICIT_CONSENT_MISSING


PURPOSE_BY_LAW: Final = allow("purpose-by-law", "R-113", gdpr("6(4)"))
PURPOSE_COMPATIBLE: Final = allow("purpose-compatible", "R-113", gdpr("6(4)"))
PURPOSE_PRESUMED_COMPATIBLE: Final = allow(
    "purpose-presumed-compatible", "R-113", gdpr("5(1)(b)"), gdpr("89(1)")
)
COMPATIBILITY_MISSING: Final = need(
    "compatibility-missing",
    "R-113",
    gdpr("6(4)"),
    missing="an assessment of the new purpose by all five factors, or a consent to it",
)
COMPATIBILITY_FAILED: Final = forbid("compatibility-failed", "R-113", gdpr("6(4)"))
CLOSED_TO_NEW_PURPOSES: Final = forbid("closed-to-new-purposes", "R-113", gdpr("6(4)"))
COLLECTED_ON_CONSENT: Final = need(
    "collected-on-consent", "R-113", gdpr("6(4)"), missing="a consent to the new purpose"
)
NEW_PURPOSE_TOLD: Final = allow("new-purpose-told", "R-114", gdpr("13(3)"))
NEW_PURPOSE_NOT_TOLD: Final = need(
    "new-purpose-not-told", "R-114", gdpr("13(3)"), missing="a notice of the new purpose"
)


def _new_purpose(asked: _Asked) -> Iterator[Reason]:
    """A purpose that no notice at collection named: compatible, and told before (R-113, R-114)."""
    case, purpose = asked.case, asked.purpose
    first = [notice for _, notice in at_collection(case)]
    original = {name for notice in first for name in notice.purposes}
    if not original or purpose.id in original:
        return
    if purpose.basis in _BY_LAW:
        yield PURPOSE_BY_LAW
    elif purpose.basis is not LegalBasis.CONSENT:  # a consent to it answers both questions
        yield _compatible(asked, frozenset(original))
    else:
        return
    for given in case.standing.notice.given:
        notice = case.register.notices.get(given.notice)
        if notice is not None and purpose.id in notice.purposes:
            yield NEW_PURPOSE_TOLD.on(given.position)
            return
    yield NEW_PURPOSE_NOT_TOLD


_BY_LAW: Final = frozenset({LegalBasis.LEGAL_OBLIGATION, LegalBasis.PUBLIC_TASK})


def _compatible(asked: _Asked, original: frozenset[PurposeId]) -> Reason:
    register, purpose = asked.case.register, asked.purpose
    fields = frozenset({asked.field}) if asked.field is not None else purpose.fields
    served = {name for name in original if fields & register.purposes[name].fields}
    bases = {register.purposes[name].basis for name in served}
    if _said_no(asked, served):
        return CLOSED_TO_NEW_PURPOSES
    if bases == {LegalBasis.CONSENT}:  # the test does not widen a consent
        return COLLECTED_ON_CONSENT
    if PurposeKind.RESEARCH in purpose.kinds:
        return PURPOSE_PRESUMED_COMPATIBLE
    found = purpose.compatibility
    if found is None or asked.case.today < found.decided:
        return COMPATIBILITY_MISSING
    return PURPOSE_COMPATIBLE if found.compatible else COMPATIBILITY_FAILED


def _said_no(asked: _Asked, served: set[PurposeId]) -> bool:
    """Whether the data is under an objection, or a request for erasure that is open (R-113)."""
    standing = asked.case.standing
    return any(
        objection.status is not PurposeObjectionStatus.OVERRIDDEN and objection.purpose in served
        for objection in standing.objection.objections
    ) or any(
        request.right is Right.ERASURE
        and (not request.fields or asked.field is None or asked.field in request.fields)
        and (request.purpose is None or request.purpose in served)
        for request in standing.request.open
    )


UNDER_REVIEW: Final = forbid("under-review", "R-402", gdpr("5(1)(b)"))
PERIOD_OVER: Final = forbid("period-over", "R-116", gdpr("5(1)(e)"))
PERIOD_RUNS: Final = allow("period-runs", "R-116", gdpr("5(1)(e)"))


#: The review is done: what served the relation is erased, moved or archived.
_REVIEWED: Final = frozenset({ConnectionStatus.MARKETING, ConnectionStatus.ARCHIVE})


def _not_over(asked: _Asked) -> Iterator[Reason]:
    """The period of the purpose is over, or the record is frozen under review (R-116, R-402)."""
    case, purpose = asked.case, asked.purpose
    rule = purpose.retention
    own_file = purpose.filing is FilingSystem.CUSTOMER
    connection = case.standing.connection
    of_relation = own_file and rule is not None and rule.after is Trigger.CONNECTION_END
    unproven = connection.status is ConnectionStatus.UNPROVEN
    if (purpose.marketing or of_relation) and unproven:  # not usable, not only for messages
        yield UNPROVEN_ENTRY.on(connection.found_position)
    elif purpose.marketing and connection.status in _REVIEWED:
        yield from membership_reasons(case)  # as for a message (R-316.7, 4.1)
    if connection.status is ConnectionStatus.ENDED and (purpose.marketing or of_relation):
        yield UNDER_REVIEW.on(connection.position)
    if connection.status in _REVIEWED and of_relation:  # no service, no analytics (4.1, R-408)
        yield PERIOD_OVER.on(connection.position)
        return
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
    """A consent withdrawn or refused is not replaced by another basis (R-115).

    Nor by a consent that is none: only a valid one given since opens the scope again.
    """
    case, purpose = asked.case, asked.purpose
    if purpose.basis is LegalBasis.CONSENT:
        return
    words = case.standing.consent.for_purpose(purpose.id)
    for stop in case.standing.objection.stops:
        reaches = stop.purpose == purpose.id or (stop.purpose is None and words)
        if stop.kind not in (StopKind.WITHDRAWAL, StopKind.REFUSAL) or not reaches:
            continue
        scopes = [w.channel for w in words if w.channel is None or stop.covers_channel(w.channel)]
        given = [valid_consent(case, purpose.id, scope) for scope in scopes]
        if not all(consent is not None and consent.word.at > stop.at for consent in given):
            yield BASIS_SWAP.on(stop.position)


AUTOMATED_PROHIBITED: Final = forbid("automated-decision-prohibited", "R-509", gdpr("22(1)"))
AUTOMATED_OPENED: Final = allow("automated-decision-opened", "R-509", gdpr("22(2)"))
AUTOMATED_ON_SPECIAL: Final = forbid("automated-decision-on-special", "R-509", gdpr("22(4)"))
AUTOMATED_UNEXPLICIT: Final = need(
    "automated-decision-unexplicit",
    "R-509",
    gdpr("22(2)(c)"),
    missing="an explicit consent to deciding by machine",
)

#: Bases that may carry a decision by machine alone (22(2); table 5.1, last row but one).
_DECIDES: Final = frozenset(
    {
        LegalBasis.CONSENT,
        LegalBasis.CONTRACT,
        LegalBasis.LEGAL_OBLIGATION,
        LegalBasis.PUBLIC_TASK,
    }
)


#: Exceptions of 9(2) under which a machine may decide on special data; unnamed, R-109 waits.
_DECIDES_ON_SPECIAL: Final = frozenset(
    {None, SpecialGround.EXPLICIT_CONSENT, SpecialGround.PUBLIC_INTEREST}
)


def _automated(asked: _Asked) -> Iterator[Reason]:
    """Deciding by machine alone: contract, law or explicit consent, nothing else (R-509)."""
    case, purpose = asked.case, asked.purpose
    if not purpose.automated_decisions:
        return
    ground = None if purpose.marketing else purpose.special_ground  # there only 9(2)(a) opens it
    if ground not in _DECIDES_ON_SPECIAL and DataTag.SPECIAL in _tags(asked):
        yield AUTOMATED_ON_SPECIAL
    if purpose.basis not in _DECIDES:
        yield AUTOMATED_PROHIBITED
    elif purpose.basis is not LegalBasis.CONSENT:
        yield AUTOMATED_OPENED
    else:
        words = case.standing.consent.for_purpose(purpose.id)
        given = [valid_consent(case, purpose.id, word.channel) for word in words]
        expressly = [c for c in given if c is not None and c.evidence.explicit]
        if expressly:
            yield AUTOMATED_OPENED.on(expressly[0].word.position, until=expressly[0].until)
        else:
            yield AUTOMATED_UNEXPLICIT


def _basis(asked: _Asked) -> Iterator[Reason]:
    yield from basis_reasons(asked.case, asked.purpose)


OBJECTED: Final = forbid("objected", "R-507", gdpr("21(1)"))
OBJECTED_TO_MARKETING: Final = forbid("objected", "R-311", gdpr("21(3)"))


def _not_objected(asked: _Asked) -> Iterator[Reason]:
    for objection in asked.case.standing.objection.objections:
        if objection.purpose != asked.purpose.id:
            continue
        overridden = objection.status is PurposeObjectionStatus.OVERRIDDEN
        if asked.purpose.marketing:  # it has no overriding grounds
            yield _unless_since(asked, OBJECTED.on(objection.position), objection.at)
        elif not overridden:
            yield OBJECTED.on(objection.position)
    if asked.purpose.marketing and asked.purpose.basis is not LegalBasis.CONSENT:
        for stop in asked.case.standing.objection.stops:
            if stop.purpose not in (None, asked.purpose.id) or stop.channels:
                continue
            said = OBJECTED_TO_MARKETING.on(stop.position)
            if not is_company_stop(asked.case, stop):
                yield _unless_since(asked, said, stop.at)
            elif not company_lifted(asked.case, asked.purpose):
                yield said


def _unless_since(asked: _Asked, said: Reason, at: datetime) -> Reason:
    """Return the no of *at*, or the later consent of the person that it yields to (R-317)."""
    consent = consent_since(asked.case, asked.purpose.id, at)
    if consent is None:
        return said
    return CONSENT_IN_FORCE.on(consent.word.position, until=consent.until)


_RULES: Final[tuple[Rule, ...]] = (
    _alive,
    _not_restricted,
    _declared,
    _closed_data,
    _new_purpose,
    _not_over,
    _no_swap,
    _basis,
    _automated,
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
    return case.decision("may_process", decide(_RULES, asked))
