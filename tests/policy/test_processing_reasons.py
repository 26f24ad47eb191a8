"""What each reason of may_process rests on and until when it holds (R-101 to R-116, R-504)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.policy.support import (
    MARKETING,
    NEWSLETTER,
    START,
    case,
    consented,
    customer,
    ended,
    jot,
    moved,
    sealed,
    with_notice,
    with_purpose,
)

from gdprkit.facts.data import CircumstanceNoted, DataCollected, PersonErased
from gdprkit.facts.entry import Fact
from gdprkit.facts.merge import MergedInto
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.objection import ObjectionRaised, RestrictionImposed
from gdprkit.facts.request import RequestReceived
from gdprkit.policy import processing
from gdprkit.policy.decisions import Decision
from gdprkit.policy.law import FI_2026
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.register.purposes import Compatibility, RetentionRule
from gdprkit.register.register import Register
from gdprkit.words.identifiers import CaseId, FieldId, NoticeId, PurposeId, SourceId, SubjectId
from gdprkit.words.moments import Period
from gdprkit.words.vocabulary import (
    Channel,
    Circumstance,
    DataTag,
    ErasureReason,
    FilingSystem,
    IntakeChannel,
    LegalBasis,
    RestrictionGround,
    Right,
    SpecialGround,
    Trigger,
)

VIA = IntakeChannel.EMAIL
CARE = PurposeId("customer-care")
BOOKS = PurposeId("bookkeeping")
DEAD = CircumstanceNoted(circumstance=Circumstance.DECEASED)
RESTRICTED = RestrictionImposed(ground=RestrictionGround.UNLAWFUL)
LATER = START + timedelta(minutes=30)
#: A consent of 5 January 2026 has to be renewed after two years, counted in Helsinki.
TWO_YEARS = datetime(2028, 1, 5, 22, tzinfo=UTC)


def decide(purpose: str, *facts: Any, field: str | None = None, **more: Any) -> Decision:
    return may_process(case(*facts, **more), MayProcess(purpose=purpose, field=field))


def request(right: Right, number: int = 1, **more: Any) -> RequestReceived:
    return RequestReceived(case=CaseId(UUID(int=number)), right=right, channel=VIA, **more)


def test_the_answer_names_the_question_the_person_the_moment_and_the_law() -> None:
    """Who reads a decision later knows what was asked about whom, when and under which law."""
    who = SubjectId(UUID(int=9))
    asked = attrs.evolve(case(*customer()), about=who)
    found = may_process(asked, MayProcess(purpose=CARE))
    assert (found.question, found.about, found.at) == ("may_process", who, asked.at)
    assert (found.law, found.law_until) == (FI_2026.id, None)
    short = attrs.evolve(FI_2026, valid_to=date(2026, 3, 1))
    limited = may_process(attrs.evolve(asked, law=short), MayProcess(purpose=CARE))
    assert limited.law_until == datetime(2026, 3, 1, 22, tzinfo=UTC)


# --- who is there --------------------------------------------------------------------------------


def test_death_closes_everything_but_the_archive() -> None:
    """What a law keeps of the dead is kept; nothing else is processed (R-415)."""
    assert processing.PERSON_DECEASED.on(6) in decide(CARE, *customer(), DEAD).against
    assert processing.PERSON_DECEASED.code not in decide(BOOKS, *customer(), DEAD).codes
    assert processing.PERSON_DECEASED.code not in decide(CARE, *customer()).codes


def test_erased_and_merged_people_are_named_by_their_entry() -> None:
    """The answer points to the erasure and to the merge that closed the line (R-416, R-503)."""
    erased = PersonErased(reason=ErasureReason.CONSENT_WITHDRAWN, reference="r-1")
    assert processing.PERSON_ERASED.on(6) in decide(CARE, *customer(), erased).against
    merged = MergedInto(survivor=SubjectId(UUID(int=7)))
    assert decide(CARE, *customer(), merged).against == (processing.MERGED_AWAY.on(6),)


# --- restriction ---------------------------------------------------------------------------------


def test_restricted_data_serves_a_consent_given_since() -> None:
    """A consent after the restriction, and not at its moment, lets go on until it ends (R-504)."""
    care = with_purpose(CARE, basis=LegalBasis.CONSENT)
    anew = consented(CARE, ())

    def answer(*facts: Any) -> Decision:
        return decide(CARE, *customer(), *facts, register=care)

    spite = processing.RESTRICTED_BUT_CONSENT
    assert spite.on(7, until=TWO_YEARS) in answer(RESTRICTED, anew).reasons
    assert answer(RESTRICTED, anew).against == ()
    assert answer(anew, RESTRICTED).against == (processing.RESTRICTED.on(7),)
    same = answer((LATER, RESTRICTED), (LATER, anew))
    assert processing.RESTRICTED.on(6) in same.against
    mail = consented(CARE, [Channel.EMAIL])
    by_mail = with_purpose(CARE, channels={Channel.EMAIL}, register=care)
    found = decide(CARE, *customer(), RESTRICTED, mail, register=by_mail)
    assert spite.on(7, until=TWO_YEARS) in found.reasons


def test_the_newest_restriction_is_the_one_a_consent_has_to_follow() -> None:
    """A consent between two restrictions opens nothing, and both are named."""
    care = with_purpose(CARE, basis=LegalBasis.CONSENT)
    second = RestrictionImposed(ground=RestrictionGround.NEEDED_FOR_CLAIMS)
    found = decide(CARE, *customer(), RESTRICTED, consented(CARE, ()), second, register=care)
    assert found.against == (processing.RESTRICTED.on(6), processing.RESTRICTED.on(8))


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (request(Right.RESTRICTION), processing.RESTRICTION_ASKED.on(6)),
        (
            request(Right.RECTIFICATION, restriction_ground=RestrictionGround.ACCURACY_CONTESTED),
            processing.ACCURACY_CONTESTED.on(6),
        ),
        (request(Right.OBJECTION), processing.OBJECTION_PENDING.on(6)),
    ],
    ids=["restriction", "accuracy", "objection"],
)
def test_an_open_request_stops_what_it_is_about(fact: Fact, reason: Any) -> None:
    """The request itself is the entry the answer rests on (R-414, R-502, R-504, R-507)."""
    assert decide(CARE, *customer(), fact).against == (reason,)


@pytest.mark.parametrize(
    ("right", "marketing", "care"),
    [
        (Right.ERASURE, True, False),
        (Right.OBJECTION_TO_MARKETING, True, False),
        (Right.ACCESS, False, False),
        (Right.RECTIFICATION, False, False),
    ],
)
def test_marketing_waits_for_a_request_to_be_left_alone(
    right: Right, marketing: bool, care: bool
) -> None:
    """Erasure and objection stop marketing at once; to be shown or corrected stops nothing."""
    pending = processing.REQUEST_PENDING.on(6)
    found = decide(MARKETING, *customer(), request(right), field="email")
    assert (pending in found.reasons) is marketing
    assert (pending in decide(CARE, *customer(), request(right)).reasons) is care


@pytest.mark.parametrize(
    ("basis", "objectable"),
    [
        (LegalBasis.LEGITIMATE_INTERESTS, True),
        (LegalBasis.PUBLIC_TASK, True),
        (LegalBasis.LEGAL_OBLIGATION, False),
        (LegalBasis.VITAL_INTERESTS, False),
    ],
)
def test_an_objection_reaches_interests_and_public_tasks_only(
    basis: LegalBasis, objectable: bool
) -> None:
    """Art. 21(1) names two bases; a duty goes on while the objection is open."""
    register = with_purpose(CARE, basis=basis, statute="Act 1/2000 s. 2")
    found = decide(CARE, *customer(), request(Right.OBJECTION), register=register)
    assert (processing.OBJECTION_PENDING.on(6) in found.reasons) is objectable


def test_a_request_about_other_fields_leaves_the_next_one_standing() -> None:
    """Each open request is looked at by itself."""
    names = request(Right.RESTRICTION, 1, fields=[FieldId("name")])
    mails = request(Right.RESTRICTION, 2, fields=[FieldId("email")])
    found = decide(CARE, *customer(), names, mails, field="email")
    assert found.against == (processing.RESTRICTION_ASKED.on(7),)
    whole = decide(CARE, *customer(), names, mails)
    assert len(whole.against) == 2, "the whole of the purpose is asked about"


def test_an_objection_to_another_purpose_hides_none_to_this_one() -> None:
    """Objections are looked at one by one (R-507)."""
    other = ObjectionRaised(purpose=PurposeId("surveys"), via=VIA)
    found = decide(CARE, *customer(), other, ObjectionRaised(purpose=CARE, via=VIA))
    assert processing.OBJECTED.on(7) in found.against
    assert processing.OBJECTED.on(6) not in found.against


# --- special data --------------------------------------------------------------------------------


def tagged(tag: DataTag, **declared: Any) -> Register:
    register = with_purpose(CARE, **declared)
    email = attrs.evolve(register.fields[FieldId("email")], tags=frozenset({tag}))
    return attrs.evolve(register, fields={**register.fields, email.id: email})


def test_one_field_is_asked_about_without_the_others() -> None:
    """A name is no special data because an address beside it is."""
    register = tagged(DataTag.SPECIAL)
    assert processing.SPECIAL_DATA in decide(CARE, *customer(), register=register).against
    assert decide(CARE, *customer(), register=register, field="name")


def test_an_explicit_consent_to_special_data_says_until_when() -> None:
    """The consent that opens the data is the entry, and its end is the answer's (R-109)."""
    register = tagged(
        DataTag.SPECIAL, basis=LegalBasis.CONSENT, special_ground=SpecialGround.EXPLICIT_CONSENT
    )
    express = consented(CARE, (), explicit=True, data=["email"])
    found = decide(CARE, *customer(), express, register=register)
    assert processing.EXPLICIT_CONSENT.on(6, until=TWO_YEARS) in found.reasons
    mail, post = Channel.EMAIL, Channel.POST
    plain = consented(CARE, [mail])
    by_post = consented(CARE, [post], explicit=True, data=["email"])
    ways = with_purpose(CARE, register=register, channels={mail, post})
    second = decide(CARE, *customer(), plain, by_post, register=ways)
    assert processing.EXPLICIT_CONSENT.on(7, until=TWO_YEARS) in second.reasons
    lapsed = decide(
        CARE, *customer(), express, register=register, at=TWO_YEARS + timedelta(hours=1)
    )
    assert processing.EXPLICIT_CONSENT_MISSING in lapsed.against


