"""Rotations that die, and two at once: nothing is lost, resuming finishes (crypto D.32, D.33)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.sealing.rotating import LATER, TTL, Died, Shop, dying, run_child, shop, spawn, states
from tests.sealing.support import AT, ROOT, Clock, DictStore, dec, enc

from gdprkit.sealing.errors import KeyEpochDestroyed, KeyInUse, RotationTooEarly
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.providers import Keyring, MemoryProvider
from gdprkit.sealing.rotation import (
    destroy_epoch,
    key_status,
    new_epoch,
    rewrap_keys,
    rotate,
)
from gdprkit.sealing.rows import EpochKind, KeyRow, KeyState
from gdprkit.storage import SqliteStore
from gdprkit.testing.store_values import person
from gdprkit.words.identifiers import SubjectId

KEK = EpochKind.KEK
PEOPLE = 3


def ready_shop(folder: Path) -> Shop:
    """A shop that has an epoch of each kind."""
    given = shop(folder, PEOPLE)
    with given.open() as store:
        given.keys(store).ready(AT)
    return given


def everything(given: Shop, store: SqliteStore, progress: Callable[[int], None]) -> None:
    """One rotation from end to end, a row in each transaction; called again it goes on."""
    keys = given.keys(store)
    if not key_status(keys).begun and "k2" not in states(store):
        Keyring.add_root(given.ring)
        keys = given.keys(store)
    if "k2" not in states(store) or key_status(keys).begun:
        rotate(keys, at=AT, kinds=(KEK, EpochKind.INDEX))
    rewrap_keys(keys, at=AT, batch=1, progress=progress)
    destroy_epoch(keys, "k1", at=LATER)
    destroy_epoch(keys, "i1", at=LATER)
    roots = {epoch.root for epoch in key_status(keys).epochs if epoch.live}
    for line in given.ring.read_text().splitlines():
        name = line.split()[0]
        if name.startswith("root-") and name not in roots:
            Keyring.drop_root(given.ring, name)


def finished(given: Shop, store: SqliteStore) -> None:
    """The rotation was carried out once, and nothing of the old is left."""
    assert states(store) == {
        "i1": KeyState.DESTROYED,
        "i2": KeyState.ACTIVE,
        "k1": KeyState.DESTROYED,
        "k2": KeyState.ACTIVE,
        "l1": KeyState.ACTIVE,
    }
    rows = list(store.key_rows(limit=99))
    assert [row.kek_id for row in rows] == ["k2"] * len(given.sealed)
    status = key_status(given.keys(store))
    assert (status.waiting, status.begun) == (0, False)
    assert given.ring.read_text().count("destroyed root-") == 1


def test_d32_dying_before_any_statement_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every statement of a whole rotation: killed before it, everybody reads; resumed, it ends.

    Both a process that was running and one that begins now read every value after the death, and
    no person's key moved more than once.
    """
    given = ready_shop(tmp_path / "shop")
    statement = 0
    while True:
        statement += 1
        copy = given.copy(tmp_path / str(statement))
        with copy.open() as store:
            running = copy.keys(store)
            copy.check(running)
            moved: list[int] = []
            died = False
            with dying(monkeypatch, statement):
                try:
                    everything(copy, store, moved.append)
                except Died:
                    died = True
            copy.check(running)
            copy.check(copy.keys(store))
            if not died:
                finished(copy, store)
                break
            everything(copy, store, moved.append)
            finished(copy, store)
            assert sum(moved) in (PEOPLE - 1, PEOPLE)  # one may have moved as the process died
            copy.check(running)
            copy.check(copy.keys(store))
    assert statement > 40, "the rotation has more statements than were tried"


CHILD = """
import os, sys
from pathlib import Path
from gdprkit.storage.sqlite_file import Loan
from tests.sealing.rotating import Shop
from tests.sealing.test_rotation_crashes import everything

folder, at = Path(sys.argv[1]), int(sys.argv[2])
count = 0

def guarded(method):
    def run(self, *args):
        global count
        count += 1
        if count == at:
            os._exit(7)
        return method(self, *args)
    return run

given = Shop(folder)
store = given.open()
for name in ("rows", "run", "many"):
    setattr(Loan, name, guarded(getattr(Loan, name)))
everything(given, store, lambda _: None)
os._exit(0)
"""


@pytest.mark.parametrize("statement", [5, 12, 17, 23, 29, 34, 38])
def test_d32_a_killed_process_loses_nothing(tmp_path: Path, statement: int) -> None:
    """The same with a process that is really gone, without a word to the database."""
    given = ready_shop(tmp_path / "shop")
    with given.open() as store:
        running = given.keys(store)
        given.check(running)
        ended, problem = run_child(CHILD, given.folder, statement)
        assert ended == 7, problem
        given.check(running)
        given.check(given.keys(store))
        everything(given, store, lambda _: None)
        finished(given, store)
        given.check(running)


