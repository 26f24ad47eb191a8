"""Reading a person's line into a view, and composing the batch that extends it.

The stored standing is believed when its fold version is ours and the new entries come after it;
otherwise the line is folded anew. Everything here is about one person and commits nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Final, final

import attrs

from gdprkit.acts.act import Act
from gdprkit.acts.prepare import STOPS
from gdprkit.errors import InvalidValue, UnknownSubject
from gdprkit.facts._shape import is_text
from gdprkit.facts.consent import ConsentConfirmed, ConsentGiven
from gdprkit.facts.entry import Entry
from gdprkit.facts.merge import MergedFrom, MergedInto
from gdprkit.facts.request import RequestReceived
from gdprkit.keeper.memory import Memory
from gdprkit.keeper.values import Receipt
from gdprkit.ledger.chain import genesis, link, verify_line
from gdprkit.ledger.codec import (
    decode_entry,
    decode_standing,
    encode_entry,
    encode_standing,
    plain_fact,
)
from gdprkit.policy.case import Case
from gdprkit.policy.marks import tags, wake_at
from gdprkit.sealing.rows import KeyFlags
from gdprkit.state.standing import EMPTY, FOLD_VERSION, Standing, extends, fold, step
from gdprkit.storage.protocol import Batch, Marks, Store, StoredEntry, StoredStanding
from gdprkit.words.identifiers import SubjectId

__all__ = [
    "Extension",
    "View",
    "advance",
    "entries_of",
    "extend",
    "first_receipt",
    "going_on",
    "key_flags",
    "key_hash",
    "known",
    "marks_of",
    "new_view",
    "organisation_of",
    "reopened",
    "surviving_of",
    "unchanged",
    "view",
    "view_at",
    "view_of",
]


@final
@attrs.frozen(kw_only=True)
class View:
    """A person's line as read: where it ends, and the standing folded from it."""

    about: SubjectId
    position: int
    head: bytes
    standing: Standing


@final
@attrs.frozen(kw_only=True)
class Extension:
    """New entries in stored form, and the line after them."""

    entries: tuple[StoredEntry, ...]
    stored: StoredStanding
    after: View


def entries_of(
    store: Store, about: SubjectId, end: View | StoredStanding | None = None
) -> tuple[Entry, ...]:
    """Return the whole line, held against its head: what is read is what was written.

    Args:
        store: Where the line is.
        about: The person.
        end: Where the line ended when the caller read it; by default where it ends now.

    Raises:
        ChainBroken: an entry is not what was written, or is gone.
        UnreadableEntry: an entry cannot be read.
    """
    if end is None:
        end = store.standing(about)
    line = store.line(about)
    if end is not None:
        line = line[: end.position]  # somebody may have written since
        verify_line(store.tenant, about, line, end.head)
    return tuple(decode_entry(e.body, e.position) for e in line)


def new_view(tenant: str, about: SubjectId) -> View:
    """Return the view of a person without a line."""
    return View(about=about, position=0, head=genesis(tenant, about), standing=EMPTY)


def view(store: Store, about: SubjectId, memory: Memory | None = None) -> View:
    """Read where a line ends and its standing.

    Args:
        store: Where the line is.
        about: The person.
        memory: What was decoded lately; the row is read all the same.

    Raises:
        UnknownSubject: there is no line.
        ChainBroken: the line had to be folded anew, and it is not what was written.
        UnreadableEntry: the line had to be folded anew and an entry cannot be read.
    """
    stored = store.standing(about)
    if stored is None:
        raise UnknownSubject(about)
    return view_of(store, stored, memory)


def view_of(store: Store, stored: StoredStanding, memory: Memory | None = None) -> View:
    """Return what ``view`` returns, of a row that was read already; its errors too."""
    about = stored.about
    standing: Standing | None = None
    if stored.fold == FOLD_VERSION:
        state = stored.state
        standing = (
            decode_standing(state, about) if memory is None else memory.standing(about, state)
        )
    if standing is None or standing.position != stored.position:
        standing = fold(entries_of(store, about, stored))
    return View(about=about, position=stored.position, head=stored.head, standing=standing)


def view_at(
    store: Store,
    about: SubjectId,
    at: datetime | None = None,
    known_by: datetime | None = None,
    memory: Memory | None = None,
) -> View:
    """Return a person's line with the standing of a moment, and of what was known by another.

    Raises:
        UnknownSubject, ChainBroken, UnreadableEntry: as ``view`` says.
    """
    found = known(store, about, at, known_by, memory)
    if found is None:
        raise UnknownSubject(about)
    return found


def known(
    store: Store,
    about: SubjectId,
    at: datetime | None = None,
    known_by: datetime | None = None,
    memory: Memory | None = None,
) -> View | None:
    """Return what ``view_at`` returns; None where there is no line, or it was expunged."""
    stored = store.standing(about)
    if stored is None:
        return None
    found = view_of(store, stored, memory)
    if at is None and known_by is None:
        return found
    entries = entries_of(store, about, found)
    return attrs.evolve(found, standing=fold(entries, until=at, known_by=known_by))


