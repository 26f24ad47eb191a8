"""What each reading method of a store does in SQL, over a thin port.

Decides which statements answer a question, and pages long answers by key, so memory stays flat
and nothing stays open while others write. It leaves out connections and errors of a driver, which
stand behind the port.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from gdprkit.errors import InvalidValue
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyRow, Tombstone, term_prefix
from gdprkit.storage import statements as sql
from gdprkit.storage.protocol import (
    LineTombstone,
    Span,
    StoredEntry,
    StoredStanding,
    Suppression,
)
from gdprkit.storage.statements import Row, SqlValue
from gdprkit.words.identifiers import Slot, SubjectId
from gdprkit.words.moments import microseconds

__all__ = [
    "PAGE",
    "Port",
    "RowsOf",
    "destroyed_keys",
    "epochs",
    "expunged",
    "find",
    "hanging",
    "key_rows",
    "keys",
    "line",
    "people",
    "receipt",
    "standing",
    "suppressed",
    "tagged",
    "term_bounds",
    "terms",
    "tombstone",
    "tombstones",
    "values",
    "waking",
]

PAGE: Final = 1000
"""Rows read at a time by the methods that give iterators."""

_BEFORE_ALL: Final = -(1 << 63)

RowsOf = Callable[[str, Sequence[SqlValue]], list[Row]]
"""Runs one reading statement and returns all its rows."""


class Port(Protocol):
    """The little that a driver must do inside a transaction."""

    def rows(self, statement: str, values: Sequence[SqlValue], /) -> list[Row]:
        """Run a reading statement and return all its rows."""
        ...

    def run(self, statement: str, values: Sequence[SqlValue], /) -> int:
        """Run a writing statement and return how many rows it wrote."""
        ...

    def many(self, statement: str, rows: Sequence[Sequence[SqlValue]], /) -> None:
        """Run a writing statement once for each of *rows*."""
        ...


def standing(rows: RowsOf, tenant: str, about: SubjectId) -> StoredStanding | None:
    """Read ``Store.standing``."""
    found = rows(sql.STANDING, (tenant, about.bytes))
    return sql.standing_of(found[0]) if found else None


def line(rows: RowsOf, tenant: str, about: SubjectId, after: int) -> Sequence[StoredEntry]:
    """Read ``Store.line``."""
    return [sql.entry_of(row) for row in rows(sql.ENTRIES, (tenant, about.bytes, after))]


def values(
    rows: RowsOf, tenant: str, about: SubjectId, slots: Iterable[Slot]
) -> Mapping[Slot, bytes]:
    """Read ``Store.values``."""
    found: dict[Slot, bytes] = {}
    for chunk in sql.chunks(slot.bytes for slot in slots):
        statement = sql.listed(sql.VALUES, len(chunk))
        for slot, envelope in rows(statement, (tenant, about.bytes, *chunk)):
            found[Slot(UUID(bytes=slot))] = envelope
    return found


def find(
    rows: RowsOf, tenant: str, terms: Iterable[bytes]
) -> Mapping[bytes, tuple[SubjectId, ...]]:
    """Read ``Store.find``."""
    found: dict[bytes, tuple[SubjectId, ...]] = {}
    for chunk in sql.chunks(terms):
        pairs = rows(sql.listed(sql.FIND, len(chunk)), (tenant, *chunk))
        found.update(sql.grouped((term, sql.subject_of(raw)) for term, raw in pairs))
    return found


def terms(rows: RowsOf, tenant: str, about: SubjectId) -> Mapping[Slot, frozenset[bytes]]:
    """Read ``Store.terms``."""
    found: dict[Slot, frozenset[bytes]] = {}
    for raw, term in rows(sql.TERMS, (tenant, about.bytes)):
        slot = Slot(UUID(bytes=raw))
        found[slot] = found.get(slot, frozenset()) | {term}
    return found


def suppressed(
    rows: RowsOf, tenant: str, hashes: Iterable[bytes]
) -> Mapping[bytes, tuple[Suppression, ...]]:
    """Read ``Store.suppressed``."""
    found: dict[bytes, tuple[Suppression, ...]] = {}
    for chunk in sql.chunks(hashes):
        kept = rows(sql.listed(sql.SUPPRESSED, len(chunk)), (tenant, *chunk))
        found.update(sql.grouped((row[0], sql.suppression_of(row)) for row in kept))
    return found


def receipt(rows: RowsOf, tenant: str, about: SubjectId, key: bytes) -> int | None:
    """Read ``Store.receipt``."""
    found = rows(sql.RECEIPT, (tenant, about.bytes, key))
    return int(found[0][0]) if found else None


def expunged(rows: RowsOf, tenant: str, about: SubjectId) -> LineTombstone | None:
    """Read ``Store.expunged``."""
    found = rows(sql.listed(sql.EXPUNGED, 1), (tenant, about.bytes))
    return sql.line_tombstone_of(found[0]) if found else None


def keys(rows: RowsOf, tenant: str, about: SubjectId) -> Sequence[KeyRow]:
    """Read ``KeyStore.keys``."""
    return [sql.key_of(row) for row in rows(sql.KEYS, (tenant, about.bytes))]


def destroyed_keys(rows: RowsOf, tenant: str, about: SubjectId) -> frozenset[bytes]:
    """Read the ids of the versions of a person's key that were destroyed."""
    return frozenset(row[0] for row in rows(sql.KEYS_DESTROYED, (tenant, about.bytes)))


