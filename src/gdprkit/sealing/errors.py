"""What can go wrong with a sealed field, each case told apart.

Decides which cases there are: absent, erased and tampered are three different answers. Leaves out
what to do next in the business: a caller decides whether an erased value is shown as erased or
reported. Always true: errors carry ids of keys, of fields and of subjects only: never key bytes,
never a plaintext.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import attrs

from gdprkit.errors import GdprkitError

__all__ = [
    "AuthenticationFailed",
    "ContextError",
    "EnvelopeNotCanonical",
    "EnvelopeTruncated",
    "ErasureLedgerDamaged",
    "ErasureLedgerUnavailable",
    "FieldCryptoError",
    "IndexNotDeclared",
    "IndexRefused",
    "KeyDestroyed",
    "KeyEpochDestroyed",
    "KeyExhausted",
    "KeyInUse",
    "KeyIntegrityError",
    "KeyMissing",
    "KeyProviderDenied",
    "KeyProviderUnavailable",
    "KeyStoreRolledBack",
    "KeyVersionUnknown",
    "NotAnEnvelope",
    "PlaintextTooLarge",
    "PlaintextTypeError",
    "ProcessingRestricted",
    "RotationTooEarly",
    "ShredHeld",
    "SubjectErased",
    "SuiteNotAllowed",
    "Unindexable",
    "UnsupportedFormat",
    "UnsupportedSuite",
]


class FieldCryptoError(GdprkitError):
    """Base of every error of sealed fields and their keys."""

    code: ClassVar[str] = "field-crypto"
    text: ClassVar[str] = "a sealed field or its key could not be used"


_error = attrs.define(eq=False, slots=False, repr=False)


@_error
class PlaintextTypeError(FieldCryptoError, TypeError):
    """The value is of no type that can be sealed or indexed. ``found`` names the type only."""

    found: str
    cure: str
    code: ClassVar[str] = "plaintext-type"
    text: ClassVar[str] = "a value of type {found} cannot be taken here; {cure}"


@_error
class PlaintextTooLarge(FieldCryptoError, ValueError):
    """The value is larger than one field may be. ``limit`` is in bytes."""

    limit: int
    code: ClassVar[str] = "plaintext-too-large"
    text: ClassVar[str] = (
        "the value is larger than the {limit} bytes one sealed field may hold; keep large payloads "
        "in a file store and seal the reference to them"
    )


@_error
class ContextError(FieldCryptoError, ValueError):
    """A part of the context is missing, empty, ill-typed or too long. Names the part only."""

    component: str
    problem: str
    code: ClassVar[str] = "context"
    text: ClassVar[str] = (
        "context part {component} {problem}; pass a text, bytes, an integer or a UUID of 1 to 1024 "
        "bytes, for the person whose key it is"
    )


@_error
class NotAnEnvelope(FieldCryptoError, ValueError):
    """Something else stands where an envelope belongs; it is never handed back as a value."""

    code: ClassVar[str] = "not-an-envelope"
    text: ClassVar[str] = (
        "this is no sealed value; pass the bytes that seal() returned, or from_text() of their text"
    )


@_error
class UnsupportedFormat(FieldCryptoError, ValueError):
    """The envelope, or the value inside it, is of a format this version does not read."""

    part: str
    number: int
    code: ClassVar[str] = "unsupported-format"
    text: ClassVar[str] = (
        "the {part} has format 0x{number:02x}, which this gdprkit does not read; "
        "use the version that wrote it or a newer one"
    )


@_error
class UnsupportedSuite(FieldCryptoError, ValueError):
    """The envelope names a cipher suite this version does not know."""

    suite: int
    code: ClassVar[str] = "unsupported-suite"
    text: ClassVar[str] = (
        "the envelope names cipher suite {suite}, which this gdprkit does not know; "
        "use the version that wrote it or a newer one"
    )


@_error
class SuiteNotAllowed(FieldCryptoError, ValueError):
    """The envelope names a known cipher suite that may not be used here."""

    suite: int
    code: ClassVar[str] = "suite-not-allowed"
    text: ClassVar[str] = (
        "cipher suite {suite} is known and not allowed here; if its values shall be read, "
        "add it to KeySettings.suites"
    )


@_error
class EnvelopeTruncated(FieldCryptoError, ValueError):
    """The envelope is shorter than its suite can produce."""

    length: int
    minimum: int
    code: ClassVar[str] = "envelope-truncated"
    text: ClassVar[str] = (
        "the envelope has {length} bytes and its suite needs at least {minimum}; "
        "look for a column that cuts values short, and restore from a backup"
    )


@_error
class EnvelopeNotCanonical(FieldCryptoError, ValueError):
    """The text form is not exactly the one text that stands for these bytes."""

    code: ClassVar[str] = "envelope-not-canonical"
    text: ClassVar[str] = (
        "the text is not an envelope in its one canonical form ('gk1.' and unpadded base64url); "
        "pass exactly what to_text() returned"
    )


@_error
class KeyMissing(FieldCryptoError, LookupError):
    """No key and no tombstone: it never existed or it was lost, which is an incident."""

    about: UUID
    code: ClassVar[str] = "key-missing"
    text: ClassVar[str] = (
        "there is neither a key nor a record of erasure for subject {about}; if values of this "
        "person exist the key was lost: restore the key store"
    )


@_error
class SubjectErased(FieldCryptoError, LookupError):
    """The person's keys were destroyed on purpose (GDPR Art. 17); what was sealed stays closed."""

    about: UUID
    erased_at: datetime
    reference: str
    code: ClassVar[str] = "subject-erased"

    def __str__(self) -> str:
        return (
            f"the keys of subject {self.about} were destroyed on {self.erased_at.isoformat()} "
            f"under reference {self.reference!r}; nothing sealed for them can be opened or written"
        )


