"""Restricted data is stored, and used on the grounds of Art. 18(2) only (crypto D25)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import attrs
import pytest
from tests.keeper.support import EMAIL, House, provider

from gdprkit import connection, data, marketing, requests, retention
from gdprkit.acts.act import Act
from gdprkit.errors import InvalidValue
from gdprkit.sealing.envelope import SealedField
from gdprkit.sealing.errors import ProcessingRestricted, ShredHeld
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.rows import KeyFlags, KeyState
from gdprkit.storage.protocol import Batch, Marks, StoredStanding
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import RestrictedUse

RESTRICT = retention.restrict("accuracy-contested")
LIFT = retention.lift_restriction("accuracy-contested", informed=date(2024, 5, 14))


def flags(house: House, about: SubjectId) -> set[tuple[bool, bool]]:
    return {(row.restricted, row.on_hold) for row in house.store.keys(about)}


def set_flags(house: House, stored: StoredStanding, flags: KeyFlags) -> None:
    """Set them on the key rows beside the keeper: the line does not change."""
    batch = Batch(
        about=stored.about,
        expected=stored.position,
        entries=(),
        standing=stored,
        marks=Marks(),
        flags=flags,
    )
    house.store.commit(batch)


def test_key_rows_follow_restrictions_and_holds(house: House) -> None:
    """Each comes and goes with the batch that records it, and neither takes the other along."""
    anna = house.anna()
    assert flags(house, anna) == {(False, False)}
    for acts, wanted in (
        ([RESTRICT], (True, False)),
        ([retention.hold("case-1", reason="dispute")], (True, True)),
        ([retention.restrict("unlawful")], (True, True)),
        ([LIFT], (True, True)),
        ([retention.lift_hold("case-1")], (True, False)),
        ([retention.lift_restriction("unlawful", informed=date(2024, 5, 14))], (False, False)),
    ):
        house.clock.now += timedelta(hours=1)
        house.keeper.record(anna, *acts)
        assert flags(house, anna) == {wanted}


def test_a_person_may_come_restricted(house: House) -> None:
    """An act of the same batch that adds the person is on the first key row already."""
    anna = house.anna(acts=[RESTRICT])
    assert flags(house, anna) == {(True, False)}


def test_a_merge_brings_its_restriction_to_the_keys(house: House) -> None:
    """The line that goes on is restricted with the other one's ground, and free after unmerge."""
    anna = house.anna()
    other = house.anna(fields={"email": "other@example.com"}, acts=[RESTRICT])
    house.keeper.merge(anna, other, verified=True)
    assert flags(house, anna) == {(True, False)}
    house.keeper.unmerge(anna, other)
    assert flags(house, anna) == {(False, False)}


def test_a_restriction_after_a_merge_reaches_the_closed_line(house: House) -> None:
    """The values there are about the same person, and the line that goes on is restricted."""
    anna = house.anna()
    older, oldest = (house.plain(f"{name}@example.com") for name in ("b", "c"))
    house.keeper.merge(older, oldest, verified=True)
    house.keeper.merge(anna, older, verified=True)
    house.keeper.record(anna, RESTRICT)
    for about in (anna, older, oldest):
        with pytest.raises(ProcessingRestricted):
            house.keeper.read(about)
        assert house.keeper.read(about, ground="legal-claims")
    house.keeper.unmerge(anna, older)
    assert house.keeper.read(older)


HOLD, LIFT_HOLD = retention.hold("case-1", reason="dispute"), retention.lift_hold("case-1")


def test_keys_of_closed_lines_follow_the_line_that_goes_on(house: House) -> None:
    """Each hold and restriction comes and goes on them in the very commit, through two merges."""
    anna = house.plain("a@example.com")
    older, oldest = (house.plain(f"{name}@example.com") for name in ("b", "c"))
    house.keeper.merge(older, oldest, verified=True)
    house.keeper.merge(anna, older, verified=True)
    note = SealedField("delivery", "note")
    envelope = house.keeper.fields.seal(oldest, "ring twice", note, 1)
    for act, wanted in (
        (RESTRICT, (True, False)),
        (HOLD, (True, True)),
        (LIFT, (False, True)),
        (LIFT_HOLD, (False, False)),
    ):
        house.clock.now += timedelta(hours=1)
        house.keeper.record(anna, act)
        assert [flags(house, about) for about in (anna, older, oldest)] == [{wanted}] * 3
        if wanted[0]:
            with pytest.raises(ProcessingRestricted):
                house.keeper.fields.open(oldest, envelope, note, 1)
        else:
            assert house.keeper.fields.open(oldest, envelope, note, 1).reveal() == "ring twice"


