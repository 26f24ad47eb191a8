"""Rights of the data subject: table 5.1 a second time, and each closed door by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from tests.policy.support import (
    MARKETING,
    START,
    added,
    case,
    consented,
    customer,
    ended,
    evidence,
    sealed,
    with_purpose,
)

from gdprkit.acts.act import Act
from gdprkit.acts.prepare import prepare
from gdprkit.errors import NotPossibleNow
from gdprkit.facts.consent import ConsentGiven
from gdprkit.facts.data import DataCollected, DataErased, DataRectified
from gdprkit.facts.disclosure import Disclosed, RecipientNotified
from gdprkit.facts.entry import Fact
from gdprkit.facts.objection import ObjectionDecided, ObjectionRaised, RestrictionImposed
from gdprkit.facts.request import (
    FieldDecision,
    HandlingBegun,
    IdentityRequested,
    RequestFulfilled,
    RequestPartlyRefused,
    RequestReceived,
    RequestRefused,
)
from gdprkit.policy.case import Case
from gdprkit.policy.decisions import NotAllowed, Outcome
from gdprkit.policy.handling import (
    IDENTITY,
    LETTER,
    LETTER_OF_REFUSAL,
    REFUSALS,
    IdentityStep,
    handling,
    to_tell,
)
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.policy.rights import (
    ERASURE_GROUNDS,
    OPEN_BY_BASIS,
    RESTRICTION_GROUNDS,
    MayExercise,
    may_exercise,
)
from gdprkit.register.register import Register
from gdprkit.words.identifiers import CaseId, FieldId, PurposeId, RecipientId, SourceId
from gdprkit.words.vocabulary import (
    ErasureReason,
    IntakeChannel,
    LegalBasis,
    LetterItem,
    RefusalGround,
    RestrictionGround,
    Right,
)

CARE = PurposeId("customer-care")
CASE = CaseId(sealed("request").slot)

#: The paper's 5.1 with the readings of 0.3; grounds of 17(1) and 18(1) by their letters.
DOCUMENTED = """
| right                  | a       | b       | c       | d     | e       | f       |
| information            | yes     | yes     | yes     | yes   | yes     | yes     |
| access                 | yes     | yes     | yes     | yes   | yes     | yes     |
| rectification          | yes     | yes     | yes     | yes   | yes     | yes     |
| erasure                | abdef   | ade     | ade     | ade   | acde    | acde    |
| restriction            | abc     | abc     | abc     | abc   | abcd    | abcd    |
| portability            | yes     | yes     | no      | no    | no      | no      |
| objection              | no      | no      | no      | no    | yes     | yes     |
| withdraw-consent       | yes     | no      | no      | no    | no      | no      |
"""
ERASURE_LETTERS = dict(
    zip(
        "abcdef",
        [
            ErasureReason.NO_LONGER_NECESSARY,
            ErasureReason.CONSENT_WITHDRAWN,
            ErasureReason.OBJECTED,
            ErasureReason.UNLAWFUL,
            ErasureReason.LEGAL_DUTY,
            ErasureReason.CHILD_SERVICE,
        ],
        strict=True,
    )
)
RESTRICTION_LETTERS = dict(zip("abcd", RestrictionGround, strict=True))
CELLS = [
    (Right(words[0]), basis, cell)
    for line in DOCUMENTED.strip().splitlines()[1:]
    if (words := [w.strip() for w in line.strip("|").split("|")])
    for basis, cell in zip(LegalBasis, words[1:], strict=True)
]


def ask(found: Case, right: Right, purpose: str = CARE, **more: Any) -> Any:
    return may_exercise(found, MayExercise(right=right, purpose=purpose, **more))


def based(basis: LegalBasis, **more: Any) -> Register:
    return with_purpose(CARE, basis=basis, statute="a law, s. 1", retention=None, **more)


@pytest.mark.parametrize(("right", "basis", "cell"), CELLS, ids=str)
def test_a_right_is_open_as_the_table_says(right: Right, basis: LegalBasis, cell: str) -> None:
    """Right by basis, and for erasure and restriction ground by ground (5.1)."""
    found = case(*customer(), register=based(basis))
    match right:
        case Right.ERASURE:
            assert ERASURE_GROUNDS[basis] == {ERASURE_LETTERS[letter] for letter in cell}
            for letter, ground in ERASURE_LETTERS.items():
                asked = ask(found, right, erasure_ground=ground)
                if letter not in cell:
                    assert asked.codes == {"erasure-ground-not-open"}
                elif letter != "a" and basis is not LegalBasis.LEGAL_OBLIGATION:
                    assert asked, asked.codes
        case Right.RESTRICTION:
            assert RESTRICTION_GROUNDS[basis] == {RESTRICTION_LETTERS[letter] for letter in cell}
            for letter, limit in RESTRICTION_LETTERS.items():
                assert bool(ask(found, right, restriction_ground=limit)) is (letter in cell)
        case _:
            assert (basis in OPEN_BY_BASIS[right]) is (cell == "yes")
            asked = ask(found, right)
            assert asked.outcome is (Outcome.ALLOWED if cell == "yes" else Outcome.FORBIDDEN)


@pytest.mark.parametrize("basis", LegalBasis)
def test_an_objection_to_marketing_is_open_wherever_anything_is_marketed(
    basis: LegalBasis,
) -> None:
    """Whatever the basis: marketing is the only question (0.3)."""
    for marketing in (True, False):
        register = based(basis, marketing=marketing)
        asked = ask(case(*customer(), register=register), Right.OBJECTION_TO_MARKETING)
        assert bool(asked) is marketing
        erase = ask(case(*customer(), register=register), Right.ERASURE)
        assert bool(erase) is marketing, "an erasure of marketing data needs no ground"


@pytest.mark.parametrize(("ground", "code"), [(None, "erasure-ground-unknown"), ("unlawful", None)])
def test_a_ground_is_found_by_somebody(ground: str | None, code: str | None) -> None:
    """No ground is guessed: until one is found the answer is NEEDS."""
    found = ask(case(*customer()), Right.ERASURE, erasure_ground=ground)
    assert found.outcome is (Outcome.NEEDS if code else Outcome.ALLOWED)
    assert code is None or found.codes == {code}
    limit = ask(case(*customer()), Right.RESTRICTION)
    assert limit.codes == {"restriction-ground-unknown"}


def test_while_a_duty_lasts_an_erasure_waits() -> None:
    """Vouchers stay until the last day of their period; then the right is open (17(3)(b))."""
    told = {"purpose": "bookkeeping", "erasure_ground": ErasureReason.UNLAWFUL}
    during = ask(case(*customer(), at=datetime(2030, 1, 1, tzinfo=UTC)), Right.ERASURE, **told)
    assert during.codes == {"duty-lasts"}
    assert during.valid_until == datetime(2032, 12, 31, 22, tzinfo=UTC)
    after = ask(case(*customer(), at=datetime(2033, 1, 1, tzinfo=UTC)), Right.ERASURE, **told)
    assert after
    ordered = {**told, "erasure_ground": ErasureReason.LEGAL_DUTY}
    assert ask(case(*customer()), Right.ERASURE, **ordered)


def test_claims_and_live_purposes_close_an_erasure_too() -> None:
    """A claims file until its period is over; a live purpose against 17(1)(a)."""
    claims = {"purpose": "claims", "erasure_ground": ErasureReason.UNLAWFUL}
    facts = [
        *customer(),
        DataCollected(values=[sealed("agreement")], source=SourceId("contact-form")),
        ended(date(2026, 1, 5)),
    ]
    assert ask(case(*facts), Right.ERASURE, **claims).codes == {"claims-last"}
    needed = ask(case(*customer()), Right.ERASURE, erasure_ground="no-longer-necessary")
    assert needed.codes == {"still-needed"}


def test_an_objection_that_was_overridden_does_not_erase() -> None:
    """Compelling grounds found: 17(1)(c) is not met."""
    raised = ObjectionRaised(purpose=CARE, via=IntakeChannel.EMAIL)
    erase = {"erasure_ground": ErasureReason.OBJECTED}
    assert ask(case(*customer(), raised), Right.ERASURE, **erase)
    overridden = ObjectionDecided(purpose=CARE, upheld=False, finding="finding-1")
    closed = ask(case(*customer(), raised, overridden), Right.ERASURE, **erase)
    assert closed.codes == {"compelling-grounds"}


def test_only_what_the_person_provided_is_portable() -> None:
    """Data from others, and what was made up about the person, is not in the file (20(1))."""
    register = based(LegalBasis.CONTRACT)
    assert ask(case(*customer(), register=register), Right.PORTABILITY, field="email")
    other = case(*added(source="trade-register"), register=register)
    assert ask(other, Right.PORTABILITY, field="email").codes == {"not-provided"}
    undecided = case(*customer(), register=with_purpose(CARE, basis=None))
    assert ask(undecided, Right.PORTABILITY).codes == {"basis-undecided"}


# --- R-509 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("basis", "code", "outcome"),
    [
        (LegalBasis.CONTRACT, "automated-decision-opened", Outcome.ALLOWED),
        (LegalBasis.LEGAL_OBLIGATION, "automated-decision-opened", Outcome.ALLOWED),
        (LegalBasis.PUBLIC_TASK, "automated-decision-opened", Outcome.ALLOWED),
        (LegalBasis.LEGITIMATE_INTERESTS, "automated-decision-prohibited", Outcome.FORBIDDEN),
        (LegalBasis.VITAL_INTERESTS, "automated-decision-prohibited", Outcome.FORBIDDEN),
        (LegalBasis.CONSENT, "automated-decision-unexplicit", Outcome.NEEDS),
    ],
)
def test_deciding_by_machine_alone_needs_its_exception(
    basis: LegalBasis, code: str, outcome: Outcome
) -> None:
    """Contract, law or explicit consent; the reason of R-509 has that outcome."""
    purpose = with_purpose(CARE, basis=basis, statute="a law", automated_decisions=True)
    plain: list[Fact] = [*customer(), consented(CARE, channels=())]
    found = may_process(case(*plain, register=purpose), MayProcess(purpose=CARE))
    (reason,) = [r for r in found.reasons if r.rule == "R-509"]
    assert (reason.code, reason.outcome) == (code, outcome)
    assert ask(case(*plain, register=purpose), Right.HUMAN_REVIEW)
    never = ask(case(*plain), Right.HUMAN_REVIEW)
    assert never.codes == {"no-automated-decision"}


def test_an_explicit_consent_opens_a_decision_by_machine() -> None:
    """The consent says so expressly (22(2)(c))."""
    register = with_purpose(CARE, basis=LegalBasis.CONSENT, automated_decisions=True)
    said = ConsentGiven(purpose=CARE, channels=(), evidence=evidence(explicit=True))
    found = may_process(case(*customer(), said, register=register), MayProcess(purpose=CARE))
    assert "automated-decision-opened" in found.codes


# --- what a restriction leaves ------------------------------------------------------------

RESTRICTED = RestrictionImposed(ground=RestrictionGround.UNLAWFUL)


def test_restricted_data_serves_claims_and_what_the_person_agrees_to_since() -> None:
    """Storage, claims, and a consent given after the restriction; never marketing (18(2), 0.3)."""
    claims = may_process(case(*customer(), RESTRICTED), MayProcess(purpose="claims"))
    assert "restricted-but-claims" in claims.codes
    register = with_purpose(CARE, basis=LegalBasis.CONSENT)
    since = case(*customer(), RESTRICTED, consented(CARE, channels=()), register=register)
    assert may_process(since, MayProcess(purpose=CARE))
    before = case(*customer(), consented(CARE, channels=()), RESTRICTED, register=register)
    assert "restricted" in may_process(before, MayProcess(purpose=CARE)).codes
    marketing = case(*customer(), RESTRICTED, consented())
    assert "restricted" in may_process(marketing, MayProcess(purpose=MARKETING)).codes


def test_contested_accuracy_stops_the_contested_fields() -> None:
    """A correction that contests accuracy restricts what it is about until it is answered."""
    contests = RequestReceived(
        case=CASE,
        right=Right.RECTIFICATION,
        channel=IntakeChannel.EMAIL,
        fields=[FieldId("title")],
        restriction_ground=RestrictionGround.ACCURACY_CONTESTED,
    )
    found = case(*customer(), contests)
    assert "accuracy-contested" in may_process(found, MayProcess(purpose=CARE, field="title")).codes
    assert may_process(found, MayProcess(purpose=CARE, field="email"))
    plain = attrs.evolve(contests, restriction_ground=None)
    assert may_process(case(*customer(), plain), MayProcess(purpose=CARE, field="title"))


# --- closing -------------------------------------------------------------------------------------


def asked(right: Right, **more: Any) -> RequestReceived:
    return RequestReceived(case=CASE, right=right, channel=IntakeChannel.EMAIL, **more)


BEGUN = HandlingBegun(case=CASE)


def close(closing: Fact, *facts: Fact, right: Right = Right.ACCESS, **more: Any) -> Any:
    """Close a request; None where it is closed, else the codes that withhold it."""
    begun = more.pop("begun", BEGUN)
    found = case(*customer(), asked(right, **more), begun, *facts)
    try:
        prepare(found, Act(fact=closing))
    except NotAllowed as refused:
        return {r.code for r in refused.decision.against}
    return None


def refused(*grounds: RefusalGround, **more: Any) -> RequestRefused:
    letter = more.pop("letter", LETTER_OF_REFUSAL)
    return RequestRefused(case=CASE, grounds=grounds, sent="letter-1", letter=letter, **more)


@pytest.mark.parametrize("right", Right)
@pytest.mark.parametrize("ground", RefusalGround)
def test_a_right_is_refused_on_its_own_grounds_only(right: Right, ground: RefusalGround) -> None:
    """Table 5.2b: the lawful refusals, and none for marketing and withdrawal."""
    found = close(refused(ground, finding="finding-1"), right=right)
    if right in (Right.OBJECTION_TO_MARKETING, Right.WITHDRAW_CONSENT):
        assert found == {"never-refused"}
    elif ground in REFUSALS[right]:
        assert found is None
    else:
        assert found == {"refusal-ground-not-lawful"}


@pytest.mark.parametrize("ground", [RefusalGround.UNFOUNDED, RefusalGround.EXCESSIVE])
def test_unfounded_or_excessive_is_found_in_writing(ground: RefusalGround) -> None:
    """No refusal under Art. 12(5) without a person's finding (R-525)."""
    assert close(refused(ground)) == {"finding-missing"}
    assert close(refused(ground, finding="finding-1")) is None


