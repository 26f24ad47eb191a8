"""Rights of the data subject: table 5.1 a second time, and each closed door by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
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
from gdprkit.facts.consent import ConsentGiven, ConsentWithdrawn
from gdprkit.facts.data import DataCollected, DataErased, DataRectified
from gdprkit.facts.disclosure import Disclosed, RecipientNotified
from gdprkit.facts.entry import Fact
from gdprkit.facts.objection import (
    MarketingObjection,
    ObjectionDecided,
    ObjectionRaised,
    RestrictionImposed,
    RestrictionLifted,
)
from gdprkit.facts.request import (
    ClarificationReceived,
    ClarificationRequested,
    FeeAnnounced,
    FieldDecision,
    HandlingBegun,
    IdentityConfirmed,
    IdentityInsufficient,
    IdentityRequested,
    RequestExtended,
    RequestFulfilled,
    RequestPartlyRefused,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
    SubjectNotIdentifiable,
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
from gdprkit.policy.plan import PlanAction
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.policy.retention import Erasure, plan_erasure
from gdprkit.policy.rights import (
    ERASURE_GROUNDS,
    OPEN_BY_BASIS,
    RESTRICTION_GROUNDS,
    MayExercise,
    may_exercise,
)
from gdprkit.register.register import Register
from gdprkit.words.identifiers import CaseId, FieldId, PurposeId, RecipientId, SourceId, SubjectId
from gdprkit.words.vocabulary import (
    ErasureReason,
    IntakeChannel,
    LegalBasis,
    LetterItem,
    RefusalGround,
    RestrictionGround,
    Right,
    SpecialGround,
)

CARE = PurposeId("customer-care")
CASE = CaseId(sealed("request").slot)
ABOUT = SubjectId(sealed("person").slot)

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
                elif letter == "c":
                    assert asked.codes == {"objection-undecided"}
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


def test_a_plan_of_erasure_follows_the_objection() -> None:
    """On 17(1)(c) it erases for the purpose whose objection was upheld, and keeps for others."""
    raised = ObjectionRaised(purpose=CARE, via=IntakeChannel.EMAIL)
    upheld = ObjectionDecided(purpose=CARE, upheld=True, finding="finding-1")
    for facts, kept in (((), True), ((raised,), True), ((raised, upheld), False)):
        found = case(*customer(), *facts)
        plan = plan_erasure(
            attrs.evolve(found, about=ABOUT), Erasure(reason=ErasureReason.OBJECTED)
        )
        actions = {item.action for item in plan.items if item.field == "title"}
        assert (PlanAction.KEEP in actions) is kept


def test_an_objection_erases_once_it_was_decided_for_the_person() -> None:
    """Pending it restricts; upheld it erases; with compelling grounds 17(1)(c) is not met."""
    raised = ObjectionRaised(purpose=CARE, via=IntakeChannel.EMAIL)
    erase = {"erasure_ground": ErasureReason.OBJECTED}
    pending = ask(case(*customer(), raised), Right.ERASURE, **erase)
    assert pending.codes == {"objection-undecided"}
    upheld = ObjectionDecided(purpose=CARE, upheld=True, finding="finding-1")
    assert ask(case(*customer(), raised, upheld), Right.ERASURE, **erase)
    overridden = ObjectionDecided(purpose=CARE, upheld=False, finding="finding-1")
    closed = ask(case(*customer(), raised, overridden), Right.ERASURE, **erase)
    assert closed.codes == {"compelling-grounds"}


def test_only_what_the_person_provided_is_portable() -> None:
    """Data from others, and what was made up about the person, is not in the file (20(1))."""
    register = based(LegalBasis.CONTRACT)
    assert ask(case(*customer(), register=register), Right.PORTABILITY, field="email")
    drawn = [
        *added(),
        DataCollected(values=[sealed("interests")], source=SourceId("service-use")),
    ]
    interests = with_purpose(
        CARE, basis=LegalBasis.CONTRACT, retention=None, fields=["interests", "email"]
    )
    seen = case(*drawn, register=interests)
    assert ask(seen, Right.PORTABILITY, field="interests").codes == {"not-provided"}
    said = [
        *added(),
        DataCollected(values=[sealed("interests")], source=SourceId("contact-form")),
    ]
    assert ask(case(*said, register=interests), Right.PORTABILITY, field="interests")
    other = case(*added(source="trade-register"), register=register)
    assert ask(other, Right.PORTABILITY, field="email").codes == {"not-provided"}
    undecided = case(*customer(), register=with_purpose(CARE, basis=None))
    assert ask(undecided, Right.PORTABILITY).codes == {"basis-undecided"}


def test_a_consent_beside_the_basis_opens_what_a_consent_opens() -> None:
    """9(2)(a) opens portability; a consent to a channel is withdrawn on whatever basis (7(3))."""
    explicit = based(LegalBasis.LEGITIMATE_INTERESTS, special_ground=SpecialGround.EXPLICIT_CONSENT)
    assert ask(case(*customer(), register=explicit), Right.PORTABILITY)
    given = case(*customer(), consented(MARKETING))
    assert ask(given, Right.WITHDRAW_CONSENT, MARKETING)
    assert not ask(case(*customer()), Right.WITHDRAW_CONSENT, MARKETING)


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


def test_what_a_request_restricts_is_limited_as_a_restriction_is() -> None:
    """Claims go on while an answer is pending; a named purpose leaves the others (18(2), R-507)."""
    for right in (Right.RESTRICTION, Right.OBJECTION):
        found = case(*customer(), asked(right))
        assert not may_process(found, MayProcess(purpose=CARE))
        claims = may_process(found, MayProcess(purpose="claims"))
        assert "restricted-but-claims" in claims.codes
    limited = case(*customer(), asked(Right.OBJECTION, purpose=CARE))
    assert "request-pending" in may_process(limited, MayProcess(purpose=CARE)).codes
    assert may_process(limited, MayProcess(purpose="service-communication"))


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
    sent = more.pop("delivered", True)
    found = case(*customer(), asked(right, **more), begun, *facts)
    if sent:
        closing = attrs.evolve(closing, delivered=found.at)  # type: ignore[arg-type]
    try:
        prepare(found, Act(fact=closing))
    except NotAllowed as refused:
        return {r.code for r in refused.decision.against}
    return None


def refused(*grounds: RefusalGround, **more: Any) -> RequestRefused:
    letter = more.pop("letter", LETTER_OF_REFUSAL | {LetterItem.AUTHORITY_ROUTE})
    return RequestRefused(case=CASE, grounds=grounds, sent="letter-1", letter=letter, **more)


@pytest.mark.parametrize("right", Right)
@pytest.mark.parametrize("ground", RefusalGround)
def test_a_right_is_refused_on_its_own_grounds_only(right: Right, ground: RefusalGround) -> None:
    """Table 5.2b: the lawful refusals, and none for marketing and withdrawal."""
    found = close(refused(ground, finding="finding-1"), right=right, fields=["invoices"])
    if (right, ground) == (Right.ACCESS, RefusalGround.OTHERS_RIGHTS):
        assert found == {"redact-instead"}
    elif right in (Right.OBJECTION_TO_MARKETING, Right.WITHDRAW_CONSENT):
        assert found == {"never-refused"}
    elif ground in REFUSALS[right]:
        assert found is None
    else:
        assert found == {"refusal-ground-not-lawful"}


def test_an_erasure_is_not_refused_as_a_whole_while_marketing_goes_on() -> None:
    """For marketing it is never refused; a stop, or other fields, leave the rest to its ground."""
    whole = refused(RefusalGround.LEGAL_OBLIGATION)
    assert close(whole, right=Right.ERASURE) == {"marketing-goes-on"}
    assert close(whole, right=Right.ERASURE, purpose=CARE) is None
    assert close(whole, right=Right.ERASURE, fields=["invoices"]) is None
    stopped = MarketingObjection(via=IntakeChannel.EMAIL)
    assert close(whole, stopped, right=Right.ERASURE) is None
    excessive = refused(RefusalGround.EXCESSIVE, finding="finding-1")
    assert close(excessive, right=Right.ERASURE) is None, "the request itself is refused"


@pytest.mark.parametrize("ground", [RefusalGround.UNFOUNDED, RefusalGround.EXCESSIVE])
def test_unfounded_or_excessive_is_found_in_writing(ground: RefusalGround) -> None:
    """No refusal under Art. 12(5) without a person's finding (R-525)."""
    assert close(refused(ground)) == {"finding-missing"}
    assert close(refused(ground, finding="finding-1")) is None


