"""AWS KMS as far as three calls go: keys, states, encryption context, botocore's errors."""
# ruff: noqa: N803  # the names are those of the service

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Context = Mapping[str, str] | None
MARK = b"\x01\x02\x02\x00\x78"


class ClientError(Exception):
    """Has the shape of botocore's."""

    def __init__(self, code: str, operation: str, message: str = "", status: int = 400) -> None:
        super().__init__(f"An error occurred ({code}) when calling the {operation}: {message}")
        self.response = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": 0},
        }
        self.operation_name = operation


class BotoCoreError(Exception):
    """What botocore raises where no service answered."""


class HTTPClientError(BotoCoreError):
    """As in botocore: it has a response, which is None."""

    response = None


class ReadTimeoutError(HTTPClientError):
    """The service took too long."""


class ConnectionError(BotoCoreError):  # noqa: A001  # botocore's name
    """Nobody there."""


class EndpointConnectionError(ConnectionError):
    """Nobody at that address."""


class NoCredentialsError(BotoCoreError):
    """Nothing to sign requests with."""


class ParamValidationError(BotoCoreError):
    """Quotes what it was given."""


class FakeKms:
    """The client of one account and region. ``fails`` is raised by every call."""

    def __init__(self) -> None:
        self.keys: dict[str, list[bytes]] = {}
        self.states: dict[str, str] = {}
        self.fails: Exception | None = None
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def create_key(self) -> str:
        """Return the ARN of a new symmetric key."""
        arn = f"arn:aws:kms:eu-north-1:111122223333:key/{uuid4()}"
        self.keys[arn] = [os.urandom(32)]
        self.states[arn] = "Enabled"
        return arn

    def schedule_key_deletion(self, *, KeyId: str, PendingWindowInDays: int = 30) -> None:
        """Put a key on its way out; it is refused from now on and gone at the end of the days."""
        if not 7 <= PendingWindowInDays <= 30:
            raise ClientError("ValidationException", "ScheduleKeyDeletion")
        self.states[KeyId] = "PendingDeletion"

    def delete_now(self, arn: str) -> None:
        """Let the waiting period pass."""
        assert self.states[arn] == "PendingDeletion"
        del self.keys[arn], self.states[arn]

    def encrypt(self, *, KeyId: str, Plaintext: bytes, EncryptionContext: Context = None) -> Any:
        self._called("Encrypt", KeyId=KeyId, EncryptionContext=EncryptionContext)
        return {"CiphertextBlob": self._seal(KeyId, Plaintext, EncryptionContext), "KeyId": KeyId}

    def decrypt(
        self,
        *,
        CiphertextBlob: bytes,
        KeyId: str | None = None,
        EncryptionContext: Context = None,
    ) -> Any:
        self._called("Decrypt", KeyId=KeyId, EncryptionContext=EncryptionContext)
        arn, plain = self._open("Decrypt", CiphertextBlob, KeyId, EncryptionContext)
        return {"Plaintext": plain, "KeyId": arn}

    def re_encrypt(
        self,
        *,
        CiphertextBlob: bytes,
        DestinationKeyId: str,
        SourceKeyId: str | None = None,
        SourceEncryptionContext: Context = None,
        DestinationEncryptionContext: Context = None,
    ) -> Any:
        self._called("ReEncrypt", KeyId=SourceKeyId, EncryptionContext=SourceEncryptionContext)
        arn, plain = self._open("ReEncrypt", CiphertextBlob, SourceKeyId, SourceEncryptionContext)
        blob = self._seal(DestinationKeyId, plain, DestinationEncryptionContext)
        return {"CiphertextBlob": blob, "SourceKeyId": arn, "KeyId": DestinationKeyId}

    def _called(self, operation: str, **given: Any) -> None:
        self.calls.append((operation, given))
        if self.fails is not None:
            raise self.fails

    def _usable(self, operation: str, arn: str) -> list[bytes]:
        if arn not in self.keys:
            raise ClientError("NotFoundException", operation, f"Key '{arn}' does not exist")
        if self.states[arn] == "Disabled":
            raise ClientError("DisabledException", operation, f"{arn} is disabled.")
        if self.states[arn] != "Enabled":
            raise ClientError("KMSInvalidStateException", operation, f"{arn} is pending deletion.")
        return self.keys[arn]

    def _seal(self, arn: str, plain: bytes, context: Context) -> bytes:
        if not 1 <= len(plain) <= 4096:
            raise ClientError("ValidationException", "Encrypt", "1 validation error detected")
        materials = self._usable("Encrypt", arn)
        nonce = os.urandom(12)
        head = MARK + UUID(arn.rpartition("/")[2]).bytes + bytes((len(materials),))
        return head + nonce + AESGCM(materials[-1]).encrypt(nonce, plain, head + _aad(context))

    def _open(
        self, operation: str, blob: bytes, key_id: str | None, context: Context
    ) -> tuple[str, bytes]:
        if not 1 <= len(blob) <= 6144:
            raise ClientError("ValidationException", operation, "1 validation error detected")
        if key_id is not None:
            self._usable(operation, key_id)
        if not blob.startswith(MARK) or len(blob) < 50:
            raise ClientError("InvalidCiphertextException", operation)
        head, nonce, sealed = blob[:22], blob[22:34], blob[34:]
        arn = f"arn:aws:kms:eu-north-1:111122223333:key/{UUID(bytes=head[5:21])}"
        if key_id not in (None, arn):
            raise ClientError(
                "IncorrectKeyException", operation, "The key ID in the request does not identify"
            )
        materials = self._usable(operation, arn)
        try:
            material = materials[head[21] - 1]
            return arn, AESGCM(material).decrypt(nonce, sealed, head + _aad(context))
        except (InvalidTag, IndexError):
            raise ClientError("InvalidCiphertextException", operation) from None


def _aad(context: Context) -> bytes:
    return json.dumps(dict(context or {}), sort_keys=True).encode()
