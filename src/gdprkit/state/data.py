"""Who the person is to us and which values we hold: folded from the data facts.

Values are known by slot, never by content. A value held in the customer file, the marketing
register and the archive is three values.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, final

import attrs

from gdprkit.facts.connection import (
    ActivityNoted,
    ConnectionEnded,
    ConnectionStarted,
    ContactHeld,
)
from gdprkit.facts.consent import ConsentConfirmed, ConsentGiven
from gdprkit.facts.data import (
    CircumstanceNoted,
    DataCollected,
    DataErased,
    DataRectified,
    DataResealed,
    PersonErased,
    SubjectAdded,
)
from gdprkit.facts.entry import Entry
from gdprkit.facts.merge import MergedFrom, MergeReversed
from gdprkit.facts.request import RequestReceived
from gdprkit.facts.retention import Archived, MovedToMarketing
from gdprkit.facts.sealed import SealedValue
from gdprkit.state._shape import Fold, Writing
from gdprkit.words.identifiers import FieldId, NoticeId, PurposeId, Slot, SourceId, SubjectId
from gdprkit.words.vocabulary import (
    Actor,
    Circumstance,
    EndCause,
    ErasureReason,
    FilingSystem,
    Right,
    SubjectKind,
)

__all__ = ["Acts", "Changed", "DataState", "HeldValue", "KnownCircumstance", "hold"]


@final
@attrs.frozen(kw_only=True)
class HeldValue:
    """One value in the vault: where it came from, when, and under which rule it stays."""

    field: FieldId
    slot: Slot
    digest: str
    filing: FilingSystem
    at: datetime
    position: int
    source: SourceId | None = None
    notice: NoticeId | None = None
    purpose: PurposeId | None = None  # archive and marketing values live for one purpose only
    until: str | None = None  # ISO day, last day it is kept, where it is fixed already


@final
@attrs.frozen(kw_only=True)
class KnownCircumstance:
    """A circumstance that holds, since when, and the entry that says so."""

    circumstance: Circumstance
    at: datetime
    position: int
    merged_from: SubjectId | None = None  # known from another line of the person


@final
@attrs.frozen(kw_only=True)
class Changed:
    """A field that was corrected, or erased on a ground of Art. 17(1), the newest time of each.

    Args:
        of: RECTIFICATION or ERASURE.
        field: The field.
        purpose: The one purpose the value lived for; None for the customer file.
        at: When.
        position: The entry.
    """

    of: Right
    field: FieldId
    purpose: PurposeId | None
    at: datetime
    position: int


@final
@attrs.frozen(kw_only=True)
class DataState:
    """The person and the values held."""

    kind: SubjectKind | None = None
    source: SourceId | None = None
    added_at: datetime | None = None
    added_position: int = 0
    values: tuple[HeldValue, ...] = ()
    circumstances: tuple[KnownCircumstance, ...] = ()
    acts: tuple[datetime, ...] = ()  # the person's own acts, oldest first; ours never count
    erased_at: datetime | None = None
    erased_position: int = 0
    changed: tuple[Changed, ...] = ()  # recipients are told of these (GDPR Art. 19)

    @property
    def last_act(self) -> datetime | None:
        """The person's own last act."""
        return self.acts[-1] if self.acts else None

    def circumstance(self, which: Circumstance) -> KnownCircumstance | None:
        """Return the circumstance if it holds."""
        return next((k for k in self.circumstances if k.circumstance is which), None)

    def held(self, filing: FilingSystem) -> tuple[HeldValue, ...]:
        """Return the values in one filing system."""
        return tuple(v for v in self.values if v.filing is filing)


def hold(
    value: SealedValue,
    entry: Entry,
    *,
    source: SourceId | None = None,
    notice: NoticeId | None = None,
    purpose: PurposeId | None = None,
    until: str | None = None,
) -> HeldValue:
    """Make the held value that *entry* brings."""
    return HeldValue(
        field=value.field,
        slot=value.slot,
        digest=value.digest,
        filing=value.filing,
        at=entry.at,
        position=entry.position,
        source=source,
        notice=notice,
        purpose=purpose,
        until=until,
    )


