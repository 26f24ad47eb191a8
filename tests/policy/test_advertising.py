"""Online advertising: the table M-OA against the documented one, and each cell as it behaves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from tests.policy.support import (
    MARKETING,
    NEWSLETTER,
    START,
    added,
    case,
    consented,
    ended,
    jot,
    moved,
    related,
    sealed,
    with_purpose,
)

from gdprkit.facts.connection import ConnectionStarted
from gdprkit.facts.consent import ConsentGiven, ConsentWithdrawn
from gdprkit.facts.data import CircumstanceNoted
from gdprkit.facts.entry import Fact
from gdprkit.facts.objection import MarketingObjection
from gdprkit.facts.retention import Archived
from gdprkit.policy.advertising import ADVERTISING, AdColumn, MayAdvertise, may_advertise
from gdprkit.policy.decisions import Decision, Outcome, Reason
from gdprkit.policy.marketing import MayContact, may_contact
from gdprkit.register.register import Register
from gdprkit.words.identifiers import PurposeId, RecipientId
from gdprkit.words.vocabulary import (
    AdKind,
    Channel,
    Circumstance,
    FilingSystem,
    IntakeChannel,
)

#: Table M-OA of the paper; the e-mail row answers the inbox kind.
DOCUMENTED = """
| contextual   | A                       | A | A                      |
| device       | A{cookie}               | F | F                      |
| personalised | A                       | F | A{lia, notice, optout} |
| audience     | A{cookie or platform}   | F | F                      |
"""
COOKIE = next(name for name, item in jot().cookies.items() if item.exempt_because is None)
DEVICE_PURPOSE = jot().cookies[COOKIE].purpose
PLATFORM = RecipientId(next(iter(jot().recipients)))


def online(**declared: Any) -> Register:
    return with_purpose(MARKETING, **{"channels": list(Channel), **declared})


def known() -> list[Fact]:
    return [
        *added("consumer"),
        CircumstanceNoted(circumstance=Circumstance.ADULT),
        ConnectionStarted(reference="contract-1"),
    ]


OBJECTED = MarketingObjection(via=IntakeChannel.EMAIL)
SAME = START + timedelta(minutes=30)


def archived() -> Archived:
    copy = sealed("invoices", FilingSystem.ARCHIVE)
    return Archived(values=[copy], purpose=PurposeId("bookkeeping"), until=date(2032, 12, 31))


def device_consent() -> ConsentGiven:
    return consented(DEVICE_PURPOSE, channels=())


def informed(register: Register) -> Register:
    """Let the notice shown speak of the device's purpose, so that a consent to it is informed."""
    notice = attrs.evolve(
        register.notices["v7"],  # type: ignore[index]
        purposes=register.notices["v7"].purposes | {DEVICE_PURPOSE},  # type: ignore[index]
    )
    return attrs.evolve(register, notices={**register.notices, notice.id: notice})


def ask(kind: AdKind, *facts: Any, register: Register | None = None, **more: Any) -> Decision:
    asked = case(*facts, register=informed(register or online()))
    return may_advertise(asked, MayAdvertise(kind=kind, purpose=MARKETING, **more))


def test_the_table_is_the_documented_one() -> None:
    """Every kind and column has the paper's answer and conditions."""
    for line in DOCUMENTED.strip().splitlines():
        kind, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        for column, cell in zip(AdColumn, cells, strict=True):
            answer = ADVERTISING[AdKind(kind)][column]
            conditions = ", ".join(answer.conditions or ())
            printed = (
                "F" if answer.conditions is None else "A" + (f"{{{conditions}}}" * bool(conditions))
            )
            assert printed == cell, (kind, column)
    assert set(ADVERTISING) == set(AdKind) - {AdKind.INBOX}


@pytest.mark.parametrize("facts", [[], [OBJECTED]], ids=["never asked", "objected"])
def test_an_advertisement_that_knows_nobody_is_allowed(facts: list[Fact]) -> None:
    """Contextual advertising is the same for all, whoever looks."""
    assert ask(AdKind.CONTEXTUAL, *known(), *facts)


