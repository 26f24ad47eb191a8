"""The law map, made from rules, code and scenarios: ``python -m tests.docs.law_map`` writes it."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import attrs
from tests.docs.transcripts import ROOT
from tests.policy.reasons import declared_reasons

import gdprkit
from gdprkit.testing.scenario_file import load_scenarios

__all__ = ["PAGE", "Rule", "code_of", "page", "rules", "scenarios_of"]

PAGE = ROOT / "docs/reference/law-map.md"
RULES = ROOT / "docs/reference/rules.toml"
EXAMPLES = ROOT / "docs/examples/scenarios"
PACKAGE = Path(gdprkit.__file__).parent
FLOORS = ("words", "register", "facts", "state", "policy", "acts", "ledger", "keeper")
RULE = re.compile(r"R-\d{3}\b(?! (?:to|or) R-)(?<!to R-\d{3})")

TITLES = {
    "profile": "The law by the day",
    "bases": "Legal bases and purposes",
    "consent": "Consent",
    "devices": "Devices and logs",
    "marketing": "Direct marketing",
    "connection": "The end of the connection, and the marketing register",
    "rights": "Rights of the person",
    "deadlines": "Deadlines",
    "transfers": "Recipients, transfers, retention",
}

HEAD = """\
# The law map

From an article of the law to the rules that gdprkit made of it, from a rule to the code that
decides it and to the [scenarios](scenario-files.md) that show it. Rules stand here in the project's
own words ([rules.toml](rules.toml)); the law itself says more, and a lawyer reads both.

Code is named by module and function, without the leading `gdprkit.`; words in `code font` behind it
are the [reasons](reasons.md) that it gives. A rule that is left to people, wholly or in part, says
so and why.

This page is made from the rules, the code and the scenarios: `python -m tests.docs.law_map` writes
it anew, and a test fails while a rule has no code or no scenario.

## How laws are cited

| short | law |
|---|---|
| GDPR | Regulation (EU) 2016/679; `Art. 6(1)(f)` is point (f) of its Article 6(1) |
| ECSA | Finnish Act 917/2014 on electronic communications (laki sähköisen viestinnän palveluista) |
| DPA-FI | Finnish Data Protection Act 1050/2018 (tietosuojalaki) |
| KSL | Finnish Consumer Protection Act 38/1978 (kuluttajansuojalaki), by chapter |
| Credit Information Act | Finnish Act 527/2007 (luottotietolaki) |
| Accounting Act | Finnish Act 1336/1997 (kirjanpitolaki), chapter:section |
| Act on Limitation of Debts | Finnish Act 728/2003 (laki velan vanhentumisesta) |
| Population Information System Act | Finnish Act 661/2009 (laki väestötietojärjestelmästä) |
| VAT Act | Finnish Value Added Tax Act 1501/1993 (arvonlisäverolaki) |
| Reg. 1182/71 | Regulation (EEC, Euratom) No 1182/71 on periods, dates and time limits |
| EDPB | a guideline of the European Data Protection Board: guidance, no law |
| project setting | no law: a cautious choice where the law leaves it open, and its rule |

