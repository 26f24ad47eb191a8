"""When a consent ends: its months, the stops that reach it, the proof kept of it (R-210 to 215)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.policy.support import (
    NEWSLETTER,
    START,
    added,
    case,
    consented,
    with_notice,
    with_purpose,
)

from gdprkit.facts.consent import (
    ConsentRefused,
    ConsentWithdrawn,
)
from gdprkit.facts.objection import MarketingObjection, MarketingProhibition
from gdprkit.facts.request import RequestAcknowledged, RequestReceived
from gdprkit.policy.case import Case
from gdprkit.policy.consent import (
    consent_expires,
    newest_stop,
    proof_kept_through,
)
from gdprkit.policy.law import FI_2026
from gdprkit.words.identifiers import CaseId, NoticeId, PurposeId
from gdprkit.words.vocabulary import Actor, Channel, IntakeChannel, Right

VIA = IntakeChannel.EMAIL
MAIL, SMS, POST = Channel.EMAIL, Channel.SMS, Channel.POST
ANALYTICS = PurposeId("website-analytics")
SINGLE = with_purpose(NEWSLETTER, double_opt_in=False)
#: Half past midnight on 6 January in Helsinki, while UTC still has the fifth.
AFTER_MIDNIGHT = datetime(2026, 1, 5, 22, 30, tzinfo=UTC)
TWO_YEARS = datetime(2028, 1, 5, 22, tzinfo=UTC)


def of(*facts: Any, **more: Any) -> Case:
    more.setdefault("register", SINGLE)
    return case(*added("consumer"), *facts, **more)


def given(*channels: Channel, **parts: Any) -> Any:
    return consented(NEWSLETTER, channels or (MAIL,), **parts)


def later(days: float) -> datetime:
    return START + timedelta(days=days)


# --- expiry --------------------------------------------------------------------------------------


def act(at: datetime) -> tuple[datetime, RequestReceived]:
    """Return an act of the person's own at a moment."""
    number = int(at.timestamp())
    return at, RequestReceived(case=CaseId(UUID(int=number)), right=Right.ACCESS, channel=VIA)


def expiry(
    *facts: Any, purpose: PurposeId = NEWSLETTER, channel: Channel | None = MAIL
) -> datetime:
    found = of(*facts, at=later(3000))
    word = found.standing.consent.word(purpose, channel)
    assert word is not None
    return consent_expires(found, word)


def test_a_consent_lasts_from_its_day_in_helsinki() -> None:
    """Given half past midnight in Helsinki it counts from that day."""
    assert expiry((AFTER_MIDNIGHT, given())) == datetime(2028, 1, 6, 22, tzinfo=UTC)


def test_each_act_in_time_prolongs_a_consent() -> None:
    """Every act before the end counts on from its own day; one after it brings nothing (R-213)."""
    said = (START, given())
    end = datetime(2028, 1, 5, 22, tzinfo=UTC)
    in_time, prolonged = end - timedelta(microseconds=1), datetime(2030, 1, 5, 22, tzinfo=UTC)
    assert expiry(said, act(in_time)) == prolonged
    assert expiry(said, act(end)) == end
    assert expiry(said, act(in_time), act(end + timedelta(days=1))) == datetime(
        2030, 1, 7, 22, tzinfo=UTC
    )
    before = act(START - timedelta(days=60))
    assert expiry(before, said) == end
    ours = RequestAcknowledged(case=act(in_time)[1].case)
    assert expiry(said, act(later(1)), (in_time, ours)) == datetime(2028, 1, 6, 22, tzinfo=UTC)


def test_no_act_prolongs_a_choice_about_a_device() -> None:
    """A visitor is asked again after the time set, however often they come (R-232)."""
    said = (START, consented(ANALYTICS, ()))
    end = datetime(2026, 7, 5, 21, tzinfo=UTC)
    assert expiry(said, act(later(30)), purpose=ANALYTICS, channel=None) == end


# --- stops ---------------------------------------------------------------------------------------


def stop_of(*facts: Any, channel: Channel | None, **more: Any) -> int | None:
    found = newest_stop(of(*facts, **more), channel, NEWSLETTER)
    return None if found is None else found.position


def test_the_newest_stop_is_found() -> None:
    """By moment, and by entry where two share one; the scope has to fit."""
    first, second = MarketingObjection(via=VIA), MarketingProhibition(via=VIA)
    assert stop_of(channel=MAIL) is None
    assert stop_of(first, second, channel=MAIL) == 5
    assert stop_of((later(2), first), (later(1), second), channel=MAIL, at=later(3)) == 4
    together = later(1)
    assert stop_of((together, first), (together, second), channel=MAIL, at=later(2)) == 5


