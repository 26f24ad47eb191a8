"""The substantive connection: start, end, and the plan of what follows its end (R-401 to R-409)."""

from __future__ import annotations

from datetime import date, datetime

from gdprkit.acts.act import Act
from gdprkit.facts.connection import (
    ActivityNoted,
    ConnectionEnded,
    ConnectionStarted,
    ConnectionTied,
    ContactHeld,
    OldEntryFound,
    RoleTaken,
)
from gdprkit.policy.retention import AfterEnd
from gdprkit.words.identifiers import PurposeId, SubjectId
from gdprkit.words.vocabulary import Activity, Actor, EndCause

__all__ = [
    "AfterEnd",
    "act_for",
    "after_end",
    "end",
    "find_old_entry",
    "note_activity",
    "note_contact",
    "start",
    "tie",
]


def start(*, reference: str, purpose: str | None = None, at: datetime | None = None) -> Act:
    """Record that a customer relation or contract began, or began anew (R-411).

    Args:
        reference: The controller's own pointer, for instance a contract number; no personal data.
        purpose: The purpose it serves.
        at: When; by default now.
    """
    fact = ConnectionStarted(
        reference=reference, purpose=PurposeId(purpose) if purpose is not None else None
    )
    return Act(fact=fact, at=at)


def end(*, on: date, cause: str, evidence: str | None = None, at: datetime | None = None) -> Act:
    """Record the end of the connection.

    Args:
        on: The civil day of the end.
        cause: Why, a word of ``EndCause``.
        evidence: Pointer to what shows it; without it the person waits under review (T1).
        at: When it became known; by default now.
    """
    return Act(fact=ConnectionEnded(on=on, cause=EndCause(cause), evidence=evidence), at=at)


def note_activity(activity: str, *, at: datetime | None = None) -> Act:
    """Record an act of the person's own: an order, a reply, a click, a contact (R-406)."""
    return Act(fact=ActivityNoted(activity=Activity(activity)), at=at)


def tie(
    cause: str,
    *,
    reference: str,
    until: date | None = None,
    evidence: str | None = None,
    at: datetime | None = None,
) -> Act:
    """Record what ties the person: a contract, delivery, warranty, invoice or claim (R-401).

    Args:
        cause: What it is, by the cause its end would be: ``warranty-end``, for instance.
        reference: The controller's own pointer; noted again, the new day counts.
        until: The last day it ties; by default not known yet.
        evidence: Pointer to what shows it.
        at: When it became known; by default now.
    """
    fact = ConnectionTied(
        cause=EndCause(cause), reference=reference, until=until, evidence=evidence
    )
    return Act(fact=fact, at=at)


def note_contact(*, begun_by: str, evidence: str | None = None, at: datetime | None = None) -> Act:
    """Record a contact both ways, and who began it, a word of ``Actor`` (R-401)."""
    return Act(fact=ContactHeld(begun_by=Actor(begun_by), evidence=evidence), at=at)


def act_for(organisation: SubjectId, *, at: datetime | None = None) -> Act:
    """Record for which organisation the person acts; it has a line of its own (R-418).

    What that organisation prohibits then reaches the person's work address.
    """
    return Act(fact=RoleTaken(organisation=organisation), at=at)


def find_old_entry(*, reference: str, at: datetime | None = None) -> Act:
    """Record that the person stands in an old marketing register without proof (R-420)."""
    return Act(fact=OldEntryFound(reference=reference), at=at)


def after_end(purpose: str | None = None) -> AfterEnd:
    """Plan what becomes of every value: moved, archived or erased (R-402)."""
    return AfterEnd(purpose=purpose)
