"""Envelopes that are damaged, cut, forged or no envelopes at all; and values (crypto D.2)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdprkit.errors import InvalidValue
from gdprkit.sealing.ciphers import SubjectKeyVersions
from gdprkit.sealing.envelope import (
    OVERHEAD,
    from_text,
    is_envelope,
    seal,
    to_text,
    unseal,
)
from gdprkit.sealing.errors import (
    AuthenticationFailed,
    EnvelopeNotCanonical,
    EnvelopeTruncated,
    FieldCryptoError,
    KeyVersionUnknown,
    NotAnEnvelope,
    PlaintextTooLarge,
    PlaintextTypeError,
    SuiteNotAllowed,
    UnsupportedFormat,
    UnsupportedSuite,
)
from gdprkit.sealing.form import LARGEST
from gdprkit.sealing.plaintext import DEFAULT_LIMIT, HARD_LIMIT, PAD_LIMIT, decode, encode
from tests.sealing.support import DictStore, add_person, context, make_keys


@pytest.fixture(scope="module")
def keys() -> SubjectKeyVersions:
    store = DictStore()
    return add_person(make_keys(store), store)


@pytest.fixture(scope="module")
def sealed(keys: SubjectKeyVersions) -> bytes:
    return seal("consent: yes", key=keys.newest, context=context())


def refused(envelope: Any, keys: SubjectKeyVersions) -> type[FieldCryptoError]:
    """Return the class of the error; a value, or an error of another family, fails the test."""
    with pytest.raises(FieldCryptoError) as error:
        unseal(envelope, keys=keys, context=context())
    return type(error.value)


def test_d11_every_single_bit_flip_is_refused(keys: SubjectKeyVersions, sealed: bytes) -> None:
    """Each of all bits, flipped, gives exactly the error of the part it lies in."""
    for bit in range(8 * len(sealed)):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        error = refused(bytes(flipped), keys)
        place = bit // 8
        if place == 0:
            known = flipped[0] in range(0xF8, 0xFE)
            assert error is (UnsupportedFormat if known else NotAnEnvelope)
        elif place == 1:
            assert error is (SuiteNotAllowed if flipped[1] in (2, 3) else UnsupportedSuite)
        elif place < 22:
            assert error is KeyVersionUnknown
        else:
            assert error is AuthenticationFailed


def test_d12_every_other_length_is_refused(keys: SubjectKeyVersions, sealed: bytes) -> None:
    """Cut anywhere or lengthened by up to 17 bytes, the envelope does not open."""
    assert refused(b"", keys) is NotAnEnvelope
    for length in range(1, len(sealed)):
        error = refused(sealed[:length], keys)
        assert error is (EnvelopeTruncated if length <= OVERHEAD else AuthenticationFailed)
    for extra in range(1, 18):
        assert refused(sealed + b"\0" * extra, keys) is AuthenticationFailed


@pytest.mark.parametrize("thing", [b"", None, 7, "text", ["list"], 1.5, object(), (), {}])
def test_d13_other_things_are_no_envelopes(keys: SubjectKeyVersions, thing: object) -> None:
    """Whatever is not bytes, and no bytes at all, is refused as no envelope."""
    assert refused(thing, keys) is NotAnEnvelope
    assert not is_envelope(thing)


def test_d13_buffers_of_drivers_are_taken(keys: SubjectKeyVersions, sealed: bytes) -> None:
    """bytearray and memoryview, as database drivers return them, open like bytes."""
    for buffer in (bytearray(sealed), memoryview(sealed), memoryview(bytearray(sealed))):
        assert unseal(buffer, keys=keys, context=context()) == "consent: yes"
        assert is_envelope(buffer)


@given(st.binary(max_size=200), st.booleans())
def test_d13_random_bytes_never_open(noise: bytes, like: bool) -> None:
    """Noise, with or without a true beginning, gives an error of this family and no other."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    refused((keys.newest.header if like else b"") + noise, keys)


