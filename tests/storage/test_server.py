"""The PostgreSQL that tests use is a real one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg


def test_a_real_server_answers(postgres: str) -> None:
    """It is there in every run: no test of PostgreSQL is left out where it cannot start."""
    with psycopg.connect(postgres) as connection:
        [(version,)] = connection.execute("SHOW server_version").fetchall()
    assert int(version.partition(".")[0]) >= 14


def test_a_server_ends_with_a_process_that_is_killed() -> None:
    """Nothing is left running, and no folder, when a test run is killed at once."""
    code = (
        "import os, signal\n"
        "from tests.postgres_server import running_server\n"
        "with running_server() as server:\n"
        "    print(server.folder, flush=True)\n"
        "    pid = (server.folder / 'data' / 'postmaster.pid').read_text().split()[0]\n"
        "    print(pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    folder, pid = done.stdout.split()
    for _ in range(600):
        if not (Path(folder).exists() or Path(f"/proc/{pid}").exists()):
            return
        time.sleep(0.1)
    raise AssertionError("the server or its folder is still there")
