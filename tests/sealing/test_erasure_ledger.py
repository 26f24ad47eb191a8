"""The erasure ledger: what it keeps, what it calls damage, and when a store is behind it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.sealing.support import (
    ANNA,
    AT,
    BERT,
    SHRED,
    Clock,
    DictStore,
    add_person,
    make_keys,
    rotate,
)

from gdprkit.errors import InvalidValue
from gdprkit.sealing.envelope import SealedField
from gdprkit.sealing.erasure_file import FileErasureLedger
from gdprkit.sealing.erasures import ErasureLedger, ErasureWatch, MemoryErasureLedger
from gdprkit.sealing.errors import (
    ErasureLedgerDamaged,
    ErasureLedgerUnavailable,
    KeyStoreRolledBack,
    ProcessingRestricted,
    ShredHeld,
    SubjectErased,
)
from gdprkit.sealing.fields import SealedFields
from gdprkit.sealing.rows import Tombstone
from gdprkit.sealing.settings import KeySettings
from gdprkit.words.vocabulary import ErasureReason, RestrictedUse

ROOT = Path(__file__).parents[2]


def erasure(number: int, reference: str = "case") -> Tombstone:
    return Tombstone(
        mark=number.to_bytes(32, "big"),
        erased_at=AT,
        reason=ErasureReason.CONSENT_WITHDRAWN,
        reference=reference,
        key_ids=(bytes([number]) * 20,),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "erasures.jsonl"


@pytest.fixture(params=["memory", "file"])
def ledger(request: pytest.FixtureRequest, path: Path) -> ErasureLedger:
    return MemoryErasureLedger() if request.param == "memory" else FileErasureLedger(path)


# --- what every ledger does ----------------------------------------------------------------------


def test_a_ledger_keeps_order_and_the_first_of_each_mark(ledger: ErasureLedger) -> None:
    """What is appended comes back equal and in order; a mark that is there stays as it was."""
    assert list(ledger.records()) == []
    ledger.append([erasure(1), erasure(2, 'å "}\n'), erasure(1, "again")])
    ledger.append([erasure(2, "later"), erasure(3)])
    ledger.append([])
    assert list(ledger.records()) == [erasure(1), erasure(2, 'å "}\n'), erasure(3)]


def test_only_a_file_outlives_the_process(path: Path) -> None:
    """A receipt says that restores are guarded only where the list is on a disk."""
    assert not MemoryErasureLedger().durable
    assert FileErasureLedger(path).durable


# --- the file ------------------------------------------------------------------------------------


def test_the_bytes_of_a_line_are_pinned(path: Path) -> None:
    """A line is canonical JSON; its digest is that of magic, what stood before, and the line."""
    FileErasureLedger(path).append([erasure(1)])
    mark, key_id = "0" * 63 + "1", "01" * 20
    bare = (
        f'"erased_at":1774947600000000,"key_ids":["{key_id}"],"mark":"{mark}",'
        '"reason":"consent-withdrawn","reference":"case","seq":1}'
    )
    magic = b"gdprkit/erasures/v1\0"
    before = sha256(magic + b"main").digest()
    digest = sha256(magic + before + f"{{{bare}".encode()).hexdigest()
    assert digest == "bc683b87a756da6f9ff0f891e7350d9040cf50befdda1ba732471ad84f553245"
    assert path.read_bytes() == f'{{"digest":"{digest}",{bare}\n'.encode()


def test_the_file_is_its_owners_alone(path: Path) -> None:
    """A new file is readable by nobody else, also under a generous umask."""
    before = os.umask(0)
    try:
        FileErasureLedger(path).append([erasure(1)])
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_is_on_the_disk_before_append_returns(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is synced with each append, and its directory with the first one."""
    synced: list[bool] = []
    real = os.fsync

    def fsync(file: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(file).st_mode))
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    ledger = FileErasureLedger(path)
    ledger.append([erasure(1)])
    assert synced == [False, True]
    ledger.append([erasure(2)])
    assert synced == [False, True, False]


