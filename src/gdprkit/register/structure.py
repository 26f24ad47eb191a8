"""Parsed TOML to declared values: strict, and every mistake named with its path.

Decides only whether values have the declared shape. TOML has types, so nothing is guessed: a text
is no number, a moment no day. Each problem says the path, what was expected and, where a word is
near a known one, that word. Always true: either the whole value comes back, or all its problems.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, get_args, get_origin

import attrs

from gdprkit.errors import InvalidValue, RegisterInvalid, did_you_mean
from gdprkit.register.references import shown
from gdprkit.words.moments import Period

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["Expected", "is_table", "strict_converter", "structured"]

R = TypeVar("R")


def structured(
    converter: Converter, value: object, cls: type[R], path: str = "$"
) -> tuple[R | None, tuple[str, ...]]:
    """Return *value* as a *cls*, or None and every problem with its path."""
    try:
        return converter.structure(value, cls), ()
    except ExceptionGroup as failure:
        return None, tuple(_problems(failure, path))
    except (Expected, InvalidValue) as problem:
        return None, tuple(_problems(problem, path))


class Expected(ValueError):
    """Says what was expected; the text is ours, the value is not in it unless it is a word."""


def _problems(failure: BaseException, path: str) -> Iterator[str]:
    """Yield a line for each mistake in a group of them, walking down the groups' notes."""
    from cattrs.errors import (
        ClassValidationError,
        ForbiddenExtraKeysError,
        IterableValidationError,
    )

    match failure:
        case ClassValidationError():
            marked, plain = failure.group_exceptions()
            for inner, note in marked:
                yield from _problems(inner, f"{path}.{note.name}")
            for one in plain:
                # a constructor's check names the field itself
                inside = f"{path}.{one.field}" if isinstance(one, InvalidValue) else path
                yield from _problems(one, inside)
        case IterableValidationError():
            numbered, plain = failure.group_exceptions()
            for inner, at in numbered:
                yield from _problems(inner, f"{path}[{at.index!r}]")
            for one in plain:
                yield from _problems(one, path)
        case ForbiddenExtraKeysError():
            known = [part.name for part in attrs.fields(failure.cl) if part.name != "id"]
            for key in sorted(failure.extra_fields):
                close = did_you_mean(key, known)
                hint = f'did you mean "{close}"?' if close else f"known: {', '.join(known)}"
                yield f"{path}: unknown key {shown(key)}; {hint}"
        case InvalidValue():
            yield f"{path}: {failure.problem}; {failure.cure}"
        case RegisterInvalid():
            yield from failure.problems
        case Expected():
            yield f"{path}: {failure}"
        case KeyError():
            yield f"{path}: is missing; write it"
        case _:
            raise failure


def strict_converter() -> Converter:
    """Make a converter; strict, because TOML has types and a guess would hide a mistake."""
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn

    converter = Converter(forbid_extra_keys=True, detailed_validation=True)

    def entry(cls: type[Any]) -> Any:
        inner = make_dict_structure_fn(
            cls, converter, _cattrs_forbid_extra_keys=True, _cattrs_detailed_validation=True
        )

        def structure(value: object, _: object) -> Any:
            if not isinstance(value, dict):
                raise Expected("expected a table of keys and values")
            return inner(value, cls)

        return structure

    def collection(cls: Any) -> Any:
        make, of = get_origin(cls), list[get_args(cls)[0]]  # type: ignore[misc]
        inner = converter.get_structure_hook(of)

        def structure(value: object, _: object) -> Any:
            if not isinstance(value, list):
                raise Expected('expected a list, like ["email"]')
            return make(inner(value, of))

        return structure

    def table(cls: Any) -> Any:
        key, row = get_args(cls)
        inner = converter.get_structure_hook(dict[key, row])  # type: ignore[valid-type]

        def structure(value: object, _: object) -> Any:
            if not isinstance(value, dict):
                raise Expected("expected a table of entries by id")
            return inner(value, dict[key, row])  # type: ignore[valid-type]

        return structure

    converter.register_structure_hook_factory(attrs.has, entry)
    converter.register_structure_hook_factory(_is_collection, collection)
    converter.register_structure_hook_factory(is_table, table)
    for kind, expected in _PLAIN.items():
        converter.register_structure_hook(kind, _exactly(kind, expected))
    # a list of words is a str too; without its own hook it would stay one
    converter.register_structure_hook(StrEnum, _word)
    converter.register_structure_hook(Period, lambda value, _: Period.parse(value))
    converter.register_structure_hook(cast("Any", bool | int | str), _any_plain)
    return converter


_PLAIN: Final[dict[type[Any], str]] = {
    str: "a text in quotation marks",
    int: "a whole number",
    bool: "true or false",
    date: "a date without quotation marks, like 2026-03-31",
}


def _exactly(kind: type[Any], expected: str) -> Any:
    def structure(value: object, _: object) -> Any:
        # a moment is a date and true is a number to isinstance
        if type(value) is not kind:
            raise Expected(f"expected {expected}")
        return value

    return structure


def _any_plain(value: object, _: object) -> Any:
    if type(value) not in (bool, int, str):
        raise Expected("expected a text, a whole number, or true or false")
    return value


def _is_collection(cls: Any) -> bool:
    return get_origin(cls) in {frozenset, tuple}


def is_table(cls: Any) -> bool:
    """Whether a declared type is a table of entries by id."""
    return get_origin(cls) is Mapping


def _word(value: object, cls: type[StrEnum]) -> StrEnum:
    known = [str(one) for one in cls]
    if isinstance(value, str) and value in known:
        return cls(value)
    options = f"expected one of {', '.join(known)}"
    if not isinstance(value, str):
        raise Expected(options)
    close = did_you_mean(value, known)
    hint = f'; did you mean "{close}"?' if close else ""
    raise Expected(f"unknown value {shown(value)}; {options}{hint}")
