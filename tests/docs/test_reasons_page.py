"""The page of reasons and the code agree."""

from __future__ import annotations

import re

from tests.docs.reasons_page import PAGE, page
from tests.policy.reasons import declared_reasons


def test_the_page_is_what_the_code_says() -> None:
    """The page in the tree is the one that would be made now."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.docs.reasons_page"


def test_every_reason_is_on_it() -> None:
    """No reason is left out: each code stands with each of its rules and all that it cites."""
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    for _, reason in declared_reasons():
        start = f"| `{reason.code}` | {reason.outcome} | {reason.rule} |"
        found = [row for row in rows if row.startswith(start)]
        assert found
        assert any(all(str(cite) in row for cite in reason.cites) for row in found)


def test_each_row_is_a_row() -> None:
    """No words break the table: six cells in each row."""
    rows = [line for line in page().splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}
