"""Reads tables off the pages, and writes out what a table has to say."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_type_hints

import attrs

from gdprkit.errors import GdprkitError
from gdprkit.facts.consent import ConsentEvidence
from gdprkit.facts.merge import MergedFrom
from gdprkit.facts.request import FieldDecision
from gdprkit.ledger.codec import KINDS
from gdprkit.policy.advertising import ADVERTISING, AdAnswer, AdColumn
from gdprkit.policy.matrix import LISTS, MATRIX, Allowed, Cell, Row
from gdprkit.words.vocabulary import AdKind, Channel

Rows = list[tuple[str, ...]]


def section(page: Path, heading: str) -> str:
    """Return the text under a heading, up to the next one of its level or above."""
    text = page.read_text(encoding="utf-8")
    level = len(heading) - len(heading.lstrip("#"))
    found = re.search(
        rf"^{re.escape(heading)}$\n(.*?)(?=^#{{1,{level}}} |\Z)", text, re.MULTILINE | re.DOTALL
    )
    if found is None:
        raise AssertionError(f"{page.name} has no heading {heading!r}")
    return found[1]


def rows(text: str) -> Rows:
    """Return the rows of all tables in *text*, without heads and rulers, marks taken off."""
    found: Rows = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if not line.startswith("|") or set(line) <= set("|-: "):
            continue
        after = lines[number + 1] if number + 1 < len(lines) else ""
        if after.startswith("|") and set(after) <= set("|-: "):
            continue
        cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
        found.append(tuple(_plain(cell) for cell in cells))
    return found


def _plain(cell: str) -> str:
    unlinked = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cell)
    return unlinked.replace("`", "").strip()


def matrix_table(channel: Channel) -> str:
    """Return the marketing matrix of a channel as a Markdown table, with its column of lists."""
    table = MATRIX[channel]
    columns = list(next(iter(table.values())))
    lines = [
        f"| row | {' | '.join(columns)} | LIST |",
        f"|---{'|---' * len(columns)}|---|",
        *(
            f"| {row} | {' | '.join(_cell(cells[column]) for column in columns)} | "
            f"{_lists(channel, row)} |"
            for row, cells in table.items()
        ),
    ]
    return "\n".join(lines)


def _cell(cell: Cell) -> str:
    if isinstance(cell, Allowed):
        conditions = f": {', '.join(cell.conditions)}" if cell.conditions else ""
        return f"allowed{conditions} ({cell.cite})"
    return f"**no** ({cell.cite})"


def _lists(channel: Channel, row: Row) -> str:
    found = LISTS[channel].get(row, ())
    return f"**no**: {', '.join(found)}" if found else "-"


def advertising_table() -> str:
    """Return the table of online advertising as Markdown."""
    lines = [
        f"| kind | {' | '.join(AdColumn)} |",
        f"|---{'|---' * len(AdColumn)}|",
        *(
            f"| {kind} | {' | '.join(_answer(row[column]) for column in AdColumn)} |"
            for kind, row in ADVERTISING.items()
        ),
        f"| {AdKind.INBOX} | {' | '.join(['as e-mail'] * len(AdColumn))} |",
    ]
    return "\n".join(lines)


def _answer(answer: AdAnswer) -> str:
    if answer.conditions is None:
        return f"**no** ({answer.cite})"
    conditions = f": {', '.join(answer.conditions)}" if answer.conditions else ""
    return f"allowed{conditions} ({answer.cite})"


def errors(base: type[GdprkitError] = GdprkitError) -> Iterator[type[GdprkitError]]:
    """Yield every error of the family that the library itself defines, *base* first."""
    if base.__module__.startswith("gdprkit."):
        yield base
    for child in base.__subclasses__():
        yield from errors(child)


def names_in(cells: Iterable[tuple[str, ...]]) -> list[str]:
    """Return the first column."""
    return [row[0] for row in cells]


#: What a fact holds within, by the part that holds it.
WITHIN: Mapping[str, tuple[type[attrs.AttrsInstance], str]] = {
    "evidence": (ConsentEvidence, "consent"),
    "decisions": (FieldDecision, "request"),
}


def facts_table() -> str:
    """Return the kinds of facts as a scenario writes them, each with its parts."""
    lines = ["| `fact` | its parts |", "|---|---|"]
    for cls, (kind, _) in KINDS.items():
        # a merge is worked out from the other line, and nobody knows the digest of a plan
        parts = "`other`, `verified`" if cls is MergedFrom else _parts(cls, but={"plan"})
        lines.append(f"| `{kind}` | {parts} |")
    lines += [
        f"| within `{name}` of a {of} | {_parts(cls)} |" for name, (cls, of) in WITHIN.items()
    ]
    return "\n".join(lines)


def words_table() -> str:
    """Return the parts of facts that are one of a list of words, and those words."""
    holders: dict[type[Enum], dict[str, None]] = defaultdict(dict)
    for cls in KINDS:
        if cls is not MergedFrom:
            _gather(cls, "", holders)
    for name, (cls, _) in WITHIN.items():
        _gather(cls, f"{name}.", holders)
    lines = ["| part | its words |", "|---|---|"]
    lines += [
        f"| {', '.join(f'`{part}`' for part in parts)} | {', '.join(str(one) for one in words)} |"
        for words, parts in holders.items()
    ]
    return "\n".join(lines)


def _parts(cls: type[attrs.AttrsInstance], but: Iterable[str] = ()) -> str:
    return ", ".join(
        f"`{part.name}`{'' if part.default is attrs.NOTHING else '?'}"
        for part in attrs.fields(cls)
        if part.name not in but
    )


def _gather(cls: type[Any], before: str, holders: dict[type[Enum], dict[str, None]]) -> None:
    hints = get_type_hints(cls)
    for part in attrs.fields(cls):
        for kind in (hints[part.name], *get_args(hints[part.name])):
            if isinstance(kind, type) and issubclass(kind, Enum):
                holders[kind][f"{before}{part.name}"] = None
