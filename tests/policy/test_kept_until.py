"""Until when a value is kept, and why, in every filing system (R-116, R-408, R-540, R-715)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from tests.policy.plans import FORM, holding, later, live, over
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
    DataRectified,
)
from gdprkit.facts.entry import Fact
from gdprkit.facts.request import RequestReceived, RequestWithdrawn
from gdprkit.facts.retention import Archived, MarketingEntryEnded
from gdprkit.policy.retention import kept_until
from gdprkit.words.identifiers import CaseId, FieldId, PurposeId
from gdprkit.words.vocabulary import (
    Circumstance,
    ErasureReason,
    FilingSystem,
    IntakeChannel,
    Right,
)

CASE = CaseId(sealed("request").slot)
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


def wrote(right: Right = Right.ACCESS) -> RequestReceived:
    text = sealed("message", FilingSystem.REQUESTS)
    return RequestReceived(case=CASE, right=right, channel=IntakeChannel.LETTER, text=text)


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
