"""The committed contacts: made again they are the same, and nobody in them is real."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gdprkit.desk.examples import example, generator
from gdprkit.errors import InvalidValue
from gdprkit.interop.contacts_csv import COLUMNS, open_contacts
from gdprkit.keeper.contact_rows import ContactRow, RejectedRow

JOT = Path(__file__).parents[2] / "docs" / "examples" / "jot"
RESERVED = re.compile(r"(.+\.)?(example\.(com|org|net)|[a-z]+\.(test|invalid))\Z", re.IGNORECASE)


def made(people: int) -> str:
    text = io.StringIO()
    with generator() as module:
        module.write(text, people)
    return text.getvalue()


def test_the_committed_file_is_what_the_generator_makes() -> None:
    """The generator makes the committed contacts again, byte for byte."""
    assert made(1000).encode() == (JOT / "contacts.csv").read_bytes()


def test_the_script_prints_the_same() -> None:
    """Run as a script, the generator prints the same bytes, whatever the locale."""
    command = [sys.executable, "-B", str(JOT / "make_contacts.py"), "--people", "120"]
    run = subprocess.run(command, capture_output=True, check=True, env={"LC_ALL": "C"})
    assert run.stdout == made(120).encode()


def test_a_longer_file_begins_with_the_shorter_one() -> None:
    """A row depends on its number and the seed only."""
    assert made(350).startswith(made(200))


def test_another_seed_makes_other_people() -> None:
    """The seed decides who is made."""
    text = io.StringIO()
    with generator() as module:
        module.write(text, 50, module.SEED + 1)
    assert text.getvalue() != made(50)


def test_every_mailbox_is_reserved_and_no_number_can_be_dialled() -> None:
    """Mailboxes lie in reserved domains, and telephone numbers in no Finnish range."""
    rows = list(csv.DictReader(made(1000).splitlines()))
    mailboxes = [row["email"] for row in rows if "@" in row["email"]]
    assert len(mailboxes) > 900
    assert all(RESERVED.match(mailbox.rpartition("@")[2]) for mailbox in mailboxes)
    phones = {row["phone"] for row in rows} - {"", "040 123"}
    strange = [phone for phone in phones if not re.match(r"\+358 00 \d{9}\Z", phone)]
    assert strange == []


def test_every_situation_is_met_in_two_hundred_rows() -> None:
    """The least file holds every situation, so the demo's story can be told with it."""
    with generator() as module:
        met = {module.situation(number) for number in range(1, 201)}
        assert met == {situation for situation, _ in module.SHARES}


def test_the_file_holds_readable_and_broken_rows() -> None:
    """Umlauts, duplicates and broken rows are there, and the reader knows every column."""
    with example("contacts.csv") as path:
        rows = list(open_contacts(path))
    assert len(rows) == 1000
    broken = {row.code for row in rows if isinstance(row, RejectedRow)}
    assert {"formula-cell", "email-unreadable", "wrong-number-of-cells"} <= broken
    names = [
        r.fields["name"].reveal() for r in rows if isinstance(r, ContactRow) and "name" in r.fields
    ]
    assert any("ä" in name for name in names)
    assert len(set(names)) < len(names)
    with generator() as module:
        assert set(module.HEADER) <= set(COLUMNS)


def test_an_unknown_example_is_refused() -> None:
    """A file that is no part of the example is refused."""
    with pytest.raises(InvalidValue, match="installation"), example("nothing.csv"):
        pass
