"""Where two rules meet: an answer of one that another has to know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

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
    jot,
    life,
    moved,
    sealed,
    with_notice,
    with_purpose,
)

from gdprkit.acts.marketing import object_to
from gdprkit.acts.prepare import prepare
from gdprkit.facts.connection import (
    ConnectionStarted,
    ConnectionTied,
    ContactHeld,
    OldEntryFound,
    RoleTaken,
)
from gdprkit.facts.data import CircumstanceNoted, DataErased, SubjectAdded
from gdprkit.facts.entry import Fact
from gdprkit.facts.marketing import AddressObtainedAtSale, ListChecked
from gdprkit.facts.merge import MergeReversed
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.objection import (
    MarketingObjection,
    MarketingProhibition,
    ObjectionDecided,
    ObjectionRaised,
)
from gdprkit.facts.request import RequestReceived
from gdprkit.facts.retention import Archived, MarketingEntryEnded
from gdprkit.policy.advertising import MayAdvertise, may_advertise
from gdprkit.policy.case import Case, Suppressed
from gdprkit.policy.conditions import next_call_hours
from gdprkit.policy.connection import MayMove, may_move
from gdprkit.policy.consent import consent_since
from gdprkit.policy.decisions import Decision, Outcome, Reason
from gdprkit.policy.disclosure import MayDisclose, may_disclose
from gdprkit.policy.law import FI_2026
from gdprkit.policy.marketing import MayContact, may_contact
from gdprkit.policy.merging import brought_by
from gdprkit.policy.periods import ends_on
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.policy.transfer import MayTransfer, may_transfer
from gdprkit.register.purposes import Compatibility
from gdprkit.register.register import Register
from gdprkit.words.citations import ecsa, gdpr
from gdprkit.words.identifiers import CaseId, FieldId, NoticeId, PurposeId, SourceId, SubjectId
from gdprkit.words.vocabulary import (
    Actor,
    Channel,
    CheckedList,
    Circumstance,
    DataTag,
    EndCause,
    FilingSystem,
    IntakeChannel,
    LegalBasis,
    PurposeKind,
    RestrictionGround,
    Right,
    SpecialGround,
    SubjectKind,
)

LETTER = IntakeChannel.LETTER
INTEREST = LegalBasis.LEGITIMATE_INTERESTS
FIRM = SubjectId(UUID(int=7, version=4))
CARE = PurposeId("customer-care")
DEVELOPMENT = PurposeId("customer-development")
NO: Fact = MarketingProhibition(via=LETTER, by=Actor.COMPANY)
YES: Fact = consented(actor=Actor.COMPANY)
MINUTE = timedelta(minutes=1)
#: Midnight in Helsinki after the day on which a consent of START is to be asked for again.
EXPIRY = datetime(2028, 1, 5, 22, tzinfo=UTC)

SALE = AddressObtainedAtSale(
    channels=[Channel.EMAIL],
    product_group="spare-parts",
    refusal_offered=True,
    option_told=True,
)

Told = Fact | tuple[datetime, Fact]


def asked_for(right: Right, **limits: object) -> Fact:
    given = {"case": CaseId(UUID(int=2, version=4)), "right": right, "channel": LETTER}
    return RequestReceived(**{**given, **limits})  # type: ignore[arg-type]


# --- the organisation and its people (R-316.3, R-418) -------------------------------------------


def of_the_firm(here: Sequence[Told], firm: Sequence[Told], at: datetime | None = None) -> Decision:
    """Ask for an e-mail to an address of a firm that has a line of its own."""
    there = life(SubjectAdded(kind=SubjectKind.GENERIC_ADDRESS, source=SourceId("employer")), *firm)
    asked = case(*here, RoleTaken(organisation=FIRM), at=at, suppressed=CLEAR)
    return may_contact(
        attrs.evolve(asked, organisation=there), MayContact(channel="email", purpose=MARKETING)
    )


def generic() -> list[Fact]:
    return [*added("generic-address"), ConnectionStarted(reference="contract-1")]


@pytest.mark.parametrize("here", [customer(), generic()], ids=["contact", "generic-address"])
def test_an_organisation_speaks_for_every_address_of_its_own(here: list[Fact]) -> None:
    """Its prohibition closes named and generic addresses; its later consent opens them again."""
    assert of_the_firm(here, [])
    closed = of_the_firm(here, [NO])
    assert {r.code for r in closed.against} == {"company-prohibited"}
    assert of_the_firm(here, [NO, YES])


@pytest.mark.parametrize("here", [customer(), generic()], ids=["contact", "generic-address"])
def test_a_consent_said_for_one_address_lifts_it_there(here: list[Fact]) -> None:
    """A consent the company gave for this very address, later than its prohibition, lifts it here;
    one of the same instant or an earlier one does not.
    """
    said: Told = (START + 30 * MINUTE, YES)
    for minute, opened in ((29, True), (30, False), (31, False)):
        closed: Told = (START + minute * MINUTE, NO)
        assert bool(of_the_firm([*here, said], [closed])) is opened


def test_a_company_that_prohibits_anew_closes_anew() -> None:
    """Of the organisation's words the newest counts, wherever each was said."""
    anew: Told = (START + 40 * MINUTE, NO)
    assert not of_the_firm(customer(), [NO, YES, anew])
    assert not of_the_firm([*customer(), anew], [NO, YES])


