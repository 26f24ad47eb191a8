"""The transaction of a host: what a framework calls its connection, made a store.

Decides which driver's connection stands behind a SQLAlchemy connection or session and a Django
connection, and which store speaks to it. It leaves out transactions: the stores join what the host
has begun. Always true: no framework is imported that the host has not imported itself.
"""

from __future__ import annotations

import sqlite3
import sys
from typing import Any

from gdprkit.errors import InvalidValue
from gdprkit.storage.protocol import Store
from gdprkit.storage.sqlite_host import SqliteHostStore, install_sqlite

__all__ = ["host_store", "install"]


def host_store(host: object, *, tenant: str = "main", wait: float = 30.0) -> Store:
    """Return a store on the transaction that *host* is in.

    Make one for each transaction; it costs one look at the tables.

    Args:
        host: A SQLAlchemy ``Connection`` or ``Session``, a Django database connection, or a
            connection of ``sqlite3`` or psycopg.
        tenant: Whose rows.
        wait: Seconds for which a writer waits for others, on PostgreSQL. On SQLite the host's own
            ``busy_timeout`` holds.

    Raises:
        InvalidValue: *host* is none of these, or speaks through another driver.
        SchemaMissing: the database lacks our tables; ``install`` makes them.
        NewerSchema: a newer gdprkit made the tables.
    """
    driver = _driver_connection(host)
    if isinstance(driver, sqlite3.Connection):
        return SqliteHostStore(driver, tenant=tenant)
    from gdprkit.storage.postgres import PostgresStore

    return PostgresStore(driver, tenant=tenant, wait=wait)


def install(host: object) -> None:
    """Make our tables in the host's database, or bring older ones to this version.

    Args:
        host: As for ``host_store``.

    Raises:
        InvalidValue: *host* is none, or speaks through another driver.
        NewerSchema: a newer gdprkit made the tables.
        SchemaMissing, StoreCorrupt: some of our tables are there and others are not.
    """
    driver = _driver_connection(host)
    if isinstance(driver, sqlite3.Connection):
        install_sqlite(driver)
        return
    from gdprkit.storage.postgres_install import install as install_postgres

    install_postgres(driver)


def _driver_connection(host: object) -> Any:
    """Return the connection of sqlite3 or psycopg behind what the host calls its own."""
    found = _behind(host)
    if isinstance(found, sqlite3.Connection):
        return found
    psycopg = sys.modules.get("psycopg")
    if psycopg is not None and isinstance(found, psycopg.Connection):
        return found
    if hasattr(found, "__aenter__"):  # SQLAlchemy's AsyncSession and AsyncConnection, psycopg's own
        raise InvalidValue(
            "host",
            "is awaited",
            "give psycopg's own connection behind it to AsyncPostgresStore",
        )
    raise InvalidValue(
        "host",
        "has no connection of sqlite3 or psycopg behind it",
        "pass a SQLAlchemy Connection or Session (postgresql+psycopg:// or sqlite://), a Django "
        "connection, or the driver's own",
    )


def _behind(host: Any) -> object:
    if hasattr(host, "ensure_connection"):  # Django's, also through its thread-local proxy
        host.ensure_connection()
        return host.connection
    alchemy, orm = sys.modules.get("sqlalchemy"), sys.modules.get("sqlalchemy.orm")
    if orm is not None and isinstance(host, orm.scoped_session):
        host = host()
    if orm is not None and isinstance(host, orm.Session):
        host = host.connection()
    if alchemy is not None and isinstance(host, alchemy.Connection):
        # the host's commit is heard by the driver only once SQLAlchemy knows of a transaction
        host.exec_driver_sql("SELECT 1")
        return host.connection.driver_connection
    return host
