"""A sealed value opens in its own place only (crypto D.1)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sealing.support import (
    ANNA,
    BERT,
    RECORD,
    DictStore,
    add_person,
    dec,
    dec_many,
    enc,
    enc_many,
    make_keys,
    place,
)

from gdprkit.errors import StoreClosed
from gdprkit.sealing.canonical import Component, lp
from gdprkit.sealing.envelope import Opened, SealedField, seal, unseal, unseal_each, unseal_many
from gdprkit.sealing.errors import (
    AuthenticationFailed,
    ContextError,
    KeyVersionUnknown,
    NotAnEnvelope,
    PlaintextTypeError,
)
from gdprkit.sealing.opened_keys import SubjectKey, SubjectKeyVersions
from gdprkit.words.personal import Personal

OTHER_RECORD = UUID("99999999-2222-4333-8444-555555555555")
PARTS = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
    st.binary(min_size=1, max_size=8),
    st.integers(-(2**70), 2**70),
    st.uuids(),
)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"field": "name"}, id="d01-field"),
        pytest.param({"record_id": OTHER_RECORD}, id="d02-record"),
        pytest.param({"record_type": "case"}, id="d04-record-type"),
        pytest.param({"revision": 1}, id="revision-where-none-was"),
    ],
)
def test_d01_d02_d04_another_place_does_not_open(changes: dict[str, Any]) -> None:
    """Changing any one part of the context makes the value unreadable."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    sealed = enc("anna@example.com", keys.newest)
    with pytest.raises(AuthenticationFailed):
        dec(sealed, keys, **changes)
    assert dec(sealed, keys) == "anna@example.com"


def test_d03_another_person_does_not_open() -> None:
    """Bert's keys do not know Anna's envelope, nor one with Bert's key id pasted into it."""
    store = DictStore()
    people = make_keys(store)
    anna, bert = add_person(people, store), add_person(people, store, BERT)
    sealed = enc("anna@example.com", anna.newest)
    with pytest.raises(KeyVersionUnknown):
        dec(sealed, bert)
    pasted = bert.newest.header + sealed[22:]
    with pytest.raises(AuthenticationFailed):
        dec(pasted, bert)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"key_id": b"\2" * 20}, id="key-id"),
        pytest.param({"owner": lp("main") + lp(BERT)}, id="person"),
        pytest.param({"owner": lp("other") + lp(ANNA)}, id="tenant"),
    ],
)
def test_d03_header_and_owner_are_authenticated_under_one_cipher_key(other: dict[str, Any]) -> None:
    """Should two people or two ids ever have one cipher key, their values still stay apart."""
    mine = {"key_id": b"\1" * 20, "owner": lp("main") + lp(ANNA)}
    one, two = (SubjectKey(bytes(32), version=1, **which) for which in (mine, mine | other))
    sealed = enc("x", one)
    versions = SubjectKeyVersions([two], owner=two.owner)
    with pytest.raises(AuthenticationFailed):
        dec(two.header + sealed[22:], versions)
    assert dec(enc("x", two), versions) == "x"


def test_d05_another_tenant_with_the_same_root_key_does_not_open() -> None:
    """Two tenants share a root key and a person's id, and still no key."""
    stores = DictStore(), DictStore()
    here = add_person(make_keys(stores[0], tenant="main"), stores[0])
    there = add_person(make_keys(stores[1], tenant="other"), stores[1])
    sealed = enc("x", here.newest)
    with pytest.raises(KeyVersionUnknown):
        dec(sealed, there)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param(("ab", "c"), ("a", "bc"), id="moved-boundary"),
        pytest.param(("a\0", "b"), ("a", "\0b"), id="nul"),
        pytest.param(("a:b", "c"), ("a", "b:c"), id="colon"),
        pytest.param(("a", b"\0\0\0\x02\x01b"), (b"a\0\0\0\x02", "b"), id="length-like"),
    ],
)
def test_d06_parts_that_look_alike_when_joined_differ(
    one: tuple[Component, Component], two: tuple[Component, Component]
) -> None:
    """Record id and record type that would join to the same text are two places."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    sealed = enc("x", keys.newest, record_id=one[0], record_type=one[1], field="f")
    with pytest.raises(AuthenticationFailed):
        dec(sealed, keys, record_id=two[0], record_type=two[1], field="f")


@given(st.lists(PARTS, min_size=1, max_size=6), st.lists(PARTS, min_size=1, max_size=6))
def test_d06_encoding_is_injective(one: list[Component], two: list[Component]) -> None:
    """Different lists of parts never give the same bytes."""
    same = [(type(part), part) for part in one] == [(type(part), part) for part in two]
    assert (b"".join(map(lp, one)) == b"".join(map(lp, two))) is same


@given(st.lists(PARTS, max_size=6))
def test_d06_encoding_can_be_read_back(parts: list[Component]) -> None:
    """The bytes split into the parts again, so nothing was lost or merged."""
    data = b"".join(map(lp, parts))
    read: list[Component] = []
    while data:
        size = int.from_bytes(data[:4], "big")
        kind, body, data = data[4], data[5 : 4 + size], data[4 + size :]
        match kind:
            case 1:
                read.append(body.decode())
            case 2:
                read.append(body)
            case 3:
                read.append(int.from_bytes(body, "big", signed=True))
            case _:
                read.append(UUID(bytes=body))
    assert read == parts


@pytest.mark.parametrize("number", [0, 1, -1, 127, 128, -128, -129, 255, 256, 2**63, -(2**63) - 1])
def test_integers_are_minimal(number: int) -> None:
    """An integer takes as few bytes as two's complement allows, so it has one spelling."""
    body = lp(number)[5:]
    assert int.from_bytes(body, "big", signed=True) == number
    if len(body) > 1:
        assert int.from_bytes(body[1:], "big", signed=True) != number


