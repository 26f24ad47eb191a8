"""Stored formats are pinned: what was written once stays readable for ever."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st
from tests.sealing import reference
from tests.sealing.support import AT

from gdprkit.sealing.canonical import Component, lp
from gdprkit.sealing.envelope import (
    OVERHEAD,
    SealedField,
    from_text,
    seal,
    seal_many,
    to_text,
    unseal,
)
from gdprkit.sealing.form import SUITES
from gdprkit.sealing.index import IndexSpec
from gdprkit.sealing.opened_keys import Kek, SubjectKey, SubjectKeyVersions
from gdprkit.sealing.packed import SealedRecord, seal_record, unseal_record
from gdprkit.sealing.plaintext import encode
from gdprkit.sealing.providers import MemoryProvider
from gdprkit.sealing.roots import IndexRoot
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyRow, KeyState
from gdprkit.words.identifiers import SubjectId

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "envelope.json").read_text(encoding="utf-8")
)
TENANT: str = GOLDEN["tenant"]
ABOUT = SubjectId(UUID(GOLDEN["subject"]))
OWNER = lp(TENANT) + lp(ABOUT)


def key() -> SubjectKey:
    (made,) = SubjectKey.derive(raw("subject_key"), version=1, owner=OWNER)
    return made


def raw(name: str) -> bytes:
    return bytes.fromhex(GOLDEN[name])


def epoch(kind: EpochKind, name: str) -> EpochRow:
    return EpochRow(
        kind=kind,
        epoch=name,
        provider_key="memory",
        wrapped=b"",
        state=KeyState.ACTIVE,
        created=AT,
    )


RECORD = UUID(GOLDEN["record_id"])


def place(pad: int = 0) -> SealedField:
    return SealedField(GOLDEN["record_type"], GOLDEN["field"], pad=pad)


def value_of(case: dict[str, Any]) -> object:
    text: str = case["value"]
    match case["type"]:
        case "bytes":
            return bytes.fromhex(text)
        case "str":
            return text
        case "int":
            return int(text)
        case "bool":
            return text == "true"
        case "date":
            return date.fromisoformat(text)
        case "datetime":
            moment, bracket, zone = text.partition("[")
            at = datetime.fromisoformat(moment)
            return at.astimezone(ZoneInfo(zone.removesuffix("]"))) if bracket else at
        case "decimal":
            return Decimal(text)
        case "json":
            return json.loads(text)
    raise AssertionError(case["type"])


def part_of(case: dict[str, str]) -> Component:
    text = case["value"]
    match case["type"]:
        case "bytes":
            return bytes.fromhex(text)
        case "int":
            return int(text)
    return text


def named(case: dict[str, Any]) -> str:
    return f"{case['type']}-{case['value'] or 'empty'}-{case['pad']}"


@pytest.mark.parametrize("case", GOLDEN["values"], ids=named)
def test_d41_envelope_equals_the_pinned_bytes_and_the_reference(case: dict[str, Any]) -> None:
    """Each type of value gives the pinned envelope, which the independent reference gives too."""
    value = value_of(case)
    nonce = bytes.fromhex(case["nonce"])
    pinned = bytes.fromhex(case["envelope"])
    sealed = seal(value, place(case["pad"]), RECORD, key(), random=lambda _: nonce)
    assert sealed == pinned
    plain = encode(value, case["pad"])
    parts = (TENANT, ABOUT, UUID(GOLDEN["record_id"]), GOLDEN["record_type"], GOLDEN["field"])
    by_reference = reference.envelope(
        plain, subject_key=raw("subject_key"), nonce=nonce, parts=parts
    )
    assert by_reference == pinned
    assert len(pinned) == OVERHEAD + len(plain)


@pytest.mark.parametrize("case", GOLDEN["values"], ids=named)
def test_d41_pinned_envelope_opens_in_both_forms(case: dict[str, Any]) -> None:
    """The pinned bytes and the pinned text open to the value, in the type that it had."""
    keys = SubjectKeyVersions([key()], owner=OWNER)
    value = value_of(case)
    assert to_text(bytes.fromhex(case["envelope"])) == case["text"]
    opened = unseal(from_text(case["text"]), place(), RECORD, keys)
    assert opened == value
    assert type(opened) is type(value)


@pytest.mark.parametrize("case", GOLDEN["contexts"], ids=lambda case: case["nonce"][:2])
def test_d41_context_parts_of_every_type_are_pinned(case: dict[str, Any]) -> None:
    """Texts, bytes and integers as parts of a context give the pinned envelope, batch or single."""
    nonce = bytes.fromhex(case["nonce"])
    record_id, record_type, field = (
        part_of(case[name]) for name in ("record_id", "record_type", "field")
    )
    where = SealedField(record_type, field)
    single = seal("x", where, record_id, key(), random=lambda _: nonce)
    (batch,) = seal_many([("x", where, record_id)], key(), random=lambda _: nonce)
    assert single.hex() == batch.hex() == case["envelope"]


def test_d41_key_and_id_equal_hkdf_expand() -> None:
    """Cipher key and key id are what pyca's HKDFExpand gives for the documented info."""
    info = b"gdprkit/dek/v1\0" + OWNER
    derived = HKDFExpand(algorithm=SHA512(), length=52, info=info).derive(raw("subject_key"))
    assert derived == raw("cipher_key") + raw("key_id")
    assert key().key_id == raw("key_id")
    assert reference.cipher_key_and_id(raw("subject_key"), TENANT, ABOUT) == (
        derived[:32],
        derived[32:],
    )


