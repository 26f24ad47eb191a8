"""The contract of stores catches stores that break it, and passes one that does not."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from tests.storage import wrong_stores as wrong
from tests.storage.guests import Guest, hosting
from tests.storage.wrong_stores import Around

from gdprkit.errors import GdprkitError
from gdprkit.storage.protocol import Store
from gdprkit.testing.store_abilities import Hosted
from gdprkit.testing.store_contract import StoreContract


class _Quick(StoreContract):
    """The contract without shrinking: what matters here is that it fails, not how shortly."""

    can_reopen = True
    has_neighbours = True
    can_fail = True
    can_be_hosted = True
    many = 60
    guest: ClassVar[type[Guest]] = Guest
    machine_settings: ClassVar[settings] = settings(
        max_examples=600,
        stateful_step_count=20,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    def __init__(self, make: Callable[[], Around], folder: Path) -> None:
        self.make = make
        self.folder = folder

    def make_store(self) -> Store:
        return cast("Store", self.make())

    def reopen_store(self, store: Store) -> Store:
        return cast("Store", cast("Around", store).reopened())

    def make_neighbour(self, store: Store, tenant: str) -> Store:
        return cast("Store", cast("Around", store).neighbour(tenant))

    @contextmanager
    def _failing(self, store: Around, n: int) -> Iterator[None]:
        store.fails_at = n
        yield
        store.fails_at = 0

    def fail_at(self, store: Store, n: int) -> AbstractContextManager[None]:
        return self._failing(cast("Around", store), n)

    def hosted(self) -> AbstractContextManager[Hosted]:
        return hosting(wrong.new_file(self.folder), self.guest)


def _tests(contract: StoreContract) -> dict[str, Callable[..., None]]:
    methods = inspect.getmembers(contract, inspect.ismethod)
    return {name: test for name, test in methods if name.startswith("test_")}


def _fails(contract: StoreContract, name: str) -> bool:
    """Run one example of the contract, in every case it has, and tell whether one fails."""
    test = _tests(contract)[name]
    for case in _cases(test):
        wanted = inspect.signature(test).parameters
        store = {"store": contract.make_store()} if "store" in wanted else {}
        try:
            test(**store, **case)
        except pytest.skip.Exception:
            continue
        except (
            AssertionError,
            GdprkitError,
            LookupError,
            sqlite3.Error,
            pytest.fail.Exception,
        ):
            return True
        finally:
            for made in store.values():
                made.close()
    return False


def _cases(test: Callable[..., None]) -> list[dict[str, Any]]:
    """Return the arguments that pytest would pass to a parametrized test."""
    for mark in getattr(test, "pytestmark", []):
        names, rows = mark.args
        if isinstance(names, str):
            return [{names: row} for row in rows]
        return [dict(zip(names, row, strict=True)) for row in rows]
    return [{}]


def test_a_right_store_passes(tmp_path: Path) -> None:
    """Run in the same way, a store that keeps the contract fails nothing."""
    contract = _Quick(wrong.Right, tmp_path)
    assert [name for name in _tests(contract) if _fails(contract, name)] == []


CAUGHT = [
    (wrong.Forgets, "test_entries_come_back_in_order_and_whole"),
    (wrong.HalfCommits, "test_a_refused_batch_takes_the_whole_commit_with_it"),
    (wrong.HalfCommits, "test_a_failure_at_any_step_leaves_nothing"),
    (wrong.HalfCommits, "test_a_failed_write_is_not_there_after_reopening"),
    (wrong.IgnoresConflicts, "test_another_position_is_refused_and_stores_nothing"),
    (wrong.IgnoresConflicts, "test_of_two_threads_exactly_one_wins_each_position"),
    (wrong.WrapsAgain, "test_flags_are_set_on_every_key_and_leave_the_rest"),
    (wrong.Overwrites, "test_an_added_tombstone_changes_nothing_else"),
    (wrong.HalfExpunges, "test_expunging_leaves_only_tombstones"),
    (wrong.KeepsAfterErasure, "test_shredding_takes_keys_values_and_terms"),
    (wrong.LosesSuppression, "test_suppression_survives_erasure"),
    (wrong.NarrowsSuppression, "test_no_suppression_narrows_another"),
    (wrong.ReusesToken, "test_a_token_is_spent_once"),
    (wrong.PagesWithGaps, "test_people_are_walked_while_others_write"),
    (wrong.RowsWithGaps, "test_key_rows_are_paged_while_others_write"),
    (wrong.WrongOrder, "test_tagged_gives_standings_in_order_of_id"),
    (wrong.LeaksBetweenTenants, "test_tenants_are_apart"),
    (wrong.DropsTags, "test_tagged_gives_standings_in_order_of_id"),
    (wrong.DropsTags, "test_marks_are_given_as_they_are_kept"),
    (wrong.EndsOfAnother, "test_ends_tell_where_every_line_ends"),
    (wrong.LosesReceipt, "test_a_receipt_tells_the_position"),
    (wrong.ForgetsTokens, "test_what_was_refused_is_refused_after_reopening"),
    (wrong.RoundsMoments, "test_waking_keeps_moments_exact"),
    (wrong.CutsLarge, "test_large_values_come_back_whole"),
    (wrong.TakesNoText, "test_what_is_no_text_is_refused"),
    (wrong.DestroysInUse, "test_an_epoch_is_destroyed_once_nothing_hangs_on_it"),
]


@pytest.mark.parametrize(("store", "test"), CAUGHT)
def test_a_wrong_store_fails_the_example_made_for_it(
    store: Callable[[], Around], test: str, tmp_path: Path
) -> None:
    """Each wrong store is caught by the named example that is about its fault."""
    assert _fails(_Quick(store, tmp_path), test)


@pytest.mark.parametrize(
    ("guest", "test"),
    [
        (wrong.CommitsForTheHost, "test_our_rows_and_the_hosts_vanish_together"),
        (wrong.CommitsForTheHost, "test_our_rows_and_the_hosts_appear_together"),
        (wrong.SpoilsTheHost, "test_a_refusal_leaves_the_hosts_transaction_usable"),
        (wrong.LeavesHalf, "test_a_refusal_leaves_the_hosts_transaction_usable"),
        (wrong.ClosesTheHost, "test_closing_ours_leaves_the_hosts_transaction"),
        (wrong.LosesEpochs, "test_an_epoch_is_not_rolled_back_with_the_host"),
    ],
)
def test_a_wrong_guest_fails_the_example_made_for_it(
    guest: type[Guest], test: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So is each store that does to a host's transaction what it may not."""
    monkeypatch.setattr(_Quick, "guest", guest)
    assert _fails(_Quick(wrong.Right, tmp_path), test)


