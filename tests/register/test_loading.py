"""TOML to a register: words become values, and a file that is none ends in one error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdprkit.errors import RegisterInvalid
from gdprkit.register.notices import Notice
from gdprkit.register.purposes import AfterRetention
from gdprkit.register.register import Register
from gdprkit.register.website import Technique
from gdprkit.words.moments import Period
from gdprkit.words.vocabulary import Channel, FilingSystem, LegalBasis, NoticeKind, Trigger

GOOD = (Path(__file__).parent / "good.toml").read_text(encoding="utf-8")


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(RegisterInvalid) as caught:
        Register.loads(text)
    assert caught.value.source == "register.toml"
    return caught.value.problems


def test_words_become_values() -> None:
    """Every word of the file arrives as the value it names, not as a text."""
    register = Register.loads(GOOD)
    newsletter = register.purpose("newsletter")
    assert newsletter.basis is LegalBasis.CONSENT
    assert newsletter.channels == {Channel.EMAIL}
    assert {type(channel) for channel in newsletter.channels} == {Channel}
    assert newsletter.retention is not None
    assert newsletter.retention.keep == Period(months=24)
    assert newsletter.retention.after is Trigger.WITHDRAWAL
    assert newsletter.retention.then is AfterRetention.ERASE
    assert register.purpose("direct-marketing").filing is FilingSystem.MARKETING
    notice = register.notice("v1")
    assert isinstance(notice, Notice)
    assert notice.kind is NoticeKind.DIRECT
    assert notice.published.isoformat() == "2026-01-01"
    assert register.cookies["basket"].technique is Technique.LOCAL_STORAGE
    assert register.cookies["basket"].lifetime == Period(days=1)
    assert (register.settings["review_days"].value, register.settings["strict"].value) == (14, True)
    assert register.settings["strict"].value is True
    assert register.marketing_register is not None
    assert register.marketing_register.cap == Period(months=36)
    assert register.rights == ("access", "erasure")


def test_ids_come_from_the_keys() -> None:
    """An entry's id is the key of its table."""
    register = Register.loads(GOOD)
    assert register.fields["email"].id == "email"  # type: ignore[index]
    assert [purpose.id for purpose in register.purposes.values()] == [
        "newsletter",
        "direct-marketing",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "$.schema: is missing; write schema = 1"),
        ("[controller]\nname = 3", "$.schema: is missing; write schema = 1"),
        (
            GOOD.replace("schema = 1", "schema = 2"),
            "$.schema: is unknown to this gdprkit; write schema = 1",
        ),
        (
            GOOD.replace("schema = 1", 'schema = "1"'),
            "$.schema: is unknown to this gdprkit; write schema = 1",
        ),
        (
            GOOD.replace("schema = 1", "schema = true"),
            "$.schema: is unknown to this gdprkit; write schema = 1",
        ),
    ],
)
def test_another_schema_is_refused_before_anything_else(text: str, problem: str) -> None:
    """A file of another format gives one problem, not a rain of them."""
    assert problems_of(text) == (problem,)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("schema = 1\nname = ", "line 2, column 8: the text is not TOML: "),
        ("schema = 1\n\n[controller\n", "line 3, column 12: the text is not TOML: "),
        ("schema = 1\nschema = 1\n", "line 2, column 11: the text is not TOML: "),
    ],
)
def test_text_that_is_no_toml_is_told_with_its_line(text: str, start: str) -> None:
    """A slip of syntax gives one problem with the line, or the end of the text."""
    (problem,) = problems_of(text)
    assert problem.startswith((start, "end of document: the text is not TOML: "))
    assert "(at " not in problem
    assert ("end of document" in problem) is text.endswith("name = ")


def test_nesting_without_end_is_no_toml() -> None:
    """A text nested beyond what can be read ends in the library's own error."""
    (problem,) = problems_of("schema = " + "[" * 100_000)
    assert "not TOML" in problem


def test_a_number_without_end_is_no_toml() -> None:
    """More digits than can be read end in the library's own error."""
    (problem,) = problems_of("schema = " + "9" * 5000)
    assert "not TOML" in problem


def test_a_name_no_file_can_have_is_one_problem() -> None:
    """A path with a zero byte is told like a file that is not there."""
    with pytest.raises(RegisterInvalid, match="cannot be read"):
        Register.load("a\0b.toml")


def test_load_names_the_file(tmp_path: Path) -> None:
    """A file with another system's line ends and mark gives the same; problems carry its path."""
    path = tmp_path / "r.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert Register.load(path) == Register.loads(GOOD)
    path.write_text("schema = 9", encoding="utf-8")
    with pytest.raises(RegisterInvalid) as caught:
        Register.load(str(path))
    assert caught.value.source == str(path)


def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    """A missing file, a folder and a file in another encoding end in the library's own error."""
    latin = tmp_path / "latin.toml"
    latin.write_bytes("schema = 1 # ä".encode("latin-1"))
    for path, word in (
        (tmp_path / "none.toml", "cannot be read"),
        (tmp_path, "cannot be read"),
        (latin, "byte 13: the file is not UTF-8 text"),
    ):
        with pytest.raises(RegisterInvalid) as caught:
            Register.load(path)
        (problem,) = caught.value.problems
        assert word in problem


def test_importing_the_register_loads_no_converter() -> None:
    """Only loading a file needs cattrs: the import stays small."""
    code = "import sys, gdprkit.register.register; print('cattrs' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


def _toml(value: object) -> str:
    match value:
        case None:
            return "2026-01-01"
        case bool():
            return str(value).lower()
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case str():
            return '"' + "".join(f"\\U{ord(letter):08X}" for letter in value) + '"'
        case _:
            return str(value)


@given(
    st.sampled_from([line for line in GOOD.splitlines() if " = " in line and "{" not in line]),
    _values,
)
def test_whatever_stands_in_a_line_the_answer_is_a_register_or_problems(
    line: str, value: object
) -> None:
    """No value in any line makes loading end in anything but a register or its own error."""
    key = line.split(" = ")[0]
    text = GOOD.replace(line, f"{key} = {_toml(value)}")
    problems: tuple[str, ...] | None = None
    try:
        loaded = Register.loads(text)
    except RegisterInvalid as invalid:
        problems = invalid.problems
    else:
        assert isinstance(loaded, Register)
    assert problems != ()
