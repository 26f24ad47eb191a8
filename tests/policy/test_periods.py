"""When a purpose stops needing a value, and when its consent ended (R-116, R-715)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from tests.policy.plans import holding, later, live, over
from tests.policy.support import (
    MARKETING,
    NEWSLETTER,
    case,
    consented,
    ended,
    jot,
    sealed,
    with_notice,
    with_purpose,
)

from gdprkit.facts.connection import ActivityNoted, ConnectionStarted
from gdprkit.facts.consent import ConsentRefused, ConsentWithdrawn
from gdprkit.facts.data import DataCollected
from gdprkit.facts.entry import Fact
from gdprkit.facts.objection import MarketingObjection
from gdprkit.facts.request import RequestReceived, RequestWithdrawn
from gdprkit.facts.retention import ClaimInterrupted, ClaimNoted
from gdprkit.policy.law import EU_2026
from gdprkit.policy.periods import (
    consent_end,
    covering,
    ends_on,
)
from gdprkit.register.purposes import RetentionRule
from gdprkit.words.identifiers import CaseId, PurposeId
from gdprkit.words.moments import Period
from gdprkit.words.vocabulary import (
    Activity,
    Channel,
    ConsentMethod,
    FilingSystem,
    IntakeChannel,
    LegalBasis,
    Right,
    SubjectKind,
    Trigger,
)

VIA = IntakeChannel.EMAIL
CARE = PurposeId("customer-care")
MAIL, POST = Channel.EMAIL, Channel.POST
#: Half past midnight on the sixth of a month in Helsinki, still the fifth in UTC.
NIGHT = datetime(2026, 2, 5, 22, 30, tzinfo=UTC)
NEXT = datetime(2026, 4, 5, 21, 30, tzinfo=UTC)  # summer time


# --- the end of a consent -------------------------------------------------------------------------


LONG_AFTER = later(400)


def consent_over(*facts: Any, at: datetime = LONG_AFTER, **more: Any) -> date | None:
    found = case(*holding("email"), *facts, at=at, **more)
    return consent_end(found, found.register.purposes[MARKETING])


def no_more(*channels: Channel, at: datetime = NIGHT) -> tuple[datetime, Fact]:
    return at, ConsentWithdrawn(purpose=MARKETING, channels=channels, via=VIA)


BOTH = consented(channels=(MAIL, POST))
IMPLIED = consented(channels=(MAIL,), method=ConsentMethod.IMPLIED_BY_USE)
EXPIRED = datetime(2028, 6, 1, tzinfo=UTC)


def test_a_consent_without_an_end_has_no_day() -> None:
    """Never given, in force, or in force on one channel still: there is no end."""
    assert consent_over() is None
    assert consent_over(BOTH) is None
    assert consent_over(BOTH, no_more(MAIL)) is None
    assert consent_over(BOTH, no_more(POST)) is None


def test_a_consent_ends_on_the_civil_day_of_its_last_withdrawal() -> None:
    """Counted in the controller's zone; where channels end on two days, on the later one."""
    assert consent_over(consented(), no_more(MAIL)) == date(2026, 2, 6)
    assert consent_over(BOTH, no_more(MAIL), no_more(POST, at=NEXT)) == date(2026, 4, 6)
    assert consent_over(BOTH, no_more(POST), no_more(MAIL, at=NEXT)) == date(2026, 4, 6)


def test_a_consent_ends_with_the_stop_or_the_expiry_that_comes_first() -> None:
    """An objection ends it; a stop before it does not; a late withdrawal prolongs nothing."""
    objection = MarketingObjection(via=VIA)
    assert consent_over(consented(), (NIGHT, objection)) == date(2026, 2, 6)
    assert consent_over(objection, (NIGHT, consented()), at=EXPIRED) == date(2028, 2, 7)
    assert consent_over(consented(), at=EXPIRED) == date(2028, 1, 6)
    assert consent_over(consented(), no_more(MAIL, at=EXPIRED), at=EXPIRED) == date(2028, 1, 6)
    assert consent_over((NIGHT, consented()), (NIGHT, objection)) == date(2026, 2, 6)


