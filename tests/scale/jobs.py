"""What worker processes are given to do: functions at the top of a module, and a keeper for each.

Nothing here is shared by processes but the place of the store. A worker opens its keeper when it is
first asked for and keeps it, because ``cache`` remembers in the process it runs in.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path

import psycopg
from tests.keeper.support import Clock, evidence, jot, moment, provider

from gdprkit import RecordKeeper, consent, marketing
from gdprkit.acts.act import Act
from gdprkit.facts.marketing import ListChecked
from gdprkit.keeper.reindexing import Reindexed, reindex_span
from gdprkit.keeper.values import NewPerson
from gdprkit.storage import PostgresStore, SqliteStore
from gdprkit.storage.protocol import Batch, Marks, Span, Store
from gdprkit.words.identifiers import SubjectId

ADDED = moment(2026, 1, 12)
NOW = moment(2026, 3, 2)
FAR = moment(2040, 1, 1)
NEWSLETTER = marketing.may_contact(channel="email", purpose="newsletter")


def store_at(place: str) -> Store:
    if not place.startswith("postgresql:"):
        return SqliteStore(place)
    # one thread works in each of these processes, so one connection does
    return PostgresStore(psycopg.connect(place, autocommit=True))


@cache
def keeper_at(place: str) -> RecordKeeper:
    return keeper_on(store_at(place))


def keeper_on(store: Store, now: datetime = NOW) -> RecordKeeper:
    return RecordKeeper(jot(), store=store, keys=provider(), clock=Clock(now))


def forget(place: str) -> None:
    """Close what this process opened at a place."""
    _close(keeper_at(place)._bench.store)
    keeper_at.cache_clear()


def _close(store: Store) -> None:
    if isinstance(store, PostgresStore):
        store._where.close()
    store.close()


def move_in(place: str, people: int) -> list[SubjectId]:
    """Add people of whom every other has agreed to the newsletter, and some objected since."""
    store = store_at(place)
    keeper = keeper_on(store, ADDED)
    ids = keeper.add_people([person(number) for number in range(people)])
    for about in ids[1::8]:
        keeper.record(about, marketing.object_to(via="email"))
    _close(store)
    return ids


def person(number: int) -> NewPerson:
    proved = evidence(method=consent.ConsentMethod.DOUBLE_OPT_IN, proof=["mail-1"])
    given = consent.give("newsletter", evidence=proved, channels=["email"])
    return NewPerson(
        kind="company-contact",
        fields={"name": f"Contact {number}", "email": f"contact.{number}@example.com"},
        source="contact-form",
        notice="v7",
        acts=(given,) if number % 2 else (),
    )


def checked() -> Act:
    """The fact that the sweep leaves with everybody."""
    return marketing.check_list("robinson-phone", hit=False)


def sweep(place: str, key: str, span: Span) -> list[SubjectId]:
    """Record one fact about everybody in the span for whom time matters."""
    return list(_swept(place, key, span))


def deadly_sweep(place: str, key: str, fuse: str, span: Span) -> list[SubjectId]:
    """Do as ``sweep``, but whoever finds the fuse dies of it after the first person."""
    done = []
    for about in _swept(place, key, span):
        done.append(about)
        if _blown(fuse):
            os.kill(os.getpid(), signal.SIGKILL)
    return done


def _blown(fuse: str) -> bool:
    """Take the fuse away; True for the one process that did."""
    try:
        Path(fuse).unlink()
    except FileNotFoundError:
        return False
    return True


def _swept(place: str, key: str, span: Span) -> Iterator[SubjectId]:
    keeper = keeper_at(place)
    for about in keeper.waking(FAR, span=span, limit=1_000_000):
        keeper.record(about, checked(), key=key)
        yield about


def checks_of(keeper: RecordKeeper, about: SubjectId) -> int:
    """How many facts of the sweep are on a line."""
    return sum(type(entry.fact) is ListChecked for entry in keeper.line(about))


def count(place: str, span: Span) -> int:
    return sum(1 for _ in keeper_at(place).people(span=span))


def verify(place: str, span: Span) -> int:
    keeper = keeper_at(place)
    found = list(keeper.people(span=span))
    for about in found:
        keeper.verify(about)
    return len(found)


def reindex(place: str, span: Span) -> Reindexed:
    return reindex_span(keeper_at(place), span)


def blur(place: str) -> None:
    """Take everybody's marks away, so that reindexing has something to do."""
    store = store_at(place)
    lost = [
        Batch(
            about=line.standing.about,
            expected=line.standing.position,
            entries=(),
            standing=line.standing,
            marks=Marks(),
        )
        for line in store.lines()
    ]
    store.commit(*lost)
    _close(store)


def audience(place: str, span: Span) -> list[SubjectId]:
    return list(keeper_at(place).audience(NEWSLETTER, span=span))