def test_d32_a_row_put_on_hold_meanwhile_keeps_its_hold(tmp_path: Path) -> None:
    """What somebody changes between reading and replacing a row is not overwritten."""
    given = shop(tmp_path / "shop", 2)
    with given.open() as store:
        keys = given.keys(store)
        new_epoch(keys, KEK, at=AT)
        replace = store.replace_keys
        first = True

        def interrupted(changes: list[tuple[KeyRow, KeyRow]]) -> int:
            nonlocal first
            if first:
                first = False
                old, _ = changes[0]
                assert replace([(old, attrs.evolve(old, on_hold=True))]) == 1
            return replace(changes)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "replace_keys", interrupted)
            result = rewrap_keys(keys, at=AT)
        assert (result.rows, result.left) == (2, 0)
        assert [(row.kek_id, row.on_hold) for row in store.key_rows(limit=9)] == [
            ("k2", True),
            ("k2", False),
        ]
        given.check(given.keys(store))


ROTATING = """
import sys
from datetime import timedelta
from pathlib import Path
from gdprkit.sealing.rotation import new_epoch, rewrap_keys, rotate
from gdprkit.sealing.rows import EpochKind
from tests.sealing.rotating import Shop
from tests.sealing.support import AT

given = Shop(Path(sys.argv[1]))
with given.open() as store:
    keys = given.keys(store)
    keys.ready(AT)
    print("ready", flush=True)
    sys.stdin.readline()
    print(new_epoch(keys, EpochKind.KEK, at=AT))
    result = rewrap_keys(keys, at=AT, batch=3)
    print(result.rows, len(result.damaged))
"""


@contextmanager
def started(code: str, given: Shop, count: int) -> Iterator[Callable[[], list[str]]]:
    """Start processes, wait until each is ready, and give what lets them all go at once."""
    with ExitStack() as stack:
        children = [stack.enter_context(spawn(code, given.folder)) for _ in range(count)]
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"

        def go() -> list[str]:
            for child in children:
                assert child.stdin is not None
                child.stdin.write("go\n")
                child.stdin.flush()
            said = [child.communicate(timeout=60) for child in children]
            assert [child.returncode for child in children] == [0] * count, said
            return [out for out, _ in said]

        yield go


def test_d33_two_processes_that_rotate_at_once_agree(tmp_path: Path) -> None:
    """Both end on the same epochs, every row moved, and everybody reads.

    Whoever comes late may begin the next rotation; nothing then hangs on an epoch before it.
    """
    given = shop(tmp_path / "shop", 20)
    with given.open() as store, started(ROTATING, given, 2) as go:
        running = given.keys(store)
        given.check(running)
        outputs = [said.split() for said in go()]
        found = states(store)
        assert list(found.values()).count(KeyState.ACTIVE) == 3  # one of each kind
        assert {made for made, *_ in outputs} <= {"k2", "k3"}
        rewrap_keys(given.keys(store), at=AT)
        status = key_status(given.keys(store))
        assert status.waiting == 0
        assert sum(int(rows) for _, rows, _ in outputs) >= 20
        assert all(damaged == "0" for *_, damaged in outputs)
        given.check(running)
        given.check(given.keys(store))


def test_d33_the_loser_of_a_new_epoch_uses_the_winners(tmp_path: Path) -> None:
    """Two that read the same epochs make one new one, whoever stores it; the other's is dropped."""
    given = shop(tmp_path / "shop", 2)
    with given.open() as store:
        one, two = given.keys(store), given.keys(store)
        add = one.epochs.store.add_epoch

        def second_comes_first(row: Any) -> None:
            patch.undo()
            assert new_epoch(two, KEK, at=AT) == "k2"
            add(row)

        patch = pytest.MonkeyPatch()
        patch.setattr(store, "add_epoch", second_comes_first)
        assert new_epoch(one, KEK, at=AT) == "k2"
        assert [e for e in states(store) if e[0] == "k"] == ["k1", "k2"]
        about = given.add(one, store, 3)
        assert given.read(two, about) == "value 3"


ADDING = """
import sys
from pathlib import Path
from gdprkit.errors import InvalidValue, PositionTaken
from gdprkit.ledger.chain import genesis
from gdprkit.testing.store_values import continued, person
from tests.sealing.rotating import Shop
from tests.sealing.support import AT, enc
import attrs

given = Shop(Path(sys.argv[1]))
about = person(77)
with given.open() as store:
    keys = given.keys(store)
    print("ready", flush=True)
    sys.stdin.readline()
    first = continued(about, 0, genesis(store.tenant, about), [b"one"])
    try:
        versions, row = keys.create(about, at=AT)
        store.commit(attrs.evolve(first, keys=[row]))
    except (PositionTaken, InvalidValue):
        pass  # somebody was first, by a little or by more
    keys.forget(about)
    print(enc("hello", keys.of(about).newest).hex())
"""


