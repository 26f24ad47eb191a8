"""The life cycle of the substantive connection as a table (states of 4.1).

``TRANSITIONS`` moves by facts; ``EDGES`` is the law paper's own table of events, for people to read
and for a test to hold against the first. RESTRICTED and SUPPRESSED are overlays: they lie over a
status and move none. A death hides the status and takes no re-connection. A fact the table does not
know for a status is an anomaly: it is listed, and the status stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final, final

import attrs

from gdprkit.facts.connection import (
    ActivityNoted,
    ConnectionEnded,
    ConnectionStarted,
    ConnectionTied,
    ContactHeld,
    OldEntryFound,
    RoleTaken,
)
from gdprkit.facts.data import CircumstanceNoted, PersonErased
from gdprkit.facts.entry import Entry
from gdprkit.facts.merge import MergedFrom, MergeReversed
from gdprkit.facts.retention import Archived, MarketingEntryEnded, MovedToMarketing
from gdprkit.state._shape import Fold, put
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import Activity, Actor, Circumstance, EndCause

__all__ = [
    "EDGES",
    "TRANSITIONS",
    "ConnectionState",
    "ConnectionStatus",
    "Contact",
    "Edge",
    "Overlay",
    "Tie",
]


class ConnectionStatus(StrEnum):
    """Where the relation stands."""

    NONE = "none"  # known, never connected: a prospect, a visitor
    ACTIVE = "active"
    ENDED = "ended"  # under review: no marketing
    MARKETING = "marketing"  # entry in the direct-marketing register
    ARCHIVE = "archive"  # statutory and claims items only
    UNPROVEN = "unproven"  # found in an old register without proof: not usable
    DECEASED = "deceased"
    ERASED = "erased"


class Overlay(StrEnum):
    """What lies over a status without changing it (4.1)."""

    SUPPRESSED = "suppressed"  # an objection or a prohibition stands
    RESTRICTED = "restricted"  # storage only, GDPR Art. 18(2)


_S = ConnectionStatus

#: status -> type of fact -> status. A fact that is not in a row changes nothing there. The row of
#: DECEASED says what still happens to a dead person's file; the status below it moves on as well.
TRANSITIONS: Final[Mapping[ConnectionStatus, Mapping[type, ConnectionStatus]]] = {
    _S.NONE: {
        ConnectionStarted: _S.ACTIVE,
        ConnectionEnded: _S.ENDED,  # a prospect's last contact went stale
        Archived: _S.NONE,
        OldEntryFound: _S.UNPROVEN,
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
        OldEntryFound: _S.UNPROVEN,
        PersonErased: _S.ERASED,
    },
    _S.MARKETING: {
        ConnectionStarted: _S.ACTIVE,
        Archived: _S.MARKETING,
        MarketingEntryEnded: _S.ARCHIVE,  # nothing left there: shown as erased by the standing
        OldEntryFound: _S.UNPROVEN,
        PersonErased: _S.ERASED,
    },
    _S.ARCHIVE: {
        ConnectionStarted: _S.ACTIVE,
        Archived: _S.ARCHIVE,
        OldEntryFound: _S.UNPROVEN,
        PersonErased: _S.ERASED,
    },
    _S.UNPROVEN: {
        ConnectionStarted: _S.ACTIVE,
        ConnectionEnded: _S.UNPROVEN,  # the proof of the end that was missing (T1)
        MovedToMarketing: _S.MARKETING,  # now with every guard
        Archived: _S.ARCHIVE,
        MarketingEntryEnded: _S.ARCHIVE,
        OldEntryFound: _S.UNPROVEN,
        PersonErased: _S.ERASED,
    },
    _S.DECEASED: {
        ConnectionEnded: _S.DECEASED,
        Archived: _S.DECEASED,
        MarketingEntryEnded: _S.DECEASED,
        PersonErased: _S.ERASED,
    },
    _S.ERASED: {},
}

KNOWN_FACTS: Final = frozenset(kind for row in TRANSITIONS.values() for kind in row)

ALIVE: Final = frozenset(ConnectionStatus) - {_S.ERASED}
"""Where 4.1 says «any»: an erased person has no relation left."""


def _statuses(values: Iterable[ConnectionStatus]) -> frozenset[ConnectionStatus]:
    return frozenset(values)


@final
@attrs.frozen(kw_only=True)
class Edge:
    """One row of the transitions of 4.1.

    Args:
        event: What happens.
        frm: The statuses it happens in.
        guard: The rule that must be met first; None where nothing guards it.
        to: The statuses it may lead to; empty means the status stays.
        adds: The overlay it lays over the status.
        lifts: The overlay it takes away; of SUPPRESSED only the scope of the new consent.
    """

    event: str
    frm: frozenset[ConnectionStatus] = attrs.field(converter=_statuses)
    guard: str | None = None
    to: frozenset[ConnectionStatus] = attrs.field(default=frozenset(), converter=_statuses)
    adds: Overlay | None = None
    lifts: Overlay | None = None


_GONE = (_S.ARCHIVE, _S.ERASED)

#: The events of 4.1 with the readings of 0.3, and the two that other rules add (R-417, R-420).
EDGES: Final[tuple[Edge, ...]] = (
    Edge(event="connection-end", frm=[_S.ACTIVE], guard="R-401", to=[_S.ENDED]),
    Edge(event="review-moves", frm=[_S.ENDED], guard="R-403", to=[_S.MARKETING]),
    Edge(event="review-does-not-move", frm=[_S.ENDED], guard="R-402", to=_GONE),
    Edge(
        event="re-connection",
        frm=[_S.ENDED, _S.MARKETING, _S.ARCHIVE],
        guard="R-411",
        to=[_S.ACTIVE],
    ),
    Edge(event="objection", frm=ALIVE, adds=Overlay.SUPPRESSED),
    Edge(event="objection-to-entry", frm=[_S.MARKETING], to=_GONE, adds=Overlay.SUPPRESSED),
    Edge(event="consent-withdrawn", frm=ALIVE),
    Edge(event="entry-expired", frm=[_S.MARKETING], guard="R-406", to=_GONE),
    Edge(event="contact-gone", frm=[_S.MARKETING], guard="R-417", to=_GONE),
    Edge(event="contact-left", frm=[_S.ACTIVE, _S.ENDED], guard="R-417", to=[_S.ENDED]),
    Edge(event="restriction", frm=ALIVE, guard="R-504", adds=Overlay.RESTRICTED),
    Edge(event="restriction-lifted", frm=ALIVE, guard="R-504", lifts=Overlay.RESTRICTED),
    Edge(event="death", frm=ALIVE, guard="R-415", to=[_S.DECEASED]),
    Edge(event="last-period-over", frm=[_S.ARCHIVE], guard="R-408", to=[_S.ERASED]),
    Edge(event="new-consent", frm=ALIVE, guard="R-317", lifts=Overlay.SUPPRESSED),
    Edge(
        event="old-entry-found",
        frm=[_S.NONE, _S.ENDED, _S.MARKETING, _S.ARCHIVE],
        guard="R-420",
        to=[_S.UNPROVEN],
    ),
    Edge(event="old-entry-proved", frm=[_S.UNPROVEN], guard="R-403", to=[_S.MARKETING]),
    Edge(event="old-entry-cleaned", frm=[_S.UNPROVEN], guard="R-420", to=_GONE),
)


@final
@attrs.frozen(kw_only=True)
class Tie:
    """Something that ties the person until a day; None while that day is not known (R-401)."""

    cause: EndCause
    reference: str
    until: date | None = None
    position: int


@final
@attrs.frozen(kw_only=True)
class Contact:
    """A contact, both ways."""

    at: datetime
    position: int


@final
@attrs.frozen(kw_only=True)
class Death:
    """An entry that says the person died; from another line when a merge brought it."""

    position: int
    merged_from: SubjectId | None = None


@final
@attrs.frozen(kw_only=True)
class MergedExpiry:
    """The last day of a merged line's entry: the earliest of all rules (R-416)."""

    other: SubjectId
    on: date


