"""What is known of the person and which values are held, fact by fact."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.policy.support import evidence

from gdprkit.facts.connection import ActivityNoted, ConnectionStarted, ContactHeld
from gdprkit.facts.consent import ConsentConfirmed, ConsentGiven
from gdprkit.facts.data import (
    CircumstanceNoted,
    DataCollected,
    DataErased,
    DataRectified,
    PersonErased,
    SubjectAdded,
)
from gdprkit.facts.entry import Entry, Fact
from gdprkit.facts.merge import MergedFrom, MergeReversed
from gdprkit.facts.request import RequestReceived
from gdprkit.facts.retention import Archived, MovedToMarketing
from gdprkit.facts.sealed import SealedValue
from gdprkit.state.data import Changed, DataState, HeldValue, KnownCircumstance
from gdprkit.state.standing import fold
from gdprkit.words.identifiers import (
    CaseId,
    FieldId,
    NoticeId,
    PurposeId,
    Slot,
    SourceId,
    SubjectId,
)
from gdprkit.words.vocabulary import (
    Activity,
    Actor,
    Circumstance,
    ConsentMethod,
    ErasureReason,
    FilingSystem,
    IntakeChannel,
    Right,
    SubjectKind,
)

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
FORM = SourceId("form")
NEWS = PurposeId("newsletter")
OTHER = SubjectId(UUID(int=1, version=4))
THIRD = SubjectId(UUID(int=2, version=4))


def hours(count: int) -> datetime:
    return AT + timedelta(hours=count)


def known(*facts: Fact) -> DataState:
    """Return what is known after a line: the n-th fact happened after n hours."""
    return fold(
        Entry(position=n, at=hours(n), recorded_at=hours(n), fact=fact)
        for n, fact in enumerate(facts, start=1)
    ).data


def value(field: str, number: int, filing: FilingSystem = FilingSystem.CUSTOMER) -> SealedValue:
    return SealedValue(
        field=FieldId(field),
        slot=Slot(UUID(int=number, version=4)),
        digest=f"{number:064x}",
        filing=filing,
    )


def held(sealed: SealedValue, n: int, **more: Any) -> HeldValue:
    """Return the value that the n-th entry brought."""
    given: dict[str, Any] = {"at": hours(n), "position": n, **more}
    return HeldValue(
        field=sealed.field,
        slot=sealed.slot,
        digest=sealed.digest,
        filing=sealed.filing,
        **given,
    )


EMAIL, NAME = value("email", 1), value("name", 2)
COLLECTED = DataCollected(values=[EMAIL, NAME], source=FORM, notice=NoticeId("v7"))
BOTH = (
    held(EMAIL, 1, source=FORM, notice=NoticeId("v7")),
    held(NAME, 1, source=FORM, notice=NoticeId("v7")),
)


def test_who_was_added_from_where_and_when_is_kept() -> None:
    """The kind of person, the source, the moment and the entry."""
    assert known(SubjectAdded(kind=SubjectKind.CONSUMER, source=FORM)) == DataState(
        kind=SubjectKind.CONSUMER, source=FORM, added_at=hours(1), added_position=1
    )


def test_collected_values_keep_their_source_and_notice() -> None:
    """Each value stands with where it came from and what the person was told; later ones add."""
    more = DataCollected(values=[value("title", 3)], source=SourceId("fair"))
    assert known(COLLECTED).values == BOTH
    assert known(COLLECTED, more).values == (
        *BOTH,
        held(value("title", 3), 2, source=SourceId("fair")),
    )


@pytest.mark.parametrize(
    ("fact", "filing"),
    [
        (
            MovedToMarketing(
                values=[value("email", 9, FilingSystem.MARKETING)],
                purpose=NEWS,
                expires_on=date(2028, 1, 31),
                plan="0" * 64,
            ),
            FilingSystem.MARKETING,
        ),
        (
            Archived(
                values=[value("email", 9, FilingSystem.ARCHIVE)],
                purpose=NEWS,
                until=date(2028, 1, 31),
            ),
            FilingSystem.ARCHIVE,
        ),
    ],
)
def test_a_copy_lives_for_one_purpose_until_its_day(fact: Fact, filing: FilingSystem) -> None:
    """A value moved or archived stands beside the old ones with its purpose and last day."""
    copy = held(value("email", 9, filing), 2, purpose=NEWS, until="2028-01-31")
    state = known(COLLECTED, fact)
    assert state.values == (*BOTH, copy)
    assert state.held(filing) == (copy,)
    assert state.held(FilingSystem.CUSTOMER) == BOTH


def test_a_correction_takes_the_place_of_exactly_what_it_replaces() -> None:
    """The new value is from the new source; when it came and what was told stay as they were."""
    new = value("email", 3)
    fact = DataRectified(values=[new], replaced=[EMAIL.slot], source=SourceId("phone"))
    state = known(COLLECTED, fact)
    assert state.values == (
        BOTH[1],
        held(new, 2, at=hours(1), source=SourceId("phone"), notice=NoticeId("v7")),
    )
    assert state.changed == (
        Changed(
            of=Right.RECTIFICATION,
            field=FieldId("email"),
            purpose=None,
            at=hours(2),
            position=2,
        ),
    )


def test_a_correction_prolongs_no_copy() -> None:
    """A corrected copy keeps its purpose and its last day; each filing keeps its own."""
    old = value("email", 9, FilingSystem.MARKETING)
    new = value("email", 10, FilingSystem.MARKETING)
    moved = MovedToMarketing(
        values=[old], purpose=NEWS, expires_on=date(2028, 1, 31), plan="0" * 64
    )
    fact = DataRectified(
        values=[new, value("email", 3)], replaced=[old.slot, EMAIL.slot], source=FORM
    )
    state = known(COLLECTED, moved, fact)
    assert state.values == (
        BOTH[1],
        held(new, 3, at=hours(2), source=FORM, purpose=NEWS, until="2028-01-31"),
        held(value("email", 3), 3, at=hours(1), source=FORM, notice=NoticeId("v7")),
    )
    assert [(c.field, c.purpose) for c in state.changed] == [("email", NEWS), ("email", None)]


def test_completing_data_adds_a_value_of_its_own() -> None:
    """What replaces nothing is new: its own moment, and nobody was told of it yet."""
    new = value("title", 3)
    state = known(COLLECTED, DataRectified(values=[new], source=FORM))
    assert state.values == (*BOTH, held(new, 2, source=FORM))


ORDERED = (
    ErasureReason.NO_LONGER_NECESSARY,
    ErasureReason.CONSENT_WITHDRAWN,
    ErasureReason.OBJECTED,
    ErasureReason.UNLAWFUL,
    ErasureReason.LEGAL_DUTY,
    ErasureReason.CHILD_SERVICE,
)


@pytest.mark.parametrize("reason", ErasureReason)
def test_recipients_are_told_of_the_erasures_of_article_17_only(reason: ErasureReason) -> None:
    """An erasure on a ground of Art. 17(1) is one to tell of; our own storage limit is none."""
    fact = DataErased(slots=[EMAIL.slot], reason=reason, rule="R-412")
    state = known(COLLECTED, fact)
    assert state.values == (BOTH[1],)
    told = Changed(of=Right.ERASURE, field=FieldId("email"), purpose=None, at=hours(2), position=2)
    assert state.changed == ((told,) if reason in ORDERED else ())
    person = PersonErased(reason=reason, reference="r-1")
    gone = known(COLLECTED, person)
    both = (told, attrs.evolve(told, field=FieldId("name")))
    assert gone == DataState(
        erased_at=hours(2), erased_position=2, changed=both if reason in ORDERED else ()
    )


def test_of_each_change_the_newest_time_stands() -> None:
    """The same field corrected twice is one change; its erasure is another."""
    first = DataRectified(values=[value("email", 3)], replaced=[EMAIL.slot], source=FORM)
    second = DataRectified(
        values=[value("email", 4)], replaced=[value("email", 3).slot], source=FORM
    )
    other = DataRectified(values=[value("name", 5)], replaced=[NAME.slot], source=FORM)
    erased = DataErased(slots=[value("email", 4).slot], reason=ErasureReason.UNLAWFUL, rule="R-503")
    state = known(COLLECTED, first, other, second, erased)
    assert [(c.of, c.field, c.position) for c in state.changed] == [
        (Right.RECTIFICATION, "name", 3),
        (Right.RECTIFICATION, "email", 4),
        (Right.ERASURE, "email", 5),
    ]
    gone = known(COLLECTED, first, PersonErased(reason=ErasureReason.OBJECTED, reference="r-1"))
    assert [(c.of, c.field) for c in gone.changed] == [
        (Right.RECTIFICATION, "email"),
        (Right.ERASURE, "name"),
        (Right.ERASURE, "email"),
    ]
    limit = PersonErased(reason=ErasureReason.RETENTION_ENDED, reference="r-1")
    assert known(COLLECTED, first, limit).changed == known(COLLECTED, first).changed


def test_a_circumstance_holds_since_its_newest_note() -> None:
    """Noted again it counts from then; another one is untouched by what no longer holds."""
    minor = CircumstanceNoted(circumstance=Circumstance.MINOR)
    ban = CircumstanceNoted(circumstance=Circumstance.SAFETY_BAN)
    state = known(minor, ban, minor)
    assert state.circumstances == (
        KnownCircumstance(circumstance=Circumstance.SAFETY_BAN, at=hours(2), position=2),
        KnownCircumstance(circumstance=Circumstance.MINOR, at=hours(3), position=3),
    )
    assert state.circumstance(Circumstance.MINOR) == state.circumstances[1]
    assert state.circumstance(Circumstance.DECEASED) is None
    over = known(minor, ban, CircumstanceNoted(circumstance=Circumstance.MINOR, holds=False))
    assert [k.circumstance for k in over.circumstances] == [Circumstance.SAFETY_BAN]


def test_a_merge_brings_what_is_known_and_its_taking_back_takes_it() -> None:
    """Circumstances come from the other line once, and go with the merge alone (R-416)."""
    own = CircumstanceNoted(circumstance=Circumstance.MINOR)
    merged = MergedFrom(other=OTHER, circumstances={Circumstance.SAFETY_BAN, Circumstance.DECEASED})
    third = attrs.evolve(merged, other=THIRD)
    mine = KnownCircumstance(circumstance=Circumstance.MINOR, at=hours(1), position=1)

    def brought(other: SubjectId, n: int) -> tuple[KnownCircumstance, ...]:
        return tuple(
            KnownCircumstance(circumstance=which, at=hours(n), position=n, merged_from=other)
            for which in (Circumstance.DECEASED, Circumstance.SAFETY_BAN)
        )

    assert known(own, merged).circumstances == (mine, *brought(OTHER, 2))
    again = known(own, merged, third, merged).circumstances
    assert again == (mine, *brought(THIRD, 3), *brought(OTHER, 4))
    back = known(own, merged, third, MergeReversed(other=OTHER)).circumstances
    assert back == (mine, *brought(THIRD, 3))


def test_an_erased_line_learns_nothing_from_a_merge() -> None:
    """After the erasure a merge brings no circumstance; taking it back does no harm."""
    erased = PersonErased(reason=ErasureReason.OBJECTED, reference="r-1")
    merged = MergedFrom(other=OTHER, circumstances={Circumstance.MINOR})
    assert known(erased, merged) == known(erased)


def _consent(**more: Any) -> ConsentGiven:
    return ConsentGiven(purpose=NEWS, evidence=evidence(**more))


@pytest.mark.parametrize(
    ("fact", "own"),
    [
        (ConnectionStarted(reference="c-1"), True),
        (ActivityNoted(activity=Activity.REPLY), True),
        (ContactHeld(begun_by=Actor.SUBJECT), True),
        (ContactHeld(begun_by=Actor.CONTROLLER), False),
        (_consent(), True),
        (_consent(actor=Actor.GUARDIAN), False),
        (_consent(method=ConsentMethod.IMPLIED_BY_USE), False),
        (ConsentConfirmed(purpose=NEWS, proof="token-1"), True),
        (
            RequestReceived(
                case=CaseId(UUID(int=1, version=4)),
                right=Right.ACCESS,
                channel=IntakeChannel.EMAIL,
            ),
            True,
        ),
        (
            RequestReceived(
                case=CaseId(UUID(int=1, version=4)),
                right=Right.ACCESS,
                channel=IntakeChannel.EMAIL,
                requester=Actor.THIRD_PERSON,
            ),
            False,
        ),
    ],
)
def test_only_the_persons_own_acts_are_acts(fact: Fact, own: bool) -> None:
    """Ordering, answering, asking, consenting by a clear act; nothing others do (R-406)."""
    before = (SubjectAdded(kind=SubjectKind.CONSUMER, source=FORM), COLLECTED)
    state = known(*before, fact)
    assert state == attrs.evolve(known(*before), acts=(hours(3),) if own else ())
    assert state.last_act == (hours(3) if own else None)


def test_an_act_leaves_all_else_as_it_was() -> None:
    """After a correction and a circumstance an act adds its moment and changes nothing else."""
    before = (
        SubjectAdded(kind=SubjectKind.CONSUMER, source=FORM),
        COLLECTED,
        DataRectified(values=[value("email", 3)], replaced=[EMAIL.slot], source=FORM),
        ConnectionStarted(reference="c-1"),
        CircumstanceNoted(circumstance=Circumstance.ADULT),
    )
    assert known(*before, ActivityNoted(activity=Activity.ORDER)) == attrs.evolve(
        known(*before), acts=(hours(4), hours(6))
    )


def test_two_acts_of_one_instant_are_one() -> None:
    """An order that begins a relation is one act, whatever was recorded for it."""
    facts: list[Fact] = [
        ConnectionStarted(reference="c-1"),
        ActivityNoted(activity=Activity.ORDER),
    ]
    line = [
        Entry(position=n, at=AT, recorded_at=AT, fact=fact) for n, fact in enumerate(facts, start=1)
    ]
    assert fold(line).data.acts == (AT,)


@pytest.mark.parametrize("erased", [False, True])
def test_the_text_of_a_request_is_held_with_the_requests(erased: bool) -> None:
    """What the person wrote is a value from its receipt on, also after an erasure (R-540)."""
    gone = PersonErased(reason=ErasureReason.OBJECTED, reference="r-1")
    text = value("message", 7, FilingSystem.REQUESTS)
    fact = RequestReceived(
        case=CaseId(UUID(int=1, version=4)),
        right=Right.ACCESS,
        channel=IntakeChannel.EMAIL,
        text=text,
    )
    before: tuple[Fact, ...] = (COLLECTED, gone) if erased else (COLLECTED,)
    state, n = known(*before, fact), len(before) + 1
    assert state == attrs.evolve(
        known(*before),
        values=(*known(*before).values, held(text, n)),
        acts=(hours(n),),
    )
