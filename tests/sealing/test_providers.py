"""Root keys in memory and in a file (crypto D.28, D.34, D.35)."""

from __future__ import annotations

import os
import stat
from base64 import b64encode
from pathlib import Path

import pytest
from tests.sealing.support import ANNA, AT, ROOT, DictStore, add_person, make_keys

from gdprkit.errors import InvalidValue
from gdprkit.sealing.errors import KeyIntegrityError, KeyProviderDenied, KeyProviderUnavailable
from gdprkit.sealing.providers import KeyProvider, Keyring, MemoryProvider

KEY = bytes(range(32))
OLD, NEW = (b64encode(bytes((n,)) * 32).decode() for n in (1, 2))
PLACE = {"tenant": "main", "epoch": "k1"}
posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")


def ring(text: str) -> Keyring:
    return Keyring.from_text(text)


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_keyring_file_is_made_private_and_reads_back(tmp_path: Path) -> None:
    """A new file is its owner's alone, and opens again what was wrapped by it."""
    path = tmp_path / "root.key"
    made = Keyring.create(path)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    wrapped = made.wrap(KEY, PLACE)
    again = Keyring.from_file(str(path))
    assert again.unwrap(wrapped, PLACE) == KEY
    assert again.describe() == made.describe()
    assert again.describe().kind == "keyring"
    other = Keyring.create(tmp_path / "other.key")
    assert other.describe().key_id != made.describe().key_id
    assert (tmp_path / "other.key").read_text() != path.read_text()


def test_keyring_never_overwrites(tmp_path: Path) -> None:
    """Where something is already, create() refuses and leaves it as it was."""
    path = written(tmp_path / "root.key", "precious")
    with pytest.raises(KeyProviderDenied, match="is there already"):
        Keyring.create(path)
    assert path.read_text() == "precious"


def test_keyring_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    """A directory that is not there is named, and nothing is made."""
    with pytest.raises(KeyProviderUnavailable, match="cannot be written"):
        Keyring.create(tmp_path / "absent" / "root.key")


def test_d28_missing_file_is_unavailable(tmp_path: Path) -> None:
    """No file is an answer that may change; so is something that is no file."""
    for path in (tmp_path / "absent.key", tmp_path):
        with pytest.raises(KeyProviderUnavailable) as missing:
            Keyring.from_file(path)
        assert missing.value.retryable
        assert str(path) in str(missing.value)


def test_d28_root_keys_wrong_removed_or_doubled(tmp_path: Path) -> None:
    """A removed root key is denied; another key under the same id is damage."""
    both = ring(f"active new\nold {OLD}\nnew {NEW}\n")
    wrapped = both.wrap(KEY, PLACE)
    assert ring(f"active new\nnew {NEW}").unwrap(wrapped, PLACE) == KEY
    with pytest.raises(KeyProviderDenied, match="'new'"):
        ring(f"active old\nold {OLD}").unwrap(wrapped, PLACE)
    with pytest.raises(KeyIntegrityError, match="'new'"):
        ring(f"active new\nnew {OLD}").unwrap(wrapped, PLACE)


def test_d28_the_whole_store_under_another_keyring(tmp_path: Path) -> None:
    """A store opened with a keyring that is not its own says which root key is missing."""
    store = DictStore()
    own = Keyring.create(tmp_path / "own.key")
    keys = add_person(make_keys(store, provider=own), store)
    reopened = make_keys(store, provider=Keyring.from_file(tmp_path / "own.key"))
    assert reopened.of(ANNA).newest.key_id == keys.newest.key_id
    strange = make_keys(store, provider=Keyring.create(tmp_path / "strange.key"))
    with pytest.raises(KeyProviderDenied, match=own.describe().key_id):
        strange.of(ANNA)
    with pytest.raises(KeyProviderDenied):
        strange.create(ANNA, at=AT)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"active a\na {OLD}", id="no-newline-at-the-end"),
        pytest.param(f"active a\na {OLD}\n\n\n", id="more-newlines"),
        pytest.param(f"# head\n\n  a   {OLD}  \r\nactive a\r\n", id="comment-and-spaces"),
    ],
)
def test_d35_harmless_spellings_are_read(text: str) -> None:
    """Trailing newlines, comments, spaces and Windows line ends do no harm."""
    assert ring(text).describe().key_id == "a"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("active a\na !!!!", "line 2 holds no base64", id="no-base64"),
        pytest.param(f"active a\na {OLD[:-2]}", "line 2 holds no base64", id="cut"),
        pytest.param(f"active a\na {OLD[:-2]}F=", "no canonical base64", id="stray-bits"),
        pytest.param(
            f"active a\na {b64encode(bytes(16)).decode()}", "a key of 16 bytes", id="16-bytes"
        ),
        pytest.param(
            f"active a\na {b64encode(bytes(33)).decode()}", "a key of 33 bytes", id="33-bytes"
        ),
        pytest.param(f"active a\na {OLD}\na {NEW}", "line 3 repeats the id", id="id-twice"),
        pytest.param(f"a {OLD}", "does not name one of its keys as active", id="no-active"),
        pytest.param(f"active b\na {OLD}", "does not name one", id="active-unknown"),
        pytest.param(f"active a\nactive a\na {OLD}", "does not name one", id="active-twice"),
        pytest.param("", "does not name one", id="empty"),
        pytest.param(f"active a\na {OLD} more", "line 2 is not an id and a key", id="three-words"),
        pytest.param(f"active a\n{OLD}", "line 2 is not an id and a key", id="no-id"),
        pytest.param(f"active a\n../a {OLD}", "line 2 is not an id and a key", id="odd-id"),
        pytest.param("active a\na é", "line 2 holds no base64", id="not-ascii"),
    ],
)
def test_d35_broken_keyrings_name_line_and_cure_and_no_key(text: str, problem: str) -> None:
    """Each mistake is told by its line, with a cure, and without the key on that line."""
    with pytest.raises(KeyProviderDenied) as denied:
        ring(text)
    assert problem in str(denied.value)
    assert denied.value.cure
    for key in (OLD, NEW, OLD[:20], b64encode(bytes(16)).decode()):
        assert key not in str(denied.value) + repr(denied.value)


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o777])
def test_d35_a_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    """Any right for group or others is refused, and the cure is a command."""
    path = written(tmp_path / "root.key", f"active a\na {OLD}\n", mode)
    with pytest.raises(KeyProviderDenied, match=f"chmod 600 {path}"):
        Keyring.from_file(path)
    path.chmod(0o400)
    assert Keyring.from_file(path).describe().key_id == "a"