def test_another_opening_goes_on_where_the_first_ended(path: Path) -> None:
    """Two objects of one file see each other's lines and keep one chain."""
    one, two = FileErasureLedger(path), FileErasureLedger(path)
    for number, ledger in enumerate((one, two, two, one), start=1):
        ledger.append([erasure(number)])
    wanted = [erasure(number) for number in range(1, 5)]
    assert list(one.records()) == list(two.records()) == wanted
    assert list(FileErasureLedger(path).records()) == wanted


def test_every_cut_of_the_last_line_is_mended(path: Path) -> None:
    """A crash at any byte of the last write: whole lines stay, the torn one goes, work goes on."""
    ledger = FileErasureLedger(path)
    ledger.append([erasure(1)])
    first = path.stat().st_size
    ledger.append([erasure(2, 'a "}" in it')])
    whole = path.read_bytes()
    for length in range(first, len(whole)):
        path.write_bytes(whole[:length])
        kept = [erasure(1), *([erasure(2, 'a "}" in it')] if length == len(whole) - 1 else [])]
        assert list(FileErasureLedger(path).records()) == kept
        FileErasureLedger(path).append([erasure(2, 'a "}" in it')])
        assert path.read_bytes() == whole
    path.write_bytes(whole[: first + 9] + bytes(40))  # what some file systems leave of a crash
    assert list(FileErasureLedger(path).records()) == [erasure(1)]


def test_every_changed_byte_is_damage_of_its_line(path: Path) -> None:
    """Any bit of any line but the last newline: an error names the line, the file is untouched."""
    FileErasureLedger(path).append([erasure(1), erasure(2), erasure(3)])
    whole = path.read_bytes()
    for place in range(len(whole) - 1):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(ErasureLedgerDamaged) as caught:
            FileErasureLedger(path).records()
        line = whole.count(b"\n", 0, place) + 1
        assert caught.value.line == line
        assert path.read_bytes() == bytes(damaged)
        with pytest.raises(ErasureLedgerDamaged):
            FileErasureLedger(path).append([erasure(4)])
        assert path.read_bytes() == bytes(damaged)


@pytest.mark.parametrize("drop", [0, 1])
def test_a_line_taken_out_is_found(path: Path, drop: int) -> None:
    """The line after the gap no longer chains."""
    FileErasureLedger(path).append([erasure(1), erasure(2), erasure(3)])
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[drop]
    path.write_bytes(b"".join(lines))
    with pytest.raises(ErasureLedgerDamaged) as caught:
        FileErasureLedger(path).records()
    assert caught.value.line == drop + 1


@pytest.mark.parametrize("line", [b"{}", b"[]", b"7", b"[" * 100_000, b'{"seq":1}', b""])
def test_a_strange_line_is_damage(path: Path, line: bytes) -> None:
    """Whatever else stands there: the error of the ledger, no other one."""
    path.write_bytes(line + b"\n")
    with pytest.raises(ErasureLedgerDamaged, match="line 1"):
        FileErasureLedger(path).records()


@pytest.mark.parametrize("change", ["shorter", "other", "gone"])
def test_a_ledger_that_shrinks_under_us_is_damage(path: Path, change: str) -> None:
    """What was read once does not vanish: cut, replaced or deleted, the next look says so."""
    ledger = FileErasureLedger(path)
    ledger.append([erasure(1), erasure(2)])
    lines = path.read_bytes().splitlines(keepends=True)
    if change != "shorter":
        path.rename(path.with_name("elsewhere"))
    if change != "gone":
        path.write_bytes(lines[0])
    with pytest.raises(ErasureLedgerDamaged):
        ledger.records()


def test_a_ledger_belongs_to_its_tenant(path: Path) -> None:
    """Another tenant's file is refused at its first line, and by the keys at once."""
    FileErasureLedger(path, tenant="north").append([erasure(1)])
    with pytest.raises(ErasureLedgerDamaged):
        FileErasureLedger(path, tenant="south").records()
    with pytest.raises(InvalidValue, match="erasures"):
        make_keys(DictStore(), erasures=MemoryErasureLedger("north"))


