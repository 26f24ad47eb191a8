"""Packed records: whole or not at all, and never taken for a field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sealing.support import ANNA, RECORD, DictStore, add_person, enc, make_keys

from gdprkit.errors import InvalidValue
from gdprkit.sealing.canonical import lp
from gdprkit.sealing.envelope import SealedField, seal, seal_many, unseal
from gdprkit.sealing.errors import (
    AuthenticationFailed,
    ContextError,
    FieldCryptoError,
    KeyExhausted,
    PlaintextTooLarge,
    PlaintextTypeError,
    UnsupportedFormat,
)
from gdprkit.sealing.form import OVERHEAD
from gdprkit.sealing.opened_keys import SubjectKey, SubjectKeyVersions
from gdprkit.sealing.packed import SealedRecord, seal_record, unseal_record
from gdprkit.words.personal import Personal

CONTACT = SealedRecord("contact")
VALUES = {
    "name": "Anna Virtanen",
    "email": "anna@example.com",
    "born": date(1990, 5, 1),
    "seen": datetime(2026, 3, 31, 9, 0, tzinfo=UTC),
    "score": Decimal("1.50"),
    "raw": b"\x00\xff",
    "tags": ["a", {"b": None}],
    "empty": "",
}


@pytest.fixture(scope="module")
def keys() -> SubjectKeyVersions:
    store = DictStore()
    return add_person(make_keys(store), store)


def opened(blob: Any, keys: SubjectKeyVersions, record: SealedRecord = CONTACT) -> dict[str, Any]:
    found = unseal_record(blob, record, RECORD, keys)
    assert all(type(value) is Personal for value in found.values())
    return {name: value.reveal() for name, value in found.items()}


def under(key: SubjectKey, plain: bytes, record_id: object = RECORD) -> bytes:
    """Seal any bytes where a record belongs: what a writer with a bug might leave."""
    nonce = bytes(key._nonce)
    return key.header + nonce + key._encrypt(nonce, plain, key._bound(RECORD) + CONTACT._bound)


@pytest.mark.parametrize("pad", [0, 1, 64])
def test_a_record_comes_back_whole_and_in_order(keys: SubjectKeyVersions, pad: int) -> None:
    """Every type comes back as it was, in the order it was given, padded or not."""
    record = SealedRecord("contact", pad=pad)
    blob = seal_record(VALUES | {"name": Personal("Anna")}, record, RECORD, keys.newest)
    found = opened(memoryview(blob), keys, record)
    assert found == VALUES | {"name": "Anna"}
    assert list(found) == list(VALUES)
    assert [type(value) for value in found.values()] == [type(v) for v in VALUES.values()]
    assert opened(seal_record({}, record, RECORD, keys.newest), keys, record) == {}


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
        st.one_of(st.text(st.characters(codec="utf-8")), st.binary(), st.integers(), st.booleans()),
        max_size=8,
    )
)
def test_any_record_comes_back(values: dict[str, object]) -> None:
    """Whatever the names and values, what was sealed is what is opened."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    assert opened(seal_record(values, CONTACT, RECORD, keys.newest), keys) == values


def test_one_envelope_costs_its_overhead_once(keys: SubjectKeyVersions) -> None:
    """Eight values of 32 bytes take three fifths of the room packed, names included."""
    values: dict[str, object] = {f"f{number}": "x" * 32 for number in range(8)}
    packed = seal_record(values, CONTACT, RECORD, keys.newest)
    apart = seal_many(
        [(value, SealedField("contact", name), RECORD) for name, value in values.items()],
        keys.newest,
    )
    assert len(packed) == OVERHEAD + 1 + 8 * (len(lp("f0")) + 4 + 33)
    assert len(packed) < 0.61 * sum(map(len, apart))


def test_a_record_is_no_field_and_a_field_no_record(keys: SubjectKeyVersions) -> None:
    """Neither opens in the place of the other, whatever the field is called."""
    packed = seal_record(VALUES, CONTACT, RECORD, keys.newest)
    for field in ("name", "contact", "-", b"\0"):
        with pytest.raises(AuthenticationFailed):
            unseal(packed, SealedField("contact", field), RECORD, keys)
    with pytest.raises(AuthenticationFailed):
        unseal_record(enc("x", keys.newest, record_type="contact"), CONTACT, RECORD, keys)
    with pytest.raises(AuthenticationFailed):
        unseal_record(packed, CONTACT, "another", keys)
    with pytest.raises(AuthenticationFailed):
        unseal_record(packed, SealedRecord("case"), RECORD, keys)


