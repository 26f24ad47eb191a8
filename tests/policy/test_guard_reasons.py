"""What each guard of the move says: its reasons, the entries they rest on, until when (R-403)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from tests.policy.plans import ABOUT, asked, holding, later, over
from tests.policy.support import (
    CLEAR,
    MARKETING,
    NEWSLETTER,
    START,
    consented,
    customer,
    ended,
    jot,
    moved,
    sealed,
    with_notice,
    with_purpose,
)

from gdprkit.facts.consent import ConsentWithdrawn
from gdprkit.facts.data import CircumstanceNoted, PersonErased
from gdprkit.facts.entry import Fact
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.objection import (
    MarketingObjection,
    MarketingProhibition,
    ObjectionDecided,
    ObjectionRaised,
    RestrictionImposed,
)
from gdprkit.facts.request import RequestReceived
from gdprkit.facts.retention import MarketingEntryEnded
from gdprkit.policy.case import Case, Suppressed
from gdprkit.policy.connection import MayMove, may_move
from gdprkit.policy.law import FI_2026
from gdprkit.register.purposes import Compatibility
from gdprkit.words.identifiers import CaseId, NoticeId, PurposeId
from gdprkit.words.vocabulary import (
    Actor,
    Channel,
    Circumstance,
    EndCause,
    ErasureReason,
    IntakeChannel,
    RestrictionGround,
    Right,
)

#: Entries 1 to 6: added, told (2), data, started, duties looked into, ended (6).
MOVABLE: list[Fact] = [*customer(), ended()]
MAIL = IntakeChannel.EMAIL
STATISTICS = PurposeId("customer-statistics")
REMINDED, OLD = (NoticeGiven(notice=NoticeId(n)) for n in ("v7-reminder", "v6"))
UNDECLARED = NoticeGiven(notice=NoticeId("v1"))
NO_BASIS = with_purpose(MARKETING, assessment=None)
PLAIN_NEWSLETTER = with_purpose(NEWSLETTER, double_opt_in=False)
TOO_LITTLE = with_notice("v7", names_interest=False)
WINDOW = datetime(2026, 2, 4, 22, tzinfo=UTC)  # thirty days after 5 January, the midnight


def reasons(guard: str, found: Case) -> list[tuple[str, tuple[int, ...], datetime | None]]:
    """Return what one guard says: code, entries, until when."""
    decision = may_move(found, MayMove(purpose=MARKETING))
    return [
        (r.code, r.evidence, r.until) for r in decision.reasons if r.code.startswith(f"{guard}-")
    ]


def says(guard: str, *more: Any, facts: list[Fact] | None = None, **case: Any) -> list[Any]:
    return reasons(guard, asked([*(MOVABLE if facts is None else facts), *more], **case))


def one(code: str, *evidence: int, until: datetime | None = None) -> list[Any]:
    return [(code, evidence, until)]


def asks(right: Right, name: str = "request") -> RequestReceived:
    return RequestReceived(case=CaseId(sealed(name).slot), right=right, channel=MAIL)


ENTRY_ENDED = MarketingEntryEnded(reason=ErasureReason.RETENTION_ENDED)
ERASED = PersonErased(reason=ErasureReason.REVIEW_AFTER_END, reference="plan-1")


def test_t1_the_end() -> None:
    """Proved on its day or later; waiting names the midnight it waits for; moved is moved."""
    assert says("t1") == one("t1-end-proved", 6)
    assert says("t1", facts=customer()) == one("t1-not-ended")
    today, tomorrow = ended(date(2026, 1, 5)), ended(date(2026, 1, 6))
    assert says("t1", facts=[*customer(), today]) == one("t1-end-proved", 6)
    midnight = datetime(2026, 1, 5, 22, tzinfo=UTC)
    waits = one("t1-not-ended-yet", 6, until=midnight)
    assert says("t1", facts=[*customer(), tomorrow]) == waits
    assert says("t1", facts=[*customer(), ended(evidence=None)]) == one("t1-end-unproved", 6)
    assert says("t1", moved()) == one("t1-already-moved")
    assert says("t1", moved(), ENTRY_ENDED) == one("t1-review-over")
    assert says("t1", ERASED) == one("t1-review-over")


def test_t2_the_basis() -> None:
    """An assessment until its review, or else the first channel's consent until it expires."""
    assert says("t2") == one("t2-assessment", until=datetime(2029, 4, 15, 21, tzinfo=UTC))
    expiry = datetime(2028, 1, 5, 22, tzinfo=UTC)
    phone, post = consented(channels=[Channel.PHONE]), consented(channels=[Channel.POST])
    assert says("t2", post, phone, register=NO_BASIS) == one("t2-consent", 8, until=expiry)
    assert says("t2", post, register=NO_BASIS) == one("t2-consent", 7, until=expiry)
    assert says("t2", register=NO_BASIS) == one("t2-no-basis")
    assessment = jot().purposes[MARKETING].assessment
    assert assessment is not None
    soon = attrs.evolve(assessment, decided=date(2026, 2, 1))
    not_yet = with_purpose(MARKETING, assessment=soon)
    starts = datetime(2026, 1, 31, 22, tzinfo=UTC)
    assert says("t2", register=not_yet) == one("t2-no-basis", until=starts)
    customers = attrs.evolve(assessment, covers_former=False)
    only_customers = with_purpose(MARKETING, assessment=customers)
    assert says("t2", register=only_customers) == one("t2-no-basis")
    assert says("t9", register=only_customers) == one("t9-no-channel")


