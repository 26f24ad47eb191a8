"""The reference pages say what the code says, name by name and number by number."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import attrs
import click
import pytest
from tests.docs.tables import (
    advertising_table,
    errors,
    facts_table,
    matrix_table,
    names_in,
    rows,
    section,
    words_table,
)
from tests.docs.transcripts import ROOT

import gdprkit
from gdprkit import AsyncRecordKeeper, RecordKeeper
from gdprkit.desk.cli import cli
from gdprkit.keeper.key_care import KeyCare
from gdprkit.ledger.codec import KINDS
from gdprkit.policy.advertising import ADVERTISING
from gdprkit.policy.law import FI_2026, SOURCES
from gdprkit.policy.leftovers import LEFTOVERS
from gdprkit.policy.matrix import MATRIX, Allowed, Column, Row
from gdprkit.register.notices import Notice, NoticeItem, Statement
from gdprkit.register.parties import (
    ContractItem,
    Controller,
    Fallback,
    Recipient,
    RequestChannel,
    Source,
    Transfer,
    TransferMechanism,
)
from gdprkit.register.purposes import (
    AfterRetention,
    Assessment,
    Compatibility,
    DataField,
    Purpose,
    RetentionRule,
)
from gdprkit.register.register import MarketingRegister, Register, Setting
from gdprkit.register.website import Banner, Cookie, DeviceUse, LogFile, Technique
from gdprkit.sealing.fields import SealedFields
from gdprkit.sealing.settings import KeySettings
from gdprkit.storage.schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION
from gdprkit.words import vocabulary
from gdprkit.words.vocabulary import AdKind, Channel

REFERENCE = ROOT / "docs" / "reference"
API = REFERENCE / "api.md"
MARKS = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}
ACTS = ("connection", "consent", "data", "device", "marketing", "requests", "retention")


def _signature(name: str, function: Callable[..., object]) -> str:
    """Return a call as the page writes it: names, ``=…`` where a default is."""
    shown: list[str] = []
    starred = False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == "self":
            continue
        mark = MARKS.get(parameter.kind.name, "")
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            shown.append("*")
        starred = starred or mark == "*" or parameter.kind is parameter.KEYWORD_ONLY
        default = "" if parameter.default is parameter.empty else "=…"
        shown.append(f"{mark}{parameter.name}{default}")
    return f"{name}({', '.join(shown)})"


def _public(owner: object, names: list[str]) -> Iterator[str]:
    for name in names:
        found = inspect.getattr_static(owner, name)
        plain = isinstance(found, property) or inspect.isclass(found)
        yield name if plain else _signature(name, found)


def test_the_face_is_documented() -> None:
    """The table of the face holds exactly the names of ``gdprkit.__all__``."""
    assert names_in(rows(section(API, "## gdprkit"))) == gdprkit.__all__


def test_the_keeper_is_documented() -> None:
    """Each public method of the keeper stands on the page with its parameters."""
    names = [name for name in vars(RecordKeeper) if not name.startswith("_")]
    assert names_in(rows(section(API, "## RecordKeeper"))) == list(_public(RecordKeeper, names))


def test_the_awaited_keeper_is_documented() -> None:
    """What the awaited keeper has of its own stands on the page with its parameters."""
    mine = [name for name in vars(AsyncRecordKeeper) if name in {"run", "on"}]
    shown = names_in(rows(section(API, "## AsyncRecordKeeper")))
    assert shown == list(_public(AsyncRecordKeeper, mine))


def test_the_care_of_keys_is_documented() -> None:
    """Each public method of ``keeper.keys`` stands on the page with its parameters."""
    names = [name for name in vars(KeyCare) if not name.startswith("_")]
    assert names_in(rows(section(API, "## keeper.keys"))) == list(_public(KeyCare, names))


def test_the_door_for_own_columns_is_documented() -> None:
    """Each public method of ``keeper.fields`` stands on the page with its parameters."""
    names = [name for name in vars(SealedFields) if not name.startswith("_")]
    shown = names_in(rows(section(API, "## keeper.fields")))
    assert shown == list(_public(SealedFields, names))


def test_settings_of_keys_are_documented() -> None:
    """Each part of ``KeySettings`` stands on the page with its default."""
    shown = [(name, default) for name, default, _ in rows(section(API, "## KeySettings"))]
    wanted = [(part.name, part.default) for part in attrs.fields(KeySettings)]
    assert shown == [
        (name, repr(set(value)) if isinstance(value, frozenset) else repr(value))
        for name, value in wanted
    ]


@pytest.mark.parametrize("module", ACTS)
def test_acts_are_documented(module: str) -> None:
    """Each public name of a module of acts stands on the page with its parameters."""
    owner = import_module(f"gdprkit.acts.{module}")
    shown = names_in(rows(section(API, f"## {module}")))
    assert sorted(shown) == sorted(_public(owner, owner.__all__))


def test_modules_named_exist() -> None:
    """Every module and name in the list of modules to use by themselves is there and public."""
    for modules, gives in rows(section(API, "## Modules to use by themselves")):
        for module in modules.split(", "):
            owner = import_module(module)
            named = re.findall(r"\b([A-Z]+_\d+|[A-Z]{2,}|[A-Z][a-zA-Z]+|[a-z]+_[a-z]+)\b", gives)
            known = {name for name in named if hasattr(owner, name)}
            assert known <= set(getattr(owner, "__all__", ())), module
    assert set(gdprkit.storage.__all__) == set(names_in(rows(section(API, "## gdprkit.storage"))))


def test_every_error_is_documented() -> None:
    """The table of errors holds every class of the family, its code and whether to try again."""
    for module in walk_packages(gdprkit.__path__, "gdprkit."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    known = {(error.code, error.__name__, "yes" if error.retryable else "no") for error in errors()}
    shown = rows((REFERENCE / "errors.md").read_text(encoding="utf-8"))
    assert {row[:3] for row in shown} == known
    assert len(shown) == len(known)
    assert all(meaning and cure for _, _, _, meaning, cure in shown)


def _commands(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    for word, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


@pytest.mark.parametrize(("name", "command"), list(_commands(cli, "gdprkit")))
def test_every_command_is_documented(name: str, command: click.Command) -> None:
    """Each command has its part on the page, with every option and what it takes."""
    text = section(REFERENCE / "commands.md", f"## {name}")
    usage = text.split("```")[1]
    for parameter in command.params:
        option = isinstance(parameter, click.Option)
        shown = parameter.opts[0] if option else parameter.human_readable_name
        assert shown in usage
    assert f"$ {name} " in (REFERENCE / "commands.md").read_text(encoding="utf-8")


def test_every_kind_is_documented() -> None:
    """The table of kinds is that of the codec, in its order."""
    shown = rows(section(REFERENCE / "stored-format.md", "## Kinds"))
    assert [row[:3] for row in shown] == [
        (kind, str(schema), cls.__name__) for cls, (kind, schema) in KINDS.items()
    ]
    assert all(meaning for *_, meaning in shown)


def test_the_facts_of_a_scenario_are_documented() -> None:
    """Whoever writes a scenario finds each kind of fact with its parts, and the words they take."""
    page = section(REFERENCE / "scenario-files.md", "## The facts")
    assert facts_table() in page
    assert words_table() in page


def test_every_sqlite_table_is_documented() -> None:
    """The page names every table of the store, and the numbers in the file's header."""
    text = section(REFERENCE / "stored-format.md", "## SQLite tables")
    made = [found[1] for sql in SCHEMA if (found := re.match(r"CREATE TABLE (\w+)", sql))]
    assert sorted(names_in(rows(text))) == sorted(made)
    assert f"{APPLICATION_ID:#x}" in text
    assert f"`user_version` {SCHEMA_VERSION}." in text


