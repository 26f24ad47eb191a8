"""The keys of all people of one tenant: made, found, checked, told to be destroyed.

Decides whether a person has keys, is erased, is restricted or is missing, and what is wrong with
stored rows. Leaves out how keys are derived (``opened_keys``), what is sealed (``envelope``), and
who writes rows: a store writes them in the batch they belong to. Always true: a person with a
tombstone has no keys, whatever else a store may hold; missing and erased are two answers; no key is
used for sealing before somebody could destroy it; a store that is behind its erasure ledger opens
nobody's keys.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final, final, overload

import attrs

from gdprkit.errors import InvalidValue, did_you_mean
from gdprkit.sealing.cache import KeyCache
from gdprkit.sealing.canonical import lp
from gdprkit.sealing.ciphers import KEY, cipher_for
from gdprkit.sealing.epochs import EpochBook, EpochRows
from gdprkit.sealing.erasures import ErasureLedger, ErasureWatch
from gdprkit.sealing.errors import (
    FieldCryptoError,
    IndexNotDeclared,
    KeyEpochDestroyed,
    KeyIntegrityError,
    KeyMissing,
    KeyProviderDenied,
    KeyProviderUnavailable,
    ProcessingRestricted,
    ShredHeld,
    SubjectErased,
)
from gdprkit.sealing.index import IndexSpec, One, Several, check_value
from gdprkit.sealing.opened_keys import Kek, SubjectKey, SubjectKeyVersions
from gdprkit.sealing.providers import KeyProvider
from gdprkit.sealing.roots import IndexRoot
from gdprkit.sealing.rows import WRAPS_ALG, EpochKind, KeyRow, KeyState, KeyStore, Tombstone
from gdprkit.sealing.secret import KeepsSecrets, bare
from gdprkit.sealing.settings import KeySettings
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import ErasureReason, RestrictedUse

__all__ = ["SubjectKey", "SubjectKeyVersions", "SubjectKeys"]

_SETTINGS: Final = KeySettings()


@final
class SubjectKeys(KeepsSecrets):
    """The keys of all people of one tenant. Safe to share among threads.

    What was opened is believed for ``settings.ttl`` seconds, so an erasure in another process takes
    effect here within that time; ``forget`` makes it at once. So does a restriction (GDPR Art. 18).

    Args:
        provider: Wraps epoch keys by root keys.
        store: Keeps the rows of this tenant.
        tenant: Whose register; part of every derivation, so it never changes.
        settings: How keys are kept.
        indexes: The blind indexes; ``term`` and ``terms`` know no others.
        erasures: The erasure ledger of the tenant, where there is one.
        random: Returns so many fresh random bytes.
        monotonic: A clock that only goes forward, in seconds.

    Attributes:
        settings: How keys are kept.
        epochs: The rows of the key epochs.
        watch: Holds the store against the erasure ledger; None where there is no ledger.

    Raises:
        ContextError: *tenant* is empty, too long or no text.
        InvalidValue: two of *indexes* have one name, OpenSSL does not have a suite of *settings*,
            or *erasures* is another tenant's.
        KeyStoreRolledBack: by each method but ``forget``, while the store lacks an erasure that
            the ledger holds.
        ErasureLedgerUnavailable, ErasureLedgerDamaged: by the same, when nobody can tell.
    """

    __slots__ = (
        "_behind",
        "_cache",
        "_keks",
        "_lasting",
        "_random",
        "_roots",
        "_specs",
        "_store",
        "_tenant",
        "epochs",
        "settings",
        "watch",
    )

    def __init__(
        self,
        provider: KeyProvider,
        store: KeyStore,
        *,
        tenant: str,
        settings: KeySettings = _SETTINGS,
        indexes: Iterable[IndexSpec] = (),
        erasures: ErasureLedger | None = None,
        random: Callable[[int], bytes] = os.urandom,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        for suite in settings.suites:
            cipher_for(suite, bytes(KEY))  # a suite that is not there is told of now
        self._behind: SubjectKeys | None = None
        self._store: Final = store
        self.settings: Final = settings
        self._tenant: Final = lp(tenant, "tenant")
        if erasures is not None and erasures.tenant != tenant:
            raise InvalidValue("erasures", "is another tenant's", "pass the ledger of this tenant")
        self.watch: Final = (
            None
            if erasures is None
            else ErasureWatch(erasures, store, ttl=settings.ttl, monotonic=monotonic)
        )
        self._random: Final = random
        declared = tuple(indexes)
        self._specs: Final = {spec.name: spec for spec in declared}
        if len(self._specs) != len(declared):
            raise InvalidValue("indexes", "name one index twice", "give each a name of its own")
        self._cache: Final = KeyCache[SubjectKeyVersions](
            capacity=settings.capacity, ttl=settings.ttl, monotonic=monotonic
        )
        rows = self.epochs = EpochRows(provider, store, tenant=tenant, random=random)
        ttl = settings.ttl
        self._keks: Final = EpochBook(EpochKind.KEK, rows, make=Kek, ttl=ttl, monotonic=monotonic)
        self._roots: Final = EpochBook(
            EpochKind.INDEX, rows, make=IndexRoot, ttl=ttl, monotonic=monotonic
        )
        self._lasting: Final = EpochBook(
            EpochKind.LASTING, rows, make=IndexRoot, ttl=ttl, monotonic=monotonic
        )

    def on(self, store: KeyStore) -> SubjectKeys:
        """Return the same keys, read and made through *store*, on a transaction of a host.

        Epochs are kept where they are, apart from that transaction. What is opened there is not
        remembered: the host may roll back to a savepoint and go on, and what was then sealed by a
        key made in between could never be opened again.
        """
        twin = object.__new__(SubjectKeys)
        for name in self.__slots__:
            object.__setattr__(twin, name, getattr(self, name))
        own: dict[str, object] = {
            "_behind": self,
            "_store": store,
            "_cache": self._cache.idle(),
            "watch": None if self.watch is None else self.watch.aside(),
        }
        for name, part in own.items():
            object.__setattr__(twin, name, part)
        return twin

    def of(self, about: SubjectId, *, use: RestrictedUse | None = None) -> SubjectKeyVersions:
        """Return the person's keys.

        Args:
            about: Whose keys.
            use: The ground of GDPR Art. 18(2) that allows this use under a restriction; None is
                any other use.

        Raises:
            ProcessingRestricted: processing is restricted and *use* names no ground.
            SubjectErased: they were destroyed on purpose.
            KeyMissing: there is neither a key nor a record of erasure.
            KeyIntegrityError: a row was damaged, swapped or rolled back.
            KeyEpochDestroyed: the epoch that protects them was destroyed.
            KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
        """
        self._serve()
        found = self._cache.get(about, self._load)
        if isinstance(found, Tombstone):
            raise _erased(about, found)
        if found.restricted and use is None:
            raise ProcessingRestricted(about)
        return found

    def of_many(
        self, people: Iterable[SubjectId], *, use: RestrictedUse | None = None
    ) -> Mapping[SubjectId, SubjectKeyVersions]:
        """Return the keys of many people, read at once.

        Left out is whoever ``of`` refuses, and sometimes somebody whose rows change just now.

        Raises:
            KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
        """
        self._serve()
        found = self._cache.get_many(people, self._load_many)
        return {
            about: keys
            for about, keys in found.items()
            if not isinstance(keys, Tombstone) and not (keys.restricted and use is None)
        }

    def for_writing(
        self, about: SubjectId, *, use: RestrictedUse | None = None
    ) -> SubjectKeyVersions:
        """Return the person's keys to seal with.

        With ``settings.strict_writes`` their state is read anew, so that nothing is sealed after an
        erasure was committed, in whatever process; otherwise as ``of``, and then only a batch of
        the store tells, by refusing what was sealed. Arguments and errors are those of ``of``.
        """
        if self.settings.strict_writes:
            self._cache.forget(about)
        return self.of(about, use=use)

    def create(
        self, about: SubjectId, *, at: datetime, version: int = 1, drawn: bool = False
    ) -> tuple[SubjectKeyVersions, KeyRow]:
        """Make the next version of the person's key, and the row for it.

        Nothing is stored but the first epochs: the caller's batch stores the row together with
        what was sealed, and when that batch is refused because somebody was first, the caller
        drops both and starts again from ``of``. A batch that stores version 2 or later also stores
        the row before it as RETIRED. After the batch, ``forget`` the person.

        Args:
            about: Whose key.
            at: When.
            version: Which version.
            drawn: The id was drawn at random just now, so it has neither keys nor a tombstone, and
                they are not looked for; the batch that begins a line is refused where there is one.

        Raises:
            SubjectErased: the person's keys were destroyed; none is made again.
            InvalidValue: *version* is not the next one.
            KeyIntegrityError, KeyEpochDestroyed, KeyProviderUnavailable, KeyProviderDenied: as in
                ``of``.
            KeyExhausted: the epoch has wrapped too many keys.
        """
        self._serve()
        rows: Sequence[KeyRow] = () if drawn else self._store.keys(about)
        tombstone = None if drawn else self.erased(about)
        if tombstone is not None:
            raise _erased(about, tombstone)
        if version != len(rows) + 1:
            raise InvalidValue("version", "is not the next one", f"pass {len(rows) + 1}")
        self._lasting.active(at)  # from now on an erasure can be marked
        kek = self._keks.active(at)
        known = self._open(about, rows)
        keys, wrapped = kek.make(
            version=version, owner=known.owner, random=self._random, suites=self.settings.suites
        )
        row = KeyRow(
            about=about,
            version=version,
            key_id=keys[0].key_id,
            kek_id=kek.epoch,
            wrapped=wrapped,
            state=KeyState.ACTIVE,
            created=at,
        )
        return known.joined_by(keys), row

    def erased(self, about: SubjectId) -> Tombstone | None:
        """Return the record that the person's keys were destroyed, or None."""
        self._serve()
        tombstone = self._tombstone(about)
        if tombstone is None:
            self._lasting.refresh()  # another process may have made the first epoch just now
            tombstone = self._tombstone(about)
        return tombstone

    def tombstone_for(
        self, about: SubjectId, *, at: datetime, reason: ErasureReason, reference: str
    ) -> Tombstone:
        """Return the record that a batch stores when it destroys the person's keys.

        Nothing is destroyed here. When the person is erased already that first record is returned.
        After the batch, ``forget`` the person.

        Args:
            about: Whose keys, on request (GDPR Art. 17) or at the end of retention (Art. 5(1)(e)).
            at: When.
            reason: Why.
            reference: The controller's own reference; no personal data.

        Raises:
            ShredHeld: a key is on hold, whatever else says that nothing holds the person.
            KeyIntegrityError, KeyEpochDestroyed, KeyProviderUnavailable, KeyProviderDenied: as in
                ``of``, for the epoch that marks erased people.
        """
        rows = self._store.keys(about)
        before = self.erased(about)
        if before is not None:
            return before
        if any(row.on_hold for row in rows):
            raise ShredHeld(about)
        return Tombstone(
            mark=self._lasting.active(at).mark(about),
            erased_at=at,
            reason=reason,
            reference=reference,
            key_ids=tuple(row.key_id for row in rows),
        )

    def marks(self, about: SubjectId) -> tuple[bytes, ...]:
        """Return the marks the person's erasure may stand under, the newest first."""
        self._serve()
        return tuple(root.mark(about) for root in self._lasting.usable())

    @overload
    def term(self, index: str, value: One, *, at: datetime) -> bytes: ...
    @overload
    def term(self, index: str, value: Several, *, at: datetime) -> bytes | None: ...
    def term(self, index: str, value: One | Several, *, at: datetime) -> bytes | None:
        """Return the term that is stored for *value*: of the newest active epoch.

        Args:
            index: Name of a declared index.
            value: A text; for a compound index one for each part. When a part is None there is no
                term, and None is returned.
            at: The moment that the row of the first epoch shows, if this call has to make it.

        Raises:
            IndexNotDeclared: no index has that name.
            PlaintextTypeError: *value* is no text, or the index takes another number of parts.
            Unindexable: it is blank, too long or not valid under the index's normaliser.
            KeyIntegrityError, KeyEpochDestroyed, KeyProviderUnavailable, KeyProviderDenied: as in
                ``of``, for the epoch of indexes.
        """
        self._serve()
        try:
            spec = self._spec(index)
            return self._book(spec).active(at).index(spec, tenant=self._tenant).term(value)
        except FieldCryptoError as error:
            refused = error
        del index, value
        raise bare(refused)

    def terms(self, index: str, value: One | Several) -> tuple[bytes, ...]:
        """Return the terms to search for: one for every epoch not destroyed, newest first.

        While values move to a new epoch some are found under the one and some under the other.
        Empty when nothing was ever stored, or when a part of a compound value is None.

        Raises:
            KeyEpochDestroyed: every epoch was destroyed, so that what was stored cannot be found.
            IndexNotDeclared, PlaintextTypeError, Unindexable: as in ``term``.
            KeyIntegrityError, KeyProviderUnavailable, KeyProviderDenied: as in ``of``.
        """
        self._serve()
        try:
            spec = self._spec(index)
            roots = self._book(spec).usable()
            if not roots:
                check_value(spec, value)
            found = [root.index(spec, tenant=self._tenant).term(value) for root in roots]
            return tuple(term for term in found if term is not None)
        except FieldCryptoError as error:
            refused = error
        del index, value
        raise bare(refused)

    def searched(self, index: str) -> tuple[int, ...]:
        """Return the numbers of the epochs whose terms ``terms`` returns, in its order.

        While they are the same, so are the terms of a value. Errors are those of ``terms``.
        """
        self._serve()
        return tuple([root.number for root in self._book(self._spec(index)).usable()])

    def _spec(self, name: str) -> IndexSpec:
        spec = self._specs.get(name)
        if spec is None:
            raise IndexNotDeclared(did_you_mean(name, self._specs))
        return spec

    def _book(self, spec: IndexSpec) -> EpochBook[IndexRoot]:
        return self._lasting if spec.lasting else self._roots

    def forget(self, about: SubjectId) -> None:
        """Close the person's keys in this process. Call it after each batch that changes them."""
        self._cache.forget(about)
        if self._behind is not None:
            self._behind.forget(about)

    def refresh(self) -> None:
        """Read the rows of all epochs again, as after a rotation."""
        self._serve()
        for book in (self._keks, self._roots, self._lasting):
            book.refresh()

    def ready(self, at: datetime) -> None:
        """Make the first epoch of each kind that has none, and open the newest ones.

        Raises:
            KeyIntegrityError, KeyEpochDestroyed, KeyProviderUnavailable, KeyProviderDenied: as in
                ``of``.
        """
        self._serve()
        for book in (self._keks, self._roots, self._lasting):
            book.active(at)

    def rewrapped(self, row: KeyRow, *, at: datetime) -> KeyRow:
        """Return *row* as the newest key epoch wraps it; the key, its id and state stay the same.

        Nothing is stored; put it in the place of *row* by ``KeyStore.replace_keys``.

        Raises:
            KeyIntegrityError: the row was damaged or swapped.
            KeyExhausted: the epoch has wrapped too many keys.
            KeyEpochDestroyed, KeyProviderUnavailable, KeyProviderDenied: as in ``of``.
        """
        self._serve()
        under = self._keks.active(at)
        wrapped = self._keks.open(row.kek_id).rewrap(
            row, under=under, owner=self._owner(row.about), random=self._random
        )
        return attrs.evolve(row, kek_id=under.epoch, wrapped=wrapped)

    def _serve(self) -> None:
        if self.watch is not None:
            self.watch.check()

    def _load(self, about: SubjectId) -> SubjectKeyVersions | Tombstone:
        # keys before tombstone: an erasure between the two reads is seen by the second
        rows = self._store.keys(about)
        tombstone = self._tombstone(about) if rows else self.erased(about)
        if tombstone is not None:
            return tombstone
        if not rows:
            raise KeyMissing(about)
        try:
            return self._open(about, rows)
        except KeyEpochDestroyed:
            # between our reads the rows may have been wrapped anew and the old epoch destroyed
            if tuple(self._store.keys(about)) == tuple(rows):
                raise
        return self._load(about)

    def _load_many(self, people: list[SubjectId]) -> dict[SubjectId, SubjectKeyVersions]:
        """Open the keys of whoever has them, is not erased, and whose rows are right."""
        # keys before tombstones, as in _load
        rows = self._store.keys_of(people)
        marks = {root.mark(about): about for root in self._lasting.usable() for about in rows}
        erased = {marks[mark] for mark in self._store.tombstones_of(marks)}
        found: dict[SubjectId, SubjectKeyVersions] = {}
        for about, own in rows.items():
            if about in erased:
                continue
            try:
                found[about] = self._open(about, own)
            except (KeyProviderUnavailable, KeyProviderDenied):
                raise
            except FieldCryptoError:
                continue  # ``of`` says what is wrong, if it is wrong still
        return found

    def _tombstone(self, about: SubjectId) -> Tombstone | None:
        for root in self._lasting.usable():
            tombstone = self._store.tombstone(root.mark(about))
            if tombstone is not None:
                return tombstone
        return None

    def _open(
        self, about: SubjectId, rows: Sequence[KeyRow], *, looks_again: bool = True
    ) -> SubjectKeyVersions:
        owner = self._owner(about)
        if len(rows) > 1:
            rows = sorted(rows, key=lambda row: row.version)
        _check_rows(about, rows)
        opened: list[SubjectKey] = []
        destroyed: list[bytes] = []
        restricted = False
        for row in rows:
            restricted = restricted or row.restricted
            if row.state is KeyState.DESTROYED:
                destroyed.append(row.key_id)
            else:
                opened.extend(self._open_row(row, owner))
        return SubjectKeyVersions(
            opened,
            owner=owner,
            suite=self.settings.suite,
            destroyed=destroyed,
            later=partial(self._made_since, about) if looks_again else None,
            restricted=restricted,
        )

    def _made_since(self, about: SubjectId, key_id: bytes) -> SubjectKeyVersions | None:
        """Return the person's keys as they are stored now, if one of them has *key_id*.

        Another process may have made a version since these were opened. None opens nothing: an
        envelope of somebody else costs one read and is refused as before.
        """
        rows = self._store.keys(about)
        if not any(row.key_id == key_id for row in rows):
            return None
        tombstone = self._tombstone(about)
        if tombstone is not None:
            raise _erased(about, tombstone)
        self._cache.forget(about)
        return self._open(about, rows, looks_again=False)

    def _owner(self, about: SubjectId) -> bytes:
        return self._tenant + lp(about, "subject")

    def _open_row(self, row: KeyRow, owner: bytes) -> list[SubjectKey]:
        if row.wraps_alg != WRAPS_ALG:
            problem = f"is wrapped by {row.wraps_alg!r}, not by {WRAPS_ALG!r}"
            raise KeyIntegrityError(row.label, problem)
        keys = self._keks.open(row.kek_id).open(row, owner=owner, suites=self.settings.suites)
        if keys[0].key_id != row.key_id:
            raise KeyIntegrityError(row.label, "is not the key its id commits to")
        return keys


def _check_rows(about: SubjectId, rows: Sequence[KeyRow]) -> None:
    """Raise KeyIntegrityError when the rows cannot be all of one person's, in one true order."""
    if len(rows) == 1:  # as nearly everybody's
        only = rows[0]
        if only.version == 1 and only.state is KeyState.ACTIVE and only.about == about:
            return
    what = f"the keys of subject {about}"
    if any(row.about != about for row in rows):
        raise KeyIntegrityError(what, "hold a row of somebody else")
    if [row.version for row in rows] != list(range(1, len(rows) + 1)):
        raise KeyIntegrityError(what, "lack a version or hold one twice")
    active = [row.version for row in rows if row.state is KeyState.ACTIVE]
    left = any(row.state is not KeyState.DESTROYED for row in rows)
    if left and active != [len(rows)]:
        raise KeyIntegrityError(what, "do not have their highest version as the one active")


def _erased(about: SubjectId, tombstone: Tombstone) -> SubjectErased:
    return SubjectErased(about, tombstone.erased_at, tombstone.reference)
