"""The stored formats once more, written from the description alone.

Imports nothing of gdprkit, so that a mistake there cannot repeat itself here. Key derivation and
hashes are the standard library's; AES-GCM is driven through the low-level cipher interface.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Part = str | bytes | int | UUID


def length_prefixed(part: Part) -> bytes:
    """Length in 4 bytes, type in 1, then the value."""
    if isinstance(part, str):
        typed = b"\x01" + part.encode("utf-8")
    elif isinstance(part, bytes):
        typed = b"\x02" + part
    elif isinstance(part, UUID):
        typed = b"\x04" + part.bytes
    else:
        size = 1
        while not -(1 << (8 * size - 1)) <= part < 1 << (8 * size - 1):
            size += 1
        typed = b"\x03" + part.to_bytes(size, "big", signed=True)
    return struct.pack(">I", len(typed)) + typed


def hkdf_expand(key: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 section 2.3 with SHA-512."""
    block, out, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(key, block + info + bytes([counter]), hashlib.sha512).digest()
        out += block
        counter += 1
    return out[:length]


def aes_gcm(key: bytes, nonce: bytes, plain: bytes, beside: bytes) -> bytes:
    """Ciphertext and tag."""
    cipher = Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()
    cipher.authenticate_additional_data(beside)
    sealed = cipher.update(plain) + cipher.finalize()
    return sealed + cipher.tag


