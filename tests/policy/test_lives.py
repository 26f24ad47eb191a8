"""What holds for every life: an objection, a stop more, a fact less, a moment later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import attrs
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.policy.support import (
    CLEAR,
    MARKETING,
    START,
    consented,
    customer,
    ended,
    entries,
    jot,
    moved,
    sealed,
    with_purpose,
)

from gdprkit.facts.connection import ConnectionEnded, ConnectionStarted
from gdprkit.facts.consent import ConsentGiven, ConsentRefused, ConsentWithdrawn
from gdprkit.facts.data import CircumstanceNoted, PersonErased
from gdprkit.facts.entry import Entry, Fact
from gdprkit.facts.marketing import AddressObtainedAtSale, ListChecked
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.objection import (
    MarketingObjection,
    MarketingProhibition,
    RestrictionImposed,
    RestrictionLifted,
)
from gdprkit.facts.retention import MarketingEntryEnded
from gdprkit.policy.case import Case
from gdprkit.policy.connection import MayMove, may_move
from gdprkit.policy.consent import consent_in_force, consent_problems
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.explain import explain
from gdprkit.policy.marketing import MayContact, may_contact
from gdprkit.policy.marks import tags, wake_at
from gdprkit.policy.matrix import MATRIX
from gdprkit.policy.plan import PlanAction
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.policy.retention import (
    AfterEnd,
    DueErasure,
    Erasure,
    plan_after_end,
    plan_due,
    plan_erasure,
)
from gdprkit.register.register import Register
from gdprkit.state.standing import fold
from gdprkit.testing.strategies import facts, lines
from gdprkit.words.identifiers import PurposeId, SubjectId
from gdprkit.words.vocabulary import Actor, Channel

CHANNELS = st.sampled_from([*MATRIX])
ABOUT = SubjectId(sealed("person").slot)

#: Lives that stand a chance: somebody contactable, and then what moves the answer.
_TELLING = (
    CircumstanceNoted,
    ConnectionEnded,
    ConnectionStarted,
    ConsentRefused,
    ConsentWithdrawn,
    ListChecked,
    AddressObtainedAtSale,
    MarketingEntryEnded,
    MarketingObjection,
    MarketingProhibition,
    NoticeGiven,
    RestrictionImposed,
    RestrictionLifted,
)
_WORDS: st.SearchStrategy[Fact] = st.one_of(
    facts(*_TELLING, register=jot()),
    st.sampled_from(
        [
            consented(),
            consented(channels=[Channel.POST]),
            consented(PurposeId("newsletter")),
            consented(actor=Actor.COMPANY),
            consented(separate=False),
            ended(),
            moved(),
        ]
    ),
)


@st.composite
def likely_lives(draw: st.DrawFn) -> list[Entry]:
    """Draw a customer's contact and up to six telling facts, some at one instant, some late."""
    line = entries(customer())
    at = line[-1].at
    for position, fact in enumerate(draw(st.lists(_WORDS, max_size=6)), start=len(line) + 1):
        at += timedelta(days=draw(st.sampled_from((0, 1, 40, 400))))
        line.append(Entry(position=position, at=at, recorded_at=at, fact=fact))
    return line


LIVES = st.one_of(likely_lives(), lines(register=jot()).map(list))


def case_of(line: list[Entry], at: datetime | None = None) -> Case:
    moment = at or max([START, *(e.at for e in line)]) + timedelta(minutes=1)
    return Case(
        standing=fold(line, until=moment), register=jot(), at=moment, about=ABOUT, suppressed=CLEAR
    )


def contact(case: Case, channel: Channel) -> Decision:
    return may_contact(case, MayContact(channel=channel, purpose=MARKETING))


def after(line: list[Entry], fact: Fact, days: int = 0) -> list[Entry]:
    at = max(e.at for e in line) + timedelta(days=days)
    return [*line, Entry(position=len(line) + 1, at=at, recorded_at=at, fact=fact)]


