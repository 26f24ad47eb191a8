"""Columns of a commit as PostgreSQL's binary arrays.

Decides how lists of bytes, numbers and words are packed. It knows no table and no driver: a driver
is told that a ``Packed`` is what it holds (``postgres_port``). A driver's own arrays take their
type from what happens to lie in them, so one statement would be many.

Always true: a column has the same type whatever lies in it, nothing included.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Any, ClassVar, Final

__all__ = ["ARRAYS", "Bytes", "Numbers", "Packed", "Words"]

_HEAD: Final = Struct(">iiIii")
_LENGTH: Final = Struct(">i")
_NUMBER: Final = Struct(">iq")
_NULL: Final = _LENGTH.pack(-1)


class Packed(ABC):
    """One array as the bytes that travel.

    ``array_oid`` and ``name`` say which type PostgreSQL takes them for.
    """

    __slots__ = ("data",)

    oid: ClassVar[int]
    array_oid: ClassVar[int]
    name: ClassVar[str]

    def __init__(self, items: Sequence[Any]) -> None:
        parts = [_HEAD.pack(1, None in items, self.oid, len(items), 1)]
        parts += self._parts(items)
        self.data = b"".join(parts)

    @abstractmethod
    def _parts(self, items: Sequence[Any]) -> Iterable[bytes]:
        """Return length and bytes of each item, or the mark of one that is not there."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.data)} bytes>"


class Bytes(Packed):
    """``bytea[]``."""

    __slots__ = ()
    oid = 17
    array_oid = 1001
    name = "bytea[]"

    def _parts(self, items: Sequence[Any]) -> Iterable[bytes]:
        pack = _LENGTH.pack
        for item in items:
            if item is None:
                yield _NULL
            else:
                yield pack(len(item))
                yield item


class Numbers(Packed):
    """``bigint[]``."""

    __slots__ = ()
    oid = 20
    array_oid = 1016
    name = "bigint[]"

    def _parts(self, items: Sequence[Any]) -> Iterable[bytes]:
        pack = _NUMBER.pack
        return [_NULL if item is None else pack(8, item) for item in items]


class Words(Bytes):
    """``text[]``, in UTF-8 as every connection of ours speaks."""

    __slots__ = ()
    oid = 25
    array_oid = 1009
    name = "text[]"

    def _parts(self, items: Sequence[Any]) -> Iterable[bytes]:
        return super()._parts([str(item).encode() for item in items])


ARRAYS: Final = (Bytes, Numbers, Words)
"""All kinds of them."""
