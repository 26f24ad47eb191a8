"""Every decoder is total: any bytes give what was written or a typed error, and nothing else.

Each test feeds one decoder with noise and with true bytes that were changed, cut, doubled or put
together from parts. A value may come out only where it is the one that went in.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from tests.sealing.support import (
    ANNA,
    AT,
    BERT,
    SHRED,
    DictStore,
    add_person,
    dec,
    enc,
    make_keys,
)

from gdprkit.errors import GdprkitError
from gdprkit.sealing.envelope import from_text, is_envelope, to_text
from gdprkit.sealing.erasure_file import FileErasureLedger
from gdprkit.sealing.errors import FieldCryptoError
from gdprkit.sealing.form import SUITES
from gdprkit.sealing.index import IndexSpec
from gdprkit.sealing.normalise import NORMALISERS
from gdprkit.sealing.plaintext import decode, encode
from gdprkit.sealing.providers import Keyring, MemoryProvider
from gdprkit.sealing.rows import KeyState
from gdprkit.sealing.settings import KeySettings

VALUE = "anna@example.com"

#: What a column of text can hold: other texts no row takes (``rows.is_storable``).
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@st.composite
def changed(draw: st.DrawFn, true: bytes) -> bytes:
    """Give *true* with a few bytes replaced, taken out or put in; sometimes as it was."""
    found = bytearray(true)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(found)))
        deed = draw(st.sampled_from(["put", "cut", "swap", "double"]))
        if deed == "put":
            found[place:place] = draw(st.binary(min_size=1, max_size=8))
        elif deed == "cut":
            del found[place : place + draw(st.integers(1, 20))]
        elif deed == "swap" and place < len(found):
            found[place] = draw(st.integers(0, 255))
        else:
            found[place:place] = found[:place]
    return bytes(found)


def outcome(call: Callable[[], Any]) -> tuple[Any, FieldCryptoError | None]:
    """Return what a call gives, or its typed error; any other error fails the test."""
    try:
        return call(), None
    except FieldCryptoError as error:
        return None, error


STORE = DictStore()
KEYS = make_keys(STORE, settings=KeySettings(suites=SUITES))
VERSIONS = add_person(KEYS, STORE)
SEALED = {
    suite: enc(
        VALUE, make_keys(STORE, settings=KeySettings(suite=suite, suites=SUITES)).of(ANNA).newest
    )
    for suite in SUITES
}


@given(st.sampled_from(sorted(SUITES)).flatmap(lambda suite: changed(SEALED[suite])))
def test_any_envelope_is_refused_or_opens_to_what_was_sealed(blob: bytes) -> None:
    """However an envelope of any suite was changed, it opens to its value or is refused."""
    try:
        assert dec(blob, VERSIONS) == VALUE
        assert blob in SEALED.values()
    except FieldCryptoError:
        assert blob not in SEALED.values()


@given(st.binary(max_size=120))
def test_any_bytes_as_an_envelope(blob: bytes) -> None:
    """Noise never opens, and whether it looks like an envelope is always answered."""
    assert is_envelope(blob) in (True, False)
    try:
        dec(blob, VERSIONS)
    except FieldCryptoError:
        return
    raise AssertionError("noise was opened")


@given(
    st.one_of(st.text(max_size=80), st.sampled_from([1, 2, 3]).map(lambda s: to_text(SEALED[s])))
)
def test_any_text_form(text: str) -> None:
    """A text is an envelope's one form, or it is refused."""
    try:
        assert to_text(from_text(text)) == text
    except FieldCryptoError:
        return


@given(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from(range(10)).flatmap(
            lambda code: st.binary(max_size=40).map(lambda body: bytes((code,)) + body)
        ),
    )
)
def test_any_plaintext(plain: bytes) -> None:
    """Inside an envelope: what decodes is written again as the same value, the rest is refused."""
    try:
        value: Any = decode(plain)
    except FieldCryptoError:
        return
    again = decode(encode(value))
    assert type(again) is type(value)
    assert again == value or again != again


@given(changed(STORE.rows[ANNA][0].wrapped))
def test_any_wrapped_key(wrapped: bytes) -> None:
    """A key row whose wrapped bytes were changed does not open, and says which key it is."""
    store = DictStore()
    store.epoch_rows = list(STORE.epoch_rows)
    row = STORE.rows[ANNA][0]
    store.rows[ANNA] = [attrs.evolve(row, wrapped=wrapped)]
    keys, error = outcome(lambda: make_keys(store).of(ANNA))
    if wrapped == row.wrapped:
        assert keys.newest.key_id == row.key_id
    else:
        assert str(ANNA) in str(error)


