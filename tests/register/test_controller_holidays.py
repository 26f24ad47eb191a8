"""The calendar a controller declares: which names there are, and when a note is a must."""

from __future__ import annotations

import pytest

from gdprkit.errors import InvalidValue
from gdprkit.register.parties import Controller


def controller(holidays: str, because: str | None = None) -> Controller:
    return Controller(
        name="Example Oy",
        address="Oulu",
        email="info@example.com",
        holidays=holidays,
        holidays_because=because,
    )


@pytest.mark.parametrize("name", ["FI", "NONE", "SE", "DE"])
def test_calendars(name: str) -> None:
    """Finland, weekends only, or the code of another country needs no note."""
    assert controller(name).holidays == name


def test_eves_are_chosen_with_a_note() -> None:
    """The eves give later dates, so who counts them says why (R-556)."""
    chosen = controller("FI+eves", "national style, board 2026-01-12")
    assert chosen.holidays_because == "national style, board 2026-01-12"
    for missing in (None, " "):
        with pytest.raises(InvalidValue, match="holidays_because"):
            controller("FI+eves", missing)


@pytest.mark.parametrize("name", ["SE+eves", "fi", "NONE+eves", "FIN", ""])
def test_no_calendar(name: str) -> None:
    """There is no calendar of another country's eves, and none in other spelling."""
    with pytest.raises(InvalidValue, match="holidays names no calendar"):
        controller(name)
