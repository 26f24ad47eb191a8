"""Rows of contacts as values, and what a row records about a new person.

Decides what is wrong with a row under this register, and the acts it brings. Leaves out files
(``gdprkit.interop`` reads them) and who is known already (``gdprkit.keeper.importing``). Always
true: what a row does not say is taken the way that allows less; a consent without its evidence
brings no consent, and one that was only implied is history that never counts (R-203).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from enum import StrEnum
from typing import Final, final

import attrs

from gdprkit.acts import connection, consent, data, marketing
from gdprkit.acts.act import Act
from gdprkit.errors import GdprkitError
from gdprkit.facts.consent import ConsentEvidence
from gdprkit.keeper.values import NewPerson
from gdprkit.register.register import Register
from gdprkit.sealing.errors import Unindexable
from gdprkit.sealing.normalise import normalise
from gdprkit.words.identifiers import NoticeId
from gdprkit.words.personal import Personal
from gdprkit.words.vocabulary import (
    Circumstance,
    ConsentMethod,
    EndCause,
    FieldKind,
    SubjectKind,
)

__all__ = [
    "ConsentClaim",
    "ContactRow",
    "MarketingChoice",
    "RejectedRow",
    "RelevanceFinding",
    "consent_left_out",
    "new_person",
    "row_end",
    "row_left_out",
    "row_problem",
    "row_stop",
    "same_value",
]

#: Kinds that people are found by; a value without that form could be neither found nor stopped.
_CONTACT_FORMS: Final = {FieldKind.EMAIL: "email-v1", FieldKind.PHONE: "e164-v1"}

#: A pointer for consents that use of the site was once taken for; kept as history only.
_BY_USE: Final = "by using our website, you hereby consent"


class MarketingChoice(StrEnum):
    """What the file says the person chose about marketing."""

    NONE = "none"
    CONSENT = "consent"
    OBJECTED = "objected"
    WITHDRAWN = "withdrawn"
    IMPLIED = "implied"  # somebody took use or silence for a consent


class RelevanceFinding(StrEnum):
    """What was found about a company contact's duties (R-307)."""

    RELATED = "related"
    UNRELATED = "unrelated"
    THIN = "thin"  # a title is all there is


@final
@attrs.frozen(kw_only=True)
class ConsentClaim:
    """What the file gives as evidence of a consent; a missing part leaves the consent out.

    Args:
        purpose: The declared purpose.
        method: How it was expressed.
        notice: The notice shown.
        text_sha256: Hash of the exact text shown.
        wording: The words of the choice.
        captured_by: Form or page.
        proof: Pointer to a proof, for instance a mail id.
        default_off, separate, withdrawal_told, conditional: As ``ConsentEvidence`` has them; what
            the file does not say is taken the way that makes no consent valid.
    """

    purpose: str | None = None
    method: ConsentMethod | None = None
    notice: str | None = None
    text_sha256: str | None = None
    wording: str | None = None
    captured_by: str | None = None
    proof: str | None = None
    default_off: bool = False
    separate: bool = False
    withdrawal_told: bool = False
    conditional: bool = True


@final
@attrs.frozen(kw_only=True)
class ContactRow:
    """One readable row.

    Civil days count from their start in the controller's zone, so that a stop is never postponed.

    Args:
        line: First line of the row in the file, counted from 1.
        kind: Whose data.
        fields: Declared field -> value.
        source: The declared source.
        collected: The day the data was collected.
        notice: The notice shown then.
        later_notice, later_notice_on: A further notice and its day.
        contract: The controller's pointer to the relation.
        started, ended, end_cause, end_evidence: The substantive connection.
        relevance, relevance_evidence: The finding about a contact's duties.
        sale_of: Product group of the sale the contact details came from (R-303), if refusal was
            offered and told.
        circumstances: What closes or opens doors.
        choice, choice_on: The marketing choice and its day.
        claim: The evidence of a consent.
    """

    line: int
    kind: SubjectKind
    fields: Mapping[str, Personal[str]] = attrs.field(repr=False)
    source: str
    collected: date
    notice: str | None = None
    later_notice: str | None = None
    later_notice_on: date | None = None
    contract: str | None = None
    started: date | None = None
    ended: date | None = None
    end_cause: EndCause | None = None
    end_evidence: str | None = None
    relevance: RelevanceFinding | None = None
    relevance_evidence: str | None = None
    sale_of: str | None = None
    circumstances: tuple[Circumstance, ...] = ()
    choice: MarketingChoice = MarketingChoice.NONE
    choice_on: date | None = None
    claim: ConsentClaim = ConsentClaim()


