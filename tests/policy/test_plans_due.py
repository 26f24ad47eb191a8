"""The plan of what is due, written out in full: what is kept, archived, erased (R-715)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from tests.policy.plans import asked, holding, item, keep, later, live, over, planned
from tests.policy.support import (
    moved,
    sealed,
    with_purpose,
)

from gdprkit.facts.data import (
    DataErased,
    PersonErased,
)
from gdprkit.facts.entry import Fact
from gdprkit.facts.request import RequestReceived, RequestWithdrawn
from gdprkit.facts.retention import Archived, HoldPlaced, MarketingEntryEnded
from gdprkit.policy.plan import Plan, PlanItem
from gdprkit.policy.retention import DueErasure, erasure_blocked, nothing_left, plan_due
from gdprkit.words.identifiers import CaseId, PurposeId
from gdprkit.words.vocabulary import (
    ErasureReason,
    FilingSystem,
    IntakeChannel,
    Right,
)

QUESTION = DueErasure()
CASE = CaseId(sealed("request").slot)
ENTRY = ("email", "name", "address")
MARKETED = FilingSystem.MARKETING
ARCHIVED = Archived(
    values=[sealed("invoices", FilingSystem.ARCHIVE)],
    purpose=PurposeId("bookkeeping"),
    until=date(2026, 3, 31),
)
ENTRY_ENDED = MarketingEntryEnded(reason=ErasureReason.RETENTION_ENDED)


def due(found: Any, *items: PlanItem, **more: Any) -> Plan:
    return planned(found, QUESTION, "due", *items, reason=ErasureReason.RETENTION_ENDED, **more)


def wrote(right: Right = Right.ACCESS) -> RequestReceived:
    text = sealed("message", FilingSystem.REQUESTS)
    return RequestReceived(case=CASE, right=right, channel=IntakeChannel.LETTER, text=text)


def test_nothing_is_due_before_its_day_is_over() -> None:
    """At the last moment of the last day all is kept, each value with its day and its reason."""
    last = datetime(2026, 1, 31, 21, 59, 59, tzinfo=UTC)
    found = asked(over("name", "usage"), at=last)
    assert plan_due(found, QUESTION) == due(
        found,
        item("name", "keep", "under-review", "R-402", until=date(2026, 1, 31)),
        item("usage", "keep", "unclear", "R-117"),
    )


def test_what_is_due_is_archived_for_its_duties_and_erased() -> None:
    """From midnight on; a copy goes to the archive where a duty or a claim still needs it."""
    found = asked(over("name", "invoices", "orders"), at=datetime(2026, 1, 31, 22, tzinfo=UTC))
    gone: dict[str, Any] = {"until": date(2026, 1, 31)}
    assert plan_due(found, QUESTION) == due(
        found,
        item("name", "erase", "under-review", "R-402", **gone),
        item(
            "invoices",
            "archive",
            "legal-obligation",
            "R-408",
            purpose="bookkeeping",
            until=date(2032, 12, 31),
        ),
        item("invoices", "erase", "under-review", "R-402", **gone),
        item(
            "orders", "archive", "legal-claims", "R-408", purpose="claims", until=date(2029, 1, 1)
        ),
        item("orders", "erase", "under-review", "R-402", **gone),
    )


def test_only_the_customer_file_goes_to_the_archive() -> None:
    """What the archive holds is not copied into it once more when its day is over.

    Nor is a value of the register, whatever its field.
    """
    papers = attrs.evolve(moved(date(2026, 3, 31)), values=[sealed("invoices", MARKETED)])
    entry = plan_due(asked([*over(), papers], at=later(90)), QUESTION)
    assert [i.action.value for i in entry.items] == ["erase"]
    found = asked([*over(), ARCHIVED], at=later(90))
    gone = item(
        "invoices",
        "erase",
        "period-fixed",
        "R-408",
        filing=FilingSystem.ARCHIVE,
        until=date(2026, 3, 31),
    )
    assert plan_due(found, QUESTION) == due(found, gone, erases_person=True)


def test_an_entry_whose_day_is_over_ends() -> None:
    """All its values go, the entry ends, and where nothing else is held, so does the person."""
    until = date(2026, 3, 31)
    found = asked([*over(), moved(until)], at=later(90))
    gone = [item(f, "erase", "period-fixed", "R-406", filing=MARKETED, until=until) for f in ENTRY]
    assert plan_due(found, QUESTION) == due(found, *gone, erases_person=True, ends_marketing=True)
    kept = asked([*over("usage"), moved(until)], at=later(90))
    unclear = keep("unclear", "R-117", "usage")
    assert plan_due(kept, QUESTION) == due(kept, *unclear, *gone, ends_marketing=True)


def test_an_entry_that_ended_is_not_ended_again() -> None:
    """Its values, kept by a hold meanwhile, go; the entry itself has ended before."""
    found = asked([*over(), moved(), ENTRY_ENDED], at=later(90))
    plan = plan_due(found, QUESTION)
    assert {i.action.value for i in plan.items} == {"erase"}
    assert (plan.ends_marketing, plan.erases_person) == (False, True)


def test_an_entry_of_which_a_value_stays_goes_on() -> None:
    """One value with an earlier day of its own goes; the others stay, and the entry with them."""
    found = asked([*over(), moved(date(2028, 1, 1))], at=later(90))
    first, *others = found.standing.data.values
    values = (attrs.evolve(first, until="2026-03-31"), *others)
    data = attrs.evolve(found.standing.data, values=values)
    found = attrs.evolve(found, standing=attrs.evolve(found.standing, data=data))
    plan = plan_due(found, QUESTION)
    assert [i.action.value for i in plan.items] == ["erase", "keep", "keep"]
    assert (plan.ends_marketing, plan.erases_person) == (False, False)


@pytest.mark.parametrize(
    ("facts", "erases"),
    [
        ([*holding("name")], True),
        ([*holding("name"), attrs.evolve(wrote(Right.ERASURE), text=None)], False),
        ([*holding("name"), wrote(Right.ERASURE)], False),
        ([*holding("name"), wrote(Right.ERASURE), RequestWithdrawn(case=CASE)], False),
    ],
    ids=["nothing else", "a request waits", "with its text", "its file is kept"],
)
def test_a_line_that_still_serves_keeps_its_key(facts: list[Fact], erases: bool) -> None:
    """Everything due is erased, but not the person while a request waits or its file is kept."""
    found = asked(facts, at=later(400))
    plan = plan_due(found, QUESTION)
    assert plan.items[0] == item("name", "erase", "period-over", "R-116", until=date(2027, 1, 5))
    assert plan.erases_person is erases


def test_a_customer_keeps_the_key_though_every_value_is_due() -> None:
    """While the relation lives the line goes on, with values or without them."""
    register = with_purpose(PurposeId("customer-care"), fields=frozenset())
    found = asked(live("message"), register=register, at=later(400))
    plan = plan_due(found, QUESTION)
    assert plan.items == (item("message", "erase", "period-over", "R-116", until=date(2027, 1, 5)),)
    assert not plan.erases_person
    assert not plan_due(asked(live(), at=later(400)), QUESTION).erases_person


GONE = DataErased(slots=[sealed("name").slot], reason=ErasureReason.REVIEW_AFTER_END, rule="R-402")
EMPTY = [*over("name"), GONE, moved(), ENTRY_ENDED]
SLOTS = [sealed(f, MARKETED).slot for f in ENTRY]
CLEARED = DataErased(slots=SLOTS, reason=ErasureReason.RETENTION_ENDED, rule="R-406")


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        ([*EMPTY, CLEARED], False),
        ([*EMPTY], True),
        (
            [
                *EMPTY,
                CLEARED,
                RequestReceived(case=CASE, right=Right.ACCESS, channel=IntakeChannel.LETTER),
            ],
            True,
        ),
        ([*EMPTY, CLEARED, HoldPlaced(reference="hold-1", reason="court")], True),
        ([*over("name"), GONE], True),
        (
            [
                *EMPTY,
                CLEARED,
                PersonErased(reason=ErasureReason.RETENTION_ENDED, reference="plan-1"),
            ],
            True,
        ),
    ],
    ids=["all gone", "values", "a request", "a hold", "under review", "erased before"],
)
def test_a_relation_with_nothing_left_is_erased(facts: list[Fact], left: bool) -> None:
    """Over, without values, requests and holds, and not yet erased: then the key goes too."""
    found = asked(facts, at=later(1))
    assert nothing_left(found) is not left
    if not found.standing.data.values and not found.standing.retention.holds:
        assert plan_due(found, QUESTION) == due(found, erases_person=not left)


def test_what_keeps_another_line_of_the_person_keeps_this_one() -> None:
    """A closed line waits for the line that goes on, and its own marks go on telling of it."""
    held = asked([*live(), HoldPlaced(reference="hold-1", reason="court")]).standing
    found = asked([*EMPTY, CLEARED], at=later(1))
    beside = attrs.evolve(found, surviving=(asked(live()).standing, held))
    assert plan_due(found, QUESTION).erases_person
    assert not plan_due(beside, QUESTION).erases_person
    assert erasure_blocked(beside) == ("legal-hold", "R-715")
    assert nothing_left(beside)
