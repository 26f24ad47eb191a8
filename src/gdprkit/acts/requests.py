"""Requests of the data subject: receive, each step of handling, close (GDPR Art. 12, 15 to 22)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gdprkit.acts.act import NEW_CASE, Act
from gdprkit.facts import request as facts
from gdprkit.words.identifiers import CaseId, FieldId
from gdprkit.words.vocabulary import (
    Actor,
    FilingSystem,
    IntakeChannel,
    RefusalGround,
    Right,
)

__all__ = [
    "acknowledge",
    "announce_fee",
    "ask_clarification",
    "ask_identity",
    "begin",
    "clarified",
    "extend",
    "fulfil",
    "identity_confirmed",
    "identity_insufficient",
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
) -> Act:
    """Record a request; the keeper's receipt names its case.

    An objection to marketing and a withdrawal act at once: the stop is recorded with it (R-508,
    R-510).

    Args:
        right: A word of ``Right``.
        channel: How it came; any channel counts (R-520).
        received: The instant it reached an official channel; by default now.
        fields: Fields it is limited to; by default all.
        requester: Who asked.
        text: What the person wrote; sealed, never part of the line.
    """
    fact = facts.RequestReceived(
        case=NEW_CASE,
        right=Right(right),
        channel=IntakeChannel(channel),
        fields=[FieldId(f) for f in fields],
        requester=Actor(requester),
    )
    personal = {"request-text": text} if text is not None else {}
    return Act(fact=fact, at=received, personal=personal, filing=FilingSystem.REQUESTS)


def acknowledge(case: CaseId, *, at: datetime | None = None) -> Act:
    """Record that receipt was confirmed to the person."""
    return Act(fact=facts.RequestAcknowledged(case=case), at=at)


def ask_identity(
    case: CaseId, *, reasonable_doubt: bool, prompt: bool, at: datetime | None = None
) -> Act:
    """Record that proof of identity was asked for (Art. 12(6)); both words true to suspend."""
    fact = facts.IdentityRequested(case=case, reasonable_doubt=reasonable_doubt, prompt=prompt)
    return Act(fact=fact, at=at)


def identity_confirmed(case: CaseId, *, at: datetime | None = None) -> Act:
    """Record that identity is settled."""
    return Act(fact=facts.IdentityConfirmed(case=case), at=at)


def identity_insufficient(case: CaseId, *, at: datetime | None = None) -> Act:
    """Record that what the person sent settles nothing; the wait goes on."""
    return Act(fact=facts.IdentityInsufficient(case=case), at=at)


def ask_clarification(
    case: CaseId, *, large_volume: bool, prompt: bool, at: datetime | None = None
) -> Act:
    """Record that the person was asked to specify (recital 63); both words true to suspend."""
    fact = facts.ClarificationRequested(case=case, large_volume=large_volume, prompt=prompt)
    return Act(fact=fact, at=at)


def clarified(case: CaseId, *, at: datetime | None = None) -> Act:
    """Record that the person specified, or insisted on everything."""
    return Act(fact=facts.ClarificationReceived(case=case), at=at)


def announce_fee(case: CaseId, *, finding: str, at: datetime | None = None) -> Act:
    """Record an announced fee; *finding* points to a person's written finding (R-525)."""
    return Act(fact=facts.FeeAnnounced(case=case, finding=finding), at=at)


def begin(case: CaseId, *, at: datetime | None = None) -> Act:
    """Record that work on the answer began."""
    return Act(fact=facts.HandlingBegun(case=case), at=at)


def extend(case: CaseId, *, months: int, reasons: str, at: datetime | None = None) -> Act:
    """Record that an extension was told; whether it is valid the deadline says (R-559)."""
    return Act(fact=facts.RequestExtended(case=case, months=months, reasons=reasons), at=at)


def fulfil(case: CaseId, *, sent: str, at: datetime | None = None) -> Act:
    """Record that the request was fulfilled; *sent* points to the answer."""
    return Act(fact=facts.RequestFulfilled(case=case, sent=sent), at=at)


def partly_refuse(
    case: CaseId, *, grounds: Iterable[str], sent: str, at: datetime | None = None
) -> Act:
    """Record that part was refused, with grounds and the letter (R-528)."""
    fact = facts.RequestPartlyRefused(
        case=case, grounds=[RefusalGround(g) for g in grounds], sent=sent
    )
    return Act(fact=fact, at=at)


def refuse(case: CaseId, *, grounds: Iterable[str], sent: str, at: datetime | None = None) -> Act:
    """Record that the request was refused, with grounds and the letter (R-528)."""
    fact = facts.RequestRefused(case=case, grounds=[RefusalGround(g) for g in grounds], sent=sent)
    return Act(fact=fact, at=at)


def not_identifiable(case: CaseId, *, sent: str, at: datetime | None = None) -> Act:
    """Record that the person cannot be identified (Art. 11(2)); *sent* points to the letter."""
    return Act(fact=facts.SubjectNotIdentifiable(case=case, sent=sent), at=at)


def withdraw(case: CaseId, *, at: datetime | None = None) -> Act:
    """Record that the person withdrew the request."""
    return Act(fact=facts.RequestWithdrawn(case=case), at=at)
