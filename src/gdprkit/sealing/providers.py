"""Where root keys live: the protocol, a provider in memory, and one in a file.

Decides how an epoch key is wrapped by a root key. A root key wraps a handful of epoch keys and
nothing else; a key service on the network implements the same four methods. Leaves out subjects and
values. Always true: the context is authenticated with the wrapped key; no root key stands in a
repr, an error or a pickle.

A provider raises ``KeyProviderUnavailable`` when trying again may help, ``KeyProviderDenied`` when
somebody must change something first, and ``KeyIntegrityError`` when the wrapped key does not open.
"""

from __future__ import annotations

import os
import re
import stat
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol, Self, final

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gdprkit.sealing.canonical import lp, u32
from gdprkit.sealing.errors import KeyIntegrityError, KeyProviderDenied, KeyProviderUnavailable
from gdprkit.sealing.secret import KeepsSecrets, bare, draw

__all__ = ["KeyProvider", "Keyring", "MemoryProvider", "ProviderDescription"]

_KEY: Final = 32
_NONCE: Final = 12
_FORMAT: Final = b"\x01"
_MAGIC: Final = b"gdprkit/root/v1\0"
_ID: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?\Z")
_ACTIVE: Final = "active"
_FILE_LIMIT: Final = 2**16  # hundreds of keys; a keyring holds a handful
_HEAD: Final = (
    "# Root keys of gdprkit. Whoever has this file can read every sealed value, and without it\n"
    "# nobody can. Back it up apart from the database and its backups.\n"
)


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


class _LocalKeys(KeepsSecrets):
    r"""Root keys held in this process.

    A wrapped key is: 0x01, the length of the root key's id, that id, a random nonce of 12 bytes,
    AES-256-GCM ciphertext and tag. Authenticated beside it: ``"gdprkit/root/v1\0"``, all that
    stands before the nonce, the number of context entries, and these sorted by name.
    """

    __slots__ = ("_active", "_kind", "_random", "_roots")

    def __init__(
        self, roots: Mapping[str, bytes], active: str, kind: str, random: Callable[[int], bytes]
    ) -> None:
        self._roots: Final = {name: AESGCM(root) for name, root in roots.items()}
        self._active: Final = active
        self._kind: Final = kind
        self._random: Final = random

    def describe(self) -> ProviderDescription:
        """Tell which root key wraps now."""
        return ProviderDescription(key_id=self._active, kind=self._kind)

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """Return *key* wrapped by the active root key, bound to *context*."""
        name = self._active.encode("ascii")
        head = _FORMAT + bytes((len(name),)) + name
        nonce = draw(self._random, _NONCE)
        sealed = self._roots[self._active].encrypt(nonce, key, _MAGIC + head + _entries(context))
        return head + nonce + sealed

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return the key that ``wrap`` was given, when *context* is the same.

        Raises:
            KeyProviderDenied: the root key that wrapped it is not here.
            KeyIntegrityError: it was altered, belongs to another context, or the root key here has
                the right id and is another key.
        """
        name, body = self._split(wrapped)
        root = self._roots.get(name)
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
        if name == self._active:
            return None
        return self.wrap(self.unwrap(wrapped, context), context)

    def _split(self, wrapped: bytes) -> tuple[str, int]:
        """Return the root key's id and where the nonce begins."""
        body = 2 + wrapped[1] if len(wrapped) > 1 else 0
        if not body or wrapped[:1] != _FORMAT or len(wrapped) != body + _NONCE + _KEY + 16:
            raise KeyIntegrityError("an epoch key", f"was not wrapped by a {self._kind}")
        try:
            name = wrapped[2:body].decode("ascii")
        except UnicodeDecodeError:
            name = ""
        if not _ID.match(name):
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
        kept = draw(random, _KEY) if root is None else root
        if len(kept) != _KEY:
            size = len(kept)
            del root, kept
            raise KeyProviderDenied(
                "memory provider", f"was given a root key of {size} bytes", "pass 32 random bytes"
            )
        super().__init__({"memory": kept}, "memory", "memory provider", random)


