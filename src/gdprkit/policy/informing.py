"""By when a person must be told of data that came from elsewhere.

Decides the month of GDPR Art. 14(3)(a) with the engine that counts the month of a request (R-562).
Leaves out what comes at once and earlier where it happens, the first message and the first
disclosure (Art. 14(3)(b)-(c)): those are asked about when a message or a disclosure is. Leaves out
the exceptions of Art. 14(5), which people judge. Always true: a source that the register does not
declare counts as one from elsewhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, final

import attrs

from gdprkit.policy.case import Case
from gdprkit.policy.deadlines import Deadline, deadline, is_overdue
from gdprkit.words.holidays import calendar
from gdprkit.words.identifiers import SourceId
from gdprkit.words.vocabulary import NoticeKind, SourceKind

__all__ = ["NoticeMonth", "notice_month"]

#: Art. 13, not Art. 14: what the person gives, and what is observed while they use a service.
_FROM_THE_PERSON: Final = frozenset({SourceKind.SUBJECT, SourceKind.OBSERVED})


@final
@attrs.frozen(kw_only=True)
class NoticeMonth:
    """The month for telling a person of data from elsewhere.

    Args:
        obtained_at: When the first such value was obtained.
        deadline: The month from then, counted as that of a request is.
        told_at: When a notice under Art. 14 was given that names the source; None while none was.
    """

    obtained_at: datetime
    deadline: Deadline
    told_at: datetime | None

    def is_overdue(self, at: datetime) -> bool:
        """Tell whether the notice came after the month, or had not come by *at* and should have.

        Raises:
            NaiveMoment: *at* has no time zone.
        """
        return is_overdue(self.deadline, at if self.told_at is None else self.told_at)


def notice_month(case: Case) -> NoticeMonth | None:
    """Return the month for telling the person; None where all data came from the person.

    Source: GDPR Art. 14(3)(a); R-562.
    """
    held = [
        (value.at, value.source)
        for value in case.standing.data.values
        if value.source is not None and _elsewhere(case, value.source)
    ]
    if not held:
        return None
    obtained_at, source = min(held, key=lambda found: found[0])
    return NoticeMonth(
        obtained_at=obtained_at,
        deadline=deadline(
            obtained_at,
            zone=case.zone,
            holidays=calendar(case.register.controller.holidays),
            months=case.law.notice_months,
            extended_months=case.law.notice_months,  # nothing extends it
        ),
        told_at=_told_at(case, source),
    )


def _elsewhere(case: Case, source: SourceId) -> bool:
    declared = case.register.sources.get(source)
    return declared is None or declared.kind not in _FROM_THE_PERSON


def _told_at(case: Case, source: SourceId) -> datetime | None:
    return min(
        (
            given.at
            for given in case.standing.notice.given
            if (notice := case.register.notices.get(given.notice)) is not None
            and notice.kind is NoticeKind.INDIRECT
            and source in notice.sources
        ),
        default=None,
    )
