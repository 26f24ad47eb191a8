"""The canary kit on gdprkit itself: a store, its log, the whole demo, and the pytest fixture."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.desk.conftest import Silent
from tests.keeper.support import House, house_on, jot

from gdprkit import requests, retention
from gdprkit.desk import demo
from gdprkit.desk.stage import Run, Talk
from gdprkit.storage import SqliteStore
from gdprkit.testing.canary import Canary, CanaryFound, CanaryUnproven
from gdprkit.words.identifiers import SubjectId

ROOT = Path(__file__).parents[2]
KIND = "company-contact"
#: What an erasure of somebody who objected takes; of orders and invoices a duty keeps some.
FIELDS = ("customer-number", "name", "email", "phone", "address", "title", "company", "message")


def planted(house: House, *fields: str) -> Canary:
    return Canary.of(house.keeper.register, *(fields or FIELDS), kind=KIND)


def added(house: House, canary: Canary) -> SubjectId:
    """Add the canary, and write to its line as a life does."""
    about = house.keeper.add_person(KIND, canary.values, source="contact-form", notice="v7")
    house.keeper.record(about, requests.receive(right="access", channel="email"))
    return about


def erased(house: House, about: SubjectId) -> None:
    plan = house.keeper.plan(about, retention.erasure(reason="objected", reference="R-1"))
    house.keeper.apply(plan, approve=plan.digest)


def test_nothing_is_left_in_a_compacted_store(tmp_path: Path) -> None:
    """After erasure and compact no value, sealed value or wrapped key is in the file or the log."""
    path = tmp_path / "people.db"
    with SqliteStore(path) as store:
        house = house_on(store)
        canary = planted(house)
        with canary.listening():
            about = added(house, canary)
            seen = canary.held_in(path, keeper=house.keeper, store=store, about=about)
            assert seen.fields == {f"sealed {field}" for field in canary.values}
            erased(house, about)
            store.compact()
        assert canary.gone_from(path).findings == ()
        assert canary.gone_from(tmp_path).findings == ()
    assert canary.gone_from(tmp_path).findings == ()


def test_before_compacting_sealed_bytes_lie_in_the_log_of_sqlite(tmp_path: Path) -> None:
    """Deleted rows stay in the write-ahead log as the page says: sealed ones, and none in clear."""
    path = tmp_path / "people.db"
    with SqliteStore(path) as store:
        house = house_on(store)
        canary = planted(house)
        about = added(house, canary)
        canary.held_in(tmp_path, keeper=house.keeper, store=store, about=about)
        erased(house, about)
        with pytest.raises(CanaryFound, match=r"people\.db-wal: wrapped key 1, plain bytes"):
            canary.gone_from(tmp_path)
        report = canary.find_in(tmp_path)
        assert {finding.where for finding in report.findings} == {f"{path}-wal"}
        sealed = {f"sealed {field}" for field in canary.values}
        assert report.fields == sealed | {"wrapped key 1"}
        store.settle()
        canary.gone_from(tmp_path)


def test_what_a_duty_keeps_is_found_sealed(tmp_path: Path) -> None:
    """An erasure that leaves an order behind leaves its sealed copy and the key, and says so."""
    path = tmp_path / "people.db"
    with SqliteStore(path) as store:
        house = house_on(store)
        canary = planted(house, "email", "orders")
        about = added(house, canary)
        canary.held_in(path, keeper=house.keeper, store=store, about=about)
        erased(house, about)
        store.compact()
        with pytest.raises(CanaryFound, match=r"people\.db: sealed orders, plain bytes"):
            canary.gone_from(path)
        assert canary.find_in(path).fields == {"sealed orders", "wrapped key 1"}


def test_the_key_may_stay_where_a_duty_keeps_another_value(tmp_path: Path) -> None:
    """With ``key=False`` the fields that go are looked for, and not the key of the one kept."""
    path = tmp_path / "people.db"
    with SqliteStore(path) as store:
        house = house_on(store)
        canary = planted(house, "email")
        fields = {**canary.values, "orders": "24 pieces"}
        about = house.keeper.add_person(KIND, fields, source="contact-form", notice="v7")
        canary.held_in(path, keeper=house.keeper, store=store, about=about, key=False)
        with pytest.raises(CanaryFound, match="sealed email"):
            canary.gone_from(path)
        erased(house, about)
        store.compact()
        canary.gone_from(path)
        assert house.keeper.read(about).keys() == {"orders"}


def test_a_copy_of_the_store_holds_what_was_erased(tmp_path: Path) -> None:
    """A backup that was named is searched: the wrapped key in it is found, as it should be."""
    path, backup = tmp_path / "people.db", tmp_path / "backup.db"
    with SqliteStore(path) as store:
        house = house_on(store)
        canary = planted(house)
        about = added(house, canary)
        store.settle()
        backup.write_bytes(path.read_bytes())
        canary.held_in(path, keeper=house.keeper, store=store, about=about)
        erased(house, about)
        store.compact()
        canary.gone_from(path)
        with pytest.raises(CanaryFound, match=r"backup\.db: wrapped key 1"):
            canary.gone_from(path, backup)


def test_the_wrong_store_is_no_evidence(tmp_path: Path) -> None:
    """A store that does not hold this person, and a person without these values, are refused."""
    path, other = tmp_path / "people.db", tmp_path / "other.db"
    with SqliteStore(path) as store, SqliteStore(other) as second:
        house = house_on(store)
        canary = planted(house)
        about = added(house, canary)
        somebody = added(house, planted(house))
        added(house_on(second), planted(house))
        with pytest.raises(CanaryUnproven, match=r"other\.db does not hold the canary"):
            canary.held_in(other, keeper=house.keeper, store=store, about=about)
        with pytest.raises(CanaryUnproven, match="no place holds the canary's sealed customer-nu"):
            canary.held_in(keeper=house.keeper, store=store, about=about)
        (tmp_path / "app.log").write_text(f"added {about}")
        with pytest.raises(CanaryUnproven, match=r"app\.log does not hold the canary"):
            canary.held_in(
                path, tmp_path / "app.log", keeper=house.keeper, store=store, about=about
            )
        with pytest.raises(CanaryUnproven, match="does not read back the canary's customer-number"):
            canary.held_in(path, keeper=house.keeper, store=store, about=somebody)


def test_an_erasure_that_leaves_an_answer_behind_is_found(tmp_path: Path) -> None:
    """An answer to the person that was written to a folder is found in each of its files."""
    path, answers = tmp_path / "people.db", tmp_path / "answers"
    with SqliteStore(path) as store:
        house = house_on(store)
        canary = planted(house)
        about = added(house, canary)
        case = house.keeper.standing(about).request.cases[0].case
        house.keeper.answer(about, case).write(answers)
        canary.held_in(path, keeper=house.keeper, store=store, about=about)
        canary.seen_in(answers)
        erased(house, about)
        store.compact()
        with pytest.raises(CanaryUnproven, match=r"was seen in .*answers: search it again"):
            canary.gone_from(path)
        with pytest.raises(CanaryFound) as found:
            canary.gone_from(path, answers)
    text = str(found.value)
    assert "data.json: email, UTF-8, offset" in text
    assert "answer.md: email, UTF-8, offset" in text
    assert not any(value in text for value in canary.values.values())


def test_the_whole_demo_leaves_no_trace_of_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row of the person the demo erases is a canary: it is in the contacts and nowhere else."""
    canary = Canary.of(jot(), "name", "email", "phone", "address", "customer-number")
    write, story = demo._write_contacts, demo._story
    runs: list[Run] = []

    def with_the_canary(path: Path, people: int, talk: Talk) -> None:
        write(path, people, talk)
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        subscriber = next(
            row
            for row in rows
            if row["marketing"] == "consent" and row["consent_wording"] and not row["started"]
        )
        subscriber |= {name.replace("-", "_"): value for name, value in canary.values.items()}
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.DictWriter(file, list(rows[0]))
            out.writeheader()
            out.writerows(rows)
        canary.seen_in(path)

    def noted(run: Run) -> None:
        story(run)
        runs.append(run)

    monkeypatch.setattr(demo, "_write_contacts", with_the_canary)
    monkeypatch.setattr(demo, "_story", noted)
    demo.prepare_folder(tmp_path)
    with canary.listening():
        result = demo.run_demo(tmp_path, Silent(), people=demo.LEAST)
    assert [claim for claim in result.claims if not claim.ok] == []
    assert ("email", canary.values["email"]) in runs[0].stopped
    with pytest.raises(CanaryFound, match=r"contacts\.csv: email, UTF-8"):
        canary.gone_from(tmp_path)
    (tmp_path / "contacts.csv").unlink()
    assert canary.gone_from(tmp_path).files >= 13


