"""The fold: total, independent of how the line is handed over, and split anywhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdprkit.errors import NaiveMoment
from gdprkit.facts.connection import ConnectionEnded, ConnectionStarted
from gdprkit.facts.consent import ConsentGiven, ConsentRefused, ConsentWithdrawn
from gdprkit.facts.data import (
    CircumstanceNoted,
    DataCollected,
    DataErased,
    PersonErased,
    SubjectAdded,
)
from gdprkit.facts.entry import PROTECTIVE_WEIGHT, Entry, Fact, order_key
from gdprkit.facts.objection import MarketingObjection, MarketingProhibition
from gdprkit.facts.request import RequestReceived
from gdprkit.facts.sealed import SealedValue
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.standing import AFTER_ERASURE, EMPTY, Standing, extends, fold, step
from gdprkit.testing.strategies import entries, facts, lines
from gdprkit.words.identifiers import FieldId, PurposeId, Slot, SourceId
from gdprkit.words.vocabulary import (
    Actor,
    Circumstance,
    EndCause,
    ErasureReason,
    IntakeChannel,
    SubjectKind,
)

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
FORM = SourceId("form")


def entry(position: int, fact: Fact, *, minutes: int = 0, known: int = 0) -> Entry:
    at = AT + timedelta(minutes=minutes)
    return Entry(position=position, at=at, recorded_at=at + timedelta(minutes=known), fact=fact)


def life(*said: Fact) -> list[Entry]:
    """Put facts on the line of a customer, a minute apart."""
    start = ConnectionStarted(reference="contract-1")
    added = SubjectAdded(kind=SubjectKind.COMPANY_CONTACT, source=FORM)
    return [entry(n, one, minutes=n) for n, one in enumerate((added, start, *said), start=1)]


@given(st.lists(entries(), max_size=15))
def test_no_history_is_impossible_enough_to_raise(history: list[Entry]) -> None:
    """Any facts in any order fold into a standing; what cannot be is listed."""
    line = [attrs.evolve(e, position=n) for n, e in enumerate(history, start=1)]
    standing = fold(line)
    assert standing.position == len(line)
    known = {e.position for e in line}
    for room in (standing, standing.connection, standing.request):
        assert set(room.anomalies) <= known


@given(lines(), st.randoms(use_true_random=False))
def test_the_order_of_handing_over_does_not_matter(line: tuple[Entry, ...], random: object) -> None:
    """A shuffled line folds into the same standing: the fold orders it."""
    shuffled = list(line)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fold(shuffled) == fold(line)


@given(lines(), st.data())
def test_the_fold_splits_anywhere(line: tuple[Entry, ...], data: st.DataObject) -> None:
    """Folding a prefix of the order and stepping over the rest is folding the whole."""
    ordered = sorted(line, key=order_key)
    split = data.draw(st.integers(0, len(ordered)))
    standing = fold(ordered[:split])
    for one in ordered[split:]:
        assert extends(standing, one)
        standing = step(standing, one)
    assert standing == fold(line)


@given(lines(), entries())
def test_only_what_comes_later_extends_a_standing(line: tuple[Entry, ...], late: Entry) -> None:
    """``extends`` is true exactly when one step gives what folding everything gives."""
    new = attrs.evolve(late, position=len(line) + 1)
    standing = fold(line)
    last = max(order_key(e) for e in line)
    assert extends(standing, new) is (order_key(new) > last)
    if extends(standing, new):
        assert step(standing, new) == fold([*line, new])


@given(lines(), st.integers(-10, 2500), st.integers(-10, 2500))
def test_until_and_known_by_fold_what_they_name(
    line: tuple[Entry, ...], days: int, known_days: int
) -> None:
    """``until`` goes by when it happened, ``known_by`` by when it was written; so do both."""
    until = line[0].at + timedelta(days=days)
    known_by = line[0].at + timedelta(days=known_days)
    happened = [e for e in line if e.at <= until]
    written = [e for e in line if e.recorded_at <= known_by]
    assert fold(line, until=until) == fold(happened)
    assert fold(line, known_by=known_by) == fold(written)
    both = [e for e in happened if e in written]
    assert fold(line, until=until, known_by=known_by) == fold(both)


def test_what_is_folded_in_already_does_not_extend() -> None:
    """The newest entry comes after itself no more; into the empty standing anything comes."""
    one = entry(1, MarketingObjection(via=IntakeChannel.LETTER))
    assert extends(EMPTY, one)
    assert not extends(step(EMPTY, one), one)
    assert extends(step(EMPTY, one), attrs.evolve(one, position=2))


@pytest.mark.parametrize("name", ["until", "known_by"])
def test_a_naive_limit_is_refused(name: str) -> None:
    """Nobody can tell when a moment without a zone was; the error names the limit."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  # the mistake under test
    with pytest.raises(NaiveMoment, match=f"^{name} has no time zone"):
        fold([], **{name: naive})


