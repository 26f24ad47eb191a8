"""The last word on each purpose and channel, whole, and who takes whose place (R-203, R-210)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.policy.support import evidence

from gdprkit.facts.consent import (
    ConsentConfirmed,
    ConsentGiven,
    ConsentRefused,
    ConsentRequested,
    ConsentWithdrawn,
)
from gdprkit.facts.entry import Entry, Fact
from gdprkit.facts.merge import MergedConsent, MergedFrom, MergeReversed
from gdprkit.state.consent import ConsentState, ConsentStatus, ConsentWord, RequestedConsent
from gdprkit.state.standing import fold
from gdprkit.words.identifiers import PurposeId, SubjectId
from gdprkit.words.vocabulary import Channel, ConsentMethod, IntakeChannel

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
NEWS, OFFERS = PurposeId("newsletter"), PurposeId("offers")
EMAIL, SMS, POST = Channel.EMAIL, Channel.SMS, Channel.POST
VIA = IntakeChannel.EMAIL
OTHER = SubjectId(UUID(int=1, version=4))
THIRD = SubjectId(UUID(int=2, version=4))
PROOF = evidence(wording="Yes.")
AGAIN = evidence(wording="Yes, again.")
IMPLIED = evidence(method=ConsentMethod.IMPLIED_BY_USE)
GIVEN, REFUSED, WITHDRAWN = ConsentStatus


def hours(count: int) -> datetime:
    return AT + timedelta(hours=count)


def said(*facts: Fact) -> ConsentState:
    """Return what was said on a line: the n-th fact happened after n hours."""
    return fold(
        Entry(position=n, at=hours(n), recorded_at=hours(n), fact=fact)
        for n, fact in enumerate(facts, start=1)
    ).consent


def word(
    n: int, status: ConsentStatus, channel: Channel | None, purpose: PurposeId = NEWS, **more: Any
) -> ConsentWord:
    """Return the word of the n-th entry."""
    given = {"purpose": purpose, "channel": channel, "status": status, "at": hours(n)}
    return ConsentWord(**{**given, "position": n, **more})


def given(purpose: PurposeId = NEWS, *channels: Channel, proof: Any = PROOF) -> ConsentGiven:
    return ConsentGiven(purpose=purpose, channels=channels, evidence=proof)


def test_a_consent_is_a_word_for_each_of_its_channels() -> None:
    """Each channel stands by itself with evidence and moment; without channels there is one."""
    whole: dict[str, Any] = {"evidence": PROOF, "given_at": hours(1)}
    assert said(given(NEWS, SMS, EMAIL)) == ConsentState(
        words=(word(1, GIVEN, EMAIL, **whole), word(1, GIVEN, SMS, **whole))
    )
    assert said(given()) == ConsentState(words=(word(1, GIVEN, None, **whole),))


def test_a_new_word_takes_the_place_of_the_old_for_its_scope_alone() -> None:
    """A second consent counts from its own moment; other channels and purposes keep theirs."""
    before = (given(NEWS, EMAIL, SMS), given(OFFERS, EMAIL))
    assert said(*before, given(NEWS, EMAIL, proof=AGAIN)).words == (
        word(1, GIVEN, SMS, evidence=PROOF, given_at=hours(1)),
        word(2, GIVEN, EMAIL, OFFERS, evidence=PROOF, given_at=hours(2)),
        word(3, GIVEN, EMAIL, evidence=AGAIN, given_at=hours(3)),
    )


@pytest.mark.parametrize(
    ("no", "status"),
    [
        (ConsentRefused(purpose=NEWS, channels={EMAIL}, via=VIA), REFUSED),
        (ConsentWithdrawn(purpose=NEWS, channels={EMAIL}, via=VIA), WITHDRAWN),
    ],
)
def test_a_no_keeps_what_proves_the_consent_before(no: Fact, status: ConsentStatus) -> None:
    """A no to a named channel ends that one and keeps its evidence; of nothing it keeps nothing."""
    assert said(given(NEWS, EMAIL, SMS), no).words == (
        word(1, GIVEN, SMS, evidence=PROOF, given_at=hours(1)),
        word(2, status, EMAIL, evidence=PROOF, given_at=hours(1)),
    )
    assert said(given(OFFERS, EMAIL), no).words[1:] == (word(2, status, EMAIL),)
    assert said(given(NEWS, EMAIL), no, no).words == (
        word(3, status, EMAIL, evidence=PROOF, given_at=hours(1)),
    )


@pytest.mark.parametrize(
    ("no", "status"),
    [
        (ConsentRefused(purpose=NEWS, via=VIA), REFUSED),
        (ConsentWithdrawn(purpose=NEWS, via=VIA), WITHDRAWN),
    ],
)
def test_a_no_without_channels_answers_every_scope_said(no: Fact, status: ConsentStatus) -> None:
    """It reaches each channel that has a word, and no other purpose; with none it is one word."""
    kept: dict[str, Any] = {"evidence": PROOF, "given_at": hours(1)}
    assert said(given(NEWS, EMAIL, SMS), given(OFFERS, POST), no).words == (
        word(2, GIVEN, POST, OFFERS, evidence=PROOF, given_at=hours(2)),
        word(3, status, EMAIL, **kept),
        word(3, status, SMS, **kept),
    )
    assert said(no).words == (word(1, status, None),)


def test_open_words_withdraw_all_that_was_said_and_invent_nothing() -> None:
    """A withdrawal without a purpose ends each purpose on the channels it names (R-210)."""
    before = (given(OFFERS, EMAIL), given(NEWS, EMAIL, SMS), given(PurposeId("events")))
    everything = said(*before, ConsentWithdrawn(via=VIA))
    assert [(w.purpose, w.channel, w.status) for w in everything.words] == [
        ("events", None, WITHDRAWN),
        (NEWS, EMAIL, WITHDRAWN),
        (NEWS, SMS, WITHDRAWN),
        (OFFERS, EMAIL, WITHDRAWN),
    ]
    assert {(w.at, w.position) for w in everything.words} == {(hours(4), 4)}
    mails = said(*before, ConsentWithdrawn(channels={EMAIL, POST}, via=VIA))
    assert {(w.purpose, w.channel): w.status for w in mails.words} == {
        (NEWS, SMS): GIVEN,
        ("events", None): GIVEN,
        (NEWS, EMAIL): WITHDRAWN,
        (OFFERS, EMAIL): WITHDRAWN,
    }
    assert said(ConsentWithdrawn(via=VIA)) == ConsentState()


def test_an_implied_consent_takes_nobodys_place() -> None:
    """It is history where nobody has spoken clearly, and newer history replaces it (R-203)."""
    implied = given(NEWS, EMAIL, SMS, proof=IMPLIED)
    alone = word(1, GIVEN, EMAIL, evidence=IMPLIED, given_at=hours(1))
    assert said(implied).word(NEWS, EMAIL) == alone
    assert alone.is_clear is False
    twice = said(implied, implied)
    assert [(w.channel, w.position) for w in twice.words] == [(EMAIL, 2), (SMS, 2)]
    after_no = said(ConsentRefused(purpose=NEWS, channels={EMAIL}, via=VIA), implied)
    assert [(w.channel, w.status, w.position) for w in after_no.words] == [
        (EMAIL, REFUSED, 1),
        (SMS, GIVEN, 2),
    ]
    after_yes = said(given(NEWS, EMAIL), implied)
    assert after_yes.word(NEWS, EMAIL) == word(1, GIVEN, EMAIL, evidence=PROOF, given_at=hours(1))
    clear = said(implied, given(NEWS, EMAIL, proof=AGAIN)).word(NEWS, EMAIL)
    assert clear == word(2, GIVEN, EMAIL, evidence=AGAIN, given_at=hours(2))


@pytest.mark.parametrize(
    ("status", "proof", "clear"),
    [
        (GIVEN, PROOF, True),
        (GIVEN, IMPLIED, False),
        (GIVEN, None, True),
        (WITHDRAWN, IMPLIED, True),
        (REFUSED, None, True),
    ],
)
def test_a_no_is_always_clear_and_a_yes_by_a_clear_act(
    status: ConsentStatus, proof: Any, clear: bool
) -> None:
    """Only a yes without a clear act is not the person's word (R-202)."""
    assert word(1, status, EMAIL, evidence=proof).is_clear is clear


