"""The end of a connection as the facts give it (R-401), and what outlives it (R-408)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from tests.policy.support import added, case, customer, ended, jot

from gdprkit.errors import InvalidValue, UnknownName
from gdprkit.facts.connection import ActivityNoted, ConnectionTied, ContactHeld, OldEntryFound
from gdprkit.facts.entry import Fact
from gdprkit.policy.ending import DerivedEnd, derived_end, end_passed
from gdprkit.policy.law import EU_2026, FI_2026, SOURCES
from gdprkit.policy.leftovers import LEFTOVERS, kept_through
from gdprkit.register.purposes import Purpose
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.moments import Period
from gdprkit.words.vocabulary import Activity, Actor, EndCause


def tie(cause: EndCause, until: date | None, reference: str = "contract-1") -> ConnectionTied:
    return ConnectionTied(cause=cause, reference=reference, until=until)


def at(day: date, fact: Fact) -> tuple[datetime, Fact]:
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC), fact


def end_of(*facts: Any, on: date = date(2026, 6, 1), known: list[Fact] | None = None) -> Any:
    life = customer() if known is None else known
    return derived_end(case(*life, *facts, at=datetime(on.year, on.month, on.day, 12, tzinfo=UTC)))


TIES = [
    tie(EndCause.CONTRACT_END, date(2026, 2, 1)),
    tie(EndCause.LAST_DELIVERY, date(2026, 3, 1)),
    tie(EndCause.WARRANTY_END, date(2027, 3, 1)),
    tie(EndCause.INVOICE_SETTLED, date(2026, 4, 1)),
    tie(EndCause.CLAIM_CLOSED, date(2026, 5, 1)),
]


@pytest.mark.parametrize("last", TIES, ids=lambda fact: fact.cause)
def test_the_latest_tie_is_the_end(last: ConnectionTied) -> None:
    """Contract, delivery, warranty, invoice or claim: whichever ties longest."""
    earlier = [tie(fact.cause, date(2026, 1, 6)) for fact in TIES if fact is not last]
    until = date(2028, 1, 1)
    found = end_of(*earlier, tie(last.cause, until))
    assert (found.on, found.cause, found.recorded) == (until, last.cause, False)
    assert len(found.evidence) == 1


def test_a_contact_ties_for_the_time_of_dormancy() -> None:
    """Twelve months after the last contact both ways, whoever began it."""
    held = ContactHeld(begun_by=Actor.CONTROLLER)
    found = end_of(at(date(2026, 3, 31), held))
    assert (found.on, found.cause) == (date(2027, 3, 31), EndCause.DORMANCY)


def test_a_prospect_is_tied_by_their_own_contact_only() -> None:
    """Who never became a customer is not held by what we began (R-401, edge)."""
    ours = at(date(2026, 3, 31), ContactHeld(begun_by=Actor.CONTROLLER))
    theirs = at(date(2026, 2, 1), ContactHeld(begun_by=Actor.SUBJECT))
    assert end_of(ours, known=added()) is None
    found = end_of(theirs, ours, known=added())
    assert found.on == date(2027, 2, 1)


def test_a_click_is_no_contact() -> None:
    """Clicks say nothing both ways; an order does."""
    click = at(date(2026, 3, 31), ActivityNoted(activity=Activity.CLICK))
    order = at(date(2026, 3, 31), ActivityNoted(activity=Activity.ORDER))
    assert end_of(click).on < date(2027, 3, 31)
    assert end_of(order).on == date(2027, 3, 31)


def test_while_one_tie_is_open_no_end_is_derived() -> None:
    """A claim that is not closed keeps the end unknown."""
    found = end_of(tie(EndCause.CONTRACT_END, date(2026, 1, 6)), tie(EndCause.CLAIM_CLOSED, None))
    assert (found.on, found.cause) == (None, EndCause.CLAIM_CLOSED)


def test_noted_again_the_new_day_counts() -> None:
    """A contract that was prolonged ties until its new day."""
    first, second = date(2026, 8, 1), date(2027, 8, 1)
    found = end_of(tie(EndCause.CONTRACT_END, second), tie(EndCause.CONTRACT_END, first))
    assert found.on == date(2027, 1, 5)  # the dormancy after the start of the connection
    assert (
        end_of(tie(EndCause.CONTRACT_END, first), tie(EndCause.CONTRACT_END, second)).on == second
    )


def test_an_explicit_act_replaces_the_latest() -> None:
    """Its date is the end, whatever tied longer (0.3)."""
    found = end_of(tie(EndCause.WARRANTY_END, date(2030, 1, 1)), ended(date(2026, 1, 6)))
    assert found == DerivedEnd(
        on=date(2026, 1, 6), cause=EndCause.WARRANTY_END, evidence=found.evidence, recorded=True
    )


def test_an_end_is_to_be_recorded_when_its_day_is_over() -> None:
    """At the last moment of the day the connection lives; after it, somebody records the end."""
    facts = [*added(), tie(EndCause.CONTRACT_END, date(2026, 3, 31))]
    last = datetime(2026, 3, 31, 20, 59, 59, tzinfo=UTC)  # 23:59:59 in Helsinki, summer time
    assert end_passed(case(*facts, at=last)) is None
    after = end_passed(case(*facts, at=datetime(2026, 3, 31, 21, tzinfo=UTC)))
    assert after is not None
    assert after.on == date(2026, 3, 31)
    recorded = case(*customer(), ended(), at=datetime(2027, 1, 1, tzinfo=UTC))
    assert end_passed(recorded) is None


def test_an_end_names_the_entries_it_rests_on() -> None:
    """The entry of the tie, of the contact, or of the recorded end."""
    known = len(customer())
    recorded = end_of(ended(date(2026, 1, 6)))
    assert recorded.evidence == (known + 1,)
    contract = tie(EndCause.CONTRACT_END, date(2030, 1, 1))
    assert end_of(contract).evidence == (known + 1,)
    held = ContactHeld(begun_by=Actor.CONTROLLER)
    assert end_of(at(date(2026, 3, 31), held)).evidence == (known + 1,)


def test_a_contact_at_night_counts_on_the_controllers_civil_day() -> None:
    """Half past midnight in Helsinki is the day before in UTC: dormancy counts from Helsinki."""
    night = datetime(2026, 3, 30, 21, 30, tzinfo=UTC)
    assert end_of((night, ContactHeld(begun_by=Actor.SUBJECT))).on == date(2027, 3, 31)


def test_no_end_is_recorded_while_one_tie_is_open_or_nothing_lives() -> None:
    """An open claim has no last day; an entry of an old register has no live connection."""
    late = datetime(2030, 1, 1, tzinfo=UTC)
    contact = ContactHeld(begun_by=Actor.SUBJECT)
    open_tie = tie(EndCause.CLAIM_CLOSED, None)
    assert end_passed(case(*customer(), open_tie, at=late)) is None
    prospect = end_passed(case(*added(), contact, at=late))
    assert prospect is not None
    assert (prospect.cause, prospect.recorded) == (EndCause.DORMANCY, False)
    found = OldEntryFound(reference="old-1")
    assert end_passed(case(*added(), contact, found, at=late)) is None
    assert end_passed(case(*added(), at=late)) is None


# --- R-408 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("material", "day", "year_end", "last"),
    [
        ("vouchers", date(2025, 3, 31), (12, 31), date(2031, 12, 31)),
        ("vouchers", date(2025, 12, 31), (12, 31), date(2031, 12, 31)),
        ("vouchers", date(2024, 3, 31), (3, 31), date(2030, 12, 31)),
        ("vouchers", date(2024, 4, 1), (3, 31), date(2031, 12, 31)),
        ("vouchers", date(2024, 2, 29), (2, 29), date(2030, 12, 31)),
        ("ledgers", date(2025, 3, 31), (12, 31), date(2035, 12, 31)),
        ("ledgers", date(2024, 3, 31), (3, 31), date(2034, 3, 31)),
        ("ledgers", date(2024, 4, 1), (3, 31), date(2035, 3, 31)),
        ("ledgers", date(2024, 2, 29), (2, 29), date(2034, 2, 28)),
        ("vat-real-estate", date(2025, 5, 1), (12, 31), date(2038, 12, 31)),
        ("vat-real-estate", date(2025, 5, 1), (3, 31), date(2038, 12, 31)),
        ("claims", date(2026, 3, 31), (12, 31), date(2029, 3, 31)),
        ("damages", date(2026, 3, 31), (12, 31), date(2036, 3, 31)),
        ("consent-proof", date(2026, 1, 31), (12, 31), date(2029, 1, 31)),
        ("request-file", date(2024, 2, 29), (12, 31), date(2027, 2, 28)),
    ],
)
def test_material_is_kept_by_its_own_rule(
    material: str, day: date, year_end: tuple[int, int], last: date
) -> None:
    """Vouchers count from the calendar year, ledgers from the financial one, claims from a day."""
    assert kept_through(material, day, law=FI_2026, year_end=year_end) == last


def test_unknown_material_is_no_rule() -> None:
    """Everything else is erased after the review; nothing has a period by guess."""
    with pytest.raises(UnknownName) as caught:
        kept_through("voucher", date(2025, 1, 1), law=FI_2026)
    assert caught.value.suggestion == "vouchers"
    assert str(caught.value) == ("the register declares no such material; did you mean 'vouchers'?")


@pytest.mark.parametrize(
    ("material", "months"),
    [
        ("vouchers", 72),
        ("ledgers", 120),
        ("vat-real-estate", 156),
        ("claims", 36),
        ("damages", 120),
        ("consent-proof", 36),
        ("request-file", 36),
    ],
)
def test_a_length_is_years_or_months_of_the_law(material: str, months: int) -> None:
    """The number stands in the law profile, with its source; a setting changes it."""
    rule = LEFTOVERS[material]
    assert rule.months(FI_2026) == months
    assert rule.citation == SOURCES[rule.length].citation
    doubled = attrs.evolve(FI_2026, **{rule.length: 2 * getattr(FI_2026, rule.length)})
    assert rule.months(doubled) == 2 * months


@pytest.mark.parametrize(
    ("material", "number"),
    [
        ("vouchers", "voucher_years"),
        ("ledgers", "ledger_years"),
        ("vat-real-estate", "vat_real_estate_years"),
        ("damages", "damages_years"),
    ],
)
def test_the_union_has_no_law_of_its_own_about_papers(material: str, number: str) -> None:
    """A member state's law says how long; nothing is kept, or erased, by a guess."""
    with pytest.raises(InvalidValue) as caught:
        kept_through(material, date(2025, 1, 1), law=EU_2026)
    assert str(caught.value) == (
        f"{number} is in no law of this profile; use the profile of a member state"
    )


def test_a_financial_year_is_the_calendar_year_unless_said() -> None:
    """Where the controller declares no other year end, the thirty-first of December."""
    assert kept_through("ledgers", date(2025, 3, 31), law=FI_2026) == date(2035, 12, 31)


@pytest.mark.parametrize(
    ("purpose", "material"),
    [("bookkeeping", "vouchers"), ("ledgers", "ledgers"), ("claims", "claims")],
)
def test_the_example_register_carries_the_periods(purpose: str, material: str) -> None:
    """The archive purposes of the example count from what the law counts from, as long."""
    declared: Purpose = jot().purposes[PurposeId(purpose)]
    rule = LEFTOVERS[material]
    assert declared.retention is not None
    assert declared.basis is rule.basis
    assert declared.retention.after is rule.after
    assert declared.retention.keep in (
        Period(years=rule.months(FI_2026) // 12),
        Period(months=rule.months(FI_2026)),
    )
