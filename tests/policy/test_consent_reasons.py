"""What each reason about a consent rests on, and until when it holds (R-201 to R-216)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
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

from gdprkit.facts.consent import (
    ConsentConfirmed,
    ConsentRefused,
    ConsentRequested,
    ConsentWithdrawn,
)
from gdprkit.facts.objection import MarketingObjection, MarketingProhibition
from gdprkit.policy import consent
from gdprkit.policy.case import Case
from gdprkit.policy.consent import (
    consent_in_force,
    lapses_at,
    valid_consent,
)
from gdprkit.policy.decisions import Decision
from gdprkit.policy.law import FI_2026
from gdprkit.words.identifiers import PurposeId, SubjectId
from gdprkit.words.vocabulary import Actor, Channel, ConsentMethod, IntakeChannel

VIA = IntakeChannel.EMAIL
MAIL, SMS, POST = Channel.EMAIL, Channel.SMS, Channel.POST
ANALYTICS = PurposeId("website-analytics")
SINGLE = with_purpose(NEWSLETTER, double_opt_in=False)
#: Half past midnight on 6 January in Helsinki, while UTC still has the fifth.
AFTER_MIDNIGHT = datetime(2026, 1, 5, 22, 30, tzinfo=UTC)
TWO_YEARS = datetime(2028, 1, 5, 22, tzinfo=UTC)


def of(*facts: Any, **more: Any) -> Case:
    more.setdefault("register", SINGLE)
    return case(*added("consumer"), *facts, **more)


def ask(*facts: Any, channel: Channel | None = MAIL, **more: Any) -> Decision:
    return consent_in_force(of(*facts, **more), NEWSLETTER, channel)


def given(*channels: Channel, **parts: Any) -> Any:
    return consented(NEWSLETTER, channels or (MAIL,), **parts)


def wish(**parts: Any) -> ConsentRequested:
    return ConsentRequested(purpose=NEWSLETTER, channels=[MAIL], evidence=evidence(**parts))


def later(days: float) -> datetime:
    return START + timedelta(days=days)


# --- the answer ----------------------------------------------------------------------------------


def test_the_answer_names_the_question_the_person_the_moment_and_the_law() -> None:
    """Also when another question rests on the consent, its name stands in the answer."""
    who = SubjectId(UUID(int=9))
    asked = attrs.evolve(of(given()), about=who)
    found = consent_in_force(asked, NEWSLETTER, MAIL)
    assert (found.question, found.about, found.at) == ("has_consent", who, asked.at)
    assert (found.law, found.law_until) == (FI_2026.id, None)
    assert found.reasons == (consent.CONSENT_IN_FORCE.on(4, until=TWO_YEARS),)
    assert consent_in_force(asked, NEWSLETTER, MAIL, question="may_x").question == "may_x"


def test_where_no_channel_is_asked_about_the_longest_consent_answers() -> None:
    """Any channel of the purpose will do; the one that lasts longest is named."""
    register = with_purpose(ANALYTICS, channels={MAIL, SMS, POST})
    until = {
        START: datetime(2026, 7, 5, 21, tzinfo=UTC),
        later(30): datetime(2026, 8, 4, 21, tzinfo=UTC),
    }
    for mail, sms in ((START, later(30)), (later(30), START)):
        said = [
            (mail, consented(ANALYTICS, [MAIL], transfer_risks_told=True)),
            (sms, consented(ANALYTICS, [SMS], transfer_risks_told=True)),
        ]
        found = of(*said, register=register, at=later(40))
        longest = consent.CONSENT_IN_FORCE.on(5 if sms > mail else 4, until=until[later(30)])
        assert consent_in_force(found, ANALYTICS).reasons == (longest,)
        by_mail = consent.CONSENT_IN_FORCE.on(4, until=until[mail])
        assert consent_in_force(found, ANALYTICS, MAIL).reasons == (by_mail,)


def test_each_reason_is_told_once() -> None:
    """Three channels that were never agreed to are one thing missing."""
    both = with_purpose(NEWSLETTER, register=SINGLE, channels={MAIL, SMS, POST})
    assert ask(channel=None, register=both).reasons == (consent.CONSENT_NEVER_GIVEN,)


def test_a_purpose_without_channels_is_asked_about_as_a_whole() -> None:
    """A consent to profiling names no channel and needs none."""
    profiling = PurposeId("profiling")
    found = consent_in_force(of(consented(profiling, ())), profiling)
    assert found.reasons == (consent.CONSENT_IN_FORCE.on(4, until=TWO_YEARS),)
    assert valid_consent(of(consented(profiling, ())), profiling, MAIL) is None


def test_a_consent_in_force_brings_its_word_its_evidence_and_its_end() -> None:
    """Whoever relies on it can show what proves it (Art. 7(1))."""
    said = given(captured_by="page-7")
    found = valid_consent(of(said), NEWSLETTER, MAIL)
    assert found is not None
    assert (found.word.position, found.evidence, found.until) == (4, said.evidence, TWO_YEARS)


# --- why not -------------------------------------------------------------------------------------


def test_a_choice_that_waits_is_the_entry_and_says_until_when() -> None:
    """Seven whole days in Helsinki after the day of the choice, then it has lapsed (R-216)."""
    end = datetime(2026, 1, 12, 22, tzinfo=UTC)
    waiting, lapsed = consent.CONSENT_REQUESTED, consent.CONSENT_LAPSED
    assert ask(wish()).reasons == (waiting.on(4, until=end),)
    assert ask(wish(), at=end - timedelta(microseconds=1)).reasons == (waiting.on(4, until=end),)
    assert ask(wish(), at=end).reasons == (lapsed.on(4),)
    assert ask(wish(), channel=None).reasons == (waiting.on(4, until=end),)
    assert lapses_at(of(), AFTER_MIDNIGHT) == datetime(2026, 1, 13, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        (MarketingObjection(via=VIA), consent.OBJECTED),
        (MarketingProhibition(via=VIA), consent.STOPPED),
    ],
)
def test_a_stop_of_the_same_moment_or_later_is_named(stop: Any, reason: Any) -> None:
    """Two acts at one instant: the stop wins, and is the entry the answer rests on (0.3)."""
    assert ask(given(), stop).reasons == (reason.on(5),)
    together = later(1)
    for facts, position in ((given(), stop), 5), ((stop, given()), 4):
        at_once = [(together, fact) for fact in facts]
        assert ask(*at_once, at=later(2)).reasons == (reason.on(position),)
    assert ask(stop, given()).reasons == (consent.CONSENT_IN_FORCE.on(5, until=TWO_YEARS),)
    this = attrs.evolve(stop, purpose=NEWSLETTER)
    assert ask(given(), this).reasons == (reason.on(5),)
    other = attrs.evolve(stop, purpose=PurposeId("direct-marketing"))
    assert ask(given(bundled=True), other).reasons == (consent.BUNDLED.on(4),)


def test_an_expired_consent_is_the_entry() -> None:
    """At its end it has to be asked for again, and the old one is named (R-213)."""
    assert ask(given(), at=TWO_YEARS).reasons == (consent.CONSENT_EXPIRED.on(4),)


@pytest.mark.parametrize(
    ("no", "reason"),
    [
        (ConsentWithdrawn(purpose=NEWSLETTER, via=VIA), consent.CONSENT_WITHDRAWN),
        (ConsentRefused(purpose=NEWSLETTER, via=VIA), consent.CONSENT_REFUSED),
    ],
)
def test_a_no_is_the_entry_and_has_no_end(no: Any, reason: Any) -> None:
    """A no to marketing lasts until a new consent."""
    assert ask(given(), no).reasons == (reason.on(5),)
    assert ask(given(), no, at=later(3000)).reasons == (reason.on(5),)


@pytest.mark.parametrize(
    ("no", "reason"),
    [
        (ConsentWithdrawn(purpose=ANALYTICS, via=VIA), consent.CONSENT_WITHDRAWN),
        (ConsentRefused(purpose=ANALYTICS, via=VIA), consent.CONSENT_REFUSED),
    ],
)
def test_a_visitor_who_said_no_is_asked_again_after_the_time_set(no: Any, reason: Any) -> None:
    """A no about a device holds for the months set, to the end of the day in Helsinki (R-232)."""
    until = datetime(2026, 7, 6, 21, tzinfo=UTC)

    def answer(at: datetime) -> tuple[Any, ...]:
        return consent_in_force(of((AFTER_MIDNIGHT, no), at=at), ANALYTICS).reasons

    assert answer(until - timedelta(microseconds=1)) == (reason.on(4, until=until),)
    assert answer(until) == (consent.CONSENT_EXPIRED.on(4),)


# --- validity ------------------------------------------------------------------------------------


def test_a_confirmation_in_the_last_moment_counts() -> None:
    """The choice lapses at the end of the seventh day, and not before (R-216)."""
    end = datetime(2026, 1, 12, 22, tzinfo=UTC)
    confirmed = ConsentConfirmed(purpose=NEWSLETTER, proof="token-1")
    late = ask(wish(), (end, confirmed), at=later(9))
    assert late.reasons == (consent.CONSENT_LAPSED.on(5),)
    assert ask(wish(), (end - timedelta(microseconds=1), confirmed), at=later(9))


def test_the_day_of_the_notice_is_that_of_helsinki() -> None:
    """A notice published on the day of the consent was there to be read (R-205)."""
    published = with_notice("v7", register=SINGLE, published=date(2026, 1, 6))
    at = later(2)
    assert ask((AFTER_MIDNIGHT, given()), register=published, at=at)
    before = ask((AFTER_MIDNIGHT - timedelta(hours=1), given()), register=published, at=at)
    assert before.reasons == (consent.CONSENT_BEFORE_NOTICE.on(4),)


def test_a_withdrawn_word_is_judged_by_its_giving() -> None:
    """The evidence of the consent stays with its withdrawal, and so does its day (R-215)."""
    late = with_notice("v7", register=SINGLE, published=date(2026, 1, 10))
    found = of(given(), (later(20), ConsentWithdrawn(purpose=NEWSLETTER, via=VIA)), register=late)
    word = found.standing.consent.word(NEWSLETTER, MAIL)
    assert word is not None
    assert consent.consent_problems(found, word) == (consent.CONSENT_BEFORE_NOTICE,)


def test_what_a_company_withdrew_is_no_consent_of_its_contact() -> None:
    """Whoever withdrew it, the last word of the scope is a no (R-210)."""
    no = ConsentWithdrawn(purpose=NEWSLETTER, via=VIA, by=Actor.COMPANY)
    found = case(*added(), given(), no, register=SINGLE)
    assert valid_consent(found, NEWSLETTER, MAIL) is None
    assert consent_in_force(found, NEWSLETTER, MAIL).reasons == (consent.CONSENT_WITHDRAWN.on(5),)


@pytest.mark.parametrize(
    ("notice", "said", "same"),
    [("en-GB", "en", True), ("en-GB", "en-US", True), ("fi-FI", "en", False)],
)
def test_a_language_is_the_same_in_every_country(notice: str, said: str, *, same: bool) -> None:
    """The text was shown in the language of the consent, whatever the country's variant (R-205)."""
    register = with_notice("v7", register=SINGLE, language=notice)
    assert bool(ask(given(language=said), register=register)) is same


