"""Erasures done again after a backup was restored.

A restored store holds people who were erased since the backup was made. Decides in what order that
is done again: each is erased in one commit of their own, with the reason, the reference and the
moment of the first erasure; then the tombstones of people whom the backup never had are added; then
the store is served. Leaves out what else was recorded since the backup, single values that were
erased among it: the ledger lists people only, so that cannot be brought back from here.

Always true: a process that dies at any point leaves each person wholly there or wholly erased, and
running it again goes on with the rest; until the last tombstone is there nobody is served.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, final

import attrs

from gdprkit.errors import InvalidValue, PositionTaken
from gdprkit.facts.data import PersonErased
from gdprkit.facts.objection import MarketingObjection
from gdprkit.facts.retention import MarketingEntryEnded
from gdprkit.keeper.line import view
from gdprkit.keeper.merging import carried
from gdprkit.keeper.reading import contact_values
from gdprkit.keeper.writing import (
    Bench,
    Draft,
    add,
    commit,
    finish,
    remember_stops,
)
from gdprkit.policy.rights import ERASURE_GROUNDS
from gdprkit.sealing.erasures import ErasureWatch
from gdprkit.sealing.rows import Tombstone
from gdprkit.state.connection import ConnectionStatus
from gdprkit.storage.protocol import Batch
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import ErasureReason, IntakeChannel

__all__ = ["Replayed", "replay"]

#: Reasons of an erasure that was asked for: it counts as an objection to marketing, as it did when
#: its plan was carried out. The controller's own periods and reviews are none of them.
_ASKED: Final = frozenset[ErasureReason]().union(*ERASURE_GROUNDS.values())


@final
@attrs.frozen(kw_only=True)
class Replayed:
    """What was done again.

    Args:
        erased: People whom the restored store held, erased again.
        noted: Erasures of people whom it never had, noted.
    """

    erased: int
    noted: int


def replay(
    bench: Bench,
    watch: ErasureWatch | None,
    clock: Callable[[], datetime],
    *,
    by: str | None = None,
) -> Replayed:
    """Do every erasure again that the store lacks.

    A legal hold or a restriction that the restored store shows does not stop it. It stood when the
    backup was made and was lifted before the erasure, which would have been refused otherwise; and
    what is placed on data that came back by a restore is placed on data that is no longer there
    lawfully. Whoever needs it for a claim keeps the backup apart, under a hold of its own.

    Args:
        bench: What the keeper works with; its keys ask no ledger.
        watch: Holds the store against the ledger.
        clock: Returns now.
        by: Who does it: a staff or service id, kept with each entry.

    Raises:
        InvalidValue: there is no erasure ledger, so nobody can tell what is lacking.
        ErasureLedgerUnavailable, ErasureLedgerDamaged: the ledger cannot be read.
        KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
    """
    if watch is None:
        raise InvalidValue("erasures", "is not set", "pass the erasure ledger to RecordKeeper")
    watch.mend()
    erased = noted = 0
    if missing := {record.mark: record for record in watch.missing()}:
        for about in bench.store.people():
            record = next((missing[m] for m in bench.keys.marks(about) if m in missing), None)
            if record is not None:
                erased += _erase(bench, about, record, clock, by)
        # only now: a tombstone of somebody who is still here would hide them from the next run
        for record in watch.missing():
            bench.store.add_tombstone(record)
            noted += 1
    return Replayed(erased=erased, noted=noted)


def _erase(
    bench: Bench,
    about: SubjectId,
    record: Tombstone,
    clock: Callable[[], datetime],
    by: str | None,
) -> bool:
    """Erase one person again; False when another process was first."""
    while bench.store.tombstone(record.mark) is None:
        try:
            commit(bench, *_batches(bench, about, record, clock(), by))
        except PositionTaken:
            continue  # the other one replays too: look again
        return True
    return False


def _batches(
    bench: Bench, about: SubjectId, record: Tombstone, now: datetime, by: str | None
) -> Iterator[Batch]:
    """Yield the batch that erases a person again, and what it brings to a line merged with it."""
    before = view(bench.store, about)
    draft = Draft(bench=bench, before=before, now=now, view=before, by=by)
    # when it was, yet never before what the line knows: a later entry would bring values back
    at = max(min(record.erased_at, now), before.standing.last_at or record.erased_at)
    if record.reason in _ASKED:
        add(draft, [MarketingObjection(via=IntakeChannel.OTHER)], at, exactly=True)
    if draft.view.standing.objection.stops:
        remember_stops(draft, contact_values(bench, before, damaged=True))
    if before.standing.connection.status is ConnectionStatus.MARKETING:
        add(draft, [MarketingEntryEnded(reason=record.reason)], at, exactly=True)
    fact = PersonErased(
        reason=record.reason,
        reference=record.reference,
        key_ids=tuple(key_id.hex() for key_id in record.key_ids),
    )
    add(draft, [fact], at, exactly=True)
    yield from carried(bench, before, finish(draft, shred=record), now)
