"""What each reading method of a store does in SQL, as steps.

Decides which statements answer a question, and pages long answers by key, so memory stays flat
and nothing stays open while others write. It leaves out connections and errors of a driver, which
stand behind the port that carries the steps out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeVar

from gdprkit.errors import InvalidValue
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyRow, Tombstone, term_prefix
from gdprkit.storage import statements as sql
from gdprkit.storage.guards import check_kek
from gdprkit.storage.protocol import (
    LineEnd,
    LineTombstone,
    Span,
    StoredEntry,
    StoredLine,
    StoredMarks,
    StoredStanding,
    Suppression,
    check_tag,
)
from gdprkit.storage.statements import Row, SqlValue
from gdprkit.storage.steps import ROWS, Page, Steps
from gdprkit.words.identifiers import Slot, SubjectId
from gdprkit.words.moments import microseconds

__all__ = [
    "PAGE",
    "RawLine",
    "Walk",
    "destroyed_keys",
    "ends",
    "epochs",
    "expunged",
    "expunged_lines",
    "find",
    "hanging",
    "key_rows",
    "keys",
    "keys_of",
    "line",
    "lines",
    "marks",
    "people",
    "raw_lines",
    "receipt",
    "standing",
    "suppressed",
    "suppressions",
    "tagged",
    "term_bounds",
    "terms",
    "tombstone",
    "tombstones",
    "tombstones_of",
    "values",
    "values_of",
    "waking",
]

PAGE: Final = 1000
"""Rows read at a time by the methods that give iterators."""

_LINES: Final = 100
"""Lines read at a time with all their entries."""

_BEFORE_ALL: Final = -(1 << 63)

T = TypeVar("T")

RawLine = tuple[bytes, int, bytes, Sequence[Row]]
"""A line as plain values: id, position and digest it ends with, and of each entry id, position,
body and digest."""

Walk = tuple[Callable[[Any], Steps[Page[T]]], Any]
"""The steps of one page of a long answer, and where the first page begins: see ``steps.walk``."""


def standing(tenant: str, about: SubjectId) -> Steps[StoredStanding | None]:
    """Read ``Store.standing``."""
    found = yield ROWS, sql.STANDING, (tenant, about.bytes)
    return sql.standing_of(found[0]) if found else None


def line(tenant: str, about: SubjectId, after: int) -> Steps[Sequence[StoredEntry]]:
    """Read ``Store.line``."""
    found = yield ROWS, sql.ENTRIES, (tenant, about.bytes, after)
    return [sql.entry_of(row) for row in found]


def values(tenant: str, about: SubjectId, slots: Iterable[Slot]) -> Steps[Mapping[Slot, bytes]]:
    """Read ``Store.values``."""
    found: dict[Slot, bytes] = {}
    for chunk in sql.chunks(slot.bytes for slot in slots):
        statement = sql.listed(sql.VALUES, len(chunk))
        rows = yield ROWS, statement, (tenant, about.bytes, *chunk)
        found.update(map(sql.slotted, rows))
    return found


def values_of(
    tenant: str, wanted: Mapping[SubjectId, Iterable[Slot]]
) -> Steps[Mapping[SubjectId, Mapping[Slot, bytes]]]:
    """Read ``Store.values_of``."""
    people = {about.bytes: (about, set(slots)) for about, slots in wanted.items()}
    found: dict[SubjectId, dict[Slot, bytes]] = {}
    for some in sql.chunks(people):
        for slots in sql.chunks(slot.bytes for who in some for slot in people[who][1]):
            statement = sql.listed(sql.VALUES_OF, len(some), len(slots))
            for row in (yield ROWS, statement, (tenant, *some, *slots)):
                subject, slot, envelope = sql.placed(row)
                about, own = people[subject]
                if slot in own:
                    found.setdefault(about, {})[slot] = envelope
    return found


def find(tenant: str, terms: Iterable[bytes]) -> Steps[Mapping[bytes, tuple[SubjectId, ...]]]:
    """Read ``Store.find``."""
    found: dict[bytes, tuple[SubjectId, ...]] = {}
    for chunk in sql.chunks(terms):
        pairs = yield ROWS, sql.listed(sql.FIND, len(chunk)), (tenant, *chunk)
        found.update(sql.grouped(map(sql.finding_of, pairs)))
    return found


def terms(tenant: str, about: SubjectId) -> Steps[Mapping[Slot, frozenset[bytes]]]:
    """Read ``Store.terms``."""
    found: dict[Slot, frozenset[bytes]] = {}
    for slot, term in map(sql.slotted, (yield ROWS, sql.TERMS, (tenant, about.bytes))):
        found[slot] = found.get(slot, frozenset()) | {term}
    return found


def suppressed(
    tenant: str, hashes: Iterable[bytes]
) -> Steps[Mapping[bytes, tuple[Suppression, ...]]]:
    """Read ``Store.suppressed``."""
    found: dict[bytes, tuple[Suppression, ...]] = {}
    for chunk in sql.chunks(hashes):
        kept = yield ROWS, sql.listed(sql.SUPPRESSED, len(chunk)), (tenant, *chunk)
        found.update(sql.grouped((row[0], sql.suppression_of(row)) for row in kept))
    return found


def receipt(tenant: str, about: SubjectId, key: bytes) -> Steps[int | None]:
    """Read ``Store.receipt``."""
    found = yield ROWS, sql.RECEIPT, (tenant, about.bytes, key)
    return sql.position_of(found[0]) if found else None


def expunged(tenant: str, about: SubjectId) -> Steps[LineTombstone | None]:
    """Read ``Store.expunged``."""
    found = yield ROWS, sql.listed(sql.EXPUNGED, 1), (tenant, about.bytes)
    return sql.line_tombstone_of(found[0]) if found else None


def keys(tenant: str, about: SubjectId) -> Steps[Sequence[KeyRow]]:
    """Read ``KeyStore.keys``."""
    found = yield ROWS, sql.KEYS, (tenant, about.bytes)
    return [sql.key_of(row) for row in found]


def keys_of(
    tenant: str, people: Iterable[SubjectId]
) -> Steps[Mapping[SubjectId, Sequence[KeyRow]]]:
    """Read ``KeyStore.keys_of``."""
    found: dict[SubjectId, list[KeyRow]] = {}
    for chunk in sql.chunks(about.bytes for about in people):
        for raw in (yield ROWS, sql.listed(sql.KEYS_OF, len(chunk)), (tenant, *chunk)):
            row = sql.key_of(raw)
            found.setdefault(row.about, []).append(row)
    return found


def destroyed_keys(tenant: str, about: SubjectId) -> Steps[frozenset[bytes]]:
    """Read the ids of the versions of a person's key that were destroyed."""
    found = yield ROWS, sql.KEYS_DESTROYED, (tenant, about.bytes)
    return frozenset(row[0] for row in found)


