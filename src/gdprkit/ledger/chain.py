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

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, Protocol

from gdprkit.errors import ChainBroken, InvalidValue
from gdprkit.words.identifiers import SubjectId

__all__ = [
    "DIGEST_SIZE",
    "ChainedEntry",
    "genesis",
    "genesis_seed",
    "is_whole",
    "link",
    "verify_line",
]

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
    return sha256(genesis_seed(tenant) + about.bytes).digest()


def genesis_seed(tenant: str) -> bytes:
    """Return what stands before the 16 bytes of an id where the start of a line is hashed."""
    name = tenant.encode()
    return _LINE + len(name).to_bytes(4, "big") + name


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
    tenant: str,
    about: SubjectId,
    entries: Sequence[ChainedEntry],
    head: bytes,
    end: int | None = None,
) -> None:
    """Check a whole line, oldest entry first, against the digest it is known to end with.

    *head* comes from the person's standing or, better, from a place the writer of the line cannot
    reach. For somebody without a line it is ``genesis(tenant, about)``. *end* is the position it is
    known to end at, if that is known.

    Raises:
        ChainBroken: with the first position found wrong and what is wrong there: missing,
            reordered, repeated, changed, cut short, or longer than *head* knows.
    """
    rows = [(about, entry.position, entry.body, entry.digest) for entry in entries]
    seed = genesis_seed(tenant) + about.bytes
    if not is_whole(seed, rows, head, len(rows) if end is None else end):
        raise _found(tenant, about, entries, head, end)


def is_whole(
    seed: bytes, rows: Iterable[tuple[object, int, bytes, bytes]], head: bytes, end: int
) -> bool:
    """Return whether a line is what was written: every entry of a store comes by here.

    Args:
        seed: ``genesis_seed`` and the 16 bytes of the person's id.
        rows: Of each entry something that is passed over, position, body and digest.
        head: The digest it is known to end with.
        end: The position it is known to end at.
    """
    hashed, prefix = sha256, _ENTRY
    previous, position = hashed(seed).digest(), 0
    for _, found, body, digest in rows:
        position += 1
        if found != position or hashed(prefix + previous + body).digest() != digest:
            return False
        previous = digest
    return previous == head and position == end


def _found(
    tenant: str,
    about: SubjectId,
    entries: Sequence[ChainedEntry],
    head: bytes,
    end: int | None,
) -> ChainBroken:
    """Say what is wrong with a line that does not verify."""
    disorder = _wrong_order([entry.position for entry in entries])
    if disorder is not None:
        return ChainBroken(about, *disorder)
    previous = genesis(tenant, about)
    beyond = 1 if previous == head else None
    for entry in entries:
        if link(previous, entry.body) != entry.digest:
            return ChainBroken(about, entry.position, _misplaced(previous, entries, end))
        previous = entry.digest
        if previous == head:
            beyond = entry.position + 1
    last = len(entries)
    if previous == head:
        return ChainBroken(about, last, f"the line is recorded to end at position {end}")
    if beyond is not None:
        return ChainBroken(about, beyond, "entries follow the recorded head")
    if end is not None and last < end:
        problem = f"the line was cut short: it is recorded to end at position {end}"
        return ChainBroken(about, last + 1, problem)
    problem = "the line does not end with the recorded head: it was cut short or rewritten"
    return ChainBroken(about, last + 1, problem)


def _misplaced(previous: bytes, entries: Sequence[ChainedEntry], end: int | None) -> str:
    """Say why an entry does not follow the digest before it."""
    if any(link(previous, entry.body) == entry.digest for entry in entries):
        return "the entries were reordered"  # the one that belongs here stands elsewhere
    if end is not None and len(entries) < end:
        return "an entry before it is missing, or it was changed"
    return "the entry was changed, or belongs to another place or line"


def _wrong_order(positions: Sequence[int]) -> tuple[int, str] | None:
    """Return where the positions do not read 1, 2, 3 without a gap, and how."""
    known = set(positions)
    for wanted, found in enumerate(positions, start=1):
        if found == wanted:
            continue
        if found < wanted:
            return found, "an entry appears twice or out of order"
        if wanted not in known:
            return wanted, "an entry is missing"
        return wanted, "the entries were reordered"
    return None
