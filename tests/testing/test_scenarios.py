"""The runner of scenario files: what passes, what fails, and how mistakes are told."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from tests.docs.tables import rows, section
from tests.docs.transcripts import ROOT

from gdprkit.errors import ScenariosInvalid
from gdprkit.testing.scenario_answers import Record
from gdprkit.testing.scenario_file import _EXPECTS, load_scenarios
from gdprkit.testing.scenario_questions import QUESTIONS
from gdprkit.testing.scenarios import ScenarioReport, run_scenarios
from gdprkit.testing.toml_lines import line_of

JOT = ROOT / "docs/examples/jot/register.toml"
EXAMPLES = ROOT / "docs/examples/scenarios"

HEAD = f"""schema = 1
register = "{JOT}"

[like.mail]
ask = "may-contact"
channel = "email"
purpose = "direct-marketing"

[lives]
contact = [
    {{ at = 2026-01-02, fact = "subject-added", kind = "company-contact", source = "fair" }},
    {{ at = 2026-01-02, fact = "notice-given", notice = "v7" }},
]

[[scenario]]
id = "one"
says = "One"
rules = ["R-311"]
life = ["contact"]
"""
OBJECTED = 'facts = [{ at = 2026-01-03, fact = "marketing-objection", via = "phone" }]\n'


def run(tmp_path: Path, text: str) -> ScenarioReport:
    file = tmp_path / "file.toml"
    file.write_text(text, encoding="utf-8")
    return run_scenarios(file)


def problems(tmp_path: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ScenariosInvalid) as caught:
        run(tmp_path, text)
    return caught.value.problems


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_scenario_of_the_project_passes(path: Path) -> None:
    """What the example files expect is what the policies answer."""
    if path.stem == "shared":
        return
    report = run_scenarios(path)
    assert report.failures == ()
    assert report.passed


def test_ids_of_the_project_are_each_used_once() -> None:
    """A scenario is found by its id over all files of the project."""
    ids = [one.id for path in sorted(EXAMPLES.glob("*.toml")) for one in load_scenarios(path)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("expects", "part"),
    [
        ('answer = "allowed"', "answer"),
        ('answer = "forbidden", because = ["objected", "stopped"]', "because"),
        ('answer = "forbidden", because = []', "because"),
        ('answer = "forbidden", missing = ["a thing"]', "missing"),
        ('answer = "forbidden", cell = "M-EM/CON/N"', "cell"),
        ('answer = "forbidden", until = 2026-02-01', "until"),
        ('answer = "forbidden", gives = { status = "active" }', "gives"),
    ],
)
def test_a_part_of_a_decision_that_differs_fails(tmp_path: Path, expects: str, part: str) -> None:
    """Each named part is compared by itself and told with the line of the question."""
    ask = f'asks = [{{ like = "mail", at = 2026-01-05, {expects} }}]'
    report = run(tmp_path, HEAD + OBJECTED + ask)
    assert (report.passed, report.failed) == (0, 1)
    assert [(one.part, one.line, one.id) for one in report.failures] == [(part, 21, "one")]


@pytest.mark.parametrize(
    ("gives", "got"),
    [
        ('{ status = "active" }', "none"),
        ('{ "stops" = 2 }', "1"),
        ('{ statuz = "prospect" }', "(no statuz; did you mean status?)"),
        ("{ status = { deep = 1 } }", "(nothing called deep)"),
        ("{ fields = ['customer/email'] }", "[]"),
    ],
)
def test_a_part_of_another_answer_that_differs_fails(tmp_path: Path, gives: str, got: str) -> None:
    """Answers that are no decisions are compared part by part; an unknown part never passes."""
    ask = f'asks = [{{ ask = "standing", at = 2026-01-05, gives = {gives} }}]'
    report = run(tmp_path, HEAD + OBJECTED + ask)
    assert [one.got for one in report.failures] == [got]


CLOCKS = """
[like.access]
fact = "request-received"
right = "access"
channel = "email"

