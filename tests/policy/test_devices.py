"""Visitors' devices and logs: what is exempt, what waits, what stays (R-230 to R-238)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.support import START, case, consented, evidence, jot, with_notice

from gdprkit.errors import InvalidValue, UnknownName
from gdprkit.facts.consent import ConsentGiven, ConsentRefused, ConsentWithdrawn
from gdprkit.facts.data import SubjectAdded
from gdprkit.facts.entry import Fact
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.device import EXEMPT_USES, MayStore, may_store
from gdprkit.policy.law import FI_2026
from gdprkit.policy.logs import LogDays, holds_address, is_personal, log_days, truncate_ip
from gdprkit.register.register import Register
from gdprkit.register.website import Banner, Cookie, DeviceUse, LogFile
from gdprkit.words.identifiers import FieldId, PurposeId, RecipientId, SourceId
from gdprkit.words.moments import Period
from gdprkit.words.vocabulary import ConsentMethod, IntakeChannel, RecipientRole, SubjectKind

ANALYTICS = PurposeId("website-analytics")
GOOD = Banner(
    waits_for_choice=True,
    refusing_as_easy=True,
    choices_off=True,
    choice_per_purpose=True,
    names_lifetimes_and_third_parties=True,
    way_back=True,
)
VISITOR: list[Fact] = [
    SubjectAdded(kind=SubjectKind.WEBSITE_VISITOR, source=SourceId("service-use"))
]


def declared(
    use: DeviceUse | None = DeviceUse.ANALYTICS, banner: Banner | None = GOOD, **more: Any
) -> Register:
    """Return the register with one item, a banner and a notice that speaks of its purpose."""
    item = Cookie(
        id="item",
        label="An item",
        **{"purpose": ANALYTICS, "lifetime": Period(months=1), **more},
        use=use,
    )
    register = with_notice("v7", purposes=frozenset({ANALYTICS}))
    return attrs.evolve(register, cookies={"item": item}, banner=banner, transfers={})


def choice(**more: Any) -> ConsentGiven:
    return consented(ANALYTICS, channels=(), **more)


def ask(*facts: Fact, register: Register | None = None, at: datetime | None = None) -> Decision:
    found = case(*VISITOR, *facts, register=register or declared(), at=at)
    return may_store(found, MayStore(item="item"))


def against(decision: Decision) -> set[str]:
    return {reason.code for reason in decision.against}


@pytest.mark.parametrize("use", DeviceUse)
def test_only_what_a_service_strictly_needs_is_exempt(use: DeviceUse) -> None:
    """Exempt uses need no choice; every other use needs one, whatever the register calls it."""
    claimed = ask(register=declared(use, exempt_because="We find it necessary."))
    assert bool(claimed) is (use in EXEMPT_USES)
    if use not in EXEMPT_USES:
        assert {"device-not-exempt", "device-no-choice"} <= against(claimed)
        assert ask(choice(), register=declared(use))


def test_an_exemption_says_why() -> None:
    """An exempt use without its reason waits for it, and an unknown use is never exempt."""
    assert against(ask(register=declared(DeviceUse.LOGIN))) == {"device-exemption-unexplained"}
    assert against(ask(register=declared(None, exempt_because="?"))) == {"device-use-undeclared"}


def test_a_third_partys_item_is_never_exempt() -> None:
    """What somebody else sets is not what the visitor asked this site for."""
    register = declared(
        DeviceUse.LOGIN, exempt_because="Login.", recipient=RecipientId("ad-networks")
    )
    assert "device-no-choice" in against(ask(register=register))


def test_nothing_is_stored_before_the_choice() -> None:
    """Never asked, refused by withdrawal, and agreed: only the last allows (s. 205(1))."""
    assert ask().outcome is Outcome.FORBIDDEN
    assert ask(choice())
    taken_back = ConsentWithdrawn(purpose=ANALYTICS, channels=(), via=IntakeChannel.WEB_FORM)
    assert ask(choice(), taken_back).outcome is Outcome.FORBIDDEN


@pytest.mark.parametrize("method", [m for m in ConsentMethod if not m.is_affirmative])
def test_settings_of_a_browser_and_use_of_a_site_are_no_choice(method: ConsentMethod) -> None:
    """R-233: whatever is not a clear act of the visitor leaves the device closed."""
    implied = ConsentGiven(purpose=ANALYTICS, channels=(), evidence=evidence(method=method))
    assert "consent-not-affirmative" in against(ask(implied))


def test_a_choice_is_asked_for_again_after_six_months() -> None:
    """An act in between prolongs nothing: the choice about a device has its own life (R-213)."""
    last = datetime(2026, 7, 5, 20, 59, 59, tzinfo=UTC)
    assert ask(choice(), at=last)
    assert ask(choice(), at=last).valid_until == last + timedelta(seconds=1)
    assert "consent-expired" in against(ask(choice(), at=last + timedelta(seconds=1)))


def test_a_choice_stands_on_a_line_without_a_person() -> None:
    """The line holds a random id and the choice; no value of anybody is on it (R-234)."""
    found = case(*VISITOR, choice(), register=declared())
    assert found.standing.data.values == ()
    assert may_store(found, MayStore(item="item"))


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("waits_for_choice", "banner-loads-before-choice"),
        ("refusing_as_easy", "banner-refusing-harder"),
        ("choices_off", "banner-choices-on"),
        ("choice_per_purpose", "banner-choices-bundled"),
        ("names_lifetimes_and_third_parties", "banner-lifetimes-unnamed"),
        ("way_back", "banner-no-way-back"),
    ],
)
def test_each_fault_of_a_banner_closes_the_device(part: str, code: str) -> None:
    """One fault alone is told and withholds the answer (R-232)."""
    banner = attrs.evolve(GOOD, **{part: False})
    assert against(ask(choice(), register=declared(banner=banner))) == {code}


def test_a_wall_an_unknown_banner_and_an_unnamed_authority_close_it_too() -> None:
    """No site for those who agree only; nothing is guessed; both authorities are named (R-235)."""
    wall = attrs.evolve(GOOD, wall=True)
    assert against(ask(choice(), register=declared(banner=wall))) == {"banner-cookie-wall"}
    assert against(ask(choice(), register=declared(banner=None))) == {"banner-undeclared"}
    register = declared()
    bare = attrs.evolve(register.controller, device_authority=None)
    unnamed = attrs.evolve(register, controller=bare)
    assert against(ask(choice(), register=unnamed)) == {"device-authority-unnamed"}


def test_a_third_partys_tag_needs_an_arrangement() -> None:
    """Whoever embeds it is a joint controller of what it collects (R-238)."""
    register = declared(DeviceUse.ADVERTISING, recipient=RecipientId("ad-networks"))
    named = choice(recipients=["ad-networks"])
    assert against(ask(named, register=register)) == {"third-party-unarranged"}
    networks = register.recipients[RecipientId("ad-networks")]
    arranged = attrs.evolve(networks, contract="arrangements/ads")
    with_it = attrs.evolve(
        register, recipients={**register.recipients, RecipientId("ad-networks"): arranged}
    )
    assert "third-party-arranged" in ask(named, register=with_it).codes
    assert against(ask(choice(), register=with_it)) == {"third-party-not-named"}
    alone = attrs.evolve(networks, role=RecipientRole.CONTROLLER)
    calling_itself = attrs.evolve(
        register, recipients={**register.recipients, RecipientId("ad-networks"): alone}
    )
    assert against(ask(named, register=calling_itself)) == {"third-party-unarranged"}


def test_a_processor_is_no_third_party() -> None:
    """What a processor sets for the site is the site's own (GDPR Art. 4(10))."""
    hosting = RecipientId("hosting")
    login = declared(DeviceUse.LOGIN, exempt_because="Login.", recipient=hosting)
    assert login.recipients[hosting].role is RecipientRole.PROCESSOR
    assert ask(register=login)
    assert ask(choice(), register=declared(recipient=hosting))


