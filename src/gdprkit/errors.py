"""The one family of errors.

Every error says what is wrong and what to do, carries typed fields for programs, and never
carries a personal value: logs outlive data. Arguments are positional, so errors pickle.
Errors of sealed fields stand beside the ciphers in ``gdprkit.sealing.errors``, and ``NotAllowed``
beside the decision it carries in ``gdprkit.policy.decisions``, ``SpansLeft`` beside the work it
stops in ``gdprkit.keeper.spread``; they belong to the same family.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AlreadyKnown",
    "AlreadyRecorded",
    "ApprovalMissing",
    "ChainBroken",
    "CheckpointInvalid",
    "EvidenceMissing",
    "GdprkitError",
    "HostTransaction",
    "InvalidValue",
    "LineExpunged",
    "MissingExtra",
    "NaiveMoment",
    "NewerSchema",
    "NotAStore",
    "NotASubjectId",
    "NotPossibleNow",
    "PlanStale",
    "PositionTaken",
    "RegisterInvalid",
    "ScenariosInvalid",
    "SchemaMissing",
    "StoreBusy",
    "StoreClosed",
    "StoreCorrupt",
    "StoreInUse",
    "StoreUnavailable",
    "TokenSpent",
    "UnknownName",
    "UnknownNotice",
    "UnknownPurpose",
    "UnknownSubject",
    "UnreadableCsv",
    "UnreadableEntry",
    "did_you_mean",
]


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return the known word closest to *word*, or None when nothing is close."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return close[0] if close else None


class GdprkitError(Exception):
    """Base of every error this library raises on purpose.

    ``code`` is stable: programs compare it, never the text. ``retryable`` tells whether the same
    call may succeed later without a change by the caller.
    """

    code: ClassVar[str] = "gdprkit"
    retryable: ClassVar[bool] = False
    text: ClassVar[str] = "gdprkit could not do this"

    def __str__(self) -> str:
        return self.text.format_map(_Fields(self))


class _Fields(dict[str, Any]):
    """Looks format fields up on the error itself."""

    def __init__(self, error: GdprkitError) -> None:
        super().__init__()
        self._error = error

    def __missing__(self, name: str) -> Any:
        return getattr(self._error, name)


@attrs.define(eq=False, slots=False, repr=False)
class InvalidValue(GdprkitError, ValueError):
    """A value has the wrong shape. Names field and cure, never the value."""

    field: str
    problem: str
    cure: str
    code: ClassVar[str] = "invalid-value"
    text: ClassVar[str] = "{field} {problem}; {cure}"


@attrs.define(eq=False, slots=False, repr=False)
class NaiveMoment(GdprkitError, ValueError):
    """A moment has no time zone, so nobody can tell when it was."""

    field: str
    code: ClassVar[str] = "naive-moment"
    text: ClassVar[str] = (
        "{field} has no time zone; pass an aware datetime, for instance datetime.now(UTC)"
    )


@attrs.define(eq=False, slots=False, repr=False)
class NotASubjectId(GdprkitError, ValueError):
    """Something else was passed where a subject id belongs."""

    looks_like: str
    code: ClassVar[str] = "not-a-subject-id"
    text: ClassVar[str] = (
        "a subject id is an opaque UUID and this looks like {looks_like}; find the person first, "
        "for instance keeper.find(email=...), or let keeper.add_person() make an id"
    )


@attrs.define(eq=False, slots=False, repr=False)
class UnknownName(GdprkitError, LookupError):
    """A name is not declared in the register, or recorded. The name itself is not repeated.

    Args:
        kind: What was named.
        suggestion: A close name that is known.
        recorded: It is found among what was recorded about a person, and no register declares it.
    """

    kind: str
    suggestion: str | None = None
    recorded: bool = False
    code: ClassVar[str] = "unknown-name"

    def __str__(self) -> str:
        if self.recorded:
            return f"no such {self.kind} is recorded; look at the entries of the person's line"
        hint = f"did you mean {self.suggestion!r}?" if self.suggestion else "see the register file"
        return f"the register declares no such {self.kind}; {hint}"

    @classmethod
    def of(cls, kind: str, name: object, known: Iterable[str]) -> UnknownName:
        """Make the error for *name*, looking for a close word among *known*."""
        return cls(kind, did_you_mean(name, known) if isinstance(name, str) else None)


@attrs.define(eq=False, slots=False, repr=False)
class UnknownPurpose(UnknownName):
    """A purpose is not declared in the register (GDPR Art. 5(1)(b): purposes are specified)."""

    code: ClassVar[str] = "unknown-purpose"


@attrs.define(eq=False, slots=False, repr=False)
class UnknownNotice(UnknownName):
    """A notice version is not declared in the register (GDPR Art. 12, 13, 14)."""

    code: ClassVar[str] = "unknown-notice"


@attrs.define(eq=False, slots=False, repr=False)
class UnknownSubject(GdprkitError, LookupError):
    """The store has no line for this subject id."""

    about: UUID
    code: ClassVar[str] = "unknown-subject"
    text: ClassVar[str] = "no facts are recorded about subject {about}; add the person first"


@attrs.define(eq=False, slots=False, repr=False)
class AlreadyKnown(GdprkitError):
    """The person to add is in the store already."""

    about: UUID
    code: ClassVar[str] = "already-known"
    text: ClassVar[str] = (
        "subject {about} already stands under this contact point; record on that subject instead"
    )


@attrs.define(eq=False, slots=False, repr=False)
class AlreadyRecorded(GdprkitError):
    """An act with this idempotency key is on the line already."""

    about: UUID
    code: ClassVar[str] = "already-recorded"
    text: ClassVar[str] = (
        "an act with this idempotency key is on the line of {about} already and nothing was "
        "stored; take its receipt"
    )


@attrs.define(eq=False, slots=False, repr=False)
class EvidenceMissing(GdprkitError, ValueError):
    """A consent came without what proves it (GDPR Art. 7(1), R-205)."""

    missing: tuple[str, ...]
    code: ClassVar[str] = "evidence-missing"

    def __str__(self) -> str:
        return (
            "a consent without evidence cannot be proved (GDPR Art. 7(1)); "
            f"pass ConsentEvidence with: {', '.join(self.missing)}"
        )


@attrs.define(eq=False, slots=False, repr=False)
class NotPossibleNow(GdprkitError):
    """The status reached does not allow this step."""

    status: str
    step: str
    possible: tuple[str, ...]
    code: ClassVar[str] = "not-possible-now"

    def __str__(self) -> str:
        possible = ", ".join(self.possible) or "nothing, it is closed"
        return f"{self.step} is not possible in status {self.status}; possible: {possible}"


@attrs.define(eq=False, slots=False, repr=False)
class ApprovalMissing(GdprkitError):
    """A plan was to be applied without its own digest as approval."""

    code: ClassVar[str] = "approval-missing"
    text: ClassVar[str] = (
        "the approval is not this plan's digest; "
        "show the plan, then apply(plan, approve=plan.digest)"
    )


@attrs.define(eq=False, slots=False, repr=False)
class PlanStale(GdprkitError):
    """What the plan rests on has changed since it was made."""

    about: UUID
    code: ClassVar[str] = "plan-stale"
    text: ClassVar[str] = "the facts about {about} changed after the plan was made; plan again"


@attrs.define(eq=False, slots=False, repr=False)
class PositionTaken(GdprkitError):
    """Somebody appended first: read again, decide again, append again."""

    about: UUID
    expected: int
    code: ClassVar[str] = "position-taken"
    retryable: ClassVar[bool] = True
    text: ClassVar[str] = (
        "the line of {about} no longer ends at position {expected}; nothing was stored: "
        "read again, decide again, append again"
    )


@attrs.define(eq=False, slots=False, repr=False)
class TokenSpent(GdprkitError):
    """A single-use token was used before."""

    code: ClassVar[str] = "token-spent"
    text: ClassVar[str] = "this token was used before and nothing was stored; issue a new one"


@attrs.define(eq=False, slots=False, repr=False)
class LineExpunged(GdprkitError):
    """The person's line was expunged; only its tombstone is left."""

    about: UUID
    code: ClassVar[str] = "line-expunged"
    text: ClassVar[str] = "the line of {about} was expunged and takes no more entries"


