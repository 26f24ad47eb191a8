"""The files that prove a trail elsewhere: checkpoints, exports and proofs.

Decides their form, how one is written and how one is checked with nothing but public keys. It
leaves out stores, and what leaves and statements are (``gdprkit.ledger.checkpoint``).

Always true: a file appears whole or not at all and never takes another's place; it is read row by
row, so memory does not grow with it; what is not signed, or not what was signed, is not believed.

The form: rows of JSON. The first one holds ``form``, ``statement`` (the signed text) and
``signature``; then come the leaves in their order. In an export and in a proof, the leaf of a line
is followed by its entries, ``["entry", position, body, digest]``, or by ``["expunged-since",
position, head, at]`` if the line was expunged after the checkpoint. A proof has one leaf; its first
row holds ``index`` and ``path`` as well (RFC 6962, 2.1.1).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, Final, NamedTuple, final
from uuid import UUID

import attrs

from gdprkit.desk.trail_chains import STEP
from gdprkit.errors import ChainBroken, CheckpointInvalid, InvalidValue
from gdprkit.ledger.chain import verify_line
from gdprkit.ledger.checkpoint import (
    LEAVES,
    Leaf,
    Roots,
    Signed,
    Statement,
    leaf_prefix,
    pack,
    read_leaf,
    read_statement,
)
from gdprkit.ledger.merkle import leaf_hash, verify_inclusion
from gdprkit.sealing.durable import sync_folder
from gdprkit.sealing.signing import PublicKey
from gdprkit.words.identifiers import SubjectId

__all__ = [
    "CHECKPOINT",
    "EXPORT",
    "PROOF",
    "CheckedFile",
    "Header",
    "check_file",
    "entry_row",
    "expunged_row",
    "first_row",
    "is_checkpoint_of",
    "read_header",
    "read_leaves",
    "unusable",
    "write_new",
]

CHECKPOINT: Final = "gdprkit/checkpoint-file/v1"
EXPORT: Final = "gdprkit/export/v1"
PROOF: Final = "gdprkit/proof/v1"

_ENTRY: Final = "entry"
_SINCE: Final = "expunged-since"


class Header(NamedTuple):
    """The first row of a file whose signature is right."""

    form: str
    signed: Signed
    statement: Statement
    place: int
    nodes: tuple[bytes, ...]


class _Entry(NamedTuple):
    position: int
    body: bytes
    digest: bytes


@final
@attrs.frozen(kw_only=True)
class CheckedFile:
    """What a file holds.

    Args:
        header: Its first row.
        leaves: How many leaves.
        entries: How many entries were verified.
        expunged: Of how many lines the file says, unsigned, that they were expunged since.
        broken: What is not what was signed.
    """

    header: Header
    leaves: int
    entries: int
    expunged: int
    broken: tuple[str, ...]


def first_row(
    form: str, signed: Signed, *, index: int | None = None, path: Sequence[bytes] = ()
) -> bytes:
    """Return the first row of a file."""
    proof = {} if index is None else {"index": index, "path": [node.hex() for node in path]}
    return pack(
        {
            "form": form,
            "signature": signed.signature.hex(),
            "statement": signed.raw.decode(),
            **proof,
        }
    )


def entry_row(about: UUID, position: int, body: bytes, digest: bytes) -> bytes:
    """Return the row of an entry.

    Raises:
        ChainBroken: the body is not UTF-8, which every entry is.
    """
    try:
        return pack([_ENTRY, position, body.decode(), digest.hex()])
    except UnicodeDecodeError:
        raise ChainBroken(about, position, "the entry is not UTF-8") from None


def expunged_row(leaf: Leaf) -> bytes:
    """Return the row that stands for the entries of a line expunged after a checkpoint."""
    return pack([_SINCE, *leaf.state])


def write_new(path: Path, rows: Iterable[bytes]) -> None:
    """Write rows into a new file at *path*, whole or not at all.

    Raises:
        InvalidValue: something is there already, or the file cannot be written.
    """
    beside = None
    try:
        with NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=".tmp", delete=False
        ) as file:
            beside = Path(file.name)  # readable by its owner only
            for row in rows:
                file.write(row)
                file.write(b"\n")
            file.flush()
            os.fsync(file.fileno())
        _take_name(beside, path)
    except FileExistsError:
        raise InvalidValue(
            "file", f"{path} is there already", "name a new one; none is ever overwritten"
        ) from None
    except OSError as error:
        raise unusable(path, "written", error) from None
    finally:
        if beside is not None:
            beside.unlink(missing_ok=True)


def _take_name(beside: Path, path: Path) -> None:
    """Give a finished file its name, which nobody may have: renaming would overwrite."""
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError from None
        beside.rename(path)
    sync_folder(path.parent)


def unusable(path: Path, verb: str, error: OSError) -> InvalidValue:
    """Return the error for a file or folder that cannot be read or written."""
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return InvalidValue("file", f"{path} cannot be {verb}: {reason}", "name another")


def _rows(path: Path) -> Generator[bytes, None, None]:
    """Give the rows of a file, the first one too."""
    try:
        file: BinaryIO
        with path.open("rb") as file:
            for row in file:
                if not row.endswith(b"\n"):
                    raise CheckpointInvalid(str(path), "is cut short in the middle of a row")
                yield row[:-1]
    except OSError as error:
        raise unusable(path, "read", error) from None


def read_header(
    path: Path, keys: Mapping[str, PublicKey] | None, tenant: str | None = None
) -> Header:
    """Read the first row of a file and check its signature by *keys*, id -> public key.

    Without *keys* the signature is left to whoever verifies what is made of the file.

    Raises:
        CheckpointInvalid: it is no such file, was not signed by one of *keys*, or is of another
            tenant than *tenant*.
        InvalidValue: it cannot be read.
    """
    form, signed, statement, place, nodes = _header(path)
    if tenant not in {None, statement.tenant}:
        raise CheckpointInvalid(str(path), "is of another tenant")
    if keys is None:
        return Header(form, signed, statement, place, nodes)
    key = keys.get(statement.key)
    if key is None:
        problem = f"was signed by {statement.key}, which is none of the public keys given"
        raise CheckpointInvalid(str(path), problem)
    if not key.verify(signed.message, signed.signature):
        raise CheckpointInvalid(str(path), f"does not bear the signature of {statement.key}")
    return Header(form, signed, statement, place, nodes)


def is_checkpoint_of(path: Path, tenant: str) -> bool:
    """Return whether a file says that it is a checkpoint of a tenant; it may lie.

    Raises:
        InvalidValue: it cannot be read.
    """
    try:
        header = _header(path)
    except CheckpointInvalid:
        return False
    return (header.form, header.statement.tenant) == (CHECKPOINT, tenant)


def _header(path: Path) -> Header:
    """Read the first row of a file; nothing in it is to be believed yet."""
    with closing(_rows(path)) as rows:
        row = next(rows, b"")
    try:
        plain = json.loads(row)
        form, signature = plain["form"], bytes.fromhex(plain["signature"])
        signed = Signed(raw=plain["statement"].encode(), signature=signature)
        place = plain.get("index", 0)
        nodes = tuple(bytes.fromhex(node) for node in plain.get("path", []))
        known = form in {CHECKPOINT, EXPORT, PROOF} and type(place) is int
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        known = False
    if not known:
        problem = "is no checkpoint, export or proof of a form known here"
        raise CheckpointInvalid(str(path), problem)
    return Header(form, signed, read_statement(signed.raw, str(path)), place, nodes)


def read_leaves(path: Path) -> Iterator[Leaf]:
    """Give the leaves of a checkpoint's file, as they stand there."""
    rows = _rows(path)
    next(rows, None)
    return (read_leaf(row, str(path)) for row in rows)


