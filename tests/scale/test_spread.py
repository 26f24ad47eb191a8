"""Work over spans loses nothing, whatever happens to workers, work and executor."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

from gdprkit.errors import GdprkitError, InvalidValue, PositionTaken, StoreBusy
from gdprkit.keeper.spread import SpansLeft, over_spans
from gdprkit.storage.span import ALL, Span

SPANS = ALL.split(40)


class Here(Executor):
    """Does the work at once, in the thread that submits it; counts what is under way."""

    def __init__(self, breaks_after: int | None = None) -> None:
        self.given: list[Span] = []
        self.left = breaks_after

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.left == 0:
            future.set_exception(BrokenProcessPool("a worker died"))
            return future
        if self.left is not None:
            self.left -= 1
        self.given.append(args[0])
        try:
            future.set_result(fn(*args, **kwargs))
        except (GdprkitError, ZeroDivisionError) as error:
            future.set_exception(error)
        return future


def test_every_span_is_done_and_given_once() -> None:
    """Each span is given with its own result, none twice, in whatever order they finish."""
    with ThreadPoolExecutor(3) as threads:
        found = list(over_spans(lambda span: span.low, SPANS, executor=threads))
    assert sorted(low for _, low in found) == [span.low for span in SPANS]
    assert all(span.low == low for span, low in found)


def test_no_more_is_under_way_than_allowed() -> None:
    """Spans are handed over as results are taken, so nothing piles up in the parent."""
    here = Here()
    work = over_spans(lambda span: span.low, SPANS, executor=here, in_flight=4)
    assert here.given == []
    for _ in range(10):
        next(work)
        assert len(here.given) <= 10 + 4
    work.close()  # type: ignore[attr-defined]
    assert len(here.given) < len(SPANS)


def test_dropping_the_work_cancels_what_has_not_begun() -> None:
    """When the iterator is closed, spans that wait in the executor are never begun."""
    gate, begun = threading.Event(), []

    def work(span: Span) -> None:
        begun.append(span)
        if span != SPANS[0]:
            gate.wait()

    with ThreadPoolExecutor(1) as threads:
        running = over_spans(work, SPANS, executor=threads, in_flight=20)
        next(running)
        running.close()  # type: ignore[attr-defined]
        gate.set()
    assert len(begun) <= 2


@pytest.mark.parametrize("error", [StoreBusy(1.0), PositionTaken(SPANS[1].start, 1)])  # type: ignore[arg-type]
def test_a_busy_moment_is_tried_again(error: Exception) -> None:
    """A span whose error is retryable is done again, and everything gets done."""
    failing = {SPANS[3]: 2, SPANS[7]: 1}

    def work(span: Span) -> int:
        if failing.get(span, 0):
            failing[span] -= 1
            raise error
        return span.low

    found = list(over_spans(work, SPANS, executor=Here(), in_flight=3))
    assert sorted(low for _, low in found) == [span.low for span in SPANS]
    assert set(failing.values()) == {0}


def test_what_stays_busy_stops_the_work_after_some_tries() -> None:
    """A span that fails as often as it may be tried stops the work, with its error as the cause."""
    tried = []

    def work(span: Span) -> None:
        if span == SPANS[0]:
            tried.append(span)
            raise StoreBusy(1.0)

    with pytest.raises(SpansLeft) as stopped:
        list(over_spans(work, SPANS, executor=Here(), in_flight=1, tries=3))
    assert len(tried) == 3
    assert stopped.value.left == (SPANS[0],)
    assert isinstance(stopped.value.__cause__, StoreBusy)


def test_an_error_of_the_work_names_the_spans_left() -> None:
    """Work that fails stops everything; what was given and what is left are all spans together."""

    def work(span: Span) -> int:
        if span == SPANS[5]:
            raise ZeroDivisionError
        return span.low

    given: list[tuple[Span, int]] = []
    with pytest.raises(SpansLeft, match="ZeroDivisionError") as stopped:
        given.extend(over_spans(work, SPANS, executor=Here(), in_flight=3))
    assert isinstance(stopped.value.__cause__, ZeroDivisionError)
    assert SPANS[5] in stopped.value.left
    done = {span for span, _ in given}
    assert {SPANS[6], SPANS[7]} <= done  # finished beside it: given, and not done again
    assert not done & set(stopped.value.left)
    assert done | set(stopped.value.left) == set(SPANS)


def test_a_broken_pool_is_left_with_what_it_has_not_done() -> None:
    """When the pool breaks, finished spans are given first, and a new one does the rest."""
    done: list[Span] = []
    work = over_spans(hash, SPANS, executor=Here(breaks_after=7), in_flight=4)
    with pytest.raises(SpansLeft) as stopped:
        done.extend(span for span, _ in work)
    assert len(done) == 7
    assert isinstance(stopped.value.__cause__, BrokenProcessPool)
    done += [span for span, _ in over_spans(hash, stopped.value.left, executor=Here())]
    assert sorted(done, key=lambda span: span.low) == list(SPANS)


def test_an_executor_that_was_shut_down_is_told() -> None:
    """An executor that takes no more work stops it with all spans left."""
    threads = ThreadPoolExecutor(1)
    threads.shutdown()
    with pytest.raises(SpansLeft) as stopped:
        list(over_spans(hash, SPANS, executor=threads))
    assert stopped.value.left == SPANS


def test_what_an_executor_refuses_is_left() -> None:
    """Whatever an executor says when work is handed over, what is finished is given before."""

    class Picky(Here):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            if len(self.given) == 5:
                raise TypeError("cannot pickle '_thread.lock' object")
            return super().submit(fn, *args, **kwargs)

    done: list[Span] = []
    work = over_spans(hash, SPANS, executor=Picky(), in_flight=8)
    with pytest.raises(SpansLeft) as stopped:
        done.extend(span for span, _ in work)
    assert isinstance(stopped.value.__cause__, TypeError)
    assert len(done) == 5
    assert sorted([*done, *stopped.value.left], key=lambda span: span.low) == list(SPANS)


def test_what_others_cancel_is_left() -> None:
    """Shutting the executor down under the work loses no span."""
    gate = threading.Event()
    threads = ThreadPoolExecutor(1)

    def work(span: Span) -> int:
        gate.wait()
        return span.low

    running = over_spans(work, SPANS, executor=threads, in_flight=8)

    def close() -> None:
        threads.shutdown(wait=False, cancel_futures=True)
        gate.set()

    closer = threading.Timer(0.05, close)
    closer.start()
    given: list[tuple[Span, int]] = []
    with pytest.raises(SpansLeft) as stopped:
        given.extend(running)
    closer.join()
    threads.shutdown()
    assert {span for span, _ in given} | set(stopped.value.left) == set(SPANS)
    assert len(given) + len(stopped.value.left) == len(SPANS)


def test_the_error_travels() -> None:
    """The error keeps its spans when it is pickled, as every error of the family."""
    error = pickle.loads(pickle.dumps(SpansLeft(SPANS)))  # noqa: S301 -- our own bytes
    assert error.left == SPANS
    assert str(error).startswith("the work was stopped with 40 spans not done")


@pytest.mark.parametrize("wrong", [{"in_flight": 0}, {"tries": 0}])
def test_arguments_are_checked_at_the_call(wrong: dict[str, int]) -> None:
    """Numbers that make no sense are refused before anything begins."""
    with pytest.raises(InvalidValue):
        over_spans(hash, SPANS, executor=Here(), **wrong)