def test_settings_are_those_of_the_law_profile() -> None:
    """The table of settings holds each number with its kind, rule and source."""

    def word(value: object) -> str:
        if isinstance(value, tuple):
            return "decisions"  # a table of its own
        return str(value).lower() if isinstance(value, bool) else str(value)

    page = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    shown = rows(page.partition("## Decisions of adequacy")[0])
    assert [row[:5] for row in shown] == [
        (
            name,
            word(getattr(FI_2026, name)),
            "law" if source.is_law else "setting",
            source.rule,
            str(source.citation),
        )
        for name, source in SOURCES.items()
    ]


def test_decisions_of_adequacy_are_those_of_the_law_profile() -> None:
    """The table of decisions holds each with its days and whom it carries."""
    assert rows(section(REFERENCE / "settings.md", "## Decisions of adequacy")) == [
        (
            one.country,
            one.decision,
            str(one.since or ""),
            str(one.until or ""),
            "listed importers" if one.listed else "every importer",
        )
        for one in FI_2026.adequacy
    ]


def test_numbers_that_no_rule_reads_are_named() -> None:
    """The page names each number that waits for its rule, so that nobody relies on it."""
    package = Path(inspect.getfile(gdprkit)).parent
    code = "\n".join(file.read_text(encoding="utf-8") for file in package.rglob("*.py"))
    read = set(re.findall(r"\blaw\.(\w+)", code)) | {rule.length for rule in LEFTOVERS.values()}
    text = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    named = text.partition("read by none in this version:")[2].partition(".")[0]
    assert set(re.findall(r"`(\w+)`", named)) == set(SOURCES) - read


