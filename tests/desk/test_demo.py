"""The demo: its claims hold, its papers are there, and a figure that differs fails it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gdprkit.desk.claims import counts
from gdprkit.desk.cli import cli
from gdprkit.desk.demo import Result, prepare_folder, run_demo
from gdprkit.desk.examples import example
from gdprkit.desk.papers import SEVERAL
from gdprkit.desk.stage import Talk
from gdprkit.errors import InvalidValue
from gdprkit.interop.contacts_csv import open_contacts
from gdprkit.keeper.contact_rows import ContactRow


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, silent: Talk) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("demo")
    prepare_folder(out)
    return out, run_demo(out, silent)


def test_every_claim_holds(ran: tuple[Path, Result]) -> None:
    """The main job on the committed contacts: every claim was checked and holds."""
    _, result = ran
    assert [claim for claim in result.claims if not claim.ok] == []
    assert len(result.claims) > 50
    assert result.ok


def test_the_figures_are_those_of_the_file(ran: tuple[Path, Result]) -> None:
    """The summary's figures are what SQL counts in the store."""
    out, result = ran
    tables = {
        "people": "count(*) FROM gdprkit_line",
        "entries": "count(*) FROM gdprkit_entry",
        "values": "count(*) FROM gdprkit_value",
        "keys": "count(*) FROM gdprkit_key",
        "tombstones": "count(*) FROM gdprkit_tombstone",
        "suppressed": "count(DISTINCT hash) FROM gdprkit_suppression",
    }
    with closing(sqlite3.connect(out / "people.db")) as connection:
        counted = {
            name: connection.execute(f"SELECT {table}").fetchone()[0]
            for name, table in tables.items()
        }
    assert result.figures["in the file"] == counted
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert summary["figures"] == result.figures
    assert summary["notes"] == [SEVERAL]


def test_erased_people_and_tombstones_are_as_many(ran: tuple[Path, Result]) -> None:
    """Nobody counts as erased whose key is there still, and no key is there without a person."""
    figures: Any = ran[1].figures
    erased = figures["people by status"]["erased"]
    assert erased == figures["in the file"]["tombstones"] > 0
    assert figures["in the file"]["keys"] == figures["in the file"]["people"] - erased


def test_the_import_ends_as_the_file_was_made(ran: tuple[Path, Result]) -> None:
    """The rows end as the committed contacts were made, and both sweeps find work."""
    figures: Any = ran[1].figures
    assert figures["import"] == {"added": 940, "unchanged": 20, "conflict": 20, "rejected": 20}
    assert figures["access request due"] == "2027-01-25"
    assert set(figures["first sweep"]) == {"moved", "archived", "erased", "waiting", "kept"}
    assert figures["second sweep"]["moved"] > 0


@pytest.mark.parametrize(
    "guard",
    [
        "archived t3-not-told",
        "archived t4-right-not-told",
        "archived t5-stopped",
        "archived t6-not-compatible",
        "archived t9-no-channel",
        "archived t10-expired",
        "archived t11-left-role",
        "archived t11-contact-left",
        "archived t11-address-dead",
        "archived t12-suppressed",
        "erased t11-deceased",
        "erased t8-minor",
        "erased t8-safety-ban",
        "kept legal-hold",
        "waiting t1-end-unproved",
        "waiting t3-window-open",
    ],
)
def test_each_guard_decides_for_somebody(ran: tuple[Path, Result], guard: str) -> None:
    """The contacts meet the guards of the move, and waiting is told apart from failing."""
    figures: Any = ran[1].figures
    assert figures["first sweep, guards"][guard] > 0


def test_the_papers_show_no_personal_data(ran: tuple[Path, Result]) -> None:
    """Every paper but the answer itself is free of names, mailboxes and telephone numbers."""
    out, _ = ran
    with example("contacts.csv") as path:
        rows = [row for row in open_contacts(path) if isinstance(row, ContactRow)]
    fields = ("name", "email", "phone", "address")
    personal = {r.fields[f].reveal() for r in rows for f in fields if f in r.fields}
    papers = [p for p in out.iterdir() if p.suffix in {".txt", ".json"}]
    assert len(papers) >= 9
    for paper in papers:
        text = paper.read_text("utf-8")
        assert [value for value in personal if value in text] == [], paper.name


def test_rejected_rows_are_named_by_line(ran: tuple[Path, Result]) -> None:
    """The import report names the line of each rejected row, duplicates with both lines."""
    text = (ran[0] / "import-report.txt").read_text("utf-8")
    assert "line 28: rejected, formula-cell, column name" in text
    assert "line 36: unchanged, already-there, same person as line 31" in text
    assert text.count(": rejected") == 20
    assert "formula-cell                The cell begins as a formula does" in text


def test_the_papers_explain(ran: tuple[Path, Result]) -> None:
    """Due date, decisions and erasure are explained in words."""
    out, _ = ran
    assert "which is a Saturday" in (out / "deadline.txt").read_text("utf-8")
    assert "the person has objected" in (out / "decisions.txt").read_text("utf-8")
    assert SEVERAL in (out / "plan-first.txt").read_text("utf-8")
    assert "tombstone" in (out / "erasure-receipt.txt").read_text("utf-8")
    assert sorted(p.name for p in (out / "bundle").iterdir()) == [
        "answer.md",
        "data.json",
        "manifest.sha256",
    ]
    plans = json.loads((out / "plan-first.json").read_text("utf-8"))
    assert len(plans["plans"]) == sum(plans["planned"].values())


def test_a_figure_that_differs_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When SQL counts something else than the run did, the claim fails and the exit code is 1."""

    def wrong(file: Path) -> dict[str, int]:
        found = counts(file)
        return found | {"keys": found["keys"] + 1}

    monkeypatch.setattr("gdprkit.desk.chapters.counts", wrong)
    run = CliRunner().invoke(cli, ["demo", "--people", "200", "--out", str(tmp_path / "out")])
    assert run.exit_code == 1
    assert "FAILED every person has a key of their own" in run.stdout
    assert not json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))["ok"]


def test_a_second_run_replaces_the_first_and_tells_the_same(tmp_path: Path) -> None:
    """Ids and keys are random and figures are not; the folder of a run may be used again."""
    out = tmp_path / "out"
    summaries = []
    for _ in range(2):
        run = CliRunner().invoke(cli, ["demo", "--people", "200", "--out", str(out)])
        assert run.exit_code == 0, run.output
        summaries.append(json.loads((out / "summary.json").read_text("utf-8"))["figures"])
    assert summaries[0] == summaries[1]
    assert "claims were checked and hold" in run.stdout
    assert "A person may meet several guards" in run.stdout
    assert "\x1b" not in run.stdout
    assert "importing contacts" in run.stderr
    assert "importing contacts" not in run.stdout


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    """A folder that holds somebody's files is refused with exit code 2 and left as it was."""
    (tmp_path / "mine.txt").write_text("mine")
    run = CliRunner().invoke(cli, ["demo", "--out", str(tmp_path)])
    assert run.exit_code == 2
    assert "name an empty or a new folder" in run.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_as_folder_is_refused(tmp_path: Path) -> None:
    """A file cannot be the folder."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidValue, match="is a file"):
        prepare_folder(tmp_path / "file")


def test_too_few_people_are_refused(tmp_path: Path, silent: Talk) -> None:
    """Fewer rows than the story needs are refused, by the command and by the function."""
    assert CliRunner().invoke(cli, ["demo", "--people", "10"]).exit_code == 2
    with pytest.raises(InvalidValue, match="too few"):
        run_demo(tmp_path, silent, people=10)
