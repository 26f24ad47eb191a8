"""dpdpkit-core, over SQLite.

It ships a store in memory alone, which reads everything it has for every entry. So that its own
steps are measured and not that, it gets a small one over ``sqlite3``: each model as JSON under the
columns it is found by. What is not asked here stays in memory. Expiring is two runs, as its rules
want: the first warns, the second, two days later, erases.
"""

# ruff: noqa: I001
from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any, Final, final

from dpdpkit import InMemoryRepository
from dpdpkit.config import kit_from_config, sync_notice
from dpdpkit.errors import SequenceConflict
from dpdpkit.models import (
    ACTIVE_SCHEDULE_STATUSES,
    AuditEntry,
    ConsentEvent,
    Contact,
    DeliveryReceipt,
    DeliveryStatus,
    ErasureSchedule,
    Message,
    ScheduleStatus,
)

from tests.bench.beside.child import DUTIES, World, fields

__all__ = ["make"]

_TABLES: Final = """
CREATE TABLE person (id TEXT PRIMARY KEY, name TEXT, email TEXT, phone TEXT, company TEXT);
CREATE TABLE consent (seq INTEGER PRIMARY KEY, principal TEXT, purpose TEXT, body TEXT);
CREATE INDEX consent_of ON consent (principal, purpose, seq);
CREATE TABLE audit (seq INTEGER PRIMARY KEY, body TEXT);
CREATE TABLE schedule (id TEXT PRIMARY KEY, principal TEXT, status TEXT, warn_at TEXT, body TEXT);
CREATE INDEX schedule_of ON schedule (principal, status);
CREATE INDEX schedule_due ON schedule (status, warn_at);
CREATE TABLE delivery (id TEXT PRIMARY KEY, body TEXT);
"""
_CONFIG: Final[dict[str, Any]] = {
    "policy": "dpdp-rules-2025.v1",
    "contact": {"name": "Example Ltd", "email": "privacy@example.com"},
    "data_items": [{"id": name, "name": name} for name in fields(0)],
    "purposes": [{"id": "newsletter", "title": "Newsletter", "data_items": [*fields(0)]}],
    "notice": {
        "title": "How we use your data",
        "links": {
            "withdraw": "https://example.com/withdraw",
            "rights": "https://example.com/rights",
            "board_complaint": "https://example.com/complaint",
        },
    },
}
_WARNED: Final = timedelta(days=2)


def make(world: World) -> _Dpdpkit:
    """Fill a register."""
    return _Dpdpkit(world)


