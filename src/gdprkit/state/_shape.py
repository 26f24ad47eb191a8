"""What the folds share: the form of a table of handlers, and one way to put a row among rows.

Most handlers are pure: state in, state out. The commonest facts of a line add to one collection of
their room; copying all of it for each of them would be most of the work of a fold. For these a room
has a *draft*: its collection, open to be written in while a line is folded, closed to a state at
the end. Nobody outside a fold sees a draft.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias, TypeVar

from gdprkit.facts.entry import Entry

T = TypeVar("T")

#: type of fact -> (state now, entry, its fact) -> state after
Fold: TypeAlias = Mapping[type, Callable[[Any, Entry, Any], Any]]

#: type of fact -> writes into the draft of its room (draft, entry, its fact)
Writing: TypeAlias = Mapping[type, Callable[[Any, Entry, Any], None]]


class Draft(Protocol):
    """The collection of a room that is written in while a line is folded."""

    def close(self) -> Any:
        """Return the state."""


def put(rows: tuple[T, ...], row: T, same: Callable[[T], bool]) -> tuple[T, ...]:
    """Return *rows* with *row* in place of the rows that are the *same*, at the end."""
    return (*(old for old in rows if not same(old)), row)
