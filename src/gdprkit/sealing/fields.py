"""Sealed values of a host's own tables, under the keys of the people they are about.

Decides nothing new: it finds the person's key, seals and opens, and wraps what it opens. What is
sealed here closes with everything else when the person is erased. Leaves out where envelopes are
kept: that is the host's. Always true: an opened value comes as ``Personal``; a batch is of one
person and one key, whole or not at all.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, TypeAlias, final
from uuid import UUID

from gdprkit.sealing.canonical import Component
from gdprkit.sealing.envelope import (
    Opened,
    SealedField,
    seal,
    seal_many,
    unseal,
    unseal_each,
    unseal_many,
)
from gdprkit.sealing.errors import EnvelopeNotCanonical, NotAnEnvelope
from gdprkit.sealing.form import as_bytes, from_text, is_envelope
from gdprkit.sealing.keys import SubjectKeys, SubjectKeyVersions
from gdprkit.sealing.packed import SealedRecord, seal_record, unseal_record
from gdprkit.sealing.secret import KeepsSecrets
from gdprkit.words.identifiers import SubjectId, subject_id
from gdprkit.words.personal import Personal
from gdprkit.words.vocabulary import RestrictedUse

__all__ = ["MigratingReader", "PlaintextRead", "SealedFields"]

Envelope: TypeAlias = bytes | bytearray | memoryview


@final
class SealedFields(KeepsSecrets):
    """Seals and opens the fields of people. Safe to share among threads.

    Every method raises what ``SubjectKeys.of`` does: SubjectErased, KeyMissing and the rest. While
    the processing of a person is restricted (GDPR Art. 18), sealing is storing and goes on; what
    opens raises ProcessingRestricted unless a *ground* of Art. 18(2) is given. Something else in
    the place of a person raises NotASubjectId, and in that of a ground InvalidValue.

    Args:
        keys: The keys of the people of one tenant.
        random: Returns so many fresh random bytes.
    """

    __slots__ = ("_keys", "_random")

    def __init__(self, keys: SubjectKeys, *, random: Callable[[int], bytes] = os.urandom) -> None:
        self._keys: Final = keys
        self._random: Final = random

    def _of(self, about: SubjectId, ground: RestrictedUse | None) -> SubjectKeyVersions:
        if type(about) is not UUID:  # a call for each value would be felt
            about = subject_id(about)
        use = None if ground is None else RestrictedUse(ground)
        return self._keys.of(about, use=use)

    def _for_writing(self, about: SubjectId) -> SubjectKeyVersions:
        if type(about) is not UUID:
            about = subject_id(about)
        return self._keys.for_writing(about, use=RestrictedUse.STORAGE)

    def seal(
        self,
        about: SubjectId,
        value: object,
        field: SealedField,
        record_id: Component,
        *,
        revision: Component | None = None,
    ) -> bytes:
        """Return *value* as an envelope; see ``envelope.seal``."""
        try:
            key = self._for_writing(about).newest
            return seal(value, field, record_id, key, revision, self._random)
        finally:
            del value  # an error's frames are collected with their variables

    def seal_many(
        self, about: SubjectId, items: Sequence[tuple[object, SealedField, Component]]
    ) -> list[bytes]:
        """Seal triples of value, field and record id, all or none; see ``envelope.seal_many``."""
        try:
            key = self._for_writing(about).newest
            return seal_many(items, key, self._random)
        finally:
            del items

    def seal_record(
        self,
        about: SubjectId,
        values: Mapping[str, object],
        record: SealedRecord,
        record_id: Component,
    ) -> bytes:
        """Return a whole record as one envelope; see ``packed``."""
        try:
            key = self._for_writing(about).newest
            return seal_record(values, record, record_id, key, self._random)
        finally:
            del values

    def open(
        self,
        about: SubjectId,
        envelope: Envelope,
        field: SealedField,
        record_id: Component,
        *,
        revision: Component | None = None,
        ground: RestrictedUse | None = None,
    ) -> Personal[object]:
        """Return the sealed value; see ``envelope.unseal``."""
        keys = self._of(about, ground)
        return Personal(unseal(envelope, field, record_id, keys, revision))

    def open_many(
        self,
        about: SubjectId,
        items: Sequence[tuple[bytes, SealedField, Component]],
        *,
        ground: RestrictedUse | None = None,
    ) -> list[Personal[object]]:
        """Open triples of envelope, field and record id: all of them, or the first error."""
        return [Personal(value) for value in unseal_many(items, self._of(about, ground))]

    def open_each(
        self,
        about: SubjectId,
        items: Sequence[tuple[bytes, SealedField, Component]],
        *,
        ground: RestrictedUse | None = None,
    ) -> list[Opened]:
        """Open triples of envelope, field and record id, and say of each what became of it."""
        return [
            one if one.error else Opened(Personal(one.value))
            for one in unseal_each(items, self._of(about, ground))
        ]

    def open_record(
        self,
        about: SubjectId,
        envelope: Envelope,
        record: SealedRecord,
        record_id: Component,
        *,
        ground: RestrictedUse | None = None,
    ) -> dict[str, Personal[object]]:
        """Return the values of a packed record."""
        return unseal_record(envelope, record, record_id, self._of(about, ground))

    def renewed(
        self,
        about: SubjectId,
        envelope: Envelope,
        field: SealedField,
        record_id: Component,
        *,
        revision: Component | None = None,
    ) -> bytes:
        """Return *envelope* under the person's newest key and suite; as it is where it is so.

        A host calls it over its own tables before old versions of keys are destroyed, and when the
        time to live has passed since the new version was made: until then other processes may seal
        by the old one. The state of the key is read anew each time.
        """
        keys, blob = self._keys_now(about), as_bytes(envelope)
        if keys.key_for(blob) is keys.newest:
            return blob
        value = Personal(unseal(blob, field, record_id, keys, revision))
        return seal(value, field, record_id, keys.newest, revision, self._random)

    def renewed_record(
        self, about: SubjectId, envelope: Envelope, record: SealedRecord, record_id: Component
    ) -> bytes:
        """Return a packed record under the person's newest key and suite, as ``renewed`` does."""
        keys, blob = self._keys_now(about), as_bytes(envelope)
        if keys.key_for(blob) is keys.newest:
            return blob
        values = unseal_record(blob, record, record_id, keys)
        return seal_record(values, record, record_id, keys.newest, self._random)

    def _keys_now(self, about: SubjectId) -> SubjectKeyVersions:
        """Return the person's keys as they are stored now, whatever is remembered here."""
        about = subject_id(about)
        self._keys.forget(about)
        return self._for_writing(about)


