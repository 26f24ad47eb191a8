"""Work over everybody, shared out by ranges of ids on any executor of Python's own interface.

Decides how much is under way at once, what is tried again and what is told when it cannot go on.
Leaves out the work, where its keeper comes from, and the executor: threads, a pool of processes,
``Client.get_executor()`` of Dask. Always true: a span is given once and only when it is done; of
the spans that are not given none is lost, because the error that ends the work names them all.

A worker may die when it has done its work and before it told so. Work that writes is therefore done
under idempotency keys: whatever is done again then changes nothing.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from queue import SimpleQueue
from typing import ClassVar, TypeVar

import attrs

from gdprkit.errors import GdprkitError, InvalidValue
from gdprkit.storage.span import Span

__all__ = ["SpansLeft", "over_spans"]

R = TypeVar("R")


@attrs.define(eq=False, slots=False, repr=False)
class SpansLeft(GdprkitError):
    """Work over spans stopped. ``left`` are the spans not done; its cause is what stopped it.

    Some of them may be half done, or done and not told.
    """

    left: tuple[Span, ...]
    code: ClassVar[str] = "spans-left"

    def __str__(self) -> str:
        why = "" if self.__cause__ is None else f" by {type(self.__cause__).__name__}"
        return (
            f"the work was stopped{why} with {len(self.left)} spans not done; look at the cause, "
            "then go on with over_spans(work, error.left, executor=...), on a new executor if it "
            "was the executor that broke"
        )


def over_spans(
    work: Callable[[Span], R],
    spans: Iterable[Span],
    *,
    executor: Executor,
    in_flight: int = 32,
    tries: int = 3,
) -> Iterator[tuple[Span, R]]:
    """Do *work* for each span on *executor* and give each span with its result, as they finish.

    Memory stays flat: no more than *in_flight* results wait here, whatever the number of spans.
    When the iterator is dropped or the work stops, what has not begun is cancelled; what has begun
    goes on to its end in its worker.

    Args:
        work: Called with a span. For processes and clusters it and its results can be pickled: a
            function at the top of a module, or a ``partial`` of one.
        spans: For instance ``ALL.split(256)``: some for each worker, so that a slow one holds up
            little, and a few hundred people at least in each.
        executor: Runs the work; it is not shut down here.
        in_flight: Most spans handed to the executor at a time; more than it has workers.
        tries: How often a span is tried whose error says it is retryable, ``StoreBusy`` for one.

    Raises:
        InvalidValue: *in_flight* or *tries* is less than 1.
        SpansLeft: work failed otherwise or too often, or the executor broke or was shut down; the
            error names the spans that are left.
    """
    for name, value in (("in_flight", in_flight), ("tries", tries)):
        if value < 1:
            raise InvalidValue(name, "is less than 1", "allow one or more")
    return _spread(work, deque(spans), executor, in_flight, tries)


def _spread(
    work: Callable[[Span], R], waiting: deque[Span], executor: Executor, in_flight: int, tries: int
) -> Iterator[tuple[Span, R]]:
    running: dict[Future[R], Span] = {}
    # not concurrent.futures.wait: it never sees what an executor that shuts down has cancelled
    finished: SimpleQueue[Future[R]] = SimpleQueue()
    failures: Counter[Span] = Counter()
    stopped: BaseException | None = None
    try:
        while waiting or running:
            stopped = stopped or _fill(work, waiting, running, executor, in_flight, finished)
            # what is finished is given before the work stops: then it is not done again
            if not running or (stopped is not None and finished.empty()):
                break
            future = finished.get()
            span = running.pop(future)
            problem = _problem(future)
            if problem is None:
                yield span, future.result()
                continue
            waiting.append(span)
            failures[span] += 1
            if not getattr(problem, "retryable", False) or failures[span] >= tries:
                stopped = stopped or problem
    finally:
        for future in running:
            future.cancel()
    if stopped is not None:
        left = sorted((*running.values(), *waiting), key=lambda span: span.low)
        raise SpansLeft(tuple(left)) from stopped


def _fill(
    work: Callable[[Span], R],
    waiting: deque[Span],
    running: dict[Future[R], Span],
    executor: Executor,
    in_flight: int,
    finished: SimpleQueue[Future[R]],
) -> Exception | None:
    """Hand spans to the executor; return why it takes no more: broken, shut down, unpicklable."""
    while waiting and len(running) < in_flight:
        try:
            future = executor.submit(work, waiting[0])
        except Exception as error:  # noqa: BLE001 -- whatever it says: what is left is told
            return error
        running[future] = waiting.popleft()
        future.add_done_callback(finished.put)
    return None


def _problem(future: Future[R]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError as error:
        return error  # somebody shut the executor down
