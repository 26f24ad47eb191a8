"""``gdprkit keys``: what the commands print, do and refuse, and their exit codes."""

from __future__ import annotations

import json
import re
import shlex
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner
from tests.sealing.rotating import Died, dying

from gdprkit import RecordKeeper, Register
from gdprkit.desk import keys_cli
from gdprkit.desk.cli import cli
from gdprkit.keeper.clock import system_clock
from gdprkit.sealing.errors import KeyEpochDestroyed
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.providers import Keyring
from gdprkit.sealing.rotation import new_epoch
from gdprkit.sealing.rows import EpochKind, KeyState
from gdprkit.storage import SqliteStore

REGISTER = Path(__file__).parents[2] / "docs" / "examples" / "jot" / "register.toml"
NAMES = ("a", "b", "c")


@attrs.define
class Shop:
    """A store under a keyring, and the command line beside them."""

    folder: Path
    patch: pytest.MonkeyPatch
    later: timedelta = timedelta(0)

    @property
    def store(self) -> Path:
        return self.folder / "people.db"

    @property
    def ring(self) -> Path:
        return self.folder / "root.key"

    def keeper(self, store: SqliteStore) -> RecordKeeper:
        return RecordKeeper(Register.load(REGISTER), store=store, keys=Keyring.from_file(self.ring))

    def add(self, tenant: str = "main") -> None:
        with SqliteStore(self.store, tenant=tenant) as store:
            for name in NAMES:
                fields = {"email": f"{name}@example.com"}
                self.keeper(store).add_person("consumer", fields, source="contact-form")

    def call(self, command: str, *more: str) -> tuple[int, str, str]:
        """Run a command; nothing it prints is a key."""
        return self.run("keys", command, str(self.store), "--keyring", str(self.ring), *more)

    def run(self, *words: str) -> tuple[int, str, str]:
        """Run the words that follow ``gdprkit``."""
        run = CliRunner().invoke(cli, words)
        secrets = [line.split()[1] for line in self.ring.read_text().splitlines()[2:]]
        assert not [s for s in secrets if len(s) == 44 and s in run.output]
        return run.exit_code, run.stdout, run.stderr

    def roots(self) -> tuple[str, ...]:
        return Keyring.from_file(self.ring).root_ids

    def states(self, tenant: str = "main") -> dict[str, KeyState]:
        with SqliteStore(self.store, tenant=tenant) as store:
            return {row.epoch: row.state for row in store.epochs()}

    def check(self, tenant: str = "main") -> None:
        """Everybody is found and read."""
        with SqliteStore(self.store, tenant=tenant) as store:
            keeper = self.keeper(store)
            for name in NAMES:
                [about] = keeper.find(email=f"{name}@example.com")
                assert keeper.read(about)["email"].reveal() == f"{name}@example.com"  # type: ignore[index]

    def pass_time(self) -> None:
        self.patch.setattr(keys_cli, "system_clock", lambda: system_clock() + timedelta(hours=1))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    made = Shop(tmp_path, monkeypatch)
    Keyring.create(made.ring)
    made.add()
    return made


def test_status_of_a_store_with_nothing_to_do(shop: Shop) -> None:
    """Root key, each epoch with its use, and exit 0."""
    code, out, _ = shop.call("status")
    [root] = shop.roots()
    assert code == 0
    assert out.splitlines()[0] == f"root key {root} (keyring)"
    day = f"{system_clock():%Y-%m-%d}"
    assert f"k1   active    keys of people, made {day}, under {root}, 3 key rows" in out
    assert f"i1   active    look-up terms, made {day}, under {root}, 3 terms" in out
    assert f"l1   active    marks, stops, made {day}, under {root}\n" in out
    assert out.endswith("nothing to do\n")


