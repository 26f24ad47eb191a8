"""The dated numbers and choices of the law, with their sources.

A profile holds what is in force from one day to another; a book holds the profiles in order, and a
moment is decided under the profile of its day (R-001). Two layers (R-002): values marked ``law``
may be tightened by configuration and never relaxed; settings of the project stand where the law
gives a standard and no number, and a controller may change them with a recorded reason. Decisions
name the profile they were made under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final, final

import attrs

from gdprkit.errors import InvalidValue, UnknownName
from gdprkit.policy.adequacy import ADEQUACY, Adequacy
from gdprkit.words.citations import (
    Citation,
    accounting,
    ecsa,
    edpb,
    gdpr,
    limitation,
    project,
    vat,
)

__all__ = [
    "EUROPEAN_UNION",
    "EU_2026",
    "FINLAND",
    "FI_2026",
    "SOURCES",
    "ExtensionMethod",
    "LawBook",
    "LawProfile",
    "Source",
    "with_settings",
]


class ExtensionMethod(StrEnum):
    """How the extended end is counted (R-558)."""

    FROM_RECEIPT = "from-receipt"  # one period from receipt
    CHAINED_MIN = "chained_min"  # the earlier of that and the further months after the first end


@final
@attrs.frozen
class Source:
    """Where a value comes from; ``is_law`` values are never made laxer by a controller."""

    rule: str
    citation: Citation
    is_law: bool


@final
@attrs.frozen(kw_only=True)
class LawProfile:
    """Numbers and choices in force from one day to another, both included.

    Months are calendar months, days civil days of the controller.
    """

    id: str
    valid_from: date
    valid_to: date | None = None
    # the law's own numbers
    answer_months: int = 1
    extension_months: int = 2
    notice_months: int = 1
    breach_hours: int = 72
    information_service_age: int = 16
    repeat_months: int = 12  # a request so long after the last one is never excessive
    adequacy: tuple[Adequacy, ...] = ADEQUACY
    # the law of a member state; None where the profile is the Union's alone
    voucher_years: int | None = None
    ledger_years: int | None = None
    vat_real_estate_years: int | None = None
    damages_years: int | None = None
    # settings of the project
    dormancy_months: int = 12
    review_days: int = 30
    review_days_after_window: int = 7
    clean_up_days: int = 30
    objection_window_days: int = 30
    register_months: int = 24
    register_cap_months: int = 36
    soft_opt_in_months: int = 24
    consent_review_months: int = 24
    consent_proof_months: int = 36
    double_opt_in_days: int = 7
    device_choice_months: int = 6
    claims_months: int = 36
    request_file_months: int = 36
    prospect_months: int = 12
    list_check_days: int = 30
    internal_target_working_days: int = 10
    post_working_days: int = 3
    extension_method: ExtensionMethod = attrs.field(
        default=ExtensionMethod.FROM_RECEIPT, converter=ExtensionMethod
    )
    no_answer_months: int = 3
    processor_tells_hours: int = 24
    notify_days: int = 7
    web_log_days: int = 90
    security_log_months: int = 12
    log_address_days: int = 14
    call_weekday_from: int = 9
    call_weekday_until: int = 20
    call_saturday_from: int = 10
    call_saturday_until: int = 16
    strict_notice: bool = False  # 13(3) notice cures nothing: no move at all


_law = True
_setting = False

#: field of LawProfile -> where it comes from. Every number has a source.
SOURCES: Final[Mapping[str, Source]] = {
    "answer_months": Source("R-551", gdpr("12(3)"), _law),
    "extension_months": Source("R-558", gdpr("12(3)"), _law),
    "notice_months": Source("R-562", gdpr("14(3)(a)"), _law),
    "breach_hours": Source("R-570", gdpr("33(1)"), _law),
    "information_service_age": Source("R-112", gdpr("8(1)"), _law),
    "repeat_months": Source("R-525", edpb("01/2022 paras 175-195"), _law),
    "voucher_years": Source("R-408", accounting("2:10"), _law),
    "ledger_years": Source("R-408", accounting("2:10"), _law),
    "vat_real_estate_years": Source("R-408", vat("on real estate investments"), _law),
    "damages_years": Source("R-408", limitation("7"), _law),
    "adequacy": Source("R-711", gdpr("45(3)"), _law),
    "dormancy_months": Source("R-401", gdpr("5(1)(e)"), _setting),
    "review_days": Source("R-402", gdpr("5(1)(e)"), _setting),
    "review_days_after_window": Source("R-402", project("R-402"), _setting),
    "clean_up_days": Source("R-420", gdpr("5(2)"), _setting),
    "objection_window_days": Source("R-403", gdpr("13(3)"), _setting),
    "register_months": Source("R-406", gdpr("5(1)(e)"), _setting),
    "register_cap_months": Source("R-406", gdpr("5(1)(e)"), _setting),
    "soft_opt_in_months": Source("R-303", ecsa("200(3)"), _setting),
    "consent_review_months": Source("R-213", edpb("05/2020 paras 110-111"), _setting),
    "consent_proof_months": Source("R-215", gdpr("7(1)"), _setting),
    "double_opt_in_days": Source("R-216", project("R-216"), _setting),
    "device_choice_months": Source("R-213", edpb("05/2020 paras 110-111"), _setting),
    "claims_months": Source("R-408", gdpr("17(3)(e)"), _setting),
    "request_file_months": Source("R-540", gdpr("5(2)"), _setting),
    "prospect_months": Source("R-715", gdpr("5(1)(e)"), _setting),
    "list_check_days": Source("R-315", project("R-315"), _setting),
    "internal_target_working_days": Source("R-561", gdpr("12(3)"), _setting),
    "post_working_days": Source("R-557", project("R-557"), _setting),
    "extension_method": Source("R-558", gdpr("12(3)"), _setting),
    "no_answer_months": Source("R-554", project("R-554"), _setting),
    "processor_tells_hours": Source("R-570", gdpr("33(2)"), _setting),
    "notify_days": Source("R-505", gdpr("19"), _setting),
    "web_log_days": Source("R-237", gdpr("5(1)(e)"), _setting),
    "security_log_months": Source("R-237", gdpr("5(1)(e)"), _setting),
    "log_address_days": Source("R-237", gdpr("5(1)(c)"), _setting),
    "call_weekday_from": Source("R-310", project("R-310"), _setting),
    "call_weekday_until": Source("R-310", project("R-310"), _setting),
    "call_saturday_from": Source("R-310", project("R-310"), _setting),
    "call_saturday_until": Source("R-310", project("R-310"), _setting),
    "strict_notice": Source("R-106", gdpr("13(1)(d)"), _setting),
}

#: The register may last no longer than this, whatever a controller sets (R-406).
_CAPS: Final = {
    "register_months": 36,
    "register_cap_months": 36,
    "soft_opt_in_months": 36,
    "consent_proof_months": 120,
    # an hour of the day
    "call_weekday_from": 23,
    "call_weekday_until": 23,
    "call_saturday_from": 23,
    "call_saturday_until": 23,
}


#: Value of the law -> whether another one is stricter; what is not here is never changed.
_STRICTER: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "extension_months": lambda own, law: 0 <= own < law,
    "breach_hours": lambda own, law: 0 < own < law,
    "information_service_age": lambda own, law: law < own <= 16,  # GDPR Art. 8(1)
}


def with_settings(profile: LawProfile, settings: Mapping[str, bool | int | str]) -> LawProfile:
    """Return *profile* with a controller's own settings.

    A value of the law may be made stricter, a shorter extension for instance, never laxer (R-002).

    Raises:
        UnknownName: no such setting.
        InvalidValue: the value relaxes the law, is of another type, is below 1, or is above the cap
            of R-406.
    """
    for name, value in settings.items():
        _check_setting(profile, name, value)
    changed = {k: v for k, v in settings.items() if getattr(profile, k) != v}
    if not changed:
        return profile
    label = ",".join(f"{k}={v}" for k, v in sorted(changed.items()))
    return attrs.evolve(profile, id=f"{profile.id}+{label}", **changed)  # type: ignore[arg-type]


def _check_setting(profile: LawProfile, name: str, value: object) -> None:
    source = SOURCES.get(name)
    if source is None:
        raise UnknownName.of("setting", name, SOURCES)
    known = getattr(profile, name)
    if source.is_law:
        same = type(value) is type(known) and value == known  # True is no 1
        if not same and not _is_stricter(name, value, known):
            cure = "it may be made stricter only" if name in _STRICTER else "it is not a setting"
            raise InvalidValue(name, "is set by law", f"see {source.citation}; {cure}")
        return
    if isinstance(known, StrEnum):
        words = [str(word) for word in type(known)]
        if value not in words:
            cure = f"use {' or '.join(words)} ({source.rule})"
            raise InvalidValue(name, "is no word of its list", cure)
        return
    if type(value) is not type(known):
        raise InvalidValue(name, "has another type", "use a whole number, or true or false")
    cap = _CAPS.get(name, 1200)
    if type(value) is int and not 1 <= value <= cap:
        raise InvalidValue(name, "is out of range", f"use 1 to {cap} ({source.rule})")


def _is_stricter(name: str, value: object, known: object) -> bool:
    stricter = _STRICTER.get(name)
    return (
        stricter is not None
        and type(value) is int
        and type(known) is int
        and stricter(value, known)
    )


def _in_a_row(profiles: Iterable[LawProfile]) -> tuple[LawProfile, ...]:
    return tuple(profiles)


@final
@attrs.frozen
class LawBook:
    """Profiles in the order of their days: the law as it was, is and, once adopted, will be.

    Args:
        profiles: Each begins after the one before it ends; only the last may be open.

    Raises:
        InvalidValue: there is none, two overlap, or a day between two is in neither.
    """

    profiles: tuple[LawProfile, ...] = attrs.field(converter=_in_a_row)

    @profiles.validator
    def _in_order(self, _: object, profiles: tuple[LawProfile, ...]) -> None:
        if not profiles:
            raise InvalidValue("profiles", "are none", "pass at least one")
        for before, after in pairwise(profiles):
            if before.valid_to is None or before.valid_to + timedelta(days=1) != after.valid_from:
                raise InvalidValue(
                    "profiles",
                    "overlap or leave a day out",
                    "let each begin on the day after the one before it ends",
                )

    def on(self, day: date) -> LawProfile:
        """Return the profile of a civil day; before the first and after the last, the nearest.

        Nothing is decided without a law: a day no profile speaks of is decided under the profile
        nearest to it, and the decision names that profile.
        """
        for profile in self.profiles:
            if profile.valid_to is None or day <= profile.valid_to:
                return profile
        return self.profiles[-1]

    def with_settings(self, settings: Mapping[str, bool | int | str]) -> LawBook:
        """Return the book with a controller's own settings in every profile.

        What is stricter than the newest law may have been too lax for an older one: there the
        older law stands.

        Raises:
            UnknownName, InvalidValue: as ``with_settings``, for the newest profile.
        """
        with_settings(self.profiles[-1], settings)
        return LawBook(
            tuple(
                with_settings(
                    profile,
                    {
                        name: value
                        for name, value in settings.items()
                        if not SOURCES[name].is_law
                        or _is_stricter(name, value, getattr(profile, name))
                    },
                )
                for profile in self.profiles
            )
        )


#: The law of the Union alone, as looked at in November 2026, since the GDPR applies.
EU_2026: Final = LawProfile(id="EU-2026-11", valid_from=date(2018, 5, 25))

#: Finland before its Data Protection Act: no age of its own for information society services.
_FI_2018: Final = attrs.evolve(
    EU_2026,
    id="FI-2026-11/until-2018-12-31",
    valid_to=date(2018, 12, 31),
    voucher_years=6,
    ledger_years=10,
    vat_real_estate_years=13,
    damages_years=10,
)

#: The Union and Finland, as looked at in November 2026, since the Data Protection Act 1050/2018.
FI_2026: Final = attrs.evolve(
    _FI_2018,
    id="FI-2026-11",
    valid_from=date(2019, 1, 1),
    valid_to=None,
    information_service_age=13,
)

#: The law of the Union alone, by the day: where nobody has written down the member state's.
EUROPEAN_UNION: Final = LawBook((EU_2026,))

#: The law of the Union and of Finland, by the day.
FINLAND: Final = LawBook((_FI_2018, FI_2026))
