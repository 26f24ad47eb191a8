"""Lines brought together and taken apart through the keeper, and an organisation's own line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import attrs
import pytest
from tests.keeper.support import House, evidence

from gdprkit import connection, consent, data, marketing, retention
from gdprkit.acts.act import Act
from gdprkit.errors import InvalidValue, NotPossibleNow, PlanStale, PositionTaken
from gdprkit.facts.merge import MergedFrom, MergedInto, MergeReversed
from gdprkit.policy.decisions import Decision
from gdprkit.storage.protocol import Batch, LineTombstone, Store, StoredStanding
from gdprkit.words.identifiers import FieldId, SubjectId


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


HOLD = retention.hold("case-1", reason="dispute")
ASKED = retention.erasure(reason="unlawful", reference="r-7")


@pytest.mark.parametrize("stop", [HOLD, retention.restrict("unlawful")])
def test_what_keeps_the_line_that_goes_on_keeps_the_closed_one(house: House, stop: Act) -> None:
    """A hold or a restriction of the same person: nothing of either line is erased (R-715, R-504).

    A plan approved before is stale; after the merge is taken back the line stands alone again.
    """
    kept, gone = house.plain("a@example.com"), house.plain("b@example.com")
    house.keeper.merge(kept, gone, verified=True)
    early = house.keeper.plan(gone, ASKED)
    assert early.erases_person
    house.keeper.record(kept, stop)
    plan = house.keeper.plan(gone, ASKED)
    assert not plan.erases_person
    assert {item.code for item in plan.items} <= {"legal-hold", "restricted"}
    with pytest.raises(PlanStale):
        house.keeper.apply(early, approve=early.digest)
    house.clock.now += timedelta(hours=1)
    house.keeper.unmerge(kept, gone)
    assert house.erase(gone).person_erased


def test_a_hold_on_a_line_between_keeps_what_was_merged_into_it(swift: House) -> None:
    """A hold is not brought on by a merge, so every line of the chain is asked, not the last."""
    first, second, last = (swift.plain(f"{n}@example.com") for n in ("a", "b", "c"))
    swift.keeper.merge(second, first, verified=True)
    swift.keeper.record(second, HOLD)
    swift.keeper.merge(last, second, verified=True)
    assert not swift.keeper.plan(first, ASKED).erases_person
    assert swift.keeper.plan(last, ASKED).erases_person


def test_a_correction_of_a_closed_line_on_hold_replaces_nothing(swift: House) -> None:
    """What an act would delete stays as well: the corrected value is added (R-715)."""
    kept, gone = swift.plain("a@example.com"), swift.plain("b@example.com")
    swift.keeper.merge(kept, gone, verified=True)
    swift.keeper.record(kept, HOLD)
    before = {value.slot for value in swift.keeper.standing(gone).data.values}
    swift.keeper.record(gone, data.rectify({"name": "Anna Corrected"}, source="contact-form"))
    after = {value.slot for value in swift.keeper.standing(gone).data.values}
    assert before < after


def test_a_plan_of_the_past_asks_the_line_that_went_on_as_it_was_then(swift: House) -> None:
    """A hold that came later does not reach back into what is looked at."""
    kept, gone = swift.plain("a@example.com"), swift.plain("b@example.com")
    swift.keeper.merge(kept, gone, verified=True)
    before = swift.keeper.now()
    swift.clock.now += timedelta(hours=1)
    swift.keeper.record(kept, HOLD)
    assert swift.keeper.plan(gone, ASKED, at=before).erases_person
    assert not swift.keeper.plan(gone, ASKED).erases_person


def test_a_hold_recorded_in_the_moment_of_an_erasure_is_heard(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line that goes on is written to between plan and commit: nothing is erased."""
    kept, gone = house.plain("a@example.com"), house.plain("b@example.com")
    house.keeper.merge(kept, gone, verified=True)
    plan = house.keeper.plan(gone, attrs.evolve(ASKED, fields=frozenset({FieldId("name")})))
    commit = type(house.store).commit

    def meanwhile(self: Store, *batches: Batch) -> None:
        monkeypatch.setattr(type(house.store), "commit", commit)
        house.keeper.record(kept, HOLD)
        commit(self, *batches)

    monkeypatch.setattr(type(house.store), "commit", meanwhile)
    with pytest.raises(PositionTaken):
        house.keeper.apply(plan, approve=plan.digest)
    assert len(house.keeper.read(gone)) == 2


def test_people_without_merges_read_one_line(swift: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other lines cost nothing to whoever has none, and a word that keeps nothing writes none."""
    alone, kept, gone = (swift.plain(f"{n}@example.com") for n in ("a", "b", "c"))
    swift.keeper.merge(kept, gone, verified=True)
    read: list[SubjectId] = []
    written: list[SubjectId] = []
    standing, commit = type(swift.store).standing, type(swift.store).commit

    def reading(self: Store, about: SubjectId) -> StoredStanding | None:
        read.append(about)
        return standing(self, about)

    def writing(self: Store, *batches: Batch) -> None:
        written.extend(batch.about for batch in batches)
        commit(self, *batches)

    monkeypatch.setattr(type(swift.store), "standing", reading)
    monkeypatch.setattr(type(swift.store), "commit", writing)
    swift.keeper.record(alone, HOLD)
    assert (read, written) == ([alone], [alone])
    swift.keeper.record(kept, marketing.object_to(via="email"))
    assert written == [alone, kept]
    swift.keeper.record(kept, HOLD)
    assert written == [alone, kept, kept, gone]
