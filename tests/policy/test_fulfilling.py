"""May a request be closed as met? What has to be done before, right by right (table 5.2b)."""

from __future__ import annotations

from datetime import timedelta

import attrs
from tests.policy.closings import BEGUN, CARE, CASE, EMAIL, NEXT, VIA, codes, met, partly, refused
from tests.policy.support import MARKETING, START, customer, sealed

from gdprkit.facts.data import DataErased, DataRectified
from gdprkit.facts.objection import ObjectionDecided, ObjectionRaised, RestrictionImposed
from gdprkit.facts.request import (
    FieldDecision,
    IdentityConfirmed,
    IdentityInsufficient,
    IdentityRequested,
)
from gdprkit.words.identifiers import FieldId, PurposeId, SourceId
from gdprkit.words.vocabulary import (
    ErasureReason,
    FilingSystem,
    LetterItem,
    RefusalGround,
    RestrictionGround,
    Right,
)


def test_a_field_refused_makes_it_a_refusal_in_part() -> None:
    """A fulfilment that holds a refusal is neither checked further nor closed (R-528)."""
    kept = FieldDecision(field=EMAIL, refused=RefusalGround.LEGAL_OBLIGATION)
    both = met(decisions=[FieldDecision(field=EMAIL), kept])
    assert codes(both, right=Right.ERASURE) == {"refused-but-fulfilled"}
    assert codes(both) == {"refused-but-fulfilled"}


FIELDS = ("email", "name", "company", "title", "language", "address", "invoices", "message")


def erased(*fields: str) -> DataErased:
    slots = [sealed(field).slot for field in fields]
    return DataErased(slots=slots, reason=ErasureReason.UNLAWFUL, rule="R-503")


def test_an_erasure_leaves_only_what_was_refused() -> None:
    """Of the fields it was about; the text of the request itself stays with its file."""
    right = {"right": Right.ERASURE}
    assert codes(met(), erased(*FIELDS), **right) == set()
    assert codes(met(), erased(*FIELDS[1:]), **right) == {"erasure-not-done"}
    assert codes(met(), erased("email"), fields=["email"], **right) == set()
    assert codes(met(), erased("email"), fields=["email", "name"], **right) == {"erasure-not-done"}
    text = sealed("message", FilingSystem.REQUESTS)
    assert codes(met(), erased(*FIELDS), text=text, **right) == set()
    part = partly("email", ground=RefusalGround.LEGAL_OBLIGATION)
    assert codes(part, erased(*FIELDS[1:]), **right) == set()
    assert codes(part, erased(*FIELDS[2:]), **right) == {"erasure-not-done"}
    granted = attrs.evolve(part, decisions=(*part.decisions, FieldDecision(field=FieldId("name"))))
    assert codes(granted, erased(*FIELDS[2:]), **right) == {"erasure-not-done"}
    whole = refused(RefusalGround.LEGAL_OBLIGATION)
    assert codes(whole, purpose=CARE, **right) == set(), "a refusal needs nothing done"


def test_a_correction_is_made_after_the_receipt_or_a_statement_offered() -> None:
    """One from before the request answers nothing; at its very moment it does (R-502)."""
    right = {"right": Right.RECTIFICATION}
    title = sealed("title")
    fact = DataRectified(replaced=[title.slot], values=[title], source=SourceId("contact-form"))
    assert codes(met(), **right) == {"rectification-not-done"}
    assert codes(met(), fact, **right) == set()
    assert codes(met(), life=[*customer(), fact], **right) == {"rectification-not-done"}
    receipt = START + timedelta(minutes=NEXT)
    assert codes(met(), (receipt, fact), **right) == set()
    assert codes(met(), erased("title"), **right) == {"rectification-not-done"}
    offered = met(letter={LetterItem.STATEMENT_OPTION})
    assert codes(offered, **right) == set()


