"""How answers come back: outcomes, reasons, decisions.

A decision keeps every reason; its outcome is derived, the strictest of them, and no reason at all
forbids. Codes are stable, words are made in ``policy.explain``. Decisions answer *may* questions
only, so false is always the safe side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final, NamedTuple, TypeAlias, final

import attrs

from gdprkit.errors import GdprkitError
from gdprkit.policy.explain import Language, Reader, explain
from gdprkit.words.citations import Citation
from gdprkit.words.identifiers import SubjectId

__all__ = ["Decision", "NotAllowed", "Outcome", "Reason", "allow", "decide", "forbid", "need"]


class Outcome(StrEnum):
    """Mildest first; a decision takes the strictest of its reasons."""

    ALLOWED = "allowed"
    NEEDS = "needs"  # a fact or a human judgement is missing
    FORBIDDEN = "forbidden"

    @property
    def rank(self) -> int:
        """0, 1, 2: the stricter, the higher."""
        return _RANK[self]


# asked of every decision: looking a member up on its enumeration costs as much as a rule
_ALLOWED: Final = Outcome.ALLOWED
_NEEDS: Final = Outcome.NEEDS
_FORBIDDEN: Final = Outcome.FORBIDDEN

_RANK: Final = {Outcome.ALLOWED: 0, Outcome.NEEDS: 1, Outcome.FORBIDDEN: 2}


class Reason(NamedTuple):
    """One reason of a decision. A named tuple: a decision makes several, and sweeps make millions.

    A policy module declares its reasons as constants, beside the rule that gives them; a rule
    yields the constant as it stands, or ``constant.on(...)`` with the entries it rests on.

    Args:
        code: Stable word; callers and tests compare this, never the wording.
        outcome: What this reason alone would decide.
        rule: Rule id of the project's law paper, for instance ``R-311``.
        cites: Places in the law.
        evidence: Positions of the entries it rests on.
        missing: What would have to be known or done; for NEEDS.
        until: The reason holds before this moment and may change at it, without any new fact.
    """

    code: str
    outcome: Outcome
    rule: str
    cites: tuple[Citation, ...]
    evidence: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
    until: datetime | None = None

    def on(self, *evidence: int, until: datetime | None = None) -> Reason:
        """Return this reason resting on entries (position 0 is none) and holding until a moment."""
        return Reason(
            self.code,
            self.outcome,
            self.rule,
            self.cites,
            evidence if 0 not in evidence else tuple(p for p in evidence if p),
            self.missing,
            until,
        )


def allow(code: str, rule: str, *cites: Citation) -> Reason:
    """Declare a reason that allows."""
    return Reason(code=code, outcome=Outcome.ALLOWED, rule=rule, cites=cites)


def need(code: str, rule: str, *cites: Citation, missing: str | tuple[str, ...]) -> Reason:
    """Declare a reason that names what is missing."""
    wanted = (missing,) if isinstance(missing, str) else missing
    return Reason(code=code, outcome=Outcome.NEEDS, rule=rule, cites=cites, missing=wanted)


def forbid(code: str, rule: str, *cites: Citation) -> Reason:
    """Declare a reason that forbids."""
    return Reason(code=code, outcome=Outcome.FORBIDDEN, rule=rule, cites=cites)


@final
@attrs.frozen(kw_only=True)
class Decision:
    """The answer to a *may* question, with every reason.

    Args:
        question: What was asked, for instance ``may_contact``.
        about: The person; None when asked about no stored person.
        at: The moment asked about, UTC.
        law: Id of the law profile it was decided under.
        reasons: Every reason, in the order the rules were asked.
        law_until: That profile ends at this moment; None while no end is known.
        cell: Cell of the marketing matrix, for instance ``M-EM/FB2B/N``; else None.
    """

    question: str
    about: SubjectId | None
    at: datetime
    law: str
    reasons: tuple[Reason, ...]
    law_until: datetime | None = None
    cell: str | None = None

    @property
    def outcome(self) -> Outcome:
        """The strictest outcome among the reasons; no reason at all forbids."""
        if not self.reasons:
            return Outcome.FORBIDDEN
        strictest = _ALLOWED
        for reason in self.reasons:
            if reason.outcome is _FORBIDDEN:
                return _FORBIDDEN
            if reason.outcome is _NEEDS:
                strictest = _NEEDS
        return strictest

    def __bool__(self) -> bool:
        """Return True only when ALLOWED; every decision answers a *may* question."""
        return self.outcome is Outcome.ALLOWED

    @property
    def against(self) -> tuple[Reason, ...]:
        """The reasons that do not allow."""
        return tuple(r for r in self.reasons if r.outcome is not Outcome.ALLOWED)

    @property
    def codes(self) -> frozenset[str]:
        """The codes of all reasons."""
        return frozenset(reason.code for reason in self.reasons)

    @property
    def missing(self) -> tuple[str, ...]:
        """What would have to be known or done, without repeats."""
        return tuple(dict.fromkeys(m for reason in self.reasons for m in reason.missing))

    @property
    def valid_until(self) -> datetime | None:
        """Until when the answer stays as it is if no new fact comes (R-330); None is open."""
        ends = [r.until for r in self.reasons if r.until is not None]
        if self.law_until is not None:
            ends.append(self.law_until)
        return min(ends, default=None)

    def require(self) -> Decision:
        """Return the decision when it allows.

        Raises:
            NotAllowed: it does not; the error holds the decision.
        """
        if self:
            return self
        raise NotAllowed(self)

    def explain(self, language: Language = "en", reader: Reader = "controller") -> str:
        """Tell the decision in words: each reason, its law, the entries it rests on.

        Args:
            language: ``en``, ``fi`` or ``sv``.
            reader: ``controller``, or ``person``: then in words one can say to them.

        Raises:
            InvalidValue: there is no such language or reader.
        """
        return explain(self, language, reader)


@attrs.define(eq=False, slots=False, repr=False)
class NotAllowed(GdprkitError):
    """A policy does not allow the act; ``decision`` holds every reason."""

    decision: Decision
    code: ClassVar[str] = "not-allowed"

    def __str__(self) -> str:
        codes = ", ".join(reason.code for reason in self.decision.against)
        return f"{self.decision.outcome}: {codes}; decision.explain() tells each reason in words"


Rule: TypeAlias = Callable[[Any], Iterator[Reason]]


def decide(rules: Iterable[Rule], case: Any) -> tuple[Reason, ...]:
    """Ask every rule and keep every reason."""
    return tuple(reason for rule in rules for reason in rule(case))
