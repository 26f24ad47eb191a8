"""What data is held and what for: purposes, fields, storage periods, assessments.

A purpose carries one basis, the fields it needs and how long they are kept. Leaves out whether the
basis fits (R-101 to R-119): a purpose without basis can be declared and is found by the checks.
Always true: ids are declared names, and every period has a start, a length and a reason.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import final

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
    up_to,
)
from gdprkit.words.identifiers import FieldId, PurposeId, RecipientId
from gdprkit.words.moments import Period
from gdprkit.words.vocabulary import (
    Channel,
    DataTag,
    FieldKind,
    FilingSystem,
    IdentityCodeGround,
    LegalBasis,
    PurposeKind,
    SpecialGround,
    SubjectKind,
    Trigger,
)

__all__ = [
    "AfterRetention",
    "Assessment",
    "Compatibility",
    "DataField",
    "Purpose",
    "RetentionRule",
]

_PAD_LIMIT = 2**16  # bytes; what sealing takes at most


@final
@attrs.frozen(kw_only=True)
class Assessment:
    """A legitimate-interest assessment (GDPR Art. 6(1)(f); R-105).

    Args:
        reference: Where the document lies.
        decided: The day it was concluded.
        review_by: The last day it may be relied on without a new look.
        passed: Whether interest, necessity and balance all held.
        covers_former: Whether it also weighed people whose connection has ended (R-403 T2).
        author: Staff role, never a name.

    Raises:
        InvalidValue: the review lies before the decision, or a text is empty.
    """

    reference: str = attrs.field(validator=text())
    decided: date
    review_by: date = attrs.field()
    passed: bool
    covers_former: bool = False
    author: str | None = attrs.field(default=None, validator=text_or_none(200))

    @review_by.validator
    def _not_before_decision(self, _: object, value: date) -> None:
        if value < self.decided:
            raise InvalidValue("review_by", "lies before decided", "give a later day")


@final
@attrs.frozen(kw_only=True)
class Compatibility:
    """An assessment of further processing by the five factors (GDPR Art. 6(4); R-113).

    Args:
        reference: Where the document lies.
        decided: The day it was concluded.
        compatible: Its conclusion.
    """

    reference: str = attrs.field(validator=text())
    decided: date
    compatible: bool


class AfterRetention(StrEnum):
    """What happens to a value when its period has ended."""

    ERASE = "erase"
    MOVE = "move"  # into the direct-marketing register, if every guard holds
    ARCHIVE = "archive"  # to the duty or claim that still needs it
    ANONYMISE = "anonymise"


@final
@attrs.frozen(kw_only=True)
class RetentionRule:
    """How long the fields of a purpose are kept (GDPR Art. 5(1)(e), 13(2)(a), 30(1)(f); R-715).

    Args:
        keep: Length of the period, counted in whole days to the end of the last one.
        after: What it counts from.
        then: What follows.
        because: The ground of the length: a section of a law, or the reason of a chosen number.
    """

    keep: Period
    after: Trigger
    then: AfterRetention = AfterRetention.ERASE
    because: str = attrs.field(validator=text(1000))


@final
@attrs.frozen(kw_only=True)
class Purpose:
    """A specified purpose (GDPR Art. 5(1)(b)) and what it needs.

    Args:
        id: Declared name.
        label: What people call it, in words of a notice.
        basis: Its one legal basis (R-101); None while undecided.
        interest: The legitimate interest pursued (Art. 13(1)(d)).
        assessment: The assessment of that interest.
        statute: Law and section, for a legal obligation or public task.
        subjects: Kinds of people concerned; empty means nobody yet.
        fields: Declared fields it needs.
        recipients: Declared recipients it discloses to.
        retention: How long it keeps them; None while undecided.
        filing: Where its values lie (R-405).
        marketing: Whether it is direct marketing or profiling for it (R-301, R-318).
        channels: Ways it reaches people.
        topics: Topics of its offers, for the question whether they relate to duties (R-307).
        opt_out: Whether every message offers an easy, free opt-out (R-303 e, R-309).
        identified: Whether every message is recognisable as marketing and names the sender.
        own_products: Whether it offers the controller's own and similar products only (R-303 c);
            None while nobody has looked.
        product_groups: Groups of products it offers; empty means they are not told apart.
        double_opt_in: Whether a consent counts from a confirmation only (R-216).
        written_confirmation: Whether a contract sold by telephone to a consumer waits for a
            written offer and its written acceptance (R-310).
        compatibility: The assessment where data was collected for another purpose.
        basis_label: What the controller calls the basis where that is none of the GDPR's, such as
            "substantive connection" (R-104).
        kinds: What it does that no contract needs (R-103).
        special_ground: The exception of Art. 9(2) that opens special categories (R-109).
        offences_law: The law that opens data on offences (Art. 10; R-110).
        identity_code_ground: The ground for using a personal identity code (DPA-FI s. 29; R-111).
        offered_to_children: Whether it is a service of the information society offered directly to
            children; then the age of Art. 8 decides whose consent counts (R-112).
        automated_decisions: Whether it decides about people by machine alone, with legal or
            similarly significant effect (Art. 22(1); R-509).
        published: The controller's own words.
        findings: Ids of findings about those words.

    Raises:
        InvalidValue: a part has the wrong shape.

    Source: GDPR Art. 5(1)(b)-(c), 6(1), 13(1)(c)-(e), 30(1)(b)-(f); R-101 to R-118.
    """

    id: PurposeId = attrs.field(validator=name)
    label: str = attrs.field(validator=text())
    basis: LegalBasis | None = None
    interest: str | None = attrs.field(default=None, validator=text_or_none())
    assessment: Assessment | None = None
    statute: str | None = attrs.field(default=None, validator=text_or_none())
    subjects: frozenset[SubjectKind] = attrs.field(factory=frozenset, converter=frozen)
    fields: frozenset[FieldId] = attrs.field(factory=frozenset, converter=frozen, validator=names)
    recipients: frozenset[RecipientId] = attrs.field(
        factory=frozenset, converter=frozen, validator=names
    )
    retention: RetentionRule | None = None
    filing: FilingSystem = FilingSystem.CUSTOMER
    marketing: bool = False
    channels: frozenset[Channel] = attrs.field(factory=frozenset, converter=frozen)
    topics: frozenset[str] = attrs.field(factory=frozenset, converter=frozen, validator=names)
    opt_out: bool = False
    identified: bool = False
    own_products: bool | None = None
    product_groups: frozenset[str] = attrs.field(
        factory=frozenset, converter=frozen, validator=names
    )
    double_opt_in: bool = False
    written_confirmation: bool = False
    compatibility: Compatibility | None = None
    basis_label: str | None = attrs.field(default=None, validator=text_or_none(200))
    kinds: frozenset[PurposeKind] = attrs.field(factory=frozenset, converter=frozen)
    special_ground: SpecialGround | None = None
    offences_law: str | None = attrs.field(default=None, validator=text_or_none())
    identity_code_ground: IdentityCodeGround | None = None
    offered_to_children: bool = False
    automated_decisions: bool = False
    published: str | None = published_field()
    findings: tuple[str, ...] = findings_field()


@final
@attrs.frozen(kw_only=True)
class DataField:
    """One kind of value about a person (GDPR Art. 4(1), 30(1)(c)).

    Args:
        id: Declared name.
        label: What people call it.
        kind: What it holds; the whitelist of the marketing register goes by it (R-404).
        category: The category under which a notice and the record of processing list it.
        tags: Marks that close doors whatever the kind (R-109 to R-112, R-119).
        subjects: Kinds of people it is held about.
        lookup: Whether it is a contact point by which a person is found; its index is keyed.
        pad: Block in bytes that hides how long sealed values are: where a field holds one of a few
            words, their length would tell which. 0 leaves the length visible.
        not_personal_because: For an identifier of a device or of the internet: where the assessment
            lies that this holder cannot identify anybody with it (R-236).
        published: The controller's own words.
        findings: Ids of findings about those words.
    """

    id: FieldId = attrs.field(validator=name)
    label: str = attrs.field(validator=text(200))
    kind: FieldKind
    category: str = attrs.field(validator=name)
    tags: frozenset[DataTag] = attrs.field(factory=frozenset, converter=frozen)
    subjects: frozenset[SubjectKind] = attrs.field(factory=frozenset, converter=frozen)
    lookup: bool = False
    pad: int = attrs.field(default=0, validator=up_to(_PAD_LIMIT))
    not_personal_because: str | None = attrs.field(default=None, validator=text_or_none())
    published: str | None = published_field()
    findings: tuple[str, ...] = findings_field()
