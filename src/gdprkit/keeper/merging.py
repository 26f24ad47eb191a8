"""Two lines of one person brought together, and taken apart again (R-416).

Decides which lines are written. Leaves out what one brings to the other (``policy.merging``), and
values and keys: each line keeps its own, so an erasure of one leaves the other's. Always true: both
lines are written in one commit: nothing that is said meanwhile falls between them, and a process
that dies leaves both as they were. What is said later on a closed line, by the link of an
old message for instance, is brought to the line that goes on in the very commit that records it;
a hold or a restriction on the line that goes on reaches the keys of closed lines in that commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Final

import attrs

from gdprkit.acts.act import Act
from gdprkit.errors import InvalidValue, NotPossibleNow
from gdprkit.facts.merge import MergedInto, MergeReversed
from gdprkit.keeper.line import (
    View,
    going_on,
    key_flags,
    known,
    unchanged,
    view,
)
from gdprkit.keeper.writing import Bench, Composed, compose
from gdprkit.policy.merging import brought_by
from gdprkit.sealing.rows import KeyFlags
from gdprkit.state.merge import MergeState
from gdprkit.storage.protocol import Batch
from gdprkit.words.identifiers import SubjectId, subject_id

__all__ = ["carried", "merge", "together", "unmerge"]

_ALONE: Final = MergeState()


def merge(
    bench: Bench, survivor: SubjectId, other: SubjectId, now: datetime, *, verified: bool
) -> tuple[Batch, ...]:
    """Return what brings *other*'s words to *survivor* and closes *other*; none where it was done.

    Raises:
        InvalidValue: both are the same line.
        NotPossibleNow: either line was merged away, or is erased.
    """
    if survivor == other:
        raise InvalidValue("other", "is the same line", "name the line to be merged away")
    kept, gone = view(bench.store, survivor), view(bench.store, other)
    if kept.standing.merge.into is not None or kept.standing.data.erased_at is not None:
        raise NotPossibleNow("merged away or erased", "merge", ("name the line that goes on",))
    into = gone.standing.merge.into
    if into is not None:
        if into.other == survivor:
            return ()
        raise NotPossibleNow("merged away", "merge", ("unmerge",))
    if gone.standing.data.erased_at is not None:
        raise NotPossibleNow("erased", "merge", ())
    brought = Act(fact=brought_by(other, gone.standing, verified=verified))
    closed = Act(fact=MergedInto(survivor=survivor))
    done = (
        compose(bench, kept, [brought], now=now, merging=True),
        compose(bench, gone, [closed], now=now, merging=True),
    )
    return _with_keys(bench, done, now)


def unmerge(
    bench: Bench,
    survivor: SubjectId,
    other: SubjectId,
    now: datetime,
    *,
    assessment: str | None = None,
) -> tuple[Batch, ...]:
    """Return what takes a wrong merge back on both lines; what was said since stays (R-416).

    A line that *survivor* was itself merged into loses what came from *other* as well.

    Raises:
        NotPossibleNow: the two lines were never merged.
    """
    kept, gone = view(bench.store, survivor), view(bench.store, other)
    log = kept.standing.merge
    if other not in {m.other for m in log.merged} | {r.other for r in log.reversed}:
        raise NotPossibleNow("not merged", "unmerge", ("merge",))
    done = []
    into = gone.standing.merge.into
    if into is not None and into.other == survivor:
        opened = Act(fact=MergeReversed(other=survivor, assessment=assessment))
        done.append(compose(bench, gone, [opened], now=now, merging=True))
    taken_back = Act(fact=MergeReversed(other=other, assessment=assessment))
    composed = compose(bench, kept, [taken_back], now=now, merging=True)
    return _with_keys(bench, [*done, *_brought_on(bench, kept, composed, now)], now)


def carried(bench: Bench, before: View, composed: Composed, now: datetime) -> tuple[Batch, ...]:
    """Return a batch, and what brings it to the other lines of the person.

    New words of a closed line go to the line that goes on; consents where the merge brought
    consents: the same person was made sure of. What keeps the line that goes on, a hold or a
    restriction, goes to the keys of closed lines.
    """
    return _with_keys(bench, list(_brought_on(bench, before, composed, now)), now)


def _brought_on(
    bench: Bench, before: View, composed: Composed, now: datetime
) -> Iterator[Composed]:
    yield composed
    after, seen = composed.after, {before.about}
    while (into := after.standing.merge.into) is not None and into.other not in seen:
        if bench.store.standing(into.other) is None:
            return  # expunged: nothing is sent from there, and the stop stands here
        kept, closed = view(bench.store, into.other), before.about
        verified = any(w.merged_from == closed for w in kept.standing.consent.merged)
        brought = brought_by(closed, after.standing, verified=verified)
        if brought == brought_by(closed, before.standing, verified=verified):
            return
        composed = compose(bench, kept, [Act(fact=brought)], now=now, merging=True)
        yield composed
        before, after = kept, composed.after
        seen.add(before.about)


def _with_keys(bench: Bench, done: Sequence[Composed], now: datetime) -> tuple[Batch, ...]:
    """Return the batches, and the flags of every key they reach on the person's other lines.

    Keys of a closed line are restricted or on hold by its own words and by those of the lines that
    go on. None of these moves unseen: where one of them begins or ends a hold or a restriction, or
    values of a closed line are erased, the lines it concerns are in the commit, if only to stand
    still. That is so too where the keys stay as they are: another line may change in this moment.
    """
    batches = {part.batch.about: part.batch for part in done}
    lines = {part.after.about: part.after for part in done}
    if all(line.standing.merge == _ALONE for line in lines.values()):
        return tuple(batches.values())

    def read(about: SubjectId) -> View | None:
        return lines.get(about) or known(bench.store, about)

    def still(line: View) -> Batch:
        return unchanged(line, bench.case(line, now))

    waiting = list(lines.values())
    while waiting:
        for merged in waiting.pop().standing.merge.merged:
            if merged.other not in lines and (line := read(merged.other)) is not None:
                lines[line.about] = line
                waiting.append(line)
    for line in list(lines.values()):
        above = list(going_on(line, read))
        before = view(bench.store, line.about)
        above_before = list(going_on(before, partial(known, bench.store)))
        there = line.standing.data.erased_at is None
        moved = there and _said(line, *above) != _said(before, *above_before)
        batch = batches.get(line.about) or (still(line) if moved else None)
        if batch is None:
            continue
        flags = key_flags(line.standing, *(other.standing for other in above))
        was = key_flags(before.standing, *(other.standing for other in above_before))
        # where another line says the same, what is said here changes nothing on the keys
        batch = attrs.evolve(batch, flags=flags if there and flags != was else None)
        batches[line.about] = batch
        if moved or batch.deletes or batch.shred:
            for other in above:
                batches.setdefault(other.about, still(other))
    return tuple(batches.values())


def _said(*lines: View) -> dict[SubjectId, KeyFlags]:
    """Return which of the lines hold or restrict, and how."""
    found = {line.about: key_flags(line.standing) for line in lines}
    return {about: flags for about, flags in found.items() if flags != KeyFlags()}


def together(
    bench: Bench, work: Iterable[tuple[SubjectId, Sequence[Act]]], now: datetime
) -> tuple[list[Composed], list[Batch]]:
    """Return what acts about several people come to, and every batch it takes.

    Raises:
        InvalidValue: somebody is named twice, or a line and one that was merged into it.
    """
    wanted = [(subject_id(about), acts) for about, acts in work]
    if len({about for about, _ in wanted}) < len(wanted):
        raise InvalidValue("work", "names somebody twice", "put one person's acts together")
    composed: list[Composed] = []
    batches: list[Batch] = []
    for about, acts in wanted:
        before = view(bench.store, about)
        composed.append(compose(bench, before, acts, now=now))
        batches.extend(carried(bench, before, composed[-1], now))
    if len({batch.about for batch in batches}) < len(batches):
        raise InvalidValue("work", "names lines merged together", "record them one by one")
    return composed, batches
