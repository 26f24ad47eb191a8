from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdprkit.errors import InvalidValue, NaiveMoment
from gdprkit.words.moments import (
    EPOCH,
    Period,
    add_months,
    calendar_year_end,
    civil_date,
    end_of_day,
    financial_year_end,
    from_microseconds,
    local_midnight,
    microseconds,
    month_day,
    time_zone,
    utc_moment,
)

HELSINKI = ZoneInfo("Europe/Helsinki")
ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC",
        "Europe/Helsinki",
        "Atlantic/Azores",
        "America/Sao_Paulo",
        "America/Havana",
        "Asia/Beirut",
        "Pacific/Apia",
        "Asia/Kathmandu",
    )
]
MOMENTS = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001  Hypothesis wants naive bounds
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from(ZONES),
)
DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 1, 1))


class _Silent(tzinfo):
    """A tzinfo that does not know its offset: Python calls such a datetime naive."""

    def utcoffset(self, when: datetime | None, /) -> None:
        return None

    def dst(self, when: datetime | None, /) -> None:
        return None

    def tzname(self, when: datetime | None, /) -> None:
        return None


class TestMoments:
    @pytest.mark.parametrize("tz", [None, _Silent()], ids=["no tzinfo", "tzinfo without offset"])
    def test_naive_moment_is_refused(self, tz: tzinfo | None) -> None:
        """A moment without a known offset is refused, naming the field and not the value."""
        with pytest.raises(NaiveMoment) as caught:
            utc_moment(datetime(2027, 1, 31, 12, tzinfo=tz), "received")
        assert caught.value.field == "received"
        assert "2027" not in str(caught.value)

    def test_a_date_is_no_moment(self) -> None:
        """A civil day is not taken for a moment."""
        with pytest.raises(InvalidValue, match="moment is not a datetime"):
            utc_moment(date(2027, 1, 31))  # type: ignore[arg-type]

    def test_moment_beyond_the_calendar_is_refused_by_our_own_error(self) -> None:
        """A moment whose UTC would lie outside the years 1 to 9999 gives InvalidValue."""
        with pytest.raises(InvalidValue, match="outside the years"):
            utc_moment(datetime.min.replace(tzinfo=timezone(timedelta(hours=2))))

    @given(MOMENTS)
    def test_utc_keeps_the_instant(self, moment: datetime) -> None:
        """Normalising changes the zone to UTC and never the instant."""
        found = utc_moment(moment)
        assert found.tzinfo is UTC
        assert found - EPOCH == moment.astimezone(UTC) - EPOCH

    @given(MOMENTS)
    def test_microseconds_are_exact(self, moment: datetime) -> None:
        """Counting to microseconds and back gives the same instant to the last digit."""
        assert from_microseconds(microseconds(moment)) == utc_moment(moment)

    @pytest.mark.parametrize(
        ("moment", "count"),
        [
            (datetime(1970, 1, 1, tzinfo=UTC), 0),
            (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
            (datetime(2026, 11, 22, 12, 0, 0, 1, tzinfo=UTC), 1_795_348_800_000_001),
            (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), 253_402_300_799_999_999),
        ],
    )
    def test_microseconds_of_known_moments(self, moment: datetime, count: int) -> None:
        """Stored numbers mean the same moment for ever; floats would lose the last digits."""
        assert microseconds(moment) == count
        assert from_microseconds(count) == moment

    def test_microseconds_beyond_the_calendar(self) -> None:
        """A count that is no moment gives InvalidValue."""
        with pytest.raises(InvalidValue, match="microseconds lies outside"):
            from_microseconds(10**18)

    @pytest.mark.parametrize("name", ["Europe/Nowhere", "", "/etc/passwd", "../x", "Europe", "\0"])
    def test_unknown_zone(self, name: str) -> None:
        """Whatever is no zone gives one error that does not repeat the text."""
        with pytest.raises(InvalidValue, match="zone is no time zone"):
            time_zone(name)

    def test_known_zone(self) -> None:
        """A zone is found by its name in the tz database."""
        assert time_zone("Europe/Helsinki") == HELSINKI


