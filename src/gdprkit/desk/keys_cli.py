"""``gdprkit keys``: how the keys of a store stand, their rotation, and the end of old ones.

Decides what the four commands do in which order and what they print. Leaves out what a store and
its keyring are together (``keyed_store``), how anything rotates (``gdprkit.sealing.rotation``) and
the keys of single people, which need the register and are at ``keeper.keys``.

Always true: nothing printed is a key; nothing is destroyed without ``--yes``; a root key is dropped
only with ``--drop-root``, since stores that no command can see may use the keyring, and only when
no live epoch of any tenant in the file is under it and no old one of this tenant is left; each
command may be stopped at any point and run again.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any, Final, TypeVar, final

import attrs
import click

from gdprkit.desk.keyed_store import Opened, opened_store
from gdprkit.desk.screen import Bars
from gdprkit.errors import GdprkitError, StoreBusy
from gdprkit.keeper.clock import system_clock
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

__all__ = ["keys"]

F = TypeVar("F", bound=Callable[..., Any] | click.Command)

_USAGE: Final = 2
_ATTENTION: Final = 3
_TENANT: Final = "main"
_TTL: Final = KeySettings().ttl

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
    click.option("--tenant", default=_TENANT, show_default=True, help="Whose keys."),
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


@keys.command(epilog="Example: gdprkit keys status people.db --keyring root.key")
@_common
@_ttl
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def status(
    ctx: click.Context, store: Path, keyring: Path, tenant: str, ttl: float, *, as_json: bool
) -> None:
    """Tell which epochs there are, what hangs on them, and what there is to do.

    Exit 3 if a rotation is unfinished, or an old epoch or a root key without use is still there.
    """
    try:
        with opened_store(store, keyring, tenant, ttl) as opened:
            found = key_status(opened.keys())
            lacking = opened.lacking(found)
            settled = not (lacking or found.begun or any(epoch.old for epoch in found.epochs))
            free = opened.free_roots() if settled else []
            todo = _todo(found, system_clock(), lacking, free)
    except GdprkitError as error:
        if as_json:  # one object, also where the command fails
            body = {"tenant": tenant, "error": str(error)}
            click.echo(json.dumps(body, ensure_ascii=False, indent=2))
            ctx.exit(_USAGE)
        raise
    if as_json:
        click.echo(json.dumps(_body(found, tenant, free, todo), ensure_ascii=False, indent=2))
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


def _todo(found: KeyStatus, now: datetime, lacking: list[str], free: list[str]) -> list[str]:
    """Say what there is to do, each with its command."""
    if lacking:
        return [f"{root} is not in the keyring: name the right one" for root in lacking]
    if found.begun:
        return ["a rotation was begun: run keys rotate to finish it"]
    return [
        f"{epoch.epoch}: {_waits(epoch, now) or 'run keys destroy'}"
        for epoch in found.epochs
        if epoch.old
    ] + [
        f"{root} wraps nothing here and opens old backups: see keys destroy, --drop-root"
        for root in free
    ]


def _waits(epoch: EpochStatus, now: datetime) -> str | None:
    """Say why an old epoch cannot be destroyed now; None when it can."""
    if epoch.hanging:
        command = "keys rewrap" if epoch.kind is EpochKind.KEK else "keeper.keys.reindex_terms()"
        return f"{epoch.hanging} {_USES[epoch.kind][1]} hang on it: run {command}"
    if epoch.free_at is not None and now < epoch.free_at:
        return f"other processes may use it until {epoch.free_at:%Y-%m-%d %H:%M:%S} UTC"
    return None


def _body(found: KeyStatus, tenant: str, free: list[str], todo: list[str]) -> dict[str, Any]:
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
        "free_roots": free,
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
    with opened_store(store, keyring, tenant) as opened:
        if not key_status(opened.keys()).begun:
            root = Keyring.add_root(keyring).root_ids[-1]
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
    with opened_store(store, keyring, tenant) as opened:
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
@click.option("--drop-root", is_flag=True, help="Drop root keys that wrap nothing here, for good.")
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def destroy(
    ctx: click.Context,
    store: Path,
    keyring: Path,
    tenant: str,
    ttl: float,
    *,
    drop_root: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Destroy old epochs that nothing hangs on; with --drop-root, their root keys too.

    There is no way back. Old backups of the store open until the root key is dropped, from every
    copy of the keyring file. Whatever another store has under a dropped root key is lost: run keys
    status on each one first. Exit 3 if something is left to do.
    """
    done = _Destroyed(say=(lambda _: None) if as_json else click.echo)
    error = None
    try:
        with opened_store(store, keyring, tenant, ttl) as opened:
            _destroy(opened, done, drop_root=drop_root, yes=yes)
    except GdprkitError as problem:
        if not as_json:
            raise
        error = str(problem)
    if done.free_roots:
        click.echo("\n".join(_about_roots(done.free_roots, opened, yes=yes)), err=True)
    if as_json:  # one object, also where the command fails
        body = {
            "tenant": tenant,
            "error": error,
            "destroyed": done.epochs,
            "dropped_roots": done.dropped_roots,
            "free_roots": done.free_roots,
            "todo": done.todo,
        }
        click.echo(json.dumps(body, ensure_ascii=False, indent=2))
    elif not (done.epochs or done.dropped_roots or done.todo):
        click.echo("nothing to destroy")
    ctx.exit(_USAGE if error else _ATTENTION if done.todo else 0)


