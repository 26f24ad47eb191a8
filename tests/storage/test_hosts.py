"""Our rows and the host's appear and vanish together, whatever the host calls its connection."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import attrs
import django
import psycopg
import pytest
import sqlalchemy
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from tests.storage.guests import hosting

from gdprkit.errors import (
    HostTransaction,
    InvalidValue,
    NewerSchema,
    PositionTaken,
    SchemaMissing,
    StoreBusy,
    StoreClosed,
)
from gdprkit.storage.hosts import host_store, install
from gdprkit.storage.protocol import Store, VaultPut
from gdprkit.storage.sqlite_host import SqliteHostStore
from gdprkit.testing.store_abilities import Hosted
from gdprkit.testing.store_contract import StoreContract
from gdprkit.testing.store_values import (
    continued,
    epoch_row,
    follow,
    hashed,
    key_row,
    person,
    slot,
)

ANNA, BO = person(1), person(2)


@attrs.frozen(kw_only=True)
class Host:
    """A host with a table ``orders`` and ours beside it.

    ``work`` is one unit of the host's work: it gives what the host calls its connection, and a way
    to run the host's own statements; it ends committed, or rolled back when the block raises.
    ``look`` opens a connection of its own.
    """

    work: Callable[[], AbstractContextManager[tuple[Any, Callable[[str], Any]]]]
    look: Callable[[], AbstractContextManager[tuple[Store, Callable[[str], Any]]]]

    def orders(self) -> int:
        with self.look() as (_, run):
            return int(run("SELECT count(*) FROM orders"))

    def people(self) -> list[Any]:
        with self.look() as (store, _):
            return list(store.people())


def _first(cursor: Any) -> Any:
    return cursor.fetchone()[0] if cursor.description else None


@contextmanager
def _look_sqlite(path: Path) -> Iterator[tuple[Store, Callable[[str], Any]]]:
    raw = sqlite3.connect(path, isolation_level=None)
    try:
        yield host_store(raw), lambda statement: _first(raw.execute(statement))
    finally:
        raw.close()


@contextmanager
def _look_postgres(uri: str) -> Iterator[tuple[Store, Callable[[str], Any]]]:
    with psycopg.connect(uri, autocommit=True) as raw:
        yield host_store(raw), lambda statement: _first(raw.execute(statement))


def _prepared_sqlite(path: Path) -> Path:
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT)")
    install(raw)
    host_store(raw).add_epoch(epoch_row("k1"))
    raw.close()
    return path


def _prepared_postgres(uri: str) -> str:
    with psycopg.connect(uri, autocommit=True) as raw:
        raw.execute("CREATE TABLE orders (id SERIAL PRIMARY KEY, what TEXT)")
        install(raw)
        host_store(raw).add_epoch(epoch_row("k1"))
    return uri


def _driver_sqlite(tmp_path: Path, _: str) -> Host:
    path = _prepared_sqlite(tmp_path / "host.db")

    @contextmanager
    def work() -> Iterator[tuple[Any, Callable[[str], Any]]]:
        raw = sqlite3.connect(path)
        try:
            with raw:
                yield raw, lambda statement: _first(raw.execute(statement))
        finally:
            raw.close()

    return Host(work=work, look=lambda: _look_sqlite(path))


def _driver_postgres(_: Path, uri: str) -> Host:
    _prepared_postgres(uri)

    @contextmanager
    def work() -> Iterator[tuple[Any, Callable[[str], Any]]]:
        with psycopg.connect(uri) as raw:
            yield raw, lambda statement: _first(raw.execute(statement))

    return Host(work=work, look=lambda: _look_postgres(uri))


def _alchemy(url: str, look: Callable[[], Any], how: str) -> Host:
    @contextmanager
    def work() -> Iterator[tuple[Any, Callable[[str], Any]]]:
        engine = sqlalchemy.create_engine(url)

        def run_on(connection: Any) -> Callable[[str], Any]:
            def run(statement: str) -> Any:
                result = connection.execute(sqlalchemy.text(statement))
                return result.scalar() if result.returns_rows else None

            return run

        try:
            if how == "connection":
                with engine.begin() as connection:
                    yield connection, run_on(connection)
            elif how == "session":
                with Session(engine) as session, session.begin():
                    yield session, run_on(session)
            else:
                scoped = scoped_session(sessionmaker(engine))
                try:
                    with scoped.begin():
                        yield scoped, run_on(scoped)
                finally:
                    scoped.remove()
        finally:
            engine.dispose()

    return Host(work=work, look=look)


def _alchemy_sqlite(how: str) -> Callable[[Path, str], Host]:
    def make(tmp_path: Path, _: str) -> Host:
        path = _prepared_sqlite(tmp_path / "host.db")
        return _alchemy(f"sqlite:///{path}", lambda: _look_sqlite(path), how)

    return make


def _alchemy_postgres(how: str) -> Callable[[Path, str], Host]:
    def make(_: Path, uri: str) -> Host:
        _prepared_postgres(uri)
        url = uri.replace("postgresql://", "postgresql+psycopg://")
        return _alchemy(url, lambda: _look_postgres(uri), how)

    return make


def _django(engine: str, options: dict[str, Any], look: Callable[[], Any]) -> Host:
    from django.conf import settings
    from django.db import transaction
    from django.db.utils import ConnectionHandler

    if not settings.configured:
        settings.configure(DATABASES={}, USE_TZ=True)
        django.setup()
    alias = "default"

    @contextmanager
    def work() -> Iterator[tuple[Any, Callable[[str], Any]]]:
        from django.db import connections

        handler = ConnectionHandler({alias: {"ENGINE": f"django.db.backends.{engine}", **options}})
        connection = handler[alias]
        before = connections._connections.__dict__.get(alias)
        connections[alias] = connection  # what atomic() looks up

        def run(statement: str) -> Any:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchone()[0] if cursor.description else None

        try:
            with transaction.atomic(using=alias):
                yield connection, run
        finally:
            connection.close()
            del connections[alias]
            assert before is None

    return Host(work=work, look=look)


def _django_sqlite(tmp_path: Path, _: str) -> Host:
    path = _prepared_sqlite(tmp_path / "host.db")
    return _django("sqlite3", {"NAME": str(path)}, lambda: _look_sqlite(path))


def _django_postgres(_: Path, uri: str) -> Host:
    _prepared_postgres(uri)
    found = psycopg.conninfo.conninfo_to_dict(uri)
    options = {
        "NAME": found["dbname"],
        "USER": found["user"],
        "HOST": found["host"],
        "PORT": found["port"],
    }
    return _django("postgresql", options, lambda: _look_postgres(uri))


HOSTS: dict[str, Callable[[Path, str], Host]] = {
    "sqlite3": _driver_sqlite,
    "psycopg": _driver_postgres,
    "sqlalchemy-connection-sqlite": _alchemy_sqlite("connection"),
    "sqlalchemy-session-sqlite": _alchemy_sqlite("session"),
    "sqlalchemy-scoped-sqlite": _alchemy_sqlite("scoped"),
    "sqlalchemy-connection-psycopg": _alchemy_postgres("connection"),
    "sqlalchemy-session-psycopg": _alchemy_postgres("session"),
    "django-sqlite": _django_sqlite,
    "django-psycopg": _django_postgres,
}


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    name = request.param
    uri = "" if "sqlite" in name else request.getfixturevalue("postgres")
    return HOSTS[name](tmp_path, uri)


class _Changed(Exception):
    """The host changes its mind."""


ORDER = "INSERT INTO orders (what) VALUES ('machine')"


def _batch(store: Store) -> Any:
    return attrs.evolve(
        follow(store, ANNA, b"one"),
        puts=[VaultPut(slot=slot(1), envelope=b"sealed", terms=[b"term"])],
        keys=[key_row(ANNA)],
    )


def test_the_hosts_rows_and_ours_are_committed_together(host: Host) -> None:
    """What is written between the host's begin and commit is there afterwards, both kinds."""
    with host.work() as (connection, run):
        run(ORDER)
        store = host_store(connection)
        store.commit(_batch(store))
        store.commit(follow(store, BO, b"one"))
        run(ORDER)
        assert host.orders() == 0, "nothing is committed by us"
        assert host.people() == []
        assert list(store.people()) == [ANNA, BO], "the transaction itself sees what it wrote"
    assert host.orders() == 2
    assert host.people() == [ANNA, BO]