@given(st.text(max_size=80))
def test_d14_plaintext_in_a_sealed_column_is_refused(text: str) -> None:
    """UTF-8 text is never taken for an envelope, so it is never handed back as a value."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    blob = text.encode("utf-8", "replace")
    assert refused(blob, keys) is NotAnEnvelope
    assert not is_envelope(blob)


@pytest.mark.parametrize("suite", [2, 3])
def test_d15_other_suites_are_refused_at_any_length(
    keys: SubjectKeyVersions, sealed: bytes, suite: int
) -> None:
    """A downgrade to a suite kept for later is not tried, lengths adjusted or not."""
    for blob in (sealed, sealed[:34] + b"\0" * 12 + sealed[34:]):
        changed = blob[:1] + bytes((suite,)) + blob[2:]
        assert refused(changed, keys) is SuiteNotAllowed
        assert not is_envelope(changed)


@pytest.mark.parametrize("first", range(0xF9, 0xFE))
def test_d15_later_formats_are_named(keys: SubjectKeyVersions, sealed: bytes, first: int) -> None:
    """The first bytes kept for later formats say so instead of looking like damage."""
    with pytest.raises(UnsupportedFormat, match=f"0x{first:02x}"):
        unseal(bytes((first,)) + sealed[1:], keys=keys, context=context())


def test_d16_text_form_has_one_spelling(sealed: bytes) -> None:
    """Padding, the other alphabet, white space, another prefix or stray bits are refused."""
    text = to_text(sealed)
    assert from_text(text) == sealed
    body = text.removeprefix("gk1.")
    wrong = [
        text + "=",
        text + "==",
        f"gk1.{body[:10]} {body[10:]}",
        f"gk1.{body[:10]}\n{body[10:]}",
        text + "\n",
        " " + text,
        "GK1." + body,
        "gk2." + body,
        body,
        "gk1.",
        "gk1." + body[:10] + "é" + body[11:],
        "gk1." + body[:10] + "\0" + body[11:],
        "gk1." + body[:10] + "=" + body[11:],
    ]
    for spelling in wrong:
        with pytest.raises((EnvelopeNotCanonical, NotAnEnvelope)) as error:
            from_text(spelling)
        if spelling != "gk1.":  # no bytes at all are no envelope
            assert error.type is EnvelopeNotCanonical, spelling


def test_d16_the_standard_alphabet_and_stray_bits_are_refused() -> None:
    """The characters + and / stand for nothing, and bits behind the last byte must be zero."""
    blob = b"\xf8\x01" + b"\xff\xfe\xfb" * 17  # its text has both - and _
    text = to_text(blob)
    assert "-" in text
    assert "_" in text
    for old, new in (("-", "+"), ("_", "/")):
        with pytest.raises(EnvelopeNotCanonical):
            from_text(text.replace(old, new))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(text[-1]) + 1]
    with pytest.raises(EnvelopeNotCanonical):
        from_text(text[:-1] + last)


def test_d16_text_form_of_no_envelope_is_refused(sealed: bytes) -> None:
    """Neither direction carries bytes that are no envelope, and a text form is no bytes."""
    for thing in (b"plain", "text", None):
        with pytest.raises(NotAnEnvelope):
            to_text(thing)  # type: ignore[arg-type]  # what callers pass by mistake
    with pytest.raises(NotAnEnvelope):
        from_text(sealed)  # type: ignore[arg-type]
    with pytest.raises(NotAnEnvelope):
        from_text("gk1.cGxhaW4")


@given(st.binary(min_size=49, max_size=90))
def test_d16_text_form_round_trips(rest: bytes) -> None:
    """Every envelope has a text form, and it leads back to the same bytes."""
    blob = b"\xf8\x01" + rest
    assert from_text(to_text(blob)) == blob


@pytest.mark.parametrize("value", ["a" * 11, b"a" * 11, "é" * 6, 2**87, {"a": "123"}])
def test_d17_too_large_a_value_is_refused(keys: SubjectKeyVersions, value: object) -> None:
    """One byte above the limit is refused, whatever the type."""
    with pytest.raises(PlaintextTooLarge) as error:
        seal(value, key=keys.newest, context=context(), limit=10)
    assert error.value.limit == 10


@pytest.mark.parametrize("value", ["a" * 10, b"a" * 10, "é" * 5, 2**79 - 1, {"a": "12"}])
def test_d17_the_largest_value_is_taken(keys: SubjectKeyVersions, value: object) -> None:
    """Exactly the limit is not too large; code byte and padding do not count."""
    sealed = seal(value, key=keys.newest, context=context(), limit=10, pad=64)
    assert unseal(sealed, keys=keys, context=context()) == value


def test_d17_default_and_hard_limit() -> None:
    """Without a limit it is 1 MiB, and no caller can ask for more than 16 MiB."""
    assert (DEFAULT_LIMIT, HARD_LIMIT) == (2**20, 2**24)
    with pytest.raises(PlaintextTooLarge):
        encode("a" * (2**20 + 1))
    for limit in (HARD_LIMIT + 1, -1):
        with pytest.raises(InvalidValue, match="limit"):
            encode("a", limit=limit)


def test_d17_oversize_envelope_is_refused_by_length(
    keys: SubjectKeyVersions, sealed: bytes
) -> None:
    """An envelope longer than any that can be made is refused without decrypting it."""
    with pytest.raises(PlaintextTooLarge):
        unseal(sealed + bytes(LARGEST), keys=keys, context=context())


@pytest.mark.parametrize("value", ["", b""])
def test_d18_empty_values_are_sealed(keys: SubjectKeyVersions, value: object) -> None:
    """An empty text and empty bytes take 51 bytes and come back as what they were."""
    sealed = seal(value, key=keys.newest, context=context())
    assert len(sealed) == OVERHEAD + 1 == 51
    opened = unseal(sealed, keys=keys, context=context())
    assert opened == value
    assert type(opened) is type(value)


def test_d18_none_never_reaches_the_cipher(keys: SubjectKeyVersions) -> None:
    """None is an absent value; sealing it is a mistake that is told."""
    with pytest.raises(PlaintextTypeError, match="NoneType"):
        seal(None, key=keys.newest, context=context())


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=8,
)
VALUES = st.one_of(
    st.binary(),
    st.text(st.characters(codec="utf-8")),
    st.integers(),
    st.booleans(),
    st.dates(),
    st.datetimes(timezones=st.timezones() | st.just(UTC)),
    st.datetimes(timezones=st.just(timezone(timedelta(hours=-3, minutes=-30, seconds=-15)))),
    st.decimals(allow_nan=False),
    st.lists(JSON),
    st.dictionaries(st.text(st.characters(codec="utf-8")), JSON),
)


@given(VALUES, st.sampled_from([0, 1, 7, 64]))
def test_d19_values_come_back_as_they_were(value: object, pad: int) -> None:
    """Every type comes back equal and of the same type, padded or not."""
    plain = encode(value, pad)
    back = decode(plain)
    assert back == value
    assert type(back) is type(value)
    if pad:
        assert (len(plain) - 1) % pad == 0
    if isinstance(value, datetime) and isinstance(back, datetime):
        assert back.utcoffset() == value.utcoffset()
        assert back.replace(tzinfo=None, fold=0) == value.replace(tzinfo=None, fold=0)


def test_d19_zone_names_and_odd_decimals_survive() -> None:
    """A named zone comes back by name on both sides of a clock change; so do NaN and exponents."""
    helsinki = ZoneInfo("Europe/Helsinki")
    for fold in (0, 1):
        moment = datetime(2026, 10, 25, 3, 30, tzinfo=helsinki, fold=fold)
        back = decode(encode(moment))
        assert isinstance(back, datetime)
        assert (back.tzinfo, back.utcoffset(), back.fold) == (helsinki, moment.utcoffset(), fold)
    for text in ("NaN", "-Infinity", "1E+400", "0E-7", "-0"):
        assert str(decode(encode(Decimal(text)))) == text


def test_d19_a_zone_that_is_not_known_here_keeps_the_instant() -> None:
    """Where the name of a zone means nothing, its offset does; where its rules differ, too."""
    moment = datetime.fromisoformat("2026-03-31T09:00:00+03:00")
    assert decode(b"\x062026-03-31T09:00:00+03:00[Nowhere/Atall]") == moment
    changed = decode(b"\x062026-03-31T09:00:00+05:00[Europe/Helsinki]")
    assert changed == datetime(2026, 3, 31, 4, 0, tzinfo=UTC)


def test_d19_bytes_that_look_like_text_stay_bytes() -> None:
    """The code byte decides, not the content."""
    assert decode(encode(b"anna")) == b"anna"
    assert decode(encode("anna")) == "anna"
    assert decode(encode(True)) is True
    assert decode(encode(1)) == 1
    assert decode(encode(1)) is not True
    assert encode(datetime(2026, 3, 31, tzinfo=UTC))[0] != encode(date(2026, 3, 31))[0]


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"\x00",
        b"\x09x",
        b"\x7fx",
        b"\x80\x80",
        b"\x89x\x80",
        b"\xffx",
        b"\x82no padding",
        b"\x82",
        b"\x82\0\0",
        b"\x02\xff",
        b"\x03",
        b"\x04\x02",
        b"\x04",
        b"\x051984-02-30",
        b"\x062026-03-31T09:00:00",
        b"\x06x",
        b"\x06\xff",
        b"\x07one",
        b"\x08{",
        b"\x08" + b"[" * 100_000,
    ],
)
def test_d19_unknown_codes_and_broken_values_are_refused(plain: bytes) -> None:
    """A code of a later version, or a body that is not of its code, is never guessed at."""
    with pytest.raises(UnsupportedFormat) as error:
        decode(plain)
    assert error.value.part == "value"
    assert error.value.number == (plain[0] if plain else 0)


class Text(str):
    """A str that would come back as a str."""

    __slots__ = ()


def deep() -> object:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1.5, "float"),
        (Text("a"), "Text"),
        (bytearray(b"a"), "bytearray"),
        ((1, 2), "tuple"),
        ({1}, "set"),
        (datetime(2026, 3, 31), "datetime without a time zone"),  # noqa: DTZ001 -- the point
        ("\ud800", "str with lone surrogates"),
        ([(1, 2)], "JSON with tuple"),
        ({"a": {"b": b"c"}}, "JSON with bytes"),
        ({1: "a"}, "dict with keys that are not str"),
        ([float("nan")], "float that is not finite"),
        ([{"a": float("-inf")}], "float that is not finite"),
        (["\ud800"], "JSON nested too deeply, or with a number too long or a lone surrogate"),
        ([10**5000], "JSON nested too deeply, or with a number too long or a lone surrogate"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) and value.isascii() else "",
)
def test_d19_values_that_would_change_are_refused(value: object, found: str) -> None:
    """What would come back as something else is refused, naming the type and not the value."""
    with pytest.raises(PlaintextTypeError) as error:
        encode(value)
    assert error.value.found == found


def test_d19_json_nested_too_deeply_is_refused() -> None:
    """Nesting that Python cannot walk is refused, not crashed on."""
    with pytest.raises(PlaintextTypeError, match="nested too deeply"):
        encode(deep())


def test_json_is_canonical() -> None:
    """The same dict gives the same bytes in whatever order it was built."""
    assert encode({"b": 1, "a": [1, 2]}) == encode({"a": [1, 2], "b": 1}) == b'\x08{"a":[1,2],"b":1}'
    assert json.loads(encode({"ä": 1})[1:]) == {"ä": 1}


def test_padding_hides_the_length(keys: SubjectKeyVersions) -> None:
    """Two answers of different length seal to one length; without padding they do not."""
    lengths = {
        pad: {
            len(seal(value, key=keys.newest, context=context(), pad=pad))
            for value in ("fail", "consider")
        }
        for pad in (0, 16)
    }
    assert len(lengths[0]) == 2
    assert lengths[16] == {OVERHEAD + 1 + 16}


@pytest.mark.parametrize("pad", [-1, PAD_LIMIT + 1])
def test_padding_out_of_range_is_refused(pad: int) -> None:
    """A block of padding is 1 to 65,536 bytes."""
    with pytest.raises(InvalidValue, match="pad"):
        encode("a", pad)


class Hostile:
    """Answers every question with an exception."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise RuntimeError

    def __getattr__(self, name: str) -> object:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


def test_d20_is_envelope_answers_about_anything(sealed: bytes) -> None:
    """is_envelope is total: hostile objects and released buffers are no envelopes."""
    gone = memoryview(bytearray(sealed))
    gone.release()
    odd = memoryview(bytearray(64)).cast("d")
    for thing in (Hostile(), gone, odd, sealed[:50], b"\xf8", b"\xf8\x01", to_text(sealed)):
        assert is_envelope(thing) is False
    assert is_envelope(sealed) is True


def test_d20_an_envelope_can_be_sealed_again_only_as_bytes(
    keys: SubjectKeyVersions, sealed: bytes
) -> None:
    """Sealing an envelope is explicit: it comes back as the envelope, never as the inner value."""
    twice = seal(sealed, key=keys.newest, context=context())
    assert unseal(twice, keys=keys, context=context()) == sealed
