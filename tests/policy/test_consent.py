"""Whether a consent is valid and in force (R-201 to R-219)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.policy.support import (
    NEWSLETTER,
    START,
    added,
    case,
    consented,
    evidence,
    with_notice,
    with_purpose,
)

from gdprkit.facts.consent import ConsentGiven, ConsentRefused, ConsentWithdrawn
from gdprkit.facts.data import CircumstanceNoted
from gdprkit.facts.entry import Fact
from gdprkit.facts.merge import MergedConsent, MergedFrom
from gdprkit.facts.objection import MarketingObjection, MarketingProhibition
from gdprkit.policy.consent import consent_in_force
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.register.notices import NoticeItem
from gdprkit.words.identifiers import NoticeId, PurposeId, SubjectId
from gdprkit.words.vocabulary import Actor, Channel, Circumstance, ConsentMethod, IntakeChannel

VIA = IntakeChannel.EMAIL

#: The newsletter, as if a consent counted without a confirmation (R-216 is tested apart).
SINGLE = with_purpose(NEWSLETTER, double_opt_in=False)


def decide(*facts: Fact, channel: Channel | None = Channel.EMAIL, **more: Any) -> Decision:
    kind = more.pop("kind", "consumer")
    more.setdefault("register", SINGLE)
    return consent_in_force(case(*added(kind), *facts, **more), "newsletter", channel)


def given(**parts: Any) -> ConsentGiven:
    return consented(NEWSLETTER, **parts)


#: what is wrong with the evidence -> (the parts, the code)
PROBLEMS: dict[str, tuple[dict[str, Any], str]] = {
    "pre-ticked box": ({"default_off": False}, "consent-pre-ticked"),
    "bundled": ({"separate": False}, "consent-not-separate"),
    "withdrawal not told": ({"withdrawal_told": False}, "consent-withdrawal-not-told"),
    "condition of a service": ({"conditional_on_service": True}, "consent-conditional"),
    "third person": ({"actor": Actor.THIRD_PERSON}, "consent-not-by-the-person"),
    "company": ({"actor": Actor.COMPANY}, "consent-not-by-the-person"),
    "controller": ({"actor": Actor.CONTROLLER}, "consent-not-by-the-person"),
    "not confirmed": ({"method": ConsentMethod.DOUBLE_OPT_IN}, "consent-unconfirmed"),
    "bundled purposes": ({"bundled": True}, "consent-bundled"),
    "oral without proof": ({"method": ConsentMethod.ORAL}, "consent-oral-unproved"),
    "notice of another purpose": (
        {"notice": "v7-reminder", "data": ["email"]},
        "consent-not-informed",
    ),
    "unknown notice": ({"notice": "v99"}, "consent-notice-unknown"),
    "another text": ({"notice": "v6", "data": ["email"]}, "consent-notice-differs"),
    **{
        str(method): ({"method": method}, "consent-not-affirmative")
        for method in ConsentMethod
        if method
        in (
            ConsentMethod.IMPLIED_BY_USE,
            ConsentMethod.PRE_TICKED,
            ConsentMethod.SILENCE,
            ConsentMethod.GENERAL_TERMS,
            ConsentMethod.BROWSER_SETTING,
        )
    },
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_each_problem_alone_makes_a_consent_invalid(problem: str) -> None:
    """One thing missing from the evidence is one reason, and the consent does not count."""
    parts, code = PROBLEMS[problem]
    decision = decide(given(**parts))
    assert [reason.code for reason in decision.reasons] == [code]
    assert decision.outcome is Outcome.FORBIDDEN
    assert decision.reasons[0].evidence == (4,)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"method": ConsentMethod.WRITTEN},
        {"method": ConsentMethod.ORAL, "proof": ["recording-1"]},
        {"method": ConsentMethod.BUTTON},
        {"method": ConsentMethod.DOUBLE_OPT_IN, "proof": ["mail-1"]},
        {"conditional_on_service": True, "necessary_for_service": True},
        {"actor": Actor.AGENT},
        {"actor": Actor.GUARDIAN},
    ],
)
def test_a_valid_consent_is_in_force(parts: dict[str, Any]) -> None:
    """Every affirmative method with its proof counts, and says until when."""
    decision = decide(given(**parts))
    assert decision
    assert decision.codes == {"consent-in-force"}
    assert decision.valid_until is not None


def test_the_notice_shown_must_be_the_one_on_file() -> None:
    """Where the register knows the hash of a notice, the evidence has to name the same (R-205)."""
    digest = "12" * 32
    register = with_notice("v7", register=SINGLE, sha256=digest)
    assert "consent-notice-differs" in decide(given(), register=register).codes
    assert decide(given(notice_sha256=digest), register=register)
    assert decide(given(language="fi")).codes == {"consent-notice-differs"}, "another language"
    assert decide(given(language="en-GB"))


def test_implied_consent_is_history_and_cannot_be_upgraded() -> None:
    """What was implied never counts, whatever is recorded after it but a new act (R-203)."""
    implied = given(method=ConsentMethod.IMPLIED_BY_USE)
    for later in ([], [implied], [implied, implied]):
        assert decide(implied, *later).outcome is Outcome.FORBIDDEN
    assert decide(implied, given()), "a new affirmative act is a consent of its own"
    assert decide(given(), implied), "what never counts takes no consent away either"


def test_what_was_implied_takes_the_place_of_no_word() -> None:
    """A no stands, on a line and through a merge, whatever was implied since (R-203)."""
    no = ConsentWithdrawn(purpose=NEWSLETTER, channels=[Channel.EMAIL], via=VIA)
    implied = given(method=ConsentMethod.IMPLIED_BY_USE)
    assert decide(given(), no, implied).codes == {"consent-withdrawn"}
    brought = MergedConsent(
        purpose=NEWSLETTER,
        channel=Channel.EMAIL,
        evidence=evidence(method=ConsentMethod.IMPLIED_BY_USE),
        at=START + timedelta(minutes=30),
    )
    merge = MergedFrom(other=SubjectId(UUID(int=7)), consents=[brought])
    assert decide(given(), (START + timedelta(minutes=40), merge))  # type: ignore[arg-type]
    own = attrs.evolve(brought, evidence=evidence(), at=START)
    better = attrs.evolve(merge, consents=[own])
    assert decide(implied, (START + timedelta(minutes=40), better))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (NoticeItem.CONTROLLER, "consent-controller-not-told"),
        (NoticeItem.DATA_CATEGORIES, "consent-data-not-told"),
        (NoticeItem.AUTOMATED_DECISIONS, "consent-automation-not-told"),
    ],
)
def test_each_thing_untold_alone_makes_a_consent_invalid(item: NoticeItem, code: str) -> None:
    """Who, which data, and decisions by machine where there are any, are told before (R-209)."""
    deciding = with_purpose(NEWSLETTER, register=SINGLE, automated_decisions=True)
    assert decide(given(), register=deciding)
    silent = with_notice(
        "v7", register=deciding, items=deciding.notices[NoticeId("v7")].items - {item}
    )
    assert decide(given(), register=silent).codes == {code}
    named = decide(given(data=["email"]), register=silent)
    assert bool(named) is (item is NoticeItem.DATA_CATEGORIES), "the choice may name them"
    undecided = with_purpose(NEWSLETTER, register=silent, automated_decisions=False)
    machines = item is NoticeItem.AUTOMATED_DECISIONS
    assert bool(decide(given(), register=undecided)) is machines


def test_an_objection_to_marketing_leaves_consents_to_what_is_none() -> None:
    """It ends profiling for marketing too, and no consent to another thing (R-311, R-317)."""
    other = with_purpose(NEWSLETTER, register=SINGLE, marketing=False)
    no = MarketingObjection(via=VIA)
    assert decide(given(), no, register=other)
    assert not decide(given(), no)
    assert not decide(given(), ConsentWithdrawn(via=VIA), register=other), "open words cover all"


def test_a_minors_own_consent_does_not_count() -> None:
    """A minor's consent needs the holder of parental responsibility (GDPR Art. 8)."""
    minor = CircumstanceNoted(circumstance=Circumstance.MINOR)
    assert decide(minor, given()).codes == {"consent-of-a-minor"}
    assert decide(minor, given(actor=Actor.GUARDIAN))


