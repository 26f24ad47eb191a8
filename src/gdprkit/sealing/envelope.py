r"""The envelope: one sealed value, bound to its place.

Decides the stored form of a sealed value (format 0xF8) and what it is bound to. Leaves out where
keys come from (``keys``) and how values become bytes (``plaintext``). Always true: the key id in
the header commits to the key and is compared before any decryption; one envelope is tried with at
most one key; nonces are drawn for each call and no nonce state survives it; what cannot be
authenticated is never handed back.

Authenticated beside it: ``"gdprkit/field/v1\0"``, the 22 bytes of header, then tenant, subject,
record id, record type, field and, where it has one, revision, each by ``canonical.lp``.

A value without a revision can be replaced by an older envelope of the same field unnoticed: only a
revision that the caller keeps in trusted state prevents that.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, final

import attrs
from cryptography.exceptions import InvalidTag

from gdprkit.errors import GdprkitError
from gdprkit.sealing.canonical import Component, lp
from gdprkit.sealing.errors import AuthenticationFailed, ContextError, FieldCryptoError
from gdprkit.sealing.form import (
    BODY,
    HEADER,
    LARGEST,
    NONCE,
    OVERHEAD,
    SMALLEST,
    as_bytes,
    check_form,
    from_text,
    is_envelope,
    to_text,
)
from gdprkit.sealing.keys import SubjectKey, SubjectKeyVersions
from gdprkit.sealing.plaintext import DEFAULT_LIMIT, decode, encode
from gdprkit.sealing.secret import bare, draw
from gdprkit.words.personal import reveal

__all__ = [
    "OVERHEAD",
    "Context",
    "Opened",
    "from_text",
    "is_envelope",
    "seal",
    "seal_many",
    "to_text",
    "unseal",
    "unseal_each",
    "unseal_many",
]

_NO_RECORD: Final = object()  # None is what a caller may pass, and is refused


@final
@attrs.frozen(kw_only=True)
class Context:
    """Where a sealed value belongs; it opens nowhere else.

    Args:
        tenant: Whose register.
        subject: Whose data: the person of the key.
        record_id: Which record, the slot of the vault for instance.
        record_type: What kind of record, by a declared id that renaming a table does not change.
        field: Which field, by its declared id.
        revision: Which revision of the record, if the caller keeps that in trusted state.

    Raises:
        ContextError: a part is absent, empty, of another type or longer than 1024 bytes.

    Source: GDPR Art. 32(1)(a), Art. 5(1)(f).
    """

    tenant: Component = attrs.field(repr=False)
    subject: Component = attrs.field(repr=False)
    record_id: Component = attrs.field(repr=False)
    record_type: Component
    field: Component
    revision: Component | None = attrs.field(default=None, repr=False)
    _owner: bytes = attrs.field(init=False, repr=False, eq=False)
    _bound: bytes = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        owner = lp(self.tenant, "tenant") + lp(self.subject, "subject")
        place = (
            lp(self.record_id, "record_id")
            + lp(self.record_type, "record_type")
            + lp(self.field, "field")
        )
        if self.revision is not None:
            place += lp(self.revision, "revision")
        object.__setattr__(self, "_owner", owner)
        object.__setattr__(self, "_bound", owner + place)


@final
@attrs.frozen
class Opened:
    """What became of one of many envelopes: its value, or why not. Never both, never neither."""

    value: object = attrs.field(repr=False)
    error: FieldCryptoError | None = None


def seal(
    value: object,
    *,
    key: SubjectKey,
    context: Context,
    pad: int = 0,
    limit: int = DEFAULT_LIMIT,
    random: Callable[[int], bytes] = os.urandom,
) -> bytes:
    """Return *value* as an envelope.

    Args:
        value: What ``plaintext.encode`` takes, or that wrapped in ``Personal``.
        key: The newest key of the person.
        context: Where the value belongs.
        pad: Block in bytes that hides the length; 0 leaves it visible.
        limit: Most bytes of the value.
        random: Returns so many fresh random bytes. Anything but a cryptographic source
            destroys the secrecy of every value under the key.

    Raises:
        PlaintextTypeError: the value cannot be sealed as it is.
        PlaintextTooLarge: it has more than *limit* bytes.
        ContextError: *context* is about another person or tenant than *key*.
        KeyExhausted: the key has been used too often.
    """
    if context._owner != key.owner:
        raise ContextError("subject", "is not the owner of the key")
    try:
        key._count(1)
        nonce = draw(random, NONCE)
        plain = encode(reveal(value), pad, limit)
        return key.header + nonce + key._encrypt(nonce, plain, key._head + context._bound)
    except GdprkitError as error:
        refused = error
    # frames below hold the plaintext, and error reporters collect the variables of frames
    value, plain = None, b""
    raise bare(refused)


def seal_many(
    items: Sequence[tuple[object, Component, Component]],
    *,
    key: SubjectKey,
    record_type: Component,
    pad: int = 0,
    limit: int = DEFAULT_LIMIT,
    random: Callable[[int], bytes] = os.urandom,
) -> list[bytes]:
    """Seal many values of one person: all of them or none.

    The same bytes could come from ``seal`` with the key's own tenant and subject in the context.

    Args:
        items: Triples of value, record id and field.
        key: The newest key of the person.
        record_type: The record type of all of them.
        pad: As in ``seal``.
        limit: As in ``seal``, for each value.
        random: As in ``seal``; called once for all.

    Raises:
        PlaintextTypeError, PlaintextTooLarge, ContextError, KeyExhausted: as in ``seal``.
    """
    header = key.header
    encrypt = key._encrypt
    owner = key._head + key.owner
    value: object = None
    plain = bound = b""
    record: object = _NO_RECORD
    try:
        key._count(len(items))
        drawn = draw(random, NONCE * len(items))  # at once: the system call is what a nonce costs
        envelopes = []
        start = 0
        for value, record_id, field in items:
            if record_id is not record:  # fields of one record often follow each other
                record, bound = record_id, owner + lp(record_id, "record_id")
            plain = encode(reveal(value), pad, limit)
            nonce = drawn[start : start + NONCE]
            start += NONCE
            envelopes.append(
                header + nonce + encrypt(nonce, plain, bound + _place(record_type, field))
            )
        return envelopes  # noqa: TRY300 -- the loop is what may fail
    except GdprkitError as error:
        refused = error
    items, value, plain = (), None, b""
    raise bare(refused)


def unseal(
    envelope: bytes | bytearray | memoryview, *, keys: SubjectKeyVersions, context: Context
) -> object:
    """Return the sealed value, of the type it had. Wrap it in ``Personal`` before it travels.

    Args:
        envelope: What ``seal`` returned. Database drivers may hand it over as a memoryview.
        keys: All versions of the person's key.
        context: Where the value belongs.

    Raises:
        NotAnEnvelope: it is something else, a text or a plaintext for instance.
        UnsupportedFormat, UnsupportedSuite, SuiteNotAllowed: it is none this version reads.
        EnvelopeTruncated: it is too short to be one.
        PlaintextTooLarge: it is longer than any envelope.
        KeyVersionUnknown: it was sealed under no key of this person.
        KeyDestroyed: it was sealed under a version that was destroyed.
        AuthenticationFailed: it was altered, or belongs to another context.
    """
    return _open(envelope, keys, context._bound)


def unseal_many(
    items: Sequence[tuple[bytes, Component, Component]],
    *,
    keys: SubjectKeyVersions,
    record_type: Component,
) -> list[object]:
    """Open many values of one person: all of them, or the first error.

    Args:
        items: Triples of envelope, record id and field.
        keys: All versions of the person's key.
        record_type: The record type of all of them.

    Raises:
        FieldCryptoError: as in ``unseal``; no value is handed back then.
    """
    owner = keys.owner
    bound = b""
    record: object = _NO_RECORD
    values: list[object] = []
    try:
        for envelope, record_id, field in items:
            if record_id is not record:
                record, bound = record_id, owner + lp(record_id, "record_id")
            values.append(_open(envelope, keys, bound + _place(record_type, field)))
        return values  # noqa: TRY300 -- the loop is what may fail
    except FieldCryptoError as error:
        refused = error
    del values  # those already opened do not travel with the error
    raise bare(refused)


def unseal_each(
    items: Sequence[tuple[bytes, Component, Component]],
    *,
    keys: SubjectKeyVersions,
    record_type: Component,
) -> list[Opened]:
    """Open many values of one person and say of each what became of it.

    For copies of data (GDPR Art. 15) that must not fail as a whole for one damaged value; the
    errors are the caller's to report. Arguments as in ``unseal_many``.
    """
    opened = []
    for item in items:
        try:
            (value,) = unseal_many((item,), keys=keys, record_type=record_type)
            opened.append(Opened(value))
        except FieldCryptoError as error:
            opened.append(Opened(None, bare(error)))
    return opened


@lru_cache(maxsize=4096, typed=True)
def _place(record_type: Component, field: Component) -> bytes:
    """Return record type and field: declared names, few, and the same for everybody."""
    return lp(record_type, "record_type") + lp(field, "field")


def _open(
    envelope: bytes | bytearray | memoryview, keys: SubjectKeyVersions, bound: bytes
) -> object:
    blob = envelope if type(envelope) is bytes else as_bytes(envelope)
    key = keys._by_header.get(blob[:HEADER])
    if key is None or not SMALLEST <= len(blob) <= LARGEST:
        check_form(blob)
        key = keys.by_id(blob[2:HEADER])
    try:
        return decode(key._open(blob[HEADER:BODY], blob[BODY:], key._head + bound))
    except InvalidTag:
        refused: FieldCryptoError = AuthenticationFailed(key.key_id.hex())
    except FieldCryptoError as error:
        refused = error
    raise bare(refused)
