"""What a store under the contract says about itself: how it is made, and what it can be asked.

Decides the names of the abilities and of the hooks that go with them. It leaves out every promise:
those stand in the modules ``store_contract_…``. Always true: ``make_store`` alone is needed; a
promise that not every store can be asked about is switched on by an attribute, and skips by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import ClassVar, Protocol

import pytest
from hypothesis import HealthCheck, settings

from gdprkit.storage.protocol import Store

__all__ = ["Hosted", "StoreAbilities"]


class Hosted(Protocol):
    """A host's transaction, our store inside it, and a stranger outside.

    ``store`` writes through the host's connection, once the host has begun. ``outside`` is a store
    on the same data with a connection of its own, so it sees what is committed.
    """

    @property
    def store(self) -> Store:
        """Our store in the host's transaction."""
        ...

    @property
    def outside(self) -> Store:
        """A store on the same data that has nothing to do with the host."""
        ...

    def begin(self) -> None:
        """Begin the host's transaction as the host does; it happens once."""
        ...

    def put(self, name: str) -> None:
        """Write a row of the host's own, in the host's transaction."""
        ...

    def names(self) -> set[str]:
        """Return the host's rows as a stranger sees them: the committed ones."""
        ...

    def commit(self) -> None:
        """End the host's transaction as the host does, and keep what it holds."""
        ...

    def rollback(self) -> None:
        """End the host's transaction as the host does, and drop what it holds."""
        ...


class StoreAbilities:
    """Inherited through ``StoreContract``, which says what each attribute means."""

    can_reopen: ClassVar[bool] = False
    has_neighbours: ClassVar[bool] = False
    can_fail: ClassVar[bool] = False
    has_address: ClassVar[bool] = False
    can_be_hosted: ClassVar[bool] = False
    many: ClassVar[int] = 1100
    machine_settings: ClassVar[settings] = settings(
        max_examples=15,
        stateful_step_count=20,
        deadline=None,
        report_multiple_bugs=False,  # making each of several small takes minutes on a server
        suppress_health_check=list(HealthCheck),
    )

    def make_store(self) -> Store:
        """Return a new, empty store; each call another one."""
        raise NotImplementedError("write make_store: every store needs it")

    def reopen_store(self, store: Store) -> Store:
        """Close *store* and return a store on the same data."""
        raise NotImplementedError("write reopen_store, or do not claim can_reopen")

    def make_neighbour(self, store: Store, tenant: str) -> Store:
        """Return a store of another tenant on the same data as *store*.

        Raises:
            InvalidValue: *tenant* is no name of a tenant.
        """
        raise NotImplementedError("write make_neighbour, or do not claim has_neighbours")

    def fail_at(self, store: Store, n: int) -> AbstractContextManager[None]:
        """Return a block in which the *n*-th step of the next write to *store* fails, n from 1.

        A step is whatever can go wrong: a statement, beginning and committing included, or a call
        of the file system. The write lets any exception out. With fewer steps it succeeds.
        """
        raise NotImplementedError("write fail_at, or do not claim can_fail")

    def address(self, store: Store) -> str:
        """Return where *store* keeps its data, for ``open_store``, also in another process."""
        raise NotImplementedError("write address, or do not claim has_address")

    @staticmethod
    def open_store(address: str, /) -> Store:
        """Return a store on the data at *address*; another process imports it by its name."""
        raise NotImplementedError("write open_store, or do not claim has_address")

    def hosted(self) -> AbstractContextManager[Hosted]:
        """Return a block with a host on new, empty data, which has not begun yet."""
        raise NotImplementedError("write hosted, or do not claim can_be_hosted")

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        """Give a new store and close it afterwards."""
        store = self.make_store()
        yield store
        store.close()

    def needs(self, ability: str) -> None:
        """Skip the test, by name, unless the store claims *ability*."""
        if not getattr(self, ability):
            pytest.skip(f"not claimed: {ability}")
