"""Two servers, people shared out between them by the client, as the example of the docs does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from random import Random
from typing import Any

import psycopg
import pytest
from tests.keeper.support import Clock, jot, provider
from tests.scale import jobs

from gdprkit import RecordKeeper, marketing, retention
from gdprkit.errors import GdprkitError, InvalidValue
from gdprkit.storage import MemoryStore, PostgresStore, install_postgres
from gdprkit.storage.postgres_schema import TABLES
from gdprkit.storage.protocol import Store
from gdprkit.words.identifiers import SubjectId

PEOPLE = 16


@pytest.fixture
def servers(new_postgres: Callable[[], str]) -> Iterator[list[psycopg.Connection[Any]]]:
    connections = [psycopg.connect(new_postgres(), autocommit=True) for _ in range(2)]
    for connection in connections:
        install_postgres(connection)
    yield connections
    for connection in connections:
        connection.close()


def routed(servers: list[psycopg.Connection[Any]]) -> Any:
    many = import_module("docs.examples.many_servers.router").ManyServers
    return many(*(PostgresStore(server) for server in servers))


def lived_in(store: Store) -> tuple[RecordKeeper, list[SubjectId]]:
    """Let the same people live on any store: every byte drawn is the same each time."""
    keeper = RecordKeeper(
        jot(), store=store, keys=provider(), clock=Clock(jobs.ADDED), random=Random(4).randbytes
    )
    # one by one: people of one commit may belong to two servers
    ids = [keeper.add_people([jobs.person(number)])[0] for number in range(PEOPLE)]
    for about in ids[1::8]:
        keeper.record(about, marketing.object_to(via="email"))
    plan = keeper.plan(ids[0], retention.erasure(reason="unlawful", reference="r-1"))
    keeper.apply(plan, approve=plan.digest)
    return keeper, ids


def test_a_person_is_on_one_server(servers: list[psycopg.Connection[Any]]) -> None:
    """Every row of a person, in every table, is on the server their id names; both hold some."""
    store = routed(servers)
    _, ids = lived_in(store)
    for number, server in enumerate(servers):
        here: set[bytes] = set()
        for table in TABLES:
            column = server.execute(
                "SELECT 1 FROM information_schema.columns"
                " WHERE table_name = %s AND column_name = 'subject'",
                (table,),
            ).fetchone()
            if column:
                here |= {row[0] for row in server.execute(f"SELECT DISTINCT subject FROM {table}")}
        mine = {about.bytes for about in ids if store.of(about) is store.stores[number]}
        assert here == mine != set()


def test_answers_are_those_of_one_server(servers: list[psycopg.Connection[Any]]) -> None:
    """Audience, ends, standings, look-ups and who wakes are those of the same lives in one."""
    with MemoryStore() as one:
        alone, ids = lived_in(one)
        store = routed(servers)
        keeper, same = lived_in(store)
        assert same == ids
        assert list(keeper.people()) == list(alone.people())
        assert list(store.ends()) == list(one.ends())
        assert list(store.marks()) == list(one.marks())
        assert list(keeper.audience(jobs.NEWSLETTER)) == list(alone.audience(jobs.NEWSLETTER)) != []
        assert sorted(keeper.waking(jobs.FAR)) == sorted(alone.waking(jobs.FAR))
        assert list(store.suppressions()) == list(one.suppressions()) != []
        assert store.tombstones() == one.tombstones() != []
        for number, about in enumerate(ids):
            assert keeper.standing(about) == alone.standing(about)
            assert keeper.ask(about, jobs.NEWSLETTER) == alone.ask(about, jobs.NEWSLETTER)
            mail = f"contact.{number}@example.com"
            assert keeper.find(email=mail) == alone.find(email=mail)
            keeper.verify(about)


def test_a_stop_on_one_server_meets_the_address_on_another(
    servers: list[psycopg.Connection[Any]],
) -> None:
    """Who was erased after an objection is met by the list on whichever server they come back."""
    store = routed(servers)
    keeper, ids = lived_in(store)
    plan = keeper.plan(ids[1], retention.erasure(reason="unlawful", reference="r-2"))
    keeper.apply(plan, approve=plan.digest)
    met: set[int] = set()
    while len(met) < 2:
        again = keeper.add_people([jobs.person(1)])[0]
        assert not keeper.ask(again, jobs.NEWSLETTER)
        met.add(store.stores.index(store.of(again)))
        gone = keeper.plan(again, retention.erasure(reason="unlawful", reference="r-3"))
        keeper.apply(gone, approve=gone.digest)


def test_a_commit_on_two_servers_is_refused(servers: list[psycopg.Connection[Any]]) -> None:
    """What could be half done is not begun."""
    store = routed(servers)
    keeper, ids = lived_in(store)
    before = list(store.ends())
    here = next(about for about in ids[1:] if store.of(about) is store.stores[0])
    there = next(about for about in ids[1:] if store.of(about) is store.stores[1])
    with pytest.raises(InvalidValue):
        keeper.record_many([(here, [jobs.checked()]), (there, [jobs.checked()])])
    assert list(store.ends()) == before


def test_people_of_other_servers_go_on(servers: list[psycopg.Connection[Any]]) -> None:
    """With a server gone those on the other are read and stopped; what needs both is refused."""
    store = routed(servers)
    keeper, ids = lived_in(store)
    here = [about for about in ids[1:] if store.of(about) is store.stores[0]]
    there = next(about for about in ids[1:] if store.of(about) is store.stores[1])
    servers[1].close()
    for about in here:
        keeper.record(about, marketing.object_to(via="email"))
        assert keeper.standing(about).objection.stops
        assert keeper.read(about)
    assert not keeper.ask(here[0], jobs.NEWSLETTER)
    with pytest.raises(GdprkitError):
        keeper.standing(there)
    with pytest.raises(GdprkitError):  # nobody is mailed while a part of the list is away
        list(keeper.audience(jobs.NEWSLETTER))
