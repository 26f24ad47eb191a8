"""``gdprkit store``: what the commands print, do and refuse, and their exit codes."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from gdprkit import Keyring, RecordKeeper, Register, retention
from gdprkit.desk.cli import cli
from gdprkit.keeper.reindexing import Reindexed
from gdprkit.sealing.erasure_file import FileErasureLedger
from gdprkit.sealing.errors import KeyStoreRolledBack, SubjectErased
from gdprkit.sealing.settings import KeySettings
from gdprkit.storage import SqliteStore
from gdprkit.storage.schema import SCHEMA_VERSION
from gdprkit.storage.sqlite_backup import examine
from gdprkit.words.identifiers import SubjectId

ROOT = Path(__file__).parents[2]
REGISTER = ROOT / "docs" / "examples" / "jot" / "register.toml"
GOLDEN = ROOT / "tests" / "storage" / "golden"
ERASED_AT = datetime(2024, 6, 1, 9, tzinfo=UTC)


@attrs.define
class Shop:
    """A store with its keyring, its erasure ledger and a clock that stands."""

    folder: Path
    now: datetime = datetime(2024, 5, 14, 9, tzinfo=UTC)

    @property
    def store(self) -> Path:
        return self.folder / "people.db"

    def keeper(self, store: SqliteStore, **more: object) -> RecordKeeper:
        return RecordKeeper(
            Register.load(REGISTER),
            store=store,
            keys=Keyring.from_file(self.folder / "root.key"),
            clock=lambda: self.now,
            erasures=FileErasureLedger(self.folder / "ledger"),
            **more,  # type: ignore[arg-type]
        )

    def add(self, name: str, **more: object) -> SubjectId:
        with SqliteStore(self.store) as store:
            fields = {"email": f"{name}@example.com"}
            keeper = self.keeper(store, **more)
            return keeper.add_person("consumer", fields, source="contact-form")

    def erase(self, about: SubjectId, **more: object) -> None:
        self.now = ERASED_AT
        with SqliteStore(self.store) as store:
            keeper = self.keeper(store, **more)
            question = retention.erasure(reason="unlawful", reference="request-12")
            plan = keeper.plan(about, question)
            keeper.apply(plan, approve=plan.digest)

    def call(self, *words: object) -> tuple[int, str, str]:
        run = CliRunner().invoke(cli, ["store", *map(str, words)])
        return run.exit_code, run.stdout, run.stderr

    def keyed(self, command: str, *more: object) -> tuple[int, str, str]:
        files = ("--register", REGISTER, "--keyring", self.folder / "root.key")
        return self.call(command, self.store, *files, *more)

    def replay(self, *more: object) -> tuple[int, str, str]:
        return self.keyed("replay", "--ledger", self.folder / "ledger", *more)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    Keyring.create(tmp_path / "root.key")
    return Shop(tmp_path)


@pytest.mark.parametrize("suite", [1, 2])
def test_from_a_backup_to_being_served_again(shop: Shop, suite: int) -> None:
    """Backup, erasure, restore: nobody is served until the replay, and the erased stay erased."""
    settings = KeySettings(suite=suite, suites=frozenset({1, suite}))
    ida = shop.add("ida", key_settings=settings)
    paul = shop.add("paul", key_settings=settings)
    backup = shop.folder / "backup.db"
    assert shop.call("backup", shop.store, backup)[0] == 0
    gone = shop.add("gone", key_settings=settings)
    for about in (ida, gone):
        shop.erase(about, key_settings=settings)
    assert shop.call("restore", backup, shop.store)[0] == 2
    code, out, err = shop.call("restore", backup, shop.store, "--replace")
    assert (code, "whole" in out, "replay" in err) == (0, True, True)
    with SqliteStore(shop.store) as store, pytest.raises(KeyStoreRolledBack):
        shop.keeper(store, key_settings=settings).read(paul)
    code, _, err = shop.keyed("reindex", "--ledger", shop.folder / "ledger")
    assert (code, "erasure ledger" in err) == (2, True)
    assert shop.replay("--by", "operations")[:2] == (0, "1 erased again, 1 noted\n")
    assert shop.replay()[:2] == (0, "0 erased again, 0 noted\n")
    with SqliteStore(shop.store) as store:
        keeper = shop.keeper(store, key_settings=settings)
        assert keeper.read(paul, "email")
        with pytest.raises(SubjectErased):
            keeper.read(ida)
        assert keeper.receipt(ida).erased_at == ERASED_AT
        assert keeper.line(ida)[-1].by == "operations"
        assert keeper.standing(ida).objection.stops
        for about in keeper.people():
            keeper.verify(about)


def test_a_replay_makes_no_ledger(shop: Shop) -> None:
    """A slip of the pen in its name is told: a new one would know of no erasure."""
    shop.add("ida")
    code, _, err = shop.keyed("replay", "--ledger", shop.folder / "leger")
    assert code == 2
    assert "--ledger" in err
    assert not (shop.folder / "leger").exists()


def test_nothing_is_made_of_a_store_that_is_not_there(shop: Shop) -> None:
    """Each command refuses a missing or empty store with 2, and leaves nothing behind."""
    empty, other = shop.folder / "empty.db", shop.folder / "other.db"
    empty.touch()
    (shop.folder / "ledger").touch()
    before = sorted(found.name for found in shop.folder.iterdir())
    for store in (shop.folder / "missing.db", empty):
        for words in (
            ("backup", store, other),
            ("restore", store, other),
            ("upgrade", store, "--backup", other),
        ):
            assert shop.call(*words)[0] == 2, words
        files = ("--register", REGISTER, "--keyring", shop.folder / "root.key")
        assert shop.call("reindex", store, *files)[0] == 2
        ledger = ("--ledger", shop.folder / "ledger")
        assert shop.call("replay", store, *files, *ledger)[0] == 2
    assert sorted(found.name for found in shop.folder.iterdir()) == before
    assert empty.stat().st_size == 0


def test_an_upgrade_keeps_a_copy(shop: Shop) -> None:
    """The older store is backed up as it was, then upgraded; a second run does nothing."""
    shutil.copy(GOLDEN / "schema-1.db", shop.store)
    before = shop.folder / "before.db"
    code, out, _ = shop.call("upgrade", shop.store, "--backup", before)
    assert code == 0
    assert f"schema 1 became {SCHEMA_VERSION}" in out
    assert (examine(before).schema, examine(shop.store).schema) == (1, SCHEMA_VERSION)
    assert shop.call("upgrade", shop.store, "--backup", before)[0] == 0
    shutil.copy(GOLDEN / "schema-1.db", shop.folder / "old.db")
    assert shop.call("upgrade", shop.folder / "old.db", "--backup", before)[0] == 2
    assert examine(shop.folder / "old.db").schema == 1


def test_reindexing_tells_what_it_did(shop: Shop) -> None:
    """It counts, goes on after somebody, and ends with 4 when a line does not verify."""
    people = sorted(shop.add(name) for name in "abc")
    with closing(sqlite3.connect(shop.store, isolation_level=None)) as raw:
        raw.execute("UPDATE gdprkit_line SET fold = 0")
    code, out, _ = shop.keyed("reindex", "--after", people[0])
    assert (code, out) == (0, "2 people, 2 changed\n")
    code, out, _ = shop.keyed("reindex", "--json")
    body = json.loads(out)
    assert code == 0
    assert (body["people"], body["changed"], body["finished"]) == (3, 1, True)
    assert body["after"] == str(people[-1])
    with closing(sqlite3.connect(shop.store, isolation_level=None)) as raw:
        raw.execute("UPDATE gdprkit_line SET head = zeroblob(32) WHERE rowid = 1")
    code, out, _ = shop.keyed("reindex")
    assert code == 4
    assert "left alone, chain-broken" in out
    assert shop.keyed("reindex", "--after", "a@example.com")[0] == 2


def test_a_reindexing_broken_off_tells_where_to_go_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends with 3 and the place, and nothing that was done is lost."""
    about = shop.add("a")

    def broken_off(_self: object, *, after: object, progress: object) -> None:
        assert after is None
        assert callable(progress)
        progress(Reindexed(people=1, changed=1, after=about))
        raise KeyboardInterrupt

    monkeypatch.setattr(RecordKeeper, "reindex", broken_off)
    code, out, err = shop.keyed("reindex")
    assert (code, out) == (3, "1 people, 1 changed\n")
    assert f"--after {about}" in err