def test_a_ledger_without_a_place_is_refused(tmp_path: Path) -> None:
    """No directory and no tenant are mistakes of the caller, told at once."""
    with pytest.raises(InvalidValue, match="path"):
        FileErasureLedger(tmp_path / "nowhere" / "erasures")
    with pytest.raises(InvalidValue, match="tenant"):
        FileErasureLedger(tmp_path / "erasures", tenant="")


def test_what_the_system_refuses_is_told(tmp_path: Path) -> None:
    """A path that is a directory: an error to try again after, and the path is not in it."""
    ledger = FileErasureLedger(tmp_path)
    for call in (ledger.records, lambda: ledger.append([erasure(1)])):
        with pytest.raises(ErasureLedgerUnavailable, match="EISDIR") as caught:
            call()
        assert str(tmp_path) not in str(caught.value)


def test_a_write_that_fails_is_taken_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk in the middle of a line leaves no half line behind."""
    ledger = FileErasureLedger(path)
    ledger.append([erasure(1)])
    before = path.read_bytes()
    real = os.write

    def write(file: int, data: bytes) -> int:
        if len(data) < 100:
            raise OSError(28, "No space left on device")
        return real(file, data[:-50])

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(ErasureLedgerUnavailable, match="ENOSPC"):
        ledger.append([erasure(2)])
    assert path.read_bytes() == before
    monkeypatch.undo()
    ledger.append([erasure(2)])
    assert list(FileErasureLedger(path).records()) == [erasure(1), erasure(2)]


def test_threads_and_processes_append_to_one_chain(path: Path) -> None:
    """Several writers at once, in processes with two threads each: every line there, one chain."""
    code = (
        "import sys, threading\n"
        "from tests.sealing.test_erasure_ledger import erasure\n"
        "from gdprkit.sealing.erasure_file import FileErasureLedger\n"
        "ledger = FileErasureLedger(sys.argv[1])\n"
        "def work(start):\n"
        "    for n in range(start, start + 20):\n"
        "        ledger.append([erasure(n)])\n"
        "start = int(sys.argv[2])\n"
        "threads = [threading.Thread(target=work, args=(start + k,)) for k in (0, 20)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(start)], env=environment)
        for start in (1, 41)
    ]
    assert [child.wait() for child in children] == [0, 0]
    found = FileErasureLedger(path).records()
    assert sorted(row.mark for row in found) == [erasure(n).mark for n in range(1, 81)]


# --- a store and its ledger ----------------------------------------------------------------------


def rolled_back() -> tuple[DictStore, MemoryErasureLedger]:
    """Return a store restored from before Anna's erasure, and the ledger that knows of it."""
    store, ledger = DictStore(), MemoryErasureLedger()
    keys = make_keys(store)
    for about in (ANNA, BERT):
        add_person(keys, store, about)
    ledger.append([keys.tombstone_for(ANNA, **SHRED)])
    return store, ledger


def test_d29_a_store_behind_its_ledger_opens_nobodys_keys() -> None:
    """Each method that could hand out or make a key refuses, for everybody, and may be retried."""
    store, ledger = rolled_back()
    keys = make_keys(store, erasures=ledger)
    calls: list[Any] = [
        lambda: keys.of(BERT),
        lambda: keys.for_writing(BERT),
        lambda: keys.create(BERT, at=AT, version=2),
        lambda: keys.erased(BERT),
        lambda: keys.tombstone_for(BERT, **SHRED),
        lambda: keys.marks(BERT),
        lambda: keys.term("lookup/email", "anna@example.com", at=AT),
        lambda: keys.terms("lookup/email", "anna@example.com"),
    ]
    for call in calls:
        with pytest.raises(KeyStoreRolledBack) as caught:
            call()
        assert caught.value.missing == 1
        assert caught.value.retryable
    store.shred(ANNA, ledger.records()[0])
    keys.of(BERT)
    with pytest.raises(SubjectErased):
        keys.of(ANNA)


