"""The terminal: progress on standard error, tables on standard output.

Bars are drawn on terminals only; rich honours ``NO_COLOR``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from gdprkit.desk.claims import Claim
from gdprkit.desk.demo import Result
from gdprkit.desk.papers import SEVERAL
from gdprkit.policy.explain import text, texts

__all__ = ["Bars", "show_claim", "show_result"]


class Bars:
    """Tells progress: a bar on a terminal, a line a step elsewhere."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    @contextmanager
    def step(self, title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Begin a step; call what is given with how many more are done."""
        if not self._console.is_terminal:
            self._console.print(f"{title} …", markup=False, highlight=False)
            yield lambda _: None
            return
        columns: tuple[ProgressColumn, ...] = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
        )
        if total is not None:  # of an unknown number no share and no time left can be told
            columns += (MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(title, total=total)
            yield lambda more: progress.advance(task, more)


def show_claim(console: Console, claim: Claim) -> None:
    """Print a claim whose check has run."""
    mark = "[green]ok[/]    " if claim.ok else "[bold red]FAILED[/]"
    detail = f" [dim]({escape(claim.detail)})[/]" if claim.detail else ""
    console.print(f"{mark} {escape(claim.text)}{detail}", highlight=False, soft_wrap=True)


def _in_words(guard: str) -> str:
    """Return what a guard says; an outcome without one has no words."""
    code = guard.rpartition(" ")[2]
    return text(code) if code in texts() else ""


def show_result(console: Console, result: Result) -> None:
    """Print the figures of a run, and how many claims held."""
    for title, figures in result.figures.items():
        if not isinstance(figures, Mapping):
            console.print(f"{escape(title)}: {figures}", highlight=False)
            continue
        guards = title.endswith("guards")
        table = Table(title=title, title_justify="left", show_header=False, box=None)
        if guards:
            table.caption, table.caption_justify = SEVERAL, "left"
        table.add_column(justify="right")
        table.add_column(no_wrap=True)
        table.add_column()
        for name, number in figures.items():
            told = _in_words(str(name)) if guards else ""
            table.add_row(str(number), escape(str(name)), f"[dim]{told}[/]")
        console.print(table)
        console.print()
    failed = [claim for claim in result.claims if not claim.ok]
    held = len(result.claims) - len(failed)
    console.print(f"{held} of {len(result.claims)} claims were checked and hold", highlight=False)
