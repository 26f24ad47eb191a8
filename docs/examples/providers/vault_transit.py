"""Root keys in HashiCorp Vault's Transit engine: a key provider to copy.

Decides how epoch keys are wrapped by a key that never leaves Vault, and which error each answer of
Vault is. Leaves out the connection: the client is passed in, so this module imports no hvac. Always
true: the context is bound to the wrapped key, because Vault derives another key for each context;
what its errors say is not passed on, since a client may quote what it was given.

A wrapped key is Vault's own text: ``vault:v``, the version of the key, a colon, base64.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from threading import Lock
from typing import Any, Final

from gdprkit.sealing.canonical import lp, u32
from gdprkit.sealing.errors import (
    FieldCryptoError,
    KeyIntegrityError,
    KeyProviderDenied,
    KeyProviderUnavailable,
)
from gdprkit.sealing.providers import ProviderDescription
from gdprkit.sealing.secret import KeepsSecrets

NAME: Final = "Vault Transit"
WRAPPED: Final = re.compile(r"vault:v([1-9][0-9]{0,8}):([A-Za-z0-9+/]+={0,2})\Z")

UNAVAILABLE: Final = {
    "OSError",  # what requests raises is one too
    "BadGateway",
    "InternalServerError",
    "PreconditionFailed",
    "RateLimitExceeded",
    "VaultDown",
    "VaultNotInitialized",
}
CURES: Final = {
    "Forbidden": "let this token update encrypt, decrypt and rewrap of the key, and read it",
    "Unauthorized": "log in again",
    "InvalidPath": "create the key with derived=true, or correct its name and mount point",
}
GONE: Final = {
    "too old": "its version is below min_decryption_version; whoever raised that meant to end it",
    "not found": "create the key with derived=true, or correct its name and mount point",
}
"""What a refused request (400) says when nothing is wrong with the wrapped key, and the cure."""


class VaultTransit(KeepsSecrets):
    """Wraps epoch keys by a derived key of Vault's Transit engine.

    Args:
        client: ``hvac.Client(...)``, logged in.
        key: Name of the key in the engine. It was created with ``derived=true``.
        mount_point: Where the engine is mounted.

    Raises:
        KeyProviderDenied: there is no such key, this token may not read it, or it is not derived:
            Vault would ignore the context.
        KeyProviderUnavailable: Vault does not answer.
    """

    __slots__ = ("_key", "_lock", "_mount", "_transit")

    def __init__(self, client: Any, key: str = "gdprkit", *, mount_point: str = "transit") -> None:
        self._transit = client.secrets.transit
        self._key = key
        self._mount = mount_point
        self._lock = Lock()  # a session of requests is not made for several threads
        if self._ask(self._transit.read_key).get("derived") is not True:
            raise KeyProviderDenied(
                NAME, f"has a key {key!r} that is not derived", "create another, with derived=true"
            )

    def describe(self) -> ProviderDescription:
        """Tell which version of the key wraps now."""
        version = self._ask(self._transit.read_key)["latest_version"]
        return ProviderDescription(key_id=f"{self._mount}/{self._key}:v{version}", kind=NAME)

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """Return *key* wrapped by the latest version, bound to *context*."""
        answer = self._ask(
            self._transit.encrypt_data, plaintext=b64encode(key).decode(), context=bound(context)
        )
        return str(answer["ciphertext"]).encode("ascii")

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return the key that ``wrap`` was given, when *context* is the same."""
        text, _ = checked(wrapped)
        answer = self._ask(self._transit.decrypt_data, ciphertext=text, context=bound(context))
        return b64decode(answer["plaintext"], validate=True)

    def rewrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes | None:
        """Return *wrapped* under the latest version, or None when it is under that already.

        The key itself does not leave Vault on the way. Associated data is not used, because rewrap
        knows none: what it wraps anew would open without.
        """
        text, version = checked(wrapped)
        answer = self._ask(self._transit.rewrap_data, ciphertext=text, context=bound(context))
        moved = str(answer["ciphertext"]).encode("ascii")
        return None if checked(moved)[1] == version else moved

    def _ask(self, call: Callable[..., Any], **given: str) -> Any:
        problem: FieldCryptoError
        try:
            with self._lock:
                return call(name=self._key, mount_point=self._mount, **given)["data"]
        except Exception as error:  # noqa: BLE001  # some of them quote what they were given
            problem = _translated(error, opening="ciphertext" in given)
        del given
        raise problem  # out here nothing is chained to it


def bound(context: Mapping[str, str]) -> str:
    """Return the base64 of SHA-256 of *context* in its one canonical form."""
    parts = [lp(name, "context") + lp(context[name], name) for name in sorted(context)]
    digest = sha256(b"gdprkit/vault/v1\0" + u32(len(parts)) + b"".join(parts)).digest()
    return b64encode(digest).decode("ascii")


def checked(wrapped: bytes) -> tuple[str, int]:
    """Return Vault's text and the version in it; Vault itself reads sloppier ones, such as v0."""
    text = wrapped.decode("ascii", "replace")
    found = WRAPPED.match(text)
    if found is None:
        raise KeyIntegrityError("an epoch key", f"was not wrapped by {NAME}")
    return text, int(found[1])


def _translated(error: Exception, *, opening: bool) -> FieldCryptoError:
    kind = type(error).__name__
    said = f"{error} {getattr(error, 'errors', None)}"
    if UNAVAILABLE & {base.__name__ for base in type(error).__mro__}:
        return KeyProviderUnavailable(NAME, f"did not answer ({kind})")
    for words, cure in GONE.items():
        if kind == "InvalidRequest" and words in said:
            return KeyProviderDenied(NAME, f"has no key for this ({words})", cure)
    if kind == "InvalidRequest" and opening:
        return KeyIntegrityError(f"an epoch key under {NAME}", "does not open")
    return KeyProviderDenied(
        NAME, f"refused ({kind})", CURES.get(kind, "look into Vault's audit log for the reason")
    )
