"""Root keys that come and go in a file, and keyrings out of a variable (D.28, D.34, D.35)."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import traceback
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.sealing.support import ANNA, AT, DictStore, add_person, make_keys

import gdprkit
from gdprkit.sealing.errors import (
    FieldCryptoError,
    KeyEpochDestroyed,
    KeyIntegrityError,
    KeyProviderDenied,
    KeyProviderUnavailable,
)
from gdprkit.sealing.keyring import change_file
from gdprkit.sealing.providers import Keyring

KEY = bytes(range(32))
OLD, NEW = (b64encode(bytes((n,)) * 32).decode() for n in (1, 2))
PLACE = {"tenant": "main", "epoch": "k1"}
posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")


def written(path: Path, text: str = f"active old\nold {OLD}\n") -> Path:
    path.write_bytes(text.encode())
    path.chmod(0o600)
    return path


def active(path: Path) -> str:
    return Keyring.from_file(path).describe().key_id


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_root_key_wraps_and_the_old_one_still_opens(tmp_path: Path) -> None:
    """After add_root the new key is active, in the file too, and everything before it opens."""
    path = tmp_path / "root.key"
    first = Keyring.create(path)
    before = first.describe().key_id
    wrapped = first.wrap(KEY, PLACE)
    second = Keyring.add_root(path)
    assert active(path) == second.describe().key_id != before
    assert first.describe() == second.describe()
    assert second.unwrap(wrapped, PLACE) == KEY
    moved = second.rewrap(wrapped, PLACE)
    assert moved is not None
    assert Keyring.from_file(path).unwrap(moved, PLACE) == KEY
    elsewhere = Keyring.from_text(f"active old\nold {OLD}\n")
    with pytest.raises(KeyProviderDenied, match=second.describe().key_id):
        elsewhere.unwrap(moved, PLACE)
    third = Keyring.add_root(path)
    assert third.unwrap(wrapped, PLACE) == third.unwrap(moved, PLACE) == KEY
    assert names(tmp_path) == ["root.key"]


def test_add_root_keeps_every_other_byte(tmp_path: Path) -> None:
    """Comments in any encoding, order and Windows line ends stay; a missing last end is made."""
    path = tmp_path / "root.key"
    kept = b"# wir h\xc3\xbcten \xe2\x80\xa8 das \xff\r\nold " + OLD.encode() + b"\r\n"
    path.write_bytes(kept + b"active old")
    path.chmod(0o600)
    name = Keyring.add_root(path).describe().key_id
    lines = path.read_bytes()
    assert lines.startswith(kept + f"active {name}\n{name} ".encode())
    assert lines.endswith(b"\n")
    assert len(lines.split(b"\n")) == 5


@posix
def test_the_file_keeps_owner_and_rights_and_a_link_stays_a_link(tmp_path: Path) -> None:
    """A file that its owner may only read stays so, and a link goes on to lead to it."""
    path = written(tmp_path / "real.key")
    path.chmod(0o400)
    link = tmp_path / "root.key"
    link.symlink_to(path)
    before = path.stat()
    Keyring.add_root(link)
    after = path.stat()
    assert stat.S_IMODE(after.st_mode) == 0o400
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino
    assert link.is_symlink()
    assert len(path.read_text().splitlines()) == 3


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root gives files away")
def test_a_change_by_root_leaves_the_file_with_its_owner(tmp_path: Path) -> None:
    """The service that owns the keyring can read it after an administrator rotated it."""
    path = written(tmp_path / "root.key")
    os.chown(path, 12345, 12346)
    Keyring.add_root(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


@posix
def test_d35_a_file_that_others_can_use_is_not_changed(tmp_path: Path) -> None:
    """A keyring that others may read gets no new key: whoever read it once would read that too."""
    path = written(tmp_path / "root.key")
    path.chmod(0o640)
    before = path.read_bytes()
    for change in (Keyring.add_root, lambda place: Keyring.drop_root(place, "old")):
        with pytest.raises(KeyProviderDenied, match="chmod 600"):
            change(path)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["root.key"]


def test_d28_destroyed_missing_and_altered_are_three_answers(tmp_path: Path) -> None:
    """A dropped root key is destroyed, an unknown one is denied, other bytes are damage."""
    path = written(tmp_path / "root.key", f"active new\nold {OLD}\nnew {NEW}\n")
    wrapped = Keyring.from_text(f"active old\nold {OLD}").wrap(KEY, PLACE)
    left = Keyring.drop_root(path, "old")
    assert path.read_text() == f"active new\ndestroyed old\nnew {NEW}\n"
    for ring in (left, Keyring.from_file(path)):
        for call in (ring.unwrap, ring.rewrap):
            with pytest.raises(KeyEpochDestroyed) as destroyed:
                call(wrapped, PLACE)
            assert destroyed.value.epoch == "k1"
            assert not destroyed.value.retryable
        assert ring.unwrap(ring.wrap(KEY, PLACE), PLACE) == KEY
    with pytest.raises(KeyEpochDestroyed, match="under root key old"):
        left.unwrap(wrapped, {})
    with pytest.raises(KeyProviderDenied, match="'old'"):
        Keyring.from_text(f"active new\nnew {NEW}").unwrap(wrapped, PLACE)
    with pytest.raises(KeyIntegrityError, match="'old'"):
        Keyring.from_text(f"active new\nnew {NEW}\nold {NEW}").unwrap(wrapped, PLACE)


def test_d28_a_store_under_a_destroyed_root_key_says_so(tmp_path: Path) -> None:
    """Whoever opens a store whose epochs were not wrapped anew hears that they are destroyed."""
    path = tmp_path / "root.key"
    store = DictStore()
    first = Keyring.create(path)
    old = first.describe().key_id
    add_person(make_keys(store, provider=first), store)
    Keyring.add_root(path)
    ring = Keyring.drop_root(path, old)
    keys = make_keys(store, provider=ring)
    with pytest.raises(KeyEpochDestroyed) as destroyed:
        keys.of(ANNA)
    assert destroyed.value.epoch in {row.epoch for row in store.epochs()}
    with pytest.raises(KeyEpochDestroyed):
        keys.create(ANNA, at=AT)


def test_dropping_again_changes_nothing(tmp_path: Path) -> None:
    """After a crash that hid whether the key went, dropping it again is safe."""
    path = written(tmp_path / "root.key", f"active new\nold {OLD}\nnew {NEW}\n")
    Keyring.drop_root(path, "old")
    before = path.read_bytes()
    assert Keyring.drop_root(path, "old").describe().key_id == "new"
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("key_id", "problem"),
    [("new", "wraps with root key 'new' now"), ("other", "holds no root key"), ("active", "holds")],
)
def test_the_active_and_unknown_root_keys_are_not_dropped(
    tmp_path: Path, key_id: str, problem: str
) -> None:
    """The key that wraps now stays, and a misspelt id drops nothing."""
    path = written(tmp_path / "root.key", f"active new\nold {OLD}\nnew {NEW}\n")
    before = path.read_bytes()
    with pytest.raises(KeyProviderDenied, match=problem) as denied:
        Keyring.drop_root(path, key_id)
    assert denied.value.cure
    assert path.read_bytes() == before
    assert names(tmp_path) == ["root.key"]


def test_d34_a_key_passed_as_an_id_is_not_repeated(tmp_path: Path) -> None:
    """Whoever passes the key in the place of its id does not find it in the log."""
    path = written(tmp_path / "root.key")
    with pytest.raises(KeyProviderDenied) as denied:
        Keyring.drop_root(path, OLD)
    assert OLD not in str(denied.value) + repr(denied.value)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (f"destroyed {NEW}", "line 3 names no root key"),
        ("destroyed ../x", "line 3 names no root key"),
        ("destroyed old", "line 3 repeats the id"),
        ("destroyed x\ndestroyed x", "line 4 repeats the id"),
        (f"destroyed x\nx {NEW}", "line 4 repeats the id"),
        ("destroyed", "line 3 is not an id and a key"),
    ],
)
def test_d35_broken_lines_of_destroyed_keys(line: str, problem: str) -> None:
    """A key is there or destroyed, once; a line that says otherwise is told by its number."""
    with pytest.raises(KeyProviderDenied, match=problem) as denied:
        Keyring.from_text(f"active old\nold {OLD}\n{line}\n")
    assert NEW not in str(denied.value)


def test_d35_a_destroyed_key_cannot_be_active() -> None:
    """A keyring whose active key is destroyed wraps nothing."""
    with pytest.raises(KeyProviderDenied, match="does not name one of its keys as active"):
        Keyring.from_text(f"active x\ndestroyed x\nold {OLD}\n")


def test_d35_no_new_key_goes_into_what_is_no_keyring(tmp_path: Path) -> None:
    """A broken file, a huge one and one that would become huge stay as they are."""
    full = f"active old\nold {OLD}\n".ljust(2**16 - 20, "#") + "\n"
    for text, problem in (
        (f"old {OLD}\n", "active"),
        ("#" * 70_000, "too large"),
        (full, "too large"),
    ):
        path = written(tmp_path / "root.key", text)
        with pytest.raises(KeyProviderDenied, match=problem):
            Keyring.add_root(path)
        assert path.read_text() == text
        assert names(tmp_path) == ["root.key"]


def test_a_new_key_that_takes_an_old_id_is_refused(tmp_path: Path) -> None:
    """Should chance repeat an id, the old key is not covered by the new one."""
    path = written(tmp_path / "root.key", f"active root-00000000\nroot-00000000 {OLD}\n")
    with pytest.raises(KeyProviderDenied, match="repeats the id"):
        Keyring.add_root(path, random=bytes)
    assert active(path) == "root-00000000"


def test_d28_a_missing_file_is_not_made(tmp_path: Path) -> None:
    """Adding a key to a keyring that is not there makes none: that would be another keyring."""
    for path in (tmp_path / "root.key", tmp_path / "absent" / "root.key"):
        with pytest.raises(KeyProviderUnavailable) as missing:
            Keyring.add_root(path)
        assert missing.value.retryable
    assert names(tmp_path) == []


def test_of_two_changes_at_once_one_is_refused(tmp_path: Path) -> None:
    """While a change is under way, another one is refused and told which file to look at."""
    path = written(tmp_path / "root.key")
    refusals = []

    def slow(text: str) -> str:
        with pytest.raises(KeyProviderDenied, match="being changed by somebody else") as refused:
            Keyring.add_root(path)
        refusals.append(refused.value)
        assert names(tmp_path) == ["root.key", "root.key.new"]
        return text.replace("old", "ancient")

    assert change_file(path, slow) == path.read_text()
    assert active(path) == "ancient"
    assert names(tmp_path) == ["root.key"]
    assert str(tmp_path / "root.key.new") in str(refusals[0])
    assert Keyring.add_root(path).describe().key_id == active(path)


def test_many_changes_at_once_lose_no_root_key(tmp_path: Path) -> None:
    """Whoever was told that a key was added finds it in the file; the others were refused."""
    path = tmp_path / "root.key"
    first = Keyring.create(path).describe().key_id

    refusals: list[str] = []

    def add(_: int) -> str | None:
        try:
            return Keyring.add_root(path).root_ids[-1]
        except KeyProviderDenied as refused:
            refusals.append(str(refused))
            return None

    with ThreadPoolExecutor(8) as pool:
        added = {name for name in pool.map(add, range(40)) if name is not None}
    lines = path.read_text().splitlines()
    kept = {line.split()[0] for line in lines if line.startswith("root-")}
    assert kept == added | {first}
    assert len(added) + len(refusals) == 40
    assert all("by somebody else" in text for text in refusals)
    assert active(path) in added
    assert names(tmp_path) == ["root.key"]


def test_a_change_by_hand_meanwhile_is_not_lost(tmp_path: Path) -> None:
    """Where an editor wrote the file during a change, the change gives way."""
    path = written(tmp_path / "root.key")

    def overtaken(text: str) -> str:
        written(path, f"active mine\nmine {NEW}\n")
        return text

    problem = change_file(path, overtaken)
    assert isinstance(problem, KeyProviderDenied)
    assert "meanwhile" in str(problem)
    assert active(path) == "mine"
    assert names(tmp_path) == ["root.key"]


def changes(path: Path) -> list[Callable[[], object]]:
    return [lambda: Keyring.add_root(path), lambda: Keyring.drop_root(path, "old")]


@posix
@pytest.mark.parametrize("which", [0, 1], ids=["add", "drop"])
@pytest.mark.parametrize("step", ["fsync", "fchmod"])
def test_d34_a_disk_that_fails_leaves_the_old_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: int, step: str
) -> None:
    """An error while the new file is written says to try again, and leaves nothing behind."""
    path = written(tmp_path / "root.key", f"active new\nold {OLD}\nnew {NEW}\n")
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(KeyProviderUnavailable, match="No space left") as failed:
        changes(path)[which]()
    for text in shown_by(failed.value):
        assert OLD not in text
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert names(tmp_path) == ["root.key"]


@posix
def test_d34_a_name_that_may_not_last_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the directory cannot be made to last, the caller hears it; trying again is safe."""
    path = written(tmp_path / "root.key", f"active new\nold {OLD}\nnew {NEW}\n")
    fsync, calls = os.fsync, []

    def failing(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(KeyProviderUnavailable, match="Input/output error"):
        Keyring.drop_root(path, "old")
    assert names(tmp_path) == ["root.key"]
    assert Keyring.drop_root(path, "old").describe().key_id == "new"
    assert path.read_text() == f"active new\ndestroyed old\nnew {NEW}\n"


def test_d34_errors_of_changes_hold_no_key_in_any_frame(tmp_path: Path) -> None:
    """What went wrong travels without the text of the file and without the new key."""
    path = written(tmp_path / "root.key", f"active old\nold {OLD}\nold {NEW}\n")
    random = b"\x07" * 40
    calls: list[Callable[[], object]] = [
        lambda: Keyring.add_root(path, random=lambda size: random[:size]),
        lambda: Keyring.drop_root(path, "old"),
    ]
    for change in calls:
        with pytest.raises(KeyProviderDenied, match="repeats") as raised:
            change()
        for text in shown_by(raised.value):
            for secret in (OLD, NEW, repr(random[:32])[2:-1], b64encode(random[:32]).decode()):
                assert secret not in text


def shown_by(error: FieldCryptoError) -> list[str]:
    """Return what a reporter of errors could show: texts, causes and the variables of frames."""
    shown = [str(error), repr(error)]
    seen: BaseException | None = error
    while seen is not None:
        shown.append(repr(seen))
        for frame, _ in traceback.walk_tb(seen.__traceback__):
            if "tests" not in frame.f_code.co_filename:
                shown.extend(repr(value) for value in frame.f_locals.values())
        seen = seen.__context__
    return shown


KILLED = """
import os, sys, pathlib
from gdprkit.sealing.providers import Keyring
path, step, change = sys.argv[1:]
count = 0
def dying(function):
    def call(*args, **more):
        global count
        count += 1
        if count == int(step):
            os._exit(9)
        return function(*args, **more)
    return call
for name in ("open", "fchmod", "fsync", "write"):
    setattr(os, name, dying(getattr(os, name)))
pathlib.Path.replace = dying(pathlib.Path.replace)
pathlib.Path.unlink = dying(pathlib.Path.unlink)
if change == "add":
    Keyring.add_root(path)
else:
    Keyring.drop_root(path, "old")
"""


@posix
@pytest.mark.parametrize("change", ["add", "drop"])
def test_a_process_that_dies_leaves_one_of_two_whole_keyrings(tmp_path: Path, change: str) -> None:
    """Killed before each step: the file is the old or the new one, and the cure works."""
    path = tmp_path / "root.key"
    before = f"active new\nold {OLD}\nnew {NEW}\n"
    wrapped = Keyring.from_text(before).wrap(KEY, PLACE)
    env = {**os.environ, "PYTHONPATH": str(Path(gdprkit.__file__).parents[1])}
    under_old = Keyring.from_text(f"active old\nold {OLD}").wrap(KEY, PLACE)
    seen = set()
    for step in range(1, 30):
        written(path, before)
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(path), str(step), change], env=env, check=False
        )
        text = path.read_text()
        ring = Keyring.from_file(path)
        assert ring.unwrap(wrapped, PLACE) == KEY
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        seen.add(text == before)
        left = tmp_path / "root.key.new"
        if left.exists():
            assert text == before
            assert stat.S_IMODE(left.stat().st_mode) == 0o600
            with pytest.raises(KeyProviderDenied, match="delete that file"):
                Keyring.drop_root(path, "old")
            left.unlink()
        dropped = Keyring.drop_root(path, "old")
        with pytest.raises(KeyEpochDestroyed):
            dropped.unwrap(under_old, PLACE)
        if done.returncode == 0:
            break
        assert done.returncode == 9
    assert step > 4
    assert seen == {True, False}


