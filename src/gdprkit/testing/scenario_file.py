"""Scenario files: TOML to lives and questions, every mistake by line, path and near word.

Decides only whether a file can be run. A scenario is a life (facts with their moments), a register
(that of the file, with changes), questions and what is expected of each. What may be asked stands
in ``testing.scenario_questions``; whether answers are right is found by ``testing.scenarios``. No
personal data is in a scenario: values are named by field, requests by a word of the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, final
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs

from gdprkit.errors import RegisterInvalid, ScenariosInvalid
from gdprkit.facts.entry import Entry
from gdprkit.facts.merge import MergedFrom
from gdprkit.facts.retention import Archived, MovedToMarketing
from gdprkit.ledger.codec import KINDS
from gdprkit.policy.case import Suppressed
from gdprkit.policy.decisions import Outcome
from gdprkit.policy.merging import brought_by
from gdprkit.register.register import Register
from gdprkit.state.standing import fold
from gdprkit.testing.scenario_answers import Record
from gdprkit.testing.scenario_questions import QUESTIONS
from gdprkit.testing.scenario_shapes import (
    Mistakes,
    check_codes,
    merged,
    moment_of,
    named_id,
    shaped,
    unknown,
)
from gdprkit.testing.toml_lines import line_of
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import Channel, FilingSystem

__all__ = ["SCHEMA", "Ask", "Scenario", "load_scenarios"]

SCHEMA: Final = 1

Table = Mapping[str, Any]


@final
@attrs.frozen(kw_only=True)
class Ask:
    """One question and what is expected of its answer.

    Args:
        at: The moment asked about.
        name: What is asked, for instance ``may-contact``.
        question: The question as a value.
        known_by: Only what had been recorded by then counts; None means all.
        suppressed: What the suppression list says; None means nobody looked.
        answer: The expected outcome; None where the answer is no decision.
        because: The codes of the reasons that withhold, all of them; for an allowed answer, codes
            that are among its reasons. None means they are not compared.
        missing: Everything that is missing, in words; None means it is not compared.
        cell: The cell of the matrix; None means it is not compared.
        until: Until when the answer holds; None means it is not compared.
        gives: Part of the answer -> expected value, where the answer is no decision.
        path: Where the question stands in the file.
    """

    at: datetime
    name: str
    question: object
    known_by: datetime | None
    suppressed: Suppressed | None
    answer: Outcome | None
    because: tuple[str, ...] | None
    missing: tuple[str, ...] | None
    cell: str | None
    until: datetime | None
    gives: Table
    path: str


@final
@attrs.frozen(kw_only=True)
class Scenario:
    """A life, a register and questions.

    Args:
        id: The name of the scenario, alone of its name in the file.
        says: What it shows, in a sentence.
        rules: The rules and cells it shows.
        register: What the controller declares.
        line: The entries of the life.
        others: Other lines that the life names: an organisation, a double of the person.
        asks: The questions, in order.
    """

    id: str
    says: str
    rules: tuple[str, ...]
    register: Register
    line: tuple[Entry, ...]
    others: Mapping[UUID, tuple[Entry, ...]]
    asks: tuple[Ask, ...]


@final
@attrs.frozen(kw_only=True)
class _Raw:
    id: str
    says: str
    rules: tuple[str, ...]
    life: tuple[str, ...] = ()
    facts: tuple[Any, ...] = ()
    others: Mapping[str, tuple[Any, ...]] = attrs.field(factory=dict)
    asks: tuple[Any, ...]
    changes: Mapping[str, Any] = attrs.field(factory=dict)
    without: tuple[str, ...] = ()


@final
@attrs.frozen(kw_only=True)
class _File:
    schema: int
    title: str = ""
    about: str = ""
    register: str | None = None
    shared: str | None = None
    changes: Mapping[str, Any] = attrs.field(factory=dict)
    like: Mapping[str, Any] = attrs.field(factory=dict)
    lives: Mapping[str, tuple[Any, ...]] = attrs.field(factory=dict)
    scenario: tuple[_Raw, ...] = ()


@final
@attrs.frozen(kw_only=True)
class _Expects:
    """The parts of a question's table that do not belong to the question."""

    at: Any
    ask: str
    known_by: Any = None
    looked: tuple[Channel, ...] | None = None
    hits: Mapping[str, Any] = attrs.field(factory=dict)
    nobody_looked: bool = False
    answer: Outcome | None = None
    because: tuple[str, ...] | None = None
    missing: tuple[str, ...] | None = None
    cell: str | None = None
    until: Any = None
    gives: Mapping[str, Any] = attrs.field(factory=dict)


_EXPECTS: Final = frozenset(field.name for field in attrs.fields(_Expects))


def load_scenarios(path: Path | str) -> tuple[Scenario, ...]:
    """Read the scenario file at *path*.

    Raises:
        ScenariosInvalid: the file cannot be read or has mistakes; every one is listed.
    """
    path = Path(path)
    text = _read(path)
    try:
        return _Reader(path, tomllib.loads(text)).scenarios()
    except Mistakes as found:
        raise _invalid(path, text, found.problems) from None


