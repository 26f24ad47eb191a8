"""A store restored from before an erasure serves nobody until the erasure was done again (D29)."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.keeper.support import EMAIL, House, dump, house_on, moment

from gdprkit import RecordKeeper, connection, data, marketing, retention
from gdprkit.errors import InvalidValue
from gdprkit.facts.data import PersonErased
from gdprkit.facts.objection import MarketingObjection
from gdprkit.keeper.replaying import Replayed
from gdprkit.policy.decisions import Outcome
from gdprkit.sealing.envelope import SealedField
from gdprkit.sealing.erasure_file import FileErasureLedger
from gdprkit.sealing.erasures import ErasureLedger, MemoryErasureLedger
from gdprkit.sealing.errors import (
    ErasureLedgerUnavailable,
    KeyStoreRolledBack,
    SubjectErased,
)
from gdprkit.state.connection import ConnectionStatus
from gdprkit.storage import MemoryStore, SqliteStore
from gdprkit.storage.protocol import Store
from gdprkit.words.identifiers import SubjectId

ROOT = Path(__file__).parents[2]
ERASED_AT = moment(2024, 6, 1)
RESTORED_AT = moment(2024, 7, 1)
CARL, DORA, BERT = "carl@example.com", "dora@example.com", "bert@example.com"


@attrs.define(kw_only=True)
class Restored:
    """A store restored from a backup, the ledger beside it, and who is who."""

    path: Path
    ledger: Path
    anna: SubjectId  # erased on request, after the backup
    carl: SubjectId  # erased because his period was over, after the backup
    bert: SubjectId  # never erased
    dora: SubjectId  # added and erased after the backup: the restored store never had her

    def open(self, store: Store | None = None, ledger: ErasureLedger | None = None) -> House:
        """Open what was restored, a month after the erasures."""
        opened = SqliteStore(self.path) if store is None else store
        listed = FileErasureLedger(self.ledger) if ledger is None else ledger
        house = house_on(opened, erasures=listed)
        house.clock.now = RESTORED_AT
        return house


@pytest.fixture
def restored(tmp_path: Path) -> Restored:
    path, ledger, backup = (tmp_path / name for name in ("people.db", "erasures", "backup.db"))
    with SqliteStore(path) as store:
        house = house_on(store, erasures=FileErasureLedger(ledger))
        anna, carl, bert = house.plain(), house.plain(CARL), house.plain(BERT)
        store.settle()
        shutil.copy(path, backup)
        dora = house.plain(DORA)
        house.clock.now = ERASED_AT
        house.erase(anna)
        house.erase(dora, reference="r-8")
        house.erase(carl, reason="retention-ended", reference="period-1")
    shutil.copy(backup, path)
    return Restored(path=path, ledger=ledger, anna=anna, carl=carl, bert=bert, dora=dora)


# --- refusing ------------------------------------------------------------------------------------

_DOORS: dict[str, Callable[[RecordKeeper, SubjectId], object]] = {
    "on": lambda k, _: k.on(MemoryStore()),
    "add-person": lambda k, _: k.add_person("consumer", {"email": DORA}, source="contact-form"),
    "add-people": lambda k, _: k.add_people([]),
    "record": lambda k, a: k.record(a, data.note("adult")),
    "record-many": lambda k, a: k.record_many([(a, [data.note("adult")])]),
    "standing": lambda k, a: k.standing(a),
    "ask": lambda k, a: k.ask(
        a, marketing.may_contact(channel="email", purpose="direct-marketing")
    ),
    "connection-end": lambda k, a: k.connection_end(a),
    "merge": lambda k, a: k.merge(a, a, verified=True),
    "unmerge": lambda k, a: k.unmerge(a, a),
    "deadline": lambda k, a: k.deadline(a, a),  # type: ignore[arg-type]
    "handling": lambda k, a: k.handling(a, a),  # type: ignore[arg-type]
    "to-tell": lambda k, a: k.to_tell(a),
    "find": lambda k, _: k.find(email=EMAIL),
    "read": lambda k, a: k.read(a),
    "line": lambda k, a: k.line(a),
    "fields": lambda k, a: k.fields.seal(a, "x", SealedField("elsewhere", "note"), "r-1"),
    "plan": lambda k, a: k.plan(a, retention.due()),
    "receipt": lambda k, a: k.receipt(a),
    "answer": lambda k, a: k.answer(a, a),  # type: ignore[arg-type]
    "waking": lambda k, _: list(k.waking()),
    "people": lambda k, _: list(k.people()),
    "audience": lambda k, _: list(
        k.audience(marketing.may_contact(channel="email", purpose="direct-marketing"))
    ),
    "people-tagged": lambda k, _: list(k.people(tag="t")),
    "verify": lambda k, a: k.verify(a),
    "reindex": lambda k, _: k.reindex(),
    "reindex-person": lambda k, a: k.reindex_person(a),
}


def test_every_door_of_the_keeper_is_listed() -> None:
    """A new method of the keeper has to be held against a store that was rolled back, or named."""
    names = {name.replace("_", "-") for name in vars(RecordKeeper) if not name.startswith("_")}
    asked = {door.removesuffix("-tagged") for door in _DOORS}
    # apply needs a plan, which is refused above; the rest says nothing about anybody
    assert names - asked <= {"apply", "register", "now", "replay-erasures", "keys"}


def test_d29_every_door_refuses_until_the_replay(restored: Restored) -> None:
    """Whoever it is about, also those who were never erased; nothing changes in the store."""
    before = dump(restored.path)
    house = restored.open()
    for name, door in _DOORS.items():
        with pytest.raises(KeyStoreRolledBack) as caught:
            door(house.keeper, restored.bert)
        assert caught.value.missing == 3, name
        assert caught.value.retryable
    assert dump(restored.path) == before
    house.keeper.replay_erasures()
    assert house.keeper.read(restored.bert, "email")


def test_a_plan_from_before_is_not_carried_out(restored: Restored) -> None:
    """Planned by a keeper without the ledger: applying it is refused as everything is."""
    with SqliteStore(restored.path) as store:
        plan = house_on(store).keeper.plan(restored.bert, retention.due())
    with pytest.raises(KeyStoreRolledBack):
        restored.open().keeper.apply(plan, approve=plan.digest)


def test_without_the_ledger_a_restored_store_is_served(restored: Restored) -> None:
    """This is what the ledger is for: nobody else can know."""
    with SqliteStore(restored.path) as store:
        assert house_on(store).keeper.read(restored.anna, "email")


# --- doing it again ------------------------------------------------------------------------------


def check(house: House, restored: Restored) -> None:
    """Hold the store against what it was before it was restored."""
    keeper = house.keeper
    for about in (restored.anna, restored.carl):
        with pytest.raises(SubjectErased):
            keeper.read(about)
        assert list(house.store.keys(about)) == []
        assert keeper.standing(about).status is ConnectionStatus.ERASED
        assert not keeper.standing(about).data.values
    assert len(house.store.tombstones()) == 3
    assert keeper.read(restored.bert, "email")["email"].reveal() == BERT  # type: ignore[index]
    assert keeper.find(email=EMAIL) == keeper.find(email=CARL) == ()
    for about in keeper.people():
        keeper.verify(about)
        erased = [e for e in keeper.line(about) if isinstance(e.fact, PersonErased)]
        assert len(erased) == (about in (restored.anna, restored.carl))


def test_d29_a_replay_erases_again_and_then_serves(restored: Restored) -> None:
    """Keys, values and look-ups go; reason, reference, moment and key ids are the first ones."""
    house = restored.open()
    first = {row.reference: row for row in FileErasureLedger(restored.ledger).records()}
    assert house.keeper.replay_erasures(by="staff-7") == Replayed(erased=2, noted=1)
    check(house, restored)
    [anna] = [e for e in house.keeper.line(restored.anna) if isinstance(e.fact, PersonErased)]
    assert (anna.at, anna.recorded_at, anna.by) == (ERASED_AT, RESTORED_AT, "staff-7")
    assert isinstance(anna.fact, PersonErased)
    assert anna.fact.key_ids == tuple(key.hex() for key in first["r-7"].key_ids)
    [carl] = [e for e in house.keeper.line(restored.carl) if isinstance(e.fact, PersonErased)]
    assert isinstance(carl.fact, PersonErased)
    assert (carl.fact.reason, carl.fact.reference) == ("retention-ended", "period-1")
    records = FileErasureLedger(restored.ledger).records()
    assert {row.mark: row for row in house.store.tombstones()} == {row.mark: row for row in records}
    receipt = house.keeper.receipt(restored.anna)
    assert receipt.erased_at == ERASED_AT
    assert receipt.everywhere_at == RESTORED_AT + timedelta(seconds=300)
    assert receipt.listed


def test_an_erasure_on_request_is_an_objection_again(restored: Restored) -> None:
    """The address may not be written to when it comes back; one whose period ended may (R-414)."""
    house = restored.open()
    house.keeper.replay_erasures()
    facts = {
        about: [type(entry.fact) for entry in house.keeper.line(about)]
        for about in (restored.anna, restored.carl)
    }
    assert MarketingObjection in facts[restored.anna]
    assert MarketingObjection not in facts[restored.carl]
    back = house.plain()
    assert house.keeper.standing(back).objection.stops
    assert house.ask(back).outcome is Outcome.FORBIDDEN
    assert not house.keeper.standing(house.plain(CARL)).objection.stops


def test_a_replay_does_nothing_twice(restored: Restored) -> None:
    """A second run, and a run where nothing was restored, change no byte."""
    house = restored.open()
    house.keeper.replay_erasures()
    before = dump(restored.path), restored.ledger.read_bytes()
    assert house.keeper.replay_erasures() == Replayed(erased=0, noted=0)
    assert restored.open().keeper.replay_erasures() == Replayed(erased=0, noted=0)
    assert (dump(restored.path), restored.ledger.read_bytes()) == before


def test_a_replay_without_a_ledger_is_refused() -> None:
    """That nothing was done again would sound as if nobody had been brought back."""
    with MemoryStore() as store:
        keeper = house_on(store).keeper
        with pytest.raises(InvalidValue, match="erasures is not set; pass"):
            keeper.replay_erasures()


def test_a_hold_of_the_backups_past_does_not_stop_a_replay(tmp_path: Path) -> None:
    """It was lifted before the erasure, or the erasure would have been refused."""
    path, backup, ledger = tmp_path / "a.db", tmp_path / "b.db", MemoryErasureLedger()
    with SqliteStore(path) as store:
        house = house_on(store, erasures=ledger)
        acts = [
            retention.hold("case-1", reason="dispute"),
            retention.restrict("needed-for-claims"),
        ]
        anna = house.plain(acts=acts)
        store.settle()
        shutil.copy(path, backup)
        house.clock.now = ERASED_AT
        lifted = retention.lift_restriction("needed-for-claims", informed=ERASED_AT.date())
        house.keeper.record(anna, retention.lift_hold("case-1"), lifted)
        house.clock.now += timedelta(hours=1)
        house.erase(anna)
    shutil.copy(backup, path)
    with SqliteStore(path) as store:
        house = house_on(store, erasures=ledger)
        house.clock.now = RESTORED_AT
        assert [row.on_hold for row in store.keys(anna)] == [True]
        assert house.keeper.replay_erasures() == Replayed(erased=1, noted=0)
        assert list(store.keys(anna)) == []
        house.keeper.verify(anna)
        assert house.keeper.receipt(anna).reference == "r-7"


def test_a_person_whose_key_epoch_is_gone_is_erased_again(restored: Restored) -> None:
    """Nothing of them opens any more, so no contact point is remembered, and the rest is done."""
    with closing(sqlite3.connect(restored.path)) as raw, raw:
        raw.execute("UPDATE gdprkit_epoch SET state = 'destroyed' WHERE kind = 'kek'")
    house = restored.open()
    assert house.keeper.replay_erasures() == Replayed(erased=2, noted=1)
    for about in (restored.anna, restored.carl):
        assert list(house.store.keys(about)) == []
        house.keeper.verify(about)
        with pytest.raises(SubjectErased):
            house.keeper.read(about)


def test_what_was_recorded_without_the_ledger_goes_as_well(restored: Restored) -> None:
    """Somebody served the restored store: later values are erased with the rest, the line holds."""
    with SqliteStore(restored.path) as store:
        house = house_on(store)
        house.clock.now = ERASED_AT + timedelta(days=9)
        more = data.collect({"message": "after the restore"}, source="contact-form")
        house.keeper.record(restored.anna, more, connection.start(reference="contract-1"))
    house = restored.open()
    house.keeper.replay_erasures()
    check(house, restored)


def test_an_entry_in_the_marketing_register_ends_with_the_replay(tmp_path: Path) -> None:
    """Somebody moved there before the backup and erased after it: nothing of them is left."""
    path, backup, ledger = tmp_path / "a.db", tmp_path / "b.db", MemoryErasureLedger()
    with SqliteStore(path) as store:
        house = house_on(store, erasures=ledger)
        anna = house.moved()
        store.settle()
        shutil.copy(path, backup)
        house.clock.now += timedelta(days=4000)
        plan = house.keeper.plan(anna, retention.due())
        assert plan.erases_person
        house.keeper.apply(plan, approve=plan.digest)
    shutil.copy(backup, path)
    with SqliteStore(path) as store:
        again = house_on(store, erasures=ledger)
        again.clock.now = house.clock.now + timedelta(days=1)
        assert again.keeper.replay_erasures() == Replayed(erased=1, noted=0)
        standing = again.keeper.standing(anna)
        assert standing.status is ConnectionStatus.ERASED
        assert not standing.data.values
        assert standing.connection.marketing_expires is None
        again.keeper.verify(anna)


def test_an_objection_of_a_replay_reaches_the_line_merged_with(tmp_path: Path) -> None:
    """The erased line was merged into another before: its no stands there again."""
    path, backup, ledger = tmp_path / "a.db", tmp_path / "b.db", MemoryErasureLedger()
    with SqliteStore(path) as store:
        house = house_on(store, erasures=ledger)
        anna, kept = house.plain(), house.plain(BERT)
        house.keeper.merge(kept, anna, verified=True)
        store.settle()
        shutil.copy(path, backup)
        house.clock.now = ERASED_AT
        house.erase(anna)
        assert house.keeper.standing(kept).objection.stops
    shutil.copy(backup, path)
    with SqliteStore(path) as store:
        house = house_on(store, erasures=ledger)
        house.clock.now = RESTORED_AT
        house.keeper.replay_erasures()
        assert house.keeper.standing(kept).objection.stops


# --- breaking off --------------------------------------------------------------------------------


class Break(Exception):
    """Breaks off."""


class Breaking:
    """A store that breaks off beside its writing call number *stop*, before or after it."""

    def __init__(self, store: Store, stop: int, *, after: bool) -> None:
        self._store, self.stop, self._after = store, stop, after
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in {"commit", "add_tombstone"}:
            return found

        def step(*args: Any) -> None:
            self.calls += 1
            if self.calls == self.stop and not self._after:
                raise Break
            found(*args)
            if self.calls == self.stop:
                raise Break

        return step


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_d29_a_replay_broken_off_between_any_two_steps_goes_on(
    restored: Restored, tmp_path: Path, after: bool
) -> None:
    """Beside each write: the store stays refused until the last one, and a second run finishes."""
    image = restored.path.read_bytes()
    stop = 0
    while True:
        stop += 1
        for left in tmp_path.glob("people.db*"):
            left.unlink()
        restored.path.write_bytes(image)
        with SqliteStore(restored.path) as store:
            breaking: Any = Breaking(store, stop, after=after)
            house = restored.open(breaking)
            try:
                house.keeper.replay_erasures()
            except Break:
                pass
            else:
                break
            again = restored.open(store)
            if stop < 3 or not after:
                with pytest.raises(KeyStoreRolledBack):
                    again.keeper.read(restored.bert)
            again.keeper.replay_erasures()
            check(again, restored)
    assert stop == 4, "two people and one tombstone"


CHILD = """
import os, sys
from pathlib import Path
from gdprkit.storage import SqliteStore
from gdprkit.sealing.erasure_file import FileErasureLedger
from tests.keeper.support import house_on
from tests.keeper.test_replay import RESTORED_AT

