"""By which tags everybody is found for whom a *may* question may be allowed.

Decides where a tag serves a question: a consent, a live contract or the kinds of people a purpose
covers. Leaves out the answer, which is made for each of them. Always true: whoever is allowed
carries one of the tags; everybody carries a tag of their status, which serves where no other does.
"""

from __future__ import annotations

from typing import Final

from gdprkit.acts.consent import HasConsent
from gdprkit.policy.placing import MayContact
from gdprkit.policy.processing import MayProcess
from gdprkit.register.purposes import Purpose
from gdprkit.register.register import Register
from gdprkit.state.connection import ConnectionStatus
from gdprkit.words.identifiers import PurposeId
from gdprkit.words.vocabulary import Channel, LegalBasis

__all__ = ["candidate_tags"]

_EVERYBODY: Final = frozenset(f"status:{status}" for status in ConnectionStatus)


def candidate_tags(register: Register, question: object) -> frozenset[str]:
    """Return the tags of which everybody carries one for whom *question* may be allowed.

    Raises:
        UnknownPurpose: the register does not declare the purpose.
    """
    if not isinstance(question, HasConsent | MayContact | MayProcess):
        return _EVERYBODY
    purpose = register.purpose(PurposeId(question.purpose))
    if isinstance(question, HasConsent):
        return _given(purpose, question.channel)
    if purpose.basis is LegalBasis.CONSENT:  # no cell of the matrix replaces it
        return _given(purpose, question.channel if isinstance(question, MayContact) else None)
    if purpose.basis is LegalBasis.CONTRACT and isinstance(question, MayProcess):
        return frozenset({f"status:{ConnectionStatus.ACTIVE}"})
    return frozenset(f"kind:{kind}" for kind in purpose.subjects) or _EVERYBODY


def _given(purpose: Purpose, channel: Channel | None) -> frozenset[str]:
    """Return the tags of a consent for a channel, or for any of those the purpose uses."""
    channels = sorted(purpose.channels) if channel is None else [channel]
    return frozenset(f"given:{purpose.id}:{one}" for one in channels) or frozenset(
        {f"given:{purpose.id}"}
    )
