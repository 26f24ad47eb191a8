"""Looks for the marks of a canary in files, archives, names, log records and texts.

Decides what is opened and how far. Always true: what could not be looked into is listed and never
passed over in silence; a file of any size is read in pieces that overlap; what is found is told by
place, offset, encoding and field, and never by the value, so a name that holds a mark is shown with
the mark taken out.

Beside a file stand the files SQLite keeps for it; they are looked into with it. Links are followed,
each target once. Compressed and packed files are looked at as they lie and unpacked: gzip, bzip2,
xz, tar and zip, one inside the other.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from logging import Formatter, LogRecord, makeLogRecord
from pathlib import Path
from typing import IO, Final, TypeAlias, cast, final

import attrs

from gdprkit.testing.canary_marks import OVERLAP, Mark, hits

__all__ = ["Finding", "Search"]

_PIECE: Final = 1 << 20
_DEEPEST: Final = 8
_COMPANIONS: Final = ("-wal", "-journal", "-shm")
_UNREADABLE: Final = (
    OSError,
    EOFError,
    RuntimeError,  # what zipfile raises for a password
    NotImplementedError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
)


@final
@attrs.frozen
class Finding:
    """A mark was found.

    Args:
        where: The file, ``archive!member`` inside archives, a log record, or a text by its name.
        field: The field whose mark it is, or what else was looked for.
        encoding: How it is spelled there.
        offset: In bytes from the start, of the first; None when it is in the name itself.
        count: How often.
    """

    where: str
    field: str
    encoding: str
    offset: int | None
    count: int = 1

    def __str__(self) -> str:
        place = "in the name" if self.offset is None else f"offset {self.offset}"
        more = f", {self.count} times" if self.count > 1 else ""
        return f"{self.where}: {self.field}, {self.encoding}, {place}{more}"


@final
@attrs.define
class Search:
    """One search for marks, and what it came upon so far.

    Args:
        marks: What is looked for.
        files: How many files, members of archives, records and texts were looked at.
        size: How many bytes they had, unpacked.
        unread: What could not be looked into, and why.
    """

    marks: tuple[Mark, ...]
    files: int = 0
    size: int = 0
    unread: list[str] = attrs.Factory(list)
    _found: dict[tuple[str, str, str, bool], Finding] = attrs.Factory(dict)
    _visited: set[Path] = attrs.Factory(set)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, in the order it was come upon."""
        return tuple(self._found.values())

    def path(self, place: Path) -> None:
        """Look at a file with what SQLite keeps beside it, or at all that is in a directory."""
        beside = [place.with_name(place.name + ending) for ending in _COMPANIONS]
        for each in (place, *(path for path in beside if path.is_file())):
            self._at(each, each.name, self._shown(str(each)))

    def record(self, number: int, record: LogRecord) -> None:
        """Look at a log record: message, arguments, what was attached, exception and stack."""
        parts = [repr(record.__dict__), str(record.msg), str(record.args)]
        try:
            parts.append(Formatter().format(makeLogRecord(record.__dict__)))  # it keeps notes
        except Exception as error:  # noqa: BLE001 -- a wrong call of a logger still holds its values
            parts.append(repr(error))
        parts += [str(value) for value in record.__dict__.values()]
        where = f"log record {number} of {record.name or 'the root logger'}"
        self.text(where, "\n".join(parts))
        for key in [key for key in self._found if key[0] == where]:  # the parts repeat each other
            self._found[key] = attrs.evolve(self._found[key], count=1)

    def text(self, where: str, text: str) -> None:
        """Look at a text, such as what was printed."""
        self._piece(where, text.encode("utf-8", "surrogatepass"), 0, None)
        self.files += 1
        self.size += len(text)

    # --- paths -----------------------------------------------------------------------------------

    def _at(self, path: Path, name: str, where: str) -> None:
        self._name(name, where)
        try:
            if path.is_symlink():
                self._name(str(path.readlink()), where)
            real = path.resolve(strict=True)
            if real in self._visited:
                return
            self._visited.add(real)
            if path.is_dir():
                for inside in sorted(path.iterdir()):
                    self._at(inside, inside.name, f"{where}/{self._shown(inside.name)}")
            elif path.is_file():
                with path.open("rb") as stream:
                    self._stream(stream, where, 0)
        except FileNotFoundError:
            pass  # a link to nothing, or gone since its directory was read
        except (OSError, RuntimeError) as error:
            self._unread(where, error)

    def _name(self, name: str, where: str) -> None:
        for hit in hits(self.marks, _raw(name)):
            self._note(where, hit.field, hit.encoding, None)

    def _shown(self, name: str) -> str:
        """Return a name with every mark in it taken out."""
        raw = _raw(name)
        spans = sorted({(hit.start, hit.length, hit.field) for hit in hits(self.marks, raw)})
        shown, at = b"", 0
        for start, length, field in spans:
            if start >= at:
                shown += raw[at:start] + f"[{field}]".encode()
            at = max(at, start + length)
        return (shown + raw[at:]).decode()

    # --- bytes -----------------------------------------------------------------------------------

    def _stream(self, stream: IO[bytes], where: str, depth: int) -> None:
        self.files += 1
        head = self._whole(stream, where)
        unpack = _unpacker(head)
        if unpack is None:
            return
        if depth == _DEEPEST:
            self.unread.append(f"{where}: packed more than {_DEEPEST} times")
            return
        try:
            stream.seek(0)
            for name, inside in unpack(stream):
                deeper = f"{where}!{self._shown(name)}" if name else where
                if name:
                    self._name(name, deeper)
                if inside is not None:
                    with inside:
                        self._stream(inside, deeper, depth + 1)
        except _UNREADABLE as error:
            self._unread(where, error)

    def _whole(self, stream: IO[bytes], where: str) -> bytes:
        """Look at every byte, in pieces; return the first ones."""
        head, kept, at = b"", b"", 0
        while piece := stream.read(_PIECE):
            head = head or piece[:512]
            self.size += len(piece)
            kept += piece
            settled = max(0, len(kept) - OVERLAP)
            if settled:  # what starts later is looked at with what follows
                self._piece(where, kept, at, settled)
                kept, at = kept[settled:], at + settled
        self._piece(where, kept, at, None)
        return head

    def _piece(self, where: str, piece: bytes, at: int, settled: int | None) -> None:
        for hit in hits(self.marks, piece):
            if settled is None or hit.start < settled:
                self._note(where, hit.field, hit.encoding, at + hit.start)

    def _note(self, where: str, field: str, encoding: str, offset: int | None) -> None:
        key = (where, field, encoding, offset is None)
        known = self._found.get(key)
        if known is None:
            self._found[key] = Finding(where, field, encoding, offset)
        else:
            self._found[key] = attrs.evolve(known, count=known.count + 1)

    def _unread(self, where: str, error: Exception) -> None:
        self.unread.append(f"{where}: {type(error).__name__}")


