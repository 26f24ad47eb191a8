"""Lines brought together and taken apart through the keeper, and an organisation's own line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from tests.keeper.support import House, evidence

from gdprkit import connection, consent, marketing, retention
from gdprkit.acts.act import Act
from gdprkit.errors import InvalidValue, NotPossibleNow
from gdprkit.facts.merge import MergedFrom, MergedInto, MergeReversed
from gdprkit.policy.decisions import Decision
from gdprkit.storage.protocol import Batch, LineTombstone, Store
from gdprkit.words.identifiers import SubjectId


def contact(house: House, address: str) -> SubjectId:
    return house.keeper.add_person(
        "company-contact", {"email": address}, source="contact-form", notice="v7"
    )


MAIL = marketing.may_contact(channel="email", purpose="direct-marketing")


def codes(house: House, about: SubjectId) -> frozenset[str]:
    return house.keeper.ask(about, MAIL).codes


def test_a_merge_brings_the_stops_and_closes_the_other_line(house: House) -> None:
    """What was said on either line rules, and nothing goes out from the closed one."""
    kept, gone = contact(house, "aino@example.com"), contact(house, "aino@example.org")
    house.keeper.record(gone, marketing.object_to(via="phone"))
    assert "objected" not in codes(house, kept)
    house.keeper.merge(kept, gone, verified=True)
    assert "objected" in codes(house, kept)
    assert "merged-away" in codes(house, gone)
    before = [len(house.keeper.line(about)) for about in (kept, gone)]
    house.keeper.merge(kept, gone, verified=True)  # again: without effect
    assert [len(house.keeper.line(about)) for about in (kept, gone)] == before
    house.keeper.verify(kept)
    house.keeper.verify(gone)


def test_a_wrong_merge_is_taken_back_on_both_lines(house: House) -> None:
    """After the reversal each line says what it said before; the assessment is noted later."""
    kept, gone = contact(house, "aino@example.com"), contact(house, "aino@example.org")
    house.keeper.record(gone, marketing.object_to(via="phone"))
    house.keeper.merge(kept, gone, verified=False)
    house.clock.now += timedelta(hours=1)
    house.keeper.unmerge(kept, gone)
    assert "objected" not in codes(house, kept)
    assert "merged-away" not in codes(house, gone)
    assert "objected" in codes(house, gone)
    house.keeper.unmerge(kept, gone, assessment="breach-assessment-1")
    (log,) = house.keeper.standing(kept).merge.reversed
    assert log.assessment == "breach-assessment-1"


def test_a_merge_and_its_reversal_are_one_commit_each(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at the commit, both lines are as they were; a stop said meanwhile comes along."""
    kept, gone = contact(house, "aino@example.com"), contact(house, "aino@example.org")
    commit = type(house.store).commit
    stopped: list[SubjectId] = []

    def meanwhile(self: Store, *batches: Batch) -> None:
        if len(batches) > 1 and not stopped:
            stopped.append(gone)
            house.keeper.record(gone, marketing.object_to(via="phone"))
        commit(self, *batches)

    def killed(self: Store, *batches: Batch) -> None:
        raise KeyboardInterrupt

    def refused(act: Callable[[], None]) -> None:
        before = [house.keeper.line(about) for about in (kept, gone)]
        with monkeypatch.context() as patched:
            patched.setattr(type(house.store), "commit", killed)
            with pytest.raises(KeyboardInterrupt):
                act()
        assert [house.keeper.line(about) for about in (kept, gone)] == before

    refused(lambda: house.keeper.merge(kept, gone, verified=True))
    with monkeypatch.context() as patched:
        patched.setattr(type(house.store), "commit", meanwhile)
        house.keeper.merge(kept, gone, verified=True)
    refused(lambda: house.keeper.unmerge(kept, gone))
    assert stopped
    assert "objected" in codes(house, kept)
    assert "merged-away" in codes(house, gone)


def newsletter(house: House, about: SubjectId) -> Decision:
    return house.keeper.ask(about, marketing.may_contact(channel="email", purpose="newsletter"))


