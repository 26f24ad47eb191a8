"""Whoever records a fact is held to the types it declares: what is stored must be readable."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, get_type_hints
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdprkit.acts.act import FACTS, Act
from gdprkit.errors import EvidenceMissing, InvalidValue, NaiveMoment
from gdprkit.facts.connection import ConnectionEnded
from gdprkit.facts.entry import Entry, Fact
from gdprkit.facts.objection import MarketingObjection
from gdprkit.facts.request import RequestReceived
from gdprkit.ledger.codec import decode_entry, encode_entry
from gdprkit.testing.strategies import KINDS_OF_FACTS, facts
from gdprkit.words import vocabulary
from gdprkit.words.identifiers import CaseId, slug, subject_id
from gdprkit.words.vocabulary import Channel, EndCause, IntakeChannel, Right

AT = datetime(2026, 3, 31, 6, 30, tzinfo=UTC)
MARK = "marker-7731"
WRONG: list[Any] = [
    MARK,
    7,
    7.5,
    True,
    None,
    b"x",
    (),
    [MARK],
    {MARK: 1},
    AT,
    AT.date(),
    UUID(int=7),
]


@given(facts())
def test_every_well_typed_fact_makes_an_act(fact: Fact) -> None:
    """What the types allow is accepted, whatever kind it is."""
    assert Act(fact=fact).fact is fact


@given(facts(), st.data())
def test_what_an_act_accepts_can_be_read_back(fact: Fact, data: st.DataObject) -> None:
    """A part swapped for something else is refused at the door, or comes back as it was given."""
    part = data.draw(st.sampled_from(attrs.fields(type(fact)))).name
    wrong = data.draw(st.sampled_from(WRONG))
    made: list[Act] = []
    with suppress(InvalidValue, EvidenceMissing, TypeError, AttributeError):
        made.append(Act(fact=attrs.evolve(fact, **{part: wrong})))
    for act in made:
        entry = Entry(position=1, at=AT, recorded_at=AT, fact=act.fact)
        assert decode_entry(encode_entry(entry), 1) == entry


@pytest.mark.parametrize(
    ("fact", "part"),
    [
        (MarketingObjection(via="email"), "via"),  # type: ignore[arg-type]
        (MarketingObjection(via=IntakeChannel.EMAIL, channels=["email"]), "channels"),
        (
            RequestReceived(case=MARK, right=Right.ACCESS, channel=IntakeChannel.EMAIL),  # type: ignore[arg-type]
            "case",
        ),
    ],
)
def test_a_plain_text_is_no_word_and_no_id(fact: Fact, part: str) -> None:
    """A text that only looks like a word of a list, or like an id, is refused by name."""
    with pytest.raises(InvalidValue) as caught:
        Act(fact=fact)
    assert caught.value.field == part
    assert MARK not in str(caught.value)


@pytest.mark.parametrize("value", ["lone \ud800", "", "x" * 300, "nul \0", 7, None])
def test_texts_are_writable_and_bounded(value: Any) -> None:
    """What has no UTF-8, is empty, too long or no text is refused where it is said."""
    from gdprkit import connection

    with pytest.raises(InvalidValue, match="reference"):
        connection.start(reference=value)


@pytest.mark.parametrize("value", [MARK, {"fact": 1}, None, Channel.EMAIL])
def test_only_facts_are_recorded(value: Any) -> None:
    """An act of something else is no act."""
    with pytest.raises(InvalidValue, match="is no fact"):
        Act(fact=value)


def test_the_facts_of_acts_are_the_union() -> None:
    """The door knows every kind, and the hints of each can be resolved."""
    assert set(KINDS_OF_FACTS) == FACTS
    for kind in FACTS:
        assert set(get_type_hints(kind)) == {field.name for field in attrs.fields(kind)}


def test_a_moment_of_an_act_has_a_zone() -> None:
    """An act that happened at a naive moment happened nobody knows when."""
    fact = ConnectionEnded(on=date(2026, 3, 31), cause=EndCause.DORMANCY)
    with pytest.raises(NaiveMoment):
        Act(fact=fact, at=datetime(2026, 3, 31))  # noqa: DTZ001  # the mistake under test
    assert Act(fact=fact, at=AT).at == AT


WORDS = [
    getattr(vocabulary, name)
    for name in vocabulary.__all__
    if issubclass(getattr(vocabulary, name), StrEnum)
]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words.__name__)
def test_a_word_of_no_list_is_told_the_close_one(words: type[StrEnum]) -> None:
    """Each list refuses what is none of its words, unrepeated, with the closest word or all."""
    first = next(iter(words))
    assert words(str(first)) is first
    with pytest.raises(InvalidValue, match=f"did you mean '{first}'") as caught:
        words(f"{first}z")
    assert caught.value.__context__ is None
    with pytest.raises(InvalidValue, match="use one of") as caught:
        words(MARK)
    assert MARK not in str(caught.value)


@given(st.text(max_size=80))
def test_declared_names_have_one_shape(text: str) -> None:
    """A name is lower-case letters, digits and three marks, 1 to 64 of them; nothing else."""
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    shaped = 1 <= len(text) <= 64 and set(text) <= allowed and (text[0] + text[-1]).isalnum()
    if shaped:
        assert slug(text, "purpose") == text
    else:
        with pytest.raises(InvalidValue):
            slug(text, "purpose")


@given(st.uuids())
def test_ids_are_taken_as_ids_or_their_text(value: UUID) -> None:
    """A UUID passes, and so does its canonical text."""
    assert subject_id(value) == subject_id(str(value)) == CaseId(value)
