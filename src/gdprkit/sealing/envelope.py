r"""The envelope: one sealed value, bound to its place.

Decides the stored form of a sealed value (format 0xF8) and what it is bound to. Leaves out where
keys come from (``keys``) and how values become bytes (``plaintext``). Always true: the key id in
the header commits to the key and is compared before any decryption; one envelope is tried with at
most one key; nonces are drawn for each call and no nonce state survives it; what cannot be
authenticated is never handed back.

Authenticated beside it: ``"gdprkit/field/v1\0"``, the 22 bytes of header, then tenant, subject,
record id, record type, field and, where the field declares one, revision, each by
``canonical.lp``. Tenant and subject come with the key.

A value without a revision can be replaced by an older envelope of the same field unnoticed: only a
revision that the caller keeps in trusted state prevents that.

The functions are written for speed: a text, the commonest value, is encoded and decoded in place,
and everything unusual takes another path that says the same more slowly. Opened values come bare
here; ``fields`` and the keeper wrap them in ``Personal``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from os import urandom
from typing import Final, final

import attrs
from cryptography.exceptions import InvalidTag

from gdprkit.errors import GdprkitError
from gdprkit.sealing.canonical import Component, lp
from gdprkit.sealing.errors import (
    AuthenticationFailed,
    ContextError,
    FieldCryptoError,
    KeyExhausted,
    PlaintextTypeError,
    UnsupportedFormat,
)
from gdprkit.sealing.form import (
    HEADER,
    LARGEST,
    OVERHEAD,
    as_bytes,
    from_text,
    is_envelope,
    to_text,
)
from gdprkit.sealing.opened_keys import SubjectKey, SubjectKeyVersions
from gdprkit.sealing.plaintext import (
    DEFAULT_LIMIT,
    SURROGATES,
    check_limit,
    check_pad,
    decode,
    encode,
)
from gdprkit.sealing.secret import bare, draw
from gdprkit.words.personal import reveal

__all__ = [
    "OVERHEAD",
    "Opened",
    "SealedField",
    "from_text",
    "is_envelope",
    "seal",
    "seal_many",
    "to_text",
    "unseal",
    "unseal_each",
    "unseal_many",
]

_UTF8: Final = 4
"""Most bytes of a character."""

_fresh: Final[Callable[[int], bytes]] = getattr(os, "getrandom", os.urandom)
"""The same bytes of the system, sooner: so few are always drawn whole."""

_NO_RECORD: Final = object()  # None is what a caller may pass, and is refused


@final
@attrs.frozen
class SealedField:
    """A declared field: what its values are bound to beside the person and the record.

    Declare it once and keep it; the names are ids that never change, whatever tables and columns
    are called.

    Args:
        record_type: What kind of record.
        field: Which field of it.
        pad: Block in bytes that hides the length of values; 0 leaves it visible.
        limit: Most bytes of a value.
        revisioned: Each value is bound to a revision of its record too, which the caller keeps in
            trusted state: an older envelope put back is refused.

    Raises:
        ContextError: a name is absent, empty, of another type or longer than 1024 bytes.
        InvalidValue: *pad* or *limit* is out of range.

    Source: GDPR Art. 32(1)(a), Art. 5(1)(f).
    """

    record_type: Component
    field: Component
    pad: int = attrs.field(default=0, kw_only=True)
    limit: int = attrs.field(default=DEFAULT_LIMIT, kw_only=True)
    revisioned: bool = attrs.field(default=False, kw_only=True)
    _bound: bytes = attrs.field(init=False, repr=False, eq=False)
    _short: int = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        bound = lp(self.record_type, "record_type") + lp(self.field, "field")
        object.__setattr__(self, "_bound", bound)
        check_pad(self.pad)
        check_limit(self.limit)
        # texts of so many characters need no measuring, no padding and no revision
        unusual = self.pad or self.revisioned
        object.__setattr__(self, "_short", -1 if unusual else self.limit // _UTF8)


@final
@attrs.frozen
class Opened:
    """What became of one of many envelopes: its value, or why not. Never both, never neither."""

    value: object = attrs.field(repr=False)
    error: FieldCryptoError | None = None


def seal(
    value: object,
    field: SealedField,
    record_id: Component,
    key: SubjectKey,
    revision: Component | None = None,
    random: Callable[[int], bytes] = _fresh,
) -> bytes:
    """Return *value* as an envelope.

    Args:
        value: What ``plaintext.encode`` takes, or that wrapped in ``Personal``.
        field: Which declared field.
        record_id: Which record.
        key: The newest key of the person.
        revision: Which revision of the record, if *field* declares that.
        random: Returns so many fresh random bytes. Anything but a cryptographic source destroys
            the secrecy of every value under the key.

    Raises:
        PlaintextTypeError: the value cannot be sealed as it is.
        PlaintextTooLarge: it has more than ``field.limit`` bytes.
        ContextError: the record id or the revision is no component, or the revision is missing.
        KeyExhausted: the key has been used too often.
    """
    try:
        next(key._uses)
        nonce = random(key._nonce) if random is _fresh else draw(random, key._nonce)
        if type(value) is str and len(value) <= field._short:
            plain = b"\2" + value.encode()
        else:
            plain = encode(reveal(value), field.pad, field.limit)
        record, bound = key._last
        if record_id is not record:  # fields of one record often follow each other
            bound = key._bound(record_id)
        if revision is None and not field.revisioned:
            bound += field._bound
        else:
            bound += field._bound + _revision(field, revision)
        return key.header + nonce + key._encrypt(nonce, plain, bound)
    except (GdprkitError, UnicodeEncodeError, StopIteration, AttributeError) as error:
        refused = _sealing_error(error, key, field)
    # frames below hold the plaintext, and error reporters collect the variables of frames
    value, plain = None, b""
    raise bare(refused)


def seal_bound(
    plain: bytes, bound: bytes, key: SubjectKey, random: Callable[[int], bytes]
) -> bytes:
    """Seal encoded bytes beside which *bound* is authenticated; for ``packed`` alone.

    Raises:
        KeyExhausted: the key has been used too often.
    """
    key._use(1)
    nonce = draw(random, key._nonce)
    return key.header + nonce + key._encrypt(nonce, plain, bound)


def seal_many(
    items: Sequence[tuple[object, SealedField, Component]],
    key: SubjectKey,
    random: Callable[[int], bytes] = urandom,
) -> list[bytes]:
    """Seal many values of one person: all of them or none.

    The same bytes could come from ``seal``. Fields of one record that follow each other, with the
    very same record id, are sealed fastest.

    Args:
        items: Triples of value, field and record id.
        key: The newest key of the person.
        random: As in ``seal``; called once for all.

    Raises:
        PlaintextTypeError, PlaintextTooLarge, ContextError, KeyExhausted: as in ``seal``.
    """
    header, encrypt = key.header, key._encrypt
    value: object = None
    field: object = None
    owner = b""
    record: object = _NO_RECORD
    envelopes: list[bytes] = []
    add = envelopes.append
    try:
        key._use(len(items))
        size = key._nonce * len(items)  # at once: the system call is what a nonce costs
        drawn = random(size) if random is urandom else draw(random, size)
        nonces = key._nonces(drawn)
        for (value, field, record_id), (nonce,) in zip(items, nonces, strict=True):
            if record_id is not record:
                record, owner = record_id, key._bound(record_id)
            add(
                header
                + nonce
                + encrypt(
                    nonce,
                    b"\2" + value.encode()
                    if type(value) is str and len(value) <= field._short
                    else _encoded(value, field),
                    owner + field._bound,
                )
            )
        return envelopes  # noqa: TRY300 -- the loop is what may fail
    except (GdprkitError, UnicodeEncodeError, AttributeError) as error:
        refused = _sealing_error(error, key, field)
    items, value = (), None
    raise bare(refused)


def unseal(
    envelope: bytes | bytearray | memoryview,
    field: SealedField,
    record_id: Component,
    keys: SubjectKeyVersions,
    revision: Component | None = None,
) -> object:
    """Return the sealed value, of the type it had. Wrap it in ``Personal`` before it travels.

    Args:
        envelope: What ``seal`` returned. Database drivers may hand it over as a memoryview.
        field: Which declared field.
        record_id: Which record.
        keys: All versions of the person's key.
        revision: Which revision of the record, if *field* declares that.

    Raises:
        NotAnEnvelope: it is something else, a text or a plaintext for instance.
        UnsupportedFormat, UnsupportedSuite, SuiteNotAllowed: it is none this version reads.
        EnvelopeTruncated: it is too short to be one.
        PlaintextTooLarge: it is longer than any envelope.
        KeyVersionUnknown: it was sealed under no key of this person.
        KeyDestroyed: it was sealed under a version that was destroyed.
        AuthenticationFailed: it was altered, or belongs to another context.
        ContextError: the record id or the revision is no component, or the revision is missing.
    """
    if type(envelope) is not bytes:
        envelope = as_bytes(envelope)
    key = keys._by_header.get(envelope[:HEADER])
    if key is None or not key._least <= len(envelope) <= LARGEST:
        key = keys.key_for(envelope)
    record, bound = key._last
    if record_id is not record:
        bound = key._bound(record_id)
    if revision is None and not field.revisioned:
        bound += field._bound
    else:
        bound += field._bound + _revision(field, revision)
    body = key._body
    try:
        plain = key._decrypt(envelope[HEADER:body], envelope[body:], bound)
        if plain[0] == 2:
            return plain[1:].decode()
        return decode(plain)
    except (InvalidTag, UnicodeDecodeError, FieldCryptoError) as error:
        refused = _opening_error(error, key.key_id, field)
    plain = b""
    raise bare(refused)


def open_bound(
    envelope: bytes | bytearray | memoryview,
    record_id: Component,
    place: bytes,
    keys: SubjectKeyVersions,
) -> bytes:
    """Return the encoded bytes of an envelope; for ``packed`` alone.

    Raises:
        FieldCryptoError: as in ``unseal``.
    """
    blob = as_bytes(envelope)
    key = keys.key_for(blob)
    try:
        bound = key._bound(record_id) + place
        return key._decrypt(blob[HEADER : key._body], blob[key._body :], bound)
    except InvalidTag:
        raise AuthenticationFailed(key.key_id.hex()) from None


def unseal_many(
    items: Iterable[tuple[bytes, SealedField, Component]], keys: SubjectKeyVersions
) -> list[object]:
    """Open many values of one person: all of them, or the first error.

    Args:
        items: Triples of envelope, field and record id.
        keys: All versions of the person's key.

    Raises:
        FieldCryptoError: as in ``unseal``; no value is handed back then. Values that are bound to
            a revision are opened one by one.
    """
    header: bytes | None = None
    key_id = owner = plain = b""
    body = least = 0
    record: object = _NO_RECORD
    field: object = None
    values: list[object] = []
    add = values.append
    try:
        for envelope, field, record_id in items:
            if type(envelope) is not bytes:
                envelope = as_bytes(envelope)  # noqa: PLW2901 -- the same bytes
            if envelope[:HEADER] != header:  # a method call would cost more than the slice
                key = keys.key_for(envelope)
                header, body, least, decrypt = key.header, key._body, key._least, key._decrypt
                key_id, record = key.key_id, _NO_RECORD
            if not least <= len(envelope) <= LARGEST:
                keys.key_for(envelope)
            if record_id is not record:
                record, owner = record_id, key._bound(record_id)
            if field.revisioned:
                _revision(field, None)
            plain = decrypt(envelope[HEADER:body], envelope[body:], owner + field._bound)
            add(plain[1:].decode() if plain[0] == 2 else decode(plain))
        return values  # noqa: TRY300 -- the loop is what may fail
    except (InvalidTag, UnicodeDecodeError, GdprkitError, AttributeError) as error:
        refused = _opening_error(error, key_id, field)
    plain = b""
    del values, add  # those already opened do not travel with the error
    raise bare(refused)


def unseal_each(
    items: Iterable[tuple[bytes, SealedField, Component]], keys: SubjectKeyVersions
) -> list[Opened]:
    """Open many values of one person and say of each what became of it.

    For copies of data (GDPR Art. 15) that must not fail as a whole for one damaged value; the
    errors are the caller's to report. Arguments as in ``unseal_many``.
    """
    opened: list[Opened] = []
    refused: GdprkitError | None = None
    for item in items:
        try:
            opened.append(Opened(unseal_many((item,), keys)[0]))
        except FieldCryptoError as error:
            opened.append(Opened(None, bare(error)))
        except GdprkitError as error:  # the store, for instance: nothing is told of any value
            refused = error
            break
    if refused is None:
        return opened
    del opened
    raise bare(refused)


def _encoded(value: object, field: SealedField) -> bytes:
    """Encode one value of a batch that is no short text, or whose field asks for more."""
    if field.revisioned:
        _revision(field, None)
    return encode(reveal(value), field.pad, field.limit)


def _revision(field: SealedField, revision: Component | None) -> bytes:
    if revision is None:
        raise ContextError("revision", "is missing and the field declares one")
    if not field.revisioned:
        raise ContextError("revision", "is none that the field declares")
    return lp(revision, "revision")


def _sealing_error(
    error: GdprkitError | UnicodeEncodeError | StopIteration | AttributeError,
    key: SubjectKey,
    field: object,
) -> GdprkitError:
    if isinstance(error, StopIteration):
        return KeyExhausted(key.key_id.hex())
    if isinstance(error, UnicodeEncodeError):
        return PlaintextTypeError(*SURROGATES)
    return _undeclared(error, field)


def _opening_error(
    error: InvalidTag | UnicodeDecodeError | GdprkitError | AttributeError,
    key_id: bytes,
    field: object,
) -> GdprkitError:
    if isinstance(error, InvalidTag):
        return AuthenticationFailed(key_id.hex())
    if isinstance(error, UnicodeDecodeError):
        return UnsupportedFormat("value", 2)
    return _undeclared(error, field)


def _undeclared(error: GdprkitError | AttributeError, field: object) -> GdprkitError:
    """Return *error*, or what is wrong with a field that is no declared one."""
    if isinstance(error, GdprkitError):
        return error
    if isinstance(field, SealedField):
        raise bare(error)
    return ContextError("field", f"is of type {type(field).__name__} and no SealedField")
