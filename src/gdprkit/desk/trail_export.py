"""Write what proves a trail to somebody who has neither the store nor this library.

Decides what an export of everybody and a proof about one person hold: what a checkpoint signed, and
the entries that lead to it. It leaves out the form of the files (``trail_files``) and how they are
checked.

Always true: what is written verifies by itself; what was recorded after the checkpoint is left out,
since nobody signed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from uuid import UUID

from gdprkit.desk.trail_chains import STEP, matched, walk_chains
from gdprkit.desk.trail_files import (
    EXPORT,
    PROOF,
    Header,
    entry_row,
    expunged_row,
    first_row,
    read_leaves,
    write_new,
)
from gdprkit.errors import ChainBroken, InvalidValue
from gdprkit.ledger.checkpoint import Leaf, expunged_leaf, leaf_prefix
from gdprkit.ledger.merkle import audit_path, leaf_hash
from gdprkit.storage.protocol import Store
from gdprkit.storage.reads import RawLine
from gdprkit.words.identifiers import SubjectId

__all__ = ["proof_rows", "write_export"]


def write_export(
    store: Store,
    checkpoint: tuple[Path, Header],
    path: Path,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write an export of *store* as a checkpoint saw it, the store held against it before.

    Raises:
        ChainBroken: a line is not what was written or not what the checkpoint saw.
        InvalidValue: there is such a file already, or it cannot be written.
        GdprkitError: the store itself does not work.
    """
    source, header = checkpoint
    write_new(path, _export_rows(store, source, header, progress))


def _export_rows(
    store: Store, source: Path, header: Header, progress: Callable[[int], None]
) -> Iterator[bytes]:
    yield first_row(EXPORT, header.signed)
    lines = ((line[0].hex(), (line, problem)) for line, problem in walk_chains(store))
    leaves = ((leaf.key[0] if leaf.kind == "line" else "g", leaf) for leaf in read_leaves(source))
    # "g" comes after every id
    for number, (found, leaf) in enumerate(matched(lines, leaves), start=1):
        yield leaf.raw
        if not number % STEP:
            progress(STEP)
        if leaf.kind == "line":
            line, problem = found or (None, "")
            yield from _stanza(store, leaf, line, problem)


def _stanza(store: Store, leaf: Leaf, line: RawLine | None, problem: str) -> Iterator[bytes]:
    """Give the rows that belong to the leaf of a line.

    Raises:
        ChainBroken: the line is not what the checkpoint saw.
    """
    about = SubjectId(UUID(hex=leaf.key[0]))
    position, head = leaf.state
    if line is None:
        left = store.expunged(about)
        if left is None:
            raise ChainBroken(about, position, "the line is gone, without a tombstone")
        yield expunged_row(expunged_leaf(about, left.position, left.head, left.at))
        return
    rows = line[3][:position]
    if problem or len(rows) < position or rows[-1][3].hex() != head:
        raise ChainBroken(about, position, "the line is not what the checkpoint saw")
    for _, at, body, digest in rows:
        yield entry_row(about, at, body, digest)


def proof_rows(store: Store, checkpoint: tuple[Path, Header], about: SubjectId) -> Iterable[bytes]:
    """Return the rows of a proof about one person, as a checkpoint saw them.

    Raises:
        InvalidValue: the person is not in the checkpoint.
        ChainBroken: the line is not what was written or not what the checkpoint saw.
    """
    source, header = checkpoint
    index, leaf = _place(source, about)
    prefix = leaf_prefix(header.statement.tenant)
    same = (one for one in read_leaves(source) if one.rank == leaf.rank)
    nodes = audit_path((leaf_hash(prefix + one.raw) for one in same), index)
    rows = [first_row(PROOF, header.signed, index=index, path=nodes), leaf.raw]
    if leaf.kind == "line":
        stored = store.line(about)
        line = None
        if store.standing(about) is not None:
            held = [(about.bytes, entry.position, entry.body, entry.digest) for entry in stored]
            line = (about.bytes, len(held), b"", held)
        rows.extend(_stanza(store, leaf, line, ""))
    return rows


def _place(source: Path, about: SubjectId) -> tuple[int, Leaf]:
    """Find a person's leaf, and which one of its kind it is."""
    last, index = -1, 0
    found: tuple[int, Leaf] | None = None
    for leaf in read_leaves(source):
        index = index + 1 if leaf.rank == last else 0
        last = leaf.rank
        if leaf.kind in {"line", "expunged"} and leaf.key == (about.hex,):
            found = index, leaf
            if leaf.kind == "line":
                return found
    if found is None:
        raise InvalidValue("PERSON", "is not in that checkpoint", "take a newer one")
    return found
