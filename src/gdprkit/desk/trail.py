"""Verify every line of a store without any key.

Decides nothing about meaning: the chain, the heads and the hashes of sealed values are compared.
What it cannot see is a person taken out whole, line and head together; only a checkpoint kept
elsewhere shows that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import attrs

from gdprkit.errors import ChainBroken, UnreadableEntry
from gdprkit.keeper.sealed import check_envelopes
from gdprkit.ledger.chain import verify_line
from gdprkit.ledger.codec import decode_entry
from gdprkit.state.standing import fold
from gdprkit.storage.protocol import Store

__all__ = ["TrailReport", "verify_trail"]


@final
@attrs.frozen(kw_only=True)
class TrailReport:
    """What was verified.

    Args:
        lines: People.
        entries: Entries whose digests were computed again.
        values: Sealed values compared with the hash their entry names.
        broken: What does not verify, a message for each line.
    """

    lines: int
    entries: int
    values: int
    broken: tuple[str, ...]


def verify_trail(store: Store, *, progress: Callable[[int], None] = lambda _: None) -> TrailReport:
    """Verify every line of *store* against its head, and the values against the entries.

    Raises:
        GdprkitError: the store itself does not work.
    """
    lines = entries = values = 0
    broken: list[str] = []
    for about in store.people():
        stored = store.standing(about)
        if stored is None:  # expunged between the two reads
            continue
        line = store.line(about)
        lines += 1
        entries += len(line)
        try:
            verify_line(store.tenant, about, line, stored.head)
            held = fold(decode_entry(e.body, e.position) for e in line).data.values
            values += len(check_envelopes(store, about, held))
        except (ChainBroken, UnreadableEntry) as error:
            broken.append(str(error))
        progress(1)
    return TrailReport(lines=lines, entries=entries, values=values, broken=tuple(broken))
