"""Legal bases and purposes: each rule of R-101 to R-119 that may_process carries, alone."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs
import pytest
from tests.policy.support import (
    NEWSLETTER,
    added,
    case,
    consented,
    customer,
    evidence,
    jot,
    with_notice,
    with_purpose,
)

from gdprkit.facts.connection import ConnectionStarted
from gdprkit.facts.consent import ConsentGiven
from gdprkit.facts.entry import Fact
from gdprkit.facts.notice import NoticeGiven
from gdprkit.policy.basis import CONNECTION_BASES, THROUGH_A_COMPANY
from gdprkit.policy.decisions import Decision, Outcome
from gdprkit.policy.law import FI_2026, with_settings
from gdprkit.policy.processing import MayProcess, may_process
from gdprkit.register.purposes import Compatibility
from gdprkit.register.register import Register
from gdprkit.words.identifiers import FieldId, NoticeId, PurposeId
from gdprkit.words.vocabulary import (
    DataTag,
    IdentityCodeGround,
    LegalBasis,
    PurposeKind,
    SpecialGround,
    SubjectKind,
)

CARE = PurposeId("customer-care")
MARKETING = PurposeId("direct-marketing")
CONTRACT = PurposeId("customer-contract")
EMAIL = FieldId("email")
CONSUMER = [*added("consumer"), ConnectionStarted(reference="contract-1")]


def decide(purpose: str, *facts: Fact, register: Register, field: str | None = None) -> Decision:
    asked = MayProcess(purpose=purpose, field=field)
    return may_process(case(*facts, register=register), asked)


def tagged(purpose: PurposeId, tag: DataTag, **declared: Any) -> Register:
    """Return the register with the address marked, and the purpose declared otherwise."""
    register = with_purpose(purpose, **declared)
    field = attrs.evolve(register.fields[EMAIL], tags=frozenset({tag}))
    return attrs.evolve(register, fields={**register.fields, EMAIL: field})


def against(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.against]


# --- R-102 to R-104 -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(THROUGH_A_COMPANY))
def test_a_contract_with_a_company_carries_nothing_for_its_people(kind: SubjectKind) -> None:
    """Whoever is no party to the contract is not processed under it (R-102)."""
    register = with_purpose(CARE, basis=LegalBasis.CONTRACT)
    facts = [*added(kind), ConnectionStarted(reference="contract-1")]
    assert against(decide(CARE, *facts, register=register)) == ["not-party-to-the-contract"]


@pytest.mark.parametrize("kind", ["consumer", "sole-trader"])
def test_a_contract_carries_its_party(kind: str) -> None:
    """Consumers and sole traders are parties themselves (R-102)."""
    facts = [*added(kind), ConnectionStarted(reference="contract-1")]
    assert decide(CONTRACT, *facts, register=jot())


@pytest.mark.parametrize(
    ("declared", "allowed"),
    [
        ({"marketing": True}, False),
        ({"kinds": [PurposeKind.ANALYTICS]}, False),
        ({"kinds": [PurposeKind.PROFILING]}, False),
        ({"kinds": [PurposeKind.FRAUD_PREVENTION]}, False),
        ({"kinds": [PurposeKind.RESEARCH]}, True),
    ],
)
def test_what_no_contract_needs_is_not_carried_by_one(
    declared: dict[str, Any], allowed: bool
) -> None:
    """Marketing, analytics, profiling and fraud prevention need a basis of their own (R-103)."""
    fields = frozenset({EMAIL})
    found = decide(CONTRACT, *CONSUMER, register=with_purpose(CONTRACT, fields=fields, **declared))
    assert bool(found) is allowed
    assert against(found) == ([] if allowed else ["not-needed-for-the-contract"])


def test_a_substantive_connection_is_mapped_with_a_warning() -> None:
    """The label of the repealed law is no basis; with a real one beside it the answer says so."""
    label: dict[str, Any] = {"basis_label": "substantive connection"}
    mapped = decide(CARE, *customer(), register=with_purpose(CARE, **label))
    assert mapped
    assert "connection-mapped" in mapped.codes
    bare = decide(CARE, *customer(), register=with_purpose(CARE, basis=None, **label))
    assert bare.outcome is Outcome.FORBIDDEN
    assert {"connection-is-no-basis", "basis-missing"} <= bare.codes


def test_every_kind_of_person_has_bases_for_a_connection() -> None:
    """Contract only for those who are parties; whoever comes through a company never has it."""
    assert set(CONNECTION_BASES) == set(SubjectKind)
    for kind in THROUGH_A_COMPANY:
        assert CONNECTION_BASES[kind] == (LegalBasis.LEGITIMATE_INTERESTS,)


# --- R-106 ----------------------------------------------------------------------------------------


def told_later() -> list[Fact]:
    """Return a life told of the interest a month after collection only."""
    facts: list[Fact] = [f for f in customer() if not isinstance(f, NoticeGiven)]
    return [*facts[:2], NoticeGiven(notice=NoticeId("v7-reminder")), *facts[2:]]


@pytest.mark.parametrize(
    ("told", "strict", "code", "outcome"),
    [
        ("v7", False, "interest-told", Outcome.ALLOWED),
        ("v7", True, "interest-told", Outcome.ALLOWED),
        ("v7-reminder", False, "interest-told-later", Outcome.ALLOWED),
        ("v7-reminder", True, "interest-not-told-in-time", Outcome.FORBIDDEN),
        (None, False, "interest-not-told", Outcome.NEEDS),
        (None, True, "interest-not-told-in-time", Outcome.FORBIDDEN),
    ],
)
def test_the_interest_is_told_at_collection_or_since(
    told: str | None, strict: bool, code: str, outcome: Outcome
) -> None:
    """A later notice cures, unless the controller has chosen the strict reading (R-106)."""
    facts: list[Fact] = [f for f in customer() if not isinstance(f, NoticeGiven)]
    if told is not None:
        facts.append(NoticeGiven(notice=NoticeId(told)))
    register = with_notice("v7-reminder", purposes=frozenset({CARE}))
    law = with_settings(FI_2026, {"strict_notice": strict})
    asked = attrs.evolve(case(*facts, register=register), law=law)
    found = may_process(asked, MayProcess(purpose=CARE))
    assert code in found.codes
    assert found.outcome is outcome


# --- R-119 ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "declared", "code", "outcome"),
    [
        (DataTag.SPECIAL, {}, "special-data", Outcome.NEEDS),
        (
            DataTag.SPECIAL,
            {"special_ground": SpecialGround.LEGAL_CLAIMS},
            "special-on-ground",
            Outcome.ALLOWED,
        ),
        (
            DataTag.SPECIAL,
            {"special_ground": SpecialGround.EXPLICIT_CONSENT},
            "explicit-consent-missing",
            Outcome.NEEDS,
        ),
        (DataTag.CRIMINAL, {}, "criminal-data", Outcome.FORBIDDEN),
        (
            DataTag.CRIMINAL,
            {"offences_law": "DPA-FI s. 7(1)"},
            "offences-law-named",
            Outcome.ALLOWED,
        ),
        (DataTag.IDENTITY_CODE, {}, "identity-code", Outcome.NEEDS),
        (
            DataTag.IDENTITY_CODE,
            {"identity_code_ground": IdentityCodeGround.RIGHTS_AND_DUTIES},
            "identity-code-on-ground",
            Outcome.ALLOWED,
        ),
    ],
)
def test_closed_data_opens_by_its_own_ground(
    tag: DataTag, declared: dict[str, Any], code: str, outcome: Outcome
) -> None:
    """Special, criminal and identity data are closed until the ground that opens them is named."""
    found = decide(CARE, *customer(), register=tagged(CARE, tag, **declared), field="email")
    assert code in found.codes
    assert found.outcome is outcome


@pytest.mark.parametrize("tag", sorted(set(DataTag) - {DataTag.SPECIAL}))
def test_no_ground_opens_closed_data_to_marketing(tag: DataTag) -> None:
    """Credit data, offences, identity codes, children's, others' and free text never serve it."""
    grounds = {
        "offences_law": "DPA-FI s. 7(1)",
        "identity_code_ground": IdentityCodeGround.LAW,
        "special_ground": SpecialGround.MADE_PUBLIC,
    }
    found = decide(
        MARKETING, *customer(), register=tagged(MARKETING, tag, **grounds), field="email"
    )
    assert found.outcome is Outcome.FORBIDDEN
    assert against(found) == ["closed-to-marketing"]


def explicit(*data: str, said: bool = True) -> ConsentGiven:
    given = evidence(explicit=said, data=[FieldId(name) for name in data])
    return attrs.evolve(consented(MARKETING), evidence=given)


@pytest.mark.parametrize(
    ("fact", "allowed"),
    [
        (None, False),
        (explicit("email"), True),
        (explicit("name"), False),
        (explicit("email", said=False), False),
    ],
)
def test_special_data_serves_marketing_on_explicit_consent_only(
    fact: Fact | None, allowed: bool
) -> None:
    """The consent is express and names that very data; nothing else opens it (R-109)."""
    register = tagged(MARKETING, DataTag.SPECIAL, special_ground=SpecialGround.MADE_PUBLIC)
    facts = [*customer(), *([fact] if fact else [])]
    found = decide(MARKETING, *facts, register=register, field="email")
    assert found.outcome is (Outcome.ALLOWED if allowed else Outcome.FORBIDDEN), against(found)


# --- R-113, R-114 ---------------------------------------------------------------------------------

FITS = Compatibility(reference="assessments/new", decided=date(2026, 1, 5), compatible=True)


def untold(**declared: Any) -> Register:
    """Return the register whose notice at collection does not name the purpose."""
    told = jot().notices[NoticeId("v7")].purposes - {CARE}
    register = with_notice("v7-reminder", purposes=frozenset({CARE}))
    register = with_purpose(CARE, register=register, **declared)
    return with_notice("v7", purposes=told, register=register)


@pytest.mark.parametrize(
    ("declared", "code", "outcome"),
    [
        ({}, "compatibility-missing", Outcome.NEEDS),
        (
            {"compatibility": attrs.evolve(FITS, decided=date(2026, 1, 6))},
            "compatibility-missing",
            Outcome.NEEDS,
        ),
        (
            {"compatibility": attrs.evolve(FITS, compatible=False)},
            "compatibility-failed",
            Outcome.FORBIDDEN,
        ),
        ({"compatibility": FITS}, "purpose-compatible", Outcome.ALLOWED),
        ({"kinds": [PurposeKind.RESEARCH]}, "purpose-presumed-compatible", Outcome.ALLOWED),
        (
            {"basis": LegalBasis.LEGAL_OBLIGATION, "statute": "Accounting Act 2:10"},
            "purpose-by-law",
            Outcome.ALLOWED,
        ),
    ],
)
def test_a_new_purpose_is_compatible_or_by_law(
    declared: dict[str, Any], code: str, outcome: Outcome
) -> None:
    """What no notice at collection named needs a law or an assessment that finds it compatible."""
    told = NoticeGiven(notice=NoticeId("v7-reminder"))
    found = decide(CARE, *customer(), told, register=untold(**declared))
    assert code in found.codes
    assert found.outcome is outcome, against(found)


def test_a_new_purpose_is_told_before_it_starts() -> None:
    """A compatible purpose still waits for its notice (R-114)."""
    register = untold(compatibility=FITS)
    silent = decide(CARE, *customer(), register=register)
    assert {"new-purpose-not-told"} <= set(against(silent))
    told = NoticeGiven(notice=NoticeId("v7-reminder"))
    assert decide(CARE, *customer(), told, register=register)


def test_the_test_does_not_widen_a_consent() -> None:
    """Data collected on consent alone needs a new consent for a new purpose (R-113)."""
    register = untold(compatibility=FITS)
    register = with_notice("v7", purposes=frozenset({NEWSLETTER}), register=register)
    told = NoticeGiven(notice=NoticeId("v7-reminder"))
    found = decide(CARE, *customer(), told, register=register, field="email")
    assert against(found) == ["collected-on-consent"]
    assert found.outcome is Outcome.NEEDS