def check_file(
    path: Path,
    keys: Mapping[str, PublicKey] | None,
    progress: Callable[[int], None] = lambda _: None,
) -> CheckedFile:
    """Check everything that a file says by itself: signature, leaves, roots, entries.

    Raises:
        CheckpointInvalid: it is no such file, was not signed by one of *keys*, or cannot be read
            to its end.
        InvalidValue: it cannot be read.
    """
    header = read_header(path, keys)
    tenant, source = header.statement.tenant, str(path)
    roots = Roots(tenant, source)
    leaves = entries = expunged = 0
    broken: list[str] = []
    proved = None
    for leaf, rest in _stanzas(path):
        leaves += 1
        if not leaves % STEP:
            progress(STEP)
        gone = sum(row[0] == _SINCE for row in rest)
        entries, expunged = entries + len(rest) - gone, expunged + gone
        if header.form == PROOF:
            proved = leaf
        else:
            roots.add(leaf)
        if header.form != CHECKPOINT and leaf.kind == "line":
            broken.extend(_broken(tenant, leaf, rest, source))
        elif rest:
            raise CheckpointInvalid(source, "holds entries where none belong")
    progress(leaves % STEP)
    if header.form != PROOF:
        broken.extend(_other_roots(header.statement, roots, source))
    elif leaves != 1 or proved is None or not _is_in(header, proved):
        broken.append(str(CheckpointInvalid(source, "proves nothing: its leaf was not signed")))
    return CheckedFile(
        header=header, leaves=leaves, entries=entries, expunged=expunged, broken=tuple(broken)
    )


