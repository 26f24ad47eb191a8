"""The marketing matrix against the documented one, cell by cell, and each cell as it behaves.

The two tables below are the project's law paper, part 3.1 with the readings of 0.3, for every
channel of it; nothing in the code reads them.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import attrs
import pytest
from tests.policy.support import (
    CLEAR,
    MARKETING,
    START,
    case,
    consented,
    ended,
    moved,
    related,
    sealed,
    with_purpose,
)

from gdprkit.facts.connection import ConnectionStarted
from gdprkit.facts.consent import ConsentWithdrawn
from gdprkit.facts.data import CircumstanceNoted, DataCollected, SubjectAdded
from gdprkit.facts.entry import Fact
from gdprkit.facts.marketing import AddressObtainedAtSale, ListChecked
from gdprkit.facts.notice import NoticeGiven
from gdprkit.facts.objection import MarketingObjection
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.marketing import MayContact, may_contact
from gdprkit.policy.matrix import ALWAYS, LISTS, MATRIX, Allowed, Column, Row
from gdprkit.register.register import Register
from gdprkit.words.identifiers import NoticeId, SourceId
from gdprkit.words.vocabulary import (
    Channel,
    CheckedList,
    Circumstance,
    IntakeChannel,
    SubjectKind,
)

_ELECTRONIC = """
| row | C+ | C- | S | N | OBJ | LIST |
| CON | A | F | A{own, optout, id, src} 200(3) | F 200(1) | F 21(3) | - |
| B2B-R | A | F | A{duty, lia, notice, optout, id, src} 202(1) | = S | F 202(1) | - |
| B2B-U | A | F | A{own, optout, id, src} | F 200(1) | F | - |
| GEN | A | F | A{optout, id} 202(1) | = S | F 202(1) | - |
| FCON | A | F | A{own, optout, id, src, mreg, age} 200(3) | F | F | - |
| FB2B | A | F | A{duty, lia, notice, mreg, optout, id, src} 202(1) | = S | F | - |
| PCON | A | F | F | F 200(1) | F | dvv |
| PB2B | A | F | A{duty, lia, a14, optout, id, src} 202(1) | = S | F | - |
"""
DOCUMENTED = {
    Channel.EMAIL: _ELECTRONIC,
    Channel.SMS: _ELECTRONIC,
    Channel.PHONE: """
| row | C+ | C- | S | N | OBJ | LIST |
| CON | A{time, id, ksl} | F | A{lia, notice, rob, time, id, ksl, src} 200(2) | = S | F | rob |
| B2B-R | A{id} | F | A{lia, notice, id, src} | = S | F | - |
| B2B-U | A{id} | F | A{lia, notice, rob, time, id, src} | = S | F | rob |
| GEN | A{id} | F | A{id} 202(1) | = S | F | - |
| FCON | A{time, id, ksl} | F | A{lia, notice, mreg, rob, time, id, ksl, src} | = S | F | rob |
| FB2B | A{id} | F | A{lia, notice, mreg, id, src} | = S | F | - |
| PCON | A{time, id, ksl} | F | A{lia, a14, rob, dvv, time, id, ksl, src} | = S | F | rob dvv |
| PB2B | A{id} | F | A{lia, a14, duty, id, src} | = S | F | - |
""",
    Channel.POST: """
| row   | C+ | C- | S                                    | N         | OBJ | LIST    |
| CON   | A  | F  | A{lia, notice, rob, src}             | = S | F   | rob dvv |
| B2B-R | A  | F  | A{lia, notice, src}                  | = S | F   | -       |
| FB2B  | A  | F  | A{lia, notice, src, mreg}            | = S | F   | -       |
| PB2B  | A  | F  | A{lia, a14, src}                     | = S | F   | -       |
| B2B-U | A  | F  | A{lia, notice, src}                  | = S | F   | -       |
| GEN   | A  | F  | A                                    | = S | F   | -       |
| FCON  | A  | F  | A{lia, notice, mreg, rob, src}       | = S | F   | rob dvv |
| PCON  | A  | F  | A{lia, a14, rob, dvv, src}           | = S | F   | rob dvv |
""",
}
#: The legend: what a C+ always needs as well.
LEGEND = {
    Channel.EMAIL: {"optout", "id", "src"},
    Channel.SMS: {"optout", "id", "src"},
    Channel.PHONE: {"id"},
    Channel.POST: {"src"},
}
#: The lists a channel has by its short name in column LIST.
LIST_WORDS = {
    (Channel.PHONE, "rob"): CheckedList.ROBINSON_PHONE,
    (Channel.POST, "rob"): CheckedList.ROBINSON_POST,
    **{(channel, "dvv"): CheckedList.POPULATION_REGISTER for channel in DOCUMENTED},
}

_CELL = re.compile(r"(?P<answer>[AF])(?:\{(?P<conditions>[^}]*)\})?(?: (?P<cite>\S+))?\Z")


@attrs.frozen
class Documented:
    allowed: bool
    conditions: frozenset[str]
    cite: str | None


def read(channel: Channel) -> dict[tuple[Row, Column], Documented]:
    """Parse a documented table."""
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in DOCUMENTED[channel].strip().splitlines()
    ]
    head, *rows = lines
    found: dict[tuple[Row, Column], Documented] = {}
    for row in rows:
        words = dict(zip(head, row, strict=True))
        for column in Column:
            word = words[column]
            match = _CELL.match(words["S"] if word == "= S" else word)
            assert match is not None, (row, column)
            conditions = match["conditions"] or ""
            found[Row(words["row"]), column] = Documented(
                allowed=match["answer"] == "A",
                conditions=frozenset(c.strip() for c in conditions.split(",") if c),
                cite=match["cite"],
            )
    return found


CELLS = [(channel, row, column) for channel in MATRIX for row in Row for column in Column]


def test_the_tables_are_the_channels_decided_here() -> None:
    """E-mail, messages, calls and post have a table; every row and column is documented."""
    assert set(MATRIX) == set(DOCUMENTED)
    for channel in MATRIX:
        assert set(read(channel)) == {(row, column) for row in Row for column in Column}
        assert {row: set(MATRIX[channel][row]) for row in Row} == {row: set(Column) for row in Row}


@pytest.mark.parametrize(("channel", "row", "column"), CELLS, ids=str)
def test_a_cell_is_the_documented_one(channel: Channel, row: Row, column: Column) -> None:
    """Answer, conditions and cited section of each cell are the paper's."""
    documented, cell = read(channel)[row, column], MATRIX[channel][row][column]
    assert isinstance(cell, Allowed) == documented.allowed
    if isinstance(cell, Allowed):
        assert set(cell.conditions) == documented.conditions
        assert len(cell.conditions) == len(documented.conditions)
    if documented.cite is not None:
        assert cell.cite.place == documented.cite


