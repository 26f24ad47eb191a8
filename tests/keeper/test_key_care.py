"""``keeper.keys``: rotation, new keys for people, new look-up terms, destruction (crypto B.8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.keeper.support import EMAIL, House, house_on, jot, moment, provider
from tests.sealing.rotating import Died, dying

from gdprkit import NewPerson, RecordKeeper, data, retention
from gdprkit.acts.act import Act
from gdprkit.errors import AlreadyKnown, InvalidValue, PositionTaken, UnknownSubject
from gdprkit.facts.data import DataResealed
from gdprkit.keeper.key_care import KeyCare
from gdprkit.keeper.line import view
from gdprkit.keeper.renewing import renewed
from gdprkit.sealing.envelope import SealedField
from gdprkit.sealing.errors import (
    KeyDestroyed,
    KeyEpochDestroyed,
    KeyInUse,
    KeyMissing,
    ProcessingRestricted,
    RotationTooEarly,
    ShredHeld,
    SubjectErased,
)
from gdprkit.sealing.form import key_id_of
from gdprkit.sealing.rows import EpochKind, KeyFlags, KeyState
from gdprkit.state.data import DataState
from gdprkit.storage import SqliteStore
from gdprkit.storage.protocol import Batch, Marks
from gdprkit.words.identifiers import FieldId, SubjectId, subject_id
from gdprkit.words.vocabulary import SubjectKind

ACTIVE, RETIRED, DESTROYED = KeyState.ACTIVE, KeyState.RETIRED, KeyState.DESTROYED
TTL = timedelta(seconds=300)


def values(house: House, about: SubjectId) -> dict[str, object]:
    return {str(f): v.reveal() for f, v in house.keeper.read(about).items()}


def beside(house: House) -> House:
    """Return another process on the same store: caches of its own, the same clock."""
    keeper = RecordKeeper(jot(), store=house.store, keys=provider(), clock=house.clock)
    return House(keeper=keeper, store=house.store, clock=house.clock)


def envelopes(house: House, about: SubjectId) -> dict[Any, bytes]:
    held = house.keeper.standing(about).data.values
    return dict(house.store.values(about, [value.slot for value in held]))


def states(house: House, about: SubjectId) -> list[KeyState]:
    return [row.state for row in house.store.keys(about)]


def set_flags(house: House, about: SubjectId, flags: KeyFlags) -> None:
    """Set them on the key rows beside the keeper: the line does not change."""
    stored = house.store.standing(about)
    assert stored is not None
    batch = Batch(
        about=about,
        expected=stored.position,
        entries=(),
        standing=stored,
        marks=Marks(),
        flags=flags,
    )
    house.store.commit(batch)


def epochs(house: House) -> dict[str, KeyState]:
    return {row.epoch: row.state for row in house.store.epochs()}


def without_digests(data: DataState) -> DataState:
    return attrs.evolve(data, values=tuple(attrs.evolve(v, digest="") for v in data.values))


class TestRenew:
    """A person's key gives way to a new one."""

    def test_every_value_is_sealed_anew_and_nothing_else_changes(self, house: House) -> None:
        """Same slots, same values, same standing, same look-ups; other envelopes, other hashes."""
        anna = house.moved()
        before, old, read = house.keeper.standing(anna), envelopes(house, anna), values(house, anna)
        rows = house.store.keys(anna)
        terms = house.store.terms(anna)
        tags = list(house.keeper.people(tag="status:marketing"))
        house.keeper.keys.renew(anna, by="staff-7")
        after, new = house.keeper.standing(anna), envelopes(house, anna)
        assert values(house, anna) == read
        assert without_digests(after.data) == without_digests(before.data)
        same = ("consent", "objection", "connection", "marketing", "retention", "merge", "notice")
        assert [getattr(after, part) for part in same] == [getattr(before, part) for part in same]
        assert list(house.keeper.people(tag="status:marketing")) == tags
        assert new.keys() == old.keys()
        assert not set(new.values()) & set(old.values())
        assert house.store.terms(anna) == terms
        assert house.keeper.find(email=EMAIL) == (anna,)
        one, two = house.store.keys(anna)
        assert (one.state, two.state, two.version) == (RETIRED, ACTIVE, 2)
        assert one.key_id == rows[0].key_id
        assert {key_id_of(envelope) for envelope in new.values()} == {two.key_id}
        house.keeper.verify(anna)
        [*_, entry] = house.keeper.line(anna)
        assert isinstance(entry.fact, DataResealed)
        assert (entry.fact.key_id, entry.by) == (two.key_id.hex(), "staff-7")
        assert ask_same(house, anna)

    def test_another_process_reads_on_with_its_old_cache(self, house: House) -> None:
        """Who has opened the old version reads what is sealed by the new one, at once."""
        anna = house.anna()
        other = beside(house)
        read = values(other, anna)
        house.keeper.keys.renew(anna)
        assert values(other, anna) == read
        house.keeper.keys.renew(anna)
        assert values(other, anna) == read

    def test_values_that_come_later_are_sealed_by_the_new_key(self, house: House) -> None:
        """Whoever writes after the renewal, or before the cache ages, is read everywhere."""
        anna = house.anna()
        other = beside(house)
        values(other, anna)
        house.keeper.keys.renew(anna)
        other.keeper.record(anna, data.collect({"title": "director"}, source="contact-form"))
        house.keeper.record(anna, data.collect({"company": "Other Oy"}, source="contact-form"))
        for each in (house, other, beside(house)):
            read = values(each, anna)
            assert (read["title"], read["company"]) == ("director", "Other Oy")

    def test_old_versions_are_destroyed_once_they_seal_nothing(self, house: House) -> None:
        """Not before every process writes by the new one, and not while a value needs the old."""
        anna = house.anna()
        other = beside(house)
        values(other, anna)
        keys = house.keeper.keys
        assert keys.destroy_old_versions(anna, columns_renewed=True) is False
        keys.renew(anna)
        first = house.store.keys(anna)[0].key_id
        with pytest.raises(RotationTooEarly) as told:
            keys.destroy_old_versions(anna, columns_renewed=True)
        assert told.value.until == house.clock.now + TTL
        other.keeper.record(anna, data.collect({"title": "director"}, source="contact-form"))
        house.clock.now += TTL
        with pytest.raises(KeyInUse, match="1 still hang"):
            keys.destroy_old_versions(anna, columns_renewed=True)
        assert states(house, anna) == [RETIRED, ACTIVE]
        keys.renew(anna)
        house.clock.now += TTL
        assert keys.destroy_old_versions(anna, columns_renewed=True) is True
        assert states(house, anna) == [DESTROYED, DESTROYED, ACTIVE]
        assert [row.wrapped for row in house.store.keys(anna)][:2] == [b"", b""]
        assert values(beside(house), anna)["title"] == "director"
        house.keeper.verify(anna)
        versions = house.keeper._bench.keys.of(anna)
        with pytest.raises(KeyDestroyed):
            versions.key_for(b"\xf8\x01" + first + bytes(60))
        assert keys.destroy_old_versions(anna, columns_renewed=True) is False

    def test_a_hold_goes_with_the_key_and_stops_destruction(self, house: House) -> None:
        """The new version is on hold as the old one is; while it is, nothing is destroyed."""
        anna = house.anna()
        house.keeper.record(anna, retention.hold("case-1", reason="a claim"))
        house.keeper.keys.renew(anna)
        assert [row.on_hold for row in house.store.keys(anna)] == [True, True]
        house.clock.now += TTL
        with pytest.raises(ShredHeld):
            house.keeper.keys.destroy_old_versions(anna, columns_renewed=True)
        house.keeper.record(anna, retention.lift_hold("case-1"))
        assert house.keeper.keys.destroy_old_versions(anna, columns_renewed=True)

    @pytest.mark.parametrize("where", ["line and rows", "line", "rows", "line merged into"])
    def test_a_restriction_stops_destruction(self, house: House, where: str) -> None:
        """Restricted data is stored, its keys too (Art. 18), wherever the restriction is seen."""
        anna = house.anna()
        keys = house.keeper.keys
        keys.renew(anna)
        house.clock.now += TTL
        if where == "line merged into":
            bo = house.anna(fields={"email": "bo@example.com"})
            house.keeper.merge(bo, anna, verified=True)
            house.keeper.record(bo, retention.restrict("accuracy-contested"))
        elif where != "rows":
            house.keeper.record(anna, retention.restrict("accuracy-contested"))
        if where in ("line", "line merged into"):
            set_flags(house, anna, KeyFlags())
        elif where == "rows":
            set_flags(house, anna, KeyFlags(restricted=True))
        before = house.store.keys(anna)
        with pytest.raises(ProcessingRestricted) as told:
            keys.destroy_old_versions(anna, columns_renewed=True)
        assert told.value.about == anna
        done = keys.destroy_all_old_versions(columns_renewed=True)
        assert (done.people, done.failed) == (0, ((anna, "processing-restricted"),))
        assert house.store.keys(anna) == before

    def test_a_lifted_restriction_lets_old_versions_go(self, house: House) -> None:
        """Whoever is restricted holds nobody else up, and is done when the restriction is over."""
        anna, bo = house.anna(), house.anna(fields={"email": "bo@example.com"})
        house.keeper.record(anna, retention.restrict("accuracy-contested"))
        keys = house.keeper.keys
        keys.renew(anna)
        keys.renew(bo)
        house.clock.now += TTL
        done = keys.destroy_all_old_versions(columns_renewed=True)
        assert (done.people, done.failed) == (1, ((anna, "processing-restricted"),))
        assert (states(house, anna), states(house, bo)) == ([RETIRED, ACTIVE], [DESTROYED, ACTIVE])
        told = house.clock.now.date()
        house.keeper.record(anna, retention.lift_restriction("accuracy-contested", informed=told))
        done = keys.destroy_all_old_versions(columns_renewed=True)
        assert (done.people, done.passed, done.failed) == (1, 1, ())
        assert states(house, anna) == [DESTROYED, ACTIVE]
        assert values(house, anna)["email"] == EMAIL

    def test_who_has_no_key_gets_none(self, swift: House) -> None:
        """Erased, lost and unknown are three answers, and nobody's lost key is papered over."""
        anna = swift.anna(fields={"email": EMAIL})
        with pytest.raises(UnknownSubject):
            swift.keeper.keys.renew(subject_id("00000000-0000-4000-8000-000000000007"))
        store: Any = swift.store
        kept = dict(store._people[anna].keys)
        store._people[anna].keys.clear()
        swift.keeper._bench.keys.forget(anna)
        with pytest.raises(KeyMissing):
            swift.keeper.keys.renew(anna)
        store._people[anna].keys.update(kept)
        plan = swift.keeper.plan(anna, retention.erasure(reason="unlawful", reference="r-1"))
        swift.keeper.apply(plan, approve=plan.digest)
        with pytest.raises(SubjectErased):
            swift.keeper.keys.renew(anna)
        assert list(swift.store.keys(anna)) == []

    def test_columns_of_the_host_are_renewed_before_a_version_goes(self, swift: House) -> None:
        """The keeper cannot see a host's own tables, so somebody has to say that they are done."""
        anna = swift.anna()
        field = SealedField("orders", "note")
        sealed = swift.keeper.fields.seal(anna, "fragile", field, 7)
        swift.keeper.keys.renew(anna)
        swift.clock.now += TTL
        for wrong in (False, None, "yes"):
            with pytest.raises(InvalidValue, match=r"keeper\.fields\.renewed"):
                swift.keeper.keys.destroy_old_versions(anna, columns_renewed=wrong)  # type: ignore[arg-type]
            with pytest.raises(InvalidValue):
                swift.keeper.keys.destroy_all_old_versions(columns_renewed=wrong)  # type: ignore[arg-type]
        assert states(swift, anna) == [RETIRED, ACTIVE]
        again = swift.keeper.fields.renewed(anna, sealed, field, 7)
        assert swift.keeper.keys.destroy_old_versions(anna, columns_renewed=True)
        assert swift.keeper.fields.open(anna, again, field, 7).reveal() == "fragile"
        with pytest.raises(KeyDestroyed):
            swift.keeper.fields.open(anna, sealed, field, 7)

    def test_a_restriction_goes_with_the_key_and_storage_goes_on(self, house: House) -> None:
        """Sealing anew is storing: it is done under Art. 18, and opens nothing for anybody."""
        anna = house.anna()
        house.keeper.record(anna, retention.restrict("accuracy-contested"))
        house.keeper.keys.renew(anna)
        assert [row.restricted for row in house.store.keys(anna)] == [True, True]
        with pytest.raises(ProcessingRestricted):
            house.keeper.read(anna)
        house.keeper.keys.rotate(terms=True)
        house.clock.now += TTL
        assert house.keeper.keys.reindex_terms().people == 1
        assert house.keeper.find(email=EMAIL) == (anna,)
        assert house.keeper.read(anna, ground="storage")

    def test_a_race_for_the_next_version_has_one_winner(self, house: House) -> None:
        """Two renewals of one reading: the second is refused whole and made anew."""
        anna = house.anna()
        bench, now = house.keeper._bench, house.clock.now
        found = view(house.store, anna)
        first, second = renewed(bench, found, now), renewed(bench, found, now)
        house.store.commit(first)
        with pytest.raises(PositionTaken):
            house.store.commit(second)
        bench.keys.forget(anna)
        house.keeper.keys.renew(anna)
        assert states(house, anna) == [RETIRED, RETIRED, ACTIVE]
        assert values(house, anna)["email"] == EMAIL

    def test_nobody_records_a_renewal_by_hand(self, swift: House) -> None:
        """The fact is the keeper's own: without new envelopes it would be a lie."""
        anna = swift.anna()
        with pytest.raises(InvalidValue, match=r"keeper\.keys\.renew"):
            swift.keeper.record(anna, Act(fact=DataResealed(values=(), key_id="ab")))

    def test_many_are_renewed_once(self, house: House) -> None:
        """Who has a key made since then is passed over, so an interrupted call goes on."""
        people = [house.anna(fields={"email": f"p{n}@example.com"}) for n in range(4)]
        plan = house.keeper.plan(people[3], retention.erasure(reason="unlawful", reference="r"))
        house.keeper.apply(plan, approve=plan.digest)
        house.clock.now += timedelta(days=1)
        since = house.clock.now
        house.keeper.keys.renew(people[0])
        told: list[int] = []
        done = house.keeper.keys.renew_all(since=since, progress=told.append)
        assert (done.people, done.passed, done.failed) == (2, 2, ())
        assert told == [1, 1, 1, 1]
        again = house.keeper.keys.renew_all(since=since)
        assert (again.people, again.passed) == (0, 4)
        assert [states(house, about) for about in people] == [[RETIRED, ACTIVE]] * 3 + [[]]
        house.clock.now += TTL
        gone = house.keeper.keys.destroy_all_old_versions(columns_renewed=True)
        assert (gone.people, gone.passed, gone.failed) == (3, 1, ())
        for n, about in enumerate(people[:3]):
            assert values(beside(house), about) == {"email": f"p{n}@example.com"}

    def test_a_damaged_person_holds_nobody_up(self, swift: House) -> None:
        """Who cannot be opened is named with the code of the reason, unchanged."""
        people = sorted(swift.anna(fields={"email": f"p{n}@example.com"}) for n in range(3))
        store: Any = swift.store
        slot = next(iter(store._people[people[1]].values))
        store._people[people[1]].values[slot] = b"\xf8\x01" + bytes(60)
        swift.clock.now += timedelta(days=1)
        done = swift.keeper.keys.renew_all(since=swift.clock.now)
        assert (done.people, done.failed) == (2, ((people[1], "chain-broken"),))
        assert states(swift, people[1]) == [ACTIVE]


