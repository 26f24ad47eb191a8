r"""Key objects: what a subject key and a key epoch do, and how each is derived.

Decides the bytes of every derivation and of every wrapped subject key. Leaves out rows, stores and
what is sealed. Always true: a wrapped key opens only for its own tenant, person and version; keys
are immutable bytes and are not wiped (``secret`` says why).

- Subject key: 32 random bytes for each person and version, wrapped by AES-256-GCM under a KEK
  epoch with a random nonce in front. Authenticated beside it: ``"gdprkit/wrap/v1\0"``, tenant,
  person, version in 4 bytes, name of the epoch.
- Cipher key and key id: the first 32 and the next 20 bytes of HKDF-Expand-SHA-512 of the subject
  key with info ``"gdprkit/dek/v1\0"``, tenant, person. Two subject keys of one key id cost about
  2**80 work to find, so the id commits to the key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Self, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gdprkit.sealing.canonical import u32
from gdprkit.sealing.errors import (
    KeyDestroyed,
    KeyExhausted,
    KeyIntegrityError,
    KeyVersionUnknown,
)
from gdprkit.sealing.expand import expand
from gdprkit.sealing.form import FORMAT, KEY_ID, NONCE, SUITE, TAG
from gdprkit.sealing.rows import EpochRow
from gdprkit.sealing.secret import KeepsSecrets, draw

__all__ = ["USES_LIMIT", "Kek", "SubjectKey", "SubjectKeyVersions"]

USES_LIMIT: Final = 2**31
"""Encryptions one opened key does: half of what SP 800-38D allows with random nonces. The count is
of this process and may miss a few when threads share the key; the margin is for that."""

KEY: Final = 32
"""Bytes of a key."""

_FIELD_MAGIC: Final = b"gdprkit/field/v1\0"
_KEY_INFO: Final = b"gdprkit/dek/v1\0"
_WRAP_MAGIC: Final = b"gdprkit/wrap/v1\0"


@final
class SubjectKey(KeepsSecrets):
    """One opened version of one person's key. ``envelope.seal`` takes it; it shows nothing.

    Attributes:
        key_id: 20 bytes that commit to the key.
        version: Which version, from 1.
        owner: Tenant and person, written canonically.
        header: The 22 bytes every envelope under this key begins with.
    """

    __slots__ = ("_encrypt", "_head", "_open", "_used", "header", "key_id", "owner", "version")

    def __init__(self, cipher_key: bytes, *, key_id: bytes, version: int, owner: bytes) -> None:
        self.key_id: Final = key_id
        self.version: Final = version
        self.owner: Final = owner
        self.header: Final = bytes((FORMAT, SUITE)) + key_id
        self._head: Final = _FIELD_MAGIC + self.header
        cipher = AESGCM(cipher_key)
        self._encrypt = cipher.encrypt
        self._open = cipher.decrypt
        self._used = 0

    @classmethod
    def derive(cls, subject_key: bytes, *, version: int, owner: bytes) -> Self:
        """Make the cipher key and its id from the 32 bytes of a subject key."""
        derived = expand(subject_key, _KEY_INFO + owner, KEY + KEY_ID)
        return cls(derived[:KEY], key_id=derived[KEY:], version=version, owner=owner)

    # What begins with an underscore is for ``envelope`` alone: it draws each nonce and takes none.

    def _count(self, uses: int) -> None:
        if self._used + uses > USES_LIMIT:
            raise KeyExhausted(self.key_id.hex())
        self._used += uses


@final
class SubjectKeyVersions(KeepsSecrets):
    """Every version of one person's key: the newest writes, all that are left read.

    Attributes:
        owner: Tenant and person, written canonically.
    """

    __slots__ = ("_by_header", "_destroyed", "_newest", "owner")

    def __init__(
        self, keys: Iterable[SubjectKey], *, owner: bytes, destroyed: Iterable[bytes] = ()
    ) -> None:
        self.owner: Final = owner
        self._by_header: Final = {key.header: key for key in keys}
        self._destroyed: Final = tuple(destroyed)
        self._newest: Final = max(
            self._by_header.values(), key=lambda key: key.version, default=None
        )

    @property
    def newest(self) -> SubjectKey:
        """The key to seal with.

        Raises:
            KeyDestroyed: every version was destroyed.
        """
        if self._newest is None:
            raise KeyDestroyed(self._destroyed[-1].hex() if self._destroyed else "")
        return self._newest

    def by_id(self, key_id: bytes) -> SubjectKey:
        """Return the key that *key_id* commits to.

        Raises:
            KeyDestroyed: that version was destroyed.
            KeyVersionUnknown: the person has no such key.
        """
        key = self._by_header.get(bytes((FORMAT, SUITE)) + key_id)
        if key is not None:
            return key
        if key_id in self._destroyed:
            raise KeyDestroyed(key_id.hex())
        raise KeyVersionUnknown(key_id.hex())

    def joined_by(self, key: SubjectKey) -> SubjectKeyVersions:
        """Return these versions and *key*."""
        keys = [*self._by_header.values(), key]
        return SubjectKeyVersions(keys, owner=self.owner, destroyed=self._destroyed)


@final
class Kek(KeepsSecrets):
    """An opened KEK epoch: wraps subject keys."""

    __slots__ = ("_cipher", "_used", "epoch")

    def __init__(self, row: EpochRow, key: bytes) -> None:
        self.epoch: Final = row.epoch
        self._cipher: Final = AESGCM(key)
        self._used = 0

    def make(
        self, *, version: int, owner: bytes, random: Callable[[int], bytes]
    ) -> tuple[SubjectKey, bytes]:
        """Return a new subject key of *owner*, opened and wrapped.

        Raises:
            KeyExhausted: this epoch has wrapped too many keys.
            InvalidValue: *random* returned another number of bytes.
        """
        nonce = self._nonce(random)
        subject_key = draw(random, KEY)
        wrapped = nonce + self._cipher.encrypt(
            nonce, subject_key, self._bound(version=version, owner=owner)
        )
        return SubjectKey.derive(subject_key, version=version, owner=owner), wrapped

    def open(self, wrapped: bytes, *, version: int, owner: bytes, what: str) -> SubjectKey:
        """Return the subject key that ``make`` wrapped.

        Args:
            wrapped: Nonce, ciphertext and tag.
            version: Which version it is said to be.
            owner: Whose it is said to be.
            what: How an error calls it.

        Raises:
            KeyIntegrityError: it was altered, or is another version's, owner's or epoch's.
        """
        return SubjectKey.derive(
            self._unwrap(wrapped, version=version, owner=owner, what=what),
            version=version,
            owner=owner,
        )

    def rewrap(
        self,
        wrapped: bytes,
        *,
        under: Kek,
        version: int,
        owner: bytes,
        what: str,
        random: Callable[[int], bytes],
    ) -> bytes:
        """Return the subject key in *wrapped* as another epoch wraps it; the key stays the same.

        Args:
            wrapped: Nonce, ciphertext and tag under this epoch.
            under: The other epoch.
            version: Which version it is said to be.
            owner: Whose it is said to be.
            what: How an error calls it.
            random: Returns so many fresh random bytes.

        Raises:
            KeyIntegrityError: it was altered, or is another version's, owner's or epoch's.
            KeyExhausted: the other epoch has wrapped too many keys.
            InvalidValue: *random* returned another number of bytes.
        """
        nonce = under._nonce(random)
        bound = under._bound(version=version, owner=owner)
        return nonce + under._cipher.encrypt(
            nonce, self._unwrap(wrapped, version=version, owner=owner, what=what), bound
        )

    def _nonce(self, random: Callable[[int], bytes]) -> bytes:
        """Draw the nonce of one more wrap."""
        if self._used >= USES_LIMIT:
            raise KeyExhausted(self.epoch)
        self._used += 1
        return draw(random, NONCE)

    def _unwrap(self, wrapped: bytes, *, version: int, owner: bytes, what: str) -> bytes:
        if len(wrapped) != NONCE + KEY + TAG:
            raise KeyIntegrityError(what, "was cut short or lengthened")
        bound = self._bound(version=version, owner=owner)
        try:
            return self._cipher.decrypt(wrapped[:NONCE], wrapped[NONCE:], bound)
        except InvalidTag:
            raise KeyIntegrityError(what, "does not open") from None

    def _bound(self, *, version: int, owner: bytes) -> bytes:
        return _WRAP_MAGIC + owner + u32(version) + self.epoch.encode()