def test_a_company_consents_for_its_generic_address_only() -> None:
    """info@ is the company's own mailbox; its staff are not (R-219)."""
    company = given(actor=Actor.COMPANY)
    assert decide(company, kind="generic-address")
    assert not decide(company, kind="company-contact")


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (
            ConsentWithdrawn(purpose=NEWSLETTER, channels=[Channel.EMAIL], via=VIA),
            "consent-withdrawn",
        ),
        (ConsentWithdrawn(purpose=NEWSLETTER, via=VIA), "consent-withdrawn"),
        (ConsentWithdrawn(via=VIA), "consent-withdrawn"),
        (ConsentWithdrawn(via=VIA, by=Actor.THIRD_PERSON), "consent-withdrawn"),
        (ConsentRefused(purpose=NEWSLETTER, channels=[Channel.EMAIL], via=VIA), "consent-refused"),
        (MarketingObjection(via=VIA), "objected"),
        (MarketingObjection(via=VIA, channels=[Channel.EMAIL]), "objected"),
        (MarketingProhibition(via=VIA), "stopped"),
    ],
)
def test_a_later_stop_ends_the_consent_and_a_later_consent_the_stop(fact: Fact, code: str) -> None:
    """The person's latest word rules, and one instant goes to the stop."""
    assert code in decide(given(), fact).codes
    assert not decide(given(), fact)
    assert decide(fact, given())
    together = START + timedelta(minutes=30)
    assert not decide((together, fact), (together, given()))  # type: ignore[arg-type]
    assert not decide((together, given()), (together, fact))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fact",
    [
        ConsentWithdrawn(purpose=PurposeId("profiling"), via=VIA),
        ConsentWithdrawn(purpose=NEWSLETTER, channels=[Channel.POST], via=VIA),
        MarketingObjection(via=VIA, channels=[Channel.PHONE]),
        MarketingObjection(via=VIA, purpose=PurposeId("direct-marketing")),
    ],
)
def test_a_stop_of_another_scope_leaves_the_consent(fact: Fact) -> None:
    """A stop ends what it names (R-317)."""
    assert decide(given(), fact)


