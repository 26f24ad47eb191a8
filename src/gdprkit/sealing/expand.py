"""One step of HKDF, by which every key under a stored key is derived.

Decides nothing but that step. Leaves out what is written into ``info``: it is said where a key is
derived. Always true: the hash is SHA-512.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

__all__ = ["expand", "expand_into"]

_SHA512: Final = SHA512()


def expand_into(buffer: bytearray, key: bytes | bytearray, info: bytes) -> None:
    """HKDF-Expand with SHA-512, as many bytes as *buffer* has, into it."""
    HKDFExpand(_SHA512, len(buffer), info).derive_into(key, buffer)


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-512."""
    return HKDFExpand(_SHA512, length, info).derive(key)
