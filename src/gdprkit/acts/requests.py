"""Requests of the data subject: receive, each step of handling, close (GDPR Art. 12, 15 to 22)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from gdprkit.acts.act import NEW_CASE, Act
from gdprkit.facts import request as facts
from gdprkit.facts.request import FieldDecision
from gdprkit.policy.rights import MayExercise
from gdprkit.words.identifiers import CaseId, FieldId, PurposeId
from gdprkit.words.vocabulary import (
    Actor,
    ErasureReason,
    FilingSystem,
    IdentityMethod,
    IntakeChannel,
    LetterItem,
    RefusalGround,
    RestrictionGround,
    Right,
)

__all__ = [
    "FieldDecision",
    "MayExercise",
    "acknowledge",
    "announce_fee",
    "ask_clarification",
    "ask_identity",
    "begin",
    "clarified",
    "decision",
    "extend",
    "fulfil",
    "identity_confirmed",
    "identity_insufficient",
    "may_exercise",
    "not_identifiable",
    "partly_refuse",
    "receive",
    "refuse",
    "withdraw",
]


def receive(
    *,
    right: str,
    channel: str,
    received: datetime | None = None,
    fields: Iterable[str] = (),
    requester: str = Actor.SUBJECT,
    text: str | None = None,
    purpose: str | None = None,
    erasure_ground: str | None = None,
    restriction_ground: str | None = None,
    authority: str | None = None,
) -> Act:
    """Record a request; the keeper's receipt names its case.

    An objection that reaches marketing and a withdrawal act at once: the stop is recorded with it
    (R-508, R-510).

    Args:
        right: A word of ``Right``.
        channel: How it came; any channel counts (R-520).
        received: The instant it reached an official channel; by default now.
        fields: Fields it is limited to; by default all.
        requester: Who asked.
        text: What the person wrote; sealed, never part of the line.
        purpose: The purpose it is limited to; by default all.
        erasure_ground: The ground of Art. 17(1) that its words clearly name.
        restriction_ground: The ground of Art. 18(1) that its words clearly name.
        authority: Pointer to the checked authority of an agent or guardian (R-522).
    """
    fact = facts.RequestReceived(
        case=NEW_CASE,
        right=Right(right),
        channel=IntakeChannel(channel),
        fields=[FieldId(f) for f in fields],
        requester=Actor(requester),
        purpose=PurposeId(purpose) if purpose is not None else None,
        erasure_ground=ErasureReason(erasure_ground) if erasure_ground is not None else None,
        restriction_ground=(
            RestrictionGround(restriction_ground) if restriction_ground is not None else None
        ),
        authority=authority,
    )
    personal = {"request-text": text} if text is not None else {}
    return Act(fact=fact, at=received, personal=personal, filing=FilingSystem.REQUESTS)


def acknowledge(case: CaseId, *, at: datetime | None = None) -> Act:
    """Record that receipt was confirmed to the person."""
    return Act(fact=facts.RequestAcknowledged(case=case), at=at)


def ask_identity(
    case: CaseId,
    *,
    reasonable_doubt: bool,
    prompt: bool,
    method: str | None = None,
    doubt: str | None = None,
    at: datetime | None = None,
) -> Act:
    """Record that proof of identity was asked for (Art. 12(6)); both words true to suspend.

    Args:
        case: The request.
        reasonable_doubt: There was a reason to doubt.
        prompt: It was asked without undue delay.
        method: What was asked for, a word of ``IdentityMethod``.
        doubt: Pointer to the note of why it was doubted.
        at: When; by default now.
    """
    fact = facts.IdentityRequested(
        case=case,
        reasonable_doubt=reasonable_doubt,
        prompt=prompt,
        method=IdentityMethod(method) if method is not None else None,
        doubt=doubt,
    )
    return Act(fact=fact, at=at)


def identity_confirmed(
    case: CaseId, *, method: str | None = None, at: datetime | None = None
) -> Act:
    """Record that identity is settled, and how; the proof itself is not kept (R-522)."""
    by = IdentityMethod(method) if method is not None else None
    return Act(fact=facts.IdentityConfirmed(case=case, method=by), at=at)


def identity_insufficient(case: CaseId, *, at: datetime | None = None) -> Act:
    """Record that what the person sent settles nothing; the wait goes on."""
    return Act(fact=facts.IdentityInsufficient(case=case), at=at)


def ask_clarification(
    case: CaseId, *, large_volume: bool, prompt: bool, at: datetime | None = None
) -> Act:
    """Record that the person was asked to specify (recital 63); both words true to suspend."""
    fact = facts.ClarificationRequested(case=case, large_volume=large_volume, prompt=prompt)
    return Act(fact=fact, at=at)


def clarified(case: CaseId, *, everything: bool = False, at: datetime | None = None) -> Act:
    """Record that the person specified, or insisted on everything (R-524)."""
    return Act(fact=facts.ClarificationReceived(case=case, everything=everything), at=at)


def announce_fee(
    case: CaseId, *, finding: str, decided_by: str | None = None, at: datetime | None = None
) -> Act:
    """Record an announced fee; *finding* points to a person's written finding (R-525)."""
    return Act(fact=facts.FeeAnnounced(case=case, finding=finding, decided_by=decided_by), at=at)


