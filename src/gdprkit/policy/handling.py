"""How a request is handled: identity, what is decided for each field, what the answer says, who is
told.

The tables are those of the law at a glance. Leaves out judgement: whether a doubt is reasonable, a
request excessive, grounds compelling; a person finds that and points to the finding. Whether it may
be closed stands in ``policy.closing``. Always true: an objection to marketing and a withdrawal have
no ground of refusal and need no identity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, final

import attrs

from gdprkit.facts.request import FieldDecision
from gdprkit.policy.case import Case
from gdprkit.policy.decisions import Outcome
from gdprkit.policy.periods import at_collection
from gdprkit.policy.rights import REFUSED_BY, MayExercise, may_exercise
from gdprkit.state.request import RequestCase
from gdprkit.words.identifiers import FieldId, NoticeId, RecipientId
from gdprkit.words.moments import civil_date
from gdprkit.words.vocabulary import (
    ErasureReason,
    IntakeChannel,
    LetterItem,
    NoticeKind,
    RefusalGround,
    Right,
)

__all__ = [
    "BY_FIELD",
    "IDENTITY",
    "LETTER",
    "LETTER_OF_REFUSAL",
    "REFUSALS",
    "Handling",
    "IdentityStep",
    "ToTell",
    "handling",
    "right_of",
    "to_tell",
]

_L, _R = LetterItem, RefusalGround


class IdentityStep(StrEnum):
    """What may be asked of somebody to show who they are (R-522)."""

    NONE = "none"  # the address matches, or it was as easy to give
    LIGHT = "light"
    ON_DOUBT = "on-doubt"  # more only on reasonable doubt, promptly and in proportion


#: right -> what may be asked (table 5.2b).
IDENTITY: Final[Mapping[Right, IdentityStep]] = {
    Right.INFORMATION: IdentityStep.NONE,
    Right.ACCESS: IdentityStep.ON_DOUBT,
    Right.RECTIFICATION: IdentityStep.ON_DOUBT,
    Right.ERASURE: IdentityStep.ON_DOUBT,
    Right.RESTRICTION: IdentityStep.ON_DOUBT,
    Right.PORTABILITY: IdentityStep.ON_DOUBT,
    Right.OBJECTION: IdentityStep.LIGHT,
    Right.OBJECTION_TO_MARKETING: IdentityStep.NONE,
    Right.HUMAN_REVIEW: IdentityStep.ON_DOUBT,
    Right.WITHDRAW_CONSENT: IdentityStep.NONE,
}

_FINDING: Final = frozenset({_R.UNFOUNDED, _R.EXCESSIVE})  # 12(5): only with a written finding
_ANY: Final = _FINDING | {_R.NOT_THE_SUBJECT}
_UP_TO_20: Final = _ANY | {_R.CANNOT_IDENTIFY}  # 11(2) frees from Art. 15 to 20 only

#: right -> the grounds on which it may be refused, in full or in part (table 5.2b).
REFUSALS: Final[Mapping[Right, frozenset[RefusalGround]]] = {
    Right.INFORMATION: _ANY,
    Right.ACCESS: _UP_TO_20 | {_R.OTHERS_RIGHTS, _R.NATIONAL_RESTRICTION},
    Right.RECTIFICATION: _UP_TO_20 | {_R.DATA_ACCURATE},
    Right.ERASURE: _UP_TO_20
    | {
        _R.EXPRESSION,
        _R.LEGAL_OBLIGATION,
        _R.PUBLIC_TASK,
        _R.PUBLIC_HEALTH,
        _R.ARCHIVING,
        _R.LEGAL_CLAIMS,
        _R.GROUND_NOT_MET,
        _R.COMPELLING_GROUNDS,
    },
    Right.RESTRICTION: _UP_TO_20 | {_R.GROUND_NOT_MET},
    Right.PORTABILITY: _UP_TO_20
    | {_R.RIGHT_NOT_OPEN, _R.NOT_AUTOMATED, _R.NOT_PROVIDED, _R.OTHERS_RIGHTS},
    Right.OBJECTION: _ANY | {_R.COMPELLING_GROUNDS, _R.LEGAL_CLAIMS, _R.RIGHT_NOT_OPEN},
    Right.OBJECTION_TO_MARKETING: frozenset(),
    Right.HUMAN_REVIEW: _ANY | {_R.NO_AUTOMATED_DECISION},
    Right.WITHDRAW_CONSENT: frozenset(),
}

#: right -> what the answer says when the right is met (table 5.2b; R-501, R-511).
LETTER: Final[Mapping[Right, frozenset[LetterItem]]] = {
    Right.INFORMATION: frozenset({_L.OUTCOME, _L.NOTICES}),
    Right.ACCESS: frozenset(
        {_L.CONFIRMATION, _L.DATA, _L.ACCESS_FACTS, _L.TRANSFER_SAFEGUARDS, _L.REDACTIONS}
    ),
    Right.RECTIFICATION: frozenset({_L.OUTCOME, _L.STATEMENT_OPTION}),
    Right.ERASURE: frozenset({_L.ERASED, _L.KEPT, _L.ARTICLE}),
    Right.RESTRICTION: frozenset({_L.RESTRICTED_FROM, _L.TOLD_BEFORE_LIFTING}),
    Right.PORTABILITY: frozenset({_L.DATA, _L.SCOPE}),
    Right.OBJECTION: frozenset({_L.OUTCOME}),
    Right.OBJECTION_TO_MARKETING: frozenset({_L.OUTCOME, _L.REMEMBERED}),
    Right.HUMAN_REVIEW: frozenset({_L.OUTCOME, _L.REASONS, _L.LOGIC, _L.CONTEST}),
    Right.WITHDRAW_CONSENT: frozenset({_L.OUTCOME, _L.NOT_RETROACTIVE}),
}

#: What every refusal says, also that of a part (GDPR Art. 12(4); R-528).
LETTER_OF_REFUSAL: Final = frozenset(
    {_L.REFUSED_PART, _L.REASONS, _L.ARTICLE, _L.COMPLAINT, _L.REMEDY}
)


# --- what is to be done -----------------------------------------------------------------


@final
@attrs.frozen(kw_only=True)
class ToTell:
    """A recipient who has to be told of a correction, an erasure or a restriction (Art. 19).

    Args:
        recipient: The declared recipient.
        about: RECTIFICATION, ERASURE or RESTRICTION.
        fields: The fields they received that are concerned.
        due: The last day of the controller's own time for it (R-505).
    """

    recipient: RecipientId
    about: Right
    fields: frozenset[FieldId]
    due: date


def to_tell(case: Case) -> tuple[ToTell, ...]:
    """Return whom to tell of what was corrected, erased or restricted, and by when (R-505)."""
    data, restrictions = case.standing.data, case.standing.objection.restrictions
    happened = [(c.of, frozenset({c.field}), c.at) for c in data.changed]
    everything = frozenset(case.register.fields)
    happened += [(Right.RESTRICTION, everything, r.at) for r in restrictions]
    found: dict[tuple[RecipientId, Right], ToTell] = {}
    for received in case.standing.disclosure.received:
        times, told = dict(received.times), dict(received.notified)
        for about, fields, at in happened:
            # what went out after it was corrected went out right
            concerned = frozenset(f for f in fields & times.keys() if times[f] <= at)
            if not concerned or (about in told and told[about] >= at):
                continue
            key = (received.recipient, about)
            due = _days_after(case, at, case.law.notify_days)
            before = found.get(key)
            found[key] = ToTell(
                recipient=received.recipient,
                about=about,
                fields=concerned | (before.fields if before else frozenset()),
                due=min(due, before.due) if before else due,
            )
    return tuple(found.values())


def _days_after(case: Case, at: datetime, days: int) -> date:
    return civil_date(at, case.zone) + timedelta(days=days)


@final
@attrs.frozen(kw_only=True)
class Handling:
    """What a request asks of the controller.

    Args:
        request: The request.
        identity: What may be asked of the person to show who they are.
        decisions: For each field held and each purpose that needs it: granted, or refused with
            its ground and until when. Empty for a right that is met as a whole.
        letter: What the answer has to say; a refusal of any part says more.
        refusals: The grounds on which anything of it may be refused at all.
        tell: Recipients to be told (Art. 19).
        at_once: It acts on receipt, before any answer (7(3), 21(3)).
        electronic: It came by electronic means, so its answer goes out that way too unless the
            person asked otherwise (12(3); R-526).
        notices: For a request for the information: the notices in force now and those given when
            the data was collected (R-511).
    """

    request: RequestCase
    identity: IdentityStep
    decisions: tuple[FieldDecision, ...]
    letter: frozenset[LetterItem]
    refusals: frozenset[RefusalGround]
    tell: tuple[ToTell, ...]
    at_once: bool
    electronic: bool = False
    notices: frozenset[NoticeId] = frozenset()


#: Rights that are decided field by field; the others are met as a whole.
BY_FIELD: Final = frozenset(
    {Right.ERASURE, Right.RESTRICTION, Right.PORTABILITY, Right.OBJECTION, Right.HUMAN_REVIEW}
)


#: Channels that are electronic means (12(3)).
_ELECTRONIC: Final = frozenset(
    {
        IntakeChannel.WEB_FORM,
        IntakeChannel.EMAIL,
        IntakeChannel.SOCIAL_MEDIA,
        IntakeChannel.UNSUBSCRIBE_LINK,
    }
)


def handling(case: Case, request: RequestCase) -> Handling:
    """Return what a request asks for: field by field, purpose by purpose (R-503, R-521).

    A ground that nobody named yet is not guessed: an erasure is then looked at for a value that is
    no longer needed, the widest ground that every basis knows.
    """
    right = right_of(case, request)
    decisions = tuple(_decisions(case, request)) if right in BY_FIELD else ()
    refused = any(d.refused is not None for d in decisions)
    return Handling(
        request=request,
        identity=IDENTITY[right],
        decisions=decisions,
        letter=LETTER[right] | (LETTER_OF_REFUSAL if refused else frozenset()),
        refusals=REFUSALS[right],
        tell=to_tell(case),
        at_once=not REFUSALS[right],
        electronic=request.channel in _ELECTRONIC,
        notices=_notices(case) if right is Right.INFORMATION else frozenset(),
    )


def right_of(case: Case, request: RequestCase) -> Right:
    """Return which right a request exercises: against marketing an objection is that of 21(2)."""
    purpose = case.register.purposes.get(request.purpose) if request.purpose else None
    if request.right is Right.OBJECTION and purpose is not None and purpose.marketing:
        return Right.OBJECTION_TO_MARKETING
    return request.right


def _notices(case: Case) -> frozenset[NoticeId]:
    """Return the notices in force of the kinds that concern the person, and those at collection."""
    first = [notice for _, notice in at_collection(case)]
    kinds = {notice.kind for notice in first} or {NoticeKind.DIRECT, NoticeKind.INDIRECT}
    in_force = {
        notice.id
        for notice in case.register.notices.values()
        if notice.kind in kinds
        and notice.published <= case.today
        and (notice.superseded is None or case.today < notice.superseded)
    }
    return frozenset(in_force) | {notice.id for notice in first}


def _decisions(case: Case, request: RequestCase) -> Iterator[FieldDecision]:
    fields = sorted({v.field for v in case.standing.data.values if v.field in case.register.fields})
    for field in fields:
        if request.fields and field not in request.fields:
            continue
        for purpose in case.register.purposes_of(field):
            if request.purpose not in (None, purpose.id):
                continue
            found = may_exercise(
                case,
                MayExercise(
                    right=request.right,
                    purpose=purpose.id,
                    field=field,
                    erasure_ground=request.erasure_ground or ErasureReason.NO_LONGER_NECESSARY,
                    restriction_ground=request.restriction_ground,
                ),
            )
            if found.outcome is Outcome.NEEDS:
                continue  # nobody has found what it turns on
            closed = found.against[0] if found.against else None
            yield FieldDecision(
                field=field,
                purpose=purpose.id,
                refused=REFUSED_BY[closed.code] if closed else None,
                until=_last_day_before(case, closed.until) if closed and closed.until else None,
            )


def _last_day_before(case: Case, moment: datetime) -> date:
    return civil_date(moment, case.zone) - timedelta(days=1)
