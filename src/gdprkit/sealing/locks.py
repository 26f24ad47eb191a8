"""A lock that a forked child can take although a thread of its parent held it.

Decides that what a lock guards here may be taken up by a child as it is: every change under it is
one step, or is made anew when it is missing. Always true: within one process it is an ordinary
re-entrant lock.
"""

from __future__ import annotations

import os
from threading import RLock
from types import TracebackType
from typing import final

__all__ = ["ForkLock"]


@final
class ForkLock:
    """A re-entrant lock of this process; a child that is forked starts with a free one."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = {os.getpid(): RLock()}

    def __enter__(self) -> None:
        process = os.getpid()
        lock = self._held.get(process)
        if lock is None:  # whoever holds the parent's lock is not in this process
            lock = self._held.setdefault(process, RLock())  # one step: threads agree on one
        lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        lock = self._held.get(os.getpid())
        if lock is not None:  # else the process was forked in between, and nobody waits for it
            lock.release()
