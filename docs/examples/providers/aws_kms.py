"""Root keys in AWS KMS: a key provider to copy.

Decides how epoch keys are wrapped by keys that never leave KMS, and which error each answer of KMS
is. Leaves out the connection: the client is passed in, so this module imports no boto3. Always
true: KMS authenticates the context (as its encryption context) and is told which key to use; what
its errors say is not passed on, since the client may quote what it was given.

A wrapped key is: 0x01, the length of the key's ARN, that ARN, what KMS returned.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from gdprkit.sealing.errors import (
    FieldCryptoError,
    KeyEpochDestroyed,
    KeyIntegrityError,
    KeyProviderDenied,
    KeyProviderUnavailable,
)
from gdprkit.sealing.providers import ProviderDescription
from gdprkit.sealing.secret import KeepsSecrets

NAME: Final = "AWS KMS"
ARN: Final = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+\Z")
FORMAT: Final = 1
BLOB_LIMIT: Final = 6144  # bytes: KMS takes no longer ciphertext

DAMAGE: Final = {"InvalidCiphertextException", "IncorrectKeyException"}
UNAVAILABLE: Final = {
    "DependencyTimeoutException",
    "InternalFailure",
    "KMSInternalException",
    "KeyUnavailableException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
CURES: Final = {
    "AccessDeniedException": "allow this role kms:Encrypt, kms:Decrypt, kms:ReEncryptFrom and "
    "kms:ReEncryptTo on the key",
    "DisabledException": "enable the key",
    "KMSInvalidStateException": "if the key is pending deletion and still needed, cancel that now",
    "NotFoundException": "check the ARN; a key whose deletion was carried out does not come back",
}
NO_ANSWER: Final = {"OSError", "HTTPClientError", "ConnectionError"}
"""Names of classes: what botocore and the operating system raise when nobody answers."""


class AwsKms(KeepsSecrets):
    """Wraps epoch keys by a symmetric key in AWS KMS.

    Args:
        client: ``boto3.client("kms")``, with time limits of its own.
        key: ARN of the key that wraps. An alias is refused: it can be pointed elsewhere.
        former: ARNs of keys that wrapped before and still open.
        destroyed: ARNs of keys that were deleted on purpose.

    Raises:
        KeyProviderDenied: one of them is no ARN of a key.
    """

    __slots__ = ("_client", "_destroyed", "_key", "_known")

    def __init__(
        self,
        client: Any,
        key: str,
        *,
        former: Collection[str] = (),
        destroyed: Collection[str] = (),
    ) -> None:
        for arn in (key, *former, *destroyed):
            if not ARN.match(arn):
                raise KeyProviderDenied(
                    NAME, f"has no key called {arn!r}", "name keys by ARN: arn:aws:kms:...:key/..."
                )
        self._client = client
        self._key = key
        self._known = frozenset((key, *former))
        self._destroyed = frozenset(destroyed)

    def describe(self) -> ProviderDescription:
        """Tell which key wraps now."""
        return ProviderDescription(key_id=self._key, kind=NAME)

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """Return *key* wrapped by the key that wraps now, bound to *context*."""
        answer = self._ask(
            "encrypt", KeyId=self._key, Plaintext=key, EncryptionContext=dict(context)
        )
        return self._named(answer["CiphertextBlob"])

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return the key that ``wrap`` was given, when *context* is the same."""
        arn, blob = self._split(wrapped, context)
        answer = self._ask(
            "decrypt", KeyId=arn, CiphertextBlob=blob, EncryptionContext=dict(context)
        )
        plain: bytes = answer["Plaintext"]
        return plain

    def rewrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes | None:
        """Return *wrapped* under the key that wraps now, or None when it is under that already.

        The key itself does not leave KMS on the way.
        """
        arn, blob = self._split(wrapped, context)
        if arn == self._key:
            return None
        answer = self._ask(
            "re_encrypt",
            CiphertextBlob=blob,
            SourceKeyId=arn,
            SourceEncryptionContext=dict(context),
            DestinationKeyId=self._key,
            DestinationEncryptionContext=dict(context),
        )
        return self._named(answer["CiphertextBlob"])

    def _named(self, blob: bytes) -> bytes:
        name = self._key.encode("ascii")
        return bytes((FORMAT, len(name))) + name + blob

    def _split(self, wrapped: bytes, context: Mapping[str, str]) -> tuple[str, bytes]:
        """Return the ARN and what KMS made, for a key that is known."""
        start = 2 + wrapped[1] if len(wrapped) > 1 and wrapped[0] == FORMAT else len(wrapped)
        arn, blob = wrapped[2:start].decode("ascii", "replace"), wrapped[start:]
        if not ARN.match(arn) or not 0 < len(blob) <= BLOB_LIMIT:
            raise KeyIntegrityError("an epoch key", f"was not wrapped by {NAME}")
        if arn in self._destroyed:
            raise KeyEpochDestroyed(context.get("epoch", f"under {arn}"))
        if arn not in self._known:
            raise KeyProviderDenied(NAME, f"was not told of key {arn!r}", "name it among former")
        return arn, blob

    def _ask(self, call: str, **given: Any) -> Any:
        problem: FieldCryptoError
        try:
            return getattr(self._client, call)(**given)
        except Exception as error:  # noqa: BLE001  # some of them quote what they were given
            problem = _translated(call, error)
        del given
        raise problem  # out here nothing is chained to it


def _translated(call: str, error: Exception) -> FieldCryptoError:
    response: Any = getattr(error, "response", None) or {}
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in DAMAGE:
        return KeyIntegrityError(f"an epoch key under {NAME}", f"does not open ({code})")
    if code in UNAVAILABLE or status >= 500:
        return KeyProviderUnavailable(NAME, f"did not {call} ({code})")
    if code:
        return KeyProviderDenied(
            NAME, f"refused to {call} ({code})", CURES.get(code, "look that code up in its manual")
        )
    kind = type(error)
    if NO_ANSWER & {base.__name__ for base in kind.__mro__}:
        return KeyProviderUnavailable(NAME, f"did not answer ({kind.__name__})")
    return KeyProviderDenied(
        NAME, f"could not be asked to {call} ({kind.__name__})", "check credentials and client"
    )
