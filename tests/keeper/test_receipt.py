"""The receipt of an erasure: what was destroyed, from when everywhere, what was not reached."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from tests.keeper.support import EMAIL, House, house_on

from gdprkit import consent, data, marketing, retention
from gdprkit.errors import InvalidValue, NaiveMoment, UnknownName
from gdprkit.keeper.receipt import ErasureReceipt, NotErased, Sink
from gdprkit.policy.languages import LANGUAGES, READERS
from gdprkit.sealing.erasures import MemoryErasureLedger
from gdprkit.sealing.settings import KeySettings
from gdprkit.storage import MemoryStore
from gdprkit.words.vocabulary import ErasureReason

SETTINGS = KeySettings(ttl=60, epoch_days=30, backup_days=14, sinks=("crm-export", "search"))


def receipt(house: House, **more: Any) -> ErasureReceipt:
    found = house.erase(house.plain(), **more).receipt
    assert found is not None
    return found


def test_a_receipt_states_what_was_done_and_from_when() -> None:
    """Keys, moment, reason, reference; processes by the time to live, backups by the horizon."""
    with MemoryStore() as store:
        house = house_on(store, key_settings=SETTINGS)
        anna = house.plain()
        [row] = store.keys(anna)
        found = house.erase(anna).receipt
        assert found == ErasureReceipt(
            key_ids=(row.key_id.hex(),),
            erased_at=house.clock.now,
            reason=ErasureReason.UNLAWFUL,
            reference="r-7",
            everywhere_at=house.clock.now + timedelta(seconds=60),
            backups_at=house.clock.now + timedelta(days=44),
            sinks=(Sink(name="crm-export"), Sink(name="search")),
            not_erased=(
                NotErased.FACTS,
                NotErased.SUPPRESSION,
                NotErased.BACKUPS,
                NotErased.COPIES,
                NotErased.PAGES,
            ),
            listed=False,
        )
        assert store.tombstones()[0].erased_at == found.erased_at


@pytest.mark.parametrize(
    "settings",
    [KeySettings(epoch_days=30), KeySettings(backup_days=14), KeySettings()],
    ids=["epochs", "backups", "neither"],
)
def test_without_both_periods_no_day_is_promised(settings: KeySettings) -> None:
    """Who does not say how long epochs and backups live is told that backups stay open."""
    with MemoryStore() as store:
        found = receipt(house_on(store, key_settings=settings))
        assert found.backups_at is None
        assert "for as long as they exist" in found.explain()


def test_a_receipt_counts_from_after_the_commit() -> None:
    """A key read while the commit waited is believed that much longer: the receipt knows it."""
    with MemoryStore() as store:
        house = house_on(store, key_settings=SETTINGS)
        anna = house.plain()
        commit = store.commit

        def slow(*batches: Any) -> None:
            commit(*batches)
            house.clock.now += timedelta(seconds=20)

        plan = house.keeper.plan(anna, retention.erasure(reason="unlawful", reference="r-7"))
        begun = house.clock.now
        store.commit = slow  # type: ignore[method-assign]
        found = house.keeper.apply(plan, approve=plan.digest).receipt
        assert found is not None
        assert found.erased_at == begun
        assert found.everywhere_at == begun + timedelta(seconds=80)


def test_a_receipt_can_be_asked_for_later(house: House) -> None:
    """It is made from the line again, after more was recorded; an erased line only has one."""
    anna, bert = house.plain(), house.plain("bert@example.com")
    found = house.erase(anna).receipt
    house.clock.now += timedelta(days=3)
    house.keeper.record(anna, marketing.object_to(via="email"))
    assert house.keeper.receipt(anna) == found
    with pytest.raises(UnknownName, match="erasure of this person"):
        house.keeper.receipt(bert)


def test_no_receipt_without_an_erasure(house: House) -> None:
    """A plan that erases values and not the person gives none."""
    anna = house.ended()
    plan = house.keeper.plan(anna, retention.erasure(reason="unlawful", reference="r-7"))
    assert not plan.erases_person
    assert house.keeper.apply(plan, approve=plan.digest).receipt is None


def test_a_sink_is_confirmed_on_a_copy(swift: House) -> None:
    """Confirming gives a new receipt; undeclared, too early and naive are refused."""
    house = house_on(swift.store, key_settings=SETTINGS)
    found = receipt(house)
    later = found.erased_at + timedelta(days=1)
    done = found.confirmed("search", at=later)
    assert done.sinks == (Sink(name="crm-export"), Sink(name="search", confirmed_at=later))
    assert found.sinks[1].confirmed_at is None
    with pytest.raises(InvalidValue, match="sink"):
        found.confirmed("archive", at=later)
    with pytest.raises(InvalidValue, match="at lies before"):
        found.confirmed("search", at=found.erased_at - timedelta(seconds=1))
    with pytest.raises(NaiveMoment):
        found.confirmed("search", at=datetime(2024, 6, 1))  # noqa: DTZ001  the mistake


def test_the_words_tell_everything_and_never_call_the_shred_deletion(swift: House) -> None:
    """Each limit and sink has its sentence; that keys were destroyed is called just that."""
    house = house_on(swift.store, key_settings=SETTINGS, erasures=MemoryErasureLedger())
    found = receipt(house)
    done = found.confirmed("search", at=found.erased_at + timedelta(days=1))
    done = attrs.evolve(done, not_erased=tuple(NotErased))
    text = done.explain()
    assert len(text.splitlines()) == 3 + len(NotErased) + 2 + 1
    assert "every key that the store kept under this id was destroyed" in text
    assert "by itself that is no deletion" in text
    assert str(found.everywhere_at) in text
    assert str(found.backups_at) in text
    assert "Crm-export: nobody has confirmed yet" in text
    assert f"Search: confirmed on {done.sinks[1].confirmed_at}" in text
    assert "in no ledger outside" in text, "a ledger in memory guards nothing"
    listed = attrs.evolve(done, listed=True)
    assert "serves nobody until it was done again" in listed.explain()
    for language in LANGUAGES:
        for reader in READERS:
            words = listed.explain(language, reader)
            assert words.count("\n") == text.count("\n")
            assert "{" not in words
    with pytest.raises(InvalidValue):
        found.explain("de")  # type: ignore[arg-type]


def test_a_hash_stays_only_where_somebody_said_no(swift: House) -> None:
    """What the controller's own period erases leaves no suppression, so none is told."""
    house = house_on(swift.store)
    anna = house.plain()
    house.clock.now += timedelta(days=4000)
    plan = house.keeper.plan(anna, retention.due())
    assert plan.erases_person
    found = house.keeper.apply(plan, approve=plan.digest).receipt
    assert found is not None
    assert NotErased.SUPPRESSION not in found.not_erased
    assert "hashes" not in found.explain()


