"""How plans are told: every action and code has words, in three languages, to both readers."""

from __future__ import annotations

import ast
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import attrs
import pytest
from tests.policy.support import START, case, customer, ended, moved, sealed

import gdprkit
from gdprkit.errors import InvalidValue
from gdprkit.facts.entry import Fact
from gdprkit.facts.retention import HoldPlaced
from gdprkit.policy.case import Case, Suppressed
from gdprkit.policy.explain import LANGUAGES, READERS, Language, Reader
from gdprkit.policy.explain import sentence as reason_in_words
from gdprkit.policy.phrases import phrases
from gdprkit.policy.plan import PlanAction, PlanItem
from gdprkit.policy.plan_words import explain_plan, sentence
from gdprkit.policy.retention import (
    AfterEnd,
    DueErasure,
    Erasure,
    plan_after_end,
    plan_due,
    plan_erasure,
)
from gdprkit.words.identifiers import FieldId, SubjectId
from gdprkit.words.vocabulary import FilingSystem

CLEAR = Suppressed(hits={}, looked=frozenset())
ABOUT = SubjectId(sealed("person").slot)
SOURCE = Path(gdprkit.__file__).parent / "policy" / "retention.py"
TOLD = [
    (action, name.removeprefix(f"{action}-"))
    for name in phrases()
    for action in PlanAction
    if name.startswith(f"{action}-")
]


def item(action: PlanAction, code: str, until: date | None = None) -> PlanItem:
    return PlanItem(
        slot=sealed("email").slot,
        field=FieldId("email"),
        filing=FilingSystem.CUSTOMER,
        action=action,
        until=until,
        code=code,
        rule="R-402",
    )


def person(*facts: Fact, days: int = 0) -> Case:
    found = case(*facts, suppressed=CLEAR, at=START + timedelta(days=days))
    return attrs.evolve(found, about=ABOUT)


def codes_in_source() -> set[str]:
    """Give each literal that stands right before a rule id, or is given to the name ``code``."""

    def words(node: ast.expr) -> set[str]:
        return {
            one.value
            for one in ([node.body, node.orelse] if isinstance(node, ast.IfExp) else [node])
            if isinstance(one, ast.Constant) and isinstance(one.value, str)
        }

    found: set[str] = set()
    for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
            found |= words(node.value)
        many = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
        for before, after in pairwise(many):
            if isinstance(after, ast.Constant) and str(after.value).startswith("R-"):
                found |= words(before)
    return found


def test_every_code_of_a_plan_has_words() -> None:
    """A code without words, or words for a code no plan gives, is a mistake."""
    assert codes_in_source() == {code for _, code in TOLD}


@pytest.mark.parametrize(("action", "code"), TOLD, ids=str)
def test_each_is_told_to_both_in_each_language(action: PlanAction, code: str) -> None:
    """The words name the field and never leave a blank."""
    for language in LANGUAGES:
        for reader in READERS:
            told = sentence(item(action, code), language, reader)
            assert told.startswith("email ")
            assert "{" not in told
            assert (" (R-402)" in told) is (reader == "controller")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "(until 31 December 2032, the day included)"),
        ("fi", "(31. joulukuuta 2032 saakka, se päivä mukaan lukien)"),
        ("sv", "(till och med den 31 december 2032)"),
    ],
)
def test_the_last_day_is_told(language: Language, words: str) -> None:
    """What stays somewhere tells until when; what is erased has no last day to tell."""
    day = date(2032, 12, 31)
    kept, erased = (PlanAction.ARCHIVE, "legal-obligation"), (PlanAction.ERASE, "period-over")
    open_end = sentence(item(*kept), language, "person")
    assert sentence(item(*kept, day), language, "person") == f"{open_end} {words}"
    assert words not in sentence(item(*erased, day), language, "person")


def test_a_plan_after_the_end() -> None:
    """What moves, what is archived and what is erased stand together; nothing is left out."""
    plan = plan_after_end(person(*customer(), ended(), days=40), AfterEnd())
    told = explain_plan(plan)
    assert told.splitlines()[0] == "What becomes of the values after the end of the connection:"
    assert plan.items
    for one in plan.items:
        assert f"  - {sentence(one)}" in told.splitlines()
    finnish = explain_plan(plan, "fi", "person").splitlines()
    assert finnish[0] == "Mitä tiedoillesi tapahtuu asiakkuutesi päätyttyä:"
    assert not any("R-4" in line for line in finnish)


def test_what_a_plan_waits_for_is_told_first() -> None:
    """Before the end there is nothing to decide: the guard says so, then the values stay."""
    plan = plan_after_end(person(*customer()), AfterEnd())
    assert plan.waiting_for
    lines = explain_plan(plan, "sv").splitlines()
    assert lines[1].startswith("  - T1: anknytningens slut saknas")
    assert lines[-1].endswith("granskningen väntar på det som anges ovan (R-402)")
    assert plan.decision is not None
    to_person = explain_plan(plan, "sv", "person").splitlines()
    assert to_person[1] == f"  - {reason_in_words(plan.decision.against[0], 'sv', 'person')}"
    assert to_person[1] != lines[1]


def test_an_erasure_asked_for() -> None:
    """The request is an objection too, and nothing that stays is passed over."""
    plan = plan_erasure(person(*customer(), ended(), moved(), days=40), Erasure())
    told = explain_plan(plan, "en", "person")
    assert "we take your request as an objection to marketing, too" in told
    held = person(*customer(), HoldPlaced(reference="case-1", reason="claim"))
    kept = explain_plan(plan_erasure(held, Erasure()), "fi")
    assert "säilytetään: poistokielto on voimassa (R-715)" in kept


def test_nothing_held() -> None:
    """A plan without values says that none is held."""
    plan = plan_due(person(), DueErasure())
    assert explain_plan(plan, "fi", "person").splitlines()[1] == "  - meillä ei ole tietojasi"


@pytest.mark.parametrize(("language", "reader"), [("de", "person"), ("en", "lawyer")])
def test_unknown_language_or_reader(language: Language, reader: Reader) -> None:
    """A language or reader without words is refused."""
    with pytest.raises(InvalidValue, match="language or reader has no words"):
        explain_plan(plan_due(person(), DueErasure()), language, reader)