@final
@attrs.frozen(kw_only=True)
class RejectedRow:
    """A row that cannot be taken: its line, why as a stable word, and the column."""

    line: int
    code: str
    column: str | None = None


# --- from a row to what is recorded --------------------------------------------------------------


def row_problem(register: Register, row: ContactRow, now: datetime) -> RejectedRow | None:
    """Return why the register cannot take a row, or None."""
    try:
        register.source(row.source)
    except GdprkitError:
        return RejectedRow(line=row.line, code="source-not-declared", column="source")
    notices = (("notice", row.notice), ("later_notice", row.later_notice))
    for column, notice in notices:
        if notice is not None and notice not in register.notices:
            return RejectedRow(line=row.line, code="notice-not-declared", column=column)
    for field, value in row.fields.items():
        if field not in register.fields:
            return RejectedRow(line=row.line, code="field-not-declared", column=field)
        form = _CONTACT_FORMS.get(register.field(field).kind)
        if form is not None and not _readable(form, value):
            return RejectedRow(line=row.line, code="contact-point-unreadable", column=field)
    days = (
        ("collected", row.collected),
        ("later_notice_on", row.later_notice_on),
        ("started", row.started),
        ("marketing_on", row.choice_on),
    )
    for column, day in days:
        if day is not None and _start(register, day) > now:
            return RejectedRow(line=row.line, code="date-in-the-future", column=column)
    return None


def _readable(form: str, value: Personal[str]) -> bool:
    try:
        normalise(form, value.reveal())
    except Unindexable:
        return False
    return True


def same_value(
    register: Register, field: str, held: Personal[str] | None, given: Personal[str]
) -> bool:
    """Whether two values say the same: contact points by their normal form, others by letter."""
    form = _CONTACT_FORMS.get(register.field(field).kind)
    if held is None or form is None:
        return held == given
    return normalise(form, held.reveal()) == normalise(form, given.reveal())


def _start(register: Register, day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=register.zone)


def new_person(register: Register, row: ContactRow, now: datetime) -> NewPerson:
    """Return the person a row adds, with every act in order of its moment.

    Raises:
        InvalidValue: a word of the controller has no shape that can be stored.
    """
    at = _start(register, row.collected)
    acts = sorted(_acts(register, row, now), key=lambda act: act.at or now)
    return NewPerson(
        kind=row.kind,
        fields=row.fields,
        source=row.source,
        notice=row.notice,
        at=at,
        acts=tuple(acts),
    )


def _acts(register: Register, row: ContactRow, now: datetime) -> Iterator[Act]:
    collected = _start(register, row.collected)
    for circumstance in row.circumstances:
        yield data.note(circumstance, at=now)
    if row.later_notice is not None:
        day = row.later_notice_on or row.collected
        yield data.give_notice(row.later_notice, at=_start(register, day))
    if row.started is not None:
        reference = row.contract or f"line-{row.line}"
        yield connection.start(reference=reference, at=_start(register, row.started))
    end = row_end(register, row, now)
    if end is not None:
        yield end
    if row.relevance is not None:
        yield marketing.assess_relevance(
            topics=_topics(register),
            related=row.relevance is not RelevanceFinding.UNRELATED,
            thin=row.relevance is RelevanceFinding.THIN,
            evidence=row.relevance_evidence or "import",
            decided_by="import",
            at=collected,
        )
    if row.sale_of is not None:
        yield marketing.obtain_at_sale(
            channels=("email",),
            product_group=row.sale_of,
            refusal_offered=True,
            option_told=True,
            at=_start(register, row.started or row.collected),
        )
    stop = row_stop(row, now, register)
    if stop is not None:
        yield stop
    if consent_left_out(register, row) is None:
        yield from _consent(register, row)