HEADINGS = {
    Channel.EMAIL: "## E-mail",
    Channel.SMS: "## Text messages and automated calls",
    Channel.PHONE: "## Calls by a human",
    Channel.POST: "## Addressed post",
}


@pytest.mark.parametrize(("channel", "heading"), HEADINGS.items())
def test_the_matrix_on_the_page_is_the_matrix(channel: Channel, heading: str) -> None:
    """The printed table of a channel is exactly what the policy looks answers up in."""
    printed = section(REFERENCE / "marketing-matrix.md", heading).strip()
    assert printed == matrix_table(channel)


def test_the_matrix_page_explains_every_mark() -> None:
    """Every row, column and condition of the matrix is explained, and no channel is left out."""
    page = REFERENCE / "marketing-matrix.md"
    assert names_in(rows(section(page, "## Rows: whom the message is for"))) == list(Row)
    said = section(page, "## Columns: what the person said, for that channel")
    assert sorted(names_in(rows(said))) == sorted(Column)
    used = {
        condition
        for table in MATRIX.values()
        for cells in table.values()
        for cell in cells.values()
        if isinstance(cell, Allowed)
        for condition in cell.conditions
    }
    assert set(names_in(rows(section(page, "## Conditions")))) == used
    assert set(MATRIX) == set(HEADINGS) == set(Channel) - {Channel.ONLINE}


def test_the_table_of_advertising_on_the_page_is_the_table() -> None:
    """The printed table of online advertising is what the policy looks answers up in."""
    page = section(REFERENCE / "marketing-matrix.md", "## Online advertising")
    assert advertising_table() in page
    assert set(ADVERTISING) | {AdKind.INBOX} == set(AdKind)


PARTS = {
    "[controller]": Controller,
    "[fields.NAME]": DataField,
    "[purposes.NAME]": Purpose,
    "[purposes.NAME.retention]": RetentionRule,
    "[purposes.NAME.assessment]": Assessment,
    "[purposes.NAME.compatibility]": Compatibility,
    "[notices.NAME]": Notice,
    "[sources.NAME]": Source,
    "[recipients.NAME]": Recipient,
    "[transfers.NAME]": Transfer,
    "[transfers.NAME.fallback]": Fallback,
    "[marketing_register]": MarketingRegister,
    "[settings.NAME]": Setting,
    "[request_channels.NAME]": RequestChannel,
    "[cookies.NAME]": Cookie,
    "[logs.NAME]": LogFile,
    "[banner]": Banner,
}


