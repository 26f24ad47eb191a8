"""Restriction, objection by situation, legal holds, and the plans of erasure (GDPR Art. 17-21)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from gdprkit.acts.act import Act
from gdprkit.facts.objection import (
    ObjectionDecided,
    ObjectionRaised,
    RestrictionImposed,
    RestrictionLifted,
)
from gdprkit.facts.retention import ClaimInterrupted, ClaimNoted, HoldLifted, HoldPlaced
from gdprkit.policy.retention import DueErasure, Erasure
from gdprkit.words.identifiers import FieldId, PurposeId
from gdprkit.words.vocabulary import ErasureReason, IntakeChannel, RestrictionGround

__all__ = [
    "DueErasure",
    "Erasure",
    "decide_objection",
    "due",
    "erasure",
    "hold",
    "interrupt_claim",
    "lift_hold",
    "lift_restriction",
    "note_claim",
    "object_to_purpose",
    "restrict",
]


def restrict(ground: str, *, at: datetime | None = None) -> Act:
    """Restrict processing to storage (GDPR Art. 18(1))."""
    return Act(fact=RestrictionImposed(ground=RestrictionGround(ground)), at=at)


def lift_restriction(ground: str, *, informed: date, at: datetime | None = None) -> Act:
    """Lift a restriction; the person was told on *informed*, before (GDPR Art. 18(3))."""
    fact = RestrictionLifted(ground=RestrictionGround(ground), informed=informed)
    return Act(fact=fact, at=at)


def object_to_purpose(purpose: str, *, via: str, at: datetime | None = None) -> Act:
    """Record an objection on grounds of the person's situation (GDPR Art. 21(1))."""
    fact = ObjectionRaised(purpose=PurposeId(purpose), via=IntakeChannel(via))
    return Act(fact=fact, at=at)


def decide_objection(
    purpose: str, *, upheld: bool, finding: str, at: datetime | None = None
) -> Act:
    """Record how a 21(1) objection was decided; *finding* points to the written finding."""
    fact = ObjectionDecided(purpose=PurposeId(purpose), upheld=upheld, finding=finding)
    return Act(fact=fact, at=at)


def hold(
    reference: str, *, reason: str, review_by: date | None = None, at: datetime | None = None
) -> Act:
    """Place a legal hold: nothing of the person is erased until it is lifted.

    Args:
        reference: The controller's own pointer.
        reason: Why.
        review_by: The last day on which somebody looks whether it is still needed (R-715); then
            the person is found by ``waking`` and by the tag ``hold-review``. Placed again under
            the same reference, the new day counts.
        at: When; by default now.
    """
    return Act(fact=HoldPlaced(reference=reference, reason=reason, review_by=review_by), at=at)


def lift_hold(reference: str, *, at: datetime | None = None) -> Act:
    """Lift a legal hold."""
    return Act(fact=HoldLifted(reference=reference), at=at)


def note_claim(
    reference: str, *, since: date, damages: bool = False, at: datetime | None = None
) -> Act:
    """Record a claim and the day its limitation counts from (R-408).

    Args:
        reference: The controller's own pointer to the claim.
        since: The due date, or the day the damage became known.
        damages: It is about damages, which may be claimed for longer.
        at: When it became known; by default now.
    """
    return Act(fact=ClaimNoted(reference=reference, since=since, damages=damages), at=at)


def interrupt_claim(reference: str, *, on: date, at: datetime | None = None) -> Act:
    """Record that the limitation of a claim was interrupted: its period starts again (R-408)."""
    return Act(fact=ClaimInterrupted(reference=reference, on=on), at=at)


def erasure(*, reason: str, reference: str, fields: Iterable[str] = ()) -> Erasure:
    """Plan what a request for erasure erases and what stays, value by value (R-503).

    Args:
        reason: The ground of Art. 17(1), a word of ``ErasureReason``.
        reference: The controller's pointer, for instance a request number.
        fields: The fields the request is limited to; by default all.
    """
    return Erasure(
        reason=ErasureReason(reason),
        reference=reference,
        fields=frozenset(FieldId(field) for field in fields),
    )


def due() -> DueErasure:
    """Plan the erasure of everything whose period is over."""
    return DueErasure()
