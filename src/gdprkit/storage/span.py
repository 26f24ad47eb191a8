"""Ranges of subject ids: how sweeps over everybody are shared out.

Ids are random, so spans of equal width hold about as many people each. Nothing here knows who
exists. Always true: the parts of a split cover the whole, in order, without overlap.
"""

from __future__ import annotations

from typing import Final, final
from uuid import UUID

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.words.identifiers import SubjectId

__all__ = ["ALL", "Span"]

_LAST_ID: Final = (1 << 128) - 1


@final
@attrs.frozen(kw_only=True)
class Span:
    """A range of subject ids in the order of their bytes: from ``start`` up to before ``stop``.

    None leaves that side open. Sweeps share work out by spans.
    """

    start: SubjectId | None = None
    stop: SubjectId | None = None

    def __attrs_post_init__(self) -> None:
        if self.low > self.high:
            raise InvalidValue("span", "holds no id", "let start stand before stop")

    @property
    def low(self) -> int:
        """The first id in the span, as a number of 128 bits."""
        return 0 if self.start is None else self.start.int

    @property
    def high(self) -> int:
        """The last id in the span, as a number of 128 bits; -1 when there is none."""
        return _LAST_ID if self.stop is None else self.stop.int - 1

    def __contains__(self, about: SubjectId) -> bool:
        return self.low <= about.int <= self.high

    def split(self, parts: int) -> tuple[Span, ...]:
        """Return *parts* spans of even width that cover this one, in order, without overlap.

        A span with fewer ids than *parts* gives one span per id.

        Raises:
            InvalidValue: *parts* is less than 1.
        """
        if parts < 1:
            raise InvalidValue("parts", "is less than 1", "ask for one span or more")
        width = self.high - self.low + 1
        parts = min(parts, width)
        cuts = [SubjectId(UUID(int=self.low + width * n // parts)) for n in range(1, parts)]
        starts = [self.start, *cuts]
        stops = [*cuts, self.stop]
        return tuple(
            Span(start=start, stop=stop) for start, stop in zip(starts, stops, strict=True)
        )


ALL: Final = Span()
"""Every person."""
