"""How a request is handled, whole: identity, decisions, letter, recipients, notices."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from tests.policy.support import (
    MARKETING,
    case,
    customer,
    jot,
    sealed,
    with_notice,
    with_purpose,
)

from gdprkit.facts.data import DataCollected, DataErased, DataRectified, SubjectAdded
from gdprkit.facts.disclosure import Disclosed, RecipientNotified
from gdprkit.facts.entry import Fact
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.objection import RestrictionImposed
from gdprkit.facts.request import FieldDecision, RequestReceived
from gdprkit.policy.handling import (
    IDENTITY,
    LETTER,
    LETTER_OF_REFUSAL,
    REFUSALS,
    Handling,
    IdentityStep,
    ToTell,
    handling,
    right_of,
    to_tell,
)
from gdprkit.register.register import Register
from gdprkit.words.identifiers import CaseId, FieldId, NoticeId, PurposeId, RecipientId, SourceId
from gdprkit.words.vocabulary import (
    ErasureReason,
    IntakeChannel,
    NoticeKind,
    RefusalGround,
    RestrictionGround,
    Right,
    SubjectKind,
)

CARE = PurposeId("customer-care")
CASE = CaseId(sealed("request").slot)
Timed = Fact | tuple[datetime, Fact]


def asked(right: Right, **more: Any) -> RequestReceived:
    given: dict[str, Any] = {"channel": IntakeChannel.LETTER, **more}
    return RequestReceived(case=CASE, right=right, **given)


def handled(
    request: RequestReceived, *facts: Timed, register: Register | None = None, **more: Any
) -> Handling:
    """Return how a customer's request is handled."""
    found = case(*(facts or customer()), request, register=register, **more)
    return handling(found, found.standing.request.cases[0])


# --- the whole -----------------------------------------------------------------------------------


@pytest.mark.parametrize("right", Right)
def test_a_request_of_each_right_is_handled_by_its_row(right: Right) -> None:
    """Identity, letter and refusals are those of the table; what is never refused acts at once."""
    found = case(*customer(), asked(right))
    request = found.standing.request.cases[0]
    plan = handling(found, request)
    refused = any(d.refused is not None for d in plan.decisions)
    by_field = right in (
        Right.ERASURE,
        Right.RESTRICTION,
        Right.PORTABILITY,
        Right.OBJECTION,
        Right.HUMAN_REVIEW,
    )
    assert plan == Handling(
        request=request,
        identity=IDENTITY[right],
        decisions=plan.decisions,
        letter=LETTER[right] | (LETTER_OF_REFUSAL if refused else frozenset()),
        refusals=REFUSALS[right],
        tell=(),
        at_once=right in (Right.OBJECTION_TO_MARKETING, Right.WITHDRAW_CONSENT),
        electronic=False,
        notices=frozenset({NoticeId("v7")}) if right is Right.INFORMATION else frozenset(),
    )
    assert by_field or plan.decisions == ()


@pytest.mark.parametrize("channel", IntakeChannel)
def test_what_came_by_electronic_means_is_answered_so(channel: IntakeChannel) -> None:
    """A form, a mail, a social medium, a link; a letter and a call are none (12(3); R-526)."""
    electronic = channel in (
        IntakeChannel.WEB_FORM,
        IntakeChannel.EMAIL,
        IntakeChannel.SOCIAL_MEDIA,
        IntakeChannel.UNSUBSCRIBE_LINK,
    )
    assert handled(asked(Right.ACCESS, channel=channel)).electronic is electronic