def test_the_hosts_rows_and_ours_vanish_together(host: Host) -> None:
    """A host that rolls back leaves nothing of ours, whatever came first."""

    def work() -> None:
        with host.work() as (connection, run):
            store = host_store(connection)
            store.commit(_batch(store))
            run(ORDER)
            raise _Changed

    with pytest.raises(_Changed):
        work()
    assert host.orders() == 0
    assert host.people() == []
    with host.look() as (store, _):
        assert dict(store.find([b"term"])) == {}
        assert list(store.keys(ANNA)) == []


def test_a_refusal_leaves_the_hosts_transaction_usable(host: Host) -> None:
    """After PositionTaken the host goes on and commits; of the refused batch nothing is there."""
    with host.work() as (connection, run):
        run(ORDER)
        store = host_store(connection)
        store.commit(_batch(store))
        stale = continued(BO, 5, hashed("head"), [b"x"])
        with pytest.raises(PositionTaken):
            store.commit(follow(store, person(3), b"one"), stale)
        store.commit(follow(store, ANNA, b"two"))
        run(ORDER)
    assert host.orders() == 2
    assert host.people() == [ANNA]


def test_epochs_are_not_made_on_what_can_be_rolled_back(host: Host) -> None:
    """A key epoch inside the host's transaction is refused and says what to do."""
    with host.work() as (connection, run):
        run(ORDER)
        with pytest.raises(HostTransaction):
            host_store(connection).add_epoch(epoch_row("k2"))
    assert host.orders() == 1
    with host.look() as (store, _):
        assert [row.epoch for row in store.epochs()] == ["k1"]


