"""Where root keys live: the protocol, a provider in memory, and one in a file or a variable.

Decides how an epoch key is wrapped by a root key. A root key wraps a handful of epoch keys and
nothing else; a key service on the network implements the same four methods. Leaves out subjects and
values, and what a keyring file looks like: ``keyring`` says that. Always true: the context is
authenticated with the wrapped key; no root key stands in a repr, an error or a pickle.

A provider raises ``KeyProviderUnavailable`` when trying again may help, ``KeyProviderDenied`` when
somebody must change something first, ``KeyIntegrityError`` when the wrapped key does not open, and
``KeyEpochDestroyed`` when it knows that the root key was destroyed. ``KeyProviderContract`` in
``gdprkit.testing.provider_contract`` tests all of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Protocol, Self, final

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gdprkit.sealing.canonical import lp, u32
from gdprkit.sealing.errors import (
    KeyEpochDestroyed,
    KeyIntegrityError,
    KeyProviderDenied,
    KeyProviderUnavailable,
)
from gdprkit.sealing.keyring import (
    ROOT_ID,
    ROOT_KEY,
    change_file,
    first_text,
    parse_roots,
    read_file,
    refused,
    with_root,
    without_root,
    write_file,
)
from gdprkit.sealing.secret import KeepsSecrets, bare, draw

__all__ = ["KeyProvider", "Keyring", "MemoryProvider", "ProviderDescription"]

_NONCE: Final = 12
_FORMAT: Final = b"\x01"
_MAGIC: Final = b"gdprkit/root/v1\0"


@final
@attrs.frozen(kw_only=True)
class ProviderDescription:
    """What a provider says of itself.

    Args:
        key_id: Id of the root key that wraps now.
        kind: What it is, in words for people: ``keyring``, ``memory``, the name of a service.
    """

    key_id: str
    kind: str


class KeyProvider(Protocol):
    """Wraps epoch keys. Safe to share among threads."""

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """Return *key* wrapped by the active root key, bound to *context*."""
        ...

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return the key that ``wrap`` was given, when *context* is the same."""
        ...

    def rewrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes | None:
        """Return *wrapped* under the active root key, or None when it is under that already."""
        ...

    def describe(self) -> ProviderDescription:
        """Tell which root key wraps now."""
        ...


class _Held(NamedTuple):
    """Root keys ready for use; replaced as one, so that a thread never sees halves of two."""

    roots: Mapping[str, AESGCM]
    active: str
    destroyed: frozenset[str]


class _LocalKeys(KeepsSecrets):
    r"""Root keys held in this process.

    A wrapped key is: 0x01, the length of the root key's id, that id, a random nonce of 12 bytes,
    AES-256-GCM ciphertext and tag. Authenticated beside it: ``"gdprkit/root/v1\0"``, all that
    stands before the nonce, the number of context entries, and these sorted by name.
    """

    __slots__ = ("_held", "_kind", "_random")

    def __init__(
        self,
        roots: Mapping[str, bytes],
        active: str,
        kind: str,
        random: Callable[[int], bytes],
        destroyed: Collection[str] = (),
    ) -> None:
        ciphers = {name: AESGCM(root) for name, root in roots.items()}
        self._held = _Held(ciphers, active, frozenset(destroyed))
        self._kind: Final = kind
        self._random: Final = random

    def describe(self) -> ProviderDescription:
        """Tell which root key wraps now."""
        return ProviderDescription(key_id=self._held.active, kind=self._kind)

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """Return *key* wrapped by the active root key, bound to *context*."""
        roots, active, _ = self._held
        name = active.encode("ascii")
        head = _FORMAT + bytes((len(name),)) + name
        nonce = draw(self._random, _NONCE)
        sealed = roots[active].encrypt(nonce, key, _MAGIC + head + _entries(context))
        return head + nonce + sealed

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return the key that ``wrap`` was given, when *context* is the same.

        Raises:
            KeyProviderDenied: the root key that wrapped it is not here.
            KeyEpochDestroyed: that root key was destroyed, and the epoch key with it.
            KeyIntegrityError: it was altered, belongs to another context, or the root key here has
                the right id and is another key.
        """
        name, body = self._split(wrapped)
        roots, _, destroyed = self._held
        if name in destroyed:
            raise KeyEpochDestroyed(context.get("epoch", f"under root key {name}"))
        root = roots.get(name)
        if root is None:
            raise KeyProviderDenied(
                self._kind,
                f"does not hold root key {name!r}",
                "add that key to it: values under it cannot be opened otherwise",
            )
        head = wrapped[:body]
        nonce = wrapped[body : body + _NONCE]
        try:
            return root.decrypt(nonce, wrapped[body + _NONCE :], _MAGIC + head + _entries(context))
        except InvalidTag:
            raise KeyIntegrityError(
                f"an epoch key under root key {name!r}", "does not open"
            ) from None

    def rewrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes | None:
        """Return *wrapped* under the active root key, or None when it is under that already."""
        name, _ = self._split(wrapped)
        if name == self._held.active:
            return None
        return self.wrap(self.unwrap(wrapped, context), context)

    def _split(self, wrapped: bytes) -> tuple[str, int]:
        """Return the root key's id and where the nonce begins."""
        body = 2 + wrapped[1] if len(wrapped) > 1 else 0
        if not body or wrapped[:1] != _FORMAT or len(wrapped) != body + _NONCE + ROOT_KEY + 16:
            raise KeyIntegrityError("an epoch key", f"was not wrapped by a {self._kind}")
        try:
            name = wrapped[2:body].decode("ascii")
        except UnicodeDecodeError:
            name = ""
        if not ROOT_ID.match(name):
            raise KeyIntegrityError("an epoch key", "names no root key")
        return name, body