@pytest.mark.parametrize(
    ("right", "purpose", "taken_as"),
    [
        (Right.OBJECTION, MARKETING, Right.OBJECTION_TO_MARKETING),
        (Right.OBJECTION, CARE, Right.OBJECTION),
        (Right.OBJECTION, None, Right.OBJECTION),
        (Right.OBJECTION, PurposeId("gone"), Right.OBJECTION),
        (Right.ERASURE, MARKETING, Right.ERASURE),
    ],
)
def test_an_objection_against_marketing_is_that_of_21_2(
    right: Right, purpose: PurposeId | None, taken_as: Right
) -> None:
    """Whatever it calls itself: no identity, no refusal (R-508)."""
    found = case(*customer(), asked(right, purpose=purpose))
    assert right_of(found, found.standing.request.cases[0]) is taken_as
    plan = handling(found, found.standing.request.cases[0])
    assert plan.identity is IDENTITY[taken_as]
    assert plan.at_once is (taken_as is Right.OBJECTION_TO_MARKETING)
    assert plan.refusals == REFUSALS[taken_as]


# --- field by field ------------------------------------------------------------------------------


def decided(plan: Handling) -> dict[tuple[str, str | None], FieldDecision]:
    return {(d.field, d.purpose): d for d in plan.decisions}


def test_every_field_held_is_decided_for_every_purpose_that_uses_it() -> None:
    """Granted where the right is open, refused with its ground where it is closed (5.1)."""
    plan = handled(asked(Right.PORTABILITY, fields=["email", "invoices"]))
    assert set(decided(plan)) == {
        (field, purpose.id)
        for field in ("email", "invoices")
        for purpose in jot().purposes_of(FieldId(field))
    }
    assert {d.field for d in plan.decisions} == {"email", "invoices"}
    care = decided(plan)["email", CARE]
    assert (care.refused, care.until) == (RefusalGround.RIGHT_NOT_OPEN, None)
    contract = decided(plan)["email", PurposeId("customer-contract")]
    assert (contract.refused, contract.until) == (None, None)
    assert plan.letter == LETTER[Right.PORTABILITY] | LETTER_OF_REFUSAL


def test_what_nobody_found_yet_is_left_open() -> None:
    """A restriction without a ground decides nothing; a purpose without a basis is passed over."""
    assert handled(asked(Right.RESTRICTION)).decisions == ()
    grounded = asked(Right.RESTRICTION, restriction_ground=RestrictionGround.UNLAWFUL)
    assert {d.refused for d in handled(grounded).decisions} == {None}
    assert handled(grounded).letter == LETTER[Right.RESTRICTION]
    pending = asked(Right.RESTRICTION, restriction_ground=RestrictionGround.OBJECTION_PENDING)
    contract = decided(handled(pending))["email", PurposeId("customer-contract")]
    assert contract.refused is RefusalGround.GROUND_NOT_MET
    first = jot().purposes_of(FieldId("email"))[0]
    undecided = handled(
        attrs.evolve(grounded, fields=frozenset({FieldId("email")})),
        register=with_purpose(first.id, basis=None),
    )
    assert {d.purpose for d in undecided.decisions} == {
        p.id for p in jot().purposes_of(FieldId("email"))
    } - {first.id}


def test_an_erasure_without_a_ground_is_looked_at_for_what_is_no_longer_needed() -> None:
    """The widest ground is taken where none is named; a named one is taken as it is (R-503)."""
    plain = decided(handled(asked(Right.ERASURE)))["title", CARE]
    assert plain.refused is RefusalGround.GROUND_NOT_MET
    named = asked(Right.ERASURE, erasure_ground=ErasureReason.UNLAWFUL)
    assert decided(handled(named))["title", CARE].refused is None


def test_a_refusal_ends_on_the_last_day_its_reason_holds() -> None:
    """The voucher's last day in the controller's zone, not the day after it (17(3)(b))."""
    plan = handled(asked(Right.ERASURE, purpose=PurposeId("bookkeeping")))
    (kept,) = plan.decisions
    assert kept == FieldDecision(
        field=FieldId("invoices"),
        purpose=PurposeId("bookkeeping"),
        refused=RefusalGround.LEGAL_OBLIGATION,
        until=date(2032, 12, 31),
    )


