"""A plan in words: what becomes of each value, and why, for the controller or for the person.

Decides which phrase tells which item of a plan. Leaves out the plan itself (``policy.retention``)
and the words (``texts/phrases/plans.toml``). Always true: every item is told, in the order of the
plan, and what a plan waits for is told before them; values are named by their fields, never shown
(R-402, R-408, R-503).
"""

from __future__ import annotations

from collections.abc import Iterator

from gdprkit.policy.explain import sentence as reason_in_words
from gdprkit.policy.languages import Language, Reader, check_reader
from gdprkit.policy.phrases import long_date, phrase
from gdprkit.policy.plan import Plan, PlanAction, PlanItem

__all__ = ["explain_plan", "sentence"]


def sentence(item: PlanItem, language: Language = "en", reader: Reader = "controller") -> str:
    """Return what becomes of one value and why, for the controller with the rule, without a stop.

    The last day is told where the value stays somewhere; an erasure has none.
    """
    told = phrase(f"{item.action}-{item.code}", language, reader, field=item.field)
    if item.until is not None and item.action is not PlanAction.ERASE:
        told += phrase("until", language, reader, day=long_date(item.until, language))
    return told if reader == "person" else f"{told} ({item.rule})"


def explain_plan(plan: Plan, language: Language = "en", reader: Reader = "controller") -> str:
    """Return a plan in words: what it is about, what it waits for, each value, the whole.

    Args:
        plan: The plan; nothing of it is done by telling it.
        language: ``en``, ``fi`` or ``sv``.
        reader: ``controller``, or ``person`` for the one whose values they are.

    Raises:
        InvalidValue: there is no such language or reader.
    """
    check_reader(language, reader)
    head = phrase(f"plan-{plan.kind}", language, reader)
    lines = dict.fromkeys(_lines(plan, language, reader))  # the person's words may fall together
    return "\n".join([f"{head[0].upper()}{head[1:]}:", *(f"  - {line}" for line in lines)])


def _lines(plan: Plan, language: Language, reader: Reader) -> Iterator[str]:
    if plan.decision is not None:
        yield from (reason_in_words(r, language, reader) for r in plan.decision.against)
    yield from (sentence(item, language, reader) for item in plan.items)
    if not plan.items:
        yield phrase("nothing-held", language, reader)
    for name in ("objects", "ends_marketing", "erases_person"):
        if getattr(plan, name):
            yield phrase(name.replace("_", "-"), language, reader)
