"""What tests of plans share: small lives with chosen values, and plans written out in full."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import attrs
from tests.policy.support import CLEAR, START, case, ended, jot, related, sealed

from gdprkit.facts.connection import ConnectionStarted
from gdprkit.facts.data import DataCollected, SubjectAdded
from gdprkit.facts.entry import Fact
from gdprkit.facts.notice import NoticeGiven
from gdprkit.policy.case import Case
from gdprkit.policy.plan import Plan, PlanAction, PlanItem
from gdprkit.words.identifiers import FieldId, NoticeId, PurposeId, SourceId, SubjectId
from gdprkit.words.vocabulary import FilingSystem, SubjectKind

ABOUT = SubjectId(sealed("person").slot)
FORM = SourceId("contact-form")
ENDED = date(2026, 1, 1)


def later(days: float) -> datetime:
    return START + timedelta(days=days)


def holding(*fields: str, kind: SubjectKind = SubjectKind.COMPANY_CONTACT) -> list[Fact]:
    """Return the facts of somebody told of marketing, with values of these fields only."""
    return [
        SubjectAdded(kind=kind, source=FORM),
        NoticeGiven(notice=NoticeId("v7")),
        DataCollected(values=[sealed(field) for field in fields], source=FORM),
    ]


def live(*fields: str) -> list[Fact]:
    """Return the facts of a customer's contact with values of these fields only."""
    return [*holding(*fields), ConnectionStarted(reference="contract-1"), related()]


def over(*fields: str) -> list[Fact]:
    """Return the same for a connection that ended on 1 January 2026, with evidence."""
    return [*live(*fields), ended(ENDED)]


def asked(facts: Iterable[Any], **more: Any) -> Case:
    """Return the case of a person in the store whose contact points stand on no list."""
    more.setdefault("suppressed", CLEAR)
    return attrs.evolve(case(*facts, **more), about=ABOUT)


def item(
    field: str,
    action: str,
    code: str,
    rule: str,
    *,
    filing: FilingSystem = FilingSystem.CUSTOMER,
    purpose: str | None = None,
    until: date | None = None,
) -> PlanItem:
    """Write out what happens to one value."""
    return PlanItem(
        slot=sealed(field, filing).slot,
        field=FieldId(field),
        filing=filing,
        action=PlanAction(action),
        code=code,
        rule=rule,
        purpose=PurposeId(purpose) if purpose else None,
        until=until,
    )


def keep(code: str, rule: str, *fields: str) -> tuple[PlanItem, ...]:
    """Write out that values of the customer file are kept for one reason."""
    return tuple(item(field, "keep", code, rule) for field in fields)


def planned(found: Case, question: object, kind: str, *items: PlanItem, **more: Any) -> Plan:
    """Write out a whole plan; what is not given stays as it is for a plan that does nothing."""
    return Plan(
        kind=kind,
        question=question,
        about=ABOUT,
        made_at=found.at,
        position=found.standing.position,
        law="FI-2026-11",
        register=more.pop("register", jot()).digest,
        items=items,
        **more,
    )
