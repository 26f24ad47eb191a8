"""Row and column of a person, and the stop that reaches them, asked directly (R-307 to R-319)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from tests.policy.support import (
    MARKETING,
    NEWSLETTER,
    TOPICS,
    added,
    case,
    consented,
    customer,
    ended,
    jot,
    moved,
    related,
)

from gdprkit.facts.connection import ConnectionStarted
from gdprkit.facts.consent import ConsentRefused, ConsentWithdrawn
from gdprkit.facts.entry import Fact
from gdprkit.facts.marketing import AddressObtainedAtSale
from gdprkit.facts.objection import MarketingObjection, MarketingProhibition
from gdprkit.policy.matrix import MATRIX, Column, Row
from gdprkit.policy.placing import (
    MayContact,
    column_of,
    place,
    relevance_of,
    row_of,
    soft_opt_in,
    stop_for,
)
from gdprkit.register.register import Register
from gdprkit.words.identifiers import PurposeId, SourceId
from gdprkit.words.vocabulary import Actor, Channel, IntakeChannel, SourceKind

VIA = IntakeChannel.EMAIL
EMAIL, POST = Channel.EMAIL, Channel.POST
PURPOSE = jot().purposes[MARKETING]
CONSUMER = added("consumer")
CONNECTED: Fact = ConnectionStarted(reference="c-1")


# --- the row -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "row"),
    [
        (added("generic-address"), Row.GEN),
        ([*customer()], Row.B2B_R),
        ([*added(), CONNECTED], Row.B2B_U),
        ([*added(), CONNECTED, related(related=False)], Row.B2B_U),
        ([*customer(), ended()], Row.FB2B),
        ([*customer(), ended(), moved()], Row.FB2B),
        ([*added(), CONNECTED, ended()], Row.B2B_U),
        ([*added(source="trade-register"), related()], Row.PB2B),
        ([*added(), related()], Row.B2B_R),
        ([*added(source="trade-register"), CONNECTED, related()], Row.B2B_R),
        ([*added(source="trade-register"), CONNECTED, related(), ended()], Row.FB2B),
        ([*CONSUMER, CONNECTED], Row.CON),
        (CONSUMER, Row.CON),
        ([*CONSUMER, CONNECTED, ended()], Row.FCON),
        (added("consumer", "population-register"), Row.PCON),
        ([*added("consumer", "population-register"), CONNECTED], Row.CON),
        (added("sole-trader"), Row.CON),
        ([], Row.CON),
    ],
)
def test_the_row_is_the_kind_of_person_and_where_the_relation_stands(
    facts: list[Fact], row: Row
) -> None:
    """Kind, relevance, a relation that is over, a prospect from a list: each by itself."""
    assert row_of(case(*facts), PURPOSE) is row
    asked = place(
        case(*facts), MayContact(channel=EMAIL, purpose=MARKETING), PURPOSE, as_member=False
    )
    assert asked.row is row
    assert asked.cell is MATRIX[EMAIL][row][asked.column]


@pytest.mark.parametrize("kind", SourceKind)
def test_a_prospect_is_listed_by_its_source(kind: SourceKind) -> None:
    """Registers of others and bought lists make a listed prospect (R-319); nothing else does."""
    register = jot()
    source = attrs.evolve(
        register.sources[SourceId("contact-form")], kind=kind, evidence="contracts/list-1"
    )
    register = attrs.evolve(register, sources={**register.sources, source.id: source})
    listed = kind in (
        SourceKind.PUBLIC_REGISTER,
        SourceKind.POPULATION_REGISTER,
        SourceKind.BOUGHT_LIST,
    )
    row = Row.PCON if listed else Row.CON
    assert row_of(case(*CONSUMER, register=register), PURPOSE) is row


def test_a_source_that_is_declared_no_more_lists_nobody() -> None:
    """What the register says nothing about is no register of others."""
    assert row_of(case(*added("consumer", "gone-register")), PURPOSE) is Row.CON


# --- relevance -----------------------------------------------------------------------------------


def test_a_finding_that_offers_relate_speaks_about_all_topics() -> None:
    """That they do not relate, about any of them; the newest finding that speaks counts (R-307)."""
    part = frozenset({"spare-parts"})
    other = related(topics={"fixtures"}, related=False)
    both = related(topics=TOPICS | {"fixtures"})
    no = related(topics=part, related=False)
    for findings, position in (
        ([], None),
        ([related()], 1),
        ([both], 1),
        ([related(topics=part)], None),
        ([related(), other], 1),
        ([other], None),
        ([no], 1),
        ([related(), no], 2),
        ([no, related()], 2),
        ([related(), related(topics=part)], 1),
        ([no, related(topics=part)], None),
    ):
        found = relevance_of(case(*findings), PURPOSE)
        assert (found.position if found else None) == position, findings


# --- the soft opt-in -----------------------------------------------------------------------------


def sale(**more: Any) -> AddressObtainedAtSale:
    given: dict[str, Any] = {
        "channels": [EMAIL],
        "product_group": "spare-parts",
        "refusal_offered": True,
        "option_told": True,
    }
    return AddressObtainedAtSale(**{**given, **more})


def test_the_newest_sale_that_fits_opens_messages() -> None:
    """A sale that does not fit leaves an older one standing; the newest of those that do counts."""
    fits = [sale(), sale(product_group="test-systems"), sale(product_group="fixtures")]
    found = soft_opt_in(case(*fits), EMAIL, PURPOSE)
    assert found is not None
    assert (found.position, found.product_group) == (2, "test-systems")
    anything = attrs.evolve(PURPOSE, product_groups=[])
    newest = soft_opt_in(case(*fits), EMAIL, anything)
    assert newest is not None
    assert newest.position == 3
    assert soft_opt_in(case(*fits), Channel.SMS, PURPOSE) is None
    undeclared = attrs.evolve(PURPOSE, own_products=None)
    assert soft_opt_in(case(sale()), EMAIL, undeclared) is not None


# --- stops ---------------------------------------------------------------------------------------


def stop_position(*facts: Fact, channel: Channel = EMAIL, register: Register | None = None) -> Any:
    found = stop_for(case(*facts, register=register), channel, PURPOSE)
    return found.position if found else None


def test_the_newest_stop_counts_and_an_objection_before_any_other() -> None:
    """Later words count; an objection or prohibition is not hidden by a later withdrawal."""
    refused = ConsentRefused(purpose=MARKETING, via=VIA)
    withdrawn = ConsentWithdrawn(purpose=MARKETING, via=VIA)
    objected = MarketingObjection(via=VIA)
    prohibited = MarketingProhibition(via=VIA)
    assert stop_position(refused, withdrawn) == 2
    assert stop_position(withdrawn, refused) == 2
    assert stop_position(objected, refused, withdrawn) == 1
    assert stop_position(prohibited, withdrawn) == 1
    assert stop_position(objected, prohibited, withdrawn) == 2
    assert stop_position() is None


@pytest.mark.parametrize("kind", [MarketingObjection, MarketingProhibition])
def test_an_objection_reaches_its_purpose_and_channels_only(kind: Any) -> None:
    """Limited words limit the stop (R-311); without limits it reaches everything."""
    assert stop_position(kind(via=VIA, purpose=MARKETING, channels=[EMAIL])) == 1
    assert stop_position(kind(via=VIA, channels=[POST])) is None
    assert stop_position(kind(via=VIA, channels=[POST]), channel=POST) == 1
    assert stop_position(kind(via=VIA, purpose=NEWSLETTER)) is None


@pytest.mark.parametrize("kind", [ConsentWithdrawn, ConsentRefused])
def test_a_no_to_one_marketing_consent_closes_its_channel(kind: Any) -> None:
    """For every purpose that rests on no consent (R-211); profiling has no channel to close."""
    no = kind(purpose=NEWSLETTER, channels=[EMAIL], via=VIA)
    assert stop_position(no) == 1
    assert stop_position(no, channel=POST) is None
    assert stop_position(kind(purpose=NEWSLETTER, via=VIA)) == 1
    assert stop_position(kind(purpose=PurposeId("profiling"), via=VIA)) is None
    assert stop_position(kind(purpose=PurposeId("profiling"), channels=[EMAIL], via=VIA)) == 1
    care = PurposeId("service-communication")
    assert stop_position(kind(purpose=care, via=VIA)) is None, "it is no marketing"
    gone = kind(purpose=PurposeId("gone"), channels=[EMAIL], via=VIA)
    assert stop_position(gone) == 1, "a purpose declared no more counts as marketing"
    assert stop_position(kind(purpose=PurposeId("gone"), via=VIA), channel=POST) == 1


def test_open_words_stop_every_purpose() -> None:
    """A withdrawal without a purpose may mean any of them (R-210)."""
    assert stop_position(ConsentWithdrawn(via=VIA)) == 1
    assert stop_position(ConsentWithdrawn(via=VIA, channels=[POST])) is None


def test_what_a_company_says_is_a_stop_of_others_people_only() -> None:
    """About its own contacts it is step 3; about a consumer it is a third person's word (0.3)."""
    said = MarketingProhibition(via=VIA, by=Actor.COMPANY)
    assert stop_position(*customer(), said) is None
    assert stop_position(*CONSUMER, said) == len(CONSUMER) + 1
    assert stop_position(*customer(), MarketingObjection(via=VIA), said) == len(customer()) + 1


