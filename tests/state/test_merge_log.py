"""The merge log of a line, and what a merge brings to the connection (R-416)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from tests.policy.support import START, customer, ended, life, moved

from gdprkit.facts.data import CircumstanceNoted
from gdprkit.facts.entry import Fact
from gdprkit.facts.merge import MergedFrom, MergedInto, MergeReversed
from gdprkit.state.connection import ConnectionState, Death, MergedExpiry
from gdprkit.state.merge import Merge, MergeState, Reversed
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import Circumstance

ONE, TWO, THREE = (
    SubjectId(UUID(f"00000000-0000-4000-8000-00000000000{number}")) for number in (1, 2, 3)
)


def moment(position: int) -> datetime:
    """Return when the entry at a position of a test's line happened."""
    return START + timedelta(minutes=position)


def log(*facts: Fact) -> MergeState:
    return life(*facts).merge


def merge(other: SubjectId, position: int) -> Merge:
    return Merge(other=other, at=moment(position), position=position)


# --- the log -------------------------------------------------------------------------------------


def test_each_merged_line_stands_in_the_log_with_its_entry() -> None:
    """Two lines that were merged into this one stand there in the order of their merges."""
    assert log(MergedFrom(other=ONE)) == MergeState(merged=(merge(ONE, 1),))
    both = log(MergedFrom(other=ONE), MergedFrom(other=TWO))
    assert both == MergeState(merged=(merge(ONE, 1), merge(TWO, 2)))


def test_a_line_merged_again_stands_once_with_its_newest_entry() -> None:
    """What the other line says now takes the place of what it said at the first merge."""
    again = log(MergedFrom(other=ONE), MergedFrom(other=TWO), MergedFrom(other=ONE))
    assert again == MergeState(merged=(merge(TWO, 2), merge(ONE, 3)))


def test_a_line_is_merged_away_once() -> None:
    """The first survivor stays; every further merge away is listed as an anomaly."""
    assert log(MergedInto(survivor=ONE)) == MergeState(into=merge(ONE, 1))
    more = log(MergedInto(survivor=ONE), MergedInto(survivor=TWO), MergedInto(survivor=THREE))
    assert more == MergeState(into=merge(ONE, 1), anomalies=(2, 3))


def test_a_merge_is_found_whichever_way_it_went() -> None:
    """``of`` answers for the line that goes on and for each line that was merged away."""
    found = log(MergedFrom(other=ONE), MergedFrom(other=TWO), MergedInto(survivor=THREE))
    assert found.of(ONE) == merge(ONE, 1)
    assert found.of(TWO) == merge(TWO, 2)
    assert found.of(THREE) == merge(THREE, 3)
    assert log(MergedInto(survivor=ONE)).of(TWO) is None
    assert log().of(ONE) is None


def test_a_merge_taken_back_leaves_the_log_and_stands_as_reversed() -> None:
    """When it was made and when it was taken back is kept; another merge stays in force."""
    found = log(
        MergedFrom(other=ONE),
        MergedFrom(other=TWO),
        MergedInto(survivor=THREE),
        MergeReversed(other=ONE, assessment="breach-1"),
    )
    assert found == MergeState(
        merged=(merge(TWO, 2),),
        into=merge(THREE, 3),
        reversed=(
            Reversed(
                other=ONE,
                merged_at=moment(1),
                at=moment(4),
                position=4,
                assessment="breach-1",
            ),
        ),
    )


def test_a_merge_away_taken_back_opens_the_line_again() -> None:
    """The line that was closed goes on; the lines merged into it stay with it."""
    found = log(MergedFrom(other=ONE), MergedInto(survivor=TWO), MergeReversed(other=TWO))
    assert found == MergeState(
        merged=(merge(ONE, 1),),
        reversed=(Reversed(other=TWO, merged_at=moment(2), at=moment(3), position=3),),
    )


def test_an_assessment_recorded_later_joins_the_reversal() -> None:
    """Recorded again with an assessment, the reversal keeps its own moments (GDPR Art. 33)."""
    first = [MergedFrom(other=ONE), MergedFrom(other=TWO)]
    back = [MergeReversed(other=TWO), MergeReversed(other=ONE)]
    found = log(*first, *back, MergeReversed(other=ONE, assessment="breach-1"))
    two = Reversed(other=TWO, merged_at=moment(2), at=moment(3), position=3)
    one = Reversed(other=ONE, merged_at=moment(1), at=moment(4), position=5, assessment="breach-1")
    assert found == MergeState(reversed=(two, one))


@pytest.mark.parametrize(
    ("again", "kept"),
    [(None, "breach-1"), ("breach-2", "breach-2")],
)
def test_no_assessment_takes_the_place_of_none(again: str | None, kept: str) -> None:
    """A newer assessment replaces the older; recorded again without one, the older stays."""
    back = [MergeReversed(other=ONE, assessment=a) for a in ("breach-1", again)]
    found = log(MergedFrom(other=ONE), *back)
    assert found.reversed == (
        Reversed(other=ONE, merged_at=moment(1), at=moment(2), position=3, assessment=kept),
    )


