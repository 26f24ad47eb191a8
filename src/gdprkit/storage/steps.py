"""Work on a database as steps: what to ask, one question after another, whoever waits for answers.

Decides how ``reads`` and ``writes`` speak with a driver, so that the same steps serve one that
blocks and one that is awaited. It leaves out SQL, connections and transactions.

Always true: steps hold no connection and do nothing between two questions but think, so they may
be carried out on any connection, inside any transaction, and be dropped at any question.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from typing import Any, Final, Protocol, TypeAlias, TypeVar

__all__ = [
    "MANY",
    "ROWS",
    "RUN",
    "Ask",
    "AsyncPort",
    "Make",
    "Page",
    "Port",
    "Row",
    "SqlValue",
    "Steps",
    "take",
    "take_async",
    "walk",
    "walk_async",
]

T = TypeVar("T")

SqlValue: TypeAlias = str | int | bytes | list[Any] | None
"""What a statement is given: lists only where a database has them."""

Row: TypeAlias = tuple[Any, ...]

ROWS: Final = "rows"
"""Run a reading statement; the answer is all its rows."""
RUN: Final = "run"
"""Run a writing statement; the answer is how many rows it wrote."""
MANY: Final = "many"
"""Run a writing statement once for each of several lists of values; there is no answer."""

Ask: TypeAlias = tuple[str, str, Sequence[Any]]
"""ROWS, RUN or MANY; the statement; its values, or with MANY the lists of them."""

Steps: TypeAlias = Generator[Ask, Any, T]
"""Yields questions, is sent the answers, and returns what came of it."""

Make: TypeAlias = Callable[[], Steps[T]]
"""Makes steps anew, for a transaction that may have to be tried again."""

Page: TypeAlias = tuple[list[T], Any]
"""Some of a long answer, and where to go on; None at the end."""


class Port(Protocol):
    """The little that a driver must do."""

    def rows(self, statement: str, values: Sequence[SqlValue], /) -> list[Row]:
        """Run a reading statement and return all its rows."""
        ...

    def run(self, statement: str, values: Sequence[SqlValue], /) -> int:
        """Run a writing statement and return how many rows it wrote."""
        ...

    def many(self, statement: str, rows: Sequence[Sequence[SqlValue]], /) -> None:
        """Run a writing statement once for each of *rows*."""
        ...


class AsyncPort(Protocol):
    """The same for a driver that is awaited."""

    async def rows(self, statement: str, values: Sequence[SqlValue], /) -> list[Row]:
        """Run a reading statement and return all its rows."""
        ...

    async def run(self, statement: str, values: Sequence[SqlValue], /) -> int:
        """Run a writing statement and return how many rows it wrote."""
        ...

    async def many(self, statement: str, rows: Sequence[Sequence[SqlValue]], /) -> None:
        """Run a writing statement once for each of *rows*."""
        ...


def take(steps: Steps[T], port: Port) -> T:
    """Carry steps out through *port* and return what came of them."""
    try:
        kind, statement, values = next(steps)
        while True:
            answer = getattr(port, kind)(statement, values)
            kind, statement, values = steps.send(answer)
    except StopIteration as done:
        found: T = done.value
        return found


async def take_async(steps: Steps[T], port: AsyncPort) -> T:
    """Carry steps out through *port*, waiting for each answer, and return what came of them."""
    try:
        kind, statement, values = next(steps)
        while True:
            answer = await getattr(port, kind)(statement, values)
            kind, statement, values = steps.send(answer)
    except StopIteration as done:
        found: T = done.value
        return found


def walk(
    page: Callable[[Any], Steps[Page[T]]], start: Any, read: Callable[[Steps[Page[T]]], Page[T]]
) -> Iterator[T]:
    """Give a long answer page by page; nothing stays open between two pages.

    Args:
        page: The steps that find the page beginning at a place.
        start: Where the first page begins.
        read: Carries steps out.
    """
    place = start
    while place is not None:
        found, place = read(page(place))
        yield from found


async def walk_async(
    page: Callable[[Any], Steps[Page[T]]], start: Any, read: Callable[[Steps[Page[T]]], Any]
) -> AsyncIterator[T]:
    """Give a long answer page by page, as ``walk`` does, with a *read* that is awaited."""
    place = start
    while place is not None:
        found, place = await read(page(place))
        for one in found:
            yield one
