"""Normal forms: which spellings count as one value, under every Python alike (crypto D.5)."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdprkit.sealing.errors import Unindexable
from gdprkit.sealing.normalise import NORMALISERS, PLAIN_MAILBOX, normalise
from gdprkit.sealing.unicode14 import all_assigned

UNASSIGNED = "\U0001fae8"  # shaking face, Unicode 15.0


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
    "iban-v1": [
        ("FI21 1234 5600 0007 85", "FI2112345600000785"),
        ("gb82 west 1234 5698 7654 32", "GB82WEST12345698765432"),
        (" NO93\u00a08601\t1117947", "NO9386011117947"),
        ("MT84MALT011000012345MTLCAST001S", "MT84MALT011000012345MTLCAST001S"),
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


MARKS = "a\u03b1\u03b9\u0391ß\u0345\u0301\u0308\u0327\u034f\u1fb3\u00a8\u0390ﬁ "


@given(st.text(st.sampled_from(MARKS), max_size=8))
def test_d46_marks_in_any_order_are_idempotent(text: str) -> None:
    """Combining marks, of which folding makes letters, are settled by one pass."""
    if unicodedata.normalize("NFKC", text).strip():
        once = normalise("casefold-v1", text)
        assert normalise("casefold-v1", once) == once


@given(st.text(st.sampled_from("aB@. \t\n\x1c\x7f+"), max_size=8))
def test_d46_the_table_for_plain_mailboxes_says_email_v1(text: str) -> None:
    """Where the table of the short way applies, it gives what email-v1 gives."""
    body = text.encode().translate(PLAIN_MAILBOX)
    if b" " not in body and b"@" in body[1:] and not body.startswith(b"@") and body[-1:] != b"@":
        assert body.decode() == normalise("email-v1", text)


@pytest.mark.parametrize(
    "value",
    [
        "FI21 1234 5600 0007 86",  # a digit changed
        "FI21 1234 5600 0070 85",  # two exchanged
        "FI2112345600000",  # cut
        "2112 3456 0000 0785",
        "FI21-1234-5600-0007-85",
        "NO93860111179",  # 13 characters
        "MT84MALT011000012345MTLCAST001S0000",  # 35
        "FI21 1234 5600 0007 8\u0665",
        "GB82 WEßT 1234 5698 7654 32",
        "ＦＩ2112345600000785",  # noqa: RUF001
    ],
)
def test_an_account_number_is_checked(value: str) -> None:
    """Wrong check digits, lengths, separators and letters that are not ASCII are refused."""
    with pytest.raises(Unindexable) as refused:
        normalise("iban-v1", value)
    assert value not in str(refused.value)


def test_unicode_table_is_what_python_3_11_says() -> None:
    """Under Unicode 14.0 the table is exact; under later versions every entry is still assigned."""
    exact = unicodedata.unidata_version == "14.0.0"
    for code in range(sys.maxunicode + 1):
        assigned = unicodedata.category(chr(code)) not in {"Cn", "Cs"}
        listed = all_assigned(chr(code))
        assert listed == assigned if exact else listed <= assigned
    assert not all_assigned("a" + UNASSIGNED)