def test_what_was_never_validly_given_has_no_end() -> None:
    """An implied yes and a refusal started nothing; a valid one on another channel did (R-203)."""
    assert consent_over(IMPLIED, no_more(MAIL)) is None
    refused = ConsentRefused(purpose=MARKETING, channels=[MAIL], via=VIA)
    assert consent_over(refused) is None
    post = consented(channels=(POST,))
    for never in (IMPLIED, refused):
        assert consent_over(never, post, no_more(POST)) == date(2026, 2, 6)


def test_a_consent_that_a_new_notice_outdated_ended_with_it() -> None:
    """Its scope is old from that day; the value it covered has an end, so it is not unclear."""
    register = with_notice("v7-reminder", published=date(2026, 2, 1), renews={MARKETING})
    assert consent_over(consented(), register=register, at=later(20)) is None
    assert consent_over(consented(), register=register, at=later(60)) == date(2026, 2, 1)
    register = with_purpose(NEWSLETTER, double_opt_in=False)
    register = with_notice(
        "v7-reminder", register=register, published=date(2026, 2, 1), renews={NEWSLETTER}
    )
    found = case(*holding("email"), consented(NEWSLETTER), register=register, at=later(60))
    value = found.standing.data.values[0]
    assert NEWSLETTER in {p.id for p in covering(found, value, FilingSystem.CUSTOMER)}
    assert ends_on(found, found.register.purposes[NEWSLETTER], value) == date(2026, 3, 3)


# --- what periods count from ----------------------------------------------------------------------


def keeps(after: Trigger, keep: Period = Period(days=10)) -> RetentionRule:  # noqa: B008
    return RetentionRule(keep=keep, after=after, because="A test.")


def purpose_over(
    after: Trigger, *facts: Any, known: list[Fact] | None = None, **register: Any
) -> date | None:
    """Return the last day customer care needs an e-mail address collected on 5 January 2026."""
    declared = attrs.evolve(with_purpose(CARE, retention=keeps(after)), **register)
    found = case(*(known or live("email")), *facts, register=declared, at=later(400))
    return ends_on(found, declared.purposes[CARE], found.standing.data.values[0])


def collected(at: datetime) -> list[Any]:
    """Return the facts of a customer whose address was collected at another moment."""
    return [
        (at, fact) if isinstance(fact, DataCollected) else fact
        for fact in [*holding("email"), ConnectionStarted(reference="contract-1")]
    ]


def test_a_period_counts_whole_days_from_its_event() -> None:
    """The civil day of collection, of the connection's end, of the end of a consent."""
    assert purpose_over(Trigger.COLLECTION) == date(2026, 1, 15)
    assert purpose_over(Trigger.COLLECTION, known=collected(NIGHT)) == date(2026, 2, 16)
    assert purpose_over(Trigger.CONNECTION_END) is None
    assert purpose_over(Trigger.CONNECTION_END, ended(date(2026, 3, 1))) == date(2026, 3, 11)
    agreed = consented(CARE, channels=())
    no = (NIGHT, ConsentWithdrawn(purpose=CARE, via=VIA))
    assert purpose_over(Trigger.WITHDRAWAL, agreed) is None
    assert purpose_over(Trigger.WITHDRAWAL, agreed, no) == date(2026, 2, 16)


def test_a_period_counts_from_the_persons_last_act_or_from_collection() -> None:
    """Whichever is later; without any act, from collection."""
    act = (NIGHT, ActivityNoted(activity=Activity.ORDER))
    after = Trigger.LAST_ACTIVITY
    assert purpose_over(after, act) == date(2026, 2, 16)
    assert purpose_over(after, known=holding("email")) == date(2026, 1, 15)
    assert purpose_over(after, known=collected(NIGHT)) == date(2026, 2, 16)


