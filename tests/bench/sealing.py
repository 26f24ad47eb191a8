"""Figures of field-level encryption: sealing, opening, one look-up term, the bytes added.

The baseline is the cipher itself: a prepared AES-256-GCM object of ``cryptography`` on the same
bytes with the same bytes authenticated and a nonce that stands still, and its HMAC object copied.
No library that draws nonces and names keys can be faster than that.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from tests.bench.people import NOW
from tests.bench.timing import Case, Figure, Job, measure, ratio, value

from gdprkit import Keyring
from gdprkit.sealing.canonical import lp
from gdprkit.sealing.envelope import Context, seal, unseal
from gdprkit.sealing.index import IndexSpec
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.roots import IndexRoot
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyState
from gdprkit.storage import MemoryStore
from gdprkit.words.identifiers import SubjectId

__all__ = ["bench_sealing"]

_ABOUT: Final = SubjectId(UUID("6f1c9a52-7b1e-4c3d-9a57-0d4f3f1e2a10"))
_SLOT: Final = UUID("11111111-2222-4333-8444-555555555555")
_TEXT: Final = "contact.12345.longer@example.com"  # 32 bytes
_ADDRESS: Final = "Contact.12345@Example.com"
_EPOCH: Final = EpochRow(
    kind=EpochKind.INDEX,
    epoch="i1",
    provider_key="-",
    wrapped=b"-",
    state=KeyState.ACTIVE,
    created=NOW,
)


def bench_sealing(folder: Path, rounds: int, per_job: int) -> list[Figure]:
    """Measure sealing, opening and looking up, each against the bare cipher or hash."""
    keys = SubjectKeys(Keyring.create(folder / "sealing.key"), MemoryStore(), tenant="main")
    versions, _ = keys.create(_ABOUT, at=NOW)
    key = versions.newest
    spec = IndexSpec(name="lookup/email", normalisers="email-v1")
    index = IndexRoot(_EPOCH, bytes(range(32))).index(spec, tenant=lp("main"))

    def place() -> Context:
        return Context(
            tenant="main", subject=_ABOUT, record_id=_SLOT, record_type="customer", field="email"
        )

    def sealed() -> bytes:
        return seal(_TEXT, key=key, context=place())

    envelope = sealed()
    if unseal(envelope, keys=versions, context=place()) != _TEXT:
        raise AssertionError("what was sealed does not open")
    cipher, nonce, mac = AESGCM(bytes(range(32))), bytes(12), HMAC(bytes(range(32)), SHA256())
    plain, beside = b"\1" + _TEXT.encode(), bytes(_beside(place()))
    hidden = cipher.encrypt(nonce, plain, beside)
    message = _ADDRESS.lower().encode()

    def bare_term(message: bytes) -> bytes:
        copy = mac.copy()
        copy.update(message)
        return copy.finalize()

    pairs: dict[str, tuple[Callable[[], object], Callable[[], object], str]] = {
        "seal.single": (
            sealed,
            lambda: cipher.encrypt(nonce, plain, beside),
            "a prepared AESGCM.encrypt of the same 32 bytes with a fixed nonce, nothing around it",
        ),
        "open.single": (
            lambda: unseal(envelope, keys=versions, context=place()),
            lambda: cipher.decrypt(nonce, hidden, beside),
            "a prepared AESGCM.decrypt of the same 32 bytes, nothing around it",
        ),
        "index": (
            lambda: index.term(_ADDRESS),
            lambda: bare_term(message),
            "a kept HMAC-SHA-256 object copied, of an address that is normal already",
        ),
    }
    cases = [
        Case(name=f"{side}.{name}", items=per_job, prepare=_repeat(do, per_job))
        for name, (one, other, _) in pairs.items()
        for side, do in (("ours", one), ("bare", other))
    ]
    samples = measure(cases, rounds)
    figures = [
        ratio(name, samples[f"ours.{name}"], samples[f"bare.{name}"], words)
        for name, (_, _, words) in pairs.items()
    ]
    return [*figures, value("overhead", len(envelope) - len(_TEXT.encode()), "bytes")]


def _beside(context: Context) -> int:
    """Return how many bytes ours authenticates beside the value: magic, header and context."""
    return len(b"gdprkit/field/v1\0") + 22 + len(context._bound)


def _repeat(do: Callable[[], object], times: int) -> Callable[[], Job]:
    def job() -> None:
        for _ in range(times):
            do()

    return lambda: job
