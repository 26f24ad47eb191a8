"""The outer form of an envelope: what can be told without any key.

Decides where each part lies, what an envelope of this version looks like, and its text form.
Leaves out what it is bound to and how it opens (``envelope``). Always true: a UTF-8 text is never
mistaken for an envelope, because none begins with the format byte; an envelope has one text form.

======  ======  ==============================================================================
offset  length  content
======  ======  ==============================================================================
0       1       format 0xF8, which no UTF-8 text contains
1       1       suite: 1 AES-256-GCM with HKDF-SHA-512 and a 160-bit key commitment
2       20      key id
22      12      nonce, random
34      n       ciphertext of code byte and value
34 + n  16      tag
======  ======  ==============================================================================

Suites 2 (XAES-256-GCM) and 3 (AES-256-GCM-SIV) are numbers kept for later, and refused.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from typing import Final

from gdprkit.sealing.errors import (
    EnvelopeNotCanonical,
    EnvelopeTruncated,
    FieldCryptoError,
    NotAnEnvelope,
    PlaintextTooLarge,
    SuiteNotAllowed,
    UnsupportedFormat,
    UnsupportedSuite,
)
from gdprkit.sealing.plaintext import HARD_LIMIT, PAD_LIMIT

__all__ = ["OVERHEAD", "as_bytes", "check_form", "from_text", "is_envelope", "to_text"]

FORMAT: Final = 0xF8
SUITES: Final = {1: "AES-256-GCM", 2: "XAES-256-GCM", 3: "AES-256-GCM-SIV"}
SUITE: Final = 1
KEY_ID: Final = 20
NONCE: Final = 12
TAG: Final = 16
HEADER: Final = 2 + KEY_ID
BODY: Final = HEADER + NONCE
OVERHEAD: Final = BODY + TAG
"""Bytes an envelope adds to the encoded value, which itself has one code byte: 50."""
SMALLEST: Final = OVERHEAD + 1  # a code byte is always there
LARGEST: Final = OVERHEAD + 1 + HARD_LIMIT + PAD_LIMIT

_FORMATS: Final = range(0xF8, 0xFE)  # this version's and later ones'
_SUITES_KEPT: Final = frozenset({2, 3})
_TEXT_PREFIX: Final = "gk1."
_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_+/", b"+/\0\0")


def is_envelope(value: object) -> bool:
    """Return whether *value* has the outer form of an envelope this version knows; never raises.

    A text is none, not even the text form: pass it through ``from_text``.
    """
    kind = type(value)  # not isinstance: an object may answer that with an exception
    if not issubclass(kind, (bytes, bytearray, memoryview)):
        return False
    try:
        check_form(bytes(value))  # type: ignore[call-overload]  # one of the three above
    except (FieldCryptoError, ValueError, TypeError, NotImplementedError):
        return False
    return True


def to_text(envelope: bytes) -> str:
    """Return the text form: ``gk1.`` and unpadded base64url.

    Raises:
        FieldCryptoError: *envelope* is none, as in ``unseal``.
    """
    blob = as_bytes(envelope)
    check_form(blob)
    return _TEXT_PREFIX + _base64url(blob)


def from_text(text: str) -> bytes:
    """Return the envelope of its text form.

    Raises:
        NotAnEnvelope: *text* is no str, or its bytes are no envelope.
        EnvelopeNotCanonical: it is not letter for letter what ``to_text`` returns.
        UnsupportedFormat, UnsupportedSuite, SuiteNotAllowed, EnvelopeTruncated: as in ``unseal``.
    """
    if not isinstance(text, str):
        raise NotAnEnvelope
    if not text.startswith(_TEXT_PREFIX) or not text.isascii():
        raise EnvelopeNotCanonical
    body = text.removeprefix(_TEXT_PREFIX)
    try:
        blob = a2b_base64(
            body.encode("ascii").translate(_FROM_URL) + b"=" * (-len(body) % 4), strict_mode=True
        )
    except Base64Error:
        raise EnvelopeNotCanonical from None
    # strict mode still accepts bits set behind the last byte: only the round trip shows them
    if _base64url(blob) != body:
        raise EnvelopeNotCanonical
    check_form(blob)
    return blob


def as_bytes(value: object) -> bytes:
    """Return bytes, bytearray or memoryview as bytes; raise NotAnEnvelope for anything else."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise NotAnEnvelope


def check_form(blob: bytes) -> None:
    """Raise what is wrong with the outer form, from the front; return when nothing is."""
    if not blob or blob[0] not in _FORMATS:
        raise NotAnEnvelope
    if blob[0] != FORMAT:
        raise UnsupportedFormat("envelope", blob[0])
    if len(blob) < 2:
        raise EnvelopeTruncated(len(blob), SMALLEST)
    if blob[1] in _SUITES_KEPT:
        raise SuiteNotAllowed(blob[1])
    if blob[1] != SUITE:
        raise UnsupportedSuite(blob[1])
    if len(blob) < SMALLEST:
        raise EnvelopeTruncated(len(blob), SMALLEST)
    if len(blob) > LARGEST:
        raise PlaintextTooLarge(HARD_LIMIT)


def _base64url(blob: bytes) -> str:
    return b2a_base64(blob, newline=False).translate(_URL).rstrip(b"=").decode("ascii")
