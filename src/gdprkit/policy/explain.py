"""A decision in words, for the controller or for the person, in the languages of the texts.

Codes are stable; words may improve. The words of a code stand in ``texts/``, one file for each room
that declares reasons, all languages beside each other; a test holds that none is missing. Words
name the law and the entries a reason rests on, never a person's data.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final, Protocol

from gdprkit.errors import InvalidValue
from gdprkit.policy.citing import cited
from gdprkit.policy.languages import LANGUAGES, READERS, Language, Reader, check_reader
from gdprkit.words.citations import Citation

__all__ = ["LANGUAGES", "READERS", "Language", "Reader", "explain", "sentence", "text", "texts"]


class _Reason(Protocol):
    """What is told of a reason; ``policy.decisions.Reason`` has it."""

    @property
    def code(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def cites(self) -> tuple[Citation, ...]: ...
    @property
    def evidence(self) -> tuple[int, ...]: ...
    @property
    def missing(self) -> tuple[str, ...]: ...


class _Decision(Protocol):
    """What is told of a decision; ``policy.decisions.Decision`` has it."""

    @property
    def question(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def cell(self) -> str | None: ...
    @property
    def at(self) -> datetime: ...
    @property
    def reasons(self) -> Sequence[_Reason]: ...
    @property
    def valid_until(self) -> datetime | None: ...


@cache
def texts() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return code -> reader -> language -> words, read from the package's own files once."""
    found: dict[str, Mapping[str, Mapping[str, str]]] = {}
    folder = files("gdprkit.policy") / "texts"
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".toml"):
            found |= tomllib.loads(file.read_text(encoding="utf-8"))
    return found


def text(code: str, language: Language = "en", reader: Reader = "controller") -> str:
    """Return the words of a code.

    Raises:
        InvalidValue: there is no such code, language or reader.
    """
    found = texts().get(code, {}).get(reader, {}).get(language)
    if found is None:
        raise InvalidValue(
            "code, language or reader",
            "has no words",
            f"use a code of the reference, one of {', '.join(LANGUAGES)}, and controller or person",
        )
    return found


_MARKS: Final = {"allowed": "+", "needs": "?", "forbidden": "-"}


def sentence(reason: _Reason, language: Language = "en", reader: Reader = "controller") -> str:
    """Return one reason in words: for the controller with law, rule, entries and what is missing;
    for the person with the law alone.
    """
    words = text(reason.code, language, reader)
    cites = ", ".join(cited(cite, language, reader) for cite in reason.cites)
    if reader == "person":
        return f"{words} ({cites})"
    entries = ", ".join(str(position) for position in reason.evidence)
    rests = f"; {_ENTRY[language]} {entries}" if entries else ""
    # a code's own words say in every language what is lacking; the exact phrase is English
    missing = f"; missing: {', '.join(reason.missing)}" if reason.missing else ""
    return f"{words} ({cites}; {reason.rule}{rests}){missing if language == 'en' else ''}"


_ENTRY: Final[Mapping[Language, str]] = {"en": "entry", "fi": "merkintä", "sv": "anteckning"}
_OUTCOME: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {"allowed": "allowed", "needs": "needs", "forbidden": "forbidden"},
    "fi": {"allowed": "sallittu", "needs": "edellyttää lisäksi", "forbidden": "kielletty"},
    "sv": {"allowed": "tillåtet", "needs": "kräver mer", "forbidden": "förbjudet"},
}
_AT: Final[Mapping[Language, str]] = {"en": "at", "fi": "hetkellä", "sv": "vid"}
_UNTIL: Final[Mapping[Language, str]] = {
    "en": "holds until {until} UTC if nothing new is recorded",
    "fi": "voimassa {until} UTC saakka, jos mitään uutta ei kirjata",
    "sv": "gäller till {until} UTC om inget nytt antecknas",
}


def explain(decision: _Decision, language: Language = "en", reader: Reader = "controller") -> str:
    """Return the decision in words: the outcome, then a line for each reason.

    Raises:
        InvalidValue: there is no such language or reader.
    """
    check_reader(language, reader)
    outcome = _OUTCOME[language][decision.outcome]
    if reader == "person":
        # marked as for the controller: what speaks for it is not read as what withholds it
        told = dict.fromkeys(
            f"  {_MARKS[r.outcome]} {sentence(r, language, reader)}" for r in decision.reasons
        )
        return "\n".join([f"{outcome[0].upper()}{outcome[1:]}:", *told])
    cell = f" [{decision.cell}]" if decision.cell else ""
    head = f"{decision.question}: {outcome}{cell} {_AT[language]} {decision.at:%Y-%m-%d %H:%M} UTC"
    lines = [f"  {_MARKS[r.outcome]} {sentence(r, language)}" for r in decision.reasons]
    until = decision.valid_until
    if until is not None:
        lines.append(f"  {_UNTIL[language].format(until=f'{until:%Y-%m-%d %H:%M}')}")
    return "\n".join([head, *lines])