def test_wrapped_subject_key_is_pinned() -> None:
    """An epoch wraps a subject key into the pinned bytes and opens them again."""
    pinned = GOLDEN["wrapped_key"]
    drawn = iter([bytes.fromhex(pinned["nonce"]), raw("subject_key")])
    kek = Kek(epoch(EpochKind.KEK, pinned["epoch"]), raw("kek"))
    (made,), wrapped = kek.make(version=1, owner=OWNER, random=lambda _: next(drawn))
    assert wrapped.hex() == pinned["wrapped"]
    assert made.key_id == raw("key_id")
    row = KeyRow(
        about=ABOUT,
        version=1,
        key_id=made.key_id,
        kek_id=pinned["epoch"],
        wrapped=wrapped,
        state=KeyState.ACTIVE,
        created=AT,
    )
    (opened,) = kek.open(row, owner=OWNER)
    assert opened.key_id == raw("key_id")


def test_wrapped_epoch_key_is_pinned() -> None:
    """A root key wraps an epoch key into the pinned bytes and opens them again."""
    pinned = GOLDEN["wrapped_epoch"]
    provider = MemoryProvider(raw("root"), random=lambda _: bytes.fromhex(pinned["nonce"]))
    assert provider.wrap(raw("kek"), pinned["context"]).hex() == pinned["wrapped"]
    assert provider.unwrap(bytes.fromhex(pinned["wrapped"]), pinned["context"]) == raw("kek")


def test_mark_of_an_erased_person_is_pinned() -> None:
    """The mark of a tombstone is the pinned keyed hash, as the reference makes it."""
    root = IndexRoot(epoch(EpochKind.INDEX, "i1"), raw("index_key"))
    assert root.mark(ABOUT) == raw("mark") == reference.mark(raw("index_key"), ABOUT)


@pytest.mark.parametrize("case", GOLDEN["terms"], ids=lambda case: case["normalisers"])
def test_terms_of_blind_indexes_are_pinned(case: dict[str, Any]) -> None:
    """Each normaliser, and a compound of two, gives the pinned look-up term."""
    root = IndexRoot(epoch(EpochKind.INDEX, "i1"), raw("index_key"))
    names = tuple(case["normalisers"].split("+"))
    spec = IndexSpec(name=case["name"], normalisers=names)
    index = root.index(spec, tenant=lp(TENANT))
    values = case["values"]
    term = index.term(values[0] if len(names) == 1 else values)
    assert term is not None
    assert term.hex() == case["term"]


def key_of(suite: int) -> SubjectKey:
    (made,) = SubjectKey.derive(raw("subject_key"), version=1, owner=OWNER, suites=[suite])
    return made


PARTS: tuple[str, UUID, UUID, str, str] = (
    TENANT,
    ABOUT,
    RECORD,
    GOLDEN["record_type"],
    GOLDEN["field"],
)


@pytest.mark.parametrize("case", GOLDEN["suites"], ids=lambda c: f"{c['suite']}-{len(c['value'])}")
def test_d41_every_suite_gives_the_pinned_bytes_and_the_references(case: dict[str, Any]) -> None:
    """XAES and AES-GCM-SIV written out in the reference agree with what seal writes and opens."""
    suite, nonce = case["suite"], bytes.fromhex(case["nonce"])
    made = key_of(suite)
    sealed = seal(case["value"], place(), RECORD, made, random=lambda _: nonce)
    assert sealed.hex() == case["envelope"]
    by_reference = reference.envelope(
        encode(case["value"]),
        subject_key=raw("subject_key"),
        nonce=nonce,
        parts=PARTS,
        suite=suite,
    )
    assert by_reference == sealed
    keys = SubjectKeyVersions([made], owner=OWNER, suite=suite)
    assert to_text(sealed) == case["text"]
    assert unseal(from_text(case["text"]), place(), RECORD, keys) == case["value"]
    assert len(sealed) == SUITES[suite].overhead + len(encode(case["value"]))


@pytest.mark.parametrize("case", GOLDEN["packed"], ids=lambda case: str(case["suite"]))
def test_d41_packed_records_are_pinned(case: dict[str, Any]) -> None:
    """A packed record gives the pinned bytes, which the reference gives too, and opens again."""
    suite, nonce = case["suite"], bytes.fromhex(case["nonce"])
    record = SealedRecord(GOLDEN["record_type"])
    made = key_of(suite)
    sealed = seal_record(case["values"], record, RECORD, made, random=lambda _: nonce)
    assert sealed.hex() == case["envelope"]
    plain = reference.packed({name: encode(value) for name, value in case["values"].items()})
    by_reference = reference.envelope(
        plain,
        subject_key=raw("subject_key"),
        nonce=nonce,
        parts=(*PARTS[:4], None),
        suite=suite,
    )
    assert by_reference == sealed
    keys = SubjectKeyVersions([made], owner=OWNER, suite=suite)
    opened = unseal_record(sealed, record, RECORD, keys)
    assert {name: value.reveal() for name, value in opened.items()} == case["values"]


@given(
    st.sampled_from(sorted(SUITES)),
    st.text(st.characters(codec="utf-8"), max_size=100),
    st.binary(min_size=24, max_size=24),
    st.tuples(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
        st.integers(-(2**70), 2**70),
        st.binary(min_size=1, max_size=9),
    ),
)
def test_d41_any_envelope_agrees_with_the_reference(
    suite: int, value: str, nonce: bytes, where: tuple[str, int, bytes]
) -> None:
    """Whatever the suite, value, nonce and place, seal writes what the plain reference writes."""
    nonce = nonce[: SUITES[suite].nonce]
    record_type, record_id, field = where
    sealed = seal(
        value, SealedField(record_type, field), record_id, key_of(suite), random=lambda _: nonce
    )
    assert sealed == reference.envelope(
        b"\2" + value.encode(),
        subject_key=raw("subject_key"),
        nonce=nonce,
        parts=(TENANT, ABOUT, record_id, record_type, field),
        suite=suite,
    )
