"""What a keeper keeps in memory changes no answer: what others write is seen at once."""

from __future__ import annotations

import os
import pickle
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.keeper.support import EMAIL, House, evidence, house_on, jot, provider, relevance
from tests.keeper.test_index_epochs import next_epoch

from gdprkit import RecordKeeper, connection, consent, data, marketing, retention
from gdprkit.errors import ChainBroken, GdprkitError, PositionTaken
from gdprkit.keeper.contacts import ListHashes
from gdprkit.keeper.memory import LONGEST, Memory
from gdprkit.ledger.codec import decode_standing, encode_standing
from gdprkit.policy.decisions import Decision
from gdprkit.sealing.erasures import MemoryErasureLedger
from gdprkit.sealing.errors import KeyMissing, KeyStoreRolledBack
from gdprkit.sealing.rows import EpochKind, Tombstone
from gdprkit.sealing.settings import KeySettings
from gdprkit.state.standing import Standing
from gdprkit.storage import SqliteStore
from gdprkit.storage.protocol import Store
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import Channel, ErasureReason, RestrictionGround

BERT = "bert.example@example.com"
CARL = "carl.example@example.com"
HOLD = retention.hold(reference="case-1", reason="claim")

#: Questions that look into the suppression list, and one that does not.
QUESTIONS = (
    marketing.may_contact(channel="email", purpose="direct-marketing"),
    marketing.may_contact(channel="email", purpose="newsletter"),
    marketing.may_move(),
    consent.has_consent("newsletter", "email"),
)


def beside(house: House, store: Store | None = None) -> House:
    """Return another process on the same store: a memory of its own, the same clock."""
    kept = store or house.store
    made = RecordKeeper(jot(), store=kept, keys=provider(), clock=house.clock)
    return House(keeper=made, store=kept, clock=house.clock)


def answers(house: House, *people: SubjectId, **more: Any) -> list[Decision]:
    return [house.keeper.ask(about, asked, **more) for about in people for asked in QUESTIONS]


def memory_of(house: House) -> Memory:
    return house.keeper._bench.memory


def yes(purpose: str = "newsletter") -> Any:
    proved = evidence(method=consent.ConsentMethod.DOUBLE_OPT_IN, proof=["mail-1"])
    return consent.give(purpose, evidence=proved, channels=["email"])


# --- others write in between ---------------------------------------------------------------------