@given(
    LIVES,
    CHANNELS,
    facts(MarketingObjection, MarketingProhibition, register=jot()),
    st.lists(_WORDS, max_size=3),
)
def test_after_an_objection_nobody_is_contacted_without_a_later_valid_consent(
    line: list[Entry], channel: Channel, said: Fact, later: list[Fact]
) -> None:
    """An objection that reaches the channel rules until the person validly consents after it."""
    for fact in (said, *later):
        line = after(line, fact, days=1)
    case = case_of(line)
    if not contact(case, channel):
        return
    consents = [
        word
        for word in case.standing.consent.for_purpose(MARKETING)
        if word.channel is channel and not consent_problems(case, word)
    ]
    for stop in case.standing.objection.stops:
        if stop.covers(channel, MARKETING) and stop.by is not Actor.COMPANY:
            assert any(word.at > stop.at for word in consents)


@given(LIVES, CHANNELS, facts(MarketingObjection, MarketingProhibition, register=jot()))
def test_a_stop_more_never_widens(line: list[Entry], channel: Channel, stop: Fact) -> None:
    """Adding a stop leaves the answer as strict as it was, or makes it stricter."""
    before = contact(case_of(line), channel)
    case = case_of(line)
    stopped = case_of(after(line, stop), case.at)
    assert contact(stopped, channel).outcome.rank >= before.outcome.rank


@given(LIVES, CHANNELS)
def test_an_objection_said_now_closes_every_channel(line: list[Entry], channel: Channel) -> None:
    """«Please stop» is never too late, whatever is on record."""
    stop = MarketingObjection(via="email")  # type: ignore[arg-type]
    assert contact(case_of(after(line, stop)), channel).outcome is Outcome.FORBIDDEN


def _assessed(decided: date, review_by: date) -> Register:
    """Return the register with assessments of other days for the purposes asked about."""
    register = jot()
    for purpose in (MARKETING, PurposeId("customer-care")):
        assessment = register.purposes[purpose].assessment
        assert assessment is not None
        later = attrs.evolve(assessment, decided=decided, review_by=review_by)
        register = with_purpose(purpose, register=register, assessment=later)
    return with_purpose(MARKETING, register=register, channels=list(MATRIX))


#: The example, with assessments decided long ago, not yet, and reviewed in the middle of lives.
REGISTERS = {
    "current": _assessed(date(2024, 1, 1), date(2030, 1, 1)),
    "not yet": _assessed(date(2027, 1, 1), date(2028, 6, 1)),
    "short": _assessed(date(2026, 1, 6), date(2026, 1, 20)),
}


@given(LIVES, CHANNELS, st.sampled_from(sorted(REGISTERS)), st.integers(1, 60_000))
def test_an_answer_holds_until_it_says(
    line: list[Entry], channel: Channel, assessed: str, hours: int
) -> None:
    """While no new fact comes, the outcome stays the same before ``valid_until`` (R-330)."""
    case = attrs.evolve(case_of(line), register=REGISTERS[assessed])
    questions: tuple[Callable[[Case], Decision], ...] = (
        lambda c: contact(c, channel),
        lambda c: may_move(c, MayMove()),
        lambda c: consent_in_force(c, "newsletter", Channel.EMAIL),
        lambda c: may_process(c, MayProcess(purpose="customer-care")),
    )
    for question in questions:
        answer = question(case)
        later = case.at + timedelta(hours=hours)
        until = answer.valid_until
        assert until is None or until > case.at
        if until is not None:
            later = min(later, until - timedelta(microseconds=1))
        assert question(attrs.evolve(case, at=later)).outcome is answer.outcome


