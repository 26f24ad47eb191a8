"""Requests of the data subject (GDPR Art. 12, 15 to 22): one fact for each step.

The order of steps is a table in ``gdprkit.state.request``; the time limits are the policy's. What
the person wrote is a sealed value, never part of the fact. Together the steps are the log of a
request (R-521): when and how it came, who asked, what was asked back, what was decided for which
field, which text was sent and when it was delivered.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, TypeAlias, final

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.facts._shape import civil_day, frozen, name, name_or_none, ordered, pointer
from gdprkit.facts.sealed import SealedValue
from gdprkit.words.identifiers import CaseId, FieldId, PurposeId
from gdprkit.words.moments import utc_moment
from gdprkit.words.vocabulary import (
    Actor,
    ErasureReason,
    IdentityMethod,
    IntakeChannel,
    LetterItem,
    RefusalGround,
    RestrictionGround,
    Right,
)

__all__ = [
    "ClarificationReceived",
    "ClarificationRequested",
    "FeeAnnounced",
    "FieldDecision",
    "HandlingBegun",
    "IdentityConfirmed",
    "IdentityInsufficient",
    "IdentityRequested",
    "RequestAcknowledged",
    "RequestExtended",
    "RequestFulfilled",
    "RequestPartlyRefused",
    "RequestReceived",
    "RequestRefused",
    "RequestStep",
    "RequestWithdrawn",
    "SubjectNotIdentifiable",
]


def _short_or_empty(instance: object, attribute: attrs.Attribute[Any], value: str) -> None:
    if value != "":
        pointer(1000)(instance, attribute, value)


def _moment_or_none(value: datetime | None) -> datetime | None:
    return None if value is None else utc_moment(value, "delivered")


_pointer_or_none = attrs.validators.optional(pointer(200))


def _some_ground(
    _: object, attribute: attrs.Attribute[frozenset[RefusalGround]], value: frozenset[RefusalGround]
) -> None:
    if not value:
        raise InvalidValue(attribute.name, "is empty", "name at least one ground (GDPR Art. 12(4))")


@final
@attrs.frozen(kw_only=True)
class RequestReceived:
    """A request reached an official channel; the entry's ``at`` is the instant of receipt (R-550).

    Args:
        case: The request's id.
        right: Which right.
        channel: How it came; any channel counts (R-520).
        fields: Fields it is limited to; empty means all.
        requester: Who asked.
        text: What the person wrote, sealed; None where nothing was kept.
        purpose: The purpose it is limited to; None means all.
        erasure_ground: The ground of Art. 17(1) the words clearly name.
        restriction_ground: The ground of Art. 18(1) the words clearly name.
        authority: Pointer to the authority of an agent or guardian that was checked (R-522).
    """

    case: CaseId
    right: Right
    channel: IntakeChannel
    fields: frozenset[FieldId] = attrs.field(default=frozenset(), converter=frozen)
    requester: Actor = Actor.SUBJECT
    text: SealedValue | None = None
    purpose: PurposeId | None = attrs.field(default=None, validator=name_or_none)
    erasure_ground: ErasureReason | None = None
    restriction_ground: RestrictionGround | None = None
    authority: str | None = attrs.field(default=None, validator=_pointer_or_none)


@final
@attrs.frozen(kw_only=True)
class RequestAcknowledged:
    """Receipt was confirmed; never moves the clock."""

    case: CaseId


@final
@attrs.frozen(kw_only=True)
class IdentityRequested:
    """Proof of identity was asked for (GDPR Art. 12(6); R-522, R-553).

    Args:
        case: The request.
        reasonable_doubt: There was a reason to doubt.
        prompt: It was asked without undue delay. Both are needed to suspend the time limit.
        method: What was asked for.
        doubt: Pointer to the note of why it was doubted.
    """

    case: CaseId
    reasonable_doubt: bool
    prompt: bool
    method: IdentityMethod | None = None
    doubt: str | None = attrs.field(default=None, validator=_pointer_or_none)


@final
@attrs.frozen(kw_only=True)
class IdentityInsufficient:
    """What the person sent does not settle who they are."""

    case: CaseId


@final
@attrs.frozen(kw_only=True)
class IdentityConfirmed:
    """Identity is settled. The proof itself is not kept (R-522).

    Args:
        case: The request.
        method: How it was settled.
    """

    case: CaseId
    method: IdentityMethod | None = None


@final
@attrs.frozen(kw_only=True)
class ClarificationRequested:
    """The person was asked to specify (recital 63; R-524, R-553)."""

    case: CaseId
    large_volume: bool
    prompt: bool


@final
@attrs.frozen(kw_only=True)
class ClarificationReceived:
    """The person specified, or insisted on everything (R-524).

    Args:
        case: The request.
        everything: The person wants all of it; nobody asks again.
    """

    case: CaseId
    everything: bool = False


@final
@attrs.frozen(kw_only=True)
class FeeAnnounced:
    """A fee was announced (GDPR Art. 12(5)); never suspends the clock.

    Args:
        case: The request.
        finding: Reference of a person's written finding.
        decided_by: Staff role of who found it, never a name (R-525).
    """

    case: CaseId
    finding: str = attrs.field(validator=pointer(200))
    decided_by: str | None = attrs.field(default=None, validator=_pointer_or_none)


@final
@attrs.frozen(kw_only=True)
class HandlingBegun:
    """Work on the answer began; whoever asked the person something waits for it no more.

    Args:
        case: The request.
        assigned_to: Staff role of who works on it; for a review of an automated decision, of a
            person with authority to change it (R-509).
    """

    case: CaseId
    assigned_to: str | None = attrs.field(default=None, validator=_pointer_or_none)


@final
@attrs.frozen(kw_only=True)
class RequestExtended:
    """The time limit was extended and the person told, at the entry's ``at`` (R-530, R-559).

    Args:
        case: The request.
        months: Further months, 1 or 2 by law; the policy checks.
        reasons: The reasons told; empty makes the extension invalid.
    """

    case: CaseId
    months: int
    reasons: str = attrs.field(default="", validator=_short_or_empty)


@final
@attrs.frozen(kw_only=True)
class FieldDecision:
    """What was decided for one field, for one purpose or for all (R-503, R-521).

    Args:
        field: The field.
        purpose: The purpose; None means every purpose that uses the field.
        refused: The ground of the refusal; None means it was granted.
        until: The last day the refusal holds, where it ends by itself.
    """

    field: FieldId = attrs.field(validator=name)
    purpose: PurposeId | None = attrs.field(default=None, validator=name_or_none)
    refused: RefusalGround | None = None
    until: date | None = attrs.field(default=None, validator=attrs.validators.optional(civil_day))


@attrs.frozen(kw_only=True)
class _Ending:
    """What every answer that closes a request holds.

    Args:
        case: The request.
        sent: Pointer to the text sent; a request never closes in silence (R-528).
        delivered: When it was handed over or dispatched; None where not noted.
        proof: Pointer to the proof of that.
        letter: What the text holds, as a person went through it; empty where nobody did.
        finding: Pointer to the written finding it rests on, where the law wants one.
        decided_by: Staff role of who decided, never a name.
    """

    case: CaseId
    sent: str = attrs.field(validator=pointer(200))
    delivered: datetime | None = attrs.field(default=None, converter=_moment_or_none)
    proof: str | None = attrs.field(default=None, validator=_pointer_or_none)
    letter: frozenset[LetterItem] = attrs.field(default=frozenset(), converter=frozen)
    finding: str | None = attrs.field(default=None, validator=_pointer_or_none)
    decided_by: str | None = attrs.field(default=None, validator=_pointer_or_none)


@final
@attrs.frozen(kw_only=True)
class RequestFulfilled(_Ending):
    """The request was fulfilled and the person told; what it holds is that of every ending.

    Args:
        decisions: What was decided field by field.
    """

    decisions: tuple[FieldDecision, ...] = attrs.field(default=(), converter=ordered)


@final
@attrs.frozen(kw_only=True)
class RequestPartlyRefused(_Ending):
    """Part was fulfilled and part refused; the letter holds the reasons (R-528).

    Args:
        grounds: Why the refused part was refused.
        decisions: What was decided field by field.
    """

    grounds: frozenset[RefusalGround] = attrs.field(converter=frozen, validator=_some_ground)
    decisions: tuple[FieldDecision, ...] = attrs.field(default=(), converter=ordered)


@final
@attrs.frozen(kw_only=True)
class RequestRefused(_Ending):
    """The request was refused with reasons, complaint and remedy told (GDPR Art. 12(4)).

    Args:
        grounds: Why.
        decisions: What was decided field by field.
    """

    grounds: frozenset[RefusalGround] = attrs.field(converter=frozen, validator=_some_ground)
    decisions: tuple[FieldDecision, ...] = attrs.field(default=(), converter=ordered)


@final
@attrs.frozen(kw_only=True)
class SubjectNotIdentifiable(_Ending):
    """The controller shows that it cannot identify the person (GDPR Art. 11(2); R-523)."""


@final
@attrs.frozen(kw_only=True)
class RequestWithdrawn:
    """The person withdrew the request."""

    case: CaseId


RequestStep: TypeAlias = (
    RequestAcknowledged
    | IdentityRequested
    | IdentityInsufficient
    | IdentityConfirmed
    | ClarificationRequested
    | ClarificationReceived
    | FeeAnnounced
    | HandlingBegun
    | RequestExtended
    | RequestFulfilled
    | RequestPartlyRefused
    | RequestRefused
    | SubjectNotIdentifiable
    | RequestWithdrawn
)
