"""Values inside an envelope: types, sizes, padding (crypto D.17 to D.19)."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sealing.support import DictStore, add_person, dec, enc, make_keys

from gdprkit.errors import InvalidValue
from gdprkit.sealing.envelope import (
    OVERHEAD,
)
from gdprkit.sealing.errors import (
    PlaintextTooLarge,
    PlaintextTypeError,
    UnsupportedFormat,
)
from gdprkit.sealing.opened_keys import SubjectKeyVersions
from gdprkit.sealing.plaintext import DEFAULT_LIMIT, HARD_LIMIT, PAD_LIMIT, decode, encode


@pytest.fixture(scope="module")
def keys() -> SubjectKeyVersions:
    store = DictStore()
    return add_person(make_keys(store), store)


@pytest.mark.parametrize("value", ["a" * 11, b"a" * 11, "é" * 6, 2**87, {"a": "123"}])
def test_d17_too_large_a_value_is_refused(keys: SubjectKeyVersions, value: object) -> None:
    """One byte above the limit is refused, whatever the type."""
    with pytest.raises(PlaintextTooLarge) as error:
        enc(value, keys.newest, limit=10)
    assert error.value.limit == 10


@pytest.mark.parametrize("value", ["a" * (64 << 20), b"a" * (64 << 20)], ids=["str", "bytes"])
def test_d17_too_large_a_value_is_refused_before_it_is_copied(
    keys: SubjectKeyVersions, value: object
) -> None:
    """A value of 64 MiB is refused by its length alone: nothing near its size is allocated."""
    tracemalloc.start()
    try:
        with pytest.raises(PlaintextTooLarge):
            enc(value, keys.newest)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("value", ["a" * 10, b"a" * 10, "é" * 5, 2**79 - 1, {"a": "12"}])
def test_d17_the_largest_value_is_taken(keys: SubjectKeyVersions, value: object) -> None:
    """Exactly the limit is not too large; code byte and padding do not count."""
    sealed = enc(value, keys.newest, limit=10, pad=64)
    assert dec(sealed, keys) == value


def test_d17_default_and_hard_limit() -> None:
    """Without a limit it is 1 MiB, and no caller can ask for more than 16 MiB."""
    assert (DEFAULT_LIMIT, HARD_LIMIT) == (2**20, 2**24)
    with pytest.raises(PlaintextTooLarge):
        encode("a" * (2**20 + 1))
    for limit in (HARD_LIMIT + 1, -1):
        with pytest.raises(InvalidValue, match="limit"):
            encode("a", limit=limit)


@pytest.mark.parametrize("value", ["", b""])
def test_d18_empty_values_are_sealed(keys: SubjectKeyVersions, value: object) -> None:
    """An empty text and empty bytes take 51 bytes and come back as what they were."""
    sealed = enc(value, keys.newest)
    assert len(sealed) == OVERHEAD + 1 == 51
    opened = dec(sealed, keys)
    assert opened == value
    assert type(opened) is type(value)


def test_d18_none_never_reaches_the_cipher(keys: SubjectKeyVersions) -> None:
    """None is an absent value; sealing it is a mistake that is told."""
    with pytest.raises(PlaintextTypeError, match="NoneType"):
        enc(None, keys.newest)


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


@pytest.mark.parametrize("name", ["/etc/localtime", "../Helsinki", "a\0b", "x]y", "local"])
def test_d19_a_zone_of_any_name_is_read_again(name: str) -> None:
    """A zone that was read out of a file may be called anything; its moments keep their instant."""
    with files("tzdata.zoneinfo.Europe").joinpath("Helsinki").open("rb") as file:
        moment = datetime(2026, 3, 31, 9, 0, tzinfo=ZoneInfo.from_file(file, key=name))
    back = decode(encode(moment))
    assert isinstance(back, datetime)
    assert (back, back.utcoffset()) == (moment, moment.utcoffset())


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
    assert (
        encode({"b": 1, "a": [1, 2]}) == encode({"a": [1, 2], "b": 1}) == b'\x08{"a":[1,2],"b":1}'
    )
    assert json.loads(encode({"ä": 1})[1:]) == {"ä": 1}


def test_padding_hides_the_length(keys: SubjectKeyVersions) -> None:
    """Two answers of different length seal to one length; without padding they do not."""
    lengths = {
        pad: {len(enc(value, keys.newest, pad=pad)) for value in ("fail", "consider")}
        for pad in (0, 16)
    }
    assert len(lengths[0]) == 2
    assert lengths[16] == {OVERHEAD + 1 + 16}


@pytest.mark.parametrize("pad", [-1, PAD_LIMIT + 1])
def test_padding_out_of_range_is_refused(pad: int) -> None:
    """A block of padding is 1 to 65,536 bytes."""
    with pytest.raises(InvalidValue, match="pad"):
        encode("a", pad)