def ask_same(house: House, about: SubjectId) -> bool:
    return bool(house.ask(about))


class TestEpochs:
    """Key epochs through the keeper."""

    def test_a_rotation_from_end_to_end(self, house: House) -> None:
        """New epoch, rows moved, old epoch destroyed; everybody reads, in a running process too."""
        people = [house.anna(fields={"email": f"p{n}@example.com"}) for n in range(3)]
        other = beside(house)
        for about in people:
            values(other, about)
        keys = house.keeper.keys
        assert keys.rotate().waiting == 3
        told: list[int] = []
        assert keys.rewrap(batch=2, progress=told.append).rows == 3
        assert sum(told) == 3
        with pytest.raises(RotationTooEarly):
            keys.destroy("k1")
        house.clock.now += TTL
        keys.destroy("k1")
        assert keys.status().waiting == 0
        assert epochs(house)["k1"] is DESTROYED
        for each in (house, other, beside(house)):
            for n, about in enumerate(people):
                assert values(each, about) == {"email": f"p{n}@example.com"}

    @pytest.mark.parametrize("deed", ["add", "import", "hold", "many", "erase", "collect"])
    def test_whoever_has_not_heard_of_the_end_of_an_epoch_writes_all_the_same(
        self, house: House, deed: str
    ) -> None:
        """The commit is refused whole, the epochs are read again, and the write is made anew.

        Even when clocks were set so that the wait was over too early.
        """
        anna = house.anna()
        other = beside(house)
        values(other, anna)
        assert other.keeper.find(email=EMAIL) == (anna,)
        keys = house.keeper.keys
        keys.rotate(terms=True)
        keys.rewrap()
        house.clock.now += TTL
        assert keys.reindex_terms().people == 1
        keys.destroy("k1")
        keys.destroy("i1")
        new = NewPerson(
            kind=SubjectKind.CONSUMER, fields={"email": "new@example.com"}, source="contact-form"
        )
        if deed == "add":
            other.keeper.add_person("consumer", {"email": "new@example.com"}, source="contact-form")
        elif deed == "import":
            other.keeper.add_people([new])
        elif deed == "hold":
            other.keeper.record(anna, retention.hold("case-1", reason="a claim"))
            assert [row.on_hold for row in house.store.keys(anna)] == [True]
        elif deed == "many":
            act = data.collect({"email": "new@example.com"}, source="contact-form")
            other.keeper.record_many((a, [act]) for a in [anna])
        elif deed == "collect":
            act = data.collect({"email": "new@example.com"}, source="contact-form")
            other.keeper.record(anna, act)
        else:
            plan = other.keeper.plan(anna, retention.erasure(reason="unlawful", reference="r-1"))
            other.keeper.apply(plan, approve=plan.digest)
        fresh = beside(house)
        if deed not in ("hold", "erase"):
            assert fresh.keeper.find(email="new@example.com")
        for about in fresh.keeper.people():
            fresh.keeper.verify(about)
            if deed != "erase":
                assert values(fresh, about)
        assert {row.kek_id for row in house.store.key_rows(limit=9)} <= {"k2"}

    def test_an_epoch_that_is_gone_for_good_is_told(self, swift: House) -> None:
        """Reading the epochs again cures a stale process, not a lost person."""
        anna = swift.anna()
        swift.keeper.keys.rotate()
        store: Any = swift.store
        name = (EpochKind.KEK, "k1")
        gone = attrs.evolve(store._epochs[name], state=DESTROYED, wrapped=b"")
        store._epochs[name] = gone
        fresh = beside(swift)
        with pytest.raises(KeyEpochDestroyed):
            fresh.keeper.read(anna)
        act = data.collect({"title": "x"}, source="contact-form")
        with pytest.raises(KeyEpochDestroyed):
            fresh.keeper.record(anna, act)


