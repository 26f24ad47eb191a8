"""What a commit and an expunging do in SQL, as steps.

Decides the steps inside one transaction. Who begins and ends the transaction stands outside: a
store, or the host whose connection it was given. All but ``commit`` are the same for every
database; where many write at once it is a function in the database (``postgres_function``).

Always true: every refusal is raised before or inside the transaction and never after it, so
rolling back leaves no trace; the end of every line is read under the writer's lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, final

import attrs

from gdprkit.errors import AlreadyRecorded, LineExpunged, PositionTaken, TokenSpent
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyRow, Tombstone, destroyed
from gdprkit.storage import reads
from gdprkit.storage import statements as sql
from gdprkit.storage.guards import (
    check_batches,
    check_changes,
    check_keys,
    hang_on_epochs,
    same_epoch,
    sealed_again,
)
from gdprkit.storage.protocol import Batch, LineTombstone, Suppression
from gdprkit.storage.steps import MANY, ROWS, RUN, SqlValue, Steps
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.moments import microseconds

__all__ = [
    "ONE_WRITER",
    "ROW_LOCKS",
    "Locks",
    "add_epoch",
    "add_tombstone",
    "commit",
    "destroy_epoch",
    "expunge",
    "replace_epoch",
    "replace_keys",
]


@final
@attrs.frozen(kw_only=True)
class Locks:
    """What is put behind a reading statement so that what it read stays so until the commit.

    Args:
        change: Nobody else may change or lock the rows.
        stay: Nobody else may change the rows.
    """

    change: str
    stay: str


ONE_WRITER: Final = Locks(change="", stay="")
"""The transaction is the only writer of the whole database (SQLite)."""

ROW_LOCKS: Final = Locks(change=" FOR UPDATE", stay=" FOR SHARE")
"""Several write at once, each with locks on the rows it read (PostgreSQL)."""


@attrs.define
class _End:
    """Where a line ends, as this transaction sees it."""

    position: int = 0
    head: bytes = b""
    tags: frozenset[str] = frozenset()  # those stored
    wake_at: int | None = None  # that stored
    stored: bool = False  # the line has a row already


def commit(tenant: str, batches: Sequence[Batch]) -> Steps[None]:
    """Carry out ``Store.commit`` inside the one transaction that writes.

    Raises:
        PositionTaken: see the protocol, as for the others; the caller rolls back.
        AlreadyRecorded: see the protocol.
        TokenSpent: see the protocol.
        LineExpunged: see the protocol.
        KeyEpochDestroyed: see the protocol.
        KeyDestroyed: see the protocol.
    """
    yield from _check(tenant, batches)
    ends = yield from _ends(tenant, [batch.about for batch in batches])
    entries: list[Sequence[SqlValue]] = []
    receipts: set[tuple[bytes, bytes]] = set()
    last: dict[bytes, Batch] = {}
    for batch in batches:
        subject = batch.about.bytes
        _follow(ends[subject], batch)
        last[subject] = batch
        for entry in batch.entries:
            if entry.key is not None:
                yield from _take_receipt(tenant, batch.about, entry.key, receipts)
            entries.append((tenant, subject, entry.position, entry.body, entry.digest, entry.key))
    yield from _write_lines(tenant, ends, last)
    if entries:
        yield MANY, sql.ENTRY_ADD, entries
    # of different people it is written together, of one person batch by batch
    for together in [batches] if len(last) == len(batches) else [[batch] for batch in batches]:
        yield from _write_values(tenant, together)
    for batch in batches:
        if batch.suppress:
            yield from _suppress(tenant, batch.suppress)
        for token in batch.spend:
            if not (yield RUN, sql.SPEND, (tenant, batch.about.bytes, token)):
                raise TokenSpent


def expunge(
    tenant: str, about: SubjectId, tombstone: LineTombstone, locks: Locks = ONE_WRITER
) -> Steps[None]:
    """Carry out ``Store.expunge`` inside a transaction.

    Raises:
        PositionTaken: the line does not end where *tombstone* says.
    """
    whose = (tenant, about.bytes)
    found = yield ROWS, sql.listed(sql.LINE_END, 1) + locks.change, whose
    if (yield ROWS, sql.listed(sql.EXPUNGED, 1), whose):
        return
    end = sql.end_of(found[0]) if found else ()
    if end[1:3] != (tombstone.position, tombstone.head):
        raise PositionTaken(about, tombstone.position)
    # first the tombstone: the guard on entries lets go only of expunged lines
    values = (*whose, tombstone.position, tombstone.head, microseconds(tombstone.at))
    yield RUN, sql.EXPUNGED_ADD, values
    for tag in end[3].split():
        yield RUN, sql.TAG_DROP, (*whose, tag)
    for statement in sql.EXPUNGE:
        yield RUN, statement, whose


def add_tombstone(tenant: str, tombstone: Tombstone) -> Steps[None]:
    """Carry out ``KeyStore.add_tombstone``."""
    yield RUN, sql.TOMBSTONE_ADD, sql.tombstone_values(tenant, tombstone)


def add_epoch(tenant: str, row: EpochRow) -> Steps[None]:
    """Carry out ``KeyStore.add_epoch``."""
    yield RUN, sql.EPOCH_ADD, sql.epoch_values(tenant, row)


def replace_keys(
    tenant: str, changes: Sequence[tuple[KeyRow, KeyRow]], locks: Locks = ONE_WRITER
) -> Steps[int]:
    """Carry out ``KeyStore.replace_keys`` inside a transaction.

    Raises:
        KeyEpochDestroyed: see the protocol; the caller rolls back.
        InvalidValue: see the protocol.
    """
    check_changes(changes)
    check_keys((new for _, new in changes), (yield from reads.epochs(tenant, locks.stay)))
    count = 0
    for change in changes:
        count += yield RUN, sql.KEY_REPLACE, sql.key_change(tenant, *change)
    return count


def replace_epoch(tenant: str, old: EpochRow, new: EpochRow) -> Steps[bool]:
    """Carry out ``KeyStore.replace_epoch`` inside a transaction.

    Raises:
        InvalidValue: see the protocol.
    """
    same_epoch(old, new)
    return bool((yield RUN, sql.EPOCH_REPLACE, sql.epoch_change(tenant, old, new)))


def destroy_epoch(tenant: str, row: EpochRow, locks: Locks = ONE_WRITER) -> Steps[bool]:
    """Carry out ``KeyStore.destroy_epoch`` inside a transaction.

    Raises:
        InvalidValue: see the protocol.
    """
    change = sql.epoch_change(tenant, row, destroyed(row))
    # whoever hangs something on an epoch holds it: once we do, what hangs on it can be seen
    yield from reads.epochs(tenant, locks.change)
    if row.kind is EpochKind.KEK:
        return bool((yield RUN, sql.EPOCH_DESTROY_KEK, (*change, tenant, row.epoch)))
    bounds = reads.term_bounds(row)
    return bool((yield RUN, sql.EPOCH_DESTROY_INDEX, (*change, tenant, *bounds)))


def _check(tenant: str, batches: Sequence[Batch]) -> Steps[None]:
    """Read what the guards must know, and ask them."""
    gone = {}
    for about in sealed_again(batches):
        gone[about] = yield from reads.destroyed_keys(tenant, about)
    if hang_on_epochs(batches):
        check_batches(batches, (yield from reads.epochs(tenant)), gone)
    elif gone:
        check_batches(batches, (), gone)


def _ends(tenant: str, abouts: Sequence[SubjectId]) -> Steps[dict[bytes, _End]]:
    """Read where the lines end; people without a line get an empty end, if not expunged."""
    ends: dict[bytes, _End] = {}
    for chunk in sql.chunks(about.bytes for about in abouts):
        for row in (yield ROWS, sql.listed(sql.LINE_END, len(chunk)), (tenant, *chunk)):
            subject, position, head, tags, wake_at = sql.end_of(row)
            ends[subject] = _End(
                position=position,
                head=head,
                tags=frozenset(tags.split()),
                wake_at=wake_at,
                stored=True,
            )
    new = [about.bytes for about in abouts if about.bytes not in ends]
    for chunk in sql.chunks(new):
        for row in (yield ROWS, sql.listed(sql.EXPUNGED, len(chunk)), (tenant, *chunk)):
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
    tenant: str, about: SubjectId, key: bytes, taken: set[tuple[bytes, bytes]]
) -> Steps[None]:
    """Check that the idempotency key is new on the line, and remember it for this transaction."""
    whose = (about.bytes, key)
    if whose in taken or (yield ROWS, sql.RECEIPT, (tenant, *whose)):
        raise AlreadyRecorded(about)
    taken.add(whose)


def _write_values(tenant: str, batches: Sequence[Batch]) -> Steps[None]:
    """Put and delete values, terms and keys; a shredding takes them all.

    Each of *batches* is another person's, so what is alike of them is one question.
    """
    touched: list[Sequence[SqlValue]] = []
    deleted: list[Sequence[SqlValue]] = []
    put: list[Sequence[SqlValue]] = []
    terms: list[Sequence[SqlValue]] = []
    keys: list[Sequence[SqlValue]] = []
    flagged: list[Sequence[SqlValue]] = []
    for batch in batches:
        whose = (tenant, batch.about.bytes)
        if batch.shred is not None:
            for statement in sql.SHRED:
                yield RUN, statement, whose
            yield RUN, sql.TOMBSTONE_ADD, sql.tombstone_values(tenant, batch.shred)
            continue
        for slot in batch.deletes:
            touched.append((*whose, slot.bytes))
            deleted.append((*whose, slot.bytes))
        for value in batch.puts:
            place = (*whose, value.slot.bytes)
            if batch.expected:  # of a new line there is nothing to replace
                touched.append(place)
            put.append((*place, value.envelope))
            terms += [(*place, term) for term in value.terms]
        keys += [sql.key_values(tenant, row) for row in batch.keys]
        if (flags := batch.flags) is not None:
            flagged.append((int(flags.restricted), int(flags.on_hold), *whose))
    for statement, rows in (
        (sql.TERM_DROP, touched),
        (sql.VALUE_DROP, deleted),
        (sql.VALUE_PUT, put),
        (sql.TERM_ADD, terms),
        (sql.KEY_PUT, keys),
        (sql.KEY_FLAGS, flagged),
    ):
        if rows:
            yield MANY, statement, rows


def _suppress(tenant: str, rows: Iterable[Suppression]) -> Steps[None]:
    """Put suppressions; a scope that is kept already takes the newer moment."""
    for row in rows:
        yield RUN, sql.SUPPRESS, sql.suppression_values(tenant, row)


def _write_lines(
    tenant: str, ends: Mapping[bytes, _End], last: Mapping[bytes, Batch]
) -> Steps[None]:
    """Write the one row of each line from its last batch, and of its tags what changed."""
    moved: list[Sequence[SqlValue]] = []
    kept: list[Sequence[SqlValue]] = []
    new: list[Sequence[SqlValue]] = []
    added: list[Sequence[SqlValue]] = []
    dropped: list[Sequence[SqlValue]] = []
    for subject, batch in last.items():
        end, standing, marks = ends[subject], batch.standing, batch.marks
        wake_at = None if marks.wake_at is None else microseconds(marks.wake_at)
        fold = (standing.position, standing.head, standing.fold, standing.state)
        whose = (" ".join(sorted(marks.tags)), tenant, subject)
        if not end.stored:
            new.append((*fold, wake_at, *whose))
        elif wake_at == end.wake_at:
            kept.append((*fold, *whose))
        else:
            moved.append((*fold, wake_at, *whose))
        if marks.tags != end.tags or not batch.entries:
            # a renewal also puts back what the line names and look-ups do not find
            known = end.tags if batch.entries else frozenset[str]()
            added.extend((tenant, subject, tag) for tag in marks.tags - known)
            dropped.extend((tenant, subject, tag) for tag in end.tags - marks.tags)
    for statement, rows in (
        (sql.LINE_MOVE, moved),
        (sql.LINE_MOVE_SAME_WAKE, kept),
        (sql.LINE_ADD, new),
        (sql.TAG_DROP, dropped),
        (sql.TAG_ADD, added),
    ):
        if rows:
            yield MANY, statement, rows
