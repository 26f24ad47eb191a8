"""Small values to fill a store with, for the contract of stores.

Everything is made of numbers, so a failing test reads the same on every machine; nothing here is
about anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from gdprkit.ledger.chain import genesis, link
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyRow, KeyState, Tombstone
from gdprkit.storage.protocol import (
    Batch,
    LineTombstone,
    Marks,
    Store,
    StoredEntry,
    StoredStanding,
)
from gdprkit.words.identifiers import Slot, SubjectId
from gdprkit.words.vocabulary import ErasureReason

__all__ = [
    "START",
    "continued",
    "epoch_row",
    "follow",
    "hashed",
    "key_row",
    "line_tombstone",
    "moment",
    "person",
    "picture",
    "slot",
    "tombstone",
]

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment that ``moment(0)`` gives."""


def moment(minutes: int) -> datetime:
    """Return the moment *minutes* after ``START``."""
    return START + timedelta(minutes=minutes)


def person(number: int) -> SubjectId:
    """Return a subject id; greater numbers, up to 65535, give greater ids."""
    return SubjectId(UUID(int=number << 112 | 0x4000_8000_0000_0000_0000, version=4))


def slot(number: int) -> Slot:
    """Return a slot."""
    return Slot(UUID(int=number, version=4))


def hashed(text: str) -> bytes:
    """Return 32 bytes that stand for *text*."""
    return sha256(text.encode()).digest()


def continued(
    about: SubjectId,
    position: int,
    head: bytes,
    bodies: Iterable[bytes],
    *,
    key: bytes | None = None,
    marks: Marks | None = None,
) -> Batch:
    """Return a batch whose entries follow *position* and *head*; the first one bears *key*."""
    entries: list[StoredEntry] = []
    digest = head
    for number, body in enumerate(bodies, start=position + 1):
        digest = link(digest, body)
        bears = key if not entries else None
        entries.append(StoredEntry(position=number, body=body, digest=digest, key=bears))
    end = position + len(entries)
    state = b"state at %d" % end
    return Batch(
        about=about,
        expected=position,
        entries=entries,
        standing=StoredStanding(about=about, position=end, head=digest, fold=1, state=state),
        marks=marks or Marks(),
    )


def follow(
    store: Store,
    about: SubjectId,
    *bodies: bytes,
    key: bytes | None = None,
    marks: Marks | None = None,
) -> Batch:
    """Return a batch that goes on where the person's line ends in *store* now."""
    last = store.standing(about)
    position, head = (
        (0, genesis(store.tenant, about)) if last is None else (last.position, last.head)
    )
    return continued(about, position, head, bodies, key=key, marks=marks)


def key_row(about: SubjectId, version: int = 1, wrapped: bytes = b"wrapped") -> KeyRow:
    """Return a key row that opens nothing."""
    return KeyRow(
        about=about,
        version=version,
        key_id=bytes([version]) * 20,
        kek_id="k1",
        wrapped=wrapped,
        state=KeyState.ACTIVE,
        created=START,
    )


def epoch_row(epoch: str, kind: EpochKind = EpochKind.KEK, wrapped: bytes = b"root") -> EpochRow:
    """Return an epoch row that opens nothing."""
    return EpochRow(
        kind=kind,
        epoch=epoch,
        provider_key="root",
        wrapped=wrapped,
        state=KeyState.ACTIVE,
        created=START,
    )


def tombstone(mark: bytes, reference: str = "case 1") -> Tombstone:
    """Return the record of a shredding."""
    return Tombstone(
        mark=mark,
        erased_at=moment(5),
        reason=ErasureReason.CONSENT_WITHDRAWN,
        reference=reference,
        key_ids=(b"\x01" * 20, b"\x02" * 20),
    )


def line_tombstone(store: Store, about: SubjectId) -> LineTombstone:
    """Return the tombstone that fits the end of a line that *store* has."""
    last = store.standing(about)
    assert last is not None, "the person has no line"
    return LineTombstone(position=last.position, head=last.head, at=moment(9))


def picture(store: Store, people: Iterable[SubjectId]) -> list[object]:
    """Return everything a store tells about *people*, comparable before and after."""
    shown: list[object] = [list(store.people()), list(store.waking(moment(10**6), limit=10**6))]
    for about in people:
        shown += [
            store.standing(about),
            list(store.line(about)),
            dict(store.values(about, [slot(number) for number in range(20)])),
            list(store.keys(about)),
            store.expunged(about),
        ]
    return shown