def _stanzas(path: Path) -> Iterator[tuple[Leaf, list[list[Any]]]]:
    """Give each leaf with the rows that belong to it."""
    rows = _rows(path)
    next(rows, None)
    leaf, rest = None, list[list[Any]]()
    for row in rows:
        if row.startswith((b'["entry",', b'["expunged-since",')) and leaf is not None:
            rest.append(_parsed(row, str(path)))
            continue
        if leaf is not None:
            yield leaf, rest
        leaf, rest = read_leaf(row, str(path)), []
    if leaf is not None:
        yield leaf, rest


_FORMS: Final = {_ENTRY: (int, str, str), _SINCE: (int, str, int)}


def _parsed(row: bytes, source: str) -> list[Any]:
    try:
        parsed: list[Any] = json.loads(row)
        right = tuple(map(type, parsed[1:])) == _FORMS[parsed[0]]
        digest = parsed[3] if parsed[0] == _ENTRY else parsed[2]
        right = right and len(digest) == 64 and bytes.fromhex(digest).hex() == digest
        parsed[2].encode()  # JSON can write what is no text
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, RecursionError):
        right = False
    if not right:
        raise CheckpointInvalid(source, "holds a row that is no entry")
    return parsed


def _broken(tenant: str, leaf: Leaf, rest: list[list[Any]], source: str) -> Iterator[str]:
    """Say what is wrong with the entries of a line in an export or a proof."""
    try:
        about = SubjectId(UUID(hex=leaf.key[0]))
        position, head = leaf.state[0], bytes.fromhex(leaf.state[1])
    except ValueError:
        raise CheckpointInvalid(source, "holds a row that is no leaf") from None
    if len(rest) == 1 and rest[0][0] == _SINCE:
        _, end, last, _ = rest[0]
        if end < position or (end == position and bytes.fromhex(last) != head):
            problem = "the line was expunged, and its tombstone is of another line"
            yield str(ChainBroken(about, position, problem))
        return
    if any(row[0] == _SINCE for row in rest):
        raise CheckpointInvalid(source, "holds a row that is no entry")
    entries = [_Entry(row[1], row[2].encode(), bytes.fromhex(row[3])) for row in rest]
    try:
        verify_line(tenant, about, entries, head, position)
    except ChainBroken as error:
        yield str(error)


def _is_in(header: Header, leaf: Leaf) -> bool:
    section = header.statement.sections[leaf.kind]
    digest = leaf_hash(leaf_prefix(header.statement.tenant) + leaf.raw)
    return verify_inclusion(digest, header.place, section.count, header.nodes, section.root)


def _other_roots(statement: Statement, roots: Roots, source: str) -> Iterator[str]:
    """Say which trees are not those that were signed."""
    found = roots.sections()
    for kind in LEAVES:
        told, held = statement.sections[kind], found[kind]
        if held.count < told.count:
            problem = f"is cut short: it holds {held.count} of {told.count} {kind} leaves"
        elif held.count > told.count:
            problem = f"holds {held.count} {kind} leaves where {told.count} were signed"
        elif held.root != told.root:
            problem = f"has {kind} leaves that are not those that were signed"
        else:
            continue
        yield str(CheckpointInvalid(source, problem))
