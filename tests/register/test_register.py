"""The register as a value: look-ups, their errors, and what its constructor refuses."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from gdprkit.errors import (
    InvalidValue,
    RegisterInvalid,
    UnknownName,
    UnknownNotice,
    UnknownPurpose,
)
from gdprkit.register.parties import Controller, Recipient
from gdprkit.register.purposes import DataField, Purpose
from gdprkit.register.register import Register
from gdprkit.words.identifiers import FieldId, PurposeId, RecipientId
from gdprkit.words.vocabulary import FieldKind, RecipientRole

JOT = Path(__file__).parents[2] / "docs" / "examples" / "jot" / "register.toml"

CONTROLLER = Controller(name="Example Oy", address="Street 1", email="privacy@example.com")
EMAIL = DataField(id=FieldId("email"), label="E-mail", kind=FieldKind.EMAIL, category="basic")
NEWSLETTER = Purpose(id=PurposeId("newsletter"), label="Newsletter", fields=frozenset({EMAIL.id}))


@pytest.fixture(scope="module")
def jot() -> Register:
    return Register.load(JOT)


def test_an_empty_register_has_a_controller_only() -> None:
    """A register can be built in code; what is not declared is empty."""
    register = Register(controller=CONTROLLER)
    assert register.schema == 1
    assert dict(register.purposes) == {}
    assert register.marketing_register is None
    assert register.financial_year_end == "12-31"


def test_look_ups_return_the_declared_entry(jot: Register) -> None:
    """Each look-up gives the entry of that id."""
    assert jot.purpose("newsletter").id == "newsletter"
    assert jot.field("email").lookup
    assert jot.notice("v7").names_right_to_object
    assert jot.recipient("ad-networks").role is RecipientRole.JOINT_CONTROLLER
    assert jot.source("employer").label
    assert jot.transfer("usa").country == "US"


@pytest.mark.parametrize(
    ("look_up", "wrong", "error", "text"),
    [
        (Register.purpose, "newsleter", UnknownPurpose, "purpose; did you mean 'newsletter'?"),
        (Register.notice, "v77", UnknownNotice, "notice; did you mean 'v7'?"),
        (Register.field, "emial", UnknownName, "field; did you mean 'email'?"),
        (Register.recipient, "ad-network", UnknownName, "recipient; did you mean 'ad-networks'?"),
        (Register.source, "employr", UnknownName, "source; did you mean 'employer'?"),
        (Register.transfer, "us", UnknownName, "transfer; did you mean 'usa'?"),
        (Register.purposes_of, "emial", UnknownName, "field; did you mean 'email'?"),
        (Register.purpose, "zzzzzz", UnknownPurpose, "purpose; see the register file"),
        (Register.purpose, ["newsletter"], UnknownPurpose, "purpose; see the register file"),
    ],
)
def test_an_unknown_name_gets_a_suggestion_and_is_not_repeated(
    jot: Register,
    look_up: Callable[[Register, object], object],
    wrong: object,
    error: type[UnknownName],
    text: str,
) -> None:
    """A name that is not declared raises its own error with the closest declared one."""
    with pytest.raises(error) as caught:
        look_up(jot, wrong)
    assert type(caught.value) is error
    assert str(caught.value) == f"the register declares no such {text}"
    assert caught.value.__suppress_context__


def test_purposes_of_a_field_come_in_the_order_of_the_file(jot: Register) -> None:
    """A field knows the purposes that need it (R-117)."""
    assert [purpose.id for purpose in jot.purposes_of("invoices")] == [
        "customer-care",
        "customer-contract",
        "distance-sales",
        "bookkeeping",
    ]


def test_tables_cannot_be_changed(jot: Register) -> None:
    """The tables are read-only, and what they were made of is copied."""
    rows = {NEWSLETTER.id: NEWSLETTER}
    register = Register(controller=CONTROLLER, purposes=rows, fields={EMAIL.id: EMAIL})
    rows.clear()
    assert register.purpose("newsletter") is NEWSLETTER
    with pytest.raises(TypeError):
        register.purposes[NEWSLETTER.id] = NEWSLETTER  # type: ignore[index]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        jot.schema = 2  # type: ignore[misc]


def test_a_register_travels_to_another_process(jot: Register) -> None:
    """Pickling gives an equal register back, read-only again."""
    again = pickle.loads(pickle.dumps(jot))  # noqa: S301 - our own bytes
    assert again == jot
    assert again.digest == jot.digest
    with pytest.raises(TypeError):
        again.purposes["x"] = NEWSLETTER


def test_the_digest_tells_registers_apart(jot: Register) -> None:
    """Equal registers have equal digests; one changed word changes it."""
    assert Register.load(JOT).digest == jot.digest
    assert attrs.evolve(jot, financial_year_end="06-30").digest != jot.digest
    assert len(jot.digest) == 64


def test_a_register_built_in_code_checks_references() -> None:
    """A dangling name is refused in code just as in a file."""
    with pytest.raises(RegisterInvalid) as caught:
        Register(controller=CONTROLLER, purposes={NEWSLETTER.id: NEWSLETTER})
    assert caught.value.problems == (
        (
            "$.purposes['newsletter'].fields: \"email\" is not declared in fields; "
            "declare it in [fields]"
        ),
    )


def test_an_entry_stands_under_its_own_id() -> None:
    """A key that is not the entry's id is refused."""
    host = Recipient(id=RecipientId("host"), label="Host", role=RecipientRole.PROCESSOR)
    with pytest.raises(RegisterInvalid, match="holds an entry with another id"):
        Register(controller=CONTROLLER, recipients={RecipientId("hosting"): host})


@pytest.mark.parametrize("schema", [0, 2, "1", True])
def test_a_schema_of_another_version_is_refused(schema: object) -> None:
    """The constructor takes the one schema number it knows."""
    with pytest.raises(InvalidValue) as caught:
        Register(schema=schema, controller=CONTROLLER)  # type: ignore[arg-type]
    assert caught.value.field == "schema"


@pytest.mark.parametrize("day", ["02-30", "13-01", "12-32", "1-1", "06-31", "", "2026-12-31"])
def test_a_financial_year_ends_on_a_day(day: str) -> None:
    """A day that is in no year is refused."""
    with pytest.raises(InvalidValue) as caught:
        Register(controller=CONTROLLER, financial_year_end=day)
    assert caught.value.field == "financial_year_end"


@pytest.mark.parametrize("day", ["12-31", "02-29", "02-28", "03-31", "06-30"])
def test_any_last_day_of_a_month_may_end_a_financial_year(day: str) -> None:
    """Ends of months are taken, the leap day too."""
    assert Register(controller=CONTROLLER, financial_year_end=day).financial_year_end == day
