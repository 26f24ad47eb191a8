"""Does the legal basis of a purpose live for this person?

Every purpose has one basis (R-101). A contract carries only what it needs, for the person who is a
party to it; an interest needs a passed and current assessment and has to be told; a duty names its
law. A *substantive connection* is the label of a repealed law and no basis: it maps to a contract
or to legitimate interests (R-104). Leaves out whether this data may be used at all: see
``policy.processing``. Always true: what is missing, overdue or undecided never carries anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, assert_never

from gdprkit.policy.case import Case
from gdprkit.policy.consent import consent_in_force
from gdprkit.policy.decisions import Reason, allow, forbid, need
from gdprkit.policy.periods import at_collection
from gdprkit.register.purposes import Purpose
from gdprkit.register.register import Register
from gdprkit.state.connection import ConnectionStatus
from gdprkit.words.citations import gdpr
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.moments import local_midnight
from gdprkit.words.vocabulary import Channel, Circumstance, LegalBasis, PurposeKind, SubjectKind

__all__ = [
    "CONNECTION_BASES",
    "assessment_reasons",
    "basis_reasons",
    "notice_told",
    "swapped_bases",
]


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


NOT_NEEDED_FOR_THE_CONTRACT: Final = forbid("not-needed-for-the-contract", "R-103", gdpr("6(1)(b)"))
INTEREST_TOLD_LATER: Final = allow("interest-told-later", "R-106", gdpr("13(3)"))
INTEREST_NOT_TOLD_IN_TIME: Final = forbid("interest-not-told-in-time", "R-106", gdpr("13(1)(d)"))
CONNECTION_MAPPED: Final = allow("connection-mapped", "R-104", gdpr("recital 47"))
CONNECTION_IS_NO_BASIS: Final = forbid("connection-is-no-basis", "R-104", gdpr("6(1)"))

#: Whose contract is with a company, not with them.
THROUGH_A_COMPANY: Final = frozenset({SubjectKind.COMPANY_CONTACT, SubjectKind.GENERIC_ADDRESS})

#: What a "substantive connection" of the repealed law can rest on today (R-104): the kinds of
#: people, and the bases that may carry a relation with them. Which one, the controller decides.
CONNECTION_BASES: Final[Mapping[SubjectKind, tuple[LegalBasis, ...]]] = {
    SubjectKind.CONSUMER: (LegalBasis.CONTRACT, LegalBasis.LEGITIMATE_INTERESTS),
    SubjectKind.SOLE_TRADER: (LegalBasis.CONTRACT, LegalBasis.LEGITIMATE_INTERESTS),
    SubjectKind.COMPANY_CONTACT: (LegalBasis.LEGITIMATE_INTERESTS,),
    SubjectKind.GENERIC_ADDRESS: (LegalBasis.LEGITIMATE_INTERESTS,),
    SubjectKind.WEBSITE_VISITOR: (LegalBasis.LEGITIMATE_INTERESTS,),
}


def _told(case: Case, purpose: Purpose) -> Reason:
    """Whether the interest was told when the data was collected, or since (R-106)."""
    told = notice_told(case, purpose)
    if told in {position for position, _ in at_collection(case)}:
        return INTEREST_TOLD.on(told)
    if case.law.strict_notice:  # then a later notice cures nothing
        return INTEREST_NOT_TOLD_IN_TIME
    return INTEREST_NOT_TOLD if told is None else INTEREST_TOLD_LATER.on(told)


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


def basis_reasons(case: Case, purpose: Purpose) -> Iterator[Reason]:
    """Yield whether the one basis of a purpose lives for this person (R-101 to R-106)."""
    standing = case.standing
    if purpose.basis_label is not None:
        yield CONNECTION_IS_NO_BASIS if purpose.basis is None else CONNECTION_MAPPED
    match purpose.basis:
        case None:
            yield BASIS_MISSING
        case LegalBasis.CONSENT:
            scopes: list[Channel | None] = [*sorted(purpose.channels)] or [None]
            decisions = [consent_in_force(case, purpose.id, channel) for channel in scopes]
            yield from min(decisions, key=lambda d: d.outcome.rank).reasons
        case LegalBasis.CONTRACT:
            if purpose.marketing or purpose.kinds - {PurposeKind.RESEARCH}:
                yield NOT_NEEDED_FOR_THE_CONTRACT
            if standing.data.kind in THROUGH_A_COMPANY:
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
            yield _told(case, purpose)
        case never:
            assert_never(never)


def swapped_bases(before: Register, after: Register) -> tuple[PurposeId, ...]:
    """Return the purposes that a new register carries on by something else than consent (R-115).

    What rested on a consent is not moved to another basis. Asking for a consent from now on is no
    swap, and neither is another purpose with a basis of its own.

    Args:
        before: The register in force until now.
        after: The register that is to follow it.
    """
    return tuple(
        name
        for name, was in before.purposes.items()
        if was.basis is LegalBasis.CONSENT
        and name in after.purposes
        and after.purposes[name].basis not in (None, LegalBasis.CONSENT)
    )
