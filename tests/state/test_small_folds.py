"""Sales, findings, list checks, notices and recipients: what is kept, and what replaces what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import attrs
import pytest

from gdprkit.facts.disclosure import Disclosed, RecipientNotified
from gdprkit.facts.entry import Entry, Fact
from gdprkit.facts.marketing import AddressObtainedAtSale, ListChecked, RelevanceAssessed
from gdprkit.facts.merge import MergedFrom, MergedNotice, MergeReversed
from gdprkit.facts.notice import NoticeGiven
from gdprkit.state.disclosure import DisclosureState, ReceivedBy
from gdprkit.state.marketing import ListCheck, MarketingState, Relevance, Sale
from gdprkit.state.notice import GivenNotice, NoticeState
from gdprkit.state.standing import Standing, fold
from gdprkit.words.identifiers import FieldId, NoticeId, PurposeId, RecipientId, SubjectId
from gdprkit.words.vocabulary import Actor, Channel, CheckedList, Occasion, Right

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def hours(count: int) -> datetime:
    return AT + timedelta(hours=count)


def standing(*facts: Fact) -> Standing:
    """Return the standing after a line: the n-th fact happened after n hours."""
    return fold(
        Entry(position=n, at=hours(n), recorded_at=hours(n), fact=fact)
        for n, fact in enumerate(facts, start=1)
    )


# --- marketing -----------------------------------------------------------------------------------

SALE = AddressObtainedAtSale(
    channels={Channel.EMAIL},
    product_group="tools",
    refusal_offered=True,
    option_told=False,
    occasion=Occasion.CONTEST,
    buyer=Actor.COMPANY,
)


def test_a_sale_is_kept_whole() -> None:
    """What was sold to whom, on which occasion, and what was offered and told with it (R-303)."""
    assert standing(SALE).marketing == MarketingState(
        sales=(
            Sale(
                channels=frozenset({Channel.EMAIL}),
                product_group="tools",
                refusal_offered=True,
                option_told=False,
                occasion=Occasion.CONTEST,
                buyer=Actor.COMPANY,
                at=hours(1),
                position=1,
            ),
        )
    )


@pytest.mark.parametrize(
    ("changes", "stays"),
    [
        ({"refusal_offered": False}, False),
        ({"option_told": True}, False),
        ({"channels": {Channel.SMS}}, True),
        ({"product_group": "spares"}, True),
        ({"occasion": Occasion.SALE}, True),
        ({"buyer": Actor.SUBJECT}, True),
    ],
)
def test_a_sale_of_the_same_kind_replaces_the_older(
    changes: dict[str, object], stays: bool
) -> None:
    """Channel, group, occasion and buyer tell sales apart; what was told is the newest."""
    newer = attrs.evolve(SALE, **changes)  # type: ignore[arg-type]
    sales = standing(SALE, newer).marketing.sales
    assert [s.position for s in sales] == ([1, 2] if stays else [2])
    assert sales[-1] == attrs.evolve(standing(newer).marketing.sales[0], at=hours(2), position=2)


FOUND = RelevanceAssessed(
    topics={"tools"}, related=True, evidence="talk-1", thin=True, decided_by="sales"
)


def test_the_newest_finding_on_each_set_of_topics_stands() -> None:
    """A finding keeps its outcome and how well it is founded; other topics stay (R-307)."""
    first = Relevance(topics=frozenset({"tools"}), related=True, thin=True, at=hours(1), position=1)
    assert standing(FOUND).marketing == MarketingState(relevance=(first,))
    other = attrs.evolve(FOUND, topics={"tools", "spares"})
    newer = attrs.evolve(FOUND, related=False, thin=False)
    state = standing(FOUND, other, newer).marketing
    assert state.relevance == (
        attrs.evolve(first, topics=frozenset({"tools", "spares"}), at=hours(2), position=2),
        attrs.evolve(first, related=False, thin=False, at=hours(3), position=3),
    )


def test_the_newest_check_of_each_list_stands() -> None:
    """A later look into a list counts instead of the earlier; other lists keep theirs (R-315)."""
    phone, post = CheckedList.ROBINSON_PHONE, CheckedList.ROBINSON_POST
    hit = ListChecked(checked=phone, hit=True)
    state = standing(
        hit, ListChecked(checked=post, hit=False), ListChecked(checked=phone, hit=False)
    )
    assert standing(hit).marketing.checks == (
        ListCheck(checked=phone, hit=True, at=hours(1), position=1),
    )
    assert state.marketing.checks == (
        ListCheck(checked=post, hit=False, at=hours(2), position=2),
        ListCheck(checked=phone, hit=False, at=hours(3), position=3),
    )
    assert state.marketing.check(phone) == state.marketing.checks[1]
    assert state.marketing.check(CheckedList.SUPPRESSION) is None


# --- notices -------------------------------------------------------------------------------------

OTHER = SubjectId(UUID(int=1, version=4))
THIRD = SubjectId(UUID(int=2, version=4))
V7, V8 = NoticeId("v7"), NoticeId("v8")


def test_what_was_told_stays_told_from_its_first_time() -> None:
    """A notice given again counts from the first time; another version is another notice."""
    state = standing(NoticeGiven(notice=V7), NoticeGiven(notice=V8), NoticeGiven(notice=V7)).notice
    assert state == NoticeState(
        given=(
            GivenNotice(notice=V7, at=hours(1), position=1),
            GivenNotice(notice=V8, at=hours(2), position=2),
        )
    )


def test_a_merge_brings_the_notices_proved_on_the_other_line() -> None:
    """They stand beside the line's own with their own moment, once, and go with the merge."""
    merged = MergedFrom(other=OTHER, notices=[MergedNotice(notice=V7, at=AT)])
    third = attrs.evolve(merged, other=THIRD)
    own = GivenNotice(notice=V7, at=hours(2), position=2)

    def brought(other: SubjectId, position: int) -> GivenNotice:
        return GivenNotice(notice=V7, at=AT, position=position, merged_from=other)

    facts = (merged, NoticeGiven(notice=V7), third)
    given = (brought(OTHER, 1), own, brought(THIRD, 3))
    assert standing(*facts).notice.given == given
    assert standing(*facts, merged).notice.given == (*given[1:], brought(OTHER, 4))
    assert standing(*facts, MergeReversed(other=OTHER)).notice.given == given[1:]