def test_only_declared_fields_of_the_request_are_decided() -> None:
    """A value under a name that is declared no more, and other fields, are left out."""
    odd = DataCollected(values=[sealed("gone-field")], source=SourceId("contact-form"))
    plan = handled(asked(Right.OBJECTION, fields=["gone-field", "title"]), *customer(), odd)
    assert {d.field for d in plan.decisions} == {"title"}
    one = handled(asked(Right.OBJECTION, purpose=CARE))
    assert {d.purpose for d in one.decisions} == {CARE}
    assert len(one.decisions) > 1


def test_a_right_decided_for_the_field_alone_looks_at_that_field() -> None:
    """Whether data was provided is asked of each field by itself (20(1))."""
    line: list[Timed] = [
        SubjectAdded(kind=SubjectKind.CONSUMER, source=SourceId("contact-form")),
        DataCollected(values=[sealed("email")], source=SourceId("contact-form")),
        DataCollected(values=[sealed("name")], source=SourceId("trade-register")),
    ]
    plan = handled(asked(Right.PORTABILITY, purpose=PurposeId("customer-contract")), *line)
    assert {d.field: d.refused for d in plan.decisions} == {
        "email": None,
        "name": RefusalGround.NOT_PROVIDED,
    }


# --- notices (R-511) -----------------------------------------------------------------------------


def information(*facts: Timed, register: Register | None = None, **more: Any) -> set[str]:
    return set(handled(asked(Right.INFORMATION), *facts, register=register, **more).notices)


@pytest.mark.parametrize(
    ("published", "superseded", "in_force"),
    [
        (date(2026, 1, 5), None, True),
        (date(2026, 1, 6), None, False),
        (date(2024, 5, 1), date(2026, 1, 5), False),
        (date(2024, 5, 1), date(2026, 1, 6), True),
    ],
)
def test_a_notice_is_in_force_from_its_day_until_the_next(
    published: date, superseded: date | None, in_force: bool
) -> None:
    """From the day it is published; no more on the day another takes its place."""
    line = [f for f in customer() if not isinstance(f, NoticeGiven)]
    register = with_notice("v7", published=published, superseded=superseded)
    assert ("v7" in information(*line, register=register)) is in_force


def test_the_notices_are_of_the_kind_that_concerns_the_person() -> None:
    """Who was told directly gets that kind; of whom it is not known, both; never a reminder."""
    untold = [f for f in customer() if not isinstance(f, NoticeGiven)]
    assert information(*untold) == {"v7", "v7-14"}
    assert information(*customer()) == {"v7"}
    elsewhere = [*untold, NoticeGiven(notice=NoticeId("v7-14"))]
    assert information(*elsewhere) == {"v7-14"}
    old = [*untold, NoticeGiven(notice=NoticeId("v6"))]
    assert information(*old) == {"v6", "v7"}, "the one at collection and the one in force"
    assert jot().notices[NoticeId("v7-reminder")].kind is NoticeKind.NEW_PURPOSE


# --- recipients (R-505) --------------------------------------------------------------------------

HOSTING, PARTNERS = RecipientId("hosting"), RecipientId("storage-partners")
FIRST, SECOND, LATE = (datetime(2026, 1, day, 9, tzinfo=UTC) for day in (6, 8, 9))


def sent(recipient: RecipientId, *fields: str, purpose: PurposeId = CARE) -> Disclosed:
    return Disclosed(recipient=recipient, purpose=purpose, fields=fields)


def erased(*fields: str) -> DataErased:
    slots = [sealed(field).slot for field in fields]
    return DataErased(slots=slots, reason=ErasureReason.OBJECTED, rule="R-503")


def tell(*facts: Timed) -> tuple[ToTell, ...]:
    return to_tell(case(*customer(), *facts, at=datetime(2026, 2, 1, tzinfo=UTC)))


def row(recipient: RecipientId, about: Right, due: int, *fields: str) -> ToTell:
    return ToTell(
        recipient=recipient,
        about=about,
        fields=frozenset(FieldId(f) for f in fields),
        due=date(2026, 1, due),
    )