@pytest.mark.parametrize("left_out", sorted(LETTER_OF_REFUSAL))
def test_a_letter_of_refusal_is_whole(left_out: LetterItem) -> None:
    """Each of its parts is needed (R-528)."""
    letter = LETTER_OF_REFUSAL - {left_out}
    unfounded = refused(RefusalGround.UNFOUNDED, letter=letter, finding="finding-1")
    assert close(unfounded) == {"letter-incomplete"}


def test_a_partial_refusal_says_what_was_decided_for_each_field() -> None:
    """Field by field, with the same letter as a whole refusal."""
    partly = RequestPartlyRefused(
        case=CASE, grounds=[RefusalGround.OTHERS_RIGHTS], sent="l-1", letter=LETTER_OF_REFUSAL
    )
    assert close(partly) == {"decisions-missing"}
    decided = FieldDecision(field=FieldId("message"), refused=RefusalGround.OTHERS_RIGHTS)
    assert close(attrs.evolve(partly, decisions=(decided,))) is None


FULFILLED = RequestFulfilled(
    case=CASE, sent="letter-1", decisions=[FieldDecision(field=FieldId("email"))]
)
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
    assert close(FULFILLED, right=review) == {"reviewer-missing", "review-untold"}
    assigned = HandlingBegun(case=CASE, assigned_to="head-of-credit")
    told = attrs.evolve(FULFILLED, letter=frozenset({LetterItem.OUTCOME, LetterItem.REASONS}))
    assert close(told, right=review, begun=assigned) == {"reviewer-missing"}
    decided = attrs.evolve(FULFILLED, decided_by="head-of-credit")
    assert close(decided, right=review, begun=assigned) == {"review-untold"}
    whole = attrs.evolve(decided, letter=frozenset({LetterItem.OUTCOME, LetterItem.REASONS}))
    assert close(whole, right=review, begun=assigned) is None