class TestTerms:
    """Look-up terms move from one epoch to the next."""

    def test_people_are_found_throughout(self, house: House) -> None:
        """Before, between and after; by processes old and new; customer file and marketing."""
        moved = house.moved()
        house.clock.now = moment(2026, 5, 1)
        plain = house.anna(fields={"email": "p1@example.com"})
        other = beside(house)

        def found() -> None:
            for each in (house, other, beside(house)):
                assert each.keeper.find(email=EMAIL) == (moved,)
                assert each.keeper.find(email="p1@example.com") == (plain,)

        found()
        keys = house.keeper.keys
        envelope = envelopes(house, moved)
        line = house.keeper.line(moved)
        status = keys.rotate(terms=True)
        assert [e.epoch for e in status.epochs if e.old] == ["k1", "i1"]
        found()
        with pytest.raises(RotationTooEarly, match="i1"):
            keys.reindex_terms()
        house.clock.now += TTL
        other.keeper._bench.keys.refresh()  # as the time to live has passed
        told: list[int] = []
        done = keys.reindex_terms(progress=told.append)
        assert (done.people, done.passed, done.failed, told) == (2, 0, (), [1, 1])
        found()
        again = keys.reindex_terms()
        assert (again.people, again.passed) == (0, 2)
        assert house.store.hanging()["i1"] == 0
        keys.destroy("i1")
        found()
        assert envelopes(house, moved) == envelope
        assert house.keeper.line(moved) == line
        house.keeper.verify(moved)
        with pytest.raises(AlreadyKnown):
            house.keeper.add_person("consumer", {"email": EMAIL}, source="contact-form")

    def test_a_term_that_the_register_no_longer_asks_for_goes(self, swift: House) -> None:
        """What is no look-up any more hangs on no new epoch, and holds the old one no longer."""
        anna = swift.anna()
        register = jot()
        email = FieldId("email")
        fields = {**register.fields, email: attrs.evolve(register.fields[email], lookup=False)}
        poorer = RecordKeeper(
            attrs.evolve(register, fields=fields),
            store=swift.store,
            keys=provider(),
            clock=swift.clock,
        )
        poorer.keys.rotate(terms=True)
        swift.clock.now += TTL
        assert poorer.keys.reindex_terms().people == 1
        assert swift.store.terms(anna) == {}
        poorer.keys.destroy("i1")

    def test_an_erased_person_has_no_terms_and_is_passed_over(self, house: House) -> None:
        """Erasure took them with the values; the sweep goes on."""
        anna = house.anna(fields={"email": EMAIL})
        plan = house.keeper.plan(anna, retention.erasure(reason="unlawful", reference="r-1"))
        house.keeper.apply(plan, approve=plan.digest)
        house.keeper.keys.rotate(terms=True)
        house.clock.now += TTL
        done = house.keeper.keys.reindex_terms()
        assert (done.people, done.passed, done.failed) == (0, 1, ())