# --- double opt-in (R-216) -----------------------------------------------------------------------

WISH = ConsentRequested(purpose=NEWS, channels={EMAIL, SMS}, evidence=PROOF)
CONFIRMED = ConsentConfirmed(purpose=NEWS, proof="token-1")


def waiting(n: int, purpose: PurposeId = NEWS, **more: Any) -> RequestedConsent:
    given = {"channels": frozenset({EMAIL, SMS}), "evidence": PROOF, **more}
    return RequestedConsent(purpose=purpose, at=hours(n), position=n, **given)


def test_a_choice_waits_for_its_confirmation() -> None:
    """It is no consent yet; the newest choice of each purpose waits, whole."""
    other = attrs.evolve(WISH, purpose=OFFERS)
    state = said(WISH, other)
    assert state == ConsentState(waiting=(waiting(1), waiting(2, OFFERS)))
    assert state.requested(NEWS) == waiting(1)
    assert state.requested(OFFERS) == waiting(2, OFFERS)
    assert state.requested(PurposeId("events")) is None
    again = attrs.evolve(WISH, channels={EMAIL}, evidence=AGAIN)
    assert said(WISH, other, again).waiting == (
        waiting(2, OFFERS),
        waiting(3, channels=frozenset({EMAIL}), evidence=AGAIN),
    )


