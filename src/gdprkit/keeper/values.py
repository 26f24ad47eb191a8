"""What the keeper takes and gives back as values: a person to add, and the receipt of a record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import final

import attrs

from gdprkit.acts.act import Act
from gdprkit.errors import InvalidValue
from gdprkit.words.identifiers import CaseId, SubjectId
from gdprkit.words.personal import Personal, conceal
from gdprkit.words.vocabulary import SubjectKind

__all__ = ["NewPerson", "Receipt", "concealed"]


def concealed(fields: Mapping[str, object]) -> Mapping[str, Personal[object]]:
    """Return the fields with every value concealed.

    Raises:
        InvalidValue: *fields* is no table.
    """
    if not isinstance(fields, Mapping):
        raise InvalidValue("fields", "is no table of fields", "pass a dict of field to value")
    return {field: conceal(value) for field, value in fields.items()}


@final
@attrs.frozen(kw_only=True)
class NewPerson:
    """A person to add: kind, fields, where the data came from, and acts that come with it.

    The values of the fields are concealed at once, so a NewPerson is neither pickled nor copied.
    """

    kind: SubjectKind = attrs.field(converter=SubjectKind)
    fields: Mapping[str, Personal[object]] = attrs.field(repr=False, converter=concealed)
    source: str
    notice: str | None = None
    at: datetime | None = None
    acts: tuple[Act, ...] = ()


@final
@attrs.frozen(kw_only=True)
class Receipt:
    """What was recorded: the person, the positions of the entries, and a request's case.

    ``repeated`` is true when the idempotency key was used before; then nothing new was stored,
    ``positions`` names the first entry of that act, and ``case`` the request if it was one.
    """

    about: SubjectId
    positions: tuple[int, ...]
    case: CaseId | None = None
    repeated: bool = False
