"""Copies of a store's file that can be trusted: the backup of one in use, and its return.

Decides how a whole copy comes about while others write, what is a backup, and when one may take a
store's place. It leaves out the erasures since (``gdprkit.keeper.replaying``): a store that was
restored must not be served before they were done again.

Always true: a copy is made under a name that ends in ``.partial``, read through, and gets its own
name in one step, so a process that dies leaves nothing under that name; a file that is there is
never written over, but a store, when told so, that nobody has open. A killed process leaves its
partial copy behind; it may be deleted.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, final

import attrs

from gdprkit.errors import (
    InvalidValue,
    StoreCorrupt,
    StoreInUse,
)
from gdprkit.sealing.durable import sync_folder
from gdprkit.storage.schema import SCHEMA_VERSION
from gdprkit.storage.sqlite_file import DRIVER_ERRORS, PRAGMAS, is_busy, real_path, refused, told
from gdprkit.storage.sqlite_schema import check_mark, check_ours, check_tables, number

__all__ = ["Copied", "Progress", "back_up", "examine", "restore", "version_of"]

Progress = Callable[[int, int], None]
"""Called with how many pages are copied, and how many there are."""

_STEP: Final = 256
"""Pages copied in one step; a page is 4 KiB by default."""

_CHECKS: Final = ("quick_check", "integrity_check")
_LOGS: Final = ("-wal", "-journal")
_BESIDE: Final = ("", "-wal", "-shm", "-journal")
_WAIT: Final = 30.0
_SHORT_WAIT: Final = 3.0  # whoever has the store open will not close it by itself


@final
@attrs.frozen(kw_only=True)
class Copied:
    """A copy that was made and read through.

    Args:
        path: Where it is.
        schema: The version of its tables.
        size: Its bytes.
    """

    path: Path
    schema: int
    size: int


def back_up(
    store: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    progress: Progress = lambda _done, _total: None,
    wait: float = _WAIT,
) -> Copied:
    """Copy a store as it is in this moment into a new file, while others read and write.

    It is one reading transaction: what is written meanwhile is not in the copy, and stays in the
    log of the store until the copy is done. Older tables are copied as they are. The copy is its
    owner's alone, as it holds wrapped keys, and one file without a log beside it.

    Args:
        store: The file of the store.
        target: The file to make.
        progress: See ``Progress``.
        wait: Seconds to wait for others.

    Raises:
        InvalidValue: there is no such store, or *target* is there already or lies in no directory.
        NotAStore, NewerSchema: *store* is not one of ours.
        StoreBusy: others held the store longer than *wait*.
        StoreCorrupt: the copy does not read as a whole, so neither does the store; none was made.
        StoreUnavailable: the disk is full, or something cannot be read or written.
    """
    source, made = real_path(store), real_path(target)
    with _telling(source, wait):
        _check_there(source, "store")
        _check_new(made, "target")
        if str(made) in {f"{source}{end}" for end in _BESIDE}:
            raise InvalidValue("target", "is a name of the store's own files", "choose another")
        with closing(_connected(source, "rw", wait)) as connection:
            connection.execute("BEGIN")  # one view for all steps: a copy never begins anew
            check_ours(connection, str(source))
            with _partial(made) as copy:
                _copy(connection, copy, progress)
                found = examine(copy)
                _name(copy, made, "target")
    return attrs.evolve(found, path=made)


def restore(
    backup: str | os.PathLike[str],
    store: str | os.PathLike[str],
    *,
    replace: bool = False,
    progress: Progress = lambda _done, _total: None,
    wait: float = _SHORT_WAIT,
) -> Copied:
    """Put a copy of *backup* in the place of *store*, once it was read through.

    The backup stays. Whoever kills this at any point has the old store or the new one, and runs it
    again.

    Args:
        backup: What ``back_up`` made, or another whole file of a store that nobody has open.
        store: The file to make.
        replace: A store that stands there goes, with everything recorded since the backup.
        progress: See ``Progress``.
        wait: Seconds to wait for others.

    Raises:
        InvalidValue: *backup* is no file, or has a log beside it; *store* is there and *replace* is
            not set, or it is not there and a log of that name is.
        NotAStore, NewerSchema: *backup* is none of ours, or what would be replaced is none.
        StoreInUse: somebody has the store open that would be replaced.
        StoreCorrupt: the backup does not read as a whole, or the store to be replaced is damaged:
            move it away with the files beside it, and restore into the free name.
        StoreUnavailable: the disk is full, or something cannot be read or written.
    """
    source, target = real_path(backup), real_path(store)
    with _telling(source, wait):
        _check_there(source, "backup")
        if source == target:
            raise InvalidValue("backup", "is the store itself", "name the backup")
        _check_no_log(source, "backup", "close what uses it, and name a backup")
        replaces = replace and os.path.lexists(target)
        if not replaces:
            _check_new(target, "store")
            _check_no_log(target, "store", "it may hold the last records: move it away")
        examine(source)
        with (
            _partial(target) as copy,
            closing(_connected(source, "ro&immutable=1", wait)) as connection,
        ):
            _copy(connection, copy, progress)
            found = examine(copy)
            if replaces:
                _take_place(copy, target, wait)
            else:
                _name(copy, target, "store")
    return attrs.evolve(found, path=target)


def examine(file: Path) -> Copied:
    """Read a file that nobody writes through, and tell what it is.

    Raises:
        NotAStore, NewerSchema: it is none of ours.
        StoreCorrupt: it is not whole.
        StoreUnavailable: it cannot be read.
    """
    with _telling(file, 0), closing(_connected(file, "ro&immutable=1", 0)) as connection:
        schema = check_ours(connection, str(file))
        size = number(connection, "page_count") * number(connection, "page_size")
        if file.stat().st_size != size:
            raise StoreCorrupt("a file that was cut short, or never finished")
        # the quick one of some SQLite is wrong about tables of schema 1: then the full one tells
        if all(connection.execute(f"PRAGMA {check}(1)").fetchone() != ("ok",) for check in _CHECKS):
            raise StoreCorrupt("damaged pages")
        if schema == SCHEMA_VERSION:
            check_tables(connection)
    return Copied(path=file, schema=schema, size=size)


def version_of(store: str | os.PathLike[str], *, wait: float = _WAIT) -> int:
    """Return the version of a store's tables; the file is left as it is.

    Raises:
        InvalidValue: there is no such store.
        NotAStore, NewerSchema: it is none of ours.
        StoreBusy: others held the store longer than *wait*.
        StoreUnavailable: it cannot be read.
    """
    source = real_path(store)
    with _telling(source, wait):
        _check_there(source, "store")
        with closing(_connected(source, "rw", wait)) as connection:
            return check_ours(connection, str(source))


def _check_there(path: Path, field: str) -> None:
    if not path.is_file() or not path.stat().st_size:
        raise InvalidValue(field, "is no file with a store in it", "name one that is there")


def _check_new(path: Path, field: str) -> None:
    if os.path.lexists(path):
        raise InvalidValue(field, "is there already and was left as it is", "name a new file")
    if not path.parent.is_dir():
        raise InvalidValue(field, "lies in no directory", "make the directory first")


def _check_no_log(path: Path, field: str, cure: str) -> None:
    for end in _LOGS:
        log = path.with_name(path.name + end)
        if log.exists() and log.stat().st_size:
            raise InvalidValue(field, f"has a log beside it ({log.name})", cure)


def _connected(path: Path, mode: str, wait: float, *first: str) -> sqlite3.Connection:
    uri = f"{path.as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, timeout=wait, isolation_level=None, uri=True)
    try:
        for pragma in (*first, *PRAGMAS):
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def _copy(connection: sqlite3.Connection, copy: Path, progress: Progress) -> None:
    """Copy all pages into an empty file, as one without a log, and wait for the disk."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as made:
        made.execute("PRAGMA journal_mode = OFF")  # a copy that is broken off is thrown away
        connection.backup(
            made, pages=_STEP, progress=lambda _, left, total: progress(total - left, total)
        )
    with closing(sqlite3.connect(copy, isolation_level=None)) as made:
        made.execute("PRAGMA journal_mode = MEMORY")  # out of the write-ahead log
    with copy.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """Give an empty file beside *target*, its owner's alone, that is gone afterwards."""
    file, name = tempfile.mkstemp(f".{target.name}.partial", ".", target.parent)
    os.close(file)
    try:
        yield Path(name)
    finally:
        for end in _BESIDE:
            Path(name + end).unlink(missing_ok=True)


