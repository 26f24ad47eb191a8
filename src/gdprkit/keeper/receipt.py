"""The receipt of an erasure: what was destroyed, from when everywhere, and what was not reached.

Decides which limits are told, and when a process and a backup are past them. Leaves out the words
(``policy/texts/phrases/erasure.toml``). Always true: it names nobody; the destruction of keys alone
is never called deletion; what nobody can know from here, copies elsewhere above all, is said to be
open (GDPR Art. 5(2), 17; EDPB Guidelines 02/2025; CNIL 2018 on destroyed keys).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import final

import attrs

from gdprkit.errors import InvalidValue, UnknownName
from gdprkit.facts.data import PersonErased
from gdprkit.keeper.line import entries_of, view
from gdprkit.keeper.writing import Bench, marketing_stops
from gdprkit.policy.languages import Language, Reader, check_reader
from gdprkit.policy.phrases import phrase, sentences
from gdprkit.state.standing import Standing
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.moments import utc_moment
from gdprkit.words.vocabulary import Circumstance, ErasureReason

__all__ = ["ErasureReceipt", "NotErased", "Sink", "receipt_of"]


class NotErased(StrEnum):
    """What an erasure leaves, on purpose or because it cannot reach it."""

    FACTS = "facts"  # the line and the tombstone: pseudonymous, to show how the law was kept
    SUPPRESSION = "suppression"  # keyed hashes of contact points closed to marketing
    MERGED = "merged"  # other lines of the same person, with keys and values of their own
    RECIPIENTS = "recipients"  # who was given the data, and is to be told (Art. 19)
    BACKUPS = "backups"  # of the key store, until ``backups_at``
    COPIES = "copies"  # plaintext elsewhere: the sinks, and what nobody declared
    PAGES = "pages"  # bytes in the database file and its log until it is compacted


def _confirmed_at(value: datetime | None) -> datetime | None:
    return None if value is None else utc_moment(value, "confirmed_at")


@final
@attrs.frozen(kw_only=True)
class Sink:
    """A declared place that may hold copies, and since when somebody says that they are gone."""

    name: str
    confirmed_at: datetime | None = attrs.field(default=None, converter=_confirmed_at)


@final
@attrs.frozen(kw_only=True)
class ErasureReceipt:
    """What the erasure of one person did and did not do. Moments are UTC.

    Args:
        key_ids: Ids of the destroyed keys, hexadecimal.
        erased_at: When the person was erased.
        reason: Why.
        reference: The controller's own reference.
        everywhere_at: From when no other process can open the person's values any more.
        backups_at: From when backups of the key store cannot be opened for this person either,
            provided that key epochs and their root keys are replaced and destroyed as the settings
            say; None where the settings do not say.
        sinks: The declared places that may hold copies.
        not_erased: What is left.
        listed: The erasure is in a ledger outside the store's backups, so that a restored store is
            not served before it was done again.
    """

    key_ids: tuple[str, ...]
    erased_at: datetime
    reason: ErasureReason
    reference: str
    everywhere_at: datetime
    backups_at: datetime | None
    sinks: tuple[Sink, ...]
    not_erased: tuple[NotErased, ...]
    listed: bool

    def confirmed(self, sink: str, *, at: datetime) -> ErasureReceipt:
        """Return the receipt with *sink* confirmed: somebody made sure that its copies are gone.

        Raises:
            InvalidValue: *sink* is none of the declared ones, or *at* lies before the erasure.
            NaiveMoment: *at* has no time zone.
        """
        if sink not in {known.name for known in self.sinks}:
            raise InvalidValue("sink", "is not declared", "add it to KeySettings.sinks")
        if utc_moment(at, "at") < self.erased_at:
            raise InvalidValue("at", "lies before the erasure", "confirm what was done after it")
        done = Sink(name=sink, confirmed_at=at)
        return attrs.evolve(
            self, sinks=tuple(done if known.name == sink else known for known in self.sinks)
        )

    def explain(self, language: Language = "en", reader: Reader = "controller") -> str:
        """Return the receipt in words, one sentence a line.

        Args:
            language: ``en``, ``fi`` or ``sv``.
            reader: ``controller``, or ``person`` for the one who was erased.

        Raises:
            InvalidValue: there is no such language or reader.
        """
        check_reader(language, reader)
        told = (phrase(name, language, reader, **blanks) for name, blanks in self._phrases())
        return sentences(tuple(told))

    def _phrases(self) -> Iterator[tuple[str, dict[str, str]]]:
        yield "receipt-erased", {"at": _shown(self.erased_at)}
        yield "receipt-everywhere", {"at": _shown(self.everywhere_at)}
        yield "receipt-not-deletion", {}
        for left in self.not_erased:
            if left is NotErased.BACKUPS and self.backups_at is not None:
                yield "receipt-backups-until", {"at": _shown(self.backups_at)}
            else:
                yield f"receipt-{left}", {}
        for sink in self.sinks:
            if sink.confirmed_at is None:
                yield "receipt-sink-open", {"sink": sink.name}
            else:
                yield "receipt-sink-done", {"sink": sink.name, "at": _shown(sink.confirmed_at)}
        yield "receipt-listed" if self.listed else "receipt-unlisted", {}


def _shown(moment: datetime) -> str:
    return moment.isoformat(sep=" ")


def receipt_of(
    bench: Bench, about: SubjectId, *, committed: datetime | None = None
) -> ErasureReceipt:
    """Return the receipt of an erased person, from their line.

    An erasure that was done again after a restore keeps its moment; other processes and backups
    are counted from when it was done again. The periods, sinks and ledger are those of today, so
    whoever has to prove what was promised keeps the receipt.

    Args:
        bench: What the keeper works with.
        about: The person.
        committed: A moment at which the erasure was stored already; by default the moment that its
            entry was recorded, which lies before the commit by as long as that took.

    Raises:
        UnknownSubject: there is no line.
        UnknownName: the person was not erased.
        ErasureLedgerUnavailable, ErasureLedgerDamaged: nobody can tell whether it is listed.
    """
    standing = view(bench.store, about).standing
    found = [e for e in entries_of(bench.store, about) if isinstance(e.fact, PersonErased)]
    if not found or not isinstance(fact := found[-1].fact, PersonErased):
        raise UnknownName("erasure of this person", recorded=True)
    settings, watch = bench.keys.settings, bench.keys.watch
    # a clock that was set back meanwhile promises nothing earlier than the line itself
    done = max(committed or found[-1].recorded_at, found[-1].at)
    horizon = None
    if settings.epoch_days is not None and settings.backup_days is not None:
        horizon = done + timedelta(days=settings.epoch_days + settings.backup_days)
    return ErasureReceipt(
        key_ids=fact.key_ids,
        erased_at=min(found[-1].at, found[-1].recorded_at),
        reason=fact.reason,
        reference=fact.reference,
        everywhere_at=done + timedelta(seconds=settings.ttl),
        backups_at=horizon,
        sinks=tuple(Sink(name=name) for name in settings.sinks),
        not_erased=_left(bench, about, standing),
        listed=watch is not None and watch.lists(bench.keys.marks(about)),
    )


def _left(bench: Bench, about: SubjectId, standing: Standing) -> tuple[NotErased, ...]:
    """Return what the erasure left; where nobody can know, it is said to be left."""
    died = standing.data.circumstance(Circumstance.DECEASED) is not None  # remembered too
    there = {
        NotErased.SUPPRESSION: died or bool(marketing_stops(bench, standing)),
        NotErased.MERGED: _merged_lines_left(bench, about),
        NotErased.RECIPIENTS: bool(standing.disclosure.received),
    }
    return tuple(left for left in NotErased if there.get(left, True))


def _merged_lines_left(bench: Bench, about: SubjectId) -> bool:
    """Whether a line that was merged with this one, or with one of those, is not erased."""
    seen, ahead = {about}, [about]
    while ahead:
        log = view(bench.store, ahead.pop()).standing.merge
        others = {merge.other for merge in (*log.merged, log.into) if merge is not None} - seen
        for other in others:
            if bench.store.standing(other) is None:
                continue  # expunged, line and all
            if view(bench.store, other).standing.data.erased_at is None:
                return True
            ahead.append(other)
        seen |= others
    return False
