"""The twelve guards of the move into the marketing register (R-403), each failing alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
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
    related,
    sealed,
    with_notice,
    with_purpose,
)

from gdprkit.facts.connection import ConnectionStarted
from gdprkit.facts.data import CircumstanceNoted, DataCollected
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
from gdprkit.policy.case import Case, Suppressed
from gdprkit.policy.connection import GUARDS, MayMove, may_move
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.periods import review_due, window_end
from gdprkit.policy.retention import AfterEnd, plan_after_end
from gdprkit.register.purposes import Compatibility
from gdprkit.words.identifiers import CaseId, NoticeId, PurposeId, SourceId, SubjectId
from gdprkit.words.vocabulary import (
    Actor,
    Channel,
    Circumstance,
    EndCause,
    IntakeChannel,
    RestrictionGround,
    Right,
)

MOVABLE: list[Fact] = [*customer(), ended()]
ABOUT = SubjectId(sealed("person").slot)
CASE = CaseId(sealed("request").slot)


def movable(*more: Fact, **changes: Any) -> Case:
    """Return the case of a person who may move, with something more or otherwise."""
    changes.setdefault("suppressed", CLEAR)
    facts = changes.pop("facts", [*MOVABLE, *more])
    return case(*facts, **changes)


def decide(found: Case) -> Decision:
    return may_move(found, MayMove())


def without(*kinds: type) -> list[Fact]:
    return [fact for fact in MOVABLE if not isinstance(fact, kinds)]


def told(notice: str, *more: Fact) -> list[Fact]:
    """Return the life with another notice than v7 at collection."""
    return [
        NoticeGiven(notice=NoticeId(notice)) if isinstance(fact, NoticeGiven) else fact
        for fact in MOVABLE
    ] + list(more)


def request(right: Right) -> RequestReceived:
    return RequestReceived(case=CASE, right=right, channel=IntakeChannel.EMAIL)


def note(circumstance: Circumstance) -> CircumstanceNoted:
    return CircumstanceNoted(circumstance=circumstance)


_ASSESSED = {"assessment": None}
_REMINDED = NoticeGiven(notice=NoticeId("v7-reminder"))
_STATISTICS = PurposeId("customer-statistics")

#: name -> (case, codes against, outcome). Waiting guards are NEEDS, failed ones FORBIDDEN.
FAILING: dict[str, tuple[Callable[[], Case], set[str], Outcome]] = {
    "T1 never ended": (
        lambda: movable(facts=customer()),
        {"t1-not-ended", "t10-no-expiry"},
        Outcome.NEEDS,
    ),
    "T1 no evidence": (
        lambda: movable(facts=[*customer(), ended(evidence=None)]),
        {"t1-end-unproved"},
        Outcome.NEEDS,
    ),
    "T1 ends tomorrow": (
        lambda: movable(facts=[*customer(), ended(date(2026, 1, 6))]),
        {"t1-not-ended-yet"},
        Outcome.NEEDS,
    ),
    "T2 no assessment": (
        lambda: movable(register=with_purpose(MARKETING, **_ASSESSED)),
        # without an assessment no channel stays usable either
        {"t2-no-basis", "t9-no-channel"},
        Outcome.FORBIDDEN,
    ),
    "T3 not told": (
        lambda: movable(register=with_notice("v7", names_interest=False)),
        {"t3-not-told", "t9-no-channel"},
        Outcome.FORBIDDEN,
    ),
    "T3 window open": (
        lambda: movable(_REMINDED, register=with_notice("v7", names_interest=False)),
        {"t3-window-open"},
        Outcome.NEEDS,
    ),
    "T4 right not told": (
        lambda: movable(register=with_notice("v7", names_right_to_object=False)),
        {"t3-not-told", "t4-right-not-told", "t9-no-channel"},
        Outcome.FORBIDDEN,
    ),
    "T5 objected": (
        lambda: movable(MarketingObjection(via=IntakeChannel.EMAIL)),
        {"t5-stopped", "t9-no-channel"},
        Outcome.FORBIDDEN,
    ),
    "T5 restricted": (
        lambda: movable(RestrictionImposed(ground=RestrictionGround.UNLAWFUL)),
        {"t5-restricted", "t9-no-channel"},
        Outcome.FORBIDDEN,
    ),
    **{
        f"T5 {right} pending": (
            lambda right=right: movable(request(right)),  # type: ignore[misc]
            {"t5-request-pending", "t9-no-channel"},
            Outcome.FORBIDDEN,
        )
        for right in (
            Right.ERASURE,
            Right.RESTRICTION,
            Right.OBJECTION,
            Right.OBJECTION_TO_MARKETING,
        )
    },
    "T3 reminded, window open": (
        lambda: movable(_REMINDED),
        {"t3-window-open"},
        Outcome.NEEDS,
    ),
    "T5 objection to a purpose pending": (
        lambda: movable(ObjectionRaised(purpose=_STATISTICS, via=IntakeChannel.EMAIL)),
        {"t5-request-pending"},
        Outcome.FORBIDDEN,
    ),
    "T5 objection to the purpose": (
        lambda: movable(
            ObjectionRaised(purpose=MARKETING, via=IntakeChannel.EMAIL),
            ObjectionDecided(purpose=MARKETING, upheld=False, finding="finding-1"),
        ),
        {"t5-stopped", "t9-no-channel"},
        Outcome.FORBIDDEN,
    ),
    "T6 assessed later": (
        lambda: movable(
            register=with_purpose(
                MARKETING,
                register=with_notice("v7", purposes=frozenset()),
                compatibility=Compatibility(
                    reference="assessments/use", decided=date(2026, 1, 6), compatible=True
                ),
            )
        ),
        {"t6-not-compatible"},
        Outcome.FORBIDDEN,
    ),
    "T12 looked for one address only": (
        lambda: movable(suppressed=Suppressed(looked=frozenset({Channel.EMAIL}))),
        {"t12-not-checked"},
        Outcome.NEEDS,
    ),
    "T6 no original purpose": (
        lambda: movable(register=with_notice("v7", purposes=frozenset())),
        {"t6-not-compatible"},
        Outcome.FORBIDDEN,
    ),
    "T7 nothing whitelisted": (
        lambda: movable(
            facts=[
                *[f for f in MOVABLE if not isinstance(f, DataCollected)],
                DataCollected(
                    values=[sealed("invoices"), sealed("message")], source=SourceId("contact-form")
                ),
            ]
        ),
        {"t7-nothing-to-move", "t9-no-channel"},
        Outcome.FORBIDDEN,
    ),
    "T8 minor": (
        lambda: movable(note(Circumstance.MINOR)),
        {"t8-minor", "t9-no-channel"},
        Outcome.FORBIDDEN,
    ),
    "T8 safety ban": (
        lambda: movable(note(Circumstance.SAFETY_BAN)),
        {"t8-safety-ban", "t9-no-channel"},
        Outcome.FORBIDDEN,
    ),
    "T9 only a dead channel": (
        lambda: movable(
            MarketingObjection(
                via=IntakeChannel.EMAIL, channels=[Channel.EMAIL, Channel.POST, Channel.PHONE]
            )
        ),
        {"t9-no-channel"},
        Outcome.FORBIDDEN,
    ),
    "T10 expired": (
        lambda: movable(facts=[*customer(), ended(date(2023, 12, 31))]),
        {"t10-expired"},
        Outcome.FORBIDDEN,
    ),
    "T11 deceased": (
        lambda: movable(note(Circumstance.DECEASED)),
        {"t11-deceased", "t9-no-channel"},
        Outcome.FORBIDDEN,
    ),
    "T11 left the role": (
        lambda: movable(note(Circumstance.LEFT_ROLE)),
        {"t11-left-role", "t9-no-channel"},
        Outcome.FORBIDDEN,
    ),
    "T11 address dead": (
        lambda: movable(note(Circumstance.ADDRESS_DEAD)),
        {"t11-address-dead", "t9-no-channel"},
        Outcome.FORBIDDEN,
    ),
    "T11 contact left": (
        lambda: movable(facts=[*customer(), ended(cause=EndCause.CONTACT_LEFT)]),
        {"t11-contact-left"},
        Outcome.FORBIDDEN,
    ),
    "T12 not looked": (
        lambda: movable(suppressed=None),
        {"t12-not-checked"},
        Outcome.NEEDS,
    ),
    "T12 suppressed": (
        lambda: movable(
            suppressed=Suppressed(looked=CLEAR.looked, hits=dict.fromkeys(CLEAR.looked, START))
        ),
        {"t12-suppressed", "t9-no-channel"},
        Outcome.FORBIDDEN,
    ),
}


def test_the_movable_person_may_move() -> None:
    """All twelve guards pass for a contact of an ended customer who was told of it all."""
    decision = decide(movable())
    assert decision
    assert sorted({r.code.split("-")[0] for r in decision.reasons}, key=lambda t: int(t[1:])) == [
        f"t{number}" for number in range(1, 13)
    ]
    assert len(GUARDS) == 12


@pytest.mark.parametrize("name", FAILING)
def test_a_guard_that_fails_withholds_the_move(name: str) -> None:
    """One thing amiss fails its own guard, and no guard that it has nothing to do with."""
    make, against, outcome = FAILING[name]
    decision = decide(make())
    assert {reason.code for reason in decision.against} == against
    assert name.split()[0].lower() in {code.split("-")[0] for code in against}
    assert decision.outcome is outcome


WAITING = ["T1 no evidence", "T1 ends tomorrow", "T3 window open", "T3 reminded, window open"]


@pytest.mark.parametrize("name", FAILING)
def test_waiting_keeps_and_failing_erases(name: str) -> None:
    """An unproved end or an open window keeps everything; another failed guard ends the review."""
    found = attrs.evolve(FAILING[name][0](), about=ABOUT)
    plan = plan_after_end(found, AfterEnd())
    actions = {str(item.action) for item in plan.items}
    if name in WAITING:
        assert plan.waiting_for
        assert actions == {"keep"}
    elif name == "T1 never ended":
        assert actions == {"keep"}
    elif name in ("T5 restricted", "T5 restriction pending", "T5 objection pending"):
        assert actions == {"keep"}, "restricted data, or data soon to be, is stored and no more"
    else:
        assert not plan.waiting_for
        assert "move" not in actions
        assert "erase" in actions


def test_a_consent_carries_the_register_where_no_assessment_does() -> None:
    """T2 passes on a valid consent as well, and then only its channel goes along (T9)."""
    register = with_purpose(MARKETING, assessment=None)
    decision = decide(movable(consented(), register=register))
    assert "t2-consent" in decision.codes
    assert decision


def test_strict_registers_are_not_cured_by_a_later_notice() -> None:
    """In strict mode a reminder helps nothing: without the first notice there is no move (T3)."""
    register = with_notice("v7", names_interest=False)
    assert register.marketing_register is not None
    strict = attrs.evolve(
        register, marketing_register=attrs.evolve(register.marketing_register, strict=True)
    )
    later = START + timedelta(days=60)
    assert decide(movable(_REMINDED, register=register, at=later))
    decision = decide(movable(_REMINDED, register=strict, at=later))
    assert "t3-not-told" in decision.codes
    assert decision.outcome is Outcome.FORBIDDEN


def test_the_window_closes_with_its_thirtieth_day() -> None:
    """The objection window runs out at midnight in Helsinki after day 30, not a moment earlier."""
    register = with_notice("v7", names_interest=False)
    close = datetime(2026, 2, 4, 22, tzinfo=UTC)  # 5 January + 30 days, the end of it
    before = decide(movable(_REMINDED, register=register, at=close - timedelta(microseconds=1)))
    assert {r.code for r in before.against} == {"t3-window-open"}
    assert before.valid_until == close
    assert decide(movable(_REMINDED, register=register, at=close))


def test_an_objection_to_one_channel_leaves_the_other() -> None:
    """A stop for e-mail takes the e-mail address out of the entry and moves the rest (T5, T9)."""
    stopped = MarketingObjection(via=IntakeChannel.EMAIL, channels=[Channel.EMAIL])
    found = attrs.evolve(movable(stopped), about=ABOUT)
    assert decide(found)
    plan = plan_after_end(found, AfterEnd())
    moving = {item.field for item in plan.items if str(item.action) == "move"}
    assert "address" in moving
    assert "email" not in moving


def test_what_may_not_stand_in_the_register_never_moves() -> None:
    """Invoices and free text stay behind whatever else moves (R-404)."""
    found = attrs.evolve(movable(), about=ABOUT)
    moving = {i.field for i in plan_after_end(found, AfterEnd()).items if str(i.action) == "move"}
    assert moving == {"email", "name", "company", "title", "language", "address"}


def test_the_entry_lasts_until_the_earlier_of_the_two_ends() -> None:
    """End + 24 months, or the person's own last act + 36 months where that is earlier (R-406)."""
    found = attrs.evolve(movable(), about=ABOUT)
    assert plan_after_end(found, AfterEnd()).expires_on == date(2028, 1, 1)
    long_ago = datetime(2024, 2, 1, 9, tzinfo=UTC)
    quiet = [*((long_ago, fact) for fact in customer()), ended()]
    found = attrs.evolve(movable(facts=quiet), about=ABOUT)
    assert plan_after_end(found, AfterEnd()).expires_on == date(2027, 2, 1)


