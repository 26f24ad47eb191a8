"""What the reasons of a legal basis rest on, and until when they hold (R-101 to R-106)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from tests.policy.support import (
    MARKETING,
    added,
    case,
    consented,
    customer,
    ended,
    jot,
    moved,
    with_notice,
    with_purpose,
)

from gdprkit.facts.connection import ConnectionStarted
from gdprkit.facts.consent import ConsentWithdrawn
from gdprkit.facts.data import CircumstanceNoted
from gdprkit.facts.entry import Fact
from gdprkit.facts.notice import NoticeGiven
from gdprkit.policy import basis
from gdprkit.policy.basis import (
    assessment_reasons,
    basis_reasons,
    notice_told,
    swapped_bases,
)
from gdprkit.policy.conditions import marketing_notice
from gdprkit.policy.decisions import Reason
from gdprkit.register.register import Register
from gdprkit.words.identifiers import NoticeId, PurposeId
from gdprkit.words.vocabulary import (
    Channel,
    Circumstance,
    IntakeChannel,
    LegalBasis,
)

CARE = PurposeId("customer-care")
CONTRACT = PurposeId("customer-contract")
MAIL, SMS, POST, PHONE = Channel.EMAIL, Channel.SMS, Channel.POST, Channel.PHONE
UNDECLARED = NoticeGiven(notice=NoticeId("v0"))
HELSINKI = ZoneInfo("Europe/Helsinki")


def reasons(purpose: PurposeId, *facts: Any, **more: Any) -> tuple[Reason, ...]:
    found = case(*facts, **more)
    return tuple(basis_reasons(found, found.register.purposes[purpose]))


def assessed(purpose: PurposeId = CARE, **changes: Any) -> Register:
    found = jot().purposes[purpose].assessment
    assert found is not None
    return with_purpose(purpose, assessment=attrs.evolve(found, **changes))


def test_a_contract_is_the_entry_of_its_connection() -> None:
    """A live contract points to where it began (R-102)."""
    started = ConnectionStarted(reference="contract-1")
    live = reasons(CONTRACT, *added("consumer"), started)
    assert live == (basis.CONTRACT_LIVE.on(4),)
    assert reasons(CONTRACT, *added("consumer")) == (basis.CONTRACT_NOT_LIVE,)


@pytest.mark.parametrize("declared", [LegalBasis.LEGAL_OBLIGATION, LegalBasis.PUBLIC_TASK])
def test_a_duty_names_its_law(declared: LegalBasis) -> None:
    """Each of the two has its own place in Art. 6(1), with or without the statute (R-101)."""
    place_ = {"legal-obligation": "6(1)(c)", "public-task": "6(1)(e)"}[declared]
    for statute, code in (("Act 1/2000 s. 2", "statute-named"), (None, "statute-missing")):
        register = with_purpose(CARE, basis=declared, statute=statute)
        (found,) = reasons(CARE, *customer(), register=register)
        assert (found.code, [cite.place for cite in found.cites]) == (code, [place_])


def test_the_best_channel_answers_for_a_purpose_on_consent() -> None:
    """A consent to one channel carries the purpose whatever was said of the others (R-101)."""
    register = with_purpose(CARE, basis=LegalBasis.CONSENT, channels={MAIL, SMS})
    no = ConsentWithdrawn(purpose=CARE, channels=[MAIL], via=IntakeChannel.EMAIL)

    def codes(*facts: Fact) -> list[tuple[str, tuple[int, ...]]]:
        found = reasons(CARE, *customer(), *facts, register=register)
        return [(reason.code, reason.evidence) for reason in found]

    assert codes(no) == [("consent-never-given", ())]
    assert codes(no, consented(CARE, [SMS])) == [("consent-in-force", (7,))]
    assert codes(consented(CARE, [MAIL, SMS]), no) == [("consent-in-force", (6,))]
    both = attrs.evolve(no, channels=[MAIL, SMS])
    assert codes(both) == [("consent-withdrawn", (6,))]


def test_a_minor_closes_an_interest_and_names_the_entry() -> None:
    """A child's interests outweigh those of the controller (Art. 6(1)(f))."""
    minor = CircumstanceNoted(circumstance=Circumstance.MINOR)
    assert basis.MINOR.on(6) in reasons(CARE, *customer(), minor)
    assert basis.MINOR.code not in {reason.code for reason in reasons(CARE, *customer())}


@pytest.mark.parametrize("covers", [True, False])
def test_marketing_to_former_customers_is_assessed_apart(covers: bool) -> None:
    """Only marketing asks whether former customers were weighed, and only for them (R-403 T2)."""
    register = assessed(MARKETING, covers_former=covers)
    former = [*customer(), ended(), moved()]
    lacking = basis.ASSESSMENT_NOT_FOR_FORMER
    assert (lacking in reasons(MARKETING, *former, register=register)) is not covers
    assert lacking not in reasons(MARKETING, *customer(), register=register)
    care = assessed(CARE, covers_former=covers)
    assert lacking not in reasons(CARE, *former, register=care)


