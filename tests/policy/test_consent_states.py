"""A consent that waits for its confirmation, and what makes an old one fail (R-207 to R-216)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.policy.support import (
    MARKETING,
    NEWSLETTER,
    START,
    added,
    case,
    consented,
    customer,
    evidence,
    jot,
    with_notice,
    with_purpose,
)

from gdprkit.acts.act import Act
from gdprkit.acts.prepare import prepare
from gdprkit.errors import EvidenceMissing, NotPossibleNow
from gdprkit.facts.consent import (
    ConsentConfirmed,
    ConsentGiven,
    ConsentRefused,
    ConsentRequested,
    ConsentWithdrawn,
)
from gdprkit.facts.entry import Fact
from gdprkit.facts.objection import MarketingObjection
from gdprkit.facts.request import RequestReceived
from gdprkit.policy.case import Case
from gdprkit.policy.consent import consent_in_force, proof_kept_through
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.retention import kept_until
from gdprkit.register.parties import TransferMechanism
from gdprkit.register.register import Register
from gdprkit.state.consent import ConsentStatus
from gdprkit.words.identifiers import CaseId, NoticeId, PurposeId
from gdprkit.words.vocabulary import Channel, ConsentMethod, IntakeChannel, Right

MAIL = Channel.EMAIL
VIA = IntakeChannel.EMAIL


def wish(**more: Any) -> ConsentRequested:
    return ConsentRequested(purpose=NEWSLETTER, channels=[MAIL], evidence=evidence(**more))


CONFIRMED = ConsentConfirmed(purpose=NEWSLETTER, proof="token-1")


def later(days: float) -> datetime:
    return START + timedelta(days=days)


def in_force(found: Case, purpose: PurposeId = NEWSLETTER) -> Decision:
    return consent_in_force(found, purpose, MAIL)


def codes(found: Case, purpose: PurposeId = NEWSLETTER) -> set[str]:
    return {reason.code for reason in in_force(found, purpose).against}


# --- R-216 --------------------------------------------------------------------------------------


def test_a_requested_consent_is_none_until_it_is_confirmed() -> None:
    """It waits, it counts from the confirmation, and its evidence shows both (R-216)."""
    waiting = case(*added(), wish())
    assert codes(waiting) == {"consent-requested"}
    assert in_force(waiting).outcome is Outcome.NEEDS
    confirmed = case(*added(), wish(), (later(3), CONFIRMED), at=later(4))
    assert in_force(confirmed)
    word = confirmed.standing.consent.word(NEWSLETTER, MAIL)
    assert word is not None
    assert word.evidence is not None
    assert (word.at, word.evidence.method) == (later(3), ConsentMethod.DOUBLE_OPT_IN)
    assert word.evidence.proof == ("token-1",)
    assert in_force(case(*added(), wish(), (later(3), CONFIRMED), at=later(3))), "at once"


def test_an_unconfirmed_consent_lapses_after_seven_days() -> None:
    """The last moment of the seventh day is in time; a confirmation after it brings nothing."""
    end = datetime(2026, 1, 12, 22, tzinfo=UTC)  # midnight in Helsinki after 12 January
    before = case(*added(), wish(), at=end - timedelta(seconds=1))
    assert in_force(before).valid_until == end
    assert codes(case(*added(), wish(), at=end)) == {"consent-lapsed"}
    in_time = (end - timedelta(seconds=1), CONFIRMED)
    assert in_force(case(*added(), wish(), in_time, at=end))
    late = (end, CONFIRMED)
    assert codes(case(*added(), wish(), late, at=later(9))) == {"consent-lapsed"}


def test_the_address_goes_with_an_unconfirmed_consent() -> None:
    """A value that only waits for the confirmation is kept seven days."""
    only = frozenset({NEWSLETTER})
    register = attrs.evolve(
        jot(),
        purposes={k: v for k, v in jot().purposes.items() if k in only},
        notices={},
        cookies={},
        logs={},
        transfers={},
        marketing_register=None,
    )
    found = case(*added()[:1], *added()[2:], wish(), register=register)
    email = next(v for v in found.standing.data.values if v.field == "email")
    assert kept_until(found, email) == (date(2026, 1, 12), "double-opt-in", "R-216")


@pytest.mark.parametrize(
    "no",
    [
        ConsentWithdrawn(purpose=NEWSLETTER, channels=[MAIL], via=VIA),
        ConsentWithdrawn(purpose=None, channels=(), via=VIA),
        ConsentRefused(purpose=NEWSLETTER, channels=[MAIL], via=VIA),
    ],
    ids=["withdrawn", "all withdrawn", "refused"],
)
def test_a_no_overtakes_what_waits(no: Fact) -> None:
    """After a no the old link confirms nothing: it is listed as an anomaly."""
    found = case(*added(), wish(), no, CONFIRMED)
    assert not in_force(found)
    assert found.standing.consent.anomalies
    with pytest.raises(NotPossibleNow):
        prepare(case(*added(), wish(), no), Act(fact=CONFIRMED))


def test_nothing_is_confirmed_that_nobody_requested() -> None:
    """A confirmation alone is no consent."""
    assert codes(case(*added(), CONFIRMED)) == {"consent-never-given"}
    with pytest.raises(NotPossibleNow):
        prepare(case(*added()), Act(fact=CONFIRMED))
    with pytest.raises(EvidenceMissing):
        ConsentRequested(purpose=NEWSLETTER, evidence=None)  # type: ignore[arg-type]


def test_a_request_for_another_channel_is_no_answer() -> None:
    """What waits for e-mail says nothing about messages."""
    found = case(*added(), wish())
    sms = consent_in_force(found, NEWSLETTER, Channel.SMS)
    assert sms.codes == {"consent-never-given"}


@pytest.mark.parametrize("method", [m for m in ConsentMethod if not m.is_affirmative])
def test_a_confirmation_makes_nothing_of_what_was_implied(method: ConsentMethod) -> None:
    """The confirmed word keeps the method that was none (R-203)."""
    found = case(*added(), wish(method=method), CONFIRMED)
    assert codes(found) == {"consent-not-affirmative"}


def test_a_no_without_channels_reaches_all_that_were_agreed_to() -> None:
    """A channel that the register no longer declares is withdrawn with the others (R-210)."""
    given = ConsentGiven(purpose=NEWSLETTER, channels=[MAIL, Channel.SMS], evidence=evidence())
    found = case(*added(), given)
    (no, *_) = prepare(found, Act(fact=ConsentWithdrawn(purpose=NEWSLETTER, via=VIA)))
    assert isinstance(no, ConsentWithdrawn)
    assert no.channels == {MAIL, Channel.SMS}


def test_open_words_withdraw_what_was_said_and_invent_no_scope() -> None:
    """A no to e-mail leaves a purpose without e-mail as it was; a no to all reaches all (R-210)."""
    profiles = PurposeId("profiling")
    said = (*added(), consented(), consented(profiles, channels=()))
    mail = case(*said, ConsentWithdrawn(channels=[MAIL], via=VIA)).standing.consent
    assert {(w.purpose, w.channel): w.status for w in mail.words} == {
        (MARKETING, MAIL): ConsentStatus.WITHDRAWN,
        (profiles, None): ConsentStatus.GIVEN,
    }
    both = (*said, consented(channels=()))
    everything = case(*both, ConsentWithdrawn(via=VIA)).standing.consent
    assert {w.status for w in everything.words} == {ConsentStatus.WITHDRAWN}
    assert len(everything.words) == 3


@pytest.mark.parametrize("purpose", [NEWSLETTER, None])
def test_a_request_to_withdraw_is_as_wide_as_its_words(purpose: PurposeId | None) -> None:
    """Limited to a purpose it withdraws that one; open, everything (R-210)."""
    fact = RequestReceived(
        case=CaseId(UUID(int=1)), right=Right.WITHDRAW_CONSENT, channel=VIA, purpose=purpose
    )
    no = prepare(case(*added()), Act(fact=fact))[1]
    assert isinstance(no, ConsentWithdrawn)
    assert (no.purpose, set(no.channels)) == (purpose, {MAIL} if purpose else set())


def test_a_faulty_choice_stays_faulty_when_confirmed() -> None:
    """A confirmation does not make good what the form did wrong."""
    found = case(*added(), wish(default_off=False), CONFIRMED)
    assert codes(found) == {"consent-pre-ticked"}


# --- R-214 ------------------------------------------------------------------------


def test_unequal_power_waits_for_a_review() -> None:
    """A consent to an employer or the like counts when somebody has found it free (R-207)."""
    unequal = consented(power_unequal=True)
    found = case(*customer(), unequal)
    assert codes(found, MARKETING) == {"consent-under-imbalance"}
    assert in_force(found, MARKETING).outcome is Outcome.NEEDS
    reviewed = consented(power_unequal=True, freely_given="review-1")
    assert in_force(case(*customer(), reviewed), MARKETING)


def flowing(mechanism: TransferMechanism | None) -> Register:
    flow = attrs.evolve(
        jot().transfers["usa"], purposes=frozenset({MARKETING}), mechanism=mechanism
    )
    return attrs.evolve(jot(), transfers={"usa": flow})


@pytest.mark.parametrize(
    ("mechanism", "told", "valid"),
    [
        (None, False, False),
        (TransferMechanism.DEROGATION, False, False),
        (TransferMechanism.DEROGATION, True, True),
        (TransferMechanism.STANDARD_CLAUSES, False, True),
    ],
)
def test_the_risks_of_a_transfer_are_told_before(
    mechanism: TransferMechanism | None, told: bool, valid: bool
) -> None:
    """Where nothing but a consent carries the flow, its risks are part of it (R-209)."""
    given = consented(transfer_risks_told=told)
    found = case(*customer(), given, register=flowing(mechanism))
    assert bool(in_force(found, MARKETING)) is valid
    assert valid or codes(found, MARKETING) == {"consent-transfer-risks-not-told"}


def test_a_changed_notice_needs_a_new_consent() -> None:
    """A notice that renews the purpose ends older consents from its day on (R-214)."""
    renewed = with_notice("v7-reminder", published=date(2026, 2, 1), renews=frozenset({MARKETING}))
    old = [*customer(), consented()]
    assert in_force(case(*old, register=renewed, at=later(26)), MARKETING)
    assert codes(case(*old, register=renewed, at=later(27)), MARKETING) == {"consent-outdated"}
    new = consented(notice="v7-reminder", data=["email"])
    assert in_force(case(*old, (later(28), new), register=renewed, at=later(29)), MARKETING)
    same = case(*old, (later(28), consented()), register=renewed, at=later(29))
    assert codes(same, MARKETING) == {"consent-outdated"}, "the old text again"
    other = with_notice("v7-reminder", published=date(2026, 2, 1), renews=frozenset({NEWSLETTER}))
    assert in_force(case(*old, register=other, at=later(27)), MARKETING)


# --- R-215 --------------------------------------------------------------------------------------


def proof(*facts: Any, at: datetime) -> date | None:
    found = case(*customer(), *facts, at=at)
    word = found.standing.consent.word(MARKETING, MAIL)
    assert word is not None
    return proof_kept_through(found, word)


def test_proof_is_kept_three_years_after_the_last_use() -> None:
    """Counted from the withdrawal, the expiry or the objection, whichever ended the consent."""
    given = consented()
    assert proof(given, at=later(10)) is None, "in force: no end yet"
    no = (later(30), ConsentWithdrawn(purpose=MARKETING, channels=[MAIL], via=VIA))
    assert proof(given, no, at=later(40)) == date(2029, 2, 4)
    objected = (later(30), MarketingObjection(via=VIA))
    assert proof(given, objected, at=later(40)) == date(2029, 2, 4)
    assert proof(given, at=datetime(2028, 6, 1, tzinfo=UTC)) == date(2031, 1, 6)
    late = (datetime(2028, 6, 1, tzinfo=UTC), no[1])
    assert proof(given, late, at=datetime(2028, 7, 1, tzinfo=UTC)) == date(2031, 1, 6), "expired"


def test_an_older_stop_ends_no_later_consent() -> None:
    """A consent given after a stop is used until its own end, and the proof counts from there."""
    no = (later(1), ConsentWithdrawn(purpose=MARKETING, channels=[MAIL], via=VIA))
    again = (later(30), consented())
    assert proof(no, again, at=datetime(2028, 6, 1, tzinfo=UTC)) == date(2031, 2, 5)


def test_proof_of_what_never_was_valid_counts_from_its_own_day() -> None:
    """An implied consent carried no use, so asking later lengthens nothing (R-203, R-215)."""
    implied = consented(method=ConsentMethod.IMPLIED_BY_USE)
    assert proof(implied, at=later(1)) == proof(implied, at=later(400)) == date(2029, 1, 5)


def test_proof_of_an_outdated_consent_counts_from_the_new_notice() -> None:
    """From that day the old consent carried nothing more; given on the old text, from its own."""
    register = with_notice("v7-reminder", published=date(2026, 2, 1), renews={MARKETING})

    def through(*facts: Any) -> date | None:
        found = case(*customer(), *facts, register=register, at=later(60))
        word = found.standing.consent.word(MARKETING, MAIL)
        assert word is not None
        return proof_kept_through(found, word)

    assert through(consented()) == date(2029, 2, 1)
    assert through((later(40), consented())) == date(2029, 2, 14)


def test_a_double_opt_in_purpose_takes_no_plain_consent() -> None:
    """A purpose that declares it counts a confirmed consent only."""
    register = with_purpose(NEWSLETTER, double_opt_in=True)
    plain = ConsentGiven(purpose=NEWSLETTER, channels=[MAIL], evidence=evidence())
    assert codes(case(*added(), plain, register=register)) == {"consent-not-confirmed"}
    assert in_force(case(*added(), wish(), CONFIRMED, register=register))
    assert NoticeId("v7") in jot().notices
