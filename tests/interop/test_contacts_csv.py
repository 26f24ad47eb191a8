"""Reading a CSV of contacts: which files and rows are refused, and that none is dropped."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdprkit.errors import UnreadableCsv
from gdprkit.interop.contacts_csv import (
    COLUMNS,
    FIELD_COLUMNS,
    REQUIRED,
    open_contacts,
    read_contacts,
)
from gdprkit.keeper.contact_rows import ContactRow, MarketingChoice, RejectedRow

HEADER = "kind,name,email,phone,source,collected,marketing,circumstances"
GOOD = "consumer,Aamu Kielo,aamu@example.com,+358 40 0000000,contact-form,2025-01-31,none,adult"
SECRET = "Kuutamoinen-7731"


def read(
    text: str | bytes, columns: dict[str, str] | None = None
) -> list[ContactRow | RejectedRow]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_contacts(io.BytesIO(data), columns=columns))


def one(line: str, header: str = HEADER) -> ContactRow | RejectedRow:
    [row] = read(f"{header}\n{line}\n")
    return row


def test_a_good_row_is_read() -> None:
    """A row gives its line, its words, and its personal cells sealed in Personal."""
    row = one(GOOD)
    assert isinstance(row, ContactRow)
    assert (row.line, row.kind, row.source, str(row.collected)) == (
        2,
        "consumer",
        "contact-form",
        "2025-01-31",
    )
    assert {f: v.reveal() for f, v in row.fields.items()} == {
        "name": "Aamu Kielo",
        "email": "aamu@example.com",
        "phone": "+358 40 0000000",
    }
    assert row.choice is MarketingChoice.NONE
    assert "Kielo" not in repr(row)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_marks_and_line_ends(delimiter: str, mark: str, end: str) -> None:
    """Comma, semicolon and tab, with and without a byte order mark, read alike."""
    text = mark + end.join([HEADER, GOOD, ""]).replace(",", delimiter)
    [row] = read(text)
    assert isinstance(row, ContactRow)
    assert row.fields["email"].reveal() == "aamu@example.com"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (f"{HEADER}\n{GOOD}\nÄijä".encode("latin-1"), "not UTF-8"),
        (f"{HEADER}\n{GOOD}\n".encode("utf-16"), "UTF-16"),
        (f"{HEADER}\n{GOOD}\n".encode() + b"\xc3", "cut short"),
        (f"{HEADER}\n{GOOD}\0\n".encode(), "NUL"),
        (f'"kind" ,email,source,collected\n{GOOD}\n'.encode(), "quotes in line 1"),
        (f'kind,"email\n",source,collected\n{GOOD}\n'.encode(), "quotes in line 1"),
        (b"", "no header"),
        (b"\n\n", "no header"),
        (f"{GOOD}\n".encode(), "no known column"),
        (f"kind,emial,source,collected\n{GOOD}\n".encode(), "did you mean 'email'"),
        (f"kind,{SECRET},source,collected\n".encode(), "column 2"),
        (b"kind,email,source\n", "there is no column 'collected'"),
        (b"kind,email,email,source,collected\n", "stands twice"),
        (f'{HEADER}\n"{SECRET}\n{GOOD}\n'.encode(), "not closed"),
        (f'{HEADER}\n"{SECRET}{"x" * 140000}",\n{GOOD}\n'.encode(), "not closed"),
    ],
)
def test_a_file_that_cannot_be_read_gives_no_row(data: bytes, words: str) -> None:
    """A file is refused before its first row is given, with a cure and without its cells."""
    rows = read_contacts(io.BytesIO(data))
    with pytest.raises(UnreadableCsv) as caught:
        next(rows)
    assert words in str(caught.value)
    assert caught.value.cure in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "Aamu" not in str(caught.value)


def test_the_line_of_a_wrong_byte_is_named() -> None:
    """The line at which a file stops being UTF-8 is told."""
    data = f"{HEADER}\n{GOOD}\n".encode() + b"\xff\n"
    with pytest.raises(UnreadableCsv) as caught:
        next(read_contacts(io.BytesIO(data)))
    assert caught.value.line == 3


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A path that cannot be opened gives the same error, without the path."""
    with pytest.raises(UnreadableCsv, match="cannot be opened"):
        next(open_contacts(tmp_path / SECRET))
    with pytest.raises(UnreadableCsv, match="cannot be opened"):
        next(open_contacts(tmp_path / "a\0b"))