[[scenario]]
id = "clocks"
says = "Clocks"
rules = ["R-550"]
facts = [
    { at = 2026-02-02, like = "access", case = "one" },
    { at = 2026-02-02, fact = "data-collected", source = "employer", values = ["email"] },
]
asks = [{ at = 2026-03-03, ASK }]
"""


@pytest.mark.parametrize(
    ("ask", "differing"),
    [
        ('ask = "deadline", case = "one", gives = { due = 2026-03-02, overdue = true }', []),
        ('ask = "deadline", case = "one", gives = { refusal_late = false }', ["refusal_late"]),
        ('ask = "explain", case = "one", language = "fi", gives = { lines = [] }', ["lines"]),
        ('ask = "notice-due", gives = { due = 2026-03-02, told = false, overdue = true }', []),
        ('ask = "notice-due", gives = { due = 2026-03-03 }', ["due"]),
        (
            'ask = "breach", aware = 2026-03-01T12:17:00Z, gives.outer = 2026-03-04T13:00:00Z',
            [],
        ),
        (
            'ask = "breach", aware = 2026-03-01T12:17:00Z, gives = { strict_passed = true }',
            ["strict_passed"],
        ),
    ],
)
def test_clocks_can_be_asked_about(tmp_path: Path, ask: str, differing: list[str]) -> None:
    """The ends of a request, its words, the month of a notice and the hours of a breach."""
    report = run(tmp_path, HEAD.partition("[[scenario]]")[0] + CLOCKS.replace("ASK", ask))
    assert [one.part for one in report.failures] == differing


def test_a_missing_extra_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package of holidays a controller elsewhere reads which extra to install."""
    monkeypatch.setattr("gdprkit.words.holidays.find_spec", lambda _: None)
    swedish = 'changes.controller.holidays = "SE"\nfacts = ['
    ask = 'ask = "deadline", case = "one", gives = { due = 2026-03-02 }'
    text = CLOCKS.replace("facts = [", swedish).replace("ASK", ask)
    (problem,) = problems(tmp_path, HEAD.partition("[[scenario]]")[0] + text)
    assert "pip install 'gdprkit[holidays]'" in problem
    assert "\n" not in problem


def test_a_breach_is_known_at_a_moment(tmp_path: Path) -> None:
    """A day alone is no moment, and a language is one of the texts."""
    ask = 'ask = "breach", aware = 2026-03-01, gives = { hours = 72 }'
    (problem,) = problems(tmp_path, HEAD.partition("[[scenario]]")[0] + CLOCKS.replace("ASK", ask))
    assert "aware: expected a moment with its zone" in problem
    ask = 'ask = "explain", case = "one", language = "de", gives = { lines = [] }'
    (problem,) = problems(tmp_path, HEAD.partition("[[scenario]]")[0] + CLOCKS.replace("ASK", ask))
    assert "language" in problem


def test_a_request_is_told_as_it_is_handled(tmp_path: Path) -> None:
    """What it asks for, each field with its ground and end; and whom to tell of what by when."""
    facts = """facts = [
  { at = 2026-01-03, fact = "data-collected", source = "contact-form", values = ["email", "invoices"] },
  { at = 2026-01-03, fact = "disclosed", recipient = "hosting", purpose = "enquiries", fields = ["email"] },
  { at = 2026-01-05, fact = "request-received", case = "r1", right = "erasure", channel = "letter" },
  { at = 2026-01-06, fact = "data-erased", slots = ["email"], reason = "objected", rule = "R-503" },
]
asks = [
  { ask = "handling", request = "r1", at = 2026-01-05, gives = { identity = "on-doubt", at_once = false, notices = [], decisions = { "email/direct-marketing" = "granted", "invoices/bookkeeping" = "legal-obligation until 2032-12-31" } } },
  { ask = "to-tell", at = 2026-01-05, gives = { tell = [] } },
  { ask = "to-tell", at = 2026-01-06, gives = { tell = ["hosting of erasure: email by 2026-01-13"] } },
]
"""  # noqa: E501
    assert run(tmp_path, HEAD + facts).failures == ()
    wrong = facts.replace("legal-obligation until 2032-12-31", "granted")
    assert [one.got for one in run(tmp_path, HEAD + wrong).failures] == [
        "legal-obligation until 2032-12-31"
    ]
    assert (
        "no such request of this person is recorded"
        in problems(
            tmp_path,
            HEAD + facts.replace('"handling", request = "r1"', '"handling", request = "r2"'),
        )[0]
    )


