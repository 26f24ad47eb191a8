"""May a request be closed this way: refused, met in part, met?

Every refusal names a lawful ground, says what a letter of refusal has to say, and rests on a
person's written finding where the law lays the proof on the controller. Whatever is met was done
before. Leaves out whether a finding is right; a person answers for it. Always true: nothing closes
in silence or before its answer went out, and a stop is never refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from gdprkit.facts.request import (
    FieldDecision,
    RequestFulfilled,
    RequestPartlyRefused,
    RequestRefused,
    SubjectNotIdentifiable,
)
from gdprkit.policy.case import Case
from gdprkit.policy.decisions import Decision, Reason, allow, forbid, need
from gdprkit.policy.handling import BY_FIELD, LETTER_OF_REFUSAL, REFUSALS, right_of
from gdprkit.policy.rights import MayExercise, may_exercise
from gdprkit.register.purposes import Purpose
from gdprkit.state.consent import ConsentStatus
from gdprkit.state.objection import PurposeObjectionStatus
from gdprkit.state.request import RequestCase
from gdprkit.words.citations import dpa_fi, gdpr
from gdprkit.words.moments import add_months, civil_date
from gdprkit.words.vocabulary import FilingSystem, LegalBasis, LetterItem, RefusalGround, Right

__all__ = ["Closing", "may_close"]

Closing: TypeAlias = (
    RequestFulfilled | RequestPartlyRefused | RequestRefused | SubjectNotIdentifiable
)

_G = RefusalGround

NEVER_REFUSED: Final[Mapping[Right, Reason]] = {
    Right.OBJECTION_TO_MARKETING: forbid("never-refused", "R-508", gdpr("21(3)")),
    Right.WITHDRAW_CONSENT: forbid("never-refused", "R-510", gdpr("7(3)")),
}
REFUSAL_GROUND_NOT_LAWFUL: Final = forbid("refusal-ground-not-lawful", "R-528", gdpr("12(4)"))
REFUSED_BUT_FULFILLED: Final = forbid("refused-but-fulfilled", "R-528", gdpr("12(4)"))
REDACT_INSTEAD: Final = forbid("redact-instead", "R-501", gdpr("15(4)"))
MARKETING_GOES_ON: Final = forbid("marketing-goes-on", "R-503", gdpr("17(1)(c)"), gdpr("21(3)"))
RIGHT_IS_OPEN: Final = forbid("right-is-open", "R-528", gdpr("12(4)"))
NOT_EXCESSIVE: Final = forbid("not-excessive-after-a-year", "R-525", gdpr("12(5)"))
FINDING_MISSING: Final = need(
    "finding-missing", "R-525", gdpr("12(5)"), missing="a person's written finding"
)
IDENTIFICATION_UNSHOWN: Final = need(
    "identification-unshown",
    "R-523",
    gdpr("11(2)"),
    missing="a written finding why the person cannot be identified",
)
ACCURACY_UNSHOWN: Final = need(
    "accuracy-unshown", "R-502", gdpr("16"), missing="a written finding that the data is accurate"
)
GROUNDS_UNDEMONSTRATED: Final = need(
    "grounds-undemonstrated",
    "R-507",
    gdpr("21(1)"),
    missing="compelling grounds or claims, demonstrated in a written finding",
)
LETTER_INCOMPLETE: Final = need(
    "letter-incomplete",
    "R-528",
    gdpr("12(4)"),
    missing="a letter with what is refused, reasons and their article, complaint and remedy",
)
AUTHORITY_ROUTE_MISSING: Final = need(
    "authority-route-missing",
    "R-531",
    dpa_fi("34"),
    missing="telling that the data can be given to the authority",
)
IDENTITY_INSUFFICIENT: Final = need(
    "identity-insufficient", "R-522", gdpr("12(6)"), missing="a proof that settles who asks"
)
DELIVERY_MISSING: Final = need(
    "delivery-missing", "R-521", gdpr("12(3)"), missing="when the answer was delivered"
)
DECISIONS_MISSING: Final = need(
    "decisions-missing", "R-521", gdpr("5(2)"), missing="what was decided for each field"
)
ERASURE_NOT_DONE: Final = need(
    "erasure-not-done",
    "R-503",
    gdpr("17(1)"),
    missing="the erasure, or the partial refusal of what stays",
)
RECTIFICATION_NOT_DONE: Final = need(
    "rectification-not-done",
    "R-502",
    gdpr("16"),
    missing="the correction, or the offer to attach a statement",
)
RESTRICTION_NOT_ACTIVE: Final = need(
    "restriction-not-active", "R-504", gdpr("18(1)"), missing="the restriction in force"
)
OBJECTION_NOT_RECORDED: Final = need(
    "objection-not-recorded", "R-507", gdpr("21(1)"), missing="the objection, which stops the use"
)
REVIEWER_MISSING: Final = need(
    "reviewer-missing",
    "R-509",
    gdpr("22(3)"),
    missing="a person with authority who reviewed it anew",
)
REVIEW_UNTOLD: Final = need(
    "review-untold", "R-509", gdpr("22(3)"), missing="the result and its reasons, told"
)
MAY_CLOSE: Final = allow("may-close", "R-534", gdpr("12(3)"))

#: Refusals that the controller has to prove -> what is missing while no person found so in writing.
_PROVED: Final[Mapping[RefusalGround, Reason]] = {
    _G.UNFOUNDED: FINDING_MISSING,
    _G.EXCESSIVE: FINDING_MISSING,
    _G.CANNOT_IDENTIFY: IDENTIFICATION_UNSHOWN,
    _G.DATA_ACCURATE: ACCURACY_UNSHOWN,
    _G.COMPELLING_GROUNDS: GROUNDS_UNDEMONSTRATED,
}


def may_close(case: Case, request: RequestCase, closing: Closing) -> Decision:
    """Decide whether a request may be closed this way.

    Args:
        case: The person, with everything done so far recorded.
        request: The open request.
        closing: The fact that would close it.
    """
    reasons = (
        *(_refusing(case, request, closing) or _fulfilling(case, request, closing)),
        *_answered(case, request, closing),
    )
    return case.decision("may_close", reasons or (MAY_CLOSE.on(request.position),))


def _refusing(case: Case, request: RequestCase, closing: Closing) -> tuple[Reason, ...]:
    """Why it may not be refused like this, in full or in part."""
    if isinstance(closing, RequestFulfilled):
        refused = any(decided.refused is not None for decided in closing.decisions)
        return (REFUSED_BUT_FULFILLED,) if refused else ()
    right = right_of(case, request)
    never = NEVER_REFUSED.get(right)
    if never is not None:
        return (never.on(request.position),)
    return tuple(_refusal(case, request, closing, right))


def _refusal(
    case: Case,
    request: RequestCase,
    closing: RequestPartlyRefused | RequestRefused | SubjectNotIdentifiable,
    right: Right,
) -> Iterator[Reason]:
    grounds = _grounds(closing)
    if not grounds <= REFUSALS[right]:
        yield REFUSAL_GROUND_NOT_LAWFUL
    if isinstance(closing, RequestRefused):
        yield from _refused_as_a_whole(case, request, grounds)
    if _G.EXCESSIVE in grounds and _a_year_since_the_last(case, request):
        yield NOT_EXCESSIVE
    if closing.finding is None:
        yield from _unproved(case, request, grounds, right)
    needed = LETTER_OF_REFUSAL
    if _G.NATIONAL_RESTRICTION in grounds:
        if LetterItem.AUTHORITY_ROUTE not in closing.letter:
            yield AUTHORITY_ROUTE_MISSING
        if closing.finding is not None:  # a person found that telling them would defeat its purpose
            needed -= {LetterItem.REASONS}
    if not closing.letter >= needed:
        yield LETTER_INCOMPLETE
    if isinstance(closing, RequestPartlyRefused) and not any(
        decided.refused is not None for decided in closing.decisions
    ):
        yield DECISIONS_MISSING


#: Grounds that concern the request itself, whatever data it is about.
_OF_THE_REQUEST: Final = frozenset(
    {_G.UNFOUNDED, _G.EXCESSIVE, _G.CANNOT_IDENTIFY, _G.NOT_THE_SUBJECT}
)


#: Grounds that table 5.1 itself finds, so that nobody may claim them against it.
_CLOSED_BY_TABLE: Final = frozenset({_G.RIGHT_NOT_OPEN, _G.NO_AUTOMATED_DECISION})


def _refused_as_a_whole(
    case: Case, request: RequestCase, grounds: frozenset[RefusalGround]
) -> Iterator[Reason]:
    """What is never refused as a whole: a copy that others are in, data that marketing uses."""
    if grounds & _OF_THE_REQUEST:
        return
    if request.right is Right.ACCESS and grounds == {_G.OTHERS_RIGHTS}:
        yield REDACT_INSTEAD
    if request.right is Right.ERASURE and _marketing_goes_on(case, request):
        yield MARKETING_GOES_ON
    if grounds & _CLOSED_BY_TABLE and request.purpose is not None:
        asked = MayExercise(right=request.right, purpose=request.purpose)
        if may_exercise(case, asked):
            yield RIGHT_IS_OPEN


def _marketing_goes_on(case: Case, request: RequestCase) -> bool:
    """Whether marketing uses what an erasure is about and nothing stops all of it."""
    if any(s.purpose is None and not s.channels for s in case.standing.objection.stops):
        return False
    held = {
        value.field
        for value in case.standing.data.values
        if value.filing in (FilingSystem.CUSTOMER, FilingSystem.MARKETING)
        and (not request.fields or value.field in request.fields)
    }
    return any(
        purpose.marketing
        and held & purpose.fields
        and request.purpose in (None, purpose.id)
        and _concerns(case, purpose)
        for purpose in case.register.purposes.values()
    )


def _concerns(case: Case, purpose: Purpose) -> bool:
    """Whether a purpose is about the person: their kind, and a consent where it rests on one."""
    if purpose.subjects and case.standing.data.kind not in purpose.subjects:
        return False
    words = case.standing.consent.for_purpose(purpose.id)
    return purpose.basis is not LegalBasis.CONSENT or any(
        word.status is ConsentStatus.GIVEN for word in words
    )


def _grounds(
    closing: RequestPartlyRefused | RequestRefused | SubjectNotIdentifiable,
) -> frozenset[RefusalGround]:
    """Every ground of a refusal: of the whole, and of each field."""
    match closing:
        case SubjectNotIdentifiable():
            return frozenset({_G.CANNOT_IDENTIFY})
        case _:
            by_field = {d.refused for d in closing.decisions if d.refused is not None}
            return closing.grounds | by_field


def _unproved(
    case: Case, request: RequestCase, grounds: frozenset[RefusalGround], right: Right
) -> Iterator[Reason]:
    overridden = any(
        o.status is PurposeObjectionStatus.OVERRIDDEN and request.purpose in (None, o.purpose)
        for o in case.standing.objection.objections
    )
    proved = dict(_PROVED)
    if right is Right.OBJECTION:  # claims are demonstrated as compelling grounds are, 21(1)
        proved[_G.LEGAL_CLAIMS] = GROUNDS_UNDEMONSTRATED
    found = {proved[ground] for ground in grounds if ground in proved}
    if overridden:  # decided with its own finding
        found.discard(GROUNDS_UNDEMONSTRATED)
    yield from sorted(found)  # by their codes


def _a_year_since_the_last(case: Case, request: RequestCase) -> bool:
    """Whether the person asked the same before, and that is twelve months ago or more (R-525)."""
    before = [
        one.received_at
        for one in case.standing.request.cases
        if one.right is request.right and one.received_at < request.received_at
    ]
    if not before:
        return False
    last = civil_date(max(before), case.zone)
    return civil_date(request.received_at, case.zone) >= add_months(last, case.law.repeat_months)


def _answered(case: Case, request: RequestCase, closing: Closing) -> Iterator[Reason]:
    """What every answer needs beside its text: when it went out, what was decided (5.4)."""
    if isinstance(closing, SubjectNotIdentifiable):
        return  # told where that is possible, 11(2)
    delivered = closing.delivered
    if delivered is None or not request.received_at <= delivered <= case.at:
        yield DELIVERY_MISSING
    if isinstance(closing, RequestFulfilled) and not closing.decisions:
        data = case.standing.data
        if right_of(case, request) in BY_FIELD and (data.values or data.changed):
            yield DECISIONS_MISSING


def _decided(closing: RequestFulfilled | RequestPartlyRefused) -> Iterator[FieldDecision]:
    return (decided for decided in closing.decisions if decided.refused is not None)


def _fulfilling(case: Case, request: RequestCase, closing: Closing) -> tuple[Reason, ...]:
    """What has to be done before the request is met, in full or in part (table 5.2b)."""
    if isinstance(closing, (RequestRefused, SubjectNotIdentifiable)):
        return ()
    return tuple(_undone(case, request, closing))


def _undone(
    case: Case, request: RequestCase, closing: RequestFulfilled | RequestPartlyRefused
) -> Iterator[Reason]:
    standing = case.standing
    if request.identity_insufficient and not request.identity_confirmed:
        yield IDENTITY_INSUFFICIENT
    match right_of(case, request):
        case Right.ERASURE:
            refused = {decided.field for decided in _decided(closing)}
            if any(
                value.field not in refused
                for value in standing.data.values
                if value.filing is not FilingSystem.REQUESTS
                and (not request.fields or value.field in request.fields)
            ):
                yield ERASURE_NOT_DONE
        case Right.RECTIFICATION:
            corrected = any(
                c.of is Right.RECTIFICATION and c.at >= request.received_at
                for c in standing.data.changed
            )
            if not corrected and LetterItem.STATEMENT_OPTION not in closing.letter:
                yield RECTIFICATION_NOT_DONE
        case Right.RESTRICTION:
            if not any(
                request.restriction_ground in (None, r.ground)
                for r in standing.objection.restrictions
            ):
                yield RESTRICTION_NOT_ACTIVE
        case Right.OBJECTION:
            if not any(
                o.status is not PurposeObjectionStatus.OVERRIDDEN
                for o in standing.objection.objections
                if request.purpose in (None, o.purpose)
            ):
                yield OBJECTION_NOT_RECORDED
        case Right.HUMAN_REVIEW:
            if request.assigned_to is None or closing.decided_by is None:
                yield REVIEWER_MISSING
            if not closing.letter >= {LetterItem.OUTCOME, LetterItem.REASONS}:
                yield REVIEW_UNTOLD
