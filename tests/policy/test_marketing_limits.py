"""Products, prospects, membership, lists and cells: when each answer changes, on which entry."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import attrs
import pytest
from tests.policy.asking import ask, forbidden
from tests.policy.support import (
    CLEAR,
    MARKETING,
    NEWSLETTER,
    START,
    added,
    case,
    consented,
    customer,
    ended,
    jot,
    moved,
    related,
    with_purpose,
)

from gdprkit.errors import InvalidValue, UnknownPurpose
from gdprkit.facts.connection import ActivityNoted, ConnectionStarted, OldEntryFound
from gdprkit.facts.data import CircumstanceNoted
from gdprkit.facts.marketing import AddressObtainedAtSale, ListChecked
from gdprkit.facts.objection import MarketingObjection
from gdprkit.policy.case import Suppressed
from gdprkit.policy.decisions import Outcome
from gdprkit.policy.marketing import is_marketing, usable_channels
from gdprkit.policy.matrix import Column, Row, cell_id
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.moments import end_of_day
from gdprkit.words.vocabulary import (
    Activity,
    Channel,
    CheckedList,
    Circumstance,
    IntakeChannel,
    LegalBasis,
    MessagePart,
)

VIA = IntakeChannel.EMAIL
NEXT = len(customer()) + 1


# --- products, prospects, the marketing register -------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "more", "code"),
    [
        (Channel.PHONE, {}, "product-banned-in-calls"),
        (Channel.PHONE, {"asked_for": True}, "call-asked-for"),
        (Channel.SMS, {"automated": True}, "product-banned-in-calls"),
        (Channel.SMS, {"automated": True, "asked_for": True}, "call-asked-for"),
        (Channel.SMS, {}, None),
        (Channel.EMAIL, {}, None),
    ],
)
def test_telephone_subscriptions_are_banned_in_calls_only(
    channel: Channel, more: dict[str, Any], code: str | None
) -> None:
    """By a human or a machine; who asked for the call may be offered them (R-305)."""
    register = with_purpose(
        MARKETING,
        product_groups=["mobile-subscription"],
        channels=["email", "sms", "phone"],
        written_confirmation=True,
    )
    found = ask(*customer(), channel=channel, register=register, **more)
    both = {"product-banned-in-calls", "call-asked-for"}
    assert found.codes & both == ({code} if code else set())
    other = ask(*customer(), channel=Channel.PHONE)
    assert not other.codes & both, "other products may be offered in calls"


def test_a_prospect_is_contacted_for_twelve_months() -> None:
    """To the end of the day twelve months after the last act, or after they were added (R-116)."""
    line = [*added(), related()]
    zone = jot().zone
    over = end_of_day(date(2027, 1, 5), zone)
    fresh = ask(*line)
    (reason,) = [r for r in fresh.reasons if r.code == "prospect-fresh"]
    assert (reason.until, reason.evidence) == (over, ())
    assert "prospect-fresh" in ask(*line, at=over - timedelta(microseconds=1)).codes
    assert forbidden(ask(*line, at=over)) == {"prospect-period-over": ()}
    act = (datetime.fromisoformat("2026-03-01T10:00Z"), ActivityNoted(activity=Activity.REPLY))
    later = end_of_day(date(2027, 3, 1), zone)
    answered = ask(*line, act, at=over)
    assert [r.until for r in answered.reasons if r.code == "prospect-fresh"] == [later]
    assert "prospect-period-over" in ask(*line, act, at=later).codes
    night = (datetime.fromisoformat("2026-03-01T22:30Z"), ActivityNoted(activity=Activity.REPLY))
    next_day = end_of_day(date(2027, 3, 2), zone)  # it was the second of March in Helsinki
    assert [r.until for r in ask(*line, night).reasons if r.code == "prospect-fresh"] == [next_day]


def test_a_consent_or_a_relation_is_no_prospects_matter() -> None:
    """Who consented, and who is a customer, is not counted as a prospect (R-116)."""
    both = {"prospect-fresh", "prospect-period-over"}
    at = START + timedelta(days=400)
    agreed = ask(*added(), related(), consented(), at=at)
    assert not agreed.codes & both
    assert agreed
    assert not ask(*customer(), at=at).codes & both


def test_membership_lasts_to_the_end_of_its_day() -> None:
    """A former customer stands in the marketing register until its last day is over (R-406)."""
    line = [*customer(), ended(), moved(date(2028, 1, 1))]
    end = end_of_day(date(2028, 1, 1), jot().zone)
    asked_at = datetime.fromisoformat("2026-01-05T10:30Z")
    (reason,) = [r for r in ask(*line, at=asked_at).reasons if r.code == "in-marketing-register"]
    assert (reason.until, reason.evidence) == (end, (NEXT + 1,))
    last = ask(*line, at=end - timedelta(microseconds=1))
    assert "in-marketing-register" in last.codes
    assert forbidden(ask(*line, at=end)) == {"register-entry-expired": (NEXT + 1,)}
    member = ask(*line, at=end, as_member=True)
    assert not member.codes & {"register-entry-expired", "in-marketing-register"}


def test_an_entry_nobody_can_show_a_relation_for_is_used_for_nothing() -> None:
    """An old entry of unknown origin is unproven, and names where it was found (R-420)."""
    found = ask(*added(), OldEntryFound(reference="old-list-7"))
    assert forbidden(found) == {"unproven-entry": (len(added()) + 1,)}


# --- lists and the cell --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "suppressed"), [(-1, False), (0, True), (1, True)], ids=["before", "same", "after"]
)
def test_the_suppression_list_gives_way_to_a_later_consent_only(
    hours: int, suppressed: bool
) -> None:
    """A hit since before the consent is outranked; since the same moment or later it wins."""
    given = (START + timedelta(minutes=30), consented())
    since = START + timedelta(minutes=30, hours=hours)
    hit = Suppressed(looked=frozenset({Channel.EMAIL}), hits={Channel.EMAIL: since})
    found = ask(*customer(), given, suppressed=hit)
    assert (forbidden(found) == {"suppressed": ()}) is suppressed
    assert bool(found) is not suppressed
    assert forbidden(ask(*customer(), suppressed=hit)) == {"suppressed": ()}
    elsewhere = Suppressed(looked=frozenset(Channel), hits={Channel.POST: since})
    assert ask(*customer(), suppressed=elsewhere)


def test_a_hit_on_a_list_is_named_with_its_check() -> None:
    """Robinson and population register: the newest check is the evidence (R-315)."""
    adult = CircumstanceNoted(circumstance=Circumstance.ADULT)
    consumer = [*added("consumer"), adult, ConnectionStarted(reference="c-1")]
    robinson = ListChecked(checked=CheckedList.ROBINSON_POST, hit=True)
    found = ask(*consumer, robinson, channel=Channel.POST)
    assert forbidden(found) == {"robinson-hit": (len(consumer) + 1,)}
    listed = [*added("consumer", "population-register"), adult]
    ban = ListChecked(checked=CheckedList.POPULATION_REGISTER, hit=True)
    both = ask(*listed, ban, robinson, channel=Channel.POST)
    assert forbidden(both) == {
        "population-register-ban": (len(listed) + 1,),
        "robinson-hit": (len(listed) + 2,),
    }
    clean = ask(*consumer, attrs.evolve(robinson, hit=False), channel=Channel.POST)
    assert not forbidden(clean)


def test_the_cell_rests_on_the_consent_and_ends_with_it() -> None:
    """With a consent the answer names its entry and its expiry; without one it names neither."""
    found = ask(*customer(), consented())
    (cell,) = [r for r in found.reasons if r.code == "cell-allows"]
    assert cell.evidence == (NEXT,)
    assert cell.until == end_of_day(date(2028, 1, 5), jot().zone)
    (bare,) = [r for r in ask(*customer()).reasons if r.code == "cell-allows"]
    assert (bare.evidence, bare.until) == ((), None)
    assert (found.question, found.cell) == (
        "may_contact",
        cell_id(Channel.EMAIL, Row.B2B_R, Column.GIVEN),
    )


def test_the_soft_opt_in_is_named_where_it_carries() -> None:
    """For a consumer's e-mail the sale carries; for post and for contacts it is not needed."""
    sale = AddressObtainedAtSale(
        channels=[Channel.EMAIL, Channel.POST],
        product_group="spare-parts",
        refusal_offered=True,
        option_told=True,
    )
    adult = CircumstanceNoted(circumstance=Circumstance.ADULT)
    consumer = [*added("consumer"), adult, ConnectionStarted(reference="c-1"), sale]
    assert "soft-opt-in" in ask(*consumer).codes
    assert "soft-opt-in" not in ask(*consumer, channel=Channel.POST).codes
    assert "soft-opt-in" not in ask(*customer(), sale).codes
    assert "soft-opt-in" not in ask(*customer()).codes
    assert "soft-opt-in" not in ask(*consumer, consented()).codes


