"""Merkle trees as RFC 6962 builds them: one digest over many leaves, and a short proof for each.

Decides how leaves and nodes are hashed and how a proof is made and checked. It leaves out what a
leaf says (``checkpoint``) and who signs a root.

Always true: a leaf can never pass for a node, so no proof can be given of something that is no
leaf; a tree is built from its leaves one by one, and what is kept meanwhile grows with the
logarithm of their number.

The form, for whoever verifies without this library::

    leaf  = SHA-256(00 | data)
    node  = SHA-256(01 | left | right)
    empty = SHA-256()
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, final

from gdprkit.errors import InvalidValue

__all__ = ["EMPTY", "Tree", "audit_path", "leaf_hash", "node_hash", "verify_inclusion"]

EMPTY: Final = sha256().digest()
"""The root of a tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """Return the digest of a leaf (RFC 6962, 2.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the digest of what stands above two digests (RFC 6962, 2.1)."""
    return sha256(b"\x01" + left + right).digest()


@final
class Tree:
    """Takes leaves one after the other and knows the root of those it has."""

    __slots__ = ("_peaks", "_size")

    def __init__(self) -> None:
        # the whole subtrees, from the left: one for each bit that is set in the size
        self._peaks: list[bytes] = []
        self._size = 0

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._size

    def add(self, leaf: bytes) -> None:
        """Take the digest of the next leaf."""
        size, peaks = self._size, self._peaks
        while size & 1:
            leaf = node_hash(peaks.pop(), leaf)
            size >>= 1
        peaks.append(leaf)
        self._size += 1

    def root(self) -> bytes:
        """Return the root; more leaves may follow."""
        if not self._peaks:
            return EMPTY
        *rest, root = self._peaks
        for peak in reversed(rest):
            root = node_hash(peak, root)
        return root


def audit_path(leaves: Iterable[bytes], index: int) -> tuple[bytes, ...]:
    """Return what proves that leaf *index* is in the tree of *leaves* (RFC 6962, 2.1.1).

    Args:
        leaves: The digests of all leaves, in order; gone through once.
        index: Which one, from 0.

    Raises:
        InvalidValue: there is no such leaf.
    """
    peaks: list[tuple[bytes, bool]] = []
    path: list[bytes] = []

    def joined(left: tuple[bytes, bool], right: tuple[bytes, bool]) -> tuple[bytes, bool]:
        if left[1]:
            path.append(right[0])
        elif right[1]:
            path.append(left[0])
        return node_hash(left[0], right[0]), left[1] or right[1]

    size = 0
    for size, leaf in enumerate(leaves, start=1):
        node = (leaf, size - 1 == index)
        rest = size - 1
        while rest & 1:
            node = joined(peaks.pop(), node)
            rest >>= 1
        peaks.append(node)
    if not 0 <= index < size:
        raise InvalidValue("index", "names no leaf", "count from 0")
    *before, node = peaks
    for peak in reversed(before):
        node = joined(peak, node)
    return tuple(path)


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Return whether *path* proves that *leaf* is number *index* of *size* leaves under *root*.

    Every digest but *root* may come from somebody who lies.
    """
    if not 0 <= index < size:
        return False
    place, last = index, size - 1
    node = leaf
    for other in path:
        if not last:
            return False  # longer than any path of such a tree
        if place & 1 or place == last:
            node = node_hash(other, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, other)
        place, last = place >> 1, last >> 1
    return not last and node == root
