"""The languages and readers that words are written for."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

from gdprkit.errors import InvalidValue

__all__ = ["LANGUAGES", "READERS", "Language", "Reader", "check_reader"]

Language: TypeAlias = Literal["en", "fi", "sv"]
Reader: TypeAlias = Literal["controller", "person"]

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
READERS: Final[tuple[Reader, ...]] = get_args(Reader)


def check_reader(language: str, reader: str) -> None:
    """Refuse a language or reader that has no words.

    Raises:
        InvalidValue: there is no such language or reader.
    """
    if language not in LANGUAGES or reader not in READERS:
        raise InvalidValue(
            "language or reader", "has no words", "use en, fi or sv; controller or person"
        )
