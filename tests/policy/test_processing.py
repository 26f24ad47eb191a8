"""May data be processed for a purpose: each legal basis by itself (R-101 to R-119)."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs
import pytest
from tests.policy.support import (
    MARKETING,
    NEWSLETTER,
    added,
    case,
    consented,
    customer,
    jot,
    sealed,
    with_notice,
    with_purpose,
)

from gdprkit.errors import UnknownName, UnknownPurpose
from gdprkit.facts.connection import ConnectionStarted
from gdprkit.facts.data import CircumstanceNoted, PersonErased
from gdprkit.facts.entry import Fact
from gdprkit.facts.objection import (
    MarketingObjection,
    ObjectionDecided,
    ObjectionRaised,
    RestrictionImposed,
    RestrictionLifted,
)
from gdprkit.facts.request import RequestReceived
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.words.identifiers import CaseId, PurposeId
from gdprkit.words.vocabulary import (
    Channel,
    Circumstance,
    ErasureReason,
    IntakeChannel,
    LegalBasis,
    RestrictionGround,
    Right,
)

VIA = IntakeChannel.EMAIL
CARE = PurposeId("customer-care")
CONTRACT = PurposeId("customer-contract")
STARTED = ConnectionStarted(reference="contract-1")
CONSUMER = [*added("consumer"), CircumstanceNoted(circumstance=Circumstance.ADULT)]


def decide(purpose: str, *facts: Fact, field: str | None = None, **more: Any) -> Decision:
    return may_process(case(*facts, **more), MayProcess(purpose=purpose, field=field))


def assessed(**changes: Any) -> Any:
    assessment = jot().purposes[CARE].assessment
    assert assessment is not None
    return with_purpose(CARE, assessment=attrs.evolve(assessment, **changes))


@pytest.mark.parametrize(
    ("decision", "code", "outcome"),
    [
        (lambda: decide("newsletter", *customer()), "consent-never-given", Outcome.NEEDS),
        (
            lambda: decide(
                "newsletter",
                *customer(),
                consented(NEWSLETTER),
                register=with_purpose(NEWSLETTER, double_opt_in=False),
            ),
            "consent-in-force",
            Outcome.ALLOWED,
        ),
        (lambda: decide(CONTRACT, *CONSUMER, STARTED), "contract-live", Outcome.ALLOWED),
        (lambda: decide(CONTRACT, *CONSUMER), "contract-not-live", Outcome.NEEDS),
        (
            lambda: decide(
                CARE, *customer(), register=with_purpose(CARE, basis=LegalBasis.CONTRACT)
            ),
            "not-party-to-the-contract",
            Outcome.FORBIDDEN,
        ),
        (lambda: decide("bookkeeping", *customer()), "statute-named", Outcome.ALLOWED),
        (
            lambda: decide(
                "bookkeeping",
                *customer(),
                register=with_purpose(PurposeId("bookkeeping"), statute=None),
            ),
            "statute-missing",
            Outcome.NEEDS,
        ),
        (
            lambda: decide(CARE, *customer(), register=with_purpose(CARE, basis=None)),
            "basis-missing",
            Outcome.FORBIDDEN,
        ),
        (
            lambda: decide(
                CARE, *customer(), register=with_purpose(CARE, basis=LegalBasis.VITAL_INTERESTS)
            ),
            "vital-interest-note",
            Outcome.NEEDS,
        ),
        (lambda: decide(CARE, *customer()), "assessment-passed", Outcome.ALLOWED),
        (
            lambda: decide(CARE, *customer(), register=with_purpose(CARE, assessment=None)),
            "assessment-missing",
            Outcome.NEEDS,
        ),
        (
            lambda: decide(CARE, *customer(), register=assessed(passed=False)),
            "assessment-failed",
            Outcome.FORBIDDEN,
        ),
        (
            lambda: decide(CARE, *customer(), register=assessed(review_by=date(2026, 1, 4))),
            "assessment-overdue",
            Outcome.NEEDS,
        ),
        (
            lambda: decide(CARE, *customer(), register=with_notice("v7", names_interest=False)),
            "interest-not-told",
            Outcome.NEEDS,
        ),
    ],
)
def test_each_basis_has_its_own_conditions(decision: Any, code: str, outcome: Outcome) -> None:
    """A purpose is processed on its declared basis while that basis lives, and on no other."""
    found = decision()
    assert code in found.codes
    assert found.outcome is outcome


def test_an_assessment_serves_until_the_end_of_its_last_day() -> None:
    """The day of review is still covered; the answer says when that is over."""
    found = decide(CARE, *customer(), register=assessed(review_by=date(2026, 1, 5)))
    assert found
    assert found.valid_until is not None
    assert found.valid_until.isoformat() == "2026-01-05T22:00:00+00:00"


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ([ObjectionRaised(purpose=CARE, via=VIA)], "objected"),
        (
            [
                ObjectionRaised(purpose=CARE, via=VIA),
                ObjectionDecided(purpose=CARE, upheld=True, finding="f-1"),
            ],
            "objected",
        ),
        ([RestrictionImposed(ground=RestrictionGround.ACCURACY_CONTESTED)], "restricted"),
        (
            [RequestReceived(case=CaseId(sealed("r").slot), right=Right.RESTRICTION, channel=VIA)],
            "restriction-asked",
        ),
        (
            [PersonErased(reason=ErasureReason.CONSENT_WITHDRAWN, reference="r-1")],
            "person-erased",
        ),
    ],
)
def test_the_persons_word_stops_processing(facts: list[Fact], code: str) -> None:
    """An objection, a restriction, a pending request for one, an erasure: each forbids."""
    assert decide(CARE, *customer())
    found = decide(CARE, *customer(), *facts)
    assert code in found.codes
    assert found.outcome is Outcome.FORBIDDEN


def test_an_overridden_objection_and_a_lifted_restriction_stop_nothing() -> None:
    """What was decided against, or ended, is no stop any more (R-507, R-504)."""
    ground = RestrictionGround.ACCURACY_CONTESTED
    assert decide(
        CARE,
        *customer(),
        ObjectionRaised(purpose=CARE, via=VIA),
        ObjectionDecided(purpose=CARE, upheld=False, finding="f-1"),
        RestrictionImposed(ground=ground),
        RestrictionLifted(ground=ground, informed=date(2026, 1, 5)),
    )


def test_one_ground_of_restriction_lifted_leaves_the_other() -> None:
    """Two grounds are two restrictions."""
    found = decide(
        CARE,
        *customer(),
        RestrictionImposed(ground=RestrictionGround.ACCURACY_CONTESTED),
        RestrictionImposed(ground=RestrictionGround.UNLAWFUL),
        RestrictionLifted(ground=RestrictionGround.UNLAWFUL, informed=date(2026, 1, 5)),
    )
    assert found.outcome is Outcome.FORBIDDEN


def test_an_objection_to_marketing_stops_processing_for_marketing_only() -> None:
    """A stop for marketing is a stop for its profiling too, and none for service (R-311)."""
    stop = MarketingObjection(via=VIA)
    assert "objected" in decide(MARKETING, *customer(), stop).codes
    assert decide(CARE, *customer(), stop)
    assert decide(MARKETING, *customer(), MarketingObjection(via=VIA, channels=[Channel.EMAIL]))


@pytest.mark.parametrize(
    ("kind", "purpose", "field", "code"),
    [
        ("website-visitor", CARE, None, "kind-not-covered"),
        ("company-contact", CARE, "ip-address", "field-not-covered"),
    ],
)
def test_a_purpose_covers_the_people_and_fields_it_declares(
    kind: str, purpose: str, field: str | None, code: str
) -> None:
    """Nobody and nothing is processed for a purpose that does not name them."""
    found = decide(purpose, *added(kind), field=field)
    assert code in found.codes
    assert found.outcome is Outcome.FORBIDDEN


def test_nothing_is_processed_about_nobody() -> None:
    """Without a person in the register the answer is a question."""
    assert decide(CARE).outcome is not Outcome.ALLOWED


@pytest.mark.parametrize(
    ("question", "error"),
    [
        (MayProcess(purpose="custommer-care"), UnknownPurpose),
        (MayProcess(purpose=CARE, field="emial"), UnknownName),
    ],
)
def test_unknown_names_are_refused(question: MayProcess, error: type[Exception]) -> None:
    """An undeclared purpose or field is an error, not an answer."""
    with pytest.raises(error, match="did you mean"):
        may_process(case(*customer()), question)
