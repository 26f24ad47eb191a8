"""What stands of stops, objections and restrictions, also of those a merge brought (R-416)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import attrs
import pytest

from gdprkit.facts.consent import ConsentRefused, ConsentWithdrawn
from gdprkit.facts.entry import Entry, Fact
from gdprkit.facts.merge import MergedFrom, MergedObjection, MergedStop, MergeReversed
from gdprkit.facts.objection import (
    MarketingObjection,
    MarketingProhibition,
    ObjectionDecided,
    ObjectionRaised,
    RestrictionImposed,
    RestrictionLifted,
)
from gdprkit.state.objection import (
    ObjectionState,
    PurposeObjection,
    PurposeObjectionStatus,
    Restriction,
    Stop,
)
from gdprkit.state.standing import fold
from gdprkit.words.identifiers import PurposeId, SubjectId
from gdprkit.words.vocabulary import Actor, Channel, IntakeChannel, RestrictionGround, StopKind

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
NEWS = PurposeId("newsletter")
OFFERS = PurposeId("offers")
VIA = IntakeChannel.EMAIL
OTHER = SubjectId(UUID(int=1, version=4))
THIRD = SubjectId(UUID(int=2, version=4))


def hours(count: int) -> datetime:
    return AT + timedelta(hours=count)


def stands(*facts: Fact) -> ObjectionState:
    """Return what stands after a line: the n-th fact happened after n hours."""
    return fold(
        Entry(position=n, at=hours(n), recorded_at=hours(n), fact=fact)
        for n, fact in enumerate(facts, start=1)
    ).objection


SCOPE = {"purpose": NEWS, "channels": {Channel.EMAIL}, "via": VIA}


@pytest.mark.parametrize(
    ("fact", "kind", "by"),
    [
        (MarketingObjection(**SCOPE, by=Actor.GUARDIAN), StopKind.OBJECTION, Actor.GUARDIAN),  # type: ignore[arg-type]
        (MarketingProhibition(**SCOPE, by=Actor.COMPANY), StopKind.PROHIBITION, Actor.COMPANY),  # type: ignore[arg-type]
        (ConsentWithdrawn(**SCOPE, by=Actor.AGENT), StopKind.WITHDRAWAL, Actor.AGENT),  # type: ignore[arg-type]
        (ConsentRefused(**SCOPE), StopKind.REFUSAL, Actor.SUBJECT),  # type: ignore[arg-type]
    ],
)
def test_a_stop_keeps_its_scope_its_bringer_and_its_moment(
    fact: Fact, kind: StopKind, by: Actor
) -> None:
    """Whatever the stop: kind, purpose, channels, who brought it, when, and the entry."""
    assert stands(fact) == ObjectionState(
        stops=(
            Stop(
                kind=kind,
                purpose=NEWS,
                channels=frozenset({Channel.EMAIL}),
                by=by,
                at=hours(1),
                position=1,
            ),
        )
    )


@pytest.mark.parametrize(
    "other",
    [
        MarketingObjection(via=VIA, purpose=OFFERS, channels={Channel.EMAIL}),
        MarketingObjection(via=VIA, purpose=NEWS, channels={Channel.SMS}),
        MarketingObjection(via=VIA, purpose=NEWS),
        MarketingObjection(via=VIA, channels={Channel.EMAIL}),
        MarketingObjection(via=VIA, purpose=NEWS, channels={Channel.EMAIL}, by=Actor.THIRD_PERSON),
        MarketingProhibition(via=VIA, purpose=NEWS, channels={Channel.EMAIL}),
    ],
)
def test_another_scope_is_another_stop(other: Fact) -> None:
    """Only a stop of the same kind, purpose, channels and bringer takes the place of an older."""
    first = MarketingObjection(via=VIA, purpose=NEWS, channels={Channel.EMAIL})
    assert [s.position for s in stands(first, other).stops] == [1, 2]
    assert [s.position for s in stands(first, other, first).stops] == [2, 3]


def test_a_stop_changes_no_objection_and_no_restriction() -> None:
    """What stands beside the stops stays when a stop comes."""
    before = (ObjectionRaised(purpose=NEWS, via=VIA), RestrictionImposed(ground=GROUND))
    state = stands(*before, MarketingObjection(via=VIA))
    assert (state.objections, state.restrictions) == (
        stands(*before).objections,
        stands(*before).restrictions,
    )
    assert len(state.objections) == len(state.restrictions) == len(state.stops) == 1


GROUND = RestrictionGround.ACCURACY_CONTESTED


@pytest.mark.parametrize(
    ("channels", "purpose", "reached"),
    [
        (frozenset(), None, {(Channel.EMAIL, NEWS), (Channel.SMS, NEWS), (Channel.EMAIL, OFFERS)}),
        (frozenset({Channel.EMAIL}), None, {(Channel.EMAIL, NEWS), (Channel.EMAIL, OFFERS)}),
        (frozenset(), NEWS, {(Channel.EMAIL, NEWS), (Channel.SMS, NEWS)}),
        (frozenset({Channel.EMAIL}), NEWS, {(Channel.EMAIL, NEWS)}),
    ],
)
def test_a_stop_reaches_its_scope_and_nothing_else(
    channels: frozenset[Channel], purpose: PurposeId | None, reached: set[tuple[Channel, PurposeId]]
) -> None:
    """No channels means every channel, no purpose every purpose; both limits bind (R-311)."""
    stop = Stop(kind=StopKind.OBJECTION, channels=channels, purpose=purpose, at=AT, position=1)
    asked = {(Channel.EMAIL, NEWS), (Channel.SMS, NEWS), (Channel.EMAIL, OFFERS)}
    assert {pair for pair in asked if stop.covers(*pair)} == reached


def test_an_objection_to_a_purpose_is_pending_until_it_is_decided() -> None:
    """The newest word on each purpose stands: raised, upheld or overridden, since when."""
    raised = ObjectionRaised(purpose=NEWS, via=VIA)
    other = ObjectionRaised(purpose=OFFERS, via=VIA)
    upheld = ObjectionDecided(purpose=NEWS, upheld=True, finding="f-1")
    overridden = attrs.evolve(upheld, upheld=False)

    def said(purpose: PurposeId, status: PurposeObjectionStatus, n: int) -> PurposeObjection:
        return PurposeObjection(purpose=purpose, status=status, at=hours(n), position=n)

    pending = said(OFFERS, PurposeObjectionStatus.PENDING, 2)
    assert stands(raised, other).objections == (
        said(NEWS, PurposeObjectionStatus.PENDING, 1),
        pending,
    )
    assert stands(raised, other, upheld).objections == (
        pending,
        said(NEWS, PurposeObjectionStatus.UPHELD, 3),
    )
    assert stands(raised, other, overridden).objections == (
        pending,
        said(NEWS, PurposeObjectionStatus.OVERRIDDEN, 3),
    )
    assert stands(raised, other, overridden, raised).objections == (
        pending,
        said(NEWS, PurposeObjectionStatus.PENDING, 4),
    )


def test_each_ground_of_a_restriction_stands_and_falls_by_itself() -> None:
    """Lifting one ground leaves the others; imposed again it counts from its newest moment."""
    claims = RestrictionGround.NEEDED_FOR_CLAIMS
    both = (RestrictionImposed(ground=GROUND), RestrictionImposed(ground=claims))
    first = Restriction(ground=GROUND, at=hours(1), position=1)
    second = Restriction(ground=claims, at=hours(2), position=2)
    assert stands(*both).restrictions == (first, second)
    lifted = RestrictionLifted(ground=GROUND, informed=date(2026, 1, 4))
    assert stands(*both, lifted).restrictions == (second,)
    again = Restriction(ground=GROUND, at=hours(3), position=3)
    assert stands(*both, both[0]).restrictions == (second, again)


MERGED = MergedFrom(
    other=OTHER,
    stops=[
        MergedStop(
            kind=StopKind.PROHIBITION,
            channels={Channel.PHONE},
            purpose=OFFERS,
            by=Actor.COMPANY,
            at=AT,
        )
    ],
    objections=[
        MergedObjection(purpose=NEWS, upheld=True, at=AT),
        MergedObjection(purpose=OFFERS, upheld=False, at=hours(1)),
    ],
    restrictions={RestrictionGround.UNLAWFUL, RestrictionGround.NEEDED_FOR_CLAIMS},
)
OWN = (
    MarketingProhibition(via=VIA, channels={Channel.PHONE}, purpose=OFFERS, by=Actor.COMPANY),
    ObjectionRaised(purpose=NEWS, via=VIA),
    RestrictionImposed(ground=RestrictionGround.UNLAWFUL),
)


def test_a_merge_brings_every_stop_of_the_other_line() -> None:
    """Stops and objections come with their whole scope and moment; restrictions from the merge."""
    assert stands(MERGED) == ObjectionState(
        stops=(
            Stop(
                kind=StopKind.PROHIBITION,
                channels=frozenset({Channel.PHONE}),
                purpose=OFFERS,
                by=Actor.COMPANY,
                at=AT,
                position=1,
                merged_from=OTHER,
            ),
        ),
        objections=(
            PurposeObjection(
                purpose=NEWS,
                status=PurposeObjectionStatus.UPHELD,
                at=AT,
                position=1,
                merged_from=OTHER,
            ),
            PurposeObjection(
                purpose=OFFERS,
                status=PurposeObjectionStatus.PENDING,
                at=hours(1),
                position=1,
                merged_from=OTHER,
            ),
        ),
        restrictions=(
            Restriction(
                ground=RestrictionGround.NEEDED_FOR_CLAIMS,
                at=hours(1),
                position=1,
                merged_from=OTHER,
            ),
            Restriction(
                ground=RestrictionGround.UNLAWFUL, at=hours(1), position=1, merged_from=OTHER
            ),
        ),
    )


def test_what_a_merge_brings_stands_beside_the_lines_own() -> None:
    """The line keeps every word of its own; each of the other line's comes after it."""
    own, merged, both = stands(*OWN), stands(*OWN, MERGED), stands(MERGED, *OWN)
    assert merged.stops[:1] == own.stops
    assert merged.objections[:1] == own.objections
    assert merged.restrictions[:1] == own.restrictions
    assert [len(r) for r in (merged.stops, merged.objections, merged.restrictions)] == [2, 3, 3]
    assert len(both.stops) == 2


