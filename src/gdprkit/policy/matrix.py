"""The direct-marketing matrix as literal tables: e-mail, messages and automated calls, calls, post.

Rows are kinds of person, columns what they said, cells what the law answers: ``A(...)`` is allowed
on the named conditions, ``F(...)`` forbidden. Conditions are rules in ``policy.conditions``; the
tables decide nothing else. Online advertising has a table of its own kind in
``policy.advertising``. Source: ECSA s. 200-204, GDPR Art. 6(1)(a), 6(1)(f) and 21, KSL ch. 6;
R-302 to R-308, R-316, R-319.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeAlias, final

import attrs

from gdprkit.words.citations import Citation, ecsa, gdpr
from gdprkit.words.vocabulary import Channel, CheckedList

__all__ = [
    "ALWAYS",
    "LISTS",
    "MATRIX",
    "NAMES",
    "Allowed",
    "Cell",
    "Column",
    "Forbidden",
    "Row",
    "cell_id",
]


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

_Line: TypeAlias = tuple[Cell, Cell, Cell, Cell, Cell]


def _table(lines: Mapping[Row, _Line]) -> Mapping[Row, Mapping[Column, Cell]]:
    """Name the cells of each line by its column, in the order C+, C-, S, N, OBJ."""
    return {row: dict(zip(Column, line, strict=True)) for row, line in lines.items()}


def _same(given: Cell, stopped: Cell, never: Cell, objected: Cell) -> _Line:
    """Return a line whose answer is the same with and without a sale (columns S and N)."""
    return given, stopped, never, never, objected


_YES = A(_CONSENT)
_NO_PRIOR, _NO_BACK, _NO_OBJ, _NO_ORG = F(_PRIOR), F(_BACK), F(_OBJ), F(_ORG)

#: M-EM and M-SM: one law for e-mail, text messages and automated calls (R-302, R-303, R-306).
_ELECTRONIC: Final = _table(
    {
        Row.CON: (_YES, _NO_BACK, A(_SOFT, "own", "optout", "id", "src"), _NO_PRIOR, _NO_OBJ),
        Row.B2B_R: _same(
            _YES, _NO_BACK, A(_ORG, "duty", "lia", "notice", "optout", "id", "src"), _NO_ORG
        ),
        Row.B2B_U: (_YES, _NO_BACK, A(_SOFT, "own", "optout", "id", "src"), _NO_PRIOR, _NO_OBJ),
        Row.GEN: _same(_YES, _NO_ORG, A(_ORG, "optout", "id"), _NO_ORG),
        Row.FCON: (
            _YES,
            _NO_BACK,
            A(_SOFT, "own", "optout", "id", "src", "mreg", "age"),
            _NO_PRIOR,
            _NO_OBJ,
        ),
        Row.FB2B: _same(
            _YES, _NO_BACK, A(_ORG, "duty", "lia", "notice", "mreg", "optout", "id", "src"), _NO_ORG
        ),
        # a sale makes somebody a customer, so column S cannot occur for a prospect
        Row.PCON: _same(_YES, _NO_BACK, _NO_PRIOR, _NO_OBJ),
        Row.PB2B: _same(
            _YES, _NO_BACK, A(_ORG, "duty", "lia", "a14", "optout", "id", "src"), _NO_ORG
        ),
    }
)

_CALL = A(_CONSENT, "time", "id", "ksl")

#: M-PH: a call by a human (R-304, R-306, R-310).
_PHONE: Final = _table(
    {
        Row.CON: _same(
            _CALL,
            _NO_BACK,
            A(_OPT_OUT, "lia", "notice", "rob", "time", "id", "ksl", "src"),
            _NO_OBJ,
        ),
        Row.B2B_R: _same(
            A(_CONSENT, "id"), _NO_BACK, A(_ORG, "lia", "notice", "id", "src"), _NO_ORG
        ),
        Row.B2B_U: _same(
            A(_CONSENT, "id"),
            _NO_BACK,
            A(_OPT_OUT, "lia", "notice", "rob", "time", "id", "src"),
            _NO_OBJ,
        ),
        Row.GEN: _same(A(_CONSENT, "id"), _NO_ORG, A(_ORG, "id"), _NO_ORG),
        Row.FCON: _same(
            _CALL,
            _NO_BACK,
            A(_OPT_OUT, "lia", "notice", "mreg", "rob", "time", "id", "ksl", "src"),
            _NO_OBJ,
        ),
        Row.FB2B: _same(
            A(_CONSENT, "id"), _NO_BACK, A(_ORG, "lia", "notice", "mreg", "id", "src"), _NO_ORG
        ),
        Row.PCON: _same(
            _CALL,
            _NO_BACK,
            A(_OPT_OUT, "lia", "a14", "rob", "dvv", "time", "id", "ksl", "src"),
            _NO_OBJ,
        ),
        Row.PB2B: _same(
            A(_CONSENT, "id"), _NO_BACK, A(_ORG, "lia", "a14", "duty", "id", "src"), _NO_ORG
        ),
    }
)

#: M-PO: addressed post (R-304).
_POST: Final = _table(
    {
        Row.CON: _same(_YES, _NO_BACK, A(_OPT_OUT, "lia", "notice", "rob", "src"), _NO_OBJ),
        Row.B2B_R: _same(_YES, _NO_BACK, A(_LI, "lia", "notice", "src"), _NO_OBJ),
        Row.B2B_U: _same(_YES, _NO_BACK, A(_LI, "lia", "notice", "src"), _NO_OBJ),
        Row.GEN: _same(_YES, _NO_ORG, A(_ORG), _NO_ORG),
        Row.FCON: _same(
            _YES, _NO_BACK, A(_OPT_OUT, "lia", "notice", "mreg", "rob", "src"), _NO_OBJ
        ),
        Row.FB2B: _same(_YES, _NO_BACK, A(_LI, "lia", "notice", "mreg", "src"), _NO_OBJ),
        Row.PCON: _same(_YES, _NO_BACK, A(_LI, "lia", "a14", "rob", "dvv", "src"), _NO_OBJ),
        Row.PB2B: _same(_YES, _NO_BACK, A(_LI, "lia", "a14", "src"), _NO_OBJ),
    }
)

MATRIX: Final[Mapping[Channel, Mapping[Row, Mapping[Column, Cell]]]] = {
    Channel.EMAIL: _ELECTRONIC,
    Channel.SMS: _ELECTRONIC,
    Channel.PHONE: _PHONE,
    Channel.POST: _POST,
}

#: What a message needs on this channel even with consent (legend of the matrix).
ALWAYS: Final[Mapping[Channel, tuple[str, ...]]] = {
    Channel.EMAIL: ("optout", "id", "src"),
    Channel.SMS: ("optout", "id", "src"),
    Channel.PHONE: ("id",),
    Channel.POST: ("src",),
}

_ROB_PHONE, _ROB_POST = CheckedList.ROBINSON_PHONE, CheckedList.ROBINSON_POST
_DVV = CheckedList.POPULATION_REGISTER

#: Column LIST: the lists on which a hit forbids (R-315). No list exists for company contacts. A hit
#: in the population register counts on data obtained from it only, and then by law.
LISTS: Final[Mapping[Channel, Mapping[Row, tuple[CheckedList, ...]]]] = {
    Channel.EMAIL: {Row.PCON: (_DVV,)},
    Channel.SMS: {Row.PCON: (_DVV,)},
    Channel.PHONE: {
        Row.CON: (_ROB_PHONE,),
        Row.B2B_U: (_ROB_PHONE,),
        Row.FCON: (_ROB_PHONE,),
        Row.PCON: (_ROB_PHONE, _DVV),
    },
    Channel.POST: {
        Row.CON: (_ROB_POST, _DVV),
        Row.FCON: (_ROB_POST, _DVV),
        Row.PCON: (_ROB_POST, _DVV),
    },
}

NAMES: Final = {
    Channel.EMAIL: "M-EM",
    Channel.SMS: "M-SM",
    Channel.PHONE: "M-PH",
    Channel.POST: "M-PO",
}

_CELL_IDS: Final = {
    (channel, row, column): f"{NAMES[channel]}/{row}/{column}"
    for channel in MATRIX
    for row in Row
    for column in Column
}


def cell_id(channel: Channel, row: Row, column: Column) -> str:
    """Return the name of a cell, for instance ``M-EM/FB2B/N``; decisions carry it (R-330)."""
    return _CELL_IDS[channel, row, column]
