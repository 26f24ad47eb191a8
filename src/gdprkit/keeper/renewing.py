"""A person's values under a new key, or found by new terms; old versions of the key destroyed.

Decides what goes into the one batch that does it. Leaves out key epochs and root keys
(``gdprkit.sealing.rotation``), which need no value, and going over many people (``key_care``).

Always true: each batch is whole. Before it everything is under the old key and after it under the
new one; a line that somebody wrote to meanwhile is not touched. A version is destroyed only when no
value is under it, no process can seal by it any more, and nothing keeps it: no hold, no restriction
(GDPR Art. 18).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

import attrs

from gdprkit.errors import InvalidValue, PositionTaken
from gdprkit.facts.data import DataResealed
from gdprkit.facts.sealed import SealedValue
from gdprkit.keeper.contacts import lookup_terms
from gdprkit.keeper.line import View, unchanged
from gdprkit.keeper.reading import is_restricted
from gdprkit.keeper.sealed import check_envelopes, open_values, reseal_values
from gdprkit.keeper.writing import Bench, Draft, add, finish
from gdprkit.sealing.errors import (
    KeyInUse,
    KeyMissing,
    ProcessingRestricted,
    RotationTooEarly,
    ShredHeld,
)
from gdprkit.sealing.form import key_id_of
from gdprkit.sealing.rows import KeyRow, KeyState
from gdprkit.state.data import HeldValue
from gdprkit.storage.protocol import Batch, VaultPut
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.personal import Personal
from gdprkit.words.vocabulary import RestrictedUse

__all__ = ["newest_key", "renewed", "with_new_terms", "without_old_versions"]


def newest_key(bench: Bench, about: SubjectId) -> KeyRow | None:
    """Return the newest version of the person's key; None for somebody without keys."""
    rows = sorted(bench.store.keys(about), key=lambda row: row.version)
    return rows[-1] if rows else None


def renewed(bench: Bench, before: View, now: datetime, *, by: str | None = None) -> Batch:
    """Return the batch that gives a person a new key and seals every value under it.

    The old version stays for reading: other processes may seal by it for a while. Holds and
    restrictions of the key go with it. Look-up terms are made anew under the newest epoch.

    Raises:
        SubjectErased, KeyMissing: there is no key to renew.
        ChainBroken, FieldCryptoError: a value cannot be opened.
        PositionTaken: somebody else made the next version meanwhile.
    """
    about, held = before.about, before.standing.data.values
    bench.keys.forget(about)
    # tells whoever lost their keys, for whom nothing is made; sealing anew is a part of storing
    known = bench.keys.of(about, use=RestrictedUse.STORAGE)
    old = newest_key(bench, about)
    if old is None:  # erased between the two lines above
        raise KeyMissing(about)
    try:
        versions, row = bench.keys.create(about, at=now, version=old.version + 1)
    except InvalidValue:  # somebody else made the next version between two of our reads
        raise PositionTaken(about, before.position) from None
    opened = open_values(bench.store, known, about, held)
    envelopes = reseal_values(
        opened, versions=versions, register=bench.register, random=bench.random
    )
    draft = Draft(bench=bench, before=before, now=now, view=before, by=by)
    values = []
    for value, personal in opened:
        envelope = envelopes[value.slot]
        draft.puts.append(
            VaultPut(slot=value.slot, envelope=envelope, terms=_terms(bench, value, personal, now))
        )
        values.append(
            SealedValue(
                field=value.field,
                slot=value.slot,
                digest=sha256(envelope).hexdigest(),
                filing=value.filing,
            )
        )
    add(draft, [DataResealed(values=values, key_id=row.key_id.hex())], now)
    keys = (
        attrs.evolve(old, state=KeyState.RETIRED),
        attrs.evolve(row, on_hold=old.on_hold, restricted=old.restricted),
    )
    return attrs.evolve(finish(draft).batch, keys=keys)


def with_new_terms(bench: Bench, before: View, now: datetime) -> Batch | None:
    """Return the batch that hangs the person's look-up terms on the newest epoch, without entries.

    None when they hang there already, or there are none.

    Raises:
        SubjectErased, KeyMissing: there is no key to open the values with.
        ChainBroken, FieldCryptoError: a value cannot be opened.
    """
    about = before.about
    there = bench.store.terms(about)
    found = [v for v in before.standing.data.values if v.slot in there or _is_searched(bench, v)]
    if not found:
        return None
    opened = open_values(bench.store, bench.keys.of(about, use=RestrictedUse.STORAGE), about, found)
    wanted = {value.slot: _terms(bench, value, personal, now) for value, personal in opened}
    moved = [s for s, terms in wanted.items() if frozenset(terms) != there.get(s, frozenset())]
    envelopes = bench.store.values(about, moved)
    if not moved or len(envelopes) < len(moved):  # erased in this moment: nothing is left to find
        return None
    puts = [VaultPut(slot=s, envelope=envelopes[s], terms=wanted[s]) for s in moved]
    return attrs.evolve(unchanged(before, bench.case(before, now)), puts=puts)


def without_old_versions(bench: Bench, before: View, now: datetime) -> Batch | None:
    """Return the batch that destroys the versions of a person's key that seal nothing any more.

    None when there is none to destroy.

    Raises:
        ShredHeld: a key is on hold.
        ProcessingRestricted: processing is restricted to storage, so nothing is destroyed (GDPR
            Art. 18(2)); no ground is taken, the restriction has to be lifted first.
        RotationTooEarly: another process may still seal by the version before the newest.
        KeyInUse: values are sealed by an old version; renew the key.
    """
    about = before.about
    rows = sorted(bench.store.keys(about), key=lambda row: row.version)
    old = [row for row in rows if row.state is KeyState.RETIRED]
    if not old:
        return None
    if any(row.on_hold for row in rows):
        raise ShredHeld(about)
    # the line is the truth, and the key rows too: either of them keeps everything where it is
    if any(row.restricted for row in rows) or is_restricted(bench, before):
        raise ProcessingRestricted(about)
    free = max(row.created for row in rows) + timedelta(seconds=bench.keys.settings.ttl)
    if now < free:
        raise RotationTooEarly(f"key version {old[-1].version} of subject {about}", free)
    envelopes = check_envelopes(bench.store, about, before.standing.data.values)
    used = [key_id_of(envelope) for envelope in envelopes.values()]
    for row in old:
        if count := used.count(row.key_id):
            what = f"key version {row.version} of subject {about}"
            raise KeyInUse(what, count, "renew the key of the person, then try again")
    gone = [attrs.evolve(row, state=KeyState.DESTROYED, wrapped=b"") for row in old]
    return attrs.evolve(unchanged(before, bench.case(before, now)), keys=gone)


def _is_searched(bench: Bench, value: HeldValue) -> bool:
    declared = bench.register.fields.get(value.field)
    return declared is not None and declared.lookup


def _terms(
    bench: Bench, value: HeldValue, personal: Personal[object], now: datetime
) -> tuple[bytes, ...]:
    """Return the terms of a value under the newest epoch; what an older register let in has none.

    The one place that makes terms of values that are held already.
    """
    try:
        return lookup_terms(bench.register, bench.keys, value.field, personal, now, value.filing)
    except InvalidValue:
        return ()