@pytest.mark.parametrize("on_its_own_line", [True, False], ids=["its-line", "the-contact's"])
def test_a_prohibition_rules_again_when_the_company_s_consent_expires(
    on_its_own_line: bool,
) -> None:
    """An allowance on a company's consent holds until that expires, and says so (0.3, R-330)."""
    here, firm = (customer(), [NO, YES]) if on_its_own_line else ([*customer(), NO, YES], [])
    open_still = of_the_firm(here, firm, EXPIRY - MINUTE)
    assert open_still
    assert open_still.valid_until == EXPIRY
    (lifts,) = [r for r in open_still.reasons if r.code == "company-consented"]
    # of the firm's own line the entry that says for whom they act
    assert lifts.evidence == (len(customer()) + (1 if on_its_own_line else 2),)
    over = of_the_firm(here, firm, EXPIRY)
    assert {r.code for r in over.against} == {"company-prohibited"}


def test_an_invalid_consent_of_the_company_lifts_nothing() -> None:
    """A ticked box does not lift the prohibition, on whichever line it stands."""
    ticked = consented(actor=Actor.COMPANY, default_off=False)
    assert not of_the_firm(customer(), [NO, ticked])
    assert not of_the_firm([*customer(), ticked], [NO])


def test_a_consumer_has_no_organisation() -> None:
    """What a firm prohibits is about its own addresses, not about a consumer's (R-316.3)."""
    consumer = [*added("consumer"), ConnectionStarted(reference="contract-1"), consented()]
    assert "company-prohibited" not in of_the_firm(consumer, [NO]).codes


# --- rows, hours and bases ----------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["phone", "post"])
@pytest.mark.parametrize(
    ("source", "notice", "code"),
    [
        ("trade-register", "v7", "source-notice-not-given"),
        ("trade-register", "v7-14", None),
        ("contact-form", "v7-14", None),  # no prospect: any notice that tells marketing in full
        ("contact-form", "v7", None),
    ],
)
def test_an_unrelated_prospect_is_told_under_article_14(
    channel: str, source: str, notice: str, code: str | None
) -> None:
    """Row B2B-U takes prospects in as well: for them the notice is the one naming the source."""
    first, _, data = added(source=source)
    checked = ListChecked(checked=CheckedList.ROBINSON_PHONE, hit=False)
    facts = [first, NoticeGiven(notice=NoticeId(notice)), data, checked]
    decision = may_contact(case(*facts), MayContact(channel=channel, purpose=MARKETING))
    assert {r.code for r in decision.against} == ({code} if code else set())


def test_calls_know_no_holiday_on_an_eve() -> None:
    """Eves counted as holidays move time limits (R-556), never the hours of calls (R-310)."""
    controller = attrs.evolve(jot().controller, holidays="FI+eves", holidays_because="national")
    register = attrs.evolve(jot(), controller=controller)
    noon = datetime(2026, 12, 24, 10, tzinfo=UTC)
    begins, ends = next_call_hours(case(at=noon, register=register))
    assert begins <= noon < ends


