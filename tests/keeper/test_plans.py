"""Plans carried out: exactly as approved, or not at all; what is kept and what never comes back."""

from __future__ import annotations

from datetime import date, timedelta

import attrs
import pytest
from tests.keeper.support import EMAIL, House, evidence, house_on, jot, moment

from gdprkit import connection, consent, data, marketing, requests, retention
from gdprkit.errors import AlreadyKnown, PlanStale, UnknownPurpose
from gdprkit.facts.retention import MovedToMarketing
from gdprkit.policy.decisions import Outcome
from gdprkit.policy.plan import PlanAction
from gdprkit.sealing.errors import SubjectErased
from gdprkit.state.connection import ConnectionStatus
from gdprkit.storage import MemoryStore
from gdprkit.words.identifiers import FieldId
from gdprkit.words.vocabulary import Channel, FilingSystem

ERASURE = retention.erasure(reason="consent-withdrawn", reference="r-1")


# --- approval and staleness ----------------------------------------------------------------------


def test_a_plan_is_carried_out_exactly(house: House) -> None:
    """The move does to each value what the plan showed, in one commit, and says so."""
    anna = house.ended()
    plan = house.keeper.plan(anna, connection.after_end())
    done = house.keeper.apply(plan, approve=plan.digest)
    assert done.plan == plan.digest
    assert {action: done.done[action] for action in PlanAction} == {
        action: len(plan.of(action)) for action in PlanAction
    }
    held = house.keeper.standing(anna).data
    for filing, action in (
        (FilingSystem.MARKETING, PlanAction.MOVE),
        (FilingSystem.ARCHIVE, PlanAction.ARCHIVE),
    ):
        assert sorted(v.field for v in held.held(filing)) == sorted(
            i.field for i in plan.of(action)
        )
    assert not held.held(FilingSystem.CUSTOMER)
    moved = [e.fact for e in house.keeper.line(anna) if isinstance(e.fact, MovedToMarketing)]
    assert [fact.plan for fact in moved] == [plan.digest]
    house.keeper.verify(anna)


def test_planning_changes_nothing_and_gives_the_same_again(house: House) -> None:
    """The same moment and facts give the same digest."""
    anna = house.ended()
    line = house.keeper.line(anna)
    first = house.keeper.plan(anna, connection.after_end())
    assert house.keeper.plan(anna, connection.after_end()).digest == first.digest
    assert house.keeper.line(anna) == line


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda h, a: h.keeper.record(a, marketing.object_to(via="email")),
        lambda h, a: h.keeper.record(a, data.note("adult")),
        lambda h, a: h.keeper.record(a, data.collect({"name": "Anna"}, source="agreement")),
        lambda h, a: setattr(h.clock, "now", h.clock.now + timedelta(days=900)),
    ],
    ids=["stop", "fact", "value", "time"],
)
def test_a_plan_is_stale_when_anything_has_changed(house: House, meanwhile: object) -> None:
    """A stop, a fact, a value or the time that passed: the old approval carries nothing out."""
    anna = house.ended()
    plan = house.keeper.plan(anna, connection.after_end())
    meanwhile(house, anna)  # type: ignore[operator]
    line = house.keeper.line(anna)
    with pytest.raises(PlanStale):
        house.keeper.apply(plan, approve=plan.digest)
    assert house.keeper.line(anna) == line


def test_a_plan_is_carried_out_once(house: House) -> None:
    """The second application of the same plan is stale."""
    anna = house.ended()
    plan = house.keeper.plan(anna, connection.after_end())
    house.keeper.apply(plan, approve=plan.digest)
    with pytest.raises(PlanStale):
        house.keeper.apply(plan, approve=plan.digest)


def test_a_changed_plan_is_another_plan(house: House) -> None:
    """What was shown is what is approved: an altered plan has another digest and is not ours."""
    anna = house.ended()
    plan = house.keeper.plan(anna, connection.after_end())
    kept = tuple(attrs.evolve(item, action=PlanAction.KEEP) for item in plan.items)
    altered = attrs.evolve(plan, items=kept)
    assert altered.digest != plan.digest
    with pytest.raises(PlanStale):
        house.keeper.apply(altered, approve=altered.digest)


