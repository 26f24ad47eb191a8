"""The order of precedence (R-316): each step wins over everything after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from tests.policy.support import (
    CLEAR,
    MARKETING,
    START,
    added,
    case,
    consented,
    customer,
    ended,
    moved,
    related,
    sealed,
)

from gdprkit.facts.data import CircumstanceNoted
from gdprkit.facts.entry import Fact
from gdprkit.facts.marketing import ListChecked
from gdprkit.facts.objection import MarketingObjection, MarketingProhibition, RestrictionImposed
from gdprkit.facts.retention import Archived, MarketingEntryEnded
from gdprkit.policy.case import Suppressed
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.marketing import MayContact, may_contact
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import (
    Actor,
    Channel,
    CheckedList,
    Circumstance,
    ErasureReason,
    FilingSystem,
    IntakeChannel,
    RestrictionGround,
)

EMAIL = IntakeChannel.EMAIL
ARCHIVED = Archived(
    values=[sealed("invoices", FilingSystem.ARCHIVE)],
    purpose=PurposeId("bookkeeping"),
    until=date(2031, 12, 31),
)

#: In the order of R-316: step -> (code, facts that trip it, more that trips it).
STEPS: Mapping[str, tuple[str, list[Fact], dict[str, Any]]] = {
    "1 restricted": (
        "restricted",
        [RestrictionImposed(ground=RestrictionGround.ACCURACY_CONTESTED)],
        {},
    ),
    "2 objected": ("objected", [MarketingObjection(via=EMAIL)], {}),
    "3 company": ("company-prohibited", [MarketingProhibition(via=EMAIL, by=Actor.COMPANY)], {}),
    "4 closed data": ("closed-data-used", [], {"selected_by": ["feedback"]}),
    "5 minor": ("minor", [CircumstanceNoted(circumstance=Circumstance.MINOR)], {}),
    "7 membership": (
        "not-in-marketing-register",
        [ended(), moved(), MarketingEntryEnded(reason=ErasureReason.RETENTION_ENDED), ARCHIVED],
        {},
    ),
    "8 suppressed": ("suppressed", [], {"hits": {Channel.EMAIL: START}}),
    "8 cell": ("cell-forbids", [related(related=False)], {}),
}


def decide(
    *facts: Fact, selected_by: Any = (), hits: Any = (), purpose: Any = MARKETING
) -> Decision:
    suppressed = Suppressed(looked=CLEAR.looked, hits=dict(hits))
    return may_contact(
        case(*facts, suppressed=suppressed),
        MayContact(channel="email", purpose=purpose, selected_by=selected_by),
    )


@pytest.mark.parametrize("first", range(len(STEPS)), ids=list(STEPS))
def test_the_first_step_that_forbids_is_the_answer(first: int) -> None:
    """With a step and all that follow it tripped, only that step's reason forbids."""
    tripped = list(STEPS.values())[first:]
    facts = [fact for _, facts, _ in tripped for fact in facts]
    more: dict[str, Any] = {}
    for _, _, extra in tripped:
        more.update(extra)
    decision = decide(*customer(), *facts, **more)
    forbidding = {r.code for r in decision.reasons if r.outcome is Outcome.FORBIDDEN}
    # the closed field is one the purpose does not declare either; that is the same step
    assert forbidding - {"selected-by-undeclared"} == {tripped[0][0]}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_forbids_on_its_own(step: str) -> None:
    """Each step alone turns an allowed contact into a forbidden one."""
    code, facts, more = STEPS[step]
    assert decide(*customer())
    decision = decide(*customer(), *facts, **more)
    assert decision.outcome is Outcome.FORBIDDEN
    assert code in decision.codes


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (CircumstanceNoted(circumstance=Circumstance.DECEASED), "person-deceased"),
        (ended(), "under-review"),
    ],
)
def test_the_state_of_the_person_forbids_also_with_consent(fact: Fact, code: str) -> None:
    """Death and the review after the end are stronger than a consent (R-316.1, 0.3)."""
    decision = decide(*customer(), consented(), fact)
    assert decision.outcome is Outcome.FORBIDDEN
    assert code in decision.codes


def test_nobody_is_allowed_whom_nothing_is_known_about() -> None:
    """Without a single fact there is no person, and no contact."""
    assert decide().outcome is Outcome.FORBIDDEN


def test_a_restriction_beats_a_consent() -> None:
    """Restricted data is stored only, also with consent (R-316.1)."""
    assert decide(*customer(), consented())
    restricted = RestrictionImposed(ground=RestrictionGround.UNLAWFUL)
    assert decide(*customer(), consented(), restricted).outcome is Outcome.FORBIDDEN


@pytest.mark.parametrize("field", ["feedback", "message", "credit-information", "agreement"])
def test_closed_data_never_chooses_people(field: str) -> None:
    """Credit data and free text are closed to targeting, with consent as well (R-316.4)."""
    decision = decide(*customer(), consented(), selected_by=["company", field])
    assert "closed-data-used" in decision.codes
    assert decision.outcome is Outcome.FORBIDDEN


# --- the company's own stop (R-316.3) ---------------------------------------------------------

COMPANY_STOP = MarketingProhibition(via=EMAIL, by=Actor.COMPANY)


@pytest.mark.parametrize(
    ("later", "allowed"),
    [
        ([], False),
        ([consented()], False),  # the contact's own word lifts nothing of the company's
        ([consented(actor=Actor.COMPANY)], True),
    ],
    ids=["nothing", "contact-consents", "company-consents"],
)
def test_only_the_company_lifts_its_prohibition(later: list[Fact], allowed: bool) -> None:
    """A company's prohibition closes the work address until the company itself consents."""
    decision = decide(*customer(), COMPANY_STOP, *later)
    assert ("company-prohibited" not in decision.codes) is allowed
    assert bool(decision) is allowed


