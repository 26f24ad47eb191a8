"""Processes beside the test: how they are started, and what they said when they are over."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.faults.grounds import Ground

__all__ = ["end", "start"]

_ROOT: Final = Path(__file__).parents[2]


def start(ground: Ground, work: str, *words: object) -> subprocess.Popen[str]:
    """Start a process that does a work of ``tests.faults.writer`` on the ground."""
    command = (sys.executable, "-m", "tests.faults.writer", work, ground.kind, ground.address)
    return subprocess.Popen(
        [*command, *map(str, words)],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": f"{_ROOT / 'src'}{os.pathsep}{_ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> list[str]:
    """Wait until a process is over and return the lines it said; it must not have complained."""
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        said, complaint = process.stdout.read(), process.stderr.read()
    assert not complaint, complaint
    return said.splitlines()
