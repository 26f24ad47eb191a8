"""After the end: claims, old stock, death, organisations, merges (R-408, R-415 to R-420)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import attrs
import pytest
from tests.policy.support import (
    CLEAR,
    MARKETING,
    START,
    added,
    case,
    consented,
    customer,
    ended,
    entries,
    life,
    moved,
    related,
    sealed,
)

from gdprkit.acts.act import Act
from gdprkit.acts.prepare import prepare
from gdprkit.facts.connection import ConnectionStarted, OldEntryFound, RoleTaken
from gdprkit.facts.consent import ConsentWithdrawn
from gdprkit.facts.data import CircumstanceNoted, SubjectAdded
from gdprkit.facts.entry import Fact
from gdprkit.facts.merge import MergedFrom, MergedInto, MergeReversed
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.objection import MarketingObjection, MarketingProhibition, RestrictionImposed
from gdprkit.facts.request import RequestReceived
from gdprkit.facts.retention import Archived, ClaimInterrupted, ClaimNoted, HoldPlaced
from gdprkit.policy.case import Case
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.marketing import MayContact, may_contact
from gdprkit.policy.marks import tags, wake_at
from gdprkit.policy.merging import brought_by
from gdprkit.policy.periods import at_collection, ends_on, window_end
from gdprkit.policy.plan import PlanAction
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.policy.retention import (
    AfterEnd,
    DueErasure,
    kept_until,
    plan_after_end,
    plan_due,
)
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.standing import fold
from gdprkit.words.identifiers import (
    CaseId,
    FieldId,
    NoticeId,
    PurposeId,
    SourceId,
    SubjectId,
)
from gdprkit.words.vocabulary import (
    Channel,
    Circumstance,
    EndCause,
    FilingSystem,
    IntakeChannel,
    RestrictionGround,
    Right,
    SubjectKind,
)

OTHER = SubjectId(sealed("other").slot)
FIRM = SubjectId(sealed("firm").slot)
ABOUT = SubjectId(sealed("person").slot)
DAY = timedelta(days=1)
MAIL = MayContact(channel=Channel.EMAIL, purpose=MARKETING)


def mail(found: Case) -> Decision:
    return may_contact(attrs.evolve(found, suppressed=CLEAR), MAIL)


def later(days: int) -> datetime:
    return START + timedelta(days=days)


# --- claims --------------------------------------------------------------------------------------


def claims_end(*facts: Fact) -> date | None:
    found = case(*customer(), ended(date(2026, 3, 31)), *facts, at=later(100))
    purpose = found.register.purposes[PurposeId("claims")]
    return ends_on(found, purpose, found.standing.data.values[0])


def test_claims_count_from_their_day_and_else_from_the_end() -> None:
    """Due date or knowledge of the damage; neither known: the connection's end (0.3)."""
    assert claims_end() == date(2029, 3, 31)
    noted = ClaimNoted(reference="claim-1", since=date(2026, 6, 30))
    assert claims_end(noted) == date(2029, 6, 30)


def test_an_interruption_starts_the_period_again() -> None:
    """A claim that was called in runs for its three years anew, and the latest claim rules."""
    noted = ClaimNoted(reference="claim-1", since=date(2026, 6, 30))
    again = ClaimInterrupted(reference="claim-1", on=date(2027, 1, 15))
    assert claims_end(noted, again) == date(2030, 1, 15)
    second = ClaimNoted(reference="claim-2", since=date(2028, 1, 1))
    assert claims_end(noted, again, second) == date(2031, 1, 1)


def test_damages_may_be_claimed_for_ten_years() -> None:
    """The outer limit of damages keeps the file longer than the general limitation."""
    noted = ClaimNoted(reference="claim-1", since=date(2026, 6, 30), damages=True)
    assert claims_end(noted) == date(2036, 6, 30)


# --- old stock -----------------------------------------------------------------------------------

FOUND = OldEntryFound(reference="old-file-1")


def test_an_unproven_entry_is_not_usable() -> None:
    """Who stands in an old register without proof gets no marketing, with consent neither."""
    assert mail(case(*customer(), ended(), moved()))
    for more in ([], [consented()]):
        unproven = case(*customer(), ended(), moved(), FOUND, *more)
        assert unproven.standing.status is ConnectionStatus.UNPROVEN
        assert mail(unproven).outcome is Outcome.FORBIDDEN
        assert "unproven-entry" in mail(unproven).codes


