"""May something be stored on, or read from, a visitor's device?

The answer does not ask whether the data is personal: storing and reading need a prior consent
unless a communication or a service the visitor asked for strictly needs them (ECSA s. 205; R-230,
R-231). A choice stands on a line of its own under a random id, with nobody's data on it (R-234).
Leaves out how a banner looks, which people see; what the register declares about it is checked.
Always true: nothing that needs a consent is allowed before one, and a browser's settings are none
(R-233).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, final

import attrs

from gdprkit.policy.case import Case
from gdprkit.policy.consent import consent_in_force, valid_consent
from gdprkit.policy.decisions import Decision, Reason, allow, forbid, need
from gdprkit.register.parties import Recipient
from gdprkit.register.website import Banner, Cookie, DeviceUse
from gdprkit.words.citations import ecsa, edpb, gdpr
from gdprkit.words.vocabulary import RecipientRole

__all__ = ["EXEMPT_USES", "MayStore", "banner_reasons", "may_store"]

#: What a communication, or a service expressly asked for, strictly needs (s. 205(2); R-231).
#: Everything else waits for a consent: analytics, tests, advertising, plug-ins, chat and
#: personalisation loaded by default.
EXEMPT_USES: Final = frozenset(
    {
        DeviceUse.TRANSMISSION,
        DeviceUse.BASKET,
        DeviceUse.LOGIN,
        DeviceUse.SECURITY,
        DeviceUse.CONSENT_MEMORY,
        DeviceUse.LOAD_BALANCING,
    }
)


@final
@attrs.frozen(kw_only=True)
class MayStore:
    """The question: may this declared item be stored on, or read from, the device?"""

    item: str


EXEMPT: Final = allow("device-exempt", "R-231", ecsa("205(2)"))
EXEMPTION_UNEXPLAINED: Final = need(
    "device-exemption-unexplained",
    "R-231",
    ecsa("205(2)"),
    missing="why the service asked for strictly needs it",
)
USE_UNDECLARED: Final = need(
    "device-use-undeclared", "R-231", ecsa("205(2)"), missing="what the item is used for"
)
NOT_EXEMPT: Final = forbid("device-not-exempt", "R-231", ecsa("205(1)"))
NO_CHOICE: Final = forbid("device-no-choice", "R-230", ecsa("205(1)"))
CHOICE_MADE: Final = allow("device-choice-made", "R-230", ecsa("205(1)"))
THIRD_PARTY_UNARRANGED: Final = need(
    "third-party-unarranged", "R-238", gdpr("26"), missing="an arrangement with the third party"
)
THIRD_PARTY_NOT_NAMED: Final = forbid("third-party-not-named", "R-214", edpb("05/2020 para 58"))
THIRD_PARTY_ARRANGED: Final = allow("third-party-arranged", "R-238", gdpr("26"))
LIFETIME_UNKNOWN: Final = need(
    "device-lifetime-unknown", "R-232", ecsa("205(1)"), missing="how long the item stays"
)


def may_store(case: Case, question: MayStore) -> Decision:
    """Decide whether an item may be stored on, or read from, the device (R-230 to R-238).

    The case is that of the choice's own line, or of the person where the visitor is known.

    Raises:
        UnknownName: the register declares no such item.
    """
    item = case.register.cookie(question.item)
    return case.decision("may_store", tuple(_reasons(case, item)))


def _reasons(case: Case, item: Cookie) -> Iterator[Reason]:
    if item.use is None:
        yield USE_UNDECLARED
        return
    third_party = _third_party(case, item)
    if item.use in EXEMPT_USES and third_party is None:
        yield EXEMPT if item.exempt_because is not None else EXEMPTION_UNEXPLAINED
        return
    consent = consent_in_force(case, item.purpose)
    if not consent:
        if item.exempt_because is not None and item.use not in EXEMPT_USES:
            yield NOT_EXEMPT  # the register says otherwise, and the law does not follow it
        yield NO_CHOICE
        yield from consent.against
        return
    for reason in consent.reasons:
        yield CHOICE_MADE.on(*reason.evidence, until=reason.until)
    if item.lifetime is None:
        yield LIFETIME_UNKNOWN
    if third_party is not None:
        yield THIRD_PARTY_ARRANGED if third_party.contract else THIRD_PARTY_UNARRANGED
        if not _is_named(case, item, third_party):
            yield THIRD_PARTY_NOT_NAMED
    yield from banner_reasons(case.register.banner, case.register.controller.device_authority)


def _third_party(case: Case, item: Cookie) -> Recipient | None:
    """Return the third party behind an item; a processor is none (GDPR Art. 4(10)).

    Whatever it calls itself, its tag makes the site a joint controller of what it collects (R-238).
    """
    if item.recipient is None:
        return None
    recipient = case.register.recipient(item.recipient)
    return None if recipient.role is RecipientRole.PROCESSOR else recipient


def _is_named(case: Case, item: Cookie, third_party: Recipient) -> bool:
    """Whether a choice in force named the third party: a new one is not covered (R-214, R-232)."""
    for word in case.standing.consent.for_purpose(item.purpose):
        consent = valid_consent(case, item.purpose, word.channel)
        if consent is not None and third_party.id in consent.evidence.recipients:
            return True
    return False


BANNER_UNDECLARED: Final = need(
    "banner-undeclared", "R-232", ecsa("205(1)"), missing="what the banner does"
)
LOADS_BEFORE_CHOICE: Final = forbid("banner-loads-before-choice", "R-232", ecsa("205(1)"))
COOKIE_WALL: Final = forbid("banner-cookie-wall", "R-232", gdpr("7(4)"))
REFUSING_HARDER: Final = forbid("banner-refusing-harder", "R-232", gdpr("7(3)"))
CHOICES_ON: Final = forbid("banner-choices-on", "R-232", gdpr("4(11)"))
CHOICES_BUNDLED: Final = forbid("banner-choices-bundled", "R-232", gdpr("recital 43"))
LIFETIMES_UNNAMED: Final = need(
    "banner-lifetimes-unnamed",
    "R-232",
    ecsa("205(1)"),
    missing="lifetimes and third parties in the banner",
)
NO_WAY_BACK: Final = forbid("banner-no-way-back", "R-232", gdpr("7(3)"))
DEVICE_AUTHORITY_UNNAMED: Final = need(
    "device-authority-unnamed",
    "R-235",
    gdpr("13(2)(d)"),
    missing="the authority for devices, beside the one for data protection",
)


def banner_reasons(banner: Banner | None, device_authority: str | None) -> Iterator[Reason]:
    """Yield what is wrong with the declared banner; nothing where it is in order (R-232, R-235)."""
    if device_authority is None:
        yield DEVICE_AUTHORITY_UNNAMED
    if banner is None:
        yield BANNER_UNDECLARED
        return
    for wrong, fails in (
        (LOADS_BEFORE_CHOICE, not banner.waits_for_choice),
        (REFUSING_HARDER, not banner.refusing_as_easy),
        (CHOICES_ON, not banner.choices_off),
        (CHOICES_BUNDLED, not banner.choice_per_purpose),
        (LIFETIMES_UNNAMED, not banner.names_lifetimes_and_third_parties),
        (NO_WAY_BACK, not banner.way_back),
        (COOKIE_WALL, banner.wall),
    ):
        if fails:
            yield wrong