def test_reading_begins_no_work_of_ours(host: Host) -> None:
    """A host that only lets us read ends as it likes, and can be written to by others."""
    with host.work() as (connection, _):
        assert host_store(connection).standing(ANNA) is None
    with host.look() as (store, _):
        store.commit(follow(store, ANNA, b"one"))
    assert host.people() == [ANNA]


@pytest.mark.usefixtures("small_pages")
class TestSqliteHostStore(StoreContract):
    """On a connection in autocommit each call is a transaction by itself: the whole contract."""

    can_reopen = True
    has_neighbours = True
    can_be_hosted = True
    many = 130

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> Iterator[None]:
        self.place = tmp_path
        self.numbers = itertools.count()
        self.opened: list[sqlite3.Connection] = []
        self.paths: dict[int, Path] = {}
        yield
        for connection in self.opened:
            connection.close()

    def _open(self, path: Path, tenant: str = "main") -> Store:
        raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.opened.append(raw)
        raw.execute("PRAGMA foreign_keys = ON")
        install(raw)
        store = SqliteHostStore(raw, tenant=tenant)
        self.paths[id(store)] = path
        return store

    def hosted(self) -> AbstractContextManager[Hosted]:
        return hosting(self.place / f"{next(self.numbers)}.db")

    def make_store(self) -> Store:
        return self._open(self.place / f"{next(self.numbers)}.db")

    def reopen_store(self, store: Store) -> Store:
        store.close()
        return self._open(self.paths[id(store)])

    def make_neighbour(self, store: Store, tenant: str) -> Store:
        return self._open(self.paths[id(store)], tenant)


