"""The recipes for key services keep the contract, against the services' own rules (D.28, D.34)."""

from __future__ import annotations

import traceback
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from typing import Any, cast

import pytest
from docs.examples.providers.aws_kms import AwsKms
from docs.examples.providers.vault_transit import VaultTransit, bound
from tests.sealing.fakes import kms, vault
from tests.sealing.fakes.kms import ClientError, FakeKms
from tests.sealing.fakes.vault import FakeTransit
from tests.sealing.support import ANNA, DictStore, add_person, make_keys

from gdprkit.sealing.errors import (
    FieldCryptoError,
    KeyEpochDestroyed,
    KeyIntegrityError,
    KeyProviderDenied,
    KeyProviderUnavailable,
)
from gdprkit.sealing.providers import KeyProvider
from gdprkit.testing.provider_contract import KeyProviderContract

KEY = bytes(range(32))
PLACE = {"tenant": "main", "epoch": "k1"}


class TestAwsKms(KeyProviderContract):
    """AWS KMS: other keys by ARN, encryption context, keys on their way out."""

    can_rotate = True
    can_drop = True
    can_be_unavailable = True
    can_be_denied = True

    def make_provider(self) -> KeyProvider:
        service = FakeKms()
        return AwsKms(service, service.create_key())

    def rotate(self, provider: KeyProvider) -> KeyProvider:
        service, old = of(provider)._client, provider.describe().key_id
        return AwsKms(service, service.create_key(), former=[old])

    def drop(self, provider: KeyProvider) -> KeyProvider:
        ours, now = of(provider), provider.describe().key_id
        return AwsKms(ours._client, now, destroyed=ours._known - {now})

    def make_unavailable(self, provider: KeyProvider) -> KeyProvider:
        of(provider)._client.fails = ClientError("ThrottlingException", "Decrypt")
        return provider

    def make_denied(self, provider: KeyProvider) -> KeyProvider:
        of(provider)._client.fails = ClientError("AccessDeniedException", "Decrypt")
        return provider


class TestVaultTransit(KeyProviderContract):
    """Vault Transit: versions of one derived key."""

    can_rotate = True
    can_drop = True
    can_be_unavailable = True
    can_be_denied = True
    dropped = KeyProviderDenied

    def make_provider(self) -> KeyProvider:
        return vault_provider(FakeTransit())

    def rotate(self, provider: KeyProvider) -> KeyProvider:
        of(provider)._transit.rotate_key("gdprkit")
        return provider

    def drop(self, provider: KeyProvider) -> KeyProvider:
        transit = of(provider)._transit
        latest = max(transit.versions["gdprkit"])
        transit.update_key_configuration(
            "gdprkit", min_decryption_version=latest, min_encryption_version=latest
        )
        transit.trim_key("gdprkit", latest)
        return provider

    def make_unavailable(self, provider: KeyProvider) -> KeyProvider:
        of(provider)._transit.fails = vault.VaultDown("Vault is sealed")
        return provider

    def make_denied(self, provider: KeyProvider) -> KeyProvider:
        of(provider)._transit.fails = vault.Forbidden("permission denied")
        return provider


def of(provider: KeyProvider) -> Any:
    return cast("Any", provider)


def vault_provider(transit: FakeTransit) -> VaultTransit:
    transit.create_key("gdprkit", derived=True)
    return VaultTransit(vault.client(transit))


