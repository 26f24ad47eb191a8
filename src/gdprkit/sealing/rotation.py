"""Rotating what stands above the keys of people: root keys and key epochs.

Decides the order of writes in which a root key gives way to another, an epoch to the next, key rows
move, and when an epoch may be destroyed. Leaves out the keys of single people and look-up terms,
which need the values (``gdprkit.keeper.key_care``), and the file of a keyring.

Always true: whenever the process dies, everything that could be read can be read, and the same call
made again finishes the work; a row that somebody changed meanwhile is left to the next turn; an
epoch is destroyed only when nothing hangs on it and every process has heard of its successor.

Who writes under an epoch believes it for ``KeySettings.ttl`` seconds, so all processes of a store
have the same one, or a shorter one than the process that destroys. An epoch writes until the next
one is made; that moment, and the time to live behind it, is all that has to be waited for.

An epoch that was replaced stays under the root key of its day and dies with it. Under the next root
key it would live on in every backup made until it is destroyed, and open the key rows of all the
backups from before: people who were erased in the meantime too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, TypeAlias, final

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.sealing.errors import (
    KeyEpochDestroyed,
    KeyIntegrityError,
    KeyInUse,
    RotationTooEarly,
)
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyRow, KeyState, epoch_number
from gdprkit.words.identifiers import SubjectId

__all__ = [
    "BATCH",
    "EpochStatus",
    "KeyStatus",
    "Progress",
    "Rewrapped",
    "check_known",
    "destroy_epoch",
    "free_at",
    "key_status",
    "new_epoch",
    "rewrap_epochs",
    "rewrap_keys",
    "rotate",
]

BATCH: Final = 500
"""Key rows that move in one transaction."""

Progress: TypeAlias = Callable[[int], None]
"""Called with how many more are done."""


@final
@attrs.frozen(kw_only=True)
class EpochStatus:
    """How a key epoch stands.

    Args:
        kind: What it is for.
        epoch: Its name.
        state: How far it has come.
        root: Id of the root key that wraps it.
        created: When it was made.
        hanging: Key rows, or look-up terms, that hang on it; None for the lasting epoch.
        free_at: From when nobody writes under it any more; None while it writes.
    """

    kind: EpochKind
    epoch: str
    state: KeyState
    root: str
    created: datetime
    hanging: int | None
    free_at: datetime | None

    @property
    def live(self) -> bool:
        """It was not destroyed."""
        return self.state is not KeyState.DESTROYED

    @property
    def moves(self) -> bool:
        """It goes under each new root key: it writes, or it lasts."""
        return _moves(self)

    @property
    def old(self) -> bool:
        """It gave way to another one and is still there."""
        return self.live and self.free_at is not None


@final
@attrs.frozen(kw_only=True)
class KeyStatus:
    """How the keys of one tenant stand.

    Args:
        root: Id of the root key that wraps now.
        provider: What the provider is.
        epochs: In order of kind and number.
    """

    root: str
    provider: str
    epochs: tuple[EpochStatus, ...]

    @property
    def waiting(self) -> int:
        """Key rows and look-up terms that hang on an old epoch."""
        return sum(epoch.hanging or 0 for epoch in self.epochs if epoch.old)

    @property
    def begun(self) -> bool:
        """A rotation was begun and not finished: what writes is under another root key, or two do.

        Only ``rotate`` finishes it.
        """
        writing = [e.kind for e in self.epochs if e.state is KeyState.ACTIVE]
        moved = all(epoch.root == self.root for epoch in self.epochs if epoch.moves)
        return not moved or len(set(writing)) < len(writing)


@final
@attrs.frozen(kw_only=True)
class Rewrapped:
    """What a turn over the key rows has done.

    Args:
        rows: Rows that moved to the newest epoch.
        left: Rows that somebody else kept changing; the next call takes them.
        damaged: Person and version of rows that do not open, and were left as they are.
    """

    rows: int = 0
    left: int = 0
    damaged: tuple[tuple[SubjectId, int], ...] = ()


def key_status(keys: SubjectKeys) -> KeyStatus:
    """Return how the keys stand; it counts every key row and takes its time.

    Raises:
        KeyIntegrityError: an epoch has no name of one.
        KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
    """
    hanging = keys.epochs.store.hanging()
    root = keys.epochs.root()
    epochs = [
        EpochStatus(
            kind=row.kind,
            epoch=row.epoch,
            state=row.state,
            root=row.provider_key,
            created=row.created,
            hanging=None if kind is EpochKind.LASTING else hanging.get(row.epoch, 0),
            free_at=free_at(keys, row, rows),
        )
        for kind in EpochKind
        for rows in [_of(keys, kind)]
        for row in rows
    ]
    return KeyStatus(root=root.key_id, provider=root.kind, epochs=tuple(epochs))


def rotate(
    keys: SubjectKeys, *, at: datetime, kinds: tuple[EpochKind, ...] = (EpochKind.KEK,)
) -> None:
    """Make a new epoch of each of *kinds*, and put what writes or lasts under the active root key.

    A rotation that was interrupted is finished instead. Afterwards ``rewrap_keys`` moves the key
    rows, and ``destroy_epoch`` ends the old epoch, which stays under its root key until then.

    Args:
        keys: Of one tenant, with a provider that opens every epoch that writes or lasts.
        at: Now.
        kinds: KEK, INDEX; the lasting epoch is never replaced.

    Raises:
        InvalidValue: *kinds* holds the lasting kind.
        KeyIntegrityError: an epoch's row was damaged or swapped.
        KeyEpochDestroyed: the root key of an epoch was destroyed.
        KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
    """
    keys.refresh()
    keys.ready(at)  # a first epoch made later would not know of this root key
    moving = [row for row in _all(keys) if _moves(row)]
    for row in moving:  # a provider that lacks a root key must not wrap anything new
        keys.epochs.unwrap(row)
    root = keys.epochs.root().key_id
    moved = all(row.provider_key == root for row in moving)
    for kind in kinds:
        newest = _of(keys, kind)[-1]
        if moved or newest.provider_key != root:
            new_epoch(keys, kind, at=at)
        else:
            _retire_all_but_newest(keys, kind)
    rewrap_epochs(keys)
    keys.refresh()


def new_epoch(keys: SubjectKeys, kind: EpochKind, *, at: datetime) -> str:
    """Let a new epoch write, and the one before it only read; return the new one's name.

    First the new one is stored, then the old one is retired. Between the two both are there and the
    newest writes. Of two processes at once one makes the epoch and both use it.

    Args:
        keys: Of one tenant.
        kind: KEK or INDEX.
        at: Now. No process writes under the old epoch once the time to live has passed after it.

    Raises:
        InvalidValue: *kind* is the one that lasts.
        KeyIntegrityError: an epoch's row was damaged.
        KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
    """
    if kind is EpochKind.LASTING:
        raise InvalidValue("kind", "is the one that lasts", "what hangs on it cannot be made again")
    rows = _of(keys, kind)
    if sum(row.state is KeyState.ACTIVE for row in rows) < 2:
        number, since = (epoch_number(rows[-1]), rows[-1].created) if rows else (0, at)
        keys.epochs.add(kind, number + 1, max(at, since))
    newest = _retire_all_but_newest(keys, kind)
    keys.refresh()
    return newest


def _retire_all_but_newest(keys: SubjectKeys, kind: EpochKind) -> str:
    """Retire every epoch that still writes although a newer one does."""
    while True:
        writing = [row for row in _of(keys, kind) if row.state is KeyState.ACTIVE]
        if not writing:
            raise KeyIntegrityError(f"of the {kind} epochs", "none is active")
        if len(writing) == 1:
            return writing[0].epoch
        # somebody who is as far changes the same row: then it is read again
        keys.epochs.store.replace_epoch(
            writing[0], attrs.evolve(writing[0], state=KeyState.RETIRED)
        )


def rewrap_epochs(keys: SubjectKeys) -> int:
    """Put every epoch that writes or lasts under the active root key; return how many moved.

    Raises:
        KeyIntegrityError: a row was damaged, or the provider returned another key.
        KeyEpochDestroyed: the root key of an epoch was destroyed.
        KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
    """
    count = 0
    for kind in EpochKind:
        for name in [row.epoch for row in _of(keys, kind) if _moves(row)]:
            count += _rewrap_epoch(keys, kind, name)
    return count


def _rewrap_epoch(keys: SubjectKeys, kind: EpochKind, name: str) -> bool:
    while (row := keys.epochs.of(kind).get(name)) and _moves(row):
        after = keys.epochs.rewrapped(row)
        if after is None:
            return False
        if keys.epochs.store.replace_epoch(row, after):
            return True
    return False  # replaced meanwhile: it stays where it is


def rewrap_keys(
    keys: SubjectKeys, *, at: datetime, batch: int = BATCH, progress: Progress = lambda _: None
) -> Rewrapped:
    """Move the key rows of all old epochs under the newest one, a batch in each transaction.

    Made again after an interruption it moves what is left. A row that somebody changes meanwhile
    comes again in the next turn. Rows under an epoch whose root key was destroyed, as in a backup
    that was restored too late, are told as damaged. No subject key changes, so nothing is sealed
    anew and no opened key has to be closed.

    Args:
        keys: Of one tenant.
        at: Now.
        batch: Rows in one transaction.
        progress: Called with how many more rows were moved.

    Raises:
        InvalidValue: *batch* is less than 1.
        KeyIntegrityError: an epoch does not open.
        KeyEpochDestroyed: the newest epoch was destroyed meanwhile.
        KeyExhausted: the newest epoch has wrapped too many keys.
        KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
    """
    total, damaged = 0, dict[tuple[SubjectId, int], None]()
    while True:
        keys.refresh()
        moved = left = 0
        for old in _of(keys, EpochKind.KEK)[:-1]:
            if old.state is KeyState.DESTROYED:
                continue
            opens: bool | None = None  # what nothing hangs on is not opened
            for page in _pages(keys, old.epoch, batch):
                if opens is None:
                    opens = _opens(keys, old)
                if not opens:
                    damaged.update(((row.about, row.version), None) for row in page)
                    continue
                changes = []
                for row in page:
                    try:
                        changes.append((row, keys.rewrapped(row, at=at)))
                    except KeyIntegrityError:
                        damaged[row.about, row.version] = None
                count = keys.epochs.store.replace_keys(changes)
                moved += count
                left += len(changes) - count
                progress(count)
        total += moved
        if not left or not moved:
            return Rewrapped(rows=total, left=left, damaged=tuple(damaged))


def destroy_epoch(keys: SubjectKeys, epoch: str, *, at: datetime) -> None:
    """Destroy the key of an old epoch for good; destroyed again, nothing changes.

    Backups of the key store still hold it, wrapped by the root key it was made under: they die when
    that root key is destroyed too.

    Args:
        keys: Of one tenant.
        epoch: Its name, such as ``k1``.
        at: Now.

    Raises:
        InvalidValue: there is no such epoch, it writes, or it is the one that lasts.
        RotationTooEarly: another process may still write under it.
        KeyInUse: key rows or look-up terms hang on it.
    """
    found = next((row for row in _all(keys) if row.epoch == epoch), None)
    if found is None or found.kind is EpochKind.LASTING:
        raise InvalidValue("epoch", "is none that can be destroyed", "name one that was replaced")
    if found.state is KeyState.DESTROYED:
        return
    free = free_at(keys, found, _of(keys, found.kind))
    if free is None or found.state is not KeyState.RETIRED:
        raise InvalidValue("epoch", "writes", "rotate first")
    if at < free:
        raise RotationTooEarly(f"key epoch {epoch}", free)
    if not keys.epochs.store.destroy_epoch(found):
        count = keys.epochs.store.hanging().get(epoch, 0)
        cure = "rewrap the key rows" if found.kind is EpochKind.KEK else "make the terms again"
        raise KeyInUse(f"key epoch {epoch}", count, f"{cure}, then try again")
    keys.refresh()


def check_known(keys: SubjectKeys, kind: EpochKind, *, at: datetime) -> None:
    """Refuse while another process may not have heard of the newest epoch of a kind.

    Args:
        keys: Of one tenant.
        kind: Which kind.
        at: Now.

    Raises:
        RotationTooEarly: tells from when every process knows it.
    """
    rows = _of(keys, kind)
    for row in rows[-2:-1]:
        free = free_at(keys, row, rows)
        if free is not None and at < free:
            raise RotationTooEarly(f"key epoch {row.epoch}", free)


def free_at(keys: SubjectKeys, row: EpochRow, rows: list[EpochRow]) -> datetime | None:
    """Return from when nobody writes under an epoch any more; None while it is the newest.

    Args:
        keys: Say how long a process believes an epoch.
        row: The epoch.
        rows: All of its kind, in order.
    """
    later = [other.created for other in rows if epoch_number(other) > epoch_number(row)]
    return min(later) + timedelta(seconds=keys.settings.ttl) if later else None


def _moves(epoch: EpochRow | EpochStatus) -> bool:
    """Whether an epoch goes under each new root key; what was replaced stays under its own."""
    return epoch.state is KeyState.ACTIVE or epoch.kind is EpochKind.LASTING


def _of(keys: SubjectKeys, kind: EpochKind) -> list[EpochRow]:
    """Return the epochs of a kind as they are stored now, in order of number."""
    return sorted(keys.epochs.of(kind).values(), key=epoch_number)


def _all(keys: SubjectKeys) -> list[EpochRow]:
    return [row for kind in EpochKind for row in _of(keys, kind)]


def _opens(keys: SubjectKeys, old: EpochRow) -> bool:
    """Whether an old epoch opens; False when its root key was destroyed.

    Raises:
        KeyIntegrityError, KeyProviderUnavailable, KeyProviderDenied: it might, and does not now.
    """
    try:
        keys.epochs.unwrap(old)
    except KeyEpochDestroyed:
        return False
    return True


def _pages(keys: SubjectKeys, kek: str, size: int) -> Iterator[list[KeyRow]]:
    """Give the live key rows under an epoch, page by page."""
    after: tuple[SubjectId, int] | None = None
    while page := keys.epochs.store.key_rows(kek=kek, after=after, limit=size):
        after = page[-1].about, page[-1].version
        yield [row for row in page if row.state is not KeyState.DESTROYED]
