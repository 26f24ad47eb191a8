"""Disclosure to recipients: each role's own conditions, and consent and stops of the person."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.policy.support import (
    MARKETING,
    case,
    consented,
    customer,
    ended,
    jot,
    moved,
    with_notice,
    with_purpose,
)

from gdprkit.errors import UnknownName, UnknownPurpose
from gdprkit.facts.connection import RoleTaken
from gdprkit.facts.entry import Fact
from gdprkit.facts.objection import MarketingObjection, MarketingProhibition
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.disclosure import CONTRACT, MayDisclose, may_disclose
from gdprkit.register.notices import NoticeItem
from gdprkit.register.parties import (
    ContractItem,
    Recipient,
    Transfer,
    TransferMechanism,
)
from gdprkit.register.register import Register
from gdprkit.words.identifiers import NoticeId, PurposeId, RecipientId, SubjectId
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


def other(role: RecipientRole, **parts: Any) -> Recipient:
    given: dict[str, Any] = {"id": OTHER, "label": "Other company", "role": role, "country": "FI"}
    return Recipient(**{**given, **parts})


PROCESSOR = other(RecipientRole.PROCESSOR, contract="contracts/1", holds=frozenset(ContractItem))
JOINT = other(RecipientRole.JOINT_CONTROLLER, contract="arrangements/1", essence_published=True)
OWN = other(RecipientRole.CONTROLLER, own_basis=LegalBasis.LEGITIMATE_INTERESTS)


def declared(
    recipient: Recipient,
    *,
    register: Register | None = None,
    purpose: PurposeId = CARE,
    **more: Any,
) -> Register:
    """Return the register with one more recipient, which the purpose declares."""
    register = register or jot()
    register = attrs.evolve(register, recipients={**register.recipients, OTHER: recipient})
    return with_purpose(purpose, register=register, recipients={OTHER}, **more)


def ask(register: Register, *facts: Fact, purpose: PurposeId = CARE, **question: Any) -> Decision:
    return may_disclose(
        case(*(facts or customer()), register=register),
        MayDisclose(recipient=OTHER, purpose=purpose, **question),
    )


def against(decision: Decision) -> set[str]:
    return {reason.code for reason in decision.against}


@pytest.mark.parametrize("recipient", [PROCESSOR, JOINT, OWN], ids=lambda one: one.role)
def test_each_role_is_disclosed_to_on_its_own_condition(recipient: Recipient) -> None:
    """Contract, arrangement, basis and notice: with its own in place a recipient of Finland gets
    what we may process.
    """
    decision = ask(declared(recipient))
    assert decision, decision.codes
    assert decision.question == "may_disclose"


@pytest.mark.parametrize(
    ("recipient", "code", "missing"),
    [
        (attrs.evolve(PROCESSOR, contract=None), "contract-missing", "with the processor"),
        (attrs.evolve(JOINT, contract=None), "arrangement-missing", "as joint controllers"),
        (attrs.evolve(JOINT, essence_published=False), "essence-unpublished", "the essence"),
        (attrs.evolve(OWN, own_basis=None), "recipient-without-basis", "own legal basis"),
        (attrs.evolve(OWN, country=None), "recipient-country-unknown", "established"),
    ],
)
def test_each_missing_condition_alone_is_named(
    recipient: Recipient, code: str, missing: str
) -> None:
    """A condition of the role that nobody declared is one reason, and says what to get."""
    decision = ask(declared(recipient))
    assert against(decision) == {code}
    assert decision.outcome is Outcome.NEEDS
    assert [one for one in decision.missing if missing in one] == list(decision.missing)


def test_every_term_of_a_contract_has_its_reason() -> None:
    """The table names each term of Art. 28(3) once, with words of its own (R-705)."""
    assert set(CONTRACT) == set(ContractItem)
    assert len({reason.missing for reason in CONTRACT.values()}) == len(ContractItem)


@pytest.mark.parametrize("item", ContractItem)
def test_a_contract_that_lacks_one_term_says_which(item: ContractItem) -> None:
    """Nine terms of ten make no contract with a processor."""
    decision = ask(declared(attrs.evolve(PROCESSOR, holds=PROCESSOR.holds - {item})))
    assert against(decision) == {"contract-incomplete"}
    assert decision.missing == CONTRACT[item].missing


def test_a_contract_of_which_nothing_is_known_lacks_everything() -> None:
    """A reference alone proves no term."""
    decision = ask(declared(attrs.evolve(PROCESSOR, holds=frozenset())))
    assert len(decision.missing) == len(ContractItem)


def test_a_recipient_the_purpose_does_not_declare_gets_nothing() -> None:
    """Recipients are declared purpose by purpose, whatever their papers (Art. 13(1)(e))."""
    register = attrs.evolve(jot(), recipients={**jot().recipients, OTHER: PROCESSOR})
    assert against(ask(register)) == {"recipient-not-declared"}


def test_the_notice_that_named_recipients_is_the_evidence() -> None:
    """A controller in its own right is named before, for this purpose (R-118)."""
    (told,) = (r for r in ask(declared(OWN)).reasons if r.code == "recipient-told")
    assert told.evidence == (2,)
    silent = with_notice("v7", names_recipients=False)
    assert against(ask(declared(OWN, register=silent))) == {"recipient-not-told"}
    elsewhere = with_notice("v7", purposes=jot().notices[NoticeId("v7")].purposes - {CARE})
    assert "recipient-not-told" in against(ask(declared(OWN, register=elsewhere)))


@pytest.mark.parametrize(
    ("question", "error"),
    [({"purpose": "customer-car"}, UnknownPurpose), ({"fields": ["emial"]}, UnknownName)],
)
def test_an_undeclared_name_is_an_error(question: dict[str, Any], error: type[Exception]) -> None:
    """Purpose and fields are declared names; another word is a mistake, not an answer."""
    with pytest.raises(error, match="did you mean"):
        ask(declared(OWN), **question)
    with pytest.raises(UnknownName, match="did you mean"):
        may_disclose(case(*customer()), MayDisclose(recipient="hostin", purpose=CARE))


# --- their marketing -----------------------------------------------------------------------------

NAMED = {"recipients": [OTHER]}
BY_INTEREST: dict[str, Any] = {
    "basis": LegalBasis.LEGITIMATE_INTERESTS,
    "interest": "Offers of the group",
    "assessment": jot().purposes[CARE].assessment,
}


def partner(recipient: Recipient = OWN, **more: Any) -> Register:
    return declared(recipient, purpose=PARTNERS, **more)


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SMS, Channel.ONLINE])
@pytest.mark.parametrize("recipient", [OWN, JOINT], ids=lambda one: one.role)
def test_electronic_marketing_of_others_needs_a_consent_that_names_them(
    recipient: Recipient, channel: Channel
) -> None:
    """An interest is not enough, nor a consent that names nobody or somebody else (R-118)."""
    register = partner(recipient, channels={channel}, **BY_INTEREST)

    def given(**said: Any) -> Decision:
        consent = consented(PARTNERS, [channel], **said)
        return ask(register, *customer(), consent, purpose=PARTNERS)

    unasked = ask(register, purpose=PARTNERS)
    for decision in (unasked, given(), given(recipients=["affiliates"])):
        assert against(decision) == {"recipient-not-in-consent"}
        assert decision.outcome is Outcome.FORBIDDEN
    named = given(**NAMED)
    assert named
    assert "recipient-named-in-consent" in named.codes


@pytest.mark.parametrize("channel", [Channel.POST, Channel.PHONE])
def test_post_and_calls_of_others_need_no_consent(channel: Channel) -> None:
    """Where the law on electronic messages does not ask for consent, basis and notice suffice."""
    assert ask(partner(channels={channel}, **BY_INTEREST), purpose=PARTNERS)


def test_marketing_on_an_unknown_way_is_taken_for_electronic() -> None:
    """A marketing purpose that declares no channel may be electronic: unknown never allows."""
    register = partner(channels=(), **BY_INTEREST)
    assert against(ask(register, purpose=PARTNERS)) == {"recipient-not-in-consent"}
    named = consented(PARTNERS, (), **NAMED)
    assert ask(register, *customer(), named, purpose=PARTNERS)


def test_each_electronic_way_needs_its_own_naming() -> None:
    """A consent for e-mail that names the recipient names nobody for text messages."""
    register = partner(channels={Channel.EMAIL, Channel.SMS})
    by_mail = consented(PARTNERS, [Channel.EMAIL], **NAMED)
    assert against(ask(register, *customer(), by_mail, purpose=PARTNERS)) == {
        "recipient-not-in-consent"
    }
    both = consented(PARTNERS, [Channel.EMAIL, Channel.SMS], **NAMED)
    assert ask(register, *customer(), both, purpose=PARTNERS)


def test_whoever_relies_on_a_consent_is_named_in_it() -> None:
    """Also outside marketing a recipient on consent needs its name in one (EDPB-C para 65)."""
    relies = declared(attrs.evolve(OWN, own_basis=LegalBasis.CONSENT), channels=())
    assert against(ask(relies)) == {"recipient-not-in-consent"}
    assert ask(relies, *customer(), consented(CARE, (), **NAMED))


def test_a_joint_controller_on_a_purpose_of_consent_is_named() -> None:
    """Joint controllers rely on the consent of the purpose, not on a basis of their own."""
    register = declared(JOINT, basis=LegalBasis.CONSENT, channels=())
    unnamed = ask(register, *customer(), consented(CARE, ()))
    assert against(unnamed) == {"recipient-not-in-consent"}
    assert ask(register, *customer(), consented(CARE, (), **NAMED))


@pytest.mark.parametrize("basis", LegalBasis)
def test_only_consent_or_an_interest_carries_marketing_of_others(basis: LegalBasis) -> None:
    """No contract, duty, task or emergency makes somebody's marketing lawful (R-103)."""
    named = consented(PARTNERS, [Channel.EMAIL], **NAMED)
    register = partner(attrs.evolve(OWN, own_basis=basis))
    decision = ask(register, *customer(), named, purpose=PARTNERS)
    markets = {LegalBasis.CONSENT, LegalBasis.LEGITIMATE_INTERESTS}
    assert against(decision) == (set() if basis in markets else {"recipient-basis-unfit"})


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        (MarketingObjection(channels=[Channel.POST], via=IntakeChannel.LETTER), "objected"),
        (MarketingProhibition(channels=[Channel.POST], via=IntakeChannel.LETTER), "stopped"),
    ],
    ids=["objection", "prohibition"],
)
def test_a_stop_on_one_way_stops_the_disclosure_for_it(stop: Fact, code: str) -> None:
    """Who stopped post is not passed on for marketing by post; a later consent rules again."""
    register = partner(channels={Channel.POST}, **BY_INTEREST)
    assert ask(register, purpose=PARTNERS)
    assert against(ask(register, *customer(), stop, purpose=PARTNERS)) == {code}
    again = consented(PARTNERS, [Channel.POST])
    assert ask(register, *customer(), stop, again, purpose=PARTNERS)
    elsewhere = partner(channels={Channel.PHONE}, **BY_INTEREST)
    assert ask(elsewhere, *customer(), stop, purpose=PARTNERS)


