"""What time does at its edges: the exact words of each refusal, the first and the last year."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gdprkit.errors import InvalidValue
from gdprkit.words.moments import (
    Period,
    add_months,
    calendar_year_end,
    civil_date,
    end_of_day,
    financial_year_end,
    from_microseconds,
    local_midnight,
    month_day,
    time_zone,
    utc_moment,
)

HELSINKI = ZoneInfo("Europe/Helsinki")
TOO_EARLY = datetime.min.replace(tzinfo=timezone(timedelta(hours=2)))
NO_DAY: Any = datetime(2026, 1, 31, 23, tzinfo=UTC)
NO_MOMENT: Any = date(2026, 1, 31)

OUTSIDE = "lies outside the years 1 to 9999; check the units"
CIVIL = "is no civil day; pass a date; civil_date() makes one"
ZONE = "is no time zone; use a name of the tz database, for instance Europe/Helsinki"
PERIOD = "is no period; write P2Y, P24M, P30D or P1Y6M, for instance"
WRITE = "is no day of the year; write month and day, for instance 12-31"
GIVE = "is no day of the year; give month and day, for instance 12-31"

Act = Callable[[], object]

REFUSED: list[tuple[Act, str]] = [
    (lambda: utc_moment(NO_MOMENT), "moment is not a datetime; pass an aware datetime"),
    (lambda: utc_moment(NO_MOMENT, "at"), "at is not a datetime; pass an aware datetime"),
    (lambda: utc_moment(TOO_EARLY), f"moment {OUTSIDE}"),
    (lambda: utc_moment(TOO_EARLY, "received"), f"received {OUTSIDE}"),
    (lambda: time_zone("Europe/Nowhere"), f"zone {ZONE}"),
    (lambda: time_zone("Europe/Nowhere", "controller.zone"), f"controller.zone {ZONE}"),
    (lambda: civil_date(datetime.max.replace(tzinfo=UTC), HELSINKI), f"moment {OUTSIDE}"),
    (lambda: local_midnight(NO_DAY, HELSINKI), f"day {CIVIL}"),
    (lambda: local_midnight(date.min, HELSINKI), f"day {OUTSIDE}"),
    (lambda: end_of_day(NO_DAY, HELSINKI), f"day {CIVIL}"),
    (lambda: end_of_day(date.max, HELSINKI), f"day {OUTSIDE}"),
    (lambda: add_months(NO_DAY, 1), f"day {CIVIL}"),
    (lambda: add_months(date(9999, 12, 1), 1), f"day {OUTSIDE}"),
    (lambda: add_months(date(1, 1, 31), -1), f"day {OUTSIDE}"),
    (lambda: from_microseconds(10**18), f"microseconds {OUTSIDE}"),
    (lambda: Period.parse("two years"), f"period {PERIOD}"),
    (lambda: Period.parse("P2W", "keep"), f"keep {PERIOD}"),
    (lambda: Period(days=-1), "days is no whole number of 0 or more; give 0, 1, 2 …"),
    (lambda: Period(days=1).after(date.max), f"day {OUTSIDE}"),
    (lambda: month_day("1-1"), f"financial_year_end {WRITE}"),
    (lambda: month_day("04-31", "ends"), f"ends {GIVE}"),
    (lambda: month_day(1231, "ends"), f"ends {WRITE}"),
    (lambda: calendar_year_end(NO_DAY), f"day {CIVIL}"),
    (lambda: financial_year_end(NO_DAY), f"day {CIVIL}"),
    (lambda: financial_year_end(date(2026, 1, 1), (2, 30)), f"year_end {GIVE}"),
    (lambda: financial_year_end(date(2026, 1, 1), (13, 1)), f"year_end {GIVE}"),
    (lambda: financial_year_end(date.max, (6, 30)), f"day {OUTSIDE}"),
]


@pytest.mark.parametrize(("act", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_a_refusal_names_the_field_and_tells_what_to_do(act: Act, words: str) -> None:
    """Each refusal is one sentence: the field as the caller calls it, what is wrong, the cure."""
    with pytest.raises(InvalidValue) as caught:
        act()
    assert str(caught.value) == words


def test_the_first_and_the_last_year_can_be_counted_to() -> None:
    """The years 1 and 9999 themselves belong to the calendar."""
    assert add_months(date(1, 2, 1), -1) == date(1, 1, 1)
    assert add_months(date(9999, 11, 30), 1) == date(9999, 12, 30)


def test_a_day_begins_at_a_moment_in_utc() -> None:
    """What is handed on is kept in UTC, wherever the machine stands."""
    begin = local_midnight(date(2026, 6, 1), HELSINKI)
    assert begin == datetime(2026, 5, 31, 21, tzinfo=UTC)
    assert begin.tzinfo is UTC


@pytest.mark.parametrize("part", ["years", "months", "days"])
def test_any_part_alone_gives_a_period_its_length(part: str) -> None:
    """One day, one month or one year is a length; none of them is none."""
    assert Period(**{part: 1})
    assert not Period(**{part: 0})


@pytest.mark.parametrize(
    ("day", "year_end", "expected"),
    [
        (date(2027, 3, 1), (2, 29), date(2028, 2, 29)),  # the leap day of the following year
        (date(2026, 3, 1), (2, 29), date(2027, 2, 28)),
        (date(2028, 3, 1), (2, 29), date(2029, 2, 28)),
        (date(2028, 2, 29), (2, 29), date(2028, 2, 29)),
        (date(2026, 6, 30), (6, 30), date(2026, 6, 30)),
        (date(2026, 7, 1), (6, 30), date(2027, 6, 30)),
        (date(2026, 7, 1), (12, 31), date(2026, 12, 31)),
        (date(9998, 7, 1), (6, 30), date(9999, 6, 30)),
    ],
)
def test_a_financial_year_ends_on_its_day(
    day: date, year_end: tuple[int, int], expected: date
) -> None:
    """The last day belongs to its year (R-408); the end of February is its last day."""
    assert financial_year_end(day, year_end) == expected