def test_a_confirmed_choice_is_a_consent_proved_by_both() -> None:
    """It counts from the confirmation, keeps when it was chosen, and carries both proofs."""
    chosen = attrs.evolve(WISH, evidence=evidence(proof=["mail-1"]))
    proof = evidence(method=ConsentMethod.DOUBLE_OPT_IN, proof=["mail-1", "token-1"])
    whole: dict[str, Any] = {"evidence": proof, "given_at": hours(3), "requested_at": hours(1)}
    assert said(chosen, attrs.evolve(WISH, purpose=OFFERS), CONFIRMED) == ConsentState(
        words=(word(3, GIVEN, EMAIL, **whole), word(3, GIVEN, SMS, **whole)),
        waiting=(waiting(2, OFFERS),),
    )


def test_a_confirmation_makes_nothing_good() -> None:
    """What was implied when it was chosen stays implied after it (R-203)."""
    state = said(attrs.evolve(WISH, evidence=IMPLIED), CONFIRMED)
    assert {w.evidence.method for w in state.words if w.evidence} == {ConsentMethod.IMPLIED_BY_USE}


def test_confirming_what_nobody_chose_is_listed() -> None:
    """Nothing requested, of another purpose, or confirmed already: an anomaly, no consent."""
    assert said(CONFIRMED) == ConsentState(anomalies=(1,))
    other = attrs.evolve(WISH, purpose=OFFERS)
    assert said(other, CONFIRMED, CONFIRMED) == ConsentState(
        waiting=(waiting(1, OFFERS),), anomalies=(2, 3)
    )
    twice = said(WISH, CONFIRMED, CONFIRMED)
    assert twice.words == said(WISH, CONFIRMED).words
    assert twice.anomalies == (3,)
    assert said(CONFIRMED, given()).anomalies == (1,)


@pytest.mark.parametrize(
    ("no", "left"),
    [
        (ConsentRefused(purpose=NEWS, via=VIA), (OFFERS,)),
        (ConsentWithdrawn(purpose=NEWS, via=VIA), (OFFERS,)),
        (ConsentWithdrawn(via=VIA), ()),
        (ConsentRefused(purpose=PurposeId("events"), via=VIA), (NEWS, OFFERS)),
    ],
)
def test_a_no_overtakes_the_choice_that_waits(no: Fact, left: tuple[PurposeId, ...]) -> None:
    """What was refused or withdrawn cannot be confirmed afterwards; other purposes can."""
    state = said(WISH, attrs.evolve(WISH, purpose=OFFERS), no)
    assert tuple(w.purpose for w in state.waiting) == left