class _Shared(_Quick):
    """A store in a file, opened by several processes."""

    has_address = True

    def make_store(self) -> Store:
        self.path = str(wrong.new_file(self.folder))
        return self.open_store(self.path)

    def address(self, store: Store) -> str:
        return self.path


class _OfIgnoring(_Shared):
    open_store = staticmethod(wrong.IgnoresProcesses)


class _OfAcknowledging(_Shared):
    open_store = staticmethod(wrong.Acknowledges)


@pytest.mark.parametrize(
    ("contract", "test"),
    [
        (_OfIgnoring, "test_processes_share_one_store"),
        (_OfAcknowledging, "test_a_killed_process_loses_nothing_it_was_told_of"),
        (_OfAcknowledging, "test_another_process_sees_what_was_committed"),
    ],
)
def test_a_store_wrong_among_processes_fails_the_example_made_for_it(
    contract: type[_Shared], test: str, tmp_path: Path
) -> None:
    """So is each store that is right as long as it is alone."""
    assert _fails(contract(wrong.Right, tmp_path), test)


@pytest.mark.parametrize(
    "store",
    [
        wrong.Forgets,
        wrong.HalfCommits,
        wrong.IgnoresConflicts,
        wrong.WrapsAgain,
        wrong.Overwrites,
        wrong.HalfExpunges,
        wrong.KeepsAfterErasure,
        wrong.LosesSuppression,
        wrong.NarrowsSuppression,
        wrong.ReusesToken,
        wrong.WrongOrder,
        wrong.DropsTags,
        wrong.EndsOfAnother,
        wrong.LosesReceipt,
        wrong.DestroysInUse,
    ],
)
def test_the_machine_catches_each_alone(store: Callable[[], Around], tmp_path: Path) -> None:
    """Without the named examples, the comparison with a plain dict finds every one of them."""
    assert _fails(_Quick(store, tmp_path), "test_agrees_with_a_plain_dict")
