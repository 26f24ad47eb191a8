"""The part of the contract of stores about work inside a host's transaction.

Decides what a host may rely on: our rows and its own appear and vanish together. It leaves out how
a host's connection is lent: ``hosted`` of the implementer gives a ``Hosted``.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from gdprkit.errors import (
    AlreadyRecorded,
    GdprkitError,
    HostTransaction,
    LineExpunged,
    PositionTaken,
    TokenSpent,
)
from gdprkit.sealing.errors import KeyEpochDestroyed
from gdprkit.storage.protocol import Batch, Marks, Store, Suppression, VaultPut
from gdprkit.testing.store_abilities import StoreAbilities
from gdprkit.testing.store_values import (
    continued,
    epoch_row,
    filled,
    follow,
    hashed,
    key_row,
    line_tombstone,
    moment,
    person,
    picture,
    slot,
    tombstone,
)
from gdprkit.words.vocabulary import Actor

__all__ = ["HostedContract"]

ANNA, BO, CAI, NEW = person(1), person(2), person(3), person(5)

#: What is refused -> a batch that is refused for it in a store that ``filled`` has written.
REFUSED: dict[type[GdprkitError], Callable[[Store], Batch]] = {
    PositionTaken: lambda _: continued(BO, 9, hashed("head"), [b"x"]),
    AlreadyRecorded: lambda store: follow(store, BO, b"x", key=hashed("act")),
    TokenSpent: lambda store: attrs.evolve(follow(store, BO, b"x"), spend=[b"new", b"token"]),
    LineExpunged: lambda store: follow(store, person(4), b"x"),
    KeyEpochDestroyed: lambda store: attrs.evolve(
        follow(store, BO, b"x"), keys=[attrs.evolve(key_row(BO, 3), kek_id="k9")]
    ),
}


def _write(store: Store) -> None:
    """Do everything that writes, but what is durable apart from a host by its promise."""
    stop = Suppression(hash=hashed("h"), since=moment(1), author=Actor.SUBJECT)
    put = VaultPut(slot=slot(3), envelope=b"e", terms=[b"new"])
    marks = Marks(wake_at=moment(9), tags={"t"})
    batch = attrs.evolve(follow(store, ANNA, b"three", marks=marks), puts=[put], suppress=[stop])
    shred = tombstone(hashed("mark of bo"))
    store.commit(batch, attrs.evolve(follow(store, BO, b"erased"), shred=shred))
    store.commit(attrs.evolve(follow(store, NEW, b"one", marks=marks), spend=[b"token"]))
    store.expunge(CAI, line_tombstone(store, CAI))
    rows = store.key_rows(limit=9)
    changes = [(row, attrs.evolve(row, kek_id="k2", wrapped=b"anew")) for row in rows]
    assert store.replace_keys(changes) == len(rows) > 0


class HostedContract(StoreAbilities):
    """Inherited through ``StoreContract``."""

    def test_our_rows_and_the_hosts_appear_together(self) -> None:
        """Nobody sees anything before the host commits; then everybody sees all of it."""
        self.needs("can_be_hosted")
        with self.hosted() as host:
            filled(host.outside)
            before = picture(host.outside)
            host.begin()
            host.put("order 1")
            _write(host.store)
            host.put("order 2")
            written = picture(host.store)
            assert written != before
            assert picture(host.outside) == before
            assert host.names() == set()
            host.commit()
            assert picture(host.outside) == written
            assert host.names() == {"order 1", "order 2"}

    def test_our_rows_and_the_hosts_vanish_together(self) -> None:
        """The host rolls back: nothing is left, and what was used up is free again."""
        self.needs("can_be_hosted")
        with self.hosted() as host:
            filled(host.outside)
            before = picture(host.outside)
            host.begin()
            host.put("order 1")
            _write(host.store)
            host.rollback()
            assert picture(host.outside) == before
            assert host.names() == set()
            _write(host.outside)
            assert picture(host.outside) != before

    @pytest.mark.parametrize("error", REFUSED, ids=lambda error: error.__name__)
    def test_a_refusal_leaves_the_hosts_transaction_usable(self, error: type[GdprkitError]) -> None:
        """Nothing of the refused commit is stored; all else of the transaction is."""
        self.needs("can_be_hosted")
        with self.hosted() as host:
            filled(host.outside)
            host.begin()
            host.put("before")
            host.store.commit(follow(host.store, ANNA, b"before"))
            kept = picture(host.store)
            first = follow(host.store, ANNA, b"refused", marks=Marks(tags={"t"}))
            with pytest.raises(error):
                host.store.commit(attrs.evolve(first, spend=[b"fresh"]), REFUSED[error](host.store))
            assert picture(host.store) == kept
            host.put("after")
            host.store.commit(attrs.evolve(follow(host.store, BO, b"after"), spend=[b"fresh"]))
            host.commit()
            assert host.names() == {"before", "after"}
            assert host.outside.line(ANNA)[-1].body == b"before"
            assert host.outside.line(BO)[-1].body == b"after"

    def test_a_refused_expunging_leaves_the_hosts_transaction_usable(self) -> None:
        """Somebody wrote meanwhile: the line stays, and the host goes on."""
        self.needs("can_be_hosted")
        with self.hosted() as host:
            filled(host.outside)
            host.begin()
            host.put("before")
            wrong = attrs.evolve(line_tombstone(host.store, ANNA), head=hashed("another"))
            with pytest.raises(PositionTaken):
                host.store.expunge(ANNA, wrong)
            host.store.commit(follow(host.store, ANNA, b"three"))
            host.commit()
            assert host.names() == {"before"}
            assert len(host.outside.line(ANNA)) == 3

    def test_closing_ours_leaves_the_hosts_transaction(self) -> None:
        """The connection is the host's: closing ours ends neither it nor what is open on it."""
        self.needs("can_be_hosted")
        with self.hosted() as host:
            host.begin()
            host.store.commit(follow(host.store, ANNA, b"one"))
            host.store.close()
            host.put("order 1")
            assert host.names() == set()
            assert host.outside.standing(ANNA) is None
            host.commit()
            assert host.names() == {"order 1"}
            assert len(host.outside.line(ANNA)) == 1

    def test_an_epoch_is_not_rolled_back_with_the_host(self) -> None:
        """It is durable apart from the host, or refused with HostTransaction and not there at all.

        Keys of people are wrapped by it at once. It is added before the host has written, as where
        one writer at a time is let in; the host's transaction goes on.
        """
        self.needs("can_be_hosted")
        with self.hosted() as host:
            before = list(host.outside.epochs())
            host.begin()
            kept = [*before, epoch_row("k7")]
            try:
                host.store.add_epoch(kept[-1])
            except HostTransaction:
                kept = before
            assert list(host.store.epochs()) == list(host.outside.epochs()) == kept
            host.put("order 1")
            host.store.commit(follow(host.store, ANNA, b"one"))
            host.rollback()
            assert host.names() == set()
            assert host.outside.standing(ANNA) is None
            assert list(host.outside.epochs()) == kept