class TestDays:
    @pytest.mark.parametrize(
        ("moment", "day"),
        [
            (datetime(2026, 1, 14, 21, 59, 59, tzinfo=UTC), date(2026, 1, 14)),
            (datetime(2026, 1, 14, 22, 0, tzinfo=UTC), date(2026, 1, 15)),
            (datetime(2026, 7, 14, 20, 59, 59, tzinfo=UTC), date(2026, 7, 14)),
            (datetime(2026, 7, 14, 21, 0, tzinfo=UTC), date(2026, 7, 15)),
        ],
    )
    def test_helsinki_decides_the_day(self, moment: datetime, day: date) -> None:
        """The controller's calendar decides, in winter and in summer time (R-550)."""
        assert civil_date(moment, HELSINKI) == day

    @given(DAYS, st.sampled_from(ZONES))
    def test_a_day_begins_and_ends_where_its_neighbours_do(self, day: date, zone: ZoneInfo) -> None:
        """Midnight is the first instant of its day and the end of the day before it."""
        begin = local_midnight(day, zone)
        assert begin == end_of_day(day - timedelta(days=1), zone)
        shown = civil_date(begin, zone)
        # a day may be skipped altogether (Apia, 30 December 2011); then the next one begins there
        assert shown == day or civil_date(begin - timedelta(microseconds=1), zone) < day < shown
        assert civil_date(begin - timedelta(microseconds=1), zone) < day

    @pytest.mark.parametrize(
        ("zone", "day", "hours"),
        [
            ("Europe/Helsinki", date(2026, 3, 29), 23),
            ("Europe/Helsinki", date(2026, 10, 25), 25),
            ("Europe/Helsinki", date(2026, 6, 1), 24),
            ("America/Sao_Paulo", date(2017, 10, 15), 23),  # midnight itself is skipped
            ("America/Havana", date(2026, 11, 1), 25),  # midnight comes twice
            ("Pacific/Apia", date(2011, 12, 30), 0),  # the day does not exist
        ],
    )
    def test_length_of_days(self, zone: str, day: date, hours: int) -> None:
        """Days of 23, 25 and 0 hours have their real length."""
        place = ZoneInfo(zone)
        assert end_of_day(day, place) - local_midnight(day, place) == timedelta(hours=hours)

    def test_a_moment_is_no_day(self) -> None:
        """A datetime where a day belongs is refused: whose day would it be?"""
        moment = datetime(2026, 1, 31, 23, tzinfo=UTC)
        acts: tuple[Callable[[], object], ...] = (
            lambda: add_months(moment, 1),
            lambda: local_midnight(moment, HELSINKI),
            lambda: end_of_day(moment, HELSINKI),
            lambda: calendar_year_end(moment),
        )
        for act in acts:
            with pytest.raises(InvalidValue, match="is no civil day"):
                act()

    def test_the_last_day_has_no_end_here(self) -> None:
        """Beyond the calendar there is one error of the family, never an OverflowError."""
        acts: tuple[Callable[[], object], ...] = (
            lambda: end_of_day(date.max, HELSINKI),
            lambda: local_midnight(date.min, HELSINKI),
            lambda: add_months(date(9999, 12, 1), 1),
            lambda: Period(days=1).after(date.max),
            lambda: financial_year_end(date.max, (6, 30)),
            lambda: civil_date(datetime.max.replace(tzinfo=UTC), HELSINKI),
        )
        for act in acts:
            with pytest.raises(InvalidValue, match="outside the years 1 to 9999"):
                act()


class TestMonths:
    @pytest.mark.parametrize(
        ("day", "months", "expected"),
        [
            (date(2024, 3, 5), 1, date(2024, 4, 5)),
            (date(2026, 8, 31), 1, date(2026, 9, 30)),
            (date(2027, 1, 31), 1, date(2027, 2, 28)),
            (date(2028, 1, 31), 1, date(2028, 2, 29)),
            (date(2026, 1, 31), 3, date(2026, 4, 30)),
            (date(2026, 2, 28), 1, date(2026, 3, 28)),  # no stickiness, R-552
            (date(2026, 11, 30), 1, date(2026, 12, 30)),
            (date(2026, 12, 31), 1, date(2027, 1, 31)),
            (date(2026, 3, 31), -1, date(2026, 2, 28)),
            (date(2026, 1, 15), -13, date(2024, 12, 15)),
            (date(2026, 1, 15), 0, date(2026, 1, 15)),
        ],
    )
    def test_months(self, day: date, months: int, expected: date) -> None:
        """The same date ends it; a missing one clamps downward and does not stick (R-552)."""
        assert add_months(day, months) == expected

    @given(DAYS, st.integers(-600, 600))
    def test_months_land_in_their_month(self, day: date, months: int) -> None:
        """The month counted to is never left, and the day number never grows."""
        found = add_months(day, months)
        assert (found.year - day.year) * 12 + found.month - day.month == months
        assert found.day <= day.day
        assert found.day == day.day or (found + timedelta(days=1)).day == 1

    @given(DAYS, DAYS, st.integers(0, 60))
    def test_months_keep_order(self, one: date, other: date, months: int) -> None:
        """An earlier start never ends later."""
        assert add_months(min(one, other), months) <= add_months(max(one, other), months)


