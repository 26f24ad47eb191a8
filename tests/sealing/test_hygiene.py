"""What the ciphers promise and what objects and errors never show (crypto D.4)."""

from __future__ import annotations

import ast
import copy
import gc
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from tests.sealing.support import (
    ANNA,
    AT,
    ROOT,
    DictStore,
    add_person,
    counted,
    dec,
    dec_many,
    enc,
    enc_many,
    make_keys,
)

import gdprkit.sealing
from gdprkit.errors import GdprkitError
from gdprkit.sealing import ciphers, opened_keys
from gdprkit.sealing.canonical import lp
from gdprkit.sealing.ciphers import copies_its_key
from gdprkit.sealing.envelope import (
    SealedField,
    seal,
    seal_many,
    unseal,
    unseal_each,
)
from gdprkit.sealing.errors import AuthenticationFailed, FieldCryptoError, KeyVersionUnknown
from gdprkit.sealing.fields import MigratingReader, SealedFields
from gdprkit.sealing.form import SUITES
from gdprkit.sealing.index import IndexSpec, matching
from gdprkit.sealing.opened_keys import SubjectKey, SubjectKeyVersions
from gdprkit.sealing.packed import SealedRecord, seal_record, unseal_record
from gdprkit.sealing.providers import Keyring, MemoryProvider
from gdprkit.sealing.secret import KeepsSecrets, wipe
from gdprkit.sealing.settings import KeySettings
from gdprkit.words.identifiers import SubjectId

OWNER = lp("main") + lp(ANNA)
KEY_1, KEY_2 = bytes(range(32)), bytes(range(32, 64))
NONCE = bytes(12)
COMMON = "6dd3dbadd042f78728d1cc46380cb1b90f5b1975c44771b692514386ccd1bfd6"
COLLISIONS = [
    (
        b"same aad",
        b"same aad",
        COMMON + "4fdb75dd67ca3dbea7aac2fac7838c11dfd8c6bb13b41b9eabaeb28c67e5c320",
    ),
    (
        b"kid-1",
        b"kid-2",
        COMMON + "bff0e541840668f8ace296db0ecc675e126a2e0b18268857e314fa9faa57b277",
    ),
]


@pytest.mark.parametrize(("aad_1", "aad_2", "colliding"), COLLISIONS)
def test_d37_a_two_key_collision_does_not_pass_the_commitment(
    aad_1: bytes, aad_2: bytes, colliding: str
) -> None:
    """A ciphertext that opens under two raw keys to two texts opens under one envelope key only."""
    sealed = bytes.fromhex(colliding)
    assert b"consent: yes" in AESGCM(KEY_1).decrypt(NONCE, sealed, aad_1)
    assert b"consent: no " in AESGCM(KEY_2).decrypt(NONCE, sealed, aad_2)
    one, two = (
        SubjectKey(key, key_id=bytes((number,)) * 20, version=number, owner=OWNER)
        for number, key in ((1, KEY_1), (2, KEY_2))
    )
    calls = counting(two)
    envelope = one.header + NONCE + sealed
    with pytest.raises(KeyVersionUnknown):
        dec(envelope, SubjectKeyVersions([two], owner=OWNER))
    assert calls == []


def counting(key: SubjectKey) -> list[bytes]:
    """Note the nonce of every decryption that *key* is asked for."""
    calls: list[bytes] = []
    opening = key._decrypt

    def noted(nonce: bytes, sealed: Any, aad: Any) -> bytes:
        calls.append(nonce)
        return opening(nonce, sealed, aad)

    key._decrypt = noted  # type: ignore[misc]
    return calls


def test_d38_one_envelope_is_tried_with_one_key_once() -> None:
    """With three versions at hand each envelope, good or bad, costs at most one decryption."""
    keys = [a_key(bytes((n,)) * 32, n) for n in (1, 2, 3)]
    versions = SubjectKeyVersions(keys, owner=OWNER)
    counts = [counting(key) for key in keys]
    sealed = enc("x", keys[1])
    assert dec(sealed, versions) == "x"
    assert [len(calls) for calls in counts] == [0, 1, 0]
    with pytest.raises(AuthenticationFailed):
        dec(sealed[:-1] + bytes((sealed[-1] ^ 1,)), versions)
    assert [len(calls) for calls in counts] == [0, 2, 0]
    for refused in (b"plain", sealed[:40], b"\xf8\x02" + sealed[2:], sealed[:2] + bytes(61)):
        with pytest.raises(FieldCryptoError):
            dec(refused, versions)
    assert [len(calls) for calls in counts] == [0, 2, 0]


