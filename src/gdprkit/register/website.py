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

__all__ = ["Banner", "Cookie", "DeviceUse", "LogFile", "Technique"]


class DeviceUse(StrEnum):
    """What an item on a device is used for (R-231)."""

    TRANSMISSION = "transmission"  # of a communication
    BASKET = "basket"
    LOGIN = "login"
    SECURITY = "security"  # tied to a service asked for
    CONSENT_MEMORY = "consent-memory"
    LOAD_BALANCING = "load-balancing"
    ANALYTICS = "analytics"
    TESTING = "testing"  # A/B tests
    ADVERTISING = "advertising"
    SOCIAL = "social"  # plug-ins of networks
    CHAT = "chat"  # loaded by default
    PERSONALISATION = "personalisation"  # loaded by default


class Technique(StrEnum):
    """How something is stored on or read from a device (R-230)."""

    COOKIE = "cookie"
    BEACON = "beacon"  # also pixels
    SCRIPT = "script"
    LOCAL_STORAGE = "local-storage"
    FINGERPRINT = "fingerprint"
    SDK = "sdk"  # ids of parts built into an app


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
        use: What it is used for; None while nobody has looked.
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
    use: DeviceUse | None = None
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
        shorten_ip_after: When addresses in it are cut or hashed; None for the setting.
        security: Whether it is a log of security or audit, which lives longer (R-237).
        needs_whole_address: Why whole addresses are needed to the end; None where they are not.
        published: The controller's own words.
        findings: Ids of findings about those words.
    """

    id: str = attrs.field(validator=name)
    label: str = attrs.field(validator=text())
    purpose: PurposeId = attrs.field(validator=name)
    fields: frozenset[FieldId] = attrs.field(factory=frozenset, converter=frozen, validator=names)
    keep: Period | None = None
    shorten_ip_after: Period | None = None
    security: bool = False
    needs_whole_address: str | None = attrs.field(default=None, validator=text_or_none())
    published: str | None = published_field()
    findings: tuple[str, ...] = findings_field()


@final
@attrs.frozen(kw_only=True)
class Banner:
    """How visitors are asked about their devices, as the controller declares it (R-232).

    Args:
        waits_for_choice: Nothing that needs a consent loads before the choice.
        refusing_as_easy: Refusing is as easy as agreeing, on the first layer.
        choices_off: Choices are off until the visitor makes them.
        choice_per_purpose: Each purpose has its own choice.
        names_lifetimes_and_third_parties: Purposes, lifetimes and third parties are named.
        way_back: A link to take a choice back is always within reach.
        wall: The site is closed to whoever refuses.
    """

    waits_for_choice: bool = False
    refusing_as_easy: bool = False
    choices_off: bool = False
    choice_per_purpose: bool = False
    names_lifetimes_and_third_parties: bool = False
    way_back: bool = False
    wall: bool = False
