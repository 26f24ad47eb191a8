"""Root keys and key epochs give way to others, and everything stays readable (crypto B.8)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.sealing.rotating import LATER, TTL, Shop, later, shop, states
from tests.sealing.support import ANNA, AT, BERT, DictStore, add_person, counted, make_keys

from gdprkit.errors import InvalidValue
from gdprkit.sealing.errors import (
    KeyEpochDestroyed,
    KeyExhausted,
    KeyIntegrityError,
    KeyInUse,
    KeyProviderDenied,
    RotationTooEarly,
)
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.opened_keys import Kek
from gdprkit.sealing.providers import Keyring
from gdprkit.sealing.rotation import (
    destroy_epoch,
    key_status,
    new_epoch,
    rewrap_epochs,
    rewrap_keys,
    rotate,
)
from gdprkit.sealing.rows import EpochKind, KeyRow, KeyState
from gdprkit.sealing.settings import KeySettings
from gdprkit.storage import SqliteStore
from gdprkit.words.identifiers import SubjectId

KEK, INDEX, LASTING = EpochKind.KEK, EpochKind.INDEX, EpochKind.LASTING
ACTIVE, RETIRED, DESTROYED = KeyState.ACTIVE, KeyState.RETIRED, KeyState.DESTROYED


@pytest.fixture
def five(tmp_path: Path) -> Shop:
    return shop(tmp_path / "shop")


def whole(given: Shop, store: SqliteStore) -> str:
    """Rotate everything, destroy the first epoch and drop its root key; return that key's id."""
    [old] = {row.provider_key for row in store.epochs()}
    Keyring.add_root(given.ring)
    keys = given.keys(store)
    rotate(keys, at=AT)
    assert rewrap_keys(keys, at=AT).rows == len(given.sealed)
    destroy_epoch(keys, "k1", at=LATER)
    Keyring.drop_root(given.ring, old)
    return old


def test_a_whole_rotation_leaves_everything_readable(five: Shop) -> None:
    """New root key, new epoch, rows moved, old epoch and old root key destroyed: all values read.

    Nothing that is live hangs on anything old, and who was running all along reads as well.
    """
    with five.open() as store:
        running = five.keys(store)
        five.check(running)
        old = whole(five, store)
        assert states(store) == {"k1": DESTROYED, "k2": ACTIVE, "i1": ACTIVE, "l1": ACTIVE}
        assert {row.kek_id for row in store.key_rows(limit=99)} == {"k2"}
        live = [row for row in store.epochs() if row.state is not DESTROYED]
        assert old not in {row.provider_key for row in live}
        assert f"destroyed {old}" in five.ring.read_text()
        five.check(five.keys(store))
        five.check(running)
        five.add(running, store, 6)
        five.check(five.keys(store))


def test_d30_a_backup_from_before_opens_for_nobody(five: Shop, tmp_path: Path) -> None:
    """The key store of before the rotation, read with the keyring of after it: every key is dead.

    Destroying the epoch alone is not enough: until its root key is dropped the backup opens.
    """
    backup = five.copy(tmp_path / "backup")
    with five.open() as store:
        Keyring.add_root(five.ring)
        keys = five.keys(store)
        [old] = {row.provider_key for row in store.epochs()}
        rotate(keys, at=AT)
        rewrap_keys(keys, at=AT)
        destroy_epoch(keys, "k1", at=LATER)
        with backup.open() as restored:
            backup.check(SubjectKeys(Keyring.from_file(five.ring), restored, tenant="main"))
        dropped = Keyring.drop_root(five.ring, old)
        with backup.open() as restored:
            for about in backup.sealed:
                with pytest.raises(KeyEpochDestroyed):
                    SubjectKeys(dropped, restored, tenant="main").of(about)
        five.check(five.keys(store))


def test_d30_a_row_restored_from_a_backup_opens_for_nobody(five: Shop) -> None:
    """A single old key row among the rows of today names an epoch that is gone."""
    with five.open() as store:
        before = list(store.key_rows(limit=99))
        whole(five, store)
        with store._file.writing() as port:
            for row in before:
                port.run(
                    "UPDATE gdprkit_key SET kek_id = ?, wrapped = ? WHERE subject = ?",
                    (row.kek_id, row.wrapped, row.about.bytes),
                )
        for about in five.sealed:
            with pytest.raises(KeyEpochDestroyed) as caught:
                five.keys(store).of(about)
            assert caught.value.epoch == "k1"


