"""The keeper on each kind of store: record, ask, find, read, verify; keys, races, past moments."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.keeper.support import (
    EMAIL,
    House,
    evidence,
    house_on,
    jot,
    moment,
    provider,
    relevance,
)

from gdprkit import RecordKeeper, connection, consent, data, marketing, requests, retention
from gdprkit.errors import NotPossibleNow, PositionTaken
from gdprkit.facts.objection import MarketingObjection
from gdprkit.keeper.applying import Applied
from gdprkit.policy.decisions import NotAllowed, Outcome
from gdprkit.storage import MemoryStore, SqliteStore
from gdprkit.storage.protocol import Batch, Store
from gdprkit.words.identifiers import CaseId, FieldId, SubjectId
from gdprkit.words.vocabulary import FilingSystem


def test_a_person_is_added_found_and_read(house: House) -> None:
    """What was put in comes back, redacted until revealed, and the person is found by address."""
    anna = house.customer()
    assert house.keeper.find(email=EMAIL.upper()) == (anna,)
    assert house.keeper.find(email="nobody@example.com") == ()
    read = house.keeper.read(anna)
    assert read["email"].reveal() == EMAIL  # type: ignore[index]
    assert read["invoices"].reveal() == ["2025-017"]  # type: ignore[index]
    assert set(house.keeper.read(anna, "name")) == {"name"}
    house.keeper.verify(anna)
    assert list(house.keeper.people()) == [anna]


def test_nothing_of_a_value_stands_on_the_line(house: House) -> None:
    """Entries name values by slot and hash; the values lie in the vault, sealed."""
    anna = house.customer()
    for entry in house.store.line(anna):
        assert b"anna" not in entry.body.lower()


def test_a_person_without_data_can_get_some_later(house: House) -> None:
    """Every person has a key from the first entry, also one whose first value comes later."""
    somebody = house.keeper.add_person("consumer", {}, source="contact-form")
    assert house.keeper.read(somebody) == {}
    house.keeper.record(somebody, data.collect({"name": "Anna"}, source="contact-form"))
    assert house.keeper.read(somebody)["name"].reveal() == "Anna"  # type: ignore[index]


def test_two_fields_of_one_person_may_hold_one_address(tmp_path: Path) -> None:
    """A person is no duplicate of themselves."""
    register = jot()
    second = attrs.evolve(register.field(FieldId("email")), id=FieldId("billing-email"))
    two = attrs.evolve(register, fields={**register.fields, second.id: second})
    with SqliteStore(tmp_path / "two.db") as store:
        house = house_on(store, two)
        anna = house.anna(fields={"email": EMAIL, "billing-email": EMAIL})
        assert house.keeper.find(billing_email=EMAIL) == (anna,)


def test_a_correction_takes_the_place_of_the_value(house: House) -> None:
    """After a rectification only the corrected value is read and found (Art. 16)."""
    anna = house.customer()
    house.keeper.record(anna, data.rectify({"email": "anna.new@example.com"}, source="employer"))
    assert house.keeper.read(anna, "email")["email"].reveal() == "anna.new@example.com"  # type: ignore[index]
    assert house.keeper.find(email="anna.new@example.com") == (anna,)
    assert house.keeper.find(email=EMAIL) == ()
    house.keeper.verify(anna)


def closed_case(house: House, about: SubjectId) -> CaseId:
    """Open a request and let the person withdraw it: no step is possible after that."""
    case = house.keeper.record(about, requests.receive(right="access", channel="email")).case
    assert case is not None
    house.keeper.record(about, requests.withdraw(case))
    return case


def test_several_acts_are_one_commit(house: House) -> None:
    """When the last of three acts is refused none of them is recorded."""
    anna = house.customer()
    closed = closed_case(house, anna)
    before = house.keeper.line(anna)
    with pytest.raises(NotPossibleNow, match="it is closed"):
        house.keeper.record(
            anna,
            data.note("adult"),
            data.collect({"name": "Anna Again"}, source="agreement"),
            requests.fulfil(closed, sent="letter-1"),
        )
    assert house.keeper.line(anna) == before
    assert house.keeper.read(anna, "name")["name"].reveal() == "Anna Example"  # type: ignore[index]


def test_an_act_recorded_twice_under_one_key_is_recorded_once(house: House) -> None:
    """The second call stores nothing and answers with the first receipt, its request included."""
    anna = house.customer()
    first = house.keeper.record(anna, requests.receive(right="access", channel="email"), key="m-1")
    line = house.keeper.line(anna)
    again = house.keeper.record(anna, requests.receive(right="access", channel="email"), key="m-1")
    assert house.keeper.line(anna) == line
    assert (again.repeated, again.case) == (True, first.case)
    assert again.positions[0] == first.positions[0]
    other = house.keeper.record(anna, data.note("adult"), key="m-2")
    assert not other.repeated


def test_a_key_belongs_to_one_person(house: House) -> None:
    """The same key about somebody else is another act."""
    anna = house.customer()
    other = house.keeper.add_person("consumer", {}, source="contact-form")
    house.keeper.record(anna, data.note("adult"), key="m-1")
    assert not house.keeper.record(other, data.note("adult"), key="m-1").repeated


def test_record_many_is_all_or_nothing(house: House) -> None:
    """Acts about several people are one commit."""
    anna = house.customer()
    other = house.keeper.add_person("consumer", {}, source="contact-form")
    receipts = house.keeper.record_many([(anna, [data.note("adult")]), (other, [relevance()])])
    assert [r.about for r in receipts] == [anna, other]
    closed = closed_case(house, other)
    before = [house.keeper.line(one) for one in (anna, other)]
    with pytest.raises(NotPossibleNow):
        house.keeper.record_many(
            [(anna, [data.note("minor")]), (other, [requests.fulfil(closed, sent="letter-1")])]
        )
    assert [house.keeper.line(one) for one in (anna, other)] == before


# --- races ---------------------------------------------------------------------------------------


class Overtaken:
    """A store in which somebody else commits first, so many times."""

    def __init__(self, store: Store, rival: Callable[[], object], times: int) -> None:
        self._store, self._rival, self._times = store, rival, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, *batches: Batch) -> None:
        if self._times:
            self._times -= 1
            self._rival()
        self._store.commit(*batches)


def overtaken(house: House, rival: Callable[[], object], times: int) -> RecordKeeper:
    store: Any = Overtaken(house.store, rival, times)
    return RecordKeeper(jot(), store=store, keys=provider(), clock=house.clock)


@pytest.mark.parametrize("times", [1, 3])
def test_a_lost_race_is_run_again(house: House, times: int) -> None:
    """Whoever is overtaken reads again, decides again and appends behind the other."""
    anna = house.customer()
    slow = overtaken(house, lambda: house.keeper.record(anna, data.note("adult")), times)
    receipt = slow.record(anna, data.note("safety-ban"))
    assert receipt.positions == (len(house.keeper.line(anna)),)
    house.keeper.verify(anna)


def test_whoever_is_overtaken_for_ever_gives_up(house: House) -> None:
    """After a handful of lost races PositionTaken reaches the caller, and nothing was stored."""
    anna = house.customer()
    slow = overtaken(house, lambda: house.keeper.record(anna, data.note("adult")), 100)
    with pytest.raises(PositionTaken):
        slow.record(anna, data.note("safety-ban"))
    assert not house.keeper.standing(anna).data.circumstances[1:]


def test_a_race_under_one_key_ends_in_one_act(house: House) -> None:
    """Two workers with the same message: the slower one gets the first one's receipt."""
    anna = house.customer()
    act = requests.receive(right="access", channel="email")
    won = []
    slow = overtaken(house, lambda: won.append(house.keeper.record(anna, act, key="m-1")), 1)
    lost = slow.record(anna, act, key="m-1")
    assert lost.repeated
    assert lost.case == won[0].case
    assert len(house.keeper.standing(anna).request.cases) == 1


