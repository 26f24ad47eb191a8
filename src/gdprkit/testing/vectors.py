"""Running a file of test vectors against the deadlines.

Decides whether each vector of a file, in the schema its ``meta`` tells, comes out as the file
expects. Leaves out what a right answer is: the file says so. Always true: a vector that cannot be
read makes the whole file unusable, so nothing passes by not being looked at; the exit status is 0
when all pass, 1 when one fails and 2 when the file or the call is unusable.

    python -m gdprkit.testing.vectors deadlines FILE
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, TextIO, TypeVar, final

import attrs

from gdprkit.errors import GdprkitError, InvalidValue
from gdprkit.policy.breach import breach_clock
from gdprkit.policy.clock import Answered, Asked, ClockEvent, Extended
from gdprkit.policy.deadline_steps import Question
from gdprkit.policy.deadlines import deadline
from gdprkit.words.holidays import calendar
from gdprkit.words.moments import time_zone, utc_moment

__all__ = [
    "Failure",
    "breach_failures",
    "deadline_failures",
    "load_vectors",
    "main",
    "run_deadlines",
]

T = TypeVar("T")
Vector = Mapping[str, Any]

_USAGE: Final = "usage: python -m gdprkit.testing.vectors deadlines FILE"

# asks -> the field that tells the ground; both it and "prompt" must be true to suspend
_ASKS: Final = {
    "identity_requested": (Question.IDENTITY, "reasonable_doubt"),
    "clarification_requested": (Question.CLARIFICATION, "large_volume"),
}
_ANSWERS: Final = {
    "identity_confirmed": Question.IDENTITY,
    "clarification_answered": Question.CLARIFICATION,
}
_NEVER_MOVE: Final = frozenset(
    {"identity_insufficient", "acknowledged", "forwarded_internally", "fee_notice"}
)


@final
@attrs.frozen
class Failure:
    """One field of one vector that came out otherwise; the values are JSON texts."""

    id: str
    field: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.id}: {self.field}: expected {self.expected}, got {self.got}"


@final
@attrs.frozen
class _Vectors:
    """A file that was read: its requests and its breaches."""

    requests: tuple[Vector, ...]
    breaches: tuple[Vector, ...]


def run_deadlines(path: Path | str) -> tuple[int, tuple[Failure, ...]]:
    """Run the vectors file at *path*.

    Returns:
        How many vectors passed in every field, and each field that failed.

    Raises:
        InvalidValue: the file cannot be read or a vector lacks what the schema asks for.
        MissingExtra: a vector names a country and the extra ``holidays`` is not installed.
    """
    passed, _, failures = _run(Path(path))
    return passed, failures


def load_vectors(path: Path | str) -> tuple[tuple[Vector, ...], tuple[Vector, ...]]:
    """Return the requests and the breaches of the vectors file at *path*.

    Raises:
        InvalidValue: the file cannot be read, is no JSON or holds no vectors.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as problem:
        raise InvalidValue(
            "file", f"cannot be read ({problem.strerror})", "name a vectors file"
        ) from None
    except ValueError:
        raise InvalidValue("file", "is no JSON text", "name a vectors file") from None
    lists = [found.get(key, []) if isinstance(found, dict) else [] for key in _LISTS]
    if not all(isinstance(part, list) for part in lists) or not any(lists):
        raise InvalidValue("file", "holds no vectors", f"put them under {' and '.join(_LISTS)}")
    for part in lists:
        for position, vector in enumerate(part):
            if not isinstance(vector, dict) or not isinstance(vector.get("id"), str):
                raise InvalidValue(f"vector {position}", "has no id", "give each its own id")
    requests, breaches = (tuple(part) for part in lists)
    return requests, breaches


_LISTS: Final = ("vectors", "breach_vectors")


def deadline_failures(vector: Vector) -> tuple[Failure, ...]:
    """Return each field of one request vector that comes out otherwise than it expects.

    Raises:
        InvalidValue: the vector lacks a field, or one has the wrong shape.
        MissingExtra: its holidays need the extra ``holidays``.
    """
    zone = time_zone(_field(vector, "timezone", str), "timezone")
    found = deadline(
        _moment(vector, "received"),
        zone=zone,
        holidays=calendar(_field(vector, "holidays", str)),
        events=tuple(_events(vector)),
    )
    got = {
        "receipt_date": found.receipt_date,
        "safe_due": found.safe_due,
        "suspended_days": found.suspended_days,
        "state": found.state,
        "due": found.due,
        "extended_due": found.extended_due,
        "extension_valid": found.extension_valid,
        "effective_due": found.effective_due,
        "effective_end_utc": found.effective_end,
    }
    return tuple(_compare(vector, got))