def test_the_device_opens_by_consent_only() -> None:
    """Nothing is stored on or read from a device before the consent to that item (s. 205)."""
    never = ask(AdKind.DEVICE, *known(), cookie=COOKIE)
    assert never.outcome is Outcome.FORBIDDEN
    assert never.cell == "M-OA/device/N"
    given = ask(AdKind.DEVICE, *known(), device_consent(), cookie=COOKIE)
    assert given, given.codes
    assert given.valid_until is not None
    assert ask(AdKind.DEVICE, *known(), device_consent()).outcome is Outcome.FORBIDDEN
    after = ask(AdKind.DEVICE, *known(), device_consent(), OBJECTED, cookie=COOKIE)
    assert after.outcome is Outcome.FORBIDDEN


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ({"assessment": None}, "assessment-missing"),
        ({"opt_out": False}, "opt-out-not-offered"),
    ],
)
def test_personalised_advertising_needs_its_conditions(declared: dict[str, Any], code: str) -> None:
    """Inside a service with login: assessment, notice and an opt-out, each of them."""
    assert ask(AdKind.PERSONALISED, *known())
    lacking = ask(AdKind.PERSONALISED, *known(), register=online(**declared))
    assert lacking.outcome is Outcome.NEEDS
    assert [reason.code for reason in lacking.against] == [code]
    untold = [fact for fact in known() if type(fact).__name__ != "NoticeGiven"]
    assert "notice-not-given" in ask(AdKind.PERSONALISED, *untold).codes
    assert ask(AdKind.PERSONALISED, *known(), OBJECTED).outcome is Outcome.FORBIDDEN


def test_an_audience_needs_a_consent_that_names_the_platform() -> None:
    """Uploading addresses is a disclosure: consent names who gets them, or opens the device."""
    assert ask(AdKind.AUDIENCE, *known(), platform=PLATFORM).outcome is Outcome.FORBIDDEN
    plain = consented(channels=[Channel.ONLINE])
    unnamed = ask(AdKind.AUDIENCE, *known(), plain, platform=PLATFORM)
    assert unnamed.outcome is Outcome.NEEDS
    assert "platform-not-named" in unnamed.codes
    naming = consented(channels=[Channel.ONLINE], recipients=[PLATFORM])
    assert ask(AdKind.AUDIENCE, *known(), naming, platform=PLATFORM)
    opened = ask(AdKind.AUDIENCE, *known(), plain, device_consent(), cookie=COOKIE)
    assert "device-consent" in opened.codes
    assert opened


def test_an_advertisement_in_an_inbox_is_mail() -> None:
    """Inbox-like and push messages get the answer of the e-mail row (R-320)."""
    asked = case(*known(), register=online())
    mail = may_contact(asked, MayContact(channel=Channel.EMAIL, purpose=MARKETING))
    inbox = may_advertise(asked, MayAdvertise(kind=AdKind.INBOX, purpose=MARKETING))
    assert (inbox.outcome, inbox.cell) == (mail.outcome, mail.cell)
    assert "inbox-is-mail" in inbox.codes


def test_minors_and_the_dead_see_no_advertisement_chosen_for_them() -> None:
    """What is chosen for a person stops with the person's state, also with consent."""
    yes = consented(channels=[Channel.ONLINE])
    for circumstance in (Circumstance.MINOR, Circumstance.DECEASED):
        noted = CircumstanceNoted(circumstance=circumstance)
        assert ask(AdKind.PERSONALISED, *known(), yes, noted).outcome is Outcome.FORBIDDEN


def test_a_purpose_that_is_no_marketing_or_not_online_is_refused() -> None:
    """The register says what a purpose is and which ways it uses."""
    asked = case(*known())
    other = MayAdvertise(kind=AdKind.PERSONALISED, purpose=PurposeId("customer-care"))
    offline = MayAdvertise(kind=AdKind.PERSONALISED, purpose=MARKETING)
    for question, code in ((other, "purpose-not-marketing"), (offline, "channel-not-declared")):
        found = may_advertise(asked, question)
        assert found.codes == {code}
        assert found.cell is None
        assert found.question == "may_advertise"


def reason(found: Decision, code: str) -> Reason:
    """Return the one reason of a code."""
    (only,) = (r for r in found.reasons if r.code == code)
    return only