def test_a_closed_line_keeps_what_is_said_on_itself_or_above(house: House) -> None:
    """A lift frees a key only of what it lifts: what another line of the person says stays."""
    anna, older = house.plain("a@example.com"), house.plain("b@example.com")
    house.keeper.merge(anna, older, verified=True)
    house.keeper.record(anna, HOLD)
    house.keeper.record(older, retention.hold("case-2", reason="dispute"))
    house.clock.now += timedelta(hours=1)
    house.keeper.record(older, retention.lift_hold("case-2"))
    assert flags(house, older) == {(False, True)}
    house.keeper.record(older, retention.hold("case-3", reason="dispute"))
    house.keeper.record(anna, LIFT_HOLD)
    assert [flags(house, about) for about in (anna, older)] == [{(False, False)}, {(False, True)}]


def test_a_lift_on_a_closed_line_frees_every_line_it_restricted(house: House) -> None:
    """Its restriction was brought to the line that goes on and from there to the others."""
    anna = house.plain("a@example.com")
    older, beside = (house.plain(f"{name}@example.com") for name in ("b", "c"))
    for other in (older, beside):
        house.keeper.merge(anna, other, verified=True)
    for act, wanted in ((RESTRICT, (True, False)), (LIFT, (False, False))):
        house.clock.now += timedelta(hours=1)
        house.keeper.record(older, act)
        assert [flags(house, about) for about in (anna, older, beside)] == [{wanted}] * 3


def test_a_merge_into_a_line_on_hold_reaches_the_keys_below(house: House) -> None:
    """The closed line and those merged into it before are held, and free when it is taken back."""
    anna = house.plain("a@example.com", acts=[HOLD, RESTRICT])
    older, oldest = (house.plain(f"{name}@example.com") for name in ("b", "c"))
    house.keeper.merge(older, oldest, verified=True)
    house.keeper.merge(anna, older, verified=True)
    assert [flags(house, about) for about in (older, oldest)] == [{(True, True)}] * 2
    house.keeper.unmerge(anna, older)
    assert [flags(house, about) for about in (older, oldest)] == [{(False, False)}] * 2
    assert flags(house, anna) == {(True, True)}


def test_an_erased_closed_line_has_no_keys_to_flag(house: House) -> None:
    """A restriction of the line that goes on is recorded although the other line is erased."""
    anna, older = house.plain("a@example.com"), house.plain("b@example.com")
    house.keeper.merge(anna, older, verified=True)
    house.erase(older)
    house.keeper.record(anna, RESTRICT)
    assert (flags(house, anna), flags(house, older)) == ({(True, False)}, set())


def test_a_hold_set_beside_the_keeper_outlives_a_word_that_changes_none(house: House) -> None:
    """Set on the key rows of a closed line, it is not lifted by an act about something else."""
    anna, older = house.plain("a@example.com"), house.plain("b@example.com")
    house.keeper.merge(anna, older, verified=True)
    stored = house.store.standing(older)
    assert stored is not None
    set_flags(house, stored, KeyFlags(on_hold=True))
    house.keeper.record(anna, marketing.object_to(via="email"))
    assert flags(house, older) == {(False, True)}


def test_flags_of_two_lines_at_once_lose_neither(house: House) -> None:
    """A hold above, recorded in the moment of a lift below: the lift is made anew and sees it."""
    anna, older = house.plain("a@example.com"), house.plain("b@example.com", acts=[HOLD])
    house.keeper.merge(anna, older, verified=True)
    commit = house.store.commit

    def meanwhile(*batches: Batch) -> None:
        house.store.commit = commit  # type: ignore[method-assign]
        house.keeper.record(anna, retention.hold("case-2", reason="dispute"))
        commit(*batches)

    house.clock.now += timedelta(hours=1)
    house.store.commit = meanwhile  # type: ignore[method-assign]
    house.keeper.record(older, LIFT_HOLD)
    assert flags(house, older) == {(False, True)}


