"""The destruction of a person's keys: nothing left, nothing half done, nobody comes back."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.keeper.support import EMAIL, House, dump, house_on, moment, provider

from gdprkit import data, marketing, requests, retention
from gdprkit.errors import GdprkitError, NotPossibleNow, PlanStale, PositionTaken
from gdprkit.facts.data import PersonErased
from gdprkit.policy.decisions import NotAllowed
from gdprkit.sealing.envelope import SealedField, seal, unseal
from gdprkit.sealing.errors import SubjectErased
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.settings import KeySettings
from gdprkit.storage import SqliteStore, sqlite_file
from gdprkit.storage.protocol import Store
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import ErasureReason

ROOT = Path(__file__).parents[2]


def keys_of(store: Store, **more: Any) -> SubjectKeys:
    """Return the keys as another process has them."""
    return SubjectKeys(provider(), store, tenant="main", **more)


NOTE = SealedField("elsewhere", "note")


def blobs(path: Path, about: SubjectId) -> list[bytes]:
    """Return the person's wrapped keys, envelopes and look-up terms, read by SQL."""
    queries = (
        "SELECT wrapped FROM gdprkit_key WHERE subject = ?",
        "SELECT envelope FROM gdprkit_value WHERE subject = ?",
        "SELECT term FROM gdprkit_term WHERE subject = ?",
    )
    with closing(sqlite3.connect(path)) as raw:
        return [blob for sql in queries for (blob,) in raw.execute(sql, (about.bytes,))]


def files(path: Path) -> bytes:
    """Return every byte of the database file and what lies beside it."""
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


# --- D22 -----------------------------------------------------------------------------------------


def test_d22_nothing_is_sealed_opened_or_brought_back_after_a_shred(house: House) -> None:
    """Sealing and opening raise SubjectErased, in this process and another, warm or cold."""
    anna = house.plain()
    elsewhere = keys_of(house.store)
    sealed = seal("x", NOTE, "r-1", elsewhere.of(anna).newest)
    house.erase(anna)
    for keys in (keys_of(house.store), keys_of(house.store, settings=KeySettings(ttl=0))):
        for attempt in (
            lambda k=keys: unseal(sealed, NOTE, "r-1", k.of(anna)),
            lambda k=keys: seal("y", NOTE, "r-1", k.for_writing(anna).newest),
            lambda k=keys: k.create(anna, at=moment(2030, 1, 1)),
            lambda k=keys: k.create(anna, at=moment(2030, 1, 1), version=2),
        ):
            with pytest.raises(SubjectErased):
                attempt()
    with pytest.raises(SubjectErased):
        house.keeper.read(anna)
    [tombstone] = house.store.tombstones()
    assert tombstone == keys_of(house.store).erased(anna)


def test_d22_a_second_shred_gives_the_first_tombstone(house: House) -> None:
    """Its moment, reason and keys stay; a plan made before or after has nothing to do."""
    anna = house.plain()
    question = retention.erasure(reason="unlawful", reference="r-7")
    plan = house.keeper.plan(anna, question)
    house.erase(anna)
    [first] = house.store.tombstones()
    house.clock.now = moment(2027, 1, 1)
    again = keys_of(house.store).tombstone_for(
        anna, at=house.clock.now, reason=ErasureReason.OBJECTED, reference="r-8"
    )
    assert again == first
    with pytest.raises(PlanStale):
        house.keeper.apply(plan, approve=plan.digest)
    assert not house.keeper.plan(anna, question).erases_person
    assert list(house.store.tombstones()) == [first]


def test_d22_no_byte_of_key_or_value_is_left_in_the_files(filed: House, path: Path) -> None:
    """Before, every blob stands in the raw files; after erasing and compacting, none does."""
    anna, bert = filed.plain(), filed.plain("bert@example.com")
    filed.keeper.record(anna, data.collect({"message": "x" * 9000}, source="contact-form"))
    filed.keeper.record(anna, data.rectify({"name": "Anna Corrected"}, source="contact-form"))
    hers, others = blobs(path, anna), blobs(path, bert)
    assert len(hers) == 1 + 3 + 1, "a key, three values, a look-up term"
    before = files(path)
    assert all(blob in before for blob in hers if len(blob) < 1000)
    filed.erase(anna)
    assert blobs(path, anna) == []
    store = filed.store
    assert isinstance(store, SqliteStore)
    store.compact()
    after = files(path)
    for blob in hers:
        for start in range(0, len(blob) - 15, 1000):  # a long value spans several pages
            assert blob[start : start + 16] not in after
    assert all(blob in after for blob in others)