def test_a_plan_with_nothing_to_do_does_nothing(house: House) -> None:
    """Applying a plan that only keeps writes no entry."""
    anna = house.customer()
    plan = house.keeper.plan(anna, retention.due())
    assert not plan.has_work
    line = house.keeper.line(anna)
    assert not house.keeper.apply(plan, approve=plan.digest).person_erased
    assert house.keeper.line(anna) == line


# --- after the move ------------------------------------------------------------------------------


def test_after_the_move_the_contact_is_allowed_until_the_entry_expires(house: House) -> None:
    """A mail inside the register's period is allowed, one after it is not (R-406)."""
    anna = house.moved()
    answer = house.ask(anna)
    assert answer.cell == "M-EM/FB2B/N"
    assert answer
    expires = house.keeper.standing(anna).connection.marketing_expires
    assert expires is not None
    house.clock.now = moment(expires.year, expires.month, expires.day, 20)
    assert house.ask(anna)
    house.clock.now += timedelta(hours=12)
    assert "register-entry-expired" in house.ask(anna).codes


def test_an_objection_after_the_move_empties_the_register_the_same_day(house: House) -> None:
    """The entry ends and its values are gone at once; the archive stays under its rule (R-412)."""
    anna = house.moved()
    house.keeper.record(anna, marketing.object_to(via="email"))
    held = house.keeper.standing(anna).data
    assert not held.held(FilingSystem.MARKETING)
    assert held.held(FilingSystem.ARCHIVE)
    assert house.ask(anna).outcome is Outcome.FORBIDDEN
    assert house.keeper.standing(anna).status is ConnectionStatus.ARCHIVE


def test_an_objection_to_mail_takes_the_address_and_leaves_the_rest(house: House) -> None:
    """A stop for one channel erases its contact point from the register and no more (T5, T9)."""
    about = house.anna(fields={"email": EMAIL, "address": "Esimerkkikatu 1", "name": "Anna"})
    from tests.keeper.support import relevance

    house.keeper.record(about, connection.start(reference="c-1"), relevance())
    house.clock.now = moment(2026, 4, 2)
    house.keeper.record(
        about, connection.end(on=date(2026, 3, 31), cause="contract-end", evidence="e-1")
    )
    plan = house.keeper.plan(about, connection.after_end())
    house.keeper.apply(plan, approve=plan.digest)
    house.keeper.record(about, marketing.object_to(via="email", channels=["email"]))
    fields = {v.field for v in house.keeper.standing(about).data.held(FilingSystem.MARKETING)}
    assert "email" not in fields
    assert "address" in fields
    assert house.ask(about, "email").outcome is Outcome.FORBIDDEN


def test_a_new_order_brings_the_person_back_and_keeps_the_stop(house: House) -> None:
    """After a re-connection the contract is served and marketing stays blocked (R-411, 4.2)."""
    anna = house.moved()
    house.keeper.record(anna, marketing.object_to(via="email"))
    house.clock.now = moment(2027, 6, 1)
    house.keeper.record(anna, connection.start(reference="order-2"))
    assert house.keeper.standing(anna).status is ConnectionStatus.ACTIVE
    assert house.keeper.standing(anna).connection.marketing_expires is None
    assert house.ask(anna).outcome is Outcome.FORBIDDEN


def test_a_new_order_of_somebody_in_the_register_keeps_their_data(house: House) -> None:
    """The entry is merged back into the customer file; nothing has to be asked again (R-411)."""
    anna = house.moved()
    with pytest.raises(AlreadyKnown):
        house.anna(fields={"email": EMAIL})
    house.keeper.record(anna, connection.start(reference="order-2"))
    held = house.keeper.standing(anna).data
    assert not held.held(FilingSystem.MARKETING)
    assert {v.field for v in held.held(FilingSystem.CUSTOMER)} >= {"email", "name"}
    assert house.keeper.read(anna, "email")["email"].reveal() == EMAIL  # type: ignore[index]
    house.keeper.verify(anna)


