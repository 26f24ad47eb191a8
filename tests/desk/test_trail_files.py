"""Checkpoints, exports and proofs verify alone, here and by the script, or say what was done."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.desk.trails import ANNA, BO, CARL, EVA, call, fill, grow, tamper, told

from gdprkit.desk.trail_files import write_new
from gdprkit.errors import InvalidValue
from gdprkit.storage import SqliteStore
from gdprkit.testing.store_values import follow, line_tombstone, person

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "verify_trail.py"

Rows = list[bytes]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "people.db"
    fill(path)
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    assert call("key", tmp_path / "signing.key")[0] == 0
    return tmp_path / "signing.key"


@pytest.fixture
def public(key: Path) -> Path:
    return key.with_name("signing.key.pub")


@pytest.fixture
def signed(store: Path, key: Path) -> Path:
    return Path(told("checkpoint", store, "--key", key)[1]["checkpoint"])


@pytest.fixture
def exported(store: Path, signed: Path, tmp_path: Path) -> Path:
    out = tmp_path / "export.jsonl"
    assert call("export", store, "--out", out)[0] == 0
    return out


@pytest.fixture
def proof(store: Path, signed: Path, tmp_path: Path) -> Path:
    out = tmp_path / "proof.jsonl"
    assert call("prove", store, str(CARL), "--checkpoint", signed, "--out", out)[0] == 0
    return out


def script(file: Path, *keys: Path) -> tuple[int, str]:
    """Run the stand-alone verifier where gdprkit cannot be imported."""
    run = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT), str(file), *map(str, keys)],
        capture_output=True,
        check=False,
        text=True,
        cwd=file.parent,
        env={"PATH": os.environ["PATH"]},
    )
    assert not run.stderr, run.stderr
    return run.returncode, run.stdout


def changed(file: Path, change: Callable[[Rows], Rows | None]) -> Path:
    rows = file.read_bytes().splitlines(keepends=True)
    found = change(rows)
    file.write_bytes(b"".join(rows if found is None else found))
    return file


def both(file: Path, public: Path) -> list[str]:
    """Verify by the command and by the script; return what the command says is broken."""
    code, body = told("verify-export", file, "--public-key", public)
    alone, out = script(file, public)
    assert (code, alone) in {(0, 0), (4, 4)}, out
    assert ("all as it was signed" in out) is (code == 0)
    broken: list[str] = body["broken"]
    assert bool(broken) is (code == 4)
    if broken and (named := re.search(r"the line of ([0-9a-f-]{36})", broken[0])):
        assert named[1].replace("-", "") in out
    return broken


def test_the_script_needs_nothing_of_ours() -> None:
    """The stand-alone verifier imports the standard library and one package of ciphers."""
    found = set(re.findall(r"^(?:import|from) (\w+)", SCRIPT.read_text("utf-8"), re.MULTILINE))
    assert found == {"json", "sys", "hashlib", "pathlib", "cryptography"}


def test_all_three_verify_alone(signed: Path, exported: Path, proof: Path, public: Path) -> None:
    """A checkpoint, an export and a proof verify by themselves, with their counts."""
    for file, leaves, entries in ((signed, 9, 0), (exported, 9, 18), (proof, 1, 4)):
        assert both(file, public) == []
        body = told("verify-export", file, "--public-key", public)[1]
        assert (body["leaves"], body["entries"]) == (leaves, entries)
        assert f"{leaves} leaves, {entries} entries" in script(file, public)[1]


def _first(**changes: Any) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows[0] = json.dumps({**json.loads(rows[0]), **changes}).encode() + b"\n"

    return change


def _statement(old: str, new: str) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        first = json.loads(rows[0])
        assert old in first["statement"]
        _first(statement=first["statement"].replace(old, new, 1))(rows)

    return change


def _flipped(rows: Rows) -> None:
    first = json.loads(rows[0])
    digit = "0" if first["signature"][0] != "0" else "1"
    _first(signature=digit + first["signature"][1:])(rows)


def _swap(rows: Rows) -> None:
    rows[1], rows[2] = rows[2], rows[1]


def _head(rows: Rows) -> None:
    rows[1] = rows[1].replace(b',5,"', b',6,"')


WRONG: list[tuple[Callable[[Rows], Rows | None], str]] = [
    (lambda rows: rows[:-1], "is cut short: it holds 2 of 3 suppression leaves"),
    (lambda rows: [*rows[:-1], rows[-1][:-9]], "is cut short in the middle of a row"),
    (lambda rows: rows[:1], "is cut short: it holds 0 of 4 line leaves"),
    (lambda rows: [rows[0], *rows[2:]], "is cut short: it holds 3 of 4 line leaves"),
    (lambda rows: [*rows, rows[-1].replace(b"subject", b"zzz")], "holds 4 suppression leaves"),
    (_swap, "has its line leaves out of order"),
    (lambda rows: [*rows[:2], rows[1], *rows[2:]], "has its line leaves out of order"),
    (_head, "has line leaves that are not those that were signed"),
    (lambda rows: [*rows[:2], b'["entry",1,"x"]\n', *rows[2:]], "holds a row that is no entry"),
    (lambda rows: [*rows[:2], b"nothing\n", *rows[2:]], "holds a row that is no leaf"),
    (_flipped, "does not bear the signature of sign-"),
    (_statement('"number":1', '"number":2'), "does not bear the signature of sign-"),
    (_statement('"tenant":"main"', '"tenant":"shop"'), "does not bear the signature of sign-"),
    (_statement('"key":"sign-', '"key":"sign-0'), "none of the public keys given"),
    (_statement("gdprkit/checkpoint/v1", "gdprkit/checkpoint/v2"), "is of a form not known here"),
    (_first(form="gdprkit/other/v1"), "is no checkpoint, export or proof"),
    (_first(statement=3), "is no checkpoint, export or proof"),
    (lambda rows: [b"SQLite format 3\0\n"], "is no checkpoint, export or proof"),
    (lambda rows: [], "is no checkpoint, export or proof"),
]


@pytest.mark.parametrize(("change", "problem"), WRONG)
def test_a_checkpoint_that_was_changed(
    store: Path,
    signed: Path,
    public: Path,
    key: Path,
    change: Callable[[Rows], Rows | None],
    problem: str,
) -> None:
    """A truncated, reordered, changed, foreign or wrongly signed file is refused everywhere."""
    changed(signed, change)
    [broken] = both(signed, public)[:1]
    assert broken.startswith(str(signed))
    assert problem in broken
    for more in (signed, signed.parent):
        code, body = told("verify", store, "--public-key", public, "--checkpoint", more)
        assert code == 4
        words = (problem, "is of another tenant")
        assert any(word in one for word in words for one in body["broken"])
    assert told("checkpoint", store, "--key", key)[0] == 4
    assert list(signed.parent.iterdir()) == [signed]


@pytest.mark.parametrize("form", ["gdprkit/proof/v1", "gdprkit/export/v1"])
def test_a_checkpoint_under_another_name(
    store: Path, signed: Path, public: Path, form: str
) -> None:
    """A file that calls itself a proof or an export is no checkpoint and proves nothing."""
    assert both(changed(signed, _first(form=form)), public)
    code, body = told("verify", store, "--public-key", public, "--checkpoint", signed)
    assert code == 4
    assert "is no checkpoint but an export or a proof" in body["broken"][0]


def test_a_foreign_checkpoint(store: Path, signed: Path, tmp_path: Path) -> None:
    """A checkpoint signed by somebody else's key says nothing, also under the right key's id."""
    assert call("key", tmp_path / "other.key")[0] == 0
    other = tmp_path / "other.key.pub"
    code, body = told("verify", store, "--public-key", other)
    assert (code, body["checkpoints"]) == (4, [])
    assert "which is none of the public keys given" in body["broken"][0]
    stated = json.loads(json.loads(signed.read_bytes().splitlines()[0])["statement"])["key"]
    other.write_text(f"{stated} {other.read_text().split()[1]}\n")
    assert told("verify", store, "--public-key", other)[0] == 2  # no key may bear another's id
    assert script(signed, other)[0] == 4


def test_a_checkpoint_of_another_tenant(store: Path, signed: Path, public: Path, key: Path) -> None:
    """A tenant's checkpoint is no other's; in a folder each tenant has a chain of its own."""
    with SqliteStore(store, tenant="a/b") as opened:
        opened.commit(follow(opened, ANNA, b"hers"))
    other = ("--tenant", "a/b", "--public-key", public)
    code, body = told("verify", store, *other, "--checkpoint", signed)
    assert code == 4
    assert "is of another tenant" in body["broken"][0]
    code, body = told("checkpoint", store, "--tenant", "a/b", "--key", key)
    assert (code, body["number"], Path(body["checkpoint"]).name) == (0, 1, "a%2Fb-00000001.jsonl")
    assert told("verify", store, *other)[1]["checkpoints"] == [1]
    assert told("verify", store, "--public-key", public)[1]["checkpoints"] == [1]


def test_other_files_in_the_folder(store: Path, signed: Path, public: Path, key: Path) -> None:
    """Files that are nobody's checkpoint are passed over; one called like a checkpoint is not."""
    (signed.parent / "log.jsonl").write_text("{}\n")
    (signed.parent / "notes.txt").write_text("checkpoint")
    assert told("verify", store, "--public-key", public)[0] == 0
    (signed.parent / "main-00000002.jsonl").write_text("{}\n")
    assert told("verify", store, "--public-key", public)[0] == 4
    assert told("checkpoint", store, "--key", key)[0] == 4


