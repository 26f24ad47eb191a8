"""The stops on a person's line, and the restriction overlay.

Every stop stays: objections, prohibitions, withdrawals and refusals with their scope and moment.
A later valid consent outranks a stop only for its scope and only while it is valid, which the
policy decides at the moment asked about; so nothing here removes a stop.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, final

import attrs

from gdprkit.facts.consent import ConsentRefused, ConsentWithdrawn
from gdprkit.facts.entry import Entry
from gdprkit.facts.merge import MergedFrom, MergeReversed
from gdprkit.facts.objection import (
    MarketingObjection,
    MarketingProhibition,
    ObjectionDecided,
    ObjectionRaised,
    RestrictionImposed,
    RestrictionLifted,
)
from gdprkit.state._shape import Fold, Writing, put
from gdprkit.words.identifiers import PurposeId, SubjectId
from gdprkit.words.vocabulary import Actor, Channel, RestrictionGround, StopKind

__all__ = [
    "ObjectionState",
    "PurposeObjection",
    "PurposeObjectionStatus",
    "Restriction",
    "Stop",
    "StopKind",
    "Stops",
]


@final
@attrs.frozen(kw_only=True)
class Stop:
    """One stop: its scope, who set it, when. No channels means every channel."""

    kind: StopKind
    channels: frozenset[Channel] = frozenset()
    purpose: PurposeId | None = None
    by: Actor = Actor.SUBJECT
    at: datetime
    position: int
    merged_from: SubjectId | None = None  # the line a merge brought it from

    def covers_channel(self, channel: Channel) -> bool:
        """Whether the stop reaches this channel."""
        return not self.channels or channel in self.channels

    def covers(self, channel: Channel, purpose: PurposeId) -> bool:
        """Whether the stop reaches this channel for this purpose."""
        return self.covers_channel(channel) and self.purpose in (None, purpose)


class PurposeObjectionStatus(StrEnum):
    """State of a 21(1) objection."""

    PENDING = "pending"
    UPHELD = "upheld"
    OVERRIDDEN = "overridden"


@final
@attrs.frozen(kw_only=True)
class PurposeObjection:
    """A 21(1) objection to one purpose and what became of it."""

    purpose: PurposeId
    status: PurposeObjectionStatus
    at: datetime
    position: int
    merged_from: SubjectId | None = None


@final
@attrs.frozen(kw_only=True)
class Restriction:
    """One ground on which processing is restricted (GDPR Art. 18(1))."""

    ground: RestrictionGround
    at: datetime
    position: int
    merged_from: SubjectId | None = None


@final
@attrs.frozen(kw_only=True)
class ObjectionState:
    """All stops, objections by purpose, and restrictions in force."""

    stops: tuple[Stop, ...] = ()
    objections: tuple[PurposeObjection, ...] = ()
    restrictions: tuple[Restriction, ...] = ()


class Stops:
    """The draft of the stops."""

    __slots__ = ("state", "stops")

    def __init__(self, state: ObjectionState) -> None:
        self.state, self.stops = state, [*state.stops]

    def close(self) -> ObjectionState:
        """Return the state with every stop set."""
        now = self.state
        return ObjectionState(
            stops=tuple(self.stops), objections=now.objections, restrictions=now.restrictions
        )


def _stop(draft: Stops, stop: Stop) -> None:
    """Set a stop; the same scope said again counts from its newest moment."""
    draft.stops = [
        s
        for s in draft.stops
        if s.kind is not stop.kind
        or s.purpose != stop.purpose
        or s.channels != stop.channels
        or s.by is not stop.by
        or s.merged_from != stop.merged_from
    ]
    draft.stops.append(stop)


_SAYS: Final[Mapping[type, StopKind]] = {
    MarketingObjection: StopKind.OBJECTION,
    MarketingProhibition: StopKind.PROHIBITION,
    ConsentWithdrawn: StopKind.WITHDRAWAL,
}


def _said(
    draft: Stops, entry: Entry, fact: MarketingObjection | MarketingProhibition | ConsentWithdrawn
) -> None:
    _stop(
        draft,
        Stop(
            kind=_SAYS[type(fact)],
            channels=fact.channels,
            purpose=fact.purpose,
            by=fact.by,
            at=entry.at,
            position=entry.position,
        ),
    )


def _refused(draft: Stops, entry: Entry, fact: ConsentRefused) -> None:
    _stop(
        draft,
        Stop(
            kind=StopKind.REFUSAL,
            channels=fact.channels,
            purpose=fact.purpose,
            at=entry.at,
            position=entry.position,
        ),
    )


def _raised(now: ObjectionState, entry: Entry, fact: ObjectionRaised) -> ObjectionState:
    new = PurposeObjection(
        purpose=fact.purpose,
        status=PurposeObjectionStatus.PENDING,
        at=entry.at,
        position=entry.position,
    )
    return attrs.evolve(
        now, objections=put(now.objections, new, lambda o: o.purpose == fact.purpose)
    )


def _decided(now: ObjectionState, entry: Entry, fact: ObjectionDecided) -> ObjectionState:
    """Decide an objection; one that was typed in only after the decision was not looked at."""
    pending = [o for o in now.objections if o.status is PurposeObjectionStatus.PENDING]
    if any(o.purpose == fact.purpose and o.position > entry.position for o in pending):
        return now
    new = PurposeObjection(
        purpose=fact.purpose,
        status=PurposeObjectionStatus.UPHELD if fact.upheld else PurposeObjectionStatus.OVERRIDDEN,
        at=entry.at,
        position=entry.position,
    )
    return attrs.evolve(
        now, objections=put(now.objections, new, lambda o: o.purpose == fact.purpose)
    )


def _restricted(now: ObjectionState, entry: Entry, fact: RestrictionImposed) -> ObjectionState:
    new = Restriction(ground=fact.ground, at=entry.at, position=entry.position)
    return attrs.evolve(
        now, restrictions=put(now.restrictions, new, lambda r: r.ground is fact.ground)
    )


def _lifted(now: ObjectionState, entry: Entry, fact: RestrictionLifted) -> ObjectionState:
    """Lift what was known: a restriction that was typed in only later goes on."""
    on = (r for r in now.restrictions if r.ground is not fact.ground or r.position > entry.position)
    return attrs.evolve(now, restrictions=tuple(on))


def _merged(now: ObjectionState, entry: Entry, fact: MergedFrom) -> ObjectionState:
    """Add what another line of the person stops here; its rows stand beside the line's own."""
    bare = _without(now, fact.other)
    stops = tuple(
        Stop(
            kind=stop.kind,
            channels=stop.channels,
            purpose=stop.purpose,
            by=stop.by,
            at=stop.at,
            position=entry.position,
            merged_from=fact.other,
        )
        for stop in fact.stops
    )
    objections = tuple(
        PurposeObjection(
            purpose=said.purpose,
            status=PurposeObjectionStatus.UPHELD if said.upheld else PurposeObjectionStatus.PENDING,
            at=said.at,
            position=entry.position,
            merged_from=fact.other,
        )
        for said in fact.objections
    )
    restrictions = tuple(
        Restriction(ground=g, at=entry.at, position=entry.position, merged_from=fact.other)
        for g in sorted(fact.restrictions)
    )
    return ObjectionState(
        stops=bare.stops + stops,
        objections=bare.objections + objections,
        restrictions=bare.restrictions + restrictions,
    )


def _without(now: ObjectionState, other: SubjectId) -> ObjectionState:
    """Take away exactly the rows that the merge brought; whatever was said since stays."""
    return ObjectionState(
        stops=tuple(s for s in now.stops if s.merged_from != other),
        objections=tuple(o for o in now.objections if o.merged_from != other),
        restrictions=tuple(r for r in now.restrictions if r.merged_from != other),
    )


def _unmerged(now: ObjectionState, _entry: Entry, fact: MergeReversed) -> ObjectionState:
    return _without(now, fact.other)


FOLD: Final[Fold] = {
    ObjectionRaised: _raised,
    ObjectionDecided: _decided,
    RestrictionImposed: _restricted,
    RestrictionLifted: _lifted,
    MergedFrom: _merged,
    MergeReversed: _unmerged,
}

WRITING: Final[Writing] = {
    **dict.fromkeys(_SAYS, _said),
    ConsentRefused: _refused,
}