# --- merges (R-416) ------------------------------------------------------------------------------


def merged(*consents: MergedConsent, other: SubjectId = OTHER) -> MergedFrom:
    return MergedFrom(other=other, consents=consents)


def brought(
    at: datetime, channel: Channel | None = EMAIL, purpose: PurposeId = NEWS, proof: Any = AGAIN
) -> MergedConsent:
    return MergedConsent(purpose=purpose, channel=channel, evidence=proof, at=at)


def test_a_merge_brings_consents_with_their_own_moment() -> None:
    """They stand beside the line's words, whole, marked with the line they come from."""
    state = said(given(NEWS, EMAIL), merged(brought(hours(-5), SMS)))
    kept = word(2, GIVEN, SMS, evidence=AGAIN, given_at=hours(-5), merged_from=OTHER, at=hours(-5))
    own = word(1, GIVEN, EMAIL, evidence=PROOF, given_at=hours(1))
    assert state == ConsentState(words=(own,), merged=(kept,))
    assert state.newest == (own, kept)
    assert state.word(NEWS, SMS) == kept
    assert state.for_purpose(NEWS) == (own, kept)
    assert state.for_purpose(OFFERS) == ()


@pytest.mark.parametrize(
    ("own", "at", "proof", "from_merge"),
    [
        (given(NEWS, EMAIL), hours(0), AGAIN, False),
        (given(NEWS, EMAIL), hours(1), AGAIN, False),
        (given(NEWS, EMAIL), hours(2), AGAIN, True),
        (given(NEWS, EMAIL), hours(2), IMPLIED, False),
        (given(NEWS, EMAIL, proof=IMPLIED), hours(0), AGAIN, True),
        (ConsentWithdrawn(purpose=NEWS, channels={EMAIL}, via=VIA), hours(0), AGAIN, False),
    ],
)
def test_of_two_lines_the_newer_clear_word_counts(
    own: Fact, at: datetime, proof: Any, from_merge: bool
) -> None:
    """A merged consent counts where it is newer; a clear word beats an implied one (R-203)."""
    state = said(own, merged(brought(at, proof=proof)))
    (newest,) = state.newest
    assert newest == (state.merged[0] if from_merge else state.words[0])


def test_of_several_merged_words_the_newest_counts() -> None:
    """Whatever the order of the merges, each scope has its newest word."""
    late, early = brought(hours(-1)), brought(hours(-9))
    for first, second in ((late, early), (early, late)):
        state = said(merged(first), merged(second, other=THIRD))
        found = state.word(NEWS, EMAIL)
        assert found is not None
        assert found.at == hours(-1)
        assert len(state.newest) == 1
    scopes = said(merged(late, brought(hours(-1), EMAIL, OFFERS), brought(hours(-1), None)))
    assert len(scopes.newest) == 3


def test_taking_a_merge_back_takes_its_consents_alone() -> None:
    """The line's own words, what waits, and the consents of other merges stay."""
    own = (given(NEWS, EMAIL), attrs.evolve(WISH, purpose=OFFERS))
    both = (merged(brought(AT)), merged(brought(AT), other=THIRD))
    state = said(*own, *both, MergeReversed(other=OTHER))
    assert state == ConsentState(
        words=said(*own).words,
        waiting=said(*own).waiting,
        merged=tuple(w for w in said(*own, *both).merged if w.merged_from == THIRD),
    )
    assert len(state.merged) == 1
    again = said(*own, *both, both[0]).merged
    assert [w.merged_from for w in again] == [THIRD, OTHER]


def test_words_of_its_own_leave_what_a_merge_brought() -> None:
    """Saying, choosing and refusing on this line keep the merged consents and the anomalies."""
    before = (CONFIRMED, merged(brought(AT, POST)), attrs.evolve(WISH, purpose=OFFERS))
    for fact in (given(NEWS, EMAIL), WISH, ConsentRefused(purpose=NEWS, channels={SMS}, via=VIA)):
        state = said(*before, fact)
        assert state.merged == said(*before).merged
        assert state.anomalies == (1,)
        assert state.waiting[0] == waiting(3, OFFERS)
