"""By when a breach must be notified.

Decides the two readings of the hours of GDPR Art. 33(1) and the controller's own hours for its
processors (R-570). Leaves out what a notification holds and whether a risk makes one due. Always
true: hours are elapsed ones, through nights, weekends, holidays and clock changes, and no end of
hours moves to a working day (Reg. 1182/71 Art. 3(4)); the strict limit is never the later one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Final, final
from zoneinfo import ZoneInfo

import attrs

from gdprkit.policy.deadline_words import tell_breach
from gdprkit.policy.languages import Language, Reader, check_reader
from gdprkit.policy.law import FI_2026, LawProfile
from gdprkit.policy.phrases import sentences
from gdprkit.words.citations import Citation, gdpr, time_limits
from gdprkit.words.moments import utc_moment

__all__ = ["BreachClock", "breach_clock", "explain_breach", "processor_tells_by"]

_HOUR: Final = timedelta(hours=1)


@final
@attrs.frozen(kw_only=True)
class BreachClock:
    """The two readings of the 72 hours (R-570), in UTC.

    Args:
        aware_at: When the controller knew of the breach.
        hours: How many hours it has.
        strict: That many hours after awareness; alarms run on it.
        outer: The hour of awareness is not counted.
    """

    citations: ClassVar[tuple[Citation, ...]] = (
        gdpr("33(1)"),
        time_limits("3(1)"),
        time_limits("3(2)(a)"),
    )
    aware_at: datetime
    hours: int
    strict: datetime
    outer: datetime


def breach_clock(aware_at: datetime, *, law: LawProfile = FI_2026) -> BreachClock:
    """Return by when a breach must be notified when the controller knew of it at *aware_at*.

    Hours run through nights, weekends, holidays and clock changes. The outer reading starts at the
    next full hour of UTC, which is one of civil time everywhere in the Union.

    Args:
        aware_at: When the controller was reasonably certain. What a processor knows counts from
            when it tells the controller.
        law: The profile that holds the hours.

    Raises:
        NaiveMoment: *aware_at* has no time zone.

    Source: GDPR Art. 33(1); Reg. 1182/71 Art. 3(1), 3(2)(a), 3(4); R-570.
    """
    aware_at = utc_moment(aware_at, "aware_at")
    hours = law.breach_hours
    next_hour = aware_at.replace(minute=0, second=0, microsecond=0) + _HOUR
    return BreachClock(
        aware_at=aware_at,
        hours=hours,
        strict=aware_at + hours * _HOUR,
        outer=next_hour + hours * _HOUR,
    )


def explain_breach(
    clock: BreachClock,
    language: Language = "en",
    reader: Reader = "controller",
    *,
    zone: ZoneInfo,
    at: datetime | None = None,
) -> str:
    """Return in words by when a breach must be notified, one sentence a line.

    Args:
        clock: The two limits.
        language: ``en``, ``fi`` or ``sv``.
        reader: ``controller``, or ``person`` for one whose data it concerns.
        zone: The civil time the moments are told in; a change of the clocks is told.
        at: A moment: the words say which limits had passed by then.

    Raises:
        InvalidValue: there is no such language or reader.
        NaiveMoment: *at* has no time zone.
    """
    check_reader(language, reader)
    return sentences(
        tell_breach(
            clock.aware_at,
            clock.strict,
            clock.outer,
            hours=clock.hours,
            zone=zone,
            at=None if at is None else utc_moment(at, "at"),
            language=language,
            reader=reader,
        )
    )


def processor_tells_by(aware_at: datetime, *, law: LawProfile = FI_2026) -> datetime:
    """Return by when a processor that knew at *aware_at* is to tell the controller.

    The law says without undue delay; the hours are a project setting, to be put into contracts.

    Raises:
        NaiveMoment: *aware_at* has no time zone.

    Source: GDPR Art. 33(2); R-570.
    """
    return utc_moment(aware_at, "aware_at") + law.processor_tells_hours * _HOUR
