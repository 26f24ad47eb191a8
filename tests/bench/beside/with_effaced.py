"""effaced 0.1.0, over SQLAlchemy: its ledger, planner and audit sink as its manual wires them.

The audit sink commits by itself while the caller's transaction is open, which one SQLite file does
not allow: it has a second file. Version 0.1.0 has nothing that ends by itself.
"""

# ruff: noqa: I001
from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, final

from effaced import (
    ConsentLedger,
    ConsentRecord,
    DatabaseAuditSink,
    ErasureExecutor,
    ErasurePlanner,
    ErasureStrategy,
    Outbox,
    PiiCategory,
    bind_tables,
    collect_data_map,
    pii,
    resolve_subject_graph,
    subject_link,
)
from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from tests.bench.beside.child import World, fields

__all__ = ["make"]

_CONTACT = pii(PiiCategory.CONTACT, erasure=ErasureStrategy.DELETE)


class _Base(DeclarativeBase):
    pass


class _Person(_Base):
    __tablename__ = "person"
    __table_args__ = {"info": subject_link("", subject_id_column="id")}
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(info=_CONTACT)
    email: Mapped[str] = mapped_column(info=_CONTACT)
    phone: Mapped[str] = mapped_column(info=_CONTACT)
    company: Mapped[str] = mapped_column(info=_CONTACT)


def make(world: World) -> _Effaced:
    """Fill a register."""
    return _Effaced(world)


@final
class _Effaced:
    duties = ("record", "check", "erase")
    versions = f"effaced {version('effaced')}, SQLAlchemy {version('sqlalchemy')}"

    def __init__(self, world: World) -> None:
        self._world = world
        tables = bind_tables(_Base.metadata)
        self._sessions = sessionmaker(_engine(f"{world.folder}/people.db"))
        audit = sessionmaker(_engine(f"{world.folder}/audit.db"))
        for maker in (self._sessions, audit):
            _Base.metadata.create_all(maker.kw["bind"])
        sink = DatabaseAuditSink(audit, tables.audit_events)
        self._ledger = ConsentLedger(tables.consent_records, sink)
        self._planner = ErasurePlanner(
            found := collect_data_map(_Base.metadata),
            resolve_subject_graph(found, _Base.registry),
            None,
            executor=ErasureExecutor(_Base.metadata),
            outbox=Outbox(self._sessions, tables.outbox),
            audit_sink=sink,
        )
        with self._sessions.begin() as session:
            session.add_all(_Person(id=number, **fields(number)) for number in world.people)
            for number in world.people:
                if number not in world.all_met("record"):
                    self._ledger.record(session, self._consent(number))

    def _consent(self, number: int) -> ConsentRecord:
        return ConsentRecord(
            subject_id=str(number),
            purpose="newsletter",
            policy_version="v7",
            granted=True,
            recorded_at=self._world.now,
        )

    def record(self, number: int) -> None:
        with self._sessions.begin() as session:
            self._ledger.record(session, self._consent(number))

    def check(self, number: int) -> bool:
        with self._sessions() as session:
            return bool(self._ledger.status(session, str(number), "newsletter"))

    def erase(self, number: int) -> None:
        with self._sessions.begin() as session:
            self._planner.erase_subject(session, str(number))

    def expire(self, job: int) -> None:
        # nothing in this library ends by itself; the bench does not ask it
        raise NotImplementedError(job)

    def left(self) -> Sequence[int]:
        with self._sessions() as session:
            return list(session.scalars(select(_Person.id).where(_Person.email.is_not(None))))


def _engine(path: str) -> Engine:
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _record: object) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
