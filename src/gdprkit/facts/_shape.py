"""Shape helpers shared by the facts: the converters and checks that several need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, TypeVar

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.words.identifiers import slug

T = TypeVar("T")


def frozen(values: Iterable[Any]) -> frozenset[Any]:
    """Return *values* as a frozenset; a bare string is refused, its letters are never meant."""
    if isinstance(values, str):
        raise InvalidValue("a set of words", "was given as one text", "pass a list or a set")
    return frozenset(values)


def ordered(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return *values* as a tuple."""
    return tuple(values)


def name(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check that *value* has the shape of a declared name."""
    slug(value, attribute.name)


def name_or_none(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check that *value* is absent or has the shape of a declared name."""
    if value is not None:
        slug(value, attribute.name)


def is_text(value: object) -> bool:
    """Whether *value* is text that can be written: lone surrogates have no UTF-8."""
    if type(value) is str and value.isascii():
        return True  # most are
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def altered(whole: T, **parts: object) -> T:
    """Return a fact or an act with other *parts*, which are right: nothing is checked again.

    For what the keeper itself adds to what was checked when it was made; ``attrs.evolve`` would
    hold all of it against its checks once more.
    """
    cls: Any = type(whole)
    new = cls.__new__(cls)
    for field in cls.__attrs_attrs__:
        named = field.name
        value = parts[named] if named in parts else getattr(whole, named)
        object.__setattr__(new, named, value)
    changed: T = new
    return changed


_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\Z")
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_SHA256_HEX = re.compile(r"[0-9a-f]{64}\Z")
_FIRST, _LAST = date(1900, 1, 1), date(2200, 1, 1)


def language(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check that *value* is a language tag, for instance ``fi`` or ``und``."""
    if not isinstance(value, str) or not _LANGUAGE.match(value):
        raise InvalidValue(attribute.name, "is no language tag", "pass fi, sv, en, und …")


def civil_day(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check that *value* is a day that periods can be counted from: 1900 to 2199."""
    if not isinstance(value, date) or isinstance(value, datetime) or not _FIRST <= value < _LAST:
        raise InvalidValue(attribute.name, "is no civil day of 1900 to 2199", "pass such a date")


def pointer(length: int) -> Callable[[object, attrs.Attribute[Any], object], None]:
    """Make a check for pointers into the controller's own files: no personal data in the ledger.

    What looks like an e-mail address is refused; a name no check can tell from a file name.
    """
    check_text = at_most(length)

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        check_text(instance, attribute, value)
        text = str(value)
        if "@" in text and _ADDRESS.search(text):
            raise InvalidValue(
                attribute.name, "holds an address", "point to your own record by its number"
            )

    return check


def sha256_hex(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check that *value* is a SHA-256, 64 hexadecimal digits."""
    if not isinstance(value, str) or not _SHA256_HEX.match(value):
        raise InvalidValue(attribute.name, "is no SHA-256", "pass 64 hexadecimal digits")


def at_most(length: int) -> Callable[[object, attrs.Attribute[Any], object], None]:
    """Make a check for texts of the controller: not empty, not longer than *length* characters."""

    def check(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not is_text(value) or not 0 < len(str(value)) <= length or "\0" in str(value):
            raise InvalidValue(
                attribute.name,
                "is empty, too long or not text",
                f"pass a text of 1 to {length} characters",
            )

    return check