def test_an_earlier_consent_of_the_company_lifts_nothing() -> None:
    """Consent first, prohibition later: the prohibition rules."""
    decision = decide(*customer(), consented(actor=Actor.COMPANY), COMPANY_STOP)
    assert "company-prohibited" in decision.codes


def test_a_company_stop_for_one_channel_leaves_the_other() -> None:
    """The prohibition reaches the channels it names."""
    by_post = MarketingProhibition(via=EMAIL, by=Actor.COMPANY, channels=[Channel.POST])
    assert decide(*customer(), by_post)


# --- stops and later consents (R-211, R-317) -----------------------------------------------------


def test_a_later_consent_outranks_an_objection_for_its_scope_only() -> None:
    """The person's own later word opens the channel it names, and no other."""
    life = [*customer(), MarketingObjection(via=EMAIL), consented()]
    assert decide(*life)
    post = may_contact(case(*life, suppressed=CLEAR), MayContact(channel="post", purpose=MARKETING))
    assert post.outcome is Outcome.FORBIDDEN


def test_an_objection_rules_again_when_the_later_consent_has_expired() -> None:
    """A consent lifts an objection while it lasts, not for ever (0.3)."""
    life = [*customer(), MarketingObjection(via=EMAIL), consented()]
    question = MayContact(channel="email", purpose=MARKETING)
    now = may_contact(case(*life, suppressed=CLEAR), question)
    assert now.valid_until is not None
    before = may_contact(
        case(*life, at=now.valid_until - timedelta(microseconds=1), suppressed=CLEAR), question
    )
    after = may_contact(case(*life, at=now.valid_until, suppressed=CLEAR), question)
    assert before
    assert after.outcome is Outcome.FORBIDDEN
    assert "objected" in after.codes


def test_at_the_same_instant_the_stop_wins() -> None:
    """An objection and a consent of the same moment: the person is not contacted."""
    pair: list[Fact] = [consented(), MarketingObjection(via=EMAIL)]
    for order in (pair, pair[::-1]):
        together = [(START + timedelta(minutes=30), fact) for fact in order]
        decision = may_contact(
            case(*customer(), *together, suppressed=CLEAR),
            MayContact(channel="email", purpose=MARKETING),
        )
        assert "objected" in decision.codes


def test_withdrawing_a_newsletter_closes_the_mailbox_for_other_marketing() -> None:
    """What was withdrawn does not come back on another basis (R-211)."""
    from gdprkit.facts.consent import ConsentWithdrawn

    withdrawn = ConsentWithdrawn(
        purpose=PurposeId("newsletter"), channels=[Channel.EMAIL], via=EMAIL
    )
    assert decide(*customer())
    decision = decide(*customer(), withdrawn)
    assert decision.codes >= {"consent-withdrawn"}
    assert decision.outcome is Outcome.FORBIDDEN
    assert decide(*customer(), withdrawn, consented()), "a consent to this purpose stays a consent"


# --- lists (R-312, R-315) ------------------------------------------------------------------------


def by_post(*facts: Fact) -> Decision:
    return may_contact(
        case(*facts, suppressed=CLEAR), MayContact(channel="post", purpose=MARKETING)
    )


CONSUMER = [*added("consumer"), CircumstanceNoted(circumstance=Circumstance.ADULT)]
ROBINSON = ListChecked(checked=CheckedList.ROBINSON_POST, hit=True)
REGISTER_BAN = ListChecked(checked=CheckedList.POPULATION_REGISTER, hit=True)


def test_a_robinson_hit_forbids_unless_the_person_consented_here() -> None:
    """Self-regulation gives way to a consent given to this controller for the channel (0.3)."""
    assert "robinson-hit" in by_post(*CONSUMER, ROBINSON).codes
    assert by_post(*CONSUMER, ROBINSON, consented(channels=[Channel.POST]))


def test_the_population_registers_ban_gives_way_to_nothing() -> None:
    """A hit on data from the population register forbids, with consent as well (0.3)."""
    listed = [
        *added("consumer", "population-register"),
        CircumstanceNoted(circumstance=Circumstance.ADULT),
        REGISTER_BAN,
        consented(channels=[Channel.POST]),
    ]
    assert "population-register-ban" in by_post(*listed).codes


def test_the_population_registers_ban_counts_on_its_own_data_only() -> None:
    """The same hit says nothing about data the person gave."""
    clear = ListChecked(checked=CheckedList.ROBINSON_POST, hit=False)
    assert by_post(*CONSUMER, REGISTER_BAN, clear)


@pytest.mark.parametrize(("days", "fresh"), [(30, True), (31, False)])
def test_a_list_check_is_fresh_for_thirty_days(days: int, fresh: bool) -> None:
    """A check of 30 days ago serves, one of 31 days ago needs to be made again (R-315)."""
    clear = ListChecked(checked=CheckedList.ROBINSON_POST, hit=False)
    decision = may_contact(
        case(*CONSUMER, clear, at=START + timedelta(days=days), suppressed=CLEAR),
        MayContact(channel="post", purpose=MARKETING),
    )
    assert bool(decision) is fresh


def test_a_consumer_of_unknown_age_is_a_question() -> None:
    """Adult age is presumed at work and nowhere else (0.3)."""
    assert "age-unknown" in decide(*added("consumer")).codes
    assert "age-unknown" not in decide(*customer()).codes