def test_a_standing_says_how_far_it_goes() -> None:
    """It holds its newest entry in order, with its weight, and the highest position (4.1)."""
    late = entry(1, MarketingObjection(via=IntakeChannel.LETTER), minutes=5)
    early = entry(2, ConnectionStarted(reference="c-1"))
    standing = fold([late, early])
    assert standing.position == 2
    assert (standing.last_at, standing.last_position) == (late.at, 1)
    assert standing.last_weight == PROTECTIVE_WEIGHT[MarketingObjection]
    assert step(standing, attrs.evolve(late, position=3)).last_position == 3
    assert fold([early]).last_weight == 0


def test_a_letter_typed_in_late_is_known_late() -> None:
    """What happened on Monday and was written on Friday was not known on Wednesday."""
    stop = entry(1, MarketingObjection(via=IntakeChannel.LETTER), known=60)
    assert fold([stop]).objection.stops
    assert not fold([stop], known_by=AT + timedelta(minutes=59)).objection.stops
    assert fold([stop], known_by=AT + timedelta(minutes=60)).objection.stops


@given(facts(), facts())
def test_on_a_tie_the_protective_fact_comes_last(first: Fact, second: Fact) -> None:
    """At one instant the heavier fact follows the lighter one, whichever was written first."""
    weights = [PROTECTIVE_WEIGHT.get(type(fact), 0) for fact in (first, second)]
    ordered = sorted([entry(1, first), entry(2, second)], key=order_key)
    last = first if weights[0] > weights[1] else second  # alike: as they were written
    assert ordered[-1].fact is last


def test_stops_weigh_more_than_what_they_stop() -> None:
    """Whatever grants weighs least, the person's stops more, the erasure most."""
    stops = [MarketingObjection, MarketingProhibition, ConsentWithdrawn, ConsentRefused]
    assert all(PROTECTIVE_WEIGHT[stop] > PROTECTIVE_WEIGHT.get(ConsentGiven, 0) for stop in stops)
    assert max(PROTECTIVE_WEIGHT, key=PROTECTIVE_WEIGHT.__getitem__) is PersonErased


# --- after an erasure ----------------------------------------------------------------------------

VALUE = SealedValue(
    field=FieldId("email"),
    slot=Slot(UUID(int=1, version=4)),
    digest="ab" * 32,
)
ERASED = PersonErased(reason=ErasureReason.CONSENT_WITHDRAWN, reference="r-1")


@given(facts())
def test_after_the_erasure_only_stops_and_requests_count(fact: Fact) -> None:
    """What is written after a person's erasure changes nothing, or is one of the few that do."""
    line = [entry(1, SubjectAdded(kind="consumer", source=FORM)), entry(2, ERASED)]  # type: ignore[arg-type]
    before = fold(line)
    late = entry(3, fact, minutes=1)
    after = step(before, late)
    assert fold([*line, late]) == after, "in one pass as step by step"
    if type(fact) in AFTER_ERASURE:
        assert 3 not in after.anomalies
        assert after.data == before.data or isinstance(fact, RequestReceived)
    else:
        assert after.anomalies == (3,)
        assert (
            attrs.evolve(
                after,
                anomalies=(),
                position=before.position,
                last_at=before.last_at,
                last_weight=before.last_weight,
                last_position=before.last_position,
            )
            == before
        )
    assert after.status is ConnectionStatus.ERASED
    if not isinstance(fact, RequestReceived):  # a new request may bring a text of its own
        assert not after.data.values


def test_an_erasure_leaves_no_value_and_keeps_the_stops() -> None:
    """PersonErased empties the values; an objection before it goes on standing."""
    line = [
        entry(1, SubjectAdded(kind="consumer", source=FORM)),  # type: ignore[arg-type]
        entry(2, DataCollected(values=[VALUE], source=FORM), minutes=1),
        entry(3, MarketingObjection(via=IntakeChannel.EMAIL), minutes=2),
        entry(4, ERASED, minutes=3),
    ]
    standing = fold(line)
    assert standing.data.values == ()
    assert standing.data.erased_position == 4
    assert len(standing.objection.stops) == 1


def test_erasing_names_its_values_and_spares_the_others() -> None:
    """DataErased removes exactly the slots it names."""
    other = attrs.evolve(VALUE, slot=Slot(UUID(int=2, version=4)))
    line = [
        entry(1, DataCollected(values=[VALUE, other], source=FORM)),
        entry(
            2,
            DataErased(slots=[VALUE.slot], reason=ErasureReason.OBJECTED, rule="R-412"),
            minutes=1,
        ),
    ]
    assert [v.slot for v in fold(line).data.values] == [other.slot]


