"""What a marketing decision rests on: the entry, the day it changes, the field, for each step."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import attrs
import pytest
from tests.policy.asking import ask, forbidden, resting
from tests.policy.support import (
    MARKETING,
    added,
    consented,
    customer,
    ended,
    jot,
    sealed,
    with_notice,
    with_purpose,
)

from gdprkit.errors import UnknownName
from gdprkit.facts.connection import ConnectionStarted, RoleTaken
from gdprkit.facts.consent import ConsentRefused, ConsentWithdrawn
from gdprkit.facts.data import CircumstanceNoted, DataErased, PersonErased
from gdprkit.facts.entry import Fact
from gdprkit.facts.merge import MergedInto
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.objection import (
    MarketingObjection,
    MarketingProhibition,
    ObjectionRaised,
    RestrictionImposed,
)
from gdprkit.facts.request import RequestReceived
from gdprkit.facts.retention import Archived
from gdprkit.policy.decisions import Outcome
from gdprkit.register.register import Register
from gdprkit.words.identifiers import CaseId, FieldId, NoticeId, PurposeId, SubjectId
from gdprkit.words.vocabulary import (
    Actor,
    Channel,
    Circumstance,
    ErasureReason,
    FieldKind,
    FilingSystem,
    IntakeChannel,
    RestrictionGround,
    Right,
)

VIA = IntakeChannel.EMAIL
SOMEBODY = SubjectId(UUID(int=7, version=4))
NEXT = len(customer()) + 1


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (PersonErased(reason=ErasureReason.OBJECTED, reference="r-1"), "person-erased"),
        (MergedInto(survivor=SOMEBODY), "merged-away"),
        (CircumstanceNoted(circumstance=Circumstance.DECEASED), "person-deceased"),
        (CircumstanceNoted(circumstance=Circumstance.LEFT_ROLE), "left-role"),
        (CircumstanceNoted(circumstance=Circumstance.ADDRESS_DEAD), "address-dead"),
        (CircumstanceNoted(circumstance=Circumstance.SAFETY_BAN), "safety-ban"),
        (RestrictionImposed(ground=RestrictionGround.UNLAWFUL), "restricted"),
        (ObjectionRaised(purpose=MARKETING, via=VIA), "objected"),
        *(
            (
                RequestReceived(case=CaseId(UUID(int=1, version=4)), right=right, channel=VIA),
                "request-pending",
            )
            for right in (
                Right.OBJECTION,
                Right.OBJECTION_TO_MARKETING,
                Right.ERASURE,
                Right.RESTRICTION,
            )
        ),
        (MarketingObjection(via=VIA), "objected"),
        (MarketingProhibition(via=VIA), "prohibited"),
        (ConsentWithdrawn(purpose=MARKETING, via=VIA), "consent-withdrawn"),
        (ConsentRefused(purpose=MARKETING, via=VIA), "consent-refused"),
        (MarketingProhibition(via=VIA, by=Actor.COMPANY), "company-prohibited"),
        (CircumstanceNoted(circumstance=Circumstance.MINOR), "minor"),
    ],
)
def test_what_stops_is_named_with_its_entry(fact: Fact, code: str) -> None:
    """Each stop of steps 1 to 5 forbids alone and points to the entry that says so (R-316)."""
    assert forbidden(ask(*customer(), fact)) == {code: (NEXT,)}


@pytest.mark.parametrize("right", [Right.ACCESS, Right.RECTIFICATION, Right.PORTABILITY])
def test_other_requests_stop_no_marketing(right: Right) -> None:
    """Who asks to see their data has not asked for silence."""
    request = RequestReceived(case=CaseId(UUID(int=1, version=4)), right=right, channel=VIA)
    assert ask(*customer(), request)


def test_an_objection_to_another_purpose_stops_no_marketing() -> None:
    """A 21(1) objection stops the purpose it names; marketing is stopped by its own (R-508)."""
    care = ObjectionRaised(purpose=PurposeId("customer-care"), via=VIA)
    assert ask(*customer(), care)


def test_several_things_in_one_step_are_all_named() -> None:
    """The first step that forbids keeps all its reasons; later steps are not asked (R-316)."""
    ban = CircumstanceNoted(circumstance=Circumstance.SAFETY_BAN)
    dead = CircumstanceNoted(circumstance=Circumstance.ADDRESS_DEAD)
    found = ask(*customer(), ban, dead, MarketingProhibition(via=VIA))
    assert resting(found) == {"safety-ban": (NEXT,), "address-dead": (NEXT + 1,)}


def test_who_the_purpose_is_not_about_is_not_contacted() -> None:
    """A kind the purpose does not name forbids; a purpose that names none is about everybody."""
    visitor = [*added("website-visitor"), CircumstanceNoted(circumstance=Circumstance.ADULT)]
    assert forbidden(ask(*visitor)) == {"kind-not-covered": ()}
    everybody = with_purpose(MARKETING, subjects=[])
    assert "kind-not-covered" not in ask(*visitor, register=everybody).codes
    assert forbidden(ask()) == {"person-unknown": ()}


def test_an_ended_relation_is_under_review_until_the_move() -> None:
    """Between the end and the move nothing is marketed; asked as a member the rest decides."""
    line = [*customer(), ended()]
    assert forbidden(ask(*line)) == {"under-review": (NEXT,)}
    member = ask(*line, as_member=True)
    assert member
    assert "in-marketing-register" not in member.codes


def test_an_archive_with_nothing_in_it_is_an_erased_person() -> None:
    """Where the last archived value is gone nobody is left to contact; no entry says so alone."""
    kept = sealed("invoices", FilingSystem.ARCHIVE)
    filed = Archived(values=[kept], purpose=PurposeId("bookkeeping"), until=date(2031, 12, 31))
    gone = DataErased(slots=[kept.slot], reason=ErasureReason.RETENTION_ENDED, rule="R-408")
    line = [*customer(), ended(), filed]
    assert forbidden(ask(*line)) == {"not-in-marketing-register": ()}
    assert forbidden(ask(*line, gone)) == {"person-erased": ()}


def test_a_company_stops_mail_to_its_own_address() -> None:
    """To a generic address a prohibition is that of s. 202; to a person that of s. 200(2)."""
    generic = [*added("generic-address"), ConnectionStarted(reference="c-1")]
    stop = MarketingProhibition(via=VIA)
    rules = {r.code: r.rule for r in ask(*generic, stop).reasons}
    assert rules == {"prohibited": "R-306"}
    assert {r.code: r.rule for r in ask(*customer(), stop).against} == {"prohibited": "R-304"}
    objected = ask(*generic, MarketingObjection(via=VIA)).against
    assert {r.code: r.rule for r in objected} == {"objected": "R-311"}


def test_what_an_organisation_prohibited_has_to_be_known() -> None:
    """Who acts for an organisation is contacted once its own line was looked at (R-418)."""
    found = ask(*customer(), RoleTaken(organisation=SOMEBODY))
    assert resting(found)["organisation-unknown"] == (NEXT,)
    assert found.outcome is Outcome.NEEDS


def test_age_rests_on_what_is_known_of_it() -> None:
    """The entry that says adult; at work adult age is presumed; a minor is one whatever else."""
    adult = CircumstanceNoted(circumstance=Circumstance.ADULT)
    minor = CircumstanceNoted(circumstance=Circumstance.MINOR)
    consumer = [*added("consumer"), ConnectionStarted(reference="c-1")]
    known = ask(*consumer, adult, channel=Channel.POST)
    assert resting(known)["adult"] == (len(consumer) + 1,)
    assert resting(ask(*customer()))["adult"] == ()
    for pair in ((adult, minor), (minor, adult)):
        assert "minor" in ask(*consumer, *pair).codes
        assert "adult" not in ask(*consumer, *pair).codes
    assert "age-unknown" in ask(*consumer, channel=Channel.POST).codes


# --- profiling -----------------------------------------------------------------------------------


def chosen_by(kind: FieldKind, register: Register | None = None) -> Register:
    """Return the register whose marketing may choose by one more field."""
    register = register or jot()
    field = attrs.evolve(
        register.fields[FieldId("email")], id=FieldId("chosen-by"), kind=kind, tags=(), lookup=False
    )
    purpose = register.purposes[MARKETING]
    purpose = attrs.evolve(purpose, fields=purpose.fields | {field.id})
    return attrs.evolve(
        register,
        fields={**register.fields, field.id: field},
        purposes={**register.purposes, MARKETING: purpose},
    )


@pytest.mark.parametrize(
    ("kind", "watched", "profile"),
    [
        (FieldKind.USAGE, True, True),
        (FieldKind.COOKIE, True, True),
        (FieldKind.DEVICE, True, True),
        (FieldKind.IP_ADDRESS, True, True),
        (FieldKind.PROFILE, False, True),
        (FieldKind.INTEREST, False, True),
        (FieldKind.LANGUAGE, False, False),
    ],
)
def test_profiling_is_told_and_watching_agreed_to(
    kind: FieldKind, watched: bool, profile: bool
) -> None:
    """Profiles need a notice, watched behaviour a consent too, other fields neither (R-318)."""
    register = chosen_by(kind)
    found = ask(*customer(), register=register, selected_by=["chosen-by"])
    assert ("watched-without-consent" in found.codes) is watched
    assert ("profiling-told" in found.codes) is profile
    agreed = ask(*customer(), consented(), register=register, selected_by=["chosen-by"])
    assert "watched-without-consent" not in agreed.codes
    assert ("profiling-told" in agreed.codes) is profile
    assert not {"profiling-told", "profiling-not-told"} & ask(*customer()).codes


def test_profiling_is_told_by_the_first_notice_that_says_all_of_it() -> None:
    """It names marketing and the right to object; one that says half of it tells nothing."""
    both = [*customer(), NoticeGiven(notice=NoticeId("v7-14"))]
    for half in ("names_marketing", "names_right_to_object"):
        register = chosen_by(FieldKind.PROFILE, with_notice("v7", **{half: False}))  # type: ignore[arg-type]
        one = ask(*customer(), register=register, selected_by=["chosen-by"])
        assert "profiling-not-told" in one.codes
        assert "profiling-told" not in one.codes
        later = ask(*both, register=register, selected_by=["chosen-by"])
        assert resting(later)["profiling-told"] == (NEXT,)
    full = ask(*both, register=chosen_by(FieldKind.PROFILE), selected_by=["chosen-by"])
    assert resting(full)["profiling-told"] == (2,), "the first of them"
    unknown = [
        *[f for f in customer() if not isinstance(f, NoticeGiven)],
        NoticeGiven(notice=NoticeId("v0")),
    ]
    lost = ask(*unknown, register=chosen_by(FieldKind.PROFILE), selected_by=["chosen-by"])
    assert "profiling-not-told" in lost.codes, "a notice that is declared no more tells nothing"


def test_an_undeclared_or_unknown_field_chooses_nobody() -> None:
    """A field the purpose does not declare forbids; one the register does not know is an error."""
    found = ask(*customer(), selected_by=["orders"])
    assert "selected-by-undeclared" in forbidden(found)
    with pytest.raises(UnknownName):
        ask(*customer(), selected_by=["emial"])
