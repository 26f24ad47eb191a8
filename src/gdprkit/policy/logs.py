"""Logs and the identifiers in them: personal by default, short-lived, shortened (R-236, R-237).

Decides on which day lines of a declared log are shortened and erased, and what is left of an
address. Leaves out reading or writing logs. Always true: addresses of the internet and ids of
cookies and devices are personal data unless the register names an assessment that says otherwise.
"""

from __future__ import annotations

from datetime import date, timedelta
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_interface
from typing import Final, final

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.policy.law import LawProfile
from gdprkit.register.purposes import DataField
from gdprkit.register.register import Register
from gdprkit.register.website import LogFile
from gdprkit.words.moments import add_months
from gdprkit.words.vocabulary import FieldKind

__all__ = ["LogDays", "holds_address", "is_personal", "log_days", "truncate_ip"]

#: Identifiers by which somebody with means reasonably likely to be used can be singled out.
_IDENTIFIERS: Final = frozenset({FieldKind.IP_ADDRESS, FieldKind.COOKIE, FieldKind.DEVICE})


def is_personal(field: DataField) -> bool:
    """Whether a field counts as personal data (GDPR Art. 4(1), recitals 26 and 30; R-236).

    Every declared field does; an identifier stops only by a named assessment that this holder has
    no means of identifying anybody with it.
    """
    return not (field.kind in _IDENTIFIERS and field.not_personal_because is not None)


@final
@attrs.frozen(kw_only=True)
class LogDays:
    """Until when lines of one day stay as they are.

    Args:
        shorten_after: The last day addresses stay whole; None where nothing has to be shortened.
        erase_after: The last day the lines are kept.
    """

    shorten_after: date | None
    erase_after: date


def holds_address(register: Register, log: LogFile) -> bool:
    """Whether a log holds addresses of the internet that count as personal (R-236)."""
    fields = [register.field(name) for name in log.fields]
    return any(f.kind is FieldKind.IP_ADDRESS and is_personal(f) for f in fields)


def log_days(log: LogFile, written: date, *, law: LawProfile, holds_address: bool) -> LogDays:
    """Return until when lines written on a day stay whole, and until when they stay (R-237).

    The register's own period counts where it is the shorter one; without one, the setting.

    Args:
        log: The declared log.
        written: The civil day of the lines.
        law: The numbers in force.
        holds_address: Whether a field of the log holds addresses that count as personal.
    """
    longest = (
        add_months(written, law.security_log_months)
        if log.security
        else written + timedelta(days=law.web_log_days)
    )
    erase = min(longest, log.keep.after(written)) if log.keep is not None else longest
    if not holds_address or log.needs_whole_address:
        return LogDays(shorten_after=None, erase_after=erase)
    shorten = written + timedelta(days=law.log_address_days)
    if log.shorten_ip_after is not None:
        shorten = min(shorten, log.shorten_ip_after.after(written))
    return LogDays(shorten_after=min(shorten, erase), erase_after=erase)


def truncate_ip(address: str) -> str:
    """Return an address of the internet without what tells one holder from another.

    An IPv4 address keeps its first 24 bits, an IPv6 address its first 48; an IPv4 address inside an
    IPv6 one is cut as IPv4.

    Raises:
        InvalidValue: *address* is none; it is not repeated.
    """
    try:
        found: IPv4Address | IPv6Address = (
            IPv6Address(address) if ":" in address else IPv4Address(address)
        )
    except (AddressValueError, TypeError):
        raise InvalidValue(
            "address", "is no address of the internet", "pass one IPv4 or IPv6 address"
        ) from None
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return f"::ffff:{_cut(found.ipv4_mapped, 24)}"
        return _cut(IPv6Address(int(found)), 48)  # without the zone of a link-local address
    return _cut(found, 24)


def _cut(address: IPv4Address | IPv6Address, bits: int) -> str:
    return str(ip_interface(f"{address}/{bits}").network.network_address)
