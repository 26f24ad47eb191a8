"""The public face: every public name resolves, says what it is, and is on a reference page."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import gdprkit

DOCS = Path(__file__).parents[2] / "docs"


def public_modules() -> list[str]:
    """Name every module of the package that is not private."""
    found = pkgutil.walk_packages(gdprkit.__path__, "gdprkit.")
    return [m.name for m in found if not any(p.startswith("_") for p in m.name.split("."))]


@pytest.mark.parametrize("name", public_modules())
def test_module_says_what_it_is(name: str) -> None:
    """Every public module has a docstring, and names in ``__all__`` resolve and are documented."""
    module = importlib.import_module(name)
    assert module.__doc__, "no docstring"
    for public in getattr(module, "__all__", ()):
        value = getattr(module, public)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{public} has no docstring"


def test_face_resolves() -> None:
    """Every name of the face resolves, and ``dir`` lists just those."""
    assert sorted(gdprkit.__all__) == dir(gdprkit)
    for name in gdprkit.__all__:
        assert getattr(gdprkit, name) is not None


def test_face_is_documented() -> None:
    """The reference page names every name of the face."""
    page = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
    assert [name for name in gdprkit.__all__ if f"`{name}`" not in page] == []


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that is not on the face is refused as Python refuses it."""
    with pytest.raises(AttributeError):
        _ = gdprkit.no_such_name
