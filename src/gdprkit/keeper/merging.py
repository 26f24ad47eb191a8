"""Two lines of one person brought together, and taken apart again (R-416).

Decides which lines are written. Leaves out what one brings to the other (``policy.merging``), and
values and keys: each line keeps its own, so an erasure of one leaves the other's. Always true: both
lines are written in one commit: nothing that is said meanwhile falls between them, and a process
that dies leaves both as they were. What is said later on a closed line, by the link of an
old message for instance, is brought to the line that goes on in the very commit that records it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from gdprkit.acts.act import Act
from gdprkit.errors import InvalidValue, NotPossibleNow
from gdprkit.facts.merge import MergedInto, MergeReversed
from gdprkit.keeper.line import View, view
from gdprkit.keeper.writing import Bench, Composed, compose
from gdprkit.policy.merging import brought_by
from gdprkit.storage.protocol import Batch
from gdprkit.words.identifiers import SubjectId, subject_id

__all__ = ["carried", "merge", "together", "unmerge"]


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
    return (
        compose(bench, kept, [brought], now=now, merging=True).batch,
        compose(bench, gone, [closed], now=now, merging=True).batch,
    )


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
    batches = []
    into = gone.standing.merge.into
    if into is not None and into.other == survivor:
        opened = Act(fact=MergeReversed(other=survivor, assessment=assessment))
        batches.append(compose(bench, gone, [opened], now=now, merging=True).batch)
    taken_back = Act(fact=MergeReversed(other=other, assessment=assessment))
    composed = compose(bench, kept, [taken_back], now=now, merging=True)
    return (*batches, *carried(bench, kept, composed, now))


def carried(bench: Bench, before: View, composed: Composed, now: datetime) -> Iterator[Batch]:
    """Yield a batch, and what brings the new words of a closed line to the line that goes on.

    Consents come along where the merge brought consents: the same person was made sure of.
    """
    yield composed.batch
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
        yield composed.batch
        before, after = kept, composed.after
        seen.add(before.about)


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