def test_a_chain_with_a_gap(store: Path, signed: Path, public: Path, key: Path) -> None:
    """A checkpoint missing from the middle of a folder is told; the oldest ones may go."""
    for _ in range(3):
        assert call("checkpoint", store, "--key", key)[0] == 0
    signed.unlink()
    code, body = told("verify", store, "--public-key", public)
    assert (code, body["checkpoints"]) == (0, [2, 3, 4])
    (signed.parent / "main-00000003.jsonl").unlink()
    code, body = told("verify", store, "--public-key", public)
    assert code == 4
    assert body["broken"][0].startswith(f"{signed.parent} lacks checkpoint 3;")


def test_a_chain_that_was_forked(store: Path, signed: Path, public: Path, key: Path) -> None:
    """A checkpoint that names another one as the one before is told."""
    kept = signed.read_bytes()
    signed.unlink()
    for _ in range(2):
        assert call("checkpoint", store, "--key", key)[0] == 0
    signed.write_bytes(kept)
    code, body = told("verify", store, "--public-key", public)
    assert code == 4
    assert "does not follow the checkpoint 1 that was given" in body["broken"][0]


def test_rotation_of_the_signing_key(
    store: Path, signed: Path, public: Path, tmp_path: Path
) -> None:
    """A new key signs behind the old one's checkpoint, and both public keys verify the chain."""
    assert call("key", tmp_path / "new.key")[0] == 0
    new = tmp_path / "new.key.pub"
    assert told("checkpoint", store, "--key", tmp_path / "new.key")[0] == 4
    known = ("--public-key", public)
    code, body = told("checkpoint", store, "--key", tmp_path / "new.key", *known)
    assert (code, body["number"]) == (0, 2)
    code, found = told("verify", store, *known, "--public-key", new)
    assert (code, found["checkpoints"]) == (0, [1, 2])
    assert told("verify", store, "--public-key", new)[0] == 4
    together = tmp_path / "both.pub"
    together.write_text(public.read_text() + new.read_text())
    assert told("verify", store, "--public-key", together)[0] == 0
    assert script(Path(body["checkpoint"]), public, new)[0] == 0


