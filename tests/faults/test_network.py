"""A network that is cut at any byte, also between a commit and its answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import psycopg
import pytest
from psycopg_pool import ConnectionPool
from tests.faults import deeds
from tests.faults.conftest import OwnServer, installed
from tests.faults.grounds import Ground
from tests.faults.proxy import wire
from tests.faults.whole import check_whole
from tests.keeper.support import House, house_on

from gdprkit.errors import StoreUnavailable
from gdprkit.keeper.line import key_hash
from gdprkit.storage.postgres import PostgresStore
from gdprkit.storage.postgres_errors import told as told_of
from gdprkit.words.identifiers import SubjectId


def _once(house: House, about: SubjectId, word: str, name: str) -> int:
    """Record a deed until it is acknowledged; returns how many answers were lost on the way."""
    lost = 0
    while True:
        try:
            deeds.record(house, about, word, name)
        except StoreUnavailable:
            lost += 1
            if lost > 50:
                raise
        else:
            return lost


@pytest.mark.parametrize("times", [25, pytest.param(1000, marks=pytest.mark.long)])
def test_a_network_cut_loses_nothing_and_doubles_nothing(
    own_server: OwnServer, tell: Callable[[str], None], times: int
) -> None:
    """Cut anywhere: a typed error says that nobody knows, and the key makes the retry safe."""
    direct = installed(own_server.fresh("cut"))
    random, found, told = Random(), Counter[str](), list[StoreUnavailable]()
    with wire(own_server.port) as line:
        through = direct.replace(f":{own_server.port}/", f":{line.port}/")
        pool = ConnectionPool(
            through, min_size=1, max_size=2, timeout=10, reconnect_timeout=10, open=True
        )
        straight = ConnectionPool(direct, min_size=1, max_size=2, open=True)
        with pool, straight, PostgresStore(pool) as store, PostgresStore(straight) as other:
            house, beside = house_on(store), house_on(other)
            people = [deeds.add(house, f"p{number}") for number in range(4)]
            names: dict[str, SubjectId] = {}
            sendings: dict[str, int] = {}
            for word in [*deeds.RECORDED] * 3:  # the first time some more is read
                before, name = line.sendings, f"measured-{len(names)}"
                names[name] = people[0]
                deeds.record(house, people[0], word, name)
                count = line.sendings - before
                sendings[word] = min(count, sendings.get(word, count))
            for number in range(20 * times):
                if number >= times and found["stored"]:
                    break  # an answer was lost as well
                word, name = random.choice(sorted(deeds.RECORDED)), f"d{number}"
                names[name] = about = random.choice(people)
                last = sendings[word]  # brings the commit: its answer is lost every third time
                whole_ones = last if number % 3 == 0 else random.randrange(last)
                count = 0 if number % 3 == 0 else random.randrange(1, 2000)
                line.cut_after(whole_ones, count, reset=bool(random.randrange(2)))
                try:
                    deeds.record(house, about, word, name)
                except StoreUnavailable as error:
                    told.append(error)
                    Ground("postgres", direct).quiet()
                    key = key_hash(name, deeds.acts(word, name))
                    stored = beside.store.receipt(about, key) is not None
                    found["stored" if stored else "not stored"] += 1
                    found["tries"] += _once(house, about, word, name)
                else:
                    found["answered"] += 1
                    line.cut()
            whole = check_whole(beside)
    for name, about in names.items():
        there = whole.by(name)
        assert there, "acknowledged, and lost"
        assert {who for who, _ in there} == {about}
        positions = [position for _, position in there]
        assert positions == [*range(positions[0], positions[0] + len(there))], "recorded twice"
    assert all(error.retryable and error.__cause__ is None for error in told)
    assert all("stored whole or not at all" in str(error) for error in told)
    assert found["stored"], "never cut between commit and answer"
    assert found["not stored"]
    tell(
        f"network cut, postgres: {len(names):,} records: {found['answered']:,} answered at once;"
        f" {found['stored'] + found['not stored']:,} cut, each told as a typed error,"
        f" {found['stored']:,} of them stored, {found['not stored']:,} not; all recorded again"
        f" under their keys, each there once ({found['tries']:,} more errors on the way)"
    )


def test_a_failure_without_a_code_is_a_lost_connection() -> None:
    """A connection that is reset while an answer is read is no damage of the database."""
    error = told_of(psycopg.DatabaseError("server closed the connection unexpectedly"), 1)
    assert isinstance(error, StoreUnavailable)
    assert "unexpectedly" not in str(error)