def tombstone(rows: RowsOf, tenant: str, mark: bytes) -> Tombstone | None:
    """Read ``KeyStore.tombstone``."""
    found = rows(sql.TOMBSTONE, (tenant, mark))
    return sql.tombstone_of(found[0]) if found else None


def tombstones(rows: RowsOf, tenant: str) -> Sequence[Tombstone]:
    """Read ``KeyStore.tombstones``."""
    return [sql.tombstone_of(row) for row in rows(sql.TOMBSTONES, (tenant,))]


def epochs(rows: RowsOf, tenant: str) -> Sequence[EpochRow]:
    """Read ``KeyStore.epochs``."""
    return [sql.epoch_of(row) for row in rows(sql.EPOCHS, (tenant,))]


def key_rows(
    rows: RowsOf, tenant: str, kek: str | None, after: tuple[SubjectId, int] | None, limit: int
) -> Sequence[KeyRow]:
    """Read ``KeyStore.key_rows``."""
    if limit < 1:
        raise InvalidValue("limit", "is less than 1", "ask for at least one row")
    behind: tuple[SqlValue, ...] = (b"", 0) if after is None else (after[0].bytes, after[1])
    if kek is None:
        found = rows(sql.KEY_PAGE, (tenant, *behind, limit))
    else:
        found = rows(sql.KEY_PAGE_OF, (tenant, *behind, kek, limit))
    return [sql.key_of(row) for row in found]


def hanging(rows: RowsOf, tenant: str) -> Mapping[str, int]:
    """Read ``KeyStore.hanging``."""
    keys: dict[str, int] = dict(rows(sql.KEYS_HANGING, (tenant,)))
    found: dict[str, int] = {}
    for row in epochs(rows, tenant):
        if row.kind is EpochKind.KEK:
            found[row.epoch] = int(keys.get(row.epoch, 0))
        elif row.kind is EpochKind.INDEX:
            found[row.epoch] = int(rows(sql.TERMS_HANGING, (tenant, *term_bounds(row)))[0][0])
    return found


def term_bounds(row: EpochRow) -> tuple[bytes, bytes]:
    """Return where the look-up terms of an INDEX epoch begin, and where those behind them do."""
    prefix = term_prefix(row)
    return prefix, (int.from_bytes(prefix, "big") + 1).to_bytes(4, "big")


def people(rows: RowsOf, tenant: str, span: Span) -> Iterator[SubjectId]:
    """Read ``Store.people``, a page at a time."""
    for row in _pages(rows, sql.PEOPLE, (tenant,), span):
        yield sql.subject_of(row[0])


def tagged(rows: RowsOf, tenant: str, tag: str, span: Span) -> Iterator[StoredStanding]:
    """Read ``Store.tagged``, a page at a time."""
    for row in _pages(rows, sql.TAGGED, (tenant, tag), span):
        yield sql.standing_of(row)


def waking(
    rows: RowsOf, tenant: str, until: datetime, span: Span, limit: int
) -> Iterator[SubjectId]:
    """Read ``Store.waking``, a page at a time; arguments are checked at the call."""
    if limit < 1:
        raise InvalidValue("limit", "is less than 1", "ask for at least one person")
    return _waking(rows, tenant, microseconds(until), _bounds(span.low, span.high), limit)


def _waking(
    rows: RowsOf, tenant: str, until: int, bounds: tuple[bytes, bytes], limit: int
) -> Iterator[SubjectId]:
    last: tuple[int, bytes] = (_BEFORE_ALL, b"")
    while limit > 0:
        size = min(limit, PAGE)
        page = rows(sql.WAKING, (tenant, until, *last, *bounds, size))
        for _, subject in page:
            yield sql.subject_of(subject)
        if len(page) < size:
            return
        last = page[-1]
        limit -= size


def _pages(rows: RowsOf, statement: str, values: tuple[SqlValue, ...], span: Span) -> Iterator[Row]:
    """Give the rows of a statement ordered by id, its first column, in pages by key."""
    low, high = span.low, span.high
    while low <= high:
        page = rows(statement, (*values, *_bounds(low, high), PAGE))
        yield from page
        if len(page) < PAGE:
            return
        low = int.from_bytes(page[-1][0], "big") + 1


def _bounds(low: int, high: int) -> tuple[bytes, bytes]:
    return low.to_bytes(16, "big"), high.to_bytes(16, "big")
