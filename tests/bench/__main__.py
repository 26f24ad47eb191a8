"""``python -m tests.bench``: measure, show a table, write the figures as JSON.

    python -m tests.bench [NAME…] [--json FILE] [--people N] [--rounds N] [--long]
                          [--peers PYTHON] [--shrink N]

NAME is a bench (``decide``, ``sealing``, ``storage``) or a figure (``record.sqlite``,
``growth.ask``); without one all are measured, but for the long ones. A figure that waits for the
disk is given a second time with ``.ram`` behind its name, measured on a file system in memory. The
table goes to standard output, talk to standard error. Exit code 2 for a name that is none.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
from tests.bench import storage
from tests.bench.decide import bench_decide
from tests.bench.plan import RAM, Plan, ram_folder
from tests.bench.sealing import bench_sealing
from tests.bench.timing import Figure

__all__ = ["main"]

_SIZES: Final = (1_000, 10_000)
_LONG_SIZES: Final = (1_000, 100_000)
_ROUNDS: Final = 31
_PER_JOB: Final = 200  # a job that touches no disk does its duty so often

_SEALING: Final = (
    "seal.single",
    "open.single",
    "seal.batch20",
    "open.batch20",
    "seal.bulk.cold",
    "seal.bulk.warm",
)

_FIGURES: Final[Mapping[str, tuple[str, ...]]] = {
    "decide": ("decide", "decide.casbin", "fold20"),
    "sealing": (
        *_SEALING,
        "seal.batch20.naive",
        "index",
        "overhead",
        *(f"{name}.{peer}" for peer in ("fernet", "tink") for name in (*_SEALING, "overhead")),
    ),
    "storage": storage.FIGURES,
}
"""Bench -> its figures; some of ``storage`` carry their size behind them when two are measured."""

_BENCHES: Final[Mapping[str, Callable[[Plan], list[Figure]]]] = {
    "decide": lambda plan: bench_decide(plan.folder, plan.rounds, _PER_JOB),
    "sealing": lambda plan: bench_sealing(plan.folder, plan.rounds, plan.wanted),
    "storage": storage.bench_storage,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what *arguments* name; return the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    known = {*_FIGURES, *(name for names in _FIGURES.values() for name in names)}
    for name in asked.names:
        if name not in known:
            parser.error(f"no bench or figure is called {name!r}; there are: {_listing()}")
    sizes = tuple(sorted(set(asked.people or (_LONG_SIZES if asked.long else _SIZES))))
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="gdprkit-bench-") as folder, ram_folder() as ram:
        plan = Plan(
            sizes=sizes,
            rounds=asked.rounds,
            folder=Path(folder),
            ram=ram,
            shrink=asked.shrink,
            peers=asked.peers,
        )
        for bench, run in _BENCHES.items():
            wanted = _wanted(bench, asked.names, long=asked.long)
            if not wanted:
                continue
            sys.stderr.write(f"{bench}: {asked.rounds} rounds …\n")
            try:
                measured = run(attrs.evolve(plan, wanted=frozenset(wanted)))
            except ValueError as error:
                parser.error(str(error))
            figures.extend(f for f in measured if _plain_name(f.name, sizes) in wanted)
    sys.stdout.write(_table(figures))
    if asked.json is not None:
        text = json.dumps([figure.plain() for figure in figures], ensure_ascii=False, indent=2)
        asked.json.write_text(text + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure gdprkit against named baselines in the same run.",
        epilog=f"Benches and figures: {_listing()}",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a bench or a figure; all if none")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument(
        "--people",
        type=_positive,
        action="append",
        metavar="N",
        help="people in the register; may be repeated; 1000 and 10000 if not given",
    )
    parser.add_argument(
        "--long",
        action="store_true",
        help=f"1000 and 100000 people, and {', '.join(storage.LONG)}: an hour, gigabytes of disk",
    )
    parser.add_argument(
        "--peers",
        default=sys.executable,
        metavar="PYTHON",
        help="the interpreter of an environment with the extra bench-peers; this one if not given",
    )
    parser.add_argument(
        "--shrink",
        type=_positive,
        default=1,
        metavar="N",
        help="divide thousands and millions by N, to try the bench out; such figures say nothing",
    )
    parser.add_argument(
        "--rounds", type=_positive, default=_ROUNDS, metavar="N", help=f"{_ROUNDS} if not given"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _listing() -> str:
    return "; ".join(f"{bench} ({', '.join(names)})" for bench, names in _FIGURES.items())


def _wanted(bench: str, names: Sequence[str], *, long: bool) -> set[str]:
    """Return the figures of a bench *names* ask for; ``decide`` is bench and figure."""
    figures = set(_FIGURES[bench])
    named = figures & set(names)
    whole = not names or bench in names
    return named | (figures if long else figures - set(storage.LONG)) if whole else named


def _plain_name(name: str, sizes: Sequence[int]) -> str:
    """Return a figure's name without size and place behind it."""
    for people in sizes:
        name = name.removesuffix(f".{people}")
    return name.removesuffix(RAM)


def _table(figures: Sequence[Figure]) -> str:
    rows: list[tuple[str, ...]] = [
        ("figure", "ours", "baseline", "ratio", "spread", "cpu", "rounds")
    ]
    for f in figures:
        if f.value is not None:
            rows.append((f.name, f"{f.value:g} {f.unit}", *[""] * 5))
        else:
            rows.append(
                (
                    f.name,
                    f"{f.ours_us:,.1f} us",
                    f"{f.baseline_us:,.1f} us",
                    f"{f.ratio:.2f}",
                    f"{f.spread:.2f}",
                    "" if f.cpu_ratio is None else f"{f.cpu_ratio:.2f}",
                    str(f.rounds),
                )
            )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        row[0].ljust(widths[0])
        + "".join(f"  {cell.rjust(width)}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
    alike: dict[str, dict[str, None]] = {}
    for f in figures:
        if f.baseline:
            alike.setdefault(f.baseline, {})[_short(f.name)] = None
    words = [f"{', '.join(names)}: {baseline}" for baseline, names in alike.items()]
    notes = [
        "",
        "ratio = ours / baseline, smaller is better; cpu = the same ratio of CPU times;",
        "of sealing and of group.sqlite baseline / ours, bigger is better;",
        "baselines:",
        *words,
    ]
    return "\n".join([*(line.rstrip() for line in lines), *(notes if words else ())]) + "\n"


def _short(name: str) -> str:
    head, _, tail = name.rpartition(".")
    return (head if tail.isdigit() else name).removesuffix(RAM)


if __name__ == "__main__":
    raise SystemExit(main())
