"""Whether a fact holds the types it declares.

The stored form has no room for a mistake: what cannot be read back closes the line. So whoever
records a fact is held to its declared types, exactly: a plain text is no word of a list, a datetime
is no day. Facts read back are checked by the codec and not here. A value never stands in the error.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.facts._shape import is_text

__all__ = ["check_types"]

_Fits = Callable[[object], bool]


def check_types(fact: Any) -> None:
    """Hold every part of *fact* against the type it declares.

    Raises:
        InvalidValue: a part has another type, or is text with lone surrogates; names the part.
    """
    cls: Any = type(fact)
    for name, plain, fits, wanted in _parts(cls):
        value = getattr(fact, name)
        if type(value) in plain:
            continue
        if not fits(value):
            raise InvalidValue(name, "has another type than it declares", f"pass {wanted}")
        if hasattr(value, "__attrs_attrs__"):
            check_types(value)


@cache
def _parts(cls: type) -> tuple[tuple[str, frozenset[type], _Fits, str], ...]:
    hints = get_type_hints(cls)
    return tuple(
        (field.name, _plain(hints[field.name]), _fits(hints[field.name]), _words(hints[field.name]))
        for field in attrs.fields(cls)
    )


def _plain(hint: Any) -> frozenset[type]:
    """Return the types of which every value fits, so that none has to be looked into."""
    hint = getattr(hint, "__supertype__", hint)
    if get_origin(hint) in (Union, UnionType):
        return frozenset[type]().union(*map(_plain, get_args(hint)))
    looked_into = get_origin(hint) is not None or hint is str or attrs.has(hint)
    return frozenset() if looked_into else frozenset({hint})


def _fits(hint: Any) -> _Fits:
    """Return the check for one declared type."""
    hint = getattr(hint, "__supertype__", hint)
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        choices = [_fits(arg) for arg in get_args(hint)]
        return lambda value: any(fits(value) for fits in choices)
    if origin in (frozenset, tuple):
        return _collection(origin, _fits(get_args(hint)[0]))  # a tuple is written tuple[item, ...]
    if hint is str:
        return lambda value: type(value) is str and is_text(value)
    return lambda value: type(value) is hint


def _collection(origin: Any, item: _Fits) -> _Fits:
    def fits(value: Any) -> bool:
        return type(value) is origin and all(item(one) for one in value)

    return fits


_WORDS = {
    str: "valid text",
    int: "a whole number",
    bool: "True or False",
    date: "a date",
    datetime: "an aware datetime",
    NoneType: "None",
}


def _words(hint: Any) -> str:
    hint = getattr(hint, "__supertype__", hint)
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return " or ".join(_words(arg) for arg in get_args(hint))
    if origin in (frozenset, tuple):
        return f"a collection of {_words(get_args(hint)[0])}"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return f"a member of {hint.__name__}"
    return _WORDS.get(hint, f"a {getattr(hint, '__name__', 'value')}")
