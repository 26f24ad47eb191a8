"""Figures of going through a register: who may be written to, and whether the chains hold.

The register is filled through the keeper, so that every answer is decided anew from what is stored
and the suppression list is asked with the person's own contact points. Each round goes through
another part of it, by a span of ids; the baseline reads the same rows of the same part.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Final, Self

from tests.bench.people import ADDED, keeper_on, load_register, read_up, settle_in
from tests.bench.plan import Plan
from tests.bench.timing import Case, Figure, Job, jobs_needed, measure, ratio, value

from gdprkit import Keyring, RecordKeeper, marketing
from gdprkit.desk.trail_chains import verify_chains
from gdprkit.storage import SqliteStore
from gdprkit.storage.span import ALL, Span

__all__ = ["AUDIENCE", "LONG", "VERIFY", "bench_audience", "bench_verify"]

VERIFY: Final = ("verify", "verify.short")
_AUDIENCES: Final = {"audience.100k": 100_000, "audience.1m": 1_000_000}
AUDIENCE: Final = tuple(name + more for name in _AUDIENCES for more in ("", ".memory"))
LONG: Final = ("audience.1m", "audience.1m.memory")
"""Figures that take a quarter of an hour and gigabytes: only for who names them."""

_LINES: Final = 2_000
_BYTES: Final = 7_000  # of a person, and room to write them
_PAGE: Final = 1_000
_AUDIENCE_ROUNDS: Final = 15
_QUESTION: Final = marketing.may_contact(channel="email", purpose="newsletter")
_TAG: Final = "given:newsletter:email"

_KEYSET: Final = (
    "SELECT l.subject, l.position, l.head, l.fold, l.state FROM gdprkit_tag t"
    " JOIN gdprkit_line l ON l.tenant = t.tenant AND l.subject = t.subject"
    " WHERE t.tenant = 'main' AND t.tag = ? AND t.subject > ? AND t.subject <= ?"
    " ORDER BY t.subject LIMIT ?"
)
_HEADS: Final = (
    "SELECT subject, position, head FROM gdprkit_line WHERE tenant = 'main'"
    " AND subject BETWEEN ? AND ? ORDER BY subject"
)
_ENTRIES: Final = (
    "SELECT subject, position, body, digest FROM gdprkit_entry WHERE tenant = 'main'"
    " AND subject BETWEEN ? AND ? ORDER BY subject, position"
)
_READ: Final = (
    "bare sqlite3: where each line ends and its {} entries with their digests, read in order of id"
    " and position, nothing kept, nothing hashed; time per line"
)
_PAGES: Final = (
    "bare sqlite3: the same standings by the same tag, a thousand a page by key, nothing decoded;"
    " ours decides each person anew and asks the suppression list; time per person"
)


def bench_verify(plan: Plan) -> list[Figure]:
    """Verify the chains of a store: lines of twenty entries, and of three or four."""
    people = plan.many(_LINES)
    cases: list[Case] = []
    with ExitStack() as stack:
        for name in VERIFY:
            folder = plan.folder / name
            keys = _fill(folder, people, agreed=None)
            store = stack.enter_context(SqliteStore(folder / "people.db"))
            if name == "verify":
                read_up(keeper_on(store, keys, load_register()), list(store.people()))
            file = sqlite3.connect(folder / "people.db", isolation_level=None)
            bare = stack.enter_context(closing(file))
            verify, read = partial(_verify, store, people), partial(_read, bare)
            cases += [
                Case(name=f"ours.{name}", items=people, prepare=partial(_itself, verify)),
                Case(name=f"hand.{name}", items=people, prepare=partial(_itself, read)),
            ]
        samples = measure(cases, plan.rounds)
    return [
        ratio(name, samples[f"ours.{name}"], samples[f"hand.{name}"], words, people=people)
        for name, words in zip(VERIFY, (_READ.format(20), _READ.format("3 or 4")), strict=True)
    ]


def _itself(job: Job) -> Job:
    return job


def _verify(store: SqliteStore, people: int) -> None:
    report = verify_chains(store)
    if report.broken or report.lines != people:
        raise AssertionError("the chains were not all verified")


def _read(bare: sqlite3.Connection) -> None:
    for statement in (_HEADS, _ENTRIES):
        for _ in bare.execute(statement, (bytes(16), b"\xff" * 16)):
            pass


def bench_audience(plan: Plan) -> list[Figure]:
    """Find everybody who may be written to; all have agreed, so all are decided to the end."""
    return [
        figure
        for name, number in _AUDIENCES.items()
        if plan.wanted.intersection((name, f"{name}.memory"))
        for figure in _audience(plan, name, number)
    ]


def _audience(plan: Plan, name: str, number: int) -> list[Figure]:
    people, folder = plan.many(number), plan.folder / name
    need, free = people * _BYTES, shutil.disk_usage(plan.folder).free
    if need > free:
        sys.stderr.write(f"{name}: left out, {need:,} bytes are needed and {free:,} are free\n")
        return []
    keys = _fill(folder, people, agreed=True)
    rounds = min(plan.rounds, _AUDIENCE_ROUNDS)
    with (
        SqliteStore(folder / "people.db") as store,
        closing(sqlite3.connect(folder / "people.db", isolation_level=None)) as bare,
    ):
        keeper = keeper_on(store, keys, load_register())
        spans = list(ALL.split(jobs_needed(rounds)))
        each = people // len(spans)  # ids are random, so the spans hold about as many
        samples = measure(
            [
                _through("ours", spans, each, lambda span: _count(keeper, span)),
                _through("hand", spans, each, lambda span: _pages(bare, span)),
            ],
            rounds,
        )
        with _Growth() as growth:
            found = _count(keeper, ALL)
        if found != people:
            raise AssertionError(f"{found} of {people} were found")
    figures = [ratio(name, samples["ours"], samples["hand"], _PAGES, people=people)]
    if growth.megabytes is not None:
        figures.append(value(f"{name}.memory", round(growth.megabytes, 1), "MB"))
    return figures


def _through(name: str, spans: Sequence[Span], each: int, do: Callable[[Span], int]) -> Case:
    rest = iter(spans)

    def prepare() -> Job:
        span = next(rest)
        return lambda: do(span)

    return Case(name=name, items=each, prepare=prepare)


def _count(keeper: RecordKeeper, span: Span) -> int:
    """Return how many may be written to."""
    return sum(1 for _ in keeper.audience(_QUESTION, span=span))


def _pages(bare: sqlite3.Connection, span: Span) -> int:
    after, last = (max(end, 0).to_bytes(16, "big") for end in (span.low - 1, span.high))
    count = 0
    while rows := bare.execute(_KEYSET, (_TAG, after, last, _PAGE)).fetchall():
        count, after = count + len(rows), rows[-1][0]
    return count


def _fill(folder: Path, people: int, *, agreed: bool | None) -> Keyring:
    folder.mkdir()
    keys = Keyring.create(folder / "root.key")
    with SqliteStore(folder / "people.db") as store:
        settle_in(keeper_on(store, keys, load_register(), ADDED), people, agreed=agreed)
        store.settle()
    return keys


class _Growth:
    """How far this process's memory rises above where it began; None where Linux is not there."""

    megabytes: float | None = None
    _before: int | None = None

    def __enter__(self) -> Self:
        try:
            # the highest mark begins anew at what is in use now
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
            self._before = _peak()
        except OSError:
            self._before = None
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            self.megabytes = (_peak() - self._before) / 1024


def _peak() -> int:
    """Return the most kilobytes of memory that were in use."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    if found is None:
        raise OSError
    return int(found[1])
