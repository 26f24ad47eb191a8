"""The substantive connection between controller and person: started, tied, ended, why.

"Substantive connection" is a fact about a relation, not a legal basis (R-104). Its end starts the
review of R-402.
"""

from __future__ import annotations

from datetime import date
from typing import final

import attrs

from gdprkit.facts._shape import civil_day, name_or_none, pointer
from gdprkit.words.identifiers import PurposeId, SubjectId
from gdprkit.words.vocabulary import Activity, Actor, EndCause

__all__ = [
    "ActivityNoted",
    "ConnectionEnded",
    "ConnectionStarted",
    "ConnectionTied",
    "ContactHeld",
    "OldEntryFound",
    "RoleTaken",
]


@final
@attrs.frozen(kw_only=True)
class ConnectionStarted:
    """A customer relation, contract or other substantive connection began, or began anew (R-411).

    Args:
        reference: The controller's own pointer, for instance a contract number.
        purpose: The purpose it serves, where one is named.
    """

    reference: str = attrs.field(validator=pointer(200))
    purpose: PurposeId | None = attrs.field(default=None, validator=name_or_none)


@final
@attrs.frozen(kw_only=True)
class ConnectionEnded:
    """The substantive connection ended.

    Args:
        on: The civil day of the end, in the controller's zone.
        cause: Why.
        evidence: Pointer to what shows it (R-401; T1 of R-403); None leaves the end unproved.
    """

    on: date = attrs.field(validator=civil_day)
    cause: EndCause
    evidence: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(pointer(200))
    )


@final
@attrs.frozen(kw_only=True)
class ActivityNoted:
    """The person did something of their own accord: the cap of the register counts from it (R-406).

    What the controller sends, and a mail that is opened, count for nothing.
    """

    activity: Activity


@final
@attrs.frozen(kw_only=True)
class ConnectionTied:
    """Something ties the person to the controller until a day (R-401).

    A contract that runs, a delivery or service still due, a warranty or maintenance, an invoice not
    settled, a claim not closed. Noted again under the same cause and reference, the new day counts.

    Args:
        cause: Which of them; dormancy, explicit acts and death are none.
        reference: The controller's own pointer, for instance a contract number.
        until: The last day it ties; None while that day is not known yet.
        evidence: Pointer to what shows it.
    """

    cause: EndCause
    reference: str = attrs.field(validator=pointer(200))
    until: date | None = attrs.field(default=None, validator=attrs.validators.optional(civil_day))
    evidence: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(pointer(200))
    )


@final
@attrs.frozen(kw_only=True)
class ContactHeld:
    """Person and controller were in contact, both ways: a meeting, a call, letters (R-401).

    A message nobody answered is none. Only a contact the person began is an act of their own.

    Args:
        begun_by: Who began it: a prospect stays connected by what they began themselves.
        evidence: Pointer to what shows it.
    """

    begun_by: Actor
    evidence: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(pointer(200))
    )


@final
@attrs.frozen(kw_only=True)
class RoleTaken:
    """The person acts for an organisation that has a line of its own (R-418).

    What the organisation prohibits stays on its line, whoever its contacts are.
    """

    organisation: SubjectId


@final
@attrs.frozen(kw_only=True)
class OldEntryFound:
    """The person stands in an old marketing register and no proof of the move is there (R-420).

    Args:
        reference: The controller's pointer to the old register, for instance a file number.
    """

    reference: str = attrs.field(validator=pointer(200))
