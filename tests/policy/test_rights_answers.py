"""What the answer about a right holds: who was asked about, until when, on which entry."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
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
    ended,
    jot,
    sealed,
    with_purpose,
)

from gdprkit.errors import UnknownName, UnknownPurpose
from gdprkit.facts.consent import ConsentWithdrawn
from gdprkit.facts.data import DataCollected
from gdprkit.facts.entry import Fact
from gdprkit.facts.objection import ObjectionDecided, ObjectionRaised
from gdprkit.policy.case import Case
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.rights import MayExercise, may_exercise, objection_failed
from gdprkit.register.register import Register
from gdprkit.words.identifiers import FieldId, PurposeId, SourceId, SubjectId
from gdprkit.words.moments import end_of_day
from gdprkit.words.vocabulary import (
    Channel,
    ErasureReason,
    FieldKind,
    IntakeChannel,
    LegalBasis,
    RestrictionGround,
    Right,
    SourceKind,
    Trigger,
)

CARE = PurposeId("customer-care")
ABOUT = SubjectId(sealed("person").slot)
VIA = IntakeChannel.EMAIL
NEXT = len(customer()) + 1


def ask(found: Case, right: Right, purpose: str = CARE, **more: Any) -> Decision:
    return may_exercise(found, MayExercise(right=right, purpose=purpose, **more))


def over(day: date) -> datetime:
    """Return the instant at which a day is over for the controller."""
    return end_of_day(day, jot().zone)


def test_the_answer_names_the_question_the_person_and_the_law() -> None:
    """A decision can be shown later: what was asked, about whom, when, under which law."""
    found = attrs.evolve(case(*customer()), about=ABOUT)
    asked = ask(found, Right.ACCESS)
    assert asked == found.decision("may_exercise", asked.reasons)
    assert (asked.question, asked.about, asked.at) == ("may_exercise", ABOUT, found.at)
    assert asked.law == found.law.id
    assert [r.code for r in asked.reasons] == ["right-open"]


def test_what_is_not_declared_is_an_error() -> None:
    """A purpose or field the register does not know is told, never decided."""
    with pytest.raises(UnknownPurpose):
        ask(case(*customer()), Right.ACCESS, "customer-car")
    with pytest.raises(UnknownName):
        ask(case(*customer()), Right.ACCESS, field="emial")
    assert ask(case(*customer()), Right.ACCESS, field="email")


#: right -> its rule and its place in the law.
PLACES = {
    Right.INFORMATION: ("R-511", ["GDPR Art. 13", "GDPR Art. 14"]),
    Right.ACCESS: ("R-501", ["GDPR Art. 15(1)"]),
    Right.RECTIFICATION: ("R-502", ["GDPR Art. 16"]),
    Right.ERASURE: ("R-503", ["GDPR Art. 17(1)"]),
    Right.RESTRICTION: ("R-504", ["GDPR Art. 18(1)"]),
    Right.PORTABILITY: ("R-506", ["GDPR Art. 20(1)"]),
    Right.OBJECTION: ("R-507", ["GDPR Art. 21(1)"]),
    Right.OBJECTION_TO_MARKETING: ("R-508", ["GDPR Art. 21(2)"]),
    Right.HUMAN_REVIEW: ("R-509", ["GDPR Art. 22(3)"]),
    Right.WITHDRAW_CONSENT: ("R-510", ["GDPR Art. 7(3)"]),
}
OPENED: dict[Right, tuple[str, dict[str, Any]]] = {
    Right.ERASURE: (CARE, {"erasure_ground": ErasureReason.UNLAWFUL}),
    Right.RESTRICTION: (CARE, {"restriction_ground": RestrictionGround.UNLAWFUL}),
    Right.PORTABILITY: ("distance-sales", {}),
    Right.OBJECTION_TO_MARKETING: (MARKETING, {}),
    Right.HUMAN_REVIEW: ("automated", {}),
    Right.WITHDRAW_CONSENT: (NEWSLETTER, {}),
}


@pytest.mark.parametrize("right", Right)
def test_an_open_right_names_its_place_in_the_law(right: Right) -> None:
    """Each right opens on its own article and rule."""
    purpose, more = OPENED.get(right, (CARE, {}))
    register = jot()
    if purpose == "automated":
        purpose, register = CARE, with_purpose(CARE, automated_decisions=True)
    asked = ask(case(*customer(), register=register), right, purpose, **more)
    (reason,) = asked.reasons
    assert (reason.code, reason.rule) == ("right-open", PLACES[right][0])
    assert [str(cite) for cite in reason.cites] == PLACES[right][1]


@pytest.mark.parametrize("right", Right)
def test_a_purpose_without_a_basis_decides_only_what_hangs_on_none(right: Right) -> None:
    """What the basis decides waits for it; access, information and correction do not (R-101)."""
    register = with_purpose(CARE, basis=None, automated_decisions=True)
    asked = ask(case(*customer(), register=register), right)
    waits = right in (
        Right.PORTABILITY,
        Right.OBJECTION,
        Right.WITHDRAW_CONSENT,
        Right.ERASURE,
        Right.RESTRICTION,
    )
    assert (asked.codes == {"basis-undecided"}) is waits
    assert (asked.outcome is Outcome.NEEDS) is waits


# --- consent -------------------------------------------------------------------------------------


def test_a_consent_to_marketing_is_withdrawn_while_it_is_given() -> None:
    """One channel of this purpose is enough; after the withdrawal nothing is left (7(3))."""
    withdrawn = ConsentWithdrawn(purpose=MARKETING, channels=[Channel.EMAIL], via=VIA)
    both = consented(channels=[Channel.EMAIL, Channel.SMS])
    for facts, opened in (
        ([both], True),
        ([both, withdrawn], True),
        ([consented(), withdrawn], False),
        ([consented(NEWSLETTER)], False),
    ):
        found = ask(case(*customer(), *facts), Right.WITHDRAW_CONSENT, MARKETING)
        assert bool(found) is opened, facts
    objection = ask(case(*customer(), consented(CARE)), Right.OBJECTION, "bookkeeping")
    assert objection.codes == {"basis-not-objectable"}
    carried = ask(case(*customer(), consented(CARE)), Right.PORTABILITY)
    assert carried.codes == {"basis-not-portable"}, "a consent beside the basis carries no data"


# --- portability ---------------------------------------------------------------------------------

CONTRACT = PurposeId("customer-contract")


def portable(
    *facts: Fact, register: Register | None = None, field: str | None = None
) -> frozenset[str]:
    return ask(case(*facts, register=register), Right.PORTABILITY, CONTRACT, field=field).codes


def collected(field: str, source: str) -> DataCollected:
    return DataCollected(values=[sealed(field)], source=SourceId(source))


OPEN, CLOSED = frozenset({"right-open"}), frozenset({"not-provided"})


@pytest.mark.parametrize("kind", SourceKind)
def test_portable_is_what_came_from_the_person_or_their_use(kind: SourceKind) -> None:
    """Told or observed; what employers, registers and lists gave is not in the file (20(1))."""
    source = attrs.evolve(jot().sources[SourceId("contact-form")], kind=kind, evidence="list-1")
    register = attrs.evolve(jot(), sources={**jot().sources, source.id: source})
    from_the_person = kind in (SourceKind.SUBJECT, SourceKind.OBSERVED)
    codes = portable(collected("email", "contact-form"), register=register)
    assert codes == (OPEN if from_the_person else CLOSED)


@pytest.mark.parametrize("kind", [FieldKind.PROFILE, FieldKind.CREDIT, FieldKind.INTEREST])
def test_what_was_made_up_about_a_person_is_not_portable(kind: FieldKind) -> None:
    """A profile and a score never; an interest only where the person told it (WP242)."""
    field = attrs.evolve(jot().fields[FieldId("email")], kind=kind, lookup=False)
    register = attrs.evolve(jot(), fields={**jot().fields, field.id: field})
    told = portable(collected("email", "contact-form"), register=register)
    seen = portable(collected("email", "service-use"), register=register)
    assert told == (OPEN if kind is FieldKind.INTEREST else CLOSED)
    assert seen == CLOSED
    assert portable(collected("email", "service-use")) == OPEN


def test_one_provided_value_makes_the_file() -> None:
    """Of what the purpose holds, or of the one field asked about; nothing held is no file."""
    line = [collected("name", "trade-register"), collected("email", "contact-form")]
    assert portable(*line) == OPEN
    assert portable(*line, field="email") == OPEN
    assert portable(*line, field="name") == CLOSED
    assert portable() == CLOSED
    assert portable(collected("interests", "contact-form")) == CLOSED, "of another purpose"
    assert portable(collected("email", "gone-source")) == CLOSED
    assert portable(collected("gone-field", "contact-form")) == CLOSED


# --- erasure: until when -------------------------------------------------------------------------

UNLAWFUL = {"erasure_ground": ErasureReason.UNLAWFUL}
UNNEEDED = {"erasure_ground": ErasureReason.NO_LONGER_NECESSARY}


def kept(purpose: str, after: Trigger, **more: Any) -> Register:
    """Return the register where a purpose keeps its data for six months."""
    rule = jot().purposes[PurposeId("surveys")].retention
    assert rule is not None
    return with_purpose(PurposeId(purpose), retention=attrs.evolve(rule, after=after), **more)


@pytest.mark.parametrize(
    ("code", "basis", "after", "ground"),
    [
        ("duty-lasts", LegalBasis.LEGAL_OBLIGATION, Trigger.COLLECTION, UNLAWFUL),
        ("claims-last", LegalBasis.LEGITIMATE_INTERESTS, Trigger.CLAIM, UNLAWFUL),
        ("public-task-lasts", LegalBasis.PUBLIC_TASK, Trigger.COLLECTION, UNNEEDED),
        ("still-needed", LegalBasis.CONTRACT, Trigger.COLLECTION, UNNEEDED),
    ],
)
def test_an_erasure_waits_until_the_last_day_is_over(
    code: str, basis: LegalBasis, after: Trigger, ground: dict[str, Any]
) -> None:
    """The reason says until when it holds; at that very moment the right is open (17(3))."""
    register = kept(CARE, after, basis=basis, statute="a law, s. 1")
    line = [*customer(), ended(date(2026, 1, 5))]
    end = over(date(2026, 7, 5))
    for at, closed in ((end - timedelta(microseconds=1), True), (end, False)):
        asked = ask(case(*line, at=at, register=register), Right.ERASURE, **ground)
        assert asked.codes == {code if closed else "right-open"}
        assert [r.until for r in asked.reasons] == [end if closed else None]
    ordered = ask(
        case(*line, register=register), Right.ERASURE, erasure_ground=ErasureReason.LEGAL_DUTY
    )
    assert ordered, "a duty to erase waits for nothing"


def test_a_purpose_without_a_known_end_needs_its_data() -> None:
    """Without a period, or with one of several values still open, no day is named."""
    endless = with_purpose(CARE, retention=None)
    asked = ask(case(*customer(), register=endless), Right.ERASURE, **UNNEEDED)
    assert asked.codes == {"still-needed"}
    assert asked.reasons[0].until is None
    running = ask(case(*customer()), Right.ERASURE, **UNNEEDED)
    assert (running.codes, running.reasons[0].until) == (frozenset({"still-needed"}), None)


def test_the_last_day_of_several_values_counts() -> None:
    """What was collected later is kept longer; of one field its own day; of none nothing."""
    later = (datetime(2026, 3, 1, 9, tzinfo=UTC), collected("feedback", "contact-form"))
    register = kept(CARE, Trigger.COLLECTION)
    found = case(*added(), later, at=later[0], register=register)
    whole = ask(found, Right.ERASURE, **UNNEEDED)
    assert whole.reasons[0].until == over(date(2026, 9, 1))
    one = ask(found, Right.ERASURE, field="email", **UNNEEDED)
    assert one.reasons[0].until == over(date(2026, 7, 5))
    assert ask(found, Right.ERASURE, field="orders", **UNNEEDED), "nothing of it is held"
    other = ask(found, Right.ERASURE, field="credit-information", **UNNEEDED)
    assert other, "the purpose has no such field"


def test_a_public_task_stands_against_necessity_alone() -> None:
    """Unlawful data goes whatever the task; so does what a live purpose holds unlawfully."""
    task = kept(CARE, Trigger.COLLECTION, basis=LegalBasis.PUBLIC_TASK, statute="a law, s. 1")
    assert ask(case(*customer(), register=task), Right.ERASURE, **UNLAWFUL)
    assert ask(case(*customer()), Right.ERASURE, **UNLAWFUL)


# --- objections ----------------------------------------------------------------------------------

RAISED = ObjectionRaised(purpose=CARE, via=VIA)
OTHER = ObjectionRaised(purpose=PurposeId("enquiries"), via=VIA)


def failed(*facts: Fact) -> tuple[str, tuple[int, ...]] | None:
    reason = objection_failed(case(*customer(), *facts), jot().purposes[CARE])
    return (reason.code, reason.evidence) if reason else None


def test_an_objection_is_named_with_its_entry() -> None:
    """Undecided or overridden, of this purpose alone; upheld it stands in nobody's way."""
    upheld = ObjectionDecided(purpose=CARE, upheld=True, finding="f-1")
    assert failed() == ("objection-undecided", ())
    assert failed(OTHER) == ("objection-undecided", ())
    assert failed(OTHER, RAISED) == ("objection-undecided", (NEXT + 1,))
    overridden = attrs.evolve(upheld, upheld=False)
    assert failed(RAISED, overridden) == ("compelling-grounds", (NEXT + 1,))
    assert failed(RAISED, upheld) is None
    assert failed(RAISED, attrs.evolve(upheld, purpose=OTHER.purpose)) == (
        "objection-undecided",
        (NEXT,),
    )
