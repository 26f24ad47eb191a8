"""The chain of digests that makes a person's line tamper evident.

Decides how one entry is bound to all before it and whether a line still is what was written. It
leaves out signatures and everything across people (that is the checkpoint's part), and the meaning
of a body: the stored bytes are hashed as they are, never encoded again. The idempotency key of an
entry stands outside the chain.

Always true: a digest depends on the tenant, the person, the entry's own bytes and every entry
before it, so no entry can be changed, taken out, put in, moved or carried to another person's line
without another digest; and the last digest, kept elsewhere, shows a line cut short.

The form, for whoever verifies without this library::

    genesis = SHA-256("gdprkit/line/v1" 00 | u32 length of tenant | tenant, UTF-8 | 16 bytes of id)
    digest  = SHA-256("gdprkit/entry/v1" 00 | 32 bytes of the digest before | body)
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Protocol

from gdprkit.errors import ChainBroken, InvalidValue
from gdprkit.words.identifiers import SubjectId

__all__ = ["DIGEST_SIZE", "ChainedEntry", "genesis", "link", "verify_line"]

DIGEST_SIZE: Final = 32
"""Bytes in every digest of the chain."""

_LINE: Final = b"gdprkit/line/v1\0"
_ENTRY: Final = b"gdprkit/entry/v1\0"


class ChainedEntry(Protocol):
    """What verification needs of a stored entry."""

    @property
    def position(self) -> int: ...
    @property
    def body(self) -> bytes: ...
    @property
    def digest(self) -> bytes: ...


def genesis(tenant: str, about: SubjectId) -> bytes:
    """Return the digest a line starts from, before its first entry.

    It differs for each tenant and person, so a whole line cannot be passed off as another's.
    """
    name = tenant.encode()
    return sha256(_LINE + len(name).to_bytes(4, "big") + name + about.bytes).digest()


def link(previous: bytes, body: bytes) -> bytes:
    """Return the digest of an entry with the bytes *body* after the entry of digest *previous*.

    Raises:
        InvalidValue: *previous* has not the size of a digest. The fixed size is what keeps the
            two parts apart.
    """
    if len(previous) != DIGEST_SIZE:
        raise InvalidValue("previous", "is not 32 bytes", "pass genesis() or the last digest")
    return sha256(_ENTRY + previous + body).digest()


def verify_line(
    tenant: str, about: SubjectId, entries: Sequence[ChainedEntry], head: bytes
) -> None:
    """Check a whole line, oldest entry first, against the digest it is known to end with.

    *head* comes from the person's standing or, better, from a place the writer of the line cannot
    reach. For somebody without a line it is ``genesis(tenant, about)``.

    Raises:
        ChainBroken: with the first position found wrong and what is wrong there: missing,
            reordered, repeated, changed, cut short, or longer than *head* knows.
    """
    _verify_order(about, [entry.position for entry in entries])
    previous = genesis(tenant, about)
    beyond = 1 if previous == head else None
    for entry in entries:
        if link(previous, entry.body) != entry.digest:
            problem = "the entry was changed, or belongs to another place or line"
            raise ChainBroken(about, entry.position, problem)
        previous = entry.digest
        if previous == head:
            beyond = entry.position + 1
    if previous == head:
        return
    if beyond is not None:
        raise ChainBroken(about, beyond, "entries follow the recorded head")
    problem = "the line does not end with the recorded head: it was cut short or rewritten"
    raise ChainBroken(about, len(entries) + 1, problem)


def _verify_order(about: SubjectId, positions: Sequence[int]) -> None:
    """Check that the positions read 1, 2, 3 without a gap."""
    known = set(positions)
    for wanted, found in enumerate(positions, start=1):
        if found == wanted:
            continue
        if found < wanted:
            raise ChainBroken(about, found, "an entry appears twice or out of order")
        if wanted not in known:
            raise ChainBroken(about, wanted, "an entry is missing")
        raise ChainBroken(about, wanted, "the entries were reordered")