def test_merged_once_more_and_taken_back_again_is_a_new_reversal() -> None:
    """The second reversal has its own moments; the first one's assessment is not its own."""
    found = log(
        MergedFrom(other=ONE),
        MergeReversed(other=ONE, assessment="breach-1"),
        MergedFrom(other=ONE),
        MergeReversed(other=ONE),
    )
    assert found == MergeState(
        reversed=(Reversed(other=ONE, merged_at=moment(3), at=moment(4), position=4),)
    )


def test_taking_back_what_never_was_merged_is_listed() -> None:
    """Each such entry is an anomaly and changes nothing else."""
    found = log(MergedFrom(other=ONE), MergeReversed(other=TWO), MergeReversed(other=THREE))
    assert found == MergeState(merged=(merge(ONE, 1),), anomalies=(2, 3))


# --- what it brings to the connection -------------------------------------------------------------

DEAD = frozenset({Circumstance.DECEASED})


def connection(*facts: Fact) -> ConnectionState:
    return life(*facts).connection


def test_a_death_known_on_the_other_line_is_known_here() -> None:
    """It names the line it came from, and goes with the merge; other circumstances are no death."""
    dead = MergedFrom(other=ONE, circumstances=DEAD)
    assert connection(dead).deaths == (Death(position=1, merged_from=ONE),)
    assert connection(dead, MergeReversed(other=ONE)).deaths == ()
    minor = MergedFrom(other=ONE, circumstances=frozenset({Circumstance.MINOR}))
    assert connection(minor).deaths == ()


def test_each_death_stands_with_the_line_that_knows_it() -> None:
    """Taking one merge back leaves what this line and the other lines know themselves."""
    facts: list[Fact] = [
        CircumstanceNoted(circumstance=Circumstance.DECEASED),
        MergedFrom(other=ONE, circumstances=DEAD),
        MergedFrom(other=TWO, circumstances=DEAD),
    ]
    own, one, two = (
        Death(position=1),
        Death(position=2, merged_from=ONE),
        Death(position=3, merged_from=TWO),
    )
    assert connection(*facts).deaths == (own, one, two)
    assert connection(*facts, MergeReversed(other=ONE)).deaths == (own, two)
    again = connection(*facts, MergedFrom(other=ONE, circumstances=DEAD))
    assert again.deaths == (own, two, Death(position=4, merged_from=ONE))


def test_a_death_that_turns_out_not_to_hold_is_gone() -> None:
    """Noted as not holding, the person lives; another circumstance says nothing about it."""
    died = CircumstanceNoted(circumstance=Circumstance.DECEASED)
    lives = CircumstanceNoted(circumstance=Circumstance.DECEASED, holds=False)
    assert connection(died).deaths == (Death(position=1),)
    assert connection(died, lives).deaths == ()
    other = CircumstanceNoted(circumstance=Circumstance.MINOR, holds=False)
    assert connection(died, other).deaths == (Death(position=1),)


def expires(other: SubjectId, year: int) -> MergedFrom:
    return MergedFrom(other=other, expires_on=date(year, 3, 1))


def test_the_last_days_of_all_merged_entries_stand_beside_the_lines_own() -> None:
    """The earliest rules; with its merge taken back, the next one; at last the line's own."""
    own = [*customer(), ended(), moved(date(2028, 1, 1))]
    facts = [*own, expires(ONE, 2026), expires(TWO, 2027)]
    both = connection(*facts)
    assert both.merged_expiries == (
        MergedExpiry(other=ONE, on=date(2026, 3, 1)),
        MergedExpiry(other=TWO, on=date(2027, 3, 1)),
    )
    assert (both.marketing_set, both.marketing_expires) == (date(2028, 1, 1), date(2026, 3, 1))
    less = connection(*facts, MergeReversed(other=ONE))
    assert less.merged_expiries == both.merged_expiries[1:]
    assert less.marketing_expires == date(2027, 3, 1)
    assert connection(*facts, MergeReversed(other=ONE), MergeReversed(other=TWO)) == (
        connection(*own)
    )


def test_merged_again_only_the_newest_last_day_counts() -> None:
    """The same line stands once; without an entry of its own any more it shortens nothing."""
    own = [*customer(), ended(), moved(date(2028, 1, 1))]
    again = connection(*own, expires(ONE, 2026), expires(ONE, 2027))
    assert again.merged_expiries == (MergedExpiry(other=ONE, on=date(2027, 3, 1)),)
    assert again.marketing_expires == date(2027, 3, 1)
    without = connection(*own, expires(ONE, 2026), MergedFrom(other=ONE))
    assert without.merged_expiries == ()
    assert without.marketing_expires == date(2028, 1, 1)


def test_a_merged_last_day_sets_no_entry_where_there_is_none() -> None:
    """It waits for a later move, which it then shortens; alone it is no entry."""
    before = connection(*customer(), ended(), expires(ONE, 2026))
    assert before.marketing_expires is None
    after = connection(*customer(), ended(), expires(ONE, 2026), moved(date(2028, 1, 1)))
    assert after.marketing_expires == date(2026, 3, 1)