def test_nothing_is_overwritten(
    store: Path, signed: Path, public: Path, key: Path, exported: Path
) -> None:
    """A key, a checkpoint, an export and a proof never take the place of a file."""
    before = {path: path.read_bytes() for path in (signed, public, key, exported)}
    assert call("key", key)[0] == 2
    assert call("checkpoint", store, "--key", key, "--out", exported)[0] == 2
    assert call("export", store, "--out", exported)[0] == 2
    assert call("prove", store, str(ANNA), "--out", exported)[0] == 2
    assert {path: path.read_bytes() for path in before} == before


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    """When writing is broken off, neither the file nor a part of it is left."""

    def rows() -> Any:
        yield b"one"
        raise InvalidValue("row", "is broken off", "try again")

    with pytest.raises(InvalidValue, match="broken off"):
        write_new(tmp_path / "new.jsonl", rows())
    assert list(tmp_path.iterdir()) == []
    write_new(tmp_path / "new.jsonl", [b"one", b"two"])
    assert (tmp_path / "new.jsonl").read_bytes() == b"one\ntwo\n"
    assert [path.name for path in tmp_path.iterdir()] == ["new.jsonl"]


def test_a_full_disk_leaves_nothing(
    store: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk cannot take the file, that is told, and nothing is left of it."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gdprkit.desk.trail_files.os.fsync", full)
    code, _, err = call("checkpoint", store, "--key", key)
    assert code == 2
    assert "No space left on device" in err
    assert list(store.with_name("people.db.checkpoints").iterdir()) == []


