"""The contract of stores for one that is awaited.

Decides how an awaited store is brought under ``StoreContract``: a loop runs in a thread of its own,
and ``BlockingStore`` carries each call there. It leaves out every promise, which is the same for
both kinds. Always true: hooks are awaited on that loop, which is over when the tests of the class
are.

    class TestMyStore(AsyncStoreContract):
        async def make_async_store(self) -> AsyncStore:
            return MyStore(...)
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from threading import Thread
from typing import Any

import pytest

from gdprkit.storage.async_protocol import AsyncStore
from gdprkit.storage.blocking import BlockingStore
from gdprkit.storage.protocol import Store
from gdprkit.testing.store_contract import StoreContract

__all__ = ["AsyncStoreContract"]


class AsyncStoreContract(StoreContract):
    """Inherit, write ``make_async_store``, and run with pytest.

    For ``can_reopen`` write ``reopen_async_store``, and for ``has_neighbours``
    ``make_async_neighbour``; the other abilities are those of ``StoreContract``. The fixture
    ``loop`` gives the loop, for a pool that all tests of the class share.
    """

    async def make_async_store(self) -> AsyncStore:
        """Return a new, empty store; each call another one."""
        raise NotImplementedError("write make_async_store: every store needs it")

    async def reopen_async_store(self, store: AsyncStore) -> AsyncStore:
        """Close *store* and return a store on the same data."""
        raise NotImplementedError("write reopen_async_store, or do not claim can_reopen")

    async def make_async_neighbour(self, store: AsyncStore, tenant: str) -> AsyncStore:
        """Return a store of another tenant on the same data as *store*.

        Raises:
            InvalidValue: *tenant* is no name of a tenant.
        """
        raise NotImplementedError("write make_async_neighbour, or do not claim has_neighbours")

    @pytest.fixture(scope="class")
    @classmethod
    def loop(cls) -> Iterator[asyncio.AbstractEventLoop]:
        """Give an event loop that runs in a thread of its own."""
        loop = asyncio.new_event_loop()
        thread = Thread(target=loop.run_forever)
        thread.start()
        yield loop
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    @pytest.fixture(autouse=True)
    def _on_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._awaited: dict[int, AsyncStore] = {}

    def _blocking(self, work: Coroutine[Any, Any, AsyncStore]) -> Store:
        """Return the store that *work* makes, to be used from this thread."""
        awaited = asyncio.run_coroutine_threadsafe(work, self._loop).result()
        store = BlockingStore(awaited, self._loop)
        self._awaited[id(store)] = awaited
        return store

    def make_store(self) -> Store:
        """See ``make_async_store``."""
        return self._blocking(self.make_async_store())

    def reopen_store(self, store: Store) -> Store:
        """See ``reopen_async_store``."""
        return self._blocking(self.reopen_async_store(self._awaited[id(store)]))

    def make_neighbour(self, store: Store, tenant: str) -> Store:
        """See ``make_async_neighbour``."""
        return self._blocking(self.make_async_neighbour(self._awaited[id(store)], tenant))
