"""Disclosure to recipients (GDPR Art. 4(9)) and what they were told afterwards (Art. 19).

*Transfer* means Chapter V only; a disclosure that is also a transfer names the declared flow.
"""

from __future__ import annotations

from typing import final

import attrs

from gdprkit.facts._shape import frozen, name, name_or_none, pointer
from gdprkit.words.identifiers import FieldId, PurposeId, RecipientId
from gdprkit.words.vocabulary import Right

__all__ = ["Disclosed", "RecipientNotified"]


@final
@attrs.frozen(kw_only=True)
class Disclosed:
    """Data was disclosed to a recipient.

    Args:
        recipient: The declared recipient.
        purpose: For which purpose.
        fields: Which fields.
        transfer: Id of the declared third-country flow, where it is one.
    """

    recipient: RecipientId = attrs.field(validator=name)
    purpose: PurposeId = attrs.field(validator=name)
    fields: frozenset[FieldId] = attrs.field(converter=frozen)
    transfer: str | None = attrs.field(default=None, validator=name_or_none)


@final
@attrs.frozen(kw_only=True)
class RecipientNotified:
    """A recipient was told of a rectification, erasure or restriction (GDPR Art. 19; R-505).

    Args:
        recipient: The declared recipient.
        about: What happened.
        untold: Pointer to the note why telling them is impossible or out of proportion; they were
            not told then, and nothing more is due.
    """

    recipient: RecipientId = attrs.field(validator=name)
    about: Right
    untold: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(pointer(200))
    )