def test_what_a_company_prohibits_its_contact_does_not_allow_others() -> None:
    """A company's prohibition holds against partners too; the contact's own consent lifts nothing
    (R-316.3).
    """
    register = partner(channels={Channel.POST}, **BY_INTEREST)
    post = [Channel.POST]
    stop = MarketingProhibition(channels=post, via=IntakeChannel.LETTER, by=Actor.COMPANY)
    own = consented(PARTNERS, post, **NAMED)
    for facts in ([stop], [stop, own]):
        decision = ask(register, *customer(), *facts, purpose=PARTNERS)
        assert against(decision) == {"company-prohibited"}


def test_what_the_organisation_prohibited_has_to_be_known() -> None:
    """Without the standing of the organisation the person acts for, nobody is passed on (R-418)."""
    register = partner(channels={Channel.POST}, **BY_INTEREST)
    acts = RoleTaken(organisation=SubjectId(UUID(int=7, version=4)))
    decision = ask(register, *customer(), acts, purpose=PARTNERS)
    assert against(decision) == {"organisation-unknown"}


@pytest.mark.parametrize(
    ("parts", "named"), [({"own_basis": None}, True), ({}, False)], ids=["basis", "notice"]
)
def test_the_marketing_register_stays_here_without_basis_or_notice(
    parts: dict[str, Any], named: bool
) -> None:
    """Either one missing forbids for people in the register, and only for them (R-419)."""
    notices = with_notice("v7", names_recipients=named)
    recipient = attrs.evolve(OWN, **parts)
    post = {Channel.POST}
    register = declared(recipient, register=notices, purpose=MARKETING, channels=post)
    former = [*customer(), ended(), moved()]
    assert "register-not-for-others" in against(ask(register, *former, purpose=MARKETING))
    present = ask(register, *customer(), purpose=MARKETING)
    assert "register-not-for-others" not in present.codes
    assert present.outcome is Outcome.NEEDS