def _keys(cls: type[attrs.AttrsInstance]) -> list[tuple[str, bool]]:
    """Return the keys a table of the file may have, and which it must."""
    return [
        (part.name, part.default is attrs.NOTHING)
        for part in attrs.fields(cls)
        if part.name != "id"
    ]


@pytest.mark.parametrize(
    ("heading", "cls"),
    [
        *((f"## `{part}`", cls) for part, cls in PARTS.items()),
        ("## `[security.NAME]` and `[statements.NAME]`", Statement),
    ],
)
def test_the_register_file_is_documented(heading: str, cls: type[attrs.AttrsInstance]) -> None:
    """Each part of a register file stands on the page with its keys, required ones marked."""
    shown = rows(section(REFERENCE / "register-file.md", heading))
    assert [(key, default == "required") for key, _, default, _ in shown] == _keys(cls)
    assert all(meaning for *_, meaning in shown)


def test_no_part_of_the_register_file_is_missing() -> None:
    """Every field of the register is a documented part or stands in the table of the top."""
    page = REFERENCE / "register-file.md"
    parts = {re.split(r"[.\]]", part.strip("["))[0] for part in PARTS}
    top = set(names_in(rows(section(page, "## The top of the file"))))
    fields = {part.name for part in attrs.fields(Register)}
    assert parts | top | {"security", "statements"} == fields


def test_closed_words_are_documented() -> None:
    """The words of each list stand on the page in the order of the code."""
    lists = {
        "legal basis": vocabulary.LegalBasis,
        "kind of person": vocabulary.SubjectKind,
        "field kind": vocabulary.FieldKind,
        "tag": vocabulary.DataTag,
        "purpose kind": vocabulary.PurposeKind,
        "ground of Art. 9(2)": vocabulary.SpecialGround,
        "identity code ground": vocabulary.IdentityCodeGround,
        "channel": vocabulary.Channel,
        "filing system": vocabulary.FilingSystem,
        "trigger": vocabulary.Trigger,
        "what follows": AfterRetention,
        "notice kind": vocabulary.NoticeKind,
        "item": NoticeItem,
        "source kind": vocabulary.SourceKind,
        "role": vocabulary.RecipientRole,
        "way in": vocabulary.IntakeChannel,
        "right": vocabulary.Right,
        "contract term": ContractItem,
        "mechanism": TransferMechanism,
        "technique": Technique,
        "device use": DeviceUse,
    }
    shown = rows(section(REFERENCE / "register-file.md", "## Closed words"))
    assert shown == [(name, ", ".join(words)) for name, words in lists.items()]


def test_open_questions_are_numbered_without_a_gap() -> None:
    """The page of what is not decided holds U-01 to U-18, each with what is done and why."""
    page = ROOT / "docs" / "explanation" / "not-decided.md"
    shown = rows(section(page, "## Questions open in law"))
    assert names_in(shown) == [f"U-{number:02d}" for number in range(1, 19)]
    assert all(all(cells) for cells in shown)


def test_the_glossary_is_in_order() -> None:
    """Words stand in alphabetical order in each table, once, each with a meaning."""
    page = ROOT / "docs" / "glossary.md"
    text = page.read_text(encoding="utf-8")
    tables = [rows(part) for part in text.split("\n## ")]
    assert len(tables) == 2
    for shown in tables:
        words = [word.casefold() for word in names_in(shown)]
        assert words == sorted(words)
        assert all(meaning for _, meaning, _ in shown)
    words = names_in([row for shown in tables for row in shown])
    assert len(set(words)) == len(words)