def test_an_epoch_is_not_destroyed_while_something_hangs_on_it(five: Shop) -> None:
    """The refusal says how much hangs there; nothing is changed, and rewrapping cures it."""
    with five.open() as store:
        keys = five.keys(store)
        new_epoch(keys, KEK, at=AT)
        with pytest.raises(KeyInUse, match=r"key epoch k1 was not destroyed: 5 still hang") as told:
            destroy_epoch(keys, "k1", at=LATER)
        assert (told.value.count, told.value.retryable) == (5, False)
        assert states(store)["k1"] is RETIRED
        rewrap_keys(keys, at=AT)
        destroy_epoch(keys, "k1", at=LATER)
        destroy_epoch(keys, "k1", at=LATER)
        assert store.epochs()[0].wrapped == b""


def test_an_epoch_is_not_destroyed_before_everybody_knows_its_successor(five: Shop) -> None:
    """Not a microsecond before the time to live has passed since the next epoch was made."""
    settings = KeySettings(ttl=60.0)
    with five.open() as store:
        keys = five.keys(store, settings=settings)
        new_epoch(keys, KEK, at=AT)
        rewrap_keys(keys, at=AT)
        with pytest.raises(RotationTooEarly) as told:
            destroy_epoch(keys, "k1", at=later(60) - timedelta(microseconds=1))
        assert told.value.until == later(60)
        assert told.value.retryable
        assert states(store)["k1"] is RETIRED
        destroy_epoch(keys, "k1", at=later(60))
        assert states(store)["k1"] is DESTROYED


def test_the_wait_counts_from_the_very_next_epoch(five: Shop) -> None:
    """Two rotations on: nobody writes under k1 since k2 was made, whatever came after."""
    with five.open() as store:
        keys = five.keys(store)
        assert new_epoch(keys, KEK, at=AT) == "k2"
        assert new_epoch(keys, KEK, at=later(100)) == "k3"
        rewrap_keys(keys, at=later(100))
        destroy_epoch(keys, "k1", at=LATER)
        with pytest.raises(RotationTooEarly):
            destroy_epoch(keys, "k2", at=LATER)
        destroy_epoch(keys, "k2", at=later(100 + TTL))


def test_an_epoch_is_never_older_than_the_one_before(five: Shop) -> None:
    """A clock that was set back does not let an epoch be destroyed too early."""
    with five.open() as store:
        keys = five.keys(store)
        new_epoch(keys, KEK, at=AT - timedelta(days=1))
        rewrap_keys(keys, at=AT)
        with pytest.raises(RotationTooEarly) as told:
            destroy_epoch(keys, "k1", at=AT)
        assert told.value.until == LATER


@pytest.mark.parametrize("epoch", ["k1", "i1", "l1", "k9", "", "K1"])
def test_what_writes_lasts_or_is_not_there_is_not_destroyed(five: Shop, epoch: str) -> None:
    """Neither the newest of a kind, nor the epoch of marks, nor a name nobody knows."""
    with five.open() as store:
        keys = five.keys(store)
        keys.ready(AT)
        before = list(store.epochs())
        with pytest.raises(InvalidValue):
            destroy_epoch(keys, epoch, at=later(10**6))
        assert list(store.epochs()) == before


def test_the_lasting_epoch_is_not_replaced_but_its_root_key_is(five: Shop) -> None:
    """Marks of the erased cannot be made again, so only what wraps their root changes."""
    with five.open() as store:
        keys = five.keys(store)
        with pytest.raises(InvalidValue):
            new_epoch(keys, LASTING, at=AT)
        with pytest.raises(InvalidValue):
            rotate(keys, at=AT, kinds=(KEK, LASTING))
        Keyring.add_root(five.ring)
        fresh = five.keys(store)
        assert rewrap_epochs(fresh) == 3
        assert rewrap_epochs(fresh) == 0
        root = fresh.epochs.root().key_id
        assert [row.epoch for row in store.epochs() if row.provider_key != root] == ["k1"]
        five.check(fresh)


