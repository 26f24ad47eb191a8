"""The month for telling a person of data that came from elsewhere (GDPR Art. 14(3)(a), R-562)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from tests.policy.support import added, case, jot, sealed

from gdprkit.errors import NaiveMoment
from gdprkit.facts.data import DataCollected
from gdprkit.facts.entry import Fact
from gdprkit.facts.notice import NoticeGiven
from gdprkit.policy.deadlines import deadline
from gdprkit.policy.informing import NoticeMonth, notice_month
from gdprkit.words.holidays import FINLAND
from gdprkit.words.identifiers import NoticeId, SourceId


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, 10, tzinfo=UTC)


def collected(source: str) -> Fact:
    return DataCollected(values=[sealed("email")], source=SourceId(source))


def told(notice: str = "v7-14") -> Fact:
    return NoticeGiven(notice=NoticeId(notice))


def month_of(*facts: tuple[datetime, Fact]) -> NoticeMonth | None:
    return notice_month(case(*facts, at=day(12, 31)))


@pytest.mark.parametrize("source", ["contact-form", "service-use"])
def test_what_the_person_gave_has_no_month(source: str) -> None:
    """Data from the person, or observed while they use a service, falls under Art. 13."""
    assert month_of((day(1, 30), collected(source))) is None
    assert notice_month(case(*added(source=source))) is None


@pytest.mark.parametrize("source", ["employer", "trade-register", "never-declared"])
def test_what_came_from_elsewhere_has_one(source: str) -> None:
    """The engine is that of requests; a source nobody declared counts as one from elsewhere."""
    found = month_of((day(1, 30), collected(source)))
    assert found is not None
    same = deadline(day(1, 30), zone=case().zone, holidays=FINLAND)
    assert (found.obtained_at, found.deadline.due, found.deadline.effective_end) == (
        day(1, 30),
        date(2026, 3, 2),
        same.effective_end,
    )


def test_the_first_value_counts() -> None:
    """What was obtained later lengthens nothing."""
    found = month_of((day(1, 30), collected("employer")), (day(2, 20), collected("trade-register")))
    assert found is not None
    assert found.obtained_at == day(1, 30)


def test_only_a_notice_that_names_the_source_tells() -> None:
    """A notice under Art. 13 does not, and one under Art. 14 does from when it was given."""
    line = (day(1, 30), collected("employer")), (day(2, 2), told("v7"))
    assert jot().notices[NoticeId("v7")].kind == "direct"
    found = month_of(*line)
    assert found is not None
    assert found.told_at is None
    found = month_of(*line, (day(3, 2), told()))
    assert found is not None
    assert (found.told_at, found.is_overdue(day(12, 31))) == (day(3, 2), False)


def test_late_is_late_for_good() -> None:
    """Before the end nothing is late; after it the missing notice is, and the late one stays so."""
    found = month_of((day(1, 30), collected("employer")))
    assert found is not None
    assert not found.is_overdue(day(3, 2))
    assert found.is_overdue(day(3, 3))
    with pytest.raises(NaiveMoment):
        found.is_overdue(datetime(2026, 3, 3))  # noqa: DTZ001
    found = month_of((day(1, 30), collected("employer")), (day(3, 3), told()))
    assert found is not None
    assert found.is_overdue(day(3, 3))