@pytest.mark.parametrize("channel", MATRIX)
def test_the_lists_are_the_documented_ones(channel: Channel) -> None:
    """Column LIST: which list counts for whom, and none where the paper says none."""
    head, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in DOCUMENTED[channel].strip().splitlines()
    )
    documented = {
        Row(row[0]): {
            LIST_WORDS[channel, word] for word in row[head.index("LIST")].split() if word != "-"
        }
        for row in rows
    }
    assert {row: set(LISTS[channel].get(row, ())) for row in Row} == documented


def test_the_printed_matrix_is_the_documented_one() -> None:
    """The table printed from the code reads back as the documented one, every cell of it."""
    for channel in MATRIX:
        for row in Row:
            for column in Column:
                cell = MATRIX[channel][row][column]
                printed = (
                    f"A{{{', '.join(cell.conditions)}}}" if isinstance(cell, Allowed) else "F"
                ).replace("{}", "")
                match = _CELL.match(printed)
                assert match is not None
                documented = read(channel)[row, column]
                said = match["conditions"] or ""
                again = frozenset(c.strip() for c in said.split(",") if c)
                assert (match["answer"] == "A") is documented.allowed
                assert again == documented.conditions, (channel, row, column)


def test_what_a_consent_always_needs_is_the_legend() -> None:
    """With consent the message still offers an opt-out, names its sender and knows its source."""
    assert {channel: set(names) for channel, names in ALWAYS.items()} == LEGEND


# --- each cell as it behaves ---------------------------------------------------------------------

_CONSUMERS = {Row.CON, Row.FCON, Row.PCON}
_FORMER = {Row.FCON, Row.FB2B}
_LISTED = {Row.PCON, Row.PB2B}
_LAPSED = date(2023, 1, 1)  # three years before the moment asked about: the soft opt-in is too old

#: condition -> code of the reason when it is not met
UNMET = {
    "optout": "opt-out-not-offered",
    "id": "sender-not-identified",
    "own": "products-not-shown-own",
    "duty": "duty-evidence-thin",
    "lia": "assessment-missing",
    "notice": "notice-not-given",
    "a14": "source-notice-not-given",
    "src": "source-unknown",
    "mreg": "register-entry-expired",
    "age": "soft-opt-in-too-old",
    "rob": "robinson-not-checked",
    "dvv": "population-register-not-checked",
    "time": "outside-call-hours",
    "ksl": "no-written-confirmation",
}
CALLER_UNNAMED = "caller-not-identified"  # what "id" is called in a call
_DECLARED: dict[str, dict[str, Any]] = {
    "optout": {"opt_out": False},
    "id": {"identified": False},
    "own": {"own_products": None},
    "lia": {"assessment": None},
    "ksl": {"written_confirmation": False},
}


