"""The ciphers of the suites: AES-256-GCM, XAES-256-GCM and AES-256-GCM-SIV.

Decides what encrypts under each number of ``form.SUITES`` and how a key gets into a cipher. Only
primitives of pyca ``cryptography`` are used; XAES-256-GCM is put together from its AES and AES-GCM
as C2SP specifies it. Leaves out where keys come from (``opened_keys``) and what is authenticated
(``envelope``). Always true: every cipher here takes a nonce of the length its suite says, and a
key buffer may be wiped as soon as the cipher was made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeAlias, final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

from gdprkit.errors import InvalidValue
from gdprkit.sealing.form import SUITES
from gdprkit.sealing.secret import KeepsSecrets

__all__ = ["KEY", "Aead", "Xaes", "cipher_for", "copies_its_key"]

KEY: Final = 32
"""Bytes of a key of any suite."""

Buffer: TypeAlias = bytes | bytearray | memoryview


class Aead(Protocol):
    """What seals and opens: authenticated encryption with data authenticated beside it."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        """Return ciphertext and tag."""
        ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        """Return the data, or raise InvalidTag."""
        ...


@final
class Xaes(KeepsSecrets):
    """XAES-256-GCM (C2SP): AES-256-GCM under a key derived from the first half of the nonce.

    Args:
        key: 32 bytes; copied.
    """

    __slots__ = ("_block", "_mask")

    def __init__(self, key: Buffer) -> None:
        # one block after the other, each on its own: the encryptor has no state to share
        self._block: Final = Cipher(AES256(bytes(key)), ECB()).encryptor()  # noqa: S305 -- single blocks
        subkey = _doubled(self._block.update(bytes(16)))
        self._mask: Final = subkey << 128 | subkey

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        """Return ciphertext and tag; *nonce* is 24 bytes."""
        return self._under(nonce).encrypt(nonce[12:], data, associated_data)

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        """Return the data, or raise InvalidTag; *nonce* is 24 bytes."""
        return self._under(nonce).decrypt(nonce[12:], data, associated_data)

    def _under(self, nonce: bytes) -> AESGCM:
        if len(nonce) != 24:
            raise ValueError("XAES-256-GCM takes a nonce of 24 bytes")
        part = nonce[:12]
        blocks = b"\0\1X\0" + part + b"\0\2X\0" + part
        masked = int.from_bytes(blocks, "big") ^ self._mask
        return AESGCM(self._block.update(masked.to_bytes(32, "big")))


def _doubled(block: bytes) -> int:
    """Return *block* doubled in GF(2^128): the first subkey of CMAC, the only one needed here."""
    number = int.from_bytes(block, "big") << 1
    return number ^ (1 << 128 | 0x87) if number >> 128 else number


def copies_its_key(make: Callable[[bytearray], Aead]) -> bool:
    """Return whether a cipher goes on with its own copy of the key when the buffer is wiped.

    Some builds of OpenSSL keep the buffer and would go on with a key of zeros.
    """
    key = bytearray(range(KEY))
    cipher = make(key)
    before = cipher.encrypt(bytes(12), b"", b"")
    key[:] = bytes(KEY)
    return cipher.encrypt(bytes(12), b"", b"") == before


def _supported() -> dict[int, Callable[[Buffer], Aead]]:
    """Return the ciphers that this build of OpenSSL has, by the number of their suite."""
    found: dict[int, Callable[[Buffer], Aead]] = {2: Xaes}
    for number, make in ((1, AESGCM), (3, AESGCMSIV)):
        try:
            copies = copies_its_key(make)
        except UnsupportedAlgorithm:
            continue
        found[number] = make if copies else _copying(make)
    return found


def _copying(make: Callable[[bytes], Aead]) -> Callable[[Buffer], Aead]:
    return lambda key: make(bytes(key))


_CIPHERS: Final[Mapping[int, Callable[[Buffer], Aead]]] = _supported()


def cipher_for(suite: int, key: Buffer) -> Aead:
    """Return the cipher of a suite under *key*, which may be wiped afterwards.

    Raises:
        InvalidValue: this build of OpenSSL does not have it.
    """
    make = _CIPHERS.get(suite)
    if make is None:
        name = SUITES[suite].cipher if suite in SUITES else "unknown"
        raise InvalidValue("suite", f"{suite} ({name}) is not in this OpenSSL", "choose another")
    return make(key)
