"""May a request be closed this way? Each thing that withholds it, by itself and at its edge."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from tests.policy.closings import (
    ABOUT,
    AT,
    CARE,
    CASE,
    EMAIL,
    NEXT,
    VIA,
    Timed,
    codes,
    decide,
    met,
    partly,
    received,
    refused,
)
from tests.policy.support import (
    MARKETING,
    NEWSLETTER,
    START,
    added,
    case,
    consented,
    customer,
    ended,
    moved,
    sealed,
    with_purpose,
)

from gdprkit.facts.consent import ConsentWithdrawn
from gdprkit.facts.data import DataErased
from gdprkit.facts.entry import Fact
from gdprkit.facts.objection import MarketingObjection, ObjectionDecided, ObjectionRaised
from gdprkit.facts.request import (
    FieldDecision,
    RequestReceived,
    RequestWithdrawn,
    SubjectNotIdentifiable,
)
from gdprkit.facts.retention import Archived
from gdprkit.policy.closing import Closing, may_close
from gdprkit.policy.decisions import Outcome
from gdprkit.policy.handling import LETTER_OF_REFUSAL, REFUSALS
from gdprkit.words.identifiers import CaseId, PurposeId
from gdprkit.words.vocabulary import (
    Channel,
    ErasureReason,
    FilingSystem,
    LegalBasis,
    LetterItem,
    RefusalGround,
    Right,
)


def test_what_may_be_closed_says_so_with_its_entry() -> None:
    """The decision is one about this person, now, and rests on the receipt."""
    found = decide(met())
    assert found
    assert (found.question, found.about, found.at) == ("may_close", ABOUT, AT)
    (reason,) = found.reasons
    assert (reason.code, reason.evidence, reason.rule) == ("may-close", (NEXT,), "R-534")


@pytest.mark.parametrize("right", [Right.OBJECTION_TO_MARKETING, Right.WITHDRAW_CONSENT])
def test_a_stop_is_never_refused(right: Right) -> None:
    """Neither in full nor in part nor for want of identity; met it is at once (7(3), 21(3))."""
    endings: list[Closing] = [
        refused(RefusalGround.UNFOUNDED, finding="f-1"),
        partly("email", ground=RefusalGround.UNFOUNDED, finding="f-1"),
        SubjectNotIdentifiable(case=CASE, sent="l-1", letter=LETTER_OF_REFUSAL, finding="f-1"),
    ]
    for ending in endings:
        found = decide(ending, right=right)
        assert [(r.code, r.evidence) for r in found.reasons] == [("never-refused", (NEXT,))]
    assert decide(met(decisions=()), right=right)


def test_delivery_lies_between_the_receipt_and_now() -> None:
    """At the moment of receipt and at this moment it counts; a moment outside it does not."""
    receipt = START + timedelta(minutes=NEXT)
    second = timedelta(seconds=1)
    for delivered, counts in (
        (receipt, True),
        (receipt - second, False),
        (AT, True),
        (AT + second, False),
        (None, False),
    ):
        assert (codes(met(delivered=delivered)) == set()) is counts
        ending = refused(RefusalGround.UNFOUNDED, finding="f-1", delivered=delivered)
        assert (codes(ending) == set()) is counts
    silent = SubjectNotIdentifiable(case=CASE, sent="l-1", letter=LETTER_OF_REFUSAL, finding="f-1")
    assert codes(silent) == set(), "told where that is possible (11(2))"


def test_everything_missing_is_told_together() -> None:
    """What the answer lacks and what was not done stand side by side."""
    bare = met(decisions=(), delivered=None)
    assert codes(bare, right=Right.ERASURE) == {
        "erasure-not-done",
        "delivery-missing",
        "decisions-missing",
    }
    found = decide(bare, right=Right.ERASURE)
    assert found.outcome is Outcome.NEEDS
    assert "may-close" not in found.codes


# --- refusing ------------------------------------------------------------------------------------


def test_a_part_refused_names_its_field_and_a_lawful_ground() -> None:
    """The grounds of the fields count as those of the whole (R-528)."""
    right = {"right": Right.ACCESS}
    assert codes(partly("message", ground=RefusalGround.OTHERS_RIGHTS), **right) == set()
    assert codes(partly(ground=RefusalGround.OTHERS_RIGHTS), **right) == {"decisions-missing"}
    granted = partly(ground=RefusalGround.OTHERS_RIGHTS)
    granted = attrs.evolve(granted, decisions=(FieldDecision(field=EMAIL),))
    assert codes(granted, **right) == {"decisions-missing"}
    hidden = partly("email", ground=RefusalGround.OTHERS_RIGHTS)
    claims = FieldDecision(field=EMAIL, refused=RefusalGround.LEGAL_CLAIMS)
    hidden = attrs.evolve(hidden, decisions=(*hidden.decisions, claims))
    assert codes(hidden, **right) == {"refusal-ground-not-lawful"}
    unproved = attrs.evolve(
        hidden, decisions=(FieldDecision(field=EMAIL, refused=RefusalGround.UNFOUNDED),)
    )
    assert codes(unproved, **right) == {"finding-missing"}


@pytest.mark.parametrize("right", [right for right, grounds in REFUSALS.items() if grounds])
def test_all_lawful_grounds_together_are_lawful(right: Right) -> None:
    """Whoever names each of them names no other; one more that is none of them does (5.2b)."""
    found = codes(refused(*REFUSALS[right], finding="f-1"), right=right)
    assert "refusal-ground-not-lawful" not in found
    others = sorted(frozenset(RefusalGround) - REFUSALS[right])
    more = codes(refused(*REFUSALS[right], others[0], finding="f-1"), right=right)
    assert "refusal-ground-not-lawful" in more


def test_a_copy_is_redacted_for_others_and_refused_for_other_grounds() -> None:
    """Others' rights alone never refuse a whole copy; another right or ground may (15(4))."""
    others = RefusalGround.OTHERS_RIGHTS
    assert codes(refused(others)) == {"redact-instead"}
    assert codes(refused(others), right=Right.PORTABILITY) == set()
    both = refused(others, RefusalGround.UNFOUNDED, finding="f-1")
    assert codes(both) == set()
    assert codes(partly("message", ground=others)) == set()


