"""The SQL, written once, and the way between rows and values.

Decides statements and columns, the same for every database. It leaves out tables (``schema``),
connections, transactions and the order of steps (``reads`` and ``writes``). Placeholders are
``?``, which a port may write otherwise; a statement with ``{list}`` takes a list through
``listed``.

Always true: every statement names the tenant; every statement of the hot path is one look-up in
one index; moments are whole microseconds since 1970 in UTC, ids their 16 bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from functools import lru_cache, wraps
from itertools import groupby, islice
from typing import Any, Final, TypeVar
from uuid import UUID

from gdprkit.errors import StoreCorrupt
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyRow, KeyState, Tombstone
from gdprkit.storage.protocol import (
    LineEnd,
    LineTombstone,
    StoredEntry,
    StoredStanding,
    Suppression,
)
from gdprkit.storage.steps import Row, SqlValue
from gdprkit.words.identifiers import PurposeId, Slot, SubjectId
from gdprkit.words.moments import from_microseconds, microseconds
from gdprkit.words.vocabulary import Actor, Channel, ErasureReason

__all__ = [
    "LIST_LIMIT",
    "Row",
    "SqlValue",
    "chunks",
    "end_of",
    "entry_of",
    "epoch_change",
    "epoch_of",
    "epoch_values",
    "finding_of",
    "grouped",
    "key_change",
    "key_of",
    "key_values",
    "line_end_of",
    "line_tombstone_of",
    "listed",
    "placed",
    "position_of",
    "slotted",
    "standing_of",
    "subject_of",
    "suppression_of",
    "suppression_values",
    "tombstone_of",
    "tombstone_values",
]

T = TypeVar("T")
_Word = TypeVar("_Word", bound=StrEnum)
_WRONG: Final = "a row that no gdprkit of this version has written"

LIST_LIMIT: Final = 512
"""Longest list that one statement takes; longer ones go in several."""

# A line's one row: where it ends, its last fold and its marks.
LINE_END: Final = (
    "SELECT subject, position, head, tags, wake_at FROM gdprkit_line"
    " WHERE tenant = ? AND subject IN ({list})"
)
LINE_ADD: Final = (
    "INSERT INTO gdprkit_line (position, head, fold, state, wake_at, tags, tenant, subject)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
LINE_MOVE: Final = (
    "UPDATE gdprkit_line SET position = ?, head = ?, fold = ?, state = ?, wake_at = ?, tags = ?"
    " WHERE tenant = ? AND subject = ?"
)
# as most do: naming the moment, even unchanged, makes SQLite write its index anew
LINE_MOVE_SAME_WAKE: Final = (
    "UPDATE gdprkit_line SET position = ?, head = ?, fold = ?, state = ?, tags = ?"
    " WHERE tenant = ? AND subject = ?"
)
STANDING: Final = (
    "SELECT subject, position, head, fold, state FROM gdprkit_line WHERE tenant = ? AND subject = ?"
)
PEOPLE: Final = (
    "SELECT subject FROM gdprkit_line WHERE tenant = ? AND subject BETWEEN ? AND ?"
    " ORDER BY subject LIMIT ?"
)
ENDS: Final = (
    "SELECT subject, position, head FROM gdprkit_line WHERE tenant = ? AND subject BETWEEN ? AND ?"
    " ORDER BY subject LIMIT ?"
)
STANDINGS: Final = (
    "SELECT subject, position, head, fold, state FROM gdprkit_line"
    " WHERE tenant = ? AND subject BETWEEN ? AND ? ORDER BY subject LIMIT ?"
)
LINES: Final = (
    "SELECT subject, position, body, digest, receipt FROM gdprkit_entry"
    " WHERE tenant = ? AND subject BETWEEN ? AND ? ORDER BY subject, position"
)
CHAINS: Final = (
    "SELECT subject, position, body, digest FROM gdprkit_entry"
    " WHERE tenant = ? AND subject BETWEEN ? AND ? ORDER BY subject, position"
)
WAKING: Final = (
    "SELECT wake_at, subject FROM gdprkit_line"
    " WHERE tenant = ? AND wake_at <= ? AND (wake_at, subject) > (?, ?)"
    " AND subject BETWEEN ? AND ? ORDER BY wake_at, subject LIMIT ?"
)
# both sides are bound, so that a page begins where it begins however they are joined
TAGGED: Final = (
    "SELECT l.subject, l.position, l.head, l.fold, l.state FROM gdprkit_tag t"
    " JOIN gdprkit_line l ON l.tenant = t.tenant AND l.subject = t.subject"
    " WHERE t.tenant = ? AND t.tag = ? AND t.subject BETWEEN ? AND ? AND l.subject BETWEEN ? AND ?"
    " ORDER BY t.subject LIMIT ?"
)
MARKS: Final = (
    "SELECT subject, wake_at, tags FROM gdprkit_line WHERE tenant = ? AND subject BETWEEN ? AND ?"
    " ORDER BY subject LIMIT ?"
)
TAG_NEXT: Final = "SELECT min(tag) FROM gdprkit_tag WHERE tenant = ? AND tag > ?"
TAG_HOLDERS: Final = (
    "SELECT subject FROM gdprkit_tag WHERE tenant = ? AND tag = ? AND subject BETWEEN ? AND ?"
)
TAG_ADD: Final = (
    "INSERT INTO gdprkit_tag (tenant, subject, tag) VALUES (?, ?, ?)"
    " ON CONFLICT (tenant, tag, subject) DO NOTHING"
)
TAG_DROP: Final = "DELETE FROM gdprkit_tag WHERE tenant = ? AND subject = ? AND tag = ?"

ENTRY_ADD: Final = (
    "INSERT INTO gdprkit_entry (tenant, subject, position, body, digest, receipt)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
ENTRIES: Final = (
    "SELECT position, body, digest, receipt FROM gdprkit_entry"
    " WHERE tenant = ? AND subject = ? AND position > ? ORDER BY position"
)
RECEIPT: Final = (
    "SELECT position FROM gdprkit_entry WHERE tenant = ? AND subject = ? AND receipt = ?"
)

VALUES: Final = (
    "SELECT slot, envelope FROM gdprkit_value WHERE tenant = ? AND subject = ? AND slot IN ({list})"
)
# of the people listed, by key; as a column of its own the slot would be sought once for each pair
VALUES_OF: Final = (
    "SELECT subject, slot, envelope FROM gdprkit_value"
    " WHERE tenant = ? AND subject IN ({list}) AND coalesce(slot, slot) IN ({slots})"
)
VALUE_PUT: Final = (
    "INSERT INTO gdprkit_value (tenant, subject, slot, envelope) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (tenant, subject, slot) DO UPDATE SET envelope = excluded.envelope"
)
VALUE_DROP: Final = "DELETE FROM gdprkit_value WHERE tenant = ? AND subject = ? AND slot = ?"
TERM_ADD: Final = (
    "INSERT INTO gdprkit_term (tenant, subject, slot, term) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (tenant, subject, slot, term) DO NOTHING"
)
TERM_DROP: Final = "DELETE FROM gdprkit_term WHERE tenant = ? AND subject = ? AND slot = ?"
TERMS: Final = "SELECT slot, term FROM gdprkit_term WHERE tenant = ? AND subject = ?"
FIND: Final = (
    "SELECT DISTINCT term, subject FROM gdprkit_term WHERE tenant = ? AND term IN ({list})"
    " ORDER BY term, subject"
)

KEYS: Final = (
    "SELECT subject, version, key_id, kek_id, wrapped, state, created, wraps_alg, restricted,"
    " on_hold FROM gdprkit_key WHERE tenant = ? AND subject = ? ORDER BY version"
)
KEYS_OF: Final = (
    "SELECT subject, version, key_id, kek_id, wrapped, state, created, wraps_alg, restricted,"
    " on_hold FROM gdprkit_key WHERE tenant = ? AND subject IN ({list}) ORDER BY subject, version"
)
KEYS_DESTROYED: Final = (
    "SELECT key_id FROM gdprkit_key WHERE tenant = ? AND subject = ? AND state = 'destroyed'"
)
KEY_PUT: Final = (
    "INSERT INTO gdprkit_key (tenant, subject, version, key_id, kek_id, wrapped, state, created,"
    " wraps_alg, restricted, on_hold) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (tenant, subject, version) DO UPDATE SET key_id = excluded.key_id,"
    " kek_id = excluded.kek_id, wrapped = excluded.wrapped, state = excluded.state,"
    " created = excluded.created, wraps_alg = excluded.wraps_alg,"
    " restricted = excluded.restricted, on_hold = excluded.on_hold"
)
KEY_FLAGS: Final = (
    "UPDATE gdprkit_key SET restricted = ?, on_hold = ? WHERE tenant = ? AND subject = ?"
)
KEY_PAGE: Final = (
    "SELECT subject, version, key_id, kek_id, wrapped, state, created, wraps_alg, restricted,"
    " on_hold FROM gdprkit_key WHERE tenant = ? AND (subject, version) > (?, ?)"
    " ORDER BY subject, version LIMIT ?"
)
KEY_PAGE_OF: Final = (
    "SELECT subject, version, key_id, kek_id, wrapped, state, created, wraps_alg, restricted,"
    " on_hold FROM gdprkit_key WHERE tenant = ? AND (subject, version) > (?, ?) AND kek_id = ?"
    " ORDER BY subject, version LIMIT ?"
)
KEY_REPLACE: Final = (
    "UPDATE gdprkit_key SET key_id = ?, kek_id = ?, wrapped = ?, state = ?, created = ?,"
    " wraps_alg = ?, restricted = ?, on_hold = ? WHERE tenant = ? AND subject = ? AND version = ?"
    " AND key_id = ? AND kek_id = ? AND wrapped = ? AND state = ? AND created = ?"
    " AND wraps_alg = ? AND restricted = ? AND on_hold = ?"
)
KEYS_HANGING: Final = (
    "SELECT kek_id, count(*) FROM gdprkit_key WHERE tenant = ? AND state <> 'destroyed'"
    " GROUP BY kek_id"
)
TERMS_HANGING: Final = (
    "SELECT count(*) FROM gdprkit_term WHERE tenant = ? AND term >= ? AND term < ?"
)
TOMBSTONE: Final = (
    "SELECT mark, erased_at, reason, reference, key_ids FROM gdprkit_tombstone"
    " WHERE tenant = ? AND mark = ?"
)
TOMBSTONES_OF: Final = (
    "SELECT mark, erased_at, reason, reference, key_ids FROM gdprkit_tombstone"
    " WHERE tenant = ? AND mark IN ({list})"
)
TOMBSTONES: Final = (
    "SELECT mark, erased_at, reason, reference, key_ids FROM gdprkit_tombstone"
    " WHERE tenant = ? ORDER BY erased_at, mark"
)
TOMBSTONE_ADD: Final = (
    "INSERT INTO gdprkit_tombstone (tenant, mark, erased_at, reason, reference, key_ids)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, mark) DO NOTHING"
)
EPOCHS: Final = (
    "SELECT kind, epoch, provider_key, wrapped, state, created FROM gdprkit_epoch"
    " WHERE tenant = ? ORDER BY created, kind, epoch"
)
EPOCH_ADD: Final = (
    "INSERT INTO gdprkit_epoch (tenant, kind, epoch, provider_key, wrapped, state, created)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, kind, epoch) DO NOTHING"
)
EPOCH_REPLACE: Final = (
    "UPDATE gdprkit_epoch SET provider_key = ?, wrapped = ?, state = ?, created = ?"
    " WHERE tenant = ? AND kind = ? AND epoch = ?"
    " AND provider_key = ? AND wrapped = ? AND state = ? AND created = ?"
)
# an epoch dies only when nothing hangs on it, and the statement itself makes sure
EPOCH_DESTROY_KEK: Final = (
    f"{EPOCH_REPLACE} AND NOT EXISTS (SELECT 1 FROM gdprkit_key k WHERE k.tenant = ?"  # noqa: S608
    " AND k.kek_id = ? AND k.state <> 'destroyed')"
)
EPOCH_DESTROY_INDEX: Final = (
    f"{EPOCH_REPLACE} AND NOT EXISTS (SELECT 1 FROM gdprkit_term t WHERE t.tenant = ?"  # noqa: S608
    " AND t.term >= ? AND t.term < ?)"
)

SUPPRESSED: Final = (
    "SELECT hash, purpose, channels, kind, author, since FROM gdprkit_suppression"
    " WHERE tenant = ? AND hash IN ({list}) ORDER BY hash, purpose, channels, kind, author"
)
SUPPRESSIONS: Final = (
    "SELECT hash, purpose, channels, kind, author, since FROM gdprkit_suppression"
    " WHERE tenant = ? AND (hash, purpose, channels, kind, author) > (?, ?, ?, ?, ?)"
    " ORDER BY hash, purpose, channels, kind, author LIMIT ?"
)
SUPPRESS: Final = (
    "INSERT INTO gdprkit_suppression (tenant, hash, purpose, channels, kind, author, since)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, hash, purpose, channels, kind, author)"
    " DO UPDATE SET since = excluded.since"
    " WHERE excluded.since > gdprkit_suppression.since"
)
SPEND: Final = (
    "INSERT INTO gdprkit_token (tenant, subject, token) VALUES (?, ?, ?)"
    " ON CONFLICT (tenant, subject, token) DO NOTHING"
)

EXPUNGED: Final = (
    "SELECT subject, position, head, at FROM gdprkit_expunged"
    " WHERE tenant = ? AND subject IN ({list})"
)
EXPUNGED_LINES: Final = (
    "SELECT subject, position, head, at FROM gdprkit_expunged"
    " WHERE tenant = ? AND subject BETWEEN ? AND ? ORDER BY subject LIMIT ?"
)
EXPUNGED_ADD: Final = (
    "INSERT INTO gdprkit_expunged (tenant, subject, position, head, at) VALUES (?, ?, ?, ?, ?)"
)
SHRED: Final = tuple(
    f"DELETE FROM gdprkit_{table} WHERE tenant = ? AND subject = ?"  # noqa: S608  fixed words
    for table in ("term", "value", "key")
)
EXPUNGE: Final = (
    *SHRED,
    *(
        f"DELETE FROM gdprkit_{table} WHERE tenant = ? AND subject = ?"  # noqa: S608  fixed words
        for table in ("entry", "token", "line")
    ),
)


@lru_cache(maxsize=256)
def listed(statement: str, count: int, slots: int = 0) -> str:
    """Return *statement* with *count* placeholders for its list, and *slots* for that of slots."""
    return statement.format(list=", ".join("?" * count), slots=", ".join("?" * slots))


def chunks(values: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Give *values*, each once, in lists for ``listed``.

    Lengths are powers of two, filled up with the last value, so that a driver prepares few
    statements.
    """
    rest = iter(dict.fromkeys(values))
    while chunk := list(islice(rest, LIST_LIMIT)):
        if len(chunk) == 1:
            yield chunk
            return
        size = 1 << (len(chunk) - 1).bit_length()
        yield chunk + chunk[-1:] * (size - len(chunk))


