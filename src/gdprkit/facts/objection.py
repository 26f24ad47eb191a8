"""Objection, prohibition and restriction: the person's stops (GDPR Art. 18, 21; ECSA s. 200, 202).

A stop is recorded whoever brings it and however it is worded; what it stops is the policy's
question. No stop needs a reason.
"""

from __future__ import annotations

from datetime import date
from typing import final

import attrs

from gdprkit.facts._shape import civil_day, frozen, name, name_or_none, pointer
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import Actor, Channel, IntakeChannel, RestrictionGround

__all__ = [
    "MarketingObjection",
    "MarketingProhibition",
    "ObjectionDecided",
    "ObjectionRaised",
    "RestrictionImposed",
    "RestrictionLifted",
]


@final
@attrs.frozen(kw_only=True)
class MarketingObjection:
    """The person objected to direct marketing: absolute, at once, free (GDPR Art. 21(2)-(3)).

    Args:
        channels: The channels the words clearly limit it to; empty means every channel (R-311).
        purpose: One marketing purpose, or None for all of them.
        via: How it reached the controller.
        by: Who brought it.
    """

    channels: frozenset[Channel] = attrs.field(default=frozenset(), converter=frozen)
    purpose: PurposeId | None = attrs.field(default=None, validator=name_or_none)
    via: IntakeChannel
    by: Actor = Actor.SUBJECT


@final
@attrs.frozen(kw_only=True)
class MarketingProhibition:
    """Marketing was prohibited under ECSA s. 200(2) by a person, or s. 202 by an organisation.

    With ``by=Actor.COMPANY`` it concerns the work address only, and only a later consent of the
    company lifts it (R-316.3).
    """

    channels: frozenset[Channel] = attrs.field(default=frozenset(), converter=frozen)
    purpose: PurposeId | None = attrs.field(default=None, validator=name_or_none)
    via: IntakeChannel
    by: Actor = Actor.SUBJECT


@final
@attrs.frozen(kw_only=True)
class ObjectionRaised:
    """The person objected on grounds of their situation (GDPR Art. 21(1))."""

    purpose: PurposeId = attrs.field(validator=name)
    via: IntakeChannel


@final
@attrs.frozen(kw_only=True)
class ObjectionDecided:
    """A 21(1) objection was decided.

    Args:
        purpose: The purpose objected to.
        upheld: Processing stops. False needs demonstrated compelling grounds.
        finding: Reference of the written finding.
    """

    purpose: PurposeId = attrs.field(validator=name)
    upheld: bool
    finding: str = attrs.field(validator=pointer(200))


@final
@attrs.frozen(kw_only=True)
class RestrictionImposed:
    """Processing was restricted to storage (GDPR Art. 18(1))."""

    ground: RestrictionGround


@final
@attrs.frozen(kw_only=True)
class RestrictionLifted:
    """A restriction ended; the person was told on *informed*, before (GDPR Art. 18(3))."""

    ground: RestrictionGround
    informed: date = attrs.field(validator=civil_day)