@final
class _Repository(InMemoryRepository):
    def __init__(self, file: sqlite3.Connection) -> None:
        super().__init__()
        self.file = file

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self.file.in_transaction:
            yield
            return
        self.file.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.file.execute("ROLLBACK")
            raise
        self.file.execute("COMMIT")

    def append_consent_event(self, event: ConsentEvent) -> None:
        row = (event.seq, event.principal, event.purpose, event.model_dump_json())
        self._append("INSERT INTO consent VALUES (?, ?, ?, ?)", row)

    def append_audit(self, entry: AuditEntry) -> None:
        row = (entry.seq, entry.model_dump_json())
        self._append("INSERT INTO audit VALUES (?, ?)", row)

    def _append(self, statement: str, row: Sequence[Any]) -> None:
        try:
            self.file.execute(statement, row)
        except sqlite3.IntegrityError:
            raise SequenceConflict("somebody was quicker") from None

    def last_consent_event(self, tenant_id: str) -> ConsentEvent | None:
        del tenant_id
        return self._one(ConsentEvent, "consent ORDER BY seq DESC LIMIT 1")

    def latest_consent_event(
        self, tenant_id: str, principal: str, purpose: str
    ) -> ConsentEvent | None:
        del tenant_id
        where = "consent WHERE principal = ? AND purpose = ? ORDER BY seq DESC LIMIT 1"
        return self._one(ConsentEvent, where, principal, purpose)

    def last_audit(self, tenant_id: str) -> AuditEntry | None:
        del tenant_id
        return self._one(AuditEntry, "audit ORDER BY seq DESC LIMIT 1")

    def save_schedule(self, schedule: ErasureSchedule) -> None:
        row = (schedule.id, schedule.principal, schedule.status.value, schedule.warn_at.isoformat())
        self.file.execute(
            "INSERT OR REPLACE INTO schedule VALUES (?, ?, ?, ?, ?)",
            (*row, schedule.model_dump_json()),
        )

    def get_schedule(self, tenant_id: str, schedule_id: str) -> ErasureSchedule | None:
        del tenant_id
        return self._one(ErasureSchedule, "schedule WHERE id = ?", schedule_id)

    def list_schedules(
        self,
        tenant_id: str,
        *,
        principal: str | None = None,
        statuses: Collection[ScheduleStatus] | None = None,
    ) -> list[ErasureSchedule]:
        if principal is None or statuses is None:
            # the library lists by both, in what is measured here
            raise NotImplementedError(tenant_id)
        words = [status.value for status in statuses]
        marks = ", ".join("?" * len(words))
        where = f"schedule WHERE principal = ? AND status IN ({marks})"
        return self._all(ErasureSchedule, where, principal, *words)

    def due_erasures(self, tenant_id: str, now: datetime) -> list[ErasureSchedule]:
        del tenant_id
        words = [status.value for status in ACTIVE_SCHEDULE_STATUSES]
        marks = ", ".join("?" * len(words))
        where = f"schedule WHERE status IN ({marks}) AND warn_at <= ?"
        return self._all(ErasureSchedule, where, *words, now.isoformat())

    def save_delivery(self, receipt: DeliveryReceipt) -> None:
        row = (receipt.id, receipt.model_dump_json())
        self.file.execute("INSERT OR REPLACE INTO delivery VALUES (?, ?)", row)

    def _one(self, model: Any, where: str, *values: Any) -> Any:
        return next(iter(self._all(model, where, *values)), None)

    def _all(self, model: Any, where: str, *values: Any) -> list[Any]:
        rows = self.file.execute(f"SELECT body FROM {where}", values).fetchall()
        return [model.model_validate_json(body) for (body,) in rows]


class _Delivered:
    def send(self, message: Message) -> DeliveryReceipt:
        return DeliveryReceipt(
            id=f"mail-{id(message)}",
            principal=message.principal,
            channel=message.channel,
            to_masked="***",
            template=message.template,
            status=DeliveryStatus.DELIVERED,
            provider="none",
            created_at=datetime.now().astimezone(),
        )


@final
class _Dpdpkit:
    duties = DUTIES
    versions = f"dpdpkit-core {version('dpdpkit-core')}"

    def __init__(self, world: World) -> None:
        self._world, self._now = world, world.now
        file = sqlite3.connect(world.folder / "people.db", isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            file.execute(f"PRAGMA {pragma}")
        file.executescript(_TABLES)
        self._file = file
        self._kit = kit_from_config(
            _CONFIG,
            repository := _Repository(file),
            notifier=_Delivered(),
            signing_key=b"a key for trying out",
            clock=lambda: self._now,
            contact_resolver=lambda who: Contact(email=fields(int(who))["email"]),
        )
        sync_notice(self._kit, _CONFIG)
        self._kit.retention.register_handler(self._delete)
        with repository.transaction():
            for number in world.people:
                row = (str(number), *fields(number).values())
                file.execute("INSERT INTO person VALUES (?, ?, ?, ?, ?)", row)
                if number not in world.all_met("record"):
                    self._kit.consent.grant(str(number), "newsletter")
            for number in world.all_met("expire"):
                self._kit.retention.schedule(
                    str(number), "newsletter", world.ends(number), reason="ended", actor="bench"
                )

    def _delete(self, principal: str, purposes: list[str]) -> None:
        del purposes
        self._file.execute("DELETE FROM person WHERE id = ?", (principal,))

    def record(self, number: int) -> None:
        self._kit.consent.grant(str(number), "newsletter")

    def check(self, number: int) -> bool:
        return bool(self._kit.consent.check(str(number), "newsletter"))

    def erase(self, number: int) -> None:
        done = self._kit.retention.erase_now(str(number), reason="asked", actor="bench")
        if done.failed or not done.erased_purposes:
            raise AssertionError("nothing was erased")

    def expire(self, job: int) -> None:
        last = self._world.ends(self._world.met("expire", job).start)
        for self._now in (last - _WARNED, last):
            self._kit.retention.run()
        self._now = self._world.now

    def left(self) -> Sequence[int]:
        rows = self._file.execute("SELECT id FROM person")
        return [int(number) for (number,) in rows]
