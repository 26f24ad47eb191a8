"""A canary: a made-up person whose every value can be recognised, to prove an erasure with.

For embedders' own tests. Add the canary by your own code, erase it by your own code, and let it
look for its bytes wherever you say. Decides what has to be shown before "nothing was found" counts:
each field was seen somewhere before the erasure, and every place where it was seen is searched
again. Leaves out what a value looks like (``canary_marks``) and how places are searched
(``canary_scan``). Always true: a search that looks at nothing, or in the wrong place, fails; no
report holds a value.

It cannot see other machines, memory and swap, blocks a file system has freed, backups nobody named,
and bytes that were encrypted or packed in a way not listed in ``canary_scan``.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol, Self, final

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.register.register import Register
from gdprkit.state.standing import Standing
from gdprkit.storage.protocol import Store
from gdprkit.testing.canary_marks import NO_MARK, Mark, ip_mark, phone_mark, raw_mark, text_marks
from gdprkit.testing.canary_scan import Finding, Search
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.personal import Personal, reveal
from gdprkit.words.vocabulary import FieldKind, SubjectKind

__all__ = ["Canary", "CanaryFound", "CanaryUnproven", "Finding", "Report"]

_SHOWN: Final = 50  # lines of a report that are worth reading
_SEALED: Final = slice(22, 46)  # nonce and first bytes: the key id before them stays, as proof
_WRAPPED: Final = slice(0, 24)


class CanaryFound(AssertionError):
    """A mark of the canary was found after its erasure. The text lists where."""


class CanaryUnproven(AssertionError):
    """Nothing shows that the search looked where the person was. The text says what is missing."""


class Keeper(Protocol):
    """What ``held_in`` asks: a ``RecordKeeper`` is one."""

    def read(self, about: SubjectId, *fields: str) -> Mapping[Any, Personal[Any]]:
        """Open values."""
        ...

    def standing(self, about: SubjectId) -> Standing:
        """Return the standing."""
        ...


@final
@attrs.frozen
class Report:
    """What a search came to.

    Args:
        findings: Where marks were found.
        unread: What could not be looked into, and why.
        files: How many files, members of archives, log records and texts were looked at.
        size: How many bytes they had, unpacked.
    """

    findings: tuple[Finding, ...]
    unread: tuple[str, ...]
    files: int
    size: int

    @property
    def fields(self) -> frozenset[str]:
        """The fields found somewhere."""
        return frozenset(finding.field for finding in self.findings)

    def __str__(self) -> str:
        number = f"{len(self.findings)} finding{'' if len(self.findings) == 1 else 's'}"
        looked = f"{self.files} files, records and texts of {self.size} bytes"
        lines = [f"not looked into: {each}" for each in self.unread]
        lines += map(str, self.findings)
        more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
        return "\n  ".join([f"{number} in {looked}", *lines[:_SHOWN], *more])


@final
class Canary:
    """A made-up person with a mark of its own in every field.

    Args:
        fields: Field -> kind. ``Canary.of`` takes them from a register.
        random: Returns so many fresh random bytes.

    Attributes:
        values: Field -> value to add the person with. E-mail addresses are of example.com,
            telephone numbers Finnish mobile numbers in E.164 (which somebody may have: send
            nothing), internet addresses of the range for documentation.
        left_out: Fields whose kind is too short to carry a mark; they are not looked for.

    Raises:
        InvalidValue: no field is left that can carry a mark.
    """

    def __init__(
        self,
        fields: Mapping[str, FieldKind | str],
        *,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        kinds = {name: FieldKind(kind) for name, kind in fields.items()}
        self.left_out: Final = frozenset(name for name, kind in kinds.items() if kind in NO_MARK)
        texts: dict[str, FieldKind] = {}
        found: dict[str, tuple[Mark, str]] = {}
        for name, kind in kinds.items():
            if kind is FieldKind.PHONE:
                found[name] = phone_mark(name, random)
            elif kind is FieldKind.IP_ADDRESS:
                found[name] = ip_mark(name, random)
            elif kind not in NO_MARK:
                texts[name] = kind
        mark, values = text_marks(texts, random)
        values |= {name: value for name, (_, value) in found.items()}
        if not values:
            raise InvalidValue("fields", "hold none that can carry a mark", "name another field")
        self.values: Final[dict[str, str]] = {
            name: values[name] for name in kinds if name in values
        }
        self._marks: Final = (*([mark] if texts else []), *(each for each, _ in found.values()))
        self._sealed: tuple[Mark, ...] = ()
        self._seen: Final[set[str]] = set()
        self._places: Final[set[Path]] = set()
        self._records: Final[list[logging.LogRecord]] = []
        self._judged = False

    @classmethod
    def of(
        cls,
        register: Register,
        *fields: str,
        kind: str | None = None,
        random: Callable[[int], bytes] = os.urandom,
    ) -> Self:
        """Make a canary of declared fields.

        Args:
            register: What is declared.
            fields: Which fields; none means all, or all of *kind*.
            kind: A word of ``SubjectKind``: leave out fields declared for other people only.
            random: Returns so many fresh random bytes.

        Raises:
            UnknownName: the register declares no such field.
        """
        subject = SubjectKind(kind) if kind is not None else None
        chosen = [register.field(name) for name in fields] or [
            field
            for field in register.fields.values()
            if subject is None or not field.subjects or subject in field.subjects
        ]
        return cls({str(field.id): field.kind for field in chosen}, random=random)

    def __repr__(self) -> str:
        return f"<Canary of {', '.join(self.values)}>"

    @property
    def judged(self) -> bool:
        """Whether ``gone_from`` was called, whatever came of it."""
        return self._judged

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Keep every log record of every level made inside, for ``gone_from`` to look at.

        Loggers that do not propagate, or have a level of their own, are heard as far as they let
        records through; pass others to ``gone_from``.
        """
        root, ear = logging.getLogger(), _Ear(self._records)
        level = root.level
        root.addHandler(ear)
        root.setLevel(logging.NOTSET)
        try:
            yield
        finally:
            root.removeHandler(ear)
            root.setLevel(level)

    # --- before the erasure ----------------------------------------------------------------------

    def seen_in(self, *places: str | Path, fields: Iterable[str] = ()) -> Report:
        """Show that the person is there in clear: each place holds a mark, and each field one.

        Args:
            places: Files and directories.
            fields: Which fields must be there; none means all.

        Raises:
            CanaryUnproven: a place is not there or holds no mark, or a field is in none of them.
        """
        found = self._shown(self._marks, places)
        seen = frozenset[str]().union(*(report.fields for report in found))
        missing = [name for name in fields or self.values if name not in seen]
        if missing:
            raise CanaryUnproven(f"these places do not hold the canary's {', '.join(missing)}")
        self._remember(places, seen)
        return _together(found)

    def held_in(
        self,
        *places: str | Path,
        keeper: Keeper,
        store: Store,
        about: SubjectId,
        key: bool = True,
    ) -> Report:
        """Show that a store holds the person sealed: the values are read back, their bytes found.

        From now on the sealed values and the wrapped keys are looked for as well.

        Args:
            places: The store's file, or the directory it lies in.
            keeper: Opens the values; each field of the canary must come back.
            store: Where the sealed values and the wrapped keys are asked for.
            about: The person, as your code added them.
            key: Whether the wrapped keys must go. False where a duty keeps some other value of the
                person, and the key with it.

        Raises:
            CanaryUnproven: a field is not read back, or a place does not hold the sealed values.
        """
        read = Search(self._marks)
        for name, value in keeper.read(about).items():
            read.text(str(name), str(reveal(value)))
        back = {finding.field for finding in read.findings}
        missing = [name for name in self.values if name not in back]
        if missing:
            raise CanaryUnproven(f"the keeper does not read back the canary's {', '.join(missing)}")
        sealed = tuple(_sealed(keeper, store, about, self.values))
        found = self._shown(sealed, places)
        seen = frozenset[str]().union(*(report.fields for report in found))
        missing = [name for name in self.values if f"sealed {name}" not in seen]
        if missing:
            raise CanaryUnproven(f"no place holds the canary's sealed {', '.join(missing)}")
        self._remember(places, back)
        self._sealed += sealed
        if key:
            self._sealed += tuple(_wrapped(store, about))
        return _together(found)

    def _shown(self, marks: tuple[Mark, ...], places: Iterable[str | Path]) -> list[Report]:
        """Return what each place holds of *marks*; none may hold nothing."""
        found = []
        for place in map(Path, places):
            report = self._search(marks, [place])
            if not report.findings:
                raise CanaryUnproven(f"{place} does not hold the canary: {report}")
            found.append(report)
        return found

    def _remember(self, places: Iterable[str | Path], fields: Iterable[str]) -> None:
        self._seen.update(fields)
        self._places.update(Path(place).resolve() for place in places)

    # --- after it --------------------------------------------------------------------------------

    def find_in(self, *places: str | Path) -> Report:
        """Look for every mark, and judge nothing.

        Raises:
            CanaryUnproven: a place is not there, or there is nothing in it.
        """
        return self._search((*self._marks, *self._sealed), [Path(place) for place in places])

    def gone_from(
        self,
        *places: str | Path,
        log: Iterable[logging.LogRecord] = (),
        texts: Mapping[str, str] | None = None,
    ) -> Report:
        """Show that nothing is left.

        Args:
            places: Files and directories: the store, logs, exports, backups.
            log: Log records beside those heard by ``listening``, such as pytest's
                ``caplog.records``.
            texts: Name -> text, such as what was printed.

        Returns:
            What was looked at.

        Raises:
            CanaryFound: a mark is left, or something could not be looked into.
            CanaryUnproven: nothing shows that the person was ever where was looked: a field was
                seen nowhere before, a place where the person was seen is not among *places*, or a
                place is not there or empty and never held the person.
        """
        self._judged = True
        paths = [Path(place) for place in places]
        self._check_evidence(paths)
        marks = (*self._marks, *self._sealed)
        report = self._search(marks, paths, [*self._records, *log], texts or {})
        if report.findings or report.unread:
            raise CanaryFound(f"the erased person is not gone: {report}")
        return report

    def _check_evidence(self, paths: list[Path]) -> None:
        unseen = [name for name in self.values if name not in self._seen]
        if unseen:
            raise CanaryUnproven(
                f"nothing shows that {', '.join(unseen)} was there before the erasure; call "
                "seen_in or held_in then, or make the canary of fewer fields"
            )
        searched = {path.resolve() for path in paths}
        missed = [
            str(place) for place in sorted(self._places) if not searched & {place, *place.parents}
        ]
        if missed:
            raise CanaryUnproven(f"the person was seen in {', '.join(missed)}: search it again")

    def _search(
        self,
        marks: tuple[Mark, ...],
        paths: Iterable[Path],
        log: Iterable[logging.LogRecord] = (),
        texts: Mapping[str, str] | None = None,
    ) -> Report:
        search = Search(marks)
        for path in paths:
            before = search.size
            if path.exists():
                search.path(path)
            # what was looked at for an earlier place is not looked at twice
            if search.size == before and not _holds_bytes(path) and not self._held(path):
                raise CanaryUnproven(f"{path} is not there, or there is nothing in it to look at")
        for number, record in enumerate(log):
            search.record(number, record)
        for name, text in (texts or {}).items():
            search.text(name, text)
        return Report(search.findings, tuple(search.unread), search.files, search.size)

    def _held(self, path: Path) -> bool:
        """Whether the person was seen in *path* before: then it may have gone with them."""
        real = path.resolve()
        return any(real in {place, *place.parents} for place in self._places)


class _Ear(logging.Handler):
    """Keeps records as they are; what is written of them is made when they are looked at."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.NOTSET)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


def _holds_bytes(path: Path) -> bool:
    files = (path,) if path.is_file() else path.rglob("*")
    return any(file.is_file() and file.stat().st_size for file in files)


def _sealed(
    keeper: Keeper, store: Store, about: SubjectId, fields: Container[str]
) -> Iterator[Mark]:
    held = [value for value in keeper.standing(about).data.values if value.field in fields]
    envelopes = store.values(about, [value.slot for value in held])
    for value in held:
        yield raw_mark(f"sealed {value.field}", envelopes[value.slot][_SEALED])


def _wrapped(store: Store, about: SubjectId) -> Iterator[Mark]:
    for row in store.keys(about):
        yield raw_mark(f"wrapped key {row.version}", row.wrapped[_WRAPPED])


def _together(reports: list[Report]) -> Report:
    return Report(
        tuple(finding for report in reports for finding in report.findings),
        tuple(each for report in reports for each in report.unread),
        sum(report.files for report in reports),
        sum(report.size for report in reports),
    )