def test_a_record_inside_a_field_is_refused_by_its_code(keys: SubjectKeyVersions) -> None:
    """The code of a record is none a field may hold, so nothing is guessed."""
    key, field = keys.newest, SealedField("contact", "x")
    nonce = bytes(12)
    blob = key.header + nonce + key._encrypt(nonce, b"\x09", key._bound(RECORD) + field._bound)
    with pytest.raises(UnsupportedFormat):
        unseal(blob, field, RECORD, keys)


def part(name: bytes, value: bytes) -> bytes:
    return len(name).to_bytes(4, "big") + name + len(value).to_bytes(4, "big") + value


@pytest.mark.parametrize(
    "plain",
    [
        b"\x02text",
        b"\x0a",
        b"\x09\0",
        b"\x09" + lp("a"),
        b"\x09" + lp("a") + b"\0\0\0\x09\x02x",
        b"\x09" + lp(7) + b"\0\0\0\x02\x02x",
        b"\x09" + 2 * (lp("a") + b"\0\0\0\x02\x02x"),
        b"\x09" + lp("a") + b"\0\0\0\x01\x7f",
        b"\x09" + lp("a") + b"\0\0\0\0",
        b"\x09" + part(b"\x01\xff", b"\x02x"),
        b"\x09" + part(b"", b"\x02x"),
        b"\x09\xff\xff\xff\xff",
        b"\x89",
        b"\x89\0\0",
        b"\x09" + lp("a") + b"\0\0\0\x02\x09\x80",
    ],
)
def test_broken_records_are_refused(keys: SubjectKeyVersions, plain: bytes) -> None:
    """Cut, doubled, ill-named or ill-coded parts are a typed error, and show nothing."""
    with pytest.raises(UnsupportedFormat) as refused:
        unseal_record(under(keys.newest, plain), CONTACT, RECORD, keys)
    assert refused.value.__context__ is None
    frames = refused.traceback
    assert all("text" not in repr(frame.frame.f_locals.get("plain")) for frame in frames[1:])


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_a_record(plain: bytes) -> None:
    """The decoder of records is total: every byte string gives a record or a typed error."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    for body in (plain, b"\x09" + plain):
        if not body:
            continue
        try:
            found = opened(under(keys.newest, body), keys)
        except FieldCryptoError:
            continue
        assert isinstance(found, dict)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"": "x"}, ContextError),
        ({"a" * 1025: "x"}, ContextError),
        ({7: "x"}, ContextError),
        ({"a": None}, PlaintextTypeError),
        ({"a": "\ud800"}, PlaintextTypeError),
        ({"\ud800": "x"}, ContextError),
        ({"a": "x" * 60}, PlaintextTooLarge),
        ({"a": "x" * 25, "b": "x" * 25}, PlaintextTooLarge),
    ],
)
def test_what_cannot_be_packed_is_refused(
    keys: SubjectKeyVersions, values: dict[Any, object], error: type[Exception]
) -> None:
    """A name or value that could not come back is named before anything is sealed."""
    with pytest.raises(error):
        seal_record(values, SealedRecord("contact", limit=64), RECORD, keys.newest)


def test_declarations_out_of_range_are_refused() -> None:
    """A record and a field declare a name, a block and a limit that can be kept."""

    def field(record_type: str, **more: Any) -> SealedField:
        return SealedField(record_type, "f", **more)

    declarations: list[Callable[..., object]] = [SealedRecord, field]
    for declare in declarations:
        with pytest.raises(InvalidValue):
            declare("contact", pad=-1)
        with pytest.raises(InvalidValue):
            declare("contact", pad=2**16 + 1)
        with pytest.raises(InvalidValue):
            declare("contact", limit=2**24 + 1)
        with pytest.raises(ContextError):
            declare("")


def test_a_record_counts_as_one_use(keys: SubjectKeyVersions) -> None:
    """A packed record spends one encryption of the key's limit."""
    (key,) = SubjectKey.derive(bytes(32), version=1, owner=lp("main") + lp(ANNA))
    key._uses = iter([None, None])  # type: ignore[misc, assignment]
    seal("x", SealedField("a", "b"), 1, key)
    seal_record(VALUES, CONTACT, RECORD, key)
    with pytest.raises(KeyExhausted):
        seal_record(VALUES, CONTACT, RECORD, key)


class Doubled(dict[str, str]):
    """A mapping as some web frameworks have: a name may come twice."""

    def items(self) -> Any:
        return [("email", "anna@example.com"), ("email", "anna@example.org")]


def test_a_name_that_comes_twice_is_refused(keys: SubjectKeyVersions) -> None:
    """Nothing is sealed that no reader would open."""
    with pytest.raises(ContextError, match="twice"):
        seal_record(Doubled(), CONTACT, RECORD, keys.newest)
