"""Bytes that a disk changed: what is read is right or a typed error, and verification finds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Final

import pytest
from tests.faults.life import PROVED, answers, lead
from tests.faults.whole import check_whole
from tests.keeper.support import house_on

from gdprkit.desk.trail import verify_trail
from gdprkit.errors import GdprkitError
from gdprkit.storage import SqliteStore

_PAGE: Final = 4096


def _flip(random: Random, data: bytearray, page: int) -> None:
    data[page + random.randrange(_PAGE)] ^= 1 << random.randrange(8)


def _scribble(random: Random, data: bytearray, page: int) -> None:
    for _ in range(8):
        data[page + random.randrange(_PAGE)] = random.randrange(256)


def _header(random: Random, data: bytearray, page: int) -> None:
    data[page + random.randrange(64)] = random.randrange(256)


def _zero(_: Random, data: bytearray, page: int) -> None:
    data[page : page + _PAGE] = bytes(_PAGE)


def _swap(random: Random, data: bytearray, page: int) -> None:
    other = random.randrange(len(data) // _PAGE) * _PAGE
    here = data[page : page + _PAGE]
    data[page : page + _PAGE] = data[other : other + _PAGE]
    data[other : other + _PAGE] = here


def _cut(random: Random, data: bytearray, page: int) -> None:
    del data[page + random.randrange(_PAGE) :]


DAMAGES: Final[Mapping[str, Callable[[Random, bytearray, int], None]]] = {
    "bit": _flip,
    "bytes": _scribble,
    "header": _header,
    "zeroed": _zero,
    "swapped": _swap,
    "cut short": _cut,
}


@pytest.mark.parametrize("times", [36, pytest.param(3000, marks=pytest.mark.long)])
def test_a_damaged_page_gives_no_wrong_answer(
    tmp_path: Path, tell: Callable[[str], None], times: int
) -> None:
    """Lines, standings, decisions and values are right or refused; verify finds all the rest."""
    path, copy = tmp_path / "whole.db", tmp_path / "copy.db"
    random = Random()
    with SqliteStore(path) as store:
        house = house_on(store)
        *_, people = lead(house, random, people=12, acts=60)
        store.settle()
        truth = answers(house, people)
    assert Counter(kind for kind, _ in truth.values())["error"] < 10
    whole, found = path.read_bytes(), Counter[str]()
    for number in range(times):
        seed = random.randrange(1 << 30)
        damage = sorted(DAMAGES)[number % len(DAMAGES)]
        data, drawn = bytearray(whole), Random(seed)
        DAMAGES[damage](drawn, data, drawn.randrange(len(data) // _PAGE) * _PAGE)
        for old in tmp_path.glob("copy.db*"):
            old.unlink()
        copy.write_bytes(data)
        found["harmless" if data == whole else "tried"] += 1
        try:
            with SqliteStore(copy) as store:
                told = answers(house_on(store), people)
                try:
                    verified = not verify_trail(store, copy).broken
                except GdprkitError:
                    verified = False
        except GdprkitError:
            found["not opened"] += 1
            continue
        wrong = {asked for asked, answer in told.items() if answer != truth[asked]}
        silent = {asked for asked in wrong if told[asked][0] == "right"}
        assert not {name for name, _ in silent} & {*PROVED}, (damage, seed, silent)
        # a key row is proved by opening it alone
        assert not (silent == wrong and silent and verified), (damage, seed, silent)
        found["refused" if wrong else "unread"] += 1
        found["looked over"] += bool(silent)
        found["found"] += not verified
    tell(
        f"damaged pages, sqlite: {found['tried']:,} tried ({', '.join(DAMAGES)}):"
        f" {found['not opened']:,} files not opened, {found['refused']:,} with typed errors where"
        f" they were read, {found['unread']:,} never read; 0 wrong lines, standings, decisions or"
        f" values; {found['looked over']:,} with somebody missing from a list, each found by"
        f" verify, which found {found['found']:,}"
    )


@pytest.mark.parametrize("times", [15, pytest.param(1000, marks=pytest.mark.long)])
def test_a_damaged_log_leaves_a_whole_earlier_state(
    tmp_path: Path, tell: Callable[[str], None], times: int
) -> None:
    """What a changed byte in the write-ahead log makes unreadable goes by whole commits."""
    path, copy = tmp_path / "whole.db", tmp_path / "copy.db"
    random, states = Random(), list[object]()
    with SqliteStore(path) as store:
        house = house_on(store)
        for _ in lead(house, random, people=8, acts=40):
            states.append(list(store.ends()))
        file, log = path.read_bytes(), path.with_name("whole.db-wal").read_bytes()
    found: Counter[str] = Counter()
    for number in range(times):
        data = bytearray(log)
        if number == 0:
            pass  # as it was, for comparison
        elif number % 3:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        else:
            del data[random.randrange(len(data)) :]
        for old in tmp_path.glob("copy.db*"):
            old.unlink()
        copy.write_bytes(file)
        copy.with_name("copy.db-wal").write_bytes(data)
        try:
            with SqliteStore(copy) as store:
                now = list(store.ends())
                if now:
                    check_whole(house_on(store))
        except GdprkitError:
            found["refused"] += 1
            continue
        assert not now or now in states
        assert number or now == states[-1]
        found["kept all" if now == states[-1] else "earlier"] += 1
    tell(
        f"damaged log, sqlite: {times:,} tried: {found['refused']:,} refused, {found['kept all']:,}"
        f" without effect, {found['earlier']:,} whole at an earlier commit, 0 half"
    )
