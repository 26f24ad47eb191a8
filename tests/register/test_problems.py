"""Mistakes in a file: each is told with its path, what was expected and the close word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gdprkit.errors import RegisterInvalid
from gdprkit.register.references import REFERENCES
from gdprkit.register.register import Register

GOOD = (Path(__file__).parent / "good.toml").read_text(encoding="utf-8")


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(RegisterInvalid) as caught:
        Register.loads(text)
    assert caught.value.source == "register.toml"
    return caught.value.problems


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            'basis = "consent"',
            'basis = "consnt"',
            (
                "$.purposes['newsletter'].basis: unknown value \"consnt\"; "
                "expected one of consent, contract, legal-obligation, vital-interests, "
                "public-task, legitimate-interests; "
                'did you mean "consent"?'
            ),
        ),
        (
            'basis = "consent"',
            'basis = "zzz"',
            (
                "$.purposes['newsletter'].basis: unknown value \"zzz\"; expected one of consent, "
                "contract, legal-obligation, vital-interests, public-task, legitimate-interests"
            ),
        ),
        (
            'basis = "consent"',
            "basis = 6",
            (
                "$.purposes['newsletter'].basis: expected one of consent, contract, "
                "legal-obligation, vital-interests, public-task, legitimate-interests"
            ),
        ),
        (
            'purposes = ["newsletter"]\n\n[sources.form]',
            'purposes = ["newsletter"]\nmodule = 5\n\n[sources.form]',
            "$.transfers['us'].module: is no module; write 1, 2, 3 or 4",
        ),
        (
            'purposes = ["newsletter"]\n\n[sources.form]',
            (
                'purposes = ["newsletter"]\nfallback = { mechanism = "standard-clauses", '
                'evidence = "c-1", module = 0 }\n\n[sources.form]'
            ),
            "$.transfers['us'].fallback.module: is no module; write 1, 2, 3 or 4",
        ),
        (
            'purposes = ["newsletter"]\n\n[sources.form]',
            (
                'purposes = ["newsletter"]\nfallback = { mechanism = "standard-clauses" }'
                "\n\n[sources.form]"
            ),
            "$.transfers['us'].fallback.evidence: is missing; write it",
        ),
        (
            'channels = ["email"]',
            'channels = ["phone", "emial"]',
            (
                "$.purposes['newsletter'].channels[1]: unknown value \"emial\"; "
                'expected one of email, sms, phone, post, online; did you mean "email"?'
            ),
        ),
        (
            'channels = ["email"]',
            'channels = "email"',
            "$.purposes['newsletter'].channels: expected a list, like [\"email\"]",
        ),
        (
            'label = "Newsletter"',
            "label = 3",
            "$.purposes['newsletter'].label: expected a text in quotation marks",
        ),
        (
            'label = "Newsletter"',
            'label = ""',
            "$.purposes['newsletter'].label: is empty or not text; write it out",
        ),
        (
            'label = "Newsletter"\n',
            "",
            "$.purposes['newsletter'].label: is missing; write it",
        ),
        (
            'label = "Newsletter"',
            'lable = "x"\nlabel = "Newsletter"',
            '$.purposes[\'newsletter\']: unknown key "lable"; did you mean "label"?',
        ),
        (
            'label = "Newsletter"',
            'id = "x"\nlabel = "Newsletter"',
            "$.purposes['newsletter'].id: the id is the key of the table; leave this line out",
        ),
        (
            'keep = "P24M", after = "withdrawal"',
            'keep = "24 months", after = "withdrawal"',
            (
                "$.purposes['newsletter'].retention.keep: is no period; write P2Y, P24M, P30D or "
                "P1Y6M, for instance"
            ),
        ),
        (
            'after = "withdrawal"',
            'after = "withdrawl"',
            (
                "$.purposes['newsletter'].retention.after: unknown value \"withdrawl\"; "
                "expected one of collection, connection-end, withdrawal, last-activity, closing, "
                "calendar-year-of-financial-year-end, financial-year-end, "
                "calendar-year-end, claim; "
                'did you mean "withdrawal"?'
            ),
        ),
        (
            (
                'retention = { keep = "P24M", after = "withdrawal", then = "erase", '
                'because = "chosen" }'
            ),
            'retention = "P24M"',
            "$.purposes['newsletter'].retention: expected a table of keys and values",
        ),
        ("lookup = true", 'lookup = "yes"', "$.fields['email'].lookup: expected true or false"),
        ("lookup = true", "lookup = 1", "$.fields['email'].lookup: expected true or false"),
        (
            "published = 2026-01-01",
            'published = "2026-01-01"',
            "$.notices['v1'].published: expected a date without quotation marks, like 2026-03-31",
        ),
        (
            "published = 2026-01-01",
            "published = 2026-01-01T10:00:00Z",
            "$.notices['v1'].published: expected a date without quotation marks, like 2026-03-31",
        ),
        (
            'country = "US"',
            'country = "USA"',
            "$.transfers['us'].country: is no country code; write two capitals, like \"FI\"",
        ),
        (
            "value = 14",
            "value = 1.5",
            "$.settings['review_days'].value: expected a text, a whole number, or true or false",
        ),
        ('reason = "small firm"\n', "", "$.settings['review_days'].reason: is missing; write it"),
        (
            'rights = ["access", "erasure"]',
            'rights = ["access", "erazure"]',
            (
                '$.rights[1]: unknown value "erazure"; expected one of information, access, '
                "rectification, erasure, restriction, portability, objection, "
                'objection-to-marketing, human-review, withdraw-consent; did you mean "erasure"?'
            ),
        ),
        (
            'rights = ["access", "erasure"]',
            'financial_year_end = "02-30"',
            '$.financial_year_end: is no day; write month and day, "12-31"',
        ),
        ("[controller]", "[controler]", '$: unknown key "controler"; did you mean "controller"?'),
        (
            "[recipients.host]",
            "[recipients]\nother = 3\n[recipients.host]",
            "$.recipients['other']: expected a table of keys and values",
        ),
        (
            "[sources.form]",
            '["sources"."My Form"]\nlabel = "x"\nkind = "subject"\n[sources.form]',
            (
                "$.sources['My Form'].id: is not a declared name; use 1 to 64 lower-case letters, "
                "digits, '.', '_' or '-'"
            ),
        ),
    ],
)
def test_a_mistake_is_told_with_path_expectation_and_close_word(
    old: str, new: str, problem: str
) -> None:
    """One mistake in a good file gives its own line, word for word."""
    assert problem in problems_of(changed(old, new))


UNDECLARED = [
    (
        'recipients = ["host"]',
        'recipients = ["hosst"]',
        (
            "$.purposes['direct-marketing'].recipients: \"hosst\" is not declared in "
            'recipients; did you mean "host"?'
        ),
    ),
    (
        'fields = ["email"]\nchannels',
        'fields = ["emial"]\nchannels',
        (
            "$.purposes['newsletter'].fields: \"emial\" is not declared in fields; "
            'did you mean "email"?'
        ),
    ),
    (
        'purposes = ["newsletter"]\nsources',
        'purposes = ["newsleter"]\nsources',
        (
            "$.notices['v1'].purposes: \"newsleter\" is not declared in purposes; "
            'did you mean "newsletter"?'
        ),
    ),
    (
        'sources = ["form"]',
        'sources = ["zzz"]',
        "$.notices['v1'].sources: \"zzz\" is not declared in sources; declare it in [sources]",
    ),
    (
        'sources = ["form"]',
        'sources = ["form"]\nrenews = ["zzz"]',
        "$.notices['v1'].renews: \"zzz\" is not declared in purposes; declare it in [purposes]",
    ),
    (
        'recipient = "host"\nfields',
        'recipient = "hots"\nfields',
        (
            "$.transfers['us'].recipient: \"hots\" is not declared in recipients; "
            'did you mean "host"?'
        ),
    ),
    (
        'fields = ["email"]\npurposes',
        'fields = ["emails"]\npurposes',
        '$.transfers[\'us\'].fields: "emails" is not declared in fields; did you mean "email"?',
    ),
    (
        'purposes = ["newsletter"]\n\n[sources',
        'purposes = ["news-letter"]\n\n[sources',
        (
            "$.transfers['us'].purposes: \"news-letter\" is not declared in purposes; "
            'did you mean "newsletter"?'
        ),
    ),
    (
        'kind = "subject"\nfields = ["email"]',
        'kind = "subject"\nfields = ["e-mail"]',
        '$.sources[\'form\'].fields: "e-mail" is not declared in fields; did you mean "email"?',
    ),
    (
        'purpose = "newsletter"\ntechnique',
        'purpose = "newslettter"\ntechnique',
        (
            "$.cookies['basket'].purpose: \"newslettter\" is not declared in purposes; "
            'did you mean "newsletter"?'
        ),
    ),
    (
        'recipient = "host"\nlifetime',
        'recipient = "ghost"\nlifetime',
        (
            "$.cookies['basket'].recipient: \"ghost\" is not declared in recipients; "
            'did you mean "host"?'
        ),
    ),
    (
        'label = "Web log"\npurpose = "newsletter"',
        'label = "Web log"\npurpose = "zzz"',
        "$.logs['web'].purpose: \"zzz\" is not declared in purposes; declare it in [purposes]",
    ),
    (
        'fields = ["email"]\n\n[marketing_register]',
        'fields = ["mail"]\n\n[marketing_register]',
        '$.logs[\'web\'].fields: "mail" is not declared in fields; did you mean "email"?',
    ),
    (
        'purpose = "direct-marketing"',
        'purpose = "direct-markting"',
        (
            '$.marketing_register.purpose: "direct-markting" is not declared in purposes; '
            'did you mean "direct-marketing"?'
        ),
    ),
]


@pytest.mark.parametrize(("old", "new", "problem"), UNDECLARED)
def test_a_name_that_is_not_declared_is_the_only_problem(old: str, new: str, problem: str) -> None:
    """Each reference from one entry to another is checked, and nothing else is told."""
    assert problems_of(changed(old, new)) == (problem,)


def test_a_part_that_is_no_table_is_told() -> None:
    """A single value where a table of entries belongs is told with what belongs there."""
    cookies = GOOD[GOOD.index("[cookies.basket]") : GOOD.index("[logs.web]")]
    text = changed(cookies, "").replace("schema = 1", "schema = 1\ncookies = 3")
    assert problems_of(text) == ("$.cookies: expected a table of entries by id",)


def test_all_problems_come_together() -> None:
    """Structure and references are told in one go, in the order of the file where it has one."""
    text = (
        changed('basis = "consent"', 'basis = "consnt"')
        .replace('country = "US"', 'country = "us"')
        .replace('purpose = "direct-marketing"', 'purpose = "directmarketing"')
    )
    paths = [problem.split(":")[0] for problem in problems_of(text)]
    assert paths == [
        "$.purposes['newsletter'].basis",
        "$.transfers['us'].country",
        "$.marketing_register.purpose",
    ]


def test_a_long_wrong_word_is_cut() -> None:
    """A whole text in the wrong place is not poured into the error."""
    problems = problems_of(changed('recipients = ["host"]', f'recipients = ["{"x" * 400}"]'))
    assert f'"{"x" * 37}..."' in problems[-1]
    assert max(map(len, problems)) < 200


def test_every_reference_of_the_table_is_tried() -> None:
    """The cases above break each kind of reference there is."""
    tried = set()
    for _, _, problem in UNDECLARED:
        path = problem.split(":")[0]
        tried.add((re.split(r"[.\[]", path)[1], path.rsplit(".", 1)[1]))
    assert tried == {(where, key) for where, key, _ in REFERENCES}