def tombstone(tenant: str, mark: bytes) -> Steps[Tombstone | None]:
    """Read ``KeyStore.tombstone``."""
    found = yield ROWS, sql.TOMBSTONE, (tenant, mark)
    return sql.tombstone_of(found[0]) if found else None


def tombstones_of(tenant: str, marks: Iterable[bytes]) -> Steps[Mapping[bytes, Tombstone]]:
    """Read ``KeyStore.tombstones_of``."""
    found: dict[bytes, Tombstone] = {}
    for chunk in sql.chunks(marks):
        for row in (yield ROWS, sql.listed(sql.TOMBSTONES_OF, len(chunk)), (tenant, *chunk)):
            found[row[0]] = sql.tombstone_of(row)
    return found


def tombstones(tenant: str) -> Steps[Sequence[Tombstone]]:
    """Read ``KeyStore.tombstones``."""
    found = yield ROWS, sql.TOMBSTONES, (tenant,)
    return [sql.tombstone_of(row) for row in found]


def epochs(tenant: str, lock: str = "") -> Steps[Sequence[EpochRow]]:
    """Read ``KeyStore.epochs``; *lock* is put behind the statement."""
    found = yield ROWS, sql.EPOCHS + lock, (tenant,)
    return [sql.epoch_of(row) for row in found]