def subscribe(house: House, about: SubjectId) -> None:
    proof = evidence(method="double-opt-in", proof=["mail-1"])
    house.keeper.record(about, consent.give("newsletter", evidence=proof))
    house.clock.now += timedelta(days=1)


def test_a_stop_on_a_closed_line_reaches_the_line_that_goes_on(house: House) -> None:
    """Whoever follows the link of a message to the old line is heard, through two merges too."""
    first, second, last = (contact(house, f"{n}@example.com") for n in ("a", "b", "c"))
    subscribe(house, first)
    house.keeper.merge(second, first, verified=True)
    house.keeper.merge(last, second, verified=True)
    assert newsletter(house, last)
    house.clock.now += timedelta(days=1)
    house.keeper.record(first, consent.withdraw("newsletter", via="email"))
    assert not newsletter(house, second)
    assert not newsletter(house, last)


def test_stops_on_several_closed_lines_are_recorded_together(swift: House) -> None:
    """A batch of stops carries each on; two lines that lead to one are recorded one by one."""
    kept, gone, third = (contact(swift, f"{n}@example.com") for n in ("a", "b", "c"))
    swift.keeper.merge(kept, gone, verified=True)
    stop = marketing.object_to(via="email")
    with pytest.raises(InvalidValue, match="merged together"):
        swift.keeper.record_many([(gone, [stop]), (kept, [stop])])
    assert "objected" not in codes(swift, kept)
    swift.keeper.record_many([(gone, [stop]), (third, [stop])])
    assert all("objected" in codes(swift, about) for about in (kept, third))


def test_an_erasure_of_a_closed_line_stops_marketing_on_the_other(swift: House) -> None:
    """The objection that an erasure brings is heard on the line that goes on (R-414, R-416)."""
    kept, gone = contact(swift, "a@example.com"), contact(swift, "b@example.com")
    swift.keeper.merge(kept, gone, verified=True)
    plan = swift.keeper.plan(gone, retention.erasure(reason="objected", reference="case-1"))
    assert swift.keeper.apply(plan, approve=plan.digest).person_erased
    assert "objected" in codes(swift, kept)


def test_a_stop_is_taken_although_the_line_that_goes_on_is_expunged(swift: House) -> None:
    """Nothing is sent from a line that is gone; the stop stands on the one that is left."""
    kept, gone = contact(swift, "a@example.com"), contact(swift, "b@example.com")
    swift.keeper.merge(kept, gone, verified=True)
    stored = swift.store.standing(kept)
    assert stored is not None
    swift.store.expunge(
        kept, LineTombstone(head=stored.head, position=stored.position, at=swift.keeper.now())
    )
    swift.keeper.record(gone, marketing.object_to(via="email"))
    assert swift.keeper.standing(gone).objection.stops


def test_a_consent_that_came_along_is_found_by_its_tag(swift: House) -> None:
    """A mailing that looks for subscribers finds the line that goes on, and is woken with it."""
    kept, gone = contact(swift, "a@example.com"), contact(swift, "b@example.com")
    subscribe(swift, gone)
    swift.keeper.merge(kept, gone, verified=True)
    assert kept in list(swift.keeper.people(tag="given:newsletter:email"))
    assert kept in list(swift.keeper.waking(swift.clock.now + timedelta(days=800)))


def test_a_reversal_reaches_the_line_further_on(swift: House) -> None:
    """A stranger's consent does not stay behind where the line it came to was merged on."""
    stranger, second, last = (contact(swift, f"{n}@example.com") for n in ("a", "b", "c"))
    subscribe(swift, stranger)
    swift.keeper.merge(second, stranger, verified=True)
    swift.keeper.merge(last, second, verified=True)
    assert newsletter(swift, last)
    swift.keeper.unmerge(second, stranger)
    assert not newsletter(swift, last)
    assert newsletter(swift, stranger)


