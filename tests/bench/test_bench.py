"""The benchmarks run and write what they promise; how fast anything is, is not tested."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.bench import bare, storage
from tests.bench.__main__ import _FIGURES, main
from tests.bench.timing import Sample, ratio

TINK = find_spec("tink") is not None
MEASURED = {"name", "ours_us", "baseline_us", "baseline", "ratio", "rounds", "spread"}
EVERYTHING = {
    "decide",
    "decide.casbin",
    "fold20",
    *(figure for figure in _FIGURES["sealing"] if TINK or not figure.endswith("tink")),
    *(f"{d}.sqlite.{n}" for d in ("record", "ask", "erase") for n in (30, 60)),
    *(f"record.sqlite.cpu.{n}" for n in (30, 60)),
    *(f"growth.{d}" for d in ("record", "ask", "erase")),
}


def figures(file: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    """Run the benchmarks and return the written figures by name."""
    assert main([*arguments, "--rounds", "2", "--json", str(file)]) == 0
    found = json.loads(file.read_text(encoding="utf-8"))
    return {figure["name"]: figure for figure in found}


def test_two_sizes_give_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pins the names and the shape of all figures, and that the table shows each of them."""
    found = figures(tmp_path / "f.json", "--people", "30", "--people", "60")
    assert found.keys() == EVERYTHING
    overheads = {name: found.pop(name) for name in EVERYTHING if name.startswith("overhead")}
    assert overheads["overhead"]["value"] == 50
    assert all(figure.keys() == {"name", "value", "unit"} for figure in overheads.values())
    for figure in found.values():
        assert figure.keys() - {"people"} == MEASURED
        assert figure["rounds"] == 2
        assert min(figure["ours_us"], figure["baseline_us"], figure["ratio"]) > 0
        assert figure["spread"] >= 0
        assert figure["baseline"]
    shown = capsys.readouterr().out
    assert all(name in shown for name in EVERYTHING)


def test_one_size_has_plain_names(tmp_path: Path) -> None:
    """Pins that a run at one size names no size, tells it as a field, and has no growth."""
    found = figures(tmp_path / "f.json", "storage", "--people", "30")
    assert found.keys() == {"record.sqlite", "record.sqlite.cpu", "ask.sqlite", "erase.sqlite"}
    assert {figure["people"] for figure in found.values()} == {30}


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
    with pytest.raises(AssertionError, match="differ in term"):
        storage.bench_storage(tmp_path, [30], 2)


def test_ratios_are_taken_round_by_round() -> None:
    """Pins the median of paired ratios: a slow moment that hits both sides does not count."""
    ours = [Sample(2.0, 1.0), Sample(20.0, 1.0), Sample(2.2, 1.0)]
    hand = [Sample(1.0, 4.0), Sample(10.0, 4.0), Sample(1.0, 4.0)]
    figure = ratio("x", ours, hand, "y")
    assert (figure.ratio, figure.rounds) == (2.0, 3)
    assert ratio("x", ours, hand, "y", cpu=True).ratio == 0.25
