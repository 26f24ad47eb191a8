"""Contact points as keyed hashes: to find people by, and to remember whom not to contact.

Decides the indexes, by use and kind of field, each with its own key: *lookup* terms live and die
with the value; *suppression* hashes survive an erasure (R-312). Fields of the same kind share an
index, so a person is found whichever field holds the address. Leaves out what a stop stops
(``policy``). Always true: a term is written under the newest epoch
and looked for under every usable one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias, final

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.policy.case import Suppressed
from gdprkit.policy.marketing_entry import CONTACT_POINTS
from gdprkit.register.register import Register
from gdprkit.sealing.errors import PlaintextTypeError, Unindexable
from gdprkit.sealing.index import IndexSpec
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.state.objection import Stop, StopKind
from gdprkit.storage.protocol import Store, Suppression
from gdprkit.words.identifiers import FieldId, PurposeId
from gdprkit.words.personal import reveal
from gdprkit.words.vocabulary import Channel, FieldKind, FilingSystem

__all__ = [
    "INDEXES",
    "ListHashes",
    "known_terms",
    "list_epochs",
    "list_hashes",
    "lookup_terms",
    "search_terms",
    "stops_from_list",
    "suppressed",
    "suppressions",
]

#: Fields with their values; a field may come more than once.
Values: TypeAlias = Sequence[tuple[FieldId, object]]

#: Returns, for each hash found, its rows.
FindOnList: TypeAlias = Callable[[Iterable[bytes]], Mapping[bytes, tuple[Suppression, ...]]]

_NORMALISERS: Final[Mapping[FieldKind, str]] = {
    FieldKind.EMAIL: "email-v1",
    FieldKind.PHONE: "e164-v1",
    FieldKind.POSTAL_ADDRESS: "casefold-v1",
    FieldKind.CUSTOMER_NUMBER: "exact-v1",
}

#: Filing system -> its look-up indexes. Each has keys of its own: the files are not joined by their
#: terms (R-405), and a person is found in both, to stop, ask or order again (R-410, R-411).
_LOOKUPS: Final[Mapping[FilingSystem, str]] = {
    FilingSystem.CUSTOMER: "lookup",
    FilingSystem.MARKETING: "lookup-marketing",
}
_SUPPRESSION: Final = "suppression"

#: Suppression hashes outlive the addresses and cannot be made again, so they are lasting.
INDEXES: Final[tuple[IndexSpec, ...]] = tuple(
    IndexSpec(name=f"{use}/{kind}", normalisers=normaliser, lasting=use == _SUPPRESSION)
    for use in (*_LOOKUPS.values(), _SUPPRESSION)
    for kind, normaliser in _NORMALISERS.items()
)
"""The blind indexes of a keeper; every value is found by all of its hash, so none is opened."""


def lookup_terms(
    register: Register,
    keys: SubjectKeys,
    field: FieldId,
    value: object,
    at: datetime,
    filing: FilingSystem,
) -> tuple[bytes, ...]:
    """Return the terms that are stored beside a value of the named filing system.

    None where the field is no declared look-up, or the filing system is not searched.
    """
    kind = _lookup_kind(register, field)
    if kind is None or filing not in _LOOKUPS:
        return ()
    try:
        return (_written(keys, _LOOKUPS[filing], kind, value, at),)
    except (Unindexable, PlaintextTypeError):
        raise _no_contact_point(field, kind) from None


def search_terms(
    register: Register, keys: SubjectKeys, field: FieldId, value: object
) -> tuple[bytes, ...] | None:
    """Return the terms a value may be stored under: in every filing system, of every usable epoch.

    None where the field is no declared look-up; empty when nothing was ever stored.
    """
    kind = _lookup_kind(register, field)
    if kind is None:
        return None
    uses = _LOOKUPS.values()
    return tuple(term for use in uses for term in _searched(keys, use, field, kind, value))


def known_terms(
    register: Register, keys: SubjectKeys, field: FieldId, value: object, at: datetime
) -> tuple[bytes, ...]:
    """Return the terms by which a person who is to be added may be known already.

    Makes the first epoch where there is none, or two people of the first batch would not meet.
    """
    terms = search_terms(register, keys, field, value)
    if terms == ():
        lookup_terms(register, keys, field, value, at, FilingSystem.CUSTOMER)
        terms = search_terms(register, keys, field, value)
    return terms or ()


def _lookup_kind(register: Register, field: FieldId) -> FieldKind | None:
    declared = register.fields.get(field)
    if declared is None or not declared.lookup or declared.kind not in _NORMALISERS:
        return None
    return declared.kind


def _written(keys: SubjectKeys, use: str, kind: FieldKind, value: object, at: datetime) -> bytes:
    return keys.term(f"{use}/{kind}", _text(value), at=at)


def _searched(
    keys: SubjectKeys, use: str, field: FieldId, kind: FieldKind, value: object
) -> tuple[bytes, ...]:
    try:
        return keys.terms(f"{use}/{kind}", _text(value))
    except (Unindexable, PlaintextTypeError):
        raise _no_contact_point(field, kind) from None


def _text(value: object) -> str:
    return reveal(value)  # type: ignore[return-value]  # the index refuses what is no text


def _contact_points(
    register: Register, values: Values
) -> Iterator[tuple[FieldId, FieldKind, object]]:
    for field, value in values:
        declared = register.fields.get(field)
        if declared is not None and declared.kind in CONTACT_POINTS:
            yield field, declared.kind, value


@final
@attrs.frozen(kw_only=True)
class ListHashes:
    """Contact points as the suppression list knows them.

    Args:
        channels: The channels that the contact points serve; none where there is no point.
        hashes: Their hashes, of every usable epoch.
    """

    channels: frozenset[Channel]
    hashes: tuple[bytes, ...] = attrs.field(repr=False)


def list_hashes(register: Register, keys: SubjectKeys, values: Values) -> ListHashes:
    """Return the hashes by which the suppression list is asked about the contact points."""
    channels: set[Channel] = set()
    hashes: list[bytes] = []
    for field, kind, value in _contact_points(register, values):
        channels |= CONTACT_POINTS[kind]
        hashes += _searched(keys, _SUPPRESSION, field, kind, value)
    return ListHashes(channels=frozenset(channels), hashes=tuple(hashes))


def list_epochs(keys: SubjectKeys) -> tuple[int, ...]:
    """Return the key epochs of the hashes: while these are the same, so are the hashes of a value.

    Raises:
        KeyIntegrityError, KeyEpochDestroyed, KeyProviderUnavailable, KeyProviderDenied: as
            ``SubjectKeys.terms`` does.
    """
    return keys.searched(f"{_SUPPRESSION}/{FieldKind.EMAIL}")


def _listed(find: FindOnList, points: ListHashes) -> list[Suppression]:
    """Return what the list says of all contact points; it is read each time."""
    found = find(points.hashes) if points.hashes else {}
    return [row for rows in found.values() for row in rows]


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
    hashes: dict[bytes, None] = {}
    for _, kind, value in _contact_points(register, values):
        try:
            hashes[_written(keys, _SUPPRESSION, kind, value, at)] = None
        except (Unindexable, PlaintextTypeError):
            continue  # an older register let it in; a stop is never refused for that
    rows: dict[tuple[bytes, tuple[str, str, str, str]], Suppression] = {}
    stopped = tuple(stops)
    for hashed in hashes:
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
    find: FindOnList,
    points: ListHashes,
    purpose: PurposeId,
    at: datetime,
    own: Iterable[Stop],
) -> Suppressed:
    """Look the contact points up in the suppression list, for one purpose at one moment.

    Args:
        find: Looks hashes up in the list: ``Store.suppressed``, or what it said of a whole page.
        points: The hashes of the contact points.
        purpose: The marketing purpose asked about.
        at: The moment asked about.
        own: The stops on the person's own line. The policy judges them with everything else it
            knows of the person; the list adds what others said about the same address.
    """
    rows = _listed(find, points)
    if not rows:
        return Suppressed(looked=points.channels)
    known: dict[tuple[str, str, str, str], datetime] = {}
    for stop in own:
        scope = _row(b"-", stop).scope
        known[scope] = max(stop.at, known.get(scope, stop.at))
    hits: dict[Channel, datetime] = {}
    for row in rows:
        if row.since > at or row.purpose not in (None, purpose):
            continue
        if row.scope in known and known[row.scope] >= row.since:
            continue
        for channel in row.channels or frozenset(Channel):
            hits[channel] = max(row.since, hits.get(channel, row.since))
    return Suppressed(looked=points.channels, hits=hits)


def stops_from_list(
    register: Register, keys: SubjectKeys, store: Store, values: Values
) -> tuple[Suppression, ...]:
    """Return the stops that new values meet on the suppression list, each scope once."""
    rows = _listed(store.suppressed, list_hashes(register, keys, values))
    found: dict[tuple[str, str, str, str], Suppression] = {}
    for row in rows:
        same = found.get(row.scope)
        found[row.scope] = row if same is None or row.since > same.since else same
    return tuple(found[scope] for scope in sorted(found))