def test_an_unproven_entry_is_cleaned_up_within_thirty_days() -> None:
    """Values of an old register go after the clean-up time; what a duty needs is archived."""
    day = [*customer(), ended(), FOUND]
    keeps = attrs.evolve(case(*day, at=later(29)), about=ABOUT)
    goes = attrs.evolve(case(*day, at=later(31)), about=ABOUT)
    assert {i.code for i in plan_due(keeps, DueErasure()).items} == {"unproven"}
    assert not plan_due(keeps, DueErasure()).of(PlanAction.ERASE)
    plan = plan_due(goes, DueErasure())
    assert len(plan.of(PlanAction.ERASE)) == len(goes.standing.data.values)
    assert {i.field for i in plan.of(PlanAction.ARCHIVE)} == {"invoices"}


def test_an_unproven_entry_of_the_register_has_the_same_thirty_days() -> None:
    """Values in the marketing register are on the clean-up list too, not erased the same day."""
    facts = [*customer(), ended(), moved(), FOUND]
    for days, gone in ((29, False), (31, True)):
        found = attrs.evolve(case(*facts, at=later(days)), about=ABOUT)
        erased = {i.filing for i in plan_due(found, DueErasure()).of(PlanAction.ERASE)}
        assert (FilingSystem.MARKETING in erased) is gone


def test_an_unproven_entry_may_be_proved() -> None:
    """With every guard met the move is made now; T1 needs the end with its evidence."""
    unproved = attrs.evolve(case(*customer(), FOUND, suppressed=CLEAR), about=ABOUT)
    assert not plan_after_end(unproved, AfterEnd()).of(PlanAction.MOVE)
    proved = attrs.evolve(case(*customer(), FOUND, ended(), suppressed=CLEAR), about=ABOUT)
    assert plan_after_end(proved, AfterEnd()).of(PlanAction.MOVE)


# --- death ---------------------------------------------------------------------------------------

DIED = CircumstanceNoted(circumstance=Circumstance.DECEASED)


def test_a_death_ends_everything_at_once() -> None:
    """Marketing stops, the connection ends, and an entry in the marketing register goes."""
    active = prepare(case(*customer()), Act(fact=DIED))
    assert [type(f).__name__ for f in active] == ["CircumstanceNoted", "ConnectionEnded"]
    assert active[1].cause is EndCause.DEATH  # type: ignore[union-attr]
    entry = prepare(case(*customer(), ended(), moved()), Act(fact=DIED))
    assert [type(f).__name__ for f in entry] == [
        "CircumstanceNoted",
        "DataErased",
        "MarketingEntryEnded",
    ]


def test_the_dead_take_no_new_connection() -> None:
    """Nothing brings a dead person back to life (0.3)."""
    standing = life(*customer(), DIED, ConnectionStarted(reference="contract-2"))
    assert standing.status is ConnectionStatus.DECEASED
    assert standing.connection.anomalies


@pytest.mark.parametrize("known", [added(), customer(), [*customer(), ended()]], ids=range(3))
def test_a_dead_persons_data_goes_within_the_review(known: list[Fact]) -> None:
    """Nothing but duties and claims keeps it: the rest ends thirty days after it was known."""
    found = case(*known, DIED, at=later(31))
    for value in found.standing.data.values:
        until, code, rule = kept_until(found, value)
        assert until == date(2026, 2, 4), (value.field, code, rule)


# --- an organisation's stops ------------------------------------------------------------


def firm(*facts: Fact) -> Any:
    kind = SubjectAdded(kind=SubjectKind.GENERIC_ADDRESS, source=SourceId("contact-form"))
    return fold(entries([kind, NoticeGiven(notice=NoticeId("v7")), *facts], start=START - DAY))


def contact(organisation: Any, *more: Fact) -> Case:
    found = case(*customer(), RoleTaken(organisation=FIRM), *more)
    return attrs.evolve(found, organisation=organisation)


PROHIBITED = MarketingProhibition(via=IntakeChannel.LETTER)


def test_what_an_organisation_prohibits_reaches_its_people() -> None:
    """A prohibition on the organisation's own line closes the work address of each contact."""
    assert mail(contact(firm()))
    stopped = mail(contact(firm(PROHIBITED)))
    assert stopped.outcome is Outcome.FORBIDDEN
    assert "company-prohibited" in stopped.codes
    own = mail(contact(firm(PROHIBITED), consented()))
    assert "company-prohibited" in own.codes, "a contact's own consent does not lift it"


def test_the_organisations_later_consent_lifts_it() -> None:
    """The organisation said no, and later yes: its people may be written to again (0.3)."""
    assert mail(contact(firm(PROHIBITED, consented())))
    assert not mail(contact(firm(consented(), PROHIBITED)))


def test_what_an_organisation_prohibited_is_not_guessed() -> None:
    """Without its line nobody knows, and unknown is never yes (R-418)."""
    found = mail(contact(None))
    assert found.outcome is Outcome.NEEDS
    assert "organisation-unknown" in found.codes


# --- merges ---------------------------------------------------------------------------------------


