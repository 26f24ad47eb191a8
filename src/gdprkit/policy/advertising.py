"""May we show this person an advertisement online, and of which kind?

Decided by kind of advertisement (table M-OA): what it reads from the device, what it knows about
the person, who else learns of it. Messages in an inbox and push messages are electronic mail and
follow the e-mail row (R-320). The consent of ECSA s. 205 opens the device for an advertisement that
is the same for all, or measured; personalisation beyond the session needs its own row as well. Left
out: where an advertisement is placed, and what it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, final

import attrs

from gdprkit.policy.case import Case
from gdprkit.policy.conditions import CONDITIONS
from gdprkit.policy.consent import ConsentInForce, valid_consent
from gdprkit.policy.decisions import Decision, Reason, allow, forbid, need
from gdprkit.policy.marketing import CHANNEL_NOT_DECLARED, PURPOSE_NOT_MARKETING, may_contact
from gdprkit.policy.marketing_steps import PERSON_CHECKS, basis_swapped
from gdprkit.policy.matrix import Column, Forbidden
from gdprkit.policy.placing import Asked, MayContact, row_of, stop_for
from gdprkit.register.purposes import Purpose
from gdprkit.register.website import Cookie
from gdprkit.state.objection import Stop
from gdprkit.words.citations import Citation, ecsa, gdpr
from gdprkit.words.vocabulary import AdKind, Channel

__all__ = ["ADVERTISING", "AdAnswer", "AdColumn", "MayAdvertise", "may_advertise"]


class AdColumn(StrEnum):
    """What the person said about advertising of this purpose online, or on their device."""

    GIVEN = "C+"
    STOPPED = "C-/OBJ"
    NEVER = "N"


@final
@attrs.frozen
class AdAnswer:
    """One cell: allowed on conditions, forbidden, or answered by the e-mail row.

    ``conditions`` is None where the cell forbids.
    """

    conditions: tuple[str, ...] | None
    cite: Citation


_DEVICE = ecsa("205(1)")
_OBJ = gdpr("21(3)")

#: kind -> column -> answer (table M-OA). ``INBOX`` is missing: its row is the e-mail row.
ADVERTISING: Final[Mapping[AdKind, Mapping[AdColumn, AdAnswer]]] = {
    AdKind.CONTEXTUAL: {
        AdColumn.GIVEN: AdAnswer((), gdpr("6(1)(f)")),
        AdColumn.STOPPED: AdAnswer((), gdpr("6(1)(f)")),
        AdColumn.NEVER: AdAnswer((), gdpr("6(1)(f)")),
    },
    AdKind.DEVICE: {
        AdColumn.GIVEN: AdAnswer(("cookie",), _DEVICE),
        AdColumn.STOPPED: AdAnswer(None, _DEVICE),
        AdColumn.NEVER: AdAnswer(None, _DEVICE),
    },
    AdKind.PERSONALISED: {
        AdColumn.GIVEN: AdAnswer((), gdpr("6(1)(a)")),
        AdColumn.STOPPED: AdAnswer(None, _OBJ),
        AdColumn.NEVER: AdAnswer(("lia", "notice", "optout"), gdpr("6(1)(f)")),
    },
    AdKind.AUDIENCE: {
        AdColumn.GIVEN: AdAnswer(("cookie or platform",), gdpr("6(1)(a)")),
        AdColumn.STOPPED: AdAnswer(None, _OBJ),
        AdColumn.NEVER: AdAnswer(None, gdpr("6(1)(a)")),
    },
}


@final
@attrs.frozen(kw_only=True)
class MayAdvertise:
    """The question: may this person be shown an advertisement of this kind?

    Args:
        kind: What the advertisement does, a word of ``AdKind``.
        purpose: The declared marketing purpose.
        cookie: The declared item on the device, where the advertisement uses one.
        platform: The declared recipient that gets the audience, for ``audience``.
    """

    kind: AdKind = attrs.field(converter=AdKind)
    purpose: str
    cookie: str | None = None
    platform: str | None = None


DEVICE_CONSENT: Final = allow("device-consent", "R-230", _DEVICE)
PLATFORM_NAMED: Final = allow("platform-named", "R-321", gdpr("6(1)(a)"))
PLATFORM_NOT_NAMED: Final = need(
    "platform-not-named", "R-321", gdpr("6(1)(a)"), missing="a consent that names the platform"
)
INBOX_IS_MAIL: Final = allow("inbox-is-mail", "R-320", ecsa("200(1)"))

_ALLOWS: Final[Mapping[Citation, Reason]] = {
    answer.cite: allow("advertising-allows", "M-OA", answer.cite)
    for row in ADVERTISING.values()
    for answer in row.values()
}
_FORBIDS: Final[Mapping[Citation, Reason]] = {
    answer.cite: forbid("advertising-forbids", "M-OA", answer.cite)
    for row in ADVERTISING.values()
    for answer in row.values()
    if answer.conditions is None
}


def may_advertise(case: Case, question: MayAdvertise) -> Decision:
    """Decide whether an advertisement may be shown (table M-OA; R-318, R-320, R-321).

    Raises:
        UnknownPurpose, UnknownName: the register does not declare the purpose, item or platform.
    """
    purpose = case.purpose(question.purpose)
    if question.platform is not None:
        case.register.recipient(question.platform)
    item = case.register.cookie(question.cookie) if question.cookie is not None else None
    cell: str | None = None
    if not purpose.marketing:
        reasons: tuple[Reason, ...] = (PURPOSE_NOT_MARKETING,)
    elif question.kind is AdKind.INBOX:
        mail = may_contact(case, MayContact(channel=Channel.EMAIL, purpose=purpose.id))
        cell, reasons = mail.cell, (INBOX_IS_MAIL, *mail.reasons)
    elif Channel.ONLINE not in purpose.channels:
        reasons = (CHANNEL_NOT_DECLARED,)
    else:
        stop = stop_for(case, Channel.ONLINE, purpose)
        consent = _consent(case, question, purpose, item, stop)
        column = _column(consent, stop)
        answer = ADVERTISING[question.kind][column]
        cell = f"M-OA/{question.kind}/{column}"
        asked = _asked(case, purpose, consent)
        reasons = tuple(_reasons(asked, question, answer))
    return case.decision("may_advertise", reasons, cell=cell)


def _consent(
    case: Case, question: MayAdvertise, purpose: Purpose, item: Cookie | None, stop: Stop | None
) -> ConsentInForce | None:
    """Return the consent this kind rests on, or None where it is not in force or outranked.

    A consent to the purpose weighs the stops that reach it itself, as in the matrix (R-211); one
    that opens the device yields to a stop of the same moment or later.
    """
    if question.kind is AdKind.DEVICE:
        if item is None:
            return None
        if item.purpose != purpose.id:
            opened = valid_consent(case, item.purpose, None)
            outranked = opened is not None and stop is not None and stop.at >= opened.word.at
            return None if outranked else opened
    return valid_consent(case, purpose.id, Channel.ONLINE)


def _column(consent: ConsentInForce | None, stop: Stop | None) -> AdColumn:
    """Return what the person said."""
    if consent is not None:
        return AdColumn.GIVEN
    return AdColumn.NEVER if stop is None else AdColumn.STOPPED


def _asked(case: Case, purpose: Purpose, consent: ConsentInForce | None) -> Asked:
    """Return the question as the rules about persons and conditions read it."""
    return Asked(
        case=case,
        question=MayContact(channel=Channel.ONLINE, purpose=purpose.id),
        channel=Channel.ONLINE,
        purpose=purpose,
        status=case.standing.status,
        row=row_of(case, purpose),
        column=Column.NEVER if consent is None else Column.GIVEN,
        cell=Forbidden(_DEVICE),  # no row of the matrix speaks about this channel
        consent=consent,
        stop=None,
        relevance=None,
        as_member=False,
    )


def _reasons(asked: Asked, question: MayAdvertise, answer: AdAnswer) -> Iterator[Reason]:
    if question.kind is not AdKind.CONTEXTUAL:  # that one knows nobody
        for check in PERSON_CHECKS:
            yield from check(asked)
    if answer.conditions is None:
        yield _FORBIDS[answer.cite]
        return
    consent = asked.consent
    if consent is None:
        yield _ALLOWS[answer.cite]
    else:
        yield _ALLOWS[answer.cite].on(consent.word.position, until=consent.until)
    if question.kind is AdKind.PERSONALISED and consent is None:
        yield from basis_swapped(asked)
    for name in answer.conditions:
        match name:
            case "cookie":  # the column of this row is that very consent
                yield DEVICE_CONSENT
            case "cookie or platform":
                yield _third_party(asked, question)
            case _:
                yield from CONDITIONS[name](asked)


def _third_party(asked: Asked, question: MayAdvertise) -> Reason:
    """A consent names the platform, whose use is its own (R-118, R-321), or opens the device."""
    evidence = asked.consent.word.evidence if asked.consent is not None else None
    if evidence is not None and question.platform in evidence.recipients:
        return PLATFORM_NAMED
    if question.cookie is not None:
        item = asked.case.register.cookie(question.cookie)
        opened = valid_consent(asked.case, item.purpose, None)
        if opened is not None:
            return DEVICE_CONSENT.on(opened.word.position, until=opened.until)
    return PLATFORM_NOT_NAMED
