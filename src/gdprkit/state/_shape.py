"""What the folds share: one way to put a row into a tuple of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from gdprkit.facts.entry import Entry

T = TypeVar("T")

#: type of fact -> (state now, entry, its fact) -> state after
Fold: TypeAlias = Mapping[type, Callable[[Any, Entry, Any], Any]]


def put(rows: tuple[T, ...], row: T, same: Callable[[T], bool]) -> tuple[T, ...]:
    """Return *rows* with *row* in place of the rows that are the *same*, at the end."""
    return (*(old for old in rows if not same(old)), row)