DEEDS: dict[str, Callable[[House, SubjectId], object]] = {
    "an objection": lambda h, who: h.keeper.record(who, marketing.object_to(via="email")),
    "a consent": lambda h, who: h.keeper.record(who, yes()),
    "a withdrawal": lambda h, who: h.keeper.record(who, consent.withdraw(via="email")),
    "a restriction": lambda h, who: h.keeper.record(
        who, retention.restrict(RestrictionGround.ACCURACY_CONTESTED)
    ),
    "a hold": lambda h, who: h.keeper.record(who, HOLD),
    "a corrected address": lambda h, who: h.keeper.record(
        who, data.rectify({"email": CARL}, source="contact-form")
    ),
    "an erasure": lambda h, who: h.erase(who),
    "a merge": lambda h, who: h.keeper.merge(h.plain(CARL), who, verified=True),
    "a line folded anew": lambda h, who: h.keeper.reindex_person(who),
    "a key made anew": lambda h, who: h.keeper.keys.renew(who),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_what_another_process_did_is_seen_at_once(house: House, deed: str) -> None:
    """A keeper that asked before answers as one that never met the person."""
    who = house.plain()
    warm = beside(house)
    before = answers(warm, who)
    assert answers(warm, who) == before == answers(beside(house), who)
    house.clock.now += timedelta(minutes=1)
    DEEDS[deed](house, who)
    fresh = answers(beside(house), who)
    assert answers(warm, who) == fresh
    assert answers(warm, who) == fresh  # and once more, from what was kept now
    assert answers(house, who) == fresh  # the one who did it kept what it did


def test_a_stop_of_somebody_else_at_the_address_is_seen_at_once(house: House) -> None:
    """The suppression list is read for every question, however often it said nothing (R-312)."""
    who = house.plain(acts=[yes("direct-marketing")])
    warm = beside(house)
    assert house.ask(who)
    assert warm.ask(who)
    other = house.plain(BERT)
    house.keeper.record(other, marketing.object_to(via="email"))
    house.clock.now += timedelta(minutes=1)
    house.keeper.record(other, data.rectify({"email": EMAIL}, source="contact-form"))
    house.keeper.record(other, marketing.object_to(via="email"))
    fresh = beside(house).ask(who)
    assert "suppressed" in [reason.code for reason in fresh.reasons]
    assert warm.ask(who) == fresh


def test_a_stop_under_a_newer_key_of_the_list_is_seen(house: House) -> None:
    """Hashes are made anew when the list has another key: a stop under it is not overlooked."""
    who = house.plain(acts=[yes("direct-marketing")])
    warm = beside(house)
    assert warm.ask(who)
    later = next_epoch(house, EpochKind.LASTING)
    other = later.plain(BERT)
    later.keeper.record(other, data.rectify({"email": EMAIL}, source="contact-form"))
    later.keeper.record(other, marketing.object_to(via="email"))
    house.clock.now = later.clock.now = later.clock.now + timedelta(minutes=1)
    warm.keeper._bench.keys.refresh()  # as it does after some minutes by itself
    fresh = beside(house).ask(who)
    assert not fresh
    assert warm.ask(who) == fresh


def test_questions_about_another_moment_ask_the_line(house: House) -> None:
    """What was so then, and what was known then, is folded from the line, also for who is kept."""
    who = house.plain(acts=[yes("direct-marketing")])
    then = house.clock.now
    house.clock.now += timedelta(days=3)
    house.keeper.record(who, marketing.object_to(via="email", at=then + timedelta(days=1)))
    house.clock.now += timedelta(days=1)
    for when in (then, then + timedelta(days=2)):
        for more in ({"at": when}, {"known_by": when}, {"at": when, "known_by": when}):
            now = answers(house, who)
            assert answers(house, who, **more) == answers(beside(house), who, **more)
            assert answers(house, who) == now
    assert house.ask(who, at=then)
    assert not house.ask(who, at=then + timedelta(days=2))


def deeds(house: House, people: list[SubjectId], draw: random.Random) -> list[Callable[[], object]]:
    """Return what may happen next to one of the people, or to two."""
    keeper, (one, other) = house.keeper, draw.sample(people, 2)
    by_plan = draw.choice(
        [
            connection.after_end(),
            retention.due(),
            retention.erasure(reason="unlawful", reference="r-7"),
        ]
    )
    acts = [
        yes(),
        yes("direct-marketing"),
        consent.withdraw("newsletter", via="email"),
        consent.request("newsletter", evidence=evidence(), channels=["email"]),
        consent.confirm("newsletter", proof="mail-1"),
        marketing.object_to(via="email"),
        relevance(),
        retention.restrict(RestrictionGround.ACCURACY_CONTESTED),
        HOLD,
        retention.lift_hold("case-1"),
        connection.start(reference="contract-1"),
        connection.act_for(other),
        marketing.prohibit(via="email", by="company"),
        connection.end(on=house.clock.now.date(), cause="contract-end", evidence="contract-1"),
        data.rectify({"email": draw.choice([EMAIL, BERT, CARL])}, source="contact-form"),
        data.collect({"phone": "+358401234567"}, source="contact-form"),
    ]

    def planned() -> None:
        plan = keeper.plan(one, by_plan)
        keeper.apply(plan, approve=plan.digest)

    recorded = [partial(keeper.record, one, act) for act in acts]
    return [
        *recorded,
        planned,
        planned,
        lambda: keeper.merge(one, other, verified=draw.random() < 0.5),
        lambda: keeper.unmerge(one, other),
        lambda: keeper.reindex_person(one),
        lambda: people.append(house.plain(f"{draw.random()}@example.com")),
    ]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_who_remembers_answers_as_who_does_not(swift: House, seed: int) -> None:
    """Two keepers write in turn, in any order; their answers are those of a third, made anew."""
    draw = random.Random(seed)
    both = [swift, beside(swift)]
    people = [swift.plain(mail) for mail in (EMAIL, BERT, CARL)]
    done = 0
    for _ in range(60):
        swift.clock.now += timedelta(minutes=draw.choice([0, 1, 60, 60 * 24 * 40]))
        try:
            draw.choice(deeds(draw.choice(both), people, draw))()
            done += 1
        except GdprkitError:
            pass  # not possible now, which is an answer too
        asked = draw.sample(people, 2)
        fresh = answers(beside(swift), *asked)
        assert [answers(house, *asked) for house in both] == [fresh, fresh]
    assert done > 15


# --- keys and values -----------------------------------------------------------------------------


def test_keys_are_asked_for_each_time(filed: House, path: Path) -> None:
    """Who has lost their keys is told of as before, though their hashes are still at hand."""
    who = filed.plain(acts=[yes("direct-marketing")])
    assert filed.ask(who)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("DELETE FROM gdprkit_key")
    filed.keeper._bench.keys.forget(who)
    for house in (filed, beside(filed)):
        with pytest.raises(KeyMissing):
            house.ask(who)


def test_damage_of_a_value_is_told_by_who_opens_it(filed: House, path: Path) -> None:
    """A question that needs no value opens none: it is answered by the hashes of what was read.

    Whoever has to open the value, and ``verify``, tell of the damage.
    """
    who = filed.plain(acts=[yes("direct-marketing")])
    before = filed.ask(who)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("DELETE FROM gdprkit_value")
    assert filed.ask(who) == before
    planned = partial(filed.keeper.plan, question=connection.after_end())
    for tells in (filed.keeper.verify, filed.keeper.read, planned, beside(filed).ask):
        with pytest.raises(ChainBroken):
            tells(who)


def test_a_store_that_was_rolled_back_answers_nobody(swift: House) -> None:
    """What was kept opens no way round the erasure ledger."""
    ledger = MemoryErasureLedger(swift.store.tenant)
    house = house_on(swift.store, erasures=ledger, key_settings=KeySettings(ttl=0))
    who = house.plain(acts=[yes("direct-marketing")])
    assert house.ask(who)
    elsewhere = Tombstone(
        mark=house.keeper._bench.keys.marks(who)[0],
        erased_at=house.clock.now,
        reason=ErasureReason.UNLAWFUL,
        reference="r-1",
        key_ids=(),
    )
    ledger.append([elsewhere])
    with pytest.raises(KeyStoreRolledBack):
        house.ask(who)


def test_who_is_erased_is_forgotten_at_once(house: House) -> None:
    """An erasure leaves nothing of the person in the memory of the keeper that did it."""
    who, other = house.plain(acts=[yes()]), house.plain(BERT)
    answers(house, who, other)
    assert len(memory_of(house)) == 2
    house.erase(who)
    assert len(memory_of(house)) == 1
    answers(house, who)
    kept = memory_of(house)._kept[who.int]
    assert kept.hashes is None
    assert not kept.standing.data.values


def test_no_value_is_kept(house: House) -> None:
    """Standings hold no personal value, and of a contact point there is a keyed hash at most."""
    who = house.anna(acts=[yes()])
    answers(house, who)
    kept = memory_of(house)._kept[who.int]
    assert kept.hashes is not None
    assert kept.hashes[1].hashes
    shown = pickle.dumps(attrs.astuple(kept, recurse=False))
    for value in (EMAIL, "Anna", "Example Oy"):
        assert value.encode() not in shown
    assert "hashes=" not in repr(kept.hashes[1])


# --- the memory itself ---------------------------------------------------------------------------


def person(number: int) -> SubjectId:
    return SubjectId(UUID(int=number))


def test_it_holds_no_more_than_it_may() -> None:
    """The ones put in first go first; a standing that is very long is not kept at all."""
    memory = Memory(3)
    for number in range(5):
        state = encode_standing(Standing(position=1), person(number))
        assert memory.standing(person(number), state) == Standing(position=1)
    assert list(memory._kept) == [2, 3, 4]
    memory.keep(person(4), b" " * (LONGEST + 1), Standing(position=2))
    assert list(memory._kept) == [2, 3]


def test_it_gives_a_standing_for_its_very_bytes_only() -> None:
    """Other bytes are decoded; bytes that hold no standing leave nothing behind."""
    memory, who = Memory(), person(1)
    one, two = (encode_standing(Standing(position=number), who) for number in (1, 2))
    first = memory.standing(who, one)
    assert memory.standing(who, bytes(bytearray(one))) is first
    assert memory.standing(who, two) == Standing(position=2)
    assert memory.standing(who, b"{}x") is None
    again = memory.standing(who, one)
    assert again == first
    assert again is not first


def test_hashes_are_those_of_one_standing_under_the_same_keys() -> None:
    """They are given for the standing they were made of, and while the keys are the same."""
    memory, who = Memory(), person(1)
    hashes = ListHashes(channels=frozenset({Channel.EMAIL}), hashes=(b"h",))
    standing = memory.standing(who, encode_standing(Standing(position=1), who))
    assert standing is not None
    folded = Standing(position=1)  # the same in meaning, and nobody knows from where
    memory.keep_hashes(who, folded, (1,), hashes)
    assert memory.hashes(who, standing, (1,)) is None
    memory.keep_hashes(who, standing, (1,), hashes)
    assert memory.hashes(who, standing, (1,)) == hashes
    assert memory.hashes(who, standing, (2, 1)) is None
    assert memory.hashes(who, folded, (1,)) is None
    assert memory.hashes(person(2), standing, (1,)) is None
    memory.forget(who)
    assert memory.hashes(who, standing, (1,)) is None


def test_what_a_record_keeps_is_what_is_read_back(house: House) -> None:
    """After a record the standing kept is the one its stored bytes hold."""
    who = house.plain()
    house.keeper.record(who, yes(), relevance())
    stored = house.store.standing(who)
    assert stored is not None
    kept = memory_of(house)._kept[who.int]
    assert kept.state == stored.state
    assert kept.standing == decode_standing(stored.state, who)


def test_a_record_that_was_refused_changes_no_answer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not stored is not remembered as if it were."""
    who = house.plain()
    before = answers(house, who)

    def refused(*_: object) -> None:
        raise PositionTaken(who, 1)

    with monkeypatch.context() as patch:
        patch.setattr(type(house.store), "commit", refused)
        with pytest.raises(PositionTaken):
            house.keeper.record(who, yes())
    assert answers(house, who) == before == answers(beside(house), who)


def test_threads_share_it(house: House) -> None:
    """Many threads ask and record through a memory that is far too small; none gets it wrong."""
    object.__setattr__(house.keeper._all, "memory", Memory(2))
    people = [house.plain(f"p{number}@example.com") for number in range(6)]
    wrong: list[object] = []

    def work(number: int) -> None:
        try:
            for turn in range(12):
                who = people[(number + turn) % len(people)]
                house.keeper.record(who, yes())
                if not house.keeper.ask(who, QUESTIONS[3]):
                    wrong.append(who)
        except Exception as error:  # noqa: BLE001  # shown by the assertion below
            wrong.append(error)

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(memory_of(house)) <= 2
    assert answers(house, *people) == answers(beside(house), *people)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_parent_and_child_see_what_the_other_wrote(filed: House, path: Path) -> None:
    """A forked child starts with what its parent kept; from then on each reads what is stored."""
    who = filed.plain(acts=[yes("direct-marketing")])
    assert filed.ask(who)
    child = os.fork()
    if not child:
        code = 1
        try:
            if filed.ask(who):
                filed.keeper.record(who, marketing.object_to(via="email"))
                code = 0 if not filed.ask(who) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not filed.ask(who)
    with SqliteStore(path) as store:
        assert answers(filed, who) == answers(beside(filed, store), who)
