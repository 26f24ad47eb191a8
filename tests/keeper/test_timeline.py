"""One contact of a buyer day by day: the timeline of part 4.2 of the law paper, on JOT."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.keeper.support import EMAIL, House, moment, relevance

from gdprkit import connection, data, marketing, requests, retention
from gdprkit.policy.decisions import Outcome
from gdprkit.policy.plan import PlanAction
from gdprkit.sealing.errors import SubjectErased
from gdprkit.state.connection import ConnectionStatus
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import FilingSystem

#: What lies in the archive, and its last day (financial year = calendar year).
ARCHIVED = {
    "invoices": date(2031, 12, 31),
    "payments": date(2035, 12, 31),
    "orders": date(2029, 3, 31),
    "agreement": date(2029, 3, 31),
}


def collected(house: House) -> SubjectId:
    """2024-05-14: collected at contract talks, told by notice v7."""
    house.clock.now = moment(2024, 5, 14)
    return house.keeper.add_person(
        "company-contact",
        {
            "email": EMAIL,
            "name": "Anna Example",
            "company": "Example Oy",
            "title": "production manager",
            "language": "fi",
            "product-area": "test systems",
            "agreement": "Agreement 2024-05",
            "message": "Looking forward to it.",
        },
        source="agreement",
        notice="v7",
        acts=[connection.start(reference="contract-2024-05"), relevance()],
    )


def delivered(house: House, anna: SubjectId) -> None:
    """2025-03-31: the last delivery, ordered by her that day; the invoice falls in 2025."""
    house.clock.now = moment(2025, 3, 31)
    house.keeper.record(
        anna,
        data.collect(
            {"orders": ["order-9"], "invoices": ["2025-017"], "payments": ["2025-017 paid"]},
            source="business-dealings",
        ),
        connection.start(reference="order-9"),
    )


def ended(house: House, anna: SubjectId) -> None:
    """2026-03-31: the warranty ends; recorded the next morning."""
    house.clock.now = moment(2026, 4, 1)
    house.keeper.record(
        anna, connection.end(on=date(2026, 3, 31), cause="warranty-end", evidence="warranty-9")
    )


def reminded(house: House, anna: SubjectId) -> None:
    """2026-04-02: a reminder of the move and of the right to object."""
    house.clock.now = moment(2026, 4, 2)
    house.keeper.record(anna, data.give_notice("v7-reminder"))


def moved(house: House, anna: SubjectId) -> None:
    """2026-05-04: all twelve guards pass."""
    house.clock.now = moment(2026, 5, 4)
    plan = house.keeper.plan(anna, connection.after_end())
    assert plan.decision
    house.keeper.apply(plan, approve=plan.digest)


def marketed(house: House) -> SubjectId:
    anna = collected(house)
    delivered(house, anna)
    ended(house, anna)
    reminded(house, anna)
    moved(house, anna)
    return anna


def status(house: House, anna: SubjectId) -> ConnectionStatus:
    return house.keeper.standing(anna).status


def test_active_from_the_first_day(house: House) -> None:
    """2024-05-14: ACTIVE, and marketing to her duties is allowed."""
    anna = collected(house)
    assert status(house, anna) is ConnectionStatus.ACTIVE
    assert house.ask(anna).cell == "M-EM/B2B-R/N"
    assert house.ask(anna)


def test_frozen_while_under_review(house: House) -> None:
    """2026-04-01: ENDED, marketing frozen, the review due at the end of 30 April in Helsinki."""
    anna = collected(house)
    delivered(house, anna)
    ended(house, anna)
    assert status(house, anna) is ConnectionStatus.ENDED
    assert "under-review" in house.ask(anna).codes
    due = moment(2026, 4, 30, 21)  # midnight in Helsinki
    assert list(house.keeper.waking(due - timedelta(microseconds=1))) == []
    assert list(house.keeper.waking(due)) == [anna]


def test_the_reminder_moves_the_end_of_the_review(house: House) -> None:
    """2026-04-02: with a window to 2 May the review is due seven days after it, on 9 May."""
    anna = collected(house)
    delivered(house, anna)
    ended(house, anna)
    reminded(house, anna)
    due = moment(2026, 5, 9, 21)
    assert list(house.keeper.waking(due - timedelta(microseconds=1))) == []
    assert list(house.keeper.waking(due)) == [anna]


def test_nobody_is_moved_before_the_window_of_the_reminder_has_passed(house: House) -> None:
    """2026-05-02 is the last day to object; at midnight in Helsinki the move opens."""
    anna = collected(house)
    delivered(house, anna)
    ended(house, anna)
    reminded(house, anna)
    house.clock.now = moment(2026, 5, 2, 20)
    waiting = house.keeper.plan(anna, connection.after_end())
    assert waiting.waiting_for == ("the objection window to pass",)
    assert not waiting.has_work
    house.clock.now = moment(2026, 5, 2, 21)
    assert house.keeper.plan(anna, connection.after_end()).of(PlanAction.MOVE)


def test_moved_with_what_may_move(house: House) -> None:
    """2026-05-04: MARKETING until 2028-03-31, papers archived each until its day, rest erased."""
    anna = marketed(house)
    assert status(house, anna) is ConnectionStatus.MARKETING
    standing = house.keeper.standing(anna)
    assert standing.connection.marketing_expires == date(2028, 3, 31)
    assert {v.field for v in standing.data.held(FilingSystem.MARKETING)} == {
        "name",
        "company",
        "title",
        "email",
        "language",
        "product-area",
    }
    assert {
        str(v.field): date.fromisoformat(v.until or "")
        for v in standing.data.held(FilingSystem.ARCHIVE)
    } == ARCHIVED
    assert not standing.data.held(FilingSystem.CUSTOMER)
    assert "message" not in {v.field for v in standing.data.values}


def test_a_mail_on_test_systems_in_september(house: House) -> None:
    """2026-09-10: cell M-EM/FB2B/N, allowed with its conditions met."""
    anna = marketed(house)
    house.clock.now = moment(2026, 9, 10)
    answer = house.ask(anna)
    assert answer
    assert answer.cell == "M-EM/FB2B/N"
    assert answer.codes >= {
        "duty-related",
        "assessment-passed",
        "notice-given",
        "in-marketing-register",
        "opt-out-offered",
        "sender-identified",
        "source-known",
    }


def stopped(house: House, anna: SubjectId) -> None:
    """2027-02-10: «please stop» by reply."""
    house.clock.now = moment(2027, 2, 10)
    case = house.keeper.record(
        anna, requests.receive(right="objection-to-marketing", channel="email")
    ).case
    assert case is not None
    deadline = house.keeper.deadline(anna, case)
    assert deadline.safe_due == date(2027, 3, 10)


def test_please_stop_is_honoured_the_same_day(house: House) -> None:
    """2027-02-10: blocked, the entry erased, the address remembered as a hash, told by 10 March."""
    anna = marketed(house)
    stopped(house, anna)
    assert house.ask(anna).outcome is Outcome.FORBIDDEN
    assert not house.keeper.standing(anna).data.held(FilingSystem.MARKETING)
    again = house.anna(fields={"email": EMAIL})
    assert "objected" in house.ask(again).codes


def test_the_same_firm_orders_again(house: House) -> None:
    """2027-06-01: ACTIVE for the contract; marketing stays blocked."""
    anna = marketed(house)
    stopped(house, anna)
    house.clock.now = moment(2027, 6, 1)
    house.keeper.record(anna, connection.start(reference="order-10"))
    assert status(house, anna) is ConnectionStatus.ACTIVE
    assert house.ask(anna).outcome is Outcome.FORBIDDEN


def test_without_a_stop_the_entry_ends_with_its_day(house: House) -> None:
    """2028-03-31 is the last day; the sweep of the next day erases the entry."""
    anna = marketed(house)
    house.clock.now = moment(2028, 3, 31, 20)  # 23.00 in Helsinki
    assert house.ask(anna)
    assert not house.keeper.plan(anna, retention.due()).has_work
    house.clock.now = moment(2028, 3, 31, 21)
    assert not house.ask(anna)
    plan = house.keeper.plan(anna, retention.due())
    assert {i.filing for i in plan.of(PlanAction.ERASE)} == {FilingSystem.MARKETING}
    house.keeper.apply(plan, approve=plan.digest)
    assert status(house, anna) is ConnectionStatus.ARCHIVE


@pytest.mark.parametrize("day", sorted(set(ARCHIVED.values())))
def test_each_paper_goes_the_day_after_its_last(house: House, day: date) -> None:
    """Claims file, vouchers and ledgers end on their own days, and nothing a day early."""
    anna = marketed(house)
    last_noon = moment(day.year, day.month, day.day, 12)
    for at, gone in ((last_noon, False), (last_noon + timedelta(days=1), True)):
        house.clock.now = at
        due = {str(i.field) for i in house.keeper.plan(anna, retention.due()).of(PlanAction.ERASE)}
        ending = {field for field, until in ARCHIVED.items() if until == day}
        assert (ending <= due) is gone


def test_in_2036_nothing_is_left(house: House, tmp_path: Path) -> None:
    """2036-01-01: the last period is over, the person is erased and the key is gone."""
    anna = marketed(house)
    house.clock.now = moment(2036, 1, 1)
    plan = house.keeper.plan(anna, retention.due())
    assert plan.erases_person
    house.keeper.apply(plan, approve=plan.digest)
    assert status(house, anna) is ConnectionStatus.ERASED
    with pytest.raises(SubjectErased):
        house.keeper.read(anna)
    house.keeper.verify(anna)
    assert list(house.keeper.waking(moment(2090, 1, 1))) == []
    house.keeper.record(anna, marketing.object_to(via="letter"))