def merged(other: Any, *mine: Fact, verified: bool = True) -> Case:
    fact = brought_by(OTHER, other, verified=verified)
    return case(*(mine or customer()), fact)


STOPS: list[Fact] = [
    MarketingObjection(via=IntakeChannel.EMAIL),
    MarketingProhibition(via=IntakeChannel.PHONE, channels=[Channel.EMAIL]),
    ConsentWithdrawn(purpose=MARKETING, channels=[Channel.EMAIL], via=IntakeChannel.EMAIL),
    RestrictionImposed(ground=RestrictionGround.UNLAWFUL),
    CircumstanceNoted(circumstance=Circumstance.MINOR),
    RequestReceived(case=CaseId(ABOUT), right=Right.ERASURE, channel=IntakeChannel.EMAIL),
    DIED,
]


@pytest.mark.parametrize("stop", STOPS, ids=lambda fact: type(fact).__name__)
def test_every_stop_of_the_other_line_rules(stop: Fact) -> None:
    """The union of stops: what either line closed is closed (R-416)."""
    assert mail(merged(life(*customer())))
    assert mail(merged(life(*customer(), stop))).outcome is Outcome.FORBIDDEN


@pytest.mark.parametrize("stop", STOPS, ids=lambda fact: type(fact).__name__)
def test_a_wrong_merge_is_taken_back_whole(stop: Fact) -> None:
    """After the reversal the line stands as if the other had never been there."""
    fact = brought_by(OTHER, life(*customer(), stop), verified=True)
    back = case(*customer(), fact, MergeReversed(other=OTHER))
    plain = case(*customer())
    for room in ("data", "notice", "consent", "objection", "marketing"):
        assert getattr(back.standing, room) == getattr(plain.standing, room)
    assert mail(back)


def test_a_merge_keeps_what_was_said_since() -> None:
    """Taking a merge back removes what it brought, not what the person said afterwards."""
    fact = brought_by(OTHER, life(*customer()), verified=True)
    objection = MarketingObjection(via=IntakeChannel.EMAIL)
    back = case(*customer(), fact, objection, MergeReversed(other=OTHER))
    assert "objected" in mail(back).codes


def test_consents_come_from_the_same_verified_person_only() -> None:
    """An unverified merge brings no consent; a verified one brings it at its own moment."""
    other = life(*customer(), consented())
    unsure = mail(merged(other, *added(), verified=False))
    assert unsure.cell == "M-EM/B2B-U/N"
    sure = mail(merged(other, *added(), verified=True))
    assert sure.cell == "M-EM/B2B-U/C+"
    objected = mail(
        case(
            *added(),
            MarketingObjection(via=IntakeChannel.EMAIL),
            at=later(2),
        )
    )
    assert not objected
    early = brought_by(
        OTHER, fold(entries([*added(), consented()], start=START - DAY)), verified=True
    )
    stopped = case(*added(), MarketingObjection(via=IntakeChannel.EMAIL), early)
    assert not mail(stopped), "an older consent of the other line does not lift a stop"


def test_the_earliest_expiry_rules() -> None:
    """Of two entries in the marketing register the one that ends first decides."""
    other = life(*customer(), ended(), moved(date(2026, 3, 1)))
    both = merged(other, *customer(), ended(), moved(date(2028, 1, 1)))
    assert both.standing.connection.marketing_expires == date(2026, 3, 1)


def test_an_entry_is_erased_at_the_earliest_expiry() -> None:
    """What the merged line's earlier day ended is erased then, and a later move ends no later."""
    other = life(*customer(), ended(), moved(date(2026, 3, 1)))
    fact = brought_by(OTHER, other, verified=True)
    entry = case(*customer(), ended(), moved(), fact, at=later(60))
    held = entry.standing.data.held(FilingSystem.MARKETING)
    assert {kept_until(entry, value)[0] for value in held} == {date(2026, 3, 1)}
    before = case(*customer(), ended(), fact, suppressed=CLEAR)
    plan = plan_after_end(attrs.evolve(before, about=ABOUT), AfterEnd())
    assert plan.expires_on == date(2026, 3, 1)


def test_the_oldest_notice_that_is_proved_decides() -> None:
    """Told too little on the older line is told too little; the newer notice opens a window."""
    old = [*added()[:1], NoticeGiven(notice=NoticeId("v6"))]
    fact = brought_by(OTHER, fold(entries(old, start=START - DAY)), verified=True)
    both = case(*customer(), ended(), fact)
    assert [notice.id for _, notice in at_collection(both)] == ["v6"]
    assert window_end(both) == date(2026, 2, 4)
    alone = case(*customer(), ended(), fact, MergeReversed(other=OTHER))
    assert [notice.id for _, notice in at_collection(alone)] == ["v7"]


