"""What a run of the storage bench is to measure, and where its files lie.

Whatever waits for the disk is measured twice: in a folder on disk, and in one on a file system in
memory where there is one, with the same durability settings. What is left there is the software.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

__all__ = ["RAM", "Plan", "ram_folder"]

RAM: Final = ".ram"
"""Behind the name of a figure that was measured on a file system in memory."""

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 -- only where Linux keeps such a file system


@attrs.frozen(kw_only=True)
class Plan:
    """What to measure.

    Args:
        sizes: People in the register, for the duties that are measured by size.
        rounds: Counted rounds.
        folder: On disk.
        ram: In memory; None where there is no such file system.
        wanted: Names of figures, without size and ``.ram``.
        shrink: What a thousand, a million and so on are divided by, to try the bench out.
        peers: The interpreter that has the other libraries.
    """

    sizes: tuple[int, ...]
    rounds: int
    folder: Path
    ram: Path | None = None
    wanted: frozenset[str] = frozenset()
    shrink: int = 1
    peers: str = ""

    def places(self, bench: str) -> Iterator[tuple[str, Path]]:
        """Give what to put behind a name, and a new folder for *bench*, for disk and memory."""
        for suffix, parent in (("", self.folder), (RAM, self.ram)):
            if parent is not None:
                folder = parent / bench
                folder.mkdir(parents=True)
                yield suffix, folder

    def many(self, number: int) -> int:
        """Return *number*, divided as asked."""
        return max(number // self.shrink, 10)


@contextmanager
def ram_folder() -> Iterator[Path | None]:
    """Lend a folder in memory, or None where there is none."""
    if not _MEMORY.is_dir():
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="gdprkit-bench-", dir=_MEMORY) as folder:
        yield Path(folder)
