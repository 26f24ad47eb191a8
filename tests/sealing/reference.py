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


def cipher_key_and_id(subject_key: bytes, tenant: str, subject: UUID) -> tuple[bytes, bytes]:
    info = b"gdprkit/dek/v1\x00" + length_prefixed(tenant) + length_prefixed(subject)
    derived = hkdf_expand(subject_key, info, 52)
    return derived[:32], derived[32:]


def envelope(
    plain: bytes, *, subject_key: bytes, nonce: bytes, parts: tuple[Part, Part, Part, Part, Part]
) -> bytes:
    """An envelope of *plain*; *parts* are tenant, subject, record id, record type and field."""
    tenant, subject = parts[:2]
    assert isinstance(tenant, str)
    assert isinstance(subject, UUID)
    key, key_id = cipher_key_and_id(subject_key, tenant, subject)
    header = b"\xf8\x01" + key_id
    beside = b"gdprkit/field/v1\x00" + header + b"".join(length_prefixed(part) for part in parts)
    return header + nonce + aes_gcm(key, nonce, plain, beside)


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
