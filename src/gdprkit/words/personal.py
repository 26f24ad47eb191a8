"""Personal values that do not show themselves.

An opened value travels as ``Personal``: its repr, str and format are redacted, so that it reaches
no log, traceback or template by accident. ``reveal()`` is the only door.
"""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar, final

__all__ = ["Personal", "reveal"]

T = TypeVar("T")


@final
class Personal(Generic[T]):
    """A personal value (GDPR Art. 4(1)), redacted until ``reveal()`` is called."""

    __slots__ = ("__value",)

    def __init__(self, value: T) -> None:
        self.__value = value

    def reveal(self) -> T:
        """Return the value itself; from here on the caller answers for it."""
        return self.__value

    def __repr__(self) -> str:
        return "Personal(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", "")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Personal):
            return bool(self.__value == other.reveal())
        return NotImplemented

    def __hash__(self) -> int:
        return hash((Personal, self.__value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Personal value is not pickled; reveal() it and answer for the copy")


def reveal(value: T | Personal[T]) -> T:
    """Return the plain value of something that may or may not be wrapped."""
    return value.reveal() if isinstance(value, Personal) else value
