"""The sentences of the import report: none is missing, and none is for a code nobody gives."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from gdprkit.desk.codes import ROW_CODES
from gdprkit.desk.papers import import_text
from gdprkit.errors import GdprkitError
from gdprkit.interop import contacts_csv
from gdprkit.keeper import contact_rows, importing
from gdprkit.keeper.importing import Finding, ImportReport, RowOutcome


def given(*modules: str) -> Iterator[str]:
    """Give the words that stand where a finding's code is made."""
    for module in modules:
        for node in ast.walk(ast.parse(Path(module).read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="_Refused"), args=[ast.Constant(value=str(code)), *_]
                ):
                    yield code
                case ast.keyword(arg="code", value=ast.Constant(value=str(code))):
                    yield code
                case ast.FunctionDef(name="consent_left_out" | "_meet" | "_take"):
                    yield from words(node)


def words(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        match node:
            case ast.Constant(value=str(word)) if "-" in word and " " not in word:
                yield word


def family(error: type[GdprkitError]) -> Iterator[str]:
    yield error.code
    for narrower in error.__subclasses__():
        yield from family(narrower)


def test_every_code_has_a_sentence() -> None:
    """Reader, rows and keeper give these codes to findings and no others."""
    files = (contacts_csv.__file__, contact_rows.__file__, importing.__file__)
    codes = {*given(*files), *(code for kind in importing._REFUSALS for code in family(kind))}
    assert {"formula-cell", "end-has-not-come", "stop-recorded", "value-refused"} <= codes
    assert set(ROW_CODES) == codes
    assert all(text.endswith(".") for text in ROW_CODES.values())


def test_the_report_explains_the_codes_it_prints() -> None:
    """Each code that is printed is explained once, and no other."""
    findings = [
        Finding(line=line, outcome=RowOutcome.REJECTED, code=code)
        for line, code in ((2, "row-empty"), (3, "formula-cell"), (4, "row-empty"))
    ]
    report = ImportReport(
        counts={RowOutcome.REJECTED: 3},
        findings=tuple(findings),
        values=0,
        choices={},
        stops_on_known=0,
    )
    told = import_text(report).partition("What the codes mean:")[2].strip().splitlines()
    assert told == [
        f"formula-cell  {ROW_CODES['formula-cell']}",
        f"row-empty     {ROW_CODES['row-empty']}",
    ]
