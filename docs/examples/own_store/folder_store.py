"""A store in a folder: one JSON file for each tenant, written whole by every commit.

Small and right, and good for some thousand people: a commit costs as much as everybody there is.
It keeps the whole contract of gdprkit.testing.StoreContract, on POSIX, for threads and processes.
Erased bytes are out of the file at once; the file system may still hold them in free blocks.
"""

import fcntl
import json
import os
import time
from base64 import b64decode, b64encode
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import attrs
from cattrs.preconf.json import make_converter

from gdprkit.errors import (
    AlreadyRecorded,
    InvalidValue,
    LineExpunged,
    PositionTaken,
    StoreBusy,
    StoreClosed,
    TokenSpent,
)
from gdprkit.sealing.rows import (
    EpochKind,
    EpochRow,
    KeyRow,
    KeyState,
    Tombstone,
    destroyed,
    term_prefix,
)
from gdprkit.storage import guards
from gdprkit.storage.protocol import (
    ALL,
    LineEnd,
    LineTombstone,
    Marks,
    StoredEntry,
    StoredLine,
    StoredMarks,
    StoredStanding,
    Suppression,
    VaultPut,
    check_tag,
    check_tenant,
)
from gdprkit.words.identifiers import Slot, SubjectId
from gdprkit.words.moments import microseconds, utc_moment


@attrs.define
class Person:
    """What hangs on one line."""

    entries: list[StoredEntry] = attrs.Factory(list)
    standing: StoredStanding | None = None
    marks: Marks = attrs.field(factory=Marks)
    values: dict[Slot, VaultPut] = attrs.Factory(dict)
    keys: dict[int, KeyRow] = attrs.Factory(dict)
    tokens: list[bytes] = attrs.Factory(list)

    @property
    def end(self):
        return (0, b"") if self.standing is None else (self.standing.position, self.standing.head)

    @property
    def receipts(self):
        return {entry.key: entry.position for entry in self.entries if entry.key is not None}


@attrs.define
class Data:
    """Everything of one tenant: what one file holds."""

    people: dict[SubjectId, Person] = attrs.Factory(dict)
    expunged: dict[SubjectId, LineTombstone] = attrs.Factory(dict)
    suppressions: list[Suppression] = attrs.Factory(list)
    tombstones: list[Tombstone] = attrs.Factory(list)
    epochs: list[EpochRow] = attrs.Factory(list)

    def person(self, about):
        return self.people.get(about) or Person()

    def within(self, span):
        """Give the people with a line, in order of id."""
        return [self.people[about] for about in sorted(self.people) if about in span]

    def hanging(self, row):
        """Count what would be lost with an epoch's key."""
        people = self.people.values()
        if row.kind is EpochKind.KEK:
            keys = [key for person in people for key in person.keys.values()]
            live = [key for key in keys if key.state is not KeyState.DESTROYED]
            return sum(key.kek_id == row.epoch for key in live)
        puts = [put for person in people for put in person.values.values()]
        return sum(term.startswith(term_prefix(row)) for put in puts for term in set(put.terms))


converter = make_converter()
converter.register_unstructure_hook(bytes, lambda value: b64encode(value).decode())
converter.register_structure_hook(bytes, lambda text, _: b64decode(text))
converter.register_unstructure_hook(UUID, str)
converter.register_structure_hook(UUID, lambda text, _: UUID(text))


def check(data, batch):
    """Refuse what does not go on where the line ends, or was there before."""
    person = data.person(batch.about)
    if batch.about in data.expunged:
        raise LineExpunged(batch.about)
    position, head = person.end
    if position != batch.expected or (not batch.entries and head != batch.standing.head):
        raise PositionTaken(batch.about, batch.expected)
    if {entry.key for entry in batch.entries} & set(person.receipts):
        raise AlreadyRecorded(batch.about)
    if set(batch.spend) & set(person.tokens):
        raise TokenSpent


