"""Every rule has code that carries it and a scenario that shows it; the page says so truthfully."""

from __future__ import annotations

import re

import pytest
from tests.docs.law_map import (
    PAGE,
    TITLES,
    Rule,
    code_of,
    page,
    reasons_of,
    rules,
    scenarios_of,
)
from tests.docs.tables import names_in, section
from tests.docs.tables import rows as table_rows

from gdprkit.words.citations import Law

#: Cells of the marketing matrix and guards of the move.
CELL = re.compile(r"M-(?:EM|SM|PH|PO|OA)(?:/[\w+-]+)*\Z|T(?:[1-9]|1[0-2])\Z")

#: Rules about papers, which the register's shapes serve: none of them is a policy's.
PAPERS = {"R-701", "R-703", "R-704", "R-710"}


def test_the_page_is_what_rules_code_and_scenarios_say() -> None:
    """The page in the tree is the one that would be made now."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.docs.law_map"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_a_rule_has_code_and_a_scenario(rule: Rule) -> None:
    """Nothing of the law is claimed without code that decides it and a story that shows it."""
    assert rule.id in code_of() or rule.id in reasons_of(), "no code names it"
    assert rule.id in scenarios_of(), "no scenario shows it"


@pytest.mark.parametrize("guard", [f"T{number}" for number in range(1, 13)])
def test_a_guard_has_a_scenario(guard: str) -> None:
    """Each of the twelve guards of the move is shown."""
    assert guard in scenarios_of()


def test_scenarios_and_code_name_known_rules_only() -> None:
    """A rule that is named is declared; a scenario may name cells of the matrix and guards too."""
    known = {rule.id for rule in rules()}
    assert {name for name in scenarios_of() if not CELL.match(name)} <= known
    assert {name for name in reasons_of() if not CELL.match(name)} <= known
    assert set(code_of()) <= known | PAPERS


def test_every_law_is_explained() -> None:
    """Whoever reads a citation finds which law its short name means."""
    assert names_in(table_rows(section(PAGE, "## How laws are cited"))) == [str(law) for law in Law]


def test_every_part_of_the_rules_is_on_the_page() -> None:
    """The page leaves no group of rules out."""
    assert [*dict.fromkeys(rule.part for rule in rules())] == list(TITLES)