def test_a_restriction_is_in_force_on_the_ground_asked_for() -> None:
    """Any ground where none was named; another one does not do (R-504)."""
    right = {"right": Right.RESTRICTION}
    limit = RestrictionImposed(ground=RestrictionGround.UNLAWFUL)
    assert codes(met(), **right) == {"restriction-not-active"}
    assert codes(met(), limit, **right) == set()
    unlawful = {"restriction_ground": RestrictionGround.UNLAWFUL}
    assert codes(met(), limit, **right, **unlawful) == set()
    claims = {"restriction_ground": RestrictionGround.NEEDED_FOR_CLAIMS}
    assert codes(met(), limit, **right, **claims) == {"restriction-not-active"}


def test_an_objection_is_recorded_for_its_purpose_and_not_overridden() -> None:
    """Pending or upheld it stops the use; of another purpose or overridden it does not (R-507)."""
    right = {"right": Right.OBJECTION, "purpose": CARE}
    raised = ObjectionRaised(purpose=CARE, via=VIA)
    missing = {"objection-not-recorded"}
    assert codes(met(), **right) == missing
    assert codes(met(), raised, **right) == set()
    upheld = ObjectionDecided(purpose=CARE, upheld=True, finding="f-1")
    assert codes(met(), raised, upheld, **right) == set()
    assert codes(met(), raised, attrs.evolve(upheld, upheld=False), **right) == missing
    other = ObjectionRaised(purpose=PurposeId("enquiries"), via=VIA)
    assert codes(met(), other, **right) == missing
    assert codes(met(), other, right=Right.OBJECTION) == set()


def test_a_review_names_its_reviewer_and_tells_result_and_reasons() -> None:
    """Assigned and decided by somebody; both parts of the letter (R-509)."""
    right = {"right": Right.HUMAN_REVIEW}
    told = {"letter": {LetterItem.OUTCOME, LetterItem.REASONS}}
    by = {"decided_by": "head-of-credit"}
    assigned = attrs.evolve(BEGUN, assigned_to="head-of-credit")
    assert codes(met(**told, **by), assigned, **right) == set()
    assert codes(met(**told, **by), BEGUN, **right) == {"reviewer-missing"}
    assert codes(met(**told), assigned, **right) == {"reviewer-missing"}
    for item in told["letter"]:
        assert codes(met(letter={item}, **by), assigned, **right) == {"review-untold"}


def test_decisions_are_noted_where_there_is_something_to_decide() -> None:
    """Not for somebody of whom nothing is held or was; not for a right met as a whole (R-521)."""
    right = {"right": Right.RESTRICTION}
    limit = RestrictionImposed(ground=RestrictionGround.UNLAWFUL)
    bare = met(decisions=())
    assert codes(bare, limit, **right) == {"decisions-missing"}
    assert codes(bare, limit, life=[], **right) == set()
    gone = [*customer(), erased(*FIELDS)]
    assert codes(bare, limit, life=gone, **right) == {"decisions-missing"}
    assert codes(bare) == set()
    against = {"right": Right.OBJECTION, "purpose": MARKETING}
    assert codes(bare, **against) == set(), "against marketing it is met as a whole (21(2))"
    raised = ObjectionRaised(purpose=CARE, via=VIA)
    care = {"right": Right.OBJECTION, "purpose": CARE}
    assert codes(bare, raised, **care) == {"decisions-missing"}


def test_an_unsettled_identity_keeps_every_answer_back() -> None:
    """Until a later proof settles it; a refusal hands nothing over and may go out (12(6))."""
    asks = IdentityRequested(case=CASE, reasonable_doubt=True, prompt=True)
    failed, settled = IdentityInsufficient(case=CASE), IdentityConfirmed(case=CASE)
    assert codes(met(), asks, failed) == {"identity-insufficient"}
    assert codes(met(), asks, failed, settled) == set()
    assert codes(met(), asks) == set()
    unfounded = refused(RefusalGround.UNFOUNDED, finding="f-1")
    assert codes(unfounded, asks, failed) == set()