def test_no_interest_carries_online_what_rests_on_consent() -> None:
    """Personalised advertising of a purpose that rests on consent waits for one (R-115)."""
    passed = jot().purposes[MARKETING].assessment
    for basis, codes in ((LegalBasis.CONSENT, {"basis-is-consent"}), (INTEREST, set[str]())):
        register = with_purpose(MARKETING, basis=basis, assessment=passed, channels=["online"])
        asked = case(*customer(), register=register)
        decision = may_advertise(asked, MayAdvertise(kind="personalised", purpose=MARKETING))
        assert {r.code for r in decision.against} == codes


@pytest.mark.parametrize(
    ("facts", "place"),
    [
        (customer(), "202"),
        (generic(), "202"),
        ([*customer(), consented()], "203"),
        ([*added("consumer"), ConnectionStarted(reference="contract-1"), SALE], "200(3)"),
    ],
    ids=["contact", "generic-address", "consent", "soft-opt-in"],
)
def test_an_opt_out_cites_the_section_that_asks_for_it(facts: list[Fact], place: str) -> None:
    """Own customers under s. 200(3), organisations under s. 202, everybody else under s. 203."""
    adult = CircumstanceNoted(circumstance=Circumstance.ADULT)
    decision = may_contact(case(*facts, adult), MayContact(channel="email", purpose=MARKETING))
    (found,) = (r for r in decision.reasons if r.code == "opt-out-offered")
    assert found.cites == (ecsa(place),)


@pytest.mark.parametrize(
    ("right", "rule", "place"),
    [
        (Right.OBJECTION, "R-507", "18(1)(d)"),
        (Right.OBJECTION_TO_MARKETING, "R-508", "21(3)"),
        (Right.ERASURE, "R-414", "21(3)"),
        (Right.RESTRICTION, "R-504", "18(1)"),
    ],
)
def test_an_open_request_stops_by_its_own_right(right: Right, rule: str, place: str) -> None:
    """The reason names the right that was exercised, not another that stops as well."""
    asked = case(*customer(), asked_for(right))
    decision = may_contact(asked, MayContact(channel="email", purpose=MARKETING))
    (found,) = (r for r in decision.against if r.code == "request-pending")
    assert (found.rule, found.cites) == (rule, (gdpr(place),))


def test_a_failed_assessment_is_a_condition_unmet() -> None:
    """It withholds a message as any unmet condition does, and forbids processing (0.3, R-105)."""
    found = jot().purposes[MARKETING].assessment
    assert found is not None
    register = with_purpose(MARKETING, assessment=attrs.evolve(found, passed=False))
    asked = case(*customer(), register=register)
    mail = may_contact(asked, MayContact(channel="email", purpose=MARKETING))
    assert (mail.outcome, mail.missing) == (Outcome.NEEDS, ("an assessment that passes",))
    processing = may_process(asked, MayProcess(purpose=MARKETING))
    assert processing.outcome is Outcome.FORBIDDEN


# --- the marketing register and any processing for marketing (R-316.7, 4.1, R-420) ---------------

ARCHIVED = Archived(
    values=[sealed("invoices", FilingSystem.ARCHIVE)],
    purpose=PurposeId("bookkeeping"),
    until=date(2031, 12, 31),
)
OLD = OldEntryFound(reference="old-1")


@pytest.mark.parametrize(
    ("after", "code"),
    [
        ([ended(), moved()], None),
        ([ended(), moved(date(2026, 1, 4))], "register-entry-expired"),
        ([ended(), ARCHIVED], "not-in-marketing-register"),
        ([ended(), moved(), OLD], "unproven-entry"),
    ],
    ids=["live", "expired", "archive", "unproven"],
)
def test_marketing_data_is_processed_in_a_live_proved_entry_only(
    after: list[Fact], code: str | None
) -> None:
    """After the review nothing is processed for marketing outside a live entry, sent or not."""
    decision = may_process(case(*customer(), *after), MayProcess(purpose=MARKETING))
    assert {r.code for r in decision.against} == ({code} if code else set())
    if code is None:
        assert "in-marketing-register" in decision.codes
        assert decision.valid_until == datetime(2028, 1, 1, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "also"),
    [
        ([*customer(), ended(), moved(), OLD], [DataErased]),  # the rest is cleaned up in its time
        ([*customer()[:1], ended(), moved(), OLD], [DataErased, MarketingEntryEnded]),
        ([*added(), OLD], []),  # nothing lies in the marketing register
    ],
    ids=["with-a-file", "alone", "no-entry"],
)
def test_an_objection_ends_an_unproven_entry_the_same_day(
    line: list[Fact], also: list[type]
) -> None:
    """What the marketing register holds goes at once, proved or not (R-311, R-412)."""
    objection = object_to(via="letter")
    assert [type(fact) for fact in prepare(case(*line), objection)] == [MarketingObjection, *also]


