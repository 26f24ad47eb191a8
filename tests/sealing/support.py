"""What the tests of sealing share: a key store in a dict, fictional people, counted randomness."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import attrs

from gdprkit.errors import PositionTaken
from gdprkit.sealing.canonical import Component
from gdprkit.sealing.envelope import SealedField, seal, seal_many, unseal, unseal_many
from gdprkit.sealing.keys import SubjectKeys, SubjectKeyVersions
from gdprkit.sealing.opened_keys import SubjectKey
from gdprkit.sealing.providers import KeyProvider, MemoryProvider
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyRow, KeyState, Tombstone, destroyed
from gdprkit.storage.guards import check_keys
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import ErasureReason

ANNA = SubjectId(UUID("6f1c9a52-7b1e-4c3d-9a57-0d4f3f1e2a10"))
BERT = SubjectId(UUID("0a8e21c4-53f7-4d9b-8c60-b1f2a3c4d5e6"))
AT = datetime(2026, 3, 31, 9, 0, tzinfo=UTC)
ROOT = bytes(range(100, 132))
RECORD = UUID("11111111-2222-4333-8444-555555555555")
SHRED: dict[str, Any] = {
    "at": AT,
    "reason": ErasureReason.CONSENT_WITHDRAWN,
    "reference": "case-7",
}


class DictStore:
    """A key store as plain as can be; what a batch of the real stores would do is in ``put``."""

    def __init__(self) -> None:
        self.rows: dict[SubjectId, list[KeyRow]] = {}
        self.graves: dict[bytes, Tombstone] = {}
        self.epoch_rows: list[EpochRow] = []
        self.reads = 0

    def keys(self, about: SubjectId) -> Sequence[KeyRow]:
        self.reads += 1
        return tuple(self.rows.get(about, ()))

    def keys_of(self, people: Iterable[SubjectId]) -> Mapping[SubjectId, Sequence[KeyRow]]:
        return {about: rows for about in people if (rows := self.keys(about))}

    def tombstone(self, mark: bytes) -> Tombstone | None:
        return self.graves.get(mark)

    def tombstones_of(self, marks: Iterable[bytes]) -> Mapping[bytes, Tombstone]:
        return {mark: self.graves[mark] for mark in marks if mark in self.graves}

    def tombstones(self) -> Sequence[Tombstone]:
        return sorted(self.graves.values(), key=lambda row: (row.erased_at, row.mark))

    def add_tombstone(self, tombstone: Tombstone) -> None:
        self.graves.setdefault(tombstone.mark, tombstone)

    def epochs(self) -> Sequence[EpochRow]:
        return tuple(self.epoch_rows)

    def add_epoch(self, row: EpochRow) -> None:
        if not any((kept.kind, kept.epoch) == (row.kind, row.epoch) for kept in self.epoch_rows):
            self.epoch_rows.append(row)

    def key_rows(
        self,
        *,
        kek: str | None = None,
        after: tuple[SubjectId, int] | None = None,
        limit: int,
    ) -> Sequence[KeyRow]:
        rows = (row for about in sorted(self.rows) for row in self.rows[about])
        behind = [row for row in rows if after is None or (row.about, row.version) > after]
        return [row for row in behind if kek in (None, row.kek_id)][:limit]

    def replace_keys(self, changes: Sequence[tuple[KeyRow, KeyRow]]) -> int:
        check_keys((new for _, new in changes), self.epochs())
        fresh = [(old, new) for old, new in changes if old in self.rows.get(old.about, ())]
        for old, new in fresh:
            rows = self.rows[old.about]
            rows[rows.index(old)] = new
        return len(fresh)

    def replace_epoch(self, old: EpochRow, new: EpochRow) -> bool:
        same = old in self.epoch_rows
        if same:
            self.epoch_rows[self.epoch_rows.index(old)] = new
        return same

    def destroy_epoch(self, row: EpochRow) -> bool:
        gone = destroyed(row)
        return not self.hanging().get(row.epoch) and self.replace_epoch(row, gone)

    def hanging(self) -> Mapping[str, int]:
        found = {r.epoch: 0 for r in self.epoch_rows if r.kind is not EpochKind.LASTING}
        for rows in self.rows.values():
            for row in rows:
                if row.state is not KeyState.DESTROYED and row.kek_id in found:
                    found[row.kek_id] += 1
        return found

    def put(self, row: KeyRow) -> None:
        """Store a new version; a second one of the same number is refused."""
        rows = self.rows.setdefault(row.about, [])
        if any(kept.version == row.version for kept in rows):
            raise PositionTaken(row.about, row.version)
        rows.append(row)

    def replace(self, row: KeyRow, **changes: Any) -> KeyRow:
        """Put a changed row in the place of *row*: damage, or a rotation."""
        changed = attrs.evolve(row, **changes)
        rows = self.rows[row.about]
        rows[rows.index(row)] = changed
        return changed

    def shred(self, about: SubjectId, tombstone: Tombstone) -> None:
        """Delete every key of the person and keep the first tombstone."""
        self.rows.pop(about, None)
        self.graves.setdefault(tombstone.mark, tombstone)


def make_keys(
    store: DictStore, *, provider: KeyProvider | None = None, tenant: str = "main", **more: Any
) -> SubjectKeys:
    """Return the keys of a tenant under the root key that all tests share."""
    return SubjectKeys(provider or MemoryProvider(ROOT), store, tenant=tenant, **more)


def add_person(keys: SubjectKeys, store: DictStore, about: SubjectId = ANNA) -> SubjectKeyVersions:
    """Make, store and open a person's key."""
    _, row = keys.create(about, at=AT)
    store.put(row)
    keys.forget(about)
    return keys.of(about)


