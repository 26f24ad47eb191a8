"""To whom data was disclosed (GDPR Art. 15(1)(c): recipients are named), and who was told (19)."""

from __future__ import annotations

from datetime import datetime
from typing import Final, final

import attrs

from gdprkit.facts.disclosure import Disclosed, RecipientNotified
from gdprkit.facts.entry import Entry
from gdprkit.state._shape import Fold, put
from gdprkit.words.identifiers import FieldId, PurposeId, RecipientId
from gdprkit.words.vocabulary import Right

__all__ = ["DisclosureState", "ReceivedBy"]


@final
@attrs.frozen(kw_only=True)
class ReceivedBy:
    """What one recipient received for one purpose, all times together."""

    recipient: RecipientId
    purpose: PurposeId
    fields: frozenset[FieldId]
    at: datetime  # the newest time
    position: int
    times: tuple[tuple[FieldId, datetime], ...] = ()  # when each field went out last
    notified: tuple[tuple[Right, datetime], ...] = ()  # of what they were told, and when last


@final
@attrs.frozen(kw_only=True)
class DisclosureState:
    """All recipients."""

    received: tuple[ReceivedBy, ...] = ()


def _disclosed(now: DisclosureState, entry: Entry, fact: Disclosed) -> DisclosureState:
    def same(row: ReceivedBy) -> bool:
        return (row.recipient, row.purpose) == (fact.recipient, fact.purpose)

    before = next((r for r in now.received if same(r)), None)
    times = dict(before.times if before else ()) | dict.fromkeys(fact.fields, entry.at)
    new = ReceivedBy(
        recipient=fact.recipient,
        purpose=fact.purpose,
        fields=frozenset(times),
        at=entry.at,
        position=entry.position,
        times=tuple(sorted(times.items())),
        notified=before.notified if before else (),
    )
    return attrs.evolve(now, received=put(now.received, new, same))


def _notified(now: DisclosureState, entry: Entry, fact: RecipientNotified) -> DisclosureState:
    """Tell of one thing only: who was told of a correction was not told of an erasure."""
    rows = tuple(
        attrs.evolve(r, notified=tuple(sorted({**dict(r.notified), fact.about: entry.at}.items())))
        if r.recipient == fact.recipient
        else r
        for r in now.received
    )
    return attrs.evolve(now, received=rows)


FOLD: Final[Fold] = {Disclosed: _disclosed, RecipientNotified: _notified}
