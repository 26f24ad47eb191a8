"""One way to write down what a sealed value is bound to.

Decides how parts of a context become bytes: each with its length and its type in front, so that no
two different lists of parts give the same bytes. Leaves out which parts there are: the callers fix
number and order. Always true: identity is exact; no Unicode normalisation, ``"1"`` is not ``1``.
"""

from __future__ import annotations

from typing import Final, TypeAlias
from uuid import UUID

from gdprkit.sealing.errors import ContextError

__all__ = ["COMPONENT_LIMIT", "UNBOUND", "UUID_HEAD", "Component", "lp", "u32"]

Component: TypeAlias = str | bytes | int | UUID
"""What a part of a context may be. ``bool`` is no part, though Python counts it among ``int``."""

COMPONENT_LIMIT: Final = 1024
"""Most bytes of one part, its type byte not counted."""

# Type bytes.
_STR: Final = b"\x01"
_BYTES: Final = b"\x02"
_INT: Final = b"\x03"
UUID_HEAD: Final = (17).to_bytes(4, "big") + b"\x04"
"""Length and type in front of the 16 bytes of a UUID."""
UNBOUND: Final = (1).to_bytes(4, "big") + b"\0"
"""In the place of a part that is declared unbound: a packed record has no one field."""


def u32(number: int) -> bytes:
    """Return *number* as 4 bytes, big-endian."""
    return number.to_bytes(4, "big")


def lp(part: Component, name: str = "part") -> bytes:
    """Return *part* as a 4-byte big-endian length, then a type byte and the value's own bytes.

    The length counts the type byte. Texts are UTF-8, integers minimal two's complement, UUIDs
    their 16 bytes.

    Args:
        part: The part itself.
        name: How an error calls it.

    Raises:
        ContextError: *part* is of another type, empty, longer than 1024 bytes, or no valid text.
    """
    body: bytes | None
    if isinstance(part, UUID):
        return UUID_HEAD + part.int.to_bytes(16, "big")
    if isinstance(part, str):
        try:
            body = part.encode()
        except UnicodeEncodeError:  # it would hold the text: neither cause nor context of ours
            body = None
        if body is None:
            raise ContextError(name, "is no valid Unicode text")
        kind = _STR
    elif isinstance(part, bytes):
        body = part
        kind = _BYTES
    elif type(part) is int:  # not bool
        body = part.to_bytes((part + (part < 0)).bit_length() // 8 + 1, "big", signed=True)
        kind = _INT
    else:
        raise ContextError(name, f"is of type {type(part).__name__}")
    size = len(body)
    if not size:
        raise ContextError(name, "is empty")
    if size > COMPONENT_LIMIT:
        raise ContextError(name, "is too long")
    return (size + 1).to_bytes(4, "big") + kind + body