class PlaintextRead(UserWarning):
    """A column that is being sealed still holds a plaintext."""


@final
class MigratingReader(KeepsSecrets):
    """Reads a column in which some values are not sealed yet, while it is being sealed.

    It is a door that accepts what nobody authenticated, so it is never the default: every
    plaintext is counted and warned of, and the class goes when the column is done. Whoever is
    erased, or restricted without a *ground*, is not read here either, sealed or not.

    Args:
        fields: Opens what is sealed.

    Attributes:
        plaintexts: How many values were not sealed.
    """

    __slots__ = ("_fields", "plaintexts")

    def __init__(self, fields: SealedFields) -> None:
        self._fields: Final = fields
        self.plaintexts = 0

    def read(
        self,
        about: SubjectId,
        stored: object,
        field: SealedField,
        record_id: Component,
        *,
        revision: Component | None = None,
        ground: RestrictedUse | None = None,
    ) -> Personal[object]:
        """Return the value, sealed or not; what is sealed as ``SealedFields.open`` does.

        A column of text may hold the text form of envelopes.
        """
        with suppress(NotAnEnvelope, EnvelopeNotCanonical):
            stored = from_text(stored)  # type: ignore[arg-type]  # refuses what is no text
        if isinstance(stored, (bytes, bytearray, memoryview)) and is_envelope(stored):
            return self._fields.open(
                about, stored, field, record_id, revision=revision, ground=ground
            )
        value = Personal(stored)
        del stored  # an error's frames are collected with their variables
        self._fields.open_many(about, (), ground=ground)  # opens nothing: may it be read at all?
        self.plaintexts += 1
        warnings.warn(
            f"a value of {field.record_type!r} {field.field!r} is not sealed yet",
            PlaintextRead,
            stacklevel=2,
        )
        return value
