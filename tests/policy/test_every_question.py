"""What holds for every question, whatever the life: drawn from the table of questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.support import CLEAR, NEWSLETTER, consented, entries, jot
from tests.policy.test_lives import ABOUT, LIVES, REGISTERS, case_of

from gdprkit.facts.consent import ConsentWithdrawn
from gdprkit.facts.entry import Entry
from gdprkit.keeper.asking import QUESTIONS
from gdprkit.ledger.codec import decode_standing, encode_standing
from gdprkit.policy.case import Case
from gdprkit.policy.consent import consent_in_force
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.languages import LANGUAGES
from gdprkit.policy.law import FINLAND
from gdprkit.register.register import Register
from gdprkit.state.standing import Standing, fold
from gdprkit.testing.strategies import lines
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import Actor, Channel, IntakeChannel

Asked = tuple[Callable[[Case, Any], Decision], Any]


def _names(register: Register) -> dict[str, st.SearchStrategy[Any]]:
    """Return how each part of a question that names something declared is drawn."""
    some: dict[str, Iterable[str]] = {
        "purpose": register.purposes,
        "field": register.fields,
        "fields": register.fields,
        "selected_by": register.fields,
        "recipient": register.recipients,
        "transfer": register.transfers,
        "item": register.cookies,
        "platform": register.recipients,
        "cookie": register.cookies,
    }
    return {name: st.sampled_from(sorted(names)) for name, names in some.items() if names}


def _question(kind: type, register: Register) -> st.SearchStrategy[Any]:
    names, hints = _names(register), get_type_hints(kind)
    parts: dict[str, st.SearchStrategy[Any]] = {}
    for field in attrs.fields(kind):
        if field.name in names:
            drawn = names[field.name]
            if "frozenset" in str(hints[field.name]):
                drawn = st.frozensets(drawn, max_size=3)
            parts[field.name] = drawn if field.default is attrs.NOTHING else st.none() | drawn
            if "frozenset" in str(hints[field.name]):
                parts[field.name] = drawn
    return st.builds(kind, **parts)


ASKED: st.SearchStrategy[Asked] = st.sampled_from(list(QUESTIONS)).flatmap(
    lambda kind: st.tuples(st.just(QUESTIONS[kind]), _question(kind, jot()))
)
#: Lives of the example's customers, and lives in which nothing fits together.
ANY_LIFE = st.one_of(LIVES, lines(register=jot()).map(list), lines().map(list))


def test_every_kind_of_question_is_drawn() -> None:
    """A new question is in these properties without a line here."""
    assert len(QUESTIONS) >= 9
    for kind in QUESTIONS:
        assert isinstance(_question(kind, jot()), st.SearchStrategy)


@given(ANY_LIFE, ASKED)
def test_every_answer_has_reasons_with_law_and_words(line: list[Entry], asked: Asked) -> None:
    """Whatever contradicts or is missing, an answer comes, with citations, and what is missing."""
    policy, question = asked
    case = case_of(line)
    answer = policy(case, question)
    assert answer.reasons
    for reason in answer.reasons:
        assert reason.cites
        assert reason.rule
        assert set(reason.evidence) <= {entry.position for entry in line}
        assert bool(reason.missing) is (reason.outcome is Outcome.NEEDS)
    assert answer.law == case.law.id
    for language in LANGUAGES:
        assert answer.explain(language)
        assert answer.explain(language, "person")


@given(ANY_LIFE, ASKED, st.sampled_from(sorted(REGISTERS)), st.integers(1, 60_000))
def test_every_answer_holds_until_it_says(
    line: list[Entry], asked: Asked, assessed: str, hours: int
) -> None:
    """Asked at any moment before ``valid_until``, with no new fact, the outcome is the same."""
    policy, question = asked
    case = attrs.evolve(case_of(line), register=REGISTERS[assessed])
    answer = policy(case, question)
    later = case.at + timedelta(hours=hours)
    if answer.valid_until is not None:
        assert answer.valid_until > case.at
        later = min(later, answer.valid_until - timedelta(microseconds=1))
    assert policy(attrs.evolve(case, at=later), question).outcome is answer.outcome


@given(ANY_LIFE, ASKED, st.integers(0, 12), st.integers(0, 12))
def test_a_loaded_standing_answers_as_the_whole_line_does(
    line: list[Entry], asked: Asked, before: int, known: int
) -> None:
    """As of any moment and known by any other: stored and read back, the answer is the same."""
    policy, question = asked
    moments = sorted({e.at for e in line} | {e.recorded_at for e in line})
    at, known_by = moments[before % len(moments)], moments[known % len(moments)]
    folded = fold(line, until=at, known_by=known_by)
    about = SubjectId(UUID(int=1))
    loaded = decode_standing(encode_standing(folded, about), about)
    assert isinstance(loaded, Standing)

    def answer(standing: Standing) -> Decision:
        return policy(
            Case(standing=standing, register=jot(), at=at, about=ABOUT, suppressed=CLEAR), question
        )

    assert answer(loaded) == answer(folded)
    seen = [e for e in line if e.at <= at and e.recorded_at <= known_by]
    assert answer(fold(seen)) == answer(folded)


@given(ASKED)
def test_about_nobody_nothing_is_allowed_that_concerns_a_person(asked: Asked) -> None:
    """Without a single fact, no question about marketing, disclosure or a move is allowed."""
    policy, question = asked
    case = Case(
        standing=fold(()), register=jot(), at=datetime(2026, 1, 5, tzinfo=UTC), suppressed=CLEAR
    )
    answer = policy(case, question)
    assert answer.question in _WITHOUT_A_PERSON or answer.outcome is not Outcome.ALLOWED


#: A contextual advertisement, an exempt cookie, an open right and a declared flow need no person.
_WITHOUT_A_PERSON = {"may_advertise", "may_store", "may_exercise", "may_transfer"}


@given(
    LIVES,
    st.sampled_from([Channel.EMAIL, Channel.POST, None]),
    st.sampled_from(list(Actor)),
    st.integers(0, 3),
)
def test_what_was_withdrawn_is_not_in_force(
    line: list[Entry], channel: Channel | None, by: Actor, days: int
) -> None:
    """From the moment of a withdrawal, whoever says it, the consent carries nothing any more; what
    it carried before stays as it was."""
    at = max(e.at for e in line) + timedelta(days=1)
    given_at = Entry(position=len(line) + 1, at=at, recorded_at=at, fact=consented(NEWSLETTER))
    no = ConsentWithdrawn(
        purpose=NEWSLETTER,
        channels=[channel] if channel else [],
        via=IntakeChannel.PHONE,
        by=by,
    )
    then = at + timedelta(days=days)
    stop = Entry(position=len(line) + 2, at=then, recorded_at=then, fact=no)
    after = case_of([*line, given_at, stop], then)
    in_force = consent_in_force(after, NEWSLETTER, Channel.EMAIL)
    if channel is not Channel.POST and not (
        by is Actor.COMPANY and after.standing.data.kind == "company-contact"
    ):
        assert in_force.outcome is not Outcome.ALLOWED
    if days:
        earlier = then - timedelta(microseconds=1)
        assert consent_in_force(case_of([*line, given_at, stop], earlier), NEWSLETTER) == (
            consent_in_force(case_of([*line, given_at], earlier), NEWSLETTER)
        )


@pytest.mark.parametrize(
    ("day", "law"),
    [
        (datetime(2018, 6, 1, tzinfo=UTC), "FI-2026-11/until-2018-12-31"),
        (datetime(2018, 12, 31, 21, 59, tzinfo=UTC), "FI-2026-11/until-2018-12-31"),
        (datetime(2018, 12, 31, 22, 0, tzinfo=UTC), "FI-2026-11"),
    ],
)
def test_a_decision_names_the_law_of_its_day(day: datetime, law: str) -> None:
    """The civil day in the controller's zone picks the profile, and the answer names it."""
    case = Case(standing=fold(entries([consented()])), register=jot(), at=day)
    found = attrs.evolve(case, law=FINLAND.on(case.today))
    assert consent_in_force(found, "newsletter").law == law