def rotate(keys: SubjectKeys, store: DictStore, about: SubjectId = ANNA) -> KeyRow:
    """Store the person's next version as a batch does: the row before it is retired."""
    _, row = keys.create(about, at=AT, version=len(store.rows[about]) + 1)
    store.replace(store.rows[about][-1], state=KeyState.RETIRED)
    store.put(row)
    keys.forget(about)
    return row


def place(
    field: Component = "email",
    record_type: Component = "vault",
    revision: Component | None = None,
    **more: Any,
) -> SealedField:
    """Return a declared field; one with a revision declares it."""
    return SealedField(record_type, field, revisioned=revision is not None, **more)


def enc(
    value: object,
    key: SubjectKey,
    record_id: Component = RECORD,
    *,
    revision: Component | None = None,
    random: Callable[[int], bytes] = os.urandom,
    **more: Any,
) -> bytes:
    """Seal a value where Anna's e-mail address belongs, or elsewhere: ``enc(s, r, f, v)``."""
    return seal(value, place(revision=revision, **more), record_id, key, revision, random)


def dec(
    envelope: Any,
    keys: SubjectKeyVersions,
    record_id: Component = RECORD,
    *,
    revision: Component | None = None,
    **more: Any,
) -> object:
    """Open what ``enc`` sealed: ``dec(s, r, f, blob)``."""
    return unseal(envelope, place(revision=revision, **more), record_id, keys, revision)


def enc_many(
    items: Iterable[tuple[object, Component, Component]],
    key: SubjectKey,
    record_type: Component = "vault",
    random: Callable[[int], bytes] = os.urandom,
) -> list[bytes]:
    """Seal triples of value, record id and field."""
    return seal_many([(v, place(f, record_type), r) for v, r, f in items], key, random)


def dec_many(
    items: Iterable[tuple[Any, Component, Component]],
    keys: SubjectKeyVersions,
    record_type: Component = "vault",
) -> list[object]:
    """Open triples of envelope, record id and field."""
    return unseal_many([(e, place(f, record_type), r) for e, r, f in items], keys)


def counted(seed: bytes) -> Callable[[int], bytes]:
    """Return a source of bytes that look random and are the same in each run."""
    drawn = 0

    def draw(size: int) -> bytes:
        nonlocal drawn
        out = b""
        while len(out) < size:
            out += sha256(seed + drawn.to_bytes(8, "big")).digest()
            drawn += 1
        return out[:size]

    return draw


class Clock:
    """Seconds that go forward only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
