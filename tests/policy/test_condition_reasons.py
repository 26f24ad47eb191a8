"""What the conditions of the matrix rest on, and until when they hold (R-303 to R-315)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from tests.policy.support import (
    CLEAR,
    MARKETING,
    added,
    case,
    customer,
    ended,
    jot,
    moved,
    related,
    sealed,
    with_notice,
    with_purpose,
)

from gdprkit.facts.connection import ConnectionStarted
from gdprkit.facts.data import DataCollected, SubjectAdded
from gdprkit.facts.entry import Fact
from gdprkit.facts.marketing import AddressObtainedAtSale, ListChecked
from gdprkit.facts.notice import NoticeGiven
from gdprkit.policy import basis, conditions
from gdprkit.policy.conditions import CONDITIONS, next_call_hours
from gdprkit.policy.decisions import Reason
from gdprkit.policy.placing import Asked, MayContact, place
from gdprkit.register.register import Register
from gdprkit.words.citations import ecsa
from gdprkit.words.identifiers import NoticeId, PurposeId, SourceId
from gdprkit.words.vocabulary import (
    Channel,
    CheckedList,
    NoticeKind,
    SourceKind,
    SubjectKind,
)

CARE = PurposeId("customer-care")
CONTRACT = PurposeId("customer-contract")
MAIL, SMS, POST, PHONE = Channel.EMAIL, Channel.SMS, Channel.POST, Channel.PHONE
UNDECLARED = NoticeGiven(notice=NoticeId("v0"))
HELSINKI = ZoneInfo("Europe/Helsinki")


def assessed(purpose: PurposeId = CARE, **changes: Any) -> Register:
    found = jot().purposes[purpose].assessment
    assert found is not None
    return with_purpose(purpose, assessment=attrs.evolve(found, **changes))


def placed(*facts: Any, channel: Channel = MAIL, as_member: bool = False, **more: Any) -> Asked:
    found = case(*facts, suppressed=CLEAR, **more)
    question = MayContact(channel=channel, purpose=MARKETING)
    return place(found, question, found.register.purposes[MARKETING], as_member=as_member)


def condition(name: str, *facts: Any, **more: Any) -> tuple[Reason, ...]:
    return tuple(CONDITIONS[name](placed(*facts, **more)))


@pytest.mark.parametrize(
    ("name", "part", "held", "lacking"),
    [
        (
            "optout",
            "opt_out",
            conditions.OPT_OUT_OFFERED[ecsa("202")],  # to a company's contact
            conditions.OPT_OUT_NOT_OFFERED[ecsa("202")],
        ),
        ("id", "identified", conditions.SENDER_IDENTIFIED, conditions.SENDER_NOT_IDENTIFIED),
        (
            "ksl",
            "written_confirmation",
            conditions.WRITTEN_CONFIRMATION,
            conditions.NO_WRITTEN_CONFIRMATION,
        ),
        (
            "own",
            "own_products",
            conditions.OWN_SIMILAR_PRODUCTS,
            conditions.PRODUCTS_NOT_SHOWN_OWN,
        ),
    ],
)
def test_what_the_purpose_declares_is_held_or_missing(
    name: str, part: str, held: Reason, lacking: Reason
) -> None:
    """One declaration decides each of these conditions, and nothing else does."""
    for declared, reason in ((True, held), (False, lacking)):
        changed: dict[str, Any] = {part: declared}
        register = with_purpose(MARKETING, **changed)
        assert condition(name, *customer(), register=register) == (reason,)


def test_a_caller_says_who_calls() -> None:
    """Calls have their own rule of identification (KSL 6)."""
    for declared, reason in (
        (True, conditions.CALLER_IDENTIFIED),
        (False, conditions.CALLER_NOT_IDENTIFIED),
    ):
        register = with_purpose(MARKETING, identified=declared)
        assert condition("id", *customer(), register=register, channel=PHONE) == (reason,)


def test_duties_rest_on_what_somebody_found() -> None:
    """The finding is the entry; a job title alone is thin, and nothing is nothing (R-307)."""
    assert condition("duty", *added()) == (conditions.DUTY_UNKNOWN,)
    assert condition("duty", *customer()) == (conditions.DUTY_RELATED.on(5),)
    thin = condition("duty", *added(), related(thin=True))
    assert thin == (conditions.DUTY_EVIDENCE_THIN.on(4),)


def test_call_hours_are_told_with_the_moment_they_change() -> None:
    """In them until they end, outside until they begin; a review of the move asks no hours."""
    noon, night = (datetime(2026, 3, 2, hour, tzinfo=HELSINKI) for hour in (12, 22))
    ends = datetime(2026, 3, 2, 18, tzinfo=UTC)
    begins = datetime(2026, 3, 3, 7, tzinfo=UTC)
    asked = {"channel": PHONE}
    assert condition("time", *customer(), at=noon, **asked) == (
        conditions.IN_CALL_HOURS.on(until=ends),
    )
    assert condition("time", *customer(), at=night, **asked) == (
        conditions.OUTSIDE_CALL_HOURS.on(until=begins),
    )
    assert condition("time", *customer(), at=night, as_member=True, **asked) == ()
    opening = begins.astimezone(HELSINKI)
    assert condition("time", *customer(), at=opening, **asked)[0].code == "in-call-hours"
    assert all(moment.tzinfo is UTC for moment in next_call_hours(case(at=noon)))


def test_marketing_is_told_with_interest_and_objection() -> None:
    """The first notice that says all three is the entry (R-313)."""
    assert condition("notice", *customer()) == (conditions.NOTICE_GIVEN.on(2),)
    for part in ("names_marketing", "names_interest", "names_right_to_object"):
        changed: dict[str, Any] = {part: False}
        register = with_notice("v7", **changed)
        assert condition("notice", *customer(), register=register) == (conditions.NOTICE_NOT_GIVEN,)
        twice = (*customer(), NoticeGiven(notice=NoticeId("v7-reminder")))
        assert condition("notice", *twice, register=register) == (conditions.NOTICE_GIVEN.on(6),)


def prospect(source: str = "employer") -> list[Fact]:
    return [SubjectAdded(kind=SubjectKind.COMPANY_CONTACT, source=SourceId(source))]


def test_a_notice_under_article_14_names_the_source() -> None:
    """One for another source, one under Art. 13 and one nobody declared tell nothing (R-314)."""
    given, lacking = conditions.SOURCE_NOTICE_GIVEN, (conditions.SOURCE_NOTICE_NOT_GIVEN,)
    told = NoticeGiven(notice=NoticeId("v7-14"))
    direct = NoticeGiven(notice=NoticeId("v7"))
    assert condition("a14", *prospect(), direct, UNDECLARED, told) == (given.on(4),)
    assert condition("a14", *prospect(), direct, UNDECLARED) == lacking
    assert condition("a14", *prospect("contact-form"), told) == lacking
    assert condition("a14", *prospect("contact-form"), direct) == lacking
    assert condition("a14", told) == lacking, "nobody knows the source"
    second = with_notice("v7-reminder", kind=NoticeKind.INDIRECT, sources={"contact-form"})
    both = (told, NoticeGiven(notice=NoticeId("v7-reminder")))
    assert condition("a14", *prospect("contact-form"), *both, register=second) == (given.on(3),)


def test_the_source_is_the_entry_where_it_is_declared() -> None:
    """A source nobody declared is none (R-314)."""
    assert condition("src", *prospect()) == (conditions.SOURCE_KNOWN.on(1),)
    assert condition("src", *prospect("never-declared")) == (conditions.SOURCE_UNKNOWN,)
    assert condition("src") == (conditions.SOURCE_UNKNOWN,)
    employer = jot().sources[SourceId("employer")]
    bought = attrs.evolve(employer, kind=SourceKind.BOUGHT_LIST, evidence=None)
    unproved = attrs.evolve(jot(), sources={**jot().sources, bought.id: bought})
    assert condition("src", *prospect(), register=unproved) == (conditions.LIST_UNPROVED.on(1),)


@pytest.mark.parametrize("channel", [PHONE, POST])
def test_a_check_of_a_list_is_fresh_for_the_days_set(channel: Channel) -> None:
    """Counted in days of Helsinki; calls have their list and post its own (R-315)."""
    which = {PHONE: CheckedList.ROBINSON_PHONE, POST: CheckedList.ROBINSON_POST}
    other = {PHONE: CheckedList.ROBINSON_POST, POST: CheckedList.ROBINSON_PHONE}
    checked = datetime(2026, 1, 5, 22, 30, tzinfo=UTC)  # 6 January in Helsinki
    until = datetime(2026, 2, 5, 22, tzinfo=UTC)

    def answer(seen: CheckedList, at: datetime) -> Reason:
        line = [*added("consumer"), (checked, ListChecked(checked=seen, hit=False))]
        (found,) = condition("rob", *line, channel=channel, at=at)
        return found

    last = until - timedelta(microseconds=1)
    fresh = answer(which[channel], last)
    assert (fresh.code, fresh.evidence, fresh.until) == ("robinson-checked", (4,), until)
    for stale in (answer(which[channel], until), answer(other[channel], last)):
        assert (stale.code, stale.evidence) == ("robinson-not-checked", ())


def test_the_population_register_is_checked_for_its_own_data() -> None:
    """Whether the person or one value came from there; a source nobody declared is no answer."""

    def value(source: str) -> DataCollected:
        return DataCollected(values=[sealed("address")], source=SourceId(source))

    for facts, asked in (
        (prospect("employer"), False),
        (prospect("population-register"), True),
        ([*prospect(), value("population-register")], True),
        ([*prospect(), value("never-declared")], False),
        ([], False),
    ):
        codes = [reason.code for reason in condition("dvv", *facts, channel=POST)]
        assert codes == (["population-register-not-checked"] if asked else [])
    check = ListChecked(checked=CheckedList.POPULATION_REGISTER, hit=False)
    (fresh,) = condition("dvv", *prospect("population-register"), check, channel=POST)
    assert (fresh.code, fresh.evidence) == ("population-register-checked", (2,))


def test_a_soft_opt_in_ages_from_the_end_of_the_relation() -> None:
    """So many months as set after its last day; an unknown end is a missing fact (R-303)."""
    sale = AddressObtainedAtSale(
        channels=[MAIL], product_group="fixtures", refusal_offered=True, option_told=True
    )
    line = [*added("consumer"), ConnectionStarted(reference="c-1"), sale]
    assert condition("age", *line) == (conditions.END_UNKNOWN,)
    until = datetime(2028, 1, 1, 22, tzinfo=UTC)
    over = [*line, ended(date(2026, 1, 1))]
    last = until - timedelta(microseconds=1)
    assert condition("age", *over, at=last) == (conditions.SOFT_OPT_IN_FRESH.on(until=until),)
    assert condition("age", *over, at=until) == (conditions.SOFT_OPT_IN_TOO_OLD,)


def test_a_balancing_for_former_people_is_asked_of_their_rows() -> None:
    """Former people need an assessment that covers them, present ones do not (R-403 T2)."""
    register = assessed(MARKETING, covers_former=False)
    former = [*customer(), ended(), moved()]
    (lacking,) = condition("lia", *former, register=register)
    assert lacking == basis.ASSESSMENT_NOT_FOR_FORMER
    (passed,) = condition("lia", *customer(), register=register)
    assert passed.code == "assessment-passed"


def test_an_entry_in_the_marketing_register_asks_nothing_more_here() -> None:
    """Step 7 forbids where it is missing; the condition itself is silent."""
    assert condition("mreg", *customer()) == ()
