"""May we contact this person with marketing, on this channel, for this purpose?

Evaluated in the order of precedence (R-316), stopping at the first step that forbids: the person's
state, their stops, the company's stop, closed data, minors, products that may not be offered in
calls, membership of the marketing register, then the cell of the matrix and its conditions. An
objection beats everything earlier and everything the controller does later; only a later valid
consent of the person outranks it, for its scope and while it lasts (R-317). Ask again when sending
(R-331): a stop recorded in between wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gdprkit.policy.case import Case
from gdprkit.policy.decisions import Decision, Outcome, Reason, forbid, need
from gdprkit.policy.marketing_steps import STEPS, UNSELECTED_STEPS
from gdprkit.policy.matrix import MATRIX, cell_id
from gdprkit.policy.placing import Asked, MayContact, place
from gdprkit.register.purposes import Purpose
from gdprkit.words.citations import (
    ecsa,
    gdpr,
)
from gdprkit.words.vocabulary import (
    Channel,
    MessagePart,
)

__all__ = ["MayContact", "is_marketing", "may_contact", "usable_channels"]

_SERVICE: Final = frozenset(
    {
        MessagePart.CONFIRMATION,
        MessagePart.DELIVERY,
        MessagePart.FAULT,
        MessagePart.SECURITY,
        MessagePart.INVOICE,
        MessagePart.CONTRACT,
    }
)


def is_marketing(parts: Iterable[str]) -> bool:
    """Tell whether a message made of these parts is direct marketing (R-301).

    Pure service messages are not; one part that promotes makes the whole marketing, and so does a
    request for consent to marketing: nobody who said no is asked again by it (R-212). A message of
    which nothing is known counts as marketing.

    Args:
        parts: Words of ``MessagePart``.

    Raises:
        InvalidValue: a part is no word of its list.
    """
    found = frozenset(MessagePart(part) for part in parts)
    return not found or not found <= _SERVICE


# --- the question -------------------------------------------------------------------------------

PURPOSE_NOT_MARKETING: Final = forbid("purpose-not-marketing", "R-301", gdpr("5(1)(b)"))
CHANNEL_NOT_DECLARED: Final = forbid("channel-not-declared", "R-301", gdpr("13(1)(c)"))
CHANNEL_NOT_DECIDED: Final = need(
    "channel-not-decided", "R-316", ecsa("205"), missing="the kind of advertising: may_advertise"
)


def may_contact(case: Case, question: MayContact, *, as_member: bool = False) -> Decision:
    """Decide whether a marketing message may go out on a channel (R-301 to R-331).

    Args:
        case: The person, the register, the moment.
        question: Channel and purpose.
        as_member: Decide as if the move into the marketing register were done (guard T9).

    Raises:
        UnknownPurpose, UnknownName: the register does not declare the purpose or a field.
    """
    purpose = case.purpose(question.purpose)
    channel = question.channel
    cell: str | None = None
    if not purpose.marketing:
        reasons: tuple[Reason, ...] = (PURPOSE_NOT_MARKETING,)
    elif channel not in purpose.channels:
        reasons = (CHANNEL_NOT_DECLARED,)
    elif channel not in MATRIX:  # online advertising has a table of its own
        reasons = (CHANNEL_NOT_DECIDED,)
    else:
        asked = place(case, question, purpose, as_member=as_member)
        cell = cell_id(channel, asked.row, asked.column)
        reasons = _in_order(asked)
    return case.decision("may_contact", reasons, cell=cell)


def _in_order(asked: Asked) -> tuple[Reason, ...]:
    """Ask step after step until one forbids; all reasons of that step are kept."""
    reasons: list[Reason] = []
    forbidden = False
    for step in STEPS if asked.question.selected_by else UNSELECTED_STEPS:
        for reason in step(asked):
            reasons.append(reason)
            if reason.outcome is _FORBIDDEN:
                forbidden = True
        if forbidden:
            break
    return tuple(reasons)


_FORBIDDEN: Final = Outcome.FORBIDDEN


def usable_channels(case: Case, purpose: Purpose, *, as_member: bool = False) -> frozenset[Channel]:
    """Return the channels on which the person may be contacted for this purpose, now."""
    return frozenset(
        channel
        for channel in purpose.channels
        if may_contact(case, MayContact(channel=channel, purpose=purpose.id), as_member=as_member)
    )
