"""May data be disclosed to a recipient?

A processor needs a contract with everything of Art. 28(3), a joint controller an arrangement, a
controller in its own right a basis of its own and, for electronic marketing, a consent that names
it (R-118, R-705, R-706). Affiliates and partners are recipients like others; nobody gets the
marketing register without that (R-419). Leaves out recording what happened: a disclosure that took
place is recorded, allowed or not. Always true: what may not be processed is not disclosed, and
nothing goes to a third country without a flow that carries it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, final

import attrs

from gdprkit.policy.case import Case
from gdprkit.policy.consent import valid_consent
from gdprkit.policy.decisions import Decision, Reason, allow, forbid, need
from gdprkit.policy.law import EEA
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.policy.transfer import transfer_reasons
from gdprkit.register.parties import ContractItem, Recipient
from gdprkit.register.purposes import Purpose
from gdprkit.words.citations import ecsa, gdpr
from gdprkit.words.identifiers import FieldId
from gdprkit.words.vocabulary import Channel, FilingSystem, RecipientRole

__all__ = ["CONTRACT", "MayDisclose", "may_disclose"]

#: What a contract with a processor holds (Art. 28(3); R-705). One that lacks a part is none.
CONTRACT: Final = frozenset(ContractItem)

_ELECTRONIC: Final = frozenset({Channel.EMAIL, Channel.SMS, Channel.ONLINE})


def _names(values: Iterable[str]) -> frozenset[str]:
    return frozenset(values)


@final
@attrs.frozen(kw_only=True)
class MayDisclose:
    """The question: may data be disclosed to this recipient, for this purpose?

    Args:
        recipient: The declared recipient.
        purpose: The declared purpose.
        fields: The fields that would be disclosed; none means all of the purpose.
    """

    recipient: str
    purpose: str
    fields: frozenset[str] = attrs.field(default=frozenset(), converter=_names)


RECIPIENT_NOT_DECLARED: Final = forbid("recipient-not-declared", "R-118", gdpr("13(1)(e)"))
CONTRACT_MISSING: Final = need(
    "contract-missing", "R-705", gdpr("28(3)"), missing="a contract with the processor"
)
CONTRACT_INCOMPLETE: Final = need(
    "contract-incomplete",
    "R-705",
    gdpr("28(3)"),
    missing="every part of Art. 28(3) in the contract",
)
CONTRACT_WHOLE: Final = allow("contract-whole", "R-705", gdpr("28(3)"))
ARRANGEMENT_MISSING: Final = need(
    "arrangement-missing", "R-706", gdpr("26(1)"), missing="an arrangement as joint controllers"
)
ESSENCE_UNPUBLISHED: Final = need(
    "essence-unpublished", "R-706", gdpr("26(2)"), missing="the essence of the arrangement, told"
)
ARRANGEMENT_TOLD: Final = allow("arrangement-told", "R-706", gdpr("26"))
RECIPIENT_WITHOUT_BASIS: Final = need(
    "recipient-without-basis", "R-118", gdpr("6(1)"), missing="the recipient's own legal basis"
)
RECIPIENT_ON_ITS_BASIS: Final = allow("recipient-on-its-basis", "R-118", gdpr("6(1)"))
RECIPIENT_NOT_TOLD: Final = need(
    "recipient-not-told", "R-118", gdpr("13(1)(e)"), missing="a notice that names recipients"
)
RECIPIENT_NAMED_IN_CONSENT: Final = allow("recipient-named-in-consent", "R-118", ecsa("200(1)"))
RECIPIENT_NOT_IN_CONSENT: Final = forbid("recipient-not-in-consent", "R-118", ecsa("200(1)"))
REGISTER_NOT_FOR_OTHERS: Final = forbid("register-not-for-others", "R-419", gdpr("5(1)(b)"))
COUNTRY_UNKNOWN: Final = need(
    "recipient-country-unknown", "R-711", gdpr("44"), missing="where the recipient is established"
)
FLOW_UNDECLARED: Final = forbid("flow-undeclared", "R-711", gdpr("44"))


def may_disclose(case: Case, question: MayDisclose) -> Decision:
    """Decide whether data may be disclosed to a recipient (R-118, R-419, R-705, R-706, R-711).

    Raises:
        UnknownPurpose, UnknownName: the register does not declare the recipient, purpose or field.
    """
    recipient = case.register.recipient(question.recipient)
    purpose = case.purpose(question.purpose)
    fields = frozenset(case.register.field(FieldId(name)).id for name in question.fields)
    return Decision(
        question="may_disclose",
        about=case.about,
        at=case.at,
        law=case.law.id,
        reasons=tuple(_reasons(case, recipient, purpose, fields)),
    )


def _reasons(
    case: Case, recipient: Recipient, purpose: Purpose, fields: frozenset[FieldId]
) -> Iterator[Reason]:
    if recipient.id not in purpose.recipients:
        yield RECIPIENT_NOT_DECLARED
    if fields:
        for field in sorted(fields):
            yield from may_process(case, MayProcess(purpose=purpose.id, field=field)).reasons
    else:
        yield from may_process(case, MayProcess(purpose=purpose.id)).reasons
    match recipient.role:
        case RecipientRole.PROCESSOR:
            if recipient.contract is None:
                yield CONTRACT_MISSING
            else:
                yield CONTRACT_WHOLE if recipient.holds >= CONTRACT else CONTRACT_INCOMPLETE
        case RecipientRole.JOINT_CONTROLLER:
            if recipient.contract is None:
                yield ARRANGEMENT_MISSING
            else:
                yield ARRANGEMENT_TOLD if recipient.essence_published else ESSENCE_UNPUBLISHED
        case RecipientRole.CONTROLLER:
            yield from _own_controller(case, recipient, purpose, fields)
    yield from _abroad(case, recipient, purpose, fields)


def _own_controller(
    case: Case, recipient: Recipient, purpose: Purpose, fields: frozenset[FieldId]
) -> Iterator[Reason]:
    """Its own basis, a notice, and for electronic marketing a consent that names it (R-118)."""
    yield RECIPIENT_WITHOUT_BASIS if recipient.own_basis is None else RECIPIENT_ON_ITS_BASIS
    told = (case.register.notices.get(g.notice) for g in case.standing.notice.given)
    if not any(n is not None and purpose.id in n.purposes and n.names_recipients for n in told):
        yield RECIPIENT_NOT_TOLD
    if not purpose.marketing:
        return
    if purpose.channels & _ELECTRONIC:
        yield _in_consent(case, recipient, purpose)
    held = {v.field for v in case.standing.data.held(FilingSystem.MARKETING)}
    if recipient.own_basis is None and held & (fields or held):
        yield REGISTER_NOT_FOR_OTHERS


def _in_consent(case: Case, recipient: Recipient, purpose: Purpose) -> Reason:
    for word in case.standing.consent.for_purpose(purpose.id):
        consent = valid_consent(case, purpose.id, word.channel)
        said = consent.word.evidence if consent is not None else None
        if consent is not None and said is not None and recipient.id in said.recipients:
            return RECIPIENT_NAMED_IN_CONSENT.on(consent.word.position, until=consent.until)
    return RECIPIENT_NOT_IN_CONSENT


def _abroad(
    case: Case, recipient: Recipient, purpose: Purpose, fields: frozenset[FieldId]
) -> Iterator[Reason]:
    """A recipient in a third country, or reading from there, needs a flow (R-711)."""
    if recipient.country is None:
        yield COUNTRY_UNKNOWN
        return
    flows = [t for t in case.register.transfers.values() if t.recipient == recipient.id]
    if recipient.country in EEA and not flows:
        return
    fitting = [t for t in flows if purpose.id in t.purposes]
    if not fitting:
        if recipient.country not in EEA:
            yield FLOW_UNDECLARED
        return
    for flow in fitting:
        yield from transfer_reasons(case, flow, purpose, fields)
