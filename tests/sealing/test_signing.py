"""Keys that sign checkpoints, and their files."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path

import pytest

from gdprkit.errors import InvalidValue
from gdprkit.sealing.errors import KeyProviderDenied, KeyProviderUnavailable
from gdprkit.sealing.signing import PublicKey, SigningKey, read_public_keys

#: RFC 8032, 7.1, test 2.
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_it_is_ed25519() -> None:
    """Key and signature are those of RFC 8032."""
    key = SigningKey(SEED)
    assert key.public == PublicKey(PUBLIC)
    assert key.sign(b"\x72") == SIGNATURE
    assert key.public.verify(b"\x72", SIGNATURE)


def test_other_signatures_are_refused() -> None:
    """Another message, another key, a changed bit or another length does not verify."""
    key = SigningKey(SEED)
    flipped = bytes([SIGNATURE[0] ^ 1]) + SIGNATURE[1:]
    assert not key.public.verify(b"\x73", SIGNATURE)
    assert not key.public.verify(b"\x72", flipped)
    assert not key.public.verify(b"\x72", SIGNATURE[:-1])
    assert not key.public.verify(b"\x72", b"")
    assert not SigningKey(bytes(32)).public.verify(b"\x72", SIGNATURE)


def test_a_key_is_kept_and_read_back(tmp_path: Path) -> None:
    """A new key's file is its owner's alone, and gives the same key again."""
    path = tmp_path / "signing.key"
    made = SigningKey.create(path, random=lambda size: SEED[:size])
    assert path.stat().st_mode & 0o777 == 0o600
    assert SigningKey.from_file(path).public == made.public == PublicKey(PUBLIC)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """A file that is there stays as it is."""
    path = tmp_path / "signing.key"
    path.write_text("precious")
    with pytest.raises(KeyProviderDenied, match=r"signing key .* is there already"):
        SigningKey.create(path)
    assert path.read_text() == "precious"


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """A signing key is refused as a keyring is, until its permissions are mended."""
    path = tmp_path / "signing.key"
    SigningKey.create(path)
    path.chmod(0o640)
    with pytest.raises(KeyProviderDenied, match=r"signing key .* run chmod 600"):
        SigningKey.from_file(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "sign-1\n",
        f"sign-1 {SEED.hex()}\n",
        f"{PublicKey(PUBLIC).key_id} {SEED.hex()[:-2]}\n",
        f"{PublicKey(PUBLIC).key_id} nothing\n",
        f"{PublicKey(PUBLIC).key_id} {SEED.hex()}\n" * 2,
        PublicKey(PUBLIC).text,
    ],
)
def test_what_is_no_signing_key_is_refused(tmp_path: Path, text: str) -> None:
    """Other text, two keys, a key under another's id and a public key sign nothing."""
    path = tmp_path / "signing.key"
    path.touch(mode=0o600)
    path.write_text(text)
    with pytest.raises(KeyProviderDenied, match="no file of one signing key") as caught:
        SigningKey.from_file(path)
    assert SEED.hex()[:-2] not in str(caught.value)


def test_a_missing_key_is_told(tmp_path: Path) -> None:
    """A signing key that is not there is unavailable, a public key a wrong value."""
    with pytest.raises(KeyProviderUnavailable, match=r"signing key .* cannot be read"):
        SigningKey.from_file(tmp_path / "none")
    with pytest.raises(InvalidValue, match=r"public key .* cannot be read"):
        read_public_keys(tmp_path / "none")


def test_public_keys_of_several_files(tmp_path: Path) -> None:
    """Files of one and of several public keys are read together, under the ids of the keys."""
    one, two, three = (PublicKey(SigningKey(bytes([n]) * 32).public.raw) for n in range(3))
    (tmp_path / "a").write_text(one.text)
    (tmp_path / "b").write_text(f"# former\n\n{two.text}{three.text}")
    found = read_public_keys(tmp_path / "a", tmp_path / "b")
    assert found == {key.key_id: key for key in (one, two, three)}


@pytest.mark.parametrize("text", ["", "x y\n", f"sign-0000000000000000 {PUBLIC.hex()}\n"])
def test_what_is_no_public_key_is_refused(tmp_path: Path, text: str) -> None:
    """An empty file, other text, and a key under an id that is not its own are refused."""
    (tmp_path / "a").write_text(text)
    with pytest.raises(InvalidValue, match="no file of public keys"):
        read_public_keys(tmp_path / "a")


def test_a_signing_key_is_not_shown() -> None:
    """Neither repr nor pickle nor copy gives the private half away."""
    key = SigningKey(SEED)
    assert repr(key) == "<SigningKey>"
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(TypeError):
        copy.copy(key)