@given(LIVES, CHANNELS)
def test_the_answer_says_why(line: list[Entry], channel: Channel) -> None:
    """Every answer has reasons, each with law and words; its evidence are entries on the line."""
    case = case_of(line)
    known = {entry.position for entry in line}
    for answer in (
        contact(case, channel),
        may_move(case, MayMove()),
        *(may_process(case, MayProcess(purpose=p)) for p in jot().purposes),
    ):
        assert answer.reasons
        assert explain(answer)
        for reason in answer.reasons:
            assert reason.cites
            assert set(reason.evidence) <= known
            assert bool(reason.missing) is (reason.outcome is Outcome.NEEDS)


@given(LIVES, CHANNELS, st.data())
def test_what_is_not_known_never_allows(
    line: list[Entry], channel: Channel, data: st.DataObject
) -> None:
    """Forgetting a fact that favours the controller never turns a no into a yes."""
    favours = (
        ConsentGiven,
        ConnectionStarted,
        NoticeGiven,
        AddressObtainedAtSale,
        type(consented()),
        type(moved()),
    )
    positions = [
        entry.position
        for entry in line
        if isinstance(entry.fact, favours)
        # a new connection ends a review, and so favours in one way and binds in another
        and not isinstance(entry.fact, ConnectionStarted)
        # an invalid later consent is the newest word in place of a valid one
        and not (isinstance(entry.fact, ConsentGiven) and not entry.fact.evidence.separate)
    ]
    assume(positions)
    gone = data.draw(st.sampled_from(positions))
    case = case_of(line)
    less = case_of([e for e in line if e.position != gone], case.at)
    if isinstance(line[gone - 1].fact, ConsentGiven):
        # without the newest consent an older valid one may stand; then nothing was forgotten
        assume(less.standing.consent.word(MARKETING, channel) is None)
    if contact(less, channel):
        assert contact(case, channel)


@given(LIVES)
def test_plans_account_for_every_value_once(line: list[Entry]) -> None:
    """Each value held is erased or kept, never both; what moves or is archived is erased after."""
    case = case_of(line)
    for plan in (
        plan_after_end(case, AfterEnd()),
        plan_due(case, DueErasure()),
        plan_erasure(case, Erasure()),
    ):
        ends = [item.slot for item in plan.of(PlanAction.ERASE, PlanAction.KEEP)]
        assert sorted(ends) == sorted(value.slot for value in case.standing.data.values)
        copied = {item.slot for item in plan.of(PlanAction.MOVE, PlanAction.ARCHIVE)}
        assert copied <= {item.slot for item in plan.of(PlanAction.ERASE)}
        assert all(
            item.purpose and item.until for item in plan.of(PlanAction.MOVE, PlanAction.ARCHIVE)
        )
        if plan.erases_person:
            assert not plan.of(PlanAction.KEEP, PlanAction.ARCHIVE, PlanAction.MOVE)
        if case.standing.retention.holds or case.standing.objection.restrictions:
            assert not plan.of(PlanAction.ERASE)


@given(LIVES)
def test_moving_follows_the_decision(line: list[Entry]) -> None:
    """Values move exactly when the move is allowed."""
    case = case_of(line)
    plan = plan_after_end(case, AfterEnd())
    if plan.of(PlanAction.MOVE):
        assert plan.decision
        assert plan.expires_on is not None
        assert not plan.waiting_for


@given(LIVES)
def test_marks_are_functions_of_the_standing(line: list[Entry]) -> None:
    """Waking and tags can be rebuilt from the standing at any time."""
    case = case_of(line)
    assert wake_at(case) == wake_at(case_of(line[::-1], case.at))
    assert f"status:{case.standing.status}" in tags(case)


@given(LIVES, CHANNELS)
def test_an_erased_person_is_never_contacted_or_moved(line: list[Entry], channel: Channel) -> None:
    """After the erasure every marketing answer is no."""
    erased = PersonErased(reason="consent-withdrawn", reference="r-1")  # type: ignore[arg-type]
    case = case_of(after(line, erased))
    assert contact(case, channel).outcome is Outcome.FORBIDDEN
    assert may_move(case, MayMove()).outcome is Outcome.FORBIDDEN
