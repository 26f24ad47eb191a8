"""The case every policy is asked about: one person's standing, the register, the law, the moment.

Also the few questions of fact that several policies share: what day is it for the controller, is
the relation over, is something in the way of any processing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cached_property, wraps
from typing import Any, Final, TypeVar, final
from zoneinfo import ZoneInfo

import attrs

from gdprkit.policy.decisions import Decision, Reason
from gdprkit.policy.law import FI_2026, LawProfile
from gdprkit.register.purposes import Purpose
from gdprkit.register.register import Register
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.standing import Standing
from gdprkit.words.identifiers import PurposeId, SubjectId
from gdprkit.words.moments import civil_date, end_of_day, utc_moment
from gdprkit.words.vocabulary import Channel, SubjectKind

__all__ = ["FORMER", "Case", "Suppressed", "counted_once"]

T = TypeVar("T")

#: The relation is over: rows FCON and FB2B of the matrix.
FORMER = frozenset(
    {
        ConnectionStatus.ENDED,
        ConnectionStatus.MARKETING,
        ConnectionStatus.ARCHIVE,
        ConnectionStatus.ERASED,
        ConnectionStatus.UNPROVEN,
        ConnectionStatus.DECEASED,
    }
)

_BUSINESS = frozenset(
    {SubjectKind.COMPANY_CONTACT, SubjectKind.GENERIC_ADDRESS, SubjectKind.SOLE_TRADER}
)


@final
@attrs.frozen(kw_only=True)
class Suppressed:
    """A look into the suppression list (R-312).

    Args:
        looked: Channels whose contact points were looked up.
        hits: Those found, with the moment since when.
    """

    looked: frozenset[Channel] = frozenset()
    hits: Mapping[Channel, datetime] = attrs.field(factory=dict)


@final
@attrs.frozen(kw_only=True)
class Case:
    """What a policy may know.

    Args:
        standing: The person's standing at the moment asked about.
        register: What the controller declares.
        at: The moment asked about; kept in UTC.
        law: The numbers in force.
        about: The person, for the decision's record.
        surviving: The standings of the lines that go on in place of a line that was merged away,
            nearest first: the same person, so what keeps them keeps this one.
        organisation: The standing of the organisation the person acts for, where it has a line of
            its own (R-418).
        suppressed: What the suppression list says about the person's contact points; None means
            nobody looked, which never allows a move.
    """

    standing: Standing
    register: Register
    at: datetime = attrs.field(converter=utc_moment)
    law: LawProfile = FI_2026
    about: SubjectId | None = None
    suppressed: Suppressed | None = None
    organisation: Standing | None = None
    surviving: tuple[Standing, ...] = ()
    counted: dict[object, Any] = attrs.field(factory=dict, init=False, eq=False, repr=False)
    """What was counted for this very case, so that it is counted once: a case never changes."""

    @property
    def zone(self) -> ZoneInfo:
        """The controller's zone: civil days are counted there."""
        return self.register.zone

    @cached_property
    def today(self) -> date:
        """The controller's civil day at the moment asked about."""
        return civil_date(self.at, self.zone)

    def end_of(self, day: date) -> datetime:
        """Return the instant at which *day* is over for the controller."""
        return end_of_day(day, self.zone)

    def decision(
        self, question: str, reasons: tuple[Reason, ...], *, cell: str | None = None
    ) -> Decision:
        """Return the answer to a *may* question about this person, now, under this law."""
        last = self.law.valid_to
        return Decision(
            question=question,
            about=self.about,
            at=self.at,
            law=self.law.id,
            law_until=None if last is None else self.end_of(last),
            reasons=reasons,
            cell=cell,
        )

    def purpose(self, purpose: str) -> Purpose:
        """Return a declared purpose; raises UnknownPurpose with did-you-mean."""
        return self.register.purpose(PurposeId(purpose))

    @property
    def is_former(self) -> bool:
        """Whether the relation is over."""
        return self.standing.status in FORMER

    @property
    def is_business(self) -> bool:
        """Whether we know the person through work; then adult age is presumed (R-112)."""
        return self.standing.data.kind in _BUSINESS


_NOTHING: Final = object()


def counted_once(count: Callable[[Case], T]) -> Callable[[Case], T]:
    """Keep what *count* says of a case with the case: asked again, it is not counted again."""

    @wraps(count)
    def counted(case: Case) -> T:
        found = case.counted.get(counted, _NOTHING)
        if found is _NOTHING:
            found = case.counted[counted] = count(case)
        known: T = found
        return known

    return counted