def test_d30_a_backup_from_the_middle_of_a_rotation_opens_no_older_one(
    five: Shop, tmp_path: Path
) -> None:
    """The epochs out of a backup of then, put into a backup of before, open nobody either.

    The old epoch is never under the new root key: it would bring back whoever was erased between.
    """
    before = five.copy(tmp_path / "before")
    with five.open() as store:
        [old] = {row.provider_key for row in store.epochs()}
        Keyring.add_root(five.ring)
        keys = five.keys(store)
        rotate(keys, at=AT)
        rewrap_keys(keys, at=AT)
        middle = list(store.epochs())
        five.check(keys)
        destroy_epoch(keys, "k1", at=LATER)
        assert not key_status(keys).begun
        ring = Keyring.drop_root(five.ring, old)
    with before.open() as restored:
        with restored._file.writing() as port:
            port.run("DELETE FROM gdprkit_epoch", ())
        for row in middle:
            restored.add_epoch(row)
        for about in before.sealed:
            with pytest.raises(KeyEpochDestroyed):
                SubjectKeys(ring, restored, tenant="main").of(about)


def test_a_second_rotation_begins_while_an_old_epoch_is_still_there(five: Shop) -> None:
    """An epoch under the root key of its day is no unfinished rotation; both old ones go."""
    with five.open() as store:
        for number in (2, 3):
            Keyring.add_root(five.ring)
            keys = five.keys(store)
            assert key_status(keys).begun
            rotate(keys, at=AT)
            assert not key_status(keys).begun
            assert states(store)[f"k{number}"] is ACTIVE
        rewrap_keys(keys, at=AT)
        assert len({row.provider_key for row in store.epochs()}) == 3
        destroy_epoch(keys, "k1", at=LATER)
        destroy_epoch(keys, "k2", at=LATER)
        [root] = {e.root for e in key_status(keys).epochs if e.live}
        assert root == keys.epochs.root().key_id
        five.check(five.keys(store))


def test_a_process_from_before_the_rotation_wraps_by_the_root_key_of_now(five: Shop) -> None:
    """The first epochs of another tenant are not put under a root key that was dropped since."""
    early = Keyring.from_file(five.ring)
    with five.open() as store:
        whole(five, store)
        other = SqliteStore(store._file.path, tenant="other")
        SubjectKeys(early, other, tenant="other").ready(AT)
        SubjectKeys(Keyring.from_file(five.ring), other, tenant="other").ready(AT)
        other.close()


def test_status_tells_what_waits(five: Shop) -> None:
    """Rows under old epochs, rows under the newest, from when an old one is free, its root key."""
    with five.open() as store:
        keys = five.keys(store)
        before = key_status(keys)
        assert [(e.epoch, e.hanging, e.free_at) for e in before.epochs] == [
            ("k1", 5, None),
            ("l1", None, None),
        ]
        assert (before.waiting, before.begun, before.provider) == (0, False, "keyring")
        new_epoch(keys, KEK, at=AT)
        after = key_status(keys)
        assert [(e.epoch, e.hanging, e.free_at) for e in after.epochs] == [
            ("k1", 5, LATER),
            ("k2", 0, None),
            ("l1", None, None),
        ]
        assert (after.waiting, after.begun) == (5, False)
        assert [e.old for e in after.epochs] == [True, False, False]
        Keyring.add_root(five.ring)
        assert key_status(five.keys(store)).begun


def test_an_unfinished_rotation_is_finished_and_not_begun_anew(five: Shop) -> None:
    """Two epochs that write, or epochs under two root keys: rotate completes the same rotation."""
    with five.open() as store:
        keys = five.keys(store)
        keys.epochs.add(KEK, 2, AT)  # died before the first one was retired
        assert key_status(keys).begun
        assert new_epoch(keys, KEK, at=AT) == "k2"
        assert states(store)["k1"] is RETIRED
        Keyring.add_root(five.ring)
        fresh = five.keys(store)
        new_epoch(fresh, KEK, at=AT)  # died before the other epochs moved to the new root key
        assert key_status(fresh).begun
        rotate(fresh, at=AT)
        assert [e for e in states(store) if e.startswith("k")] == ["k1", "k2", "k3"]
        assert not key_status(fresh).begun
        five.check(five.keys(store))


def test_a_provider_without_a_root_key_makes_no_epoch(five: Shop, tmp_path: Path) -> None:
    """A keyring from before the last rotation cannot put people under a key that others lack."""
    stale = tmp_path / "stale.key"
    stale.write_text(five.ring.read_text())
    stale.chmod(0o600)
    with five.open() as store:
        whole(five, store)
        before = list(store.epochs())
        keys = SubjectKeys(Keyring.from_file(stale), store, tenant="main")
        with pytest.raises(KeyProviderDenied):
            rotate(keys, at=AT)
        assert list(store.epochs()) == before