def test_what_rests_on_consent_is_carried_by_a_consent() -> None:
    """An opt-out cell does not carry a purpose declared on consent (R-115)."""
    register = with_purpose(MARKETING, basis=LegalBasis.CONSENT)
    assert forbidden(ask(*customer(), register=register)) == {"basis-is-consent": ()}
    assert ask(*customer(), consented(), register=register)


# --- the question --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("purpose", "channel", "code"),
    [
        ("service-communication", Channel.EMAIL, "purpose-not-marketing"),
        ("newsletter", Channel.POST, "channel-not-declared"),
    ],
)
def test_what_is_no_question_of_the_matrix_is_told(
    purpose: str, channel: Channel, code: str
) -> None:
    """No marketing, no such channel: forbidden, and no cell is named."""
    found = ask(*customer(), purpose=PurposeId(purpose), channel=channel)
    assert forbidden(found) == {code: ()}
    assert found.cell is None


def test_online_advertising_has_a_table_of_its_own() -> None:
    """On a declared online channel the answer is that another question is to be asked."""
    register = with_purpose(MARKETING, channels=["online"])
    found = ask(*customer(), channel=Channel.ONLINE, register=register)
    assert found.codes == {"channel-not-decided"}
    assert found.outcome is Outcome.NEEDS
    with pytest.raises(UnknownPurpose):
        ask(*customer(), purpose=PurposeId("directmarketing"))