TESTS = """
from pathlib import Path

from gdprkit.testing.canary_fixture import plant_canary as plant_canary
from gdprkit import Register

register = Register.load({register!r})


def test_proved(plant_canary, tmp_path):
    canary = plant_canary(register, "email")
    (tmp_path / "a").write_text(canary.values["email"])
    canary.seen_in(tmp_path)
    (tmp_path / "a").write_text("nobody")
    canary.gone_from(tmp_path)


def test_logged(plant_canary, tmp_path):
    import logging

    canary = plant_canary(register, kind="consumer")
    assert "email" in canary.values and "title" not in canary.values
    (tmp_path / "a").write_text(str(canary.values))
    canary.seen_in(tmp_path)
    (tmp_path / "a").write_text("nobody")
    logging.getLogger("app").debug("%s", canary.values)
    canary.gone_from(tmp_path)


def test_forgotten(plant_canary):
    plant_canary(register, "email")
"""


def test_the_fixture_insists_on_the_search(tmp_path: Path) -> None:
    """Imported by name it hears the log, and a canary nobody looked for fails its test."""
    register = str(ROOT / "docs/examples/jot/register.toml")
    (tmp_path / "test_ours.py").write_text(TESTS.format(register=register))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "."],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        text=True,
        capture_output=True,
        check=False,
    )
    assert "1 failed, 2 passed, 1 error in" in done.stdout, done.stdout
    assert "CanaryFound: the erased person is not gone: " in done.stdout
    assert "log record 0 of app: email, UTF-8, offset" in done.stdout
    assert "Failed: a canary was planted and gone_from was never called for it" in done.stdout
