"""The floor plan: who may import whom, and what stands where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import gdprkit

ROOT = Path(gdprkit.__file__).parent

#: Folder -> floor. Imports go down only.
FLOORS = {
    "errors": 0,
    "words": 0,
    "register": 1,
    "facts": 1,
    "state": 2,
    "policy": 3,
    "acts": 4,
    "ledger": 5,
    "sealing": 5,
    "storage": 5,
    "keeper": 6,
    "testing": 6,
    "interop": 7,
    "desk": 8,
}

#: Rooms of one floor that may see each other: importer -> imported, and why.
BESIDE = {
    ("words", "errors"): "a malformed word is a typed error",
    ("storage", "sealing"): "stores keep key rows, plain values of sealing.rows",
}

#: Only these may import the one library of ciphers.
CIPHERS = {"ciphers", "envelope", "expand", "index", "opened_keys", "providers", "roots", "signing"}

#: Third-party libraries a core module may import at all; everything else is an extra's or a host's.
CORE_LIBRARIES = {"attrs", "cattrs", "cryptography"}
EXTRAS = {
    "click": {"desk"},
    "rich": {"desk"},
    "holidays": {"words"},
    "psycopg": {"storage"},
    "psycopg_pool": {"storage"},
    "pytest": {"testing"},
    "hypothesis": {"testing"},
}


def modules() -> Iterator[tuple[str, Path, ast.Module]]:
    """Give every module of the package: dotted name, file, syntax tree."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts), path, ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Give every imported module, with its line, those made late included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            # ``from gdprkit.state import data`` imports gdprkit.state.data
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def folder(dotted: str) -> str:
    """Return the folder of a module inside the package, or the module at the root."""
    return dotted.removeprefix("gdprkit.").partition(".")[0]


def test_imports_go_down_only() -> None:
    """A module imports from its own folder, a lower floor, or a room its floor's list allows."""
    wrong = []
    for name, path, tree in modules():
        here = folder(name)
        if here in {"__init__", "__main__"}:
            continue
        for imported, line in imports(tree):
            if not imported.startswith("gdprkit."):
                continue
            there = folder(imported)
            if there == here:
                continue
            lower = FLOORS[there] < FLOORS[here]
            if not lower and (here, there) not in BESIDE:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {imported}")
    assert wrong == []


def test_every_allowance_is_used() -> None:
    """The list of rooms that see each other holds nothing that no import needs."""
    used = {
        (folder(name), folder(imported))
        for name, _, tree in modules()
        for imported, _ in imports(tree)
        if imported.startswith("gdprkit.")
    }
    assert [pair for pair in BESIDE if pair not in used] == []


def test_every_folder_has_a_floor() -> None:
    """No folder stands outside the plan."""
    folders = {p.name for p in ROOT.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert folders == set(FLOORS) - {"errors"}


def test_package_root_holds_only_the_door() -> None:
    """At the package root stand __init__, __main__, errors and py.typed."""
    files = {p.name for p in ROOT.iterdir() if p.is_file()}
    assert files == {"__init__.py", "__main__.py", "errors.py", "py.typed"}


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    done: set[str] = set()

    def visit(node: str, trail: list[str]) -> list[str]:
        if node in trail:
            return trail[trail.index(node) :]
        if node in done:
            return []
        for following in sorted(graph.get(node, ())):
            found = visit(following, [*trail, node])
            if found:
                return found
        done.add(node)
        return []

    for start in sorted(graph):
        found = visit(start, [])
        if found:
            return found
    return []


def test_no_circle_of_imports() -> None:
    """No chain of imports, late ones included, comes back to where it began."""
    known = {name.removesuffix(".__init__") for name, _, _ in modules()}
    graph: dict[str, set[str]] = {}
    for name, _, tree in modules():
        if name in {"__init__", "__main__"}:
            continue
        here = name.removesuffix(".__init__")
        for imported, _ in imports(tree):
            target = imported.removeprefix("gdprkit.")
            while target and target not in known:
                target = target.rpartition(".")[0]
            if imported.startswith("gdprkit.") and target and target != here:
                graph.setdefault(here, set()).add(target)
    assert _cycle(graph) == []


def test_ciphers_are_imported_in_one_room() -> None:
    """Only few modules of sealing import the library of ciphers."""
    importers = {
        name
        for name, _, tree in modules()
        if any(imported.startswith("cryptography") for imported, _ in imports(tree))
    }
    assert importers <= {f"sealing.{module}" for module in CIPHERS}


def test_libraries_belong_to_their_extra() -> None:
    """A library of an extra is imported only by the rooms of that extra."""
    import sys

    wrong = []
    for name, path, tree in modules():
        for imported, line in imports(tree):
            top = imported.partition(".")[0]
            if top in sys.stdlib_module_names or top in {"gdprkit", "attr"} | CORE_LIBRARIES:
                continue
            if folder(name) not in EXTRAS.get(top, set()):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {top}")
    assert wrong == []


def test_no_room_for_everything() -> None:
    """There is no utils and no models of everything."""
    names = {path.stem for _, path, _ in modules()}
    assert names & {"utils", "util", "helpers", "models", "common", "misc"} == set()


def test_files_stay_small() -> None:
    """No file is much above 350 lines; the keeper and the marketing rules are the largest."""
    long = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for _, path, _ in modules()
    }
    assert {name: count for name, count in long.items() if count > 600} == {}


CLOCKS = {"now", "utcnow", "today", "time", "time_ns"}


def test_one_place_reads_a_clock() -> None:
    """Only keeper.clock asks what time it is; key caches count seconds, not dates."""
    readers = []
    for name, path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in CLOCKS:
                base = node.value
                if isinstance(base, ast.Name) and base.id in {"datetime", "date"}:
                    readers.append(f"{name}:{node.lineno}")
                elif isinstance(base, ast.Name) and base.id == "time":
                    readers.append(f"{path.name}:{node.lineno}")
    assert [reader for reader in readers if not reader.startswith("keeper.clock")] == []


#: The only use of the test kit from outside: the command that runs scenario files.
RUNS_TESTS = ("desk.cli", "gdprkit.testing.scenarios.")


def test_the_core_never_imports_its_test_kit() -> None:
    """Nothing outside gdprkit.testing imports it, but for the command that runs scenarios."""
    wrong = [
        (name, imported)
        for name, _, tree in modules()
        if folder(name) != "testing"
        for imported, _ in imports(tree)
        if imported.startswith("gdprkit.testing")
        and not (name == RUNS_TESTS[0] and imported.startswith(RUNS_TESTS[1]))
    ]
    assert wrong == []
