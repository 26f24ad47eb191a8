"""What the commands of the trail share: options, opening a store, and how an outcome is told.

Always true: exit code 4 whenever something is not what was written or not what was signed; with
``--json`` standard output holds one JSON object also where a command fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import click

from gdprkit.errors import ChainBroken, CheckpointInvalid, GdprkitError, InvalidValue
from gdprkit.storage import SqliteStore

__all__ = [
    "BROKEN",
    "FILE",
    "USAGE",
    "Told",
    "common",
    "counted",
    "print_json",
    "store_at",
    "tell",
]

F = TypeVar("F", bound=Callable[..., Any] | click.Command)

USAGE: Final = 2
BROKEN: Final = 4

FILE: Final = click.Path(path_type=Path)


def common(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Add options to a command, in the order given."""
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)


store_argument: Final = click.argument("store", type=FILE)
tenant_option: Final = click.option(
    "--tenant", default="main", show_default=True, help="Whose lines."
)
json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
public_option: Final = click.option(
    "--public-key",
    "public_keys",
    type=FILE,
    multiple=True,
    help="File of public keys; may be given several times.",
)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: 1 finding, 2 findings."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


@contextmanager
def store_at(store: Path, tenant: str) -> Iterator[SqliteStore]:
    """Open a store that is there; a missing or an empty file would become a new one.

    Raises:
        GdprkitError: the file is no store, or the store does not work.
    """
    if not store.is_file():
        raise InvalidValue("STORE", "is no file", "name a store that is there")
    if not store.stat().st_size:
        raise InvalidValue("STORE", "is an empty file", "name a store")
    with SqliteStore(store, tenant=tenant) as opened:
        yield opened


def print_json(body: Mapping[str, Any]) -> None:
    """Print one JSON object to standard output."""
    click.echo(json.dumps(body, ensure_ascii=False, indent=2))


Told: TypeAlias = tuple[dict[str, Any], list[str], Iterable[str]]
"""What a command has to say: a body for JSON, lines to print, and what is broken."""


def tell(ctx: click.Context, work: Callable[[], Told], *, as_json: bool) -> None:
    """Do *work*, print what came of it, and exit with its code."""
    body: dict[str, Any] = {}
    lines: list[str] = []
    broken: tuple[str, ...] = ()
    error = None
    try:
        body, lines, found = work()
        broken = tuple(found)
    except (ChainBroken, CheckpointInvalid) as raised:
        broken = (str(raised),)
    except GdprkitError as raised:
        error = str(raised)
    if as_json:
        print_json({"ok": not (error or broken), "error": error, **body, "broken": broken})
    elif error:
        click.echo(f"gdprkit: {error}", err=True)
    else:
        click.echo("\n".join([*lines, *(f"broken: {told}" for told in broken)]))
        if broken:
            click.echo(counted(len(broken), "finding"))
    ctx.exit(USAGE if error else BROKEN if broken else 0)
