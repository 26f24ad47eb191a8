"""May data be disclosed to a recipient?

A processor needs a contract with everything of Art. 28(3), a joint controller an arrangement, a
controller in its own right a basis of its own and a notice that names recipients; for electronic
marketing of theirs a consent names them (R-118, R-705, R-706). Affiliates and partners are
recipients like others; nobody gets the marketing register without that (R-419). Leaves out
recording what happened: a disclosure that took place is recorded, allowed or not. Always true: what
may not be processed is not disclosed, and nothing goes to a third country without a flow that
carries it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, final

import attrs

from gdprkit.policy.adequacy import EEA
from gdprkit.policy.case import Case
from gdprkit.policy.consent import OBJECTED, STOPPED, valid_consent
from gdprkit.policy.decisions import Decision, Outcome, Reason, allow, forbid, need
from gdprkit.policy.marketing_steps import company_reasons
from gdprkit.policy.placing import stop_for
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.policy.transfer import TRANSFER_NOT_FOR_FIELD, transfer_reasons
from gdprkit.register.parties import ContractItem, Recipient
from gdprkit.register.purposes import Purpose
from gdprkit.state.objection import StopKind
from gdprkit.words.citations import ecsa, edpb, gdpr
from gdprkit.words.identifiers import FieldId
from gdprkit.words.vocabulary import Channel, FilingSystem, LegalBasis, RecipientRole

__all__ = ["MayDisclose", "may_disclose"]


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


def may_disclose(case: Case, question: MayDisclose) -> Decision:
    """Decide whether data may be disclosed to a recipient (R-118, R-419, R-705, R-706, R-711).

    Raises:
        UnknownPurpose, UnknownName: the register does not declare the recipient, purpose or field.
    """
    recipient = case.register.recipient(question.recipient)
    purpose = case.purpose(question.purpose)
    fields = frozenset(case.register.field(FieldId(name)).id for name in question.fields)
    found = dict.fromkeys(_reasons(case, recipient, purpose, fields))
    return case.decision("may_disclose", tuple(found))


def _reasons(
    case: Case, recipient: Recipient, purpose: Purpose, fields: frozenset[FieldId]
) -> Iterator[Reason]:
    if recipient.id not in purpose.recipients:
        yield RECIPIENT_NOT_DECLARED
    whole = [MayProcess(purpose=purpose.id)]
    for asked in [MayProcess(purpose=purpose.id, field=name) for name in sorted(fields)] or whole:
        yield from may_process(case, asked).reasons
    match recipient.role:
        case RecipientRole.PROCESSOR:
            yield from _processor(recipient)
        case RecipientRole.JOINT_CONTROLLER:
            yield _joint_controller(recipient)
            yield from _named(case, recipient, purpose)
        case RecipientRole.CONTROLLER:
            yield from _own_controller(case, recipient, purpose, fields)
            yield from _named(case, recipient, purpose)
    yield from _abroad(case, recipient, purpose, fields or purpose.fields)


# --- processors and joint controllers ------------------------------------------------------------

CONTRACT_MISSING: Final = need(
    "contract-missing", "R-705", gdpr("28(3)"), missing="a contract with the processor"
)
CONTRACT_WHOLE: Final = allow("contract-whole", "R-705", gdpr("28(3)"))

#: What a contract with a processor holds, and where the law asks for it: lacking one, it is none.
_TERMS: Final = {
    ContractItem.SUBJECT_MATTER: ("28(3)", "subject, duration, nature, purpose, data"),
    ContractItem.INSTRUCTIONS: ("28(3)(a)", "documented instructions only"),
    ContractItem.CONFIDENTIALITY: ("28(3)(b)", "confidentiality"),
    ContractItem.SECURITY: ("28(3)(c)", "security"),
    ContractItem.SUB_PROCESSORS: ("28(3)(d)", "authorised sub-processors, same duties"),
    ContractItem.RIGHTS: ("28(3)(e)", "help with requests"),
    ContractItem.ASSISTANCE: ("28(3)(f)", "help with security, breaches and assessments"),
    ContractItem.END: ("28(3)(g)", "deletion or return at the end"),
    ContractItem.AUDIT: ("28(3)(h)", "information and audits"),
    ContractItem.WARNING: ("28(3)", "warning of unlawful instructions"),
}
CONTRACT: Final[Mapping[ContractItem, Reason]] = {
    item: need("contract-incomplete", "R-705", gdpr(place), missing=f"in the contract: {what}")
    for item, (place, what) in _TERMS.items()
}


def _processor(recipient: Recipient) -> Iterator[Reason]:
    if recipient.contract is None:
        yield CONTRACT_MISSING
        return
    lacking = [reason for item, reason in CONTRACT.items() if item not in recipient.holds]
    yield from lacking or [CONTRACT_WHOLE]


ARRANGEMENT_MISSING: Final = need(
    "arrangement-missing", "R-706", gdpr("26(1)"), missing="an arrangement as joint controllers"
)
ESSENCE_UNPUBLISHED: Final = need(
    "essence-unpublished", "R-706", gdpr("26(2)"), missing="the essence of the arrangement, told"
)
ARRANGEMENT_TOLD: Final = allow("arrangement-told", "R-706", gdpr("26(2)"))


def _joint_controller(recipient: Recipient) -> Reason:
    if recipient.contract is None:
        return ARRANGEMENT_MISSING
    return ARRANGEMENT_TOLD if recipient.essence_published else ESSENCE_UNPUBLISHED


# --- controllers in their own right --------------------------------------------------------------

RECIPIENT_WITHOUT_BASIS: Final = need(
    "recipient-without-basis", "R-118", gdpr("6(1)"), missing="the recipient's own legal basis"
)
RECIPIENT_BASIS_UNFIT: Final = forbid("recipient-basis-unfit", "R-118", gdpr("6(1)"))
RECIPIENT_ON_ITS_BASIS: Final = allow("recipient-on-its-basis", "R-118", gdpr("6(1)"))
RECIPIENT_TOLD: Final = allow("recipient-told", "R-118", gdpr("13(1)(e)"))
RECIPIENT_NOT_TOLD: Final = need(
    "recipient-not-told", "R-118", gdpr("13(1)(e)"), missing="a notice that names recipients"
)
REGISTER_NOT_FOR_OTHERS: Final = forbid("register-not-for-others", "R-419", gdpr("5(1)(b)"))

#: Nothing else carries marketing (R-103).
_MARKETS: Final = frozenset({LegalBasis.CONSENT, LegalBasis.LEGITIMATE_INTERESTS})


def _own_controller(
    case: Case, recipient: Recipient, purpose: Purpose, fields: frozenset[FieldId]
) -> Iterator[Reason]:
    """Its own basis and a notice; without either the marketing register stays here (R-419)."""
    own, told = _own_basis(recipient, purpose), _told(case, purpose)
    yield own
    yield told
    held = {v.field for v in case.standing.data.held(FilingSystem.MARKETING)}
    if (
        (purpose.marketing or purpose.filing is FilingSystem.MARKETING)
        and held & (fields or purpose.fields)
        and any(reason.outcome is not Outcome.ALLOWED for reason in (own, told))
    ):
        yield REGISTER_NOT_FOR_OTHERS


def _own_basis(recipient: Recipient, purpose: Purpose) -> Reason:
    if recipient.own_basis is None:
        return RECIPIENT_WITHOUT_BASIS
    unfit = purpose.marketing and recipient.own_basis not in _MARKETS
    return RECIPIENT_BASIS_UNFIT if unfit else RECIPIENT_ON_ITS_BASIS


def _told(case: Case, purpose: Purpose) -> Reason:
    for given in case.standing.notice.given:
        notice = case.register.notices.get(given.notice)
        if notice and purpose.id in notice.purposes and notice.names_recipients:
            return RECIPIENT_TOLD.on(given.position)
    return RECIPIENT_NOT_TOLD


# --- what a controller that markets needs of the person ------------------------------------------

RECIPIENT_NAMED_IN_CONSENT: Final = allow(
    "recipient-named-in-consent", "R-118", ecsa("200(1)"), edpb("05/2020 para 65")
)
RECIPIENT_NOT_IN_CONSENT: Final = forbid(
    "recipient-not-in-consent", "R-118", ecsa("200(1)"), edpb("05/2020 para 65")
)

_ELECTRONIC: Final = frozenset({Channel.EMAIL, Channel.SMS, Channel.ONLINE})


def _named(case: Case, recipient: Recipient, purpose: Purpose) -> Iterator[Reason]:
    """A consent that names the recipient, for each way it needs one; and no stop (R-118, R-317).

    Electronic marketing needs it, and so does whoever relies on the consent for anything.
    """
    scopes: list[Channel | None] = []
    if purpose.marketing:
        yield from _stops(case, purpose)
        scopes = [*sorted(purpose.channels & _ELECTRONIC)]
    joint = recipient.role is RecipientRole.JOINT_CONTROLLER
    if (purpose.basis if joint else recipient.own_basis) is LegalBasis.CONSENT or (
        purpose.marketing and not purpose.channels  # which way is unknown, and may be electronic
    ):
        scopes = scopes or [*sorted(purpose.channels)] or [None]
    for scope in scopes:
        consent = valid_consent(case, purpose.id, scope)
        if consent is not None and recipient.id in consent.evidence.recipients:
            yield RECIPIENT_NAMED_IN_CONSENT.on(consent.word.position, until=consent.until)
        else:
            yield RECIPIENT_NOT_IN_CONSENT


def _stops(case: Case, purpose: Purpose) -> Iterator[Reason]:
    """A stop on a way the purpose uses, which no later consent outranks; a company's (R-316.3)."""
    for channel in sorted(purpose.channels):
        yield from company_reasons(case, channel, purpose)
        stop = stop_for(case, channel, purpose)
        if stop is not None and valid_consent(case, purpose.id, channel) is None:
            yield (OBJECTED if stop.kind is StopKind.OBJECTION else STOPPED).on(stop.position)


