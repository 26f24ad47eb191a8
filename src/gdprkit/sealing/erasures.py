"""The erasure ledger: which people were erased, kept where no backup of the keys can undo it.

Decides what a ledger promises and when a store is behind it. A backup of the keys holds wrapped
keys of people who were erased later; restored, it would bring them back. So each erasure is also
written into a list outside that backup, and a store that lacks one of its marks serves nobody
until the erasures were done again (``gdprkit.keeper.replaying``). Leaves out how a file keeps such
a list (``erasure_file``).

Always true: an erasure is written here after its commit and never before it, so nothing that was
refused can be replayed; what a process that died in between left out is added by the next
comparison in whatever process, from the store's own tombstones. No entry names anybody: a
mark is a keyed hash, pseudonymous as the line of facts is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Final, Protocol, final

from gdprkit.errors import InvalidValue
from gdprkit.sealing.errors import ErasureLedgerUnavailable, KeyStoreRolledBack
from gdprkit.sealing.rows import KeyStore, Tombstone

__all__ = ["ErasureLedger", "ErasureWatch", "MemoryErasureLedger"]


class ErasureLedger(Protocol):
    """An append-only list of the erasures of one tenant. Safe to share among threads."""

    @property
    def tenant(self) -> str:
        """Whose erasures these are."""
        ...

    @property
    def durable(self) -> bool:
        """Whether it outlives the process: then a receipt may say that restores are guarded."""
        ...

    def append(self, erasures: Iterable[Tombstone]) -> None:
        """Add *erasures* durably, in order; those whose mark is there already are left out.

        Raises:
            ErasureLedgerUnavailable: it cannot be written now; of *erasures* a part may be there.
            ErasureLedgerDamaged: what is there is not what was appended.
        """
        ...

    def records(self) -> Sequence[Tombstone]:
        """Return every erasure in the order it was appended, each mark once.

        Raises:
            ErasureLedgerUnavailable: it cannot be read now.
            ErasureLedgerDamaged: what is there is not what was appended.
        """
        ...


@final
class MemoryErasureLedger:
    """A ledger in memory, for tests: it guards nothing once the process is gone."""

    def __init__(self, tenant: str = "main") -> None:
        self._tenant: Final = tenant
        self._lock: Final = Lock()
        self._records: Final[dict[bytes, Tombstone]] = {}

    @property
    def tenant(self) -> str:
        """See ``ErasureLedger.tenant``."""
        return self._tenant

    @property
    def durable(self) -> bool:
        """See ``ErasureLedger.durable``."""
        return False

    def append(self, erasures: Iterable[Tombstone]) -> None:
        """See ``ErasureLedger.append``."""
        with self._lock:
            for record in erasures:
                self._records.setdefault(record.mark, record)

    def records(self) -> Sequence[Tombstone]:
        """See ``ErasureLedger.records``."""
        with self._lock:
            return tuple(self._records.values())


@final
class ErasureWatch:
    """Holds a store against its erasure ledger, and refuses to serve while the store is behind.

    A ledger that is behind gets what it lacks. All marks are compared at the first question, again
    when *ttl* seconds have passed, and at each question while the store is behind, so that a replay
    in another process is noticed at once.

    Args:
        ledger: The list outside the backups.
        store: The store to be watched.
        ttl: Seconds for which an answer is believed.
        monotonic: A clock that only goes forward, in seconds.
    """

    __slots__ = ("_behind", "_ledger", "_monotonic", "_pending", "_store", "_ttl", "_until")

    def __init__(
        self,
        ledger: ErasureLedger,
        store: KeyStore,
        *,
        ttl: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._behind: ErasureWatch | None = None
        self._pending: Final[dict[bytes, float]] = {}  # mark -> until when it is looked for
        self._ledger: Final = ledger
        self._store: Final = store
        self._ttl: Final = ttl
        self._monotonic: Final = monotonic
        self._until: float | None = None

    def aside(self) -> ErasureWatch:
        """Return this watch for work inside a transaction that is not over yet.

        It refuses when this one does. What is erased there may still be undone, so it is written to
        the ledger by the first question here that finds it committed.
        """
        twin = ErasureWatch(self._ledger, self._store, ttl=self._ttl, monotonic=self._monotonic)
        twin._behind = self
        return twin

    def lists(self, marks: Collection[bytes]) -> bool:
        """Whether the erasure under one of *marks* is in a ledger that outlives the process.

        Raises:
            ErasureLedgerUnavailable, ErasureLedgerDamaged: nobody can tell.
        """
        return self._ledger.durable and any(r.mark in marks for r in self._ledger.records())

    def check(self) -> None:
        """Return when the store knows every erasure of the ledger.

        Raises:
            KeyStoreRolledBack: it does not.
            ErasureLedgerUnavailable, ErasureLedgerDamaged: nobody can tell.
        """
        if self._behind is not None:
            self._behind.check()
            return
        if self._pending:
            self._look_for_pending()
        until = self._until
        if until is not None and self._monotonic() < until:
            return
        now = self._monotonic()
        missing, owed = self._compared()
        if missing:
            self._until = None
            raise KeyStoreRolledBack(len(missing))
        if owed:
            # one that can only be read stops nobody: whoever erased was told, receipts say that
            # the erasure is not listed, and the next comparison tries again
            with suppress(ErasureLedgerUnavailable):
                self._ledger.append(owed)
        self._until = now + self._ttl

    def _look_for_pending(self) -> None:
        """Write erasures to the ledger whose transaction is committed by now."""
        for mark, until in list(self._pending.items()):
            tombstone = self._store.tombstone(mark)
            if tombstone is not None:
                with suppress(ErasureLedgerUnavailable):  # as in ``check``
                    self._ledger.append((tombstone,))
            elif self._monotonic() < until:
                continue  # not yet, or taken back; the comparison sees it where it takes longer
            self._pending.pop(mark, None)

    def missing(self) -> tuple[Tombstone, ...]:
        """Return the erasures of the ledger that the store does not know, oldest first.

        Raises:
            ErasureLedgerUnavailable, ErasureLedgerDamaged: the ledger cannot be read.
        """
        return self._compared()[0]

    def _compared(self) -> tuple[tuple[Tombstone, ...], tuple[Tombstone, ...]]:
        """Return what the store lacks and what the ledger lacks, each oldest first."""
        # the ledger first: an erasure between the two reads is in the store before it is there
        records = self._ledger.records()
        kept = self._store.tombstones()
        listed = {record.mark for record in records}
        known = {tombstone.mark for tombstone in kept}
        return (
            tuple(record for record in records if record.mark not in known),
            tuple(tombstone for tombstone in kept if tombstone.mark not in listed),
        )

    def mend(self) -> None:
        """Add to the ledger what only the store knows: a process died between commit and append.

        A ledger that was lost is made again by this, as far as the store goes back.

        Raises:
            InvalidValue: the watch is one of ``aside``.
            ErasureLedgerUnavailable, ErasureLedgerDamaged: the ledger cannot be read or written.
        """
        if self._behind is not None:
            raise InvalidValue("store", "is on a host's transaction", "use the keeper itself")
        self._ledger.append(self._store.tombstones())

    def wrote(self, tombstone: Tombstone) -> None:
        """Append an erasure that the store has committed.

        Raises:
            ErasureLedgerUnavailable, ErasureLedgerDamaged: it stands in the store and not here; the
                next ``mend`` adds it.
        """
        if self._behind is not None:
            self._behind._pending[tombstone.mark] = self._monotonic() + self._ttl
            return
        self._ledger.append((tombstone,))