@final
@attrs.define(kw_only=True)
class _Destroyed:
    """What destroy has done so far, each thing said as it is done.

    Args:
        say: Prints a line.
        epochs: Epochs that are destroyed.
        dropped_roots: Root keys that are dropped.
        free_roots: Root keys that stay, and wrap nothing in this store once it is done.
        todo: What is left to do.
    """

    say: Callable[[str], None]
    epochs: list[str] = attrs.field(factory=list)
    dropped_roots: list[str] = attrs.field(factory=list)
    free_roots: list[str] = attrs.field(factory=list)
    todo: list[str] = attrs.field(factory=list)

    def left(self, *lines: str) -> None:
        """Say what is left to do."""
        for line in lines:
            self.todo.append(line)
            self.say(line)


def _destroy(opened: Opened, done: _Destroyed, *, drop_root: bool, yes: bool) -> None:
    found, now = opened.keys(), system_clock()
    told = key_status(found)
    lacking = opened.lacking(told)
    if lacking or told.begun:
        done.left(*_todo(told, now, lacking, []))
        return
    old = [(epoch.epoch, _waits(epoch, now)) for epoch in told.epochs if epoch.old]
    ready = [epoch for epoch, waits in old if waits is None]
    done.left(*(f"{epoch} stays: {waits}" for epoch, waits in old if waits is not None))
    if yes:
        for epoch in ready:
            destroy_epoch(found, epoch, at=now)
            done.epochs.append(epoch)
            done.say(f"destroyed {epoch}")
        rewrap_epochs(found)  # no live epoch may be under a root key that is dropped
    done.free_roots = opened.free_roots(ready) if len(ready) == len(old) else []
    if yes and drop_root:
        for root in tuple(done.free_roots):
            Keyring.drop_root(opened.ring, root)
            done.free_roots.remove(root)
            done.dropped_roots.append(root)
            done.say(f"dropped root key {root} from {opened.ring}: destroy its backups too")
    if yes and ready:
        _settle(opened.store)
    if not yes:
        roots = [f"root key {root}" for root in done.free_roots if drop_root]
        done.left(*(f"would destroy {name}; add --yes to do it" for name in (*ready, *roots)))


def _about_roots(roots: list[str], opened: Opened, *, yes: bool) -> list[str]:
    """Say what root keys that could be dropped mean, how they are, and what to look at before."""
    words = ["gdprkit", "keys", "destroy", str(opened.file), "--keyring", str(opened.ring)]
    if opened.store.tenant != _TENANT:
        words += ["--tenant", opened.store.tenant]
    if opened.ttl != _TTL:
        words += ["--ttl", f"{opened.ttl:g}"]
    then = "" if yes else "then "
    return [
        *(f"root key {root} {then}wraps nothing in this store any more" for root in roots),
        f"old backups of this store open until that is dropped from {opened.ring}; this drops it:",
        f"  {shlex.join((*words, '--drop-root', '--yes'))}",
        "before that, run keys status on every other store that uses this keyring, for each of its",
        "tenants: whatever is still under a dropped root key there is lost for good",
    ]


def _settle(store: SqliteStore) -> None:
    """Bring the destruction into the file itself."""
    try:
        store.settle()
    except StoreBusy:
        click.echo(
            "the old epoch key stays in the log of the store until others close it", err=True
        )
