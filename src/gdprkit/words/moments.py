"""Moments, civil days and periods: how time is counted.

Decides how an instant becomes a day, how months are added, and when a day begins and ends on a
given clock. Leaves out which period applies to what (``policy``) and which days are free
(``words.holidays``). Always true: moments carry a time zone and are kept in UTC; months clamp
downward only, so a month end does not stick; nothing here reads a clock.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, final
from zoneinfo import ZoneInfo

import attrs

from gdprkit.errors import InvalidValue, NaiveMoment

__all__ = [
    "CALENDAR_YEAR_END",
    "EPOCH",
    "Period",
    "add_months",
    "calendar_year_end",
    "civil_date",
    "end_of_day",
    "financial_year_end",
    "from_microseconds",
    "local_midnight",
    "microseconds",
    "month_day",
    "time_zone",
    "utc_moment",
]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The moment from which stored microseconds count."""

CALENDAR_YEAR_END: Final = (12, 31)
"""Month and day of a financial year that is the calendar year."""

_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
_LEAP_YEAR: Final = 2000  # any leap year: 29 February is a day a financial year may end on
_PERIOD: Final = re.compile(
    r"P(?=[0-9])(?:(?P<years>[0-9]{1,4})Y)?(?:(?P<months>[0-9]{1,5})M)?(?:(?P<days>[0-9]{1,6})D)?\Z"
)
_MONTH_DAY: Final = re.compile(r"(?P<month>[0-9]{2})-(?P<day>[0-9]{2})\Z")


def utc_moment(value: datetime, field: str = "moment") -> datetime:
    """Return *value* in UTC. A moment without a time zone is refused, not guessed (R-550).

    Args:
        value: An aware datetime in any zone.
        field: The name an error shows.

    Raises:
        NaiveMoment: *value* has no time zone.
        InvalidValue: *value* is no datetime, or lies outside the years 1 to 9999 in UTC.
    """
    if type(value) is datetime and value.tzinfo is UTC:
        return value  # most are: whatever was stored or folded
    if not isinstance(value, datetime):
        raise InvalidValue(field, "is not a datetime", "pass an aware datetime")
    if value.utcoffset() is None:
        raise NaiveMoment(field)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise _out_of_range(field) from None


def time_zone(name: str, field: str = "zone") -> ZoneInfo:
    """Return the time zone called *name*, for instance ``Europe/Helsinki``.

    Raises:
        InvalidValue: no such zone is in the time zone database.
    """
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError, TypeError):
        raise InvalidValue(
            field, "is no time zone", "use a name of the tz database, for instance Europe/Helsinki"
        ) from None


def civil_date(moment: datetime, zone: ZoneInfo) -> date:
    """Return the day that *zone*'s calendar shows at *moment* (R-550).

    Raises:
        NaiveMoment: *moment* has no time zone.
        InvalidValue: the day lies outside the years 1 to 9999.
    """
    try:
        return utc_moment(moment).astimezone(zone).date()
    except OverflowError:
        raise _out_of_range(field="moment") from None


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment at which *day* begins in *zone*, in UTC (R-557).

    Where a clock change skips midnight the day begins when the clock jumps; where midnight comes
    twice it begins the first time. Days of 23 and 25 hours need no care by the caller.

    Raises:
        InvalidValue: *day* is no civil day, or its midnight lies outside the years 1 to 9999.
    """
    day = _civil(day, "day")
    # without a fold a skipped midnight has the offset before the jump, a doubled one is the first
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    try:
        return midnight.astimezone(UTC)
    except OverflowError:
        raise _out_of_range(field="day") from None


@lru_cache(maxsize=4096)
def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the exclusive end of *day* in *zone*, in UTC: the midnight that closes it (R-557).

    What happened before this moment happened on *day* or earlier; what happened at it is late.
    Source: Reg. 1182/71 Art. 3(2)(c), expiry of the last hour.

    Raises:
        InvalidValue: *day* is no civil day, or its end lies outside the years 1 to 9999.
    """
    try:
        following = _civil(day, "day") + _DAY
    except OverflowError:
        raise _out_of_range(field="day") from None
    return local_midnight(following, zone)


def add_months(day: date, months: int) -> date:
    """Return the same day of the month, *months* later (earlier when negative).

    A day that month lacks becomes its last day. Clamping is downward only: 31 January plus one
    month is 28 or 29 February, and 28 February plus one month is 28 March (R-551, R-552).
    Source: Reg. 1182/71 Art. 3(2)(c).

    Raises:
        InvalidValue: *day* is no civil day, or the result lies outside the years 1 to 9999.
    """
    if type(day) is not date:
        day = _civil(day, "day")
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise _out_of_range(field="day")
    month = month0 + 1
    last = day.day if day.day <= 28 else min(day.day, monthrange(year, month)[1])  # 28 all have
    return date(year, month, last)


def microseconds(moment: datetime) -> int:
    """Return *moment* as whole microseconds since ``EPOCH``, exactly; negative before it.

    Raises:
        NaiveMoment: *moment* has no time zone.
    """
    return (utc_moment(moment) - EPOCH) // _MICROSECOND