def breach_failures(vector: Vector) -> tuple[Failure, ...]:
    """Return each field of one breach vector that comes out otherwise than it expects.

    Raises:
        InvalidValue: the vector lacks a field, or one has the wrong shape.
    """
    zone = time_zone(_field(vector, "timezone", str), "timezone")
    found = breach_clock(_moment(vector, "aware_at"))
    got = {
        "strict_utc": found.strict,
        "outer_utc": found.outer,
        "strict_local": found.strict.astimezone(zone),
        "outer_local": found.outer.astimezone(zone),
    }
    return tuple(_compare(vector, got))


def main(arguments: Sequence[str], *, out: TextIO, talk: TextIO) -> int:
    """Run what *arguments* ask for; the summary goes to *out*, mismatches to *talk*.

    Returns:
        The exit status: 0 all passed, 1 one failed, 2 usage or an unusable file.
    """
    match arguments:
        case ["deadlines", path]:
            pass
        case ["-h" | "--help"]:
            print(_USAGE, file=out)
            return 0
        case _:
            print(_USAGE, file=talk)
            return 2
    try:
        passed, failed, failures = _run(Path(path))
    except GdprkitError as problem:
        print(f"{path}: {problem}", file=talk)
        return 2
    for failure in failures:
        print(failure, file=talk)
    print(f"{passed} passed, {failed} failed", file=out)
    return 1 if failed else 0


def _run(path: Path) -> tuple[int, int, tuple[Failure, ...]]:
    requests, breaches = load_vectors(path)
    per_vector = [
        *(_judged(deadline_failures, vector) for vector in requests),
        *(_judged(breach_failures, vector) for vector in breaches),
    ]
    failed = sum(1 for failures in per_vector if failures)
    return len(per_vector) - failed, failed, tuple(one for many in per_vector for one in many)


def _judged(judge: Callable[[Vector], tuple[Failure, ...]], vector: Vector) -> tuple[Failure, ...]:
    try:
        return judge(vector)
    except InvalidValue as problem:
        # the same problem, saying in which vector; the vector holds no one's data
        raise InvalidValue(
            f"vector {vector['id']}: {problem.field}", problem.problem, problem.cure
        ) from None


def _events(vector: Vector) -> Iterator[ClockEvent]:
    for event in _field(vector, "events", list):
        if not isinstance(event, dict):
            raise InvalidValue("events", "are no objects", "give each a type and a moment")
        kind, at = _field(event, "type", str), _moment(event, "at")
        if kind in _ASKS:
            question, ground = _ASKS[kind]
            prompt, grounded = _field(event, "prompt", bool), _field(event, ground, bool)
            yield Asked(question=question, at=at, prompt=prompt, grounded=grounded)
        elif kind in _ANSWERS:
            yield Answered(question=_ANSWERS[kind], at=at)
        elif kind == "extended":
            months, reasons = _field(event, "months", int), _field(event, "reasons", bool)
            yield Extended(at=at, months=months, reasons=reasons)
        elif kind not in _NEVER_MOVE:
            raise InvalidValue("events", "hold a type this schema does not know", "see its meta")


def _compare(vector: Vector, got: Mapping[str, object]) -> Iterator[Failure]:
    for field, value in got.items():
        name = f"expected_{field}"
        if name not in vector:
            raise InvalidValue(name, "is missing", "give it; null where there is none")
        expected, plain = vector[name], _plain(value)
        # the spelling of a moment is free (Z or +00:00), its instant and its offset are not
        same = _same_clock(expected, value) if isinstance(value, datetime) else expected == plain
        # JSON true is not 1: Python would call them equal
        if not same or type(expected) is not type(plain):
            yield Failure(vector["id"], field, json.dumps(expected), json.dumps(plain))


def _same_clock(expected: object, value: datetime) -> bool:
    try:
        read = datetime.fromisoformat(expected) if isinstance(expected, str) else None
    except ValueError:
        return False
    return read is not None and (read, read.utcoffset()) == (value, value.utcoffset())


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        text = value.isoformat()
        return text.replace("+00:00", "Z") if value.tzinfo is UTC else text
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, str) else value


def _field(of: Mapping[str, Any], name: str, kind: type[T]) -> T:
    value = of.get(name)
    if type(value) is not kind:
        raise InvalidValue(
            name, f"is missing or no {kind.__name__}", "write it as meta.schema says"
        )
    return value


def _moment(of: Mapping[str, Any], name: str) -> datetime:
    try:
        return utc_moment(datetime.fromisoformat(_field(of, name, str)), name)
    except InvalidValue:
        raise
    except ValueError:
        raise InvalidValue(name, "is no ISO 8601 moment with a time zone", "add one") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], out=sys.stdout, talk=sys.stderr))
