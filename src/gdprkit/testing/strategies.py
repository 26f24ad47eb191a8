"""Hypothesis strategies for facts, entries and the lines of whole lives.

For embedders' own tests of policies and stores. Every kind of the closed union is drawn, each part
by the type it declares, so a new kind needs nothing here. Names come from a register when one is
given; else they are made up. Histories may be impossible on purpose: folds take any.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs
from hypothesis import strategies as st

from gdprkit.facts.data import SubjectAdded
from gdprkit.facts.entry import Entry, Fact
from gdprkit.register.register import Register
from gdprkit.words.identifiers import (
    CaseId,
    FieldId,
    NoticeId,
    PurposeId,
    RecipientId,
    Slot,
    SourceId,
    SubjectId,
)

__all__ = ["KINDS_OF_FACTS", "entries", "facts", "lines"]

KINDS_OF_FACTS: Final[tuple[type[Fact], ...]] = get_args(Fact)
"""Every type of the union, in its order."""

_START: Final = datetime(2022, 1, 1, tzinfo=UTC)
_SPAN: Final = timedelta(days=6 * 365)

_NAMES: Final[st.SearchStrategy[str]] = st.from_regex(
    r"[a-z0-9][a-z0-9._-]{0,8}[a-z0-9]", fullmatch=True
)
_TEXTS: Final = st.text(
    st.characters(codec="utf-8", exclude_characters="\0@"), min_size=1, max_size=20
)
_DIGESTS: Final = st.binary(min_size=32, max_size=32).map(bytes.hex)


def _few_ids(first: int, many: int) -> st.SearchStrategy[UUID]:
    """Draw from a few ids, so that facts meet: a step its request, an erasure its values."""
    return st.integers(first, first + many - 1).map(lambda number: UUID(int=number, version=4))


def _names(register: Register | None) -> dict[Any, st.SearchStrategy[Any]]:
    ids = {Slot: _few_ids(1000, 12), CaseId: _few_ids(1, 3), SubjectId: _few_ids(500, 3)}
    if register is None:
        made_up = dict.fromkeys((FieldId, NoticeId, PurposeId, RecipientId, SourceId), _NAMES)
        return {**ids, **made_up}
    declared: dict[Any, Iterable[str]] = {
        FieldId: register.fields,
        NoticeId: register.notices,
        PurposeId: register.purposes,
        RecipientId: register.recipients,
        SourceId: register.sources,
    }
    chosen = {kind: st.sampled_from(sorted(names)) for kind, names in declared.items() if names}
    return {**ids, **dict.fromkeys(declared, _NAMES), **chosen}


def _part(hint: Any, names: dict[Any, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Return the strategy for one declared type."""
    if hint in names:
        return names[hint]
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return st.one_of(*(_part(arg, names) for arg in args))
    if origin is frozenset:
        return st.frozensets(_part(args[0], names), max_size=3)
    if origin is tuple:
        return st.lists(_part(args[0], names), max_size=3).map(tuple)
    if attrs.has(hint):
        return _made(hint, names)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    return _PLAIN[hint]


_PLAIN: Final[dict[Any, st.SearchStrategy[Any]]] = {
    NoneType: st.none(),
    bool: st.booleans(),
    int: st.integers(0, 4),
    str: _TEXTS,
    date: st.dates(date(2022, 1, 1), date(2032, 12, 31)),
    datetime: st.integers(0, _SPAN // timedelta(hours=1)).map(
        lambda hours: _START + timedelta(hours=hours)
    ),
}

#: Parts whose type says less than their shape.
_SHAPES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "digest": _DIGESTS,
    "notice_sha256": _DIGESTS,
    "language": st.sampled_from(("fi", "sv", "en", "und")),
    "transfer": _NAMES,
    "plan": _DIGESTS,
    "register": _DIGESTS,
    "topics": st.frozensets(_NAMES, max_size=3),
}


def _made(cls: type, names: dict[Any, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(cls)
    parts: dict[str, st.SearchStrategy[Any]] = {}
    for field in attrs.fields(cls):
        shape = _SHAPES.get(field.name)
        if shape is None:
            parts[field.name] = _part(hints[field.name], names)
        else:
            parts[field.name] = st.none() | shape if field.default is None else shape
        if field.name == "grounds":  # a refusal without a ground is no fact
            parts[field.name] = st.frozensets(
                _part(get_args(hints["grounds"])[0], names), min_size=1
            )
    return st.builds(cls, **parts)


def facts(*kinds: type[Fact], register: Register | None = None) -> st.SearchStrategy[Fact]:
    """Return a strategy for facts.

    Args:
        kinds: The types to draw; by default every type of the union.
        register: Where names come from; without one they are made up.
    """
    names = _names(register)
    return st.one_of(*(_made(kind, names) for kind in kinds or KINDS_OF_FACTS))


def entries(position: int = 1, register: Register | None = None) -> st.SearchStrategy[Entry]:
    """Return a strategy for one entry at *position*; it was written when it happened, or later."""
    return _entry(position, facts(register=register))


def lines(
    *kinds: type[Fact], register: Register | None = None, max_size: int = 12
) -> st.SearchStrategy[tuple[Entry, ...]]:
    """Return a strategy for the line of a whole life: the person is added first, then anything.

    Entries are written in the order of their positions and mostly happened in it; some are typed
    in late, and some share one instant.

    Args:
        kinds: The types of facts after the first; by default all.
        register: Where names come from.
        max_size: The most entries after the first.
    """
    first = facts(SubjectAdded, register=register)
    more = st.lists(facts(*kinds, register=register), max_size=max_size)
    return _line(first, more)


@st.composite
def _entry(draw: st.DrawFn, position: int, fact: st.SearchStrategy[Fact]) -> Entry:
    microseconds = int(_SPAN / timedelta(microseconds=1))
    at = _START + timedelta(microseconds=draw(st.integers(0, microseconds)))
    late = timedelta(days=draw(st.sampled_from((0, 0, 1, 40))))
    return Entry(position=position, at=at, recorded_at=at + late, fact=draw(fact))


@st.composite
def _line(
    draw: st.DrawFn, first: st.SearchStrategy[Fact], more: st.SearchStrategy[list[Fact]]
) -> tuple[Entry, ...]:
    now = _START
    line = [Entry(position=1, at=now, recorded_at=now, fact=draw(first))]
    for position, fact in enumerate(draw(more), start=2):
        now += timedelta(days=draw(st.sampled_from((0, 0, 1, 30, 200))))
        late = timedelta(days=draw(st.sampled_from((0, 0, 0, 0, 3, 100))))
        at = max(_START, now - late)
        line.append(Entry(position=position, at=at, recorded_at=now, fact=fact))
    return tuple(line)
