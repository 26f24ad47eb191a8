"""Envelopes that are damaged, cut, forged or no envelopes at all (crypto D.2)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sealing.support import DictStore, add_person, dec, enc, make_keys

from gdprkit.sealing.envelope import (
    OVERHEAD,
    from_text,
    is_envelope,
    to_text,
)
from gdprkit.sealing.errors import (
    AuthenticationFailed,
    EnvelopeNotCanonical,
    EnvelopeTruncated,
    FieldCryptoError,
    KeyVersionUnknown,
    NotAnEnvelope,
    PlaintextTooLarge,
    SuiteNotAllowed,
    UnsupportedFormat,
    UnsupportedSuite,
)
from gdprkit.sealing.form import LARGEST, SUITES
from gdprkit.sealing.opened_keys import SubjectKeyVersions
from gdprkit.sealing.settings import KeySettings


@pytest.fixture(scope="module")
def keys() -> SubjectKeyVersions:
    store = DictStore()
    return add_person(make_keys(store), store)


@pytest.fixture(scope="module")
def sealed(keys: SubjectKeyVersions) -> bytes:
    return enc("consent: yes", keys.newest)


def refused(envelope: Any, keys: SubjectKeyVersions) -> type[FieldCryptoError]:
    """Return the class of the error; a value, or an error of another family, fails the test."""
    with pytest.raises(FieldCryptoError) as error:
        dec(envelope, keys)
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
        assert dec(buffer, keys) == "consent: yes"
        assert is_envelope(buffer)


def test_d13_a_buffer_that_was_released_is_no_envelope(
    keys: SubjectKeyVersions, sealed: bytes
) -> None:
    """A memoryview that its driver has taken back is refused like any other thing."""
    buffer = memoryview(sealed)
    buffer.release()
    assert refused(buffer, keys) is NotAnEnvelope
    assert not is_envelope(buffer)


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
    """Another suite than those read here is not tried, lengths adjusted or not."""
    for blob in (sealed, sealed[:34] + b"\0" * 12 + sealed[34:]):
        changed = blob[:1] + bytes((suite,)) + blob[2:]
        assert refused(changed, keys) is SuiteNotAllowed


@pytest.mark.parametrize("written", SUITES)
@pytest.mark.parametrize("said", SUITES)
def test_d15_a_changed_suite_byte_does_not_open(written: int, said: int) -> None:
    """Where all suites are read, an envelope opens under the suite that sealed it alone."""
    store = DictStore()
    settings = KeySettings(suite=written, suites=SUITES)
    keys = add_person(make_keys(store, settings=settings), store)
    envelope = enc("consent: yes", keys.newest)
    assert len(envelope) == SUITES[written].smallest + len("consent: yes")
    for blob in (envelope, envelope[:34] + b"\0" * 12 + envelope[34:], envelope[:-12]):
        changed = blob[:1] + bytes((said,)) + blob[2:]
        if blob == envelope and said == written:
            assert dec(changed, keys) == "consent: yes"
        else:
            assert refused(changed, keys) in (AuthenticationFailed, EnvelopeTruncated)


@pytest.mark.parametrize("suite", SUITES)
def test_d11_every_bit_flip_is_refused_in_every_suite(suite: int) -> None:
    """With one suite allowed, no flipped bit of its envelope gives a value or a stray error."""
    store = DictStore()
    keys = add_person(make_keys(store, settings=KeySettings(suite=suite, suites=[suite])), store)
    envelope = enc("consent: yes", keys.newest)
    assert dec(envelope, keys) == "consent: yes"
    for bit in range(8 * len(envelope)):
        flipped = bytearray(envelope)
        flipped[bit // 8] ^= 1 << bit % 8
        error = refused(bytes(flipped), keys)
        if bit // 8 >= 22:
            assert error is AuthenticationFailed


@pytest.mark.parametrize("suite", SUITES)
def test_d12_every_other_length_is_refused_in_every_suite(suite: int) -> None:
    """Cut or lengthened anywhere, an envelope of any suite gives the error of its own length."""
    store = DictStore()
    keys = add_person(make_keys(store, settings=KeySettings(suite=suite, suites=SUITES)), store)
    envelope = enc("consent: yes", keys.newest)
    for length in range(1, len(envelope)):
        short = length < SUITES[suite].smallest
        error = refused(envelope[:length], keys)
        assert error is (EnvelopeTruncated if short else AuthenticationFailed)
    for extra in range(1, 18):
        assert refused(envelope + bytes(extra), keys) is AuthenticationFailed


@pytest.mark.parametrize("first", range(0xF9, 0xFE))
def test_d15_later_formats_are_named(keys: SubjectKeyVersions, sealed: bytes, first: int) -> None:
    """The first bytes kept for later formats say so instead of looking like damage."""
    with pytest.raises(UnsupportedFormat, match=f"0x{first:02x}"):
        dec(bytes((first,)) + sealed[1:], keys)


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
    twice = enc(sealed, keys.newest)
    assert dec(twice, keys) == sealed


def test_d17_oversize_envelope_is_refused_by_length(
    keys: SubjectKeyVersions, sealed: bytes
) -> None:
    """An envelope longer than any that can be made is refused without decrypting it."""
    with pytest.raises(PlaintextTooLarge):
        dec(sealed + bytes(LARGEST), keys)
