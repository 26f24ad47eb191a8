"""The standing: every state of one person, folded from the line.

The fold orders entries by ``(at, protective weight, position)`` and reduces. It is total: history
that cannot be is listed in ``anomalies``. It splits anywhere: folding a prefix and then the rest is
folding the whole. An entry that comes later in the order extends a standing; one that happened
before needs the whole line again (``extends`` tells).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, TypeAlias, final

import attrs

from gdprkit.facts.data import PersonErased
from gdprkit.facts.entry import PROTECTIVE_WEIGHT, Entry, order_key
from gdprkit.state import (
    connection,
    consent,
    data,
    disclosure,
    marketing,
    merge,
    notice,
    objection,
    request,
    retention,
)
from gdprkit.state._shape import Draft, Fold, Writing
from gdprkit.state.connection import ConnectionState, ConnectionStatus, Overlay
from gdprkit.state.consent import ConsentState
from gdprkit.state.data import DataState
from gdprkit.state.disclosure import DisclosureState
from gdprkit.state.marketing import MarketingState
from gdprkit.state.merge import MergeState
from gdprkit.state.notice import NoticeState
from gdprkit.state.objection import ObjectionState
from gdprkit.state.request import RequestState
from gdprkit.state.retention import RetentionState
from gdprkit.words.moments import utc_moment
from gdprkit.words.vocabulary import FilingSystem, StopKind

__all__ = ["EMPTY", "FOLD_VERSION", "Standing", "extends", "fold", "step"]

#: Raised whenever a fold changes what it makes of the same line; older standings are folded anew.
FOLD_VERSION: Final = 3


@final
@attrs.frozen(kw_only=True)
class Standing:
    """All that the policies need to know about one person."""

    position: int = 0  # entries folded in
    last_at: datetime | None = None  # order key of the newest entry folded in …
    last_weight: int = 0
    last_position: int = 0
    data: DataState = DataState()
    notice: NoticeState = NoticeState()
    consent: ConsentState = ConsentState()
    objection: ObjectionState = ObjectionState()
    connection: ConnectionState = ConnectionState()
    marketing: MarketingState = MarketingState()
    request: RequestState = RequestState()
    disclosure: DisclosureState = DisclosureState()
    retention: RetentionState = RetentionState()
    merge: MergeState = MergeState()
    anomalies: tuple[int, ...] = ()  # entries no fold knows, or that came after the erasure

    @property
    def status(self) -> ConnectionStatus:
        """Where the relation stands; an archive with nothing in it counts as erased.

        A death hides what was before (R-415); only the erasure of everything comes after it.
        """
        if self.data.erased_at is not None:
            return ConnectionStatus.ERASED
        if self.connection.deaths:
            return ConnectionStatus.DECEASED
        now = self.connection.status
        if now is ConnectionStatus.ARCHIVE and not self.data.held(FilingSystem.ARCHIVE):
            return ConnectionStatus.ERASED
        return now

    @property
    def overlays(self) -> frozenset[Overlay]:
        """What lies over the status: an objection or prohibition, a restriction (4.1).

        An objection stays an overlay when a later consent opens a scope again: which scope and
        until when is the policy's answer (R-317).
        """
        absolute = (StopKind.OBJECTION, StopKind.PROHIBITION)
        found = set()
        if any(stop.kind in absolute for stop in self.objection.stops):
            found.add(Overlay.SUPPRESSED)
        if self.objection.restrictions:
            found.add(Overlay.RESTRICTED)
        return frozenset(found)


EMPTY: Final = Standing()

# a step copies the standing; attrs.evolve would look the fields up each time
_NAMES: Final = tuple(field.name for field in attrs.fields(Standing))
_PARTS: Final = attrgetter(*_NAMES)

_ROOMS: Final[Mapping[str, Fold]] = {
    "data": data.FOLD,
    "notice": notice.FOLD,
    "consent": consent.FOLD,
    "objection": objection.FOLD,
    "connection": connection.FOLD,
    "marketing": marketing.FOLD,
    "request": request.FOLD,
    "disclosure": disclosure.FOLD,
    "retention": retention.FOLD,
    "merge": merge.FOLD,
}

#: Rooms that have a draft: how it is opened, and what writes in it.
_DRAFTED: Final[Mapping[str, tuple[Callable[[Any], Draft], Writing]]] = {
    "data": (data.Acts, data.WRITING),
    "consent": (consent.Words, consent.WRITING),
    "objection": (objection.Stops, objection.WRITING),
}

Handler: TypeAlias = tuple[str, Callable[[Any, Entry, Any], Any], Callable[[Any], Draft] | None]


def _handlers(kind: type) -> tuple[Handler, ...]:
    """Return what a kind of fact changes: pure handlers first, then what writes in drafts."""
    pure: list[Handler] = [(r, table[kind], None) for r, table in _ROOMS.items() if kind in table]
    return (
        *pure,
        *((r, writing[kind], made) for r, (made, writing) in _DRAFTED.items() if kind in writing),
    )


_TABLES: Final = (*_ROOMS.values(), *(writing for _, writing in _DRAFTED.values()))

#: type of fact -> which states it changes and how, and how the draft is opened where it needs one.
HANDLERS: Final[Mapping[type, tuple[Handler, ...]]] = {
    kind: _handlers(kind) for kind in {kind for table in _TABLES for kind in table}
}

#: After the erasure of a person only these still count: stops, requests and their steps, the
#: telling of recipients. A grant or a collection after it is an anomaly and changes nothing.
AFTER_ERASURE: Final = frozenset(
    {*objection.FOLD, *objection.WRITING, *request.FOLD, *disclosure.FOLD}
)


def _position_of(standing: Standing) -> tuple[datetime, int, int] | None:
    if standing.last_at is None:
        return None
    return standing.last_at, standing.last_weight, standing.last_position


def extends(standing: Standing, entry: Entry) -> bool:
    """Whether *entry* comes after everything folded in, so that one step brings it up to date."""
    last = _position_of(standing)
    return last is None or order_key(entry) > last


def step(standing: Standing, entry: Entry) -> Standing:
    """Fold one entry in; the caller gives entries in order (``order_key``)."""
    return _reduce(standing, (entry,))


def _reduce(standing: Standing, entries: Iterable[Entry]) -> Standing:
    """Fold entries in, in the order given; the standing between two of them is nobody's."""
    rooms = dict(zip(_NAMES, _PARTS(standing), strict=True))
    drafts: dict[str, Draft] = {}
    position, last = rooms["position"], None
    erased = rooms["data"].erased_at is not None
    for entry in entries:
        last, fact = entry, entry.fact
        kind = type(fact)
        if entry.position > position:
            position = entry.position
        if erased and kind not in AFTER_ERASURE:
            rooms["anomalies"] = (*rooms["anomalies"], entry.position)
            continue
        for room, handle, opened in HANDLERS[kind]:
            if opened is None:
                if room in drafts:
                    rooms[room] = drafts.pop(room).close()
                rooms[room] = handle(rooms[room], entry, fact)
                continue
            draft = drafts.get(room)
            if draft is None:
                draft = drafts[room] = opened(rooms[room])
            handle(draft, entry, fact)
        if kind is PersonErased:
            erased = True
    if last is None:
        return standing
    for room, draft in drafts.items():
        rooms[room] = draft.close()
    rooms["position"] = position
    rooms["last_at"] = last.at
    rooms["last_weight"] = PROTECTIVE_WEIGHT.get(type(last.fact), 0)
    rooms["last_position"] = last.position
    return Standing(**rooms)


def fold(
    entries: Iterable[Entry], *, until: datetime | None = None, known_by: datetime | None = None
) -> Standing:
    """Fold a line into a standing.

    Args:
        entries: Any order; the fold orders them.
        until: Only what had happened by this moment.
        known_by: Only what had been written by this moment: "what did you know then?"

    Raises:
        NaiveMoment: *until* or *known_by* has no time zone.
    """
    happened = utc_moment(until, "until") if until else None
    known = utc_moment(known_by, "known_by") if known_by else None
    seen = [
        entry
        for entry in entries
        if (happened is None or entry.at <= happened)
        and (known is None or entry.recorded_at <= known)
    ]
    return _reduce(EMPTY, sorted(seen, key=order_key))
