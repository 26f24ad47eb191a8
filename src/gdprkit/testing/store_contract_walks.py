"""The part of the contract of stores about sweeps: who is due, who is tagged, who is there.

Decides order, limits and spans of what comes as an iterator, on a store that rests; while others
write it is the matter of ``store_contract_pages``.
"""

from __future__ import annotations

import attrs
import pytest

from gdprkit.errors import InvalidValue, NaiveMoment, PositionTaken
from gdprkit.ledger.chain import verify_line
from gdprkit.storage.protocol import (
    LineEnd,
    Marks,
    Span,
    Store,
    StoredLine,
    StoredMarks,
    Suppression,
)
from gdprkit.testing.store_abilities import StoreAbilities
from gdprkit.testing.store_values import follow, hashed, line_tombstone, moment, person
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.moments import microseconds
from gdprkit.words.vocabulary import Actor, Channel

__all__ = ["WalksContract"]

ANNA, BO, CAI = person(1), person(2), person(3)


class WalksContract(StoreAbilities):
    """Inherited through ``StoreContract``."""

    def test_waking_is_ordered_limited_and_ends_at_until(self, store: Store) -> None:
        """The earliest wake first, equal ones by id, *until* included, never more than *limit*."""
        for about, minutes in ((ANNA, 30), (BO, 10), (CAI, 10), (person(4), 31)):
            store.commit(follow(store, about, b"x", marks=Marks(wake_at=moment(minutes))))
        store.commit(follow(store, person(5), b"x"))
        assert list(store.waking(moment(30), limit=10)) == [BO, CAI, ANNA]
        assert list(store.waking(moment(30), limit=2)) == [BO, CAI]
        assert list(store.waking(moment(9), limit=10)) == []
        span = Span(start=CAI, stop=person(4))
        assert list(store.waking(moment(99), span=span, limit=10)) == [CAI]
        store.commit(follow(store, BO, b"y", marks=Marks(wake_at=moment(40))))
        store.commit(follow(store, CAI, b"y"))
        assert list(store.waking(moment(99), limit=10)) == [ANNA, person(4), BO]

    def test_waking_keeps_moments_exact(self, store: Store) -> None:
        """A microsecond decides, before 1970 and far ahead too, whatever the time zone given."""
        for year in (1901, 2026, 9998):
            wake_at = moment(0).replace(year=year, microsecond=1)
            store.commit(follow(store, ANNA, b"x", marks=Marks(wake_at=wake_at)))
            assert list(store.waking(wake_at.replace(microsecond=0), limit=1)) == []
            assert list(store.waking(wake_at, limit=1)) == [ANNA]

    def test_waking_refuses_senseless_questions(self, store: Store) -> None:
        """No limit and no time zone are mistakes of the caller, told at the call."""
        with pytest.raises(InvalidValue):
            store.waking(moment(0), limit=0)
        with pytest.raises(NaiveMoment):
            store.waking(moment(0).replace(tzinfo=None), limit=1)

    def test_tagged_gives_standings_in_order_of_id(self, store: Store) -> None:
        """Who carries a tag is found by it, within a span, until the tag is taken off."""
        for about in (CAI, ANNA, BO):
            store.commit(follow(store, about, b"x", marks=Marks(tags={"news", f"n:{about}"})))
        assert [found.about for found in store.tagged("news")] == [ANNA, BO, CAI]
        assert list(store.tagged("news", span=Span(start=BO, stop=CAI))) == [store.standing(BO)]
        store.commit(follow(store, BO, b"y", marks=Marks(tags={"other"})))
        assert [found.about for found in store.tagged("news")] == [ANNA, CAI]
        assert [found.about for found in store.tagged("other")] == [BO]

    def test_marks_are_given_as_they_are_kept(self, store: Store) -> None:
        """The marks of everybody, nothing left out, in order of id and within a span; an expunged
        line has none. Reindexing reads them.
        """
        wake_at = moment(30).replace(microsecond=1)
        given = {
            CAI: Marks(wake_at=wake_at, tags={"news", "other"}),
            ANNA: Marks(),
            BO: Marks(tags={"news"}),
        }
        store.commit(*(follow(store, about, b"x", marks=marks) for about, marks in given.items()))
        wanted = [
            StoredMarks(
                about=about,
                wake_at=None if given[about].wake_at is None else microseconds(wake_at),
                tags=given[about].tags,
                found_by=given[about].tags,
            )
            for about in (ANNA, BO, CAI)
        ]
        assert list(store.marks()) == wanted
        assert list(store.marks(span=Span(start=BO, stop=CAI))) == wanted[1:2]
        store.commit(follow(store, CAI, b"y"))
        bare = StoredMarks(about=CAI, wake_at=None, tags=frozenset(), found_by=frozenset())
        assert list(store.marks()) == [*wanted[:2], bare]
        store.expunge(ANNA, line_tombstone(store, ANNA))
        assert list(store.marks()) == [wanted[1], bare]

    def test_people_come_in_order_and_spans_share_them_out(self, store: Store) -> None:
        """Everybody once, in order of id; the spans of a split cover everybody once."""
        everybody = [person(number) for number in (700, 1, 40_000, 65_535, 0, 33_000)]
        store.commit(*(follow(store, about, b"x") for about in everybody))
        assert list(store.people()) == sorted(everybody)
        shared = [list(store.people(span=span)) for span in Span().split(3)]
        assert [about for part in shared for about in part] == sorted(everybody)
        assert all(shared)

    def test_ends_tell_where_every_line_ends(self, store: Store) -> None:
        """Position and head of the own line of each person, in order of id, moved by a commit."""
        for about, bodies in ((CAI, [b"1"]), (ANNA, [b"1", b"2", b"3"]), (BO, [b"1", b"2"])):
            store.commit(follow(store, about, *bodies))
        wanted = []
        for about, position in ((ANNA, 3), (BO, 2), (CAI, 1)):
            head = store.line(about)[-1].digest
            wanted.append(LineEnd(about=about, position=position, head=head))
        assert list(store.ends()) == wanted
        batch = follow(store, BO, b"3")
        store.commit(batch)
        end = LineEnd(about=BO, position=3, head=batch.standing.head)
        assert list(store.ends()) == [wanted[0], end, wanted[2]]
        store.expunge(ANNA, line_tombstone(store, ANNA))
        assert list(store.ends()) == [end, wanted[2]]

    def test_lines_come_whole(self, store: Store) -> None:
        """Every line with its standing and all its entries, which verify, in order of id."""
        everybody = [person(number) for number in (3, 1, 2)]
        for about in everybody:
            bodies = [b"%d" % number for number in range(about.bytes[1] * 3)]
            store.commit(follow(store, about, *bodies, key=hashed("act")))
            store.commit(follow(store, about, b"one more"))
        found = list(store.lines())
        assert [line.standing for line in found] == [
            store.standing(about) for about in sorted(everybody)
        ]
        for line in found:
            about = line.standing.about
            assert isinstance(line, StoredLine)
            assert list(line.entries) == list(store.line(about))
            assert len(line.entries) == about.bytes[1] * 3 + 1
            verify_line(store.tenant, about, line.entries, line.standing.head)
        store.expunge(BO, line_tombstone(store, BO))
        assert [line.standing.about for line in store.lines()] == [ANNA, CAI]

    def test_expunged_lines_tell_what_is_left(self, store: Store) -> None:
        """Each tombstone of a line with its person, in order of id, each once."""
        assert list(store.expunged_lines()) == []
        left = {}
        for about in (CAI, ANNA, BO):
            store.commit(follow(store, about, b"one", b"two"))
            left[about] = attrs.evolve(line_tombstone(store, about), at=moment(about.bytes[1]))
        for about in (CAI, ANNA):
            store.expunge(about, left[about])
        store.expunge(CAI, attrs.evolve(left[CAI], at=moment(99)))
        assert list(store.expunged_lines()) == [(ANNA, left[ANNA]), (CAI, left[CAI])]

    def test_suppressions_come_whole_and_in_order(self, store: Store) -> None:
        """Every row of every hash, by hash and scope, each once: a backup can be made of them."""
        assert list(store.suppressions()) == []
        rows = [
            Suppression(
                hash=hashed(contact),
                kind=kind,
                channels=frozenset(channels),
                purpose=purpose,
                since=moment(len(channels)),
                author=author,
            )
            for contact in ("b", "a", "c")
            for kind in ("objection", "bounce")
            for channels in ([], [Channel.EMAIL], [Channel.PHONE, Channel.EMAIL])
            for purpose in (None, PurposeId("news"), PurposeId("a"))
            for author in (Actor.SUBJECT, Actor.COMPANY)
        ]
        batch = follow(store, ANNA, b"stops")
        store.commit(attrs.evolve(batch, suppress=rows[::2]))
        store.commit(attrs.evolve(follow(store, BO, b"stops"), suppress=rows))
        wanted = sorted(rows, key=lambda row: (row.hash, row.scope))
        assert list(store.suppressions()) == wanted
        found = store.suppressed({row.hash for row in rows})
        assert [row for hashed in sorted(found) for row in found[hashed]] == wanted

    def test_every_walk_keeps_to_its_span(self, store: Store) -> None:
        """A span begins with its start and ends before its stop, whoever asks for what."""
        everybody = [person(number) for number in (1, 2, 3, 30_000, 40_000, 65_535)]
        marks = Marks(wake_at=moment(1), tags={"t"})
        gone = [person(number) for number in (4, 5, 50_000)]
        store.commit(*(follow(store, about, b"x", marks=marks) for about in [*everybody, *gone]))
        for about in gone:
            store.expunge(about, line_tombstone(store, about))
        for span in (
            Span(),
            Span(start=BO),
            Span(stop=BO),
            Span(start=BO, stop=CAI),
            Span(start=person(6), stop=person(7)),
            *Span().split(3),
        ):
            wanted = [about for about in everybody if about in span]
            assert list(store.people(span=span)) == wanted
            assert [found.about for found in store.tagged("t", span=span)] == wanted
            assert list(store.waking(moment(1), span=span, limit=99)) == wanted
            assert [end.about for end in store.ends(span=span)] == wanted
            assert [line.standing.about for line in store.lines(span=span)] == wanted
            left = [about for about, _ in store.expunged_lines(span=span)]
            assert left == [about for about in gone if about in span]

    def test_a_tag_is_not_another_that_begins_alike(self, store: Store) -> None:
        """What looks like a pattern, a part or another spelling of a tag finds nobody."""
        store.commit(follow(store, ANNA, b"x", marks=Marks(tags={"news_a", "n:1/x"})))
        for tag in ("news", "news-a", "news_", "newsxa", "n:1", "n:1/x/y", "1/x"):
            assert list(store.tagged(tag)) == []
        assert [found.about for found in store.tagged("news_a")] == [ANNA]

    def test_standings_and_marks_can_all_be_rebuilt(self, store: Store) -> None:
        """Batches without entries renew every standing and mark, and leave the lines as they are.

        Whoever writes meanwhile wins: a rebuilt standing of an older end is refused.
        """
        everybody = [person(number) for number in range(1, 8)]
        old = Marks(wake_at=moment(1), tags={"old"})
        store.commit(*(follow(store, about, b"one", b"two", marks=old) for about in everybody))
        lines = [line.entries for line in store.lines()]
        new = Marks(wake_at=moment(2), tags={"new"})
        batches = []
        for line in store.lines():
            batch = follow(store, line.standing.about, marks=new)
            standing = attrs.evolve(batch.standing, fold=2, state=b"anew")
            batches.append(attrs.evolve(batch, standing=standing))
        store.commit(follow(store, CAI, b"meanwhile", marks=old))
        with pytest.raises(PositionTaken):
            store.commit(*batches)
        assert list(store.tagged("new")) == []
        for batch in batches:
            if batch.about != CAI:
                store.commit(batch)
        others = [about for about in everybody if about != CAI]
        assert [found.about for found in store.tagged("new")] == others
        assert {found.fold for found in store.tagged("new")} == {2}
        assert [found.about for found in store.tagged("old")] == [CAI]
        assert list(store.waking(moment(9), limit=9)) == [CAI, *others]
        kept = [line.entries for line in store.lines() if line.standing.about != CAI]
        assert kept == [
            entries for about, entries in zip(everybody, lines, strict=True) if about != CAI
        ]
