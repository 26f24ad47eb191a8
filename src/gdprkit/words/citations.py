"""A place in a law as a value.

Decisions cite; people look citations up. The value keeps the law and the place apart, so that
``docs/reference`` can be sorted by article. What the place says is not repeated here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import final

import attrs

__all__ = [
    "Citation",
    "Law",
    "accounting",
    "credit_act",
    "dpa_fi",
    "ecsa",
    "edpb",
    "gdpr",
    "ksl",
    "limitation",
    "population_act",
    "project",
    "time_limits",
    "vat",
]


class Law(StrEnum):
    """The laws and guidelines the project rests on."""

    GDPR = "GDPR"  # Regulation (EU) 2016/679
    ECSA = "ECSA"  # Finnish Act on Electronic Communications Services 917/2014
    DPA_FI = "DPA-FI"  # Finnish Data Protection Act 1050/2018
    KSL = "KSL"  # Finnish Consumer Protection Act 38/1978
    CREDIT_FI = "Credit Information Act"  # Finnish Credit Information Act 527/2007
    ACCOUNTING_FI = "Accounting Act"  # Finnish Accounting Act 1336/1997
    LIMITATION_FI = "Act on Limitation of Debts"  # Finnish Act 728/2003
    POPULATION_FI = "Population Information System Act"  # Finnish Act 661/2009
    VAT_FI = "VAT Act"  # Finnish Value Added Tax Act 1501/1993
    TIME_LIMITS = "Reg. 1182/71"  # Regulation (EEC, Euratom) No 1182/71
    EDPB = "EDPB"  # guidelines of the European Data Protection Board
    PROJECT = "project setting"  # a choice where the law gives a standard and no number


@final
@attrs.frozen(order=True, cache_hash=True)
class Citation:
    """A place in a law.

    Args:
        law: Which law.
        place: Article or section as people write it, without "Art." or "s.".
    """

    law: Law
    place: str

    def __str__(self) -> str:
        if self.place.startswith("recital"):
            return f"{self.law} {self.place}"
        match self.law:
            case Law.GDPR | Law.TIME_LIMITS:
                return f"{self.law} Art. {self.place}"
            case (
                Law.ECSA
                | Law.DPA_FI
                | Law.ACCOUNTING_FI
                | Law.CREDIT_FI
                | Law.LIMITATION_FI
                | Law.POPULATION_FI
            ):
                return f"{self.law} s. {self.place}"
            case Law.KSL:  # by chapter, or chapter:section
                return f"{self.law} {'s.' if ':' in self.place else 'ch.'} {self.place}"
            case Law.EDPB | Law.PROJECT | Law.VAT_FI:
                return f"{self.law} {self.place}"


def gdpr(place: str) -> Citation:
    """Cite Regulation (EU) 2016/679."""
    return Citation(Law.GDPR, place)


def ecsa(place: str) -> Citation:
    """Cite the Finnish Act on Electronic Communications Services 917/2014."""
    return Citation(Law.ECSA, place)


def dpa_fi(place: str) -> Citation:
    """Cite the Finnish Data Protection Act 1050/2018."""
    return Citation(Law.DPA_FI, place)


def accounting(place: str) -> Citation:
    """Cite the Finnish Accounting Act 1336/1997."""
    return Citation(Law.ACCOUNTING_FI, place)


def credit_act(place: str) -> Citation:
    """Cite the Finnish Credit Information Act 527/2007."""
    return Citation(Law.CREDIT_FI, place)


def ksl(place: str) -> Citation:
    """Cite the Finnish Consumer Protection Act 38/1978."""
    return Citation(Law.KSL, place)


def limitation(place: str) -> Citation:
    """Cite the Finnish Act on Limitation of Debts 728/2003."""
    return Citation(Law.LIMITATION_FI, place)


def population_act(place: str) -> Citation:
    """Cite the Finnish Act on the Population Information System 661/2009."""
    return Citation(Law.POPULATION_FI, place)


def vat(place: str) -> Citation:
    """Cite the Finnish Value Added Tax Act 1501/1993, by what the place is about."""
    return Citation(Law.VAT_FI, place)


def time_limits(place: str) -> Citation:
    """Cite Regulation (EEC, Euratom) No 1182/71 on periods, dates and time limits."""
    return Citation(Law.TIME_LIMITS, place)


def edpb(place: str) -> Citation:
    """Cite a guideline of the European Data Protection Board, for instance ``01/2022 para 160``."""
    return Citation(Law.EDPB, place)


def project(rule: str) -> Citation:
    """Cite a setting of this project by its rule id: the law leaves the number open."""
    return Citation(Law.PROJECT, rule)
