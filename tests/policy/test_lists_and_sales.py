"""Column LIST, the soft opt-in's facts, profiling, bought lists: each shown to decide alone."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from tests.policy.support import (
    CLEAR,
    MARKETING,
    case,
    consented,
    customer,
    jot,
    sealed,
    with_purpose,
)

from gdprkit.facts.connection import ConnectionStarted
from gdprkit.facts.data import CircumstanceNoted, DataCollected, SubjectAdded
from gdprkit.facts.entry import Fact
from gdprkit.facts.marketing import AddressObtainedAtSale, ListChecked
from gdprkit.facts.notice import NoticeGiven
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.marketing import MayContact, may_contact
from gdprkit.policy.matrix import LISTS, MATRIX, Row
from gdprkit.register.register import Register
from gdprkit.words.identifiers import FieldId, NoticeId, SourceId
from gdprkit.words.vocabulary import (
    Actor,
    Channel,
    CheckedList,
    Circumstance,
    DataTag,
    FieldKind,
    Occasion,
    SourceKind,
    SubjectKind,
)

EVERY: dict[str, Any] = {"channels": list(MATRIX), "written_confirmation": True}
ROBINSON = {Channel.PHONE: CheckedList.ROBINSON_PHONE, Channel.POST: CheckedList.ROBINSON_POST}


def consumer(source: str = "contact-form", *, connected: bool = True) -> list[Fact]:
    facts: list[Fact] = [
        SubjectAdded(kind=SubjectKind.CONSUMER, source=SourceId(source)),
        CircumstanceNoted(circumstance=Circumstance.ADULT),
        NoticeGiven(notice=NoticeId("v7")),
        NoticeGiven(notice=NoticeId("v7-14")),
        DataCollected(values=[sealed("email"), sealed("address")], source=SourceId(source)),
        *(ListChecked(checked=which, hit=False) for which in CheckedList),
    ]
    return [*facts, ConnectionStarted(reference="c-1")] if connected else facts


def ask(*facts: Fact, channel: Channel, register: Register | None = None, **more: Any) -> Decision:
    declared = register or with_purpose(MARKETING, **EVERY)
    return may_contact(
        case(*facts, register=declared, suppressed=CLEAR),
        MayContact(channel=channel, purpose=MARKETING, **more),
    )


@pytest.mark.parametrize("channel", [Channel.PHONE, Channel.POST])
def test_a_robinson_hit_forbids_and_a_consent_to_us_outranks_it(channel: Channel) -> None:
    """The list of the channel stops consumers; self-regulation yields to a consent given to us."""
    hit = ListChecked(checked=ROBINSON[channel], hit=True)
    assert ask(*consumer(), channel=channel)
    stopped = ask(*consumer(), hit, channel=channel)
    assert [r.code for r in stopped.against] == ["robinson-hit"]
    assert ask(*consumer(), hit, consented(channels=[channel]), channel=channel)
    other = {Channel.PHONE: Channel.POST, Channel.POST: Channel.PHONE}[channel]
    elsewhere = ListChecked(checked=ROBINSON[other], hit=True)
    assert ask(*consumer(), elsewhere, channel=channel)


@pytest.mark.parametrize("channel", [Channel.PHONE, Channel.POST])
def test_no_list_stops_a_company_contact(channel: Channel) -> None:
    """Robinson lists are for private persons; offers that relate to duties are not held by them."""
    hit = ListChecked(checked=ROBINSON[channel], hit=True)
    assert ask(*customer(), hit, channel=channel)
    assert Row.B2B_R not in LISTS[channel]


@pytest.mark.parametrize("channel", list(MATRIX))
def test_the_population_register_counts_on_its_own_data_only(channel: Channel) -> None:
    """A ban there forbids for data that came from there, with consent as well, and nothing else."""
    ban = ListChecked(checked=CheckedList.POPULATION_REGISTER, hit=True)
    yes = consented(channels=[channel])
    theirs = ask(*consumer("population-register", connected=False), yes, ban, channel=channel)
    assert theirs.outcome is Outcome.FORBIDDEN
    assert "population-register-ban" in theirs.codes
    assert ask(*consumer(connected=False), yes, ban, channel=channel)


def sale(**more: Any) -> AddressObtainedAtSale:
    given: dict[str, Any] = {
        "channels": [Channel.EMAIL],
        "product_group": "production-automation",
        "refusal_offered": True,
        "option_told": True,
    }
    return AddressObtainedAtSale(**{**given, **more})


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SMS])
def test_a_sale_opens_messages_about_similar_products(channel: Channel) -> None:
    """The soft opt-in is the same law for e-mail and for text messages (R-303, R-108)."""
    allowed = ask(*consumer(), sale(channels=[channel]), channel=channel)
    assert allowed
    assert "soft-opt-in" in allowed.codes


@pytest.mark.parametrize(
    "more",
    [
        {"occasion": Occasion.CONTEST},
        {"occasion": Occasion.QUOTE_REQUEST},
        {"occasion": Occasion.BUSINESS_CARD},
        {"buyer": Actor.COMPANY},
        {"channels": [Channel.POST]},
        {"refusal_offered": False},
        {"option_told": False},
    ],
    ids=str,
)
def test_each_fact_of_the_soft_opt_in_alone_closes_it(more: dict[str, Any]) -> None:
    """No sale, somebody else's sale, another detail, no easy refusal, not told: prior consent."""
    decision = ask(*consumer(), sale(**more), channel=Channel.EMAIL)
    assert decision.cell == "M-EM/CON/N"
    assert decision.outcome is Outcome.FORBIDDEN


