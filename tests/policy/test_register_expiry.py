"""How long an entry in the marketing register could last, and what may be copied (R-404, R-406)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from tests.policy.plans import asked, later, live, over
from tests.policy.support import (
    MARKETING,
    NEWSLETTER,
    case,
    consented,
    ended,
    jot,
    sealed,
    with_purpose,
)

from gdprkit.errors import UnknownPurpose
from gdprkit.facts.connection import ActivityNoted
from gdprkit.facts.merge import MergedFrom
from gdprkit.policy.law import FI_2026
from gdprkit.policy.marketing_entry import (
    entry_channels,
    marketing_purpose,
    movable,
    register_expiry,
)
from gdprkit.register.register import Register
from gdprkit.words.identifiers import FieldId, PurposeId, SubjectId
from gdprkit.words.moments import Period
from gdprkit.words.vocabulary import Activity, Channel, DataTag

ALL = frozenset(Channel)
NO_BASIS = with_purpose(MARKETING, assessment=None)
LATE = ended(date(2026, 6, 1))


def declared(register: Register | None = None, **changes: Any) -> Register:
    """Return the register with other numbers for the marketing register."""
    register = register or jot()
    assert register.marketing_register is not None
    return attrs.evolve(
        register, marketing_register=attrs.evolve(register.marketing_register, **changes)
    )


def expiry(*facts: Any, register: Register | None = None, on: bool = True, **law: Any) -> Any:
    """Return the expiry of an entry, of the marketing purpose or, with *on* false, of none."""
    found = asked([*live("email"), *facts], register=register, at=later(200))
    found = attrs.evolve(found, law=attrs.evolve(FI_2026, **law))
    return register_expiry(found, found.register.purposes[MARKETING] if on else None)


def test_without_an_end_there_is_no_expiry() -> None:
    """Nothing counts before the connection has ended."""
    assert expiry() is None
    assert expiry(on=False) is None


def test_the_earliest_of_law_and_register_rules() -> None:
    """The shorter period after the end, whoever sets it; without a register, the law's."""
    assert expiry(LATE) == date(2028, 6, 1)
    assert expiry(LATE, register_months=6) == date(2026, 12, 1)
    assert expiry(LATE, register=declared(keep=Period(months=6))) == date(2026, 12, 1)
    longer = declared(keep=Period(months=60))
    assert expiry(LATE, register=longer) == date(2028, 6, 1)
    nowhere = attrs.evolve(jot(), marketing_register=None)
    assert expiry(LATE, register=nowhere) == date(2028, 6, 1)


def test_the_cap_counts_from_the_persons_own_last_act() -> None:
    """On its civil day in the controller's zone; who never acted has no cap."""
    night = datetime(2026, 1, 6, 22, 30, tzinfo=UTC)
    act = (night, ActivityNoted(activity=Activity.ORDER))
    assert expiry(act, LATE, register_cap_months=12) == date(2027, 1, 7)
    assert expiry(act, LATE, register=declared(cap=Period(months=12))) == date(2027, 1, 7)
    assert expiry(LATE, register_cap_months=12) == date(2027, 1, 5)
    never = [f for f in over("email") if type(f).__name__ != "ConnectionStarted"]
    found = attrs.evolve(
        case(*never, register=declared(cap=Period(months=1)), at=later(1)),
        law=attrs.evolve(FI_2026, register_cap_months=1),
    )
    assert found.standing.data.last_act is None
    assert register_expiry(found) == date(2028, 1, 1)


def test_the_last_day_of_a_merged_entry_rules_where_it_is_earlier() -> None:
    """Of several merged lines the earliest (R-416)."""
    days = (date(2027, 1, 1), date(2026, 12, 1), date(2030, 1, 1))
    merges = [MergedFrom(other=SubjectId(sealed(str(day)).slot), expires_on=day) for day in days]
    assert expiry(LATE, *merges) == date(2026, 12, 1)
    assert expiry(LATE, merges[2]) == date(2028, 6, 1)


