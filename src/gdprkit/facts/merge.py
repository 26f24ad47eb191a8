"""Two lines of one person brought together, and taken apart again (R-416).

The merge log holds what a merge brings to the line that goes on: stops, restrictions, consents,
notices, the expiry of an entry. It copies no value: values stay on the line they were sealed for.
Each part keeps the moment it was said, so that taking the merge back removes exactly these parts.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import final

import attrs

from gdprkit.facts._shape import civil_day, frozen, name, name_or_none, ordered, pointer
from gdprkit.facts.consent import ConsentEvidence
from gdprkit.words.identifiers import NoticeId, PurposeId, SubjectId
from gdprkit.words.moments import utc_moment
from gdprkit.words.vocabulary import Actor, Channel, Circumstance, RestrictionGround, StopKind

__all__ = [
    "MergeReversed",
    "MergedConsent",
    "MergedFrom",
    "MergedInto",
    "MergedNotice",
    "MergedObjection",
    "MergedStop",
]


@final
@attrs.frozen(kw_only=True)
class MergedStop:
    """A stop of the other line, with its whole scope and the moment it counts from."""

    kind: StopKind
    channels: frozenset[Channel] = attrs.field(default=frozenset(), converter=frozen)
    purpose: PurposeId | None = attrs.field(default=None, validator=name_or_none)
    by: Actor = Actor.SUBJECT
    at: datetime = attrs.field(converter=utc_moment)


@final
@attrs.frozen(kw_only=True)
class MergedObjection:
    """A 21(1) objection of the other line that is pending, or was upheld."""

    purpose: PurposeId = attrs.field(validator=name)
    upheld: bool
    at: datetime = attrs.field(converter=utc_moment)


@final
@attrs.frozen(kw_only=True)
class MergedConsent:
    """A consent of the other line: the same verified person at the same address gave it."""

    purpose: PurposeId = attrs.field(validator=name)
    channel: Channel | None = None
    evidence: ConsentEvidence
    at: datetime = attrs.field(converter=utc_moment)


@final
@attrs.frozen(kw_only=True)
class MergedNotice:
    """A notice that is proved to have been given on the other line, and when."""

    notice: NoticeId = attrs.field(validator=name)
    at: datetime = attrs.field(converter=utc_moment)


@final
@attrs.frozen(kw_only=True)
class MergedFrom:
    """Another line of the same person was merged into this one (R-416).

    Args:
        other: The line that was merged away.
        stops: Its stops; they rule here as well.
        objections: Its 21(1) objections.
        restrictions: The grounds on which it was restricted.
        circumstances: What is known of the person there and closes doors everywhere.
        consents: Its consents; only for the same verified person and address.
        notices: The notices proved there; the oldest decides.
        expires_on: The last day of its entry in the marketing register; the earliest decides.
    """

    other: SubjectId
    stops: tuple[MergedStop, ...] = attrs.field(default=(), converter=ordered)
    objections: tuple[MergedObjection, ...] = attrs.field(default=(), converter=ordered)
    restrictions: frozenset[RestrictionGround] = attrs.field(default=frozenset(), converter=frozen)
    circumstances: frozenset[Circumstance] = attrs.field(default=frozenset(), converter=frozen)
    consents: tuple[MergedConsent, ...] = attrs.field(default=(), converter=ordered)
    notices: tuple[MergedNotice, ...] = attrs.field(default=(), converter=ordered)
    expires_on: date | None = attrs.field(
        default=None, validator=attrs.validators.optional(civil_day)
    )


@final
@attrs.frozen(kw_only=True)
class MergedInto:
    """This line was merged into another one: nothing is sent or disclosed from here any more."""

    survivor: SubjectId


@final
@attrs.frozen(kw_only=True)
class MergeReversed:
    """The merge was wrong and was taken back; recorded on both lines (R-416).

    Args:
        other: The other line.
        assessment: Pointer to the assessment whether it was a breach (GDPR Art. 33); None while
            nobody has looked. Recorded again with it when somebody has.
    """

    other: SubjectId
    assessment: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(pointer(200))
    )
