"""Data subjects and their data: added, collected, rectified, erased; circumstances known.

Values are named by slot and hash; a fact of erasure names exactly what was erased and why.
"""

from __future__ import annotations

from typing import final

import attrs

from gdprkit.facts._shape import at_most, name, name_or_none, ordered, pointer, sha256_hex
from gdprkit.facts.sealed import SealedValue
from gdprkit.words.identifiers import NoticeId, Slot, SourceId
from gdprkit.words.vocabulary import Circumstance, ErasureReason, SubjectKind

__all__ = [
    "CircumstanceNoted",
    "DataCollected",
    "DataErased",
    "DataRectified",
    "DataResealed",
    "PersonErased",
    "SubjectAdded",
]


@final
@attrs.frozen(kw_only=True)
class SubjectAdded:
    """A data subject entered the register (GDPR Art. 4(1))."""

    kind: SubjectKind
    source: SourceId = attrs.field(validator=name)


@final
@attrs.frozen(kw_only=True)
class DataCollected:
    """Personal data was collected.

    Args:
        values: What was sealed into the vault.
        source: The declared source (R-314: mandatory).
        notice: The notice shown at collection, where one was.
    """

    values: tuple[SealedValue, ...] = attrs.field(converter=ordered)
    source: SourceId = attrs.field(validator=name)
    notice: NoticeId | None = attrs.field(default=None, validator=name_or_none)


@final
@attrs.frozen(kw_only=True)
class DataRectified:
    """Data was corrected or completed (GDPR Art. 16).

    Args:
        values: The corrected values.
        replaced: The slots they take the place of; erased with this entry.
        source: Where the correction came from.
    """

    values: tuple[SealedValue, ...] = attrs.field(converter=ordered)
    replaced: tuple[Slot, ...] = attrs.field(default=(), converter=ordered)
    source: SourceId = attrs.field(validator=name)


@final
@attrs.frozen(kw_only=True)
class DataErased:
    """Values were erased from the vault (GDPR Art. 17, 5(1)(e)).

    Args:
        slots: Exactly the rows that were deleted.
        reason: Why.
        rule: Rule id that decided, for instance ``R-402``.
    """

    slots: tuple[Slot, ...] = attrs.field(converter=ordered)
    reason: ErasureReason
    rule: str = attrs.field(validator=at_most(40))
    plan: str | None = attrs.field(default=None, validator=attrs.validators.optional(sha256_hex))


@final
@attrs.frozen(kw_only=True)
class DataResealed:
    """Values were sealed anew under a new version of the person's key (GDPR Art. 32(1)).

    Nothing about the values changes but the hash of their envelopes.

    Args:
        values: Every value held, in the same slots.
        key_id: The key id that seals them now, hexadecimal.
    """

    values: tuple[SealedValue, ...] = attrs.field(converter=ordered)
    key_id: str = attrs.field(validator=at_most(40))


@final
@attrs.frozen(kw_only=True)
class PersonErased:
    """Every value of the person was erased and the subject key destroyed.

    Args:
        reason: Why.
        reference: The controller's pointer, for instance a request number.
        key_ids: Key ids that were destroyed, hexadecimal.
    """

    reason: ErasureReason
    reference: str = attrs.field(validator=pointer(200))
    key_ids: tuple[str, ...] = attrs.field(default=(), converter=ordered)
    plan: str | None = attrs.field(default=None, validator=attrs.validators.optional(sha256_hex))


@final
@attrs.frozen(kw_only=True)
class CircumstanceNoted:
    """Something that closes doors became known about the person, or turned out not to hold."""

    circumstance: Circumstance
    holds: bool = True
