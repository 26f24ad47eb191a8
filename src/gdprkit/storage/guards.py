"""What no store lets in, whatever its database: what hangs on a key that is gone.

Decides which key rows and look-up terms of a commit would hang on an epoch whose key was destroyed,
and which values are sealed by a destroyed version of the person's key. It leaves out transactions:
a store asks here inside the one that would write them.

Always true: a person's key is kept only under a key epoch that is stored and not destroyed, and no
value comes under a version that was. A process that has not heard of the end of a key would
otherwise write what nobody can ever read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeAlias

from gdprkit.errors import InvalidValue
from gdprkit.sealing.errors import KeyDestroyed, KeyEpochDestroyed
from gdprkit.sealing.form import HEADER, KEY_ID
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyRow, KeyState, term_prefix
from gdprkit.storage.protocol import Batch
from gdprkit.words.identifiers import SubjectId

__all__ = [
    "DestroyedNow",
    "EpochRowsNow",
    "check_batches",
    "check_changes",
    "check_keys",
    "same_epoch",
]

EpochRowsNow: TypeAlias = Callable[[], Iterable[EpochRow]]
"""Reads every epoch inside the transaction; called only when something would hang on one."""

DestroyedNow: TypeAlias = Callable[[SubjectId], Collection[bytes]]
"""Reads the ids of a person's destroyed key versions inside the transaction."""

_PREFIX = 4
"""Bytes of a look-up term that name its epoch."""

_KEY_ID = slice(HEADER - KEY_ID, HEADER)
"""Where an envelope names its key."""


def check_batches(batches: Iterable[Batch], epochs: EpochRowsNow, destroyed: DestroyedNow) -> None:
    """Refuse a commit that brings something under a key that is gone.

    Raises:
        KeyEpochDestroyed: names the epoch of key rows or terms; the caller rolls back.
        KeyDestroyed: names the version that sealed a value; the caller rolls back.
    """
    rows: list[KeyRow] = []
    prefixes: set[bytes] = set()
    for batch in batches:
        if batch.puts and batch.expected:  # a new line has no version that could be gone
            gone_ids = destroyed(batch.about)
            for put in batch.puts if gone_ids else ():
                if put.envelope[_KEY_ID] in gone_ids:
                    raise KeyDestroyed(put.envelope[_KEY_ID].hex())
        rows.extend(batch.keys)
        for put in batch.puts:
            prefixes.update(term[:_PREFIX] for term in put.terms)
    if rows or prefixes:
        known = tuple(epochs())
        check_keys(rows, lambda: known)
        for row in known:
            gone = row.kind is EpochKind.INDEX and row.state is KeyState.DESTROYED
            if gone and term_prefix(row) in prefixes:
                raise KeyEpochDestroyed(row.epoch)


def check_keys(rows: Iterable[KeyRow], epochs: EpochRowsNow) -> None:
    """Refuse key rows under an epoch that is gone; a destroyed version hangs on nothing.

    Raises:
        KeyEpochDestroyed: names the epoch.
    """
    wanted = {row.kek_id for row in rows if row.state is not KeyState.DESTROYED}
    live = {
        row.epoch
        for row in epochs()
        if row.kind is EpochKind.KEK and row.state is not KeyState.DESTROYED
    }
    for epoch in sorted(wanted - live):
        raise KeyEpochDestroyed(epoch)


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
