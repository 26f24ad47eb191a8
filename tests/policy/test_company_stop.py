"""The stop of a company about its contacts: whose word counts, and what lifts it (R-219, R-418)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import attrs
from tests.policy.support import (
    MARKETING,
    NEWSLETTER,
    START,
    added,
    case,
    consented,
    customer,
    jot,
    life,
)

from gdprkit.facts.connection import RoleTaken
from gdprkit.facts.consent import ConsentWithdrawn
from gdprkit.facts.entry import Fact
from gdprkit.facts.objection import MarketingObjection, MarketingProhibition
from gdprkit.policy.placing import company_stop_for, company_word
from gdprkit.state.standing import Standing
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import Actor, Channel, IntakeChannel, StopKind

VIA = IntakeChannel.EMAIL
EMAIL, POST = Channel.EMAIL, Channel.POST
PURPOSE = jot().purposes[MARKETING]
CONSUMER = added("consumer")
ORGANISATION = SubjectId(UUID(int=7, version=4))
COMPANY_NO = MarketingProhibition(via=VIA, by=Actor.COMPANY)
COMPANY_YES = consented(actor=Actor.COMPANY)


def company_stop(
    *facts: Fact, channel: Channel = EMAIL, there: Standing | None = None
) -> tuple[int, StopKind] | None:
    """Return the company's stop for a customer's contact, its entry counted from the last fact."""
    known = attrs.evolve(case(*customer(), *facts), organisation=there)
    found = company_stop_for(known, channel, PURPOSE)
    return (found.position - len(customer()), found.kind) if found else None


def test_the_companys_newest_stop_on_the_contacts_line_counts() -> None:
    """It reaches its channels; the contact's own stops and consents are another matter (R-219)."""
    by_post = attrs.evolve(COMPANY_NO, channels=[POST])
    objected = MarketingObjection(via=VIA, by=Actor.COMPANY)
    assert company_stop() is None
    assert company_stop(MarketingObjection(via=VIA)) is None
    assert company_stop(COMPANY_NO) == (1, StopKind.PROHIBITION)
    assert company_stop(COMPANY_NO, objected) == (2, StopKind.OBJECTION)
    assert company_stop(objected, COMPANY_NO) == (2, StopKind.PROHIBITION)
    assert company_stop(by_post) is None
    assert company_stop(by_post, channel=POST) == (1, StopKind.PROHIBITION)
    assert company_stop(attrs.evolve(COMPANY_NO, purpose=NEWSLETTER)) is None
    named = attrs.evolve(COMPANY_NO, purpose=MARKETING)
    assert company_stop(named) == (1, StopKind.PROHIBITION)
    assert company_stop_for(case(*CONSUMER, COMPANY_NO), EMAIL, PURPOSE) is None


def test_only_a_later_valid_consent_of_the_company_lifts_its_stop() -> None:
    """Earlier, of the contact, or with another fault it lifts nothing (R-316.3)."""
    assert company_stop(COMPANY_NO, COMPANY_YES) is None
    assert company_stop(COMPANY_YES, COMPANY_NO) == (2, StopKind.PROHIBITION)
    assert company_stop(COMPANY_NO, consented()) == (1, StopKind.PROHIBITION)
    unclear = consented(actor=Actor.COMPANY, default_off=False)
    assert company_stop(COMPANY_NO, unclear) == (1, StopKind.PROHIBITION)
    other = consented(NEWSLETTER, actor=Actor.COMPANY)
    assert company_stop(COMPANY_NO, other) == (1, StopKind.PROHIBITION)
    taken_back = ConsentWithdrawn(purpose=MARKETING, via=VIA)
    assert company_stop(COMPANY_NO, COMPANY_YES, taken_back) == (1, StopKind.PROHIBITION)
    again = attrs.evolve(COMPANY_NO, channels=[EMAIL])
    assert company_stop(COMPANY_NO, COMPANY_YES, again) == (3, StopKind.PROHIBITION)


def test_of_a_company_too_the_stop_wins_at_the_same_instant() -> None:
    """Consent and prohibition of one moment: nobody is contacted, on either line."""
    at = START + timedelta(minutes=30)
    together = ((at, COMPANY_NO), (at, COMPANY_YES))
    found = company_stop_for(case(*customer(), *together), EMAIL, PURPOSE)
    assert found is not None
    assert found.position == len(customer()) + 1
    role = RoleTaken(organisation=ORGANISATION)
    there = life(*added("generic-address"), *together)
    assert company_stop(role, there=there) == (1, StopKind.PROHIBITION)


