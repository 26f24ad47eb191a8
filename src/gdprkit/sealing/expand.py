"""One step of HKDF, by which every key under a stored key is derived.

Decides nothing but that step; what is written into ``info`` is said where a key is derived.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.hmac import HMAC

__all__ = ["expand"]


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-512 for at most 64 bytes: the first block is all there is."""
    mac = HMAC(key, SHA512())
    mac.update(info + b"\x01")
    return mac.finalize()[:length]