def test_old_stock_serves_no_relation_either() -> None:
    """Of somebody found in an old register without proof nobody knows a relation to serve."""
    assert may_process(case(*added()), MayProcess(purpose=CARE))
    decision = may_process(case(*added(), OLD), MayProcess(purpose=CARE))
    assert {r.code: r.evidence for r in decision.against} == {"unproven-entry": (len(added()) + 1,)}


def test_what_the_review_ended_names_the_entry_that_ended_it() -> None:
    """Care for a relation that was reviewed is over since the move, and the answer names it."""
    decision = may_process(case(*customer(), ended(), moved()), MayProcess(purpose=CARE))
    assert {r.code: r.evidence for r in decision.against} == {"period-over": (len(customer()) + 2,)}


def test_a_consent_that_outranks_an_objection_is_the_evidence() -> None:
    """The answer rests on the later consent, and ends with it (R-317, R-330)."""
    decision = may_process(case(*customer(), OBJECTED, consented()), MayProcess(purpose=MARKETING))
    (reason,) = [r for r in decision.reasons if r.code == "consent-in-force"]
    assert reason.evidence == (len(customer()) + 2,)
    assert reason.until is not None


# --- a no and the consent after it (R-317) -------------------------------------------------------

OBJECTED = MarketingObjection(via=LETTER)
BY_SITUATION = ObjectionRaised(purpose=MARKETING, via=LETTER)


@pytest.mark.parametrize("said", [OBJECTED, BY_SITUATION], ids=["21(2)", "21(1)"])
def test_a_later_consent_opens_every_question_while_it_lasts(said: Fact) -> None:
    """Contact, any other processing and the move read one answer from the same two words."""
    facts: list[Told] = [*customer(), (START + 20 * MINUTE, said)]
    later: Told = (START + 21 * MINUTE, consented())
    at_once: Told = (START + 20 * MINUTE, consented())
    mail = MayContact(channel="email", purpose=MARKETING)
    for line, at, opened in (
        (facts, None, False),
        ([*facts, at_once], None, False),
        ([*facts, later], None, True),
        ([*facts, later], EXPIRY - MINUTE, True),
        ([*facts, later], EXPIRY, False),
    ):
        asked = case(*line, at=at, suppressed=CLEAR)
        assert bool(may_contact(asked, mail)) is opened
        processing = may_process(asked, MayProcess(purpose=MARKETING))
        assert bool(processing) is opened
        if opened:
            assert processing.valid_until == EXPIRY
        over = case(*line, ended(), at=at, suppressed=CLEAR)
        assert ("t5-stopped" not in may_move(over, MayMove()).codes) is opened


def test_what_a_company_prohibited_is_lifted_by_nobody_else() -> None:
    """Also for processing that contacts nobody: not the contact, only the company opens it."""
    for facts, opened in (([NO], False), ([NO, consented()], False), ([NO, YES], True)):
        asked = case(*customer(), *facts)
        assert bool(may_process(asked, MayProcess(purpose=MARKETING))) is opened


# --- closed data, machines and profiles (R-109, R-509) -------------------------------------------


@pytest.mark.parametrize(
    ("ground", "decides"),
    [(ground, ground in ("explicit-consent", "public-interest")) for ground in SpecialGround],
)
def test_a_machine_decides_on_special_data_on_two_grounds_only(
    ground: SpecialGround, decides: bool
) -> None:
    """GDPR Art. 22(4): other exceptions of 9(2) open the data, not a decision by machine alone."""
    register = with_purpose(CARE, special_ground=ground, automated_decisions=True)
    email = attrs.evolve(register.field(FieldId("email")), tags=frozenset({DataTag.SPECIAL}))
    register = attrs.evolve(register, fields={**register.fields, email.id: email})
    asked = case(*customer(), register=register)
    code = "automated-decision-on-special"
    assert (code not in may_process(asked, MayProcess(purpose=CARE)).codes) is decides
    assert code not in may_process(asked, MayProcess(purpose=CARE, field="name")).codes