def _added(now: DataState, entry: Entry, fact: SubjectAdded) -> DataState:
    return attrs.evolve(
        now,
        kind=fact.kind,
        source=fact.source,
        added_at=entry.at,
        added_position=entry.position,
    )


def _collected(now: DataState, entry: Entry, fact: DataCollected) -> DataState:
    new = tuple(hold(v, entry, source=fact.source, notice=fact.notice) for v in fact.values)
    return attrs.evolve(now, values=now.values + new)


def _rectified(now: DataState, entry: Entry, fact: DataRectified) -> DataState:
    old = {v.slot: v for v in now.values if v.slot in fact.replaced}
    before = {(v.field, v.filing): v for v in old.values()}
    kept = tuple(v for v in now.values if v.slot not in old)
    new = []
    for value in fact.values:
        same = before.get((value.field, value.filing))
        corrected = hold(value, entry, source=fact.source)
        if same is not None:  # what it was told and how long it stays do not change with it
            corrected = attrs.evolve(
                corrected,
                at=same.at,
                notice=same.notice,
                purpose=same.purpose,
                until=same.until,
            )
        new.append(corrected)
    changed = _changed(now, entry, Right.RECTIFICATION, new)
    return attrs.evolve(now, values=(*kept, *new), changed=changed)


#: Erasures that Art. 17(1) orders; the controller's own storage limits are none of them.
_ORDERED: Final = frozenset(
    {
        ErasureReason.NO_LONGER_NECESSARY,
        ErasureReason.CONSENT_WITHDRAWN,
        ErasureReason.OBJECTED,
        ErasureReason.UNLAWFUL,
        ErasureReason.LEGAL_DUTY,
        ErasureReason.CHILD_SERVICE,
    }
)


def _changed(
    now: DataState, entry: Entry, of: Right, values: Iterable[HeldValue]
) -> tuple[Changed, ...]:
    new = {
        (of, value.field, value.purpose): Changed(
            of=of,
            field=value.field,
            purpose=value.purpose,
            at=entry.at,
            position=entry.position,
        )
        for value in values
    }
    return (*(c for c in now.changed if (c.of, c.field, c.purpose) not in new), *new.values())


def _erased(now: DataState, entry: Entry, fact: DataErased) -> DataState:
    gone = frozenset(fact.slots)
    kept = attrs.evolve(now, values=tuple(v for v in now.values if v.slot not in gone))
    if fact.reason not in _ORDERED:
        return kept
    erased = [v for v in now.values if v.slot in gone]
    return attrs.evolve(kept, changed=_changed(now, entry, Right.ERASURE, erased))


def _resealed(now: DataState, _entry: Entry, fact: DataResealed) -> DataState:
    """Know the new envelopes of the values held; a value that is gone stays gone."""
    digests = {value.slot: value.digest for value in fact.values}
    return attrs.evolve(
        now,
        values=tuple(
            attrs.evolve(v, digest=digests[v.slot]) if v.slot in digests else v for v in now.values
        ),
    )


def _person_erased(now: DataState, entry: Entry, fact: PersonErased) -> DataState:
    changed = now.changed
    if fact.reason in _ORDERED:
        changed = _changed(now, entry, Right.ERASURE, now.values)
    return attrs.evolve(
        now, values=(), erased_at=entry.at, erased_position=entry.position, changed=changed
    )


def _noted(now: DataState, entry: Entry, fact: CircumstanceNoted) -> DataState:
    others = tuple(k for k in now.circumstances if k.circumstance is not fact.circumstance)
    if not fact.holds:
        return attrs.evolve(now, circumstances=others)
    known = KnownCircumstance(circumstance=fact.circumstance, at=entry.at, position=entry.position)
    return attrs.evolve(now, circumstances=(*others, known))


