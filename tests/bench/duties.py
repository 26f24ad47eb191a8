"""Figures of the SQLite store: record a consent, ask a question, erase a person.

At each size one file is filled with people and copied three times. On the first copy the duties are
done beforehand, to learn the bytes they write; the second is ours, through the whole keeper; the
third is the baseline's (``bare``). Every person is met once, so no key is open and no row is warm
by being met before; only who is asked about *again* was asked about just before. Afterwards ours
and the baseline's file must hold the same rows.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final, TypeVar, cast

import attrs
from tests.bench import bare
from tests.bench.batch import check_stored
from tests.bench.people import (
    ADDED,
    Dry,
    consent_act,
    keeper_on,
    load_register,
    move_in,
    read_up,
)
from tests.bench.plan import Plan
from tests.bench.timing import Case, Figure, Job, Samples, jobs_needed, measure, ratio

from gdprkit import Keyring, RecordKeeper, Register, marketing, retention
from gdprkit.storage import SqliteStore
from gdprkit.storage.protocol import Batch, Store
from gdprkit.words.identifiers import SubjectId

__all__ = ["FIGURES", "bench_duties"]

T = TypeVar("T")

_PER_JOB: Final = 10
_SEED: Final = 7

_QUESTION: Final = marketing.may_contact(channel="email", purpose="newsletter")

FIGURES: Final = (
    "record.sqlite",
    "record.sqlite.cpu",
    "record.sqlite.store.cpu",
    "ask.sqlite",
    "ask.sqlite.again",
    "erase.sqlite",
    "growth.record",
    "growth.ask",
    "growth.erase",
)

_DURABLE: Final = "one transaction, WAL, synchronous=FULL"
_ONE_ROW: Final = (
    "bare sqlite3: an insert of one row with the same bytes (bodies, digests, standing, marks and"
    f" tags in one piece) into a table of one column without a key; {_DURABLE}"
)
_ROWS: Final = (
    "bare sqlite3, the same rows given ready made: read where the line ends, update standing and"
    f" marks, insert tags and entry; {_DURABLE}; no triggers, no foreign keys; CPU time of both"
)
_ALONE: Final = f"{_ROWS}; ours is the store alone, its rows ready made too"
_ONE_READ: Final = (
    "bare sqlite3: the row of the person's standing read by its key, nothing decoded; the person"
    " has 20 entries and is met for the first time"
)
_AGAIN: Final = f"{_ONE_READ.rpartition(' and ')[0]} and was asked about just before"
_ERASURE: Final = (
    "bare sqlite3, the same rows given ready made: update standing and marks, change tags, insert"
    " entries, delete look-up terms, values and key, insert tombstone and suppressions;"
    f" {_DURABLE}, secure_delete"
)

_SLICES: Final = 4
"""Duties that each meet people of their own."""


@attrs.frozen(kw_only=True)
class _Slices:
    """Who is met for which duty; nobody twice."""

    record: Sequence[SubjectId]
    ask: Sequence[SubjectId]
    again: Sequence[SubjectId]
    erase: Sequence[SubjectId]


@attrs.define(kw_only=True)
class _Files:
    """The files of one size, open."""

    people: int
    keeper: RecordKeeper
    hand: sqlite3.Connection
    facts: sqlite3.Connection
    store: SqliteStore
    slices: _Slices
    records: Sequence[bare.Ready]
    batches: Sequence[Batch]
    erasures: Sequence[bare.Ready]
    close: Callable[[], None]


def bench_duties(plan: Plan) -> list[Figure]:
    """Measure the duties at every size, all in the same rounds.

    Raises:
        ValueError: there are too few people for that many rounds.
        AssertionError: ours and the baseline did not write the same.
    """
    return [
        figure
        for suffix, folder in plan.places("duties")
        for figure in _measured(folder, suffix, plan.sizes, plan.rounds)
    ]


def _measured(folder: Path, suffix: str, sizes: Sequence[int], rounds: int) -> list[Figure]:
    per_job = min(_PER_JOB, min(sizes) // (_SLICES * jobs_needed(rounds)))
    if per_job < 1:
        raise ValueError(f"{rounds} rounds need at least {_SLICES * jobs_needed(rounds)} people")
    register = load_register()
    opened = [_fill(folder / str(n), n, per_job * jobs_needed(rounds), register) for n in sizes]
    try:
        samples = measure([case for files in opened for case in _cases(files, per_job)], rounds)
        for files in opened:
            _check(files, folder / str(files.people))
    finally:
        for files in opened:
            files.close()
    return [*_by_size(sizes, samples, suffix), *_growth(sizes, samples, suffix)]


# --- files ----------------------------------------------------------------------------------------


def _fill(folder: Path, people: int, each: int, register: Register) -> _Files:
    folder.mkdir()
    keys = Keyring.create(folder / "root.key")
    with SqliteStore(folder / "first.db") as store:
        agreed, silent = move_in(keeper_on(store, keys, register, ADDED), people)
        slices = _choose(agreed, silent, each)
        read_up(keeper_on(store, keys, register), [*slices.ask, *slices.again])
        store.settle()
    for name in ("learn", "ours", "store", "hand"):
        shutil.copy(folder / "first.db", folder / f"{name}.db")
    with (
        closing(bare.open_file(folder / "first.db")) as first,
        SqliteStore(folder / "learn.db") as learning,
        closing(bare.open_file(folder / "learn.db")) as learnt,
    ):
        keeper = keeper_on(learning, keys, register)
        dry = Dry(learning, through=True)
        watched = keeper_on(cast("Store", dry), keys, register)
        records = _learn_records(watched, first, learnt, slices.record)
        erasures = _learn_erasures(keeper, first, learnt, slices.erase)
    store = SqliteStore(folder / "ours.db")
    hand = bare.open_file(folder / "hand.db")
    facts = bare.open_facts(folder / "facts.db")
    alone = SqliteStore(folder / "store.db")

    def close() -> None:
        store.close()
        hand.close()
        facts.close()
        alone.close()

    return _Files(
        people=people,
        keeper=keeper_on(store, keys, register),
        hand=hand,
        facts=facts,
        store=alone,
        slices=slices,
        records=records,
        batches=dry.batches,
        erasures=erasures,
        close=close,
    )


def _choose(agreed: Sequence[SubjectId], silent: Sequence[SubjectId], each: int) -> _Slices:
    """Draw who is met: those who answer have agreed, those who agree now had not."""
    random = Random(_SEED)
    asked = random.sample(agreed, 2 * each)
    new = random.sample(silent, each)
    left = sorted({*agreed, *silent} - {*asked, *new})
    gone = random.sample(left, each)
    return _Slices(record=new, ask=asked[:each], again=asked[each:], erase=gone)


def _learn_records(
    keeper: RecordKeeper,
    first: sqlite3.Connection,
    learnt: sqlite3.Connection,
    people: Sequence[SubjectId],
) -> list[bare.Ready]:
    keeper.record_many([(about, [consent_act()]) for about in people])
    return [bare.read_back(first, learnt, about) for about in people]


def _learn_erasures(
    keeper: RecordKeeper,
    first: sqlite3.Connection,
    learnt: sqlite3.Connection,
    people: Sequence[SubjectId],
) -> list[bare.Ready]:
    found = []
    _, stops = bare.newest(learnt, "suppression", 0)
    _, graves = bare.newest(learnt, "tombstone", 0)
    for about in people:
        _erase(keeper, about)
        suppressions, stops = bare.newest(learnt, "suppression", stops)
        tombstones, graves = bare.newest(learnt, "tombstone", graves)
        found.append(
            attrs.evolve(
                bare.read_back(first, learnt, about),
                suppressions=suppressions,
                tombstones=tombstones,
            )
        )
    return found


def _check(files: _Files, folder: Path) -> None:
    """Hold ours and the baseline's file together."""
    with closing(bare.open_file(folder / "ours.db")) as ours:
        bare.check_same(ours, files.hand)
    check_stored(files.store, files.batches)