@final
class MemoryProvider(_LocalKeys):
    """One root key that lives as long as this object: for tests and trials.

    Args:
        root: 32 bytes; random when absent.
        random: Returns so many fresh random bytes.

    Raises:
        KeyProviderDenied: *root* is not 32 bytes.
    """

    __slots__ = ()

    def __init__(
        self, root: bytes | None = None, *, random: Callable[[int], bytes] = os.urandom
    ) -> None:
        kept = draw(random, ROOT_KEY) if root is None else root
        if len(kept) != ROOT_KEY:
            size = len(kept)
            del root, kept
            raise KeyProviderDenied(
                "memory provider", f"was given a root key of {size} bytes", "pass 32 random bytes"
            )
        super().__init__({"memory": kept}, "memory", "memory provider", random)


@final
class Keyring(_LocalKeys):
    """Root keys in a small text file, apart from the database.

    Each line is ``id`` and the base64 of 32 bytes; one line ``active id`` says which key wraps, and
    a line ``destroyed id`` that there was such a key and is no more. Lines that begin with ``#``
    and empty lines are passed over. Old keys stay as long as anything is wrapped by them.

    A keyring of a file reads it again before it wraps or tells which key wraps, and when it meets a
    root key that it does not know: a process that was running when a root key was added or dropped
    goes on, and never wraps by a key that only its own memory still holds.
    """

    __slots__ = ("_path",)
    _path: Path | None

    @classmethod
    def from_file(
        cls, path: str | os.PathLike[str], *, random: Callable[[int], bytes] = os.urandom
    ) -> Self:
        """Read the keyring at *path*.

        Raises:
            KeyProviderUnavailable: there is no such file, or it cannot be read now.
            KeyProviderDenied: others than its owner may read it (on POSIX systems), this process
                may not, or it is no keyring.
        """
        return cls.from_text(read_file(Path(path)), source=str(path), random=random)._at(path)

    @classmethod
    def from_environment(
        cls, name: str = "GDPRKIT_KEYRING", *, random: Callable[[int], bytes] = os.urandom
    ) -> Self:
        """Read a keyring out of the environment variable *name*: what the file would hold.

        Raises:
            KeyProviderDenied: there is no such variable, or it holds no keyring; names the
                variable and the line.
        """
        if name not in os.environ:
            raise refused(
                f"of environment variable {name}", "is not set", "set it to the text of the keyring"
            )
        source = f"of environment variable {name}"
        return cls.from_text(os.environ[name], source=source, random=random)

    @classmethod
    def from_text(
        cls, text: str, *, source: str = "text", random: Callable[[int], bytes] = os.urandom
    ) -> Self:
        """Read a keyring from its text, for instance out of a secret store.

        Args:
            text: What the file would hold.
            source: How errors call it.
            random: Returns so many fresh random bytes.

        Raises:
            KeyProviderDenied: it is no keyring; names the line and the cure, never a key.
        """
        problem: KeyProviderDenied
        try:
            keys, active, destroyed = parse_roots(text, source)
            made = cls(keys, active, "keyring", random, destroyed)
        except KeyProviderDenied as error:
            problem = error
        else:
            made._path = None
            return made
        del text
        raise bare(problem)

    @classmethod
    def create(
        cls, path: str | os.PathLike[str], *, random: Callable[[int], bytes] = os.urandom
    ) -> Self:
        """Make a keyring of one new key at *path*, readable by its owner only, and return it.

        Raises:
            KeyProviderDenied: something is at *path* already, which is left alone, or this
                process may not write there.
            KeyProviderUnavailable: the file cannot be written now.
        """
        text = first_text(_new_id(random), draw(random, ROOT_KEY))
        problem = write_file(Path(path), text)
        if problem is None:
            return cls.from_text(text, source=str(path), random=random)._at(path)
        del text
        raise problem

    @classmethod
    def add_root(
        cls, path: str | os.PathLike[str], *, random: Callable[[int], bytes] = os.urandom
    ) -> Self:
        """Add a new root key to the file at *path*, make it the active one, and return the keyring.

        The last of its ``root_ids`` is the new key; ``describe`` tells the one that is active by
        then, which may be somebody else's. The keys before it stay: what they wrapped opens until
        it is wrapped anew. The file keeps its owner, its rights and its comments, and is replaced
        in one step.

        Raises:
            KeyProviderDenied: the file is no keyring, others may use it, this process may not
                change it, or somebody else is changing it.
            KeyProviderUnavailable: it cannot be read or written now.
        """
        return cls._changed(
            path, partial(with_root, name=_new_id(random), root=draw(random, ROOT_KEY)), random
        )

    @classmethod
    def drop_root(
        cls,
        path: str | os.PathLike[str],
        key_id: str,
        *,
        random: Callable[[int], bytes] = os.urandom,
    ) -> Self:
        """Destroy a root key in the file at *path*, and return the keyring without it.

        Its line gives way to ``destroyed`` and its id, so that destroyed and missing stay two
        answers. **Every epoch key that only this key wraps is lost, and every value below it**:
        wrap them anew first. The key is gone when no copy and no backup of the file holds it any
        more. Dropped again, nothing changes.

        Raises:
            KeyProviderDenied: the key is the active one or not in the file, or the file may not
                be changed, as with ``add_root``.
            KeyProviderUnavailable: it cannot be read or written now.
        """
        return cls._changed(path, partial(without_root, name=key_id, source=str(path)), random)

    @classmethod
    def _changed(
        cls,
        path: str | os.PathLike[str],
        edit: Callable[[str], str],
        random: Callable[[int], bytes],
    ) -> Self:
        text = change_file(Path(path), edit)
        del edit  # it holds the new key
        if isinstance(text, str):
            return cls.from_text(text, source=str(path), random=random)._at(path)
        raise text

    @property
    def root_ids(self) -> tuple[str, ...]:
        """Ids of the root keys it holds, in order of the file; the destroyed ones are not there."""
        return tuple(self._held.roots)

    def _at(self, path: str | os.PathLike[str]) -> Self:
        """Remember the file, to read it again."""
        self._path = Path(path).absolute()
        return self

    def describe(self) -> ProviderDescription:
        """Tell which root key wraps now: the active one in the file.

        Raises:
            KeyProviderDenied: the file is a keyring no more, or others may use it.
            KeyProviderUnavailable: the file cannot be read now.
        """
        self._read_again()
        return super().describe()

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """Return *key* wrapped by the root key that is the active one in the file now.

        Raises:
            KeyProviderDenied: the file is a keyring no more, or others may use it.
            KeyProviderUnavailable: the file cannot be read now.
        """
        problem: KeyProviderDenied | KeyProviderUnavailable
        try:
            self._read_again()
        except (KeyProviderDenied, KeyProviderUnavailable) as error:
            problem = error
        else:
            return super().wrap(key, context)
        del key  # a key that is wrapped anew is in use
        raise bare(problem)

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return the key that ``wrap`` was given, when *context* is the same.

        Raises:
            KeyProviderDenied: the root key that wrapped it is neither here nor in the file, or the
                file is a keyring no more.
            KeyProviderUnavailable: the file had to be read again and cannot be.
            KeyEpochDestroyed, KeyIntegrityError: as every provider.
        """
        name, _ = self._split(wrapped)
        known = name in self._held.roots or name in self._held.destroyed
        if not known:
            self._read_again()
        return super().unwrap(wrapped, context)

    def _read_again(self) -> None:
        if self._path is not None:
            self._held = type(self).from_file(self._path, random=self._random)._held


def _new_id(random: Callable[[int], bytes]) -> str:
    return f"root-{draw(random, 4).hex()}"  # random, so that two keyrings never share an id


def _entries(context: Mapping[str, str]) -> bytes:
    parts = [lp(name, "context") + lp(context[name], name) for name in sorted(context)]
    return u32(len(parts)) + b"".join(parts)
