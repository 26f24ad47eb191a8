r"""An erasure ledger in one append-only file.

Decides the bytes of the file and what is damage. A line is the canonical JSON (sorted keys, no
spaces, ASCII) of one erasure, ended by a newline: ``seq`` counts 1, 2, 3; ``mark`` and ``key_ids``
are hexadecimal; ``erased_at`` is microseconds since 1970 in UTC; ``reason`` and ``reference`` are
those of the tombstone; ``digest`` is SHA-256 of ``"gdprkit/erasures/v1\0"``, the digest of the line
before it and the line without its digest. Before the first line stands SHA-256 of that same magic
and the tenant. The chain finds what was altered or taken out; it is no signature.

Always true: a line is on the disk before ``append`` returns (and the file's name with the first
one); processes wait for each other where the system can lock files (POSIX), elsewhere one process
at a time may have the file; the file is the owner's alone when it is made here. A last line without
its newline that holds no whole record is what a crash left of a write: it is cut off. Any other
damage is told with its line, and nothing is repaired.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final, final

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.sealing.durable import sync_folder
from gdprkit.sealing.errors import ErasureLedgerDamaged, ErasureLedgerUnavailable
from gdprkit.sealing.rows import Tombstone
from gdprkit.words.moments import from_microseconds, microseconds
from gdprkit.words.vocabulary import ErasureReason

try:
    import fcntl
except ImportError:  # no POSIX: one process at a time
    fcntl = None  # type: ignore[assignment]

__all__ = ["FileErasureLedger"]

_MAGIC: Final = b"gdprkit/erasures/v1\0"
_OWNER: Final = 0o600
_FLAGS: Final = os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NOT_OURS: Final = "is no record of an erasure"


@attrs.define
class _Read:
    """What was read and verified so far: so much of the file, and the chain at that place."""

    digest: bytes
    file: tuple[int, int] = (0, 0)
    offset: int = 0
    records: dict[bytes, Tombstone] = attrs.Factory(dict)


@final
class FileErasureLedger:
    """Keeps the protocol of ``gdprkit.sealing.erasures.ErasureLedger`` in the file *path*.

    Keep it apart from the backups of the store, with copies of its own; a file that is restored
    together with the store guards nothing. One store has one file: two would each lack the other's
    erasures. It is made when the first erasure is written.

    Args:
        path: The file; its directory exists.
        tenant: Whose erasures; every line is bound to it.

    Raises:
        InvalidValue: *path* lies in no directory, or *tenant* is empty.
    """

    def __init__(self, path: str | os.PathLike[str], *, tenant: str = "main") -> None:
        self._path: Final = Path(path).absolute()
        if not self._path.parent.is_dir():
            raise InvalidValue("path", "lies in no directory", "make the directory first")
        if not tenant:
            raise InvalidValue("tenant", "is empty", "name the tenant")
        self._tenant: Final = tenant
        self._lock: Final = Lock()
        self._read = _Read(digest=sha256(_MAGIC + tenant.encode()).digest())

    @property
    def tenant(self) -> str:
        """See ``ErasureLedger.tenant``."""
        return self._tenant

    @property
    def durable(self) -> bool:
        """See ``ErasureLedger.durable``."""
        return True

    def append(self, erasures: Iterable[Tombstone]) -> None:
        """See ``ErasureLedger.append``."""
        wanted = tuple(erasures)
        if not wanted:
            return
        with self._opened(make=True) as file:
            assert file is not None  # noqa: S101  it was made
            read = self._catch_up(file)
            new: dict[bytes, Tombstone] = {}
            for row in wanted:
                if row.mark not in read.records:
                    new.setdefault(row.mark, row)
            lines, digest = [], read.digest
            for seq, row in enumerate(new.values(), start=len(read.records) + 1):
                line, digest = _line(row, seq, digest)
                lines.append(line)
            if lines:
                _verified((line[:-1] for line in lines), read)  # what would not be read again
                self._write(file, read, b"".join(lines))
                self._catch_up(file)

    def records(self) -> Sequence[Tombstone]:
        """See ``ErasureLedger.records``."""
        with self._opened(make=False) as file:
            if file is None and self._read.offset:
                raise ErasureLedgerDamaged(1, "is gone, and the file with it")
            read = self._read if file is None else self._catch_up(file)
            return tuple(read.records.values())

    def __repr__(self) -> str:
        return f"FileErasureLedger({str(self._path)!r}, tenant={self._tenant!r})"

    @contextmanager
    def _opened(self, *, make: bool) -> Iterator[int | None]:
        """Open the file and keep others out meanwhile; None when there is none yet.

        Opened anew each time: so a fork shares no lock with its parent.
        """
        with self._lock, _telling():
            try:
                file = os.open(self._path, _FLAGS | (os.O_CREAT if make else 0), _OWNER)
            except FileNotFoundError:
                yield None
                return
            try:
                if fcntl is not None:
                    fcntl.flock(file, fcntl.LOCK_EX)
                yield file
            finally:
                os.close(file)

    def _catch_up(self, file: int) -> _Read:
        """Read and verify what was appended since the last look; cut a torn last line off."""
        status, read = os.fstat(file), self._read
        identity = (status.st_dev, status.st_ino)
        if read.offset and (identity != read.file or status.st_size < read.offset):
            raise ErasureLedgerDamaged(len(read.records), "was there and is not any more")
        data = _pread(file, read.offset, status.st_size - read.offset)
        whole, newline, rest = data.rpartition(b"\n")
        lines = whole.split(b"\n") if newline else []
        end = read.offset + len(whole) + len(newline)
        torn = bool(rest) and _is_torn(rest)
        if rest and not torn:
            lines.append(rest)  # whole but for its newline
        # all of it is verified before anything changes, here and in the file
        new, digest = _verified(lines, read)
        if torn:
            os.ftruncate(file, end)
        elif rest:
            _write_all(file, b"\n")
            end += len(rest) + 1
        if rest:
            os.fsync(file)
        read.records.update(new)
        read.digest, read.offset, read.file = digest, end, identity
        return read

    def _write(self, file: int, read: _Read, data: bytes) -> None:
        """Append *data* and wait for the disk; what could not be written whole is taken back."""
        try:
            _write_all(file, data)
            os.fsync(file)
            if not read.offset:
                sync_folder(self._path.parent)
        except OSError:
            os.ftruncate(file, read.offset)
            raise


def _line(row: Tombstone, seq: int, before: bytes) -> tuple[bytes, bytes]:
    """Return the line of an erasure, with its newline, and its digest."""
    plain: dict[str, object] = {
        "erased_at": microseconds(row.erased_at),
        "key_ids": [key_id.hex() for key_id in row.key_ids],
        "mark": row.mark.hex(),
        "reason": row.reason.value,
        "reference": row.reference,
        "seq": seq,
    }
    digest = sha256(_MAGIC + before + _canonical(plain)).digest()
    return _canonical({**plain, "digest": digest.hex()}) + b"\n", digest


def _canonical(plain: dict[str, object]) -> bytes:
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode("ascii")


def _verified(lines: Iterable[bytes], read: _Read) -> tuple[dict[bytes, Tombstone], bytes]:
    """Return the erasures of the next lines by mark, and the digest of the last one.

    Raises:
        ErasureLedgerDamaged: a line is not the one that was appended there.
    """
    new: dict[bytes, Tombstone] = {}
    digest = read.digest
    for seq, line in enumerate(lines, start=len(read.records) + 1):
        row = _record(line, seq)
        wanted, digest = _line(row, seq, digest)
        if line + b"\n" != wanted:
            raise ErasureLedgerDamaged(seq, "was altered, or a line before it was taken out")
        if row.mark in read.records or row.mark in new:
            raise ErasureLedgerDamaged(seq, "holds an erasure that is there already")
        new[row.mark] = row
    return new, digest


def _record(line: bytes, seq: int) -> Tombstone:
    """Read the erasure in a line."""
    try:
        plain = json.loads(line)
        return Tombstone(
            mark=bytes.fromhex(plain["mark"]),
            erased_at=from_microseconds(plain["erased_at"]),
            reason=ErasureReason(plain["reason"]),
            reference=str(plain["reference"]),
            key_ids=tuple(bytes.fromhex(key_id) for key_id in plain["key_ids"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ErasureLedgerDamaged(seq, _NOT_OURS) from None


def _is_torn(rest: bytes) -> bool:
    """Whether a last line without newline is no whole record, so that a crash left it."""
    try:
        # junk behind a whole record is damage, so it may be no ASCII
        json.JSONDecoder().raw_decode(rest.decode("ascii", "replace"))
    except (ValueError, RecursionError):
        return True
    return False


def _pread(file: int, offset: int, length: int) -> bytes:
    os.lseek(file, offset, os.SEEK_SET)
    parts = []
    while length > 0:
        part = os.read(file, length)
        if not part:
            break
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


@contextmanager
def _telling() -> Iterator[None]:
    """Turn what the operating system says into our own error, without the file's name."""
    try:
        yield
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, "an error of the system")
        raise ErasureLedgerUnavailable(f"cannot be read or written ({code})") from None
