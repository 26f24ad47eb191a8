"""The screened import: how every row ends, and that nothing becomes more permissive."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdprkit import RecordKeeper, Register, consent, marketing, requests, retention
from gdprkit.errors import UnreadableCsv
from gdprkit.facts.consent import ConsentGiven
from gdprkit.facts.objection import MarketingObjection
from gdprkit.interop.contacts_csv import read_contacts
from gdprkit.keeper.contact_rows import (
    ConsentClaim,
    ContactRow,
    MarketingChoice,
    RejectedRow,
    RelevanceFinding,
)
from gdprkit.keeper.importing import Finding, RowOutcome, import_contacts, masked
from gdprkit.policy.decisions import Outcome
from gdprkit.sealing.providers import MemoryProvider
from gdprkit.state.connection import ConnectionStatus
from gdprkit.storage import MemoryStore
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.personal import Personal
from gdprkit.words.vocabulary import Circumstance, ConsentMethod, EndCause, SubjectKind

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
REGISTER = Register.load(Path(__file__).parents[2] / "docs" / "examples" / "jot" / "register.toml")
BY_EMAIL = marketing.may_contact(channel="email", purpose="direct-marketing")
NEWS = marketing.may_contact(channel="email", purpose="newsletter")
CLAIM = ConsentClaim(
    purpose="newsletter",
    method=ConsentMethod.DOUBLE_OPT_IN,
    notice="v7",
    text_sha256="00" * 32,
    wording="yes",
    captured_by="form",
    proof="mail-1",
    default_off=True,
    separate=True,
    withdrawal_told=True,
    conditional=False,
)


def keeper() -> RecordKeeper:
    return RecordKeeper(REGISTER, store=MemoryStore(), keys=MemoryProvider(), clock=lambda: NOW)


def row(line: int = 2, email: str | None = "aamu@example.com", **more: Any) -> ContactRow:
    fields = {"name": Personal("Aamu Kielo"), **more.pop("fields", {})}
    if email is not None:
        fields["email"] = Personal(email)
    plain: dict[str, Any] = {
        "line": line,
        "kind": SubjectKind.COMPANY_CONTACT,
        "fields": fields,
        "source": "contact-form",
        "collected": date(2025, 1, 31),
        "notice": "v7",
    }
    return ContactRow(**{**plain, **more})


def only(kept: RecordKeeper, email: str = "aamu@example.com") -> SubjectId:
    [about] = kept.find(email=email)
    return about


def test_every_row_ends_in_one_way() -> None:
    """Added, unchanged, conflict and rejected add up to the rows, and each is named by line."""
    kept = keeper()
    rows: list[ContactRow | RejectedRow] = [
        row(2),
        row(3),
        row(4, email="AAMU@example.com"),
        row(5, fields={"title": Personal("Buyer")}),
        RejectedRow(line=6, code="formula-cell", column="name"),
        row(7, email="other@example.com"),
    ]
    report = import_contacts(kept, rows)
    assert report.counts == {
        RowOutcome.ADDED: 2,
        RowOutcome.UNCHANGED: 2,
        RowOutcome.CONFLICT: 1,
        RowOutcome.REJECTED: 1,
    }
    assert report.rows == len(rows)
    assert [(f.line, f.outcome, f.code, f.column, f.other_line) for f in report.findings] == [
        (3, "unchanged", "already-there", None, 2),
        (4, "unchanged", "already-there", None, 2),
        (5, "conflict", "differs-from-the-register", "title", 2),
        (6, "rejected", "formula-cell", "name", None),
    ]
    assert len(list(kept.people())) == 2


def test_a_conflict_changes_nothing() -> None:
    """A row that says something else about a known person leaves the person as they were."""
    kept = keeper()
    import_contacts(kept, [row()])
    before = kept.line(only(kept))
    changed = row(9, choice=MarketingChoice.CONSENT, choice_on=date(2026, 1, 1), claim=CLAIM)
    import_contacts(kept, [attrs.evolve(changed, fields={**changed.fields, "name": Personal("X")})])
    assert kept.line(only(kept)) == before


def test_importing_again_changes_nothing() -> None:
    """The same rows a second time, those without a mailbox too, add nobody and no entry."""
    kept = keeper()
    phone = {"phone": Personal("+358 00 0000001")}
    stopped = row(4, "b@example.com", choice=MarketingChoice.OBJECTED)
    rows = [row(), row(3, email=None, fields=phone), stopped]
    import_contacts(kept, rows)
    lines = {about: kept.line(about) for about in kept.people()}
    again = import_contacts(kept, rows)
    assert again.counts[RowOutcome.ADDED] == 0
    assert again.stops_on_known == 0
    assert {about: kept.line(about) for about in kept.people()} == lines


def test_two_people_may_share_a_telephone() -> None:
    """A telephone alone makes nobody the same person when the names differ."""
    kept = keeper()
    phone = {"phone": Personal("+358 00 0000001")}
    other = {**phone, "name": Personal("Vieno Ikivuo")}
    report = import_contacts(
        kept, [row(2, email=None, fields=phone), row(3, email=None, fields=other)]
    )
    assert report.counts[RowOutcome.ADDED] == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"source": "a-list"}, "source-not-declared"),
        ({"notice": "v99"}, "notice-not-declared"),
        ({"later_notice": "v99"}, "notice-not-declared"),
        ({"fields": {"shoe-size": Personal("43")}}, "field-not-declared"),
        ({"fields": {"phone": Personal("040 1")}}, "contact-point-unreadable"),
        ({"collected": date(2026, 11, 4)}, "date-in-the-future"),
        ({"started": date(2026, 11, 4)}, "date-in-the-future"),
        ({"choice_on": date(2026, 11, 4)}, "date-in-the-future"),
        ({"contract": "x" * 201, "started": date(2025, 2, 1)}, "value-refused"),
    ],
)
def test_rows_the_register_cannot_take(change: dict[str, Any], code: str) -> None:
    """A row that this register cannot take is rejected alone; its neighbours are added."""
    kept = keeper()
    report = import_contacts(kept, [row(2, **change), row(3, "b@example.com")])
    assert [(f.line, f.outcome, f.code) for f in report.findings] == [(2, "rejected", code)]
    assert report.counts[RowOutcome.ADDED] == 1


def test_a_stop_in_the_file_reaches_a_known_person() -> None:
    """An objection in a row about a known person is recorded on them, and closes marketing."""
    kept = keeper()
    import_contacts(kept, [row(relevance=RelevanceFinding.RELATED, started=date(2026, 1, 31))])
    assert kept.ask(only(kept), BY_EMAIL)
    stopping = row(8, choice=MarketingChoice.OBJECTED, choice_on=date(2026, 10, 1))
    report = import_contacts(kept, [stopping])
    assert report.stops_on_known == 1
    assert [f.code for f in report.findings] == ["stop-recorded"]
    assert kept.ask(only(kept), BY_EMAIL).outcome is Outcome.FORBIDDEN


def test_an_objector_is_added_with_the_objection() -> None:
    """A new objector enters with the stop, dated as in the file, and on the suppression list."""
    kept = keeper()
    import_contacts(kept, [row(choice=MarketingChoice.OBJECTED, choice_on=date(2026, 10, 1))])
    facts = [e for e in kept.line(only(kept)) if isinstance(e.fact, MarketingObjection)]
    assert [e.at for e in facts] == [datetime(2026, 9, 30, 21, tzinfo=UTC)]
    assert kept.ask(only(kept), BY_EMAIL).outcome is Outcome.FORBIDDEN


def test_a_consent_with_evidence_counts() -> None:
    """A consent with its whole evidence is recorded and in force."""
    kept = keeper()
    report = import_contacts(
        kept, [row(choice=MarketingChoice.CONSENT, choice_on=date(2026, 1, 1), claim=CLAIM)]
    )
    assert report.findings == ()
    assert report.choices[MarketingChoice.CONSENT] == 1
    assert kept.ask(only(kept), NEWS)


def test_a_consent_is_in_the_language_of_its_notice() -> None:
    """What the person speaks is a value of theirs: it says nothing of the text and is no proof."""
    kept = keeper()
    words = {"language": Personal("sv")}
    claimed = row(
        choice=MarketingChoice.CONSENT, choice_on=date(2026, 1, 1), claim=CLAIM, fields=words
    )
    import_contacts(kept, [claimed])
    (given,) = [e.fact for e in kept.line(only(kept)) if isinstance(e.fact, ConsentGiven)]
    assert given.evidence.language == "en"
    assert kept.ask(only(kept), NEWS)


@pytest.mark.parametrize("part", ["purpose", "method", "notice", "text_sha256", "wording"])
def test_a_consent_without_its_evidence_is_left_out(part: str) -> None:
    """Each missing part of the evidence leaves the consent out; the person is still added."""
    kept = keeper()
    missing: dict[str, Any] = {part: None}
    claim = attrs.evolve(CLAIM, **missing)
    report = import_contacts(
        kept, [row(choice=MarketingChoice.CONSENT, choice_on=date(2026, 1, 1), claim=claim)]
    )
    assert [(f.outcome, f.code) for f in report.findings] == [("added", "consent-evidence-missing")]
    assert not any(isinstance(e.fact, ConsentGiven) for e in kept.line(only(kept)))


def test_a_consent_by_use_is_history_only() -> None:
    """Consent implied by use is recorded with its method and never counts (R-203)."""
    kept = keeper()
    leftover = row(choice=MarketingChoice.IMPLIED, choice_on=date(2026, 1, 1), claim=CLAIM)
    import_contacts(kept, [leftover])
    [fact] = [e.fact for e in kept.line(only(kept)) if isinstance(e.fact, ConsentGiven)]
    assert fact.evidence.method is ConsentMethod.IMPLIED_BY_USE
    decision = kept.ask(only(kept), consent.has_consent("newsletter", "email"))
    assert "consent-not-affirmative" in {reason.code for reason in decision.against}


def test_an_erased_person_who_comes_back_is_still_stopped() -> None:
    """The suppression list meets the row of an erased person: added, and closed to marketing."""
    kept = keeper()
    leftover = row(choice=MarketingChoice.CONSENT, choice_on=date(2026, 1, 1), claim=CLAIM)
    import_contacts(kept, [leftover])
    about = only(kept)
    kept.record(about, requests.receive(right="erasure", channel="email"))
    plan = kept.plan(about, retention.erasure(reason="consent-withdrawn", reference="r-1"))
    assert kept.apply(plan, approve=plan.digest).person_erased
    report = import_contacts(kept, [leftover])
    assert report.counts[RowOutcome.ADDED] == 1
    assert only(kept) != about
    assert not kept.ask(only(kept), NEWS)
    assert not kept.ask(only(kept), BY_EMAIL)


def test_somebody_added_meanwhile_is_a_conflict_of_one_row() -> None:
    """A person added by others between reading and storing costs one row, not the commit."""
    kept = keeper()

    def rows() -> Iterator[ContactRow]:
        yield row(2)
        yield row(3, "b@example.com")
        kept.add_person("consumer", {"email": "aamu@example.com"}, source="contact-form")

    report = import_contacts(kept, rows())
    assert report.counts[RowOutcome.ADDED] == 1
    assert [(f.line, f.outcome) for f in report.findings] == [(2, "conflict")]


def test_a_file_in_another_encoding_leaves_the_store_unchanged() -> None:
    """A file refused as a whole adds nobody, although its first rows were good."""
    kept = keeper()
    data = (
        b"kind,email,source,collected\n" + b"consumer,a@example.com,contact-form,2025-01-01\n" * 3
    )
    with pytest.raises(UnreadableCsv):
        import_contacts(kept, read_contacts(io.BytesIO(data + b"\xff\n")))
    assert list(kept.people()) == []


def test_an_end_that_has_not_come_is_left_out_and_named() -> None:
    """An end in the future is not recorded: the connection lives, and the report says so."""
    kept = keeper()
    ending = row(started=date(2025, 2, 1), ended=date(2026, 12, 1), end_cause=EndCause.TERMINATION)
    report = import_contacts(kept, [ending])
    assert [(f.outcome, f.code, f.column) for f in report.findings] == [
        ("added", "end-has-not-come", "ended")
    ]
    assert kept.standing(only(kept)).status is ConnectionStatus.ACTIVE


def test_what_the_keeper_refuses_ends_one_row() -> None:
    """A row that only the keeper can judge is rejected alone, with the keeper's own word."""
    kept = keeper()
    dead = row(
        2,
        circumstances=(Circumstance.DECEASED,),
        fields={"email": Personal("a@example.com"), "title": Personal("x" * 70000)},
    )
    bad = attrs.evolve(dead, claim=attrs.evolve(CLAIM, wording="x" * 2001))
    bad = attrs.evolve(bad, choice=MarketingChoice.CONSENT, choice_on=date(2026, 1, 1))
    report = import_contacts(kept, [bad, row(3, "b@example.com")])
    assert [(f.line, f.outcome) for f in report.findings] == [(2, "rejected")]
    assert report.counts[RowOutcome.ADDED] == 1


