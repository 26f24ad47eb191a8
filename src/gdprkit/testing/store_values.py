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

import attrs

from gdprkit.errors import AlreadyRecorded, LineExpunged, TokenSpent
from gdprkit.ledger.chain import genesis, link
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyRow, KeyState, Tombstone
from gdprkit.storage.protocol import (
    Batch,
    LineTombstone,
    Marks,
    Store,
    StoredEntry,
    StoredStanding,
    Suppression,
    VaultPut,
)
from gdprkit.words.identifiers import PurposeId, Slot, SubjectId
from gdprkit.words.vocabulary import Actor, Channel, ErasureReason

__all__ = [
    "START",
    "continued",
    "epoch_row",
    "filled",
    "follow",
    "hashed",
    "key_row",
    "line_tombstone",
    "moment",
    "person",
    "picture",
    "refuses_what_was_used",
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


def filled(store: Store) -> None:
    """Write something of everything into an empty *store*: into each place where data can lie.

    Persons 1 and 2 have lines with all that hangs on one, 3 was shredded, 4 was expunged.
    """
    for row in (epoch_row("k1"), epoch_row("k2"), epoch_row("i1", EpochKind.INDEX)):
        store.add_epoch(row)
    marks = Marks(wake_at=moment(3), tags={"news", "other"})
    batches = []
    for about in map(person, (1, 2, 3, 4)):
        batch = follow(store, about, b"one", b"two", key=hashed("act"), marks=marks)
        puts = [
            VaultPut(slot=slot(n), envelope=b"envelope %d" % n, terms=[b"term", b"t%d" % n])
            for n in (1, 2)
        ]
        keys = [attrs.evolve(key_row(about), state=KeyState.RETIRED), key_row(about, 2)]
        stops = [
            Suppression(
                hash=hashed("contact"),
                purpose=purpose,
                channels=channels,
                since=moment(1),
                author=Actor.SUBJECT,
            )
            for purpose in (None, PurposeId("news"))
            for channels in (frozenset[Channel](), frozenset({Channel.EMAIL, Channel.PHONE}))
        ]
        spend = [b"token", about.bytes]
        batches.append(attrs.evolve(batch, puts=puts, keys=keys, suppress=stops, spend=spend))
    end = batches[2].standing
    erased = continued(end.about, end.position, end.head, [b"erased"], marks=marks)
    store.commit(*batches, attrs.evolve(erased, shred=tombstone(hashed("mark"))))
    store.expunge(person(4), line_tombstone(store, person(4)))


def picture(store: Store, people: Iterable[SubjectId] = ()) -> dict[str, object]:
    """Return everything a store tells, comparable before and after.

    Of *people*, and of persons 1 to 5, it asks one by one; of everybody through the iterators.
    """
    shown: dict[str, object] = {
        "people": list(store.people()),
        "waking": list(store.waking(moment(10**6), limit=10**6)),
        "tagged": {tag: list(store.tagged(tag)) for tag in ("news", "other", "t")},
        "ends": list(store.ends()),
        "lines": list(store.lines()),
        "marks": list(store.marks()),
        "expunged": list(store.expunged_lines()),
        "suppressions": list(store.suppressions()),
        "suppressed": dict(store.suppressed([hashed("contact"), hashed("h")])),
        "find": dict(store.find([b"term", b"t1", b"t2", b"new"])),
        "tombstones": list(store.tombstones()),
        "epochs": list(store.epochs()),
        "hanging": dict(store.hanging()),
        "key rows": list(store.key_rows(limit=10**6)),
    }
    asked = {*people, *(person(number) for number in range(1, 6))}
    places = {about: [slot(number) for number in range(20)] for about in asked}
    shown["values of"] = {about: dict(kept) for about, kept in store.values_of(places).items()}
    shown["keys of"] = {about: list(rows) for about, rows in store.keys_of(asked).items()}
    shown["tombstones of"] = dict(store.tombstones_of([hashed("mark"), hashed("h")]))
    for about in asked:
        shown[str(about)] = [
            store.standing(about),
            list(store.line(about)),
            dict(store.values(about, [slot(number) for number in range(20)])),
            dict(store.terms(about)),
            list(store.keys(about)),
            store.receipt(about, hashed("act")),
            store.expunged(about),
        ]
    return shown


def refuses_what_was_used(store: Store) -> None:
    """Assert that what ``filled`` has used up is refused: a token, an act, an expunged line."""
    one = person(1)
    before = picture(store)
    for batch, error in (
        (attrs.evolve(follow(store, one, b"x"), spend=[b"token"]), TokenSpent),
        (attrs.evolve(follow(store, one, b"x"), spend=[one.bytes]), TokenSpent),
        (follow(store, one, b"x", key=hashed("act")), AlreadyRecorded),
        (continued(person(4), 2, hashed("head"), [b"x"]), LineExpunged),
        (follow(store, person(4), b"anew"), LineExpunged),
    ):
        try:
            store.commit(batch)
        except error:
            assert picture(store) == before, "a refused batch left something"
        else:
            raise AssertionError(f"{error.__name__} was not raised")
