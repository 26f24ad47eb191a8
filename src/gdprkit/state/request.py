"""The life cycle of a request as a table (5.4, with the edges of 0.3).

Time limits are not in the table: an extension is a fact the deadline rule reads. An extension told
while the controller waits for the person is recorded and shows when the wait ends. An answer ends
its own wait only: while another question is open, the request waits for that one. Final statuses
take no further step; a step that has no place is an anomaly, listed and without effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, final

import attrs

from gdprkit.facts.entry import Entry
from gdprkit.facts.request import (
    ClarificationReceived,
    ClarificationRequested,
    FeeAnnounced,
    FieldDecision,
    HandlingBegun,
    IdentityConfirmed,
    IdentityInsufficient,
    IdentityRequested,
    RequestAcknowledged,
    RequestExtended,
    RequestFulfilled,
    RequestPartlyRefused,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
    SubjectNotIdentifiable,
)
from gdprkit.state._shape import Fold, put
from gdprkit.words.identifiers import CaseId, FieldId, PurposeId
from gdprkit.words.vocabulary import (
    Actor,
    ErasureReason,
    IdentityMethod,
    IntakeChannel,
    LetterItem,
    RefusalGround,
    RestrictionGround,
    Right,
)

__all__ = ["FINAL", "TRANSITIONS", "RequestCase", "RequestState", "RequestStatus", "TimedStep"]


class RequestStatus(StrEnum):
    """Where a request stands."""

    RECEIVED = "received"
    IDENTITY_PENDING = "identity-pending"  # Art. 12(6)
    CLARIFICATION_PENDING = "clarification-pending"  # recital 63
    FEE_PENDING = "fee-pending"  # Art. 12(5); the clock runs on
    IN_PROGRESS = "in-progress"
    EXTENDED = "extended"  # Art. 12(3)
    FULFILLED = "fulfilled"
    PARTLY_REFUSED = "partly-refused"
    REFUSED = "refused"
    NOT_IDENTIFIABLE = "not-identifiable"  # Art. 11(2)
    WITHDRAWN_BY_SUBJECT = "withdrawn-by-subject"


_S = RequestStatus
_ENDINGS: Final = {RequestRefused: _S.REFUSED, RequestWithdrawn: _S.WITHDRAWN_BY_SUBJECT}
_QUESTIONS: Final = {
    IdentityRequested: _S.IDENTITY_PENDING,
    ClarificationRequested: _S.CLARIFICATION_PENDING,
    FeeAnnounced: _S.FEE_PENDING,
}
#: Two questions may be open at once; the answer to either is taken whatever the status says.
_IDENTITY: Final = (IdentityConfirmed, IdentityInsufficient)
_LATE_ANSWERS: Final = (*_IDENTITY, ClarificationReceived)
_ANSWERS: Final = {RequestFulfilled: _S.FULFILLED, RequestPartlyRefused: _S.PARTLY_REFUSED}


#: status -> type of step -> status.
TRANSITIONS: Final[Mapping[RequestStatus, Mapping[type, RequestStatus]]] = {
    _S.RECEIVED: {
        **dict.fromkeys((RequestAcknowledged, RequestExtended), _S.RECEIVED),
        **_QUESTIONS,
        HandlingBegun: _S.IN_PROGRESS,
        SubjectNotIdentifiable: _S.NOT_IDENTIFIABLE,
        **_ENDINGS,
    },
    _S.IDENTITY_PENDING: {
        **dict.fromkeys(
            (RequestAcknowledged, RequestExtended, IdentityInsufficient, ClarificationReceived),
            _S.IDENTITY_PENDING,
        ),
        **_QUESTIONS,
        IdentityConfirmed: _S.IN_PROGRESS,
        HandlingBegun: _S.IN_PROGRESS,
        SubjectNotIdentifiable: _S.NOT_IDENTIFIABLE,
        **_ENDINGS,
    },
    _S.CLARIFICATION_PENDING: {
        **dict.fromkeys(
            (RequestAcknowledged, RequestExtended, *_IDENTITY), _S.CLARIFICATION_PENDING
        ),
        **_QUESTIONS,
        ClarificationReceived: _S.IN_PROGRESS,
        HandlingBegun: _S.IN_PROGRESS,
        **_ENDINGS,
    },
    _S.FEE_PENDING: {
        **dict.fromkeys((RequestAcknowledged, RequestExtended, *_LATE_ANSWERS), _S.FEE_PENDING),
        **_QUESTIONS,
        HandlingBegun: _S.IN_PROGRESS,
        **_ENDINGS,
    },
    _S.IN_PROGRESS: {
        **dict.fromkeys((RequestAcknowledged, HandlingBegun, *_LATE_ANSWERS), _S.IN_PROGRESS),
        RequestExtended: _S.EXTENDED,
        **_QUESTIONS,
        **_ANSWERS,
        **_ENDINGS,
    },
    _S.EXTENDED: {
        **dict.fromkeys((RequestAcknowledged, HandlingBegun, *_LATE_ANSWERS), _S.EXTENDED),
        **_QUESTIONS,
        **_ANSWERS,
        **_ENDINGS,
    },
    _S.FULFILLED: {},
    _S.PARTLY_REFUSED: {},
    _S.REFUSED: {},
    _S.NOT_IDENTIFIABLE: {},
    _S.WITHDRAWN_BY_SUBJECT: {},
}

FINAL: Final = frozenset(status for status, row in TRANSITIONS.items() if not row)


@final
@attrs.frozen(kw_only=True)
class TimedStep:
    """A step that may move the time limit: which, when, and whether its grounds exist.

    Args:
        step: Type name of the fact, as ``gdprkit.facts.request`` spells it.
        at: When.
        position: The entry.
        prompt: For questions: asked without undue delay (R-553).
        grounded: For questions: the law's ground existed.
        months: For extensions.
        reasons_told: For extensions.
    """

    step: str
    at: datetime
    position: int
    prompt: bool = True
    grounded: bool = True
    months: int = 0
    reasons_told: bool = True


@final
@attrs.frozen(kw_only=True)
class RequestCase:
    """One request.

    Args:
        case: Its id.
        right: Which right.
        status: Where it stands.
        received_at: The instant of receipt.
        channel: How it came.
        requester: Who asked.
        fields: Fields it is limited to; empty means all.
        position: The entry of its receipt.
        steps: What may move its time limit.
        extended: An extension was told.
        closed_at: When it ended.
        closed_position: The entry of its ending.
        sent: Pointer to the text that ended it.
        grounds: Why it was refused, in full or in part.
        purpose: The purpose it is limited to; None means all.
        erasure_ground: The ground of Art. 17(1) it names.
        restriction_ground: The ground of Art. 18(1) it names.
        authority: Pointer to the checked authority of who asked for the person.
        waits: Questions to the person that are open.
        identity_by: How identity was settled; None while it was not.
        identity_confirmed: Identity is settled.
        identity_insufficient: What was sent last settles nothing.
        insisted: The person wants everything; asking to specify is over.
        assigned_to: Staff role of who works on it.
        fee_announced: A fee was announced.
        delivered_at: When the answer was handed over or dispatched.
        proof: Pointer to the proof of that.
        letter: What the answer holds.
        finding: Pointer to the written finding the ending rests on.
        decided_by: Staff role of who decided.
        decisions: What was decided field by field.
    """

    case: CaseId
    right: Right
    status: RequestStatus
    received_at: datetime
    channel: IntakeChannel
    requester: Actor
    fields: frozenset[FieldId]
    position: int
    steps: tuple[TimedStep, ...] = ()
    extended: bool = False
    closed_at: datetime | None = None
    closed_position: int = 0
    sent: str | None = None
    grounds: frozenset[RefusalGround] = frozenset()
    purpose: PurposeId | None = None
    erasure_ground: ErasureReason | None = None
    restriction_ground: RestrictionGround | None = None
    authority: str | None = None
    waits: frozenset[RequestStatus] = frozenset()
    identity_by: IdentityMethod | None = None
    identity_confirmed: bool = False
    identity_insufficient: bool = False
    insisted: bool = False
    assigned_to: str | None = None
    fee_announced: bool = False
    delivered_at: datetime | None = None
    proof: str | None = None
    letter: frozenset[LetterItem] = frozenset()
    finding: str | None = None
    decided_by: str | None = None
    decisions: tuple[FieldDecision, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the request still waits for an ending."""
        return self.status not in FINAL


