"""Which countries no transfer rule stands in the way of: the EEA, and decisions of adequacy by day.

Holds what the Commission decided under Art. 45 (or under the directive before it) and from when to
when, as looked at in November 2026. Leaves out decisions that a court has been asked to annul:
until it does, they stand. Always true: a country that is missing waits, and is never adequate.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, final

import attrs

__all__ = ["ADEQUACY", "EEA", "Adequacy", "adequacy_for"]

#: The European Economic Area: no country of it is a third country (GDPR Art. 44).
EEA: Final = frozenset(
    {
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IS",
        "IT",
        "LI",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    }
)


@final
@attrs.frozen
class Adequacy:
    """A decision of adequacy (GDPR Art. 45(3)).

    Args:
        country: Two-letter code.
        decision: Number of the decision of the Commission.
        since: First day it carries; None: since before the GDPR.
        until: Last day it carries; None: no end is known.
        listed: It carries importers on its list only, for the kinds of data they are listed for.
    """

    country: str
    decision: str
    since: date | None = None
    until: date | None = None
    listed: bool = False

    def on(self, day: date) -> bool:
        """Whether it carries on a civil day."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day <= self.until
        )


#: Every decision, a country's older ones before its newer ones.
ADEQUACY: Final = (
    Adequacy("AD", "2010/625/EU"),
    Adequacy("AR", "2003/490/EC"),
    Adequacy("BR", "(EU) 2026/179", since=date(2026, 1, 26)),
    Adequacy("CH", "2000/518/EC"),
    Adequacy("FO", "2010/146/EU"),
    # a member state, then in transition, then by decision; renewed in December 2025
    Adequacy("GB", "(EU) 2021/1772", until=date(2031, 12, 27)),
    Adequacy("GG", "2003/821/EC"),
    Adequacy("IL", "2011/61/EU"),
    Adequacy("IM", "2004/411/EC"),
    Adequacy("JE", "2008/393/EC"),
    Adequacy("JP", "(EU) 2019/419", since=date(2019, 1, 23)),
    Adequacy("KR", "(EU) 2022/254", since=date(2021, 12, 17)),
    Adequacy("NZ", "2013/65/EU"),
    # annulled by the Court of Justice on 16 July 2020, C-311/18
    Adequacy("US", "(EU) 2016/1250", until=date(2020, 7, 15), listed=True),
    # an appeal, C-703/25 P, is pending
    Adequacy("US", "(EU) 2023/1795", since=date(2023, 7, 10), listed=True),
    Adequacy("UY", "2012/484/EU"),
)


def adequacy_for(decisions: Iterable[Adequacy], country: str, day: date) -> Adequacy | None:
    """Return the decision that covers *country* on *day*, or None."""
    return next((one for one in decisions if one.country == country and one.on(day)), None)
