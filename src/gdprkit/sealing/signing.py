"""Keys that sign checkpoints: Ed25519 (RFC 8032), their files, and checking a signature.

Decides what the files of a signing key and of public keys look like and what a key is called.
Leaves out what is signed (``gdprkit.ledger.checkpoint``). Always true: the private half stands in
no repr, error or pickle, and its file belongs to its owner alone; the id of a key is made of its
public half, so nobody can pass another key off under it.

Both files are text: a line of an id and 64 hexadecimal digits; ``#`` begins a comment. A file of
public keys may hold several, so that what a former key has signed still verifies. Rotation is a new
file: checkpoints name the key that signed them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, Self, final

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gdprkit.errors import InvalidValue
from gdprkit.sealing.keyring import read_file, refused, write_file
from gdprkit.sealing.secret import KeepsSecrets, draw

__all__ = ["PublicKey", "SigningKey", "read_public_keys"]

_SIZE: Final = 32
_LIMIT: Final = 2**16  # bytes: hundreds of public keys
_ID: Final = b"gdprkit/signing-key/v1\0"
_NOUN: Final = "signing key"
_HEAD: Final = (
    "# Signing key of gdprkit. Whoever has this file can sign checkpoints. Keep it away from\n"
    "# whoever can write to the store.\n"
)


@final
@attrs.frozen
class PublicKey:
    """The half of a signing key that anybody may have.

    Args:
        raw: Its 32 bytes.
    """

    raw: bytes

    @property
    def key_id(self) -> str:
        """What checkpoints call the key: ``sign-`` and 16 digits of a digest of it."""
        return f"sign-{sha256(_ID + self.raw).hexdigest()[:16]}"

    @property
    def text(self) -> str:
        """The text of a public key's file."""
        return f"{self.key_id} {self.raw.hex()}\n"

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Return whether the key has signed *message*."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@final
class SigningKey(KeepsSecrets):
    """A key that signs. Made by ``create`` or ``from_file``."""

    __slots__ = ("_key", "public")

    def __init__(self, seed: bytes) -> None:
        self._key: Final = Ed25519PrivateKey.from_private_bytes(seed)
        self.public: Final = PublicKey(self._key.public_key().public_bytes_raw())

    @classmethod
    def create(
        cls, path: str | os.PathLike[str], *, random: Callable[[int], bytes] = os.urandom
    ) -> Self:
        """Make a new key in a file readable by its owner only, and return it.

        Raises:
            KeyProviderDenied: something is at *path* already, which is left alone, or this
                process may not write there.
            KeyProviderUnavailable: the file cannot be written now.
        """
        seed = draw(random, _SIZE)
        made = cls(seed)
        problem = write_file(Path(path), f"{_HEAD}{made.public.key_id} {seed.hex()}\n", noun=_NOUN)
        del seed
        if problem is not None:
            raise problem
        return made

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Read the key at *path*.

        Raises:
            KeyProviderUnavailable: there is no such file, or it cannot be read now.
            KeyProviderDenied: others than its owner may use it (on POSIX systems), this process
                may not, or it is no signing key.
        """
        lines = tuple(_lines(read_file(Path(path), noun=_NOUN)))
        seed = lines[0][1] if len(lines) == 1 else b""
        if len(seed) == _SIZE:
            made = cls(seed)
            if made.public.key_id == lines[0][0]:
                return made
        del lines, seed
        raise refused(
            str(path), "is no file of one signing key", "name the one that was made", noun=_NOUN
        )

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature over *message*."""
        return self._key.sign(message)


def read_public_keys(*paths: str | os.PathLike[str]) -> Mapping[str, PublicKey]:
    """Read files of public keys: id -> key.

    Raises:
        InvalidValue: a file is not there, or holds something else than public keys.
    """
    found: dict[str, PublicKey] = {}
    for path in paths:
        try:
            with Path(path).open("rb") as file:
                text = file.read(_LIMIT).decode("utf-8", "replace")
        except OSError as error:
            problem = f"{path} cannot be read: {os.strerror(error.errno or 0)}"
            raise InvalidValue("public key", problem, "name a file of public keys") from None
        keys = [(name, PublicKey(raw)) for name, raw in _lines(text)]
        if not keys or any(len(key.raw) != _SIZE or key.key_id != name for name, key in keys):
            problem = f"{path} is no file of public keys"
            raise InvalidValue("public key", problem, "name the file that was made with the key")
        found.update(keys)
    return found


def _lines(text: str) -> Iterator[tuple[str, bytes]]:
    """Give id and bytes of each line; no bytes where there are none."""
    for line in text.split("\n"):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            yield words[0], bytes.fromhex(words[1]) if len(words) == 2 else b""
        except ValueError:
            yield words[0], b""
