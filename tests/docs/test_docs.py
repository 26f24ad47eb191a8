"""The pages keep their word: every block runs, every link leads somewhere, every table is true."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.transcripts import (
    INSTALL,
    ROOT,
    parse,
    run_document,
    split_transcript,
    unknown_languages,
)

PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")],
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
VERSION = re.compile(r"^## \[?(\d+\.\d+\.\d+)\]? - (\d{4}-\d{2}-\d{2})$", re.MULTILINE)


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _anchors(page: Path) -> Iterator[str]:
    """Yield the anchors of the headings as Markdown hosts make them."""
    prose = FENCED.sub("", page.read_text(encoding="utf-8"))
    for title in re.findall(r"^#+ (.+)$", prose, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_block_runs(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """Python blocks and transcripts of a page run in order and print what the page shows.

    A page that speaks to PostgreSQL finds a new database under the address in DATABASE_URL.
    """
    shutil.copytree(ROOT / "docs" / "examples", tmp_path / "docs" / "examples")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "page"}
    text = page.read_text(encoding="utf-8")
    assert unknown_languages(text) == []
    if "DATABASE_URL" in text:
        monkeypatch.setenv("DATABASE_URL", request.getfixturevalue("postgres"))
    run_document(page, namespace)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """A relative link names a file of the repository, and an anchor a heading of it."""
    prose = FENCED.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for link in LINK.findall(prose):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.is_file() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


def test_pages_are_reachable() -> None:
    """Each page of docs is linked from another page, so that nobody has to guess its name."""
    linked = set()
    for page in PAGES:
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target != page:
                linked.add(target)
    assert [_name(page) for page in PAGES if page not in linked and page.name != "README.md"] == []


def test_decisions_are_listed() -> None:
    """Every decision record is linked from the list, once and in order."""
    folder = ROOT / "docs" / "decisions"
    records = sorted(page.name for page in folder.glob("0*.md"))
    listed = LINK.findall((folder / "README.md").read_text(encoding="utf-8"))
    assert [link for link in listed if link.startswith("0")] == records
    assert [int(name[:4]) for name in records] == list(range(1, len(records) + 1))


@pytest.mark.parametrize(
    "record", sorted((ROOT / "docs" / "decisions").glob("0*.md")), ids=lambda page: page.stem
)
def test_decisions_have_their_parts(record: Path) -> None:
    """A decision record tells context, decision and consequences, in that order."""
    text = record.read_text(encoding="utf-8")
    parts = re.findall(r"^## (\w+)$", text, re.MULTILINE)
    assert parts == ["Context", "Decision", "Consequences"]
    assert text.startswith(f"# {record.stem[:4]} ")


def test_changelog_names_this_version() -> None:
    """The newest version in the changelog is that of the metadata, and dates only go back."""
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = VERSION.findall((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert found[0][0] == metadata["project"]["version"]
    days = [day for _, day in found]
    assert days == sorted(days, reverse=True)


def test_ci_runs_the_lines_of_the_readme() -> None:
    """The two install lines stand alone in README, and .ci/run takes them from there."""
    blocks = [str(example.parsed) for example in parse(ROOT / "README.md").examples()]
    lines = [block.strip() for block in blocks if block.startswith(INSTALL)]
    setup = "python3 -m venv .venv && .venv/bin/pip install -q"
    assert lines == [
        f"{setup} '.[desk]' && .venv/bin/gdprkit demo",
        f"{setup} -e '.[dev]' && .venv/bin/python -m pytest",
    ]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    searched = re.findall(r'readme_line "([^"]+)"\)', script)
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert [[line for line in readme if words in line] for words in searched] == [
        [line] for line in lines
    ]


def test_a_page_that_lies_is_caught(tmp_path: Path) -> None:
    """The runner itself fails on a wrong output, on silent printing and on an unrun language."""
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1)\n```\n\n```text\n2\n```\n", encoding="utf-8")
    with pytest.raises(Exception, match="expected"):
        run_document(page, {})
    page.write_text("```python\nprint(1)\n```\n", encoding="utf-8")
    with pytest.raises(Exception, match="no text block"):
        run_document(page, {})
    page.write_text("```python\nprint(1)\n```\n\n```text\n1\n```\n", encoding="utf-8")
    assert run_document(page, {}) == 1
    assert unknown_languages("```sh\nls\n```\n\n```text\nx\n```\n") == ["sh"]
    assert split_transcript("$ gdprkit x\nout\n$ echo $?\n1\n") == [
        ("gdprkit x", "out\n"),
        ("echo $?", "1\n"),
    ]
