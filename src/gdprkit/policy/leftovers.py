"""What outlives a connection, each under its own rule (R-408), as one table.

Decides how long a kind of material is kept and from when. Which fields of a controller's register
are such material, the register says: its archive purposes carry these periods. A duty to keep
counts whole days and ends with the expiry of the last one; no working day moves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, final

import attrs

from gdprkit.errors import InvalidValue, UnknownName
from gdprkit.policy.law import SOURCES, LawProfile
from gdprkit.words.citations import Citation
from gdprkit.words.moments import (
    CALENDAR_YEAR_END,
    add_months,
    calendar_year_end,
    financial_year_end,
)
from gdprkit.words.vocabulary import LegalBasis, Trigger

__all__ = ["LEFTOVERS", "Leftover", "kept_through"]


@final
@attrs.frozen
class Leftover:
    """One kind of material: its basis, what its period counts from, and where its length stands.

    ``length`` names a number of the law profile; its name says whether it is years or months.
    """

    basis: LegalBasis
    after: Trigger
    length: str

    @property
    def citation(self) -> Citation:
        """The source of the length."""
        return SOURCES[self.length].citation

    def months(self, law: LawProfile) -> int:
        """Return the length in months under a profile.

        Raises:
            InvalidValue: the profile holds no such law: it is the Union's alone.
        """
        number: int | None = getattr(law, self.length)
        if number is None:
            raise InvalidValue(
                self.length, "is in no law of this profile", "use the profile of a member state"
            )
        return 12 * number if self.length.endswith("_years") else number


_DUTY: Final = LegalBasis.LEGAL_OBLIGATION
_INTEREST: Final = LegalBasis.LEGITIMATE_INTERESTS

#: material -> rule. Everything else is erased after the review.
LEFTOVERS: Final[Mapping[str, Leftover]] = {
    "vouchers": Leftover(_DUTY, Trigger.CALENDAR_YEAR_OF_FINANCIAL_YEAR_END, "voucher_years"),
    "ledgers": Leftover(_DUTY, Trigger.FINANCIAL_YEAR_END, "ledger_years"),
    "vat-real-estate": Leftover(_DUTY, Trigger.CALENDAR_YEAR_END, "vat_real_estate_years"),
    "claims": Leftover(_INTEREST, Trigger.CLAIM, "claims_months"),
    "damages": Leftover(_INTEREST, Trigger.CLAIM, "damages_years"),
    "consent-proof": Leftover(_INTEREST, Trigger.WITHDRAWAL, "consent_proof_months"),
    "request-file": Leftover(_INTEREST, Trigger.CLOSING, "request_file_months"),
}


def kept_through(
    material: str,
    day: date,
    *,
    law: LawProfile,
    year_end: tuple[int, int] = CALENDAR_YEAR_END,
) -> date:
    """Return the last day material is kept.

    Args:
        material: A word of ``LEFTOVERS``.
        day: The day of the voucher, claim, closing or last use.
        law: The numbers in force.
        year_end: Month and day on which the controller's financial year ends.

    Raises:
        UnknownName: there is no such material.
        InvalidValue: the profile holds no law about it.
    """
    rule = LEFTOVERS.get(material)
    if rule is None:
        raise UnknownName.of("material", material, LEFTOVERS)
    match rule.after:
        case Trigger.CALENDAR_YEAR_OF_FINANCIAL_YEAR_END:
            start = calendar_year_end(financial_year_end(day, year_end))
        case Trigger.FINANCIAL_YEAR_END:
            start = financial_year_end(day, year_end)
        case Trigger.CALENDAR_YEAR_END:
            start = calendar_year_end(day)
        case _:
            start = day
    return add_months(start, rule.months(law))