@pytest.mark.parametrize(
    "no",
    [
        ConsentRefused(purpose=ANALYTICS, channels=(), via=IntakeChannel.WEB_FORM),
        ConsentWithdrawn(purpose=ANALYTICS, channels=(), via=IntakeChannel.WEB_FORM),
    ],
)
def test_a_no_is_kept_as_long_as_a_yes(no: Fact) -> None:
    """For six months nobody is asked again; then the visitor may be, and nothing runs (R-213)."""
    end = datetime(2026, 7, 5, 21, tzinfo=UTC)
    kept = ask(choice(), no, at=end - timedelta(seconds=1))
    assert kept.valid_until == end
    assert against(kept) - {"device-no-choice"} <= {"consent-refused", "consent-withdrawn"}
    assert against(ask(choice(), no, at=end)) == {"device-no-choice", "consent-expired"}


def test_an_item_without_a_lifetime_waits() -> None:
    """How long it stays is told before the choice."""
    register = declared(lifetime=None)
    assert against(ask(choice(), register=register)) == {"device-lifetime-unknown"}


def test_an_undeclared_item_is_a_typed_error() -> None:
    """The register knows every item; a near word is proposed."""
    with pytest.raises(UnknownName) as caught:
        may_store(case(register=declared()), MayStore(item="itme"))
    assert caught.value.suggestion == "item"


