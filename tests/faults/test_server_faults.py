"""A PostgreSQL that is restarted in mid-work, and one whose files a disk changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from threading import Event, Thread
from typing import Final

import psycopg
import pytest
from psycopg_pool import ConnectionPool
from tests.faults import deeds
from tests.faults.conftest import OwnServer, installed
from tests.faults.life import PROVED, answers, lead
from tests.faults.whole import check_whole
from tests.keeper.support import House, house_on

from gdprkit.errors import GdprkitError
from gdprkit.storage.postgres import PostgresStore
from gdprkit.words.identifiers import SubjectId

_PAGE: Final = 8192
_THREADS: Final = 3


def _work(
    house: House, about: SubjectId, name: str, stop: Event, said: list[tuple[str, str]]
) -> None:
    """Record deed after deed, each until it is acknowledged."""
    number = 0
    while not stop.is_set():
        deed, done = f"{name}-{number}", False
        number += 1
        while not done:
            try:
                deeds.record(house, about, "collect", deed)
                said.append(("done", deed))
                done = True
            except GdprkitError as error:
                said.append((error.code, deed))
                if not error.retryable:
                    raise
                stop.wait(0.02)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
@pytest.mark.parametrize("times", [1, pytest.param(25, marks=pytest.mark.long)])
def test_work_goes_on_by_itself_after_a_restart(
    own_server: OwnServer, tell: Callable[[str], None], mode: str, times: int
) -> None:
    """The server stops or crashes under writers: retryable errors, nothing lost, nothing twice."""
    uri, random, stop = installed(own_server.fresh("restart")), Random(), Event()
    said: list[list[tuple[str, str]]] = [[] for _ in range(_THREADS)]
    pool = ConnectionPool(
        uri, min_size=1, max_size=_THREADS, timeout=2, reconnect_timeout=60, open=True
    )
    with pool, PostgresStore(pool) as store:
        house = house_on(store)
        anna = deeds.add(house, "anna")
        threads = [
            Thread(target=_work, args=(house, anna, f"t{number}", stop, said[number]))
            for number in range(_THREADS)
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in range(times):
                stop.wait(random.uniform(0.05, 0.4))
                own_server.server.stop(mode)
                stop.wait(random.uniform(0, 0.2))
                own_server.server.start()
                before = sum(map(len, said))
                while sum(map(len, said)) < before + 2 * _THREADS:
                    assert any(thread.is_alive() for thread in threads)
                    stop.wait(0.02)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        whole = check_whole(house)
    words = Counter(word for one in said for word, _ in one)
    names = {name for one in said for word, name in one if word == "done"}
    assert words["done"] == len(names)
    for name in names:
        assert len(whole.by(name)) == 2, "lost, or stored twice"
    assert {*words} <= {"done", "store-unavailable", "position-taken"}
    assert words["store-unavailable"], "nobody noticed"
    tell(
        f"restart ({mode}), postgres: {times} restarts under {_THREADS} threads on one pool:"
        f" {words['done']:,} records, all there, each once; {words['store-unavailable']:,} times"
        f" told that the database cannot be used now, {words['position-taken']:,} times that"
        " somebody was first; work went on by itself"
    )


@pytest.mark.parametrize("times", [6, pytest.param(60, marks=pytest.mark.long)])
def test_a_damaged_table_gives_no_wrong_answer(
    own_server: OwnServer, tell: Callable[[str], None], times: int
) -> None:
    """With checksums on a changed page is a typed error; an emptied one is told by the chain."""
    random, found = Random(), Counter[str]()
    source = installed(own_server.fresh("whole"))
    with ConnectionPool(source, min_size=1, open=True) as pool, PostgresStore(pool) as store:
        house = house_on(store)
        *_, people = lead(house, random, people=10, acts=50)
        truth = answers(house, people)
    damaged: dict[str, str] = {}
    with psycopg.connect(own_server.server.uri(), autocommit=True) as connection:
        assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
        for number in range(times):
            name = f"damaged_{number}_{times}"
            template = source.rpartition("/")[2]
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            damaged[f"{source.rpartition('/')[0]}/{name}"] = ""
    for number, uri in enumerate(damaged):
        table = ("entry", "line", "value", "key", "entry_receipt", "line_pkey")[number % 6]
        with psycopg.connect(uri) as connection:
            row = connection.execute("SELECT pg_relation_filepath(%s)", (f"gdprkit_{table}",))
            [(path,)] = row.fetchall()
        damaged[uri] = path
    own_server.server.stop()
    for number, path in enumerate(damaged.values()):
        file = own_server.server.folder / "data" / path
        data = bytearray(file.read_bytes())
        page = random.randrange(len(data) // _PAGE) * _PAGE
        if number % 4 == 3:
            data[page : page + _PAGE] = bytes(_PAGE)
        else:
            data[page + random.randrange(_PAGE)] ^= 1 << random.randrange(8)
        file.write_bytes(data)
    own_server.server.start()
    for uri in damaged:
        try:
            with ConnectionPool(uri, min_size=1, open=True) as pool, PostgresStore(pool) as store:
                told = answers(house_on(store), people)
        except GdprkitError:
            found["not opened"] += 1
            continue
        wrong = {asked for asked, answer in told.items() if answer != truth[asked]}
        silent = {asked for asked in wrong if told[asked][0] == "right"}
        assert not {name for name, _ in silent} & {*PROVED}, silent
        codes = {code for asked in wrong for kind, code in [told[asked]] if kind == "error"}
        found.update(str(code) for code in codes)
        found["refused" if wrong else "unread"] += 1
    kinds = {code: count for code, count in found.items() if "-" in code}
    assert kinds["store-corrupt"]
    tell(
        f"damaged tables, postgres: {times} tried: {found['not opened']} not opened,"
        f" {found['refused']} with typed errors where they were read ({kinds}),"
        f" {found['unread']} never read; 0 wrong lines, standings, decisions or values"
    )
