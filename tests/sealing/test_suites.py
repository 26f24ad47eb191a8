"""The ciphers of the suites against what others published (crypto D.4, case 42)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import cryptography_vectors
import pytest
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from tests.sealing.support import ANNA, DictStore, add_person, dec, enc, make_keys

from gdprkit.errors import InvalidValue
from gdprkit.sealing import ciphers
from gdprkit.sealing.canonical import lp
from gdprkit.sealing.ciphers import cipher_for
from gdprkit.sealing.errors import SuiteNotAllowed
from gdprkit.sealing.expand import expand, expand_into
from gdprkit.sealing.form import SUITES
from gdprkit.sealing.opened_keys import SubjectKey, SubjectKeyVersions
from gdprkit.sealing.settings import KeySettings

OWNER = lp("main") + lp(ANNA)


def records(name: str, start: str) -> Iterator[dict[str, str]]:
    """Give the records of a published file; each begins with the line *start*."""
    with cryptography_vectors.open_vector_file(name, "r") as file:
        record: dict[str, str] = {}
        for line in file.read().splitlines():
            word, sign, rest = line.replace(":", "=").partition("=")
            word, rest = word.strip(), rest.strip().strip('"')
            if word == start and record:
                yield record
                record = {}
            if word == "FAIL":
                record["FAIL"] = ""
            elif sign and not word.startswith(("[", "#")):
                record[word] = rest
        yield record


def raw(record: dict[str, str], name: str) -> bytes:
    return bytes.fromhex(record[name])


def test_d42_published_vectors_of_aes_gcm_pass_our_suite() -> None:
    """NIST's vectors with a 12-byte nonce and a whole tag seal and open, and its FAILs do not."""
    sealed = opened = failed = 0
    for record in records("ciphers/AES/GCM/gcmEncryptExtIV256.rsp", "Count"):
        if len(record.get("IV", "")) != 24 or len(record["Tag"]) != 32:
            continue
        cipher = cipher_for(1, raw(record, "Key"))
        ours = cipher.encrypt(raw(record, "IV"), raw(record, "PT"), raw(record, "AAD"))
        assert ours == raw(record, "CT") + raw(record, "Tag")
        sealed += 1
    for record in records("ciphers/AES/GCM/gcmDecrypt256.rsp", "Count"):
        if len(record.get("IV", "")) != 24 or len(record["Tag"]) != 32:
            continue
        cipher = cipher_for(1, raw(record, "Key"))
        what = (raw(record, "IV"), raw(record, "CT") + raw(record, "Tag"), raw(record, "AAD"))
        if "FAIL" in record:
            with pytest.raises(InvalidTag):
                cipher.decrypt(*what)
            failed += 1
        else:
            assert cipher.decrypt(*what) == raw(record, "PT")
            opened += 1
    assert min(sealed, opened, failed) > 100


def test_d42_published_vectors_of_aes_gcm_siv_pass_our_suite() -> None:
    """The AES-256 vectors of RFC 8452, as OpenSSL publishes them, seal and open in suite 3."""
    tried = 0
    for record in records("ciphers/AES/GCM-SIV/openssl.txt", "COUNT"):
        if len(record.get("Key", "")) != 64:
            continue
        cipher = cipher_for(3, raw(record, "Key"))
        nonce, plain = raw(record, "IV"), raw(record, "Plaintext")
        beside = bytes.fromhex(record.get("AAD", ""))
        expected = raw(record, "Ciphertext") + raw(record, "Tag")
        assert cipher.encrypt(nonce, plain, beside) == expected
        assert cipher.decrypt(nonce, expected, beside) == plain
        tried += 1
    assert tried > 20


