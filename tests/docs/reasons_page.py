"""The page of all reasons, made from the code: ``python -m tests.docs.reasons_page`` writes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

from tests.docs.transcripts import ROOT
from tests.policy.reasons import declared_reasons

import gdprkit
from gdprkit.policy.decisions import Reason
from gdprkit.policy.explain import text

__all__ = ["PAGE", "page"]

PAGE = ROOT / "docs" / "reference" / "reasons.md"
PACKAGE = Path(gdprkit.__file__).parent

HEAD = """\
# Reasons

Every reason a decision can give, by the module that decides. A code is stable; its words may
improve. The rule is the project's own number, the law is what the reason cites. The words stand
here in English; `gdprkit.policy.explain` gives them in Finnish (`fi`) and Swedish (`sv`) too, to
the controller and to the person. For a reason that `needs`, the controller is told besides what is
missing. The law map tells [how laws are cited](law-map.md#how-laws-are-cited) and each rule.

`allowed` speaks for the answer, `needs` holds it back until what is missing is there, `forbidden`
closes it; the strictest reason decides. A code stands more than once where several rules give it.

This page is made from the code: `python -m tests.docs.reasons_page` writes it anew.
"""


def page() -> str:
    """Return the whole page."""
    grouped: dict[str, list[Reason]] = defaultdict(list)
    for module, reason in declared_reasons():
        grouped[_home(module, reason.code)].append(reason)
    parts = [HEAD, *("\n".join(_section(module, grouped[module])) for module in sorted(grouped))]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _section(module: str, reasons: list[Reason]) -> Iterator[str]:
    yield f"## {module.removeprefix('gdprkit.')}"
    yield ""
    yield (import_module(module).__doc__ or "").split("\n\n")[0].replace("\n", " ").strip()
    yield ""
    yield "| code | outcome | rule | law | to the controller | to the person |"
    yield "|---|---|---|---|---|---|"
    rows: dict[tuple[str, str], dict[str, None]] = {}
    for reason in sorted(reasons, key=lambda one: (one.code, one.outcome, one.rule)):
        cites = dict.fromkeys(str(cite) for cite in reason.cites)
        missing = f"; missing: {', '.join(reason.missing)}" if reason.missing else ""
        words = f"{text(reason.code)}{missing} | {text(reason.code, 'en', 'person')}"
        start = f"| `{reason.code}` | {reason.outcome} | {reason.rule} |"
        rows.setdefault((start, words), {}).update(cites)
    for (start, words), cites in rows.items():
        yield f"{start} {'; '.join(cites)} | {words} |"


def _home(module: str, code: str) -> str:
    """Return the module whose source writes the code: one that imports a reason only holds it."""
    return next(one for one in (module, *_modules()) if f'"{code}"' in _source(one))


@cache
def _modules() -> tuple[str, ...]:
    return tuple(
        f"gdprkit.{floor}.{path.stem}"
        for floor in ("policy", "acts")
        for path in sorted((PACKAGE / floor).glob("*.py"))
    )


@cache
def _source(module: str) -> str:
    path = PACKAGE.parent.joinpath(*module.split(".")).with_suffix(".py")
    return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
