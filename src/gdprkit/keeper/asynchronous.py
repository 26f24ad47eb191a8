"""The keeper for a program with an event loop: the same methods, awaited.

Decides where a call runs, in a thread, and what becomes of it when the task that awaits it is
cancelled: it is waited for. Leaves out everything that a keeper does. Always true: an error arrives
as it was raised, and when an awaited call returns or raises, nothing of it goes on behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from functools import partial, wraps
from itertools import islice
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, final

from gdprkit.errors import InvalidValue
from gdprkit.keeper.keeper import RecordKeeper
from gdprkit.register.register import Register
from gdprkit.storage.protocol import Store

__all__ = ["AsyncRecordKeeper"]

P = ParamSpec("P")
T = TypeVar("T")

_PAGE: Final = 100
_THREADS: Final = 8


def _awaited(
    method: Callable[Concatenate[RecordKeeper, P], T],
) -> Callable[Concatenate[AsyncRecordKeeper, P], Coroutine[Any, Any, T]]:
    """Make the awaited method of one that blocks."""

    @wraps(method)
    async def awaited(self: AsyncRecordKeeper, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.run(method, *args, **kwargs)

    return awaited


def _walked(
    method: Callable[Concatenate[RecordKeeper, P], Iterator[T]],
) -> Callable[Concatenate[AsyncRecordKeeper, P], AsyncIterator[T]]:
    """Make the method for ``async for`` of one that walks; a page is read in each turn."""

    def page(_: RecordKeeper, found: Iterator[T]) -> list[T]:
        return list(islice(found, _PAGE))

    @wraps(method)
    async def walked(
        self: AsyncRecordKeeper, /, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncIterator[T]:
        found = await self.run(method, *args, **kwargs)
        while some := await self.run(page, found):
            for one in some:
                yield one

    return walked


@final
class AsyncRecordKeeper:
    """Keeps one controller's records, awaited: each call runs in a thread of this keeper's own.

    Methods, arguments and errors are those of ``RecordKeeper``. Over a store that is awaited itself
    the keeper inside has a ``BlockingStore`` on the running loop. A cancelled call is waited for
    and is stored whole or not at all: whoever asks afterwards finds what counts.

    Args:
        keeper: The keeper whose methods are awaited.
        threads: How many calls run at once at most; the others wait.

    Raises:
        InvalidValue: *keeper* is no ``RecordKeeper``, or *threads* is below one.
    """

    def __init__(self, keeper: RecordKeeper, *, threads: int = _THREADS) -> None:
        if not isinstance(keeper, RecordKeeper):
            raise InvalidValue("keeper", "is no RecordKeeper", "pass one, made over a store")
        if threads < 1:
            raise InvalidValue("threads", "is below one", "pass how many calls may run at once")
        self._keeper = keeper
        # Its own, since the loop's threads look names of servers up: if all of them waited for a
        # connection, none could be made.
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="gdprkit")

    async def run(
        self,
        work: Callable[Concatenate[RecordKeeper, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Call *work* with the keeper that blocks, in a thread: for ``fields``, ``keys``, more.

        Args:
            work: A function of a ``RecordKeeper``; what it raises is raised here.
            args: Passed on after the keeper.
            kwargs: Passed on.
        """
        call = partial(copy_context().run, work, self._keeper, *args, **kwargs)
        done = asyncio.wrap_future(begun := self._threads.submit(call))
        cancelled = None
        while not done.done():
            try:
                await asyncio.wait([done])
            except asyncio.CancelledError as error:
                # A thread cannot be stopped, and must not work on behind the caller's back: on a
                # host's connection it would go on after the rollback, outside any transaction.
                begun.cancel()  # of no effect once it has begun
                cancelled = error
        if cancelled is not None:
            if not done.cancelled():
                done.exception()  # gives way to the cancellation
            raise cancelled
        return done.result()

    async def on(self, store: Store) -> AsyncRecordKeeper:
        """Return this keeper on the transaction of a host; see ``RecordKeeper.on``.

        A connection that is awaited is given as ``BlockingStore(AsyncPostgresStore(connection),
        asyncio.get_running_loop())``. Await its calls one after the other, as it has one
        connection.

        Raises:
            InvalidValue: *store* is no store, or another tenant's.
        """
        twin = object.__new__(AsyncRecordKeeper)
        twin._keeper, twin._threads = await self.run(RecordKeeper.on, store), self._threads
        return twin

    @property
    def register(self) -> Register:
        """The declared register."""
        return self._keeper.register

    def now(self) -> datetime:
        """Return the keeper's now, UTC."""
        return self._keeper.now()

    add_person = _awaited(RecordKeeper.add_person)
    add_people = _awaited(RecordKeeper.add_people)
    record = _awaited(RecordKeeper.record)
    record_many = _awaited(RecordKeeper.record_many)
    standing = _awaited(RecordKeeper.standing)
    ask = _awaited(RecordKeeper.ask)
    connection_end = _awaited(RecordKeeper.connection_end)
    merge = _awaited(RecordKeeper.merge)
    unmerge = _awaited(RecordKeeper.unmerge)
    deadline = _awaited(RecordKeeper.deadline)
    handling = _awaited(RecordKeeper.handling)
    to_tell = _awaited(RecordKeeper.to_tell)
    find = _awaited(RecordKeeper.find)
    read = _awaited(RecordKeeper.read)
    line = _awaited(RecordKeeper.line)
    plan = _awaited(RecordKeeper.plan)
    apply = _awaited(RecordKeeper.apply)
    receipt = _awaited(RecordKeeper.receipt)
    replay_erasures = _awaited(RecordKeeper.replay_erasures)
    answer = _awaited(RecordKeeper.answer)
    waking = _walked(RecordKeeper.waking)
    audience = _walked(RecordKeeper.audience)
    people = _walked(RecordKeeper.people)
    verify = _awaited(RecordKeeper.verify)
    reindex_person = _awaited(RecordKeeper.reindex_person)
    reindex = _awaited(RecordKeeper.reindex)
