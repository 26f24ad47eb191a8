"""Holds and claims (R-408, R-715), and what ties a connection or keeps it in touch (R-401)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import attrs
import pytest
from tests.policy.support import START, customer, ended, life, moved

from gdprkit.facts.connection import (
    ActivityNoted,
    ConnectionStarted,
    ConnectionTied,
    ContactHeld,
    OldEntryFound,
    RoleTaken,
)
from gdprkit.facts.data import CircumstanceNoted
from gdprkit.facts.entry import Fact
from gdprkit.facts.merge import MergedFrom
from gdprkit.facts.retention import (
    Archived,
    ClaimInterrupted,
    ClaimNoted,
    HoldLifted,
    HoldPlaced,
    MarketingEntryEnded,
)
from gdprkit.state.connection import (
    ConnectionState,
    ConnectionStatus,
    Contact,
    Edge,
    Tie,
)
from gdprkit.state.retention import Claim, Hold, RetentionState
from gdprkit.words.identifiers import PurposeId, SubjectId
from gdprkit.words.vocabulary import Activity, Actor, Circumstance, EndCause, ErasureReason

REVIEW = date(2026, 6, 1)
FIRM = SubjectId(UUID("00000000-0000-4000-8000-000000000001"))


def moment(position: int) -> datetime:
    """Return when the entry at a position of a test's line happened."""
    return START + timedelta(minutes=position)


def kept(*facts: Fact) -> RetentionState:
    return life(*facts).retention


def connection(*facts: Fact) -> ConnectionState:
    return life(*facts).connection


# --- holds ---------------------------------------------------------------------------------------


def placed(reference: str, reason: str = "court", review_by: date | None = REVIEW) -> HoldPlaced:
    return HoldPlaced(reference=reference, reason=reason, review_by=review_by)


def held(
    reference: str, position: int, reason: str = "court", review_by: date | None = REVIEW
) -> Hold:
    return Hold(
        reference=reference,
        reason=reason,
        at=moment(position),
        position=position,
        review_by=review_by,
    )


def test_a_hold_stands_as_it_was_placed() -> None:
    """Pointer, reason, moment, entry and the day somebody looks again; without a day, none."""
    assert kept(placed("hold-1")) == RetentionState(holds=(held("hold-1", 1),))
    endless = kept(placed("hold-1", review_by=None))
    assert endless == RetentionState(holds=(held("hold-1", 1, review_by=None),))


def test_a_hold_placed_again_takes_the_place_of_the_older() -> None:
    """The same pointer stands once, with its newest reason and day; others stand beside it."""
    again = kept(placed("hold-1"), placed("hold-2"), placed("hold-1", "appeal", None))
    assert again.holds == (held("hold-2", 2), held("hold-1", 3, "appeal", None))


def test_a_hold_is_lifted_by_its_own_pointer() -> None:
    """The others stay in force; lifting what is not in force changes nothing."""
    two = [placed("hold-1"), placed("hold-2")]
    assert kept(*two, HoldLifted(reference="hold-1")).holds == (held("hold-2", 2),)
    assert kept(*two, HoldLifted(reference="hold-3")) == kept(*two)


# --- claims --------------------------------------------------------------------------------------

DUE, LATER, LATEST = date(2026, 1, 5), date(2026, 3, 1), date(2026, 9, 1)


def test_a_claim_stands_as_it_was_noted() -> None:
    """Pointer, day, entry, and whether it is about damages; it is found by its pointer."""
    found = kept(
        ClaimNoted(reference="claim-1", since=DUE),
        ClaimNoted(reference="claim-2", since=LATER, damages=True),
    )
    one = Claim(reference="claim-1", since=DUE, position=1)
    two = Claim(reference="claim-2", since=LATER, damages=True, position=2)
    assert found == RetentionState(claims=(one, two))
    assert (found.claim("claim-1"), found.claim("claim-2")) == (one, two)
    assert found.claim("claim-3") is None


def test_an_interruption_is_kept_when_the_claim_is_noted_again() -> None:
    """A corrected day does not undo that the limitation was interrupted (R-408)."""
    found = kept(
        ClaimNoted(reference="claim-1", since=DUE),
        ClaimNoted(reference="claim-2", since=DUE),
        ClaimInterrupted(reference="claim-1", on=LATEST),
        ClaimNoted(reference="claim-1", since=LATER, damages=True),
    )
    again = Claim(reference="claim-1", since=LATER, interrupted=LATEST, damages=True, position=4)
    assert found.claims == (Claim(reference="claim-2", since=DUE, position=2), again)
    assert again.start == LATEST


