"""Grounds to try a fault on, and a voice that tells what a run found."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from tests.faults.grounds import OPENERS, Ground

from gdprkit.storage import install_postgres


def installed(uri: str) -> str:
    """Make an empty database a store, and return where it is."""
    with psycopg.connect(uri) as connection:
        install_postgres(connection)
    return uri


@pytest.fixture(params=sorted(OPENERS))
def new_ground(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Ground]:
    """Makes new, empty places for a store, of each kind of database."""
    kind: str = request.param
    numbers = itertools.count(1)
    if kind != "postgres":
        return lambda: Ground(kind, str(tmp_path / f"store-{next(numbers)}.db"))
    fresh: Callable[[], str] = request.getfixturevalue("new_postgres")
    return lambda: Ground(kind, installed(fresh()))


@pytest.fixture
def tell(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], None]:
    """Prints what a run tried and found: with ``-s``, and always in the long form."""

    def say(text: str) -> None:
        if request.config.getoption("--long"):
            with capsys.disabled():
                sys.stdout.write(f"\n{text}\n")
        else:
            sys.stdout.write(f"{text}\n")

    return say
