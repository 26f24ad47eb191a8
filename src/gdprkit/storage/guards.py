"""What no store lets in, whatever its database: what hangs on a key that is gone.

Decides which key rows and look-up terms of a commit would hang on an epoch whose key was destroyed,
and which values are sealed by a destroyed version of the person's key. It leaves out transactions:
a store asks here inside the one that would write them.

Always true: a person's key is kept only under a key epoch that is stored and not destroyed, and no
value comes under a version that was. A process that has not heard of the end of a key would
otherwise write what nobody can ever read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from gdprkit.errors import InvalidValue
from gdprkit.sealing.errors import KeyDestroyed, KeyEpochDestroyed
from gdprkit.sealing.form import HEADER, KEY_ID
from gdprkit.sealing.rows import (
    EpochKind,
    EpochRow,
    KeyRow,
    KeyState,
    is_storable,
    term_prefix,
)
from gdprkit.storage.protocol import Batch
from gdprkit.words.identifiers import SubjectId

__all__ = [
    "check_batches",
    "check_changes",
    "check_kek",
    "check_keys",
    "hang_on_epochs",
    "same_epoch",
    "sealed_again",
]

_PREFIX = 4
"""Bytes of a look-up term that name its epoch."""

_KEY_ID = slice(HEADER - KEY_ID, HEADER)
"""Where an envelope names its key."""


def hang_on_epochs(batches: Iterable[Batch]) -> bool:
    """Return whether key rows or look-up terms come: then the epochs must be read."""
    return any(batch.keys or any(put.terms for put in batch.puts) for batch in batches)


def sealed_again(batches: Iterable[Batch]) -> Iterator[SubjectId]:
    """Give the people whose destroyed key versions must be read: values come to their old line.

    A new line has no version that could be gone.
    """
    return (batch.about for batch in batches if batch.puts and batch.expected)


def check_batches(
    batches: Iterable[Batch],
    epochs: Iterable[EpochRow],
    destroyed: Mapping[SubjectId, Collection[bytes]],
) -> None:
    """Refuse a commit that brings something under a key that is gone.

    Args:
        batches: What is to be stored.
        epochs: All of them as read inside the transaction; none where nothing hangs on one.
        destroyed: Of the people of ``sealed_again``, the ids of their destroyed key versions.

    Raises:
        KeyEpochDestroyed: names the epoch of key rows or terms; the caller rolls back.
        KeyDestroyed: names the version that sealed a value; the caller rolls back.
    """
    rows: list[KeyRow] = []
    prefixes: set[bytes] = set()
    gone_ids = {about: set(ids) for about, ids in destroyed.items()}
    for batch in batches:
        gone = gone_ids.get(batch.about)
        for put in batch.puts:
            if gone and put.envelope[_KEY_ID] in gone:
                raise KeyDestroyed(put.envelope[_KEY_ID].hex())
            prefixes.update(term[:_PREFIX] for term in put.terms)
        rows.extend(batch.keys)
        if gone is not None:  # a later batch of the person meets what this one destroys
            gone.update(row.key_id for row in batch.keys if row.state is KeyState.DESTROYED)
    if rows or prefixes:
        known = tuple(epochs)
        check_keys(rows, known)
        for row in known:
            ended = row.kind is EpochKind.INDEX and row.state is KeyState.DESTROYED
            if ended and term_prefix(row) in prefixes:
                raise KeyEpochDestroyed(row.epoch)


def check_keys(rows: Iterable[KeyRow], epochs: Iterable[EpochRow]) -> None:
    """Refuse key rows under an epoch that is gone; a destroyed version hangs on nothing.

    Raises:
        KeyEpochDestroyed: names the epoch.
    """
    wanted = {row.kek_id for row in rows if row.state is not KeyState.DESTROYED}
    live = {
        row.epoch
        for row in epochs
        if row.kind is EpochKind.KEK and row.state is not KeyState.DESTROYED
    }
    for epoch in sorted(wanted - live):
        raise KeyEpochDestroyed(epoch)


def check_kek(name: str | None) -> None:
    """Refuse to look for an epoch under a name that none can bear.

    Raises:
        InvalidValue: not every database takes the name.
    """
    if name is not None and not is_storable(name):
        raise InvalidValue("kek", "is no name of an epoch", "pass the name as epochs() gives it")


def check_changes(changes: Sequence[tuple[KeyRow, KeyRow]]) -> None:
    """Refuse to put one key row in the place of another person's or version's.

    Raises:
        InvalidValue: a pair does not belong together.
    """
    if any((old.about, old.version) != (new.about, new.version) for old, new in changes):
        raise InvalidValue("changes", "mix up two rows", "pair each row with its own successor")


def same_epoch(old: EpochRow, new: EpochRow) -> None:
    """Refuse to put one epoch in the place of another.

    Raises:
        InvalidValue: the two are not of one kind and name.
    """
    if (old.kind, old.epoch) != (new.kind, new.epoch):
        raise InvalidValue("new", "is another epoch", "change its state or its wrapping only")
