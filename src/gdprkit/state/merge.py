"""Which lines were merged with this one, and which merges were taken back (R-416).

What a merge brings stands in the other rooms, each row with the line it came from; here stands the
log. A merge into a line and a merge out of it are told apart; a second merge away is an anomaly.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, final

import attrs

from gdprkit.facts.entry import Entry
from gdprkit.facts.merge import MergedFrom, MergedInto, MergeReversed
from gdprkit.state._shape import Fold, put
from gdprkit.words.identifiers import SubjectId

__all__ = ["Merge", "MergeState", "Reversed"]


@final
@attrs.frozen(kw_only=True)
class Merge:
    """A merge in force: the other line, and the entry."""

    other: SubjectId
    at: datetime
    position: int


@final
@attrs.frozen(kw_only=True)
class Reversed:
    """A merge that was wrong: when it was taken back, and who looked whether it was a breach."""

    other: SubjectId
    merged_at: datetime | None
    at: datetime
    position: int
    assessment: str | None = None


@final
@attrs.frozen(kw_only=True)
class MergeState:
    """The merge log of one line."""

    merged: tuple[Merge, ...] = ()  # lines that were merged into this one
    into: Merge | None = None  # the line that goes on in place of this one
    reversed: tuple[Reversed, ...] = ()
    anomalies: tuple[int, ...] = ()

    def of(self, other: SubjectId) -> Merge | None:
        """Return the merge in force with another line, whichever way it went."""
        if self.into is not None and self.into.other == other:
            return self.into
        return next((m for m in self.merged if m.other == other), None)


def _from(now: MergeState, entry: Entry, fact: MergedFrom) -> MergeState:
    new = Merge(other=fact.other, at=entry.at, position=entry.position)
    return attrs.evolve(now, merged=put(now.merged, new, lambda m: m.other == fact.other))


def _into(now: MergeState, entry: Entry, fact: MergedInto) -> MergeState:
    if now.into is not None:
        return attrs.evolve(now, anomalies=(*now.anomalies, entry.position))
    into = Merge(other=fact.survivor, at=entry.at, position=entry.position)
    return attrs.evolve(now, into=into)


def _reversed(now: MergeState, entry: Entry, fact: MergeReversed) -> MergeState:
    merge = now.of(fact.other)
    before = next((r for r in now.reversed if r.other == fact.other), None)
    if merge is not None:
        new = Reversed(
            other=fact.other,
            merged_at=merge.at,
            at=entry.at,
            position=entry.position,
            assessment=fact.assessment,
        )
    elif before is not None:  # recorded again: somebody has looked whether it was a breach
        assessment = fact.assessment or before.assessment
        new = attrs.evolve(before, position=entry.position, assessment=assessment)
    else:
        return attrs.evolve(now, anomalies=(*now.anomalies, entry.position))
    away = now.into is not None and now.into.other == fact.other
    return attrs.evolve(
        now,
        merged=tuple(m for m in now.merged if m.other != fact.other),
        into=None if away else now.into,
        reversed=put(now.reversed, new, lambda r: r.other == fact.other),
    )


FOLD: Final[Fold] = {MergedFrom: _from, MergedInto: _into, MergeReversed: _reversed}