def _renew(keys: KeyCare, since: datetime) -> None:
    keys.renew_all(since=since)


def _reindex(keys: KeyCare, _since: datetime) -> None:
    keys.reindex_terms()


def _destroy(keys: KeyCare, _since: datetime) -> None:
    keys.destroy_all_old_versions(columns_renewed=True)


@pytest.mark.parametrize("deed", [_renew, _reindex, _destroy], ids=["renew", "reindex", "destroy"])
def test_d32_dying_before_any_statement_loses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: Callable[[KeyCare, datetime], None]
) -> None:
    """For every statement of the sweep: killed before it, everybody reads; resumed, it ends."""
    file = tmp_path / "people.db"
    with SqliteStore(file) as store:
        house = house_on(store)
        people = [house.anna(fields={"email": f"p{n}@example.com"}) for n in range(2)]
        if deed is _destroy:
            for about in people:
                house.keeper.keys.renew(about)
        elif deed is _reindex:
            house.keeper.keys.rotate(terms=True)
        store.settle()
    begun = house.clock.now + timedelta(days=1)
    raw = file.read_bytes()
    statement, died = 0, True
    while died:
        statement += 1
        copy = tmp_path / f"{statement}.db"
        copy.write_bytes(raw)
        with SqliteStore(copy) as store:
            running = house_on(store)
            running.clock.now = begun
            for about in people:
                values(running, about)
            died = False
            with dying(monkeypatch, statement):
                try:
                    deed(house_at(store, begun).keeper.keys, begun)
                except Died:
                    died = True
            for each in (running, house_at(store, begun)):
                for n, about in enumerate(people):
                    assert values(each, about) == {"email": f"p{n}@example.com"}
                    assert each.keeper.find(email=f"p{n}@example.com") == (about,)
                    each.keeper.verify(about)
            deed(house_at(store, begun).keeper.keys, begun)
            wanted: dict[Any, list[KeyState]] = {
                _renew: [RETIRED, ACTIVE],
                _reindex: [ACTIVE],
                _destroy: [DESTROYED, ACTIVE],
            }
            assert [states(running, about) for about in people] == [wanted[deed]] * 2
            if deed is _reindex:
                assert store.hanging() == {"k1": 2, "k2": 0, "i1": 0, "i2": 2}
            for n, about in enumerate(people):
                assert values(running, about) == {"email": f"p{n}@example.com"}
    assert statement > 10


def house_at(store: SqliteStore, now: datetime) -> House:
    house = house_on(store)
    house.clock.now = now
    return house
