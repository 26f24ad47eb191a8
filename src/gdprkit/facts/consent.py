"""Consent given, refused and withdrawn, with the evidence that proves it (GDPR Art. 7(1)).

A consent fact says what happened, valid or not: consent implied by use is recorded as history and
never counts (R-203). Whether a consent is valid is the policy's question.
"""

from __future__ import annotations

from typing import final

import attrs

from gdprkit.errors import EvidenceMissing, InvalidValue
from gdprkit.facts._shape import (
    at_most,
    frozen,
    language,
    name,
    name_or_none,
    ordered,
    pointer,
    sha256_hex,
)
from gdprkit.words.identifiers import FieldId, NoticeId, PurposeId, RecipientId
from gdprkit.words.vocabulary import Actor, Channel, ConsentMethod, IntakeChannel

__all__ = [
    "ConsentConfirmed",
    "ConsentEvidence",
    "ConsentGiven",
    "ConsentRefused",
    "ConsentRequested",
    "ConsentWithdrawn",
]


@final
@attrs.frozen(kw_only=True)
class ConsentEvidence:
    """What proves a consent: the minimum of R-205 that the entry itself does not hold.

    Subject, moment, controller and purpose stand in the entry and the register.

    Args:
        notice: The notice version shown.
        notice_sha256: Hash of the exact rendered text, hexadecimal.
        language: Language of that text.
        wording: The exact words of the choice.
        method: How the person expressed it.
        captured_by: Web form, page or staff id; never a name.
        actor: Who acted.
        default_off: The choice was off until the person made it.
        separate: The choice stood apart from other declarations (Art. 7(2)).
        withdrawal_told: The person was told how to withdraw, before consenting (Art. 7(3)).
        conditional_on_service: A service was made to depend on it (Art. 7(4)).
        necessary_for_service: The service does need the data.
        explicit: Expressly stated, as Art. 9, 22 and 49 ask (R-217).
        proof: Pointers to proof, for instance a mail or token id.
        transfer_risks_told: Risks of a third-country transfer were told, where there are any.
        bundled: One act was to answer for several purposes (R-204).
        data: Categories or fields named to the person, by declared name.
        recipients: Recipients named to the person, by declared name.
        power_unequal: Power was unequal, as with an employer (recital 43; R-207).
        freely_given: Pointer to a person's review that it was free all the same.
        age_confirmed: The age the person was confirmed to have reached, in whole years: the band a
            form asks for, never a birth date (Art. 8; R-112).
        register: SHA-256 of the register then in force; filled in by the keeper. Who keeps the
            texts of their registers can show what the purpose meant (R-214).

    Source: GDPR Art. 7(1), recital 42; R-205.
    """

    notice: NoticeId = attrs.field(validator=name)
    notice_sha256: str = attrs.field(validator=sha256_hex)
    language: str = attrs.field(validator=language)
    wording: str = attrs.field(validator=at_most(2000))
    method: ConsentMethod = attrs.field(converter=ConsentMethod)
    captured_by: str = attrs.field(validator=pointer(200))
    actor: Actor = attrs.field(default=Actor.SUBJECT, converter=Actor)
    default_off: bool
    separate: bool
    withdrawal_told: bool
    conditional_on_service: bool
    necessary_for_service: bool = False
    explicit: bool = False
    proof: tuple[str, ...] = attrs.field(
        default=(), converter=ordered, validator=attrs.validators.deep_iterable(pointer(200))
    )
    transfer_risks_told: bool = False
    bundled: bool = False
    data: frozenset[FieldId] = attrs.field(
        default=frozenset(), converter=frozen, validator=attrs.validators.deep_iterable(name)
    )
    recipients: frozenset[RecipientId] = attrs.field(
        default=frozenset(), converter=frozen, validator=attrs.validators.deep_iterable(name)
    )
    register: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(sha256_hex)
    )
    power_unequal: bool = False
    freely_given: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(pointer(200))
    )
    age_confirmed: int | None = attrs.field(default=None)

    @age_confirmed.validator
    def _is_an_age(self, attribute: attrs.Attribute[int | None], value: object) -> None:
        if value is not None and (type(value) is not int or not 0 <= value <= 120):
            raise InvalidValue(attribute.name, "is no age", "give whole years, such as 13")


@final
@attrs.frozen(kw_only=True)
class ConsentGiven:
    """A person agreed to one purpose, on the named channels.

    Args:
        purpose: One purpose per fact: consent is specific.
        channels: The channels agreed to; empty where the purpose uses none.
        evidence: What proves it.

    Raises:
        EvidenceMissing: *evidence* is absent.

    Source: GDPR Art. 4(11), 7(1); R-201, R-204.
    """

    purpose: PurposeId = attrs.field(validator=name)
    channels: frozenset[Channel] = attrs.field(default=frozenset(), converter=frozen)
    evidence: ConsentEvidence = attrs.field()

    @evidence.validator
    def _is_there(self, _: object, value: object) -> None:
        if not isinstance(value, ConsentEvidence):
            raise EvidenceMissing(
                tuple(f.name for f in attrs.fields(ConsentEvidence) if f.default is attrs.NOTHING)
            )


@final
@attrs.frozen(kw_only=True)
class ConsentRequested:
    """A choice was made on a form and a message asks to confirm it: it is no consent yet (R-216).

    Args:
        purpose: One purpose.
        channels: The channels chosen; empty where the purpose uses none.
        evidence: What proves the choice; with the confirmation it proves the consent.

    Raises:
        EvidenceMissing: *evidence* is absent.
    """

    purpose: PurposeId = attrs.field(validator=name)
    channels: frozenset[Channel] = attrs.field(default=frozenset(), converter=frozen)
    evidence: ConsentEvidence = attrs.field()

    @evidence.validator
    def _is_there(self, _: object, value: object) -> None:
        if not isinstance(value, ConsentEvidence):
            raise EvidenceMissing(
                tuple(f.name for f in attrs.fields(ConsentEvidence) if f.default is attrs.NOTHING)
            )


@final
@attrs.frozen(kw_only=True)
class ConsentConfirmed:
    """The person confirmed the requested consent through the message: it counts from now (R-216).

    Args:
        purpose: The purpose it was requested for.
        proof: Pointer to the confirmation, for instance a token id.
    """

    purpose: PurposeId = attrs.field(validator=name)
    proof: str = attrs.field(validator=pointer(200))


@final
@attrs.frozen(kw_only=True)
class ConsentRefused:
    """A person expressly refused one purpose; no *channels* means every channel (R-211)."""

    purpose: PurposeId = attrs.field(validator=name)
    channels: frozenset[Channel] = attrs.field(default=frozenset(), converter=frozen)
    via: IntakeChannel


@final
@attrs.frozen(kw_only=True)
class ConsentWithdrawn:
    """Consent was withdrawn; it may be recorded with no consent before.

    Args:
        purpose: The purpose, or None where the words leave the scope open: then every marketing
            consent is withdrawn (R-210).
        channels: The channels; empty means every channel.
        via: How the withdrawal reached the controller.
        by: Who withdrew; a third person's word stops marketing all the same.

    Source: GDPR Art. 7(3); R-210.
    """

    purpose: PurposeId | None = attrs.field(default=None, validator=name_or_none)
    channels: frozenset[Channel] = attrs.field(default=frozenset(), converter=frozen)
    via: IntakeChannel
    by: Actor = Actor.SUBJECT