def test_other_fields_than_those_of_the_register_are_not_of_it() -> None:
    """Title and company are not in this entry, so R-419 has nothing to say of them."""
    register = declared(attrs.evolve(OWN, own_basis=None), purpose=MARKETING)
    former = [*customer(), ended(), moved()]
    for fields, of_it in ((["title"], False), (["title", "email"], True)):
        decision = ask(register, *former, purpose=MARKETING, fields=fields)
        assert ("register-not-for-others" in decision.codes) is of_it


def test_the_customer_file_is_not_the_register() -> None:
    """Another purpose's values are not those of the register, though it holds the same fields;
    those of a purpose that lives in the register are, whether it calls itself marketing or not.
    """
    recipient = attrs.evolve(OWN, own_basis=None)
    former = [*customer(), ended(), moved()]
    for filing in (FilingSystem.CUSTOMER, FilingSystem.MARKETING):
        decision = ask(declared(recipient, filing=filing), *former)
        in_register = filing is FilingSystem.MARKETING
        assert ("register-not-for-others" in decision.codes) is in_register


# --- third countries -----------------------------------------------------------------------------


def flow(name: str = "out", **parts: Any) -> Transfer:
    given: dict[str, Any] = {
        "id": name,
        "country": "IN",
        "recipient": OTHER,
        "importer": "Example Services Ltd",
        "mechanism": TransferMechanism.STANDARD_CLAUSES,
        "evidence": "contracts/2",
        "module": 2,
        "assessment": "assessments/2",
        "assessment_passed": True,
        "fields": {"name", "email"},
        "purposes": {CARE},
        "review_by": date(2026, 12, 31),
    }
    return Transfer(**{**given, **parts})