# --- D23 -----------------------------------------------------------------------------------------


class Break(Exception):
    """Breaks off at a statement."""


def counted(monkeypatch: pytest.MonkeyPatch, stop: int) -> Iterator[int]:
    """Break off before the statement number *stop* of writing loans; give what was counted."""
    seen = [0]
    loan = sqlite_file.Loan

    def before(name: str) -> Any:
        real = getattr(loan, name)

        def step(self: Any, *args: Any) -> Any:
            if self._writes:
                seen[0] += 1
                if seen[0] == stop:
                    raise Break
            return real(self, *args)

        return step

    for name in ("rows", "run", "many"):
        monkeypatch.setattr(loan, name, before(name))
    yield 0
    monkeypatch.undo()
    yield seen[0]


def test_d23_broken_off_at_any_statement_leaves_all_or_nothing(
    filed: House, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every statement of the commit: the person is wholly there, and a retry finishes."""
    anna = filed.plain()
    question = retention.erasure(reason="unlawful", reference="r-7")
    plan = filed.keeper.plan(anna, question)
    before = dump(path)
    stop = 0
    while True:
        stop += 1
        counting = counted(monkeypatch, stop)
        next(counting)
        try:
            filed.keeper.apply(plan, approve=plan.digest)
        except Break:
            next(counting)
            assert dump(path) == before
            assert filed.keeper.read(anna, "email")["email"].reveal() == EMAIL  # type: ignore[index]
            filed.keeper.verify(anna)
            continue
        assert next(counting) == stop - 1
        break
    assert stop > 7, "keys, values, terms, tombstone, entries, line and tags are steps of their own"
    assert blobs(path, anna) == []
    filed.keeper.verify(anna)
    with pytest.raises(SubjectErased):
        filed.keeper.read(anna)


CHILD = """
import os, sys
from gdprkit import retention
from gdprkit.storage import SqliteStore, sqlite_file
from gdprkit.words.identifiers import subject_id
from tests.keeper.support import house_on

path, stop, about = sys.argv[1], int(sys.argv[2]), subject_id(sys.argv[3])
seen = 0

def before(name):
    real = getattr(sqlite_file.Loan, name)
    def step(self, *args):
        global seen
        if self._writes:
            seen += 1
            if seen == stop:
                os._exit(7)
        return real(self, *args)
    return step

for name in ("rows", "run", "many"):
    setattr(sqlite_file.Loan, name, before(name))
house_on(SqliteStore(path)).erase(about)
os._exit(8)
"""


def child(code: str, *arguments: object) -> int:
    """Run *code* in a process of its own and return how it ended."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {7, 8}, done.stderr
    return done.returncode


def test_d23_a_process_that_dies_at_a_statement_leaves_all_or_nothing(path: Path) -> None:
    """Killed without a word before the first, a middle and each later step; then it is done."""
    with SqliteStore(path) as store:
        anna = house_on(store).plain()
    before = dump(path)
    for stop in (1, 3, 4, 5, 7):
        assert child(CHILD, path, stop, anna) == 7
        assert dump(path) == before
        with SqliteStore(path) as store:
            assert house_on(store).keeper.read(anna, "email")
    assert child(CHILD, path, 10_000, anna) == 8
    with SqliteStore(path) as store:
        house_on(store).keeper.verify(anna)
        with pytest.raises(SubjectErased):
            house_on(store).keeper.read(anna)


# --- D24 -----------------------------------------------------------------------------------------


def test_d24_a_shred_while_another_thread_seals(house: House) -> None:
    """Every record is whole or refused, and after the erasure none comes; the line verifies."""
    anna = house.plain()
    begun, done, errors = threading.Event(), threading.Event(), []

    def write() -> None:
        for number in range(10_000):
            fields = {"message": f"message {number}", "title": f"title {number}"}
            try:
                house.keeper.record(anna, data.collect(fields, source="contact-form"))
            except GdprkitError as error:
                errors.append(error)
                return
            if number == 2:
                begun.set()
            done.wait(0.005)  # leave a gap in which the plan is not stale yet

    thread = threading.Thread(target=write)
    thread.start()
    assert begun.wait(30)
    question = retention.erasure(reason="unlawful", reference="r-7")
    while True:
        plan = house.keeper.plan(anna, question)
        try:
            house.keeper.apply(plan, approve=plan.digest)
        except (PlanStale, PositionTaken):
            continue
        break
    thread.join(30)
    assert not thread.is_alive()
    assert len(errors) == 1
    assert type(errors[0]) in {NotAllowed, NotPossibleNow, SubjectErased}
    facts = [entry.fact for entry in house.keeper.line(anna)]
    assert isinstance(facts[-1], PersonErased)
    assert list(house.store.keys(anna)) == []
    assert not house.keeper.standing(anna).data.values
    house.keeper.verify(anna)


def test_d24_another_process_reads_until_its_time_is_over(house: House) -> None:
    """A warm cache opens what it holds until the receipt's moment, and nothing from then on."""
    seconds = [0.0]
    anna = house.plain()
    elsewhere = keys_of(house.store, monotonic=lambda: seconds[0])
    sealed = seal("x", NOTE, "r-1", elsewhere.of(anna).newest)
    found = house.erase(anna).receipt
    assert found is not None
    assert unseal(sealed, NOTE, "r-1", elsewhere.of(anna)) == "x"
    seconds[0] = (found.everywhere_at - found.erased_at).total_seconds()
    with pytest.raises(SubjectErased):
        elsewhere.of(anna)


def test_d24_strict_writes_seal_nothing_after_the_commit(house: House) -> None:
    """With strict_writes a warm cache of another process refuses to write at once."""
    anna = house.plain()
    strict = keys_of(house.store, settings=KeySettings(strict_writes=True))
    strict.of(anna)
    house.erase(anna)
    with pytest.raises(SubjectErased):
        strict.for_writing(anna)


def test_d24_a_warm_keeper_writes_nothing_after_the_commit(house: House) -> None:
    """Another keeper that still holds the opened key: its record is refused, by the line."""
    other = house_on(house.store)
    anna = house.plain()
    other.keeper.record(anna, data.collect({"message": "before"}, source="contact-form"))
    house.clock.now = other.clock.now = moment(2024, 6, 1)
    house.erase(anna)
    with pytest.raises(NotAllowed, match="person-erased"):
        other.keeper.record(anna, data.collect({"message": "after"}, source="contact-form"))
    assert not house.keeper.standing(anna).data.values
    house.keeper.verify(anna)


ELSEWHERE = """
import sys, time
from gdprkit.sealing.errors import SubjectErased
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.settings import KeySettings
from gdprkit.storage import SqliteStore
from gdprkit.words.identifiers import subject_id
from tests.keeper.support import provider

store, about = SqliteStore(sys.argv[1]), subject_id(sys.argv[2])
lax = SubjectKeys(provider(), store, tenant="main", settings=KeySettings(ttl=1))
strict = SubjectKeys(
    provider(), store, tenant="main", settings=KeySettings(ttl=60, strict_writes=True)
)
lax.of(about), strict.of(about)
warm = time.monotonic()
print("warm", flush=True)
sys.stdin.readline()
try:
    strict.for_writing(about)
except SubjectErased:
    print("refused", flush=True)
while time.monotonic() < warm + 30:
    try:
        lax.of(about)
    except SubjectErased:
        print("closed", flush=True)
        break
    time.sleep(0.02)
print(time.monotonic() - warm)
"""


def test_d24_a_real_process_with_a_warm_cache(filed: House, path: Path) -> None:
    """Of another process: strict writes are refused at once, reads end within the time to live."""
    anna = filed.plain()
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    with subprocess.Popen(
        [sys.executable, "-c", ELSEWHERE, str(path), str(anna)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "warm\n"
        filed.erase(anna)
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "refused\n"
        assert other.stdout.readline() == "closed\n"
        seconds = float(other.stdout.readline())
    assert 0.9 < seconds < 10


# --- no way back ---------------------------------------------------------------------------------


def test_an_erased_id_is_never_used_again(house: House) -> None:
    """Whoever returns is a new person with a new id and new keys; the old line stays closed."""
    anna = house.plain()
    old = {row.key_id for row in house.store.keys(anna)}
    house.erase(anna)
    assert house.keeper.find(email=EMAIL) == ()
    back = house.plain()
    assert back != anna
    assert house.keeper.find(email=EMAIL) == (back,)
    assert not old & {row.key_id for row in house.store.keys(back)}
    assert house.keeper.read(back, "email")
    with pytest.raises(GdprkitError):
        house.keeper.record(anna, data.collect({"message": "x"}, source="contact-form"))
    with pytest.raises(GdprkitError):
        house.keeper.record(anna, data.rectify({"name": "x"}, source="contact-form"))
    house.keeper.record(anna, marketing.object_to(via="email"))  # facts go on, values do not
    case = house.keeper.record(
        anna, requests.receive(right="access", channel="email", text="What is left?")
    ).case
    assert case is not None
    assert not house.keeper.standing(anna).data.values
    assert list(house.store.keys(anna)) == []
    house.keeper.verify(anna)