@pytest.mark.parametrize("kinds", [{PurposeKind.PROFILING}, {PurposeKind.ANALYTICS}])
def test_free_text_is_profiled_for_nothing(kinds: set[PurposeKind]) -> None:
    """It may hold special data (R-109); other uses of it are not closed by that."""
    asked = case(*customer(), register=with_purpose(CARE, kinds=frozenset(kinds)))
    codes = may_process(asked, MayProcess(purpose=CARE, field="message")).codes
    assert ("closed-to-profiling" in codes) is (PurposeKind.PROFILING in kinds)


def test_a_consent_after_the_stop_on_the_list_lets_its_channel_move() -> None:
    """T12 holds back what the list stops, not what the person opened again since (R-317)."""
    channels = frozenset({Channel.EMAIL, Channel.POST, Channel.PHONE, Channel.SMS})
    for since, codes in ((START, {"t12-checked"}), (START + 59 * MINUTE, {"t12-suppressed"})):
        found = Suppressed(looked=channels, hits=dict.fromkeys(channels, since))
        asked = case(*customer(), consented(), ended(), suppressed=found)
        assert {c for c in may_move(asked, MayMove()).codes if c.startswith("t12")} == codes


# --- a merge and the requests that are open (R-416, R-504, R-507) --------------------------------


CONTESTED, UNLAWFUL = RestrictionGround.ACCURACY_CONTESTED, RestrictionGround.UNLAWFUL


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (asked_for(Right.RESTRICTION), "restricted"),
        (
            asked_for(Right.RESTRICTION, restriction_ground=UNLAWFUL),
            "restricted",
        ),
        (asked_for(Right.RECTIFICATION, restriction_ground=CONTESTED), "restricted"),
        (asked_for(Right.RECTIFICATION), None),
        (asked_for(Right.OBJECTION), "restricted"),
        (asked_for(Right.OBJECTION, purpose=CARE), "objected"),
        (asked_for(Right.OBJECTION, purpose=DEVELOPMENT), None),
        (asked_for(Right.RESTRICTION, fields=["email"]), None),  # of values that stay there
        (asked_for(Right.ACCESS), None),
    ],
)
def test_what_is_asked_on_a_merged_line_limits_the_one_that_goes_on(
    request_: Fact, code: str | None
) -> None:
    """What restricts until it is answered restricts both, and leaves with the merge."""
    brought = brought_by(FIRM, life(*customer(), request_), verified=False)
    both = may_process(case(*customer(), brought), MayProcess(purpose=CARE))
    assert {r.code for r in both.against} == ({code} if code else set())
    back = case(*customer(), brought, MergeReversed(other=FIRM))
    assert may_process(back, MayProcess(purpose=CARE))


# --- a prospect who wrote (R-401, R-715) ---------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "last"),
    [
        ([], date(2027, 1, 5)),  # never answered: twelve months from collection
        ([ContactHeld(begun_by=Actor.CONTROLLER)], date(2027, 1, 5)),
        ([(START + timedelta(days=100), ContactHeld(begun_by=Actor.SUBJECT))], date(2027, 5, 15)),
        ([ConnectionTied(cause=EndCause.CONTRACT_END, reference="offer-1")], None),
        (
            [ConnectionTied(cause=EndCause.CONTRACT_END, reference="o", until=date(2026, 2, 1))],
            date(2027, 1, 5),  # never shorter than for who did not answer
        ),
    ],
    ids=["silent", "we-called", "they-called", "open-offer", "offer-over"],
)
def test_a_prospect_is_kept_as_long_as_they_are_tied(said: list[Told], last: date | None) -> None:
    """Data of a prospect who turned to us is kept until that tie ended and was reviewed."""
    asked = case(*added(), *said, at=START + timedelta(days=101))
    (value,) = (v for v in asked.standing.data.values if v.field == "email")
    assert ends_on(asked, jot().purposes[CARE], value) == last


# --- a new purpose and what the person said about the old one (R-113) ----------------------------

RAISED = ObjectionRaised(purpose=DEVELOPMENT, via=LETTER)