def key_rows(
    tenant: str, kek: str | None, after: tuple[SubjectId, int] | None, limit: int
) -> Steps[Sequence[KeyRow]]:
    """Read ``KeyStore.key_rows``."""
    if limit < 1:
        raise InvalidValue("limit", "is less than 1", "ask for at least one row")
    check_kek(kek)
    behind: tuple[SqlValue, ...] = (b"", 0) if after is None else (after[0].bytes, after[1])
    if kek is None:
        found = yield ROWS, sql.KEY_PAGE, (tenant, *behind, limit)
    else:
        found = yield ROWS, sql.KEY_PAGE_OF, (tenant, *behind, kek, limit)
    return [sql.key_of(row) for row in found]


def hanging(tenant: str) -> Steps[Mapping[str, int]]:
    """Read ``KeyStore.hanging``."""
    keys: dict[str, int] = dict((yield ROWS, sql.KEYS_HANGING, (tenant,)))
    found: dict[str, int] = {}
    for row in (yield from epochs(tenant)):
        if row.kind is EpochKind.KEK:
            found[row.epoch] = int(keys.get(row.epoch, 0))
        elif row.kind is EpochKind.INDEX:
            [(count,)] = yield ROWS, sql.TERMS_HANGING, (tenant, *term_bounds(row))
            found[row.epoch] = int(count)
    return found


def term_bounds(row: EpochRow) -> tuple[bytes, bytes]:
    """Return where the look-up terms of an INDEX epoch begin, and where those behind them do."""
    prefix = term_prefix(row)
    return prefix, (int.from_bytes(prefix, "big") + 1).to_bytes(4, "big")


def people(tenant: str, span: Span) -> Walk[SubjectId]:
    """Walk ``Store.people``."""
    return _by_id(sql.PEOPLE, (tenant,), span, lambda row: sql.subject_of(row[0]))


def tagged(tenant: str, tag: str, span: Span) -> Walk[StoredStanding]:
    """Walk ``Store.tagged``."""
    return _by_id(sql.TAGGED, (tenant, check_tag(tag)), span, sql.standing_of, tables=2)


def ends(tenant: str, span: Span) -> Walk[LineEnd]:
    """Walk ``Store.ends``."""
    return _by_id(sql.ENDS, (tenant,), span, sql.line_end_of)


def expunged_lines(tenant: str, span: Span) -> Walk[tuple[SubjectId, LineTombstone]]:
    """Walk ``Store.expunged_lines``."""
    return _by_id(
        sql.EXPUNGED_LINES,
        (tenant,),
        span,
        lambda row: (sql.subject_of(row[0]), sql.line_tombstone_of(row)),
    )


def lines(tenant: str, span: Span) -> Walk[StoredLine]:
    """Walk ``Store.lines``."""
    return partial(_line_page, tenant, span.high), span.low


def _line_page(tenant: str, high: int, low: int) -> Steps[Page[StoredLine]]:
    """Read some standings, then their entries: whoever wrote in between is shown as before."""
    rows = yield ROWS, sql.STANDINGS, (tenant, *_bounds(low, high), _LINES)
    if not rows:
        return [], None
    standings = [sql.standing_of(row) for row in rows]
    entries: dict[bytes, list[StoredEntry]] = {one.about.bytes: [] for one in standings}
    last = {one.about.bytes: one.position for one in standings}
    found = yield ROWS, sql.LINES, (tenant, rows[0][0], rows[-1][0])
    for subject, *row in found:
        entry = sql.entry_of(row)
        if subject in last and entry.position <= last[subject]:
            entries[subject].append(entry)
    page = [
        StoredLine(standing=standing, entries=tuple(entries[standing.about.bytes]))
        for standing in standings
    ]
    return page, _next_id(rows, _LINES, high)


def marks(tenant: str, span: Span) -> Walk[StoredMarks]:
    """Walk ``Store.marks``."""
    return partial(_marks_page, tenant, span.high), span.low


def _marks_page(tenant: str, high: int, low: int) -> Steps[Page[StoredMarks]]:
    """Read the marks of some people, and which of them each tag finds: there are few tags."""
    rows = yield ROWS, sql.MARKS, (tenant, *_bounds(low, high), PAGE)
    if not rows:
        return [], None
    found: dict[bytes, set[str]] = {row[0]: set() for row in rows}
    tag = ""
    while (tag := (yield ROWS, sql.TAG_NEXT, (tenant, tag))[0][0]) is not None:
        holders = yield ROWS, sql.TAG_HOLDERS, (tenant, tag, rows[0][0], rows[-1][0])
        for (subject,) in holders:
            if subject in found:
                found[subject].add(tag)
    page = [
        StoredMarks(
            about=sql.subject_of(subject),
            wake_at=wake_at,
            tags=frozenset(tags.split()),
            found_by=frozenset(found[subject]),
        )
        for subject, wake_at, tags in rows
    ]
    return page, _next_id(rows, PAGE, high)