def test_a_new_order_brings_nothing_back_of_an_entry_that_has_ended(house: House) -> None:
    """What a hold alone kept after an objection is not restored into live use (R-411)."""
    anna = house.moved()
    house.keeper.record(anna, retention.hold("dispute-1", reason="a claim is pending"))
    house.keeper.record(anna, marketing.object_to(via="email"))
    assert house.keeper.standing(anna).data.held(FilingSystem.MARKETING)
    house.clock.now += timedelta(days=1)
    house.keeper.record(anna, retention.lift_hold("dispute-1"))
    house.keeper.record(anna, connection.start(reference="order-2"))
    data_held = house.keeper.standing(anna).data
    assert not data_held.held(FilingSystem.MARKETING)
    assert not data_held.held(FilingSystem.CUSTOMER)


# --- erasure -------------------------------------------------------------------------------------


def erased(house: House) -> object:
    anna = house.anna(fields={"email": EMAIL, "name": "Anna Example"})
    house.clock.now += timedelta(days=1)
    plan = house.keeper.plan(anna, ERASURE)
    assert plan.erases_person
    assert house.keeper.apply(plan, approve=plan.digest).person_erased
    return anna


def test_an_erasure_destroys_the_key_and_leaves_a_line_that_verifies(house: House) -> None:
    """No value can be opened or found any more; what was done stays provable."""
    anna = erased(house)
    with pytest.raises(SubjectErased):
        house.keeper.read(anna)  # type: ignore[arg-type]
    assert house.keeper.find(email=EMAIL) == ()
    house.keeper.verify(anna)  # type: ignore[arg-type]
    standing = house.keeper.standing(anna)  # type: ignore[arg-type]
    assert standing.status is ConnectionStatus.ERASED
    assert not standing.data.values
    assert not standing.anomalies


def test_an_erased_person_is_not_brought_back_by_an_import(house: House) -> None:
    """Added anew, the same address meets the suppression and may not be contacted (R-312)."""
    erased(house)
    house.clock.now += timedelta(days=30)
    again = house.anna(fields={"email": f" {EMAIL.upper()}"})
    answer = house.ask(again)
    assert answer.outcome is Outcome.FORBIDDEN
    assert answer.codes & {"objected", "suppressed"}


def test_erasing_twice_erases_once(house: House) -> None:
    """The plan for an erased person has nothing to do, and is no anomaly."""
    anna = erased(house)
    plan = house.keeper.plan(anna, ERASURE)  # type: ignore[arg-type]
    assert not plan.has_work
    line = house.keeper.line(anna)  # type: ignore[arg-type]
    house.keeper.apply(plan, approve=plan.digest)
    assert house.keeper.line(anna) == line  # type: ignore[arg-type]


def test_an_erasure_reaches_what_no_duty_keeps(house: House) -> None:
    """After the move the register empties, the invoices stay in the archive until their day."""
    anna = house.moved()
    plan = house.keeper.plan(anna, ERASURE)
    assert not plan.erases_person
    house.keeper.apply(plan, approve=plan.digest)
    held = house.keeper.standing(anna).data
    assert {v.filing for v in held.values} == {FilingSystem.ARCHIVE}
    house.clock.now = moment(2090, 1, 1)
    last = house.keeper.plan(anna, retention.due())
    assert last.erases_person
    assert house.keeper.apply(last, approve=last.digest).person_erased


@pytest.mark.parametrize(
    ("place", "lift", "code"),
    [
        (
            retention.hold("claim-1", reason="dispute about delivery 17"),
            retention.lift_hold("claim-1"),
            "legal-hold",
        ),
        (
            retention.restrict("accuracy-contested"),
            retention.lift_restriction("accuracy-contested", informed=date(2060, 1, 1)),
            "restricted",
        ),
    ],
    ids=["hold", "restriction"],
)
def test_a_hold_and_a_restriction_keep_everything(
    house: House, place: object, lift: object, code: str
) -> None:
    """While one stands nothing is erased whatever is asked; afterwards it can be (17(3)(e), 18)."""
    anna = house.ended()
    house.keeper.record(anna, place)  # type: ignore[arg-type]
    house.clock.now = moment(2060, 1, 1)
    for question in (connection.after_end(), retention.due(), ERASURE):
        plan = house.keeper.plan(anna, question)
        assert {item.action for item in plan.items} == {PlanAction.KEEP}
        assert {item.code for item in plan.items} == {code}
        assert not plan.erases_person
    house.keeper.record(anna, lift)  # type: ignore[arg-type]
    assert house.keeper.plan(anna, retention.due()).of(PlanAction.ERASE)


