"""What a commit and an expunging do in SQL, over a thin port.

Decides the steps inside one transaction, the same for every database. Who begins and ends the
transaction stands outside: a store, or the host whose connection it was given.

Always true: every refusal is raised before or inside the transaction and never after it, so
rolling back leaves no trace; the end of every line is read under the writer's lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from gdprkit.errors import AlreadyRecorded, LineExpunged, PositionTaken, TokenSpent
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyRow, destroyed
from gdprkit.storage import reads
from gdprkit.storage import statements as sql
from gdprkit.storage.guards import check_batches, check_changes, check_keys, same_epoch
from gdprkit.storage.protocol import Batch, LineTombstone, Suppression, VaultPut
from gdprkit.storage.reads import Port
from gdprkit.storage.statements import SqlValue
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.moments import microseconds

__all__ = ["commit", "destroy_epoch", "expunge", "replace_epoch", "replace_keys"]


@attrs.define
class _End:
    """Where a line ends, as this transaction sees it."""

    position: int = 0
    head: bytes = b""
    tags: frozenset[str] = frozenset()  # those stored
    stored: bool = False  # the line has a row already


def commit(port: Port, tenant: str, batches: Sequence[Batch]) -> None:
    """Carry out ``Store.commit`` inside the transaction that *port* is in.

    Raises:
        PositionTaken: see the protocol, as for the others; the caller rolls back.
        AlreadyRecorded: see the protocol.
        TokenSpent: see the protocol.
        LineExpunged: see the protocol.
        KeyEpochDestroyed: see the protocol.
        KeyDestroyed: see the protocol.
    """
    check_batches(
        batches,
        lambda: reads.epochs(port.rows, tenant),
        lambda about: reads.destroyed_keys(port.rows, tenant, about),
    )
    ends = _ends(port, tenant, [batch.about for batch in batches])
    entries: list[Sequence[SqlValue]] = []
    receipts: set[tuple[bytes, bytes]] = set()
    last: dict[bytes, Batch] = {}
    for batch in batches:
        subject = batch.about.bytes
        _follow(ends[subject], batch)
        last[subject] = batch
        for entry in batch.entries:
            if entry.key is not None:
                _take_receipt(port, tenant, batch.about, entry.key, receipts)
            entries.append((tenant, subject, entry.position, entry.body, entry.digest, entry.key))
        if batch.puts or batch.deletes or batch.keys or batch.flags or batch.shred:
            _write_values(port, tenant, batch)
        if batch.suppress:
            _suppress(port, tenant, batch.suppress)
        for token in batch.spend:
            if not port.run(sql.SPEND, (tenant, subject, token)):
                raise TokenSpent
    if entries:
        port.many(sql.ENTRY_ADD, entries)
    _write_lines(port, tenant, ends, last)


def expunge(port: Port, tenant: str, about: SubjectId, tombstone: LineTombstone) -> None:
    """Carry out ``Store.expunge`` inside the transaction that *port* is in.

    Raises:
        PositionTaken: the line does not end where *tombstone* says.
    """
    whose = (tenant, about.bytes)
    if port.rows(sql.listed(sql.EXPUNGED, 1), whose):
        return
    found = port.rows(sql.listed(sql.LINE_END, 1), whose)
    if not found or (found[0][1], found[0][2]) != (tombstone.position, tombstone.head):
        raise PositionTaken(about, tombstone.position)
    # first the tombstone: the guard on entries lets go only of expunged lines
    values = (*whose, tombstone.position, tombstone.head, microseconds(tombstone.at))
    port.run(sql.EXPUNGED_ADD, values)
    for tag in found[0][3].split():
        port.run(sql.TAG_DROP, (*whose, tag))
    for statement in sql.EXPUNGE:
        port.run(statement, whose)


def replace_keys(port: Port, tenant: str, changes: Sequence[tuple[KeyRow, KeyRow]]) -> int:
    """Carry out ``KeyStore.replace_keys`` inside the transaction that *port* is in.

    Raises:
        KeyEpochDestroyed: see the protocol; the caller rolls back.
        InvalidValue: see the protocol.
    """
    check_changes(changes)
    check_keys((new for _, new in changes), lambda: reads.epochs(port.rows, tenant))
    return sum(port.run(sql.KEY_REPLACE, sql.key_change(tenant, *change)) for change in changes)


def replace_epoch(port: Port, tenant: str, old: EpochRow, new: EpochRow) -> bool:
    """Carry out ``KeyStore.replace_epoch`` inside the transaction that *port* is in.

    Raises:
        InvalidValue: see the protocol.
    """
    same_epoch(old, new)
    return bool(port.run(sql.EPOCH_REPLACE, sql.epoch_change(tenant, old, new)))


def destroy_epoch(port: Port, tenant: str, row: EpochRow) -> bool:
    """Carry out ``KeyStore.destroy_epoch`` inside the transaction that *port* is in.

    Raises:
        InvalidValue: see the protocol.
    """
    change = sql.epoch_change(tenant, row, destroyed(row))
    if row.kind is EpochKind.KEK:
        return bool(port.run(sql.EPOCH_DESTROY_KEK, (*change, tenant, row.epoch)))
    return bool(port.run(sql.EPOCH_DESTROY_INDEX, (*change, tenant, *reads.term_bounds(row))))


def _ends(port: Port, tenant: str, abouts: Sequence[SubjectId]) -> dict[bytes, _End]:
    """Read where the lines end; people without a line get an empty end, if not expunged."""
    ends: dict[bytes, _End] = {}
    for chunk in sql.chunks(about.bytes for about in abouts):
        for row in port.rows(sql.listed(sql.LINE_END, len(chunk)), (tenant, *chunk)):
            subject, position, head, tags = row
            marks = frozenset(tags.split())
            ends[subject] = _End(position=position, head=head, tags=marks, stored=True)
    new = [about.bytes for about in abouts if about.bytes not in ends]
    for chunk in sql.chunks(new):
        for row in port.rows(sql.listed(sql.EXPUNGED, len(chunk)), (tenant, *chunk)):
            raise LineExpunged(sql.subject_of(row[0]))
    ends.update((subject, _End()) for subject in new)
    return ends


def _follow(end: _End, batch: Batch) -> None:
    """Check that *batch* goes on where the line ends, and move the end."""
    stale = end.position != batch.expected
    if stale or (not batch.entries and end.head != batch.standing.head):
        raise PositionTaken(batch.about, batch.expected)
    end.position, end.head = batch.standing.position, batch.standing.head


def _take_receipt(
    port: Port, tenant: str, about: SubjectId, key: bytes, taken: set[tuple[bytes, bytes]]
) -> None:
    """Check that the idempotency key is new on the line, and remember it for this transaction."""
    whose = (about.bytes, key)
    if whose in taken or port.rows(sql.RECEIPT, (tenant, *whose)):
        raise AlreadyRecorded(about)
    taken.add(whose)


def _write_values(port: Port, tenant: str, batch: Batch) -> None:
    """Put and delete values, terms and keys; a shredding takes them all."""
    whose = (tenant, batch.about.bytes)
    if batch.shred is not None:
        for statement in sql.SHRED:
            port.run(statement, whose)
        port.run(sql.TOMBSTONE_ADD, sql.tombstone_values(tenant, batch.shred))
        return
    for slot in batch.deletes:
        port.run(sql.VALUE_DROP, (*whose, slot.bytes))
    touched = [(*whose, slot.bytes) for slot in batch.deletes]
    touched.extend((*whose, put.slot.bytes) for put in batch.puts)
    if touched:
        port.many(sql.TERM_DROP, touched)
    if batch.puts:
        port.many(sql.VALUE_PUT, [(*whose, put.slot.bytes, put.envelope) for put in batch.puts])
    if terms := [(*whose, *pair) for pair in _terms(batch.puts)]:
        port.many(sql.TERM_ADD, terms)
    if batch.keys:
        port.many(sql.KEY_PUT, [sql.key_values(tenant, row) for row in batch.keys])
    if (flags := batch.flags) is not None:
        port.run(sql.KEY_FLAGS, (int(flags.restricted), int(flags.on_hold), *whose))


def _terms(puts: Iterable[VaultPut]) -> Iterable[tuple[bytes, bytes]]:
    return ((put.slot.bytes, term) for put in puts for term in put.terms)


def _suppress(port: Port, tenant: str, rows: Iterable[Suppression]) -> None:
    """Put suppressions; a scope that is kept already takes the newer moment."""
    for row in rows:
        port.run(sql.SUPPRESS, sql.suppression_values(tenant, row))


def _write_lines(
    port: Port, tenant: str, ends: Mapping[bytes, _End], last: Mapping[bytes, Batch]
) -> None:
    """Write the one row of each line from its last batch, and of its tags what changed."""
    moved: list[Sequence[SqlValue]] = []
    new: list[Sequence[SqlValue]] = []
    added: list[Sequence[SqlValue]] = []
    for subject, batch in last.items():
        end, standing, marks = ends[subject], batch.standing, batch.marks
        wake_at = None if marks.wake_at is None else microseconds(marks.wake_at)
        (moved if end.stored else new).append(
            (
                *(standing.position, standing.head, standing.fold, standing.state),
                *(wake_at, " ".join(sorted(marks.tags)), tenant, subject),
            )
        )
        if marks.tags != end.tags:
            added.extend((tenant, subject, tag) for tag in marks.tags - end.tags)
            for tag in end.tags - marks.tags:
                port.run(sql.TAG_DROP, (tenant, subject, tag))
    for statement, rows in ((sql.LINE_MOVE, moved), (sql.LINE_ADD, new), (sql.TAG_ADD, added)):
        if rows:
            port.many(statement, rows)
