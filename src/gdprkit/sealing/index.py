"""Blind indexes: finding a sealed value by equality without opening anything.

Decides the look-up term of a value: a keyed hash of its normalised form, under a key of its own
for each index. Only the ``unique`` kind (128 bits, for identifiers with many values, such as an
e-mail address) exists. Leaves out where terms are kept and which fields may be indexed.

What it gives away: that two people share a value, how often a value occurs, and what is looked
for. A term is pseudonymous personal data (GDPR Art. 4(5)): it survives the destruction of the
person's key until its row is deleted or its epoch's key dies, so rows are deleted in the same
batch that destroys the key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from gdprkit.sealing.canonical import lp, u32
from gdprkit.sealing.errors import ContextError, FieldCryptoError, Unindexable
from gdprkit.sealing.normalise import normalise
from gdprkit.sealing.secret import KeepsSecrets, bare
from gdprkit.words.personal import Personal, reveal

__all__ = ["BITS", "FUNCTION", "BlindIndex"]

BITS: Final = 128
"""Length of a hash in a term."""
FUNCTION: Final = "hmac-sha256"
"""The keyed hash; part of what each index key is derived from."""


@final
class BlindIndex(KeepsSecrets):
    """One index of one tenant in one index epoch; made by ``SubjectKeys.index``.

    Args:
        key: 32 bytes, the index's own key.
        normalisers: One name for a simple index, several for a compound one.
        epoch: Number of the index epoch.
    """

    __slots__ = ("_mac", "_normalisers", "_prefix")

    def __init__(self, key: bytes, *, normalisers: tuple[str, ...], epoch: int) -> None:
        self._mac: Final = HMAC(key, SHA256())  # kept and copied: twice as fast as a new one
        self._normalisers: Final = normalisers
        self._prefix: Final = u32(epoch)

    def term(self, value: str | Personal[str]) -> bytes:
        """Return the look-up term of *value*: the epoch number in 4 bytes, then 16 bytes of hash.

        Raises:
            PlaintextTypeError: *value* is no text.
            Unindexable: it is blank, too long or not valid under the index's normaliser.
            TypeError: the index is compound; use ``compound``.
        """
        if len(self._normalisers) != 1:
            raise TypeError("this index is compound; call compound() with one value for each part")
        try:
            return self._hash(_part(self._normalisers[0], reveal(value)))
        except FieldCryptoError as error:
            refused = error
        del value
        raise bare(refused)

    def compound(self, values: Sequence[str | Personal[str] | None]) -> bytes | None:
        """Return the term of several values together, or None when one of them is absent.

        Raises:
            PlaintextTypeError, Unindexable: as in ``term``, for each of the values.
            TypeError: the index is simple, or has another number of parts.
        """
        count = len(self._normalisers)
        if count == 1 or len(values) != count:
            raise TypeError(f"this index takes {count} value{'s' if count > 1 else ', by term()'}")
        present = [value for value in values if value is not None]
        if len(present) != count:
            return None
        try:
            parts = map(_part, self._normalisers, map(reveal, present))
            return self._hash(u32(count) + b"".join(parts))
        except FieldCryptoError as error:
            refused = error
        del values, present, parts
        raise bare(refused)

    def _hash(self, message: bytes) -> bytes:
        mac = self._mac.copy()
        mac.update(message)
        return self._prefix + mac.finalize()[: BITS // 8]


def _part(normaliser: str, value: str) -> bytes:
    normal = normalise(normaliser, value)
    try:
        return lp(normal)
    except ContextError:
        raise Unindexable(normaliser, "is too long") from None  # its other reasons are met above