def test_a_free_tier_counts_as_a_sale() -> None:
    """Indirect remuneration is enough: a free service that leads to a paid one."""
    assert ask(*consumer(), sale(occasion=Occasion.FREE_TIER), channel=Channel.EMAIL)


def test_products_known_to_be_others_close_the_soft_opt_in() -> None:
    """An affiliate's product, or one of another group, is no similar product of the seller."""
    for declared in ({"own_products": False}, {"product_groups": ["fixtures"]}):
        register = with_purpose(MARKETING, **{**EVERY, **declared})
        decision = ask(*consumer(), sale(), channel=Channel.EMAIL, register=register)
        assert decision.cell == "M-EM/CON/N"


# --- how people are chosen -----------------------------------------------------------------------


def with_field(kind: FieldKind, *tags: DataTag) -> Register:
    """Return the register with one more field, which the marketing purpose declares."""
    register = with_purpose(MARKETING, **EVERY)
    field = attrs.evolve(
        register.fields[FieldId("email")],
        id=FieldId("chosen-by"),
        kind=kind,
        tags=tags,
        lookup=False,
    )
    purpose = register.purposes[MARKETING]
    purpose = attrs.evolve(purpose, fields=purpose.fields | {field.id})
    return attrs.evolve(
        register,
        fields={**register.fields, field.id: field},
        purposes={**register.purposes, MARKETING: purpose},
    )


def chosen(register: Register, *facts: Fact) -> Decision:
    return ask(
        *(facts or customer()), channel=Channel.EMAIL, register=register, selected_by=["chosen-by"]
    )


def test_profiling_has_to_be_told() -> None:
    """Choosing by interests needs a notice naming marketing and the right to object (R-318)."""
    register = with_field(FieldKind.INTEREST)
    assert "profiling-told" in chosen(register).codes
    assert chosen(register)
    untold = [f for f in customer() if not isinstance(f, NoticeGiven)]
    lacking = chosen(register, *untold, consented())
    assert "profiling-not-told" in lacking.codes
    assert lacking.outcome is Outcome.NEEDS


@pytest.mark.parametrize("kind", [FieldKind.USAGE, FieldKind.COOKIE, FieldKind.DEVICE])
def test_choosing_by_watched_behaviour_needs_a_consent(kind: FieldKind) -> None:
    """What services and devices gather chooses nobody without a consent in force (R-318)."""
    register = with_field(kind)
    assert "watched-without-consent" in chosen(register).codes
    assert chosen(register, *customer(), consented())


@pytest.mark.parametrize(
    "tag",
    [
        DataTag.SPECIAL,
        DataTag.CRIMINAL,
        DataTag.CREDIT,
        DataTag.IDENTITY_CODE,
        DataTag.CHILD,
        DataTag.THIRD_PERSON,
        DataTag.FREE_TEXT,
    ],
)
def test_a_closed_tag_chooses_nobody(tag: DataTag) -> None:
    """Closed data never targets; only special data opens by an explicit consent that names it."""
    register = with_field(FieldKind.OTHER, tag)
    assert chosen(register, *customer(), consented()).outcome is Outcome.FORBIDDEN
    assert "closed-data-used" in chosen(register).codes, "without any consent"
    explicit = consented(explicit=True, data=["chosen-by"])
    opened = chosen(register, *customer(), explicit)
    assert bool(opened) is (tag is DataTag.SPECIAL)
    unnamed = chosen(register, *customer(), consented(explicit=True, data=["email"]))
    assert unnamed.outcome is Outcome.FORBIDDEN


def test_a_bought_list_needs_proof_of_its_source() -> None:
    """People from a bought list are written to only with proof that the list is lawful (R-319)."""
    register = with_purpose(MARKETING, **EVERY)
    source = attrs.evolve(
        jot().sources[SourceId("contact-form")], id=SourceId("list-1"), kind=SourceKind.BOUGHT_LIST
    )
    for evidence in (None, "contracts/list-1"):
        declared = attrs.evolve(source, evidence=evidence)
        asked = ask(
            *consumer("list-1", connected=False),
            channel=Channel.POST,
            register=attrs.evolve(
                register,
                sources={**register.sources, declared.id: declared},
                notices={
                    **register.notices,
                    NoticeId("v7-14"): attrs.evolve(
                        register.notices[NoticeId("v7-14")], sources=["list-1"]
                    ),
                },
            ),
        )
        assert asked.cell == "M-PO/PCON/N"
        assert ("list-unproved" in asked.codes) is (evidence is None)
        assert bool(asked) is (evidence is not None), asked.codes