@final
@attrs.frozen(kw_only=True)
class RequestState:
    """All requests of the person."""

    cases: tuple[RequestCase, ...] = ()
    anomalies: tuple[int, ...] = ()

    def case(self, case: CaseId) -> RequestCase | None:
        """Return one request."""
        return next((c for c in self.cases if c.case == case), None)

    @property
    def open(self) -> tuple[RequestCase, ...]:
        """Requests that wait for an ending."""
        return tuple(c for c in self.cases if c.is_open)


def _received(now: RequestState, entry: Entry, fact: RequestReceived) -> RequestState:
    known = now.case(fact.case)
    if known is not None and known.is_open and known.right is fact.right:
        return now  # a reminder is the same request
    if known is not None:
        return attrs.evolve(now, anomalies=(*now.anomalies, entry.position))
    new = RequestCase(
        case=fact.case,
        right=fact.right,
        status=RequestStatus.RECEIVED,
        received_at=entry.at,
        channel=fact.channel,
        requester=fact.requester,
        fields=fact.fields,
        position=entry.position,
        purpose=fact.purpose,
        erasure_ground=fact.erasure_ground,
        restriction_ground=fact.restriction_ground,
        authority=fact.authority,
    )
    return attrs.evolve(now, cases=(*now.cases, new))