def test_that_somebody_is_of_age_comes_from_the_same_verified_person_only() -> None:
    """Being of age opens doors, so an unverified merge does not bring it; being a minor it does."""
    for which, unverified in ((Circumstance.ADULT, False), (Circumstance.MINOR, True)):
        other = life(*added(), CircumstanceNoted(circumstance=which))
        for verified, comes in ((True, True), (False, unverified)):
            brought = brought_by(OTHER, other, verified=verified).circumstances
            assert (which in brought) is comes


def test_nothing_goes_out_from_a_line_that_was_merged_away() -> None:
    """The closed line is neither marketed to nor processed: the other one answers for it."""
    away = case(*customer(), MergedInto(survivor=OTHER))
    assert "merged-away" in mail(away).codes
    assert "merged-away" in may_process(away, MayProcess(purpose="customer-care")).codes


def test_a_merge_brings_no_values() -> None:
    """The log names stops, consents and notices; no value and no slot is in it."""
    fact = brought_by(OTHER, life(*customer(), consented()), verified=True)
    assert isinstance(fact, MergedFrom)
    assert "SealedValue" not in repr(fact)


ARCHIVED = Archived(
    values=[sealed("invoices", FilingSystem.ARCHIVE)],
    purpose=PurposeId("bookkeeping"),
    until=date(2032, 12, 31),
    plan="0" * 64,
)


def test_archived_values_stay_under_their_own_rule_after_a_re_connection() -> None:
    """A new order opens a new record; what was archived is not restored into live use (R-411)."""
    again = case(*added(), ended(), ARCHIVED, ConnectionStarted(reference="contract-2"), related())
    assert again.standing.status is ConnectionStatus.ACTIVE
    assert [v.field for v in again.standing.data.held(FilingSystem.ARCHIVE)] == ["invoices"]
    assert again.standing.connection.marketing_expires is None


# --- the review, the register, requests ----------------------------------------------------------


def test_what_nobody_reviewed_goes_when_the_review_was_due() -> None:
    """Another purpose that runs longer keeps nothing of an ended relation (R-402)."""
    found = case(*customer(), ended(), at=later(1))
    assert {kept_until(found, v)[::2] for v in found.standing.data.values} == {
        (date(2026, 1, 31), "R-402")
    }


def test_after_the_review_nothing_serves_the_relation() -> None:
    """In the register and in the archive there is no service and no analysis (4.1)."""
    for kept in (moved(), ARCHIVED):
        found = case(*customer(), ended(), kept)
        assert "period-over" in may_process(found, MayProcess(purpose="customer-care")).codes
        assert may_process(found, MayProcess(purpose="bookkeeping"))


def test_a_request_for_erasure_ends_the_entry_at_once() -> None:
    """It is an objection to marketing, unless it names single fields or another purpose (R-414)."""
    entry = case(*customer(), ended(), moved())

    def recorded(found: Case, **more: Any) -> list[str]:
        fact = RequestReceived(
            case=CaseId(ABOUT), right=Right.ERASURE, channel=IntakeChannel.EMAIL, **more
        )
        return [type(one).__name__ for one in prepare(found, Act(fact=fact))]

    ends = ["RequestReceived", "MarketingObjection", "DataErased", "MarketingEntryEnded"]
    assert recorded(entry) == ends
    assert recorded(entry, purpose=MARKETING) == ends
    assert recorded(entry, purpose=PurposeId("bookkeeping")) == ["RequestReceived"]
    assert recorded(entry, fields=[FieldId("address")]) == ["RequestReceived"]
    assert recorded(case(*customer())) == ["RequestReceived"]


def test_a_prospect_who_left_the_company_goes_within_thirty_days() -> None:
    """No relation ends, so no review starts; the thirty days of R-417 run all the same."""
    left = CircumstanceNoted(circumstance=Circumstance.LEFT_ROLE)
    found = case(*added(), left, at=later(2))
    assert {kept_until(found, v) for v in found.standing.data.values} == {
        (date(2026, 2, 4), "contact-left", "R-417")
    }


def test_a_hold_is_looked_at_again_by_its_day() -> None:
    """The day is a moment to wake at, and once it is over the person is found by a tag (R-715)."""
    hold = HoldPlaced(reference="hold-1", reason="court", review_by=date(2026, 2, 1))
    before, after = (case(*customer(), hold, at=later(days)) for days in (20, 30))
    assert wake_at(before) == before.end_of(date(2026, 2, 1))
    assert "hold-review" not in tags(before)
    assert "hold-review" in tags(after)
    renewed = attrs.evolve(hold, review_by=date(2026, 6, 1))
    assert "hold-review" not in tags(case(*customer(), hold, renewed, at=later(30)))
