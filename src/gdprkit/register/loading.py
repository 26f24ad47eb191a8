"""TOML to declared values, with every mistake listed at once.

Decides only whether a text has the declared shape. Each problem names the path, what was expected
and, where a word is close to a known one, that word. Leaves out law. Always true: either the whole
register comes back or ``RegisterInvalid`` with all problems, and nothing in between.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_origin

import attrs

from gdprkit.errors import InvalidValue, RegisterInvalid, did_you_mean
from gdprkit.register.references import shown, unknown_references
from gdprkit.words.moments import Period

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["load", "loads"]

R = TypeVar("R")

_WHERE = re.compile(r"\s*\(at (line \d+, column \d+|end of document)\)\Z")


def load(cls: type[R], path: str | Path, *, schema: int) -> R:
    """Read *path* and structure it as *cls*.

    Raises:
        RegisterInvalid: the file cannot be read, is not UTF-8, or has mistakes.
    """
    source = str(path)
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as problem:
        why = f"the file cannot be read ({problem.strerror}); name an existing register file"
        raise RegisterInvalid(source, (why,)) from None
    except UnicodeDecodeError as problem:
        why = f"byte {problem.start}: the file is not UTF-8 text; save it as UTF-8"
        raise RegisterInvalid(source, (why,)) from None
    return loads(cls, text, source=source, schema=schema)


def loads(cls: type[R], text: str, *, source: str, schema: int) -> R:
    """Structure TOML *text* as *cls*; tables of entries take each entry's id from its key.

    Args:
        cls: The attrs class of the whole register.
        text: The TOML.
        source: What problems call the text.
        schema: The only number of the format that is read.

    Raises:
        RegisterInvalid: the text is no TOML, has another schema, or has mistakes.
    """
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise RegisterInvalid(source, (_not_toml(str(problem)),)) from None
    except RecursionError:
        raise RegisterInvalid(source, (_not_toml("it is nested too deeply"),)) from None
    found = parsed.get("schema")
    if type(found) is not int or found != schema:
        # another format would only rain problems that are none
        what = "is missing" if found is None else "is unknown to this gdprkit"
        raise RegisterInvalid(source, (f"$.schema: {what}; write schema = {schema}",))
    problems: list[str] = []
    tables = dict(_with_ids(cls, parsed, problems))
    result: R | None = None
    try:
        result = _converter().structure(tables, cls)
    except ExceptionGroup as failure:
        problems += _problems(failure, "$")
    problems += unknown_references(tables)
    if problems or result is None:
        raise RegisterInvalid(source, tuple(dict.fromkeys(problems)))
    return result


def _not_toml(message: str) -> str:
    where = _WHERE.search(message)
    place = where[1] if where else "somewhere"
    return f"{place}: the text is not TOML: {_WHERE.sub('', message)}"


def _with_ids(
    cls: type[Any], parsed: Mapping[str, Any], problems: list[str]
) -> Iterator[tuple[str, Any]]:
    """Yield the parts of the file with ids written into the entries of each table."""
    attrs.resolve_types(cls)
    keyed = {part.name for part in attrs.fields(cls) if _is_table(part.type)}
    for part, rows in parsed.items():
        if part not in keyed or not isinstance(rows, dict):
            yield part, rows
            continue
        for key, row in rows.items():
            if isinstance(row, dict) and "id" in row:
                problems.append(
                    f"$.{part}[{key!r}].id: the id is the key of the table; leave this line out"
                )
        yield (
            part,
            {
                key: {**row, "id": key} if isinstance(row, dict) else row
                for key, row in rows.items()
            },
        )


class _Expected(ValueError):
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
        case _Expected():
            yield f"{path}: {failure}"
        case KeyError():
            yield f"{path}: is missing; write it"
        case _:
            raise failure


@lru_cache(maxsize=1)
def _converter() -> Converter:
    """Make the converter; strict, because TOML has types and a guess would hide a mistake."""
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn

    converter = Converter(forbid_extra_keys=True, detailed_validation=True)

    def entry(cls: type[Any]) -> Any:
        inner = make_dict_structure_fn(
            cls, converter, _cattrs_forbid_extra_keys=True, _cattrs_detailed_validation=True
        )

        def structure(value: object, _: object) -> Any:
            if not isinstance(value, dict):
                raise _Expected("expected a table of keys and values")
            return inner(value, cls)

        return structure

    def collection(cls: Any) -> Any:
        make, of = get_origin(cls), list[get_args(cls)[0]]  # type: ignore[misc]
        inner = converter.get_structure_hook(of)

        def structure(value: object, _: object) -> Any:
            if not isinstance(value, list):
                raise _Expected('expected a list, like ["email"]')
            return make(inner(value, of))

        return structure

    def table(cls: Any) -> Any:
        key, row = get_args(cls)
        inner = converter.get_structure_hook(dict[key, row])  # type: ignore[valid-type]

        def structure(value: object, _: object) -> Any:
            if not isinstance(value, dict):
                raise _Expected("expected a table of entries by id")
            return inner(value, dict[key, row])  # type: ignore[valid-type]

        return structure

    converter.register_structure_hook_factory(attrs.has, entry)
    converter.register_structure_hook_factory(_is_collection, collection)
    converter.register_structure_hook_factory(_is_table, table)
    for kind, expected in _PLAIN.items():
        converter.register_structure_hook(kind, _exactly(kind, expected))
    # a list of words is a str too; without its own hook it would stay one
    converter.register_structure_hook(StrEnum, _word)
    converter.register_structure_hook(Period, lambda value, _: Period.parse(value))
    converter.register_structure_hook(cast("Any", bool | int | str), _any_plain)
    return converter


_PLAIN: dict[type[Any], str] = {
    str: "a text in quotation marks",
    int: "a whole number",
    bool: "true or false",
    date: "a date without quotation marks, like 2026-03-31",
}


def _exactly(kind: type[Any], expected: str) -> Any:
    def structure(value: object, _: object) -> Any:
        # a moment is a date and true is a number to isinstance
        if type(value) is not kind:
            raise _Expected(f"expected {expected}")
        return value

    return structure


def _any_plain(value: object, _: object) -> Any:
    if type(value) not in (bool, int, str):
        raise _Expected("expected a text, a whole number, or true or false")
    return value


def _is_collection(cls: Any) -> bool:
    return get_origin(cls) in {frozenset, tuple}


def _is_table(cls: Any) -> bool:
    return get_origin(cls) is Mapping


def _word(value: object, cls: type[StrEnum]) -> StrEnum:
    known = [str(one) for one in cls]
    if isinstance(value, str) and value in known:
        return cls(value)
    options = f"expected one of {', '.join(known)}"
    if not isinstance(value, str):
        raise _Expected(options)
    close = did_you_mean(value, known)
    hint = f'; did you mean "{close}"?' if close else ""
    raise _Expected(f"unknown value {shown(value)}; {options}{hint}")