def test_nothing_closes_before_its_answer_went_out() -> None:
    """Delivery is noted, after the receipt and not in the future (5.4, R-521)."""
    assert close(FULFILLED, delivered=False) == {"delivery-missing"}
    for day in (START.replace(year=2025), START.replace(year=2099)):
        early = attrs.evolve(FULFILLED, delivered=day)
        assert close(early, delivered=False) == {"delivery-missing"}
    assert close(FULFILLED) is None


def test_a_right_decided_by_field_closes_with_its_decisions() -> None:
    """What was decided for each field is noted; a right met as a whole needs no list (R-521)."""
    bare = attrs.evolve(FULFILLED, decisions=())
    assert close(bare, RESTRICTED, right=Right.RESTRICTION) == {"decisions-missing"}
    assert close(bare, right=Right.ACCESS) is None


def test_no_refusal_hides_in_a_fulfilment() -> None:
    """A field that was refused makes it a partial refusal, with its letter (R-528)."""
    kept = FieldDecision(field=FieldId("invoices"), refused=RefusalGround.LEGAL_OBLIGATION)
    hidden = attrs.evolve(FULFILLED, decisions=(kept,))
    assert close(hidden, right=Right.ERASURE) >= {"refused-but-fulfilled"}


@pytest.mark.parametrize(
    ("right", "ground", "code"),
    [
        (Right.ACCESS, RefusalGround.CANNOT_IDENTIFY, "identification-unshown"),
        (Right.RECTIFICATION, RefusalGround.DATA_ACCURATE, "accuracy-unshown"),
        (Right.OBJECTION, RefusalGround.COMPELLING_GROUNDS, "grounds-undemonstrated"),
        (Right.OBJECTION, RefusalGround.LEGAL_CLAIMS, "grounds-undemonstrated"),
        (Right.ERASURE, RefusalGround.COMPELLING_GROUNDS, "grounds-undemonstrated"),
    ],
)
def test_the_controller_proves_what_it_refuses_on(
    right: Right, ground: RefusalGround, code: str
) -> None:
    """Without a person's finding these grounds refuse nothing (R-502, R-507, R-523)."""
    limited = {"purpose": CARE} if right in (Right.OBJECTION, Right.ERASURE) else {}
    assert close(refused(ground), right=right, **limited) == {code}
    assert close(refused(ground, finding="finding-1"), right=right, **limited) is None
    overridden = ObjectionDecided(purpose=CARE, upheld=False, finding="finding-1")
    found = close(refused(ground), overridden, right=right, **limited)
    assert (found is None) is (code == "grounds-undemonstrated"), "decided with its own finding"


