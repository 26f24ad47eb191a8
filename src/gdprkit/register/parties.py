"""Who is involved: controller, recipients, sources, flows to third countries, ways to write in.

Holds what the controller declares about them. Leaves out whether it is lawful: a recipient without
a name or a transfer without a mechanism can be declared, because a register that cannot say what
is missing hides it. Always true: ids are declared names, country codes have two capitals.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Any, final
from zoneinfo import ZoneInfo, available_timezones

import attrs

from gdprkit.errors import InvalidValue, did_you_mean
from gdprkit.register._shape import (
    country,
    findings_field,
    frozen,
    name,
    name_or_none,
    names,
    published_field,
    text,
    text_or_none,
    texts,
)
from gdprkit.words.identifiers import FieldId, PurposeId, RecipientId, SourceId
from gdprkit.words.vocabulary import IntakeChannel, LegalBasis, RecipientRole, SourceKind

__all__ = [
    "ContractItem",
    "Controller",
    "Fallback",
    "Recipient",
    "RequestChannel",
    "Source",
    "Transfer",
    "TransferMechanism",
    "TransferStatus",
]

_HOLIDAYS = re.compile(r"(?:NONE|FI\+eves|[A-Z]{2})\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?\Z")


def _zone(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    try:
        ZoneInfo(str(value))
    except (LookupError, ValueError, OSError):
        close = did_you_mean(str(value), available_timezones())
        cure = f'did you mean "{close}"?' if close else 'write one like "Europe/Helsinki"'
        raise InvalidValue(attribute.name, "is no known time zone", cure) from None


def _holidays(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not (isinstance(value, str) and _HOLIDAYS.match(value)):
        cure = 'write "FI", "FI+eves", "NONE" or the code of another country'
        raise InvalidValue(attribute.name, "names no calendar", cure)


def _noted(instance: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    text_or_none()(instance, attribute, value)
    if instance.holidays.endswith("+eves") and value is None:
        raise InvalidValue(
            attribute.name, "is missing", "say why the eves count as holidays, or write FI (R-556)"
        )


def _languages(_instance: object, attribute: attrs.Attribute[Any], values: object) -> None:
    listed = values if isinstance(values, tuple) else ()
    if not listed or not all(isinstance(one, str) and _LANGUAGE.match(one) for one in listed):
        raise InvalidValue(attribute.name, "names no languages", 'list codes like "fi", "en"')


@final
@attrs.frozen(kw_only=True)
class Controller:
    """The controller (GDPR Art. 4(7)), as notices and the record of processing name it.

    Args:
        name: Registered name.
        address: Postal address.
        email: A role mailbox, never a person's own.
        country: Two-letter code of the main establishment.
        business_id: Trade register number.
        phone: Switchboard or service number.
        website: Address of the public site.
        zone: Time zone in which days begin and end.
        holidays: Calendar of public holidays that moves time limits.
        holidays_because: Why the eves count too; a must with "FI+eves" (R-556).
        languages: Languages of the people addressed, the main one first (Art. 12(1)).
        dpo: How to reach the data protection officer (Art. 37(7)).
        no_dpo_reason: Why none is designated (R-710).
        authority: The supervisory authority complaints go to (Art. 13(2)(d), 77).
        device_authority: Who supervises storage on devices, where another body does (R-235).
        published: The controller's own words, where they cannot be taken literally.
        findings: Ids of findings about those words.

    Raises:
        InvalidValue: a part has the wrong shape or the zone is unknown.

    Source: GDPR Art. 13(1)(a)-(b), 30(1)(a); R-701, R-703, R-710.
    """

    name: str = attrs.field(validator=text(200))
    address: str = attrs.field(validator=text())
    email: str = attrs.field(validator=text(254))
    country: str = attrs.field(default="FI", validator=[country, text(2)])
    business_id: str | None = attrs.field(default=None, validator=text_or_none(40))
    phone: str | None = attrs.field(default=None, validator=text_or_none(40))
    website: str | None = attrs.field(default=None, validator=text_or_none())
    zone: str = attrs.field(default="Europe/Helsinki", validator=_zone)
    holidays: str = attrs.field(default="FI", validator=_holidays)
    holidays_because: str | None = attrs.field(default=None, validator=_noted)
    languages: tuple[str, ...] = attrs.field(default=("fi",), converter=tuple, validator=_languages)
    dpo: str | None = attrs.field(default=None, validator=text_or_none())
    no_dpo_reason: str | None = attrs.field(default=None, validator=text_or_none())
    authority: str | None = attrs.field(default=None, validator=text_or_none())
    device_authority: str | None = attrs.field(default=None, validator=text_or_none())
    published: str | None = published_field()
    findings: tuple[str, ...] = findings_field()


class ContractItem(StrEnum):
    """What a contract with a processor holds (GDPR Art. 28(3); R-705)."""

    SUBJECT_MATTER = "subject-matter"  # with duration, nature, purpose, data and people
    INSTRUCTIONS = "instructions"  # documented, also for transfers
    CONFIDENTIALITY = "confidentiality"
    SECURITY = "security"
    SUB_PROCESSORS = "sub-processors"  # authorised, under the same duties
    RIGHTS = "rights"  # help with requests
    ASSISTANCE = "assistance"  # help with Art. 32 to 36
    END = "end"  # delete or return
    AUDIT = "audit"
    WARNING = "warning"  # of unlawful instructions


@final
@attrs.frozen(kw_only=True)
class Recipient:
    """Somebody data is disclosed to (GDPR Art. 4(9)), processors included.

    Args:
        id: Declared name.
        label: What people call it.
        role: Processor, controller in its own right, or joint controller.
        name: Legal name; None while unknown, and then nobody can be told who it is (R-501).
        country: Where it is established; None while unknown.
        contract: Reference of the processor contract (Art. 28(3)) or arrangement (Art. 26).
        holds: Which parts of Art. 28(3) the contract with a processor holds.
        essence_published: People are told the essence of an arrangement (Art. 26(2)).
        own_basis: The legal basis of a controller in its own right; None while unknown.
        published: The controller's own words.
        findings: Ids of findings about those words.

    Source: GDPR Art. 13(1)(e), 28, 30(1)(d); R-118, R-705, R-706.
    """

    id: RecipientId = attrs.field(validator=name)
    label: str = attrs.field(validator=text(200))
    role: RecipientRole
    name: str | None = attrs.field(default=None, validator=text_or_none(200))
    country: str | None = attrs.field(default=None, validator=country)
    contract: str | None = attrs.field(default=None, validator=text_or_none())
    holds: frozenset[ContractItem] = attrs.field(factory=frozenset, converter=frozen)
    essence_published: bool = False
    own_basis: LegalBasis | None = None
    published: str | None = published_field()
    findings: tuple[str, ...] = findings_field()


class TransferMechanism(StrEnum):
    """What carries a flow to a third country (GDPR Chapter V; R-712)."""

    ADEQUACY = "adequacy"  # Art. 45
    STANDARD_CLAUSES = "standard-clauses"  # Art. 46(2)(c)
    BCR = "bcr"  # binding corporate rules, Art. 47
    DEROGATION = "derogation"  # Art. 49, occasional flows only


class TransferStatus(StrEnum):
    """Whether everything that a flow needs is known (R-711, R-713)."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"