# --- duties ---------------------------------------------------------------------------------------


def _erase(keeper: RecordKeeper, about: SubjectId) -> None:
    plan = keeper.plan(about, retention.erasure(reason="consent-withdrawn", reference="case-1"))
    if not keeper.apply(plan, approve=plan.digest).person_erased:
        raise AssertionError("something of the person stayed: no erasure was measured")


def _ask(keeper: RecordKeeper, about: SubjectId) -> None:
    if not keeper.ask(about, _QUESTION):
        raise AssertionError("the answer is not the one to be measured")


def _cases(files: _Files, per_job: int) -> list[Case]:
    keeper, hand, slices = files.keeper, files.hand, files.slices

    def case(
        name: str,
        work: Sequence[T],
        do: Callable[[T], object],
        before: Callable[[T], object] | None = None,
    ) -> Case:
        rest = iter(work)
        secure = name == "hand.erase"

        def prepare() -> Job:
            bare.secure(hand, on=secure)
            now = list(islice(rest, per_job))
            if len(now) != per_job:
                raise AssertionError("nobody is left to be met")
            if before is not None:
                for one in now:
                    before(one)

            def job() -> None:
                for one in now:
                    do(one)

            return job

        return Case(name=f"{name}.{files.people}", items=per_job, prepare=prepare)

    def ask(about: SubjectId) -> None:
        _ask(keeper, about)

    def read(about: SubjectId) -> None:
        bare.ask(hand, about.bytes)

    pieces = [ready.as_one for ready in files.records]
    return [
        case("ours.record", slices.record, lambda who: keeper.record(who, consent_act())),
        case("store.record", files.batches, files.store.commit),
        case("hand.record", files.records, lambda row: bare.record(hand, row)),
        case("fact.record", pieces, lambda piece: bare.add_fact(files.facts, piece)),
        case("ours.ask", slices.ask, ask),
        case("hand.ask", slices.ask, read),
        case("ours.again", slices.again, ask, ask),
        case("hand.again", slices.again, read, read),
        case("ours.erase", slices.erase, lambda who: _erase(keeper, who)),
        case("hand.erase", files.erasures, lambda row: bare.erase(hand, row)),
    ]


