"""Test kits for those who implement a store or embed the library.

Nothing in ``gdprkit`` imports from here, but for the command that runs scenario files. The
contracts of stores have short names here; every other module is imported by its own. There is no
plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gdprkit.testing.async_store_contract import AsyncStoreContract
    from gdprkit.testing.store_contract import StoreContract

__all__ = ["AsyncStoreContract", "StoreContract"]


def __getattr__(name: str) -> object:
    # pytest and hypothesis are loaded by those who test
    try:
        if name == "AsyncStoreContract":
            from gdprkit.testing.async_store_contract import AsyncStoreContract

            return AsyncStoreContract
        if name == "StoreContract":
            from gdprkit.testing.store_contract import StoreContract

            return StoreContract
    except ModuleNotFoundError as error:
        if error.name not in {"pytest", "hypothesis"}:
            raise
        from gdprkit.errors import MissingExtra

        raise MissingExtra("testing", name) from None
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
