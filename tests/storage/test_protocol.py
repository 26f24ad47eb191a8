"""The values a store takes refuse wrong shapes, and spans share everybody out."""

from __future__ import annotations

import inspect
from datetime import datetime
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdprkit.errors import InvalidValue, NaiveMoment
from gdprkit.sealing.rows import KeyFlags, KeyStore
from gdprkit.storage import MemoryStore, SqliteStore
from gdprkit.storage.protocol import (
    ALL,
    Batch,
    LineTombstone,
    Marks,
    Span,
    Store,
    StoredEntry,
    Suppression,
    VaultPut,
)
from gdprkit.testing.store_values import (
    continued,
    hashed,
    key_row,
    moment,
    person,
    slot,
    tombstone,
)
from gdprkit.words.identifiers import PurposeId, SubjectId
from gdprkit.words.vocabulary import Actor, Channel

ANNA, BO = person(1), person(2)
GOOD = continued(ANNA, 3, hashed("head"), [b"four", b"five"], key=hashed("act"))
PUT = VaultPut(slot=slot(1), envelope=b"e")
SHRED = tombstone(hashed("mark"))
NO_BYTES: Any = "text"
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001  what is refused

subjects = st.uuids().map(SubjectId)
hashes = st.builds(
    Suppression,
    hash=st.just(hashed("contact")),
    channels=st.frozensets(st.sampled_from(Channel)),
    since=st.integers(0, 9).map(moment),
    author=st.sampled_from(Actor),
)


@pytest.mark.parametrize("kind", [MemoryStore, SqliteStore])
def test_stores_have_the_methods_of_the_protocol(kind: type[Store]) -> None:
    """Names, parameters and their defaults are those of the protocol (types: mypy, above)."""
    for protocol in (Store, KeyStore):
        for name, method in inspect.getmembers(protocol, inspect.isfunction):
            if not name.startswith("_"):
                wanted = inspect.signature(method).parameters
                found = inspect.signature(getattr(kind, name)).parameters
                assert list(found.values()) == list(wanted.values()), name


def _entry(**changes: Any) -> tuple[StoredEntry, ...]:
    return (attrs.evolve(GOOD.entries[0], **changes), GOOD.entries[1])


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("expected", {"expected": -1}),
        ("entries", {"expected": 2}),
        ("entries", {"entries": GOOD.entries[::-1]}),
        ("entries.body", {"entries": _entry(body=b"")}),
        ("entries.body", {"entries": _entry(body="text")}),
        ("entries.digest", {"entries": _entry(digest=b"short")}),
        ("entries.key", {"entries": _entry(key=b"short")}),
        ("standing", {"about": BO}),
        ("standing", {"entries": GOOD.entries[:1]}),
        ("standing", {"standing": attrs.evolve(GOOD.standing, position=4)}),
        ("standing.head", {"standing": attrs.evolve(GOOD.standing, head=hashed("other"))}),
        ("standing.head", {"standing": attrs.evolve(GOOD.standing, head=b"")}),
        ("standing.fold", {"standing": attrs.evolve(GOOD.standing, fold=-1)}),
        ("standing.state", {"standing": attrs.evolve(GOOD.standing, state=NO_BYTES)}),
        ("shred", {"shred": SHRED, "puts": [PUT]}),
        ("shred", {"shred": SHRED, "flags": KeyFlags(on_hold=True)}),
        ("shred", {"shred": SHRED, "keys": [key_row(ANNA)]}),
        ("puts and deletes", {"puts": [PUT, PUT]}),
        ("puts and deletes", {"puts": [PUT], "deletes": [PUT.slot]}),
        ("keys", {"keys": [key_row(ANNA), key_row(ANNA)]}),
        ("keys", {"keys": [key_row(BO)]}),
        ("spend", {"spend": [b"a", b"a"]}),
        ("spend", {"spend": [b""]}),
    ],
)
def test_a_batch_fits_together(field: str, changes: dict[str, Any]) -> None:
    """Parts that do not fit are refused, naming the part and no value."""
    with pytest.raises(InvalidValue) as caught:
        attrs.evolve(GOOD, **changes)
    assert caught.value.field == field
    assert str(ANNA) not in str(caught.value)


def test_an_idempotency_key_stands_on_one_entry_of_a_batch() -> None:
    """Two entries of one batch cannot bear the same key."""
    entries = [attrs.evolve(entry, key=hashed("act")) for entry in GOOD.entries]
    with pytest.raises(InvalidValue):
        attrs.evolve(GOOD, entries=entries)


def test_a_line_begins_with_an_entry() -> None:
    """A standing without any entry is no line."""
    with pytest.raises(InvalidValue):
        continued(ANNA, 0, hashed("head"), [])


def test_a_batch_takes_any_iterable_and_keeps_tuples() -> None:
    """Lists are taken, and what is kept cannot be changed afterwards."""
    batch = attrs.evolve(GOOD, puts=[PUT], deletes=[slot(2), slot(2)], spend=[b"t"])
    assert isinstance(batch, Batch)
    assert (batch.puts, batch.deletes, batch.spend) == ((PUT,), (slot(2), slot(2)), (b"t",))
    hash(batch)