def begin(case: CaseId, *, assigned_to: str | None = None, at: datetime | None = None) -> Act:
    """Record that work on the answer began, and the staff role it lies with (R-509)."""
    return Act(fact=facts.HandlingBegun(case=case, assigned_to=assigned_to), at=at)


def extend(case: CaseId, *, months: int, reasons: str, at: datetime | None = None) -> Act:
    """Record that an extension was told; whether it is valid the deadline says (R-559)."""
    return Act(fact=facts.RequestExtended(case=case, months=months, reasons=reasons), at=at)


def decision(
    field: str,
    *,
    purpose: str | None = None,
    refused: str | None = None,
    until: date | None = None,
) -> FieldDecision:
    """Return what was decided for one field: granted, or refused on a ground (R-503).

    Args:
        field: The field.
        purpose: The purpose; by default every purpose that uses the field.
        refused: A word of ``RefusalGround``; by default it was granted.
        until: The last day the refusal holds, where it ends by itself.
    """
    return FieldDecision(
        field=FieldId(field),
        purpose=PurposeId(purpose) if purpose is not None else None,
        refused=RefusalGround(refused) if refused is not None else None,
        until=until,
    )


def fulfil(
    case: CaseId,
    *,
    sent: str,
    decisions: Iterable[FieldDecision] = (),
    letter: Iterable[str] = (),
    delivered: datetime | None = None,
    proof: str | None = None,
    decided_by: str | None = None,
    at: datetime | None = None,
) -> Act:
    """Record that the request was fulfilled; what it asks for has to be done before (R-534).

    Args:
        case: The request.
        sent: Pointer to the answer.
        decisions: What was decided field by field.
        letter: What the answer says, words of ``LetterItem``, as a person went through it.
        delivered: When it was handed over or dispatched; nothing closes before (R-521).
        proof: Pointer to the proof of that.
        decided_by: Staff role of who decided.
        at: When; by default now.
    """
    fact = facts.RequestFulfilled(
        case=case,
        sent=sent,
        decisions=tuple(decisions),
        letter=[LetterItem(item) for item in letter],
        delivered=delivered,
        proof=proof,
        decided_by=decided_by,
    )
    return Act(fact=fact, at=at)


