"""The documented backup of a store in PostgreSQL comes back whole, and is served after a replay."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from tests.keeper.support import house_on
from tests.postgres_server import PostgresServer

from gdprkit.sealing.erasure_file import FileErasureLedger
from gdprkit.sealing.errors import KeyStoreRolledBack, SubjectErased
from gdprkit.storage import PostgresStore, install_postgres

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "restore-a-backup.md"


def documented(program: str) -> list[str]:
    """Return the words of a program's call as the page has it."""
    text = PAGE.read_text(encoding="utf-8").partition("## In PostgreSQL")[2]
    found = re.search(rf"^{program} .*$", text, re.MULTILINE)
    assert found is not None
    return shlex.split(found[0])


def test_the_documented_recipe_brings_a_store_back(
    postgres_server: PostgresServer, new_postgres: Callable[[], str], tmp_path: Path
) -> None:
    """Dumped while open and restored into a new database: all is there but what came since."""
    old, new = new_postgres(), new_postgres()

    def run(program: str) -> None:
        places = {"OLD": old, "NEW": new, "people.dump": str(tmp_path / "people.dump")}
        words = documented(program)
        for name, place in places.items():
            words = [word.replace(name, place) for word in words]
        words[0] = str(postgres_server.binaries / program)
        subprocess.run(words, check=True, timeout=120)

    def ledger() -> FileErasureLedger:
        return FileErasureLedger(tmp_path / "ledger")

    with psycopg.connect(old) as connection:
        install_postgres(connection)
    with psycopg.connect(old, autocommit=True) as connection:
        store = PostgresStore(connection)
        house = house_on(store, erasures=ledger())
        ida, paul = house.plain("ida@example.com"), house.plain("paul@example.com")
        before = (list(store.lines()), list(store.marks()), store.epochs(), store.keys(paul))
        run("pg_dump")
        house.erase(ida)
    run("pg_restore")
    with psycopg.connect(new, autocommit=True) as connection:
        store = PostgresStore(connection)
        after = (list(store.lines()), list(store.marks()), store.epochs(), store.keys(paul))
        assert after == before
        with pytest.raises(psycopg.Error):
            connection.execute("DELETE FROM gdprkit_entry")
        again = house_on(store, erasures=ledger())
        with pytest.raises(KeyStoreRolledBack):
            again.keeper.read(paul)
        assert again.keeper.replay_erasures().erased == 1
        assert again.keeper.read(paul, "email")
        with pytest.raises(SubjectErased):
            again.keeper.read(ida)
        again.keeper.verify(paul)


def test_marks_of_a_store_in_postgres_are_made_anew(postgres: str) -> None:
    """Tags that look-ups miss, or find by mistake, are as before after reindexing."""
    with psycopg.connect(postgres) as connection:
        install_postgres(connection)
    with psycopg.connect(postgres, autocommit=True) as connection:
        store = PostgresStore(connection)
        house = house_on(store)
        for number in range(30):
            house.plain(f"person.{number}@example.com")
        before = (list(store.lines()), list(store.marks()))
        assert house.keeper.reindex().changed == 0
        connection.execute("DELETE FROM gdprkit_tag")
        connection.execute(
            "INSERT INTO gdprkit_tag (tenant, subject, tag)"
            " SELECT tenant, subject, 'z:stray' FROM gdprkit_line"
        )
        connection.execute("UPDATE gdprkit_line SET fold = 0, wake_at = 7")
        assert house.keeper.reindex().changed == 30
        assert (list(store.lines()), list(store.marks())) == before
