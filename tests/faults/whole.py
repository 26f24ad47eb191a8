"""Whether a store is whole: everything that one commit writes is held against the line it is of.

Always true: it only reads. What is compared is folded anew from the entries, so a commit of which
any part is missing, or too much, does not pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, final

import attrs
from tests.keeper.support import House

from gdprkit.facts.entry import Entry
from gdprkit.keeper.line import marks_of, view
from gdprkit.keeper.writing import marketing_stops
from gdprkit.storage.sql_store import SqlStore
from gdprkit.storage.steps import ROWS, Row, Steps
from gdprkit.words.identifiers import SubjectId

__all__ = ["Whole", "check_whole", "count"]

_FOR_EVER: Final = datetime(9000, 1, 1, tzinfo=UTC)
_MANY: Final = 1_000_000


@final
@attrs.frozen
class Whole:
    """What a whole store holds."""

    lines: Mapping[SubjectId, tuple[Entry, ...]]
    _by: Mapping[str, list[tuple[SubjectId, int]]]

    @property
    def entries(self) -> int:
        """How many entries there are."""
        return sum(map(len, self.lines.values()))

    def by(self, name: str) -> list[tuple[SubjectId, int]]:
        """Return person and position of the entries that the deed *name* wrote."""
        return self._by.get(name, [])


def count(store: SqlStore, table: str, column: str = "1") -> Counter[bytes]:
    """Return how many rows of a table there are by a column."""

    def steps() -> Steps[list[Row]]:
        rows: list[Row] = yield (
            ROWS,
            f"SELECT {column}, count(*) FROM gdprkit_{table} GROUP BY 1",
            (),
        )
        return rows

    return Counter({bytes(key): found for key, found in store._read(steps())})


def check_whole(house: House) -> Whole:
    """Check that no row of a store is missing, and none too much.

    Raises:
        AssertionError: says what does not fit.
        ChainBroken: a chain, a standing or a sealed value is not what was written.
    """
    store, keeper = house.store, house.keeper
    assert isinstance(store, SqlStore)
    bench = keeper._bench
    lines: dict[SubjectId, tuple[Entry, ...]] = {}
    tags: dict[str, set[SubjectId]] = {}
    wakes: list[tuple[datetime, SubjectId]] = []
    held: Counter[bytes] = Counter()
    erased, stopped, slots = 0, 0, set()
    for about in keeper.people():
        keeper.verify(about)  # chain, head, standing is the fold, values are those entries name
        found = view(store, about)
        lines[about] = keeper.line(about)
        assert [e.position for e in lines[about]] == [*range(1, found.position + 1)]
        # they are of the moment of the last commit, also where clocks jump
        marks = marks_of(bench.case(found, lines[about][-1].recorded_at))
        for tag in marks.tags:
            tags.setdefault(tag, set()).add(about)
        if marks.wake_at is not None:
            wakes.append((marks.wake_at, about))
        data = found.standing.data
        held[about.bytes] += len(data.values)
        slots |= {value.slot for value in data.values}
        stopped += bool(marketing_stops(bench, found.standing))
        erased += data.erased_at is not None
        assert bool(store.keys(about)) is (data.erased_at is None)
        assert set(store.terms(about)) <= {value.slot for value in data.values}
        if data.erased_at is None:
            address = keeper.read(about, "email")[bench.register.field("email").id]
            assert keeper.find(email=address) == (about,)
    assert count(store, "entry", "subject") == {a.bytes: len(line) for a, line in lines.items()}
    assert count(store, "value", "subject") == +held
    assert count(store, "tag").total() == sum(map(len, tags.values()))
    for tag, people in tags.items():
        assert {stored.about for stored in store.tagged(tag)} == people
    assert list(store.waking(_FOR_EVER, limit=_MANY)) == [about for _, about in sorted(wakes)]
    assert len(store.tombstones()) == erased
    assert len({row.hash for row in store.suppressions()}) == stopped
    by: dict[str, list[tuple[SubjectId, int]]] = {}
    for about, line in lines.items():
        for entry in line:
            by.setdefault(entry.by or "", []).append((about, entry.position))
    return Whole(lines, by)