def test_a_reversal_counts_within_one_instant(swift: House) -> None:
    """Taken back while the clock stands, the merge is gone on both lines."""
    kept, gone = contact(swift, "a@example.com"), contact(swift, "b@example.com")
    swift.keeper.merge(kept, gone, verified=True)
    swift.keeper.unmerge(kept, gone)
    for about in (kept, gone):
        log = swift.keeper.standing(about).merge
        assert (log.merged, log.into, log.anomalies) == ((), None, ())


def test_an_erased_line_is_not_merged(swift: House) -> None:
    """Refused before anything is written on the line that goes on."""
    kept, gone = contact(swift, "a@example.com"), contact(swift, "b@example.com")
    plan = swift.keeper.plan(gone, retention.erasure(reason="objected", reference="case-1"))
    swift.keeper.apply(plan, approve=plan.digest)
    before = swift.keeper.line(kept)
    with pytest.raises(NotPossibleNow, match="erased"):
        swift.keeper.merge(kept, gone, verified=True)
    assert swift.keeper.line(kept) == before


@pytest.mark.parametrize("kind", [MergedFrom, MergedInto, MergeReversed])
def test_a_merge_is_not_recorded_by_hand(swift: House, kind: type) -> None:
    """By hand it would replace what a merge brought, and with it the stops."""
    kept, gone = contact(swift, "a@example.com"), contact(swift, "b@example.com")
    swift.keeper.record(gone, marketing.object_to(via="email"))
    swift.keeper.merge(kept, gone, verified=True)
    named = {"survivor": gone} if kind is MergedInto else {"other": gone}
    with pytest.raises(InvalidValue, match=r"keeper\.merge"):
        swift.keeper.record(kept, Act(fact=kind(**named)))
    assert "objected" in codes(swift, kept)


def test_the_stops_of_a_merge_outlive_the_erasure(swift: House) -> None:
    """The mailbox of the line that goes on is remembered when it is erased after the end."""
    kept, gone = contact(swift, "a@example.com"), contact(swift, "b@example.com")
    swift.keeper.record(gone, marketing.object_to(via="email"))
    swift.keeper.merge(kept, gone, verified=True)
    swift.keeper.record(kept, connection.start(reference="contract-1"))
    swift.keeper.record(
        kept, connection.end(on=date(2024, 5, 14), cause="termination", evidence="letter-1")
    )
    plan = swift.keeper.plan(kept, connection.after_end())
    assert swift.keeper.apply(plan, approve=plan.digest).person_erased
    assert "objected" in codes(swift, contact(swift, "a@example.com"))


def test_a_line_is_not_merged_with_itself_or_out_of_turn(swift: House) -> None:
    """A merge names two lines, the first of which goes on; a reversal needs a merge."""
    kept, gone, third = (contact(swift, f"{n}@example.com") for n in ("a", "b", "c"))
    with pytest.raises(InvalidValue):
        swift.keeper.merge(kept, kept, verified=True)
    with pytest.raises(NotPossibleNow):
        swift.keeper.unmerge(kept, gone)
    swift.keeper.merge(kept, gone, verified=True)
    with pytest.raises(NotPossibleNow):
        swift.keeper.merge(third, gone, verified=True)
    with pytest.raises(NotPossibleNow):
        swift.keeper.merge(gone, third, verified=True)


def test_an_organisations_prohibition_reaches_its_contacts(house: House) -> None:
    """The keeper looks at the organisation's own line, as of the moment asked about."""
    firm = house.keeper.add_person(
        "generic-address", {"email": "info@example.com"}, source="contact-form", notice="v7"
    )
    anna = contact(house, "anna@example.com")
    house.keeper.record(
        anna,
        connection.act_for(firm),
        marketing.assess_relevance(
            topics=["test-systems", "spare-parts", "production-automation"],
            related=True,
            evidence="talk-1",
            decided_by="sales",
        ),
    )
    assert house.keeper.ask(anna, MAIL)
    before = house.keeper.now()
    house.clock.now += timedelta(hours=1)
    house.keeper.record(firm, marketing.prohibit(via="letter", by="company"))
    assert "company-prohibited" in codes(house, anna)
    assert house.keeper.ask(anna, MAIL, at=before)
