"""Until when values are kept, and the plan of what is due, written out in full (R-116, R-715)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from tests.policy.plans import FORM, asked, holding, item, keep, later, live, over, planned
from tests.policy.support import (
    MARKETING,
    NEWSLETTER,
    case,
    evidence,
    moved,
    sealed,
    with_purpose,
)

from gdprkit.facts.connection import ConnectionStarted, OldEntryFound
from gdprkit.facts.consent import ConsentRequested
from gdprkit.facts.data import (
    CircumstanceNoted,
    DataCollected,
    DataErased,
    DataRectified,
    PersonErased,
)
from gdprkit.facts.entry import Fact
from gdprkit.facts.request import RequestReceived, RequestWithdrawn
from gdprkit.facts.retention import Archived, HoldPlaced, MarketingEntryEnded
from gdprkit.policy.plan import Plan, PlanItem
from gdprkit.policy.retention import DueErasure, kept_until, nothing_left, plan_due
from gdprkit.words.identifiers import CaseId, FieldId, PurposeId
from gdprkit.words.vocabulary import (
    Circumstance,
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
DIED = CircumstanceNoted(circumstance=Circumstance.DECEASED)
LEFT = CircumstanceNoted(circumstance=Circumstance.LEFT_ROLE)
FOUND = OldEntryFound(reference="old-1")
ENTRY_ENDED = MarketingEntryEnded(reason=ErasureReason.RETENTION_ENDED)


def due(found: Any, *items: PlanItem, **more: Any) -> Plan:
    return planned(found, QUESTION, "due", *items, reason=ErasureReason.RETENTION_ENDED, **more)


def wrote(right: Right = Right.ACCESS) -> RequestReceived:
    text = sealed("message", FilingSystem.REQUESTS)
    return RequestReceived(case=CASE, right=right, channel=IntakeChannel.LETTER, text=text)


# --- until when -----------------------------------------------------------------------------------

LATE = datetime(2026, 2, 1, 22, 30, tzinfo=UTC)  # past midnight, so 2 February in Helsinki


@pytest.mark.parametrize(
    ("facts", "field", "filing", "kept"),
    [
        (
            [*over(), moved(date(2027, 5, 1))],
            "email",
            MARKETED,
            (2027, 5, 1, "period-fixed", "R-406"),
        ),
        (
            [*over(), (LATE, moved()), (LATE, ConnectionStarted(reference="contract-2"))],
            "email",
            MARKETED,
            (2026, 2, 1, "entry-ended", "R-411"),
        ),
        (
            [*over(), moved(), (LATE, ENTRY_ENDED)],
            "email",
            MARKETED,
            (2026, 2, 1, "entry-ended", "R-412"),
        ),
        (
            [*over(), moved(), (LATE, FOUND)],
            "email",
            MARKETED,
            (2026, 3, 4, "unproven", "R-420"),
        ),
        (
            [*over(), ARCHIVED],
            "invoices",
            FilingSystem.ARCHIVE,
            (2026, 3, 31, "period-fixed", "R-408"),
        ),
        (
            [*over("name"), (LATE, FOUND)],
            "name",
            FilingSystem.CUSTOMER,
            (2026, 3, 4, "unproven", "R-420"),
        ),
        (
            [*holding("name"), (LATE, LEFT)],
            "name",
            FilingSystem.CUSTOMER,
            (2026, 3, 4, "contact-left", "R-417"),
        ),
        (
            [*live("name"), (LATE, DIED)],
            "name",
            FilingSystem.CUSTOMER,
            (2026, 3, 4, "person-deceased", "R-415"),
        ),
        (
            [*holding("name"), (LATE, LEFT), (LATE, DIED)],
            "name",
            FilingSystem.CUSTOMER,
            (2026, 3, 4, "contact-left", "R-417"),
        ),
        (over("name"), "name", FilingSystem.CUSTOMER, (2026, 1, 31, "under-review", "R-402")),
        (holding("usage"), "usage", FilingSystem.CUSTOMER, (None, "unclear", "R-117")),
        (live("name"), "name", FilingSystem.CUSTOMER, (None, "purpose-lives", "R-116")),
        (
            [*live("name"), (LATE, LEFT)],
            "name",
            FilingSystem.CUSTOMER,
            (None, "purpose-lives", "R-116"),
        ),
        # customer care counts a prospect from collection as well: twelve months, like enquiries
        (holding("name"), "name", FilingSystem.CUSTOMER, (2027, 1, 5, "period-over", "R-116")),
    ],
)
def test_each_value_is_kept_until_a_day_for_a_reason(
    facts: list[Any], field: str, filing: FilingSystem, kept: tuple[Any, ...]
) -> None:
    """Day, code and rule of every filing system and of every way a purpose can end."""
    found = case(*facts, at=later(1))
    value = next(v for v in found.standing.data.held(filing) if v.field == field)
    *day, code, rule = kept
    until = None if day == [None] else date(*day)
    assert kept_until(found, value) == (until, code, rule)


def test_an_entry_is_kept_no_longer_than_its_own_values_say() -> None:
    """The earlier of the value's own day and the entry's rules; with neither, it stays open."""
    found = case(*over(), moved(date(2027, 5, 1)), at=later(1))
    value = found.standing.data.held(MARKETED)[0]
    earlier = attrs.evolve(value, until="2026-05-01")
    later_day = attrs.evolve(value, until="2029-05-01")
    without = attrs.evolve(value, until=None)
    assert kept_until(found, earlier)[0] == date(2026, 5, 1)
    assert kept_until(found, later_day)[0] == date(2027, 5, 1)
    assert kept_until(found, without)[0] == date(2027, 5, 1)


def test_an_old_entry_that_was_archived_is_found_no_more() -> None:
    """Once the clean-up has decided, its thirty days rule nothing that is still held (R-420)."""
    found = case(*over("name"), FOUND, ARCHIVED, at=later(1))
    value = found.standing.data.held(FilingSystem.CUSTOMER)[0]
    assert kept_until(found, value) == (date(2027, 1, 5), "period-over", "R-116")


def test_a_value_of_the_register_without_any_day_is_kept_open() -> None:
    """It was put there without a move: no day is known, so none is guessed."""
    value = DataCollected(values=[sealed("email", MARKETED)], source=FORM)
    found = case(*holding("name")[:2], value, at=later(1))
    assert kept_until(found, found.standing.data.values[0]) == (None, "period-fixed", "R-406")


def test_a_requests_own_file_is_kept_three_years_after_its_closing() -> None:
    """The civil day of the closing counts; while the request is open there is no end (R-540)."""
    other = RequestReceived(
        case=CaseId(sealed("other").slot), right=Right.ACCESS, channel=IntakeChannel.LETTER
    )
    facts: list[Any] = [*over(), other, wrote()]
    waiting = case(*facts, RequestWithdrawn(case=other.case), at=later(1))
    assert kept_until(waiting, waiting.standing.data.values[0]) == (None, "request-file", "R-540")
    closed = case(*facts, (LATE, RequestWithdrawn(case=CASE)), at=later(60))
    assert kept_until(closed, closed.standing.data.values[0]) == (
        date(2029, 2, 2),
        "request-file",
        "R-540",
    )


def test_a_reminder_and_a_corrected_text_end_with_the_requests_before_them() -> None:
    """They came with no receipt of their own; the last closing counts, and none while one is open.

    A request that came after them moves nothing.
    """
    again = attrs.evolve(wrote(), text=sealed("address", FilingSystem.REQUESTS))
    other = RequestReceived(
        case=CaseId(sealed("other").slot), right=Right.ACCESS, channel=IntakeChannel.LETTER
    )
    third = attrs.evolve(other, case=CaseId(sealed("third").slot))
    corrected = DataRectified(
        replaced=[sealed("message", FilingSystem.REQUESTS).slot],
        values=[sealed("email", FilingSystem.REQUESTS)],
        source=FORM,
    )
    close, close_other = RequestWithdrawn(case=CASE), RequestWithdrawn(case=other.case)
    next_day = datetime(2026, 2, 3, 9, tzinfo=UTC)

    def ends(*facts: Any) -> set[date | None]:
        found = case(*over(), *facts, at=later(60))
        return {kept_until(found, value)[0] for value in found.standing.data.values}

    closed = (LATE, close)
    assert ends(wrote(), again, closed, third) == {date(2029, 2, 2)}
    assert ends(wrote(), corrected, closed) == {date(2029, 2, 2)}
    assert ends(other, wrote(), again, closed) == {date(2029, 2, 2), None}
    both = [other, wrote(), again, closed, (next_day, close_other)]
    assert ends(*both) == {date(2029, 2, 2), date(2029, 2, 3)}
    text = DataCollected(values=[sealed("name", FilingSystem.REQUESTS)], source=FORM)
    assert ends(text, third, (LATE, RequestWithdrawn(case=third.case))) == {None}


def wish(purpose: PurposeId, at: datetime) -> tuple[datetime, Fact]:
    return at, ConsentRequested(purpose=purpose, evidence=evidence())


def test_what_waits_for_a_confirmation_lapses_after_seven_days() -> None:
    """The newest choice that needs the field counts; another field's choice keeps nothing."""
    first, second = LATE, datetime(2026, 2, 10, 9, tzinfo=UTC)
    register = with_purpose(PurposeId("partner-marketing"), fields=frozenset({FieldId("usage")}))
    register = with_purpose(NEWSLETTER, register=register, fields=frozenset({FieldId("usage")}))

    def kept(*wishes: Any) -> Any:
        found = case(*holding("usage"), *wishes, register=register, at=second)
        return kept_until(found, found.standing.data.values[0])

    partner = PurposeId("partner-marketing")
    unknown = PurposeId("another-newsletter")
    assert kept(wish(NEWSLETTER, first)) == (date(2026, 2, 9), "double-opt-in", "R-216")
    for wishes in (
        [wish(partner, first), wish(NEWSLETTER, second)],
        [wish(NEWSLETTER, second), wish(partner, first)],
        [wish(unknown, first), wish(NEWSLETTER, second)],
    ):
        assert kept(*wishes) == (date(2026, 2, 17), "double-opt-in", "R-216")
    assert kept(wish(MARKETING, first)) == (None, "unclear", "R-117")
    assert kept(wish(unknown, first)) == (None, "unclear", "R-117")


def test_what_a_purpose_needs_does_not_lapse_with_an_unconfirmed_consent() -> None:
    """The relation needs the address, whatever waits for a confirmation besides (R-216)."""
    found = case(*live("email"), wish(NEWSLETTER, LATE), at=later(60))
    value = found.standing.data.values[0]
    assert kept_until(found, value) == (None, "purpose-lives", "R-116")


def test_the_purpose_that_needs_a_value_longest_keeps_it() -> None:
    """Enquiries need a number for a year and contests for three months: a year (R-116)."""
    found = case(*holding("phone"), at=later(1))
    assert kept_until(found, found.standing.data.values[0])[0] == date(2027, 1, 5)


# --- what is due ----------------------------------------------------------------------------------


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