def test_a_stop_on_the_organisations_own_line_reaches_its_contacts() -> None:
    """It stands on the entry that says for whom the person acts, until lifted there (R-418)."""
    role = RoleTaken(organisation=ORGANISATION)
    line = added("generic-address")
    there = life(*line, MarketingProhibition(via=VIA, by=Actor.COMPANY))
    assert company_stop(role, there=there) == (1, StopKind.PROHIBITION)
    assert company_stop(role, there=life(*line)) is None
    assert company_stop(role) is None
    lifted = life(*line, MarketingProhibition(via=VIA, by=Actor.COMPANY), COMPANY_YES)
    assert company_stop(role, there=lifted) is None
    before = life(*line, COMPANY_YES, MarketingProhibition(via=VIA, by=Actor.COMPANY))
    assert company_stop(role, there=before) == (1, StopKind.PROHIBITION)
    invalid = consented(actor=Actor.COMPANY, default_off=False)
    unlifted = life(*line, MarketingProhibition(via=VIA, by=Actor.COMPANY), invalid)
    assert company_stop(role, there=unlifted) == (1, StopKind.PROHIBITION)
    named = life(*line, MarketingProhibition(via=VIA, by=Actor.COMPANY, purpose=MARKETING))
    assert company_stop(role, there=named) == (1, StopKind.PROHIBITION)
    other = life(*line, MarketingProhibition(via=VIA, by=Actor.COMPANY, channels=[POST]))
    assert company_stop(role, there=other) is None
    assert company_stop(role, channel=POST, there=other) == (1, StopKind.PROHIBITION)


def test_of_two_lines_the_newer_stop_of_the_company_is_named() -> None:
    """On the contact's line or on its own: the newer one is the answer's evidence."""
    role = RoleTaken(organisation=ORGANISATION)
    objected = MarketingObjection(via=VIA, by=Actor.COMPANY)
    early = life((START - timedelta(days=1), objected))
    late = life((START + timedelta(minutes=50), objected))
    assert company_stop(role, COMPANY_NO, there=early) == (2, StopKind.PROHIBITION)
    assert company_stop(role, COMPANY_NO, there=late) == (1, StopKind.OBJECTION)
    assert company_stop(role, COMPANY_NO, COMPANY_YES, there=late) == (1, StopKind.OBJECTION)
    assert company_stop(role, COMPANY_NO, there=life()) == (2, StopKind.PROHIBITION)
    same = life((START + timedelta(minutes=len(customer()) + 2), objected))
    assert company_stop(role, COMPANY_NO, there=same) == (2, StopKind.PROHIBITION)


def test_the_consent_that_lifts_names_its_entry_and_its_end() -> None:
    """On the contact's own line the entry that says it; of the organisation's line the entry that
    names the organisation; the newest of both counts, whole (R-316.3, R-330)."""
    own = case(*customer(), COMPANY_NO, COMPANY_YES)
    stop, consent = company_word(own, EMAIL, PURPOSE)
    assert stop is not None
    assert consent is not None
    assert consent.word.position == len(customer()) + 2
    assert consent.evidence == COMPANY_YES.evidence

    role = RoleTaken(organisation=ORGANISATION)
    said = (START + timedelta(minutes=30), COMPANY_YES)
    there = life(*added("generic-address"), COMPANY_NO, said)
    by_the_firm = attrs.evolve(case(*customer(), role), organisation=there)
    stop, consent = company_word(by_the_firm, EMAIL, PURPOSE)
    assert consent is not None
    assert consent.word.position == len(customer()) + 1
    assert consent.evidence == COMPANY_YES.evidence
    for minute, position in ((29, len(customer()) + 1), (31, len(customer()) + 2)):
        here = (START + timedelta(minutes=minute), COMPANY_YES)
        both = attrs.evolve(case(*customer(), role, here), organisation=there)
        stop, consent = company_word(both, EMAIL, PURPOSE)
        assert consent is not None
        assert consent.word.position == position
