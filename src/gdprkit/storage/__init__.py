"""Floor 5: where entries, values and keys are kept. Nothing in a store knows what consent is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gdprkit.storage.memory import MemoryStore
    from gdprkit.storage.postgres import PostgresStore
    from gdprkit.storage.postgres_install import install as install_postgres
    from gdprkit.storage.sqlite import SqliteStore

__all__ = ["MemoryStore", "PostgresStore", "SqliteStore", "install_postgres"]

#: What the extra ``postgres`` brings -> its module and its name there.
_POSTGRES = {
    "PostgresStore": ("postgres", "PostgresStore"),
    "install_postgres": ("postgres_install", "install"),
}


def __getattr__(name: str) -> object:
    # a program pays only for the store it uses
    if name == "MemoryStore":
        from gdprkit.storage.memory import MemoryStore

        return MemoryStore
    if name == "SqliteStore":
        from gdprkit.storage.sqlite import SqliteStore

        return SqliteStore
    if name in _POSTGRES:
        from importlib import import_module

        from gdprkit.errors import MissingExtra

        module, inside = _POSTGRES[name]
        try:
            return getattr(import_module(f"gdprkit.storage.{module}"), inside)
        except ModuleNotFoundError as error:
            if error.name not in {"psycopg", "psycopg_pool"}:
                raise
            raise MissingExtra("postgres", name) from None
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