def test_a_request_for_erasure_stops_marketing_also_under_a_hold(house: House) -> None:
    """The values stay for the claim, the objection in the request counts at once (R-414)."""
    anna = house.customer()
    house.keeper.record(anna, retention.hold("claim-1", reason="dispute about delivery 17"))
    plan = house.keeper.plan(anna, ERASURE)
    held = house.keeper.standing(anna).data.values
    house.keeper.apply(plan, approve=plan.digest)
    assert house.keeper.standing(anna).data.values == held
    assert house.ask(anna).outcome is Outcome.FORBIDDEN
    assert house.keeper.standing(anna).objection.stops


def test_doubt_keeps(house: House) -> None:
    """A value that no declared purpose covers is kept and listed, whatever day it is."""
    about = house.keeper.add_person(
        "consumer",
        {"credit-information": "none", "ip-address": "192.0.2.1"},
        source="credit-register",
    )
    house.clock.now = moment(2060, 1, 1)
    plan = house.keeper.plan(about, retention.due())
    codes: dict[str, tuple[PlanAction, str]] = {
        item.field: (item.action, item.code) for item in plan.items
    }
    purposes = {field: jot().purposes_of(FieldId(field)) for field in codes}
    for field, covering in purposes.items():
        if not covering:
            assert codes[field] == (PlanAction.KEEP, "unclear")
    assert codes["credit-information"][0] is PlanAction.ERASE


def test_consents_end_with_a_withdrawal_and_their_data_follows(house: House) -> None:
    """Thirty days after a newsletter's withdrawal what only it needed is due (R-210)."""
    about = house.keeper.add_person(
        "consumer", {"language": "fi"}, source="contact-form", notice="v7"
    )
    given = evidence(method="double-opt-in", proof=["mail-1"])
    house.keeper.record(about, consent.give("newsletter", evidence=given))
    house.clock.now = moment(2026, 1, 1)
    assert not house.keeper.plan(about, retention.due()).of(PlanAction.ERASE)
    house.keeper.record(about, consent.withdraw("newsletter", via="email"))
    assert house.keeper.standing(about).objection.stops[0].channels == {Channel.EMAIL}
    house.clock.now = moment(2026, 2, 2)
    assert house.keeper.plan(about, retention.due()).of(PlanAction.ERASE)


def test_a_pending_request_for_erasure_stops_the_move(house: House) -> None:
    """While the person waits for an erasure nothing is moved (T5)."""
    anna = house.ended()
    house.keeper.record(anna, requests.receive(right="erasure", channel="email"))
    plan = house.keeper.plan(anna, connection.after_end())
    assert not plan.of(PlanAction.MOVE)


def test_without_any_marketing_the_review_still_erases_and_archives() -> None:
    """Where no marketing is declared, what follows an end is planned: nobody is moved (R-402)."""
    declared = jot()
    purposes = {k: p for k, p in declared.purposes.items() if not p.marketing}
    notices = {
        k: attrs.evolve(n, purposes=set(n.purposes) & purposes.keys(), renews=())
        for k, n in declared.notices.items()
    }
    register = attrs.evolve(
        declared,
        purposes=purposes,
        notices=notices,
        cookies={},
        transfers={},
        logs={},
        marketing_register=None,
    )
    house = house_on(MemoryStore(), register)
    about = house.keeper.add_person(
        "company-contact", {"email": EMAIL, "invoices": ["17"]}, source="contact-form", notice="v7"
    )
    house.keeper.record(about, connection.start(reference="contract-1"))
    assert house.keeper.plan(about, connection.after_end()).waiting_for
    house.clock.now = moment(2026, 1, 3)
    house.keeper.record(
        about, connection.end(on=date(2026, 1, 1), cause="termination", evidence="letter-1")
    )
    plan = house.keeper.plan(about, connection.after_end())
    assert plan.decision is not None
    assert plan.decision.codes >= {"t10-no-register", "t9-no-channel"}
    assert {i.field for i in plan.of(PlanAction.ERASE)} == {"email", "invoices"}
    assert {i.field for i in plan.of(PlanAction.ARCHIVE)} == {"invoices"}
    assert not house.keeper.ask(about, marketing.may_move())
    with pytest.raises(UnknownPurpose):
        house.keeper.ask(about, marketing.may_move("direct-marketing"))
