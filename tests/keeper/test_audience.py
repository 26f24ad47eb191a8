"""The audience of a question is everybody whom ``ask`` allows, and nobody else."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.keeper.support import EMAIL, House, house_on, jot
from tests.keeper.test_memory import BERT, CARL, deeds, yes
from tests.policy.support import START
from tests.policy.test_lives import LIVES, case_of

from gdprkit import connection, consent, data, device, marketing
from gdprkit.errors import ChainBroken, GdprkitError, InvalidValue, UnknownPurpose
from gdprkit.facts.entry import Entry
from gdprkit.keeper import audience as module
from gdprkit.keeper.asking import QUESTIONS as POLICIES
from gdprkit.keeper.candidates import candidate_tags
from gdprkit.keeper.line import View, view_of
from gdprkit.keeper.memory import Memory
from gdprkit.policy.case import Case
from gdprkit.policy.marks import tags
from gdprkit.state.standing import fold
from gdprkit.storage import MemoryStore, SqliteStore
from gdprkit.storage.protocol import LineTombstone, Store, StoredStanding
from gdprkit.storage.span import ALL
from gdprkit.words.identifiers import SubjectId

#: With the list and without, found by a consent, a contract, a kind, and among everybody.
QUESTIONS = (
    marketing.may_contact(channel="email", purpose="newsletter"),
    marketing.may_contact(channel="email", purpose="direct-marketing"),
    marketing.may_contact(channel="post", purpose="direct-marketing"),
    marketing.may_move(),
    consent.has_consent("newsletter"),
    consent.has_consent("newsletter", "email"),
    data.may_process("newsletter"),
    data.may_process("profiling"),
    data.may_process("customer-contract"),
    data.may_process("customer-care"),
    data.may_process("fraud-prevention"),
)


def asked(house: House, question: object) -> list[SubjectId]:
    """Ask about everybody, one after the other."""
    return [about for about in house.keeper.people() if house.keeper.ask(about, question)]


@pytest.mark.parametrize("seed", range(6))
def test_the_audience_is_whom_ask_allows(
    house: House, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever happened to people, audience and ask name the same, in order, also by spans."""
    monkeypatch.setattr(module, "_PAGE", 4)
    draw = random.Random(seed)
    people = [house.plain(), house.plain(BERT), house.plain(CARL, acts=[yes()])]
    people += [house.plain(f"{n}@example.com", acts=[yes("direct-marketing")]) for n in range(6)]
    people.append(
        house.keeper.add_person("consumer", {"email": "c@example.com"}, source="contact-form")
    )
    for _ in range(60):
        house.clock.now += timedelta(hours=draw.randrange(1, 200))
        with suppress(GdprkitError):
            one, other = draw.sample(people, 2)
            happens = [*deeds(house, people, draw)]
            happens.append(lambda a=one, b=other: house.keeper.record(a, connection.act_for(b)))  # type: ignore[misc]
            draw.choice(happens)()
    found = {question: asked(house, question) for question in QUESTIONS}
    assert any(found.values())
    for question, expected in found.items():
        assert list(house.keeper.audience(question)) == expected
        spans = ALL.split(3)
        parts = [list(house.keeper.audience(question, span=span)) for span in spans]
        assert [about for part in parts for about in part] == expected
        assert all(about in span for span, part in zip(spans, parts, strict=True) for about in part)


@given(LIVES, st.integers(0, 800))
def test_whoever_is_allowed_carries_a_tag_of_the_question(line: list[Entry], days: int) -> None:
    """Tags as they were when the line was written leave out nobody who is allowed later."""
    written = case_of(line)
    later = case_of(line, written.at + timedelta(days=days))
    for question in QUESTIONS:
        if POLICIES[type(question)](later, question):
            assert tags(written) & candidate_tags(jot(), question)


def test_a_question_no_tag_serves_is_asked_of_everybody() -> None:
    """Everybody carries a tag of their status: whom the tags of such a question find is all."""
    everybody = candidate_tags(jot(), marketing.may_move())
    assert all(tag.startswith("status:") for tag in everybody)
    assert tags(Case(standing=fold(()), register=jot(), at=START)) & everybody
    assert candidate_tags(jot(), device.may_store("session")) == everybody


def test_a_stop_of_somebody_else_at_the_address_is_seen(house: House) -> None:
    """The suppression list speaks although the person's own line says nothing (R-312)."""
    question = marketing.may_contact(channel="email", purpose="newsletter")
    who, free = house.plain(acts=[yes()]), house.plain(CARL, acts=[yes()])
    assert list(house.keeper.audience(question)) == sorted([who, free])
    other = house.plain(BERT)
    house.clock.now += timedelta(minutes=1)
    house.keeper.record(other, data.rectify({"email": EMAIL}, source="contact-form"))
    house.keeper.record(other, marketing.object_to(via="email"))
    assert list(house.keeper.audience(question)) == [free] == asked(house, question)


