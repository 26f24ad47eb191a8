"""Which notices the person was given, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Final, final

import attrs

from gdprkit.facts.entry import Entry
from gdprkit.facts.notice import NoticeGiven
from gdprkit.state._shape import Fold
from gdprkit.words.identifiers import NoticeId

__all__ = ["GivenNotice", "NoticeState"]


@final
@attrs.frozen(kw_only=True)
class GivenNotice:
    """The first time a notice version was given: what was told stays told."""

    notice: NoticeId
    at: datetime
    position: int


@final
@attrs.frozen(kw_only=True)
class NoticeState:
    """All notices given."""

    given: tuple[GivenNotice, ...] = ()


def _given(now: NoticeState, entry: Entry, fact: NoticeGiven) -> NoticeState:
    if any(g.notice == fact.notice for g in now.given):
        return now
    new = GivenNotice(notice=fact.notice, at=entry.at, position=entry.position)
    return attrs.evolve(now, given=(*now.given, new))


FOLD: Final[Fold] = {NoticeGiven: _given}
