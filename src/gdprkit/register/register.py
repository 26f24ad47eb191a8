"""The register: everything a controller declares, as one value.

Answers look-ups and nothing else; whether a declaration is lawful is judged on the policy floor,
so old registers load after the law changes. Always true: each entry stands under its own id, and
whatever one entry names is declared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar, final
from zoneinfo import ZoneInfo

import attrs

from gdprkit.errors import InvalidValue, RegisterInvalid, UnknownName, UnknownNotice, UnknownPurpose
from gdprkit.register import loading
from gdprkit.register._shape import findings_field, name, published_field, table, text
from gdprkit.register.digest import digest_of
from gdprkit.register.notices import Notice, Statement
from gdprkit.register.parties import (
    Controller,
    Recipient,
    RequestChannel,
    Source,
    Transfer,
    TransferMechanism,
)
from gdprkit.register.purposes import DataField, Purpose
from gdprkit.register.references import unknown_references
from gdprkit.register.website import Banner, Cookie, LogFile
from gdprkit.words.identifiers import FieldId, NoticeId, PurposeId, RecipientId, SourceId
from gdprkit.words.moments import Period
from gdprkit.words.vocabulary import Right

__all__ = ["SCHEMA", "MarketingRegister", "Register", "Setting"]

SCHEMA: Final = 1
"""The number of the file format this version reads."""

_MONTH_DAY = re.compile(r"(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])\Z")
_LONGEST_MONTHS = {"02": 29, "04": 30, "06": 30, "09": 30, "11": 30}

T = TypeVar("T")


@final
@attrs.frozen(kw_only=True)
class MarketingRegister:
    """The direct-marketing register, where contacts may be moved after the end (R-401 to R-420).

    Args:
        purpose: The declared marketing purpose its entries serve.
        keep: How long an entry stays, counted from the end of the connection (R-406).
        cap: The longest, counted from the person's own last act (R-406).
        strict: Whether a later notice cannot cure one that left marketing, interest or objection
            out (R-403 T3).
        because: The reason of the two numbers: the law has none.
        published: The controller's own words.
        findings: Ids of findings about those words.
    """

    purpose: PurposeId = attrs.field(validator=name)
    keep: Period
    cap: Period
    strict: bool = False
    because: str = attrs.field(validator=text(1000))
    published: str | None = published_field()
    findings: tuple[str, ...] = findings_field()


@final
@attrs.frozen(kw_only=True)
class Setting:
    """A choice where the law gives a standard and no number, changed with a reason (R-002).

    Args:
        id: Declared name of the setting.
        value: What was chosen; a period is written as text.
        reason: Why.
    """

    id: str = attrs.field(validator=name)
    value: bool | int | str
    reason: str = attrs.field(validator=text(1000))


@final
@attrs.frozen(kw_only=True)
class Register:
    """Everything a controller declares (GDPR Art. 5(2), 13, 14, 30).

    All tables are read-only and keep the order of the file.

    Args:
        schema: Number of the format; this version knows 1.
        controller: Who is responsible.
        purposes: What data is used for.
        fields: Which values are held.
        notices: Versions of notices.
        recipients: Who gets data.
        transfers: Flows to third countries.
        sources: Where data comes from.
        cookies: Items on people's devices.
        logs: Log files.
        banner: How visitors are asked about their devices; None while nobody has looked.
        request_channels: Ways offered to use a right.
        security: Security measures, as the record of processing describes them (Art. 30(1)(g)).
        statements: Whatever else the policy says.
        settings: Choices where the law gives no number.
        marketing_register: The direct-marketing register; None where there is none, and then
            nothing is ever moved.
        rights: Rights people are told of (Art. 13(2)(b)-(c)).
        financial_year_end: Last day of the financial year as ``MM-DD``.

    Raises:
        RegisterInvalid: an entry stands under another id than its own, or names what is not
            declared.
        InvalidValue: the schema is unknown or the end of the financial year is no day.
    """

    schema: int = attrs.field(default=SCHEMA)
    controller: Controller
    purposes: Mapping[PurposeId, Purpose] = attrs.field(factory=dict, converter=table)
    fields: Mapping[FieldId, DataField] = attrs.field(factory=dict, converter=table)
    notices: Mapping[NoticeId, Notice] = attrs.field(factory=dict, converter=table)
    recipients: Mapping[RecipientId, Recipient] = attrs.field(factory=dict, converter=table)
    transfers: Mapping[str, Transfer] = attrs.field(factory=dict, converter=table)
    sources: Mapping[SourceId, Source] = attrs.field(factory=dict, converter=table)
    cookies: Mapping[str, Cookie] = attrs.field(factory=dict, converter=table)
    logs: Mapping[str, LogFile] = attrs.field(factory=dict, converter=table)
    banner: Banner | None = None
    request_channels: Mapping[str, RequestChannel] = attrs.field(factory=dict, converter=table)
    security: Mapping[str, Statement] = attrs.field(factory=dict, converter=table)
    statements: Mapping[str, Statement] = attrs.field(factory=dict, converter=table)
    settings: Mapping[str, Setting] = attrs.field(factory=dict, converter=table)
    marketing_register: MarketingRegister | None = None
    rights: tuple[Right, ...] = attrs.field(default=(), converter=tuple)
    financial_year_end: str = attrs.field(default="12-31")

    @schema.validator
    def _known_schema(self, _: object, value: object) -> None:
        if type(value) is not int or value != SCHEMA:
            raise InvalidValue("schema", "is unknown to this gdprkit", f"write schema = {SCHEMA}")

    @financial_year_end.validator
    def _a_day_of_the_year(self, _: object, value: object) -> None:
        fits = isinstance(value, str) and _MONTH_DAY.match(value)
        if not fits or int(str(value)[3:]) > _LONGEST_MONTHS.get(str(value)[:2], 31):
            raise InvalidValue("financial_year_end", "is no day", 'write month and day, "12-31"')

    def __attrs_post_init__(self) -> None:
        tables = attrs.asdict(self, recurse=False)
        problems = [
            f"$.{part}[{str(key)!r}]: holds an entry with another id; use its own id as key"
            for part, rows in tables.items()
            if isinstance(rows, Mapping)
            for key, row in rows.items()
            if row.id != key
        ]
        problems += unknown_references({part: _plain(rows) for part, rows in tables.items()})
        if problems:
            raise RegisterInvalid("register", tuple(problems))

    def __reduce__(self) -> tuple[Any, ...]:
        # read-only views do not pickle; sweeps send the register to other processes
        parts = attrs.asdict(self, recurse=False)
        plain = {
            key: dict(value) if isinstance(value, Mapping) else value
            for key, value in parts.items()
        }
        return _rebuild, (plain,)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything declared, hexadecimal; plans name the register they rest on."""
        return digest_of(self)

    @classmethod
    def load(cls, path: str | Path) -> Register:
        """Read a register from a TOML file.

        Raises:
            RegisterInvalid: the file cannot be read or has mistakes; every one is listed.
        """
        return loading.load(cls, path, schema=SCHEMA)

    @classmethod
    def loads(cls, text: str, source: str = "register.toml") -> Register:
        """Read a register from TOML text; *source* is what problems call it.

        Raises:
            RegisterInvalid: the text has mistakes; every one is listed.
        """
        return loading.loads(cls, text, source=source, schema=SCHEMA)

    @classmethod
    def of(cls, tables: Mapping[str, Any], source: str = "register.toml") -> Register:
        """Make a register of parsed TOML; *source* is what problems call it.

        Raises:
            RegisterInvalid: the tables have mistakes; every one is listed.
        """
        return loading.made(cls, tables, source=source, schema=SCHEMA)

    def purpose(self, name: str) -> Purpose:
        """Return the purpose declared as *name*.

        Raises:
            UnknownPurpose: there is none; the error knows a close one.
        """
        return _look_up(self.purposes, PurposeId(name), "purpose", UnknownPurpose)

    def field(self, name: str) -> DataField:
        """Return the field declared as *name*.

        Raises:
            UnknownName: there is none; the error knows a close one.
        """
        return _look_up(self.fields, FieldId(name), "field", UnknownName)

    def notice(self, name: str) -> Notice:
        """Return the version of a notice declared as *name*.

        Raises:
            UnknownNotice: there is none; the error knows a close one.
        """
        return _look_up(self.notices, NoticeId(name), "notice", UnknownNotice)

    def recipient(self, name: str) -> Recipient:
        """Return the recipient declared as *name*.

        Raises:
            UnknownName: there is none; the error knows a close one.
        """
        return _look_up(self.recipients, RecipientId(name), "recipient", UnknownName)

    def source(self, name: str) -> Source:
        """Return the source declared as *name*.

        Raises:
            UnknownName: there is none; the error knows a close one.
        """
        return _look_up(self.sources, SourceId(name), "source", UnknownName)

    def transfer(self, name: str) -> Transfer:
        """Return the transfer to a third country declared as *name*.

        Raises:
            UnknownName: there is none; the error knows a close one.
        """
        return _look_up(self.transfers, name, "transfer", UnknownName)

    def cookie(self, name: str) -> Cookie:
        """Return the item on people's devices declared as *name*.

        Raises:
            UnknownName: there is none; the error knows a close one.
        """
        return _look_up(self.cookies, name, "cookie", UnknownName)

    def log(self, name: str) -> LogFile:
        """Return the log declared as *name*.

        Raises:
            UnknownName: there is none; the error knows a close one.
        """
        return _look_up(self.logs, name, "log", UnknownName)

    def purposes_of(self, field: str) -> tuple[Purpose, ...]:
        """Return the purposes that need *field*, in the order of the file (R-117).

        Raises:
            UnknownName: no such field is declared.
        """
        return self._purposes_by_field.get(self.field(field).id, ())

    @cached_property
    def zone(self) -> ZoneInfo:
        """The controller's time zone: civil days are counted there (R-550)."""
        return ZoneInfo(self.controller.zone)

    @cached_property
    def renewals(self) -> Mapping[PurposeId, tuple[Notice, ...]]:
        """Purpose -> the notices that ask for a new consent to it (R-214)."""
        found: dict[PurposeId, tuple[Notice, ...]] = {}
        for notice in self.notices.values():
            for purpose in notice.renews:
                found[purpose] = (*found.get(purpose, ()), notice)
        return found

    @cached_property
    def device_purposes(self) -> frozenset[PurposeId]:
        """The purposes that store on or read from people's devices (R-230)."""
        return frozenset(item.purpose for item in self.cookies.values())

    @cached_property
    def risky_purposes(self) -> frozenset[PurposeId]:
        """The purposes whose data flows to a third country on nothing but a consent, or on nothing
        known yet: the risks are told before a consent to them (R-209, Art. 49(1)(a)).
        """
        bare = (None, TransferMechanism.DEROGATION)
        flows = [t for t in self.transfers.values() if t.mechanism in bare]
        return frozenset(name for flow in flows for name in flow.purposes)

    @cached_property
    def _purposes_by_field(self) -> Mapping[FieldId, tuple[Purpose, ...]]:
        # asked for every value of every person; the register is frozen
        found: dict[FieldId, tuple[Purpose, ...]] = {}
        for purpose in self.purposes.values():
            for field in purpose.fields:
                found[field] = (*found.get(field, ()), purpose)
        return found


def _look_up(rows: Mapping[Any, T], wanted: object, kind: str, error: type[UnknownName]) -> T:
    # asked first, not caught after: a KeyError would carry the name along as the error's context
    if isinstance(wanted, str) and wanted in rows:
        return rows[wanted]
    raise error.of(kind, wanted, rows) from None


def _plain(rows: object) -> object:
    """Return a table of rows, or one row, as plain mappings; other values as they are."""
    if isinstance(rows, Mapping):
        return {key: attrs.asdict(row, recurse=False) for key, row in rows.items()}
    return attrs.asdict(rows, recurse=False) if isinstance(rows, MarketingRegister) else rows


def _rebuild(parts: dict[str, Any]) -> Register:
    return Register(**parts)