def facts_of(channel: Channel, row: Row, column: Column, without: str | None) -> list[Fact]:
    """Return a life that stands in the row and column, with one condition unmet."""
    business = SubjectKind.GENERIC_ADDRESS if row is Row.GEN else SubjectKind.COMPANY_CONTACT
    kind = SubjectKind.CONSUMER if row in _CONSUMERS else business
    source = SourceId("population-register" if row in _LISTED else "contact-form")
    if without == "src":
        source = SourceId("nowhere")
    facts: list[Fact] = [
        SubjectAdded(kind=kind, source=source),
        DataCollected(values=[sealed("email"), sealed("address")], source=source),
        CircumstanceNoted(circumstance=Circumstance.ADULT),
    ]
    if without not in ("notice", "a14"):
        facts.append(NoticeGiven(notice=NoticeId("v7-14" if row in _LISTED else "v7")))
    if row in (Row.B2B_R, Row.FB2B, Row.PB2B):
        facts.append(related(thin=without == "duty"))
    if row not in _LISTED:
        facts.append(ConnectionStarted(reference="contract-1"))
    for which, name in (
        (CheckedList.ROBINSON_POST, "rob"),
        (CheckedList.ROBINSON_PHONE, "rob"),
        (CheckedList.POPULATION_REGISTER, "dvv"),
    ):
        if without != name:
            facts.append(ListChecked(checked=which, hit=False))
    if row in _FORMER:
        facts.append(ended(_LAPSED if without == "age" else date(2026, 1, 1)))
        facts.append(moved(date(2026, 1, 4) if without == "mreg" else date(2028, 1, 1)))
    match column:
        case Column.GIVEN:
            facts.append(consented(channels=[channel]))
        case Column.STOPPED:
            facts.append(
                ConsentWithdrawn(
                    purpose=MARKETING, channels=[channel], via=IntakeChannel.UNSUBSCRIBE_LINK
                )
            )
        case Column.SOFT:
            facts.append(
                AddressObtainedAtSale(
                    channels=[channel],
                    product_group="production-automation",
                    refusal_offered=True,
                    option_told=True,
                )
            )
        case Column.OBJECTED:
            facts.append(MarketingObjection(via=IntakeChannel.LETTER))
        case Column.NEVER:
            pass
    return facts


def register_of(without: str | None) -> Register:
    every = {"channels": list(MATRIX), "written_confirmation": True}
    return with_purpose(MARKETING, **{**every, **_DECLARED.get(without or "", {})})


NOON = START + timedelta(hours=1)  # a Monday
NIGHT = NOON + timedelta(hours=10)


def decide(channel: Channel, row: Row, column: Column, without: str | None = None) -> Decision:
    return may_contact(
        case(
            *facts_of(channel, row, column, without),
            at=NIGHT if without == "time" else NOON,
            register=register_of(without),
            suppressed=CLEAR,
        ),
        MayContact(channel=channel, purpose=MARKETING),
    )


@pytest.mark.parametrize(("channel", "row", "column"), CELLS, ids=str)
def test_somebody_in_the_cell_gets_its_answer(channel: Channel, row: Row, column: Column) -> None:
    """With every condition met an allowing cell allows, and a forbidding one forbids for good."""
    decision = decide(channel, row, column)
    name = {
        Channel.EMAIL: "M-EM",
        Channel.SMS: "M-SM",
        Channel.PHONE: "M-PH",
        Channel.POST: "M-PO",
    }[channel]
    assert decision.cell == f"{name}/{row}/{column}"
    allowed = read(channel)[row, column].allowed
    assert decision.outcome is (Outcome.ALLOWED if allowed else Outcome.FORBIDDEN), decision.codes


def conditions_of(channel: Channel, row: Row, column: Column) -> frozenset[str]:
    documented = read(channel)[row, column]
    if not documented.allowed:
        return frozenset()
    more = LEGEND[channel] if column is Column.GIVEN else set()
    member = {"mreg"} if row in _FORMER else set()  # also with consent
    return documented.conditions | more | member


UNMET_CASES = [
    (channel, row, column, name)
    for channel, row, column in CELLS
    for name in sorted(conditions_of(channel, row, column))
    # the row itself depends on a declared source; without one the person is no longer in it
    if not (name == "src" and row in _LISTED)
]


@pytest.mark.parametrize(("channel", "row", "column", "unmet"), UNMET_CASES, ids=str)
def test_each_condition_alone_withholds_the_answer(
    channel: Channel, row: Row, column: Column, unmet: str
) -> None:
    """One condition unmet gives NEEDS with its own reason and what is missing; mreg forbids."""
    decision = decide(channel, row, column, unmet)
    spoken = unmet == "id" and channel is Channel.PHONE
    assert [r.code for r in decision.against] == [CALLER_UNNAMED if spoken else UNMET[unmet]]
    if unmet == "mreg":
        assert decision.outcome is Outcome.FORBIDDEN
    else:
        assert decision.outcome is Outcome.NEEDS
        assert decision.missing


@pytest.mark.parametrize("channel", [c for c in Channel if c not in MATRIX])
def test_a_channel_without_a_table_needs_a_human(channel: Channel) -> None:
    """Online advertising is never allowed here: its own question knows the kind."""
    register = with_purpose(MARKETING, channels=[channel])
    decision = may_contact(
        case(*facts_of(Channel.EMAIL, Row.GEN, Column.GIVEN, None), register=register),
        MayContact(channel=channel, purpose=MARKETING),
    )
    assert decision.outcome is Outcome.NEEDS
    assert decision.codes == {"channel-not-decided"}
