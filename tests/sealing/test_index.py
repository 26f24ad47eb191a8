"""Blind indexes and the spellings that count as one value (crypto D.5)."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sealing.support import ANNA, AT, DictStore, make_keys

from gdprkit.errors import InvalidValue
from gdprkit.sealing.errors import ContextError, KeyEpochDestroyed, PlaintextTypeError, Unindexable
from gdprkit.sealing.index import BlindIndex
from gdprkit.sealing.normalise import NORMALISERS, normalise
from gdprkit.sealing.rows import EpochKind, KeyState
from gdprkit.sealing.unicode14 import all_assigned
from gdprkit.words.personal import Personal

UNASSIGNED = "\U0001fae8"  # shaking face, Unicode 15.0


def index_of(
    normaliser: str | tuple[str, ...] = "casefold-v1", *, name: str = "x", **more: Any
) -> BlindIndex:
    return make_keys(more.pop("store", DictStore()), **more).index(name, normaliser, at=AT)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Straße", "STRASSE"),
        ("ﬁ", "fi"),
        ("ＡＢ", "ab"),  # noqa: RUF001 -- full-width on purpose
        ("É", "e\u0301"),
        ("ΟΔΟΣ", "οδος"),
        ("İ", "i\u0307"),
        ("①", "1"),
        ("  Anna\t", "anna"),
        ("\u3000anna\u00a0", "ANNA"),
    ],
)
def test_d46_spellings_of_one_value_are_found_alike(one: str, two: str) -> None:
    """Case, width, ligatures, composition and white space around do not matter."""
    assert normalise("casefold-v1", one) == normalise("casefold-v1", two)
    index = index_of()
    assert index.term(one) == index.term(two)


@pytest.mark.parametrize(("one", "two"), [("İ", "i"), ("ı", "i"), ("a b", "ab"), ("ä", "a")])  # noqa: RUF001
def test_d46_other_letters_stay_apart(one: str, two: str) -> None:
    """Turkish letters, inner spaces and diacritics are differences."""
    assert normalise("casefold-v1", one) != normalise("casefold-v1", two)


def test_d46_normal_forms_are_idempotent_over_all_of_unicode_14() -> None:
    """Every assigned code point has a normal form that is its own normal form, or none."""
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if not all_assigned(character):
            continue
        try:
            once = normalise("casefold-v1", character)
        except Unindexable:
            assert not character.strip() or not unicodedata.normalize("NFKC", character).strip()
            continue
        assert normalise("casefold-v1", once) == once


@given(st.text(max_size=12), st.sampled_from(sorted(NORMALISERS)))
def test_d46_normal_forms_are_idempotent(text: str, name: str) -> None:
    """A normal form is unchanged by normalising it again, under every normaliser."""
    try:
        once = normalise(name, text)
    except Unindexable:
        return
    assert normalise(name, once) == once


@given(st.text(st.characters(max_codepoint=127), max_size=12))
def test_d46_the_short_way_for_ascii_is_the_long_way(text: str) -> None:
    """ASCII texts skip two normalisations that would not change them."""
    long = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()
    if long:
        assert normalise("casefold-v1", text) == long
    else:
        with pytest.raises(Unindexable):
            normalise("casefold-v1", text)


GOLDEN = {
    "casefold-v1": [
        ("Straße", "strasse"),
        ("ǅ", "dž"),
        ("ŉ", "\u02bcn"),
        ("Ⅷ", "viii"),
        ("ﷺ", "صلى الله عليه وسلم"),
        ("ΐ", "ΐ"),
        ("Å", "å"),
        ("ẛ̣", "ṩ"),
        ("㌀", "アパート"),
    ],
    "email-v1": [
        (" Anna.Virtanen+News@Example.COM ", "anna.virtanen+news@example.com"),
        ("ANNA @ example.com", "anna@example.com"),
        ("a@b@example.com", "a@b@example.com"),
        ("Jürgen@BÜCHER.example", "jürgen@bücher.example"),
        ("ａｎｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "anna@example.com"),  # noqa: RUF001
        ('"anna virtanen"@example.com', '"anna virtanen"@example.com'),
    ],
    "digits-v1": [
        ("12-34 5", "12345"),
        ("007", "007"),
        ("１２３", "123"),  # noqa: RUF001
        ("١٢٣", "123"),
        ("1984-02-29", "19840229"),
    ],
    "e164-v1": [
        ("+358 (0)40 123 4567", "+358401234567"),
        ("00358401234567", "+358401234567"),
        ("+358-40-123.4567", "+358401234567"),
        ("＋３５８ ４０ １２３ ４５６７", "+358401234567"),  # noqa: RUF001
        ("+1 (202) 555-0100", "+12025550100"),
    ],
    "exact-v1": [("A b ", "A b "), ("ß", "ß")],
}


@pytest.mark.parametrize(
    ("name", "written", "normal"),
    [(name, *pair) for name, pairs in GOLDEN.items() for pair in pairs],
)
def test_d46_golden_normal_forms(name: str, written: str, normal: str) -> None:
    """These are the same under every Python: stored terms rest on them."""
    assert normalise(name, written) == normal


@pytest.mark.parametrize("name", sorted(NORMALISERS))
@pytest.mark.parametrize(
    "value", [UNASSIGNED, "\ud800", "\u0378", "\uffff", "1\U0010ffff", "", " "]
)
def test_d47_values_without_a_stable_form_are_refused(name: str, value: str) -> None:
    """Unassigned code points, lone surrogates, noncharacters and blanks have no place anywhere."""
    with pytest.raises(Unindexable) as refused:
        index_of(name).term(f"{value}@{value}" if name == "email-v1" and value.strip() else value)
    assert refused.value.normaliser == name
    if value.strip():
        assert value not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email-v1", "anna"),
        ("email-v1", "anna@"),
        ("email-v1", "@example.com"),
        ("email-v1", " @ "),
        ("digits-v1", "A12"),
        ("digits-v1", "10²"),
        ("digits-v1", "-"),
        ("digits-v1", "①"),
        ("e164-v1", "040 123 4567"),
        ("e164-v1", "+0401234567"),
        ("e164-v1", "+358"),
        ("e164-v1", "+1234567890123456"),
        ("e164-v1", "+358 40 CALL NOW"),
        ("e164-v1", "++358401234567"),
        ("exact-v1", "\t"),
        ("casefold-v1", "\u3000"),
        ("exact-v1", "a" * 1025),
        ("casefold-v1", "é" * 513),
    ],
)
def test_d47_what_is_no_such_value_is_refused(name: str, value: str) -> None:
    """What is not an address, a number or of a sensible length never shares a bucket."""
    with pytest.raises(Unindexable) as refused:
        index_of(name).term(value)
    assert refused.value.normaliser == name


def test_d48_indexes_tenants_and_stores_do_not_correlate() -> None:
    """The same value has another hash in another index, normaliser, tenant and epoch key."""
    store = DictStore()
    terms = [
        index_of(name="a", store=store).term("anna"),
        index_of(name="b", store=store).term("anna"),
        index_of("exact-v1", name="a", store=store).term("anna"),
        index_of(name="a").term("anna"),
        index_of(name="a", tenant="other").term("anna"),
    ]
    assert len({term[4:] for term in terms}) == len(terms)
    assert index_of(name="a", store=store).term("anna") == terms[0]


def test_d48_epochs_differ_and_are_named_in_front() -> None:
    """After a rotation of the index epoch the term is another, under another number."""
    store = DictStore()
    first = index_of(store=store).term("anna")
    other = DictStore()
    people = make_keys(other)
    people.index("x", "casefold-v1", at=AT)
    kept = other.epoch_rows[0]
    key = people._roots._rows.unwrap(kept)
    wrapped = people._roots._rows._provider.wrap(
        key, {"gdprkit": "epoch/v1", "tenant": "main", "kind": "index", "epoch": "i2"}
    )
    store.epoch_rows[0] = attrs.evolve(store.epoch_rows[0], state=KeyState.RETIRED)
    store.epoch_rows.append(attrs.evolve(kept, epoch="i2", wrapped=wrapped))
    second = index_of(store=store).term("anna")
    assert (first[:4], second[:4]) == (b"\0\0\0\x01", b"\0\0\0\x02")
    assert first[4:] != second[4:]
    assert len(first) == len(second) == 20


def test_d48_compound_terms_keep_their_parts_apart() -> None:
    """("a", "bc") is not ("ab", "c"); a missing part gives no term; order matters."""
    index = index_of(("exact-v1", "exact-v1"))
    terms = {index.compound(pair) for pair in (("a", "bc"), ("ab", "c"), ("bc", "a"))}
    assert len(terms) == 3
    assert index.compound(("a", None)) is None
    assert index.compound((None, "a")) is None
    assert index.compound((Personal("a"), "bc")) in terms
    with pytest.raises(Unindexable):
        index.compound(("a", ""))


def test_simple_and_compound_are_not_mixed_up() -> None:
    """Each kind has its own call, and the number of values is checked."""
    simple, double = index_of(), index_of(("exact-v1", "email-v1"))
    calls: list[Callable[[], object]] = [
        lambda: simple.compound(("a",)),
        lambda: double.term("a"),
        lambda: double.compound(("a",)),
        lambda: double.compound(("a", "b@example.com", "c")),
    ]
    for wrong in calls:
        with pytest.raises(TypeError):
            wrong()


def test_terms_take_personal_values() -> None:
    """A wrapped value is indexed as what it holds."""
    index = index_of("email-v1")
    assert index.term(Personal("Anna@example.com")) == index.term("anna@example.com")


def test_d51_a_destroyed_index_epoch_is_told() -> None:
    """Searching after the index key was destroyed raises instead of finding nobody."""
    store = DictStore()
    index_of(store=store)
    store.epoch_rows = [attrs.evolve(row, state=KeyState.DESTROYED) for row in store.epoch_rows]
    with pytest.raises(KeyEpochDestroyed, match="i1"):
        index_of(store=store)


def test_d52_index_keys_are_nobodys_other_key() -> None:
    """All epochs have different keys, and an index key is none of them nor a cipher key."""
    store = DictStore()
    people = make_keys(store)
    people.create(ANNA, at=AT)
    people.index("x", "exact-v1", at=AT)
    books = people._keks._rows
    raw = {row.kind: books.unwrap(row) for row in store.epoch_rows}
    assert set(raw) == set(EpochKind)
    assert len(set(raw.values())) == len(raw)
    root = people._roots.active(AT)
    terms = {
        BlindIndex(key, normalisers=("exact-v1",), epoch=1).term("a")
        for key in [*raw.values(), root._key]
    }
    assert people.index("x", "exact-v1", at=AT).term("a") not in terms
    lasting = people.index("x", "exact-v1", at=AT, lasting=True).term("a")
    assert lasting not in {*terms, people.index("x", "exact-v1", at=AT).term("a")}


@pytest.mark.parametrize("value", [b"anna", 7, None, ["a"], bytearray(b"a")])
@pytest.mark.parametrize("name", sorted(NORMALISERS))
def test_d52_only_text_is_indexed(name: str, value: Any) -> None:
    """Bytes and numbers are a TypeError under every normaliser, never their text."""
    with pytest.raises(TypeError) as refused:
        index_of(name).term(value)
    assert isinstance(refused.value, PlaintextTypeError)


def test_unknown_normalisers_and_names_are_refused() -> None:
    """The table is closed; a near miss is named; an index needs a name."""
    with pytest.raises(InvalidValue, match="did you mean 'email-v1'"):
        index_of("email-v2")
    with pytest.raises(InvalidValue, match="use one of"):
        index_of("zzz")
    with pytest.raises(InvalidValue, match="is absent"):
        index_of(())
    with pytest.raises(ContextError, match="index name"):
        index_of(name="")


def test_unicode_table_is_what_python_3_11_says() -> None:
    """Under Unicode 14.0 the table is exact; under later versions every entry is still assigned."""
    exact = unicodedata.unidata_version == "14.0.0"
    for code in range(sys.maxunicode + 1):
        assigned = unicodedata.category(chr(code)) not in {"Cn", "Cs"}
        listed = all_assigned(chr(code))
        assert listed == assigned if exact else listed <= assigned
    assert not all_assigned("a" + UNASSIGNED)