def _raw(name: str) -> bytes:
    """Return a name as bytes; what is no text in it, other systems' names for instance, escaped."""
    return name.encode("utf-8", "backslashreplace")


# --- archives ------------------------------------------------------------------------------------

#: Name of a member, empty where the whole has but one, and its bytes, if it has any.
Members: TypeAlias = Iterator[tuple[str, IO[bytes] | None]]
Unpack: TypeAlias = Callable[[IO[bytes]], Members]


def _unpacker(head: bytes) -> Unpack | None:
    for magic, at, unpack in _FORMATS:
        if head[at : at + len(magic)] == magic:
            return unpack
    return None


def _gunzip(stream: IO[bytes]) -> Members:
    yield "", cast("IO[bytes]", gzip.GzipFile(fileobj=stream, mode="rb"))


def _bunzip(stream: IO[bytes]) -> Members:
    yield "", bz2.BZ2File(stream)


def _unxz(stream: IO[bytes]) -> Members:
    yield "", lzma.LZMAFile(stream)  # noqa: SIM115 -- closed by whoever takes it


def _unzip(stream: IO[bytes]) -> Members:
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            yield member.filename, None if member.is_dir() else archive.open(member)


def _untar(stream: IO[bytes]) -> Members:
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in archive:
            yield member.name, archive.extractfile(member) if member.isreg() else None


_FORMATS: Final[tuple[tuple[bytes, int, Unpack], ...]] = (
    (b"\x1f\x8b\x08", 0, _gunzip),
    (b"BZh", 0, _bunzip),
    (b"\xfd7zXZ\0", 0, _unxz),
    (b"PK\x03\x04", 0, _unzip),
    (b"ustar", 257, _untar),
)