def test_a_register_on_consent_ends_with_its_last_consent() -> None:
    """The day whose midnight ends it (R-407); an assessment, or no purpose, asks for none."""
    email, post = consented(), consented(channels=[Channel.POST])
    assert expiry(email, LATE, register=NO_BASIS) == date(2028, 1, 5)
    later_post = (datetime(2026, 3, 1, 9, tzinfo=UTC), post)
    assert expiry(email, LATE, later_post, register=NO_BASIS) == date(2028, 3, 1)
    assert expiry(LATE, register=NO_BASIS) == date(2028, 6, 1)
    assert expiry(email, LATE) == date(2028, 6, 1)
    assert expiry(email, LATE, register=NO_BASIS, on=False) == date(2028, 6, 1)
    assert expiry(consented(NEWSLETTER), LATE, register=NO_BASIS) == date(2028, 6, 1)


def test_an_assessment_that_carries_customers_only_needs_consents_afterwards() -> None:
    """An assessment that does not cover former customers leaves the register to consents (T2)."""
    assessment = jot().purposes[MARKETING].assessment
    assert assessment is not None
    customers = attrs.evolve(assessment, covers_former=False)
    register = with_purpose(MARKETING, assessment=customers)
    assert expiry(consented(), LATE, register=register) == date(2028, 1, 5)
    found = asked([*over("email", "address"), consented()], register=register)
    assert entry_channels(found, register.purposes[MARKETING]) == {Channel.EMAIL}
    found = asked([*over("email", "address"), consented()])
    assert Channel.POST in entry_channels(found, jot().purposes[MARKETING])


# --- what may be copied --------------------------------------------------------------------------


def copied(
    *fields: str, register: Register | None = None, usable: frozenset[Channel] = ALL
) -> list[str]:
    found = asked(over(*fields), register=register)
    purpose = found.register.purposes[MARKETING]
    return [str(value.field) for value in movable(found, purpose, usable)]


def test_what_is_whitelisted_is_copied_wherever_it_stands() -> None:
    """Papers, free text and a field nobody declares stay behind; what follows them is copied."""
    fields = ("message", "shoe-size", "invoices", "usage", "name", "email", "phone")
    assert copied(*fields) == ["name", "email", "phone"]


def test_only_fields_declared_for_the_purpose_are_copied() -> None:
    """Whitelisted kinds the purpose does not need stay; needing a paper does not whitelist it."""
    fields = frozenset(map(FieldId, ("email", "invoices")))
    register = with_purpose(MARKETING, fields=fields)
    assert copied("name", "invoices", "email", register=register) == ["email"]


def test_a_tagged_field_is_never_copied() -> None:
    """Whatever its kind: special data and free text have no place in the register (T8)."""
    name = FieldId("name")
    tagged = attrs.evolve(jot().fields[name], tags={DataTag.FREE_TEXT})
    register = attrs.evolve(jot(), fields={**jot().fields, name: tagged})
    assert copied("name", "email", register=register) == ["email"]


@pytest.mark.parametrize(
    ("usable", "fields"),
    [
        ({Channel.EMAIL}, ["name", "email"]),
        ({Channel.SMS}, ["name", "phone"]),
        ({Channel.PHONE}, ["name", "phone"]),
        ({Channel.POST}, ["name", "address"]),
        ({Channel.POST, Channel.EMAIL}, ["name", "email", "address"]),
        (set(), ["name"]),
    ],
)
def test_contact_points_are_copied_for_usable_channels(
    usable: set[Channel], fields: list[str]
) -> None:
    """A number serves calls and messages; a name is no contact point and always goes along."""
    assert copied("name", "email", "phone", "address", usable=frozenset(usable)) == fields


def test_the_purpose_of_the_register_is_the_declared_one() -> None:
    """The one named, else the register's, else ``direct-marketing``; an unknown one is refused."""
    found = asked(over())
    assert marketing_purpose(found).id == MARKETING
    assert marketing_purpose(found, "newsletter").id == NEWSLETTER
    club = PurposeId("club")
    more = {**jot().purposes, club: attrs.evolve(jot().purposes[MARKETING], id=club)}
    register = declared(attrs.evolve(jot(), purposes=more), purpose=club)
    assert marketing_purpose(attrs.evolve(found, register=register)).id == club
    nowhere = attrs.evolve(found, register=attrs.evolve(jot(), marketing_register=None))
    assert marketing_purpose(nowhere).id == MARKETING
    with pytest.raises(UnknownPurpose):
        marketing_purpose(found, "newsletters")
