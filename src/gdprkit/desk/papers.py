"""The papers of a demo run as text: what was imported, decided, planned, counted and erased.

Always true: no paper but the answer for the person shows personal data; people stand in them by
their opaque ids, contact points are masked.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from gdprkit.desk.codes import ROW_CODES
from gdprkit.keeper.importing import ImportReport
from gdprkit.policy.plan import Plan, PlanAction

__all__ = [
    "SEVERAL",
    "guards_of",
    "import_text",
    "outcome_of",
    "plan_json",
    "plan_text",
    "tally_lines",
]

SEVERAL: Final = "A person may meet several guards, so guards may add up to more than the people."
"""Said wherever guards are counted."""


def import_text(report: ImportReport) -> str:
    """Return the report of an import."""
    lines = ["Import of contacts.csv", ""]
    lines += [f"{outcome:<10} {count:>8}" for outcome, count in report.counts.items()]
    lines += [f"{'rows':<10} {report.rows:>8}", ""]
    lines += ["Rows that were not simply added, by line of the file:", ""]
    for found in report.findings:
        parts = [f"line {found.line}: {found.outcome}", found.code]
        if found.column:
            parts.append(f"column {found.column}")
        if found.other_line:
            parts.append(f"same person as line {found.other_line}")
        if found.contact:
            parts.append(found.contact)
        lines.append(", ".join(parts))
    codes = sorted({found.code for found in report.findings})
    if codes:
        width = max(map(len, codes))
        lines += ["", "What the codes mean:", ""]
        lines += [f"{code:<{width}}  {ROW_CODES[code]}" for code in codes]
    return "\n".join(lines) + "\n"


def outcome_of(plan: Plan) -> str:
    """Return in a word what becomes of a person: moved, archived, erased, waiting or kept."""
    if plan.waiting_for:
        return "waiting"
    if plan.of(PlanAction.MOVE):
        return "moved"
    if plan.erases_person:
        return "erased"
    if plan.of(PlanAction.ARCHIVE):
        return "archived"
    return "kept"


def guards_of(plan: Plan) -> tuple[str, ...]:
    """Return the codes that decided against a move; for a person kept, why nothing may go."""
    if plan.decision is None:
        return tuple(sorted({item.code for item in plan.items}))
    return tuple(dict.fromkeys(reason.code for reason in plan.decision.against))


def plan_text(plan: Plan) -> str:
    """Return one person's plan: the outcome, the guards, then every value."""
    guards = ", ".join(guards_of(plan)) or "all twelve guards passed"
    lines = [f"{plan.about}  {outcome_of(plan)}  ({guards})"]
    for item in plan.items:
        until = f" until {item.until}" if item.until else ""
        purpose = f" for {item.purpose}" if item.purpose else ""
        lines.append(
            f"    {item.field:<18} {item.action:<8}{purpose}{until}  {item.code} {item.rule}"
        )
    return "\n".join(lines) + "\n"


def plan_json(plan: Plan) -> str:
    """Return one person's plan as one line of JSON."""
    body: dict[str, Any] = {
        "about": str(plan.about),
        "digest": plan.digest,
        "outcome": outcome_of(plan),
        "guards": guards_of(plan),
        "waiting_for": plan.waiting_for,
        "expires_on": str(plan.expires_on) if plan.expires_on else None,
        "items": [
            {
                "field": item.field,
                "filing": item.filing,
                "action": item.action,
                "purpose": item.purpose,
                "until": str(item.until) if item.until else None,
                "code": item.code,
                "rule": item.rule,
            }
            for item in plan.items
        ],
    }
    return json.dumps(body, separators=(",", ":"))


def tally_lines(tally: Mapping[Any, int] | Counter[Any], names: Iterable[str]) -> list[str]:
    """Return counts under a heading, the greatest first; a tuple of words is one row."""
    rows = sorted(tally.items(), key=lambda pair: (-pair[1], str(pair[0])))
    head = "  ".join(names)
    return [head] + [
        f"{count:>8}  {'  '.join(key) if isinstance(key, tuple) else key}" for key, count in rows
    ]
