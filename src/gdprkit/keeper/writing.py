"""From acts on a view to the one batch that stores them.

Everything an act brings goes into one commit: entries, sealed values with their look-up terms, a
new subject key, suppression rows, the standing and the marks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, final

import attrs

from gdprkit.acts.act import NEW_CASE, Act
from gdprkit.acts.prepare import STOPS, prepare
from gdprkit.errors import InvalidValue
from gdprkit.facts.connection import ConnectionStarted
from gdprkit.facts.data import DataCollected, DataErased, DataRectified
from gdprkit.facts.entry import Entry, Fact
from gdprkit.facts.objection import MarketingObjection, MarketingProhibition
from gdprkit.facts.request import RequestReceived
from gdprkit.facts.retention import MarketingEntryEnded
from gdprkit.facts.sealed import SealedValue
from gdprkit.keeper.contacts import stops_from_list, suppressions
from gdprkit.keeper.line import View, advance, extend, marks_of
from gdprkit.keeper.sealed import SealedBatch, open_values, seal_values
from gdprkit.policy.case import Case
from gdprkit.policy.connection import CONTACT_POINTS
from gdprkit.policy.consent import valid_consent
from gdprkit.policy.law import LawProfile
from gdprkit.register.register import Register
from gdprkit.sealing.keys import SubjectKeys, SubjectKeyVersions
from gdprkit.sealing.rows import KeyRow, Tombstone
from gdprkit.state.data import HeldValue
from gdprkit.storage.protocol import Batch, Store, Suppression, VaultPut
from gdprkit.words.identifiers import CaseId, FieldId, PurposeId, Slot, uuid_from
from gdprkit.words.vocabulary import Actor, Channel, ErasureReason, FilingSystem, IntakeChannel

__all__ = ["Bench", "Composed", "Draft", "add", "compose", "finish", "remember_stop"]

#: What we do because of a fact happens now, however long ago the fact happened: a letter of
#: objection typed in late ends an entry that was made after the letter was sent.
_DEEDS: Final = frozenset({DataErased, MarketingEntryEnded})

REQUEST_TEXT: Final = FieldId("request-text")


@final
@attrs.frozen(kw_only=True)
class Bench:
    """What the keeper works with; passed on whole so that every part uses the same."""

    register: Register
    store: Store
    keys: SubjectKeys
    law: LawProfile
    random: Callable[[int], bytes]

    def case(self, view: View, at: datetime, **more: Any) -> Case:
        """Return the case of a view at a moment."""
        return Case(
            standing=view.standing,
            register=self.register,
            at=at,
            law=self.law,
            about=view.about,
            **more,
        )


@final
@attrs.frozen(kw_only=True)
class Composed:
    """A batch ready to commit, the view after it, and the id of a request it opened."""

    batch: Batch
    after: View
    case: CaseId | None


@attrs.define
class Draft:
    """What one composition has gathered so far; lives inside one call."""

    bench: Bench
    before: View
    now: datetime
    view: View
    entries: list[Entry] = attrs.Factory(list)
    puts: list[VaultPut] = attrs.Factory(list)
    deletes: list[Slot] = attrs.Factory(list)
    suppress: list[Suppression] = attrs.Factory(list)
    row: KeyRow | None = None
    versions: SubjectKeyVersions | None = None
    opened_case: CaseId | None = None


def _keys(draft: Draft) -> SubjectKeyVersions:
    """Return the person's keys; a new person gets the first one here."""
    if draft.versions is None:
        bench, about = draft.bench, draft.before.about
        if draft.before.position == 0:
            draft.versions, draft.row = bench.keys.create(about, at=draft.now)
        else:
            draft.versions = bench.keys.of(about)
    return draft.versions


def _seal(draft: Draft, act: Act) -> SealedBatch:
    for field in act.personal:
        if field != REQUEST_TEXT:
            draft.bench.register.field(field)
    sealed = seal_values(
        act.personal,
        act.filing,
        keys=draft.bench.keys,
        versions=_keys(draft),
        register=draft.bench.register,
        at=draft.now,
        random=draft.bench.random,
    )
    draft.puts.extend(sealed.puts)
    return sealed