def shown_by(error: BaseException) -> str:
    shown = [str(error), repr(error)]
    seen: BaseException | None = error
    while seen is not None:
        shown += [str(seen), repr(seen), *traceback.format_exception(seen)]
        seen = seen.__context__ or seen.__cause__
    return "\n".join(shown)


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (ClientError("ThrottlingException", "Decrypt"), KeyProviderUnavailable),
        (ClientError("DependencyTimeoutException", "Decrypt", status=503), KeyProviderUnavailable),
        (ClientError("KMSInternalException", "Decrypt", status=500), KeyProviderUnavailable),
        (ClientError("KeyUnavailableException", "Decrypt", status=500), KeyProviderUnavailable),
        (ClientError("SomethingNew", "Decrypt", status=502), KeyProviderUnavailable),
        (kms.ReadTimeoutError("read timeout"), KeyProviderUnavailable),
        (kms.EndpointConnectionError("no route"), KeyProviderUnavailable),
        (TimeoutError("timed out"), KeyProviderUnavailable),
        (ConnectionResetError("reset"), KeyProviderUnavailable),
        (ClientError("AccessDeniedException", "Decrypt"), KeyProviderDenied),
        (ClientError("DisabledException", "Decrypt"), KeyProviderDenied),
        (ClientError("KMSInvalidStateException", "Decrypt"), KeyProviderDenied),
        (ClientError("NotFoundException", "Decrypt"), KeyProviderDenied),
        (ClientError("ExpiredTokenException", "Decrypt"), KeyProviderDenied),
        (ClientError("ValidationException", "Decrypt"), KeyProviderDenied),
        (kms.NoCredentialsError("none"), KeyProviderDenied),
        (ClientError("InvalidCiphertextException", "Decrypt"), KeyIntegrityError),
        (ClientError("IncorrectKeyException", "Decrypt"), KeyIntegrityError),
    ],
    ids=repr,
)
def test_d34_answers_of_kms_are_told_apart(
    failure: Exception, expected: type[FieldCryptoError]
) -> None:
    """Busy and silent are worth another try, forbidden wants somebody, damage is damage."""
    service = FakeKms()
    provider = AwsKms(service, service.create_key())
    wrapped = provider.wrap(KEY, PLACE)
    service.fails = failure
    with pytest.raises(expected) as raised:
        provider.unwrap(wrapped, PLACE)
    assert type(raised.value) is expected
    assert raised.value.retryable is (expected is KeyProviderUnavailable)
    assert raised.value.__context__ is None
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (vault.VaultDown("Vault is sealed"), KeyProviderUnavailable),
        (vault.RateLimitExceeded("request path rate limit"), KeyProviderUnavailable),
        (vault.InternalServerError("internal error"), KeyProviderUnavailable),
        (vault.ReadTimeout("timed out"), KeyProviderUnavailable),
        (ConnectionRefusedError("refused"), KeyProviderUnavailable),
        (vault.Forbidden("permission denied"), KeyProviderDenied),
        (vault.Unauthorized("no token"), KeyProviderDenied),
        (vault.InvalidPath(), KeyProviderDenied),
        (vault.InvalidRequest("encryption key not found"), KeyProviderDenied),
        (vault.InvalidRequest("version is disallowed by policy (too old)"), KeyProviderDenied),
        (vault.InvalidRequest("cipher: message authentication failed"), KeyIntegrityError),
        (vault.InvalidRequest("invalid ciphertext: version is too new"), KeyIntegrityError),
        (TypeError("a client of another version"), KeyProviderDenied),
    ],
    ids=repr,
)
def test_d34_answers_of_vault_are_told_apart(
    failure: Exception, expected: type[FieldCryptoError]
) -> None:
    """Sealed and silent are worth another try, forbidden wants somebody, damage is damage."""
    transit = FakeTransit()
    provider = vault_provider(transit)
    wrapped = provider.wrap(KEY, PLACE)
    transit.fails = failure
    with pytest.raises(expected) as raised:
        provider.unwrap(wrapped, PLACE)
    assert type(raised.value) is expected
    assert raised.value.retryable is (expected is KeyProviderUnavailable)
    assert raised.value.__context__ is None
    assert raised.value.__cause__ is None


def kms_provider() -> tuple[Any, KeyProvider]:
    service = FakeKms()
    return service, AwsKms(service, service.create_key())


def transit_provider() -> tuple[Any, KeyProvider]:
    transit = FakeTransit()
    return transit, vault_provider(transit)


@pytest.mark.parametrize("make", [kms_provider, transit_provider])
def test_d34_a_client_that_quotes_the_key_is_not_quoted(
    make: Callable[[], tuple[Any, KeyProvider]],
) -> None:
    """Errors of clients may repeat what they were given; nothing of that reaches a log."""
    service, provider = make()
    for failure in (kms.ParamValidationError, vault.InvalidRequest, OSError):
        service.fails = failure(f"Invalid value for parameter Plaintext: {KEY!r}")
        with pytest.raises(FieldCryptoError) as raised:
            provider.wrap(KEY, PLACE)
        assert repr(KEY)[2:40] not in shown_by(raised.value)