@pytest.mark.parametrize("before", [(), OWN])
def test_taking_a_merge_back_takes_exactly_what_it_brought(before: tuple[Fact, ...]) -> None:
    """What the line had of its own, and what a third line brought, stays (R-416)."""
    third = attrs.evolve(MERGED, other=THIRD)
    reversed_ = MergeReversed(other=OTHER)
    assert stands(*before, MERGED, reversed_) == stands(*before)
    kept = stands(*before, MERGED, third, reversed_)
    assert [s.merged_from for s in kept.stops if s.merged_from] == [THIRD]
    assert [o.merged_from for o in kept.objections if o.merged_from] == [THIRD, THIRD]
    assert [r.merged_from for r in kept.restrictions if r.merged_from] == [THIRD, THIRD]


def test_a_merge_recorded_again_brings_nothing_twice() -> None:
    """The newest record of a merge stands for the older one; other lines' parts stay."""
    third = attrs.evolve(MERGED, other=THIRD)
    again = stands(*OWN, MERGED, third, MERGED)
    for rows, once in (
        (again.stops, [None, THIRD, OTHER]),
        (again.objections, [None, THIRD, THIRD, OTHER, OTHER]),
        (again.restrictions, [None, THIRD, THIRD, OTHER, OTHER]),
    ):
        assert [row.merged_from for row in rows] == once
