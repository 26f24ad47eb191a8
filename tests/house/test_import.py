"""Importing the package does nothing but import."""

from __future__ import annotations

import json
import subprocess
import sys

PROBE = """
import sys, json, os
import attrs, zoneinfo  # loaded before, so that their own doings are not ours
seen = []
source = []
def hook(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)):
        name = os.fsdecode(args[0])
        if not name.endswith((".py", ".pyc")) and ".pyc." not in name:
            seen.append(["open", name])
    elif event.split(".")[0] in {"socket", "subprocess", "sqlite3", "urllib", "ctypes"}:
        seen.append([event, ""])
class Watched(dict):
    def _note(self, key):
        seen.append(["environ", str(key)])
    def __getitem__(self, key):
        self._note(key)
        return dict.__getitem__(self, key)
    def get(self, key, default=None):
        self._note(key)
        return dict.get(self, key, default)
sys.addaudithook(hook)
watched = Watched(os.environ)
os.environ = watched
os.getenv = watched.get
import gdprkit
STEPS
os.environ = dict(watched)
wanted = ["cryptography", "sqlite3", "cattrs", "asyncio", "click", "rich", "socket", "psycopg"]
print(json.dumps({"seen": seen, "loaded": [m for m in wanted if m in sys.modules]}))
"""


def probe(steps: str = "") -> dict[str, list[object]]:
    """Import gdprkit in a fresh interpreter and tell what happened."""
    code = PROBE.replace("STEPS", steps)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: dict[str, list[object]] = json.loads(done.stdout)
    return found


def test_import_reads_nothing_and_loads_nothing_heavy() -> None:
    """``import gdprkit`` opens no file but modules, no socket, reads no environment variable, and
    loads neither ciphers nor databases nor converters."""
    assert probe() == {"seen": [], "loaded": []}


def test_policy_needs_no_ciphers_and_no_database() -> None:
    """The register and the policies come without ciphers, databases or converters."""
    steps = "gdprkit.Register; gdprkit.marketing; gdprkit.Decision"
    assert probe(steps)["loaded"] == []


def test_probe_would_notice() -> None:
    """The probe sees what it is there to see."""
    found = probe("import sqlite3; open(os.devnull).close(); os.environ.get('HOME')")
    assert "sqlite3" in found["loaded"]
    assert ["environ", "HOME"] in found["seen"]
    assert any(event[0] == "open" for event in found["seen"] if isinstance(event, list))
