"""Group commit: several writers of one process share the wait for the disk.

Decides who waits for whom: one thread writes for all others, and what came while it waited for the
disk goes together into its next transaction. It leaves out what a commit is (``writes``) and the
file (``sqlite_file``). It pays where many threads write at once; a single one gains nothing.

Always true: a writer goes on when its work is on the disk, never before; each work is whole or
not there, and one that is refused takes nobody else's with it.
"""

from __future__ import annotations

import os
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, TypeAlias, TypeVar, final

from gdprkit.errors import StoreClosed
from gdprkit.sealing.locks import ForkLock
from gdprkit.storage.sqlite_file import DRIVER_ERRORS, Loan, SqliteFile
from gdprkit.storage.steps import Steps, take

__all__ = ["GroupWriter"]

T = TypeVar("T")

_Work: TypeAlias = tuple[Steps[Any], "Future[Any]"]

_MOST: Final = 256
"""Most works in one transaction: nobody waits for ever behind others."""


@final
class GroupWriter:
    """Writes to *file* for all threads of this process; a forked child begins its own."""

    def __init__(self, file: SqliteFile) -> None:
        self._file: Final = file
        self._lock: Final = ForkLock()
        self._closed = False
        self._pid = os.getpid()
        self._thread: Thread | None = None
        self._waiting: SimpleQueue[_Work | None] = SimpleQueue()

    def write(self, steps: Steps[T]) -> T:
        """Carry *steps* out in a transaction and return what came of them once it is durable.

        Raises:
            StoreClosed: the writer was closed.
            GdprkitError: what the steps refuse, or the file; nothing of these steps was stored.
        """
        done: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise StoreClosed
            if self._pid != os.getpid():
                # the parent's thread, and whoever waits for it, are not here
                self._thread, self._waiting, self._pid = None, SimpleQueue(), os.getpid()
            if self._thread is None:
                thread = Thread(target=self._run, name="gdprkit-writer", daemon=True)
                thread.start()  # where no thread can be had, the next writer tries again
                self._thread = thread
            self._waiting.put((steps, done))
        return done.result()

    def close(self) -> None:
        """Finish what was given, and end the thread."""
        with self._lock:
            self._closed = True
            thread = self._thread if self._pid == os.getpid() else None
            self._waiting.put(None)
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        over = False
        while not over:
            first = self._waiting.get()
            if first is None:
                return
            group = [first]
            while len(group) < _MOST:
                try:
                    more = self._waiting.get_nowait()
                except Empty:
                    break
                if more is None:
                    over = True
                    break
                group.append(more)
            self._write(group)

    def _write(self, group: list[_Work]) -> None:
        """Write works in one transaction and tell each of its end."""
        ends: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with self._file.writing() as port:
                ends.extend((done, *_one(self._file, port, steps)) for steps, done in group)
        except BaseException as error:  # noqa: BLE001 -- whatever it is, nobody may wait for ever
            for _, done in group:
                done.set_exception(error)
            return
        for done, result, refused in ends:
            if refused is None:
                done.set_result(result)
            else:
                done.set_exception(refused)


def _one(file: SqliteFile, port: Loan, steps: Steps[Any]) -> tuple[Any, BaseException | None]:
    """Carry out one work so that its refusal leaves the others' in the transaction.

    Raises:
        sqlite3.Error: SQLite has ended the whole transaction, as on a full disk.
    """
    port.run("SAVEPOINT gdprkit_work")
    try:
        result = take(steps, port)
    except Exception as error:
        if not port.in_transaction:
            raise
        port.run("ROLLBACK TO gdprkit_work")
        port.run("RELEASE gdprkit_work")
        return None, file.told(error) if isinstance(error, DRIVER_ERRORS) else error
    port.run("RELEASE gdprkit_work")
    return result, None
