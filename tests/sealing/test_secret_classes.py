"""Every class that holds keys keeps them to itself, those made later included (crypto D.44)."""

from __future__ import annotations

import copy
import importlib
import pickle
import pkgutil
from collections.abc import Iterator
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest
from tests.sealing.test_hygiene import secret_objects

import gdprkit
from gdprkit.sealing.secret import KeepsSecrets

SHOWN = ("__repr__", "__str__", "__format__")
TAKEN = ("__reduce__", "__reduce_ex__", "__getstate__", "__copy__", "__deepcopy__")


def below(cls: type[Any]) -> Iterator[type[Any]]:
    for one in cls.__subclasses__():
        yield one
        yield from below(one)


def secret_classes() -> list[type[Any]]:
    """Return every class of the package below ``KeepsSecrets``."""
    for module in pkgutil.walk_packages(gdprkit.__path__, "gdprkit."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = (cls for cls in below(KeepsSecrets) if cls.__module__.startswith("gdprkit."))
    return sorted(set(found), key=lambda cls: cls.__qualname__)


def test_d44_the_classes_that_hold_keys_are_found() -> None:
    """The walk below meets the classes known to hold keys."""
    names = {cls.__name__ for cls in secret_classes()}
    assert names >= {
        "BlindIndex",
        "EpochBook",
        "EpochRows",
        "IndexRoot",
        "Kek",
        "KeyCache",
        "Keyring",
        "MemoryProvider",
        "SubjectKey",
        "SubjectKeyVersions",
        "SubjectKeys",
    }


@pytest.mark.parametrize("cls", secret_classes(), ids=lambda cls: cls.__name__)
def test_d44_no_class_that_holds_keys_gives_them_away(cls: type[Any]) -> None:
    """It has slots only, shows its name only, and no method of its own lets its state out."""
    thing: Any = object.__new__(cls)
    assert repr(thing) == str(thing) == f"{thing}" == f"<{cls.__name__}>"
    with pytest.raises(TypeError):
        vars(thing)
    with pytest.raises(AttributeError):
        thing.anything = 1
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            pickle.dumps(thing, protocol)
    for move in (copy.copy, copy.deepcopy, methodcaller("__getstate__")):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            move(thing)
    for one in cls.__mro__:
        if one not in (KeepsSecrets, object):
            own = set(vars(one)) & {*SHOWN, *TAKEN}
            assert own == set(), f"{one.__name__} defines {own}"


def test_d44_nothing_inside_shows_a_key(tmp_path: Path) -> None:
    """Containers of such objects, their states and their errors repeat no byte of a key."""
    for thing in secret_objects(tmp_path):
        shown = f"<{type(thing).__name__}>"
        assert f"{[thing]} {{'a': {thing}}}" == f"[{shown}] {{'a': {shown}}}"
        for move in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError, match="neither pickled nor copied"):
                move({"kept": [thing]})
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            thing.__getstate__()
