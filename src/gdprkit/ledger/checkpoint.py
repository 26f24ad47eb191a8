"""What a checkpoint states about a store, as bytes that are hashed and signed.

Decides the leaves of its four trees, their order, and the statement over their roots. It leaves out
who signs (a function that is passed in), files, and how a store is held against it.

Always true: a leaf names its kind, and its digest covers the tenant; leaves of a kind stand in
ascending order of their key, each key once; the exact bytes are hashed and signed, and nothing is
encoded again to verify.

The form, for whoever verifies without this library (``leaf`` and ``node`` as in ``merkle``)::

    data      = "gdprkit/leaf/v1" 00 | u32 length of tenant | tenant, UTF-8 | the leaf's JSON
    signature = Ed25519 over "gdprkit/checkpoint/v1" 00 | the statement's JSON
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple, final
from uuid import UUID

import attrs

from gdprkit.errors import CheckpointInvalid
from gdprkit.ledger.merkle import Tree, leaf_hash
from gdprkit.words.moments import from_microseconds, microseconds

__all__ = [
    "LEAVES",
    "Leaf",
    "Roots",
    "Section",
    "Signed",
    "Statement",
    "expunged_leaf",
    "leaf_prefix",
    "line_leaf",
    "pack",
    "read_leaf",
    "read_statement",
    "sign_statement",
    "suppression_leaf",
    "tombstone_leaf",
]

_FORM: Final = "gdprkit/checkpoint/v1"
_LEAF: Final = b"gdprkit/leaf/v1\0"

#: Kind of leaf, in their order -> the types of what follows the kind, how many of them are the key.
LEAVES: Final[Mapping[str, tuple[tuple[type, ...], int]]] = {
    "line": ((str, int, str), 1),
    "expunged": ((str, int, str, int), 1),
    "tombstone": ((int, str, str, str, list), 2),
    "suppression": ((str, str, str, str, str, int), 5),
}

_RANKS: Final = {kind: rank for rank, kind in enumerate(LEAVES)}
_ENCODER: Final = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


class Leaf(NamedTuple):
    """One leaf: where it stands (``rank`` of its kind, ``key``), what it says, its bytes.

    Leaves compare by where they stand.
    """

    rank: int
    key: tuple[Any, ...]
    state: tuple[Any, ...]
    raw: bytes

    @property
    def kind(self) -> str:
        """What it is a leaf of."""
        return tuple(LEAVES)[self.rank]

    @property
    def place(self) -> tuple[int, tuple[Any, ...]]:
        """What leaves are ordered by."""
        return self.rank, self.key


def pack(value: object) -> bytes:
    """Return canonical JSON: sorted keys, no spaces, UTF-8."""
    return _ENCODER.encode(value).encode()


def _leaf(kind: str, *parts: object) -> Leaf:
    keys = LEAVES[kind][1]
    return Leaf(_RANKS[kind], parts[:keys], parts[keys:], pack([kind, *parts]))


def line_leaf(about: UUID, position: int, head: bytes) -> Leaf:
    """Return the leaf of a line that ends at *position* with the digest *head*."""
    return _leaf("line", about.hex, position, head.hex())


def expunged_leaf(about: UUID, position: int, head: bytes, at: datetime) -> Leaf:
    """Return the leaf of a line that ended so and was expunged *at*."""
    return _leaf("expunged", about.hex, position, head.hex(), microseconds(at))


def tombstone_leaf(
    mark: bytes, erased_at: datetime, reason: str, reference: str, key_ids: tuple[bytes, ...]
) -> Leaf:
    """Return the leaf of a person's destroyed keys."""
    ids = [key_id.hex() for key_id in key_ids]
    return _leaf("tombstone", microseconds(erased_at), mark.hex(), str(reason), reference, ids)


def suppression_leaf(hashed: bytes, scope: tuple[str, str, str, str], since: datetime) -> Leaf:
    """Return the leaf of a suppression: *scope* is purpose, channels, kind and author."""
    return _leaf("suppression", hashed.hex(), *scope, microseconds(since))


def read_leaf(raw: bytes, source: str) -> Leaf:
    """Read a leaf.

    Raises:
        CheckpointInvalid: *raw* is none; names *source*.
    """
    try:
        kind, *parts = json.loads(raw)
        types, keys = LEAVES[kind]
        right = tuple(map(type, parts)) == types
    except (KeyError, TypeError, ValueError, RecursionError):
        right = False
    if not right:
        raise CheckpointInvalid(source, "holds a row that is no leaf")
    return Leaf(_RANKS[kind], tuple(parts[:keys]), tuple(parts[keys:]), raw)


