"""``gdprkit keys``: how the keys of a store stand, their rotation, and the end of old ones.

Decides what the four commands do in which order and what they print. Leaves out how anything
rotates (``gdprkit.sealing.rotation``) and the keys of single people, which need the register and
are at ``keeper.keys``.

Always true: nothing printed is a key; nothing is destroyed without ``--yes``; a root key is dropped
only when no live epoch of any tenant in the file is under it and no old one of this tenant is left;
each command may be stopped at any point and run again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any, Final, TypeVar, final

import attrs
import click

from gdprkit.desk.screen import Bars
from gdprkit.errors import GdprkitError, InvalidValue, StoreBusy
from gdprkit.keeper.clock import system_clock
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.providers import Keyring
from gdprkit.sealing.rotation import (
    EpochStatus,
    KeyStatus,
    destroy_epoch,
    key_status,
    rewrap_epochs,
    rewrap_keys,
    rotate,
)
from gdprkit.sealing.rows import EpochKind
from gdprkit.sealing.settings import KeySettings
from gdprkit.storage import SqliteStore
from gdprkit.storage.sqlite_file import SqliteFile
from gdprkit.storage.statements import Row

__all__ = ["keys"]

F = TypeVar("F", bound=Callable[..., Any] | click.Command)

_USAGE: Final = 2
_ATTENTION: Final = 3
_WAIT: Final = 30.0
_TTL: Final = KeySettings().ttl

_ROOTS: Final = "SELECT tenant, epoch, provider_key FROM gdprkit_epoch WHERE state <> 'destroyed'"
_TENANTS: Final = "SELECT DISTINCT tenant FROM gdprkit_epoch ORDER BY tenant"

_USES: Final = {
    EpochKind.KEK: ("keys of people", "key rows"),
    EpochKind.INDEX: ("look-up terms", "terms"),
    EpochKind.LASTING: ("marks, stops", ""),
}


@click.group()
def keys() -> None:
    """Look at, rotate and destroy the keys of a store."""


_OPTIONS: Final = (
    click.argument("store", type=click.Path(path_type=Path)),
    click.option(
        "--keyring",
        required=True,
        type=click.Path(path_type=Path),
        help="File with the root keys.",
    ),
    click.option("--tenant", default="main", show_default=True, help="Whose keys."),
)


def _common(command: F) -> F:
    """Add what all commands take."""
    return reduce(lambda made, option: option(made), reversed(_OPTIONS), command)


_ttl = click.option(
    "--ttl",
    type=click.FloatRange(min=0, max=86_400),
    default=_TTL,
    show_default=True,
    help="Seconds for which a process of yours believes an opened key.",
)


@final
@attrs.frozen(kw_only=True)
class _Opened:
    """A store that is there, and the keys of one tenant in it."""

    store: SqliteStore
    file: Path
    ring: Path
    ttl: float

    def keys(self) -> SubjectKeys:
        """Return the keys under the keyring as it is now."""
        return SubjectKeys(
            Keyring.from_file(self.ring),
            self.store,
            tenant=self.store.tenant,
            settings=KeySettings(ttl=self.ttl),
        )

    def lacking(self, found: KeyStatus) -> list[str]:
        """Return the root keys that are needed to go on and that the keyring does not hold."""
        held = Keyring.from_file(self.ring).root_ids
        return sorted({e.root for e in found.epochs if e.moves and e.root not in held})


@contextmanager
def _opened(file: Path, ring: Path, tenant: str, ttl: float = _TTL) -> Iterator[_Opened]:
    """Open a store that is there and has keys of the tenant: a slip of the pen makes nothing new.

    Raises:
        InvalidValue: there is no such store, or no keys of the tenant.
        GdprkitError: the file is no store, or the store or the keyring does not work.
    """
    if not file.is_file() or not file.stat().st_size:
        raise InvalidValue("STORE", "is no store", "name one that is there")
    Keyring.from_file(ring)
    with SqliteStore(file, tenant=tenant) as store:
        held = [name for (name,) in _asked(file, _TENANTS)]
        if tenant not in held:
            others = ", ".join(held) or "no keys at all"
            raise InvalidValue("--tenant", "has no keys here", f"the file holds: {others}")
        yield _Opened(store=store, file=file, ring=ring, ttl=ttl)


def _asked(file: Path, statement: str) -> list[Row]:
    rows = SqliteFile(file, _WAIT)
    try:
        with rows.reading() as port:
            return port.rows(statement, ())
    finally:
        rows.close()


@keys.command(epilog="Example: gdprkit keys status people.db --keyring root.key")
@_common
@_ttl
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def status(
    ctx: click.Context, store: Path, keyring: Path, tenant: str, ttl: float, *, as_json: bool
) -> None:
    """Tell which epochs there are, what hangs on them, and what there is to do.

    Exit 3 if a rotation is unfinished or an old epoch is still there.
    """
    try:
        with _opened(store, keyring, tenant, ttl) as opened:
            found = key_status(opened.keys())
            todo = _todo(found, system_clock(), opened.lacking(found))
    except GdprkitError as error:
        if as_json:  # one object, also where the command fails
            body = {"tenant": tenant, "error": str(error)}
            click.echo(json.dumps(body, ensure_ascii=False, indent=2))
            ctx.exit(_USAGE)
        raise
    if as_json:
        click.echo(json.dumps(_body(found, tenant, todo), ensure_ascii=False, indent=2))
    else:
        click.echo(f"root key {found.root} ({found.provider})")
        for epoch in found.epochs:
            click.echo(f"{epoch.epoch:<4} {_line(epoch)}")
        for line in todo or ("nothing to do",):
            click.echo(line)
    ctx.exit(_ATTENTION if todo else 0)


def _line(epoch: EpochStatus) -> str:
    use, noun = _USES[epoch.kind]
    hangs = "" if epoch.hanging is None or not epoch.live else f", {epoch.hanging} {noun}"
    return f"{epoch.state:<9} {use}, made {epoch.created:%Y-%m-%d}, under {epoch.root}{hangs}"


def _todo(found: KeyStatus, now: datetime, lacking: list[str]) -> list[str]:
    """Say what there is to do, each with its command."""
    if lacking:
        return [f"{root} is not in the keyring: name the right one" for root in lacking]
    if found.begun:
        return ["a rotation was begun: run keys rotate to finish it"]
    return [
        f"{epoch.epoch}: {_waits(epoch, now) or 'run keys destroy'}"
        for epoch in found.epochs
        if epoch.old
    ]


def _waits(epoch: EpochStatus, now: datetime) -> str | None:
    """Say why an old epoch cannot be destroyed now; None when it can."""
    if epoch.hanging:
        command = "keys rewrap" if epoch.kind is EpochKind.KEK else "keeper.keys.reindex_terms()"
        return f"{epoch.hanging} {_USES[epoch.kind][1]} hang on it: run {command}"
    if epoch.free_at is not None and now < epoch.free_at:
        return f"other processes may use it until {epoch.free_at:%Y-%m-%d %H:%M:%S} UTC"
    return None


def _body(found: KeyStatus, tenant: str, todo: list[str]) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "error": None,
        "root": found.root,
        "provider": found.provider,
        "begun": found.begun,
        "waiting": found.waiting,
        "epochs": [
            {
                "epoch": epoch.epoch,
                "kind": epoch.kind.value,
                "state": epoch.state.value,
                "root": epoch.root,
                "created": epoch.created.isoformat(),
                "hanging": epoch.hanging,
                "free_at": None if epoch.free_at is None else epoch.free_at.isoformat(),
            }
            for epoch in found.epochs
        ],
        "todo": todo,
    }


@keys.command("rotate", epilog="Example: gdprkit keys rotate people.db --keyring root.key")
@_common
def rotate_(store: Path, keyring: Path, tenant: str) -> None:
    """Begin a new epoch of people's keys under a new root key.

    What goes on is put under the new root key as well; the old epoch stays under the old one, and
    both go together. A rotation that was interrupted, or that another tenant of the keyring began,
    is finished under the root key that is there. Then come rewrap and destroy.
    """
    with _opened(store, keyring, tenant) as opened:
        if not key_status(opened.keys()).begun:
            root = Keyring.add_root(keyring).describe().key_id
            click.echo(f"new root key {root} in {keyring}: back that file up now")
        found = opened.keys()
        rotate(found, at=system_clock())
        newest = [e.epoch for e in key_status(found).epochs if e.kind is EpochKind.KEK][-1]
        click.echo(f"new keys are wrapped by {newest}; run keys rewrap for the others")


@keys.command(epilog="Example: gdprkit keys rewrap people.db --keyring root.key")
@_common
@click.pass_context
def rewrap(ctx: click.Context, store: Path, keyring: Path, tenant: str) -> None:
    """Move the wrapped keys of all people to the newest epoch; no value is touched.

    Exit 3 if a row does not open or was changed by somebody else all the time.
    """
    with _opened(store, keyring, tenant) as opened:
        found = opened.keys()
        before = key_status(found).epochs
        total = sum(e.hanging or 0 for e in before if e.old and e.kind is EpochKind.KEK)
        with Bars().step("rewrapping", total) as advance:
            done = rewrap_keys(found, at=system_clock(), progress=advance)
    click.echo(f"{done.rows} rewrapped")
    for about, version in done.damaged:
        click.echo(f"damaged, left alone: version {version} of {about}")
    if done.left:
        click.echo(f"{done.left} changed meanwhile: run it again")
    ctx.exit(_ATTENTION if done.damaged or done.left else 0)


@keys.command(epilog="Example: gdprkit keys destroy people.db --keyring root.key --yes")
@_common
@_ttl
@click.option("--keep-root", is_flag=True, help="Drop no root key: other stores use the keyring.")
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would be done.")
@click.pass_context
def destroy(
    ctx: click.Context,
    store: Path,
    keyring: Path,
    tenant: str,
    ttl: float,
    *,
    keep_root: bool,
    yes: bool,
) -> None:
    """Destroy old epochs that nothing hangs on, and the root keys that nothing is under.

    There is no way back: backups of the store from before the rotation open for nobody once the
    backups of the old keyring file are gone as well. Exit 3 if something is left to do.
    """
    with _opened(store, keyring, tenant, ttl) as opened:
        found = opened.keys()
        now = system_clock()
        told = key_status(found)
        lacking = opened.lacking(told)
        if lacking or told.begun:
            click.echo("\n".join(_todo(told, now, lacking)))
            ctx.exit(_ATTENTION)
        old = [(epoch.epoch, _waits(epoch, now)) for epoch in told.epochs if epoch.old]
        ready = [epoch for epoch, waits in old if waits is None]
        for epoch, waits in old:
            if waits is not None:
                click.echo(f"{epoch} stays: {waits}")
        if yes:
            for epoch in ready:
                destroy_epoch(found, epoch, at=now)
                click.echo(f"destroyed {epoch}")
            rewrap_epochs(found)  # no live epoch may be under a root key that is dropped
        whole = not keep_root and len(ready) == len(old)
        roots = _unused_roots(opened, ready) if whole else []
        for root in roots if yes else ():
            Keyring.drop_root(keyring, root)
            click.echo(f"dropped root key {root} from {keyring}: destroy its backups too")
        if yes and ready:
            _settle(opened.store)
    if not yes:
        for name in (*ready, *(f"root key {root}" for root in roots)):
            click.echo(f"would destroy {name}; add --yes to do it")
    waiting = len(ready) < len(old) or (not yes and bool(ready or roots))
    if not (old or roots):
        click.echo("nothing to destroy")
    ctx.exit(_ATTENTION if waiting else 0)


def _unused_roots(opened: _Opened, gone: list[str]) -> list[str]:
    """Return the root keys that wrap nothing live, of whatever tenant in the file.

    Epochs of this tenant that are in *gone* count as destroyed, also where they only would be.
    """
    ring = Keyring.from_file(opened.ring)
    dead = {(opened.store.tenant, epoch) for epoch in gone}
    live = {root for *which, root in _asked(opened.file, _ROOTS) if tuple(which) not in dead}
    used = {ring.describe().key_id, *live}
    return [root for root in ring.root_ids if root not in used]


def _settle(store: SqliteStore) -> None:
    """Bring the destruction into the file itself."""
    try:
        store.settle()
    except StoreBusy:
        click.echo(
            "the old epoch key stays in the log of the store until others close it", err=True
        )