def _name(copy: Path, made: Path, field: str) -> None:
    """Give a copy its own name in one step, unless somebody was quicker."""
    try:
        os.link(copy, made)
    except FileExistsError:
        raise InvalidValue(field, "is there by now and was left as it is", "name another") from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # a file system without links: whoever makes the file between these two lines loses it
        _check_new(made, field)
        copy.rename(made)
    sync_folder(made.parent)


#: What systems say of a link where there are none.
_NO_LINKS: Final = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}


def _take_place(copy: Path, target: Path, wait: float) -> None:
    """Put a copy in the place of a store that nobody has open.

    The old file gives its log up first: left beside the new one, SQLite would read it as its own.
    Whoever waits for the old file meanwhile finds it to be no store any more.
    """
    with closing(_held(target, wait)) as old:
        _check_no_log(target, "store", "stop every process that uses it")
        target.with_name(f"{target.name}-shm").unlink(missing_ok=True)  # of one that was killed
        shutil.copymode(target, copy)
        with suppress(PermissionError):  # only some may give files to others
            os.chown(copy, target.stat().st_uid, target.stat().st_gid)
        copy.replace(target)
        sync_folder(target.parent)
        old.execute("PRAGMA application_id = 0")
        old.execute("COMMIT")


def _held(target: Path, wait: float) -> sqlite3.Connection:
    """Return a connection to a store that nobody else has open, nor can read or write any more."""
    old = None
    try:
        # with this a first look at a file with a log fails while anybody else has it open
        old = _connected(target, "rw", wait, "PRAGMA locking_mode = EXCLUSIVE")
        check_mark(old, str(target))
        # in memory, as a journal beside it would be taken for the new file's as well
        in_memory = old.execute("PRAGMA journal_mode = MEMORY").fetchone() == ("memory",)
        old.execute("BEGIN EXCLUSIVE")
    except BaseException as error:
        if old is not None:
            old.close()
        if isinstance(error, sqlite3.Error) and is_busy(error):
            raise StoreInUse from None
        raise
    if not in_memory:
        old.close()
        raise StoreInUse
    return old


@contextmanager
def _telling(path: Path, wait: float) -> Iterator[None]:
    """Turn what the driver and the system say into our own errors."""
    try:
        yield
    except DRIVER_ERRORS as error:
        raise told(error, wait=wait, path=str(path)) from None
    except OSError as error:
        raise refused(error) from None
