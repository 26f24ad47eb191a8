"""Figures of the PostgreSQL store, on a server of its own that waits for the disk.

One connection, a socket of the machine, autocommit, ``fsync`` and ``synchronous_commit`` on. Both
sides use psycopg as it comes: what it is asked often it prepares. Afterwards the store must hold
what was learnt beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import psycopg
from tests.bench.batch import check_stored, in_turn, learn, one_row
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
from tests.bench.timing import Figure, jobs_needed, measure, ratio
from tests.postgres_server import running_server

from gdprkit import Keyring, RecordKeeper, marketing
from gdprkit.storage import PostgresStore, install_postgres
from gdprkit.storage.protocol import Store
from gdprkit.words.identifiers import SubjectId

__all__ = ["FIGURES", "bench_postgres"]

FIGURES: Final = ("record.postgres", "ask.postgres")

_PER_JOB: Final = 10
_SETTINGS: Final = {"fsync": "on", "synchronous_commit": "on", "autovacuum": "on"}

_QUESTION: Final = marketing.may_contact(channel="email", purpose="newsletter")

_FACTS: Final = (
    "CREATE TABLE fact (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, bytes bytea)"
)
_ADD: Final = "INSERT INTO fact (bytes) VALUES (%s)"
_STANDING: Final = (
    "SELECT subject, position, head, fold, state FROM gdprkit_line"
    " WHERE tenant = 'main' AND subject = %s"
)
_ONE_ROW: Final = (
    "bare psycopg: an autocommit insert of one row with the same bytes (bodies, digests, standing"
    " and tags in one piece) into a table of a number and a column; fsync on, a socket of the"
    " machine"
)
_ONE_READ: Final = (
    "bare psycopg: the row of the person's standing read by its key, nothing decoded; the person"
    " has 20 entries and is met for the first time"
)


def bench_postgres(plan: Plan) -> list[Figure]:
    """Record consents in PostgreSQL, and ask."""
    return [
        figure
        for suffix, folder in plan.places("postgres")
        for figure in _measured(suffix, folder, plan.rounds)
    ]


def _measured(suffix: str, folder: Path, rounds: int) -> list[Figure]:
    keys, register = Keyring.create(folder / "root.key"), load_register()
    each = _PER_JOB * jobs_needed(rounds)
    with _two(folder) as (ours, bare):
        install_postgres(ours)
        bare.execute(_FACTS)
        store = PostgresStore(ours)
        agreed, silent = move_in(keeper_on(store, keys, register, ADDED), 2 * each)
        read_up(keeper_on(store, keys, register), agreed)
        # what was written while moving in must not be cleared up while measuring
        bare.execute("VACUUM ANALYZE")
        bare.execute("CHECKPOINT")
        batches = learn(keeper_on(cast("Store", dry := Dry(store)), keys, register), dry, silent)
        keeper = keeper_on(store, keys, register)

        def read(about: SubjectId) -> None:
            bare.execute(_STANDING, (about.bytes,)).fetchone()

        def add(piece: bytes) -> None:
            bare.execute(_ADD, (piece,))

        facts = [one_row(batch) for batch in batches]
        cases = [
            in_turn("ours.record", silent, _PER_JOB, lambda who: keeper.record(who, consent_act())),
            in_turn("bare.record", facts, _PER_JOB, add),
            in_turn("ours.ask", agreed, _PER_JOB, lambda who: _ask(keeper, who)),
            in_turn("bare.ask", agreed, _PER_JOB, read),
        ]
        samples = measure(cases, rounds)
        check_stored(store, batches)
    record = (samples["ours.record"], samples["bare.record"])
    figures = [ratio(f"record.postgres{suffix}", *record, _ONE_ROW)]
    if not suffix:
        figures.append(ratio("ask.postgres", samples["ours.ask"], samples["bare.ask"], _ONE_READ))
    return figures


def _ask(keeper: RecordKeeper, about: SubjectId) -> None:
    if not keeper.ask(about, _QUESTION):
        raise AssertionError("the answer is not the one to be measured")


@contextmanager
def _two(folder: Path) -> Iterator[tuple[psycopg.Connection[Any], psycopg.Connection[Any]]]:
    """Lend two connections to a new database."""
    with running_server(_SETTINGS, place=folder) as server:
        where = server.fresh_database("bench")
        with (
            psycopg.connect(where, autocommit=True) as one,
            psycopg.connect(where, autocommit=True) as other,
        ):
            yield one, other