def test_a_checkpoint_elsewhere(store: Path, key: Path, public: Path, tmp_path: Path) -> None:
    """A checkpoint with a name and a folder of its own is chained to those in that folder."""
    safe = tmp_path / "safe"
    safe.mkdir()
    for number in (1, 2):
        out = safe / f"day{number}.jsonl"
        code, body = told("checkpoint", store, "--key", key, "--out", out)
        assert (code, body["number"], body["checkpoint"]) == (0, number, str(out))
    assert told("verify", store, "--checkpoint", safe, "--public-key", public)[0] == 0
    assert not store.with_name("people.db.checkpoints").exists()
    assert call("checkpoint", store, "--key", key, "--out", tmp_path / "no" / "x")[0] == 2


def _entry(rows: Rows, about: Any, number: int) -> int:
    start = next(n for n, row in enumerate(rows) if row.startswith(b'["line","%s' % _hex(about)))
    return start + number


def _hex(about: Any) -> bytes:
    return about.hex.encode()  # type: ignore[no-any-return]


def _body_of_bo(rows: Rows) -> None:
    at = _entry(rows, BO, 2)
    rows[at] = rows[at].replace(b"entry 2", b"entry 7")


def _without(rows: Rows) -> None:
    del rows[_entry(rows, BO, 2)]


def _last_of_bo(rows: Rows) -> None:
    del rows[_entry(rows, BO, 4)]


def _swapped(rows: Rows) -> None:
    at = _entry(rows, BO, 2)
    rows[at], rows[at + 1] = rows[at + 1], rows[at]


def _one_more(rows: Rows) -> None:
    at = _entry(rows, BO, 4)
    rows.insert(at + 1, rows[at].replace(b'["entry",4', b'["entry",5'))


def _line_gone(rows: Rows) -> None:
    at = _entry(rows, BO, 0)
    del rows[at : at + 5]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_body_of_bo, f"the line of {BO} is broken at position 2: the entry was changed"),
        (_without, f"the line of {BO} is broken at position 2: an entry is missing"),
        (_last_of_bo, f"the line of {BO} is broken at position 4: the line was cut short"),
        (_swapped, f"the line of {BO} is broken at position 2: the entries were reordered"),
        (_one_more, f"the line of {BO} is broken at position 5: the entry was changed"),
        (_line_gone, "is cut short: it holds 3 of 4 line leaves"),
    ],
)
def test_an_export_that_was_changed(
    exported: Path, public: Path, change: Callable[[Rows], None], problem: str
) -> None:
    """Each way of tampering with an export is named, with the person's id."""
    assert problem in both(changed(exported, change), public)[0]


def _no_entries(form: str) -> Callable[[Rows], Rows]:
    def change(rows: Rows) -> Rows:
        _first(form=form)(rows)
        return [row for row in rows if not row.startswith(b'["entry"')]

    return change