def partly_refuse(
    case: CaseId,
    *,
    grounds: Iterable[str],
    decisions: Iterable[FieldDecision],
    sent: str,
    letter: Iterable[str],
    finding: str | None = None,
    delivered: datetime | None = None,
    proof: str | None = None,
    decided_by: str | None = None,
    at: datetime | None = None,
) -> Act:
    """Record that part was met and part refused, with grounds and the letter (R-528).

    Args:
        case: The request.
        grounds: Why the refused part was refused, words of ``RefusalGround``.
        decisions: What was decided field by field.
        sent: Pointer to the letter.
        letter: What the letter says, words of ``LetterItem``; a refusal needs all of
            ``policy.handling.LETTER_OF_REFUSAL``.
        finding: Pointer to a person's written finding, for Art. 12(5).
        delivered: When it was handed over or dispatched; nothing closes before (R-521).
        proof: Pointer to the proof of that.
        decided_by: Staff role of who decided.
        at: When; by default now.
    """
    fact = facts.RequestPartlyRefused(
        case=case,
        grounds=[RefusalGround(g) for g in grounds],
        decisions=tuple(decisions),
        sent=sent,
        letter=[LetterItem(item) for item in letter],
        finding=finding,
        delivered=delivered,
        proof=proof,
        decided_by=decided_by,
    )
    return Act(fact=fact, at=at)


def refuse(
    case: CaseId,
    *,
    grounds: Iterable[str],
    sent: str,
    letter: Iterable[str],
    finding: str | None = None,
    delivered: datetime | None = None,
    proof: str | None = None,
    decided_by: str | None = None,
    at: datetime | None = None,
) -> Act:
    """Record that the request was refused, with grounds and the letter (R-528).

    Arguments are those of ``partly_refuse``.
    """
    fact = facts.RequestRefused(
        case=case,
        grounds=[RefusalGround(g) for g in grounds],
        sent=sent,
        letter=[LetterItem(item) for item in letter],
        finding=finding,
        delivered=delivered,
        proof=proof,
        decided_by=decided_by,
    )
    return Act(fact=fact, at=at)


def not_identifiable(
    case: CaseId,
    *,
    sent: str,
    finding: str,
    letter: Iterable[str],
    delivered: datetime | None = None,
    proof: str | None = None,
    decided_by: str | None = None,
    at: datetime | None = None,
) -> Act:
    """Record that the person cannot be identified (Art. 11(2); R-523).

    Args:
        case: The request.
        sent: Pointer to the letter.
        finding: Pointer to a person's written finding why.
        letter: What the letter says; all of ``policy.handling.LETTER_OF_REFUSAL``.
        delivered: When it was handed over or dispatched, where they could be told.
        proof: Pointer to the proof of that.
        decided_by: Staff role of who decided.
        at: When; by default now.
    """
    fact = facts.SubjectNotIdentifiable(
        case=case,
        sent=sent,
        finding=finding,
        letter=[LetterItem(item) for item in letter],
        delivered=delivered,
        proof=proof,
        decided_by=decided_by,
    )
    return Act(fact=fact, at=at)


def withdraw(case: CaseId, *, at: datetime | None = None) -> Act:
    """Record that the person withdrew the request."""
    return Act(fact=facts.RequestWithdrawn(case=case), at=at)


def may_exercise(
    *,
    right: str,
    purpose: str,
    field: str | None = None,
    erasure_ground: str | None = None,
    restriction_ground: str | None = None,
) -> MayExercise:
    """Ask whether a right is open to the person for a purpose, or one field of it (R-501 to R-510).

    Args:
        right: A word of ``Right``.
        purpose: The declared purpose.
        field: One field; by default what the purpose holds as a whole.
        erasure_ground: The ground of Art. 17(1), for an erasure.
        restriction_ground: The ground of Art. 18(1), for a restriction.
    """
    return MayExercise(
        right=Right(right),
        purpose=purpose,
        field=field,
        erasure_ground=ErasureReason(erasure_ground) if erasure_ground is not None else None,
        restriction_ground=(
            RestrictionGround(restriction_ground) if restriction_ground is not None else None
        ),
    )