@given(
    st.binary(max_size=40),
    TEXTS,
    st.integers(-3, 2**31),
    st.sampled_from(KeyState),
    TEXTS,
    st.sampled_from([ANNA, BERT]),
)
def test_any_key_row(
    key_id: bytes, kek: str, version: int, state: KeyState, algorithm: str, about: Any
) -> None:
    """A row of arbitrary columns loads, and opening it is a typed error."""
    store = DictStore()
    store.epoch_rows = list(STORE.epoch_rows)
    row = attrs.evolve(
        STORE.rows[ANNA][0],
        about=about,
        key_id=key_id,
        kek_id=kek,
        version=version,
        state=state,
        wraps_alg=algorithm,
    )
    store.rows[ANNA] = [row]
    try:
        make_keys(store).of(ANNA).newest  # noqa: B018 -- opening is the test
    except FieldCryptoError:
        return
    raise AssertionError("an arbitrary row was opened")


@given(st.integers(0, len(STORE.epoch_rows) - 1), st.data())
def test_any_epoch_row(which: int, data: st.DataObject) -> None:
    """An epoch row with other bytes or another name opens nobody's key, with a typed error."""
    store = DictStore()
    store.rows = dict(STORE.rows)
    true = STORE.epoch_rows[which]
    wrapped = data.draw(changed(true.wrapped))
    name = data.draw(st.one_of(st.just(true.epoch), TEXTS))
    row = attrs.evolve(true, wrapped=wrapped, epoch=name)
    store.epoch_rows = [row if each is true else each for each in STORE.epoch_rows]
    try:
        keys = make_keys(store)
        assert dec(SEALED[1], keys.of(ANNA)) == VALUE
    except GdprkitError:
        assert row != true


WRAPPED = MemoryProvider(bytes(32)).wrap(bytes(range(32)), {"tenant": "main"})


@given(changed(WRAPPED), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_any_wrapped_epoch_key(wrapped: bytes, context: dict[str, str]) -> None:
    """A provider gives the key back for its own bytes and context, and refuses everything else."""
    provider = MemoryProvider(bytes(32))
    for place in (context, {"tenant": "main"}):
        try:
            assert provider.unwrap(wrapped, place) == bytes(range(32))
            assert (wrapped, place) == (WRAPPED, {"tenant": "main"})
        except FieldCryptoError:
            assert (wrapped, place) != (WRAPPED, {"tenant": "main"})


@given(
    st.one_of(
        st.text(max_size=200),
        st.lists(
            st.sampled_from(
                ["active a", "active b", "destroyed a", "a ", "#", "", "b AAAA"]
                + [f"{name} {'A' * 43}=" for name in "abc"]
            ),
            max_size=6,
        ).map("\n".join),
    )
)
def test_any_keyring(text: str) -> None:
    """A keyring's text is read whole or refused with its line, and never shown."""
    ring, error = outcome(lambda: Keyring.from_text(text))
    assert ring.describe().key_id if error is None else "A" * 43 not in str(error)


@given(st.data())
def test_any_erasure_ledger(tmp_path_factory: Any, data: st.DataObject) -> None:
    """A ledger whose file was changed gives its records, fewer whole ones, or a typed error."""
    folder: Path = tmp_path_factory.mktemp("ledger")
    path = folder / "erasures"
    store = DictStore()
    keys = make_keys(store)
    ledger = FileErasureLedger(path)
    true = []
    for about in (ANNA, BERT):
        add_person(keys, store, about)
        true.append(keys.tombstone_for(about, **SHRED))
    ledger.append(true)
    path.write_bytes(data.draw(changed(path.read_bytes())))
    try:
        found = list(FileErasureLedger(path).records())
        assert found == true[: len(found)]
    except FieldCryptoError:
        return


@given(
    st.text(max_size=40).flatmap(lambda text: st.sampled_from([text, f"{text}QX7ZQ"])),
    st.sampled_from(sorted(NORMALISERS)),
)
def test_any_text_in_an_index(text: str, normaliser: str) -> None:
    """A term has its one length, or the value is refused by its kind."""
    keys = make_keys(DictStore(), indexes=[IndexSpec(name="i", normalisers=normaliser)])
    term, error = outcome(lambda: keys.term("i", text, at=AT))
    assert len(term) == 4 + 16 if error is None else "QX7ZQ" not in str(error)
