"""``gdprkit trail``: verify the lines of a store, sign what they are, and prove it elsewhere.

Decides what the commands do in which order and what they print. Leaves out how anything is verified
(``trail_chains``, ``trail``, ``trail_checkpoint``) and the files (``trail_files``).

Always true: exit code 4 whenever something is not what was written or not what was signed, and then
nothing is signed and no file is written; with ``--json`` standard output holds one JSON object also
where a command fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

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
    newest,
)
from gdprkit.desk.trail_export import proof_rows, write_export
from gdprkit.desk.trail_files import CheckedFile, Header, check_file, write_new
from gdprkit.errors import ChainBroken, CheckpointInvalid, GdprkitError, InvalidValue
from gdprkit.keeper.clock import system_clock
from gdprkit.sealing.signing import SigningKey, read_public_keys
from gdprkit.storage import SqliteStore
from gdprkit.words.identifiers import subject_id

__all__ = ["trail"]

F = TypeVar("F", bound=Callable[..., Any] | click.Command)

_USAGE: Final = 2
_BROKEN: Final = 4

#: Kind of leaf -> what several of them are called.
_NOUNS: Final = {
    "line": "lines",
    "expunged": "expunged",
    "tombstone": "tombstones",
    "suppression": "suppressions",
}

_FILE: Final = click.Path(path_type=Path)


@click.group()
def trail() -> None:
    """Verify the lines of a store, sign them, and prove them elsewhere."""


def _common(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Add options to a command, in the order given."""
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)


_store: Final = click.argument("store", type=_FILE)
_tenant: Final = click.option("--tenant", default="main", show_default=True, help="Whose lines.")
_json: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_public: Final = click.option(
    "--public-key",
    "public_keys",
    type=_FILE,
    multiple=True,
    help="File of public keys; may be given several times.",
)
_checkpoint: Final = click.option(
    "--checkpoint", "place", type=_FILE, help="Checkpoint; the newest of the store when absent."
)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


@contextmanager
def _opened(store: Path, tenant: str) -> Iterator[SqliteStore]:
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


def _print_json(body: Mapping[str, Any]) -> None:
    click.echo(json.dumps(body, ensure_ascii=False, indent=2))


Told: TypeAlias = tuple[dict[str, Any], list[str], Iterable[str]]
"""What a command has to say: a body for JSON, lines to print, and what is broken."""


def _tell(ctx: click.Context, work: Callable[[], Told], *, as_json: bool) -> None:
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
        _print_json({"ok": not (error or broken), "error": error, **body, "broken": broken})
    elif error:
        click.echo(f"gdprkit: {error}", err=True)
    else:
        click.echo("\n".join([*lines, *(f"broken: {told}" for told in broken)]))
        if broken:
            click.echo(_number(len(broken), "finding"))
    ctx.exit(_USAGE if error else _BROKEN if broken else 0)


