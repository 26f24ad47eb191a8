"""The contract of stores, as tests that an implementer inherits.

``StoreContract`` has an example for every promise in ``gdprkit.storage.protocol.Store`` and in
``gdprkit.sealing.rows.KeyStore``, and a state machine that drives the store beside a plain dict. It
leaves out speed, and what one database alone promises. Always true: a test names one promise, and
needs only ``make_store``; promises that not every store can be asked about are switched on by
attributes, and skip by name.

    class TestMyStore(StoreContract):
        can_reopen = True

        def make_store(self) -> Store:
            return MyStore(...)

        def reopen_store(self, store: Store) -> Store:
            ...

The examples stand by promise in the modules ``store_contract_…``.
"""

from __future__ import annotations

import attrs
import pytest
from hypothesis.stateful import run_state_machine_as_test

from gdprkit.errors import StoreClosed
from gdprkit.storage.protocol import Marks, Store, VaultPut
from gdprkit.testing.store_contract_erasure import ErasureContract
from gdprkit.testing.store_contract_faults import FaultsContract
from gdprkit.testing.store_contract_hosted import HostedContract
from gdprkit.testing.store_contract_keys import KeysContract
from gdprkit.testing.store_contract_limits import LimitsContract
from gdprkit.testing.store_contract_lines import LinesContract
from gdprkit.testing.store_contract_pages import PagesContract
from gdprkit.testing.store_contract_processes import ProcessesContract
from gdprkit.testing.store_contract_suppression import SuppressionContract
from gdprkit.testing.store_contract_together import TogetherContract
from gdprkit.testing.store_contract_walks import WalksContract
from gdprkit.testing.store_machine import machine_for
from gdprkit.testing.store_values import (
    epoch_row,
    filled,
    follow,
    hashed,
    key_row,
    line_tombstone,
    person,
    picture,
    refuses_what_was_used,
    slot,
    tombstone,
)

__all__ = ["StoreContract"]

ANNA, BO, CAI = person(1), person(2), person(3)


