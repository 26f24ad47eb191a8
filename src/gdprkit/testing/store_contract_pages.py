"""The part of the contract of stores about long answers, walked while others write.

Always true of each: who was there throughout comes exactly once, in order, whoever comes and goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from gdprkit.ledger.chain import verify_line
from gdprkit.sealing.rows import KeyRow
from gdprkit.storage.protocol import Batch, Marks, Store, Suppression
from gdprkit.testing.store_abilities import StoreAbilities
from gdprkit.testing.store_values import (
    epoch_row,
    follow,
    hashed,
    key_row,
    line_tombstone,
    moment,
    person,
    tombstone,
)
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import Actor

__all__ = ["PagesContract"]

MARKS = Marks(wake_at=moment(1), tags={"t"})

#: What gives people in order of id; where all wake at once, by wake comes to the same.
WALKS: dict[str, Callable[[Store], Iterator[SubjectId]]] = {
    "people": lambda store: store.people(),
    "tagged": lambda store: (found.about for found in store.tagged("t")),
    "waking": lambda store: store.waking(moment(1), limit=10**6),
    "ends": lambda store: (end.about for end in store.ends()),
    "marks": lambda store: (marks.about for marks in store.marks()),
    "lines": lambda store: (line.standing.about for line in store.lines()),
}


def _stop(number: int, minutes: int = 0) -> Suppression:
    return Suppression(hash=number.to_bytes(32, "big"), since=moment(minutes), author=Actor.SUBJECT)


class PagesContract(StoreAbilities):
    """Inherited through ``StoreContract``."""

    def _crowd(self, store: Store) -> list[SubjectId]:
        """Write one line each of many people, and return them in order."""
        stays = [person(number) for number in range(10, 10 + self.many)]
        store.commit(*(follow(store, about, b"x", marks=MARKS) for about in stays))
        return stays

    def test_people_are_walked_while_others_write(self, store: Store) -> None:
        """Who is there throughout comes exactly once and in order, whoever comes or goes."""
        stays = self._crowd(store)
        goes = {stays[3], stays[4], stays[-5]}  # more leave in front than come there
        walks = {name: walk(store) for name, walk in WALKS.items()}
        seen = {name: [next(walk)] for name, walk in walks.items()}
        new = [person(1), person(9_000)]
        store.commit(*(follow(store, about, b"new", marks=MARKS) for about in new))
        for about in sorted(goes):
            store.expunge(about, line_tombstone(store, about))
        # somebody in the middle writes on, and is the same person
        store.commit(follow(store, stays[self.many // 2], b"more", marks=MARKS))
        throughout = [about for about in stays if about not in goes]
        known = set(throughout)
        for name, walk in walks.items():
            given = seen[name] + list(walk)
            assert given == sorted(set(given)), f"{name} repeats somebody or loses its order"
            assert [about for about in given if about in known] == throughout, name
            assert set(given) <= known | goes | set(new), name

    def test_marks_move_while_the_tagged_and_the_due_are_walked(self, store: Store) -> None:
        """Whose tag and wake stay is given once; whose wake moves may come again, nobody else."""
        stays = self._crowd(store)
        moves = {stays[2], stays[-2]}
        tagged, waking = store.tagged("t"), store.waking(moment(9), limit=10**6)
        seen, due = [next(tagged).about], [next(waking)]
        later = Marks(wake_at=moment(5), tags={"other"})
        store.commit(*(follow(store, about, b"y", marks=later) for about in sorted(moves)))
        seen += [found.about for found in tagged]
        due += list(waking)
        throughout = [about for about in stays if about not in moves]
        assert seen == sorted(set(seen))
        assert [about for about in seen if about not in moves] == throughout
        assert [about for about in due if about not in moves] == throughout
        assert stays[-2] in due

    def test_lines_are_whole_while_others_write(self, store: Store) -> None:
        """A line that grows meanwhile is given as it was or as it is, and verifies."""
        stays = self._crowd(store)
        walk = store.lines()
        lines = [next(walk)]
        grown = [stays[0], stays[5], stays[-1]]
        for _ in range(2):
            store.commit(*(follow(store, about, b"more", marks=MARKS) for about in grown))
        lines += list(walk)
        assert [line.standing.about for line in lines] == stays
        for line in lines:
            standing = line.standing
            assert len(line.entries) == standing.position
            verify_line(store.tenant, standing.about, line.entries, standing.head)

    def test_long_answers_end_at_the_limit(self, store: Store) -> None:
        """However many are due, as many are given as were asked for, the first ones."""
        stays = self._crowd(store)
        for limit in (1, self.many - 1, self.many, self.many + 1):
            assert list(store.waking(moment(1), limit=limit)) == stays[:limit]

    def test_expunged_lines_are_walked_while_others_write(self, store: Store) -> None:
        """Each tombstone once and in order, whoever is expunged meanwhile."""
        gone = self._crowd(store)
        for about in gone:
            store.expunge(about, line_tombstone(store, about))
        late = [person(2), person(9_000)]
        store.commit(*(follow(store, about, b"x") for about in late))
        walk = store.expunged_lines()
        seen = [next(walk)[0]]
        for about in late:
            store.expunge(about, line_tombstone(store, about))
        seen += [about for about, _ in walk]
        assert seen == sorted(set(seen))
        assert [about for about in seen if about not in late] == gone

    def test_suppressions_are_walked_while_others_write(self, store: Store) -> None:
        """Each row once and in order; a stop that is renewed meanwhile stays one."""
        rows = [_stop(number) for number in range(10, 10 + self.many)]
        store.commit(attrs.evolve(follow(store, person(1), b"stops"), suppress=rows))
        walk = store.suppressions()
        seen = [next(walk)]
        renewed = [_stop(number, 5) for number in (12, 10 + self.many // 2, 9 + self.many)]
        new = [_stop(1), _stop(60_000)]
        batch = follow(store, person(2), b"stops")
        store.commit(attrs.evolve(batch, suppress=[*renewed, *new]))
        seen += list(walk)
        hashes = [row.hash for row in seen]
        assert hashes == sorted(set(hashes))
        known = {row.hash for row in rows}
        assert [hashed for hashed in hashes if hashed in known] == sorted(known)
        assert set(seen) <= {*rows, *renewed, *new}

    def test_key_rows_are_paged_while_others_write(self, store: Store) -> None:
        """Each row that stays once and in order, though versions come and people are shredded."""
        store.add_epoch(epoch_row("k1"))
        people = [person(number) for number in range(10, 30)]
        batches: list[Batch] = []
        for about in people:
            keys = [key_row(about, version) for version in (1, 2, 3)]
            batches.append(attrs.evolve(follow(store, about, b"x"), keys=keys))
        store.commit(*batches)
        stays = [row for batch in batches for row in batch.keys]
        seen: list[KeyRow] = []
        pages = 0
        while page := store.key_rows(
            kek="k1",
            after=(seen[-1].about, seen[-1].version) if seen else None,
            limit=7,
        ):
            assert len(page) <= 7
            seen += page
            pages += 1
            if pages == 2:
                shred = tombstone(hashed("mark"))
                store.commit(attrs.evolve(follow(store, people[0], b"gone"), shred=shred))
                store.commit(attrs.evolve(follow(store, people[-1], b"gone"), shred=shred))
                early = attrs.evolve(follow(store, person(1), b"x"), keys=[key_row(person(1))])
                fourth = [key_row(people[5], 4)]
                store.commit(early, attrs.evolve(follow(store, people[5], b"y"), keys=fourth))
        places = [(row.about, row.version) for row in seen]
        assert places == sorted(set(places))
        throughout = [row for row in stays if row.about not in {people[0], people[-1]}]
        known = set(throughout)
        assert [row for row in seen if row in known] == throughout
        assert key_row(people[5], 4) in seen
