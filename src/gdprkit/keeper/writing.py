"""From acts on a view to the one batch that stores them.

Decides what goes with an act. Leaves out whether it may be recorded (``acts.prepare``) and how
often a commit is tried (``again``). Always true: everything an act brings goes into one commit:
entries, sealed values with their look-up terms, a new subject key, suppression rows, the standing
and the marks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, final

import attrs

from gdprkit.acts.act import NEW_CASE, Act
from gdprkit.acts.prepare import STOPS, prepare
from gdprkit.errors import InvalidValue
from gdprkit.facts._shape import altered
from gdprkit.facts.connection import ConnectionEnded, ConnectionStarted
from gdprkit.facts.consent import ConsentGiven, ConsentRequested, ConsentWithdrawn
from gdprkit.facts.data import (
    CircumstanceNoted,
    DataCollected,
    DataErased,
    DataRectified,
    DataResealed,
    PersonErased,
    SubjectAdded,
)
from gdprkit.facts.entry import PROTECTIVE_WEIGHT, Entry, Fact
from gdprkit.facts.merge import MergedFrom, MergedInto, MergeReversed
from gdprkit.facts.objection import MarketingObjection, MarketingProhibition
from gdprkit.facts.request import RequestReceived
from gdprkit.facts.retention import Archived, MarketingEntryEnded, MovedToMarketing
from gdprkit.facts.sealed import SealedValue
from gdprkit.keeper.bench import Bench
from gdprkit.keeper.contacts import stops_from_list, suppressions
from gdprkit.keeper.line import View, advance, extend, key_flags, marks_of
from gdprkit.keeper.reading import contact_values
from gdprkit.keeper.sealed import open_values, seal_values
from gdprkit.keeper.values import Receipt
from gdprkit.policy.retention import erasure_blocked
from gdprkit.sealing.errors import KeyDestroyed
from gdprkit.sealing.keys import SubjectKeyVersions
from gdprkit.sealing.rows import KeyFlags, KeyRow, Tombstone
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.objection import Stop, StopKind
from gdprkit.state.standing import Standing
from gdprkit.storage.protocol import Batch, Suppression, VaultPut
from gdprkit.words.identifiers import CaseId, FieldId, Slot, uuid_from
from gdprkit.words.vocabulary import (
    Actor,
    Circumstance,
    EndCause,
    ErasureReason,
    FilingSystem,
    IntakeChannel,
    RestrictedUse,
)

__all__ = [
    "Bench",
    "Composed",
    "Draft",
    "add",
    "commit",
    "compose",
    "finish",
    "marketing_stops",
    "remember_stops",
    "seal_into",
]

#: What we do because of a fact happens now, however long ago the fact happened: a letter of
#: objection typed in late ends an entry that was made after the letter was sent.
_DEEDS: Final = frozenset(
    {
        DataErased,
        DataRectified,
        DataResealed,
        MarketingEntryEnded,
        MovedToMarketing,
        Archived,
        PersonErased,
    }
)

#: Deeds that only an approved plan, or what follows a stop, puts on a line.
_BY_PLAN: Final = frozenset(
    {DataErased, MarketingEntryEnded, MovedToMarketing, Archived, PersonErased}
)

#: What ``keeper.merge`` and ``keeper.unmerge`` put on a line: by hand they would take stops away.
_BY_MERGE: Final = frozenset({MergedFrom, MergedInto, MergeReversed})

#: A stop stamped by a clock that runs ahead by no more than this happened now.
_CLOCKS_APART: Final = timedelta(days=1)

REQUEST_TEXT: Final = FieldId("request-text")


@final
@attrs.frozen(kw_only=True)
class Composed:
    """A batch ready to commit, the view after it, and the id of a request it opened."""

    batch: Batch
    after: View
    case: CaseId | None

    @property
    def receipt(self) -> Receipt:
        """What the caller is told of it."""
        positions = tuple(entry.position for entry in self.batch.entries)
        return Receipt(about=self.batch.about, positions=positions, case=self.case)


@attrs.define
class Draft:
    """What one composition has gathered so far; lives inside one call."""

    bench: Bench
    before: View
    now: datetime
    view: View
    by: str | None = None
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
            made = bench.keys.create(about, at=draft.now, drawn=True)
            draft.versions, draft.row = made
        else:
            # what is recorded under a restriction is stored, and no more than that
            draft.versions = bench.keys.for_writing(about, use=RestrictedUse.STORAGE)
    return draft.versions


def seal_into(
    draft: Draft, values: Sequence[tuple[FieldId, object]], filing: FilingSystem
) -> tuple[SealedValue, ...]:
    """Seal values of the person for one filing system and put them on the draft."""
    bench = draft.bench
    sealed = seal_values(
        values,
        filing,
        keys=bench.keys,
        versions=_keys(draft),
        register=bench.register,
        at=draft.now,
        random=bench.random,
    )
    draft.puts.extend(sealed.puts)
    return sealed.values


def _seal(draft: Draft, act: Act) -> tuple[SealedValue, ...]:
    for field in act.personal:
        if field != REQUEST_TEXT:
            draft.bench.register.field(field)
    return seal_into(draft, list(act.personal.items()), act.filing)


def _rectify(draft: Draft, act: Act, fact: DataRectified) -> DataRectified:
    """Seal the corrected values wherever the person is met by the old ones.

    The archive keeps what was recorded then; a correction there is an addition of its own. Under a
    hold or a restriction nothing is deleted, so nothing is replaced: the corrected value is the
    newest.
    """
    live = (FilingSystem.CUSTOMER, FilingSystem.MARKETING)
    named = frozenset(fact.replaced)
    old = [
        value
        for value in draft.view.standing.data.values
        if value.field in act.personal
        and value.filing in live
        and (not named or value.slot in named)
    ]
    if len({(value.field, value.filing) for value in old}) < len(old):
        raise InvalidValue(
            "fields", "holds more than one value here", "name the slots with replaces=..."
        )
    values: list[SealedValue] = []
    for filing in live:
        fields = {value.field for value in old if value.filing is filing}
        if filing is FilingSystem.CUSTOMER:
            fields |= {field for field in act.personal if field not in {v.field for v in old}}
        part: dict[str, object] = {f: v for f, v in act.personal.items() if f in fields}
        if part:
            corrected = attrs.evolve(act, personal=part, filing=filing)
            values.extend(_seal(draft, corrected))
    kept = erasure_blocked(draft.bench.case(draft.view, draft.now)) is not None
    replaced = [] if kept else [value.slot for value in old]
    return attrs.evolve(fact, values=values, replaced=replaced)


def _attach(draft: Draft, act: Act) -> Act:
    """Attach sealed values, and the id of a new request, to the act's fact."""
    fact = act.fact
    if isinstance(fact, RequestReceived) and fact.case == NEW_CASE:
        draft.opened_case = CaseId(uuid_from(draft.bench.random(16)))
        fact = attrs.evolve(fact, case=draft.opened_case)
    if isinstance(fact, (ConsentGiven, ConsentRequested)) and fact.evidence.register is None:
        evidence = altered(fact.evidence, register=draft.bench.register.digest)
        fact = altered(fact, evidence=evidence)
    if act.personal:
        match fact:
            case DataCollected():
                fact = attrs.evolve(fact, values=_seal(draft, act))
            case DataRectified():
                fact = _rectify(draft, act, fact)
            case RequestReceived():
                # after an erasure there is no key: the facts of the request are kept, its text
                # is not
                if draft.view.standing.data.erased_at is None:
                    fact = attrs.evolve(fact, text=_seal(draft, act)[0])
            case _:
                raise InvalidValue("personal", "has no place in this fact", "use data.collect()")
    return act if fact is act.fact else altered(act, fact=fact)


