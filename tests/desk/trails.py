"""A small store with everything a checkpoint sees, and the commands run on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
from click.testing import CliRunner
from tests.guards import guards_off

from gdprkit.desk.cli import cli
from gdprkit.ledger.chain import genesis, link
from gdprkit.storage import SqliteStore
from gdprkit.storage.protocol import Suppression
from gdprkit.testing.store_values import (
    epoch_row,
    follow,
    hashed,
    key_row,
    line_tombstone,
    moment,
    person,
    tombstone,
)
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import Actor, Channel

ANNA, BO, CARL, DORA, EVA = (person(number) for number in range(1, 6))
MARK = hashed("mark of Dora")
STOP = hashed("address of Anna")


def call(*words: str | Path) -> tuple[int, str, str]:
    run = CliRunner().invoke(cli, ["trail", *map(str, words)])
    assert run.exception is None or isinstance(run.exception, SystemExit), run.exception
    return run.exit_code, run.stdout, run.stderr


def told(*words: str | Path) -> tuple[int, dict[str, Any]]:
    code, out, _ = call(*words, "--json")
    return code, json.loads(out)


def stop(minute: int = 1, purpose: str = "", channel: Channel = Channel.EMAIL) -> Suppression:
    return Suppression(
        hash=STOP,
        channels=frozenset([channel]),
        purpose=PurposeId(purpose) if purpose else None,
        since=moment(minute),
        author=Actor.SUBJECT,
    )


_FILLED: list[bytes] = []


def fill(path: Path) -> None:
    """Make a new store of five people, the same bytes each time."""
    if not _FILLED:
        populate(path)
        _FILLED.append(path.read_bytes())
    path.write_bytes(_FILLED[0])


def populate(path: Path) -> None:
    """Add five people: Anna has said stop, Dora's keys are destroyed, Eva's line is expunged."""
    with SqliteStore(path) as store:
        store.add_epoch(epoch_row("k1"))
        for about in (ANNA, BO, CARL, DORA, EVA):
            store.commit(follow(store, about, *(b"entry %d" % n for n in range(1, 5))))
        suppress = (stop(), stop(purpose="newsletter"), stop(channel=Channel.SMS))
        store.commit(attrs.evolve(follow(store, ANNA, b"stopped"), suppress=suppress))
        store.commit(attrs.evolve(follow(store, DORA), keys=(key_row(DORA),)))
        store.commit(attrs.evolve(follow(store, DORA, b"erased"), shred=tombstone(MARK)))
        store.expunge(EVA, line_tombstone(store, EVA))


def grow(path: Path) -> None:
    """Do everything that may happen to a store after a checkpoint."""
    with SqliteStore(path) as store:
        store.commit(follow(store, ANNA, b"more", b"and more"))
        store.commit(attrs.evolve(follow(store, BO, b"stop"), suppress=(stop(9), stop(3, "calls"))))
        store.commit(follow(store, CARL, b"last"))
        store.expunge(CARL, line_tombstone(store, CARL))
        store.commit(follow(store, person(9), b"new"))
        store.commit(attrs.evolve(follow(store, person(9), b"x"), shred=tombstone(hashed("new"))))


def tamper(path: Path, *statements: str) -> None:
    """Run SQL as somebody with the file does it, guards off meanwhile."""
    with guards_off(path) as connection:
        for statement in statements:
            connection.execute(statement)


def of(about: Any) -> str:
    """Return the condition that names a person's rows."""
    return f"subject = x'{about.bytes.hex()}'"


def rewrite(path: Path, *bodies: bytes, people: tuple[Any, ...] = (ANNA, BO, CARL, DORA)) -> None:
    """Write lines anew from the first entry on, with right digests and heads."""
    with guards_off(path) as connection:
        for about in people:
            digest = genesis("main", about)
            connection.execute(f"DELETE FROM gdprkit_entry WHERE {of(about)}")
            for position, body in enumerate(bodies, start=1):
                digest = link(digest, body)
                connection.execute(
                    "INSERT INTO gdprkit_entry VALUES ('main', ?, ?, ?, ?, NULL)",
                    (about.bytes, position, body, digest),
                )
            connection.execute(
                f"UPDATE gdprkit_line SET position = ?, head = ? WHERE {of(about)}",
                (len(bodies), digest),
            )
