"""Sealing values into the vault and opening them again.

Decides what a value of the vault is bound to: its person, slot, filing system and field; a copy in
another filing system is sealed anew. Leaves out whether it may be opened, which whoever asks for
the keys decides, and columns of a host (``gdprkit.sealing.fields``). Always true: no value is
opened that is not the one its entry names, and what is opened travels as ``Personal``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import final

import attrs

from gdprkit.errors import ChainBroken
from gdprkit.facts.sealed import SealedValue
from gdprkit.keeper.contacts import lookup_terms
from gdprkit.register.register import Register
from gdprkit.sealing.envelope import SealedField, seal_many, unseal_many
from gdprkit.sealing.keys import SubjectKeys, SubjectKeyVersions
from gdprkit.state.data import HeldValue
from gdprkit.storage.protocol import Store, VaultPut
from gdprkit.words.identifiers import FieldId, Slot, SubjectId, uuid_from
from gdprkit.words.personal import Personal
from gdprkit.words.vocabulary import FilingSystem

__all__ = [
    "SealedBatch",
    "check_envelopes",
    "check_found",
    "open_found",
    "open_values",
    "reseal_values",
    "seal_values",
]


@final
@attrs.frozen(kw_only=True)
class SealedBatch:
    """Sealed values as facts name them, and the vault rows that hold them."""

    values: tuple[SealedValue, ...]
    puts: tuple[VaultPut, ...]


def seal_values(
    values: Sequence[tuple[FieldId, object]],
    filing: FilingSystem,
    *,
    keys: SubjectKeys,
    versions: SubjectKeyVersions,
    register: Register,
    at: datetime,
    random: Callable[[int], bytes],
) -> SealedBatch:
    """Seal values of one person for one filing system.

    The customer file and the marketing register are found by contact point, each by an index of its
    own; copies elsewhere carry no look-up terms.
    """
    slots = [Slot(uuid_from(random(16))) for _ in values]
    envelopes = seal_many(
        [
            (value, _place(filing, field, _pad(register, field)), slot)
            for (field, value), slot in zip(values, slots, strict=True)
        ],
        versions.newest,
        random,
    )
    sealed, puts = [], []
    for (field, value), slot, envelope in zip(values, slots, envelopes, strict=True):
        terms = lookup_terms(register, keys, field, value, at, filing)
        puts.append(VaultPut(slot=slot, envelope=envelope, terms=terms))
        sealed.append(
            SealedValue(field=field, slot=slot, digest=sha256(envelope).hexdigest(), filing=filing)
        )
    return SealedBatch(values=tuple(sealed), puts=tuple(puts))


def reseal_values(
    opened: Sequence[tuple[HeldValue, Personal[object]]],
    *,
    versions: SubjectKeyVersions,
    register: Register,
    random: Callable[[int], bytes],
) -> dict[Slot, bytes]:
    """Seal values that ``open_values`` opened under the newest key, each for the slot it is in."""
    items = [
        (value, _place(held.filing, held.field, _pad(register, held.field)), held.slot)
        for held, value in opened
    ]
    envelopes = seal_many(items, versions.newest, random)
    return {held.slot: envelope for (held, _), envelope in zip(opened, envelopes, strict=True)}


def check_envelopes(
    store: Store, about: SubjectId, held: Iterable[HeldValue]
) -> Mapping[Slot, bytes]:
    """Return the envelopes of the held values, each checked against the hash its entry names.

    Raises:
        ChainBroken: a value is gone or is not the one the entry names.
    """
    wanted = tuple(held)
    found = store.values(about, [value.slot for value in wanted])
    check_found(about, wanted, found)
    return found


def check_found(about: SubjectId, wanted: Iterable[HeldValue], found: Mapping[Slot, bytes]) -> None:
    """Hold envelopes that were read against the hashes that entries name.

    Raises:
        ChainBroken: a value is gone or is not the one the entry names.
    """
    for value in wanted:
        envelope = found.get(value.slot)
        if envelope is None:
            raise ChainBroken(about, value.position, "a value it names is gone from the vault")
        if sha256(envelope).hexdigest() != value.digest:
            raise ChainBroken(about, value.position, "a value in the vault is not the one it names")


def open_values(
    store: Store, versions: SubjectKeyVersions, about: SubjectId, held: Iterable[HeldValue]
) -> tuple[tuple[HeldValue, Personal[object]], ...]:
    """Open held values.

    Raises:
        ChainBroken: a value is gone or is not the one its entry names.
        FieldCryptoError: a value cannot be opened.
    """
    wanted = tuple(held)
    return open_found(versions, wanted, check_envelopes(store, about, wanted))


def open_found(
    versions: SubjectKeyVersions, wanted: Iterable[HeldValue], envelopes: Mapping[Slot, bytes]
) -> tuple[tuple[HeldValue, Personal[object]], ...]:
    """Open held values whose envelopes were read and checked.

    Raises:
        FieldCryptoError: a value cannot be opened.
    """
    wanted = tuple(wanted)
    items = [(envelopes[v.slot], _place(v.filing, v.field), v.slot) for v in wanted]
    opened = unseal_many(items, versions)
    return tuple((v, Personal(value)) for v, value in zip(wanted, opened, strict=True))


@lru_cache(maxsize=4096)
def _place(filing: FilingSystem, field: FieldId, pad: int = 0) -> SealedField:
    """Return what values of a field are bound to: declared names, few, the same for everybody."""
    return SealedField(str(filing), str(field), pad=pad)


def _pad(register: Register, field: FieldId) -> int:
    """Return how a field hides its length; one of a request's text, or of an old register, not."""
    declared = register.fields.get(field)
    return declared.pad if declared is not None else 0