path, ledger, stop = sys.argv[1], sys.argv[2], int(sys.argv[3])
calls = 0

class Dying:
    def __init__(self, store):
        self._store = store
    def __getattr__(self, name):
        found = getattr(self._store, name)
        if name not in {"commit", "add_tombstone"}:
            return found
        def step(*args):
            global calls
            found(*args)
            calls += 1
            if calls == stop:
                os._exit(7)
        return step

house = house_on(Dying(SqliteStore(path)), erasures=FileErasureLedger(ledger))
house.clock.now = RESTORED_AT
house.keeper.replay_erasures()
os._exit(8)
"""


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_d29_a_process_that_dies_in_a_replay_is_followed_by_another(
    restored: Restored, stop: int
) -> None:
    """Killed without a word after each write: the next process goes on where it ended."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(restored.path), str(restored.ledger), str(stop)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    house = restored.open()
    house.keeper.replay_erasures()
    check(house, restored)


# --- writing the ledger --------------------------------------------------------------------------


class Unwritable:
    """A ledger on a full disk."""

    tenant, durable = "main", True

    def __init__(self) -> None:
        self.full = False
        self.kept = MemoryErasureLedger()

    def append(self, erasures: Any) -> None:
        if self.full:
            raise ErasureLedgerUnavailable("cannot be written (ENOSPC)")
        self.kept.append(erasures)

    def records(self) -> Any:
        return self.kept.records()


