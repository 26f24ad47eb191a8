"""TOML to declared values, with every mistake listed at once.

Decides only whether a text has the declared shape. Each problem names the path, what was expected
and, where a word is close to a known one, that word. Leaves out law. Always true: either the whole
register comes back or ``RegisterInvalid`` with all problems, and nothing in between.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from gdprkit.errors import RegisterInvalid
from gdprkit.register.references import unknown_references
from gdprkit.register.structure import is_table, strict_converter, structured

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["load", "loads", "made"]

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
    except ValueError:  # a name no file can have
        why = "the file cannot be read; name an existing register file"
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
    except ValueError as problem:  # also a number of too many digits
        raise RegisterInvalid(source, (_not_toml(str(problem)),)) from None
    except RecursionError:
        raise RegisterInvalid(source, (_not_toml("it is nested too deeply"),)) from None
    return made(cls, parsed, source=source, schema=schema)


def made(cls: type[R], parsed: Mapping[str, Any], *, source: str, schema: int) -> R:
    """Structure parsed TOML as *cls*; as ``loads``.

    Raises:
        RegisterInvalid: it has another schema, or mistakes.
    """
    found = parsed.get("schema")
    if type(found) is not int or found != schema:
        # another format would only rain problems that are none
        what = "is missing" if found is None else "is unknown to this gdprkit"
        raise RegisterInvalid(source, (f"$.schema: {what}; write schema = {schema}",))
    problems: list[str] = []
    tables = dict(_with_ids(cls, parsed, problems))
    result, wrong = structured(_converter(), tables, cls)
    problems += [*wrong, *unknown_references(tables)]
    if problems or result is None:
        raise RegisterInvalid(source, tuple(dict.fromkeys(problems)))
    return result


@lru_cache(maxsize=1)
def _converter() -> Converter:
    return strict_converter()


def _not_toml(message: str) -> str:
    where = _WHERE.search(message)
    place = where[1] if where else "somewhere"
    return f"{place}: the text is not TOML: {_WHERE.sub('', message)}"


def _with_ids(
    cls: type[Any], parsed: Mapping[str, Any], problems: list[str]
) -> Iterator[tuple[str, Any]]:
    """Yield the parts of the file with ids written into the entries of each table."""
    attrs.resolve_types(cls)
    keyed = {part.name for part in attrs.fields(cls) if is_table(part.type)}
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
