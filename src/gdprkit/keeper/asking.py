"""Answering *may* questions about one stored person.

The standing of the moment asked about, the organisation the person acts for and, where marketing
could go out, a look into the suppression list: then the policy decides. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from gdprkit.acts.consent import HasConsent
from gdprkit.errors import InvalidValue
from gdprkit.keeper.applying import look_up
from gdprkit.keeper.line import organisation_of, surviving_of, view, view_at
from gdprkit.keeper.writing import Bench
from gdprkit.policy.advertising import MayAdvertise, may_advertise
from gdprkit.policy.case import Case
from gdprkit.policy.connection import MayMove, may_move
from gdprkit.policy.consent import consent_in_force
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.device import MayStore, may_store
from gdprkit.policy.disclosure import MayDisclose, may_disclose
from gdprkit.policy.marketing import MayContact, may_contact
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.policy.rights import MayExercise, may_exercise
from gdprkit.policy.transfer import MayTransfer, may_transfer
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.moments import utc_moment

__all__ = ["ask", "policy_of"]

#: question -> the policy that answers it.
QUESTIONS: Final[Mapping[type, Callable[[Case, Any], Decision]]] = {
    MayContact: may_contact,
    MayAdvertise: may_advertise,
    MayProcess: may_process,
    MayMove: may_move,
    MayExercise: may_exercise,
    MayStore: may_store,
    MayDisclose: may_disclose,
    MayTransfer: may_transfer,
    HasConsent: lambda case, q: consent_in_force(case, q.purpose, q.channel),
}


def policy_of(question: object) -> Callable[[Case, Any], Decision]:
    """Return the policy that answers a question.

    Raises:
        InvalidValue: *question* is none.
    """
    policy = QUESTIONS.get(type(question))
    if policy is None:
        raise InvalidValue(
            "question",
            "is no may question",
            "pass marketing.may_contact(...), data.may_process(...)",
        )
    return policy


def ask(
    bench: Bench,
    about: SubjectId,
    question: object,
    now: datetime,
    at: datetime | None,
    known_by: datetime | None,
) -> Decision:
    """Answer a question as ``RecordKeeper.ask`` says.

    Raises:
        UnknownSubject, UnknownPurpose, NaiveMoment.
        InvalidValue: *question* is none.
    """
    policy = policy_of(question)
    moment = now if at is None else utc_moment(at, "at")
    found = view_at(bench.store, about, at, known_by, bench.memory)
    company = organisation_of(bench.store, found, at, known_by, bench.memory)
    others = surviving_of(bench.store, found, at, known_by, bench.memory)
    case = bench.case(found, moment, organisation=company, surviving=others)
    if not isinstance(question, (MayContact, MayMove)):
        return policy(case, question)
    past = at is not None or known_by is not None
    current = found
    if past and found.standing.data.values:
        current = view(bench.store, about, bench.memory)
    erased = current.standing.data.erased_at is not None
    if erased or isinstance(question, MayContact):
        plain = policy(case, question)
        if erased or plain.outcome is Outcome.FORBIDDEN:
            return plain  # no list can make it milder, and nothing is left to look up
    looked = look_up(bench, current, question.purpose, case)
    if isinstance(question, MayContact) and not looked.hits:
        return plain  # a list that holds nothing says nothing
    return policy(attrs.evolve(case, suppressed=looked), question)
