"""A house to test the keeper in: the JOT register, a clock that stands, a fictional person."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs

from gdprkit import RecordKeeper, Register, connection, marketing, retention
from gdprkit.acts.consent import ConsentEvidence, ConsentMethod
from gdprkit.keeper.applying import Applied
from gdprkit.sealing.providers import MemoryProvider
from gdprkit.storage.protocol import Store
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import Actor

JOT = Path(__file__).parents[2] / "docs/examples/jot/register.toml"
TOPICS = ("spare-parts", "test-systems", "production-automation")
EMAIL = "anna.example@example.com"


@cache
def jot() -> Register:
    """Return the example register; loaded once, it never changes."""
    return Register.load(JOT)


def moment(year: int, month: int, day: int, hour: int = 9) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


@attrs.define
class Clock:
    """A clock that stands until it is set."""

    now: datetime = moment(2024, 5, 14)

    def __call__(self) -> datetime:
        return self.now


@attrs.define
class House:
    """A keeper with its store and its clock."""

    keeper: RecordKeeper
    store: Store
    clock: Clock

    def anna(self, **more: Any) -> SubjectId:
        """Add a company contact who was told of direct marketing."""
        fields = {
            "email": EMAIL,
            "name": "Anna Example",
            "company": "Example Oy",
            "title": "production manager",
            "language": "fi",
            "product-area": "test systems",
            "invoices": ["2025-017"],
            "message": "Please call back.",
        }
        with_defaults = {"fields": fields, "source": "contact-form", "notice": "v7", **more}
        return self.keeper.add_person("company-contact", **with_defaults)

    def plain(self, email: str = EMAIL, **more: Any) -> SubjectId:
        """Add a contact of whom nothing has to be kept, so that an erasure is a whole one."""
        return self.anna(fields={"email": email, "name": "Anna Example"}, **more)

    def erase(self, about: SubjectId, **more: Any) -> Applied:
        """Erase the person as a whole, on request."""
        question = retention.erasure(**{"reason": "unlawful", "reference": "r-7", **more})
        plan = self.keeper.plan(about, question)
        assert plan.erases_person
        return self.keeper.apply(plan, approve=plan.digest)

    def customer(self) -> SubjectId:
        """Add a contact of a customer whose duties were looked into."""
        about = self.anna()
        self.keeper.record(about, connection.start(reference="contract-1"), relevance())
        return about

    def ended(self, on: date = date(2026, 3, 31)) -> SubjectId:
        """Add a contact whose connection ended with evidence; the clock stands two days later."""
        about = self.customer()
        self.clock.now = moment(on.year, on.month, on.day) + timedelta(days=2)
        self.keeper.record(
            about, connection.end(on=on, cause="warranty-end", evidence="warranty-1")
        )
        return about

    def moved(self) -> SubjectId:
        """Add a contact who was moved into the marketing register."""
        about = self.ended()
        plan = self.keeper.plan(about, connection.after_end())
        assert plan.decision
        self.keeper.apply(plan, approve=plan.digest)
        return about

    def ask(self, about: SubjectId, channel: str = "email", **more: Any) -> Any:
        question = marketing.may_contact(channel=channel, purpose="direct-marketing")
        return self.keeper.ask(about, question, **more)


def relevance(**more: Any) -> Any:
    given = {"topics": TOPICS, "related": True, "evidence": "talk-1", "decided_by": "sales"}
    return marketing.assess_relevance(**{**given, **more})


def evidence(**more: Any) -> ConsentEvidence:
    """Return evidence of a valid consent; any part may be given otherwise."""
    given: dict[str, Any] = {
        "notice": "v7",
        "notice_sha256": "0" * 64,
        "language": "en",
        "wording": "Yes, send me the newsletter.",
        "method": ConsentMethod.CHECKBOX,
        "captured_by": "newsletter-form",
        "actor": Actor.SUBJECT,
        "default_off": True,
        "separate": True,
        "withdrawal_told": True,
        "conditional_on_service": False,
    }
    return ConsentEvidence(**{**given, **more})


def provider() -> MemoryProvider:
    """Return the same root key each time, so that a store can be opened again."""
    return MemoryProvider(bytes(range(32)))


def house_on(store: Store, register: Register | None = None, **more: Any) -> House:
    clock = Clock()
    keeper = RecordKeeper(register or jot(), store=store, keys=provider(), clock=clock, **more)
    return House(keeper=keeper, store=store, clock=clock)


def dump(path: Path) -> str:
    """Return a digest of every row and every table of a store's file."""
    with closing(sqlite3.connect(path)) as raw:
        return sha256("\n".join(raw.iterdump()).encode()).hexdigest()