def test_t3_the_notice() -> None:
    """Told at collection, or later with its window; the first notice that counts is named."""
    assert says("t3") == one("t3-told-at-collection", 2)
    assert says("t3", OLD, NoticeGiven(notice=NoticeId("v7-14"))) == one("t3-told-at-collection", 2)
    assert says("t3", REMINDED) == one("t3-window-open", 7, until=WINDOW)
    assert says("t3", REMINDED, at=WINDOW) == one("t3-told-at-collection", 2)
    less: dict[str, Any] = {"register": TOO_LITTLE}
    assert says("t3", **less) == one("t3-not-told")
    full = (later(0.5), NoticeGiven(notice=NoticeId("v7-14")))
    assert says("t3", (later(0.4), REMINDED), full, **less) == one(
        "t3-window-open", 7, until=WINDOW
    )
    assert says("t3", REMINDED, **less) == one("t3-window-open", 7, until=WINDOW)
    assert says("t3", REMINDED, at=WINDOW, **less) == one("t3-window-passed", 7)
    assert says("t3", OLD, at=WINDOW, **less) == one("t3-not-told")


def test_t3_in_strict_mode_no_later_notice_cures() -> None:
    """Strict by the register or by the law's setting; who was told at collection still moves."""
    register = jot().marketing_register
    assert register is not None
    strict = attrs.evolve(TOO_LITTLE, marketing_register=attrs.evolve(register, strict=True))
    assert says("t3", REMINDED, register=strict, at=WINDOW) == one("t3-not-told")
    law = attrs.evolve(FI_2026, strict_notice=True)
    found = asked([*MOVABLE, REMINDED], register=TOO_LITTLE, at=WINDOW)
    assert reasons("t3", found) == one("t3-window-passed", 7)
    assert reasons("t3", attrs.evolve(found, law=law)) == one("t3-not-told")
    assert reasons("t3", attrs.evolve(asked(MOVABLE), law=law)) == one("t3-told-at-collection", 2)
    nowhere = attrs.evolve(found, register=attrs.evolve(TOO_LITTLE, marketing_register=None))
    assert reasons("t3", nowhere) == one("t3-window-passed", 7)


def test_t4_the_right_to_object() -> None:
    """The first notice that names it apart; undeclared and silent ones are passed over."""
    assert says("t4") == one("t4-right-told", 2)
    silent = [UNDECLARED, OLD, *MOVABLE[2:]]
    assert says("t4", facts=silent) == one("t4-right-not-told")
    assert says("t4", REMINDED, facts=silent) == one("t4-right-told", len(silent) + 1)


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (RestrictionImposed(ground=RestrictionGround.UNLAWFUL), "t5-restricted"),
        (asks(Right.ERASURE), "t5-request-pending"),
        (ObjectionRaised(purpose=MARKETING, via=MAIL), "t5-stopped"),
        (ObjectionRaised(purpose=STATISTICS, via=MAIL), "t5-request-pending"),
        (MarketingObjection(via=MAIL), "t5-stopped"),
    ],
)
def test_t5_one_stop_is_enough(fact: Fact, code: str) -> None:
    """Each alone blocks, and then the guard does not say that no stop is there."""
    assert says("t5", fact) == one(code, 7)