@pytest.mark.parametrize("left_out", sorted(LETTER_OF_REFUSAL))
def test_a_letter_of_refusal_is_whole(left_out: LetterItem) -> None:
    """Each of its parts is needed (R-528)."""
    letter = LETTER_OF_REFUSAL - {left_out}
    assert close(refused(RefusalGround.OTHERS_RIGHTS, letter=letter)) == {"letter-incomplete"}


def test_a_partial_refusal_says_what_was_decided_for_each_field() -> None:
    """Field by field, with the same letter as a whole refusal."""
    partly = RequestPartlyRefused(
        case=CASE, grounds=[RefusalGround.OTHERS_RIGHTS], sent="l-1", letter=LETTER_OF_REFUSAL
    )
    assert close(partly) == {"decisions-missing"}
    decided = FieldDecision(field=FieldId("message"), refused=RefusalGround.OTHERS_RIGHTS)
    assert close(attrs.evolve(partly, decisions=(decided,))) is None


FULFILLED = RequestFulfilled(case=CASE, sent="letter-1")
ALL = [sealed(f).slot for f in ("email", "name", "company", "title", "language", "address")]
REST = [sealed(f).slot for f in ("invoices", "message")]


def erased(*slots: Any) -> DataErased:
    return DataErased(slots=slots, reason=ErasureReason.OBJECTED, rule="R-503")


