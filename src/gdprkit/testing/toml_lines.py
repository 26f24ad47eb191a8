"""The line of a path in a TOML text that the parser has read already.

Decides nothing else. The parser of the standard library tells no lines, so the text is parsed again
line by line until what is looked for is there: slow, and only done when a mistake is to be told.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

__all__ = ["line_of"]

_STEP: Final = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]|\['([^']*)'\]")
_HEADER: Final = re.compile(r"\s*\[{1,2}\s*([A-Za-z0-9_-]+)\s*(\]{1,2}|\.)")

#: What an array still lacks when its text is cut after a line.
_CLOSERS: Final = ("", "]", "]]")


def line_of(text: str, path: str) -> int:
    """Return the line, counted from 1, on which *path* ends, or the nearest part of it there is.

    Args:
        text: TOML that parses.
        path: From the top, for instance ``$.scenario[2].facts[0].via``.
    """
    steps = [
        key or name or int(index) for key, index, name in _STEP.findall(path.removeprefix("$"))
    ]
    lines = text.splitlines()
    first = 0
    if len(steps) > 1 and isinstance(steps[1], int):
        # one table of an array of tables is parsed alone
        heads = [n for n, line in enumerate(lines) if _is_head(line, str(steps[0]))]
        if steps[1] < len(heads):
            first, last = heads[steps[1]], [*heads, len(lines)][steps[1] + 1]
            lines, steps[1] = lines[first:last], 0
    for known in range(len(steps), 0, -1):
        for count in range(1, len(lines) + 1):
            if _holds("\n".join(lines[:count]), steps[:known]):
                return first + count
    return first + 1


def _is_head(line: str, name: str) -> bool:
    found = _HEADER.match(line)
    return found is not None and found[1] == name and found[2] == "]]"


def _holds(text: str, steps: list[str | int]) -> bool:
    for closer in _CLOSERS:
        try:
            found: Any = tomllib.loads(text + closer)
        except tomllib.TOMLDecodeError:
            continue
        for step in steps:
            inside = range(len(found)) if isinstance(found, list) else found
            if not isinstance(inside, (dict, range)) or step not in inside:
                break
            found = found[step]
        else:
            return True
    return False
