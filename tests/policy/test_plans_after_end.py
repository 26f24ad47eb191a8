"""The plan of the review after an ended connection, written out in full (R-402)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.policy.plans import (
    ABOUT,
    ENDED,
    asked,
    holding,
    item,
    keep,
    later,
    live,
    over,
    planned,
)
from tests.policy.support import (
    MARKETING,
    case,
    consented,
    ended,
    moved,
    sealed,
    with_notice,
    with_purpose,
)

from gdprkit.errors import InvalidValue, UnknownPurpose
from gdprkit.facts.connection import ConnectionStarted, OldEntryFound
from gdprkit.facts.entry import Fact
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.objection import MarketingObjection, RestrictionImposed
from gdprkit.facts.request import RequestReceived, RequestWithdrawn
from gdprkit.facts.retention import HoldPlaced
from gdprkit.policy.connection import MayMove, may_move
from gdprkit.policy.retention import (
    AfterEnd,
    DueErasure,
    Erasure,
    plan_after_end,
    plan_due,
    plan_erasure,
)
from gdprkit.words.identifiers import CaseId, NoticeId
from gdprkit.words.vocabulary import (
    ErasureReason,
    FilingSystem,
    IntakeChannel,
    RestrictionGround,
    Right,
)

QUESTION = AfterEnd()
REVIEW = ErasureReason.REVIEW_AFTER_END
FEW = ("name", "email", "message", "invoices", "orders")
CASE = CaseId(sealed("request").slot)
HOLD = HoldPlaced(reference="hold-1", reason="court")
RESTRICTED = RestrictionImposed(ground=RestrictionGround.UNLAWFUL)
STOP = MarketingObjection(via=IntakeChannel.EMAIL)
REMINDED = NoticeGiven(notice=NoticeId("v7-reminder"))


def request(right: Right) -> RequestReceived:
    return RequestReceived(case=CASE, right=right, channel=IntakeChannel.EMAIL)


def after_end(*items: Any, found: Any, **more: Any) -> Any:
    """Write out the plan of a review, with the decision about the move where one is asked."""
    more.setdefault("decision", may_move(found, MayMove()))
    return planned(found, QUESTION, "after-end", *items, reason=REVIEW, **more)


def test_a_review_moves_archives_and_erases_value_by_value() -> None:
    """Contact data is copied to the register, papers to the archive, and every original goes."""
    found = asked(over(*FEW))
    to_register: dict[str, Any] = {"purpose": "direct-marketing", "until": date(2028, 1, 1)}
    assert plan_after_end(found, QUESTION) == after_end(
        item("name", "move", "whitelisted", "R-404", **to_register),
        item("name", "erase", "moved", "R-402"),
        item("email", "move", "whitelisted", "R-404", **to_register),
        item("email", "erase", "moved", "R-402"),
        item("message", "erase", "review", "R-402"),
        item(
            "invoices",
            "archive",
            "legal-obligation",
            "R-408",
            purpose="bookkeeping",
            until=date(2032, 12, 31),
        ),
        item("invoices", "erase", "review", "R-402"),
        item(
            "orders", "archive", "legal-claims", "R-408", purpose="claims", until=date(2029, 1, 1)
        ),
        item("orders", "erase", "review", "R-402"),
        found=found,
        expires_on=date(2028, 1, 1),
    )


def test_who_may_not_move_loses_all_but_the_archive() -> None:
    """A failed guard ends the review: nothing moves, no entry has a last day (R-402)."""
    found = asked([*over("name", "invoices"), STOP])
    assert plan_after_end(found, QUESTION) == after_end(
        item("name", "erase", "review", "R-402"),
        item(
            "invoices",
            "archive",
            "legal-obligation",
            "R-408",
            purpose="bookkeeping",
            until=date(2032, 12, 31),
        ),
        item("invoices", "erase", "review", "R-402"),
        found=found,
    )


def test_where_nothing_stays_the_person_is_erased() -> None:
    """Neither moved nor archived: the key goes too, but not while a request waits for an answer."""
    facts = [*over("name"), STOP]
    erased = item("name", "erase", "review", "R-402")
    found = asked(facts)
    assert plan_after_end(found, QUESTION) == after_end(erased, found=found, erases_person=True)
    waiting = asked([*facts, request(Right.ERASURE)])
    assert plan_after_end(waiting, QUESTION) == after_end(erased, found=waiting)
    answered = asked([*facts, request(Right.ERASURE), RequestWithdrawn(case=CASE)])
    assert plan_after_end(answered, QUESTION).erases_person


@pytest.mark.parametrize(
    ("facts", "code", "rule"),
    [
        ([HOLD], "legal-hold", "R-715"),
        ([RESTRICTED], "restricted", "R-504"),
        ([RESTRICTED, HOLD], "legal-hold", "R-715"),
        ([HOLD, request(Right.ACCESS)], "legal-hold", "R-715"),
        *(
            ([request(right)], "request-open", "R-561")
            for right in (
                Right.ACCESS,
                Right.PORTABILITY,
                Right.RECTIFICATION,
                Right.RESTRICTION,
                Right.OBJECTION,
            )
        ),
    ],
)
def test_what_blocks_keeps_everything(facts: list[Fact], code: str, rule: str) -> None:
    """A hold, a restriction, a request that needs the data: nothing is decided meanwhile."""
    found = asked([*over("name", "message"), *facts])
    expected = after_end(*keep(code, rule, "name", "message"), found=found, decision=None)
    assert plan_after_end(found, QUESTION) == expected
    due = plan_due(found, DueErasure())
    assert due == planned(
        found,
        DueErasure(),
        "due",
        *keep(code, rule, "name", "message"),
        reason=ErasureReason.RETENTION_ENDED,
    )


@pytest.mark.parametrize("right", [Right.ERASURE, Right.INFORMATION, Right.WITHDRAW_CONSENT])
def test_other_requests_keep_nothing(right: Right) -> None:
    """An erasure asked for does not wait, and the others need no value of the person (R-561)."""
    found = asked([*over("message"), request(right)])
    assert {i.code for i in plan_after_end(found, QUESTION).items} == {"review"}


def test_an_unproved_end_waits_whatever_else_fails() -> None:
    """No evidence of the end: everything is kept, and the plan says what it waits for (T1)."""
    for more in ([], [STOP]):
        found = asked([*live("name", "message"), ended(ENDED, evidence=None), *more])
        assert plan_after_end(found, QUESTION) == after_end(
            *keep("waiting", "R-402", "name", "message"),
            found=found,
            waiting_for=("evidence of the end",),
        )


def test_an_open_window_waits_only_where_nothing_else_fails() -> None:
    """A guard that fails for good makes waiting pointless: the review decides now (R-402)."""
    register = with_notice("v7", names_interest=False)
    facts = [*over("email"), REMINDED]
    waits = asked(facts, register=register)
    assert plan_after_end(waits, QUESTION) == after_end(
        *keep("waiting", "R-402", "email"),
        found=waits,
        register=register,
        waiting_for=("the objection window to pass",),
    )
    fails = asked([*facts, STOP], register=register)
    assert plan_after_end(fails, QUESTION) == after_end(
        item("email", "erase", "review", "R-402"),
        found=fails,
        register=register,
        erases_person=True,
    )


def test_two_reasons_to_wait_are_both_named() -> None:
    """An end without evidence and an open window: the plan names what each of them waits for."""
    found = asked([*live("name"), ended(ENDED, evidence=None), REMINDED])
    assert plan_after_end(found, QUESTION).waiting_for == (
        "evidence of the end",
        "the objection window to pass",
    )


@pytest.mark.parametrize(
    "facts",
    [[*over("name"), ConnectionStarted(reference="contract-2")], holding("name")],
    ids=["a customer again", "a prospect"],
)
def test_a_connection_that_did_not_end_waits_for_its_end(facts: list[Fact]) -> None:
    """Nothing is reviewed before an end: everything is kept until there is one."""
    found = asked(facts)
    plan = plan_after_end(found, QUESTION)
    assert {(i.action.value, i.code, i.rule) for i in plan.items} == {("keep", "waiting", "R-402")}
    assert plan.waiting_for == ("the end of the connection",)


def test_what_is_not_under_review_is_kept() -> None:
    """An entry in the register is reviewed no more: the plan keeps it and shows the decision."""
    found = asked([*over(), moved()])
    kept = (
        item(field, "keep", "not-under-review", "R-402", filing=FilingSystem.MARKETING)
        for field in ("email", "name", "address")
    )
    assert plan_after_end(found, QUESTION) == after_end(*kept, found=found)


def test_a_review_leaves_other_filing_systems_alone() -> None:
    """What an old register holds stays where it lies while the customer file is decided (R-405)."""
    facts = [*over("name"), moved(), OldEntryFound(reference="old-1"), ended(ENDED), STOP]
    found = asked(facts)
    marketing = (
        item(field, "keep", "other-filing-system", "R-405", filing=FilingSystem.MARKETING)
        for field in ("email", "name", "address")
    )
    assert plan_after_end(found, QUESTION) == after_end(
        item("name", "erase", "review", "R-402"), *marketing, found=found
    )


def test_a_review_may_name_another_purpose() -> None:
    """The plan decides about the purpose that was asked for; an unknown one is refused."""
    found = asked(over("name", "email"))
    named = AfterEnd(purpose=MARKETING)
    assert plan_after_end(found, named).items == plan_after_end(found, QUESTION).items
    assert plan_after_end(found, named).question == named
    newsletter = plan_after_end(found, AfterEnd(purpose="newsletter"))
    assert newsletter.decision == may_move(found, MayMove(purpose="newsletter"))
    with pytest.raises(UnknownPurpose):
        plan_after_end(found, AfterEnd(purpose="newsletters"))


def test_a_register_on_consent_lasts_as_long_as_the_consent() -> None:
    """Where no assessment carries it, each copy and the entry end with the consent (R-407)."""
    register = with_purpose(MARKETING, assessment=None)
    facts = [*live("email"), consented(), ended(date(2026, 6, 1))]
    found = asked(facts, register=register, at=later(200))
    last = date(2028, 1, 5)
    assert plan_after_end(found, QUESTION) == after_end(
        item("email", "move", "whitelisted", "R-404", purpose="direct-marketing", until=last),
        item("email", "erase", "moved", "R-402"),
        found=found,
        register=register,
        expires_on=last,
    )


@pytest.mark.parametrize(
    "plan",
    [
        lambda found: plan_after_end(found, AfterEnd()),
        lambda found: plan_due(found, DueErasure()),
        lambda found: plan_erasure(found, Erasure()),
    ],
)
def test_a_plan_is_for_a_person_in_the_store(plan: Any) -> None:
    """Without the person nobody could carry it out; the error says what to do."""
    with pytest.raises(InvalidValue) as caught:
        plan(case(*over("name")))
    assert str(caught.value) == "about is absent; plan for a person in the store"
    assert plan(asked(over("name"))).about == ABOUT
