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

    __slots__ = ("_lock", "_pid")

    def __init__(self) -> None:
        self._lock = RLock()
        self._pid = os.getpid()

    def __enter__(self) -> None:
        if self._pid != os.getpid():  # the thread that holds it is not in this process
            self._lock, self._pid = RLock(), os.getpid()
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()
