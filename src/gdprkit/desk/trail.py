"""Verify every line of a store's file without any key, down to what the entries mean.

Decides nothing about meaning: beside the chains (``trail_chains``) the stored standings, the hashes
of sealed values, and whether keys, values and lines belong together are compared. What it cannot
see, it has no second record of: a person taken out whole, and rows that no entry names (the
suppression list, tombstones, marks, look-up terms). A checkpoint kept elsewhere shows the most of
that (``trail_checkpoint``).

Always true: it only reads. A line that was written to while it was looked at is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from gdprkit.desk.trail_chains import TrailReport
from gdprkit.errors import ChainBroken, UnreadableEntry
from gdprkit.keeper.sealed import check_envelopes
from gdprkit.ledger.chain import verify_line
from gdprkit.ledger.codec import decode_entry, decode_standing
from gdprkit.state.standing import FOLD_VERSION, Standing, fold
from gdprkit.storage.protocol import Store, StoredEntry, StoredStanding
from gdprkit.storage.schema import GUARDS
from gdprkit.storage.sqlite_file import Loan, SqliteFile, asked
from gdprkit.storage.statements import subject_of
from gdprkit.words.identifiers import SubjectId

__all__ = ["count_lines", "strays", "tenants", "verify_trail"]

_WAIT: Final = 30.0

_LINES: Final = "SELECT count(*) FROM gdprkit_line WHERE tenant = ?"
_SLOTS: Final = "SELECT count(*) FROM gdprkit_value WHERE tenant = ? AND subject = ?"
#: Rows of tags that the line of their person does not name; then by how many it names more.
_TAGS: Final = (
    """SELECT count(*) FROM gdprkit_tag t JOIN gdprkit_line l USING (tenant, subject)
    WHERE tenant = ? AND NOT instr(' ' || l.tags || ' ', ' ' || t.tag || ' ')""",
    """SELECT total(length(tags) - length(replace(tags, ' ', '')) + (tags <> ''))
        - (SELECT count(*) FROM gdprkit_tag t JOIN gdprkit_line l USING (tenant, subject)
            WHERE t.tenant = m.tenant)
    FROM gdprkit_line m WHERE tenant = ?""",
)
_INTEGRITY: Final = "PRAGMA integrity_check"
_TENANTS: Final = """SELECT tenant FROM gdprkit_line UNION SELECT tenant FROM gdprkit_entry
    ORDER BY tenant"""

#: What a line's rows are called -> of whom there are some without a line, and how many of one.
_STRAYS: Final = {
    noun: (
        f"""SELECT subject FROM gdprkit_{noun} WHERE tenant = ?
            EXCEPT SELECT subject FROM gdprkit_line WHERE tenant = ?""",  # noqa: S608 -- fixed words
        f"SELECT count(*) FROM gdprkit_{noun} WHERE tenant = ? AND subject = ?",  # noqa: S608
    )
    for noun in ("entry", "value", "key")
}
_TRIGGERS: Final = """SELECT name, tbl_name FROM sqlite_master
    WHERE type = 'trigger' AND tbl_name GLOB 'gdprkit_*' ORDER BY name"""
_PLURAL: Final = {"entry": "entries"}
_BACK: Final = """SELECT x.subject FROM gdprkit_expunged x JOIN gdprkit_line l
    ON l.tenant = x.tenant AND l.subject = x.subject WHERE x.tenant = ? ORDER BY x.subject"""


def tenants(file: Path) -> tuple[str, ...]:
    """Return whose lines a store's file holds.

    Raises:
        GdprkitError: the store itself does not work.
    """
    return tuple(name for (name,) in asked(file, _TENANTS))


def count_lines(file: Path, tenant: str) -> int:
    """Return how many lines of a tenant a store's file holds.

    Raises:
        GdprkitError: the store itself does not work.
    """
    return int(asked(file, _LINES, tenant)[0][0])


def verify_trail(
    store: Store, file: Path, *, progress: Callable[[int], None] = lambda _: None
) -> TrailReport:
    """Verify every line of *store* against its head, its standing, its values and its keys.

    Args:
        store: Whose lines.
        file: The SQLite file it keeps them in; rows without a line are looked for there.
        progress: Called with the number of people that were looked at.

    Raises:
        GdprkitError: the store itself does not work.
    """
    lines = entries = values = 0
    broken: list[str] = []
    rows = SqliteFile(file, _WAIT)
    try:
        with rows.reading() as port:
            for about in store.people():
                found = _look_at(store, port, about)
                if found is not None:
                    lines += 1
                    entries += found.entries
                    values += found.values
                    broken.extend(found.broken)
                progress(1)
            broken.extend(_damage(port))
    finally:
        rows.close()
    broken.extend(strays(file, store.tenant))
    return TrailReport(lines=lines, entries=entries, values=values, broken=tuple(broken))


def _look_at(store: Store, port: Loan, about: SubjectId) -> TrailReport | None:
    """Look at one person; None for a line that was expunged meanwhile."""
    stored = store.standing(about)
    while stored is not None:
        line = store.line(about)
        values, problem = 0, ""
        try:
            standing = _check_line(store.tenant, stored, line)
            values = len(check_envelopes(store, about, standing.data.values))
            _check_rows(store, port, stored, standing)
        except ChainBroken as error:
            problem = str(error)
        except UnreadableEntry as error:
            problem = f"the line of {about}: {error}"
        again = store.standing(about)
        if not problem or again == stored:
            broken = (problem,) if problem else ()
            return TrailReport(lines=1, entries=len(line), values=values, broken=broken)
        stored = again  # somebody wrote between our reads
    return None


def _check_line(tenant: str, stored: StoredStanding, line: Sequence[StoredEntry]) -> Standing:
    """Return the fold of a line that verifies.

    Raises:
        ChainBroken: the line, its end or its standing is not what was written.
        UnreadableEntry: an entry verifies and cannot be read.
    """
    verify_line(tenant, stored.about, line, stored.head, stored.position)
    standing = fold(decode_entry(e.body, e.position) for e in line)
    if stored.fold == FOLD_VERSION and decode_standing(stored.state, stored.about) != standing:
        problem = "the stored standing is not the fold of the line"
        raise ChainBroken(stored.about, stored.position, problem)
    return standing


def _check_rows(store: Store, port: Loan, stored: StoredStanding, standing: Standing) -> None:
    """Hold keys and values of a person against what the line says of them.

    Raises:
        ChainBroken: they do not fit.
    """
    about, held = stored.about, len(standing.data.values)
    [(found,)] = port.rows(_SLOTS, (store.tenant, about.bytes))
    keys = store.keys(about)
    if found and not keys:
        problem = f"{_counted(found, 'value')} without key or tombstone"
    elif found > held:
        problem = f"{_counted(found - held, 'value')} in the vault that no entry accounts for"
    elif keys and standing.data.erased_at is not None:
        problem = "the person was erased and the key is there"
    else:
        return
    raise ChainBroken(about, stored.position, problem)


def _damage(port: Loan) -> Iterator[str]:
    """Yield a message for each thing by which the file contradicts itself.

    Every row that is looked up is kept twice, in its table and in an index: what a disk changed in
    one of them differs from the other, also in rows that no entry names. SQLite's own words may
    name data, so they are only counted.
    """
    found = [word for (word,) in port.rows(_INTEGRITY) if word != "ok"]
    if found:
        yield f"the database file contradicts itself in {_counted(len(found), 'place')}"


def strays(file: Path, tenant: str) -> Iterator[str]:
    """Give a message for each person of whom a file holds rows that hang on no line.

    The keys of the tables refuse such rows, so somebody has switched them off. Told as well: a line
    that is there although it was expunged, tags by which somebody is not found, or wrongly, and
    triggers by which somebody else writes to our tables.
    """
    left: dict[SubjectId, list[str]] = {}
    for noun, (people, rows) in _STRAYS.items():
        for (about,) in asked(file, people, tenant, tenant):
            [(count,)] = asked(file, rows, tenant, about)
            left.setdefault(subject_of(about), []).append(_counted(count, noun))
    for who in sorted(left):
        yield f"the line of {who} is gone and left {', '.join(left[who])}"
    if any(asked(file, statement, tenant)[0][0] for statement in _TAGS):
        yield "people are not tagged as their lines say; reindex"
    for name, table in asked(file, _TRIGGERS):
        if name not in GUARDS:
            yield f"a trigger that is not gdprkit's acts on {table}: {name!r}"
    for (about,) in asked(file, _BACK, tenant):
        yield f"the line of {subject_of(about)} was expunged and is there again"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun if count == 1 else _PLURAL.get(noun, f'{noun}s')}"
