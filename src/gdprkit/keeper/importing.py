"""A screened import of contacts: rows that can be read become people, every other row is named.

Decides what a row records, what a mailbox that is known already means, and what the report says.
Leaves out file formats (``gdprkit.interop`` reads them) and the keeper's own rules.

Always true: every row ends as added, unchanged, conflict or rejected, by line number; no row
changes a person who is in the register already, except that a stop found in the file is recorded
on them; so nothing is more permissive after an import than before it. A consent without its
evidence is not recorded, and one that was only implied is history that never counts (R-203). No
value stands in the report: contact points are masked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final, final

import attrs

from gdprkit.acts.act import Act
from gdprkit.errors import (
    AlreadyKnown,
    InvalidValue,
    NotPossibleNow,
    UnknownName,
)
from gdprkit.facts.consent import ConsentWithdrawn
from gdprkit.facts.objection import MarketingObjection
from gdprkit.keeper.contact_rows import (
    ContactRow,
    MarketingChoice,
    RejectedRow,
    consent_left_out,
    new_person,
    row_left_out,
    row_problem,
    row_stop,
    same_value,
)
from gdprkit.keeper.keeper import RecordKeeper
from gdprkit.keeper.values import NewPerson
from gdprkit.policy.decisions import NotAllowed
from gdprkit.sealing.errors import PlaintextTooLarge, PlaintextTypeError, Unindexable
from gdprkit.sealing.normalise import normalise
from gdprkit.state.consent import ConsentStatus
from gdprkit.state.objection import StopKind
from gdprkit.words.identifiers import FieldId, SubjectId
from gdprkit.words.personal import Personal
from gdprkit.words.vocabulary import Actor

__all__ = [
    "Finding",
    "ImportReport",
    "RowOutcome",
    "import_contacts",
    "masked",
]

#: People a commit. One flush to disk serves them all; a conflict costs no more than this again.
_TOGETHER: Final = 200

#: What the keeper says when it cannot take a row, for reasons only it knows.
_REFUSALS: Final = (
    InvalidValue,
    NotAllowed,
    NotPossibleNow,
    PlaintextTooLarge,
    PlaintextTypeError,
    UnknownName,
    Unindexable,
)


class RowOutcome(StrEnum):
    """How a row ended."""

    ADDED = "added"
    UNCHANGED = "unchanged"  # the person is known and the row says nothing else
    CONFLICT = "conflict"  # the person is known and the row says something else: only a stop counts
    REJECTED = "rejected"


@final
@attrs.frozen(kw_only=True)
class Finding:
    """What the report says about one row.

    Args:
        line: The row.
        outcome: How it ended.
        code: Why, as a stable word.
        column: The column or field, where one is to blame.
        other_line: The earlier row of the same person, where it stood in this file.
        contact: The masked contact point.
    """

    line: int
    outcome: RowOutcome
    code: str
    column: str | None = None
    other_line: int | None = None
    contact: str | None = None


@final
@attrs.frozen(kw_only=True)
class ImportReport:
    """The end of every row.

    Args:
        counts: Outcome -> rows; they add up to the rows of the file.
        findings: Rows that were not simply added, in order of line.
        values: Values sealed.
        choices: Marketing choice -> how many were recorded on new people.
        stops_on_known: Stops recorded on people who were in the register already.
    """

    counts: Mapping[RowOutcome, int]
    findings: tuple[Finding, ...]
    values: int
    choices: Mapping[MarketingChoice, int]
    stops_on_known: int

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return sum(self.counts.values())


def masked(contact: Personal[str] | None) -> str | None:
    """Return a contact point as reports show it: the first character, and a mailbox's domain."""
    if contact is None:
        return None
    head, at, domain = contact.reveal().rpartition("@")
    return f"{head[:1]}***@{domain}" if at else f"{domain[:1]}***"


@attrs.define
class _Run:
    """What one import has gathered so far; lives inside one call."""

    keeper: RecordKeeper
    now: datetime
    progress: Callable[[int], None]
    counts: dict[RowOutcome, int] = attrs.Factory(lambda: dict.fromkeys(RowOutcome, 0))
    choices: dict[MarketingChoice, int] = attrs.Factory(lambda: dict.fromkeys(MarketingChoice, 0))
    findings: list[Finding] = attrs.Factory(list)
    values: int = 0
    stops_on_known: int = 0
    pending: dict[bytes, tuple[ContactRow, NewPerson]] = attrs.Factory(dict)
    lines: dict[bytes, int] = attrs.Factory(dict)  # digest of a mailbox -> its first line

    def end(
        self,
        row: ContactRow | RejectedRow,
        outcome: RowOutcome,
        code: str = "",
        **more: object,
    ) -> None:
        """Count a row, and note it unless it was simply added."""
        self.counts[outcome] += 1
        if code:
            contact = masked(row.fields.get("email")) if isinstance(row, ContactRow) else None
            self.findings.append(
                Finding(line=row.line, outcome=outcome, code=code, contact=contact, **more)  # type: ignore[arg-type]
            )
        self.progress(1)