def _word(place: int, word: Any) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        at = _entry(rows, CARL, 1)
        words = json.loads(rows[at])
        words[place] = word(words[place]) if callable(word) else word
        rows[at] = json.dumps(words, separators=(",", ":")).encode() + b"\n"

    return change


def _since(*words: Any) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        at = _entry(rows, CARL, 1)
        row = json.dumps(["expunged-since", *words], separators=(",", ":")).encode()
        rows[at : at + 4] = [row + b"\n"]

    return change


def _deep(rows: Rows) -> None:
    rows[_entry(rows, CARL, 1)] = b'["entry",' + b"[" * 100_000 + b"\n"


def _spaced(rows: Rows) -> None:
    at = _entry(rows, CARL, 1)
    rows[at] = b"[ " + rows[at][1:]


ODD = [
    _no_entries("x/checkpoint/proof/"),
    _no_entries("gdprkit/checkpoint-file/v9"),
    _first(form="gdprkit/exports/v1"),
    _word(1, 1.0),
    _word(1, True),
    _word(2, "\ud800"),
    _word(3, str.upper),
    _word(3, lambda digest: f"{digest[:2]} {digest[2:]}"),
    _since(9),
    _since(9.5, "00" * 32, 1),
    _since(9, "00", 1),
    _since(9, "AA" * 32, 1),
    _deep,
    _spaced,
]


@pytest.mark.parametrize("change", ODD)
def test_both_verifiers_refuse_what_has_another_form(
    exported: Path, proof: Path, public: Path, change: Callable[[Rows], Rows | None]
) -> None:
    """What is written otherwise than we write it is broken, for the command and for the script."""
    for file in (exported, proof):
        assert both(changed(file, change), public)


def test_what_is_not_believed_is_not_printed(exported: Path, public: Path) -> None:
    """The id of a key in a statement cannot write other lines on the screen, nor end in a crash."""
    whole = exported.read_bytes()
    for ending in ("\\n9 leaves, 9 entries\\nall as it was signed", "\\u001b[2J", "\\ud800"):
        exported.write_bytes(whole)
        changed(exported, _statement('"key":"sign-', f'"key":"{ending}-'))
        code, out, _ = call("verify-export", exported, "--public-key", public)
        alone, printed = script(exported, public)
        assert (code, alone) == (4, 4)
        for shown in (out, printed):
            assert not {"\x1b", "all as it was signed"} & {*shown, *shown.splitlines()}


def test_an_export_is_as_the_checkpoint_saw_it(
    store: Path, signed: Path, public: Path, tmp_path: Path
) -> None:
    """What was recorded since is left out; of a line expunged since that is said, as unsigned."""
    grow(store)
    out = tmp_path / "later.jsonl"
    assert call("export", store, "--out", out, "--public-key", public)[0] == 0
    assert both(out, public) == []
    body = told("verify-export", out, "--public-key", public)[1]
    assert (body["entries"], body["expunged"]) == (18 - 4, 1)
    said = "of 1 lines it is said, unsigned, that they were expunged since"
    assert said in script(out, public)[1]
    assert said in call("verify-export", out, "--public-key", public)[1]
    with SqliteStore(store) as opened:
        end = opened.expunged(CARL)
    assert end is not None
    text = out.read_bytes()
    out.write_bytes(text.replace(b'["expunged-since",5', b'["expunged-since",3'))
    assert "its tombstone is of another line" in both(out, public)[0]


def test_a_broken_store_is_not_exported(store: Path, signed: Path, tmp_path: Path) -> None:
    """An export of a store that is not what its checkpoint saw is refused, finding by finding."""
    tamper(store, "DELETE FROM gdprkit_suppression")
    code, body = told("export", store, "--out", tmp_path / "x.jsonl")
    assert (code, len(body["broken"]), body["export"]) == (4, 3, None)
    assert not (tmp_path / "x.jsonl").exists()