@lru_cache(maxsize=4096)
def from_microseconds(value: int) -> datetime:
    """Return the moment, in UTC, that ``microseconds`` counted as *value*.

    Raises:
        InvalidValue: the moment lies outside the years 1 to 9999.
    """
    try:
        return EPOCH + timedelta(microseconds=value)
    except OverflowError:
        raise _out_of_range(field="microseconds") from None


@final
@attrs.frozen(kw_only=True)
class Period:
    """A length of civil time: years and months by the calendar, then days.

    Args:
        years: Whole years, 0 or more.
        months: Whole months, 0 or more; ``P24M`` stays 24 months and is not turned into years.
        days: Whole days, 0 or more.

    Raises:
        InvalidValue: a part is negative or no whole number.
    """

    years: int = attrs.field(default=0)
    months: int = attrs.field(default=0)
    days: int = attrs.field(default=0)

    @years.validator
    @months.validator
    @days.validator
    def _whole(self, attribute: attrs.Attribute[int], value: object) -> None:
        if type(value) is not int or value < 0:
            raise InvalidValue(attribute.name, "is no whole number of 0 or more", "give 0, 1, 2 …")

    @classmethod
    def parse(cls, text: object, field: str = "period") -> Period:
        """Read a period as ISO 8601 writes it: ``P2Y``, ``P24M``, ``P30D``, ``P1Y6M``.

        Weeks and hours are refused: storage and answering periods run in days, months and years.

        Raises:
            InvalidValue: *text* is no such period; it is not repeated.
        """
        found = _PERIOD.match(text) if isinstance(text, str) else None
        if found is None:
            raise InvalidValue(
                field, "is no period", "write P2Y, P24M, P30D or P1Y6M, for instance"
            )
        return cls(**{name: int(part) for name, part in found.groupdict(default="0").items()})

    def __str__(self) -> str:
        parts = ((self.years, "Y"), (self.months, "M"), (self.days, "D"))
        return "P" + ("".join(f"{count}{unit}" for count, unit in parts if count) or "0D")

    def __bool__(self) -> bool:
        """Tell whether the period has any length."""
        return bool(self.years or self.months or self.days)

    def after(self, day: date) -> date:
        """Return the last day of this period when it starts with an event on *day*.

        Years and months are added in one step with clamping, then days: the day of the event is
        not counted and the same date ends the period (R-551).

        Raises:
            InvalidValue: the result lies outside the years 1 to 9999.
        """
        moved = add_months(day, self.years * 12 + self.months)
        if not self.days:
            return moved
        try:
            return moved + timedelta(days=self.days)
        except OverflowError:
            raise _out_of_range(field="day") from None


def month_day(text: object, field: str = "financial_year_end") -> tuple[int, int]:
    """Read a day of the year as ``MM-DD``, for instance ``12-31``, into (month, day).

    ``02-29`` means the last day of February.

    Raises:
        InvalidValue: *text* is no such day.
    """
    found = _MONTH_DAY.match(text) if isinstance(text, str) else None
    if found is None:
        raise InvalidValue(
            field, "is no day of the year", "write month and day, for instance 12-31"
        )
    return _checked_month_day((int(found["month"]), int(found["day"])), field)


def calendar_year_end(day: date) -> date:
    """Return 31 December of *day*'s year."""
    return date(_civil(day, "day").year, *CALENDAR_YEAR_END)


def financial_year_end(day: date, year_end: tuple[int, int] = CALENDAR_YEAR_END) -> date:
    """Return the last day of the financial year that *day* belongs to (R-408).

    Args:
        day: A day in that financial year; its last day belongs to it.
        year_end: Month and day on which financial years end; (2, 29) means the end of February.
            Financial years are taken to be twelve months long.

    Raises:
        InvalidValue: *year_end* is no day of the year, or the result lies beyond the year 9999.
    """
    day = _civil(day, "day")
    month, number = _checked_month_day(year_end, "year_end")
    end = date(day.year, month, min(number, monthrange(day.year, month)[1]))
    if end >= day:
        return end
    if day.year == date.max.year:
        raise _out_of_range(field="day")
    return date(day.year + 1, month, min(number, monthrange(day.year + 1, month)[1]))


def _civil(day: date, field: str) -> date:
    # a datetime is a date to Python, and its day depends on a zone nobody named
    if isinstance(day, datetime) or not isinstance(day, date):
        raise InvalidValue(field, "is no civil day", "pass a date; civil_date() makes one")
    return day


def _checked_month_day(value: tuple[int, int], field: str) -> tuple[int, int]:
    month, day = value
    if not 1 <= month <= 12 or not 1 <= day <= monthrange(_LEAP_YEAR, month)[1]:
        raise InvalidValue(field, "is no day of the year", "give month and day, for instance 12-31")
    return month, day


def _out_of_range(field: str) -> InvalidValue:
    return InvalidValue(field, "lies outside the years 1 to 9999", "check the units")
