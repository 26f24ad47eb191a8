"""When a purpose stops needing a value, and when the review after an ended connection is due.

Periods count whole days and end with the expiry of their last day. A purpose without a known end
needs its values; a consent that was never valid never started one (R-203).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from gdprkit.policy.case import Case, counted_once
from gdprkit.policy.consent import consent_ended, valid_consent, was_valid
from gdprkit.policy.ending import derived_end
from gdprkit.register.notices import Notice
from gdprkit.register.purposes import Purpose
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.data import HeldValue
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.moments import (
    add_months,
    calendar_year_end,
    civil_date,
    financial_year_end,
    month_day,
)
from gdprkit.words.vocabulary import FilingSystem, LegalBasis, NoticeKind, Trigger

__all__ = [
    "at_collection",
    "consent_end",
    "covering",
    "ends_on",
    "last_day",
    "later_notices",
    "review_due",
    "tells_marketing",
    "window_end",
]


def tells_marketing(notice: Notice) -> bool:
    """Whether a notice names marketing, the interest and, apart, the right to object (T3)."""
    return notice.names_marketing and notice.names_interest and notice.names_right_to_object


class _Told(NamedTuple):
    """A declared notice the person was given, and the civil day."""

    position: int
    day: date
    notice: Notice

    @property
    def reminds(self) -> bool:
        """Whether it tells a new purpose, as a reminder of the move does (13(3), 14(4))."""
        return self.notice.kind is NoticeKind.NEW_PURPOSE


@counted_once
def _told(case: Case) -> tuple[list[_Told], list[_Told]]:
    """Return the notices given at collection, and those given later."""
    found = [
        _Told(given.position, civil_date(given.at, case.zone), notice)
        for given in case.standing.notice.given
        if (notice := case.register.notices.get(given.notice)) is not None
    ]
    added = case.standing.data.added_at
    days = [told.day for told in found if not told.reminds]
    if added is None or not days:
        return [], found
    last = civil_date(added, case.zone)
    if case.standing.merge.merged:  # the oldest that is proved decides
        last = min(last, *days)
    early = [told for told in found if not told.reminds and told.day <= last]
    return early, [told for told in found if told not in early]


def at_collection(case: Case) -> tuple[tuple[int, Notice], ...]:
    """Return the notices given when the data was collected, with their entries.

    A notice under Art. 13 or 14 counts on the civil day of collection or before; one given later
    is a later notice, whatever its kind (R-106, R-403 T3). Where another line of the person was
    merged into this one, only the oldest that is proved counts (R-416).
    """
    return tuple((told.position, told.notice) for told in _told(case)[0])


def later_notices(case: Case) -> tuple[tuple[int, date], ...]:
    """Return the later notices that told marketing in full: entry and civil day."""
    return tuple(
        (told.position, told.day) for told in _told(case)[1] if tells_marketing(told.notice)
    )


def window_end(case: Case) -> date | None:
    """Return the last day of the objection window, or None (R-403 T3).

    A later notice opens it for who was told too little. For who was told everything only a reminder
    of the move does: it promises to wait. The first one after the end counts, so that sending again
    puts nothing off.
    """
    early, later = _told(case)
    full = [told for told in later if tells_marketing(told.notice)]
    reminders = [told.day for told in full if told.reminds]
    told_early = any(tells_marketing(told.notice) for told in early)
    opened = reminders if told_early else [told.day for told in full]
    if not opened:
        return None
    ended = case.standing.connection.ended_on
    after = [day for day in reminders if ended is not None and day >= ended]
    return min(after or opened) + timedelta(days=case.law.objection_window_days)


@counted_once
def review_due(case: Case) -> date | None:
    """Return the last day of the review after the end (R-402), or None while nothing ended."""
    ended = case.standing.connection.ended_on
    if ended is None or case.standing.connection.status is not ConnectionStatus.ENDED:
        return None
    due = ended + timedelta(days=case.law.review_days)
    window = window_end(case)
    if window is None:
        return due
    return max(due, window + timedelta(days=case.law.review_days_after_window))


def _trigger_day(case: Case, purpose: Purpose, collected: date) -> date | None:
    """Return the day a period counts from, or None while that day has not come."""
    rule = purpose.retention
    if rule is None:
        return None
    standing = case.standing
    match rule.after:
        case Trigger.COLLECTION:
            return collected
        case Trigger.CONNECTION_END:
            return standing.connection.ended_on
        case Trigger.WITHDRAWAL:
            return consent_end(case, purpose)
        case Trigger.LAST_ACTIVITY:
            act = standing.data.last_act
            return max(collected, civil_date(act, case.zone)) if act else collected
        case Trigger.CLOSING:
            closed = [c.closed_at for c in standing.request.cases if c.closed_at]
            return civil_date(max(closed), case.zone) if closed else None
        case Trigger.CALENDAR_YEAR_OF_FINANCIAL_YEAR_END:
            return calendar_year_end(_financial_year_end(case, collected))
        case Trigger.FINANCIAL_YEAR_END:
            return _financial_year_end(case, collected)
        case Trigger.CALENDAR_YEAR_END:
            return calendar_year_end(collected)
        case Trigger.CLAIM:
            # where neither a due date nor the knowledge of a damage is known: the connection's end
            known = [claim.start for claim in standing.retention.claims if claim.start is not None]
            return max(known, default=standing.connection.ended_on)


def _financial_year_end(case: Case, collected: date) -> date:
    """Return the last day of the controller's financial year in which a value was collected."""
    return financial_year_end(collected, month_day(case.register.financial_year_end))


