"""Public holidays: on which days a time limit does not end.

Decides which days of a year are public holidays in Finland, and finds the working days around a
day. Leaves out how a time limit runs (``policy.deadlines``), a company's own days off, which never
count, and regional holidays: they are not days of the Member State as a whole. Other countries come
from the ``holidays`` package, the extra of that name. Always true: where it is doubtful whether a
day is statutory it is left out, since that gives the earlier, safe date (R-556).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, final

import attrs

from gdprkit.errors import InvalidValue, MissingExtra

__all__ = [
    "FINLAND",
    "FINLAND_WITH_EVES",
    "NO_HOLIDAYS",
    "HolidayCalendar",
    "calendar",
    "easter",
    "holiday_name",
]

_DAY: Final = timedelta(days=1)
_FRIDAY: Final = 4
_SATURDAY: Final = 5


@final
@attrs.frozen
class HolidayCalendar:
    """The public holidays of one place; also the way to its working days.

    Args:
        name: Short name, shown in explanations and written in the register: ``FI``, ``NONE``.
        days: Pure function from a year to its public holidays. Saturdays and Sundays may stand in
            it and make no difference. Calendars of the same name count as equal.

    Source: Reg. 1182/71 Art. 2; R-555, R-556.
    """

    name: str
    days: Callable[[int], frozenset[date]] = attrs.field(eq=False, repr=False)

    def __call__(self, year: int) -> frozenset[date]:
        """Return the public holidays of *year*."""
        return self.days(year)

    def is_holiday(self, day: date) -> bool:
        """Tell whether *day* is a public holiday; a plain Sunday is none."""
        return day in self.days(day.year)

    def is_working_day(self, day: date) -> bool:
        """Tell whether *day* is neither a Saturday, a Sunday nor a public holiday."""
        return day.weekday() < _SATURDAY and not self.is_holiday(day)

    def roll(self, day: date) -> date:
        """Return *day*, or the first working day after it when it is none; never backwards.

        Source: Reg. 1182/71 Art. 3(4); R-555.

        Raises:
            InvalidValue: the days go beyond the year 9999.
        """
        while not self.is_working_day(day):
            day = _neighbour(day, _DAY)
        return day

    def add_working_days(self, day: date, count: int) -> date:
        """Return the working day *count* working days after *day*, or before it when negative.

        *day* itself is not counted; a *count* of 0 returns it unchanged.

        Raises:
            InvalidValue: the days go beyond the years 1 to 9999.
        """
        step = _DAY if count > 0 else -_DAY
        for _ in range(abs(count)):
            day = _neighbour(day, step)
            while not self.is_working_day(day):
                day = _neighbour(day, step)
        return day


def calendar(name: str, field: str = "holidays") -> HolidayCalendar:
    """Return the calendar called *name*.

    Args:
        name: ``FI`` (statutory Finnish days), ``FI+eves`` (also Midsummer Eve and Christmas Eve:
            national style, to be chosen with a note), ``NONE`` (weekends only), or the ISO 3166
            code of another country, for instance ``SE``: its days that are public holidays
            nationwide by statute, taken from the ``holidays`` package.
        field: The name an error shows.

    Raises:
        InvalidValue: no calendar has this name.
        MissingExtra: the country needs the extra ``holidays``, which is not installed.
    """
    if (known := _BUILT_IN.get(name)) is not None:
        return known
    unknown = InvalidValue(
        field, "is no known holiday calendar", "use FI, FI+eves, NONE or a country code such as SE"
    )
    if not re.fullmatch("[A-Z]{2}", str(name)):
        raise unknown
    if find_spec("holidays") is None:
        raise MissingExtra("holidays", f"the holiday calendar {name}")
    if name not in import_module("holidays").list_supported_countries(include_aliases=False):
        raise unknown
    return HolidayCalendar(name, partial(_days_of_country, name))


def holiday_name(calendar_name: str, day: date) -> str | None:
    """Return the stable word of a public holiday, for instance ``good-friday``.

    Args:
        calendar_name: The calendar the day is looked up in.
        day: The day.

    Returns:
        None where the day is no public holiday, and in calendars that are not Finnish: they give
        days without words.
    """
    named = _NAMED.get(calendar_name)
    return named(day.year).get(day) if named is not None else None


@lru_cache(maxsize=64)
def easter(year: int) -> date:
    """Return Easter Sunday of *year* in the Gregorian calendar (the anonymous computus)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    leaps, odd_centuries = divmod(century, 4)
    moon_shift = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leaps - moon_shift + 15) % 30
    quarter, odd_years = divmod(of_century, 4)
    to_sunday = (32 + 2 * odd_centuries + 2 * quarter - epact - odd_years) % 7
    correction = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day0 = divmod(epact + to_sunday - 7 * correction + 114, 31)
    return date(year, month, day0 + 1)


