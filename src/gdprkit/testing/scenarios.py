"""Running scenario files: each question is asked, each answer held against what the file expects.

Decides whether a scenario passes: every answer is the expected one, in every part that the file
names. Leaves out what a right answer is; the file says so, and a lawyer can read it. Always true: a
file that cannot be read makes the run unusable, nothing passes by not being looked at.

    gdprkit scenarios FILE…
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final, final

import attrs

from gdprkit.errors import GdprkitError, ScenariosInvalid, did_you_mean
from gdprkit.policy.case import Case
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.law import FINLAND
from gdprkit.state.standing import fold
from gdprkit.testing.scenario_file import Ask, Scenario, load_scenarios
from gdprkit.testing.scenario_questions import QUESTIONS
from gdprkit.testing.scenario_shapes import named_id
from gdprkit.testing.toml_lines import line_of
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.moments import civil_date, utc_moment

__all__ = ["ScenarioFailure", "ScenarioReport", "run_scenarios"]

_PERSON: Final = SubjectId(named_id("the person"))


@final
@attrs.frozen(kw_only=True)
class ScenarioFailure:
    """One part of one answer that came out otherwise.

    Args:
        file: The file.
        line: The line of the question.
        id: The scenario.
        part: Which part of the answer, for instance ``because``.
        expected: What the file expects, as text.
        got: What came out, as text.
    """

    file: str
    line: int
    id: str
    part: str
    expected: str
    got: str

    def __str__(self) -> str:
        return (
            f"{self.file}:{self.line}: {self.id}: {self.part}: "
            f"expected {self.expected}, got {self.got}"
        )


@final
@attrs.frozen(kw_only=True)
class ScenarioReport:
    """What came out: how many scenarios passed, how many failed, and each difference."""

    passed: int
    failed: int
    failures: tuple[ScenarioFailure, ...]


def run_scenarios(*paths: Path | str) -> ScenarioReport:
    """Run scenario files; a folder stands for every ``.toml`` file in it but registers.

    Raises:
        ScenariosInvalid: a file cannot be read or has mistakes, or nothing is there to run.
    """
    failures: list[ScenarioFailure] = []
    passed = failed = 0
    for path in _files(paths):
        for scenario in load_scenarios(path):
            found = [*_differences(scenario, str(path))]
            failures += found
            failed += bool(found)
            passed += not found
    if not passed + failed:
        raise ScenariosInvalid(", ".join(map(str, paths)), ("no scenario is there to run",))
    return ScenarioReport(passed=passed, failed=failed, failures=tuple(failures))


def _files(paths: tuple[Path | str, ...]) -> Iterator[Path]:
    for path in map(Path, paths):
        if path.is_dir():
            yield from (one for one in sorted(path.glob("*.toml")) if not _is_register(one))
        else:
            yield path


def _is_register(path: Path) -> bool:
    """Tell whether the file declares a controller, which no scenario file may and a register must.

    A file that cannot be read is none: its mistakes are told when it is loaded.
    """
    try:
        parsed = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return False
    return "controller" in parsed and "scenario" not in parsed


def _differences(scenario: Scenario, file: str) -> Iterator[ScenarioFailure]:
    for ask in scenario.asks:
        for part, expected, got in _compared(ask, _answer(scenario, ask, file)):
            yield ScenarioFailure(
                file=file,
                line=line_of(Path(file).read_text(encoding="utf-8-sig"), ask.path),
                id=scenario.id,
                part=part,
                expected=expected,
                got=got,
            )


def _answer(scenario: Scenario, ask: Ask, file: str) -> Any:
    settings = {name: setting.value for name, setting in scenario.register.settings.items()}
    zone = scenario.register.zone
    standing = fold(scenario.line, until=ask.at, known_by=ask.known_by)
    organisation = standing.connection.organisation
    beside = scenario.others.get(organisation) if organisation is not None else None
    case = Case(
        standing=standing,
        register=scenario.register,
        at=ask.at,
        law=FINLAND.with_settings(settings).on(civil_date(ask.at, zone)),
        about=_PERSON,
        suppressed=ask.suppressed,
        organisation=None if beside is None else fold(beside, until=ask.at, known_by=ask.known_by),
    )
    try:
        return QUESTIONS[ask.name].answer(case, ask.question)
    except GdprkitError as problem:
        # the question names what is not declared: the file is wrong, not the answer
        line = line_of(Path(file).read_text(encoding="utf-8-sig"), ask.path)
        why = f"line {line}: {ask.path}: {problem}"
        raise ScenariosInvalid(file, (why,)) from None


def _compared(ask: Ask, answer: Any) -> Iterator[tuple[str, str, str]]:
    """Yield each part that differs: its name, what was expected, what came out."""
    if isinstance(answer, Decision):
        yield from _compared_decision(ask, answer)
        if ask.gives:
            yield "gives", "a table", "a decision; write answer = ..."
        return
    if ask.answer is not None:
        yield "answer", ask.answer, f"no decision but {_text(answer)}"
    for name, expected in ask.gives.items():
        for part, value in _parts(name, expected):
            got = _look(answer, part)
            if _plain(value) != _plain(got):
                yield part, _text(value), _text(got)


def _compared_decision(ask: Ask, answer: Decision) -> Iterator[tuple[str, str, str]]:
    if answer.outcome is not ask.answer:
        because = ", ".join(sorted({r.code for r in answer.against})) or "nothing against"
        yield "answer", str(ask.answer), f"{answer.outcome} ({because})"
        return
    if ask.because is not None:
        against = {reason.code for reason in answer.against}
        wanted = set(ask.because)
        if answer.outcome is Outcome.ALLOWED:
            against = wanted & answer.codes
        if wanted != against:
            all_codes = answer.codes if answer else against
            yield "because", ", ".join(sorted(wanted)), ", ".join(sorted(all_codes))
    if ask.missing is not None and set(ask.missing) != set(answer.missing):
        yield "missing", _text(ask.missing), _text(answer.missing)
    if ask.cell is not None and ask.cell != answer.cell:
        yield "cell", ask.cell, str(answer.cell)
    if ask.until is not None and ask.until != answer.valid_until:
        yield "until", str(ask.until), str(answer.valid_until)


def _parts(name: str, expected: Any) -> Iterator[tuple[str, Any]]:
    """Yield the single values a file expects; tables within are walked."""
    if isinstance(expected, Mapping):
        for key, value in expected.items():
            yield from _parts(f"{name}.{key}", value)
    else:
        yield name, expected


def _look(answer: Any, path: str) -> Any:
    found = answer
    for key in path.split("."):
        if not isinstance(found, Mapping):
            return f"(nothing called {key})"
        known = {str(one): one for one in found}
        if key in known:
            found = found[known[key]]
        elif named_id(key) in found:
            found = found[named_id(key)]
        else:
            close = did_you_mean(key, known)
            return f"(no {key}{f'; did you mean {close}?' if close else ''})"
    return found


def _plain(value: Any) -> Any:
    """Return a value as a file can say it: no value at all is the text ``none``."""
    if value is None:
        return "none"
    if isinstance(value, datetime):
        return utc_moment(value, "the moment")
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (set, frozenset)):
        return sorted(map(_plain, value))
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


def _text(value: Any) -> str:
    plain = _plain(value)
    if isinstance(plain, list):
        return f"[{', '.join(map(_text, plain))}]"
    return plain.isoformat() if isinstance(plain, (date, datetime)) else str(plain)