def test_an_erasure_is_fulfilled_when_nothing_is_left_or_refused() -> None:
    """What is still held closes nothing; what stays is a partial refusal."""
    assert close(FULFILLED, right=Right.ERASURE) == {"erasure-not-done"}
    assert close(FULFILLED, erased(*ALL), right=Right.ERASURE) == {"erasure-not-done"}
    assert close(FULFILLED, erased(*ALL, *REST), right=Right.ERASURE) is None
    stays = [
        FieldDecision(field=FieldId(f), refused=RefusalGround.LEGAL_OBLIGATION)
        for f in ("invoices", "message")
    ]
    partly = RequestPartlyRefused(
        case=CASE,
        grounds=[RefusalGround.LEGAL_OBLIGATION],
        sent="l-1",
        letter=LETTER_OF_REFUSAL,
        decisions=tuple(stays),
    )
    assert close(partly, erased(*ALL), right=Right.ERASURE) is None
    one = close(FULFILLED, erased(sealed("title").slot), right=Right.ERASURE, fields=["title"])
    assert one is None, "a request for one field is met when that one is gone"


def test_the_other_rights_are_fulfilled_by_their_own_deed() -> None:
    """A correction, a restriction, a recorded objection, a reviewer: each by itself."""
    rectified = DataRectified(
        replaced=[sealed("title").slot], values=[sealed("title")], source=SourceId("contact-form")
    )
    right = Right.RECTIFICATION
    assert close(FULFILLED, right=right) == {"rectification-not-done"}
    assert close(FULFILLED, rectified, right=right) is None
    offered = attrs.evolve(FULFILLED, letter=frozenset({LetterItem.STATEMENT_OPTION}))
    assert close(offered, right=right) is None
    assert close(FULFILLED, right=Right.RESTRICTION) == {"restriction-not-active"}
    assert close(FULFILLED, RESTRICTED, right=Right.RESTRICTION) is None
    raised = ObjectionRaised(purpose=CARE, via=IntakeChannel.EMAIL)
    assert close(FULFILLED, right=Right.OBJECTION) == {"objection-not-recorded"}
    assert close(FULFILLED, raised, right=Right.OBJECTION) is None
    overridden = ObjectionDecided(purpose=CARE, upheld=False, finding="finding-1")
    assert close(FULFILLED, raised, overridden, right=Right.OBJECTION) is not None
    review = Right.HUMAN_REVIEW
    assert close(FULFILLED, right=review) == {"reviewer-missing"}
    assigned = HandlingBegun(case=CASE, assigned_to="head-of-credit")
    assert close(FULFILLED, right=review, begun=assigned) == {"reviewer-missing"}
    decided = attrs.evolve(FULFILLED, decided_by="head-of-credit")
    assert close(decided, right=review, begun=assigned) is None


