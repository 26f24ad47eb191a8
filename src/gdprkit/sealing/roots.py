r"""An opened INDEX or LASTING epoch: root of index keys and of the marks of the erased.

Decides how both are derived. Leaves out rows, stores and what a term is. Always true: an index key
belongs to one tenant, one index, its normalisers, its function and its number of bits; change one
of them and nothing of before is found.

- Index key: HKDF-Expand-SHA-512 of the epoch's key with info ``"gdprkit/index/v1\0"``, tenant,
  index name, normalisers, function, number of bits in 4 bytes.
- Mark of an erased person: HMAC-SHA-256 of the 16 bytes of the subject id under
  HKDF-Expand-SHA-512 of a LASTING epoch's key with info ``"gdprkit/tombstone/v1\0"``.
"""

from __future__ import annotations

from typing import Final, final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from gdprkit.sealing.canonical import lp, u32
from gdprkit.sealing.expand import expand
from gdprkit.sealing.index import BlindIndex, IndexSpec
from gdprkit.sealing.rows import EpochRow, epoch_number
from gdprkit.sealing.secret import KeepsSecrets
from gdprkit.words.identifiers import SubjectId

__all__ = ["IndexRoot"]

_KEY: Final = 32
_INDEX_INFO: Final = b"gdprkit/index/v1\0"
_MARK_INFO: Final = b"gdprkit/tombstone/v1\0"


@final
class IndexRoot(KeepsSecrets):
    """One opened epoch of the kinds INDEX and LASTING.

    Args:
        row: The epoch's row, for its number.
        key: Its 32 bytes.
    """

    __slots__ = ("_key", "_made", "_mark", "number")

    def __init__(self, row: EpochRow, key: bytes) -> None:
        self.number: Final = epoch_number(row)
        self._key: Final = key
        self._made: Final[dict[IndexSpec, BlindIndex]] = {}
        self._mark: Final = HMAC(expand(key, _MARK_INFO, _KEY), SHA256())

    def index(self, spec: IndexSpec, *, tenant: bytes) -> BlindIndex:
        """Return the index that *spec* declares, under a key of its own."""
        made = self._made.get(spec)
        if made is not None:
            return made
        label = lp(spec.name, "index name") + lp("+".join(spec.normalisers), "normalisers")
        info = _INDEX_INFO + tenant + label + lp(spec.function) + u32(spec.bits)
        made = BlindIndex(expand(self._key, info, _KEY), spec=spec, epoch=self.number)
        return self._made.setdefault(spec, made)

    def mark(self, about: SubjectId) -> bytes:
        """Return the 32 bytes under which the erasure of *about* is recorded."""
        mac = self._mark.copy()
        mac.update(about.bytes)
        return mac.finalize()
