"""A process that dies in the middle leaves the old state or the new one, nothing between."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.keeper.support import EMAIL, House, dump, house_on, moment

from gdprkit import connection, marketing, retention
from gdprkit.errors import UnknownSubject
from gdprkit.policy.decisions import Outcome
from gdprkit.sealing.errors import SubjectErased
from gdprkit.state.connection import ConnectionStatus
from gdprkit.storage import SqliteStore
from gdprkit.words.identifiers import SubjectId, subject_id
from gdprkit.words.vocabulary import FilingSystem

ROOT = Path(__file__).parents[2]

#: The child: it makes the deed, and dies beside the commit without a word to the database.
CHILD = """
import os, sys
from gdprkit import connection, marketing, retention
from gdprkit.storage import SqliteStore
from gdprkit.words.identifiers import subject_id
from tests.keeper.support import house_on, moment

class Dying:
    def __init__(self, store, when):
        self._store, self._when = store, when

    def __getattr__(self, name):
        return getattr(self._store, name)

    def commit(self, *batches):
        if self._when == "before":
            os._exit(7)
        self._store.commit(*batches)
        os._exit(7)

path, when, deed, about = sys.argv[1:]
house = house_on(Dying(SqliteStore(path), when))
house.clock.now = moment(2026, 4, 2, 10)
about = subject_id(about)
question = {
    "move": connection.after_end(),
    "erase": retention.erasure(reason="unlawful", reference="r-1"),
}.get(deed)
if question is not None:
    plan = house.keeper.plan(about, question)
    house.keeper.apply(plan, approve=plan.digest)
elif deed == "stop":
    house.keeper.record(about, marketing.object_to(via="email"))
else:
    house.keeper.add_person("consumer", {"email": "new@example.com"}, source="contact-form")
os._exit(1)
"""


def die(path: Path, when: str, deed: str, about: SubjectId) -> None:
    """Run the deed in a process that dies before or after its commit."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), when, deed, str(about)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 7, child.stderr


def _moved(house: House, anna: SubjectId) -> None:
    assert house.keeper.standing(anna).status is ConnectionStatus.MARKETING
    assert house.keeper.standing(anna).data.held(FilingSystem.MARKETING)
    assert house.ask(anna)
    assert house.keeper.read(anna, "email")["email"].reveal() == EMAIL  # type: ignore[index]


def _erased(house: House, anna: SubjectId) -> None:
    assert house.keeper.standing(anna).status is ConnectionStatus.ERASED
    with pytest.raises(SubjectErased):
        house.keeper.read(anna)


def _stopped(house: House, anna: SubjectId) -> None:
    assert house.ask(anna).outcome is Outcome.FORBIDDEN
    assert house.keeper.standing(anna).objection.stops


def _added(house: House, _anna: SubjectId) -> None:
    assert len(house.keeper.find(email="new@example.com")) == 1


DEEDS: dict[str, Callable[[House, SubjectId], None]] = {
    "move": _moved,
    "erase": _erased,
    "stop": _stopped,
    "add": _added,
}


@pytest.mark.parametrize("deed", DEEDS)
def test_death_before_the_commit_leaves_everything_as_it_was(path: Path, deed: str) -> None:
    """Killed when all is prepared and nothing committed: not a row differs, and it can be done."""
    with SqliteStore(path) as store:
        anna = _prepared(house_on(store), deed)
    before = dump(path)
    die(path, "before", deed, anna)
    assert dump(path) == before
    die(path, "after", deed, anna)
    _check(path, deed, anna)


@pytest.mark.parametrize("deed", DEEDS)
def test_death_after_the_commit_loses_nothing(path: Path, deed: str) -> None:
    """Killed right after the commit, before anybody was told: the deed is done, and whole."""
    with SqliteStore(path) as store:
        anna = _prepared(house_on(store), deed)
    before = dump(path)
    die(path, "after", deed, anna)
    assert dump(path) != before
    _check(path, deed, anna)


def _prepared(house: House, deed: str) -> SubjectId:
    if deed != "erase":
        return house.ended()
    return house.anna(fields={"email": EMAIL, "name": "Anna Example"})


def _check(path: Path, deed: str, anna: SubjectId) -> None:
    with SqliteStore(path) as store:
        house = house_on(store)
        house.clock.now = moment(2026, 4, 2, 11)
        DEEDS[deed](house, anna)
        for about in house.keeper.people():
            house.keeper.verify(about)
        with pytest.raises(UnknownSubject):
            house.keeper.verify(subject_id("00000000-0000-4000-8000-000000000007"))
        assert list(house.keeper.people())
        if deed == "move":
            plan = house.keeper.plan(anna, connection.after_end())
            assert not plan.has_work, "what was done is not done again"
        if deed == "stop":
            house.keeper.record(anna, marketing.object_to(via="email"))
        if deed == "erase":
            assert not house.keeper.plan(anna, retention.due()).has_work