@_error
class KeyVersionUnknown(FieldCryptoError, LookupError):
    """The person is known and the envelope names none of their keys."""

    key_id: str
    code: ClassVar[str] = "key-version-unknown"
    text: ClassVar[str] = (
        "key {key_id} is none of this person's keys; check that envelope and person belong together"
    )


@_error
class KeyDestroyed(FieldCryptoError, LookupError):
    """This version of the person's key was destroyed."""

    key_id: str
    code: ClassVar[str] = "key-destroyed"
    text: ClassVar[str] = "key {key_id} was destroyed; what it sealed can no longer be opened"


@_error
class KeyEpochDestroyed(FieldCryptoError, LookupError):
    """The epoch key that wrapped this was destroyed; every copy under it, backups too, is dead."""

    epoch: str
    code: ClassVar[str] = "key-epoch-destroyed"
    text: ClassVar[str] = (
        "key epoch {epoch} was destroyed; what only it protects can no longer be opened"
    )


@_error
class KeyInUse(FieldCryptoError):
    """A key cannot be destroyed: something is sealed, wrapped or found by it. ``count`` says how
    much.
    """

    key: str
    count: int
    cure: str
    code: ClassVar[str] = "key-in-use"
    text: ClassVar[str] = "{key} was not destroyed: {count} still hang on it; {cure}"


@_error
class RotationTooEarly(FieldCryptoError):
    """Other processes may not have heard of a rotation yet. ``until`` is when they all have."""

    key: str
    until: datetime
    code: ClassVar[str] = "rotation-too-early"
    retryable: ClassVar[bool] = True

    def __str__(self) -> str:
        return (
            f"other processes may use {self.key} until {self.until.isoformat()}, "
            "so nothing was done; try again then"
        )


@_error
class KeyIntegrityError(FieldCryptoError):
    """A stored key is not the key it claims to be."""

    what: str
    problem: str
    code: ClassVar[str] = "key-integrity"
    text: ClassVar[str] = (
        "{what} {problem}; the key store or the root key was damaged, swapped or mixed up: "
        "stop writing and compare with a backup"
    )


@_error
class AuthenticationFailed(FieldCryptoError):
    """The envelope was altered, or it belongs to another record, field or person."""

    key_id: str
    code: ClassVar[str] = "authentication-failed"
    text: ClassVar[str] = (
        "the value sealed under key {key_id} was altered or belongs to another context; check "
        "field, revision and record id, its type too, then restore the value from a backup"
    )