def test_a_code_is_asked_for_its_words(tmp_path: Path) -> None:
    """To the person in English, or in another language; an unknown one is a mistake of the file."""
    ask = """asks = [
  { ask = "words", code = "duty-lasts", at = 2026-01-05, gives = { words = "a law obliges us to keep this data for now" } },
  { ask = "words", code = "duty-lasts", language = "sv", at = 2026-01-05, gives = { words = "nothing" } },
]
"""  # noqa: E501
    (one,) = run(tmp_path, HEAD + ask).failures
    assert one.got == "en lag förpliktar oss att tills vidare spara dessa uppgifter"
    assert problems(tmp_path, HEAD + ask.replace('"sv"', '"ee"'))


def test_what_was_recorded_later_is_not_known(tmp_path: Path) -> None:
    """A question may be asked with what was written down by then."""
    facts = OBJECTED.replace("via =", "recorded = 2026-01-20, via =")
    asks = """asks = [
    { like = "mail", at = 2026-01-10, answer = "forbidden", because = ["objected"] },
    { like = "mail", at = 2026-01-10, known_by = 2026-01-19, answer = "forbidden", cell = "CELL" },
]""".replace("CELL", "M-EM/B2B-U/N")
    report = run(tmp_path, HEAD + facts + asks)
    assert report.failures == ()


def test_changes_of_the_file_and_of_the_scenario_are_laid_over_the_register(
    tmp_path: Path,
) -> None:
    """A scenario may say the register otherwise, over what its file says otherwise."""
    file = "changes.purposes.direct-marketing.channels = ['sms']\n"
    other = file.replace("sms", "email") + 'without = ["security"]\n'
    ask = """asks = [{ like = "mail", at = 2026-01-05, answer = "forbidden", because = [CODES] }]"""
    head = HEAD.replace("[like.mail]", file + "[like.mail]")
    undeclared = '"channel-not-declared"'
    assert run(tmp_path, head + ask.replace("CODES", undeclared)).failures == ()
    assert run(tmp_path, head + other + ask.replace("CODES", '"cell-forbids"')).failures == ()


def test_other_lines_are_looked_at(tmp_path: Path) -> None:
    """An organisation's stop and what a merge brings come from the lines under ``others``."""
    others = """others.firm = [
    { at = 2026-01-02, fact = "subject-added", kind = "generic-address", source = "contact-form" },
    { at = 2026-01-03, fact = "marketing-prohibition", via = "letter", by = "company" },
]
others.double = [{ at = 2026-01-02, fact = "marketing-objection", via = "phone" }]
"""
    facts = """facts = [
    { at = 2026-01-04, fact = "role-taken", organisation = "firm" },
    { at = 2026-01-06, fact = "merged-from", other = "double", verified = false },
]
"""
    asks = """asks = [
    { like = "mail", at = 2026-01-05, answer = "forbidden", because = ["company-prohibited"] },
    { like = "mail", at = 2026-01-07, answer = "forbidden", because = ["objected"] },
]"""
    assert run(tmp_path, HEAD + others + facts + asks).failures == ()
    assert run(tmp_path, HEAD + others + facts + asks.replace("objected", "prohibited")).failed == 1


def test_a_plan_tells_the_move_that_was_refused(tmp_path: Path) -> None:
    """A plan whose move is withheld says so and names the guards; it never looks unasked."""
    ask = """asks = [{ ask = "after-end", at = 2026-01-05, gives = { move = "allowed" } }]"""
    assert [one.got for one in run(tmp_path, HEAD + ask).failures] == ["forbidden"]


def test_a_day_that_has_not_come_is_not_possible(tmp_path: Path) -> None:
    """A fact refused for its day is an answer of the question, with what to do instead."""
    ask = """asks = [{ ask = "record", at = 2026-01-05, fact = "connection-ended", on = 2026-01-06,
    cause = "termination", gives = { possible = false, instead = ["x"] } }]""".replace("\n", " ")
    told = [one.got for one in run(tmp_path, HEAD + ask).failures]
    assert told == ["[record the end on the day, or later]"]