def test_a_running_process_learns_of_a_new_root_key(five: Shop) -> None:
    """A keyring of a file reads it again for a root key it does not know, and wraps by it."""
    with five.open() as store:
        running = five.keys(store)
        five.check(running)
        Keyring.add_root(five.ring)
        other = five.keys(store)
        rotate(other, at=AT)
        running.refresh()  # as after the time to live
        five.add(running, store, 6)
        assert store.keys(list(five.sealed)[-1])[0].kek_id == "k2"
        assert running.epochs.root() == other.epochs.root()
        five.check(running)


def test_a_running_process_tells_a_finished_rotation_as_finished(five: Shop) -> None:
    """Its status is held against the root key of the file, not the one it read when it began."""
    with five.open() as store:
        running = five.keys(store)
        five.check(running)
        whole(five, store)
        assert key_status(running) == key_status(five.keys(store))
        assert not key_status(running).begun


def test_a_stale_reader_finds_an_epoch_under_its_new_root_key(five: Shop) -> None:
    """Rows read before the root key was dropped are read again, and not told as destroyed."""
    with five.open() as store:
        stale = five.keys(store)
        stale.refresh()  # knows the rows, has opened none
        [old] = {row.provider_key for row in store.epochs()}
        Keyring.add_root(five.ring)
        rewrap_epochs(five.keys(store))
        Keyring.drop_root(five.ring, old)
        late = SubjectKeys(Keyring.from_file(five.ring), store, tenant="main")
        late._keks._known = stale._keks._known
        late._keks._until = late._keks._monotonic() + 100
        five.check(late)


class Moving(DictStore):
    """Key rows are wrapped anew, and the old epoch dies, between a reader's look and its use."""

    moved = False

    def keys(self, about: SubjectId) -> tuple[KeyRow, ...]:
        seen = tuple(self.rows.get(about, ()))
        if not self.moved:
            self.moved = True
            other = make_keys(self)
            new_epoch(other, KEK, at=AT)
            rewrap_keys(other, at=AT)
            destroy_epoch(other, "k1", at=LATER)
        return seen


def test_a_reader_between_rewrap_and_destruction_reads() -> None:
    """Rows that name a dead epoch are read once more before anybody is told that a key is dead."""
    store = Moving()
    store.moved = True
    made = add_person(make_keys(store), store)
    store.moved = False
    assert make_keys(store).of(ANNA).newest.key_id == made.newest.key_id
    assert store.rows[ANNA][0].kek_id == "k2"


def test_a_damaged_row_is_named_and_left_and_holds_the_epoch() -> None:
    """One row that does not open stops nobody else's, and its epoch is not destroyed under it."""
    store = DictStore()
    keys = make_keys(store)
    for about in (ANNA, BERT):
        add_person(keys, store, about)
    good = store.rows[ANNA][0]
    bad = store.replace(good, wrapped=bytes(len(good.wrapped)))
    new_epoch(keys, KEK, at=AT)
    result = rewrap_keys(keys, at=AT)
    assert (result.rows, result.left, result.damaged) == (1, 0, ((ANNA, 1),))
    assert store.rows[ANNA] == [bad]
    with pytest.raises(KeyInUse):
        destroy_epoch(keys, "k1", at=LATER)
    store.rows[ANNA] = [good]
    assert rewrap_keys(keys, at=AT).rows == 1
    destroy_epoch(keys, "k1", at=LATER)


def test_destroyed_versions_hold_no_epoch() -> None:
    """A version without a key is not rewrapped and does not keep its epoch alive."""
    store = DictStore()
    keys = make_keys(store)
    add_person(keys, store)
    gone = attrs.evolve(store.rows[ANNA][0], state=DESTROYED, wrapped=b"")
    store.rows[ANNA] = [gone]
    new_epoch(keys, KEK, at=AT)
    assert rewrap_keys(keys, at=AT).rows == 0
    destroy_epoch(keys, "k1", at=LATER)
    assert store.rows[ANNA] == [gone]


def test_pages_of_one_row_move_everything_and_tell_progress(five: Shop) -> None:
    """The size of a batch changes nothing but the number of transactions."""
    with five.open() as store:
        keys = five.keys(store)
        new_epoch(keys, KEK, at=AT)
        told: list[int] = []
        assert rewrap_keys(keys, at=AT, batch=1, progress=told.append).rows == 5
        assert told == [1] * 5
        assert rewrap_keys(keys, at=AT).rows == 0
        five.check(keys)
        new_epoch(keys, KEK, at=AT)
        with pytest.raises(InvalidValue):
            rewrap_keys(keys, at=AT, batch=0)


