"""Inside a host's transaction, beside other writers, and when the server fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from tests.postgres_server import running_server

from gdprkit.errors import (
    HostTransaction,
    InvalidValue,
    LineExpunged,
    PositionTaken,
    SchemaMissing,
    StoreBusy,
    StoreClosed,
    StoreCorrupt,
    StoreUnavailable,
)
from gdprkit.sealing.errors import KeyEpochDestroyed
from gdprkit.sealing.rows import EpochRow, KeyState
from gdprkit.storage import (
    AsyncPostgresStore,
    BlockingStore,
    PostgresStore,
    install_postgres,
)
from gdprkit.storage.protocol import Marks, VaultPut
from gdprkit.testing.store_values import (
    epoch_row,
    follow,
    key_row,
    line_tombstone,
    person,
    slot,
)

ANNA, BO = person(1), person(2)
Connection = psycopg.Connection[Any]


_WAITING = (
    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@pytest.fixture
def uri(postgres: str) -> str:
    """An installed database, with a table of a host's."""
    with psycopg.connect(postgres) as connection:
        install_postgres(connection)
        connection.execute("CREATE TABLE host_order (number int)")
    return postgres


@pytest.fixture
def pool(uri: str) -> Iterator[ConnectionPool[Any]]:
    with ConnectionPool(
        uri, min_size=1, max_size=6, open=True, check=ConnectionPool.check_connection
    ) as pool:
        yield pool


