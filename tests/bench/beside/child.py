"""One side of the comparison with other libraries, in a process of its own.

``main`` fills a register and then does, for each line on standard input, one job of a duty and
tells how long it took. Decides who is met when; what a duty is for a library stands in the modules
``with_…`` and ``by_hand``. Needs the standard library only, as it runs in the environment of the
other libraries.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

__all__ = ["DUTIES", "START", "Side", "World", "fields", "main"]

DUTIES: Final = ("record", "check", "erase", "expire")
START: Final = datetime(2026, 5, 4, 9, tzinfo=UTC)
"""When the consents that end first were given."""

_YEAR: Final = timedelta(days=365)


@dataclass(frozen=True)
class World:
    """Who is there: for each duty, a few new people in each round.

    Args:
        folder: Where the side keeps its files.
        per_job: People of one duty in one round.
        jobs: Rounds.
    """

    folder: Path
    per_job: int
    jobs: int

    @property
    def people(self) -> range:
        """Everybody, by number."""
        return range(len(DUTIES) * self.per_job * self.jobs)

    def met(self, duty: str, job: int) -> range:
        """Who is met for a duty in one round."""
        first = (DUTIES.index(duty) * self.jobs + job) * self.per_job
        return range(first, first + self.per_job)

    def all_met(self, duty: str) -> range:
        """Who is met for a duty in all rounds."""
        return range(self.met(duty, 0).start, self.met(duty, self.jobs - 1).stop)

    def ends(self, number: int) -> datetime:
        """When what is known of somebody ends: those to expire a day later with each round."""
        to_expire = self.all_met("expire")
        if number in to_expire:
            return START + _YEAR + timedelta(days=3 * ((number - to_expire.start) // self.per_job))
        return START + 10 * _YEAR

    def sweep_at(self, job: int) -> datetime:
        """When the people of one round are due, and nobody of a later one."""
        return self.ends(self.met("expire", job).start) + timedelta(days=1)

    @property
    def now(self) -> datetime:
        """When everything but sweeping is done."""
        return START + timedelta(days=10)


def fields(number: int) -> dict[str, str]:
    """Return what is known of somebody."""
    return {
        "name": f"Contact Person {number}",
        "email": f"contact.{number}@example.com",
        "phone": f"+3584055{number:06d}",
        "company": f"Example Company {number % 97} Ltd",
    }


class Side(Protocol):
    """A library, or plain SQL, that knows these people."""

    duties: Sequence[str]
    versions: str

    def record(self, number: int) -> None:
        """Record somebody's consent to the newsletter, durably."""

    def check(self, number: int) -> bool:
        """Return whether somebody may be sent it."""

    def erase(self, number: int) -> None:
        """Erase somebody who asks for it, durably."""

    def expire(self, job: int) -> None:
        """Find who is due, and erase them, each durably."""

    def left(self) -> Sequence[int]:
        """Return the numbers of those whose address is still there."""


def main(module: str, folder: str, per_job: str, jobs: str) -> None:
    """Be one side, until standard input ends."""
    world = World(Path(folder), int(per_job), int(jobs))
    out = sys.stdout
    sys.stdout = sys.stderr  # what a library prints must not come between
    try:
        made = import_module(f"tests.bench.beside.{module}").make
    except ModuleNotFoundError as error:
        _tell(out, absent=error.name)
        return
    side: Side = made(world)
    _tell(out, duties=list(side.duties), versions=side.versions)
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["duty"] == "end":
            _tell(out, problem=_problem(world, side))
            return
        wall, cpu = _timed(_job(world, side, asked["duty"], asked["job"]))
        _tell(out, wall=wall / world.per_job, cpu=cpu / world.per_job)


def _tell(out: Any, **what: object) -> None:
    out.write(json.dumps(what) + "\n")
    out.flush()


def _job(world: World, side: Side, duty: str, job: int) -> Callable[[], None]:
    met = world.met(duty, job)

    def each() -> None:
        for number in met:
            do(number)

    def check() -> None:
        for number in met:
            if not side.check(number):
                raise AssertionError("the answer is not the one to be measured")

    if duty == "expire":
        return lambda: side.expire(job)
    do = side.record if duty == "record" else side.erase
    return check if duty == "check" else each


def _timed(job: Callable[[], None]) -> tuple[float, float]:
    gc.collect()
    gc.disable()
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        job()
        return time.perf_counter() - wall, time.process_time() - cpu
    finally:
        gc.enable()


def _problem(world: World, side: Side) -> str:
    """Return what was not done of what was to be done."""
    if not all(side.check(number) for number in world.all_met("record")):
        return "a consent is not there"
    gone = {*world.all_met("erase")}
    if "expire" in side.duties:
        gone |= {*world.all_met("expire")}
    if gone & {*side.left()}:
        return "somebody was not erased"
    if len(side.left()) != len(world.people) - len(gone):
        return "somebody was erased who should not"
    return ""
