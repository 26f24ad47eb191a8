"""One hash of everything a register declares: plans name the register they were made under."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date

import attrs

__all__ = ["digest_of"]


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(str(item) for item in value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    cls: type = type(value)
    if attrs.has(cls):
        return {f.name: _plain(getattr(value, f.name)) for f in attrs.fields(cls)}
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a register holds no {type(value).__name__}")


def digest_of(register: object) -> str:
    """Return SHA-256 over the register's canonical JSON, hexadecimal."""
    text = json.dumps(_plain(register), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(b"gdprkit/register/v1\0" + text.encode()).hexdigest()