def raw_lines(tenant: str, span: Span) -> Walk[RawLine]:
    """Walk every line as plain rows: what verification needs of it, at the least cost."""
    return partial(_raw_page, tenant, span.high), span.low


def _raw_page(tenant: str, high: int, low: int) -> Steps[Page[RawLine]]:
    """Read some ends, then entries: of a line written to in between there are more than its end."""
    ends = yield ROWS, sql.ENDS, (tenant, *_bounds(low, high), _LINES)
    if not ends:
        return [], None
    found = yield ROWS, sql.CHAINS, (tenant, ends[0][0], ends[-1][0])
    page = _cut_evenly(ends, found) or _grouped(ends, found)
    return page, _next_id(ends, _LINES, high)


def _cut_evenly(ends: Sequence[Row], found: Sequence[Row]) -> list[RawLine]:
    """Share rows out by what the ends say, as nearly always; nothing where one does not fit."""
    page: list[RawLine] = []
    start = 0
    for subject, position, head in ends:
        rows = found[start : start + position]
        if len(rows) != position or not (rows[0][0] == rows[-1][0] == subject):
            return []
        page.append((subject, position, head, rows))
        start += position
    return page if start == len(found) else []


def _grouped(ends: Sequence[Row], found: Sequence[Row]) -> list[RawLine]:
    """Share rows out by whom they are about."""
    rows = {subject: list(group) for subject, group in groupby(found, key=itemgetter(0))}
    return [(*end, rows.get(end[0], [])) for end in ends]


def suppressions(tenant: str) -> Walk[Suppression]:
    """Walk ``Store.suppressions``."""
    return partial(_suppression_page, tenant), (b"", "", "", "", "")


def _suppression_page(tenant: str, after: tuple[Any, ...]) -> Steps[Page[Suppression]]:
    rows = yield ROWS, sql.SUPPRESSIONS, (tenant, *after, PAGE)
    found = [sql.suppression_of(row) for row in rows]
    return found, rows[-1][:5] if len(rows) == PAGE else None


def waking(tenant: str, until: datetime, span: Span, limit: int) -> Walk[SubjectId]:
    """Walk ``Store.waking``; arguments are checked at the call."""
    if limit < 1:
        raise InvalidValue("limit", "is less than 1", "ask for at least one person")
    page = partial(_waking_page, tenant, microseconds(until), _bounds(span.low, span.high))
    return page, (limit, _BEFORE_ALL, b"")


def _waking_page(
    tenant: str, until: int, bounds: tuple[bytes, bytes], place: tuple[int, int, bytes]
) -> Steps[Page[SubjectId]]:
    left, *last = place
    size = min(left, PAGE)
    rows = yield ROWS, sql.WAKING, (tenant, until, *last, *bounds, size)
    found = [sql.subject_of(subject) for _, subject in rows]
    more = len(rows) == size and left > size
    return found, (left - size, *rows[-1]) if more else None


def _by_id(
    statement: str,
    values: tuple[SqlValue, ...],
    span: Span,
    read: Callable[[Row], T],
    tables: int = 1,
) -> Walk[T]:
    """Walk the rows of a statement ordered by id, its first column, in pages by key.

    The bounds of a page are given once for each of *tables*.
    """

    def page(low: int) -> Steps[Page[T]]:
        bounds = _bounds(low, span.high) * tables
        rows = yield ROWS, statement, (*values, *bounds, PAGE)
        return [read(row) for row in rows], _next_id(rows, PAGE, span.high)

    return page, span.low


def _next_id(rows: Sequence[Row], size: int, high: int) -> int | None:
    """Return the id to go on at; None when the page was the last."""
    if len(rows) < size:
        return None
    after = int.from_bytes(rows[-1][0], "big") + 1
    return after if after <= high else None


def _bounds(low: int, high: int) -> tuple[bytes, bytes]:
    return low.to_bytes(16, "big"), max(high, 0).to_bytes(16, "big")
