"""Terms of blind indexes: written, searched, told apart, refused (crypto D.5)."""

from __future__ import annotations

from os import urandom
from typing import Any

import attrs
import pytest
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from tests.sealing.support import ANNA, AT, ROOT, DictStore, make_keys

from gdprkit.errors import InvalidValue
from gdprkit.sealing.canonical import lp
from gdprkit.sealing.epochs import EpochRows
from gdprkit.sealing.errors import (
    IndexNotDeclared,
    KeyEpochDestroyed,
    PlaintextTypeError,
    Unindexable,
)
from gdprkit.sealing.index import BlindIndex, IndexSpec
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.normalise import NORMALISERS, normalise
from gdprkit.sealing.providers import MemoryProvider
from gdprkit.sealing.roots import IndexRoot
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyState
from gdprkit.words.personal import Personal

UNASSIGNED = "\U0001fae8"  # shaking face, Unicode 15.0


def keys_of(*specs: IndexSpec, store: DictStore | None = None, **more: Any) -> SubjectKeys:
    return make_keys(DictStore() if store is None else store, indexes=specs, **more)


def index_of(
    normaliser: str | tuple[str, ...] = "casefold-v1", *, name: str = "x", **more: Any
) -> BlindIndex:
    declared = {"kind", "bits", "population", "function"} & set(more)
    spec = IndexSpec(
        name=name, normalisers=normaliser, **{word: more.pop(word) for word in declared}
    )
    tenant = more.get("tenant", "main")
    return keys_of(spec, **more)._book(spec).active(AT).index(spec, tenant=lp(tenant))


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


def test_d48_two_tenants_under_one_epoch_key_do_not_correlate() -> None:
    """Should two tenants ever have one epoch key, equal values still have different terms."""
    row = EpochRow(
        kind=EpochKind.INDEX,
        epoch="i1",
        provider_key="root",
        wrapped=b"",
        state=KeyState.ACTIVE,
        created=AT,
    )
    spec = IndexSpec(name="x", normalisers="casefold-v1")
    terms = {
        IndexRoot(row, bytes(32)).index(spec, tenant=lp(tenant)).term("anna")
        for tenant in ("main", "other")
    }
    assert len(terms) == 2


def new_epoch(store: DictStore, kind: EpochKind, state: KeyState) -> None:
    """Store the next epoch of *kind* as a rotation does; the one before gets *state*."""
    rows = EpochRows(MemoryProvider(ROOT), store, tenant="main", random=urandom)
    [last] = [row for row in store.epoch_rows if row.kind is kind and row.state is KeyState.ACTIVE]
    name = f"{last.epoch[0]}{int(last.epoch[1:]) + 1}"
    wrapped = MemoryProvider(ROOT).wrap(urandom(32), rows._context(kind, name))
    store.epoch_rows[store.epoch_rows.index(last)] = attrs.evolve(last, state=state)
    store.epoch_rows.append(attrs.evolve(last, epoch=name, wrapped=wrapped))


@pytest.mark.parametrize("lasting", [False, True])
def test_d48_terms_are_written_under_the_newest_epoch_and_searched_under_all(lasting: bool) -> None:
    """After a rotation a term is another, under another number; both are looked for."""
    store = DictStore()
    spec = IndexSpec(name="x", normalisers="casefold-v1", lasting=lasting)
    kind = EpochKind.LASTING if lasting else EpochKind.INDEX
    assert keys_of(spec, store=store).terms("x", "anna") == ()
    assert store.epoch_rows == []  # searching makes nothing
    first = keys_of(spec, store=store).term("x", "anna", at=AT)
    new_epoch(store, kind, KeyState.RETIRED)
    people = keys_of(spec, store=store)
    second = people.term("x", "anna", at=AT)
    assert (first[:4], second[:4]) == (b"\0\0\0\x01", b"\0\0\0\x02")
    assert first[4:] != second[4:]
    assert len(first) == len(second) == 20
    assert people.terms("x", " ANNA") == (second, first)
    new_epoch(store, kind, KeyState.DESTROYED)
    later = keys_of(spec, store=store)
    assert later.terms("x", "anna") == (later.term("x", "anna", at=AT), first)


def test_d48_compound_terms_keep_their_parts_apart() -> None:
    """("a", "bc") is not ("ab", "c"); a missing part gives no term; order matters."""
    index = index_of(("exact-v1", "exact-v1"))
    terms = {index.term(pair) for pair in (("a", "bc"), ("ab", "c"), ("bc", "a"))}
    assert len(terms) == 3
    assert index.term(("a", None)) is None
    assert index.term((None, "a")) is None
    assert index.term((Personal("a"), "bc")) in terms
    with pytest.raises(Unindexable):
        index.term(("a", ""))


def test_d48_compound_values_are_written_and_searched() -> None:
    """Of a compound index with a part missing nothing is stored and nothing is looked for."""
    people = keys_of(IndexSpec(name="both", normalisers=("exact-v1", "email-v1")))
    term = people.term("both", ("7", "Anna@example.com"), at=AT)
    assert people.terms("both", ["7", "anna@example.com"]) == (term,)
    assert people.term("both", ("7", None), at=AT) is None
    assert people.terms("both", (None, "anna@example.com")) == ()


@pytest.mark.parametrize(
    "wrong", ["a", Personal("a"), ("a",), ("a", "b@example.com", "c"), b"ab", {"a": "b"}, 7]
)
def test_a_compound_index_takes_one_value_for_each_part(wrong: Any) -> None:
    """A text is never taken for a list of its letters, and the number of parts is checked."""
    with pytest.raises(PlaintextTypeError):
        index_of(("exact-v1", "email-v1")).term(wrong)
    with pytest.raises(PlaintextTypeError):
        index_of("exact-v1").term(("a",))


