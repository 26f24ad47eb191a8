"""Every reason that the policies and acts declare, found by looking, not by a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import attrs

import gdprkit.acts
import gdprkit.policy
from gdprkit.policy.decisions import Reason

__all__ = ["declared_reasons"]


@cache
def declared_reasons() -> tuple[tuple[str, Reason], ...]:
    """Return every reason held by a constant, or a table, with the first module that holds it."""
    found: dict[Reason, str] = {}
    for package in (gdprkit.policy, gdprkit.acts):
        for info in sorted(iter_modules(package.__path__), key=lambda one: one.name):
            module = import_module(f"{package.__name__}.{info.name}")
            for name, held in vars(module).items():
                if not name.startswith("__") and not isinstance(held, type):
                    for reason in _within(held):
                        found.setdefault(reason, module.__name__)
    return tuple((module, reason) for reason, module in found.items())


def _within(held: Any, depth: int = 0) -> Iterator[Reason]:
    if isinstance(held, Reason):
        yield held
    elif depth > 4:
        return
    elif isinstance(held, Mapping):
        for value in held.values():
            yield from _within(value, depth + 1)
    elif isinstance(held, (tuple, list, frozenset)):
        for value in held:
            yield from _within(value, depth + 1)
    elif attrs.has(type(held)):
        for field in attrs.fields(type(held)):
            yield from _within(getattr(held, field.name, None), depth + 1)
