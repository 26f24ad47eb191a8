from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import attrs
import holidays as package
from hypothesis import given
from hypothesis import strategies as st

from gdprkit.policy.breach import breach_clock
from gdprkit.policy.clock import Answered, Asked, ClockEvent, Extended
from gdprkit.policy.deadline_steps import Question
from gdprkit.policy.deadlines import (
    deadline,
    explain_deadline,
)
from gdprkit.policy.law import ExtensionMethod
from gdprkit.words.holidays import FINLAND, FINLAND_WITH_EVES

DAY = timedelta(days=1)

# An oracle written apart: it walks days and instants one by one, holds intervals instead of a
# clock, and takes Finland's holidays from the package.


def oracle_is_free(day: date) -> bool:
    listed = package.country_holidays("FI", years=day.year, expand=False)
    eve = (day.month, day.day) == (12, 24) or (
        day.month == 6 and day.weekday() == 4 and 19 <= day.day <= 25
    )
    return day.isoweekday() >= 6 or (day in listed and not eve)


def oracle_roll(day: date) -> date:
    return oracle_roll(day + DAY) if oracle_is_free(day) else day


def oracle_same_date(day: date, months: int) -> date:
    passed, walked = 0, day
    while True:
        walked += DAY
        passed += walked.day == 1
        if passed == months and (walked.day == day.day or (walked + DAY).day == 1):
            return walked


def oracle_end(day: date, zone: ZoneInfo) -> datetime:
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    while moment.astimezone(zone).date() <= day:
        moment += timedelta(minutes=15)
    return moment