def test_reprs_show_no_bytes() -> None:
    """Bodies, envelopes, states and hashes do not reach logs through a repr."""
    put = VaultPut(slot=slot(1), envelope=b"SECRET", terms=[b"SECRET"])
    entry = StoredEntry(position=1, body=b"SECRET", digest=b"SECRET", key=b"SECRET")
    row = Suppression(hash=b"SECRET", since=moment(0), author=Actor.SUBJECT)
    batch = attrs.evolve(GOOD, puts=[put], suppress=[row], spend=[b"SECRET"])
    assert "SECRET" not in repr(batch) + repr(entry)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Marks(wake_at=NAIVE),
        lambda: LineTombstone(position=1, head=hashed("head"), at=NAIVE),
        lambda: Suppression(hash=b"h", since=NAIVE, author=Actor.SUBJECT),
    ],
)
def test_naive_moments_are_refused(make: Any) -> None:
    """A moment without a time zone is refused wherever it comes in."""
    with pytest.raises(NaiveMoment):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Marks(tags={"Upper"}),
        lambda: Marks(tags={"two words"}),
        lambda: Marks(tags={""}),
        lambda: Marks(tags={7}),  # type: ignore[arg-type]
        lambda: VaultPut(slot=slot(1), envelope=b""),
        lambda: VaultPut(slot="1", envelope=b"e"),  # type: ignore[arg-type]
        lambda: VaultPut(slot=slot(1), envelope=b"e", terms=[b""]),
        lambda: LineTombstone(position=0, head=hashed("head"), at=moment(0)),
        lambda: LineTombstone(position=1, head=b"", at=moment(0)),
        lambda: Suppression(hash=b"", since=moment(0), author=Actor.SUBJECT),
        lambda: Suppression(
            hash=b"h",
            channels=["email"],  # type: ignore[list-item]
            since=moment(0),
            author=Actor.SUBJECT,
        ),
        lambda: Suppression(hash=b"h", kind="", since=moment(0), author=Actor.SUBJECT),
        lambda: attrs.evolve(SHRED, reference=7),  # type: ignore[arg-type]
        lambda: attrs.evolve(key_row(ANNA), kek_id=b"k1"),  # type: ignore[arg-type]
        lambda: LineTombstone(position=1 << 31, head=hashed("head"), at=moment(0)),
        lambda: attrs.evolve(GOOD, standing=attrs.evolve(GOOD.standing, fold=1 << 31)),
        lambda: Span(start=BO, stop=BO),
        lambda: Span(start=BO, stop=ANNA),
        lambda: ALL.split(0),
    ],
)
def test_wrong_shapes_are_refused(make: Any) -> None:
    """Each value refuses what no store could keep or find again."""
    with pytest.raises(InvalidValue):
        make()


class TestSuppression:
    """GDPR Art. 21(3): once objected to, never again."""

    def test_no_purpose_is_not_an_empty_one(self) -> None:
        """An empty purpose would be read back as all marketing, which is another scope."""
        with pytest.raises(InvalidValue) as caught:
            Suppression(hash=b"h", purpose=PurposeId(""), since=moment(0), author=Actor.SUBJECT)
        assert caught.value.field == "purpose"

    @given(old=hashes, new=hashes)
    def test_renewing_keeps_the_newest(self, old: Suppression, new: Suppression) -> None:
        """Of two rows of one scope the later stop counts, in either order."""
        new = attrs.evolve(new, channels=old.channels, author=old.author)
        assert old.renewed(new).since == new.renewed(old).since == max(old.since, new.since)

    def test_only_the_same_scope_is_renewed(self) -> None:
        """Another purpose, contact point, set of channels or author is another row."""
        row = Suppression(hash=b"h", since=moment(0), author=Actor.SUBJECT)
        for other in (
            attrs.evolve(row, purpose=PurposeId("news")),
            attrs.evolve(row, hash=b"other"),
            attrs.evolve(row, channels=[Channel.EMAIL]),
            attrs.evolve(row, author=Actor.COMPANY),
        ):
            with pytest.raises(InvalidValue):
                row.renewed(other)


class TestSpan:
    @given(
        ends=st.lists(st.none() | subjects, min_size=2, max_size=2),
        parts=st.integers(1, 20),
        about=subjects,
    )
    def test_a_split_covers_the_whole_without_overlap(
        self, ends: list[SubjectId | None], parts: int, about: SubjectId
    ) -> None:
        """Every id of a span lies in exactly one of its parts, and no other id in any."""
        start, stop = ends
        if start is not None and stop is not None:
            start, stop = min(start, stop), max(start, stop)
            if start == stop:
                return
        if stop is not None and stop.int == 0:
            return
        span = Span(start=start, stop=stop)
        spans = span.split(parts)
        for probe in {about, start or about, *(part.start or about for part in spans)}:
            assert sum(probe in part for part in spans) == (probe in span)
        assert (spans[0].start, spans[-1].stop) == (start, stop)
        assert len(spans) <= parts

    def test_parts_are_of_even_width(self) -> None:
        """Random ids spread evenly over the parts."""
        widths = [part.high - part.low + 1 for part in ALL.split(7)]
        assert max(widths) - min(widths) <= 1
        assert sum(widths) == 1 << 128

    def test_a_narrow_span_gives_fewer_parts(self) -> None:
        """There are never more parts than ids."""
        span = Span(start=SubjectId(UUID(int=5)), stop=SubjectId(UUID(int=8)))
        assert [part.low for part in span.split(10)] == [5, 6, 7]
