"""The list of attacks and the table of errors are covered, and stay so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gdprkit.sealing import errors

TESTS = Path(__file__).parents[1]
CASES = range(1, 53)


def sources() -> str:
    return "\n".join(
        path.read_text(encoding="utf-8")
        for path in sorted(TESTS.rglob("*.py"))
        if path != Path(__file__)
    )


def test_every_attack_has_a_test_named_after_its_number() -> None:
    """Swaps 1-10, envelopes 11-20, keys 21-36, ciphers 37-45, indexes 46-52: none is missing."""
    names = re.findall(r"def test_((?:d\d\d_)+)", sources())
    found = {int(number) for name in names for number in re.findall(r"d(\d\d)_", name)}
    assert found == set(CASES)


@pytest.mark.parametrize("name", sorted(set(errors.__all__) - {"FieldCryptoError"}))
def test_every_error_is_raised_by_a_test(name: str) -> None:
    """Some test provokes each error of the table and names it; the message alone is not enough."""
    raised = rf"(raises\(\s*(\(.*)?|is |in \(.*|== |, ){name}\b(?!\()"
    assert re.search(raised, sources()), f"no test provokes {name}"