def test_terms_take_personal_values() -> None:
    """A wrapped value is indexed as what it holds."""
    index = index_of("email-v1")
    assert index.term(Personal("Anna@example.com")) == index.term("anna@example.com")


@pytest.mark.parametrize("lasting", [False, True])
def test_d51_destroyed_index_epochs_are_told(lasting: bool) -> None:
    """Where every epoch is destroyed, searching and writing raise instead of finding nobody."""
    store = DictStore()
    spec = IndexSpec(name="x", normalisers="exact-v1", lasting=lasting)
    keys_of(spec, store=store).term("x", "anna", at=AT)
    store.epoch_rows = [attrs.evolve(row, state=KeyState.DESTROYED) for row in store.epoch_rows]
    name = "l1" if lasting else "i1"
    with pytest.raises(KeyEpochDestroyed, match=name):
        keys_of(spec, store=store).terms("x", "anna")
    with pytest.raises(KeyEpochDestroyed, match=name):
        keys_of(spec, store=store).term("x", "anna", at=AT)


def test_d51_an_erased_person_is_not_taken_for_unknown_when_all_marks_are_unreadable() -> None:
    """With every lasting epoch destroyed nobody can say who was erased, so nobody does."""
    store = DictStore()
    keys_of(store=store).create(ANNA, at=AT)
    store.epoch_rows = [attrs.evolve(row, state=KeyState.DESTROYED) for row in store.epoch_rows]
    with pytest.raises(KeyEpochDestroyed, match="l1"):
        keys_of(store=store).erased(ANNA)


def test_d52_index_keys_are_nobodys_other_key() -> None:
    """All epochs have different keys; an index key is none of them and nobody's subject key."""
    store = DictStore()
    short = IndexSpec(name="x", normalisers="exact-v1")
    long = IndexSpec(name="y", normalisers="exact-v1", lasting=True)
    people = keys_of(short, long, store=store)
    _, row = people.create(ANNA, at=AT)
    terms = {people.term("x", "a", at=AT), people.term("y", "a", at=AT)}
    books = people._keks._rows
    raw = {row.kind: books.unwrap(row) for row in store.epoch_rows}
    assert set(raw) == set(EpochKind)
    assert len(set(raw.values())) == len(raw)
    subject_key = bytes(people._keks.active(AT)._unwrap(row, people._owner(ANNA)))
    assert subject_key not in raw.values()
    keys = [*raw.values(), subject_key]
    under = {BlindIndex(key, spec=short, epoch=1).term("a") for key in keys}
    assert len(terms) == 2
    assert not terms & under


@pytest.mark.parametrize("value", [b"anna", 7, None, ["a"], bytearray(b"a")])
@pytest.mark.parametrize("name", sorted(NORMALISERS))
def test_d52_only_text_is_indexed(name: str, value: Any) -> None:
    """Bytes and numbers are a TypeError under every normaliser, never their text."""
    with pytest.raises(TypeError) as refused:
        index_of(name).term(value)
    assert isinstance(refused.value, PlaintextTypeError)


def test_the_short_way_for_mailboxes_gives_the_same_term() -> None:
    """ASCII mailboxes skip the normaliser's calls; a wrapped one takes the long way."""
    index = index_of("email-v1")
    long = "a" * 242 + "@example.com"  # 254 bytes, the most the short way takes
    for mailbox in ("Anna.V@Example.COM", "a@b@c", long, "a" + long, long[1:]):
        assert index.term(mailbox) == index.term(Personal(mailbox)) == index.term(f" {mailbox}\t")
    with pytest.raises(Unindexable):
        index.term("a@b@")


def test_terms_under_argon2id_are_others_and_stable() -> None:
    """Argon2id is another function: same value, same epoch, another key and hash; then the same."""
    store = DictStore()
    plain = index_of("e164-v1", store=store).term("+358401234567")
    slow = index_of("e164-v1", store=store, function="argon2id-v1")
    assert slow.term("+358 40 123 4567") == slow.term("+358401234567") != plain
    key = bytes(range(32))
    salt = HKDFExpand(algorithm=SHA512(), length=16, info=b"gdprkit/argon2id/v1\0").derive(key)
    hard = Argon2id(salt=salt, length=32, iterations=3, lanes=1, memory_cost=4096)
    mac = HMAC(key, SHA256())
    mac.update(hard.derive(lp("+358401234567")))
    spec = IndexSpec(name="x", normalisers="e164-v1", function="argon2id-v1")
    term = BlindIndex(key, spec=spec, epoch=1).term("+358401234567")
    assert term == b"\0\0\0\x01" + mac.finalize()[:16]


def test_unknown_index_names_are_told_without_repeating_them() -> None:
    """Only declared names are used; a near miss is named, what was passed is not."""
    people = keys_of(IndexSpec(name="lookup/email", normalisers="email-v1"))
    with pytest.raises(IndexNotDeclared, match="did you mean 'lookup/email'"):
        people.term("lookup/e-mail", "anna@example.com", at=AT)
    with pytest.raises(IndexNotDeclared, match="declare it") as refused:
        people.terms("anna@example.com", "anna@example.com")
    assert "anna" not in str(refused.value)
    twice = [IndexSpec(name="x", normalisers=name) for name in ("exact-v1", "email-v1")]
    with pytest.raises(InvalidValue, match="one index twice"):
        keys_of(*twice)
