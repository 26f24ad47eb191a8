"""What one line brings to another when the two are brought together, as one fact (R-416)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.policy.support import (
    MARKETING,
    NEWSLETTER,
    START,
    added,
    consented,
    customer,
    ended,
    evidence,
    life,
    moved,
    sealed,
)

from gdprkit.facts.consent import ConsentRefused, ConsentWithdrawn
from gdprkit.facts.data import CircumstanceNoted
from gdprkit.facts.entry import Fact
from gdprkit.facts.merge import (
    MergedConsent,
    MergedFrom,
    MergedNotice,
    MergedObjection,
    MergedStop,
)
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.objection import (
    MarketingObjection,
    MarketingProhibition,
    ObjectionDecided,
    ObjectionRaised,
    RestrictionImposed,
)
from gdprkit.facts.request import RequestReceived, RequestWithdrawn
from gdprkit.policy.merging import brought_by
from gdprkit.words.identifiers import CaseId, FieldId, NoticeId, PurposeId, SubjectId
from gdprkit.words.vocabulary import (
    Actor,
    Channel,
    Circumstance,
    IntakeChannel,
    RestrictionGround,
    Right,
    StopKind,
)

OTHER = SubjectId(sealed("other").slot)
CARE, STATISTICS, SURVEYS = map(PurposeId, ("customer-care", "customer-statistics", "surveys"))
BEFORE = len(added())


def moment(number: int) -> datetime:
    """Return when the numbered fact after the beginning of the other line happened."""
    return START + timedelta(minutes=BEFORE + number)


def brought(*facts: Fact, verified: bool = True, known: list[Fact] | None = None) -> MergedFrom:
    """Return what a line of these facts brings."""
    line = [*(added() if known is None else known), *facts]
    return brought_by(OTHER, life(*line), verified=verified)


def only(**parts: Any) -> MergedFrom:
    """Return a fact that brings the notice every line here begins with, and these parts."""
    told = MergedNotice(notice=NoticeId("v7"), at=START + timedelta(minutes=2))
    return MergedFrom(**{"other": OTHER, "notices": (told,), **parts})


def test_a_line_without_words_brings_its_notice_only() -> None:
    """Data, values and the connection stay where they are."""
    assert brought() == only()
    assert brought(known=[]) == MergedFrom(other=OTHER)


def test_each_stop_comes_with_its_whole_scope_and_its_moment() -> None:
    """Kind, channels, purpose, who set it and when: nothing of a stop is lost on the way."""
    letter = IntakeChannel.LETTER
    found = brought(
        MarketingObjection(via=letter),
        MarketingProhibition(via=letter, channels=[Channel.PHONE, Channel.SMS], by=Actor.COMPANY),
        ConsentWithdrawn(purpose=NEWSLETTER, channels=[Channel.EMAIL], via=letter),
        ConsentRefused(purpose=MARKETING, channels=[Channel.POST], via=letter),
        verified=False,
    )
    assert found == only(
        stops=(
            MergedStop(kind=StopKind.OBJECTION, at=moment(1)),
            MergedStop(
                kind=StopKind.PROHIBITION,
                channels=[Channel.PHONE, Channel.SMS],
                by=Actor.COMPANY,
                at=moment(2),
            ),
            MergedStop(
                kind=StopKind.WITHDRAWAL,
                channels=[Channel.EMAIL],
                purpose=NEWSLETTER,
                at=moment(3),
            ),
            MergedStop(
                kind=StopKind.REFUSAL, channels=[Channel.POST], purpose=MARKETING, at=moment(4)
            ),
        )
    )


def asked(number: int, right: Right = Right.ERASURE, **more: Any) -> RequestReceived:
    case = CaseId(UUID(f"00000000-0000-4000-8000-00000000000{number}"))
    return RequestReceived(case=case, right=right, channel=IntakeChannel.EMAIL, **more)


def test_an_open_request_for_erasure_comes_as_an_objection() -> None:
    """For its purpose, by who asked, from its receipt (R-414); so does one without a purpose."""
    found = brought(asked(1), asked(2, purpose=MARKETING, requester=Actor.AGENT))
    assert found == only(
        stops=(
            MergedStop(kind=StopKind.OBJECTION, at=moment(1)),
            MergedStop(
                kind=StopKind.OBJECTION,
                purpose=MARKETING,
                by=Actor.AGENT,
                at=moment(2),
            ),
        )
    )


def test_no_other_request_comes_as_a_stop() -> None:
    """Neither an erasure of single fields, nor one that has ended, nor another right."""
    fields = asked(1, fields=[FieldId("address")])
    over = RequestWithdrawn(case=asked(2).case)
    assert brought(fields, asked(2), over, asked(3, Right.ACCESS)) == only()


def test_objections_come_pending_or_upheld_and_never_overridden() -> None:
    """What was decided against the person closes nothing on the other line either."""
    mail = IntakeChannel.EMAIL
    found = brought(
        ObjectionRaised(purpose=CARE, via=mail),
        ObjectionRaised(purpose=STATISTICS, via=mail),
        ObjectionRaised(purpose=SURVEYS, via=mail),
        ObjectionDecided(purpose=STATISTICS, upheld=True, finding="finding-1"),
        ObjectionDecided(purpose=SURVEYS, upheld=False, finding="finding-2"),
    )
    assert found == only(
        objections=(
            MergedObjection(purpose=CARE, upheld=False, at=moment(1)),
            MergedObjection(purpose=STATISTICS, upheld=True, at=moment(4)),
        )
    )


def test_restrictions_and_circumstances_come_whatever_is_verified() -> None:
    """They close doors; that the person is of age opens one and needs the same verified person."""
    facts: list[Fact] = [
        RestrictionImposed(ground=RestrictionGround.UNLAWFUL),
        RestrictionImposed(ground=RestrictionGround.ACCURACY_CONTESTED),
        CircumstanceNoted(circumstance=Circumstance.SAFETY_BAN),
        CircumstanceNoted(circumstance=Circumstance.ADULT),
    ]
    grounds = {RestrictionGround.UNLAWFUL, RestrictionGround.ACCURACY_CONTESTED}
    closing = {Circumstance.SAFETY_BAN}
    assert brought(*facts, verified=False) == only(restrictions=grounds, circumstances=closing)
    assert brought(*facts, verified=True) == only(
        restrictions=grounds, circumstances={*closing, Circumstance.ADULT}
    )


def test_consents_in_force_come_with_their_evidence_and_moment() -> None:
    """One by channel, as given; a withdrawn one stays behind, and all do where nobody verified."""
    facts: list[Fact] = [
        consented(channels=(Channel.EMAIL, Channel.POST)),
        consented(purpose=NEWSLETTER),
        consented(purpose=SURVEYS, channels=()),
        ConsentWithdrawn(purpose=NEWSLETTER, channels=[Channel.EMAIL], via=IntakeChannel.EMAIL),
    ]
    withdrawal = MergedStop(
        kind=StopKind.WITHDRAWAL, channels=[Channel.EMAIL], purpose=NEWSLETTER, at=moment(4)
    )
    said = evidence()
    assert brought(*facts, verified=True) == only(
        stops=(withdrawal,),
        consents=(
            MergedConsent(purpose=MARKETING, channel=Channel.EMAIL, evidence=said, at=moment(1)),
            MergedConsent(purpose=MARKETING, channel=Channel.POST, evidence=said, at=moment(1)),
            MergedConsent(purpose=SURVEYS, evidence=said, at=moment(3)),
        ),
    )
    assert brought(*facts, verified=False) == only(stops=(withdrawal,))


def test_every_notice_comes_with_its_moment() -> None:
    """The oldest that is proved decides, so all that are proved come along."""
    v7 = MergedNotice(notice=NoticeId("v7"), at=START + timedelta(minutes=2))
    reminder = MergedNotice(notice=NoticeId("v7-reminder"), at=moment(1))
    found = brought(NoticeGiven(notice=NoticeId("v7-reminder")))
    assert found == only(notices=(v7, reminder))


def test_the_last_day_of_its_entry_comes_along() -> None:
    """The earliest that rules there decides here too."""
    entry = [*customer(), ended(), moved(date(2028, 1, 1))]
    assert brought(known=entry) == only(expires_on=date(2028, 1, 1))
    earlier = MergedFrom(other=SubjectId(sealed("third").slot), expires_on=date(2027, 1, 1))
    assert brought(earlier, known=entry).expires_on == date(2027, 1, 1)


def test_an_open_request_to_object_comes_as_an_objection_nobody_has_decided() -> None:
    """An objection under Art. 21(1) that waits for its answer waits here too (R-507)."""
    asked = RequestReceived(
        case=CaseId(UUID(int=3, version=4)),
        right=Right.OBJECTION,
        channel=IntakeChannel.LETTER,
        purpose=NEWSLETTER,
    )
    (said,) = brought(asked).objections
    assert said == MergedObjection(purpose=NEWSLETTER, upheld=False, at=moment(1))