`R-311` is a rule of this page. `T5` is one of the twelve guards of R-403, whose words stand among
the [reasons](reasons.md#policyconnection), and `M-EM/CON/N` a cell of the
[marketing matrix](marketing-matrix.md).
"""


@attrs.frozen(kw_only=True)
class Rule:
    """One rule: what it says, where it stands in the law, what of it is left to people and why."""

    id: str
    part: str
    says: str
    law: tuple[str, ...]
    human: str | None = None


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule of rules.toml, in its order."""
    table = tomllib.loads(RULES.read_text(encoding="utf-8"))
    return tuple(
        Rule(id=name, part=part, says=one["says"], law=tuple(one["law"]), human=one.get("human"))
        for part, group in table.items()
        for name, one in group.items()
    )


@cache
def code_of() -> Mapping[str, tuple[str, ...]]:
    """Return rule -> the functions, classes and modules whose text names it."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for floor in FLOORS:
        for path in sorted((PACKAGE / floor).glob("*.py")):
            source = path.read_text(encoding="utf-8")
            spans = _spans(ast.parse(source))
            module = f"{floor}.{path.stem}".removesuffix(".__init__")
            for number, line in enumerate(source.splitlines(), start=1):
                for rule in RULE.findall(line):
                    inside = next((name for name, a, b in spans if a <= number <= b), "")
                    found[rule][f"{module}.{inside}".rstrip(".")] = None
    return {rule: tuple(names) for rule, names in found.items()}


def _spans(tree: ast.Module) -> list[tuple[str, int, int]]:
    """Return the functions and classes at the top of a module, with their first and last line."""
    return [
        (node.name, node.lineno, node.end_lineno or node.lineno)
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    ]


@cache
def reasons_of() -> Mapping[str, tuple[str, ...]]:
    """Return rule -> the codes of the reasons that carry it."""
    found: dict[str, set[str]] = defaultdict(set)
    for _, reason in declared_reasons():
        found[reason.rule].add(reason.code)
    return {rule: tuple(sorted(codes)) for rule, codes in found.items()}


@cache
def scenarios_of() -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return rule -> the scenarios that show it, each with its file."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in sorted(EXAMPLES.glob("*.toml")):
        for one in load_scenarios(path):
            for rule in dict.fromkeys(one.rules):
                found[rule].append((path.name, one.id))
    return {rule: tuple(shown) for rule, shown in found.items()}


def page() -> str:
    """Return the whole page."""
    parts = [HEAD, "\n".join(_by_article()), *("\n".join(_part(part)) for part in TITLES)]
    parts += ["\n".join(_people())]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _by_article() -> Iterator[str]:
    yield "## By article"
    yield ""
    yield "| law | rules |"
    yield "|---|---|"
    articles: dict[str, list[str]] = defaultdict(list)
    for rule in rules():
        for place in dict.fromkeys(_article(law) for law in rule.law):
            articles[place].append(f"[{rule.id}](#{_title(rule).lower().replace(' ', '-')})")
    for place in sorted(articles, key=_order):
        yield f"| {place} | {', '.join(articles[place])} |"


def _article(law: str) -> str:
    """Return the article or section of a place in the law, without its paragraphs."""
    return re.sub(r"(?<=\d)\(.*| paras? .*", "", law)


def _order(place: str) -> tuple[bool, str, list[int]]:
    """Order the GDPR first, then other laws by name, and articles by number."""
    name = re.split(r" (?:Art\.|s\.|recital|\d)", place)[0]
    return name != "GDPR", name + ("~" if "recital" in place else ""), _numbers(place)


def _numbers(place: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", place)]


def _title(rule: Rule) -> str:
    return re.sub(r"[^\w\- ]", "", TITLES[rule.part])


def _part(part: str) -> Iterator[str]:
    yield f"## {TITLES[part]}"
    yield ""
    yield "| rule | says | law | code | scenarios |"
    yield "|---|---|---|---|---|"
    for rule in rules():
        if rule.part == part:
            yield (
                f"| {rule.id} | {rule.says} | {'; '.join(rule.law)} | {_code(rule)} "
                f"| {_shown(rule)} |"
            )


def _code(rule: Rule) -> str:
    codes = " ".join(f"`{code}`" for code in reasons_of().get(rule.id, ()))
    places = ", ".join(name.replace("_", r"\_") for name in code_of().get(rule.id, ()))
    return ": ".join(part for part in (places, codes) if part) or "people"


def _shown(rule: Rule) -> str:
    files: dict[str, list[str]] = defaultdict(list)
    for file, name in scenarios_of().get(rule.id, ()):
        files[file].append(name)
    return "; ".join(
        f"[{file.removesuffix('.toml')}](../examples/scenarios/{file}): {', '.join(names)}"
        for file, names in files.items()
    )


def _people() -> Iterator[str]:
    yield "## Left to people"
    yield ""
    yield "| rule | why |"
    yield "|---|---|"
    for rule in rules():
        if rule.human:
            yield f"| {rule.id} | {rule.human} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
