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
from gdprkit.policy.advertising import MayAdvertise
from gdprkit.policy.connection import MayMove
from gdprkit.policy.marketing import MayContact
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import Actor, Channel, CheckedList, IntakeChannel, Occasion

__all__ = [
    "MayAdvertise",
    "MayContact",
    "MayMove",
    "assess_relevance",
    "check_list",
    "may_advertise",
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
    occasion: str = Occasion.SALE,
    buyer: str = Actor.SUBJECT,
    at: datetime | None = None,
) -> Act:
    """Record that contact details were obtained in connection with a sale (ECSA s. 200(3)).

    Args:
        channels: Channels of the details obtained.
        product_group: Group of what was sold.
        refusal_offered: An easy, free way to refuse was offered then.
        option_told: The person was told of it clearly.
        occasion: A word of ``Occasion``; a contest or a quote is no sale.
        buyer: ``subject``, or ``company`` where the person's company bought.
        at: When; by default now.
    """
    fact = AddressObtainedAtSale(
        channels=[Channel(c) for c in channels],
        product_group=product_group,
        refusal_offered=refusal_offered,
        option_told=option_told,
        occasion=Occasion(occasion),
        buyer=Actor(buyer),
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


def may_contact(
    *,
    channel: str,
    purpose: str,
    selected_by: Iterable[str] = (),
    asked_for: bool = False,
    automated: bool = False,
) -> MayContact:
    """Ask whether a marketing message may go out; ask again when sending (R-331).

    Args:
        channel: A word of ``Channel``.
        purpose: The declared marketing purpose.
        selected_by: Fields used to choose the person.
        asked_for: The person asked for this call (R-305).
        automated: A machine calls, on the channel ``sms``.
    """
    return MayContact(
        channel=channel,
        purpose=purpose,
        selected_by=selected_by,
        asked_for=asked_for,
        automated=automated,
    )


def may_advertise(
    kind: str, *, purpose: str, cookie: str | None = None, platform: str | None = None
) -> MayAdvertise:
    """Ask whether an advertisement may be shown online (table M-OA).

    Args:
        kind: A word of ``AdKind``.
        purpose: The declared marketing purpose.
        cookie: The declared item on the device it uses.
        platform: The declared recipient that gets the audience.
    """
    return MayAdvertise(kind=kind, purpose=purpose, cookie=cookie, platform=platform)


def may_move(purpose: str | None = None) -> MayMove:
    """Ask whether the person may move into the direct-marketing register (R-403)."""
    return MayMove(purpose=purpose)