# --- new purposes --------------------------------------------------------------------------------

FITS = Compatibility(reference="assessments/new", decided=date(2026, 1, 5), compatible=True)
TOLD = NoticeGiven(notice=NoticeId("v7-reminder"))


def untold(named: frozenset[PurposeId], **declared: Any) -> Register:
    """Return the register whose notice at collection names these purposes, a later one care."""
    register = with_notice("v7-reminder", purposes=frozenset({CARE}), names_interest=True)
    register = with_purpose(CARE, register=register, compatibility=FITS, **declared)
    return with_notice("v7", purposes=named, register=register)


def test_the_notice_of_a_new_purpose_is_the_entry() -> None:
    """The answer points to the notice that told of it (R-114)."""
    found = decide(CARE, *customer(), TOLD, register=untold(frozenset({MARKETING})))
    assert processing.NEW_PURPOSE_TOLD.on(6) in found.reasons
    assert processing.PURPOSE_COMPATIBLE in found.reasons


def test_data_is_collected_on_consent_where_its_fields_are() -> None:
    """Whether a consent is widened is asked about the data in question only (R-113)."""
    register = untold(frozenset({NEWSLETTER}))

    def answer(field: str | None) -> Decision:
        return decide(CARE, *customer(), TOLD, register=register, field=field)

    email, orders = (jot().purposes[NEWSLETTER].fields >= {name} for name in ("email", "orders"))
    assert (email, orders) == (True, False)
    assert processing.COLLECTED_ON_CONSENT in answer("email").reasons
    assert processing.COLLECTED_ON_CONSENT in answer(None).reasons
    assert processing.PURPOSE_COMPATIBLE in answer("orders").reasons