def grouped(pairs: Iterable[tuple[bytes, Any]]) -> Iterator[tuple[bytes, tuple[Any, ...]]]:
    """Give each first part with all its second parts; equal first parts stand together."""
    for first, group in groupby(pairs, key=lambda pair: pair[0]):
        yield first, tuple(second for _, second in group)


def _word(words: type[_Word], word: str) -> _Word:
    try:
        return words(word)
    except ValueError:
        raise StoreCorrupt(_WRONG) from None


def _moment(value: object) -> datetime:
    if type(value) is not int:
        raise StoreCorrupt(_WRONG)
    try:
        return from_microseconds(value)
    except (OverflowError, ValueError):
        raise StoreCorrupt(_WRONG) from None


def subject_of(raw: bytes) -> SubjectId:
    """Read an id."""
    try:
        return SubjectId(UUID(bytes=raw))
    except (TypeError, ValueError):
        raise StoreCorrupt(_WRONG) from None


def _reads(*kinds: type) -> Callable[[Callable[[Row], T]], Callable[[Row], T]]:
    """Let a function read rows of these types alone: what it can make nothing of is damage."""

    def wrap(read: Callable[[Row], T]) -> Callable[[Row], T]:
        @wraps(read)
        def checked(row: Row) -> T:
            if tuple(map(type, row)) != kinds:
                raise StoreCorrupt(_WRONG)
            try:
                return read(row)
            except ValueError:
                raise StoreCorrupt(_WRONG) from None

        return checked

    return wrap