@final
@attrs.frozen(kw_only=True)
class ConnectionState:
    """Status, what ties, the end with its cause, and the entry in the marketing register."""

    status: ConnectionStatus = ConnectionStatus.NONE
    since: datetime | None = None
    position: int = 0
    ended_on: date | None = None
    cause: EndCause | None = None
    end_evidence: str | None = None
    end_position: int = 0
    marketing_expires: date | None = None  # the earliest that rules
    marketing_plan: str | None = None
    marketing_position: int = 0
    anomalies: tuple[int, ...] = ()  # positions of facts that had no place in the life cycle
    marketing_set: date | None = None  # as the move set it
    merged_expiries: tuple[MergedExpiry, ...] = ()
    ties: tuple[Tie, ...] = ()
    contact: Contact | None = None  # the last one both ways
    own_contact: Contact | None = None  # the last one the person began
    deaths: tuple[Death, ...] = ()
    organisation: SubjectId | None = None
    organisation_position: int = 0
    found_at: datetime | None = None  # in an old register without proof
    found_position: int = 0


def advance(now: ConnectionState, entry: Entry, _fact: object) -> ConnectionState:
    """Move along the table; an impossible step is listed, never raised."""
    kind = type(entry.fact)
    target = TRANSITIONS[now.status].get(kind)
    if target is None or (now.deaths and kind not in TRANSITIONS[ConnectionStatus.DECEASED]):
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
            back = attrs.evolve(
                moved,
                ended_on=None,
                cause=None,
                end_evidence=None,
                end_position=0,
                merged_expiries=(),
                found_at=None,
                found_position=0,
            )
            return _in_touch(_without_entry(back), entry, own=True)
        case MovedToMarketing() as move:
            return _expiring(
                attrs.evolve(
                    moved,
                    marketing_set=move.expires_on,
                    marketing_plan=move.plan,
                    marketing_position=entry.position,
                    found_at=None,
                    found_position=0,
                )
            )
        case OldEntryFound():
            return attrs.evolve(
                _without_entry(moved), found_at=entry.at, found_position=entry.position
            )
        case MarketingEntryEnded() | PersonErased():
            return _without_entry(moved)
        case _:
            return moved


