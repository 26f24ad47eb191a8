"""Standings and marks made anew from the lines, of one person or of everybody.

Decides what differs and how it is written: few people in one commit, and who was written to
meanwhile is read again alone. Leaves out why they differ: another version of the fold, another
register or law, a changed row.

Always true: lines, heads and values stay as they are; a line that does not verify is named and left
alone, since its fold would be believed; it may be stopped at any point and gone on with after the
last person told, or begun again, as who has nothing to change is only read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final, Protocol, final
from uuid import UUID

import attrs

from gdprkit.errors import (
    ChainBroken,
    GdprkitError,
    LineExpunged,
    PositionTaken,
    UnknownSubject,
    UnreadableEntry,
)
from gdprkit.keeper.again import again
from gdprkit.keeper.line import View, entries_of, unchanged, view
from gdprkit.keeper.writing import Bench
from gdprkit.ledger.chain import verify_line
from gdprkit.ledger.codec import decode_entry
from gdprkit.state.standing import fold
from gdprkit.storage.protocol import ALL, Batch, Span, StoredLine, StoredMarks
from gdprkit.words.identifiers import SubjectId, subject_id
from gdprkit.words.moments import microseconds

__all__ = ["Progress", "Reindexed", "quiet", "reindex", "reindex_person", "reindex_span"]

_TOGETHER: Final = 20
"""People in one commit: others wait for no more than that."""


@final
@attrs.frozen(kw_only=True)
class Reindexed:
    """What was done so far. Plain values: it may be sent between processes, and added.

    Args:
        people: Whose lines were read.
        changed: Whose standing or marks were not the fold of the line, and are now.
        failed: Who was left alone, and the code of the error that says why.
        after: The last person done: where to go on.
    """

    people: int = 0
    changed: int = 0
    failed: tuple[tuple[SubjectId, str], ...] = ()
    after: SubjectId | None = None

    def __add__(self, other: Reindexed) -> Reindexed:
        last = [one.after for one in (self, other) if one.after is not None]
        return Reindexed(
            people=self.people + other.people,
            changed=self.changed + other.changed,
            failed=self.failed + other.failed,
            after=max(last, default=None),
        )


Progress = Callable[[Reindexed], None]
"""Called with what was done so far."""


def quiet(_done: Reindexed) -> None:
    """Tell nobody."""


class _Reindexes(Protocol):
    """A ``RecordKeeper``."""

    def reindex(self, *, span: Span) -> Reindexed: ...


def reindex_span(keeper: _Reindexes, span: Span = ALL) -> Reindexed:
    """Reindex a part of everybody: for a pool of processes, each with a keeper of its own.

    The parts are ``Span.split``; what they return is added. Errors are those of
    ``RecordKeeper.reindex``.
    """
    return keeper.reindex(span=span)


def reindex(
    bench: Callable[[], Bench],
    now: Callable[[], datetime],
    *,
    span: Span,
    after: SubjectId | None,
    progress: Progress,
) -> Reindexed:
    """Store standing and marks of everybody again where they are not the fold of the line.

    Args:
        bench: Returns what the keeper works with.
        now: Returns the keeper's now.
        span: Of whom.
        after: Go on behind this person.
        progress: See ``Progress``.

    Raises:
        NotASubjectId: *after* is none.
        GdprkitError: the store itself does not work.
    """
    after = None if after is None else subject_id(after)
    done = Reindexed(after=after)
    low = span.low if after is None else max(span.low, after.int + 1)
    if low > span.high:
        return done
    rest = Span(start=SubjectId(UUID(int=low)), stop=span.stop)
    store = bench().store
    people = _marked(store.lines(span=rest), store.marks(span=rest))
    while some := list(islice(people, _TOGETHER)):
        done += _reindex_some(bench(), some, now())
        progress(done)
    return done


def reindex_person(bench: Bench, about: SubjectId, now: datetime) -> None:
    """Fold a line anew and store standing and marks again.

    Raises:
        UnknownSubject: there is no line.
        PositionTaken: somebody wrote meanwhile; nothing was stored.
    """
    store = bench.store
    found = view(store, about)
    standing = fold(entries_of(store, about, found))
    fresh = attrs.evolve(found, standing=standing)
    store.commit(unchanged(fresh, bench.case(fresh, now)))


def _marked(
    lines: Iterable[StoredLine], marks: Iterator[StoredMarks]
) -> Iterator[tuple[StoredLine, StoredMarks | None]]:
    """Yield each line with its marks; both come in order of id, while others write."""
    found = next(marks, None)
    for line in lines:
        while found is not None and found.about < line.standing.about:
            found = next(marks, None)
        same = found is not None and found.about == line.standing.about
        yield line, found if same else None


def _reindex_some(
    bench: Bench, some: Sequence[tuple[StoredLine, StoredMarks | None]], now: datetime
) -> Reindexed:
    """Write what differs of some people in one commit, or one by one if somebody else wrote."""
    failed: list[tuple[SubjectId, str]] = []
    renewals: list[Batch] = []
    strays: dict[SubjectId, frozenset[str]] = {}
    for line, marks in some:
        about = line.standing.about
        try:
            renewal = _renewal(bench, line, now)
        except (ChainBroken, UnreadableEntry) as error:
            if (code := _still_broken(bench, about, error)) is not None:
                failed.append((about, code))
            continue
        if _differs(renewal, line, marks):
            renewals.append(renewal)
            if marks is not None and (left := marks.found_by - marks.tags - renewal.marks.tags):
                strays[about] = left
    try:
        bench.store.commit(*renewals)
        changed = len(renewals)
    except (PositionTaken, LineExpunged):
        changed = sum(_reindex_one(bench, batch.about, now) for batch in renewals)
    for about, tags in strays.items():
        again(partial(_drop_strays, bench, about, tags, now))
    return Reindexed(
        people=len(some),
        changed=changed,
        failed=tuple(failed),
        after=some[-1][0].standing.about,
    )


def _renewal(bench: Bench, line: StoredLine, now: datetime) -> Batch:
    """Return the batch that stores the fold of a line that verifies."""
    stored = line.standing
    verify_line(bench.store.tenant, stored.about, line.entries, stored.head)
    standing = fold(decode_entry(entry.body, entry.position) for entry in line.entries)
    found = View(about=stored.about, position=stored.position, head=stored.head, standing=standing)
    if len(line.entries) != stored.position:
        problem = f"the line is recorded to end at position {stored.position}"
        raise ChainBroken(stored.about, len(line.entries), problem)
    return unchanged(found, bench.case(found, now))


def _differs(renewal: Batch, line: StoredLine, marks: StoredMarks | None) -> bool:
    """Whether what is kept is another standing, or other marks, than the renewal's."""
    wanted = renewal.marks
    wake_at = None if wanted.wake_at is None else microseconds(wanted.wake_at)
    return (
        renewal.standing != line.standing
        or marks is None
        or (wake_at, wanted.tags, wanted.tags) != (marks.wake_at, marks.tags, marks.found_by)
    )


def _still_broken(bench: Bench, about: SubjectId, error: GdprkitError) -> str | None:
    """Return what is wrong with a line; None if it was only gone while it was read."""
    return None if bench.store.standing(about) is None else error.code


def _reindex_one(bench: Bench, about: SubjectId, now: datetime) -> bool:
    """Reindex somebody who was written to; False for a line that was expunged meanwhile."""
    try:
        again(partial(reindex_person, bench, about, now))
    except (UnknownSubject, LineExpunged):
        return False
    return True


def _drop_strays(bench: Bench, about: SubjectId, tags: frozenset[str], now: datetime) -> None:
    """Take away tags that find somebody whose line does not name them: name them, then drop them.

    Raises:
        PositionTaken: somebody wrote meanwhile.
    """
    try:
        found = view(bench.store, about)
    except UnknownSubject:
        return
    renewal = unchanged(found, bench.case(found, now))
    named = attrs.evolve(renewal.marks, tags=renewal.marks.tags | tags)
    bench.store.commit(attrs.evolve(renewal, marks=named))
    bench.store.commit(renewal)
