"""What the chapters of the demo share: keeper, file, clock, claims, and the counts kept on the way.

The counts are bookkeeping of what was done; at the end they are held against what SQL finds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, Protocol, TypeVar

import attrs

from gdprkit.desk.claims import Claims
from gdprkit.interop.contacts_csv import open_contacts
from gdprkit.keeper.contact_rows import ContactRow
from gdprkit.keeper.keeper import RecordKeeper
from gdprkit.sealing.normalise import normalise
from gdprkit.state.standing import Standing
from gdprkit.storage import SqliteStore
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.personal import Personal

__all__ = ["SAMPLE", "TOGETHER", "Run", "Talk", "groups"]

T = TypeVar("T")

TOGETHER: Final = 200
"""People a commit."""

SAMPLE: Final = 5000
"""Where asking everybody would take long, this many are asked; the summary says so."""

#: Fields that are contact points -> the form in which two of them are one.
_POINTS: Final = {"email": "email-v1", "phone": "e164-v1", "address": "casefold-v1"}


class Talk(Protocol):
    """Tells how far a chapter has come; it never writes to standard output."""

    def step(
        self, title: str, total: int | None = None
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Begin a step; call what is given with how many more are done."""
        ...


def groups(items: Iterable[T], size: int = TOGETHER) -> Iterator[list[T]]:
    """Give *items* in lists of at most *size*."""
    rest = iter(items)
    while group := list(islice(rest, size)):
        yield group


@attrs.define
class Run:
    """One run of the demo.

    Args:
        out: Where the papers go.
        contacts: The CSV.
        rows: How many rows it has.
        store: The file people are kept in.
        keeper: Keeps it.
        now: What the clock shows.
        imported: What it showed at the import.
        claims: What was checked.
        talk: Where progress goes.
        done: Bookkeeping: people, values, erased, moved and more.
        stopped: Contact points that a stop was recorded for, in normal form.
        figures: What goes into the summary, chapter by chapter.
    """

    out: Path
    contacts: Path
    rows: int
    store: SqliteStore
    keeper: RecordKeeper
    now: list[datetime]
    imported: datetime
    claims: Claims
    talk: Talk
    done: Counter[str] = attrs.Factory(Counter)
    stopped: set[tuple[str, str]] = attrs.Factory(set)
    figures: dict[str, object] = attrs.Factory(dict)

    @property
    def file(self) -> Path:
        """The one SQLite file."""
        return self.out / "people.db"

    def write(self, name: str, text: str) -> None:
        """Write a paper."""
        (self.out / name).write_text(text, encoding="utf-8")

    def readable(self) -> Iterator[ContactRow]:
        """Give the readable rows of the file, from the first on."""
        for row in open_contacts(self.contacts):
            if isinstance(row, ContactRow):
                yield row

    def people(
        self, fits: Callable[[ContactRow], bool]
    ) -> Iterator[tuple[ContactRow, SubjectId, Standing]]:
        """Give the people of the rows that fit, in the order of the file."""
        for row in self.readable():
            mailbox = row.fields.get("email")
            if mailbox is None or not fits(row):
                continue
            for about in self.keeper.find(email=mailbox):
                yield row, about, self.keeper.standing(about)

    def remember(self, fields: Iterable[tuple[str, Personal[str]]]) -> None:
        """Count the contact points among *fields* as stopped."""
        for field, value in fields:
            if field in _POINTS:
                self.stopped.add((field, normalise(_POINTS[field], value.reveal())))