def test_an_erasure_stands_though_the_ledger_cannot_be_written(house: House) -> None:
    """The caller is told, the person is erased, and the next opening or replay writes it."""
    ledger = Unwritable()
    listed = house_on(house.store, erasures=ledger)
    anna = listed.plain()
    ledger.full = True
    with pytest.raises(ErasureLedgerUnavailable):
        listed.erase(anna)
    with pytest.raises(SubjectErased):
        listed.keeper.read(anna)
    assert listed.keeper.receipt(anna).reference == "r-7"
    assert not listed.keeper.receipt(anna).listed, "nothing is promised that is not there"
    assert list(ledger.records()) == []
    with pytest.raises(ErasureLedgerUnavailable):
        house_on(house.store, erasures=ledger)
    ledger.full = False
    assert listed.keeper.replay_erasures() == Replayed(erased=0, noted=0)
    assert listed.keeper.receipt(anna).listed
    assert list(ledger.records()) == list(house.store.tombstones()) != []
    empty = MemoryErasureLedger()
    house_on(house.store, erasures=empty)
    assert list(empty.records()) == list(ledger.records())


def test_what_was_refused_is_never_in_the_ledger(house: House) -> None:
    """The commit comes first: an erasure that lost the race leaves no record to be replayed."""
    ledger = MemoryErasureLedger()
    listed = house_on(house.store, erasures=ledger)
    anna = listed.plain()
    commit = house.store.commit

    def refusing(*batches: Any) -> None:
        raise Break

    plan = listed.keeper.plan(anna, retention.erasure(reason="unlawful", reference="r-7"))
    house.store.commit = refusing  # type: ignore[method-assign]
    with pytest.raises(Break):
        listed.keeper.apply(plan, approve=plan.digest)
    house.store.commit = commit  # type: ignore[method-assign]
    assert list(ledger.records()) == []
    assert listed.keeper.read(anna, "email")


def test_a_ledger_of_another_tenant_is_refused(house: House) -> None:
    """Its marks would never be found in this store; and a path is no ledger at all."""
    wrongs: list[Any] = [MemoryErasureLedger("north"), "erasures.jsonl", []]
    for wrong in wrongs:
        with pytest.raises(InvalidValue, match="erasures"):
            house_on(house.store, erasures=wrong)
