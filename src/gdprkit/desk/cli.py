"""The command line. Data goes to standard output, talk to standard error.

Exit codes: 0 fine, 1 failed, 2 usage or configuration, 3 something needs attention, 4 a broken
chain. With ``--json`` standard
output holds one JSON object also where the command fails.
"""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import attrs
import click
from rich.console import Console

from gdprkit.desk.demo import LEAST, PEOPLE, prepare_folder, run_demo
from gdprkit.desk.keys_cli import keys
from gdprkit.desk.screen import Bars, show_claim, show_result
from gdprkit.desk.store_cli import store
from gdprkit.desk.trail_cli import trail
from gdprkit.errors import GdprkitError, RegisterInvalid, ScenariosInvalid
from gdprkit.register.register import Register
from gdprkit.testing.scenarios import run_scenarios

__all__ = ["cli"]

_FAILED: Final = 1
_USAGE: Final = 2


class _Group(click.Group):
    """Says errors of the library in one line, and ends with the code for configuration."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except GdprkitError as error:
            click.echo(f"gdprkit: {error}", err=True)
            ctx.exit(_USAGE)


def _version() -> str:
    try:
        return version("gdprkit")
    except PackageNotFoundError:
        return "(not installed; running from its source)"


def _number(count: int, noun: str) -> str:
    """Return a count with its noun: no problems, 1 problem, 2 problems."""
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


def _print_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 -- click's own call
    if wanted and not ctx.resilient_parsing:
        click.echo(f"gdprkit {_version()}")
        ctx.exit()


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: gdprkit demo · gdprkit register check register.toml · "
    "gdprkit scenarios FILE · gdprkit trail verify people.db",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Keep GDPR records a controller can prove."""


@cli.command(epilog="Example: gdprkit demo --people 5000 --out papers")
@click.option(
    "--people",
    type=click.IntRange(min=LEAST),
    default=PEOPLE,
    show_default=True,
    help="Rows of contacts.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("gdprkit-demo"),
    show_default=True,
    help="Folder for the store and the papers: new, empty, or an earlier demo's.",
)
@click.pass_context
def demo(ctx: click.Context, people: int, out: Path) -> None:
    """Take a file of fictional contacts through the whole life of a register.

    Imports, tells, decides, ends connections, moves, archives and erases by plan, answers a
    request, proves an erasure and verifies the chain, in one SQLite file. Every claim is checked
    before it is printed; the exit code is 0 only if all of them hold.
    """
    prepare_folder(out)
    console = Console()
    result = run_demo(out, Bars(), people=people, tell=lambda claim: show_claim(console, claim))
    console.print()
    show_result(console, result)
    click.echo(f"the papers are in {out}", err=True)
    if not result.ok:
        ctx.exit(_FAILED)


@cli.group()
def register() -> None:
    """Look at a declared register."""


@register.command(epilog="Example: gdprkit register check register.toml --json")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(ctx: click.Context, file: Path, *, as_json: bool) -> None:
    """List the mistakes of a register, each with its path; exit 2 if there are any."""
    problems: tuple[str, ...] = ()
    try:
        Register.load(file)
    except RegisterInvalid as invalid:
        problems = invalid.problems
    if as_json:
        body = {"file": str(file), "ok": not problems, "problems": problems}
        click.echo(json.dumps(body, ensure_ascii=False, indent=2))
    else:
        lines = [f"{file}: {_number(len(problems), 'problem')}", *(f"  {p}" for p in problems)]
        click.echo("\n".join(lines))
    ctx.exit(_USAGE if problems else 0)


@cli.command(epilog="Example: gdprkit scenarios docs/examples/scenarios")
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def scenarios(ctx: click.Context, files: tuple[Path, ...], *, as_json: bool) -> None:
    """Run scenario files: lives, questions and the answers expected of the policies.

    A folder stands for every file in it. Exit 1 if an answer differs, 2 if a file has mistakes.
    """
    try:
        report = run_scenarios(*files)
    except ScenariosInvalid as invalid:
        if as_json:
            body: dict[str, Any] = {"ok": False, "problems": invalid.problems}
            click.echo(json.dumps(body, ensure_ascii=False, indent=2))
        else:
            click.echo(f"gdprkit: {invalid}", err=True)
        ctx.exit(_USAGE)
    if as_json:
        body = {
            "ok": not report.failed,
            "passed": report.passed,
            "failed": report.failed,
            "failures": [attrs.asdict(failure) for failure in report.failures],
        }
        click.echo(json.dumps(body, ensure_ascii=False, indent=2))
    else:
        for failure in report.failures:
            click.echo(failure, err=True)
        click.echo(f"{report.passed} passed, {report.failed} failed")
    ctx.exit(_FAILED if report.failed else 0)


cli.add_command(keys)
cli.add_command(store)
cli.add_command(trail)
