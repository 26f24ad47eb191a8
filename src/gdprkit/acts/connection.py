"""The substantive connection: start, end, and the plan of what follows its end (R-401 to R-409)."""

from __future__ import annotations

from datetime import date, datetime

from gdprkit.acts.act import Act
from gdprkit.facts.connection import ActivityNoted, ConnectionEnded, ConnectionStarted
from gdprkit.policy.retention import AfterEnd
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import Activity, EndCause

__all__ = ["AfterEnd", "after_end", "end", "note_activity", "start"]


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


def after_end(purpose: str | None = None) -> AfterEnd:
    """Plan what becomes of every value: moved, archived or erased (R-402)."""
    return AfterEnd(purpose=purpose)
