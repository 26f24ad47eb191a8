"""What a checkpoint states, byte by byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import pytest

from gdprkit.errors import CheckpointInvalid
from gdprkit.ledger.checkpoint import (
    Leaf,
    Roots,
    Signed,
    Statement,
    expunged_leaf,
    line_leaf,
    read_leaf,
    read_statement,
    sign_statement,
    suppression_leaf,
    tombstone_leaf,
)

ANNA = UUID("00010000-0000-4000-8000-000000000001")
BO = UUID("00020000-0000-4000-8000-000000000002")
AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
HEAD = bytes(range(32))

LEAVES = [
    line_leaf(ANNA, 3, HEAD),
    line_leaf(BO, 1, HEAD),
    expunged_leaf(ANNA, 2, HEAD, AT),
    tombstone_leaf(HEAD, AT, "unlawful", "case ä", (b"\1\2", b"\3")),
    suppression_leaf(b"\xaa\xbb", ("", "email", "objection", "subject"), AT),
]


def roots_of(leaves: list[Leaf], tenant: str = "main") -> Roots:
    roots = Roots(tenant, "the test")
    for leaf in leaves:
        roots.add(leaf)
    return roots


def signed() -> tuple[Statement, Signed]:
    statement = Statement(
        tenant="main",
        at=AT,
        number=2,
        previous=HEAD,
        key="sign-1",
        sections=roots_of(LEAVES).sections(),
    )
    return statement, sign_statement(statement, lambda message: sha256(message).digest() * 2)


def test_the_form_of_leaves_is_pinned() -> None:
    """Leaves are the published JSON, each with its kind, and read back as they were."""
    head, at = HEAD.hex(), 1767603600000000
    assert [leaf.raw.decode() for leaf in LEAVES] == [
        f'["line","{ANNA.hex}",3,"{head}"]',
        f'["line","{BO.hex}",1,"{head}"]',
        f'["expunged","{ANNA.hex}",2,"{head}",{at}]',
        f'["tombstone",{at},"{head}","unlawful","case ä",["0102","03"]]',
        f'["suppression","aabb","","email","objection","subject",{at}]',
    ]
    assert [read_leaf(leaf.raw, "x") for leaf in LEAVES] == LEAVES


def test_a_leaf_is_hashed_with_its_tenant() -> None:
    """A tree of one leaf has the published digest as its root, and each tenant another."""
    data = b"\0" + b"gdprkit/leaf/v1\0" + b"\0\0\0\4" + b"main" + LEAVES[0].raw
    sections = roots_of(LEAVES[:1]).sections()
    assert sections["line"].root == sha256(data).digest()
    assert sections["line"].count == 1
    assert roots_of(LEAVES[:1], "shop").sections()["line"].root != sections["line"].root
    assert sections["suppression"].root == sha256(b"").digest()


@pytest.mark.parametrize("order", [(1, 0), (0, 0), (2, 0), (4, 3)])
def test_leaves_have_one_order(order: tuple[int, int]) -> None:
    """A leaf that comes twice, before its neighbour or before another kind is refused."""
    with pytest.raises(CheckpointInvalid, match="out of order"):
        roots_of([LEAVES[number] for number in order])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"3",
        b'["line"]',
        b'["person","a",1,"b"]',
        b'["line","a","1","b"]',
        b'["line","a",true,"b"]',
        b'["line","a",1,"b",2]',
        b'[["line"],"a",1,"b"]',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_is_no_leaf_is_refused(raw: bytes) -> None:
    """Rows of another shape are named, never a crash."""
    with pytest.raises(CheckpointInvalid, match="the file holds a row that is no leaf"):
        read_leaf(raw, "the file")


def test_the_statement_is_pinned() -> None:
    """The statement is canonical JSON of all it says; its signature covers a prefix and that."""
    statement, made = signed()
    plain = json.loads(made.raw)
    assert json.dumps(plain, sort_keys=True, separators=(",", ":")).encode() == made.raw
    assert {key: value for key, value in plain.items() if key != "trees"} == {
        "at": 1767603600000000,
        "form": "gdprkit/checkpoint/v1",
        "key": "sign-1",
        "number": 2,
        "previous": HEAD.hex(),
        "tenant": "main",
    }
    assert plain["trees"]["line"]["count"] == 2
    assert made.message == b"gdprkit/checkpoint/v1\0" + made.raw
    assert made.signature == sha256(made.message).digest() * 2
    assert made.digest == sha256(made.raw).digest()
    assert read_statement(made.raw, "x") == statement


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"form": "gdprkit/checkpoint/v2"}, "is of a form not known here"),
        ({"number": "2"}, "holds no statement"),
        ({"number": True}, "holds no statement"),
        ({"at": 1.5}, "holds no statement"),
        ({"at": 10**30}, "holds no statement"),
        ({"previous": "xy"}, "holds no statement"),
        ({"trees": {}}, "holds no statement"),
        ({"trees": 3}, "holds no statement"),
        ({"more": 1}, "holds no statement"),
        ({"tenant": None}, "holds no statement"),
    ],
)
def test_other_statements_are_refused(change: dict[str, object], problem: str) -> None:
    """A statement of a newer form, or one that lacks or adds something, is refused by its words."""
    plain = {**json.loads(signed()[1].raw), **change}
    with pytest.raises(CheckpointInvalid, match=problem):
        read_statement(json.dumps(plain).encode(), "the file")
    with pytest.raises(CheckpointInvalid, match="holds no statement"):
        read_statement(b"nothing", "the file")
