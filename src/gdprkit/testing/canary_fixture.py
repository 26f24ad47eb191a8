"""A pytest fixture that plants canaries, listens to the logs and insists on the search.

Import it by name into your ``conftest.py``; nothing loads it by itself::

    from gdprkit.testing.canary_fixture import plant_canary as plant_canary
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from gdprkit.register.register import Register
from gdprkit.testing.canary import Canary

__all__ = ["plant_canary"]


@pytest.fixture
def plant_canary() -> Iterator[Callable[..., Canary]]:
    """Make canaries as ``Canary.of`` does, each listening to the logs from then on.

    A test that made one and never called ``gone_from`` fails: it would have proved nothing.
    """
    made: list[Canary] = []
    with ExitStack() as listening:

        def plant(register: Register, *fields: str, kind: str | None = None) -> Canary:
            canary = Canary.of(register, *fields, kind=kind)
            listening.enter_context(canary.listening())
            made.append(canary)
            return canary

        yield plant
    if not all(canary.judged for canary in made):
        pytest.fail("a canary was planted and gone_from was never called for it")