class TestPeriods:
    @pytest.mark.parametrize(
        ("text", "period"),
        [
            ("P2Y", Period(years=2)),
            ("P24M", Period(months=24)),
            ("P30D", Period(days=30)),
            ("P1Y6M", Period(years=1, months=6)),
            ("P1Y2M3D", Period(years=1, months=2, days=3)),
            ("P0D", Period()),
        ],
    )
    def test_text_form(self, text: str, period: Period) -> None:
        """The text is the ISO form, both ways, and months stay months."""
        assert Period.parse(text) == period
        assert str(period) == text

    @given(st.builds(Period, **dict.fromkeys(("years", "months", "days"), st.integers(0, 9999))))
    def test_text_round_trip(self, period: Period) -> None:
        """Every period is read back from its text."""
        assert Period.parse(str(period)) == period

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "P",
            "2Y",
            "P2",
            "PT2H",
            "P2W",
            "P-1D",
            "P1.5Y",
            "P1M1Y",
            "p2y",
            "P2Y ",
            "P2Y\n",
            "P٢Y",
            24,
            None,
        ],
    )
    def test_bad_text(self, text: object) -> None:
        """Whatever is no period of days, months and years is refused and not repeated."""
        with pytest.raises(InvalidValue) as caught:
            Period.parse(text, "keep")
        assert caught.value.field == "keep"

    @pytest.mark.parametrize("value", [-1, 1.5, True, "1"])
    def test_parts_are_whole(self, value: object) -> None:
        """A part is a whole number of 0 or more; true is no number."""
        with pytest.raises(InvalidValue, match="months is no whole number"):
            Period(months=value)  # type: ignore[arg-type]

    def test_after(self) -> None:
        """Years and months go in one step with one clamp, then days."""
        assert Period.parse("P2Y").after(date(2026, 3, 31)) == date(2028, 3, 31)
        assert Period.parse("P1Y1M").after(date(2027, 1, 31)) == date(2028, 2, 29)
        assert Period.parse("P1M3D").after(date(2027, 1, 31)) == date(2027, 3, 3)
        assert Period().after(date(2027, 1, 31)) == date(2027, 1, 31)
        assert not Period()
        assert Period(days=1)

    def test_pickles(self) -> None:
        """Periods travel between processes."""
        assert pickle.loads(pickle.dumps(Period(years=2))) == Period(years=2)  # noqa: S301


class TestAccountingYears:
    @given(DAYS, st.integers(1, 12), st.integers(1, 31))
    def test_financial_year_holds_its_day(self, day: date, month: int, number: int) -> None:
        """The end is the next occurrence of the chosen day, the day itself included."""
        if month == 2:
            number = min(number, 29)
        elif month in {4, 6, 9, 11}:
            number = min(number, 30)
        end = financial_year_end(day, (month, number))
        assert day <= end <= day + timedelta(days=365)
        assert end.month == month
        assert end.day == number or (month, number, end.day) == (2, 29, 28)

    @pytest.mark.parametrize(("text", "expected"), [("12-31", (12, 31)), ("02-29", (2, 29))])
    def test_month_day(self, text: str, expected: tuple[int, int]) -> None:
        """The register writes the end of its financial year as MM-DD."""
        assert month_day(text) == expected

    @pytest.mark.parametrize(
        "text", ["", "13-01", "00-10", "04-31", "02-30", "1-1", "12-31\n", 1231]
    )
    def test_bad_month_day(self, text: object) -> None:
        """A day that no year has is refused."""
        with pytest.raises(InvalidValue, match="financial_year_end is no day of the year"):
            month_day(text)

    def test_bad_year_end(self) -> None:
        """A year end given as numbers is checked as well."""
        with pytest.raises(InvalidValue, match="year_end is no day"):
            financial_year_end(date(2026, 1, 1), (2, 30))
