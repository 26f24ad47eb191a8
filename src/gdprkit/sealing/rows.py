"""What a key store keeps, as plain values, and the little it must answer.

Decides the shape of a key row, of an epoch row and of the record that a person's keys were
destroyed. No cryptography and no judgement here: stores hold these, ``gdprkit.sealing.keys`` makes
and checks them. Lengths of stored bytes are not checked on purpose: a damaged row must load, so
that opening it can say which key is damaged. Always true: no row holds a usable key, nor a text
that some database would refuse or cut short.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, final

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.sealing.errors import KeyIntegrityError
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.moments import utc_moment
from gdprkit.words.vocabulary import ErasureReason

__all__ = [
    "LETTERS",
    "WRAPS_ALG",
    "EpochKind",
    "EpochRow",
    "KeyFlags",
    "KeyRow",
    "KeyState",
    "KeyStore",
    "Tombstone",
    "destroyed",
    "epoch_number",
    "is_storable",
    "storable",
    "term_prefix",
]

WRAPS_ALG = "aes-256-gcm"
"""How an epoch key wraps a subject key: the only way written and read now."""


def is_storable(text: str) -> bool:
    """Return whether every database takes *text*: no NUL, no half of a surrogate pair."""
    return "\0" not in text and (
        text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)
    )


def storable(_: object, field: attrs.Attribute[str], value: object) -> None:
    """Refuse a text that not every database takes: a validator of attrs.

    Raises:
        InvalidValue: names the field, not the text.
    """
    if not isinstance(value, str) or not is_storable(value):
        problem = "is no text that every database takes"
        raise InvalidValue(field.name, problem, "leave out NUL and halves of surrogate pairs")


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


LETTERS: Final = {EpochKind.KEK: "k", EpochKind.INDEX: "i", EpochKind.LASTING: "l"}
"""What the names of the epochs of a kind begin with; a number follows."""


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
        InvalidValue: *kek_id* or *wraps_alg* holds NUL or half a surrogate pair.
    """

    about: SubjectId
    version: int
    key_id: bytes
    kek_id: str = attrs.field(validator=storable)
    wrapped: bytes = attrs.field(repr=False)
    state: KeyState
    created: datetime = attrs.field(converter=utc_moment)
    wraps_alg: str = attrs.field(default=WRAPS_ALG, validator=storable)
    restricted: bool = False
    on_hold: bool = False

    @property
    def label(self) -> str:
        """How an error calls it."""
        return f"key version {self.version} of subject {self.about}"


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
        InvalidValue: *epoch* or *provider_key* holds NUL or half a surrogate pair.
    """

    kind: EpochKind
    epoch: str = attrs.field(validator=storable)
    provider_key: str = attrs.field(validator=storable)
    wrapped: bytes = attrs.field(repr=False)
    state: KeyState
    created: datetime = attrs.field(converter=utc_moment)


@final
@attrs.frozen(kw_only=True)
class Tombstone:
    """A person's keys were destroyed: proof of it that names nobody (GDPR Art. 5(2), 17).

    Args:
        mark: Keyed hash of the subject id, 32 bytes.
        erased_at: When.
        reason: Why.
        reference: The controller's own reference, such as a case number; no personal data.
        key_ids: The keys that were destroyed.

    Raises:
        NaiveMoment: *erased_at* has no time zone.
        InvalidValue: *reference* holds NUL or half a surrogate pair.
    """

    mark: bytes
    erased_at: datetime = attrs.field(converter=utc_moment)
    reason: ErasureReason
    reference: str = attrs.field(validator=storable)
    key_ids: tuple[bytes, ...]


def epoch_number(row: EpochRow) -> int:
    """Return the number in an epoch's name: 2 for ``k2``.

    Raises:
        KeyIntegrityError: the name is none.
    """
    digits = row.epoch.removeprefix(LETTERS[row.kind])
    if digits == row.epoch or not (digits.isascii() and digits.isdigit()) or len(digits) > 9:
        raise KeyIntegrityError(f"key epoch {row.epoch!r}", "has no name of an epoch")
    return int(digits)


def term_prefix(row: EpochRow) -> bytes:
    """Return the 4 bytes that every look-up term under an INDEX epoch begins with.

    Raises:
        KeyIntegrityError: its name is no name of an epoch.
    """
    return epoch_number(row).to_bytes(4, "big")


def destroyed(row: EpochRow) -> EpochRow:
    """Return what is left of an epoch once its key is gone.

    Raises:
        InvalidValue: it is not retired, or of the kind that lasts.
    """
    if row.kind is EpochKind.LASTING or row.state is not KeyState.RETIRED:
        raise InvalidValue("row", "is no retired epoch", "retire it first; what lasts stays")
    return attrs.evolve(row, state=KeyState.DESTROYED, wrapped=b"")


class KeyStore(Protocol):
    """Keeps the rows of one tenant. Safe to share among threads.

    Subject keys are written and destroyed in the store's one atomic batch, together with what they
    seal; here they are read, and wrapped anew. A store never judges a row, with one exception: no
    key row that is not DESTROYED, and no look-up term, comes to hang on an epoch whose key is gone.
    A process that has not heard of it would write a person whom nobody can ever read.
    """

    def keys(self, about: SubjectId) -> Sequence[KeyRow]:
        """Return every version of the person's key in order of version; empty when none."""
        ...

    def keys_of(self, people: Iterable[SubjectId]) -> Mapping[SubjectId, Sequence[KeyRow]]:
        """Return what ``keys`` returns of each of *people*; who has no key is left out."""
        ...

    def tombstone(self, mark: bytes) -> Tombstone | None:
        """Return the record of erasure under *mark*, or None."""
        ...

    def tombstones_of(self, marks: Iterable[bytes]) -> Mapping[bytes, Tombstone]:
        """Return the records of erasure under *marks*; marks without one are left out."""
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
        """Return every epoch of every kind."""
        ...

    def add_epoch(self, row: EpochRow) -> None:
        """Keep *row* durably, unless (kind, epoch) is there already: the first writer wins.

        A later writer's row is dropped without an error; who wants to know reads ``epochs()``.
        *Durably* means apart from any transaction of a host: keys of people are wrapped by it at
        once, and a host that rolled it back would leave their data unreadable.
        """
        ...

    def key_rows(
        self,
        *,
        kek: str | None = None,
        after: tuple[SubjectId, int] | None = None,
        limit: int,
    ) -> Sequence[KeyRow]:
        """Return at most *limit* key rows in order of (person, version).

        Args:
            kek: Only those wrapped by this epoch; None means all.
            after: Only those behind this person's version.
            limit: How many rows make a page.

        Raises:
            InvalidValue: *limit* is less than 1, or *kek* is no text that an epoch could bear.
        """
        ...

    def replace_keys(self, changes: Sequence[tuple[KeyRow, KeyRow]]) -> int:
        """Put new rows in the place of old ones, all in one transaction; return how many.

        Args:
            changes: Old row and new row of the same person and version. Where the stored row is
                no longer exactly the old one, it is left alone: somebody changed or erased it.

        Raises:
            InvalidValue: a new row is another person's or version's.
            KeyEpochDestroyed: a new row would hang on an epoch that is gone; nothing was stored.
        """
        ...

    def replace_epoch(self, old: EpochRow, new: EpochRow) -> bool:
        """Put *new* in the place of *old* durably; False when the stored row is another by now.

        Raises:
            InvalidValue: *new* is another epoch.
        """
        ...

    def destroy_epoch(self, row: EpochRow) -> bool:
        """Put ``destroyed(row)`` in the place of *row* in one transaction, if nothing hangs on it.

        On a KEK epoch hang the key rows that name it and are not DESTROYED, on an INDEX epoch the
        look-up terms that begin with its number.

        Returns:
            False when the stored row is another by now or something hangs on it; nothing changed.

        Raises:
            InvalidValue: *row* is not RETIRED, or of the kind that lasts.
        """
        ...

    def hanging(self) -> Mapping[str, int]:
        """Return how much hangs on each KEK and INDEX epoch that is kept, by its name.

        It counts everything that is stored and takes its time.
        """
        ...
