"""Objects that hold keys and do not show them.

Decides what leaves an object that holds keys, and what an error carries out of code that handles
plaintexts: nothing of either. Always true of every class below ``KeepsSecrets``: its repr names the
class only, it has no ``__dict__``, and it is neither pickled nor copied.

What Python can and cannot do is said here once. A person's key is unwrapped into a buffer that is
wiped when its ciphers were made (``ciphers`` sees to it that they have copies). Keys of epochs and
roots come as bytes and are not wiped; ciphers hold their keys as long as they live; nothing keeps
either out of swap or a core dump.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, SupportsIndex, TypeVar

from gdprkit.errors import InvalidValue

__all__ = ["KeepsSecrets", "bare", "draw", "wipe"]

E = TypeVar("E", bound=Exception)


class KeepsSecrets:
    """Base of objects that hold key material."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} holds keys: it is neither pickled nor copied")

    def __getstate__(self) -> NoReturn:
        self.__reduce_ex__(0)


def bare(error: E) -> E:
    """Return *error* without the frames it came through and without what caused it.

    Error reporters collect the variables of frames, and those hold plaintexts or keys. Raise the
    result outside the ``except`` block, from a frame that has deleted its own.
    """
    error.__context__ = None
    return error.with_traceback(None)


def wipe(*buffers: bytearray) -> None:
    """Overwrite *buffers* with zeros."""
    for buffer in buffers:
        buffer[:] = bytes(len(buffer))


def draw(random: Callable[[int], bytes], size: int) -> bytes:
    """Return *size* bytes that *random* draws.

    Raises:
        InvalidValue: it returned another number of them.
    """
    drawn = random(size)
    if len(drawn) == size:
        return drawn
    del drawn
    raise InvalidValue("random", "returned another number of bytes", "return what was asked for")