@attrs.define(eq=False, slots=False, repr=False)
class UnreadableEntry(GdprkitError):
    """Stored bytes are not an entry of a kind and schema this version reads."""

    kind: str
    position: int
    path: str
    code: ClassVar[str] = "unreadable-entry"
    text: ClassVar[str] = (
        "entry {position} of kind {kind!r} cannot be read at {path}; verify the line, "
        "and use the gdprkit version that wrote it or a newer one"
    )


@attrs.define(eq=False, slots=False, repr=False)
class ChainBroken(GdprkitError):
    """A line was altered after it was written."""

    about: UUID
    position: int
    problem: str
    code: ClassVar[str] = "chain-broken"
    text: ClassVar[str] = (
        "the line of {about} is broken at position {position}: {problem}; "
        "stop writing and compare with a backup or an exported checkpoint"
    )


@attrs.define(eq=False, slots=False, repr=False)
class CheckpointInvalid(GdprkitError):
    """A checkpoint, an export or a proof is not what was signed."""

    source: str
    problem: str
    code: ClassVar[str] = "checkpoint-invalid"
    text: ClassVar[str] = "{source} {problem}; take another copy of it, and find out who changed it"


@attrs.define(eq=False, slots=False, repr=False)
class NotAStore(GdprkitError):
    """The file is no gdprkit store."""

    path: str
    code: ClassVar[str] = "not-a-store"
    text: ClassVar[str] = (
        "{path} is not a gdprkit store and was left untouched; name a store, or a new file"
    )