def test_status_as_json_says_the_same(shop: Shop) -> None:
    """One object with everything, for whoever watches."""
    shop.call("rotate")
    code, out, _ = shop.call("status", "--json")
    body = json.loads(out)
    assert code == 3
    assert (body["tenant"], body["begun"], body["waiting"]) == ("main", False, 3)
    rows = {e["epoch"]: (e["kind"], e["state"], e["hanging"]) for e in body["epochs"]}
    assert rows == {
        "k1": ("kek", "retired", 3),
        "k2": ("kek", "active", 0),
        "i1": ("index", "active", 3),
        "l1": ("lasting", "active", None),
    }
    assert [e["epoch"] for e in body["epochs"] if e["root"] != body["root"]] == ["k1"]
    assert body["todo"] == ["k1: 3 key rows hang on it: run keys rewrap"]
    assert datetime.fromisoformat(body["epochs"][0]["free_at"]).tzinfo is not None


def test_status_as_json_fails_as_json(shop: Shop) -> None:
    """Whoever reads the output by a program is told there too."""
    code, out, _ = shop.call("status", "--json", "--tenant", "mian")
    body = json.loads(out)
    assert (code, body["tenant"]) == (2, "mian")
    assert "the file holds: main" in body["error"]


def test_a_rotation_from_end_to_end(shop: Shop, tmp_path: Path) -> None:
    """Rotate, rewrap, destroy: each says what comes next; then the old backup opens for nobody."""
    [old] = shop.roots()
    backup = tmp_path / "backup.db"
    with SqliteStore(shop.store) as store:
        store.settle()
    backup.write_bytes(shop.store.read_bytes())
    code, out, _ = shop.call("rotate")
    assert code == 0
    assert re.search(r"new root key root-\w+ in .*root\.key: back that file up now", out)
    assert "new keys are wrapped by k2; run keys rewrap for the others" in out
    shop.check()
    code, out, _ = shop.call("destroy", "--yes")
    assert (code, out) == (3, "k1 stays: 3 key rows hang on it: run keys rewrap\n")
    assert old in shop.roots()
    assert shop.call("rewrap")[:2] == (0, "3 rewrapped\n")
    assert shop.call("rewrap")[:2] == (0, "0 rewrapped\n")
    code, out, _ = shop.call("destroy", "--yes")
    assert code == 3
    assert "k1 stays: other processes may use it until" in out
    shop.pass_time()
    code, out, problem = shop.call("destroy", "--drop-root")
    assert code == 3
    assert "run keys status on every other store" in problem
    assert out.splitlines() == [
        "would destroy k1; add --yes to do it",
        f"would destroy root key {old}; add --yes to do it",
    ]
    assert shop.states()["k1"] is KeyState.RETIRED
    code, out, problem = shop.call("destroy", "--drop-root", "--yes")
    assert (code, problem) == (0, "")
    assert "destroyed k1" in out
    assert f"dropped root key {old} from {shop.ring}: destroy its backups too" in out
    assert old not in shop.roots()
    assert shop.call("destroy", "--drop-root", "--yes") == (0, "nothing to destroy\n", "")
    assert shop.call("status")[0] == 0
    shop.check()
    with SqliteStore(backup) as restored:
        keeper = shop.keeper(restored)
        for about in keeper.people():
            with pytest.raises(KeyEpochDestroyed):
                keeper.read(about)


