"""Look-up terms and suppression hashes when their epochs change, and when a person goes."""

from __future__ import annotations

from os import urandom

import attrs
import pytest
from tests.keeper.support import EMAIL, House, house_on, provider, relevance

from gdprkit import marketing, retention
from gdprkit.errors import AlreadyKnown, StoreBusy
from gdprkit.keeper.contacts import INDEXES
from gdprkit.keeper.values import NewPerson
from gdprkit.sealing.epochs import EpochRows
from gdprkit.sealing.errors import KeyEpochDestroyed
from gdprkit.sealing.rows import EpochKind, KeyState
from gdprkit.storage import MemoryStore
from gdprkit.words.identifiers import SubjectId

BO = "bo.example@example.com"


def contact(house: House, mail: str) -> SubjectId:
    """Add a contact with little but a mailbox."""
    return house.keeper.add_person(
        "company-contact",
        {"email": mail},
        source="contact-form",
        notice="v7",
        acts=[relevance()],
    )


def erase(house: House, about: SubjectId) -> None:
    plan = house.keeper.plan(about, retention.erasure(reason="objected", reference="case-1"))
    assert house.keeper.apply(plan, approve=plan.digest).person_erased


def next_epoch(house: House, kind: EpochKind) -> House:
    """Add a second epoch of *kind*, and return a house that opens the store anew."""
    rows = EpochRows(provider(), house.store, tenant=house.store.tenant, random=urandom)
    [first] = [row for row in house.store.epochs() if row.kind is kind]
    name = f"{first.epoch[0]}2"
    wrapped = provider().wrap(urandom(32), rows._context(kind, name))
    house.store.add_epoch(attrs.evolve(first, epoch=name, wrapped=wrapped))
    later = house_on(house.store)
    later.clock.now = house.clock.now
    return later


def test_people_are_found_under_the_old_epoch_and_the_new(house: House) -> None:
    """While terms move, a person is found, and not added twice, under whichever epoch."""
    anna = contact(house, EMAIL)
    later = next_epoch(house, EpochKind.INDEX)
    bo = contact(later, BO)
    assert later.keeper.find(email=EMAIL.upper()) == (anna,)
    assert later.keeper.find(email=BO) == (bo,)
    for mail, known in ((EMAIL, anna), (BO, bo)):
        with pytest.raises(AlreadyKnown) as refused:
            contact(later, mail)
        assert refused.value.about == known
    first = later.keeper._bench.keys.terms("lookup/email", BO)
    assert [int.from_bytes(term[:4], "big") for term in first] == [2, 1]
    assert set(later.store.find(first)) == {first[0]}  # written under the newest alone


def test_a_stop_is_met_under_the_old_epoch_and_the_new(house: House) -> None:
    """An objection remembered under an older key of the list still stops the address (R-312)."""
    anna = contact(house, EMAIL)
    house.keeper.record(anna, marketing.object_to(via="email"))
    erase(house, anna)
    later = next_epoch(house, EpochKind.LASTING)
    bo = contact(later, BO)
    later.keeper.record(bo, marketing.object_to(via="email"))
    erase(later, bo)
    for mail in (EMAIL, BO):
        assert not later.ask(contact(later, mail))


def test_two_people_of_one_address_in_the_first_batch_meet() -> None:
    """Also before any epoch exists, one batch does not add the same mailbox twice."""
    house = house_on(MemoryStore(tenant="main"))
    both = [
        NewPerson(kind="company-contact", fields={"email": mail}, source="contact-form")
        for mail in (EMAIL, EMAIL.upper())
    ]
    with pytest.raises(AlreadyKnown):
        house.keeper.add_people(both)


def test_d51_with_every_index_epoch_destroyed_nobody_is_said_to_be_absent(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finding raises when the index key is gone: "nobody" would be another answer."""
    contact(house, EMAIL)
    rows = [
        attrs.evolve(row, state=KeyState.DESTROYED) if row.kind is EpochKind.INDEX else row
        for row in house.store.epochs()
    ]
    monkeypatch.setattr(type(house.store), "epochs", lambda _: rows)
    with pytest.raises(KeyEpochDestroyed, match="i1"):
        house_on(house.store).keeper.find(email=EMAIL)


def test_d51_terms_go_in_the_batch_that_destroys_the_key(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either the person can be read and found, or neither; the one commit decides."""
    anna = contact(house, EMAIL)
    terms = house.keeper._bench.keys.terms("lookup/email", EMAIL)
    plan = house.keeper.plan(anna, retention.erasure(reason="objected", reference="case-1"))

    def refused(*_: object) -> None:
        raise StoreBusy(0.0)

    with monkeypatch.context() as patch:
        patch.setattr(type(house.store), "commit", refused)
        with pytest.raises(StoreBusy):
            house.keeper.apply(plan, approve=plan.digest)
    assert set(house.store.find(terms)) == {terms[0]}
    assert house.keeper.read(anna, "email")
    assert house.keeper.apply(plan, approve=plan.digest).person_erased
    assert dict(house.store.find(terms)) == {}
    assert not house.store.keys(anna)


def test_the_indexes_of_a_keeper_are_pinned() -> None:
    """Their names and normalisers are part of every stored term, so they never change."""
    kinds = {
        "email": "email-v1",
        "phone": "e164-v1",
        "postal-address": "casefold-v1",
        "customer-number": "exact-v1",
    }
    found = {spec.name: spec for spec in INDEXES}
    uses = ("lookup", "lookup-marketing", "suppression")
    assert set(found) == {f"{use}/{kind}" for use in uses for kind in kinds}
    for name, spec in found.items():
        use, kind = name.split("/")
        assert spec.normalisers == (kinds[kind],)
        assert (spec.bits, spec.function) == (128, "hmac-sha256")
        assert spec.lasting is (use == "suppression")
