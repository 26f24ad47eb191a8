"""The part of the contract of stores about suppression (GDPR Art. 21(3)): no stop is ever lost."""

from __future__ import annotations

import attrs

from gdprkit.storage.protocol import Store, Suppression
from gdprkit.testing.store_abilities import StoreAbilities
from gdprkit.testing.store_values import follow, hashed, line_tombstone, moment, person, tombstone
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import Actor, Channel

__all__ = ["SuppressionContract"]

ANNA, BO = person(1), person(2)
EMAIL, PHONE, POST = Channel.EMAIL, Channel.PHONE, Channel.POST


def _suppression(
    *channels: Channel, minutes: int = 0, author: Actor = Actor.SUBJECT, purpose: str | None = None
) -> Suppression:
    return Suppression(
        hash=hashed("contact"),
        channels=frozenset(channels),
        purpose=None if purpose is None else PurposeId(purpose),
        since=moment(minutes),
        author=author,
    )


def _suppress(store: Store, *rows: Suppression) -> None:
    store.commit(attrs.evolve(follow(store, ANNA, b"stop"), suppress=rows))


class SuppressionContract(StoreAbilities):
    """Inherited through ``StoreContract``."""

    def test_suppression_keeps_the_newest_moment(self, store: Store) -> None:
        """Putting a scope again keeps one row with the newest moment, in whatever order."""
        for minutes in (5, 9, 3):
            _suppress(store, _suppression(EMAIL, minutes=minutes))
        wanted = _suppression(EMAIL, minutes=9)
        assert dict(store.suppressed([hashed("contact")])) == {hashed("contact"): (wanted,)}

    def test_no_suppression_narrows_another(self, store: Store) -> None:
        """Every scope keeps its own row: all channels, some, one purpose, another author."""
        rows = [
            _suppression(minutes=1),
            _suppression(EMAIL, minutes=2),
            _suppression(EMAIL, PHONE, minutes=3),
            _suppression(EMAIL, minutes=4, author=Actor.COMPANY),
            _suppression(EMAIL, minutes=5, purpose="news"),
            attrs.evolve(_suppression(EMAIL, minutes=6), kind="bounce"),
        ]
        for row in rows:
            _suppress(store, row)
        found = store.suppressed([hashed("contact")])[hashed("contact")]
        assert list(found) == sorted(rows, key=lambda row: row.scope)

    def test_suppressions_are_by_hash_and_scope(self, store: Store) -> None:
        """All marketing comes first, then purposes by name; other hashes are left out."""
        rows = [_suppression(EMAIL, purpose=name) for name in ("b", None, "a")]
        _suppress(store, *rows)
        found = store.suppressed([hashed("contact"), hashed("other")])
        assert [row.purpose for row in found[hashed("contact")]] == [None, "a", "b"]
        assert set(found) == {hashed("contact")}

    def test_suppression_survives_erasure(self, store: Store) -> None:
        """Neither shredding nor expunging brings a suppressed contact point back."""
        _suppress(store, _suppression(EMAIL))
        store.commit(attrs.evolve(follow(store, ANNA, b"x"), shred=tombstone(hashed("mark"))))
        store.expunge(ANNA, line_tombstone(store, ANNA))
        wanted = {hashed("contact"): (_suppression(EMAIL),)}
        assert dict(store.suppressed([hashed("contact")])) == wanted
        assert list(store.suppressions()) == [_suppression(EMAIL)]
        assert list(store.tombstones()) == [tombstone(hashed("mark"))]

    def test_any_batch_may_suppress(self, store: Store) -> None:
        """A renewal without entries, and a shredding itself, keep what they suppress."""
        store.commit(follow(store, ANNA, b"one"))
        first = _suppression(EMAIL, minutes=1)
        store.commit(attrs.evolve(follow(store, ANNA), suppress=[first]))
        second = _suppression(PHONE, POST, minutes=2)
        batch = follow(store, ANNA, b"erased")
        store.commit(attrs.evolve(batch, shred=tombstone(hashed("mark")), suppress=[second]))
        assert list(store.suppressions()) == [first, second]

    def test_two_batches_of_one_commit_share_a_scope(self, store: Store) -> None:
        """Of one scope in several batches, or twice in one, the newest moment stays."""
        rows = [_suppression(EMAIL, minutes=minutes) for minutes in (2, 7, 5)]
        first = attrs.evolve(follow(store, ANNA, b"stop"), suppress=rows[:2])
        store.commit(first, attrs.evolve(follow(store, BO, b"stop"), suppress=rows[2:]))
        assert list(store.suppressions()) == [rows[1]]
