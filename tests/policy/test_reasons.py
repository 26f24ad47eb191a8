"""Every reason the policies can give has words and a place in the law."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
from tests.policy.reasons import declared_reasons
from tests.policy.support import START

import gdprkit
from gdprkit.policy.decisions import (
    Decision,
    NotAllowed,
    Outcome,
    Reason,
    allow,
    forbid,
    need,
)
from gdprkit.policy.explain import LANGUAGES, READERS, explain, sentence, texts
from gdprkit.words.citations import gdpr

PACKAGE = Path(gdprkit.__file__).parent
SOURCES = sorted(path for floor in ("policy", "acts") for path in (PACKAGE / floor).glob("*.py"))
MAKERS = {"allow", "need", "forbid"}
CODES = {reason.code for _, reason in declared_reasons()}


def test_every_code_has_words_and_all_words_a_code() -> None:
    """A code without words, or words for a code nobody gives, is a mistake."""
    assert set(texts()) == CODES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reader", READERS)
def test_every_code_is_told_to_each_reader_in_each_language(reader: str, language: str) -> None:
    """Controller and person find each reason in English, Finnish and Swedish."""
    lacking = [
        c for c, said in texts().items() if not said.get(reader, {}).get(language, "").strip()
    ]
    assert lacking == []


#: Finnish forms of a formal plural "you"; place words end alike and are none.
_PLURAL_YOU = re.compile(
    r"\b(te|teit\w*|teid\w*|teil\w*|teihin|oletteko|olette|olitte|ettek\w+|ettette|ette|"
    r"(?!tänne|sinne|minne|jonne|tuonne|kunne)\w+nne)\b"
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_one_clause(language: str) -> None:
    """No words end in a full stop or begin in upper case, so that they fit in a list and a page."""
    odd = [
        f"{code}: {words}"
        for code, said in texts().items()
        for reader in READERS
        if (words := said[reader][language]).endswith((".", ";", ","))
        or (words[0].isupper() and not re.match(r"T\d+: |Robinson|[A-ZÅÄÖ]{2}", words))
    ]
    assert odd == []


def test_finnish_speaks_to_the_person_in_one_manner() -> None:
    """The person is ``sinä`` in every text, never ``te``: one letter does not mix the two."""
    odd = [code for code, said in texts().items() if _PLURAL_YOU.search(said["person"]["fi"])]
    assert odd == []


def test_words_stand_in_one_file() -> None:
    """No code has words twice."""
    files = sorted((PACKAGE / "policy" / "texts").glob("*.toml"))
    listed = [code for f in files for code in tomllib.loads(f.read_text(encoding="utf-8"))]
    assert sorted(listed) == sorted(set(listed))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_reasons_are_declared_as_constants(path: Path) -> None:
    """No function makes a reason while it runs: what can be said is known beforehand."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = [
        f"{path.name}:{call.lineno}"
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in MAKERS
        and path.name != "decisions.py"
    ]
    assert inside == []


@pytest.mark.parametrize(
    "reason", [reason for _, reason in declared_reasons()], ids=lambda r: f"{r.code}/{r.rule}"
)
def test_every_reason_cites_the_law(reason: Reason) -> None:
    """Each reason names a rule and a place in a law, and says what is missing only if it needs."""
    assert reason.rule.startswith(("R-", "M-"))
    assert reason.cites
    assert bool(reason.missing) is (reason.outcome is Outcome.NEEDS)


# --- decisions -----------------------------------------------------------------------------------

ALLOW = allow("notice-given", "R-313", gdpr("13")).on(2)
NEED = need("duty-unknown", "R-307", gdpr("6"), missing="evidence of the contact's duties")
FORBID = forbid("objected", "R-311", gdpr("21(3)")).on(4, 0)


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


def test_a_decision_is_told_without_english_in_other_languages() -> None:
    """Finnish and Swedish cite the law in their own manner, and say the rest in their own words."""
    found = decision(ALLOW, NEED, FORBID)
    finnish = explain(found, "fi").splitlines()
    assert finnish[0].startswith("may_contact: kielletty hetkellä 2026-")
    assert "tietosuoja-asetuksen 21 artiklan 3 kohta; R-311; merkintä 4)" in finnish[3]
    swedish = explain(found, "sv", "person").splitlines()
    assert swedish[0] == "Förbjudet:"
    assert swedish[3] == (
        "  - du har gjort en invändning mot den här behandlingen "
        "(artikel 21.3 i dataskyddsförordningen)"
    )