# --- logs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "because", "personal"),
    [
        ("ip-address", None, True),
        ("ip-address", "assessments/logs", False),
        ("cookies", None, True),
        ("email", "assessments/logs", True),
    ],
)
def test_identifiers_are_personal_by_default(
    name: str, because: str | None, personal: bool
) -> None:
    """An assessment frees an identifier of a device, and nothing else (R-236)."""
    field = attrs.evolve(jot().fields[FieldId(name)], not_personal_because=because)
    assert is_personal(field) is personal


def log(**more: Any) -> LogFile:
    return LogFile(id="log", label="A log", purpose=PurposeId("website-operation"), **more)


def test_a_log_holds_addresses_unless_they_are_assessed() -> None:
    """What the register declares of its fields decides whether addresses are shortened (R-236)."""
    register = jot()
    assert holds_address(register, register.log("web-log"))
    address = FieldId("ip-address")
    freed = attrs.evolve(register.fields[address], not_personal_because="assessments/logs")
    assessed = attrs.evolve(register, fields={**register.fields, address: freed})
    assert not holds_address(assessed, register.log("web-log"))
    with pytest.raises(UnknownName) as caught:
        register.log("web-lgo")
    assert caught.value.suggestion == "web-log"


WRITTEN = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("found", "shorten", "erase"),
    [
        (log(), date(2026, 2, 14), date(2026, 5, 1)),
        (log(security=True), date(2026, 2, 14), date(2027, 1, 31)),
        (log(keep=Period(days=30)), date(2026, 2, 14), date(2026, 3, 2)),
        (log(keep=Period(years=5)), date(2026, 2, 14), date(2026, 5, 1)),
        (log(keep=Period(days=7)), date(2026, 2, 7), date(2026, 2, 7)),
        (log(shorten_ip_after=Period(days=1)), date(2026, 2, 1), date(2026, 5, 1)),
        (log(shorten_ip_after=Period(days=60)), date(2026, 2, 14), date(2026, 5, 1)),
        (log(needs_whole_address="abuse"), None, date(2026, 5, 1)),
    ],
)
def test_lines_are_shortened_and_erased_on_their_day(
    found: LogFile, shorten: date | None, erase: date
) -> None:
    """The shorter of the register's period and the setting; security logs live longer (R-237)."""
    days = log_days(found, WRITTEN, law=FI_2026, holds_address=True)
    assert days == LogDays(shorten_after=shorten, erase_after=erase)
    assert log_days(found, WRITTEN, law=FI_2026, holds_address=False).shorten_after is None


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("192.0.2.77", "192.0.2.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("::ffff:192.0.2.77", "::ffff:192.0.2.0"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_an_address_is_shortened(address: str, left: str) -> None:
    """What tells one holder from another is gone; the network stays."""
    assert truncate_ip(address) == left


@given(st.ip_addresses().map(str))
def test_shortening_again_changes_nothing(address: str) -> None:
    """A shortened address is its own shortening, and is an address."""
    once = truncate_ip(address)
    assert truncate_ip(once) == once


@pytest.mark.parametrize("wrong", ["", "192.0.2", "192.0.2.777", "host.example.com", "::zz"])
def test_what_is_no_address_is_a_typed_error_without_the_value(wrong: str) -> None:
    """The error names the field and never repeats what was passed."""
    with pytest.raises(InvalidValue) as caught:
        truncate_ip(wrong)
    assert not wrong or wrong not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_moment_of_a_day_does_not_matter_for_a_choice() -> None:
    """A choice made late in the day lasts to the end of the same day six months on."""
    late = START + timedelta(hours=12)
    found = ask((late, choice()), at=late + timedelta(minutes=1))  # type: ignore[arg-type]
    assert found.valid_until == datetime(2026, 7, 5, 21, tzinfo=UTC)