@attrs.frozen
class Oracle:
    received: datetime
    zone: ZoneInfo
    events: Sequence[ClockEvent]

    def on(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def due(self, days: int) -> date:
        return oracle_roll(oracle_same_date(self.on(self.received), 1) + days * DAY)

    def closing(self, ask: Asked) -> datetime | None:
        return min(
            (
                event.at
                for event in self.events
                if isinstance(event, Answered)
                and event.question == ask.question
                and event.at > ask.at
            ),
            default=None,
        )

    def standing_at(self, moment: datetime, asks: Sequence[Asked]) -> bool:
        return any(
            ask.at <= moment and ((end := self.closing(ask)) is None or end > moment)
            for ask in asks
        )

    def days_before(self, moment: datetime, asks: Sequence[Asked]) -> int:
        still: set[date] = set()
        for ask in asks:
            end = self.closing(ask)
            if end is None or end > moment:
                continue
            day = max(self.on(ask.at), self.on(self.received))
            while day < self.on(end):
                still.add(day)
                day += DAY
        return len(still)

    def counting_asks(self) -> list[Asked]:
        found: list[Asked] = []
        for event in self.events:
            if isinstance(event, Asked) and event.prompt and event.grounded:
                late = self.on(event.at) > self.due(self.days_before(event.at, found))
                if self.standing_at(event.at, found) or not late:
                    found.append(event)
        return found

    def extension_valid(self, asks: Sequence[Asked]) -> bool | None:
        told = [event for event in self.events if isinstance(event, Extended)]
        if not told:
            return None
        first = told[0]
        in_time = self.standing_at(first.at, asks) or self.on(first.at) <= self.due(
            self.days_before(first.at, asks)
        )
        return in_time and first.reasons and first.months in (1, 2) and first.at >= self.received

    def expected(self) -> dict[str, object]:
        asks = self.counting_asks()
        receipt, valid = self.on(self.received), self.extension_valid(asks)
        end_of_time = datetime.max.replace(tzinfo=UTC)
        fixed = {
            "receipt_date": receipt,
            "safe_due": self.due(0),
            "safe_end": oracle_end(self.due(0), self.zone),
            "extension_valid": valid,
        }
        if self.standing_at(end_of_time, asks):
            names = ("suspended_days", "due", "extended_due", "effective_due", "effective_end")
            return {**fixed, **dict.fromkeys(names), "state": "suspended"}
        days = self.days_before(end_of_time, asks)
        late = oracle_roll(oracle_same_date(receipt, 3) + days * DAY)
        effective = late if valid else self.due(days)
        return {
            **fixed,
            "state": "running",
            "suspended_days": days,
            "due": self.due(days),
            "extended_due": late,
            "effective_due": effective,
            "effective_end": oracle_end(effective, self.zone),
        }


ZONES = st.sampled_from(
    [ZoneInfo(name) for name in ("Europe/Helsinki", "Europe/Lisbon", "America/Havana", "UTC")]
)
RECEIVED = st.datetimes(
    min_value=datetime(2018, 5, 25),  # noqa: DTZ001  Hypothesis wants naive bounds
    max_value=datetime(2059, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
# minutes after receipt; a few lie before it, which history should not but may hold
OFFSETS = st.one_of(st.integers(-3000, 200_000), st.integers(0, 60).map(lambda days: days * 1440))


def event_at(moment: datetime) -> st.SearchStrategy[ClockEvent]:
    mostly = st.sampled_from([True, True, True, False])
    return st.one_of(
        st.builds(
            Asked,
            question=st.sampled_from(Question),
            at=st.just(moment),
            prompt=mostly,
            grounded=mostly,
        ),
        st.builds(Answered, question=st.sampled_from(Question), at=st.just(moment)),
        st.builds(
            Extended, at=st.just(moment), months=st.sampled_from([2, 2, 1, 0, 3]), reasons=mostly
        ),
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[datetime, ZoneInfo, list[ClockEvent]]:
    received = draw(RECEIVED)
    offsets = sorted(draw(st.lists(OFFSETS, max_size=6, unique=True)))
    events = [draw(event_at(received + timedelta(minutes=offset))) for offset in offsets]
    return received, draw(ZONES), events


class TestArticle12:
    @given(histories())
    def test_agrees_with_counting_day_by_day(
        self, history: tuple[datetime, ZoneInfo, list[ClockEvent]]
    ) -> None:
        """Whatever happens, every end is the one found by walking the days one by one."""
        received, zone, events = history
        found = deadline(received, zone=zone, holidays=FINLAND, events=events)
        expected = Oracle(received, zone, events).expected()
        assert {name: getattr(found, name) for name in expected} == expected

    @given(histories())
    def test_extension_never_moves_a_date_earlier(
        self, history: tuple[datetime, ZoneInfo, list[ClockEvent]]
    ) -> None:
        """Without its extensions a request never ends later, and the refusal day stays (R-529)."""
        received, zone, events = history
        found = deadline(received, zone=zone, holidays=FINLAND, events=events)
        without = [event for event in events if not isinstance(event, Extended)]
        plain = deadline(received, zone=zone, holidays=FINLAND, events=without)
        assert found.due == plain.due
        assert found.state == plain.state
        if found.effective_due is not None and plain.effective_due is not None:
            assert found.effective_due >= plain.effective_due
            assert (found.effective_due > plain.effective_due) == bool(found.extension_valid)

    @given(histories())
    def test_suspension_is_never_earlier(
        self, history: tuple[datetime, ZoneInfo, list[ClockEvent]]
    ) -> None:
        """Suspending never ends a request before the safe date, which nothing moves (R-554)."""
        received, zone, events = history
        found = deadline(received, zone=zone, holidays=FINLAND, events=events)
        assert found.safe_due == deadline(received, zone=zone, holidays=FINLAND).safe_due
        if found.due is not None and found.extended_due is not None:
            assert found.safe_due <= found.due <= found.extended_due

    @given(histories(), st.randoms())
    def test_order_of_the_list_does_not_matter(
        self,
        history: tuple[datetime, ZoneInfo, list[ClockEvent]],
        random: Random,
    ) -> None:
        """Events are judged in the order they happened, not in the order they are passed."""
        received, zone, events = history
        mixed = sorted(events, key=lambda _: random.random())
        assert deadline(received, zone=zone, holidays=FINLAND, events=mixed) == deadline(
            received, zone=zone, holidays=FINLAND, events=events
        )

    @given(histories())
    def test_cautious_method_is_never_later(
        self, history: tuple[datetime, ZoneInfo, list[ClockEvent]]
    ) -> None:
        """chained_min gives the earlier of both readings and changes nothing else (R-558)."""
        received, zone, events = history
        plain, chained = (
            deadline(received, zone=zone, holidays=FINLAND, events=events, method=method)
            for method in ExtensionMethod
        )
        assert chained.due == plain.due
        if chained.extended_due is not None and plain.extended_due is not None:
            assert chained.extended_due <= plain.extended_due

    @given(histories())
    def test_every_history_has_words_and_citations(
        self, history: tuple[datetime, ZoneInfo, list[ClockEvent]]
    ) -> None:
        """Each line is a sentence, and the citations are those of the steps, each once."""
        received, zone, events = history
        found = deadline(received, zone=zone, holidays=FINLAND, events=events)
        for line in explain_deadline(found).splitlines():
            assert line[0].isupper() or line[0].isdigit()
            assert line.endswith(".")
        assert {place for step in found.steps for place in step.citations} == set(found.citations)
        assert len(set(found.citations)) == len(found.citations)
        assert found.rules[0] == "R-550"
        assert len(set(found.rules)) == len(found.rules)


class TestArticle33:
    @given(RECEIVED)
    def test_breach_outer_is_never_before_strict(self, aware: datetime) -> None:
        """The outer limit is a full hour, later than the strict one by at most an hour."""
        found = breach_clock(aware)
        assert timedelta(0) < found.outer - found.strict <= timedelta(hours=1)
        assert (found.outer.minute, found.outer.second, found.outer.microsecond) == (0, 0, 0)


@given(st.dates(date(2018, 1, 1), date(2060, 12, 31)))
def test_a_month_holds_more_than_two_working_days(received: date) -> None:
    """Art. 3(5) of the Regulation asks for two working days; no month has as few (R-560)."""
    noon = datetime(received.year, received.month, received.day, 10, tzinfo=UTC)
    due = deadline(noon, zone=ZoneInfo("Europe/Helsinki"), holidays=FINLAND_WITH_EVES).due
    assert due is not None
    days = [received + count * DAY for count in range(1, (due - received).days + 1)]
    assert sum(map(FINLAND_WITH_EVES.is_working_day, days)) > 2
