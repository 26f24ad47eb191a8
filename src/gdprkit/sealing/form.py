"""The outer form of an envelope: what can be told without any key.

Decides where each part lies, what an envelope of this version looks like, and its text form.
Leaves out what it is bound to and how it opens (``envelope``). Always true: a UTF-8 text is never
mistaken for an envelope, because none begins with the format byte; an envelope has one text form.

======  ======  ==============================================================================
offset  length  content
======  ======  ==============================================================================
0       1       format 0xF8, which no UTF-8 text contains
1       1       suite, a number of ``SUITES``
2       20      key id, which commits to the key
22      12      nonce, random; 24 bytes in suite 2
34      n       ciphertext of code byte and value
34 + n  16      tag
======  ======  ==============================================================================
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Container, Mapping
from typing import Final, final

import attrs

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

__all__ = [
    "OVERHEAD",
    "SUITES",
    "Suite",
    "as_bytes",
    "check_form",
    "from_text",
    "is_envelope",
    "key_id_of",
    "to_text",
]

FORMAT: Final = 0xF8
KEY_ID: Final = 20
TAG: Final = 16
HEADER: Final = 2 + KEY_ID

_FORMATS: Final = range(0xF8, 0xFE)  # this version's and later ones'


@final
@attrs.frozen(kw_only=True)
class Suite:
    """A cipher suite: what the second byte of an envelope says.

    Args:
        number: That byte.
        cipher: What encrypts. The key of every suite is 32 bytes out of HKDF-SHA-512.
        nonce: Bytes of the nonce.

    Attributes:
        head: Format and number, the first two bytes of an envelope.
        body: Where the ciphertext begins, in bytes.
        overhead: Bytes an envelope adds to the encoded value, which itself has one code byte.
        smallest: Bytes of the shortest envelope: a code byte is always there.
    """

    number: int
    cipher: str
    nonce: int
    head: bytes = attrs.field(init=False)
    body: int = attrs.field(init=False)
    overhead: int = attrs.field(init=False)
    smallest: int = attrs.field(init=False)

    @head.default
    def _head(self) -> bytes:
        return bytes((FORMAT, self.number))

    @body.default
    def _body(self) -> int:
        return HEADER + self.nonce

    @overhead.default
    def _overhead(self) -> int:
        return self.body + TAG

    @smallest.default
    def _smallest(self) -> int:
        return self.overhead + 1


SUITES: Final[Mapping[int, Suite]] = {
    suite.number: suite
    for suite in (
        Suite(number=1, cipher="AES-256-GCM", nonce=12),
        # for keys that encrypt more than 2**31 values
        Suite(number=2, cipher="XAES-256-GCM", nonce=24),
        # for hosts that are cloned while they run: a nonce drawn twice gives away equality only
        Suite(number=3, cipher="AES-256-GCM-SIV", nonce=12),
    )
}
"""The closed table. Numbers are never given a new meaning."""

OVERHEAD: Final = SUITES[1].overhead
"""Bytes an envelope of suite 1 adds to the encoded value: 50."""
LARGEST: Final = SUITES[2].smallest + HARD_LIMIT + PAD_LIMIT

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
        UnsupportedFormat, UnsupportedSuite, EnvelopeTruncated: as in ``unseal``.
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


def key_id_of(envelope: bytes) -> bytes:
    """Return the 20 bytes that say which key sealed an envelope.

    Raises:
        FieldCryptoError: *envelope* is none, as in ``unseal``.
    """
    blob = as_bytes(envelope)
    check_form(blob)
    return blob[2:HEADER]


def check_form(blob: bytes, allowed: Container[int] = SUITES) -> Suite:
    """Return the suite of *blob*, or raise what is wrong with the outer form, from the front.

    Raises:
        NotAnEnvelope, UnsupportedFormat, UnsupportedSuite: it is none this version reads.
        SuiteNotAllowed: its suite is known and not among *allowed*.
        EnvelopeTruncated: it is shorter than its suite can produce.
        PlaintextTooLarge: it is longer than any envelope.
    """
    if not blob or blob[0] not in _FORMATS:
        raise NotAnEnvelope
    if blob[0] != FORMAT:
        raise UnsupportedFormat("envelope", blob[0])
    if len(blob) < 2:
        raise EnvelopeTruncated(len(blob), SUITES[1].smallest)
    suite = SUITES.get(blob[1])
    if suite is None:
        raise UnsupportedSuite(blob[1])
    if suite.number not in allowed:
        raise SuiteNotAllowed(suite.number)
    if len(blob) < suite.smallest:
        raise EnvelopeTruncated(len(blob), suite.smallest)
    if len(blob) > LARGEST:
        raise PlaintextTooLarge(HARD_LIMIT)
    return suite


def _base64url(blob: bytes) -> str:
    return b2a_base64(blob, newline=False).translate(_URL).rstrip(b"=").decode("ascii")