def test_reports_mask_addresses() -> None:
    """No name and no whole address stands in a report."""
    kept = keeper()
    report = import_contacts(kept, [row(2), row(3)])
    assert report.findings == (
        Finding(
            line=3,
            outcome=RowOutcome.UNCHANGED,
            code="already-there",
            other_line=2,
            contact="a***@example.com",
        ),
    )
    assert "aamu" not in repr(report)
    assert masked(None) is None
    assert masked(Personal("+358")) == "+***"


_RANK = {Outcome.ALLOWED: 0, Outcome.NEEDS: 1, Outcome.FORBIDDEN: 2}
CHOICES = st.sampled_from(MarketingChoice)
DAYS = st.dates(date(2025, 2, 1), date(2026, 11, 1))
FINDINGS = st.none() | st.sampled_from(RelevanceFinding)


@given(first=st.tuples(CHOICES, DAYS, FINDINGS), then=st.tuples(CHOICES, DAYS, FINDINGS))
def test_nothing_is_more_permissive_after_an_import(
    first: tuple[MarketingChoice, date, RelevanceFinding | None],
    then: tuple[MarketingChoice, date, RelevanceFinding | None],
) -> None:
    """Whatever a file says about somebody known, no question is answered more freely after it."""
    kept = keeper()

    def made(line: int, said: tuple[MarketingChoice, date, RelevanceFinding | None]) -> ContactRow:
        choice, day, finding = said
        return row(line, choice=choice, choice_on=day, relevance=finding, claim=CLAIM)

    import_contacts(kept, [made(2, first)])
    about = only(kept)
    before = {q: _RANK[kept.ask(about, q).outcome] for q in (BY_EMAIL, NEWS)}
    import_contacts(kept, [made(2, then)])
    after = {q: _RANK[kept.ask(about, q).outcome] for q in (BY_EMAIL, NEWS)}
    assert all(after[q] >= before[q] for q in before)
    assert only(kept) == about
