"""Make checkpoints of a store, keep them in a chain, and hold a store against them.

Decides what is read for a checkpoint, where it goes, and what is said when a store is not what a
checkpoint saw. It leaves out the form of the file (``trail_files``) and single lines
(``trail_chains``).

Always true: nothing is signed that does not verify, or that differs from the checkpoint before; a
checkpoint names the one before by its digest; memory does not grow with the number of lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from heapq import merge
from itertools import chain, groupby, pairwise
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final, final
from urllib.parse import quote

import attrs

from gdprkit.desk.trail_chains import Claim, TrailReport, matched, subject, verify_chains
from gdprkit.desk.trail_files import (
    CHECKPOINT,
    CheckedFile,
    Header,
    check_file,
    first_row,
    is_checkpoint_of,
    read_header,
    read_leaves,
    unusable,
    write_new,
)
from gdprkit.errors import CheckpointInvalid, InvalidValue, StoreCorrupt
from gdprkit.ledger.checkpoint import (
    Leaf,
    Roots,
    Statement,
    expunged_leaf,
    line_leaf,
    sign_statement,
    suppression_leaf,
    tombstone_leaf,
)
from gdprkit.sealing.signing import PublicKey, SigningKey
from gdprkit.storage.protocol import Store

__all__ = [
    "Made",
    "check_checkpoints",
    "checkpoint_files",
    "default_folder",
    "hold_against",
    "make_checkpoint",
    "newest",
]

_AT_ONCE: Final = 200  # checkpoints; each is an open file, and processes may have a thousand

Progress = Callable[[int], None]
Witnessed = tuple[Leaf, str]
"""A leaf, and what the checkpoint it is from is called."""


@final
@attrs.frozen(kw_only=True)
class Made:
    """What came of making a checkpoint.

    Args:
        report: What was verified.
        path: Where the checkpoint is; None if it was not made, since something is broken.
        statement: What was signed.
    """

    report: TrailReport
    path: Path | None = None
    statement: Statement | None = None


def default_folder(store: Path) -> Path:
    """Return where the checkpoints of a store's file are kept unless told otherwise."""
    return store.with_name(f"{store.name}.checkpoints")


def checkpoint_files(place: Path, tenant: str) -> Sequence[Path]:
    """Return the checkpoints that *place* stands for: itself, or a tenant's in a folder.

    In a folder, other files are passed over, but not those that are called like a checkpoint.
    """
    if not place.is_dir():
        return [place]
    called = re.compile(re.escape(quote(tenant, safe="")) + r"-[0-9]{8,}\.jsonl")
    return [
        path
        for path in sorted(place.glob("*.jsonl"))
        if called.fullmatch(path.name) or is_checkpoint_of(path, tenant)
    ]


def newest(
    places: Iterable[Path], tenant: str, keys: Mapping[str, PublicKey] | None
) -> tuple[Path, Header] | None:
    """Return the newest checkpoint of a tenant among files and folders; see ``read_header``.

    Raises:
        CheckpointInvalid: a file is no checkpoint, or not signed by one of *keys*.
        InvalidValue: a file cannot be read.
    """
    own = [
        (path, read_header(path, keys, tenant))
        for place in places
        for path in checkpoint_files(place, tenant)
    ]
    return max(own, key=lambda pair: pair[1].statement.number, default=None)


def check_checkpoints(
    places: Iterable[Path], tenant: str, keys: Mapping[str, PublicKey], progress: Progress
) -> tuple[list[tuple[Path, Header]], list[str]]:
    """Check checkpoints by themselves: signatures, leaves, and that each follows the one before.

    Other tenants' checkpoints in a folder are passed over.

    Returns:
        The checkpoints that can be believed, oldest first, and what is wrong with the others and
        with their chain.
    """
    good: dict[bytes, tuple[Path, Header]] = {}
    wrong: list[str] = []
    for place in places:
        held: set[int] = set()
        for path in checkpoint_files(place, tenant):
            try:
                checked = _checkpoint(path, tenant, keys, progress)
            except CheckpointInvalid as error:
                wrong.append(str(error))
                continue
            wrong.extend(checked.broken)
            held.add(checked.header.statement.number)
            if not checked.broken:
                good[checked.header.signed.digest] = path, checked.header
        wrong.extend(
            str(CheckpointInvalid(str(place), f"lacks checkpoint {number}"))
            for number in range(min(held, default=0), max(held, default=0))
            if number not in held
        )
    found = sorted(good.values(), key=lambda pair: pair[1].statement.number)
    return found, wrong + list(_breaks(found))


