"""What a store must know, as plain dicts: the other side of the state machine.

Decides which refusals a commit may meet and what is there after it, written as shortly as the
promises of ``Store`` and ``KeyStore`` can be. It leaves out order, spans, pages and everything that
can go wrong: a dict has none of it. Always true: it learns nothing from the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import final

import attrs

from gdprkit.errors import AlreadyRecorded, LineExpunged, PositionTaken, TokenSpent
from gdprkit.sealing.errors import KeyDestroyed, KeyEpochDestroyed
from gdprkit.sealing.rows import (
    EpochKind,
    EpochRow,
    KeyRow,
    KeyState,
    Tombstone,
    destroyed,
    term_prefix,
)
from gdprkit.storage.protocol import (
    Batch,
    LineTombstone,
    Marks,
    StoredEntry,
    StoredStanding,
    Suppression,
    VaultPut,
)
from gdprkit.words.identifiers import Slot, SubjectId

__all__ = ["Known", "Model"]


@final
@attrs.define
class Known:
    """What is known about one person."""

    line: list[StoredEntry] = attrs.Factory(list)
    standing: StoredStanding | None = None
    marks: Marks = attrs.field(factory=Marks)
    puts: dict[Slot, VaultPut] = attrs.Factory(dict)
    keys: dict[int, KeyRow] = attrs.Factory(dict)
    tokens: set[bytes] = attrs.Factory(set)
    gone: LineTombstone | None = None

    @property
    def end(self) -> tuple[int, bytes]:
        """Where the line ends."""
        return (0, b"") if self.standing is None else (self.standing.position, self.standing.head)

    @property
    def receipts(self) -> dict[bytes, int]:
        """The positions of entries by idempotency key."""
        return {entry.key: entry.position for entry in self.line if entry.key is not None}


@final
@attrs.define
class Model:
    """What is known of everything."""

    people: dict[SubjectId, Known]
    suppressed: dict[tuple[bytes, tuple[str, str, str, str]], Suppression] = attrs.Factory(dict)
    tombstones: dict[bytes, Tombstone] = attrs.Factory(dict)
    epochs: dict[tuple[EpochKind, str], EpochRow] = attrs.Factory(dict)

    def refusals(self, batches: Sequence[Batch]) -> set[type[Exception]]:
        """Return every refusal that a commit gives a reason for; the store names one of them."""
        found: set[type[Exception]] = set()
        trial = deepcopy(self.people)
        for batch in batches:
            found |= self._refusals(batch, trial[batch.about])
            _learn(trial[batch.about], batch)
        return found

    def commit(self, batches: Sequence[Batch]) -> None:
        """Carry out a commit that is not refused."""
        for batch in batches:
            _learn(self.people[batch.about], batch)
            if batch.shred is not None:
                self.tombstones.setdefault(batch.shred.mark, batch.shred)
            for row in batch.suppress:
                old = self.suppressed.get((row.hash, row.scope))
                if old is None or row.since > old.since:
                    self.suppressed[row.hash, row.scope] = row

    def expunge(self, about: SubjectId, tombstone: LineTombstone) -> bool:
        """Carry out an expunging, or return False where it is refused."""
        known = self.people[about]
        if known.gone is not None:
            return True
        if known.standing is None or known.end != (tombstone.position, tombstone.head):
            return False
        self.people[about] = Known(gone=tombstone)
        return True

    def replace_keys(self, changes: Sequence[tuple[KeyRow, KeyRow]]) -> int | None:
        """Replace rows and return how many, or None where it is refused."""
        if any(self._is_homeless(new) for _, new in changes):
            return None
        count = 0
        for old, new in changes:
            kept = self.people[old.about].keys
            if kept.get(old.version) == old:
                kept[old.version] = new
                count += 1
        return count

    def destroy_epoch(self, row: EpochRow) -> bool:
        """Destroy an epoch, or return False where something hangs on it."""
        if self.epochs.get((row.kind, row.epoch)) != row or self.hanging()[row.epoch]:
            return False
        self.epochs[row.kind, row.epoch] = destroyed(row)
        return True

    def hanging(self) -> dict[str, int]:
        """Return how much hangs on each epoch."""
        found: dict[str, int] = {}
        for row in self.epochs.values():
            if row.kind is EpochKind.KEK:
                found[row.epoch] = sum(
                    key.kek_id == row.epoch and key.state is not KeyState.DESTROYED
                    for known in self.people.values()
                    for key in known.keys.values()
                )
            elif row.kind is EpochKind.INDEX:
                found[row.epoch] = sum(
                    term.startswith(term_prefix(row))
                    for known in self.people.values()
                    for put in known.puts.values()
                    for term in set(put.terms)
                )
        return found

    def _refusals(self, batch: Batch, known: Known) -> set[type[Exception]]:
        found: set[type[Exception]] = set()
        if known.gone is not None:
            found.add(LineExpunged)
        position, head = known.end
        is_stale = position != batch.expected
        if is_stale or (not batch.entries and head != batch.standing.head):
            found.add(PositionTaken)
        if {entry.key for entry in batch.entries} & set(known.receipts):
            found.add(AlreadyRecorded)
        if known.tokens & set(batch.spend):
            found.add(TokenSpent)
        if any(self._is_homeless(row) for row in batch.keys) or any(
            term.startswith(term_prefix(row))
            for row in self.epochs.values()
            if row.kind is EpochKind.INDEX and row.state is KeyState.DESTROYED
            for put in batch.puts
            for term in put.terms
        ):
            found.add(KeyEpochDestroyed)
        # what was destroyed before this commit, and by an earlier batch of it
        rows = (*self.people[batch.about].keys.values(), *known.keys.values())
        dead = {row.key_id for row in rows if row.state is KeyState.DESTROYED}
        if any(put.envelope[2:22] in dead for put in batch.puts):
            found.add(KeyDestroyed)
        return found

    def _is_homeless(self, row: KeyRow) -> bool:
        """Whether the epoch of a key row that needs one is gone or was never there."""
        epoch = self.epochs.get((EpochKind.KEK, row.kek_id))
        has_none = epoch is None or epoch.state is KeyState.DESTROYED
        return row.state is not KeyState.DESTROYED and has_none


def _learn(known: Known, batch: Batch) -> None:
    known.line += batch.entries
    known.standing = batch.standing
    known.marks = batch.marks
    known.tokens |= set(batch.spend)
    if batch.shred is not None:
        known.puts.clear()
        known.keys.clear()
    for slot in batch.deletes:
        known.puts.pop(slot, None)
    known.puts.update((put.slot, put) for put in batch.puts)
    known.keys.update((row.version, row) for row in batch.keys)
    if (flags := batch.flags) is not None:
        for version, row in known.keys.items():
            known.keys[version] = attrs.evolve(
                row, restricted=flags.restricted, on_hold=flags.on_hold
            )
