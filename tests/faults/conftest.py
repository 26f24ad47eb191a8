"""Grounds to try a fault on, and a voice that tells what a run found."""

from __future__ import annotations

import itertools
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import final

import attrs
import psycopg
import pytest
from tests.faults.grounds import OPENERS, Ground
from tests.postgres_server import PostgresServer, running_server

from gdprkit.storage import install_postgres


def installed(uri: str) -> str:
    """Make an empty database a store, and return where it is."""
    with psycopg.connect(uri) as connection:
        install_postgres(connection)
    return uri


@pytest.fixture(params=sorted(OPENERS))
def any_ground(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Ground]:
    """Makes new, empty places for a store, of each kind and each way of writing to it."""
    return _grounds(request, tmp_path)


@pytest.fixture(params=["postgres", "sqlite"])
def new_ground(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Ground]:
    """Makes new, empty places for a store, of each kind of database."""
    return _grounds(request, tmp_path)


def _grounds(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Ground]:
    kind: str = request.param
    numbers = itertools.count(1)
    if kind != "postgres":
        return lambda: Ground(kind, str(tmp_path / f"store-{next(numbers)}.db"))
    fresh: Callable[[], str] = request.getfixturevalue("new_postgres")
    return lambda: Ground(kind, installed(fresh()))


@final
@attrs.frozen
class OwnServer:
    """A PostgreSQL of its own, which a test may stop, on a port of the loopback."""

    server: PostgresServer
    port: int
    _numbers: Iterator[int] = attrs.Factory(itertools.count)

    def fresh(self, name: str) -> str:
        """Make an empty database and return where it is."""
        name = f"{name}_{next(self._numbers)}"
        self.server.fresh_database(name)
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"


@pytest.fixture(scope="module")
def own_server() -> Iterator[OwnServer]:
    """A server that the tests of a module may stop and start."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
    with running_server(port=port) as server:
        yield OwnServer(server, port)


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