def _checkpoint(
    path: Path, tenant: str, keys: Mapping[str, PublicKey], progress: Progress
) -> CheckedFile:
    if read_header(path, keys, tenant).form != CHECKPOINT:
        raise CheckpointInvalid(str(path), "is no checkpoint but an export or a proof")
    return check_file(path, keys, progress)


def _breaks(found: Sequence[tuple[Path, Header]]) -> Iterator[str]:
    """Say where a chain of checkpoints is none."""
    for (_, before), (path, after) in pairwise(found):
        number = before.statement.number
        if after.statement.number == number:
            problem = f"is another checkpoint {number} than the one beside it"
        elif after.statement.number == number + 1 and (
            after.statement.previous != before.signed.digest
        ):
            problem = f"does not follow the checkpoint {number} that was given"
        else:
            continue
        yield str(CheckpointInvalid(str(path), problem))


def hold_against(
    store: Store,
    checkpoints: Iterable[tuple[Path, Header]],
    *,
    each: Callable[[bytes, int, bytes], None] | None = None,
    progress: Progress = lambda _: None,
) -> TrailReport:
    """Verify the chains of *store* and hold it against checkpoints that were checked, in one go.

    Lines may have grown since, or have been expunged and left a tombstone; suppressions may have
    been renewed. Everything else that a checkpoint saw must be there as it was.

    Args:
        store: What is verified.
        checkpoints: Files with their first rows.
        each: Called with id, last position and last digest of every line that is whole.
        progress: Called with how many more people were looked at.

    Raises:
        GdprkitError: the store itself does not work.
    """
    known = tuple(checkpoints)
    report = _held_at_once(store, known[:_AT_ONCE], each, progress)
    for start in range(_AT_ONCE, len(known), _AT_ONCE):
        more = _held_at_once(store, known[start : start + _AT_ONCE], None, lambda _: None)
        broken = tuple(dict.fromkeys((*report.broken, *more.broken)))
        report = attrs.evolve(report, broken=broken)
    return report


def _held_at_once(
    store: Store,
    checkpoints: Sequence[tuple[Path, Header]],
    each: Callable[[bytes, int, bytes], None] | None,
    progress: Progress,
) -> TrailReport:
    """Walk the store and the leaves of some checkpoints side by side."""
    witnessed = merge(
        *(_witnessed(path, header) for path, header in checkpoints), key=lambda pair: pair[0].place
    )
    groups = groupby(witnessed, key=lambda pair: pair[0].kind)
    kind, group = next(groups, ("", iter(())))
    claims = map(_claim, group) if kind == "line" else iter(())
    report = verify_chains(store, claims=claims, each=each, progress=progress)
    if kind and kind != "line":
        groups = chain([(kind, group)], groups)  # type: ignore[assignment]  # what was looked at
    broken = [told for kind, group in groups for told in _readable(store, kind, group)]
    return attrs.evolve(report, broken=(*report.broken, *dict.fromkeys(broken)))


def _witnessed(path: Path, header: Header) -> Iterator[Witnessed]:
    name = f"checkpoint {header.statement.number}"
    return ((leaf, name) for leaf in read_leaves(path))


def _claim(pair: Witnessed) -> Claim:
    leaf, witness = pair
    position, head = leaf.state
    return Claim(bytes.fromhex(leaf.key[0]), position, bytes.fromhex(head), witness)


def _readable(store: Store, kind: str, claims: Iterable[Witnessed]) -> Iterator[str]:
    """Give what ``_held`` says; a row that was changed so that it cannot be read hides no other."""
    try:
        yield from _held(store, kind, claims)
    except StoreCorrupt as error:
        yield f"rows of kind {kind} cannot be read and are not what checkpoints saw: {error}"


def _held(store: Store, kind: str, claims: Iterable[Witnessed]) -> Iterator[str]:
    """Say which tombstones and suppressions are not what checkpoints saw, each once."""
    last: object = None
    kept = ((leaf.key, leaf) for leaf in _KEPT[kind](store))
    for found, (leaf, witness) in matched(kept, ((pair[0].key, pair) for pair in claims)):
        if found is None:
            problem = f"is gone: {witness} saw it"
        elif kind == "suppression" and found.state < leaf.state:
            problem = f"was set back to an earlier moment than {witness} saw"
        elif kind != "suppression" and found.state != leaf.state:
            problem = f"is not what {witness} saw"
        else:
            continue
        if leaf.key != last:
            yield f"{_called(leaf)} {problem}"
        last = leaf.key


