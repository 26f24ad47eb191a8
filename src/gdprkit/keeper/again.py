"""Doing a write again when the keys it was made with had rotated meanwhile.

Decides that a commit which met an epoch that is gone is made anew, once, with the epochs read
again; nothing of the first attempt was stored. Leaves out lines that somebody else wrote to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from gdprkit.keeper.writing import Bench
from gdprkit.sealing.errors import KeyEpochDestroyed

__all__ = ["with_fresh_epochs"]

P = ParamSpec("P")
R = TypeVar("R")


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
