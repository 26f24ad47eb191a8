"""Doing it again when somebody else was first, or the keys it was made with rotated meanwhile.

Decides how often: a commit that came too late for its line is made anew some times, one that met a
key that is gone once, with the keys read again; values are looked at anew where their line moved
under the reader. Always true: nothing of an attempt that is made anew was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

from gdprkit.errors import ChainBroken, PositionTaken
from gdprkit.keeper.writing import Bench
from gdprkit.sealing.errors import KeyDestroyed, KeyEpochDestroyed
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.storage.protocol import Store
from gdprkit.words.identifiers import SubjectId

__all__ = ["again", "looks_again", "steady", "with_fresh_epochs"]

T = TypeVar("T")

P = ParamSpec("P")
R = TypeVar("R")


#: How often a write is tried again when somebody else was first.
_TRIES: Final = 8


def again(attempt: Callable[[], T], keys: SubjectKeys | None = None) -> T:
    """Return what *attempt* returns; make it again when somebody else wrote to the line.

    Args:
        attempt: Makes and commits a batch.
        keys: Also when a key was destroyed in this moment; their epochs are read again then.

    Raises:
        PositionTaken: others kept writing to this line; nothing was stored.
        KeyDestroyed, KeyEpochDestroyed: a key is gone for good; nothing was stored.
    """
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except PositionTaken:
            continue
        except (KeyDestroyed, KeyEpochDestroyed):
            if keys is None:
                raise
            keys.refresh()
    return attempt()


def steady(store: Store, look: Callable[[], T]) -> T:
    """Return what *look* returns; look again when somebody wrote to the line meanwhile.

    A line and its values are read one after the other. What was sealed anew or taken away between
    the two is no damage.

    Raises:
        ChainBroken: the line stood still and is damaged, or others kept writing to it.
    """
    head = None
    for _ in range(_TRIES - 1):
        try:
            return look()
        except ChainBroken as error:
            now = store.standing(SubjectId(error.about))
            if now is None or now.head == head:
                raise
            head = now.head
    return look()


class _HasBench(Protocol):
    @property
    def _bench(self) -> Bench: ...


H = TypeVar("H", bound=_HasBench)


def with_fresh_epochs(
    method: Callable[Concatenate[H, P], R],
) -> Callable[Concatenate[H, P], R]:
    """Call *method* once more, having read the key epochs, when it met a key that is gone.

    A person's keys are read again because ``writing.commit`` forgot them. So it is with a line that
    moved under it, as in ``looks_again``. What was given as an iterator is read once and kept, so
    that it can be given again.
    """

    @wraps(method)
    def call(self: H, /, *args: P.args, **kwargs: P.kwargs) -> R:
        kept: Any = [_kept(value) for value in args]
        named: Any = {name: _kept(value) for name, value in kwargs.items()}
        attempt = partial(method, self, *kept, **named)
        try:
            return steady(self._bench.store, attempt)
        except (KeyDestroyed, KeyEpochDestroyed):
            self._bench.keys.refresh()
        return steady(self._bench.store, attempt)

    return call


def looks_again(
    method: Callable[Concatenate[H, P], R],
) -> Callable[Concatenate[H, P], R]:
    """Call a reading *method* again when somebody wrote to the line meanwhile; see ``steady``."""

    @wraps(method)
    def call(self: H, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return steady(self._bench.store, partial(method, self, *args, **kwargs))

    return call


def _kept(value: object) -> object:
    """Return *value* with every iterator in it read: the acts of a person may be one too."""
    if isinstance(value, (Iterator, list)) or type(value) is tuple:
        return tuple(_kept(one) for one in value)
    return value
