"""Contact points as keyed hashes: to find people by, and to remember whom not to contact.

Two indexes a kind of field, each with its own key: *lookup* terms live and die with the value;
*suppression* hashes survive an erasure (R-312). Fields of the same kind share an index, so a person
is found whichever field holds the address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import attrs

from gdprkit.policy.case import Suppressed
from gdprkit.policy.connection import CONTACT_POINTS
from gdprkit.register.register import Register
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.storage.protocol import Store, Suppression
from gdprkit.words.identifiers import FieldId, PurposeId
from gdprkit.words.personal import reveal
from gdprkit.words.vocabulary import Actor, Channel, FieldKind, FilingSystem

__all__ = ["lookup_terms", "stops_from_list", "suppressed", "suppressions"]

_NORMALISERS: Final[Mapping[FieldKind, str]] = {
    FieldKind.EMAIL: "email-v1",
    FieldKind.PHONE: "e164-v1",
    FieldKind.POSTAL_ADDRESS: "casefold-v1",
    FieldKind.CUSTOMER_NUMBER: "exact-v1",
}

#: A telephone number is one contact point for calls and for messages (R-302, R-304).
_CHANNELS: Final[Mapping[FieldKind, frozenset[Channel]]] = {
    FieldKind.EMAIL: frozenset({Channel.EMAIL}),
    FieldKind.PHONE: frozenset({Channel.PHONE, Channel.SMS}),
    FieldKind.POSTAL_ADDRESS: frozenset({Channel.POST}),
}


def _hash(keys: SubjectKeys, use: str, kind: FieldKind, value: object, at: datetime) -> bytes:
    index = keys.index(f"{use}/{kind}", _NORMALISERS[kind], at=at)
    return index.term(reveal(value))  # type: ignore[arg-type]  # the index refuses what is no text


#: Filing system -> its look-up indexes. Each has keys of its own: the files are not joined by their
#: terms (R-405), and a person is found in both, to stop, ask or order again (R-410, R-411).
_LOOKUPS: Final[Mapping[FilingSystem, str]] = {
    FilingSystem.CUSTOMER: "lookup",
    FilingSystem.MARKETING: "lookup-marketing",
}


def lookup_terms(
    register: Register,
    keys: SubjectKeys,
    field: FieldId,
    value: object,
    at: datetime,
    *filings: FilingSystem,
) -> tuple[bytes, ...]:
    """Return the terms a value is found by in the named filing systems; by default in all.

    None where the field is no declared look-up, or the filing system is not searched.
    """
    declared = register.fields.get(field)
    if declared is None or not declared.lookup or declared.kind not in _NORMALISERS:
        return ()
    return tuple(
        _hash(keys, use, declared.kind, value, at)
        for filing, use in _LOOKUPS.items()
        if not filings or filing in filings
    )


def _points(
    register: Register, keys: SubjectKeys, values: Mapping[FieldId, object], at: datetime
) -> Iterator[tuple[bytes, FieldKind]]:
    for field, value in values.items():
        declared = register.fields.get(field)
        if declared is not None and declared.kind in CONTACT_POINTS:
            yield _hash(keys, "suppression", declared.kind, value, at), declared.kind


def suppressions(
    register: Register,
    keys: SubjectKeys,
    values: Mapping[FieldId, object],
    channels: frozenset[Channel],
    *,
    purpose: PurposeId | None,
    since: datetime,
    author: Actor,
) -> tuple[Suppression, ...]:
    """Return the rows that remember a stop for the contact points it reaches.

    Args:
        register: What is declared.
        keys: Make the hashes.
        values: Contact points, field -> value.
        channels: Channels the stop is limited to; empty means every channel.
        purpose: The one purpose it is limited to; None is all marketing.
        since: When it was made.
        author: Who made it.
    """
    rows = []
    for hashed, kind in _points(register, keys, values, since):
        reached = _CHANNELS[kind] & channels if channels else _CHANNELS[kind]
        if reached:
            rows.append(
                Suppression(
                    hash=hashed, channels=reached, purpose=purpose, since=since, author=author
                )
            )
    return tuple({row.hash: row for row in rows}.values())


def suppressed(
    register: Register,
    keys: SubjectKeys,
    store: Store,
    values: Mapping[FieldId, object],
    purpose: PurposeId,
    at: datetime,
) -> Suppressed:
    """Look the contact points up in the suppression list, for one purpose at one moment."""
    points = dict(_points(register, keys, values, at))
    looked = frozenset[Channel]().union(*(_CHANNELS[kind] for kind in points.values()))
    found = store.suppressed(points) if points else {}
    hits: dict[Channel, datetime] = {}
    for hashed, rows in found.items():
        for row in rows:
            if row.since > at or row.purpose not in (None, purpose):
                continue
            for channel in (row.channels or _CHANNELS[points[hashed]]) & looked:
                hits[channel] = min(row.since, hits.get(channel, row.since))
    return Suppressed(looked=looked, hits=hits)


def stops_from_list(
    register: Register,
    keys: SubjectKeys,
    store: Store,
    values: Mapping[FieldId, object],
    at: datetime,
) -> tuple[Suppression, ...]:
    """Return the stops a new value meets on the suppression list, their channels spelled out."""
    points = dict(_points(register, keys, values, at))
    found = store.suppressed(points) if points else {}
    return tuple(
        attrs.evolve(row, channels=row.channels or _CHANNELS[points[hashed]])
        for hashed, rows in sorted(found.items())
        for row in rows
    )
