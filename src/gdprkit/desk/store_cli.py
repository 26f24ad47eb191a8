"""``gdprkit store``: backups, their return, the erasures since, upgrades, standings made anew.

Decides what the commands print and their exit codes. Leaves out how a file is copied
(``gdprkit.storage.sqlite_backup``), what erasing again is (``gdprkit.keeper.replaying``) and what a
standing is made of (``gdprkit.keeper.reindexing``).

Always true: nothing that is there is written over but a store, and only with ``--replace``; no
command makes a store, a keyring or an erasure ledger that was not there; each may be stopped at any
point and run again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from gdprkit.desk.keyed_store import opened_store
from gdprkit.desk.screen import Bars
from gdprkit.desk.trail import count_lines
from gdprkit.errors import InvalidValue
from gdprkit.keeper.keeper import RecordKeeper
from gdprkit.keeper.reindexing import Reindexed
from gdprkit.register.register import Register
from gdprkit.sealing.erasure_file import FileErasureLedger
from gdprkit.sealing.form import SUITES
from gdprkit.sealing.providers import Keyring
from gdprkit.sealing.settings import KeySettings
from gdprkit.storage import SqliteStore
from gdprkit.storage.schema import SCHEMA_VERSION
from gdprkit.storage.sqlite_backup import Copied, Progress, back_up, restore, version_of
from gdprkit.words.identifiers import subject_id

__all__ = ["store"]

F = TypeVar("F", bound=Callable[..., Any] | click.Command)

_ATTENTION: Final = 3
_BROKEN: Final = 4
_PATH: Final = click.Path(path_type=Path)


@click.group()
def store() -> None:
    """Back a store up, restore it, and keep it fit."""


@contextmanager
def _pages(title: str) -> Iterator[Progress]:
    """Show how much of a file is copied, in hundredths."""
    shown = 0
    with Bars().step(title, 100) as advance:

        def tell(done: int, total: int) -> None:
            nonlocal shown
            now = 100 * done // max(total, 1)
            advance(now - shown)
            shown = now

        yield tell


def _told(copied: Copied) -> str:
    return f"{copied.path}: schema {copied.schema}, {copied.size} bytes, read through and whole"


@store.command(epilog="Example: gdprkit store backup people.db backups/2027-01-04.db")
@click.argument("store", type=_PATH)
@click.argument("file", type=_PATH)
def backup(store: Path, file: Path) -> None:
    """Copy a store, with all of its tenants, into a new file while it is in use.

    FILE must not be there. It holds wrapped keys: keep it as you keep the store.
    """
    with _pages("copying") as progress:
        copied = back_up(store, file, progress=progress)
    click.echo(_told(copied))


@store.command("restore", epilog="Example: gdprkit store restore backups/2027-01-04.db people.db")
@click.argument("file", type=_PATH)
@click.argument("store", type=_PATH)
@click.option("--replace", is_flag=True, help="A store that is there goes, with all since.")
def restore_(file: Path, store: Path, *, replace: bool) -> None:
    """Put a backup in the place of a store that nobody has open.

    The backup is read through first. Then run gdprkit store replay: whoever was erased since the
    backup is back.
    """
    with _pages("copying") as progress:
        copied = restore(file, store, replace=replace, progress=progress)
    click.echo(_told(copied))
    click.echo("before it is used: gdprkit store replay, for each tenant", err=True)


_OPTIONS: Final = (
    click.argument("store", type=_PATH),
    click.option("--register", required=True, type=_PATH, help="The declared register."),
    click.option("--keyring", required=True, type=_PATH, help="File with the root keys."),
    click.option("--tenant", default="main", show_default=True, help="Whose records."),
)


def _common(command: F) -> F:
    """Add what a command takes that needs a keeper."""
    return reduce(lambda made, option: option(made), reversed(_OPTIONS), command)


@contextmanager
def _keeper(
    store: Path, register: Path, keyring: Path, tenant: str, ledger: Path | None
) -> Iterator[RecordKeeper]:
    """Open a keeper on files that are all there.

    Raises:
        InvalidValue: one is not.
        GdprkitError: one is damaged, or something else.
    """
    declared = Register.load(register)
    if ledger is not None and not ledger.is_file():
        # a new one would be made, and know of no erasure
        raise InvalidValue("--ledger", "is no file", "name the erasure ledger that is there")
    with opened_store(store, keyring, tenant) as opened:
        yield RecordKeeper(
            declared,
            store=opened.store,
            keys=Keyring.from_file(keyring),
            # whatever suites the records were sealed under: nothing is sealed here
            key_settings=KeySettings(suites=frozenset(SUITES)),
            erasures=None if ledger is None else FileErasureLedger(ledger, tenant=tenant),
        )


@store.command(
    epilog="Example: gdprkit store replay people.db --register register.toml "
    "--keyring root.key --ledger erasures.jsonl"
)
@_common
@click.option("--ledger", required=True, type=_PATH, help="The erasure ledger.")
@click.option("--by", help="Who does it: a staff or service id, kept with each entry.")
def replay(
    store: Path, register: Path, keyring: Path, tenant: str, ledger: Path, by: str | None
) -> None:
    """Erase again whom the ledger lists and a restored store holds; then it is served.

    Where nothing is lacking it changes nothing.
    """
    with _keeper(store, register, keyring, tenant, ledger) as keeper, Bars().step("replaying"):
        done = keeper.replay_erasures(by=by)
    click.echo(f"{done.erased} erased again, {done.noted} noted")


@store.command(
    epilog="Example: gdprkit store reindex people.db --register register.toml --keyring root.key"
)
@_common
@click.option("--ledger", type=_PATH, help="The erasure ledger, if there is one.")
@click.option("--after", help="Go on behind this subject id.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def reindex(
    ctx: click.Context,
    store: Path,
    register: Path,
    keyring: Path,
    tenant: str,
    ledger: Path | None,
    after: str | None,
    *,
    as_json: bool,
) -> None:
    """Make standings and marks of everybody anew from the lines, while others write.

    After a change of the register or an upgrade of gdprkit, or where they were damaged. Exit 4 if a
    line does not verify, 3 if it was broken off: the place to go on at is told.
    """
    place = None if after is None else subject_id(after)
    done, told, broken_off = Reindexed(after=place), 0, False
    with (
        _keeper(store, register, keyring, tenant, ledger) as keeper,
        Bars().step("reindexing", count_lines(store, tenant)) as advance,
    ):

        def progress(so_far: Reindexed) -> None:
            nonlocal done, told
            advance(so_far.people - told)
            done, told = so_far, so_far.people

        try:
            keeper.reindex(after=place, progress=progress)
        except KeyboardInterrupt:
            broken_off = True
    if as_json:
        body = {
            "tenant": tenant,
            "finished": not broken_off,
            "people": done.people,
            "changed": done.changed,
            "failed": [{"about": str(about), "code": code} for about, code in done.failed],
            "after": None if done.after is None else str(done.after),
        }
        click.echo(json.dumps(body, ensure_ascii=False, indent=2))
    else:
        click.echo(f"{done.people} people, {done.changed} changed")
        for about, code in done.failed:
            click.echo(f"left alone, {code}: {about}")
    if broken_off and done.after is not None:
        click.echo(f"broken off: go on with --after {done.after}", err=True)
    ctx.exit(_BROKEN if done.failed else _ATTENTION if broken_off else 0)


@store.command(epilog="Example: gdprkit store upgrade people.db --backup before.db")
@click.argument("store", type=_PATH)
@click.option("--backup", required=True, type=_PATH, help="Where the store as it is goes first.")
def upgrade(store: Path, backup: Path) -> None:
    """Make the tables of an older release those of this one, with a backup before.

    Opening a store does the same without a backup. A store of this release is left as it is, and no
    backup is made.
    """
    found = version_of(store)
    if found == SCHEMA_VERSION:
        click.echo(f"schema {found}: nothing to do")
        return
    with _pages("copying") as progress:
        copied = back_up(store, backup, progress=progress)
    with Bars().step("upgrading"):
        SqliteStore(store).close()
    click.echo(_told(copied))
    click.echo(f"schema {found} became {SCHEMA_VERSION}")