def _ended(now: DataState, entry: Entry, fact: ConnectionEnded) -> DataState:
    """A relation that ended by a death says so of the person, noted besides or not (R-415)."""
    if fact.cause is not EndCause.DEATH or now.circumstance(Circumstance.DECEASED) is not None:
        return now
    return _noted(now, entry, CircumstanceNoted(circumstance=Circumstance.DECEASED))


def _moved(now: DataState, entry: Entry, fact: MovedToMarketing) -> DataState:
    until = fact.expires_on.isoformat()
    new = tuple(hold(v, entry, purpose=fact.purpose, until=until) for v in fact.values)
    return attrs.evolve(now, values=now.values + new)


def _archived(now: DataState, entry: Entry, fact: Archived) -> DataState:
    until = fact.until.isoformat()
    new = tuple(hold(v, entry, purpose=fact.purpose, until=until) for v in fact.values)
    return attrs.evolve(now, values=now.values + new)


def _merged(now: DataState, entry: Entry, fact: MergedFrom) -> DataState:
    """Know of the person what the other line knows; an erased line learns nothing more."""
    if now.erased_at is not None:
        return now
    bare = _without(now, fact.other)
    new = tuple(
        KnownCircumstance(
            circumstance=which, at=entry.at, position=entry.position, merged_from=fact.other
        )
        for which in sorted(fact.circumstances)
    )
    return attrs.evolve(now, circumstances=bare.circumstances + new)


def _without(now: DataState, other: SubjectId) -> DataState:
    kept = tuple(k for k in now.circumstances if k.merged_from != other)
    return attrs.evolve(now, circumstances=kept)


def _unmerged(now: DataState, _entry: Entry, fact: MergeReversed) -> DataState:
    return _without(now, fact.other)


def _requested(now: DataState, entry: Entry, fact: RequestReceived) -> DataState:
    if fact.text is None:
        return now
    return attrs.evolve(now, values=(*now.values, hold(fact.text, entry)))


class Acts:
    """The draft of the person's own acts."""

    __slots__ = ("acts", "state")

    def __init__(self, state: DataState) -> None:
        self.state, self.acts = state, [*state.acts]

    def close(self) -> DataState:
        """Return the state with every act noted."""
        return attrs.evolve(self.state, acts=tuple(self.acts))


def _acted(draft: Acts, entry: Entry, _fact: object) -> None:
    acts = draft.acts
    if not acts or acts[-1] != entry.at:
        acts.append(entry.at)


def _consented(draft: Acts, entry: Entry, fact: ConsentGiven) -> None:
    if fact.evidence.actor is Actor.SUBJECT and fact.evidence.method.is_affirmative:
        _acted(draft, entry, fact)


def _in_contact(draft: Acts, entry: Entry, fact: ContactHeld) -> None:
    if fact.begun_by is Actor.SUBJECT:
        _acted(draft, entry, fact)


def _asked(draft: Acts, entry: Entry, fact: RequestReceived) -> None:
    if fact.requester is Actor.SUBJECT:
        _acted(draft, entry, fact)


FOLD: Final[Fold] = {
    SubjectAdded: _added,
    DataCollected: _collected,
    DataRectified: _rectified,
    DataErased: _erased,
    DataResealed: _resealed,
    PersonErased: _person_erased,
    CircumstanceNoted: _noted,
    MovedToMarketing: _moved,
    Archived: _archived,
    ConnectionEnded: _ended,
    MergedFrom: _merged,
    MergeReversed: _unmerged,
    RequestReceived: _requested,
}

WRITING: Final[Writing] = {
    ConsentGiven: _consented,
    ConsentConfirmed: _acted,
    ConnectionStarted: _acted,
    ActivityNoted: _acted,
    ContactHeld: _in_contact,
    RequestReceived: _asked,
}
