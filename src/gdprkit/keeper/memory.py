"""What a keeper read lately, kept beside the stored bytes it was made of.

Decides how much is kept and when it may be used. Leaves out reading the store, which goes on as if
nothing was kept: the row of a line is read for every question, and so is the suppression list.
Always true: a standing is given only for the very bytes it was decoded from, so whatever anybody
wrote since is seen; no value of a person is kept, only the keyed hashes that the suppression list
is asked by, and these only while the standing is the same and so are the epochs of their keys; who
is erased by this keeper is forgotten at once.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, final

import attrs

from gdprkit.keeper.contacts import ListHashes
from gdprkit.ledger.codec import decode_standing
from gdprkit.state.standing import Standing
from gdprkit.words.identifiers import SubjectId

__all__ = ["LONGEST", "PEOPLE", "Memory"]

PEOPLE: Final = 1024
"""Most people kept, 6 KB each where little is known of them; who was put in first goes first."""
LONGEST: Final = 16_384
"""Bytes of a stored standing; a longer one is decoded each time."""


@attrs.define
class _Kept:
    state: bytes
    standing: Standing
    hashes: tuple[tuple[int, ...], ListHashes] | None = None


@final
class Memory:
    """Decoded standings of the people met last. Safe to share among threads, and over a fork.

    Args:
        people: Most people kept.
    """

    __slots__ = ("_kept", "_people")

    def __init__(self, people: int = PEOPLE) -> None:
        self._people: Final = people
        # by number, as in ``sealing.cache``: each of its methods is one step, so threads need no
        # lock, and a fork finds none that is held
        self._kept: Final[OrderedDict[int, _Kept]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def standing(self, about: SubjectId, state: bytes) -> Standing | None:
        """Return the standing that *state* holds; None when it holds none."""
        kept = self._kept.get(about.int)
        if kept is not None and kept.state == state:
            return kept.standing
        found = decode_standing(state, about)
        if found is not None:
            self.keep(about, state, found)
        return found

    def keep(self, about: SubjectId, state: bytes, standing: Standing) -> None:
        """Keep a standing as what *state* decodes to."""
        self._kept.pop(about.int, None)  # so that it goes to the end
        if len(state) > LONGEST:
            return
        self._kept[about.int] = _Kept(state, standing)
        while len(self._kept) > self._people:
            try:
                self._kept.popitem(last=False)
            except KeyError:
                return  # another thread made room

    def hashes(
        self, about: SubjectId, standing: Standing, epochs: tuple[int, ...]
    ) -> ListHashes | None:
        """Return what ``keep_hashes`` kept for this standing under these epochs, or None."""
        kept = self._kept.get(about.int)
        if kept is None or kept.standing is not standing or kept.hashes is None:
            return None
        under, hashes = kept.hashes
        return hashes if under == epochs else None

    def keep_hashes(
        self, about: SubjectId, standing: Standing, epochs: tuple[int, ...], hashes: ListHashes
    ) -> None:
        """Keep the hashes of all contact points of a standing beside it, while it is kept."""
        kept = self._kept.get(about.int)
        if kept is not None and kept.standing is standing:
            kept.hashes = epochs, hashes

    def forget(self, about: SubjectId) -> None:
        """Drop what is kept about a person: they were erased."""
        self._kept.pop(about.int, None)
