from __future__ import annotations

import pickle
import sys
from datetime import date, timedelta

import holidays as package
import pytest
from dateutil.easter import easter as easter_elsewhere  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from gdprkit.errors import InvalidValue, MissingExtra
from gdprkit.policy.adequacy import EEA
from gdprkit.words.holidays import (
    FINLAND,
    FINLAND_WITH_EVES,
    NO_HOLIDAYS,
    HolidayCalendar,
    calendar,
    easter,
)

YEARS = range(2018, 2061)
DAYS = st.dates(min_value=date(2018, 1, 1), max_value=date(2060, 12, 31))
CALENDARS = st.sampled_from([FINLAND, FINLAND_WITH_EVES, NO_HOLIDAYS])


def test_easter_agrees_with_another_computus() -> None:
    """Easter is right in every year of the Gregorian calendar that another library knows."""
    assert all(easter(year) == easter_elsewhere(year) for year in range(1583, 4100))


def test_finnish_days_of_2026() -> None:
    """The thirteen statutory days of R-556, read from a wall calendar."""
    assert FINLAND(2026) == {
        date(2026, month, day)
        for month, day in (
            (1, 1),
            (1, 6),
            (4, 3),
            (4, 5),
            (4, 6),
            (5, 1),
            (5, 14),
            (5, 24),
            (6, 20),
            (10, 31),
            (12, 6),
            (12, 25),
            (12, 26),
        )
    }


@pytest.mark.parametrize("year", YEARS)
def test_finland_agrees_with_the_package_but_for_the_eves(year: int) -> None:
    """The built-in days are the package's without the two eves it wrongly calls statutory."""
    listed = set(package.country_holidays("FI", years=year, expand=False))
    eves = FINLAND_WITH_EVES(year) - FINLAND(year)
    assert FINLAND(year) == listed - eves
    assert {eve.strftime("%m-%d") for eve in eves} >= {"12-24"}
    assert min(eves).weekday() == 4  # Midsummer Eve is a Friday
    assert len(eves) == 2


@pytest.mark.parametrize("year", YEARS)
def test_sweden_has_neither_eves_nor_plain_sundays(year: int) -> None:
    """Swedish days are the thirteen statutory ones; the three eves are custom, not statute."""
    days = calendar("SE")(year)
    assert not {(12, 24), (12, 31)} & {(day.month, day.day) for day in days}
    midsummer = next(day for day in days if day.month == 6 and day.day >= 20 and day.weekday() == 5)
    assert midsummer - timedelta(days=1) not in days
    # two of them fall on one day when Easter is very late (2049) or very early
    assert len(days) == 13 - (easter(year) + timedelta(days=49) == date(year, 6, 6)) - (
        easter(year) + timedelta(days=39) == date(year, 5, 1)
    )


def test_germany_is_nationwide_only() -> None:
    """Days of single Länder, Epiphany or Corpus Christi for instance, are left out."""
    assert {day.strftime("%m-%d") for day in calendar("DE")(2026)} == {
        "01-01",
        "04-03",
        "04-06",
        "05-01",
        "05-14",
        "05-25",
        "10-03",
        "12-25",
        "12-26",
    }


def test_statutory_eves_of_others_stay() -> None:
    """Christmas Eve is a statutory day in Czechia and counts there."""
    assert date(2026, 12, 24) in calendar("CZ")(2026)


def test_days_in_lieu_are_left_out() -> None:
    """A substitute day is not the designated day; without it the date is the earlier one."""
    assert date(2026, 12, 28) not in calendar("BG")(2026)


@pytest.mark.parametrize(
    ("country", "day"),
    [
        ("HU", date(2026, 1, 2)),  # worked in on Saturday 10 January
        ("HU", date(2025, 12, 24)),
        ("LV", date(2026, 6, 22)),
        ("BG", date(2026, 1, 2)),  # a non-working day of the government's
    ],
)
def test_swapped_days_are_left_out(country: str, day: date) -> None:
    """A working day made free for one year is no designated day, whatever the package lists."""
    listed = package.country_holidays(country, years=day.year, expand=False, observed=False)
    assert day in listed
    assert day not in calendar(country)(day.year)


