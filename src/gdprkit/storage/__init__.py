"""Floor 5: where entries, values and keys are kept. Nothing in a store knows what consent is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gdprkit.storage.memory import MemoryStore
    from gdprkit.storage.sqlite import SqliteStore

__all__ = ["MemoryStore", "SqliteStore"]


def __getattr__(name: str) -> object:
    # a program pays only for the store it uses
    if name == "MemoryStore":
        from gdprkit.storage.memory import MemoryStore

        return MemoryStore
    if name == "SqliteStore":
        from gdprkit.storage.sqlite import SqliteStore

        return SqliteStore
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