def test_the_hashes_of_somebody_who_died_are_told(swift: House) -> None:
    """The controller's own flag is no stop of the person and stays all the same (R-415)."""
    anna = swift.plain()
    swift.keeper.record(anna, data.note("deceased"))
    swift.clock.now += timedelta(days=400)
    plan = swift.keeper.plan(anna, retention.due())
    assert plan.erases_person
    found = swift.keeper.apply(plan, approve=plan.digest).receipt
    assert found is not None
    assert NotErased.SUPPRESSION in found.not_erased


def test_a_stop_that_the_list_does_not_keep_is_not_told(swift: House) -> None:
    """Who left the website's statistics alone has no hash on the list."""
    anna = swift.plain()
    swift.keeper.record(anna, consent.refuse("website-analytics", via="web-form"))
    assert swift.keeper.standing(anna).objection.stops
    swift.clock.now += timedelta(days=4000)
    plan = swift.keeper.plan(anna, retention.due())
    found = swift.keeper.apply(plan, approve=plan.digest).receipt
    assert found is not None
    assert NotErased.SUPPRESSION not in found.not_erased


def test_a_line_merged_with_the_erased_one_is_told_until_it_is_erased(swift: House) -> None:
    """Its values lie under a key of their own, also behind a line erased before (R-416)."""
    anna, older, oldest = (swift.plain(f"{name}@example.com") for name in ("a", "b", "c"))
    swift.keeper.merge(older, oldest, verified=True)
    swift.keeper.merge(anna, older, verified=True)
    found = swift.erase(anna).receipt
    assert found is not None
    assert NotErased.MERGED in found.not_erased
    assert "another line of the same person" in found.explain().lower()
    swift.erase(older)
    assert NotErased.MERGED in swift.keeper.receipt(anna).not_erased
    swift.erase(oldest)
    for about in (anna, older, oldest):
        assert NotErased.MERGED not in swift.keeper.receipt(about).not_erased


def test_recipients_who_have_the_data_are_told(swift: House) -> None:
    """What was disclosed is out of reach of the erasure: they are to be told of it (Art. 19)."""
    anna = swift.plain()
    given = data.disclose("hosting", purpose="enquiries", fields=["email"])
    swift.keeper.record(anna, given)
    found = swift.erase(anna).receipt
    assert found is not None
    assert NotErased.RECIPIENTS in found.not_erased
    assert "Art. 19" in found.explain()


def test_a_receipt_holds_no_personal_data(swift: House) -> None:
    """Neither its repr nor its words name a value or the person."""
    anna = swift.plain()
    found = swift.erase(anna).receipt
    assert found is not None
    for text in (repr(found), found.explain()):
        for value in (EMAIL, "Anna", "Example Oy", str(anna)):
            assert value not in text


def test_a_clock_that_was_set_back_promises_nothing_earlier(swift: House) -> None:
    """Processes and backups are counted from no moment before the line's own last one."""
    settings = KeySettings(ttl=60, epoch_days=30, backup_days=14)
    house = house_on(swift.store, key_settings=settings)
    anna = house.plain()
    there = house.clock.now
    house.clock.now -= timedelta(days=400)
    house.erase(anna)
    found = house.keeper.receipt(anna)
    assert found.everywhere_at == there + timedelta(seconds=60)
    assert found.backups_at == there + timedelta(days=44)
