"""Runs the blocks of one Markdown document, in order, in one namespace and one directory.

Four kinds of fenced blocks are run or checked; a block of another language is an error, so that
nothing on the pages can go stale unseen:

- ``python`` is executed; what it prints must be the ``text`` block that follows, ``...`` standing
  for anything. Printing without such a block fails.
- ``console`` is a transcript: each line after ``$ `` is run, the lines below it are its output, and
  its errors if it fails.
- ``toml`` beginning with ``# name.toml`` is written to that file for the blocks that follow.
- ``text`` after anything else is prose in a box and is left alone.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path
from typing import Final

from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser

ROOT: Final = Path(__file__).parents[2]

#: Blocks of README.md that .ci/run runs, in virtual environments of their own.
INSTALL: Final = "python3 -m venv .venv && "

_FOLLOWING: Final = re.compile(r"\s*\n```text\n(.*?)^```", re.DOTALL | re.MULTILINE)
_OPENING: Final = re.compile(r"^```([\w-]*)[^\n]*$", re.MULTILINE)
_NAMED: Final = re.compile(r"# ([a-z-]+\.toml)\n")
_STATUS: Final = "echo $?"


def expected_output(document: Document, end: int) -> str | None:
    """Return the ``text`` block directly behind position *end* of the document, or None."""
    found = _FOLLOWING.match(document.text, end)
    return found[1] if found else None


def _difference(example: Example, wanted: str, got: str) -> str | None:
    # a page shows no trailing blanks, and a terminal's last newline is nothing to see
    plain = "".join(f"{line.rstrip()}\n" for line in got.rstrip().splitlines())
    if OutputChecker().check_output(wanted, plain, ELLIPSIS):
        return None
    return f"line {example.line}\nexpected:\n{wanted}\ngot:\n{plain}"


def run_python(example: Example) -> str | None:
    """Execute a ``python`` block and compare what it prints."""
    printed = io.StringIO()
    # so many lines in front that a traceback names the line of the page
    source = "\n" * example.line + str(example.parsed)
    code = compile(source, example.path, "exec", dont_inherit=True)
    with contextlib.redirect_stdout(printed):
        exec(code, example.namespace)  # noqa: S102  # the page's own code is what is tested
    wanted = expected_output(example.document, example.region.end)
    if wanted is None:
        return f"prints, and no text block follows:\n{printed.getvalue()}" * bool(
            printed.getvalue()
        )
    return _difference(example, wanted, printed.getvalue())


def split_transcript(source: str) -> list[tuple[str, str]]:
    """Return each command of a transcript with the output shown below it."""
    commands: list[tuple[str, str]] = []
    for line in source.splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], ""))
        elif commands:
            command, output = commands[-1]
            commands[-1] = (command, f"{output}{line}\n")
        else:
            raise ValueError("a transcript begins with a line '$ command'")
    return commands


def _run(command: str) -> tuple[int, str]:
    words = shlex.split(command)
    if words[0] == "gdprkit":
        words = [sys.executable, "-m", "gdprkit", *words[1:]]
    elif words[:2] == ["python", "-m"]:
        words = [sys.executable, *words[1:]]
    else:
        raise ValueError(f"a transcript runs gdprkit or python -m, not {words[0]!r}")
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    env["PYTHONPATH"] = str(ROOT / "src")
    done = subprocess.run(
        words,
        check=False,
        env=env,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    # progress and other talk is not shown; why a command failed is
    return done.returncode, done.stdout + (done.stderr if done.returncode else "")


def run_console(example: Example) -> str | None:
    """Run a transcript; an exit code other than 0 has to be shown by ``echo $?``."""
    source = str(example.parsed)
    if source.startswith(INSTALL):
        return None
    commands = split_transcript(source)
    shown_next = [command == _STATUS for command, _ in commands[1:]] + [False]
    status = 0
    for (command, wanted), shown in zip(commands, shown_next, strict=True):
        if command == _STATUS:
            got = f"{status}\n"
        else:
            status, got = _run(command)
            if status and not shown:
                return f"line {example.line}: {command!r} exits with {status}:\n{got}"
        problem = _difference(example, wanted, got)
        if problem:
            return problem
    return None


def write_toml(example: Example) -> str | None:
    """Write a ``toml`` block to the file its first line names."""
    named = _NAMED.match(str(example.parsed))
    if named is None:
        return f"line {example.line}: the first line of a toml block names its file: # name.toml"
    Path(named[1]).write_text(str(example.parsed), encoding="utf-8")
    return None


_RUNNERS: Final = {"python": run_python, "console": run_console, "toml": write_toml}


def unknown_languages(text: str) -> list[str]:
    """Return the languages of fenced blocks that nothing here runs or checks."""
    fences = [found[1] for found in _OPENING.finditer(text)]
    # fences come in pairs; the second of a pair closes and has no language
    return [language for language in fences[::2] if language not in {*_RUNNERS, "text"}]


def parse(path: Path) -> Document:
    """Return the document with its blocks found."""
    parsers = [CodeBlockParser(language, runner) for language, runner in _RUNNERS.items()]
    return Document.parse(str(path), *parsers)


def run_document(path: Path, namespace: Mapping[str, object]) -> int:
    """Run every block of *path* in order; return how many there were."""
    document = parse(path)
    document.namespace.update(namespace)
    count = 0
    for example in document.examples():
        example.evaluate()
        count += 1
    return count
