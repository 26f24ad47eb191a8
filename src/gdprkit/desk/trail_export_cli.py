"""``gdprkit trail export``, ``prove`` and ``verify-export``: the trail where the store is not.

Decides what the three commands do in which order and what they print. Leaves out what is written
(``trail_export``) and how it is checked (``trail_files``).

Always true: what is written was checked as a whole before; if it did not hold, no file appears.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from gdprkit.desk.screen import Bars
from gdprkit.desk.trail import count_lines
from gdprkit.desk.trail_checkpoint import default_folder, hold_against, newest
from gdprkit.desk.trail_export import proof_rows, write_export
from gdprkit.desk.trail_files import CheckedFile, Header, check_file, write_new
from gdprkit.desk.trail_shown import (
    FILE,
    Told,
    common,
    json_option,
    public_option,
    store_argument,
    store_at,
    tell,
    tenant_option,
)
from gdprkit.errors import CheckpointInvalid, InvalidValue
from gdprkit.sealing.signing import read_public_keys
from gdprkit.words.identifiers import subject_id

__all__ = ["export", "prove", "verify_export"]

checkpoint_option: Final = click.option(
    "--checkpoint", "place", type=FILE, help="Checkpoint; the newest of the store when absent."
)


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


@click.command(
    epilog="Example: gdprkit trail export people.db --out people.jsonl --public-key signing.key.pub"
)
@common(store_argument, tenant_option, checkpoint_option, public_option)
@click.option("--out", required=True, type=FILE, help="New file.")
@json_option
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
        with store_at(store, tenant) as opened:
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

    tell(ctx, work, as_json=as_json)


@click.command(epilog="Example: gdprkit trail prove people.db PERSON --out proof.jsonl")
@common(store_argument)
@click.argument("person")
@common(tenant_option, checkpoint_option, public_option)
@click.option("--out", required=True, type=FILE, help="New file.")
@json_option
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
        with store_at(store, tenant) as opened:
            found = _newest(store, tenant, place, public_keys)
            write_new(out, proof_rows(opened, found, about))
        number = found[1].statement.number
        told = f"the line of {about} as checkpoint {number} saw it is in {out}"
        return {"proof": str(out), "number": number}, [told], ()

    tell(ctx, work, as_json=as_json)


@click.command(
    "verify-export",
    epilog="Example: gdprkit trail verify-export people.jsonl --public-key signing.key.pub",
)
@click.argument("file", type=FILE)
@public_option
@json_option
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

    tell(ctx, work, as_json=as_json)


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
