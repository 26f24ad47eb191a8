"""What a request keeps of each step: the log of a request, whole (R-521, R-553)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest

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
from gdprkit.state.request import RequestCase, RequestState, RequestStatus, TimedStep
from gdprkit.state.standing import fold
from gdprkit.words.identifiers import CaseId, FieldId, PurposeId
from gdprkit.words.vocabulary import (
    Actor,
    ErasureReason,
    IdentityMethod,
    IntakeChannel,
    LetterItem,
    RefusalGround,
    RestrictionGround,
    Right,
)

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
ONE = CaseId(UUID(int=1, version=4))
TWO = CaseId(UUID(int=2, version=4))
RECEIVED = RequestReceived(case=ONE, right=Right.ACCESS, channel=IntakeChannel.EMAIL)
ASKED = IdentityRequested(case=ONE, reasonable_doubt=True, prompt=True)
SPECIFY = ClarificationRequested(case=ONE, large_volume=True, prompt=True)
BEGUN = HandlingBegun(case=ONE)


def hours(count: int) -> datetime:
    return AT + timedelta(hours=count)


def requests(*facts: Fact) -> RequestState:
    """Return the requests of a line: the n-th fact happened after n hours."""
    return fold(
        Entry(position=n, at=hours(n), recorded_at=hours(n), fact=fact)
        for n, fact in enumerate(facts, start=1)
    ).request


def only(*facts: Fact) -> RequestCase:
    """Return the one request of a line without anomalies."""
    state = requests(*facts)
    assert state.anomalies == ()
    (case,) = state.cases
    return case


def test_all_that_was_received_is_kept() -> None:
    """Which right, how it came, who asked with what authority, and what it is limited to."""
    fact = RequestReceived(
        case=ONE,
        right=Right.ERASURE,
        channel=IntakeChannel.LETTER,
        fields={FieldId("email")},
        requester=Actor.AGENT,
        purpose=PurposeId("newsletter"),
        erasure_ground=ErasureReason.UNLAWFUL,
        restriction_ground=RestrictionGround.UNLAWFUL,
        authority="letter-of-authority-1",
    )
    assert only(fact) == RequestCase(
        case=ONE,
        right=Right.ERASURE,
        status=RequestStatus.RECEIVED,
        received_at=hours(1),
        channel=IntakeChannel.LETTER,
        requester=Actor.AGENT,
        fields=frozenset({FieldId("email")}),
        position=1,
        purpose=PurposeId("newsletter"),
        erasure_ground=ErasureReason.UNLAWFUL,
        restriction_ground=RestrictionGround.UNLAWFUL,
        authority="letter-of-authority-1",
    )


def test_a_reminder_is_the_same_request() -> None:
    """The same open request said again changes nothing, not even its day of receipt (R-533)."""
    assert requests(RECEIVED, RECEIVED) == requests(RECEIVED)


def test_another_right_under_the_same_id_is_no_reminder() -> None:
    """One id is one request: a second right under it is listed and without effect."""
    state = requests(RECEIVED, attrs.evolve(RECEIVED, right=Right.ERASURE))
    assert state.cases == requests(RECEIVED).cases
    assert state.anomalies == (2,)


def test_a_closed_request_is_not_reminded_of() -> None:
    """What comes under the id of a request that ended is listed; the ended one stays ended."""
    ended = (RECEIVED, RequestWithdrawn(case=ONE))
    state = requests(*ended, RECEIVED, RECEIVED)
    assert state.cases == requests(*ended).cases
    assert state.anomalies == (3, 4)


def test_requests_stand_beside_each_other() -> None:
    """A step touches its own request only; a second one has its own clock (R-533)."""
    other = attrs.evolve(RECEIVED, case=TWO)
    state = requests(RECEIVED, other, RequestWithdrawn(case=ONE))
    assert {c.case: c.status for c in state.cases} == {
        ONE: RequestStatus.WITHDRAWN_BY_SUBJECT,
        TWO: RequestStatus.RECEIVED,
    }
    assert [c.case for c in state.open] == [TWO]
    assert [c.is_open for c in state.cases] == [True, False]
    assert state.case(TWO) == state.cases[0]
    assert state.case(CaseId(UUID(int=3, version=4))) is None


@pytest.mark.parametrize(
    ("before", "step", "kept"),
    [
        (
            (),
            IdentityRequested(case=ONE, reasonable_doubt=False, prompt=True),
            {"step": "IdentityRequested", "grounded": False},
        ),
        (
            (),
            ClarificationRequested(case=ONE, large_volume=True, prompt=False),
            {"step": "ClarificationRequested", "prompt": False},
        ),
        (
            (),
            RequestExtended(case=ONE, months=2, reasons="Nine registers."),
            {"step": "RequestExtended", "months": 2},
        ),
        (
            (),
            RequestExtended(case=ONE, months=1),
            {"step": "RequestExtended", "months": 1, "reasons_told": False},
        ),
        ((ASKED,), IdentityConfirmed(case=ONE), {"step": "IdentityConfirmed"}),
        ((SPECIFY,), ClarificationReceived(case=ONE), {"step": "ClarificationReceived"}),
        ((), BEGUN, {"step": "HandlingBegun"}),
    ],
)
def test_what_may_move_the_time_limit_is_kept(
    before: tuple[Fact, ...], step: Fact, kept: dict[str, Any]
) -> None:
    """Each question, answer, extension and beginning: when, and whether its grounds existed."""
    position = 2 + len(before)
    expected = TimedStep(at=hours(position), position=position, **kept)
    steps = only(RECEIVED, *before, step).steps
    assert steps[-1] == expected
    assert len(steps) == 1 + len(before)


@pytest.mark.parametrize(
    "step", [RequestAcknowledged(case=ONE), FeeAnnounced(case=ONE, finding="f-1")]
)
def test_what_never_moves_the_time_limit_is_no_timed_step(step: Fact) -> None:
    """A receipt confirmed and a fee announced leave the clock alone (5.4)."""
    assert only(RECEIVED, BEGUN, step).steps == only(RECEIVED, BEGUN).steps


def test_only_one_of_two_questions_is_answered() -> None:
    """The answer to one question leaves the request waiting for the other."""
    case = only(RECEIVED, ASKED, SPECIFY, IdentityConfirmed(case=ONE))
    assert case.status is RequestStatus.CLARIFICATION_PENDING
    assert case.waits == {RequestStatus.CLARIFICATION_PENDING}
    assert only(RECEIVED, ASKED, SPECIFY).waits == {
        RequestStatus.IDENTITY_PENDING,
        RequestStatus.CLARIFICATION_PENDING,
    }
    for asked in ((SPECIFY, ASKED), (ASKED, SPECIFY)):
        case = only(RECEIVED, *asked, ClarificationReceived(case=ONE))
        assert case.status is RequestStatus.IDENTITY_PENDING
        assert case.waits == {RequestStatus.IDENTITY_PENDING}
        case = only(RECEIVED, *asked, IdentityConfirmed(case=ONE))
        assert case.status is RequestStatus.CLARIFICATION_PENDING
    both = (IdentityConfirmed(case=ONE), ClarificationReceived(case=ONE))
    case = only(RECEIVED, ASKED, SPECIFY, *both)
    assert case.status is RequestStatus.IN_PROGRESS
    assert case.waits == frozenset()


def test_a_late_answer_does_not_undo_an_earlier_one() -> None:
    """An answer that leaves nothing open in a request at work keeps it at work."""
    case = only(RECEIVED, BEGUN, ASKED, SPECIFY, BEGUN, IdentityConfirmed(case=ONE))
    assert case.status is RequestStatus.IN_PROGRESS
    assert case.waits == frozenset()


def test_an_extension_told_while_waiting_shows_after_the_wait() -> None:
    """An extension is recorded while the person is asked, and shows when the answer came."""
    told = RequestExtended(case=ONE, months=1, reasons="Many registers.")
    waiting = only(RECEIVED, ASKED, told)
    assert (waiting.status, waiting.extended) == (RequestStatus.IDENTITY_PENDING, True)
    answered = only(RECEIVED, ASKED, told, IdentityConfirmed(case=ONE))
    assert (answered.status, answered.extended) == (RequestStatus.EXTENDED, True)
    plain = only(RECEIVED, ASKED, IdentityConfirmed(case=ONE))
    assert (plain.status, plain.extended) == (RequestStatus.IN_PROGRESS, False)


def test_identity_is_settled_and_doubted_anew() -> None:
    """How identity was settled is kept; a new doubt settles nothing until it is answered."""
    confirmed = IdentityConfirmed(case=ONE, method=IdentityMethod.STRONG_AUTHENTICATION)
    case = only(RECEIVED, ASKED, IdentityInsufficient(case=ONE))
    assert (case.identity_confirmed, case.identity_insufficient) == (False, True)
    assert case.waits == {RequestStatus.IDENTITY_PENDING}
    case = only(RECEIVED, ASKED, IdentityInsufficient(case=ONE), confirmed)
    assert case.identity_confirmed is True
    assert case.identity_insufficient is False
    assert case.identity_by is IdentityMethod.STRONG_AUTHENTICATION
    case = only(RECEIVED, ASKED, confirmed, ASKED)
    assert case.identity_confirmed is False
    assert case.identity_by is None


def test_insisting_on_everything_is_kept() -> None:
    """Who wants everything is not asked again; who specified may be (R-524)."""
    everything = ClarificationReceived(case=ONE, everything=True)
    assert only(RECEIVED, SPECIFY, everything).insisted is True
    assert only(RECEIVED, SPECIFY, ClarificationReceived(case=ONE)).insisted is False


def test_who_works_on_it_and_a_fee_are_kept() -> None:
    """The newest named role works on it; beginning again without a name takes none away."""
    named = HandlingBegun(case=ONE, assigned_to="privacy-desk")
    case = only(RECEIVED, FeeAnnounced(case=ONE, finding="f-1"), named, BEGUN)
    assert case.assigned_to == "privacy-desk"
    assert case.fee_announced is True
    assert only(RECEIVED, BEGUN).assigned_to is None
    assert only(RECEIVED, BEGUN).fee_announced is False


ENDING: dict[str, Any] = {
    "case": ONE,
    "sent": "letter-1",
    "delivered": hours(3),
    "proof": "dispatch-1",
    "letter": {LetterItem.COMPLAINT},
    "finding": "finding-1",
    "decided_by": "privacy-desk",
}
DECIDED = (FieldDecision(field=FieldId("email"), until=date(2027, 1, 1)),)
GROUNDS = frozenset({RefusalGround.LEGAL_CLAIMS})


@pytest.mark.parametrize(
    ("ending", "status", "grounds", "decisions"),
    [
        (
            RequestFulfilled(**ENDING, decisions=DECIDED),
            RequestStatus.FULFILLED,
            frozenset(),
            DECIDED,
        ),
        (
            RequestPartlyRefused(**ENDING, grounds=GROUNDS, decisions=DECIDED),
            RequestStatus.PARTLY_REFUSED,
            GROUNDS,
            DECIDED,
        ),
        (
            RequestRefused(**ENDING, grounds=GROUNDS, decisions=DECIDED),
            RequestStatus.REFUSED,
            GROUNDS,
            DECIDED,
        ),
        (SubjectNotIdentifiable(**ENDING), RequestStatus.NOT_IDENTIFIABLE, frozenset(), ()),
    ],
)
def test_an_ending_keeps_what_was_sent_and_why(
    ending: Fact,
    status: RequestStatus,
    grounds: frozenset[RefusalGround],
    decisions: tuple[FieldDecision, ...],
) -> None:
    """The text, its delivery and proof, who decided what on which finding: all of it (R-521)."""
    asked = status is RequestStatus.NOT_IDENTIFIABLE
    before = (RECEIVED, ASKED if asked else BEGUN)
    assert only(*before, ending) == attrs.evolve(
        only(*before),
        status=status,
        closed_at=hours(3),
        closed_position=3,
        sent="letter-1",
        delivered_at=hours(3),
        proof="dispatch-1",
        letter=frozenset({LetterItem.COMPLAINT}),
        finding="finding-1",
        decided_by="privacy-desk",
        grounds=grounds,
        decisions=decisions,
    )


def test_a_withdrawn_request_is_closed_without_any_text() -> None:
    """The person's own withdrawal ends it at its moment; nothing was sent."""
    before = only(RECEIVED, BEGUN)
    assert (before.closed_at, before.closed_position) == (None, 0)
    assert only(RECEIVED, BEGUN, RequestWithdrawn(case=ONE)) == attrs.evolve(
        before,
        status=RequestStatus.WITHDRAWN_BY_SUBJECT,
        closed_at=hours(3),
        closed_position=3,
    )


def test_a_step_without_a_place_is_listed() -> None:
    """A step of an unknown request, or after the end, changes nothing and is an anomaly."""
    assert requests(BEGUN) == RequestState(anomalies=(1,))
    done = (RECEIVED, RequestWithdrawn(case=ONE))
    late = requests(*done, BEGUN, ASKED)
    assert late.cases == requests(*done).cases
    assert late.anomalies == (3, 4)
