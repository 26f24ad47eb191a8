"""Floor 5: where entries, values and keys are kept. Nothing in a store knows what consent is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gdprkit.storage.blocking import BlockingStore
    from gdprkit.storage.memory import MemoryStore
    from gdprkit.storage.postgres import PostgresStore
    from gdprkit.storage.postgres_async import AsyncPostgresStore
    from gdprkit.storage.postgres_install import install as install_postgres
    from gdprkit.storage.sqlite import SqliteStore

__all__ = [
    "AsyncPostgresStore",
    "BlockingStore",
    "MemoryStore",
    "PostgresStore",
    "SqliteStore",
    "install_postgres",
]

#: Name -> the module it is in, its name there, and the extra it needs.
_WHERE: Final = {
    "AsyncPostgresStore": ("postgres_async", "AsyncPostgresStore", "postgres"),
    "BlockingStore": ("blocking", "BlockingStore", None),
    "MemoryStore": ("memory", "MemoryStore", None),
    "PostgresStore": ("postgres", "PostgresStore", "postgres"),
    "SqliteStore": ("sqlite", "SqliteStore", None),
    "install_postgres": ("postgres_install", "install", "postgres"),
}

_DRIVER: Final = {"psycopg", "psycopg_pool"}


def __getattr__(name: str) -> object:
    # a program pays only for the store it uses
    if name not in _WHERE:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module

    module, inside, extra = _WHERE[name]
    try:
        return getattr(import_module(f"gdprkit.storage.{module}"), inside)
    except ModuleNotFoundError as error:
        if extra is None or error.name not in _DRIVER:
            raise
        from gdprkit.errors import MissingExtra

        raise MissingExtra(extra, name) from None