def test_withdrawal_never_acts_backwards() -> None:
    """Asked about the moment before, the consent was in force (R-210)."""
    from tests.policy.support import entries

    from gdprkit.policy.case import Case
    from gdprkit.state.standing import fold

    facts = [*added("consumer"), given(), ConsentWithdrawn(purpose=NEWSLETTER, via=VIA)]
    line = entries(facts)
    before = line[-1].at - timedelta(microseconds=1)
    then = Case(standing=fold(line, until=before), register=SINGLE, at=before)
    assert consent_in_force(then, "newsletter", Channel.EMAIL)


def test_a_consent_expires_after_two_years_of_silence() -> None:
    """24 months after the giving, at the end of the day in Helsinki, it has to be asked again."""
    until = decide(given()).valid_until
    assert until is not None
    assert until.isoformat() == "2028-01-05T22:00:00+00:00"
    assert decide(given(), at=until - timedelta(microseconds=1))
    expired = decide(given(), at=until)
    assert expired.codes == {"consent-expired"}
    assert expired.outcome is Outcome.NEEDS
    assert expired.missing


def test_a_consent_that_was_never_given_is_missing() -> None:
    """No word is no consent, and no prohibition either."""
    decision = decide()
    assert decision.codes == {"consent-never-given"}
    assert decision.outcome is Outcome.NEEDS
    assert decide(given(), channel=Channel.POST).codes == {"consent-never-given"}


def test_where_the_register_asks_for_it_a_consent_counts_when_confirmed() -> None:
    """A purpose with double opt-in takes a confirmed consent and no other (R-216)."""
    strict = with_purpose(NEWSLETTER, double_opt_in=True)
    assert decide(given(), register=strict).codes == {"consent-not-confirmed"}
    confirmed = given(method=ConsentMethod.DOUBLE_OPT_IN, proof=["mail-1"])
    assert decide(confirmed, register=strict)


def test_a_notice_that_was_not_published_yet_informed_nobody() -> None:
    """Evidence that names a later notice does not prove what was shown (R-205)."""
    later = with_notice("v7", register=SINGLE, published=date(2026, 1, 6))
    assert decide(given(), register=later).codes == {"consent-before-notice"}