def test_an_erasure_in_between_reaches_the_act_that_lost(house: House) -> None:
    """The loser decides again on the line as it stands then, not on what it had read."""
    anna = house.anna(fields={"name": "Anna Example"})
    plan = house.keeper.plan(anna, retention.erasure(reason="unlawful", reference="r-1"))
    assert plan.erases_person
    slow = overtaken(house, lambda: house.keeper.apply(plan, approve=plan.digest), 1)
    with pytest.raises(NotAllowed):
        slow.record(anna, data.note("adult"))


def test_two_threads_lose_nothing(house: House) -> None:
    """Two threads recording about one person leave every act on one whole line."""
    anna = house.customer()
    before = len(house.keeper.line(anna))
    failures: list[BaseException] = []

    def work(circumstance: str) -> None:
        try:
            for _ in range(10):
                _until_recorded(house.keeper, anna, circumstance)
        except BaseException as error:  # noqa: BLE001  # told by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(c,)) for c in ("adult", "minor")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(house.keeper.line(anna)) == before + 20
    house.keeper.verify(anna)


def _until_recorded(keeper: RecordKeeper, about: SubjectId, circumstance: str) -> None:
    while True:
        try:
            keeper.record(about, data.note(circumstance))
        except PositionTaken:  # eight times in a row; it says that trying again may help
            continue
        return


