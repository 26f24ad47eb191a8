"""What a scenario can ask, by name.

Decides only how a question's name and its parts become a call of a policy. *May* questions answer
with a decision; the others, in ``testing.scenario_answers``, with a table of plain words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from gdprkit.acts.consent import HasConsent
from gdprkit.policy.advertising import MayAdvertise, may_advertise
from gdprkit.policy.case import Case
from gdprkit.policy.connection import MayMove, may_move
from gdprkit.policy.consent import consent_in_force
from gdprkit.policy.device import MayStore, may_store
from gdprkit.policy.disclosure import MayDisclose, may_disclose
from gdprkit.policy.marketing import may_contact
from gdprkit.policy.placing import MayContact
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.policy.retention import (
    AfterEnd,
    DueErasure,
    Erasure,
    plan_after_end,
    plan_due,
    plan_erasure,
)
from gdprkit.policy.rights import MayExercise, may_exercise
from gdprkit.policy.transfer import MayTransfer, may_transfer
from gdprkit.testing import scenario_answers as tell

__all__ = ["QUESTIONS", "Asked"]


class Asked(NamedTuple):
    """A question's class, and the function that answers it."""

    asked: type
    answer: Callable[[Case, Any], Any]


#: name -> what is asked and who answers.
QUESTIONS: Final[Mapping[str, Asked]] = {
    "may-contact": Asked(MayContact, may_contact),
    "may-advertise": Asked(MayAdvertise, may_advertise),
    "may-process": Asked(MayProcess, may_process),
    "may-move": Asked(MayMove, may_move),
    "may-exercise": Asked(MayExercise, may_exercise),
    "may-store": Asked(MayStore, may_store),
    "may-disclose": Asked(MayDisclose, may_disclose),
    "may-transfer": Asked(MayTransfer, may_transfer),
    "adequacy-falls": Asked(tell.AdequacyFalls, tell.adequacy_falls),
    "has-consent": Asked(HasConsent, lambda case, q: consent_in_force(case, q.purpose, q.channel)),
    "record": Asked(tell.Record, tell.may_record),
    "kept-through": Asked(tell.KeptThrough, tell.kept_told),
    "is-marketing": Asked(tell.IsMarketing, tell.marketing_told),
    "proof": Asked(tell.Proof, tell.proof_told),
    "is-personal": Asked(tell.IsPersonal, tell.personal_told),
    "log": Asked(tell.Log, tell.log_told),
    "deadline": Asked(tell.Deadline, tell.deadline_told),
    "explain": Asked(tell.Explain, tell.explained),
    "breach": Asked(tell.Breach, tell.breach_told),
    "notice-due": Asked(tell.NoticeDue, tell.notice_due),
    "words": Asked(tell.Words, tell.words_of),
    "handling": Asked(tell.Handling, tell.handling_told),
    "to-tell": Asked(tell.ToTell, tell.recipients_told),
    "standing": Asked(tell.Standing, tell.standing_told),
    "ending": Asked(tell.Ending, tell.ending_told),
    "after-end": Asked(AfterEnd, lambda case, q: tell.plan_told(plan_after_end(case, q))),
    "erasure": Asked(Erasure, lambda case, q: tell.plan_told(plan_erasure(case, q))),
    "due": Asked(DueErasure, lambda case, q: tell.plan_told(plan_due(case, q))),
}
