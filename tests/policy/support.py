"""Lives to decide about: facts in order, folded, with the JOT register; no keeper and no store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs

from gdprkit.facts.connection import ConnectionEnded, ConnectionStarted
from gdprkit.facts.consent import ConsentEvidence, ConsentGiven
from gdprkit.facts.data import DataCollected, SubjectAdded
from gdprkit.facts.entry import Entry, Fact
from gdprkit.facts.marketing import RelevanceAssessed
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.retention import MovedToMarketing
from gdprkit.facts.sealed import SealedValue
from gdprkit.policy.case import Case, Suppressed
from gdprkit.register.register import Register
from gdprkit.state.standing import Standing, fold
from gdprkit.words.identifiers import FieldId, NoticeId, PurposeId, Slot, SourceId
from gdprkit.words.vocabulary import (
    Actor,
    Channel,
    ConsentMethod,
    EndCause,
    FilingSystem,
    SubjectKind,
)

JOT = Path(__file__).parents[2] / "docs/examples/jot/register.toml"
TOPICS = frozenset({"spare-parts", "test-systems", "production-automation"})
MARKETING = PurposeId("direct-marketing")
NEWSLETTER = PurposeId("newsletter")
START = datetime(2026, 1, 5, 9, tzinfo=UTC)


@cache
def jot() -> Register:
    """Return the example register; loaded once, it never changes."""
    return Register.load(JOT)


def with_purpose(
    purpose: PurposeId, *, register: Register | None = None, **changes: Any
) -> Register:
    """Return the register with one purpose declared otherwise."""
    register = register or jot()
    changed = attrs.evolve(register.purposes[purpose], **changes)
    return attrs.evolve(register, purposes={**register.purposes, purpose: changed})


def with_notice(notice: str, *, register: Register | None = None, **changes: Any) -> Register:
    """Return the register with one notice declared otherwise."""
    register = register or jot()
    changed = attrs.evolve(register.notices[NoticeId(notice)], **changes)
    return attrs.evolve(register, notices={**register.notices, NoticeId(notice): changed})


def sealed(field: str, filing: FilingSystem = FilingSystem.CUSTOMER) -> SealedValue:
    """Name a value that lies nowhere: policies never look into one."""
    digest = sha256(f"{field} {filing}".encode())
    return SealedValue(
        field=FieldId(field),
        slot=Slot(UUID(bytes=digest.digest()[:16], version=4)),
        digest=digest.hexdigest(),
        filing=filing,
    )


FIELDS = ("email", "name", "company", "title", "language", "address", "invoices", "message")


def added(kind: str = "company-contact", source: str = "contact-form") -> list[Fact]:
    """Return the facts of somebody who was added with data and told of marketing."""
    return [
        SubjectAdded(kind=SubjectKind(kind), source=SourceId(source)),
        NoticeGiven(notice=NoticeId("v7")),
        DataCollected(values=[sealed(f) for f in FIELDS], source=SourceId(source)),
    ]


def related(**more: Any) -> RelevanceAssessed:
    given = {"topics": TOPICS, "related": True, "evidence": "talk-1", "decided_by": "sales"}
    return RelevanceAssessed(**{**given, **more})


def customer() -> list[Fact]:
    """Return the facts of a customer's contact whose duties were looked into."""
    return [*added(), ConnectionStarted(reference="contract-1"), related()]


def ended(on: date = date(2026, 1, 1), **more: Any) -> ConnectionEnded:
    given: dict[str, Any] = {"cause": EndCause.WARRANTY_END, "evidence": "warranty-1"}
    return ConnectionEnded(on=on, **{**given, **more})


def moved(expires_on: date = date(2028, 1, 1)) -> MovedToMarketing:
    values = [sealed(f, FilingSystem.MARKETING) for f in ("email", "name", "address")]
    return MovedToMarketing(values=values, purpose=MARKETING, expires_on=expires_on, plan="0" * 64)


def evidence(**more: Any) -> ConsentEvidence:
    """Return evidence of a valid consent; any part may be given otherwise."""
    given: dict[str, Any] = {
        "notice": "v7",
        "notice_sha256": "0" * 64,
        "language": "en",
        "wording": "Yes.",
        "method": ConsentMethod.CHECKBOX,
        "captured_by": "form",
        "actor": Actor.SUBJECT,
        "default_off": True,
        "separate": True,
        "withdrawal_told": True,
        "conditional_on_service": False,
    }
    return ConsentEvidence(**{**given, **more})


def consented(
    purpose: PurposeId = MARKETING, channels: Iterable[Channel] = (Channel.EMAIL,), **more: Any
) -> ConsentGiven:
    return ConsentGiven(purpose=purpose, channels=channels, evidence=evidence(**more))


def entries(facts: Iterable[Fact | tuple[datetime, Fact]], start: datetime = START) -> list[Entry]:
    """Put facts on a line, a minute apart; a pair says its own moment."""
    line = []
    for position, given in enumerate(facts, start=1):
        minute = start + timedelta(minutes=position)
        at, fact = given if isinstance(given, tuple) else (minute, given)
        line.append(Entry(position=position, at=at, recorded_at=at, fact=fact))
    return line


def life(*facts: Fact | tuple[datetime, Fact]) -> Standing:
    return fold(entries(facts))


def case(
    *facts: Fact | tuple[datetime, Fact],
    at: datetime | None = None,
    register: Register | None = None,
    suppressed: Suppressed | None = None,
) -> Case:
    """Return the case of a life, asked about an hour after its beginning unless told otherwise."""
    return Case(
        standing=life(*facts),
        register=register or jot(),
        at=at or START + timedelta(hours=1),
        suppressed=suppressed,
    )


#: A look into the suppression list that found nothing.
CLEAR = Suppressed(looked=frozenset({Channel.EMAIL, Channel.POST, Channel.PHONE, Channel.SMS}))