def row_end(register: Register, row: ContactRow, now: datetime) -> Act | None:
    """Return the end of the connection a row brings, or None where there is none or it is to come.

    An end is recorded when its day has come: until then the connection lives.
    """
    if row.ended is None or row.end_cause is None or _start(register, row.ended) > now:
        return None
    return connection.end(
        on=row.ended,
        cause=row.end_cause,
        evidence=row.end_evidence,
        at=_start(register, row.ended),
    )


def row_left_out(register: Register, row: ContactRow, now: datetime) -> RejectedRow | None:
    """Return what of a row that is added is not recorded, and why; None where nothing is."""
    code = consent_left_out(register, row)
    if code is not None:
        return RejectedRow(line=row.line, code=code, column="marketing")
    if row.ended is not None and row_end(register, row, now) is None:
        return RejectedRow(line=row.line, code="end-has-not-come", column="ended")
    return None


def _topics(register: Register) -> Iterable[str]:
    declared = register.marketing_register
    return register.purpose(declared.purpose).topics if declared is not None else ()


def row_stop(row: ContactRow, now: datetime, register: Register) -> Act | None:
    """Return the stop a row brings; without a day it counts from now."""
    at = _start(register, row.choice_on) if row.choice_on is not None else now
    if row.choice is MarketingChoice.OBJECTED:
        return marketing.object_to(via="import", at=at)
    if row.choice is MarketingChoice.WITHDRAWN:
        return consent.withdraw(via="import", at=at)
    return None


def consent_left_out(register: Register, row: ContactRow) -> str | None:
    """Return why a row's consent is not recorded, or None."""
    if row.choice not in (MarketingChoice.CONSENT, MarketingChoice.IMPLIED):
        return None
    claim = row.claim
    if claim.purpose is not None and claim.purpose not in register.purposes:
        return "consent-purpose-not-declared"
    notice = claim.notice or (row.notice if row.choice is MarketingChoice.IMPLIED else None)
    if notice is not None and notice not in register.notices:
        return "consent-notice-not-declared"
    needed: tuple[object, ...] = (claim.purpose, notice, row.choice_on)
    if row.choice is MarketingChoice.CONSENT:
        needed += (claim.method, claim.text_sha256, claim.wording, claim.captured_by)
    return "consent-evidence-missing" if None in needed else None


def _consent(register: Register, row: ContactRow) -> Iterator[Act]:
    claim = row.claim
    implied = row.choice is MarketingChoice.IMPLIED
    if row.choice not in (MarketingChoice.CONSENT, MarketingChoice.IMPLIED):
        return
    notice = NoticeId(claim.notice or row.notice or "")
    evidence = ConsentEvidence(
        notice=notice,
        notice_sha256=claim.text_sha256 or register.notices[notice].sha256 or "",
        language=register.notices[notice].language,
        wording=claim.wording or _BY_USE,
        method=ConsentMethod.IMPLIED_BY_USE if implied else claim.method or ConsentMethod.SILENCE,
        captured_by=claim.captured_by or "import",
        default_off=claim.default_off and not implied,
        separate=claim.separate and not implied,
        withdrawal_told=claim.withdrawal_told and not implied,
        conditional_on_service=claim.conditional or implied,
        proof=(claim.proof,) if claim.proof is not None else (),
    )
    day = row.choice_on or row.collected
    yield consent.give(claim.purpose or "", evidence=evidence, at=_start(register, day))
