"""Verify the chains of a store, line by line, and hold them against what checkpoints claim.

Decides how all lines are gone through, and what is said of one that is not what was written or not
what a checkpoint saw. It leaves out files (``trail_files``), what else a checkpoint claims
(``trail_checkpoint``), and what entries mean (``trail``).

Always true: it only reads, and what is kept meanwhile does not grow with the store. A line that was
written to while it was looked at is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar, final, runtime_checkable
from uuid import UUID

import attrs

from gdprkit.errors import ChainBroken
from gdprkit.ledger.chain import genesis_seed, is_whole, verify_line
from gdprkit.storage.protocol import ALL, Span, Store
from gdprkit.storage.reads import RawLine
from gdprkit.words.identifiers import SubjectId

__all__ = ["STEP", "Claim", "TrailReport", "matched", "subject", "verify_chains", "walk_chains"]

K = TypeVar("K")
W = TypeVar("W")

STEP: Final = 250
"""Lines or leaves between two reports of progress."""


@final
@attrs.frozen(kw_only=True)
class TrailReport:
    """What was verified.

    Args:
        lines: People.
        entries: Entries whose digests were computed again.
        values: Sealed values compared with the hash their entry names.
        broken: What does not verify, a message for each person.
    """

    lines: int = 0
    entries: int = 0
    values: int = 0
    broken: tuple[str, ...] = ()


class Claim(NamedTuple):
    """What a checkpoint saw of a line: at *position* it had the digest *head*."""

    about: bytes
    position: int
    head: bytes
    witness: str


@runtime_checkable
class _Raw(Protocol):
    """What some stores can do: give lines as plain rows, which costs less than values."""

    def raw_lines(self, *, span: Span) -> Iterator[RawLine]: ...


Found: TypeAlias = tuple[RawLine, str]
"""A line, and what is wrong with it: nothing, mostly."""


def subject(raw: bytes) -> SubjectId:
    """Return the id of 16 bytes."""
    return SubjectId(UUID(bytes=raw))


def walk_chains(store: Store, span: Span = ALL) -> Iterator[Found]:
    """Verify every line of *span*, in order of id, and give each with what is wrong with it."""
    seed = genesis_seed(store.tenant)
    for line in store.raw_lines(span=span) if isinstance(store, _Raw) else _plain(store, span):
        about, position, head, rows = line
        if is_whole(seed + about, rows, head, position):
            yield line, ""
        elif (found := _again(store, subject(about))) is not None:
            yield found


def _plain(store: Store, span: Span) -> Iterator[RawLine]:
    for line in store.lines(span=span):
        end = line.standing
        about = end.about.bytes
        rows = [(about, entry.position, entry.body, entry.digest) for entry in line.entries]
        yield about, end.position, end.head, rows


def _again(store: Store, about: SubjectId) -> Found | None:
    """Look at one person closely; None for a line that was expunged meanwhile."""
    stored = store.standing(about)
    while stored is not None:
        line = store.line(about)
        problem = ""
        try:
            verify_line(store.tenant, about, line, stored.head, stored.position)
        except ChainBroken as error:
            problem = str(error)
        now = store.standing(about)
        if not problem or now == stored:
            rows = [(about.bytes, entry.position, entry.body, entry.digest) for entry in line]
            return (about.bytes, stored.position, stored.head, rows), problem
        stored = now  # somebody wrote between our reads
    return None


def verify_chains(
    store: Store,
    span: Span = ALL,
    *,
    claims: Iterable[Claim] = (),
    each: Callable[[bytes, int, bytes], None] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> TrailReport:
    """Verify the lines of *span*; spans can be verified apart and their reports added up.

    Args:
        store: Whose lines.
        span: Which of them.
        claims: What checkpoints saw of lines in *span*, in order of id.
        each: Called with id, last position and last digest of every line that is whole.
        progress: Called with how many more people were looked at.

    Raises:
        GdprkitError: the store itself does not work.
    """
    lines = entries = 0
    broken: list[str] = []
    # one message for each person, whoever saw the line
    waiting = ((about, tuple(group)) for about, group in groupby(claims, key=itemgetter(0)))
    claimed = next(waiting, None)
    for line, found in walk_chains(store, span):
        about, position, head, rows = line
        lines += 1
        entries += len(rows)
        if not lines % STEP:
            progress(STEP)
        while claimed is not None and claimed[0] < about:
            broken.append(_first(_gone(store, claim) for claim in claimed[1]))
            claimed = next(waiting, None)
        problem = found
        if claimed is not None and claimed[0] == about:
            problem = problem or _first(_differs(claim, line) for claim in claimed[1])
            claimed = next(waiting, None)
        if problem:
            broken.append(problem)
        elif each is not None:
            each(about, position, head)
    progress(lines % STEP)
    while claimed is not None:
        broken.append(_first(_gone(store, claim) for claim in claimed[1]))
        claimed = next(waiting, None)
    return TrailReport(lines=lines, entries=entries, broken=tuple(filter(None, broken)))


def _first(problems: Iterable[str]) -> str:
    """Return the first problem; nothing if there is none."""
    return next(filter(None, problems), "")


def _differs(claim: Claim, line: RawLine) -> str:
    """Say how a whole line is not what a checkpoint saw."""
    _, end, _, rows = line
    if end < claim.position:
        problem = f"{claim.witness} saw it go on to position {claim.position}: it was cut short"
        return str(ChainBroken(subject(claim.about), end + 1, problem))
    if rows[claim.position - 1][3] != claim.head:
        problem = f"up to here it is not what {claim.witness} saw: it was rewritten"
        return str(ChainBroken(subject(claim.about), claim.position, problem))
    return ""


def _gone(store: Store, claim: Claim) -> str:
    """Say what is wrong about a line that a checkpoint saw and that is not there."""
    about = subject(claim.about)
    left = store.expunged(about)
    if left is None:
        problem = f"{claim.witness} saw the line and it is gone, without a tombstone"
    elif left.position < claim.position:
        problem = (
            f"{claim.witness} saw it go on to position {claim.position} and the tombstone"
            f" of the expunged line says {left.position}"
        )
    elif left.position == claim.position and left.head != claim.head:
        problem = f"the tombstone of the expunged line is not of the line that {claim.witness} saw"
    else:
        return ""
    return str(ChainBroken(about, claim.position, problem))


def matched(
    kept: Iterable[tuple[Any, K]], wanted: Iterable[tuple[Any, W]]
) -> Iterator[tuple[K | None, W]]:
    """Give everything *wanted* with what is *kept* under the same key, or None.

    Both are pairs of key and value in ascending order; only wanted keys may come again.
    """
    have = iter(kept)
    found = next(have, None)
    for key, value in wanted:
        while found is not None and found[0] < key:
            found = next(have, None)
        yield found[1] if found is not None and found[0] == key else None, value