@pytest.mark.parametrize("right", [r for r, step in IDENTITY.items() if step is IdentityStep.NONE])
def test_a_stop_needs_no_identity(right: Right) -> None:
    """Neither an objection to marketing nor a withdrawal waits for a proof (R-522)."""
    found = case(*customer(), asked(right))
    wanted = IdentityRequested(case=CASE, reasonable_doubt=True, prompt=True)
    with pytest.raises(NotPossibleNow):
        prepare(found, Act(fact=wanted))


def test_every_right_has_its_row_of_the_table() -> None:
    """Identity, letter and lawful refusals are said for each right (5.2b)."""
    assert set(IDENTITY) == set(LETTER) == set(REFUSALS) == set(OPEN_BY_BASIS) == set(Right)
    assert all(LETTER.values())


# --- what is to be done --------------------------------------------------------------------------


def test_one_request_is_granted_for_one_purpose_and_refused_for_another() -> None:
    """Field by field, purpose by purpose, with the ground and its last day (5.1, caution)."""
    request = asked(Right.ERASURE, erasure_ground=ErasureReason.UNLAWFUL)
    found = case(*customer(), request)
    plan = handling(found, found.standing.request.cases[0])
    by = {(d.field, d.purpose): d for d in plan.decisions}
    assert by[FieldId("email"), MARKETING].refused is None
    kept = by[FieldId("invoices"), PurposeId("bookkeeping")]
    assert (kept.refused, kept.until) == (RefusalGround.LEGAL_OBLIGATION, date(2032, 12, 31))
    assert plan.letter >= LETTER_OF_REFUSAL
    assert plan.identity is IdentityStep.ON_DOUBT
    assert not plan.at_once


