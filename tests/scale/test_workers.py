"""Sweeps, audiences, reindexing and verifying by several processes, one of them killed on the way.

Nothing is lost and nothing is done twice: each person has exactly one fact of the sweep, and every
result is that of one plain run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.scale import jobs

from gdprkit.keeper.reindexing import Reindexed
from gdprkit.keeper.spread import SpansLeft, over_spans
from gdprkit.storage import install_postgres
from gdprkit.storage.span import ALL, Span
from gdprkit.words.identifiers import SubjectId

PEOPLE = 48
SPANS = ALL.split(12)


@pytest.fixture
def fuse(tmp_path: Path) -> str:
    """Whoever takes this away dies of it."""
    path = tmp_path / "fuse"
    path.touch()
    return str(path)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[str]:
    place = str(tmp_path / "people.db")
    yield place
    jobs.forget(place)


@pytest.fixture
def server(postgres: str) -> Iterator[str]:
    with psycopg.connect(postgres) as connection:
        install_postgres(connection)
    yield postgres
    jobs.forget(postgres)


def processes() -> ProcessPoolExecutor:
    # not forked from here: such a process would share what this one has open
    return ProcessPoolExecutor(2, mp_context=get_context("forkserver"))


def by_spans(
    work: Callable[[Span], list[SubjectId]],
    executor: Executor,
    spans: tuple[Span, ...] = SPANS,
    found: dict[Span, list[SubjectId]] | None = None,
) -> dict[Span, list[SubjectId]]:
    """Do the work and put its results to those found before, also when it stops."""
    found = {} if found is None else found
    for span, ids in over_spans(work, spans, executor=executor, in_flight=6):
        assert span not in found
        found[span] = ids
    return found


def joined(found: dict[Span, list[SubjectId]]) -> list[SubjectId]:
    return [about for span in SPANS for about in found[span]]


def check_swept(place: str, people: list[SubjectId]) -> None:
    """Hold the store against one plain run: everybody has one fact, and a run more adds nothing."""
    keeper = jobs.keeper_at(place)
    assert sorted(keeper.people()) == sorted(people)
    assert {about: jobs.checks_of(keeper, about) for about in people} == dict.fromkeys(people, 1)
    assert sorted(jobs.sweep(place, "check-1", ALL)) == sorted(people)
    assert all(jobs.checks_of(keeper, about) == 1 for about in people)


def check_jobs(place: str, executor: Executor) -> None:
    """Hold jobs that split against one plain run of each."""
    assert joined(by_spans(partial(jobs.audience, place), executor)) == jobs.audience(place, ALL)
    counts = {span: jobs.count(place, span) for span in SPANS}
    assert sum(counts.values()) == PEOPLE
    assert dict(over_spans(partial(jobs.verify, place), SPANS, executor=executor)) == counts
    jobs.blur(place)
    done = dict(over_spans(partial(jobs.reindex, place), SPANS, executor=executor))
    assert {span: part.people for span, part in done.items()} == counts
    total = sum(done.values(), Reindexed())
    assert (total.changed, total.failed) == (PEOPLE, ())
    assert jobs.reindex(place, ALL).changed == 0


def sweep_by_pools(place: str, fuse: str) -> None:
    people = jobs.move_in(place, PEOPLE)
    expected = jobs.audience(place, ALL)
    assert 0 < len(expected) < PEOPLE // 2
    sweep = partial(jobs.deadly_sweep, place, "check-1", fuse)
    found: dict[Span, list[SubjectId]] = {}
    with processes() as pool, pytest.raises(SpansLeft) as stopped:
        by_spans(sweep, pool, SPANS, found)
    assert isinstance(stopped.value.__cause__, BrokenProcessPool)
    assert not Path(fuse).exists()
    with processes() as pool:
        by_spans(sweep, pool, stopped.value.left, found)
        assert sorted(joined(found)) == sorted(people)
        check_swept(place, people)
        check_jobs(place, pool)
    assert jobs.audience(place, ALL) == expected


def test_a_killed_process_on_one_file(sqlite: str, fuse: str) -> None:
    """A pool of processes on one SQLite file: what a killed one leaves, a new pool does."""
    sweep_by_pools(sqlite, fuse)


def test_a_killed_process_on_a_server(server: str, fuse: str) -> None:
    """A pool of processes on one PostgreSQL: what a killed one leaves, a new pool does."""
    sweep_by_pools(server, fuse)


def test_threads_share_a_keeper(sqlite: str) -> None:
    """Threads on one keeper do the same work with the same results."""
    people = jobs.move_in(sqlite, PEOPLE)
    with ThreadPoolExecutor(3) as threads:
        assert sorted(joined(by_spans(partial(jobs.sweep, sqlite, "check-1"), threads))) == sorted(
            people
        )
        check_swept(sqlite, people)
        check_jobs(sqlite, threads)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A Dask cluster of three worker processes on the loopback, and its client."""
    import dask
    from distributed import Client, LocalCluster

    quiet = {
        "distributed.admin.tick.limit": "1h",  # a busy machine is nothing to be told of
        "distributed.worker.memory.terminate": False,
        "distributed.diagnostics.nvml": False,
    }
    with (
        dask.config.set(quiet),
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=3,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=50,
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        yield client


def test_a_killed_worker_of_a_cluster(server: str, fuse: str, cluster: Any) -> None:
    """Three workers of a cluster on one PostgreSQL: what a killed one leaves, the others do."""
    people = jobs.move_in(server, PEOPLE)
    expected = jobs.audience(server, ALL)
    pool = cluster.get_executor(pure=False)
    found = by_spans(partial(jobs.deadly_sweep, server, "check-1", fuse), pool)
    assert not Path(fuse).exists()
    assert sorted(joined(found)) == sorted(people)
    check_swept(server, people)
    check_jobs(server, pool)
    assert jobs.audience(server, ALL) == expected