def _called(leaf: Leaf) -> str:
    if leaf.kind == "expunged":
        return f"the tombstone of the expunged line of {subject(bytes.fromhex(leaf.key[0]))}"
    if leaf.kind == "tombstone":
        return f"the tombstone of the erased person of mark {leaf.key[1]}"
    hashed, *scope = leaf.key
    return f"the suppression of hash {hashed} ({', '.join(word for word in scope if word)})"


def _expunged(store: Store) -> Iterator[Leaf]:
    for about, left in store.expunged_lines():
        yield expunged_leaf(about, left.position, left.head, left.at)


def _tombstones(store: Store) -> Iterator[Leaf]:
    for row in sorted(store.tombstones(), key=lambda row: (row.erased_at, row.mark)):
        yield tombstone_leaf(row.mark, row.erased_at, row.reason, row.reference, row.key_ids)


def _suppressions(store: Store) -> Iterator[Leaf]:
    # a database may order words otherwise than we do, but not bytes
    for _, rows in groupby(store.suppressions(), key=attrgetter("hash")):
        for row in sorted(rows, key=attrgetter("scope")):
            yield suppression_leaf(row.hash, row.scope, row.since)


@contextmanager
def _scratch(folder: Path) -> Iterator[BinaryIO]:
    """Open a file without a name: the leaves are counted before the first row can be written.

    Raises:
        InvalidValue: the folder cannot be written to, or is full.
    """
    try:
        with TemporaryFile(dir=folder) as file:
            yield file
    except OSError as error:
        raise unusable(folder, "written", error) from None


#: Kind of leaf -> what a store has of it now, in order; lines are read while they are verified.
_KEPT: Final[Mapping[str, Callable[[Store], Iterator[Leaf]]]] = {
    "expunged": _expunged,
    "tombstone": _tombstones,
    "suppression": _suppressions,
}


def make_checkpoint(
    store: Store,
    key: SigningKey,
    *,
    at: datetime,
    folder: Path,
    name: str | None = None,
    keys: Mapping[str, PublicKey],
    progress: Progress = lambda _: None,
) -> Made:
    """Verify *store*, hold it against the newest checkpoint in *folder*, and sign what is there.

    Args:
        store: Whose lines.
        key: Signs.
        at: When; aware.
        folder: Where the checkpoint goes, behind the newest one of the tenant there.
        name: Of its file; made of tenant and number when absent.
        keys: Public keys of *key* and of those that signed before it.
        progress: Called with how many more people were looked at.

    Raises:
        CheckpointInvalid: a checkpoint in *folder* cannot be believed.
        InvalidValue: there is such a file already, or it cannot be written.
        GdprkitError: the store itself does not work.
    """
    before = newest([folder], store.tenant, keys)
    if before is not None and (wrong := check_file(before[0], keys).broken):
        return Made(report=TrailReport(broken=wrong))
    number = 1 if before is None else before[1].statement.number + 1
    path = folder / (name or f"{quote(store.tenant, safe='')}-{number:08d}.jsonl")
    if path.exists():  # told before all is read; what comes meanwhile is not overwritten either
        raise InvalidValue("file", f"{path} is there already", "name a new one")
    roots = Roots(store.tenant, "the store")
    with _scratch(folder) as leaves:

        def keep(leaf: Leaf) -> None:
            roots.add(leaf)
            leaves.write(leaf.raw + b"\n")

        report = hold_against(
            store,
            [] if before is None else [before],
            each=lambda about, end, head: keep(line_leaf(subject(about), end, head)),
            progress=progress,
        )
        if report.broken:
            return Made(report=report)
        for kind in _KEPT:
            for leaf in _KEPT[kind](store):
                keep(leaf)
        statement = Statement(
            tenant=store.tenant,
            at=at,
            number=number,
            previous=b"" if before is None else before[1].signed.digest,
            key=key.public.key_id,
            sections=roots.sections(),
        )
        first = first_row(CHECKPOINT, sign_statement(statement, key.sign))
        leaves.seek(0)
        write_new(path, chain([first], (row[:-1] for row in leaves)))
    return Made(report=report, path=path, statement=statement)
