"""When does, or did, the substantive connection end?

The end is the latest of what ties a person to the controller: a contract, a delivery or service, a
warranty, an invoice, a claim, and the last contact both ways with the time of dormancy after it
(R-401). An explicit act replaces all of that: its date is the end. A prospect is tied by what they
began themselves only. Leaves out what follows the end: see ``policy.retention``. Always true: while
one tie has no last day yet, no end is derived; nothing here records one, a person or a rule does.
"""

from __future__ import annotations

from datetime import date
from typing import Final, final

import attrs

from gdprkit.policy.case import Case, counted_once
from gdprkit.state.connection import ConnectionStatus
from gdprkit.words.moments import add_months, civil_date
from gdprkit.words.vocabulary import EndCause

__all__ = ["DerivedEnd", "derived_end", "end_passed"]


@final
@attrs.frozen(kw_only=True)
class DerivedEnd:
    """The end as the facts give it.

    Args:
        on: The last day of the connection; None while something ties without a known last day.
        cause: What ended last, or ties still.
        evidence: The entries it rests on.
        recorded: The end is recorded by an explicit act; else it is only derived.
    """

    on: date | None
    cause: EndCause
    evidence: tuple[int, ...]
    recorded: bool = False


_PROSPECT: Final = ConnectionStatus.NONE


@counted_once
def derived_end(case: Case) -> DerivedEnd | None:
    """Return the end of the connection, recorded or derived; None where nothing ties (R-401)."""
    connection = case.standing.connection
    if connection.ended_on is not None and connection.cause is not None:
        return DerivedEnd(
            on=connection.ended_on,
            cause=connection.cause,
            evidence=(connection.end_position,),
            recorded=True,
        )
    found = [
        DerivedEnd(on=tie.until, cause=tie.cause, evidence=(tie.position,))
        for tie in connection.ties
    ]
    prospect = connection.status is _PROSPECT
    contact = connection.own_contact if prospect else connection.contact
    if contact is not None:
        day = add_months(civil_date(contact.at, case.zone), case.law.dormancy_months)
        found.append(DerivedEnd(on=day, cause=EndCause.DORMANCY, evidence=(contact.position,)))
    return max(found, key=lambda end: end.on or date.max, default=None)


def end_passed(case: Case) -> DerivedEnd | None:
    """Return the derived end of a live connection whose last day is over: to be recorded."""
    end = derived_end(case)
    live = case.standing.connection.status in (ConnectionStatus.ACTIVE, _PROSPECT)
    if end is None or end.recorded or end.on is None or not live:
        return None
    return end if case.at >= case.end_of(end.on) else None
