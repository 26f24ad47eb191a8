"""Disclosures: what each reason rests on, and until when it holds (R-118, R-419, R-705)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.policy.support import (
    case,
    consented,
    customer,
    ended,
    jot,
    moved,
    with_notice,
    with_purpose,
)

from gdprkit.facts.connection import RoleTaken
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.objection import MarketingObjection, MarketingProhibition
from gdprkit.policy import disclosure
from gdprkit.policy.consent import OBJECTED, STOPPED
from gdprkit.policy.decisions import Decision, Reason
from gdprkit.policy.disclosure import MayDisclose, may_disclose
from gdprkit.policy.marketing_steps import COMPANY_PROHIBITED, ORGANISATION_UNKNOWN
from gdprkit.register.notices import NoticeItem
from gdprkit.register.parties import (
    ContractItem,
    Recipient,
    Transfer,
    TransferMechanism,
)
from gdprkit.register.register import Register
from gdprkit.words.identifiers import FieldId, NoticeId, PurposeId, RecipientId, SubjectId
from gdprkit.words.vocabulary import (
    Actor,
    Channel,
    FilingSystem,
    IntakeChannel,
    LegalBasis,
    RecipientRole,
)

CARE = PurposeId("customer-care")
PARTNERS = PurposeId("partner-marketing")
OTHER = RecipientId("other")
VIA = IntakeChannel.LETTER
MAIL, POST, SMS = Channel.EMAIL, Channel.POST, Channel.SMS
INSTANT = timedelta(microseconds=1)
TWO_YEARS = datetime(2028, 1, 5, 22, tzinfo=UTC)


def other(role: RecipientRole, **parts: Any) -> Recipient:
    given: dict[str, Any] = {"id": OTHER, "label": "Other company", "role": role, "country": "FI"}
    return Recipient(**{**given, **parts})


PROCESSOR = other(RecipientRole.PROCESSOR, contract="contracts/1", holds=frozenset(ContractItem))
JOINT = other(RecipientRole.JOINT_CONTROLLER, contract="arrangements/1", essence_published=True)
OWN = other(RecipientRole.CONTROLLER, own_basis=LegalBasis.LEGITIMATE_INTERESTS)


def to(
    recipient: Recipient,
    *facts: Any,
    purpose: PurposeId = CARE,
    register: Register | None = None,
    fields: Any = (),
    **declared: Any,
) -> Decision:
    register = register or jot()
    register = attrs.evolve(register, recipients={**register.recipients, OTHER: recipient})
    register = with_purpose(purpose, register=register, recipients={OTHER}, **declared)
    question = MayDisclose(recipient=OTHER, purpose=purpose, fields=fields)
    return may_disclose(case(*(facts or customer()), register=register), question)


def test_each_reason_is_told_once() -> None:
    """Two fields share the reasons of their purpose."""
    found = to(PROCESSOR, fields=["name", "email"])
    assert len(found.reasons) == len(set(found.reasons)) > 1


@pytest.mark.parametrize(
    ("recipient", "reasons"),
    [
        (PROCESSOR, [disclosure.CONTRACT_WHOLE]),
        (JOINT, [disclosure.ARRANGEMENT_TOLD]),
        (OWN, [disclosure.RECIPIENT_ON_ITS_BASIS, disclosure.RECIPIENT_TOLD.on(2)]),
    ],
    ids=lambda one: one.role if isinstance(one, Recipient) else "",
)
def test_each_role_is_told_by_what_lets_it_have_data(
    recipient: Recipient, reasons: list[Reason]
) -> None:
    """The reasons of one role are its own, and no other's (R-118, R-705, R-706)."""
    rules = {"R-118", "R-705", "R-706"}
    found = to(recipient)
    assert [reason for reason in found.reasons if reason.rule in rules] == reasons


def test_the_whole_purpose_is_asked_about_where_no_field_is_named() -> None:
    """Named fields are asked about one by one; a field the purpose lacks is not disclosed."""
    assert to(PROCESSOR, fields=["name"])
    assert "field-not-covered" in to(PROCESSOR, fields=["name", "ip-address"]).codes
    assert "field-not-covered" not in to(PROCESSOR).codes


def test_a_notice_nobody_declared_names_no_recipients() -> None:
    """The next one that does is the entry."""
    facts = customer()
    unknown = NoticeGiven(notice=NoticeId("v0"))
    assert disclosure.RECIPIENT_TOLD.on(3) in to(OWN, facts[0], unknown, *facts[1:]).reasons