# --- the column ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "channel", "column"),
    [
        ([], EMAIL, Column.NEVER),
        ([consented()], EMAIL, Column.GIVEN),
        ([consented()], POST, Column.NEVER),
        ([consented(NEWSLETTER)], EMAIL, Column.NEVER),
        ([sale()], EMAIL, Column.SOFT),
        ([sale()], POST, Column.NEVER),
        ([ConsentWithdrawn(purpose=MARKETING, channels=[EMAIL], via=VIA)], EMAIL, Column.STOPPED),
        ([ConsentWithdrawn(purpose=MARKETING, channels=[EMAIL], via=VIA)], POST, Column.NEVER),
        ([sale(), ConsentRefused(purpose=MARKETING, via=VIA)], EMAIL, Column.STOPPED),
        ([sale(), MarketingObjection(via=VIA)], EMAIL, Column.OBJECTED),
        ([MarketingObjection(via=VIA, purpose=NEWSLETTER)], EMAIL, Column.NEVER),
        ([MarketingProhibition(via=VIA, channels=[POST])], POST, Column.OBJECTED),
        ([MarketingObjection(via=VIA), consented()], EMAIL, Column.GIVEN),
        ([consented(), MarketingObjection(via=VIA)], EMAIL, Column.OBJECTED),
    ],
)
def test_the_column_is_what_the_person_said_for_the_channel(
    facts: list[Fact], channel: Channel, column: Column
) -> None:
    """A consent in force, a no, an objection, a sale, nothing: alone and asked as a whole."""
    found = case(*customer(), *facts)
    assert column_of(found, channel, PURPOSE) is column
    question = MayContact(channel=channel, purpose=MARKETING)
    asked = place(found, question, PURPOSE, as_member=True)
    assert asked.column is column
    assert (asked.consent is not None) is (column is Column.GIVEN)
    assert (asked.stop is not None) is (column in (Column.STOPPED, Column.OBJECTED))
    assert (asked.case, asked.question, asked.channel, asked.purpose) == (
        found,
        question,
        channel,
        PURPOSE,
    )
    assert asked.status is found.standing.status
    assert asked.relevance == relevance_of(found, PURPOSE)
    assert asked.as_member is True


def test_relevance_is_a_question_about_contacts_only() -> None:
    """A finding about a consumer is no part of the question (R-307)."""
    found = case(*CONSUMER, CONNECTED, related())
    question = MayContact(channel=EMAIL, purpose=MARKETING)
    assert place(found, question, PURPOSE, as_member=False).relevance is None


def test_a_question_takes_words_as_they_are_written() -> None:
    """Channel and fields come as text; nothing else is assumed of the message."""
    asked = MayContact(channel="email", purpose=MARKETING, selected_by=["email", "email"])
    assert asked == MayContact(channel=EMAIL, purpose=MARKETING, selected_by={"email"})
    assert MayContact(channel=EMAIL, purpose=MARKETING).selected_by == frozenset()
    assert (asked.asked_for, asked.automated) == (False, False)
