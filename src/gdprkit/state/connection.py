"""The life cycle of the substantive connection as a table (states of 4.1).

RESTRICTED and SUPPRESSED are overlays and stand in ``state.objection``. A fact the table does not
know for a status is an anomaly: it is listed, and the status stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final, final

import attrs

from gdprkit.facts.connection import ConnectionEnded, ConnectionStarted
from gdprkit.facts.data import PersonErased
from gdprkit.facts.entry import Entry
from gdprkit.facts.retention import Archived, MarketingEntryEnded, MovedToMarketing
from gdprkit.state._shape import Fold
from gdprkit.words.vocabulary import EndCause

__all__ = ["TRANSITIONS", "ConnectionState", "ConnectionStatus"]


class ConnectionStatus(StrEnum):
    """Where the relation stands."""

    NONE = "none"  # known, never connected: a prospect, a visitor
    ACTIVE = "active"
    ENDED = "ended"  # under review: no marketing
    MARKETING = "marketing"  # entry in the direct-marketing register
    ARCHIVE = "archive"  # statutory and claims items only
    ERASED = "erased"


_S = ConnectionStatus

#: status -> type of fact -> status. A fact that is not in a row changes nothing there.
TRANSITIONS: Final[Mapping[ConnectionStatus, Mapping[type, ConnectionStatus]]] = {
    _S.NONE: {
        ConnectionStarted: _S.ACTIVE,
        ConnectionEnded: _S.ENDED,  # a prospect's last contact went stale
        PersonErased: _S.ERASED,
    },
    _S.ACTIVE: {
        ConnectionStarted: _S.ACTIVE,
        ConnectionEnded: _S.ENDED,
        Archived: _S.ACTIVE,
        PersonErased: _S.ERASED,
    },
    _S.ENDED: {
        ConnectionStarted: _S.ACTIVE,
        ConnectionEnded: _S.ENDED,  # an explicit act replaces the derived date
        MovedToMarketing: _S.MARKETING,
        Archived: _S.ARCHIVE,
        PersonErased: _S.ERASED,
    },
    _S.MARKETING: {
        ConnectionStarted: _S.ACTIVE,
        Archived: _S.MARKETING,
        MarketingEntryEnded: _S.ARCHIVE,  # nothing left there: shown as erased by the standing
        PersonErased: _S.ERASED,
    },
    _S.ARCHIVE: {
        ConnectionStarted: _S.ACTIVE,
        Archived: _S.ARCHIVE,
        PersonErased: _S.ERASED,
    },
    _S.ERASED: {},
}

KNOWN_FACTS: Final = frozenset(kind for row in TRANSITIONS.values() for kind in row)


@final
@attrs.frozen(kw_only=True)
class ConnectionState:
    """Status, the end with its cause, and the entry in the marketing register."""

    status: ConnectionStatus = ConnectionStatus.NONE
    since: datetime | None = None
    position: int = 0
    ended_on: date | None = None
    cause: EndCause | None = None
    end_evidence: str | None = None
    end_position: int = 0
    marketing_expires: date | None = None
    marketing_plan: str | None = None
    marketing_position: int = 0
    anomalies: tuple[int, ...] = ()  # positions of facts that had no place in the life cycle


def advance(now: ConnectionState, entry: Entry, _fact: object) -> ConnectionState:
    """Move along the table; an impossible step is listed, never raised."""
    target = TRANSITIONS[now.status].get(type(entry.fact))
    if target is None:
        return attrs.evolve(now, anomalies=(*now.anomalies, entry.position))
    moved = attrs.evolve(now, status=target, since=entry.at, position=entry.position)
    match entry.fact:
        case ConnectionEnded() as ended:
            return attrs.evolve(
                moved,
                ended_on=ended.on,
                cause=ended.cause,
                end_evidence=ended.evidence,
                end_position=entry.position,
            )
        case ConnectionStarted():
            # the old end and the old expiry are dropped; stops and consents stay
            return attrs.evolve(
                moved,
                ended_on=None,
                cause=None,
                end_evidence=None,
                end_position=0,
                marketing_expires=None,
                marketing_plan=None,
                marketing_position=0,
            )
        case MovedToMarketing() as move:
            return attrs.evolve(
                moved,
                marketing_expires=move.expires_on,
                marketing_plan=move.plan,
                marketing_position=entry.position,
            )
        case MarketingEntryEnded() | PersonErased():
            return attrs.evolve(
                moved, marketing_expires=None, marketing_plan=None, marketing_position=0
            )
        case _:
            return moved


FOLD: Final[Fold] = dict.fromkeys(KNOWN_FACTS, advance)
