"""Doing a write again when somebody else was first, or the keys it was made with rotated meanwhile.

Decides how often: a commit that came too late for its line is made anew some times, one that met an
epoch that is gone once, with the epochs read again. Always true: nothing of an attempt that is made
anew was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

from gdprkit.errors import PositionTaken
from gdprkit.keeper.writing import Bench
from gdprkit.sealing.errors import KeyEpochDestroyed

__all__ = ["again", "with_fresh_epochs"]

T = TypeVar("T")

P = ParamSpec("P")
R = TypeVar("R")


#: How often a write is tried again when somebody else was first.
_TRIES: Final = 8


def again(attempt: Callable[[], T]) -> T:
    """Return what *attempt* returns; make it again when somebody else wrote to the line.

    Raises:
        PositionTaken: others kept writing to this line; nothing was stored.
    """
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except PositionTaken:
            continue
    return attempt()


class _HasBench(Protocol):
    @property
    def _bench(self) -> Bench: ...


H = TypeVar("H", bound=_HasBench)


def with_fresh_epochs(
    method: Callable[Concatenate[H, P], R],
) -> Callable[Concatenate[H, P], R]:
    """Call *method* once more, having read the key epochs, when it met one that is gone.

    What was given as an iterator is read once and kept, so that it can be given again.
    """

    @wraps(method)
    def call(self: H, /, *args: P.args, **kwargs: P.kwargs) -> R:
        kept: Any = [tuple(a) if isinstance(a, Iterator) else a for a in args]
        try:
            return method(self, *kept, **kwargs)
        except KeyEpochDestroyed:
            self._bench.keys.refresh()
        return method(self, *kept, **kwargs)

    return call
