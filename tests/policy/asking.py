"""May this person be contacted? The question in one call, and what its answer rests on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.policy.support import CLEAR, MARKETING, case

from gdprkit.facts.entry import Fact
from gdprkit.policy.case import Suppressed
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.marketing import MayContact, may_contact
from gdprkit.register.register import Register
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import Channel


def ask(
    *facts: Fact | tuple[datetime, Fact],
    channel: Channel = Channel.EMAIL,
    purpose: PurposeId = MARKETING,
    at: datetime | None = None,
    register: Register | None = None,
    suppressed: Suppressed = CLEAR,
    as_member: bool = False,
    **more: Any,
) -> Decision:
    """Ask about a life; nobody is on the suppression list unless told otherwise."""
    found = case(*facts, at=at, register=register, suppressed=suppressed)
    question = MayContact(channel=channel, purpose=purpose, **more)
    return may_contact(found, question, as_member=as_member)


def resting(decision: Decision) -> dict[str, tuple[int, ...]]:
    """Return for each code the entries it rests on."""
    return {reason.code: reason.evidence for reason in decision.reasons}


def forbidden(decision: Decision) -> dict[str, tuple[int, ...]]:
    """Return the same for the reasons that forbid."""
    return {r.code: r.evidence for r in decision.reasons if r.outcome is Outcome.FORBIDDEN}