def entry_of(row: Row) -> StoredEntry:
    """Read a row of ENTRIES."""
    position, body, digest, receipt = row
    if type(position) is not int or type(body) is not bytes or type(digest) is not bytes:
        raise StoreCorrupt(_WRONG)
    return StoredEntry(position=position, body=body, digest=digest, key=receipt)


def position_of(row: Row) -> int:
    """Read a row of RECEIPT."""
    if type(row[0]) is not int:
        raise StoreCorrupt(_WRONG)
    return row[0]


@_reads(bytes, bytes)
def slotted(row: Row) -> tuple[Slot, bytes]:
    """Read a row of VALUES or TERMS: what lies in a slot."""
    return Slot(UUID(bytes=row[0])), row[1]


@_reads(bytes, bytes, bytes)
def placed(row: Row) -> tuple[bytes, Slot, bytes]:
    """Read a row of VALUES_OF: what lies in a person's slot."""
    return row[0], Slot(UUID(bytes=row[1])), row[2]


@_reads(bytes, bytes)
def finding_of(row: Row) -> tuple[bytes, SubjectId]:
    """Read a row of FIND."""
    return row[0], subject_of(row[1])


@_reads(bytes, int, bytes, int, bytes)
def standing_of(row: Row) -> StoredStanding:
    """Read a row of STANDING or TAGGED."""
    subject, position, head, fold, state = row
    return StoredStanding(
        about=subject_of(subject), position=position, head=head, fold=fold, state=state
    )


