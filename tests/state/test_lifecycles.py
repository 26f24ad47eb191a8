"""The two life cycles as tables: every status has a row, each ends, nothing leaves the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from gdprkit.state import connection, request
from gdprkit.state.connection import ConnectionStatus
from gdprkit.state.request import FINAL, RequestStatus

PICTURE = Path(__file__).parents[1] / "vectors" / "lifecycles.json"

TABLES: dict[str, tuple[type[StrEnum], Mapping[StrEnum, Mapping[type, StrEnum]]]] = {
    "connection": (ConnectionStatus, connection.TRANSITIONS),  # type: ignore[dict-item]
    "request": (RequestStatus, request.TRANSITIONS),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("name", TABLES)
def test_every_status_has_a_row(name: str) -> None:
    """No status is missing from its table."""
    statuses, table = TABLES[name]
    assert set(table) == set(statuses)


@pytest.mark.parametrize("name", TABLES)
def test_every_status_reaches_an_end(name: str) -> None:
    """From each status some chain of steps leads to a final one."""
    _, table = TABLES[name]
    ends = {status for status, row in table.items() if not row}
    assert ends
    for start in table:
        seen, todo = set(), [start]
        while todo:
            status = todo.pop()
            if status not in seen:
                seen.add(status)
                todo.extend(table[status].values())
        assert seen & ends, start


def test_final_requests_are_the_papers() -> None:
    """Final are fulfilled, partly refused, refused, not identifiable and withdrawn (0.3)."""
    assert {
        RequestStatus.FULFILLED,
        RequestStatus.PARTLY_REFUSED,
        RequestStatus.REFUSED,
        RequestStatus.NOT_IDENTIFIABLE,
        RequestStatus.WITHDRAWN_BY_SUBJECT,
    } == FINAL


def picture() -> dict[str, dict[str, dict[str, str]]]:
    """Return both tables as plain words."""
    return {
        name: {
            str(status): {
                kind.__name__: str(to)
                for kind, to in sorted(row.items(), key=lambda pair: pair[0].__name__)
            }
            for status, row in table.items()
        }
        for name, (_, table) in TABLES.items()
    }


def test_full_product_is_pinned() -> None:
    """Every status times every step is as the stored picture has it; a change is a decision."""
    assert picture() == json.loads(PICTURE.read_text(encoding="utf-8"))
