"""Transfers: what each reason rests on, and until when it holds (R-711 to R-714)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from tests.policy.support import (
    MARKETING,
    case,
    consented,
    customer,
    jot,
    with_notice,
)

from gdprkit.facts.consent import ConsentWithdrawn
from gdprkit.facts.notice import NoticeGiven
from gdprkit.policy import transfer
from gdprkit.policy.adequacy import ADEQUACY, Adequacy
from gdprkit.policy.decisions import Decision
from gdprkit.policy.disclosure import MayDisclose, may_disclose
from gdprkit.policy.law import FI_2026
from gdprkit.policy.transfer import MayTransfer, may_transfer, stopped_flows, without_adequacy
from gdprkit.register.notices import NoticeItem
from gdprkit.register.parties import (
    Fallback,
    Transfer,
    TransferMechanism,
)
from gdprkit.register.register import Register
from gdprkit.words.identifiers import FieldId, NoticeId, PurposeId, RecipientId, SubjectId
from gdprkit.words.vocabulary import (
    Channel,
    IntakeChannel,
)

CARE = PurposeId("customer-care")
PARTNERS = PurposeId("partner-marketing")
OTHER = RecipientId("other")
VIA = IntakeChannel.LETTER
MAIL, POST, SMS = Channel.EMAIL, Channel.POST, Channel.SMS
INSTANT = timedelta(microseconds=1)
TWO_YEARS = datetime(2028, 1, 5, 22, tzinfo=UTC)
CLAUSES: dict[str, Any] = {
    "mechanism": TransferMechanism.STANDARD_CLAUSES,
    "module": 2,
    "assessment": "assessments/out",
    "assessment_passed": True,
}
ADEQUATE: dict[str, Any] = {"mechanism": TransferMechanism.ADEQUACY, "country": "CH"}
LISTED: dict[str, Any] = {
    "mechanism": TransferMechanism.ADEQUACY,
    "listing_checked": date(2026, 1, 1),
    "listed_until": date(2026, 9, 30),
    "listing_covers": True,
}
ON_CONSENT: dict[str, Any] = {
    "mechanism": TransferMechanism.DEROGATION,
    "occasional": True,
    "on_consent": True,
}


def flow(**parts: Any) -> Transfer:
    given: dict[str, Any] = {
        "id": "out",
        "country": "US",
        "importer": "Example Cloud Inc.",
        "evidence": "transfers/out",
        "fields": {"name", "email"},
        "purposes": {CARE},
        "review_by": date(2026, 12, 31),
    }
    return Transfer(**{**given, **parts})


def telling() -> Register:
    """Return the register with a notice that tells of transfers."""
    return with_notice("v7", items=jot().notices[NoticeId("v7")].items | {NoticeItem.TRANSFERS})


def send(
    out: Transfer, *facts: Any, register: Register | None = None, law: Any = FI_2026, **more: Any
) -> Decision:
    register = attrs.evolve(register or telling(), transfers={"out": out})
    asked = attrs.evolve(case(*(facts or customer()), register=register, **more), law=law)
    return may_transfer(asked, MayTransfer(transfer="out", purpose=CARE))


def test_both_answers_name_the_question_the_person_and_the_end_of_the_law() -> None:
    """An answer about what goes out ends with the law it was given under (R-001)."""
    law = attrs.evolve(FI_2026, valid_to=date(2026, 3, 1))
    who = SubjectId(UUID(int=9))
    register = attrs.evolve(telling(), transfers={"out": flow(**CLAUSES)})
    asked = attrs.evolve(case(*customer(), register=register), law=law, about=who)
    sent = may_transfer(asked, MayTransfer(transfer="out", purpose=CARE))
    told = may_disclose(asked, MayDisclose(recipient="hosting", purpose=CARE))
    end = datetime(2026, 3, 1, 22, tzinfo=UTC)
    for found, question in ((sent, "may_transfer"), (told, "may_disclose")):
        assert (found.question, found.about, found.at) == (question, who, asked.at)
        assert (found.law, found.law_until, found.valid_until) == (law.id, end, end)


def test_each_reason_is_told_once() -> None:
    """Two fields share the reasons of their purpose."""
    found = send(flow(**CLAUSES))
    assert len(found.reasons) == len(set(found.reasons)) > 1


def test_a_flow_begins_on_its_day_in_helsinki() -> None:
    """Until then nothing goes, and the answer says when it will (R-711)."""
    begins = datetime(2026, 2, 28, 22, tzinfo=UTC)
    out = flow(**CLAUSES, starts=date(2026, 3, 1))
    assert send(out, at=begins - INSTANT).against == (transfer.TRANSFER_NOT_BEGUN.on(until=begins),)
    assert send(out, at=begins)


def test_a_review_holds_through_its_last_day() -> None:
    """The reviewed flow says until when; the next day it is overdue (R-711)."""
    end = datetime(2026, 12, 31, 22, tzinfo=UTC)
    assert transfer.REVIEWED.on(until=end) in send(flow(**CLAUSES), at=end - INSTANT).reasons
    assert send(flow(**CLAUSES), at=end).against == (transfer.REVIEW_OVERDUE,)


def test_a_notice_nobody_declared_hides_no_other() -> None:
    """The notice that tells of the transfer for this purpose is the entry (Art. 13(1)(f))."""
    facts = customer()
    unknown = NoticeGiven(notice=NoticeId("v0"))
    found = send(flow(**CLAUSES), facts[0], unknown, *facts[1:])
    assert transfer.TRANSFER_TOLD.on(3) in found.reasons
    elsewhere = with_notice(
        "v7", register=telling(), purposes=telling().notices[NoticeId("v7")].purposes - {CARE}
    )
    untold = send(flow(**CLAUSES), register=elsewhere)
    assert transfer.TRANSFER_NOT_TOLD in untold.against


def test_within_the_eea_and_while_incomplete_nothing_more_is_asked() -> None:
    """No notice and no mechanism is spoken of where there is no transfer, or nothing to judge."""
    inside = send(flow(country="SE"), register=jot())
    assert inside.reasons[-1] == transfer.WITHIN_THE_EEA
    assert not any(reason.rule == "R-712" for reason in inside.reasons)
    unknown = send(flow(), register=jot())
    assert unknown.against == (transfer.TRANSFER_INCOMPLETE,)


def test_only_declared_fields_go() -> None:
    """A flow without the field asked about does not carry it; one field more is one too many."""
    register = attrs.evolve(telling(), transfers={"out": flow(**CLAUSES)})
    asked = case(*customer(), register=register)
    for fields, allowed in (
        (["name"], True),
        (["name", "email"], True),
        (["name", "title"], False),
    ):
        found = may_transfer(asked, MayTransfer(transfer="out", purpose=CARE, fields=fields))
        assert (transfer.TRANSFER_NOT_FOR_FIELD not in found.against) is allowed
    assert MayTransfer(transfer="out", purpose=CARE).fields == frozenset()


def test_a_purpose_that_shares_no_field_with_the_flow_sends_none() -> None:
    """Nothing the purpose needs flows there."""
    found = send(flow(**CLAUSES, fields={"usage"}))
    assert transfer.TRANSFER_NOT_FOR_FIELD in found.against


def test_of_a_flow_only_what_the_purpose_needs_is_asked_about() -> None:
    """A field that flows for another purpose is none of this one's."""
    assert FieldId("usage") not in jot().purposes[CARE].fields
    assert send(flow(**CLAUSES, fields={"name", "usage"}))


