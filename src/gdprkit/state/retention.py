"""Legal holds, and the claims whose limitation runs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, final

import attrs

from gdprkit.facts.entry import Entry
from gdprkit.facts.retention import ClaimInterrupted, ClaimNoted, HoldLifted, HoldPlaced
from gdprkit.state._shape import Fold, put

__all__ = ["Claim", "Hold", "RetentionState"]


@final
@attrs.frozen(kw_only=True)
class Hold:
    """A legal hold in force."""

    reference: str
    reason: str
    at: datetime
    position: int
    review_by: date | None = None


@final
@attrs.frozen(kw_only=True)
class Claim:
    """A claim and the day its limitation counts from: an interruption starts it again (R-408)."""

    reference: str
    since: date | None = None  # None: interrupted, and nobody noted the claim itself
    interrupted: date | None = None
    damages: bool = False
    position: int

    @property
    def start(self) -> date | None:
        """The day the period counts from now."""
        return max((day for day in (self.since, self.interrupted) if day is not None), default=None)


@final
@attrs.frozen(kw_only=True)
class RetentionState:
    """Holds in force and claims known; while there is a hold, nothing of the person is erased."""

    holds: tuple[Hold, ...] = ()
    claims: tuple[Claim, ...] = ()

    def claim(self, reference: str) -> Claim | None:
        """Return the claim known by the controller's pointer."""
        return next((c for c in self.claims if c.reference == reference), None)


def _placed(now: RetentionState, entry: Entry, fact: HoldPlaced) -> RetentionState:
    new = Hold(
        reference=fact.reference,
        reason=fact.reason,
        at=entry.at,
        position=entry.position,
        review_by=fact.review_by,
    )
    return attrs.evolve(now, holds=put(now.holds, new, lambda h: h.reference == fact.reference))


def _lifted(now: RetentionState, _entry: Entry, fact: HoldLifted) -> RetentionState:
    return attrs.evolve(now, holds=tuple(h for h in now.holds if h.reference != fact.reference))


def _claimed(now: RetentionState, entry: Entry, fact: ClaimNoted) -> RetentionState:
    old = now.claim(fact.reference)
    new = Claim(
        reference=fact.reference,
        since=fact.since,
        interrupted=old.interrupted if old else None,
        damages=fact.damages,
        position=entry.position,
    )
    return attrs.evolve(now, claims=put(now.claims, new, lambda c: c.reference == fact.reference))


def _interrupted(now: RetentionState, entry: Entry, fact: ClaimInterrupted) -> RetentionState:
    old = now.claim(fact.reference)
    before = old or Claim(reference=fact.reference, position=entry.position)
    latest = max(day for day in (before.interrupted, fact.on) if day is not None)
    new = attrs.evolve(before, interrupted=latest, position=entry.position)
    return attrs.evolve(now, claims=put(now.claims, new, lambda c: c.reference == fact.reference))


FOLD: Final[Fold] = {
    HoldPlaced: _placed,
    HoldLifted: _lifted,
    ClaimNoted: _claimed,
    ClaimInterrupted: _interrupted,
}
