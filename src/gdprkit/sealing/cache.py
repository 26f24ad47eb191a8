"""What was opened lately, kept for a while.

Decides how long an opened key, or the knowledge that a person was erased, is believed without
asking the store again. Leaves out how either is found. Always true: an erasure is final and does
not age; absence is never kept; one subject is looked up once at a time, but for look-ups of many;
nothing that was read before a ``forget`` stays behind it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
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

    __slots__ = ("_capacity", "_flights", "_forgotten", "_kept", "_monotonic", "_ttl")

    def __init__(self, *, capacity: int, ttl: float, monotonic: Callable[[], float]) -> None:
        self._capacity: Final = capacity
        self._ttl: Final = ttl
        self._monotonic: Final = monotonic
        # by number: a UUID is hashed and compared in Python, a number is not. Each of its methods
        # is one step: threads need no lock to read it.
        self._kept: Final[OrderedDict[int, tuple[float, T | Tombstone]]] = OrderedDict()
        self._flights: Final = tuple(ForkLock() for _ in range(_FLIGHTS))
        self._forgotten: Final = [0] * _FLIGHTS  # how often, in each flight

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

    def get_many(
        self,
        people: Iterable[SubjectId],
        load: Callable[[list[SubjectId]], Mapping[SubjectId, T]],
    ) -> dict[SubjectId, T | Tombstone]:
        """Return what is kept about people, or what *load* finds; whom it leaves out is no part.

        They may be looked up elsewhere meanwhile; what was forgotten meanwhile is not kept.
        """
        found: dict[SubjectId, T | Tombstone] = {}
        lacking: list[SubjectId] = []
        for about in people:
            fresh = self._fresh(about.int)
            if fresh is None:
                lacking.append(about)
            else:
                found[about] = fresh
        if not lacking:
            return found
        forgotten = tuple(self._forgotten)
        until = self._monotonic() + self._ttl
        for about, one in load(lacking).items():
            found[about] = one
            flight = about.int % _FLIGHTS
            with self._flights[flight]:
                if self._forgotten[flight] == forgotten[flight]:
                    self._keep(about.int, until, one)
        return found

    def forget(self, about: SubjectId) -> None:
        """Drop what is kept about the person."""
        flight = about.int % _FLIGHTS
        with self._flights[flight]:
            self._kept.pop(about.int, None)
            self._forgotten[flight] += 1

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
