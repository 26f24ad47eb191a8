"""The keeper: read, fold, act, commit.

Every write is the same loop: read the person's line, hold the act against the register and the
life cycles, compose one batch, commit it; on ``PositionTaken`` read again and decide again. The
keeper owns the clock and the randomness; everything below is passed the moment it is asked about.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, final

import attrs

from gdprkit.acts.act import Act
from gdprkit.errors import InvalidValue, UnknownName
from gdprkit.facts.entry import Entry
from gdprkit.keeper.adding import new_people
from gdprkit.keeper.again import again, looks_again, with_fresh_epochs
from gdprkit.keeper.answer import Bundle, make_bundle
from gdprkit.keeper.applying import Applied, applied, compose_plan, make_plan, recheck
from gdprkit.keeper.asking import ask
from gdprkit.keeper.audience import audience
from gdprkit.keeper.clock import Clock, system_clock
from gdprkit.keeper.contacts import INDEXES
from gdprkit.keeper.key_care import KeyCare
from gdprkit.keeper.line import (
    View,
    entries_of,
    first_receipt,
    key_hash,
    reopened,
    surviving_of,
    view,
    view_at,
)
from gdprkit.keeper.merging import carried, merge, together, unmerge
from gdprkit.keeper.parts import check_parts, on_transaction
from gdprkit.keeper.proof import verify_person
from gdprkit.keeper.reading import opened, people_by
from gdprkit.keeper.receipt import ErasureReceipt, receipt_of
from gdprkit.keeper.reindexing import Progress, Reindexed, quiet, reindex, reindex_person
from gdprkit.keeper.replaying import Replayed, replay
from gdprkit.keeper.values import NewPerson, Receipt, concealed
from gdprkit.keeper.writing import Bench, commit, compose
from gdprkit.policy.case import Case
from gdprkit.policy.deadlines import Deadline
from gdprkit.policy.decisions import Decision
from gdprkit.policy.ending import DerivedEnd, derived_end
from gdprkit.policy.handling import Handling, ToTell, handling, to_tell
from gdprkit.policy.law import FINLAND, LawBook
from gdprkit.policy.plan import Plan
from gdprkit.policy.request import deadline_of
from gdprkit.register.register import Register
from gdprkit.sealing.erasures import ErasureLedger
from gdprkit.sealing.fields import SealedFields
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.providers import KeyProvider
from gdprkit.sealing.settings import KeySettings
from gdprkit.state.request import RequestCase
from gdprkit.state.standing import Standing
from gdprkit.storage.protocol import ALL, Batch, Span, Store
from gdprkit.words.identifiers import CaseId, FieldId, SubjectId, subject_id
from gdprkit.words.moments import utc_moment
from gdprkit.words.personal import Personal, conceal
from gdprkit.words.vocabulary import RestrictedUse, SubjectKind

__all__ = ["RecordKeeper"]

_KEY_SETTINGS: Final = KeySettings()


@final
class RecordKeeper:
    """Keeps one controller's records. Safe to share among threads if its store is.

    Args:
        register: What the controller declares.
        store: Where entries, values and keys lie.
        keys: Where the root keys are.
        clock: Returns now, aware.
        random: Returns that many random bytes; a test may pass its own.
        law: The law by the day; by default Finland's. The register's own settings are laid over it.
        key_settings: How the keys of people are kept.
        erasures: A list of erasures outside the backups of the store. With it, every method that
            reads or writes people raises KeyStoreRolledBack while the store lacks one of them.

    Raises:
        UnknownName, InvalidValue: the register sets something that is no setting, or a part is
            something else, a path for instance.
        ErasureLedgerUnavailable, ErasureLedgerDamaged: the ledger cannot be read or written.
    """

    def __init__(
        self,
        register: Register,
        *,
        store: Store,
        keys: KeyProvider,
        clock: Clock = system_clock,
        random: Callable[[int], bytes] = os.urandom,
        law: LawBook = FINLAND,
        key_settings: KeySettings = _KEY_SETTINGS,
        erasures: ErasureLedger | None = None,
    ) -> None:
        check_parts(register, store, keys, key_settings, erasures)
        settings = {name.replace("-", "_"): s.value for name, s in register.settings.items()}
        self._clock = clock
        kept = partial(SubjectKeys, keys, store, settings=key_settings, random=random)
        self._keys = partial(kept, tenant=store.tenant, indexes=INDEXES)
        self._all = Bench(
            register=register,
            store=store,
            keys=self._keys(erasures=erasures),
            law=law.with_settings(settings),
            random=random,
        )
        if (watch := self._all.keys.watch) is not None:
            watch.mend()

    def on(self, store: Store) -> RecordKeeper:
        """Return this keeper on the transaction of a host, which *store* was given.

        What it records is there when the host commits, and never was when it rolls back. Until then
        nobody else sees it, this keeper included. Key epochs stay apart from it; an erasure enters
        the erasure ledger once it is committed, at the next question to this keeper.

        Raises:
            InvalidValue: *store* is no store, or another tenant's.
        """
        twin = object.__new__(RecordKeeper)
        twin._clock, twin._keys = self._clock, self._keys
        twin._all = on_transaction(self._bench, store)
        return twin

    @property
    def _bench(self) -> Bench:
        """What the keeper works with; every method takes it, so each refuses a store too old."""
        if (watch := self._all.keys.watch) is not None:
            watch.check()
        return self._all

    @property
    def register(self) -> Register:
        """The declared register."""
        return self._all.register

    @property
    def fields(self) -> SealedFields:
        """Seals and opens values of your own tables under the keys of the people here."""
        return SealedFields(self._bench.keys, random=self._all.random)

    def now(self) -> datetime:
        """Return the keeper's now, UTC."""
        return utc_moment(self._clock(), "clock")

    @property
    def keys(self) -> KeyCare:
        """The care of the keys: their status, rotation and destruction (GDPR Art. 32(1))."""
        return KeyCare(lambda: self._bench, self.now)

    # --- writing ---------------------------------------------------------------------------------

    def add_person(
        self,
        kind: str,
        fields: Mapping[str, object],
        *,
        source: str,
        notice: str | None = None,
        at: datetime | None = None,
        acts: Iterable[Act] = (),
    ) -> SubjectId:
        """Add a data subject with the data collected about them.

        Stops that the suppression list holds for a contact point come with it (R-312).

        Args:
            kind: A word of ``SubjectKind``.
            fields: Declared field -> value; sealed before anything is stored.
            source: The declared source (R-314).
            notice: The notice shown.
            at: When; by default now.
            acts: Acts to record with it, in order.

        Returns:
            The new subject id.

        Raises:
            AlreadyKnown: a contact point belongs to a person in the register.
            UnknownName, UnknownNotice: the register does not declare a field, source or notice.
        """
        fields = concealed(fields)
        new = NewPerson(
            kind=SubjectKind(kind),
            fields=fields,
            source=source,
            notice=notice,
            at=at,
            acts=tuple(acts),
        )
        return self.add_people([new])[0]

    @with_fresh_epochs
    def add_people(self, people: Sequence[NewPerson]) -> list[SubjectId]:
        """Add several people in one commit: all or none.

        Raises:
            AlreadyKnown: a contact point belongs to a person in the register, or to two of these.
        """
        bench = self._bench
        batches = new_people(bench, people, self.now())
        commit(bench, *batches)
        return [batch.about for batch in batches]

    @with_fresh_epochs
    def record(
        self, about: SubjectId, *acts: Act, key: str | None = None, by: str | None = None
    ) -> Receipt:
        """Record acts about a person, all in one commit.

        Args:
            about: The person.
            acts: In order; each sees those before it.
            key: Idempotency key: the same acts recorded twice under it answer with the first
                receipt. Other acts under a used key are recorded, and so is a stop after a consent
                that came since: no stop is swallowed.
            by: Who records: a staff or service id, never a name; kept with each entry.

        Raises:
            NotASubjectId: *about* is no subject id.
            UnknownSubject: nothing is recorded about *about*.
            UnknownPurpose, UnknownNotice, UnknownName: the register declares no such name.
            NotAllowed, NotPossibleNow: the person was erased, or the life cycle has no such step.
            PositionTaken: others kept writing to this line; nothing was stored.
        """
        about = subject_id(about)
        hashed = key_hash(key, acts) if key is not None else None

        def attempt() -> Receipt:
            bench = self._bench
            first = None if hashed is None else bench.store.receipt(about, hashed)
            if first is not None and not reopened(bench.store, about, acts, first):
                return first_receipt(bench.store, about, first)
            before, now = view(bench.store, about, bench.memory), self.now()
            kept = hashed if first is None else None  # the key stays with the first
            composed = compose(bench, before, acts, now=now, key=kept, by=by)
            commit(bench, *carried(bench, before, composed, now))
            bench.memory.keep(about, composed.batch.standing.state, composed.after.standing)
            return composed.receipt

        return again(attempt)

    @with_fresh_epochs
    def record_many(self, work: Iterable[tuple[SubjectId, Sequence[Act]]]) -> list[Receipt]:
        """Record acts about several people in one commit: all or none.

        Raises:
            InvalidValue: somebody is named twice, or a line and one that was merged into it.
            PositionTaken: somebody wrote to one of the lines meanwhile; nothing was stored.
        """
        bench, now = self._bench, self.now()
        composed, batches = together(bench, work, now)
        commit(bench, *batches)
        return [done.receipt for done in composed]

    # --- asking ----------------------------------------------------------------------------------

    def standing(
        self, about: SubjectId, *, at: datetime | None = None, known_by: datetime | None = None
    ) -> Standing:
        """Return a person's standing.

        Args:
            about: The person.
            at: As of this moment; by default now.
            known_by: Only what had been written by this moment.

        Raises:
            NotASubjectId, UnknownSubject, NaiveMoment.
        """
        return self._view(subject_id(about), at, known_by).standing

    def _view(self, about: SubjectId, at: datetime | None, known_by: datetime | None) -> View:
        return view_at(self._bench.store, about, at, known_by)

    @looks_again
    def ask(
        self,
        about: SubjectId,
        question: object,
        *,
        at: datetime | None = None,
        known_by: datetime | None = None,
    ) -> Decision:
        """Answer a *may* question with every reason.

        Args:
            about: The person.
            question: A value such as ``marketing.may_contact(...)``.
            at: As of this moment; by default now.
            known_by: What was known by this moment.

        Raises:
            NotASubjectId, UnknownSubject, UnknownPurpose, NaiveMoment.
            InvalidValue: *question* is none.
        """
        return ask(self._bench, subject_id(about), question, self.now(), at, known_by)

    def connection_end(
        self, about: SubjectId, *, at: datetime | None = None, known_by: datetime | None = None
    ) -> DerivedEnd | None:
        """Return when the connection ends or ended, recorded or derived; None where nothing ties.

        Raises:
            NotASubjectId, UnknownSubject, NaiveMoment.
        """
        return derived_end(self._case(about, at, known_by))

    def merge(self, survivor: SubjectId, other: SubjectId, *, verified: bool) -> None:
        """Bring two lines of one person together: the other's stops rule here too (R-416).

        In one commit. What is recorded on the closed line later is brought to the other as well.

        Args:
            survivor: The line that goes on.
            other: The line that is merged away.
            verified: Somebody made sure that it is the same person at the same address; only then
                do consents come along.

        Raises:
            NotASubjectId, UnknownSubject.
            InvalidValue: both are the same line.
            NotPossibleNow: a line was merged away before, or is erased.
        """
        again(lambda: self._commit(merge, survivor, other, verified=verified))

    def unmerge(
        self, survivor: SubjectId, other: SubjectId, *, assessment: str | None = None
    ) -> None:
        """Take a wrong merge back on both lines; assess whether it was a breach (R-416, Art. 33).

        Args:
            survivor: The line that went on.
            other: The line that was merged away.
            assessment: Pointer to that assessment; call again with it when it is there.

        Raises:
            NotASubjectId, UnknownSubject.
            NotPossibleNow: the two lines were never merged.
        """
        again(lambda: self._commit(unmerge, survivor, other, assessment=assessment))

    def _commit(self, make: Callable[..., Sequence[Batch]], *who: SubjectId, **how: object) -> None:
        bench = self._bench
        commit(bench, *make(bench, *map(subject_id, who), self.now(), **how))

    def deadline(
        self,
        about: SubjectId,
        case: CaseId,
        *,
        at: datetime | None = None,
        known_by: datetime | None = None,
    ) -> Deadline:
        """Return by when a request must be answered, and how that was counted.

        Args:
            about: The person.
            case: The request.
            at: As of this moment; by default now.
            known_by: What was known by this moment.

        Raises:
            NotASubjectId, UnknownSubject, NaiveMoment; UnknownName for no such request then.
        """
        return deadline_of(*self._request(about, case, at, known_by))

    def _request(
        self, about: SubjectId, case: CaseId, at: datetime | None, known_by: datetime | None
    ) -> tuple[Case, RequestCase]:
        found = self._case(about, at, known_by)
        request = found.standing.request.case(case)
        if request is None:
            raise UnknownName("request of this person", recorded=True)
        return found, request

    def _case(self, about: SubjectId, at: datetime | None, known_by: datetime | None) -> Case:
        moment = self.now() if at is None else utc_moment(at, "at")
        found = self._view(subject_id(about), at, known_by)
        others = surviving_of(self._bench.store, found, at, known_by)
        return self._bench.case(found, moment, surviving=others)

    def handling(
        self,
        about: SubjectId,
        case: CaseId,
        *,
        at: datetime | None = None,
        known_by: datetime | None = None,
    ) -> Handling:
        """Return what a request asks for, field by field and purpose by purpose (R-503, R-521).

        Arguments and errors are those of ``deadline``.
        """
        return handling(*self._request(about, case, at, known_by))

    def to_tell(
        self, about: SubjectId, *, at: datetime | None = None, known_by: datetime | None = None
    ) -> tuple[ToTell, ...]:
        """Return the recipients to be told of a correction, erasure or restriction (Art. 19).

        Raises:
            NotASubjectId, UnknownSubject, NaiveMoment.
        """
        return to_tell(self._case(about, at, known_by))

    def find(self, /, **fields: str | Personal[str]) -> tuple[SubjectId, ...]:
        """Find people by a contact point, for instance ``find(email=...)``; all fields must match.

        Raises:
            UnknownName: the register declares no such field, or it is no look-up.
        """
        fields = {name: conceal(value) for name, value in fields.items()}
        return people_by(self._bench, fields)

    @looks_again
    def read(
        self, about: SubjectId, *fields: str, ground: str | None = None
    ) -> dict[FieldId, Personal[Any]]:
        """Open values of the customer file and the marketing register, the newest of each field.

        Args:
            about: The person.
            fields: Which fields; none means all.
            ground: Under a restriction, the ground of Art. 18(2) that allows the use: a word of
                ``RestrictedUse``.

        Raises:
            ProcessingRestricted: processing is restricted, and *ground* names none.
            SubjectErased: the person's key was destroyed.
            ChainBroken: a value is not the one its entry names.
            UnknownName: the register declares no such field.
        """
        use = None if ground is None else RestrictedUse(ground)
        return opened(self._bench, subject_id(about), fields, use)

    def line(self, about: SubjectId) -> tuple[Entry, ...]:
        """Return a person's entries, oldest first."""
        return entries_of(self._bench.store, subject_id(about))

    # --- plans -----------------------------------------------------------------------------------

    @looks_again
    def plan(
        self,
        about: SubjectId,
        question: object,
        *,
        at: datetime | None = None,
        known_by: datetime | None = None,
    ) -> Plan:
        """Plan what is to be done; nothing is changed.

        Args:
            about: The person.
            question: ``connection.after_end()``, ``retention.erasure(...)`` or ``retention.due()``.
            at: As of this moment, to look at only; by default now.
            known_by: What was known by this moment, to look at only.

        Raises:
            NotASubjectId, UnknownSubject, NaiveMoment; InvalidValue: *question* plans nothing.
        """
        moment = self.now() if at is None else utc_moment(at, "at")
        found = self._view(subject_id(about), at, known_by)
        return make_plan(self._bench, found, question, moment, at=at, known_by=known_by)

    @with_fresh_epochs
    def apply(self, plan: Plan, *, approve: str, by: str | None = None) -> Applied:
        """Carry a plan out exactly, in one commit.

        Args:
            plan: The plan as shown.
            approve: Its digest.
            by: Who carries it out: a staff or service id, never a name; kept with each entry.

        Raises:
            ApprovalMissing: *approve* is not the digest.
            PlanStale: the facts, the register or the moment give another plan by now.
            PositionTaken: somebody wrote to the line in this very moment; nothing was done.
            ShredHeld: a key of a person to be erased is on hold.
            ProcessingRestricted: the key of a person to be moved is restricted.
            ErasureLedgerUnavailable, ErasureLedgerDamaged: the plan was carried out, and the
                erasure is not in the ledger yet.
        """
        if not isinstance(plan, Plan):
            raise InvalidValue("plan", "is no plan", "pass what keeper.plan() returned")
        bench, now = self._bench, self.now()
        before = view(bench.store, plan.about)
        recheck(bench, before, plan, approve, now)
        if not plan.has_work:
            return Applied(plan=plan.digest, done={}, person_erased=False)
        composed = compose_plan(bench, before, plan, now, by=by)
        commit(bench, *carried(bench, before, composed, now))
        return applied(bench, plan, self.now())

    def receipt(self, about: SubjectId) -> ErasureReceipt:
        """Return the receipt of a person who was erased, from their line.

        Raises:
            NotASubjectId, UnknownSubject; UnknownName for somebody who was not erased.
            ErasureLedgerUnavailable, ErasureLedgerDamaged: the ledger cannot be read.
        """
        return receipt_of(self._bench, subject_id(about))

    def replay_erasures(self, *, by: str | None = None) -> Replayed:
        """Do every erasure again that a restored store lacks; then it is served.

        It may be stopped at any point and run again. What the ledger itself lacks is written into
        it. Where neither lacks anything it does nothing.

        Args:
            by: Who does it: a staff or service id, never a name; kept with each entry.

        Raises:
            InvalidValue: the keeper has no erasure ledger, so nobody can tell what is lacking.
            ErasureLedgerUnavailable, ErasureLedgerDamaged: the ledger cannot be read.
            KeyProviderUnavailable, KeyProviderDenied: the provider does not answer, or refuses.
        """
        unwatched = attrs.evolve(self._all, keys=self._keys(erasures=None))
        return replay(unwatched, self._all.keys.watch, self.now, by=by)

    # --- answers, sweeps, proof ------------------------------------------------------------------

    @looks_again
    def answer(self, about: SubjectId, case: CaseId) -> Bundle:
        """Gather the answer to a request for access: the data and the facts of Art. 15 (R-501).

        Raises:
            NotASubjectId, UnknownSubject; UnknownName for no such request of this person.
        """
        found = view(self._bench.store, subject_id(about))
        if found.standing.request.case(case) is None:
            raise UnknownName("request of this person", recorded=True)
        return make_bundle(self._bench, found, case, self.now())

    def waking(
        self, until: datetime | None = None, *, span: Span = ALL, limit: int = 1000
    ) -> Iterator[SubjectId]:
        """Give the people for whom time alone matters by *until*, earliest first."""
        return self._bench.store.waking(until or self.now(), span=span, limit=limit)

    def audience(self, question: object, *, span: Span = ALL) -> Iterator[SubjectId]:
        """Give the people for whom a *may* question is ALLOWED now, in order of id.

        Each is decided about as ``ask`` does, the suppression list included, page by page. Ask
        again when sending: they may say no in between (R-331); whose marks moved may be left out.

        Args:
            question: A value such as ``marketing.may_contact(...)``.
            span: Whom to look among.

        Raises:
            UnknownPurpose, InvalidValue: as in ``ask``; so are errors on the way, which end it.
        """
        return audience(lambda: self._bench, question, span, self.now)

    def people(self, *, tag: str | None = None, span: Span = ALL) -> Iterator[SubjectId]:
        """Give everybody, or those who carry a tag such as ``status:marketing``."""
        if tag is None:
            return self._bench.store.people(span=span)
        return (stored.about for stored in self._bench.store.tagged(tag, span=span))

    @looks_again
    def verify(self, about: SubjectId) -> None:
        """Check a person's line against its head, and the values against what entries name.

        Raises:
            NotASubjectId, UnknownSubject.
            ChainBroken: names the position and what is wrong.
            UnreadableEntry: an entry verifies and still cannot be read.
        """
        verify_person(self._bench.store, subject_id(about))

    def reindex_person(self, about: SubjectId) -> None:
        """Fold one line anew and store standing and marks again; both are never the truth."""
        again(lambda: reindex_person(self._bench, subject_id(about), self.now()))

    def reindex(
        self, *, span: Span = ALL, after: SubjectId | None = None, progress: Progress = quiet
    ) -> Reindexed:
        """Store standing and marks of everybody again where they are not the fold of the line.

        Others may write meanwhile. It may be stopped at any point and run again; with the `after`
        that *progress* was told last it goes on there. NotASubjectId: *after* is none.
        """
        return reindex(lambda: self._bench, self.now, span=span, after=after, progress=progress)
