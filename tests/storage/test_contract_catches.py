"""The contract of stores catches stores that break it, and passes one that does not."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, cast

import attrs
import pytest
from hypothesis import HealthCheck, Phase, settings

from gdprkit.errors import GdprkitError, PositionTaken
from gdprkit.sealing.rows import KeyRow, Tombstone
from gdprkit.storage import MemoryStore
from gdprkit.storage.protocol import Batch, Store, StoredEntry
from gdprkit.testing.store_contract import StoreContract
from gdprkit.testing.store_values import continued
from gdprkit.words.identifiers import SubjectId


class _Around:
    """A right store to be made wrong."""

    def __init__(self) -> None:
        self.inner = MemoryStore()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Right(_Around):
    """Breaks nothing: shows that the harness itself does not fail."""


class Forgets(_Around):
    """Loses the newest entry of longer lines."""

    def line(self, about: SubjectId, *, after: int = 0) -> Sequence[StoredEntry]:
        found = self.inner.line(about, after=after)
        return found[:-1] if len(found) > 2 else found


class HalfCommits(_Around):
    """Stores batch after batch, so that a refusal leaves the first ones behind."""

    def commit(self, *batches: Batch) -> None:
        for batch in batches:
            self.inner.commit(batch)


class IgnoresConflicts(_Around):
    """Appends wherever the line ends, whatever the writer expected."""

    def commit(self, *batches: Batch) -> None:
        try:
            self.inner.commit(*batches)
        except PositionTaken:
            for batch in batches:
                self.inner.commit(self._rebased(batch))

    def _rebased(self, batch: Batch) -> Batch:
        last = self.inner.standing(batch.about)
        if last is None:
            return batch
        bodies = [entry.body for entry in batch.entries]
        again = continued(batch.about, last.position, last.head, bodies, marks=batch.marks)
        return attrs.evolve(again, puts=batch.puts, keys=batch.keys, spend=batch.spend)


class WrapsAgain(_Around):
    """Sets flags by putting whole rows that were read earlier: a rotation meanwhile is undone."""

    def __init__(self) -> None:
        super().__init__()
        self.first: dict[SubjectId, KeyRow] = {}

    def commit(self, *batches: Batch) -> None:
        for batch in batches:
            for row in batch.keys:
                self.first.setdefault(batch.about, row)
        self.inner.commit(*(self._whole(batch) for batch in batches))

    def _whole(self, batch: Batch) -> Batch:
        flags = batch.flags
        if flags is None:
            return batch
        kept = self.first[batch.about]
        rows = [row for row in batch.keys if row.version != kept.version]
        return attrs.evolve(batch, keys=[*rows, kept])


class Overwrites(_Around):
    """Lets a later tombstone take the place of the first."""

    def add_tombstone(self, tombstone: Tombstone) -> None:
        self.inner._tombstones[tombstone.mark] = tombstone


class _Quick(StoreContract):
    """The contract without shrinking: what matters here is that it fails, not how shortly."""

    machine_settings: ClassVar[settings] = settings(
        max_examples=100,
        stateful_step_count=20,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    def __init__(self, make: Callable[[], _Around]) -> None:
        self.make = make

    def make_store(self) -> Store:
        return cast("Store", self.make())


def _failures(make: Callable[[], _Around]) -> Iterator[str]:
    """Run the plain tests of the contract on a store and give the names of those that fail."""
    contract = _Quick(make)
    for name, test in inspect.getmembers(contract, inspect.ismethod):
        if not name.startswith("test_"):
            continue
        for case in _cases(test):
            wanted = inspect.signature(test).parameters
            store = {"store": contract.make_store()} if "store" in wanted else {}
            try:
                test(**store, **case)
            except pytest.skip.Exception:
                continue
            except (AssertionError, GdprkitError, LookupError, pytest.fail.Exception):
                yield name


def _cases(test: Callable[..., None]) -> list[dict[str, object]]:
    """Return the arguments that pytest would pass to a parametrized test."""
    for mark in getattr(test, "pytestmark", []):
        names, rows = mark.args
        if isinstance(names, str):
            return [{names: row} for row in rows]
        return [dict(zip(names, row, strict=True)) for row in rows]
    return [{}]


def test_a_right_store_passes() -> None:
    """Run in the same way, a store that keeps the contract fails nothing."""
    assert set(_failures(Right)) == set()


@pytest.mark.parametrize(
    ("wrong", "test"),
    [
        (Forgets, "test_entries_come_back_in_order_and_whole"),
        (HalfCommits, "test_a_refused_batch_takes_the_whole_commit_with_it"),
        (IgnoresConflicts, "test_another_position_is_refused_and_stores_nothing"),
        (IgnoresConflicts, "test_of_two_threads_exactly_one_wins_each_position"),
        (WrapsAgain, "test_flags_are_set_on_every_key_and_leave_the_rest"),
        (Overwrites, "test_an_added_tombstone_changes_nothing_else"),
    ],
)
def test_a_wrong_store_fails_the_example_made_for_it(
    wrong: Callable[[], _Around], test: str
) -> None:
    """Each wrong store is caught by the named example that is about its fault."""
    assert test in set(_failures(wrong))


@pytest.mark.parametrize("wrong", [Forgets, HalfCommits, IgnoresConflicts])
def test_the_machine_catches_each_alone(wrong: Callable[[], _Around]) -> None:
    """Without the named examples, the comparison with a plain dict finds every one of them."""
    with pytest.raises(AssertionError):
        _Quick(wrong).test_agrees_with_a_plain_dict()
