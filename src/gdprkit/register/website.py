"""What a website keeps: items on people's devices and log files (ECSA s. 205; R-230 to R-238).

Holds the declared items. Leaves out whether an item needs a choice or is exempt in law: the
controller declares what it claims. Always true: every item serves one declared purpose.
"""

from __future__ import annotations

from enum import StrEnum
from typing import final

import attrs

from gdprkit.register._shape import (
    findings_field,
    frozen,
    name,
    name_or_none,
    names,
    published_field,
    text,
    text_or_none,
)
from gdprkit.words.identifiers import FieldId, PurposeId, RecipientId
from gdprkit.words.moments import Period

__all__ = ["Cookie", "LogFile", "Technique"]


class Technique(StrEnum):
    """How something is stored on or read from a device (R-230)."""

    COOKIE = "cookie"
    BEACON = "beacon"  # also pixels
    SCRIPT = "script"
    LOCAL_STORAGE = "local-storage"
    FINGERPRINT = "fingerprint"


@final
@attrs.frozen(kw_only=True)
class Cookie:
    """An item stored on or read from a visitor's device.

    Args:
        id: Declared name.
        label: What it does.
        purpose: The declared purpose it serves.
        technique: How it works.
        recipient: The third party that sets or reads it; None for the site's own.
        lifetime: How long it stays; None while unknown.
        exempt_because: Why it is strictly necessary for what the visitor asked for (R-231); None
            when a choice is needed first.
        published: The controller's own words.
        findings: Ids of findings about those words.
    """

    id: str = attrs.field(validator=name)
    label: str = attrs.field(validator=text())
    purpose: PurposeId = attrs.field(validator=name)
    technique: Technique = Technique.COOKIE
    recipient: RecipientId | None = attrs.field(default=None, validator=name_or_none)
    lifetime: Period | None = None
    exempt_because: str | None = attrs.field(default=None, validator=text_or_none())
    published: str | None = published_field()
    findings: tuple[str, ...] = findings_field()


@final
@attrs.frozen(kw_only=True)
class LogFile:
    """A log of visits (R-236, R-237).

    Args:
        id: Declared name.
        label: What it is.
        purpose: The declared purpose it serves.
        fields: Declared fields in it; an IP address is personal data.
        keep: How long raw lines stay; None while undecided.
        shorten_ip_after: When addresses in it are cut or hashed; None for never.
        published: The controller's own words.
        findings: Ids of findings about those words.
    """

    id: str = attrs.field(validator=name)
    label: str = attrs.field(validator=text())
    purpose: PurposeId = attrs.field(validator=name)
    fields: frozenset[FieldId] = attrs.field(factory=frozenset, converter=frozen, validator=names)
    keep: Period | None = None
    shorten_ip_after: Period | None = None
    published: str | None = published_field()
    findings: tuple[str, ...] = findings_field()