def test_the_same_stop_said_again_stands_once_with_its_newest_moment() -> None:
    """Repeating an objection adds no second one."""
    stop = MarketingObjection(via=IntakeChannel.EMAIL)
    standing = fold([entry(1, stop), entry(2, stop, minutes=5)])
    assert [s.position for s in standing.objection.stops] == [2]


def test_a_withdrawal_is_recorded_without_any_consent_before() -> None:
    """A stop needs nothing to stop (R-210)."""
    withdrawn = ConsentWithdrawn(purpose=PurposeId("newsletter"), via=IntakeChannel.PHONE)
    standing = fold([entry(1, withdrawn)])
    assert standing.objection.stops
    assert not standing.anomalies


def test_nothing_folds_into_the_empty_standing() -> None:
    """No facts, no knowledge."""
    assert fold([]) == EMPTY == Standing()
    assert EMPTY.status is ConnectionStatus.NONE


def test_a_circumstance_that_turns_out_not_to_hold_is_gone() -> None:
    """A wrong note is corrected by its opposite."""
    noted = CircumstanceNoted(circumstance="minor")  # type: ignore[arg-type]
    wrong = attrs.evolve(noted, holds=False)
    assert fold([entry(1, noted)]).data.circumstances
    assert not fold([entry(1, noted), entry(2, wrong, minutes=1)]).data.circumstances


def test_an_impossible_step_of_the_connection_is_listed_and_leaves_the_status() -> None:
    """Ending a person's marketing entry who has none is an anomaly, never an exception."""
    from gdprkit.facts.retention import MarketingEntryEnded

    line = [
        entry(1, ConnectionStarted(reference="c-1")),
        entry(2, MarketingEntryEnded(reason=ErasureReason.OBJECTED), minutes=1),
        entry(3, ConnectionEnded(on=AT.date(), cause="dormancy"), minutes=2),  # type: ignore[arg-type]
    ]
    standing = fold(line)
    assert standing.connection.anomalies == (2,)
    assert standing.status is ConnectionStatus.ENDED


_STOPS = (MarketingObjection, MarketingProhibition, ConsentWithdrawn, ConsentRefused)


@given(lines(*_STOPS, ConsentGiven, PersonErased, ConnectionStarted, max_size=20))
def test_no_stop_is_ever_lost(line: tuple[Entry, ...]) -> None:
    """Every stop on the line stands for its scope, at its newest moment, whatever follows it."""
    stops = fold(line).objection.stops
    for one in line:
        if isinstance(one.fact, _STOPS):
            assert any(
                stop.purpose == one.fact.purpose
                and stop.channels == one.fact.channels
                and stop.at >= one.at
                for stop in stops
            )


def test_the_last_act_is_the_persons_own() -> None:
    """Collecting, a stop by a third person and an implied consent move no last act (R-406)."""
    controllers: list[Fact] = [
        DataCollected(values=[VALUE], source=FORM),
        MarketingObjection(via=IntakeChannel.EMAIL, by=Actor.THIRD_PERSON),
        CircumstanceNoted(circumstance=Circumstance.ADULT),
    ]
    line = [entry(n, fact, minutes=n) for n, fact in enumerate(controllers, start=1)]
    assert fold(line).data.last_act is None
    own = entry(4, ConnectionStarted(reference="order-1"), minutes=4)
    assert fold([*line, own]).data.last_act == own.at


@pytest.mark.parametrize("cause", EndCause)
def test_a_relation_that_ended_by_a_death_says_so_of_the_person(cause: EndCause) -> None:
    """The death is known, noted besides or not (R-415); another cause says nothing of it."""
    told = fold(life(ConnectionEnded(on=date(2026, 1, 2), cause=cause)))
    dead = cause is EndCause.DEATH
    assert (told.data.circumstance(Circumstance.DECEASED) is not None) is dead
    assert [death.position for death in told.connection.deaths] == ([3] if dead else [])
    assert told.status is (ConnectionStatus.DECEASED if dead else ConnectionStatus.ENDED)


def test_a_death_noted_and_ended_stands_once() -> None:
    """The circumstance and the end that follows it are one death, and a mistake takes it back."""
    died = CircumstanceNoted(circumstance=Circumstance.DECEASED)
    ended = ConnectionEnded(on=date(2026, 1, 2), cause=EndCause.DEATH)
    both = fold(life(died, ended))
    assert len(both.connection.deaths) == 1
    assert len(both.data.circumstances) == 1
    back = fold(life(died, ended, attrs.evolve(died, holds=False)))
    assert back.connection.deaths == ()
    assert back.data.circumstances == ()
