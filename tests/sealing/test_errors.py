"""Errors of sealed fields: their texts, their fields, their family (crypto B.11)."""

from __future__ import annotations

import pickle

import pytest
from tests.sealing.support import ANNA, AT

from gdprkit.errors import GdprkitError
from gdprkit.sealing import errors
from gdprkit.sealing.errors import FieldCryptoError

EXAMPLES: list[tuple[FieldCryptoError, str]] = [
    (errors.AuthenticationFailed("ab12"), "under key ab12 was altered or belongs to another"),
    (errors.ContextError("field", "is empty"), "context part field is empty; pass"),
    (errors.EnvelopeNotCanonical(), "one canonical form"),
    (errors.EnvelopeTruncated(7, 51), "has 7 bytes and its suite needs at least 51"),
    (errors.ErasureLedgerDamaged(7, "was altered"), "line 7 of the erasure ledger was altered;"),
    (errors.ErasureLedgerUnavailable("is away"), "the erasure ledger is away; make its file"),
    (errors.IndexNotDeclared("lookup/email"), "no blind index of that name is declared; did you"),
    (errors.IndexRefused("town", "is skewed", "leave it"), "blind index 'town' is skewed; leave"),
    (errors.KeyDestroyed("ab12"), "key ab12 was destroyed"),
    (errors.KeyEpochDestroyed("k1"), "key epoch k1 was destroyed"),
    (errors.KeyExhausted("ab12"), "make a new version"),
    (errors.KeyInUse("key epoch k1", 3, "rewrap"), "key epoch k1 was not destroyed: 3 still hang"),
    (errors.KeyIntegrityError("key version 1", "does not open"), "key version 1 does not open;"),
    (errors.KeyMissing(ANNA), f"neither a key nor a record of erasure for subject {ANNA}"),
    (errors.KeyProviderDenied("keyring", "refuses", "ask"), "the keyring refuses; ask"),
    (errors.KeyProviderUnavailable("keyring", "is away"), "the keyring is away; nothing was lost"),
    (errors.KeyStoreRolledBack(3), "lacks 3 of the erasures in the erasure ledger"),
    (errors.KeyVersionUnknown("ab12"), "key ab12 is none of this person's keys"),
    (errors.NotAnEnvelope(), "this is no sealed value"),
    (errors.PlaintextTooLarge(10), "larger than the 10 bytes"),
    (errors.PlaintextTypeError("float", "pass a Decimal"), "of type float cannot be taken here;"),
    (errors.ProcessingRestricted(ANNA), f"the data of subject {ANNA} is restricted to storage"),
    (
        errors.RotationTooEarly("key epoch k1", AT),
        "may use key epoch k1 until 2026-03-31T09:00:00+00:00, so nothing was done; try again then",
    ),
    (errors.ShredHeld(ANNA), f"the keys of subject {ANNA} are on hold and were not destroyed"),
    (
        errors.SubjectErased(ANNA, AT, "case-7"),
        f"the keys of subject {ANNA} were destroyed on 2026-03-31T09:00:00+00:00 under reference",
    ),
    (errors.SuiteNotAllowed(2), "add it to KeySettings.suites"),
    (errors.Unindexable("email-v1", "is blank"), "the value is blank, so email-v1 makes no index"),
    (errors.UnsupportedFormat("value", 9), "the value has format 0x09"),
    (errors.UnsupportedSuite(7), "names cipher suite 7, which this gdprkit does not know"),
]


@pytest.mark.parametrize(("error", "text"), EXAMPLES, ids=lambda value: getattr(value, "code", ""))
def test_texts_say_what_is_wrong_and_what_to_do(error: FieldCryptoError, text: str) -> None:
    """Each text is pinned by what only it says, and survives a pickle."""
    assert text in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 -- our own bytes


def test_every_error_has_its_own_code_and_an_example_here() -> None:
    """Codes are unique, all are one family, and what somebody mends is worth a retry."""
    public = {getattr(errors, name) for name in errors.__all__}
    assert all(issubclass(one, FieldCryptoError) for one in public)
    assert issubclass(FieldCryptoError, GdprkitError)
    assert public - {FieldCryptoError} == {type(error) for error, _ in EXAMPLES}
    assert len({one.code for one in public}) == len(public)
    assert {one.code for one in public if one.retryable} == {
        "erasure-ledger-unavailable",
        "key-exhausted",
        "key-provider-unavailable",
        "key-store-rolled-back",
        "rotation-too-early",
    }
    assert errors.__all__ == sorted(errors.__all__)
