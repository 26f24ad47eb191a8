"""Notices given to people: versions and what each of them says (GDPR Art. 12-14; R-703, R-704).

Holds the content as marks, so that a question like "did the notice in force then name the
interest?" has an answer. Leaves out the text itself and whether the content suffices. Always true:
what is not marked was not said.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Any, final

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.register._shape import (
    findings_field,
    frozen,
    name,
    names,
    published_field,
    text,
    text_or_none,
)
from gdprkit.words.identifiers import NoticeId, PurposeId, SourceId
from gdprkit.words.vocabulary import NoticeKind

__all__ = ["Notice", "NoticeItem", "Statement"]

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?\Z")


class NoticeItem(StrEnum):
    """What a notice has to say (GDPR Art. 13(1)-(2), 14(1)-(2); R-703)."""

    CONTROLLER = "controller"  # 13(1)(a)
    DPO = "dpo"  # 13(1)(b)
    PURPOSES = "purposes"  # 13(1)(c), each with
    BASES = "bases"  # its legal basis
    INTERESTS = "interests"  # 13(1)(d)
    RECIPIENTS = "recipients"  # 13(1)(e)
    TRANSFERS = "transfers"  # 13(1)(f), with safeguards and how to get a copy
    PERIODS = "periods"  # 13(2)(a)
    RIGHTS = "rights"  # 13(2)(b)
    WITHDRAWAL = "withdrawal"  # 13(2)(c)
    COMPLAINT = "complaint"  # 13(2)(d)
    DUTY_TO_PROVIDE = "duty-to-provide"  # 13(2)(e)
    AUTOMATED_DECISIONS = "automated-decisions"  # 13(2)(f)
    DATA_CATEGORIES = "data-categories"  # 14(1)(d)
    SOURCE = "source"  # 14(2)(f)


def _sha256(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not (isinstance(value, str) and _SHA256.match(value)):
        raise InvalidValue(attribute.name, "is no SHA-256", "write 64 lower-case hex digits")


def _language(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not (isinstance(value, str) and _LANGUAGE.match(value)):
        raise InvalidValue(attribute.name, "is no language code", 'write one like "fi"')


@final
@attrs.frozen(kw_only=True)
class Notice:
    """One version of a notice in one language.

    Args:
        id: Declared name of the version.
        kind: From the person (Art. 13), from elsewhere (Art. 14), or of a new purpose.
        language: Code of the language it is written in.
        published: First day it was in force.
        superseded: First day it no longer was; None while in force.
        sha256: Digest of the exact text shown, hexadecimal; None when the text was not kept.
        names_marketing: Direct marketing is named as a purpose.
        names_interest: The legitimate interest pursued is named (Art. 13(1)(d); R-106).
        names_right_to_object: The right to object to marketing is told explicitly and apart from
            other information (Art. 21(4)).
        names_recipients: Recipients, or their categories, are named (Art. 13(1)(e)).
        purposes: Declared purposes it speaks of.
        sources: Declared sources it names (Art. 14(2)(f)).
        items: Which of the items of Art. 13 and 14 it holds in full.
        renews: Purposes that changed so much with it that an older consent to them no longer
            covers what is done (R-214).
        text: Where the text lies.
        findings: Ids of findings about it.

    Raises:
        InvalidValue: a part has the wrong shape or the notice ends before it begins.
    """

    id: NoticeId = attrs.field(validator=name)
    kind: NoticeKind
    language: str = attrs.field(validator=_language)
    published: date
    superseded: date | None = attrs.field(default=None)
    sha256: str | None = attrs.field(default=None, validator=_sha256)
    names_marketing: bool = False
    names_interest: bool = False
    names_right_to_object: bool = False
    names_recipients: bool = False
    purposes: frozenset[PurposeId] = attrs.field(
        factory=frozenset, converter=frozen, validator=names
    )
    sources: frozenset[SourceId] = attrs.field(factory=frozenset, converter=frozen, validator=names)
    items: frozenset[NoticeItem] = attrs.field(factory=frozenset, converter=frozen)
    renews: frozenset[PurposeId] = attrs.field(factory=frozenset, converter=frozen, validator=names)
    text: str | None = attrs.field(default=None, validator=text_or_none())
    findings: tuple[str, ...] = findings_field()

    @superseded.validator
    def _not_before_published(self, _: object, value: date | None) -> None:
        if value is not None and value < self.published:
            raise InvalidValue("superseded", "lies before published", "give a later day")


@final
@attrs.frozen(kw_only=True)
class Statement:
    """Something a policy says that is none of the other entries, for instance on security.

    Args:
        id: Declared name.
        says: What holds, in plain words.
        published: The controller's own words.
        findings: Ids of findings about those words.
    """

    id: str = attrs.field(validator=name)
    says: str = attrs.field(validator=text(1000))
    published: str | None = published_field()
    findings: tuple[str, ...] = findings_field()
