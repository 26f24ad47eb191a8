"""The bench ``storage``: which module measures which figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tests.bench import batch, duties, peers, postgres, sizes, waking, walks
from tests.bench.plan import Plan
from tests.bench.timing import Figure

__all__ = ["FIGURES", "LONG", "bench_storage"]

_MEASURES: Final[Mapping[Callable[[Plan], list[Figure]], tuple[str, ...]]] = {
    duties.bench_duties: duties.FIGURES,
    batch.bench_batch: batch.BATCH,
    batch.bench_group: batch.GROUP,
    postgres.bench_postgres: postgres.FIGURES,
    walks.bench_verify: walks.VERIFY,
    sizes.bench_sizes: sizes.FIGURES,
    waking.bench_waking: waking.FIGURES,
    walks.bench_audience: walks.AUDIENCE,
    peers.bench_peers: peers.FIGURES,
}

FIGURES: Final = tuple(name for names in _MEASURES.values() for name in names)
"""All figures; ``.ram`` and a size may stand behind them."""

LONG: Final = (*waking.LONG, *walks.LONG)
"""Those that are measured only when they are named, or with ``--long``."""


def bench_storage(plan: Plan) -> list[Figure]:
    """Measure what is wanted.

    Raises:
        ValueError: there are too few people for that many rounds.
        AssertionError: ours and a baseline did not do the same.
    """
    return [
        figure
        for measured, names in _MEASURES.items()
        if plan.wanted.intersection(names)
        for figure in measured(plan)
    ]
