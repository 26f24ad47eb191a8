"""Is a right open: for this purpose, this field, on this ground?

Table 5.1 of the law stands here as it is read: which right each legal basis opens, and for erasure
and restriction on which grounds. A right is decided purpose by purpose, so one request can be
granted for marketing and refused for vouchers. Leaves out how a request is handled and closed: see
``policy.handling``. Always true: access, information and correction are open under every basis, and
an objection to marketing wherever anything is marketed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final, final

import attrs

from gdprkit.policy.case import Case
from gdprkit.policy.decisions import Decision, Reason, allow, forbid, need
from gdprkit.policy.periods import ends_on
from gdprkit.register.purposes import Purpose
from gdprkit.state.consent import ConsentStatus
from gdprkit.state.data import HeldValue
from gdprkit.state.objection import PurposeObjectionStatus
from gdprkit.words.citations import gdpr
from gdprkit.words.identifiers import FieldId
from gdprkit.words.vocabulary import (
    ErasureReason,
    FieldKind,
    LegalBasis,
    RefusalGround,
    RestrictionGround,
    Right,
    SourceKind,
    SpecialGround,
    Trigger,
)

__all__ = [
    "ERASURE_GROUNDS",
    "OPEN_BY_BASIS",
    "REFUSED_BY",
    "RESTRICTION_GROUNDS",
    "MayExercise",
    "may_exercise",
    "objection_failed",
]

_B, _E, _G = LegalBasis, ErasureReason, RestrictionGround
_ALL: Final = frozenset(LegalBasis)

#: right -> the bases that open it (table 5.1). Erasure and restriction are open by ground, below; a
#: review of an automated decision wherever one is taken; an objection to marketing wherever
#: anything is marketed.
OPEN_BY_BASIS: Final[Mapping[Right, frozenset[LegalBasis]]] = {
    Right.INFORMATION: _ALL,
    Right.ACCESS: _ALL,
    Right.RECTIFICATION: _ALL,
    Right.ERASURE: _ALL,
    Right.RESTRICTION: _ALL,
    Right.PORTABILITY: frozenset({_B.CONSENT, _B.CONTRACT}),
    Right.OBJECTION: frozenset({_B.PUBLIC_TASK, _B.LEGITIMATE_INTERESTS}),
    Right.OBJECTION_TO_MARKETING: _ALL,
    Right.HUMAN_REVIEW: _ALL,
    Right.WITHDRAW_CONSENT: frozenset({_B.CONSENT}),
}

_ALWAYS: Final = frozenset({_E.UNLAWFUL, _E.LEGAL_DUTY})  # 17(1)(d), (e): under every basis

#: basis -> the grounds of Art. 17(1) that reach data on it (table 5.1 with 0.3).
ERASURE_GROUNDS: Final[Mapping[LegalBasis, frozenset[ErasureReason]]] = {
    _B.CONSENT: _ALWAYS | {_E.NO_LONGER_NECESSARY, _E.CONSENT_WITHDRAWN, _E.CHILD_SERVICE},
    _B.CONTRACT: _ALWAYS | {_E.NO_LONGER_NECESSARY},
    _B.LEGAL_OBLIGATION: _ALWAYS | {_E.NO_LONGER_NECESSARY},  # once the duty is over
    _B.VITAL_INTERESTS: _ALWAYS | {_E.NO_LONGER_NECESSARY},
    _B.PUBLIC_TASK: _ALWAYS | {_E.NO_LONGER_NECESSARY, _E.OBJECTED},
    _B.LEGITIMATE_INTERESTS: _ALWAYS | {_E.NO_LONGER_NECESSARY, _E.OBJECTED},
}

_ABC: Final = frozenset({_G.ACCURACY_CONTESTED, _G.UNLAWFUL, _G.NEEDED_FOR_CLAIMS})

#: basis -> the grounds of Art. 18(1) that are open (table 5.1).
RESTRICTION_GROUNDS: Final[Mapping[LegalBasis, frozenset[RestrictionGround]]] = {
    _B.CONSENT: _ABC,
    _B.CONTRACT: _ABC,
    _B.LEGAL_OBLIGATION: _ABC,
    _B.VITAL_INTERESTS: _ABC,
    _B.PUBLIC_TASK: _ABC | {_G.OBJECTION_PENDING},
    _B.LEGITIMATE_INTERESTS: _ABC | {_G.OBJECTION_PENDING},
}


@final
@attrs.frozen(kw_only=True)
class MayExercise:
    """The question: is this right open to the person, for this purpose?

    Args:
        right: A word of ``Right``.
        purpose: The declared purpose.
        field: One field; None means what the purpose holds as a whole.
        erasure_ground: The ground of Art. 17(1), for an erasure.
        restriction_ground: The ground of Art. 18(1), for a restriction.
    """

    right: Right = attrs.field(converter=Right)
    purpose: str
    field: str | None = None
    erasure_ground: ErasureReason | None = attrs.field(
        default=None, converter=attrs.converters.optional(ErasureReason)
    )
    restriction_ground: RestrictionGround | None = attrs.field(
        default=None, converter=attrs.converters.optional(RestrictionGround)
    )


_OPEN: Final[Mapping[Right, Reason]] = {
    Right.INFORMATION: allow("right-open", "R-511", gdpr("13"), gdpr("14")),
    Right.ACCESS: allow("right-open", "R-501", gdpr("15(1)")),
    Right.RECTIFICATION: allow("right-open", "R-502", gdpr("16")),
    Right.ERASURE: allow("right-open", "R-503", gdpr("17(1)")),
    Right.RESTRICTION: allow("right-open", "R-504", gdpr("18(1)")),
    Right.PORTABILITY: allow("right-open", "R-506", gdpr("20(1)")),
    Right.OBJECTION: allow("right-open", "R-507", gdpr("21(1)")),
    Right.OBJECTION_TO_MARKETING: allow("right-open", "R-508", gdpr("21(2)")),
    Right.HUMAN_REVIEW: allow("right-open", "R-509", gdpr("22(3)")),
    Right.WITHDRAW_CONSENT: allow("right-open", "R-510", gdpr("7(3)")),
}

BASIS_UNDECIDED: Final = need(
    "basis-undecided", "R-101", gdpr("6(1)"), missing="the legal basis of the purpose"
)
_CLOSED_BY_BASIS: Final[Mapping[Right, Reason]] = {
    Right.PORTABILITY: forbid("basis-not-portable", "R-506", gdpr("20(1)(a)")),
    Right.OBJECTION: forbid("basis-not-objectable", "R-507", gdpr("21(1)")),
    Right.WITHDRAW_CONSENT: forbid("no-consent-to-withdraw", "R-510", gdpr("7(3)")),
}
NOTHING_MARKETED: Final = forbid("nothing-marketed", "R-508", gdpr("21(2)"))
NO_AUTOMATED_DECISION: Final = forbid("no-automated-decision", "R-509", gdpr("22(1)"))
NOT_PROVIDED: Final = forbid("not-provided", "R-506", gdpr("20(1)"))
ERASURE_GROUND_UNKNOWN: Final = need(
    "erasure-ground-unknown", "R-503", gdpr("17(1)"), missing="which ground of Art. 17(1) is met"
)
ERASURE_GROUND_NOT_OPEN: Final = forbid("erasure-ground-not-open", "R-503", gdpr("17(1)"))
STILL_NEEDED: Final = forbid("still-needed", "R-503", gdpr("17(1)(a)"))
COMPELLING_GROUNDS: Final = forbid("compelling-grounds", "R-507", gdpr("21(1)"))
OBJECTION_UNDECIDED: Final = need(
    "objection-undecided",
    "R-503",
    gdpr("17(1)(c)"),
    missing="an objection, decided for the person",
)
DUTY_LASTS: Final = forbid("duty-lasts", "R-503", gdpr("17(3)(b)"))
PUBLIC_TASK_LASTS: Final = forbid("public-task-lasts", "R-503", gdpr("17(3)(b)"))
CLAIMS_LAST: Final = forbid("claims-last", "R-503", gdpr("17(3)(e)"))
RESTRICTION_GROUND_UNKNOWN: Final = need(
    "restriction-ground-unknown",
    "R-504",
    gdpr("18(1)"),
    missing="which ground of Art. 18(1) is met",
)
RESTRICTION_GROUND_NOT_OPEN: Final = forbid("restriction-ground-not-open", "R-504", gdpr("18(1)"))

#: code of a closed right -> the ground a refusal names.
REFUSED_BY: Final[Mapping[str, RefusalGround]] = {
    "basis-not-portable": RefusalGround.RIGHT_NOT_OPEN,
    "basis-not-objectable": RefusalGround.RIGHT_NOT_OPEN,
    "no-consent-to-withdraw": RefusalGround.RIGHT_NOT_OPEN,
    "nothing-marketed": RefusalGround.RIGHT_NOT_OPEN,
    "no-automated-decision": RefusalGround.NO_AUTOMATED_DECISION,
    "not-provided": RefusalGround.NOT_PROVIDED,
    "erasure-ground-not-open": RefusalGround.GROUND_NOT_MET,
    "still-needed": RefusalGround.GROUND_NOT_MET,
    "compelling-grounds": RefusalGround.COMPELLING_GROUNDS,
    "duty-lasts": RefusalGround.LEGAL_OBLIGATION,
    "public-task-lasts": RefusalGround.PUBLIC_TASK,
    "claims-last": RefusalGround.LEGAL_CLAIMS,
    "restriction-ground-not-open": RefusalGround.GROUND_NOT_MET,
}


def may_exercise(case: Case, question: MayExercise) -> Decision:
    """Decide whether a right is open, on which place in the law, or why it is closed.

    Raises:
        UnknownPurpose, UnknownName: the register does not declare the purpose or the field.
    """
    purpose = case.purpose(question.purpose)
    if question.field is not None:
        case.register.field(FieldId(question.field))
    return case.decision("may_exercise", tuple(_reasons(case, question, purpose)))


def _reasons(case: Case, question: MayExercise, purpose: Purpose) -> Iterator[Reason]:
    right, basis = question.right, purpose.basis
    if basis is None and right in (*_CLOSED_BY_BASIS, Right.ERASURE, Right.RESTRICTION):
        yield BASIS_UNDECIDED
        return
    if (
        basis is not None
        and basis not in OPEN_BY_BASIS[right]
        and not _agreed(case, right, purpose)
    ):
        yield _CLOSED_BY_BASIS[right]
        return
    closed: Reason | None = None
    match right:
        case Right.OBJECTION_TO_MARKETING if not purpose.marketing:
            closed = NOTHING_MARKETED
        case Right.HUMAN_REVIEW if not purpose.automated_decisions:
            closed = NO_AUTOMATED_DECISION
        case Right.PORTABILITY if not _provided(case, question, purpose):
            closed = NOT_PROVIDED
        case Right.ERASURE:
            closed = _erasure_closed(case, question, purpose)
        case Right.RESTRICTION:
            closed = _restriction_closed(question, purpose)
    yield _OPEN[right] if closed is None else closed


def _agreed(case: Case, right: Right, purpose: Purpose) -> bool:
    """Whether a consent beside the basis opens the right: 9(2)(a), or to a channel of marketing."""
    explicit = purpose.special_ground is SpecialGround.EXPLICIT_CONSENT
    if right is Right.PORTABILITY:
        return explicit
    words = case.standing.consent.for_purpose(purpose.id)
    given = any(word.status is ConsentStatus.GIVEN for word in words)
    return right is Right.WITHDRAW_CONSENT and given


#: Kinds of fields that are made up about a person, not given by them (20(1); WP242).
_INFERRED: Final = frozenset({FieldKind.PROFILE, FieldKind.CREDIT})
_FROM_THE_PERSON: Final = frozenset({SourceKind.SUBJECT, SourceKind.OBSERVED})
_TOLD: Final = frozenset({SourceKind.SUBJECT})


def _held(case: Case, question: MayExercise, purpose: Purpose) -> list[HeldValue]:
    return [
        value
        for value in case.standing.data.values
        if value.field in purpose.fields and question.field in (None, value.field)
    ]


def _provided(case: Case, question: MayExercise, purpose: Purpose) -> bool:
    """Whether anything of it was given by the person, or observed while they used something."""
    return any(
        case.register.fields[value.field].kind not in _INFERRED
        and value.source in case.register.sources
        and case.register.sources[value.source].kind in _sources(case, value)
        for value in _held(case, question, purpose)
        if value.source is not None
    )


def _sources(case: Case, value: HeldValue) -> frozenset[SourceKind]:
    """Return whose giving counts: an interest that nobody told was inferred from what was seen."""
    interest = case.register.fields[value.field].kind is FieldKind.INTEREST
    return _TOLD if interest else _FROM_THE_PERSON


def _last_day(case: Case, question: MayExercise, purpose: Purpose) -> date | None:
    """Return the last day a purpose needs what is held; None where it is over or not known."""
    ends = [ends_on(case, purpose, value) for value in _held(case, question, purpose)]
    known = [end for end in ends if end is not None]
    return max(known, default=None) if len(known) == len(ends) else date.max


def _erasure_closed(case: Case, question: MayExercise, purpose: Purpose) -> Reason | None:
    """Return why an erasure is not open for this purpose, or None where it is (R-503)."""
    ground, basis = question.erasure_ground, purpose.basis
    if purpose.marketing:
        return None  # an erasure asked for is an objection as well
    if ground is None:
        return ERASURE_GROUND_UNKNOWN
    if basis is None or ground not in ERASURE_GROUNDS[basis]:
        return ERASURE_GROUND_NOT_OPEN
    last = _last_day(case, question, purpose)
    lasts = last is not None and (last == date.max or case.at < case.end_of(last))
    until = case.end_of(last) if last is not None and last != date.max and lasts else None
    if lasts and ground is not ErasureReason.LEGAL_DUTY:
        if basis is LegalBasis.LEGAL_OBLIGATION:
            return DUTY_LASTS.on(until=until)
        if purpose.retention is not None and purpose.retention.after is Trigger.CLAIM:
            return CLAIMS_LAST.on(until=until)
        if basis is LegalBasis.PUBLIC_TASK and ground is ErasureReason.NO_LONGER_NECESSARY:
            return PUBLIC_TASK_LASTS.on(until=until)
        if ground is ErasureReason.NO_LONGER_NECESSARY:
            return STILL_NEEDED.on(until=until)
    return objection_failed(case, purpose) if ground is ErasureReason.OBJECTED else None


def objection_failed(case: Case, purpose: Purpose) -> Reason | None:
    """Return why 17(1)(c) is not met: an objection erases once no grounds override it."""
    about = [o for o in case.standing.objection.objections if o.purpose == purpose.id]
    for objection in about:
        if objection.status is PurposeObjectionStatus.OVERRIDDEN:
            return COMPELLING_GROUNDS.on(objection.position)
    upheld = any(objection.status is PurposeObjectionStatus.UPHELD for objection in about)
    return None if upheld else OBJECTION_UNDECIDED.on(*(o.position for o in about))


def _restriction_closed(question: MayExercise, purpose: Purpose) -> Reason | None:
    if question.restriction_ground is None:
        return RESTRICTION_GROUND_UNKNOWN
    if purpose.basis is None or (
        question.restriction_ground not in RESTRICTION_GROUNDS[purpose.basis]
    ):
        return RESTRICTION_GROUND_NOT_OPEN
    return None