def test_a_stop_on_a_channel_leaves_what_uses_none() -> None:
    """A purpose asked about as a whole is stopped by a no to the whole."""
    mail = MarketingObjection(via=VIA, channels=[MAIL])
    assert stop_of(mail, channel=MAIL) == 4
    assert stop_of(mail, channel=POST) is None
    assert stop_of(mail, channel=None) is None
    assert stop_of(MarketingObjection(via=VIA), channel=None) == 4


@pytest.mark.parametrize(
    ("kind", "reached"), [("company-contact", False), ("generic-address", True)]
)
def test_a_company_speaks_for_its_address_and_not_over_its_contact(
    kind: str, reached: bool
) -> None:
    """What a company prohibits is asked about apart; it ends no consent of the person (R-316.3)."""
    stop = MarketingProhibition(via=VIA, by=Actor.COMPANY)
    found = case(*added(kind), stop, register=SINGLE)
    assert (newest_stop(found, MAIL, NEWSLETTER) is not None) is reached
    own = attrs.evolve(stop, by=Actor.SUBJECT)
    assert newest_stop(case(*added(kind), own, register=SINGLE), MAIL, NEWSLETTER) is not None


def test_a_purpose_no_longer_declared_counts_as_marketing() -> None:
    """What nobody can look up is stopped like marketing: unknown never allows."""
    objection = MarketingObjection(via=VIA)
    gone = PurposeId("no-longer-declared")
    assert newest_stop(of(objection), MAIL, gone) is not None
    care = PurposeId("customer-care")
    assert newest_stop(of(objection), MAIL, care) is None
    for no in (ConsentWithdrawn(via=VIA), ConsentRefused(purpose=care, via=VIA)):
        assert newest_stop(of(no), MAIL, care) is not None


# --- proof ---------------------------------------------------------------------------------------


def kept(*facts: Any, channel: Channel = MAIL, **more: Any) -> date | None:
    found = of(*facts, **more)
    word = found.standing.consent.word(NEWSLETTER, channel)
    assert word is not None
    return proof_kept_through(found, word)


def test_proof_counts_from_the_end_that_came_first() -> None:
    """Three years after it, by the day in Helsinki (R-215)."""
    no = (later(30), MarketingObjection(via=VIA))
    again = (later(60), ConsentWithdrawn(purpose=NEWSLETTER, via=VIA))
    assert kept(given(), at=later(1)) is None
    assert kept(given(), no, again, at=later(90)) == date(2029, 3, 6)
    midnight = (later(30).replace(hour=22, minute=30), MarketingObjection(via=VIA))
    assert kept(given(), midnight, at=later(90)) == date(2029, 2, 5)
    by_post = (later(30), MarketingObjection(via=VIA, channels=[POST]))
    assert kept(given(), by_post, at=later(90)) is None
    by_mail = (later(30), MarketingObjection(via=VIA, channels=[MAIL]))
    assert kept(given(), by_mail, at=later(90)) == date(2029, 2, 4)
    this = (later(30), MarketingObjection(via=VIA, purpose=NEWSLETTER))
    assert kept(given(), this, at=later(90)) == date(2029, 2, 4)
    at_once = [(later(30), fact) for fact in (MarketingObjection(via=VIA), given())]
    assert kept(*at_once, at=later(90)) == date(2029, 2, 4)
    other = (later(30), MarketingObjection(via=VIA, purpose=PurposeId("direct-marketing")))
    flawed = given(bundled=True)
    assert kept(flawed, other, at=later(90)) == date(2029, 1, 5)


def test_proof_of_a_flawed_and_renewed_consent_counts_from_its_giving() -> None:
    """It carried no use at all, so no later notice lengthens it."""
    renewed = with_notice(
        "v7-reminder", register=SINGLE, published=date(2026, 2, 1), renews=frozenset({NEWSLETTER})
    )
    assert kept(given(bundled=True), register=renewed, at=later(60)) == date(2029, 1, 5)
    assert kept(given(), register=renewed, at=later(60)) == date(2029, 2, 1)
    no = (later(50), ConsentWithdrawn(purpose=NEWSLETTER, via=VIA))
    assert kept(given(), no, register=renewed, at=later(60)) == date(2029, 2, 1)
    before = attrs.evolve(renewed.notices[NoticeId("v7-reminder")], published=date(2026, 1, 2))
    old = attrs.evolve(renewed, notices={**renewed.notices, before.id: before})
    on_the_old_text = (AFTER_MIDNIGHT, given())
    assert kept(on_the_old_text, register=old, at=later(60)) == date(2029, 1, 6)


def test_proof_is_kept_as_long_as_set() -> None:
    """The months are a setting."""
    found = of(given(bundled=True))
    word = found.standing.consent.word(NEWSLETTER, MAIL)
    assert word is not None
    longer = attrs.evolve(found, law=attrs.evolve(FI_2026, consent_proof_months=48))
    assert proof_kept_through(longer, word) == date(2030, 1, 5)
