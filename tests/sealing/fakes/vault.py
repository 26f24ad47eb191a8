"""Vault's Transit engine as far as it is used: versions, derived keys, hvac's errors."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from types import SimpleNamespace
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class VaultError(Exception):
    """Has the shape of hvac's."""

    def __init__(self, *errors: str) -> None:
        super().__init__(", ".join(errors))
        self.errors = list(errors)


class InvalidRequest(VaultError):
    """Status 400."""


class Unauthorized(VaultError):
    """Status 401."""


class Forbidden(VaultError):
    """Status 403."""


class InvalidPath(VaultError):
    """Status 404."""


class RateLimitExceeded(VaultError):
    """Status 429."""


class InternalServerError(VaultError):
    """Status 500."""


class VaultDown(VaultError):
    """Status 503: sealed, or under maintenance."""


class ReadTimeout(OSError):
    """As in requests, whose errors are OSErrors."""


class FakeTransit:
    """The engine behind ``client.secrets.transit``. ``fails`` is raised by every call."""

    def __init__(self) -> None:
        self.versions: dict[str, dict[int, bytes]] = {}
        self.settings: dict[str, dict[str, Any]] = {}
        self.fails: Exception | None = None
        self.calls: list[str] = []

    def create_key(self, name: str, *, derived: bool = False, mount_point: str = "transit") -> None:
        self.versions[name] = {1: os.urandom(32)}
        self.settings[name] = {
            "derived": derived,
            "min_decryption_version": 1,
            "min_encryption_version": 0,
        }

    def read_key(self, name: str, mount_point: str = "transit") -> Any:
        self._called("read_key")
        if name not in self.versions or mount_point != "transit":
            raise InvalidPath
        return {"data": {"latest_version": max(self.versions[name]), **self.settings[name]}}

    def rotate_key(self, name: str, mount_point: str = "transit") -> None:
        versions = self.versions[name]
        versions[max(versions) + 1] = os.urandom(32)

    def update_key_configuration(self, name: str, **settings: int) -> None:
        """Set the floors; they may be lowered again, but not below what was trimmed."""
        if settings["min_decryption_version"] < min(self.versions[name]):
            raise InvalidRequest("min decryption version is less than min available version")
        self.settings[name].update(settings)

    def trim_key(self, name: str, min_version: int, mount_point: str = "transit") -> None:
        """Delete the versions below *min_version* for good."""
        floors = self.settings[name]
        if floors["min_encryption_version"] == 0:
            raise InvalidRequest("minimum encryption version is not set")
        if min_version > min(floors["min_encryption_version"], floors["min_decryption_version"]):
            raise InvalidRequest("minimum available version cannot be greater than the floors")
        kept = {number: key for number, key in self.versions[name].items() if number >= min_version}
        self.versions[name] = kept

    def encrypt_data(
        self,
        name: str,
        plaintext: str,
        context: str | None = None,
        mount_point: str = "transit",
        associated_data: str | None = None,
    ) -> Any:
        self._called("encrypt_data")
        return {"data": {"ciphertext": self._seal(name, b64decode(plaintext), context)}}

    def decrypt_data(
        self,
        name: str,
        ciphertext: str,
        context: str | None = None,
        mount_point: str = "transit",
        associated_data: str | None = None,
    ) -> Any:
        self._called("decrypt_data")
        return {"data": {"plaintext": b64encode(self._open(name, ciphertext, context)).decode()}}

    # there is no associated_data here
    def rewrap_data(
        self, name: str, ciphertext: str, context: str | None = None, mount_point: str = "transit"
    ) -> Any:
        self._called("rewrap_data")
        plain = self._open(name, ciphertext, context)
        return {"data": {"ciphertext": self._seal(name, plain, context)}}

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if self.fails is not None:
            raise self.fails

    def _key(self, name: str, version: int, context: str | None) -> AESGCM:
        root = self.versions[name][version]
        if not self.settings[name]["derived"]:
            return AESGCM(root)  # the context is taken and ignored
        if not context:
            raise InvalidRequest(
                "missing 'context' for key derivation; the key was created as such"
            )
        return AESGCM(HKDF(SHA256(), 32, None, b64decode(context)).derive(root))

    def _seal(self, name: str, plain: bytes, context: str | None) -> str:
        if name not in self.versions:
            raise InvalidRequest("encryption key not found")
        version = max(self.versions[name])
        nonce = os.urandom(12)
        sealed = nonce + self._key(name, version, context).encrypt(nonce, plain, None)
        return f"vault:v{version}:{b64encode(sealed).decode()}"

    def _open(self, name: str, text: str, context: str | None) -> bytes:
        if name not in self.versions:
            raise InvalidRequest("encryption key not found")
        if not text.startswith("vault:v"):
            raise InvalidRequest("invalid ciphertext: no prefix")
        number, colon, body = text.removeprefix("vault:v").partition(":")
        if not colon:
            raise InvalidRequest("invalid ciphertext: wrong number of fields")
        try:
            version = int(number) or 1  # version 0 is how the first release wrote 1
        except ValueError:
            raise InvalidRequest(
                "invalid ciphertext: version number could not be decoded"
            ) from None
        if version > max(self.versions[name]):
            raise InvalidRequest("invalid ciphertext: version is too new")
        if version < self.settings[name]["min_decryption_version"]:
            raise InvalidRequest(
                "ciphertext or signature version is disallowed by policy (too old)"
            )
        try:  # Go's decoder passes over ends of lines
            sealed = b64decode(body.replace("\n", "").replace("\r", ""), validate=True)
        except Base64Error:
            raise InvalidRequest("invalid ciphertext: could not decode base64") from None
        if len(sealed) < 28:
            raise InvalidRequest("invalid ciphertext: unable to decrypt")
        try:
            return self._key(name, version, context).decrypt(sealed[:12], sealed[12:], None)
        except InvalidTag:
            raise InvalidRequest("cipher: message authentication failed") from None


def client(transit: FakeTransit) -> Any:
    """Return what ``hvac.Client`` would be, as far as it is used."""
    return SimpleNamespace(secrets=SimpleNamespace(transit=transit))
