"""Facts the marketing rows ask for: the sale an address came from, relevance, list checks."""

from __future__ import annotations

from typing import final

import attrs

from gdprkit.facts._shape import at_most, frozen, name, pointer
from gdprkit.words.vocabulary import Actor, Channel, CheckedList, Occasion

__all__ = ["AddressObtainedAtSale", "ListChecked", "RelevanceAssessed"]


@final
@attrs.frozen(kw_only=True)
class AddressObtainedAtSale:
    """A contact detail was obtained in connection with a sale (ECSA s. 200(3); R-303 a, b, d, f).

    Args:
        channels: Channels of the details obtained.
        product_group: Group of what was sold; only own and similar products may follow.
        refusal_offered: An easy, free way to refuse was offered when the detail was collected.
        option_told: The person was told of it clearly.
        occasion: What the detail was obtained at; a contest or a quote is no sale (R-322).
        buyer: Who bought: the person, or the company they work for, which opens nothing for them.
    """

    channels: frozenset[Channel] = attrs.field(converter=frozen)
    product_group: str = attrs.field(validator=at_most(100))
    refusal_offered: bool
    option_told: bool
    occasion: Occasion = Occasion.SALE
    buyer: Actor = Actor.SUBJECT


@final
@attrs.frozen(kw_only=True)
class RelevanceAssessed:
    """Somebody looked into whether offers relate to the contact's work duties (R-307).

    Args:
        topics: Offer topics the assessment speaks about.
        related: The offers essentially relate to duties and authority.
        evidence: What the finding rests on; a job title alone is thin.
        thin: The evidence is a title only.
        decided_by: Staff role or id, never a name.
    """

    topics: frozenset[str] = attrs.field(
        converter=frozen, validator=attrs.validators.deep_iterable(name)
    )
    related: bool
    evidence: str = attrs.field(validator=pointer(200))
    thin: bool = False
    decided_by: str = attrs.field(validator=pointer(200))


@final
@attrs.frozen(kw_only=True)
class ListChecked:
    """A marketing ban list was checked for this person (R-312, R-315)."""

    checked: CheckedList
    hit: bool
