"""Figures of writing much at once: a thousand people in a transaction, and eight threads.

Who is met was added beforehand and has not agreed yet; what is recorded is a consent. Afterwards
ours must hold what it should: the rows of the baseline's file, or, where the baseline is one row
each, the very entries and standing that were learnt.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from tests.bench import bare
from tests.bench.people import ADDED, Dry, consent_act, keeper_on, load_register, settle_in
from tests.bench.plan import Plan
from tests.bench.timing import Case, Figure, Job, jobs_needed, measure, ratio, speed

from gdprkit import Keyring, RecordKeeper
from gdprkit.storage import SqliteStore
from gdprkit.storage.protocol import Batch, Store
from gdprkit.words.identifiers import SubjectId

__all__ = [
    "BATCH",
    "GROUP",
    "bench_batch",
    "bench_group",
    "check_stored",
    "in_turn",
    "learn",
    "one_row",
]

T = TypeVar("T")

BATCH: Final = ("record.batch1000.sqlite", "record.batch1000.sqlite.store")
GROUP: Final = ("group.sqlite", "group.sqlite.keeper")

_THOUSAND: Final = 1_000
_BATCH_ROUNDS: Final = 11  # each takes a thousand new people
_THREADS: Final = 8
_EACH: Final = 5  # commits of one thread in one job

_MANY: Final = (
    "bare sqlite3, the same rows given ready made: executemany for each table, one transaction for"
    " all {count} people, WAL, synchronous=FULL; no triggers, no foreign keys; time per person;"
    " .store is the store alone, its rows ready made too"
)
_ONE_BY_ONE: Final = (
    "bare sqlite3 in one thread: a durable insert of one row with the same bytes into a table of"
    " one column without a key, WAL, synchronous=FULL; ours {ours} by 8 threads; the ratio is that"
    " of the rates"
)


def bench_batch(plan: Plan) -> list[Figure]:
    """Record the consents of a thousand people in one transaction."""
    count, rounds = plan.many(_THOUSAND), min(plan.rounds, _BATCH_ROUNDS)
    return [
        figure
        for suffix, folder in plan.places("batch")
        for figure in _batch(suffix, folder, count, rounds)
    ]


def _batch(suffix: str, folder: Path, count: int, rounds: int) -> list[Figure]:
    keys, register = Keyring.create(folder / "root.key"), load_register()
    with SqliteStore(folder / "first.db") as store:
        silent = keeper_on(store, keys, register, ADDED)
        people = settle_in(silent, count * jobs_needed(rounds), agreed=False)
        store.settle()
    for side in ("learn", "ours", "store", "hand"):
        shutil.copy(folder / "first.db", folder / f"{side}.db")
    work = [people[at : at + count] for at in range(0, len(people), count)]
    with (
        closing(bare.open_file(folder / "first.db")) as first,
        SqliteStore(folder / "learn.db") as learning,
        closing(bare.open_file(folder / "learn.db")) as learnt,
    ):
        dry = Dry(learning, through=True)
        keeper = keeper_on(cast("Store", dry), keys, register)
        for some in work:
            _record_many(keeper, some)
        ready = [[bare.read_back(first, learnt, about) for about in some] for some in work]
        batches = [dry.batches[at : at + count] for at in range(0, len(people), count)]
    with (
        SqliteStore(folder / "ours.db") as store,
        SqliteStore(folder / "store.db") as alone,
        closing(bare.open_file(folder / "hand.db")) as hand,
    ):
        keeper = keeper_on(store, keys, register)
        ours = in_turn("ours", work, 1, lambda some: _record_many(keeper, some), count)
        rows = in_turn("store", batches, 1, lambda some: alone.commit(*some), count)
        other = in_turn("hand", ready, 1, lambda some: bare.record_many(hand, some), count)
        samples = measure([ours, rows, other], rounds)
        for side in ("ours", "store"):
            with closing(bare.open_file(folder / f"{side}.db")) as mine:
                bare.check_same(mine, hand)
    words = _MANY.format(count=count)
    return [
        ratio(f"record.batch1000.sqlite{more}{suffix}", samples[side], samples["hand"], words)
        for side, more in (("ours", ""), ("store", ".store"))
    ]


def _record_many(keeper: RecordKeeper, people: Sequence[SubjectId]) -> None:
    keeper.record_many([(about, [consent_act()]) for about in people])


def bench_group(plan: Plan) -> list[Figure]:
    """Let eight threads write to a store that shares the wait for the disk among them."""
    return [
        figure
        for suffix, folder in plan.places("group")
        for figure in _group(suffix, folder, plan.rounds)
    ]


def _group(suffix: str, folder: Path, rounds: int) -> list[Figure]:
    keys, register = Keyring.create(folder / "root.key"), load_register()
    each = _THREADS * _EACH
    with (
        SqliteStore(folder / "ours.db", group_commits=True) as store,
        closing(bare.open_facts(folder / "facts.db")) as facts,
        _threads() as together,
    ):
        silent = keeper_on(store, keys, register, ADDED)
        people = settle_in(silent, 2 * each * jobs_needed(rounds), agreed=False)
        batches = learn(keeper_on(cast("Store", dry := Dry(store)), keys, register), dry, people)
        keeper = keeper_on(store, keys, register)

        def shared(name: str, work: Sequence[T], do: Callable[[T], object]) -> Case:
            parts = [work[at : at + each] for at in range(0, len(work), each)]
            return in_turn(name, parts, 1, lambda some: together(do, some), each)

        half = len(people) // 2
        samples = measure(
            [
                shared("store", batches[:half], store.commit),
                shared("keeper", people[half:], lambda who: keeper.record(who, consent_act())),
                in_turn(
                    "fact",
                    [one_row(batch) for batch in batches[:half]],
                    each,
                    lambda piece: bare.add_fact(facts, piece),
                ),
            ],
            rounds,
        )
        check_stored(store, batches)
    return [
        speed(
            f"group.sqlite{suffix}",
            samples["store"],
            samples["fact"],
            _by("commits of the store, their rows ready made,"),
        ),
        speed(
            f"group.sqlite.keeper{suffix}",
            samples["keeper"],
            samples["fact"],
            _by("consents through the keeper"),
        ),
    ]


def _by(ours: str) -> str:
    return _ONE_BY_ONE.format(ours=ours)


@contextmanager
def _threads() -> Iterator[Callable[[Callable[[Any], object], Sequence[Any]], None]]:
    """Lend a function that does something to each of several things, in eight threads."""
    with ThreadPoolExecutor(_THREADS) as pool:

        def together(do: Callable[[Any], object], things: Sequence[Any]) -> None:
            for _ in pool.map(do, things):
                pass

        yield together


def in_turn(
    name: str,
    work: Sequence[T],
    per_job: int,
    do: Callable[[T], object],
    items: int | None = None,
) -> Case:
    """Return the case that does something to *per_job* more of *work* in each round."""
    rest = iter(work)

    def prepare() -> Job:
        now = list(islice(rest, per_job))
        if len(now) != per_job:
            raise AssertionError("nobody is left to be met")

        def job() -> None:
            for one in now:
                do(one)

        return job

    return Case(name=name, items=items or per_job, prepare=prepare)


def learn(keeper: RecordKeeper, dry: Dry, people: Sequence[SubjectId]) -> list[Batch]:
    """Return what recording a consent of each of *people* commits; nothing is stored."""
    for about in people:
        keeper.record(about, consent_act())
    return dry.batches


def one_row(batch: Batch) -> bytes:
    """Return the bytes of a commit in one piece."""
    standing = batch.standing
    entries = (entry.body + entry.digest for entry in batch.entries)
    words = "".join(sorted(batch.marks.tags)).encode()
    return b"".join((batch.about.bytes, *entries, standing.head, standing.state, words))


def check_stored(store: Store, batches: Sequence[Batch]) -> None:
    """Hold what was measured against what was learnt.

    Raises:
        AssertionError: a line ends otherwise.
    """
    for batch in batches:
        stored = tuple(store.line(batch.about, after=batch.expected))
        if stored != batch.entries or store.standing(batch.about) != batch.standing:
            raise AssertionError("what was stored is not what was learnt")