def test_a_ground_of_the_table_is_checked_against_the_table() -> None:
    """For a named purpose; without one, or on another ground, nobody can tell (5.1)."""
    closed = refused(RefusalGround.RIGHT_NOT_OPEN)
    assert codes(closed, right=Right.OBJECTION, purpose=CARE) == {"right-is-open"}
    assert codes(closed, right=Right.OBJECTION) == set()
    assert codes(closed, right=Right.OBJECTION, purpose=PurposeId("bookkeeping")) == set()
    grounds = refused(RefusalGround.COMPELLING_GROUNDS, finding="f-1")
    assert codes(grounds, right=Right.OBJECTION, purpose=CARE) == set()
    reviewed = refused(RefusalGround.NO_AUTOMATED_DECISION)
    automated = with_purpose(CARE, automated_decisions=True)
    asked = {"right": Right.HUMAN_REVIEW, "purpose": CARE}
    assert codes(reviewed, register=automated, **asked) == {"right-is-open"}
    assert codes(reviewed, **asked) == set()


WHOLE = refused(RefusalGround.LEGAL_OBLIGATION)


@pytest.mark.parametrize(
    ("facts", "more", "goes_on"),
    [
        ([], {}, True),
        ([], {"purpose": MARKETING}, True),
        ([], {"purpose": CARE}, False),
        ([], {"fields": ["invoices"]}, False),
        ([], {"fields": ["invoices", "email"]}, True),
        ([MarketingObjection(via=VIA)], {}, False),
        ([MarketingObjection(via=VIA, channels=[Channel.EMAIL])], {}, True),
        ([MarketingObjection(via=VIA, purpose=MARKETING)], {}, True),
        ([consented(NEWSLETTER)], {"purpose": NEWSLETTER}, True),
        ([], {"purpose": NEWSLETTER}, False),
        (
            [
                consented(NEWSLETTER),
                ConsentWithdrawn(purpose=NEWSLETTER, channels=[Channel.EMAIL], via=VIA),
            ],
            {"purpose": NEWSLETTER},
            False,
        ),
    ],
)
def test_marketing_goes_on_while_it_uses_what_an_erasure_is_about(
    facts: list[Fact], more: dict[str, Any], goes_on: bool
) -> None:
    """Only a stop of all marketing ends it; what rests on a consent goes on with one (17(1)(c))."""
    expected = {"marketing-goes-on"} if goes_on else set()
    assert codes(WHOLE, right=Right.ERASURE, life=[*customer(), *facts], **more) == expected