MERGE = 'at = 2026-01-03, fact = "merged-from"'
MISTAKES = [
    (
        f'facts = [{{ {MERGE}, other = "duble", verified = true }}]\nothers.double = []\nasks = []',
        20,
        'did you mean "double"?',
    ),
    (
        'facts = [{ at = 2026-01-03, fact = "x", other = "d", verified = true }]\nasks = []',
        20,
        "belongs to a merge",
    ),
    (
        'others.firm = [{ at = 2026-01-03, fact = "hold-liftet" }]\nasks = []',
        20,
        'did you mean "hold-lifted"?',
    ),
    (
        'facts = [{ at = 2026-01-03, fact = "marketing-objektion", via = "phone" }]\nasks = []',
        20,
        'there is no such kind of fact; did you mean "marketing-objection"?',
    ),
    (
        'facts = [{ at = 2026-01-03, fact = "marketing-objection", vai = "phone" }]\nasks = []',
        20,
        'unknown key "vai"; did you mean "via"?',
    ),
    (
        'facts = [{ at = 2026-01-03, fact = "marketing-objection", via = "fone" }]\nasks = []',
        20,
        'did you mean "phone"?',
    ),
    ('facts = [{ fact = "marketing-objection", via = "phone" }]\nasks = []', 20, "at: is missing"),
    (
        'facts = [{ at = 2026-01-03T10:00:00, fact = "hold-lifted" }]\nasks = []',
        20,
        "no time zone",
    ),
    ('facts = [{ at = "soon", fact = "hold-lifted" }]\nasks = []', 20, "expected a day"),
    ('asks = [{ ask = "may-kontact", at = 2026-01-05 }]', 20, 'did you mean "may-contact"?'),
    ('asks = [{ like = "male", at = 2026-01-05 }]', 20, 'did you mean "mail"?'),
    ('asks = [\n  { like = "mail", at = 2026-01-05 },\n]', 21, "expects nothing"),
    ('asks = [{ like = "mail", answer = "allowed" }]', 20, "at: is missing"),
    (
        'asks = [{ like = "mail", at = 2026-01-05, answer = "allwed" }]',
        20,
        'did you mean "allowed"?',
    ),
    (
        'asks = [{ like = "mail", at = 2026-01-05, purpose = "newsleter", answer = "needs" }]',
        20,
        "did you mean 'newsletter'?",
    ),
    (
        'asks = [{ like = "mail", at = 2026-01-05, answer = "forbidden", because = ["objectd"] }]',
        20,
        'no reason has the code objectd; did you mean "objected"?',
    ),
    (
        'asks = [{ like = "mail", at = 2026-01-05, answer = "forbidden", because = ["zzz"] }]',
        20,
        "see the page of reasons",
    ),
    ("asks = []", 20, "holds no question"),
    ('without = ["purposes.nothing"]\nasks = []', 20, "the register has no such part"),
    (
        'changes.purposes.newsletter.basis = "consnt"\nasks = []',
        20,
        'did you mean "consent"?',
    ),
    ('lives = ["contact"]\nasks = []', 20, 'unknown key "lives"; did you mean "life"?'),
]


