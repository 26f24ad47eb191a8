"""Checks of claims: that they can fail, and that the search of bytes finds what is there."""

from __future__ import annotations

import base64
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gdprkit.desk import claims as module
from gdprkit.desk.claims import Claim, Claims, counts, forms, holders
from gdprkit.storage import SqliteStore

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=30)


def test_a_claim_that_does_not_hold_is_told_as_failed() -> None:
    """Two counts that differ make a failed claim that names both."""
    told: list[Claim] = []
    made = Claims(told.append)
    made.equal("people", 3, 3)
    made.equal("keys", 3, 4)
    assert [claim.ok for claim in told] == [True, False]
    assert made.failed == (told[1],)
    assert "3" in told[1].detail
    assert "4" in told[1].detail


@given(text=TEXT, before=st.binary(max_size=5), after=st.binary(max_size=5))
def test_base64_is_found_at_every_place(text: str, before: bytes, after: bytes) -> None:
    """Whatever stands before and after it, one of the forms is in the base64 of a text."""
    encoded = base64.b64encode(before + text.encode() + after)
    assert any(form in encoded for form in forms(text))
    assert any(form in base64.urlsafe_b64encode(before + text.encode()) for form in forms(text))


@given(TEXT)
def test_plain_forms_are_there(text: str) -> None:
    """UTF-8, UTF-16 and hexadecimal are among the forms."""
    found = set(forms(text))
    assert {text.encode(), text.encode("utf-16-le"), text.encode().hex().encode()} <= found


def test_bytes_are_found_across_blocks_and_in_the_log(tmp_path: Path) -> None:
    """A needle across two blocks is found, and one in the write-ahead log as well."""
    file = tmp_path / "people.db"
    file.write_bytes(b"\0" * (module._BLOCK - 3) + b"needle" + b"\0" * 10)
    file.with_name("people.db-wal").write_bytes(b"in the log")
    found = holders(file, [b"needle", b"the log", b"absent", b""])
    assert found == {b"needle": ("people.db",), b"the log": ("people.db-wal",)}


def test_an_empty_store_counts_nothing(tmp_path: Path) -> None:
    """SQL counts an empty store as empty."""
    with SqliteStore(tmp_path / "people.db"):
        assert set(counts(tmp_path / "people.db").values()) == {0}