def _check_whole(act: Act, *, first: bool, merging: bool) -> None:
    """Refuse facts that are the keeper's own deeds, and values that were not sealed here.

    They would pass by guards, plans, holds and the vault (R-403, R-409).
    """
    fact = act.fact
    if type(fact) in _BY_PLAN:
        raise InvalidValue("fact", "is a deed of the keeper", "make a plan and apply it")
    if type(fact) in _BY_MERGE and not merging:
        raise InvalidValue("fact", "is a deed of the keeper", "use keeper.merge() or unmerge()")
    if isinstance(fact, DataResealed):
        raise InvalidValue("fact", "is a deed of the keeper", "use keeper.keys.renew()")
    if isinstance(fact, SubjectAdded) and not first:
        raise InvalidValue("fact", "begins a line", "use keeper.add_person()")
    if getattr(fact, "values", ()) or getattr(fact, "text", None) is not None:
        raise InvalidValue("values", "are sealed by the keeper", "pass plain fields")


def _merge_entry(draft: Draft) -> None:
    """Bring a live entry in the marketing register back into the customer file (R-411).

    What was erased or archived stays so, and nothing comes back that was collected anew. An entry
    that expired, ended by a stop or was never proved is over: its values go.
    """
    standing = draft.view.standing
    held = standing.data.held(FilingSystem.MARKETING)
    case = draft.bench.case(draft.view, draft.now)
    if not held or standing.status is not ConnectionStatus.ACTIVE or erasure_blocked(case):
        return
    present = {value.field for value in standing.data.held(FilingSystem.CUSTOMER)}
    entry = draft.before.standing.connection
    expires = entry.marketing_expires
    live = entry.status is ConnectionStatus.MARKETING and (not expires or expires >= case.today)
    missing = [v for v in held if live and v.field not in present]
    if missing and standing.data.source is not None:
        opened = open_values(draft.bench.store, _keys(draft), draft.before.about, missing)
        copies = [(value.field, personal) for value, personal in opened]
        values = seal_into(draft, copies, FilingSystem.CUSTOMER)
        back = DataCollected(values=values, source=standing.data.source)
        add(draft, [back], draft.now)
    slots = [value.slot for value in held]
    add(draft, [DataErased(slots=slots, reason=ErasureReason.MOVED, rule="R-411")], draft.now)


