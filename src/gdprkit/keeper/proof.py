"""Proof that a person's records are what was written.

The line is the truth; standing and marks are folds of it. Nothing here decides or writes.
"""

from __future__ import annotations

from gdprkit.errors import ChainBroken, UnknownSubject
from gdprkit.keeper.line import entries_of, new_view
from gdprkit.keeper.sealed import check_envelopes
from gdprkit.ledger.chain import verify_line
from gdprkit.ledger.codec import decode_standing
from gdprkit.state.standing import FOLD_VERSION, fold
from gdprkit.storage.protocol import Store
from gdprkit.words.identifiers import SubjectId

__all__ = ["verify_person"]


def verify_person(store: Store, about: SubjectId) -> None:
    """Check a line against its head, its standing against its fold, values against entries.

    Raises:
        UnknownSubject: there is no line.
        ChainBroken: names the position and what is wrong.
        UnreadableEntry: an entry verifies and still cannot be read.
    """
    stored = store.standing(about)
    entries = store.line(about)
    if stored is None and not entries and store.expunged(about) is None:
        raise UnknownSubject(about)
    head = new_view(store.tenant, about).head if stored is None else stored.head
    verify_line(store.tenant, about, entries, head)
    standing = fold(entries_of(store, about))
    if stored is not None and stored.fold == FOLD_VERSION:
        kept = decode_standing(stored.state, about)
        if kept != standing:
            problem = "the stored standing is not the fold of the line; reindex, and ask why"
            raise ChainBroken(about, stored.position, problem)
    check_envelopes(store, about, standing.data.values)
