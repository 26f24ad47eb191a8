from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gdprkit.errors import InvalidValue
from gdprkit.testing import vectors
from gdprkit.testing.vectors import Failure, main, run_deadlines

FILE = Path(__file__).parent.parent / "vectors" / "deadlines.json"


@pytest.fixture
def document() -> dict[str, Any]:
    """The vectors file as data, free to be broken."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Run the command in a process of its own: status, stdout, stderr."""
    path = [str(Path(vectors.__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "gdprkit.testing.vectors", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
    )
    return done.returncode, done.stdout, done.stderr


def told(tmp_path: Path, content: object) -> tuple[int, str, str]:
    """Run the command inside this process on a file holding *content*."""
    file = tmp_path / "vectors.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    out, talk = io.StringIO(), io.StringIO()
    status = main(["deadlines", str(file)], out=out, talk=talk)
    return status, out.getvalue(), talk.getvalue()


def test_the_shared_file_passes() -> None:
    """The command's last line counts 93 passed vectors and its status is 0."""
    assert run("deadlines", FILE) == (0, "93 passed, 0 failed\n", "")


def test_a_broken_vector_fails(tmp_path: Path, document: dict[str, Any]) -> None:
    """A wrong expectation is told with id, field and both values; the status is 1."""
    document["vectors"][0]["expected_due"] = "2024-04-04"
    document["breach_vectors"][9]["expected_outer_local"] = "2026-03-12T11:00:00+03:00"
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert run("deadlines", file) == (
        1,
        "91 passed, 2 failed\n",
        (
            'S-001: due: expected "2024-04-04", got "2024-04-05"\n'
            'S-B10: outer_local: expected "2026-03-12T11:00:00+03:00", '
            'got "2026-03-12T11:00:00+02:00"\n'
        ),
    )
    assert run_deadlines(file)[0] == 91
    assert run_deadlines(file)[1][0] == Failure("S-001", "due", '"2024-04-04"', '"2024-04-05"')


@pytest.mark.parametrize(
    "arguments", [(), ("deadlines",), ("deadline", "x"), ("deadlines", "x", "y")]
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    """Any other call prints the usage and nothing else, with status 2."""
    status, out, talk = run(*arguments)
    assert (status, out) == (2, "")
    assert talk.startswith("usage: python -m gdprkit.testing.vectors deadlines FILE")


def test_help() -> None:
    """Asking for help is no failure."""
    out = io.StringIO()
    assert main(["--help"], out=out, talk=io.StringIO()) == 0
    assert out.getvalue().startswith("usage: ")


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there gives one line without a traceback and status 2."""
    status, out, talk = run("deadlines", tmp_path / "none.json")
    assert (status, out) == (2, "")
    assert "file cannot be read (No such file or directory)" in talk
    assert "Traceback" not in talk


@pytest.mark.parametrize("name", ["extended_due", "suspended_days", "extension_valid", "state"])
def test_every_field_is_compared(tmp_path: Path, document: dict[str, Any], name: str) -> None:
    """No field passes with another value, nor with one that Python would call equal."""
    vector = next(one for one in document["vectors"] if one["id"] == "S-081")
    right = vector[f"expected_{name}"]
    wrongs: tuple[object, ...] = (None, "", 0, 1, 7.0, False, "2020-02-02", [], {})
    for wrong in wrongs:
        assert (type(wrong), wrong) != (type(right), right)
        vector[f"expected_{name}"] = wrong
        status, out, talk = told(tmp_path, {"vectors": [vector]})
        assert (status, out) == (1, "0 passed, 1 failed\n")
        assert talk.startswith(f"S-081: {name}: expected {json.dumps(wrong)}, got ")


def test_spelling_of_a_moment_is_free(tmp_path: Path, document: dict[str, Any]) -> None:
    """Z and +00:00 are one offset; another offset or instant, or none, is a mismatch."""
    vector = document["vectors"][0]
    for text, status in (
        ("2024-04-05T21:00:00+00:00", 0),
        ("2024-04-06T00:00:00+03:00", 1),
        ("2024-04-05T21:00:01Z", 1),
        ("2024-04-05T21:00:00", 1),
        ("soon", 1),
    ):
        vector["expected_effective_end_utc"] = text
        assert told(tmp_path, {"vectors": [vector]})[0] == status, text


def _drop(vector: dict[str, Any], name: str) -> None:
    del vector[name]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.update(received="2024-03-05T10:00:00"), "S-061: received is no ISO 8601"),
        (lambda v: v.update(received="yesterday"), "S-061: received is no ISO 8601"),
        (lambda v: v.update(received=5), "S-061: received is missing or no str"),
        (lambda v: v.update(timezone="Europe/Nowhere"), "S-061: timezone is no time zone"),
        (lambda v: v.update(holidays="XX"), "S-061: holidays is no known holiday calendar"),
        (lambda v: v.update(events={}), "S-061: events is missing or no list"),
        (lambda v: v.update(events=[1]), "S-061: events are no objects"),
        (lambda v: v["events"][0].update(type="asked_nicely"), "S-061: events hold a type"),
        (lambda v: v["events"][0].update(prompt=1), "S-061: prompt is missing or no bool"),
        (lambda v: _drop(v["events"][0], "reasonable_doubt"), "S-061: reasonable_doubt is missing"),
        (lambda v: _drop(v, "expected_due"), "S-061: expected_due is missing"),
        (lambda v: _drop(v, "id"), "vector 0 has no id"),
    ],
)
def test_an_unreadable_vector_makes_the_file_unusable(
    tmp_path: Path, document: dict[str, Any], change: Any, message: str
) -> None:
    """What cannot be read is status 2, saying where; it is neither passed nor failed."""
    vector = next(one for one in document["vectors"] if one["id"] == "S-061")
    change(vector)
    status, out, talk = told(tmp_path, {"vectors": [vector]})
    assert (status, out) == (2, "")
    assert message in talk


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", "null", '{"vectors": []}', '{"vectors": {"a": 1}}', "\ud7ff"]
)
def test_a_file_without_vectors_is_unusable(tmp_path: Path, content: str) -> None:
    """Nothing to run is never a success."""
    status, out, talk = told(tmp_path, content)
    assert (status, out) == (2, "")
    assert talk.count("\n") == 1


def test_a_file_of_other_bytes(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 text give the error of the family."""
    file = tmp_path / "vectors.json"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidValue, match="file is no JSON text"):
        run_deadlines(file)


def test_missing_extra_is_told(
    tmp_path: Path, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the holidays package a Swedish vector says which extra it needs."""
    monkeypatch.setattr("gdprkit.words.holidays.find_spec", lambda _: None)
    vector = next(one for one in document["vectors"] if one["holidays"] == "SE")
    status, out, talk = told(tmp_path, {"vectors": [vector]})
    assert (status, out) == (2, "")
    assert "gdprkit[holidays]" in talk


def test_pytest_is_not_needed() -> None:
    """The runner works where pytest and Hypothesis are not installed."""
    code = (
        "import sys; sys.modules['pytest'] = sys.modules['hypothesis'] = None; "
        "import gdprkit.testing.vectors"
    )
    path = str(Path(vectors.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert (done.returncode, done.stderr) == (0, "")
