"""The checks a fact meets when it is made, and what the keeper adds to it afterwards."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest

from gdprkit import consent
from gdprkit.acts.act import Act
from gdprkit.errors import InvalidValue
from gdprkit.facts._shape import altered
from gdprkit.facts._types import check_types
from gdprkit.facts.connection import ConnectionEnded
from gdprkit.facts.consent import ConsentGiven, ConsentWithdrawn
from gdprkit.facts.entry import Fact
from gdprkit.words.identifiers import NoticeId, PurposeId
from gdprkit.words.vocabulary import Channel, EndCause, IntakeChannel


def given(**more: Any) -> ConsentGiven:
    evidence = consent.ConsentEvidence(
        notice=NoticeId("v7"),
        notice_sha256="7" * 64,
        language="en",
        wording="Yes, send me the newsletter.",
        method=consent.ConsentMethod.DOUBLE_OPT_IN,
        captured_by="web-form",
        default_off=True,
        separate=True,
        withdrawal_told=True,
        conditional_on_service=False,
        **more,
    )
    return ConsentGiven(
        purpose=PurposeId("newsletter"), channels=[Channel.EMAIL], evidence=evidence
    )


class _Word(str):
    """A text that is more than a text."""

    __slots__ = ()


NO: dict[str, Any] = {"via": IntakeChannel.EMAIL}
END: dict[str, Any] = {
    "on": date(2026, 5, 4),
    "cause": EndCause.CONTRACT_END,
    "evidence": "contract-1",
}

#: what is wrong -> the fact, and the part that the error names
WRONG: dict[str, tuple[Fact, str]] = {
    "a plain text for a word of a list": (ConsentWithdrawn(via="email"), "via"),  # type: ignore[arg-type]
    "a number for a yes or no": (given(bundled=0), "bundled"),
    "a yes or no for a text": (altered(given(), purpose=True), "purpose"),
    "a text of another type": (ConsentWithdrawn(**NO, purpose=PurposeId(_Word("news"))), "purpose"),
    "a plain text among the words of a set": (
        ConsentWithdrawn(**NO, channels=["email"]),
        "channels",
    ),
    "a moment for a day": (
        altered(ConnectionEnded(**END), on=datetime(2026, 5, 4, tzinfo=UTC)),
        "on",
    ),
    "a text with half a character": (
        altered(ConnectionEnded(**END), evidence="contract \ud800"),
        "evidence",
    ),
    "nothing where something belongs": (altered(given(), evidence=None), "evidence"),
    "a mistake inside of the evidence": (
        altered(given(), evidence=altered(given().evidence, separate="yes")),
        "separate",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_fact_holds_the_types_it_declares(what: str) -> None:
    """A part of another type than declared is refused by name when the act is made."""
    fact, part = WRONG[what]
    with pytest.raises(InvalidValue) as caught:
        Act(fact=fact)
    assert caught.value.field == part
    with pytest.raises(InvalidValue):
        check_types(fact)


def test_texts_of_every_script_fit() -> None:
    """What is no ASCII is looked at more closely, and fits."""
    check_types(altered(given().evidence, wording="Kyllä, lähetä uutiskirje. 日本語"))


def test_an_altered_fact_is_the_one_made_with_the_checks() -> None:
    """What the keeper adds gives the same value as making it anew; the first stays as it was."""
    first = given()
    evidence = altered(first.evidence, register="a" * 64)
    assert evidence == attrs.evolve(first.evidence, register="a" * 64)
    assert hash(evidence) == hash(attrs.evolve(first.evidence, register="a" * 64))
    assert altered(first, evidence=evidence) == attrs.evolve(first, evidence=evidence)
    assert first == given()
    assert first.evidence.register is None
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        evidence.register = None  # type: ignore[misc]