@lru_cache(maxsize=64)
def _finland(year: int) -> Mapping[date, str]:
    sunday = easter(year)
    return {
        sunday - 2 * _DAY: "good-friday",
        sunday: "easter-sunday",
        sunday + _DAY: "easter-monday",
        sunday + 39 * _DAY: "ascension-day",
        sunday + 49 * _DAY: "pentecost",
        date(year, 1, 1): "new-years-day",
        date(year, 1, 6): "epiphany",
        date(year, 5, 1): "may-day",  # in 2008 also Ascension Day
        _first(_SATURDAY, date(year, 6, 20)): "midsummer-day",
        _first(_SATURDAY, date(year, 10, 31)): "all-saints-day",
        date(year, 12, 6): "independence-day",
        date(year, 12, 25): "christmas-day",
        date(year, 12, 26): "st-stephens-day",
    }


@lru_cache(maxsize=64)
def _finland_with_eves(year: int) -> Mapping[date, str]:
    midsummer_eve = _first(_FRIDAY, date(year, 6, 19))
    return {
        **_finland(year),
        midsummer_eve: "midsummer-eve",
        date(year, 12, 24): "christmas-eve",
    }


@lru_cache(maxsize=64)
def _finnish_days(year: int) -> frozenset[date]:
    return frozenset(_finland(year))


@lru_cache(maxsize=64)
def _finnish_days_with_eves(year: int) -> frozenset[date]:
    return frozenset(_finland_with_eves(year))


def _weekends_only(year: int) -> frozenset[date]:  # noqa: ARG001  every year is alike
    return frozenset()


FINLAND: Final = HolidayCalendar("FI", _finnish_days)
"""Statutory Finnish public holidays, without the eves (R-556)."""

FINLAND_WITH_EVES: Final = HolidayCalendar("FI+eves", _finnish_days_with_eves)
"""``FINLAND`` with Midsummer Eve and Christmas Eve; later dates, so never the default (R-556)."""

NO_HOLIDAYS: Final = HolidayCalendar("NONE", _weekends_only)
"""Saturdays and Sundays only."""

_BUILT_IN: Final[Mapping[str, HolidayCalendar]] = {
    found.name: found for found in (FINLAND, FINLAND_WITH_EVES, NO_HOLIDAYS)
}

_NAMED: Final[Mapping[str, Callable[[int], Mapping[date, str]]]] = {
    FINLAND.name: _finland,
    FINLAND_WITH_EVES.name: _finland_with_eves,
}

# Releases of the package differ on these: some call every Sunday a holiday and some list eves that
# are free by custom and not by statute. Elsewhere (Czechia, Latvia …) an eve is a statutory day. A
# Bulgarian non-working day is ordered for one year and is no holiday of the labour code.
_NOT_STATUTORY: Final[Mapping[str, frozenset[str]]] = {
    "SE": frozenset({"Sunday", "Midsummer Eve", "Christmas Eve", "New Year's Eve"}),
    "NO": frozenset({"Sunday"}),
    "BG": frozenset({"Non-working day"}),
}


@lru_cache(maxsize=256)
def _days_of_country(country: str, year: int) -> frozenset[date]:
    # observed=False: a day off in lieu is not the designated day, and leaving it out is safe.
    # The same holds for a working day swapped for a Saturday. Half days, bank holidays and optional
    # ones are categories of their own, and no subdivision is named: only nationwide days are left.
    listed = import_module("holidays").country_holidays(
        country,
        years=year,
        expand=False,
        observed=False,
        categories=("public",),
        language="en_US" if country in _NOT_STATUTORY else None,
    )
    never = _NOT_STATUTORY.get(country, frozenset())
    swapped = _swapped(listed)
    return frozenset(
        day
        for day, names in listed.items()
        if any(name not in never and not swapped(name) for name in names.split("; "))
    )


def _swapped(listed: Any) -> Callable[[str], bool]:
    """Return what tells the name of a day that was swapped for a Saturday, as Hungary does."""
    label = getattr(listed, "substituted_label", None)
    if label is None:
        return lambda _: False
    before, _, behind = listed.tr(label).partition("%s")
    return lambda name: name.startswith(before) and name.endswith(behind)


def _first(weekday: int, since: date) -> date:
    return since + _DAY * ((weekday - since.weekday()) % 7)


def _neighbour(day: date, step: timedelta) -> date:
    try:
        return day + step
    except OverflowError:
        raise InvalidValue(
            "day", "lies outside the years 1 to 9999", "use a day of our time"
        ) from None