def organisation_of(
    store: Store,
    found: View,
    until: datetime | None = None,
    known_by: datetime | None = None,
    memory: Memory | None = None,
) -> Standing | None:
    """Return the standing of the organisation the person acts for (R-418), or None.

    None as well where it has no line in this store: then nobody knows what it prohibited.
    """
    organisation = found.standing.connection.organisation
    line = None if organisation is None else known(store, organisation, until, known_by, memory)
    return None if line is None else line.standing


def surviving_of(
    store: Store,
    found: View,
    until: datetime | None = None,
    known_by: datetime | None = None,
    memory: Memory | None = None,
) -> tuple[Standing, ...]:
    """Return the standings of the lines that go on in place of a closed one, nearest first."""
    if found.standing.merge.into is None:
        return ()
    read = partial(known, store, at=until, known_by=known_by, memory=memory)
    return tuple(line.standing for line in going_on(found, read))


def going_on(found: View, read: Callable[[SubjectId], View | None]) -> Iterator[View]:
    """Yield the lines that go on in place of one that was merged away, nearest first.

    They are about the same person. A line that was expunged ends the chain.

    Args:
        found: The line to begin after.
        read: Returns a line; None where there is none.
    """
    seen = {found.about}
    while (into := found.standing.merge.into) is not None and into.other not in seen:
        line = read(into.other)
        if line is None:
            return
        yield line
        seen.add(line.about)
        found = line


def key_hash(key: object, acts: Sequence[object]) -> bytes:
    """Return the stored form of an idempotency key: bound to the acts it was used for.

    When they happened and the values they bring are left out: a retry may be stamped anew, and a
    value is no part of the line. The same key with other acts is another key.

    Raises:
        InvalidValue: *key* is no text, or empty.
    """
    if not isinstance(key, str) or not key or not is_text(key):
        raise InvalidValue("key", "is no text, or empty", "pass the caller's own request id")
    said = [[plain_fact(act.fact), sorted(act.personal)] for act in acts if isinstance(act, Act)]
    body = json.dumps([key, said], sort_keys=True, separators=(",", ":"))
    return sha256(b"gdprkit/idempotency/v1\0" + body.encode()).digest()


def reopened(store: Store, about: SubjectId, acts: Sequence[object], first: int) -> bool:
    """Whether *acts* stop something that a consent may have opened again since entry *first*.

    Then the same words are said anew, whatever key they come under: the link of an old message is
    a second no. A consent may have come by a merge, and to a line that was merged away it may have
    come on the line that goes on.
    """
    if not any(isinstance(act, Act) and type(act.fact) in STOPS for act in acts):
        return False
    later = (decode_entry(e.body, e.position).fact for e in store.line(about, after=first))
    return any(isinstance(fact, _REOPENING) for fact in later)


def first_receipt(store: Store, about: SubjectId, first: int) -> Receipt:
    """Return what is known of an act recorded before: its first entry and its request."""
    stored = store.line(about, after=first - 1)[0]
    fact = decode_entry(stored.body, first).fact
    case = fact.case if isinstance(fact, RequestReceived) else None
    return Receipt(about=about, positions=(first,), case=case, repeated=True)


_REOPENING: Final = (ConsentGiven, ConsentConfirmed, MergedFrom, MergedInto)


def advance(store: Store, view: View, entries: Sequence[Entry], entry: Entry) -> Standing:
    """Return the standing after one more entry.

    Args:
        store: Read only when *entry* happened before the newest one on the line.
        view: The line so far, *entries* included.
        entries: New entries that are not stored yet.
        entry: The one to add.
    """
    if extends(view.standing, entry):
        return step(view.standing, entry)
    return fold((*entries_of(store, view.about), *entries, entry))


def extend(before: View, entries: Sequence[Entry], after: Standing, key: bytes | None) -> Extension:
    """Chain new entries onto a line and put them and the standing into stored form.

    Args:
        before: The line as read.
        entries: The new entries, in order.
        after: The standing with them.
        key: Hash of the act's idempotency key; kept on the first entry.
    """
    stored, head = [], before.head
    for entry in entries:
        body = encode_entry(entry)
        head = link(head, body)
        first = entry.position == before.position + 1
        stored.append(
            StoredEntry(position=entry.position, body=body, digest=head, key=key if first else None)
        )
    position = before.position + len(stored)
    return Extension(
        entries=tuple(stored),
        stored=StoredStanding(
            about=before.about,
            position=position,
            head=head,
            fold=FOLD_VERSION,
            state=encode_standing(after, before.about),
        ),
        after=View(about=before.about, position=position, head=head, standing=after),
    )


def marks_of(case: Case) -> Marks:
    """Return the marks of a standing."""
    return Marks(wake_at=wake_at(case), tags=tags(case))


def unchanged(found: View, case: Case) -> Batch:
    """Return a batch that changes nothing of a line, and fails where somebody wrote to it since."""
    return Batch(
        about=found.about,
        expected=found.position,
        entries=(),
        standing=StoredStanding(
            about=found.about,
            position=found.position,
            head=found.head,
            fold=FOLD_VERSION,
            state=encode_standing(found.standing, found.about),
        ),
        marks=marks_of(case),
    )


def key_flags(*lines: Standing) -> KeyFlags:
    """Return what holds of a person's keys by these lines of theirs together."""
    return KeyFlags(
        restricted=any(line.objection.restrictions for line in lines),
        on_hold=any(line.retention.holds for line in lines),
    )
