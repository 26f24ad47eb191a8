"""The benchmarks run and write what they promise; how fast anything is, is not tested."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.bench import bare, peers, storage
from tests.bench.__main__ import _FIGURES, main
from tests.bench.plan import RAM, Plan, ram_folder
from tests.bench.timing import Sample, ratio

TINK = find_spec("tink") is not None
MEASURED = {"name", "ours_us", "baseline_us", "baseline", "ratio", "rounds", "spread"}

with ram_folder() as _ram:
    PLACES = ("", RAM) if _ram else ("",)

BY_SIZE = {
    *(f"{duty}.sqlite{place}" for duty in ("record", "erase") for place in PLACES),
    *(f"record.sqlite{side}.cpu{place}" for side in ("", ".store") for place in PLACES),
    "ask.sqlite",
    "ask.sqlite.again",
}
GROWTH = {"growth.ask", *(f"growth.{d}{place}" for d in ("record", "erase") for place in PLACES)}
ONE_SIZE = {
    *(f"record.batch1000.sqlite{side}{place}" for side in ("", ".store") for place in PLACES),
    *(f"group.sqlite{side}{place}" for side in ("", ".keeper") for place in PLACES),
    *(f"record.postgres{place}" for place in PLACES),
    "ask.postgres",
    "waking.1m",
    "audience.100k",
    "verify",
    "verify.short",
    *(f"{duty}.gdprkit{place}" for duty in ("record", "erase", "expire") for place in PLACES),
    "check.gdprkit",
}
VALUES = {
    *(name for name in _FIGURES["sealing"] if name.startswith("overhead")),
    *(f"bytes.{what}{bare}" for what in ("person", "entry") for bare in ("", ".bare")),
}
EVERYTHING = {
    "decide",
    "decide.casbin",
    "fold20",
    *(figure for figure in _FIGURES["sealing"] if TINK or not figure.endswith("tink")),
    *(f"{figure}.{people}" for figure in BY_SIZE for people in (30, 60)),
    *GROWTH,
    *ONE_SIZE,
    *(name for name in VALUES if TINK or not name.endswith("tink")),
}
SMALL = ("--people", "30", "--shrink", "1000")


@pytest.fixture(autouse=True)
def only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the other libraries out, whether they are installed or not."""
    monkeypatch.setattr(peers, "_SIDES", {"gdprkit": "with_gdprkit"})


def figures(file: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    """Run the benchmarks and return the written figures by name."""
    assert main([*arguments, "--rounds", "2", "--json", str(file)]) == 0
    found = json.loads(file.read_text(encoding="utf-8"))
    return {figure["name"]: figure for figure in found}


def test_two_sizes_give_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pins the names and the shape of all figures, and that the table shows each of them."""
    found = figures(tmp_path / "f.json", *SMALL, "--people", "60")
    # where there is no Linux, nobody tells how much memory was in use
    memory = found.pop("audience.100k.memory", None)
    assert memory is None or memory["unit"] == "MB"
    assert found.keys() == EVERYTHING
    values = {name: found.pop(name) for name in EVERYTHING & VALUES}
    assert values["overhead"]["value"] == 50
    assert all(figure.keys() == {"name", "value", "unit"} for figure in values.values())
    assert values["bytes.person"]["value"] > values["bytes.person.bare"]["value"] > 0
    for figure in found.values():
        assert figure.keys() - {"people", "cpu_ratio"} == MEASURED
        assert ("cpu_ratio" in figure) == (".cpu" not in figure["name"])
        assert figure["rounds"] == 2
        assert min(figure["ours_us"], figure["baseline_us"], figure["ratio"]) > 0
        assert figure["spread"] >= 0
        assert figure["baseline"]
    shown = capsys.readouterr().out
    assert all(name in shown for name in EVERYTHING)


def test_one_size_has_plain_names(tmp_path: Path) -> None:
    """Pins that a run at one size names no size, tells it as a field, and has no growth."""
    found = figures(tmp_path / "f.json", *SMALL, "record.sqlite", "erase.sqlite", "growth.ask")
    assert found.keys() == {f"{d}.sqlite{place}" for d in ("record", "erase") for place in PLACES}
    assert {figure["people"] for figure in found.values()} == {30}


def test_long_figures_are_for_who_names_them(tmp_path: Path) -> None:
    """Pins that ten million lines are asked by name, against one million and by hand."""
    found = figures(tmp_path / "f.json", *SMALL, "waking.10m", "waking.10m.bare")
    assert {name: figure["people"] for name, figure in found.items()} == {
        "waking.10m": 10_000,
        "waking.10m.bare": 10_000,
    }
    assert "1000 lines" in found["waking.10m"]["baseline"]


def test_who_is_not_installed_is_left_out_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pins that a library that is not there is named, and the run goes on without it."""
    monkeypatch.setitem(peers._SIDES, "effaced", "with_nothing")
    found = figures(tmp_path / "f.json", *SMALL, "record.effaced", "check.gdprkit")
    assert found.keys() == {"check.gdprkit"}
    assert "effaced is not installed" in capsys.readouterr().err


def test_one_figure_can_be_asked_for(tmp_path: Path) -> None:
    """Pins that the name of a figure, without a size, picks that figure alone."""
    assert figures(tmp_path / "f.json", "index").keys() == {"index"}


def test_a_bench_that_shares_its_name_with_a_figure_is_run_whole(tmp_path: Path) -> None:
    """Pins that ``decide`` means the bench: all three figures."""
    found = figures(tmp_path / "f.json", "decide")
    assert found.keys() == {"decide", "decide.casbin", "fold20"}


@pytest.mark.parametrize(
    "arguments", [["no-such"], ["--people", "0"], ["storage", "--people", "5"]]
)
def test_a_wrong_call_is_a_usage_error(arguments: list[str]) -> None:
    """Pins exit code 2 for an unknown name, nobody, and too few people for the rounds."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2


def test_a_baseline_that_does_less_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pins that the run fails when the hand-written side leaves a row out."""
    monkeypatch.setattr(bare, "_SHRED", bare._SHRED[:-1])
    with pytest.raises(AssertionError, match="differ in key"):
        storage.bench_storage(_plan(tmp_path, "erase.sqlite"))


def test_a_side_that_does_less_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pins that the run fails when a side of the comparison of libraries leaves somebody there."""
    monkeypatch.setattr(peers, "_BOOT", peers._BOOT.replace("main(*", _FORGETFUL + "main(*"))
    with pytest.raises(AssertionError, match="gdprkit: somebody was not erased"):
        storage.bench_storage(_plan(tmp_path, "erase.gdprkit"))


_FORGETFUL = """
from tests.bench.beside import with_gdprkit
with_gdprkit._Gdprkit.erase = lambda self, number: None
"""


def _plan(folder: Path, figure: str) -> Plan:
    return Plan(sizes=(30,), rounds=2, folder=folder, wanted=frozenset({figure}), shrink=1000)


def test_ratios_are_taken_round_by_round() -> None:
    """Pins the median of paired ratios: a slow moment that hits both sides does not count."""
    ours = [Sample(2.0, 1.0), Sample(20.0, 1.0), Sample(2.2, 1.0)]
    hand = [Sample(1.0, 4.0), Sample(10.0, 4.0), Sample(1.0, 4.0)]
    figure = ratio("x", ours, hand, "y")
    assert (figure.ratio, figure.rounds) == (2.0, 3)
    assert figure.cpu_ratio == ratio("x", ours, hand, "y", cpu=True).ratio == 0.25
