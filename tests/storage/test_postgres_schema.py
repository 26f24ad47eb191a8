"""The tables in PostgreSQL are made once, whole, and refuse what must not happen to them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from gdprkit.errors import NewerSchema, SchemaMissing, StoreCorrupt
from gdprkit.storage import PostgresStore, install_postgres, postgres_install
from gdprkit.storage import statements as sql
from gdprkit.storage.protocol import Marks
from gdprkit.testing.store_values import (
    follow,
    hashed,
    line_tombstone,
    person,
    tombstone,
)

ANNA, BO = person(1), person(2)
Connection = psycopg.Connection[Any]


@pytest.fixture
def raw(postgres: str) -> Iterator[Connection]:
    """A superuser's own connection, as somebody with psql has it."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        yield connection


@pytest.fixture
def store(raw: Connection, postgres: str) -> Iterator[PostgresStore]:
    install_postgres(raw)
    with (
        psycopg.connect(postgres, autocommit=True) as connection,
        PostgresStore(connection) as store,
    ):
        yield store


def run(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    """Run what a person would type."""
    cursor = connection.execute(statement.encode())
    return cursor.fetchall() if cursor.description else []


def ours(connection: Connection) -> list[tuple[Any, ...]]:
    """Return everything of ours that is in the database."""
    return run(
        connection,
        "SELECT relname FROM pg_class WHERE relname LIKE 'gdprkit%'"
        " UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'gdprkit%'",
    )


class TestInstalling:
    """A database becomes a store in one transaction, and opening one never writes."""

    def test_installing_again_changes_nothing(self, raw: Connection) -> None:
        """Whoever installs at every start does no harm."""
        install_postgres(raw)
        PostgresStore(raw).commit(follow(PostgresStore(raw), ANNA, b"one"))
        install_postgres(raw)
        assert len(PostgresStore(raw).line(ANNA)) == 1

    def test_two_may_install_at_once(self, postgres: str) -> None:
        """Of several processes that start together one makes the tables and all go on."""

        def start(_: int) -> None:
            with psycopg.connect(postgres) as connection:
                install_postgres(connection)
                PostgresStore(connection)

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(start, range(4)))

    def test_it_is_undone_with_the_hosts_transaction(self, postgres: str) -> None:
        """A host that migrates in one transaction and fails has none of our tables."""
        with psycopg.connect(postgres, autocommit=True) as connection:
            with connection.transaction(force_rollback=True):
                install_postgres(connection)
                PostgresStore(connection)
            assert ours(connection) == []

    def test_a_database_without_tables_is_left_untouched(self, raw: Connection) -> None:
        """Opening a store where none was installed says what to run, and makes nothing."""
        with pytest.raises(SchemaMissing, match="install_postgres") as caught:
            PostgresStore(raw)
        assert caught.value.lacks == ("the tables of gdprkit",)
        assert ours(raw) == []

    @pytest.mark.parametrize(
        ("damage", "lacks"),
        [
            ("DROP TABLE gdprkit_tag", "gdprkit_tag"),
            ("DROP TABLE gdprkit_schema", "gdprkit_schema"),
            ("DROP INDEX gdprkit_line_wake", "gdprkit_line_wake"),
            ("DROP TRIGGER gdprkit_entry_delete ON gdprkit_entry", "gdprkit_entry_delete"),
            (
                "ALTER TABLE gdprkit_entry DISABLE TRIGGER gdprkit_entry_update",
                "gdprkit_entry_update",
            ),
            ("DROP FUNCTION gdprkit_commit", "gdprkit_commit"),
        ],
    )
    def test_a_half_installed_one_is_refused(
        self, raw: Connection, damage: str, lacks: str
    ) -> None:
        """What lacks is named, by opening and by installing, and neither guesses how to mend it."""
        install_postgres(raw)
        run(raw, damage)
        before = ours(raw)
        with pytest.raises(SchemaMissing) as caught:
            PostgresStore(raw)
        assert caught.value.lacks == (lacks,)
        with pytest.raises(StoreCorrupt, match=lacks):
            install_postgres(raw)
        assert ours(raw) == before

    def test_a_newer_one_is_refused(self, raw: Connection) -> None:
        """An older gdprkit neither opens nor reinstalls what a newer one made."""
        install_postgres(raw)
        run(raw, "UPDATE gdprkit_schema SET version = 99")
        with pytest.raises(NewerSchema):
            PostgresStore(raw)
        with pytest.raises(NewerSchema):
            install_postgres(raw)

    def test_a_version_of_no_release_is_refused(self, raw: Connection) -> None:
        """Somebody else's number, or none, is not taken for an older version."""
        install_postgres(raw)
        for damage in ("UPDATE gdprkit_schema SET version = 1", "DELETE FROM gdprkit_schema"):
            run(raw, damage)
            with pytest.raises(StoreCorrupt, match="no release"):
                PostgresStore(raw)

    def test_an_older_one_is_upgraded_by_installing(
        self, raw: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Opening asks for the upgrade; installing takes every step, in one transaction."""
        install_postgres(raw)
        monkeypatch.setattr(postgres_install, "SCHEMA_VERSION", 4)
        steps = {
            2: ("ALTER TABLE gdprkit_line ADD COLUMN third text",),
            3: ("ALTER TABLE gdprkit_line RENAME COLUMN third TO fourth",),
        }
        monkeypatch.setattr(postgres_install, "MIGRATIONS", steps)
        with pytest.raises(SchemaMissing, match="the upgrade from version 2 to 4"):
            PostgresStore(raw)
        monkeypatch.setattr(postgres_install, "MIGRATIONS", {**steps, 3: ("SELECT 1 / 0",)})
        with pytest.raises(StoreCorrupt):
            install_postgres(raw)
        assert run(raw, "SELECT version FROM gdprkit_schema") == [(2,)]
        monkeypatch.setattr(postgres_install, "MIGRATIONS", steps)
        install_postgres(raw)
        install_postgres(raw)
        assert run(raw, "SELECT version FROM gdprkit_schema") == [(4,)]
        assert run(raw, "SELECT fourth FROM gdprkit_line") == []
        PostgresStore(raw)

    def test_a_schema_of_ones_own(self, raw: Connection) -> None:
        """Tables go where the search_path leads, and nothing of them is looked for elsewhere."""
        run(raw, "CREATE SCHEMA privacy")
        run(raw, "SET search_path TO privacy, public")
        install_postgres(raw)
        store = PostgresStore(raw)
        store.commit(follow(store, ANNA, b"one"))
        assert run(raw, "SELECT count(*) FROM privacy.gdprkit_entry") == [(1,)]
        run(raw, "SET search_path TO public")
        with pytest.raises(SchemaMissing):
            PostgresStore(raw)


GUARDED = ("gdprkit_entry", "gdprkit_tombstone", "gdprkit_expunged")


class TestGuards:
    """The database itself refuses, whoever connects."""

    @pytest.fixture(autouse=True)
    def _rows(self, store: PostgresStore) -> None:
        store.commit(follow(store, ANNA, b"one"), follow(store, BO, b"two"))
        store.add_tombstone(tombstone(hashed("mark")))
        store.expunge(BO, line_tombstone(store, BO))

    @pytest.mark.parametrize("table", GUARDED)
    @pytest.mark.parametrize(
        "deed", ["UPDATE {} SET tenant = tenant", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
    )
    @pytest.mark.parametrize("role", ["origin", "replica"])
    def test_rows_stay_as_they_are(self, raw: Connection, table: str, deed: str, role: str) -> None:
        """A superuser cannot change or drop an entry or a tombstone, nor as a replica's worker."""
        run(raw, f"SET session_replication_role = {role}")
        before = run(raw, f"SELECT * FROM {table}")
        with pytest.raises(psycopg.DatabaseError) as caught:
            run(raw, deed.format(table))
        assert caught.value.sqlstate == "GK009"
        assert before
        assert run(raw, f"SELECT * FROM {table}") == before

    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO gdprkit_entry VALUES ('main', {bo}, 1, '\\x01', {hash}, NULL)",
            "INSERT INTO gdprkit_entry VALUES ('main', {anna}, 1, '\\x01', {hash}, NULL)",
            "INSERT INTO gdprkit_entry VALUES ('main', {anna}, 2, '', {hash}, NULL)",
            "INSERT INTO gdprkit_entry VALUES ('main', {anna}, 2, '\\x01', '\\x01', NULL)",
            "INSERT INTO gdprkit_entry VALUES ('main', {anna}, 2, '\\x01', {hash}, '\\x01')",
            "INSERT INTO gdprkit_entry VALUES ('main', {anna}, 0, '\\x01', {hash}, NULL)",
            "INSERT INTO gdprkit_tag VALUES ('main', {bo}, 'news')",
            "INSERT INTO gdprkit_value VALUES ('main', {bo}, {anna}, '\\x01')",
            "INSERT INTO gdprkit_term VALUES ('main', {anna}, {anna}, '\\x01')",
            "INSERT INTO gdprkit_token VALUES ('main', {bo}, '\\x01')",
            "INSERT INTO gdprkit_key VALUES ('main', {bo}, 1, {hash}, 'k1', {hash}, {key}, 0, 0)",
            "INSERT INTO gdprkit_key VALUES ('main', {anna}, 1, {hash}, 'k1', {hash}, {key}, 2, 0)",
            "INSERT INTO gdprkit_epoch VALUES ('main', 'other', 'k1', 'p', {hash}, 'active', 0)",
            "INSERT INTO gdprkit_line VALUES ('main', '\\x01', 1, {hash}, 1, '', NULL, '')",
            "INSERT INTO gdprkit_line VALUES ('', {bo}, 1, {hash}, 1, '', NULL, '')",
            "DELETE FROM gdprkit_line",
            "INSERT INTO gdprkit_schema (version) VALUES (3)",
            "INSERT INTO gdprkit_schema (one, version) VALUES (false, 3)",
        ],
    )
    def test_what_hangs_on_nothing_is_refused(self, raw: Connection, statement: str) -> None:
        """Rows of no line, of wrong length or of no known word cannot be written at all."""
        words = {
            "anna": f"'\\x{ANNA.bytes.hex()}'::bytea",
            "bo": f"'\\x{BO.bytes.hex()}'::bytea",
            "key": "'active', 0, 'a'",
            "hash": f"'\\x{'11' * 32}'::bytea",
        }
        with pytest.raises(psycopg.IntegrityError):
            run(raw, statement.format(**words))


