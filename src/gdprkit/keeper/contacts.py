"""Contact points as keyed hashes: to find people by, and to remember whom not to contact.

Two indexes a kind of field, each with its own key: *lookup* terms live and die with the value;
*suppression* hashes survive an erasure (R-312). Fields of the same kind share an index, so a person
is found whichever field holds the address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from gdprkit.errors import InvalidValue
from gdprkit.policy.case import Suppressed
from gdprkit.policy.marketing_entry import CONTACT_POINTS
from gdprkit.register.register import Register
from gdprkit.sealing.errors import PlaintextTypeError, Unindexable
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.state.objection import Stop, StopKind
from gdprkit.storage.protocol import Store, Suppression
from gdprkit.words.identifiers import FieldId, PurposeId
from gdprkit.words.personal import reveal
from gdprkit.words.vocabulary import Channel, FieldKind, FilingSystem

__all__ = ["lookup_terms", "stops_from_list", "suppressed", "suppressions"]

#: Fields with their values; a field may come more than once.
Values: TypeAlias = Sequence[tuple[FieldId, object]]

_NORMALISERS: Final[Mapping[FieldKind, str]] = {
    FieldKind.EMAIL: "email-v1",
    FieldKind.PHONE: "e164-v1",
    FieldKind.POSTAL_ADDRESS: "casefold-v1",
    FieldKind.CUSTOMER_NUMBER: "exact-v1",
}

_SUPPRESSION: Final = "suppression"


def _hash(keys: SubjectKeys, use: str, kind: FieldKind, value: object, at: datetime) -> bytes:
    lasting = use == _SUPPRESSION  # its hashes outlive the addresses and cannot be made again
    index = keys.index(f"{use}/{kind}", _NORMALISERS[kind], at=at, lasting=lasting)
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
    try:
        return tuple(
            _hash(keys, use, declared.kind, value, at)
            for filing, use in _LOOKUPS.items()
            if not filings or filing in filings
        )
    except (Unindexable, PlaintextTypeError):
        raise _no_contact_point(field, declared.kind) from None


def _points(
    register: Register, keys: SubjectKeys, values: Values, at: datetime, *, lenient: bool = False
) -> dict[bytes, FieldKind]:
    """Return the hashes of the contact points among *values*.

    Args:
        register: What is declared.
        keys: Make the hashes.
        values: Fields with values.
        at: Now.
        lenient: Leave out a value that is no contact point of its kind: a stop is never refused for
            what an older register let in.
    """
    found: dict[bytes, FieldKind] = {}
    for field, value in values:
        declared = register.fields.get(field)
        if declared is None or declared.kind not in CONTACT_POINTS:
            continue
        try:
            hashed = _hash(keys, _SUPPRESSION, declared.kind, value, at)
        except (Unindexable, PlaintextTypeError):
            if not lenient:
                raise _no_contact_point(field, declared.kind) from None
        else:
            found[hashed] = declared.kind
    return found


def _no_contact_point(field: FieldId, kind: FieldKind) -> InvalidValue:
    what, cure = _WORDS[kind]
    return InvalidValue(str(field), f"is no {what}", cure)


_WORDS: Final[Mapping[FieldKind, tuple[str, str]]] = {
    FieldKind.EMAIL: ("e-mail address", "correct it, or leave the field out"),
    FieldKind.PHONE: ("telephone number", "write it with its country, +358 40 …"),
    FieldKind.POSTAL_ADDRESS: ("postal address", "pass it as one text"),
    FieldKind.CUSTOMER_NUMBER: ("customer number", "pass it as text"),
}


def suppressions(
    register: Register,
    keys: SubjectKeys,
    values: Values,
    stops: Iterable[Stop],
    *,
    at: datetime,
) -> tuple[Suppression, ...]:
    """Return the rows that remember stops for contact points: one for each point and scope.

    A row keeps the whole scope of its stop, also channels that the contact point does not serve:
    whoever is met again by this address has said no to those as well (R-311, R-416). A withdrawn
    or refused consent closes its channels for all marketing (R-211).
    """
    rows: dict[tuple[bytes, tuple[str, str, str, str]], Suppression] = {}
    stopped = tuple(stops)
    for hashed in _points(register, keys, values, at, lenient=True):
        for stop in stopped:
            row = _row(hashed, stop)
            same = rows.get((hashed, row.scope))
            rows[hashed, row.scope] = row if same is None else same.renewed(row)
    return tuple(rows.values())


def _row(hashed: bytes, stop: Stop) -> Suppression:
    limited = stop.kind in (StopKind.OBJECTION, StopKind.PROHIBITION)
    return Suppression(
        hash=hashed,
        kind=stop.kind,
        channels=stop.channels,
        purpose=stop.purpose if limited else None,
        since=stop.at,
        author=stop.by,
    )


def suppressed(
    register: Register,
    keys: SubjectKeys,
    store: Store,
    values: Values,
    purpose: PurposeId,
    at: datetime,
    own: Iterable[Stop],
) -> Suppressed:
    """Look the contact points up in the suppression list, for one purpose at one moment.

    Args:
        register: What is declared.
        keys: Make the hashes.
        store: Holds the list.
        values: Contact points.
        purpose: The marketing purpose asked about.
        at: The moment asked about.
        own: The stops on the person's own line. The policy judges them with everything else it
            knows of the person; the list adds what others said about the same address.
    """
    points = _points(register, keys, values, at)
    known: dict[tuple[str, str, str, str], datetime] = {}
    for stop in own:
        scope = _row(b"-", stop).scope
        known[scope] = max(stop.at, known.get(scope, stop.at))
    looked = frozenset[Channel]().union(*(CONTACT_POINTS[kind] for kind in points.values()))
    hits: dict[Channel, datetime] = {}
    for rows in (store.suppressed(points) if points else {}).values():
        for row in rows:
            if row.since > at or row.purpose not in (None, purpose):
                continue
            if row.scope in known and known[row.scope] >= row.since:
                continue
            for channel in row.channels or frozenset(Channel):
                hits[channel] = max(row.since, hits.get(channel, row.since))
    return Suppressed(looked=looked, hits=hits)


def stops_from_list(
    register: Register, keys: SubjectKeys, store: Store, values: Values, at: datetime
) -> tuple[Suppression, ...]:
    """Return the stops that new values meet on the suppression list, each scope once."""
    points = _points(register, keys, values, at)
    found: dict[tuple[str, str, str, str], Suppression] = {}
    for rows in (store.suppressed(points) if points else {}).values():
        for row in rows:
            same = found.get(row.scope)
            found[row.scope] = row if same is None or row.since > same.since else same
    return tuple(found[scope] for scope in sorted(found))