def test_a_hold_below_in_the_moment_of_a_lift_above_stays(house: House) -> None:
    """The hold above went while the closed line got its own: its keys stay on hold all the same."""
    anna, older = house.plain("a@example.com", acts=[HOLD]), house.plain("b@example.com")
    house.keeper.merge(anna, older, verified=True)
    commit = house.store.commit

    def meanwhile(*batches: Batch) -> None:
        house.store.commit = commit  # type: ignore[method-assign]
        house.keeper.record(anna, LIFT_HOLD)
        commit(*batches)

    house.clock.now += timedelta(hours=1)
    house.store.commit = meanwhile  # type: ignore[method-assign]
    house.keeper.record(older, retention.hold("case-2", reason="dispute"))
    assert [flags(house, about) for about in (anna, older)] == [{(False, False)}, {(False, True)}]


def test_two_lifts_at_once_leave_no_key_on_hold(house: House) -> None:
    """Each sees the other line's hold when it begins; with both gone the keys are free."""
    anna = house.plain("a@example.com", acts=[HOLD])
    older = house.plain("b@example.com", acts=[retention.hold("case-2", reason="dispute")])
    house.keeper.merge(anna, older, verified=True)
    commit = house.store.commit

    def meanwhile(*batches: Batch) -> None:
        house.store.commit = commit  # type: ignore[method-assign]
        house.keeper.record(older, retention.lift_hold("case-2"))
        commit(*batches)

    house.clock.now += timedelta(hours=1)
    house.store.commit = meanwhile  # type: ignore[method-assign]
    house.keeper.record(anna, LIFT_HOLD)
    assert [flags(house, about) for about in (anna, older)] == [{(False, False)}] * 2


@pytest.mark.parametrize("act", [HOLD, RESTRICT])
def test_a_renewal_of_a_closed_line_takes_in_what_came_above(house: House, act: Act) -> None:
    """A hold or restriction above, recorded while a key is renewed, is on both versions."""
    anna, older = house.plain("a@example.com"), house.plain("b@example.com")
    house.keeper.merge(anna, older, verified=True)
    commit = house.store.commit

    def meanwhile(*batches: Batch) -> None:
        house.store.commit = commit  # type: ignore[method-assign]
        house.keeper.record(anna, act)
        commit(*batches)

    house.store.commit = meanwhile  # type: ignore[method-assign]
    house.keeper.keys.renew(older)
    assert len(house.store.keys(older)) == 2
    assert flags(house, older) == flags(house, anna) != {(False, False)}


def test_flags_do_not_undo_a_rotation(house: House) -> None:
    """A row wrapped anew between our reading and our commit keeps its new wrapping."""
    anna = house.anna()
    house.keeper.keys.rotate()
    [row] = house.store.keys(anna)
    commit = house.store.commit

    def after_a_rotation(*batches: Batch) -> None:
        again = attrs.evolve(row, wrapped=b"wrapped by the next epoch", kek_id="k2")
        stored = house.store.standing(anna)
        assert isinstance(stored, StoredStanding)
        same = attrs.evolve(batches[0], expected=stored.position, entries=(), standing=stored)
        commit(attrs.evolve(same, keys=(again,), flags=None))
        commit(*batches)

    house.store.commit = after_a_rotation  # type: ignore[method-assign]
    house.keeper.record(anna, RESTRICT)
    [after] = house.store.keys(anna)
    assert (after.kek_id, after.restricted) == ("k2", True)


def test_d25_reading_needs_a_ground(house: House) -> None:
    """Without one nothing is opened; with each ground of the law the values are."""
    anna = house.anna()
    house.keeper.read(anna)
    house.keeper.record(anna, RESTRICT)
    for fields in ((), ("email",)):
        with pytest.raises(ProcessingRestricted):
            house.keeper.read(anna, *fields)
    for ground in RestrictedUse:
        assert house.keeper.read(anna, "email", ground=ground)
    assert house.keeper.read(anna, "email", ground="legal-claims")
    with pytest.raises(InvalidValue, match="restricted use"):
        house.keeper.read(anna, "email", ground="curiosity")
    house.clock.now += timedelta(hours=1)  # of one moment the restriction would rule
    house.keeper.record(anna, LIFT)
    assert house.keeper.read(anna, "email")