def _without_entry(now: ConnectionState) -> ConnectionState:
    return attrs.evolve(
        now,
        marketing_expires=None,
        marketing_set=None,
        marketing_plan=None,
        marketing_position=0,
    )


def _expiring(now: ConnectionState) -> ConnectionState:
    """Let the earliest day rule: the entry's own, or that of a line merged into this one."""
    if now.marketing_set is None:
        return now
    days = (now.marketing_set, *(merged.on for merged in now.merged_expiries))
    return attrs.evolve(now, marketing_expires=min(days))


def _in_touch(now: ConnectionState, entry: Entry, *, own: bool) -> ConnectionState:
    contact = Contact(at=entry.at, position=entry.position)
    return attrs.evolve(now, contact=contact, own_contact=contact if own else now.own_contact)


def _tied(now: ConnectionState, entry: Entry, fact: ConnectionTied) -> ConnectionState:
    new = Tie(cause=fact.cause, reference=fact.reference, until=fact.until, position=entry.position)
    same = (fact.cause, fact.reference)
    return attrs.evolve(now, ties=put(now.ties, new, lambda t: (t.cause, t.reference) == same))


def _held(now: ConnectionState, entry: Entry, fact: ContactHeld) -> ConnectionState:
    return _in_touch(now, entry, own=fact.begun_by is Actor.SUBJECT)


def _acted(now: ConnectionState, entry: Entry, fact: ActivityNoted) -> ConnectionState:
    """An order or a contact is begun by the person, a reply answers us; a click is no contact."""
    if fact.activity is Activity.CLICK:
        return now
    return _in_touch(now, entry, own=fact.activity is not Activity.REPLY)


def _ended(now: ConnectionState, entry: Entry, fact: ConnectionEnded) -> ConnectionState:
    """End the relation; where it ended with the person, that they died is known (R-415)."""
    moved = advance(now, entry, fact)
    if fact.cause is not EndCause.DEATH or moved.deaths:
        return moved
    return attrs.evolve(moved, deaths=(Death(position=entry.position),))


def _noted(now: ConnectionState, entry: Entry, fact: CircumstanceNoted) -> ConnectionState:
    if fact.circumstance is not Circumstance.DECEASED:
        return now
    return attrs.evolve(now, deaths=(Death(position=entry.position),) if fact.holds else ())


def _role(now: ConnectionState, entry: Entry, fact: RoleTaken) -> ConnectionState:
    return attrs.evolve(now, organisation=fact.organisation, organisation_position=entry.position)


def _merged(now: ConnectionState, entry: Entry, fact: MergedFrom) -> ConnectionState:
    bare = _unmerged(now, entry, MergeReversed(other=fact.other))
    deaths, expiries = bare.deaths, bare.merged_expiries
    if Circumstance.DECEASED in fact.circumstances:
        deaths = (*deaths, Death(position=entry.position, merged_from=fact.other))
    if fact.expires_on is not None:
        expiries = (*expiries, MergedExpiry(other=fact.other, on=fact.expires_on))
    return _expiring(attrs.evolve(bare, deaths=deaths, merged_expiries=expiries))


def _unmerged(now: ConnectionState, _entry: Entry, fact: MergeReversed) -> ConnectionState:
    return _expiring(
        attrs.evolve(
            now,
            deaths=tuple(d for d in now.deaths if d.merged_from != fact.other),
            merged_expiries=tuple(e for e in now.merged_expiries if e.other != fact.other),
        )
    )


FOLD: Final[Fold] = {
    **dict.fromkeys(KNOWN_FACTS, advance),
    ConnectionEnded: _ended,
    ConnectionTied: _tied,
    ContactHeld: _held,
    ActivityNoted: _acted,
    CircumstanceNoted: _noted,
    RoleTaken: _role,
    MergedFrom: _merged,
    MergeReversed: _unmerged,
}
