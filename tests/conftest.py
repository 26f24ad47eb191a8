"""Profiles and flags of the test run."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile(
    "thorough",
    max_examples=2000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer --thorough (many Hypothesis examples) and --long (long forms of fault runs)."""
    parser.addoption("--thorough", action="store_true", help="many Hypothesis examples")
    parser.addoption("--long", action="store_true", help="long forms of fault and load runs")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the Hypothesis profile."""
    settings.load_profile("thorough" if config.getoption("--thorough") else "quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave long runs out unless asked for."""
    if config.getoption("--long"):
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="runs with --long"))
