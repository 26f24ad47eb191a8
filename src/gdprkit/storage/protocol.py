"""What a store keeps and promises: the values it takes and gives, and its protocol.

Decides the shape of one commit and every promise a store makes; the docstrings of ``Store`` are
the contract that ``gdprkit.testing.store_contract`` tests. It leaves out how anything is kept, and
the meaning of all of it: bodies, states, envelopes, tags and hashes are opaque here. Nothing in a
store knows what consent is.

Always true: whoever reads a line after a commit sees the whole commit, and whoever reads it after
a refused commit sees none of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol, final
from uuid import UUID

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.sealing.rows import KeyFlags, KeyRow, KeyStore, Tombstone, is_storable
from gdprkit.storage.span import ALL, Span
from gdprkit.words.identifiers import PurposeId, Slot, SubjectId
from gdprkit.words.moments import utc_moment
from gdprkit.words.vocabulary import Actor, Channel

__all__ = [
    "ALL",
    "Batch",
    "LineEnd",
    "LineTombstone",
    "Marks",
    "Span",
    "Store",
    "StoredEntry",
    "StoredLine",
    "StoredMarks",
    "StoredStanding",
    "Suppression",
    "VaultPut",
    "check_tag",
    "check_tenant",
    "is_storable",
]

_DIGEST: Final = 32
_TAG: Final = re.compile(r"[a-z0-9][a-z0-9:._/-]{0,199}\Z")

LARGEST: Final = 1 << 24
"""Most bytes of one entry, envelope or state: 16 MiB, which every database takes."""

LONGEST_KEY: Final = 1024
"""Most bytes of what is looked up by: terms, hashes and tokens fit into any index."""

_LONGEST_NAME: Final = 200
_HIGHEST: Final = (1 << 31) - 1  # what every database takes for a whole number


def _digest(value: object, field: str) -> None:
    if not isinstance(value, bytes) or len(value) != _DIGEST:
        raise InvalidValue(field, "is not 32 bytes", "pass a SHA-256 digest")


def _opaque(value: object, field: str, most: int = LARGEST) -> None:
    if not isinstance(value, bytes) or not value:
        raise InvalidValue(field, "is not bytes, or empty", "pass the bytes to keep")
    if len(value) > most:
        raise InvalidValue(field, f"is longer than {most} bytes", "keep it elsewhere, by reference")


def check_tenant(name: object) -> str:
    """Return the name of a tenant.

    Raises:
        InvalidValue: it is no text, empty, longer than 200 characters, or holds what no database
            takes (NUL, half a surrogate pair).
    """
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or not is_storable(name):
        raise InvalidValue("tenant", "is no name of 1 to 200 characters", "name the tenant")
    return name


def check_tag(tag: object, field: str = "tag") -> str:
    """Return a tag.

    Raises:
        InvalidValue: it is none: nobody can carry it.
    """
    if not isinstance(tag, str) or not _TAG.match(tag):
        raise InvalidValue(field, "is not a tag", "use lower-case letters, digits and . _ - : /")
    return tag


def _count(value: object, field: str, least: int) -> None:
    if not isinstance(value, int) or not least <= value <= _HIGHEST:
        raise InvalidValue(field, f"is no whole number from {least} to {_HIGHEST}", "count in it")


def _distinct(values: Iterable[object], field: str) -> None:
    found = list(values)
    if len(set(found)) != len(found):
        raise InvalidValue(field, "names the same thing twice", "name each once in a batch")


def _wake_at(value: datetime | None) -> datetime | None:
    return None if value is None else utc_moment(value, "wake_at")


def _since(value: datetime) -> datetime:
    return utc_moment(value, "since")


def _at(value: datetime) -> datetime:
    return utc_moment(value, "at")


def _channels(values: Iterable[Channel]) -> frozenset[Channel]:
    found = frozenset(values)
    # a plain word would pass for a member until it is read back
    if not all(type(channel) is Channel for channel in found):
        raise InvalidValue("channels", "is not a set of Channel", "pass members of Channel")
    return found


def _tags(values: Iterable[str]) -> frozenset[str]:
    return frozenset(check_tag(tag, "tags") for tag in values)


@final
@attrs.frozen(kw_only=True)
class StoredEntry:
    """One entry of a line as bytes.

    ``position`` counts 1, 2, 3 per person. ``digest`` is its place in the chain
    (``gdprkit.ledger.chain``). ``key`` is the 32-byte hash of the idempotency key of the act that
    wrote it, on one entry of the act, or None. ``Batch`` checks what is to be written; nothing is
    checked here, so that a damaged entry loads and verification can say which one it is.
    """

    position: int
    body: bytes = attrs.field(repr=False)
    digest: bytes = attrs.field(repr=False)
    key: bytes | None = attrs.field(default=None, repr=False)


@final
@attrs.frozen(kw_only=True)
class StoredStanding:
    """The last fold of a line: where it ends (``position``, ``head``) and its encoded ``state``.

    ``fold`` is the version of the folding code; a reader with another one folds anew. It can be
    rebuilt from the line at any time and is never the truth.
    """

    about: SubjectId
    position: int
    head: bytes = attrs.field(repr=False)
    fold: int
    state: bytes = attrs.field(repr=False)


@final
@attrs.frozen(kw_only=True)
class StoredLine:
    """A whole line: its standing, and the entries up to the position the standing tells."""

    standing: StoredStanding
    entries: tuple[StoredEntry, ...]


@final
@attrs.frozen(kw_only=True)
class LineEnd:
    """Where a line ends: what a checkpoint keeps of it."""

    about: SubjectId
    position: int
    head: bytes = attrs.field(repr=False)


@final
@attrs.frozen(kw_only=True)
class Marks:
    """What sweeps and audiences find a person by: when time alone matters next, and a few tags."""

    wake_at: datetime | None = attrs.field(default=None, converter=_wake_at)
    tags: frozenset[str] = attrs.field(default=frozenset(), converter=_tags)


@final
@attrs.frozen(kw_only=True)
class StoredMarks:
    """Marks as they are kept; nothing is checked here, so that wrong ones load and can be renewed.

    ``wake_at`` is in microseconds since 1970, UTC. ``tags`` are those of the person's line,
    ``found_by`` those that ``Store.tagged`` finds the person by: the same, unless damaged.
    """

    about: SubjectId
    wake_at: int | None
    tags: frozenset[str]
    found_by: frozenset[str]


@final
@attrs.frozen(kw_only=True)
class VaultPut:
    """A sealed value to keep under its slot, with the blind-index terms that find the person.

    Terms live and die with the slot: putting it again replaces its envelope and its terms.
    """

    slot: Slot
    envelope: bytes = attrs.field(repr=False)
    terms: tuple[bytes, ...] = attrs.field(default=(), converter=tuple[bytes, ...], repr=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.slot, UUID):
            raise InvalidValue("slot", "is not a UUID", "draw a random one")
        _opaque(self.envelope, "envelope")
        for term in self.terms:
            _opaque(term, "terms", LONGEST_KEY)


@final
@attrs.frozen(kw_only=True)
class Suppression:
    """A contact point not to be used for marketing (GDPR Art. 21(3)), as a keyed hash.

    ``kind`` is a word of the writer's: what kind of stop it was. ``channels`` empty means every
    channel; ``purpose`` None means all marketing. There is one row for each hash and scope
    (purpose, channels, kind, author) with the newest moment, so that no stop narrows another.
    """

    hash: bytes = attrs.field(repr=False)
    kind: str = "objection"
    channels: frozenset[Channel] = attrs.field(default=frozenset(), converter=_channels)
    purpose: PurposeId | None = None
    since: datetime = attrs.field(converter=_since)
    author: Actor

    def __attrs_post_init__(self) -> None:
        _opaque(self.hash, "hash", LONGEST_KEY)
        check_tag(self.kind, "kind")
        # an empty purpose would come back as none at all, which is another scope
        if self.purpose is not None and not (self.purpose and is_storable(self.purpose)):
            raise InvalidValue("purpose", "is no purpose", "name one, or None for all marketing")

    @property
    def scope(self) -> tuple[str, str, str, str]:
        """Purpose, channels, kind and author as words: what a row is kept by, beside its hash."""
        channels = " ".join(sorted(self.channels))
        return self.purpose or "", channels, str(self.kind), self.author.value

    def renewed(self, other: Suppression) -> Suppression:
        """Return the newer of two rows of one scope: the latest stop is the one to be lifted.

        Raises:
            InvalidValue: the two are not about the same hash and scope.
        """
        if (self.hash, self.scope) != (other.hash, other.scope):
            raise InvalidValue("other", "suppresses something else", "keep both")
        return other if other.since > self.since else self


@final
@attrs.frozen(kw_only=True)
class LineTombstone:
    """What is left of an expunged line: where it ended and when it was expunged."""

    position: int
    head: bytes = attrs.field(repr=False)
    at: datetime = attrs.field(converter=_at)

    def __attrs_post_init__(self) -> None:
        _count(self.position, "position", 1)
        _digest(self.head, "head")


@final
@attrs.frozen(kw_only=True)
class Batch:
    """One person's changes, stored together or not at all.

    ``expected`` is the last position the writer has read, 0 for a new line; ``entries`` follow it
    without a gap. A batch without entries renews standing and marks of a line that ends where the
    standing says. ``keys`` are put by version, replacing the row of that version. ``flags`` are set
    on every key row of the person and leave the rest of each row as it is, so that a rotation of
    epochs meanwhile is not undone. ``shred`` deletes every key row, vault value and term of the
    person and writes the tombstone (one that exists is kept), so it goes with no puts, no keys and
    no flags. ``deletes`` of slots that hold nothing are fine. ``spend`` are hashes of single-use
    tokens; each is bound to its person by whoever issued it.

    Raises:
        InvalidValue: the parts do not fit together.
    """

    about: SubjectId
    expected: int
    entries: tuple[StoredEntry, ...] = attrs.field(converter=tuple[StoredEntry, ...])
    standing: StoredStanding
    marks: Marks
    puts: tuple[VaultPut, ...] = attrs.field(default=(), converter=tuple[VaultPut, ...])
    deletes: tuple[Slot, ...] = attrs.field(default=(), converter=tuple[Slot, ...])
    keys: tuple[KeyRow, ...] = attrs.field(default=(), converter=tuple[KeyRow, ...])
    flags: KeyFlags | None = None
    shred: Tombstone | None = None
    suppress: tuple[Suppression, ...] = attrs.field(default=(), converter=tuple[Suppression, ...])
    spend: tuple[bytes, ...] = attrs.field(default=(), converter=tuple[bytes, ...], repr=False)

    def __attrs_post_init__(self) -> None:
        _count(self.expected, "expected", 0)
        end = self.expected
        for end, entry in enumerate(self.entries, start=self.expected + 1):
            if entry.position != end:
                raise InvalidValue("entries", "do not follow expected", "count on without a gap")
            _opaque(entry.body, "entries.body")
            _digest(entry.digest, "entries.digest")
            if entry.key is not None:
                _digest(entry.key, "entries.key")
        standing = self.standing
        if standing.about != self.about or standing.position != end or end < 1:
            raise InvalidValue("standing", "is not the fold of this line's end", "fold it anew")
        _digest(standing.head, "standing.head")
        _count(standing.fold, "standing.fold", 0)
        if not isinstance(standing.state, bytes):
            raise InvalidValue("standing.state", "is not bytes", "encode the state first")
        if len(standing.state) > LARGEST:
            raise InvalidValue("standing.state", f"is longer than {LARGEST} bytes", "fold less")
        if self.entries and standing.head != self.entries[-1].digest:
            raise InvalidValue("standing.head", "is not the last digest", "chain it anew")
        if len(self.entries) > 1:
            _distinct((entry.key for entry in self.entries if entry.key), "entries.key")
        if self.puts or self.keys or self.flags or self.spend:
            self._check_rows()

    def _check_rows(self) -> None:
        if self.shred is not None and (self.puts or self.keys or self.flags):
            raise InvalidValue("shred", "comes with values or keys", "put them in a later batch")
        _distinct([put.slot for put in self.puts] + list(set(self.deletes)), "puts and deletes")
        _distinct((row.version for row in self.keys), "keys")
        if any(row.about != self.about for row in self.keys):
            raise InvalidValue("keys", "are another person's", "give each person a batch")
        _distinct(self.spend, "spend")
        for token in self.spend:
            _opaque(token, "spend", LONGEST_KEY)


class Store(KeyStore, Protocol):
    """Keeps one tenant's lines, values, keys and look-ups.

    - Positions count 1, 2, 3 per person, without gaps; entries never change.
    - A ``commit`` stores all of its batches or nothing, whatever goes wrong and whenever the
      process dies; when it returns, what it stored survives.
    - Of several writers that expect the same position of one line exactly one wins.
    - Tenants never see each other, also when they share a database; the same holds for people.
    - One store may be used by several threads at once. Iterators may be walked while others
      write: who was there throughout is given exactly once.
    - Suppressions are never narrowed or taken back: each scope of a hash keeps its row, with the
      newest moment, also through ``shred`` and ``expunge``.
    - After ``close`` every method raises StoreClosed; closing again does nothing.

    Of ``KeyStore`` it has everything about key rows, tombstones and epochs: what is read, the first
    writer of a tombstone and of an epoch winning, and what a rotation replaces and destroys.
    """

    @property
    def tenant(self) -> str:
        """The tenant whose rows this store reads and writes."""
        ...

    def standing(self, about: SubjectId) -> StoredStanding | None:
        """Return the last standing, or None for a person without a line."""
        ...

    def line(self, about: SubjectId, *, after: int = 0) -> Sequence[StoredEntry]:
        """Return the entries after position *after*, oldest first; empty when there are none."""
        ...

    def values(self, about: SubjectId, slots: Iterable[Slot]) -> Mapping[Slot, bytes]:
        """Return this person's envelopes; slots that hold nothing are left out."""
        ...

    def values_of(
        self, wanted: Mapping[SubjectId, Iterable[Slot]]
    ) -> Mapping[SubjectId, Mapping[Slot, bytes]]:
        """Return what ``values`` returns of each person; who has nothing there is left out."""
        ...

    def find(self, terms: Iterable[bytes]) -> Mapping[bytes, tuple[SubjectId, ...]]:
        """Return, for each term found, the people that have it, in order of id, each once."""
        ...

    def terms(self, about: SubjectId) -> Mapping[Slot, frozenset[bytes]]:
        """Return this person's look-up terms by slot; slots without any are left out."""
        ...

    def suppressed(self, hashes: Iterable[bytes]) -> Mapping[bytes, tuple[Suppression, ...]]:
        """Return, for each hash found, its suppressions in order of ``Suppression.scope``."""
        ...

    def receipt(self, about: SubjectId, key: bytes) -> int | None:
        """Return the position of the entry recorded under the idempotency key's hash, or None."""
        ...

    def waking(self, until: datetime, *, span: Span = ALL, limit: int) -> Iterator[SubjectId]:
        """Give at most *limit* people whose ``wake_at`` is *until* or earlier, earliest first.

        Equal moments come in order of id. Somebody whose mark moves meanwhile may be given again.

        Raises:
            InvalidValue: *limit* is less than 1.
            NaiveMoment: *until* has no time zone.
        """
        ...

    def tagged(self, tag: str, *, span: Span = ALL) -> Iterator[StoredStanding]:
        """Give the standings of the people who carry *tag*, in order of id.

        Raises:
            InvalidValue: *tag* is none: nobody can carry it.
        """
        ...

    def people(self, *, span: Span = ALL) -> Iterator[SubjectId]:
        """Give everybody with a line, in order of id."""
        ...

    def ends(self, *, span: Span = ALL) -> Iterator[LineEnd]:
        """Give where every line ends, in order of id; expunged ones have no end any more."""
        ...

    def lines(self, *, span: Span = ALL) -> Iterator[StoredLine]:
        """Give every line whole, in order of id: for verification, export and reindexing.

        A standing and its entries may be read one after the other: entries beyond the standing are
        left out, and of a line that is expunged meanwhile they may lack.
        """
        ...

    def marks(self, *, span: Span = ALL) -> Iterator[StoredMarks]:
        """Give everybody's marks, in order of id: for reindexing."""
        ...

    def expunged_lines(self, *, span: Span = ALL) -> Iterator[tuple[SubjectId, LineTombstone]]:
        """Give what is left of every expunged line, in order of id."""
        ...

    def suppressions(self) -> Iterator[Suppression]:
        """Give every suppression, in order of hash and ``Suppression.scope``."""
        ...

    def expunged(self, about: SubjectId) -> LineTombstone | None:
        """Return what is left of an expunged line, or None."""
        ...

    def commit(self, *batches: Batch) -> None:
        """Store all batches or nothing. Two batches of one person apply in the order given.

        Raises:
            PositionTaken: a line does not end at the batch's ``expected`` position, or, for a
                batch without entries, not with the head that its standing names.
            AlreadyRecorded: an entry's idempotency key is on the line already.
            TokenSpent: a token was spent before.
            LineExpunged: a line was expunged.
            KeyEpochDestroyed: a key row that is not DESTROYED names an epoch that is destroyed or
                not stored, or a look-up term begins with the number of a destroyed one.
            KeyDestroyed: a value is sealed by a version of the person's key that was destroyed
                before, or by an earlier one of the batches.
            StoreBusy: another writer took longer than the store waits.
        """
        ...

    def expunge(self, about: SubjectId, tombstone: LineTombstone) -> None:
        """Delete the line for good, with all values, terms, keys and tokens of the person.

        The tombstone stays and the line takes no more entries. Expunging again keeps the first
        tombstone. Tombstones of keys and suppressions stay.

        Raises:
            PositionTaken: the line does not end where *tombstone* says, or there is none.
        """
        ...

    def close(self) -> None:
        """Give back files and connections."""
        ...
