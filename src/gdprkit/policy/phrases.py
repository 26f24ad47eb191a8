"""Phrases with blanks, and days and moments as each language says them.

Holds what ``policy.explain`` does not: words that are filled with days and counts. Leaves out which
phrase is said when (``policy.deadline_words``, ``policy.plan_words``). Always true: a phrase is
filled with days, counts, names of zones and calendars, and other phrases, so none can show anything
about a person.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

from gdprkit.policy.languages import Language, Reader
from gdprkit.words.holidays import holiday_name

__all__ = [
    "counted",
    "full_day",
    "holiday",
    "long_date",
    "moment",
    "on_day",
    "phrase",
    "phrases",
    "read_phrases",
    "sentences",
    "weekday",
]

#: Files of names; every other file of the folder holds phrases.
_DAYS: Final = "days.toml"
_NAMES: Final = frozenset({_DAYS, "laws.toml"})


@cache
def read_phrases(name: str) -> Mapping[str, Any]:
    """Return one file of the folder as it stands; read once."""
    file = files("gdprkit.policy") / "texts" / "phrases" / name
    return tomllib.loads(file.read_text(encoding="utf-8"))


@cache
def phrases() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return phrase -> reader -> language -> words with blanks, from the package's own files."""
    found: dict[str, Mapping[str, Mapping[str, str]]] = {}
    folder = files("gdprkit.policy") / "texts" / "phrases"
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".toml") and file.name not in _NAMES:
            found |= read_phrases(file.name)
    return found


def phrase(name: str, language: Language, reader: Reader, **blanks: str) -> str:
    """Return a phrase with its blanks filled; blanks it does not use are left."""
    return phrases()[name][reader][language].format(**blanks)


def sentences(clauses: Sequence[str]) -> str:
    """Return clauses as sentences, one a line."""
    return "\n".join(f"{clause[0].upper()}{clause[1:]}." for clause in clauses)


def long_date(day: date, language: Language = "en") -> str:
    """Return a day: ``28 February 2027``, ``28. helmikuuta 2027``, ``den 28 februari 2027``."""
    said = read_phrases(_DAYS)[language]
    month: str = said["months"][day.month - 1]  # named: strftime follows the process's locale
    return str(said["date"]).format(day=day.day, month=month, year=day.year)


def full_day(day: date, language: Language = "en") -> str:
    """Return a day with its weekday: ``Sunday 28 February 2027``, ``söndagen den 28 februari``."""
    named: str = read_phrases(_DAYS)[language]["weekdays_full"][day.weekday()]
    return f"{named} {long_date(day, language)}"


def on_day(day: date, language: Language = "en") -> str:
    """Return a day as that on which something happens: ``sunnuntaina 28. helmikuuta 2027``."""
    return (
        f"{read_phrases(_DAYS)[language]['weekdays_on'][day.weekday()]} {long_date(day, language)}"
    )


def weekday(day: date, language: Language = "en") -> str:
    """Return the weekday of a day by itself: ``Sunday``, ``sunnuntai``, ``söndag``."""
    return str(read_phrases(_DAYS)[language]["weekdays"][day.weekday()])


def holiday(calendar: str, day: date, language: Language = "en") -> str | None:
    """Return the name of a public holiday, or None where the calendar names none."""
    word = holiday_name(calendar, day)
    return None if word is None else str(read_phrases(_DAYS)["holidays"][word][language])


def moment(local: datetime, language: Language = "en", *, on: bool = False) -> str:
    """Return a moment of civil time: ``Monday 30 March 2026 at 13:17 (UTC+3)``.

    Args:
        local: The moment, in the zone it is told in.
        language: ``en``, ``fi`` or ``sv``.
        on: As that at which something happens, not by itself.
    """
    day = on_day(local.date(), language) if on else full_day(local.date(), language)
    return str(read_phrases(_DAYS)[language]["clock"]).format(
        day=day, hour=f"{local:%H}", minute=f"{local:%M}", offset=_offset(local)
    )


def _offset(local: datetime) -> str:
    minutes = int((local.utcoffset() or timedelta(0)).total_seconds()) // 60
    sign, (hours, rest) = "+" if minutes >= 0 else "-", divmod(abs(minutes), 60)
    return f"{sign}{hours}:{rest:02}" if rest else f"{sign}{hours}"


def counted(unit: str, count: int, language: Language = "en") -> str:
    """Return a count of ``days``, ``hours`` or ``months``: ``1 day``, ``kolmen kuukauden``.

    The first forms stand for 1, 2 and so on, the last for every other count.
    """
    forms: Sequence[str] = read_phrases(_DAYS)[language][f"count_{unit}"]
    form = forms[count - 1] if 1 <= count < len(forms) else forms[-1]
    return form.format(count=count)
