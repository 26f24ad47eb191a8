"""Make the golden entries whole again: ``python -m tests.ledger.golden``.

A kind without an example gets one with every part filled. A kind whose fact has got a part gets a
new example, and the one there was moves to ``older``: what an earlier gdprkit wrote stays there and
must stay readable. No stored line is ever changed or taken away. The standing is the fold of all.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs

from gdprkit.facts.entry import Entry, Fact
from gdprkit.ledger.codec import KINDS, decode_entry, encode_entry, encode_standing
from gdprkit.state.standing import FOLD_VERSION, fold
from gdprkit.words.identifiers import SubjectId

FILE: Final = Path(__file__).parents[1] / "vectors/golden-entries.json"
ABOUT: Final = SubjectId(UUID("0c5a0f4e-3b1d-4d57-9a51-1f2f7c3f0a01"))
AT: Final = datetime(2026, 3, 31, 6, 30, 15, 123456, tzinfo=UTC)
RECORDED: Final = datetime(2026, 4, 2, 6, 30, 15, 123456, tzinfo=UTC)
_PLAIN: Final[dict[Any, Any]] = {
    bool: True,
    int: 7,
    bytes: b"\xcd" * 32,
    date: date(2026, 3, 31),
    datetime: AT,
    UUID: UUID(int=0x40008000000000000002),
}

#: Texts with a shape of their own.
_TEXTS: Final = {
    **dict.fromkeys(("digest", "notice_sha256", "plan", "register"), "cd" * 32),
    "language": "fi",
}


def _example(name: str, hint: Any) -> Any:
    hint = getattr(hint, "__supertype__", hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if get_origin(hint) in (Union, UnionType):
        return _example(name, next(one for one in get_args(hint) if one is not NoneType))
    if get_origin(hint) in (tuple, frozenset):
        return get_origin(hint)([_example(name, get_args(hint)[0])])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    if attrs.has(hint):
        return _filled(hint)
    return _TEXTS.get(name, name.replace("_", "-"))


def _filled(cls: type, **given: Any) -> Any:
    hints = get_type_hints(cls)
    parts = {f.name: _example(f.name, hints[f.name]) for f in attrs.fields(cls)}
    for field in attrs.fields(cls):  # a default is left out of what is stored: take another
        if parts[field.name] == field.default:
            words: Any = type(parts[field.name])  # bool or a closed list
            parts[field.name] = not field.default if words is bool else list(words)[-1]
    return cls(**{**parts, **given})


def _entry(cls: type[Fact], **given: Any) -> str:
    fact = _filled(cls, **given)
    return encode_entry(Entry(position=3, at=AT, recorded_at=RECORDED, fact=fact)).decode()


def whole(golden: dict[str, Any]) -> dict[str, Any]:
    """Return the golden file with an example of every kind and every part, nothing taken away."""
    entries, older = dict(golden["entries"]), list(golden.get("older", []))
    for cls, (kind, _) in KINDS.items():
        if kind not in entries:
            entries[kind] = _entry(cls)
        elif set(json.loads(entries[kind])["fact"]) != {f.name for f in attrs.fields(cls)}:
            old = json.loads(entries[kind])["fact"]
            fact = decode_entry(entries[kind].encode(), 3).fact
            older.append(entries[kind])
            entries[kind] = _entry(cls, **{name: getattr(fact, name) for name in old})
    line = [
        attrs.evolve(decode_entry(body.encode(), 3), position=position)
        for position, body in enumerate(entries.values(), start=1)
    ]
    standing = {"fold": FOLD_VERSION, "state": encode_standing(fold(line), ABOUT).decode()}
    return {"about": golden["about"], "entries": entries, "older": older, "standing": standing}


if __name__ == "__main__":
    text = json.dumps(
        whole(json.loads(FILE.read_text(encoding="utf-8"))), indent=1, ensure_ascii=False
    )
    FILE.write_text(text + "\n", encoding="utf-8")