def test_a_consent_that_names_the_recipient_is_the_entry() -> None:
    """With its end, for each way the purpose uses (R-118)."""
    interest: dict[str, Any] = {"basis": LegalBasis.LEGITIMATE_INTERESTS, "interest": "Offers"}
    interest["assessment"] = jot().purposes[CARE].assessment
    named = {"recipients": [OTHER]}
    ways = (consented(PARTNERS, [MAIL], **named), consented(PARTNERS, [SMS], **named))
    found = to(OWN, *customer(), *ways, purpose=PARTNERS, channels={MAIL, SMS, POST}, **interest)
    said = [reason for reason in found.reasons if reason.code == "recipient-named-in-consent"]
    by = disclosure.RECIPIENT_NAMED_IN_CONSENT
    assert said == [by.on(6, until=TWO_YEARS), by.on(7, until=TWO_YEARS)]
    one = to(OWN, *customer(), ways[0], purpose=PARTNERS, channels={MAIL, SMS, POST}, **interest)
    assert disclosure.RECIPIENT_NOT_IN_CONSENT in one.against


def test_a_recipient_on_consent_needs_it_on_each_way_of_the_purpose() -> None:
    """Outside marketing the ways are those the purpose declares, post as well."""
    relies = attrs.evolve(OWN, own_basis=LegalBasis.CONSENT)
    named = {"recipients": [OTHER]}
    post = consented(CARE, [POST], **named)
    assert to(relies, *customer(), post, channels={POST})
    assert (
        disclosure.RECIPIENT_NOT_IN_CONSENT
        in to(relies, *customer(), post, channels={POST, MAIL}).against
    )
    assert disclosure.RECIPIENT_NOT_IN_CONSENT.code not in to(OWN, channels={POST}).codes


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        (MarketingObjection(channels=[POST], via=VIA), OBJECTED),
        (MarketingProhibition(channels=[POST], via=VIA), STOPPED),
        (MarketingProhibition(channels=[POST], via=VIA, by=Actor.COMPANY), COMPANY_PROHIBITED),
    ],
    ids=["objection", "prohibition", "company"],
)
def test_a_stop_on_a_way_is_the_entry(stop: Any, reason: Reason) -> None:
    """Who is passed on for marketing by post is asked about post (R-317, R-316.3)."""
    interest: dict[str, Any] = {"basis": LegalBasis.LEGITIMATE_INTERESTS, "interest": "Offers"}
    interest["assessment"] = jot().purposes[CARE].assessment
    found = to(OWN, *customer(), stop, purpose=PARTNERS, channels={POST}, **interest)
    assert reason.on(6) in found.against


def test_an_organisation_nobody_asked_about_is_the_entry_of_the_role() -> None:
    """The answer points to where the person took the role (R-418)."""
    acts = RoleTaken(organisation=SubjectId(UUID(int=7, version=4)))
    found = to(OWN, *customer(), acts, purpose=PARTNERS, channels={POST})
    assert ORGANISATION_UNKNOWN.on(6) in found.against


@pytest.mark.parametrize(
    ("marketing", "filing", "stays"),
    [
        (True, FilingSystem.CUSTOMER, True),
        (True, FilingSystem.MARKETING, True),
        (False, FilingSystem.MARKETING, True),
        (False, FilingSystem.CUSTOMER, False),
    ],
)
def test_the_register_is_for_no_others(
    *, marketing: bool, filing: FilingSystem, stays: bool
) -> None:
    """Marketing, or living in the register: either keeps its people here (R-419)."""
    former = [*customer(), ended(), moved()]
    bare = attrs.evolve(OWN, own_basis=None)
    found = to(bare, *former, marketing=marketing, filing=filing)
    assert (disclosure.REGISTER_NOT_FOR_OTHERS in found.against) is stays
    whole = to(OWN, *former, marketing=marketing, filing=filing)
    assert disclosure.REGISTER_NOT_FOR_OTHERS not in whole.reasons
    title = to(bare, *former, marketing=marketing, filing=filing, fields=["title"])
    assert disclosure.REGISTER_NOT_FOR_OTHERS not in title.reasons
    assert FieldId("title") in jot().purposes[CARE].fields


def test_a_field_the_purpose_lacks_is_told_once_and_not_as_a_flow() -> None:
    """The flow carries the field; that the purpose does not cover it is its own reason (R-117)."""
    out = Transfer(
        id="out",
        country="IN",
        recipient=OTHER,
        importer="Example Services Ltd",
        mechanism=TransferMechanism.STANDARD_CLAUSES,
        evidence="contracts/2",
        module=2,
        assessment="assessments/2",
        assessment_passed=True,
        fields={"usage"},
        purposes={CARE},
        review_by=date(2026, 12, 31),
    )
    register = attrs.evolve(
        with_notice("v7", items=jot().notices[NoticeId("v7")].items | {NoticeItem.TRANSFERS}),
        recipients={**jot().recipients, OTHER: attrs.evolve(PROCESSOR, country="IN")},
    )
    register = with_purpose(CARE, register=register, recipients={OTHER})
    asked = case(*customer(), register=attrs.evolve(register, transfers={"out": out}))
    question = MayDisclose(recipient=OTHER, purpose=CARE, fields=["usage"])
    assert {reason.code for reason in may_disclose(asked, question).against} == {
        "field-not-covered"
    }
