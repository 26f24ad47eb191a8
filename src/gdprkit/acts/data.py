"""Data: collect, rectify, circumstances, notices, disclosure; whether processing is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from gdprkit.acts.act import Act
from gdprkit.facts.data import CircumstanceNoted, DataCollected, DataRectified
from gdprkit.facts.disclosure import Disclosed, RecipientNotified
from gdprkit.facts.notice import NoticeGiven
from gdprkit.policy.disclosure import MayDisclose
from gdprkit.policy.processing import MayProcess
from gdprkit.policy.transfer import MayTransfer
from gdprkit.words.identifiers import (
    FieldId,
    NoticeId,
    PurposeId,
    RecipientId,
    Slot,
    SourceId,
)
from gdprkit.words.vocabulary import Circumstance, Right

__all__ = [
    "MayDisclose",
    "MayProcess",
    "MayTransfer",
    "collect",
    "disclose",
    "give_notice",
    "may_disclose",
    "may_process",
    "may_transfer",
    "note",
    "notify_recipient",
    "rectify",
]


def collect(
    fields: Mapping[str, object],
    *,
    source: str,
    notice: str | None = None,
    at: datetime | None = None,
) -> Act:
    """Record that data was collected; every value is sealed before anything is stored.

    Args:
        fields: Declared field -> value.
        source: The declared source (R-314: mandatory).
        notice: The notice shown at collection.
        at: When; by default now.
    """
    fact = DataCollected(
        values=(),
        source=SourceId(source),
        notice=NoticeId(notice) if notice is not None else None,
    )
    return Act(fact=fact, at=at, personal=fields)


def rectify(
    fields: Mapping[str, object],
    *,
    source: str,
    replaces: Iterable[Slot] = (),
    at: datetime | None = None,
) -> Act:
    """Record a correction or completion (GDPR Art. 16); the replaced values are erased with it.

    Args:
        fields: Declared field -> corrected value.
        source: Where the correction came from.
        replaces: The slots to replace, where a field holds more than one value.
        at: When it was asked for; the correction itself is done now.
    """
    fact = DataRectified(values=(), replaced=replaces, source=SourceId(source))
    return Act(fact=fact, at=at, personal=fields)


def note(circumstance: str, *, holds: bool = True, at: datetime | None = None) -> Act:
    """Record a circumstance that opens or closes doors, or that it does not hold."""
    return Act(fact=CircumstanceNoted(circumstance=Circumstance(circumstance), holds=holds), at=at)


def give_notice(notice: str, *, language: str = "en", at: datetime | None = None) -> Act:
    """Record that the person was given a version of a notice (GDPR Art. 13, 14)."""
    return Act(fact=NoticeGiven(notice=NoticeId(notice), language=language), at=at)


def disclose(
    recipient: str,
    *,
    purpose: str,
    fields: Iterable[str],
    transfer: str | None = None,
    at: datetime | None = None,
) -> Act:
    """Record a disclosure to a recipient; *transfer* names a third-country flow."""
    fact = Disclosed(
        recipient=RecipientId(recipient),
        purpose=PurposeId(purpose),
        fields=[FieldId(f) for f in fields],
        transfer=transfer,
    )
    return Act(fact=fact, at=at)


def notify_recipient(
    recipient: str, *, about: str, untold: str | None = None, at: datetime | None = None
) -> Act:
    """Record that a recipient was told (GDPR Art. 19).

    Args:
        recipient: The declared recipient.
        about: A word of ``Right``: what happened.
        untold: Pointer to the note why telling is impossible or out of proportion.
        at: When; by default now.
    """
    fact = RecipientNotified(recipient=RecipientId(recipient), about=Right(about), untold=untold)
    return Act(fact=fact, at=at)


def may_disclose(recipient: str, *, purpose: str, fields: Iterable[str] = ()) -> MayDisclose:
    """Ask whether data may be disclosed to a recipient (R-118, R-705); no fields means all."""
    return MayDisclose(recipient=recipient, purpose=purpose, fields=frozenset(fields))


def may_transfer(transfer: str, *, purpose: str, fields: Iterable[str] = ()) -> MayTransfer:
    """Ask whether data may go out on a declared flow to a third country (R-711 to R-714)."""
    return MayTransfer(transfer=transfer, purpose=purpose, fields=frozenset(fields))


def may_process(purpose: str, field: str | None = None) -> MayProcess:
    """Ask whether data may be processed for a purpose."""
    return MayProcess(purpose=purpose, field=field)
