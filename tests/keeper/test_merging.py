"""Lines brought together and taken apart through the keeper, and an organisation's own line."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.keeper.support import House

from gdprkit import connection, marketing
from gdprkit.acts.act import Act
from gdprkit.errors import InvalidValue, NotPossibleNow
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


def test_killed_between_the_two_commits_nothing_is_lost(
    swift: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stops arrive first; the same call again closes the other line."""
    kept, gone = contact(swift, "aino@example.com"), contact(swift, "aino@example.org")
    swift.keeper.record(gone, marketing.object_to(via="phone"))
    record = type(swift.keeper).record

    def killed(self: object, about: SubjectId, *acts: Act, **more: object) -> object:
        if about == gone:
            raise KeyboardInterrupt
        return record(swift.keeper, about, *acts)

    with monkeypatch.context() as patched:
        patched.setattr(type(swift.keeper), "record", killed)
        with pytest.raises(KeyboardInterrupt):
            swift.keeper.merge(kept, gone, verified=True)
    assert "objected" in codes(swift, kept)
    assert "objected" in codes(swift, gone)
    swift.keeper.merge(kept, gone, verified=True)
    assert "merged-away" in codes(swift, gone)


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