def marketing_stops(bench: Bench, standing: Standing) -> list[Stop]:
    """Return the person's stops that are about marketing: those that the list remembers.

    Leaving website statistics closes no mailbox; a purpose no longer declared counts as marketing.
    """
    purposes = bench.register.purposes
    return [
        stop
        for stop in standing.objection.stops
        if stop.purpose is None or stop.purpose not in purposes or purposes[stop.purpose].marketing
    ]


def remember_stops(draft: Draft, values: Sequence[tuple[FieldId, object]]) -> None:
    """Add suppression rows for every stop of the person and these contact points (R-312).

    They survive an erasure and meet every import.
    """
    if not values:
        return
    bench = draft.bench
    stops = marketing_stops(bench, draft.view.standing)
    if stops:
        rows = suppressions(bench.register, bench.keys, values, stops, at=draft.now)
        draft.suppress.extend(rows)


def _died(fact: Fact) -> bool:
    match fact:
        case CircumstanceNoted():
            return fact.holds and fact.circumstance is Circumstance.DECEASED
        case ConnectionEnded():
            return fact.cause is EndCause.DEATH
        case _:
            return False


def _remember_death(draft: Draft, values: Sequence[tuple[FieldId, object]], at: datetime) -> None:
    """Keep the contact points of somebody who died from being imported anew (R-415).

    The flag is the controller's own prohibition, as a keyed hash. Somebody who lives at the address
    opens it again for themselves, by a consent.
    """
    bench = draft.bench
    flag = Stop(kind=StopKind.PROHIBITION, by=Actor.CONTROLLER, at=at, position=0)
    draft.suppress.extend(suppressions(bench.register, bench.keys, values, [flag], at=draft.now))


