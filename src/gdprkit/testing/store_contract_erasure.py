"""The part of the contract of stores about values, look-ups, suppression and erasure."""

from __future__ import annotations

import attrs
import pytest

from gdprkit.errors import LineExpunged, PositionTaken
from gdprkit.sealing.rows import KeyFlags
from gdprkit.storage.protocol import LineTombstone, Marks, Store, VaultPut
from gdprkit.testing.store_abilities import StoreAbilities
from gdprkit.testing.store_values import (
    epoch_row,
    follow,
    hashed,
    key_row,
    line_tombstone,
    moment,
    person,
    slot,
    tombstone,
)

__all__ = ["ErasureContract"]

ANNA, BO = person(1), person(2)


class ErasureContract(StoreAbilities):
    """Inherited through ``StoreContract``."""

    def test_values_are_put_replaced_and_deleted(self, store: Store) -> None:
        """A slot gives its last envelope until it is deleted; deleting nothing is fine."""
        puts = [VaultPut(slot=slot(n), envelope=b"envelope %d" % n) for n in (1, 2, 3)]
        store.commit(attrs.evolve(follow(store, ANNA, b"one"), puts=puts))
        again = VaultPut(slot=slot(2), envelope=b"again")
        batch = follow(store, ANNA, b"two")
        store.commit(attrs.evolve(batch, puts=[again], deletes=[slot(3), slot(99)]))
        wanted = {slot(1): b"envelope 1", slot(2): b"again"}
        assert dict(store.values(ANNA, [slot(n) for n in (1, 2, 3, 99)])) == wanted
        assert dict(store.values(ANNA, [slot(2), slot(2)])) == {slot(2): b"again"}

    def test_many_values_are_read_at_once(self, store: Store) -> None:
        """A question about more slots than any statement takes is answered whole."""
        puts = [VaultPut(slot=slot(n), envelope=b"%d" % n, terms=[b"t%d" % n]) for n in range(1500)]
        store.commit(attrs.evolve(follow(store, ANNA, b"one"), puts=puts))
        assert dict(store.values(ANNA, [put.slot for put in puts])) == {
            put.slot: put.envelope for put in puts
        }
        assert len(store.find([term for put in puts for term in put.terms])) == 1500

    def test_a_slot_belongs_to_its_person(self, store: Store) -> None:
        """Another person's slot is not read and not deleted, whoever names it."""
        put = VaultPut(slot=slot(1), envelope=b"of anna", terms=[b"term"])
        store.commit(attrs.evolve(follow(store, ANNA, b"one"), puts=[put]))
        store.commit(attrs.evolve(follow(store, BO, b"one"), deletes=[slot(1)]))
        assert dict(store.values(BO, [slot(1)])) == {}
        assert dict(store.values(ANNA, [slot(1)])) == {slot(1): b"of anna"}
        assert dict(store.find([b"term"])) == {b"term": (ANNA,)}

    def test_terms_find_everybody_who_has_them(self, store: Store) -> None:
        """A term gives its people in order of id, each once; unknown terms are left out."""
        for about in (BO, ANNA):
            puts = [VaultPut(slot=slot(n), envelope=b"e", terms=[b"shared"]) for n in (1, 2)]
            own = VaultPut(slot=slot(3), envelope=b"e", terms=[about.bytes, b"shared"])
            store.commit(attrs.evolve(follow(store, about, b"one"), puts=[*puts, own]))
        assert dict(store.find([b"shared", ANNA.bytes, b"unknown"])) == {
            b"shared": (ANNA, BO),
            ANNA.bytes: (ANNA,),
        }

    def test_terms_live_and_die_with_their_slot(self, store: Store) -> None:
        """Replacing a value replaces its terms, deleting it deletes them, others' stay."""
        puts = [VaultPut(slot=slot(n), envelope=b"e", terms=[b"old", b"both"]) for n in (1, 2)]
        store.commit(attrs.evolve(follow(store, ANNA, b"one"), puts=puts))
        assert store.terms(ANNA) == {slot(n): {b"old", b"both"} for n in (1, 2)}
        assert store.terms(BO) == {}
        again = VaultPut(slot=slot(1), envelope=b"e", terms=[b"new"])
        store.commit(attrs.evolve(follow(store, ANNA, b"two"), puts=[again]))
        assert set(store.find([b"old", b"both", b"new"])) == {b"old", b"both", b"new"}
        store.commit(attrs.evolve(follow(store, ANNA, b"three"), deletes=[slot(2)]))
        assert set(store.find([b"old", b"both", b"new"])) == {b"new"}
        assert store.terms(ANNA) == {slot(1): {b"new"}}

    def test_shredding_takes_keys_values_and_terms(self, store: Store) -> None:
        """After shredding nothing sealed is left of the person; the line and others' are whole."""
        store.add_epoch(epoch_row("k1"))
        for about in (ANNA, BO):
            put = VaultPut(slot=slot(1), envelope=b"e", terms=[b"term"])
            batch = follow(store, about, b"one", marks=Marks(tags={"t"}))
            store.commit(attrs.evolve(batch, puts=[put], keys=[key_row(about), key_row(about, 2)]))
        shred = tombstone(hashed("mark"))
        store.commit(attrs.evolve(follow(store, ANNA, b"erased"), shred=shred))
        assert list(store.keys(ANNA)) == []
        assert dict(store.values(ANNA, [slot(1)])) == {}
        assert dict(store.find([b"term"])) == {b"term": (BO,)}
        assert [entry.body for entry in store.line(ANNA)] == [b"one", b"erased"]
        assert store.tombstone(hashed("mark")) == shred
        assert dict(store.values(BO, [slot(1)])) == {slot(1): b"e"}
        assert len(store.keys(BO)) == 2

    def test_the_first_tombstone_is_kept(self, store: Store) -> None:
        """Shredding again changes nothing about when and why."""
        first = tombstone(hashed("mark"))
        store.commit(attrs.evolve(follow(store, ANNA, b"one"), shred=first))
        later = tombstone(hashed("mark"), reference="case 2")
        store.commit(attrs.evolve(follow(store, ANNA, b"two"), shred=later))
        assert store.tombstone(hashed("mark")) == first
        assert store.tombstone(hashed("another mark")) is None

    def test_tombstones_of_many_are_those_of_each(self, store: Store) -> None:
        """Under each mark what is there; marks of nobody are left out."""
        rows = {hashed(f"mark {n}"): tombstone(hashed(f"mark {n}"), f"{n}") for n in range(70)}
        for row in rows.values():
            store.add_tombstone(row)
        assert dict(store.tombstones_of([*rows, hashed("other"), *rows])) == rows
        some = [hashed("mark 3"), hashed("other"), hashed("mark 8")]
        assert set(store.tombstones_of(some)) == {some[0], some[2]}
        assert dict(store.tombstones_of([])) == {}

    def test_values_of_many_are_those_of_each(self, store: Store) -> None:
        """Of each person the slots asked for, and no value of another's in a slot of that id."""
        people = [person(number) for number in range(1, 80)]
        for about in people:
            batch = follow(store, about, b"one")
            puts = [VaultPut(slot=slot(n), envelope=about.bytes + b"%d" % n) for n in (1, 2, 3)]
            store.commit(attrs.evolve(batch, puts=puts[:2] if about == ANNA else puts))
        asked = {about: [slot(3), slot(1), slot(3), slot(9)] for about in people}
        asked |= {person(500): [slot(1)], person(501): []}
        wanted = {about: dict(store.values(about, slots)) for about, slots in asked.items()}
        found = store.values_of(asked)
        assert {about: dict(values) for about, values in found.items()} == {
            about: values for about, values in wanted.items() if values
        }
        assert dict(found[ANNA]) == {slot(1): ANNA.bytes + b"1"}
        apart = store.values_of({ANNA: [slot(1)], BO: [slot(2)]})
        assert {about: list(values) for about, values in apart.items()} == {
            ANNA: [slot(1)],
            BO: [slot(2)],
        }
        assert dict(store.values_of({})) == {}

    def test_tombstones_are_given_oldest_first(self, store: Store) -> None:
        """Those of shredded people and those added by themselves come in one order, each once."""
        assert list(store.tombstones()) == []
        late = attrs.evolve(tombstone(hashed("late")), erased_at=moment(9))
        same = sorted((tombstone(hashed("a")), tombstone(hashed("b"))), key=lambda row: row.mark)
        store.commit(attrs.evolve(follow(store, ANNA, b"one"), shred=late))
        for row in reversed(same):
            store.add_tombstone(row)
        assert list(store.tombstones()) == [*same, late]

    def test_an_added_tombstone_changes_nothing_else(self, store: Store) -> None:
        """It keeps the first one of its mark, and nobody's keys and values go."""
        store.add_epoch(epoch_row("k1"))
        put = VaultPut(slot=slot(1), envelope=b"e", terms=[b"term"])
        batch = follow(store, ANNA, b"one")
        store.commit(attrs.evolve(batch, puts=[put], keys=[key_row(ANNA)]))
        first = tombstone(hashed("mark"))
        store.add_tombstone(first)
        store.add_tombstone(tombstone(hashed("mark"), reference="case 2"))
        assert store.tombstone(hashed("mark")) == first
        assert list(store.tombstones()) == [first]
        assert list(store.keys(ANNA)) == [key_row(ANNA)]
        assert dict(store.values(ANNA, [slot(1)])) == {slot(1): b"e"}

    def test_flags_are_set_on_every_key_and_leave_the_rest(self, store: Store) -> None:
        """Old versions, and those of the same batch: how a key is wrapped stays as it was."""
        store.add_epoch(epoch_row("k1"))
        for about in (ANNA, BO):
            store.commit(attrs.evolve(follow(store, about, b"one"), keys=[key_row(about)]))
        late = follow(store, ANNA, b"two")
        again = key_row(ANNA, 1, b"wrapped again meanwhile")
        store.commit(attrs.evolve(follow(store, ANNA), keys=[again]))
        flags = KeyFlags(restricted=True, on_hold=True)
        store.commit(attrs.evolve(late, keys=[key_row(ANNA, 2)], flags=flags))
        rows = [
            attrs.evolve(row, restricted=True, on_hold=True) for row in (again, key_row(ANNA, 2))
        ]
        assert list(store.keys(ANNA)) == rows
        assert list(store.keys(BO)) == [key_row(BO)]
        store.commit(attrs.evolve(follow(store, ANNA), flags=KeyFlags(restricted=True)))
        assert [(row.restricted, row.on_hold) for row in store.keys(ANNA)] == [(True, False)] * 2

    def test_expunging_leaves_only_tombstones(self, store: Store) -> None:
        """The line, its marks, values, terms, keys and receipts are gone; others' stay."""
        store.add_epoch(epoch_row("k1"))
        marks = Marks(wake_at=moment(1), tags={"t"})
        for about in (ANNA, BO):
            put = VaultPut(slot=slot(1), envelope=b"e", terms=[b"term"])
            batch = follow(store, about, b"one", b"two", key=hashed("act"), marks=marks)
            store.commit(attrs.evolve(batch, puts=[put], keys=[key_row(about)]))
        left = line_tombstone(store, ANNA)
        store.expunge(ANNA, left)
        assert store.expunged(ANNA) == left
        assert store.standing(ANNA) is None
        assert list(store.line(ANNA)) == []
        assert list(store.keys(ANNA)) == []
        assert dict(store.values(ANNA, [slot(1)])) == {}
        assert store.receipt(ANNA, hashed("act")) is None
        assert dict(store.find([b"term"])) == {b"term": (BO,)}
        assert list(store.people()) == [BO]
        assert list(store.waking(moment(9), limit=9)) == [BO]
        assert [standing.about for standing in store.tagged("t")] == [BO]
        assert store.expunged(BO) is None
        assert len(store.line(BO)) == 2

    def test_an_expunged_line_takes_no_more_entries(self, store: Store) -> None:
        """Neither a new beginning nor a batch made before the expunging is stored."""
        store.commit(follow(store, ANNA, b"one"))
        late = follow(store, ANNA, b"two")
        store.expunge(ANNA, line_tombstone(store, ANNA))
        for batch in (late, follow(store, ANNA, b"anew")):
            with pytest.raises(LineExpunged) as caught:
                store.commit(batch)
            assert caught.value.about == ANNA
        assert list(store.line(ANNA)) == []

    def test_expunging_again_keeps_the_first_tombstone(self, store: Store) -> None:
        """A plan that is carried out again changes nothing."""
        store.commit(follow(store, ANNA, b"one"))
        first = line_tombstone(store, ANNA)
        store.expunge(ANNA, first)
        store.expunge(ANNA, attrs.evolve(first, at=moment(99)))
        assert store.expunged(ANNA) == first

    def test_expunging_asks_where_the_line_ends(self, store: Store) -> None:
        """Somebody wrote meanwhile, or never: nothing is deleted."""
        store.commit(follow(store, ANNA, b"one"))
        early = line_tombstone(store, ANNA)
        store.commit(follow(store, ANNA, b"two"))
        end = line_tombstone(store, ANNA)
        for about, wrong in (
            (ANNA, early),
            (ANNA, attrs.evolve(end, head=hashed("another head"))),
            (BO, LineTombstone(position=1, head=hashed("none"), at=moment(1))),
        ):
            with pytest.raises(PositionTaken):
                store.expunge(about, wrong)
            assert store.expunged(about) is None
        assert len(store.line(ANNA)) == 2