@pytest.mark.parametrize(
    ("key", "beside", "expected"),
    [
        (b"\1" * 32, b"", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
        (
            b"\3" * 32,
            b"c2sp.org/XAES-256-GCM",
            "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
        ),
    ],
)
def test_d42_vectors_of_the_xaes_specification(key: bytes, beside: bytes, expected: str) -> None:
    """Both branches of the doubling in GF(2^128) give the bytes C2SP publishes."""
    nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX"
    cipher = cipher_for(2, key)
    sealed = cipher.encrypt(nonce, b"XAES-256-GCM", beside)
    assert sealed.hex() == expected
    assert cipher.decrypt(nonce, sealed, beside) == b"XAES-256-GCM"


def test_d42_accumulated_vectors_of_xaes() -> None:
    """10,000 pseudo-random messages accumulate to the hash that C2SP publishes."""
    stream = hashlib.shake_128(b"").digest(10_000 * (32 + 24 + 2 + 255 + 255))
    found, place = hashlib.shake_128(), 0

    def take(size: int) -> bytes:
        nonlocal place
        place += size
        return stream[place - size : place]

    for _ in range(10_000):
        key, nonce = take(32), take(24)
        plain = take(take(1)[0])
        beside = take(take(1)[0])
        found.update(cipher_for(2, key).encrypt(nonce, plain, beside))
    expected = "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"
    assert found.hexdigest(32) == expected


def test_xaes_takes_no_other_nonce() -> None:
    """A nonce of 12 bytes would silently drop the derivation, so it is refused."""
    with pytest.raises(ValueError, match="24 bytes"):
        cipher_for(2, bytes(32)).encrypt(bytes(12), b"x", b"")


def test_d42_published_vectors_of_hkdf_and_hmac_hold_for_our_steps() -> None:
    """RFC 4231's HMACs, and HKDF-Expand with SHA-512 as RFC 5869 spells it, are what we compute."""
    tried = 0
    for record in records("HMAC/rfc-4231-sha256.txt", "Len"):
        key, message = raw(record, "Key"), raw(record, "Msg")
        mac = HMAC(key, SHA256())
        copy = mac.copy()  # as an index does
        copy.update(message)
        assert copy.finalize() == raw(record, "MD")
        tried += 1
    assert tried >= 5
    for record in records("HMAC/rfc-4231-sha512.txt", "Len"):
        key, message = raw(record, "Key"), raw(record, "Msg")
        if len(key) != 32 and not message.endswith(b"\1"):
            # HKDF-Expand of one block is HMAC(key, info + 0x01): any RFC message as info
            info = message
            expected = hmac_sha512(key, info + b"\1")
            assert expand(key, info, 64) == expected
            buffer = bytearray(52)
            expand_into(buffer, key, info)
            assert buffer == expected[:52]
            tried += 1
    assert tried >= 9


def hmac_sha512(key: bytes, message: bytes) -> bytes:
    """RFC 2104, written out."""
    key = hashlib.sha512(key).digest() if len(key) > 128 else key
    key = key.ljust(128, b"\0")
    inner = hashlib.sha512(bytes(b ^ 0x36 for b in key) + message).digest()
    return hashlib.sha512(bytes(b ^ 0x5C for b in key) + inner).digest()


def test_suites_of_one_key_share_its_id_and_no_key() -> None:
    """One row of a person opens all allowed suites, each under a cipher key of its own."""
    keys = SubjectKey.derive(bytes(32), version=1, owner=OWNER, suites=sorted(SUITES))
    assert [key.suite for key in keys] == [1, 2, 3]
    assert len({key.key_id for key in keys}) == 1
    infos = [b"gdprkit/dek/v1\0" + OWNER] + [
        b"gdprkit/dek/suite/v1\0" + number.to_bytes(4, "big") + OWNER for number in (2, 3)
    ]
    for key, info in zip(keys, infos, strict=True):
        nonce = bytes(SUITES[key.suite].nonce)
        other = cipher_for(key.suite, expand(bytes(32), info, 52)[:32])
        assert key._encrypt(nonce, b"x", b"") == other.encrypt(nonce, b"x", b"")


def test_the_suite_that_writes_can_be_changed_and_the_old_one_read() -> None:
    """A change of suite rewrites nothing; a suite taken off the list is refused from then on."""
    store = DictStore()
    old = enc("x", add_person(make_keys(store), store).newest)
    both = make_keys(store, settings=KeySettings(suite=3, suites=[1, 3])).of(ANNA)
    new = enc("y", both.newest)
    assert (old[1], new[1]) == (1, 3)
    assert [dec(blob, both) for blob in (old, new)] == ["x", "y"]
    only = make_keys(store, settings=KeySettings(suite=3, suites=[3])).of(ANNA)
    assert dec(new, only) == "y"
    with pytest.raises(SuiteNotAllowed):
        dec(old, only)


def test_a_suite_that_openssl_lacks_is_told_of_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build without AES-GCM-SIV refuses the settings, not the first value."""

    def lacking(*_: Any) -> None:
        raise UnsupportedAlgorithm("not here")

    monkeypatch.setattr(ciphers, "AESGCMSIV", lacking)
    monkeypatch.setattr(ciphers, "_CIPHERS", ciphers._supported())
    with pytest.raises(InvalidValue, match="AES-256-GCM-SIV"):
        make_keys(DictStore(), settings=KeySettings(suites=[1, 3]))
    make_keys(DictStore(), settings=KeySettings(suites=[1, 2]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"suite": 2},
        {"suites": [1, 4]},
        {"suite": 4, "suites": [4]},
        {"ttl": -1},
        {"ttl": 86_401},
        {"capacity": -1},
        {"epoch_days": -1},
        {"backup_days": -1},
        {"suites": 3},
        {"ttl": "5"},
        {"ttl": float("nan")},
        {"capacity": 1.5},
        {"epoch_days": "5"},
        {"backup_days": True},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    """A choice that fits nothing is named when it is made."""
    with pytest.raises(InvalidValue) as refused:
        KeySettings(**wrong)
    assert refused.value.field in {*wrong, "suites"}


@pytest.mark.parametrize("suite", SUITES)
def test_joining_a_version_keeps_the_suite_that_writes(suite: int) -> None:
    """A new version made beside an old one writes under the chosen suite too."""
    first = SubjectKey.derive(bytes(32), version=1, owner=OWNER, suites=SUITES)
    second = SubjectKey.derive(bytes([1]) * 32, version=2, owner=OWNER, suites=SUITES)
    keys = SubjectKeyVersions(first, owner=OWNER, suite=suite).joined_by(second)
    assert (keys.newest.suite, keys.newest.version) == (suite, 2)
    none = SubjectKeyVersions([], owner=OWNER, suite=suite).joined_by(first)
    assert (none.newest.suite, none.newest.version) == (suite, 1)