#: What a new line records of a stop that the list remembers. A refusal has lost its purpose there:
#: it closes its channels as a withdrawal does.
_INHERITED: Final[Mapping[StopKind, Callable[..., Fact]]] = {
    StopKind.OBJECTION: MarketingObjection,
    StopKind.PROHIBITION: MarketingProhibition,
    StopKind.WITHDRAWAL: ConsentWithdrawn,
}


def _inherit_stops(draft: Draft, act: Act) -> None:
    """Record the stops that new contact points bring with them from the suppression list.

    They count from when they were made, so that the person's own later consent rules (R-317).
    """
    if not act.personal or act.filing is not FilingSystem.CUSTOMER:
        return
    bench, values = draft.bench, list(act.personal.items())
    known = {
        (s.kind, s.channels, s.purpose, s.by): s.at for s in draft.view.standing.objection.stops
    }
    for row in stops_from_list(bench.register, bench.keys, bench.store, values):
        kind = StopKind.WITHDRAWAL if row.kind == StopKind.REFUSAL else StopKind(row.kind)
        before = known.get((kind, row.channels, row.purpose, row.author))
        if before is not None and before >= row.since:
            continue
        stop = _INHERITED[kind](
            channels=row.channels, purpose=row.purpose, via=IntakeChannel.IMPORT, by=row.author
        )
        case = bench.case(draft.view, draft.now)
        add(draft, prepare(case, Act(fact=stop)), min(row.since, draft.now))


def add(draft: Draft, facts: Sequence[Fact], at: datetime, *, exactly: bool = False) -> None:
    """Put facts on the draft and carry its view forward, so that the next act sees them.

    Args:
        draft: What was gathered so far.
        facts: The facts, in order.
        at: When they happened; a deed of ours, and a stop made now, happens now.
        exactly: They happened *at*, whatever they are: a deed that is done again.
    """
    for fact in facts:
        moment = at
        protects = PROTECTIVE_WEIGHT.get(type(fact), 0) > 0
        if exactly:
            pass
        elif type(fact) in _DEEDS or (protects and at == draft.now):
            # never before what is there already, also when a clock was set back: a stop that is
            # made now comes after the consent it answers
            moment = max(draft.now, draft.view.standing.last_at or draft.now)
        elif type(fact) is MergeReversed:
            # of one instant the merge would win, and the reversal be without effect
            last = draft.view.standing.last_at or draft.now
            moment = max(draft.now, last + timedelta(microseconds=1))
        entry = Entry(
            position=draft.view.position + 1,
            at=moment,
            recorded_at=draft.now,
            fact=fact,
            by=draft.by,
        )
        standing = advance(draft.bench.store, draft.view, draft.entries, entry)
        draft.entries.append(entry)
        seen = draft.view
        draft.view = View(
            about=seen.about, position=entry.position, head=seen.head, standing=standing
        )
        if isinstance(fact, DataErased):
            draft.deletes.extend(fact.slots)
        elif isinstance(fact, DataRectified):
            draft.deletes.extend(fact.replaced)


def _moment(act: Act, now: datetime) -> datetime:
    """Return when an act happened; a stop or request a little ahead of our clock happened now."""
    at = act.at or now
    if at <= now:
        return at
    stop = type(act.fact) in STOPS or isinstance(act.fact, RequestReceived)
    if stop and at - now <= _CLOCKS_APART:
        return now
    raise InvalidValue("at", "lies in the future", "record what has happened, when it has")


