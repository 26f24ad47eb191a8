"""Figures of other libraries, and of ours beside them, against the same duty in bare ``sqlite3``.

Each side is a process of its own (``beside``), as they do not get on in one: one configures Django,
one brings a package called ``tests``. The rounds interleave all the same: each side does one job of
each duty in each round, in random order, one after the other, and tells its own time. At the end
every side is asked whether its people are erased and its consents there. Who is not installed is
left out, in words.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

import attrs
from tests.bench.beside.by_hand import WORDS
from tests.bench.beside.child import DUTIES
from tests.bench.plan import Plan
from tests.bench.timing import Figure, Sample, jobs_needed, ratio

import gdprkit

__all__ = ["FIGURES", "bench_peers"]

_PER_JOB: Final = 10
_SEED: Final = 3
_HAND: Final = "by_hand"

#: Name in the figures -> module.
_SIDES: Final = {
    "gdprkit": "with_gdprkit",
    "effaced": "with_effaced",
    "dpdpkit": "with_dpdpkit",
    "django-gdpr": "with_django_gdpr",
}
_DURABLE: Final = "; a commit for each person, WAL, synchronous=FULL"
_ABSENT: Final = {("expire", "effaced")}  # it has no such duty

FIGURES: Final = tuple(
    f"{duty}.{name}" for name in _SIDES for duty in DUTIES if (duty, name) not in _ABSENT
)

# the name `tests` is taken before another package can take it
_BOOT: Final = """
import sys, types
package = types.ModuleType("tests")
package.__path__ = [sys.argv[1]]
sys.modules["tests"] = package
from tests.bench.beside.child import main
main(*sys.argv[2:])
"""
_TESTS: Final = Path(__file__).parents[1]
_SOURCE: Final = Path(gdprkit.__file__).parents[1]


@attrs.frozen
class _Child:
    """A side that runs, what it can, and what it is."""

    process: subprocess.Popen[str]
    duties: Sequence[str]
    versions: str

    def ask(self, **what: object) -> dict[str, Any]:
        """Let it do something and return what it tells."""
        if self.process.stdin is None:
            raise AssertionError("a side has no input")
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return _told(self.process)


def bench_peers(plan: Plan) -> list[Figure]:
    """Measure whoever is installed."""
    wanted = [name for name in _SIDES if any(f".{name}" in figure for figure in plan.wanted)]
    return [
        figure
        for suffix, folder in plan.places("peers")
        for figure in _measured(plan, suffix, folder, wanted)
    ]


def _measured(plan: Plan, suffix: str, folder: Path, wanted: Sequence[str]) -> Iterator[Figure]:
    per_job = min(plan.many(_PER_JOB * 100) // 100 or 1, _PER_JOB)
    jobs = jobs_needed(plan.rounds)
    with ExitStack() as stack:
        children: dict[str, _Child] = {}
        for name in (_HAND, *wanted):
            python = sys.executable if name in (_HAND, "gdprkit") else plan.peers
            place = folder / name
            place.mkdir()
            given = (_SIDES.get(name, name), str(place), str(per_job), str(jobs))
            if child := stack.enter_context(_child(python or sys.executable, given)):
                children[name] = child
                sys.stderr.write(f"peers: {child.versions}\n")
            elif not suffix:
                sys.stderr.write(f"peers: {name} is not installed, its figures are left out\n")
        samples = _rounds(children, jobs)
        for name, child in children.items():
            if problem := child.ask(duty="end")["problem"]:
                raise AssertionError(f"{name}: {problem}")
    for (name, duty), ours in samples.items():
        if name == _HAND or (suffix and duty == "check"):
            continue
        hand = samples[_HAND, duty]
        words = f"bare sqlite3: {WORDS[duty]}{_DURABLE}; beside it {children[name].versions}"
        yield ratio(f"{duty}.{name}{suffix}", ours, hand, words)


def _rounds(children: dict[str, _Child], jobs: int) -> dict[tuple[str, str], list[Sample]]:
    order = [(name, duty) for name, child in children.items() for duty in child.duties]
    samples: dict[tuple[str, str], list[Sample]] = {which: [] for which in order}
    shuffle, warm_up = Random(_SEED).shuffle, jobs_needed(0)
    for job in range(jobs):
        mixed = list(order)
        shuffle(mixed)
        for name, duty in mixed:
            told = children[name].ask(duty=duty, job=job)
            if job >= warm_up:
                samples[name, duty].append(Sample(told["wall"], told["cpu"]))
    return samples


@contextmanager
def _child(python: str, given: Sequence[str]) -> Iterator[_Child | None]:
    """Run a side, or lend None where its library is not installed."""
    path = os.pathsep.join(filter(None, (str(_SOURCE), os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(
        [python, "-c", _BOOT, str(_TESTS), *given],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    try:
        told = _told(process)
        if "absent" in told:
            yield None
        else:
            yield _Child(process, told["duties"], told["versions"])
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.wait(timeout=60)
        if process.stdout is not None:
            process.stdout.close()


def _told(process: subprocess.Popen[str]) -> dict[str, Any]:
    line = "" if process.stdout is None else process.stdout.readline()
    if not line:
        raise AssertionError("a side ended before its time; its words stand above")
    told: dict[str, Any] = json.loads(line)
    return told