def test_clauses_and_binding_rules_name_their_own_safeguard() -> None:
    """Each mechanism is told by its name, with the assessment that it holds there (R-712)."""
    clauses = send(flow(**CLAUSES)).reasons
    assert {transfer.CLAUSES_SIGNED, transfer.ASSESSED} <= set(clauses)
    rules = send(flow(**{**CLAUSES, "mechanism": TransferMechanism.BCR})).reasons
    assert {transfer.BINDING_RULES, transfer.ASSESSED} <= set(rules)
    assert transfer.CLAUSES_SIGNED not in rules


def test_an_adequate_country_is_carried_while_its_decision_lasts() -> None:
    """Without a known end there is none to tell (Art. 45(3))."""
    assert transfer.ADEQUATE in send(flow(**ADEQUATE)).reasons


@pytest.mark.parametrize("until", [date(2026, 6, 30), date(2026, 12, 31)])
def test_a_listing_ends_with_the_earlier_of_its_day_and_the_decision(until: date) -> None:
    """The importer is listed until the end of September; the decision may end before it."""
    ends = Adequacy("US", "(EU) 2023/1795", until=until, listed=True)
    law = attrs.evolve(FI_2026, adequacy=(ends,))
    first = min(
        datetime(2026, 9, 30, 21, tzinfo=UTC),
        datetime(2026, 6, 30, 21, tzinfo=UTC) if until.month == 6 else TWO_YEARS,
    )
    assert transfer.LISTED.on(until=first) in send(flow(**LISTED), law=law).reasons


