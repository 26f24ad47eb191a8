"""Notices given to the person (GDPR Art. 13, 14). What a notice says stands in the register."""

from __future__ import annotations

from typing import final

import attrs

from gdprkit.facts._shape import language, name
from gdprkit.words.identifiers import NoticeId

__all__ = ["NoticeGiven"]


@final
@attrs.frozen(kw_only=True)
class NoticeGiven:
    """The person was given a version of a notice.

    Args:
        notice: The declared notice version.
        language: The language it was given in, for instance ``fi``.

    Source: GDPR Art. 13, 14; R-704.
    """

    notice: NoticeId = attrs.field(validator=name)
    language: str = attrs.field(default="en", validator=language)
