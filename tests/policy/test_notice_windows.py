"""Which notices count as given at collection, and the window a later one opens (R-403 T3)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from tests.policy.plans import FORM, later, live
from tests.policy.support import case, ended, jot, moved, sealed, with_notice

from gdprkit.facts.connection import ConnectionStarted
from gdprkit.facts.data import SubjectAdded
from gdprkit.facts.merge import MergedFrom, MergedNotice
from gdprkit.facts.notice import NoticeGiven
from gdprkit.policy.periods import (
    at_collection,
    later_notices,
    review_due,
    tells_marketing,
    window_end,
)
from gdprkit.words.identifiers import NoticeId, SubjectId
from gdprkit.words.vocabulary import SubjectKind

#: Half past midnight on 6 February in Helsinki, still the fifth in UTC.
NIGHT = datetime(2026, 2, 5, 22, 30, tzinfo=UTC)
REMINDER, OLD, INDIRECT = (NoticeGiven(notice=NoticeId(n)) for n in ("v7-reminder", "v6", "v7-14"))
TOO_LITTLE = with_notice("v7", names_interest=False)


@pytest.mark.parametrize("left_out", ["marketing", "interest", "right_to_object"])
def test_a_notice_tells_marketing_in_full_or_not(left_out: str) -> None:
    """Marketing, the interest and, apart, the right to object: all three (T3)."""
    notice = jot().notices[NoticeId("v7")]
    assert tells_marketing(notice)
    less: dict[str, Any] = {f"names_{left_out}": False}
    assert not tells_marketing(attrs.evolve(notice, **less))


def notices(*facts: Any) -> tuple[list[tuple[int, str]], tuple[tuple[int, date], ...]]:
    """Return the notices at collection and the later ones of a person added on 6 February."""
    add = SubjectAdded(kind=SubjectKind.COMPANY_CONTACT, source=FORM)
    found = case((NIGHT, add), *facts, at=later(400))
    early = [(position, str(notice.id)) for position, notice in at_collection(found)]
    return early, later_notices(found)


def test_a_notice_counts_at_collection_on_its_civil_day_or_before() -> None:
    """One given the day after is a later notice; a reminder is one whenever it was given (T3)."""
    same = (datetime(2026, 2, 6, 21, 59, tzinfo=UTC), INDIRECT)
    after = (datetime(2026, 2, 6, 22, 0, tzinfo=UTC), INDIRECT)
    v6 = (later(1), OLD)
    assert notices(v6, same) == ([(2, "v6"), (3, "v7-14")], ())
    assert notices(v6, after) == ([(2, "v6")], ((3, date(2026, 2, 7)),))
    assert notices((later(2), REMINDER), v6) == ([(3, "v6")], ((2, date(2026, 1, 7)),))
    assert notices(after) == ([], ((2, date(2026, 2, 7)),))


def test_a_later_notice_that_tells_too_little_counts_for_nothing() -> None:
    """The old policy names no interest; an undeclared notice is no notice at all."""
    late = later(60)
    unknown = NoticeGiven(notice=NoticeId("v1"))
    assert notices((late, OLD), (late, unknown)) == ([], ())


def test_without_a_moment_of_collection_every_notice_is_a_later_one() -> None:
    """Nobody knows when the data was collected, so nothing counts as told then."""
    found = case(NoticeGiven(notice=NoticeId("v7")))
    assert at_collection(found) == ()
    assert later_notices(found) == ((1, date(2026, 1, 5)),)


def test_of_merged_lines_the_oldest_notice_counts_and_no_later_day() -> None:
    """The oldest that is proved, where it is older than the collection; else the collection."""
    other = SubjectId(sealed("other").slot)

    def early(day: datetime) -> list[str]:
        told = MergedNotice(notice=NoticeId("v6"), at=day)
        found = case(*live("email"), MergedFrom(other=other, notices=(told,)), at=later(60))
        return [str(notice.id) for _, notice in at_collection(found)]

    assert early(later(-5)) == ["v6"]
    assert early(later(0)) == ["v7", "v6"]
    assert early(later(5)) == ["v7"]


def test_where_every_notice_of_merged_lines_came_late_none_counts() -> None:
    """The oldest is proved, and the data was collected before it: told at collection is nobody."""
    other = SubjectId(sealed("other").slot)
    told = MergedNotice(notice=NoticeId("v7"), at=later(9))
    add = SubjectAdded(kind=SubjectKind.COMPANY_CONTACT, source=FORM)
    merged = MergedFrom(other=other, notices=(told,))
    for late in ([(later(7), INDIRECT)], []):
        assert at_collection(case(add, *late, (later(10), merged), at=later(60))) == ()


def window(*facts: Any, register: Any = None) -> date | None:
    return window_end(case(*live("email"), *facts, register=register, at=later(100)))


def test_a_reminder_or_a_notice_to_who_was_told_too_little_opens_the_window() -> None:
    """Thirty days from its civil day; who was told everything waits for a reminder only."""
    full = (later(10), INDIRECT)
    reminder = (later(20), REMINDER)
    assert window() is None
    assert window(full) is None
    assert window(full, reminder) == date(2026, 2, 24)
    assert window(full, register=TOO_LITTLE) == date(2026, 2, 14)
    assert window(full, reminder, register=TOO_LITTLE) == date(2026, 2, 14)
    assert window((later(10), OLD), register=TOO_LITTLE) is None


def test_the_first_reminder_after_the_end_sets_the_window() -> None:
    """On the day of the end or later; one before it, or none, leaves the first notice to rule."""
    reminder = (later(20), REMINDER)  # 25 January
    again = (later(40), NoticeGiven(notice=NoticeId("v7-again")))
    first = jot().notices[NoticeId("v7-reminder")]
    second = attrs.evolve(first, id=NoticeId("v7-again"))
    register = attrs.evolve(jot(), notices={**jot().notices, second.id: second})
    for end, day in (
        (date(2026, 1, 24), date(2026, 2, 24)),
        (date(2026, 1, 25), date(2026, 2, 24)),
        (date(2026, 1, 26), date(2026, 3, 16)),
        (date(2026, 2, 15), date(2026, 2, 24)),
    ):
        assert window(reminder, again, ended(end), register=register) == day


def test_a_review_is_due_after_thirty_days_or_a_week_after_the_window() -> None:
    """The later of the two; where nothing is under review, none is due (R-402, 0.3)."""

    def due(*facts: Any) -> date | None:
        return review_due(case(*live("email"), *facts, at=later(100)))

    assert due() is None
    assert due(ended(date(2026, 3, 1))) == date(2026, 3, 31)
    assert due(ended(date(2026, 3, 1)), moved()) is None
    assert due(ended(date(2026, 3, 1)), (later(10), REMINDER)) == date(2026, 3, 31)
    assert due(ended(date(2026, 3, 1)), (later(80), REMINDER)) == date(2026, 5, 2)
    assert due(ended(date(2026, 3, 1)), ConnectionStarted(reference="contract-2")) is None
    assert due(MergedFrom(other=SubjectId(sealed("other").slot))) is None