def test_a_period_counts_from_the_last_closing() -> None:
    """Of two closed requests the later one; an open one has no day and changes nothing."""
    one, two, three = (CaseId(sealed(name).slot) for name in ("one", "two", "three"))

    def asks(case_id: CaseId) -> RequestReceived:
        return RequestReceived(case=case_id, right=Right.ACCESS, channel=VIA)

    first = [asks(one), asks(two), asks(three), (NEXT, RequestWithdrawn(case=one))]
    assert purpose_over(Trigger.CLOSING, asks(one)) is None
    assert purpose_over(Trigger.CLOSING, *first) == date(2026, 4, 16)
    both = [*first, (NIGHT, RequestWithdrawn(case=two))]
    assert purpose_over(Trigger.CLOSING, *both) == date(2026, 4, 16)


@pytest.mark.parametrize(
    ("after", "year_end", "last"),
    [
        (Trigger.CALENDAR_YEAR_END, "12-31", date(2027, 1, 10)),
        (Trigger.CALENDAR_YEAR_END, "01-31", date(2027, 1, 10)),
        (Trigger.FINANCIAL_YEAR_END, "12-31", date(2027, 1, 10)),
        (Trigger.FINANCIAL_YEAR_END, "02-05", date(2027, 2, 15)),
        (Trigger.FINANCIAL_YEAR_END, "02-06", date(2026, 2, 16)),
        (Trigger.CALENDAR_YEAR_OF_FINANCIAL_YEAR_END, "12-31", date(2027, 1, 10)),
        (Trigger.CALENDAR_YEAR_OF_FINANCIAL_YEAR_END, "02-05", date(2028, 1, 10)),
        (Trigger.CALENDAR_YEAR_OF_FINANCIAL_YEAR_END, "02-06", date(2027, 1, 10)),
    ],
)
def test_years_end_as_the_controller_says(after: Trigger, year_end: str, last: date) -> None:
    """Collected on 6 February in Helsinki: the year in which that civil day lies (R-408)."""
    assert purpose_over(after, known=collected(NIGHT), financial_year_end=year_end) == last


def test_the_new_year_begins_in_the_controllers_zone() -> None:
    """Half past midnight on 1 January in Helsinki lies in the new year, in UTC in the old one."""
    known = collected(datetime(2026, 12, 31, 22, 30, tzinfo=UTC))
    for after in (
        Trigger.CALENDAR_YEAR_END,
        Trigger.FINANCIAL_YEAR_END,
        Trigger.CALENDAR_YEAR_OF_FINANCIAL_YEAR_END,
    ):
        assert purpose_over(after, known=known) == date(2028, 1, 10)


def test_a_claim_counts_from_the_latest_day_known() -> None:
    """Of several claims the latest start; without any, the end of the connection (0.3)."""
    early = ClaimNoted(reference="claim-1", since=date(2026, 5, 1))
    late = ClaimNoted(reference="claim-2", since=date(2026, 8, 1))
    again = ClaimInterrupted(reference="claim-1", on=date(2026, 9, 1))
    assert purpose_over(Trigger.CLAIM) is None
    assert purpose_over(Trigger.CLAIM, ended(date(2026, 3, 1))) == date(2026, 3, 11)
    assert purpose_over(Trigger.CLAIM, ended(date(2026, 3, 1)), early) == date(2026, 5, 11)
    assert purpose_over(Trigger.CLAIM, late, early) == date(2026, 8, 11)
    assert purpose_over(Trigger.CLAIM, late, early, again) == date(2026, 9, 11)


def damage(reference: str, since: date) -> ClaimNoted:
    return ClaimNoted(reference=reference, since=since, damages=True)