def test_the_day_before_a_swapped_one_stays() -> None:
    """Hungary's New Year and Latvia's Midsummer stay free: only what was swapped is left out."""
    assert date(2026, 1, 1) in calendar("HU")(2026)
    assert {date(2026, 6, 23), date(2026, 6, 24)} <= calendar("LV")(2026)


@pytest.mark.parametrize(
    ("country", "day"),
    [
        ("EE", date(2026, 12, 23)),  # shortened by three hours
        ("IS", date(2026, 12, 24)),  # free from one o'clock
        ("GR", date(2026, 12, 24)),
        ("LU", date(2026, 4, 3)),  # banks only
        ("NL", date(2026, 5, 5)),  # free for all every fifth year only
        ("DK", date(2026, 6, 5)),  # free by agreement
        ("IE", date(2026, 4, 3)),
        ("AT", date(2026, 11, 15)),  # one Land
        ("ES", date(2026, 3, 19)),
    ],
)
def test_half_days_bank_days_and_regional_days_are_left_out(country: str, day: date) -> None:
    """What is half free, free for banks, by custom or in one region is no day of the State."""
    assert day not in calendar(country)(day.year)


@pytest.mark.parametrize("country", sorted(EEA - {"FI"}))
def test_every_state_of_the_area_has_its_days(country: str) -> None:
    """Each member state has between eight and seventeen days a year, New Year among them."""
    for year in range(2020, 2036):
        days = calendar(country)(year)
        assert 8 <= len(days) <= 17, (year, len(days))
        assert date(year, 1, 1) in days


@pytest.mark.parametrize("name", ["XX", "fi", "SE-AB", "", "HOLIDAYS", "FI+EVES", "S1"])
def test_unknown_calendar(name: str) -> None:
    """A name that is no calendar gives an error that lists what there is."""
    with pytest.raises(InvalidValue, match="use FI, FI\\+eves, NONE or a country code"):
        calendar(name)


def test_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package a country says which extra to install; the built-ins still work."""
    monkeypatch.setattr("gdprkit.words.holidays.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"pip install 'gdprkit\[holidays\]'"):
        calendar("SE")
    assert [calendar(name).name for name in ("FI", "FI+eves", "NONE")] == ["FI", "FI+eves", "NONE"]


def test_finland_needs_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finland's days come from this library even where the package is installed."""
    monkeypatch.setitem(sys.modules, "holidays", None)
    assert len(calendar("FI")(2031)) == 13


@pytest.mark.parametrize("name", ["FI", "FI+eves", "NONE", "SE"])
def test_calendars_travel(name: str) -> None:
    """A calendar goes to another process and is the same one there."""
    again = pickle.loads(pickle.dumps(calendar(name)))  # noqa: S301
    assert again == calendar(name)
    assert again(2027) == calendar(name)(2027)


@given(CALENDARS, DAYS)
def test_roll_finds_the_first_working_day(found: HolidayCalendar, day: date) -> None:
    """Rolling goes forward over free days only and stops at the first working day."""
    end = found.roll(day)
    assert found.is_working_day(end)
    assert end >= day
    between = [day + timedelta(days=count) for count in range((end - day).days)]
    assert not any(found.is_working_day(passed) for passed in between)


@given(CALENDARS, DAYS, st.integers(1, 30))
def test_working_days_go_there_and_back(found: HolidayCalendar, day: date, count: int) -> None:
    """From a working day, so many forward and as many back is the same day."""
    day = found.roll(day)
    assert found.add_working_days(found.add_working_days(day, count), -count) == day
    assert found.add_working_days(day, 0) == day


def test_working_days_over_christmas() -> None:
    """Three working days after Wednesday 23 December 2026 is Tuesday 29 December."""
    assert FINLAND.add_working_days(date(2026, 12, 23), 3) == date(2026, 12, 29)
    assert FINLAND.add_working_days(date(2026, 12, 29), -3) == date(2026, 12, 23)
    assert FINLAND_WITH_EVES.add_working_days(date(2026, 12, 23), 3) == date(2026, 12, 30)


def test_roll_ends_with_the_calendar() -> None:
    """Beyond the year 9999 there is an error of the family."""
    with pytest.raises(InvalidValue, match="outside the years"):
        NO_HOLIDAYS.add_working_days(date.max, 1)
