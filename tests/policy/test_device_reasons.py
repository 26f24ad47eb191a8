"""What the answer about a device rests on; what is left of an address; a child's consent."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.policy.support import NEWSLETTER, added, case, consented, evidence, with_purpose
from tests.policy.test_devices import ANALYTICS, GOOD, VISITOR, choice, declared

from gdprkit.errors import InvalidValue
from gdprkit.facts.consent import ConsentWithdrawn
from gdprkit.facts.data import CircumstanceNoted
from gdprkit.facts.entry import Fact
from gdprkit.policy import children, device
from gdprkit.policy.adequacy import Adequacy, adequacy_for
from gdprkit.policy.children import child_problems
from gdprkit.policy.decisions import Decision, Reason
from gdprkit.policy.device import MayStore, banner_reasons, may_store
from gdprkit.policy.law import FI_2026
from gdprkit.policy.logs import log_days, truncate_ip
from gdprkit.register.register import Register
from gdprkit.register.website import DeviceUse, LogFile
from gdprkit.words.identifiers import PurposeId, RecipientId, SubjectId
from gdprkit.words.moments import Period
from gdprkit.words.vocabulary import Actor, Channel, Circumstance, IntakeChannel

NETWORKS = RecipientId("ad-networks")


def ask(*facts: Fact, register: Register | None = None) -> Decision:
    found = case(*VISITOR, *facts, register=register or declared())
    return may_store(found, MayStore(item="item"))


def test_the_answer_names_the_question_and_the_line_and_rests_on_the_choice() -> None:
    """The choice is the entry, and its end the answer's (R-230)."""
    line = SubjectId(UUID(int=9))
    asked = attrs.evolve(case(*VISITOR, choice(), register=declared()), about=line)
    found = may_store(asked, MayStore(item="item"))
    assert (found.question, found.about, found.at) == ("may_store", line, asked.at)
    assert (found.law, found.law_until) == (FI_2026.id, None)
    until = datetime(2026, 7, 5, 21, tzinfo=UTC)
    assert found.reasons == (device.CHOICE_MADE.on(2, until=until),)


def test_without_a_choice_only_a_false_claim_is_contradicted() -> None:
    """An exempt use of a third party is no false claim, and who claims nothing is told nothing."""
    wrong = (device.NOT_EXEMPT, device.NO_CHOICE)
    claimed = ask(register=declared(exempt_because="We find it necessary."))
    assert claimed.against[:2] == wrong
    assert ask().against[0] == device.NO_CHOICE
    login = declared(DeviceUse.LOGIN, exempt_because="Login.", recipient=NETWORKS)
    assert ask(register=login).against[0] == device.NO_CHOICE
    assert [reason.code for reason in ask().against] == ["device-no-choice", "consent-never-given"]


def test_a_third_party_is_named_in_any_choice_in_force() -> None:
    """The first choice that does not name it hides no later one; one withdrawn names nobody."""
    mail, post = Channel.EMAIL, Channel.POST
    register = declared(DeviceUse.ADVERTISING, recipient=NETWORKS)
    networks = attrs.evolve(register.recipients[NETWORKS], contract="arrangements/ads")
    register = attrs.evolve(register, recipients={**register.recipients, NETWORKS: networks})
    register = with_purpose(ANALYTICS, register=register, channels={mail, post})
    unnamed = consented(ANALYTICS, [mail])
    named = consented(ANALYTICS, [post], recipients=[NETWORKS])
    assert ask(unnamed, named, register=register)
    assert ask(unnamed, register=register).against == (device.THIRD_PARTY_NOT_NAMED,)
    back = ConsentWithdrawn(purpose=ANALYTICS, channels=[post], via=IntakeChannel.WEB_FORM)
    assert ask(unnamed, named, back, register=register).against == (device.THIRD_PARTY_NOT_NAMED,)


def test_everything_wrong_with_a_banner_is_told_in_order() -> None:
    """One that is in order says nothing; an unknown one is one missing fact."""
    assert list(banner_reasons(GOOD, "Traficom")) == []
    assert list(banner_reasons(None, None)) == [
        device.DEVICE_AUTHORITY_UNNAMED,
        device.BANNER_UNDECLARED,
    ]
    worst = attrs.evolve(
        GOOD,
        waits_for_choice=False,
        refusing_as_easy=False,
        choices_off=False,
        choice_per_purpose=False,
        names_lifetimes_and_third_parties=False,
        way_back=False,
        wall=True,
    )
    assert list(banner_reasons(worst, "Traficom")) == [
        device.LOADS_BEFORE_CHOICE,
        device.REFUSING_HARDER,
        device.CHOICES_ON,
        device.CHOICES_BUNDLED,
        device.LIFETIMES_UNNAMED,
        device.NO_WAY_BACK,
        device.COOKIE_WALL,
    ]


