"""The direct-marketing matrix as a literal table (e-mail and addressed post).

Rows are kinds of person, columns what they said, cells what the law answers: ``A(...)`` is allowed
on the named conditions, ``F(...)`` forbidden. Conditions are rules in ``policy.marketing``; the
table itself decides nothing else. Channels without a table are not decided here and need a human.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeAlias, final

import attrs

from gdprkit.words.citations import Citation, ecsa, gdpr
from gdprkit.words.vocabulary import Channel

__all__ = ["ALWAYS", "MATRIX", "Allowed", "Cell", "Column", "Forbidden", "Row", "cell_id"]


class Row(StrEnum):
    """Whom the message is for."""

    CON = "CON"  # consumer, customer or known person
    B2B_R = "B2B-R"  # company contact, the offer relates to their duties
    B2B_U = "B2B-U"  # company contact, the offer does not, or nobody has looked
    GEN = "GEN"  # generic company address
    FCON = "FCON"  # former consumer customer
    FB2B = "FB2B"  # contact of a former customer, the offer relates
    PCON = "PCON"  # consumer prospect from a register or a bought list
    PB2B = "PB2B"  # company contact from a public source or a bought list, the offer relates


class Column(StrEnum):
    """What the person said, for that channel."""

    GIVEN = "C+"  # valid consent
    STOPPED = "C-"  # consent withdrawn or expressly refused
    SOFT = "S"  # never asked; the sale facts of the soft opt-in are complete
    NEVER = "N"  # never asked
    OBJECTED = "OBJ"  # objection or prohibition


@final
@attrs.frozen
class Allowed:
    """Allowed when every condition is met."""

    conditions: tuple[str, ...]
    cite: Citation


@final
@attrs.frozen
class Forbidden:
    """Not allowed, whatever else is known."""

    cite: Citation


Cell: TypeAlias = Allowed | Forbidden


def A(cite: Citation, *conditions: str) -> Allowed:  # noqa: N802  # the paper's own letters
    """Return an allowing cell."""
    return Allowed(conditions, cite)


def F(cite: Citation) -> Forbidden:  # noqa: N802
    """Return a forbidding cell."""
    return Forbidden(cite)


_CONSENT = gdpr("6(1)(a)")
_PRIOR = ecsa("200(1)")
_OPT_OUT = ecsa("200(2)")
_SOFT = ecsa("200(3)")
_ORG = ecsa("202(1)")
_OBJ = gdpr("21(3)")
_BACK = gdpr("7(3)")
_LI = gdpr("6(1)(f)")

_G, _M, _S, _N, _O = Column.GIVEN, Column.STOPPED, Column.SOFT, Column.NEVER, Column.OBJECTED

_EMAIL: Final[Mapping[Row, Mapping[Column, Cell]]] = {
    Row.CON: {
        _G: A(_CONSENT),
        _M: F(_BACK),
        _S: A(_SOFT, "own", "optout", "id", "src"),
        _N: F(_PRIOR),
        _O: F(_OBJ),
    },
    Row.B2B_R: {
        _G: A(_CONSENT),
        _M: F(_BACK),
        _S: A(_ORG, "duty", "lia", "notice", "optout", "id", "src"),
        _N: A(_ORG, "duty", "lia", "notice", "optout", "id", "src"),
        _O: F(_ORG),
    },
    Row.B2B_U: {
        _G: A(_CONSENT),
        _M: F(_BACK),
        _S: A(_SOFT, "own", "optout", "id", "src"),
        _N: F(_PRIOR),
        _O: F(_OBJ),
    },
    Row.GEN: {
        _G: A(_CONSENT),
        _M: F(_ORG),
        _S: A(_ORG, "optout", "id"),
        _N: A(_ORG, "optout", "id"),
        _O: F(_ORG),
    },
    Row.FCON: {
        _G: A(_CONSENT),
        _M: F(_BACK),
        _S: A(_SOFT, "own", "optout", "id", "src", "mreg", "age"),
        _N: F(_PRIOR),
        _O: F(_OBJ),
    },
    Row.FB2B: {
        _G: A(_CONSENT),
        _M: F(_BACK),
        _S: A(_ORG, "duty", "lia", "notice", "mreg", "optout", "id", "src"),
        _N: A(_ORG, "duty", "lia", "notice", "mreg", "optout", "id", "src"),
        _O: F(_ORG),
    },
    Row.PCON: {
        _G: A(_CONSENT),
        _M: F(_BACK),
        _S: F(_PRIOR),  # cannot occur: there was no sale
        _N: F(_PRIOR),
        _O: F(_OBJ),
    },
    Row.PB2B: {
        _G: A(_CONSENT),
        _M: F(_BACK),
        _S: A(_ORG, "duty", "lia", "a14", "optout", "id", "src"),
        _N: A(_ORG, "duty", "lia", "a14", "optout", "id", "src"),
        _O: F(_ORG),
    },
}

_POST: Final[Mapping[Row, Mapping[Column, Cell]]] = {
    Row.CON: {
        _G: A(_CONSENT),
        _M: F(_BACK),
        _S: A(_OPT_OUT, "lia", "notice", "rob", "src"),
        _N: A(_OPT_OUT, "lia", "notice", "rob", "src"),
        _O: F(_OBJ),
    },
    Row.B2B_R: {
        _G: A(_CONSENT),
        _M: F(_BACK),
        _S: A(_LI, "lia", "notice", "src"),
        _N: A(_LI, "lia", "notice", "src"),
        _O: F(_OBJ),
    },
    Row.B2B_U: {
        _G: A(_CONSENT),
        _M: F(_BACK),
        _S: A(_LI, "lia", "notice", "src"),
        _N: A(_LI, "lia", "notice", "src"),
        _O: F(_OBJ),
    },
    Row.GEN: {
        _G: A(_CONSENT),
        _M: F(_ORG),
        _S: A(_ORG),
        _N: A(_ORG),
        _O: F(_ORG),
    },
    Row.FCON: {
        _G: A(_CONSENT),
        _M: F(_BACK),
        _S: A(_OPT_OUT, "lia", "notice", "mreg", "rob", "src"),
        _N: A(_OPT_OUT, "lia", "notice", "mreg", "rob", "src"),
        _O: F(_OBJ),
    },
    Row.FB2B: {
        _G: A(_CONSENT),
        _M: F(_BACK),
        _S: A(_LI, "lia", "notice", "mreg", "src"),
        _N: A(_LI, "lia", "notice", "mreg", "src"),
        _O: F(_OBJ),
    },
    Row.PCON: {
        _G: A(_CONSENT),
        _M: F(_BACK),
        _S: A(_LI, "lia", "a14", "rob", "dvv", "src"),
        _N: A(_LI, "lia", "a14", "rob", "dvv", "src"),
        _O: F(_OBJ),
    },
    Row.PB2B: {
        _G: A(_CONSENT),
        _M: F(_BACK),
        _S: A(_LI, "lia", "a14", "src"),
        _N: A(_LI, "lia", "a14", "src"),
        _O: F(_OBJ),
    },
}

MATRIX: Final[Mapping[Channel, Mapping[Row, Mapping[Column, Cell]]]] = {
    Channel.EMAIL: _EMAIL,
    Channel.POST: _POST,
}

#: What a message needs on this channel even with consent (legend of the matrix).
ALWAYS: Final[Mapping[Channel, tuple[str, ...]]] = {
    Channel.EMAIL: ("optout", "id", "src"),
    Channel.POST: ("src",),
}

_NAMES: Final = {Channel.EMAIL: "M-EM", Channel.POST: "M-PO"}


def cell_id(channel: Channel, row: Row, column: Column) -> str:
    """Return the name of a cell, for instance ``M-EM/FB2B/N``."""
    return f"{_NAMES[channel]}/{row}/{column}"
