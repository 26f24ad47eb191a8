"""The chain tells every way in which a line can be tampered with."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdprkit.errors import ChainBroken, InvalidValue
from gdprkit.ledger.chain import DIGEST_SIZE, genesis, link, verify_line
from gdprkit.storage.protocol import StoredEntry
from gdprkit.words.identifiers import SubjectId

ANNA = SubjectId(UUID("00010000-0000-4000-8000-000000000001"))
BO = SubjectId(UUID("00020000-0000-4000-8000-000000000002"))
BODIES = [b"given", b"withdrawn", b"given again", b"objected"]

Line = list[StoredEntry]
lines = st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=6)


def _line(bodies: list[bytes], tenant: str = "main", about: SubjectId = ANNA) -> Line:
    entries: Line = []
    digest = genesis(tenant, about)
    for position, body in enumerate(bodies, start=1):
        digest = link(digest, body)
        entries.append(StoredEntry(position=position, body=body, digest=digest))
    return entries


LINE = _line(BODIES)
HEAD = LINE[-1].digest


def test_the_form_is_pinned() -> None:
    """The digests are those of the published form, computed here without the library."""
    about = bytes.fromhex("00010000000040008000000000000001")
    start = sha256(b"gdprkit/line/v1\x00" + b"\x00\x00\x00\x04" + b"main" + about).digest()
    first = sha256(b"gdprkit/entry/v1\x00" + start + b"given").digest()
    assert genesis("main", ANNA) == start
    assert link(start, b"given") == first
    assert start.hex() == "8e5fe13ade981df402de2418733bf012ad7130353c5d9483d414691d41911507"
    assert first.hex() == "ecad0e23efc8d74f96b2c829a91546432d1ea83364abd4e5aa0fefd4ee382078"


def test_a_tenant_may_have_any_name() -> None:
    """The name's length is counted in bytes, so no name and id can pass for another pair."""
    names = ["", "a", "ä", "äiti", "main\0", "main"]
    assert len({genesis(name, about) for name in names for about in (ANNA, BO)}) == 12
    assert all(len(genesis(name, ANNA)) == DIGEST_SIZE for name in names)


@pytest.mark.parametrize("previous", [b"", b"\0" * 31, b"\0" * 33])
def test_a_digest_has_one_size(previous: bytes) -> None:
    """Anything else before a body would let bytes move between the two."""
    with pytest.raises(InvalidValue):
        link(previous, b"body")


def test_whole_lines_pass() -> None:
    """An empty line, a line of one and a longer one are whole."""
    verify_line("main", ANNA, [], genesis("main", ANNA))
    verify_line("main", ANNA, LINE[:1], LINE[0].digest)
    verify_line("main", ANNA, LINE, HEAD)


def _rechained(line: Line) -> Line:
    return _line([entry.body for entry in line])


@pytest.mark.parametrize(
    ("tampered", "position", "problem"),
    [
        (lambda: [LINE[0], attrs.evolve(LINE[1], body=b"kept"), *LINE[2:]], 2, "changed"),
        (lambda: [*LINE[:3], attrs.evolve(LINE[3], digest=b"\0" * 32)], 4, "changed"),
        (lambda: [*LINE[:3], attrs.evolve(LINE[3], digest=b"short")], 4, "changed"),
        (lambda: [LINE[0], *LINE[2:]], 2, "missing"),
        (lambda: LINE[1:], 1, "missing"),
        (lambda: [LINE[0], LINE[2], LINE[1], LINE[3]], 2, "reordered"),
        (lambda: [LINE[0], LINE[1], LINE[1], *LINE[2:]], 2, "twice or out of order"),
        (lambda: [*LINE, LINE[3]], 4, "twice or out of order"),
        (lambda: LINE[:3], 4, "cut short"),
        (list, 1, "cut short"),
        (lambda: _line([*BODIES, b"added"]), 5, "follow the recorded head"),
        (lambda: _rechained([LINE[0], LINE[2], LINE[3]]), 4, "cut short or rewritten"),
        (lambda: _line(BODIES, about=BO), 1, "another place or line"),
        (lambda: _line(BODIES, tenant="other"), 1, "another place or line"),
    ],
)
def test_tampering_is_told(tampered: Callable[[], Line], position: int, problem: str) -> None:
    """Each way of tampering names the person, the position and what is wrong there."""
    with pytest.raises(ChainBroken) as caught:
        verify_line("main", ANNA, tampered(), HEAD)
    assert (caught.value.about, caught.value.position) == (ANNA, position)
    assert problem in caught.value.problem


def test_swapped_bodies_are_told() -> None:
    """Entries that change places and take each other's positions are changed entries."""
    swapped = [
        attrs.evolve(LINE[1], position=1),
        attrs.evolve(LINE[0], position=2),
        *LINE[2:],
    ]
    with pytest.raises(ChainBroken) as caught:
        verify_line("main", ANNA, swapped, HEAD)
    assert caught.value.position == 1


def test_entries_where_none_are_known_are_told() -> None:
    """A line of somebody who should have none is found out."""
    with pytest.raises(ChainBroken) as caught:
        verify_line("main", ANNA, LINE, genesis("main", ANNA))
    assert (caught.value.position, caught.value.problem) == (1, "entries follow the recorded head")


def test_no_body_reaches_the_error() -> None:
    """The error tells where, never what stood there."""
    broken = [attrs.evolve(LINE[0], body=b"SECRET"), *LINE[1:]]
    with pytest.raises(ChainBroken) as caught:
        verify_line("main", ANNA, broken, HEAD)
    assert "SECRET" not in str(caught.value) + repr(caught.value)


@given(bodies=lines)
def test_every_line_written_by_link_is_whole(bodies: list[bytes]) -> None:
    """Whatever the bodies, a line passes against its last digest."""
    entries = _line(bodies)
    verify_line("main", ANNA, entries, entries[-1].digest)


@given(bodies=lines, data=st.data())
def test_any_other_line_is_broken(bodies: list[bytes], data: st.DataObject) -> None:
    """No other sequence of bodies, chained afresh, ends with the same head."""
    others = data.draw(lines)
    entries, rewritten = _line(bodies), _line(others)
    if others == bodies:
        verify_line("main", ANNA, rewritten, entries[-1].digest)
        return
    with pytest.raises(ChainBroken):
        verify_line("main", ANNA, rewritten, entries[-1].digest)


@given(bodies=lines, data=st.data())
def test_no_byte_can_change(bodies: list[bytes], data: st.DataObject) -> None:
    """Flipping one bit of one body or digest breaks the line at that entry."""
    entries = _line(bodies)
    head = entries[-1].digest
    at = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(st.sampled_from(["body", "digest"]))
    value = bytearray(getattr(entries[at], field))
    value[data.draw(st.integers(0, len(value) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    changed = {field: bytes(value)}
    entries[at] = attrs.evolve(entries[at], **changed)  # type: ignore[arg-type]
    with pytest.raises(ChainBroken) as caught:
        verify_line("main", ANNA, entries, head)
    assert caught.value.position == at + 1
