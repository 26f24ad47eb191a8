"""``python -m tests.storage.golden FOLDER``: make a golden store of the schema written now.

A small register of fictional people in one SQLite file, its root key, and what every release must
read out of it. The file of a released schema is made once and never again: old data looks so.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import attrs

from gdprkit import (
    Keyring,
    NewPerson,
    RecordKeeper,
    Register,
    consent,
    marketing,
    requests,
    retention,
)
from gdprkit.storage import SqliteStore
from gdprkit.storage.protocol import LineTombstone, Store
from gdprkit.storage.schema import SCHEMA_VERSION

__all__ = ["NOW", "keeper_on", "readings"]

ROOT: Final = Path(__file__).parents[3]
NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""When a golden store is read."""


@attrs.define
class _Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


@attrs.define
class _Random:
    """The same bytes in the same order each time."""

    drawn: int = 0

    def __call__(self, size: int) -> bytes:
        self.drawn += 1
        return sha256(b"golden %d" % self.drawn).digest()[:size].ljust(size, b"\0")


def keeper_on(store: Store, keys: Keyring, at: datetime, **more: Any) -> RecordKeeper:
    """Return a keeper of the example register whose clock stands at *at*."""
    register = Register.load(ROOT / "docs" / "examples" / "jot" / "register.toml")
    return RecordKeeper(register, store=store, keys=keys, clock=_Clock(at), **more)


def readings(keeper: RecordKeeper, store: Store) -> dict[str, Any]:
    """Return what is read out of a store: nothing of it may ever change."""
    found: dict[str, Any] = {}
    for about in store.people():
        last = store.standing(about)
        assert last is not None
        keeper.verify(about)
        erased = keeper.standing(about).data.erased_at is not None
        question = marketing.may_contact(channel="email", purpose="newsletter")
        found[str(about)] = {
            "bodies": [sha256(entry.body).hexdigest() for entry in store.line(about)],
            "head": last.head.hex(),
            "values": {}
            if erased
            else {field: value.reveal() for field, value in keeper.read(about).items()},
            "outcome": keeper.ask(about, question).outcome.name,
            "keys": [[row.version, row.key_id.hex(), row.state.value] for row in store.keys(about)],
        }
    stones = [stone.mark.hex() for stone in store.tombstones()]
    due = [str(who) for who in keeper.waking(NOW + timedelta(days=3650))]
    return {"people": found, "tombstones": stones, "due": due}


def _evidence() -> consent.ConsentEvidence:
    return consent.ConsentEvidence(
        notice="v7",  # type: ignore[arg-type]  # a plain word is a NoticeId once checked
        notice_sha256="7" * 64,
        language="en",
        wording="Yes, send me the newsletter by e-mail.",
        method=consent.ConsentMethod.DOUBLE_OPT_IN,
        captured_by="web-form-newsletter",
        default_off=True,
        separate=True,
        withdrawal_told=True,
        conditional_on_service=False,
        proof=("mail-4711",),
    )


def _live(keeper: RecordKeeper, clock: _Clock, store: Store) -> None:
    people = keeper.add_people(
        [
            NewPerson(
                kind="company-contact",
                fields={"name": f"Golden Person {n}", "email": f"golden.{n}@example.com"},
                source="contact-form",
                notice="v7",
            )
            for n in range(10)
        ]
    )
    clock.now += timedelta(days=1)
    give = consent.give("newsletter", evidence=_evidence(), channels=["email"])
    for about in people[:6]:
        keeper.record(about, give, key=f"form-{about}", by="web")
    keeper.record(people[1], marketing.object_to(via="email"))
    keeper.record(
        people[2],
        requests.receive(right="access", received=clock.now, channel="email"),
    )
    clock.now += timedelta(days=1)
    for about in people[3:5]:
        plan = keeper.plan(about, retention.erasure(reason="consent-withdrawn", reference="case-1"))
        keeper.apply(plan, approve=plan.digest)
    keeper.merge(people[5], people[6], verified=True)
    for about in people[7:9]:
        keeper.keys.renew(about)
    last = store.standing(people[9])
    assert last is not None
    store.expunge(people[9], LineTombstone(position=last.position, head=last.head, at=clock.now))


def main(folder: Path) -> None:
    """Make the store, its key and its readings in *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / f"schema-{SCHEMA_VERSION}"
    keys = Keyring.create(base.with_suffix(".key"))
    clock = _Clock(NOW - timedelta(days=30))
    with SqliteStore(base.with_suffix(".db")) as store:
        register = Register.load(ROOT / "docs" / "examples" / "jot" / "register.toml")
        keeper = RecordKeeper(register, store=store, keys=keys, clock=clock, random=_Random())
        _live(keeper, clock, store)
        store.compact()
        read = readings(keeper_on(store, keys, NOW), store)
    base.with_suffix(".json").write_text(json.dumps(read, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