# --- recipients ----------------------------------------------------------------------------------

COURIER, PRINTER = RecipientId("courier"), RecipientId("printer")
OFFERS, ORDERS = PurposeId("offers"), PurposeId("orders")
EMAIL, NAME = FieldId("email"), FieldId("name")
SENT = Disclosed(recipient=COURIER, purpose=ORDERS, fields={NAME})


def test_what_one_recipient_got_for_one_purpose_is_one_row() -> None:
    """All fields together, each with its last time; other purposes and recipients stay apart."""
    row = ReceivedBy(
        recipient=COURIER,
        purpose=ORDERS,
        fields=frozenset({NAME}),
        at=hours(1),
        position=1,
        times=((NAME, hours(1)),),
    )
    assert standing(SENT).disclosure == DisclosureState(received=(row,))
    others = (attrs.evolve(SENT, purpose=OFFERS), attrs.evolve(SENT, recipient=PRINTER))
    again = attrs.evolve(SENT, fields={EMAIL})
    state = standing(SENT, *others, again).disclosure
    assert state.received == (
        attrs.evolve(row, purpose=OFFERS, at=hours(2), position=2, times=((NAME, hours(2)),)),
        attrs.evolve(row, recipient=PRINTER, at=hours(3), position=3, times=((NAME, hours(3)),)),
        attrs.evolve(
            row,
            fields=frozenset({EMAIL, NAME}),
            at=hours(4),
            position=4,
            times=((EMAIL, hours(4)), (NAME, hours(1))),
        ),
    )
    assert standing(SENT, SENT).disclosure.received[0].times == ((NAME, hours(2)),)


def test_a_recipient_is_told_of_one_thing_at_a_time() -> None:
    """Told of a correction is not told of an erasure; other recipients were not told (R-505)."""
    printer = attrs.evolve(SENT, recipient=PRINTER)
    corrected = RecipientNotified(recipient=COURIER, about=Right.RECTIFICATION)
    erased = RecipientNotified(recipient=COURIER, about=Right.ERASURE)
    before = (SENT, printer, attrs.evolve(SENT, purpose=OFFERS))
    told = standing(*before, corrected, erased, corrected).disclosure.received
    both = ((Right.ERASURE, hours(5)), (Right.RECTIFICATION, hours(6)))
    assert told == tuple(
        attrs.evolve(row, notified=both if row.recipient == COURIER else ())
        for row in standing(*before).disclosure.received
    )
    later = standing(*before, erased, SENT).disclosure.received
    assert later[-1].notified == ((Right.ERASURE, hours(4)),)
    assert later[-1].at == hours(5)