# --- logs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("255.255.255.255", "255.255.255.0"),
        ("192.0.2.128", "192.0.2.0"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff::"),
        ("2001:db8:1:8000::", "2001:db8:1::"),
        ("::ffff:192.0.2.128", "::ffff:192.0.2.0"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_no_bit_more_than_the_network_is_left(address: str, left: str) -> None:
    """24 bits of an old address and 48 of a new one, exactly (R-237)."""
    assert truncate_ip(address) == left


@pytest.mark.parametrize("wrong", ["192.0.2", "host:80", ""])
def test_what_is_no_address_says_what_to_pass(wrong: str) -> None:
    """The error names the field and the cure, and repeats nothing."""
    with pytest.raises(InvalidValue) as caught:
        truncate_ip(wrong)
    assert str(caught.value) == (
        "address is no address of the internet; pass one IPv4 or IPv6 address"
    )


def test_the_numbers_of_a_log_are_the_profiles() -> None:
    """Days and months of the law in force, shortened never after they are erased (R-237)."""
    law = attrs.evolve(FI_2026, web_log_days=10, log_address_days=3, security_log_months=2)
    log = LogFile(id="log", label="A log", purpose=PurposeId("website-operation"))
    written = date(2026, 1, 31)

    def days(**more: Any) -> tuple[date | None, date]:
        found = log_days(attrs.evolve(log, **more), written, law=law, holds_address=True)
        return found.shorten_after, found.erase_after

    assert days() == (date(2026, 2, 3), date(2026, 2, 10))
    assert days(security=True) == (date(2026, 2, 3), date(2026, 3, 31))
    assert days(keep=Period(days=2)) == (date(2026, 2, 2), date(2026, 2, 2))
    assert days(security=True, keep=Period(days=20)) == (date(2026, 2, 3), date(2026, 2, 20))


# --- children ------------------------------------------------------------------------------------

MINOR = CircumstanceNoted(circumstance=Circumstance.MINOR)
ADULT = CircumstanceNoted(circumstance=Circumstance.ADULT)


@pytest.mark.parametrize(
    ("facts", "said", "found"),
    [
        ([], {}, [children.CONSENT_NEEDS_PARENT]),
        ([], {"age_confirmed": 12}, [children.CONSENT_NEEDS_PARENT]),
        ([], {"age_confirmed": 13}, []),
        ([ADULT], {}, []),
        ([MINOR], {}, [children.CONSENT_NEEDS_PARENT.on(4)]),
        ([MINOR], {"age_confirmed": 12}, [children.CONSENT_NEEDS_PARENT.on(4)]),
        ([MINOR], {"age_confirmed": 13}, []),
        ([MINOR, ADULT], {}, [children.CONSENT_NEEDS_PARENT.on(4)]),
        ([MINOR], {"actor": Actor.GUARDIAN}, [children.PARENT_UNVERIFIED]),
        ([MINOR], {"actor": Actor.GUARDIAN, "proof": ["mail-1"]}, []),
    ],
)
def test_a_service_for_children_asks_for_the_age(
    facts: list[Fact], said: dict[str, Any], found: list[Reason]
) -> None:
    """Below the age, or where it is unknown, a parent consents and is verified (Art. 8)."""
    asked = case(*added("consumer"), *facts)
    service = with_purpose(NEWSLETTER, offered_to_children=True).purposes[NEWSLETTER]
    assert list(child_problems(asked, service, evidence(**said))) == found


@pytest.mark.parametrize("offered", [False, None])
def test_elsewhere_a_minor_is_spoken_for_by_a_parent(*, offered: bool | None) -> None:
    """The age of Art. 8 is for online services; a purpose nobody declares is none (R-112)."""
    register = with_purpose(NEWSLETTER, offered_to_children=bool(offered))
    purpose = None if offered is None else register.purposes[NEWSLETTER]
    minor, grown = (case(*added("consumer"), *facts) for facts in ([MINOR], []))
    told = [children.CONSENT_OF_A_MINOR.on(4)]
    assert list(child_problems(minor, purpose, evidence(age_confirmed=17))) == told
    assert list(child_problems(minor, purpose, evidence(actor=Actor.GUARDIAN))) == []
    assert list(child_problems(grown, purpose, evidence())) == []


def test_who_is_known_through_work_is_of_age() -> None:
    """A company's contact is taken for an adult until a minor is known (R-112)."""
    service = with_purpose(NEWSLETTER, offered_to_children=True).purposes[NEWSLETTER]
    assert list(child_problems(case(*added()), service, evidence())) == []
    known = case(*added(), MINOR)
    assert list(child_problems(known, service, evidence())) == [children.CONSENT_NEEDS_PARENT.on(4)]


# --- decisions of adequacy -----------------------------------------------------------------------


def test_a_decision_carries_from_its_first_to_its_last_day() -> None:
    """Both days are in; without a day that side is open (Art. 45)."""
    first, last = date(2026, 1, 10), date(2026, 1, 20)
    one = timedelta(days=1)
    limited = Adequacy("IN", "a", since=first, until=last)
    assert [limited.on(day) for day in (first - one, first, last, last + one)] == [
        False,
        True,
        True,
        False,
    ]
    assert Adequacy("IN", "a", since=first).on(date.max)
    assert Adequacy("IN", "a", until=last).on(date.min)
    assert Adequacy("IN", "a").on(first)
    assert adequacy_for([Adequacy("CN", "b"), limited], "IN", first) == limited
    assert adequacy_for([Adequacy("CN", "b"), limited], "IN", last + one) is None
