"""The key epochs of a tenant: made once, unwrapped once, known by name.

Decides which epoch new keys go under and when an epoch may be used at all. Leaves out what an epoch
key is used for: ``keys`` says that. Always true: an epoch key is used only as the store returned
it, so nothing is ever protected by a key that was not stored; of two processes that make the first
epoch at once both use the one that was stored; a destroyed epoch is never replaced silently.

Other processes learn of a new or destroyed epoch within *ttl* seconds. Whoever rotates therefore
waits that long after retiring an epoch, and moves what hangs on it, before it destroys the key
(``rotation``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Generic, TypeVar, final

import attrs

from gdprkit.errors import GdprkitError
from gdprkit.sealing.errors import (
    FieldCryptoError,
    KeyEpochDestroyed,
    KeyIntegrityError,
    KeyProviderDenied,
    KeyProviderUnavailable,
)
from gdprkit.sealing.locks import ForkLock
from gdprkit.sealing.providers import KeyProvider, ProviderDescription
from gdprkit.sealing.rows import (
    LETTERS,
    EpochKind,
    EpochRow,
    KeyState,
    KeyStore,
    epoch_number,
)
from gdprkit.sealing.secret import KeepsSecrets, draw

__all__ = ["EPOCH_KEY", "EpochBook", "EpochRows"]

T = TypeVar("T")
_TRIES: Final = 8
EPOCH_KEY: Final = 32
"""Bytes of an epoch key."""


@final
class EpochRows(KeepsSecrets):
    """The epoch rows of one tenant, and the provider that opens them.

    Args:
        provider: Wraps and unwraps epoch keys.
        store: Keeps their rows.
        tenant: Whose they are.
        random: Returns so many fresh random bytes.

    Attributes:
        store: Keeps their rows.
    """

    __slots__ = ("_provider", "_random", "_tenant", "store")

    def __init__(
        self,
        provider: KeyProvider,
        store: KeyStore,
        *,
        tenant: str,
        random: Callable[[int], bytes],
    ) -> None:
        self._provider: Final = provider
        self.store: Final = store
        self._tenant: Final = tenant
        self._random: Final = random

    def of(self, kind: EpochKind) -> dict[str, EpochRow]:
        """Return the rows of one kind as they are stored now."""
        return {row.epoch: row for row in self.store.epochs() if row.kind is kind}

    def known(self, kind: EpochKind) -> dict[str, EpochRow]:
        """Return the rows of one kind; none only where none was ever made.

        Nobody has a key before there is a KEK and a LASTING epoch. A first one in the place of one
        that was lost would write what the true one, once restored, does not open, and would know
        none of the erased.

        Raises:
            KeyIntegrityError: people have keys and the epochs of the kind are gone.
        """
        found = self.of(kind)
        if found or kind is EpochKind.INDEX or not self.store.key_rows(limit=1):
            return found
        found = self.of(kind)  # another process may have made the first one just now
        if not found:
            raise KeyIntegrityError(f"every {kind} epoch", "is gone from the key store")
        return found

    def add(self, kind: EpochKind, number: int, at: datetime) -> None:
        """Make epoch *number* and store it; whoever stored one of that number before keeps it.

        Raises:
            KeyIntegrityError: the provider returned no bytes.
            KeyProviderUnavailable, KeyProviderDenied: it does not answer, or refuses.
        """
        epoch = f"{LETTERS[kind]}{number}"
        context = self._context(kind, epoch)
        wrapped, root_key = self._under_root(
            lambda: self._provider.wrap(draw(self._random, EPOCH_KEY), context)
        )
        if not isinstance(wrapped, bytes) or not wrapped:
            raise KeyIntegrityError(f"key epoch {epoch!r}", "was not wrapped: no bytes came back")
        self.store.add_epoch(
            EpochRow(
                kind=kind,
                epoch=epoch,
                provider_key=root_key,
                wrapped=wrapped,
                state=KeyState.ACTIVE,
                created=at,
            )
        )

    def root(self) -> ProviderDescription:
        """Tell which root key wraps now.

        Raises:
            KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
        """
        return _asked(self._provider, self._provider.describe)

    def rewrapped(self, row: EpochRow) -> EpochRow | None:
        """Return *row* under the active root key, or None when it is under that already.

        Nothing is stored. What the provider returned was opened again: it holds the same key.

        Raises:
            KeyIntegrityError: the provider returned no bytes, or another key.
            KeyEpochDestroyed: the root key that wraps *row* was destroyed.
            KeyProviderUnavailable, KeyProviderDenied: it does not answer, or refuses.
        """
        context = self._context(row.kind, row.epoch)
        wrapped, root_key = self._under_root(lambda: self._provider.rewrap(row.wrapped, context))
        if wrapped is None:  # then the row says so too: who drops a root key looks there
            same = row.provider_key == root_key
            return None if same else attrs.evolve(row, provider_key=root_key)
        if not isinstance(wrapped, bytes) or not wrapped:
            raise KeyIntegrityError(
                f"key epoch {row.epoch!r}", "was not wrapped anew: no bytes came back"
            )
        after = attrs.evolve(row, wrapped=wrapped, provider_key=root_key)
        if self.unwrap(after) != self.unwrap(row):
            raise KeyIntegrityError(f"key epoch {row.epoch!r}", "came back as another key")
        return after

    def unwrap(self, row: EpochRow) -> bytes:
        """Return the 32 bytes of an epoch's key.

        Raises:
            KeyIntegrityError: the provider returned something else.
            KeyProviderUnavailable, KeyProviderDenied: it does not answer, or refuses.
        """
        context = self._context(row.kind, row.epoch)
        key: object = _asked(self._provider, lambda: self._provider.unwrap(row.wrapped, context))
        if isinstance(key, bytes) and len(key) == EPOCH_KEY:
            return key
        del key
        raise KeyIntegrityError(f"key epoch {row.epoch!r}", f"is not {EPOCH_KEY} bytes")

    def _under_root(self, wrap: Callable[[], object]) -> tuple[object, str]:
        """Return what *wrap* returns and the root key it is under, though that may just change.

        Whoever drops a root key trusts what the row says.
        """
        for _ in range(_TRIES):
            root_key = _asked(self._provider, self._root_key)
            wrapped = _asked(self._provider, wrap)
            if _asked(self._provider, self._root_key) == root_key:
                return wrapped, root_key
        name = f"key provider {type(self._provider).__name__}"
        raise KeyProviderUnavailable(name, "changes its root key all the time")

    def _root_key(self) -> str:
        return self._provider.describe().key_id

    def _context(self, kind: EpochKind, epoch: str) -> dict[str, str]:
        """What the provider binds the key to; written once, it never changes."""
        return {
            "gdprkit": "epoch/v1",
            "tenant": self._tenant,
            "kind": str(kind),
            "epoch": epoch,
        }


@final
class EpochBook(KeepsSecrets, Generic[T]):
    """The epochs of one kind, opened.

    Args:
        kind: Which kind.
        rows: Where their rows are.
        make: Makes the object that holds an epoch's key, from its row and its 32 bytes.
        ttl: Seconds after which the rows are read again.
        monotonic: A clock that only goes forward, in seconds.
    """

    __slots__ = (
        "_active",
        "_kind",
        "_known",
        "_lock",
        "_make",
        "_monotonic",
        "_opened",
        "_rows",
        "_ttl",
        "_until",
        "_usable",
    )

    def __init__(
        self,
        kind: EpochKind,
        rows: EpochRows,
        *,
        make: Callable[[EpochRow, bytes], T],
        ttl: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._kind: Final = kind
        self._rows: Final = rows
        self._make: Final = make
        self._ttl: Final = ttl
        self._monotonic: Final = monotonic
        self._lock: Final = ForkLock()
        self._known: dict[str, EpochRow] = {}
        self._opened: dict[str, T] = {}
        self._usable: tuple[T, ...] = ()
        self._active: T | None = None
        self._until = 0.0

    def active(self, at: datetime) -> T:
        """Return the epoch for new keys; make the first one when there is none.

        Args:
            at: The moment that a new epoch's row shows.

        Raises:
            KeyEpochDestroyed: the last epoch was destroyed and nobody made another.
            KeyIntegrityError: the rows contradict each other, or the key does not open.
            KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
        """
        active = self._active
        if active is not None and self._monotonic() < self._until:
            return active
        with self._lock:
            if not self._current():
                self._rows.add(self._kind, 1, at)
                self.refresh()
            rows = sorted(self._known.values(), key=epoch_number)
            if not rows:
                raise KeyIntegrityError(
                    f"the first {self._kind} epoch", "was not kept by the store"
                )
            usable = [row for row in rows if row.state is KeyState.ACTIVE]
            if usable:
                known = self._known
                active = self.open(usable[-1].epoch)
                if known is self._known:  # opening it may have read the rows again
                    self._active = active
                return active
            if rows[-1].state is KeyState.DESTROYED:
                raise KeyEpochDestroyed(rows[-1].epoch)
            raise KeyIntegrityError(f"of the {self._kind} epochs", "none is active")

    def open(self, epoch: str) -> T:
        """Return the epoch called *epoch*.

        Raises:
            KeyEpochDestroyed: its key is gone for good.
            KeyIntegrityError: the store has no such epoch, or the key does not open.
            KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
        """
        if self._monotonic() < self._until:  # most calls: known and open already
            found = self._opened.get(epoch)
            if found is not None:
                return found
        with self._lock:
            if epoch not in self._current():
                self.refresh()
            row = self._known.get(epoch)
            if row is None:
                raise KeyIntegrityError(f"key epoch {epoch!r}", "is not in the key store")
            if row.state is KeyState.DESTROYED:
                raise KeyEpochDestroyed(epoch)
            if epoch not in self._opened:
                self._opened[epoch] = self._unwrapped(row)
            return self._opened[epoch]

    def _unwrapped(self, row: EpochRow) -> T:
        """Open a row; when its root key is gone it may lie under another one by now."""
        try:
            return self._make(row, self._rows.unwrap(row))
        except (KeyEpochDestroyed, KeyProviderDenied):
            self.refresh()
            now = self._known.get(row.epoch)
            if now is None or now == row or now.state is KeyState.DESTROYED:
                raise
            return self._make(now, self._rows.unwrap(now))

    def usable(self) -> tuple[T, ...]:
        """Return every epoch that is not destroyed, newest first; empty when none was made.

        Raises:
            KeyEpochDestroyed: there were epochs and all are destroyed: nothing can be looked for,
                which is another answer than that nothing is there.
            KeyIntegrityError, KeyProviderUnavailable, KeyProviderDenied: as in ``open``.
        """
        usable = self._usable
        if usable and self._monotonic() < self._until:
            return usable
        with self._lock:
            rows = sorted(self._current().values(), key=epoch_number, reverse=True)
            left = [row for row in rows if row.state is not KeyState.DESTROYED]
            if rows and not left:
                raise KeyEpochDestroyed(rows[0].epoch)
            known = self._known
            usable = tuple(self.open(row.epoch) for row in left)
            if known is self._known:  # opening one may have read the rows again
                self._usable = usable
            return usable

    def refresh(self) -> None:
        """Read the rows again.

        Raises:
            KeyIntegrityError: people have keys and the epochs of the kind are gone.
        """
        with self._lock:
            known = self._rows.known(self._kind)
            self._known = known
            self._usable = ()
            self._active = None
            self._until = self._monotonic() + self._ttl
            # a key whose epoch was destroyed elsewhere is closed here
            self._opened = {
                epoch: key
                for epoch, key in self._opened.items()
                if epoch in known and known[epoch].state is not KeyState.DESTROYED
            }

    def _current(self) -> Mapping[str, EpochRow]:
        if not self._known or self._monotonic() >= self._until:
            self.refresh()
        return self._known


def _asked(provider: KeyProvider, call: Callable[[], T]) -> T:
    """Return what *call* returns; what is no error of the contract becomes one.

    Its own text and its frames may hold the key, so nothing is chained to what is raised.
    """
    name = f"key provider {type(provider).__name__}"
    problem: FieldCryptoError
    try:
        return call()
    except PermissionError:
        problem = KeyProviderDenied(name, "was refused access", "check its permissions")
    except OSError as error:
        problem = KeyProviderUnavailable(name, f"did not answer ({type(error).__name__})")
    except GdprkitError:
        raise
    except Exception as error:  # noqa: BLE001  # whoever wrote the provider chose it
        what = f"failed with {type(error).__name__}, which is no error of key providers"
        problem = KeyProviderDenied(name, what, "prove it with KeyProviderContract")
    raise problem
