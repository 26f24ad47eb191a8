"""The PostgreSQL that tests use is a real one."""

from __future__ import annotations

import psycopg


def test_a_real_server_answers(postgres: str) -> None:
    """It is there in every run: no test of PostgreSQL is left out where it cannot start."""
    with psycopg.connect(postgres) as connection:
        [(version,)] = connection.execute("SHOW server_version").fetchall()
    assert int(version.partition(".")[0]) >= 14