class TestPlans:
    """Whatever is in the tables, the hot path looks up by key."""

    HOT = {
        "standing": sql.STANDING,
        "line": sql.ENTRIES,
        "receipt": sql.RECEIPT,
        "values": sql.listed(sql.VALUES, 4),
        "values of many": sql.listed(sql.VALUES_OF, 4, 8),
        "find": sql.listed(sql.FIND, 4),
        "terms": sql.TERMS,
        "keys": sql.KEYS,
        "keys of many": sql.listed(sql.KEYS_OF, 4),
        "tombstones of many": sql.listed(sql.TOMBSTONES_OF, 4),
        "destroyed keys": sql.KEYS_DESTROYED,
        "line end": sql.listed(sql.LINE_END, 4),
        "expunged": sql.listed(sql.EXPUNGED, 1),
        "suppressed": sql.listed(sql.SUPPRESSED, 4),
        "tombstone": sql.TOMBSTONE,
        "waking": sql.WAKING,
        "people": sql.PEOPLE,
        "key page": sql.KEY_PAGE,
        "suppressions": sql.SUPPRESSIONS,
    }

    @pytest.mark.parametrize("name", HOT)
    def test_a_question_is_answered_from_an_index(
        self, raw: Connection, store: PostgresStore, name: str
    ) -> None:
        """No statement of a question has to read a whole table, or to sort all it finds."""
        statement = self.HOT[name]
        for number in range(1, statement.count("?") + 1):
            statement = statement.replace("?", f"${number}", 1)
        run(raw, "SET enable_seqscan = off")
        run(raw, "SET enable_bitmapscan = off")
        plan = "\n".join(row[0] for row in run(raw, f"EXPLAIN (GENERIC_PLAN) {statement}"))
        assert "Seq Scan" not in plan
        conditions = [line for line in plan.splitlines() if "Index Cond" in line]
        assert conditions
        assert all("tenant = " in line and "AND" in line for line in conditions)

    def test_a_page_of_an_audience_begins_where_it_begins(
        self, raw: Connection, store: PostgresStore
    ) -> None:
        """However marks and lines are joined, a page in the middle reads none of those before."""
        everybody = [person(number) for number in range(1, 2001)]
        marks = Marks(tags={"news"})
        store.commit(*(follow(store, about, b"x", marks=marks) for about in everybody))
        run(raw, "ANALYZE")
        bounds = (f"'\\x{everybody[1900].bytes.hex()}'", "'\\xff'")
        statement = sql.TAGGED
        for value in ("'main'", "'news'", *bounds, *bounds, "20"):
            statement = statement.replace("?", value, 1)
        plan = run(raw, f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")[0][0][0]["Plan"]
        assert _read(plan) <= 200  # a hundred people stand behind it, in two tables

    def test_a_commit_reads_only_what_it_is_about(self, postgres: str, raw: Connection) -> None:
        """Hundreds of lines in a commit on tables nobody has counted cost rows, not their square.

        The planner knows nothing of new tables; a plan that joins lists with them would read all
        of them for each person.
        """
        install_postgres(raw)
        people = [person(number) for number in range(1, 401)]
        with psycopg.connect(postgres, autocommit=True) as connection:
            store = PostgresStore(connection)
            first = [follow(store, about, b"x", marks=Marks(tags={"a"})) for about in people]
            store.commit(*first)
            store.commit(*(follow(store, about, b"y", marks=Marks(tags={"b"})) for about in people))
            run(connection, "SELECT pg_stat_force_next_flush()")
        assert len(list(PostgresStore(raw).tagged("b"))) == len(people)
        [(whole, rows)] = run(
            raw,
            "SELECT sum(t.seq_scan), sum(t.idx_tup_fetch) FROM pg_stat_user_tables t"
            " WHERE relname IN ('gdprkit_line', 'gdprkit_tag', 'gdprkit_entry')",
        )
        assert whole == 0
        assert rows < 20 * len(people)


def _read(plan: dict[str, Any]) -> float:
    """Return how many rows the scans of a plan gave."""
    below = plan.get("Plans", [])
    if not below:
        return float(plan["Actual Rows"] * plan["Actual Loops"])
    return sum(_read(one) for one in below)