def test_d29_a_restore_under_a_running_process_is_noticed_within_the_ttl() -> None:
    """The store falls back while a process lives: keys it holds open end with its belief."""
    clock, ledger, store = Clock(), MemoryErasureLedger(), DictStore()
    keys = make_keys(store, erasures=ledger, settings=KeySettings(ttl=60), monotonic=clock)
    add_person(keys, store, BERT)
    add_person(keys, store, ANNA)
    ledger.append([keys.tombstone_for(ANNA, **SHRED)])
    keys.of(BERT)
    clock.now += 60
    with pytest.raises(KeyStoreRolledBack):
        keys.of(BERT)


def test_the_ledger_is_not_asked_at_every_call() -> None:
    """Within the time to live nothing is compared again."""
    asked: list[int] = []

    class Counted:
        tenant, durable = "main", True

        def append(self, erasures: Any) -> None:
            raise AssertionError

        def records(self) -> tuple[Tombstone, ...]:
            asked.append(1)
            return ()

    clock, store = Clock(), DictStore()
    keys = make_keys(store, erasures=Counted(), settings=KeySettings(ttl=60), monotonic=clock)
    add_person(keys, store)
    for _ in range(9):
        keys.of(ANNA)
    assert len(asked) == 1
    clock.now += 60
    keys.of(ANNA)
    assert len(asked) == 2


def test_an_erasure_at_this_moment_is_no_rollback() -> None:
    """Another process commits and appends while we compare: the ledger was read first."""
    store, ledger = rolled_back()

    class Slow(DictStore):
        def tombstones(self) -> Any:
            before = store.tombstones()
            store.shred(ANNA, tombstone)
            late.append([tombstone])
            return before

    tombstone = ledger.records()[0]
    late = MemoryErasureLedger()
    assert ErasureWatch(late, Slow(), ttl=0, monotonic=Clock()).missing() == ()


def test_what_only_the_store_knows_is_added() -> None:
    """A crash between commit and append, or a lost ledger: the tombstones tell it again."""
    store, ledger = rolled_back()
    store.shred(ANNA, ledger.records()[0])
    empty = MemoryErasureLedger()
    watch = ErasureWatch(empty, store, ttl=0, monotonic=Clock())
    watch.mend()
    watch.mend()
    assert list(empty.records()) == list(ledger.records())
    watch.wrote(erasure(7))
    assert list(empty.records()) == [*ledger.records(), erasure(7)]


def test_a_comparison_adds_what_only_the_store_knows() -> None:
    """A process that lives on makes good what another one, which died, left out of the ledger.

    A ledger that cannot be written in that moment stops nobody; the next comparison tries again.
    """
    store, ledger = rolled_back()
    store.shred(ANNA, ledger.records()[0])

    class Full(MemoryErasureLedger):  # type: ignore[misc]  # a ledger in memory is final
        full = True

        def append(self, erasures: Any) -> None:
            if self.full:
                raise ErasureLedgerUnavailable("cannot be written (ENOSPC)")
            super().append(erasures)

    behind, clock = Full(), Clock()
    watch = ErasureWatch(behind, store, ttl=60, monotonic=clock)
    watch.check()
    assert list(behind.records()) == []
    behind.full = False
    watch.check()
    assert list(behind.records()) == [], "nothing is compared before the time has come"
    clock.now += 60
    watch.check()
    assert list(behind.records()) == list(ledger.records())


def test_a_ledger_nobody_can_read_opens_nobodys_keys(tmp_path: Path) -> None:
    """Whether the store is behind is not known then, so nothing is served."""
    store, _ = rolled_back()
    keys = make_keys(store, erasures=FileErasureLedger(tmp_path))
    with pytest.raises(ErasureLedgerUnavailable):
        keys.of(BERT)


# --- writing -------------------------------------------------------------------------------------


def test_d24_strict_writes_ask_before_each_seal() -> None:
    """With strict_writes a warm cache seals nothing once the erasure is committed elsewhere."""
    store = DictStore()
    warm = make_keys(store, settings=KeySettings(strict_writes=True))
    lax = make_keys(store)
    add_person(warm, store)
    lax.of(ANNA)
    store.shred(ANNA, make_keys(store).tombstone_for(ANNA, **SHRED))
    with pytest.raises(SubjectErased):
        warm.for_writing(ANNA)
    lax.for_writing(ANNA)  # without it the store's batch is what refuses