def test_d07_types_of_ids_are_told_apart() -> None:
    """An id as text, number, bytes, UUID and text of the UUID are five different ids."""
    uuid = UUID(int=1)
    ids: list[Component] = ["1", 1, b"1", uuid, str(uuid)]
    store = DictStore()
    keys = add_person(make_keys(store), store)
    for written in ids:
        sealed = enc("x", keys.newest, record_id=written)
        for read in ids:
            if read is written:
                assert dec(sealed, keys, record_id=read) == "x"
            else:
                with pytest.raises(AuthenticationFailed):
                    dec(sealed, keys, record_id=read)


def test_d07_declared_names_of_two_types_do_not_share_a_memo() -> None:
    """Record types 1 and "1" stay apart, and True is refused although it equals 1."""
    store = DictStore()
    key = add_person(make_keys(store), store).newest
    one, text = (enc_many([("x", 1, "f")], key, kind)[0] for kind in (1, "1"))
    assert one != text
    with pytest.raises(ContextError):
        enc_many([("x", 1, "f")], key, True)


def test_d08_spellings_of_an_id_are_different_ids() -> None:
    """No Unicode normalisation: the composed and the decomposed letter are two ids."""
    composed, decomposed = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    store = DictStore()
    keys = add_person(make_keys(store), store)
    sealed = enc("x", keys.newest, record_id=composed)
    with pytest.raises(AuthenticationFailed):
        dec(sealed, keys, record_id=decomposed)


@pytest.mark.parametrize(
    "part", ["\ud800", "", b"", None, "a" * 1025, "é" * 513, b"a" * 1025, True, 1.5, 2**8192]
)
@pytest.mark.parametrize("name", ["record_id", "record_type", "field", "revision"])
def test_d08_parts_without_a_proper_value_are_refused(name: str, part: Any) -> None:
    """Absent, empty, long or ill-typed parts and lone surrogates name the part, not the value."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    sealed = enc("x", keys.newest, revision=1)
    if name == "revision":
        declared = SealedField("vault", "email", revisioned=True)
        calls: list[Callable[[], object]] = [
            lambda: seal("x", declared, RECORD, keys.newest, part),
            lambda: unseal(sealed, declared, RECORD, keys, part),
        ]
    else:
        calls = [
            lambda: enc("x", keys.newest, **{name: part}),
            lambda: dec(sealed, keys, **{name: part}),
        ]
    for call in calls:
        with pytest.raises(ContextError) as refused:
            call()
        assert refused.value.component == name
    with pytest.raises(ContextError) as refused:
        make_keys(store, tenant=part)
    assert refused.value.component == "tenant"


def test_d08_the_first_record_of_a_key_may_not_be_absent() -> None:
    """A key that has sealed nothing yet refuses None as a record id as any other time."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    sealed = enc("x", keys.newest)
    nothing: Any = None
    fresh = make_keys(store).of(ANNA)
    calls: list[Callable[[], object]] = [
        lambda: enc("x", fresh.newest, nothing),
        lambda: dec(sealed, fresh, nothing),
    ]
    for call in calls:
        with pytest.raises(ContextError):
            call()


@pytest.mark.parametrize("part", ["a" * 1024, b"a" * 1024, "é" * 512])
def test_d08_the_longest_part_is_taken(part: Component) -> None:
    """1024 bytes is not too long."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    assert dec(enc("x", keys.newest, part, field=part), keys, part, field=part) == "x"


@pytest.mark.parametrize("part", [None, "", True])
def test_d08_batches_refuse_the_same_parts(part: Any) -> None:
    """A batch checks record id and field as a single call does, the first item included."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    for item in [("x", part, "f"), ("x", 1, part)]:
        with pytest.raises(ContextError):
            enc_many([item], keys.newest)
    with pytest.raises(ContextError):
        dec_many([(enc("x", keys.newest), part, "f")], keys)
    with pytest.raises(NotAnEnvelope):
        dec_many([(b"", 1, "f")], keys)