def test_the_list_is_read_once_for_a_page(swift: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many people a page holds, one question goes to the suppression list."""
    for number in range(25):
        swift.plain(f"{number}@example.com", acts=[yes()])
    seen: list[int] = []
    real = MemoryStore.suppressed

    def counting(store: MemoryStore, hashes: Iterable[bytes]) -> Any:
        wanted = list(hashes)
        seen.append(len(wanted))
        return real(store, wanted)

    monkeypatch.setattr(MemoryStore, "suppressed", counting)
    monkeypatch.setattr(module, "_PAGE", 10)
    assert len(list(swift.keeper.audience(QUESTIONS[0]))) == 25
    assert seen == [10, 10, 5]


def test_keys_and_values_are_read_once_for_a_page(
    filed: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is read alone: keys, tombstones and values of a page are one question each."""
    for number in range(25):
        filed.plain(f"{number}@example.com", acts=[yes()])
    monkeypatch.setattr(module, "_PAGE", 10)
    seen: list[str] = []
    for name in ("keys", "tombstone", "values", "keys_of", "tombstones_of", "values_of"):
        real = getattr(SqliteStore, name)

        def counting(*given: Any, real: Any = real, name: str = name) -> Any:
            seen.append(name)
            return real(*given)

        monkeypatch.setattr(SqliteStore, name, counting)
    fresh = house_on(filed.store)
    assert len(list(fresh.keeper.audience(QUESTIONS[0]))) == 25
    assert seen == ["keys_of", "tombstones_of", "values_of"] * 3


def test_only_what_is_taken_is_read(swift: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """People are decided about page by page, as they are taken; nobody else is held in memory."""
    for number in range(30):
        swift.plain(f"{number}@example.com", acts=[yes()])
    monkeypatch.setattr(module, "_PAGE", 10)
    decided: list[StoredStanding] = []

    def seen(store: Store, stored: StoredStanding, memory: Memory | None = None) -> View:
        decided.append(stored)
        return view_of(store, stored, memory)

    monkeypatch.setattr(module, "view_of", seen)
    given = swift.keeper.audience(QUESTIONS[0])
    assert decided == []
    next(given)
    assert len(decided) == 10


def test_each_page_is_as_of_its_own_moment(swift: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A consent that expires while the audience is walked counts no more on the next page."""
    monkeypatch.setattr(module, "_PAGE", 1)
    for number in range(3):
        swift.plain(f"{number}@example.com", acts=[yes()])
    given = swift.keeper.audience(QUESTIONS[0])
    next(given)
    swift.clock.now += timedelta(days=4000)
    assert list(given) == []


def between(house: House, monkeypatch: pytest.MonkeyPatch, deed: Callable[[], object]) -> None:
    """Let something happen once a page was read and before it is decided about."""
    real = house.store.tagged

    def tagged(tag: str, **more: Any) -> Iterator[StoredStanding]:
        found = list(real(tag, **more))
        deed()
        return iter(found)

    monkeypatch.setattr(house.store, "tagged", tagged)


def test_who_is_erased_meanwhile_is_left_out(filed: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody whose keys went after their page was read is asked about anew, and not given."""
    gone, stays = filed.plain(acts=[yes()]), filed.plain(BERT, acts=[yes()])
    fresh = house_on(filed.store)
    between(fresh, monkeypatch, lambda: filed.erase(gone))
    assert list(fresh.keeper.audience(QUESTIONS[0])) == [stays]


def test_who_moves_meanwhile_is_asked_about_anew(
    filed: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value that was replaced after the page was read breaks nothing."""
    who = filed.plain(acts=[yes()])
    fresh = house_on(filed.store)
    corrected = data.rectify({"email": BERT}, source="contact-form")
    between(fresh, monkeypatch, lambda: filed.keeper.record(who, corrected))
    assert list(fresh.keeper.audience(QUESTIONS[0])) == [who]


def test_who_is_expunged_meanwhile_is_left_out(
    filed: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody whose line went for good after their page was read ends nothing."""
    gone, stays = filed.plain(acts=[yes()]), filed.plain(BERT, acts=[yes()])
    fresh = house_on(filed.store)
    end = next(end for end in filed.store.ends() if end.about == gone)
    left = LineTombstone(position=end.position, head=end.head, at=filed.clock.now)
    between(fresh, monkeypatch, lambda: filed.store.expunge(gone, left))
    assert list(fresh.keeper.audience(QUESTIONS[0])) == [stays]


def test_who_moves_from_tag_to_tag_is_given_once(
    swift: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where several tags serve a question, whoever is found by two of them is given once."""
    people = sorted(swift.plain(f"{number}@example.com") for number in range(4))
    question = data.may_process("customer-care")
    assert len(candidate_tags(jot(), question)) > 1
    assert list(swift.keeper.audience(question)) == people
    real = swift.store.tagged
    everybody = "kind:company-contact"
    monkeypatch.setattr(swift.store, "tagged", lambda _, **more: real(everybody, **more))
    assert list(swift.keeper.audience(question)) == people


def test_a_contract_is_found_by_its_tag(swift: House) -> None:
    """Whose data is processed for a contract is found among those whose relation is live."""
    question = data.may_process("customer-contract")
    people = [
        swift.keeper.add_person(
            "consumer", {"email": f"{number}@example.com"}, source="contact-form", notice="v7"
        )
        for number in range(3)
    ]
    swift.keeper.record(people[1], connection.start(reference="contract-1"))
    assert candidate_tags(jot(), question) == {"status:active"}
    assert list(swift.keeper.audience(question)) == [people[1]] == asked(swift, question)


def test_damage_is_raised_as_ask_raises_it(path: Path) -> None:
    """A person whose values were altered ends the audience with the error that ask gives."""
    with SqliteStore(path) as store:
        house_on(store).plain(acts=[yes()])
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE gdprkit_value SET envelope = zeroblob(64)")
        file.commit()
    with SqliteStore(path) as store, pytest.raises(ChainBroken):
        list(house_on(store).keeper.audience(QUESTIONS[0]))


def test_questions_are_checked_at_the_call(swift: House) -> None:
    """What is no question, or names no purpose, is refused before anybody is looked at."""
    with pytest.raises(InvalidValue):
        swift.keeper.audience("newsletter")
    with pytest.raises(UnknownPurpose):
        swift.keeper.audience(data.may_process("newsleter"))
    with pytest.raises(UnknownPurpose):
        swift.keeper.audience(consent.has_consent("newsleter"))