def consent_end(case: Case, purpose: Purpose) -> date | None:
    """Return the day the purpose's consent ended; None while in force or never validly given."""
    words = case.standing.consent.for_purpose(purpose.id)
    if any(valid_consent(case, purpose.id, word.channel) is not None for word in words):
        return None
    ends = (consent_ended(case, word) for word in words if was_valid(case, word))
    return max(ends, default=None)


def ends_on(case: Case, purpose: Purpose, value: HeldValue) -> date | None:
    """Return the last day *purpose* needs *value*, or None while it needs it without a known end.

    A person who never became a customer and never turned to us waits for no end of a connection:
    their data counts from collection, by the setting for prospects (R-715). Whoever turned to us is
    tied by that (R-401), recorded or not.
    """
    return last_day(case, (purpose,), value)


def last_day(case: Case, purposes: Iterable[Purpose], value: HeldValue) -> date | None:
    """Return the last day on which one of *purposes* needs *value*; None while that is not known.

    One purpose without a known end keeps the value.
    """
    # of a value only the moment of its collection matters, and many share one
    key = last_day, value.at
    counted: tuple[date, dict[PurposeId, date | None]] | None = case.counted.get(key)
    if counted is None:
        counted = case.counted[key] = (civil_date(value.at, case.zone), {})
    collected, known = counted
    last: date | None = None
    for purpose in purposes:
        if purpose.id not in known:
            known[purpose.id] = _end_of(case, purpose, collected)
        end = known[purpose.id]
        if end is None:
            return None
        if last is None or end > last:
            last = end
    return last


def _end_of(case: Case, purpose: Purpose, collected: date) -> date | None:
    """Return what ``ends_on`` does, for whatever was collected that civil day."""
    if purpose.retention is None:
        return None
    start = _trigger_day(case, purpose, collected)
    if start is not None:
        last = purpose.retention.keep.after(start)
        damage = _newest_damage(case, purpose)
        if damage is None:
            return last
        if case.law.damages_years is None:  # the limit of a member state nobody wrote down
            return None
        return max(last, add_months(damage, 12 * case.law.damages_years))
    never_connected = case.standing.connection.status is ConnectionStatus.NONE
    if not never_connected or purpose.retention.after is not Trigger.CONNECTION_END:
        return None
    unanswered = add_months(collected, case.law.prospect_months)
    tied = derived_end(case)
    if tied is None:
        return unanswered
    return None if tied.on is None else max(unanswered, purpose.retention.keep.after(tied.on))


def _newest_damage(case: Case, purpose: Purpose) -> date | None:
    """Return the newest day of a damage that may be claimed, for a purpose that waits for it."""
    if purpose.retention is None or purpose.retention.after is not Trigger.CLAIM:
        return None
    known = [c.since for c in case.standing.retention.claims if c.damages and c.since is not None]
    return max(known, default=None)


def covering(case: Case, value: HeldValue, filing: FilingSystem) -> tuple[Purpose, ...]:
    """Return the declared purposes of one filing system that need *value* of this person."""
    if value.field not in case.register.fields:  # declared once, no longer: unclear, so kept
        return ()
    kind, given, consent = case.standing.data.kind, _given(case), LegalBasis.CONSENT
    return tuple(
        [
            purpose
            for purpose in case.register.purposes_of(value.field)
            if purpose.filing is filing
            and (not purpose.subjects or kind in purpose.subjects)
            and (purpose.basis is not consent or purpose.id in given)
        ]
    )


@counted_once
def _given(case: Case) -> frozenset[PurposeId]:
    """Return the purposes the person once validly consented to; others never started."""
    words = case.standing.consent.newest
    return frozenset([word.purpose for word in words if was_valid(case, word)])
