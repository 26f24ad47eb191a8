"""When a person's line wakes, and the tags it is found by: each kind of moment and tag alone."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from tests.policy.support import (
    MARKETING,
    START,
    case,
    consented,
    ended,
    moved,
    sealed,
)

from gdprkit.facts.connection import ConnectionStarted, ConnectionTied, ContactHeld
from gdprkit.facts.consent import ConsentWithdrawn
from gdprkit.facts.data import (
    CircumstanceNoted,
    DataCollected,
    DataRectified,
    PersonErased,
    SubjectAdded,
)
from gdprkit.facts.disclosure import Disclosed
from gdprkit.facts.objection import RestrictionImposed
from gdprkit.facts.request import IdentityConfirmed, RequestReceived
from gdprkit.facts.retention import Archived, HoldPlaced
from gdprkit.policy.consent import PRE_TICKED, consent_problems
from gdprkit.policy.marks import tags, wake_at
from gdprkit.words.identifiers import CaseId, PurposeId, RecipientId, SourceId
from gdprkit.words.vocabulary import (
    Actor,
    Channel,
    Circumstance,
    EndCause,
    ErasureReason,
    FilingSystem,
    IntakeChannel,
    RestrictionGround,
    Right,
    SubjectKind,
)

FORM = SourceId("contact-form")
CASE = CaseId(sealed("request").slot)
ADDED = SubjectAdded(kind=SubjectKind.CONSUMER, source=SourceId("contact-form"))
STARTED = ConnectionStarted(reference="contract-1")
WRITTEN = ContactHeld(begun_by=Actor.SUBJECT)
VISITED = ContactHeld(begun_by=Actor.CONTROLLER)
REQUEST = RequestReceived(case=CASE, right=Right.ACCESS, channel=IntakeChannel.EMAIL)
HOLD = HoldPlaced(reference="case-1", reason="claim")
RESTRICTED = RestrictionImposed(ground=RestrictionGround.ACCURACY_CONTESTED)
WITHDRAWN = ConsentWithdrawn(
    purpose=MARKETING, channels=[Channel.EMAIL], via=IntakeChannel.UNSUBSCRIBE_LINK
)
DIED = CircumstanceNoted(circumstance=Circumstance.DECEASED)
ERASED = PersonErased(reason=ErasureReason.CONSENT_WITHDRAWN, reference="r-1")


def tied(until: date | None) -> ConnectionTied:
    return ConnectionTied(cause=EndCause.CONTRACT_END, reference="contract-1", until=until)


def archived(until: date) -> Archived:
    copy = sealed("invoices", FilingSystem.ARCHIVE)
    return Archived(values=[copy], purpose=PurposeId("bookkeeping"), until=until)


def midnight(day: str) -> datetime:
    """Return the end of a winter day in Helsinki."""
    return datetime.fromisoformat(f"{day}T22:00+00:00")


#: what is recorded -> when time alone matters next
WAKES: dict[str, tuple[list[Any], datetime | None]] = {
    "nothing is known": ([], None),
    "somebody without data or contact": ([ADDED], None),
    "the dormancy after the start": ([ADDED, STARTED], midnight("2027-01-05")),
    "a contract that ends later": (
        [ADDED, STARTED, tied(date(2028, 1, 10))],
        midnight("2028-01-10"),
    ),
    "a contract without a known end": ([ADDED, STARTED, tied(None)], None),
    "a prospect's own contact": ([ADDED, WRITTEN], midnight("2027-01-05")),
    "what we began with a prospect": ([ADDED, VISITED], None),
    "the review after the end": ([ADDED, STARTED, ended()], midnight("2026-01-31")),
    "the last day in the register": (
        [ADDED, STARTED, ended(), moved(date(2027, 12, 1))],
        midnight("2027-12-01"),
    ),
    "a consent to be asked again": ([ADDED, consented()], midnight("2028-01-05")),
    "a consent withdrawn": ([ADDED, consented(), WITHDRAWN], None),
    "a request": ([ADDED, REQUEST], midnight("2026-02-05")),
    "an archived value": (
        [ADDED, STARTED, ended(), archived(date(2026, 1, 20))],
        midnight("2026-01-20"),
    ),
    "an archived value under a hold": (
        [ADDED, STARTED, ended(), archived(date(2026, 1, 20)), HOLD],
        None,
    ),
    "an archived value under a restriction": (
        [ADDED, STARTED, ended(), archived(date(2026, 1, 20)), RESTRICTED],
        None,
    ),
    "the earliest of several": (
        [ADDED, consented(), STARTED, REQUEST],
        midnight("2026-02-05"),
    ),
}


@pytest.mark.parametrize(("facts", "moment"), WAKES.values(), ids=WAKES)
def test_a_line_wakes_when_time_alone_matters(facts: list[Any], moment: datetime | None) -> None:
    """A duty that falls due, or an answer that may change, and the earliest of them."""
    assert wake_at(case(*facts)) == moment


@pytest.mark.parametrize(
    "facts",
    [[ADDED, STARTED], [ADDED, WRITTEN], [ADDED, consented()]],
    ids=["customer", "prospect", "consent"],
)
def test_what_is_past_wakes_nobody_again(facts: list[Any]) -> None:
    """An end or an expiry wakes until its moment; at it and after it, it has done so."""
    moment = wake_at(case(*facts))
    assert moment is not None
    assert wake_at(case(*facts, at=moment - timedelta(microseconds=1))) == moment
    assert wake_at(case(*facts, at=moment)) is None
    assert wake_at(case(*facts, at=moment + timedelta(days=1))) is None


def test_an_overdue_request_stays_awake() -> None:
    """A duty that was not done keeps its moment, though it is past."""
    late = START + timedelta(days=90)
    assert wake_at(case(ADDED, REQUEST, at=late)) == midnight("2026-02-05")


def test_whom_nothing_is_left_of_wakes_at_once() -> None:
    """The relation is over and no value is held: the erasure of the person is due since then."""
    since = START + timedelta(minutes=9)
    empty = Archived(values=[], purpose=PurposeId("bookkeeping"), until=date(2026, 1, 20))
    assert wake_at(case(ADDED, STARTED, ended(), (since, empty))) == since


#: what is recorded -> the tags
TAGS: dict[str, tuple[list[Any], set[str]]] = {
    "nothing is known": ([], {"status:none"}),
    "a prospect": ([ADDED], {"status:none", "kind:consumer"}),
    "a customer": ([ADDED, STARTED], {"status:active", "kind:consumer"}),
    "a customer who died": (
        [ADDED, STARTED, DIED],
        {"status:deceased", "status:active", "kind:consumer"},
    ),
    "an open request": ([ADDED, REQUEST], {"status:none", "kind:consumer", "request-open"}),
    "a hold": ([ADDED, HOLD], {"status:none", "kind:consumer", "hold"}),
    "a step the life cycle lacks": ([ADDED, moved()], {"status:none", "kind:consumer", "anomaly"}),
    "a step without a request": (
        [ADDED, IdentityConfirmed(case=CASE)],
        {"status:none", "kind:consumer", "anomaly"},
    ),
    "a fact after the erasure": (
        [ADDED, ERASED, STARTED],
        {"status:erased", "kind:consumer", "anomaly"},
    ),
    "consent for a channel": (
        [ADDED, consented()],
        {"status:none", "kind:consumer", "given:direct-marketing:email"},
    ),
    "consent for no channel": (
        [ADDED, consented(PurposeId("website-analytics"), channels=())],
        {"status:none", "kind:consumer", "given:website-analytics"},
    ),
    "consent withdrawn": ([ADDED, consented(), WITHDRAWN], {"status:none", "kind:consumer"}),
}


@pytest.mark.parametrize(("facts", "found"), TAGS.values(), ids=TAGS)
def test_a_line_is_found_by_its_tags(facts: list[Any], found: set[str]) -> None:
    """Status, kind, what is open, what is odd, who said yes to what; and nothing else."""
    assert tags(case(*facts)) == found


@pytest.mark.parametrize(
    ("facts", "status"), [([ADDED, STARTED], "active"), ([ADDED, WRITTEN], "none")]
)
def test_an_end_that_passed_is_a_tag(facts: list[Any], status: str) -> None:
    """From the moment the derived end is over, customer and prospect alike are to be ended."""
    over = midnight("2027-01-05")
    before = {f"status:{status}", "kind:consumer"}
    assert tags(case(*facts, at=over - timedelta(microseconds=1))) == before
    assert tags(case(*facts, at=over)) == before | {"connection-over"}


def test_whom_to_tell_by_when_wakes_the_line() -> None:
    """Seven days after a correction the recipients have to know of it (Art. 19; R-505)."""
    name = sealed("name")
    sent = Disclosed(
        recipient=RecipientId("authorities"), purpose=PurposeId("customer-care"), fields=["name"]
    )
    right = DataRectified(
        values=[sealed("name", FilingSystem.ARCHIVE)], replaced=[name.slot], source=FORM
    )
    collected = DataCollected(values=[name], source=FORM)
    found = case(ADDED, STARTED, collected, sent, right)
    assert wake_at(found) == datetime(2026, 1, 12, 22, tzinfo=UTC)


def test_what_is_counted_of_a_case_is_counted_once_and_anew_for_another_case() -> None:
    """Ends and flaws of consents stay with their case; a later moment or other facts count anew."""
    living: list[Any] = [ADDED, DataCollected(values=[sealed("email")], source=FORM)]
    now = case(*living)
    first = wake_at(now)
    counted = dict(now.counted)
    assert counted
    assert wake_at(now) == first
    assert now.counted == counted
    over = attrs.evolve(now, standing=case(*living, archived(date(2026, 3, 1))).standing)
    assert not over.counted
    assert wake_at(over) != first
    assert wake_at(case(*living, archived(date(2026, 3, 1)))) == wake_at(over)
    assert attrs.evolve(now) == now


def test_a_case_travels_with_what_was_counted() -> None:
    """Pickled and read again after it was asked, a case is equal and answers the same."""
    asked = case(ADDED, DataCollected(values=[sealed("email")], source=FORM), consented())
    first = wake_at(asked), tags(asked)
    back = pickle.loads(pickle.dumps(asked))  # noqa: S301  # our own
    assert back == asked
    assert (wake_at(back), tags(back)) == first
    (word,) = back.standing.consent.words
    back.counted[consent_problems, id(word)] = (attrs.evolve(word), (PRE_TICKED,))
    assert consent_problems(back, word) == consent_problems(asked, word)


def test_words_of_one_place_are_told_apart() -> None:
    """A case asked about two words of one scope and position answers for each of them."""
    valid = consented()
    now = case(ADDED, valid)
    (word,) = now.standing.consent.words
    assert word.evidence is not None
    ticked = attrs.evolve(word, evidence=attrs.evolve(word.evidence, default_off=False))
    assert consent_problems(now, word) == ()
    assert PRE_TICKED in consent_problems(now, ticked)
    assert consent_problems(now, word) == ()