@final
class Keyring(_LocalKeys):
    """Root keys in a small text file, apart from the database.

    Each line is ``id`` and the base64 of 32 bytes; one line ``active id`` says which key wraps.
    Lines that begin with ``#`` and empty lines are passed over. Old keys stay in the file as long
    as anything is wrapped by them.
    """

    __slots__ = ()

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
        return cls.from_text(_read(Path(path)), source=str(path), random=random)

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
            roots, active = _parse(text, source)
            return cls(roots, active, "keyring", random)
        except KeyProviderDenied as error:
            problem = error
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
        place = Path(path)
        name = f"root-{draw(random, 4).hex()}"  # random, so that two keyrings never share an id
        text = f"{_HEAD}{_ACTIVE} {name}\n{name} {b64encode(draw(random, _KEY)).decode('ascii')}\n"
        problem = _write(place, text)
        if problem is None:
            return cls.from_text(text, source=str(path), random=random)
        del text
        raise problem


def _write(path: Path, text: str) -> KeyProviderDenied | KeyProviderUnavailable | None:
    """Write a new file that outlives a crash; return what is wrong, or None.

    The problem is returned, not raised: a traceback would carry the text in its frames.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _refused(str(path), "is there already", "open it, or name a new file")
    except PermissionError:
        return _refused(str(path), "may not be written", "choose another directory")
    except OSError as error:
        return _unavailable(str(path), "be written", error)
    try:
        with os.fdopen(handle, "w", encoding="ascii", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # nothing may be sealed under a key that a crash can lose
        if os.name == "posix":  # the same holds for the name in its directory
            directory = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
    except OSError as error:
        path.unlink(missing_ok=True)
        return _unavailable(str(path), "be written", error)
    return None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise _refused(
                    str(path), "can be used by others than its owner", f"run chmod 600 {path}"
                )
            raw = file.read(_FILE_LIMIT + 1)
            if len(raw) > _FILE_LIMIT:
                del raw
                raise _refused(str(path), "is too large to be a keyring", "name the right file")
    except PermissionError:
        raise _refused(str(path), "may not be read by this process", "check its owner") from None
    except OSError as error:
        raise _unavailable(str(path), "be read", error) from None
    return raw.decode("ascii", "replace")


def _parse(text: str, source: str) -> tuple[dict[str, bytes], str]:
    roots: dict[str, bytes] = {}
    active: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        where = f"{source} line {number}"
        if len(words) != 2 or not _ID.match(words[0]):
            raise _refused(where, "is not an id and a key", "write the id, a space and the base64")
        if words[0] == _ACTIVE:
            active.append(words[1])
            continue
        if words[0] in roots:
            raise _refused(where, "repeats the id of a line above", "give every key its own id")
        roots[words[0]] = _root(words[1], where)
    if len(active) != 1 or active[0] not in roots:
        raise _refused(
            source, "does not name one of its keys as active", "write one line 'active ID'"
        )
    return roots, active[0]


def _root(text: str, where: str) -> bytes:
    cure = "write the base64 of 32 random bytes"
    try:
        root = a2b_base64(text.encode("ascii", "replace"), strict_mode=True)
    except Base64Error:
        raise _refused(where, "holds no base64", cure) from None
    if b64encode(root).decode("ascii") != text:
        raise _refused(where, "holds no canonical base64", cure)
    if len(root) != _KEY:
        raise _refused(where, f"holds a key of {len(root)} bytes", cure)
    return root


def _entries(context: Mapping[str, str]) -> bytes:
    parts = [lp(name, "context") + lp(context[name], name) for name in sorted(context)]
    return u32(len(parts)) + b"".join(parts)


def _refused(source: str, problem: str, cure: str) -> KeyProviderDenied:
    return KeyProviderDenied(f"keyring {source}", problem, cure)


def _unavailable(path: str, verb: str, error: OSError) -> KeyProviderUnavailable:
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return KeyProviderUnavailable(f"keyring {path}", f"cannot {verb}: {reason}")
