"""Profiles and flags of the test run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings
from tests.postgres_server import PostgresServer, running_server

settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile(
    "thorough",
    max_examples=2000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
#: The same few examples each time, and no memory: a mutant is killed by what the tests say.
settings.register_profile(
    "mutation",
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer --thorough (many Hypothesis examples), --mutation (few), --long (long fault runs)."""
    parser.addoption("--thorough", action="store_true", help="many Hypothesis examples")
    parser.addoption("--mutation", action="store_true", help="few fixed examples, for mutmut")
    parser.addoption("--long", action="store_true", help="long forms of fault and load runs")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the Hypothesis profile."""
    wanted = [name for name in ("thorough", "mutation") if config.getoption(f"--{name}")]
    settings.load_profile(wanted[0] if wanted else "quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave long runs out unless asked for."""
    if config.getoption("--long"):
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="runs with --long"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL: one for each process of the test run, started when first asked for."""
    with running_server() as server:
        yield server


_databases = itertools.count(1)


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> str:
    """Where a new, empty database is."""
    return postgres_server.fresh_database(f"test_{next(_databases)}")


@pytest.fixture
def new_postgres(postgres_server: PostgresServer) -> Callable[[], str]:
    """Makes new, empty databases and tells where each is."""
    return lambda: postgres_server.fresh_database(f"test_{next(_databases)}")
