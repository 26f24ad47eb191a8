"""Figures of finding who is due among a million lines, and among ten.

The lines are written by SQL, not by a keeper: what is measured reads one index, which holds ids and
moments and nothing of a person. Ids are spread evenly, moments at random over three years, and a
tenth is due. Whoever was found is moved on before the next question, as a sweep does, so that no
two questions find the same people.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random
from typing import Final

from tests.bench.people import NOW
from tests.bench.plan import Plan
from tests.bench.timing import Case, Figure, Job, jobs_needed, measure, ratio

from gdprkit.storage import SqliteStore
from gdprkit.words.moments import microseconds

__all__ = ["FIGURES", "LONG", "bench_waking"]

FIGURES: Final = ("waking.1m", "waking.10m", "waking.10m.bare")
LONG: Final = ("waking.10m", "waking.10m.bare")
"""Figures that take minutes and gigabytes: only for who names them."""

_MILLION: Final = 1_000_000
_FOUND: Final = 100
_BYTES: Final = 300  # of a line with its indexes, and room to sort them
_SEED: Final = 11
_THREE_YEARS: Final = 3 * 365 * 86_400 * 1_000_000
_DUE: Final = 0.1

_ADD: Final = (
    "INSERT INTO gdprkit_line (tenant, subject, position, head, fold, state, wake_at, tags)"
    " VALUES ('main', ?, 1, ?, 1, ?, ?, '')"
)
_WAKING: Final = (
    "SELECT wake_at, subject FROM gdprkit_line WHERE tenant = ? AND wake_at <= ?"
    " AND wake_at > ? ORDER BY wake_at, subject LIMIT ?"
)
_MOVE_ON: Final = (
    "UPDATE gdprkit_line SET wake_at = wake_at + ? WHERE tenant = 'main' AND subject = ?"
)

_BARE: Final = (
    "bare sqlite3: the first 100 due by the same index, in order, nothing decoded; time per person"
    " found"
)


def bench_waking(plan: Plan) -> list[Figure]:
    """Ask for the first hundred due."""
    wanted = {"1m": 1, "10m": 10} if plan.wanted.intersection(LONG) else {"1m": 1}
    counts = {name: plan.many(millions * _MILLION) for name, millions in wanted.items()}
    folder = plan.folder / "waking"
    folder.mkdir()
    need, free = sum(counts.values()) * _BYTES, shutil.disk_usage(folder).free
    if need > free:
        sys.stderr.write(f"waking: left out, {need:,} bytes are needed and {free:,} are free\n")
        return []
    with ExitStack() as stack:
        cases: list[Case] = []
        for name, count in counts.items():
            path = folder / f"{name}.db"
            _fill(path, count)
            store = stack.enter_context(SqliteStore(path))
            hand = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
            # both sides find others in every round, of the tenth that is due
            most = count // (2 * round(1 / _DUE) * (jobs_needed(plan.rounds) + 1))
            cases += _cases(name, store, hand, min(_FOUND, most))
        samples = measure(cases, plan.rounds)
    million = counts["1m"]
    figures = [
        ratio("waking.1m", samples["ours.1m"], samples["hand.1m"], _BARE, people=million),
    ]
    if many := counts.get("10m"):
        ours = samples["ours.10m"]
        words = f"ours among {million} lines; time per person found"
        figures += [
            ratio("waking.10m", ours, samples["ours.1m"], words, people=many),
            ratio("waking.10m.bare", ours, samples["hand.10m"], _BARE, people=many),
        ]
    return figures


def _fill(path: Path, count: int) -> None:
    """Make a store of *count* lines; indexes are built when the rows are there."""
    SqliteStore(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode = OFF")  # the store opens its log again
        file.execute("PRAGMA synchronous = OFF")
        file.execute("PRAGMA cache_size = -500000")
        ((index,),) = file.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'gdprkit_line_wake'"
        ).fetchall()
        file.execute("DROP INDEX gdprkit_line_wake")
        file.execute("BEGIN")
        file.executemany(_ADD, _lines(count))
        file.execute("COMMIT")
        file.execute(index)


def _lines(count: int) -> Iterator[tuple[bytes, bytes, bytes, int]]:
    random, step = Random(_SEED), (1 << 128) // count
    first = microseconds(NOW) - int(_THREE_YEARS * _DUE)
    state = bytes(16)
    for number in range(count):
        about = (number * step + random.randrange(step)).to_bytes(16, "big")
        yield about, bytes(32), state, first + random.randrange(_THREE_YEARS)


def _cases(name: str, store: SqliteStore, hand: sqlite3.Connection, found: int) -> Iterator[Case]:
    until = microseconds(NOW)

    def ours() -> Sequence[object]:
        return list(store.waking(NOW, limit=found))

    def bare() -> Sequence[object]:
        return hand.execute(_WAKING, ("main", until, -(1 << 63), found)).fetchall()

    def case(side: str, ask: Callable[[], Sequence[object]]) -> Case:
        def prepare() -> Job:
            _move_on(hand, until, found)

            def job() -> None:
                if len(ask()) != found:
                    raise AssertionError("fewer people are due than were to be found")

            return job

        return Case(name=f"{side}.{name}", items=found, prepare=prepare)

    yield case("ours", ours)
    yield case("hand", bare)


def _move_on(hand: sqlite3.Connection, until: int, found: int) -> None:
    rows = hand.execute(_WAKING, ("main", until, -(1 << 63), found)).fetchall()
    hand.execute("BEGIN IMMEDIATE")
    hand.executemany(_MOVE_ON, [(_THREE_YEARS, subject) for _, subject in rows])
    hand.execute("COMMIT")
