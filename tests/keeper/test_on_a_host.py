"""The keeper on a host's transaction: what the host takes back was never there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest
from tests.keeper.support import House, house_on

from gdprkit import data, marketing
from gdprkit.errors import HostTransaction, InvalidValue, UnknownSubject
from gdprkit.policy.decisions import Outcome
from gdprkit.sealing.erasures import MemoryErasureLedger
from gdprkit.storage import MemoryStore
from gdprkit.storage.hosts import host_store, install
from gdprkit.storage.sqlite_host import SqliteHostStore


@attrs.define
class Hosted:
    """A house whose keeper has a connection of its own, and one more that is the host's."""

    house: House
    host: sqlite3.Connection
    ledger: MemoryErasureLedger

    def on(self) -> House:
        return attrs.evolve(self.house, keeper=self.house.keeper.on(host_store(self.host)))

    @contextmanager
    def work(self, *, ends: str) -> Iterator[None]:
        """One transaction of the host's, which ends as told: COMMIT or ROLLBACK."""
        self.host.execute("BEGIN")
        yield
        self.host.execute(ends)


def _connect(path: Path) -> sqlite3.Connection:
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("PRAGMA foreign_keys = ON")
    return raw


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Hosted]:
    own, host = _connect(tmp_path / "host.db"), _connect(tmp_path / "host.db")
    install(own)
    ledger = MemoryErasureLedger("main")
    house = house_on(SqliteHostStore(own), erasures=ledger)
    house.keeper.keys.ready()
    yield Hosted(house=house, host=host, ledger=ledger)
    host.close()
    own.close()


def test_a_person_of_a_committed_transaction_can_be_read(hosted: Hosted) -> None:
    """Added, recorded and read inside the host's transaction; afterwards the keeper knows them."""
    with hosted.work(ends="COMMIT"):
        anna = hosted.on().customer()
        assert hosted.on().keeper.read(anna, "name")
        with pytest.raises(UnknownSubject):
            hosted.house.keeper.standing(anna)
    assert hosted.house.keeper.read(anna, "name")
    hosted.house.keeper.verify(anna)


def test_a_person_of_a_transaction_taken_back_never_was(hosted: Hosted) -> None:
    """Rolled back with the host: nobody is found, and the same person can be added anew."""
    with hosted.work(ends="ROLLBACK"):
        hosted.on().customer()
    keeper = hosted.house.keeper
    assert list(keeper.people()) == []
    assert keeper.find(email="anna@example.com") == ()
    anna = hosted.house.customer()
    assert keeper.read(anna, "name")
    keeper.verify(anna)


def test_a_key_of_a_transaction_taken_back_is_not_remembered(hosted: Hosted) -> None:
    """A key renewed and taken back is not what the keeper seals under."""
    anna = hosted.house.customer()
    with hosted.work(ends="ROLLBACK"):
        hosted.on().keeper.keys.renew(anna)
    hosted.house.keeper.record(anna, marketing.object_to(via="email"))
    assert len(hosted.house.store.keys(anna)) == 1
    assert hosted.house.keeper.read(anna, "name")


def test_what_a_savepoint_takes_back_is_not_remembered(hosted: Hosted) -> None:
    """A host that goes on after a savepoint was rolled back seals under a key that is stored."""
    anna = hosted.house.customer()
    with hosted.work(ends="COMMIT"):
        within = hosted.on().keeper
        hosted.host.execute("SAVEPOINT hosts")
        within.keys.renew(anna)
        assert within.read(anna, "name")
        hosted.host.execute("ROLLBACK TO hosts")
        within.record(anna, data.collect({"phone": "+358401234567"}, source="contact-form"))
    assert hosted.house.keeper.read(anna, "phone")
    hosted.house.keeper.verify(anna)


def test_an_erasure_enters_the_ledger_when_the_host_has_committed(hosted: Hosted) -> None:
    """Before the commit the ledger holds nothing, after it the next question writes it there."""
    anna = hosted.house.plain()
    with hosted.work(ends="COMMIT"):
        hosted.on().erase(anna)
        assert not hosted.ledger.records()
        assert hosted.house.keeper.read(anna, "name"), "nobody else sees it yet"
        assert not hosted.ledger.records()
    assert not hosted.house.keeper.read(anna, "name")
    assert len(hosted.ledger.records()) == 1
    assert hosted.house.keeper.receipt(anna).key_ids


def test_an_erasure_taken_back_is_in_no_ledger(hosted: Hosted) -> None:
    """The person is served as before: the ledger never heard of an erasure that was not."""
    anna = hosted.house.plain()
    with hosted.work(ends="ROLLBACK"):
        hosted.on().erase(anna)
    assert hosted.house.keeper.read(anna, "name")
    assert not hosted.ledger.records()


def test_a_stop_taken_back_stops_nothing_and_a_committed_one_all(hosted: Hosted) -> None:
    """The suppression list and the standing follow the host's transaction."""
    anna = hosted.house.customer()
    for ends in ("ROLLBACK", "COMMIT"):
        assert hosted.house.ask(anna)
        with hosted.work(ends=ends):
            hosted.on().keeper.record(anna, marketing.object_to(via="email"))
            assert hosted.on().ask(anna).outcome is Outcome.FORBIDDEN
    assert hosted.house.ask(anna).outcome is Outcome.FORBIDDEN


def test_first_epochs_are_not_made_on_a_hosts_transaction(tmp_path: Path) -> None:
    """Without ``keeper.keys.ready()`` a keeper that has only the host's connection says so."""
    host = _connect(tmp_path / "host.db")
    install(host)
    host.execute("BEGIN")
    house = house_on(SqliteHostStore(host))
    with pytest.raises(HostTransaction, match="ready"):
        house.anna()
    host.execute("ROLLBACK")
    house.keeper.keys.ready()
    host.execute("BEGIN")
    house.anna()
    host.execute("COMMIT")
    host.close()


def test_replay_is_done_on_the_keeper_itself(hosted: Hosted) -> None:
    """A replay is a work of many commits: on a host's transaction it is refused."""
    with pytest.raises(InvalidValue, match="the keeper itself"):
        hosted.on().keeper.replay_erasures()


@pytest.mark.parametrize("store", [None, MemoryStore("another")])
def test_what_is_no_store_of_this_tenant_is_refused(hosted: Hosted, store: object) -> None:
    """A keeper is put on a store of its own tenant, or on none."""
    with pytest.raises(InvalidValue, match="store"):
        hosted.house.keeper.on(store)  # type: ignore[arg-type]


@pytest.mark.parametrize("ends", ["COMMIT", "ROLLBACK"])
def test_what_is_kept_in_memory_is_of_no_transaction(hosted: Hosted, ends: str) -> None:
    """A keeper and its twin on a transaction share what they decoded, and each answers its own."""
    about = hosted.house.customer()
    before = hosted.house.ask(about)
    assert before
    with hosted.work(ends=ends):
        twin = hosted.on()
        assert twin.ask(about) == before
        twin.keeper.record(about, marketing.object_to(via="email"))
        for _ in range(2):  # in turn, so that each meets what the other one kept
            assert twin.ask(about).outcome is Outcome.FORBIDDEN
            assert hosted.house.ask(about) == before
    fresh = house_on(hosted.house.store, erasures=hosted.ledger).ask(about)
    assert hosted.house.ask(about) == fresh
    assert bool(fresh) is (ends == "ROLLBACK")