def test_a_root_key_is_dropped_only_when_asked_for(shop: Shop, tmp_path: Path) -> None:
    """Another file under the same keyring keeps what it has; the command that drops is printed."""
    sister = Shop(tmp_path / "a folder", shop.patch)
    sister.folder.mkdir()
    sister.ring.symlink_to(shop.ring)
    sister.add()
    [old] = shop.roots()
    shop.call("rotate")
    shop.call("rewrap")
    shop.pass_time()
    code, out, problem = shop.call("destroy")
    assert (code, out) == (3, "would destroy k1; add --yes to do it\n")
    assert f"root key {old} then wraps nothing in this store any more" in problem
    code, out, problem = shop.call("destroy", "--yes")
    assert (code, out) == (0, "destroyed k1\n")
    assert old in shop.roots()
    sister.check()
    [free, backups, command, *before] = problem.splitlines()
    assert free == f"root key {old} wraps nothing in this store any more"
    assert "old backups of this store open until that is dropped" in backups
    assert "run keys status on every other store that uses this keyring" in before[0]
    assert shop.call("destroy", "--yes") == (0, "nothing to destroy\n", problem)
    code, out, _ = sister.call("status")
    assert code == 3
    assert f"under {old}" in out
    sister.call("rotate")
    sister.call("rewrap")
    sister.call("destroy", "--yes")
    [name, *words] = shlex.split(command)
    assert name == "gdprkit"
    code, out, problem = shop.run(*words)
    assert (code, problem) == (0, "")
    assert out == f"dropped root key {old} from {shop.ring}: destroy its backups too\n"
    assert len(shop.roots()) == 1
    shop.check()
    sister.check()


