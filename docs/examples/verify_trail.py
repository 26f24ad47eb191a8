"""Verify a checkpoint, an export or a proof of gdprkit without gdprkit.

    python verify_trail.py FILE PUBLIC-KEY-FILE...

It needs Python and the package ``cryptography``, and reads the file row by row. Exit code 0: all
is as it was signed. Exit code 4: it is not, and what is wrong is printed. The forms are written out
in docs/reference/stored-format.md.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMS = [f"gdprkit/{name}/v1" for name in ("checkpoint-file", "export", "proof")]
KINDS = ["line", "expunged", "tombstone", "suppression"]
KEY_SIZE = {"line": 1, "expunged": 1, "tombstone": 2, "suppression": 5}  # words after the kind
ROWS = {"entry": [str, int, str, str], "expunged-since": [str, int, str, int]}  # below a line


def fail(words):
    print(f"broken: {words}")
    sys.exit(4)


def public_keys(files):
    """Key id -> key, the id computed from the key."""
    found = {}
    for file in files:
        for line in Path(file).read_text("utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                raw = bytes.fromhex(line.split()[1])
                digest = sha256(b"gdprkit/signing-key/v1\0" + raw).hexdigest()
                found[f"sign-{digest[:16]}"] = Ed25519PublicKey.from_public_bytes(raw)
    return found


def statement_of(first, keys):
    """The signed statement, once the signature is checked."""
    raw = first["statement"].encode()
    statement = json.loads(raw)
    if statement["key"] not in keys:
        fail(f"signed by {statement['key']!a}, which is none of the public keys given")
    try:
        message = b"gdprkit/checkpoint/v1\0" + raw
        keys[statement["key"]].verify(bytes.fromhex(first["signature"]), message)
    except InvalidSignature:
        fail("the signature is wrong")
    return statement


def sized(text):
    raw = text.encode()
    return len(raw).to_bytes(4, "big") + raw


def node(left, right):
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """The root of RFC 6962 over leaves that come one by one."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def add(self, leaf):
        size = self.size
        while size & 1:
            leaf = node(self.peaks.pop(), leaf)
            size >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self):
        if not self.peaks:
            return sha256().digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node(peak, root)
        return root


def root_of_proof(leaf, index, size, path):
    """The root that a path leads to (RFC 9162, 2.1.3.2); None if it cannot be one."""
    last = size - 1
    if not 0 <= index <= last:
        return None
    for other in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            leaf = node(other, leaf)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            leaf = node(leaf, other)
        index, last = index >> 1, last >> 1
    return leaf if last == 0 else None


def check_line(tenant, leaf, rows):
    """The entries of a line lead to the digest of its leaf; 1 if it was expunged since."""
    _, about, end, head = leaf
    if rows and rows[0][0] == "expunged-since":
        if len(rows) > 1 or rows[0][1] < end or (rows[0][1] == end and rows[0][2] != head):
            fail(f"the line of {about} was expunged, and the tombstone is another line's")
        return 1
    digest = sha256(b"gdprkit/line/v1\0" + sized(tenant) + bytes.fromhex(about)).digest()
    for position, (_, told, body, stored) in enumerate(rows, start=1):
        digest = sha256(b"gdprkit/entry/v1\0" + digest + body.encode()).digest()
        if told != position or stored != digest.hex():
            fail(f"the line of {about} is broken at position {position}")
    if len(rows) != end or digest.hex() != head:
        fail(f"the line of {about} does not end as it was signed, at position {end}")
    return 0


def stanzas(file):
    """Each leaf as its bytes and its words, with the rows of entries that follow it."""
    raw, rows = None, []
    for row in file:
        if not row.endswith(b"\n"):
            fail("the file is cut short")
        if row.startswith((b'["entry",', b'["expunged-since",')) and raw is not None:
            words = json.loads(row)
            digest = words[3] if words[0] == "entry" else words[2]
            right = [type(word) for word in words] == ROWS[words[0]] and len(digest) == 64
            if not right or bytes.fromhex(digest).hex() != digest:
                fail("a row is no entry")
            rows.append(words)
            continue
        if raw is not None:
            yield raw, json.loads(raw), rows
        raw, rows = row[:-1], []
    if raw is not None:
        yield raw, json.loads(raw), rows


def main(name, *key_files):
    with Path(name).open("rb") as file:
        first = json.loads(file.readline())
        statement = statement_of(first, public_keys(key_files))
        tenant, trees = statement["tenant"], {kind: Tree() for kind in KINDS}
        form = FORMS.index(first["form"])
        proof, checkpoint = form == 2, form == 0
        leaves = entries = expunged = 0
        last = None
        for raw, leaf, rows in stanzas(file):
            kind = leaf[0]
            leaves += 1
            place = [KINDS.index(kind), *leaf[1 : 1 + KEY_SIZE[kind]]]
            if last is not None and place <= last:
                fail(f"the {kind} leaves are out of order")
            last = place
            if kind == "line" and not checkpoint:
                gone = check_line(tenant, leaf, rows)
                expunged, entries = expunged + gone, entries + len(rows) - gone
            elif rows:
                fail("entries stand where none belong")
            digest = sha256(b"\0gdprkit/leaf/v1\0" + sized(tenant) + raw).digest()
            trees[kind].add(digest)
    if proof:
        told = statement["trees"][kind] if leaves == 1 else {"count": 0, "root": ""}
        path = [bytes.fromhex(other) for other in first["path"]]
        root = root_of_proof(digest, first["index"], told["count"], path) if leaves == 1 else None
        if root is None or root.hex() != told["root"]:
            fail("the leaf is not among those that were signed")
    for kind, told in () if proof else statement["trees"].items():
        if trees[kind].size != told["count"]:
            fail(f"{trees[kind].size} {kind} leaves, where {told['count']} were signed")
        if trees[kind].root().hex() != told["root"]:
            fail(f"the {kind} leaves are not those that were signed")
    print(f"checkpoint {statement['number']} of {tenant}, signed by {statement['key']}")
    print(f"{leaves} leaves, {entries} entries: all as it was signed")
    if expunged:
        print(f"of {expunged} lines it is said, unsigned, that they were expunged since")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError):
        fail("the file is of no form that is known here")
