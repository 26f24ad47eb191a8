"""Shape checks that several declared values share; none of them knows any law."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.words.identifiers import slug

_FINDING = re.compile(r"L-[0-9]{2,3}\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")


def frozen(values: Iterable[Any]) -> frozenset[Any]:
    """Return *values* as a frozenset; a bare string is refused, its letters are never meant."""
    if isinstance(values, str):
        raise InvalidValue("a set of words", "was given as one text", "pass a list or a set")
    return frozenset(values)


def table(rows: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Return a read-only copy of *rows* in the same order."""
    return MappingProxyType(dict(rows))


def name(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check that *value* has the shape of a declared name."""
    slug(value, attribute.name)


def name_or_none(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check that *value* is absent or has the shape of a declared name."""
    if value is not None:
        slug(value, attribute.name)


def names(_instance: object, attribute: attrs.Attribute[Any], values: Iterable[object]) -> None:
    """Check that every one of *values* has the shape of a declared name."""
    for value in values:
        slug(value, attribute.name)


def text(length: int = 500) -> Callable[[object, attrs.Attribute[Any], object], None]:
    """Make a check for a text of 1 to *length* characters."""

    def check(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise InvalidValue(attribute.name, "is empty or not text", "write it out")
        if len(value) > length:
            raise InvalidValue(attribute.name, "is too long", f"use up to {length} characters")

    return check


def text_or_none(length: int = 500) -> Callable[[object, attrs.Attribute[Any], object], None]:
    """Make a check for an absent text or one of 1 to *length* characters."""
    return attrs.validators.optional(text(length))


def texts(_instance: object, attribute: attrs.Attribute[Any], values: Iterable[object]) -> None:
    """Check that every one of *values* is a text of 1 to 500 characters."""
    check = text()
    for value in values:
        check(_instance, attribute, value)


def up_to(most: int) -> Callable[[object, attrs.Attribute[Any], object], None]:
    """Make a check for a whole number of 0 to *most*."""

    def check(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if type(value) is not int or not 0 <= value <= most:
            raise InvalidValue(attribute.name, "is out of range", f"give 0 to {most}")

    return check


def country(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check that *value* is absent or looks like an ISO 3166-1 alpha-2 code."""
    if value is not None and not (isinstance(value, str) and _COUNTRY.match(value)):
        raise InvalidValue(attribute.name, "is no country code", 'write two capitals, like "FI"')


def findings(_instance: object, attribute: attrs.Attribute[Any], values: Iterable[object]) -> None:
    """Check that every one of *values* looks like the id of a finding, ``L-01``."""
    for value in values:
        if not (isinstance(value, str) and _FINDING.match(value)):
            raise InvalidValue(attribute.name, "holds no id of a finding", 'write ids like "L-01"')


def published_field() -> Any:
    """Make the field for the words the controller published, where they differ from the entry."""
    return attrs.field(default=None, validator=text_or_none(4000))


def findings_field() -> Any:
    """Make the field for ids of findings about the published words."""
    return attrs.field(default=(), converter=tuple, validator=findings)
