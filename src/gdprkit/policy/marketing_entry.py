"""What the marketing register may hold of a person: which fields, on which channels, how long.

Decides the white list of R-404, the expiry of R-406 and R-407, and which values would move. Leaves
out whether the move is allowed: that is for the guards in ``policy.connection``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from gdprkit.policy.basis import assessment_reasons
from gdprkit.policy.case import Case
from gdprkit.policy.consent import valid_consent
from gdprkit.policy.decisions import (
    Outcome,
)
from gdprkit.policy.marketing import usable_channels
from gdprkit.register.purposes import Purpose
from gdprkit.state.data import HeldValue
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.moments import add_months, civil_date
from gdprkit.words.vocabulary import (
    Channel,
    FieldKind,
    FilingSystem,
)

__all__ = [
    "CONTACT_POINTS",
    "WHITELIST",
    "entry_channels",
    "marketing_purpose",
    "movable",
    "register_expiry",
]

#: Contact point -> the channels it serves: a number is called and sent messages (R-302, R-304).
CONTACT_POINTS: Final[Mapping[FieldKind, frozenset[Channel]]] = {
    FieldKind.EMAIL: frozenset({Channel.EMAIL}),
    FieldKind.PHONE: frozenset({Channel.PHONE, Channel.SMS}),
    FieldKind.POSTAL_ADDRESS: frozenset({Channel.POST}),
}

#: Kinds of fields that may stand in the marketing register (R-404); everything else never moves.
WHITELIST: Final = frozenset(
    {
        FieldKind.NAME,
        FieldKind.ORGANISATION,
        FieldKind.ROLE,
        FieldKind.LANGUAGE,
        FieldKind.PRODUCT_AREA,
        *CONTACT_POINTS,
    }
)


_NO_MARKETING: Final = Purpose(id=PurposeId("direct-marketing"), label="none declared")


def marketing_purpose(case: Case, purpose: str | None = None) -> Purpose:
    """Return the purpose of the marketing register.

    Where none is named and none declared, a purpose that moves nobody: the review after the end
    still has to erase and archive.

    Raises:
        UnknownPurpose: the register does not declare the purpose that was named.
    """
    declared = case.register.marketing_register
    if purpose is None and declared is None:
        return case.register.purposes.get(_NO_MARKETING.id, _NO_MARKETING)
    return case.purpose(purpose or (declared.purpose if declared else _NO_MARKETING.id))


def register_expiry(case: Case, purpose: Purpose | None = None) -> date | None:
    """Return the last day a marketing entry could last (R-406, R-407), or None without an end.

    The earliest of: the connection's end plus the register's period; the person's own last act plus
    its cap; the last day of a merged line's entry (R-416); and, where the register rests on consent
    alone, the day that consent ends. What we send counts for nothing.
    """
    ended = case.standing.connection.ended_on
    declared = case.register.marketing_register
    if ended is None:
        return None
    ends = [add_months(ended, case.law.register_months)]
    ends += [merged.on for merged in case.standing.connection.merged_expiries]
    last_act = case.standing.data.last_act
    if last_act is not None:
        ends.append(add_months(civil_date(last_act, case.zone), case.law.register_cap_months))
    if declared is not None:
        ends.append(declared.keep.after(ended))
        if last_act is not None:
            ends.append(declared.cap.after(civil_date(last_act, case.zone)))
    if purpose is not None and not _assessed(case, purpose):
        consents = [
            consent.until
            for channel in purpose.channels
            if (consent := valid_consent(case, purpose.id, channel)) is not None
        ]
        if consents:  # until is the midnight after the last day
            ends.append(civil_date(max(consents), case.zone) - timedelta(days=1))
    return min(ends)


def _assessed(case: Case, purpose: Purpose) -> bool:
    """Whether an assessment for former customers carries the register (T2)."""
    reasons = assessment_reasons(case, purpose, former=True)
    return all(reason.outcome is Outcome.ALLOWED for reason in reasons)


def entry_channels(case: Case, purpose: Purpose) -> frozenset[Channel]:
    """Return the channels an entry would serve (T9): where a consent alone carries the register,
    those it names (T2).
    """
    usable = usable_channels(case, purpose, as_member=True)
    if _assessed(case, purpose):
        return usable
    return frozenset(c for c in usable if valid_consent(case, purpose.id, c) is not None)


def movable(case: Case, purpose: Purpose, usable: frozenset[Channel]) -> tuple[HeldValue, ...]:
    """Return the values that may be copied: whitelisted, declared for the purpose, untagged, and
    contact points of usable channels only (T7, T8, T9).
    """
    found = []
    for value in case.standing.data.held(FilingSystem.CUSTOMER):
        declared = case.register.fields.get(value.field)
        if declared is None or declared.kind not in WHITELIST or value.field not in purpose.fields:
            continue
        if declared.tags:
            continue
        channels = CONTACT_POINTS.get(declared.kind)
        if channels is None or channels & usable:
            found.append(value)
    return tuple(found)