@pytest.mark.parametrize("days", [(LATER, LATEST), (LATEST, LATER)])
def test_of_interruptions_the_latest_counts(days: tuple[date, date]) -> None:
    """Whichever is recorded first; the claim keeps its own day and whether it is about damages."""
    calls = [ClaimInterrupted(reference="claim-1", on=day) for day in days]
    other = ClaimNoted(reference="claim-2", since=DUE)
    found = kept(other, ClaimNoted(reference="claim-1", since=DUE, damages=True), *calls)
    assert found.claims == (
        Claim(reference="claim-2", since=DUE, position=1),
        Claim(reference="claim-1", since=DUE, interrupted=LATEST, damages=True, position=4),
    )


def test_an_interruption_alone_tells_of_a_claim() -> None:
    """Nobody noted the claim itself: its period counts from the interruption."""
    found = kept(ClaimInterrupted(reference="claim-1", on=LATER))
    assert found.claims == (Claim(reference="claim-1", interrupted=LATER, position=1),)
    assert found.claims[0].start == LATER


@pytest.mark.parametrize(
    ("since", "interrupted", "start"),
    [(None, None, None), (DUE, None, DUE), (None, LATER, LATER), (LATEST, LATER, LATEST)],
)
def test_a_period_counts_from_the_later_day(
    since: date | None, interrupted: date | None, start: date | None
) -> None:
    """An interruption starts it again; one before the claim was due starts nothing earlier."""
    claim = Claim(reference="claim-1", since=since, interrupted=interrupted, position=1)
    assert claim.start == start


# --- ties, contacts, organisation ----------------------------------------------------------------


def tied(cause: EndCause, reference: str, until: date | None) -> ConnectionTied:
    return ConnectionTied(cause=cause, reference=reference, until=until)


def test_a_tie_is_known_by_its_cause_and_its_pointer() -> None:
    """Only both alike are the same tie noted again; the newest day of it counts."""
    contract, warranty = EndCause.CONTRACT_END, EndCause.WARRANTY_END
    found = connection(
        tied(contract, "order-1", DUE),
        tied(warranty, "order-1", LATER),
        tied(contract, "order-2", LATER),
        tied(contract, "order-1", None),
    )
    assert found.ties == (
        Tie(cause=warranty, reference="order-1", until=LATER, position=2),
        Tie(cause=contract, reference="order-2", until=LATER, position=3),
        Tie(cause=contract, reference="order-1", until=None, position=4),
    )


FIRST = Contact(at=moment(1), position=1)
SECOND = Contact(at=moment(2), position=2)


@pytest.mark.parametrize(
    ("fact", "contact", "own"),
    [
        (ActivityNoted(activity=Activity.ORDER), SECOND, SECOND),
        (ActivityNoted(activity=Activity.CONTACT), SECOND, SECOND),
        (ActivityNoted(activity=Activity.REPLY), SECOND, FIRST),
        (ActivityNoted(activity=Activity.CLICK), FIRST, FIRST),
        (ContactHeld(begun_by=Actor.SUBJECT), SECOND, SECOND),
        (ContactHeld(begun_by=Actor.CONTROLLER), SECOND, FIRST),
        (ConnectionStarted(reference="contract-1"), SECOND, SECOND),
    ],
    ids=lambda value: str(getattr(value, "activity", "")) or None,
)
def test_contacts_both_ways_and_who_began_them(fact: Fact, contact: Contact, own: Contact) -> None:
    """A reply and a contact of ours are contacts, not begun by the person; a click is none."""
    found = connection(ContactHeld(begun_by=Actor.SUBJECT), fact)
    assert (found.contact, found.own_contact) == (contact, own)


def test_the_newest_organisation_is_the_one_acted_for() -> None:
    """Which one, and the entry that says so (R-418)."""
    other = SubjectId(UUID("00000000-0000-4000-8000-000000000002"))
    found = connection(RoleTaken(organisation=other), RoleTaken(organisation=FIRM))
    assert (found.organisation, found.organisation_position) == (FIRM, 2)


def test_an_edge_takes_any_collection_of_statuses() -> None:
    """A row of the paper's table compares as a set, however it was written."""
    edge = Edge(event="death", frm=[ConnectionStatus.ACTIVE], to=[ConnectionStatus.DECEASED])
    assert edge.frm == frozenset({ConnectionStatus.ACTIVE})
    assert edge.to == frozenset({ConnectionStatus.DECEASED})
    assert (edge.guard, edge.adds, edge.lifts) == (None, None, None)


# --- the entry in the marketing register ---------------------------------------------------------

KNOWN = len(customer())


