"""The text form of root keys, and how its file is read, made and replaced.

Decides what a keyring may hold, whom its file may belong to, and that a file is changed in one
step. Leaves out what root keys do: ``providers`` says that. Always true: from one keyring to the
next the file is whole, the old one or the new one, whenever the process or the machine dies; of two
changes at once one is refused; an error names source, line and cure, never a key.

What holds key text is returned, and what is wrong with it is returned too instead of raised: a
traceback would carry the text in its frames.
"""

from __future__ import annotations

import os
import re
import stat
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, TypeAlias

from gdprkit.sealing.durable import sync_folder
from gdprkit.sealing.errors import KeyProviderDenied, KeyProviderUnavailable
from gdprkit.sealing.secret import bare

__all__ = [
    "ROOT_ID",
    "ROOT_KEY",
    "Problem",
    "Roots",
    "change_file",
    "first_text",
    "parse_roots",
    "read_file",
    "refused",
    "with_root",
    "without_root",
    "write_file",
]

Problem: TypeAlias = KeyProviderDenied | KeyProviderUnavailable
ROOT_KEY: Final = 32
"""Bytes of a root key."""
ROOT_ID: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?\Z")
"""What a root key may be called."""

_ACTIVE: Final = "active"
_DESTROYED: Final = "destroyed"
_LIMIT: Final = 2**16  # bytes: hundreds of keys; a keyring holds a handful
_HEAD: Final = (
    "# Root keys of gdprkit. Whoever has this file can read every sealed value, and without it\n"
    "# nobody can. Back it up apart from the database and its backups.\n"
)


class Roots(NamedTuple):
    """What a keyring holds. Short-lived: it shows its keys."""

    keys: dict[str, bytes]
    active: str
    destroyed: frozenset[str]


def parse_roots(text: str, source: str) -> Roots:
    """Return what *text* holds.

    Raises:
        KeyProviderDenied: it is no keyring; names *source*, the line and the cure.
    """
    keys: dict[str, bytes] = {}
    active: list[str] = []
    destroyed: set[str] = set()
    # not splitlines(): a comment may hold what Unicode counts as the end of a line
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        where = f"{source} line {number}"
        if len(words) != 2 or not ROOT_ID.match(words[0]):
            raise refused(where, "is not an id and a key", "write the id, a space and the base64")
        if words[0] == _ACTIVE:
            active.append(words[1])
            continue
        name = words[1] if words[0] == _DESTROYED else words[0]
        if not ROOT_ID.match(name):
            raise refused(where, "names no root key", "write 'destroyed' and the id of that key")
        if name in keys or name in destroyed:
            raise refused(where, "repeats the id of a line above", "give every key its own id")
        if words[0] == _DESTROYED:
            destroyed.add(name)
        else:
            keys[name] = _root(words[1], where)
    if len(active) != 1 or active[0] not in keys:
        raise refused(
            source, "does not name one of its keys as active", "write one line 'active ID'"
        )
    return Roots(keys, active[0], frozenset(destroyed))


def first_text(name: str, root: bytes) -> str:
    """Return the text of a keyring of one key."""
    return f"{_HEAD}{_ACTIVE} {name}\n{_line(name, root)}"


def with_root(text: str, name: str, root: bytes) -> str:
    """Return *text* with one more root key, which is the active one; all else stays."""
    lines = [
        f"{_ACTIVE} {name}\n" if line.split()[:1] == [_ACTIVE] else line for line in _lines(text)
    ]
    return "".join((*lines, _line(name, root)))


def without_root(text: str, name: str, source: str) -> str:
    """Return *text* with the key called *name* destroyed; the same text when it is already.

    Raises:
        KeyProviderDenied: it holds no such key, or that key is the active one.
    """
    roots = parse_roots(text, source)
    if name == roots.active:
        raise refused(
            source,
            f"wraps with root key {name!r} now",
            "add another root key and wrap every epoch key anew before this one is dropped",
        )
    if name not in roots.keys and name not in roots.destroyed:
        # what was asked for is not repeated: it may be a key that was passed by mistake
        raise refused(source, "holds no root key of that id", "name one that its lines begin with")
    return "".join(
        f"{_DESTROYED} {name}\n" if line.split()[:1] == [name] else line for line in _lines(text)
    )