# --- the period ----------------------------------------------------------------------------------


def kept(after: Trigger, days: int = 30, **declared: Any) -> Register:
    rule = RetentionRule(keep=Period(days=days), after=after, because="an example")
    return with_purpose(CARE, retention=rule, **declared)


def test_a_period_runs_to_the_end_of_its_last_day() -> None:
    """On the last day it runs and says until when; the next moment it is over (R-116)."""
    register = kept(Trigger.COLLECTION)
    over = datetime(2026, 2, 4, 22, tzinfo=UTC)  # the end of 4 February in Helsinki
    before = decide(CARE, *customer(), register=register, at=over - timedelta(microseconds=1))
    assert processing.PERIOD_RUNS.on(until=over) in before.reasons
    at = decide(CARE, *customer(), register=register, at=over)
    assert at.against == (processing.PERIOD_OVER,)


def test_only_values_of_the_purpose_and_field_asked_about_count() -> None:
    """A value collected later keeps its own field open, and no other one."""
    register = kept(Trigger.COLLECTION)
    anew = DataCollected(values=[sealed("email")], source=SourceId("contact-form"))
    newer = (START + timedelta(days=20), anew)
    end = datetime(2026, 2, 4, 22, tzinfo=UTC)
    for field, over in (("email", False), ("name", True), (None, False)):
        found = decide(CARE, *customer(), newer, register=register, at=end, field=field)
        assert (processing.PERIOD_OVER in found.reasons) is over
    outside = with_purpose(CARE, register=register, fields={FieldId("name")})
    whole = decide(CARE, *customer(), newer, register=outside, at=end)
    assert processing.PERIOD_OVER in whole.reasons, "another purpose's value prolongs nothing"


