"""Figures of field-level encryption: sealing, opening, one look-up term, the bytes added.

The baseline is the cipher itself: a prepared AES-256-GCM object of ``cryptography`` on the same
bytes with the same bytes authenticated and a nonce that stands still, and its HMAC object copied.
No library that draws nonces and names keys can be as fast. Ratios are the baseline's time by ours,
so 1 would be as fast as the bare cipher, and 0.5 half as fast.

- ``single``: one field of a record after the other, with the person's key at hand.
- ``batch20``: twenty fields of one record in one call; ``batch20.naive`` is held against twenty
  calls that draw a nonce each and put it in front.
- ``bulk``: 10,000 people with 8 fields each in one record, through ``SealedFields``: cold, with
  every key unwrapped out of a key store in memory, and warm, with every key open.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import attrs
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from tests.bench.people import NOW
from tests.bench.timing import Case, Figure, Job, measure, speed, value
from tests.sealing.support import DictStore

from gdprkit import Keyring
from gdprkit.sealing.canonical import lp
from gdprkit.sealing.envelope import SealedField, seal, seal_many, unseal, unseal_many
from gdprkit.sealing.fields import SealedFields
from gdprkit.sealing.index import IndexSpec
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.opened_keys import SubjectKey
from gdprkit.sealing.plaintext import encode
from gdprkit.sealing.providers import KeyProvider
from gdprkit.sealing.roots import IndexRoot
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyState
from gdprkit.sealing.settings import KeySettings
from gdprkit.words.identifiers import SubjectId

__all__ = ["bench_sealing"]

_ABOUT: Final = SubjectId(UUID("6f1c9a52-7b1e-4c3d-9a57-0d4f3f1e2a10"))
_RECORD: Final = UUID("11111111-2222-4333-8444-555555555555")
_TEXT: Final = "contact.12345.longer@example.com"  # 32 bytes
_ADDRESS: Final = "Contact.12345@Example.com"
_BATCH: Final = 20
_PEOPLE: Final = 10_000
_FIELDS: Final = 8
_PER_JOB: Final = 5000  # long enough for caches and branch predictors to settle, as in bulk work
_PEERS: Final = 500  # people for the bulk figures of the others, which would take minutes

_FIELD: Final = SealedField("customer", "email")
_BARE: Final = "a prepared AESGCM of the same bytes with a fixed nonce, nothing around it"
_EPOCH: Final = EpochRow(
    kind=EpochKind.INDEX,
    epoch="i1",
    provider_key="-",
    wrapped=b"-",
    state=KeyState.ACTIVE,
    created=NOW,
)


@attrs.frozen(kw_only=True)
class Pair:
    """A way of doing a duty and what it is held against; each does *items* of it in a call."""

    ours: Callable[[], object]
    bare: Callable[[], object]
    items: int = 1
    words: str = _BARE
    repeat: bool = True
    before: Callable[[], object] = lambda: None  # not timed


def bench_sealing(folder: Path, rounds: int, wanted: AbstractSet[str]) -> list[Figure]:
    """Measure what is wanted of sealing, opening and looking up, against bare cipher or hash."""
    pairs = {name: pair for name, pair in _pairs(folder, wanted).items() if name in wanted}
    cases = [
        Case(
            name=f"{side}.{name}",
            items=pair.items * (times := _PER_JOB // pair.items if pair.repeat else 1),
            prepare=_repeat(do, times, pair.before),
        )
        for name, pair in pairs.items()
        for side, do in (("ours", pair.ours), ("bare", pair.bare))
    ]
    samples = measure(cases, rounds)
    figures = [
        speed(name, samples[f"ours.{name}"], samples[f"bare.{name}"], pair.words)
        for name, pair in pairs.items()
    ]
    (key,) = SubjectKey.derive(bytes(32), version=1, owner=b"")
    added = len(seal(_TEXT, _FIELD, _RECORD, key)) - len(encode(_TEXT))
    figures.append(value("overhead", added, "bytes; one more tells the type of the value"))
    return [*figures, *_overheads()]


def _pairs(folder: Path, wanted: AbstractSet[str]) -> dict[str, Pair]:
    store = DictStore()
    settings = KeySettings(capacity=_PEOPLE)
    provider = Keyring.create(folder / "sealing.key")
    keys = SubjectKeys(provider, store, tenant="main", settings=settings)
    _, row = keys.create(_ABOUT, at=NOW)
    store.put(row)
    versions = keys.of(_ABOUT)
    key = versions.newest
    spec = IndexSpec(name="lookup/email", normalisers="email-v1")
    index = IndexRoot(_EPOCH, bytes(range(32))).index(spec, tenant=lp("main"))
    cipher, mac = AESGCM(bytes(range(32))), HMAC(bytes(range(32)), SHA256())
    encrypt, decrypt = cipher.encrypt, cipher.decrypt
    nonce, plain = bytes(12), b"\2" + _TEXT.encode()
    beside = key._bound(_RECORD) + _FIELD._bound
    hidden = encrypt(nonce, plain, beside)
    envelope = seal(_TEXT, _FIELD, _RECORD, key)
    if unseal(envelope, _FIELD, _RECORD, versions) != _TEXT:
        raise AssertionError("what was sealed does not open")
    values = [(_TEXT, _FIELD, _RECORD)] * _BATCH
    envelopes = [(each, _FIELD, _RECORD) for each in seal_many(values, key)]
    message = _ADDRESS.lower().encode()

    def bare_seals() -> None:
        for _ in range(_BATCH):
            encrypt(nonce, plain, beside)

    def bare_opens() -> None:
        for _ in range(_BATCH):
            decrypt(nonce, hidden, beside)

    def naive() -> None:
        for _ in range(_BATCH):
            fresh = os.urandom(12)
            fresh + encrypt(fresh, plain, beside)

    def bare_term() -> bytes:
        copy = mac.copy()
        copy.update(message)
        return copy.finalize()

    pairs = {
        "seal.single": Pair(
            ours=lambda: seal(_TEXT, _FIELD, _RECORD, key),
            bare=lambda: encrypt(nonce, plain, beside),
        ),
        "open.single": Pair(
            ours=lambda: unseal(envelope, _FIELD, _RECORD, versions),
            bare=lambda: decrypt(nonce, hidden, beside),
        ),
        "seal.batch20": Pair(ours=lambda: seal_many(values, key), bare=bare_seals, items=_BATCH),
        "open.batch20": Pair(
            ours=lambda: unseal_many(envelopes, versions), bare=bare_opens, items=_BATCH
        ),
        "seal.batch20.naive": Pair(
            ours=lambda: seal_many(values, key),
            bare=naive,
            items=_BATCH,
            words="the same, each with its own os.urandom(12) and that in front",
        ),
        "index": Pair(
            ours=lambda: index.term(_ADDRESS),
            bare=bare_term,
            words="a kept HMAC-SHA-256 object copied, of an address that is normal already",
        ),
    }
    if any("bulk" in name for name in wanted):
        pairs |= _bulk(provider, keys, store)
    for peer in ("fernet", "tink"):
        if any(name.endswith(peer) for name in wanted):
            pairs |= _peers(peer)
    return pairs


def _bulk(provider: KeyProvider, keys: SubjectKeys, store: DictStore) -> dict[str, Pair]:
    people = [SubjectId(UUID(int=number)) for number in range(1, _PEOPLE + 1)]
    for about in people:
        _, row = keys.create(about, at=NOW)
        store.put(row)
    warm = SealedFields(keys)
    # a process that keeps a thousand keys open, as many as it does by default
    cold_keys = SubjectKeys(provider, store, tenant="main")
    cold = SealedFields(cold_keys)
    records = [UUID(int=number << 64) for number in range(_PEOPLE)]
    declared = [SealedField("customer", f"field-{number}") for number in range(_FIELDS)]
    cipher = AESGCM(bytes(range(32))).encrypt
    nonce, plain = bytes(12), b"\2" + _TEXT.encode()
    beside = keys.of(people[0]).newest._bound(records[0]) + declared[0]._bound

    def sealing(fields: SealedFields) -> Callable[[], None]:
        def job() -> None:
            for about, record in zip(people, records, strict=True):
                fields.seal_many(about, [(_TEXT, field, record) for field in declared])

        return job

    def bare() -> None:
        for _ in range(_PEOPLE * _FIELDS):
            cipher(nonce, plain, beside)

    many = _PEOPLE * _FIELDS
    return {
        "seal.bulk.cold": Pair(
            ours=sealing(cold),
            bare=bare,
            items=many,
            repeat=False,
            before=cold_keys._cache._kept.clear,
        ),
        "seal.bulk.warm": Pair(ours=sealing(warm), bare=bare, items=many, repeat=False),
    }


@attrs.frozen(kw_only=True)
class Peer:
    """Another library: makes a key as it is stored, and opens it for use."""

    new: Callable[[], Any]
    opened: Callable[[Any], Any]
    seal: Callable[[Any, bytes, bytes], bytes]
    open: Callable[[Any, bytes, bytes], bytes]


def _fernet() -> Peer:
    return Peer(
        new=Fernet.generate_key,
        opened=Fernet,
        seal=lambda key, plain, _: key.encrypt(plain),
        open=lambda key, token, _: key.decrypt(token),
    )


def _tink() -> Peer | None:
    try:
        import tink
        from tink import aead
    except ImportError:
        return None
    aead.register()
    template = aead.aead_key_templates.AES256_GCM
    return Peer(
        new=lambda: tink.new_keyset_handle(template),
        opened=lambda handle: handle.primitive(aead.Aead),
        seal=lambda key, plain, beside: key.encrypt(plain, beside),
        open=lambda key, sealed, beside: key.decrypt(sealed, beside),
    )


_MAKERS: Final[Mapping[str, Callable[[], Peer | None]]] = {"fernet": _fernet, "tink": _tink}


def _peers(name: str) -> dict[str, Pair]:
    """Return the same duties done by another: no key id, and for Fernet nothing authenticated."""
    peer = _MAKERS[name]()
    if peer is None:
        return {}
    key = peer.opened(peer.new())
    cipher = AESGCM(bytes(range(32)))
    encrypt, decrypt = cipher.encrypt, cipher.decrypt
    plain, nonce, beside = _TEXT.encode(), bytes(12), bytes(110)
    token, hidden = peer.seal(key, plain, beside), encrypt(nonce, plain, beside)
    stored = [peer.new() for _ in range(_PEERS)]
    opened = [peer.opened(each) for each in stored]

    def sealed(keys: Sequence[Any]) -> Iterator[object]:
        return (peer.seal(each, plain, beside) for each in keys for _ in range(_FIELDS))

    def bare(times: int) -> Callable[[], object]:
        return lambda: [encrypt(nonce, plain, beside) for _ in range(times)]

    many = _PEERS * _FIELDS
    return {
        f"seal.single.{name}": Pair(
            ours=lambda: peer.seal(key, plain, beside), bare=lambda: encrypt(nonce, plain, beside)
        ),
        f"open.single.{name}": Pair(
            ours=lambda: peer.open(key, token, beside), bare=lambda: decrypt(nonce, hidden, beside)
        ),
        f"seal.batch20.{name}": Pair(
            ours=lambda: [peer.seal(key, plain, beside) for _ in range(_BATCH)],
            bare=bare(_BATCH),
            items=_BATCH,
        ),
        f"open.batch20.{name}": Pair(
            ours=lambda: [peer.open(key, token, beside) for _ in range(_BATCH)],
            bare=lambda: [decrypt(nonce, hidden, beside) for _ in range(_BATCH)],
            items=_BATCH,
        ),
        f"seal.bulk.cold.{name}": Pair(
            ours=lambda: list(sealed([peer.opened(each) for each in stored])),
            bare=bare(many),
            items=many,
            repeat=False,
        ),
        f"seal.bulk.warm.{name}": Pair(
            ours=lambda: list(sealed(opened)), bare=bare(many), items=many, repeat=False
        ),
    }


def _overheads() -> list[Figure]:
    plain = _TEXT.encode()
    figures = []
    for name, make in _MAKERS.items():
        peer = make()
        if peer is not None:
            added = len(peer.seal(peer.opened(peer.new()), plain, b"")) - len(plain)
            figures.append(value(f"overhead.{name}", added, "bytes"))
    return figures


def _repeat(
    do: Callable[[], object], times: int, before: Callable[[], object]
) -> Callable[[], Job]:
    def job() -> None:
        for _ in range(times):
            do()

    def prepare() -> Job:
        before()
        return job

    return prepare
