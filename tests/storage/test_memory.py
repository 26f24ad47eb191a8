"""The store in memory keeps the contract."""

from __future__ import annotations

import pytest

from gdprkit.errors import InvalidValue, StoreClosed
from gdprkit.storage import MemoryStore
from gdprkit.storage.protocol import Store
from gdprkit.testing.store_contract import StoreContract
from gdprkit.testing.store_values import follow, person


class TestMemoryStore(StoreContract):
    def make_store(self) -> Store:
        return MemoryStore()


def test_a_tenant_has_a_name() -> None:
    """An empty tenant is refused when the store is made."""
    with pytest.raises(InvalidValue):
        MemoryStore("")


def test_it_closes_at_the_end_of_a_with_block() -> None:
    """Used as a context manager the store closes, and its repr tells only the tenant."""
    with MemoryStore("shop") as store:
        store.commit(follow(store, person(1), b"one"))
        assert repr(store) == "MemoryStore(tenant='shop')"
    with pytest.raises(StoreClosed):
        store.standing(person(1))
