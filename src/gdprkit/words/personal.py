"""Personal values that do not show themselves.

An opened value travels as ``Personal``: its repr, str and format are redacted, so that it reaches
no log, traceback or template by accident. ``reveal()`` is the only door: no attribute is the value
itself, so what walks over the attributes of objects (``inspect``, reporters of errors, encoders)
meets a function at most.

Always true: a Personal is neither pickled nor copied, by ``copy.copy`` and ``copy.deepcopy`` as
little. Pass it on as it is; a copy would be a second value to erase that nobody counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NoReturn, SupportsIndex, TypeVar, final

__all__ = ["Personal", "conceal", "reveal"]

T = TypeVar("T")


@final
class Personal(Generic[T]):
    """A personal value (GDPR Art. 4(1)), redacted until ``reveal()`` is called."""

    __slots__ = ("__open",)

    __open: Callable[[], T]

    def __init__(self, value: T) -> None:
        self.__open = lambda: value

    def reveal(self) -> T:
        """Return the value itself; from here on the caller answers for it."""
        return self.__open()

    def __repr__(self) -> str:
        return "Personal(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", "")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Personal):
            return bool(self.__open() == other.reveal())
        return NotImplemented

    def __hash__(self) -> int:
        return hash((Personal, self.__open()))

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            "a Personal value is neither pickled nor copied; pass it on as it is, "
            "or reveal() it and answer for the copy"
        )

    def __getstate__(self) -> NoReturn:
        self.__reduce_ex__(0)


def conceal(value: T | Personal[T]) -> Personal[T]:
    """Return *value* as a Personal, or as it is where it is one.

    What is given in clear is concealed at the door: reporters of errors collect the variables of
    every frame below it.
    """
    return value if isinstance(value, Personal) else Personal(value)


def reveal(value: T | Personal[T]) -> T:
    """Return the plain value of something that may or may not be wrapped."""
    return value.reveal() if isinstance(value, Personal) else value