def import_contacts(
    keeper: RecordKeeper,
    rows: Iterable[ContactRow | RejectedRow],
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> ImportReport:
    """Import rows, some hundred a commit; run again, it finds everybody unchanged.

    Args:
        keeper: Keeps the register the people enter.
        rows: Rows as a reader gives them; taken one at a time.
        progress: Called with the number of rows that ended.

    Raises:
        GdprkitError: the store or the keys do not work. Commits made before stand; import again.
    """
    run = _Run(keeper=keeper, now=keeper.now(), progress=progress)
    for row in rows:
        if isinstance(row, RejectedRow):
            run.end(row, RowOutcome.REJECTED, row.code, column=row.column)
            continue
        problem = row_problem(keeper.register, row, run.now)
        if problem is not None:
            run.end(row, RowOutcome.REJECTED, problem.code, column=problem.column)
            continue
        _take(run, row)
    _flush(run)
    return ImportReport(
        counts=run.counts,
        findings=tuple(sorted(run.findings, key=lambda f: f.line)),
        values=run.values,
        choices=run.choices,
        stops_on_known=run.stops_on_known,
    )


def _take(run: _Run, row: ContactRow) -> None:
    mark = _mark(row)
    if mark in run.pending:
        _flush(run)  # the earlier row has to be stored before it can be compared with
    known = _known(run.keeper, row)
    if known is not None:
        _meet(run, row, known, run.lines.get(mark))
        return
    try:
        new = new_person(run.keeper.register, row, run.now)
    except InvalidValue as refused:
        run.end(row, RowOutcome.REJECTED, "value-refused", column=refused.field)
        return
    run.lines.setdefault(mark, row.line)
    run.pending[mark] = (row, new)
    if len(run.pending) >= _TOGETHER:
        _flush(run)


def _known(keeper: RecordKeeper, row: ContactRow) -> SubjectId | None:
    """Return who in the register a row is about.

    A mailbox tells; a telephone may be shared, so it tells only where every other value agrees.
    """
    mailbox, phone = row.fields.get("email"), row.fields.get("phone")
    if mailbox is not None:
        return next(iter(keeper.find(email=mailbox)), None)
    if phone is None or not keeper.register.field("phone").lookup:
        return None
    return next((p for p in keeper.find(phone=phone) if not _differing(keeper, p, row)), None)


def _differing(keeper: RecordKeeper, known: SubjectId, row: ContactRow) -> list[str]:
    """Return the fields in which a row says something else than the register."""
    held = keeper.read(known)
    return [
        name
        for name, value in row.fields.items()
        if not same_value(keeper.register, name, held.get(FieldId(name)), value)
    ]


def _mark(row: ContactRow) -> bytes:
    """Return what tells people of one file apart; a row without a mailbox is nobody else's."""
    mailbox = row.fields.get("email")
    own = f"line {row.line}" if mailbox is None else normalise("email-v1", mailbox.reveal())
    return sha256(own.encode()).digest()


def _flush(run: _Run) -> None:
    waiting = list(run.pending.values())
    run.pending.clear()
    if not waiting:
        return
    try:
        run.keeper.add_people([new for _, new in waiting])
    except (AlreadyKnown, *_REFUSALS):
        # one by one, so that only the row that is to blame ends otherwise
        for row, new in waiting:
            _store_one(run, row, new)
    else:
        for row, _ in waiting:
            _added(run, row)


def _store_one(run: _Run, row: ContactRow, new: NewPerson) -> None:
    try:
        run.keeper.add_people([new])
    except AlreadyKnown as known:  # somebody else added them meanwhile
        _meet(run, row, SubjectId(known.about), None)
    except _REFUSALS as refused:
        run.end(row, RowOutcome.REJECTED, refused.code)
    else:
        _added(run, row)


def _added(run: _Run, row: ContactRow) -> None:
    register = run.keeper.register
    run.values += len(row.fields)
    if consent_left_out(register, row) is None:
        run.choices[row.choice] += 1
    left_out = row_left_out(register, row, run.now)
    if left_out is None:
        run.end(row, RowOutcome.ADDED)
    else:
        run.end(row, RowOutcome.ADDED, left_out.code, column=left_out.column)


def _meet(run: _Run, row: ContactRow, known: SubjectId, other_line: int | None) -> None:
    """End a row about somebody in the register: compare, record a stop, change nothing else."""
    differing = _differing(run.keeper, known, row)
    stop = row_stop(row, run.now, run.keeper.register)
    code = "already-there" if not differing else "differs-from-the-register"
    column = differing[0] if differing else None
    if stop is not None and not _has_stop(run.keeper, known, stop, dated=row.choice_on is not None):
        run.keeper.record(known, stop)
        run.stops_on_known += 1
        code, column = "stop-recorded", "marketing"
    plain = code == "already-there"
    outcome = RowOutcome.UNCHANGED if plain else RowOutcome.CONFLICT
    run.end(row, outcome, code, column=column, other_line=other_line)


_KINDS: Final = {MarketingObjection: StopKind.OBJECTION, ConsentWithdrawn: StopKind.WITHDRAWAL}


def _has_stop(keeper: RecordKeeper, known: SubjectId, stop: Act, *, dated: bool) -> bool:
    """Whether this very stop stands already, so that importing twice records it once.

    An older one is not it: a consent may have come in between, and the newer stop ends that. A stop
    without a day is new where a consent has come after the one on record.
    """
    standing = keeper.standing(known)
    general = [
        s.at
        for s in standing.objection.stops
        if s.kind is _KINDS[type(stop.fact)]
        and s.by is Actor.SUBJECT
        and s.purpose is None
        and not s.channels
    ]
    newest = max(general, default=None)
    if newest is None:
        return False
    if dated and stop.at is not None:
        return newest >= stop.at
    given = [w.at for w in standing.consent.words if w.status is ConsentStatus.GIVEN]
    return all(at <= newest for at in given)