def test_a_request_limited_to_a_field_or_a_purpose_is_answered_for_it() -> None:
    """Nothing else is decided than what was asked."""
    one = asked(Right.ERASURE, fields=["email"], purpose=MARKETING)
    found = case(*customer(), one)
    plan = handling(found, found.standing.request.cases[0])
    assert [(d.field, d.purpose, d.refused) for d in plan.decisions] == [("email", MARKETING, None)]


def told(*facts: Fact | tuple[datetime, Fact]) -> Any:
    return to_tell(case(*customer(), *facts, at=datetime(2026, 2, 1, tzinfo=UTC)))


HOSTING = RecipientId("hosting")
SENT = Disclosed(recipient=HOSTING, purpose=CARE, fields=[FieldId("title"), FieldId("email")])


def test_recipients_are_told_of_what_they_received() -> None:
    """Corrections, erasures and restrictions of fields they have, within the time set (R-505)."""
    rectified = DataRectified(
        replaced=[sealed("title").slot], values=[sealed("title")], source=SourceId("contact-form")
    )
    (row,) = told(SENT, rectified)
    assert (row.recipient, row.about, row.fields) == (HOSTING, Right.RECTIFICATION, {"title"})
    assert row.due == START.date().replace(day=12)
    notified = RecipientNotified(recipient=HOSTING, about=Right.RECTIFICATION)
    assert told(SENT, rectified, notified) == ()
    assert told(rectified, SENT) == (), "what was corrected before is not told again"
    assert told(SENT, erased(sealed("invoices").slot)) == (), "they never had it"
    assert [r.about for r in told(SENT, RESTRICTED)] == [Right.RESTRICTION]
    assert [r.fields for r in told(SENT, erased(sealed("email").slot))] == [{"email"}]