class StoreContract(
    LinesContract,
    WalksContract,
    PagesContract,
    ErasureContract,
    SuppressionContract,
    KeysContract,
    LimitsContract,
    TogetherContract,
    FaultsContract,
    ProcessesContract,
    HostedContract,
):
    """Inherit, write ``make_store``, and run with pytest.

    What else a store can be asked about, each with the hooks to write:

    - ``can_reopen``: the store survives closing; ``reopen_store``.
    - ``has_neighbours``: tenants can share what lies beneath; ``make_neighbour``.
    - ``can_fail``: a step of a write can be made to fail; ``fail_at``.
    - ``has_address``: several processes may use it at once; ``address``, and ``open_store``, a
      staticmethod of what another process can import: ``open_store = staticmethod(MyStore)``.
    - ``can_be_hosted``: it can work inside a host's transaction; ``hosted``.

    ``many``: more than the store reads at a time where it gives iterators; tests of those have so
    many people. ``machine_settings``: how long the state machine runs.
    """

    def test_a_closed_store_answers_nothing(self) -> None:
        """After closing, every method says so; closing again is fine."""
        store = self.make_store()
        epoch, row, at = epoch_row("k1"), key_row(ANNA), tombstone(hashed("mark"))
        store.add_epoch(epoch)
        batch = follow(store, ANNA, b"one")
        store.commit(batch)
        left = line_tombstone(store, ANNA)
        store.close()
        store.close()
        for call in (
            lambda: store.standing(ANNA),
            lambda: store.line(ANNA),
            lambda: store.values(ANNA, [slot(1)]),
            lambda: store.values_of({ANNA: [slot(1)]}),
            lambda: store.find([b"term"]),
            lambda: store.terms(ANNA),
            lambda: store.suppressed([hashed("contact")]),
            lambda: store.receipt(ANNA, hashed("act")),
            lambda: list(store.waking(at.erased_at, limit=1)),
            lambda: list(store.tagged("news")),
            lambda: list(store.people()),
            lambda: list(store.ends()),
            lambda: list(store.marks()),
            lambda: list(store.lines()),
            lambda: list(store.expunged_lines()),
            lambda: list(store.suppressions()),
            lambda: store.expunged(ANNA),
            lambda: store.commit(batch),
            lambda: store.expunge(ANNA, left),
            lambda: store.keys(ANNA),
            lambda: store.keys_of([ANNA]),
            lambda: store.tombstone(hashed("mark")),
            lambda: store.tombstones_of([hashed("mark")]),
            store.tombstones,
            lambda: store.add_tombstone(at),
            store.epochs,
            lambda: store.add_epoch(epoch),
            lambda: store.key_rows(limit=1),
            lambda: store.replace_keys([(row, row)]),
            lambda: store.replace_epoch(epoch, epoch),
            lambda: store.destroy_epoch(attrs.evolve(epoch, state=epoch.state.RETIRED)),
            store.hanging,
        ):
            with pytest.raises(StoreClosed):
                call()

    def test_tenants_are_apart(self, store: Store) -> None:
        """Two tenants on the same data see nothing of each other, under equal ids and hashes."""
        self.needs("has_neighbours")
        other = self.make_neighbour(store, "other")
        filled(store)
        store.add_tombstone(tombstone(hashed("mark")))
        ours = picture(store)
        assert other.tenant == "other"
        assert picture(other) == picture(self.make_store())
        theirs = follow(other, ANNA, b"theirs", key=hashed("act"), marks=Marks(tags={"news"}))
        other.add_epoch(epoch_row("k1", wrapped=b"theirs"))
        put = VaultPut(slot=slot(1), envelope=b"theirs", terms=[b"term"])
        other.commit(
            attrs.evolve(theirs, spend=[b"token"], keys=[key_row(ANNA, 1, b"theirs")], puts=[put])
        )
        other.commit(attrs.evolve(follow(other, BO, b"x"), shred=tombstone(hashed("mark"), "2")))
        other.commit(follow(other, CAI, b"x"))
        other.expunge(ANNA, line_tombstone(other, ANNA))
        assert picture(store) == ours
        assert [about for about, _ in other.expunged_lines()] == [ANNA]
        other.close()

    def test_tenants_with_similar_names_are_apart(self, store: Store) -> None:
        """Letter case, accents, blanks and how a letter is composed make another tenant."""
        self.needs("has_neighbours")
        store.commit(follow(store, ANNA, b"ours"))
        names = [
            "Main",
            "main ",
            " main",
            "m\u00e4in",
            "ma\u0308in",
            "MAIN",
            "ma%n",
            "ma_n",
            "\u4e3b",
        ]
        for name in [*names, "x" * 200]:
            other = self.make_neighbour(store, name)
            assert other.tenant == name
            assert list(other.people()) == []
            other.commit(follow(other, ANNA, name.encode()))
            assert [entry.body for entry in other.line(ANNA)] == [name.encode()]
            other.close()

    def test_everything_survives_reopening(self) -> None:
        """What was committed is there for the next one who opens the store."""
        self.needs("can_reopen")
        store = self.make_store()
        filled(store)
        before = picture(store)
        store = self.reopen_store(store)
        assert picture(store) == before
        store.commit(follow(store, ANNA, b"another"))
        again = self.reopen_store(store)
        assert [entry.body for entry in again.line(ANNA)][-1] == b"another"
        again.close()

    def test_what_was_refused_is_refused_after_reopening(self) -> None:
        """Spent tokens, recorded acts and expunged lines are not forgotten with the process."""
        self.needs("can_reopen")
        store = self.make_store()
        filled(store)
        store = self.reopen_store(store)
        refuses_what_was_used(store)
        store.close()

    def test_agrees_with_a_plain_dict(self) -> None:
        """Any run of commits, shreddings, expungings and rotations matches a plain dict."""
        run_state_machine_as_test(machine_for(self.make_store), settings=self.machine_settings)
