"""What a key store keeps, as plain values, and the little it must answer.

Decides the shape of a key row, of an epoch row and of the record that a person's keys were
destroyed. No cryptography and no judgement here: stores hold these, ``gdprkit.sealing.keys`` makes
and checks them. Lengths of stored bytes are not checked on purpose: a damaged row must load, so
that opening it can say which key is damaged. Always true: no row holds a usable key.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol, final

import attrs

from gdprkit.words.identifiers import SubjectId
from gdprkit.words.moments import utc_moment
from gdprkit.words.vocabulary import ErasureReason

__all__ = [
    "WRAPS_ALG",
    "EpochKind",
    "EpochRow",
    "KeyFlags",
    "KeyRow",
    "KeyState",
    "KeyStore",
    "Tombstone",
]

WRAPS_ALG = "aes-256-gcm"
"""How an epoch key wraps a subject key: the only way written and read now."""


class KeyState(StrEnum):
    """How far a key has come; the order is one way."""

    ACTIVE = "active"  # writes and reads
    RETIRED = "retired"  # reads only
    DESTROYED = "destroyed"  # neither, for ever


class EpochKind(StrEnum):
    """What a key epoch is for."""

    KEK = "kek"  # wraps subject keys
    INDEX = "index"  # root of blind indexes, which may be rotated and rebuilt
    LASTING = "lasting"  # root of what outlives the data: marks of the erased, suppression hashes


@final
@attrs.frozen(kw_only=True)
class KeyRow:
    """One version of one person's key, wrapped.

    Args:
        about: Whose key.
        version: 1, 2, 3 without gaps.
        key_id: 20 bytes that commit to the key; every envelope begins with them.
        kek_id: The key epoch that wraps it.
        wrapped: Nonce, ciphertext and tag; not shown in the repr.
        state: Exactly one version of a person is ACTIVE, and it is the highest.
        created: When it was made.
        wraps_alg: How it is wrapped.
        restricted: Processing is restricted (GDPR Art. 18).
        on_hold: It may not be destroyed now.

    Raises:
        NaiveMoment: *created* has no time zone.
    """

    about: SubjectId
    version: int
    key_id: bytes
    kek_id: str
    wrapped: bytes = attrs.field(repr=False)
    state: KeyState
    created: datetime = attrs.field(converter=utc_moment)
    wraps_alg: str = WRAPS_ALG
    restricted: bool = False
    on_hold: bool = False


@final
@attrs.frozen(kw_only=True)
class KeyFlags:
    """What holds of every key of a person at once, apart from how the keys are wrapped.

    Args:
        restricted: Processing is restricted (GDPR Art. 18).
        on_hold: None of them may be destroyed now.
    """

    restricted: bool = False
    on_hold: bool = False


@final
@attrs.frozen(kw_only=True)
class EpochRow:
    """One epoch key of a tenant, wrapped by a root key of the provider.

    Args:
        kind: What it is for.
        epoch: Its name: ``k1``, ``k2`` for KEK, ``i1``, ``i2`` for INDEX,
            ``l1`` for LASTING, which is never destroyed: what hangs on it cannot be made again.
        provider_key: Id of the root key that wraps it.
        wrapped: What the provider returned; not shown in the repr.
        state: How far it has come.
        created: When it was made.

    Raises:
        NaiveMoment: *created* has no time zone.
    """

    kind: EpochKind
    epoch: str
    provider_key: str
    wrapped: bytes = attrs.field(repr=False)
    state: KeyState
    created: datetime = attrs.field(converter=utc_moment)


@final
@attrs.frozen(kw_only=True)
class Tombstone:
    """A person's keys were destroyed: proof of it without personal data (GDPR Art. 5(2), 17).

    Args:
        mark: Keyed hash of the subject id, 32 bytes.
        erased_at: When.
        reason: Why.
        reference: The controller's own reference, such as a case number; no personal data.
        key_ids: The keys that were destroyed.

    Raises:
        NaiveMoment: *erased_at* has no time zone.
    """

    mark: bytes
    erased_at: datetime = attrs.field(converter=utc_moment)
    reason: ErasureReason
    reference: str
    key_ids: tuple[bytes, ...]


class KeyStore(Protocol):
    """Keeps the rows of one tenant. Safe to share among threads.

    Subject keys are written and destroyed in the store's one atomic batch, together with what they
    seal; here they are only read. A store never judges a row.
    """

    def keys(self, about: SubjectId) -> Sequence[KeyRow]:
        """Return every version of the person's key in order of version; empty when none."""
        ...

    def tombstone(self, mark: bytes) -> Tombstone | None:
        """Return the record of erasure under *mark*, or None."""
        ...

    def tombstones(self) -> Sequence[Tombstone]:
        """Return every record of erasure, the oldest first, those of one moment by mark."""
        ...

    def add_tombstone(self, tombstone: Tombstone) -> None:
        """Keep *tombstone* durably, unless there is one under its mark already.

        For erasures known from elsewhere, of people who have nothing here: it destroys nothing.
        """
        ...

    def epochs(self) -> Sequence[EpochRow]:
        """Return every epoch of both kinds."""
        ...

    def add_epoch(self, row: EpochRow) -> None:
        """Keep *row* durably, unless (kind, epoch) is there already: the first writer wins.

        A later writer's row is dropped without an error; who wants to know reads ``epochs()``.
        *Durably* means apart from any transaction of a host: keys of people are wrapped by it at
        once, and a host that rolled it back would leave their data unreadable.
        """
        ...