def _invalid(path: Path, text: str, problems: Iterable[str]) -> ScenariosInvalid:
    told = (f"line {line_of(text, p.partition(': ')[0])}: {p}" for p in problems)
    return ScenariosInvalid(str(path), tuple(dict.fromkeys(told)))


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as problem:
        why = f"the file cannot be read ({problem.strerror}); name a scenario file"
        raise ScenariosInvalid(str(path), (why,)) from None
    except UnicodeDecodeError:
        raise ScenariosInvalid(str(path), ("the file is not UTF-8 text",)) from None
    try:
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise ScenariosInvalid(str(path), (f"the text is not TOML: {problem}",)) from None
    return text


class _Reader:
    """Reads one file; what it names by path stands beside it."""

    def __init__(self, path: Path, parsed: Table) -> None:
        self._file = shaped(parsed, _File, "$")
        if self._file.schema != SCHEMA:
            raise Mistakes(f"$.schema: is unknown to this gdprkit; write schema = {SCHEMA}")
        self._like = dict(self._file.like)
        self._lives = dict(self._file.lives)
        register = self._file.register
        if self._file.shared is not None:
            near = path.parent / self._file.shared
            shared = shaped(tomllib.loads(_read(near)), _File, "$")
            self._like = {**shared.like, **self._like}
            self._lives = {**shared.lives, **self._lives}
            if register is None and shared.register is not None:
                register = str(Path(self._file.shared).parent / shared.register)
        if register is None:
            raise Mistakes("$.register: is missing; name the register file")
        self._tables = _tables(path.parent / register)

    def scenarios(self) -> tuple[Scenario, ...]:
        problems: list[str] = []
        made: list[Scenario] = []
        seen: set[str] = set()
        for number, raw in enumerate(self._file.scenario):
            path = f"$.scenario[{number}]"
            if raw.id in seen:
                problems.append(f"{path}.id: another scenario has this id; give it its own")
            seen.add(raw.id)
            try:
                made.append(self._scenario(raw, path))
            except Mistakes as found:
                problems += found.problems
        if problems:
            raise Mistakes(*problems)
        return tuple(made)

    def _scenario(self, raw: _Raw, path: str) -> Scenario:
        register = self._register(raw, path)
        zone = register.zone
        problems: list[str] = []
        line: list[Entry] = []
        asks: list[Ask] = []
        others: dict[str, list[Entry]] = {word: [] for word in raw.others}
        tables: list[tuple[list[Entry], str, Any]] = [
            (others[word], f"{path}.others.{word}[{index}]", table)
            for word, told in raw.others.items()
            for index, table in enumerate(told)
        ]
        tables += [(line, place, told) for place, told in self._facts(raw, path, problems)]
        for into, place, table in tables:
            try:
                into.append(self._entry(table, place, len(into) + 1, zone, others))
            except Mistakes as found:
                problems += found.problems
        for number, table in enumerate(raw.asks):
            place = f"{path}.asks[{number}]"
            try:
                asks.append(self._ask(table, place, zone))
            except Mistakes as found:
                problems += found.problems
        if not raw.asks:
            problems.append(f"{path}.asks: holds no question; ask one")
        if problems:
            raise Mistakes(*problems)
        return Scenario(
            id=raw.id,
            says=raw.says,
            rules=raw.rules,
            register=register,
            line=tuple(line),
            others={named_id(word): tuple(entries) for word, entries in others.items()},
            asks=tuple(asks),
        )

    def _register(self, raw: _Raw, path: str) -> Register:
        tables = merged(merged(self._tables, self._file.changes), raw.changes)
        for number, dotted in enumerate(raw.without):
            *parents, last = dotted.split(".")
            found: Any = tables
            for key in parents:
                found = found.get(key) if isinstance(found, dict) else None
            if not isinstance(found, dict) or last not in found:
                raise Mistakes(f"{path}.without[{number}]: the register has no such part")
            del found[last]
        try:
            return _register(repr(tables), _Held(tables))
        except RegisterInvalid as invalid:
            raise Mistakes(
                *(f"{path}.changes{p.removeprefix('$')}" for p in invalid.problems)
            ) from None

    def _facts(self, raw: _Raw, path: str, problems: list[str]) -> Iterator[tuple[str, Any]]:
        for number, name in enumerate(raw.life):
            if name in self._lives:
                for index, table in enumerate(self._lives[name]):
                    yield f"$.lives.{name}[{index}]", table
            else:
                problems.append(unknown(f"{path}.life[{number}]", "life", name, self._lives))
        for number, table in enumerate(raw.facts):
            yield f"{path}.facts[{number}]", table

    def _whole(self, table: object, path: str) -> dict[str, Any]:
        """Return a table with what its ``like`` says, where it does not say otherwise."""
        if not isinstance(table, dict):
            raise Mistakes(f"{path}: expected a table of keys and values")
        like = table.get("like")
        if like is None:
            return dict(table)
        if not isinstance(like, str) or like not in self._like:
            raise Mistakes(unknown(f"{path}.like", "table under [like]", like, self._like))
        own = {key: value for key, value in table.items() if key != "like"}
        return merged(self._whole(self._like[like], f"$.like.{like}"), own)

    def _entry(
        self,
        raw: object,
        path: str,
        position: int,
        zone: ZoneInfo,
        others: Mapping[str, list[Entry]],
    ) -> Entry:
        table = self._whole(raw, path)
        if "at" not in table:
            raise Mistakes(f"{path}.at: is missing; write the day or the moment")
        at = moment_of(table.pop("at"), f"{path}.at", zone, time(12, 0, position))
        recorded = table.pop("recorded", None)
        return Entry(
            position=position,
            at=at,
            recorded_at=at
            if recorded is None
            else moment_of(recorded, f"{path}.recorded", zone, time(12, 0, position)),
            fact=_merge(table, path, at, others)
            if "verified" in table
            else self._fact(table, path),
        )

    def _fact(self, table: dict[str, Any], path: str) -> Any:
        kinds = {kind: cls for cls, (kind, _) in KINDS.items()}
        kind = table.pop("fact", None)
        if kind not in kinds:
            raise Mistakes(unknown(f"{path}.fact", "kind of fact", kind, kinds))
        cls = kinds[kind]
        if "plan" in {field.name for field in attrs.fields(cls)}:
            table.setdefault("plan", "0" * 64)  # no scenario is about the digest of a plan
        filing = _FILING.get(cls)
        if filing is not None and isinstance(table.get("values"), list):
            table["values"] = [
                f"{filing}/{one}" if isinstance(one, str) else one for one in table["values"]
            ]
        return shaped(table, cls, path)

    def _ask(self, raw: object, path: str, zone: ZoneInfo) -> Ask:
        table = self._whole(raw, path)
        parts = {key: value for key, value in table.items() if key in _EXPECTS}
        expects = shaped(parts, _Expects, path)
        if expects.ask not in QUESTIONS:
            raise Mistakes(unknown(f"{path}.ask", "question", expects.ask, QUESTIONS))
        own = {key: value for key, value in table.items() if key not in _EXPECTS}
        cls = QUESTIONS[expects.ask].asked
        if cls is Record:
            question: object = Record(fact=self._fact(own, path))
        else:
            question = shaped(own, cls, path)
        check_codes(expects.because or (), f"{path}.because")
        if expects.answer is None and not expects.gives:
            raise Mistakes(f"{path}: expects nothing; write answer = ... or gives = ...")
        noon = time(13, 0)
        return Ask(
            at=moment_of(expects.at, f"{path}.at", zone, noon),
            name=expects.ask,
            question=question,
            known_by=None
            if expects.known_by is None
            else moment_of(expects.known_by, f"{path}.known_by", zone, noon),
            suppressed=_suppressed(expects, path, zone),
            answer=expects.answer,
            because=expects.because,
            missing=expects.missing,
            cell=expects.cell,
            until=None
            if expects.until is None
            else moment_of(expects.until, f"{path}.until", zone, time(0)),
            gives=expects.gives,
            path=path,
        )