def test_kms_is_told_the_key_and_the_whole_context() -> None:
    """Every call names the key and carries the context; both ends of a move carry it."""
    service = FakeKms()
    old = AwsKms(service, service.create_key())
    wrapped = old.wrap(KEY, PLACE)
    new = AwsKms(service, service.create_key(), former=[old.describe().key_id])
    new.unwrap(wrapped, PLACE)
    moved = new.rewrap(wrapped, PLACE)
    assert moved is not None
    assert [name for name, _ in service.calls] == ["Encrypt", "Decrypt", "ReEncrypt"]
    for _, given in service.calls:
        assert given == {"KeyId": old.describe().key_id, "EncryptionContext": PLACE}
    assert new.unwrap(moved, PLACE) == KEY
    assert service.calls[-1][1]["KeyId"] == new.describe().key_id


def test_d28_a_wrap_under_the_name_of_another_known_key_is_damage() -> None:
    """The ARN in front is not authenticated, and KMS refuses when it is not the key's own."""
    service = FakeKms()
    one, two = service.create_key(), service.create_key()
    wrapped = AwsKms(service, one).wrap(KEY, PLACE)
    assert one.encode() in wrapped
    with pytest.raises(KeyIntegrityError, match="IncorrectKeyException"):
        AwsKms(service, two, former=[one]).unwrap(
            wrapped.replace(one.encode(), two.encode()), PLACE
        )


def test_d28_a_kms_key_pending_deletion_deleted_and_declared_destroyed() -> None:
    """On its way out and gone is forbidden until somebody says that it was meant."""
    service = FakeKms()
    old = service.create_key()
    wrapped = AwsKms(service, old).wrap(KEY, PLACE)
    provider = AwsKms(service, service.create_key(), former=[old])
    with pytest.raises(ClientError, match="ValidationException"):
        service.schedule_key_deletion(KeyId=old, PendingWindowInDays=6)
    service.schedule_key_deletion(KeyId=old, PendingWindowInDays=7)
    with pytest.raises(KeyProviderDenied, match="pending deletion"):
        provider.unwrap(wrapped, PLACE)
    service.delete_now(old)
    with pytest.raises(KeyProviderDenied, match="does not come back"):
        provider.unwrap(wrapped, PLACE)
    with pytest.raises(KeyProviderDenied, match="was not told of key"):
        AwsKms(service, service.create_key()).unwrap(wrapped, PLACE)
    with pytest.raises(KeyEpochDestroyed) as destroyed:
        AwsKms(service, service.create_key(), destroyed=[old]).unwrap(wrapped, PLACE)
    assert destroyed.value.epoch == "k1"


@pytest.mark.parametrize("name", ["alias/gdprkit", "1234abcd", "", "arn:aws:kms:x:1:alias/a"])
def test_kms_keys_are_named_by_arn(name: str) -> None:
    """An alias can be pointed at another key, and then nothing would open."""
    service = FakeKms()
    with pytest.raises(KeyProviderDenied, match="by ARN"):
        AwsKms(service, name)
    with pytest.raises(KeyProviderDenied, match="by ARN"):
        AwsKms(service, service.create_key(), former=[name])


def test_kms_takes_4096_bytes_and_no_more() -> None:
    """What KMS refuses for its size is forbidden; an epoch key is far below."""
    _, provider = kms_provider()
    assert provider.unwrap(provider.wrap(b"x" * 4096, PLACE), PLACE) == b"x" * 4096
    with pytest.raises(KeyProviderDenied, match="ValidationException"):
        provider.wrap(b"x" * 4097, PLACE)


def test_a_vault_key_that_is_not_derived_is_refused() -> None:
    """Vault takes a context for it and ignores it: nothing would be bound to anything."""
    transit = FakeTransit()
    transit.create_key("plain")
    text = transit.encrypt_data("plain", "AAAA", context=bound(PLACE))["data"]["ciphertext"]
    assert transit.decrypt_data("plain", text, context=bound({"x": "y"}))["data"]
    with pytest.raises(KeyProviderDenied, match="not derived"):
        VaultTransit(vault.client(transit), "plain")


