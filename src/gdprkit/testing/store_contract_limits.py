"""The part of the contract of stores about what is large, long, exact, or no text at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import attrs
import pytest

from gdprkit.errors import InvalidValue
from gdprkit.sealing.rows import KeyFlags
from gdprkit.storage.protocol import (
    LARGEST,
    LONGEST_KEY,
    LineTombstone,
    Marks,
    Store,
    Suppression,
    VaultPut,
)
from gdprkit.testing.store_abilities import StoreAbilities
from gdprkit.testing.store_values import (
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
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import Actor

__all__ = ["LimitsContract"]

ANNA, BO, NEW = person(1), person(2), person(7)
MEBIBYTE = bytes(range(256)) * 4096

#: Texts that one database refuses and another one cuts short.
NO_TEXTS = ["a\0b", "\0", "a\ud800b", "\udfff"]

#: What is written or asked with a text that comes from outside.
WITH_TEXT: dict[str, Callable[[Store, str], object]] = {
    "tags": lambda store, text: store.commit(follow(store, ANNA, b"x", marks=Marks(tags={text}))),
    "kind": lambda store, text: _suppress(store, kind=text),
    "purpose": lambda store, text: _suppress(store, purpose=PurposeId(text)),
    "reference": lambda store, text: store.add_tombstone(tombstone(hashed("new"), text)),
    "reference of a shredding": lambda store, text: store.commit(
        attrs.evolve(follow(store, ANNA, b"x"), shred=tombstone(hashed("new"), text))
    ),
    "epoch": lambda store, text: store.add_epoch(epoch_row(text)),
    "provider_key": lambda store, text: store.add_epoch(
        attrs.evolve(epoch_row("k3"), provider_key=text)
    ),
    "provider_key of a rotation": lambda store, text: store.replace_epoch(
        epoch_row("k1"), attrs.evolve(epoch_row("k1"), provider_key=text)
    ),
    "kek_id": lambda store, text: store.commit(
        attrs.evolve(follow(store, ANNA, b"x"), keys=[attrs.evolve(key_row(ANNA, 3), kek_id=text)])
    ),
    "wraps_alg": lambda store, text: store.replace_keys(
        [(key_row(ANNA, 2), attrs.evolve(key_row(ANNA, 2), wraps_alg=text))]
    ),
    "a tag asked for": lambda store, text: list(store.tagged(text)),
    "a kek asked for": lambda store, text: store.key_rows(kek=text, limit=1),
}


def _suppress(store: Store, *, kind: str = "objection", purpose: PurposeId | None = None) -> None:
    row = Suppression(
        hash=hashed("new"), kind=kind, purpose=purpose, since=moment(0), author=Actor.SUBJECT
    )
    store.commit(attrs.evolve(follow(store, ANNA, b"x"), suppress=[row]))


class LimitsContract(StoreAbilities):
    """Inherited through ``StoreContract``."""

    def test_large_values_come_back_whole(self, store: Store) -> None:
        """A mebibyte of every byte there is, as body, envelope and state, and beside small ones."""
        put = VaultPut(slot=slot(1), envelope=MEBIBYTE)
        small = VaultPut(slot=slot(2), envelope=b"e")
        batch = follow(store, ANNA, b"one", MEBIBYTE, b"three")
        standing = attrs.evolve(batch.standing, state=MEBIBYTE[::-1])
        store.commit(attrs.evolve(batch, standing=standing, puts=[put, small]))
        assert [entry.body for entry in store.line(ANNA)] == [b"one", MEBIBYTE, b"three"]
        assert store.standing(ANNA) == standing
        assert dict(store.values(ANNA, [slot(1), slot(2)])) == {slot(1): MEBIBYTE, slot(2): b"e"}
        [line] = store.lines()
        assert line.entries == batch.entries

    def test_the_largest_is_taken_and_more_is_refused(self, store: Store) -> None:
        """LARGEST bytes are kept; one more is refused before it reaches the store."""
        largest = b"\xff" * LARGEST
        store.commit(follow(store, ANNA, largest))
        [entry] = store.line(ANNA)
        assert entry.body == largest
        before = store.standing(ANNA)
        more = largest + b"x"
        with pytest.raises(InvalidValue):
            follow(store, ANNA, more)
        with pytest.raises(InvalidValue):
            VaultPut(slot=slot(1), envelope=more)
        batch = follow(store, ANNA, b"x")
        with pytest.raises(InvalidValue):
            attrs.evolve(batch, standing=attrs.evolve(batch.standing, state=more))
        assert store.standing(ANNA) == before

    def test_an_empty_state_is_a_state(self, store: Store) -> None:
        """No bytes at all come back as no bytes at all."""
        batch = follow(store, ANNA, b"x")
        standing = attrs.evolve(batch.standing, state=b"", fold=0)
        store.commit(attrs.evolve(batch, standing=standing))
        assert store.standing(ANNA) == standing

    def test_the_longest_keys_are_found(self, store: Store) -> None:
        """Terms, hashes and tokens of LONGEST_KEY bytes, which differ in the last byte alone."""
        left, right = (b"\xff" * (LONGEST_KEY - 1) + last for last in (b"\0", b"\xff"))
        for about, key in ((ANNA, left), (BO, right)):
            put = VaultPut(slot=slot(1), envelope=b"e", terms=[key])
            row = Suppression(hash=key, since=moment(0), author=Actor.SUBJECT)
            batch = follow(store, about, b"x")
            store.commit(attrs.evolve(batch, puts=[put], suppress=[row], spend=[left, right]))
        assert dict(store.find([left, right])) == {left: (ANNA,), right: (BO,)}
        assert {key: len(rows) for key, rows in store.suppressed([left, right]).items()} == {
            left: 1,
            right: 1,
        }
        assert [row.hash for row in store.suppressions()] == [left, right]
        for make in (
            lambda: VaultPut(slot=slot(1), envelope=b"e", terms=[left + b"x"]),
            lambda: Suppression(hash=left + b"x", since=moment(0), author=Actor.SUBJECT),
            lambda: attrs.evolve(follow(store, ANNA, b"x"), spend=[left + b"x"]),
        ):
            with pytest.raises(InvalidValue):
                make()

    def test_short_keys_are_compared_byte_by_byte(self, store: Store) -> None:
        """A NUL at the end, a prefix or another letter case make another key."""
        terms = [b"a", b"a\0", b"A", b"aa", b"\0", b"\0\0", b"\xff", b"a%"]
        for number, term in enumerate(terms, start=1):
            put = VaultPut(slot=slot(1), envelope=b"e", terms=[term])
            row = Suppression(hash=term, since=moment(0), author=Actor.SUBJECT)
            batch = follow(store, person(number), b"x")
            store.commit(attrs.evolve(batch, puts=[put], suppress=[row]))
        assert dict(store.find([*terms, b"b"])) == {
            term: (person(number),) for number, term in enumerate(terms, start=1)
        }
        assert set(store.suppressed([*terms, b"b"])) == set(terms)
        assert [row.hash for row in store.suppressions()] == sorted(terms)

    @pytest.mark.parametrize("place", WITH_TEXT)
    def test_what_is_no_text_is_refused(self, store: Store, place: str) -> None:
        """NUL and half a surrogate pair: a typed refusal, and nothing is written."""
        filled(store)
        before = picture(store)
        for text in NO_TEXTS:
            with pytest.raises(InvalidValue) as caught:
                WITH_TEXT[place](store, text)
            assert text not in str(caught.value) or text == "\0"
            assert picture(store) == before

    def test_what_is_no_text_names_no_tenant(self, store: Store) -> None:
        """A tenant's name is a text of 1 to 200 characters without NUL or half a pair."""
        self.needs("has_neighbours")
        for name in (*NO_TEXTS, "", "x" * 201):
            with pytest.raises(InvalidValue):
                self.make_neighbour(store, name)

    def test_any_other_text_comes_back_as_it_was(self, store: Store) -> None:
        """Quotes, line ends, marks of direction, composed and decomposed letters, astral ones."""
        text = 'it\'s "n\u00e4k\u00f6" na\u0308ko \u202e\r\n\t; -- \U0001f4be %s ? $1 :x \ufffd\x7f'
        row = tombstone(hashed("mark"), text)
        store.add_tombstone(row)
        epoch = attrs.evolve(epoch_row("k1"), provider_key=text)
        store.add_epoch(epoch)
        stop = Suppression(
            hash=b"h", purpose=PurposeId(text), since=moment(0), author=Actor.SUBJECT
        )
        store.commit(attrs.evolve(follow(store, ANNA, b"x"), suppress=[stop]))
        assert store.tombstone(hashed("mark")) == row
        assert list(store.tombstones()) == [row]
        assert list(store.epochs()) == [epoch]
        assert list(store.suppressions()) == [stop]

    def test_moments_come_back_exact(self, store: Store) -> None:
        """To the microsecond, from the first year to the last, in UTC, whatever zone was given."""
        zone = timezone(timedelta(hours=5, minutes=45))
        for number, at in enumerate(
            (
                datetime(1, 1, 1, tzinfo=UTC),
                datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
                datetime(2026, 7, 1, 12, 0, 0, 1, tzinfo=zone),
                datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            ),
            start=1,
        ):
            about, mark = person(number), hashed(str(number))
            row = attrs.evolve(tombstone(mark), erased_at=at)
            store.add_tombstone(row)
            epoch = attrs.evolve(epoch_row(f"k{number}"), created=at)
            store.add_epoch(epoch)
            key = attrs.evolve(key_row(about), created=at, kek_id=epoch.epoch)
            stop = Suppression(hash=mark, since=at, author=Actor.SUBJECT)
            batch = attrs.evolve(follow(store, about, b"x"), suppress=[stop], keys=[key])
            store.commit(batch)
            assert store.tombstone(mark) == row
            assert epoch in store.epochs()
            assert list(store.keys(about)) == [key]
            assert store.suppressed([mark])[mark] == (stop,)
            left = attrs.evolve(line_tombstone(store, about), at=at)
            store.expunge(about, left)
            found = store.expunged(about)
            assert found == left
            assert isinstance(found, LineTombstone)
            assert found.at.utcoffset() == timedelta(0)
        assert [row.erased_at for row in store.tombstones()] == sorted(
            row.erased_at for row in store.tombstones()
        )

    def test_flags_of_nobody_are_fine(self, store: Store) -> None:
        """Flags for a person without keys change nothing and are refused by nothing."""
        batch = follow(store, NEW, b"x")
        store.commit(attrs.evolve(batch, flags=KeyFlags(restricted=True)))
        assert list(store.keys(NEW)) == []
