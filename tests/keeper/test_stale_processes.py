"""What a process does that has not heard yet of what another one did with the keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from tests.keeper.support import EMAIL, House, house_on, jot, provider

from gdprkit import RecordKeeper, connection, data, marketing, requests
from gdprkit.acts.act import Act
from gdprkit.errors import PlanStale
from gdprkit.sealing.envelope import SealedField
from gdprkit.sealing.erasure_file import FileErasureLedger
from gdprkit.sealing.errors import ErasureLedgerUnavailable, KeyProviderUnavailable
from gdprkit.sealing.form import key_id_of
from gdprkit.sealing.packed import SealedRecord
from gdprkit.sealing.providers import KeyProvider, ProviderDescription
from gdprkit.sealing.rows import KeyState
from gdprkit.storage import MemoryStore
from gdprkit.words.identifiers import SubjectId

NOTE = SealedField("note", "text")
TTL = timedelta(seconds=300)


def beside(house: House, keys: KeyProvider | None = None) -> House:
    """Return another process on the same store: caches of its own, the same clock."""
    made = RecordKeeper(jot(), store=house.store, keys=keys or provider(), clock=house.clock)
    return House(keeper=made, store=house.store, clock=house.clock)


def values(house: House, about: SubjectId) -> dict[str, object]:
    return {str(f): v.reveal() for f, v in house.keeper.read(about).items()}


@pytest.mark.parametrize("deed", ["record", "many"])
def test_nothing_is_sealed_by_a_version_that_was_destroyed(house: House, deed: str) -> None:
    """The store refuses the value, the key is opened anew, and the value is stored readable.

    So it is whether clocks were set, a process stood still, or it waited long for the store.
    """
    anna = house.anna()
    stale = beside(house)
    values(stale, anna)
    house.keeper.keys.renew(anna)
    house.clock.now += TTL
    assert house.keeper.keys.destroy_old_versions(anna, columns_renewed=True)
    act = data.rectify({"title": "head of it"}, source="contact-form")
    if deed == "record":
        stale.keeper.record(anna, act)
    else:
        stale.keeper.record_many([(anna, [act])])
    fresh = beside(house)
    assert values(fresh, anna)["title"] == "head of it"
    gone, _ = house.store.keys(anna)
    assert gone.state is KeyState.DESTROYED
    slots = [value.slot for value in fresh.keeper.standing(anna).data.values]
    envelopes = house.store.values(anna, slots).values()
    assert gone.key_id not in {key_id_of(envelope) for envelope in envelopes}


def test_a_version_destroyed_between_sealing_and_storing_seals_nothing(swift: House) -> None:
    """Destroying a version moves no line, and still no value under it comes after."""
    anna = swift.anna()
    stale = beside(swift)
    values(stale, anna)
    swift.keeper.keys.renew(anna)
    swift.clock.now += TTL
    commit = swift.store.commit

    def late(*batches: Any) -> None:
        swift.store.commit = commit  # type: ignore[method-assign]
        swift.keeper.keys.destroy_old_versions(anna, columns_renewed=True)
        commit(*batches)

    swift.store.commit = late  # type: ignore[method-assign]
    stale.keeper.record(anna, data.rectify({"title": "head of it"}, source="contact-form"))
    assert values(beside(swift), anna)["title"] == "head of it"


def test_terms_are_hung_anew_beside_the_end_of_a_version(house: House) -> None:
    """A renewal and the end of the old version come before the commit: terms are made again."""
    anna = house.anna()
    stale = beside(house)
    values(stale, anna)
    house.keeper.keys.rotate(terms=True)
    house.clock.now += TTL
    commit = house.store.commit

    def late(*batches: Any) -> None:
        house.store.commit = commit  # type: ignore[method-assign]
        house.keeper.keys.renew(anna)
        house.clock.now += TTL
        house.keeper.keys.destroy_old_versions(anna, columns_renewed=True)
        commit(*batches)

    house.store.commit = late  # type: ignore[method-assign]
    assert stale.keeper.keys.reindex_terms().failed == ()
    assert beside(house).keeper.find(email=EMAIL) == (anna,)


@pytest.mark.parametrize("inner", [list, iter])
def test_work_named_as_an_iterator_is_kept_for_the_second_try(
    house: House, inner: Callable[[list[Act]], Any]
) -> None:
    """``record_many(work=generator)`` that meets an epoch that is gone records all of it.

    So it is where the acts of a person come out of an iterator.
    """
    anna = house.anna()
    stale = beside(house)
    values(stale, anna)
    stale.keeper.find(email=EMAIL)
    keys = house.keeper.keys
    keys.rotate(terms=True)
    keys.rewrap()
    house.clock.now += TTL
    keys.reindex_terms()
    keys.destroy("k1")
    keys.destroy("i1")
    act = data.collect({"email": "new@example.com"}, source="contact-form")
    [done] = stale.keeper.record_many(work=((about, inner([act])) for about in [anna]))
    assert done.about == anna
    assert beside(house).keeper.find(email="new@example.com") == (anna,)


def test_a_column_is_renewed_by_what_is_stored_not_by_what_is_remembered(swift: House) -> None:
    """A process that holds the old version open does not take it for the newest."""
    anna = swift.anna()
    stale = beside(swift)
    sealed = stale.keeper.fields.seal(anna, "a note", NOTE, b"1")
    swift.keeper.keys.renew(anna)
    again = stale.keeper.fields.renewed(anna, sealed, NOTE, b"1")
    assert again != sealed
    swift.clock.now += TTL
    assert swift.keeper.keys.destroy_old_versions(anna, columns_renewed=True)
    assert beside(swift).keeper.fields.open(anna, again, NOTE, b"1").reveal() == "a note"


def test_a_packed_record_is_renewed_like_a_field(swift: House) -> None:
    """A whole record goes under the newest key too, or its last key could never be destroyed."""
    anna, fields, kind = swift.anna(), swift.keeper.fields, SealedRecord("lead")
    sealed = fields.seal_record(anna, {"name": "Anna", "visits": 3}, kind, b"1")
    assert fields.renewed_record(anna, sealed, kind, b"1") == sealed
    swift.keeper.keys.renew(anna)
    again = fields.renewed_record(anna, sealed, kind, b"1")
    swift.clock.now += TTL
    assert swift.keeper.keys.destroy_old_versions(anna, columns_renewed=True)
    opened = beside(swift).keeper.fields.open_record(anna, again, kind, b"1")
    assert {name: value.reveal() for name, value in opened.items()} == {"name": "Anna", "visits": 3}


class Sometimes:
    """A key service that answers until it is switched off."""

    def __init__(self) -> None:
        self.inner = provider()
        self.off = False

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        return self.inner.wrap(key, context)

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        if self.off:
            raise KeyProviderUnavailable("key service", "does not answer")
        return self.inner.unwrap(wrapped, context)

    def rewrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes | None:
        return self.inner.rewrap(wrapped, context)

    def describe(self) -> ProviderDescription:
        return self.inner.describe()


def test_a_key_service_that_is_away_is_no_damage_to_pass_over(house: House) -> None:
    """A stop whose contact points cannot be opened now is refused, not stored without the list."""
    anna = house.plain()
    service = Sometimes()
    stale = beside(house, service)
    values(stale, anna)
    stale.keeper.find(email=EMAIL)
    house.keeper.keys.rotate()
    house.keeper.keys.renew(anna)  # sealed by a version that only an epoch unknown there opens
    service.off = True
    before = len(house.keeper.line(anna))
    with pytest.raises(KeyProviderUnavailable):
        stale.keeper.record(anna, marketing.object_to(via="email"))
    assert len(house.keeper.line(anna)) == before
    service.off = False
    stale.keeper.record(anna, marketing.object_to(via="email"))
    house.erase(anna)
    again = house.plain()
    assert house.keeper.standing(again).objection.stops


def test_whoever_reads_while_keys_are_renewed_is_told_of_no_damage(filed: House) -> None:
    """A line and its values are read one after the other; a renewal between the two is no break."""
    anna = filed.anna()
    other = beside(filed)
    read = values(other, anna)
    done, found = Event(), list[object]()

    def look() -> None:
        while not done.is_set():
            try:
                assert values(other, anna) == read
                other.keeper.verify(anna)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is told below
                found.append(error)

    reader = Thread(target=look)
    reader.start()
    for _ in range(60):
        filed.keeper.keys.renew(anna)
    done.set()
    reader.join()
    assert found == []


@pytest.mark.parametrize("door", ["read", "verify", "answer", "plan", "apply", "renew"])
def test_a_renewal_between_two_reads_is_looked_at_again(swift: House, door: str) -> None:
    """The values are of a newer line than the one that was read: then the line is read again."""
    anna = swift.ended()
    keeper = swift.keeper
    case = keeper.record(anna, requests.receive(right="access", channel="email")).case
    assert case is not None
    plan = keeper.plan(anna, connection.after_end())
    doors: dict[str, Callable[[], object]] = {
        "read": lambda: keeper.read(anna),
        "verify": lambda: keeper.verify(anna),
        "answer": lambda: keeper.answer(anna, case),
        "plan": lambda: keeper.plan(anna, plan.question),
        "apply": lambda: keeper.apply(plan, approve=plan.digest),
        "renew": lambda: keeper.keys.renew(anna),
    }
    other, read, renewed = beside(swift), swift.store.values, list[int]()

    def between(about: SubjectId, slots: Any) -> Mapping[Any, bytes]:
        swift.store.values = read  # type: ignore[method-assign]
        other.keeper.keys.renew(anna)
        renewed.append(len(swift.keeper.line(anna)))
        return read(about, slots)

    swift.store.values = between  # type: ignore[method-assign]
    if door == "apply":  # what was approved was another line: that, and no damage
        with pytest.raises(PlanStale):
            doors[door]()
    else:
        doors[door]()
    assert renewed
    swift.keeper.verify(anna)
    assert values(beside(swift), anna)


def test_two_who_renew_one_person_at_once_make_two_versions(swift: House) -> None:
    """The one who comes second between two reads of the other is not told of a wrong argument."""
    anna = swift.anna()
    other = beside(swift)
    keys, calls = swift.store.keys, [0]

    def between(about: SubjectId) -> Sequence[Any]:
        calls[0] += 1
        rows = keys(about)
        if calls[0] == 2:  # after the newest version was looked up, before the next one is made
            swift.store.keys = keys  # type: ignore[method-assign]
            other.keeper.keys.renew(anna)
        return rows

    swift.store.keys = between  # type: ignore[method-assign]
    swift.keeper.keys.renew(anna)
    assert [row.version for row in swift.store.keys(anna)] == [1, 2, 3]
    assert values(beside(swift), anna)["email"] == EMAIL


def test_a_receipt_tells_of_the_ledger_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An erasure that could not be written there is not said to be there, until it is."""
    ledger = FileErasureLedger(tmp_path / "erasures.jsonl")
    with MemoryStore() as store:
        house = house_on(store, erasures=ledger)
        anna = house.plain()

        def full(*_: object) -> None:
            raise ErasureLedgerUnavailable("cannot be written (ENOSPC)")

        with monkeypatch.context() as patched:
            patched.setattr(FileErasureLedger, "append", full)
            with pytest.raises(ErasureLedgerUnavailable):
                house.erase(anna)
        assert not house.keeper.receipt(anna).listed
        assert "no ledger" in house.keeper.receipt(anna).explain()
        house.keeper.replay_erasures()
        assert house.keeper.receipt(anna).listed
