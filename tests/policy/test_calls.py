"""Calls: their hours, the product that may not be offered in them, the written confirmation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.support import CLEAR, MARKETING, START, case, consented, jot, with_purpose

from gdprkit.facts.connection import ConnectionStarted
from gdprkit.facts.data import CircumstanceNoted, SubjectAdded
from gdprkit.facts.entry import Fact
from gdprkit.policy.case import Case
from gdprkit.policy.conditions import next_call_hours
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.marketing import MayContact, is_marketing, may_contact, usable_channels
from gdprkit.policy.marketing_steps import MOBILE_SUBSCRIPTION
from gdprkit.words.holidays import FINLAND
from gdprkit.words.identifiers import SourceId
from gdprkit.words.vocabulary import Channel, Circumstance, MessagePart, SubjectKind

HELSINKI = ZoneInfo("Europe/Helsinki")
CONSUMER: list[Fact] = [
    SubjectAdded(kind=SubjectKind.CONSUMER, source=SourceId("contact-form")),
    CircumstanceNoted(circumstance=Circumstance.ADULT),
    ConnectionStarted(reference="contract-1"),
]


def call(at: datetime, *, asked_for: bool = False, **declared: Any) -> Decision:
    """Ask for a call to a consumer who consented to calls."""
    register = with_purpose(
        MARKETING, channels=list(Channel), written_confirmation=True, **declared
    )
    return may_contact(
        case(*CONSUMER, consented(channels=[Channel.PHONE]), at=at, register=register),
        MayContact(channel=Channel.PHONE, purpose=MARKETING, asked_for=asked_for),
    )


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=HELSINKI)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        (local(2026, 3, 2, 8, 59), False),
        (local(2026, 3, 2, 9, 0), True),  # a Monday
        (local(2026, 3, 2, 19, 59), True),
        (local(2026, 3, 2, 20, 0), False),  # the closing minute is outside
        (local(2026, 3, 7, 9, 59), False),
        (local(2026, 3, 7, 10, 0), True),  # a Saturday
        (local(2026, 3, 7, 16, 0), False),
        (local(2026, 3, 8, 12, 0), False),  # a Sunday
        (local(2026, 4, 3, 12, 0), False),  # Good Friday
        (local(2026, 5, 1, 12, 0), False),
        (local(2026, 12, 24, 12, 0), True),  # an eve is a working day
        (local(2026, 3, 30, 9, 0), True),  # the first Monday of summer time
    ],
)
def test_calls_have_hours(at: datetime, allowed: bool) -> None:
    """Mon-Fri 9-20 and Sat 10-16 of the controller's clock, on no Sunday and no holiday."""
    decision = call(at)
    assert bool(decision) is allowed, decision.codes
    assert {"in-call-hours", "outside-call-hours"} & decision.codes == {
        "in-call-hours" if allowed else "outside-call-hours"
    }


_DAYS = st.integers(0, 1450).map(lambda days: START + timedelta(days=days))


@given(_DAYS, st.integers(0, 24 * 60 - 1).map(lambda minutes: timedelta(minutes=minutes)))
def test_call_hours_agree_with_a_clock_on_the_wall(day: datetime, of_day: timedelta) -> None:
    """The hours found contain the moment exactly when a plain look at the wall clock says so."""
    at = day + of_day
    begins, ends = next_call_hours(case(*CONSUMER, at=at))
    wall = at.astimezone(HELSINKI)
    day_off = wall.weekday() == 6 or FINLAND.is_holiday(wall.date())
    first, last = (10, 16) if wall.weekday() == 5 else (9, 20)
    assert (begins <= at) is (not day_off and first <= wall.hour < last)
    assert at < ends
    assert begins < ends <= begins + timedelta(hours=11)


def test_an_answer_about_a_call_ends_with_the_hours() -> None:
    """An allowed call is allowed until the hours end; a refused one until they begin."""
    assert call(local(2026, 3, 2, 12, 0)).valid_until == local(2026, 3, 2, 20, 0)
    assert call(local(2026, 3, 7, 17, 0)).valid_until == local(2026, 3, 9, 9, 0)


def test_telephone_subscriptions_are_not_sold_in_calls() -> None:
    """The ban concerns calls, by a human or a machine; a person who asks for the call lifts it."""
    noon, groups = local(2026, 3, 2, 12, 0), [MOBILE_SUBSCRIPTION]
    decision = call(noon, product_groups=groups)
    assert decision.outcome is Outcome.FORBIDDEN
    assert "product-banned-in-calls" in decision.codes
    assert call(noon, product_groups=groups, asked_for=True)
    register = with_purpose(MARKETING, channels=list(Channel), product_groups=groups)
    messages = case(*CONSUMER, consented(channels=[Channel.SMS]), register=register)
    plain = MayContact(channel=Channel.SMS, purpose=MARKETING)
    assert may_contact(messages, plain)
    robot = attrs.evolve(plain, automated=True)
    assert "product-banned-in-calls" in may_contact(messages, robot).codes


def test_the_hour_of_the_review_says_nothing_about_a_channel() -> None:
    """When a move is weighed, a telephone is no less usable at night (T9)."""
    register = with_purpose(MARKETING, channels=["phone"], written_confirmation=True)
    facts = [*CONSUMER, consented(channels=[Channel.PHONE])]
    for hour in (12, 23):
        asked = case(*facts, at=local(2026, 3, 2, hour, 0), register=register)
        usable = usable_channels(asked, register.purposes[MARKETING], as_member=True)
        assert usable == {Channel.PHONE}


@pytest.mark.parametrize(
    ("parts", "marketing"),
    [
        ([MessagePart.DELIVERY], False),
        ([MessagePart.CONFIRMATION], False),  # of a choice the person made
        ([MessagePart.CONFIRMATION, MessagePart.PROMOTION], True),
        ([MessagePart.FAULT, MessagePart.INVOICE], False),
        ([MessagePart.DELIVERY, MessagePart.PROMOTION], True),  # mixed is marketing
        ([MessagePart.NEWSLETTER], True),
        ([MessagePart.WIN_BACK], True),
        ([MessagePart.CONSENT_REQUEST], True),
        ([MessagePart.PROMOTIONAL_SURVEY], True),
        ([], True),  # nothing known
    ],
)
def test_what_counts_as_marketing(parts: list[MessagePart], marketing: bool) -> None:
    """Service messages alone are none; one part that promotes makes the whole marketing (R-301)."""
    assert is_marketing(parts) is marketing


def test_call_hours_are_settings() -> None:
    """A controller may call in shorter hours."""
    asked = case(*CONSUMER, at=local(2026, 3, 2, 9, 30))
    later: Case = attrs.evolve(asked, law=attrs.evolve(asked.law, call_weekday_from=10))
    assert next_call_hours(asked)[0] == local(2026, 3, 2, 9, 0)
    assert next_call_hours(later)[0] == local(2026, 3, 2, 10, 0)


def test_the_register_used_here_declares_calls() -> None:
    """The example declares that contracts sold by telephone are confirmed in writing."""
    assert jot().purposes[MARKETING].written_confirmation
    assert CLEAR.looked >= {Channel.PHONE}
    assert START.tzinfo is UTC
