"""After a no nothing goes on by another route, and nothing else is closed (R-115, R-211)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tests.policy.support import (
    CLEAR,
    MARKETING,
    NEWSLETTER,
    START,
    added,
    case,
    consented,
    customer,
    evidence,
    with_purpose,
)

from gdprkit.facts.consent import ConsentGiven, ConsentRefused, ConsentWithdrawn
from gdprkit.facts.entry import Fact
from gdprkit.facts.objection import MarketingObjection
from gdprkit.policy.marketing import may_contact
from gdprkit.policy.marks import tags
from gdprkit.policy.placing import MayContact
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import Actor, Channel, ConsentMethod, IntakeChannel

MAIL = Channel.EMAIL
VIA = IntakeChannel.WEB_FORM
PROFILING = PurposeId("profiling")
NO = ConsentWithdrawn(purpose=MARKETING, channels=[MAIL], via=VIA)
IMPLIED = consented(method=ConsentMethod.IMPLIED_BY_USE)


def swapped(*facts: Fact) -> bool:
    found = may_process(case(*customer(), *facts), MayProcess(purpose=MARKETING, field="email"))
    return "basis-swap" in found.codes


@pytest.mark.parametrize(
    "no",
    [
        NO,
        ConsentRefused(purpose=MARKETING, channels=[MAIL], via=VIA),
        ConsentWithdrawn(purpose=MARKETING, via=VIA),
        ConsentWithdrawn(via=VIA),
    ],
    ids=["withdrawn", "refused", "every channel", "every purpose"],
)
def test_only_a_valid_consent_opens_again_what_a_no_closed(no: Fact) -> None:
    """Neither what was implied nor a faulty consent lets the purpose go on upon an interest."""
    assert not swapped(consented())
    assert swapped(consented(), no)
    assert swapped(consented(), no, IMPLIED)
    assert swapped(consented(), no, consented(bundled=True))
    assert not swapped(consented(), no, consented())


def test_a_no_to_one_channel_is_answered_by_a_consent_to_it() -> None:
    """A later consent to post leaves the no to e-mail as it was."""
    post = consented(channels=[Channel.POST])
    assert swapped(NO, post)
    assert not swapped(NO, consented())


def test_each_no_is_looked_at_by_itself() -> None:
    """Another stop before it hides none, and a yes to its own channel is all it asks for."""
    by_post = MarketingObjection(via=VIA, channels=[Channel.POST])
    assert swapped(by_post, NO)
    assert not swapped(by_post)
    post = consented(channels=[Channel.POST])
    assert not swapped(post, NO, consented())


def test_at_one_instant_the_no_of_the_company_wins_as_well() -> None:
    """A consent of the same moment opens nothing again (0.3)."""
    now = START + timedelta(minutes=30)
    no = ConsentWithdrawn(purpose=MARKETING, channels=[MAIL], via=VIA, by=Actor.COMPANY)

    def swap(later: datetime) -> bool:
        found = case(*customer(), (now, no), (later, consented()), at=now + timedelta(days=1))
        return "basis-swap" in may_process(found, MayProcess(purpose=MARKETING)).codes

    assert swap(now)
    assert not swap(now + timedelta(microseconds=1))


def test_a_no_of_another_purpose_swaps_nothing() -> None:
    """Open words reach what was agreed to, and a no to the newsletter the newsletter."""
    assert not swapped(ConsentWithdrawn(via=VIA)), "nothing was agreed to"
    assert not swapped(consented(), ConsentWithdrawn(purpose=NEWSLETTER, via=VIA))


@pytest.mark.parametrize("kind", [ConsentWithdrawn, ConsentRefused])
def test_a_no_to_what_uses_no_channel_closes_none(
    kind: type[ConsentWithdrawn | ConsentRefused],
) -> None:
    """Profiling ends and mail goes on; where the purpose uses channels every one is closed."""
    asked = MayContact(channel=MAIL, purpose=MARKETING)
    no = kind(purpose=PROFILING, via=VIA)
    assert may_contact(case(*customer(), no, suppressed=CLEAR), asked)
    loud = with_purpose(PROFILING, channels=frozenset({Channel.POST}))
    assert not may_contact(case(*customer(), no, register=loud, suppressed=CLEAR), asked)
    letters = kind(purpose=NEWSLETTER, via=VIA)
    assert not may_contact(case(*customer(), letters, suppressed=CLEAR), asked)


def test_who_is_found_as_having_agreed_did_agree() -> None:
    """The tag is for a clear yes; what was implied leaves none (R-203)."""
    tag = f"given:{NEWSLETTER}:email"
    clear = ConsentGiven(purpose=NEWSLETTER, channels=[MAIL], evidence=evidence())
    implied = ConsentGiven(
        purpose=NEWSLETTER,
        channels=[MAIL],
        evidence=evidence(method=ConsentMethod.IMPLIED_BY_USE),
    )
    later = START + timedelta(minutes=30)
    assert tag in tags(case(*added(), clear))
    assert tag not in tags(case(*added(), implied))
    assert tag in tags(case(*added(), clear, (later, implied)))
