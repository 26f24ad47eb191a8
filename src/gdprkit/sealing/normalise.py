"""Normal forms of texts for look-up: which spellings count as one value.

Decides that by a closed, versioned table of pure functions; a changed rule gets a new name,
because stored terms rest on the old one. Leaves out hashing. Always true: the result does not
depend on the Python version, because code points that Unicode 14.0 (Python 3.11's) does not assign
are refused and normalisation of assigned ones never changes; a blank value has no normal form; the
function applied to its own result changes nothing.

==============  ===========================================================================
``exact-v1``    the text as it is
``casefold-v1`` NFKC of the case-folded NFKC, without white space around it
``email-v1``    both sides of the last ``@`` by casefold-v1; dots and plus signs stay
``digits-v1``   decimal digits, written 0 to 9; spaces and ``-./()`` between them are dropped
``e164-v1``     an international telephone number: ``+`` and 7 to 15 digits
``iban-v1``     an account number (ISO 13616): capitals and digits without white space, 15 to 34 of
                them, whose check digits are right
==============  ===========================================================================
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

from gdprkit.errors import InvalidValue, did_you_mean
from gdprkit.sealing.errors import PlaintextTypeError, Unindexable
from gdprkit.sealing.unicode14 import all_assigned

__all__ = ["NORMALISERS", "PLAIN_MAILBOX", "known_normaliser", "normalise"]

# Full-width forms stand for their narrow ones; superscripts and circled digits are no digits here.
_NARROW: Final = str.maketrans("\uff0b\uff0d\uff08\uff09\uff0e\uff0f", "+-()./")
_SEPARATORS: Final = re.compile(r"[\s\-./()\u2010-\u2015\u2212]+")
_TRUNK_ZERO: Final = "(0)"  # +358 (0)40: the zero is dialled inside the country only
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\Z")

PLAIN_MAILBOX: Final = bytes(
    byte + 32 if 65 <= byte <= 90 else byte if 32 < byte < 127 else 32 for byte in range(256)
)
"""Table for ``bytes.translate``: small letters for capitals, a space for whatever is no visible
ASCII. Where no space comes out, and ``@`` stands inside and at neither end, the result is email-v1
of the text."""


def normalise(name: str, value: object) -> str:
    """Return *value* in the normal form called *name*.

    Raises:
        InvalidValue: there is no such normal form.
        PlaintextTypeError: *value* is no text.
        Unindexable: it is blank, not valid Unicode 14.0 text, or no value of that kind.
    """
    function = NORMALISERS.get(name) or NORMALISERS[known_normaliser(name)]
    if not isinstance(value, str):
        raise PlaintextTypeError(type(value).__name__, f"{name} takes text")
    if not value.isascii() and not all_assigned(value):
        raise Unindexable(name, "holds a character that Unicode 14.0 does not assign")
    normal = function(value)
    if not normal or normal.isspace():
        raise Unindexable(name, "is blank")
    return normal


def known_normaliser(name: str) -> str:
    """Return *name* when it is in the table.

    Raises:
        InvalidValue: it is not.
    """
    if name in NORMALISERS:
        return name
    close = did_you_mean(name, NORMALISERS)
    known = f"did you mean {close!r}?" if close else f"use one of {', '.join(NORMALISERS)}"
    raise InvalidValue("normaliser", "is not in the table", known)


def _exact(value: str) -> str:
    return value


def _casefold(value: str) -> str:
    if value.isascii():  # the same result, without two normalisations
        return value.lower().strip()
    folded = unicodedata.normalize("NFKC", value).casefold()
    return unicodedata.normalize("NFKC", folded).strip()


def _email(value: str) -> str:
    local, _, domain = _casefold(value).rpartition("@")
    local, domain = local.rstrip(), domain.lstrip()
    if not (local and domain):
        raise Unindexable("email-v1", "is no e-mail address")
    return f"{local}@{domain}"


def _digits(value: str) -> str:
    digits = _decimals(value.translate(_NARROW))
    if digits is None:
        raise Unindexable("digits-v1", "holds something else than digits")
    return digits


def _e164(value: str) -> str:
    text = value.translate(_NARROW).strip().replace(_TRUNK_ZERO, "", 1)
    if text.startswith("00"):
        text = "+" + text[2:]
    digits = _decimals(text[1:]) if text.startswith("+") else None
    number = f"+{digits}"
    if digits is None or not _E164.match(number):
        raise Unindexable("e164-v1", "is no telephone number with its country code")
    return number


def _iban(value: str) -> str:
    joined = "".join(value.split())
    number = joined.upper()
    # without the first test a sharp s would become two letters
    if not joined.isascii() or not _IBAN.match(number) or not _checked(number):
        raise Unindexable("iban-v1", "is no account number (IBAN) with right check digits")
    return number


def _checked(iban: str) -> bool:
    """Say whether the check digits are right: letters as 10 to 35, modulo 97 (ISO 7064)."""
    digits = "".join(str(int(character, 36)) for character in iban[4:] + iban[:4])
    return int(digits) % 97 == 1


def _decimals(text: str) -> str | None:
    """Return the decimal digits of *text* as 0 to 9, or None when it holds anything else."""
    digits = [unicodedata.decimal(character, None) for character in _SEPARATORS.sub("", text)]
    return None if None in digits else "".join(map(str, digits))


NORMALISERS: Final[Mapping[str, Callable[[str], str]]] = {
    "exact-v1": _exact,
    "casefold-v1": _casefold,
    "email-v1": _email,
    "digits-v1": _digits,
    "e164-v1": _e164,
    "iban-v1": _iban,
}
"""The closed table: name to function. Use ``normalise``, which also checks the characters."""