class TestSqliteInTheHost:
    def test_a_writer_waits_for_the_lock_before_it_looks(self, tmp_path: Path) -> None:
        """A host whose transaction has only read finds the lock taken: StoreBusy, nothing stale."""
        path = _prepared_sqlite(tmp_path / "host.db")
        one = sqlite3.connect(path, timeout=0)
        other = sqlite3.connect(path, isolation_level=None)
        one.execute("BEGIN")
        store = host_store(one)
        batch = follow(store, ANNA, b"one")  # reads, so the host's view of the file is fixed
        there = host_store(other)
        there.commit(follow(there, ANNA, b"quicker"))
        with pytest.raises(StoreBusy):
            store.commit(batch)
        one.rollback()
        with pytest.raises(PositionTaken):
            store.commit(batch)
        one.close()
        other.close()

    def test_a_transaction_of_another_thread_is_not_the_hosts(self, tmp_path: Path) -> None:
        """Threads that share a store take turns: an epoch waits for a commit under way."""
        raw = sqlite3.connect(
            _prepared_sqlite(tmp_path / "host.db"), isolation_level=None, check_same_thread=False
        )
        store, inside, tried = host_store(raw), Event(), Event()

        def halt(statement: str) -> None:
            if statement.startswith("INSERT INTO gdprkit_line"):
                inside.set()
                tried.wait(0.2)

        def add() -> None:
            inside.wait()
            try:
                store.add_epoch(epoch_row("k2"))
            finally:
                tried.set()

        raw.set_trace_callback(halt)
        with ThreadPoolExecutor(1) as threads:
            work = threads.submit(add)
            store.commit(follow(store, ANNA, b"one"))
            work.result()
        assert [row.epoch for row in store.epochs()] == ["k1", "k2"]
        assert list(store.people()) == [ANNA]
        raw.close()

    def test_a_commit_that_readers_do_not_let_through_leaves_nothing(self, tmp_path: Path) -> None:
        """Without a log a reader may stop a commit: StoreBusy, nothing stored, the next one is."""
        path = _prepared_sqlite(tmp_path / "host.db")
        one = sqlite3.connect(path, isolation_level=None, timeout=0)
        one.execute("PRAGMA journal_mode = DELETE")
        reader = sqlite3.connect(path, isolation_level=None, timeout=0)
        store = host_store(one)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM orders").fetchall()
        with pytest.raises(StoreBusy):
            store.commit(follow(store, ANNA, b"one"))
        assert not one.in_transaction
        reader.execute("COMMIT")
        store.commit(follow(store, BO, b"one"))
        assert list(host_store(reader).people()) == [BO]
        one.close()
        reader.close()

    def test_a_database_without_our_tables_is_told(self, tmp_path: Path) -> None:
        """The host is told to install; its database is left as it was."""
        raw = sqlite3.connect(tmp_path / "host.db", isolation_level=None)
        raw.execute("CREATE TABLE orders (id INTEGER)")
        with pytest.raises(SchemaMissing):
            host_store(raw)
        assert raw.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)
        raw.close()

    @pytest.mark.parametrize("deed", [host_store, install])
    def test_half_of_our_tables_are_told(self, tmp_path: Path, deed: Callable[[Any], Any]) -> None:
        """Neither a store nor an installation begins on a part of our tables."""
        path = _prepared_sqlite(tmp_path / "host.db")
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute("DROP TABLE gdprkit_token")
        with pytest.raises(SchemaMissing) as caught:
            deed(raw)
        assert caught.value.lacks == ("gdprkit_token",)
        raw.close()

    @pytest.mark.parametrize("deed", [host_store, install])
    def test_newer_tables_are_refused(self, tmp_path: Path, deed: Callable[[Any], Any]) -> None:
        """Tables of a newer gdprkit are not used and not changed."""
        path = _prepared_sqlite(tmp_path / "host.db")
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute("UPDATE gdprkit_schema SET version = 99")
        with pytest.raises(NewerSchema):
            deed(raw)
        raw.close()

    def test_installing_is_part_of_the_hosts_transaction(self, tmp_path: Path) -> None:
        """Inside a transaction of the host's the tables come and go with it."""
        raw = sqlite3.connect(tmp_path / "host.db", isolation_level=None)
        raw.execute("BEGIN")
        install(raw)
        raw.execute("ROLLBACK")
        assert raw.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        install(raw)
        install(raw)
        assert not raw.in_transaction
        raw.close()

    def test_a_closed_connection_is_told(self, tmp_path: Path) -> None:
        """A connection that the host closed is StoreClosed, as a store that was closed."""
        raw = sqlite3.connect(_prepared_sqlite(tmp_path / "host.db"))
        store = host_store(raw)
        raw.close()
        with pytest.raises(StoreClosed):
            store.standing(ANNA)

    def test_the_hosts_own_rows_do_not_matter(self, tmp_path: Path) -> None:
        """A host that likes its rows as dictionaries gets its own so, and we get ours."""
        raw = sqlite3.connect(_prepared_sqlite(tmp_path / "host.db"), isolation_level=None)
        raw.row_factory = lambda cursor, row: {
            c[0]: v for c, v in zip(cursor.description, row, strict=True)
        }
        store = host_store(raw)
        store.commit(_batch(store))
        assert list(store.people()) == [ANNA]
        assert raw.execute("SELECT count(*) AS n FROM orders").fetchone() == {"n": 0}
        raw.close()


@pytest.mark.parametrize("host", ["path.db", None, object(), sqlalchemy.create_engine("sqlite://")])
def test_what_is_no_connection_is_refused(host: object) -> None:
    """A path, an engine or anything else says what to pass."""
    with pytest.raises(InvalidValue, match="Session"):
        host_store(host)


def test_an_awaited_session_says_where_to_go() -> None:
    """SQLAlchemy's ``AsyncSession`` is no ``Session``: the refusal names the store for it."""

    class Session:
        async def __aenter__(self) -> None: ...

    with pytest.raises(InvalidValue, match="AsyncPostgresStore"):
        host_store(Session())


def test_an_alchemy_connection_hears_of_the_transaction(tmp_path: Path) -> None:
    """A host that commits by hand, and did nothing itself before us, keeps what we wrote."""
    path = _prepared_sqlite(tmp_path / "host.db")
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        store = host_store(connection)
        store.commit(follow(store, ANNA, b"one"))
        connection.commit()
    with engine.connect() as connection:
        store = host_store(connection)
        store.commit(follow(store, BO, b"one"))
    engine.dispose()
    with _look_sqlite(path) as (store, _):
        assert list(store.people()) == [ANNA]