def test_marketing_goes_on_for_whom_it_is_about_with_what_is_in_use() -> None:
    """The archive and the request files feed no marketing; another kind of person neither."""
    right = {"right": Right.ERASURE}
    assert codes(WHOLE, life=added("website-visitor"), **right) == set()
    everybody = with_purpose(MARKETING, subjects=[])
    visitor = codes(WHOLE, life=added("website-visitor"), register=everybody, **right)
    assert visitor == {"marketing-goes-on"}
    everything = DataErased(
        slots=[
            sealed(f).slot for f in ("email", "name", "company", "title", "language", "address")
        ],
        reason=ErasureReason.MOVED,
        rule="R-402",
    )
    left: list[Fact] = [*customer(), ended(), everything]
    assert codes(WHOLE, life=left, **right) == set()
    assert codes(WHOLE, life=[*left, moved()], **right) == {"marketing-goes-on"}
    filed = Archived(
        values=[sealed("email", FilingSystem.ARCHIVE)],
        purpose=PurposeId("claims"),
        until=date(2031, 12, 31),
    )
    assert codes(WHOLE, life=[*left, filed], **right) == set()
    text = sealed("email", FilingSystem.REQUESTS)
    assert codes(WHOLE, life=left, text=text, **right) == set()
    consenting = with_purpose(MARKETING, basis=LegalBasis.CONSENT)
    assert codes(WHOLE, register=consenting, **right) == set()


@pytest.mark.parametrize(
    "ground",
    [
        RefusalGround.UNFOUNDED,
        RefusalGround.EXCESSIVE,
        RefusalGround.CANNOT_IDENTIFY,
        RefusalGround.NOT_THE_SUBJECT,
    ],
)
def test_the_request_itself_may_be_refused_whatever_it_is_about(ground: RefusalGround) -> None:
    """Who asks without reason, too often, unknown or for another: the data does not matter."""
    assert codes(refused(ground, finding="f-1"), right=Right.ERASURE) == set()
    assert (
        codes(refused(ground, RefusalGround.LEGAL_OBLIGATION, finding="f-1"), right=Right.ERASURE)
        == set()
    )


def test_a_decided_objection_carries_its_own_finding() -> None:
    """For the purpose it was decided about; an objection upheld demonstrates nothing (R-507)."""
    ground = refused(RefusalGround.COMPELLING_GROUNDS)
    raised = ObjectionRaised(purpose=CARE, via=VIA)
    against = ObjectionDecided(purpose=CARE, upheld=False, finding="f-1")
    asked = {"right": Right.OBJECTION, "purpose": CARE}
    missing = {"grounds-undemonstrated"}
    assert codes(ground, raised, against, **asked) == set()
    assert codes(ground, raised, against, right=Right.OBJECTION) == set()
    assert codes(ground, raised, attrs.evolve(against, upheld=True), **asked) == missing
    other = attrs.evolve(against, purpose=PurposeId("enquiries"))
    assert codes(ground, raised, other, **asked) == missing
    several = refused(RefusalGround.COMPELLING_GROUNDS, RefusalGround.UNFOUNDED)
    assert codes(several, raised, against, **asked) == {"finding-missing"}
    claims = refused(RefusalGround.LEGAL_CLAIMS)
    assert codes(claims, **asked) == missing
    assert codes(claims, right=Right.ERASURE, purpose=CARE) == set()


