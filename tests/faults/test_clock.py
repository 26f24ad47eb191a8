"""A clock that steps back and forth: lines keep their order, stops rule, deadlines stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from random import Random

import pytest
from tests.faults import deeds
from tests.faults.grounds import Ground
from tests.faults.processes import end, start
from tests.faults.whole import check_whole
from tests.faults.writer import jump
from tests.keeper.support import House, house_on

from gdprkit.facts.consent import ConsentGiven
from gdprkit.facts.entry import Entry
from gdprkit.facts.objection import MarketingObjection
from gdprkit.facts.request import RequestReceived
from gdprkit.policy.decisions import Outcome
from gdprkit.words.identifiers import CaseId, SubjectId, subject_id


def is_stopped(line: tuple[Entry, ...]) -> bool:
    """Return whether the last word on marketing, in the order it was recorded, is a no."""
    words = [e.fact for e in line if isinstance(e.fact, (MarketingObjection, ConsentGiven))]
    return bool(words) and isinstance(words[-1], MarketingObjection)


def check_stop(house: House, about: SubjectId, found: Counter[str]) -> None:
    """Check that a stop rules at any moment that the clock may show, until a later consent."""
    if is_stopped(house.keeper.line(about)):
        assert house.keeper.standing(about).objection.stops
        assert house.ask(about).outcome is Outcome.FORBIDDEN
        found["stops"] += 1


@pytest.mark.parametrize("times", [100, pytest.param(5000, marks=pytest.mark.long)])
def test_a_jumping_clock_loses_no_stop_and_moves_no_deadline(
    new_ground: Callable[[], Ground], tell: Callable[[str], None], times: int
) -> None:
    """By days and by microseconds, between any two acts and between an act and the question."""
    ground, random, found = new_ground(), Random(), Counter[str]()
    with ground.open() as store:
        house = house_on(store)
        people = [deeds.add(house, f"p{number}") for number in range(max(5, times // 20))]
        deadlines: dict[tuple[SubjectId, CaseId], datetime] = {}
        for number in range(times):
            house.clock.now = jump(random, house.clock.now)
            about, word = random.choice(people), random.choice(sorted(deeds.RECORDED))
            before = len(house.keeper.line(about))
            positions = deeds.record(house, about, word, f"d{number}")
            assert positions == (*range(before + 1, before + 1 + len(positions)),)
            for position in positions:
                fact = house.keeper.line(about)[position - 1].fact
                if isinstance(fact, RequestReceived):
                    due = house.keeper.deadline(about, fact.case).safe_end
                    deadlines[about, fact.case] = due
            found["back"] += house.keeper.line(about)[before].recorded_at != max(
                entry.recorded_at for entry in house.keeper.line(about)[: before + 1]
            )
            house.clock.now = jump(random, house.clock.now)
            check_stop(house, about, found)
        whole = check_whole(house)
        for (about, case), due in deadlines.items():
            house.clock.now = jump(random, house.clock.now)
            assert house.keeper.deadline(about, case).safe_end == due
    assert found["back"]
    assert found["stops"]
    tell(
        f"clock stepping back, {ground.kind}: {times:,} acts, {found['back']:,} recorded before the"
        f" one they follow; {whole.entries:,} entries in the order of their positions;"
        f" {found['stops']:,} times asked under a stop, {found['stops']:,} times forbidden;"
        f" {len(deadlines):,} deadlines, none moved"
    )


@pytest.mark.parametrize("times", [40, pytest.param(1000, marks=pytest.mark.long)])
def test_processes_whose_clocks_disagree_lose_no_stop(
    new_ground: Callable[[], Ground], tell: Callable[[str], None], times: int
) -> None:
    """Two processes, each with a jumping clock of its own, write to the same people."""
    ground, found = new_ground(), Counter[str]()
    with ground.open() as store:
        house = house_on(store)
        people = [deeds.add(house, f"p{number}") for number in range(max(4, times // 15))]
    writers = [start(ground, "jumping", f"w{number}", number, times) for number in range(2)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    said = [line.split(" ") for writer in writers for line in end(writer)]
    with ground.open() as store:
        house = house_on(store)
        whole = check_whole(house)
        for word, name, *rest in said:
            if word == "no":
                assert rest[1] == "position-taken"  # and tried again
                continue
            there = [(subject_id(rest[1]), int(at)) for at in rest[2].split(",")]
            assert whole.by(name) == there
        for about in people:
            for _ in range(5):
                house.clock.now = jump(Random(), house.clock.now)
                check_stop(house, about, found)
    assert found["stops"]
    tell(
        f"clocks that disagree, {ground.kind}: 2 processes, {len(said):,} acts, all there, each"
        f" once, positions without a gap; {found['stops']:,} times asked under a stop,"
        f" {found['stops']:,} times forbidden"
    )