def test_d38_batches_and_records_try_one_key_once_too() -> None:
    """Opening many values, each on its own or a whole record tries no second key either."""
    keys = [a_key(bytes((n,)) * 32, n) for n in (1, 2, 3)]
    versions = SubjectKeyVersions(keys, owner=OWNER)
    counts = [counting(key) for key in keys]
    good = enc_many([("x", 1, "f"), ("y", 1, "f")], keys[1])
    bad = good[1][:-1] + bytes((good[1][-1] ^ 1,))
    assert dec_many([(each, 1, "f") for each in good], versions) == ["x", "y"]
    with pytest.raises(AuthenticationFailed):
        dec_many([(good[0], 1, "f"), (bad, 1, "f")], versions)
    named = [(each, SealedField("vault", "f"), 1) for each in (bad, good[0])]
    assert [bool(one.error) for one in unseal_each(named, versions)] == [True, False]
    record = SealedRecord("r")
    with pytest.raises(AuthenticationFailed):
        unseal_record(seal_record({"a": "x"}, record, 1, keys[1]), record, 2, versions)
    assert [len(calls) for calls in counts] == [0, 7, 0]


def test_d40_the_same_value_seals_differently_and_is_found_alike() -> None:
    """Two envelopes of one value differ in nonce and ciphertext; its look-up term is one."""
    store = DictStore()
    people = make_keys(store, indexes=INDEXES)
    key = add_person(people, store).newest
    sealed = [enc("anna@example.com", key) for _ in range(50)]
    sealed += enc_many([("anna@example.com", 1, "email")] * 50, key)
    assert len({envelope[22:34] for envelope in sealed}) == 100
    assert len({envelope[34:] for envelope in sealed}) == 100
    terms = {people.term("email", "anna@example.com", at=AT) for _ in range(3)}
    assert len(terms) == 1


def test_d43_a_cipher_that_keeps_the_callers_buffer_is_found_out() -> None:
    """AESCCM goes on with a wiped buffer, a key of zeros: the self-test sees it."""
    assert not copies_its_key(AESCCM)
    assert copies_its_key(AESGCM)
    buffer = bytearray(KEY_1)
    kept = ciphers._copying(AESCCM)(buffer)
    before = kept.encrypt(NONCE, b"x", b"")
    wipe(buffer)
    assert kept.encrypt(NONCE, b"x", b"") == before


@pytest.mark.parametrize("suite", SUITES)
def test_d43_a_wiped_buffer_leaves_the_cipher_its_key(suite: int) -> None:
    """Whatever the suite, what was sealed before the buffer was wiped opens afterwards."""
    buffer = bytearray(KEY_1)
    key = SubjectKey(buffer, key_id=bytes(20), version=1, owner=OWNER, suite=suite)
    sealed = enc("x", key)
    wipe(buffer)
    assert buffer == bytes(32)
    keys = SubjectKeyVersions([key], owner=OWNER, suite=suite)
    assert dec(sealed, keys) == "x"
    assert dec(enc("y", key), keys) == "y"


@pytest.mark.parametrize(("suites", "buffers"), [([1], 2), ([1, 2], 3), ([1, 2, 3], 4)])
def test_d43_the_buffers_of_a_persons_key_are_wiped(
    monkeypatch: pytest.MonkeyPatch, suites: list[int], buffers: int
) -> None:
    """Making and opening a key leaves zeros in every buffer that held it or what derives of it."""
    wiped: list[bytearray] = []

    def noted(*given: bytearray) -> None:
        wipe(*given)
        wiped.extend(given)

    monkeypatch.setattr(opened_keys, "wipe", noted)
    store = DictStore()
    add_person(make_keys(store, settings=KeySettings(suites=suites)), store)
    assert len(wiped) == 2 * buffers  # made, then opened: the key, and one for each derivation
    assert {bytes(buffer) for buffer in wiped} <= {bytes(32), bytes(52)}


def sealing_files() -> list[Path]:
    folder = Path(gdprkit.sealing.__file__).parent
    return sorted(folder.glob("*.py"))


