"""The JOT example declares everything its published policy says, and traces each sentence."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gdprkit.register.notices import NoticeItem
from gdprkit.register.parties import TransferStatus
from gdprkit.register.register import Register
from gdprkit.words.moments import Period
from gdprkit.words.vocabulary import (
    Channel,
    DataTag,
    FieldKind,
    FilingSystem,
    LegalBasis,
    NoticeKind,
    RecipientRole,
    Right,
    SourceKind,
)

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "jot"
TOML = (FOLDER / "register.toml").read_text(encoding="utf-8")
TRACE = (FOLDER / "trace.md").read_text(encoding="utf-8")

#: The lines of the published policy that hold text.
_LINES = """
1 3 5 7 9 11 13 15 16 17 18 20 22 24 25 26 27 29 31 33 35 37 39 41 43 44 45 46 47 49 51 52 53 54
55 56 57 59 61 63 65 67 69 70 71 72 73 74 75 77 79 81 83 85 87 89 91 93 95 97 99 101 103 105 107
109 111 113 115 117 119 121 123 124 125 126 127 128 130
"""
CONTENT_LINES = frozenset(int(line) for line in re.findall(r"\d+", _LINES))
#: Sentences, list parts or clauses with a home of their own, by line.
PARTS = {5: 2, 9: 2, 31: 12, 41: 3, 44: 2, 52: 2, 61: 4, 63: 3, 70: 2, 73: 3, 79: 6, 83: 3} | {
    91: 2, 95: 2, 101: 3, 107: 3, 109: 2, 117: 2, 130: 2
}  # fmt: skip
FINDINGS = {f"L-{number:02}" for number in range(1, 41)}

#: SHA-256 of the words of the employee's name and of the local parts that hold it.
NAME_WORDS = {
    "a7f01e57073fd25ec72820a945aa1b70ac5745fecffbc8e2de172a454ae70522",
    "db370630c6c3eb2b6ee20034f1d71cee02729957ef4c337e852471adfb38415c",
}

ROW = re.compile(r"^\| (\d+)(?:\.(\d+))? \| (.+) \| (.+) \| ?(.*?) ?\|$", re.MULTILINE)
FINDING_ROW = re.compile(r"^\| (L-\d\d) \| [EWI] \| .+ \| (.+) \|$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")


@pytest.fixture(scope="module")
def jot() -> Register:
    return Register.loads(TOML)


def resolves(path: str, tables: dict[str, Any]) -> bool:
    here: Any = tables
    for step in path.split("."):
        if not isinstance(here, dict) or step not in here:
            return False
        here = here[step]
    return True


def test_every_content_line_of_the_policy_is_traced() -> None:
    """No line of the policy is left out and none is invented."""
    assert {int(line) for line, *_ in ROW.findall(TRACE)} == CONTENT_LINES


def test_every_part_of_a_line_is_traced_in_order() -> None:
    """Lines of several sentences have a row for each of them."""
    found: dict[int, list[int]] = {}
    for line, part, *_ in ROW.findall(TRACE):
        found.setdefault(int(line), []).append(int(part or 0))
    for line, parts in found.items():
        expected = list(range(1, PARTS[line] + 1)) if line in PARTS else [0]
        assert parts == expected, line


def test_every_row_names_an_entry() -> None:
    """Each sentence has at least one place in the register."""
    for line, part, _, entry, _ in ROW.findall(TRACE):
        assert CODE.search(entry), (line, part)


def test_every_path_in_the_trace_resolves() -> None:
    """Each path is a table or key of the file as it is."""
    tables = tomllib.loads(TOML)
    paths = [path for row in ROW.findall(TRACE) for path in CODE.findall(row[3])]
    paths += [path for _, where in FINDING_ROW.findall(TRACE) for path in CODE.findall(where)]
    assert len(paths) > 150
    assert [path for path in paths if not resolves(path, tables)] == []


def test_a_wrong_path_does_not_resolve() -> None:
    """The check of paths can fail."""
    tables = tomllib.loads(TOML)
    assert resolves("purposes.newsletter.basis", tables)
    assert not resolves("purposes.newsleter", tables)
    assert not resolves("controller.name.first", tables)


def test_every_finding_is_told_and_used() -> None:
    """L-01 to L-40 each have a line of their own, a sentence or gap, and an entry in the file."""
    explained = [finding for finding, _ in FINDING_ROW.findall(TRACE)]
    assert explained == sorted(FINDINGS)
    rows = {f for row in ROW.findall(TRACE) for f in re.findall(r"L-\d\d", row[4])}
    assert rows == FINDINGS
    assert set(re.findall(r'"(L-\d\d)"', TOML)) == FINDINGS


def test_every_entry_of_the_policy_is_reached_by_the_trace() -> None:
    """What the register holds beyond the policy's sentences is named here, and nothing else."""
    tables = tomllib.loads(TOML)
    reached = {path for row in ROW.findall(TRACE) for path in CODE.findall(row[3])}
    unreached = {
        f"{part}.{key}"
        for part in ("purposes", "fields", "sources", "recipients", "cookies", "logs", "security")
        for key in tables[part]
        if not any(path.startswith(f"{part}.{key}") for path in reached)
    }
    assert unreached == {"fields.language"}