# --- third countries -----------------------------------------------------------------------------

COUNTRY_UNKNOWN: Final = need(
    "recipient-country-unknown", "R-711", gdpr("44"), missing="where the recipient is established"
)
FLOW_UNDECLARED: Final = forbid("flow-undeclared", "R-711", gdpr("44"))


def _abroad(
    case: Case, recipient: Recipient, purpose: Purpose, fields: frozenset[FieldId]
) -> Iterator[Reason]:
    """A recipient in a third country needs a flow for each field, and every flow to it must carry.

    A recipient of the EEA may have flows too: reading from a third country is a transfer (R-711).
    """
    flows = [
        flow
        for flow in case.register.transfers.values()
        if flow.recipient == recipient.id and purpose.id in flow.purposes
    ]
    if recipient.country is None:
        yield COUNTRY_UNKNOWN
    elif recipient.country not in EEA:
        there = [flow for flow in flows if flow.country == recipient.country]
        if not there:
            yield FLOW_UNDECLARED
        elif not fields <= frozenset[FieldId]().union(*(flow.fields for flow in there)):
            yield TRANSFER_NOT_FOR_FIELD
    for flow in flows:
        going = flow.fields & fields
        if going or not flow.fields:
            yield from transfer_reasons(case, flow, purpose, going)