def erasure(**limits: object) -> Fact:
    return asked_for(Right.ERASURE, **limits)


def decided(*, upheld: bool) -> Fact:
    return ObjectionDecided(purpose=DEVELOPMENT, upheld=upheld, finding="finding-1")


@pytest.mark.parametrize(
    ("said", "field", "closed"),
    [
        ([], "company", False),
        ([RAISED], "company", True),
        ([RAISED, decided(upheld=True)], "company", True),
        ([RAISED, decided(upheld=False)], "company", False),
        ([RAISED], "email", False),  # the purpose objected to does not use it
        ([ObjectionRaised(purpose=PurposeId("surveys"), via=LETTER)], "company", False),
        ([erasure()], "email", True),
        ([erasure(fields=["email"])], "email", True),
        ([erasure(fields=["email"])], "company", False),
        ([erasure(purpose=DEVELOPMENT)], "company", True),
        ([erasure(purpose=DEVELOPMENT)], "email", False),
    ],
)
def test_data_under_a_no_serves_no_new_purpose(said: list[Fact], field: str, closed: bool) -> None:
    """An assessment never carries data under an objection or an open request for erasure."""
    found = Compatibility(reference="a", decided=date(2026, 1, 1), compatible=True)
    register = with_purpose(CARE, compatibility=found)
    register = with_notice("v7", register=register, purposes=frozenset({DEVELOPMENT, MARKETING}))
    asked = case(*customer(), *said, register=register)
    decision = may_process(asked, MayProcess(purpose=CARE, field=field))
    assert ("closed-to-new-purposes" in decision.codes) is closed


# --- the law that ends, and what is sent elsewhere (R-001, R-330) --------------------------------


def ending(register: Register | None = None) -> Case:
    law = attrs.evolve(FI_2026, valid_to=date(2026, 12, 31))
    return attrs.evolve(case(*customer(), register=register), law=law)


def test_what_goes_out_holds_no_longer_than_its_law() -> None:
    """Answers on disclosures and transfers end with the profile of the law as every answer does."""
    midnight = datetime(2026, 12, 31, 22, tzinfo=UTC)
    out = MayDisclose(recipient="storage-partners", purpose=CARE)
    assert may_disclose(ending(), out).valid_until == midnight
    flow = next(iter(jot().transfers))
    assert may_transfer(ending(), MayTransfer(transfer=flow, purpose=CARE)).valid_until == midnight


def test_each_no_is_looked_at_by_itself() -> None:
    """An objection that a later consent outranks hides none that it does not, and each is named."""
    care = ObjectionRaised(purpose=CARE, via=LETTER)
    line = [*customer(), BY_SITUATION, consented(), care]
    against = {r.code: r.evidence for r in move_against(*line)}
    assert against["t5-request-pending"] == (len(line),)
    assert "t5-stopped" not in against
    decision = may_process(case(*customer(), care), MayProcess(purpose=CARE))
    assert {r.code: r.evidence for r in decision.against}["objected"] == (len(customer()) + 1,)
    by_post = MarketingObjection(via=LETTER, channels=[Channel.POST])  # closes no purpose
    line = [*customer(), BY_SITUATION, by_post, OBJECTED]
    marketed = may_process(case(*line), MayProcess(purpose=MARKETING))
    said = {(r.code, r.evidence) for r in marketed.against}
    assert ("objected", (len(customer()) + 1,)) in said
    assert (len(line),) in {evidence for _, evidence in said}


def move_against(*line: Told) -> tuple[Reason, ...]:
    """Return what withholds the move of somebody whose relation has ended."""
    return may_move(case(*line, ended(), suppressed=CLEAR), MayMove()).against


def test_of_two_consents_the_longer_one_carries() -> None:
    """After an objection the longest later consent tells until when it is outranked (R-317)."""
    by_post = consented(channels=[Channel.POST], actor=Actor.GUARDIAN)  # no act of the person
    later: Told = (START + timedelta(days=40), by_post)
    line = [*customer(), OBJECTED, consented(), later]
    asked = case(*line, at=START + timedelta(days=41))
    found = consent_since(asked, MARKETING, START)
    assert found is not None
    assert found.word.channel is Channel.POST
    assert found.until > START + timedelta(days=730)