def test_d10_batch_and_single_open_each_other() -> None:
    """Values sealed together open one by one, and values sealed one by one open together."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    items = [(f"value {n}", UUID(int=n // 2), f"field-{n % 3}") for n in range(7)]
    together = enc_many(items, keys.newest)
    for envelope, (value, record_id, field) in zip(together, items, strict=True):
        assert dec(envelope, keys, record_id, field=field) == value
    singly = [
        (enc(value, keys.newest, record_id=rid, field=field), rid, field)
        for value, rid, field in items
    ]
    assert dec_many(singly, keys) == [value for value, _, _ in items]


def test_batches_draw_randomness_once_and_hold_all_or_nothing() -> None:
    """One draw of 12 bytes a value; one value that cannot be sealed leaves no envelope."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    asked: list[int] = []

    def random(size: int) -> bytes:
        asked.append(size)
        return bytes(range(size))

    sealed = enc_many([("a", 1, "f"), ("b", 2, "f")], keys.newest, random=random)
    assert asked == [24]
    assert [envelope[22:34] for envelope in sealed] == [bytes(range(12)), bytes(range(12, 24))]
    with pytest.raises(PlaintextTypeError):
        enc_many([("a", 1, "f"), (None, 2, "f")], keys.newest)
    assert enc_many([], keys.newest) == []


def test_opening_many_says_of_each_what_became_of_it() -> None:
    """One damaged value spoils a whole batch, and only itself where each is asked for."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    good = enc("a", keys.newest, record_id=1)
    bad = good[:-1] + bytes((good[-1] ^ 1,))
    items = [(good, 1, "email"), (bad, 1, "email"), (b"plain", 1, "email")]
    with pytest.raises(AuthenticationFailed):
        dec_many(items, keys)
    named = [(envelope, place(field), record_id) for envelope, record_id, field in items]
    opened = unseal_each(named, keys)
    assert opened[0] == Opened("a")
    assert [type(one.error) for one in opened[1:]] == [AuthenticationFailed, NotAnEnvelope]
    assert [one.value for one in opened[1:]] == [None, None]
    assert not any(one.error and one.error.__traceback__ for one in opened)  # frames hold values
    assert "'a'" not in repr(opened[0])


def test_revision_is_bound_where_it_is_given() -> None:
    """With a revision, the envelope of an older one no longer passes."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    old = enc("x", keys.newest, revision=1)
    assert dec(old, keys, revision=1) == "x"
    for revision in (2, None):
        with pytest.raises(AuthenticationFailed):
            dec(old, keys, revision=revision)


def test_personal_values_are_sealed_as_what_they_hold() -> None:
    """seal takes Personal or plain, single and in a batch; the envelope holds the plain value."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    sealed = enc(Personal("anna@example.com"), keys.newest)
    assert dec(sealed, keys) == "anna@example.com"
    (batch,) = enc_many([(Personal(7), 1, "n")], keys.newest)
    assert dec_many([(batch, 1, "n")], keys) == [7]


def test_a_batch_asks_for_the_revision_as_a_single_call_does() -> None:
    """An envelope from before its field had a revision opens in no batch either."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    old = enc("x", keys.newest, 1)
    declared = [(old, SealedField("vault", "email", revisioned=True), 1)]
    with pytest.raises(ContextError, match="revision"):
        unseal_many(declared, keys)
    [each] = unseal_each(declared, keys)
    assert (type(each.error), each.value) == (ContextError, None)


def test_a_failing_store_takes_no_opened_value_with_it() -> None:
    """An error of another family in the middle of a batch holds nothing that was opened."""
    store = DictStore()
    people = make_keys(store)
    keys = add_person(people, store)
    bert = add_person(people, store, BERT)

    def gone(about: object) -> Any:
        raise StoreClosed

    store.keys = gone  # type: ignore[method-assign]
    items = [(enc("Anna Virtanen", keys.newest, 1), 1, "email"), (enc("x", bert.newest), 1, "f")]
    declared = [(envelope, place(field), record) for envelope, record, field in items]
    for open_it in (unseal_many, unseal_each):
        with pytest.raises(StoreClosed) as refused:
            open_it(declared, keys)
        shown = [repr(each.frame.f_locals) for each in refused.traceback if "src" in str(each.path)]
        assert shown
        assert not any("Virtanen" in variables for variables in shown)
        assert refused.value.__context__ is None


def test_a_field_that_was_not_declared_is_named() -> None:
    """A name where a SealedField belongs is told as that, in a batch too."""
    store = DictStore()
    keys = add_person(make_keys(store), store)
    sealed = enc("x", keys.newest, 1)
    with pytest.raises(ContextError, match="no SealedField"):
        unseal_many([(sealed, "email", 1)], keys)  # type: ignore[list-item]
