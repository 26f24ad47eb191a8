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
from gdprkit.facts.data import DataCollected, DataErased, DataRectified
from gdprkit.facts.entry import Entry, Fact
from gdprkit.facts.objection import MarketingObjection
from gdprkit.facts.request import RequestReceived
from gdprkit.facts.sealed import SealedValue
from gdprkit.keeper.contacts import stops_from_list, suppressions
from gdprkit.keeper.line import View, advance, extend, marks_of
from gdprkit.keeper.sealed import SealedBatch, open_values, seal_values
from gdprkit.policy.case import Case
from gdprkit.policy.connection import CONTACT_POINTS
from gdprkit.policy.law import LawProfile
from gdprkit.register.register import Register
from gdprkit.sealing.keys import SubjectKeys, SubjectKeyVersions
from gdprkit.sealing.rows import KeyRow, Tombstone
from gdprkit.state.data import HeldValue
from gdprkit.storage.protocol import Batch, Store, Suppression, VaultPut
from gdprkit.words.identifiers import CaseId, FieldId, Slot, uuid_from
from gdprkit.words.vocabulary import Actor, FilingSystem, IntakeChannel

__all__ = ["Bench", "Composed", "Draft", "add", "compose", "finish", "remember_stop"]

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
    """Return the person's keys; the first value of a new person makes the first key."""
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


def _attach(draft: Draft, act: Act) -> Act:
    """Attach sealed values, and the id of a new request, to the act's fact."""
    fact = act.fact
    if isinstance(fact, RequestReceived) and fact.case == NEW_CASE:
        draft.opened_case = CaseId(uuid_from(draft.bench.random(16)))
        fact = attrs.evolve(fact, case=draft.opened_case)
    if act.personal:
        values = _seal(draft, act).values
        match fact:
            case DataCollected():
                fact = attrs.evolve(fact, values=values)
            case DataRectified():
                fact = attrs.evolve(fact, values=values, replaced=_replaced(draft, values))
            case RequestReceived():
                fact = attrs.evolve(fact, text=values[0])
            case _:
                raise InvalidValue("personal", "has no place in this fact", "use data.collect()")
    return attrs.evolve(act, fact=fact)


def _replaced(draft: Draft, values: Sequence[SealedValue]) -> tuple[Slot, ...]:
    """Return the slots that corrected values take the place of: every copy a person is met by.

    The archive keeps what was recorded then; a correction there is an addition of its own.
    """
    fields = {value.field for value in values}
    return tuple(
        held.slot
        for held in draft.view.standing.data.values
        if held.field in fields and held.filing is FilingSystem.CUSTOMER
    )


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
        since=at,
        author=author,
    )
    draft.suppress.extend(rows)


def _inherit_stops(draft: Draft, act: Act) -> tuple[Fact, ...]:
    """Return the stops that new contact points bring with them from the suppression list."""
    if act.filing is not FilingSystem.CUSTOMER or not act.personal:
        return ()
    bench = draft.bench
    found = stops_from_list(bench.register, bench.keys, bench.store, act.personal, draft.now)
    return tuple(
        MarketingObjection(channels=channels, via=IntakeChannel.IMPORT, by=author)
        for channels, author in found
    )


def add(draft: Draft, facts: Sequence[Fact], at: datetime) -> None:
    """Put facts on the draft and carry its view forward, so that the next act sees them."""
    for fact in facts:
        entry = Entry(position=draft.view.position + 1, at=at, recorded_at=draft.now, fact=fact)
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
    new: dict[FieldId, object] = {}
    for act in acts:
        at = act.at or now
        if at > now:
            raise InvalidValue("at", "lies in the future", "record what has happened, when it has")
        attached = _attach(draft, act)
        new.update(act.personal)
        facts = prepare(bench.case(draft.view, now), attached)
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
