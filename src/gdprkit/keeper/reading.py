"""Finding people by a contact point, and opening the values held about one of them.

Decides which values a reader gets, and refuses under a restriction. Leaves out the answer to a
request for access, which reads every filing system (``answer``). Always true: only what is asked
for is opened, with the person's own keys; a look-up never opens anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gdprkit.errors import ChainBroken, UnknownName
from gdprkit.keeper.bench import Bench
from gdprkit.keeper.contacts import search_terms
from gdprkit.keeper.line import View, surviving_of, view
from gdprkit.keeper.sealed import open_values
from gdprkit.policy.marketing_entry import CONTACT_POINTS
from gdprkit.sealing.errors import (
    FieldCryptoError,
    KeyEpochDestroyed,
    KeyProviderDenied,
    KeyProviderUnavailable,
    ProcessingRestricted,
)
from gdprkit.state.data import HeldValue
from gdprkit.words.identifiers import FieldId, SubjectId
from gdprkit.words.personal import Personal
from gdprkit.words.vocabulary import FilingSystem, RestrictedUse

__all__ = ["contact_points", "contact_values", "is_restricted", "opened", "people_by"]


def people_by(bench: Bench, fields: Mapping[str, str | Personal[str]]) -> tuple[SubjectId, ...]:
    """Return the people whose contact points match all fields.

    Raises:
        UnknownName: the register declares no such field, or it is no look-up.
        InvalidValue: a value is no contact point of its kind.
        KeyEpochDestroyed: every epoch of look-up terms was destroyed.
    """
    results: list[frozenset[SubjectId]] = []
    for name, value in fields.items():
        known = name in bench.register.fields
        declared = bench.register.field(name if known else name.replace("_", "-"))
        terms = search_terms(bench.register, bench.keys, declared.id, value)
        if terms is None:
            raise UnknownName("look-up field")
        found = bench.store.find(terms)
        results.append(frozenset(s for people in found.values() for s in people))
    matching = frozenset.intersection(*results) if results else frozenset()
    return tuple(sorted(matching))


def opened(
    bench: Bench, about: SubjectId, fields: Iterable[str], use: RestrictedUse | None = None
) -> dict[FieldId, Personal[Any]]:
    """Open values of the customer file and the marketing register, the newest of each field.

    Args:
        bench: What the keeper works with.
        about: The person.
        fields: Which fields; none means all.
        use: The ground of Art. 18(2) on which they are read under a restriction.

    Raises:
        ProcessingRestricted: processing is restricted, and *use* names no ground.
        SubjectErased: the person's key was destroyed.
        ChainBroken: a value is not the one its entry names.
        UnknownName: the register declares no such field.
    """
    wanted = {bench.register.field(f).id for f in fields}
    found = view(bench.store, about)
    held = [
        v
        for v in found.standing.data.values
        if v.filing in (FilingSystem.CUSTOMER, FilingSystem.MARKETING)
        and (not wanted or v.field in wanted)
    ]
    if not held and found.standing.data.erased_at is None:
        return {}
    if use is None and is_restricted(bench, found):
        raise ProcessingRestricted(about)  # the line is the truth, whatever the key rows say
    versions = bench.keys.of(about, use=use)
    return {
        value.field: personal for value, personal in open_values(bench.store, versions, about, held)
    }


def contact_points(bench: Bench, view: View) -> list[HeldValue]:
    """Return the contact points a person has, in the customer file and the marketing register."""
    fields = bench.register.fields
    return [
        value
        for value in view.standing.data.values
        if value.filing in (FilingSystem.CUSTOMER, FilingSystem.MARKETING)
        and (declared := fields.get(value.field)) is not None
        and declared.kind in CONTACT_POINTS
    ]


def contact_values(
    bench: Bench, view: View, *, damaged: bool = False
) -> list[tuple[FieldId, object]]:
    """Open the contact points a person has, in the customer file and the marketing register.

    Args:
        bench: What the keeper works with.
        view: The person.
        damaged: Leave out what cannot be opened: a stop is recorded although the vault is damaged,
            and ``verify`` tells of the damage.

    Raises:
        ChainBroken, FieldCryptoError: a value cannot be opened, unless *damaged*.
        KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
    """
    held = contact_points(bench, view)
    if not held or view.position == 0:
        return []
    # read for a stop of the person, to keep it, or to look whether there is one
    try:
        versions = bench.keys.of(view.about, use=RestrictedUse.OWN_REQUEST)
    except KeyEpochDestroyed:
        if not damaged:
            raise
        return []  # nothing of it can be opened ever again; any other error may be mended
    found: list[tuple[FieldId, object]] = []
    for part in [[value] for value in held] if damaged else [held]:
        try:
            opened = open_values(bench.store, versions, view.about, part)
        except (KeyProviderDenied, KeyProviderUnavailable):
            raise  # no damage: it can be opened another time, and the stop is remembered then
        except (ChainBroken, FieldCryptoError):
            if not damaged:
                raise
        else:
            found.extend((value.field, personal) for value, personal in opened)
    return found


def is_restricted(bench: Bench, found: View) -> bool:
    """Return whether the line is restricted, or one that goes on in its place: the same person."""
    lines = (found.standing, *surviving_of(bench.store, found))
    return any(line.objection.restrictions for line in lines)