@pytest.mark.parametrize(
    ("change", "code", "column"),
    [
        ({"name": "=1+1"}, "formula-cell", "name"),
        ({"name": "+1"}, "formula-cell", "name"),
        ({"name": "-1"}, "formula-cell", "name"),
        ({"name": "@SUM(A1)"}, "formula-cell", "name"),
        ({"name": "  =1"}, "formula-cell", "name"),
        ({"name": "\uff1d1"}, "formula-cell", "name"),
        ({"name": "\tx"}, "formula-cell", "name"),
        ({"name": "\rx"}, "formula-cell", "name"),
        ({"phone": "+1+1|cmd"}, "formula-cell", "phone"),
        ({"phone": "=358"}, "formula-cell", "phone"),
        ({"phone": "040 123"}, "phone-without-country-code", "phone"),
        ({"name": "a\x07b"}, "control-character", "name"),
        ({"name": "a\u202eb"}, "control-character", "name"),
        ({"name": "x" * 301}, "cell-too-long", "name"),
        ({"kind": "customr"}, "word-unknown", "kind"),
        ({"kind": ""}, "cell-missing", "kind"),
        ({"source": ""}, "cell-missing", "source"),
        ({"collected": ""}, "cell-missing", "collected"),
        ({"collected": "31.1.2025"}, "date-unreadable", "collected"),
        ({"collected": "2025-02-30"}, "date-unreadable", "collected"),
        ({"collected": "20250131"}, "date-unreadable", "collected"),
        ({"email": "aamu"}, "email-unreadable", "email"),
        ({"email": "aamu@nodot"}, "email-unreadable", "email"),
        ({"email": "", "phone": ""}, "no-contact-point", None),
        ({"marketing": "maybe"}, "word-unknown", "marketing"),
        ({"circumstances": "adult wizard"}, "word-unknown", "circumstances"),
    ],
)
def test_a_broken_row_is_rejected_by_line(
    change: dict[str, str], code: str, column: str | None
) -> None:
    """Each defect of a row has a word of its own and the row's line; the rows around it stay."""
    row = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | change
    text = io.StringIO()
    csv.writer(text).writerows(
        [HEADER.split(","), GOOD.split(","), list(row.values()), GOOD.split(",")]
    )
    first, broken, last = read(text.getvalue())
    assert broken == RejectedRow(line=3, code=code, column=column)
    assert isinstance(first, ContactRow)
    assert isinstance(last, ContactRow)
    assert last.line >= 4


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("consumer,too,few", "wrong-number-of-cells"),
        (GOOD + ",more", "wrong-number-of-cells"),
        ("", "row-empty"),
        (",,,,,,,", "row-empty"),
        ('"a"b,c', "quotes-unreadable"),
    ],
)
def test_rows_of_another_shape_are_rejected(line: str, code: str) -> None:
    """A row with other cells than the header is rejected, and blank rows are not skipped."""
    assert read(f"{HEADER}\n{line}\n{GOOD}\n")[0] == RejectedRow(line=2, code=code)


def test_the_line_of_a_row_is_its_first_line() -> None:
    """A cell over two lines moves the lines after it, and is refused for its line break."""
    text = f'{HEADER}\nconsumer,"a\nb",a@example.com,,contact-form,2025-01-31,,\n{GOOD}\n'
    first, second = read(text)
    assert first == RejectedRow(line=2, code="control-character", column="name")
    assert second.line == 4


@pytest.mark.parametrize(
    ("started", "ended", "cause", "code"),
    [
        ("2025-01-02", "2025-01-01", "termination", "ends-before-it-starts"),
        ("2025-01-02", "2025-02-01", "", "end-incomplete"),
        ("2025-01-02", "", "termination", "end-incomplete"),
    ],
)
def test_an_impossible_connection_is_rejected(
    started: str, ended: str, cause: str, code: str
) -> None:
    """A connection ends after its start, and its end comes with a cause."""
    header = "kind,email,source,collected,started,ended,end_cause"
    row = one(f"consumer,a@example.com,contact-form,2025-01-01,{started},{ended},{cause}", header)
    assert isinstance(row, RejectedRow)
    assert row.code == code


def test_what_a_consent_does_not_say_makes_it_invalid() -> None:
    """The form of a consent counts as bad unless the file says it was good."""
    row = one(GOOD)
    assert isinstance(row, ContactRow)
    claim = row.claim
    assert (claim.default_off, claim.separate, claim.withdrawal_told) == (False, False, False)
    assert claim.conditional


def test_columns_can_be_mapped() -> None:
    """A file with other names is read through a mapping."""
    header = HEADER.replace("email", "E-mail")
    row = one(GOOD, header.replace("E-mail", "email"))
    [mapped] = read(f"{header}\n{GOOD}\n", columns={"E-mail": "email"})
    assert mapped == row


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=40))
def test_every_row_comes_out(cells: list[str]) -> None:
    """Whatever stands in the cells, each row comes out once: read or rejected, never dropped."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["kind", "email", "source", "collected"])
    for cell in cells:
        writer.writerow(["consumer", cell, "contact-form", "2025-01-31"])
    data = text.getvalue()
    try:
        rows = read(data)
    except UnreadableCsv:
        assert "\0" in data
        return
    assert len(rows) == len(cells)
    assert [row.line for row in rows] == sorted({row.line for row in rows})


def test_the_columns_are_consistent() -> None:
    """Required and personal columns are columns."""
    assert {*REQUIRED, *FIELD_COLUMNS} <= set(COLUMNS)
