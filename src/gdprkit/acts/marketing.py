"""Direct marketing: stops, the facts its rows need, and the question whether we may contact.

The company's published policy speaks of a transfer into the direct-marketing register; here that is
a *move* (``connection.after_end``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gdprkit.acts.act import Act
from gdprkit.facts.marketing import AddressObtainedAtSale, ListChecked, RelevanceAssessed
from gdprkit.facts.objection import MarketingObjection, MarketingProhibition
from gdprkit.policy.connection import MayMove
from gdprkit.policy.marketing import MayContact
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import Actor, Channel, CheckedList, IntakeChannel

__all__ = [
    "MayContact",
    "MayMove",
    "assess_relevance",
    "check_list",
    "may_contact",
    "may_move",
    "object_to",
    "obtain_at_sale",
    "prohibit",
]


def object_to(
    *,
    via: str,
    channels: Iterable[str] = (),
    purpose: str | None = None,
    by: str = Actor.SUBJECT,
    at: datetime | None = None,
) -> Act:
    """Record an objection to direct marketing (GDPR Art. 21(2)): absolute, from receipt.

    Args:
        via: How it reached the controller.
        channels: Only where the words clearly limit it; by default every channel (R-311).
        purpose: One marketing purpose; by default all.
        by: Who brought it.
        at: When it reached the controller; by default now.
    """
    fact = MarketingObjection(
        channels=[Channel(c) for c in channels],
        purpose=PurposeId(purpose) if purpose is not None else None,
        via=IntakeChannel(via),
        by=Actor(by),
    )
    return Act(fact=fact, at=at)


def prohibit(
    *,
    via: str,
    by: str,
    channels: Iterable[str] = (),
    purpose: str | None = None,
    at: datetime | None = None,
) -> Act:
    """Record a prohibition of a person (ECSA s. 200(2)) or an organisation (s. 202)."""
    fact = MarketingProhibition(
        channels=[Channel(c) for c in channels],
        purpose=PurposeId(purpose) if purpose is not None else None,
        via=IntakeChannel(via),
        by=Actor(by),
    )
    return Act(fact=fact, at=at)


def obtain_at_sale(
    *,
    channels: Iterable[str],
    product_group: str,
    refusal_offered: bool,
    option_told: bool,
    at: datetime | None = None,
) -> Act:
    """Record that contact details were obtained in connection with a sale (ECSA s. 200(3))."""
    fact = AddressObtainedAtSale(
        channels=[Channel(c) for c in channels],
        product_group=product_group,
        refusal_offered=refusal_offered,
        option_told=option_told,
    )
    return Act(fact=fact, at=at)


def assess_relevance(
    *,
    topics: Iterable[str],
    related: bool,
    evidence: str,
    decided_by: str,
    thin: bool = False,
    at: datetime | None = None,
) -> Act:
    """Record whether offers on these topics relate to the contact's work duties (R-307)."""
    fact = RelevanceAssessed(
        topics=topics, related=related, evidence=evidence, thin=thin, decided_by=decided_by
    )
    return Act(fact=fact, at=at)


def check_list(checked: str, *, hit: bool, at: datetime | None = None) -> Act:
    """Record a look into a marketing ban list (R-315)."""
    return Act(fact=ListChecked(checked=CheckedList(checked), hit=hit), at=at)


def may_contact(*, channel: str, purpose: str, selected_by: Iterable[str] = ()) -> MayContact:
    """Ask whether a marketing message may go out; ask again when sending (R-331)."""
    return MayContact(channel=channel, purpose=purpose, selected_by=selected_by)


def may_move(purpose: str | None = None) -> MayMove:
    """Ask whether the person may move into the direct-marketing register (R-403)."""
    return MayMove(purpose=purpose)
