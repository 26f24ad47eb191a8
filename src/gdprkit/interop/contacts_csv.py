"""A CSV of contacts, read strictly into typed rows.

Decides what a readable file and a readable row are. Leaves out what the register declares and who
is known already: that is ``gdprkit.keeper.importing``. Always true: a file that cannot be read as a
whole is refused before its first row is given; a row that cannot be read is given as a
``RejectedRow`` with its line and never dropped; a cell that a spreadsheet would run is refused; no
error and no rejection repeats a cell.

The file: UTF-8 (a byte order mark is allowed), one header line, cells parted by comma, semicolon
or tab, quoted with ``"``. ``COLUMNS`` lists the columns; those of ``REQUIRED`` have to be there.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from gdprkit.errors import UnreadableCsv, did_you_mean
from gdprkit.keeper.contact_rows import (
    ConsentClaim,
    ContactRow,
    MarketingChoice,
    RejectedRow,
    RelevanceFinding,
)
from gdprkit.words.personal import Personal
from gdprkit.words.vocabulary import Circumstance, ConsentMethod, EndCause, SubjectKind

__all__ = ["COLUMNS", "FIELD_COLUMNS", "REQUIRED", "open_contacts", "read_contacts"]

E = TypeVar("E", bound=StrEnum)

#: Column -> declared field. These cells are personal data; the others are the controller's words.
FIELD_COLUMNS: Final[Mapping[str, str]] = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "address": "address",
    "company": "company",
    "title": "title",
    "language": "language",
    "customer_number": "customer-number",
    "product_area": "product-area",
    "orders": "orders",
    "agreement": "agreement",
    "invoice": "invoices",
}

#: Column -> the most characters a cell may have.
COLUMNS: Final[Mapping[str, int]] = {
    **dict.fromkeys(FIELD_COLUMNS, 300),
    "kind": 40,
    "source": 64,
    "collected": 10,
    "notice": 64,
    "later_notice": 64,
    "later_notice_on": 10,
    "contract": 100,
    "started": 10,
    "ended": 10,
    "end_cause": 40,
    "end_evidence": 200,
    "relevance": 40,
    "relevance_evidence": 200,
    "sale_of": 64,
    "circumstances": 100,
    "marketing": 40,
    "marketing_on": 10,
    "consent_purpose": 64,
    "consent_method": 40,
    "consent_notice": 64,
    "consent_text_sha256": 64,
    "consent_wording": 1000,
    "consent_form": 100,
    "consent_captured_by": 200,
    "consent_proof": 200,
}
REQUIRED: Final = ("kind", "source", "collected")

_DELIMITERS: Final = (",", ";", "\t")
_FORMULA: Final = re.compile(r"[\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r]")
_PHONE: Final = re.compile(r"\+[1-9][0-9 ()./-]{5,30}\Z")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_MAILBOX: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+\Z")
_BLOCK: Final = 1 << 16
_MARKS: Final = {
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class _Refused(Exception):
    """A row cannot be read: why, and which column."""

    def __init__(self, code: str, column: str | None = None) -> None:
        super().__init__(code)
        self.code, self.column = code, column


def open_contacts(
    path: Path, *, columns: Mapping[str, str] | None = None
) -> Iterator[ContactRow | RejectedRow]:
    """Read the file *path*; see ``read_contacts``.

    Raises:
        UnreadableCsv: the file is not there or cannot be read as a whole.
    """
    try:
        file = path.open("rb")
    except (OSError, ValueError) as error:  # also a name no file can have
        problem = f"the file cannot be opened ({type(error).__name__})"
        raise UnreadableCsv(problem, "name a file that can be read") from None
    with file:
        yield from read_contacts(file, columns=columns)


def read_contacts(
    file: BinaryIO, *, columns: Mapping[str, str] | None = None
) -> Iterator[ContactRow | RejectedRow]:
    """Give every row of a CSV of contacts, one at a time.

    The whole file is looked through once before the first row is given.

    Args:
        file: Open for reading bytes, seekable.
        columns: Name in the file -> name in ``COLUMNS``, where they differ.

    Raises:
        UnreadableCsv: another encoding, a NUL, no header, a column missing, unknown or twice, or a
            quote that is never closed. Nothing has been given then.
    """
    _check_encoding(file)
    with _text(file) as text:
        header, delimiter = _header(text, columns or {})
    with _text(file) as text:
        _check_quotes(text, delimiter)
    with _text(file) as text:
        yield from _rows(text, header, delimiter)


@contextmanager
def _text(file: BinaryIO) -> Iterator[io.TextIOWrapper]:
    """Give *file* as text from its start, and leave it open afterwards."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="strict", newline="")
    try:
        yield text
    finally:
        text.detach()