# --- figures --------------------------------------------------------------------------------------

#: Figure, side, what it is held against, in what words, whether by CPU time, and whether it waits
#: for the disk.
_BY_SIZE: Final = (
    ("record.sqlite", "ours.record", "fact.record", _ONE_ROW, False, True),
    ("record.sqlite.cpu", "ours.record", "hand.record", _ROWS, True, True),
    ("record.sqlite.store.cpu", "store.record", "hand.record", _ALONE, True, True),
    ("ask.sqlite", "ours.ask", "hand.ask", _ONE_READ, False, False),
    ("ask.sqlite.again", "ours.again", "hand.again", _AGAIN, False, False),
    ("erase.sqlite", "ours.erase", "hand.erase", _ERASURE, False, True),
)


def _by_size(sizes: Sequence[int], samples: Samples, suffix: str) -> Iterator[Figure]:
    for people in sizes:
        size = f".{people}" if len(sizes) > 1 else ""
        for name, side, against, words, cpu, disk in _BY_SIZE:
            if suffix and not disk:
                continue
            ours, other = samples[f"{side}.{people}"], samples[f"{against}.{people}"]
            full = f"{name}{suffix}{size}"
            yield ratio(full, ours, other, words, people=people, cpu=cpu)


def _growth(sizes: Sequence[int], samples: Samples, suffix: str) -> Iterator[Figure]:
    few, many = min(sizes), max(sizes)
    if few == many:
        return
    for duty in ("record", "ask", "erase"):
        if suffix and duty == "ask":
            continue
        yield ratio(
            f"growth.{duty}{suffix}",
            samples[f"ours.{duty}.{many}"],
            samples[f"ours.{duty}.{few}"],
            f"ours with {few} people in the register",
            people=many,
        )