def secret_objects(tmp_path: Path) -> list[KeepsSecrets]:
    store = DictStore()
    people = make_keys(store)
    keys = add_person(people, store)
    index = people._roots.active(AT).index(INDEXES[0], tenant=lp("main"))
    ring = Keyring.create(tmp_path / "root.key")
    epochs: list[KeepsSecrets] = [
        people._keks,
        people._roots,
        people._keks.active(AT),
        people._roots.active(AT),
    ]
    return [people, keys, keys.newest, index, ring, MemoryProvider(ROOT), people._cache, *epochs]


def test_d44_objects_with_keys_show_nothing_and_do_not_travel(tmp_path: Path) -> None:
    """repr and str name the class only; there is no __dict__; pickle and copy are refused."""
    for thing in secret_objects(tmp_path):
        assert repr(thing) == str(thing) == f"<{type(thing).__name__}>"
        with pytest.raises(TypeError):
            vars(thing)
        for move in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="neither pickled nor copied"):
                move(thing)


INDEXES = (
    IndexSpec(name="email", normalisers="email-v1"),
    IndexSpec(name="both", normalisers=("exact-v1", "email-v1")),
)
PLAIN = "Anna Virtanen of Example Street 7"
DEK = counted(b"dek")(32)


def a_key(subject_key: bytes = DEK, version: int = 1) -> SubjectKey:
    (made,) = SubjectKey.derive(subject_key, version=version, owner=OWNER)
    return made


def failing() -> dict[str, Callable[[], object]]:
    """Calls that fail while a plaintext or a key is at hand; what they are given is a default.

    The values are made inside, so that this module's own frames do not hold them as variables.
    """
    key = a_key()
    versions = SubjectKeyVersions([key], owner=OWNER)
    odd = SealedField("vault", "odd")
    nonce = bytes(12)
    unknown_code = (
        key.header
        + nonce
        + key._encrypt(nonce, b"\x0a" + PLAIN.encode(), key._bound(1) + odd._bound)
    )
    good = seal(PLAIN, odd, 1, key)
    store = DictStore()
    people = make_keys(store, indexes=INDEXES)
    add_person(people, store)
    fields = SealedFields(people)
    stranger = SubjectId(UUID(int=9))
    lone = "\ud800"
    return {
        "door": lambda: fields.seal(ANNA, make() + lone, odd, 1),
        "door-stranger": lambda: fields.seal(stranger, make(), odd, 1),
        "door-many": lambda: fields.seal_many(stranger, [(make(), odd, 1)]),
        "door-record": lambda: fields.seal_record(stranger, {"a": make()}, SealedRecord("r"), 1),
        "door-migrating": lambda: MigratingReader(fields).read(stranger, make(), odd, 1),
        "too-large": lambda: seal(make(), SealedField("vault", "odd", limit=5), 1, key),
        "surrogate": lambda: seal(make() + lone, odd, 1, key),
        "json": lambda: seal([make(), 1.5j], odd, 1, key),
        "json-surrogate": lambda: seal([make(), lone], odd, 1, key),
        "random": lambda: seal(make(), odd, 1, key, random=lambda _: b""),
        "field": lambda: seal(make(), "odd", 1, key),  # type: ignore[arg-type]
        "field-batch": lambda: seal_many([(make(), 1, odd)], key),  # type: ignore[list-item]
        "batch": lambda: enc_many([(make(), 1, "f"), (make() + lone, 1, "f")], key),
        "batch-field": lambda: enc_many([(make(), 1, "f"), (make(), 1, "")], key),
        "record": lambda: seal_record({"a": make(), "b": 1.5j}, SealedRecord("r"), 1, key),
        "record-random": lambda: seal_record({"a": make()}, SealedRecord("r"), 1, key, no_bytes),
        "code": lambda: unseal(unknown_code, odd, 1, versions),
        "code-batch": lambda: dec_many([(good, 1, "odd"), (unknown_code, 1, "odd")], versions),
        "tampered": lambda: unseal(good + b"x", odd, 1, versions),
        "index": lambda: people.term("email", make(), at=AT),
        "index-search": lambda: people.terms("email", make()),
        "index-long": lambda: people.term("email", make() * 100 + "@example.com", at=AT),
        "index-both": lambda: people.term("both", (make(), make()), at=AT),
        "index-parts": lambda: people.term("both", make(), at=AT),
        "index-match": lambda: matching(INDEXES[0], make(), [(1, make())]),
        "index-unknown": lambda: people.terms(make(), make()),
    }


def no_bytes(_: int) -> bytes:
    return b""


def make() -> str:
    return "".join(PLAIN)