@pytest.mark.parametrize(
    ("register", "frozen"),
    [
        (kept(Trigger.CONNECTION_END), True),
        (kept(Trigger.COLLECTION), False),
        (with_purpose(CARE, retention=None), False),
        (kept(Trigger.CONNECTION_END, filing=FilingSystem.ARCHIVE), False),
        (kept(Trigger.COLLECTION, marketing=True), True),
    ],
    ids=["to its end", "from collection", "no period", "archive", "marketing"],
)
def test_the_review_freezes_what_the_connection_carried(register: Register, frozen: bool) -> None:
    """After the end, marketing and what counted from the end wait for the review (R-402)."""
    found = decide(CARE, *customer(), ended(), register=register)
    assert (processing.UNDER_REVIEW.on(6) in found.reasons) is frozen
    assert processing.UNDER_REVIEW.code not in decide(CARE, *customer(), register=register).codes


def test_the_period_of_another_file_is_not_counted_here() -> None:
    """Entries of the marketing register end by their own rules, not by the purpose's (R-405)."""
    rule = RetentionRule(keep=Period(days=1), after=Trigger.COLLECTION, because="an example")
    register = with_purpose(MARKETING, retention=rule)
    facts = [*customer(), ended(), moved()]
    found = decide(MARKETING, *facts, register=register, at=START + timedelta(days=20))
    assert found.codes.isdisjoint({"period-over", "period-runs"})


# --- decisions by machine ------------------------------------------------------------------------


def test_an_explicit_consent_opens_decisions_by_machine_until_its_end() -> None:
    """For a channel or for none, the express consent is the entry (R-509)."""
    for channels in ((), (Channel.EMAIL,)):
        register = with_purpose(
            CARE, basis=LegalBasis.CONSENT, automated_decisions=True, channels=frozenset(channels)
        )
        express = consented(CARE, channels, explicit=True)
        found = decide(CARE, *customer(), express, register=register)
        assert processing.AUTOMATED_OPENED.on(6, until=TWO_YEARS) in found.reasons
        plain = decide(CARE, *customer(), consented(CARE, channels), register=register)
        assert processing.AUTOMATED_UNEXPLICIT in plain.reasons