def _rectify(draft: Draft, act: Act, fact: DataRectified) -> DataRectified:
    """Seal the corrected values wherever the person is met by the old ones.

    The archive keeps what was recorded then; a correction there is an addition of its own.
    """
    live = (FilingSystem.CUSTOMER, FilingSystem.MARKETING)
    old = [
        value
        for value in draft.view.standing.data.values
        if value.field in act.personal and value.filing in live
    ]
    values: list[SealedValue] = []
    for filing in live:
        fields = {value.field for value in old if value.filing is filing}
        if filing is FilingSystem.CUSTOMER:
            fields |= {field for field in act.personal if field not in {v.field for v in old}}
        part: dict[str, object] = {f: v for f, v in act.personal.items() if f in fields}
        if part:
            corrected = attrs.evolve(act, personal=part, filing=filing)
            values.extend(_seal(draft, corrected).values)
    return attrs.evolve(fact, values=values, replaced=[value.slot for value in old])


def _attach(draft: Draft, act: Act) -> Act:
    """Attach sealed values, and the id of a new request, to the act's fact."""
    fact = act.fact
    if isinstance(fact, RequestReceived) and fact.case == NEW_CASE:
        draft.opened_case = CaseId(uuid_from(draft.bench.random(16)))
        fact = attrs.evolve(fact, case=draft.opened_case)
    if act.personal:
        match fact:
            case DataCollected():
                fact = attrs.evolve(fact, values=_seal(draft, act).values)
            case DataRectified():
                fact = _rectify(draft, act, fact)
            case RequestReceived():
                fact = attrs.evolve(fact, text=_seal(draft, act).values[0])
            case _:
                raise InvalidValue("personal", "has no place in this fact", "use data.collect()")
    return attrs.evolve(act, fact=fact)


def _merge_entry(draft: Draft) -> tuple[Fact, ...]:
    """Bring the entry in the marketing register back into the customer file (R-411).

    What was erased or archived stays so; only live copies come back, and none that was collected
    anew.
    """
    standing = draft.view.standing
    held = standing.data.held(FilingSystem.MARKETING)
    if not held:
        return ()
    present = {value.field for value in standing.data.held(FilingSystem.CUSTOMER)}
    missing = [value for value in held if value.field not in present]
    gone = DataErased(
        slots=[value.slot for value in held], reason=ErasureReason.MOVED, rule="R-411"
    )
    if not missing or standing.data.source is None:
        return (gone,)
    bench, about = draft.bench, draft.before.about
    opened = open_values(bench.store, _keys(draft), about, missing)
    back = DataCollected(values=(), source=standing.data.source)
    personal = {str(value.field): opened_value for value, opened_value in opened}
    sealed = _seal(draft, Act(fact=back, personal=personal))
    return attrs.evolve(back, values=sealed.values), gone


def contact_values(bench: Bench, view: View) -> dict[FieldId, object]:
    """Open the contact points a person has, in the customer file and the marketing register."""
    held: list[HeldValue] = [
        value
        for value in view.standing.data.values
        if value.filing in (FilingSystem.CUSTOMER, FilingSystem.MARKETING)
        and (declared := bench.register.fields.get(value.field)) is not None
        and declared.kind in CONTACT_POINTS
    ]
    if not held or view.position == 0:
        return {}
    opened = open_values(bench.store, bench.keys.of(view.about), view.about, held)
    return {value.field: personal for value, personal in opened}


def remember_stop(draft: Draft, fact: Fact, at: datetime, new: dict[FieldId, object]) -> None:
    """Add the suppression rows of a stop (R-312): they survive an erasure and meet every import."""
    values = {**contact_values(draft.bench, draft.before), **new}
    author = getattr(fact, "by", Actor.SUBJECT)
    rows = suppressions(
        draft.bench.register,
        draft.bench.keys,
        values,
        fact.channels,  # type: ignore[union-attr]  # every stop names channels
        purpose=_limited_to(fact),
        since=at,
        author=author,
    )
    draft.suppress.extend(rows)


def _limited_to(fact: Fact) -> PurposeId | None:
    """Return the one purpose a stop is limited to.

    A withdrawn or refused consent closes its channel for all marketing (R-211).
    """
    if isinstance(fact, (MarketingObjection, MarketingProhibition)):
        return fact.purpose
    return None


