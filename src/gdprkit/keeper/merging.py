"""Two lines of one person brought together, and taken apart again (R-416).

Two lines are two commits, and the order is what protects: first the line that goes on takes the
other's stops, then the other is closed. Killed between the two, both lines stop whatever either
stopped, and the same call again finishes the work.
"""

from __future__ import annotations

from collections.abc import Callable

from gdprkit.acts.act import Act
from gdprkit.errors import InvalidValue, NotPossibleNow
from gdprkit.facts.merge import MergedInto, MergeReversed
from gdprkit.policy.merging import brought_by
from gdprkit.state.standing import Standing
from gdprkit.words.identifiers import SubjectId

__all__ = ["merge", "unmerge"]

Read = Callable[[SubjectId], Standing]
Write = Callable[[SubjectId, Act], object]


def merge(
    read: Read, write: Write, survivor: SubjectId, other: SubjectId, *, verified: bool
) -> None:
    """Bring *other*'s words to *survivor*, then close *other*; again is without effect.

    Raises:
        InvalidValue: both are the same line.
        NotPossibleNow: either line was merged away, or is erased.
    """
    if survivor == other:
        raise InvalidValue("other", "is the same line", "name the line to be merged away")
    kept, gone = read(survivor), read(other)
    if kept.merge.into is not None or kept.data.erased_at is not None:
        raise NotPossibleNow("merged away or erased", "merge", ("name the line that goes on",))
    if gone.merge.into is not None:
        if gone.merge.into.other == survivor:
            return
        raise NotPossibleNow("merged away", "merge", ("unmerge",))
    write(survivor, Act(fact=brought_by(other, gone, verified=verified)))
    write(other, Act(fact=MergedInto(survivor=survivor)))


def unmerge(
    read: Read,
    write: Write,
    survivor: SubjectId,
    other: SubjectId,
    *,
    assessment: str | None = None,
) -> None:
    """Take a wrong merge back on both lines; what was said since stays (R-416).

    Raises:
        NotPossibleNow: the two lines were never merged.
    """
    kept, gone = read(survivor), read(other)
    known = {m.other for m in kept.merge.merged} | {r.other for r in kept.merge.reversed}
    if other not in known:
        raise NotPossibleNow("not merged", "unmerge", ("merge",))
    # the closed line opens first: killed between the two, both stop what either stopped
    if gone.merge.into is not None and gone.merge.into.other == survivor:
        write(other, Act(fact=MergeReversed(other=survivor, assessment=assessment)))
    write(survivor, Act(fact=MergeReversed(other=other, assessment=assessment)))