def test_proof_nobody_has_is_the_only_thing_missing() -> None:
    """A consent without evidence is unproved, whatever else might be said of it (R-201)."""
    bare = of(ConsentWithdrawn(purpose=NEWSLETTER, channels=[MAIL], via=VIA))
    word = bare.standing.consent.word(NEWSLETTER, MAIL)
    assert word is not None
    assert consent.consent_problems(bare, word) == (consent.CONSENT_UNPROVED,)


@pytest.mark.parametrize("method", [ConsentMethod.ORAL, ConsentMethod.DOUBLE_OPT_IN])
def test_several_flaws_are_all_told(method: ConsentMethod) -> None:
    """The controller sees everything that is wrong at once, in the order of the rules."""
    flawed = given(
        method=method,
        default_off=False,
        separate=False,
        withdrawal_told=False,
        bundled=True,
        conditional_on_service=True,
        actor=Actor.THIRD_PERSON,
        power_unequal=True,
    )
    assert [reason.code for reason in ask(flawed).reasons] == [
        "consent-pre-ticked",
        "consent-conditional",
        "consent-not-separate",
        "consent-withdrawal-not-told",
        "consent-bundled",
        "consent-oral-unproved" if method is ConsentMethod.ORAL else "consent-unconfirmed",
        "consent-not-by-the-person",
        "consent-under-imbalance",
    ]


def test_a_notice_renews_only_what_was_agreed_to_on_an_older_one() -> None:
    """Renewed on the very day of the notice that was shown, nothing is outdated (R-214)."""
    shown = SINGLE.notices[consented().evidence.notice].published
    same_day = with_notice(
        "v7-reminder", register=SINGLE, published=shown, renews=frozenset({NEWSLETTER})
    )
    assert ask(given(), register=same_day)
    next_day = with_notice(
        "v7-reminder",
        register=SINGLE,
        published=shown + timedelta(days=1),
        renews=frozenset({NEWSLETTER}),
    )
    assert ask(given(), register=next_day).reasons == (consent.CONSENT_OUTDATED.on(4),)
    today = with_notice(
        "v7-reminder", register=SINGLE, published=date(2026, 1, 6), renews=frozenset({NEWSLETTER})
    )
    midnight = datetime(2026, 1, 5, 22, tzinfo=UTC)
    assert ask(given(), register=today, at=midnight - timedelta(microseconds=1))
    assert not ask(given(), register=today, at=midnight)