def test_d24_a_batch_under_way_is_whole() -> None:
    """An erasure while another thread seals: a batch is whole or refused, none comes after it."""
    store = DictStore()
    keys = make_keys(store)
    add_person(keys, store)
    fields, note = SealedFields(keys), SealedField("vault", "note")
    begun, over = threading.Event(), threading.Event()
    sizes: list[int] = []
    late: list[bool] = []

    def work() -> None:
        while True:
            after = over.is_set()
            try:
                batch = fields.seal_many(ANNA, [(f"x{n}", note, n) for n in range(20)])
            except SubjectErased:
                return
            sizes.append(len(batch))
            late.append(after)
            begun.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(10)
    store.shred(ANNA, keys.tombstone_for(ANNA, **SHRED))
    keys.forget(ANNA)
    over.set()
    thread.join(10)
    assert not thread.is_alive()
    assert set(sizes) == {20}
    assert not any(late)


# --- holds and restrictions ----------------------------------------------------------------------


def test_d25_the_hold_on_any_version_refuses() -> None:
    """An old key on hold is enough, and the others are not destroyed either."""
    store = DictStore()
    keys = make_keys(store)
    add_person(keys, store)
    rotate(keys, store)
    old, new = store.rows[ANNA]
    store.replace(old, on_hold=True)
    with pytest.raises(ShredHeld):
        keys.tombstone_for(ANNA, **SHRED)
    assert store.rows[ANNA] == [attrs.evolve(old, on_hold=True), new]


def test_d25_a_restricted_key_opens_for_the_grounds_of_article_18_only() -> None:
    """Any restricted version closes every other use; each ground of the law opens."""
    store = DictStore()
    keys = make_keys(store)
    add_person(keys, store)
    rotate(keys, store)
    store.replace(store.rows[ANNA][0], restricted=True)
    keys.forget(ANNA)
    for get in (keys.of, keys.for_writing):
        with pytest.raises(ProcessingRestricted) as caught:
            get(ANNA)
        assert caught.value.about == ANNA
        for use in RestrictedUse:
            get(ANNA, use=use)


def test_d25_a_restriction_holds_at_once_here_and_within_the_ttl_elsewhere() -> None:
    """A warm cache obeys after forget, or when its time is over; lifting it works the same way."""
    clock, store = Clock(), DictStore()
    keys = make_keys(store, settings=KeySettings(ttl=60), monotonic=clock)
    add_person(keys, store)
    row = store.replace(store.rows[ANNA][0], restricted=True)
    keys.of(ANNA)  # nobody told this process yet
    clock.now += 60
    with pytest.raises(ProcessingRestricted):
        keys.of(ANNA)
    store.replace(row, restricted=False)
    keys.forget(ANNA)
    keys.of(ANNA)


def test_junk_behind_a_whole_record_is_damage(path: Path) -> None:
    """A last newline that became another byte, ASCII or not, is no torn write to be cut off."""
    FileErasureLedger(path).append([erasure(1), erasure(2)])
    raw = path.read_bytes()
    for junk in (b"\x8a", b"\x0b", b"}"):
        path.write_bytes(raw[:-1] + junk)
        with pytest.raises(ErasureLedgerDamaged):
            FileErasureLedger(path).records()
        assert path.read_bytes() == raw[:-1] + junk


def test_nothing_is_written_that_would_not_be_read_again(path: Path) -> None:
    """A record of wrong types is refused before it damages the file for good."""
    ledger = FileErasureLedger(path)
    ledger.append([erasure(1)])
    wrong = erasure(2)
    object.__setattr__(wrong, "reference", 7)  # past what refuses it
    with pytest.raises(ErasureLedgerDamaged):
        ledger.append([wrong])
    assert list(FileErasureLedger(path).records()) == [erasure(1)]
    ledger.append([erasure(2)])
    assert list(FileErasureLedger(path).records()) == [erasure(1), erasure(2)]
