"""What the tests of rotations share: people on a SQLite store under a keyring, and ways to die."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.sealing.support import AT, dec, enc

from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.providers import Keyring
from gdprkit.sealing.rows import KeyState
from gdprkit.sealing.settings import KeySettings
from gdprkit.storage import SqliteStore
from gdprkit.storage.sqlite_file import Loan
from gdprkit.testing.store_values import follow, person
from gdprkit.words.identifiers import SubjectId, subject_id

ROOT = Path(__file__).parents[2]
TTL = KeySettings().ttl
LATER = AT + timedelta(seconds=TTL)


class Died(BaseException):
    """The process died here."""


@attrs.define
class Shop:
    """A store with people, each with one sealed value; the keyring lies beside it."""

    folder: Path
    sealed: dict[SubjectId, bytes] = attrs.Factory(dict)

    @property
    def ring(self) -> Path:
        return self.folder / "root.key"

    @property
    def file(self) -> Path:
        return self.folder / "people.db"

    def open(self) -> SqliteStore:
        return SqliteStore(self.file)

    def keys(self, store: SqliteStore, **more: Any) -> SubjectKeys:
        """Return the keys as a process that has just begun has them."""
        return SubjectKeys(Keyring.from_file(self.ring), store, tenant=store.tenant, **more)

    def add(self, keys: SubjectKeys, store: SqliteStore, number: int) -> SubjectId:
        """Store a person with a key, and keep what was sealed."""
        about = person(number)
        versions, row = keys.create(about, at=AT)
        store.commit(attrs.evolve(follow(store, about, b"one"), keys=[row]))
        keys.forget(about)
        self.sealed[about] = enc(f"value {number}", versions.newest)
        return about

    def read(self, keys: SubjectKeys, about: SubjectId) -> object:
        keys.forget(about)
        return dec(self.sealed[about], keys.of(about))

    def check(self, keys: SubjectKeys) -> None:
        """Every value of everybody reads."""
        for number, about in enumerate(self.sealed, start=1):
            assert self.read(keys, about) == f"value {number}"

    def keep(self) -> None:
        """Write what is sealed beside the store, for another process."""
        kept = {str(about): sealed.hex() for about, sealed in self.sealed.items()}
        (self.folder / "sealed.json").write_text(json.dumps(kept))

    def kept(self) -> dict[SubjectId, bytes]:
        """Return what ``keep`` wrote."""
        kept = json.loads((self.folder / "sealed.json").read_text())
        return {subject_id(about): bytes.fromhex(sealed) for about, sealed in kept.items()}

    def copy(self, folder: Path) -> Shop:
        """Return a copy of everything, as a backup or a fresh attempt has it."""
        with self.open() as store:
            store.settle()
        shutil.copytree(self.folder, folder)
        return Shop(folder, dict(self.sealed))


def shop(folder: Path, people: int = 5) -> Shop:
    folder.mkdir()
    made = Shop(folder)
    Keyring.create(made.ring)
    with made.open() as store:
        keys = made.keys(store)
        for number in range(1, people + 1):
            made.add(keys, store, number)
    return made


def states(store: SqliteStore) -> dict[str, KeyState]:
    return {row.epoch: row.state for row in store.epochs()}


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, at: int) -> Iterator[list[int]]:
    """Let the process die before statement number *at* that reaches a database; count from 1."""
    count = [0]

    def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: Loan, *args: Any) -> Any:
            count[0] += 1
            if count[0] == at:
                raise Died
            return method(self, *args)

        return run

    with monkeypatch.context() as patch:
        for name in ("rows", "run", "many"):
            patch.setattr(Loan, name, guarded(getattr(Loan, name)))
        yield count


def spawn(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Begin *code* in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_child(code: str, *arguments: object) -> tuple[int, str]:
    """Run *code* in a process of its own; return how it ended and what it complained of."""
    with spawn(code, *arguments) as child:
        _, problem = child.communicate(timeout=60)
        return child.returncode, problem


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)