def abroad(*flows: Transfer, country: str | None = "IN", **question: Any) -> Decision:
    items = jot().notices[NoticeId("v7")].items | {NoticeItem.TRANSFERS}
    register = declared(
        attrs.evolve(PROCESSOR, country=country), register=with_notice("v7", items=items)
    )
    register = attrs.evolve(register, transfers={one.id: one for one in flows})
    return ask(register, **{"fields": ["name", "email"], **question})


def test_a_third_country_needs_a_declared_flow_to_it() -> None:
    """None, one to another country, one for another purpose or recipient: nothing goes (R-711)."""
    assert abroad(flow())
    for flows in (
        (),
        (flow(country="CH"),),
        (flow(purposes={MARKETING}),),
        (flow(recipient="hosting"),),
    ):
        assert "flow-undeclared" in against(abroad(*flows))


def test_flows_cover_what_is_disclosed_together() -> None:
    """Two flows may share the fields; what no flow is declared for does not go."""
    names, mails = flow("names", fields={"name"}), flow("mails", fields={"email"})
    assert abroad(names, mails)
    assert against(abroad(names)) == {"transfer-not-for-field"}
    assert against(abroad(flow(), fields=[])) == {"transfer-not-for-field"}


def test_every_flow_that_takes_part_must_carry() -> None:
    """One flow that carries does not make good another one of the same data."""
    broken = flow("read", country="CN", assessment_passed=False)
    assert against(abroad(flow(), broken)) == {"transfer-assessment-failed"}
    apart = attrs.evolve(broken, fields={"title"})
    assert abroad(flow(), apart)


@pytest.mark.parametrize("country", ["FI", None])
def test_reading_from_a_third_country_is_a_transfer(country: str | None) -> None:
    """A flow of a recipient counts wherever it is established, or while that is unknown."""
    broken = flow(assessment_passed=False)
    unknown = {"recipient-country-unknown"} if country is None else set()
    assert against(abroad(broken, country=country)) == {"transfer-assessment-failed"} | unknown
    assert against(abroad(flow(), country=country)) == unknown


def test_a_flow_of_unknown_data_carries_none() -> None:
    """While nobody knows which fields flow, the flow stands in the way of every field."""
    assert against(abroad(flow(fields=()), country="FI")) == {"transfer-not-for-field"}