def test_d25_the_line_restricts_where_the_key_rows_do_not(house: House) -> None:
    """Rows written before restrictions stood on them: the keeper still refuses."""
    anna = house.anna(acts=[RESTRICT])
    stored = house.store.standing(anna)
    assert stored is not None
    [row] = house.store.keys(anna)
    assert row.state is KeyState.ACTIVE
    set_flags(house, stored, KeyFlags())
    assert flags(house, anna) == {(False, False)}
    with pytest.raises(ProcessingRestricted):
        house.keeper.read(anna)


def test_d25_a_warm_cache_elsewhere_obeys_within_its_time(house: House) -> None:
    """Another process's opened key reads on until its belief ends, and no longer."""
    seconds = [0.0]
    elsewhere = SubjectKeys(provider(), house.store, tenant="main", monotonic=lambda: seconds[0])
    anna = house.anna()
    elsewhere.of(anna)
    house.keeper.record(anna, RESTRICT)
    elsewhere.of(anna)
    seconds[0] += elsewhere.settings.ttl
    with pytest.raises(ProcessingRestricted):
        elsewhere.of(anna)


def test_what_the_person_asks_for_goes_on_under_a_restriction(house: House) -> None:
    """Access, correction, stops, questions, plans and look-ups: none needs a lift first."""
    anna = house.customer()
    case = house.keeper.record(anna, requests.receive(right="access", channel="email")).case
    house.keeper.record(anna, RESTRICT)
    assert case is not None
    assert house.keeper.answer(anna, case).values
    house.keeper.record(anna, data.rectify({"name": "Anna Corrected"}, source="contact-form"))
    house.keeper.record(anna, data.collect({"message": "Stored only."}, source="contact-form"))
    assert not house.ask(anna)
    house.keeper.record(anna, marketing.object_to(via="email"))
    assert house.keeper.find(email=EMAIL) == (anna,)
    assert house.keeper.plan(anna, connection.after_end()).items
    assert not house.keeper.plan(anna, retention.due()).erases_person
    house.keeper.verify(anna)


def test_d25_a_restriction_on_a_key_row_keeps_values_where_they_are(house: House) -> None:
    """A move into the marketing register is no storing, so the plan is not carried out (R-504)."""
    anna = house.ended()
    stored = house.store.standing(anna)
    assert stored is not None
    set_flags(house, stored, KeyFlags(restricted=True))
    plan = house.keeper.plan(anna, connection.after_end())
    assert plan.decision
    with pytest.raises(ProcessingRestricted):
        house.keeper.apply(plan, approve=plan.digest)
    assert house.store.standing(anna) == stored


def test_d25_a_hold_on_a_key_row_refuses_whatever_the_line_says(house: House) -> None:
    """Somebody set it beside the keeper: the plan is lawful by the line and still not done."""
    anna = house.plain()
    stored = house.store.standing(anna)
    assert stored is not None
    set_flags(house, stored, KeyFlags(on_hold=True))
    plan = house.keeper.plan(anna, retention.erasure(reason="unlawful", reference="r-7"))
    assert plan.erases_person
    with pytest.raises(ShredHeld):
        house.keeper.apply(plan, approve=plan.digest)
    assert house.keeper.read(anna, "email")
    assert house.store.standing(anna) == stored
    assert list(house.store.tombstones()) == []


def test_d25_a_ground_for_own_columns_is_a_word_of_the_law(house: House) -> None:
    """What is no ground of Art. 18(2) opens nothing in tables of the host's own either."""
    anna = house.anna()
    note = SealedField("delivery", "note")
    fields = house.keeper.fields
    envelope = fields.seal(anna, "ring twice", note, 1)
    house.keeper.record(anna, RESTRICT)
    items = [(envelope, note, 1)]
    because: Any = "because"
    for call in (
        lambda: fields.open(anna, envelope, note, 1, ground=because),
        lambda: fields.open_many(anna, items, ground=because),
        lambda: fields.open_each(anna, items, ground=because),
    ):
        with pytest.raises(InvalidValue, match="restricted use"):
            call()
    told: Any = "consent"
    assert fields.open(anna, envelope, note, 1, ground=told).reveal() == "ring twice"
