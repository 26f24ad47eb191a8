"""Consent: give, refuse, withdraw, and ask whether one is in force (GDPR Art. 7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import final

import attrs

from gdprkit.acts.act import Act
from gdprkit.errors import EvidenceMissing
from gdprkit.facts.consent import (
    ConsentConfirmed,
    ConsentEvidence,
    ConsentGiven,
    ConsentRefused,
    ConsentRequested,
    ConsentWithdrawn,
)
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import Actor, Channel, ConsentMethod, IntakeChannel

__all__ = [
    "ConsentEvidence",
    "ConsentMethod",
    "HasConsent",
    "confirm",
    "give",
    "has_consent",
    "refuse",
    "request",
    "withdraw",
]


@final
@attrs.frozen(kw_only=True)
class HasConsent:
    """The question: is a valid consent in force for this purpose and channel?"""

    purpose: str
    channel: Channel | None = attrs.field(
        default=None, converter=attrs.converters.optional(Channel)
    )


def give(
    purpose: str,
    *,
    evidence: ConsentEvidence | None = None,
    channels: Iterable[str] = (),
    at: datetime | None = None,
) -> Act:
    """Record that a person agreed to one purpose.

    Args:
        purpose: The declared purpose.
        evidence: What proves it (Art. 7(1)).
        channels: The channels agreed to; by default those the register declares for the purpose.
        at: When; by default now.

    Raises:
        EvidenceMissing: there is no evidence.
    """
    if evidence is None:
        required = tuple(
            f.name for f in attrs.fields(ConsentEvidence) if f.default is attrs.NOTHING
        )
        raise EvidenceMissing(required)
    fact = ConsentGiven(
        purpose=PurposeId(purpose), channels=[Channel(c) for c in channels], evidence=evidence
    )
    return Act(fact=fact, at=at)


def request(
    purpose: str,
    *,
    evidence: ConsentEvidence,
    channels: Iterable[str] = (),
    at: datetime | None = None,
) -> Act:
    """Record a choice that waits for its confirmation by message: no consent yet (R-216).

    The message that asks for it carries no advertising. Unconfirmed, the choice lapses and the
    address goes.

    Args:
        purpose: The declared purpose.
        evidence: What proves the choice.
        channels: The channels chosen; by default those the register declares for the purpose.
        at: When; by default now.
    """
    fact = ConsentRequested(
        purpose=PurposeId(purpose), channels=[Channel(c) for c in channels], evidence=evidence
    )
    return Act(fact=fact, at=at)


def confirm(purpose: str, *, proof: str, at: datetime | None = None) -> Act:
    """Record that the person confirmed a requested consent: it counts from now (R-216).

    Args:
        purpose: The purpose it was requested for.
        proof: Pointer to the confirmation, for instance a token id.
        at: When; by default now.
    """
    return Act(fact=ConsentConfirmed(purpose=PurposeId(purpose), proof=proof), at=at)


def refuse(
    purpose: str, *, via: str, channels: Iterable[str] = (), at: datetime | None = None
) -> Act:
    """Record that a person expressly refused; no channels means those of the purpose."""
    fact = ConsentRefused(
        purpose=PurposeId(purpose),
        channels=[Channel(c) for c in channels],
        via=IntakeChannel(via),
    )
    return Act(fact=fact, at=at)


def withdraw(
    purpose: str | None = None,
    *,
    via: str,
    channels: Iterable[str] = (),
    by: str = Actor.SUBJECT,
    at: datetime | None = None,
) -> Act:
    """Record a withdrawal (Art. 7(3)); it needs no consent before.

    Args:
        purpose: The purpose; None where the words leave it open, then all marketing (R-210).
        via: How it reached the controller.
        channels: The channels; none means those of the purpose and those once agreed to, or every
            channel.
        by: Who withdrew.
        at: When it reached the controller; by default now.
    """
    fact = ConsentWithdrawn(
        purpose=PurposeId(purpose) if purpose is not None else None,
        channels=[Channel(c) for c in channels],
        via=IntakeChannel(via),
        by=Actor(by),
    )
    return Act(fact=fact, at=at)


def has_consent(purpose: str, channel: str | None = None) -> HasConsent:
    """Ask whether a valid consent is in force."""
    return HasConsent(purpose=purpose, channel=channel)