def test_without_a_checkpoint_nothing_is_proved(store: Path, public: Path, tmp_path: Path) -> None:
    """An export and a proof need a checkpoint, and a checkpoint needs its public key."""
    out = ("--out", tmp_path / "x.jsonl")
    for words in (
        ("export", store, *out),
        ("prove", store, str(ANNA), *out),
        ("verify", store, "--public-key", public),
        ("verify", store, "--checkpoint", tmp_path),
        ("verify-export", store),
        ("verify-export", tmp_path / "none", "--public-key", public),
        ("verify", store, "--public-key", tmp_path / "none"),
        ("checkpoint", store, "--key", tmp_path / "none"),
    ):
        code, body = told(*words)
        assert (code, body["ok"], body["broken"]) == (2, False, [])
        assert body["error"] in call(*words)[2]


def test_a_proof_of_everybody(store: Path, signed: Path, public: Path, tmp_path: Path) -> None:
    """Each person in a checkpoint has a proof, an expunged one too; who came later has none."""
    with SqliteStore(store) as opened:
        everybody = [*opened.people(), EVA]
        opened.commit(follow(opened, person(50), b"late"))
    for number, about in enumerate(everybody):
        out = tmp_path / f"{number}.jsonl"
        assert call("prove", store, str(about), "--out", out)[0] == 0
        assert both(out, public) == []
        assert about.hex in out.read_text()
    code, body = told("prove", store, str(person(50)), "--out", tmp_path / "x.jsonl")
    assert (code, "is not in that checkpoint" in body["error"]) == (2, True)
    code, body = told("prove", store, "anna@example.com", "--out", tmp_path / "x.jsonl")
    assert code == 2
    assert "anna" not in body["error"]
    assert not (tmp_path / "x.jsonl").exists()


def test_a_proof_of_a_line_expunged_since(
    store: Path, signed: Path, public: Path, tmp_path: Path
) -> None:
    """The proof then holds the leaf and the tombstone, and the entries are gone."""
    with SqliteStore(store) as opened:
        opened.expunge(CARL, line_tombstone(opened, CARL))
    out = tmp_path / "proof.jsonl"
    assert call("prove", store, str(CARL), "--out", out)[0] == 0
    assert both(out, public) == []
    assert told("verify-export", out, "--public-key", public)[1]["expunged"] == 1


def test_a_tampered_line_is_not_proved(store: Path, signed: Path, tmp_path: Path) -> None:
    """A proof of a line that is not what the checkpoint saw is refused."""
    tamper(store, "UPDATE gdprkit_entry SET digest = zeroblob(32) WHERE position = 4")
    code, body = told("prove", store, str(CARL), "--out", tmp_path / "x.jsonl")
    assert code == 4
    assert body["broken"][0].startswith(f"the line of {CARL} is broken at position 4")
    tamper(store, "UPDATE gdprkit_entry SET body = x'41' WHERE position = 1")
    assert told("prove", store, str(CARL), "--out", tmp_path / "x.jsonl")[0] == 4
    assert not (tmp_path / "x.jsonl").exists()


def _path_flipped(rows: Rows) -> None:
    path = json.loads(rows[0])["path"]
    _first(path=[path[0][:-1] + ("0" if path[0][-1] != "0" else "1"), *path[1:]])(rows)


def _other_leaf(rows: Rows) -> None:
    rows[1] = rows[1].replace(_hex(CARL), _hex(BO))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_path_flipped, "proves nothing"),
        (_first(index=1), "proves nothing"),
        (_first(index=99), "proves nothing"),
        (_first(index=-1), "proves nothing"),
        (_first(path=[]), "proves nothing"),
        (_first(path=["00" * 32] * 70), "proves nothing"),
        (_first(index="2"), "is no checkpoint, export or proof"),
        (_first(path=["zz"]), "is no checkpoint, export or proof"),
        (_other_leaf, f"the line of {BO} is broken"),
        (lambda rows: rows[:1], "proves nothing"),
        (lambda rows: [*rows, *rows[1:]], "proves nothing"),
        (lambda rows: rows[:-1], f"the line of {CARL} is broken at position 4: the line was cut"),
    ],
)
def test_a_proof_that_was_changed(
    proof: Path, public: Path, change: Callable[[Rows], Rows | None], problem: str
) -> None:
    """Another place, another path, another person or an entry less prove nothing."""
    assert any(problem in one for one in both(changed(proof, change), public))
