"""Facts outlive declarations: with parts of the register gone, everything is still answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.support import jot
from tests.policy.test_every_question import ANY_LIFE
from tests.policy.test_lives import case_of

from gdprkit.acts.connection import after_end
from gdprkit.acts.marketing import may_move
from gdprkit.acts.retention import due, erasure
from gdprkit.facts.entry import Entry
from gdprkit.policy.connection import may_move as answer_move
from gdprkit.policy.ending import DerivedEnd, derived_end
from gdprkit.policy.handling import Handling, ToTell, handling, to_tell
from gdprkit.policy.marks import tags, wake_at
from gdprkit.policy.request import deadline_of
from gdprkit.policy.retention import plan_after_end, plan_due, plan_erasure
from gdprkit.register.register import Register

_TABLES = ("fields", "recipients", "sources", "purposes", "notices")


@st.composite
def poorer_registers(draw: st.DrawFn) -> Register:
    """Draw the example's register with entries gone, and with them whatever named them."""
    declared = jot()
    kept: dict[str, Any] = {}
    for table in _TABLES:
        rows = getattr(declared, table)
        gone = draw(st.sets(st.sampled_from(sorted(rows))))
        kept[table] = {key: row for key, row in rows.items() if key not in gone}
    for where in ("sources", "purposes", "notices"):
        for key, row in kept[where].items():
            named = {
                part: [one for one in getattr(row, part) if one in kept[of]]
                for part, of in _NAMED.items()
                if hasattr(row, part)
            }
            kept[where][key] = attrs.evolve(row, **named)
    return attrs.evolve(
        declared, **kept, cookies={}, transfers={}, logs={}, banner=None, marketing_register=None
    )


_NAMED = {
    "fields": "fields",
    "recipients": "recipients",
    "sources": "sources",
    "purposes": "purposes",
    "renews": "purposes",
}


@given(ANY_LIFE, poorer_registers())
def test_what_nobody_named_is_never_asked_for(line: list[Entry], register: Register) -> None:
    """Plans, requests, ends and marks name nothing themselves, so nothing they meet is unknown."""
    case = attrs.evolve(case_of(line), register=register)
    assert not answer_move(case, may_move())
    held = {value.slot for value in case.standing.data.values}
    for plan in (
        plan_after_end(case, after_end()),
        plan_due(case, due()),
        plan_erasure(case, erasure(reason="objected", reference="case-1")),
    ):
        assert {item.slot for item in plan.items} == held
    for request in case.standing.request.cases:
        assert deadline_of(case, request).safe_end > request.received_at
        assert isinstance(handling(case, request), Handling)
    assert tags(case)
    assert isinstance(derived_end(case), DerivedEnd | None)
    assert isinstance(wake_at(case), datetime | None)
    for told in to_tell(case):
        assert isinstance(told, ToTell)