def test_the_move_is_decided_for_the_purpose_that_is_asked_about() -> None:
    """The decision names its question and its person; channels are those of that purpose."""
    found = asked(MOVABLE)
    decision = may_move(found, MayMove())
    assert (decision.question, decision.about, decision.at) == ("may_move", ABOUT, found.at)
    assert decision == may_move(found, MayMove(purpose=MARKETING))
    other = may_move(found, MayMove(purpose=NEWSLETTER))
    assert {"t2-no-basis", "t9-no-channel"} <= other.codes
    agreed = asked([*MOVABLE, consented(NEWSLETTER)], register=PLAIN_NEWSLETTER)
    assert {"t2-consent", "t9-channel-usable"} <= may_move(
        agreed, MayMove(purpose=NEWSLETTER)
    ).codes


def test_t5_every_stop_is_named_with_its_entry() -> None:
    """Restrictions, requests, objections and general stops, each with the entry that says so."""
    assert says("t5") == one("t5-no-stop")
    assert says(
        "t5",
        RestrictionImposed(ground=RestrictionGround.UNLAWFUL),
        RestrictionImposed(ground=RestrictionGround.ACCURACY_CONTESTED),
        asks(Right.ACCESS, "first"),
        asks(Right.ERASURE),
        ObjectionRaised(purpose=MARKETING, via=MAIL),
        ObjectionRaised(purpose=STATISTICS, via=MAIL),
        MarketingObjection(via=MAIL),
        MarketingProhibition(via=MAIL, purpose=MARKETING),
    ) == [
        ("t5-restricted", (7,), None),
        ("t5-restricted", (8,), None),
        ("t5-request-pending", (10,), None),
        ("t5-stopped", (11,), None),
        ("t5-request-pending", (12,), None),
        ("t5-stopped", (13,), None),
        ("t5-stopped", (14,), None),
    ]


@pytest.mark.parametrize("upheld", [True, False])
def test_t5_an_objection_that_was_decided_about_another_purpose_blocks_nothing(
    upheld: bool,
) -> None:
    """To marketing itself there are no overriding grounds: there it blocks either way (21(3))."""
    for purpose, expected in ((STATISTICS, one("t5-no-stop")), (MARKETING, one("t5-stopped", 8))):
        decided = ObjectionDecided(purpose=purpose, upheld=upheld, finding="finding-1")
        assert says("t5", ObjectionRaised(purpose=purpose, via=MAIL), decided) == expected


def test_t5_only_a_general_stop_blocks() -> None:
    """One for a channel or for another purpose takes away that channel or purpose and no more."""
    for stop in (
        MarketingObjection(via=MAIL, channels=[Channel.EMAIL]),
        MarketingProhibition(via=MAIL, purpose=NEWSLETTER),
        MarketingProhibition(via=MAIL, channels=[Channel.EMAIL], purpose=MARKETING),
    ):
        assert says("t5", stop) == one("t5-no-stop")


def test_t5_a_later_consent_opens_a_channel_again() -> None:
    """Later than the stop, not at its instant, and on any channel; withdrawn it opens nothing."""
    stop = (later(1), MarketingObjection(via=MAIL))
    yes = consented(channels=[Channel.POST])
    asked_at: dict[str, Any] = {"at": later(4)}
    assert says("t5", stop, (later(2), yes), **asked_at) == one("t5-no-stop")
    assert says("t5", stop, (later(1), yes), **asked_at) == one("t5-stopped", 7)
    assert says("t5", stop, (later(0.5), yes), **asked_at) == one("t5-stopped", 7)
    no = ConsentWithdrawn(purpose=MARKETING, channels=[Channel.POST], via=MAIL)
    closed = says("t5", stop, (later(2), yes), (later(3), no), **asked_at)
    assert closed == one("t5-stopped", 7)


def test_t5_at_the_instant_of_a_consent_the_objection_wins_for_every_purpose() -> None:
    """Also where the purpose asked about is no marketing and its consent stays in force (0.3)."""
    service = PurposeId("service-communication")
    stop, yes = MarketingObjection(via=MAIL), consented(service)
    for moment, stopped in ((later(1), True), (later(2), False)):
        found = asked([*MOVABLE, (later(1), stop), (moment, yes)], at=later(3))
        codes = may_move(found, MayMove(purpose=service)).codes
        assert ("t5-stopped" in codes) is stopped


def test_t5_a_companys_prohibition_is_lifted_by_the_company() -> None:
    """On one channel is enough; for somebody who is no company's contact their own word counts."""
    stop = MarketingProhibition(via=MAIL, by=Actor.COMPANY)
    company = consented(channels=[Channel.POST], actor=Actor.COMPANY)
    assert says("t5", stop) == one("t5-stopped", 7)
    assert says("t5", stop, company) == one("t5-no-stop")
    assert says("t5", stop, consented(channels=[Channel.POST])) == one("t5-stopped", 7)
    own = MarketingProhibition(via=MAIL)
    assert says("t5", own, company) == one("t5-stopped", 7)