def test_d35_a_huge_file_is_no_keyring(tmp_path: Path) -> None:
    """A file that was named by mistake is not read into memory."""
    with pytest.raises(KeyProviderDenied, match="too large"):
        Keyring.from_file(written(tmp_path / "root.key", "#" * 70_000))


def test_wrapped_keys_are_bound_to_their_context() -> None:
    """Another value, another name, or one entry more or less does not open."""
    provider = MemoryProvider(ROOT)
    wrapped = provider.wrap(KEY, PLACE)
    assert provider.unwrap(wrapped, dict(reversed(PLACE.items()))) == KEY
    for other in (
        {},
        {"tenant": "main"},
        PLACE | {"epoch": "k2"},
        PLACE | {"more": "x"},
        {"tenant": "k1", "epoch": "main"},
        {"tenan": "tmain", "epoch": "k1"},
    ):
        with pytest.raises(KeyIntegrityError):
            provider.unwrap(wrapped, other)


def test_wrapped_keys_are_refused_when_damaged() -> None:
    """Every bit flip and every other length is damage or names a root key that is not here."""
    provider = MemoryProvider(ROOT)
    wrapped = provider.wrap(KEY, PLACE)
    for bit in range(8 * len(wrapped)):
        flipped = bytearray(wrapped)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises((KeyIntegrityError, KeyProviderDenied)):
            provider.unwrap(bytes(flipped), PLACE)
    for length in range(len(wrapped)):
        with pytest.raises(KeyIntegrityError):
            provider.unwrap(wrapped[:length], PLACE)
    with pytest.raises(KeyIntegrityError):
        provider.unwrap(wrapped + b"\0", PLACE)


def test_rewrap_moves_to_the_active_root_key_once() -> None:
    """What is under an old root key moves; what is under the active one stays."""
    old = ring(f"active old\nold {OLD}")
    both = ring(f"active new\nold {OLD}\nnew {NEW}")
    wrapped = old.wrap(KEY, PLACE)
    moved = both.rewrap(wrapped, PLACE)
    assert moved is not None
    assert ring(f"active new\nnew {NEW}").unwrap(moved, PLACE) == KEY
    assert both.rewrap(moved, PLACE) is None
    assert both.unwrap(wrapped, PLACE) == KEY


def test_the_same_key_wraps_differently_each_time() -> None:
    """Nonces of root keys are random too."""
    provider = MemoryProvider(ROOT)
    assert len({provider.wrap(KEY, PLACE) for _ in range(50)}) == 50


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_root_key_is_32_bytes(size: int) -> None:
    """A shorter or longer root key is refused, and not repeated."""
    with pytest.raises(KeyProviderDenied, match=f"{size} bytes"):
        MemoryProvider(b"k" * size)


def test_memory_provider_makes_its_own_key() -> None:
    """Without a key each provider has a random one, and none opens the other's."""
    one, two = MemoryProvider(), MemoryProvider()
    wrapped = one.wrap(KEY, PLACE)
    assert one.unwrap(wrapped, PLACE) == KEY
    with pytest.raises(KeyIntegrityError):
        two.unwrap(wrapped, PLACE)


def test_a_short_draw_is_noticed() -> None:
    """A random source that returns too little is refused before anything is wrapped."""
    with pytest.raises(InvalidValue, match="random"):
        MemoryProvider(ROOT, random=lambda _: b"").wrap(KEY, PLACE)


def test_both_are_providers(tmp_path: Path) -> None:
    """Both fit the protocol, with the same four methods."""
    providers: list[KeyProvider] = [MemoryProvider(), Keyring.create(tmp_path / "root.key")]
    assert [provider.describe().kind for provider in providers] == ["memory provider", "keyring"]