def test_an_assessment_holds_from_its_day_through_its_last_one() -> None:
    """Both ends are days in Helsinki, and the answer says when it changes (R-105)."""
    register = assessed(decided=date(2026, 1, 6), review_by=date(2026, 1, 7))
    begins, ends = datetime(2026, 1, 5, 22, tzinfo=UTC), datetime(2026, 1, 7, 22, tzinfo=UTC)
    instant = timedelta(microseconds=1)

    def answer(at: datetime) -> list[Reason]:
        found = case(*customer(), register=register, at=at)
        return list(assessment_reasons(found, register.purposes[CARE]))

    assert answer(begins - instant) == [basis.ASSESSMENT_NOT_YET.on(until=begins)]
    assert answer(begins) == [basis.ASSESSMENT_PASSED.on(until=ends)]
    assert answer(ends - instant) == [basis.ASSESSMENT_PASSED.on(until=ends)]
    assert answer(ends) == [basis.ASSESSMENT_OVERDUE]


def test_a_notice_that_is_not_declared_hides_no_other() -> None:
    """What nobody can look up tells nothing, and the next notice is read all the same (R-106)."""
    found = case(*added()[:1], UNDECLARED, *added()[1:])
    assert notice_told(found, jot().purposes[CARE]) == 3
    assert marketing_notice(found) == 3
    assert notice_told(case(UNDECLARED), jot().purposes[CARE]) is None


@pytest.mark.parametrize(
    ("changes", "care", "marketing"),
    [
        ({}, 2, 2),
        ({"purposes": frozenset()}, None, 2),
        ({"purposes": frozenset(), "names_marketing": False}, None, None),
        ({"names_marketing": False}, 2, 2),
        ({"names_interest": False}, None, None),
    ],
    ids=["whole", "marketing alone", "neither", "purposes alone", "no interest"],
)
def test_a_notice_tells_the_purposes_it_names(
    changes: dict[str, Any], care: int | None, marketing: int | None
) -> None:
    """Marketing may be named as such; an interest has to be named with it (R-106)."""
    found = case(*customer(), register=with_notice("v7", **changes))
    assert notice_told(found, found.register.purposes[CARE]) == care
    assert notice_told(found, found.register.purposes[MARKETING]) == marketing


def test_a_purpose_on_another_basis_needs_no_interest_told() -> None:
    """Only who relies on an interest has one to name (Art. 13(1)(d))."""
    register = with_notice("v7", names_interest=False)
    found = case(*customer(), register=register)
    assert notice_told(found, register.purposes[CONTRACT]) == 2


def test_an_interest_told_is_the_entry_of_the_notice() -> None:
    """At collection or since, the answer points to the notice (R-106)."""
    assert basis.INTEREST_TOLD.on(2) in reasons(CARE, *customer())
    told = with_notice("v7-reminder", purposes=frozenset({CARE}))
    facts = [f for f in customer() if not isinstance(f, NoticeGiven)]
    later = NoticeGiven(notice=NoticeId("v7-reminder"))
    assert basis.INTEREST_TOLD_LATER.on(5) in reasons(CARE, *facts, later, register=told)
    assert basis.INTEREST_NOT_TOLD in reasons(CARE, *facts, register=told)


@pytest.mark.parametrize(
    ("was", "now", "swapped"),
    [
        (LegalBasis.CONSENT, LegalBasis.LEGITIMATE_INTERESTS, True),
        (LegalBasis.CONSENT, LegalBasis.CONTRACT, True),
        (LegalBasis.CONSENT, LegalBasis.CONSENT, False),
        (LegalBasis.CONSENT, None, False),
        (LegalBasis.LEGITIMATE_INTERESTS, LegalBasis.CONSENT, False),
        (LegalBasis.LEGITIMATE_INTERESTS, LegalBasis.CONTRACT, False),
    ],
)
def test_a_new_register_swaps_no_consent_for_another_basis(
    was: LegalBasis, now: LegalBasis | None, swapped: bool
) -> None:
    """Only what leaves consent for another basis is a swap; asking for one from now on is none
    (R-115)."""
    news = PurposeId("newsletter")
    before = with_purpose(news, basis=was)
    assert swapped_bases(before, with_purpose(news, basis=now)) == ((news,) if swapped else ())


def test_a_purpose_that_is_gone_is_no_swap() -> None:
    """Another purpose with a basis of its own may take its place."""
    bare: dict[str, Any] = {
        "purposes": {},
        "notices": {},
        "cookies": {},
        "transfers": {},
        "logs": {},
    }
    nothing = attrs.evolve(jot(), **bare, marketing_register=None)
    assert swapped_bases(jot(), nothing) == ()