@pytest.mark.parametrize(("body", "line", "told"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_by_line_and_near_word(
    tmp_path: Path, body: str, line: int, told: str
) -> None:
    """Every mistake names its line and what to do; nothing is run."""
    found = problems(tmp_path, HEAD + body)
    fitting = [one for one in found if told in one]
    assert fitting, found
    assert fitting[0].startswith("line 15:" if "lives" in body else f"line {line}:"), found


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Two wrong scenarios give two problems, each with its own line."""
    second = HEAD[HEAD.index("[[scenario]]") :].replace('"one"', '"two"')
    text = f"{HEAD}asks = []\n\n{second}asks = []\n"
    assert [one.split(":")[0] for one in problems(tmp_path, text)] == ["line 20", "line 27"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema = 2\nregister = 'x'", "unknown to this gdprkit"),
        ("schema = ", "not TOML"),
        ("schema = 1", "name the register file"),
        (f"schema = 1\nregister = '{JOT}'", "no scenario is there"),
        ("schema = 1\nregister = 'nowhere.toml'", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_run_is_told(tmp_path: Path, text: str, told: str) -> None:
    """A file without scenarios, register or known schema never counts as passed."""
    file = tmp_path / "file.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Exception, match=told):
        run_scenarios(file)


def test_a_register_in_the_folder_is_no_scenario_file(tmp_path: Path) -> None:
    """A folder may hold the register beside the scenarios; every other file in it is run."""
    (tmp_path / "register.toml").write_bytes(JOT.read_bytes())
    ask = (
        'asks = [{ like = "mail", at = 2026-01-05, answer = "forbidden", because = ["objected"] }]'
    )
    (tmp_path / "file.toml").write_text(HEAD + OBJECTED + ask, encoding="utf-8")
    assert run_scenarios(tmp_path).passed == 1
    (tmp_path / "misspelt.toml").write_text("schema = 1\n[[scenaro]]\n", encoding="utf-8")
    with pytest.raises(ScenariosInvalid, match="scenaro"):
        run_scenarios(tmp_path)
    (tmp_path / "misspelt.toml").write_text("schema = ", encoding="utf-8")
    with pytest.raises(ScenariosInvalid, match="not TOML"):
        run_scenarios(tmp_path)


def test_a_life_that_no_file_tells_is_a_mistake(tmp_path: Path) -> None:
    """Where nothing is known, the problem says so and lists nothing."""
    text = f'schema = 1\nregister = "{JOT}"\n[[scenario]]\nid = "a"\nsays = "a"\nrules = []\n'
    told = problems(tmp_path, text + 'life = ["nobody"]\nasks = []\n')
    assert "line 7: $.scenario[0].life[0]: there is no such life; known: none is written" in told


def test_no_question_has_a_part_that_the_file_needs_for_itself() -> None:
    """Parts of a question stand beside ``at``, ``answer`` and the like, so no name is both."""
    for asked in QUESTIONS.values():
        if asked.asked is not Record:
            assert {f.name for f in attrs.fields(asked.asked)} & _EXPECTS == set()


@pytest.mark.parametrize(
    ("ask", "right", "wrong"),
    [
        (
            'ask = "proof", purpose = "newsletter", channel = "email"',
            "kept_through = 2029-01-03",
            "kept_through = 2029-01-04",
        ),
        ('ask = "is-personal", field = "cookies"', "personal = true", "personal = false"),
        (
            'ask = "log", log = "web-log", written = 2026-01-05',
            "shorten_after = 2026-01-19, erase_after = 2026-04-05",
            "shorten_after = 2026-01-19, erase_after = 2026-04-06",
        ),
    ],
)
def test_proof_and_logs_are_asked(tmp_path: Path, ask: str, right: str, wrong: str) -> None:
    """Each of these questions tells its parts, and another value is a difference."""
    no = 'fact = "consent-withdrawn", purpose = "newsletter", channels = ["email"], via = "phone"'
    facts = f"facts = [{{ at = 2026-01-03, {no} }}]\n"
    asks = f"asks = [{{ {ask}, at = 2026-01-05, gives = {{ PARTS }} }}]"
    assert run(tmp_path, HEAD + facts + asks.replace("PARTS", right)).failures == ()
    assert run(tmp_path, HEAD + facts + asks.replace("PARTS", wrong)).failed == 1


def test_no_proof_is_asked_of_a_word_nobody_said(tmp_path: Path) -> None:
    """Asking for the proof of nothing is a mistake of the file."""
    ask = '{ ask = "proof", purpose = "profiling", at = 2026-01-05, gives = { personal = true } }'
    assert "consent of this person" in problems(tmp_path, f"{HEAD}asks = [{ask}]")[0]


def test_the_page_lists_every_question_with_its_parts() -> None:
    """Questions and parts on the page are those of the code; ``?`` marks what may be left out."""
    page = ROOT / "docs/reference/scenario-files.md"
    told = {row[0]: row[1] for row in rows(section(page, "## A question"))}
    for name, asked in QUESTIONS.items():
        if asked.asked is not Record:
            parts = ", ".join(
                f"{f.name}{'' if f.default is attrs.NOTHING else '?'}"
                for f in attrs.fields(asked.asked)
            )
            assert told[name] == (parts or "none")
    assert set(QUESTIONS) <= set(told)


def test_the_line_of_a_path_is_where_it_ends() -> None:
    """Lines are found inside arrays that span lines, and the nearest part stands for a lost one."""
    text = "a = 1\n\n[[t]]\nx = [\n  { y = 1 },\n  { y = 2 },\n]\n\n[[t]]\nx = []\n"
    assert line_of(text, "$.a") == 1
    assert line_of(text, "$.t[0].x[1].y") == 6
    assert line_of(text, "$.t[0].x[0].z") == 5
    assert line_of(text, "$.t[1].x") == 10
    assert line_of(text, "$.t[1].q") == 9
