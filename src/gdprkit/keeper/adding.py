"""Adding people: each gets an id, a key and a line, and nobody is added twice.

A mailbox and a customer number belong to one person; a postal address or a switchboard number is
shared by many and refuses nobody. Nothing is opened: the terms of the look-up indexes are compared.
Ids are random and never given again: somebody who was erased and comes back is a new person.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gdprkit.acts import data as data_acts
from gdprkit.acts.act import Act
from gdprkit.errors import AlreadyKnown, InvalidValue
from gdprkit.facts.data import SubjectAdded
from gdprkit.keeper.contacts import known_terms
from gdprkit.keeper.line import new_view
from gdprkit.keeper.values import NewPerson
from gdprkit.keeper.writing import Bench, compose
from gdprkit.storage.protocol import Batch
from gdprkit.words.identifiers import FieldId, SourceId, SubjectId, uuid_from
from gdprkit.words.vocabulary import FieldKind

__all__ = ["new_people"]


def new_people(bench: Bench, people: Iterable[NewPerson], now: datetime) -> tuple[Batch, ...]:
    """Return the batches that add *people*, one each, in order.

    Raises:
        AlreadyKnown: a contact point belongs to a person in the register, or to two of these.
        UnknownName, UnknownNotice: the register does not declare a field, source or notice.
        InvalidValue: *people* holds something else.
    """
    batches: list[Batch] = []
    taken: dict[bytes, SubjectId] = {}
    for new in people:
        if not isinstance(new, NewPerson):
            raise InvalidValue("people", "holds no NewPerson", "pass NewPerson(...) values")
        about = SubjectId(uuid_from(bench.random(16)))
        _refuse_known(bench, new, about, taken, now)
        added = Act(fact=SubjectAdded(kind=new.kind, source=SourceId(new.source)), at=new.at)
        collected = data_acts.collect(new.fields, source=new.source, notice=new.notice, at=new.at)
        line = new_view(bench.store.tenant, about)
        batches.append(compose(bench, line, [added, collected, *new.acts], now=now).batch)
    return tuple(batches)


def _refuse_known(
    bench: Bench, new: NewPerson, about: SubjectId, taken: dict[bytes, SubjectId], now: datetime
) -> None:
    """Refuse *new* when a contact point is somebody's, and note in *taken* the terms it takes."""
    terms = [
        term
        for field, value in new.fields.items()
        for term in known_terms(bench.register, bench.keys, FieldId(field), value, now)
        if bench.register.field(field).kind in (FieldKind.EMAIL, FieldKind.CUSTOMER_NUMBER)
    ]
    found = bench.store.find(terms) if terms else {}
    for term in terms:
        others = found.get(term) or ((taken[term],) if term in taken else ())
        if others and others[0] != about:  # two fields of one person may hold one address
            raise AlreadyKnown(others[0])
        taken[term] = about
