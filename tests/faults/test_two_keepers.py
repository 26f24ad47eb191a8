"""Two keepers on one person, in two processes: every record is there once, none is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from tests.faults import deeds
from tests.faults.grounds import Ground
from tests.faults.processes import end, start
from tests.faults.whole import check_whole
from tests.keeper.support import house_on


@pytest.mark.parametrize("times", [300, pytest.param(10_000, marks=pytest.mark.long)])
def test_two_keepers_on_one_person_lose_nothing(
    new_ground: Callable[[], Ground], tell: Callable[[str], None], times: int
) -> None:
    """All records of both are on the line, each once and where its keeper was told it is."""
    ground = new_ground()
    with ground.open() as store:
        anna = deeds.add(house_on(store), "anna")
        before = len(store.line(anna))
    keepers = [start(ground, "one-person", f"k{number}", anna, times // 2) for number in range(2)]
    for keeper in keepers:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == "ready\n"
    for keeper in keepers:
        assert keeper.stdin is not None
        keeper.stdin.write("go\n")
        keeper.stdin.flush()
    said = [line.split(" ") for keeper in keepers for line in end(keeper)]
    told = {name: int(position) for word, name, position in said if word == "done"}
    with ground.open() as store:
        whole = check_whole(house_on(store))
    assert whole.entries == before + times, "one record each, and positions without gaps"
    assert {name: whole.by(name) for name in told} == {
        name: [(anna, position)] for name, position in told.items()
    }
    assert len(told) == times
    tired = Counter(code for word, _, code in said if word == "again")
    turns = sorted((position, name.split("-")[0]) for name, position in told.items())
    changes = sum(a[1] != b[1] for a, b in pairwise(turns))
    assert changes, "they never met"
    tell(
        f"two keepers on one person, {ground.kind}: {times:,} records, {times:,} found, each once,"
        f" positions without a gap; the turn changed {changes:,} times; given up and tried again by"
        f" the caller: {dict(tired) or 'never'}"
    )