@attrs.define(eq=False, slots=False, repr=False)
class NewerSchema(GdprkitError):
    """The store was written by a newer gdprkit."""

    found: int
    known: int
    code: ClassVar[str] = "newer-schema"
    text: ClassVar[str] = (
        "the store has schema {found} and this gdprkit knows {known}; upgrade gdprkit to open it"
    )


@attrs.define(eq=False, slots=False, repr=False)
class SchemaMissing(GdprkitError):
    """The database has no gdprkit tables, or not all, or those of an older version."""

    lacks: tuple[str, ...]
    code: ClassVar[str] = "schema-missing"

    def __str__(self) -> str:
        return (
            f"the database lacks {', '.join(self.lacks)} and was left untouched; run "
            "gdprkit.storage.install_postgres(connection) once, and see that the search_path "
            "leads to the schema it was run in"
        )


@attrs.define(eq=False, slots=False, repr=False)
class HostTransaction(GdprkitError):
    """The transaction of the host, which a store was given, cannot carry this."""

    problem: str
    cure: str
    code: ClassVar[str] = "host-transaction"
    text: ClassVar[str] = "{problem}; {cure}"


@attrs.define(eq=False, slots=False, repr=False)
class StoreBusy(GdprkitError):
    """Another writer kept the store longer than the stated wait."""

    seconds: float
    code: ClassVar[str] = "store-busy"
    retryable: ClassVar[bool] = True
    text: ClassVar[str] = (
        "another writer held the store for {seconds:g} s and nothing was stored; try again"
    )


@attrs.define(eq=False, slots=False, repr=False)
class StoreCorrupt(GdprkitError):
    """The database itself reports damage or refuses to work."""

    problem: str
    code: ClassVar[str] = "store-corrupt"
    text: ClassVar[str] = "the database reports {problem}; stop writing and restore from a backup"


@attrs.define(eq=False, slots=False, repr=False)
class StoreUnavailable(GdprkitError):
    """The database cannot be reached, or cannot work now: no server, a full disk, a lost file.

    A change on its way was stored whole or not at all: when the connection was lost before the
    answer came, nobody can tell which without looking.
    """

    problem: str
    code: ClassVar[str] = "store-unavailable"
    retryable: ClassVar[bool] = True
    text: ClassVar[str] = (
        "the database cannot be used now ({problem}); a change on its way was stored whole or not "
        "at all: read again, then try again"
    )


@attrs.define(eq=False, slots=False, repr=False)
class StoreInUse(GdprkitError):
    """Somebody has the store open that was to be replaced."""

    code: ClassVar[str] = "store-in-use"
    retryable: ClassVar[bool] = True
    text: ClassVar[str] = (
        "the store is open somewhere and was left as it is; stop every process that uses it, "
        "then try again"
    )


@attrs.define(eq=False, slots=False, repr=False)
class StoreClosed(GdprkitError):
    """The store was closed before this call."""

    code: ClassVar[str] = "store-closed"
    text: ClassVar[str] = "the store is closed; open it again"


@attrs.define(eq=False, slots=False, repr=False)
class UnreadableCsv(GdprkitError):
    """A file of contacts cannot be read as a whole."""

    problem: str
    cure: str
    line: int | None = None
    code: ClassVar[str] = "unreadable-csv"

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.problem}; {self.cure}"


def _listed(source: str, problems: tuple[str, ...]) -> str:
    head = f"{source}: {len(problems)} problem{'s' if len(problems) != 1 else ''}"
    return "\n".join([head, *(f"  {problem}" for problem in problems)])


@attrs.define(eq=False, slots=False, repr=False)
class RegisterInvalid(GdprkitError, ValueError):
    """A declared register has mistakes; ``problems`` lists every one with its path."""

    source: str
    problems: tuple[str, ...]
    code: ClassVar[str] = "register-invalid"

    def __str__(self) -> str:
        return _listed(self.source, self.problems)


@attrs.define(eq=False, slots=False, repr=False)
class ScenariosInvalid(GdprkitError, ValueError):
    """A file of scenarios has mistakes; ``problems`` lists every one with its line and path."""

    source: str
    problems: tuple[str, ...]
    code: ClassVar[str] = "scenarios-invalid"

    def __str__(self) -> str:
        return _listed(self.source, self.problems)


@attrs.define(eq=False, slots=False, repr=False)
class MissingExtra(GdprkitError, ImportError):
    """An optional dependency is not installed."""

    extra: str
    wanted: str
    code: ClassVar[str] = "missing-extra"
    text: ClassVar[str] = "{wanted} needs the extra {extra!r}; pip install 'gdprkit[{extra}]'"
