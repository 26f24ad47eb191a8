"""What PostgreSQL's refusals mean, told in our words.

Decides which of our errors each SQLSTATE becomes. Always true: of a driver's error only its code
and, for codes of our own, the ids in its detail are kept; its text may show what was to be stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import psycopg
import psycopg_pool

from gdprkit.errors import (
    AlreadyRecorded,
    GdprkitError,
    HostTransaction,
    InvalidValue,
    LineExpunged,
    PositionTaken,
    SchemaMissing,
    StoreBusy,
    StoreClosed,
    StoreCorrupt,
    StoreUnavailable,
    TokenSpent,
)
from gdprkit.sealing.errors import KeyDestroyed, KeyEpochDestroyed
from gdprkit.storage.statements import subject_of

__all__ = ["is_passing", "told"]

_PASSING: Final = {"40001", "40P01"}
"""Two transactions got in each other's way, and one was rolled back."""


def is_passing(error: psycopg.Error) -> bool:
    """Return whether the same transaction, tried again at once, may well succeed."""
    return error.sqlstate in _PASSING


def told(error: psycopg.Error, wait: float) -> GdprkitError:
    """Return what *error* means.

    Args:
        error: What the driver raised.
        wait: How many seconds the store waits for others.
    """
    if isinstance(error, psycopg_pool.PoolClosed):
        return StoreClosed()
    if isinstance(error, psycopg_pool.PoolTimeout | psycopg_pool.TooManyRequests):
        return StoreUnavailable("the pool has no free connection")
    state = error.sqlstate
    if state is None:
        # the base itself is what the driver makes of a failure that no server gave a code to:
        # the connection was reset while an answer was read
        if isinstance(error, psycopg.OperationalError) or type(error) is psycopg.DatabaseError:
            return StoreUnavailable("the connection is lost")
        if isinstance(error, psycopg.DataError):  # the driver itself could not pass a value on
            return _unstorable()
        return StoreCorrupt(type(error).__name__)
    if (ours := _OURS.get(state)) is not None:
        return ours(error.diag.message_detail or "")
    if state in _BUSY:
        return StoreBusy(wait)
    if state in _UNTEXT:
        return _unstorable()
    if state in _MISSING:
        return SchemaMissing(("what a statement needs",))
    if state == "25P02":
        return HostTransaction(
            "the transaction has failed already", "roll it back, or to a savepoint"
        )
    if state.startswith(_AWAY):
        return StoreUnavailable(f"SQLSTATE {state}")
    return StoreCorrupt(f"SQLSTATE {state}")


def _unstorable() -> GdprkitError:
    return InvalidValue("text", "holds what the database cannot keep", "write it plainly")


def _taken(detail: str) -> GdprkitError:
    subject, expected = detail.split()
    return PositionTaken(subject_of(bytes.fromhex(subject)), int(expected))


#: What ``gdprkit_commit`` raises -> our error, made of its detail.
_OURS: Final[Mapping[str, Callable[[str], GdprkitError]]] = {
    "GK001": _taken,
    "GK002": lambda detail: AlreadyRecorded(subject_of(bytes.fromhex(detail))),
    "GK003": lambda _: TokenSpent(),
    "GK004": lambda detail: LineExpunged(subject_of(bytes.fromhex(detail))),
    "GK005": KeyEpochDestroyed,
    "GK006": KeyDestroyed,
}

#: Somebody else holds what is wanted, or the host's own limit of time was reached.
_BUSY: Final = {*_PASSING, "55P03", "57014"}
#: Text that the encoding of the database or of the connection does not hold.
_UNTEXT: Final = {"22021", "22P05"}
#: No such table, function, column or schema.
_MISSING: Final = {"42P01", "42883", "42703", "3F000"}
#: Connection, resources, operators' work, a disk; a read-only server; no right to do it.
_AWAY: Final = ("08", "53", "57P", "58", "25006", "28", "3D000", "42501", "25P0")
