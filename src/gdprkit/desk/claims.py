"""Claims that were checked before they are printed, and what SQL and the bytes of a file say.

The counts here are made with SQL of their own, on a connection of their own, so that they do not
share a mistake with the store they are held against.
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, final

import attrs

__all__ = ["Claim", "Claims", "counts", "forms", "holders"]

_BLOCK: Final = 1 << 20


@final
@attrs.frozen
class Claim:
    """A sentence, whether its check held, and what was compared."""

    text: str
    ok: bool
    detail: str = ""


@attrs.define
class Claims:
    """The claims made so far, in order; each is told to *tell* as soon as it was checked."""

    tell: Callable[[Claim], None] = lambda _: None
    made: list[Claim] = attrs.Factory(list)

    def holds(self, text: str, ok: bool, detail: str = "") -> None:  # noqa: FBT001 -- the check
        """Add a claim whose check gave *ok*."""
        claim = Claim(text, bool(ok), detail)
        self.made.append(claim)
        self.tell(claim)

    def equal(self, text: str, counted: object, found: object) -> None:
        """Add a claim that two independent counts agree."""
        same = counted == found
        detail = f"{counted}" if same else f"the run counted {counted}, the file holds {found}"
        self.holds(text, same, detail)

    @property
    def failed(self) -> tuple[Claim, ...]:
        """The claims that did not hold."""
        return tuple(claim for claim in self.made if not claim.ok)


_COUNTS: Final[Mapping[str, str]] = {
    "people": "SELECT count(*) FROM gdprkit_line",
    "entries": "SELECT count(*) FROM gdprkit_entry",
    "positions": "SELECT coalesce(sum(position), 0) FROM gdprkit_line",
    "values": "SELECT count(*) FROM gdprkit_value",
    "keys": "SELECT count(*) FROM gdprkit_key",
    "tombstones": "SELECT count(*) FROM gdprkit_tombstone",
    # a contact point may have a row for each scope it was stopped in
    "suppressed": "SELECT count(DISTINCT hash) FROM gdprkit_suppression",
}
_TAGS: Final = "SELECT tag, count(*) FROM gdprkit_tag GROUP BY tag"
_KINDS: Final = """SELECT json_extract(CAST(body AS TEXT), '$.kind') AS kind, count(*)
    FROM gdprkit_entry GROUP BY kind"""


def counts(file: Path) -> dict[str, int]:
    """Return what SQL counts in a store's file: rows, ``tag:…`` and ``fact:…``."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        found = {name: int(connection.execute(sql).fetchone()[0]) for name, sql in _COUNTS.items()}
        found |= {f"tag:{tag}": int(n) for tag, n in connection.execute(_TAGS)}
        found |= {f"fact:{kind}": int(n) for kind, n in connection.execute(_KINDS)}
    return found


def forms(text: str) -> Iterator[bytes]:
    """Give the ways a text could stand in a file: UTF-8, UTF-16, hexadecimal, base64."""
    raw = text.encode()
    yield from (raw, text.encode("utf-16-le"), text.encode("utf-16-be"))
    yield from (raw.hex().encode(), raw.hex().upper().encode())
    for shift in range(3):  # base64 looks different at each place within three bytes
        complete = (shift + len(raw)) * 8 // 6  # characters that no neighbour can change
        whole = base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : complete]
        yield whole
        yield whole.replace(b"+", b"-").replace(b"/", b"_")


def holders(file: Path, needles: Iterable[bytes]) -> dict[bytes, tuple[str, ...]]:
    """Return which of *needles* stand in a store's bytes, and in which file: log and memory too."""
    wanted = [needle for needle in dict.fromkeys(needles) if needle]
    overlap = max((len(needle) for needle in wanted), default=1) - 1
    found: dict[bytes, set[str]] = {}
    for path in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm", "-journal"))):
        if not path.exists():
            continue
        tail = b""
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                window = tail + block
                for needle in wanted:
                    if needle in window:
                        found.setdefault(needle, set()).add(path.name)
                tail = window[-overlap:] if overlap else b""
    return {needle: tuple(sorted(names)) for needle, names in found.items()}
