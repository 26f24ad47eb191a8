"""When time alone matters next for a person, and the few tags they are found by.

Pure functions of the standing, so they can be rebuilt at any time and are never the truth.
``wake_at`` is the earliest moment at which a duty falls due or an answer may change; it may lie in
the past when a duty was not done.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gdprkit.policy.case import Case
from gdprkit.policy.consent import consent_expires
from gdprkit.policy.ending import derived_end, end_passed
from gdprkit.policy.handling import to_tell
from gdprkit.policy.periods import review_due
from gdprkit.policy.request import deadline_of
from gdprkit.policy.retention import kept_until, nothing_left
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.consent import ConsentStatus

__all__ = ["tags", "wake_at"]


def _moments(case: Case) -> Iterator[datetime]:
    standing = case.standing
    due = review_due(case)
    if due is not None:
        yield case.end_of(due)
    if standing.connection.marketing_expires is not None:
        yield case.end_of(standing.connection.marketing_expires)
    end = derived_end(case)
    live = standing.connection.status in (ConnectionStatus.ACTIVE, ConnectionStatus.NONE)
    if live and end is not None and end.on is not None and case.end_of(end.on) > case.at:
        yield case.end_of(end.on)
    for word in standing.consent.newest:
        # an expired consent wakes nobody for ever: only while it is still to come
        if (
            word.status is ConsentStatus.GIVEN
            and (expires := consent_expires(case, word)) > case.at
        ):
            yield expires
    for request in standing.request.open:
        yield deadline_of(case, request).safe_end
    for recipient in to_tell(case):
        yield case.end_of(recipient.due)
    if nothing_left(case) and standing.connection.since is not None:
        yield standing.connection.since
    for hold in standing.retention.holds:
        if hold.review_by is not None:
            yield case.end_of(hold.review_by)
    if standing.retention.holds or standing.objection.restrictions:
        return
    days = [kept_until(case, value)[0] for value in standing.data.values]
    first = min([day for day in days if day is not None], default=None)
    if first is not None:
        yield case.end_of(first)


def wake_at(case: Case) -> datetime | None:
    """Return when time alone matters next for this person, UTC; None if never."""
    return min(_moments(case), default=None)


def tags(case: Case) -> frozenset[str]:
    """Return the tags: status, open requests, holds, and who has said yes to what."""
    standing = case.standing
    found = {f"status:{standing.status}"}
    if standing.status is ConnectionStatus.DECEASED:
        found.add(f"status:{standing.connection.status}")  # the review of the file goes on below it
    if standing.data.kind is not None:
        found.add(f"kind:{standing.data.kind}")
    if standing.request.open:
        found.add("request-open")
    if standing.retention.holds:
        found.add("hold")
    reviews = [hold.review_by for hold in standing.retention.holds if hold.review_by is not None]
    if any(case.at >= case.end_of(day) for day in reviews):
        found.add("hold-review")
    if standing.anomalies or standing.connection.anomalies or standing.request.anomalies:
        found.add("anomaly")
    if end_passed(case) is not None:
        found.add("connection-over")
    for word in standing.consent.newest:
        if word.status is ConsentStatus.GIVEN and word.is_clear:
            found.add(f"given:{word.purpose}" + (f":{word.channel}" if word.channel else ""))
    return frozenset(found)