@pytest.mark.parametrize("name", list(failing()))
def test_d44_errors_and_their_frames_hold_no_plaintext_and_no_key(name: str) -> None:
    """Text, repr, pickle, causes and the variables of every library frame are clean."""
    call = failing()[name]
    with pytest.raises(GdprkitError) as raised:
        call()
    error = raised.value
    shown = [str(error), repr(error), repr(vars(error)), repr(pickle.dumps(error))]
    seen: BaseException | None = error
    while seen is not None:
        for frame, _ in traceback.walk_tb(seen.__traceback__):
            if "sealing" in frame.f_code.co_filename and "tests" not in frame.f_code.co_filename:
                shown.extend(repr(value) for value in frame.f_locals.values())
        seen = seen.__context__
    for text in shown:
        for secret in (PLAIN, PLAIN.casefold(), "Virtanen", DEK.hex(), repr(DEK), repr(ROOT)):
            assert secret not in text, text


def test_d44_errors_of_keys_hold_no_key(tmp_path: Path) -> None:
    """A row that does not open and a keyring that does not read leave no key in any frame."""
    store = DictStore()
    random = counted(b"keys")
    keys = make_keys(store, random=random)
    _, row = keys.create(ANNA, at=AT)
    store.put(row)
    store.replace(row, key_id=bytes(20))
    source = counted(b"keys")
    drawn = b"".join(source(size) for size in (32, 32, 12, 32))
    path = tmp_path / "root.key"
    Keyring.create(path)
    good = path.read_text()
    path.write_text(good + good.splitlines()[-1] + "\n")  # the id twice
    calls: list[Callable[[], object]] = [
        lambda: make_keys(store).of(ANNA),
        lambda: Keyring.from_file(path),
    ]
    secret_line = good.splitlines()[-1].split()[1]
    for call in calls:
        with pytest.raises(FieldCryptoError) as raised:
            call()
        shown = [str(raised.value), repr(raised.value)]
        for frame, _ in traceback.walk_tb(raised.value.__traceback__):
            if "tests" not in frame.f_code.co_filename:
                shown.extend(repr(value) for value in frame.f_locals.values())
        for text in shown:
            assert secret_line not in text
            for start in range(0, len(drawn), 4):
                assert repr(drawn[start : start + 32])[2:-1] not in text


def test_subject_key_is_not_kept_after_derivation() -> None:
    """Once wrapped, the 32 bytes of a subject key are referenced by nothing."""
    store = DictStore()
    made: list[bytes] = []
    source = counted(b"kept")

    def random(size: int) -> bytes:
        drawn = source(size)
        made.append(drawn)
        return drawn

    people = make_keys(store, random=random)
    people.create(ANNA, at=AT)
    subject_key = made[-1]
    made.clear()
    gc.collect()
    holders = [each for each in gc.get_referrers(subject_key) if not hasattr(each, "f_code")]
    assert holders == []


def test_no_module_draws_at_import_or_keeps_random_state() -> None:
    """Nothing random lives in a module: a fork or a clone repeats no nonce."""
    for path in sealing_files():
        tree = ast.parse(path.read_text())
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                calls = [each for each in ast.walk(node.value) if isinstance(each, ast.Call)]
                assert not any("random" in ast.dump(call.func) for call in calls), path.name


def test_ciphers_are_imported_where_they_belong_only() -> None:
    """`cryptography` is named in few modules; the package itself imports nothing."""
    users = set()
    for path in sealing_files():
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            if any(name.split(".")[0] == "cryptography" for name in names):
                users.add(path.stem)
    assert users == {
        "ciphers",
        "envelope",
        "expand",
        "index",
        "opened_keys",
        "providers",
        "signing",
        "roots",
    }


@pytest.mark.parametrize("module", ["rows", "errors", "canonical", "plaintext", "form", "cache"])
def test_values_and_errors_load_without_any_cipher(module: str) -> None:
    """Rows, errors and the outer form can be used where no cipher is ever loaded."""
    code = (
        f"import sys, gdprkit.sealing.{module}\n"
        "print(any(name.split('.')[0] == 'cryptography' for name in sys.modules))"
    )
    folder = Path(gdprkit.sealing.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


def test_keys_stay_apart_between_people_and_purposes() -> None:
    """One DEK under two owners gives two ids: a wrapped key moved to another person is noticed."""
    other = lp("main") + lp(SubjectId(UUID(int=5)))
    ids = {SubjectKey.derive(DEK, version=1, owner=o)[0].key_id for o in (OWNER, other)}
    assert len(ids) == 2
