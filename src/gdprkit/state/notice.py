"""Which notices the person was given, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Final, final

import attrs

from gdprkit.facts.entry import Entry
from gdprkit.facts.merge import MergedFrom, MergeReversed
from gdprkit.facts.notice import NoticeGiven
from gdprkit.state._shape import Fold
from gdprkit.words.identifiers import NoticeId, SubjectId

__all__ = ["GivenNotice", "NoticeState"]


@final
@attrs.frozen(kw_only=True)
class GivenNotice:
    """The first time a notice version was given: what was told stays told."""

    notice: NoticeId
    at: datetime
    position: int
    merged_from: SubjectId | None = None  # proved on another line of the person


@final
@attrs.frozen(kw_only=True)
class NoticeState:
    """All notices given."""

    given: tuple[GivenNotice, ...] = ()


def _given(now: NoticeState, entry: Entry, fact: NoticeGiven) -> NoticeState:
    if any(g.notice == fact.notice and g.merged_from is None for g in now.given):
        return now
    new = GivenNotice(notice=fact.notice, at=entry.at, position=entry.position)
    return attrs.evolve(now, given=(*now.given, new))


def _merged(now: NoticeState, entry: Entry, fact: MergedFrom) -> NoticeState:
    bare = _without(now, fact.other)
    new = tuple(
        GivenNotice(notice=told.notice, at=told.at, position=entry.position, merged_from=fact.other)
        for told in fact.notices
    )
    return attrs.evolve(now, given=bare.given + new)


def _without(now: NoticeState, other: SubjectId) -> NoticeState:
    return attrs.evolve(now, given=tuple(g for g in now.given if g.merged_from != other))


def _unmerged(now: NoticeState, _entry: Entry, fact: MergeReversed) -> NoticeState:
    return _without(now, fact.other)


FOLD: Final[Fold] = {NoticeGiven: _given, MergedFrom: _merged, MergeReversed: _unmerged}