def test_an_offer_that_does_not_relate_needs_a_consent() -> None:
    """A contact whose duties the offer does not concern is reached by post at most (M-EM/B2B-U)."""
    facts = [f for f in MOVABLE if type(f) is not type(related())]
    found = attrs.evolve(movable(facts=facts), about=ABOUT)
    moving = {i.field for i in plan_after_end(found, AfterEnd()).items if str(i.action) == "move"}
    assert "email" not in moving
    assert "address" in moving


def test_a_register_on_consent_holds_the_consents_channels_only() -> None:
    """Also where the law asks no assessment for a channel: a role address is telephoned freely."""
    facts = [
        *added("generic-address"),
        DataCollected(values=[sealed("phone")], source=SourceId("contact-form")),
        ConnectionStarted(reference="contract-1"),
        ended(),
        consented(actor=Actor.COMPANY),
    ]
    for changes, phone in ((_ASSESSED, False), ({}, True)):
        found = movable(facts=facts, register=with_purpose(MARKETING, **changes))
        plan = plan_after_end(attrs.evolve(found, about=ABOUT), AfterEnd())
        moving = {item.field for item in plan.items if str(item.action) == "move"}
        assert "email" in moving
        assert ("phone" in moving) is phone


def test_a_companys_later_consent_opens_the_move_of_its_contact() -> None:
    """What the company prohibited, the company allows again; its contact's own word does not."""
    no = MarketingProhibition(via=IntakeChannel.LETTER, by=Actor.COMPANY)
    channels = [Channel.EMAIL, Channel.PHONE, Channel.POST]
    assert "t5-stopped" in decide(movable(no)).codes
    assert decide(movable(no, consented(channels=channels, actor=Actor.COMPANY)))
    assert "t5-stopped" in decide(movable(no, consented(channels=channels))).codes


def test_reminding_again_puts_nothing_off() -> None:
    """Of reminders after the end the first one sets the window, and the review with it."""
    again = (START + timedelta(days=20), NoticeGiven(notice=NoticeId("v7-again")))
    register = with_notice("v7-reminder")
    second = attrs.evolve(register.notices[NoticeId("v7-reminder")], id=NoticeId("v7-again"))
    notices = {**register.notices, second.id: second}
    register = attrs.evolve(register, notices=notices)
    found = movable(facts=[*MOVABLE, _REMINDED, again], register=register, at=again[0])
    assert window_end(found) == date(2026, 2, 4)
    assert review_due(found) == date(2026, 2, 11)