def aes_block(key: bytes, block: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 -- one block
    return cipher.update(block) + cipher.finalize()


def xaes_gcm(key: bytes, nonce: bytes, plain: bytes, beside: bytes) -> bytes:
    """C2SP XAES-256-GCM: a CMAC-based key for the first half of the nonce."""
    number = int.from_bytes(aes_block(key, bytes(16)), "big") << 1
    if number >= 1 << 128:
        number = (number - (1 << 128)) ^ 0b10000111
    subkey = number.to_bytes(16, "big")
    derived = b""
    for counter in (1, 2):
        block = bytes([0, counter, ord("X"), 0]) + nonce[:12]
        derived += aes_block(key, bytes(a ^ b for a, b in zip(block, subkey, strict=True)))
    return aes_gcm(derived, nonce[12:], plain, beside)


def polyval(key: bytes, data: bytes) -> bytes:
    """RFC 8452 section 3."""
    polynomial = 1 << 128 | 1 << 127 | 1 << 126 | 1 << 121 | 1
    hashed, factor = 0, int.from_bytes(key, "little")
    for start in range(0, len(data), 16):
        hashed ^= int.from_bytes(data[start : start + 16], "little")
        product = 0
        for bit in range(128):
            if hashed >> bit & 1:
                product ^= factor << bit
        for _ in range(128):  # times x^-128
            if product & 1:
                product ^= polynomial
            product >>= 1
        hashed = product
    return hashed.to_bytes(16, "little")


def aes_gcm_siv(key: bytes, nonce: bytes, plain: bytes, beside: bytes) -> bytes:
    """RFC 8452 section 4, AES-256."""
    parts = [aes_block(key, struct.pack("<I", n) + nonce)[:8] for n in range(6)]
    authenticating, encrypting = b"".join(parts[:2]), b"".join(parts[2:])
    data = b"".join(part + bytes(-len(part) % 16) for part in (beside, plain))
    data += struct.pack("<QQ", 8 * len(beside), 8 * len(plain))
    hashed = polyval(authenticating, data)
    block = bytes(a ^ b for a, b in zip(hashed, nonce + bytes(4), strict=True))
    tag = aes_block(encrypting, block[:15] + bytes([block[15] & 0x7F]))
    counter = int.from_bytes(tag[:4], "little")
    rest = tag[4:15] + bytes([tag[15] | 0x80])
    stream = b"".join(
        aes_block(encrypting, struct.pack("<I", (counter + n) % 2**32) + rest)
        for n in range((len(plain) + 15) // 16)
    )
    return bytes(a ^ b for a, b in zip(plain, stream, strict=False)) + tag


CIPHERS = {1: aes_gcm, 2: xaes_gcm, 3: aes_gcm_siv}


def cipher_key_and_id(
    subject_key: bytes, tenant: str, subject: UUID, suite: int = 1
) -> tuple[bytes, bytes]:
    owner = length_prefixed(tenant) + length_prefixed(subject)
    derived = hkdf_expand(subject_key, b"gdprkit/dek/v1\x00" + owner, 52)
    if suite == 1:
        return derived[:32], derived[32:]
    info = b"gdprkit/dek/suite/v1\x00" + struct.pack(">I", suite) + owner
    return hkdf_expand(subject_key, info, 32), derived[32:]


def envelope(
    plain: bytes,
    *,
    subject_key: bytes,
    nonce: bytes,
    parts: tuple[Part, Part, Part, Part, Part | None],
    suite: int = 1,
) -> bytes:
    """An envelope of *plain*; *parts* are tenant, subject, record id, record type and field.

    A packed record has no field.
    """
    tenant, subject = parts[:2]
    assert isinstance(tenant, str)
    assert isinstance(subject, UUID)
    key, key_id = cipher_key_and_id(subject_key, tenant, subject, suite)
    header = bytes([0xF8, suite]) + key_id
    beside = b"gdprkit/field/v1\x00" + header
    for part in parts:
        beside += b"\x00\x00\x00\x01\x00" if part is None else length_prefixed(part)
    return header + nonce + CIPHERS[suite](key, nonce, plain, beside)


def packed(values: dict[str, bytes]) -> bytes:
    """The sealed part of a packed record of values encoded already."""
    plain = b"\x09"
    for name, value in values.items():
        plain += length_prefixed(name) + struct.pack(">I", len(value)) + value
    return plain


def text_form(blob: bytes) -> str:
    return "gk1." + base64.urlsafe_b64encode(blob).decode().rstrip("=")


def wrapped_key(
    subject_key: bytes,
    *,
    epoch_key: bytes,
    epoch: str,
    nonce: bytes,
    tenant: str,
    subject: UUID,
    version: int,
) -> bytes:
    beside = b"gdprkit/wrap/v1\x00" + length_prefixed(tenant) + length_prefixed(subject)
    beside += struct.pack(">I", version) + epoch.encode()
    return nonce + aes_gcm(epoch_key, nonce, subject_key, beside)


def wrapped_epoch(
    epoch_key: bytes, *, root: bytes, root_id: str, nonce: bytes, context: dict[str, str]
) -> bytes:
    head = b"\x01" + bytes([len(root_id)]) + root_id.encode()
    beside = b"gdprkit/root/v1\x00" + head + struct.pack(">I", len(context))
    for name, value in sorted(context.items()):
        beside += length_prefixed(name) + length_prefixed(value)
    return head + nonce + aes_gcm(root, nonce, epoch_key, beside)


def mark(index_epoch_key: bytes, subject: UUID) -> bytes:
    key = hkdf_expand(index_epoch_key, b"gdprkit/tombstone/v1\x00", 32)
    return hmac.digest(key, subject.bytes, "sha256")


def term(
    index_epoch_key: bytes,
    *,
    epoch: int,
    tenant: str,
    name: str,
    normaliser: str,
    normal: list[str],
) -> bytes:
    """A look-up term of values that are normalised already; several make a compound one."""
    info = b"gdprkit/index/v1\x00" + length_prefixed(tenant) + length_prefixed(name)
    info += length_prefixed(normaliser) + length_prefixed("hmac-sha256") + struct.pack(">I", 128)
    message = b"".join(length_prefixed(part) for part in normal)
    if len(normal) > 1:
        message = struct.pack(">I", len(normal)) + message
    digest = hmac.digest(hkdf_expand(index_epoch_key, info, 32), message, "sha256")
    return struct.pack(">I", epoch) + digest[:16]
