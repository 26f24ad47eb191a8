"""What other processes do to a store while its contract is tested.

Decides the work of a writer that shares a store and of one that will be killed. It imports no test
library, so a process starts quickly; everything that goes in and out can be pickled.
"""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import TypeAlias

import attrs

from gdprkit.errors import AlreadyRecorded, PositionTaken, TokenSpent
from gdprkit.storage.protocol import Marks, Store, VaultPut
from gdprkit.testing.store_values import follow, hashed, moment, person, slot

__all__ = ["Opener", "meet", "share", "write_until_killed"]

Opener: TypeAlias = tuple[Callable[[str], Store], str]
"""What opens the store, and where it is."""

SHARED, TOKENS = person(1), 5


def meet(start: Barrier, opener: Opener) -> None:
    """Wait until every process has loaded what it needs and is there."""
    open_store, address = opener
    open_store(address).close()
    start.wait()


def share(opener: Opener, name: int, rounds: int) -> tuple[list[int], list[int]]:
    """Write to one line that others write to as well, and try to be first to spend tokens.

    Returns:
        The positions this process won, and the numbers of the tokens and acts it got in.
    """
    open_store, address = opener
    store = open_store(address)
    won: list[int] = []
    while len(won) < rounds:
        batch = follow(store, SHARED, b"%d of writer %d" % (len(won), name))
        try:
            store.commit(batch)
        except PositionTaken:
            continue
        won.append(batch.standing.position)
    firsts = [number for number in range(TOKENS) if _first(store, number)]
    store.close()
    return won, firsts


def _first(store: Store, number: int) -> bool:
    """Spend a token under an act's key; False when another process did."""
    while True:
        batch = follow(store, SHARED, b"act %d" % number, key=hashed(f"act {number}"))
        try:
            store.commit(attrs.evolve(batch, spend=[b"token %d" % number]))
        except PositionTaken:
            continue
        except (AlreadyRecorded, TokenSpent):
            return False
        return True


def write_until_killed(opener: Opener, told: Connection) -> None:
    """Write commits of two people and all that hangs on a line, and tell of each once it is kept.

    The first line's position is told, from 1.
    """
    open_store, address = opener
    store = open_store(address)
    number = 0
    while True:
        number += 1
        batches = []
        for about in (person(1), person(2)):
            put = VaultPut(slot=slot(1), envelope=b"%d" % number, terms=[b"term %d" % number])
            marks = Marks(wake_at=moment(number), tags={f"n-{number}"})
            batch = follow(store, about, b"%d" % number, marks=marks)
            batches.append(attrs.evolve(batch, puts=[put], spend=[b"%d" % number]))
        store.commit(*batches)
        told.send(number)
