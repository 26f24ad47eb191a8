r"""Key objects: what a subject key and a key epoch do, and how each is derived.

Decides the bytes of every derivation and of every wrapped subject key. Leaves out rows, stores and
what is sealed. Always true: a wrapped key opens only for its own tenant, person and version; the
buffer of a person's key is wiped as soon as its ciphers were made.

- Subject key: 32 random bytes for each person and version, wrapped by AES-256-GCM under a KEK
  epoch with a random nonce in front. Authenticated beside it: ``"gdprkit/wrap/v1\0"``, tenant,
  person, version in 4 bytes, name of the epoch.
- Cipher key of suite 1 and key id: the first 32 and the next 20 bytes of HKDF-Expand-SHA-512 of
  the subject key with info ``"gdprkit/dek/v1\0"``, tenant, person. Two subject keys of one key id
  cost about 2**80 work to find, so the id commits to the key.
- Cipher key of another suite: 32 bytes of the same with info ``"gdprkit/dek/suite/v1\0"``, number
  of the suite in 4 bytes, tenant, person. No two ciphers share a key.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from itertools import islice, repeat
from operator import length_hint
from struct import Struct
from typing import Final, final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gdprkit.sealing.canonical import UUID_HEAD, Component, lp, u32
from gdprkit.sealing.ciphers import KEY, cipher_for
from gdprkit.sealing.errors import (
    KeyDestroyed,
    KeyExhausted,
    KeyIntegrityError,
    KeyVersionUnknown,
)
from gdprkit.sealing.expand import expand_into
from gdprkit.sealing.form import HEADER, KEY_ID, SUITES, TAG, check_form
from gdprkit.sealing.rows import EpochRow, KeyRow
from gdprkit.sealing.secret import KeepsSecrets, draw, wipe

__all__ = ["USES_LIMIT", "Kek", "SubjectKey", "SubjectKeyVersions"]

USES_LIMIT: Final = 2**31
"""Encryptions one opened key does: half of what SP 800-38D allows with random nonces. The count is
of this process; the margin is for the others."""

_NONCE: Final = SUITES[1].nonce
_WRAPPED: Final = _NONCE + KEY + TAG
_VERSIONS: Final = 2**32 - 1
_SPLIT: Final = {size: Struct(f"{size}s").iter_unpack for size in (12, 24)}
_USES: Final = min(USES_LIMIT, sys.maxsize)  # a counter of a small machine is smaller
_NO_RECORD: Final = object()  # None is what a caller may pass, and is refused
_FIELD_MAGIC: Final = b"gdprkit/field/v1\0"
_KEY_INFO: Final = b"gdprkit/dek/v1\0"
_SUITE_INFO: Final = b"gdprkit/dek/suite/v1\0"
_WRAP_MAGIC: Final = b"gdprkit/wrap/v1\0"


@final
class SubjectKey(KeepsSecrets):
    """One opened version of one person's key under one suite. It shows nothing.

    Attributes:
        key_id: 20 bytes that commit to the key.
        version: Which version, from 1.
        suite: Number of the cipher suite.
        owner: Tenant and person, written canonically.
        header: The 22 bytes every envelope under this key begins with.
    """

    __slots__ = (
        "_body",
        "_decrypt",
        "_encrypt",
        "_last",
        "_least",
        "_nonce",
        "_nonces",
        "_prefix",
        "_uses",
        "_uuid_prefix",
        "header",
        "key_id",
        "owner",
        "suite",
        "version",
    )

    def __init__(
        self,
        cipher_key: bytes | bytearray | memoryview,
        *,
        key_id: bytes,
        version: int,
        owner: bytes,
        suite: int = 1,
    ) -> None:
        form = SUITES[suite]
        cipher = cipher_for(suite, cipher_key)
        self.key_id: Final = key_id
        self.version: Final = version
        self.suite: Final = suite
        self.owner: Final = owner
        self.header: Final = form.head + key_id
        # What begins with an underscore is for ``envelope`` alone: it draws each nonce.
        self._uses: Final = repeat(None, _USES)  # one is taken for each encryption
        self._encrypt: Final = cipher.encrypt
        self._decrypt: Final = cipher.decrypt
        self._nonce: Final = form.nonce
        self._nonces: Final = _SPLIT[form.nonce]
        self._body: Final = form.body
        self._least: Final = form.smallest
        self._prefix: Final = _FIELD_MAGIC + self.header + owner
        self._uuid_prefix: Final = self._prefix + UUID_HEAD
        self._last: tuple[object, bytes] = (_NO_RECORD, b"")

    @classmethod
    def derive(
        cls,
        subject_key: bytes | bytearray,
        *,
        version: int,
        owner: bytes,
        suites: Iterable[int] = (1,),
    ) -> list[SubjectKey]:
        """Make the cipher keys of *suites* and their common id from 32 bytes of a subject key."""
        derived = bytearray(KEY + KEY_ID)
        try:
            expand_into(derived, subject_key, _KEY_INFO + owner)
            key_id = bytes(derived[KEY:])
            keys: list[SubjectKey] = []
            for suite in suites:
                if suite == 1:
                    material = memoryview(derived)[:KEY]
                    keys.append(cls(material, key_id=key_id, version=version, owner=owner))
                else:
                    keys.append(
                        cls._other(subject_key, suite, key_id=key_id, version=version, owner=owner)
                    )
            return keys
        finally:
            wipe(derived)

    @classmethod
    def _other(
        cls,
        subject_key: bytes | bytearray,
        suite: int,
        *,
        key_id: bytes,
        version: int,
        owner: bytes,
    ) -> SubjectKey:
        """Make the cipher key of a suite other than the first, which is derived with the id."""
        derived = bytearray(KEY)
        try:
            expand_into(derived, subject_key, _SUITE_INFO + u32(suite) + owner)
            return cls(derived, key_id=key_id, version=version, owner=owner, suite=suite)
        finally:
            wipe(derived)

    def _bound(self, record_id: Component) -> bytes:
        """Return what is authenticated up to the record id; the last one is kept."""
        if type(record_id) is UUID:
            bound = self._uuid_prefix + record_id.int.to_bytes(16, "big")
        else:
            bound = self._prefix + lp(record_id, "record_id")
        self._last = record_id, bound
        return bound

    def _use(self, times: int) -> None:
        """Count encryptions before they are done.

        Raises:
            KeyExhausted: too many for random nonces; none of them is done.
        """
        left = length_hint(self._uses) >= times
        # taken one by one in C: threads that share the key never take one twice
        if not left or len(list(islice(self._uses, times))) < times:
            raise KeyExhausted(self.key_id.hex())


@final
class SubjectKeyVersions(KeepsSecrets):
    """Every version of one person's key: the newest writes, all that are left read.

    Args:
        keys: Each version, opened for each suite that is read.
        owner: Tenant and person, written canonically.
        suite: The suite that writes.
        destroyed: Ids of the versions that were destroyed.
        later: Finds a version that another process made since, by its id.
        restricted: Processing is restricted (GDPR Art. 18).

    Attributes:
        owner: Tenant and person, written canonically.
        restricted: Processing is restricted.
    """

    __slots__ = (
        "_by_header",
        "_destroyed",
        "_later",
        "_newest",
        "_suite",
        "owner",
        "restricted",
    )

    def __init__(
        self,
        keys: Iterable[SubjectKey],
        *,
        owner: bytes,
        suite: int = 1,
        destroyed: Iterable[bytes] = (),
        later: Callable[[bytes], SubjectKeyVersions | None] | None = None,
        restricted: bool = False,
    ) -> None:
        self.owner: Final = owner
        self.restricted: Final = restricted
        self._later: Final = later
        self._suite: Final = suite
        self._destroyed: Final = tuple(destroyed)
        self._by_header: Final[dict[bytes, SubjectKey]] = {}
        newest: SubjectKey | None = None
        for key in keys:
            self._by_header[key.header] = key
            if key.suite == suite and (newest is None or key.version > newest.version):
                newest = key
        self._newest: Final = newest

    @property
    def newest(self) -> SubjectKey:
        """The key to seal with.

        Raises:
            KeyDestroyed: every version was destroyed.
        """
        if self._newest is None:
            raise KeyDestroyed(self._destroyed[-1].hex() if self._destroyed else "")
        return self._newest

    def key_for(self, envelope: bytes) -> SubjectKey:
        """Return the one key that can open *envelope*, by its header alone.

        Raises:
            NotAnEnvelope, UnsupportedFormat, UnsupportedSuite, SuiteNotAllowed, EnvelopeTruncated,
            PlaintextTooLarge: as ``form.check_form``, with the suites that are read here.
            KeyDestroyed: that version was destroyed.
            KeyVersionUnknown: the person has no such key.
        """
        suites = {key.suite for key in self._by_header.values()} | {self._suite}
        check_form(envelope, suites)
        key = self._by_header.get(envelope[:HEADER])
        if key is not None:
            return key
        key_id = envelope[2:HEADER]
        if key_id in self._destroyed:
            raise KeyDestroyed(key_id.hex())
        if self._later is not None and (now := self._later(key_id)) is not None:
            return now.key_for(envelope)
        raise KeyVersionUnknown(key_id.hex())

    def joined_by(self, keys: Iterable[SubjectKey]) -> SubjectKeyVersions:
        """Return these versions and another one."""
        return SubjectKeyVersions(
            [*self._by_header.values(), *keys],
            owner=self.owner,
            suite=self._suite,
            destroyed=self._destroyed,
            later=self._later,
            restricted=self.restricted,
        )


@final
class Kek(KeepsSecrets):
    """An opened KEK epoch: wraps subject keys."""

    __slots__ = ("_cipher", "_name", "_used", "epoch")

    def __init__(self, row: EpochRow, key: bytes) -> None:
        self.epoch: Final = row.epoch
        self._name: Final = row.epoch.encode()
        self._cipher: Final = AESGCM(key)
        self._used = 0

    def make(
        self,
        *,
        version: int,
        owner: bytes,
        random: Callable[[int], bytes],
        suites: Iterable[int] = (1,),
    ) -> tuple[list[SubjectKey], bytes]:
        """Return a new subject key of *owner*, opened for *suites* and wrapped.

        Raises:
            KeyExhausted: this epoch has wrapped too many keys.
            InvalidValue: *random* returned another number of bytes.
        """
        nonce = self._nonce(random)
        subject_key = bytearray(draw(random, KEY))
        try:
            bound = self._bound(version=version, owner=owner)
            wrapped = nonce + self._cipher.encrypt(nonce, subject_key, bound)
            keys = SubjectKey.derive(subject_key, version=version, owner=owner, suites=suites)
        finally:
            wipe(subject_key)
        return keys, wrapped

    def open(self, row: KeyRow, *, owner: bytes, suites: Iterable[int] = (1,)) -> list[SubjectKey]:
        """Return the subject key that ``make`` wrapped, opened for *suites*.

        Args:
            row: The row that holds it.
            owner: Whose it is said to be.
            suites: Numbers of the cipher suites.

        Raises:
            KeyIntegrityError: it was altered, or is another version's, owner's or epoch's.
        """
        subject_key = self._unwrap(row, owner)
        try:
            return SubjectKey.derive(subject_key, version=row.version, owner=owner, suites=suites)
        finally:
            wipe(subject_key)

    def rewrap(
        self, row: KeyRow, *, under: Kek, owner: bytes, random: Callable[[int], bytes]
    ) -> bytes:
        """Return the subject key of *row* as another epoch wraps it; the key stays the same.

        Args:
            row: The row that holds it, wrapped by this epoch.
            under: The other epoch.
            owner: Whose it is said to be.
            random: Returns so many fresh random bytes.

        Raises:
            KeyIntegrityError: it was altered, or is another version's, owner's or epoch's.
            KeyExhausted: the other epoch has wrapped too many keys.
            InvalidValue: *random* returned another number of bytes.
        """
        nonce = under._nonce(random)
        subject_key = self._unwrap(row, owner)
        try:
            bound = under._bound(version=row.version, owner=owner)
            return nonce + under._cipher.encrypt(nonce, subject_key, bound)
        finally:
            wipe(subject_key)

    def _nonce(self, random: Callable[[int], bytes]) -> bytes:
        """Draw the nonce of one more wrap."""
        if self._used >= USES_LIMIT:
            raise KeyExhausted(self.epoch)
        self._used += 1
        return draw(random, _NONCE)

    def _unwrap(self, row: KeyRow, owner: bytes) -> bytearray:
        """Return the subject key of *row*; whoever asked wipes it."""
        wrapped = row.wrapped
        # a damaged column may hold a text or a number, and any number may stand for the version
        if type(wrapped) is not bytes or len(wrapped) != _WRAPPED:
            raise KeyIntegrityError(row.label, "was cut short or lengthened")
        if type(row.version) is not int or not 0 < row.version <= _VERSIONS:
            raise KeyIntegrityError(row.label, "has a number that no version has")
        bound = self._bound(version=row.version, owner=owner)
        subject_key = bytearray(KEY)
        try:
            self._cipher.decrypt_into(wrapped[:_NONCE], wrapped[_NONCE:], bound, subject_key)
        except InvalidTag:
            wipe(subject_key)
            raise KeyIntegrityError(row.label, "does not open") from None
        return subject_key

    def _bound(self, *, version: int, owner: bytes) -> bytes:
        return _WRAP_MAGIC + owner + u32(version) + self._name
