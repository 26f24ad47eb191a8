"""Every reachable life of a connection within a bound, walked breadth first.

Events are what people and plans do: each goes through the acts, as in a keeper, and plans are
carried out as they stand. Lives that came to the same state are walked on once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import attrs
from tests.policy.support import CLEAR, MARKETING, START, added, consented, jot, related, sealed

from gdprkit.acts.act import Act
from gdprkit.acts.prepare import prepare
from gdprkit.errors import NotPossibleNow
from gdprkit.facts.connection import ConnectionEnded, ConnectionStarted, OldEntryFound
from gdprkit.facts.consent import ConsentWithdrawn
from gdprkit.facts.data import CircumstanceNoted, DataErased, PersonErased
from gdprkit.facts.entry import Entry, Fact
from gdprkit.facts.objection import MarketingObjection, RestrictionImposed, RestrictionLifted
from gdprkit.facts.retention import Archived, MarketingEntryEnded, MovedToMarketing
from gdprkit.facts.sealed import SealedValue
from gdprkit.policy.case import Case
from gdprkit.policy.decisions import NotAllowed
from gdprkit.policy.marketing import MayContact, may_contact
from gdprkit.policy.plan import Plan, PlanAction
from gdprkit.policy.retention import (
    AfterEnd,
    DueErasure,
    Erasure,
    kept_until,
    plan_after_end,
    plan_due,
    plan_erasure,
)
from gdprkit.state.connection import EDGES, ConnectionStatus, Overlay
from gdprkit.state.standing import Standing, fold
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import (
    Circumstance,
    EndCause,
    ErasureReason,
    FilingSystem,
    IntakeChannel,
    RestrictionGround,
)

_S = ConnectionStatus
DEPTH = 5
ABOUT = SubjectId(sealed("person").slot)


@attrs.frozen
class Life:
    """A line and the moment it has come to; what happened last tells how it came here."""

    line: tuple[Entry, ...]
    at: datetime
    standing: Standing
    said_stop: bool = False

    @property
    def case(self) -> Case:
        return Case(
            standing=self.standing, register=jot(), at=self.at, about=ABOUT, suppressed=CLEAR
        )


def then(life: Life, *facts: Fact) -> Life:
    """Write facts, as a keeper would after preparing them, a second apart."""
    at = life.at
    line = list(life.line)
    for fact in facts:
        at += timedelta(seconds=1)
        line.append(Entry(position=len(line) + 1, at=at, recorded_at=at, fact=fact))
    return attrs.evolve(life, line=tuple(line), at=at, standing=fold(line))


def acts(life: Life, fact: Fact) -> Life | None:
    """Do what an act does, or nothing where it is refused."""
    try:
        return then(life, *prepare(life.case, Act(fact=fact)))
    except (NotPossibleNow, NotAllowed):
        return None


def carried_out(life: Life, plan: Plan) -> Life | None:
    """Turn a plan into facts, in the order in which a keeper writes them."""
    if not plan.has_work:
        return None
    facts: list[Fact] = []
    moving = [i for i in plan.items if i.action is PlanAction.MOVE]
    if moving and plan.expires_on is not None:
        values = [sealed(i.field, FilingSystem.MARKETING) for i in moving]
        facts.append(
            MovedToMarketing(
                values=values, purpose=MARKETING, expires_on=plan.expires_on, plan=plan.digest
            )
        )
    for item in plan.items:
        if item.action is PlanAction.ARCHIVE and item.purpose and item.until:
            copy: SealedValue = attrs.evolve(
                sealed(item.field, FilingSystem.ARCHIVE),
                slot=sealed(f"{item.field}-{item.purpose}", FilingSystem.ARCHIVE).slot,
            )
            facts.append(
                Archived(values=[copy], purpose=item.purpose, until=item.until, plan=plan.digest)
            )
    if plan.objects:
        facts.append(MarketingObjection(via=IntakeChannel.OTHER))
    gone = [i.slot for i in plan.items if i.action is PlanAction.ERASE]
    if gone:
        facts.append(DataErased(slots=gone, reason=plan.reason, rule="R-402"))
    if plan.ends_marketing:
        facts.append(MarketingEntryEnded(reason=plan.reason))
    if plan.erases_person:
        facts.append(PersonErased(reason=plan.reason, reference="plan", key_ids=(), plan=None))
    return then(life, *facts)


def stop(life: Life) -> Life | None:
    found = acts(life, MarketingObjection(via=IntakeChannel.PHONE))
    return None if found is None else attrs.evolve(found, said_stop=True)


def consent(life: Life) -> Life | None:
    found = acts(life, consented())
    return None if found is None else attrs.evolve(found, said_stop=False)


def ended(life: Life) -> Fact:
    return ConnectionEnded(on=life.case.today, cause=EndCause.WARRANTY_END, evidence="warranty-1")


def waited(days: int) -> Callable[[Life], Life]:
    return lambda life: attrs.evolve(life, at=life.at + timedelta(days=days))


ERASE = Erasure(reason=ErasureReason.OBJECTED, reference="request-1")
WITHDRAWN = ConsentWithdrawn(purpose=MARKETING, channels=(), via=IntakeChannel.EMAIL)
RESTRICTED = RestrictionImposed(ground=RestrictionGround.UNLAWFUL)

EVENTS: dict[str, Callable[[Life], Life | None]] = {
    "start": lambda life: acts(life, ConnectionStarted(reference="contract-1")),
    "end": lambda life: acts(life, ended(life)),
    "review": lambda life: carried_out(life, plan_after_end(life.case, AfterEnd())),
    "due": lambda life: carried_out(life, plan_due(life.case, DueErasure())),
    "erasure": lambda life: carried_out(life, plan_erasure(life.case, ERASE)),
    "objection": stop,
    "consent": consent,
    "withdrawal": lambda life: acts(life, WITHDRAWN),
    "restriction": lambda life: acts(life, RESTRICTED),
    "lift": lambda life: acts(
        life,
        RestrictionLifted(ground=RestrictionGround.UNLAWFUL, informed=life.case.today),
    ),
    "death": lambda life: acts(life, CircumstanceNoted(circumstance=Circumstance.DECEASED)),
    "left": lambda life: acts(life, CircumstanceNoted(circumstance=Circumstance.LEFT_ROLE)),
    "old entry": lambda life: acts(life, OldEntryFound(reference="old-1")),
    "a month": waited(31),
    "seven years": waited(366 * 7),
}


def shape(life: Life) -> tuple[Any, ...]:
    """Return what tells lives apart for what may happen next."""
    found = life.standing
    case = life.case
    return (
        found.status,
        found.connection.status,
        found.overlays,
        life.said_stop,
        frozenset((s.kind, s.channels) for s in found.objection.stops),
        frozenset((w.status, w.channel) for w in found.consent.words),
        frozenset(k.circumstance for k in found.data.circumstances),
        frozenset(
            (v.filing, v.field, _left(case, kept_until(case, v)[0])) for v in found.data.values
        ),
        found.data.erased_at is not None,
        _left(case, found.connection.ended_on),
        _left(case, found.connection.marketing_expires),
    )


def _left(case: Case, day: Any) -> int | None:
    return None if day is None else min(max((day - case.today).days, -1), 40)


@cache
def walked() -> tuple[tuple[Life, str, Life], ...]:
    """Return every step of every life: before, event, after."""
    first = then(Life(line=(), at=START, standing=fold(())), *added(), related())
    seen, steps, edge = {shape(first)}, [], [first]
    for _ in range(DEPTH):
        following = []
        for life in edge:
            for name, event in EVENTS.items():
                after = event(life)
                if after is None:
                    continue
                steps.append((life, name, after))
                key = shape(after)
                if key not in seen:
                    seen.add(key)
                    following.append(after)
        edge = following
    return tuple(steps)


def told(step: tuple[Life, str, Life]) -> str:
    before, name, after = step
    facts = ", ".join(type(e.fact).__name__ for e in after.line[5:])
    return f"{before.standing.status} -{name}-> {after.standing.status} ({facts})"


def wrong(rule: Callable[[Life, str, Life], bool]) -> Iterator[str]:
    return (told(step) for step in walked() if not rule(*step))


def test_the_walk_reaches_every_status_and_overlay() -> None:
    """The bound is deep enough: each status of 4.1 is reached, and each overlay."""
    assert {after.standing.status for _, _, after in walked()} >= set(_S) - {_S.NONE}
    assert {o for _, _, after in walked() for o in after.standing.overlays} == set(Overlay)
    assert len(walked()) > 2000


def test_no_path_loses_a_stop() -> None:
    """Once somebody said stop, nothing but their own later consent lets marketing out again."""
    mail = MayContact(channel="email", purpose=MARKETING)

    def holds(_before: Life, _name: str, after: Life) -> bool:
        return not after.said_stop or not may_contact(after.case, mail)

    assert list(wrong(holds)) == []


def test_stops_are_never_forgotten() -> None:
    """Whatever happens, every stop that was recorded still stands in the standing."""

    def holds(before: Life, _name: str, after: Life) -> bool:
        kinds = {s.kind for s in before.standing.objection.stops}
        return kinds <= {s.kind for s in after.standing.objection.stops}

    assert list(wrong(holds)) == []


def test_no_path_leaves_data_without_a_purpose_or_a_last_day() -> None:
    """Every value held has a last day, or a purpose that lives (R-116)."""

    def holds(_before: Life, _name: str, after: Life) -> bool:
        found = (kept_until(after.case, value) for value in after.standing.data.values)
        return all(until is not None or code == "purpose-lives" for until, code, _ in found)

    assert list(wrong(holds)) == []


def test_no_marketing_outside_the_rows_of_4_1() -> None:
    """Marketing is possible in NONE, ACTIVE and MARKETING only, and never under a restriction."""
    mail = MayContact(channel="email", purpose=MARKETING)

    def holds(_before: Life, _name: str, after: Life) -> bool:
        open_ = after.standing.status in (_S.NONE, _S.ACTIVE, _S.MARKETING)
        free = Overlay.RESTRICTED not in after.standing.overlays
        return (open_ and free) or not may_contact(after.case, mail)

    assert list(wrong(holds)) == []


def test_the_dead_and_the_erased_stay_so() -> None:
    """From DECEASED only ERASED is left, and from ERASED nothing but stops (4.1)."""

    def holds(before: Life, _name: str, after: Life) -> bool:
        was, now = before.standing.status, after.standing.status
        if before.standing.data.erased_at is not None:
            return now is _S.ERASED and not after.standing.data.values
        return was is not _S.DECEASED or now in (_S.DECEASED, _S.ERASED)

    assert list(wrong(holds)) == []


#: What happened -> the rows of 4.1 that may have been taken.
ROWS = {
    "end": {"connection-end"},
    "review": {"review-moves", "review-does-not-move", "old-entry-proved", "old-entry-cleaned"},
    "start": {"re-connection"},
    "objection": {"objection", "objection-to-entry"},
    "erasure": {"objection-to-entry", "objection", "last-period-over"},
    "due": {"entry-expired", "last-period-over", "old-entry-cleaned"},
    "left": {"contact-gone", "contact-left"},
    "death": {"death"},
    "old entry": {"old-entry-found"},
    "withdrawal": {"consent-withdrawn"},
    "consent": {"new-consent"},
    "restriction": {"restriction"},
    "lift": {"restriction-lifted"},
}


def test_every_transition_of_4_1_is_taken() -> None:
    """Each row of the table is taken from each status it names that is reached, to one it names."""
    taken: set[str] = set()
    for before, name, after in walked():
        was, now = before.standing.status, after.standing.status
        for row in EDGES:
            fits = row.event in ROWS.get(name, ()) and was in row.frm
            if not fits:
                continue
            moves = now in row.to if row.to else now is was
            lays = row.adds is None or row.adds in after.standing.overlays
            lifts = row.lifts is not Overlay.RESTRICTED or (
                Overlay.RESTRICTED in before.standing.overlays
                and Overlay.RESTRICTED not in after.standing.overlays
            )
            if moves and lays and lifts:
                taken.add(row.event)
    assert taken == {row.event for row in EDGES}


def test_a_status_changes_only_along_the_table() -> None:
    """No step changes the status in a way that no row of 4.1 names."""
    allowed = {(was, now) for row in EDGES for was in row.frm for now in row.to}
    # a prospect becomes a customer, or their last contact went stale; all erased at once by request
    more = {(_S.NONE, _S.ACTIVE), (_S.NONE, _S.ENDED), (_S.UNPROVEN, _S.ACTIVE)}
    more |= {(was, _S.ERASED) for was in _S}

    def holds(before: Life, _name: str, after: Life) -> bool:
        was, now = before.standing.status, after.standing.status
        return was is now or (was, now) in allowed | more

    assert sorted(set(wrong(holds))) == []
