"""Copies in the marketing register and the archive, and legal holds."""

from __future__ import annotations

from datetime import datetime
from typing import Final, final

import attrs

from gdprkit.facts.entry import Entry
from gdprkit.facts.retention import HoldLifted, HoldPlaced
from gdprkit.state._shape import Fold, put

__all__ = ["Hold", "RetentionState"]


@final
@attrs.frozen(kw_only=True)
class Hold:
    """A legal hold in force."""

    reference: str
    reason: str
    at: datetime
    position: int


@final
@attrs.frozen(kw_only=True)
class RetentionState:
    """Holds in force; while there is one, nothing of the person is erased."""

    holds: tuple[Hold, ...] = ()


def _placed(now: RetentionState, entry: Entry, fact: HoldPlaced) -> RetentionState:
    new = Hold(reference=fact.reference, reason=fact.reason, at=entry.at, position=entry.position)
    return attrs.evolve(now, holds=put(now.holds, new, lambda h: h.reference == fact.reference))


def _lifted(now: RetentionState, _entry: Entry, fact: HoldLifted) -> RetentionState:
    return attrs.evolve(now, holds=tuple(h for h in now.holds if h.reference != fact.reference))


FOLD: Final[Fold] = {HoldPlaced: _placed, HoldLifted: _lifted}