def read_file(path: Path, *, noun: str = "keyring") -> str:
    """Return the text of the keyring at *path*; *noun* is what an error calls the file.

    Raises:
        KeyProviderUnavailable: there is no such file, or it cannot be read now.
        KeyProviderDenied: others than its owner may use it (on POSIX systems), this process may
            not, or it is too large.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise refused(
                    str(path),
                    "can be used by others than its owner",
                    f"run chmod 600 {path}",
                    noun=noun,
                )
            raw = file.read(_LIMIT + 1)
            if len(raw) > _LIMIT:
                del raw
                raise refused(
                    str(path), f"is too large to be a {noun}", "name the right file", noun=noun
                )
    except PermissionError:
        raise refused(
            str(path), "may not be read by this process", "check its owner", noun=noun
        ) from None
    except OSError as error:
        raise _unavailable(path, "be read", error, noun=noun) from None
    return raw.decode("utf-8", "surrogateescape")  # a comment goes back as it came


def write_file(path: Path, text: str, *, noun: str = "keyring") -> Problem | None:
    """Write a new file that outlives a crash; return what is wrong, or None."""
    try:
        handle = _made(path)
    except FileExistsError:
        return refused(str(path), "is there already", "open it, or name a new file", noun=noun)
    except PermissionError:
        return refused(str(path), "may not be written", "choose another directory", noun=noun)
    except OSError as error:
        return _unavailable(path, "be written", error, noun=noun)
    try:
        with os.fdopen(handle, "wb") as file:
            _write_out(file, _bytes(text))
        sync_folder(path.parent)
    except OSError as error:
        path.unlink(missing_ok=True)
        return _unavailable(path, "be written", error, noun=noun)
    return None


def change_file(path: Path, edit: Callable[[str], str]) -> str | Problem:
    """Put the text that *edit* makes of the file's text in its place; return it, or the problem.

    The new text is written beside the file and takes its name in one step. Whoever is first to
    make the file beside it may change the keyring; it is not taken away from somebody who died,
    since nobody can tell that from somebody who is slow.
    """
    place = Path(os.path.realpath(path))  # the file itself, where *path* is a link to it
    beside = place.with_name(f"{place.name}.new")
    try:
        handle = _made(beside)
    except FileExistsError:
        return refused(
            str(path),
            f"is being changed by somebody else: {beside} is there",
            "try again when that is done; after a crash, delete that file first",
        )
    except PermissionError:
        return refused(str(path), "may not be changed", "check who owns its directory")
    except OSError as error:
        return _unavailable(path, "be changed", error)
    changed: str | Problem
    try:
        changed = _next_text(place, handle, edit)
        if isinstance(changed, str):
            beside.replace(place)
            sync_folder(place.parent)
            return changed
    except (KeyProviderDenied, KeyProviderUnavailable) as error:
        changed = bare(error)
    except OSError as error:
        changed = _unavailable(path, "be changed", error)
        if not beside.exists():  # it has its name; whether that outlives a crash is not known
            return changed
    beside.unlink(missing_ok=True)
    return changed


def _next_text(place: Path, handle: int, edit: Callable[[str], str]) -> str | Problem:
    """Write what follows on the text at *place* into *handle*, and return it."""
    with os.fdopen(handle, "wb") as file:
        before = read_file(place)
        after = edit(before)
        parse_roots(after, str(place))  # nothing that cannot be read takes the place
        raw = _bytes(after)
        if len(raw) > _LIMIT:
            return refused(str(place), "would become too large", "drop root keys that wrap nothing")
        if os.name == "posix":  # whoever could read it, and nobody else, can read the next one
            was = place.stat()
            if (was.st_uid, was.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), was.st_uid, was.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(was.st_mode))
        _write_out(file, raw)
    if read_file(place) != before:
        return refused(str(place), "was changed by somebody else meanwhile", "look, and try again")
    return after


def _made(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _write_out(file: BinaryIO, raw: bytes) -> None:
    file.write(raw)
    file.flush()
    os.fsync(file.fileno())  # nothing may be sealed under a key that a crash can lose


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _line(name: str, root: bytes) -> str:
    return f"{name} {b64encode(root).decode('ascii')}\n"


def _lines(text: str) -> list[str]:
    """Return the lines of *text*, each with its end, the last one too."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [f"{line}\n" for line in lines]


def _root(text: str, where: str) -> bytes:
    cure = "write the base64 of 32 random bytes"
    try:
        root = a2b_base64(text.encode("ascii", "replace"), strict_mode=True)
    except Base64Error:
        raise refused(where, "holds no base64", cure) from None
    if b64encode(root).decode("ascii") != text:
        raise refused(where, "holds no canonical base64", cure)
    if len(root) != ROOT_KEY:
        raise refused(where, f"holds a key of {len(root)} bytes", cure)
    return root


def refused(source: str, problem: str, cure: str, *, noun: str = "keyring") -> KeyProviderDenied:
    """Return the error for a keyring that somebody has to change."""
    return KeyProviderDenied(f"{noun} {source}", problem, cure)


def _unavailable(
    path: Path, verb: str, error: OSError, *, noun: str = "keyring"
) -> KeyProviderUnavailable:
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return KeyProviderUnavailable(f"{noun} {path}", f"cannot {verb}: {reason}")