def test_an_end_stands_with_its_day_cause_evidence_and_entry() -> None:
    """All of it is what the review and T1 rest on."""
    found = connection(*customer(), ended())
    assert (found.status, found.since, found.position) == (
        ConnectionStatus.ENDED,
        moment(KNOWN + 1),
        KNOWN + 1,
    )
    assert (found.ended_on, found.cause, found.end_evidence, found.end_position) == (
        date(2026, 1, 1),
        EndCause.WARRANTY_END,
        "warranty-1",
        KNOWN + 1,
    )


def test_a_move_stands_with_its_last_day_plan_and_entry() -> None:
    """The same move after an old entry was found proves it: nothing is found any more."""
    found = connection(*customer(), ended(), moved())
    assert (found.marketing_expires, found.marketing_set) == (date(2028, 1, 1),) * 2
    assert (found.marketing_plan, found.marketing_position) == ("0" * 64, KNOWN + 2)
    proved = connection(*customer(), ended(), OldEntryFound(reference="old-1"), moved())
    assert proved.status is ConnectionStatus.MARKETING
    assert (proved.found_at, proved.found_position) == (None, 0)


def without_entry(found: ConnectionState) -> bool:
    return (
        found.marketing_expires,
        found.marketing_set,
        found.marketing_plan,
        found.marketing_position,
    ) == (None, None, None, 0)


def test_an_entry_that_ended_leaves_nothing_of_itself() -> None:
    """Its end, an old register without proof and a new connection all drop day, plan and entry."""
    entry = [*customer(), ended(), moved()]
    over = connection(*entry, MarketingEntryEnded(reason=ErasureReason.RETENTION_ENDED))
    assert without_entry(over)
    unproven = connection(*entry, OldEntryFound(reference="old-1"))
    assert without_entry(unproven)
    assert (unproven.found_at, unproven.found_position) == (moment(KNOWN + 3), KNOWN + 3)


def test_a_re_connection_drops_the_old_end_and_the_old_entry() -> None:
    """As if it began now: no end, no last day, nothing found; the anomalies stay (R-411)."""
    again = connection(
        *customer(),
        ended(),
        moved(),
        OldEntryFound(reference="old-1"),
        ConnectionStarted(reference="contract-2"),
    )
    position = KNOWN + 4
    contact = Contact(at=moment(position), position=position)
    assert (again.since, again.position) == (moment(position), position)
    assert (again.contact, again.own_contact) == (contact, contact)
    assert without_entry(again)
    assert again.status is ConnectionStatus.ACTIVE
    assert (again.ended_on, again.cause, again.end_evidence, again.end_position) == (
        None,
        None,
        None,
        0,
    )
    assert (again.found_at, again.found_position) == (None, 0)


def test_a_re_connection_drops_the_last_days_of_merged_entries() -> None:
    """The old expiry is dropped, wherever it came from (R-411)."""
    merged = MergedFrom(other=FIRM, expires_on=DUE)
    again = ConnectionStarted(reference="contract-2")
    assert connection(*customer(), ended(), merged, again).merged_expiries == ()
    entry = connection(*customer(), ended(), merged, again, ended(), moved())
    assert entry.marketing_expires == date(2028, 1, 1)


def test_archiving_moves_no_live_connection() -> None:
    """What a duty needs is copied while the relation goes on: only moment and entry are new."""
    archived = Archived(values=[], purpose=PurposeId("bookkeeping"), until=DUE)
    before, after = connection(*customer()), connection(*customer(), archived)
    position = KNOWN + 1
    assert after == attrs.evolve(before, since=moment(position), position=position)


def test_facts_without_a_place_are_listed_and_change_nothing() -> None:
    """A move without an end, twice, then a new connection of the dead: each entry by its place."""
    found = connection(*customer(), moved(), moved())
    assert found.anomalies == (KNOWN + 1, KNOWN + 2)
    assert attrs.evolve(found, anomalies=()) == connection(*customer())
    died = CircumstanceNoted(circumstance=Circumstance.DECEASED)
    again = ConnectionStarted(reference="contract-2")
    dead = connection(*customer(), died, again, again)
    assert dead.anomalies == (KNOWN + 2, KNOWN + 3)
    assert attrs.evolve(dead, anomalies=()) == connection(*customer(), died)


def test_the_end_of_a_dead_persons_connection_is_recorded() -> None:
    """What still happens to the file of the dead moves the status below the death (R-415)."""
    died = CircumstanceNoted(circumstance=Circumstance.DECEASED)
    found = connection(*customer(), died, ended(cause=EndCause.DEATH))
    assert found.anomalies == ()
    assert (found.status, found.cause) == (ConnectionStatus.ENDED, EndCause.DEATH)