# --- the file as a whole -------------------------------------------------------------------------


def _check_encoding(file: BinaryIO) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    line, first = 1, True
    cure = "save it as 'CSV UTF-8' and import that"
    while block := file.read(_BLOCK):
        if first and block[:2] in _MARKS:
            raise UnreadableCsv(f"the file is {_MARKS[block[:2]]}, not UTF-8", cure)
        first = False
        if (nul := block.find(b"\0")) >= 0:
            line += block.count(b"\n", 0, nul)
            raise UnreadableCsv("the file holds a NUL, so it is no text", cure, line)
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            line += block.count(b"\n", 0, max(error.start, 0))
            raise UnreadableCsv("the text is not UTF-8 from here on", cure, line) from None
        line += block.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise UnreadableCsv("the text is cut short within a character", cure, line) from None


def _header(text: io.TextIOWrapper, mapping: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    """Return the columns in our names, and the delimiter."""
    first = text.readline(_BLOCK)
    if not first.strip():
        raise UnreadableCsv("the file has no header", "write the column names in line 1", 1)
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        cells = next(csv.reader([first], delimiter=delimiter, strict=True))
    except csv.Error:
        problem = "the quotes in line 1 cannot be read"
        raise UnreadableCsv(problem, "write plain column names", 1) from None
    names = [mapping.get(cell.strip(), cell.strip().lower().replace(" ", "_")) for cell in cells]
    known = ", ".join(COLUMNS)
    if not any(name in COLUMNS for name in names):
        raise UnreadableCsv("line 1 holds no known column name", f"write a header: {known}", 1)
    for number, name in enumerate(names, start=1):
        # a name is not repeated: without a header it would be somebody's data
        if name not in COLUMNS:
            close = did_you_mean(name, COLUMNS)
            cure = f"did you mean {close!r}?" if close else f"use one of: {known}"
            raise UnreadableCsv(f"column {number} has a name that is not known", cure, 1)
        if name in names[: number - 1]:
            raise UnreadableCsv(f"the column {name!r} stands twice", "keep one of them", 1)
    for name in REQUIRED:
        if name not in names:
            raise UnreadableCsv(f"there is no column {name!r}", "add it to every row", 1)
    return tuple(names), delimiter


def _check_quotes(text: io.TextIOWrapper, delimiter: str) -> None:
    """Refuse a quote that is never closed: it would swallow the rows after it."""
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    start, cure = 1, 'close the quote, or write "" for a quote within a cell'
    while True:
        start = reader.line_num + 1
        try:
            if next(reader, None) is None:
                return
        except csv.Error as error:
            words = str(error)
            if "unexpected end" in words or "limit" in words:
                problem = "a quote opens in this row and is not closed"
                raise UnreadableCsv(problem, cure, start) from None


# --- rows ----------------------------------------------------------------------------------------


def _rows(
    text: io.TextIOWrapper, header: tuple[str, ...], delimiter: str
) -> Iterator[ContactRow | RejectedRow]:
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    next(reader)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
            if cells is None:
                return
            yield _row(line, header, cells)
        except csv.Error:
            yield RejectedRow(line=line, code="quotes-unreadable")
        except _Refused as refused:
            yield RejectedRow(line=line, code=refused.code, column=refused.column)


def _row(line: int, header: tuple[str, ...], raw: list[str]) -> ContactRow:
    if not any(cell.strip() for cell in raw):
        raise _Refused("row-empty")
    if len(raw) != len(header):
        raise _Refused("wrong-number-of-cells")
    cells = {name: _cell(name, cell) for name, cell in zip(header, raw, strict=True)}
    given = {name: cell for name, cell in cells.items() if cell}
    for name in REQUIRED:
        if name not in given:
            raise _Refused("cell-missing", name)
    _check_contact_points(given)
    started, ended = _day(given, "started"), _day(given, "ended")
    if started is not None and ended is not None and ended < started:
        raise _Refused("ends-before-it-starts", "ended")
    if (ended is None) != ("end_cause" not in given):
        raise _Refused("end-incomplete", "ended" if ended is None else "end_cause")
    kind, collected = _word(given, "kind", SubjectKind), _day(given, "collected")
    if kind is None or collected is None:  # both are required, so this only tells the type checker
        raise _Refused("cell-missing")
    return ContactRow(
        line=line,
        kind=kind,
        fields={
            field: Personal(given[column])
            for column, field in FIELD_COLUMNS.items()
            if column in given
        },
        source=given["source"],
        collected=collected,
        notice=given.get("notice"),
        later_notice=given.get("later_notice"),
        later_notice_on=_day(given, "later_notice_on"),
        contract=given.get("contract"),
        started=started,
        ended=ended,
        end_cause=_word(given, "end_cause", EndCause),
        end_evidence=given.get("end_evidence"),
        relevance=_word(given, "relevance", RelevanceFinding),
        relevance_evidence=given.get("relevance_evidence"),
        sale_of=given.get("sale_of"),
        circumstances=_words(given, "circumstances", Circumstance),
        choice=_word(given, "marketing", MarketingChoice) or MarketingChoice.NONE,
        choice_on=_day(given, "marketing_on"),
        claim=_claim(given),
    )


def _cell(name: str, raw: str) -> str:
    """Return a cell without white space around it.

    Raises:
        _Refused: a spreadsheet would run it, it is too long, or it holds control characters.
    """
    if _FORMULA.match(raw) and not (name == "phone" and _PHONE.match(raw.strip())):
        raise _Refused("formula-cell", name)
    cell = raw.strip()
    if len(cell) > COLUMNS[name]:
        raise _Refused("cell-too-long", name)
    if _CONTROL.search(cell):
        raise _Refused("control-character", name)
    return cell


def _check_contact_points(given: Mapping[str, str]) -> None:
    if not any(column in given for column in ("email", "phone", "address")):
        raise _Refused("no-contact-point")
    if "email" in given and not _MAILBOX.match(given["email"]):
        raise _Refused("email-unreadable", "email")
    if "phone" in given and not _PHONE.match(given["phone"]):
        raise _Refused("phone-without-country-code", "phone")


def _day(given: Mapping[str, str], column: str) -> date | None:
    if column not in given:
        return None
    text = given[column]
    try:
        if len(text) == len("2026-01-31"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _Refused("date-unreadable", column)


def _word(given: Mapping[str, str], column: str, kind: Callable[[Any], E]) -> E | None:
    if column not in given:
        return None
    try:
        return kind(given[column].lower())
    except ValueError:
        raise _Refused("word-unknown", column) from None


def _words(given: Mapping[str, str], column: str, kind: Callable[[Any], E]) -> tuple[E, ...]:
    try:
        return tuple(kind(word) for word in given.get(column, "").lower().split())
    except ValueError:
        raise _Refused("word-unknown", column) from None


class _Form(StrEnum):
    """How the choice of a consent was offered."""

    DEFAULT_OFF = "default-off"
    SEPARATE = "separate"
    WITHDRAWAL_TOLD = "withdrawal-told"
    FREE = "free"  # no service depended on it


def _claim(given: Mapping[str, str]) -> ConsentClaim:
    form = _words(given, "consent_form", _Form)
    return ConsentClaim(
        purpose=given.get("consent_purpose"),
        method=_word(given, "consent_method", ConsentMethod),
        notice=given.get("consent_notice"),
        text_sha256=given.get("consent_text_sha256"),
        wording=given.get("consent_wording"),
        captured_by=given.get("consent_captured_by"),
        proof=given.get("consent_proof"),
        default_off=_Form.DEFAULT_OFF in form,
        separate=_Form.SEPARATE in form,
        withdrawal_told=_Form.WITHDRAWAL_TOLD in form,
        conditional=_Form.FREE not in form,
    )
