"""The store that readers are shown how to write keeps the whole contract."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from tests.docs.transcripts import ROOT, parse

from gdprkit.errors import StoreBusy
from gdprkit.storage.protocol import Store
from gdprkit.testing import StoreContract
from gdprkit.testing.store_values import epoch_row, follow, person

FOLDER = ROOT / "docs" / "examples" / "own_store"
PAGE = ROOT / "docs" / "how-to" / "write-a-store.md"

sys.path.insert(0, str(FOLDER))
try:
    from folder_store import FolderStore  # type: ignore[import-not-found]
finally:
    sys.path.remove(str(FOLDER))


def open_store(address: str) -> Store:
    """Open a store, in another process too."""
    store: Store = FolderStore(address)
    return store


@contextmanager
def failing(n: int) -> Iterator[None]:
    """Make the *n*-th call fail that brings a commit's file to the disk, up to putting it there."""
    calls = itertools.count(1)
    is_there = False

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*arguments: Any, **named: Any) -> Any:
            nonlocal is_there
            if not is_there and next(calls) == n:
                raise OSError("injected")
            is_there = is_there or call is replace
            return call(*arguments, **named)

        return asked

    replace = os.replace
    with (
        patch.object(os, "open", counted(os.open)),
        patch.object(os, "fsync", counted(os.fsync)),
        patch.object(os, "replace", counted(replace)),
    ):
        yield


class TestFolderStore(StoreContract):
    can_reopen = True
    has_neighbours = True
    can_fail = True
    has_address = True
    many = 40
    open_store = staticmethod(open_store)

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.place = tmp_path
        self.folders: dict[int, Path] = {}

    def _open(self, folder: Path, tenant: str = "main") -> Store:
        store: Store = FolderStore(folder, tenant=tenant)
        self.folders[id(store)] = folder
        return store

    def make_store(self) -> Store:
        folder = self.place / str(len(list(self.place.iterdir())))
        folder.mkdir()
        return self._open(folder)

    def reopen_store(self, store: Store) -> Store:
        store.close()
        return self._open(self.folders[id(store)])

    def make_neighbour(self, store: Store, tenant: str) -> Store:
        return self._open(self.folders[id(store)], tenant)

    def fail_at(self, store: Store, n: int) -> AbstractContextManager[None]:
        return failing(n)

    def address(self, store: Store) -> str:
        return str(self.folders[id(store)])


def test_a_writer_that_waits_in_vain_is_told(tmp_path: Path) -> None:
    """Another writer holds the lock beyond the stated wait: nothing is written, and told."""
    holder, store = FolderStore(tmp_path), FolderStore(tmp_path, wait=0)
    with holder._locked(), pytest.raises(StoreBusy):
        store.add_epoch(epoch_row("k1"))
    store.commit(follow(store, person(1), b"one"))
    assert list(holder.epochs()) == []
    assert list(holder.people()) == [person(1)]


def test_the_page_quotes_the_store_as_it_is() -> None:
    """What the page shows of the store stands in its file, line for line."""
    source = (FOLDER / "folder_store.py").read_text(encoding="utf-8")
    blocks = [str(example.parsed).strip() for example in parse(PAGE).examples()]
    quoted = [block for block in blocks if block.startswith(("@attrs", "def ", "converter"))]
    assert len(quoted) >= 3
    assert [block for block in quoted if block not in source] == []


@pytest.mark.parametrize("name", ["StoreContract", "AsyncStoreContract"])
def test_the_contract_names_the_extra_it_needs(name: str) -> None:
    """Without pytest the contract says which extra to install."""
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "from gdprkit.errors import MissingExtra\n"
        "try:\n"
        f"    from gdprkit.testing import {name}\n"
        "except MissingExtra as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{name} needs the extra 'testing'; pip install 'gdprkit[testing]'\n"
