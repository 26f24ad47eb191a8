"""The care of a register's keys: what ``keeper.keys`` is.

Decides how a rotation goes over many people: each is one commit, somebody who is done is passed
over, and somebody who cannot be done now is named and holds nobody else up. Leaves out what is
rotated and in which order (``gdprkit.sealing.rotation``) and what one person's commit holds
(``renewing``).

Always true: every call may be stopped at any point and made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Final, final

import attrs

from gdprkit.errors import (
    ChainBroken,
    InvalidValue,
    PositionTaken,
    UnknownSubject,
    UnreadableEntry,
)
from gdprkit.keeper.again import again, steady
from gdprkit.keeper.line import View, going_on, known, unchanged, view
from gdprkit.keeper.renewing import newest_key, renewed, with_new_terms, without_old_versions
from gdprkit.keeper.writing import Bench, commit
from gdprkit.sealing.errors import (
    FieldCryptoError,
    KeyProviderDenied,
    KeyProviderUnavailable,
    SubjectErased,
)
from gdprkit.sealing.rotation import (
    BATCH,
    KeyStatus,
    Progress,
    Rewrapped,
    check_known,
    destroy_epoch,
    key_status,
    rewrap_keys,
    rotate,
)
from gdprkit.sealing.rows import EpochKind
from gdprkit.storage.protocol import ALL, Batch, Span
from gdprkit.words.identifiers import SubjectId, subject_id
from gdprkit.words.moments import utc_moment

__all__ = ["KeyCare", "Renewed"]


@final
@attrs.frozen(kw_only=True)
class Renewed:
    """What going over many people has done.

    Args:
        people: How many were changed.
        passed: How many had nothing to change.
        failed: Who could not be done, and the code of the error that says why.
    """

    people: int = 0
    passed: int = 0
    failed: tuple[tuple[SubjectId, str], ...] = ()


@final
class KeyCare:
    """Rotates and destroys the keys of one register. Safe to share among threads.

    Args:
        bench: Returns what the keeper works with.
        now: Returns the keeper's now.
    """

    __slots__ = ("_bench", "_now")

    def __init__(self, bench: Callable[[], Bench], now: Callable[[], datetime]) -> None:
        self._bench: Final = bench
        self._now: Final = now

    def status(self) -> KeyStatus:
        """Return how the keys stand; it counts every key row and every look-up term.

        Raises:
            KeyIntegrityError: an epoch has no name of one.
            KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
        """
        return key_status(self._bench().keys)

    def ready(self) -> None:
        """Make the first key epochs of the register, if there are none, and open the newest ones.

        The first person makes them otherwise, which is too late inside a host's transaction.

        Raises:
            KeyIntegrityError, KeyEpochDestroyed, KeyProviderUnavailable, KeyProviderDenied: an
                epoch does not open.
        """
        self._bench().keys.ready(self._now())

    def rotate(self, *, terms: bool = False) -> KeyStatus:
        """Begin a new key epoch, put what writes under the active root key; return the status.

        A rotation that was interrupted is finished instead. To replace the root key add one to the
        provider before. Then come ``rewrap``, and ``destroy`` when the time to live has passed. The
        old epoch stays under the old root key, which goes after it.

        Args:
            terms: Begin a new epoch of look-up terms too; then comes ``reindex_terms``.

        Raises:
            KeyIntegrityError, KeyEpochDestroyed, KeyProviderUnavailable, KeyProviderDenied: an
                epoch does not open; nothing new was made.
        """
        keys = self._bench().keys
        kinds = (EpochKind.KEK, EpochKind.INDEX) if terms else (EpochKind.KEK,)
        rotate(keys, at=self._now(), kinds=kinds)
        return key_status(keys)

    def rewrap(self, *, batch: int = BATCH, progress: Progress = lambda _: None) -> Rewrapped:
        """Move every key row to the newest epoch; no value is touched.

        Args:
            batch: Rows in one transaction.
            progress: Called with how many more rows were moved.

        Raises:
            InvalidValue: *batch* is less than 1.
            KeyIntegrityError, KeyEpochDestroyed, KeyExhausted, KeyProviderUnavailable,
                KeyProviderDenied: an epoch cannot be used.
        """
        return rewrap_keys(self._bench().keys, at=self._now(), batch=batch, progress=progress)

    def destroy(self, epoch: str) -> None:
        """Destroy the key of an old epoch for good.

        Backups of the key store hold it still, under the root key it was made under: they die when
        that root key is destroyed in the provider.

        Args:
            epoch: Its name, such as ``k1``.

        Raises:
            InvalidValue: it writes, lasts or is not there.
            RotationTooEarly: another process may still write under it.
            KeyInUse: key rows or look-up terms hang on it.
        """
        destroy_epoch(self._bench().keys, epoch, at=self._now())

    def renew(self, about: SubjectId, *, by: str | None = None) -> None:
        """Give a person a new key and seal every value of theirs under it, in one commit.

        The old version reads on until ``destroy_old_versions``.

        Args:
            about: The person.
            by: Who does it: a staff or service id, never a name; kept with the entry.

        Raises:
            NotASubjectId, UnknownSubject.
            SubjectErased, KeyMissing: there is no key to renew.
            ChainBroken, FieldCryptoError: a value cannot be opened; nothing was changed.
            PositionTaken: others kept writing to this line; nothing was changed.
        """
        self._one(subject_id(about), lambda bench, found, now: renewed(bench, found, now, by=by))

    def renew_all(
        self,
        *,
        since: datetime,
        span: Span = ALL,
        by: str | None = None,
        progress: Progress = lambda _: None,
    ) -> Renewed:
        """Renew the key of everybody whose key is older than *since*.

        Args:
            since: Who has a key made then or later is passed over: the moment the first call began.
            span: Whose.
            by: Who does it.
            progress: Called with how many more people were looked at.

        Raises:
            NaiveMoment: *since* has no time zone.
            KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
        """
        least = utc_moment(since, "since")

        def one(bench: Bench, found: View, now: datetime) -> Batch | None:
            newest = newest_key(bench, found.about)
            done = newest is not None and newest.created >= least
            return None if done else renewed(bench, found, now, by=by)

        return self._each(span, one, progress)

    def destroy_old_versions(self, about: SubjectId, *, columns_renewed: bool) -> bool:
        """Destroy the versions of a person's key that seal nothing any more; False for none.

        Args:
            about: The person.
            columns_renewed: Nothing in tables of your own is sealed under an old version: there are
                no such columns, or ``keeper.fields.renewed`` has gone over them. Nobody but you can
                know, and what is left under an old version can never be opened again.

        Raises:
            NotASubjectId, UnknownSubject.
            InvalidValue: *columns_renewed* is not True.
            ShredHeld: a key is on hold.
            ProcessingRestricted: the person is under a restriction (GDPR Art. 18): nothing is
                destroyed until it is lifted.
            RotationTooEarly: another process may still seal by the old version.
            KeyInUse: a value is sealed by an old version; renew the key.
            ChainBroken: a value is not the one its entry names.
        """
        _check_columns(columns_renewed)
        return self._one(subject_id(about), without_old_versions)

    def destroy_all_old_versions(
        self, *, columns_renewed: bool, span: Span = ALL, progress: Progress = lambda _: None
    ) -> Renewed:
        """Do ``destroy_old_versions`` for everybody; whoever it is refused for is named.

        So is everybody on hold or under a restriction: they are passed over, and told in ``failed``
        with ``shred-held`` or ``processing-restricted``.

        Raises:
            InvalidValue: *columns_renewed* is not True.
        """
        _check_columns(columns_renewed)
        return self._each(span, without_old_versions, progress)

    def reindex_terms(self, *, span: Span = ALL, progress: Progress = lambda _: None) -> Renewed:
        """Hang the look-up terms of everybody on the newest epoch, a person in each commit.

        Values are opened and not sealed anew. Meanwhile people are found under both epochs.

        Args:
            span: Whose.
            progress: Called with how many more people were looked at.

        Raises:
            RotationTooEarly: another process does not search the newest epoch yet.
            KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
        """
        keys = self._bench().keys
        check_known(keys, EpochKind.INDEX, at=self._now())
        keys.refresh()
        return self._each(span, with_new_terms, progress)

    def _one(self, about: SubjectId, make: Callable[[Bench, View, datetime], Batch | None]) -> bool:
        """Make a person's batch and commit it, again when somebody else was first."""
        bench = self._bench()

        def made() -> tuple[Batch, ...]:
            found, now = view(bench.store, about), self._now()
            # read before the key rows: what comes there meanwhile is for these keys too
            above = list(going_on(found, partial(known, bench.store)))
            batch = make(bench, found, now)
            still = (unchanged(line, bench.case(line, now)) for line in above)
            return () if batch is None else (batch, *still)

        def attempt() -> bool:
            batches = steady(bench.store, made)
            if batches:
                commit(bench, *batches)
            return bool(batches)

        return again(attempt, bench.keys)

    def _each(
        self,
        span: Span,
        make: Callable[[Bench, View, datetime], Batch | None],
        progress: Progress,
    ) -> Renewed:
        people = passed = 0
        failed: list[tuple[SubjectId, str]] = []
        for about in self._people(span):
            try:
                changed = self._one(about, make)
                people, passed = people + changed, passed + (not changed)
            except (SubjectErased, UnknownSubject):
                passed += 1  # gone, by design
            except (KeyProviderUnavailable, KeyProviderDenied):
                raise  # nobody else can be done either
            except (FieldCryptoError, ChainBroken, UnreadableEntry, PositionTaken) as error:
                failed.append((about, error.code))
            progress(1)
        return Renewed(people=people, passed=passed, failed=tuple(failed))

    def _people(self, span: Span) -> Iterator[SubjectId]:
        return self._bench().store.people(span=span)


def _check_columns(renewed: object) -> None:
    if renewed is not True:
        cure = "go over your own columns with keeper.fields.renewed first, then pass True"
        raise InvalidValue("columns_renewed", "is not True", cure)