def test_an_answer_rests_on_the_consent_and_holds_as_long_as_it() -> None:
    """The entry of each consent that was looked at is named, and when it has to be asked again."""
    line = [*known(), consented(channels=[Channel.ONLINE])]
    allows = reason(ask(AdKind.PERSONALISED, *line), "advertising-allows")
    assert allows.evidence == (len(line),)
    assert allows.until == datetime(2028, 1, 5, 22, tzinfo=UTC)
    both = [*line, device_consent()]
    opens = reason(ask(AdKind.AUDIENCE, *both, cookie=COOKIE), "device-consent")
    assert opens.evidence == (len(both),)
    assert opens.until == datetime(2026, 7, 5, 21, tzinfo=UTC)  # a device is asked sooner
    assert reason(ask(AdKind.CONTEXTUAL, *known()), "advertising-allows").evidence == ()


@pytest.mark.parametrize(
    ("channels", "column"),
    [([Channel.ONLINE], "C-/OBJ"), ([Channel.EMAIL], "N"), ([], "C-/OBJ")],
    ids=["online", "by e-mail", "everywhere"],
)
def test_only_a_stop_that_reaches_online_counts(channels: list[Channel], column: str) -> None:
    """Who stops e-mail only has said nothing about advertising online."""
    stop = MarketingObjection(via=IntakeChannel.EMAIL, channels=channels)
    found = ask(AdKind.PERSONALISED, *known(), stop)
    assert found.cell == f"M-OA/personalised/{column}"
    assert bool(found) is (column == "N")


def test_at_the_same_moment_the_stop_outranks_the_device() -> None:
    """A consent to the device's item holds only against an older stop of what is shown there."""
    stop = MarketingObjection(via=IntakeChannel.EMAIL, channels=[Channel.ONLINE])
    start = [*known(), (SAME, stop)]
    for later, column in ((timedelta(0), "C-/OBJ"), (timedelta(microseconds=1), "C+")):
        found = ask(AdKind.DEVICE, *start, (SAME + later, device_consent()), cookie=COOKIE)
        assert found.cell == f"M-OA/device/{column}"


def test_another_purposes_withdrawal_leaves_a_consent_alone() -> None:
    """A withdrawn newsletter closes what rests on no consent, not a consent to this (R-211)."""
    register = with_purpose(NEWSLETTER, register=online(), channels=[Channel.ONLINE])
    withdrawn = ConsentWithdrawn(
        purpose=NEWSLETTER, channels=[Channel.ONLINE], via=IntakeChannel.UNSUBSCRIBE_LINK
    )
    without = ask(AdKind.PERSONALISED, *known(), withdrawn, register=register)
    assert without.cell == "M-OA/personalised/C-/OBJ"
    own = consented(channels=[Channel.ONLINE])
    found = ask(AdKind.PERSONALISED, *known(), own, withdrawn, register=register)
    assert found.cell == "M-OA/personalised/C+"
    assert found
    device = ask(
        AdKind.DEVICE, *known(), device_consent(), withdrawn, register=register, cookie=COOKIE
    )
    assert device.cell == "M-OA/device/C-/OBJ"


def test_a_former_customer_sees_what_the_register_allows() -> None:
    """Under review nothing is shown; afterwards a place in the marketing register is needed."""
    under_review = ask(AdKind.PERSONALISED, *known(), ended())
    assert "under-review" in under_review.codes
    assert under_review.outcome is Outcome.FORBIDDEN
    member = ask(AdKind.PERSONALISED, *known(), ended(), moved())
    assert "in-marketing-register" in member.codes
    assert (
        "not-in-marketing-register" in ask(AdKind.PERSONALISED, *known(), ended(), archived()).codes
    )
    assert ask(AdKind.CONTEXTUAL, *known(), ended())


def test_what_was_found_about_a_contacts_work_changes_nothing_here() -> None:
    """Whether offers relate to the work is a matter of messages; the answer stays the same."""
    contact = [*added(), ConnectionStarted(reference="contract-1")]
    assert (
        ask(AdKind.PERSONALISED, *contact, related()).codes
        == ask(AdKind.PERSONALISED, *contact).codes
    )