@pytest.fixture
def store(pool: ConnectionPool[Any]) -> PostgresStore:
    return PostgresStore(pool)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def run(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    """Run a host's own statement."""
    cursor = connection.cursor(row_factory=psycopg.rows.tuple_row)
    cursor.execute(statement.encode())
    return cursor.fetchall() if cursor.description else []


def waits(uri: str, work: Future[Any], count: int = 1) -> None:
    """Return once *count* sessions wait for a lock; fail if *work* is over before."""
    with psycopg.connect(uri, autocommit=True) as connection:
        while not work.done():
            if len(run(connection, _WAITING)) == count:
                return
            time.sleep(0.005)
    work.result()
    pytest.fail("nobody waited")


class TestTheHostsTransaction:
    """Rows of the host and ours come and go together."""

    @pytest.mark.parametrize("autocommit", [True, False])
    @pytest.mark.parametrize("ends", ["commit", "rollback"])
    def test_rows_of_both_end_together(
        self, uri: str, store: PostgresStore, autocommit: bool, ends: str
    ) -> None:
        """What the host commits or rolls back, by its own means, holds for our rows as well."""
        with psycopg.connect(uri, autocommit=autocommit) as connection:
            ours = PostgresStore(connection)
            if autocommit:
                run(connection, "BEGIN")
            run(connection, "INSERT INTO host_order VALUES (1)")
            ours.commit(follow(ours, ANNA, b"one"), follow(ours, BO, b"one"))
            two = follow(ours, ANNA, b"two")
            ours.commit(two)
            ours.expunge(BO, line_tombstone(ours, BO))
            assert store.standing(ANNA) is None
            assert ours.standing(ANNA) == two.standing
            run(connection, ends)
            kept = ends == "commit"
            assert run(connection, "SELECT number FROM host_order") == ([(1,)] if kept else [])
        assert len(store.line(ANNA)) == (2 if kept else 0)
        assert (store.expunged(BO) is not None) == kept

    def test_the_first_commit_of_ours_begins_what_the_host_ends(
        self, uri: str, store: PostgresStore
    ) -> None:
        """Over a connection without autocommit nothing is kept until the host says so."""
        batch = follow(store, ANNA, b"one")
        with psycopg.connect(uri) as connection:
            PostgresStore(connection).commit(batch)
            connection.rollback()
            assert store.standing(ANNA) is None
            PostgresStore(connection).commit(batch)
            connection.commit()
        assert store.standing(ANNA) == batch.standing

    @pytest.mark.parametrize("autocommit", [True, False])
    def test_a_refusal_leaves_the_transaction_usable(
        self, uri: str, store: PostgresStore, autocommit: bool
    ) -> None:
        """The host goes on, and commits what it did before and after; settings are as before."""
        first = follow(store, ANNA, b"one")
        store.commit(first)
        with psycopg.connect(uri, autocommit=autocommit, row_factory=dict_row) as connection:
            connection.execute("SET lock_timeout = '7s'")
            connection.commit()
            ours = PostgresStore(connection, wait=1)
            if autocommit:
                run(connection, "BEGIN")
            run(connection, "INSERT INTO host_order VALUES (1)")
            again = follow(ours, BO, b"one")
            for batches in ([first], [again, first], [again, again]):
                with pytest.raises(PositionTaken):
                    ours.commit(*batches)
            with pytest.raises(PositionTaken):
                ours.expunge(BO, line_tombstone(store, ANNA))
            run(connection, "INSERT INTO host_order VALUES (2)")
            ours.commit(again, follow(ours, ANNA, b"two"))
            twice = follow(ours, ANNA, b"three")
            ours.replace_keys([])
            ours.commit(twice)
            assert run(connection, "SHOW lock_timeout") == [("7s",)]
            run(connection, "COMMIT")
            assert run(connection, "SELECT number FROM host_order") == [(1,), (2,)]
        assert len(store.line(ANNA)) == 3
        assert len(store.line(BO)) == 1

    def test_epochs_do_not_hang_on_a_transaction(self, uri: str, store: PostgresStore) -> None:
        """A key that people will be wrapped by cannot be rolled back: it is refused, and why."""
        row = epoch_row("k1")
        with psycopg.connect(uri, autocommit=True) as connection:
            ours = PostgresStore(connection)
            with connection.transaction():
                deeds: list[Callable[[], object]] = [
                    lambda: ours.add_epoch(row),
                    lambda: ours.replace_epoch(row, row),
                    lambda: ours.destroy_epoch(attrs.evolve(row, state=KeyState.RETIRED)),
                ]
                for deed in deeds:
                    with pytest.raises(HostTransaction, match="pool"):
                        deed()
                run(connection, "INSERT INTO host_order VALUES (1)")
            assert list(store.epochs()) == []
            ours.add_epoch(row)
        with psycopg.connect(uri) as connection:
            PostgresStore(connection).add_epoch(epoch_row("k2"))
            connection.rollback()
        assert {row.epoch for row in store.epochs()} == {"k1", "k2"}

    def test_a_failed_transaction_of_the_host_is_named(self, uri: str) -> None:
        """Nothing can be done in it, and the error says whose it is."""
        with psycopg.connect(uri, autocommit=True) as connection:
            ours = PostgresStore(connection)
            batch = follow(ours, ANNA, b"one")
            run(connection, "BEGIN")
            with pytest.raises(psycopg.DatabaseError):
                run(connection, "SELECT 1 / 0")
            deeds: list[Callable[[], object]] = [
                lambda: ours.standing(ANNA),
                lambda: ours.commit(batch),
            ]
            for deed in deeds:
                with pytest.raises(HostTransaction, match="roll it back"):
                    deed()
            run(connection, "ROLLBACK")
            ours.commit(batch)

    def test_connections_are_as_before(self, uri: str) -> None:
        """A pool's connection comes back with its own autocommit, and with its own limits."""
        with ConnectionPool(uri, min_size=1, max_size=1, open=True) as pool:
            store = PostgresStore(pool, wait=2)
            batch = follow(store, ANNA, b"one")
            store.commit(batch)
            with pytest.raises(PositionTaken):
                store.commit(batch)
            store.add_epoch(epoch_row("k1"))
            with pool.connection() as connection:
                assert not connection.autocommit
                assert run(connection, "SHOW lock_timeout") == [("0",)]


class TestOthers:
    """Several write at once, and whoever waited sees what was done meanwhile."""

    def test_the_second_first_writer_is_told(
        self, uri: str, store: PostgresStore, threads: ThreadPoolExecutor
    ) -> None:
        """Of two who begin a line the second waits, and loses if the first one keeps it."""
        batch = follow(store, ANNA, b"one")
        for ends in ("ROLLBACK", "COMMIT"):
            other = follow(store, ANNA if ends == "COMMIT" else BO, b"other")
            mine = batch if ends == "COMMIT" else follow(store, BO, b"one")
            with psycopg.connect(uri) as connection:
                PostgresStore(connection).commit(other)
                work = threads.submit(store.commit, mine)
                waits(uri, work)
                run(connection, ends)
            if ends == "COMMIT":
                with pytest.raises(PositionTaken):
                    work.result()
            else:
                work.result()

    @pytest.mark.parametrize("is_new", [True, False])
    def test_nothing_is_written_on_a_line_that_is_being_expunged(
        self, uri: str, store: PostgresStore, threads: ThreadPoolExecutor, is_new: bool
    ) -> None:
        """Whoever waited for an expunging finds the line gone, and cannot begin it anew."""
        first = follow(store, ANNA, b"one")
        store.commit(first)
        batch = first if is_new else follow(store, ANNA, b"two")
        with psycopg.connect(uri) as connection:
            ours = PostgresStore(connection)
            ours.expunge(ANNA, line_tombstone(ours, ANNA))
            work = threads.submit(store.commit, batch)
            waits(uri, work)
            connection.commit()
        with pytest.raises(LineExpunged):
            work.result()
        assert store.standing(ANNA) is None
        assert list(store.line(ANNA)) == []

    def test_an_old_snapshot_does_not_begin_an_expunged_line(
        self, uri: str, store: PostgresStore
    ) -> None:
        """A host that sees the past (REPEATABLE READ) cannot write on what was expunged since."""
        first = follow(store, ANNA, b"one")
        store.commit(first)
        two = follow(store, ANNA, b"two")
        with psycopg.connect(uri) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            ours = PostgresStore(connection)
            run(connection, "SELECT 1")
            assert ours.standing(ANNA) is not None
            store.expunge(ANNA, line_tombstone(store, ANNA))
            for batch in (first, two):
                with pytest.raises((PositionTaken, StoreBusy)):
                    ours.commit(batch)
            connection.commit()
        assert store.standing(ANNA) is None

    def test_a_commit_waits_for_the_end_of_an_epoch(
        self, uri: str, store: PostgresStore, threads: ThreadPoolExecutor
    ) -> None:
        """Who would hang a key or a term on an epoch that dies meanwhile is refused."""
        kek, _ = _retired(store)
        keyed = attrs.evolve(follow(store, ANNA, b"one"), keys=[key_row(ANNA)])
        with psycopg.connect(uri, autocommit=True) as connection:
            run(connection, "BEGIN")
            run(connection, "SELECT FROM gdprkit_epoch FOR UPDATE")
            run(connection, "UPDATE gdprkit_epoch SET state = 'destroyed', wrapped = ''")
            put = VaultPut(slot=slot(1), envelope=b"x" * 40, terms=[b"\0\0\0\1term"])
            termed = attrs.evolve(follow(store, BO, b"one"), puts=[put])
            keys = threads.submit(store.commit, keyed)
            waits(uri, keys)
            terms = threads.submit(store.commit, termed)
            waits(uri, terms, 2)
            run(connection, "COMMIT")
        for work in (keys, terms):
            with pytest.raises(KeyEpochDestroyed):
                work.result()
        assert list(store.people()) == []
        assert kek.epoch == "k1"

    def test_an_old_snapshot_calls_no_new_epoch_destroyed(
        self, uri: str, store: PostgresStore
    ) -> None:
        """A host that began before a rotation is told to begin again, not that a key is gone."""
        with psycopg.connect(uri) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            run(connection, "SELECT FROM gdprkit_epoch")
            store.add_epoch(epoch_row("k1"))
            ours = PostgresStore(connection)
            batch = attrs.evolve(follow(ours, ANNA, b"one"), keys=[key_row(ANNA)])
            with pytest.raises(StoreBusy):
                ours.commit(batch)
            connection.rollback()
            ours.commit(batch)
            connection.commit()
        assert list(store.people()) == [ANNA]

    @pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
    @pytest.mark.parametrize("awaited", [False, True])
    def test_the_end_of_an_epoch_waits_for_a_commit(
        self, uri: str, threads: ThreadPoolExecutor, isolation: str, awaited: bool
    ) -> None:
        """An epoch on which somebody is hanging a key just now stays, at every isolation."""
        with psycopg.connect(uri, autocommit=True) as connection:
            (name,) = run(connection, "SELECT current_database()")[0]
            setting = f"default_transaction_isolation = '{isolation}'"
            run(connection, f'ALTER DATABASE "{name}" SET {setting}')
        with ConnectionPool(uri, min_size=1, max_size=3, open=True) as pool:
            self._epoch_waits(uri, PostgresStore(pool), threads, awaited=awaited)

    def _epoch_waits(
        self, uri: str, store: PostgresStore, threads: ThreadPoolExecutor, *, awaited: bool
    ) -> None:
        kek, _ = _retired(store)

        async def destroy() -> bool:
            connection = await psycopg.AsyncConnection.connect(uri, autocommit=True)
            async with connection:
                return await AsyncPostgresStore(connection).destroy_epoch(kek)

        with psycopg.connect(uri) as connection:
            ours = PostgresStore(connection)
            ours.commit(attrs.evolve(follow(ours, ANNA, b"one"), keys=[key_row(ANNA)]))
            work = (
                threads.submit(asyncio.run, destroy())
                if awaited
                else threads.submit(store.destroy_epoch, kek)
            )
            waits(uri, work)
            connection.commit()
        assert work.result() is False
        assert {row.state for row in store.epochs()} == {KeyState.RETIRED}

    def test_a_wait_has_an_end(self, uri: str, pool: ConnectionPool[Any]) -> None:
        """A line held by somebody else is StoreBusy after the stated wait, with nothing stored."""
        store = PostgresStore(pool, wait=0)
        store.commit(follow(store, ANNA, b"one"))
        with psycopg.connect(uri) as connection:
            run(connection, "SELECT FROM gdprkit_line FOR UPDATE")
            with pytest.raises(StoreBusy):
                store.commit(follow(store, ANNA, b"two"), follow(store, BO, b"one"))
            with pytest.raises(StoreBusy):
                store.expunge(ANNA, line_tombstone(store, ANNA))
        assert len(store.line(ANNA)) == 1
        assert store.standing(BO) is None
        store.commit(follow(store, ANNA, b"two"))

    def test_a_deadlock_is_tried_again(
        self, uri: str, store: PostgresStore, threads: ThreadPoolExecutor
    ) -> None:
        """A commit that the server gives up for somebody else's sake is done when they are."""
        store.commit(follow(store, ANNA, b"one"), follow(store, BO, b"one"))
        batches = [follow(store, about, b"two") for about in (ANNA, BO)]
        lock = "SELECT FROM gdprkit_line WHERE subject = '\\x{}' FOR UPDATE"
        with psycopg.connect(uri, options="-c deadlock_timeout=1h") as connection:
            run(connection, lock.format(BO.bytes.hex()))
            work = threads.submit(store.commit, *batches)
            waits(uri, work)
            run(connection, lock.format(ANNA.bytes.hex()))
            connection.commit()
        work.result()
        assert [len(store.line(about)) for about in (ANNA, BO)] == [2, 2]

    def test_commits_of_several_people_take_turns(
        self, pool: ConnectionPool[Any], threads: ThreadPoolExecutor
    ) -> None:
        """Whatever the order people are given in, two commits never wait for each other."""
        store = PostgresStore(pool)
        everybody = [person(number) for number in range(1, 21)]
        store.commit(*(follow(store, about, b"x") for about in everybody))

        def write(people: list[Any]) -> int:
            won = 0
            for number in range(15):
                marks = Marks(tags={f"t{number}"})
                try:
                    store.commit(*(follow(store, about, b"x", marks=marks) for about in people))
                except PositionTaken:
                    continue
                won += 1
            return won

        won = sum(threads.map(write, [everybody, everybody[::-1]]))
        assert {len(store.line(about)) for about in everybody} == {won + 1}

    def test_the_strictest_isolation_is_fine(self, uri: str, threads: ThreadPoolExecutor) -> None:
        """Where a database makes every transaction serializable, writers still get through."""
        options = {"options": "-c default_transaction_isolation=serializable"}
        with ConnectionPool(uri, min_size=2, max_size=4, kwargs=options, open=True) as pool:
            store = PostgresStore(pool)

            def write(about: Any) -> None:
                for _ in range(15):
                    while True:
                        try:
                            store.commit(follow(store, about, b"x", marks=Marks(tags={"t"})))
                        except StoreBusy:
                            continue
                        break

            list(threads.map(write, [ANNA, BO]))
            assert [len(store.line(about)) for about in (ANNA, BO)] == [15, 15]


def _retired(store: PostgresStore) -> tuple[EpochRow, EpochRow]:
    """Keep two epochs that are retired, k1 and i1."""
    from gdprkit.sealing.rows import EpochKind

    rows = [
        attrs.evolve(epoch_row(name, kind), state=KeyState.RETIRED)
        for name, kind in (("k1", EpochKind.KEK), ("i1", EpochKind.INDEX))
    ]
    for row in rows:
        store.add_epoch(row)
    return rows[0], rows[1]


class TestFailures:
    """What the driver raises is told in our words, without a value, and nothing is half done."""

    def test_what_is_closed_says_so(self, uri: str) -> None:
        """A closed pool and a closed connection are StoreClosed, when opened and when used."""
        connection = psycopg.connect(uri)
        pool = ConnectionPool(uri, min_size=1, open=True)
        places = (connection, pool)
        stores = [PostgresStore(connection), PostgresStore(pool)]
        for place in places:
            place.close()
            with pytest.raises(StoreClosed):
                PostgresStore(place)
        for store in stores:
            with pytest.raises(StoreClosed):
                store.standing(ANNA)
            with pytest.raises(StoreClosed):
                list(store.people())

    def test_a_connection_that_is_cut_is_told(self, uri: str, store: PostgresStore) -> None:
        """A lost connection is StoreUnavailable; a pool goes on with others."""
        batch = follow(store, ANNA, b"one")
        with psycopg.connect(uri, autocommit=True) as connection:
            ours = PostgresStore(connection)
            cut = "SELECT pg_terminate_backend({})"
            with psycopg.connect(uri) as other:
                run(other, cut.format(connection.info.backend_pid))
            for _ in range(2):
                with pytest.raises(StoreUnavailable):
                    ours.commit(batch)
        store.commit(batch)
        assert len(store.line(ANNA)) == 1

    def test_a_server_that_crashes_and_comes_back(self) -> None:
        """Meanwhile everything is StoreUnavailable; afterwards the pool's store works again."""
        with running_server() as server:
            uri = server.fresh_database("crash")
            with psycopg.connect(uri) as connection:
                install_postgres(connection)
            with ConnectionPool(
                uri,
                min_size=1,
                max_size=2,
                timeout=0.2,
                open=True,
                check=ConnectionPool.check_connection,
            ) as pool:
                store = PostgresStore(pool)
                store.commit(follow(store, ANNA, b"one"))
                two = follow(store, ANNA, b"two")
                server.stop("immediate")
                deeds: list[Callable[[], object]] = [
                    lambda: store.commit(two),
                    lambda: store.standing(ANNA),
                ]
                for deed in deeds:
                    with pytest.raises(StoreUnavailable) as caught:
                        deed()
                    assert caught.value.retryable
                server.start()
                pool.timeout = 30
                assert len(store.line(ANNA)) == 1
                store.commit(two)
                assert len(store.line(ANNA)) == 2

    def test_no_error_shows_a_value(self, uri: str, store: PostgresStore) -> None:
        """What the server says about a row stays with the server."""
        batch = follow(store, ANNA, b"ida@example.com")
        store.commit(follow(store, BO, b"one"))
        with psycopg.connect(uri) as connection:
            run(connection, "ALTER TABLE gdprkit_entry ADD CHECK (length(body) < 5)")
            run(connection, "ALTER TABLE gdprkit_line ADD CHECK (position < 2)")
        for refused in (batch, follow(store, BO, b"two")):
            with pytest.raises(StoreCorrupt) as caught:
                store.commit(refused)
            assert str(caught.value).startswith("the database reports SQLSTATE 23514;")
            assert caught.value.__cause__ is None
            assert caught.value.__suppress_context__
        assert store.standing(ANNA) is None

    def test_tables_that_go_away_are_named(self, uri: str, store: PostgresStore) -> None:
        """A search_path that leads elsewhere later on is no damage: the error says what to do."""
        batch = follow(store, ANNA, b"one")
        with psycopg.connect(uri) as connection:
            run(connection, "DROP FUNCTION gdprkit_commit")
        with pytest.raises(SchemaMissing):
            store.commit(batch)

    def test_a_standby_takes_no_change(self, uri: str) -> None:
        """A server that only reads is told apart from damage, and answers questions."""
        with psycopg.connect(
            uri, autocommit=True, options="-c default_transaction_read_only=on"
        ) as connection:
            ours = PostgresStore(connection)
            with pytest.raises(StoreUnavailable, match="25006"):
                ours.commit(follow(ours, ANNA, b"one"))
            assert ours.standing(ANNA) is None

    def test_a_connection_that_speaks_no_utf8_is_refused(self, uri: str) -> None:
        """Words would be stored otherwise than they are read."""
        with (
            psycopg.connect(uri, client_encoding="LATIN1") as connection,
            pytest.raises(InvalidValue, match="UTF8"),
        ):
            PostgresStore(connection)

    @pytest.mark.parametrize("wait", [-1.0, float("nan"), float("inf")])
    def test_a_wait_that_is_none_is_refused(self, uri: str, wait: float) -> None:
        """PostgreSQL would take some of them for waiting for ever."""
        with (
            psycopg.connect(uri) as connection,
            pytest.raises(InvalidValue, match="wait"),
        ):
            PostgresStore(connection, wait=wait)

    @pytest.mark.parametrize("make", [PostgresStore, AsyncPostgresStore])
    def test_something_else_than_a_connection_is_refused(
        self, uri: str, make: Callable[[Any], object]
    ) -> None:
        """An address alone opens nothing: connections are the caller's."""
        with pytest.raises(InvalidValue, match="where"):
            make(uri)


class TestAwaited:
    """What concerns the awaited store alone."""

    def test_it_joins_the_hosts_transaction(self, uri: str, store: PostgresStore) -> None:
        """Rows of the host and ours end together, and a refusal leaves the rest usable."""
        batch = follow(store, ANNA, b"one")

        async def work() -> None:
            async with (
                await psycopg.AsyncConnection.connect(uri, autocommit=True) as connection,
                AsyncPostgresStore(connection) as ours,
            ):
                async with connection.transaction(force_rollback=True):
                    await ours.commit(batch)
                    assert await ours.standing(ANNA) == batch.standing
                assert await ours.standing(ANNA) is None
                async with connection.transaction():
                    await connection.execute("INSERT INTO host_order VALUES (1)")
                    await ours.commit(batch)
                    with pytest.raises(PositionTaken):
                        await ours.commit(batch)
                    with pytest.raises(HostTransaction):
                        await ours.add_epoch(epoch_row("k1"))
                await ours.add_epoch(epoch_row("k1"))
                assert [about async for about in ours.people()] == [ANNA]

        asyncio.run(work())
        assert store.standing(ANNA) == batch.standing
        assert [row.epoch for row in store.epochs()] == ["k1"]

    def test_it_looks_before_its_first_use(self, postgres: str) -> None:
        """A database that is no store is refused by the first call, whichever it is."""

        async def work() -> None:
            async with AsyncConnectionPool(postgres, min_size=1, open=False) as pool:
                with pytest.raises(SchemaMissing):
                    await AsyncPostgresStore(pool).standing(ANNA)
                with pytest.raises(SchemaMissing):
                    await AsyncPostgresStore(pool).look()
                with psycopg.connect(postgres) as connection:
                    install_postgres(connection)
                assert await AsyncPostgresStore(pool).standing(ANNA) is None
            with pytest.raises(StoreClosed):
                await AsyncPostgresStore(pool).look()

        asyncio.run(work())

    def test_tasks_that_retry_lose_nothing(self, uri: str, store: PostgresStore) -> None:
        """Several tasks of one loop share a store; each entry of a line is one of theirs."""

        async def work() -> None:
            async with AsyncConnectionPool(uri, min_size=1, max_size=4, open=False) as pool:
                ours = AsyncPostgresStore(pool)

                async def write(body: bytes) -> None:
                    while True:
                        last = await ours.line(ANNA)
                        try:
                            await ours.commit(_next(store, body, len(last)))
                        except PositionTaken:
                            continue
                        return

                await asyncio.gather(*(write(b"%d" % number) for number in range(12)))

        asyncio.run(work())
        assert {entry.body for entry in store.line(ANNA)} == {b"%d" % n for n in range(12)}

    def test_a_task_that_is_cancelled_stores_nothing_half(
        self, uri: str, store: PostgresStore
    ) -> None:
        """A commit that is given up while it waits leaves no trace, and the pool goes on."""
        store.commit(follow(store, ANNA, b"one"))
        batches = [follow(store, BO, b"one"), follow(store, ANNA, b"two")]

        async def work() -> None:
            async with AsyncConnectionPool(uri, min_size=1, max_size=1, open=False) as pool:
                ours = AsyncPostgresStore(pool)
                await ours.look()
                with psycopg.connect(uri) as connection:
                    run(connection, "SELECT FROM gdprkit_line FOR UPDATE")
                    task = asyncio.create_task(ours.commit(*batches))
                    while not run(connection, _WAITING):
                        await asyncio.sleep(0.005)
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
                assert await ours.standing(BO) is None
                await ours.commit(*batches)

        asyncio.run(work())
        assert [len(store.line(about)) for about in (ANNA, BO)] == [2, 1]

    def test_a_blocking_store_does_not_wait_for_itself(self, uri: str) -> None:
        """Called in the loop's own thread it says so instead of standing still for ever."""

        async def work() -> None:
            async with AsyncConnectionPool(uri, min_size=1, open=False) as pool:
                loop = asyncio.get_running_loop()
                store = BlockingStore(AsyncPostgresStore(pool), loop)
                with pytest.raises(InvalidValue, match="to_thread"):
                    store.standing(ANNA)
                assert await asyncio.to_thread(store.standing, ANNA) is None

        asyncio.run(work())


def _next(store: PostgresStore, body: bytes, position: int) -> Any:
    from gdprkit.ledger.chain import genesis
    from gdprkit.testing.store_values import continued

    head = store.line(ANNA)[position - 1].digest if position else genesis("main", ANNA)
    return continued(ANNA, position, head, [body])


def test_the_file_of_the_server_is_gone_afterwards(tmp_path: Path) -> None:
    """A server that a test starts leaves nothing behind."""
    with running_server(place=tmp_path) as server:
        assert server.folder.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_died_in_the_pool_is_replaced(uri: str) -> None:
    """A dead connection that the pool still holds is nobody's error: the next one is taken."""
    with ConnectionPool(uri, min_size=2, max_size=2) as pool:
        pool.wait()
        store = PostgresStore(pool)
        for connection in pool._pool:
            connection.pgconn.finish()
        assert store.standing(ANNA) is None
        store.commit(follow(store, ANNA, b"one"))


def test_an_awaited_connection_that_died_in_the_pool_is_replaced(uri: str) -> None:
    """The same where the pool is awaited."""

    async def work() -> None:
        async with AsyncConnectionPool(uri, min_size=2, max_size=2) as pool:
            await pool.wait()
            store = AsyncPostgresStore(pool)
            await store.look()
            for connection in pool._pool:
                connection.pgconn.finish()
            assert await store.standing(ANNA) is None

    asyncio.run(work())