@_error
class KeyProviderUnavailable(FieldCryptoError):
    """The provider of root keys cannot be reached now."""

    provider: str
    problem: str
    code: ClassVar[str] = "key-provider-unavailable"
    retryable: ClassVar[bool] = True
    text: ClassVar[str] = "the {provider} {problem}; nothing was lost, try again when it is there"


@_error
class KeyProviderDenied(FieldCryptoError):
    """The provider of root keys refuses, and will until somebody changes something."""

    provider: str
    problem: str
    cure: str
    code: ClassVar[str] = "key-provider-denied"
    text: ClassVar[str] = "the {provider} {problem}; {cure}"


@_error
class KeyExhausted(FieldCryptoError):
    """A key has done all the encryptions that random nonces allow (SP 800-38D)."""

    key_id: str
    code: ClassVar[str] = "key-exhausted"
    retryable: ClassVar[bool] = True  # once there is a new version or epoch
    text: ClassVar[str] = (
        "key {key_id} has reached its limit of uses; make a new version of it: keeper.keys.renew, "
        "or keeper.keys.rotate for an epoch"
    )


@_error
class ShredHeld(FieldCryptoError):
    """The person's keys are on hold and may not be destroyed."""

    about: UUID
    code: ClassVar[str] = "shred-held"
    text: ClassVar[str] = (
        "the keys of subject {about} are on hold and were not destroyed; lift the hold first"
    )


@_error
class ProcessingRestricted(FieldCryptoError):
    """Processing of the person's data is restricted to storage (GDPR Art. 18)."""

    about: UUID
    code: ClassVar[str] = "processing-restricted"
    text: ClassVar[str] = (
        "the data of subject {about} is restricted to storage; name the ground of GDPR Art. 18(2) "
        "that allows this use, or wait until the restriction is lifted"
    )


@_error
class KeyStoreRolledBack(FieldCryptoError):
    """The store holds people whose erasure it does not know: it was restored from before."""

    missing: int
    code: ClassVar[str] = "key-store-rolled-back"
    retryable: ClassVar[bool] = True
    text: ClassVar[str] = (
        "the store lacks {missing} of the erasures in the erasure ledger, so it was restored from "
        "before them; run replay_erasures() of the keeper, until then nobody is read or written"
    )


@_error
class ErasureLedgerDamaged(FieldCryptoError):
    """The erasure ledger is not what was appended to it. ``line`` counts from 1."""

    line: int
    problem: str
    code: ClassVar[str] = "erasure-ledger-damaged"
    text: ClassVar[str] = (
        "line {line} of the erasure ledger {problem}; compare with a copy and put the true file "
        "back, before any backup of the store is restored"
    )


@_error
class ErasureLedgerUnavailable(FieldCryptoError):
    """The erasure ledger cannot be read or written now."""

    problem: str
    code: ClassVar[str] = "erasure-ledger-unavailable"
    retryable: ClassVar[bool] = True
    text: ClassVar[str] = (
        "the erasure ledger {problem}; make its file readable and writable. An erasure that was "
        "committed stands; the next opening, or replay_erasures(), writes it into the ledger"
    )


@_error
class Unindexable(FieldCryptoError, ValueError):
    """The value has no place in a blind index. Names the normaliser, never the value."""

    normaliser: str
    problem: str
    code: ClassVar[str] = "unindexable"
    text: ClassVar[str] = (
        "the value {problem}, so {normaliser} makes no index of it; "
        "correct it or leave it unindexed"
    )


@_error
class IndexNotDeclared(FieldCryptoError, LookupError):
    """No blind index of that name is declared. The name itself is not repeated."""

    suggestion: str | None = None
    code: ClassVar[str] = "index-not-declared"

    def __str__(self) -> str:
        close = self.suggestion
        hint = f"did you mean {close!r}?" if close else "declare it by an IndexSpec"
        return f"no blind index of that name is declared; {hint}"


@_error
class IndexRefused(FieldCryptoError, ValueError):
    """A blind index was declared that would give away too much, or that cannot be made here."""

    index: str
    problem: str
    cure: str
    code: ClassVar[str] = "index-refused"
    text: ClassVar[str] = "the blind index {index!r} {problem}; {cure}"
