"""What stands in a scenario file, turned into values: ids, moments, sealed values, whole shapes.

No personal data is in a scenario: values are named by field, requests by a word of the file. What
cannot be turned is told by its path, as ``Mistakes`` that never leave the reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from gdprkit.errors import InvalidValue, did_you_mean
from gdprkit.facts.sealed import SealedValue
from gdprkit.policy.explain import texts
from gdprkit.register.structure import Expected, strict_converter, structured
from gdprkit.words.identifiers import FieldId, Slot
from gdprkit.words.moments import utc_moment
from gdprkit.words.vocabulary import FilingSystem

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["Mistakes", "check_codes", "merged", "moment_of", "named_id", "shaped", "unknown"]

T = TypeVar("T")
Table = Mapping[str, Any]

#: The words of a file become ids by this name space.
_WORDS: Final = UUID("6f4a2f0e-3c1d-5b60-9a51-0d9f6a1b7c42")


def named_id(word: str) -> UUID:
    """Return the id that *word* stands for in a scenario file."""
    return uuid5(_WORDS, word)


class Mistakes(Exception):  # carries problems to the reader, never leaves the module
    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems


def moment_of(value: object, path: str, zone: ZoneInfo, clock: time) -> datetime:
    """Return a moment; a day alone means *clock* of that day where the controller is."""
    if isinstance(value, datetime):
        try:
            return utc_moment(value, "the moment")
        except InvalidValue as problem:
            raise Mistakes(f"{path}: {problem}") from None
        except ValueError:
            raise Mistakes(f"{path}: has no time zone; write +02:00 or Z after it") from None
    if isinstance(value, date):
        start = datetime.combine(value, time(clock.hour, clock.minute), tzinfo=zone)
        return start.astimezone(UTC) + timedelta(seconds=clock.second)
    raise Mistakes(f"{path}: expected a day like 2026-03-31, or a moment with its zone")


def unknown(path: str, kind: str, word: object, known: Iterable[str]) -> str:
    """Return the problem of a word that is none of the *known*, with a close one where there is."""
    close = did_you_mean(word, known) if isinstance(word, str) else None
    names = ", ".join(sorted(known)) or "none is written"
    hint = f'did you mean "{close}"?' if close else f"known: {names}"
    return f"{path}: there is no such {kind}; {hint}"


def check_codes(codes: Iterable[str], path: str) -> None:
    """Check that there are reasons of these codes: a misspelt one would never come out.

    Raises:
        Mistakes: every code that no reason has.
    """
    problems = []
    for code in codes:
        if code not in texts():
            close = did_you_mean(code, texts())
            hint = f'did you mean "{close}"?' if close else "see the page of reasons"
            problems.append(f"{path}: no reason has the code {code}; {hint}")
    if problems:
        raise Mistakes(*problems)


def merged(under: Table, over: Table) -> dict[str, Any]:
    """Return the first table with the second laid over it; tables within are merged too."""
    found = {k: merged(v, {}) if isinstance(v, dict) else v for k, v in under.items()}
    for key, value in over.items():
        below = found.get(key)
        if isinstance(value, dict):
            found[key] = merged(below if isinstance(below, dict) else {}, value)
        else:
            found[key] = value
    return found


def shaped(value: object, cls: type[T], path: str) -> T:
    """Return *value* as a *cls*.

    Raises:
        Mistakes: every problem of its shape, each with its path.
    """
    found, problems = structured(_converter(), value, cls, path)
    if found is None:
        raise Mistakes(*problems)
    return found


@lru_cache(maxsize=1)
def _converter() -> Converter:
    made = strict_converter()
    made.register_structure_hook(UUID, lambda value, _: named_id(_word(value)))
    made.register_structure_hook(SealedValue, lambda value, _: _sealed(_word(value)))
    made.register_structure_hook(datetime, _aware)
    return made


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise Expected("expected a word of this file in quotation marks")
    return value


def _aware(value: object, _: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise Expected("expected a moment with its zone, like 2026-03-31T12:00:00+03:00")
    return value


def _sealed(word: str) -> SealedValue:
    """Return the value a word names: ``email``, or ``archive/email`` in another filing system."""
    filing, slash, field = word.rpartition("/")
    return SealedValue(
        field=FieldId(field),
        slot=Slot(named_id(word)),
        digest=sha256(word.encode()).hexdigest(),
        filing=FilingSystem(filing) if slash else FilingSystem.CUSTOMER,
    )
