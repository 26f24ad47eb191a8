"""Which blind indexes may be declared, and what a hit in a bucket is worth (crypto D.5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from hypothesis import given
from hypothesis import strategies as st
from tests.sealing.support import AT, DictStore, make_keys

import gdprkit.sealing.index as index_room
from gdprkit.errors import InvalidValue, NaiveMoment
from gdprkit.sealing.errors import ContextError, FieldCryptoError, IndexRefused, Unindexable
from gdprkit.sealing.index import BlindIndex, IndexKind, IndexOverride, IndexSpec, matching
from gdprkit.words.personal import Personal

NAMED = IndexOverride(reason="few towns, asked for by the dispatch", who="staff-7", when=AT)


def bucket(bits: int = 5, population: int | None = 1024, **more: Any) -> IndexSpec:
    return IndexSpec(
        name="town",
        normalisers="casefold-v1",
        kind=IndexKind.BUCKET,
        bits=bits,
        population=population,
        **more,
    )


@given(st.integers(-1, 70), st.one_of(st.integers(0, 1 << 12), st.integers(0, 1 << 60)))
def test_d49_bits_of_a_bucket_fit_its_population(bits: int, population: int) -> None:
    """A term is shared by at least two and by fewer than the square root of all values."""
    fits = bits > 0 and 2 * 2**bits <= population and population < (2**bits) ** 2
    if fits and population >= 1024:
        assert bucket(bits, population).bits == bits
    else:
        with pytest.raises(IndexRefused):
            bucket(bits, population)


@pytest.mark.parametrize(
    ("bits", "population", "fine"),
    [
        (5, 1024, False),  # 32 a term: not below the root, 32
        (6, 1024, True),
        (9, 1024, True),  # 2 a term
        (10, 1024, False),  # 1
        (6, 1023, False),  # too few values
        (9, 1023, False),
        (8, 1023, False),
    ],
)
def test_d49_edges_of_the_gate(bits: int, population: int, fine: bool) -> None:
    """The edges of the gate are where the design draws them."""
    if fine:
        bucket(bits, population)
    else:
        with pytest.raises(IndexRefused):
            bucket(bits, population)


def test_d49_few_and_skewed_values_need_somebody_who_answers() -> None:
    """Low cardinality and skew are refused in both kinds, and pass with an override alone."""
    risky: list[Callable[..., IndexSpec]] = [
        lambda **more: bucket(6, 1000, **more),
        lambda **more: bucket(6, 1024, skewed=True, **more),
        lambda **more: IndexSpec(name="sex", normalisers="exact-v1", population=3, **more),
        lambda **more: IndexSpec(name="first", normalisers="casefold-v1", skewed=True, **more),
    ]
    for declare in risky:
        with pytest.raises(IndexRefused, match="IndexOverride") as refused:
            declare()
        assert isinstance(refused.value, FieldCryptoError)
        assert (refused.value.code, refused.value.retryable) == ("index-refused", False)
        assert declare(override=NAMED).override == NAMED


def test_d49_an_override_does_not_lift_the_bounds() -> None:
    """Somebody may answer for few values, not for a number of bits that does not fit."""
    for bits, population in ((5, 1024), (10, 1024), (128, 1000), (0, 1000)):
        with pytest.raises(IndexRefused, match=r"choose|unindexed"):
            bucket(bits, population, override=NAMED)
    with pytest.raises(IndexRefused, match="choose 6 to 9 bits"):
        bucket(5, 1024)
    with pytest.raises(IndexRefused, match="population="):
        bucket(6, None, override=NAMED)
    with pytest.raises(IndexRefused, match="128"):
        IndexSpec(name="x", normalisers="exact-v1", bits=64, override=NAMED)


def test_an_override_says_who_and_why_and_when() -> None:
    """An override without reason, person or time zone is none."""
    for reason, who in ((" ", "staff-7"), ("few towns", "")):
        with pytest.raises(InvalidValue):
            IndexOverride(reason=reason, who=who, when=AT)
    with pytest.raises(NaiveMoment):
        IndexOverride(reason="r", who="w", when=datetime(2026, 1, 1))  # noqa: DTZ001
    assert NAMED.when.tzinfo is UTC


@pytest.mark.parametrize("bits", range(6, 17))
def test_d49_trailing_bits_are_zero(bits: int) -> None:
    """A term is whole bytes: the leftmost bits of the hash, and zeros after them."""
    spec = bucket(bits, max(1024, 2 ** (bits + 1)))
    index = BlindIndex(bytes(32), spec=spec, epoch=3)
    terms = {index.term(f"value {number}") for number in range(64)}
    assert len(terms) > 8
    for term in terms:
        assert term[:4] == b"\0\0\0\x03"
        assert len(term) == 4 + (bits + 7) // 8
        assert int.from_bytes(term[4:], "big") % (1 << (-bits % 8)) == 0
    full = BlindIndex(bytes(32), spec=IndexSpec(name="u", normalisers="casefold-v1"), epoch=3)
    whole = int.from_bytes(full.term("value 1")[4:], "big") >> (128 - bits)
    assert int.from_bytes(index.term("value 1")[4:], "big") >> (-bits % 8) == whole


def test_d50_hits_of_a_bucket_are_told_apart_by_what_they_hold() -> None:
    """Of all people whose term is the searched one, only those who hold the value are kept."""
    spec = bucket(6, 1024)
    people = make_keys(DictStore(), indexes=[spec])
    rows = [
        (people.term("town", f"Town {number}", at=AT), f"Town {number}") for number in range(1024)
    ]
    [term] = people.terms("town", "TOWN 77")
    hits = [(value, Personal(value)) for stored, value in rows if stored == term]
    assert len(hits) > 2
    assert matching(spec, "town 77 ", hits) == ["Town 77"]
    assert matching(spec, "town 1025", hits) == []


def test_d50_what_has_no_place_in_the_index_does_not_match() -> None:
    """A stored value that is no such value is no hit; a searched one is refused."""
    spec = IndexSpec(name="phone", normalisers="e164-v1")
    held: list[tuple[int, Any]] = [(1, "+358401234567"), (2, "call me"), (3, 7), (4, None)]
    assert matching(spec, "00358 40 123 4567", held) == [1]
    with pytest.raises(Unindexable):
        matching(spec, "call me", held)
    both = IndexSpec(name="both", normalisers=("exact-v1", "email-v1"))
    pairs = [(1, ("a", "b@example.com")), (2, ("a", None)), (3, ("b", "b@example.com"))]
    assert matching(both, ("a", "B@example.com"), pairs) == [1]
    assert matching(both, ("a", None), pairs) == []


def test_argon2id_is_refused_where_it_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build without Argon2id is met when the index is declared, not when a value is stored."""

    def absent(_: bytes) -> object:
        raise UnsupportedAlgorithm("no argon2")

    monkeypatch.setattr(index_room, "_argon2id", absent)
    with pytest.raises(IndexRefused, match="Argon2id"):
        IndexSpec(name="phone", normalisers="e164-v1", function="argon2id-v1")
    assert IndexSpec(name="phone", normalisers="e164-v1").function == "hmac-sha256"


def test_unknown_words_and_names_are_refused() -> None:
    """The tables are closed; a near miss is named; an index needs a name."""
    declare: Any = IndexSpec
    wrongs: dict[str, dict[str, Any]] = {
        "did you mean 'email-v1'": {"normalisers": "email-v2"},
        "use one of": {"normalisers": "zzz"},
        "is absent": {"normalisers": ()},
        "did you mean 'bucket'": {"kind": "buckets"},
        "did you mean 'argon2id-v1'": {"function": "argon2id"},
        "use one of hmac-sha256": {"function": "zzz"},
    }
    for match, wrong in wrongs.items():
        with pytest.raises(InvalidValue, match=match):
            declare(**{"name": "x", "normalisers": "exact-v1", **wrong})
    with pytest.raises(ContextError, match="index name"):
        declare(name="", normalisers="exact-v1")
