"""The part of the contract of stores about rotations: key rows wrapped anew, epochs that end."""

from __future__ import annotations

import attrs
import pytest

from gdprkit.errors import InvalidValue
from gdprkit.sealing.errors import KeyDestroyed, KeyEpochDestroyed
from gdprkit.sealing.rows import EpochKind, EpochRow, KeyRow, KeyState, destroyed, term_prefix
from gdprkit.storage.protocol import Store, VaultPut
from gdprkit.testing.store_abilities import StoreAbilities
from gdprkit.testing.store_values import (
    continued,
    epoch_row,
    follow,
    hashed,
    key_row,
    person,
    picture,
    slot,
    tombstone,
)

__all__ = ["KeysContract"]

ANNA, BO, CAI = person(1), person(2), person(3)
K1, K2 = epoch_row("k1"), epoch_row("k2")
I1 = epoch_row("i1", EpochKind.INDEX)
L1 = epoch_row("l1", EpochKind.LASTING)


def _keep(store: Store, *rows: KeyRow) -> None:
    """Store key rows of people, a batch for each person."""
    for about in dict.fromkeys(row.about for row in rows):
        own = [row for row in rows if row.about == about]
        store.commit(attrs.evolve(follow(store, about, b"keys"), keys=own))


def _rewrapped(row: KeyRow, wrapped: bytes = b"anew") -> KeyRow:
    return attrs.evolve(row, kek_id="k2", wrapped=wrapped)


def _retired(store: Store, row: EpochRow) -> EpochRow:
    """Retire an epoch and return its row."""
    old = attrs.evolve(row, state=KeyState.RETIRED)
    assert store.replace_epoch(row, old)
    return old


