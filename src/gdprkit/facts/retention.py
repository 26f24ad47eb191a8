"""Moves, archiving and holds: what became of data when its first purpose ended.

The *move* into the direct-marketing register is what the company's published policy calls a
transfer; transfer is kept for third countries (GDPR Chapter V).
"""

from __future__ import annotations

from datetime import date
from typing import final

import attrs

from gdprkit.facts._shape import civil_day, name, ordered, pointer, sha256_hex
from gdprkit.facts.sealed import SealedValue
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import ErasureReason

__all__ = [
    "Archived",
    "ClaimInterrupted",
    "ClaimNoted",
    "HoldLifted",
    "HoldPlaced",
    "MarketingEntryEnded",
    "MovedToMarketing",
]


@final
@attrs.frozen(kw_only=True)
class MovedToMarketing:
    """Whitelisted fields were copied into the direct-marketing register (R-403, R-409).

    Args:
        values: The copies, sealed for the marketing filing system.
        purpose: The marketing purpose.
        expires_on: The last day of the entry (R-406).
        plan: SHA-256 of the approved plan, hexadecimal.
    """

    values: tuple[SealedValue, ...] = attrs.field(converter=ordered)
    purpose: PurposeId = attrs.field(validator=name)
    expires_on: date = attrs.field(validator=civil_day)
    plan: str = attrs.field(validator=sha256_hex)


@final
@attrs.frozen(kw_only=True)
class MarketingEntryEnded:
    """The person's entry in the direct-marketing register ended (R-406, R-412 to R-415, R-417)."""

    reason: ErasureReason
    plan: str | None = attrs.field(default=None, validator=attrs.validators.optional(sha256_hex))


@final
@attrs.frozen(kw_only=True)
class Archived:
    """Values went to the archive, for one duty or claim only (R-408).

    Args:
        values: The copies, sealed for the archive.
        purpose: The declared duty or claim purpose.
        until: The last day they are kept.
    """

    values: tuple[SealedValue, ...] = attrs.field(converter=ordered)
    purpose: PurposeId = attrs.field(validator=name)
    until: date = attrs.field(validator=civil_day)
    plan: str | None = attrs.field(default=None, validator=attrs.validators.optional(sha256_hex))


@final
@attrs.frozen(kw_only=True)
class HoldPlaced:
    """A legal hold: nothing of the person is erased until it is lifted (GDPR Art. 17(3)(e)).

    Args:
        reference: The controller's own pointer, for instance a dispute's number.
        reason: Why.
        review_by: The last day on which somebody looks whether it is still needed (R-715).
    """

    reference: str = attrs.field(validator=pointer(200))
    reason: str = attrs.field(validator=pointer(500))
    review_by: date | None = attrs.field(
        default=None, validator=attrs.validators.optional(civil_day)
    )


@final
@attrs.frozen(kw_only=True)
class HoldLifted:
    """A legal hold ended."""

    reference: str = attrs.field(validator=pointer(200))


@final
@attrs.frozen(kw_only=True)
class ClaimNoted:
    """A claim exists, and the day its limitation counts from is known (R-408; Act 728/2003).

    Args:
        reference: The controller's own pointer to the claim.
        since: The due date, or the day the damage became known.
        damages: It is about damages: the longer limit of s. 7 applies.
    """

    reference: str = attrs.field(validator=pointer(200))
    since: date = attrs.field(validator=civil_day)
    damages: bool = False


@final
@attrs.frozen(kw_only=True)
class ClaimInterrupted:
    """The limitation of a claim was interrupted: its period starts again (R-408)."""

    reference: str = attrs.field(validator=pointer(200))
    on: date = attrs.field(validator=civil_day)
