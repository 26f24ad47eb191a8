"""The part of the contract of stores about failures in the middle of a write.

Decides which writes are broken off, at every step they have; how a step is made to fail is the
implementer's to say (``fail_at``). Always true: a write that fails leaves everything as it was, and
the same write goes through afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
import pytest

from gdprkit.sealing.rows import EpochKind, KeyFlags, KeyState
from gdprkit.storage.protocol import Marks, Store, Suppression, VaultPut
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
    refuses_what_was_used,
    slot,
    tombstone,
)
from gdprkit.words.vocabulary import Actor

__all__ = ["FaultsContract"]

ANNA, BO, NEW = person(1), person(2), person(5)
_MOST_STEPS = 1000


def _commit(store: Store) -> None:
    """Write something of everything: two batches of one person, one of a new one, a shredding."""
    stops = [
        Suppression(hash=hashed(name), since=moment(9), author=Actor.SUBJECT)
        for name in ("contact", "h")
    ]
    first = attrs.evolve(
        follow(
            store,
            ANNA,
            b"three",
            b"four",
            key=hashed("next act"),
            marks=Marks(wake_at=moment(7), tags={"t", "news"}),
        ),
        puts=[
            VaultPut(slot=slot(1), envelope=b"again", terms=[b"new"]),
            VaultPut(slot=slot(3), envelope=b"third", terms=[b"term", b"t3"]),
        ],
        deletes=[slot(2)],
        keys=[key_row(ANNA, 3)],
        flags=KeyFlags(restricted=True),
        suppress=stops,
        spend=[b"token 2", b"token 3"],
    )
    end = first.standing
    second = continued(ANNA, end.position, end.head, [b"five"], marks=Marks(tags={"other"}))
    new = attrs.evolve(
        follow(store, NEW, b"one", marks=Marks(wake_at=moment(8), tags={"t"})),
        puts=[VaultPut(slot=slot(1), envelope=b"new", terms=[b"new"])],
        keys=[key_row(NEW)],
    )
    shred = attrs.evolve(follow(store, BO, b"erased"), shred=tombstone(hashed("mark of bo")))
    store.commit(first, new, second, shred)


def _expunge(store: Store) -> None:
    store.expunge(ANNA, line_tombstone(store, ANNA))


def _rewrap(store: Store) -> None:
    rows = store.key_rows(kek="k1", limit=99)
    changes = [(row, attrs.evolve(row, kek_id="k2", wrapped=b"anew")) for row in rows]
    assert store.replace_keys(changes) == len(rows)


def _rotate(store: Store) -> None:
    old = epoch_row("i1", EpochKind.INDEX)
    assert store.replace_epoch(old, attrs.evolve(old, state=KeyState.RETIRED))


def _destroy(store: Store) -> None:
    assert store.destroy_epoch(attrs.evolve(epoch_row("k3"), state=KeyState.RETIRED))


def _prepared(store: Store) -> None:
    filled(store)
    store.add_epoch(attrs.evolve(epoch_row("k3"), state=KeyState.RETIRED))


WRITES: dict[str, Callable[[Store], None]] = {
    "commit": _commit,
    "expunge": _expunge,
    "replace_keys": _rewrap,
    "replace_epoch": _rotate,
    "destroy_epoch": _destroy,
    "add_epoch": lambda store: store.add_epoch(epoch_row("k9")),
    "add_tombstone": lambda store: store.add_tombstone(tombstone(hashed("another mark"))),
}


class FaultsContract(StoreAbilities):
    """Inherited through ``StoreContract``."""

    @pytest.mark.parametrize("write", WRITES)
    def test_a_failure_at_any_step_leaves_nothing(self, store: Store, write: str) -> None:
        """Whichever step fails, all is as before; then the same write stores all of itself."""
        self.needs("can_fail")
        _prepared(store)
        before = picture(store)
        for n in self._failing_steps(lambda: store, WRITES[write]):
            assert picture(store) == before, f"a failure at step {n} left something"
        other = self.make_store()
        _prepared(other)
        WRITES[write](other)
        assert picture(store) == picture(other) != before
        other.close()

    def test_a_failed_commit_uses_nothing_up(self, store: Store) -> None:
        """Tokens, acts and positions of a commit that failed are free; those used stay used."""
        self.needs("can_fail")
        filled(store)
        batch = follow(store, ANNA, b"three", key=hashed("next act"))
        batch = attrs.evolve(batch, spend=[b"token 2"])
        for _ in self._failing_steps(lambda: store, lambda store: store.commit(batch)):
            assert store.receipt(ANNA, hashed("next act")) is None
        assert store.receipt(ANNA, hashed("next act")) == 3
        refuses_what_was_used(store)

    def test_a_failed_write_is_not_there_after_reopening(self) -> None:
        """Neither is it there for the next one who opens the store."""
        self.needs("can_fail")
        self.needs("can_reopen")
        store = self.make_store()
        _prepared(store)
        before = picture(store)
        stores = [store]
        for n in self._failing_steps(lambda: stores[-1], _commit):
            stores.append(self.reopen_store(stores[-1]))
            assert picture(stores[-1]) == before, f"a failure at step {n} left something"
        stores[-1].close()

    def _failing_steps(
        self, store: Callable[[], Store], write: Callable[[Store], None]
    ) -> Iterator[int]:
        """Make each step of a write fail in turn; end when, with no more steps, it goes through."""
        for n in range(1, _MOST_STEPS):
            try:
                with self.fail_at(store(), n):
                    write(store())
            except AssertionError:
                raise
            except Exception:  # noqa: BLE001  whatever the failing step raised
                yield n
            else:
                assert n > 1, "nothing was made to fail"
                return
        raise AssertionError("the write never goes through")
