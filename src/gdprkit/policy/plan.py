"""Plans: what is to be done with each value of one person, shown before anything is done.

A plan is data. It is approved by its digest, applied exactly, and refused when the facts it rests
on have changed. Doubt keeps: what no rule decides is kept and listed.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import final

import attrs

from gdprkit.policy.decisions import Decision
from gdprkit.words.identifiers import FieldId, PurposeId, Slot, SubjectId
from gdprkit.words.vocabulary import ErasureReason, FilingSystem

__all__ = ["Plan", "PlanAction", "PlanItem"]


class PlanAction(StrEnum):
    """What happens to one value."""

    MOVE = "move"  # copied into the direct-marketing register; the original goes its own way
    ARCHIVE = "archive"  # copied into the archive for one duty or claim
    ERASE = "erase"
    KEEP = "keep"


@final
@attrs.frozen(kw_only=True)
class PlanItem:
    """One value and what happens to it.

    Args:
        slot: The value.
        field: Its field.
        filing: Where it lies now.
        action: What happens.
        purpose: For MOVE and ARCHIVE: the purpose it then serves.
        until: The last day it is then kept.
        code: Why, as a stable word.
        rule: Rule id that decides.
    """

    slot: Slot
    field: FieldId
    filing: FilingSystem
    action: PlanAction
    purpose: PurposeId | None = None
    until: date | None = None
    code: str
    rule: str


@final
@attrs.frozen(kw_only=True)
class Plan:
    """What is to be done, why, and the facts it rests on.

    Args:
        kind: ``after-end``, ``erasure`` or ``due``.
        question: What was asked; asking again at the moment of deed must give the same plan.
        about: The person.
        made_at: When it was made, UTC.
        position: The last entry it has read; a later one makes it stale.
        law: Id of the law profile.
        register: Hash of the declared register it was made under.
        items: Every value held, each with what happens to it; a value may be moved and archived.
        reason: Why values are erased.
        decision: The decision about the move, where one was asked.
        waiting_for: What has to happen first; then the plan has nothing to do yet.
        erases_person: Nothing stays: the subject key is destroyed.
        expires_on: Last day of the new entry in the marketing register.
        ends_marketing: The entry in the marketing register ends.
        objects: The request counts as an objection to marketing (R-414), which is recorded also
            where a hold or a duty keeps every value.
        reference: The controller's pointer, for instance a request number.
    """

    kind: str
    question: object
    about: SubjectId
    made_at: datetime
    position: int
    law: str
    register: str
    items: tuple[PlanItem, ...]
    reason: ErasureReason
    decision: Decision | None = None
    waiting_for: tuple[str, ...] = ()
    erases_person: bool = False
    expires_on: date | None = None
    ends_marketing: bool = False
    objects: bool = False
    reference: str = "plan"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything the plan would do, hexadecimal: the approval names it."""
        body = {
            "about": str(self.about),
            "ends_marketing": self.ends_marketing,
            "erases_person": self.erases_person,
            "expires_on": str(self.expires_on),
            "items": [
                [str(i.slot), i.field, i.filing, i.action, i.purpose, str(i.until), i.code]
                for i in self.items
            ],
            "kind": self.kind,
            "law": self.law,
            "objects": self.objects,
            "position": self.position,
            "reason": self.reason,
            "reference": self.reference,
            "register": self.register,
        }
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(b"gdprkit/plan/v1\0" + text.encode()).hexdigest()

    def of(self, *actions: PlanAction) -> tuple[PlanItem, ...]:
        """Return the items with one of the *actions*."""
        return tuple(item for item in self.items if item.action in actions)

    @property
    def has_work(self) -> bool:
        """Whether applying the plan would change anything."""
        return (
            self.erases_person
            or self.objects
            or self.ends_marketing
            or len(self.of(PlanAction.KEEP)) < len(self.items)
        )