def end_of(row: Row) -> Row:
    """Return a row of LINE_END as it is."""
    *end, wake_at = map(type, row)
    if end != [bytes, int, bytes, str] or wake_at not in {int, type(None)}:
        raise StoreCorrupt(_WRONG)
    return row


@_reads(bytes, int, bytes)
def line_end_of(row: Row) -> LineEnd:
    """Read a row of ENDS."""
    subject, position, head = row
    return LineEnd(about=subject_of(subject), position=position, head=head)


@_reads(bytes, str, str, str, str, int)
def suppression_of(row: Row) -> Suppression:
    """Read a row of SUPPRESSED."""
    hashed, purpose, channels, kind, author, since = row
    return Suppression(
        hash=hashed,
        kind=kind,
        channels=frozenset(_word(Channel, word) for word in channels.split()),
        purpose=PurposeId(purpose) if purpose else None,
        since=_moment(since),
        author=_word(Actor, author),
    )


def suppression_values(tenant: str, row: Suppression) -> Sequence[SqlValue]:
    """Write the values of SUPPRESS. No purpose is the empty word: a key holds no NULL."""
    return tenant, row.hash, *row.scope, microseconds(row.since)


@_reads(bytes, int, bytes, str, bytes, str, int, str, int, int)
def key_of(row: Row) -> KeyRow:
    """Read a row of KEYS."""
    subject, version, key_id, kek_id, wrapped, state, created, wraps_alg, restricted, held = row
    return KeyRow(
        about=subject_of(subject),
        version=version,
        key_id=key_id,
        kek_id=kek_id,
        wrapped=wrapped,
        state=_word(KeyState, state),
        created=_moment(created),
        wraps_alg=wraps_alg,
        restricted=bool(restricted),
        on_hold=bool(held),
    )


