"""Which declared entry may name which other one, and the check that what is named is declared.

The table below is the whole truth; it works on parsed files and on values alike. Leaves out every
question of law.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from gdprkit.errors import did_you_mean

__all__ = ["REFERENCES", "shown", "unknown_references"]

#: (where, key, what it names): ``where`` is a table of entries, or one entry by itself.
REFERENCES: Final[tuple[tuple[str, str, str], ...]] = (
    ("cookies", "purpose", "purposes"),
    ("cookies", "recipient", "recipients"),
    ("logs", "fields", "fields"),
    ("logs", "purpose", "purposes"),
    ("marketing_register", "purpose", "purposes"),
    ("notices", "purposes", "purposes"),
    ("notices", "renews", "purposes"),
    ("notices", "sources", "sources"),
    ("purposes", "fields", "fields"),
    ("purposes", "recipients", "recipients"),
    ("sources", "fields", "fields"),
    ("transfers", "fields", "fields"),
    ("transfers", "purposes", "purposes"),
    ("transfers", "recipient", "recipients"),
)

_ALONE: Final = frozenset({"marketing_register"})


def shown(word: str) -> str:
    """Return *word* in quotation marks, cut short: a wrong place may hold anything."""
    return f'"{word}"' if len(word) <= 40 else f'"{word[:37]}..."'


def unknown_references(tables: Mapping[str, Any]) -> Iterator[str]:
    """Yield a problem for each name that is not declared; other mistakes are not looked at.

    Args:
        tables: The parts of a register by their names, each a table of rows by id, or one row.
    """
    for where, key, target in REFERENCES:
        declared = tables.get(target)
        known = [str(one) for one in declared] if isinstance(declared, Mapping) else []
        for path, row in _rows(where, tables.get(where)):
            for word in _words(row.get(key)):
                if word not in known:
                    close = did_you_mean(word, known)
                    hint = f'did you mean "{close}"?' if close else f"declare it in [{target}]"
                    yield f"{path}.{key}: {shown(word)} is not declared in {target}; {hint}"


def _rows(where: str, found: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(found, Mapping):
        return
    if where in _ALONE:
        yield f"$.{where}", found
        return
    for key, row in found.items():
        if isinstance(row, Mapping):
            yield f"$.{where}[{str(key)!r}]", row


def _words(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple, set, frozenset)):
        # a parsed list keeps its order; a set has none of its own
        listed = value if isinstance(value, (list, tuple)) else sorted(value, key=str)
        return tuple(one for one in listed if isinstance(one, str))
    return ()