def test_the_command_that_drops_root_keys_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blanks, tenant and time to live are in it: run as it is printed, it does what it says."""
    shop = Shop(tmp_path / "two words", monkeypatch)
    shop.folder.mkdir()
    Keyring.create(shop.ring)
    shop.add("shop")
    here = ("--tenant", "shop")
    shop.call("rotate", *here)
    shop.call("rewrap", *here)
    code, _, problem = shop.call("destroy", *here, "--ttl", "0")
    assert code == 3
    code, out, problem = shop.run(*shlex.split(problem.splitlines()[2])[1:])
    assert (code, problem, out.splitlines()[0]) == (0, "", "destroyed k1")
    assert shop.states("shop")["k1"] is KeyState.DESTROYED
    assert len(shop.roots()) == 1
    shop.check("shop")


def test_status_names_root_keys_without_use(shop: Shop) -> None:
    """Until they are dropped the rotation is not over; a foreign keyring has none to name."""
    [old] = shop.roots()
    shop.call("rotate")
    shop.call("rewrap")
    assert json.loads(shop.call("status", "--json")[1])["free_roots"] == []
    shop.call("destroy", "--ttl", "0", "--yes")
    told = f"{old} wraps nothing here and opens old backups: see keys destroy, --drop-root"
    code, out, _ = shop.call("status")
    assert (code, out.splitlines()[-1]) == (3, told)
    body = json.loads(shop.call("status", "--json")[1])
    assert (body["free_roots"], body["todo"]) == ([old], [told])
    shop.ring.rename(shop.folder / "right.key")
    Keyring.create(shop.ring)
    Keyring.add_root(shop.ring)
    assert json.loads(shop.call("status", "--json")[1])["free_roots"] == []
    code, out, problem = shop.call("destroy", "--drop-root", "--yes")
    assert (code, problem, len(shop.roots())) == (3, "", 2)


def test_destroy_as_json_says_the_same(shop: Shop) -> None:
    """One object: what is gone, which root keys have no use, and what is left to do."""
    [old] = shop.roots()

    def asked(*more: str) -> tuple[int, dict[str, object]]:
        code, out, problem = shop.call("destroy", "--ttl", "0", "--json", *more)
        body = json.loads(out)
        assert (body.pop("tenant"), body.pop("error")) == ("main", None)
        assert bool(problem) is bool(body["free_roots"])
        return code, body

    empty: dict[str, object] = {
        "destroyed": [],
        "dropped_roots": [],
        "free_roots": [],
        "todo": [],
    }
    assert asked() == (0, empty)
    shop.call("rotate")
    stays = "k1 stays: 3 key rows hang on it: run keys rewrap"
    assert asked("--drop-root", "--yes") == (3, empty | {"todo": [stays]})
    shop.call("rewrap")
    would = "would destroy k1; add --yes to do it"
    assert asked() == (3, empty | {"free_roots": [old], "todo": [would]})
    assert asked("--yes") == (0, empty | {"destroyed": ["k1"], "free_roots": [old]})
    assert asked("--drop-root", "--yes") == (0, empty | {"dropped_roots": [old]})
    code, out, _ = shop.call("destroy", "--json", "--tenant", "mian")
    assert code == 2
    assert "the file holds: main" in json.loads(out)["error"]


def test_a_root_key_that_another_tenant_needs_stays(shop: Shop) -> None:
    """Tenants of one file share a keyring: the root key goes with the last of them."""
    shop.add("other")
    [old] = shop.roots()
    shop.call("rotate")
    shop.call("rewrap")
    shop.pass_time()
    assert shop.call("destroy", "--drop-root", "--yes") == (0, "destroyed k1\n", "")
    assert old in shop.roots()
    shop.check("other")
    code, out, _ = shop.call("status", "--tenant", "other")
    assert (code, out.splitlines()[-1]) == (
        3,
        "a rotation was begun: run keys rotate to finish it",
    )
    assert shop.call("destroy", "--tenant", "other", "--yes")[0] == 3
    code, out, _ = shop.call("rotate", "--tenant", "other")
    assert "new root key" not in out
    shop.call("rewrap", "--tenant", "other")
    shop.patch.setattr(keys_cli, "system_clock", lambda: system_clock() + timedelta(hours=2))
    assert shop.call("destroy", "--tenant", "other", "--drop-root", "--yes")[0] == 0
    assert shop.roots() == (Keyring.from_file(shop.ring).describe().key_id,)
    shop.check()
    shop.check("other")


def test_the_time_to_live_of_the_processes_is_told(shop: Shop) -> None:
    """Whoever set another one says so, and waits as long as they all do."""
    shop.call("rotate")
    shop.call("rewrap")
    assert shop.call("destroy", "--ttl", "0", "--yes")[0] == 0
    assert shop.states()["k1"] is KeyState.DESTROYED
    shop.check()


def test_a_damaged_row_needs_attention(shop: Shop) -> None:
    """It is named by person and version, left alone, and holds its epoch."""
    with SqliteStore(shop.store) as store:
        about = next(store.people())
        with store._file.writing() as port:
            port.run(
                "UPDATE gdprkit_key SET wrapped = ? WHERE subject = ?", (bytes(60), about.bytes)
            )
    shop.call("rotate")
    code, out, _ = shop.call("rewrap")
    assert (code, out) == (3, f"2 rewrapped\ndamaged, left alone: version 1 of {about}\n")
    shop.pass_time()
    code, out, _ = shop.call("destroy", "--yes")
    assert (code, out) == (3, "k1 stays: 1 key rows hang on it: run keys rewrap\n")


def test_old_terms_hold_their_epoch(shop: Shop) -> None:
    """Terms need the register: the command names the call that moves them, and waits."""
    with SqliteStore(shop.store) as store:
        shop.keeper(store).keys.rotate(terms=True)
    shop.call("rewrap")
    shop.pass_time()
    code, out, _ = shop.call("destroy", "--yes")
    assert code == 3
    assert "i1 stays: 3 terms hang on it: run keeper.keys.reindex_terms()" in out
    assert "destroyed k1" in out


@pytest.mark.parametrize("command", ["status", "rotate", "rewrap", "destroy"])
def test_slips_of_the_pen_make_nothing(shop: Shop, command: str, tmp_path: Path) -> None:
    """No such store, tenant or keyring: exit 2, and neither file is made or changed."""
    before = shop.ring.read_text()
    code, _, problem = shop.call(command, "--tenant", "mian")
    assert (code, "the file holds: main" in problem) == (2, True)
    assert shop.states("mian") == {}
    for store, ring in ((tmp_path / "no.db", shop.ring), (shop.store, tmp_path / "no.key")):
        run = CliRunner().invoke(cli, ["keys", command, str(store), "--keyring", str(ring)])
        assert run.exit_code == 2
        assert not (tmp_path / "no.db").exists()
        assert not (tmp_path / "no.key").exists()
    (tmp_path / "text.db").write_text("no store")
    run = CliRunner().invoke(
        cli, ["keys", command, str(tmp_path / "text.db"), "--keyring", str(shop.ring)]
    )
    assert run.exit_code == 2
    assert shop.ring.read_text() == before
    assert "k2" not in shop.states()


def test_d32_a_command_that_dies_anywhere_is_run_again(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before any statement, in whichever of the three: everybody reads, and it ends."""
    commands = [("rotate",), ("rewrap",), ("destroy", "--ttl", "0", "--drop-root", "--yes")]
    with SqliteStore(shop.store) as store:
        store.settle()
    raw, ring = shop.store.read_bytes(), shop.ring.read_text()
    statement, died = 0, True
    while died:
        statement += 1
        folder = tmp_path / str(statement)
        folder.mkdir()
        copy = Shop(folder, shop.patch)
        copy.store.write_bytes(raw)
        copy.ring.write_text(ring)
        copy.ring.chmod(0o600)
        with dying(monkeypatch, statement) as count, suppress(Died):
            for words in commands:
                copy.call(*words)
        died = count[0] >= statement
        copy.check()
        for words in commands:
            assert copy.call(*words)[0] == 0, (statement, words)
        copy.check()
        states = copy.states()
        assert KeyState.RETIRED not in states.values()
        assert len(copy.roots()) == 1
    assert statement > 60