def test_the_named_employee_is_nowhere() -> None:
    """Only the role mailbox and the switchboard stand in the example."""
    for text in (TOML, TRACE):
        words = re.findall(r"\w+", text.lower())
        assert not NAME_WORDS & {hashlib.sha256(word.encode()).hexdigest() for word in words}
        assert set(re.findall(r"[\w.+-]+@[\w.-]+\w", text)) <= {"info@jotautomation.com"}
        assert set(re.findall(r"\+358[\d ]*\d", text)) <= {"+358 40 301 5000"}


def test_the_flow_to_the_usa_is_incomplete(jot: Register) -> None:
    """Importer, mechanism and evidence are unknown, and so is the recipient's name (R-713)."""
    flow = jot.transfer("usa")
    assert flow.status is TransferStatus.INCOMPLETE
    assert flow.missing == ("importer", "mechanism", "evidence")
    assert flow.findings == ("L-18",)
    assert flow.recipient is not None
    assert jot.recipient(flow.recipient).name is None


def test_the_flow_to_the_usa_goes_to_a_recipient_of_its_purposes(jot: Register) -> None:
    """Whoever a flow goes to is declared for each purpose it flows for (Art. 13(1)(e))."""
    flow = jot.transfer("usa")
    assert flow.purposes
    assert all(flow.recipient in jot.purpose(name).recipients for name in flow.purposes)


def test_no_paper_is_declared_that_the_policy_does_not_name(jot: Register) -> None:
    """No contract, arrangement or basis of a company's own is told of, so none stands here."""
    for recipient in jot.recipients.values():
        assert (recipient.contract, recipient.holds, recipient.essence_published) == (
            None,
            frozenset(),
            False,
        )
    based = {r.id: r.own_basis for r in jot.recipients.values() if r.own_basis is not None}
    assert based == {"authorities": LegalBasis.PUBLIC_TASK}
    assert jot.recipient("affiliates").role is RecipientRole.CONTROLLER


def test_notices_name_recipients_where_they_hold_the_item(jot: Register) -> None:
    """The published notice named no recipients; the corrected ones do (L-16)."""
    for notice in jot.notices.values():
        assert notice.names_recipients is (NoticeItem.RECIPIENTS in notice.items), notice.id
    assert {n.id for n in jot.notices.values() if not n.names_recipients} == {"v6"}


def test_no_basis_is_taken_literally(jot: Register) -> None:
    """Every purpose has a basis of Art. 6(1), a period, people and fields."""
    for purpose in jot.purposes.values():
        assert purpose.basis is not None, purpose.id
        assert purpose.retention is not None, purpose.id
        assert purpose.retention.keep, purpose.id
        assert purpose.subjects, purpose.id
        assert purpose.fields, purpose.id
        if purpose.basis is LegalBasis.LEGITIMATE_INTERESTS:
            assert purpose.assessment is not None, purpose.id
            assert purpose.interest, purpose.id
        if purpose.basis is LegalBasis.LEGAL_OBLIGATION:
            assert purpose.statute, purpose.id


def test_every_field_has_a_purpose_and_a_source_of_its_own_kind(jot: Register) -> None:
    """No field stands without a purpose (R-117)."""
    assert [field for field in jot.fields if not jot.purposes_of(field)] == []


