"""What the tests of the desk share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest


class Silent:
    """Tells no progress, and counts the steps."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    @contextmanager
    def step(self, title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        self.steps.append(title)
        yield lambda _: None


@pytest.fixture(scope="module")
def silent() -> Silent:
    return Silent()