def key_values(tenant: str, row: KeyRow) -> Sequence[SqlValue]:
    """Write the values of KEY_PUT."""
    return (
        tenant,
        row.about.bytes,
        row.version,
        row.key_id,
        row.kek_id,
        row.wrapped,
        row.state.value,
        microseconds(row.created),
        row.wraps_alg,
        int(row.restricted),
        int(row.on_hold),
    )


def key_change(tenant: str, old: KeyRow, new: KeyRow) -> Sequence[SqlValue]:
    """Write the values of KEY_REPLACE."""
    return (*key_values(tenant, new)[3:], *key_values(tenant, old))


@_reads(bytes, int, str, str, str)
def tombstone_of(row: Row) -> Tombstone:
    """Read a row of TOMBSTONE or TOMBSTONES."""
    mark, erased_at, reason, reference, key_ids = row
    return Tombstone(
        mark=mark,
        erased_at=_moment(erased_at),
        reason=_word(ErasureReason, reason),
        reference=reference,
        key_ids=tuple(bytes.fromhex(word) for word in key_ids.split()),
    )


def tombstone_values(tenant: str, row: Tombstone) -> Sequence[SqlValue]:
    """Write the values of TOMBSTONE_ADD."""
    return (
        tenant,
        row.mark,
        microseconds(row.erased_at),
        row.reason.value,
        row.reference,
        " ".join(key_id.hex() for key_id in row.key_ids),
    )


@_reads(str, str, str, bytes, str, int)
def epoch_of(row: Row) -> EpochRow:
    """Read a row of EPOCHS."""
    kind, epoch, provider_key, wrapped, state, created = row
    return EpochRow(
        kind=_word(EpochKind, kind),
        epoch=epoch,
        provider_key=provider_key,
        wrapped=wrapped,
        state=_word(KeyState, state),
        created=_moment(created),
    )


def epoch_values(tenant: str, row: EpochRow) -> Sequence[SqlValue]:
    """Write the values of EPOCH_ADD."""
    return (
        tenant,
        row.kind.value,
        row.epoch,
        row.provider_key,
        row.wrapped,
        row.state.value,
        microseconds(row.created),
    )


def epoch_change(tenant: str, old: EpochRow, new: EpochRow) -> Sequence[SqlValue]:
    """Write the values of EPOCH_REPLACE."""
    return (*epoch_values(tenant, new)[3:], *epoch_values(tenant, old))


@_reads(bytes, int, bytes, int)
def line_tombstone_of(row: Row) -> LineTombstone:
    """Read a row of EXPUNGED."""
    _, position, head, at = row
    return LineTombstone(position=position, head=head, at=_moment(at))