def test_an_interrupted_rotation_is_finished_under_its_root_key(shop: Shop) -> None:
    """Died after the new root key was added: the next call adds no other."""
    Keyring.add_root(shop.ring)
    assert shop.call("status")[1].splitlines()[-1].startswith("a rotation was begun")
    code, out, _ = shop.call("rotate")
    assert (code, "new root key" in out) == (0, False)
    assert len(shop.roots()) == 2
    assert shop.states()["k2"] is KeyState.ACTIVE


def test_two_epochs_that_write_are_an_unfinished_rotation(shop: Shop) -> None:
    """Died before the old epoch was retired: rotate retires it and makes no third."""
    with SqliteStore(shop.store) as store:
        keys = SubjectKeys(Keyring.from_file(shop.ring), store, tenant="main")
        keys.epochs.add(EpochKind.KEK, 2, system_clock())
    assert shop.call("rotate")[0] == 0
    assert shop.states()["k1"] is KeyState.RETIRED
    assert "k3" not in shop.states()


def test_nothing_is_destroyed_that_came_to_hang_meanwhile(shop: Shop) -> None:
    """Between the look and the deed somebody else rotated on: the store itself refuses."""
    shop.call("rotate")
    shop.call("rewrap")
    with SqliteStore(shop.store) as store:
        keys = SubjectKeys(Keyring.from_file(shop.ring), store, tenant="main")
        assert new_epoch(keys, EpochKind.KEK, at=system_clock()) == "k3"
    code, out, _ = shop.call("destroy", "--ttl", "0", "--yes")
    assert code == 3
    assert "destroyed k1" in out
    assert "k2 stays: 3 key rows hang on it" in out
    shop.check()


def test_people_are_named_by_id_only(shop: Shop) -> None:
    """No output holds an address."""
    shop.call("rotate")
    for command in ("status", "rewrap", "destroy"):
        _, out, problem = shop.call(command)
        assert "example.com" not in out + problem


def test_a_keyring_of_something_else_is_told(shop: Shop, tmp_path: Path) -> None:
    """The wrong keyring is no unfinished rotation: which root key it lacks is said."""
    [root] = shop.roots()
    shop.ring.rename(tmp_path / "right.key")
    Keyring.create(shop.ring)
    for command in (("status",), ("destroy", "--yes")):
        code, out, _ = shop.call(*command)
        assert code == 3
        assert f"{root} is not in the keyring: name the right one" in out
        assert "begun" not in out
