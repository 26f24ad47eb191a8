"""All lines are gone through once, span by span, with memory that does not grow."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, cast
from weakref import WeakSet

import pytest
from tests.desk.trails import ANNA, BO, CARL, fill, of, rewrite, tamper

from gdprkit.desk.trail_chains import Claim, TrailReport, verify_chains, walk_chains
from gdprkit.desk.trail_checkpoint import check_checkpoints, hold_against, make_checkpoint
from gdprkit.desk.trail_export import write_export
from gdprkit.desk.trail_files import check_file
from gdprkit.ledger.chain import genesis, link
from gdprkit.sealing.rows import Tombstone
from gdprkit.sealing.signing import SigningKey
from gdprkit.storage import MemoryStore, SqliteStore
from gdprkit.storage.protocol import (
    ALL,
    LineTombstone,
    Span,
    Store,
    StoredEntry,
    StoredLine,
    StoredStanding,
    Suppression,
)
from gdprkit.testing.store_values import follow, line_tombstone, moment, person
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import Actor

T = TypeVar("T")

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "people.db"
    fill(path)
    return path


def _sent(value: T) -> T:
    """Return a value as it comes to another process."""
    found: T = pickle.loads(pickle.dumps(value))  # noqa: S301 -- our own
    return found


def test_spans_add_up(path: Path) -> None:
    """Verified in parts, with spans and reports that pickle, a store gives the same as whole."""
    tamper(path, f"UPDATE gdprkit_entry SET body = x'41' WHERE {of(BO)} AND position = 2")
    with SqliteStore(path) as store:
        whole = verify_chains(store)
        parts = [_sent(verify_chains(store, _sent(span))) for span in ALL.split(70000)[:6]]
    assert (whole.lines, whole.entries, len(whole.broken)) == (4, 18, 1)
    assert sum(part.lines for part in parts) == whole.lines
    assert sum(part.entries for part in parts) == whole.entries
    assert [told for part in parts for told in part.broken] == list(whole.broken)


def test_every_store_is_verified_alike() -> None:
    """A store that gives no plain rows is verified by its lines, with the same report."""
    with MemoryStore(tenant="main") as store:
        for number in (1, 2, 3):
            store.commit(follow(store, person(number), b"one", b"two"))
        assert verify_chains(store) == TrailReport(lines=3, entries=6)


def test_plain_rows_are_those_of_the_lines(path: Path) -> None:
    """What is read for speed is what ``lines`` gives, page by page."""
    with SqliteStore(path) as store:
        for number in range(20, 900):
            store.commit(follow(store, person(number), b"one", b"two"))
        shown = [
            (line.standing.about.bytes, line.standing.position, line.standing.head)
            for line in store.lines()
        ]
        raw = list(store.raw_lines())
        assert [line[:3] for line in raw] == shown
        assert [
            [(position, body, digest) for _, position, body, digest in rows] for *_, rows in raw
        ] == [
            [(entry.position, entry.body, entry.digest) for entry in line.entries]
            for line in store.lines()
        ]
        part = Span(start=person(30), stop=person(40))
        assert len(list(store.raw_lines(span=part))) == 10


def test_a_line_that_grows_meanwhile(path: Path) -> None:
    """Somebody who writes between two reads, or expunges a line, breaks nothing."""
    with SqliteStore(path) as store:

        class Late:
            """Reads ends, and then somebody writes before the entries are read."""

            tenant, line, standing, expunged = "main", store.line, store.standing, store.expunged

            def raw_lines(self, *, span: Span) -> Iterator[object]:
                for about, position, head, _ in list(store.raw_lines(span=span)):
                    who = next(one for one in (ANNA, BO, CARL, person(4)) if one.bytes == about)
                    if who == CARL:
                        store.expunge(CARL, line_tombstone(store, CARL))
                    else:
                        store.commit(follow(store, who, b"meanwhile"))
                    rows = [(about, e.position, e.body, e.digest) for e in store.line(who)]
                    yield about, position, head, rows

        end = store.standing(CARL)
        assert end is not None
        claim = Claim(CARL.bytes, end.position, end.head, "checkpoint 1")
        report = verify_chains(cast("Store", Late()), claims=[claim])
        assert report == TrailReport(lines=3, entries=17)


def test_progress_reaches_the_number_of_lines(path: Path) -> None:
    """The steps told add up to the people who were looked at."""
    with SqliteStore(path) as store:
        for number in range(20, 600):
            store.commit(follow(store, person(number), b"one"))
        steps: list[int] = []
        assert verify_chains(store, progress=steps.append).lines == sum(steps) == 584


def test_claims_of_several_checkpoints_on_one_person(path: Path) -> None:
    """One message a person, whoever saw the line; those who saw nothing wrong stay silent."""
    with SqliteStore(path) as store:
        before = [line for line, _ in walk_chains(store)]
    rewrite(path, b"a", b"b", b"c", b"d", b"e", people=(BO,))
    claims = [
        Claim(about, end, head, f"checkpoint {number}")
        for about, end, head, _ in before
        for number in (1, 2)
    ]
    with SqliteStore(path) as store:
        report = verify_chains(store, claims=claims)
    assert len(report.broken) == 1
    assert (
        f"{BO} is broken at position 4: up to here it is not what checkpoint 1" in report.broken[0]
    )


class Counting:
    """Makes lines up as they are asked for, and counts how many are alive at once."""

    tenant = "main"

    def __init__(self, people: int) -> None:
        self.people = people
        self.alive: WeakSet[StoredLine] = WeakSet()
        self.most = 0

    def lines(self, *, span: Span = ALL) -> Iterator[StoredLine]:
        for number in range(1, self.people + 1):
            made = self._made(number)
            self.alive.add(made)
            self.most = max(self.most, len(self.alive))
            yield made
            del made

    def _made(self, number: int) -> StoredLine:
        about = person(number)
        digest = genesis("main", about)
        entries = []
        for position in (1, 2):
            digest = link(digest, b"body")
            entries.append(StoredEntry(position=position, body=b"body", digest=digest))
        standing = StoredStanding(about=about, position=2, head=digest, fold=1, state=b"s")
        return StoredLine(standing=standing, entries=tuple(entries))

    def suppressions(self) -> Iterator[Suppression]:
        for number in range(self.people):
            hashed = number.to_bytes(8, "big")
            yield Suppression(hash=hashed, since=moment(1), author=Actor.SUBJECT)

    def expunged_lines(self, *, span: Span = ALL) -> Iterator[tuple[SubjectId, LineTombstone]]:
        for number in range(1, self.people + 1):
            yield (
                person(30_000 + number),
                LineTombstone(position=1, head=bytes(32), at=moment(1)),
            )

    def tombstones(self) -> Sequence[Tombstone]:
        return ()


def _peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow(tmp_path: Path) -> None:
    """Signing, holding, exporting and checking take no more memory for four times the people."""
    key = SigningKey.create(tmp_path / "signing.key")
    keys = {key.public.key_id: key.public}
    peaks: list[Iterable[int]] = []
    for people in (300, 1200):
        store = Counting(people)
        trusted = cast("Store", store)
        folder = tmp_path / str(people)
        folder.mkdir()

        def sign(trusted: Store = trusted, folder: Path = folder) -> None:
            made = make_checkpoint(trusted, key, at=AT, folder=folder, keys=keys)
            assert made.path is not None

        first, again = _peak(sign), _peak(sign)
        found, wrong = check_checkpoints([folder], "main", keys, lambda _: None)
        assert (len(found), wrong) == (2, [])
        held = _peak(lambda: hold_against(trusted, found))  # noqa: B023 -- called here
        out = folder / "export"
        written = _peak(lambda: write_export(trusted, found[-1], out))  # noqa: B023
        checked = _peak(lambda: check_file(out, keys))  # noqa: B023
        assert check_file(out, keys).entries == 2 * people
        assert hold_against(trusted, found).broken == ()
        assert store.most <= 2
        peaks.append((first, again, held, written, checked))
    few, many = peaks
    assert all(more < less + 100_000 for less, more in zip(few, many, strict=True)), peaks