def test_a_vault_key_that_is_missing_or_forbidden_is_noticed_at_once() -> None:
    """A misspelt name is told when the provider is made, not when the first person comes."""
    transit = FakeTransit()
    with pytest.raises(KeyProviderDenied, match="InvalidPath"):
        VaultTransit(vault.client(transit))
    transit.create_key("gdprkit", derived=True)
    with pytest.raises(KeyProviderDenied, match="InvalidPath"):
        VaultTransit(vault.client(transit), mount_point="other")
    transit.fails = vault.VaultDown()
    with pytest.raises(KeyProviderUnavailable):
        VaultTransit(vault.client(transit))


def test_vault_reads_sloppy_wraps_and_the_provider_does_not() -> None:
    """Version 0 for 1, and ends of lines in base64: Vault opens both, the provider neither."""
    transit = FakeTransit()
    provider = vault_provider(transit)
    wrapped = provider.wrap(KEY, PLACE).decode()
    for sloppy in (
        wrapped.replace(":v1:", ":v0:"),
        wrapped.replace(":v1:", ":v01:"),
        wrapped + "\n",
    ):
        assert transit.decrypt_data("gdprkit", sloppy, context=bound(PLACE))["data"]
        with pytest.raises(KeyIntegrityError):
            provider.unwrap(sloppy.encode(), PLACE)


def test_d28_a_vault_version_too_old_can_come_back_until_it_is_trimmed() -> None:
    """min_decryption_version alone destroys nothing: set back, the old version opens again."""
    transit = FakeTransit()
    provider = vault_provider(transit)
    wrapped = provider.wrap(KEY, PLACE)
    transit.rotate_key("gdprkit")
    transit.update_key_configuration("gdprkit", min_decryption_version=2)
    with pytest.raises(KeyProviderDenied, match="min_decryption_version"):
        provider.unwrap(wrapped, PLACE)
    transit.update_key_configuration("gdprkit", min_decryption_version=1)
    assert provider.unwrap(wrapped, PLACE) == KEY
    transit.update_key_configuration("gdprkit", min_decryption_version=2)
    with pytest.raises(vault.InvalidRequest, match="encryption version is not set"):
        transit.trim_key("gdprkit", 2)
    transit.update_key_configuration("gdprkit", min_decryption_version=2, min_encryption_version=2)
    transit.trim_key("gdprkit", 2)
    with pytest.raises(vault.InvalidRequest, match="less than min available"):
        transit.update_key_configuration("gdprkit", min_decryption_version=1)
    with pytest.raises(KeyProviderDenied, match="min_decryption_version"):
        provider.unwrap(wrapped, PLACE)


def test_the_context_of_vault_is_pinned() -> None:
    """Whoever changes how the context becomes bytes locks everybody out: the bytes stand here."""
    assert bound(PLACE) == bound(dict(reversed(PLACE.items())))
    entries = b"\0\0\0\x06\x01epoch\0\0\0\x03\x01k1\0\0\0\x07\x01tenant\0\0\0\x05\x01main"
    digest = sha256(b"gdprkit/vault/v1\0\0\0\0\x02" + entries).digest()
    assert b64decode(bound(PLACE)) == digest
    assert bound(PLACE) == "Gmcv3pqil4cDFo6YybNxeouM0payjtmhgZfkx/uUQ3g="


@pytest.mark.parametrize("make", [kms_provider, transit_provider])
def test_a_store_lives_under_a_key_service(
    make: Callable[[], tuple[Any, KeyProvider]],
) -> None:
    """Persons' keys are made and opened again with one call to the service for each epoch."""
    service, provider = make()
    store = DictStore()
    made = add_person(make_keys(store, provider=provider), store)
    service.calls.clear()
    again = make_keys(store, provider=provider)
    assert again.of(ANNA).newest.key_id == made.newest.key_id
    first = len(service.calls)
    assert again.of(ANNA).newest.key_id == made.newest.key_id
    again.forget(ANNA)
    again.of(ANNA)
    assert len(service.calls) == first <= len(store.epoch_rows)
