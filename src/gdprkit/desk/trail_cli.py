"""``gdprkit trail``: verify the lines of a store, sign what they are, and prove it elsewhere.

Decides what the commands do in which order and what they print. Leaves out how anything is verified
(``trail_chains``, ``trail``, ``trail_checkpoint``) and what is given away (``trail_export_cli``).

Always true: exit code 4 whenever something is not what was written or not what was signed, and then
nothing is signed and no file is written; with ``--json`` standard output holds one JSON object also
where a command fails.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs
import click

from gdprkit.desk.screen import Bars
from gdprkit.desk.trail import count_lines, strays, tenants, verify_trail
from gdprkit.desk.trail_chains import TrailReport
from gdprkit.desk.trail_checkpoint import (
    check_checkpoints,
    default_folder,
    hold_against,
    make_checkpoint,
)
from gdprkit.desk.trail_export_cli import export, prove, verify_export
from gdprkit.desk.trail_files import Header, write_new
from gdprkit.desk.trail_shown import (
    BROKEN,
    FILE,
    USAGE,
    Told,
    common,
    counted,
    json_option,
    print_json,
    public_option,
    store_argument,
    store_at,
    tell,
    tenant_option,
)
from gdprkit.errors import GdprkitError, InvalidValue
from gdprkit.keeper.clock import system_clock
from gdprkit.sealing.signing import SigningKey, read_public_keys

__all__ = ["trail"]

#: Kind of leaf -> what several of them are called.
_NOUNS: Final = {
    "line": "lines",
    "expunged": "expunged",
    "tombstone": "tombstones",
    "suppression": "suppressions",
}


@click.group()
def trail() -> None:
    """Verify the lines of a store, sign them, and prove them elsewhere."""


@trail.command(epilog="Example: gdprkit trail verify people.db --public-key signing.key.pub")
@common(store_argument, tenant_option)
@click.option(
    "--checkpoint",
    "places",
    type=FILE,
    multiple=True,
    help="Checkpoint, or a folder of them; may be given several times.",
)
@public_option
@click.option("--deep", is_flag=True, help="Read every entry, and compare standings and values.")
@json_option
@click.pass_context
def verify(
    ctx: click.Context,
    store: Path,
    tenant: str,
    places: tuple[Path, ...],
    public_keys: tuple[Path, ...],
    *,
    deep: bool,
    as_json: bool,
) -> None:
    """Verify every line of a SQLite store; no secret key is needed.

    With public keys the store is held against checkpoints as well: those given, or all in the
    folder beside the store. Exit 4 if anything is broken, 2 if the file is no store or holds no
    line of the tenant.
    """
    found, error = TrailReport(), None
    seen: list[int] = []
    try:
        found, seen = _verified(store, tenant, places, public_keys, deep=deep)
        if not (found.lines or found.broken or seen):
            held = ", ".join(tenants(store)) or "no lines at all"
            error = f"no lines of tenant {tenant}; the file holds: {held}"
    except GdprkitError as raised:
        error = str(raised)
    if as_json:
        print_json(
            {
                "store": str(store),
                "tenant": tenant,
                "ok": not (error or found.broken),
                "error": error,
                "checkpoints": seen,
                "deep": deep,
                "lines": found.lines,
                "entries": found.entries,
                "values": found.values,
                "broken": found.broken,
            }
        )
    elif error:
        click.echo(f"gdprkit: {error}", err=True)
    else:
        values = f", {found.values} sealed values" if deep else ""
        click.echo(f"{found.lines} lines, {found.entries} entries{values}")
        if seen:
            click.echo(f"held against {counted(len(seen), 'checkpoint')}, the newest {seen[-1]}")
        for problem in found.broken:
            click.echo(f"broken: {problem}")
        if not public_keys and default_folder(store).is_dir():
            click.echo("checkpoints are beside the store: --public-key holds it to them", err=True)
        noun = "finding" if public_keys else "line"
        broken = f"{counted(len(found.broken), noun)}{'' if public_keys else ' broken'}"
        click.echo(broken if found.broken else "chain intact")
    ctx.exit(USAGE if error else BROKEN if found.broken else 0)


def _verified(
    store: Path,
    tenant: str,
    places: tuple[Path, ...],
    public_keys: tuple[Path, ...],
    *,
    deep: bool,
) -> tuple[TrailReport, list[int]]:
    """Verify a store; return what was found and the numbers of the checkpoints it was held to.

    Raises:
        GdprkitError: a file is not what it should be, or the store does not work.
    """
    if places and not public_keys:
        raise InvalidValue("--public-key", "is missing", "a checkpoint says nothing without it")
    keys = read_public_keys(*public_keys)
    with store_at(store, tenant) as opened:
        believed: list[tuple[Path, Header]] = []
        wrong: list[str] = []
        if public_keys:
            with Bars().step("checking checkpoints") as advance:
                wanted = places or (default_folder(store),)
                believed, wrong = check_checkpoints(wanted, tenant, keys, advance)
            if not (believed or wrong):
                problem = "are nowhere in " + ", ".join(map(str, wanted))
                raise InvalidValue("checkpoints", problem, "name them with --checkpoint")
        total = count_lines(store, tenant)
        with Bars().step("verifying", total) as advance:
            found = hold_against(opened, believed, progress=advance)
        broken = [*wrong, *found.broken, *strays(store, tenant)]
        if deep:
            with Bars().step("reading entries and values", total) as advance:
                more = verify_trail(opened, store, progress=advance)
            broken.extend(more.broken)
            found = attrs.evolve(found, values=more.values)
    report = attrs.evolve(found, broken=tuple(dict.fromkeys(broken)))
    return report, [header.statement.number for _, header in believed]


@trail.command("key", epilog="Example: gdprkit trail key signing.key")
@click.argument("file", type=FILE)
def key_(file: Path) -> None:
    """Make a key that signs checkpoints, and its public key in FILE.pub.

    A new key takes the place of an old one by being used; the old public key goes on to be given.
    """
    public = file.with_name(f"{file.name}.pub")
    if public.exists():
        raise InvalidValue("FILE", f"has its public key {public} already", "name a new one")
    made = SigningKey.create(file)
    try:
        write_new(public, [made.public.text.encode().rstrip()])
    except GdprkitError:
        file.unlink()  # it has signed nothing
        raise
    click.echo(f"{made.public.key_id}: signs by {file}, is checked by {public}")


@trail.command(epilog="Example: gdprkit trail checkpoint people.db --key signing.key")
@common(store_argument, tenant_option)
@click.option("--key", required=True, type=FILE, help="File of the key that signs.")
@click.option(
    "--out", type=FILE, help="New file; in the folder STORE.checkpoints, numbered, when absent."
)
@public_option
@json_option
@click.pass_context
def checkpoint(
    ctx: click.Context,
    store: Path,
    tenant: str,
    key: Path,
    out: Path | None,
    public_keys: tuple[Path, ...],
    *,
    as_json: bool,
) -> None:
    """Verify a store and sign what it is, behind the newest checkpoint in the same folder.

    Public keys are needed only for checkpoints that a former key has signed. Exit 4 if the store
    does not verify or is not what the checkpoint before saw: then nothing is signed.
    """

    def work() -> Told:
        signing = SigningKey.from_file(key)
        keys = {**read_public_keys(*public_keys), signing.public.key_id: signing.public}
        with store_at(store, tenant) as opened:
            folder = default_folder(store) if out is None else out.parent
            if out is None:
                folder.mkdir(mode=0o700, exist_ok=True)
            stray = tuple(strays(store, tenant))
            if stray:
                return {"checkpoint": None}, ["nothing was signed"], stray
            with Bars().step("verifying", count_lines(store, tenant)) as advance:
                made = make_checkpoint(
                    opened,
                    signing,
                    at=system_clock(),
                    folder=folder,
                    name=None if out is None else out.name,
                    keys=keys,
                    progress=advance,
                )
        if made.statement is None:
            return {"checkpoint": None}, ["nothing was signed"], made.report.broken
        number, trees = made.statement.number, made.statement.sections
        held = {kind: section.count for kind, section in trees.items()}
        body = {"checkpoint": str(made.path), "number": number, "key": signing.public.key_id}
        counts = ", ".join(f"{held[kind]} {noun}" for kind, noun in _NOUNS.items())
        told = f"checkpoint {number}: {counts}; signed by {signing.public.key_id}"
        return {**body, "leaves": held}, [told, str(made.path)], ()

    tell(ctx, work, as_json=as_json)


for _command in (export, prove, verify_export):
    trail.add_command(_command)
