"""To whom data was disclosed (GDPR Art. 15(1)(c): recipients are named), and who was told (19)."""

from __future__ import annotations

from datetime import datetime
from typing import Final, final

import attrs

from gdprkit.facts.disclosure import Disclosed, RecipientNotified
from gdprkit.facts.entry import Entry
from gdprkit.state._shape import Fold, put
from gdprkit.words.identifiers import FieldId, PurposeId, RecipientId

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
    notified_at: datetime | None = None  # of a rectification, erasure or restriction


@final
@attrs.frozen(kw_only=True)
class DisclosureState:
    """All recipients."""

    received: tuple[ReceivedBy, ...] = ()


def _disclosed(now: DisclosureState, entry: Entry, fact: Disclosed) -> DisclosureState:
    def same(row: ReceivedBy) -> bool:
        return (row.recipient, row.purpose) == (fact.recipient, fact.purpose)

    before = frozenset[FieldId]().union(*(r.fields for r in now.received if same(r)))
    new = ReceivedBy(
        recipient=fact.recipient,
        purpose=fact.purpose,
        fields=before | fact.fields,
        at=entry.at,
        position=entry.position,
    )
    return attrs.evolve(now, received=put(now.received, new, same))


def _notified(now: DisclosureState, entry: Entry, fact: RecipientNotified) -> DisclosureState:
    rows = tuple(
        attrs.evolve(r, notified_at=entry.at) if r.recipient == fact.recipient else r
        for r in now.received
    )
    return attrs.evolve(now, received=rows)


FOLD: Final[Fold] = {Disclosed: _disclosed, RecipientNotified: _notified}