def test_damages_are_kept_for_ten_years_from_the_newest() -> None:
    """Where that is longer than the purpose's own period; it reaches purposes of claims only."""
    old, new = damage("claim-1", date(2026, 5, 1)), damage("claim-2", date(2026, 8, 1))
    interrupted = ClaimInterrupted(reference="claim-3", on=date(2027, 1, 15))
    assert purpose_over(Trigger.CLAIM, new, old) == date(2036, 8, 1)
    assert purpose_over(Trigger.CLAIM, new, interrupted) == date(2036, 8, 1)
    long_ago = damage("claim-1", date(2010, 1, 1))
    claim = ClaimNoted(reference="claim-2", since=date(2026, 5, 1))
    assert purpose_over(Trigger.CLAIM, long_ago, claim) == date(2026, 5, 11)
    assert purpose_over(Trigger.COLLECTION, new) == date(2026, 1, 15)


def test_where_the_law_of_damages_is_not_written_down_there_is_no_end() -> None:
    """The Union has no limit of its own: a member state's profile gives the years."""
    found = attrs.evolve(
        case(*live("orders"), damage("claim-1", date(2026, 5, 1)), at=later(400)), law=EU_2026
    )
    value = found.standing.data.values[0]
    assert ends_on(found, jot().purposes[PurposeId("claims")], value) is None


def test_a_purpose_without_a_period_has_no_end() -> None:
    """Nobody has decided how long it keeps its values."""
    register = with_purpose(CARE, retention=None)
    found = case(*over("email"), register=register, at=later(1))
    assert ends_on(found, register.purposes[CARE], found.standing.data.values[0]) is None


def test_a_prospect_waits_for_no_end_of_a_connection() -> None:
    """Twelve months from collection (R-715); what else has not begun has no end."""
    prospect = [f for f in collected(NIGHT) if not isinstance(f, ConnectionStarted)]
    assert purpose_over(Trigger.CONNECTION_END, known=prospect) == date(2027, 2, 6)
    for after in (Trigger.CLOSING, Trigger.WITHDRAWAL, Trigger.CLAIM):
        assert purpose_over(after, known=prospect) is None
    assert purpose_over(Trigger.CONNECTION_END, known=collected(NIGHT)) is None


# --- which purposes need a value ------------------------------------------------------------------


def covered(
    facts: list[Any], filing: FilingSystem = FilingSystem.CUSTOMER, **more: Any
) -> set[str]:
    found = case(*facts, at=later(1), **more)
    return {str(p.id) for p in covering(found, found.standing.data.values[0], filing)}


def test_purposes_of_one_filing_system_and_of_this_kind_of_person_need_a_value() -> None:
    """Another filing system's purposes do not, nor those about other people."""
    contact = {"customer-care", "business-planning", "customer-development", "customer-statistics"}
    orders = holding("orders")
    assert covered(orders) == {*contact, "fraud-prevention"}
    assert covered(orders, FilingSystem.ARCHIVE) == {"claims"}
    consumer = holding("orders", kind=SubjectKind.CONSUMER)
    assert "customer-care" not in covered(consumer)
    assert "customer-contract" in covered(consumer)
    everybody = with_purpose(CARE, subjects=frozenset())
    assert "customer-care" in covered(consumer, register=everybody)


def test_a_consent_that_nobody_gave_needs_no_value() -> None:
    """It covers from the first valid consent on, also after its end, while its period runs."""
    register = with_purpose(NEWSLETTER, double_opt_in=False)
    no = ConsentWithdrawn(purpose=NEWSLETTER, channels=[MAIL], via=VIA)
    implied = consented(NEWSLETTER, method=ConsentMethod.IMPLIED_BY_USE)
    for facts, needed in (
        ([], False),
        ([implied], False),
        ([no], False),
        ([consented(NEWSLETTER)], True),
        ([consented(NEWSLETTER), no], True),
        ([consented()], False),
    ):
        found = covered([*holding("email"), *facts], register=register)
        assert ("newsletter" in found) is needed
    other = with_purpose(NEWSLETTER, basis=LegalBasis.CONTRACT)
    assert "newsletter" in covered(holding("email"), register=other)


def test_a_field_that_is_declared_no_longer_is_needed_by_nothing() -> None:
    """It is unclear, and so it is kept and listed."""
    assert "shoe-size" not in jot().fields
    assert covered(holding("shoe-size")) == set()