@trail.command(epilog="Example: gdprkit trail verify people.db --public-key signing.key.pub")
@_common(_store, _tenant)
@click.option(
    "--checkpoint",
    "places",
    type=_FILE,
    multiple=True,
    help="Checkpoint, or a folder of them; may be given several times.",
)
@_public
@click.option("--deep", is_flag=True, help="Read every entry, and compare standings and values.")
@_json
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
        _print_json(
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
            click.echo(f"held against {_number(len(seen), 'checkpoint')}, the newest {seen[-1]}")
        for problem in found.broken:
            click.echo(f"broken: {problem}")
        if not public_keys and default_folder(store).is_dir():
            click.echo("checkpoints are beside the store: --public-key holds it to them", err=True)
        noun = "finding" if public_keys else "line"
        broken = f"{_number(len(found.broken), noun)}{'' if public_keys else ' broken'}"
        click.echo(broken if found.broken else "chain intact")
    ctx.exit(_USAGE if error else _BROKEN if found.broken else 0)


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
    with _opened(store, tenant) as opened:
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
@click.argument("file", type=_FILE)
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
@_common(_store, _tenant)
@click.option("--key", required=True, type=_FILE, help="File of the key that signs.")
@click.option(
    "--out", type=_FILE, help="New file; in the folder STORE.checkpoints, numbered, when absent."
)
@_public
@_json
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
        with _opened(store, tenant) as opened:
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

    _tell(ctx, work, as_json=as_json)


def _newest(
    store: Path, tenant: str, place: Path | None, public_keys: tuple[Path, ...]
) -> tuple[Path, Header]:
    """Return the checkpoint to prove by, checked as a whole; without keys not its signature.

    Raises:
        CheckpointInvalid: it cannot be believed.
        InvalidValue: there is none.
    """
    keys = read_public_keys(*public_keys) if public_keys else None
    where = place or default_folder(store)
    found = newest([where], tenant, keys)
    if found is None:
        problem = f"of tenant {tenant} is nowhere in {where}"
        raise InvalidValue("checkpoint", problem, "make one: gdprkit trail checkpoint")
    checked = check_file(found[0], keys)
    if checked.broken:
        raise CheckpointInvalid(str(found[0]), "is not what was signed")
    return found


@trail.command(
    epilog="Example: gdprkit trail export people.db --out people.jsonl --public-key signing.key.pub"
)
@_common(_store, _tenant, _checkpoint, _public)
@click.option("--out", required=True, type=_FILE, help="New file.")
@_json
@click.pass_context
def export(
    ctx: click.Context,
    store: Path,
    tenant: str,
    place: Path | None,
    public_keys: tuple[Path, ...],
    out: Path,
    *,
    as_json: bool,
) -> None:
    """Write all entries as a checkpoint saw them, verifiable without store and library.

    Exit 4 if the store is not what the checkpoint saw: then nothing is written.
    """

    def work() -> Told:
        with _opened(store, tenant) as opened:
            found = _newest(store, tenant, place, public_keys)
            total = count_lines(store, tenant)
            with Bars().step("verifying", total) as advance:
                held = hold_against(opened, [found], progress=advance)
            if held.broken:
                return {"export": None}, ["nothing was written"], held.broken
            with Bars().step("writing", total) as advance:
                write_export(opened, found, out, progress=advance)
        number = found[1].statement.number
        told = f"the store as checkpoint {number} saw it is in {out}"
        return {"export": str(out), "number": number}, [told], ()

    _tell(ctx, work, as_json=as_json)


@trail.command(epilog="Example: gdprkit trail prove people.db PERSON --out proof.jsonl")
@_common(_store)
@click.argument("person")
@_common(_tenant, _checkpoint, _public)
@click.option("--out", required=True, type=_FILE, help="New file.")
@_json
@click.pass_context
def prove(
    ctx: click.Context,
    store: Path,
    person: str,
    tenant: str,
    place: Path | None,
    public_keys: tuple[Path, ...],
    out: Path,
    *,
    as_json: bool,
) -> None:
    """Write the entries of one person with the proof that a checkpoint covers them."""

    def work() -> Told:
        about = subject_id(person)
        with _opened(store, tenant) as opened:
            found = _newest(store, tenant, place, public_keys)
            write_new(out, proof_rows(opened, found, about))
        number = found[1].statement.number
        told = f"the line of {about} as checkpoint {number} saw it is in {out}"
        return {"proof": str(out), "number": number}, [told], ()

    _tell(ctx, work, as_json=as_json)


@trail.command(
    "verify-export",
    epilog="Example: gdprkit trail verify-export people.jsonl --public-key signing.key.pub",
)
@click.argument("file", type=_FILE)
@_public
@_json
@click.pass_context
def verify_export(
    ctx: click.Context, file: Path, public_keys: tuple[Path, ...], *, as_json: bool
) -> None:
    """Verify an export, a proof or a checkpoint by itself; exit 4 if it is not what was signed."""

    def work() -> Told:
        keys = read_public_keys(*public_keys)
        if not keys:
            raise InvalidValue("--public-key", "is missing", "a signature says nothing without it")
        with Bars().step("verifying") as advance:
            found = check_file(file, keys, advance)
        return _body(found), _told(found), found.broken

    _tell(ctx, work, as_json=as_json)


def _body(found: CheckedFile) -> dict[str, Any]:
    statement = found.header.statement
    return {
        "form": found.header.form,
        "tenant": statement.tenant,
        "number": statement.number,
        "at": statement.at.isoformat(),
        "key": statement.key,
        "leaves": found.leaves,
        "entries": found.entries,
        "expunged": found.expunged,
    }


def _told(found: CheckedFile) -> list[str]:
    statement = found.header.statement
    made = f"{statement.at:%Y-%m-%d %H:%M:%S} UTC, signed by {statement.key}"
    lines = [
        f"checkpoint {statement.number} of {statement.tenant}, {made}",
        f"{found.leaves} leaves, {found.entries} entries",
    ]
    if found.expunged:
        lines.append(
            f"of {found.expunged} lines it is said, unsigned, that they were expunged since"
        )
    return lines if found.broken else [*lines, "all as it was signed"]
