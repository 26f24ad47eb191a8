"""Requests of the data subject (GDPR Art. 12, 15 to 22): one fact for each step.

The order of steps is a table in ``gdprkit.state.request``; the time limits are the policy's. What
the person wrote is a sealed value, never part of the fact.
"""

from __future__ import annotations

from typing import Any, TypeAlias, final

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.facts._shape import frozen, pointer
from gdprkit.facts.sealed import SealedValue
from gdprkit.words.identifiers import CaseId, FieldId
from gdprkit.words.vocabulary import Actor, IntakeChannel, RefusalGround, Right

__all__ = [
    "ClarificationReceived",
    "ClarificationRequested",
    "FeeAnnounced",
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
    """

    case: CaseId
    right: Right
    channel: IntakeChannel
    fields: frozenset[FieldId] = attrs.field(default=frozenset(), converter=frozen)
    requester: Actor = Actor.SUBJECT
    text: SealedValue | None = None


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
    """

    case: CaseId
    reasonable_doubt: bool
    prompt: bool


@final
@attrs.frozen(kw_only=True)
class IdentityInsufficient:
    """What the person sent does not settle who they are."""

    case: CaseId


@final
@attrs.frozen(kw_only=True)
class IdentityConfirmed:
    """Identity is settled. The proof itself is not kept (R-522)."""

    case: CaseId


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
    """The person specified, or insisted on everything."""

    case: CaseId


@final
@attrs.frozen(kw_only=True)
class FeeAnnounced:
    """A fee was announced (GDPR Art. 12(5)); never suspends the clock.

    Args:
        case: The request.
        finding: Reference of a person's written finding.
    """

    case: CaseId
    finding: str = attrs.field(validator=pointer(200))


@final
@attrs.frozen(kw_only=True)
class HandlingBegun:
    """Work on the answer began."""

    case: CaseId


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
class RequestFulfilled:
    """The request was fulfilled and the person told.

    Args:
        case: The request.
        sent: Pointer to the text sent; a request never closes in silence (R-528).
    """

    case: CaseId
    sent: str = attrs.field(validator=pointer(200))


@final
@attrs.frozen(kw_only=True)
class RequestPartlyRefused:
    """Part was fulfilled and part refused; the letter holds the reasons (R-528)."""

    case: CaseId
    grounds: frozenset[RefusalGround] = attrs.field(converter=frozen, validator=_some_ground)
    sent: str = attrs.field(validator=pointer(200))


@final
@attrs.frozen(kw_only=True)
class RequestRefused:
    """The request was refused with reasons, complaint and remedy told (GDPR Art. 12(4))."""

    case: CaseId
    grounds: frozenset[RefusalGround] = attrs.field(converter=frozen, validator=_some_ground)
    sent: str = attrs.field(validator=pointer(200))


@final
@attrs.frozen(kw_only=True)
class SubjectNotIdentifiable:
    """The controller shows that it cannot identify the person (GDPR Art. 11(2); R-523)."""

    case: CaseId
    sent: str = attrs.field(validator=pointer(200))


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
