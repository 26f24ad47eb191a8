"""An act: what somebody wants recorded, as a value.

An act holds the fact it would record and the personal values to be sealed with it. It decides
nothing; ``acts.prepare`` holds it against the standing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, final, get_args
from uuid import UUID

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.facts._types import check_types
from gdprkit.facts.entry import Fact
from gdprkit.words.identifiers import CaseId, FieldId, slug
from gdprkit.words.moments import utc_moment
from gdprkit.words.personal import Personal, conceal
from gdprkit.words.vocabulary import FilingSystem

__all__ = ["NEW_CASE", "Act"]

#: Stands for the id the keeper draws for a new request.
NEW_CASE: Final = CaseId(UUID(int=0))

#: Every type of fact.
FACTS: Final = frozenset(get_args(Fact))


def _wrap(values: Mapping[str, object]) -> Mapping[FieldId, Personal[object]]:
    if not isinstance(values, Mapping):
        raise InvalidValue("fields", "is no table of fields", "pass a dict of field to value")
    return {FieldId(slug(field, "fields")): conceal(value) for field, value in values.items()}


def _well_typed(_act: object, _attribute: attrs.Attribute[Fact], fact: object) -> None:
    if type(fact) not in FACTS:
        raise InvalidValue("fact", "is no fact", "pass one of gdprkit.facts")
    check_types(fact)


def _moment_or_none(value: datetime | None) -> datetime | None:
    return None if value is None else utc_moment(value, "at")


@final
@attrs.frozen(kw_only=True)
class Act:
    """Something to record about a person.

    Args:
        fact: The fact; values to be sealed are attached by the keeper.
        at: When it happened; None means now.
        personal: Field -> value, sealed before anything is stored.
        filing: The filing system the values go to.

    Raises:
        InvalidValue: a part of the fact has another type than it declares, or is no valid text.
            What is stored is read back by type, so a wrong one would close the line for ever.
        NaiveMoment: *at* has no time zone.
    """

    fact: Fact = attrs.field(validator=_well_typed)
    at: datetime | None = attrs.field(default=None, converter=_moment_or_none)
    personal: Mapping[FieldId, Personal[object]] = attrs.field(factory=dict, converter=_wrap)
    filing: FilingSystem = FilingSystem.CUSTOMER
