"""The fold of a line into a standing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gdprkit.facts.connection import ConnectionStarted
from gdprkit.facts.consent import ConsentEvidence, ConsentGiven, ConsentWithdrawn
from gdprkit.facts.data import DataCollected, PersonErased, SubjectAdded
from gdprkit.facts.entry import PROTECTIVE_WEIGHT, Entry, Fact, order_key
from gdprkit.facts.objection import MarketingObjection
from gdprkit.state.consent import ConsentStatus
from gdprkit.state.standing import EMPTY, HANDLERS, extends, fold, step
from gdprkit.testing.strategies import FACT_TYPES, lives
from gdprkit.words.identifiers import NoticeId, PurposeId, SourceId
from gdprkit.words.vocabulary import (
    Channel,
    ConsentMethod,
    ErasureReason,
    IntakeChannel,
    SubjectKind,
)

T0 = datetime(2025, 1, 1, tzinfo=UTC)
EVIDENCE = ConsentEvidence(
    notice=NoticeId("v1"),
    notice_sha256="00",
    language="en",
    wording="Yes, send me news",
    method=ConsentMethod.CHECKBOX,
    captured_by="form",
    default_off=True,
    separate=True,
    withdrawal_told=True,
    conditional_on_service=False,
)
GIVEN = ConsentGiven(purpose=PurposeId("newsletter"), channels=[Channel.EMAIL], evidence=EVIDENCE)
WITHDRAWN = ConsentWithdrawn(
    purpose=PurposeId("newsletter"), channels=[Channel.EMAIL], via=IntakeChannel.EMAIL
)


def line(*facts: tuple[Fact, int] | Fact) -> tuple[Entry, ...]:
    """Make a line; a number beside a fact is its day, else all happen at once."""
    pairs = [fact if isinstance(fact, tuple) else (fact, 0) for fact in facts]
    return tuple(
        Entry(position=n, at=T0 + timedelta(days=d), recorded_at=T0 + timedelta(days=n), fact=f)
        for n, (f, d) in enumerate(pairs, start=1)
    )


@given(lives())
def test_fold_is_total(life: tuple[Entry, ...]) -> None:
    """No history, possible or not, makes the fold raise, and it folds every entry in."""
    assert fold(life).position == len(life)


@given(lives(), st.randoms(use_true_random=False))
def test_fold_does_not_mind_the_order_of_reading(life: tuple[Entry, ...], random: object) -> None:
    """Entries read in any order give the same standing."""
    shuffled = list(life)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fold(shuffled) == fold(life)


@given(lives(), st.integers(0, 12))
def test_fold_splits_anywhere(life: tuple[Entry, ...], cut: int) -> None:
    """Folding a prefix of the ordered line and stepping over the rest is folding the whole."""
    ordered = sorted(life, key=order_key)
    standing = fold(ordered[:cut])
    for entry in ordered[cut:]:
        assert extends(standing, entry)
        standing = step(standing, entry)
    assert standing == fold(life)


@given(lives())
def test_an_earlier_entry_does_not_extend(life: tuple[Entry, ...]) -> None:
    """An entry that comes before what is folded in asks for the whole line."""
    ordered = sorted(life, key=order_key)
    whole = fold(ordered)
    assert not any(extends(whole, entry) for entry in ordered)


@given(lives())
def test_no_stop_is_ever_lost(life: tuple[Entry, ...]) -> None:
    """Every objection on the line stands in the standing, whatever else is on it."""
    standing = fold(life)
    scopes = {(s.channels, s.purpose, s.by) for s in standing.objection.stops}
    for entry in life:
        if isinstance(entry.fact, MarketingObjection):
            assert (entry.fact.channels, entry.fact.purpose, entry.fact.by) in scopes


def test_every_fact_has_a_handler() -> None:
    """Each type of the union changes some state; a new one would be listed here."""
    quiet = {cls.__name__ for cls in FACT_TYPES if cls not in HANDLERS}
    assert quiet == set()


def test_weights_are_of_known_facts() -> None:
    """The protective weights name facts of the union only."""
    assert set(PROTECTIVE_WEIGHT) <= set(FACT_TYPES)


def test_on_a_tie_the_protective_fact_wins() -> None:
    """Consent and withdrawal of one instant: withdrawn, whichever was written first (0.3)."""
    for facts in ((GIVEN, WITHDRAWN), (WITHDRAWN, GIVEN)):
        word = fold(line(*facts)).consent.word(PurposeId("newsletter"), Channel.EMAIL)
        assert word is not None
        assert word.status is ConsentStatus.WITHDRAWN


def test_later_consent_is_the_newest_word() -> None:
    """A consent of a later day is the newest word; the stop stays on record."""
    standing = fold(line((WITHDRAWN, 0), (GIVEN, 1)))
    word = standing.consent.word(PurposeId("newsletter"), Channel.EMAIL)
    assert word is not None
    assert word.status is ConsentStatus.GIVEN
    assert len(standing.objection.stops) == 1


def test_withdrawal_without_a_grant_is_recorded() -> None:
    """A withdrawal needs no consent before it (R-210)."""
    assert len(fold(line(WITHDRAWN)).objection.stops) == 1


def test_after_erasure_grants_are_anomalies_and_stops_count() -> None:
    """After the erasure of a person a grant changes nothing and an objection is accepted."""
    erased = PersonErased(reason=ErasureReason.OBJECTED, reference="r-1")
    stop = MarketingObjection(via=IntakeChannel.EMAIL)
    standing = fold(line((erased, 0), (GIVEN, 1), (stop, 2)))
    assert standing.anomalies == (2,)
    assert standing.consent.words == ()
    assert len(standing.objection.stops) == 1


def test_until_asks_about_a_past_moment() -> None:
    """``until`` leaves out what happened later."""
    life = line((GIVEN, 0), (WITHDRAWN, 10))
    word = fold(life, until=T0 + timedelta(days=5)).consent.words[0]
    assert word.status is ConsentStatus.GIVEN


def test_known_by_asks_what_we_knew() -> None:
    """``known_by`` leaves out what was written later, although it had happened."""
    life = (
        Entry(position=1, at=T0, recorded_at=T0, fact=GIVEN),
        Entry(position=2, at=T0 + timedelta(days=1), recorded_at=T0 + timedelta(9), fact=WITHDRAWN),
    )
    known = fold(life, until=T0 + timedelta(days=5), known_by=T0 + timedelta(days=5))
    assert known.consent.words[0].status is ConsentStatus.GIVEN
    assert fold(life).consent.words[0].status is ConsentStatus.WITHDRAWN


def test_last_act_is_the_persons_own() -> None:
    """Our own collecting moves no last act; the person's consent and order do (R-406)."""
    added = SubjectAdded(kind=SubjectKind.CONSUMER, source=SourceId("web"))
    collected = DataCollected(values=(), source=SourceId("web"))
    assert fold(line((added, 0), (collected, 3))).data.last_act is None
    assert fold(line((GIVEN, 4))).data.last_act == T0 + timedelta(days=4)
    assert fold(line((ConnectionStarted(reference="o-1"), 6))).data.last_act == T0 + timedelta(6)


def test_nothing_folds_to_the_empty_standing() -> None:
    """An empty line is the empty standing."""
    assert fold(()) == EMPTY