def test_d33_two_processes_make_the_first_key_of_a_person_and_of_the_store(tmp_path: Path) -> None:
    """On a new store both make epochs and the key at once: one of each is kept, both seal by it."""
    given = shop(tmp_path / "shop", 0)
    with given.open() as store, started(ADDING, given, 3) as go:
        for sealed in go():
            versions = given.keys(store).of(person(77))
            assert dec(bytes.fromhex(sealed), versions) == "hello"
        assert len(store.keys(person(77))) == 1
        assert set(states(store)) == {"k1", "l1"}


class Rotations(RuleBasedStateMachine):
    """Two processes with caches of their own rotate, add, read and destroy in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.store = DictStore()
        self.clock = Clock()
        self.provider = MemoryProvider(ROOT)
        self.processes = [self._begin(), self._begin()]
        self.sealed: dict[SubjectId, bytes] = {}

    def _begin(self) -> SubjectKeys:
        return SubjectKeys(self.provider, self.store, tenant="main", monotonic=self.clock)

    @property
    def now(self) -> Any:
        return AT + timedelta(seconds=self.clock.now - 1000)

    @rule(which=st.integers(0, 1))
    def add(self, which: int) -> None:
        """A person comes, as a commit lets it: not under an epoch that is gone."""
        keys = self.processes[which]
        about = person(len(self.sealed) + 1)
        versions, row = keys.create(about, at=self.now)
        live = [e for e in self.store.epoch_rows if e.state is not KeyState.DESTROYED]
        assert row.kek_id in {epoch.epoch for epoch in live}
        self.store.put(row)
        keys.forget(about)
        self.sealed[about] = enc("x", versions.newest)

    @rule(which=st.integers(0, 1))
    def rotate(self, which: int) -> None:
        """An epoch follows."""
        new_epoch(self.processes[which], KEK, at=self.now)

    @rule(which=st.integers(0, 1), batch=st.integers(1, 3))
    def rewrap(self, which: int, batch: int) -> None:
        """Rows move."""
        rewrap_keys(self.processes[which], at=self.now, batch=batch)

    @rule(which=st.integers(0, 1), number=st.integers(1, 4))
    def destroy(self, which: int, number: int) -> None:
        """An old epoch ends, unless it is refused."""
        known = {row.epoch: row for row in self.store.epoch_rows}
        if f"k{number}" not in known or f"k{number + 1}" not in known:
            return
        try:
            destroy_epoch(self.processes[which], f"k{number}", at=self.now)
        except (KeyInUse, RotationTooEarly):
            return

    @rule(seconds=st.sampled_from([1, TTL - 1, TTL]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.now += seconds

    @rule(which=st.integers(0, 1))
    def restart(self, which: int) -> None:
        """A process begins anew."""
        self.processes[which] = self._begin()

    @invariant()
    def everybody_reads_everything(self) -> None:
        """No process is ever without a key, whatever it believes."""
        for keys in (*self.processes, self._begin()):
            for about, sealed in self.sealed.items():
                keys.forget(about)
                assert dec(sealed, keys.of(about)) == "x"


def test_d32_any_order_of_rotations_reads() -> None:
    """Random runs of two processes: no order of steps makes anybody unreadable."""
    run_state_machine_as_test(
        Rotations,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_writer_that_believes_a_dead_epoch_is_refused(tmp_path: Path) -> None:
    """Its commit stores nothing; having read the epochs again it writes under the newest one."""
    given = shop(tmp_path / "shop", 1)
    with given.open() as store:
        stale, other = given.keys(store), given.keys(store)
        given.check(stale)
        new_epoch(other, KEK, at=AT)
        rewrap_keys(other, at=AT)
        destroy_epoch(other, "k1", at=LATER)
        with pytest.raises(KeyEpochDestroyed) as caught:
            given.add(stale, store, 2)
        assert caught.value.epoch == "k1"
        assert list(store.keys(person(2))) == []
        stale.refresh()
        given.add(stale, store, 2)
        given.check(given.keys(store))


READING = """
import sys
from pathlib import Path
from tests.sealing.rotating import Shop

given = Shop(Path(sys.argv[1]))
with given.open() as store:
    keys = given.keys(store)
    given.sealed.update(given.kept())
    given.check(keys)
    print("ready", flush=True)
    sys.stdin.readline()
    turns = 0
    while turns < 3 or "destroyed" not in given.ring.read_text().replace("# ", ""):
        given.check(keys)
        given.check(given.keys(store))
        turns += 1
    given.check(keys)
    print(turns)
"""


def test_d32_others_read_while_everything_rotates(tmp_path: Path) -> None:
    """Two processes read all values, with old caches and with none, from before to after it all."""
    given = shop(tmp_path / "shop", 20)
    given.keep()
    with given.open() as store:
        given.keys(store).ready(AT)
    with given.open() as store, started(READING, given, 2) as go, ThreadPoolExecutor(1) as aside:
        reading = aside.submit(go)
        everything(given, store, lambda _: None)
        finished(given, store)
        assert all(int(turns) >= 3 for turns in reading.result(timeout=60))