# --- the past ------------------------------------------------------------------------------------


def test_the_past_is_asked_as_it_was_and_as_it_was_known(house: House) -> None:
    """``at`` is as of a moment; ``known_by`` leaves out what was typed in later."""
    anna = house.customer()
    written = moment(2024, 9, 1)
    said = moment(2024, 7, 1)
    house.clock.now = written
    house.keeper.record(anna, marketing.object_to(via="letter", at=said))
    assert house.ask(anna).outcome is Outcome.FORBIDDEN
    assert house.ask(anna, at=said - timedelta(days=1))
    assert house.ask(anna, at=said).outcome is Outcome.FORBIDDEN
    assert house.ask(anna, at=said, known_by=written - timedelta(days=1))
    assert not house.keeper.standing(anna, at=said - timedelta(days=1)).objection.stops
    assert house.keeper.standing(anna, at=said).objection.stops


def test_an_answer_about_the_past_does_not_change_when_the_person_is_erased(house: House) -> None:
    """«What did you know then» is answered from the line, which outlives the values."""
    anna = house.customer()
    then = house.clock.now
    house.clock.now = moment(2025, 1, 1)
    erase(house, anna)
    assert house.ask(anna, at=then).outcome is Outcome.ALLOWED
    assert house.ask(anna).outcome is Outcome.FORBIDDEN


def erase(house: House, about: SubjectId) -> Applied:
    plan = house.keeper.plan(about, retention.erasure(reason="unlawful", reference="r-1"))
    return house.keeper.apply(plan, approve=plan.digest)


# --- standing, marks, reopening ------------------------------------------------------------------


def test_reindex_makes_the_same_standing_and_marks_again(house: House) -> None:
    """Standing and marks are rebuilt from the line and come out the same."""
    anna = house.moved()
    standing = house.keeper.standing(anna)
    waking = list(house.keeper.waking(moment(2090, 1, 1)))
    house.keeper.reindex_person(anna)
    assert house.keeper.standing(anna) == standing
    assert list(house.keeper.waking(moment(2090, 1, 1))) == waking
    assert list(house.keeper.people(tag="status:marketing")) == [anna]
    assert list(house.keeper.people(tag="status:active")) == []


def test_a_store_is_opened_again_as_it_was_left(tmp_path: Path) -> None:
    """After a restart everything answers as before, values included."""
    path = tmp_path / "people.db"
    with SqliteStore(path) as store:
        house = house_on(store)
        anna = house.moved()
        left = house.keeper.standing(anna), house.ask(anna), house.keeper.line(anna)
        clock = house.clock
    with SqliteStore(path) as store:
        keeper = RecordKeeper(jot(), store=store, keys=provider(), clock=clock)
        again = House(keeper=keeper, store=store, clock=clock)
        assert (keeper.standing(anna), again.ask(anna), keeper.line(anna)) == left
        assert keeper.read(anna, "email")["email"].reveal() == EMAIL  # type: ignore[index]
        keeper.verify(anna)


