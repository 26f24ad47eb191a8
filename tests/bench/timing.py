"""How a figure is measured: interleaved rounds, paired ratios, their median and spread.

Every round runs every case once, in random order, with the garbage collector off; what a case needs
is prepared outside the timed part. A ratio is taken inside each round, so that what slows the whole
machine for a while cancels; the median over the rounds is reported. The first round warms up and is
not counted.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from statistics import median, quantiles
from typing import Any, Final, TypeAlias

import attrs

__all__ = [
    "Case",
    "Figure",
    "Job",
    "Sample",
    "Samples",
    "jobs_needed",
    "measure",
    "ratio",
    "speed",
    "value",
]

Job: TypeAlias = Callable[[], object]
_WARM_UP: Final = 1
_SEED: Final = 20261  # the order of cases is random and the same in every run


@attrs.frozen(kw_only=True)
class Case:
    """One way of doing a duty.

    Args:
        name: Names it in the samples.
        items: How many times one job does the duty.
        prepare: Makes the job of one round; not timed.
    """

    name: str
    items: int
    prepare: Callable[[], Job]


@attrs.frozen
class Sample:
    """One round of one case: seconds per item on the wall clock, and of this process's CPU."""

    wall: float
    cpu: float


Samples: TypeAlias = Mapping[str, Sequence[Sample]]


@attrs.frozen(kw_only=True)
class Figure:
    """One measured figure.

    Args:
        name: Stable name.
        ours_us: Median of ours, microseconds per item.
        baseline_us: Median of the baseline, the same.
        baseline: What the baseline is.
        ratio: Median of ours / baseline, taken round by round: bigger is slower. For figures of
            ``speed`` of baseline / ours: smaller is slower.
        rounds: How many rounds were counted.
        spread: Distance between the quartiles of those ratios.
        cpu_ratio: The same ratio of the CPU times of this process, for a figure of wall times: what
            others do on the machine meanwhile counts less there, and so does waiting.
        people: People in the register.
        value: For a figure without baseline: the value itself.
        unit: Unit of *value*.
    """

    name: str
    ours_us: float | None = None
    baseline_us: float | None = None
    baseline: str | None = None
    ratio: float | None = None
    rounds: int | None = None
    spread: float | None = None
    cpu_ratio: float | None = None
    people: int | None = None
    value: float | None = None
    unit: str | None = None

    def plain(self) -> dict[str, Any]:
        """Return what is known, ready for JSON."""
        return {k: v for k, v in attrs.asdict(self).items() if v is not None}


def measure(cases: Sequence[Case], rounds: int) -> Samples:
    """Run all *cases* in *rounds* counted rounds and return the samples of each."""
    samples: dict[str, list[Sample]] = {case.name: [] for case in cases}
    order, shuffle = list(cases), Random(_SEED).shuffle
    for number in range(_WARM_UP + rounds):
        shuffle(order)
        for case in order:
            sample = _run(case)
            if number >= _WARM_UP:
                samples[case.name].append(sample)
    return samples


def jobs_needed(rounds: int) -> int:
    """Return how often ``measure`` prepares each case."""
    return _WARM_UP + rounds


def _run(case: Case) -> Sample:
    job = case.prepare()
    gc.collect()
    gc.disable()
    try:
        cpu, wall = time.process_time(), time.perf_counter()
        job()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    finally:
        gc.enable()
    return Sample(wall / case.items, cpu / case.items)


def ratio(
    name: str,
    ours: Sequence[Sample],
    baseline: Sequence[Sample],
    words: str,
    *,
    people: int | None = None,
    cpu: bool = False,
) -> Figure:
    """Return the figure of *ours* against *baseline*, round by round; *cpu* takes CPU time."""
    pick: Callable[[Sample], float] = (lambda s: s.cpu) if cpu else (lambda s: s.wall)
    a, b = [pick(s) for s in ours], [pick(s) for s in baseline]
    paired = [x / y for x, y in zip(a, b, strict=True)]
    by_cpu = [x.cpu / y.cpu for x, y in zip(ours, baseline, strict=True) if y.cpu]
    low, _, high = quantiles(paired, n=4) if len(paired) > 1 else (paired[0],) * 3
    return Figure(
        name=name,
        ours_us=round(median(a) * 1e6, 3),
        baseline_us=round(median(b) * 1e6, 3),
        baseline=words,
        ratio=round(median(paired), 3),
        rounds=len(paired),
        spread=round(high - low, 3),
        cpu_ratio=None if cpu or not by_cpu else round(median(by_cpu), 3),
        people=people,
    )


def speed(name: str, ours: Sequence[Sample], baseline: Sequence[Sample], words: str) -> Figure:
    """Return the figure whose ratio is baseline / ours: smaller is slower, 1 is as fast."""
    turned = ratio(name, baseline, ours, words)
    return attrs.evolve(turned, ours_us=turned.baseline_us, baseline_us=turned.ours_us)


def value(name: str, amount: float, unit: str) -> Figure:
    """Return a figure that has no baseline."""
    return Figure(name=name, value=amount, unit=unit)