def test_marketing_by_purpose(jot: Register) -> None:
    """The direct-marketing register rests on an assessed interest, the newsletter on consent."""
    marketing = jot.purpose("direct-marketing")
    assert marketing.basis is LegalBasis.LEGITIMATE_INTERESTS
    assert marketing.filing is FilingSystem.MARKETING
    assert marketing.channels == {Channel.EMAIL, Channel.POST, Channel.PHONE}
    assert marketing.assessment is not None
    assert marketing.assessment.passed
    assert marketing.assessment.covers_former
    newsletter = jot.purpose("newsletter")
    assert newsletter.basis is LegalBasis.CONSENT
    assert newsletter.channels == {Channel.EMAIL}
    assert newsletter.filing is FilingSystem.CUSTOMER
    assert {p.id for p in jot.purposes.values() if p.marketing} == {
        "direct-marketing",
        "newsletter",
        "profiling",
        "partner-marketing",
        "online-advertising",
    }


def test_no_marketing_purpose_takes_closed_data(jot: Register) -> None:
    """Credit data and free text reach no marketing purpose, and only whitelisted kinds move."""
    closed = {DataTag.CREDIT, DataTag.FREE_TEXT, DataTag.SPECIAL, DataTag.CRIMINAL}
    for purpose in jot.purposes.values():
        if purpose.marketing:
            for field in purpose.fields:
                assert not jot.field(field).tags & closed, (purpose.id, field)
    assert {jot.field(field).kind for field in jot.purpose("direct-marketing").fields} == {
        FieldKind.NAME,
        FieldKind.ORGANISATION,
        FieldKind.ROLE,
        FieldKind.EMAIL,
        FieldKind.PHONE,
        FieldKind.POSTAL_ADDRESS,
        FieldKind.LANGUAGE,
        FieldKind.PRODUCT_AREA,
    }
    assert jot.field("credit-information").tags == {DataTag.CREDIT}


def test_the_marketing_register_has_its_own_limits(jot: Register) -> None:
    """24 months from the end, 36 at most, for the direct-marketing purpose (R-406)."""
    register = jot.marketing_register
    assert register is not None
    assert register.purpose == "direct-marketing"
    assert (register.keep, register.cap) == (Period(months=24), Period(months=36))


def test_bookkeeping_and_claims_are_archived(jot: Register) -> None:
    """Vouchers 6 years, ledgers 10, claims 3: each under its own rule (R-408)."""
    keeps = {}
    for purpose in ("bookkeeping", "ledgers", "claims"):
        assert jot.purpose(purpose).filing is FilingSystem.ARCHIVE
        retention = jot.purpose(purpose).retention
        assert retention is not None
        keeps[purpose] = retention.keep.years
    assert keeps == {"bookkeeping": 6, "ledgers": 10, "claims": 3}


def test_the_published_notice_cannot_carry_a_move_and_the_corrected_ones_can(
    jot: Register,
) -> None:
    """v6 named marketing but neither the interest nor, apart, the right to object (R-403)."""
    marks = {
        notice.id: (
            notice.kind,
            notice.names_marketing,
            notice.names_interest,
            notice.names_right_to_object,
        )
        for notice in jot.notices.values()
    }
    assert marks == {
        "v6": (NoticeKind.DIRECT, True, False, False),
        "v7": (NoticeKind.DIRECT, True, True, True),
        "v7-reminder": (NoticeKind.NEW_PURPOSE, True, True, True),
        "v7-14": (NoticeKind.INDIRECT, True, True, True),
    }


def test_v7_speaks_of_every_purpose(jot: Register) -> None:
    """The corrected notice names each declared purpose (Art. 13(1)(c))."""
    assert jot.notice("v7").purposes == set(jot.purposes)


def test_sources_and_rights_are_declared(jot: Register) -> None:
    """Both outside registers are declared with their limits, and every right is told of."""
    kinds = {source.kind for source in jot.sources.values()}
    assert kinds == set(SourceKind)
    for kind in (SourceKind.POPULATION_REGISTER, SourceKind.CREDIT_REGISTER):
        (source,) = (one for one in jot.sources.values() if one.kind is kind)
        assert source.limits
        assert "L-11" in source.findings
    assert set(jot.rights) == set(Right)
