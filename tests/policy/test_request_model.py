"""Every reachable life of a request within a bound, walked breadth first for each right.

Each step goes through the acts, as in a keeper; lives that came to the same state are walked on
once. Time passes between some steps, so that waits and extensions meet their days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import attrs
import pytest
from tests.policy.support import START, customer, jot, sealed

from gdprkit.acts.act import Act
from gdprkit.acts.prepare import prepare
from gdprkit.errors import NotPossibleNow
from gdprkit.facts.entry import Entry, Fact
from gdprkit.facts.request import (
    ClarificationReceived,
    ClarificationRequested,
    FeeAnnounced,
    FieldDecision,
    HandlingBegun,
    IdentityConfirmed,
    IdentityInsufficient,
    IdentityRequested,
    RequestAcknowledged,
    RequestExtended,
    RequestFulfilled,
    RequestPartlyRefused,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
    SubjectNotIdentifiable,
)
from gdprkit.policy.case import Case
from gdprkit.policy.deadlines import Deadline
from gdprkit.policy.decisions import NotAllowed
from gdprkit.policy.handling import LETTER_OF_REFUSAL, REFUSALS
from gdprkit.policy.request import deadline_of
from gdprkit.state.objection import StopKind
from gdprkit.state.request import FINAL, RequestCase, RequestStatus
from gdprkit.state.standing import Standing, fold
from gdprkit.words.identifiers import CaseId, FieldId
from gdprkit.words.vocabulary import IntakeChannel, LetterItem, RefusalGround, Right

CASE = CaseId(sealed("request").slot)
LETTER = LETTER_OF_REFUSAL | {LetterItem.AUTHORITY_ROUTE}
DEPTH = 6


@attrs.frozen
class Life:
    """A line, the moment it has come to, and the request on it."""

    line: tuple[Entry, ...]
    at: datetime
    standing: Standing

    @property
    def case(self) -> Case:
        return Case(standing=self.standing, register=jot(), at=self.at)

    @property
    def request(self) -> RequestCase:
        return self.standing.request.cases[0]

    @property
    def deadline(self) -> Deadline:
        return deadline_of(self.case, self.request)


def then(life: Life, *facts: Fact) -> Life:
    line, at = list(life.line), life.at
    for fact in facts:
        at += timedelta(seconds=1)
        line.append(Entry(position=len(line) + 1, at=at, recorded_at=at, fact=fact))
    return Life(tuple(line), at, fold(line))


def acts(life: Life, fact: Fact) -> Life | None:
    if isinstance(fact, RequestFulfilled | RequestPartlyRefused | RequestRefused):
        fact = attrs.evolve(fact, delivered=life.at)
    try:
        return then(life, *prepare(life.case, Act(fact=fact)))
    except (NotPossibleNow, NotAllowed):
        return None


def endings(right: Right) -> Iterator[tuple[str, Fact]]:
    """Yield the ways to close: met, refused on each lawful ground, in full and in part."""
    granted = (FieldDecision(field=FieldId("email")),)
    yield (
        "fulfil",
        RequestFulfilled(case=CASE, sent="letter-1", decided_by="dpo", decisions=granted),
    )
    for ground in sorted(REFUSALS[right]) or [RefusalGround.EXCESSIVE]:
        told: dict[str, Any] = {
            "case": CASE,
            "grounds": [ground],
            "sent": "letter-1",
            "letter": LETTER,
            "finding": "finding-1",
        }
        yield f"refuse {ground}", RequestRefused(**told)
        decided = FieldDecision(field=FieldId("email"), refused=ground)
        yield f"partly {ground}", RequestPartlyRefused(**told, decisions=(decided,))


def steps(right: Right) -> dict[str, Callable[[Life], Life | None]]:
    facts: dict[str, Fact] = {
        "acknowledge": RequestAcknowledged(case=CASE),
        "ask identity": IdentityRequested(case=CASE, reasonable_doubt=True, prompt=True),
        "insufficient": IdentityInsufficient(case=CASE),
        "identity": IdentityConfirmed(case=CASE),
        "ask to specify": ClarificationRequested(case=CASE, large_volume=True, prompt=True),
        "specified": ClarificationReceived(case=CASE, everything=True),
        "fee": FeeAnnounced(case=CASE, finding="finding-1"),
        "begin": HandlingBegun(case=CASE, assigned_to="head-of-sales"),
        "extend": RequestExtended(case=CASE, months=2, reasons="many files"),
        "not identifiable": SubjectNotIdentifiable(
            case=CASE, sent="letter-1", letter=LETTER, finding="finding-1"
        ),
        "withdraw": RequestWithdrawn(case=CASE),
        **dict(endings(right)),
    }
    made: dict[str, Callable[[Life], Life | None]] = {
        name: (lambda life, fact=fact: acts(life, fact))  # type: ignore[misc]
        for name, fact in facts.items()
    }
    return {**made, "ten days": lambda life: attrs.evolve(life, at=life.at + timedelta(days=10))}


def shape(life: Life) -> tuple[Any, ...]:
    one = life.request
    return (
        one.status,
        one.extended,
        one.waits,
        one.grounds,
        one.identity_confirmed,
        one.insisted,
        min((life.at - one.received_at).days, 40),
        life.deadline.suspended_days,
        life.deadline.effective_due,
    )


@cache
def walked(right: Right) -> tuple[tuple[Life, str, Life], ...]:
    start = Life((), START, fold(()))
    fields = {FieldId("invoices")} if right is Right.ERASURE else set()
    received = RequestReceived(
        case=CASE, right=right, channel=IntakeChannel.EMAIL, fields=frozenset(fields)
    )
    known = then(start, *customer())
    first = then(known, *prepare(known.case, Act(fact=received)))
    seen, taken, edge = {shape(first)}, [], [first]
    events = steps(right)
    for _ in range(DEPTH):
        following = []
        for life in edge:
            for name, event in events.items():
                after = event(life)
                if after is None:
                    continue
                taken.append((life, name, after))
                key = shape(after)
                if key not in seen:
                    seen.add(key)
                    following.append(after)
        edge = following
    return tuple(taken)


RIGHTS = (Right.ACCESS, Right.OBJECTION_TO_MARKETING, Right.ERASURE)


@pytest.mark.parametrize("right", RIGHTS)
def test_no_path_closes_a_request_without_a_text_sent(right: Right) -> None:
    """Every final status but the person's own withdrawal names the text that was sent (R-528)."""
    silent = [
        name
        for _, name, after in walked(right)
        if after.request.status in FINAL
        and after.request.status is not RequestStatus.WITHDRAWN_BY_SUBJECT
        and not after.request.sent
    ]
    assert silent == []


