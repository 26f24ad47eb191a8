"""Declared values: what their constructors refuse, and what they only hold."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

import attrs
import pytest

from gdprkit.errors import InvalidValue
from gdprkit.register.notices import Notice, NoticeItem
from gdprkit.register.parties import Controller, Source, Transfer, TransferMechanism, TransferStatus
from gdprkit.register.purposes import Assessment, DataField, Purpose, RetentionRule
from gdprkit.register.website import LogFile
from gdprkit.sealing.plaintext import PAD_LIMIT
from gdprkit.words.identifiers import FieldId, NoticeId, PurposeId, SourceId
from gdprkit.words.moments import Period
from gdprkit.words.vocabulary import FieldKind, NoticeKind, SourceKind, Trigger


def controller(**parts: Any) -> Controller:
    given = {"name": "Example Oy", "address": "Street 1", "email": "privacy@example.com"}
    return Controller(**{**given, **parts})


def test_a_purpose_without_basis_can_be_declared() -> None:
    """Constructors check shape: what law lacks is held so that it can be found."""
    purpose = Purpose(id=PurposeId("newsletter"), label="Newsletter")
    assert purpose.basis is None
    assert purpose.retention is None
    assert purpose.fields == frozenset()


def test_values_are_frozen() -> None:
    """A declared value cannot be changed after it was made."""
    purpose = Purpose(id=PurposeId("newsletter"), label="Newsletter")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        purpose.label = "Other"  # type: ignore[misc]


@pytest.mark.parametrize("wrong", ["", "News Letter", "Newsletter", "-x", "x" * 65, "ä"])
def test_ids_are_declared_names(wrong: str) -> None:
    """An id of another shape is refused and not repeated in the error."""
    with pytest.raises(InvalidValue) as caught:
        Purpose(id=PurposeId(wrong), label="Newsletter")
    assert caught.value.field == "id"
    assert "is not a declared name" in str(caught.value)


def test_a_bare_text_is_no_set_of_fields() -> None:
    """A text where a set belongs is refused, not taken letter by letter."""
    with pytest.raises(InvalidValue, match="given as one text"):
        Purpose(id=PurposeId("x"), label="X", fields="name")


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"country": "Finland"}, "country"),
        ({"country": None}, "country"),
        ({"zone": "Europe/Helsink"}, "zone"),
        ({"zone": "../etc/passwd"}, "zone"),
        ({"zone": ""}, "zone"),
        ({"holidays": "Finland"}, "holidays"),
        ({"languages": []}, "languages"),
        ({"languages": ["Finnish"]}, "languages"),
        ({"name": "  "}, "name"),
        ({"email": "x" * 300}, "email"),
        ({"findings": ["01"]}, "findings"),
    ],
)
def test_a_controller_of_wrong_shape_is_refused(parts: dict[str, Any], field: str) -> None:
    """Each part of a controller is checked, and the error names the part."""
    with pytest.raises(InvalidValue) as caught:
        controller(**parts)
    assert caught.value.field == field


def test_a_misspelt_zone_gets_a_suggestion() -> None:
    """The error for an unknown zone names the closest known one."""
    with pytest.raises(InvalidValue, match='did you mean "Europe/Helsinki"'):
        controller(zone="Europe/Helsinky")


@pytest.mark.parametrize(
    ("known", "missing"),
    [
        ({}, ("importer", "mechanism", "evidence")),
        ({"importer": "Example Inc."}, ("mechanism", "evidence")),
        ({"mechanism": TransferMechanism.ADEQUACY, "evidence": "list"}, ("importer",)),
        ({"importer": "Example Inc.", "mechanism": TransferMechanism.BCR}, ("evidence",)),
    ],
)
def test_a_transfer_is_incomplete_while_a_part_is_unknown(
    known: dict[str, Any], missing: tuple[str, ...]
) -> None:
    """Importer, mechanism and evidence must all be known (R-711 to R-713)."""
    transfer = Transfer(id="us", country="US", **known)
    assert transfer.missing == missing
    assert transfer.status is TransferStatus.INCOMPLETE


def test_a_transfer_with_all_parts_is_complete() -> None:
    """Nothing else than the three parts is asked for."""
    transfer = Transfer(
        id="us",
        country="US",
        importer="Example Inc.",
        mechanism=TransferMechanism.STANDARD_CLAUSES,
        evidence="contracts/12",
    )
    assert transfer.missing == ()
    assert transfer.status is TransferStatus.COMPLETE


def test_an_assessment_is_not_reviewed_before_it_is_made() -> None:
    """A review day before the decision is a slip of the pen."""
    with pytest.raises(InvalidValue, match="review_by lies before decided"):
        Assessment(reference="a", decided=date(2026, 1, 2), review_by=date(2026, 1, 1), passed=True)


@pytest.mark.parametrize("digest", ["", "abc", "A" * 64, "g" * 64, "0" * 65])
def test_a_notice_takes_only_a_sha256(digest: str) -> None:
    """A digest is 64 lower-case hexadecimal digits."""
    with pytest.raises(InvalidValue) as caught:
        notice(sha256=digest)
    assert caught.value.field == "sha256"


def notice(**parts: Any) -> Notice:
    given = {
        "id": NoticeId("v1"),
        "kind": NoticeKind.DIRECT,
        "language": "fi",
        "published": date(2026, 1, 1),
    }
    return Notice(**{**given, **parts})


def test_a_notice_says_nothing_that_is_not_marked() -> None:
    """Marks are off until set: an unmarked notice named neither marketing nor the right."""
    plain = notice()
    assert not plain.names_marketing
    assert not plain.names_interest
    assert not plain.names_right_to_object
    assert plain.items == frozenset()
    assert NoticeItem.COMPLAINT in notice(items=[NoticeItem.COMPLAINT]).items


@pytest.mark.parametrize("language", ["", "Finnish", "FI", "fi_FI"])
def test_a_notice_has_one_language(language: str) -> None:
    """A language is a code, as in Controller.languages."""
    with pytest.raises(InvalidValue) as caught:
        notice(language=language)
    assert caught.value.field == "language"


def test_a_notice_does_not_end_before_it_begins() -> None:
    """A superseded day before publication is refused."""
    with pytest.raises(InvalidValue, match="superseded lies before published"):
        notice(superseded=date(2025, 12, 31))


def test_a_period_needs_a_reason() -> None:
    """A retention rule without its ground is refused (R-715)."""
    with pytest.raises(InvalidValue) as caught:
        RetentionRule(keep=Period(months=24), after=Trigger.CONNECTION_END, because=" ")
    assert caught.value.field == "because"


@pytest.mark.parametrize("pad", [-1, 2**16 + 1, True, 1.5, "16", None])
def test_a_field_pads_by_a_block_that_can_be(pad: Any) -> None:
    """A field hides lengths in blocks of whole bytes up to what sealing takes."""
    made = partial(DataField, label="E-mail", kind=FieldKind.EMAIL, category="basic")
    assert made(id=FieldId("email"), pad=2**16).pad == PAD_LIMIT == 2**16
    with pytest.raises(InvalidValue, match="pad"):
        made(id=FieldId("email"), pad=pad)


def test_the_other_values_hold_what_they_are_given() -> None:
    """Sources, fields and logs turn lists into sets and keep the rest."""
    field = DataField(id=FieldId("email"), label="E-mail", kind=FieldKind.EMAIL, category="basic")
    source = Source(
        id=SourceId("form"),
        label="Form",
        kind=SourceKind.SUBJECT,
        fields=[FieldId("email"), FieldId("email")],
    )
    log = LogFile(id="web", label="Web", purpose=PurposeId("run"), keep=Period(days=90))
    assert (field.lookup, field.tags) == (False, frozenset())
    assert source.fields == {"email"}
    assert not source.public
    assert (log.keep, log.shorten_ip_after) == (Period(days=90), None)