def test_each_recipient_is_told_once_of_everything_by_the_earliest_day() -> None:
    """Several erasures, several purposes: one telling each, due with the first of them."""
    before = [sent(HOSTING, "email", "title", "name"), sent(PARTNERS, "title")]
    found = tell(*before, (FIRST, erased("email")), (SECOND, erased("title")))
    assert found == (
        row(HOSTING, Right.ERASURE, 13, "email", "title"),
        row(PARTNERS, Right.ERASURE, 15, "title"),
    )
    other = sent(HOSTING, "address", purpose=PurposeId("enquiries"))
    both = tell(before[0], other, (FIRST, erased("address")), (SECOND, erased("title")))
    assert both == (row(HOSTING, Right.ERASURE, 13, "address", "title"),)


def test_corrections_erasures_and_restrictions_are_told_apart() -> None:
    """A row for each kind; a restriction reaches everything they received."""
    rectified = DataRectified(
        replaced=[sealed("name").slot], values=[sealed("name")], source=SourceId("contact-form")
    )
    limit = RestrictionImposed(ground=RestrictionGround.UNLAWFUL)
    found = tell(
        sent(HOSTING, "email", "name"),
        (FIRST, rectified),
        (SECOND, erased("email")),
        (LATE, limit),
    )
    assert found == (
        row(HOSTING, Right.RECTIFICATION, 13, "name"),
        row(HOSTING, Right.ERASURE, 15, "email"),
        row(HOSTING, Right.RESTRICTION, 16, "email", "name"),
    )


def test_who_was_told_is_told_only_of_what_came_after() -> None:
    """Told at the very moment counts; what one was told of leaves the others' rows."""
    notified = RecipientNotified(recipient=HOSTING, about=Right.ERASURE)
    line: list[Timed] = [sent(HOSTING, "email", "title"), sent(PARTNERS, "email")]
    first: Timed = (FIRST, erased("email"))
    assert tell(*line, first, (FIRST, notified)) == (row(PARTNERS, Right.ERASURE, 13, "email"),)
    early: Timed = (FIRST - timedelta(seconds=1), notified)
    assert len(tell(*line, first, early)) == 2
    later = tell(*line, first, (FIRST, notified), (SECOND, erased("title")))
    assert later == (
        row(HOSTING, Right.ERASURE, 15, "title"),
        row(PARTNERS, Right.ERASURE, 13, "email"),
    )


def test_what_went_out_at_the_same_moment_went_out_before() -> None:
    """Sent up to the moment of the erasure it is to be told of; sent after it is not."""
    erasure: Timed = (FIRST, erased("email"))
    assert tell((FIRST, sent(HOSTING, "email")), erasure)
    assert not tell(erasure, (FIRST + timedelta(seconds=1), sent(HOSTING, "email")))
    mixed = tell(
        sent(HOSTING, "email"), erasure, (SECOND, sent(HOSTING, "title")), (LATE, erased("title"))
    )
    assert mixed == (row(HOSTING, Right.ERASURE, 13, "email", "title"),)


def test_the_time_to_tell_counts_the_controllers_days() -> None:
    """Late in the evening in London it is the next day in Helsinki; seven days follow."""
    night = datetime(2026, 1, 6, 23, 30, tzinfo=UTC)
    assert tell(sent(HOSTING, "email"), (night, erased("email"))) == (
        row(HOSTING, Right.ERASURE, 14, "email"),
    )
    assert handled(
        asked(Right.ERASURE), *customer(), sent(HOSTING, "email"), erased("email")
    ).tell == (row(HOSTING, Right.ERASURE, 12, "email"),)


def test_the_steps_of_identity_are_those_of_the_law() -> None:
    """Nobody proves who they are to be left alone; others only on doubt (R-522)."""
    none = {right for right, step in IDENTITY.items() if step is IdentityStep.NONE}
    assert none == {Right.INFORMATION, Right.OBJECTION_TO_MARKETING, Right.WITHDRAW_CONSENT}
    assert IDENTITY[Right.OBJECTION] is IdentityStep.LIGHT
