"""A commit as one call of the function in PostgreSQL.

Decides how batches become arrays and which parts a call names. It leaves out what the function does
with them (``postgres_function``), and transactions.

Always true: one call brings each person once; batches of one person come in calls that follow each
other. Lines come in order of id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from gdprkit.sealing.form import HEADER, KEY_ID
from gdprkit.sealing.rows import LETTERS, EpochKind, KeyState
from gdprkit.storage import statements as sql
from gdprkit.storage.postgres_function import COMMIT_NAME, PARTS
from gdprkit.storage.protocol import Batch, Suppression
from gdprkit.storage.steps import RUN, Ask, Steps
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.moments import microseconds

__all__ = ["call", "commit", "rounds"]

_PREFIX: Final = 4  # bytes of a look-up term that name its epoch
_KEY_ID: Final = slice(HEADER - KEY_ID, HEADER)  # where an envelope names its key


def rounds(batches: Sequence[Batch]) -> Sequence[Sequence[Batch]]:
    """Share batches out so that nobody comes twice in one round, each round in order of id."""
    found: list[dict[SubjectId, Batch]] = []
    seen: dict[SubjectId, int] = {}
    for batch in batches:
        turn = seen.get(batch.about, 0)
        seen[batch.about] = turn + 1
        if turn == len(found):
            found.append({})
        found[turn][batch.about] = batch
    return [[turn[about] for about in sorted(turn)] for turn in found]


def commit(tenant: str, calls: Sequence[Sequence[Batch]], wait: str) -> Steps[None]:
    """Carry out ``Store.commit``, one call for each of ``rounds``.

    Args:
        tenant: Whose rows.
        calls: What ``rounds`` made of the batches.
        wait: Milliseconds to wait for each lock.
    """
    for number, batches in enumerate(calls):
        # the first one also looks at what later ones bring: a shredding takes the rows that tell it
        looked_at = [batches] if number else calls
        sealed = [row for one in looked_at for batch in one for row in _seal_rows(batch)]
        yield call(tenant, batches, wait, sealed)


def call(
    tenant: str, batches: Sequence[Batch], wait: str, sealed: Sequence[Sequence[object]]
) -> Ask:
    """Return the one question that stores *batches*, in which nobody comes twice.

    Args:
        tenant: Whose rows.
        batches: What to store.
        wait: Milliseconds to wait for each lock.
        sealed: People, and versions of their keys that must not be destroyed.
    """
    parts: dict[str, list[Sequence[object]]] = {"seal": list(sealed)} if sealed else {}
    for batch in batches:
        for part, row in _rows(batch):
            parts.setdefault(part, []).append(row)
    if "stop" in parts:
        parts["stop"] = _newest(batches)
    for part in ("kek", "index", "seal"):
        if part in parts:
            parts[part] = list(dict.fromkeys(map(tuple, parts[part])))
    brought = tuple(part for part in PARTS if part in parts)
    values: list[Any] = [tenant, wait]
    for part in brought:
        columns = zip(*parts[part], strict=True)
        values.extend(
            kind(column) for kind, column in zip(PARTS[part].values(), columns, strict=True)
        )
    return RUN, _statement(brought), values


@lru_cache(maxsize=256)
def _statement(parts: tuple[str, ...]) -> str:
    names = [f"{part}_{column}" for part in parts for column in PARTS[part]]
    return f"SELECT {COMMIT_NAME}(?, ?{''.join(f', {name} => ?' for name in names)})"


def _rows(batch: Batch) -> Iterator[tuple[str, Sequence[object]]]:
    """Give the rows of a batch, each with the part it belongs to."""
    subject, standing, marks = batch.about.bytes, batch.standing, batch.marks
    end = (
        *(standing.position, standing.head, standing.fold, standing.state),
        None if marks.wake_at is None else microseconds(marks.wake_at),
        " ".join(sorted(marks.tags)),
    )
    if batch.expected:
        yield "line", (subject, batch.expected, *end)
    else:
        yield "new", (subject, *end)
    for entry in batch.entries:
        yield "entry", (subject, entry.position, entry.body, entry.digest, entry.key)
    if batch.puts or batch.deletes or batch.keys or batch.flags or batch.shred:
        yield from _value_rows(batch, subject)
    for row in batch.suppress:
        yield "stop", (row,)
    for token in batch.spend:
        yield "token", (subject, token)


def _seal_rows(batch: Batch) -> Iterator[Sequence[object]]:
    """Give the versions of keys that sealed the values; a new line has none that could be gone."""
    if batch.expected:
        for put in batch.puts:
            yield batch.about.bytes, put.envelope[_KEY_ID]


def _value_rows(batch: Batch, subject: bytes) -> Iterator[tuple[str, Sequence[object]]]:
    """Give what concerns values, terms and keys; a shredding takes them all."""
    if batch.shred is not None:
        yield "shred", (subject,)
        yield "tomb", sql.tombstone_values("", batch.shred)[1:]
        return
    for gone in set(batch.deletes):
        yield "touch", (subject, gone.bytes)
        yield "drop", (subject, gone.bytes)
    for put in batch.puts:
        slot = put.slot.bytes
        if batch.expected:  # a new line has no terms
            yield "touch", (subject, slot)
        yield "value", (subject, slot, put.envelope)
        for term in put.terms:
            yield "term", (subject, slot, term)
            number = int.from_bytes(term[:_PREFIX], "big")
            yield "index", (f"{LETTERS[EpochKind.INDEX]}{number}",)
    for row in batch.keys:
        yield "key", sql.key_values("", row)[1:]
        if row.state is not KeyState.DESTROYED:
            yield "kek", (row.kek_id,)
    if (flags := batch.flags) is not None:
        yield "flag", (int(flags.restricted), int(flags.on_hold), subject)


def _newest(batches: Sequence[Batch]) -> list[Sequence[object]]:
    """Return the rows of suppressions, of each hash and scope the newest, in order."""
    kept: dict[tuple[bytes, str, str, str, str], Suppression] = {}
    for batch in batches:
        for row in batch.suppress:
            scope = (row.hash, *row.scope)
            kept[scope] = kept[scope].renewed(row) if scope in kept else row
    return [sql.suppression_values("", kept[scope])[1:] for scope in sorted(kept)]