def test_asking_changes_nothing(house: House) -> None:
    """Questions, plans and answers write no entry."""
    anna = house.ended()
    before = house.keeper.line(anna)
    house.ask(anna)
    house.keeper.plan(anna, connection.after_end())
    house.keeper.ask(anna, consent.has_consent("newsletter", "email"))
    house.keeper.ask(anna, marketing.may_move())
    house.keeper.ask(anna, data.may_process("customer-care"))
    house.keeper.ask(anna, data.may_disclose("storage-partners", purpose="customer-care"))
    house.keeper.ask(anna, data.may_transfer("usa", purpose="website-operation"))
    assert house.keeper.line(anna) == before


def test_disclosure_and_transfer_are_asked_of_the_keeper(house: House) -> None:
    """Both questions are answered about a person, with what the published policy leaves unknown."""
    anna = house.customer()
    disclosed = house.keeper.ask(
        anna, data.may_disclose("storage-partners", purpose="customer-care", fields=["email"])
    )
    assert disclosed.question == "may_disclose"
    assert {"contract-missing", "recipient-country-unknown"} <= disclosed.codes
    sent = house.keeper.ask(anna, data.may_transfer("usa", purpose="website-operation"))
    assert (sent.question, sent.about) == ("may_transfer", anna)
    assert "transfer-incomplete" in sent.codes
    with pytest.raises(NotAllowed):
        sent.require()


def test_an_access_request_is_answered_with_every_filing_system(
    house: House, tmp_path: Path
) -> None:
    """The answer holds the register entry, the archive, the request, the move and the rights."""
    anna = house.moved()
    receipt = house.keeper.record(
        anna, requests.receive(right="access", channel="email", text="What do you hold?")
    )
    assert receipt.case is not None
    bundle = house.keeper.answer(anna, receipt.case)
    assert set(bundle.values) == {
        FilingSystem.MARKETING,
        FilingSystem.ARCHIVE,
        FilingSystem.REQUESTS,
    }
    written = bundle.write(tmp_path / "answer")
    text = "".join(path.read_text(encoding="utf-8") for path in written)
    assert EMAIL in text
    assert "What do you hold?" in text
    assert {what for _, what in bundle.history} >= {"moved to marketing", "archived"}


def test_who_is_in_the_register_can_be_found(house: House) -> None:
    """After the move the person is found by the address in the register: to stop, ask, order."""
    anna = house.moved()
    assert house.keeper.find(email=EMAIL) == (anna,)
    house.keeper.record(anna, marketing.object_to(via="email"))
    assert house.keeper.find(email=EMAIL) == ()


def test_a_stop_in_a_request_is_a_stop_at_once(house: House) -> None:
    """A request to be left alone closes marketing the moment it is received (R-508, R-510)."""
    anna = house.customer()
    house.keeper.record(anna, consent.give("newsletter", evidence=evidence()))
    house.keeper.record(anna, requests.receive(right="objection-to-marketing", channel="email"))
    assert any(isinstance(e.fact, MarketingObjection) for e in house.keeper.line(anna))
    assert house.ask(anna).outcome is Outcome.FORBIDDEN


def test_stores_keep_apart_what_is_apart() -> None:
    """Two stores share nothing but the code."""
    with MemoryStore() as one, MemoryStore() as two:
        house_on(one).customer()
        assert list(two.people()) == []


def test_a_padded_field_hides_the_length_of_its_values(house: House) -> None:
    """Two words of one field take the same room where the register pads it, moved or renewed."""
    fields = dict(house.keeper.register.fields)
    name = FieldId("name")
    fields[name] = attrs.evolve(fields[name], pad=32)
    padded = attrs.evolve(house.keeper.register, fields=fields)
    keeper = RecordKeeper(padded, store=house.store, keys=provider(), clock=house.clock)
    for given in ("Li", "Anna Maria von Beispiel"):
        about = keeper.add_person("consumer", {"name": given}, source="contact-form")
        assert keeper.read(about)[name].reveal() == given
        keeper.keys.renew(about)
        assert keeper.read(about)[name].reveal() == given
        [held] = keeper.standing(about).data.values
        [envelope] = house.store.values(about, [held.slot]).values()
        assert len(envelope) == 50 + 1 + 32