@pytest.mark.parametrize("right", RIGHTS)
def test_a_final_status_stays_final(right: Right) -> None:
    """No act moves a closed request, and nothing is recorded as one of its steps."""
    moved = [
        name
        for before, name, after in walked(right)
        if before.request.status in FINAL and name != "ten days" and after is not before
    ]
    assert moved == []


@pytest.mark.parametrize("right", RIGHTS)
def test_no_path_loses_the_stop(right: Right) -> None:
    """An objection to marketing is a stop from receipt on, however its request goes on."""
    kinds = {
        frozenset(s.kind for s in after.standing.objection.stops) for _, _, after in walked(right)
    }
    stops = right is Right.OBJECTION_TO_MARKETING
    assert kinds == {frozenset({StopKind.OBJECTION} if stops else ())}


@pytest.mark.parametrize("right", RIGHTS)
def test_a_refusal_names_lawful_grounds_only(right: Right) -> None:
    """Whatever was refused was refused on a ground of table 5.2b."""
    grounds = {g for _, _, after in walked(right) for g in after.request.grounds}
    assert grounds == REFUSALS[right]


def test_an_extension_never_moves_a_date_earlier() -> None:
    """Whether valid or not, what is in force after it is no earlier than before (R-559)."""
    earlier = [
        (before.deadline.effective_due, after.deadline.effective_due)
        for before, name, after in walked(Right.ACCESS)
        if name == "extend"
        and before.deadline.effective_due is not None
        and after.deadline.effective_due is not None
        and after.deadline.effective_due < before.deadline.effective_due
    ]
    assert earlier == []


def test_no_step_of_ours_moves_the_safe_date() -> None:
    """Alarms run on a date that neither questions nor extensions move (R-554)."""
    assert {after.deadline.safe_due for _, _, after in walked(Right.ACCESS)} == {
        walked(Right.ACCESS)[0][0].deadline.safe_due
    }


def test_the_walk_reaches_every_status() -> None:
    """The bound is deep enough: each status of 5.4 is reached for a request of access."""
    reached = {after.request.status for _, _, after in walked(Right.ACCESS)}
    assert reached >= set(RequestStatus) - {RequestStatus.RECEIVED}
    assert len(walked(Right.ACCESS)) > 1000