def test_the_usable_channels_are_those_allowed_now() -> None:
    """Of the channels declared; of a former customer only as a member, where that is asked."""
    purpose = jot().purposes[MARKETING]
    found = case(*customer(), suppressed=CLEAR)
    assert usable_channels(found, purpose) == {Channel.EMAIL, Channel.POST, Channel.PHONE}
    no_post = case(
        *customer(), MarketingObjection(via=VIA, channels=[Channel.POST]), suppressed=CLEAR
    )
    assert Channel.POST not in usable_channels(no_post, purpose)
    assert Channel.EMAIL in usable_channels(no_post, purpose)
    over = case(*customer(), ended(), suppressed=CLEAR)
    assert usable_channels(over, purpose) == frozenset()
    assert Channel.EMAIL in usable_channels(over, purpose, as_member=True)
    assert usable_channels(found, jot().purposes[NEWSLETTER]) == frozenset()


SERVICE = [
    MessagePart.CONFIRMATION,
    MessagePart.DELIVERY,
    MessagePart.FAULT,
    MessagePart.SECURITY,
    MessagePart.INVOICE,
    MessagePart.CONTRACT,
]


def test_a_message_of_every_service_part_is_still_no_marketing() -> None:
    """All of them together promote nothing; words as text count alike; others are refused."""
    assert is_marketing(SERVICE) is False
    assert is_marketing([str(part) for part in SERVICE]) is False
    assert is_marketing([*SERVICE, "promotion"]) is True
    with pytest.raises(InvalidValue):
        is_marketing(["delivery", "advert"])
