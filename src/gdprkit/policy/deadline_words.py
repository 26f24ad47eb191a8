"""How a deadline is told: each step a clause, each end a sentence, in the languages of the texts.

Decides which phrase tells which step to the controller or to the person. Leaves out the counting
(``policy.deadlines``) and the words (``texts/phrases/deadlines.toml``). Always true: every step
is told, in the order it was counted, so a reader can count it again; R-551 to R-559, R-570.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from gdprkit.policy.deadline_steps import (
    Added,
    Closed,
    Counted,
    Judged,
    Moved,
    NotPaused,
    Open,
    Paused,
    Promised,
    Step,
)
from gdprkit.policy.languages import Language, Reader
from gdprkit.policy.phrases import (
    counted,
    full_day,
    holiday,
    long_date,
    moment,
    on_day,
    phrase,
    weekday,
)

__all__ = ["clauses", "sentence", "tell_breach"]

_NO_TIME: Final = timedelta(0)


def sentence(step: Step, language: Language = "en", reader: Reader = "controller") -> str:
    """Return one step in words, without a full stop."""
    lang = language
    match step:
        case Counted(limit=limit, months=months, start=start, end=end):
            found = phrase(
                f"counted-{limit}",
                lang,
                reader,
                months=counted("months", months, lang),
                start=long_date(start, lang),
                end=long_date(end, lang),
            )
            return found + (phrase("clamped", lang, reader) if _clamped(step) else "")
        case Paused(start=start, end=end, days=days):
            return phrase(
                "paused",
                lang,
                reader,
                start=long_date(start, lang),
                end=long_date(end, lang),
                days=counted("days", days, lang),
            )
        case Open(questions=questions, since=since):
            name = questions[0] if len(questions) == 1 else "both"
            return phrase(f"open-{name}", lang, reader, since=long_date(since, lang))
        case NotPaused(question=question, asked=day, because=because):
            why = phrase(f"because-{because}", lang, reader)
            asked = long_date(day, lang)
            return phrase(f"not-paused-{question}", lang, reader, asked=asked, because=why)
        case Added(limit=limit, days=days, end=end):
            return phrase(
                f"added-{'extended' if limit == 'extended' else 'due'}",
                lang,
                reader,
                days=counted("days", days, lang),
                end=long_date(end, lang),
            )
        case Moved():
            return _moved("moved", step, lang, reader)
        case Judged(told=told, problem=problem, after_safe=after_safe):
            if problem is not None:
                why = phrase(f"because-{problem}", lang, reader)
                told_on = long_date(told, lang)
                return phrase("extension-not-valid", lang, reader, told=told_on, because=why)
            name = "extension-valid-late" if after_safe else "extension-valid"
            return phrase(name, lang, reader, told=long_date(told, lang))
        case Promised(day=day):
            return phrase("promised", lang, reader, day=long_date(day, lang), on=on_day(day, lang))
        case Closed(due=due, zone=zone):
            return phrase(
                "closed", lang, reader, due=full_day(due, lang), on=on_day(due, lang), zone=zone
            )
        case _:  # pragma: no cover  mypy proves that nothing is left
            assert_never(step)


def clauses(
    steps: Sequence[Step], language: Language = "en", reader: Reader = "controller"
) -> list[str]:
    """Return the steps in words, in order; an end and its move to a working day are one clause."""
    told: list[str] = []
    for place, step in enumerate(steps):
        if isinstance(step, Moved) and told:
            # a move always follows the step that led to the day it starts on
            behind = "moved-and" if _clamped(steps[place - 1]) else "moved-behind"
            told[-1] += _moved(behind, step, language, reader)
        else:
            told.append(sentence(step, language, reader))
    return told


def _clamped(step: Step) -> bool:
    """Whether the month had no day of the same number, so that its last day ends the time."""
    return isinstance(step, Counted) and step.end.day < step.start.day


def _moved(name: str, step: Moved, language: Language, reader: Reader) -> str:
    start, end = long_date(step.start, language), full_day(step.end, language)
    between = sorted(step.holidays - {step.start})
    if between:
        last = between[-1]
        named = holiday(step.calendar, last, language) or phrase("a-holiday", language, reader)
        follows = phrase(
            "next-working-day-past",
            language,
            reader,
            end=end,
            holiday=named,
            day=long_date(last, language),
        )
    else:
        follows = phrase("next-working-day", language, reader, end=end)
    return phrase(
        name, language, reader, start=start, free=_free(step, language, reader), next=follows
    )


def _free(step: Moved, language: Language, reader: Reader) -> str:
    if step.start not in step.holidays:
        return phrase("free-weekday", language, reader, weekday=weekday(step.start, language))
    named = holiday(step.calendar, step.start, language)
    if named is None:
        return phrase("free-unnamed", language, reader, calendar=step.calendar)
    return phrase("free-holiday", language, reader, holiday=named)


def tell_breach(
    aware: datetime,
    strict: datetime,
    outer: datetime,
    *,
    hours: int,
    zone: ZoneInfo,
    at: datetime | None,
    language: Language,
    reader: Reader,
) -> list[str]:
    """Return in words how the hours for notifying a breach run (R-570); moments are aware.

    A change of the clocks in between is told: the hours are elapsed ones, the clock is not.
    """
    here, end, last = (found.astimezone(zone) for found in (aware, strict, outer))
    count = counted("hours", hours, language)
    told = [
        phrase(
            "breach-aware",
            language,
            reader,
            aware=moment(here, language, on=True),
            zone=zone.key,
        ),
        phrase(
            "breach-strict",
            language,
            reader,
            hours=count,
            end=moment(end, language),
            on=moment(end, language, on=True),
        ),
    ]
    shift = (end.utcoffset() or _NO_TIME) - (here.utcoffset() or _NO_TIME)
    if shift:
        name = "breach-clocks-forward" if shift > _NO_TIME else "breach-clocks-back"
        told.append(phrase(name, language, reader))
    begins = (outer - timedelta(hours=hours)).astimezone(zone)
    told.append(
        phrase(
            "breach-outer",
            language,
            reader,
            hours=count,
            start=moment(begins, language, on=True),
            on=moment(last, language, on=True),
        )
    )
    if at is not None and at >= outer:
        told.append(phrase("breach-overdue", language, reader))
    elif at is not None and at >= strict:
        told.append(phrase("breach-overdue-strict", language, reader))
    return told
