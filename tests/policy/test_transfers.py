"""Transfers to third countries: what each mechanism needs, and what stops when the law changes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import attrs
import pytest
from tests.policy.support import MARKETING, case, consented, customer, jot, with_notice

from gdprkit.errors import UnknownName, UnknownPurpose
from gdprkit.facts.entry import Fact
from gdprkit.facts.objection import RestrictionImposed
from gdprkit.policy.adequacy import ADEQUACY, EEA, Adequacy, adequacy_for
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.law import FI_2026
from gdprkit.policy.transfer import (
    MayTransfer,
    StoppedFlow,
    may_transfer,
    stopped_flows,
    without_adequacy,
)
from gdprkit.register.notices import NoticeItem
from gdprkit.register.parties import Fallback, Transfer, TransferMechanism
from gdprkit.register.register import Register
from gdprkit.words.identifiers import FieldId, NoticeId, PurposeId
from gdprkit.words.vocabulary import DataTag, PurposeKind, RestrictionGround

CARE = PurposeId("customer-care")
CLAUSES: dict[str, Any] = {
    "mechanism": TransferMechanism.STANDARD_CLAUSES,
    "module": 2,
    "assessment": "assessments/out",
    "assessment_passed": True,
}
LISTED: dict[str, Any] = {
    "mechanism": TransferMechanism.ADEQUACY,
    "listing_checked": date(2026, 1, 1),
    "listed_until": date(2026, 9, 30),
    "listing_covers": True,
}
RULES: dict[str, Any] = {**CLAUSES, "mechanism": TransferMechanism.BCR, "module": None}
OCCASIONAL: dict[str, Any] = {"mechanism": TransferMechanism.DEROGATION, "occasional": True}
BACKUP = Fallback(evidence="contracts/2", review_by=date(2026, 12, 31), **CLAUSES)
AFTER = datetime(2026, 10, 1, 9, tzinfo=UTC)


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


def declared(*flows: Transfer) -> Register:
    """Return the register with these flows alone, and a notice that tells of transfers."""
    told = jot().notices[NoticeId("v7")].items | {NoticeItem.TRANSFERS}
    return attrs.evolve(with_notice("v7", items=told), transfers={one.id: one for one in flows})


def ask(
    out: Transfer,
    /,
    *facts: Fact,
    at: datetime | None = None,
    register: Register | None = None,
    **question: Any,
) -> Decision:
    given: dict[str, Any] = {"transfer": "out", "purpose": CARE}
    asked = case(*(facts or customer()), register=register or declared(out), at=at)
    return may_transfer(asked, MayTransfer(**{**given, **question}))


def against(decision: Decision) -> set[str]:
    return {reason.code for reason in decision.against}


@pytest.mark.parametrize(
    "parts", [LISTED, CLAUSES, RULES, OCCASIONAL], ids=["listed", "clauses", "rules", "occasional"]
)
def test_each_mechanism_carries_with_all_its_parts(parts: dict[str, Any]) -> None:
    """With importer, evidence, review and its own conditions known, a mechanism carries (R-712)."""
    decision = ask(flow(**parts))
    assert decision, decision.codes
    assert decision.question == "may_transfer"
    assert decision.law == FI_2026.id


@pytest.mark.parametrize(
    ("parts", "gone", "code", "outcome"),
    [
        (CLAUSES, "importer", "transfer-incomplete", Outcome.FORBIDDEN),
        (CLAUSES, "mechanism", "transfer-incomplete", Outcome.FORBIDDEN),
        (CLAUSES, "evidence", "transfer-incomplete", Outcome.FORBIDDEN),
        (CLAUSES, "fields", "transfer-not-for-field", Outcome.FORBIDDEN),
        (CLAUSES, "purposes", "transfer-not-for-purpose", Outcome.FORBIDDEN),
        (CLAUSES, "review_by", "transfer-review-unset", Outcome.NEEDS),
        (CLAUSES, "module", "clauses-without-module", Outcome.NEEDS),
        (CLAUSES, "assessment", "transfer-assessment-missing", Outcome.NEEDS),
        (CLAUSES, "assessment_passed", "transfer-assessment-missing", Outcome.NEEDS),
        (RULES, "assessment", "transfer-assessment-missing", Outcome.NEEDS),
        (RULES, "assessment_passed", "transfer-assessment-missing", Outcome.NEEDS),
        (LISTED, "listing_checked", "listing-unchecked", Outcome.NEEDS),
        (LISTED, "listed_until", "listing-unchecked", Outcome.NEEDS),
        (LISTED, "listing_covers", "listing-unchecked", Outcome.NEEDS),
        (OCCASIONAL, "occasional", "derogation-for-a-flow", Outcome.FORBIDDEN),
    ],
)
def test_each_unknown_part_alone_withholds(
    parts: dict[str, Any], gone: str, code: str, outcome: Outcome
) -> None:
    """One part that nobody knows is one reason, by itself: unknown never allows (R-711, R-713)."""
    default = attrs.fields_dict(Transfer)[gone].default
    unknown = frozenset() if gone in ("fields", "purposes") else default
    decision = ask(flow(**{**parts, gone: unknown}))
    assert against(decision) == {code}
    assert decision.outcome is outcome


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({**CLAUSES, "assessment_passed": False}, "transfer-assessment-failed"),
        ({**RULES, "assessment_passed": False}, "transfer-assessment-failed"),
        ({**LISTED, "listing_covers": False}, "listing-not-for-data"),
    ],
)
def test_a_finding_against_forbids(parts: dict[str, Any], code: str) -> None:
    """What was looked at and found wanting is no missing fact: it forbids."""
    decision = ask(flow(**parts))
    assert against(decision) == {code}
    assert decision.outcome is Outcome.FORBIDDEN


@pytest.mark.parametrize("country", ["IN", "CN", "RU", "VN"])
def test_a_country_without_a_decision_is_not_adequate(country: str) -> None:
    """Calling a country adequate makes it none, listed or not; clauses may carry there."""
    assert against(ask(flow(country=country, **LISTED))) == {"not-adequate"}
    assert ask(flow(country=country, **CLAUSES))


@pytest.mark.parametrize("country", sorted(one.country for one in ADEQUACY if not one.listed))
def test_an_adequate_country_needs_no_list(country: str) -> None:
    """A decision for the whole country carries every importer, and no appeal is warned of."""
    out = flow(country=country, mechanism=TransferMechanism.ADEQUACY)
    decision = ask(out, at=datetime(2026, 2, 1, 9, tzinfo=UTC))
    assert decision
    assert "transfer-fallback-missing" not in decision.codes


@pytest.mark.parametrize("country", sorted(EEA))
def test_no_country_of_the_eea_is_a_third_country(country: str) -> None:
    """Within the European Economic Area nothing of Chapter V is asked."""
    decision = ask(flow(country=country, importer=None))
    assert decision
    assert "within-the-eea" in decision.codes


@pytest.mark.parametrize(
    ("day", "code"),
    [(date(2026, 9, 29), None), (date(2026, 9, 30), None), (date(2026, 10, 1), "listing-expired")],
)
def test_a_listing_counts_through_its_last_day(day: date, code: str | None) -> None:
    """The answer says until when it holds: the end of the last day in Helsinki."""
    decision = ask(flow(**LISTED), at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    assert against(decision) == ({code} if code else set())
    if code is None:
        assert decision.valid_until == datetime(2026, 9, 30, 21, tzinfo=UTC)


def test_the_earlier_of_review_and_listing_limits_the_answer() -> None:
    """Two days are declared; the answer holds until the end of the first of them."""
    decision = ask(flow(**{**LISTED, "review_by": date(2026, 3, 15)}))
    assert decision.valid_until == datetime(2026, 3, 15, 22, tzinfo=UTC)
    assert against(ask(flow(**{**LISTED, "review_by": date(2026, 3, 15)}), at=AFTER)) == {
        "transfer-review-overdue",
        "listing-expired",
    }


FIRST = {
    Outcome.ALLOWED: LISTED,
    Outcome.NEEDS: {**LISTED, "listing_checked": None},
    Outcome.FORBIDDEN: {**LISTED, "listing_covers": False},
}
SECOND = {
    Outcome.ALLOWED: BACKUP,
    Outcome.NEEDS: attrs.evolve(BACKUP, module=None),
    Outcome.FORBIDDEN: attrs.evolve(BACKUP, assessment_passed=False),
}


@pytest.mark.parametrize(("first", "second"), [*product(Outcome, repeat=2)])
def test_a_flow_is_carried_by_the_better_of_mechanism_and_fallback(
    first: Outcome, second: Outcome
) -> None:
    """The milder of the two decides, and a warning says when only one of them stands (R-712)."""
    decision = ask(flow(**FIRST[first], fallback=SECOND[second]))
    assert decision.outcome is min(first, second, key=lambda one: one.rank)
    assert ("transfer-fell-back" in decision.codes) is (second.rank < first.rank)
    both = first is second is Outcome.ALLOWED
    assert ("transfer-fallback-ready" in decision.codes) is both
    alone = first is Outcome.ALLOWED and not both
    assert ("transfer-fallback-missing" in decision.codes) is alone


def test_a_listing_without_a_fallback_warns_and_clauses_do_not() -> None:
    """The pending appeal concerns the decision for the United States alone (R-712)."""
    assert "transfer-fallback-missing" in ask(flow(**LISTED)).codes
    assert "transfer-fallback-missing" not in ask(flow(**CLAUSES)).codes


def test_the_person_is_told_of_the_transfer() -> None:
    """A notice for this purpose with the item on transfers is the entry the answer rests on."""
    decision = ask(flow(**CLAUSES))
    (told,) = (reason for reason in decision.reasons if reason.code == "transfer-told")
    assert told.evidence == (2,)
    silent = attrs.evolve(jot(), transfers={"out": flow(**CLAUSES)})
    assert against(ask(flow(**CLAUSES), register=silent)) == {"transfer-not-told"}


def test_what_may_not_be_processed_is_not_transferred() -> None:
    """Chapter V comes on top of the rest of the Regulation (Art. 44): a restriction stops both."""
    stored_only = RestrictionImposed(ground=RestrictionGround.UNLAWFUL)
    assert against(ask(flow(**CLAUSES), *customer(), stored_only)) == {"restricted"}


def test_each_field_that_would_go_is_asked_about() -> None:
    """One field of a special category withholds, and leaving it out of the question lets go."""
    register = declared(flow(**CLAUSES))
    special = attrs.evolve(register.fields[FieldId("email")], tags=frozenset({DataTag.SPECIAL}))
    register = attrs.evolve(register, fields={**register.fields, special.id: special})
    assert against(ask(flow(), register=register)) == {"special-data"}
    assert ask(flow(), register=register, fields=["name"])


@pytest.mark.parametrize("kind", [PurposeKind.ANALYTICS, PurposeKind.PROFILING])
def test_no_derogation_carries_a_standing_flow(kind: PurposeKind) -> None:
    """Analytics, profiling and marketing are no occasional transfers, whatever is declared."""
    register = declared(flow(**OCCASIONAL, purposes=frozenset({CARE, MARKETING})))
    purpose = attrs.evolve(register.purposes[CARE], kinds=frozenset({kind}))
    changed = attrs.evolve(register, purposes={**register.purposes, CARE: purpose})
    assert ask(flow(), register=register)
    assert "derogation-for-a-flow" in against(ask(flow(), register=changed))
    assert "derogation-for-a-flow" in against(ask(flow(), register=register, purpose=MARKETING))


@pytest.mark.parametrize(
    ("said", "allowed"),
    [
        ({"explicit": True, "transfer_risks_told": True}, True),
        ({"explicit": True}, False),
        ({"transfer_risks_told": True}, False),
    ],
)
def test_a_consent_to_a_transfer_is_explicit_and_told_of_the_risks(
    said: dict[str, Any], allowed: bool
) -> None:
    """Both words of Art. 49(1)(a) are needed (R-714)."""
    consent = consented(CARE, channels=(), **said)
    decision = ask(flow(**OCCASIONAL, on_consent=True), *customer(), consent)
    assert bool(decision) is allowed
    assert ("derogation-unconsented" in against(decision)) is not allowed


def test_a_derogation_as_fallback_asks_for_the_same_consent() -> None:
    """An explicit consent that is valid for the purpose carries no transfer without the risks."""
    fallback = Fallback(
        mechanism=TransferMechanism.DEROGATION, evidence="n/1", review_by=date(2026, 12, 31)
    )
    out = flow(**{**FIRST[Outcome.FORBIDDEN], "fallback": fallback}, on_consent=True)
    out = attrs.evolve(out, occasional=True)
    untold = ask(out, *customer(), consented(CARE, channels=(), explicit=True))
    assert against(untold) == {"derogation-unconsented"}
    told = consented(CARE, channels=(), explicit=True, transfer_risks_told=True)
    assert ask(out, *customer(), told)


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ({"transfer": "outt"}, UnknownName),
        ({"purpose": "customer-car"}, UnknownPurpose),
        ({"fields": ["emial"]}, UnknownName),
    ],
)
def test_an_undeclared_name_is_an_error(question: dict[str, Any], error: type[Exception]) -> None:
    """Flow, purpose and fields are declared names; another word is a mistake, not an answer."""
    with pytest.raises(error, match="did you mean"):
        ask(flow(**CLAUSES), **question)


# --- the day a decision of adequacy falls --------------------------------------------------------

NO_US = without_adequacy(FI_2026, "US")
AT = datetime(2026, 2, 1, tzinfo=UTC)


def test_when_a_decision_of_adequacy_falls_its_flows_stop_with_their_purposes() -> None:
    """Every purpose of the flow is named, and why; one that had never been carried is not."""
    both = frozenset({CARE, PurposeId("enquiries")})
    register = declared(flow(**LISTED, purposes=both))
    assert stopped_flows(register, FI_2026, NO_US, AT) == (
        StoppedFlow(transfer="out", purposes=both, codes=frozenset({"not-adequate"})),
    )
    unneeded = declared(flow(**LISTED, purposes=frozenset({CARE, PurposeId("ledgers")})))
    (stopped,) = stopped_flows(unneeded, FI_2026, NO_US, AT)
    assert stopped.purposes == {CARE}  # ledgers need neither name nor email


@pytest.mark.parametrize(
    "parts",
    [
        {**LISTED, "fallback": BACKUP},
        CLAUSES,
        RULES,
        OCCASIONAL,
        {**OCCASIONAL, "on_consent": True},
        {**LISTED, "review_by": date(2026, 1, 31)},
        {**LISTED, "importer": None},
        {**LISTED, "country": "CH"},
        {**LISTED, "country": "SE"},
    ],
    ids=str,
)
def test_flows_that_do_not_rest_on_it_are_not_named(parts: dict[str, Any]) -> None:
    """A ready fallback goes on; what stood still, or rests on something else, is not told."""
    assert stopped_flows(declared(flow(**parts)), FI_2026, NO_US, AT) == ()


@pytest.mark.parametrize(
    ("fallback", "code"),
    [
        (SECOND[Outcome.NEEDS], "clauses-without-module"),
        (SECOND[Outcome.FORBIDDEN], "not-adequate"),
    ],
)
def test_a_fallback_that_is_not_ready_does_not_save_a_flow(fallback: Fallback, code: str) -> None:
    """The reasons are those of the better of the two, so that it shows what would help."""
    (stopped,) = stopped_flows(declared(flow(**LISTED, fallback=fallback)), FI_2026, NO_US, AT)
    assert stopped.codes == {code}


def test_nothing_stops_while_the_law_stays() -> None:
    """The same law before and after stops nothing, and a new decision of adequacy neither."""
    register = declared(flow(**LISTED))
    assert stopped_flows(register, FI_2026, FI_2026, AT) == ()
    assert stopped_flows(register, NO_US, FI_2026, AT) == ()


def test_the_law_without_a_decision_is_another_law() -> None:
    """Its id differs, so no decision made under it is taken for one of the law in force."""
    assert NO_US.id != FI_2026.id
    assert "US" not in {one.country for one in NO_US.adequacy}
    left = without_adequacy(FI_2026, "CH").adequacy
    assert set(FI_2026.adequacy) - set(left) == {Adequacy("CH", "2000/518/EC")}


@pytest.mark.parametrize(
    ("country", "day", "decision"),
    [
        ("US", date(2018, 5, 25), "(EU) 2016/1250"),
        ("US", date(2020, 7, 15), "(EU) 2016/1250"),
        ("US", date(2020, 7, 16), None),
        ("US", date(2023, 7, 9), None),
        ("US", date(2023, 7, 10), "(EU) 2023/1795"),
        ("JP", date(2019, 1, 22), None),
        ("JP", date(2019, 1, 23), "(EU) 2019/419"),
        ("BR", date(2026, 1, 25), None),
        ("BR", date(2026, 1, 26), "(EU) 2026/179"),
        ("GB", date(2018, 5, 25), "(EU) 2021/1772"),
        ("GB", date(2031, 12, 27), "(EU) 2021/1772"),
        ("GB", date(2031, 12, 28), None),
        ("IN", date(2026, 1, 1), None),
    ],
)
def test_a_decision_of_adequacy_carries_on_its_days_only(
    country: str, day: date, decision: str | None
) -> None:
    """An old day is decided by the decision of that day, its first and last day included."""
    found = adequacy_for(FI_2026.adequacy, country, day)
    assert (found.decision if found else None) == decision


def test_an_answer_about_adequacy_ends_with_the_decision_or_when_one_begins() -> None:
    """What a coming day changes is told: the end of a decision, or the beginning of one."""
    to_britain = ask(flow(country="GB", mechanism=TransferMechanism.ADEQUACY, review_by=None))
    adequate = next(r for r in to_britain.reasons if r.code == "adequate")
    assert adequate.until == datetime(2031, 12, 27, 22, tzinfo=UTC)
    to_brazil = ask(
        flow(country="BR", mechanism=TransferMechanism.ADEQUACY),
        at=datetime(2026, 1, 10, 9, tzinfo=UTC),
    )
    assert to_brazil.outcome is Outcome.FORBIDDEN
    assert to_brazil.valid_until == datetime(2026, 1, 25, 22, tzinfo=UTC)
