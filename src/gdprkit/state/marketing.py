"""What the marketing rows need to know: sales, relevance findings, list checks."""

from __future__ import annotations

from datetime import datetime
from typing import Final, final

import attrs

from gdprkit.facts.entry import Entry
from gdprkit.facts.marketing import AddressObtainedAtSale, ListChecked, RelevanceAssessed
from gdprkit.state._shape import Fold, put
from gdprkit.words.vocabulary import Actor, Channel, CheckedList, Occasion

__all__ = ["ListCheck", "MarketingState", "Relevance", "Sale"]


@final
@attrs.frozen(kw_only=True)
class Sale:
    """A contact detail obtained in connection with a sale."""

    channels: frozenset[Channel]
    product_group: str
    refusal_offered: bool
    option_told: bool
    at: datetime
    position: int
    occasion: Occasion = Occasion.SALE
    buyer: Actor = Actor.SUBJECT


@final
@attrs.frozen(kw_only=True)
class Relevance:
    """The newest finding for one set of offer topics."""

    topics: frozenset[str]
    related: bool
    thin: bool
    at: datetime
    position: int


@final
@attrs.frozen(kw_only=True)
class ListCheck:
    """The newest check of one list."""

    checked: CheckedList
    hit: bool
    at: datetime
    position: int


@final
@attrs.frozen(kw_only=True)
class MarketingState:
    """Sales, relevance findings and list checks."""

    sales: tuple[Sale, ...] = ()
    relevance: tuple[Relevance, ...] = ()
    checks: tuple[ListCheck, ...] = ()

    def check(self, which: CheckedList) -> ListCheck | None:
        """Return the newest check of a list."""
        return next((c for c in self.checks if c.checked is which), None)


def _sale(now: MarketingState, entry: Entry, fact: AddressObtainedAtSale) -> MarketingState:
    new = Sale(
        channels=fact.channels,
        product_group=fact.product_group,
        refusal_offered=fact.refusal_offered,
        option_told=fact.option_told,
        occasion=fact.occasion,
        buyer=fact.buyer,
        at=entry.at,
        position=entry.position,
    )
    return attrs.evolve(
        now,
        sales=put(
            now.sales,
            new,
            lambda s: (
                (s.product_group, s.channels, s.occasion, s.buyer)
                == (new.product_group, new.channels, new.occasion, new.buyer)
            ),
        ),
    )


def _relevance(now: MarketingState, entry: Entry, fact: RelevanceAssessed) -> MarketingState:
    new = Relevance(
        topics=fact.topics,
        related=fact.related,
        thin=fact.thin,
        at=entry.at,
        position=entry.position,
    )
    return attrs.evolve(now, relevance=put(now.relevance, new, lambda r: r.topics == fact.topics))


def _checked(now: MarketingState, entry: Entry, fact: ListChecked) -> MarketingState:
    new = ListCheck(checked=fact.checked, hit=fact.hit, at=entry.at, position=entry.position)
    return attrs.evolve(now, checks=put(now.checks, new, lambda c: c.checked is fact.checked))


FOLD: Final[Fold] = {
    AddressObtainedAtSale: _sale,
    RelevanceAssessed: _relevance,
    ListChecked: _checked,
}