@final
@attrs.frozen(kw_only=True)
class _Merge:
    """A merge whose parts are worked out from the other line, as the keeper does (R-416)."""

    fact: str
    other: str
    verified: bool


def _merge(
    table: dict[str, Any], path: str, at: datetime, others: Mapping[str, list[Entry]]
) -> MergedFrom:
    told = shaped(table, _Merge, path)
    if told.fact != KINDS[MergedFrom][0]:
        raise Mistakes(f"{path}.verified: belongs to a merge; leave it out")
    if told.other not in others:
        raise Mistakes(unknown(f"{path}.other", "line under others", told.other, others))
    standing = fold(others[told.other], until=at)
    return brought_by(SubjectId(named_id(told.other)), standing, verified=told.verified)


#: Facts whose values lie in another filing system than the customer file.
_FILING: Final[Mapping[Any, FilingSystem]] = {
    MovedToMarketing: FilingSystem.MARKETING,
    Archived: FilingSystem.ARCHIVE,
}


def _suppressed(expects: _Expects, path: str, zone: ZoneInfo) -> Suppressed | None:
    if expects.nobody_looked:
        return None
    looked = frozenset(Channel if expects.looked is None else expects.looked)
    hits = {
        shaped(word, Channel, f"{path}.hits"): moment_of(at, f"{path}.hits.{word}", zone, time(12))
        for word, at in expects.hits.items()
    }
    return Suppressed(looked=looked | set(hits), hits=hits)


@lru_cache(maxsize=8)
def _tables(path: Path) -> Table:
    Register.load(path)  # tells every mistake of the file itself
    return tomllib.loads(path.read_bytes().decode("utf-8-sig"))


@final
@attrs.frozen
class _Held:
    """Carries tables past a cache whose key is their text."""

    tables: Any = attrs.field(eq=False, hash=False)


@lru_cache(maxsize=256)
def _register(_text: str, held: _Held) -> Register:
    return Register.of(held.tables)
