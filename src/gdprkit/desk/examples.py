"""Where the JOT example lies: in the wheel as package data, in a checkout under ``docs``.

There is one source of it. A wheel carries a copy made when it was built; the checkout, and an
editable install of it, reads the originals.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from types import ModuleType
from typing import Final

from gdprkit.errors import InvalidValue

__all__ = ["example", "generator"]

_CHECKOUT: Final = Path(__file__).parents[3] / "docs" / "examples" / "jot"


@contextmanager
def example(name: str) -> Iterator[Path]:
    """Give a file of the JOT example as a path, for as long as the block lasts.

    Raises:
        InvalidValue: this installation does not carry it.
    """
    packed = files("gdprkit.desk").joinpath("jot", name)
    if packed.is_file():
        with as_file(packed) as path:
            yield path
    elif (_CHECKOUT / name).is_file():
        yield _CHECKOUT / name
    else:
        raise InvalidValue("example", "is not part of this installation", "install gdprkit again")


@contextmanager
def generator() -> Iterator[ModuleType]:
    """Give the module that makes the contacts, for as long as the block lasts.

    Raises:
        InvalidValue: this installation does not carry it.
    """
    with example("make_contacts.py") as path:
        spec = importlib.util.spec_from_file_location("gdprkit_jot_contacts", path)
        if spec is None or spec.loader is None:
            raise InvalidValue("example", "cannot be loaded", "install gdprkit again")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