def test_findings_that_are_missing_are_named_in_order() -> None:
    """Each kind once, whatever the order of the grounds."""
    ending = refused(
        RefusalGround.UNFOUNDED,
        RefusalGround.EXCESSIVE,
        RefusalGround.CANNOT_IDENTIFY,
        RefusalGround.COMPELLING_GROUNDS,
    )
    found = [r.code for r in decide(ending, right=Right.ERASURE).against]
    assert found == ["finding-missing", "grounds-undemonstrated", "identification-unshown"]


NATIONAL = RefusalGround.NATIONAL_RESTRICTION
ROUTE = LETTER_OF_REFUSAL | {LetterItem.AUTHORITY_ROUTE}


@pytest.mark.parametrize(
    ("letter", "finding", "missing"),
    [
        (ROUTE, None, set()),
        (ROUTE - {LetterItem.REASONS}, "f-1", set()),
        (ROUTE - {LetterItem.REASONS}, None, {"letter-incomplete"}),
        (ROUTE - {LetterItem.REMEDY}, "f-1", {"letter-incomplete"}),
        (LETTER_OF_REFUSAL, "f-1", {"authority-route-missing"}),
        (frozenset(), None, {"authority-route-missing", "letter-incomplete"}),
    ],
)
def test_a_national_restriction_spares_the_reasons_alone(
    letter: frozenset[LetterItem], finding: str | None, missing: set[str]
) -> None:
    """Only with a person's finding; the way to the authority is told always (DPA-FI s. 34)."""
    assert codes(refused(NATIONAL, letter=letter, finding=finding)) == missing
    other = refused(RefusalGround.UNFOUNDED, letter=letter, finding="f-1")
    whole = letter >= LETTER_OF_REFUSAL
    assert codes(other) == (set() if whole else {"letter-incomplete"})


def test_excessive_is_judged_by_the_last_request_for_the_same() -> None:
    """Of the same right, the newest before this one, counted in civil days to the day (R-525)."""
    earlier = {n: CaseId(sealed(f"earlier-{n}").slot) for n in (1, 2)}
    first = datetime(2025, 3, 10, 12, tzinfo=UTC)

    def last(right: Right, at: datetime, n: int = 1) -> Timed:
        return (at, RequestReceived(case=earlier[n], right=right, channel=VIA))

    def excessive(asked_at: datetime, *before: Timed) -> set[str]:
        at = asked_at + timedelta(days=1)
        line: list[Any] = [*before, (asked_at, received(Right.ACCESS))]
        found = case(*line, at=at)
        request = found.standing.request.case(CASE)
        assert request is not None
        ending = refused(RefusalGround.EXCESSIVE, finding="f-1", delivered=at)
        return {r.code for r in may_close(found, request, ending).against}

    year = datetime(2026, 3, 10, 1, tzinfo=UTC)
    day = timedelta(days=1)
    over = {"not-excessive-after-a-year"}
    assert excessive(year, last(Right.ACCESS, first)) == over
    assert excessive(year - day, last(Right.ACCESS, first)) == set()
    assert excessive(year, last(Right.ERASURE, first)) == set()
    assert excessive(year) == set()
    newer = last(Right.ACCESS, first + timedelta(days=30), 2)
    assert excessive(year, last(Right.ACCESS, first), newer) == set()
    night = datetime(2026, 3, 9, 22, 30, tzinfo=UTC)  # the tenth in Helsinki
    assert excessive(night, last(Right.ACCESS, first)) == over
    late = datetime(2025, 3, 10, 22, 30, tzinfo=UTC)  # the eleventh in Helsinki
    assert excessive(year, last(Right.ACCESS, late)) == set()
    assert excessive(year, (first, RequestWithdrawn(case=earlier[1]))) == set()
    unfounded = refused(RefusalGround.UNFOUNDED, finding="f-1")
    assert codes(unfounded) == set()