class KeysContract(StoreAbilities):
    """Inherited through ``StoreContract``."""

    def test_key_rows_are_put_by_version(self, store: Store) -> None:
        """Rows come back in order of version, and putting a version again replaces it."""
        store.add_epoch(K1)
        batch = follow(store, ANNA, b"one")
        store.commit(attrs.evolve(batch, keys=[key_row(ANNA, 2), key_row(ANNA, 1)]))
        assert list(store.keys(ANNA)) == [key_row(ANNA, 1), key_row(ANNA, 2)]
        changed = attrs.evolve(key_row(ANNA, 1, b"again"), restricted=True, on_hold=True)
        store.commit(attrs.evolve(follow(store, ANNA), keys=[changed]))
        assert list(store.keys(ANNA)) == [changed, key_row(ANNA, 2)]

    def test_keys_of_many_are_those_of_each(self, store: Store) -> None:
        """Of each person what is told of them alone; who has no key, or is nobody, is left out."""
        store.add_epoch(K1)
        rows = [key_row(person(number), version) for number in range(4, 90) for version in (2, 1)]
        _keep(store, *rows)
        store.commit(follow(store, BO, b"no key"))
        people = [person(number) for number in range(89, 0, -1)]
        found = store.keys_of([*people, CAI])
        assert {about: list(keys) for about, keys in found.items()} == {
            about: list(store.keys(about)) for about in people[:-3]
        }
        assert dict(store.keys_of([])) == {} == dict(store.keys_of([ANNA, BO]))

    def test_the_first_writer_of_an_epoch_wins(self, store: Store) -> None:
        """Adding an epoch that is there keeps the stored one and says nothing."""
        store.add_epoch(K1)
        store.add_epoch(epoch_row("k1", wrapped=b"late"))
        store.add_epoch(K2)
        assert list(store.epochs()) == [K1, K2]

    def test_key_rows_come_in_pages(self, store: Store) -> None:
        """Every row once, in order of person and version, of one epoch or of all."""
        store.add_epoch(K1)
        store.add_epoch(K2)
        assert list(store.key_rows(limit=9)) == []
        rows = [key_row(CAI), key_row(ANNA, 1), _rewrapped(key_row(ANNA, 2)), key_row(BO)]
        _keep(store, *rows)
        wanted = sorted(rows, key=lambda row: (row.about, row.version))
        assert list(store.key_rows(limit=9)) == wanted
        assert list(store.key_rows(limit=2)) == wanted[:2]
        assert list(store.key_rows(after=(ANNA, 1), limit=2)) == wanted[1:3]
        assert list(store.key_rows(kek="k1", after=(ANNA, 1), limit=9)) == wanted[2:]
        assert list(store.key_rows(kek="k2", limit=9)) == [wanted[1]]
        assert list(store.key_rows(kek="k3", limit=9)) == []
        assert list(store.key_rows(after=(CAI, 1), limit=9)) == []
        with pytest.raises(InvalidValue):
            store.key_rows(limit=0)

    def test_key_rows_are_replaced_only_as_they_were_read(self, store: Store) -> None:
        """A row that was put on hold, rewrapped or shredded meanwhile is left as it is."""
        store.add_epoch(K1)
        store.add_epoch(K2)
        rows = [key_row(person(number)) for number in range(1, 6)]
        _keep(store, *rows)
        held = attrs.evolve(rows[1], on_hold=True)
        _keep(store, held)
        assert store.replace_keys([(rows[2], _rewrapped(rows[2], b"first"))]) == 1
        batch = follow(store, rows[3].about, b"erased")
        store.commit(attrs.evolve(batch, shred=tombstone(hashed("mark"))))
        assert store.replace_keys([(row, _rewrapped(row)) for row in rows]) == 2
        assert [list(store.keys(row.about)) for row in rows] == [
            [_rewrapped(rows[0])],
            [held],
            [_rewrapped(rows[2], b"first")],
            [],
            [_rewrapped(rows[4])],
        ]
        assert store.replace_keys([]) == 0

    @pytest.mark.parametrize(
        "changes",
        [
            {"key_id": b"\x09" * 20},
            {"kek_id": "k2"},
            {"wrapped": b"another"},
            {"state": KeyState.RETIRED},
            {"restricted": True},
            {"on_hold": True},
            {"wraps_alg": "other"},
        ],
        ids=lambda changes: next(iter(changes)),
    )
    def test_any_difference_leaves_a_key_row_alone(
        self, store: Store, changes: dict[str, object]
    ) -> None:
        """Whatever column differs, the stored row is another one and stays."""
        store.add_epoch(K1)
        store.add_epoch(K2)
        stored = attrs.evolve(key_row(ANNA), **changes)  # type: ignore[arg-type]
        _keep(store, stored)
        assert store.replace_keys([(key_row(ANNA), _rewrapped(key_row(ANNA)))]) == 0
        assert list(store.keys(ANNA)) == [stored]

    def test_key_rows_do_not_change_places(self, store: Store) -> None:
        """A row cannot be put in the place of another person's or version's."""
        store.add_epoch(K1)
        _keep(store, key_row(ANNA), key_row(BO))
        for other in (key_row(BO), key_row(ANNA, 2)):
            with pytest.raises(InvalidValue):
                store.replace_keys([(key_row(ANNA), other)])
        assert list(store.keys(ANNA)) == [key_row(ANNA)]

    def test_an_epoch_is_replaced_by_the_first_of_two(self, store: Store) -> None:
        """Compare and swap: the second writer, who read the old row, changes nothing."""
        store.add_epoch(K1)
        store.add_epoch(L1)
        first, second = (attrs.evolve(K1, wrapped=w, provider_key=w.decode()) for w in (b"a", b"b"))
        assert store.replace_epoch(K1, first)
        assert not store.replace_epoch(K1, second)
        assert not store.replace_epoch(K2, attrs.evolve(K2, wrapped=b"x"))
        assert store.replace_epoch(L1, attrs.evolve(L1, wrapped=b"anew"))
        assert list(store.epochs()) == [first, attrs.evolve(L1, wrapped=b"anew")]
        with pytest.raises(InvalidValue):
            store.replace_epoch(first, K2)

    def test_an_epoch_is_destroyed_once_nothing_hangs_on_it(self, store: Store) -> None:
        """While a live key row names it, in whatever state, it stays; then only its name is left.

        A version that was destroyed itself has no key left to lose.
        """
        store.add_epoch(K1)
        store.add_epoch(K2)
        rows = [attrs.evolve(key_row(ANNA), state=KeyState.RETIRED), key_row(ANNA, 2), key_row(BO)]
        gone = attrs.evolve(key_row(CAI), state=KeyState.DESTROYED, wrapped=b"")
        _keep(store, *rows, gone)
        old = _retired(store, K1)
        assert store.hanging() == {"k1": 3, "k2": 0}
        for row in rows:
            assert not store.destroy_epoch(old)
            assert store.replace_keys([(row, _rewrapped(row))]) == 1
        assert store.hanging() == {"k1": 0, "k2": 3}
        assert store.destroy_epoch(old)
        assert list(store.epochs()) == [destroyed(old), K2]
        assert store.epochs()[0].wrapped == b""
        assert not store.destroy_epoch(old)

    def test_an_index_epoch_is_destroyed_once_no_term_is_left(self, store: Store) -> None:
        """Look-up terms hang on the epoch whose number they begin with, and on no other."""
        i2 = epoch_row("i2", EpochKind.INDEX)
        i256 = epoch_row("i256", EpochKind.INDEX)
        for row in (I1, i2, i256):
            store.add_epoch(row)
        terms = {
            row.epoch: [term_prefix(row) + bytes([n]) * 16 for n in (0, 255)] for row in (I1, i2)
        }
        put = VaultPut(slot=slot(1), envelope=b"e", terms=[*terms["i1"], *terms["i2"]])
        store.commit(attrs.evolve(follow(store, ANNA, b"one"), puts=[put]))
        old = _retired(store, I1)
        assert store.hanging() == {"i1": 2, "i2": 2, "i256": 0}
        assert not store.destroy_epoch(old)
        again = attrs.evolve(put, terms=terms["i2"])
        store.commit(attrs.evolve(follow(store, ANNA), puts=[again]))
        assert store.destroy_epoch(old)
        assert store.destroy_epoch(_retired(store, i256))
        assert [row.state for row in store.epochs()] == [
            KeyState.DESTROYED,
            KeyState.ACTIVE,
            KeyState.DESTROYED,
        ]

    def test_what_writes_or_lasts_is_not_destroyed(self, store: Store) -> None:
        """An active epoch, a row that has changed, and the epoch of marks are left alone."""
        for row in (K1, L1, I1):
            store.add_epoch(row)
        for row in (K1, I1, L1, attrs.evolve(L1, state=KeyState.RETIRED)):
            with pytest.raises(InvalidValue):
                store.destroy_epoch(row)
        assert not store.destroy_epoch(attrs.evolve(K1, state=KeyState.RETIRED))
        other = _retired(store, K1)
        assert not store.destroy_epoch(attrs.evolve(other, wrapped=b"another"))
        assert set(store.epochs()) == {other, L1, I1}

    def test_nothing_is_written_under_an_epoch_that_is_gone(self, store: Store) -> None:
        """Whoever has not heard that an epoch ended stores no key row and no term under it.

        The whole commit is refused; a destroyed version, which needs no key, may name it.
        """
        for row in (K1, K2, I1):
            store.add_epoch(row)
        _keep(store, _rewrapped(key_row(BO)))
        assert store.destroy_epoch(_retired(store, K1))
        assert store.destroy_epoch(_retired(store, I1))
        before = picture(store, [ANNA, BO])
        put = VaultPut(slot=slot(1), envelope=b"e", terms=[term_prefix(I1) + b"x" * 16])
        for wrong, epoch in (
            (attrs.evolve(follow(store, ANNA, b"one"), keys=[key_row(ANNA)]), "k1"),
            (
                attrs.evolve(
                    follow(store, ANNA, b"one"), keys=[attrs.evolve(key_row(ANNA), kek_id="k9")]
                ),
                "k9",
            ),
            (attrs.evolve(follow(store, ANNA, b"one"), puts=[put]), "i1"),
        ):
            with pytest.raises(KeyEpochDestroyed) as caught:
                store.commit(follow(store, BO, b"with it"), wrong)
            assert caught.value.epoch == epoch
            assert picture(store, [ANNA, BO]) == before
        [kept] = store.keys(BO)
        with pytest.raises(KeyEpochDestroyed):
            store.replace_keys([(kept, key_row(BO))])
        assert list(store.keys(BO)) == [kept]
        gone = attrs.evolve(key_row(ANNA), state=KeyState.DESTROYED, wrapped=b"")
        _keep(store, gone)
        assert list(store.keys(ANNA)) == [gone]

    def test_no_value_is_kept_under_a_destroyed_version(self, store: Store) -> None:
        """Whoever has not heard that a version of a key is gone stores no value sealed by it.

        The whole commit is refused; the other versions of the person, and everybody else, go on.
        """
        store.add_epoch(K1)
        old, new = key_row(ANNA), key_row(ANNA, version=2)
        _keep(store, attrs.evolve(old, state=KeyState.DESTROYED, wrapped=b""), new)
        _keep(store, key_row(BO))
        before = picture(store, [ANNA, BO])
        under_old = VaultPut(slot=slot(1), envelope=b"\xf8\x01" + old.key_id + b"rest")
        under_new = VaultPut(slot=slot(2), envelope=b"\xf8\x01" + new.key_id + b"rest")
        wrong = attrs.evolve(follow(store, ANNA, b"one"), puts=[under_new, under_old])
        with pytest.raises(KeyDestroyed) as caught:
            store.commit(follow(store, BO, b"with it"), wrong)
        assert caught.value.key_id == old.key_id.hex()
        assert picture(store, [ANNA, BO]) == before
        store.commit(attrs.evolve(follow(store, ANNA, b"one"), puts=[under_new]))
        assert list(store.values(ANNA, [slot(1), slot(2)])) == [slot(2)]

    def test_a_later_batch_meets_what_an_earlier_one_destroyed(self, store: Store) -> None:
        """In one commit too no value comes under a version that a batch before has destroyed."""
        store.add_epoch(K1)
        old = key_row(ANNA)
        _keep(store, old)
        before = picture(store, [ANNA])
        first = attrs.evolve(
            follow(store, ANNA, b"one"), keys=[attrs.evolve(old, state=KeyState.DESTROYED)]
        )
        put = VaultPut(slot=slot(1), envelope=b"\xf8\x01" + old.key_id + b"rest")
        later = continued(ANNA, first.standing.position, first.standing.head, [b"two"])
        with pytest.raises(KeyDestroyed):
            store.commit(first, attrs.evolve(later, puts=[put]))
        assert picture(store, [ANNA]) == before

    def test_a_key_destroyed_before_counts_in_every_batch(self, store: Store) -> None:
        """A shredding that comes first in a commit does not let a value in that came too late."""
        store.add_epoch(K1)
        old = key_row(ANNA)
        _keep(store, attrs.evolve(old, state=KeyState.DESTROYED, wrapped=b""))
        before = picture(store, [ANNA])
        erased = follow(store, ANNA, b"erased")
        late = continued(ANNA, erased.standing.position, erased.standing.head, [b"late"])
        put = VaultPut(slot=slot(1), envelope=b"\xf8\x01" + old.key_id + b"rest")
        with pytest.raises(KeyDestroyed):
            store.commit(
                attrs.evolve(erased, shred=tombstone(hashed("mark"))),
                attrs.evolve(late, puts=[put]),
            )
        assert picture(store, [ANNA]) == before