def _module(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and value not in range(1, 5):
        raise InvalidValue(attribute.name, "is no module", "write 1, 2, 3 or 4")


@final
@attrs.frozen(kw_only=True)
class Fallback:
    """What carries a flow when its first mechanism falls, signed beforehand (R-712).

    Args:
        mechanism: What carries the flow then.
        evidence: Where the proof lies.
        review_by: The last day the evidence may be relied on without a new look.
        module: For standard clauses: the module, 1 to 4.
        assessment: Where the assessment of the transfer's impact lies.
        assessment_passed: Whether that assessment found the protection essentially equivalent,
            with the measures taken; None while nobody has concluded it.
    """

    mechanism: TransferMechanism
    evidence: str = attrs.field(validator=text())
    review_by: date | None = None
    module: int | None = attrs.field(default=None, validator=_module)
    assessment: str | None = attrs.field(default=None, validator=text_or_none())
    assessment_passed: bool | None = None


@final
@attrs.frozen(kw_only=True)
class Transfer:
    """A flow of personal data to a third country (GDPR Chapter V only), remote access included.

    Args:
        id: Declared name.
        country: Two-letter code of the third country, also where data is only read from there.
        recipient: The declared recipient it goes to, where one is declared.
        importer: Legal name of the importer; None while unknown.
        mechanism: What carries the flow; None while unknown.
        evidence: Where the proof lies, for instance the listing checked or the contract signed.
        fields: Declared fields that flow.
        purposes: Purposes they flow for.
        onward: Names of those the importer passes data on to.
        starts: First day of the flow; None where it runs already.
        review_by: The last day the evidence may be relied on without a new look.
        listing_checked: For adequacy by a list: the day somebody looked the importer up.
        listed_until: For adequacy by a list: the last day of the importer's listing; None while
            nobody has checked.
        listing_covers: For adequacy by a list: whether the listing covers this kind of data, of
            staff or of others; None while nobody has checked.
        module: For standard clauses: the module, 1 to 4.
        assessment: Where the assessment of the transfer's impact lies.
        assessment_passed: Whether that assessment found the protection essentially equivalent,
            with the measures taken; None while nobody has concluded it.
        measures: Supplementary measures taken, such as encryption with keys kept here.
        fallback: What carries the flow when the first mechanism falls.
        occasional: The flow is occasional, as Art. 49 asks.
        on_consent: The derogation is the person's explicit consent (Art. 49(1)(a)).
        published: The controller's own words.
        findings: Ids of findings about those words.

    Source: GDPR Art. 13(1)(f), 30(1)(e), 44-49; R-711 to R-714.
    """

    id: str = attrs.field(validator=name)
    country: str = attrs.field(validator=[country, text(2)])
    recipient: RecipientId | None = attrs.field(default=None, validator=name_or_none)
    importer: str | None = attrs.field(default=None, validator=text_or_none(200))
    mechanism: TransferMechanism | None = None
    evidence: str | None = attrs.field(default=None, validator=text_or_none())
    fields: frozenset[FieldId] = attrs.field(factory=frozenset, converter=frozen, validator=names)
    purposes: frozenset[PurposeId] = attrs.field(
        factory=frozenset, converter=frozen, validator=names
    )
    onward: tuple[str, ...] = attrs.field(default=(), converter=tuple, validator=texts)
    starts: date | None = None
    review_by: date | None = None
    listing_checked: date | None = None
    listed_until: date | None = None
    listing_covers: bool | None = None
    module: int | None = attrs.field(default=None, validator=_module)
    assessment: str | None = attrs.field(default=None, validator=text_or_none())
    assessment_passed: bool | None = None
    measures: str | None = attrs.field(default=None, validator=text_or_none(1000))
    fallback: Fallback | None = None
    occasional: bool = False
    on_consent: bool = False
    published: str | None = published_field()
    findings: tuple[str, ...] = findings_field()

    @property
    def missing(self) -> tuple[str, ...]:
        """Which of importer, mechanism and evidence are unknown (R-711)."""
        return tuple(
            part for part in ("importer", "mechanism", "evidence") if getattr(self, part) is None
        )

    @property
    def status(self) -> TransferStatus:
        """COMPLETE when importer, mechanism and evidence are known; whether that suffices in law,
        and on which day, is asked elsewhere.
        """
        return TransferStatus.INCOMPLETE if self.missing else TransferStatus.COMPLETE


@final
@attrs.frozen(kw_only=True)
class Source:
    """Where personal data comes from (GDPR Art. 14(2)(f), 15(1)(g); R-314).

    Args:
        id: Declared name.
        label: What people call it.
        kind: Which kind of source.
        public: Whether it is publicly accessible.
        fields: Declared fields that come from it.
        limits: What the data may be used for, where the source's own law says so.
        evidence: Where the proof of a bought or borrowed list's lawful source lies (R-319).
        published: The controller's own words.
        findings: Ids of findings about those words.
    """

    id: SourceId = attrs.field(validator=name)
    label: str = attrs.field(validator=text(200))
    kind: SourceKind
    public: bool = False
    fields: frozenset[FieldId] = attrs.field(factory=frozenset, converter=frozen, validator=names)
    limits: tuple[str, ...] = attrs.field(default=(), converter=tuple, validator=texts)
    evidence: str | None = attrs.field(default=None, validator=text_or_none())
    published: str | None = published_field()
    findings: tuple[str, ...] = findings_field()


@final
@attrs.frozen(kw_only=True)
class RequestChannel:
    """A way offered to people who want to use a right (GDPR Art. 12(2); R-520).

    Args:
        id: Declared name.
        channel: Which way.
        address: Where to write or call.
        published: The controller's own words.
        findings: Ids of findings about those words.
    """

    id: str = attrs.field(validator=name)
    channel: IntakeChannel
    address: str = attrs.field(validator=text())
    published: str | None = published_field()
    findings: tuple[str, ...] = findings_field()