def test_what_the_table_opens_is_not_refused_as_closed() -> None:
    """For a named purpose the table knows; nobody claims a closed right against it (5.1)."""
    closed = refused(RefusalGround.RIGHT_NOT_OPEN)
    assert close(closed, right=Right.OBJECTION, purpose=CARE) == {"right-is-open"}
    assert close(closed, right=Right.OBJECTION, purpose=PurposeId("bookkeeping")) is None
    assert close(closed, right=Right.PORTABILITY, purpose=CARE) is None


def test_nothing_is_handed_to_whom_a_proof_did_not_settle() -> None:
    """A proof that settles nothing keeps the answer back until another one does (12(6))."""
    asks = IdentityRequested(case=CASE, reasonable_doubt=True, prompt=True)
    failed, settled = IdentityInsufficient(case=CASE), IdentityConfirmed(case=CASE)
    assert close(FULFILLED, asks, failed, BEGUN) == {"identity-insufficient"}
    assert close(FULFILLED, asks, failed, settled) is None


def test_a_reminder_is_no_anomaly() -> None:
    """It is the same request; another right, or a closed request, is not reminded of (R-533)."""
    first = asked(Right.ACCESS)
    for facts, anomalies in (
        ([first, first], 0),
        ([first, asked(Right.ERASURE)], 1),
        ([first, RequestWithdrawn(case=CASE), first], 1),
    ):
        found = case(*customer(), *facts).standing.request
        assert (len(found.cases), len(found.anomalies)) == (1, anomalies)


def test_a_year_after_the_last_request_none_is_excessive() -> None:
    """Twelve months to the day are not excessive, a day less may be found so (R-525, 0.3)."""
    for days, code in ((365, {"not-excessive-after-a-year"}), (364, None)):
        earlier = attrs.evolve(asked(Right.ACCESS), case=CaseId(sealed("earlier").slot))
        at = START + timedelta(days=days)
        found = case(
            *customer(), (START, earlier), (at, asked(Right.ACCESS)), at=at + timedelta(days=1)
        )
        closing = refused(RefusalGround.EXCESSIVE, finding="finding-1", delivered=found.at)
        got = None
        try:
            prepare(found, Act(fact=closing))
        except NotAllowed as problem:
            got = {r.code for r in problem.decision.against}
        assert got == code
    first = refused(RefusalGround.EXCESSIVE, finding="finding-1")
    assert close(first) is None, "a first request may be, where abuse is shown (C-526/24)"


def test_a_national_restriction_names_the_way_to_the_authority() -> None:
    """Its reasons are told unless a person found that telling defeats the purpose (R-531)."""
    ground = RefusalGround.NATIONAL_RESTRICTION
    assert close(refused(ground, letter=LETTER_OF_REFUSAL)) == {"authority-route-missing"}
    silent = (LETTER_OF_REFUSAL | {LetterItem.AUTHORITY_ROUTE}) - {LetterItem.REASONS}
    assert close(refused(ground, letter=silent)) == {"letter-incomplete"}
    assert close(refused(ground, letter=silent, finding="finding-1")) is None


@pytest.mark.parametrize("right", Right)
def test_only_articles_15_to_20_end_where_nobody_can_be_identified(right: Right) -> None:
    """Objections, reviews and withdrawals stay; the others need a finding and a letter (R-523)."""
    ending = SubjectNotIdentifiable(
        case=CASE, sent="letter-1", letter=LETTER_OF_REFUSAL, finding="finding-1"
    )
    found = case(*customer(), asked(right))
    codes = set()
    try:
        prepare(found, Act(fact=ending))
    except NotAllowed as problem:
        codes = {r.code for r in problem.decision.against}
    stays = {
        Right.OBJECTION_TO_MARKETING: {"never-refused"},
        Right.WITHDRAW_CONSENT: {"never-refused"},
        Right.INFORMATION: {"refusal-ground-not-lawful"},
        Right.OBJECTION: {"refusal-ground-not-lawful"},
        Right.HUMAN_REVIEW: {"refusal-ground-not-lawful"},
    }
    assert codes == stays.get(right, set())
    if not codes:
        with pytest.raises(NotAllowed) as caught:
            prepare(found, Act(fact=attrs.evolve(ending, finding=None, letter=frozenset())))
        against = {r.code for r in caught.value.decision.against}
        assert against == {"identification-unshown", "letter-incomplete"}