def leaf_prefix(tenant: str) -> bytes:
    """Return what stands before every leaf of a tenant where it is hashed."""
    name = tenant.encode()
    return _LEAF + len(name).to_bytes(4, "big") + name


@final
@attrs.frozen(kw_only=True)
class Section:
    """The leaves of one kind: how many, and the root of their tree."""

    count: int
    root: bytes = attrs.field(repr=False)


@final
class Roots:
    """Takes the leaves of a checkpoint in their order and knows the roots.

    Args:
        tenant: Whose.
        source: What an error calls the place they come from.
    """

    def __init__(self, tenant: str, source: str) -> None:
        self._prefix: Final = leaf_prefix(tenant)
        self._source: Final = source
        self._trees: Final = tuple(Tree() for _ in LEAVES)
        self._last: tuple[int, tuple[Any, ...]] = (-1, ())

    def add(self, leaf: Leaf) -> None:
        """Take the next leaf.

        Raises:
            CheckpointInvalid: it does not come after the one before.
        """
        place = leaf.place
        if place <= self._last:
            raise CheckpointInvalid(self._source, f"has its {leaf.kind} leaves out of order")
        self._last = place
        self._trees[leaf.rank].add(leaf_hash(self._prefix + leaf.raw))

    def sections(self) -> dict[str, Section]:
        """Return count and root of each kind."""
        trees = zip(LEAVES, self._trees, strict=True)
        return {kind: Section(count=tree.size, root=tree.root()) for kind, tree in trees}


@final
@attrs.frozen(kw_only=True)
class Statement:
    """What is signed.

    Args:
        tenant: Whose store.
        at: When its reading began.
        number: 1 for the first checkpoint of a chain of them, then one more each time.
        previous: SHA-256 of the statement of the one before; empty for the first.
        key: Id of the key that signs.
        sections: Kind of leaf -> how many there are and the root of their tree.
    """

    tenant: str
    at: datetime
    number: int
    previous: bytes = attrs.field(repr=False)
    key: str
    sections: Mapping[str, Section]


@final
@attrs.frozen(kw_only=True)
class Signed:
    """A statement as the bytes that were signed, with the signature."""

    raw: bytes = attrs.field(repr=False)
    signature: bytes = attrs.field(repr=False)

    @property
    def message(self) -> bytes:
        """What the signature is over."""
        return _message(self.raw)

    @property
    def digest(self) -> bytes:
        """By what the next checkpoint names this one."""
        return sha256(self.raw).digest()


def _message(raw: bytes) -> bytes:
    return f"{_FORM}\0".encode() + raw


def sign_statement(statement: Statement, sign: Callable[[bytes], bytes]) -> Signed:
    """Return *statement* as bytes, signed by *sign*, which returns the 64 bytes of Ed25519."""
    raw = pack(
        {
            "at": microseconds(statement.at),
            "form": _FORM,
            "key": statement.key,
            "number": statement.number,
            "previous": statement.previous.hex(),
            "tenant": statement.tenant,
            "trees": {
                kind: {"count": section.count, "root": section.root.hex()}
                for kind, section in statement.sections.items()
            },
        }
    )
    return Signed(raw=raw, signature=sign(_message(raw)))


_KEY_ID: Final = re.compile(r"sign-[0-9a-f]{1,64}")
_KEYS: Final = {"at", "form", "key", "number", "previous", "tenant", "trees"}


def read_statement(raw: bytes, source: str) -> Statement:
    """Read the bytes of a statement; the signature is somebody else's matter.

    Raises:
        CheckpointInvalid: they are none, or of a newer form; names *source*.
    """
    try:
        plain = json.loads(raw)
        known = plain["form"] == _FORM
        if known and set(plain) == _KEYS and set(plain["trees"]) == set(LEAVES):
            return Statement(
                tenant=_exactly(plain["tenant"], str),
                at=from_microseconds(_exactly(plain["at"], int)),
                number=_exactly(plain["number"], int),
                previous=bytes.fromhex(plain["previous"]),
                key=_named(plain["key"]),
                sections={
                    kind: Section(
                        count=_exactly(plain["trees"][kind]["count"], int),
                        root=bytes.fromhex(plain["trees"][kind]["root"]),
                    )
                    for kind in LEAVES
                },
            )
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        known = True
    problem = "holds no statement of a checkpoint" if known else "is of a form not known here"
    raise CheckpointInvalid(source, problem)


def _named(key: Any) -> str:
    """Return the id of a key: it is printed before a signature is believed."""
    if _KEY_ID.fullmatch(key) is None:
        raise ValueError("no id of a key")
    return str(key)


def _exactly(value: Any, cls: type) -> Any:
    if type(value) is not cls:
        raise TypeError("another type")
    return value