def _inherit_stops(draft: Draft, act: Act) -> tuple[Fact, ...]:
    """Return the stops that new contact points bring with them from the suppression list."""
    if act.filing is not FilingSystem.CUSTOMER or not act.personal:
        return ()
    bench = draft.bench
    found = stops_from_list(bench.register, bench.keys, bench.store, act.personal, draft.now)
    stops = []
    for row in found:
        left = frozenset(c for c in row.channels if not _lifted(draft, c, row.since))
        if left:
            stop = MarketingObjection(
                channels=left, purpose=row.purpose, via=IntakeChannel.IMPORT, by=row.author
            )
            stops.append(stop)
    return tuple(stops)


def _lifted(draft: Draft, channel: Channel, since: datetime) -> bool:
    """Whether this person's own later consent rules on the channel (R-317)."""
    case = draft.bench.case(draft.view, draft.now)
    return any(
        consent.word.at > since
        for purpose in draft.bench.register.purposes.values()
        if purpose.marketing and (consent := valid_consent(case, purpose.id, channel)) is not None
    )


def add(draft: Draft, facts: Sequence[Fact], at: datetime) -> None:
    """Put facts on the draft and carry its view forward, so that the next act sees them."""
    for fact in facts:
        moment = draft.now if type(fact) in _DEEDS else at
        entry = Entry(position=draft.view.position + 1, at=moment, recorded_at=draft.now, fact=fact)
        standing = advance(draft.bench.store, draft.view, draft.entries, entry)
        draft.entries.append(entry)
        draft.view = attrs.evolve(draft.view, position=entry.position, standing=standing)
        if isinstance(fact, DataErased):
            draft.deletes.extend(fact.slots)
        elif isinstance(fact, DataRectified):
            draft.deletes.extend(fact.replaced)


def compose(
    bench: Bench, before: View, acts: Sequence[Act], *, now: datetime, key: bytes | None = None
) -> Composed:
    """Return the one batch that records *acts*.

    Args:
        bench: What the keeper works with.
        before: The person's line as read.
        acts: In order; each sees the facts of those before it.
        now: The keeper's clock.
        key: Hash of the idempotency key.

    Raises:
        InvalidValue: an act lies in the future.
        NotAllowed, NotPossibleNow, UnknownName: as ``acts.prepare`` says.
    """
    draft = Draft(bench=bench, before=before, now=now, view=before)
    if before.position == 0:
        _keys(draft)  # every person gets a key, also one whose first value comes later
    new: dict[FieldId, object] = {}
    for act in acts:
        if not isinstance(act, Act):
            raise InvalidValue("act", "is no act", "pass what consent.give() and its like return")
        at = act.at or now
        if at > now:
            raise InvalidValue("at", "lies in the future", "record what has happened, when it has")
        attached = _attach(draft, act)
        new.update(act.personal)
        facts = prepare(bench.case(draft.view, now), attached)
        if isinstance(attached.fact, ConnectionStarted):
            facts = (*facts, *_merge_entry(draft))
        add(draft, facts, at)
        for fact in facts:
            if type(fact) in STOPS and _reaches_marketing(bench.register, fact):
                remember_stop(draft, fact, at, new)
        inherited = _inherit_stops(draft, act)
        if inherited:
            add(draft, inherited, now)
    return finish(draft, key)


def _reaches_marketing(register: Register, fact: Fact) -> bool:
    """Whether a stop is about marketing; leaving website statistics closes no mailbox."""
    purpose = getattr(fact, "purpose", None)
    return purpose is None or register.purpose(purpose).marketing


def finish(draft: Draft, key: bytes | None = None, shred: Tombstone | None = None) -> Composed:
    """Return the batch of everything on the draft."""
    extended = extend(draft.before, draft.entries, draft.view.standing, key)
    batch = Batch(
        about=draft.before.about,
        expected=draft.before.position,
        entries=extended.entries,
        standing=extended.stored,
        marks=marks_of(draft.bench.case(extended.after, draft.now)),
        puts=tuple(draft.puts),
        deletes=tuple(dict.fromkeys(draft.deletes)),
        keys=(draft.row,) if draft.row else (),
        shred=shred,
        suppress=tuple(draft.suppress),
    )
    return Composed(batch=batch, after=extended.after, case=draft.opened_case)