def test_an_objection_that_reaches_marketing_stops_it_at_once() -> None:
    """Named or not, marketing has no grounds against an objection (R-508, 0.3)."""
    general = prepare(case(*customer()), Act(fact=asked(Right.OBJECTION)))
    assert general[1:] == (MarketingObjection(via=IntakeChannel.EMAIL),)
    named = prepare(case(*customer()), Act(fact=asked(Right.OBJECTION, purpose=MARKETING)))
    assert named[1:] == (MarketingObjection(purpose=MARKETING, via=IntakeChannel.EMAIL),)
    care = prepare(case(*customer()), Act(fact=asked(Right.OBJECTION, purpose=CARE)))
    assert len(care) == 1
    never = refused(RefusalGround.COMPELLING_GROUNDS, finding="finding-1")
    assert close(never, right=Right.OBJECTION, purpose=MARKETING) == {"never-refused"}


def test_a_withdrawal_of_one_consent_leaves_the_others() -> None:
    """A request that names a purpose withdraws for that purpose (R-510)."""
    newsletter = PurposeId("newsletter")
    one = prepare(case(*customer()), Act(fact=asked(Right.WITHDRAW_CONSENT, purpose=newsletter)))
    (stop,) = [f for f in one if isinstance(f, ConsentWithdrawn)]
    assert stop.purpose == newsletter
    every = prepare(case(*customer()), Act(fact=asked(Right.WITHDRAW_CONSENT)))
    assert [f.purpose for f in every if isinstance(f, ConsentWithdrawn)] == [None]


def test_steps_that_a_request_has_no_place_for() -> None:
    """No second extension, no question after everything was wanted, no fee for a stop."""
    more = RequestExtended(case=CASE, months=1, reasons="many files")
    specify = ClarificationRequested(case=CASE, large_volume=True, prompt=True)
    fee = FeeAnnounced(case=CASE, finding="finding-1")
    wanted = ClarificationReceived(case=CASE, everything=True)
    lives: list[tuple[Right, list[Fact], Fact]] = [
        (Right.ACCESS, [more], more),
        (Right.ACCESS, [specify, wanted], specify),
        (Right.OBJECTION_TO_MARKETING, [], fee),
        (Right.WITHDRAW_CONSENT, [], fee),
    ]
    for right, before, step in lives:
        with pytest.raises(NotPossibleNow):
            prepare(case(*customer(), asked(right), *before), Act(fact=step))
        if before:
            assert prepare(case(*customer(), asked(right)), Act(fact=step))


@pytest.mark.parametrize("day", [date(2025, 12, 1), date(2099, 1, 1)])
def test_a_restriction_is_lifted_after_telling(day: date) -> None:
    """Told while it is in force, never before it began nor on a day to come (18(3))."""
    lift = RestrictionLifted(ground=RestrictionGround.UNLAWFUL, informed=day)
    found = case(*customer(), RESTRICTED)
    with pytest.raises(NotAllowed) as caught:
        prepare(found, Act(fact=lift))
    assert {r.code for r in caught.value.decision.against} == {"lifting-untold"}
    told = attrs.evolve(lift, informed=found.today)
    assert prepare(found, Act(fact=told))
    with pytest.raises(NotAllowed, match="lifting-untold"):  # told after it was lifted
        prepare(found, Act(fact=told, at=found.at - timedelta(days=1)))


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


def test_who_asks_for_the_information_gets_both_notices() -> None:
    """The notice in force and the one at collection (R-511)."""
    found = case(*customer(), asked(Right.INFORMATION))
    assert handling(found, found.standing.request.cases[0]).notices == {"v7"}
    other = case(*customer(), asked(Right.ACCESS))
    assert handling(other, other.standing.request.cases[0]).notices == frozenset()


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
    note = attrs.evolve(notified, untold="notes/hosting-gone")
    assert told(SENT, rectified, note) == (), "why it is impossible is noted in its place"
    gone = erased(sealed("email").slot)
    assert [r.about for r in told(SENT, rectified, gone, notified)] == [Right.ERASURE]
    later = attrs.evolve(SENT, fields=frozenset({FieldId("name")}))
    assert [r.fields for r in told(SENT, rectified, later)] == [{"title"}]
    assert told(rectified, SENT) == (), "what was corrected before is not told again"
    assert told(SENT, erased(sealed("invoices").slot)) == (), "they never had it"
    assert [r.about for r in told(SENT, RESTRICTED)] == [Right.RESTRICTION]
    assert [r.fields for r in told(SENT, erased(sealed("email").slot))] == [{"email"}]