def test_nobody_had_looked_before_the_day_of_the_check() -> None:
    """A check of tomorrow opens nothing today, and the answer says from when (R-712)."""
    begins = datetime(2026, 2, 28, 22, tzinfo=UTC)
    out = flow(**{**LISTED, "listing_checked": date(2026, 3, 1)})
    assert send(out, at=begins - INSTANT).against == (transfer.LISTING_UNCHECKED.on(until=begins),)
    assert send(out, at=begins)


def test_the_next_decision_is_the_one_of_that_country_that_comes_first() -> None:
    """Decisions of other countries, past ones and later ones change nothing about the day."""
    later = (
        Adequacy("IN", "c", since=date(2026, 9, 1)),
        Adequacy("IN", "b", since=date(2026, 6, 1)),
        Adequacy("CN", "a", since=date(2026, 2, 1)),
        Adequacy("IN", "o", since=date(2020, 1, 1), until=date(2021, 1, 1)),
        Adequacy("IN", "d", until=date(2019, 1, 1)),
    )
    law = attrs.evolve(FI_2026, adequacy=(*ADEQUACY, *later))
    out = flow(mechanism=TransferMechanism.ADEQUACY, country="IN")
    begins = datetime(2026, 5, 31, 21, tzinfo=UTC)
    assert send(out, law=law).against == (transfer.NOT_ADEQUATE.on(until=begins),)
    assert send(out).against == (transfer.NOT_ADEQUATE,)


def test_a_consent_to_a_transfer_is_the_entry() -> None:
    """An explicit one, told of the risks, on any channel; the first that is not hides none."""
    express = {"explicit": True, "transfer_risks_told": True}
    whole = consented(CARE, (), **express)
    found = send(flow(**ON_CONSENT), *customer(), whole)
    assert transfer.DEROGATION_CONSENTED.on(6, until=TWO_YEARS) in found.reasons
    plain = consented(CARE, [MAIL], transfer_risks_told=True)
    by_post = consented(CARE, [POST], **express)
    found = send(flow(**ON_CONSENT), *customer(), plain, by_post)
    assert transfer.DEROGATION_CONSENTED.on(7, until=TWO_YEARS) in found.reasons
    taken_back = ConsentWithdrawn(purpose=CARE, via=VIA)
    assert (
        transfer.DEROGATION_UNCONSENTED
        in send(flow(**ON_CONSENT), *customer(), whole, taken_back).against
    )
    assert (
        transfer.DEROGATION_OCCASIONAL in send(flow(**{**ON_CONSENT, "on_consent": False})).reasons
    )


def test_a_fallback_is_asked_once_and_keeps_its_own_papers() -> None:
    """Its review and its mechanism speak in its place (R-712)."""
    backup = Fallback(evidence="contracts/2", review_by=date(2026, 6, 30), **CLAUSES)
    fallen = flow(**{**LISTED, "listing_covers": False}, fallback=backup)
    found = send(fallen)
    assert found
    expected = {
        transfer.FELL_BACK,
        transfer.REVIEWED.on(until=datetime(2026, 6, 30, 21, tzinfo=UTC)),
        transfer.CLAUSES_SIGNED,
        transfer.ASSESSED,
    }
    said = {reason for reason in found.reasons if reason.code in {one.code for one in expected}}
    assert said == expected


def test_the_law_without_a_decision_names_the_country() -> None:
    """Its id says which decision is gone, and every other one stays."""
    law = without_adequacy(FI_2026, "US")
    assert law.id == f"{FI_2026.id}-US"
    assert law.adequacy == tuple(one for one in ADEQUACY if one.country != "US")
    assert attrs.evolve(law, id=FI_2026.id, adequacy=FI_2026.adequacy) == FI_2026


def test_each_stopped_flow_is_told_with_what_stops_it() -> None:
    """Codes of all its purposes together, and only those against (R-712)."""
    both = frozenset({CARE, MARKETING})
    standing = flow(**LISTED, purposes=both)
    unhurt = flow(id="clauses", **CLAUSES)
    register = attrs.evolve(jot(), transfers={"out": standing, "clauses": unhurt})
    at = datetime(2026, 2, 1, tzinfo=UTC)
    (found,) = stopped_flows(register, FI_2026, without_adequacy(FI_2026, "US"), at)
    assert (found.transfer, found.purposes, found.codes) == (
        "out",
        both,
        frozenset({"not-adequate"}),
    )
