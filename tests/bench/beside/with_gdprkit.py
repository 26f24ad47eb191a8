"""gdprkit beside other libraries: the whole keeper over its SQLite store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import final

from tests.bench.beside.child import DUTIES, START, World, fields
from tests.bench.people import consent_act, keeper_on, load_register, person

import gdprkit
from gdprkit import Keyring, marketing, retention
from gdprkit.storage import SqliteStore
from gdprkit.words.identifiers import SubjectId

__all__ = ["make"]

_LATE = timedelta(days=2000)  # nobody else is due while those who expire are


def make(world: World) -> _Gdprkit:
    """Fill a register."""
    return _Gdprkit(world)


@final
class _Gdprkit:
    duties = DUTIES
    versions = f"gdprkit {gdprkit.__version__}"

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys = Keyring.create(world.folder / "root.key")
        self._store = SqliteStore(world.folder / "people.db")
        self._register = load_register()
        self._ids: dict[int, SubjectId] = {}
        self._add(world.all_met("record"), _LATE, agreed=False)
        self._add(world.all_met("check"), _LATE, agreed=True)
        self._add(world.all_met("erase"), _LATE, agreed=True)
        for job in range(world.jobs):
            met = world.met("expire", job)
            # nobody writes back: a year later there is no reason to keep them
            self._add(met, world.ends(met.start) - START - timedelta(days=365), agreed=False)
        self._keeper = self._at(_LATE + timedelta(days=10))
        self._question = marketing.may_contact(channel="email", purpose="newsletter")
        self._withdrawn = retention.erasure(reason="consent-withdrawn", reference="case-1")

    def _at(self, later: timedelta) -> gdprkit.RecordKeeper:
        return keeper_on(self._store, self._keys, self._register, START + later)

    def _add(self, numbers: range, later: timedelta, *, agreed: bool) -> None:
        people = [person(number, agreed=agreed) for number in numbers]
        self._ids.update(zip(numbers, self._at(later).add_people(people), strict=True))

    def record(self, number: int) -> None:
        self._keeper.record(self._ids[number], consent_act())

    def check(self, number: int) -> bool:
        return bool(self._keeper.ask(self._ids[number], self._question))

    def erase(self, number: int) -> None:
        plan = self._keeper.plan(self._ids[number], self._withdrawn)
        self._keeper.apply(plan, approve=plan.digest)

    def expire(self, job: int) -> None:
        keeper = self._at(self._world.sweep_at(job) - START)
        for about in keeper.waking():
            plan = keeper.plan(about, retention.due())
            keeper.apply(plan, approve=plan.digest)

    def left(self) -> Sequence[int]:
        return [n for n in self._ids if self._keeper.find(email=fields(n)["email"])]