def test_d35_a_keyring_out_of_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of a file in a variable is the same keyring, whatever the variable is called."""
    text = f"active new\nnew {NEW}\nold {OLD}\ndestroyed older\n"
    wrapped = Keyring.from_text(f"active old\nold {OLD}").wrap(KEY, PLACE)
    monkeypatch.setenv("GDPRKIT_KEYRING", text)
    monkeypatch.setenv("OTHER_KEYRING", f"active old\nold {OLD}")
    ring = Keyring.from_environment()
    assert (ring.describe().key_id, ring.describe().kind) == ("new", "keyring")
    assert ring.unwrap(wrapped, PLACE) == KEY
    assert Keyring.from_environment("OTHER_KEYRING").describe().key_id == "old"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "is not set"),
        ("", "does not name one"),
        (OLD, "line 1 is not an id and a key"),
        (f"active old\nold {OLD[:-2]}", "line 2 holds no base64"),
        (f"active old\nold {b64encode(bytes(16)).decode()}", "line 2 holds a key of 16 bytes"),
        (f"active old\nold {OLD}\nold {NEW}", "line 3 repeats the id"),
        (f"old {OLD}", "does not name one of its keys as active"),
    ],
)
def test_d35_errors_of_a_variable_name_it_and_never_its_text(
    monkeypatch: pytest.MonkeyPatch, text: str | None, problem: str
) -> None:
    """A missing or broken variable is told by its name and the line, without a word of it."""
    monkeypatch.delenv("OUR_KEYS", raising=False)
    if text is not None:
        monkeypatch.setenv("OUR_KEYS", text)
    with pytest.raises(KeyProviderDenied, match=problem) as denied:
        Keyring.from_environment("OUR_KEYS")
    assert "environment variable OUR_KEYS" in str(denied.value)
    assert denied.value.cure
    for shown in shown_by(denied.value):
        assert OLD[:20] not in shown
        assert NEW not in shown


def test_a_running_process_never_wraps_by_a_key_that_was_dropped(tmp_path: Path) -> None:
    """Epochs made after a root key was replaced open in the next process, whoever made them."""
    path = tmp_path / "root.key"
    running = Keyring.create(path)
    first = active(path)
    Keyring.add_root(path)
    Keyring.drop_root(path, first)
    store = DictStore()
    add_person(make_keys(store, provider=running), store)
    assert {row.provider_key for row in store.epoch_rows} == {active(path)}
    assert make_keys(store, provider=Keyring.from_file(path)).of(ANNA).newest.version == 1


def test_a_running_process_without_its_file_opens_and_does_not_wrap(tmp_path: Path) -> None:
    """Nobody can tell whether a key still stands in a file that is gone; what it holds opens."""
    path = tmp_path / "root.key"
    running = Keyring.create(path)
    wrapped = running.wrap(KEY, PLACE)
    path.unlink()
    assert running.unwrap(wrapped, PLACE) == KEY
    with pytest.raises(KeyProviderUnavailable) as gone:
        running.wrap(KEY, PLACE)
    frames = [frame for frame, _ in traceback.walk_tb(gone.value.__traceback__)][1:]
    assert frames
    assert not any(KEY in frame.f_locals.values() for frame in frames)