def test_t6_compatible_use() -> None:
    """Told as a purpose at collection, or assessed as compatible by the day of the question."""
    assert says("t6") == one("t6-original-purpose", 2)
    untold = with_notice("v7", purposes=frozenset())
    earlier = [MOVABLE[0], OLD, *MOVABLE[1:]]
    assert says("t6", facts=earlier, register=untold) == one("t6-original-purpose", 2)
    assert says("t6", register=untold) == one("t6-not-compatible")
    for day, compatible, code in (
        (date(2026, 1, 5), True, "t6-compatible"),
        (date(2026, 1, 6), True, "t6-not-compatible"),
        (date(2026, 1, 5), False, "t6-not-compatible"),
    ):
        found = Compatibility(reference="use-1", decided=day, compatible=compatible)
        register = with_purpose(MARKETING, register=untold, compatibility=found)
        assert says("t6", register=register) == one(code)


def noted(circumstance: Circumstance) -> CircumstanceNoted:
    return CircumstanceNoted(circumstance=circumstance)


def test_t8_and_t11_the_person() -> None:
    """Each circumstance is named with its entry; where none is known, the person is there."""
    assert says("t8") == one("t8-person-open")
    minor, ban = noted(Circumstance.MINOR), noted(Circumstance.SAFETY_BAN)
    assert says("t8", ban, minor) == [("t8-minor", (8,), None), ("t8-safety-ban", (7,), None)]
    assert says("t8", ban) == one("t8-safety-ban", 7)
    assert says("t11") == one("t11-there")
    dead, left = noted(Circumstance.ADDRESS_DEAD), noted(Circumstance.LEFT_ROLE)
    facts = [*customer(), ended(cause=EndCause.CONTACT_LEFT)]
    assert says("t11", facts=facts) == one("t11-contact-left", 6)
    assert says("t11", dead, left, facts=facts) == [
        ("t11-left-role", (8,), None),
        ("t11-address-dead", (7,), None),
        ("t11-contact-left", (6,), None),
    ]


def test_t10_the_expiry() -> None:
    """Set until the end of its last day; from that midnight on it is over."""
    last = datetime(2028, 1, 1, 22, tzinfo=UTC)
    assert says("t10") == one("t10-expiry-set", until=last)
    before = datetime(2028, 1, 1, 21, 59, 59, tzinfo=UTC)
    assert says("t10", at=before) == one("t10-expiry-set", until=last)
    assert says("t10", at=last) == one("t10-expired")
    assert says("t10", facts=customer()) == one("t10-no-expiry")
    consent = datetime(2028, 1, 5, 22, tzinfo=UTC)
    late = [*customer(), consented(), ended(date(2026, 6, 1))]
    on_consent = says("t10", facts=late, register=NO_BASIS, at=later(200))
    assert on_consent == one("t10-expiry-set", until=consent)
    nowhere = attrs.evolve(jot(), marketing_register=None)
    assert says("t10", register=nowhere) == one("t10-no-register")


def test_t9_and_t12_channels_and_the_suppression_list() -> None:
    """Every channel that would be reached is looked up; found on all that were, nobody moves."""

    def look(looked: list[Channel], hits: list[Channel]) -> Suppressed:
        return Suppressed(looked=frozenset(looked), hits=dict.fromkeys(hits, START))

    email, post = Channel.EMAIL, Channel.POST
    assert says("t9") == one("t9-channel-usable")
    for seen, code in (
        (look([email, post], []), "t12-checked"),
        (look([email], []), "t12-not-checked"),
        (look([], []), "t12-not-checked"),
        (look([email, post], [email]), "t12-checked"),
        (look([email, post], [email, post]), "t12-suppressed"),
        (None, "t12-not-checked"),
    ):
        assert says("t12", suppressed=seen) == one(code)
    nameless = over("name")
    assert says("t9", facts=nameless) == one("t9-no-channel")
    assert says("t7", facts=nameless) == one("t7-whitelisted")
    assert says("t12", facts=nameless, suppressed=look([], [])) == one("t12-checked")
    assert says("t7", facts=holding("message")) == one("t7-nothing-to-move")
    assert says("t12", suppressed=CLEAR) == one("t12-checked")
