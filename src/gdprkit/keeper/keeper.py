"""The keeper: read, fold, act, commit.

Every write is the same loop: read the person's line, hold the act against the register and the
life cycles, compose one batch, commit it; on ``PositionTaken`` read again and decide again. The
keeper owns the clock and the randomness; everything below is passed the moment it is asked about.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, final

from gdprkit.acts import data as data_acts
from gdprkit.acts.act import Act
from gdprkit.errors import AlreadyKnown, InvalidValue, PositionTaken, UnknownName
from gdprkit.facts.data import SubjectAdded
from gdprkit.facts.entry import Entry
from gdprkit.facts.request import RequestReceived
from gdprkit.keeper.answer import Bundle, make_bundle
from gdprkit.keeper.applying import Applied, compose_plan, make_plan, recheck
from gdprkit.keeper.asking import ask, view_at
from gdprkit.keeper.clock import Clock, system_clock
from gdprkit.keeper.contacts import lookup_terms
from gdprkit.keeper.line import (
    View,
    entries_of,
    key_hash,
    new_view,
    reopened,
    view,
)
from gdprkit.keeper.merging import carried, merge, unmerge
from gdprkit.keeper.proof import reindex_person, verify_person
from gdprkit.keeper.reading import opened, people_by
from gdprkit.keeper.values import NewPerson, Receipt, concealed
from gdprkit.keeper.writing import Bench, Composed, compose
from gdprkit.ledger.codec import decode_entry
from gdprkit.policy.case import Case
from gdprkit.policy.deadlines import Deadline
from gdprkit.policy.decisions import Decision
from gdprkit.policy.ending import DerivedEnd, derived_end
from gdprkit.policy.handling import Handling, ToTell, handling, to_tell
from gdprkit.policy.law import FINLAND, LawBook
from gdprkit.policy.plan import Plan, PlanAction
from gdprkit.policy.request import deadline_of
from gdprkit.register.register import Register
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.providers import KeyProvider
from gdprkit.state.request import RequestCase
from gdprkit.state.standing import Standing
from gdprkit.storage.protocol import ALL, Batch, Span, Store
from gdprkit.words.identifiers import CaseId, FieldId, SourceId, SubjectId, subject_id, uuid_from
from gdprkit.words.moments import utc_moment
from gdprkit.words.personal import Personal, conceal
from gdprkit.words.vocabulary import FieldKind, SubjectKind

__all__ = ["RecordKeeper"]

T = TypeVar("T")

#: How often a write is tried again when somebody else was first.
_TRIES: Final = 8

#: Seconds a process believes an opened key: after that an erasure holds everywhere.
_KEY_TTL: Final = 300.0


def _check_parts(register: object, store: object, keys: object) -> None:
    """Refuse a path where the thing itself belongs: it would fail late and say nothing useful."""
    if not isinstance(register, Register):
        raise InvalidValue("register", "is no register", "pass Register.load(path)")
    if not callable(getattr(store, "commit", None)):
        raise InvalidValue("store", "is no store", "pass SqliteStore(path) or MemoryStore()")
    if not callable(getattr(keys, "unwrap", None)):
        raise InvalidValue("keys", "is no key provider", "pass Keyring.from_file(path)")


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

    Raises:
        UnknownName, InvalidValue: the register sets something that is no setting, or a part is
            something else, a path for instance.
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
    ) -> None:
        _check_parts(register, store, keys)
        settings = {name.replace("-", "_"): s.value for name, s in register.settings.items()}
        self._clock = clock
        self._bench = Bench(
            register=register,
            store=store,
            keys=SubjectKeys(keys, store, tenant=store.tenant, random=random, ttl=_KEY_TTL),
            law=law.with_settings(settings),
            random=random,
        )

    @property
    def register(self) -> Register:
        """The declared register."""
        return self._bench.register

    def now(self) -> datetime:
        """Return the keeper's now, UTC."""
        return utc_moment(self._clock(), "clock")

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

    def add_people(self, people: Sequence[NewPerson]) -> list[SubjectId]:
        """Add several people in one commit: all or none.

        Raises:
            AlreadyKnown: a contact point belongs to a person in the register, or to two of these.
        """
        now = self.now()
        ids: list[SubjectId] = []
        batches: list[Batch] = []
        taken: dict[bytes, SubjectId] = {}
        for new in people:
            if not isinstance(new, NewPerson):
                raise InvalidValue("people", "holds no NewPerson", "pass NewPerson(...) values")
            about = SubjectId(uuid_from(self._bench.random(16)))
            self._refuse_known(new, about, taken, now)
            added = Act(fact=SubjectAdded(kind=new.kind, source=SourceId(new.source)), at=new.at)
            collected = data_acts.collect(
                new.fields, source=new.source, notice=new.notice, at=new.at
            )
            composed = compose(
                self._bench,
                new_view(self._bench.store.tenant, about),
                [added, collected, *new.acts],
                now=now,
            )
            ids.append(about)
            batches.append(composed.batch)
        self._bench.store.commit(*batches)
        for about in ids:
            self._bench.keys.forget(about)
        return ids

    def _refuse_known(
        self, new: NewPerson, about: SubjectId, taken: dict[bytes, SubjectId], now: datetime
    ) -> None:
        terms = [
            term
            for field, value in new.fields.items()
            for term in lookup_terms(self.register, self._bench.keys, FieldId(field), value, now)
            if self._identifies(field)
        ]
        found = self._bench.store.find(terms) if terms else {}
        for term in terms:
            others = found.get(term) or ((taken[term],) if term in taken else ())
            if others and others[0] != about:  # two fields of one person may hold one address
                raise AlreadyKnown(others[0])
            taken[term] = about

    def _identifies(self, field: str) -> bool:
        # a postal address or a switchboard number is shared by many; a mailbox and a customer
        # number are not
        kind = self.register.field(field).kind
        return kind in (FieldKind.EMAIL, FieldKind.CUSTOMER_NUMBER)

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
            first = None if hashed is None else self._bench.store.receipt(about, hashed)
            if first is not None and not reopened(self._bench.store, about, acts, first):
                return self._first_receipt(about, first)
            before = view(self._bench.store, about)
            now = self.now()
            kept = hashed if first is None else None  # the key stays with the first
            composed = compose(self._bench, before, acts, now=now, key=kept, by=by)
            self._bench.store.commit(*carried(self._bench, before, composed, now))
            return self._receipt(composed)

        return self._again(attempt)

    def record_many(self, work: Iterable[tuple[SubjectId, Sequence[Act]]]) -> list[Receipt]:
        """Record acts about several people in one commit: all or none.

        Raises:
            InvalidValue: somebody is named twice, or a line and one that was merged into it.
            PositionTaken: somebody wrote to one of the lines meanwhile; nothing was stored.
        """
        now = self.now()
        wanted = [(subject_id(about), acts) for about, acts in work]
        if len({about for about, _ in wanted}) < len(wanted):
            raise InvalidValue("work", "names somebody twice", "put one person's acts together")
        views = [view(self._bench.store, about) for about, _ in wanted]
        composed = [
            compose(self._bench, before, acts, now=now)
            for before, (_, acts) in zip(views, wanted, strict=True)
        ]
        batches = [
            batch
            for before, done in zip(views, composed, strict=True)
            for batch in carried(self._bench, before, done, now)
        ]
        if len({batch.about for batch in batches}) < len(batches):
            raise InvalidValue("work", "names lines merged together", "record them one by one")
        self._bench.store.commit(*batches)
        return [self._receipt(c) for c in composed]

    def _first_receipt(self, about: SubjectId, first: int) -> Receipt:
        """Return what is known of an act recorded before: its first entry and its request."""
        stored = self._bench.store.line(about, after=first - 1)[0]
        fact = decode_entry(stored.body, first).fact
        case = fact.case if isinstance(fact, RequestReceived) else None
        return Receipt(about=about, positions=(first,), case=case, repeated=True)

    @staticmethod
    def _receipt(composed: Composed) -> Receipt:
        batch = composed.batch
        return Receipt(
            about=batch.about,
            positions=tuple(entry.position for entry in batch.entries),
            case=composed.case,
        )

    @staticmethod
    def _again(attempt: Callable[[], T]) -> T:
        for _ in range(_TRIES - 1):
            try:
                return attempt()
            except PositionTaken:
                continue
        return attempt()

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
        self,
        about: SubjectId,
        *,
        at: datetime | None = None,
        known_by: datetime | None = None,
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
        survivor, other = subject_id(survivor), subject_id(other)

        def attempt() -> None:
            brought = merge(self._bench, survivor, other, self.now(), verified=verified)
            self._bench.store.commit(*brought)

        self._again(attempt)

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
        survivor, other = subject_id(survivor), subject_id(other)

        def attempt() -> None:
            taken = unmerge(self._bench, survivor, other, self.now(), assessment=assessment)
            self._bench.store.commit(*taken)

        self._again(attempt)

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
        return self._bench.case(self._view(subject_id(about), at, known_by), moment)

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
        self,
        about: SubjectId,
        *,
        at: datetime | None = None,
        known_by: datetime | None = None,
    ) -> tuple[ToTell, ...]:
        """Return the recipients to be told of a correction, erasure or restriction (Art. 19).

        Raises:
            NotASubjectId, UnknownSubject, NaiveMoment.
        """
        return to_tell(self._case(about, at, known_by))

    def find(self, **fields: str | Personal[str]) -> tuple[SubjectId, ...]:
        """Find people by a contact point, for instance ``find(email=...)``; all fields must match.

        Raises:
            UnknownName: the register declares no such field, or it is no look-up.
        """
        fields = {name: conceal(value) for name, value in fields.items()}
        return people_by(self._bench, fields, self.now())

    def read(self, about: SubjectId, *fields: str) -> dict[FieldId, Personal[Any]]:
        """Open values of the customer file and the marketing register, the newest of each field.

        Args:
            about: The person.
            fields: Which fields; none means all.

        Raises:
            SubjectErased: the person's key was destroyed.
            ChainBroken: a value is not the one its entry names.
            UnknownName: the register declares no such field.
        """
        return opened(self._bench, subject_id(about), fields)

    def line(self, about: SubjectId) -> tuple[Entry, ...]:
        """Return a person's entries, oldest first."""
        return entries_of(self._bench.store, subject_id(about))

    # --- plans -----------------------------------------------------------------------------------

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
        """
        if not isinstance(plan, Plan):
            raise InvalidValue("plan", "is no plan", "pass what keeper.plan() returned")
        now = self.now()
        before = view(self._bench.store, plan.about)
        recheck(self._bench, before, plan, approve, now)
        if not plan.has_work:
            return Applied(plan=plan.digest, done={}, person_erased=False)
        composed = compose_plan(self._bench, before, plan, now, by=by)
        self._bench.store.commit(*carried(self._bench, before, composed, now))
        self._bench.keys.forget(plan.about)
        return Applied(
            plan=plan.digest,
            done={action: len(plan.of(action)) for action in PlanAction},
            person_erased=plan.erases_person,
            everywhere_at=now + timedelta(seconds=_KEY_TTL) if plan.erases_person else None,
        )

    # --- answers, sweeps, proof ------------------------------------------------------------------

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

    def people(self, *, tag: str | None = None, span: Span = ALL) -> Iterator[SubjectId]:
        """Give everybody, or those who carry a tag such as ``status:marketing``."""
        if tag is None:
            yield from self._bench.store.people(span=span)
        else:
            for stored in self._bench.store.tagged(tag, span=span):
                yield stored.about

    def verify(self, about: SubjectId) -> None:
        """Check a person's line against its head, and the values against what entries name.

        Raises:
            NotASubjectId, UnknownSubject.
            ChainBroken: names the position and what is wrong.
            UnreadableEntry: an entry verifies and still cannot be read.
        """
        verify_person(self._bench.store, subject_id(about))

    def reindex(self, about: SubjectId) -> None:
        """Fold the line anew and store standing and marks again; both are never the truth."""
        about = subject_id(about)
        self._again(lambda: reindex_person(self._bench, about, self.now()))
