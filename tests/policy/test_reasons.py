"""Every reason the policies can give has a sentence and a place in the law."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.policy.support import START

import gdprkit
from gdprkit.policy.consent import _VALIDITY
from gdprkit.policy.decisions import (
    Decision,
    NotAllowed,
    Outcome,
    Reason,
    allow,
    forbid,
    need,
)
from gdprkit.policy.explain import SENTENCES, explain, sentence
from gdprkit.words.citations import gdpr
from gdprkit.words.vocabulary import Circumstance

SOURCES = sorted(
    path
    for floor in ("policy", "acts")
    for path in (Path(gdprkit.__file__).parent / floor).glob("*.py")
)
MAKERS = {"allow", "need", "forbid", "make"}

#: Codes made of parts while running, each group by one call; the scan below counts these calls.
DYNAMIC = (
    {"robinson-checked", "population-register-checked"},
    {"robinson-not-checked", "population-register-not-checked"},
    {Circumstance.LEFT_ROLE, Circumstance.ADDRESS_DEAD, Circumstance.SAFETY_BAN},
    {"t11-deceased", "t11-left-role", "t11-address-dead"},
)


def calls(path: Path) -> Iterator[ast.Call]:
    """Give the calls that make reasons."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in MAKERS
        ):
            yield node


def literals(path: Path) -> Iterator[str]:
    for call in calls(path):
        if isinstance(call.args[0], ast.Constant):
            yield str(call.args[0].value)


#: Codes that a variable holds: looked up in tables of the modules.
TABLED = {
    "consent-refused",
    "consent-withdrawn",
    "objected",
    "prohibited",
    *_VALIDITY,
    "cell-allows",
    "cell-forbids",
    "stopped",
}
LITERAL = {code for path in SOURCES for code in literals(path)}
CODES = LITERAL | TABLED | {str(code) for codes in DYNAMIC for code in codes}


def test_every_code_has_a_sentence_and_every_sentence_a_code() -> None:
    """A code without words, or words for a code nobody gives, is a mistake."""
    assert set(SENTENCES) == CODES


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_every_reason_cites_the_law(path: Path) -> None:
    """Each call that makes a reason names a rule and at least one citation."""
    for call in calls(path):
        assert len(call.args) >= 3, f"{path.name}:{call.lineno} cites nothing"
        if isinstance(call.args[1], ast.Constant):
            assert str(call.args[1].value).startswith("R-")
        if isinstance(call.func, ast.Name) and call.func.id == "need":
            assert {keyword.arg for keyword in call.keywords} & {"missing"}


def test_codes_made_while_running_are_all_listed_here() -> None:
    """A code made of parts escapes the scan, so each call that makes one is listed with them."""
    parts = (ast.JoinedStr, ast.Attribute)
    made = [call for path in SOURCES for call in calls(path) if isinstance(call.args[0], parts)]
    assert len(made) == len(DYNAMIC)


# --- decisions -----------------------------------------------------------------------------------

ALLOW = allow("notice-given", "R-313", gdpr("13"), evidence=(2,))
NEED = need("duty-unknown", "R-307", gdpr("6"), missing="evidence of the contact's duties")
FORBID = forbid("objected", "R-311", gdpr("21(3)"), evidence=(4, 0))


def decision(*reasons: Reason) -> Decision:
    return Decision(question="may_contact", about=None, at=START, law="FI-2026-11", reasons=reasons)


@pytest.mark.parametrize(
    ("reasons", "outcome"),
    [
        ((), Outcome.FORBIDDEN),
        ((ALLOW,), Outcome.ALLOWED),
        ((ALLOW, NEED), Outcome.NEEDS),
        ((NEED, ALLOW), Outcome.NEEDS),
        ((ALLOW, NEED, FORBID), Outcome.FORBIDDEN),
        ((FORBID, ALLOW), Outcome.FORBIDDEN),
    ],
)
def test_the_strictest_reason_decides(reasons: tuple[Reason, ...], outcome: Outcome) -> None:
    """ALLOWED < NEEDS < FORBIDDEN, silence forbids, and only ALLOWED is true."""
    found = decision(*reasons)
    assert found.outcome is outcome
    assert bool(found) is (outcome is Outcome.ALLOWED)
    assert set(found.against) == {r for r in reasons if r.outcome is not Outcome.ALLOWED}
    if found:
        assert found.require() is found
    else:
        with pytest.raises(NotAllowed) as caught:
            found.require()
        assert caught.value.decision is found


def test_a_decision_is_told_in_words() -> None:
    """Outcome, each sentence with its law, rule and entries, and what is missing."""
    text = explain(decision(ALLOW, NEED, FORBID))
    head, *lines = text.splitlines()
    assert head.startswith("may_contact: forbidden")
    assert [line.strip()[0] for line in lines] == ["+", "?", "-"]
    assert "GDPR Art. 21(3); R-311; entry 4)" in lines[2]
    assert "missing: evidence of the contact's duties" in lines[1]
    assert sentence(ALLOW) in text