def apply(data, batch):
    """Carry out one person's changes."""
    person = data.people.setdefault(batch.about, Person())
    person.entries += batch.entries
    person.standing, person.marks = batch.standing, batch.marks
    person.tokens += batch.spend
    if batch.shred is not None:
        person.values.clear()
        person.keys.clear()
        keep_tombstone(data, batch.shred)
    for slot in batch.deletes:
        person.values.pop(slot, None)
    person.values.update((put.slot, put) for put in batch.puts)
    person.keys.update((row.version, row) for row in batch.keys)
    if batch.flags is not None:
        flags = attrs.asdict(batch.flags)
        person.keys = {n: attrs.evolve(row, **flags) for n, row in person.keys.items()}
    for row in batch.suppress:
        kept = {(old.hash, old.scope): old for old in data.suppressions}
        old = kept.get((row.hash, row.scope), row)
        kept[row.hash, row.scope] = old.renewed(row)
        data.suppressions = [kept[place] for place in sorted(kept)]


def keep_tombstone(data, tombstone):
    """Keep the first record of an erasure."""
    if all(row.mark != tombstone.mark for row in data.tombstones):
        data.tombstones.append(tombstone)
        data.tombstones.sort(key=lambda row: (row.erased_at, row.mark))


class FolderStore:
    """Keeps the protocol gdprkit.storage.protocol.Store in files of *folder*.

    *wait* is how many seconds a writer waits for another.
    """

    def __init__(self, folder, *, tenant="main", wait=30.0):
        self._tenant = check_tenant(tenant)
        self._file = Path(folder) / f"{sha256(tenant.encode()).hexdigest()}.json"
        self._wait = wait
        self._closed = False
        self._known = ("", Data())
        with self._locked():
            if not self._file.exists():
                self._save(Data())

    @property
    def tenant(self):
        return self._tenant

    # -- the file

    @contextmanager
    def _locked(self):
        """Keep other writers out; the lock of a process that dies is free again."""
        if self._closed:
            raise StoreClosed
        with self._file.with_suffix(".lock").open("w") as file:
            give_up = time.monotonic() + self._wait
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() > give_up:
                        raise StoreBusy(self._wait) from None
                    time.sleep(0.002)
                else:
                    break
            yield

    @contextmanager
    def _writing(self):
        """Give a copy that becomes the store unless the block raises."""
        with self._locked():
            data = self._load("")[1]
            yield data
            self._save(data)

    def _save(self, data):
        """Put a whole new file in the place of the old one: all or nothing."""
        part = self._file.with_suffix(".part")
        new = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(part, new, 0o600), "w") as file:  # for its owner's eyes
            file.write(f"{uuid4().hex}\n{json.dumps(converter.unstructure(data))}")
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._file)
        # until its folder is on the disk too, a power cut could bring the old file back
        folder = os.open(self._file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _load(self, known):
        """Return the file's version and, unless that is the known one, what it holds."""
        with self._file.open() as file:
            version = file.readline()
            if version == known:
                return version, None
            return version, converter.structure(json.loads(file.read()), Data)

    def _read(self):
        """Return what was committed last; nobody changes it any more."""
        if self._closed:
            raise StoreClosed
        known = self._known
        version, data = self._load(known[0])
        if data is None:
            return known[1]
        self._known = (version, data)
        return data

    def close(self):
        self._closed = True

    # -- one person

    def standing(self, about):
        return self._read().person(about).standing

    def line(self, about, *, after=0):
        return self._read().person(about).entries[max(after, 0) :]

    def values(self, about, slots):
        kept = self._read().person(about).values
        return {slot: kept[slot].envelope for slot in slots if slot in kept}

    def terms(self, about):
        kept = self._read().person(about).values
        return {slot: frozenset(put.terms) for slot, put in kept.items() if put.terms}

    def receipt(self, about, key):
        return self._read().person(about).receipts.get(key)

    def expunged(self, about):
        return self._read().expunged.get(about)

    def keys(self, about):
        return [row for _, row in sorted(self._read().person(about).keys.items())]

    # -- everybody: what is read once stays as it was, so walking it needs no care

    def find(self, terms):
        found = {}
        people = self._read().within(ALL)
        for term in terms:
            having = [
                person.standing.about
                for person in people
                if any(term in put.terms for put in person.values.values())
            ]
            if having:
                found[term] = tuple(having)
        return found

    def values_of(self, wanted):
        found = {about: self.values(about, slots) for about, slots in wanted.items()}
        return {about: values for about, values in found.items() if values}

    def keys_of(self, people):
        return {about: rows for about in people if (rows := self.keys(about))}

    def waking(self, until, *, span=ALL, limit):
        if limit < 1:
            raise InvalidValue("limit", "is less than 1", "ask for at least one person")
        until = utc_moment(until, "until")
        due = [
            (person.marks.wake_at, person.standing.about)
            for person in self._read().within(span)
            if person.marks.wake_at is not None and person.marks.wake_at <= until
        ]
        return iter([about for _, about in sorted(due)[:limit]])

    def tagged(self, tag, *, span=ALL):
        check_tag(tag)
        people = self._read().within(span)
        return iter([person.standing for person in people if tag in person.marks.tags])

    def people(self, *, span=ALL):
        return iter([person.standing.about for person in self._read().within(span)])

    def ends(self, *, span=ALL):
        lasts = [person.standing for person in self._read().within(span)]
        return (LineEnd(about=s.about, position=s.position, head=s.head) for s in lasts)

    def lines(self, *, span=ALL):
        people = self._read().within(span)
        return (StoredLine(standing=p.standing, entries=tuple(p.entries)) for p in people)

    def marks(self, *, span=ALL):
        return iter(
            [
                StoredMarks(
                    about=person.standing.about,
                    wake_at=None if (at := person.marks.wake_at) is None else microseconds(at),
                    tags=person.marks.tags,
                    found_by=person.marks.tags,
                )
                for person in self._read().within(span)
            ]
        )

    def expunged_lines(self, *, span=ALL):
        kept = self._read().expunged
        return iter([(about, kept[about]) for about in sorted(kept) if about in span])

    def suppressions(self):
        return iter(self._read().suppressions)

    def suppressed(self, hashes):
        rows = self._read().suppressions
        found = {wanted: tuple(row for row in rows if row.hash == wanted) for wanted in hashes}
        return {wanted: those for wanted, those in found.items() if those}

    # -- writing

    def commit(self, *batches):
        with self._writing() as data:
            gone = {
                about: {
                    row.key_id
                    for row in data.person(about).keys.values()
                    if row.state is KeyState.DESTROYED
                }
                for about in guards.sealed_again(batches)
            }
            guards.check_batches(batches, data.epochs, gone)
            for batch in batches:
                check(data, batch)
                apply(data, batch)

    def expunge(self, about, tombstone):
        with self._writing() as data:
            if about in data.expunged:
                return
            if data.person(about).end != (tombstone.position, tombstone.head):
                raise PositionTaken(about, tombstone.position)
            data.expunged[about] = tombstone
            del data.people[about]

    # -- keys: see gdprkit.sealing.rows.KeyStore

    def tombstone(self, mark):
        return next((row for row in self._read().tombstones if row.mark == mark), None)

    def tombstones_of(self, marks):
        wanted = set(marks)
        return {row.mark: row for row in self._read().tombstones if row.mark in wanted}

    def tombstones(self):
        return self._read().tombstones

    def add_tombstone(self, tombstone):
        with self._writing() as data:
            keep_tombstone(data, tombstone)

    def epochs(self):
        return sorted(self._read().epochs, key=lambda row: (row.created, row.kind, row.epoch))

    def add_epoch(self, row):
        with self._writing() as data:
            if all((old.kind, old.epoch) != (row.kind, row.epoch) for old in data.epochs):
                data.epochs.append(row)

    def key_rows(self, *, kek=None, after=None, limit):
        if limit < 1:
            raise InvalidValue("limit", "is less than 1", "ask for at least one row")
        guards.check_kek(kek)
        found = [
            row
            for person in self._read().within(ALL)
            for _, row in sorted(person.keys.items())
            if kek in (None, row.kek_id) and (after is None or (row.about, row.version) > after)
        ]
        return found[:limit]

    def replace_keys(self, changes):
        guards.check_changes(changes)
        with self._writing() as data:
            guards.check_keys((new for _, new in changes), data.epochs)
            count = 0
            for old, new in changes:
                kept = data.person(old.about).keys
                if kept.get(old.version) == old:
                    kept[old.version] = new
                    count += 1
        return count

    def replace_epoch(self, old, new):
        guards.same_epoch(old, new)
        with self._writing() as data:
            if old not in data.epochs:
                return False
            data.epochs[data.epochs.index(old)] = new
        return True

    def destroy_epoch(self, row):
        gone = destroyed(row)
        with self._writing() as data:
            if row not in data.epochs or data.hanging(row):
                return False
            data.epochs[data.epochs.index(row)] = gone
        return True

    def hanging(self):
        data = self._read()
        kept = [row for row in data.epochs if row.kind is not EpochKind.LASTING]
        return {row.epoch: data.hanging(row) for row in kept}
