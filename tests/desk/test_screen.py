"""The bars: they count where the number is known, and only there."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from gdprkit.desk.screen import Bars


@pytest.mark.parametrize(("total", "shown"), [(3, "0/3"), (None, "")])
def test_an_unknown_number_is_not_counted(total: int | None, shown: str) -> None:
    """On a terminal a step shows what is done of how many, and no count where that is unknown."""
    seen = StringIO()
    bars = Bars()
    bars._console = Console(file=seen, force_terminal=True, width=100, _environ={})
    with bars.step("counting", total) as advance:
        advance(1)
    assert "counting" in seen.getvalue()
    assert shown in seen.getvalue()
    assert "?" not in seen.getvalue().replace("[?25", "")
    if total is None:
        assert "/" not in seen.getvalue()
