"""The versions of a key stand in one order, and the highest one writes (crypto D.31)."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest
from tests.sealing.rotating import LATER
from tests.sealing.support import ANNA, AT, DictStore, add_person, dec, enc, make_keys, rotate

from gdprkit.sealing.errors import KeyDestroyed, KeyIntegrityError, KeyVersionUnknown
from gdprkit.sealing.form import key_id_of
from gdprkit.sealing.rotation import destroy_epoch, new_epoch, rewrap_keys
from gdprkit.sealing.rows import EpochKind, KeyRow, KeyState

ACTIVE, RETIRED, DESTROYED = KeyState.ACTIVE, KeyState.RETIRED, KeyState.DESTROYED


def three_versions() -> DictStore:
    store = DictStore()
    keys = make_keys(store)
    add_person(keys, store)
    rotate(keys, store)
    rotate(keys, store)
    return store


def test_d31_the_highest_version_writes_and_all_that_are_left_read() -> None:
    """Whatever order the rows come in; values of every version open by their key id."""
    store = DictStore()
    keys = make_keys(store)
    sealed = [enc("one", add_person(keys, store).newest)]
    for word in ("two", "three"):
        row = rotate(keys, store)
        sealed.append(enc(word, keys.of(ANNA).newest))
        assert key_id_of(sealed[-1]) == row.key_id
    for order in (store.rows[ANNA], store.rows[ANNA][::-1]):
        store.rows[ANNA] = order
        fresh = make_keys(store).of(ANNA)
        assert fresh.newest.version == 3
        assert [dec(one, fresh) for one in sealed] == ["one", "two", "three"]


def _states(rows: Sequence[KeyRow], *states: KeyState) -> list[KeyRow]:
    return [attrs.evolve(row, state=state) for row, state in zip(rows, states, strict=True)]


@pytest.mark.parametrize(
    "states",
    [
        (ACTIVE, RETIRED, RETIRED),
        (RETIRED, ACTIVE, RETIRED),
        (RETIRED, ACTIVE, ACTIVE),
        (ACTIVE, RETIRED, ACTIVE),
        (ACTIVE, ACTIVE, ACTIVE),
        (RETIRED, RETIRED, RETIRED),
        (RETIRED, ACTIVE, DESTROYED),
        (RETIRED, RETIRED, DESTROYED),
    ],
    ids=lambda states: "-".join(state[0] for state in states),
)
def test_d31_an_older_version_is_never_the_one_that_writes(states: tuple[KeyState, ...]) -> None:
    """Rolled back to an older one, two that write, or none: the key store was damaged."""
    store = three_versions()
    store.rows[ANNA] = _states(store.rows[ANNA], *states)
    with pytest.raises(KeyIntegrityError, match="highest version"):
        make_keys(store).of(ANNA)
    with pytest.raises(KeyIntegrityError):
        make_keys(store).create(ANNA, at=AT, version=4)


@pytest.mark.parametrize("kept", [(0, 2), (1, 2), (2,), (1,), (0, 0, 1), (2, 2)])
def test_d31_a_version_is_neither_missing_nor_there_twice(kept: tuple[int, ...]) -> None:
    """A gap and a repetition are damage, whichever version it is."""
    store = three_versions()
    rows = [store.rows[ANNA][number] for number in kept]
    store.rows[ANNA] = [*rows[:-1], attrs.evolve(rows[-1], state=ACTIVE)]
    with pytest.raises(KeyIntegrityError, match="lack a version or hold one twice"):
        make_keys(store).of(ANNA)


def test_d31_a_store_of_before_the_newest_version_does_not_open_its_values() -> None:
    """Rolled back whole: the versions fit together, and what the lost one sealed is told."""
    store = DictStore()
    keys = make_keys(store)
    add_person(keys, store)
    before = list(store.rows[ANNA])
    rotate(keys, store)
    sealed = enc("x", keys.of(ANNA).newest)
    store.rows[ANNA] = before
    with pytest.raises(KeyVersionUnknown):
        dec(sealed, make_keys(store).of(ANNA))


def test_d31_rewrapping_keeps_every_version_and_its_order() -> None:
    """Versions that read, the one that writes and the one that is gone stay what they are."""
    store = three_versions()
    keys = make_keys(store)
    sealed = enc("x", keys.of(ANNA).newest)
    store.rows[ANNA][0] = attrs.evolve(store.rows[ANNA][0], state=DESTROYED, wrapped=b"")
    before = list(store.rows[ANNA])
    new_epoch(keys, EpochKind.KEK, at=AT)
    assert rewrap_keys(keys, at=AT).rows == 2
    destroy_epoch(keys, "k1", at=LATER)
    same = [attrs.evolve(row, kek_id="", wrapped=b"") for row in store.rows[ANNA]]
    assert same == [attrs.evolve(row, kek_id="", wrapped=b"") for row in before]
    fresh = make_keys(store).of(ANNA)
    assert (fresh.newest.version, dec(sealed, fresh)) == (3, "x")
    with pytest.raises(KeyDestroyed):
        fresh.key_for(sealed[:2] + before[0].key_id + sealed[22:])
