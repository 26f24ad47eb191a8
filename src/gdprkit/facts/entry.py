"""The closed union of facts, and the entry that places a fact on a person's line.

Two times per entry: ``at`` is when it happened, ``recorded_at`` when it was written; a letter of
withdrawal may be typed in days later. Positions count 1, 2, 3 without gaps.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias, final

import attrs

from gdprkit.facts._shape import pointer
from gdprkit.facts.connection import (
    ActivityNoted,
    ConnectionEnded,
    ConnectionStarted,
    ConnectionTied,
    ContactHeld,
    OldEntryFound,
    RoleTaken,
)
from gdprkit.facts.consent import (
    ConsentConfirmed,
    ConsentGiven,
    ConsentRefused,
    ConsentRequested,
    ConsentWithdrawn,
)
from gdprkit.facts.data import (
    CircumstanceNoted,
    DataCollected,
    DataErased,
    DataRectified,
    DataResealed,
    PersonErased,
    SubjectAdded,
)
from gdprkit.facts.disclosure import Disclosed, RecipientNotified
from gdprkit.facts.marketing import AddressObtainedAtSale, ListChecked, RelevanceAssessed
from gdprkit.facts.merge import MergedFrom, MergedInto, MergeReversed
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.objection import (
    MarketingObjection,
    MarketingProhibition,
    ObjectionDecided,
    ObjectionRaised,
    RestrictionImposed,
    RestrictionLifted,
)
from gdprkit.facts.request import RequestReceived, RequestStep
from gdprkit.facts.retention import (
    Archived,
    ClaimInterrupted,
    ClaimNoted,
    HoldLifted,
    HoldPlaced,
    MarketingEntryEnded,
    MovedToMarketing,
)
from gdprkit.words.moments import utc_moment

__all__ = ["PROTECTIVE_WEIGHT", "Entry", "Fact", "order_key"]

Fact: TypeAlias = (
    SubjectAdded
    | DataCollected
    | DataRectified
    | DataErased
    | DataResealed
    | PersonErased
    | CircumstanceNoted
    | NoticeGiven
    | ConsentGiven
    | ConsentRequested
    | ConsentConfirmed
    | ConsentRefused
    | ConsentWithdrawn
    | MarketingObjection
    | MarketingProhibition
    | ObjectionRaised
    | ObjectionDecided
    | RestrictionImposed
    | RestrictionLifted
    | ConnectionStarted
    | ConnectionEnded
    | ActivityNoted
    | ConnectionTied
    | ContactHeld
    | RoleTaken
    | OldEntryFound
    | MergedFrom
    | MergedInto
    | MergeReversed
    | AddressObtainedAtSale
    | RelevanceAssessed
    | ListChecked
    | Disclosed
    | RecipientNotified
    | MovedToMarketing
    | MarketingEntryEnded
    | Archived
    | HoldPlaced
    | HoldLifted
    | ClaimNoted
    | ClaimInterrupted
    | RequestReceived
    | RequestStep
)

#: On a tie of ``at`` the protective fact comes last and so wins. Everything else weighs 0.
PROTECTIVE_WEIGHT: Final[dict[type, int]] = {
    SubjectAdded: -2,  # the first word about a person, whatever else happened that instant
    RestrictionLifted: -1,
    HoldLifted: -1,
    MergeReversed: -1,
    ConsentRefused: 1,
    ConsentWithdrawn: 1,
    RestrictionImposed: 2,
    HoldPlaced: 2,
    ObjectionRaised: 2,
    MarketingProhibition: 3,
    MarketingObjection: 3,
    MergedFrom: 3,  # brings the stops of the other line
    MergedInto: 3,
    # what is done because of a stop comes after it, and the end of the line last
    DataErased: 4,
    MarketingEntryEnded: 4,
    PersonErased: 5,
}


@final
@attrs.frozen(kw_only=True)
class Entry:
    """A fact on a person's line.

    Args:
        position: 1, 2, 3 … on this person's line.
        at: When it happened, UTC.
        recorded_at: When it was written, UTC.
        fact: What happened.
        by: Who recorded it: a staff or service id, never a name or address; None where not kept.
    """

    position: int
    at: datetime = attrs.field(converter=utc_moment)
    recorded_at: datetime = attrs.field(converter=utc_moment)
    fact: Fact
    by: str | None = attrs.field(default=None, validator=attrs.validators.optional(pointer(100)))


def order_key(entry: Entry) -> tuple[datetime, int, int]:
    """Return what folds order by: when it happened, protective weight, position."""
    return entry.at, PROTECTIVE_WEIGHT.get(type(entry.fact), 0), entry.position