def _timed(entry: Entry) -> TimedStep | None:
    name = type(entry.fact).__name__
    match entry.fact:
        case (
            IdentityRequested(reasonable_doubt=ground, prompt=prompt)
            | ClarificationRequested(large_volume=ground, prompt=prompt)
        ):
            return TimedStep(
                step=name, at=entry.at, position=entry.position, prompt=prompt, grounded=ground
            )
        case RequestExtended(months=months, reasons=reasons):
            return TimedStep(
                step=name,
                at=entry.at,
                position=entry.position,
                months=months,
                reasons_told=bool(reasons.strip()),
            )
        case IdentityConfirmed() | ClarificationReceived() | HandlingBegun():
            return TimedStep(step=name, at=entry.at, position=entry.position)
    return None


#: answer -> the wait it ends
_ENDS_WAIT: Final[Mapping[type, RequestStatus]] = {
    IdentityConfirmed: _S.IDENTITY_PENDING,
    ClarificationReceived: _S.CLARIFICATION_PENDING,
}


def _waits(old: RequestCase, fact: object) -> frozenset[RequestStatus]:
    """Return the questions that are open after a step; a fee is no question."""
    match fact:
        case IdentityRequested() | ClarificationRequested():
            return old.waits | {_QUESTIONS[type(fact)]}
        case IdentityConfirmed() | ClarificationReceived():
            return old.waits - {_ENDS_WAIT[type(fact)]}
        case HandlingBegun():
            return frozenset()
        case _:
            return old.waits


def _learned(fact: object) -> dict[str, object]:
    """Return what a step tells beside where the request stands."""
    match fact:
        case IdentityRequested():
            return {"identity_confirmed": False, "identity_by": None}
        case IdentityConfirmed(method=method):
            return {
                "identity_confirmed": True,
                "identity_by": method,
                "identity_insufficient": False,
            }
        case IdentityInsufficient():
            return {"identity_insufficient": True}
        case ClarificationReceived(everything=True):
            return {"insisted": True}
        case FeeAnnounced():
            return {"fee_announced": True}
        case HandlingBegun(assigned_to=role) if role is not None:
            return {"assigned_to": role}
        case (
            RequestFulfilled()
            | RequestPartlyRefused()
            | RequestRefused()
            | SubjectNotIdentifiable() as ending
        ):
            return {
                "sent": ending.sent,
                "delivered_at": ending.delivered,
                "proof": ending.proof,
                "letter": ending.letter,
                "finding": ending.finding,
                "decided_by": ending.decided_by,
                "grounds": getattr(ending, "grounds", frozenset()),
                "decisions": getattr(ending, "decisions", ()),
            }
        case _:
            return {}


def _step(now: RequestState, entry: Entry, fact: object) -> RequestState:
    old = now.case(fact.case)  # type: ignore[attr-defined]  # every step names its case
    target = TRANSITIONS[old.status].get(type(fact)) if old else None
    if old is None or target is None:
        return attrs.evolve(now, anomalies=(*now.anomalies, entry.position))
    waits = _waits(old, fact)
    extended = old.extended or isinstance(fact, RequestExtended)
    if target is RequestStatus.IN_PROGRESS and waits:
        target = min(waits)  # at most one is left after an answer
    elif target is RequestStatus.IN_PROGRESS and extended:
        target = RequestStatus.EXTENDED
    timed = _timed(entry)
    ended = target in FINAL
    new = attrs.evolve(
        old,
        status=target,
        extended=extended,
        waits=waits,
        steps=(*old.steps, timed) if timed else old.steps,
        closed_at=entry.at if ended else None,
        closed_position=entry.position if ended else 0,
        **_learned(fact),  # type: ignore[arg-type]
    )
    return attrs.evolve(now, cases=put(now.cases, new, lambda c: c.case == old.case))


STEP_FACTS: Final = frozenset(kind for row in TRANSITIONS.values() for kind in row)
FOLD: Final[Fold] = {RequestReceived: _received, **dict.fromkeys(STEP_FACTS, _step)}
