"""What was opened lately, kept for a while.

Decides how long an opened key, or the knowledge that a person was erased, is believed without
asking the store again. Leaves out how either is found. Always true: an erasure is final and does
not age; absence is never kept; one subject is looked up once at a time; ``forget`` waits for a
look-up under way, so nothing read before it stays behind.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar, final

from gdprkit.sealing.locks import ForkLock
from gdprkit.sealing.rows import Tombstone
from gdprkit.sealing.secret import KeepsSecrets
from gdprkit.words.identifiers import SubjectId

__all__ = ["KeyCache"]

T = TypeVar("T")
_FLIGHTS: Final = 32


@final
class KeyCache(KeepsSecrets, Generic[T]):
    """The least recently used go first.

    Args:
        capacity: Most subjects kept; 0 keeps none.
        ttl: Seconds after which a key is looked up again.
        monotonic: A clock that only goes forward, in seconds.
    """

    __slots__ = ("_capacity", "_flights", "_kept", "_monotonic", "_ttl")

    def __init__(self, *, capacity: int, ttl: float, monotonic: Callable[[], float]) -> None:
        self._capacity: Final = capacity
        self._ttl: Final = ttl
        self._monotonic: Final = monotonic
        # by number: a UUID is hashed and compared in Python, a number is not. Each of its methods
        # is one step: threads need no lock to read it.
        self._kept: Final[OrderedDict[int, tuple[float, T | Tombstone]]] = OrderedDict()
        self._flights: Final = tuple(ForkLock() for _ in range(_FLIGHTS))

    def idle(self) -> KeyCache[T]:
        """Return another one that keeps nothing: each question is looked up."""
        return KeyCache(capacity=0, ttl=self._ttl, monotonic=self._monotonic)

    def get(self, about: SubjectId, load: Callable[[SubjectId], T | Tombstone]) -> T | Tombstone:
        """Return what is kept about the person, or what *load* finds; its errors are not kept."""
        number = about.int
        found = self._fresh(number)
        if found is not None:
            return found
        with self._flights[number % _FLIGHTS]:
            found = self._fresh(number)  # another thread may have been first
            if found is None:
                until = self._monotonic() + self._ttl  # what is read now may be old by then
                found = load(about)
                self._keep(number, until, found)
            return found

    def forget(self, about: SubjectId) -> None:
        """Drop what is kept about the person."""
        with self._flights[about.int % _FLIGHTS]:
            self._kept.pop(about.int, None)

    def _fresh(self, number: int) -> T | Tombstone | None:
        kept = self._kept.get(number)
        if kept is None:
            return None
        until, found = kept
        if self._monotonic() >= until and not isinstance(found, Tombstone):
            return None  # the look-up that follows puts a fresh one in its place
        try:  # noqa: SIM105 -- suppress() costs more than all the rest here
            self._kept.move_to_end(number)
        except KeyError:
            pass  # another thread dropped it just now; what was read was true until then
        return found

    def _keep(self, number: int, until: float, found: T | Tombstone) -> None:
        self._kept.pop(number, None)  # so that it goes to the end, in steps that cannot fail
        self._kept[number] = (until, found)
        while len(self._kept) > self._capacity:
            try:
                self._kept.popitem(last=False)
            except KeyError:
                return  # another thread made room
