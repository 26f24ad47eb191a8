"""Merkle trees are those of RFC 6962, computed here once more by its own recursive definition."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdprkit.errors import InvalidValue
from gdprkit.ledger.merkle import Tree, audit_path, leaf_hash, node_hash, verify_inclusion

#: The test tree of Certificate Transparency, and the roots of its first 1 to 8 leaves.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

inputs = st.lists(st.binary(max_size=4), min_size=1, max_size=40)


def naive_root(data: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1."""
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    k = 1
    while 2 * k < len(data):
        k *= 2
    return sha256(b"\x01" + naive_root(data[:k]) + naive_root(data[k:])).digest()


def naive_path(m: int, data: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1."""
    if len(data) == 1:
        return []
    k = 1
    while 2 * k < len(data):
        k *= 2
    if m < k:
        return [*naive_path(m, data[:k]), naive_root(data[k:])]
    return [*naive_path(m - k, data[k:]), naive_root(data[:k])]


def grown(data: Sequence[bytes]) -> Tree:
    tree = Tree()
    for one in data:
        tree.add(leaf_hash(one))
    return tree


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size: int) -> None:
    """The roots of the test tree of Certificate Transparency come out, here and by definition."""
    assert grown(INPUTS[:size]).root().hex() == ROOTS[size - 1]
    assert naive_root(INPUTS[:size]).hex() == ROOTS[size - 1]


def test_a_tree_without_leaves() -> None:
    """The empty tree has the digest of nothing as its root, and proves nothing."""
    assert Tree().root() == naive_root([])
    assert Tree().size == 0
    with pytest.raises(InvalidValue):
        audit_path([], 0)
    assert not verify_inclusion(Tree().root(), 0, 0, (), Tree().root())


def test_leaves_and_nodes_are_hashed_apart() -> None:
    """Two leaves joined give another digest as a node than as a leaf."""
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert node_hash(left, right) != leaf_hash(left + right)


@pytest.mark.parametrize("size", [*range(1, 34), 63, 64, 65, 100])
def test_every_proof_of_small_trees(size: int) -> None:
    """Each leaf has the path of the definition; it proves that leaf at that place and no other."""
    data = [b"%d" % number for number in range(size)]
    leaves = [leaf_hash(one) for one in data]
    root = grown(data).root()
    assert root == naive_root(data)
    for index in range(size):
        path = audit_path(iter(leaves), index)
        assert list(path) == naive_path(index, data)
        proved = [
            other
            for other in range(size)
            if verify_inclusion(leaves[index], other, size, path, root)
        ]
        assert proved == [index]


@given(data=inputs)
def test_the_root_is_known_after_every_leaf(data: list[bytes]) -> None:
    """A tree that grows has the root of the definition at every size."""
    tree = Tree()
    for size, one in enumerate(data, start=1):
        tree.add(leaf_hash(one))
        assert (tree.size, tree.root()) == (size, naive_root(data[:size]))


@given(data=inputs, choice=st.data())
def test_no_bit_of_a_proof_can_change(data: list[bytes], choice: st.DataObject) -> None:
    """A proof verifies, and with one bit of leaf, path or root flipped it does not."""
    index = choice.draw(st.integers(0, len(data) - 1))
    leaf = leaf_hash(data[index])
    root = grown(data).root()
    path = audit_path([leaf_hash(one) for one in data], index)
    assert verify_inclusion(leaf, index, len(data), path, root)
    parts = [leaf, root, *path]
    part = choice.draw(st.integers(0, len(parts) - 1))
    bit = choice.draw(st.integers(0, 255))
    flipped = int.from_bytes(parts[part], "big") ^ 1 << bit
    parts[part] = flipped.to_bytes(32, "big")
    assert not verify_inclusion(parts[0], index, len(data), parts[2:], parts[1])


@given(data=inputs, choice=st.data())
def test_no_other_path_proves(data: list[bytes], choice: st.DataObject) -> None:
    """A path that is shorter, longer or of a leaf outside the tree proves nothing."""
    index = choice.draw(st.integers(0, len(data) - 1))
    leaf, size, root = leaf_hash(data[index]), len(data), grown(data).root()
    path = audit_path([leaf_hash(one) for one in data], index)
    assert not verify_inclusion(leaf, index, size, (*path, root), root)
    assert not path or not verify_inclusion(leaf, index, size, path[:-1], root)
    assert not verify_inclusion(leaf, -1, size, path, root)
    assert not verify_inclusion(leaf, size, size, path, root)


def test_memory_is_the_logarithm() -> None:
    """A tree of 5,000 leaves keeps no more digests than its size has bits."""
    tree = Tree()
    for number in range(5000):
        tree.add(leaf_hash(b"%d" % number))
        assert len(tree._peaks) == (number + 1).bit_count()