def compose(
    bench: Bench,
    before: View,
    acts: Sequence[Act],
    *,
    now: datetime,
    key: bytes | None = None,
    by: str | None = None,
    merging: bool = False,
) -> Composed:
    """Return the one batch that records *acts*.

    Args:
        bench: What the keeper works with.
        before: The person's line as read.
        acts: In order; each sees the facts of those before it.
        now: The keeper's clock.
        key: Hash of the idempotency key.
        by: Who records: a staff or service id.
        merging: The acts are the keeper's own of a merge.

    Raises:
        InvalidValue: an act lies in the future, or is a deed that only a plan or a merge does.
        NotAllowed, NotPossibleNow, UnknownName: as ``acts.prepare`` says.
    """
    draft = Draft(bench=bench, before=before, now=now, view=before, by=by)
    if before.position == 0:
        _keys(draft)  # every person gets a key, also one whose first value comes later
    new: list[tuple[FieldId, object]] = []
    stopped = False
    for number, act in enumerate(acts):
        if not isinstance(act, Act):
            raise InvalidValue("act", "is no act", "pass what consent.give() and its like return")
        _check_whole(act, first=before.position == 0 and number == 0, merging=merging)
        at = _moment(act, now)
        attached = _attach(draft, act)
        new.extend(act.personal.items())
        facts = prepare(bench.case(draft.view, now), attached)
        add(draft, facts, at)
        if isinstance(attached.fact, ConnectionStarted):
            _merge_entry(draft)
        stopped = stopped or any(type(fact) in STOPS for fact in facts)
        if any(_died(fact) for fact in facts):
            _remember_death(draft, [*new, *contact_values(bench, before, damaged=True)], at)
        _inherit_stops(draft, act)
    if stopped:
        # every address the person had or has, those corrected in this very batch included
        new.extend(contact_values(bench, before, damaged=True))
    remember_stops(draft, new)
    return finish(draft, key)


def _flags(draft: Draft) -> KeyFlags | None:
    """Return the flags of the person's key rows when a hold or a restriction came or went.

    A key on hold cannot be destroyed, whoever tries (crypto-shredding has no way back), and a
    restricted one opens only on a ground of Art. 18(2), whoever reads.
    """
    now, then = draft.view.standing, draft.before.standing
    if now.objection is then.objection and now.retention is then.retention:
        return None
    after = key_flags(now)
    return None if after == key_flags(then) else after


def finish(draft: Draft, key: bytes | None = None, shred: Tombstone | None = None) -> Composed:
    """Return the batch of everything on the draft."""
    extended = extend(draft.before, draft.entries, draft.view.standing, key)
    gone = dict.fromkeys(draft.deletes)
    came = {put.slot for put in draft.puts}
    batch = Batch(
        about=draft.before.about,
        expected=draft.before.position,
        entries=extended.entries,
        standing=extended.stored,
        marks=marks_of(draft.bench.case(extended.after, draft.now)),
        # what came and went within this batch is never stored
        puts=tuple(put for put in draft.puts if put.slot not in gone),
        deletes=tuple(slot for slot in gone if slot not in came),
        keys=(draft.row,) if draft.row is not None else (),
        flags=_flags(draft) if shred is None else None,
        shred=shred,
        suppress=tuple(draft.suppress),
    )
    return Composed(batch=batch, after=extended.after, case=draft.opened_case)


def commit(bench: Bench, *batches: Batch) -> None:
    """Store all batches or nothing, then close changed keys here and note erasures in the ledger.

    What was kept in memory about who is erased is forgotten.

    Raises:
        PositionTaken, StoreBusy: as the store says; nothing was stored.
        KeyDestroyed: a value was sealed by a version of a key that is gone; nothing was stored, and
            the key is opened anew the next time.
        ErasureLedgerUnavailable, ErasureLedgerDamaged: everything was stored, and an erasure is not
            in the ledger; the next opening, or ``replay_erasures``, writes it there.
    """
    try:
        bench.store.commit(*batches)
    except KeyDestroyed:
        for batch in batches:
            bench.keys.forget(batch.about)
        raise
    for batch in batches:
        if batch.keys or batch.flags is not None or batch.shred is not None:
            bench.keys.forget(batch.about)
        if batch.shred is not None:
            bench.memory.forget(batch.about)
    for batch in batches:
        if batch.shred is not None and bench.keys.watch is not None:
            bench.keys.watch.wrote(batch.shred)
