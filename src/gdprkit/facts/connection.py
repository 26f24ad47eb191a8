"""The substantive connection between controller and person: started, ended, why.

"Substantive connection" is a fact about a relation, not a legal basis (R-104). Its end starts the
review of R-402.
"""

from __future__ import annotations

from datetime import date
from typing import final

import attrs

from gdprkit.facts._shape import civil_day, name_or_none, pointer
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import Activity, EndCause

__all__ = ["ActivityNoted", "ConnectionEnded", "ConnectionStarted"]


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