@pytest.mark.parametrize(
    "change",
    [{"version": 2}, {"owner": b"somebody else"}, {"wrapped": b"\0" * 60}, {"wrapped": b"short"}],
    ids=["version", "owner", "flipped", "cut"],
)
def test_d26_a_moved_row_is_not_wrapped_anew(change: dict[str, Any]) -> None:
    """Rewrapping opens a key for its own person, version and epoch only, or not at all."""
    store = DictStore()
    keys = make_keys(store)
    keys.ready(AT)
    rows = keys.epochs
    rows.add(KEK, 2, AT)
    one, two = (Kek(row, rows.unwrap(row)) for row in rows.of(KEK).values())
    (key,), wrapped = one.make(version=1, owner=b"anna", random=counted(b"x"))
    row = KeyRow(
        about=ANNA,
        version=1,
        key_id=key.key_id,
        kek_id="k1",
        wrapped=wrapped,
        state=KeyState.ACTIVE,
        created=AT,
    )
    random = counted(b"y")
    owner = change.pop("owner", b"anna")
    with pytest.raises(KeyIntegrityError):
        one.rewrap(attrs.evolve(row, **change), under=two, owner=owner, random=random)
    with pytest.raises(KeyIntegrityError):
        two.rewrap(row, under=one, owner=b"anna", random=random)
    right = attrs.evolve(row, wrapped=one.rewrap(row, under=two, owner=b"anna", random=random))
    assert two.open(right, owner=b"anna")[0].key_id == key.key_id
    with pytest.raises(KeyIntegrityError):
        one.open(right, owner=b"anna")


def test_d36_an_epoch_that_has_wrapped_enough_takes_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rewrapping counts among the wraps that random nonces allow."""
    store = DictStore()
    keys = make_keys(store)
    add_person(keys, store)
    before = store.rows[ANNA]
    new_epoch(keys, KEK, at=AT)
    keys._keks.active(AT)._used = 2**31
    with pytest.raises(KeyExhausted, match="k2"):
        keys.rewrapped(before[0], at=AT)
    assert store.rows[ANNA] == before


def test_a_provider_that_returns_another_key_is_noticed_before_anything_is_lost() -> None:
    """What comes back from rewrapping is opened again before it takes the place of the row."""

    store = DictStore()
    keys = make_keys(store)
    keys.ready(AT)
    row = store.epoch_rows[0]
    other = make_keys(DictStore())
    other.ready(AT)
    false = other.epochs.of(row.kind)[row.epoch].wrapped

    class Swapping:
        """Answers with the key of another register under the same names."""

        def __init__(self, inner: object) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> object:
            return getattr(self.inner, name)

        def rewrap(self, wrapped: bytes, context: object) -> bytes:
            return false

    keys.epochs._provider = Swapping(keys.epochs._provider)  # type: ignore[misc, assignment]
    before = list(store.epoch_rows)
    with pytest.raises(KeyIntegrityError, match="another key"):
        rewrap_epochs(keys)
    assert store.epoch_rows == before


def test_a_backup_from_the_middle_is_restored_and_rotated_on(five: Shop, tmp_path: Path) -> None:
    """After ``rewrap`` a backup needs nothing of the old root key: it reads, rotates and destroys.

    What had not moved when it was made is told by name, and holds up nothing else.
    """
    with five.open() as store:
        [old] = {row.provider_key for row in store.epochs()}
        Keyring.add_root(five.ring)
        keys = five.keys(store)
        rotate(keys, at=AT)
        early = five.copy(tmp_path / "early")
        rewrap_keys(keys, at=AT)
        late = five.copy(tmp_path / "late")
    Keyring.drop_root(five.ring, old)
    ring = Keyring.from_file(five.ring)
    with late.open() as store:
        keys = SubjectKeys(ring, store, tenant="main")
        late.check(keys)
        rotate(keys, at=AT)
        assert rewrap_keys(keys, at=AT).rows == len(late.sealed)
        destroy_epoch(keys, "k1", at=LATER)
        destroy_epoch(keys, "k2", at=LATER)
        late.check(keys)
    with early.open() as store:
        keys = SubjectKeys(ring, store, tenant="main")
        early.add(keys, store, 6)
        rotate(keys, at=AT)
        done = rewrap_keys(keys, at=AT)
        assert (done.rows, done.left, len(done.damaged)) == (1, 0, 5)
        destroy_epoch(keys, "k2", at=LATER)
        with pytest.raises(KeyInUse):
            destroy_epoch(keys, "k1", at=LATER)
